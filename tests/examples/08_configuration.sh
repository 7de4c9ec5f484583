#!/bin/sh
# SPDX-License-Identifier: MIT
# Readers see whole configurations while others replace them and are killed; the old ones
# are freed. Usage: 08_configuration.sh example-program remove_segment-program
set -eu

example=$1
remove=$2
segment=example-08-$$
many=100000000000
reader=
trap 'test -z "$reader" || kill -9 $reader 2>/dev/null; "$remove" "$segment"' EXIT

fail()
{
    echo "FAILED: $*"
    exit 1
}

[ "$("$example" "$segment" print)" = 'nowhere:0, 0 old ones' ] || fail "it begins empty"
"$example" "$segment" serve $many &
reader=$!
round=0
while [ $round -lt 50 ]; do
    "$example" "$segment" set "host-$round.example" $round || fail "set ended with $?"
    "$example" "$segment" set "a-longer-name-for-host-$round.example" $round &
    kill -9 $! 2>/dev/null || true
    wait $! 2>/dev/null || true
    round=$((round + 1))
done
kill -0 $reader || fail "the reader has ended: what it read did not belong together"
"$example" "$segment" set example.org 8080 || fail "the last one ended with $?"
printed=$("$example" "$segment" print) || fail "print ended with $?"
[ "$printed" = 'example.org:8080, 0 old ones' ] || fail "printed $printed"
kill -9 $reader
wait $reader 2>/dev/null || true
reader=
"$example" "$segment" serve 1000 || fail "the next reader ended with $?"
"$example" "$segment" 2>/dev/null && fail "it needs to be told what to do"
"$example" "$segment" set host 2>/dev/null && fail "it needs a port"
echo "$printed"
