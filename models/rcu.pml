/* SPDX-License-Identifier: MIT */
/*
 * The grace period: src/rcu/rcu.c, retire.c; src/wait/mark.h. Nesting is left out. A
 * participant has the slot of its number, but for JOINER, which comes into slot 0 after
 * its owner has died.
 *
 *   READERS      mask: who reads, ROUNDS times
 *   UPDATERS     mask: who replaces the block, synchronizes and frees, once
 *   JOINER       this participant joins later
 *   RETIRE       they retire it instead, and free TRIES times what a period has ended for
 *   FENCED       mask: participants that neither have membarrier nor are reached by it
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

/* bias.h */
#define REVOKED   1
#define HEEDED    2
#define BOTH      3
#define PLAIN(b)  (((b) & REVOKED) == 0)

#define IS_OLD(s)  (s != 0 && s < target)
#define SLOT(i)    (i == JOINER -> 0 : i)
#define LIVES(tag) (!IS_DEAD(tag) && HAS(joined, tag))

mtype = { SECTION, BIAS }

byte epoch = 1;
byte fenced;        /* somebody cannot fence others */
byte section[N], bias[N], awaited[N];
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

hidden byte n, ok, value;
hidden mtype cell;

inline drain_one(i)
{
    buffer[i] ? cell, value;
    if
    :: cell == SECTION -> section[SLOT(i)] = value
    :: cell == BIAS -> bias[SLOT(i)] = value
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
    JOIN, JOIN_WAKE, JOIN_CLEAR, JOIN_BIAS, JOIN_LEASE,
    EPOCH, MARK, MARK_BIAS, MARK_FENCE, MARKED, POINTER, USE,    /* a section */
    UNMARK, UNMARK_BIAS, UNMARK_FENCE, LOOK_AWAITED, WAKE,
    SETTLE, SETTLE_PLAIN, SETTLE_FENCE, SETTLE_LOOK, SETTLE_FENCED,
    FENCE, SAY_FENCED, LOOK_FENCED, BIAS_OF, LIFE_OF, REVOKE, HEED_FENCE, HEED,
    SYNC, BUMP, SCAN, OWNER, RAISE, SECOND_LOOK,
    WATCH, WATCH_LIFE, QUEUE, QUEUE_LEASE, ASLEEP, LOOK, PASS_ON, FREE,
    LOCK, RETIRED, TRY, FREE_ONE, PERIOD, PERIOD_TAIL, PERIOD_BUMP, PERIOD_COMMIT, UNLOCK
}

inline done()
{
    finished = finished | BIT(me);
    e = 0; p = 0; s = 0; i = 0; target = 0; tag = 0; old = 0; rounds = 0; seen = 0;
    b = 0; j = 0; all = false; unsure = false;
    GO(FINISHED)
}

inline rescan()
{
    seen = 0; tag = 0; sleeps = false; unsure = false;
    GO(SCAN)
}

inline next_slot()
{
    s++;
    rescan()
}

#ifdef RETIRE
#define AFTER_SCAN FREE_ONE
#define FIRST_STEP LOCK
#define NO_FENCE   GO(UNLOCK)
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
#define NO_FENCE    done() /* ENOTSUP */
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

/* What a load of one's own bias finds: a store of one's own may be on its way. */
#define MY_BIAS                                                                         \
    (buffer[me] ?? [BIAS, BOTH] -> BOTH : (buffer[me] ?? [BIAS, 0] -> 0 : bias[SLOT(me)]))

inline fence_one(other)
{
#ifndef NO_MEMBARRIER
    if
    :: !HAS(FENCED, other) -> drain(other)
    :: else
    fi
#else
    skip
#endif
}

/* The end of fence: of the period's, or of the one before a sleep. */
inline has_fenced(is_sure)
{
    unsure = !(is_sure);
    all = false;
    if
    :: sleeps -> GO(SECOND_LOOK)
    :: !sleeps && unsure -> NO_FENCE
    :: else -> GO(AFTER_FENCE)
    fi
}

proctype Participant(byte me)
{
    byte e, p, s, i, j, b, target, tag, old, rounds, seen, end;
    bool all, unsure, sleeps; /* sleeps: the fence is the one before that */
    do
    /* ---- hfi_table_join, into slot 0 ---- */
    :: atomic { pc[me] == JOIN && IS_DEAD(0) -> owner[0] = me; GO(JOIN_WAKE) }
    :: atomic { pc[me] == JOIN && HAS(finished, 0) -> done() }
    :: STEP(JOIN_WAKE) wake(on_lease[0], ALL); GO(JOIN_CLEAR) }
    :: STEP(JOIN_CLEAR)
#ifndef NO_CLEAR
        section[0] = 0;
#endif
        GO(JOIN_BIAS) }
    :: STEP(JOIN_BIAS) bias[0] = BOTH; GO(JOIN_LEASE) }
    :: STEP(JOIN_LEASE)
        joined = joined | BIT(me);
        if
        :: GO(EPOCH)
        :: done() /* lives, and never reads */
        fi }

    /* ---- begin_section; hfi_mark ---- */
    :: STEP(EPOCH) e = epoch; GO(MARK) }
    :: atomic { pc[me] == MARK && nfull(buffer[me]) ->
        buffer[me] ! SECTION, e;
        GO(MARK_BIAS) }
    :: STEP(MARK_BIAS)
        if
        :: PLAIN(MY_BIAS) && !HAS(FENCED, me) -> GO(MARKED)
        :: else -> GO(MARK_FENCE)
        fi }
    :: STEP(MARK_FENCE) drain(me); GO(MARKED) }
    :: STEP(MARKED)
        if
        :: PLAIN(MY_BIAS) -> GO(POINTER)
        :: else -> GO(SETTLE)
        fi }
    :: STEP(SETTLE)
        if
        :: fenced == 0 && !HAS(FENCED, me) -> GO(SETTLE_PLAIN)
        :: else -> GO(SETTLE_FENCED)
        fi }
    :: atomic { pc[me] == SETTLE_PLAIN && nfull(buffer[me]) ->
        buffer[me] ! BIAS, 0;
        GO(SETTLE_FENCE) }
    :: STEP(SETTLE_FENCE)
#ifndef NO_SETTLE_FENCE
        drain(me);
#endif
        GO(SETTLE_LOOK) }
    :: STEP(SETTLE_LOOK)
        if
#ifndef NO_SETTLE_LOOK
        :: fenced != 0 -> GO(SETTLE_FENCED)
#endif
        :: else -> GO(POINTER)
        fi }
    :: atomic { pc[me] == SETTLE_FENCED && nfull(buffer[me]) ->
        buffer[me] ! BIAS, BOTH;
        GO(POINTER) }
    /* Law: what a reader has found stays until its section ends. */
    :: STEP(POINTER) p = current; GO(USE) }
    :: STEP(USE) assert(!HAS(freed, p)); GO(UNMARK) }
    /* ---- end_section; hfi_unmark ---- */
    :: atomic { pc[me] == UNMARK && nfull(buffer[me]) ->
        assert(!HAS(freed, p));
        p = 0;
        buffer[me] ! SECTION, 0;
        GO(UNMARK_BIAS) }
    :: STEP(UNMARK_BIAS)
        if
        :: PLAIN(MY_BIAS) && !HAS(FENCED, me) -> GO(LOOK_AWAITED)
        :: else -> GO(UNMARK_FENCE)
        fi }
    :: STEP(UNMARK_FENCE) drain(me); GO(LOOK_AWAITED) }
    :: STEP(LOOK_AWAITED)
        if
        :: awaited[SLOT(me)] > e -> GO(WAKE)
        :: else -> unread()
        fi }
    :: STEP(WAKE) wake(on_section[SLOT(me)], ALL); unread() }

    /* ---- fence; hfi_fence_everyone: one thread after the other ---- */
    :: STEP(FENCE)
        if
        :: HAS(FENCED, me) -> GO(SAY_FENCED)
        :: else ->
            fence_one(i);
            i++;
            if
            :: i == N -> i = 0; GO(LOOK_FENCED)
            :: else
            fi
        fi }
    :: STEP(SAY_FENCED) fenced = 1; all = true; GO(BIAS_OF) }
    :: STEP(LOOK_FENCED)
        if
        :: fenced == 0 -> has_fenced(true)
        :: else -> all = true; GO(BIAS_OF)
        fi }
    /* ---- all_fenced; hfi_bias_revoke ---- */
    :: STEP(BIAS_OF)
        if
        :: i == N || i == JOINER -> i = 0; has_fenced(!HAS(FENCED, me) || all)
        :: else ->
            b = bias[i];
            if
            :: (b & BOTH) == BOTH -> b = 0; i++
            :: else -> GO(LIFE_OF)
            fi
        fi }
    :: STEP(LIFE_OF)
        if
        :: LIVES(owner[i]) -> GO(REVOKE)
        :: else -> b = 0; i++; GO(BIAS_OF)
        fi }
    :: STEP(REVOKE)
        ok = !PLAIN(b) || bias[i] == b;
        if
        :: ok && PLAIN(b) -> bias[i] = b | REVOKED
        :: else
        fi;
        b = b | REVOKED;
        if
        :: !ok -> b = 0; GO(BIAS_OF)
        :: ok && HAS(FENCED, me) -> /* ENOTSUP */
#ifndef ALL_ANYWAY
            all = false;
#endif
            b = 0; i++; GO(BIAS_OF)
        :: ok && !HAS(FENCED, me) -> GO(HEED_FENCE)
        fi }
    :: STEP(HEED_FENCE)
#ifndef HEED_UNFENCED
        fence_one(j);
#endif
        j++;
        if
        :: j == N -> j = 0; GO(HEED)
        :: else
        fi }
    :: STEP(HEED)
        if
        :: bias[i] == b -> bias[i] = b | HEEDED
        :: else
        fi;
        b = 0; GO(BIAS_OF) }

    /* ---- synchronize, after the caller's unpublishing ---- */
#ifdef BUMP_EARLY
    :: STEP(SYNC) epoch++; target = epoch; GO(BUMP) }
    :: STEP(BUMP) old = current; current = me; GO(FENCE) }
#else
    :: STEP(SYNC) old = current; current = me; GO(BUMP) }
    :: STEP(BUMP)
#ifndef BUMP_LATE
        epoch++;
#endif
        target = epoch;
        GO(FENCE) }
#endif
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
        sleeps = true;
#ifndef NO_AWAITED
        awaited[s] = (awaited[s] < target -> target : awaited[s]);
#endif
#ifdef NO_FENCE_AGAIN
        GO(SECOND_LOOK) }
#else
        GO(FENCE) }
#endif
    :: STEP(SECOND_LOOK)
#ifndef NO_SECOND_LOOK
        seen = section[s];
#endif
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
    :: atomic { pc[me] == ASLEEP && (HAS(woken, me) || unsure) ->
        leave_queues(me);
        GO(LOOK) }
    :: STEP(LOOK) /* pass_on_deaths */
        if
#ifndef NO_PASS_ON
        :: !LIVES(tag) -> GO(PASS_ON)
#endif
        :: else -> rescan()
        fi }
    :: STEP(PASS_ON) wake(on_lease[tag], ALL); rescan() }
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
    :: STEP(TRY) /* tend: what it copies it goes by */
        end = period_tail; target = period_epoch;
        heap = 0;
        if
        :: head < end -> GO(SCAN)
        :: else -> GO(PERIOD)
        fi }
    :: atomic { pc[me] == FREE_ONE && (heap == 0 || heap == me + 1) -> /* free_until */
        if
        :: head < end -> heap = me + 1; freed = freed | BIT(ring[head]); head++
        :: else -> heap = 0; GO(PERIOD)
        fi }
    :: atomic { pc[me] == PERIOD && heap == 0 -> /* begin_period */
        if
        :: head >= period_tail && head != tail -> heap = me + 1; GO(PERIOD_TAIL)
        :: else -> GO(UNLOCK)
        fi }
    :: STEP(PERIOD_TAIL)
#ifdef TWO_COMMITS
        period_tail = tail;
#endif
        GO(PERIOD_BUMP) }
    :: STEP(PERIOD_BUMP) epoch++; target = epoch; GO(AFTER_BUMP) }
    :: STEP(PERIOD_COMMIT) /* both in one commit, after the fence */
        period_tail = tail; period_epoch = target;
#ifdef COMMIT_EARLY
        GO(FENCE) }
#else
        GO(UNLOCK) }
#endif
    :: STEP(UNLOCK)
        heap = (heap == me + 1 -> 0 : heap);
        target = 0; end = 0; s = 0; seen = 0; i = 0;
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
            bias[q] = BOTH;
            if
            :: q == JOINER -> pc[q] = JOIN
            :: else ->
                joined = joined | BIT(q);
                pc[q] = (HAS(READERS, q) -> EPOCH : FIRST_STEP)
            fi;
            run Participant(q);
            q++
        :: else -> break
        od;
        run Killer()
    }
}
