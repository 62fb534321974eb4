"""Whether commits that were made can be said as edits, token by token within the grammar.

    python3 tests/bench/edits/commits.py REPOSITORY... [--commits 200] [--model starter]

takes the newest commits that are no merges and change at most 20 text files, writes each as an
answer in two forms (text replaced; lines written anew), and counts those that the grammar takes and
that make the same files byte for byte. HOMEBODY names the program.
"""

import argparse
import collections
import json
import os
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def git(repository, *words):
    done = subprocess.run(["git", "-C", repository, *words], capture_output=True, check=True)
    return done.stdout


def text(repository, revision, path):
    """The text of a file, or none where it is no text or too large."""
    data = git(repository, "cat-file", "blob", f"{revision}:{path}")
    if len(data) > 1_000_000 or b"\0" in data:
        return None
    try:
        return data.decode("utf8")
    except UnicodeDecodeError:
        return None


def changes(repository, most):
    """Commits as lists of files with their texts before and after."""
    listed = git(repository, "log", "--no-merges", "--format=%H", "-n", str(4 * most)).decode()
    found = []
    for commit in listed.split():
        if len(found) >= most:
            break
        raw = git(
            repository, "diff-tree", "-r", "-M", "--no-commit-id", "--root", "-z", commit
        ).decode("utf8", "replace")
        parts = raw.rstrip("\0").split("\0")
        pairs, at = [], 0
        while pairs is not None and at < len(parts) and parts[at].startswith(":"):
            before_mode, after_mode, _, _, status = parts[at][1:].split(" ")
            path = parts[at + 1]
            to = parts[at + 2] if status[0] == "R" else None
            at += 3 if status[0] == "R" else 2
            plain = {"100644", "100755", "000000"}
            if not {before_mode, after_mode} <= plain or status[0] not in "AMDR":
                pairs = None
                break
            before = None if status == "A" else text(repository, commit + "^", path)
            after = None if status == "D" else text(repository, commit, to or path)
            if (before is None and status != "A") or (after is None and status != "D"):
                pairs = None
                break
            if before == after and to is None:
                continue  # only its mode changed
            pairs.append({"path": path, "to": to, "before": before, "after": after})
        if pairs and len(pairs) <= 20:
            found.append(pairs)
    return found


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("repositories", nargs="+")
    arguments.add_argument("--commits", type=int, default=200)
    arguments.add_argument("--model", default="starter")
    chosen = arguments.parse_args()
    default = os.path.join(HERE, "../../../target/release/homebody")
    homebody = os.path.abspath(os.environ.get("HOMEBODY", default))
    totals, reasons = collections.Counter(), collections.Counter()
    for repository in chosen.repositories:
        commits = changes(repository, chosen.commits)
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            for pairs in commits:
                file.write(json.dumps(pairs) + "\n")
            file.flush()
            command = [homebody, "--model", chosen.model, "debug", "replay", file.name]
            lines = subprocess.run(command, capture_output=True, check=True).stdout.splitlines()
        told = [json.loads(line) for line in lines]
        name = os.path.basename(os.path.abspath(repository))
        several = sum(len(pairs) > 1 for pairs in commits)
        shares = []
        for form, of_form in (("replace", told[0::2]), ("rewrite", told[1::2])):
            good = sum(not one["refused"] for one in of_form)
            totals[form] += good
            shares.append(f"{form} {good} of {len(commits)}")
            for pairs, one in zip(commits, of_form):
                if one["refused"]:
                    reasons[f"{form}: {one['refused'][:150]}"] += 1
        totals["all"] += len(commits)
        print(f"{name}: {len(commits)} commits, {several} of several files; " + ", ".join(shares))
    for form in ("replace", "rewrite"):
        print(f"{form}: {totals[form]} of {totals['all']} commits")
    for reason, count in reasons.most_common(25):
        print(f"  {count} {reason}")


if __name__ == "__main__":
    main()
