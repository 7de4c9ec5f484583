# SPDX-License-Identifier: MIT
# What all of the picture is written with; and the whole of it, at the end of the input.

function escaped(text)
{
    gsub(/&/, "\\&amp;", text)
    gsub(/</, "\\&lt;", text)
    gsub(/>/, "\\&gt;", text)
    return text
}

function write_text(class, x, y, text)
{
    printf "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", class, x, y,
        escaped(text)
}

function write_line(class, x1, y1, x2, y2)
{
    printf "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
        class, x1, y1, x2, y2
}

# Three digits that count.
function digits(v)
{
    return sprintf(v >= 99.95 ? "%.0f" : v >= 9.995 ? "%.1f" : v >= 0.9995 ? "%.2f" : \
        "%.3f", v)
}

function with_commas(v,    text)
{
    text = v >= 1000 ? sprintf("%.0f", v) : "" v
    while (text ~ /[0-9][0-9][0-9][0-9]/) {
        match(text, /^[0-9]+/)
        text = substr(text, 1, RLENGTH - 3) "," substr(text, RLENGTH - 2)
    }
    return text
}

function log10(v)
{
    return log(v) / log(10)
}

# The i-th of ..., 0.5, 1, 2, 5, 10, ...; the 0th is 1.
function round_number(i,    decade, step)
{
    step = (i % 3 + 3) % 3
    decade = (i - step) / 3
    return (step == 0 ? 1 : step == 1 ? 2 : 5) * 10 ^ decade
}

# The last of them that is not above v, and the first not below it.
function round_below(v,    i)
{
    for (i = 3 * int(log10(v)) + 3; round_number(i) > v * 1.000001; i--) {
    }
    return i
}

function round_above(v,    i)
{
    i = round_below(v)
    return round_number(i) >= v * 0.999999 ? i : i + 1
}

function write_head(height)
{
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"%d\" " \
        "height=\"%d\" viewBox=\"0 0 %d %d\">\n", WIDTH, height, WIDTH, height
    print "<title>holdfast beside its peers</title>"
    print "<style>"
    print "text{font:12px system-ui,'Segoe UI','DejaVu Sans',sans-serif;fill:#24292f}"
    print ".title{font-size:18px;font-weight:600}.heading,.strong{font-weight:600}"
    print ".faint,.tick{fill:#57606a}.number{text-anchor:end}.tick{text-anchor:middle}"
    print ".tick,.end{font-size:11px}.paper{fill:#ffffff}"
    print ".grid{stroke:#d8dee4}.one{stroke:#57606a}"
    print ".better{fill:#1f883d}.worse{fill:#c4511a}"
    print ".line{fill:none;stroke-width:1.5}.ours{stroke-width:3}"
    for (i = 0; i < 6; i++) {
        printf ".c%d{stroke:%s}.end.c%d{stroke:none;fill:%s}\n", i, LIGHT[i], i, LIGHT[i]
    }
    print "@media (prefers-color-scheme:dark){"
    print "text{fill:#e6edf3}.faint,.tick{fill:#9198a1}.paper{fill:#0d1117}"
    print ".grid{stroke:#30363d}.one{stroke:#9198a1}"
    print ".better{fill:#3fb950}.worse{fill:#f0883e}"
    for (i = 0; i < 6; i++) {
        printf ".c%d{stroke:%s}.end.c%d{stroke:none;fill:%s}\n", i, DARK[i], i, DARK[i]
    }
    print "}"
    print "</style>"
    printf "<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n", WIDTH, height
}

function write_about(    system_name)
{
    system_name = about["load before"]
    sub(/-.*/, "", system_name) # a build's own name says nothing to others
    write_text("title", MARGIN, 32, "holdfast beside its peers")
    write_text("faint", MARGIN, 52, system_name ", " about["CPUs"] ", " \
        about_value["CPUs"] " CPUs; " about["rounds"] "; medians of " \
        about_value["rounds"] " rounds, all peers in turn in each")
    write_text("faint", MARGIN, 68, "bars: how many times better than the peer, on a " \
        "logarithmic scale; to the left of 1 the peer is better")
}

END {
    if (failed) {
        exit 1
    }
    if (NR == 0) {
        fail("it is empty: run bench --csv FILE first")
    }
    if (!("CPUs" in about) || !("rounds" in about) || !("load before" in about)) {
        fail("no rows \"about\" that say on which machine, and when")
    }
    if (group_count + panel_count == 0) {
        fail("nothing to draw: no table \"bars: ...\" or \"line: ...\"")
    }
    WIDTH = 960; MARGIN = 16; ROW = 16; GAP = 26; BAR_LEFT = 486; BAR_RIGHT = 760
    PANEL_WIDTH = (WIDTH - 2 * MARGIN) / 2; PANEL_HEIGHT = 200
    PLOT_WIDTH = 220; PLOT_HEIGHT = 120
    split("#1f883d #0969da #8250df #bf3989 #9a6700 #57606a", light_of, " ")
    split("#3fb950 #58a6ff #bc8cff #f778ba #d29922 #9198a1", dark_of, " ")
    for (i = 0; i < 6; i++) {
        LIGHT[i] = light_of[i + 1]
        DARK[i] = dark_of[i + 1]
    }
    measure_bars()
    shown_groups = 0
    for (g = 1; g <= group_count; g++) {
        shown_groups += bars_of[groups[g]] > 0
    }
    bars_end = 96 + shown_groups * (ROW + 2 + GAP) + bar_count * ROW
    write_head(bars_end + int((panel_count + 1) / 2) * PANEL_HEIGHT)
    write_about()
    y = 96
    for (g = 1; g <= group_count; g++) {
        if (bars_of[groups[g]] > 0) {
            y = draw_group(y, groups[g])
        }
    }
    for (p = 1; p <= panel_count; p++) {
        draw_panel(MARGIN + (p - 1) % 2 * PANEL_WIDTH,
            y + int((p - 1) / 2) * PANEL_HEIGHT, panels[p])
    }
    print "</svg>"
}
