/* SPDX-License-Identifier: MIT */
/*
 * The grace period: readers mark their sections by a plain store, without a fence;
 * hf_rcu_synchronize bumps the epoch, fences everyone, and waits for sections that are
 * older. Nesting is left out. A participant has the slot of its number, but for JOINER,
 * which comes into slot 0 after its owner has died.
 *
 *   READERS      mask: who reads, ROUNDS times
 *   UPDATERS     mask: who replaces the block, synchronizes and frees, once
 *   JOINER       this participant joins later
 *   RETIRE       they retire it instead, and free TRIES times what a period has ended for
 *   FENCED       mask: participants that cannot issue membarrier
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
#ifndef READERS
#define READERS 1
#endif
#ifndef UPDATERS
#define UPDATERS 6
#endif
#ifndef JOINER
#define JOINER N
#endif
#ifndef FENCED
#define FENCED 0
#endif

#define drain(i) do :: len(buffer[i]) > 0 -> drain_one(i) :: else -> break od

#include "system.pml"

/* The epoch word: the sticky bit, and the count. */
#define STICKY     64
#define COUNT(e)   ((e) & 63)
#define IS_OLD(s)  (s != 0 && COUNT(s) < target)
#define SLOT(i)    (i == JOINER -> 0 : i)
#define LIVES(tag) (!IS_DEAD(tag) && HAS(joined, tag))

mtype = { NEVER_READ, PLAIN_MODE, FENCED_MODE } /* rcu_mode */
mtype = { SECTION, WAITED, MODE }

byte epoch = 1;
byte section[N], waited[N];
mtype mode[N];
byte owner[N];      /* generation: which participant's tag is the slot's */
byte joined;        /* whose lease has been taken */
byte on_section[N]; /* who is queued on the section's low half */
byte current;       /* the block that is published */
byte freed;         /* bit b: block b has been freed */

#ifdef RETIRE
#ifndef TRIES
#define TRIES 2
#endif
byte heap; /* who has its lock, + 1; what it changes, it changes in one commit */
byte ring[N], head, tail;
byte period_tail, period_epoch; /* all before period_tail came before that epoch */
#endif

chan buffer[N] = [4] of { mtype, byte }; /* stores on their way, in order: TSO */

hidden byte n, value;
hidden mtype cell;

inline drain_one(i)
{
    buffer[i] ? cell, value;
    if
    :: cell == SECTION -> section[SLOT(i)] = value
    :: cell == WAITED -> waited[SLOT(i)] = value
    :: cell == MODE -> mode[SLOT(i)] = value
    fi
}

inline leave_queues(i)
{
    for (n : 0 .. N - 1) {
        on_section[n] = on_section[n] & ~BIT(i)
    }
    leave_lease_queues(i)
}

inline bury(i)
{
#ifdef RETIRE
    heap = (heap == i + 1 -> 0 : heap);
#endif
    leave_queues(i)
}

mtype = {
    JOIN, JOIN_WAKE, JOIN_CLEAR, JOIN_LEASE,
    READ, ANNOUNCE, EPOCH, BEGIN, READ_FENCE, ACK, POINTER, USE, UNREAD, UNREAD_FENCE,
    LOOK_WAITED, CLEAR_WAITED, WAKE,
    SYNC, STICK, PUBLISH, BUMP, FENCE, MODES, SCAN, OWNER, RAISE, FENCE_AGAIN, SECOND_LOOK,
    WATCH, WATCH_LIFE, QUEUE, QUEUE_LEASE, ASLEEP, LOOK, PASS_ON, FREE,
    LOCK, RETIRED, TRY, FREE_ONE, PERIOD_TAIL, PERIOD_BUMP, PERIOD_COMMIT, UNLOCK
}

inline done()
{
    finished = finished | BIT(me);
    e = 0; p = 0; s = 0; i = 0; target = 0; tag = 0; old = 0; rounds = 0;
    GO(FINISHED)
}

inline next_slot()
{
    seen = 0; tag = 0;
    s++;
    GO(SCAN)
}

#ifdef RETIRE
#define AFTER_SCAN FREE_ONE
#define FIRST_STEP LOCK
#define MEETS_OLD  UNLOCK /* does not wait */
#ifdef COMMIT_EARLY
#define AFTER_BUMP  PERIOD_COMMIT
#define AFTER_FENCE UNLOCK
#else
#define AFTER_BUMP  FENCE
#define AFTER_FENCE PERIOD_COMMIT
#endif
#else
#define FIRST_STEP  SYNC
#define AFTER_SCAN  FREE
#define AFTER_FENCE SCAN
#define MEETS_OLD   RAISE
#endif

inline unread()
{
    e = 0; p = 0;
    rounds++;
    if
    :: rounds < ROUNDS -> GO(EPOCH)
    :: else -> done()
    fi
}

proctype Participant(byte me)
{
    byte e, p, s, i, target, tag, old, rounds, seen;
    do
    /* ---- hfi_table_join, into slot 0 ---- */
    :: atomic { pc[me] == JOIN && IS_DEAD(0) -> owner[0] = me; GO(JOIN_WAKE) }
    :: atomic { pc[me] == JOIN && HAS(finished, 0) -> done() }
    :: STEP(JOIN_WAKE) wake(on_lease[0], ALL); GO(JOIN_CLEAR) }
    :: STEP(JOIN_CLEAR)
#ifndef NO_CLEAR
        section[0] = 0;
#endif
        mode[0] = NEVER_READ;
        GO(JOIN_LEASE) }
    :: STEP(JOIN_LEASE)
        joined = joined | BIT(me);
        if
        :: GO(READ)
        :: done() /* lives, and never reads */
        fi }

    /* ---- read lock: the first one announces itself ---- */
    :: STEP(READ)
        buffer[me] ! MODE, (HAS(FENCED, me) -> FENCED_MODE : PLAIN_MODE);
        GO(ANNOUNCE) }
    :: STEP(ANNOUNCE)
#ifndef NO_ANNOUNCE_FENCE
        drain(me);
#endif
        if
        :: HAS(FENCED, me) -> epoch = epoch | STICKY
        :: else
        fi;
        GO(EPOCH) }
    :: STEP(EPOCH) e = epoch; GO(BEGIN) }
    :: atomic { pc[me] == BEGIN && nfull(buffer[me]) ->
        buffer[me] ! SECTION, e;
        if
        :: e & STICKY -> GO(READ_FENCE)
        :: else -> GO(POINTER)
        fi }
    :: STEP(READ_FENCE)
        drain(me);
        if
        :: mode[SLOT(me)] == FENCED_MODE -> GO(POINTER)
        :: else -> GO(ACK)
        fi }
    :: STEP(ACK) buffer[me] ! MODE, FENCED_MODE; GO(POINTER) }
    :: STEP(POINTER) p = current; GO(USE) }
    /* Law: what a reader has found stays until its section ends. */
    :: STEP(USE) assert(!HAS(freed, p)); GO(UNREAD) }
    :: atomic { pc[me] == UNREAD && nfull(buffer[me]) ->
        assert(!HAS(freed, p));
        buffer[me] ! SECTION, 0;
        if
        :: e & STICKY -> GO(UNREAD_FENCE)
        :: else -> GO(LOOK_WAITED)
        fi }
    :: STEP(UNREAD_FENCE) drain(me); GO(LOOK_WAITED) }
    :: STEP(LOOK_WAITED)
        if
        :: waited[SLOT(me)] -> GO(CLEAR_WAITED)
        :: else -> unread()
        fi }
    :: atomic { pc[me] == CLEAR_WAITED && nfull(buffer[me]) ->
        buffer[me] ! WAITED, 0;
        GO(WAKE) }
    :: STEP(WAKE) wake(on_section[SLOT(me)], ALL); unread() }

    /* ---- synchronize, after the caller's unpublishing ---- */
    :: STEP(SYNC)
        if
        :: HAS(FENCED, me) -> GO(STICK)
        :: else -> GO(PUBLISH)
        fi }
    :: STEP(STICK) epoch = epoch | STICKY; GO(PUBLISH) }
#ifdef BUMP_EARLY
    :: STEP(PUBLISH) epoch++; target = COUNT(epoch); GO(BUMP) }
    :: STEP(BUMP) old = current; current = me; i = 0; GO(FENCE) }
#else
    :: STEP(PUBLISH) old = current; current = me; GO(BUMP) }
    :: STEP(BUMP)
#ifdef BUMP_LATE
        target = COUNT(epoch);
#else
        epoch++;
        target = COUNT(epoch);
#endif
        i = 0;
        if
        :: HAS(FENCED, me) -> GO(MODES)
        :: else -> GO(FENCE)
        fi }
#endif
    :: STEP(FENCE) /* membarrier: one thread after the other */
#ifndef NO_MEMBARRIER
        drain(i);
#endif
        i++;
        if
        :: i == N -> i = 0; GO(AFTER_FENCE)
        :: else
        fi }
    :: STEP(MODES) /* one that cannot fence others needs them all to fence themselves */
        tag = owner[i];
        if
#ifndef NO_ACK
        :: mode[i] == PLAIN_MODE && LIVES(tag) -> done() /* ENOTSUP */
#endif
        :: else ->
            tag = 0;
            i++;
            if
            :: i == N -> i = 0; GO(SCAN)
            :: else
            fi
        fi }
    :: STEP(SCAN)
        if
        :: s == N || s == JOINER -> s = 0; GO(AFTER_SCAN)
        :: else ->
            seen = section[s];
            if
            :: IS_OLD(seen) -> GO(OWNER)
            :: else -> next_slot()
            fi
        fi }
    :: STEP(OWNER) /* hfi_table_occupied */
        tag = owner[s];
        if
#ifndef WAIT_FOR_DEAD
        :: !LIVES(tag) -> next_slot()
#endif
#ifdef GUESS
        :: next_slot()
#endif
#ifdef WAIT_FOR_DEAD
        :: GO(RAISE)
#else
        :: LIVES(tag) -> tag = (MEETS_OLD == UNLOCK -> 0 : tag); GO(MEETS_OLD)
#endif
        fi }
    :: STEP(RAISE)
#ifndef NO_WAITED
        waited[s] = 1;
#endif
        i = 0; GO(FENCE_AGAIN) }
    :: STEP(FENCE_AGAIN)
#ifndef NO_FENCE_AGAIN
        if
        :: !HAS(FENCED, me) -> drain(i)
        :: else
        fi;
#endif
        i++;
        if
#ifdef NO_SECOND_LOOK
        :: i == N -> i = 0; GO(WATCH)
#else
        :: i == N -> i = 0; GO(SECOND_LOOK)
#endif
        :: else
        fi }
    :: STEP(SECOND_LOOK)
        seen = section[s];
        if
        :: IS_OLD(seen) -> GO(WATCH)
        :: else -> next_slot()
        fi }
    /* ---- hfi_wait_sleep on {section, lease} ---- */
    :: STEP(WATCH)
        if
#if defined(NO_WATCH) || defined(WAIT_FOR_DEAD)
        :: true -> GO(QUEUE)
#else
        :: LIVES(tag) -> watched = watched | BIT(tag); GO(WATCH_LIFE)
        :: else -> GO(LOOK)
#endif
        fi }
    :: STEP(WATCH_LIFE)
        if
        :: LIVES(tag) && owner[s] == tag -> GO(QUEUE)
        :: else -> GO(LOOK)
        fi }
    :: STEP(QUEUE)
        if
        :: section[s] == seen -> on_section[s] = on_section[s] | BIT(me); GO(QUEUE_LEASE)
        :: else -> GO(LOOK)
        fi }
    :: STEP(QUEUE_LEASE)
        if
#if defined(NO_WATCH) || defined(WAIT_FOR_DEAD)
        :: true -> GO(ASLEEP)
#else
        :: !IS_DEAD(tag) -> on_lease[tag] = on_lease[tag] | BIT(me); GO(ASLEEP)
        :: else -> leave_queues(me); GO(LOOK)
#endif
        fi }
    :: atomic { pc[me] == ASLEEP && HAS(woken, me) -> leave_queues(me); GO(LOOK) }
    :: STEP(LOOK) /* pass_on_deaths */
        if
#ifndef NO_PASS_ON
        :: !LIVES(tag) -> GO(PASS_ON)
#endif
        :: else -> seen = 0; tag = 0; GO(SCAN)
        fi }
    :: STEP(PASS_ON) wake(on_lease[tag], ALL); seen = 0; tag = 0; GO(SCAN) }
    :: STEP(FREE)
        freed = freed | BIT(old);
#ifdef BUMP_LATE
        epoch++;
#endif
        done() }

#ifdef RETIRE
    /* ---- hf_rcu_retire, and a try ---- */
    :: atomic { pc[me] == LOCK && heap == 0 ->
        heap = me + 1;
        if
        :: rounds == 0 -> GO(RETIRED)
        :: else -> GO(TRY)
        fi }
    :: STEP(RETIRED) /* one commit: unpublished, and in the ring */
        ring[tail] = current; tail++;
        current = me;
        GO(TRY) }
    :: STEP(TRY) target = period_epoch; GO(SCAN) }
    :: STEP(FREE_ONE)
        if
        :: head < period_tail -> freed = freed | BIT(ring[head]); head++
        :: else -> GO(PERIOD_TAIL)
        fi }
    :: STEP(PERIOD_TAIL)
#ifdef TWO_COMMITS
        period_tail = tail;
#endif
        GO(PERIOD_BUMP) }
    :: STEP(PERIOD_BUMP) epoch++; target = COUNT(epoch); GO(AFTER_BUMP) }
    :: STEP(PERIOD_COMMIT) /* both in one commit, after the fence */
        period_tail = tail; period_epoch = target;
#ifdef COMMIT_EARLY
        GO(FENCE) }
#else
        GO(UNLOCK) }
#endif
    :: STEP(UNLOCK)
        heap = 0; target = 0; s = 0; seen = 0; i = 0;
        rounds++;
        if
        :: rounds < TRIES -> GO(LOCK)
        :: else -> done()
        fi }
#endif

    :: pc[me] == FINISHED || pc[me] == DIED -> break
    od
}

#define BUFFERED(i) len(buffer[i]) > 0
#include "world.pml"

init {
    byte q;
    atomic {
        current = 7;
        do
        :: q < N ->
            owner[q] = q;
            mode[q] = NEVER_READ;
            if
            :: q == JOINER -> pc[q] = JOIN
            :: else ->
                joined = joined | BIT(q);
                pc[q] = (HAS(READERS, q) -> READ : FIRST_STEP)
            fi;
            run Participant(q);
            q++
        :: else -> break
        od;
        run Killer()
    }
}
