#!/bin/sh
# SPDX-License-Identifier: MIT
# Two readers follow a writer, and both see each line in its order.
# Usage: 05_growing_log.sh example-program remove_segment-program
set -eu

example=$1
remove=$2
segment=example-05-$$
lines=20000
scratch=$(mktemp -d)
trap '"$remove" "$segment"; rm -rf "$scratch"' EXIT

fail()
{
    echo "FAILED: $*"
    exit 1
}

"$example" "$segment" read $lines >"$scratch/first" &
first=$!
"$example" "$segment" read $lines >"$scratch/second" &
second=$!
"$example" "$segment" write $lines || fail "the writer ended with $?"
wait $first || fail "the first reader ended with $?"
wait $second || fail "the second reader ended with $?"
seq 0 $((lines - 1)) | sed 's/^/line /' >"$scratch/expected"
cmp "$scratch/first" "$scratch/expected" || fail "the first reader saw something else"
cmp "$scratch/second" "$scratch/expected" || fail "the second reader saw something else"
echo "two readers saw $lines lines each"
"$example" "$segment" 2>/dev/null && fail "it needs three arguments"
exit 0
