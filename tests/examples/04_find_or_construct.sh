#!/bin/sh
# SPDX-License-Identifier: MIT
# Of many at once one constructs, and each draws a ticket of its own.
# Usage: 04_find_or_construct.sh example-program remove_segment-program
set -eu

example=$1
remove=$2
segment=example-04-$$
scratch=$(mktemp -d)
trap '"$remove" "$segment"; rm -rf "$scratch"' EXIT

for i in 1 2 3 4 5 6 7 8; do
    "$example" "$segment" >"$scratch/$i" &
done
wait
drawn=$(cat "$scratch"/* | sort -n | tr '\n' ' ')
echo "tickets: $drawn"
if [ "$drawn" != "1000 1001 1002 1003 1004 1005 1006 1007 " ]; then
    echo "FAILED: expected 1000 to 1007, each once"
    exit 1
fi
