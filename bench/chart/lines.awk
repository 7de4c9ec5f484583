# SPDX-License-Identifier: MIT
# How figures grow: a panel of lines, both scales logarithmic.

function measure_panel(panel,    l, i, line, x, y, first)
{
    first = 1
    for (l = 1; l <= lines[panel]; l++) {
        line = line_at[panel, l]
        for (i = 1; i <= points[panel, line]; i++) {
            x = point_x[panel, line, i]
            y = point_y[panel, line, i]
            least_x = first || x < least_x ? x : least_x
            most_x = first || x > most_x ? x : most_x
            least = first || y < least ? y : least
            most = first || y > most ? y : most
            first = 0
        }
    }
    if (most_x == least_x) {
        fail("\"" panel "\" has no two points to draw a line through")
    }
    least_y = 10 ^ floor_of(log10(least))
    most_y = 10 ^ -floor_of(-log10(most))
    most_y = most_y == least_y ? 10 * least_y : most_y
}

function floor_of(v)
{
    return int(v) - (v < int(v))
}

function panel_x(left, x)
{
    return left + 34 + PLOT_WIDTH * log(x / least_x) / log(most_x / least_x)
}

function panel_y(top, y)
{
    return top + 22 + PLOT_HEIGHT * (1 - log(y / least_y) / log(most_y / least_y))
}

function draw_axes(left, top, panel,    i, l, line, x, y, drawn, bottom, unit, title)
{
    bottom = panel_y(top, least_y)
    unit = panel
    sub(/.*; /, "", unit)
    title = substr(panel, 1, length(panel) - length(unit) - 2)
    write_text("heading", left, top + 8, title)
    write_text("tick", panel_x(left, sqrt(least_x * most_x)), bottom + 28, unit)
    for (y = least_y; y < most_y * 1.1; y *= 10) {
        write_line("grid", panel_x(left, least_x), panel_y(top, y), panel_x(left, most_x),
            panel_y(top, y))
        write_text("number faint", left + 28, panel_y(top, y) + 4, with_commas(y))
    }
    for (l = 1; l <= lines[panel]; l++) {
        line = line_at[panel, l]
        for (i = 1; i <= points[panel, line]; i++) {
            x = point_x[panel, line, i]
            if (!(x in drawn)) {
                drawn[x] = 1
                write_line("grid", panel_x(left, x), bottom, panel_x(left, x), bottom + 4)
                write_text("tick", panel_x(left, x), bottom + 15, with_commas(x))
            }
        }
    }
}

# The ends of the lines from the top down, moved apart where their names would overlap.
function place_names(panel, top,    i, j, n, line, swap, least_gap, lowest)
{
    least_gap = 12
    n = lines[panel]
    for (i = 1; i <= n; i++) {
        order[i] = i
        line = line_at[panel, i]
        at[i] = panel_y(top, point_y[panel, line, points[panel, line]])
    }
    for (i = 2; i <= n; i++) {
        for (j = i; j > 1 && at[order[j]] < at[order[j - 1]]; j--) {
            swap = order[j]
            order[j] = order[j - 1]
            order[j - 1] = swap
        }
    }
    for (i = 2; i <= n; i++) {
        if (at[order[i]] < at[order[i - 1]] + least_gap) {
            at[order[i]] = at[order[i - 1]] + least_gap
        }
    }
    lowest = top + 24 + PLOT_HEIGHT
    for (i = n; i >= 1; i--) {
        at[order[i]] = at[order[i]] > lowest ? lowest : at[order[i]]
        lowest = at[order[i]] - least_gap
    }
}

function draw_panel(left, top, panel,    l, i, n, line, path, class)
{
    measure_panel(panel)
    draw_axes(left, top, panel)
    place_names(panel, top)
    for (l = 1; l <= lines[panel]; l++) {
        line = line_at[panel, l]
        n = points[panel, line]
        class = "c" (l - 1) % 6
        path = ""
        for (i = 1; i <= n; i++) {
            path = path sprintf(" %.1f,%.1f", panel_x(left, point_x[panel, line, i]),
                panel_y(top, point_y[panel, line, i]))
        }
        printf "<polyline class=\"line %s%s\" points=\"%s\"/>\n", class,
            (line ~ /holdfast$/ ? " ours" : ""), substr(path, 2)
        write_text("end " class, panel_x(left, most_x) + 6, at[l] + 4, line)
    }
}
