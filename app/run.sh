#!/bin/sh
# Installs what is missing, builds einsearch in Release and runs it.
# usage: sh app/run.sh                 the standard search, results in results/standard
#        sh app/run.sh COMMAND ...     any command of einsearch, e.g. sh app/run.sh enumerate --help
# Everything but the command's own output goes to stderr.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)

sh "$root/app/setup.sh" build
sh "$root/app/build.sh" release einsearch

if [ $# -eq 0 ]; then
  cd "$root"
  set -- search --preset standard
fi
exec "$root/build/release/einsearch" "$@"
