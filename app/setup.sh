#!/bin/sh
# Installs the Debian packages that einsearch needs and that are missing, and prints to stderr only.
# usage: sh app/setup.sh build|test|benchmark     (test, benchmark: what these need as well)
# Status 2, with the command to run, when packages are missing and neither root nor sudo is at hand.
set -eu

packages="g++ cmake ninja-build git ca-certificates libcli11-dev libeigen3-dev libtbb-dev libfmt-dev libspdlog-dev nlohmann-json3-dev libtomlplusplus-dev zlib1g-dev"
case "${1:-build}" in
  build) ;;
  test) packages="$packages doctest-dev python3 python3-numpy" ;;
  benchmark) packages="$packages libbenchmark-dev" ;;
  *) echo "usage: sh app/setup.sh build|test|benchmark" >&2; exit 2 ;;
esac

missing=""
for package in $packages; do
  state=$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null || true)
  case "$state" in
    ii*) ;;
    *) missing="$missing $package" ;;
  esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
  as_root=""
elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
  as_root="sudo env DEBIAN_FRONTEND=noninteractive"
else
  echo "einsearch: packages are missing and this user cannot install them; run as root: apt-get update && apt-get install -y --no-install-recommends$missing" >&2
  exit 2
fi

echo "einsearch: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086  # the list is meant to be split into words
if ! { $as_root apt-get update && $as_root apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "einsearch: installing packages failed (above: the end of apt's output)" >&2
  exit 1
fi
