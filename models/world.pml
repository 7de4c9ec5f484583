/* SPDX-License-Identifier: MIT */
/*
 * What may happen between any two steps: a death, and a store's reaching memory. Included
 * after a model has defined KILLS, how many may die; bury(i), what a death does besides;
 * BUFFERED(i), whether participant i has stores on the way, and drain_one(i).
 */

/* SIGKILL: what was stored is stored; the kernel takes the thread off the queues, marks
 * its lease, and, in a step of its own, wakes one of those who sleep on that. */
inline die(v)
{
    drain(v);
    leave_lease_queues(v);
    bury(v);
    dead = dead | BIT(v);
    pc[v] = DIED;
    kills++;
    victim = v
}

inline wake_watcher()
{
    atomic {
        if
        :: HAS(watched, victim) && on_lease[victim] != 0 -> wake_one(on_lease[victim])
        :: else
        fi
    }
}

#ifndef VICTIMS
#define VICTIMS 15 /* mask: who may be killed */
#endif
#ifdef SUCCESSIVE
#define MAY_KILL (kills < KILLS && (kills == 0 || timeout))
#define MAY_STOP (kills != 1)
#else
#define MAY_KILL (kills < KILLS)
#define MAY_STOP true
#endif
#define MORTAL(v) (MAY_KILL && HAS(VICTIMS, v) && !HAS(dead | finished, v))

proctype Killer()
{
    byte victim;
end:
    do
    :: MAY_STOP -> break
    :: atomic { MORTAL(0) -> die(0) } wake_watcher()
    :: atomic { MORTAL(1) -> die(1) } wake_watcher()
#if N > 2
    :: atomic { MORTAL(2) -> die(2) } wake_watcher()
#endif
#if N > 3
    :: atomic { MORTAL(3) -> die(3) } wake_watcher()
#endif
    od
}

/* A store may reach memory at any time after it was made. */
active proctype Memory()
{
end:
    do
    :: atomic { BUFFERED(0) -> drain_one(0) }
    :: atomic { BUFFERED(1) -> drain_one(1) }
#if N > 2
    :: atomic { BUFFERED(2) -> drain_one(2) }
#endif
#if N > 3
    :: atomic { BUFFERED(3) -> drain_one(3) }
#endif
    od
}
