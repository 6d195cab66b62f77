/* test-watchdog.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Turns that take too long. Only the turn in question is watched, as on a loaded machine any may take long. Looks inside, for a
 * threshold that nobody can ask for. */

#include "troupe-test-puppet.h"

#include "troupe-reactor-private.h"

#define LOOKS_MS 40                  /* many of the watchdog's looks */

/* A turn that goes on until it has been told, and then some more. */
static void
take_long (TroupeSystem *system)
{
  guint64 before = troupe_system_get_n_long_turns (system);

  troupe_system_set_watchdog (system, 2);
  while (troupe_system_get_n_long_turns (system) == before)
    g_thread_yield ();
  g_usleep (LOOKS_MS * 1000);
  troupe_system_set_watchdog (system, 0);

  g_assert_cmpuint (troupe_system_get_n_long_turns (system), ==, before + 1);
}

/* Takes long to start, and hears the news. */

#define TEST_TYPE_SLOW (test_slow_get_type ())
G_DECLARE_FINAL_TYPE (TestSlow, test_slow, TEST, SLOW, TroupeActor)

struct _TestSlow
{
  TroupeActor parent_instance;
};

G_DEFINE_FINAL_TYPE (TestSlow, test_slow, TROUPE_TYPE_ACTOR)

static char *news;

static gboolean
test_slow_started (TroupeActor  *actor,
                   GError      **error)
{
  take_long (troupe_actor_get_system (actor));
  return TRUE;
}

static gboolean
test_slow_on_long_turn (TroupeActor    *actor,
                        TroupeMessage  *message,
                        GError        **error)
{
  g_assert_null (news);
  news = g_strdup (troupe_message_get_string (message));
  return TRUE;
}

static void
test_slow_class_init (TestSlowClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  actor_class->started = test_slow_started;
  troupe_actor_class_bind (actor_class, "long-turn", G_TYPE_STRING, test_slow_on_long_turn);
}

static void
test_slow_init (TestSlow *self)
{
}

static void
expect_warning (const char *what)
{
  g_autofree char *text = g_strdup_printf ("A turn of “/slow” takes longer than 2 ms: %s", what);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, text);
}

static gboolean
puppet_take_long (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  take_long (troupe_actor_get_system (actor));
  if (troupe_message_wants_reply (message))
    troupe_message_reply_boolean (message, TRUE);
  return TRUE;
}

static void
test_message (void)
{
  g_autoptr (TroupePromise) first = NULL;
  g_autoptr (TroupePromise) second = NULL;
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) slow = test_puppet_new (system, "slow");

  g_test_summary ("A message that is handled for too long is told while it is, once, and counted");

  expect_warning ("the message “run”");
  expect_warning ("the message “run”");
  first = test_puppet_ask_and_wait (slow, puppet_take_long, NULL);
  second = test_puppet_ask_and_wait (slow, puppet_take_long, NULL);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (troupe_system_get_n_long_turns (system), ==, 2);

  troupe_test_system_end (system);
}

static void
timer_take_long (TroupeTimer *timer,
                 gpointer     system)
{
  take_long (system);
}

static gboolean
puppet_call_later (TroupeActor    *actor,
                   TroupeMessage  *message,
                   GError        **error)
{
  troupe_timer_unref (troupe_actor_call_later (actor, 0, timer_take_long, troupe_actor_get_system (actor), NULL));
  return TRUE;
}

static void
test_timer (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) slow = test_puppet_new (system, "slow");

  g_test_summary ("So is a timer");

  expect_warning ("a timer");
  test_puppet_tell (slow, puppet_call_later, NULL);
  troupe_test_until (troupe_system_get_n_long_turns (system) > 0);
  g_test_assert_expected_messages ();

  troupe_test_system_end (system);
}

static gboolean
puppet_answer (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  troupe_message_reply_boolean (message, TRUE);
  return TRUE;
}

static void
step_take_long (TroupePromise *promise,
                gpointer       system)
{
  take_long (system);
}

static gboolean
puppet_ask_other (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  g_autoptr (TroupePromise) promise = test_puppet_ask (test_puppet_get_data (message), puppet_answer, NULL);

  troupe_promise_add_callback (promise, step_take_long, troupe_actor_get_system (actor), NULL);
  return TRUE;
}

static void
test_continuation (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) slow = test_puppet_new (system, "slow");
  g_autoptr (TroupeRef) other = test_puppet_new (system, "other");

  g_test_summary ("So is a continuation, by the question that was answered");

  expect_warning ("the answer to “run”");
  test_puppet_tell (slow, puppet_ask_other, other);
  troupe_test_until (troupe_system_get_n_long_turns (system) > 0);
  g_test_assert_expected_messages ();

  troupe_test_system_end (system);
}

static void
test_news (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupeRef) slow = NULL;
  TroupeSystem *system = troupe_test_system_new ();

  g_test_summary ("So is a start; and it is published");

  expect_warning ("its start or end");
  slow = troupe_system_spawn (system, "slow", TEST_TYPE_SLOW, &error, NULL);
  g_assert_no_error (error);
  g_assert_true (troupe_system_subscribe (system, "$system/long-turn/slow", slow, &error));
  troupe_test_until (news != NULL);
  g_test_assert_expected_messages ();
  g_assert_cmpstr (news, ==, "its start or end");

  g_clear_pointer (&news, g_free);
  troupe_test_system_end (system);
}

static gboolean
set_true (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

static gboolean
puppet_nest (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  TroupeSystem *system = troupe_actor_get_system (actor);
  gboolean over = FALSE;

  troupe_system_set_watchdog (system, 500);
  g_timeout_add (700, set_true, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
  troupe_system_set_watchdog (system, 0);

  g_assert_cmpuint (troupe_system_get_n_long_turns (system), ==, 0);

  /* Back in the turn, it is one again. */
  take_long (system);
  troupe_message_reply_boolean (message, TRUE);
  return TRUE;
}

static void
test_nested (void)
{
  g_autoptr (TroupePromise) promise = NULL;
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) slow = test_puppet_new (system, "slow");

  g_test_summary ("A handler that waits in a nested main loop does not take long; what it does afterwards may");

  expect_warning ("the message “run”");
  promise = test_puppet_ask_and_wait (slow, puppet_nest, NULL);
  g_test_assert_expected_messages ();

  troupe_test_system_end (system);
}

static gpointer
run_system (gpointer data)
{
  GMainContext *context = g_main_context_new ();
  TroupeSystem *system;

  g_main_context_push_thread_default (context);
  system = troupe_test_system_new ();
  {
    g_autoptr (TroupeRef) slow = test_puppet_new (system, "slow");
    g_autoptr (TroupePromise) promise = test_puppet_ask_and_wait (slow, puppet_take_long, NULL);
  }
  troupe_test_system_end (system);
  g_main_context_pop_thread_default (context);
  g_main_context_unref (context);

  return NULL;
}

static void
test_threads (void)
{
  GThread *threads[4];
  guint i;

  g_test_summary ("Reactors of several threads are watched at a time");

  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    expect_warning ("the message “run”");
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("slow", run_system, NULL);
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_test_assert_expected_messages ();
}

static void
test_environment (void)
{
  TroupeSystem *quiet = troupe_test_system_new ();
  TroupeSystem *system;

  g_test_summary ("TROUPE_DEBUG=watchdog sets one of 50 ms; without, there is none");

  g_assert_cmpuint (troupe_system_get_reactor (quiet)->watchdog.threshold_ms, ==, 0);
  troupe_test_system_end (quiet);

  g_setenv ("TROUPE_DEBUG", "watchdog", TRUE);
  system = troupe_test_system_new ();
  g_unsetenv ("TROUPE_DEBUG");
  g_assert_cmpuint (troupe_system_get_reactor (system)->watchdog.threshold_ms, ==, 50);
  troupe_system_set_watchdog (system, G_MAXUINT / 2);
  troupe_test_system_end (system);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/watchdog/message", test_message);
  g_test_add_func ("/troupe/watchdog/timer", test_timer);
  g_test_add_func ("/troupe/watchdog/continuation", test_continuation);
  g_test_add_func ("/troupe/watchdog/news", test_news);
  g_test_add_func ("/troupe/watchdog/nested", test_nested);
  g_test_add_func ("/troupe/watchdog/threads", test_threads);
  g_test_add_func ("/troupe/watchdog/environment", test_environment);

  return g_test_run ();
}
