#!/bin/sh
# Installs what is missing, builds einsearch in Release and runs every test.
# usage: sh tests/run.sh [--slurm] [arguments for ctest]     --slurm: installs Slurm, and tests a cluster of two nodes too
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)

case "${EINSEARCH_GOLDEN:-/}" in
  /*) ;;
  *) export EINSEARCH_GOLDEN="$PWD/$EINSEARCH_GOLDEN" ;;  # tests run in other folders
esac
needs="test"
if [ "${1:-}" = --slurm ]; then
  needs="slurm"
  shift
fi
sh "$root/app/setup.sh" "$needs"
sh "$root/app/build.sh" release
cd "$root"
exec ctest --preset release "$@"
