/* test-file-lock.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Locks between processes, rule 93 of the specification. The other process is this program, run with --hold. */

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "troupe-test-puppet.h"

typedef struct
{
  TroupeSystem   *system;
  TroupeReactor  *reactor;
  TroupeClock    *clock;
  char           *folder;
  char           *path;
  TroupeFileLock *lock;
  TroupeFileLock *other;
} Fixture;

static const char *program;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  fixture->system = troupe_test_system_new ();
  fixture->reactor = troupe_system_get_reactor (fixture->system);
  fixture->clock = troupe_clock_new (fixture->reactor);
  fixture->folder = g_dir_make_tmp ("troupe-file-lock-XXXXXX", NULL);
  g_assert_nonnull (fixture->folder);
  fixture->path = g_build_filename (fixture->folder, "lock", NULL);
  fixture->lock = troupe_file_lock_new (fixture->path);
  fixture->other = troupe_file_lock_new (fixture->path);
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
  assert_no_timers (fixture);
  troupe_file_lock_release (fixture->lock, NULL);
  troupe_file_lock_release (fixture->other, NULL);
  g_assert_finalize_object (fixture->lock);
  g_assert_finalize_object (fixture->other);
  g_object_unref (fixture->clock);
  troupe_test_system_end (fixture->system);
  g_unlink (fixture->path);
  g_rmdir (fixture->folder);
  g_free (fixture->path);
  g_free (fixture->folder);
}

static void
hold (TroupeFileLock *lock)
{
  g_autoptr (TroupePromise) promise = troupe_file_lock_acquire (lock, -1);

  g_assert_true (troupe_promise_is_resolved (promise));
  g_assert_true (troupe_promise_get_object (promise) == lock);
  g_assert_true (troupe_file_lock_is_held (lock));
}

static void
let_go (TroupeFileLock *lock)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (troupe_file_lock_release (lock, &error));
  g_assert_no_error (error);
  g_assert_false (troupe_file_lock_is_held (lock));
}

static void
assert_error (TroupePromise *promise,
              int            code)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (troupe_promise_is_resolved (promise));
  error = troupe_promise_steal_error (promise);
  g_assert_error (error, TROUPE_ERROR, code);
}

/* Another process */

static int
be_another_process (const char *path)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeFileLock) lock = troupe_file_lock_new (path);
  char end;

  hold (lock);
  if (write (STDOUT_FILENO, "held", 4) != 4 || read (STDIN_FILENO, &end, 1) != 0)
    return 1;
  let_go (lock);
  troupe_test_system_end (system);

  return 0;
}

/* Returns when it holds the lock. */
static GSubprocess *
start_another_process (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  GSubprocess *other = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error,
                                         program, "--hold", fixture->path, NULL);
  char word[4];
  gsize n_read;

  g_assert_no_error (error);
  g_input_stream_read_all (g_subprocess_get_stdout_pipe (other), word, sizeof word, &n_read, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (word, n_read, "held", 4);

  return other;
}

static void
take_result_cb (GObject      *source,
                GAsyncResult *result,
                gpointer      place)
{
  *(GAsyncResult **) place = g_object_ref (result);
}

/* TRUE if it has left with status 0. */
static gboolean
wait_for_end (GSubprocess *process)
{
  g_autoptr (GAsyncResult) result = NULL;

  g_subprocess_wait_async (process, NULL, take_result_cb, &result);
  troupe_test_until (result != NULL);
  g_assert_true (g_subprocess_wait_finish (process, result, NULL));

  return g_subprocess_get_successful (process);
}

static void
test_rule_93_processes (Fixture       *fixture,
                        gconstpointer  data)
{
  g_autoptr (GSubprocess) other = start_another_process (fixture);
  g_autoptr (TroupePromise) promise = troupe_file_lock_acquire (fixture->lock, -1);
  g_autoptr (GError) error = NULL;

  g_test_summary ("Two processes do not hold the lock at a time.");

  g_assert_false (troupe_promise_is_resolved (promise));
  troupe_clock_advance (fixture->clock, 5000);
  g_assert_false (troupe_promise_is_resolved (promise));

  g_output_stream_close (g_subprocess_get_stdin_pipe (other), NULL, &error);
  g_assert_no_error (error);
  g_assert_true (wait_for_end (other));
  g_assert_false (troupe_promise_is_resolved (promise));
  troupe_clock_advance (fixture->clock, 1000);
  g_assert_true (troupe_file_lock_is_held (fixture->lock));
}

static void
test_rule_93_killed (Fixture       *fixture,
                     gconstpointer  data)
{
  g_autoptr (GSubprocess) other = start_another_process (fixture);

  g_test_summary ("What a process leaves behind when it is killed holds nobody up.");

  g_subprocess_send_signal (other, SIGKILL);
  g_assert_false (wait_for_end (other));
  g_assert_true (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
  hold (fixture->lock);
}

static int
run_flock (Fixture *fixture)
{
  const char *arguments[] = { "flock", "--nonblock", fixture->path, "true", NULL };
  g_autoptr (GError) error = NULL;
  int status;

  g_spawn_sync (NULL, (char **) arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, &error);
  g_assert_no_error (error);

  return status;
}

static void
test_rule_93_flock (Fixture       *fixture,
                    gconstpointer  data)
{
  g_autofree char *flock = g_find_program_in_path ("flock");

  g_test_summary ("The command flock sees the lock.");

  if (flock == NULL)
    {
      g_test_skip ("there is no command flock");
      return;
    }

  hold (fixture->lock);
  g_assert_cmpint (run_flock (fixture), !=, 0);
  let_go (fixture->lock);
  g_assert_cmpint (run_flock (fixture), ==, 0);
}

/* One process */

static void
test_rule_93_try (Fixture       *fixture,
                  gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("The lock is tried at once, and then every second.");

  g_assert_cmpstr (troupe_file_lock_get_path (fixture->lock), ==, fixture->path);
  g_assert_false (troupe_file_lock_release (fixture->lock, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_NOT_HELD);

  hold (fixture->other);
  assert_no_timers (fixture);
  promise = troupe_file_lock_acquire (fixture->lock, -1);
  troupe_clock_advance (fixture->clock, 1000);
  g_assert_false (troupe_promise_is_resolved (promise));
  let_go (fixture->other);
  g_assert_false (troupe_promise_is_resolved (promise));
  troupe_clock_advance (fixture->clock, 999);
  g_assert_false (troupe_promise_is_resolved (promise));
  troupe_clock_advance (fixture->clock, 1);
  g_assert_true (troupe_promise_get_object (promise) == fixture->lock);
}

static void
test_rule_93_itself (Fixture       *fixture,
                     gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("Who holds the lock can wait for it, as others do.");

  hold (fixture->lock);
  promise = troupe_file_lock_acquire (fixture->lock, -1);
  troupe_clock_advance (fixture->clock, 1000);
  g_assert_false (troupe_promise_is_resolved (promise));
  let_go (fixture->lock);
  troupe_clock_advance (fixture->clock, 1000);
  g_assert_true (troupe_promise_is_resolved (promise));
  g_assert_true (troupe_file_lock_is_held (fixture->lock));
}

static void
test_rule_93_busy (Fixture       *fixture,
                   gconstpointer  data)
{
  g_autoptr (TroupePromise) first = NULL;
  g_autoptr (TroupePromise) second = NULL;

  g_test_summary ("A second wait is refused, and the first goes on.");

  hold (fixture->other);
  first = troupe_file_lock_acquire (fixture->lock, -1);
  second = troupe_file_lock_acquire (fixture->lock, -1);
  assert_error (second, TROUPE_ERROR_BUSY);
  let_go (fixture->other);
  troupe_clock_advance (fixture->clock, 1000);
  g_assert_true (troupe_promise_get_object (first) == fixture->lock);
}

static void
test_rule_93_timeout (Fixture       *fixture,
                      gconstpointer  data)
{
  g_autoptr (TroupePromise) late = NULL;
  g_autoptr (TroupePromise) at_once = NULL;
  g_autoptr (TroupePromise) in_time = NULL;
  g_autoptr (TroupePromise) early = NULL;

  g_test_summary ("When time runs out there is one last try, and the lock can be acquired again afterwards.");

  hold (fixture->other);
  late = troupe_file_lock_acquire (fixture->lock, 2500);
  troupe_clock_advance (fixture->clock, 2499);
  g_assert_false (troupe_promise_is_resolved (late));
  troupe_clock_advance (fixture->clock, 1);
  assert_error (late, TROUPE_ERROR_TIMED_OUT);
  assert_no_timers (fixture);

  at_once = troupe_file_lock_acquire (fixture->lock, 0);
  g_assert_false (troupe_promise_is_resolved (at_once));
  troupe_clock_advance (fixture->clock, 0);
  assert_error (at_once, TROUPE_ERROR_TIMED_OUT);

  in_time = troupe_file_lock_acquire (fixture->lock, 2500);
  troupe_clock_advance (fixture->clock, 2400);
  let_go (fixture->other);
  troupe_clock_advance (fixture->clock, 100);
  g_assert_true (troupe_promise_get_object (in_time) == fixture->lock);
  assert_no_timers (fixture);

  let_go (fixture->lock);
  early = troupe_file_lock_acquire (fixture->lock, 2500);
  g_assert_true (troupe_promise_is_resolved (early));
  assert_no_timers (fixture);
}

static void
test_rule_93_timer_stopped (Fixture       *fixture,
                            gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("A try that succeeds stops the time.");

  hold (fixture->other);
  promise = troupe_file_lock_acquire (fixture->lock, 2500);
  let_go (fixture->other);
  troupe_clock_advance (fixture->clock, 1000);
  g_assert_true (troupe_file_lock_is_held (fixture->lock));
  assert_no_timers (fixture);
}

static void
test_rule_93_cancel (Fixture       *fixture,
                     gconstpointer  data)
{
  g_autoptr (TroupePromise) gone = NULL;
  g_autoptr (TroupePromise) lucky = NULL;

  g_test_summary ("Cancelling makes one last try, too.");

  hold (fixture->other);
  gone = troupe_file_lock_acquire (fixture->lock, 2500);
  troupe_promise_cancel (gone);
  assert_error (gone, TROUPE_ERROR_CANCELLED);
  assert_no_timers (fixture);

  lucky = troupe_file_lock_acquire (fixture->lock, 2500);
  let_go (fixture->other);
  troupe_promise_cancel (lucky);
  g_assert_true (troupe_promise_get_object (lucky) == fixture->lock);
  g_assert_true (troupe_file_lock_is_held (fixture->lock));
  assert_no_timers (fixture);
}

static void
test_errors (Fixture       *fixture,
             gconstpointer  data)
{
  g_autofree char *nowhere = g_build_filename (fixture->folder, "nowhere", "lock", NULL);
  g_autoptr (TroupeFileLock) lock = troupe_file_lock_new (nowhere);
  g_autoptr (TroupePromise) at_once = troupe_file_lock_acquire (lock, -1);
  g_autoptr (GError) first = troupe_promise_steal_error (at_once);
  g_autoptr (TroupePromise) later = NULL;
  g_autoptr (GError) second = NULL;

  g_test_summary ("A file that cannot be opened ends the wait, at the first try or a later one.");

  g_assert_error (first, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);

  hold (fixture->other);
  later = troupe_file_lock_acquire (fixture->lock, 9000);
  g_assert_cmpint (g_unlink (fixture->path), ==, 0);
  g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
  troupe_clock_advance (fixture->clock, 1000);
  second = troupe_promise_steal_error (later);
  g_assert_error (second, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

/* Of an actor */

static gboolean
hold_here (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  g_autoptr (TroupeFileLock) lock = troupe_file_lock_new (fixture->path);

  hold (lock);
  troupe_message_reply_boolean (message, TRUE);
  return TRUE;
}

static gboolean
wait_here (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  g_autoptr (TroupeFileLock) lock = troupe_file_lock_new (fixture->path);
  g_autoptr (TroupePromise) promise = troupe_file_lock_acquire (lock, 9000);

  g_assert_false (troupe_promise_is_resolved (promise));
  troupe_message_reply_boolean (message, TRUE);
  return TRUE;
}

static void
test_actor (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupeRef) holder = test_puppet_new (fixture->system, "holder");
  g_autoptr (TroupeRef) waiter = test_puppet_new (fixture->system, "waiter");
  g_autoptr (TroupePromise) held = test_puppet_ask_and_wait (holder, hold_here, fixture);
  g_autoptr (TroupePromise) waiting = test_puppet_ask_and_wait (waiter, wait_here, fixture);
  g_autoptr (TroupePromise) promise = troupe_file_lock_acquire (fixture->lock, -1);

  g_test_summary ("An actor's lock is released when it has ended, and one that waits no longer does.");

  g_assert_true (troupe_promise_has_value (held));
  g_assert_true (troupe_promise_has_value (waiting));
  troupe_ref_stop (waiter);
  troupe_test_until (troupe_ref_has_ended (waiter));
  troupe_clock_advance (fixture->clock, 1000);
  g_assert_false (troupe_promise_is_resolved (promise));
  troupe_ref_stop (holder);
  troupe_test_until (troupe_ref_has_ended (holder));
  troupe_clock_advance (fixture->clock, 1000);
  g_assert_true (troupe_file_lock_is_held (fixture->lock));
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
  if (argc == 3 && strcmp (argv[1], "--hold") == 0)
    return be_another_process (argv[2]);

  program = argv[0];
  g_test_init (&argc, &argv, NULL);

  add ("/troupe/file-lock/rule-93/processes", test_rule_93_processes);
  add ("/troupe/file-lock/rule-93/killed", test_rule_93_killed);
  add ("/troupe/file-lock/rule-93/flock", test_rule_93_flock);
  add ("/troupe/file-lock/rule-93/try", test_rule_93_try);
  add ("/troupe/file-lock/rule-93/itself", test_rule_93_itself);
  add ("/troupe/file-lock/rule-93/busy", test_rule_93_busy);
  add ("/troupe/file-lock/rule-93/timeout", test_rule_93_timeout);
  add ("/troupe/file-lock/rule-93/timer-stopped", test_rule_93_timer_stopped);
  add ("/troupe/file-lock/rule-93/cancel", test_rule_93_cancel);
  add ("/troupe/file-lock/errors", test_errors);
  add ("/troupe/file-lock/actor", test_actor);

  return g_test_run ();
}
