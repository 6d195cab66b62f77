/* bench.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <troupe.h>

/*
 * What the benchmark programs share: scenarios, measured one after the other in processes of their own, and a table of what came of them.
 *
 * A scenario is one coordinating actor, which gets an order with the number of messages, or a function, for what others do without
 * Troupe. It calls bench_begin () once it is ready and bench_end () or a sister when the last message has been handled.
 */

typedef struct
{
  const char *name;
  const char *about;
  GType     (*get_type) (void);        /* of the coordinating actor … */
  const char *order;                   /* … and the message that makes it run */
  void      (*func) (guint64 n_messages);   /* or this, if get_type is NULL */
  guint64     n_messages;
} BenchScenario;

typedef enum
{
  BENCH_NS,
  BENCH_WALL_NS,                       /* where several threads work or wait: the time that passes */
  BENCH_WALL_US,
  BENCH_PEAK_KIB,
  BENCH_BYTES_EACH,
} BenchFigure;

typedef struct
{
  const char *scenario;
  const char *about;
  BenchFigure figure;
  double      floor;                   /* 0: none yet, for information */
  double      best;                    /* of the peers, on one thread where that was measured; 0: unknown */
  const char *best_peer;
} BenchRow;

void  bench_begin                  (void);
/* What happens between the two does not count. */
void  bench_pause                  (void);
void  bench_resume                 (void);
void  bench_end                    (TroupeActor *actor,
                                    guint64      n_messages);
/* The same, where what counts is the memory in use for each, not its peak. */
void  bench_end_with_memory_in_use (TroupeActor *actor,
                                    guint64      n_messages);
/* The same, in a scenario that is a function. */
void  bench_end_func               (guint64      n_messages);
/* The same, for what another process has measured. */
void  bench_end_elsewhere          (double       cpu_ns,
                                    double       wall_ns);
/* There is nothing to measure here: its rows are left out. */
void  bench_skip                   (void);

int   bench_main                   (int                   argc,
                                    char                **argv,
                                    const BenchScenario  *scenarios,
                                    guint                 n_scenarios,
                                    const BenchRow       *rows,
                                    guint                 n_rows);
