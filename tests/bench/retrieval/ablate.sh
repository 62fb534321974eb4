#!/usr/bin/env bash
# What each part of the search is good for: the benchmark with one part left out at a time.
#
#   HOMEBODY_RETRIEVAL=FOLDER HOMEBODY_MIRROR=FOLDER tests/bench/retrieval/ablate.sh [OPTION…]
#
# As run.sh beside it, but every case is searched once for each part, on the same index. PARTS
# chooses among them (`homebody debug without --help` names them); with MEANING=1 these are the
# search by meaning and what of it commits add.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/home.sh"

parts=name,signature,told,pairs,heads,paths,files,ranker
if [ "${MEANING:-}" = 1 ]; then
    parts=meaning,past
fi
"${PYTHON:-python3}" "$HOMEBODY_RETRIEVAL/run.py" --git --mirror "$HOMEBODY_MIRROR" \
    --cases "$HOMEBODY_RETRIEVAL/cases-public.jsonl" \
    --plugin "$here/ablate.py" --plugin-args "homebody=$homebody parts=${PARTS:-$parts}" "$@"
