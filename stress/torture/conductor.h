/* SPDX-License-Identifier: MIT */
/*
 * The conductor: keeps the crew at strength while the killer thins it out, watches, shows
 * how it goes; at the end lets all finish and audits what they leave behind.
 */
#ifndef TORTURE_CONDUCTOR_H
#define TORTURE_CONDUCTOR_H

#include "assembly.h"
#include "crew.h"
#include "killer.h"
#include "watch.h"

typedef struct {
    control_t *control;
    hf_segment_t *segment;
    stress_progress_t progress;
    crew_t crew;
    watch_t watch;
    killer_t killer;
    assembly_t assembly;
    worker_t auditor; /* ourselves */
    uint64_t began_ns, ended_ns;
    bool interrupted; /* by SIGINT or SIGTERM */
    bool hung;        /* a thread never finished: the process can't be tidied up */
} conductor_t;

/* Before threads or processes are started: SIGCHLD, SIGINT and SIGTERM wait for us. */
void conductor_block_signals(void);

int conductor_create(conductor_t *d, control_t *c, hf_segment_t *segment);

void conductor_destroy(conductor_t *d);

/* Runs for the time that the options say, then audits. 0, or an error of starting. */
int conductor_run(conductor_t *d);

#endif
