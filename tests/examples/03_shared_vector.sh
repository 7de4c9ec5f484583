#!/bin/sh
# SPDX-License-Identifier: MIT
# Two processes append to one vector, and nothing is lost.
# Usage: 03_shared_vector.sh example-program remove_segment-program
set -eu

example=$1
remove=$2
segment=example-03-$$
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
last=$(sort -n "$scratch/first" "$scratch/second" | tail -n 1)
echo "size and sum: $last"
[ "$last" = "20000 100010000" ] || fail "expected 20000 100010000"

# Wherever the kill strikes, the other one appends all of its own.
"$example" "$segment" >/dev/null &
victim=$!
"$example" "$segment" >"$scratch/survivor" &
survivor=$!
kill -KILL $victim 2>/dev/null || : # or it has come to its end
wait $survivor || fail "the survivor ended with $?"
wait $victim 2>/dev/null || :
size=$(cut -d ' ' -f 1 "$scratch/survivor")
[ "$size" -ge 30000 ] || fail "elements were lost: $size"
