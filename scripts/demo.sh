#!/bin/sh
# SPDX-License-Identifier: MIT
# The promise, live: eight processes share a segment's primitives and are killed at random,
# for 30 seconds, on a machine with nothing but git. Exit status 0: a clean verdict.
#
# Usage: demo.sh [torture options]     such as: demo.sh --duration 600
set -eu
cd "$(dirname "$0")/.."

sh scripts/install-dependencies.sh build

log=$(mktemp)
echo "building build/demo"
if ! { cmake -S . -B build/demo -DCMAKE_BUILD_TYPE=Release -DHOLDFAST_TESTS=OFF \
    -DHOLDFAST_BENCH=OFF -DHOLDFAST_EXAMPLES=OFF &&
    cmake --build build/demo --parallel "$(getconf _NPROCESSORS_ONLN)" \
        --target holdfast_torture; } >"$log" 2>&1; then
    cat "$log"
    rm -f "$log"
    exit 1
fi
rm -f "$log"

# The last of two equal options counts, so the arguments can change the first ones.
exec build/demo/stress/torture/torture --duration 30 --processes 8 "$@"
