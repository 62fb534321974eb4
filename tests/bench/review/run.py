"""How good reviews are: defects that are found, findings where nothing is wrong, and the time.

    python3 tests/bench/review/run.py REPOSITORY... [--model starter] [--cases 40]

takes small commits of each repository. As they are, they count as clean. With a classic mistake
put into one of their added lines (another comparison, a boolean turned round, one more or less),
and commits that mended something taken back, they are defective. Each is staged in a working tree
of its own and reviewed by `homebody review`. Printed are the share of the defects with a finding at
a line of theirs, findings per clean change, seconds per 100 changed lines, and the share of
findings that the second look dropped. HOMEBODY names the program (target/release/homebody if not
set).
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = (".py", ".rs", ".go", ".c", ".js", ".ts", ".java", ".rb", ".cpp")
MOST = 60
MISTAKES = [
    (r"==", "!="), (r"!=", "=="), (r"<=", "<"), (r">=", ">"), (r" < ", " <= "), (r" > ", " >= "),
    (r"\band\b", "or"), (r"\bor\b", "and"), (r"&&", "||"), (r"\|\|", "&&"),
    (r"\bTrue\b", "False"), (r"\bFalse\b", "True"), (r"\btrue\b", "false"), (r"\bfalse\b", "true"),
    (r"\bnot ", ""), (r"!(?=[a-z(])", ""), (r" \+ 1\b", " - 1"), (r" - 1\b", " + 1"),
    (r"\bis None\b", "is not None"), (r"\.is_none\(\)", ".is_some()"), (r"\.is_some\(\)", ".is_none()"),
    (r"\[0\]", "[1]"), (r"\bmin\(", "max("), (r"\bmax\(", "min("),
]


def git(folder, *arguments):
    done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.decode("utf8", "replace"))
    return done.stdout.decode("utf8", "replace")


def commits(repository):
    """Small commits of sources alone: id, subject, files, changed lines."""
    told = git(repository, "log", "--no-merges", "-3000", "--format=%x01%H %s", "--numstat")
    for block in told.split("\x01")[1:]:
        head, *rest = block.strip().splitlines()
        rows = [row.split("\t") for row in rest if row.count("\t") == 2]
        files = [row[2] for row in rows]
        if not files or len(files) > 3 or any("=>" in name or row[0] == "-" for name, row in zip(files, rows)):
            continue
        lines = sum(int(row[0]) + int(row[1]) for row in rows)
        if 3 <= lines <= MOST and all(name.endswith(SOURCES) for name in files):
            yield head.split(" ", 1)[0], head.split(" ", 1)[-1], files, lines


def stage(work, base, other, files):
    """The working tree at `base`, with `files` as `other` has them staged."""
    git(work, "reset", "-q", "--hard")
    git(work, "clean", "-q", "-fd")
    git(work, "checkout", "-q", "--detach", base)
    for name in files:
        there = subprocess.run(["git", "-C", work, "cat-file", "-e", f"{other}:{name}"], capture_output=True, check=False)
        if there.returncode == 0:
            git(work, "checkout", "-q", other, "--", name)
        else:
            git(work, "rm", "-q", "--ignore-unmatch", "--", name)


def added(work):
    """Lines that are staged as added: file, number, text."""
    name, number, found = None, 0, []
    for line in git(work, "diff", "--cached", "-U0").splitlines():
        if line.startswith("+++ b/"):
            name = line[6:]
        elif match := re.match(r"@@ -\S+ \+(\d+)", line):
            number = int(match[1])
        elif line.startswith("+") and not line.startswith("+++"):
            found.append((name, number, line[1:]))
            number += 1
    return found


def mistake(work, chance):
    """Puts one mistake into a staged line; gives its place."""
    lines = added(work)
    chance.shuffle(lines)
    for name, number, text in lines:
        if re.match(r"\s*(#|//|/\*|\*|import|use |from )", text):
            continue
        rules = [rule for rule in MISTAKES if re.search(rule[0], text)]
        if not rules:
            continue
        form, new = chance.choice(rules)
        path = os.path.join(work, name)
        with open(path, encoding="utf8", newline="") as file:
            content = file.read().split("\n")
        content[number - 1] = re.sub(form, new, content[number - 1], count=1)
        with open(path, "w", encoding="utf8", newline="") as file:
            file.write("\n".join(content))
        git(work, "add", "--", name)
        return {(name, number)}
    return None


def changed(work):
    """All lines of the staged diff, on either side."""
    name, old, new, found = None, 0, 0, set()
    for line in git(work, "diff", "--cached", "-U0").splitlines():
        if line.startswith(("+++ b/", "--- a/")):
            name = line[6:]
        elif match := re.match(r"@@ -(\d+)\S* \+(\d+)", line):
            old, new = int(match[1]), int(match[2])
        elif line.startswith("+"):
            found.add((name, new))
            new += 1
        elif line.startswith("-"):
            found.add((name, old))
            old += 1
    return found


def review(homebody, work, model, seed):
    command = [homebody, "-C", work, "--model", model, "--seed", str(seed), "--budget", "1000"]
    command += ["review", "--format", "json", "--anew"]
    begun = time.monotonic()
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr.decode("utf8", "replace"))
    fallen = re.search(rb"(\d+) findings? (?:was|were) dropped, not", done.stderr)
    found = [f for f in json.loads(done.stdout)["findings"] if "rule" not in f]
    return found, int(fallen[1]) if fallen else 0, time.monotonic() - begun


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("repositories", nargs="+")
    arguments.add_argument("--model", default="starter")
    arguments.add_argument("--cases", type=int, default=40, help="clean ones, and as many defective ones")
    chosen = arguments.parse_args()
    homebody = os.path.abspath(os.environ.get("HOMEBODY", os.path.join(HERE, "../../../target/release/homebody")))
    chance, seed = random.Random(7), 0
    tally = {kind: {"cases": 0, "hit": 0, "found": 0, "fallen": 0, "lines": 0, "seconds": 0.0} for kind in ("clean", "mistake", "taken back")}
    each = -(-chosen.cases // len(chosen.repositories))
    for repository in chosen.repositories:
        folder = tempfile.mkdtemp()
        work = os.path.join(folder, os.path.basename(os.path.abspath(repository)))
        try:
            git(repository, "worktree", "add", "-q", "--detach", work, "HEAD")
            all_of_it = list(commits(repository))
            mended = [c for c in all_of_it if re.search(r"\b(fix|bug|crash|wrong|correct)", c[1], re.I)]
            others = [c for c in all_of_it if c not in mended]
            chance.shuffle(mended)
            chance.shuffle(others)
            wanted = {"clean": each, "mistake": each - each // 2, "taken back": each // 2}
            plans = [("clean", c) for c in others] + [("mistake", c) for c in others[each:]]
            plans += [("taken back", c) for c in mended]
            for kind, (commit, _, files, lines) in plans:
                if not wanted[kind]:
                    continue
                try:
                    before, after = (commit, commit + "^") if kind == "taken back" else (commit + "^", commit)
                    stage(work, before, after, files)
                    places = mistake(work, chance) if kind == "mistake" else changed(work)
                except (RuntimeError, UnicodeDecodeError, IndexError):
                    continue
                if not places:
                    continue
                wanted[kind] -= 1
                found, fallen, seconds = review(homebody, work, chosen.model, seed)
                seed += 1
                row = tally[kind]
                row["cases"] += 1
                row["hit"] += any((f["path"], f["line"]) in places for f in found)
                row["found"] += len(found)
                row["fallen"] += fallen
                row["lines"] += lines
                row["seconds"] += seconds
        finally:
            subprocess.run(["git", "-C", repository, "worktree", "remove", "--force", work], capture_output=True, check=False)
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{chosen.model} on {', '.join(os.path.basename(os.path.abspath(r)) for r in chosen.repositories)}")
    bad = [tally["mistake"], tally["taken back"]]
    for kind in ("mistake", "taken back"):
        row = tally[kind]
        print(f"{kind}: {row['hit']} of {row['cases']} with a finding at the line, {row['found']} findings in all")
    clean = tally["clean"]
    print(f"clean: {clean['found'] / max(1, clean['cases']):.2f} findings per change ({clean['cases']} changes)")
    rows = [clean, *bad]
    total = {key: sum(row[key] for row in rows) for key in clean}
    print(f"{total['seconds'] / max(1, total['lines']) * 100:.1f} s per 100 changed lines ({total['lines']} lines)")
    share = total["fallen"] / max(1, total["fallen"] + total["found"])
    print(f"the second look dropped {total['fallen']} of {total['fallen'] + total['found']} findings ({share:.0%})")


if __name__ == "__main__":
    main()
