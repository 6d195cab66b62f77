/* test-blocking.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Actors whose handlers block: they keep nobody else waiting, and are actors as any other. */

#include <sys/socket.h>
#include <unistd.h>

#include "troupe-test-puppet.h"

/* Where a handler is stuck until the test says that it may go on. */
typedef struct
{
  GMutex mutex;
  GCond  cond;
  guint  n_in;                       /* that have come to it */
  guint  n_out;                      /* that have gone on */
  guint  n_gone;                     /* actors that have been finalized */
  guint  n_systems;                  /* systems */
  gboolean is_open;
} Gate;

static Gate gate;

static void
gate_close (void)
{
  gate.n_in = gate.n_out = gate.n_gone = gate.n_systems = 0;
  gate.is_open = FALSE;
}

static void
gate_pass (void)
{
  g_mutex_lock (&gate.mutex);
  gate.n_in++;
  g_cond_broadcast (&gate.cond);
  while (!gate.is_open)
    g_cond_wait (&gate.cond, &gate.mutex);
  gate.n_out++;
  g_mutex_unlock (&gate.mutex);
}

static void
gate_open (void)
{
  g_mutex_lock (&gate.mutex);
  gate.is_open = TRUE;
  g_cond_broadcast (&gate.cond);
  g_mutex_unlock (&gate.mutex);
}

static void
gate_count (guint *number)
{
  g_mutex_lock (&gate.mutex);
  (*number)++;
  g_cond_broadcast (&gate.cond);
  g_mutex_unlock (&gate.mutex);
}

/* The last system is gone. What holds it may be on its way to a main context that nobody turns any more. */
static void
gate_await_system (void)
{
  guint n_systems = 0;

  while (n_systems == 0)
    {
      g_main_context_iteration (NULL, FALSE);
      g_thread_yield ();
      g_mutex_lock (&gate.mutex);
      n_systems = gate.n_systems;
      g_mutex_unlock (&gate.mutex);
    }
}

/* Waits on the test's own thread, whose main loop does not turn meanwhile. */
static void
gate_await (guint *number,
            guint  wanted)
{
  g_mutex_lock (&gate.mutex);
  while (*number < wanted)
    g_cond_wait (&gate.cond, &gate.mutex);
  g_mutex_unlock (&gate.mutex);
}

static void
gate_note_system (gpointer  data,
                  GObject  *system)
{
  gate_count (&gate.n_systems);
}

/* A puppet that may block. */

#define TEST_TYPE_BLOCKER (test_blocker_get_type ())
G_DECLARE_FINAL_TYPE (TestBlocker, test_blocker, TEST, BLOCKER, TroupeActor)

struct _TestBlocker
{
  TroupeActor parent_instance;

  GThread    *thread;                /* where it was made */
  guint       n_ended;               /* children */
  guint       n_terminated;          /* whom it watches */
  gboolean    is_bored;
};

G_DEFINE_FINAL_TYPE (TestBlocker, test_blocker, TROUPE_TYPE_ACTOR)

static gint n_stopped;               /* atomic: actors that have run `stopped` */
static gint n_runs;                  /* atomic: handlers that have begun */

static gboolean
test_blocker_run (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  TestJob *job = troupe_message_get_pointer (message);

  g_assert_true (TEST_BLOCKER (actor)->thread == g_thread_self ());
  g_atomic_int_inc (&n_runs);
  return job->run (actor, message, error);
}

static gboolean
test_blocker_terminated (TroupeActor    *actor,
                         TroupeMessage  *message,
                         GError        **error)
{
  TEST_BLOCKER (actor)->n_terminated++;
  return TRUE;
}

static gboolean
test_blocker_bored (TroupeActor    *actor,
                    TroupeMessage  *message,
                    GError        **error)
{
  TEST_BLOCKER (actor)->is_bored = TRUE;
  return TRUE;
}

static void
test_blocker_child_terminated (TroupeActor       *actor,
                               TroupeTermination *termination)
{
  TEST_BLOCKER (actor)->n_ended++;
}

static void
test_blocker_stopped (TroupeActor *actor)
{
  g_assert_true (TEST_BLOCKER (actor)->thread == g_thread_self ());
  g_atomic_int_inc (&n_stopped);
}

static void
test_blocker_dispose (GObject *object)
{
  g_assert_true (TEST_BLOCKER (object)->thread == g_thread_self ());
  G_OBJECT_CLASS (test_blocker_parent_class)->dispose (object);
}

static void
test_blocker_finalize (GObject *object)
{
  gate_count (&gate.n_gone);
  G_OBJECT_CLASS (test_blocker_parent_class)->finalize (object);
}

static void
test_blocker_class_init (TestBlockerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  object_class->dispose = test_blocker_dispose;
  object_class->finalize = test_blocker_finalize;
  actor_class->stopped = test_blocker_stopped;
  actor_class->child_terminated = test_blocker_child_terminated;
  troupe_actor_class_set_placement (actor_class, TROUPE_PLACEMENT_BLOCKING);
  troupe_actor_class_bind (actor_class, "run", G_TYPE_POINTER, test_blocker_run);
  troupe_actor_class_bind_fiber (actor_class, "wait", G_TYPE_POINTER, TROUPE_FIBER_DEFAULT, test_blocker_run);
  troupe_actor_class_bind (actor_class, "terminated", TROUPE_TYPE_TERMINATION, test_blocker_terminated);
  troupe_actor_class_bind (actor_class, "receive-timeout", G_TYPE_NONE, test_blocker_bored);
}

static void
test_blocker_init (TestBlocker *self)
{
  self->thread = g_thread_self ();
}

static TroupeRef *
spawn_blocker (TroupeSystem *system,
               const char   *name)
{
  g_autoptr (GError) error = NULL;
  TroupeRef *ref = troupe_system_spawn (system, name, TEST_TYPE_BLOCKER, &error, NULL);

  g_assert_no_error (error);
  return ref;
}

/* Jobs */

static gboolean
tell_thread (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  troupe_message_reply_uint64 (message, (guint64) (gsize) g_thread_self ());
  return TRUE;
}

static gboolean
pass_gate (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  gate_pass ();
  troupe_message_reply_uint64 (message, 1);
  return TRUE;
}

static gboolean
fail (TroupeActor    *actor,
      TroupeMessage  *message,
      GError        **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "Failed as it was told to");
  return FALSE;
}

static guint64
ask_number (TroupeRef     *ref,
            TroupeHandler  run,
            gpointer       data)
{
  g_autoptr (TroupePromise) promise = test_puppet_ask_and_wait (ref, run, data);

  g_assert_no_error (troupe_promise_get_error (promise));
  return troupe_promise_get_uint64 (promise);
}

static GThread *
ask_thread (TroupeRef *ref)
{
  return (GThread *) (gsize) ask_number (ref, tell_thread, NULL);
}

static void
expect_stopped (TroupePromise *promise)
{
  g_autoptr (GError) error = NULL;

  troupe_test_until (troupe_promise_is_resolved (promise));
  error = troupe_promise_steal_error (promise);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
}

/* Living */

static void
test_others_go_on (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) blocker = spawn_blocker (system, "blocker");
  g_autoptr (TroupeRef) second = spawn_blocker (system, NULL);
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (TroupePromise) answer = NULL;

  g_test_summary ("While the handler of an actor blocks, others have their turns: those on the system's own thread, and others that block.");

  gate_close ();
  troupe_system_set_watchdog (system, 10);
  answer = test_puppet_ask (blocker, pass_gate, NULL);
  gate_await (&gate.n_in, 1);

  g_assert_true (ask_thread (puppet) == g_thread_self ());
  g_assert_true (ask_thread (second) != g_thread_self ());
  g_assert_true (ask_thread (second) == ask_thread (second));
  g_assert_false (troupe_promise_is_resolved (answer));
  g_assert_cmpuint (troupe_system_get_n_blocking_threads (system), ==, 2);
  g_assert_cmpuint (troupe_system_get_n_actors (system), ==, 3);

  gate_open ();
  troupe_test_until (troupe_promise_is_resolved (answer));
  g_assert_cmpuint (troupe_promise_get_uint64 (answer), ==, 1);
  g_assert_true (ask_thread (blocker) != ask_thread (second));

  troupe_test_system_end (system);
  g_assert_cmpuint (gate.n_gone, ==, 2);
}

static gboolean
sleep_long (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  g_usleep (60 * 1000);
  troupe_message_reply_uint64 (message, 1);
  return TRUE;
}

static void
test_watchdog (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) blocker = NULL;

  g_test_summary ("A watchdog does not bark at actors that block, as they say that they do: it would be a warning, which is fatal here.");

  gate_close ();
  troupe_system_set_watchdog (system, 10);
  blocker = spawn_blocker (system, NULL);
  ask_number (blocker, sleep_long, NULL);
  g_assert_cmpuint (troupe_system_get_n_long_turns (system), ==, 0);

  troupe_test_system_end (system);
}

/* A child of the type in DATA, on the parent's own reactor if its name says so. */
static gboolean
spawn_child (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  g_autoptr (TroupeRef) child = troupe_actor_spawn (actor, NULL, (GType) test_puppet_get_data (message), error, NULL);

  g_assert_nonnull (child);
  troupe_message_reply_boxed (message, TROUPE_TYPE_REF, child);
  return TRUE;
}

static gboolean
spawn_beside (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  TroupeReactor *reactor = troupe_ref_get_reactor (troupe_actor_get_ref (actor));
  g_autoptr (TroupeRef) child = troupe_actor_spawn_on (actor, reactor, NULL, (GType) test_puppet_get_data (message), error, NULL);

  g_assert_nonnull (child);
  troupe_message_reply_boxed (message, TROUPE_TYPE_REF, child);
  return TRUE;
}

static TroupeRef *
ask_child (TroupeRef     *parent,
           TroupeHandler  run,
           GType          type)
{
  g_autoptr (TroupePromise) promise = test_puppet_ask_and_wait (parent, run, (gpointer) type);

  g_assert_no_error (troupe_promise_get_error (promise));
  return troupe_ref_ref (troupe_promise_get_boxed (promise));
}

static gboolean
count_ended (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  troupe_message_reply_uint64 (message, TEST_BLOCKER (actor)->n_ended);
  return TRUE;
}

static void
test_children (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) parent = spawn_blocker (system, "parent");
  g_autoptr (TroupeRef) child = ask_child (parent, spawn_child, TEST_TYPE_PUPPET);
  g_autoptr (TroupeRef) blocker = ask_child (parent, spawn_child, TEST_TYPE_BLOCKER);
  g_autoptr (TroupeRef) beside = ask_child (parent, spawn_beside, TEST_TYPE_PUPPET);

  g_test_summary ("Children of an actor that blocks live where they would if it did not; those that block themselves have threads of their own; "
                  "and on its own thread is who is spawned there.");

  gate_close ();
  g_assert_true (ask_thread (child) == g_thread_self ());
  g_assert_true (ask_thread (blocker) != ask_thread (parent));
  g_assert_true (ask_thread (beside) == ask_thread (parent));
  g_assert_true (ask_thread (parent) != g_thread_self ());
  g_assert_cmpuint (troupe_system_get_n_blocking_threads (system), ==, 2);

  troupe_ref_stop (child);
  troupe_ref_stop (blocker);
  troupe_ref_stop (beside);
  while (ask_number (parent, count_ended, NULL) < 3)
    continue;
  g_assert_cmpuint (troupe_system_get_n_actors (system), ==, 1);

  troupe_test_system_end (system);
}

/* Threads */

static void
test_limit (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (GHashTable) threads = g_hash_table_new (NULL, NULL);
  TroupeRef *refs[5];
  guint i;

  g_test_summary ("There are no more threads than the limit says: further actors share them, evenly.");

  gate_close ();
  troupe_system_set_blocking_threads (system, 2, 10000);
  for (i = 0; i < G_N_ELEMENTS (refs); i++)
    refs[i] = spawn_blocker (system, NULL);
  g_assert_cmpuint (troupe_system_get_n_blocking_threads (system), ==, 2);

  for (i = 0; i < G_N_ELEMENTS (refs); i++)
    {
      GThread *thread = ask_thread (refs[i]);

      g_hash_table_insert (threads, thread, GUINT_TO_POINTER (GPOINTER_TO_UINT (g_hash_table_lookup (threads, thread)) + 1));
    }
  g_assert_cmpuint (g_hash_table_size (threads), ==, 2);
  g_assert_cmpuint (GPOINTER_TO_UINT (g_hash_table_lookup (threads, ask_thread (refs[0]))) *
                    GPOINTER_TO_UINT (g_hash_table_lookup (threads, ask_thread (refs[1]))), ==, 6);

  troupe_test_system_end (system);
  for (i = 0; i < G_N_ELEMENTS (refs); i++)
    troupe_ref_unref (refs[i]);
}

static void
end_actor (TroupeSystem *system,
           TroupeRef    *ref)
{
  guint64 n_before = troupe_system_get_n_actors (system);

  troupe_ref_stop (ref);
  while (troupe_system_get_n_actors (system) == n_before)
    {
      g_main_context_iteration (NULL, FALSE);
      g_thread_yield ();
    }
}

static void
test_reuse (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) first = spawn_blocker (system, "blocker");
  g_autoptr (TroupeRef) second = NULL;
  GThread *thread = ask_thread (first);

  g_test_summary ("The thread of an actor that has ended is the next one's; the name is free, too.");

  gate_close ();
  end_actor (system, first);
  second = spawn_blocker (system, "blocker");
  g_assert_true (ask_thread (second) == thread);
  g_assert_cmpuint (troupe_system_get_n_blocking_threads (system), ==, 1);

  troupe_test_system_end (system);
}

static void
test_idle (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  guint i;

  g_test_summary ("A thread that has had nothing to do for a while ends, and another is made when there is need again.");

  gate_close ();
  troupe_system_set_blocking_threads (system, 64, 5);
  for (i = 0; i < 2; i++)
    {
      g_autoptr (TroupeRef) ref = spawn_blocker (system, NULL);
      g_autoptr (TroupePromise) late = NULL;

      ask_thread (ref);
      end_actor (system, ref);
      troupe_test_until (troupe_system_get_n_blocking_threads (system) == 0);

      late = test_puppet_ask (ref, tell_thread, NULL);
      expect_stopped (late);
    }

  troupe_test_system_end (system);
}

static void
test_bad_spawn (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) ref = spawn_blocker (system, "blocker");
  g_autoptr (GError) error = NULL;

  g_test_summary ("A spawn that fails leaves no thread in use.");

  gate_close ();
  troupe_system_set_blocking_threads (system, 64, 1);
  g_assert_null (troupe_system_spawn (system, "blocker", TEST_TYPE_BLOCKER, &error, NULL));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_NAME_IN_USE);
  troupe_test_until (troupe_system_get_n_blocking_threads (system) == 1);
  ask_thread (ref);

  troupe_test_system_end (system);
  g_clear_error (&error);
}

/* As any actor */

static gboolean
get_number (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  troupe_message_reply_uint64 (message, 7);
  return TRUE;
}

static gboolean
wait_for_friend (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  TroupeRef *friend = test_puppet_get_data (message);
  guint64 sum = 0;
  guint i;

  for (i = 0; i < 3; i++)
    {
      g_autoptr (TroupePromise) promise = test_puppet_ask (friend, get_number, NULL);

      if (!troupe_await (promise, error))
        return FALSE;
      sum += troupe_promise_get_uint64 (promise);
    }

  g_assert_true (TEST_BLOCKER (actor)->thread == g_thread_self ());
  troupe_message_reply_uint64 (message, sum);
  return TRUE;
}

static void
test_fiber (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) blocker = spawn_blocker (system, NULL);
  g_autoptr (TroupeRef) friend = test_puppet_new (system, NULL);
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("A handler of an actor that blocks may be a fiber, too, and wait for others; it stays on its thread.");

  gate_close ();
  promise = troupe_ref_ask (blocker, test_puppet_job_as ("wait", wait_for_friend, friend));
  troupe_test_until (troupe_promise_is_resolved (promise));
  g_assert_no_error (troupe_promise_get_error (promise));
  g_assert_cmpuint (troupe_promise_get_uint64 (promise), ==, 21);

  troupe_test_system_end (system);
}

static void
return_thread (TroupePromise *promise,
               gpointer       user_data)
{
  troupe_promise_return_uint64 (promise, (guint64) (gsize) g_thread_self ());
}

static gboolean
sleep_first (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  TroupePromise *promise = troupe_sleep (1);

  troupe_promise_add_callback (promise, return_thread, NULL, NULL);
  troupe_message_reply_promise (message, promise);
  return TRUE;
}

static gboolean
set_timeout (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  troupe_actor_set_receive_timeout (actor, 2);
  troupe_message_reply_uint64 (message, 0);
  return TRUE;
}

static gboolean
watch (TroupeActor    *actor,
       TroupeMessage  *message,
       GError        **error)
{
  troupe_actor_watch (actor, test_puppet_get_data (message));
  troupe_message_reply_uint64 (message, 0);
  return TRUE;
}

static gboolean
tell_news (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  TestBlocker *self = TEST_BLOCKER (actor);

  troupe_message_reply_uint64 (message, self->n_terminated + (self->is_bored ? 10 : 0));
  return TRUE;
}

static void
test_as_any (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) blocker = spawn_blocker (system, NULL);
  g_autoptr (TroupeRef) friend = test_puppet_new (system, NULL);
  g_autoptr (TroupeRef) other = spawn_blocker (system, NULL);

  g_test_summary ("Watches and receive timeouts are the same for one that blocks.");

  gate_close ();
  ask_number (blocker, watch, friend);
  ask_number (blocker, watch, other);
  troupe_ref_stop (friend);
  troupe_ref_kill (other);
  while (ask_number (blocker, tell_news, NULL) != 2)
    continue;

  ask_number (blocker, set_timeout, NULL);
  /* Each question begins the time anew: so there are pauses. */
  while (ask_number (blocker, tell_news, NULL) != 12)
    g_usleep (4000);

  troupe_test_system_end (system);
}

static void
test_timers (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) blocker = spawn_blocker (system, NULL);
  GThread *thread = ask_thread (blocker);

  g_test_summary ("What follows on a timer runs on the actor's thread.");

  gate_close ();
  g_assert_true ((GThread *) (gsize) ask_number (blocker, sleep_first, NULL) == thread);

  troupe_test_system_end (system);
}

static void
test_restart (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);
  g_autoptr (TroupeRef) blocker = NULL;
  g_autoptr (TroupePromise) failed = NULL;
  g_autoptr (GError) error = NULL;
  GThread *thread;

  g_test_summary ("One that fails is restarted on its thread, and goes on with its mail.");

  gate_close ();
  troupe_supervision_set_back_off (supervision, 0, 0);
  troupe_system_set_supervision (system, supervision);
  blocker = spawn_blocker (system, "blocker");
  thread = ask_thread (blocker);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*“/blocker” failed*Failed as it was told to*");
  failed = test_puppet_ask (blocker, fail, NULL);
  g_assert_true (ask_thread (blocker) == thread);
  troupe_test_until (troupe_promise_is_resolved (failed));
  error = troupe_promise_steal_error (failed);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (gate.n_gone, ==, 1);
  g_assert_cmpuint (troupe_system_get_n_blocking_threads (system), ==, 1);

  troupe_test_system_end (system);
}

static void
test_router (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupeRef) router = troupe_system_spawn_router (system, NULL, TROUPE_ROUTING_LEAST_LOADED, 3, TEST_TYPE_BLOCKER, &error);
  TroupePromise *answers[7];
  guint i;

  g_test_summary ("A router over actors that block is a queue for so many workers: they are at it together, and none of them idles.");

  gate_close ();
  g_assert_no_error (error);
  for (i = 0; i < G_N_ELEMENTS (answers); i++)
    answers[i] = test_puppet_ask (router, pass_gate, NULL);
  troupe_test_until (troupe_system_get_n_blocking_threads (system) == 3);
  troupe_test_settle ();
  gate_await (&gate.n_in, 3);
  g_assert_cmpuint (gate.n_in, ==, 3);

  gate_open ();
  for (i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      troupe_test_until (troupe_promise_is_resolved (answers[i]));
      g_assert_cmpuint (troupe_promise_get_uint64 (answers[i]), ==, 1);
      troupe_promise_unref (answers[i]);
    }

  troupe_test_system_end (system);
}

/* A connection that blocks. */

#define TEST_TYPE_LAZY (test_lazy_get_type ())
G_DECLARE_FINAL_TYPE (TestLazy, test_lazy, TEST, LAZY, TroupeProtocol)

struct _TestLazy
{
  TroupeProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (TestLazy, test_lazy, TROUPE_TYPE_PROTOCOL)

static gint n_made;                  /* atomic */

static gboolean
test_lazy_connection_made (TroupeProtocol  *protocol,
                           GError         **error)
{
  g_atomic_int_inc (&n_made);
  return TRUE;
}

static gboolean
test_lazy_data_received (TroupeProtocol  *protocol,
                         const guint8    *data,
                         gsize            length,
                         GError         **error)
{
  g_assert_cmpint (g_atomic_int_get (&n_made), ==, 1);
  gate_pass ();
  troupe_transport_write (troupe_protocol_get_transport (protocol), data, length);
  return TRUE;
}

static void
test_lazy_class_init (TestLazyClass *klass)
{
  troupe_actor_class_set_placement (TROUPE_ACTOR_CLASS (klass), TROUPE_PLACEMENT_BLOCKING);
  TROUPE_PROTOCOL_CLASS (klass)->connection_made = test_lazy_connection_made;
  TROUPE_PROTOCOL_CLASS (klass)->data_received = test_lazy_data_received;
}

static void
test_lazy_init (TestLazy *self)
{
}

static void
test_connection (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupeRef) factory = troupe_factory_spawn (system, NULL, TEST_TYPE_LAZY, &error);
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (TroupeRef) connection = NULL;
  int fds[2];
  char byte = 0;

  g_test_summary ("A connection may have a thread to itself: what comes in is read there, and its first turn is connection_made.");

  gate_close ();
  n_made = 0;
  g_assert_no_error (error);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
  g_assert_cmpint (write (fds[1], "x", 1), ==, 1);
  connection = troupe_test_adopt (system, fds[0], factory);
  gate_await (&gate.n_in, 1);
  g_assert_true (ask_thread (puppet) == g_thread_self ());

  gate_open ();
  g_assert_cmpint (read (fds[1], &byte, 1), ==, 1);
  g_assert_cmpint (byte, ==, 'x');

  g_close (fds[1], NULL);
  troupe_test_until (troupe_ref_has_ended (connection));
  troupe_test_system_end (system);
}

/* The end */

static void
test_end_in_time (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) blocker = spawn_blocker (system, NULL);
  g_autoptr (TroupePromise) answer = NULL;

  g_test_summary ("A shutdown waits for the handler that blocks, and then the actor stops as others do.");

  gate_close ();
  n_stopped = n_runs = 0;
  answer = test_puppet_ask (blocker, sleep_long, NULL);
  while (g_atomic_int_get (&n_runs) == 0)
    g_thread_yield ();
  troupe_test_system_end (system);
  g_assert_cmpint (n_stopped, ==, 1);
  g_assert_cmpuint (gate.n_gone, ==, 1);
  troupe_test_until (troupe_promise_is_resolved (answer));
  g_assert_cmpuint (troupe_promise_get_uint64 (answer), ==, 1);
}

/* Ends SYSTEM, which has an actor of that PATH at its top with others below it, of which n_LEFT are stuck. */
static void
expect_left (const char *service,
             const char *first,
             const char *second)
{
  g_autofree char *killed = g_strdup_printf ("*“%s” has not stopped within * ms: it is killed", service);
  g_autofree char *left = g_strdup_printf ("The actor “%s” does not come back*", first);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, killed);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, left);
  if (second != NULL)
    g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, second);
}

static void
count_dead_letter (TroupeSystem  *system,
                   TroupeRef     *target,
                   TroupeMessage *message,
                   TroupeError    reason,
                   gpointer       number)
{
  (*(guint *) number)++;
}

static void
test_stuck (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, "puppet");
  g_autoptr (TroupeRef) blocker = spawn_blocker (system, "stuck");
  g_autoptr (TroupeRef) child = ask_child (blocker, spawn_child, TEST_TYPE_PUPPET);
  g_autoptr (TroupeRef) grandchild = ask_child (blocker, spawn_child, TEST_TYPE_BLOCKER);
  g_autoptr (TroupePromise) stuck = NULL;
  g_autoptr (TroupePromise) waiting = NULL;
  g_autoptr (TroupePromise) late = NULL;
  guint64 n_dead;
  guint n_seen = 0;

  g_test_summary ("One that is stuck when the system ends is left behind: all that was asked of it is rejected, its children end, and should it "
                  "come back, it ends without another turn.");

  gate_close ();
  n_stopped = n_runs = 0;
  g_object_weak_ref (G_OBJECT (system), gate_note_system, NULL);
  g_signal_connect (system, "dead-letter", G_CALLBACK (count_dead_letter), &n_seen);
  troupe_system_set_shutdown_timeout (system, 20);

  stuck = test_puppet_ask (blocker, pass_gate, NULL);
  waiting = test_puppet_ask (blocker, pass_gate, NULL);
  test_puppet_tell (blocker, pass_gate, NULL);
  gate_await (&gate.n_in, 1);

  expect_left ("/stuck", "/stuck", NULL);
  troupe_system_shutdown (system);
  troupe_test_until (troupe_system_has_ended (system));
  g_test_assert_expected_messages ();

  expect_stopped (stuck);
  expect_stopped (waiting);
  g_assert_cmpuint (troupe_system_get_n_actors (system), ==, 0);
  g_assert_cmpuint (troupe_system_get_n_blocking_threads (system), ==, 0);
  g_assert_true (troupe_ref_has_ended (blocker));
  g_assert_true (troupe_ref_has_ended (child));
  g_assert_true (troupe_ref_has_ended (grandchild));
  g_assert_true (troupe_ref_has_ended (puppet));

  n_dead = troupe_system_get_n_dead_letters (system);
  n_seen = 0;
  test_puppet_tell (blocker, pass_gate, NULL);
  g_assert_cmpuint (troupe_system_get_n_dead_letters (system), ==, n_dead + 1);
  late = test_puppet_ask (blocker, pass_gate, NULL);
  expect_stopped (late);
  troupe_ref_stop (blocker);

  /* Its actor, and the grandchild before it. */
  g_assert_cmpuint (gate.n_gone, ==, 1);
  g_clear_pointer (&child, troupe_ref_unref);
  g_clear_pointer (&grandchild, troupe_ref_unref);
  g_clear_pointer (&puppet, troupe_ref_unref);
  g_object_unref (system);
  g_assert_cmpuint (gate.n_systems, ==, 0);
  gate_open ();
  gate_await (&gate.n_gone, 2);
  g_clear_pointer (&blocker, troupe_ref_unref);
  gate_await_system ();
  g_assert_cmpuint (gate.n_out, ==, 1);
  g_assert_cmpint (n_runs, ==, 1);
  g_assert_cmpint (n_stopped, ==, 0);
  g_assert_cmpuint (n_seen, ==, 0);
}

static void
test_stuck_below (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) base = spawn_blocker (system, "base");
  g_autoptr (TroupeRef) service = test_puppet_new (system, "service");
  g_autoptr (TroupeRef) blocker = NULL;
  g_autoptr (TroupeRef) beside = NULL;

  g_test_summary ("It is named wherever it is, as are those that share its thread; services that are not stuck stop as ever.");

  gate_close ();
  n_stopped = n_runs = 0;
  g_object_weak_ref (G_OBJECT (system), gate_note_system, NULL);
  troupe_system_set_shutdown_timeout (system, 20);
  blocker = ask_child (service, spawn_child, TEST_TYPE_BLOCKER);
  beside = ask_child (blocker, spawn_beside, TEST_TYPE_PUPPET);
  test_puppet_tell (blocker, pass_gate, NULL);
  gate_await (&gate.n_in, 1);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*“/service” has not stopped within * ms: it is killed");
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "The actor “/service/*");
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "The actor “/service/*");
  troupe_system_shutdown (system);
  troupe_test_until (troupe_system_has_ended (system));
  g_test_assert_expected_messages ();
  g_assert_cmpint (n_stopped, ==, 1);
  g_assert_cmpuint (troupe_system_get_n_actors (system), ==, 0);
  g_assert_true (troupe_ref_has_ended (base));
  g_assert_true (troupe_ref_has_ended (service));

  g_clear_pointer (&base, troupe_ref_unref);
  g_clear_pointer (&service, troupe_ref_unref);
  g_clear_pointer (&blocker, troupe_ref_unref);
  g_clear_pointer (&beside, troupe_ref_unref);
  g_object_unref (system);
  gate_open ();
  gate_await (&gate.n_gone, 2);
  gate_await_system ();
}

static void
ignore_error (TroupePromise *promise,
              gpointer       user_data)
{
  g_assert_error (troupe_promise_get_error (promise), TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  troupe_promise_return_nothing (promise);
}

/* Comes back and does what it should not any more. */
static gboolean
be_busy (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  TroupeRef *friend = test_puppet_get_data (message);
  g_autoptr (TroupeRef) child = NULL;
  g_autoptr (TroupePromise) promise = NULL;
  g_autoptr (GError) problem = NULL;

  gate_pass ();
  child = troupe_actor_spawn (actor, NULL, TEST_TYPE_PUPPET, &problem, NULL);
  g_assert_error (problem, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  test_puppet_tell (friend, get_number, NULL);
  test_puppet_tell (troupe_actor_get_ref (actor), get_number, NULL);
  promise = test_puppet_ask (friend, get_number, NULL);
  troupe_promise_add_errback (promise, ignore_error, NULL, NULL);
  troupe_actor_watch (actor, friend);
  g_clear_pointer (&promise, troupe_promise_unref);
  promise = troupe_sleep (1);
  troupe_message_reply_uint64 (message, 3);
  return fail (actor, message, error);
}

/* What a variable of a fiber holds that is killed would leak. */
static TroupePromise *awaited;

static gboolean
be_busy_for_long (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  TroupeRef *friend = test_puppet_get_data (message);

  awaited = troupe_sleep (1);
  gate_pass ();
  test_puppet_tell (friend, get_number, NULL);
  /* Killed, so none of its code runs after this. */
  troupe_await (awaited, error);
  g_assert_not_reached ();
}

static void
test_late_effects (void)
{
  const TroupeHandler handlers[] = { be_busy, be_busy_for_long };
  guint i;

  g_test_summary ("What a handler that comes back after the end still does has no effect and does no harm, be it a fiber or not.");

  for (i = 0; i < G_N_ELEMENTS (handlers); i++)
    {
      GMainContext *context = g_main_context_new ();
      TroupeSystem *system;
      TroupeRef *friend;
      TroupeRef *blocker;
      TroupePromise *promise;

      g_main_context_push_thread_default (context);
      gate_close ();
      n_stopped = n_runs = 0;
      system = troupe_test_system_new ();
      g_object_weak_ref (G_OBJECT (system), gate_note_system, NULL);
      friend = test_puppet_new (system, NULL);
      blocker = spawn_blocker (system, "stuck");
      troupe_system_set_shutdown_timeout (system, 10);
      promise = troupe_ref_ask (blocker, test_puppet_job_as (i == 0 ? "run" : "wait", handlers[i], friend));
      gate_await (&gate.n_in, 1);

      expect_left ("/stuck", "/stuck", NULL);
      troupe_system_shutdown (system);
      troupe_test_until (troupe_system_has_ended (system));
      g_test_assert_expected_messages ();
      expect_stopped (promise);
      troupe_promise_unref (promise);

      /* The main context goes, too: friend's, and the root's. */
      g_object_unref (system);
      g_main_context_pop_thread_default (context);
      g_main_context_unref (context);
      gate_open ();
      gate_await (&gate.n_gone, 1);
      troupe_ref_unref (blocker);
      gate_await (&gate.n_out, 1);
      troupe_ref_unref (friend);
      g_clear_pointer (&awaited, troupe_promise_unref);
      gate_await_system ();
      g_assert_cmpint (n_runs, ==, 1);
    }
}

static gpointer
ask_sync (gpointer blocker)
{
  g_autoptr (GError) error = NULL;
  TroupeMessage *answer = troupe_ref_ask_sync (blocker, test_puppet_job (pass_gate, NULL), -1, NULL, &error);

  g_assert_null (answer);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  return NULL;
}

static void
test_sync (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  TroupeRef *blocker = spawn_blocker (system, "stuck");
  GThread *thread;

  g_test_summary ("Who blocks until an actor answers that is stuck when the system ends does so no longer.");

  gate_close ();
  g_object_weak_ref (G_OBJECT (system), gate_note_system, NULL);
  troupe_system_set_shutdown_timeout (system, 10);
  thread = g_thread_new ("asker", ask_sync, blocker);
  gate_await (&gate.n_in, 1);

  expect_left ("/stuck", "/stuck", NULL);
  troupe_system_shutdown (system);
  troupe_test_until (troupe_system_has_ended (system));
  g_thread_join (thread);
  g_test_assert_expected_messages ();

  g_object_unref (system);
  gate_open ();
  gate_await (&gate.n_gone, 1);
  troupe_ref_unref (blocker);
  gate_await_system ();
}

/* Many */

#define N_THREADS 4
#define N_ROUNDS  50

static gpointer
use_blockers (gpointer system)
{
  guint i;

  for (i = 0; i < N_ROUNDS; i++)
    {
      g_autoptr (TroupeRef) ref = spawn_blocker (system, NULL);
      g_autoptr (GError) error = NULL;
      TroupeMessage *answer = troupe_ref_ask_sync (ref, test_puppet_job (get_number, NULL), -1, NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (troupe_message_get_uint64 (answer), ==, 7);
      troupe_message_unref (answer);
      if (i % 2 == 0)
        troupe_ref_stop (ref);
      else
        troupe_ref_kill (ref);
    }

  return NULL;
}

static gint n_done;

static gpointer
use_blockers_and_say (gpointer system)
{
  use_blockers (system);
  g_atomic_int_inc (&n_done);
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
test_many (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  GThread *threads[N_THREADS];
  guint i;

  g_test_summary ("Several threads spawn, ask and end actors that block, while threads of the pool come and go.");

  gate_close ();
  n_done = 0;
  troupe_system_set_blocking_threads (system, 3, 0);
  for (i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("user", use_blockers_and_say, system);
  troupe_test_until (g_atomic_int_get (&n_done) == N_THREADS);
  for (i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);

  troupe_test_system_end (system);
  g_assert_cmpuint (gate.n_gone, ==, N_THREADS * N_ROUNDS);
}

/* Up to a number: services stop one after the other, and so many might come at once that there is no end of it. */
static gpointer
spawn_until_ended (gpointer system)
{
  guint i;

  for (i = 0; i < 100; i++)
    {
      g_autoptr (TroupeRef) ref = troupe_system_spawn (system, NULL, TEST_TYPE_BLOCKER, NULL, NULL);

      if (ref == NULL)
        break;
      troupe_ref_send (ref, test_puppet_job (get_number, NULL));
      g_usleep (100);
    }

  return NULL;
}

static void
test_spawn_and_end (void)
{
  guint i;

  g_test_summary ("Actors that block are spawned from another thread while the system ends: each is built and ends, or is refused.");

  for (i = 0; i < 20; i++)
    {
      TroupeSystem *system = troupe_test_system_new ();
      GThread *thread;

      gate_close ();
      troupe_system_set_blocking_threads (system, 4, 0);
      thread = g_thread_new ("spawner", spawn_until_ended, system);
      while (troupe_system_get_n_actors (system) < 3)
        g_main_context_iteration (NULL, FALSE);
      troupe_system_shutdown (system);
      troupe_test_until (troupe_system_has_ended (system));
      g_thread_join (thread);
      /* The last one may have to be told yet that its parent has ended. */
      while (troupe_system_get_n_actors (system) > 0)
        g_main_context_iteration (NULL, FALSE);
      g_object_unref (system);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/blocking/others-go-on", test_others_go_on);
  g_test_add_func ("/troupe/blocking/watchdog", test_watchdog);
  g_test_add_func ("/troupe/blocking/children", test_children);
  g_test_add_func ("/troupe/blocking/limit", test_limit);
  g_test_add_func ("/troupe/blocking/reuse", test_reuse);
  g_test_add_func ("/troupe/blocking/idle", test_idle);
  g_test_add_func ("/troupe/blocking/bad-spawn", test_bad_spawn);
  g_test_add_func ("/troupe/blocking/fiber", test_fiber);
  g_test_add_func ("/troupe/blocking/as-any", test_as_any);
  g_test_add_func ("/troupe/blocking/timers", test_timers);
  g_test_add_func ("/troupe/blocking/restart", test_restart);
  g_test_add_func ("/troupe/blocking/router", test_router);
  g_test_add_func ("/troupe/blocking/connection", test_connection);
  g_test_add_func ("/troupe/blocking/end-in-time", test_end_in_time);
  g_test_add_func ("/troupe/blocking/stuck", test_stuck);
  g_test_add_func ("/troupe/blocking/stuck-below", test_stuck_below);
  g_test_add_func ("/troupe/blocking/late-effects", test_late_effects);
  g_test_add_func ("/troupe/blocking/sync", test_sync);
  g_test_add_func ("/troupe/blocking/many", test_many);
  g_test_add_func ("/troupe/blocking/spawn-and-end", test_spawn_and_end);

  return g_test_run ();
}
