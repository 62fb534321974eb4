"""Holds the languages of answers as homebody prints them against engines that take grammars by
text: llguidance reads the Lark form, xgrammar the GBNF form.

All that homebody's automaton takes they must take. What they take beyond it must fall under a
rule that homebody names; these are counted.

    compare.py HOMEBODY REPOSITORY FILE...

FILE are those that edits may change. Needs llguidance, xgrammar and apache-tvm-ffi.
"""

import collections
import json
import subprocess
import sys
import types

import llguidance
import tvm_ffi  # noqa: F401  before the stand-ins: it looks for torch, too

STRINGS = 2000


class Nothing:
    """Takes everything and does nothing."""

    def __init__(self, *_, **__):
        pass


class StandIn(types.ModuleType):
    """A module whose every name is an empty class: xgrammar's Python side names tensors and
    tokenizers of packages that its matcher does not use."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (Nothing,), {})


for name in ("torch", "transformers"):
    sys.modules[name] = StandIn(name)
import xgrammar  # noqa: E402
from xgrammar.testing import _is_grammar_accept_string  # noqa: E402


def printed(command, notation):
    done = subprocess.run(command + ["--notation", notation], check=True, capture_output=True)
    return done.stdout.decode()


def lark(text):
    tokens = llguidance.LLTokenizer("byte")
    grammar = llguidance.LLMatcher.grammar_from_lark(text)
    start = llguidance.LLMatcher(tokens, grammar)
    if start.get_error():
        sys.exit(f"llguidance does not read the grammar: {start.get_error()}")

    def takes(answer):
        matcher = start.deep_copy()
        answer = answer.encode()
        return matcher.try_consume_tokens(list(answer)) == len(answer) and matcher.is_accepting()

    return takes


def gbnf(text):
    grammar = xgrammar.Grammar.from_ebnf(text)
    return lambda answer: _is_grammar_accept_string(grammar, answer)


def main():
    homebody, repository, *files = sys.argv[1:]
    failed = False
    for language in ("patch", "review", "verdict"):
        named = files if language == "patch" else []
        command = [homebody, "-C", repository, "debug", "grammar", language] + named
        engines = {"llguidance": lark(printed(command, "lark")), "xgrammar": gbnf(printed(command, "gbnf"))}
        done = subprocess.run(command + ["--strings", str(STRINGS)], check=True, capture_output=True)
        strings = [json.loads(line) for line in done.stdout.decode().splitlines()]
        taken = sum(string["accepted"] for string in strings)
        # Else nothing would be compared.
        failed |= len(strings) != STRINGS or not STRINGS / 10 < taken < STRINGS * 9 / 10
        print(f"{language}: {len(strings)} strings, {taken} are answers")
        for name, takes in engines.items():
            lost, unnamed, beyond = [], [], collections.Counter()
            for string in strings:
                it = takes(string["text"])
                if string["accepted"] and not it:
                    lost.append(string["text"])
                if it and not string["accepted"]:
                    beyond[string["beyond"]] += 1
                    if string["beyond"] is None:
                        unnamed.append(string["text"])
            rules = ", ".join(f"{rule} {count}" for rule, count in sorted(beyond.items(), key=str))
            print(f"  {name}: {len(lost)} answers not taken; taken beyond them: {rules or 'none'}")
            for text in (lost + unnamed)[:3]:
                print(f"    {text!r}")
            failed |= bool(lost or unnamed)
    sys.exit(failed)


if __name__ == "__main__":
    main()
