/* test-timer.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "troupe-test-puppet.h"

typedef struct
{
  TroupeSystem  *system;
  TroupeReactor *reactor;
  GString       *story;
  TroupeTimer   *other;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  fixture->system = troupe_test_system_new ();
  fixture->reactor = troupe_system_get_reactor (fixture->system);
  fixture->story = g_string_new (NULL);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  g_clear_pointer (&fixture->other, troupe_timer_unref);
  troupe_test_system_end (fixture->system);
  g_string_free (fixture->story, TRUE);
}

typedef struct
{
  Fixture *fixture;
  char     mark;
} Call;

static void
on_time (TroupeTimer *timer,
         gpointer     data)
{
  Call *call = data;

  g_assert_false (troupe_timer_is_active (timer));
  g_string_append_c (call->fixture->story, call->mark);
}

static void
call_free (gpointer data)
{
  Call *call = data;

  g_string_append_c (call->fixture->story, '.');
  g_free (call);
}

static TroupeTimer *
later_with (Fixture         *fixture,
            gint64           delay_ms,
            char             mark,
            TroupeTimerFunc  func)
{
  Call *call = g_new (Call, 1);

  *call = (Call) { fixture, mark };
  return troupe_reactor_call_later (fixture->reactor, delay_ms, func, call, call_free);
}

static TroupeTimer *
later (Fixture *fixture,
       gint64   delay_ms,
       char     mark)
{
  return later_with (fixture, delay_ms, mark, on_time);
}

#define until_story(expected) \
  troupe_test_until (fixture->story->len >= strlen (expected)); \
  g_assert_cmpstr (fixture->story->str, ==, expected)

static void
test_order (Fixture       *fixture,
            gconstpointer  data)
{
  char mark;

  g_test_summary ("Timers run in the order of their deadlines, and equal ones in the order they were made.");

  troupe_timer_unref (later (fixture, 20, 'z'));
  troupe_timer_unref (later (fixture, 10, 'y'));
  for (mark = 'a'; mark < 'f'; mark++)
    troupe_timer_unref (later (fixture, 0, mark));
  until_story ("a.b.c.d.e.y.z.");
}

static void
test_cancel (Fixture       *fixture,
             gconstpointer  data)
{
  g_autoptr (TroupeTimer) timer = later (fixture, 5, 'a');
  g_autoptr (GError) error = NULL;

  g_test_summary ("A cancelled timer never runs, lets its data go at once, and says so when touched again.");

  g_assert_true (troupe_timer_is_active (timer));
  g_assert_true (troupe_timer_cancel (timer, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (fixture->story->str, ==, ".");
  g_assert_false (troupe_timer_is_active (timer));

  g_assert_false (troupe_timer_cancel (timer, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_CANCELLED);
  g_clear_error (&error);
  g_assert_false (troupe_timer_reset (timer, 1, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_CANCELLED);
  g_clear_error (&error);
  g_assert_false (troupe_timer_delay (timer, 1, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_CANCELLED);

  troupe_timer_unref (later (fixture, 10, 'b'));
  until_story (".b.");
}

static void
test_called (Fixture       *fixture,
             gconstpointer  data)
{
  g_autoptr (TroupeTimer) timer = later (fixture, 0, 'a');
  g_autoptr (GError) error = NULL;

  g_test_summary ("A timer that has run says so when touched again.");

  until_story ("a.");
  g_assert_false (troupe_timer_cancel (timer, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_CALLED);
  g_clear_error (&error);
  g_assert_false (troupe_timer_reset (timer, 1, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_CALLED);
  g_clear_error (&error);
  g_assert_false (troupe_timer_delay (timer, 1, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_CALLED);
}

static void
test_reset (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupeTimer) sooner = later (fixture, 60000, 'a');
  g_autoptr (TroupeTimer) later_on = later (fixture, 0, 'b');

  g_test_summary ("Reset moves a timer both ways; other timers keep their order.");

  troupe_timer_unref (later (fixture, 10, 'c'));
  g_assert_true (troupe_timer_reset (sooner, 0, NULL));
  g_assert_true (troupe_timer_reset (later_on, 30, NULL));
  until_story ("a.c.b.");
}

static void
test_delay (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupeTimer) timer = later (fixture, 60000, 'a');
  gint64 deadline = troupe_timer_get_deadline (timer);

  g_test_summary ("Delay adds to the deadline, and takes away from it when negative.");

  g_assert_true (troupe_timer_delay (timer, 500, NULL));
  g_assert_cmpint (troupe_timer_get_deadline (timer), ==, deadline + 500000);
  g_assert_true (troupe_timer_delay (timer, -60600, NULL));
  until_story ("a.");
}

static void
test_far (Fixture       *fixture,
          gconstpointer  data)
{
  g_autoptr (TroupeTimer) timer = later (fixture, G_MAXINT64, 'a');

  g_test_summary ("The farthest time does not overflow.");

  g_assert_cmpint (troupe_timer_get_deadline (timer), ==, G_MAXINT64);
  troupe_timer_unref (later (fixture, 0, 'b'));
  until_story ("b.");
  g_assert_true (troupe_timer_cancel (timer, NULL));
}

static void
on_time_cancel_other (TroupeTimer *timer,
                      gpointer     data)
{
  Call *call = data;

  on_time (timer, data);
  g_assert_true (troupe_timer_is_active (call->fixture->other));
  g_assert_true (troupe_timer_cancel (call->fixture->other, NULL));
}

static void
test_cancel_sibling (Fixture       *fixture,
                     gconstpointer  data)
{
  g_test_summary ("A timer that is due as well can still be cancelled until its own turn.");

  troupe_timer_unref (later_with (fixture, 0, 'a', on_time_cancel_other));
  fixture->other = later (fixture, 0, 'b');
  troupe_timer_unref (later (fixture, 0, 'c'));
  until_story ("a..c.");
}

static void
on_time_reset_other (TroupeTimer *timer,
                     gpointer     data)
{
  Call *call = data;

  on_time (timer, data);
  g_assert_true (troupe_timer_reset (call->fixture->other, 5, NULL));
}

static void
test_reset_sibling (Fixture       *fixture,
                    gconstpointer  data)
{
  g_test_summary ("A timer that is due as well can still be reset until its own turn.");

  troupe_timer_unref (later_with (fixture, 0, 'a', on_time_reset_other));
  fixture->other = later (fixture, 0, 'b');
  troupe_timer_unref (later (fixture, 0, 'c'));
  until_story ("a.c.b.");
}

static void
on_time_again (TroupeTimer *timer,
               gpointer     data)
{
  Call *call = data;

  on_time (timer, data);
  if (call->fixture->story->len < 10)
    troupe_timer_unref (later_with (call->fixture, 0, call->mark, on_time_again));
}

static gboolean
on_idle (gpointer data)
{
  g_string_append_c (((Fixture *) data)->story, '|');
  return G_SOURCE_CONTINUE;
}

static void
test_zero (Fixture       *fixture,
           gconstpointer  data)
{
  g_autoptr (GSource) other = g_idle_source_new ();

  g_test_summary ("A timer that is made in a pass never runs in it, not even with no delay.");

  g_source_set_priority (other, G_PRIORITY_DEFAULT);
  g_source_set_callback (other, on_idle, fixture, NULL);
  g_source_attach (other, NULL);
  troupe_timer_unref (later_with (fixture, 0, 'a', on_time_again));
  troupe_test_until (strchr (fixture->story->str, 'a') != NULL && fixture->story->len >= 10);
  g_source_destroy (other);

  /* Between any two runs, another source had its turn. */
  g_assert_null (strstr (fixture->story->str, "a.a"));
}

static void
test_list (Fixture       *fixture,
           gconstpointer  data)
{
  g_autoptr (TroupeTimer) second = later (fixture, 50000, 'b');
  g_autoptr (TroupeTimer) first = later (fixture, 40000, 'a');
  g_autoptr (TroupeTimer) third = later (fixture, 50000, 'c');
  g_autoptr (TroupeTimer) gone = later (fixture, 45000, 'd');
  g_autoptr (GPtrArray) timers = NULL;

  g_test_summary ("Pending timers can be listed, soonest first; cancelled ones are not among them.");

  troupe_timer_cancel (gone, NULL);
  timers = troupe_reactor_dup_timers (fixture->reactor);
  g_assert_cmpuint (timers->len, ==, 3);
  g_assert_true (g_ptr_array_index (timers, 0) == first);
  g_assert_true (g_ptr_array_index (timers, 1) == second);
  g_assert_true (g_ptr_array_index (timers, 2) == third);
  troupe_timer_cancel (first, NULL);
  troupe_timer_cancel (second, NULL);
  troupe_timer_cancel (third, NULL);
}

static void
test_negative (Fixture       *fixture,
               gconstpointer  data)
{
  g_test_summary ("A negative delay is the caller's mistake.");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*delay_ms >= 0*");
  g_assert_null (troupe_reactor_call_later (fixture->reactor, -1, on_time, NULL, NULL));
  g_test_assert_expected_messages ();
}

typedef struct
{
  gint64 last;
  guint  n;
  guint  out_of_order;
} Sequence;

static void
on_time_count (TroupeTimer *timer,
               gpointer     data)
{
  Sequence *sequence = data;

  if (troupe_timer_get_deadline (timer) < sequence->last)
    sequence->out_of_order++;
  sequence->last = troupe_timer_get_deadline (timer);
  sequence->n++;
}

#define N_MANY 20000

static void
test_many (Fixture       *fixture,
           gconstpointer  data)
{
  g_autofree TroupeTimer **timers = g_new (TroupeTimer *, N_MANY);
  g_autoptr (GRand) random = g_rand_new_with_seed (42);
  Sequence sequence = { 0 };
  guint cancelled = 0;
  guint i;

  g_test_summary ("Thousands of timers, made, moved and cancelled at random, run once each and in order.");

  for (i = 0; i < N_MANY; i++)
    timers[i] = troupe_reactor_call_later (fixture->reactor, g_rand_int_range (random, 0, 50),
                                           on_time_count, &sequence, NULL);
  for (i = 0; i < N_MANY; i++)
    switch (g_rand_int_range (random, 0, 4))
      {
      case 0:
        g_assert_true (troupe_timer_cancel (timers[i], NULL));
        cancelled++;
        break;

      case 1:
        g_assert_true (troupe_timer_reset (timers[i], g_rand_int_range (random, 0, 80), NULL));
        break;

      case 2:
        g_assert_true (troupe_timer_delay (timers[i], g_rand_int_range (random, -20, 20), NULL));
        break;

      default:
        break;
      }

  troupe_test_until (sequence.n == N_MANY - cancelled);
  g_assert_cmpuint (sequence.out_of_order, ==, 0);
  for (i = 0; i < N_MANY; i++)
    troupe_timer_unref (timers[i]);
}

static void
on_time_fail (TroupeTimer  *timer,
              gpointer      data,
              GError      **error)
{
  on_time (timer, data);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, "Busy");
}

static void
test_fail_outside (Fixture       *fixture,
                   gconstpointer  data)
{
  Call *call = g_new (Call, 1);

  g_test_summary ("What fails outside actors is logged.");

  *call = (Call) { fixture, 'a' };
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*outside any actor: Busy");
  troupe_timer_unref (troupe_reactor_call_later_or_fail (fixture->reactor, 0, on_time_fail, call, call_free));
  until_story ("a.");
  g_test_assert_expected_messages ();
}

static gboolean
start_failing_timer (TroupeActor    *actor,
                     TroupeMessage  *message,
                     GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  Call *calls = g_new (Call, 1);

  *calls = (Call) { fixture, 'a' };
  troupe_timer_unref (troupe_actor_call_later_or_fail (actor, 0, on_time_fail, calls, call_free));

  return TRUE;
}

static gboolean
start_failing_timer_of_reactor (TroupeActor    *actor,
                                TroupeMessage  *message,
                                GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  Call *call = g_new (Call, 1);

  *call = (Call) { fixture, 'b' };
  troupe_timer_unref (troupe_reactor_call_later_or_fail (fixture->reactor, 0, on_time_fail, call, call_free));

  return TRUE;
}

static void
test_fail_actor (Fixture       *fixture,
                 gconstpointer  data)
{
  TroupeHandler starts[] = { start_failing_timer, start_failing_timer_of_reactor };
  guint i;

  g_test_summary ("A timer's function that fails lets its actor fail.");

  troupe_test_stop_what_fails (fixture->system);
  for (i = 0; i < G_N_ELEMENTS (starts); i++)
    {
      g_autoptr (TroupeRef) puppet = test_puppet_new (fixture->system, NULL);

      g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*failed*Busy");
      test_puppet_tell (puppet, starts[i], fixture);
      troupe_test_until (troupe_ref_has_ended (puppet));
      g_test_assert_expected_messages ();
    }
  g_assert_cmpstr (fixture->story->str, ==, "a.b.");
}

#define add(path, func) \
  g_test_add ("/troupe/timer/" path, Fixture, NULL, set_up, func, tear_down)

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("order", test_order);
  add ("cancel", test_cancel);
  add ("called", test_called);
  add ("reset", test_reset);
  add ("delay", test_delay);
  add ("far", test_far);
  add ("cancel-sibling", test_cancel_sibling);
  add ("reset-sibling", test_reset_sibling);
  add ("zero", test_zero);
  add ("list", test_list);
  add ("negative", test_negative);
  add ("many", test_many);
  add ("fail/outside", test_fail_outside);
  add ("fail/actor", test_fail_actor);

  return g_test_run ();
}
