/* test-looping-call.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Looping calls, rule by rule of the specification: 99 to 105. */

#include "troupe-test-puppet.h"

typedef struct
{
  TroupeSystem      *system;
  TroupeReactor     *reactor;
  TroupeClock       *clock;
  TroupeLoopingCall *loop;
  GString           *story;          /* for each call, its time and number of ticks; for each end, a word */
  guint              n_calls;

  /* What the function does, and when */
  guint              stop_at;        /* at this call; 0: never */
  guint              fail_at;
  guint              reject_at;      /* fails by a promise of an error */
  guint              reset_at;
  guint              wait_at;        /* returns a promise, whose resolver is here: */
  TroupeResolver    *resolver;
} Fixture;

static gint64
get_ms (Fixture *fixture)
{
  return troupe_reactor_get_time (fixture->reactor) / 1000;
}

static TroupePromise *
on_tick (TroupeLoopingCall  *loop,
         guint64             n_ticks,
         gpointer            data,
         GError            **failure)
{
  Fixture *fixture = data;
  guint call = ++fixture->n_calls;
  g_autoptr (GError) error = NULL;

  g_string_append_printf (fixture->story, "%d:%d ", (int) get_ms (fixture), (int) n_ticks);

  if (call == fixture->reset_at)
    {
      g_assert_true (troupe_looping_call_reset (loop, &error));
      g_assert_no_error (error);
    }
  if (call == fixture->stop_at)
    {
      g_assert_true (troupe_looping_call_stop (loop, &error));
      g_assert_no_error (error);
      g_assert_false (troupe_looping_call_is_running (loop));
    }
  if (call == fixture->fail_at)
    g_set_error_literal (failure, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no more");
  if (call == fixture->reject_at)
    return troupe_promise_new_rejected (g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no more"));
  if (call == fixture->wait_at)
    return troupe_promise_new (&fixture->resolver);

  return NULL;
}

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  fixture->system = troupe_test_system_new ();
  fixture->reactor = troupe_system_get_reactor (fixture->system);
  fixture->clock = troupe_clock_new (fixture->reactor);
  fixture->story = g_string_new (NULL);
  fixture->loop = troupe_looping_call_new (on_tick, fixture, NULL);
}

static void
assert_no_timers (Fixture *fixture)
{
  g_autoptr (GPtrArray) timers = troupe_reactor_dup_timers (fixture->reactor);

  g_assert_cmpuint (timers->len, ==, 0);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  if (troupe_looping_call_is_running (fixture->loop))
    g_assert_true (troupe_looping_call_stop (fixture->loop, NULL));
  assert_no_timers (fixture);
  g_clear_pointer (&fixture->resolver, troupe_resolver_unref);
  g_assert_finalize_object (fixture->loop);
  g_clear_object (&fixture->clock);
  troupe_test_system_end (fixture->system);
  g_string_free (fixture->story, TRUE);
}

static void
tell_end (TroupePromise *promise,
          gpointer       data)
{
  Fixture *fixture = data;
  g_autoptr (GError) error = troupe_promise_steal_error (promise);

  if (error == NULL)
    g_assert_true (troupe_promise_get_object (promise) == fixture->loop);
  g_string_append (fixture->story, error != NULL ? error->message : "stopped");
  troupe_promise_return_nothing (promise);
}

static void
start (Fixture  *fixture,
       gint64    interval_ms,
       gboolean  now)
{
  g_autoptr (TroupePromise) promise = troupe_looping_call_start (fixture->loop, interval_ms, now);

  troupe_promise_add_both (promise, tell_end, fixture, NULL);
}

static void
advance (Fixture *fixture,
         gint64   time_ms)
{
  troupe_clock_advance (fixture->clock, time_ms);
}

static void
stop (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (troupe_looping_call_stop (fixture->loop, &error));
  g_assert_no_error (error);
}

#define assert_story(fixture, expected)                       \
  G_STMT_START {                                              \
    g_assert_cmpstr ((fixture)->story->str, ==, (expected));  \
    g_string_truncate ((fixture)->story, 0);                  \
  } G_STMT_END

static void
test_rule_99 (Fixture       *fixture,
              gconstpointer  data)
{
  g_test_summary ("Calls come at intervals, the first in start () if asked for; the end comes as an outcome.");

  g_assert_false (troupe_looping_call_is_running (fixture->loop));
  start (fixture, 10, TRUE);
  g_assert_true (troupe_looping_call_is_running (fixture->loop));
  assert_story (fixture, "0:1 ");
  advance (fixture, 9);
  assert_story (fixture, "");
  advance (fixture, 1);
  advance (fixture, 10);
  assert_story (fixture, "10:1 20:1 ");
  stop (fixture);
  assert_story (fixture, "stopped");
  assert_no_timers (fixture);

  start (fixture, 10, FALSE);
  assert_story (fixture, "");
  advance (fixture, 10);
  assert_story (fixture, "30:1 ");
  fixture->fail_at = fixture->n_calls + 1;
  advance (fixture, 10);
  assert_story (fixture, "40:1 no more");
  assert_no_timers (fixture);
}

static void
test_rule_99_started (Fixture       *fixture,
                      gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = NULL;
  g_autoptr (TroupePromise) negative = NULL;

  g_test_summary ("A running one cannot be started, and an interval is not negative.");

  start (fixture, 10, FALSE);
  promise = troupe_looping_call_start (fixture->loop, 20, TRUE);
  g_assert_error (troupe_promise_get_error (promise), TROUPE_ERROR, TROUPE_ERROR_ALREADY_RUNNING);
  g_error_free (troupe_promise_steal_error (promise));
  advance (fixture, 10);
  assert_story (fixture, "10:1 ");
  stop (fixture);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*interval_ms >= 0*");
  negative = troupe_looping_call_start (fixture->loop, -1, FALSE);
  g_test_assert_expected_messages ();
  g_assert_null (negative);
  g_assert_false (troupe_looping_call_is_running (fixture->loop));
}

static void
test_rule_100 (Fixture       *fixture,
               gconstpointer  data)
{
  g_test_summary ("Late calls and long ones do not move the ticks; the next is strictly after now.");

  advance (fixture, 3);
  start (fixture, 10, FALSE);
  advance (fixture, 14);
  advance (fixture, 5);
  assert_story (fixture, "17:1 ");
  advance (fixture, 1);
  assert_story (fixture, "23:1 ");

  /* Over exactly on a tick. */
  fixture->wait_at = 3;
  advance (fixture, 10);
  advance (fixture, 20);
  assert_story (fixture, "33:1 ");
  troupe_resolver_resolve (fixture->resolver, NULL);
  advance (fixture, 9);
  assert_story (fixture, "");
  advance (fixture, 1);
  assert_story (fixture, "63:3 ");

  /* Late exactly by an interval. */
  advance (fixture, 20);
  assert_story (fixture, "83:2 ");
  advance (fixture, 9);
  assert_story (fixture, "");
  advance (fixture, 1);
  assert_story (fixture, "93:1 ");
}

static void
test_rule_101 (Fixture       *fixture,
               gconstpointer  data)
{
  g_test_summary ("Between a call and the outcome of its promise there are neither calls nor a timer; its error is the end.");

  fixture->wait_at = 1;
  start (fixture, 10, TRUE);
  assert_no_timers (fixture);
  advance (fixture, 25);
  assert_story (fixture, "0:1 ");
  troupe_resolver_resolve_int64 (fixture->resolver, 5, NULL);
  g_clear_pointer (&fixture->resolver, troupe_resolver_unref);
  advance (fixture, 5);
  assert_story (fixture, "30:3 ");

  fixture->wait_at = 3;
  advance (fixture, 10);
  g_assert_true (troupe_looping_call_is_running (fixture->loop));
  troupe_resolver_reject (fixture->resolver, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "rejected"), NULL);
  assert_story (fixture, "40:1 rejected");
}

static void
test_rule_102 (Fixture       *fixture,
               gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("A stop between calls is done at once; one that does not run cannot be stopped.");

  g_assert_false (troupe_looping_call_stop (fixture->loop, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_NOT_RUNNING);
  g_clear_error (&error);

  start (fixture, 10, FALSE);
  stop (fixture);
  assert_story (fixture, "stopped");
  assert_no_timers (fixture);
  advance (fixture, 20);
  assert_story (fixture, "");

  g_assert_false (troupe_looping_call_stop (fixture->loop, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_NOT_RUNNING);
}

static void
test_rule_102_in_call (Fixture       *fixture,
                       gconstpointer  data)
{
  g_test_summary ("A stop in a call is done after it, and one that fails too is a failure.");

  fixture->stop_at = 2;
  start (fixture, 10, TRUE);
  advance (fixture, 10);
  assert_story (fixture, "0:1 10:1 stopped");
  assert_no_timers (fixture);

  fixture->stop_at = 3;
  start (fixture, 10, TRUE);
  assert_story (fixture, "10:1 stopped");

  fixture->stop_at = fixture->fail_at = 4;
  start (fixture, 10, TRUE);
  assert_story (fixture, "10:1 no more");
  assert_no_timers (fixture);
}

static void
test_rule_102_promised (Fixture       *fixture,
                        gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("A stop while a promise is pending is done with its outcome; until then it cannot be started again.");

  fixture->wait_at = 1;
  start (fixture, 10, TRUE);
  stop (fixture);
  g_assert_false (troupe_looping_call_is_running (fixture->loop));
  g_assert_false (troupe_looping_call_stop (fixture->loop, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_NOT_RUNNING);
  assert_story (fixture, "0:1 ");

  start (fixture, 10, TRUE);
  assert_story (fixture, "The looping call is running already");

  troupe_resolver_resolve (fixture->resolver, NULL);
  assert_story (fixture, "stopped");
  advance (fixture, 20);
  assert_story (fixture, "");
}

static void
test_rule_103 (Fixture       *fixture,
               gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("A reset begins the ticks anew, but does nothing in a call.");

  g_assert_false (troupe_looping_call_reset (fixture->loop, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_NOT_RUNNING);
  g_clear_error (&error);

  start (fixture, 10, FALSE);
  advance (fixture, 10);
  advance (fixture, 4);
  g_assert_true (troupe_looping_call_reset (fixture->loop, &error));
  g_assert_no_error (error);
  advance (fixture, 9);
  assert_story (fixture, "10:1 ");
  advance (fixture, 1);
  assert_story (fixture, "24:1 ");

  fixture->reset_at = 3;
  advance (fixture, 13);
  assert_story (fixture, "37:1 ");
  advance (fixture, 7);
  assert_story (fixture, "44:1 ");
}

typedef struct
{
  Fixture *fixture;
  guint    n_timers;
} Passes;

/* In each pass, the timer that was set in the one before. */
static void
count_pass (TroupeTimer *timer,
            gpointer     data)
{
  Passes *passes = data;

  passes->n_timers++;
  if (troupe_looping_call_is_running (passes->fixture->loop))
    troupe_timer_unref (troupe_reactor_call_later (passes->fixture->reactor, 0, count_pass, passes, NULL));
}

static void
test_rule_104_zero (Fixture       *fixture,
                    gconstpointer  data)
{
  Passes passes = { fixture, 0 };

  g_test_summary ("An interval of 0 is one call in each pass, of one tick.");

  g_clear_object (&fixture->clock);
  fixture->stop_at = 5;
  start (fixture, 0, FALSE);
  troupe_timer_unref (troupe_reactor_call_later (fixture->reactor, 0, count_pass, &passes, NULL));
  g_assert_cmpuint (fixture->n_calls, ==, 0);
  while (troupe_looping_call_is_running (fixture->loop))
    {
      guint n_calls = fixture->n_calls;

      troupe_test_until (fixture->n_calls > n_calls);
      g_assert_cmpuint (fixture->n_calls, ==, n_calls + 1);
      g_assert_cmpuint (passes.n_timers, ==, fixture->n_calls);
    }
  g_assert_true (g_str_has_suffix (fixture->story->str, ":1 stopped"));
}

static void
test_rule_104_count (Fixture       *fixture,
                     gconstpointer  data)
{
  const gint64 steps_ms[] = { 7, 1, 6, 7, 50, 3, 4, 700, 7, 8, 13 };
  guint i;

  g_test_summary ("Calls are told how many ticks there were, which adds up to the time that has gone by.");

  start (fixture, 7, TRUE);
  assert_story (fixture, "0:1 ");
  for (i = 0; i < G_N_ELEMENTS (steps_ms); i++)
    advance (fixture, steps_ms[i]);
  assert_story (fixture, "7:1 14:1 21:1 71:7 78:1 778:100 785:1 793:1 806:2 ");
  g_assert_cmpint (1 + 1 + 1 + 7 + 1 + 100 + 1 + 1 + 2, ==, 806 / 7);
}

static void
test_rule_105 (Fixture       *fixture,
               gconstpointer  data)
{
  g_test_summary ("One that has failed, by an error or by a promise of one, may be started again.");

  fixture->fail_at = 1;
  start (fixture, 10, TRUE);
  assert_story (fixture, "0:1 no more");

  fixture->reject_at = 2;
  start (fixture, 10, TRUE);
  assert_story (fixture, "0:1 no more");
  start (fixture, 5, FALSE);
  advance (fixture, 5);
  assert_story (fixture, "5:1 ");
}

/* Of an actor: with nobody to hold it */

static gboolean
start_here (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  g_autoptr (TroupeLoopingCall) loop = troupe_looping_call_new (on_tick, fixture, NULL);
  g_autoptr (TroupePromise) promise = troupe_looping_call_start (loop, 10, TRUE);

  troupe_promise_add_both (promise, tell_end, fixture, NULL);
  g_object_add_weak_pointer (G_OBJECT (loop), (gpointer *) &fixture->loop);
  fixture->loop = loop;

  return TRUE;
}

static void
actor_set_up (Fixture       *fixture,
              gconstpointer  data)
{
  set_up (fixture, data);
  g_clear_object (&fixture->loop);
}

static void
actor_tear_down (Fixture       *fixture,
                 gconstpointer  data)
{
  g_assert_null (fixture->loop);
  assert_no_timers (fixture);
  g_clear_pointer (&fixture->resolver, troupe_resolver_unref);
  g_clear_object (&fixture->clock);
  troupe_test_system_end (fixture->system);
  g_string_free (fixture->story, TRUE);
}

static void
test_actor (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupeRef) puppet = test_puppet_new (fixture->system, "puppet");

  g_test_summary ("What an actor loops keeps itself alive, and ends with the actor without another word.");

  fixture->wait_at = GPOINTER_TO_UINT (data);
  test_puppet_tell (puppet, start_here, fixture);
  advance (fixture, 0);
  advance (fixture, 10);
  g_assert_nonnull (fixture->loop);
  assert_story (fixture, "0:1 10:1 ");

  troupe_ref_stop (puppet);
  advance (fixture, 10);
  assert_story (fixture, "");
}

static gboolean
keep_here (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  g_autoptr (TroupePromise) promise = NULL;

  fixture->loop = troupe_looping_call_new (on_tick, fixture, NULL);
  promise = troupe_looping_call_start (fixture->loop, 10, FALSE);

  return TRUE;
}

static void
test_actor_kept (Fixture       *fixture,
                 gconstpointer  data)
{
  g_autoptr (TroupeRef) puppet = test_puppet_new (fixture->system, "puppet");
  g_autoptr (GError) error = NULL;

  g_test_summary ("One that is kept beyond its actor says that it does not run.");

  test_puppet_tell (puppet, keep_here, fixture);
  advance (fixture, 0);
  g_assert_true (troupe_looping_call_is_running (fixture->loop));
  troupe_ref_stop (puppet);
  advance (fixture, 10);

  g_assert_false (troupe_looping_call_is_running (fixture->loop));
  g_assert_false (troupe_looping_call_stop (fixture->loop, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_NOT_RUNNING);
  g_assert_finalize_object (g_steal_pointer (&fixture->loop));
  assert_story (fixture, "");
}

static void
count_freed (gpointer data)
{
  ++*(guint *) data;
}

static void
test_data (Fixture       *fixture,
           gconstpointer  data)
{
  guint n_freed = 0;
  TroupeLoopingCall *loop = troupe_looping_call_new (on_tick, &n_freed, count_freed);

  g_test_summary ("The user data is freed with the looping call.");

  g_object_unref (loop);
  g_assert_cmpuint (n_freed, ==, 1);
}

static void
add (const char *path,
     void      (*test) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

static void
test_no_function (void)
{
  g_autoptr (TroupeSystem) system = troupe_test_system_new ();
  g_autoptr (TroupeLoopingCall) loop = g_object_new (TROUPE_TYPE_LOOPING_CALL, NULL);
  g_autoptr (TroupePromise) end = troupe_looping_call_start (loop, 1, TRUE);
  g_autoptr (GError) error = troupe_promise_steal_error (end);

  g_test_summary ("One that was made without a function cannot be started");

  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_FAILED);
  g_assert_false (troupe_looping_call_is_running (loop));
  troupe_test_system_end (g_steal_pointer (&system));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("/troupe/looping-call/rule-99/start", test_rule_99);
  add ("/troupe/looping-call/rule-99/started", test_rule_99_started);
  add ("/troupe/looping-call/rule-100/grid", test_rule_100);
  add ("/troupe/looping-call/rule-101/promise", test_rule_101);
  add ("/troupe/looping-call/rule-102/stop", test_rule_102);
  add ("/troupe/looping-call/rule-102/in-call", test_rule_102_in_call);
  add ("/troupe/looping-call/rule-102/promised", test_rule_102_promised);
  add ("/troupe/looping-call/rule-103/reset", test_rule_103);
  add ("/troupe/looping-call/rule-104/zero", test_rule_104_zero);
  add ("/troupe/looping-call/rule-104/count", test_rule_104_count);
  add ("/troupe/looping-call/rule-105/again", test_rule_105);
  add ("/troupe/looping-call/data", test_data);
  g_test_add ("/troupe/looping-call/actor/timer", Fixture, NULL, actor_set_up, test_actor, actor_tear_down);
  g_test_add ("/troupe/looping-call/actor/promise", Fixture, GUINT_TO_POINTER (2), actor_set_up, test_actor, actor_tear_down);
  g_test_add ("/troupe/looping-call/actor/kept", Fixture, NULL, actor_set_up, test_actor_kept, actor_tear_down);
  g_test_add_func ("/troupe/looping-call/no-function", test_no_function);

  return g_test_run ();
}
