/* test-system.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "troupe-test.h"

typedef struct
{
  TroupeSystem   *system;
  GString        *story;
  TroupeResolver *resolver;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  fixture->system = troupe_test_system_new ();
  fixture->story = g_string_new (NULL);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  troupe_test_system_end (fixture->system);
  g_string_free (fixture->story, TRUE);
}

typedef struct
{
  Fixture    *fixture;
  const char *mark;
} Mark;

static TroupePromise *
tell (TroupeSystem *system,
      gpointer      data)
{
  Mark *mark = data;

  g_string_append (mark->fixture->story, mark->mark);
  return NULL;
}

static TroupePromise *
promise_more (TroupeSystem *system,
              gpointer      data)
{
  Mark *mark = data;

  tell (system, data);
  return troupe_promise_new (&mark->fixture->resolver);
}

static TroupePromise *
promise_failed (TroupeSystem *system,
                gpointer      data)
{
  tell (system, data);
  return troupe_promise_new_rejected (g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "busy"));
}

static TroupePromise *
stop_it (TroupeSystem *system,
         gpointer      data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (troupe_system_is_running (system));
  g_assert_true (troupe_system_stop (system, &error));
  g_assert_no_error (error);
  /* A second stop is an error, and so is running within a turn. */
  g_assert_false (troupe_system_stop (system, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_NOT_RUNNING);
  g_clear_error (&error);
  g_assert_false (troupe_system_run (system, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_RUNNING);
  return NULL;
}

static guint
on (Fixture           *fixture,
    TroupeEvent        event,
    TroupePhase        phase,
    TroupeTriggerFunc  func,
    const char        *text)
{
  Mark *mark = g_new (Mark, 1);

  *mark = (Mark) { fixture, text };
  return troupe_system_add_trigger (fixture->system, event, phase, func, mark, g_free);
}

static void
test_run (Fixture       *fixture,
          gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("Startup and shutdown run their triggers, phase by phase, in order; after a stop there is no restart.");

  on (fixture, TROUPE_EVENT_SHUTDOWN, TROUPE_PHASE_AFTER, tell, "6");
  on (fixture, TROUPE_EVENT_SHUTDOWN, TROUPE_PHASE_DURING, tell, "5");
  on (fixture, TROUPE_EVENT_SHUTDOWN, TROUPE_PHASE_BEFORE, tell, "4");
  on (fixture, TROUPE_EVENT_STARTUP, TROUPE_PHASE_AFTER, tell, "3");
  on (fixture, TROUPE_EVENT_STARTUP, TROUPE_PHASE_AFTER, stop_it, "");
  on (fixture, TROUPE_EVENT_STARTUP, TROUPE_PHASE_DURING, tell, "2");
  on (fixture, TROUPE_EVENT_STARTUP, TROUPE_PHASE_BEFORE, tell, "0");
  on (fixture, TROUPE_EVENT_STARTUP, TROUPE_PHASE_BEFORE, tell, "1");

  g_assert_false (troupe_system_stop (fixture->system, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_NOT_RUNNING);
  g_clear_error (&error);
  g_assert_false (troupe_system_is_running (fixture->system));

  g_assert_true (troupe_system_run (fixture->system, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (fixture->story->str, ==, "0123456");
  g_assert_true (troupe_system_has_ended (fixture->system));

  g_assert_false (troupe_system_run (fixture->system, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_NOT_RESTARTABLE);
}

static void
test_before (Fixture       *fixture,
             gconstpointer  data)
{
  g_test_summary ("What a trigger of the phase before promises is awaited; a failure is logged and no more.");

  on (fixture, TROUPE_EVENT_STARTUP, TROUPE_PHASE_BEFORE, promise_more, "a");
  on (fixture, TROUPE_EVENT_STARTUP, TROUPE_PHASE_BEFORE, promise_failed, "b");
  on (fixture, TROUPE_EVENT_STARTUP, TROUPE_PHASE_DURING, tell, "c");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*trigger*busy*");
  troupe_test_until (fixture->story->len == 2);
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  g_assert_cmpstr (fixture->story->str, ==, "ab");

  g_assert_true (troupe_resolver_resolve (fixture->resolver, NULL));
  troupe_resolver_unref (fixture->resolver);
  troupe_test_until (fixture->story->len == 3);
  g_assert_cmpstr (fixture->story->str, ==, "abc");
}

static void
test_before_never (Fixture       *fixture,
                   gconstpointer  data)
{
  g_test_summary ("A system that waits to start can be shut down.");

  on (fixture, TROUPE_EVENT_STARTUP, TROUPE_PHASE_BEFORE, promise_more, "a");
  on (fixture, TROUPE_EVENT_STARTUP, TROUPE_PHASE_DURING, tell, "never");
  on (fixture, TROUPE_EVENT_SHUTDOWN, TROUPE_PHASE_AFTER, tell, "z");
  troupe_test_until (fixture->story->len == 1);
  troupe_system_shutdown (fixture->system);
  troupe_test_until (troupe_system_has_ended (fixture->system));
  g_assert_cmpstr (fixture->story->str, ==, "az");
  troupe_resolver_unref (fixture->resolver);
}

static void
test_remove (Fixture       *fixture,
             gconstpointer  data)
{
  guint id = on (fixture, TROUPE_EVENT_STARTUP, TROUPE_PHASE_DURING, tell, "never");
  g_autoptr (GError) error = NULL;

  g_test_summary ("A trigger can be removed until it has run.");

  g_assert_true (troupe_system_remove_trigger (fixture->system, id, &error));
  g_assert_false (troupe_system_remove_trigger (fixture->system, id, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_NO_TRIGGER);
  g_assert_cmpstr (error->message, ==, "There is no trigger 1 to remove");
  on (fixture, TROUPE_EVENT_STARTUP, TROUPE_PHASE_DURING, tell, "x");
  troupe_test_until (fixture->story->len == 1);
}

static void
test_late (Fixture       *fixture,
           gconstpointer  data)
{
  g_test_summary ("A startup trigger that comes too late runs in a turn of its own, without a number.");

  on (fixture, TROUPE_EVENT_STARTUP, TROUPE_PHASE_AFTER, tell, "a");
  troupe_test_until (fixture->story->len == 1);
  troupe_test_settle ();
  g_assert_cmpuint (on (fixture, TROUPE_EVENT_STARTUP, TROUPE_PHASE_BEFORE, tell, "b"), ==, 0);
  g_assert_cmpstr (fixture->story->str, ==, "a");
  troupe_test_until (fixture->story->len == 2);
}

static TroupePromise *
raise_signal (TroupeSystem *system,
              gpointer      data)
{
  raise (GPOINTER_TO_INT (data));
  return NULL;
}

static void
test_signal (Fixture       *fixture,
             gconstpointer  data)
{
  g_test_summary ("SIGTERM and SIGINT end a run cleanly.");

  on (fixture, TROUPE_EVENT_SHUTDOWN, TROUPE_PHASE_AFTER, tell, "bye");
  troupe_system_add_trigger (fixture->system, TROUPE_EVENT_STARTUP, TROUPE_PHASE_AFTER, raise_signal,
                             (gpointer) data, NULL);
  g_assert_true (troupe_system_run (fixture->system, NULL));
  g_assert_cmpstr (fixture->story->str, ==, "bye");
}

static void
test_signal_back (Fixture       *fixture,
                  gconstpointer  data)
{
  struct sigaction action;

  g_test_summary ("After a run the signals do again what they did before, whether or not they came.");

  on (fixture, TROUPE_EVENT_STARTUP, TROUPE_PHASE_AFTER, stop_it, "");
  signal (SIGINT, SIG_IGN);
  g_assert_true (troupe_system_run (fixture->system, NULL));
  g_assert_cmpint (sigaction (SIGINT, NULL, &action), ==, 0);
  g_assert_true (action.sa_handler == SIG_IGN);
  signal (SIGINT, SIG_DFL);
}

static int n_ready;

static TroupePromise *
say_ready (TroupeSystem *system,
           gpointer      data)
{
  g_atomic_int_inc (&n_ready);
  g_main_context_wakeup (NULL);
  return NULL;
}

static gpointer
run_until_signal (gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TroupeSystem) system = troupe_system_new (context, "poll", NULL);

  troupe_system_add_trigger (system, TROUPE_EVENT_STARTUP, TROUPE_PHASE_AFTER, say_ready, NULL, NULL);
  g_assert_true (troupe_system_run (system, NULL));
  g_assert_true (troupe_system_has_ended (system));

  return NULL;
}

static void
test_signal_all (Fixture       *fixture,
                 gconstpointer  data)
{
  GThread *thread = g_thread_new ("runner", run_until_signal, NULL);

  g_test_summary ("A signal ends the runs of all threads.");

  troupe_test_until (g_atomic_int_get (&n_ready) == 1);
  troupe_system_add_trigger (fixture->system, TROUPE_EVENT_STARTUP, TROUPE_PHASE_BEFORE, raise_signal,
                             GINT_TO_POINTER (SIGTERM), NULL);
  g_assert_true (troupe_system_run (fixture->system, NULL));
  g_thread_join (thread);
}

static gpointer
shut_down (gpointer system)
{
  troupe_system_shutdown (system);
  return NULL;
}

static void
test_shutdown_thread (Fixture       *fixture,
                      gconstpointer  data)
{
  GThread *thread;

  g_test_summary ("Any thread can shut a system down, twice over.");

  thread = g_thread_new ("ender", shut_down, fixture->system);
  shut_down (fixture->system);
  g_assert_true (troupe_system_run (fixture->system, NULL));
  g_thread_join (thread);
}

static gpointer
run_elsewhere (gpointer data)
{
  Fixture *fixture = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TroupeSystem) system = NULL;
  g_autoptr (GError) error = NULL;

  /* The other thread's system is not ours to run. */
  g_assert_false (troupe_system_run (fixture->system, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_WRONG_THREAD);
  g_clear_error (&error);
  g_assert_null (troupe_system_new (troupe_reactor_get_context (troupe_system_get_reactor (fixture->system)),
                                    NULL, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_WRONG_THREAD);
  g_clear_error (&error);

  system = troupe_system_new (context, NULL, &error);
  g_assert_no_error (error);
  troupe_system_shutdown (system);
  g_assert_true (troupe_system_run (system, &error));
  g_assert_no_error (error);
  g_assert_true (troupe_system_has_ended (system));

  return NULL;
}

static void
test_thread (Fixture       *fixture,
             gconstpointer  data)
{
  g_test_summary ("A thread can run a system in a context of its own, but not another thread's.");

  g_thread_join (g_thread_new ("elsewhere", run_elsewhere, fixture));
}

static void
test_spawn_after_end (Fixture       *fixture,
                      gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("A system that has ended spawns no more.");

  troupe_system_shutdown (fixture->system);
  troupe_test_until (troupe_system_has_ended (fixture->system));
  g_assert_null (troupe_system_spawn (fixture->system, NULL, TROUPE_TYPE_ACTOR, &error, NULL));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
}

static void
test_ref_after_end (Fixture       *fixture,
                    gconstpointer  data)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) ref = troupe_system_spawn (system, NULL, TROUPE_TYPE_ACTOR, NULL, NULL);
  g_autoptr (TroupeRef) root = troupe_ref_ref (troupe_ref_get_parent (ref));

  g_test_summary ("Addresses outlive the system, of which nobody else knows any more.");

  troupe_test_system_end (system);
  troupe_ref_send (ref, troupe_message_new ("hello"));
  g_assert_true (troupe_ref_get_system (ref) == system);
  g_assert_cmpuint (troupe_system_get_n_dead_letters (system), ==, 1);
  g_clear_pointer (&ref, troupe_ref_unref);

  troupe_ref_send (root, troupe_message_new ("hello"));
  g_assert_null (troupe_ref_get_system (root));
}

static void
test_two (Fixture       *fixture,
          gconstpointer  data)
{
  TroupeSystem *other = troupe_test_system_new ();

  g_test_summary ("Two systems on one context share its reactor and end apart.");

  g_assert_true (troupe_system_get_reactor (other) == troupe_system_get_reactor (fixture->system));
  troupe_test_system_end (other);
  g_assert_false (troupe_system_has_ended (fixture->system));
}

static int
use_after_fork (Fixture *fixture)
{
  g_autoptr (TroupeRef) ref = NULL;
  g_autoptr (GError) error = NULL;

  if (troupe_system_run (fixture->system, &error) ||
      !g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_WRONG_THREAD))
    return 1;
  g_clear_error (&error);
  if (troupe_system_new (NULL, NULL, &error) != NULL ||
      !g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_WRONG_THREAD))
    return 2;

  ref = troupe_system_spawn (fixture->system, NULL, TROUPE_TYPE_ACTOR, NULL, NULL);
  troupe_ref_send (ref, troupe_message_new ("hello"));

  return troupe_system_get_n_dead_letters (fixture->system) == 1 ? 0 : 3;
}

static void
test_fork (Fixture       *fixture,
           gconstpointer  data)
{
  pid_t child;
  int status;

  g_test_summary ("The child of a fork is refused the systems it inherits.");

  troupe_test_settle ();
  child = fork ();
  if (child == 0)
    _exit (use_after_fork (fixture));
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
}

static void
test_default (Fixture       *fixture,
              gconstpointer  data)
{
  g_test_summary ("The default system is one.");

  g_assert_true (troupe_system_get_default () == troupe_system_get_default ());
}

static void
test_beside (Fixture       *fixture,
             gconstpointer  data)
{
  g_autoptr (TroupeSystem) beside = NULL;

  g_test_summary ("A system that runs beside another on the same context ends well with any backend.");

  g_assert_nonnull (troupe_system_get_default ());
  beside = troupe_system_new (NULL, "poll", NULL);
  troupe_system_add_trigger (beside, TROUPE_EVENT_STARTUP, TROUPE_PHASE_AFTER, stop_it, NULL, NULL);
  g_assert_true (troupe_system_run (beside, NULL));
}

#define add(path, data, func) \
  g_test_add ("/troupe/system/" path, Fixture, data, set_up, func, tear_down)

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("run", NULL, test_run);
  add ("before", NULL, test_before);
  add ("before-never", NULL, test_before_never);
  add ("remove", NULL, test_remove);
  add ("late", NULL, test_late);
  add ("sigterm", GINT_TO_POINTER (SIGTERM), test_signal);
  add ("sigint", GINT_TO_POINTER (SIGINT), test_signal);
  add ("signal-back", NULL, test_signal_back);
  add ("signal-all", NULL, test_signal_all);
  add ("shutdown-thread", NULL, test_shutdown_thread);
  add ("thread", NULL, test_thread);
  add ("spawn-after-end", NULL, test_spawn_after_end);
  add ("ref-after-end", NULL, test_ref_after_end);
  add ("two", NULL, test_two);
  add ("fork", NULL, test_fork);
  add ("default", NULL, test_default);
  add ("beside", NULL, test_beside);

  return g_test_run ();
}
