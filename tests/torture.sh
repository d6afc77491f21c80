#!/bin/sh
# What sweeps survive, at length: kills at random instants, failing writes, a full disk, two sweeps on one store.
# Compares the exported bytes with those of an undisturbed sweep, and counts records: none may be there twice.
# usage: sh tests/torture.sh EINSEARCH [KILLS (200)] [PAIRS (100)]
set -eu
einsearch=$1
kills=${2:-200}
pairs=${3:-100}
run=$(mktemp -d)
mounted=""
end() {
  [ -z "$mounted" ] || umount "$mounted"
  rm -rf "$run"
}
trap end EXIT
trap 'exit 1' INT TERM

sweep() { # STORE [OPTIONS]
  store=$1
  shift
  "$einsearch" sweep --structures dense,monarch,btt --widths 8,16 --seeds 0..3 --horizon steps:120 --depths 1 --batch 64 \
    --held-out 128 --target-width 32 --target-depth 2 --store "$store" "$@" 2>"$run/log"
}
runs=24
sweep "$run/calm"
"$einsearch" export "$run/calm" --no-times >"$run/calm.csv"
check() { # STORE WHAT
  "$einsearch" export "$1" --no-times >"$run/other.csv" 2>/dev/null
  cmp "$run/calm.csv" "$run/other.csv" || { echo "failed: $2: other bytes"; exit 1; }
  # A kill within a write leaves a torn last line, which is no record.
  records=$(grep -a -c -E '^[0-9a-f]{16} [0-9a-f]{16} .*\}$' "$1"/*.runs | awk -F: '{ n += $NF } END { print n }')
  [ "$records" -le $((runs + ${3:-0})) ] || { echo "failed: $2: $records records of $runs runs"; exit 1; }
}
# Pseudo-random milliseconds below $1, from a counter: the same kills every time.
seed=12345
random() {
  seed=$(((seed * 1103515245 + 12345) % 2147483648))
  number=$((seed / 65536 % $1))
}

done_kills=0 restarts=0
while [ "$done_kills" -lt "$kills" ]; do
  rm -rf "$run/killed"
  while [ "$done_kills" -lt "$kills" ]; do
    sweep "$run/killed" &
    victim=$!
    random 120
    sleep "0.$(printf %03d "$number")"
    # The function runs in a shell of its own: its child is einsearch.
    child=$(cat "/proc/$victim/task/$victim/children" 2>/dev/null || true)
    # shellcheck disable=SC2086
    if ! kill -KILL ${child:-$victim} 2>/dev/null; then
      wait "$victim" || true
      break
    fi
    wait "$victim" || true
    done_kills=$((done_kills + 1))
  done
  sweep "$run/killed"
  check "$run/killed" "kill $done_kills"
  restarts=$((restarts + 1))
done
echo "killed $done_kills times in $restarts sweeps: the same bytes, no run twice"

pair=0
while [ "$pair" -lt "$pairs" ]; do
  rm -rf "$run/pair"
  sweep "$run/pair" --threads 1 &
  first=$!
  sweep "$run/pair" --threads 1
  wait "$first"
  check "$run/pair" "pair $pair"
  pair=$((pair + 1))
done
echo "$pairs pairs of sweeps on one store: the same bytes, no run twice"

if command -v cc >/dev/null 2>&1; then
  cat >"$run/fail.c" <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* Every so many large writes one fails, or writes half of what it should. */
static int count;
ssize_t write(int file, const void* data, size_t size) {
  static ssize_t (*real)(int, const void*, size_t);
  if (real == 0) real = (ssize_t(*)(int, const void*, size_t))dlsym(RTLD_NEXT, "write");
  if (size > 1000 && ++count % atoi(getenv("FAIL_EVERY")) == 0) {
    if (count % 2 == 0) return real(file, data, size / 2);
    errno = ENOSPC;
    return -1;
  }
  return real(file, data, size);
}
int fdatasync(int file) {
  static int (*real)(int);
  if (real == 0) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  if (count > 0 && count % (atoi(getenv("FAIL_EVERY")) + 2) == 0) {
    errno = EIO;
    return -1;
  }
  return real(file);
}
C
  cc -shared -fPIC -o "$run/fail.so" "$run/fail.c" -ldl
  for every in 2 3 4 5 7; do
    rm -rf "$run/failing"
    tries=0
    until LD_PRELOAD=$run/fail.so FAIL_EVERY=$every sweep "$run/failing"; do
      tries=$((tries + 1))
      [ "$tries" -lt 100 ] || break
    done
    sweep "$run/failing"
    check "$run/failing" "failing writes, one in $every"
  done
  echo "writes that fail or tear: the same bytes, no run twice"
fi

mkdir "$run/full"
if mount -t tmpfs -o size=64k tmpfs "$run/full" 2>/dev/null; then
  mounted=$run/full
  status=0
  sweep "$run/full/store" || status=$?
  [ "$status" = 1 ] || { echo "failed: a full disk gave status $status"; exit 1; }
  grep -q "No space left" "$run/log" || { echo "failed: a full disk is not named: $(cat "$run/log")"; exit 1; }
  cp -r "$run/full/store" "$run/roomy"
  sweep "$run/roomy"
  check "$run/roomy" "a full disk"
  echo "a full disk: status 1, one line, and the rest runs elsewhere: the same bytes"
fi
