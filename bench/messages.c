/* messages.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a message costs: the scenarios of actor benchmarks. */

#include "messages.h"

static const BenchScenario scenarios[] = {
  { "ping-pong", "two actors, one message on the way", pinger_get_type, "run", NULL, 4000000 },
  { "ring", "a token goes round a hundred actors", link_get_type, "run", NULL, 4000000 },
  { "counting", "a million increments, then an ask for the total", producer_get_type, "run", NULL, 1000000 },
  { "create", "create, one message, end", nursery_get_type, "run", NULL, 1000000 },
  { "idle", "actors that live and do nothing", nursery_get_type, "run-idle", NULL, 200000 },
  { "spawn", "spawn and end", mourner_get_type, "run-spawn", NULL, 1000000 },
  { "watch", "spawn, watch, end, and be told", mourner_get_type, "run-watch", NULL, 1000000 },
  { "restart", "fail and be restarted, ten times each", warden_get_type, "run", NULL, 1000000 },
  { "big", "120 actors, random pings", referee_get_type, "run", NULL, 4000000 },
  { "senders", "20 senders to one mailbox", mailbox_get_type, "run", NULL, 4000000 },
  { "ask", "ask, reply, continuation", asker_get_type, "run", NULL, 2000000 },
  { "fan-out", "a shared payload of 1 KiB to 100 subscribers", publisher_get_type, "run", NULL, 4000000 },
  { "topic", "the same payload, published to their topic", publisher_get_type, "run-topic", NULL, 4000000 },
  { "router", "a router that forwards to four actors in turn", dispatcher_get_type, "run", NULL, 2000000 },
  { "thread", "sends from a thread without a reactor", mailbox_get_type, "run-thread", NULL, 1000000 },
};

/* The floors and the best peer of the project's baselines. */
static const BenchRow rows[] = {
  { "ping-pong", "ping-pong, per message, ns", BENCH_NS, 50, 53, "rotor" },
  { "ring", "ring of 100, per hop, ns", BENCH_NS, 50, 52, "rotor" },
  { "counting", "1 M increments then ask, per message, ns", BENCH_NS, 60, 26, "Go" },
  { "counting", "… memory it takes at peak, KiB", BENCH_PEAK_KIB, 80000, 60, "Go" },
  { "create", "create + one message + end, ns", BENCH_NS, 700, 255, "Go, 2 threads" },
  { "idle", "bytes per live idle actor", BENCH_BYTES_EACH, 400, 1225, "CAF" },
  { "spawn", "spawn + end, ns", BENCH_NS, 0, 0, NULL },
  { "watch", "spawn + watch + end + “terminated”, ns", BENCH_NS, 0, 0, NULL },
  { "restart", "fail + restart + one message, ns", BENCH_NS, 0, 0, NULL },
  { "restart", "… memory it takes at peak, KiB", BENCH_PEAK_KIB, 0, 0, NULL },
  { "big", "big: 120 actors, random pings, ns", BENCH_NS, 60, 64, "rotor" },
  { "senders", "20 senders to one mailbox, ns", BENCH_NS, 50, 23, "Go" },
  { "senders", "… memory it takes at peak, KiB", BENCH_PEAK_KIB, 0, 0, NULL },
  { "ask", "ask, reply, continuation, ns", BENCH_NS, 80, 275, "Go" },
  { "fan-out", "fan-out of 1 KiB, per delivery, ns", BENCH_NS, 40, 2.8, "rotor" },
  { "topic", "published to a topic, per delivery, ns", BENCH_NS, 40, 2.8, "rotor" },
  { "router", "through a router to its routees, ns", BENCH_NS, 0, 0, NULL },
  { "thread", "sent from a foreign thread, both sides, ns", BENCH_NS, 0, 0, NULL },
};

int
main (int    argc,
      char **argv)
{
  return bench_main (argc, argv, scenarios, G_N_ELEMENTS (scenarios), rows, G_N_ELEMENTS (rows));
}
