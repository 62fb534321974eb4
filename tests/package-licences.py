"""Writes the licences of everything that is linked into homebody, from cargo's metadata.

    cargo metadata --format-version 1 | python3 tests/package-licences.py > THIRD-PARTY

Each text once, under the names of the packages that carry it. A package without a text of its own
is named with its licence's short name.
"""

import collections
import json
import pathlib
import re
import sys


def linked(metadata):
    """The packages that the program holds: no build scripts' and no tests' dependencies."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    waiting, seen = [metadata["resolve"]["root"]], set()
    while waiting:
        package = waiting.pop()
        if package in seen:
            continue
        seen.add(package)
        for dep in nodes[package]["deps"]:
            if any(kind["kind"] is None for kind in dep["dep_kinds"]):
                waiting.append(dep["pkg"])
    return [package for package in metadata["packages"] if package["id"] in seen and package["source"]]


def texts(package):
    folder = pathlib.Path(package["manifest_path"]).parent
    named = re.compile(r"(licen[cs]e|copying|notice|copyright|unlicense)", re.I)
    # What a package brings along in C lies in a folder of it.
    for path in sorted([*folder.iterdir(), *folder.glob("*/*")]):
        if path.is_file() and named.match(path.name) and path.suffix not in (".rs", ".toml"):
            yield path.read_text("utf-8", "replace").strip()


def main():
    carriers = collections.defaultdict(list)
    without = []
    for package in sorted(linked(json.load(sys.stdin)), key=lambda p: (p["name"], p["version"])):
        name = f"{package['name']} {package['version']} ({package['license'] or 'see its file'})"
        found = list(texts(package))
        if not found:
            without.append(name)
        for text in found:
            carriers[text].append(name)
    print("homebody is linked with these packages, under these licences.\n")
    print("Without a text of their own:\n")
    print("\n".join(f"    {name}" for name in without))
    for text, names in carriers.items():
        print("\n" + "=" * 80 + "\n")
        print("\n".join(f"    {name}" for name in names))
        print("\n" + text)


main()
