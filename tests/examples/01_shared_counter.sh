#!/bin/sh
# SPDX-License-Identifier: MIT
# Two processes count together to the last one; and when one of them is killed, the others
# go on. Usage: 01_shared_counter.sh example-program remove_segment-program
set -eu

example=$1
remove=$2
segment=example-01-$$
each=10000000
scratch=$(mktemp -d)
trap '"$remove" "$segment"; rm -rf "$scratch"' EXIT

fail()
{
    echo "FAILED: $*"
    exit 1
}

"$example" "$segment" >"$scratch/first" &
first=$!
"$example" "$segment" >"$scratch/second" &
second=$!
wait $first || fail "the first ended with $?"
wait $second || fail "the second ended with $?"
count=$(sort -n "$scratch/first" "$scratch/second" | tail -n 1)
echo "two processes of $each each counted to $count"
[ "$count" -eq $((2 * each)) ] || fail "expected $((2 * each))"

# Wherever the kill strikes, or if it comes too late: the survivor ends, with nothing lost
# of what it and those before it counted.
started=2
for pause in 0 0.01 0.03 0.1 0.2 0.3; do
    "$example" "$segment" >"$scratch/victim" &
    victim=$!
    "$example" "$segment" >"$scratch/survivor" &
    survivor=$!
    started=$((started + 2))
    sleep $pause
    kill -KILL $victim 2>/dev/null || :
    wait $survivor || fail "the survivor of a kill after $pause s ended with $?"
    wait $victim 2>/dev/null || :
    before=$count
    count=$(cat "$scratch/survivor")
    [ "$count" -ge $((before + each)) ] || fail "counts were lost: $before, then $count"
    [ "$count" -le $((started * each)) ] || fail "counted too often: $count"
done
echo "with six more killed beside six more: $count"
