#!/bin/sh
# SPDX-License-Identifier: MIT
# Draws the chart, an SVG, from what `bench --csv FILE` wrote, with any POSIX awk. Bad
# input: one line that says what is wrong, exit status 1, and no picture.
#
# Usage: chart.sh FILE.csv FILE.svg
set -eu

if [ $# -ne 2 ]; then
    echo "usage: chart.sh FILE.csv FILE.svg" >&2
    exit 2
fi
if ! [ -f "$1" ]; then
    echo "chart: $1: no such file; bench --csv FILE writes one" >&2
    exit 1
fi

here=$(cd "$(dirname "$0")" && pwd)
if ! LC_ALL=C awk -f "$here/read.awk" -f "$here/bars.awk" -f "$here/lines.awk" \
    -f "$here/svg.awk" "$1" >"$2.part"; then
    rm -f "$2.part"
    exit 1
fi
mv "$2.part" "$2"
