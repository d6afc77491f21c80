#!/bin/sh
# Configures and builds targets of a preset; quiet unless something fails. Prints to stderr only.
# usage: sh app/build.sh PRESET [TARGET...]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
preset=$1
shift

log=$(mktemp)
trap 'rm -f "$log"' EXIT
run() {
  if ! (cd "$root" && "$@") >"$log" 2>&1; then
    cat "$log" >&2
    echo "einsearch: failed: $*" >&2
    exit 1
  fi
}

[ -f "$root/build/$preset/build.ninja" ] || echo "einsearch: first build, this takes a few minutes ..." >&2
run cmake --preset "$preset"
if [ $# -gt 0 ]; then
  run cmake --build --preset "$preset" --target "$@"
else
  run cmake --build --preset "$preset"
fi
