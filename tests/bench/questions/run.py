"""Whether the lines that answer a question are among those that the model is shown.

    python3 tests/bench/questions/run.py REPOSITORY... [--questions 300] [--budget 3000]
        [--model starter] [--seed 1] [--show] [--out FILE.json]

makes questions out of the code itself, whose answers are lines of it: who calls a function, what a
constant is, where an error comes from, where a field is set. For each it asks `homebody context ask`
what would be shown within a budget of tokens, and counts a question as answered where a line of the
answer is shown. Definitions are listed by universal-ctags (Debian's package), not by homebody's own
index, so that what the index misses is missed here too. HOMEBODY names the program
(target/release/homebody if not set). Prints a table by kind and repository, with 95 % intervals.
"""

import argparse
import collections
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ASIDE = re.compile(r"(^|[/_.-])(tests?|specs?|examples?|bench(es|marks?)?|vendor(ed)?|third_party|docs?|fixtures)([/_.-]|$)", re.I)
SOURCES = (".py", ".rs", ".go", ".c", ".h", ".cc", ".cpp", ".js", ".ts", ".java", ".rb", ".php", ".cs", ".kt", ".swift", ".scala", ".ex", ".lua")
ERRORS = re.compile(r"error|panic|raise|throw|fail|bail|exception|fatal|\berr\b", re.I)
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.){16,120})"')
SET = re.compile(r"\.([a-z]\w{4,})\s*=(?![=>])")
CONSTANT = re.compile(r"^[A-Z][A-Z0-9]+(_[A-Z0-9]+)+$")
# Words that make a call or a name of any language, and none of its own.
COMMON = {"main", "init", "new", "get", "set", "run", "test", "next", "open", "close", "read", "write"}


def listed(repository):
    """The sources of a repository that are no tests, with their lines."""
    names = subprocess.run(
        ["git", "-C", repository, "ls-files", "-z"], capture_output=True, check=True
    ).stdout.decode("utf8", "replace")
    files = {}
    for name in filter(None, names.split("\0")):
        path = os.path.join(repository, name)
        if not name.endswith(SOURCES) or ASIDE.search(name) or ".min." in name or os.path.islink(path):
            continue
        if os.path.isfile(path) and os.path.getsize(path) < 300_000:
            with open(path, encoding="utf8", errors="replace") as file:
                files[name] = file.read().split("\n")
    return files


def definitions(repository, files):
    """Name, kind, file and lines of each definition, by ctags."""
    done = subprocess.run(
        ["ctags", "--output-format=json", "--fields=+neK", "-L", "-", "-f", "-"],
        cwd=repository, input="\n".join(files), capture_output=True, text=True, check=True,
    )
    for line in done.stdout.splitlines():
        tag = json.loads(line)
        if tag.get("_type") == "tag" and tag["path"] in files:
            yield tag["name"], tag.get("kind", ""), tag["path"], tag["line"], tag.get("end", tag["line"])


def callers(files, found):
    """Functions that are called in few places: the lines of the calls."""
    functions = collections.defaultdict(list)
    for name, kind, path, first, last in found:
        if kind in ("function", "method", "member", "func", "singletonMethod") and len(name) > 4:
            functions[name].append((path, first, last))
    calls = collections.defaultdict(list)
    for path, lines in files.items():
        for number, line in enumerate(lines, 1):
            for name in set(re.findall(r"\b([A-Za-z_]\w{4,})\s*\(", line)):
                calls[name].append((path, number))
    for name, places in functions.items():
        if len(places) != 1 or name.lower() in COMMON:
            continue
        path, first, last = places[0]
        own = lambda place: place[0] == path and first <= place[1] <= last
        others = [place for place in calls[name] if not own(place)]
        if 1 <= len(others) <= 4:
            yield "who calls", f"who calls {name}?", others


def constants(found):
    """Constants by the words of their names."""
    places = collections.defaultdict(list)
    for name, _, path, first, _ in found:
        if CONSTANT.match(name) and len(name) > 8:
            places[name].append((path, first))
    for name, lines in places.items():
        if len(lines) == 1:
            yield "which constant", f"what is the {name.lower().replace('_', ' ')}?", lines


def errors(files):
    """Texts of errors, as a user would paste them."""
    places = collections.defaultdict(list)
    for path, lines in files.items():
        for number, line in enumerate(lines, 1):
            if ERRORS.search(line) or (number > 1 and ERRORS.search(lines[number - 2])):
                for text in LITERAL.findall(line):
                    # Up to the first place that is filled in.
                    text = re.split(r"[{%\\$]|: *$", text)[0].strip(" :,.'`")
                    if len(re.findall(r"[A-Za-z]{2,}", text)) >= 4:
                        places[text].append((path, number))
    for text, lines in places.items():
        if len(lines) <= 2:
            yield "which error", f"where does the error {text} come from?", lines


def setters(files):
    """Fields that are set in few places."""
    places = collections.defaultdict(list)
    for path, lines in files.items():
        for number, line in enumerate(lines, 1):
            for name in set(SET.findall(line)):
                places[name].append((path, number))
    for name, lines in places.items():
        if len(lines) <= 3 and name not in COMMON:
            yield "where set", f"where is {name} set?", lines


def shown(homebody, repository, question, arguments):
    """The lines that would be shown, as ranges by file; tokens; seconds."""
    command = [homebody, "-C", repository, "--model", arguments.model, "--budget", str(arguments.budget)]
    begun = time.monotonic()
    done = subprocess.run(
        command + ["context", "ask", "--json", question], capture_output=True, text=True, check=False
    )
    took = time.monotonic() - begun
    if done.returncode:
        raise RuntimeError(done.stderr)
    context = json.loads(done.stdout)["context"]
    ranges = [(e["path"], e["range"]["start"], e["range"]["end"]) for e in context["excerpts"]]
    return ranges, context["tokens"], took


def interval(hits):
    """Share, and a 95 % interval by resampling."""
    if not hits:
        return "–"
    draw = random.Random(7)
    means = sorted(sum(draw.choices(hits, k=len(hits))) / len(hits) for _ in range(1000))
    return f"{sum(hits) / len(hits):.3f} [{means[25]:.2f}–{means[974]:.2f}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", nargs="+")
    parser.add_argument("--questions", type=int, default=300, help="questions in all")
    parser.add_argument("--budget", type=int, default=3000)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="print the questions that fail")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    if not shutil.which("ctags"):
        sys.exit("questions: no ctags here; `apt-get install universal-ctags` brings it")
    homebody = os.environ.get("HOMEBODY") or os.path.join(HERE, "../../../target/release/homebody")
    homebody = os.path.realpath(homebody)
    draw, results = random.Random(arguments.seed), []
    each = max(1, arguments.questions // (4 * len(arguments.repository)))
    for repository in arguments.repository:
        files = listed(repository)
        found = list(definitions(repository, files))
        kinds = [list(callers(files, found)), list(constants(found)), list(errors(files)), list(setters(files))]
        subprocess.run([homebody, "-q", "-C", repository, "index"], check=True, stdout=subprocess.DEVNULL)
        for questions in kinds:
            questions.sort()
            for kind, question, lines in draw.sample(questions, min(each, len(questions))):
                ranges, tokens, took = shown(homebody, repository, question, arguments)
                within = lambda place: any(p == place[0] and a <= place[1] <= b for p, a, b in ranges)
                hit = any(within(place) for place in lines)
                results.append((os.path.basename(repository.rstrip("/")), kind, question, hit, tokens, took))
                if arguments.show and not hit:
                    print(f"{results[-1][0]}: {question}  {lines[:2]}", file=sys.stderr)
    table(results)
    if arguments.out:
        with open(arguments.out, "w", encoding="utf8") as file:
            json.dump(results, file)


def table(results):
    kinds = sorted({result[1] for result in results})
    names = list(dict.fromkeys(result[0] for result in results))
    print("| answered | n | " + " | ".join(kinds) + " | all |\n|---" * 1 + "|---|" + "---|" * (len(kinds) + 1))
    for name in names + ["all"]:
        own = [result for result in results if name in (result[0], "all")]
        cells = [interval([r[3] for r in own if r[1] == kind]) for kind in kinds]
        print(f"| {name} | {len(own)} | " + " | ".join(cells) + f" | {interval([r[3] for r in own])} |")
    tokens = sorted(result[4] for result in results)
    times = sorted(result[5] for result in results)
    middle = len(results) // 2
    print(f"\n{tokens[middle]} tokens shown, {times[middle] * 1000:.0f} ms a question in the middle, the start of the program with it")


if __name__ == "__main__":
    main()
