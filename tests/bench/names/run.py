"""Whether the definition of a name is among the first that a search finds.

    python3 tests/bench/names/run.py REPOSITORY... [--names 300] [--seed 1] [--show] [--out FILE.json]

draws names of definitions at random, those that several definitions have among them, and asks for
each in the forms people use: the name alone, "what does NAME do?", with its kind, behind the name of
what holds it, in another case style. A query counts where a definition of the name, whichever, is
shown by one of the first three hits. Definitions are listed by universal-ctags (Debian's package), not
by homebody's own index, so that what the index misses is missed here too. HOMEBODY names the program
(target/release/homebody if not set). Prints a table by form, with 95 % intervals, and times.
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
sys.path.insert(0, os.path.join(HERE, "../questions"))
from run import SOURCES, interval  # noqa: E402

# Kinds of ctags that people call definitions, by the word they say for them.
KINDS = {
    "class": "class", "struct": "struct", "interface": "interface", "trait": "trait", "enum": "enum",
    "function": "function", "func": "function", "method": "method", "singletonMethod": "method",
    "macro": "macro", "typedef": "type", "type": "type", "protocol": "protocol", "module": "module",
}


def definitions(repository):
    """Name, kind, scope, file and lines of each definition of a source."""
    names = subprocess.run(
        ["git", "-C", repository, "ls-files"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    names = [
        name for name in names
        if name.endswith(SOURCES) and ".min." not in name and not re.search(r"(^|/)(docs?|vendor|third_party)/", name) and os.path.isfile(os.path.join(repository, name))
        and os.path.getsize(os.path.join(repository, name)) < 500_000
    ]
    done = subprocess.run(
        ["ctags", "--output-format=json", "--fields=+neKsS", "-L", "-", "-f", "-"],
        cwd=repository, input="\n".join(names), capture_output=True, text=True, check=True,
    )
    for line in done.stdout.splitlines():
        tag = json.loads(line)
        kind = KINDS.get(tag.get("kind", ""))
        name = tag.get("name", "")
        if kind and re.fullmatch(r"[A-Za-z_]\w{2,}", name) and not re.match("__anon|AnonymousFunction", name):
            yield name, kind, tag.get("scope", ""), tag["path"], tag["line"]


def spelled(name):
    """The name in another case style, as words."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    return " ".join(part.lower() for part in parts)


def forms(name, kind, scope):
    yield "name", name
    yield "what does it do", f"what does {name} do?"
    yield "with its kind", f"{kind} {name}"
    if scope and re.fullmatch(r"[\w.:]+", scope) and "Anonymous" not in scope:
        holder = re.split(r"[.:]+", scope)[-1]
        yield "in its holder", f"{holder}.{name}"
    if spelled(name) != name.lower() and len(spelled(name)) > 4:
        yield "as words", spelled(name)


def search(homebody, repository, query):
    begun = time.monotonic()
    done = subprocess.run(
        [homebody, "-C", repository, "search", "--format", "json", "--top", "10", query],
        capture_output=True, text=True, check=False,
    )
    took = time.monotonic() - begun
    hits = [json.loads(line) for line in done.stdout.splitlines()]
    return [hit for hit in hits if hit.get("type") == "hit"], took


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", nargs="+")
    parser.add_argument("--names", type=int, default=300, help="names in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="print the queries that fail")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    if not shutil.which("ctags"):
        sys.exit("names: no ctags here; `apt-get install universal-ctags` brings it")
    homebody = os.environ.get("HOMEBODY") or os.path.join(HERE, "../../../target/release/homebody")
    homebody = os.path.realpath(homebody)
    draw, results = random.Random(arguments.seed), []
    each = max(1, arguments.names // len(arguments.repository))
    for repository in arguments.repository:
        found = list(definitions(repository))
        places = collections.defaultdict(list)
        for name, kind, scope, path, line in found:
            places[name].append((path, line))
            places[spelled(name)].append((path, line))
            places[name, scope].append((path, line))
        subprocess.run([homebody, "-q", "-C", repository, "index"], check=True, stdout=subprocess.DEVNULL)
        for name, kind, scope, path, line in draw.sample(found, min(each, len(found))):
            for form, query in forms(name, kind, scope):
                key = {"in its holder": (name, scope), "as words": spelled(name)}.get(form, name)
                hits, took = search(homebody, repository, query)
                right = [
                    at for at, hit in enumerate(hits)
                    if any(p == hit["path"] and hit["start"] <= n <= hit["end"] for p, n in places[key])
                ]
                rank = right[0] if right else 99
                results.append((os.path.basename(repository.rstrip("/")), form, query, rank, len(places[key]), took))
                if arguments.show and rank > 2:
                    print(f"{results[-1][0]}: {query}  {places[key][:2]} {rank}", file=sys.stderr)
    table(results)
    if arguments.out:
        with open(arguments.out, "w", encoding="utf8") as file:
            json.dump(results, file)


def table(results):
    names = list(dict.fromkeys(result[1] for result in results)) + ["all"]
    print("| among the first three | n | all | of one definition | of several | first |\n|---|---|---|---|---|---|")
    for form in names + list(dict.fromkeys(result[0] for result in results)):
        own = [r for r in results if form in (r[0], r[1], "all")]
        share = lambda rows, most=3: interval([r[3] < most for r in rows])
        several = [r for r in own if r[4] > 1]
        single = [r for r in own if r[4] == 1]
        print(f"| {form} | {len(own)} | {share(own)} | {share(single)} | {share(several)} | {share(own, 1)} |")
    times = sorted(result[5] for result in results)
    print(f"\n{times[len(times) // 2] * 1000:.0f} ms a query in the middle, the start of the program with it")


if __name__ == "__main__":
    main()
