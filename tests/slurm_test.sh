#!/bin/sh
# A sweep as a job array on a real Slurm with two nodes on this machine gives the bytes of a sweep without Slurm, also
# when elements are requeued in the middle. Status 77 (skipped) where Slurm is not installed or its daemons do not start.
# usage: sh tests/slurm_test.sh EINSEARCH
set -eu
einsearch=$1
here=$(cd "$(dirname "$0")" && pwd)
for program in slurmctld slurmd sbatch; do
  if ! command -v "$program" >/dev/null 2>&1 && [ ! -x "/usr/sbin/$program" ]; then
    echo "skipped: $program is not installed (sh app/setup.sh slurm)"
    exit 77
  fi
done
PATH=$PATH:/usr/sbin

run=$(mktemp -d)
daemons=""
end() {
  # shellcheck disable=SC2086  # a list of process ids
  [ -z "$daemons" ] || { kill $daemons && wait $daemons; } 2>/dev/null || true
  rm -rf "$run"
}
trap end EXIT
trap 'exit 1' INT TERM
mkdir -p "$run/state" "$run/spool"
port=$((16800 + $$ % 1000 * 3))
sed -e "s|RUNDIR|$run|; s|HOSTNAME|$(hostname -s)|; s|USERNAME|$(id -un)|" \
  -e "s|PORT0|$port|; s|PORT1|$((port + 1))|; s|PORT2|$((port + 2))|" "$here/slurm.conf" >"$run/slurm.conf"
SLURM_CONF=$run/slurm.conf
export SLURM_CONF
slurmctld -D -f "$SLURM_CONF" >/dev/null 2>&1 &
daemons="$daemons $!"
for node in n1 n2; do
  slurmd -D -N "$node" -f "$SLURM_CONF" >/dev/null 2>&1 &
  daemons="$daemons $!"
done

# wait_until SECONDS STATUS WHAT COMMAND...: ends the test with this status when the command does not succeed in time
wait_until() {
  seconds=$1 status=$2 what=$3
  shift 3
  tries=$((seconds * 5))
  until "$@"; do
    tries=$((tries - 1))
    if [ "$tries" -le 0 ]; then
      echo "no $what within $seconds s"
      sinfo || true
      squeue || true
      tail -n 20 "$run"/*.log "$run"/store/slurm-*.log 2>/dev/null || true
      exit "$status"
    fi
    sleep 0.2
  done
}
are_idle() { [ "$(sinfo -h -t idle -o %D 2>/dev/null | head -n 1)" = 2 ]; }
wait_until 60 77 "two idle nodes" are_idle

sweep="--structures dense,monarch --widths 8,16 --seeds 0..5 --depths 1 --horizon steps:1500 --batch 64 \
--held-out 128 --target-width 32 --target-depth 2"
# shellcheck disable=SC2086  # options are meant to be split
"$einsearch" slurm --shards 4 --time 10m --store "$run/store" -- $sweep >"$run/job.sh"
job=$(sbatch --parsable "$run/job.sh")
has_records() { ls "$run"/store/*.runs >/dev/null 2>&1; }
wait_until 60 1 "first record" has_records
# What is requeued is pending for two minutes, unless told otherwise once it is.
if scontrol requeue "${job}_2" 2>/dev/null; then
  is_pending() { scontrol show job "${job}_2" | grep -q "JobState=PENDING Reason=BeginTime"; }
  wait_until 20 1 "pending state of the requeued element" is_pending
  sleep 2  # a node refuses a job whose former credential was revoked within the same second
  scontrol update "JobId=${job}_2" StartTime=now
fi
is_exported() { [ -s "$run/store/curves.csv" ]; }
wait_until 120 1 "exported curves" is_exported

"$einsearch" export "$run/store" --no-times >"$run/with.csv"
# shellcheck disable=SC2086
"$einsearch" sweep $sweep --store "$run/alone" 2>/dev/null
"$einsearch" export "$run/alone" --no-times >"$run/without.csv"
cmp "$run/with.csv" "$run/without.csv"
"$einsearch" status "$run/store" >/dev/null 2>&1
records=$(cat "$run"/store/*.runs | wc -l)
[ "$records" = 24 ] || { echo "failed: $records records of 24 runs"; exit 1; }
echo "24 runs in 4 elements on two nodes: the bytes of one sweep"
