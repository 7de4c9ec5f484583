/* SPDX-License-Identifier: MIT */
/* What is done with a prop under RCU: preparations and operations. */
#ifndef SWEEP_READING_H
#define SWEEP_READING_H

#include "../actor.h"

/* Operations, beside those of memory.h. A section looks at what is shown; its end finds
 * EILSEQ if that has not stayed as it was. */
int operate_read_lock(void), operate_read_unlock(void);
int operate_rcu_section(void), operate_rcu_nested(void);
int operate_synchronize(void), operate_barrier(void);
int operate_replace(void), operate_clear(void), operate_retire(void);
int operate_stalled(void), operate_rcu_info(void);

/* Preparations: opens the segment, and does not join; */
body_fn find_room;
/* join, and read or stand in a section; */
body_fn arrange_reader, arrange_section;
/* have retired some, or one that cannot be found any more; */
body_fn arrange_some_retired, arrange_lone;
/* be about to replace what is shown, as the first to do so, or: */
body_fn arrange_first, arrange_second;
body_fn arrange_end_of_batch;           /* a period will begin */
body_fn arrange_one_too_many;           /* the ring is full */
body_fn arrange_end_of_second_batch;    /* the first one's period may be over */
body_fn arrange_end_of_batch_after_few; /* the same, and it covers three */

#endif
