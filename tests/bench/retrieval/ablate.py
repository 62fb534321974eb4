"""The benchmark with one part of the search left out at a time, on the same index: a plugin for
the benchmark's own harness. See ablate.sh beside it.
"""

import tempfile

from program import Program


def make(arguments):
    return Ablate(dict(part.split("=", 1) for part in arguments.plugin_args.split()))


class Ablate:
    def __init__(self, options):
        self.call = Program(options["homebody"])
        self.parts = [part for part in options["parts"].split(",") if part]
        self.methods = ["all", *(f"without {part}" for part in self.parts)]

    def index(self, root, case):
        self.call(root, "index")

    def search(self, root, query, top, case):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(query)
            file.flush()
            top = str(top)
            told = [
                self.call(
                    root, "search", "--format", "ranges", "--top", top, "--query-file", file.name
                ),
                *(
                    self.call(root, "debug", "without", part, file.name, "--top", top)
                    for part in self.parts
                ),
            ]
        return {method: places(text) for method, text in zip(self.methods, told)}


def places(text):
    """Ranges as the program prints them: PATH:FIRST-LAST."""
    found = []
    for line in text.splitlines():
        path, lines = line.rsplit(":", 1)
        start, end = lines.split("-")
        found.append({"path": path, "start": int(start), "end": int(end)})
    return found
