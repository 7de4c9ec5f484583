/* SPDX-License-Identifier: MIT */
/*
 * The mutex: src/mutex/mutex.c, word.h; src/wait/bias.c; hfi_wait_sleep, but its timer.
 *
 *   N, KILLS     participants, deaths            ROUNDS   locks of 0; the others: one
 *   TIMED        mask: whose deadlines may pass  GIVES_UP not all declare consistency
 *   RESTORES     of the bias, at most     NO_BIAS  it has been revoked, and stays so
 *   TWO_LOCKS    0 locks both locks; 1 the first, 2 the second, 3 the second
 *   BACKSTOP     the timer rings when nothing else can happen
 *   SUCCESSIVE   a second death comes when nothing else can happen
 *   UNREACHED    mask: participants that fences do not reach
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
#ifndef UNREACHED
#define UNREACHED 0
#endif
#ifndef RESTORES
#ifdef NO_BIAS
#define RESTORES 0
#else
#define RESTORES 1
#endif
#endif
#ifdef TWO_LOCKS
#define LOCKS 2
#else
#define LOCKS 1
#endif
#ifdef WAKE_ONE
#define PAIR 1
#else
#define PAIR 2
#endif

#include "system.pml"

#ifdef BACKSTOP
#define RINGS timeout
#else
#define RINGS false
#endif

/* The heir of the first dead one holds on until there is a second one. */
#ifdef SUCCESSIVE
#define RESTS (kills == 1)
#else
#define RESTS false
#endif

/* word.h; the tag without its generation: nobody comes twice */
#define SLEEPERS     1
#define WAKING       2
#define INCONSISTENT 4
#define LOST         8
#define TAG(i)       (((i) + 1) << 4)
#define HELD(w)      ((w) >> 4)
#define HOLDER(w)    (((w) >> 4) - 1)
#define WORD_FREE(w) (!HELD(w) && !((w) & LOST))
#define OWES(w)      (((w) & (SLEEPERS | WAKING)) == SLEEPERS)

/* bias.h */
#define REVOKED  1
#define HEEDED   2
#define RESTORED 4
#define PLAIN(b) (((b) & REVOKED) == 0)

byte word[LOCKS];
#ifdef NO_BIAS /* a look finds it revoked and heeded: left out */
#define AFTER_LIFE  ENTER
#define AFTER_ENTER WATCH
#define FIRST_TO_UNLOCK SLOW
#else
#define AFTER_LIFE  BIAS
#define AFTER_ENTER BIAS_AGAIN
#define FIRST_TO_UNLOCK UNLOCK
#endif
byte bias[LOCKS];
byte on_word[LOCKS]; /* who is queued on the word's low half */
byte buffered[N];    /* bit k: its store word[k] = 0 has not reached memory */

/* Registers that no step leaves to the next one. */
hidden byte n, ok;

/* What must hold; no code sees these. */
bool inside[LOCKS]; /* somebody living is between taking and giving back */
bool dirty[LOCKS];  /* somebody went in, and did not come out */

inline drain(i)
{
    if
    :: HAS(buffered[i], 0) -> word[0] = 0
    :: else
    fi;
#if LOCKS > 1
    if
    :: HAS(buffered[i], 1) -> word[1] = 0
    :: else
    fi;
#endif
    buffered[i] = 0
}

inline leave_word_queues(i)
{
    on_word[0] = on_word[0] & ~BIT(i);
#if LOCKS > 1
    on_word[1] = on_word[1] & ~BIT(i);
#endif
    leave_lease_queues(i)
}

inline bury(i)
{
    leave_word_queues(i);
    if
    :: HOLDER(word[0]) == i -> inside[0] = false
    :: else
    fi;
#if LOCKS > 1
    if
    :: HOLDER(word[1]) == i -> inside[1] = false
    :: else
    fi
#endif
}

mtype = {
    START, LOCK_FAST, LOAD, LIFE, TAKE, WAKE_OTHERS, LEAVE, /* lock */
    BIAS, REVOKE, FENCE, HEED, ENTER, BIAS_AGAIN,   /* fall_asleep */
    WATCH, WATCH_LIFE, QUEUE, QUEUE_LEASE, ASLEEP, LOOK, PASS_ON, /* hfi_wait_sleep */
    CONSISTENT, UNLOCK, WORD_AGAIN, STORE, BIAS_AFTER, WAKE_AFTER, /* unlock_fast */
    SLOW, RESTORE, RESTORE_CAS, RESTORE_LOOK, UNRESTORE,            /* restore_bias */
    GIVE, GIVE_CAS, WAKE_PAIR, WAKE_ALL, QUIET_WAKE, QUIET_CAS     /* give_back */
}

inline cas_word(expected, to)
{
    drain(me);
    ok = word[k] == expected;
    if
    :: ok -> word[k] = to
    :: else
    fi
}

inline cas_bias(expected, to)
{
    drain(me);
    ok = bias[k] == expected;
    if
    :: ok -> bias[k] = to
    :: else
    fi
}

/* Law: one at a time, and who comes after a dead one is told. */
inline taken(is_told)
{
    assert(!inside[k]);
    assert(!dirty[k] || is_told);
    inside[k] = true;
    dirty[k] = true
}

inline given()
{
    assert(inside[k]);
    inside[k] = false;
    dirty[k] = false
}

inline forget()
{
    w = 0; b = 0; i = 0; slept = false; orphan = false; is_over = false
}

inline again()
{
    w = 0; b = 0; i = 0; orphan = false;
    GO(LOAD)
}

inline over()
{
    forget();
    rounds++;
    if
    :: me == 0 && rounds < ROUNDS -> GO(LOCK_FAST)
    :: else -> rounds = 0; finished = finished | BIT(me); GO(FINISHED)
    fi
}

/* In TWO_LOCKS participant 0 takes the first, then the second. */
inline locked()
{
    forget();
#ifdef TWO_LOCKS
    if
    :: me == 0 && k == 0 -> k = 1; GO(LOCK_FAST)
    :: else -> GO(FIRST_TO_UNLOCK)
    fi
#else
    GO(FIRST_TO_UNLOCK)
#endif
}

inline unlocked()
{
#ifdef TWO_LOCKS
    if
    :: me == 0 && k == 1 -> forget(); k = 0; GO(FIRST_TO_UNLOCK)
    :: else -> over()
    fi
#else
    over()
#endif
}

inline held()
{
    if
    :: orphan -> GO(CONSISTENT)
    :: else -> locked()
    fi
}

/* Participants that are alike may be numbered as they come. */
#ifdef TWO_LOCKS
#define SAME_LOCKS(i) (i == 3)
#else
#define SAME_LOCKS(i) (i > 1 || (i == 1 && ROUNDS == 1))
#endif
#define ALIKE(mask, i) (HAS(mask, i) == HAS(mask, i - 1))
#define MAY_START(i)                                                                    \
    (!SAME_LOCKS(i) || !ALIKE(TIMED, i) || !ALIKE(UNREACHED, i) || pc[i - 1] != START)

proctype Participant(byte me)
{
    byte w, b, k, i, rounds;
    bool slept, orphan, is_over;
#ifdef TWO_LOCKS
    k = (me > 1 -> 1 : 0);
#endif
    do
    /* ---- lock_fast ---- */
    :: atomic { pc[me] == LOCK_FAST || (pc[me] == START && MAY_START(me)) ->
        cas_word(0, TAG(me));
        if
        :: ok -> taken(false); locked()
        :: else -> GO(LOAD)
        fi }
    /* ---- attempt ---- */
    :: STEP(LOAD)
        w = word[k];
        assert(HOLDER(w) != me);
        orphan = false;
        if
        :: WORD_FREE(w) -> GO(TAKE)
        :: !WORD_FREE(w) && (w & LOST) -> GO(LEAVE)
        :: else -> GO(LIFE)
        fi }
    :: STEP(LIFE) /* hfi_table_life, then the deadline */
        if
        :: IS_DEAD(HOLDER(w)) -> orphan = true; GO(TAKE)
        :: !IS_DEAD(HOLDER(w)) && HAS(TIMED, me) && slept -> GO(LEAVE)
        :: !IS_DEAD(HOLDER(w)) && !is_over -> GO(AFTER_LIFE)
        fi }
    :: STEP(TAKE) /* take: free -> us; dead holder's -> us, inconsistent */
        n = w & (SLEEPERS | WAKING);
#ifndef KEEP_WAKING
        if
        :: slept -> n = (n | SLEEPERS) & ~WAKING
        :: else
        fi;
#endif
#ifndef HIDE_DEATH
        if
        :: orphan -> n = n | INCONSISTENT
        :: else
        fi;
#endif
        cas_word(w, TAG(me) | n);
        if
#ifdef HIDE_DEATH
        :: ok -> taken(false); orphan = false; held()
#else
        :: ok ->
            taken(orphan);
            if
#ifndef NO_WAKE_AT_TAKEOVER
            :: orphan && slept -> GO(WAKE_OTHERS)
#endif
            :: else -> held()
            fi
#endif
        :: else -> again()
        fi }
    :: STEP(WAKE_OTHERS) wake(on_word[k], PAIR); held() }
    :: STEP(LEAVE) /* hfi_mutex_lock_within, without the lock */
#ifndef LEAVE_QUIETLY
        if
        :: slept -> wake(on_word[k], PAIR)
        :: else
        fi;
#endif
        over() }
    /* ---- fall_asleep; hfi_bias_revoke ---- */
    :: STEP(BIAS)
        b = bias[k];
        if
        :: PLAIN(b) -> GO(REVOKE)
        :: !PLAIN(b) && (b & HEEDED) -> GO(ENTER)
        :: else -> i = 0; GO(FENCE)
        fi }
    :: STEP(REVOKE)
        cas_bias(b, b | REVOKED);
        b = b | REVOKED;
        if
        :: ok -> i = 0; GO(FENCE)
        :: else -> again()
        fi }
    :: STEP(FENCE) /* hfi_fence_everyone: one thread after the other */
#ifndef NO_MEMBARRIER
        if
        :: !HAS(UNREACHED, i) -> drain(i)
        :: else
        fi;
#endif
        i++;
        if
        :: i == N -> i = 0; GO(HEED)
        :: else
        fi }
    :: STEP(HEED)
        cas_bias(b, b | HEEDED);
        b = b | HEEDED;
        if
        :: ok -> GO(ENTER)
        :: else -> again()
        fi }
    :: STEP(ENTER) /* held -> held, with sleepers; nothing to do if it is */
        n = w | SLEEPERS;
#ifndef KEEP_WAKING_ASLEEP
        n = n & ~WAKING;
#endif
        ok = true;
        if
        :: w != n -> cas_word(w, n)
        :: else
        fi;
        w = n;
        if
        :: ok -> GO(AFTER_ENTER)
        :: else -> again()
        fi }
    :: STEP(BIAS_AGAIN)
#ifdef NO_BIAS_AGAIN
        GO(WATCH)
#else
        if
        :: bias[k] == b -> GO(WATCH)
        :: else -> again()
        fi
#endif
        }
    /* ---- hfi_wait_sleep; w: the word to sleep on, which has the holder ---- */
    :: STEP(WATCH) /* mark_watched: live -> live and watched */
        b = 0;
        slept = true;
        if
#ifdef NO_WATCH
        :: true -> GO(QUEUE)
#else
        :: !IS_DEAD(HOLDER(w)) -> watched = watched | BIT(HOLDER(w)); GO(WATCH_LIFE)
        :: else -> GO(LOOK)
#endif
        fi }
    :: STEP(WATCH_LIFE)
        if
        :: IS_DEAD(HOLDER(w)) -> GO(LOOK)
        :: else -> GO(QUEUE)
        fi }
    :: STEP(QUEUE) /* futex_waitv: each word in turn is compared, and queued on */
        if
        :: word[k] == w -> on_word[k] = on_word[k] | BIT(me); GO(QUEUE_LEASE)
        :: else -> GO(LOOK)
        fi }
    :: STEP(QUEUE_LEASE)
        if
#ifdef NO_WATCH
        :: true -> GO(ASLEEP)
#else
        :: !IS_DEAD(HOLDER(w)) ->
            on_lease[HOLDER(w)] = on_lease[HOLDER(w)] | BIT(me);
            GO(ASLEEP)
        :: else -> leave_word_queues(me); GO(LOOK)
#endif
        fi }
    :: atomic { pc[me] == ASLEEP && (HAS(woken | TIMED, me) || RINGS) ->
        is_over = HAS(TIMED, me) && !HAS(woken, me);
        leave_word_queues(me);
        GO(LOOK) }
    :: STEP(LOOK) /* pass_on_deaths */
        if
#ifndef NO_PASS_ON
        :: IS_DEAD(HOLDER(w)) -> GO(PASS_ON)
#endif
        :: else -> again()
        fi }
    :: STEP(PASS_ON) wake(on_lease[HOLDER(w)], ALL); again() }

    /* ---- held: hf_mutex_consistent, or not ---- */
    :: atomic { pc[me] == CONSISTENT && !RESTS ->
        if
        :: cas_word(word[k], word[k] & ~INCONSISTENT)
#ifdef GIVES_UP
        :: true
#endif
        fi;
        locked() }
    /* ---- unlock_fast ---- */
    :: STEP(UNLOCK)
        b = bias[k];
        if
        :: PLAIN(b) && !HAS(UNREACHED, me) -> GO(WORD_AGAIN)
        :: else -> b = 0; GO(SLOW)
        fi }
    :: STEP(WORD_AGAIN)
        if
        :: word[k] == TAG(me) -> GO(STORE)
        :: else -> b = 0; GO(SLOW)
        fi }
    :: STEP(STORE) given(); buffered[me] = buffered[me] | BIT(k); GO(BIAS_AFTER) }
    :: STEP(BIAS_AFTER)
        if
#ifndef NO_LOOK_AFTER
#ifdef LOOK_FOR_PLAIN
        :: !PLAIN(bias[k]) -> GO(WAKE_AFTER)
#else
        :: bias[k] != b -> GO(WAKE_AFTER)
#endif
#endif
        :: else -> unlocked()
        fi }
    :: STEP(WAKE_AFTER) wake(on_word[k], PAIR); unlocked() }
    /* ---- unlock_slow: restore_bias, now and then; give_back ---- */
    :: STEP(SLOW)
        w = word[k];
        assert(HOLDER(w) == me);
        if
        :: !(w & SLEEPERS) && RESTORES > 0 -> GO(RESTORE)
        :: GO(GIVE)
        fi }
    :: STEP(RESTORE)
        b = bias[k];
        if
        :: !PLAIN(b) && b < RESTORES * RESTORED -> GO(RESTORE_CAS)
        :: else -> b = 0; GO(GIVE)
        fi }
    :: STEP(RESTORE_CAS)
        n = (b & ~(REVOKED | HEEDED)) + RESTORED;
        cas_bias(b, n);
        b = n;
        if
        :: ok -> GO(RESTORE_LOOK)
        :: else -> b = 0; GO(GIVE)
        fi }
    :: STEP(RESTORE_LOOK)
        if
#ifndef NO_RESTORE_LOOK
        :: word[k] != w -> GO(UNRESTORE)
#endif
        :: else -> b = 0; GO(GIVE)
        fi }
    :: STEP(UNRESTORE) cas_bias(b, b | REVOKED); b = 0; GO(GIVE) }
    /* Here no access: whether it is give_back_quietly's turn. */
    :: STEP(GIVE)
        if
        :: (w & (SLEEPERS | WAKING | INCONSISTENT)) == (SLEEPERS | WAKING) ->
            GO(QUIET_WAKE)
        :: GO(GIVE_CAS)
        fi }
    :: STEP(QUIET_WAKE)
        wake(on_word[k], PAIR);
        if
        :: n == 0 -> GO(QUIET_CAS)
        :: else -> GO(GIVE_CAS)
        fi }
    :: STEP(QUIET_CAS)
        cas_word(w, 0);
        if
        :: ok -> given(); unlocked()
        :: else -> GO(GIVE_CAS)
        fi }
    :: STEP(GIVE_CAS) /* held by us -> free or lost */
        n = w & (SLEEPERS | WAKING);
        if
        :: OWES(w) -> n = n | WAKING
        :: else
        fi;
        if
        :: w & INCONSISTENT -> n = n | LOST
        :: else
        fi;
        cas_word(w, n);
        if
        :: !ok -> w = word[k]; GO(GIVE)
        :: else ->
            given();
            if
            :: w & INCONSISTENT -> GO(WAKE_ALL)
            :: !(w & INCONSISTENT) && OWES(w) -> GO(WAKE_PAIR)
            :: else -> unlocked()
            fi
        fi }
    :: STEP(WAKE_PAIR) wake(on_word[k], PAIR); unlocked() }
    :: STEP(WAKE_ALL)
#ifndef LOST_QUIETLY
        wake(on_word[k], ALL);
#endif
        unlocked() }

    :: atomic { pc[me] == FINISHED || pc[me] == DIED ->
        forget(); k = 0; rounds = 0;
        break }
    od
}

#define BUFFERED(i)  buffered[i] != 0
#define drain_one(i) drain(i)
#include "world.pml"

init {
    byte p;
    atomic {
        do
        :: p < N -> pc[p] = START; run Participant(p); p++
        :: else -> break
        od;
        run Killer()
    }
}
