# SPDX-License-Identifier: MIT
# Ours beside each peer: a bar from 1 to how many times better it is.

function times_better(group, what, who,    times)
{
    times = bar[group, what, "holdfast"] / bar[group, what, who]
    return group ~ /less is better$/ ? 1 / times : times
}

# Whether there are peers at all: those that may be missing, may be missing.
function measure_bars(    g, w, p, group, what, times)
{
    least = most = 1
    for (g = 1; g <= group_count; g++) {
        group = groups[g]
        for (w = 1; w <= whats[group]; w++) {
            what = what_at[group, w]
            if (!((group, what, "holdfast") in bar)) {
                fail("\"" what "\" has no figure of holdfast's")
            }
            for (p = 1; p <= peers[group, what]; p++) {
                times = times_better(group, what, peer_at[group, what, p])
                least = times < least ? times : least
                most = times > most ? times : most
                bars_of[group]++
            }
        }
        bar_count += bars_of[group]
    }
    first_tick = round_below(least)
    last_tick = round_above(most)
    if (last_tick - first_tick < 3) {
        last_tick = first_tick + 3
    }
}

function bar_x(times)
{
    return BAR_LEFT + (BAR_RIGHT - BAR_LEFT) * log(times / round_number(first_tick)) / \
        log(round_number(last_tick) / round_number(first_tick))
}

function draw_bar(y, times,    one, end)
{
    one = bar_x(1)
    end = bar_x(times)
    printf "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"11\"/>\n",
        (times < 1 ? "worse" : "better"), (times < 1 ? end : one), y - 9,
        (times < 1 ? one - end : end - one)
    write_text("number strong", 816, y, digits(times))
}

function draw_group(y, group,    i, w, p, what, who, bottom)
{
    write_text("heading", MARGIN, y, group)
    write_text("tick", (BAR_LEFT + BAR_RIGHT) / 2, y, "times better, logarithmic")
    write_text("number faint", 880, y, "holdfast")
    write_text("number faint", WIDTH - MARGIN, y, "peer")
    y += ROW
    bottom = y + bars_of[group] * ROW + 2
    for (i = first_tick; i <= last_tick; i++) {
        write_text("tick", bar_x(round_number(i)), y, with_commas(round_number(i)))
        write_line(i == 0 ? "one" : "grid", bar_x(round_number(i)), y + 4,
            bar_x(round_number(i)), bottom)
    }
    for (w = 1; w <= whats[group]; w++) {
        what = what_at[group, w]
        for (p = 1; p <= peers[group, what]; p++) {
            who = peer_at[group, what, p]
            y += ROW
            if (p == 1) {
                write_text("name", MARGIN, y, what)
            }
            write_text("number faint", BAR_LEFT - 10, y, who)
            draw_bar(y, times_better(group, what, who))
            write_text("number", 880, y, digits(bar[group, what, "holdfast"]))
            write_text("number", WIDTH - MARGIN, y, digits(bar[group, what, who]))
        }
    }
    return bottom + GAP
}
