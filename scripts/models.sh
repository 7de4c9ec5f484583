#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks the models in models/ with Spin: each as it is, where no error may be found; and
# each with one law dropped, where one must be. Exit status 0 only if all is as expected.
#
# Usage: models.sh [--quick]     --quick: those of a few seconds
set -eu
cd "$(dirname "$0")/.."

quick=no
case ${1:-} in
'') ;;
--quick) quick=yes ;;
*)
    echo "usage: models.sh [--quick]" >&2
    exit 2
    ;;
esac

sh scripts/install-dependencies.sh models

models=$PWD/models
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0
runs=0
begin=$(date +%s)

# wrong why: prints what the checker said, and remembers.
wrong()
{
    verdict="WRONG: $1"
    status=1
}

# check pass|fail speed model options...: speed is quick or full.
check()
{
    expected=$1 speed=$2 model=$3
    shift 3
    if [ $quick = yes ] && [ "$speed" = full ]; then
        return
    fi
    runs=$((runs + 1))
    options=
    for option in "$@"; do # a law that the model does not know would not be dropped
        if ! grep -qw "${option%%=*}" "$models/$model.pml" "$models/world.pml"; then
            echo "$model.pml does not know ${option%%=*}" >&2
            exit 2
        fi
        options="$options -D$option"
    done
    start=$(date +%s)
    optimise=-O2 # an error is found sooner than it takes to compile
    [ "$expected" = pass ] || optimise=-O0
    : >"$scratch/out"
    # shellcheck disable=SC2086 # the options are meant to be split
    if ! (cd "$scratch" && rm -f ./*.trail pan* &&
        spin -a $options "$models/$model.pml" >out 2>&1 &&
        ${CC:-cc} $optimise -DSAFETY -DCOLLAPSE -DMEMLIM=3500 -w -o pan pan.c \
            >>out 2>&1 &&
        ./pan -m200000 >>out 2>&1) && ! grep -q 'errors:' "$scratch/out"; then
        verdict=
        wrong 'it could not be run'
    elif grep -q 'depth too small\|MEMLIM bound\|out of memory' "$scratch/out"; then
        wrong 'not all of it was searched'
    elif grep -q 'errors: 0' "$scratch/out"; then
        verdict='pass as expected'
        [ "$expected" = pass ] || wrong 'no error found'
    else
        verdict='error found as expected'
        [ "$expected" = fail ] || wrong 'error found'
    fi
    states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$scratch/out")
    printf '%-8s %-58s %9s states %4d s  %s\n' "$model" "$*" "${states:-?}" \
        $(($(date +%s) - start)) "$verdict"
    case $verdict in WRONG*) tail -n 20 "$scratch/out" | sed 's/^/    /' ;; esac
}

# ---- the mutex
check pass quick mutex
check pass full mutex GIVES_UP
check pass full mutex N=2 ROUNDS=2
check pass full mutex ROUNDS=2
check pass full mutex RESTORES=2 ROUNDS=2
check pass full mutex TIMED=2
check pass full mutex UNREACHED=1
check pass full mutex TWO_LOCKS
check pass full mutex KILLS=2 BACKSTOP
check pass full mutex KILLS=3 BACKSTOP TIMED=2
check pass full mutex NO_BIAS N=4
check pass full mutex NO_BIAS N=4 SUCCESSIVE KILLS=2
check pass full mutex NO_BIAS N=4 TIMED=2 ROUNDS=2 VICTIMS=4
check fail full mutex KILLS=2
check fail quick mutex HIDE_DEATH
check fail quick mutex WAKE_ONE
check fail full mutex NO_WATCH
check fail full mutex NO_LOOK_AFTER
check fail quick mutex LOOK_FOR_PLAIN
check fail quick mutex NO_MEMBARRIER
check fail full mutex NO_BIAS_AGAIN N=2 ROUNDS=2
check fail quick mutex KEEP_WAKING NO_BIAS N=4
check fail full mutex KEEP_WAKING_ASLEEP
check fail full mutex LOST_QUIETLY GIVES_UP
check fail full mutex NO_WAKE_AT_TAKEOVER NO_BIAS N=4 SUCCESSIVE KILLS=2
check fail full mutex NO_PASS_ON TWO_LOCKS
check fail full mutex LEAVE_QUIETLY NO_BIAS N=4 TIMED=2 ROUNDS=2 VICTIMS=4

# ---- the condition variable
check pass quick condvar
check pass full condvar TIMED=2
check pass full condvar ROUNDS=2
check pass full condvar ROUNDS=2 N=4
check pass full condvar N=4 TIMED=2
check fail quick condvar READ_LATE
check fail full condvar WAKE_ONE
check fail quick condvar TWO_CALLS
check fail full condvar NO_SLEEPERS
check fail full condvar REST_BLINDLY ROUNDS=2
check fail full condvar NO_ENTRIES ROUNDS=2 N=4
check fail full condvar DEADLINE_FIRST TIMED=2 N=4

# ---- the grace period
check pass full rcu
check pass quick rcu READERS=3 UPDATERS=4
check pass quick rcu UPDATERS=2 JOINER=2
check pass full rcu UPDATERS=2 JOINER=2 ROUNDS=2
check pass full rcu FENCED=1
check pass full rcu FENCED=2
check pass full rcu FENCED=2 UPDATERS=2 READERS=5
check pass full rcu FENCED=2 UPDATERS=2 ROUNDS=2 N=2
check pass full rcu RETIRE
check pass full rcu RETIRE ROUNDS=2
check pass full rcu RETIRE FENCED=2
check pass full rcu NO_SECOND_LOOK # the kernel compares the section once more
check pass full rcu NO_SETTLE_LOOK FENCED=2 UPDATERS=2 ROUNDS=2 N=2 # fence looks anew
check fail quick rcu NO_MEMBARRIER
check fail full rcu WAIT_FOR_DEAD
check fail quick rcu GUESS
check fail full rcu BUMP_LATE
check fail full rcu BUMP_EARLY
check fail quick rcu NO_CLEAR UPDATERS=2 JOINER=2
check fail full rcu NO_FENCE_AGAIN
check fail full rcu NO_AWAITED
check fail full rcu NO_WATCH
check fail quick rcu NO_PASS_ON
check fail quick rcu ALL_ANYWAY FENCED=2
check fail full rcu HEED_UNFENCED FENCED=2
check fail full rcu NO_SETTLE_FENCE FENCED=2 UPDATERS=2 ROUNDS=2 N=2
check fail quick rcu RETIRE COMMIT_EARLY ROUNDS=2
check fail full rcu RETIRE TWO_COMMITS
check fail full rcu RETIRE GUESS
check fail full rcu RETIRE NO_MEMBARRIER ROUNDS=2

seconds=$(($(date +%s) - begin))
if [ $status -eq 0 ]; then
    echo "all $runs as expected, in $seconds s"
else
    echo "NOT all $runs as expected, after $seconds s"
fi
exit $status
