/* SPDX-License-Identifier: MIT */
/*
 * Whose call of the library takes too long. A call that may wait is given the time in
 * which nobody was stopped: who is may be in a section, or hold a lock. A reader waits
 * for nobody: to its calls all time counts but that in which it was stopped itself.
 */
#include <inttypes.h>

#include "common/random.h"
#include "crew.h"

static const uint64_t stall_ns = 500000000u;
/* A longer gap between two looks is the machine's, not a member's: what counts of it. */
static const uint64_t most_of_gap_ns = 100000000u;

static const char *name_of_call(const seat_t *seat)
{
    return atomic_load_explicit(&seat->call_name, memory_order_relaxed);
}

static void judge(crew_t *crew, unsigned i, post_t *post, const seat_t *seat)
{
    uint64_t *longest = role_of(i) == READER ? &crew->longest_read_ns : &crew->longest_ns;
    if (post->waited_ns > *longest) {
        *longest = post->waited_ns;
        crew->longest_call =
            role_of(i) == READER ? crew->longest_call : name_of_call(seat);
    }
    if (post->waited_ns > stall_ns && !post->reported) {
        post->reported = true;
        crew->stalls++;
        stress_progress_say(crew->progress,
            "stall: member %u has been in %s for %" PRIu64 " ms with nobody stopped", i,
            name_of_call(seat), post->waited_ns / 1000000);
    }
}

static void look_at(crew_t *crew, unsigned i, uint64_t passed)
{
    post_t *post = &crew->post[i];
    const seat_t *seat = &crew->control->seat[i];
    uint64_t call = count_read(&seat->call);
    if (call != post->call || call % 2 == 0 || !post->up || post->doomed) {
        post->call = call;
        post->waited_ns = 0;
        post->reported = false;
        return;
    }
    post->waited_ns += passed;
    judge(crew, i, post, seat);
}

static bool was_stopped(const post_t *post)
{
    return post->up && (post->stopped_ns != 0 || post->disturbed);
}

static void count_rescues(crew_t *crew)
{
    hf_segment_info_t info;
    if (hf_segment_info(crew->segment, &info) == 0 && info.rescues > crew->rescues) {
        stress_progress_say(crew->progress,
            "rescue: the back-stop had to wake %" PRIu64 " (now %" PRIu64 ")",
            info.rescues - crew->rescues, info.rescues);
        crew->rescues = info.rescues;
    }
}

void crew_look(crew_t *crew, uint64_t now)
{
    unsigned members = crew->control->options.members;
    uint64_t gap = now - crew->last_look_ns;
    uint64_t passed = gap < most_of_gap_ns ? gap : most_of_gap_ns;
    bool disturbed = false;
    for (unsigned i = 0; i < members; i++) {
        disturbed = disturbed || was_stopped(&crew->post[i]);
    }
    for (unsigned i = 0; i < members; i++) {
        bool excused = role_of(i) == READER ? was_stopped(&crew->post[i]) : disturbed;
        look_at(crew, i, excused ? 0 : passed);
    }
    for (unsigned i = 0; i < members; i++) {
        crew->post[i].disturbed = false;
    }
    crew->longest_gap_ns = gap > crew->longest_gap_ns ? gap : crew->longest_gap_ns;
    crew->last_look_ns = now;
    count_rescues(crew);
    stress_complaints_print(&crew->control->complaints, crew->progress);
}
