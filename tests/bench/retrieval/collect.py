"""What homebody tells of the candidates for each case of a retrieval benchmark: a plugin for
the benchmark's own harness.

    python3 "$HOMEBODY_RETRIEVAL"/run.py --git --mirror MIRROR --cases CASES.jsonl \
        --plugin collect.py --plugin-args "homebody=target/release/homebody out=FOLDER"

A case becomes FOLDER/ID.json: the case, and what `homebody debug candidates` says of its query.
"""

import json
import os
import tempfile

from program import Program


def make(arguments):
    return Collect(dict(part.split("=", 1) for part in arguments.plugin_args.split()))


class Collect:
    methods = ["first"]

    def __init__(self, options):
        self.out = options["out"]
        os.makedirs(self.out, exist_ok=True)
        home = tempfile.mkdtemp(prefix="homebody-collect-")
        environment = dict(
            os.environ,
            XDG_DATA_HOME=os.path.join(home, "data"),
            XDG_CACHE_HOME=os.path.join(home, "cache"),
            XDG_STATE_HOME=os.path.join(home, "state"),
            XDG_CONFIG_HOME=os.path.join(home, "config"),
        )
        self.call = Program(options["homebody"], environment)

    def index(self, root, case):
        self.call(root, "index")

    def search(self, root, query, top, case):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(query)
            file.flush()
            told = json.loads(self.call(root, "debug", "candidates", file.name))
        told["case"] = {key: case[key] for key in ("id", "task", "repo", "group", "gold", "flags")}
        name = case["id"].replace("/", "+").replace("#", "@") + ".json"
        with open(os.path.join(self.out, name), "w") as out:
            json.dump(told, out)
        places = []
        for file, piece, *_ in told["candidates"]:
            start, end = told["files"][file]["pieces"][piece]
            places.append({"path": told["files"][file]["path"], "start": start, "end": end})
        return {"first": places[: 2 * top]}
