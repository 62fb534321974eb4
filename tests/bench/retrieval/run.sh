#!/usr/bin/env bash
# How well and how fast homebody finds what belongs to a request.
#
#   HOMEBODY_RETRIEVAL=FOLDER HOMEBODY_MIRROR=FOLDER tests/bench/retrieval/run.sh [OPTION…]
#
# HOMEBODY_RETRIEVAL is the folder of the benchmark (its run.py and cases-public.jsonl),
# HOMEBODY_MIRROR that of the repositories, each as OWNER+NAME/repo, bare and with history.
# HOMEBODY names the program (target/release/homebody where it is not set); options go on to
# run.py, such as `--repos libuv/libuv`, `--limit 6` and `--out result.json`. It needs numpy.
# WITHOUT leaves a part of the search out (`homebody debug without --help` names them).
# With MEANING=1 the search by meaning is on (the embedding model is fetched first).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/home.sh"

search="search --format ranges --top {top} --query-file {query_file}"
case "${WITHOUT:-none}" in
    none) ;;
    *) search="debug without $WITHOUT {query_file} --top {top}" ;;
esac

"${PYTHON:-python3}" "$HOMEBODY_RETRIEVAL/run.py" --git --mirror "$HOMEBODY_MIRROR" \
    --cases "$HOMEBODY_RETRIEVAL/cases-public.jsonl" --name homebody \
    --index-cmd "$homebody -C {repo} index" \
    --cmd "$homebody -C {repo} $search" "$@"
