/* reactors.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a message costs between threads: there and back, from many to one, and one way between more and more pairs. */

#include "bench.h"

#include <stdlib.h>

#define SPIN_US   100
#define CHUNK     1000                 /* messages until a sender needs a word that there is room for more */
#define IN_FLIGHT 4                    /* chunks */

/* {{{ Threads with a system each */

typedef struct
{
  GThread      *thread;
  TroupeSystem *system;
} Worker;

static Worker workers[16];
static guint n_workers;
static GAsyncQueue *done;              /* gets something from each actor that has come to its end */

static gpointer
worker_run (gpointer ready)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TroupeSystem) system = NULL;

  g_main_context_push_thread_default (context);
  system = troupe_system_new (context, NULL, NULL);
  if (system == NULL)
    abort ();

  g_async_queue_push (ready, g_object_ref (system));
  while (!troupe_system_has_ended (system))
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
start_workers (guint n,
               guint spin_us)
{
  done = g_async_queue_new ();

  for (n_workers = 0; n_workers < n; n_workers++)
    {
      Worker *worker = &workers[n_workers];

      worker->thread = g_thread_new ("worker", worker_run, done);
      worker->system = g_async_queue_pop (done);
      troupe_system_set_spin (worker->system, spin_us);
    }
}

static void
end_workers (void)
{
  for (guint i = 0; i < n_workers; i++)
    {
      troupe_system_shutdown (workers[i].system);
      g_thread_join (workers[i].thread);
      g_object_unref (workers[i].system);
    }
  g_async_queue_unref (done);
}

static TroupeRef *
spawn_on (guint worker,
          GType type)
{
  g_autoptr (GError) error = NULL;
  TroupeRef *ref = troupe_system_spawn (workers[worker].system, NULL, type, &error, NULL);

  if (ref == NULL)
    g_error ("%s", error->message);
  return ref;
}

/* }}} */
/* {{{ There and back */

struct _Ponger
{
  TroupeActor parent_instance;
};

#define TYPE_PONGER (ponger_get_type ())
G_DECLARE_FINAL_TYPE (Ponger, ponger, BENCH, PONGER, TroupeActor)
G_DEFINE_FINAL_TYPE (Ponger, ponger, TROUPE_TYPE_ACTOR)

static gboolean
ponger_on_ping (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  troupe_ref_send (troupe_message_get_sender (message), troupe_message_new_uint64 ("pong", troupe_message_get_uint64 (message)));
  return TRUE;
}

static void
ponger_class_init (PongerClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "ping", G_TYPE_UINT64, ponger_on_ping);
}

static void
ponger_init (Ponger *self)
{
}

struct _Pinger
{
  TroupeActor parent_instance;
  TroupeRef  *ponger;
};

#define TYPE_PINGER (pinger_get_type ())
G_DECLARE_FINAL_TYPE (Pinger, pinger, BENCH, PINGER, TroupeActor)
G_DEFINE_FINAL_TYPE (Pinger, pinger, TROUPE_TYPE_ACTOR)

static gboolean
pinger_on_ponger (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  BENCH_PINGER (actor)->ponger = troupe_ref_ref (troupe_message_get_boxed (message));
  return TRUE;
}

static gboolean
pinger_on_pong (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  guint64 n_left = troupe_message_get_uint64 (message);

  if (n_left > 0)
    troupe_ref_send (BENCH_PINGER (actor)->ponger, troupe_message_new_uint64 ("ping", n_left - 1));
  else
    g_async_queue_push (done, actor);
  return TRUE;
}

static void
pinger_dispose (GObject *object)
{
  g_clear_pointer (&BENCH_PINGER (object)->ponger, troupe_ref_unref);
  G_OBJECT_CLASS (pinger_parent_class)->dispose (object);
}

static void
pinger_class_init (PingerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = pinger_dispose;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "ponger", TROUPE_TYPE_REF, pinger_on_ponger);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "pong", G_TYPE_UINT64, pinger_on_pong);
}

static void
pinger_init (Pinger *self)
{
}

static void
run_ping_pong (guint64 n_round_trips,
               guint   spin_us)
{
  g_autoptr (TroupeRef) pinger = NULL;
  g_autoptr (TroupeRef) ponger = NULL;

  start_workers (2, spin_us);
  pinger = spawn_on (0, TYPE_PINGER);
  ponger = spawn_on (1, TYPE_PONGER);

  troupe_ref_send (pinger, troupe_message_new_boxed ("ponger", TROUPE_TYPE_REF, ponger));
  bench_begin ();
  troupe_ref_send (pinger, troupe_message_new_uint64 ("pong", n_round_trips));
  g_async_queue_pop (done);
  bench_end_func (n_round_trips);
  end_workers ();
}

static void
run_sleeping (guint64 n_round_trips)
{
  run_ping_pong (n_round_trips, 0);
}

static void
run_spinning (guint64 n_round_trips)
{
  run_ping_pong (n_round_trips, SPIN_US);
}

/* }}} */
/* {{{ One way */

struct _Taker
{
  TroupeActor parent_instance;
};

#define TYPE_TAKER (taker_get_type ())
G_DECLARE_FINAL_TYPE (Taker, taker, BENCH, TAKER, TroupeActor)
G_DEFINE_FINAL_TYPE (Taker, taker, TROUPE_TYPE_ACTOR)

/* A sender's numbers run down to 0. */
static gboolean
taker_on_letter (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  guint64 n_left = troupe_message_get_uint64 (message);

  if (n_left % CHUNK == 0)
    troupe_ref_send (troupe_message_get_sender (message), troupe_message_new_uint64 ("more", n_left));
  return TRUE;
}

static void
taker_class_init (TakerClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "letter", G_TYPE_UINT64, taker_on_letter);
}

static void
taker_init (Taker *self)
{
}

struct _Giver
{
  TroupeActor parent_instance;
  TroupeRef  *taker;
  guint64     n_left;
};

#define TYPE_GIVER (giver_get_type ())
G_DECLARE_FINAL_TYPE (Giver, giver, BENCH, GIVER, TroupeActor)
G_DEFINE_FINAL_TYPE (Giver, giver, TROUPE_TYPE_ACTOR)

static void
giver_send_chunk (Giver *self)
{
  for (guint i = 0; i < CHUNK && self->n_left > 0; i++)
    troupe_ref_send (self->taker, troupe_message_new_uint64 ("letter", --self->n_left));
}

static gboolean
giver_on_taker (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  BENCH_GIVER (actor)->taker = troupe_ref_ref (troupe_message_get_boxed (message));
  return TRUE;
}

static gboolean
giver_on_start (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Giver *self = BENCH_GIVER (actor);

  self->n_left = troupe_message_get_uint64 (message);
  for (guint i = 0; i < IN_FLIGHT; i++)
    giver_send_chunk (self);
  return TRUE;
}

static gboolean
giver_on_more (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  if (troupe_message_get_uint64 (message) == 0)
    g_async_queue_push (done, actor);
  else
    giver_send_chunk (BENCH_GIVER (actor));
  return TRUE;
}

static void
giver_dispose (GObject *object)
{
  g_clear_pointer (&BENCH_GIVER (object)->taker, troupe_ref_unref);
  G_OBJECT_CLASS (giver_parent_class)->dispose (object);
}

static void
giver_class_init (GiverClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = giver_dispose;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "taker", TROUPE_TYPE_REF, giver_on_taker);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "start", G_TYPE_UINT64, giver_on_start);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "more", G_TYPE_UINT64, giver_on_more);
}

static void
giver_init (Giver *self)
{
}

/* Each of N_GIVERS gives to one of N_TAKERS; all are on threads of their own. */
static void
run_one_way (guint64 n_messages,
             guint   n_givers,
             guint   n_takers)
{
  g_autoptr (GPtrArray) givers = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_ref_unref);
  g_autoptr (GPtrArray) takers = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_ref_unref);
  guint64 share = n_messages / n_givers / CHUNK * CHUNK;

  start_workers (n_givers + n_takers, 0);
  for (guint i = 0; i < n_takers; i++)
    g_ptr_array_add (takers, spawn_on (n_givers + i, TYPE_TAKER));
  for (guint i = 0; i < n_givers; i++)
    {
      g_ptr_array_add (givers, spawn_on (i, TYPE_GIVER));
      troupe_ref_send (givers->pdata[i], troupe_message_new_boxed ("taker", TROUPE_TYPE_REF, takers->pdata[i % n_takers]));
    }

  bench_begin ();
  for (guint i = 0; i < n_givers; i++)
    troupe_ref_send (givers->pdata[i], troupe_message_new_uint64 ("start", share));
  for (guint i = 0; i < n_givers; i++)
    g_async_queue_pop (done);
  bench_end_func (share * n_givers);
  end_workers ();
}

static void
run_fan_in_1 (guint64 n_messages)
{
  run_one_way (n_messages, 1, 1);
}

static void
run_fan_in_2 (guint64 n_messages)
{
  run_one_way (n_messages, 2, 1);
}

static void
run_fan_in_4 (guint64 n_messages)
{
  run_one_way (n_messages, 4, 1);
}

static void
run_pairs_2 (guint64 n_messages)
{
  run_one_way (n_messages, 2, 2);
}

static void
run_pairs_4 (guint64 n_messages)
{
  run_one_way (n_messages, 4, 4);
}

/* }}} */

static const BenchScenario scenarios[] = {
  { "sleeping", "a round trip between two threads", NULL, NULL, run_sleeping, 20000 },
  { "spinning", "the same with reactors that spin", NULL, NULL, run_spinning, 500000 },
  { "fan-in-1", "one thread sends to an actor on another one", NULL, NULL, run_fan_in_1, 2000000 },
  { "fan-in-2", "two threads send to an actor", NULL, NULL, run_fan_in_2, 2000000 },
  { "fan-in-4", "four threads send to an actor", NULL, NULL, run_fan_in_4, 2000000 },
  { "pairs-2", "two threads send to one each", NULL, NULL, run_pairs_2, 2000000 },
  { "pairs-4", "four threads send to one each", NULL, NULL, run_pairs_4, 2000000 },
};

static const BenchRow rows[] = {
  { "sleeping", "round trip over two threads, µs", BENCH_WALL_US, 60, 11.5, "Erlang" },
  { "spinning", "… that spin, µs", BENCH_WALL_US, 1.5, 0.7, "rotor" },
  { "fan-in-1", "from one thread to one actor, ns", BENCH_WALL_NS, 0, 0, NULL },
  { "fan-in-2", "… from two", BENCH_WALL_NS, 60, 27, "Go" },
  { "fan-in-4", "… from four", BENCH_WALL_NS, 60, 27, "Go" },
  { "pairs-2", "two pairs of threads, one way, ns", BENCH_WALL_NS, 0, 0, NULL },
  { "pairs-4", "… four pairs", BENCH_WALL_NS, 0, 0, NULL },
};

int
main (int    argc,
      char **argv)
{
  return bench_main (argc, argv, scenarios, G_N_ELEMENTS (scenarios), rows, G_N_ELEMENTS (rows));
}
