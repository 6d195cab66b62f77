/* test-clock.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The clock for tests: rules 95 to 97 of the specification, as far as they can be seen only by it. */

#include "troupe-test-puppet.h"

typedef struct
{
  TroupeSystem  *system;
  TroupeReactor *reactor;
  TroupeClock   *clock;
  GString       *story;
  TroupeTimer   *sibling;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  fixture->system = troupe_test_system_new ();
  fixture->reactor = troupe_system_get_reactor (fixture->system);
  fixture->clock = troupe_clock_new (fixture->reactor);
  fixture->story = g_string_new (NULL);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  g_clear_pointer (&fixture->sibling, troupe_timer_unref);
  g_clear_object (&fixture->clock);
  troupe_test_system_end (fixture->system);
  g_string_free (fixture->story, TRUE);
}

typedef struct
{
  Fixture    *fixture;
  const char *name;
} Call;

/* Tells its name and when it runs. */
static void
tell (TroupeTimer *timer,
      gpointer     data)
{
  Call *call = data;

  g_string_append_printf (call->fixture->story, "%s%d ", call->name,
                          (int) (troupe_reactor_get_time (call->fixture->reactor) / 1000));
}

static TroupeTimer *
later_with (Fixture         *fixture,
            gint64           delay_ms,
            const char      *name,
            TroupeTimerFunc  func)
{
  Call *call = g_new (Call, 1);

  *call = (Call) { fixture, name };
  return troupe_reactor_call_later (fixture->reactor, delay_ms, func, call, g_free);
}

static void
later (Fixture    *fixture,
       gint64      delay_ms,
       const char *name)
{
  troupe_timer_unref (later_with (fixture, delay_ms, name, tell));
}

static void
test_rule_95 (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeTimer) timer = NULL;

  g_test_summary ("A timer is due at the time of its making and its delay, to the microsecond.");

  troupe_clock_advance (fixture->clock, 7);
  timer = later_with (fixture, 10, "a", tell);
  g_assert_cmpint (troupe_timer_get_deadline (timer), ==, 17000);

  troupe_clock_advance (fixture->clock, 9);
  g_assert_true (troupe_timer_is_active (timer));
  g_assert_cmpstr (fixture->story->str, ==, "");
  troupe_clock_advance (fixture->clock, 1);
  g_assert_false (troupe_timer_is_active (timer));
  g_assert_cmpstr (fixture->story->str, ==, "a17 ");
}

static void
reset_sibling (TroupeTimer *timer,
               gpointer     data)
{
  Call *call = data;

  tell (timer, data);
  g_assert_true (troupe_timer_reset (call->fixture->sibling, 5, NULL));
}

static void
test_rule_96 (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeTimer) delayed = NULL;

  g_test_summary ("Timers that are reset or delayed, in a timer's function too, run at their new time and in order.");

  troupe_timer_unref (later_with (fixture, 10, "a", reset_sibling));
  fixture->sibling = later_with (fixture, 10, "b", tell);
  delayed = later_with (fixture, 10, "c", tell);
  later (fixture, 12, "d");
  g_assert_true (troupe_timer_delay (delayed, 3, NULL));

  troupe_clock_advance (fixture->clock, 10);
  g_assert_cmpint (troupe_timer_get_deadline (fixture->sibling), ==, 15000);
  troupe_clock_advance (fixture->clock, 5);
  g_assert_cmpstr (fixture->story->str, ==, "a10 d15 c15 b15 ");
}

static void
add_another (TroupeTimer *timer,
             gpointer     data)
{
  Call *call = data;

  tell (timer, data);
  later (call->fixture, 0, "new");
  later (call->fixture, 1, "late");
}

static void
test_rule_97 (Fixture       *fixture,
              gconstpointer  data)
{
  g_test_summary ("The clock starts at 0; time moves first, then what is due runs in order, with what is added and due already.");

  g_assert_cmpint (troupe_reactor_get_time (fixture->reactor), ==, 0);
  later (fixture, 30, "c");
  troupe_timer_unref (later_with (fixture, 10, "a", add_another));
  later (fixture, 20, "b");
  later (fixture, 20, "B");
  later (fixture, 41, "d");

  troupe_clock_advance (fixture->clock, 40);
  g_assert_cmpint (troupe_reactor_get_time (fixture->reactor), ==, 40000);
  g_assert_cmpstr (fixture->story->str, ==, "a40 b40 B40 c40 new40 ");
  troupe_clock_advance (fixture->clock, 0);
  g_assert_cmpstr (fixture->story->str, ==, "a40 b40 B40 c40 new40 ");
  troupe_clock_advance (fixture->clock, 1);
  g_assert_cmpstr (fixture->story->str, ==, "a40 b40 B40 c40 new40 d41 late41 ");
}

static void
cancel_sibling (TroupeTimer *timer,
                gpointer     data)
{
  Call *call = data;

  g_assert_true (troupe_timer_cancel (call->fixture->sibling, NULL));
}

static void
test_rule_97_cancelled (Fixture       *fixture,
                        gconstpointer  data)
{
  g_autoptr (GPtrArray) timers = NULL;

  g_test_summary ("A timer that is cancelled by one that is due before it does not run, and is not among the pending ones.");

  troupe_timer_unref (later_with (fixture, 10, "a", cancel_sibling));
  fixture->sibling = later_with (fixture, 10, "b", tell);
  troupe_clock_advance (fixture->clock, 10);

  timers = troupe_reactor_dup_timers (fixture->reactor);
  g_assert_cmpuint (timers->len, ==, 0);
  g_assert_cmpstr (fixture->story->str, ==, "");
}

static void
test_rule_97_pump (Fixture       *fixture,
                   gconstpointer  data)
{
  const gint64 times_ms[] = { 1, 0, 2, 10 };

  g_test_summary ("Pumping is advancing several times.");

  later (fixture, 1, "a");
  later (fixture, 3, "b");
  later (fixture, 13, "c");
  troupe_clock_pump (fixture->clock, times_ms, G_N_ELEMENTS (times_ms));
  g_assert_cmpstr (fixture->story->str, ==, "a1 b3 c13 ");
  troupe_clock_pump (fixture->clock, NULL, 0);
}

static gboolean
set_timers (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  Call *calls = test_puppet_get_data (message);

  troupe_timer_unref (troupe_actor_call_later (actor, 10, tell, &calls[0], NULL));
  troupe_timer_unref (troupe_actor_call_later (actor, 30, tell, &calls[1], NULL));
  return TRUE;
}

static void
test_rule_97_actors (Fixture       *fixture,
                     gconstpointer  data)
{
  g_autoptr (TroupeRef) one = test_puppet_new (fixture->system, "one");
  g_autoptr (TroupeRef) other = test_puppet_new (fixture->system, "other");
  Call calls[] = { { fixture, "one" }, { fixture, "One" }, { fixture, "other" }, { fixture, "Other" } };

  g_test_summary ("The timers of actors obey the clock, in one order with each other's and the reactor's.");

  test_puppet_tell (one, set_timers, &calls[0]);
  troupe_clock_advance (fixture->clock, 0);
  troupe_clock_advance (fixture->clock, 5);
  test_puppet_tell (other, set_timers, &calls[2]);
  troupe_clock_advance (fixture->clock, 0);
  later (fixture, 15, "c");
  g_assert_cmpstr (fixture->story->str, ==, "");

  troupe_clock_advance (fixture->clock, 30);
  g_assert_cmpstr (fixture->story->str, ==, "one35 other35 c35 One35 Other35 ");
}

static gboolean
waited_cb (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
test_real_time_passes (Fixture       *fixture,
                       gconstpointer  data)
{
  gboolean waited = FALSE;

  g_test_summary ("However long the main context runs, a timer waits for the clock.");

  later (fixture, 1, "a");
  g_timeout_add (20, waited_cb, &waited);
  troupe_test_until (waited);
  g_assert_cmpstr (fixture->story->str, ==, "");
  troupe_clock_advance (fixture->clock, 1);
  g_assert_cmpstr (fixture->story->str, ==, "a1 ");
}

static void
test_dropped (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeTimer) soon = later_with (fixture, 5, "", tell);
  g_autoptr (TroupeTimer) far = later_with (fixture, G_MAXINT64, "", tell);
  gint64 before;

  g_test_summary ("Without the clock there is real time again, and timers have left what they had left.");

  troupe_clock_advance (fixture->clock, 2);
  before = g_get_monotonic_time ();
  g_clear_object (&fixture->clock);

  g_assert_cmpint (troupe_reactor_get_time (fixture->reactor), >=, before);
  g_assert_cmpint (troupe_timer_get_deadline (soon), >=, before + 3000);
  g_assert_cmpint (troupe_timer_get_deadline (far), ==, G_MAXINT64);
  troupe_test_until (!troupe_timer_is_active (soon));
  g_assert_cmpint (g_get_monotonic_time (), >=, before + 3000);
  troupe_timer_cancel (far, NULL);
}

static void
add (const char *path,
     void      (*test) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("/troupe/clock/rule-95/deadline", test_rule_95);
  add ("/troupe/clock/rule-96/reset-and-delay", test_rule_96);
  add ("/troupe/clock/rule-97/advance", test_rule_97);
  add ("/troupe/clock/rule-97/cancelled", test_rule_97_cancelled);
  add ("/troupe/clock/rule-97/pump", test_rule_97_pump);
  add ("/troupe/clock/rule-97/actors", test_rule_97_actors);
  add ("/troupe/clock/real-time-passes", test_real_time_passes);
  add ("/troupe/clock/dropped", test_dropped);

  return g_test_run ();
}
