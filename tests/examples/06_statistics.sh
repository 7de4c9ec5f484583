#!/bin/sh
# SPDX-License-Identifier: MIT
# Whatever is printed belongs together, while one counts and is killed and followed.
# Usage: 06_statistics.sh example-program remove_segment-program
set -eu

example=$1
remove=$2
segment=example-06-$$
samples=1000000000
scratch=$(mktemp -d)
counter=
trap 'test -z "$counter" || kill -9 $counter 2>/dev/null; "$remove" "$segment"
    rm -rf "$scratch"' EXIT

fail()
{
    echo "FAILED: $*"
    exit 1
}

print()
{
    "$example" "$segment" print >>"$scratch/printed" || fail "a printer ended with $?"
}

print
round=0
while [ $round -lt 20 ]; do
    "$example" "$segment" count $samples &
    counter=$!
    print
    print
    kill -9 $counter
    wait $counter 2>/dev/null || true
    print
    round=$((round + 1))
done
counter=
"$example" "$segment" count 1000 || fail "after all deaths it ended with $?"
print

# All is known from the number of samples: 7919 and 1000 have no common factor, so each
# 1000 samples are 1 to 1000.
awk '
    {
        sum = int($2 / 1000) * 500500
        least = $2 > 0
        greatest = $2 >= 1000 ? 1000 : 0
        for (i = 0; i < $2 % 1000; i++) {
            sample = 1 + (i * 7919) % 1000
            sum += sample
            greatest = sample > greatest ? sample : greatest
        }
        if ($2 < before || $4 != sum || $6 != least || $8 != greatest) {
            print "line " NR ": " $0
            wrong++
        }
        before = $2
    }
    END { exit wrong > 0 || before < 1000 }
' "$scratch/printed" || fail "statistics that do not belong together"
echo "$(wc -l <"$scratch/printed") snapshots, the last: $(tail -n 1 "$scratch/printed")"
"$example" "$segment" count many 2>/dev/null && fail "it needs a number"
"$example" "$segment" 2>/dev/null && fail "it needs to be told what to do"
exit 0
