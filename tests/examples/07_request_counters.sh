#!/bin/sh
# SPDX-License-Identifier: MIT
# Two workers' requests are all counted; one that is killed leaves what it had counted.
# Usage: 07_request_counters.sh example-program remove_segment-program
set -eu

example=$1
remove=$2
segment=example-07-$$
each=3000000
scratch=$(mktemp -d)
trap '"$remove" "$segment"; rm -rf "$scratch"' EXIT

fail()
{
    echo "FAILED: $*"
    exit 1
}

sum_of()
{
    "$example" "$segment" show >"$scratch/shown" || fail "showing ended with $?"
    sed -n "s/^$1 //p" "$scratch/shown"
}

"$example" "$segment" work $each &
first=$!
"$example" "$segment" work $each &
second=$!
wait $first || fail "the first ended with $?"
wait $second || fail "the second ended with $?"
[ "$(sum_of requests.served)" -eq $((2 * each / 100 * 99)) ] || fail "served: $(sum_of requests.served)"
[ "$(sum_of requests.failed)" -eq $((2 * each / 100)) ] || fail "failed: $(sum_of requests.failed)"
[ "$(sum_of bytes.sent)" -eq $((2 * each * 512)) ] || fail "sent: $(sum_of bytes.sent)"
echo "two workers of $each requests each: all counted"

"$example" "$segment" work 2000000000 &
victim=$!
while [ "$(sum_of requests.served)" -le $((2 * each)) ]; do
    :
done
kill -KILL $victim
wait $victim 2>/dev/null || :
before=$(sum_of bytes.sent)
requests=$(($(sum_of requests.served) + $(sum_of requests.failed)))
[ $((requests * 512 - before)) -ge 0 ] && [ $((requests * 512 - before)) -le 512 ] ||
    fail "$requests requests, $before bytes"
"$example" "$segment" work $each || fail "the next one ended with $?"
[ "$(sum_of bytes.sent)" -eq $((before + each * 512)) ] || fail "the next one lost some"
echo "one killed in the middle: what it had counted stays, and the next goes on"
"$example" "$segment" 2>/dev/null && fail "it needs two arguments"
exit 0
