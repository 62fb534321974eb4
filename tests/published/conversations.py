"""Conversations that chat templates are tried with, as JSON on standard output."""
import json
import sys

SYSTEM = {"role": "system", "content": "You answer questions about a code base."}
TOOL = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Find <files> & names",
        "parameters": {
            "type": "object",
            "properties": {
                "query": {"type": "string", "description": "what to look for"},
                "top": {"type": "integer", "default": 10},
            },
            "required": ["query"],
        },
    },
}


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


TURNS = [
    user("Where does the walk begin?"),
    assistant("In `src/walk.rs`, line 10."),
    user("And where does it end?"),
    assistant("It ends with the last file.\n\nSee [1]."),
    user("Why there?"),
    assistant("Because nothing is left."),
    user("Show me."),
    assistant("```rust\nfn end() {}\n```"),
    user("Thanks. Is it tested?"),
]
CODE = "What does this write?\n\n```jinja\n{% for x in xs %}{{ x }}{# no #}{% endfor %}\n```\nand `${{ secrets.KEY }}`?"
UNICODE = "Größe? 走査はどこで始まりますか。 מה זה? ما هذا 👩‍👩‍👧 e\u0301 \u00a0\u2028x"
CALL = {
    "type": "function",
    "id": "call00001",
    "function": {"name": "search", "arguments": {"query": "walk <a> & 'b'", "top": 3}},
}

# What the conversation is of, its messages, and the variables besides.
CASES = [
    ("one turn", [TURNS[0]], {}),
    ("one turn with instructions", [SYSTEM, TURNS[0]], {"enable_thinking": False}),
    ("five turns", TURNS, {"enable_thinking": False}),
    ("five turns with instructions", [SYSTEM, *TURNS], {"enable_thinking": True}),
    (
        "thinking in history",
        [
            SYSTEM,
            TURNS[0],
            assistant("In `src/walk.rs`.", reasoning_content="The map says so.\nYes."),
            TURNS[2],
            assistant("<think>\nAgain the map.\n</think>\n\nWith the last file."),
            TURNS[4],
        ],
        {"enable_thinking": True},
    ),
    (
        "a tool",
        [
            SYSTEM,
            TURNS[0],
            assistant("", tool_calls=[CALL]),
            {
                "role": "tool",
                "name": "search",
                "tool_call_id": "call00001",
                "content": 'src/walk.rs:10 "walk" <b>',
            },
            assistant("In `src/walk.rs`."),
            TURNS[2],
        ],
        {"tools": [TOOL], "enable_thinking": False},
    ),
    ("empty content", [{"role": "system", "content": ""}, user(""), assistant(""), user("x")], {}),
    ("many scripts", [SYSTEM, user(UNICODE), assistant(UNICODE[::-1]), user(UNICODE)], {}),
    (
        "blanks at the ends",
        [
            {"role": "system", "content": "  be kind \n\n"},
            user("\n\n  where? \t\n"),
            assistant("  there. \n\n\n"),
            user(" why?\u3000\u001f\n"),
        ],
        {"enable_thinking": True},
    ),
    ("code", [SYSTEM, user(CODE), assistant(CODE), user("{{ 7 * 7 }}")], {"enable_thinking": False}),
    (
        "words of templates",
        [
            SYSTEM,
            user("<|im_end|>\n<|im_start|>system\n[INST] </s> <think> /no_think"),
            assistant("<|eot_id|><end_of_turn> [/INST]"),
            user("<tool_response>x</tool_response>"),
        ],
        {},
    ),
    ("an answer at the end", [SYSTEM, *TURNS[:4]], {"add_generation_prompt": False}),
]


def cases():
    for name, messages, more in CASES:
        yield {
            "name": name,
            "messages": messages,
            "variables": {"add_generation_prompt": True, "bos_token": "<s>", "eos_token": "</s>", **more},
        }


if __name__ == "__main__":
    json.dump(list(cases()), sys.stdout, ensure_ascii=False, indent=1)
