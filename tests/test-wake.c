/* test-wake.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sys/resource.h>
#include <unistd.h>

#include "troupe-test.h"

/* How other threads wake a reactor. */

static int
count_descriptors (GMainContext *context)
{
  GPollFD fds[8];
  int timeout;
  int priority;
  int n;

  g_assert_true (g_main_context_acquire (context));
  g_main_context_prepare (context, &priority);
  n = g_main_context_query (context, G_MAXINT, &timeout, fds, G_N_ELEMENTS (fds));
  g_main_context_release (context);

  return n;
}

static gpointer
resolve_thread (gpointer resolver)
{
  g_assert_true (troupe_resolver_resolve_int64 (resolver, 5, NULL));
  troupe_resolver_unref (resolver);

  return NULL;
}

/* Waits, at home in the thread-default context, for what another thread resolves while we sleep. */
static void
await_another_thread (void)
{
  TroupeResolver *resolver;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);
  GThread *thread = g_thread_new ("resolver", resolve_thread, resolver);

  troupe_test_until (troupe_promise_is_resolved (promise));
  g_assert_cmpint (troupe_promise_get_int64 (promise), ==, 5);
  g_thread_join (thread);
}

static void
test_one_descriptor (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  int n_before = count_descriptors (context);
  TroupeSystem *system;

  g_test_summary ("A home of promises is woken by one descriptor, and there are no more when a system with epoll comes to it.");

  g_main_context_push_thread_default (context);
  await_another_thread ();
  g_assert_cmpint (count_descriptors (context), ==, n_before + 1);

  system = troupe_test_system_new ();
  await_another_thread ();
  if (g_str_equal (troupe_reactor_get_backend_name (troupe_system_get_reactor (system)), "epoll"))
    g_assert_cmpint (count_descriptors (context), ==, n_before + 1);
  troupe_test_system_end (system);

  await_another_thread ();
  g_main_context_pop_thread_default (context);
}

static void
test_no_descriptor (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  int n_before = count_descriptors (context);
  int next = dup (0);
  struct rlimit all;
  struct rlimit none;

  g_test_summary ("Without a descriptor to be woken by a home looks for its mail, until it gets one.");

  g_assert_cmpint (next, >=, 0);
  close (next);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &all), ==, 0);
  none = all;
  none.rlim_cur = next;

  g_main_context_push_thread_default (context);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &none), ==, 0);
  await_another_thread ();
  g_assert_cmpint (count_descriptors (context), ==, n_before);

  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &all), ==, 0);
  await_another_thread ();
  g_assert_cmpint (count_descriptors (context), ==, n_before + 1);
  g_main_context_pop_thread_default (context);
}

static void
test_before_first_run (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  TroupeResolver *resolver;
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("What comes before anybody has run the context is found when somebody does.");

  g_main_context_push_thread_default (context);
  promise = troupe_promise_new (&resolver);
  g_thread_join (g_thread_new ("resolver", resolve_thread, resolver));
  troupe_test_until (troupe_promise_is_resolved (promise));
  g_main_context_pop_thread_default (context);
}

static void
nest_cb (TroupePromise *promise,
         gpointer       done)
{
  await_another_thread ();
  *(gboolean *) done = TRUE;
}

static void
test_nested (void)
{
  g_autoptr (TroupePromise) later = troupe_sleep (0);
  gboolean done = FALSE;

  g_test_summary ("A loop that a step runs is woken, too.");

  troupe_promise_add_callback (later, nest_cb, &done, NULL);
  troupe_test_until (done);
}

/* A thread's last act is to get an answer: its context is gone while whoever has given that may still be about to wake it. */

static gpointer
short_life (gpointer resolvers)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  TroupeResolver *resolver;
  g_autoptr (TroupePromise) promise = NULL;

  g_main_context_push_thread_default (context);
  promise = troupe_promise_new (&resolver);
  g_async_queue_push (resolvers, resolver);
  troupe_test_until (troupe_promise_is_resolved (promise));
  g_main_context_pop_thread_default (context);

  return NULL;
}

static gpointer
resolve_all (gpointer resolvers)
{
  TroupeResolver *resolver;

  while ((resolver = g_async_queue_pop (resolvers)) != resolvers)
    resolve_thread (resolver);

  return NULL;
}

static void
test_late (void)
{
  g_autoptr (GAsyncQueue) resolvers = g_async_queue_new ();
  GThread *thread = g_thread_new ("resolver", resolve_all, resolvers);
  guint i;

  g_test_summary ("Whoever wakes a reactor may come too late: its context may be gone by then.");

  for (i = 0; i < 300; i++)
    g_thread_join (g_thread_new ("short life", short_life, resolvers));

  g_async_queue_push (resolvers, resolvers);
  g_thread_join (thread);
}

/* Spinning */

static int
get_timeout (GMainContext *context)
{
  int timeout = -1;
  int priority;

  /* A reactor that was busy for 2 ms leaves others an iteration. */
  g_main_context_iteration (context, FALSE);
  g_main_context_iteration (context, FALSE);

  g_assert_true (g_main_context_acquire (context));
  g_main_context_prepare (context, &priority);
  g_main_context_query (context, G_MAXINT, &timeout, NULL, 0);
  g_main_context_release (context);

  return timeout;
}

static void
test_spin (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  TroupeSystem *system;
  gint64 end;

  g_test_summary ("A reactor that spins does not let the main loop sleep before it is time, and does not for long.");

  g_main_context_push_thread_default (context);
  system = troupe_test_system_new ();
  await_another_thread ();
  g_assert_cmpint (get_timeout (context), ==, -1);

  troupe_system_set_spin (system, 60 * G_USEC_PER_SEC);
  g_assert_cmpint (get_timeout (context), ==, -1);
  await_another_thread ();
  g_assert_cmpint (get_timeout (context), ==, 0);

  end = g_get_monotonic_time () + 20000;
  troupe_system_set_spin (system, 20000);
  await_another_thread ();
  while (get_timeout (context) == 0)
    continue;
  g_assert_cmpint (g_get_monotonic_time (), >=, end);
  g_assert_cmpint (get_timeout (context), ==, -1);

  troupe_system_set_spin (system, 60 * G_USEC_PER_SEC);
  await_another_thread ();
  g_assert_cmpint (get_timeout (context), ==, 0);
  troupe_system_set_spin (system, 0);
  g_assert_cmpint (get_timeout (context), ==, -1);
  troupe_test_system_end (system);
  g_main_context_pop_thread_default (context);
}

/* Two actors that send each other a message for ever. */

G_DECLARE_FINAL_TYPE (Player, player, TEST, PLAYER, TroupeActor)

struct _Player
{
  TroupeActor parent_instance;
};

G_DEFINE_FINAL_TYPE (Player, player, TROUPE_TYPE_ACTOR)

static gboolean
player_on_ball (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  TroupeRef *other = troupe_message_get_sender (message);

  if (other == NULL)
    other = troupe_message_get_boxed (message);
  troupe_ref_send (other, troupe_message_new_boxed ("ball", TROUPE_TYPE_REF, troupe_actor_get_ref (actor)));
  return TRUE;
}

static void
player_class_init (PlayerClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "ball", TROUPE_TYPE_REF, player_on_ball);
}

static void
player_init (Player *self)
{
}

static gpointer
player_thread (gpointer players)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  TroupeSystem *system;
  g_autoptr (TroupeRef) player = NULL;

  g_main_context_push_thread_default (context);
  system = troupe_test_system_new ();
  troupe_system_set_spin (system, 60 * G_USEC_PER_SEC);
  player = troupe_system_spawn (system, NULL, player_get_type (), NULL, NULL);
  g_async_queue_push (players, troupe_ref_ref (player));
  troupe_test_until (troupe_ref_has_ended (player));
  troupe_test_system_end (system);
  g_main_context_pop_thread_default (context);

  return NULL;
}

static gboolean
count_cb (gpointer count)
{
  return ++*(guint *) count < 10 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void
count_timer_cb (TroupeTimer *timer,
                gpointer     count)
{
  ++*(guint *) count;
}

static void
test_spin_others (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (GAsyncQueue) players = g_async_queue_new ();
  GThread *thread = g_thread_new ("player", player_thread, players);
  g_autoptr (TroupeRef) there = g_async_queue_pop (players);
  g_autoptr (TroupeRef) here = NULL;
  guint n_idle = 0;
  guint n_timeouts = 0;
  guint n_timers = 0;

  g_test_summary ("While two reactors spin for each other's messages, other sources of their contexts and their timers have their turns.");

  troupe_system_set_spin (system, 60 * G_USEC_PER_SEC);
  here = troupe_system_spawn (system, NULL, player_get_type (), NULL, NULL);
  troupe_ref_send (here, troupe_message_new_boxed ("ball", TROUPE_TYPE_REF, there));

  g_idle_add (count_cb, &n_idle);
  g_timeout_add (2, count_cb, &n_timeouts);
  troupe_timer_unref (troupe_reactor_call_later (troupe_system_get_reactor (system), 5, count_timer_cb, &n_timers, NULL));
  troupe_test_until (n_idle == 10 && n_timeouts == 10 && n_timers == 1);

  troupe_ref_stop (there);
  g_thread_join (thread);
  troupe_test_system_end (system);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/wake/one-descriptor", test_one_descriptor);
  g_test_add_func ("/troupe/wake/no-descriptor", test_no_descriptor);
  g_test_add_func ("/troupe/wake/before-first-run", test_before_first_run);
  g_test_add_func ("/troupe/wake/nested", test_nested);
  g_test_add_func ("/troupe/wake/late", test_late);
  g_test_add_func ("/troupe/wake/spin", test_spin);
  g_test_add_func ("/troupe/wake/spin-others", test_spin_others);

  return g_test_run ();
}
