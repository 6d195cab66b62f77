/* test-supervision-matrix.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "troupe-test-worker.h"

/* Every directive, for every strategy, after a failure at every place */

/* What comes of b's failure, told by a, b, c and, if it escalates, the boss. */
static const char *
get_expected (TroupeDirective directive,
              TroupeStrategy  strategy)
{
  static const char *const restarted[] = {
    "b:pre b:stopped b:started b:post",
    "c:pre c:stopped b:pre b:stopped a:pre a:stopped a:started a:post b:started b:post c:started c:post",
    "c:pre c:stopped b:pre b:stopped b:started b:post c:started c:post",
  };
  static const char *const stopped[] = { "b:stopped", "c:stopped b:stopped a:stopped", "c:stopped b:stopped" };

  switch (directive)
    {
    case TROUPE_DIRECTIVE_RESTART:
      return restarted[strategy];

    case TROUPE_DIRECTIVE_STOP:
      return stopped[strategy];

    case TROUPE_DIRECTIVE_ESCALATE:
      return "boss:pre c:stopped b:stopped a:stopped boss:stopped boss:started boss:post a:started b:started c:started";

    case TROUPE_DIRECTIVE_RESUME:
    default:
      return "";
    }
}

static void
check_combination (Fixture         *fixture,
                   TroupeDirective  directive,
                   TroupeStrategy   strategy,
                   Place            place)
{
  g_autoptr (TroupeRef) a = NULL;
  g_autoptr (TroupeRef) b = NULL;
  g_autofree char *expected = g_strdup (get_expected (directive, strategy));
  gboolean lives = directive <= TROUPE_DIRECTIVE_RESTART;

  spawn_boss (fixture, directive, strategy);
  a = child (fixture, "/boss/a");
  b = child (fixture, "/boss/b");
  g_string_truncate (story, 0);

  faults.label = "b";
  faults.n_times[place] = 1;
  troupe_ref_send (a, troupe_message_new_int64 ("add", 1));
  troupe_ref_send (b, troupe_message_new_int64 ("add", 1));
  fail_at (b, place);
  troupe_test_settle ();
  g_assert_cmpstr (story->str, ==, expected);
  g_string_truncate (story, 0);

  /* What was sent before is gone with the object, or is not; what is sent afterwards arrives if the ref still stands for an actor. */
  g_assert_cmpint (troupe_ref_has_ended (b), ==, !lives);
  if (lives)
    g_assert_cmpint (get_total (b), ==, directive == TROUPE_DIRECTIVE_RESUME ? 1 : 0);
  if (!troupe_ref_has_ended (a))
    g_assert_cmpint (get_total (a), ==,
                     directive == TROUPE_DIRECTIVE_RESTART && strategy == TROUPE_STRATEGY_ONE_FOR_ALL ? 0 : 1);
}

static void
test_matrix (gconstpointer place)
{
  g_test_summary ("Each directive does what it says to those that each strategy names, wherever the failure was.");

  for_each_policy (check_combination, GPOINTER_TO_INT (place));
}

static void
check_ending (Fixture         *fixture,
              TroupeDirective  directive,
              TroupeStrategy   strategy,
              Place            place)
{
  faults.n_times[place] = 1;
  check_combination (fixture, directive, strategy, IN_HANDLER);
}

static void
test_matrix_ending (gconstpointer place)
{
  g_test_summary ("That the object fails once more while it ends changes nothing of what becomes of it and of others.");

  for_each_policy (check_ending, GPOINTER_TO_INT (place));
}

/* What b's failure to start comes to, after it and its siblings have tried. */
static const char *
get_expected_unstarted (TroupeDirective directive,
                        TroupeStrategy  strategy)
{
  static const char *const restarted[] = {
    " b:started b:post",
    " c:pre c:stopped a:pre a:stopped a:started a:post b:started b:post c:started c:post",
    " c:pre c:stopped b:started b:post c:started c:post",
  };
  static const char *const stopped[] = { "", " c:stopped a:stopped", " c:stopped" };

  switch (directive)
    {
    case TROUPE_DIRECTIVE_RESUME:
    case TROUPE_DIRECTIVE_RESTART:
      return restarted[strategy];

    case TROUPE_DIRECTIVE_STOP:
      return stopped[strategy];

    case TROUPE_DIRECTIVE_ESCALATE:
    default:
      return " boss:pre c:stopped a:stopped boss:stopped boss:started boss:post a:started b:started c:started";
    }
}

static void
check_started (Fixture         *fixture,
               TroupeDirective  directive,
               TroupeStrategy   strategy,
               Place            place)
{
  g_autofree char *all = g_strconcat ("boss:started a:started b:started c:started",
                                      get_expected_unstarted (directive, strategy), NULL);

  faults.label = "b";
  faults.n_times[place] = 1;
  spawn_boss (fixture, directive, strategy);
  assert_story (all);
}

static void
test_matrix_started (gconstpointer place)
{
  g_test_summary ("A failure to start is dealt with as others; there is nothing to resume, so that is a restart.");

  for_each_policy (check_started, GPOINTER_TO_INT (place));
}

/* … and of a child whose parent is restarted */

#define boss_restarted " boss:stopped boss:started boss:post a:started b:started c:started"

/* b fails in its handler, and the boss before it can decide on that; or b fails when the boss has it stopped. */
static void
check_child (Fixture         *fixture,
             TroupeDirective  directive,
             TroupeStrategy   strategy,
             Place            place)
{
  g_autoptr (TroupeRef) watcher = spawn (fixture, TEST_TYPE_WORKER, "x", NULL);
  g_autoptr (TroupeRef) a = NULL;
  g_autoptr (TroupeRef) b = NULL;
  g_autoptr (TroupeRef) again = NULL;

  spawn_boss (fixture, directive, strategy);
  a = child (fixture, "/boss/a");
  b = child (fixture, "/boss/b");
  watch (watcher, a);
  watch (watcher, b);
  troupe_test_settle ();
  g_string_truncate (story, 0);

  faults.label = "b";
  faults.n_times[place] = 1;
  fail_at (fixture->boss, IN_HANDLER);
  if (place == IN_HANDLER)
    fail_at (b, place);
  troupe_test_settle ();
  if (place == IN_HANDLER)
    assert_story ("boss:pre c:stopped b:stopped a:stopped x:saw /boss/b 1 no room x:saw /boss/a 0 -" boss_restarted);
  else
    assert_story ("boss:pre c:stopped b:stopped a:stopped x:saw /boss/b 0 - x:saw /boss/a 0 -" boss_restarted);
  g_assert_cmpuint (n_warnings, ==, 2);

  /* The policy is in force in the next life, too; there the next restart of the boss would have to wait. */
  again = child (fixture, "/boss/b");
  faults.n_times[place] = 0;
  fail_at (again, IN_HANDLER);
  troupe_test_settle ();
  if (directive != TROUPE_DIRECTIVE_ESCALATE)
    assert_story (get_expected (directive, strategy));
}

static void
test_matrix_child (gconstpointer place)
{
  g_test_summary ("A child that fails while its parent is restarted ends with that parent's object, whatever the policy, and is built anew.");

  for_each_policy (check_child, GPOINTER_TO_INT (place));
}

static void
check_child_started (Fixture         *fixture,
                     TroupeDirective  directive,
                     TroupeStrategy   strategy,
                     Place            place)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));
  g_autofree char *all = g_strconcat ("boss:pre c:stopped b:stopped a:stopped" boss_restarted,
                                      get_expected_unstarted (directive, strategy), NULL);

  spawn_boss (fixture, directive, strategy);
  g_string_truncate (story, 0);
  faults.label = "b";
  faults.n_times[place] = 1;
  fail_at (fixture->boss, IN_HANDLER);
  troupe_test_settle ();
  /* For the boss that would be the second restart in a row. */
  troupe_clock_advance (clock, 1000);
  assert_story (all);
}

static void
test_matrix_child_started (gconstpointer place)
{
  g_test_summary ("A child that fails to start in its parent's next life is dealt with as in the first.");

  for_each_policy (check_child_started, GPOINTER_TO_INT (place));
}

/* b waits for its next life, and those that share its fate, if the directive is to restart; otherwise there is nothing to wait for. */
static void
check_child_back_off (Fixture         *fixture,
                      TroupeDirective  directive,
                      TroupeStrategy   strategy,
                      Place            place)
{
  static const char *const stopped[] = { " c:stopped a:stopped", "", " a:stopped" };
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));
  g_autofree char *all = g_strconcat ("boss:pre", stopped[strategy], boss_restarted, NULL);
  g_autoptr (TroupeRef) b = NULL;

  if (directive != TROUPE_DIRECTIVE_RESTART)
    return;

  spawn_boss (fixture, directive, strategy);
  b = child (fixture, "/boss/b");
  fail_at (b, place);
  fail_at (b, place);
  troupe_test_settle ();
  g_string_truncate (story, 0);
  fail_at (fixture->boss, IN_HANDLER);
  troupe_test_settle ();
  troupe_clock_advance (clock, 1000);
  assert_story (all);
  g_assert_true (troupe_ref_has_ended (b));
}

static void
test_matrix_child_back_off (gconstpointer place)
{
  g_test_summary ("Children that wait for their next lives are not built any more when their parent is restarted; others stop.");

  for_each_policy (check_child_back_off, GPOINTER_TO_INT (place));
}

int
main (int   argc,
      char *argv[])
{
  static const Place turns[] = {
    IN_HANDLER, IN_RECEIVE, IN_TIMER, IN_CONTINUATION, IN_LATE_CONTINUATION, IN_ACTOR_FAIL, IN_CHILD_TERMINATED,
  };
  static const Place ends[] = { IN_STOPPED, IN_PRE_RESTART };
  static const Place starts[] = { IN_STARTED };
  static const Place child_places[] = { IN_HANDLER, IN_STOPPED };
  static const Place handler[] = { IN_HANDLER };

  begin_tests (&argc, &argv);

  add_places ("place", turns, G_N_ELEMENTS (turns), test_matrix);
  add_places ("place", ends, G_N_ELEMENTS (ends), test_matrix_ending);
  add_places ("place", starts, G_N_ELEMENTS (starts), test_matrix_started);
  add_places ("parent-restarts", child_places, G_N_ELEMENTS (child_places), test_matrix_child);
  add_places ("parent-restarts", starts, G_N_ELEMENTS (starts), test_matrix_child_started);
  add_places ("parent-restarts/back-off", handler, G_N_ELEMENTS (handler), test_matrix_child_back_off);

  return run_tests ();
}
