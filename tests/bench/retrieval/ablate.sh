#!/usr/bin/env bash
# What each part of the search is good for: the benchmark with one part left out at a time.
#
#   HOMEBODY_RETRIEVAL=FOLDER HOMEBODY_MIRROR=FOLDER tests/bench/retrieval/ablate.sh [OPTION…]
#
# As run.sh beside it, once for each part; PARTS chooses among them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${HOMEBODY_RETRIEVAL:?names the folder of the benchmark}"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
shown=()
for part in none ${PARTS:-name signature told pairs heads paths files ranker}; do
    WITHOUT=$part "$here/run.sh" --out "$out/$part.json" "$@" >"$out/$part.log" 2>&1
    shown+=("$out/$part.json")
done
"${PYTHON:-python3}" "$HOMEBODY_RETRIEVAL/run.py" --show "${shown[@]}"
