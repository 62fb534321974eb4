"""What homebody tells of the candidates for each case of a retrieval benchmark: a plugin for
the benchmark's own harness.

    python3 "$HOMEBODY_RETRIEVAL"/run.py --git --mirror MIRROR --cases CASES.jsonl \
        --plugin collect.py --plugin-args "homebody=target/release/homebody out=FOLDER"

A case becomes FOLDER/ID.json: the case, and what `homebody debug candidates` says of its query.
"""

import json
import os
import subprocess
import tempfile


def make(arguments):
    return Collect(dict(part.split("=", 1) for part in arguments.plugin_args.split()))


class Collect:
    methods = ["first"]

    def __init__(self, options):
        self.homebody = os.path.abspath(options["homebody"])
        self.out = options["out"]
        os.makedirs(self.out, exist_ok=True)
        self.home = tempfile.mkdtemp(prefix="homebody-collect-")
        self.environment = dict(
            os.environ,
            XDG_DATA_HOME=os.path.join(self.home, "data"),
            XDG_CACHE_HOME=os.path.join(self.home, "cache"),
            XDG_STATE_HOME=os.path.join(self.home, "state"),
            XDG_CONFIG_HOME=os.path.join(self.home, "config"),
        )

    def call(self, root, *words):
        done = subprocess.run(
            [self.homebody, "-C", root, *words],
            capture_output=True,
            env=self.environment,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.decode("utf8", "replace"))
        return done.stdout

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
