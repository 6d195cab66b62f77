/* test-supervision.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "troupe-test-worker.h"

/* A worker whose failed messages are handled once more. */

#define TEST_TYPE_STUBBORN (test_stubborn_get_type ())
G_DECLARE_FINAL_TYPE (TestStubborn, test_stubborn, TEST, STUBBORN, TestWorker)

struct _TestStubborn
{
  TestWorker parent_instance;
};

G_DEFINE_FINAL_TYPE (TestStubborn, test_stubborn, TEST_TYPE_WORKER)

static gboolean
on_try (TroupeActor    *actor,
        TroupeMessage  *message,
        GError        **error)
{
  tell ("%s:try", label_of (actor));
  if (!check (actor, IN_HANDLER, error))
    return FALSE;

  troupe_message_reply_int64 (message, 42);
  return TRUE;
}

static void
test_stubborn_class_init (TestStubbornClass *klass)
{
  TROUPE_ACTOR_CLASS (klass)->replays = TRUE;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "try", G_TYPE_NONE, on_try);
}

static void
test_stubborn_init (TestStubborn *self)
{
}

/* A parent that decides on each failure by itself. */

#define TEST_TYPE_JUDGE (test_judge_get_type ())
G_DECLARE_FINAL_TYPE (TestJudge, test_judge, TEST, JUDGE, TestWorker)

struct _TestJudge
{
  TestWorker parent_instance;
};

G_DEFINE_FINAL_TYPE (TestJudge, test_judge, TEST_TYPE_WORKER)

static TroupeDirective judgement;

static TroupeDirective
test_judge_child_failed (TroupeActor  *actor,
                         TroupeRef    *child,
                         const GError *error)
{
  g_autofree char *name = troupe_ref_dup_name (child);

  tell ("%s:judges %s %s", label_of (actor), name, error->message);
  return judgement;
}

static void
test_judge_class_init (TestJudgeClass *klass)
{
  TROUPE_ACTOR_CLASS (klass)->child_failed = test_judge_child_failed;
}

static void
test_judge_init (TestJudge *self)
{
}

/* What a restart keeps, and what it does not */

static void
test_order (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupeRef) worker = spawn (fixture, TEST_TYPE_WORKER, "w", NULL);
  g_autoptr (TroupePromise) total = NULL;

  g_test_summary ("Mail that waits is handled after the restart, in the order in which it was sent.");

  troupe_test_settle ();
  say (worker, "1");
  fail_at (worker, IN_HANDLER);
  say (worker, "2");
  troupe_ref_send (worker, troupe_message_new_int64 ("add", 5));
  total = troupe_ref_ask (worker, troupe_message_new ("total"));
  say (worker, "3");
  troupe_test_settle ();
  assert_story ("w:started w:1 w:pre w:stopped w:started w:post w:2 w:3");
  g_assert_cmpint (troupe_promise_get_int64 (total), ==, 5);
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 0);
  g_assert_cmpstr (last_warning, ==, "The actor “/w” failed, and is restarted: no room");
}

static void
test_failed_ask (Fixture       *fixture,
                 gconstpointer  data)
{
  g_autoptr (TroupeRef) worker = spawn (fixture, TEST_TYPE_WORKER, "w", NULL);
  g_autoptr (TroupePromise) owed = troupe_ref_ask (worker, troupe_message_new ("later"));
  g_autoptr (TroupePromise) failed = troupe_ref_ask (worker, troupe_message_new_int64 ("fail", IN_HANDLER));

  g_test_summary ("Who asked what failed gets that error; what the old object still owed is rejected.");

  troupe_test_settle ();
  assert_rejected (failed, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "no room");
  assert_rejected (owed, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED, "The actor “/w” is being restarted: no room");
  assert_story ("w:started w:pre w:stopped w:started w:post");
}

static void
test_identity (Fixture       *fixture,
               gconstpointer  data)
{
  g_autoptr (TroupeRef) worker = spawn (fixture, TEST_TYPE_WORKER, "w", "kid");
  g_autoptr (TroupeRef) watcher = spawn (fixture, TEST_TYPE_WORKER, "x", NULL);
  g_autoptr (TroupeRef) found = NULL;

  g_test_summary ("Address, name, properties and watches, in both directions, are those of before; children are new.");

  troupe_ref_send (watcher, troupe_message_new_boxed ("watch", TROUPE_TYPE_REF, worker));
  troupe_ref_send (worker, troupe_message_new_boxed ("watch", TROUPE_TYPE_REF, watcher));
  troupe_test_settle ();
  assert_story ("w:started x:started kid:started");
  fail_at (worker, IN_HANDLER);
  troupe_test_settle ();
  assert_story ("w:pre kid:stopped w:stopped w:started w:post kid:started");
  found = child (fixture, "/w");
  g_assert_true (found == worker);

  troupe_ref_stop (watcher);
  troupe_test_settle ();
  assert_story ("x:stopped w:saw /x 0 -");
  troupe_ref_stop (worker);
  troupe_test_settle ();
  assert_story ("kid:stopped w:stopped");
}

static void
test_heirloom (Fixture       *fixture,
               gconstpointer  data)
{
  GObject *heirloom = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (TroupeRef) worker = NULL;
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("An object that is a construct property is passed on from life to life, and dropped at the end of the last.");

  g_object_add_weak_pointer (heirloom, (gpointer *) &heirloom);
  worker = troupe_system_spawn (fixture->system, "w", TEST_TYPE_WORKER, NULL, "heirloom", heirloom, NULL);
  g_object_unref (heirloom);
  fail_at (worker, IN_HANDLER);
  promise = troupe_ref_ask (worker, troupe_message_new ("heirloom"));
  troupe_test_until (troupe_promise_is_resolved (promise));
  g_assert_nonnull (heirloom);
  g_assert_true (troupe_promise_get_object (promise) == heirloom);
  g_clear_pointer (&promise, troupe_promise_unref);
  assert_story ("?:started ?:pre ?:stopped ?:started ?:post");

  troupe_ref_stop (worker);
  troupe_test_settle ();
  g_assert_null (heirloom);
  assert_story ("?:stopped");
}

static void
test_terminated (Fixture       *fixture,
                 gconstpointer  data)
{
  g_autoptr (TroupeRef) watcher = spawn (fixture, TEST_TYPE_WORKER, "x", NULL);
  g_autoptr (TroupeRef) b = NULL;
  g_autoptr (TroupePromise) never = NULL;

  g_test_summary ("The end of a restarted actor is told once, with how it ended and why.");

  spawn_boss (fixture, TROUPE_DIRECTIVE_RESTART, TROUPE_STRATEGY_ONE_FOR_ONE);
  b = child (fixture, "/boss/b");
  troupe_ref_send (watcher, troupe_message_new_boxed ("watch", TROUPE_TYPE_REF, b));
  troupe_test_settle ();
  g_string_truncate (story, 0);
  fail_at (b, IN_HANDLER);
  troupe_test_settle ();
  assert_story ("b:pre b:stopped b:started b:post");

  /* The next restart waits for its back-off: a stop then lets the failure stand. */
  fail_at (b, IN_HANDLER);
  never = troupe_ref_ask (b, troupe_message_new ("total"));
  say (b, "never");
  troupe_test_settle ();
  assert_story ("b:pre b:stopped");
  g_assert_false (troupe_promise_is_resolved (never));
  troupe_ref_stop (b);
  troupe_test_settle ();
  assert_story ("x:saw /boss/b 1 no room");
  assert_rejected (never, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED, "The actor “/boss/b” has stopped: no room");
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 1);
}

/* An actor that leaves all sorts of things behind when it fails. */

#define TEST_TYPE_MESSY (test_messy_get_type ())
G_DECLARE_FINAL_TYPE (TestMessy, test_messy, TEST, MESSY, TestWorker)

struct _TestMessy
{
  TestWorker parent_instance;
};

G_DEFINE_FINAL_TYPE (TestMessy, test_messy, TEST_TYPE_WORKER)

static TroupeResolver *left_behind;

static void
say_in_timer (TroupeTimer *timer,
              gpointer     actor)
{
  tell ("never");
}

static void
say_in_step (TroupePromise *promise,
             gpointer       user_data)
{
  tell ("never");
}

static void
say_in_canceller (TroupeResolver *resolver,
                  gpointer        user_data)
{
  tell ("never");
}

static void
say_freed (gpointer data)
{
  tell ("freed");
}

static gpointer
resolve_in_thread (gpointer resolver)
{
  troupe_resolver_resolve (resolver, NULL);
  troupe_resolver_unref (resolver);
  return NULL;
}

static void
promise_never (TroupeResolver **resolver)
{
  TroupePromise *promise = troupe_promise_new (resolver);

  troupe_promise_add_both (promise, say_in_step, NULL, say_freed);
  troupe_promise_unref (promise);
}

/* A timer, a promise that is resolved much later, one whose outcome is on its way from another thread, and a continuation that
 * lies in the mailbox already. */
static gboolean
on_mess (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  TroupeResolver *for_thread;

  troupe_timer_unref (troupe_actor_call_later (actor, 0, say_in_timer, actor, say_freed));
  promise_never (&left_behind);
  promise_never (&for_thread);
  g_thread_join (g_thread_new ("resolver", resolve_in_thread, for_thread));
  g_propagate_error (error, new_error ());
  return FALSE;
}

static gboolean
on_keep_promise (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  promise_never (&left_behind);
  return TRUE;
}

static gboolean
on_defer (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  left_behind = troupe_message_defer_reply (message);
  troupe_resolver_set_canceller (left_behind, say_in_canceller, actor, say_freed);
  return TRUE;
}

static void
test_messy_class_init (TestMessyClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "mess", G_TYPE_NONE, on_mess);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "keep-promise", G_TYPE_NONE, on_keep_promise);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "defer", G_TYPE_NONE, on_defer);
}

static void
test_messy_init (TestMessy *self)
{
}

static void
test_abandon (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeRef) worker = spawn (fixture, TEST_TYPE_MESSY, "w", NULL);

  g_test_summary ("Timers and promises of the old object are dropped, whenever their time or outcome comes.");

  troupe_ref_send (worker, troupe_message_new ("mess"));
  troupe_test_settle ();
  assert_story ("w:started w:pre w:stopped freed freed freed w:started w:post");
  troupe_resolver_resolve (left_behind, NULL);
  troupe_resolver_unref (left_behind);
  troupe_test_settle ();
  assert_story ("");
}

static void
test_abandon_queued (Fixture       *fixture,
                     gconstpointer  data)
{
  g_autoptr (TroupeRef) worker = spawn (fixture, TEST_TYPE_MESSY, "w", NULL);

  g_test_summary ("A continuation that lies in the mailbox behind what fails belongs to the old object.");

  troupe_ref_send (worker, troupe_message_new ("keep-promise"));
  troupe_test_settle ();
  fail_at (worker, IN_HANDLER);
  troupe_resolver_resolve (left_behind, NULL);
  troupe_resolver_unref (left_behind);
  say (worker, "x");
  troupe_test_settle ();
  assert_story ("w:started w:pre freed w:stopped w:started w:post w:x");
}

static void
test_abandon_canceller (Fixture       *fixture,
                        gconstpointer  data)
{
  g_autoptr (TroupeRef) worker = spawn (fixture, TEST_TYPE_MESSY, "w", NULL);
  g_autoptr (TroupePromise) answer = troupe_ref_ask (worker, troupe_message_new ("defer"));

  g_test_summary ("The news that an answer is cancelled does not reach an object that did not defer it.");

  troupe_test_settle ();
  fail_at (worker, IN_HANDLER);
  troupe_promise_cancel (answer);
  troupe_test_settle ();
  assert_story ("w:started w:pre w:stopped w:started w:post freed");
  assert_rejected (answer, TROUPE_ERROR, TROUPE_ERROR_CANCELLED, "The promise was cancelled");
  troupe_resolver_unref (left_behind);
}

/* Failures during a restart */

static void
test_fail_stopped (Fixture       *fixture,
                   gconstpointer  data)
{
  g_autoptr (TroupeRef) worker = spawn (fixture, TEST_TYPE_WORKER, "w", NULL);

  g_test_summary ("A failure in pre_restart or stopped is logged, and changes nothing.");

  troupe_test_settle ();
  faults.label = "w";
  faults.n_times[IN_PRE_RESTART] = faults.n_times[IN_STOPPED] = 1;
  fail_at (worker, IN_HANDLER);
  troupe_test_settle ();
  assert_story ("w:started w:pre w:stopped w:started w:post");
  g_assert_cmpuint (n_warnings, ==, 3);
  g_assert_cmpstr (last_warning, ==, "The actor “/w” failed again while ending: no room");

  faults.n_times[IN_STOPPED] = 1;
  troupe_ref_stop (worker);
  troupe_test_settle ();
  assert_story ("w:stopped");
  g_assert_true (troupe_ref_has_ended (worker));
}

static void
test_fail_again (Fixture       *fixture,
                 gconstpointer  data)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));
  g_autoptr (TroupeRef) worker = spawn (fixture, TEST_TYPE_WORKER, "w", NULL);

  g_test_summary ("A failure of the new object, in started or post_restart, is one more failure.");

  troupe_clock_advance (clock, 0);
  faults.label = "w";
  faults.n_times[IN_STARTED] = faults.n_times[IN_POST_RESTART] = 1;
  fail_at (worker, IN_HANDLER);
  say (worker, "x");
  troupe_clock_advance (clock, 0);
  assert_story ("w:started w:pre w:stopped w:started");
  troupe_clock_advance (clock, 100);
  assert_story ("w:started w:post w:pre w:stopped");
  troupe_clock_advance (clock, 200);
  assert_story ("w:started w:post w:x");
  g_assert_cmpuint (n_warnings, ==, 3);
}

static void
test_stop_during (Fixture       *fixture,
                  gconstpointer  data)
{
  g_autoptr (TroupeRef) b = NULL;

  g_test_summary ("A parent that stops does not wait for restarts.");

  spawn_boss (fixture, TROUPE_DIRECTIVE_RESTART, TROUPE_STRATEGY_ONE_FOR_ALL);
  b = child (fixture, "/boss/b");
  fail_at (b, IN_HANDLER);
  fail_at (b, IN_HANDLER);
  troupe_test_settle ();
  g_string_truncate (story, 0);
  troupe_ref_stop (fixture->boss);
  troupe_test_settle ();
  assert_story ("boss:stopped");
}

static void
test_kill_during (Fixture       *fixture,
                  gconstpointer  data)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));
  g_autoptr (TroupeRef) a = NULL;
  g_autoptr (TroupeRef) b = NULL;

  g_test_summary ("A member that is killed leaves a restart of several, which goes on without it.");

  boss_supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);
  troupe_supervision_set_strategy (boss_supervision, TROUPE_STRATEGY_ONE_FOR_ALL);
  fixture->boss = spawn (fixture, TEST_TYPE_BOSS, "boss", "a b c");
  troupe_clock_advance (clock, 0);
  a = child (fixture, "/boss/a");
  b = child (fixture, "/boss/b");
  fail_at (b, IN_HANDLER);
  fail_at (b, IN_HANDLER);
  troupe_clock_advance (clock, 0);
  g_string_truncate (story, 0);
  troupe_ref_kill (a);
  troupe_clock_advance (clock, 0);
  assert_story ("");
  g_assert_true (troupe_ref_has_ended (a));
  troupe_clock_advance (clock, 100);
  assert_story ("b:started b:post c:started c:post");
}

/* Policies */

static gpointer
stop_what_fails (gpointer system)
{
  troupe_test_stop_what_fails (system);
  return NULL;
}

static void
test_thread (Fixture       *fixture,
             gconstpointer  data)
{
  g_autoptr (TroupeRef) worker = NULL;

  g_test_summary ("Another thread can say what is done about actors at the top.");

  g_thread_join (g_thread_new ("policy", stop_what_fails, fixture->system));
  troupe_test_settle ();
  worker = spawn (fixture, TEST_TYPE_WORKER, "w", NULL);
  fail_at (worker, IN_HANDLER);
  troupe_test_settle ();
  assert_story ("w:started w:stopped");
}

static void
test_default (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeRef) never = NULL;

  g_test_summary ("By default, what has never started is stopped.");

  faults.label = "w";
  faults.n_times[IN_STARTED] = 1;
  never = spawn (fixture, TEST_TYPE_WORKER, "w", NULL);
  troupe_test_settle ();
  assert_story ("w:started");
  g_assert_true (troupe_ref_has_ended (never));
  g_assert_cmpstr (last_warning, ==, "The actor “/w” failed: no room");
}

static void
test_intensity (Fixture       *fixture,
                gconstpointer  data)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));
  g_autoptr (TroupeRef) b = NULL;
  g_autoptr (TroupeRef) again = NULL;

  g_test_summary ("More restarts than allowed, within the period, and the parent fails.");

  boss_supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);
  troupe_supervision_set_intensity (boss_supervision, 2, 1000);
  troupe_supervision_set_back_off (boss_supervision, 0, 0);
  fixture->boss = spawn (fixture, TEST_TYPE_BOSS, "boss", "b");
  troupe_clock_advance (clock, 0);
  b = child (fixture, "/boss/b");
  g_string_truncate (story, 0);

  fail_at (b, IN_HANDLER);
  troupe_clock_advance (clock, 0);
  troupe_clock_advance (clock, 600);
  fail_at (b, IN_HANDLER);
  troupe_clock_advance (clock, 600);
  fail_at (b, IN_HANDLER);
  troupe_clock_advance (clock, 0);
  assert_story ("b:pre b:stopped b:started b:post b:pre b:stopped b:started b:post b:pre b:stopped b:started b:post");

  fail_at (b, IN_HANDLER);
  troupe_clock_advance (clock, 0);
  assert_story ("boss:pre b:stopped boss:stopped boss:started boss:post b:started");
  g_assert_cmpstr (last_warning, ==, "The actor “/boss” failed, and is restarted: The actor “/boss/b” failed too often: no room");
  g_assert_cmpuint (n_warnings, ==, 4);
  g_assert_true (troupe_ref_has_ended (b));

  /* What was counted is not forgotten because the boss is a new one. */
  again = child (fixture, "/boss/b");
  fail_at (again, IN_HANDLER);
  troupe_clock_advance (clock, 0);
  assert_story ("boss:pre b:stopped boss:stopped");
}

static void
test_last_resort (Fixture       *fixture,
                  gconstpointer  data)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));
  g_autoptr (TroupeRef) watcher = spawn (fixture, TEST_TYPE_WORKER, "x", NULL);
  g_autoptr (TroupeRef) a = NULL;
  g_autoptr (TroupeRef) b = NULL;
  g_autoptr (TroupePromise) never = NULL;

  g_test_summary ("Where the last resort is to stop, who fails too often ends alone, and none counts for another.");

  boss_supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);
  troupe_supervision_set_intensity (boss_supervision, 1, 1000);
  troupe_supervision_set_last_resort (boss_supervision, TROUPE_DIRECTIVE_STOP);
  troupe_supervision_set_back_off (boss_supervision, 0, 0);
  fixture->boss = spawn (fixture, TEST_TYPE_BOSS, "boss", "a b");
  troupe_clock_advance (clock, 0);
  a = child (fixture, "/boss/a");
  b = child (fixture, "/boss/b");
  troupe_ref_send (watcher, troupe_message_new_boxed ("watch", TROUPE_TYPE_REF, b));
  fail_at (a, IN_HANDLER);
  troupe_clock_advance (clock, 0);
  fail_at (b, IN_HANDLER);
  troupe_clock_advance (clock, 0);
  assert_story ("x:started boss:started a:started b:started a:pre a:stopped a:started a:post b:pre b:stopped b:started b:post");

  fail_at (b, IN_HANDLER);
  never = troupe_ref_ask (b, troupe_message_new ("total"));
  troupe_clock_advance (clock, 0);
  assert_story ("b:stopped x:saw /boss/b 1 The actor “/boss/b” failed too often: no room");
  g_assert_cmpuint (n_warnings, ==, 2);
  g_assert_true (troupe_ref_has_ended (b));
  assert_rejected (never, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED,
                   "The actor “/boss/b” has stopped: The actor “/boss/b” failed too often: no room");

  troupe_clock_advance (clock, 1001);
  fail_at (a, IN_HANDLER);
  troupe_clock_advance (clock, 0);
  assert_story ("a:pre a:stopped a:started a:post");
  g_assert_false (troupe_ref_has_ended (fixture->boss));
}

static void
test_back_off (Fixture       *fixture,
               gconstpointer  data)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));
  g_autoptr (TroupeRef) worker = NULL;
  guint ceiling = 100;
  gboolean jitters = FALSE;

  g_test_summary ("Restarts in a row wait for twice as long each time, or half of that; who has lived long begins anew.");

  troupe_supervision_set_back_off (supervision, 100, 1000);
  troupe_system_set_supervision (fixture->system, supervision);
  troupe_system_set_seed (fixture->system, 7);
  worker = spawn (fixture, TEST_TYPE_WORKER, "w", NULL);
  troupe_clock_advance (clock, 0);
  fail_at (worker, IN_HANDLER);
  troupe_clock_advance (clock, 0);
  assert_story ("w:started w:pre w:stopped w:started w:post");

  for (guint i = 0; i < 7; i++)
    {
      guint waited = 0;

      fail_at (worker, IN_HANDLER);
      troupe_clock_advance (clock, 0);
      assert_story ("w:pre w:stopped");
      for (; story->len == 0; waited++)
        troupe_clock_advance (clock, 1);
      assert_story ("w:started w:post");
      g_assert_cmpuint (waited, >=, ceiling / 2);
      g_assert_cmpuint (waited, <=, ceiling);
      jitters = jitters || (waited != ceiling && waited != ceiling / 2);
      ceiling = MIN (2 * ceiling, 1000);
    }
  g_assert_true (jitters);

  troupe_clock_advance (clock, 1000);
  fail_at (worker, IN_HANDLER);
  troupe_clock_advance (clock, 0);
  assert_story ("w:pre w:stopped w:started w:post");
}

static void
test_give_up (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);
  g_autoptr (TroupeRef) worker = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("What is escalated at the top ends the system, in good order, and its run with an error.");

  troupe_supervision_set_intensity (supervision, 0, 1000);
  troupe_system_set_supervision (fixture->system, supervision);
  worker = spawn (fixture, TEST_TYPE_WORKER, "w", "kid");
  troupe_test_settle ();
  fail_at (worker, IN_HANDLER);
  g_assert_false (troupe_system_run (fixture->system, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_GAVE_UP);
  g_assert_cmpstr (error->message, ==, "The actor “/w” failed too often: no room");
  g_assert_error (troupe_error_get_cause (error), G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_error (troupe_system_get_error (fixture->system), TROUPE_ERROR, TROUPE_ERROR_GAVE_UP);
  g_assert_true (troupe_system_has_ended (fixture->system));
  assert_story ("w:started kid:started kid:stopped w:stopped");
}

static void
test_judge (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupeRef) judge = spawn (fixture, TEST_TYPE_JUDGE, "j", "a b");
  g_autoptr (TroupeRef) a = NULL;
  g_autoptr (TroupeRef) b = NULL;

  g_test_summary ("A class may decide on each failure, before it handles other mail.");

  troupe_test_settle ();
  a = child (fixture, "/j/a");
  b = child (fixture, "/j/b");
  g_string_truncate (story, 0);

  judgement = TROUPE_DIRECTIVE_RESUME;
  fail_at (a, IN_HANDLER);
  say (a, "still here");
  say (judge, "later");
  troupe_test_settle ();
  assert_story ("j:judges a no room j:later a:still here");

  judgement = TROUPE_DIRECTIVE_RESTART;
  fail_at (a, IN_HANDLER);
  fail_at (b, IN_HANDLER);
  troupe_test_settle ();
  assert_story ("j:judges a no room j:judges b no room a:pre a:stopped a:started a:post b:pre b:stopped b:started b:post");

  judgement = TROUPE_DIRECTIVE_STOP;
  fail_at (b, IN_HANDLER);
  troupe_test_settle ();
  assert_story ("j:judges b no room b:stopped");

  judgement = TROUPE_DIRECTIVE_ESCALATE;
  fail_at (a, IN_HANDLER);
  troupe_test_settle ();
  assert_story ("j:judges a no room j:pre a:stopped j:stopped j:started j:post a:started b:started");
  g_assert_cmpuint (n_warnings, ==, 1);
}

static void
test_resume_all (Fixture       *fixture,
                 gconstpointer  data)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESUME);
  g_autoptr (TroupeRef) a = NULL;
  g_autoptr (TroupeRef) b = NULL;

  g_test_summary ("A parent that is resumed resumes the child it failed for, and decides on others.");

  troupe_system_set_supervision (fixture->system, supervision);
  spawn_boss (fixture, TROUPE_DIRECTIVE_ESCALATE, TROUPE_STRATEGY_ONE_FOR_ONE);
  a = child (fixture, "/boss/a");
  b = child (fixture, "/boss/b");
  g_string_truncate (story, 0);
  fail_at (a, IN_HANDLER);
  fail_at (b, IN_HANDLER);
  say (a, "1");
  say (b, "2");
  say (fixture->boss, "0");
  troupe_test_settle ();
  g_assert_cmpuint (n_warnings, ==, 2);
  g_assert_nonnull (strstr (story->str, "a:1"));
  g_assert_nonnull (strstr (story->str, "b:2"));
  g_assert_nonnull (strstr (story->str, "boss:0"));
  g_assert_cmpuint (story->len, ==, strlen ("a:1 b:2 boss:0"));
}

static void
test_mortal (Fixture       *fixture,
             gconstpointer  data)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);
  g_autoptr (TroupeRef) worker = NULL;

  g_test_summary ("Who was spawned where nothing is restarted cannot be restarted later: its properties were not kept.");

  troupe_test_stop_what_fails (fixture->system);
  worker = spawn (fixture, TEST_TYPE_WORKER, "w", NULL);
  troupe_test_settle ();
  troupe_system_set_supervision (fixture->system, supervision);
  fail_at (worker, IN_HANDLER);
  troupe_test_settle ();
  assert_story ("w:started w:stopped");
  g_assert_true (troupe_ref_has_ended (worker));
}

static void
test_replay (Fixture       *fixture,
             gconstpointer  data)
{
  g_autoptr (TroupeRef) worker = NULL;
  g_autoptr (TroupePromise) first = NULL;
  g_autoptr (TroupePromise) second = NULL;

  g_test_summary ("A class may have what failed handled once more: first of all, and who asked waits for that.");

  worker = spawn (fixture, TEST_TYPE_STUBBORN, "w", NULL);
  faults.label = "w";
  faults.n_times[IN_HANDLER] = 1;
  first = troupe_ref_ask (worker, troupe_message_new ("try"));
  say (worker, "next");
  troupe_test_settle ();
  assert_story ("w:started w:try w:pre w:stopped w:started w:post w:try w:next");
  g_assert_cmpint (troupe_promise_get_int64 (first), ==, 42);

  /* In its back-off, it is stopped instead. */
  faults.n_times[IN_HANDLER] = 1;
  second = troupe_ref_ask (worker, troupe_message_new ("try"));
  troupe_test_settle ();
  g_assert_false (troupe_promise_is_resolved (second));
  troupe_ref_stop (worker);
  troupe_test_settle ();
  assert_rejected (second, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "no room");
}

static void
test_replay_resume (Fixture       *fixture,
                    gconstpointer  data)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESUME);
  g_autoptr (TroupeRef) worker = NULL;
  g_autoptr (TroupePromise) first = NULL;

  g_test_summary ("Who is resumed goes on with the next message, whatever the class says.");

  troupe_system_set_supervision (fixture->system, supervision);
  worker = spawn (fixture, TEST_TYPE_STUBBORN, "w", NULL);
  faults.label = "w";
  faults.n_times[IN_HANDLER] = 1;
  first = troupe_ref_ask (worker, troupe_message_new ("try"));
  say (worker, "next");
  troupe_test_settle ();
  assert_story ("w:started w:try w:next");
  assert_rejected (first, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "no room");
}

static void
test_tree (Fixture       *fixture,
           gconstpointer  data)
{
  g_autofree char *text = NULL;
  g_autoptr (TroupeRef) b = NULL;

  g_test_summary ("The tree of a system can be looked at.");

  spawn_boss (fixture, TROUPE_DIRECTIVE_RESTART, TROUPE_STRATEGY_ONE_FOR_ONE);
  b = child (fixture, "/boss/b");
  fail_at (b, IN_HANDLER);
  fail_at (b, IN_HANDLER);
  say (b, "later");
  troupe_test_settle ();
  say (fixture->boss, "now");
  text = troupe_system_dump_tree (fixture->system);
  g_assert_cmpstr (text, ==,
                   "/ TroupeActor: live, 0 waiting, 0 restarts\n"
                   "  /boss TestBoss: live, 1 waiting, 0 restarts\n"
                   "    /boss/a TestWorker: live, 0 waiting, 0 restarts\n"
                   "    /boss/b TestWorker: restarting, 1 waiting, 1 restarts\n"
                   "    /boss/c TestWorker: live, 0 waiting, 0 restarts\n");
}

int
main (int   argc,
      char *argv[])
{
  begin_tests (&argc, &argv);

  add ("order", test_order);
  add ("failed-ask", test_failed_ask);
  add ("identity", test_identity);
  add ("heirloom", test_heirloom);
  add ("terminated", test_terminated);
  add ("abandon", test_abandon);
  add ("abandon-queued", test_abandon_queued);
  add ("abandon-canceller", test_abandon_canceller);
  add ("fail-stopped", test_fail_stopped);
  add ("fail-again", test_fail_again);
  add ("stop-during", test_stop_during);
  add ("kill-during", test_kill_during);
  add ("thread", test_thread);
  add ("default", test_default);
  add ("intensity", test_intensity);
  add ("last-resort", test_last_resort);
  add ("back-off", test_back_off);
  add ("give-up", test_give_up);
  add ("judge", test_judge);
  add ("resume-all", test_resume_all);
  add ("mortal", test_mortal);
  add ("replay", test_replay);
  add ("replay-resume", test_replay_resume);
  add ("tree", test_tree);

  return run_tests ();
}
