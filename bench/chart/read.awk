# SPDX-License-Identifier: MIT
# Reads what `bench --csv FILE` wrote. Of its tables the chart takes "about",
# "bars: title: unit, less is better" (or "more") and "line: title: unit of y; unit of x";
# the others it leaves alone. Bad input: one line that says what is wrong, exit status 1.

function fail(why)
{
    printf "chart: %s: %s\n", FILENAME, why | "cat 1>&2"
    close("cat 1>&2")
    failed = 1
    exit 1
}

function fail_here(why)
{
    fail("line " NR ": " why)
}

NR == 1 {
    if ($0 != "table,row,figure,value") {
        fail_here("not what bench --csv writes: the first line is not its heading")
    }
    next
}

# Nothing in our names needs CSV's doubled quotes.
!/^"[^"]+","[^"]+","[^"]+",-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?$/ {
    fail_here("not \"table\",\"row\",\"figure\",number: " $0)
}

{
    split(substr($0, 2), field, /","|",/)
    table = field[1]
    value = field[4] + 0
}

table == "about" {
    about[field[2]] = field[3]
    about_value[field[2]] = value
}

table ~ /^(bars|line): / && value <= 0 {
    fail_here("a logarithmic scale has no place for " field[4])
}

table ~ /^bars: / {
    add_bar(substr(table, 7), field[2], field[3])
}

table ~ /^line: / {
    add_point(substr(table, 7), field[2], field[3])
}

function add_bar(group, what, who)
{
    if (group !~ /: [^,]+, (less|more) is better$/) {
        fail_here("\"" group "\" does not end in \": unit, less is better\", or more")
    }
    if (!(group in whats)) {
        groups[++group_count] = group
        whats[group] = 0
    }
    if (!((group, what) in peers)) {
        what_at[group, ++whats[group]] = what
        peers[group, what] = 0
    }
    if ((group, what, who) in bar) {
        fail_here("\"" what "\" has a second figure of \"" who "\"")
    }
    bar[group, what, who] = value
    if (who != "holdfast") {
        peer_at[group, what, ++peers[group, what]] = who
    }
}

function add_point(panel, line, x)
{
    if (panel !~ /: [^;]+; .+$/) {
        fail_here("\"" panel "\" does not end in \": unit of y; unit of x\"")
    }
    if (x !~ /^[0-9.]+$/ || x + 0 <= 0) {
        fail_here("no place for a point at " x)
    }
    if (!(panel in lines)) {
        panels[++panel_count] = panel
        lines[panel] = 0
    }
    if (!((panel, line) in points)) {
        line_at[panel, ++lines[panel]] = line
        points[panel, line] = 0
    }
    points[panel, line]++
    point_x[panel, line, points[panel, line]] = x + 0
    point_y[panel, line, points[panel, line]] = value
}
