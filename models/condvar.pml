/* SPDX-License-Identifier: MIT */
/*
 * The condition variable: src/condvar/condvar.c, src/wait/queue.h. Its mutex is one that
 * the next one gets when its holder dies; mutex.pml is about that.
 *
 * Participant 0 puts an item, and signals, ROUNDS times; each other takes one, and waits
 * while there is none. TIMED: mask of those who may stop waiting.
 */
#ifndef N
#define N 3
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef TIMED
#define TIMED 0
#endif
#ifdef WAKE_ONE
#define PAIR 1
#else
#define PAIR 2
#endif

#define drain(i) skip /* only exchanges and system calls */
#include "system.pml"

/* The word. */
#define VALUE(w)   ((w) & 15)
#define SLEEPERS   16
#define WAITERS    32
#define UNANSWERED 64
#define ENTRY      128

short word;
byte mutex;    /* who has it, + 1 */
byte on_value; /* who is queued on the word's low half */
byte items;
bool unsignalled; /* an item has been put, its signal not been given */

#define bury(i)                                                                         \
    on_value = on_value & ~BIT(i);                                                      \
    mutex = (mutex == i + 1 -> 0 : mutex)

mtype = {
    LOCK, TEST, ENTER, ENTER_CAS, GIVE, LATE, LOOK, ANSWER, SLEEP, QUEUE, ASLEEP, UNLOCK,
    PUT, PUT_UNLOCK, SIGNAL, SIGNAL_CAS, MARK, ADD, WAKE, REST
}

inline cas(expected, to)
{
    ok = word == expected;
    if
    :: ok -> word = to
    :: else
    fi
}

hidden byte n, ok;

inline done()
{
    finished = finished | BIT(me);
    w = 0; key = 0;
    GO(FINISHED)
}

inline signalled()
{
    unsignalled = false;
    w = 0;
    rounds++;
    if
    :: rounds < ROUNDS -> GO(LOCK)
    :: else -> done()
    fi
}

proctype Waiter(byte me)
{
    short w;
    byte key;
    bool is_over;
end:
    do
    :: atomic { pc[me] == LOCK && mutex == 0 -> mutex = me + 1; GO(TEST) }
    :: STEP(TEST)
        if
        :: items > 0 -> items--; GO(UNLOCK)
#ifdef READ_LATE
        :: else -> GO(GIVE)
#else
        :: else -> GO(ENTER)
#endif
        fi }
    /* ---- enter: under the mutex ---- */
    :: STEP(ENTER)
        w = word;
        key = VALUE(w);
        if
        :: w & WAITERS -> GO(GIVE)
        :: else -> GO(ENTER_CAS)
        fi }
    :: STEP(ENTER_CAS)
        cas(w, w | WAITERS);
        if
        :: ok -> GO(GIVE)
        :: else -> GO(ENTER)
        fi }
    :: STEP(GIVE) /* hf_mutex_unlock */
        mutex = 0;
#ifdef READ_LATE
        GO(LATE)
#else
        GO(LOOK)
#endif
        }
    :: STEP(LATE) key = VALUE(word); word = word | WAITERS; GO(LOOK) }
    /* ---- sleep_until_signalled ---- */
    :: STEP(LOOK)
        w = word;
        if
#ifdef DEADLINE_FIRST
        :: HAS(TIMED, me) -> done()
#else
        :: VALUE(w) == key && HAS(TIMED, me) -> done() /* ETIMEDOUT */
#endif
        :: VALUE(w) == key && !is_over -> GO(SLEEP)
        :: VALUE(w) != key -> GO(ANSWER)
        fi }
    :: STEP(ANSWER) word = word & ~UNANSWERED; w = 0; key = 0; GO(LOCK) }
    :: STEP(SLEEP) /* hfi_queue_enter */
#ifdef NO_SLEEPERS
        ok = true;
#else
#ifdef NO_ENTRIES
        cas(w, w | SLEEPERS);
#else
        cas(w, (w | SLEEPERS) + ENTRY);
#endif
#endif
        if
        :: ok -> GO(QUEUE)
        :: else -> GO(LOOK)
        fi }
    :: STEP(QUEUE) /* futex */
        if
        :: VALUE(word) == key -> on_value = on_value | BIT(me); GO(ASLEEP)
        :: else -> GO(LOOK)
        fi }
    :: atomic { pc[me] == ASLEEP && HAS(woken | TIMED, me) ->
        is_over = !HAS(woken, me);
        on_value = on_value & ~BIT(me);
        woken = woken & ~BIT(me);
        GO(LOOK) }
    :: STEP(UNLOCK) mutex = 0; done() }
    :: pc[me] == FINISHED || pc[me] == DIED -> break
    od
}

proctype Signaller(byte me)
{
    short w;
    byte key, rounds;
end:
    do
    :: atomic { pc[me] == LOCK && mutex == 0 -> mutex = me + 1; GO(PUT) }
    :: STEP(PUT) items++; unsignalled = true; GO(PUT_UNLOCK) }
    :: STEP(PUT_UNLOCK) mutex = 0; GO(SIGNAL) }
    /* ---- wake ---- */
    :: STEP(SIGNAL)
        w = word;
        if
        :: w & SLEEPERS -> GO(MARK)
        :: !(w & SLEEPERS) && (w & WAITERS) -> GO(SIGNAL_CAS)
        :: else -> signalled()
        fi }
    :: STEP(SIGNAL_CAS) /* n, waiters -> n + 1, none */
        cas(w, (w + 1) & ~(WAITERS | UNANSWERED));
        if
        :: ok -> signalled()
        :: else -> GO(SIGNAL)
        fi }
    :: STEP(MARK) /* n, sleepers -> the same, unanswered */
        cas(w, w | UNANSWERED);
        if
        :: ok -> w = w | UNANSWERED; GO(ADD)
        :: else -> GO(SIGNAL)
        fi }
    :: STEP(ADD) /* hfi_add_and_wake: one system call */
        word++;
#ifdef TWO_CALLS
        unsignalled = false;
        GO(WAKE) }
    :: STEP(WAKE)
#endif
        wake(on_value, PAIR);
        unsignalled = false;
        if
        :: n == 0 -> GO(REST)
        :: else -> signalled()
        fi }
    :: STEP(REST) /* hfi_queue_rest */
#ifdef REST_BLINDLY
        word = word & ~SLEEPERS;
#else
        cas(w + 1, (w + 1) & ~SLEEPERS);
#endif
        signalled() }
    :: pc[me] == FINISHED || pc[me] == DIED -> break
    od
}

#define BUFFERED(i)  false
#define drain_one(i) skip
#include "world.pml"

/* Law: nobody who lives waits for ever beside an item that was signalled. */
init {
    byte p;
    atomic {
        do
        :: p < N ->
            pc[p] = LOCK;
            if
            :: p == 0 -> run Signaller(p)
            :: else -> run Waiter(p)
            fi;
            p++
        :: else -> break
        od;
        run Killer()
    }
    timeout;
    p = 1;
    do
    :: p < N ->
        assert(items == 0 || unsignalled || pc[p] == FINISHED || pc[p] == DIED);
        p++
    :: else -> break
    od
}
