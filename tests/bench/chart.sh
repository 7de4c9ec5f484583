#!/bin/sh
# SPDX-License-Identifier: MIT
# The chart of a small file of figures has each bar at its place and nothing else; each
# kind of bad file is refused in one line that says what is wrong, and leaves no picture.
# With a bench: what it writes can be drawn.
#
# Usage: chart.sh chart-script small.csv scratch-directory [bench]
set -eu

chart=$1
small=$2
scratch=$3
rm -rf "$scratch"
mkdir -p "$scratch"

# Kept in a file: what is refused comes through a pipe, into a shell of its own.
complain()
{
    printf '%s\n' "$*" | tee -a "$scratch/complaints"
}

must_draw()
{
    if ! sh "$chart" "$1" "$2"; then
        echo "$1 cannot be drawn"
        exit 1
    fi
    if command -v xmllint >/dev/null 2>&1 && ! xmllint --noout "$2"; then
        complain "$2 is not well-formed"
    fi
}

# So many lines of the picture have it.
must_have()
{
    count=$(grep -c -e "$2" "$scratch/small.svg") || true
    [ "$count" -eq "$1" ] || complain "$count lines, not $1, have: $2"
}

must_draw "$small" "$scratch/small.svg"
must_have 3 'class="better"'
must_have 1 'class="worse"'
must_have 2 '<polyline'
must_have 1 '<polyline class="line c0 ours"'
must_have 1 '>locks &amp; &lt;others&gt;<'
must_have 1 '>alone: ns, less is better<'
must_have 1 '>together: million/s, more is better<'
must_have 0 'without peers'
must_have 0 'nothing to compare with'
must_have 1 'Linux 6.1.0, x86_64, Some CPU, 2 CPUs; 2026-01-31; medians of 5 rounds'
must_have 1 'prefers-color-scheme:dark'

# The picture's numbers: x and width of the bars, then the points of the lines, its height
# and how far down anything is.
numbers()
{
    sed -n "s/.*<$1.* $2=\"\([0-9., ]*\)\".*/\1/p" "$scratch/small.svg" | tr ', ' '  '
}

# From 0.1 to 100 is three decades, each as wide as the bar of ten times; bars begin or
# end at 1.
bars=$({ numbers 'rect class="[bw]' x && numbers 'rect class="[bw]' width; } | tr '\n' ' ')
printf '%s\n' "$bars" | awk '
    function near(a, b) { return a - b < 0.2 && b - a < 0.2 }
    { exit !(NF == 8 && $5 > 50 && near($6, 2 * $5) && near($7, $5) && near($8, $5) &&
        near($2, $1) && near($3 + $7, $1) && near($4, $1)) }' ||
    complain "the bars' x, then their widths: $bars"

# From 150 to 120, from 20 to 10: the second step is 3.1 times the first, by logarithms.
numbers polyline points | tr '\n' ' ' | awk '
    { step = ($8 - $6) / ($4 - $2)
      exit !(NF == 8 && $1 == $5 && $3 == $7 && $1 < $3 && $2 < $4 && $4 < $6 && $6 < $8 &&
        step > 3.05 && step < 3.16) }' ||
    complain "lines through $(numbers polyline points)"

{ numbers svg height; numbers text y; } | awk '
    NR == 1 { height = $1; next }
    { lowest = $1 > lowest ? $1 : lowest }
    END { exit !(lowest < height && height < lowest + 48) }' ||
    complain "a picture $(numbers svg height) high"

# must_refuse name words: what is on the standard input, for that reason.
must_refuse()
{
    cat >"$scratch/$1.csv"
    refuse "$@"
}

refuse()
{
    if sh "$chart" "$scratch/$1.csv" "$scratch/$1.svg" 2>"$scratch/$1.err"; then
        complain "not refused: $1"
        return
    fi
    [ "$(wc -l <"$scratch/$1.err")" -eq 1 ] || complain "$1: more than a line is said"
    grep -qF -e "$2" "$scratch/$1.err" ||
        complain "$1: not for \"$2\", but: $(cat "$scratch/$1.err")"
    for left in "$scratch/$1".svg*; do
        [ ! -e "$left" ] || complain "$1: leaves $left"
    done
}

# The small file with one line more.
and()
{
    cat "$small"
    printf '%s\n' "$1"
}

without()
{
    grep -v -e "$1" "$small"
}

refuse nowhere 'no such file'
must_refuse empty 'it is empty' </dev/null
echo 'name,value' | must_refuse heading 'line 1: not what bench --csv writes'
and '"a","b","c",fast' | must_refuse letters 'line 19: not "table","row","figure",number'
and '"a","b",3' | must_refuse short 'line 19: not "table","row","figure",number'
and '"a","b","c",nan' | must_refuse nan 'line 19: not "table","row","figure",number'
and '"bars: a: ns, less is better","b","c",0' | must_refuse zero 'no place for 0'
and '"line: a: ns; x","b","1",-2' | must_refuse negative 'no place for -2'
and '"bars: a: ns","b","holdfast",2' | must_refuse direction 'less is better'
and '"line: a: ns","b","1",2' | must_refuse units 'unit of y; unit of x'
and '"line: a: ns; x","b","0",2' | must_refuse origin 'no place for a point at 0'
and '"line: a: ns; x","b","few",2' | must_refuse word 'no place for a point at few'
and '"line: a: ns; x","b","1",2' | must_refuse point 'no two points'
and '"bars: alone: ns, less is better","mutex","holdfast",10' |
    must_refuse twice 'has a second figure of "holdfast"'
and '"bars: alone: ns, less is better","once","a peer",10' |
    must_refuse ours '"once" has no figure of holdfast'
without '^"about"' | must_refuse machine 'no rows "about"'
without '^"\(bars\|line\):' | must_refuse nothing 'nothing to draw'

if [ $# -gt 3 ]; then
    "$4" --quick --only uncontended --csv "$scratch/bench.csv" >"$scratch/bench.txt"
    must_draw "$scratch/bench.csv" "$scratch/bench.svg"
    grep -q 'mutex: lock + unlock' "$scratch/bench.svg" ||
        complain "the bench's own figures are not in its chart"
fi

[ ! -e "$scratch/complaints" ]
