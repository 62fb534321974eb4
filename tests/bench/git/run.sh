#!/bin/sh
# Holds homebody's view of many random repositories against git's own (src/ground/repo/proof).
#
#     tests/bench/git/run.sh [STATES [SEED]]
#
# Each state is made by some 20 operations of the real git and compared as a whole: status, diffs
# with their lines, files, what is ignored, blame. Without STATES it is 10,000, which takes half an
# hour on two cores; the suite does some of them, always the same. SEED is the first one. What is
# told otherwise on purpose is counted by name at the end. A fault is printed with the shortest
# operations that still make it:
#
#     HOMEBODY_GIT_STATES=1 HOMEBODY_GIT_SEED=4711 cargo test -p homebody-ground repo::proof
#
# Repositories that lie here are held against git with HOMEBODY_GIT_REPOS=FOLDER:FOLDER, each as it
# is and by the changes of its last commits; they are only read.
set -eu
cd "$(dirname "$0")/../../.."
export HOMEBODY_GIT_STATES="${1:-10000}"
export HOMEBODY_GIT_SEED="${2:-100000}"
exec cargo test --offline -p homebody-ground -- --nocapture repo::proof
