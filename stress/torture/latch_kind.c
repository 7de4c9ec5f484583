/* SPDX-License-Identifier: MIT */
/*
 * Work on latches, by anybody at any time: all words of a write are functions of its
 * number, its writer's seat and how many that seat has written. A reader looks
 *
 *   - that it has one write, which has begun;
 *   - that it is none older than one that the same seat had completed before the reader
 *     began: a write that is complete is shown until a later one is;
 *   - and none older than one of that seat's that the reader has seen: what is shown
 *     only ever becomes newer, and a seat writes one after the other. (Of two seats'
 *     writes nobody knows which came first.)
 *
 * Both also hold from a killed one to its successor in the seat.
 */
#include <errno.h>
#include <inttypes.h>

#include "common/random.h"
#include "kinds.h"
#include "ledger.h"

enum { LATCHES = 3, MOST_WORDS = 128 };

static const unsigned words_of[LATCHES] = {3, 8, MOST_WORDS};

/* Where it all is, of one latch. */
typedef struct {
    unsigned object, words;
    hf_latch_t *latch;
    _Atomic uint64_t *begun, *done; /* by writer's seat: how many writes */
    uint64_t *newest; /* by reader's seat, by writer's: seen. Only by who sits there */
} board_t;

static unsigned latch_objects(const torture_options_t *options)
{
    (void)options;
    return LATCHES;
}

static size_t lines(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static size_t payload_size(unsigned i)
{
    return words_of[i] * sizeof(uint64_t);
}

static size_t stride(size_t seats)
{
    return lines(hf_latch_size(payload_size(LATCHES - 1))) +
           lines((2 + seats) * seats * sizeof(uint64_t));
}

static size_t latch_size(const torture_options_t *options)
{
    size_t seats = 2 * options->processes + 1;
    return sizeof(uint64_t[8]) + LATCHES * stride(seats);
}

/* The area begins with the number of the first object. */
static board_t board_at(const control_t *c, void *area, unsigned i)
{
    char *at = (char *)area + sizeof(uint64_t[8]) + i * stride(c->seats);
    uint64_t *counts = (void *)(at + lines(hf_latch_size(payload_size(LATCHES - 1))));
    return (board_t){.object = *(uint32_t *)area + i,
        .words = words_of[i],
        .latch = (void *)at,
        .begun = (void *)counts,
        .done = (void *)(counts + c->seats),
        .newest = counts + 2 * (size_t)c->seats};
}

static uint64_t *newest_of(worker_t *w, const board_t *b, unsigned writer)
{
    return &b->newest[(size_t)w->seat * w->control->seats + writer];
}

static uint64_t word_of(uint64_t number, unsigned i)
{
    return number * (2 * i + 1);
}

static void fill(const board_t *b, uint64_t number, uint64_t *payload)
{
    for (unsigned i = 0; i < b->words; i++) {
        payload[i] = word_of(number, i);
    }
}

/* There is something to read from the start. */
static int latch_prepare(const control_t *c, void *area, unsigned first)
{
    int error = 0;
    *(uint32_t *)area = first;
    for (unsigned i = 0; error == 0 && i < LATCHES; i++) {
        uint64_t payload[MOST_WORDS];
        board_t b = board_at(c, area, i);
        fill(&b, life_of(auditor_seat(c), 1), payload);
        b.begun[auditor_seat(c)] = b.done[auditor_seat(c)] = 1;
        error = hf_latch_write(b.latch, payload, payload_size(i));
    }
    return error;
}

/* ---- calls ---- */

static void write_next(worker_t *w, const board_t *b)
{
    uint64_t payload[MOST_WORDS];
    count_own(&b->begun[w->seat]);
    uint64_t n = count_read(&b->begun[w->seat]);
    fill(b, life_of(w->seat, n), payload);
    worker_step(w);
    worker_call(w, "hf_latch_write", b->object);
    int error = hf_latch_write(b->latch, payload, b->words * sizeof *payload);
    worker_called(w);
    worker_expect(w, error, 0, "hf_latch_write", b->object);
    atomic_store_explicit(&b->done[w->seat], n, memory_order_relaxed);
    *newest_of(w, b, w->seat) = n;
}

static void complain(worker_t *w, const board_t *b, const char *what, uint64_t number)
{
    violation(w->control, "#%u: worker %u reads %s: write %" PRIu64 " of worker %u",
        b->object, w->seat, what, number_of(number), seat_of(number));
}

static bool is_whole(const board_t *b, const uint64_t *payload)
{
    uint64_t wrong = 0;
    for (unsigned i = 0; i < b->words; i++) {
        wrong |= payload[i] ^ word_of(payload[0], i);
    }
    return wrong == 0;
}

/* `done`: by seat, before the reader began. */
static void judge(
    worker_t *w, const board_t *b, const uint64_t *payload, const uint64_t *done)
{
    uint64_t n = number_of(payload[0]);
    unsigned writer = seat_of(payload[0]);
    if (!is_whole(b, payload)) {
        complain(w, b, "a mixture", payload[0]);
    } else if (writer >= w->control->seats || n > count_read(&b->begun[writer])) {
        complain(w, b, "what nobody wrote", payload[0]);
    } else if (n < done[writer]) {
        complain(w, b, "an older one than was complete", payload[0]);
    } else if (n < *newest_of(w, b, writer)) {
        complain(w, b, "an older one than before", payload[0]);
    } else {
        *newest_of(w, b, writer) = n;
    }
}

static void look(worker_t *w, const board_t *b)
{
    uint64_t payload[MOST_WORDS], done[MOST_SEATS];
    for (unsigned i = 0; i < w->control->seats; i++) {
        done[i] = count_read(&b->done[i]);
    }
    worker_call(w, "hf_latch_read", b->object);
    int error = hf_latch_read(b->latch, payload, b->words * sizeof *payload);
    worker_called(w);
    worker_expect(w, error, 0, "hf_latch_read", b->object);
    if (error == 0) {
        judge(w, b, payload, done);
    }
}

/* What changes nothing. */
static void ask(worker_t *w, const board_t *b)
{
    hf_owner_t who;
    uint64_t payload[MOST_WORDS];
    size_t less = (b->words - 1) * sizeof *payload;
    worker_call(w, "hf_latch_owner", b->object);
    int error = hf_latch_owner(b->latch, &who);
    worker_called(w);
    worker_expect(w, error, 0, "hf_latch_owner", b->object);
    worker_expect(w, hf_latch_check(b->latch), 0, "hf_latch_check", b->object);
    worker_expect(w, hf_latch_read(b->latch, payload, less), EINVAL,
        "reading another size", b->object);
}

/* ---- the kind ---- */

static void work_on_latch(worker_t *w, const board_t *b)
{
    uint64_t chance = stress_below(&w->random, 64);
    if (chance == 0) {
        ask(w, b);
    } else if (chance < 24) {
        write_next(w, b);
    } else {
        look(w, b);
    }
}

static void latch_turn(worker_t *w, void *area)
{
    board_t b = board_at(w->control, area, (unsigned)stress_below(&w->random, LATCHES));
    work_on_latch(w, &b);
}

static void latch_attend(worker_t *w, void *area, unsigned object, bool two)
{
    board_t b =
        board_at(w->control, area, (object + (two && w->seat % 2 == 1)) % LATCHES);
    grip_set(&w->control->seat[w->seat], 0, b.object, GRIP_WANTS);
    do {
        work_on_latch(w, &b);
    } while (worker_is_assembled(w));
    grip_set(&w->control->seat[w->seat], 0, 0, GRIP_NONE);
}

/* Its own write is the last. */
static void latch_audit(worker_t *auditor, void *area)
{
    unsigned me = auditor->seat;
    for (unsigned i = 0; i < LATCHES; i++) {
        board_t b = board_at(auditor->control, area, i);
        uint64_t payload[MOST_WORDS] = {0};
        look(auditor, &b);
        write_next(auditor, &b);
        look(auditor, &b);
        worker_expect(auditor, hf_latch_read(b.latch, payload, payload_size(i)), 0,
            "the last hf_latch_read", b.object);
        if (payload[0] != life_of(me, count_read(&b.begun[me]))) {
            complain(auditor, &b, "another one than the last", payload[0]);
        }
        ask(auditor, &b);
    }
}

static int latch_owner(const control_t *c, void *area, unsigned object, hf_owner_t *who)
{
    return hf_latch_owner(board_at(c, area, object).latch, who);
}

const kind_t latch_kind = {
    .name = "latch",
    .objects = latch_objects,
    .size = latch_size,
    .prepare = latch_prepare,
    .turn = latch_turn,
    .attend = latch_attend,
    .audit = latch_audit,
    .owner = latch_owner,
};
