/* test-registry.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Names, aliases, looking up, and waiting for who is still to come. */

#include "troupe-test-puppet.h"
#include "troupe-test-trace.h"

typedef struct
{
  TroupeSystem *system;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  fixture->system = troupe_test_system_new ();
  trace = g_string_new (NULL);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  if (fixture->system != NULL)
    troupe_test_system_end (fixture->system);
  g_string_free (trace, TRUE);
}

/* Says which path the actor of the promise has, or what went wrong. */
static void
say_outcome (TroupePromise *promise,
             gpointer       label)
{
  g_autoptr (GError) error = troupe_promise_steal_error (promise);
  g_autofree char *path = NULL;
  g_autofree char *words = NULL;

  if (error == NULL)
    path = troupe_ref_dup_path (troupe_promise_get_boxed (promise));
  words = g_strdup_printf ("%s:%s", (const char *) label, error != NULL ? error->message : path);
  say (words);
  troupe_promise_return_nothing (promise);
}

static TroupePromise *
wait_for (Fixture    *fixture,
          const char *path,
          const char *label)
{
  return troupe_promise_add_both (troupe_system_wait_for (fixture->system, path), say_outcome, (gpointer) label, NULL);
}

static void
stop_and_wait (TroupeRef *ref)
{
  troupe_ref_stop (ref);
  troupe_test_until (troupe_ref_has_ended (ref));
}

static void
assert_found (Fixture    *fixture,
              const char *path,
              TroupeRef  *expected)
{
  g_autoptr (TroupeRef) ref = troupe_system_lookup (fixture->system, path);

  g_assert_true (ref == expected);
}

static void
assert_paths (Fixture    *fixture,
              const char *expected)
{
  g_auto (GStrv) paths = troupe_system_dup_paths (fixture->system);
  g_autofree char *joined = g_strjoinv (" ", paths);

  g_assert_cmpstr (joined, ==, expected);
}

static void
register_it (Fixture    *fixture,
             const char *path,
             TroupeRef  *ref)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (troupe_system_register (fixture->system, path, ref, &error));
  g_assert_no_error (error);
}

static void
assert_refused (Fixture    *fixture,
                const char *path,
                TroupeRef  *ref,
                int         code,
                const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (troupe_system_register (fixture->system, path, ref, &error));
  g_assert_error (error, TROUPE_ERROR, code);
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_there (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupeRef) hits = test_puppet_new (fixture->system, "hits");
  g_autoptr (TroupePromise) promise = wait_for (fixture, "/hits", "a");

  g_test_summary ("Nobody waits for an actor that is there.");

  assert_trace ("a:/hits");
}

static void
test_to_come (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupePromise) a = wait_for (fixture, "/hits", "a");
  g_autoptr (TroupePromise) b = wait_for (fixture, "/misses", "b");
  g_autoptr (TroupePromise) c = wait_for (fixture, "/hits", "c");
  g_autoptr (TroupeRef) hits = NULL;
  g_autoptr (TroupeRef) misses = NULL;

  g_test_summary ("Those who wait for an actor to come are told in the order in which they asked.");

  assert_trace ("");
  hits = test_puppet_new (fixture->system, "hits");
  assert_trace ("a:/hits c:/hits");
  misses = test_puppet_new (fixture->system, "misses");
  assert_trace ("b:/misses");
}

static gboolean
spawn_child (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  g_autoptr (TroupeRef) child = troupe_actor_spawn (actor, test_puppet_get_data (message), TEST_TYPE_PUPPET, error, NULL);

  return child != NULL;
}

static void
test_child_to_come (Fixture       *fixture,
                    gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = wait_for (fixture, "/a/b", "x");
  g_autoptr (TroupeRef) a = test_puppet_new (fixture->system, "a");

  g_test_summary ("One may wait for another one's child.");

  assert_trace ("");
  test_puppet_tell (a, spawn_child, (gpointer) "b");
  troupe_test_until (trace->len > 0);
  assert_trace ("x:/a/b");
}

static void
test_cancel (Fixture       *fixture,
             gconstpointer  data)
{
  g_autoptr (TroupePromise) a = wait_for (fixture, "/hits", "a");
  g_autoptr (TroupePromise) b = wait_for (fixture, "/hits", "b");
  g_autoptr (TroupeRef) hits = NULL;

  g_test_summary ("Waiting can be cancelled.");

  troupe_promise_cancel (a);
  assert_trace ("a:The promise was cancelled");
  hits = test_puppet_new (fixture->system, "hits");
  assert_trace ("b:/hits");
}

static void
test_timeout (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));
  g_autoptr (TroupePromise) promise = NULL;
  g_autoptr (TroupeRef) late = NULL;

  g_test_summary ("Waiting can be limited.");

  promise = troupe_promise_add_timeout (troupe_system_wait_for (fixture->system, "/late"), 100, NULL, NULL, NULL);
  troupe_promise_add_both (promise, say_outcome, (gpointer) "a", NULL);
  troupe_clock_advance (clock, 99);
  assert_trace ("");
  troupe_clock_advance (clock, 1);
  g_assert_true (g_str_has_prefix (trace->str, "a:"));
  g_assert_nonnull (strstr (trace->str, "100 ms"));
  g_string_truncate (trace, 0);
  late = test_puppet_new (fixture->system, "late");
  assert_trace ("");
}

static gboolean
wait_in_turn (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  g_autoptr (TroupePromise) promise = wait_for (test_puppet_get_data (message), "/hits", "puppet");

  troupe_message_reply (message);
  return TRUE;
}

static void
test_waiter_ends (Fixture       *fixture,
                  gconstpointer  data)
{
  g_autoptr (TroupeRef) puppet = test_puppet_new (fixture->system, NULL);
  g_autoptr (TroupePromise) begun = test_puppet_ask_and_wait (puppet, wait_in_turn, fixture);
  g_autoptr (TroupePromise) other = wait_for (fixture, "/hits", "other");
  g_autoptr (TroupeRef) hits = NULL;

  g_test_summary ("An actor that ends waits no more.");

  stop_and_wait (puppet);
  hits = test_puppet_new (fixture->system, "hits");
  assert_trace ("other:/hits");
}

static void
test_waiter_turn (Fixture       *fixture,
                  gconstpointer  data)
{
  g_autoptr (TroupeRef) puppet = test_puppet_new (fixture->system, NULL);
  g_autoptr (TroupePromise) begun = test_puppet_ask_and_wait (puppet, wait_in_turn, fixture);
  g_autoptr (TroupeRef) hits = test_puppet_new (fixture->system, "hits");

  g_test_summary ("An actor is told in a turn of its own.");

  assert_trace ("");
  troupe_test_until (trace->len > 0);
  assert_trace ("puppet:/hits");
}

static void
test_bad_paths (Fixture       *fixture,
                gconstpointer  data)
{
  static const struct { const char *path; const char *problem; } bad[] = {
    { "", "does not begin with a slash" },
    { "hits", "does not begin with a slash" },
    { "/", "has an empty name in it" },
    { "/a/", "has an empty name in it" },
    { "/a//b", "has an empty name in it" },
    { "/a\nb", "has a control character in it" },
    { "/\xff", "is not UTF-8" },
  };
  g_autoptr (TroupeRef) puppet = test_puppet_new (fixture->system, NULL);
  guint i;

  g_test_summary ("Paths that no actor can have are refused.");

  for (i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *valid = g_utf8_make_valid (bad[i].path, -1);
      g_autofree char *message = g_strdup_printf ("The path “%s” %s", valid, bad[i].problem);
      g_autoptr (TroupePromise) promise = troupe_system_wait_for (fixture->system, bad[i].path);

      g_assert_error (troupe_promise_get_error (promise), TROUPE_ERROR, TROUPE_ERROR_BAD_NAME);
      g_assert_cmpstr (troupe_promise_get_error (promise)->message, ==, message);
      troupe_promise_add_errback (promise, say_outcome, (gpointer) "", NULL);
      assert_refused (fixture, bad[i].path, puppet, TROUPE_ERROR_BAD_NAME, message);
      assert_found (fixture, bad[i].path, NULL);
    }
}

static void
test_system_ends (Fixture       *fixture,
                  gconstpointer  data)
{
  TroupeSystem *system = fixture->system;
  g_autoptr (TroupePromise) before = wait_for (fixture, "/hits", "before");
  g_autoptr (TroupePromise) after = NULL;

  g_test_summary ("Nobody waits for actors of a system that has ended.");

  troupe_system_shutdown (system);
  troupe_test_until (troupe_system_has_ended (system));
  troupe_test_settle ();
  assert_trace ("before:The system has ended: there will be no actor “/hits”");
  after = wait_for (fixture, "/misses", "after");
  assert_trace ("after:The system has ended: there will be no actor “/misses”");
}

static void
test_again (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupeRef) first = test_puppet_new (fixture->system, "hits");
  g_autoptr (TroupeRef) second = NULL;
  g_autoptr (TroupeRef) refused = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("The name of an actor that has ended is free.");

  refused = troupe_system_spawn (fixture->system, "hits", TEST_TYPE_PUPPET, &error, NULL);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_NAME_IN_USE);
  stop_and_wait (first);
  assert_found (fixture, "/hits", NULL);
  assert_paths (fixture, "");
  second = test_puppet_new (fixture->system, "hits");
  assert_found (fixture, "/hits", second);
}

/* Looks, as its last deed, whether its parent is to be found. */

#define TEST_TYPE_ORPHAN (test_orphan_get_type ())
G_DECLARE_FINAL_TYPE (TestOrphan, test_orphan, TEST, ORPHAN, TroupeActor)

struct _TestOrphan
{
  TroupeActor parent_instance;
};

G_DEFINE_FINAL_TYPE (TestOrphan, test_orphan, TROUPE_TYPE_ACTOR)

static void
test_orphan_stopped (TroupeActor *actor)
{
  TroupeSystem *system = troupe_actor_get_system (actor);
  g_autoptr (TroupeRef) parent = troupe_system_lookup (system, "/parent");
  g_autoptr (TroupeRef) alias = troupe_system_lookup (system, "/alias");
  g_autoptr (TroupeRef) again = NULL;
  g_autoptr (GError) error = NULL;

  say (parent == NULL && alias == NULL ? "alone" : "not alone");
  again = troupe_system_spawn (system, "parent", TEST_TYPE_PUPPET, &error, NULL);
  say (g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_NAME_IN_USE) ? "in use" : "free");
  g_assert_false (troupe_system_register (system, "/other", troupe_ref_get_parent (troupe_actor_get_ref (actor)), NULL));
}

static void
test_orphan_class_init (TestOrphanClass *klass)
{
  TROUPE_ACTOR_CLASS (klass)->stopped = test_orphan_stopped;
}

static void
test_orphan_init (TestOrphan *self)
{
}

static gboolean
spawn_orphan (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  g_autoptr (TroupeRef) child = troupe_actor_spawn (actor, NULL, TEST_TYPE_ORPHAN, error, NULL);

  troupe_message_reply (message);
  return child != NULL;
}

static void
test_ending (Fixture       *fixture,
             gconstpointer  data)
{
  g_autoptr (TroupeRef) parent = test_puppet_new (fixture->system, "parent");
  g_autoptr (TroupePromise) spawned = test_puppet_ask_and_wait (parent, spawn_orphan, NULL);
  g_autoptr (TroupePromise) promise = NULL;
  g_autoptr (TroupeRef) next = NULL;

  g_test_summary ("An actor that ends is not found, has no alias any more and gets none, but keeps its name to the last.");

  register_it (fixture, "/alias", parent);
  stop_and_wait (parent);
  assert_trace ("alone in use");
  promise = wait_for (fixture, "/parent", "next");
  next = test_puppet_new (fixture->system, "parent");
  assert_trace ("next:/parent");
}

static void
test_alias (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupeRef) puppet = test_puppet_new (fixture->system, NULL);
  g_autoptr (TroupeRef) named = test_puppet_new (fixture->system, "named");

  g_test_summary ("An actor may have any number of aliases, each of which is one actor's.");

  register_it (fixture, "/database", puppet);
  register_it (fixture, "/services/database", puppet);
  assert_found (fixture, "/database", puppet);
  assert_found (fixture, "/services/database", puppet);
  assert_paths (fixture, "/database /named /services/database");
  assert_refused (fixture, "/database", puppet, TROUPE_ERROR_NAME_IN_USE, "There is an actor “/database” already");
  assert_refused (fixture, "/named", puppet, TROUPE_ERROR_NAME_IN_USE, "There is an actor “/named” already");

  g_assert_true (troupe_system_unregister (fixture->system, "/database"));
  g_assert_false (troupe_system_unregister (fixture->system, "/database"));
  g_assert_false (troupe_system_unregister (fixture->system, "/named"));
  assert_found (fixture, "/database", NULL);
  register_it (fixture, "/database", named);
  assert_found (fixture, "/database", named);
}

static void
test_alias_in_use (Fixture       *fixture,
                   gconstpointer  data)
{
  g_autoptr (TroupeRef) puppet = test_puppet_new (fixture->system, NULL);
  g_autoptr (TroupeRef) refused = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("Who spawns cannot take what is somebody's alias.");

  register_it (fixture, "/database", puppet);
  refused = troupe_system_spawn (fixture->system, "database", TEST_TYPE_PUPPET, &error, NULL);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_NAME_IN_USE);
  g_assert_null (refused);
}

static void
test_alias_ends (Fixture       *fixture,
                 gconstpointer  end)
{
  g_autoptr (TroupeRef) puppet = test_puppet_new (fixture->system, "puppet");

  g_test_summary ("Aliases end with their actor, however it ends, and one that has ended gets none.");

  register_it (fixture, "/a", puppet);
  register_it (fixture, "/b", puppet);
  ((void (*) (TroupeRef *)) end) (puppet);
  troupe_test_until (troupe_ref_has_ended (puppet));
  assert_paths (fixture, "");
  assert_refused (fixture, "/a", puppet, TROUPE_ERROR_ACTOR_STOPPED, "The actor “/puppet” has stopped");
}

static gboolean
spawn_and_die (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  g_autoptr (TroupeRef) child = troupe_actor_spawn (actor, NULL, TEST_TYPE_PUPPET, error, NULL);

  register_it (fixture, "/unborn", child);
  troupe_ref_kill (troupe_actor_get_ref (actor));
  return TRUE;
}

static void
test_alias_unborn (Fixture       *fixture,
                   gconstpointer  data)
{
  g_autoptr (TroupeRef) parent = test_puppet_new (fixture->system, NULL);

  g_test_summary ("Aliases end with an actor that never began.");

  test_puppet_tell (parent, spawn_and_die, fixture);
  troupe_test_until (troupe_ref_has_ended (parent));
  assert_paths (fixture, "");
}

static gboolean
fail (TroupeActor    *actor,
      TroupeMessage  *message,
      GError        **error)
{
  g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_FAILED, "as told");
  return FALSE;
}

static void
test_restart (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);
  g_autoptr (TroupeRef) puppet = test_puppet_new (fixture->system, "puppet");
  g_autoptr (TroupePromise) failed = NULL;
  g_autoptr (TroupePromise) done = NULL;

  g_test_summary ("An actor that is restarted has the names that it had, and is found.");

  troupe_system_set_supervision (fixture->system, supervision);
  register_it (fixture, "/alias", puppet);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*“/puppet” failed*as told*");
  failed = test_puppet_ask_and_wait (puppet, fail, NULL);
  assert_found (fixture, "/alias", puppet);
  assert_found (fixture, "/puppet", puppet);
  done = test_puppet_ask_and_wait (puppet, wait_in_turn, fixture);
  g_test_assert_expected_messages ();
  g_assert_true (troupe_promise_has_value (done));
  assert_paths (fixture, "/alias /puppet");
  assert_found (fixture, "/alias", puppet);
  troupe_promise_add_errback (failed, say_outcome, (gpointer) "failed", NULL);
  assert_trace ("failed:as told");
}

static void
test_alias_awaited (Fixture       *fixture,
                    gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = wait_for (fixture, "/database", "a");
  g_autoptr (TroupeRef) puppet = test_puppet_new (fixture->system, "postgres");

  g_test_summary ("One may wait for an alias.");

  assert_trace ("");
  register_it (fixture, "/database", puppet);
  assert_trace ("a:/postgres");
}

static gpointer
wait_elsewhere (gpointer data)
{
  Fixture *fixture = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TroupePromise) promise = NULL;
  g_autoptr (TroupePromise) given_up = NULL;
  TroupeRef *ref = NULL;

  g_main_context_push_thread_default (context);
  given_up = wait_for (fixture, "/never", "thread");
  troupe_promise_cancel (given_up);
  promise = troupe_promise_add_callback (troupe_system_wait_for (fixture->system, "/hits"), troupe_test_take_ref, &ref, NULL);
  g_main_context_wakeup (NULL);
  troupe_test_until (ref != NULL);
  g_main_context_pop_thread_default (context);

  return ref;
}

static void
test_thread (Fixture       *fixture,
             gconstpointer  data)
{
  GThread *thread = g_thread_new ("waiter", wait_elsewhere, fixture);
  g_autoptr (TroupeRef) hits = NULL;
  g_autoptr (TroupeRef) found = NULL;

  g_test_summary ("Another thread may wait, and is told where it waits.");

  hits = test_puppet_new (fixture->system, "hits");
  found = g_thread_join (thread);
  g_assert_true (found == hits);
  assert_trace ("thread:The promise was cancelled");
}

#define N_NAMES 1000

static gpointer
spawn_names (gpointer system)
{
  guint i;

  for (i = 0; i < N_NAMES; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u", i);
      g_autoptr (TroupeRef) ref = test_puppet_new (system, name);
    }

  return NULL;
}

typedef struct
{
  Fixture *fixture;
  guint    n_found;
} Hunt;

/* In a turn: whoever is found has one of its own in the same pass. */
static gboolean
hunt (TroupeActor    *actor,
      TroupeMessage  *message,
      GError        **error)
{
  Hunt *self = test_puppet_get_data (message);
  g_autofree char *path = g_strdup_printf ("/%u", self->n_found);
  g_autoptr (TroupeRef) ref = troupe_system_lookup (self->fixture->system, path);

  if (ref != NULL)
    {
      troupe_ref_finish (ref);
      self->n_found++;
    }
  if (self->n_found < N_NAMES)
    test_puppet_tell (troupe_actor_get_ref (actor), hunt, self);
  return TRUE;
}

static void
test_early (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupeRef) hunter = test_puppet_new (fixture->system, NULL);
  Hunt self = { fixture, 0 };
  GThread *spawner = g_thread_new ("spawner", spawn_names, fixture->system);

  g_test_summary ("Who is found may be sent to, however early that is.");

  test_puppet_tell (hunter, hunt, &self);
  troupe_test_until (self.n_found == N_NAMES);
  g_thread_join (spawner);
  troupe_ref_stop (hunter);
  troupe_test_until (troupe_system_get_n_actors (fixture->system) == 0);
}

#define N_RACES 500

typedef struct
{
  TroupeSystem *system;
  TroupeRef    *ref;
} Race;

static void
race (gpointer data,
      gpointer unused)
{
  g_autofree Race *race = data;

  if (troupe_system_register (race->system, "/racer", race->ref, NULL) && g_random_boolean ())
    troupe_system_unregister (race->system, "/racer");
  troupe_ref_unref (race->ref);
}

static void
test_race (Fixture       *fixture,
           gconstpointer  data)
{
  GThreadPool *pool = g_thread_pool_new (race, NULL, 2, TRUE, NULL);
  guint i;

  g_test_summary ("However registering and ending meet, no alias stays.");

  for (i = 0; i < N_RACES; i++)
    {
      TroupeRef *ref = test_puppet_new (fixture->system, NULL);
      Race *race = g_new (Race, 1);

      *race = (Race) { fixture->system, ref };
      g_thread_pool_push (pool, race, NULL);
      if (i % 2 == 0)
        g_main_context_iteration (NULL, FALSE);
      troupe_ref_stop (ref);
    }

  g_thread_pool_free (pool, FALSE, TRUE);
  troupe_test_until (troupe_system_get_n_actors (fixture->system) == 0);
  troupe_test_settle ();
  assert_paths (fixture, "");
}

#define add(path, data, func) \
  g_test_add ("/troupe/registry/" path, Fixture, data, set_up, func, tear_down)

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("there", NULL, test_there);
  add ("to-come", NULL, test_to_come);
  add ("child-to-come", NULL, test_child_to_come);
  add ("cancel", NULL, test_cancel);
  add ("timeout", NULL, test_timeout);
  add ("waiter-ends", NULL, test_waiter_ends);
  add ("waiter-turn", NULL, test_waiter_turn);
  add ("bad-paths", NULL, test_bad_paths);
  add ("system-ends", NULL, test_system_ends);
  add ("again", NULL, test_again);
  add ("ending", NULL, test_ending);
  add ("alias", NULL, test_alias);
  add ("alias-in-use", NULL, test_alias_in_use);
  add ("alias-stopped", troupe_ref_stop, test_alias_ends);
  add ("alias-killed", troupe_ref_kill, test_alias_ends);
  add ("alias-unborn", NULL, test_alias_unborn);
  add ("alias-awaited", NULL, test_alias_awaited);
  add ("restart", NULL, test_restart);
  add ("thread", NULL, test_thread);
  add ("early", NULL, test_early);
  add ("race", NULL, test_race);

  return g_test_run ();
}
