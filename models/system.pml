/* SPDX-License-Identifier: MIT */
/*
 * What the models stand on: participants, leases, futexes. A model defines N, the number
 * of participants, and drain(i), by which all that participant i has stored reaches
 * memory.
 *
 * Each participant is a loop over steps. A step is one atomic block: one access to shared
 * memory, or one system call, and what follows of it in the caller's registers; pc says
 * which step is next. So a kill comes between any two steps.
 */
#define BIT(i)     (1 << (i))
#define HAS(s, i)  (((s) & BIT(i)) != 0)
#define STEP(p)    atomic { pc[me] == p ->
#define GO(p)      pc[me] = p
#define ALL        N

mtype pc[N];
byte dead;        /* bit i: the kernel has marked i's lease (hfi_table_life: HFI_DEAD) */
byte finished;    /* bit i: has done all it had to, and lives */
byte watched;     /* bit i: FUTEX_WAITERS stands in i's lease (mark_watched) */
byte on_lease[N]; /* who is queued on i's lease */
byte woken;       /* who has been woken, and did not run since */
byte kills;

#define IS_DEAD(i) HAS(dead, i)

mtype = { DIED, FINISHED }

/* One of those queued, whichever: nothing may count on the order. */
inline wake_one(queue)
{
    if
    :: HAS(queue, 0) -> queue = queue & ~BIT(0); woken = woken | BIT(0)
    :: HAS(queue, 1) -> queue = queue & ~BIT(1); woken = woken | BIT(1)
    :: HAS(queue, 2) -> queue = queue & ~BIT(2); woken = woken | BIT(2)
    :: HAS(queue, 3) -> queue = queue & ~BIT(3); woken = woken | BIT(3)
    fi
}

/* hfi_wake: FUTEX_WAKE, a full fence. n: how many were woken. */
inline wake(queue, count)
{
    drain(me);
    n = 0;
    do
    :: n < count && queue != 0 -> wake_one(queue); n++
    :: else -> break
    od
}

/* The kernel, when a sleeper runs again: it leaves the queues that it is still in, so it
 * may have absorbed a wake on each. */
inline leave_lease_queues(i)
{
    on_lease[0] = on_lease[0] & ~BIT(i);
    on_lease[1] = on_lease[1] & ~BIT(i);
#if N > 2
    on_lease[2] = on_lease[2] & ~BIT(i);
#endif
#if N > 3
    on_lease[3] = on_lease[3] & ~BIT(i);
#endif
    woken = woken & ~BIT(i)
}
