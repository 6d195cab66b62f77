/* promises.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a promise costs, beside GTask and Twisted's Deferred in the same run. */

#include "promises.h"

static const BenchScenario scenarios[] = {
  { "step", "promises with a hundred steps; per step", chainer_get_type, "run-steps", NULL, 4000000 },
  { "resolve", "a promise resolved with three steps", chainer_get_type, "run-resolves", NULL, 2000000 },
  { "ask", "ask, reply, continuation", asker_get_type, "run", NULL, 2000000 },
  { "await", "a fiber that waits for promises", chainer_get_type, "run-await", NULL, 2000000 },
  { "ask-await", "ask, reply, awaited in a fiber", asker_get_type, "run-fiber", NULL, 2000000 },
  { "all", "a list of a thousand promises; per child", chainer_get_type, "run-all", NULL, 2000000 },
  { "pending", "promises that nobody has resolved", chainer_get_type, "run-pending", NULL, 200000 },
  { "waiting", "steps of promises that nobody has resolved", chainer_get_type, "run-waiting", NULL, 1000000 },
  { "gtask", "a GTask that returns, and its callback", NULL, NULL, run_tasks, 500000 },
  { "twisted-step", "the same as step, of a Deferred", NULL, NULL, run_twisted_steps, 1000000 },
  { "twisted-resolve", "the same as resolve, of a Deferred", NULL, NULL, run_twisted_resolves, 200000 },
  { "twisted-all", "the same as all, of a DeferredList", NULL, NULL, run_twisted_all, 200000 },
};

/* The floors of the project's baselines. */
static const BenchRow rows[] = {
  { "step", "chain step at home, ns", BENCH_NS, 30, 0, NULL },
  { "twisted-step", "… Twisted's Deferred", BENCH_NS, 0, 0, NULL },
  { "resolve", "made, three steps, resolved, ns", BENCH_NS, 120, 0, NULL },
  { "twisted-resolve", "… Twisted's Deferred", BENCH_NS, 0, 0, NULL },
  { "ask", "ask, reply, continuation, ns", BENCH_NS, 80, 275, "Go" },
  { "ask-await", "ask, reply, awaited in a fiber, ns", BENCH_NS, 0, 0, NULL },
  { "gtask", "… GTask, returned and called back", BENCH_NS, 0, 0, NULL },
  { "await", "made, awaited in a fiber, resolved, ns", BENCH_NS, 200, 0, NULL },
  { "all", "all () of 1 000, per child, ns", BENCH_NS, 60, 0, NULL },
  { "twisted-all", "… Twisted's DeferredList", BENCH_NS, 0, 0, NULL },
  { "pending", "bytes per pending promise", BENCH_BYTES_EACH, 160, 0, NULL },
  { "waiting", "bytes per step that waits", BENCH_BYTES_EACH, 0, 0, NULL },
};

int
main (int    argc,
      char **argv)
{
  return bench_main (argc, argv, scenarios, G_N_ELEMENTS (scenarios), rows, G_N_ELEMENTS (rows));
}
