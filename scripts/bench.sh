#!/bin/sh
# SPDX-License-Identifier: MIT
# What everything costs beside its peers: builds, measures for some two minutes, prints
# the tables, and draws docs/bench.svg from their figures, docs/bench.csv.
#
# Usage: bench.sh [bench options]     such as: bench.sh --quick; bench.sh --help
#   With options, which may leave something out, the tables only: docs/ stays as it is.
set -eu
cd "$(dirname "$0")/.."

sh scripts/install-dependencies.sh build
sh scripts/install-dependencies.sh bench ||
    echo "bench: going on without the peers that cannot be installed" >&2

log=$(mktemp)
echo "building build/measure"
rm -f build/measure/CMakeCache.txt # a peer may have been installed since
if ! { cmake -S . -B build/measure -DCMAKE_BUILD_TYPE=Release -DHOLDFAST_TESTS=OFF \
    -DHOLDFAST_STRESS=OFF -DHOLDFAST_EXAMPLES=OFF &&
    cmake --build build/measure --parallel "$(getconf _NPROCESSORS_ONLN)" \
        --target holdfast_bench; } >"$log" 2>&1; then
    cat "$log"
    rm -f "$log"
    exit 1
fi
rm -f "$log"

bench=build/measure/bench/bench
if [ $# -gt 0 ]; then
    exec $bench "$@"
fi
$bench --csv build/measure/bench.csv
sh bench/chart/chart.sh build/measure/bench.csv docs/bench.svg
mv build/measure/bench.csv docs/bench.csv
echo "docs/bench.csv and docs/bench.svg are of this run"
