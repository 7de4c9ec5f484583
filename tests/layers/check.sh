#!/bin/sh
# SPDX-License-Identifier: MIT
# Fails on an #include that points up or sideways between the layers of src/, or past
# include/ for everybody else. Usage: check.sh [project]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/../..}"

for directory in src include; do
    if [ ! -d "$directory" ]; then
        echo "no $directory/ here: nothing to check"
        exit 1
    fi
done
directories=
for directory in src include stress bench examples tools tests/install tests/examples; do
    if [ -d "$directory" ]; then
        directories="$directories $directory"
    fi
done

# shellcheck disable=SC2086 # the list is meant to be split
find $directories -type f \
    \( -name '*.[ch]' -o -name '*.[ch]pp' -o -name '*.[ch]c' -o -name '*.[ch]xx' \) |
    sort | awk -f "$here/check.awk"
