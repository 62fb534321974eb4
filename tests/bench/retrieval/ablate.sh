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
: "${HOMEBODY_RETRIEVAL:?names the folder of the benchmark}"
: "${HOMEBODY_MIRROR:?names the folder of the repositories}"
homebody=$(realpath "${HOMEBODY:-$here/../../../target/release/homebody}")

# An index of its own, so that nothing known before helps.
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
export XDG_DATA_HOME=$home/data XDG_CACHE_HOME=$home/cache
export XDG_STATE_HOME=$home/state XDG_CONFIG_HOME=$home/config
parts=name,signature,told,pairs,heads,paths,files,ranker
if [ "${MEANING:-}" = 1 ]; then
    "$homebody" -q models pull minilm
    parts=meaning,past
fi

"${PYTHON:-python3}" "$HOMEBODY_RETRIEVAL/run.py" --git --mirror "$HOMEBODY_MIRROR" \
    --cases "$HOMEBODY_RETRIEVAL/cases-public.jsonl" \
    --plugin "$here/ablate.py" --plugin-args "homebody=$homebody parts=${PARTS:-$parts}" "$@"
