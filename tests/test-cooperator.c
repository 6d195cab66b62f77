/* test-cooperator.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Cooperators and their tasks, rule 106 of the specification, in the order of Twisted's own tests. */

#include "troupe-test-puppet.h"

typedef struct
{
  TroupeSystem          *system;
  TroupeReactor         *reactor;
  TroupeClock           *clock;
  TroupeCooperator      *cooperator;
  TroupeCooperativeTask *task;
  guint                  n_units;

  /* What the next unit does instead of counting */
  gboolean               waits;
  gboolean               finishes;
  gboolean               fails;
  TroupeResolver        *resolver;   /* of what it waits for */

  GString               *story;
} Fixture;

static TroupePromise *
do_unit (TroupeCooperativeTask  *task,
         gpointer                data,
         GError                **error)
{
  Fixture *fixture = data;

  if (fixture->waits)
    {
      fixture->waits = FALSE;
      g_clear_pointer (&fixture->resolver, troupe_resolver_unref);
      return troupe_promise_new (&fixture->resolver);
    }

  if (fixture->finishes)
    troupe_cooperative_task_finish (task, NULL);
  else if (fixture->fails)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no more");
  else
    fixture->n_units++;

  return NULL;
}

/* Under a test clock, each slice is one unit. */
static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  fixture->system = troupe_test_system_new ();
  fixture->reactor = troupe_system_get_reactor (fixture->system);
  fixture->clock = troupe_clock_new (fixture->reactor);
  fixture->cooperator = troupe_cooperator_new ();
  fixture->task = troupe_cooperator_add (fixture->cooperator, do_unit, fixture, NULL);
  fixture->story = g_string_new (NULL);
}

static guint
count_timers (Fixture *fixture)
{
  g_autoptr (GPtrArray) timers = troupe_reactor_dup_timers (fixture->reactor);

  return timers->len;
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  troupe_cooperator_stop (fixture->cooperator);
  g_assert_cmpuint (count_timers (fixture), ==, 0);
  g_clear_pointer (&fixture->resolver, troupe_resolver_unref);
  if (fixture->task != NULL)
    g_assert_finalize_object (fixture->task);
  g_assert_finalize_object (fixture->cooperator);
  g_object_unref (fixture->clock);
  troupe_test_system_end (fixture->system);
  g_string_free (fixture->story, TRUE);
}

/* Until a unit is done, or nothing is left to do: twice in a row, because a reactor that was busy leaves others one iteration. */
static void
pump (Fixture *fixture)
{
  guint before = fixture->n_units;
  guint n_idle = 0;

  while (n_idle < 2 && fixture->n_units == before)
    n_idle = g_main_context_iteration (NULL, FALSE) ? 0 : n_idle + 1;
}

typedef gboolean (*Action) (TroupeCooperativeTask  *task,
                            GError                **error);

static void
must (Fixture *fixture,
      Action   action)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (action (fixture->task, &error));
  g_assert_no_error (error);
}

static void
must_fail (Fixture *fixture,
           Action   action,
           int      code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (action (fixture->task, &error));
  g_assert_error (error, TROUPE_ERROR, code);
}

/* “.” for done, “s” for stopped, “!” for another error. */
static void
tell_end (TroupePromise *promise,
          gpointer       data)
{
  Fixture *fixture = data;
  g_autoptr (GError) error = troupe_promise_steal_error (promise);

  if (error == NULL)
    {
      g_assert_true (TROUPE_IS_COOPERATIVE_TASK (troupe_promise_get_object (promise)));
      g_string_append_c (fixture->story, '.');
    }
  else
    {
      g_string_append_c (fixture->story, g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_TASK_STOPPED) ? 's' : '!');
    }
  troupe_promise_return_int64 (promise, 7);
}

static void
tell_when_done (Fixture               *fixture,
                TroupeCooperativeTask *task)
{
  g_autoptr (TroupePromise) promise = troupe_cooperative_task_when_done (task);

  troupe_promise_add_both (promise, tell_end, fixture, NULL);
}

#define assert_story(fixture, expected)                       \
  G_STMT_START {                                              \
    g_assert_cmpstr ((fixture)->story->str, ==, (expected));  \
    g_string_truncate ((fixture)->story, 0);                  \
  } G_STMT_END

/* The cooperator */

static void
test_stopped_rejects_new_tasks (Fixture       *fixture,
                                gconstpointer  data)
{
  g_autoptr (TroupeCooperativeTask) task = NULL;

  g_test_summary ("A cooperator that was stopped takes no tasks, until it is started again.");

  g_assert_true (troupe_cooperator_is_running (fixture->cooperator));
  troupe_cooperator_stop (fixture->cooperator);
  g_assert_false (troupe_cooperator_is_running (fixture->cooperator));
  task = troupe_cooperator_add (fixture->cooperator, do_unit, fixture, NULL);
  tell_when_done (fixture, task);
  assert_story (fixture, "s");
  pump (fixture);
  g_assert_cmpuint (fixture->n_units, ==, 0);

  troupe_cooperator_start (fixture->cooperator);
  g_assert_true (troupe_cooperator_is_running (fixture->cooperator));
  g_set_object (&task, NULL);
  task = troupe_cooperator_add (fixture->cooperator, do_unit, fixture, NULL);
  pump (fixture);
  g_assert_cmpuint (fixture->n_units, ==, 1);
}

static void
test_stop_running (Fixture       *fixture,
                   gconstpointer  data)
{
  g_test_summary ("A task does not go on when the cooperator is stopped.");

  tell_when_done (fixture, fixture->task);
  pump (fixture);
  troupe_cooperator_stop (fixture->cooperator);
  assert_story (fixture, "s");
  pump (fixture);
  g_assert_cmpuint (fixture->n_units, ==, 1);
  must_fail (fixture, troupe_cooperative_task_stop, TROUPE_ERROR_TASK_STOPPED);
}

static void
test_stop_outstanding (Fixture       *fixture,
                       gconstpointer  data)
{
  g_test_summary ("Stopping the cooperator ends a task that waits for a promise, and one that is paused.");

  tell_when_done (fixture, fixture->task);
  fixture->waits = TRUE;
  pump (fixture);
  troupe_cooperator_stop (fixture->cooperator);
  assert_story (fixture, "s");
  troupe_resolver_resolve (fixture->resolver, NULL);
  pump (fixture);
  assert_story (fixture, "");
  g_assert_cmpuint (fixture->n_units, ==, 0);
}

static void
test_unexpected_error_later (Fixture       *fixture,
                             gconstpointer  data)
{
  g_test_summary ("An error in what a unit promised is the failure of the task.");

  tell_when_done (fixture, fixture->task);
  fixture->waits = TRUE;
  pump (fixture);
  troupe_resolver_reject (fixture->resolver, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no more"), NULL);
  assert_story (fixture, "!");
  must_fail (fixture, troupe_cooperative_task_pause, TROUPE_ERROR_TASK_FAILED);
  must_fail (fixture, troupe_cooperative_task_resume, TROUPE_ERROR_NOT_PAUSED);
}

static TroupePromise *
promise_error (TroupeCooperativeTask  *task,
               gpointer                data,
               GError                **error)
{
  return troupe_promise_new_rejected (g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no more"));
}

static void
test_unexpected_error_not_later (Fixture       *fixture,
                                 gconstpointer  data)
{
  g_autoptr (TroupeCooperativeTask) task = NULL;

  g_test_summary ("So is an error that is there already.");

  troupe_cooperative_task_stop (fixture->task, NULL);
  task = troupe_cooperator_add (fixture->cooperator, promise_error, NULL, NULL);
  tell_when_done (fixture, task);
  pump (fixture);
  assert_story (fixture, "!");
}

/* Spells a word, a letter a unit. */
typedef struct
{
  Fixture    *fixture;
  const char *rest;
} Speller;

static TroupePromise *
spell (TroupeCooperativeTask  *task,
       gpointer                data,
       GError                **error)
{
  Speller *self = data;

  if (*self->rest == '\0')
    troupe_cooperative_task_finish (task, NULL);
  else
    g_string_append_c (self->fixture->story, *self->rest++);

  return NULL;
}

static void
test_cooperation (Fixture       *fixture,
                  gconstpointer  data)
{
  Speller spellers[] = { { fixture, "abc" }, { fixture, "123" }, { fixture, "de" } };
  guint i;

  g_test_summary ("Tasks have a unit each, in turn.");

  troupe_cooperative_task_stop (fixture->task, NULL);
  for (i = 0; i < G_N_ELEMENTS (spellers); i++)
    g_object_unref (troupe_cooperator_add (fixture->cooperator, spell, &spellers[i], NULL));
  troupe_clock_advance (fixture->clock, 0);
  assert_story (fixture, "a1db2ec3");
  g_assert_cmpuint (count_timers (fixture), ==, 0);
}

static void
add_another (TroupePromise *promise,
             gpointer       data)
{
  Fixture *fixture = data;

  fixture->finishes = FALSE;
  g_object_unref (troupe_cooperator_add (fixture->cooperator, do_unit, fixture, NULL));
  g_assert_cmpuint (count_timers (fixture), <=, 1);
}

static void
test_callback_re_add (Fixture       *fixture,
                      gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_cooperative_task_when_done (fixture->task);

  g_test_summary ("A callback of a task's end may add another task, and that makes no more than one timer.");

  troupe_promise_add_callback (promise, add_another, fixture, NULL);
  fixture->finishes = TRUE;
  pump (fixture);
  pump (fixture);
  g_assert_cmpuint (fixture->n_units, >, 0);
  g_assert_cmpuint (count_timers (fixture), ==, 1);
}

static void
test_removing_last_task (Fixture       *fixture,
                         gconstpointer  data)
{
  g_autoptr (TroupeCooperativeTask) other = troupe_cooperator_add (fixture->cooperator, do_unit, fixture, NULL);

  g_test_summary ("Without a task that has something to do nothing is scheduled.");

  g_assert_cmpuint (count_timers (fixture), ==, 1);
  must (fixture, troupe_cooperative_task_stop);
  g_assert_cmpuint (count_timers (fixture), ==, 1);
  g_assert_true (troupe_cooperative_task_pause (other, NULL));
  g_assert_cmpuint (count_timers (fixture), ==, 0);
  g_assert_true (troupe_cooperative_task_resume (other, NULL));
  g_assert_cmpuint (count_timers (fixture), ==, 1);
  g_assert_true (troupe_cooperative_task_stop (other, NULL));
  g_assert_cmpuint (count_timers (fixture), ==, 0);
}

static void
test_slice (void)
{
  Fixture fixture = { NULL };
  gint64 before;
  guint n_units;

  g_test_summary ("A slice is many units, but not more than its time; others have their turns between slices.");

  fixture.system = troupe_test_system_new ();
  fixture.cooperator = troupe_cooperator_new ();
  g_assert_cmpint (troupe_cooperator_get_slice (fixture.cooperator), ==, 10);
  fixture.task = troupe_cooperator_add (fixture.cooperator, do_unit, &fixture, NULL);

  /* The first iterations may be others'; and on a busy machine, 10 ms may be over soon. */
  do
    {
      n_units = fixture.n_units;
      before = g_get_monotonic_time ();
      g_main_context_iteration (NULL, TRUE);
    }
  while (fixture.n_units <= n_units + 100);
  g_assert_cmpint (g_get_monotonic_time () - before, >=, 10000);

  troupe_cooperator_set_slice (fixture.cooperator, 0);
  fixture.n_units = 0;
  while (fixture.n_units == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fixture.n_units, ==, 1);

  troupe_cooperator_stop (fixture.cooperator);
  g_assert_finalize_object (fixture.task);
  g_assert_finalize_object (fixture.cooperator);
  troupe_test_system_end (fixture.system);
}

static gboolean
count_idle (gpointer n_idle)
{
  ++*(guint *) n_idle;
  return G_SOURCE_CONTINUE;
}

static void
test_fair (void)
{
  Fixture fixture = { NULL };
  g_autoptr (TroupePromise) sleep = NULL;
  guint n_idle = 0;
  guint idle = g_idle_add (count_idle, &n_idle);

  g_test_summary ("A task without an end starves neither timers nor idle sources.");

  fixture.system = troupe_test_system_new ();
  fixture.cooperator = troupe_cooperator_new ();
  fixture.task = troupe_cooperator_add (fixture.cooperator, do_unit, &fixture, NULL);
  sleep = troupe_sleep (30);
  troupe_test_until (troupe_promise_is_resolved (sleep));
  g_assert_cmpuint (n_idle, >, 0);
  g_source_remove (idle);

  troupe_cooperator_stop (fixture.cooperator);
  g_assert_finalize_object (fixture.task);
  g_assert_finalize_object (fixture.cooperator);
  troupe_test_system_end (fixture.system);
}

/* Tasks */

static void
test_pause_resume (Fixture       *fixture,
                   gconstpointer  data)
{
  g_test_summary ("A task that is paused does nothing until it is resumed, which itself does no work.");

  pump (fixture);
  pump (fixture);
  g_assert_cmpuint (fixture->n_units, ==, 2);
  must (fixture, troupe_cooperative_task_pause);
  pump (fixture);
  g_assert_cmpuint (fixture->n_units, ==, 2);
  must (fixture, troupe_cooperative_task_resume);
  g_assert_cmpuint (fixture->n_units, ==, 2);
  pump (fixture);
  g_assert_cmpuint (fixture->n_units, ==, 3);
}

static void
test_resume_not_paused (Fixture       *fixture,
                        gconstpointer  data)
{
  g_test_summary ("What is not paused cannot be resumed.");

  must_fail (fixture, troupe_cooperative_task_resume, TROUPE_ERROR_NOT_PAUSED);
  must (fixture, troupe_cooperative_task_pause);
  must (fixture, troupe_cooperative_task_resume);
  must_fail (fixture, troupe_cooperative_task_resume, TROUPE_ERROR_NOT_PAUSED);
}

static void
test_pause_twice (Fixture       *fixture,
                  gconstpointer  data)
{
  g_test_summary ("Pauses nest.");

  must (fixture, troupe_cooperative_task_pause);
  must (fixture, troupe_cooperative_task_pause);
  must (fixture, troupe_cooperative_task_resume);
  pump (fixture);
  g_assert_cmpuint (fixture->n_units, ==, 0);
  must (fixture, troupe_cooperative_task_resume);
  pump (fixture);
  g_assert_cmpuint (fixture->n_units, ==, 1);
}

static void
test_pause_while_waiting (Fixture       *fixture,
                          gconstpointer  data)
{
  g_test_summary ("A task that waits for a promise and is paused goes on when both are over.");

  fixture->waits = TRUE;
  pump (fixture);
  pump (fixture);
  g_assert_cmpuint (fixture->n_units, ==, 0);
  must_fail (fixture, troupe_cooperative_task_resume, TROUPE_ERROR_NOT_PAUSED);
  must (fixture, troupe_cooperative_task_pause);
  must (fixture, troupe_cooperative_task_resume);
  pump (fixture);
  g_assert_cmpuint (fixture->n_units, ==, 0);
  must (fixture, troupe_cooperative_task_pause);
  troupe_resolver_resolve (fixture->resolver, NULL);
  pump (fixture);
  g_assert_cmpuint (fixture->n_units, ==, 0);
  must (fixture, troupe_cooperative_task_resume);
  pump (fixture);
  g_assert_cmpuint (fixture->n_units, ==, 1);
}

static void
test_when_done (Fixture       *fixture,
                gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("The end can be asked for many times, also afterwards, and nobody sees what others make of it.");

  tell_when_done (fixture, fixture->task);
  tell_when_done (fixture, fixture->task);
  fixture->finishes = TRUE;
  pump (fixture);
  assert_story (fixture, "..");
  tell_when_done (fixture, fixture->task);
  assert_story (fixture, ".");
  promise = troupe_cooperative_task_when_done (fixture->task);
  g_assert_true (troupe_promise_get_object (promise) == fixture->task);
}

static void
test_when_done_error (Fixture       *fixture,
                      gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_cooperative_task_when_done (fixture->task);
  g_autoptr (GError) error = NULL;

  g_test_summary ("The error of a unit is what those who ask get.");

  tell_when_done (fixture, fixture->task);
  fixture->fails = TRUE;
  pump (fixture);
  assert_story (fixture, "!");
  error = troupe_promise_steal_error (promise);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

static void
test_when_done_nobody (Fixture       *fixture,
                       gconstpointer  data)
{
  g_test_summary ("A failure that nobody has asked about is a warning.");

  fixture->fails = TRUE;
  pump (fixture);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*no more*");
  g_assert_finalize_object (g_steal_pointer (&fixture->task));
  g_test_assert_expected_messages ();
}

static void
test_stop_stops (Fixture       *fixture,
                 gconstpointer  data)
{
  g_test_summary ("A task that was stopped does nothing any more, and says so.");

  tell_when_done (fixture, fixture->task);
  must (fixture, troupe_cooperative_task_stop);
  assert_story (fixture, "s");
  pump (fixture);
  g_assert_cmpuint (fixture->n_units, ==, 0);
  must_fail (fixture, troupe_cooperative_task_stop, TROUPE_ERROR_TASK_STOPPED);
  must_fail (fixture, troupe_cooperative_task_pause, TROUPE_ERROR_TASK_STOPPED);
  must_fail (fixture, troupe_cooperative_task_finish, TROUPE_ERROR_TASK_STOPPED);
}

static void
test_pause_stop_resume (Fixture       *fixture,
                        gconstpointer  data)
{
  g_test_summary ("Resuming a task that was paused and stopped does nothing.");

  must (fixture, troupe_cooperative_task_pause);
  must (fixture, troupe_cooperative_task_stop);
  must (fixture, troupe_cooperative_task_resume);
  pump (fixture);
  g_assert_cmpuint (fixture->n_units, ==, 0);
}

static void
test_stop_waiting (Fixture       *fixture,
                   gconstpointer  data)
{
  g_test_summary ("What a task waited for when it was stopped is of no interest, be it an error.");

  fixture->waits = TRUE;
  pump (fixture);
  tell_when_done (fixture, fixture->task);
  must (fixture, troupe_cooperative_task_stop);
  assert_story (fixture, "s");
  troupe_resolver_reject (fixture->resolver, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no more"), NULL);
  pump (fixture);
  assert_story (fixture, "");
  g_assert_cmpuint (fixture->n_units, ==, 0);
}

static void
test_stop_done (Fixture       *fixture,
                gconstpointer  data)
{
  g_test_summary ("A task that is done cannot be stopped.");

  fixture->finishes = TRUE;
  pump (fixture);
  must_fail (fixture, troupe_cooperative_task_stop, TROUPE_ERROR_TASK_DONE);
  must_fail (fixture, troupe_cooperative_task_pause, TROUPE_ERROR_TASK_DONE);
}

static void
test_stop_failed (Fixture       *fixture,
                  gconstpointer  data)
{
  g_test_summary ("Nor one that has failed.");

  tell_when_done (fixture, fixture->task);
  fixture->fails = TRUE;
  pump (fixture);
  must_fail (fixture, troupe_cooperative_task_stop, TROUPE_ERROR_TASK_FAILED);
}

static void
stop_cooperator (TroupePromise *promise,
                 gpointer       data)
{
  Fixture *fixture = data;

  troupe_cooperator_stop (fixture->cooperator);
  must_fail (fixture, troupe_cooperative_task_stop, TROUPE_ERROR_TASK_DONE);
}

static void
test_stop_cooperator_reentrancy (Fixture       *fixture,
                                 gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_cooperative_task_when_done (fixture->task);
  g_autoptr (TroupeCooperativeTask) other = troupe_cooperator_add (fixture->cooperator, do_unit, fixture, NULL);

  g_test_summary ("A task's end may stop the cooperator, which ends the others.");

  troupe_promise_add_callback (promise, stop_cooperator, fixture, NULL);
  troupe_promise_add_callback (promise, tell_end, fixture, NULL);
  tell_when_done (fixture, other);
  fixture->finishes = TRUE;
  pump (fixture);
  assert_story (fixture, "s.");
}

static TroupePromise *
stop_and_fail (TroupeCooperativeTask  *task,
               gpointer                data,
               GError                **error)
{
  g_assert_true (troupe_cooperative_task_stop (task, NULL));
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no more");
  return NULL;
}

static void
test_stop_and_fail (Fixture       *fixture,
                    gconstpointer  data)
{
  g_autoptr (TroupeCooperativeTask) task = NULL;

  g_test_summary ("An error that comes after the end is reported.");

  must (fixture, troupe_cooperative_task_stop);
  task = troupe_cooperator_add (fixture->cooperator, stop_and_fail, NULL, NULL);
  tell_when_done (fixture, task);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "Unhandled error*no more*");
  pump (fixture);
  g_test_assert_expected_messages ();
  assert_story (fixture, "s");
}

/* Of an actor */

typedef struct
{
  Fixture   *fixture;
  TroupeRef *actor;
  guint      n_freed;
} Owned;

static TroupePromise *
stop_actor (TroupeCooperativeTask  *task,
            gpointer                data,
            GError                **error)
{
  Owned *owned = data;

  owned->fixture->n_units++;
  troupe_ref_stop (owned->actor);
  return NULL;
}

static void
count_freed (gpointer data)
{
  ((Owned *) data)->n_freed++;
}

static gboolean
cooperate_here (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Owned *owned = test_puppet_get_data (message);
  g_autoptr (TroupeCooperator) cooperator = troupe_cooperator_new ();
  g_autoptr (TroupeCooperativeTask) paused = NULL;

  paused = troupe_cooperator_add (cooperator, stop_actor, owned, count_freed);
  g_assert_true (troupe_cooperative_task_pause (paused, NULL));
  g_object_unref (troupe_cooperator_add (cooperator, stop_actor, owned, count_freed));
  g_object_unref (troupe_cooperator_add (cooperator, stop_actor, owned, count_freed));
  return TRUE;
}

static void
test_actor (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupeRef) puppet = test_puppet_new (fixture->system, "puppet");
  Owned owned = { fixture, puppet, 0 };

  g_test_summary ("Tasks are turns of the actor, which may stop in between, and end with it.");

  must (fixture, troupe_cooperative_task_stop);
  test_puppet_tell (puppet, cooperate_here, &owned);
  troupe_test_until (troupe_ref_has_ended (puppet));
  g_assert_cmpuint (owned.n_freed, ==, 3);
  g_assert_cmpuint (fixture->n_units, ==, 1);
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

  add ("/troupe/cooperator/rule-106/stopped-rejects-new-tasks", test_stopped_rejects_new_tasks);
  add ("/troupe/cooperator/rule-106/stop-running", test_stop_running);
  add ("/troupe/cooperator/rule-106/stop-outstanding", test_stop_outstanding);
  add ("/troupe/cooperator/rule-106/unexpected-error-later", test_unexpected_error_later);
  add ("/troupe/cooperator/rule-106/unexpected-error-not-later", test_unexpected_error_not_later);
  add ("/troupe/cooperator/rule-106/cooperation", test_cooperation);
  add ("/troupe/cooperator/rule-106/callback-re-add", test_callback_re_add);
  add ("/troupe/cooperator/rule-106/removing-last-task", test_removing_last_task);
  g_test_add_func ("/troupe/cooperator/rule-106/slice", test_slice);
  g_test_add_func ("/troupe/cooperator/rule-106/fair", test_fair);
  add ("/troupe/cooperator/rule-106/pause-resume", test_pause_resume);
  add ("/troupe/cooperator/rule-106/resume-not-paused", test_resume_not_paused);
  add ("/troupe/cooperator/rule-106/pause-twice", test_pause_twice);
  add ("/troupe/cooperator/rule-106/pause-while-waiting", test_pause_while_waiting);
  add ("/troupe/cooperator/rule-106/when-done", test_when_done);
  add ("/troupe/cooperator/rule-106/when-done-error", test_when_done_error);
  add ("/troupe/cooperator/rule-106/when-done-nobody", test_when_done_nobody);
  add ("/troupe/cooperator/rule-106/stop-stops", test_stop_stops);
  add ("/troupe/cooperator/rule-106/pause-stop-resume", test_pause_stop_resume);
  add ("/troupe/cooperator/rule-106/stop-waiting", test_stop_waiting);
  add ("/troupe/cooperator/rule-106/stop-done", test_stop_done);
  add ("/troupe/cooperator/rule-106/stop-failed", test_stop_failed);
  add ("/troupe/cooperator/rule-106/stop-cooperator-reentrancy", test_stop_cooperator_reentrancy);
  add ("/troupe/cooperator/rule-106/stop-and-fail", test_stop_and_fail);
  add ("/troupe/cooperator/actor", test_actor);

  return g_test_run ();
}
