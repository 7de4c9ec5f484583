#!/bin/sh
# SPDX-License-Identifier: MIT
# What one process leaves another reads, once; and a refusal says how to go on.
# Usage: 02_greeting.sh example-program
set -eu

example=$1
name=example-02-$$
trap '"$example" "$name" >/dev/null 2>&1 || :' EXIT

fail()
{
    echo "FAILED: $*"
    exit 1
}

# refused hint arguments...
refused()
{
    hint=$1
    shift
    if message=$("$example" "$@" 2>&1); then
        fail "$* was not refused"
    fi
    case $message in
    *"$hint"*) ;;
    *) fail "$*: \"$message\" does not say \"$hint\"" ;;
    esac
}

refused 'leave one first' "$name"
"$example" "$name" 'good morning' || fail "leaving one ended with $?"
refused 'read that one first' "$name" 'good night'
text=$("$example" "$name") || fail "reading it ended with $?"
[ "$text" = 'good morning' ] || fail "read \"$text\""
refused 'leave one first' "$name"
refused 'usage'
refused 'Invalid argument' a/b text
echo "read: $text"
