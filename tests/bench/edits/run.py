"""Whether what a model writes within the language of edits can be applied.

    python3 tests/bench/edits/run.py REPOSITORY... [--requests 20] [--model starter]
        [--temperatures 0 0.7 1.5]

asks for the same changes at each temperature, and counts the requests that end in a diff which
`git apply` takes and which changes something. Then it has answers written by pure chance within
the grammar (`homebody debug walks`, of a homebody built with `--features lab`), which tells whether
every edit applies, and what asking the grammar takes. HOMEBODY names the program
(target/release/homebody if not set).
"""

import argparse
import json
import os
import random
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
WISHES = [
    "Add a comment that says what the first function of @{file} does.",
    "Rename a local variable in @{file} so that its name says more.",
    "Return early where the input is empty in @{file}.",
    "Make an error message in @{file} clearer.",
    "Remove code that is never used from @{file}.",
    "Add a new constant for a number that is written out in @{file}.",
    "Fix a spelling mistake in a comment of @{file}.",
    "Split a long function of @{file} in two.",
    "Check the arguments of a function in @{file}.",
    "Simplify a condition in @{file}.",
]
SOURCES = (".py", ".rs", ".go", ".c", ".js", ".ts", ".java", ".rb", ".cpp")


def files(repository):
    """Sources of some hundred lines."""
    listed = subprocess.run(
        ["git", "-C", repository, "ls-files"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    sizes = ((name, os.path.join(repository, name)) for name in listed if name.endswith(SOURCES))
    return [name for name, path in sizes if 1_000 < os.path.getsize(path) < 12_000]


def applies(homebody, repository, wish, temperature, seed, model):
    """Whether a request ends in a diff that git takes, and seconds."""
    command = [homebody, "-C", repository, "--model", model, "--seed", str(seed)]
    # With a budget that does not follow the speed, so that a second run asks the same.
    command += ["--temperature", str(temperature), "--budget", "1000", "-q", "patch", wish]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr.decode("utf8", "replace"))
    if done.returncode or not done.stdout.strip():
        return False
    check = ["git", "-C", repository, "apply", "--check", "-"]
    return subprocess.run(check, input=done.stdout, capture_output=True, check=False).returncode == 0


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("repositories", nargs="+")
    arguments.add_argument("--requests", type=int, default=20, help="of each repository")
    arguments.add_argument("--model", default="starter")
    arguments.add_argument("--temperatures", type=float, nargs="+", default=[0, 0.7, 1.5])
    arguments.add_argument("--walks", type=int, default=1_000, help="0 for none")
    chosen = arguments.parse_args()
    default = os.path.join(HERE, "../../../target/release/homebody")
    homebody = os.path.abspath(os.environ.get("HOMEBODY", default))
    cases = []
    for repository in chosen.repositories:
        names = files(repository)
        chance = random.Random(os.path.basename(os.path.abspath(repository)))
        for number in range(chosen.requests):
            wish = WISHES[number % len(WISHES)].format(file=chance.choice(names))
            cases.append((repository, wish, number))
    print(f"{len(cases)} requests on {len(chosen.repositories)} repositories, {chosen.model}")
    for temperature in chosen.temperatures:
        good, begun = 0, time.monotonic()
        for repository, wish, seed in cases:
            fine = applies(homebody, repository, wish, temperature, seed, chosen.model)
            if not fine:
                print("  none applies:", repository, wish)
            good += fine
        seconds = (time.monotonic() - begun) / len(cases)
        told = f"{good} of {len(cases)} ({seconds:.0f} s each)"
        print(f"temperature {temperature:g}: {told}", flush=True)
    for vocabulary in (0, 248_320) if chosen.walks else ():
        command = [homebody, "-C", chosen.repositories[0], "--model", chosen.model]
        command += ["debug", "walks", "--walks", str(chosen.walks)]
        command += ["--vocabulary", str(vocabulary)]
        told = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
        print(
            f"{told['walks']} answers by chance: {told['edits']} edits, {told['dropped']} dropped, "
            f"{told['changed_lines']} lines changed, {told['still_parse']} of {told['parsed']} files "
            f"parse as before, {len(told['faults'])} faults; µs a token (mean, p99): heads and old text "
            f"{told['strict_us'][0]:.1f} {told['strict_us'][1]:.1f}, "
            f"free text {told['free_us'][0]:.1f} {told['free_us'][1]:.1f}"
        )


if __name__ == "__main__":
    main()
