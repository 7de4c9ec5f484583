#!/bin/sh
# SPDX-License-Identifier: MIT
# By hand, before a release: ten minutes of each torture, then the sweep over every kill
# point, with the choreographies and beside the peers. Usage: soak.sh [torture options]
set -eu
cd "$(dirname "$0")/.."

sh scripts/install-dependencies.sh build

cmake -S . -B build/soak -DCMAKE_BUILD_TYPE=RelWithDebInfo -DHOLDFAST_TESTS=OFF \
    -DHOLDFAST_BENCH=OFF -DHOLDFAST_EXAMPLES=OFF
cmake --build build/soak --parallel "$(getconf _NPROCESSORS_ONLN)"

failed=
build/soak/stress/torture/torture --duration 600 --processes 8 "$@" ||
    failed="$failed torture"
build/soak/stress/rcu_torture/rcu_torture --duration 600 || failed="$failed rcu_torture"
build/soak/stress/sweep/sweep || failed="$failed sweep"

if [ -n "$failed" ]; then
    echo "FAILED:$failed"
    exit 1
fi
echo "all passed"
