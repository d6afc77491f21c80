#!/bin/sh
# Every test with the kernels of x86-64-v3. Status 77 (skipped) where the other tests run with them anyway.
# usage: sh tests/v3_test.sh EINSEARCH EINSEARCH_TESTS
set -eu
if "$1" --version | grep -q "kernels x86-64-v3"; then
  echo "skipped: this processor has no other kernels"
  exit 77
fi
EINSEARCH_ISA=v3 exec "$2"
