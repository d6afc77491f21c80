#!/bin/sh
# Installs what is missing, builds einsearch in Release and runs every test.
# usage: sh tests/run.sh [arguments for ctest]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)

case "${EINSEARCH_GOLDEN:-/}" in
  /*) ;;
  *) export EINSEARCH_GOLDEN="$PWD/$EINSEARCH_GOLDEN" ;;  # tests run in other folders
esac
sh "$root/app/setup.sh" test
sh "$root/app/build.sh" release
cd "$root"
exec ctest --preset release "$@"
