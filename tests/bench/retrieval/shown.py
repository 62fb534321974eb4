"""What the model would be shown, as ranges, for run.py: shown.py HOMEBODY REPO QUERY_FILE TOKENS

So that different ways of choosing can be compared where they take the same room in a prompt:

    python3 run.py … --cmd 'python3 shown.py homebody {repo} {query_file} 4000'
"""

import json
import subprocess
import sys

homebody, repo, query_file, tokens = sys.argv[1:]
with open(query_file, encoding="utf-8") as file:
    query = file.read()
command = [homebody, "-C", repo, "--budget", tokens, "--ctx", "65536", "context", "ask", "--json"]
run = subprocess.run([*command, "--", query], capture_output=True, check=True)
for excerpt in json.loads(run.stdout)["context"]["excerpts"]:
    lines = excerpt["range"]
    print(f"{excerpt['path']}:{lines['start']}-{lines['end']}")
