/* SPDX-License-Identifier: MIT */
#include "crew.h"

#include "process.h"
#include "sandbox.h"
#include "stage.h"
#include "table.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REFRESH_MS = 100 };

struct worker {
    pid_t pid;
    int results; /* a pipe that brings the row, swept */
    struct row *row;
};

/* What each worker is at; they write it and we show it. */
static struct row *progress;

static _Noreturn void work(
    int results, struct row row, const struct options *options, struct row *mine)
{
    sandbox_renew();
    stage_build();
    *mine = row;
    row_sweep(&row, options, mine);
    _exit(write(results, &row, sizeof row) == (ssize_t)sizeof row ? 0 : 1);
}

static void employ(
    struct worker *w, struct row *row, const struct options *options, struct row *mine)
{
    int ends[2];
    if (pipe(ends) != 0) {
        give_up("pipe: %s", strerror(errno));
    }
    fflush(stdout); /* lest both print it */
    w->row = row;
    w->results = ends[0];
    w->pid = fork_bound();
    if (w->pid == 0) {
        close(ends[0]);
        work(ends[1], *row, options, mine);
    }
    close(ends[1]);
}

/* A worker that brings nothing leaves its row without kills, which is not clean. */
static void collect(struct worker *w, struct row *mine)
{
    if (read(w->results, w->row, sizeof *w->row) == (ssize_t)sizeof *w->row) {
        show_row(w->row);
    }
    close(w->results);
    waitpid(w->pid, NULL, 0);
    *w = (struct worker){0};
    *mine = (struct row){0};
}

static void share_progress(unsigned jobs)
{
    progress = mmap(NULL, jobs * sizeof *progress, PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (progress == MAP_FAILED) {
        give_up("mmap: %s", strerror(errno));
    }
}

void crew_sweep(struct row *rows, size_t count, const struct options *options)
{
    const unsigned jobs = (unsigned)options->jobs;
    struct worker workers[MOST_JOBS] = {0};
    struct pollfd polls[MOST_JOBS];
    share_progress(jobs);
    for (size_t begun = 0, done = 0; done < count;) {
        for (unsigned i = 0; i < jobs; i++) {
            if (workers[i].pid == 0 && begun < count) {
                employ(&workers[i], &rows[begun++], options, &progress[i]);
            }
            const int results = workers[i].pid != 0 ? workers[i].results : -1;
            polls[i] = (struct pollfd){.fd = results, .events = POLLIN};
        }
        poll(polls, jobs, REFRESH_MS);
        for (unsigned i = 0; i < jobs; i++) {
            if (polls[i].revents != 0) {
                collect(&workers[i], &progress[i]);
                done++;
            }
        }
        show_progress(progress, jobs, done, count);
    }
}
