#!/bin/sh
# Holds the printed languages of answers against llguidance and xgrammar, which come by pip.
#
#     tests/bench/grammars/run.sh HOMEBODY
#
# HOMEBODY is built with its lab: cargo build --release --features lab.
set -eu
homebody=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
install() { python3 -m pip -q --disable-pip-version-check install --target "$work/python" "$@"; }
install llguidance==1.9.1 apache-tvm-ffi numpy pydantic typing-extensions
# Its other dependencies are gigabytes, and nothing that is used here.
install --no-deps xgrammar==0.2.9
repo="$work/repo"
mkdir -p "$repo/src"
cd "$repo"
git init -q
cat > src/a.rs <<'TEXT'
fn one() {
    1
}

fn two() {
    2 // "=======" and é
}
TEXT
printf '=== title ===\nsame\nsame\n>>> quoted\n' > README.md
git add . && git -c user.name=a -c user.email=a@b commit -qm one
sed -i 's/1/11/; s/2/22/' src/a.rs
printf 'more: "\\"\n' >> README.md
git add . && git -c user.name=a -c user.email=a@b commit -qm two
PYTHONPATH="$work/python" python3 "$here/compare.py" "$homebody" "$repo" src/a.rs README.md
