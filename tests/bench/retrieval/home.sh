# For run.sh and ablate.sh, which read it: what they need, and a home of its own for the program, so
# that nothing known before helps. With MEANING=1 the embedding model is in it.
: "${HOMEBODY_RETRIEVAL:?names the folder of the benchmark}"
: "${HOMEBODY_MIRROR:?names the folder of the repositories}"
homebody=$(realpath "${HOMEBODY:-$here/../../../target/release/homebody}")
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
export XDG_DATA_HOME=$home/data XDG_CACHE_HOME=$home/cache
export XDG_STATE_HOME=$home/state XDG_CONFIG_HOME=$home/config
if [ "${MEANING:-}" = 1 ]; then
    "$homebody" -q models pull minilm
fi
