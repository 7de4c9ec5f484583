#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds and tests everything, on a machine with nothing but git: plain; with ASan and
# UBSan; the stress program's threads with TSan. Exit status 0 only if all of it passed.
#
# Usage: test.sh [--quick]     --quick: the plain build only
set -eu
cd "$(dirname "$0")/.."

quick=no
case ${1:-} in
'') ;;
--quick) quick=yes ;;
*)
    echo "usage: test.sh [--quick]" >&2
    exit 2
    ;;
esac

begin=$(date +%s)
jobs=$(getconf _NPROCESSORS_ONLN)
summary=
status=0

sh scripts/install-dependencies.sh test

# The sanitizers of older compilers cannot place their shadow among mappings as random as
# some kernels make them.
steady=
bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 0)
if [ "$bits" -gt 28 ] && setarch -R true 2>/dev/null; then
    steady='setarch -R'
fi

# build_and_test directory cmake-options...
# shellcheck disable=SC2317 # step calls it
build_and_test()
{
    directory=build/$1
    shift
    cmake -S . -B "$directory" -DCMAKE_BUILD_TYPE=RelWithDebInfo "$@" &&
        cmake --build "$directory" --parallel "$jobs" &&
        ${steady:-env} ctest --test-dir "$directory" --parallel "$jobs" \
            --output-on-failure --no-tests=error
}

# step title command...: runs it, and remembers how it went.
step()
{
    title=$1
    shift
    step_begin=$(date +%s)
    printf '\n=== %s\n' "$title"
    if "$@"; then
        verdict=passed
    else
        verdict=FAILED
        status=1
    fi
    seconds=$(($(date +%s) - step_begin))
    summary=$summary$(printf '%-28s %s %5d s' "$title" "$verdict" "$seconds")'
'
}

# Warnings count here only: the sanitizers' instrumentation brings some of its own.
step 'plain' build_and_test test -DCMAKE_COMPILE_WARNING_AS_ERROR=ON
if [ $quick = no ]; then
    step 'ASan and UBSan' build_and_test asan \
        -DHOLDFAST_SANITIZE=address,undefined -DHOLDFAST_BENCH=OFF
    step 'TSan, threads' build_and_test tsan \
        -DHOLDFAST_SANITIZE=thread -DHOLDFAST_BENCH=OFF -DHOLDFAST_EXAMPLES=OFF
fi

printf '\n%s' "$summary"
if [ $status -eq 0 ]; then
    echo "all passed in $(($(date +%s) - begin)) s"
else
    echo "FAILED, after $(($(date +%s) - begin)) s"
fi
exit $status
