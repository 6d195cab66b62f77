/* reactors.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a message costs between threads: there and back, from many to one, and one way between more and more pairs. */

#include "bench.h"

#define SPIN_US   100
#define CHUNK     1000                 /* messages until a sender needs a word that there is room for more */
#define IN_FLIGHT 4                    /* chunks */

/* {{{ One system with several reactors, each on a thread of its own */

static TroupeSystem *system_here;
static gint n_running;                 /* actors that have not come to their end */
static guint64 n_handled;              /* messages, when they have */

static void
start_reactors (guint n_reactors,
                guint spin_us)
{
  g_autoptr (GError) error = NULL;

  system_here = troupe_system_new_with_reactors (NULL, NULL, n_reactors, &error);
  if (system_here == NULL)
    g_error ("%s", error->message);
  troupe_system_set_spin (system_here, spin_us);
}

static TroupeRef *
spawn_on (guint reactor,
          GType type)
{
  g_autoptr (GError) error = NULL;
  TroupeRef *ref = troupe_system_spawn_on (system_here, troupe_system_get_nth_reactor (system_here, reactor), NULL, type, &error, NULL);

  if (ref == NULL)
    g_error ("%s", error->message);
  return ref;
}

/* What is measured begins, and lasts until end_one () has been called so many times. */
static void
begin (guint   n_actors,
       guint64 n_messages)
{
  n_handled = n_messages;
  g_atomic_int_set (&n_running, (gint) n_actors);
  bench_begin ();
}

static void
end_one (TroupeActor *actor)
{
  if (g_atomic_int_dec_and_test (&n_running))
    bench_end (actor, n_handled);
}

static void
run_reactors (void)
{
  g_autoptr (GError) error = NULL;

  if (!troupe_system_run (system_here, &error))
    g_error ("%s", error->message);
  g_object_unref (system_here);
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

/* The same on a thread of the pool for those that block. */
struct _Blocker
{
  TroupeActor parent_instance;
};

#define TYPE_BLOCKER (blocker_get_type ())
G_DECLARE_FINAL_TYPE (Blocker, blocker, BENCH, BLOCKER, TroupeActor)
G_DEFINE_FINAL_TYPE (Blocker, blocker, TROUPE_TYPE_ACTOR)

static void
blocker_class_init (BlockerClass *klass)
{
  troupe_actor_class_set_placement (TROUPE_ACTOR_CLASS (klass), TROUPE_PLACEMENT_BLOCKING);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "ping", G_TYPE_UINT64, ponger_on_ping);
}

static void
blocker_init (Blocker *self)
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
    end_one (actor);
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

/* Takes both. */
static void
ping_pong (TroupeRef *pinger,
           TroupeRef *ponger,
           guint64    n_round_trips)
{
  troupe_ref_send (pinger, troupe_message_new_boxed ("ponger", TROUPE_TYPE_REF, ponger));
  begin (1, n_round_trips);
  troupe_ref_send (pinger, troupe_message_new_uint64 ("pong", n_round_trips));
  run_reactors ();

  troupe_ref_unref (pinger);
  troupe_ref_unref (ponger);
}

static void
run_ping_pong (guint64 n_round_trips,
               guint   spin_us)
{
  start_reactors (2, spin_us);
  ping_pong (spawn_on (0, TYPE_PINGER), spawn_on (1, TYPE_PONGER), n_round_trips);
}

static void
run_blocking (guint64 n_round_trips)
{
  start_reactors (1, 0);
  ping_pong (spawn_on (0, TYPE_PINGER), troupe_system_spawn (system_here, NULL, TYPE_BLOCKER, NULL, NULL), n_round_trips);
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
    end_one (actor);
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

  start_reactors (n_givers + n_takers, 0);
  for (guint i = 0; i < n_takers; i++)
    g_ptr_array_add (takers, spawn_on (n_givers + i, TYPE_TAKER));
  for (guint i = 0; i < n_givers; i++)
    {
      g_ptr_array_add (givers, spawn_on (i, TYPE_GIVER));
      troupe_ref_send (givers->pdata[i], troupe_message_new_boxed ("taker", TROUPE_TYPE_REF, takers->pdata[i % n_takers]));
    }

  begin (n_givers, share * n_givers);
  for (guint i = 0; i < n_givers; i++)
    troupe_ref_send (givers->pdata[i], troupe_message_new_uint64 ("start", share));
  run_reactors ();
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
  { "blocking", "a round trip to an actor that may block", NULL, NULL, run_blocking, 20000 },
  { "spinning", "the same with reactors that spin", NULL, NULL, run_spinning, 500000 },
  { "fan-in-1", "one thread sends to an actor on another one", NULL, NULL, run_fan_in_1, 2000000 },
  { "fan-in-2", "two threads send to an actor", NULL, NULL, run_fan_in_2, 2000000 },
  { "fan-in-4", "four threads send to an actor", NULL, NULL, run_fan_in_4, 2000000 },
  { "pairs-2", "two threads send to one each", NULL, NULL, run_pairs_2, 2000000 },
  { "pairs-4", "four threads send to one each", NULL, NULL, run_pairs_4, 2000000 },
};

static const BenchRow rows[] = {
  { "sleeping", "round trip over two threads, µs", BENCH_WALL_US, 60, 11.5, "Erlang" },
  { "blocking", "… to an actor that blocks, µs", BENCH_WALL_US, 0, 0, NULL },
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
