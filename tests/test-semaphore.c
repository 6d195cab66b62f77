/* test-semaphore.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Semaphores, and locks, which are semaphores of 1, rule by rule of the specification: 86 to 90 and 94. */

#include "troupe-test-puppet.h"

typedef struct
{
  TroupeSemaphore *semaphore;
  GString         *story;
  TroupeResolver  *resolver;         /* of what the function promises */
  gboolean         promises;
  gboolean         fails;
  gboolean         rejects;          /* fails by a promise of an error */
  guint            n_freed;
} Fixture;

/* A letter for each that holds it. */
typedef struct
{
  Fixture *fixture;
  char     name;
} Holder;

static void
set_up (Fixture       *fixture,
        gconstpointer  limit)
{
  fixture->semaphore = troupe_semaphore_new (GPOINTER_TO_UINT (limit));
  fixture->story = g_string_new (NULL);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  limit)
{
  g_clear_pointer (&fixture->resolver, troupe_resolver_unref);
  if (fixture->semaphore != NULL)
    g_assert_finalize_object (fixture->semaphore);
  g_string_free (fixture->story, TRUE);
}

/* A letter; if it was cancelled, the letter in upper case; another error, “!”. */
static void
tell (TroupePromise *promise,
      gpointer       data)
{
  Holder *holder = data;
  g_autoptr (GError) error = troupe_promise_steal_error (promise);

  if (error == NULL)
    g_string_append_c (holder->fixture->story, holder->name);
  else if (g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_CANCELLED))
    g_string_append_c (holder->fixture->story, g_ascii_toupper (holder->name));
  else
    g_string_append_c (holder->fixture->story, '!');
  troupe_promise_return_nothing (promise);
}

static void
tell_it (TroupePromise *promise,
         Fixture       *fixture,
         char           name)
{
  Holder *holder = g_new (Holder, 1);

  *holder = (Holder) { fixture, name };
  troupe_promise_add_both (promise, tell, holder, g_free);
}

static TroupePromise *
acquire (Fixture *fixture,
         char     name)
{
  TroupePromise *promise = troupe_semaphore_acquire (fixture->semaphore);

  tell_it (promise, fixture, name);
  return promise;
}

static void
release (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (troupe_semaphore_release (fixture->semaphore, &error));
  g_assert_no_error (error);
}

static void
assert_not_held (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (troupe_semaphore_release (fixture->semaphore, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_NOT_HELD);
  g_assert_cmpuint (troupe_semaphore_get_n_free (fixture->semaphore), ==,
                    troupe_semaphore_get_limit (fixture->semaphore));
}

#define assert_story(fixture, expected)                       \
  G_STMT_START {                                              \
    g_assert_cmpstr ((fixture)->story->str, ==, (expected));  \
    g_string_truncate ((fixture)->story, 0);                  \
  } G_STMT_END

static void
test_rule_86 (Fixture       *fixture,
              gconstpointer  limit)
{
  g_autoptr (TroupePromise) a = NULL;
  g_autoptr (TroupePromise) b = NULL;
  g_autoptr (TroupePromise) c = NULL;

  g_test_summary ("Acquiring is done already if the lock is free, else in the order of asking.");

  a = troupe_semaphore_acquire (fixture->semaphore);
  g_assert_true (troupe_promise_is_resolved (a));
  g_assert_true (troupe_promise_get_object (a) == fixture->semaphore);
  g_assert_cmpuint (troupe_semaphore_get_n_free (fixture->semaphore), ==, 0);

  b = acquire (fixture, 'b');
  c = acquire (fixture, 'c');
  g_assert_false (troupe_promise_is_resolved (b));
  release (fixture);
  assert_story (fixture, "b");
  release (fixture);
  assert_story (fixture, "c");
  release (fixture);
  assert_not_held (fixture);
}

/* The row is b, c: a release must not let d, which asks in b's step, in before c. */
static void
ask_again (TroupePromise *promise,
           gpointer       data)
{
  Fixture *fixture = data;
  g_autoptr (TroupePromise) d = NULL;

  g_assert_cmpuint (troupe_semaphore_get_n_free (fixture->semaphore), ==, 0);
  d = acquire (fixture, 'd');
  g_assert_false (troupe_promise_is_resolved (d));
  g_string_append_c (fixture->story, '-');
}

static void
test_rule_87 (Fixture       *fixture,
              gconstpointer  limit)
{
  g_autoptr (TroupePromise) a = acquire (fixture, 'a');
  g_autoptr (TroupePromise) b = acquire (fixture, 'b');
  g_autoptr (TroupePromise) c = acquire (fixture, 'c');

  g_test_summary ("A release hands over directly, and the new holder's steps run in it.");

  troupe_promise_add_callback (b, ask_again, fixture, NULL);
  assert_story (fixture, "a");
  release (fixture);
  assert_story (fixture, "b-");
  g_assert_cmpuint (troupe_semaphore_get_n_free (fixture->semaphore), ==, 0);
  release (fixture);
  release (fixture);
  assert_story (fixture, "cd");
  release (fixture);
  assert_not_held (fixture);
}

static TroupePromise *
work (TroupeSemaphore  *semaphore,
      gpointer          data,
      GError          **error)
{
  Fixture *fixture = data;

  g_assert_true (semaphore == fixture->semaphore);
  g_assert_cmpuint (troupe_semaphore_get_n_free (semaphore), ==, 0);
  g_string_append_c (fixture->story, '(');

  if (fixture->fails)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no more");
  if (fixture->rejects)
    return troupe_promise_new_rejected (g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no more"));

  return fixture->promises ? troupe_promise_new (&fixture->resolver) : NULL;
}

static void
count_freed (gpointer data)
{
  ((Fixture *) data)->n_freed++;
}

static TroupePromise *
run (Fixture *fixture,
     char     name)
{
  TroupePromise *promise = troupe_semaphore_run (fixture->semaphore, work, fixture, count_freed);

  tell_it (promise, fixture, name);
  return promise;
}

static void
test_rule_88 (Fixture       *fixture,
              gconstpointer  limit)
{
  g_autoptr (TroupePromise) at_once = NULL;
  g_autoptr (TroupePromise) failed = NULL;
  g_autoptr (TroupePromise) rejected = NULL;
  g_autoptr (TroupePromise) a = NULL;
  g_autoptr (TroupePromise) b = NULL;

  g_test_summary ("A run holds it for as long as what the function promises takes, and the next comes before its own later steps.");

  at_once = run (fixture, 'r');
  assert_story (fixture, "(r");
  g_assert_cmpuint (fixture->n_freed, ==, 1);

  fixture->fails = TRUE;
  failed = run (fixture, 'r');
  assert_story (fixture, "(!");
  assert_not_held (fixture);
  fixture->fails = FALSE;

  fixture->rejects = TRUE;
  rejected = run (fixture, 'r');
  assert_story (fixture, "(!");
  assert_not_held (fixture);
  fixture->rejects = FALSE;

  fixture->promises = TRUE;
  a = run (fixture, 'r');
  b = acquire (fixture, 'b');
  assert_story (fixture, "(");
  troupe_resolver_resolve (fixture->resolver, NULL);
  assert_story (fixture, "br");
  release (fixture);
  assert_not_held (fixture);
  g_assert_cmpuint (fixture->n_freed, ==, 4);
}

static void
test_rule_88_value (Fixture       *fixture,
                    gconstpointer  limit)
{
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("The outcome of a run is what the function promised.");

  fixture->promises = TRUE;
  promise = troupe_semaphore_run (fixture->semaphore, work, fixture, NULL);
  troupe_resolver_resolve_int64 (fixture->resolver, 5, NULL);
  g_assert_cmpint (troupe_promise_get_int64 (promise), ==, 5);
  assert_not_held (fixture);
}

static void
test_rule_88_cancel (Fixture       *fixture,
                     gconstpointer  limit)
{
  g_autoptr (TroupePromise) held = NULL;
  g_autoptr (TroupePromise) waiting = NULL;
  g_autoptr (TroupePromise) next = NULL;

  g_test_summary ("A run that is cancelled releases what it holds, and only that.");

  fixture->promises = TRUE;
  held = run (fixture, 'h');
  waiting = run (fixture, 'w');
  next = acquire (fixture, 'n');

  troupe_promise_cancel (waiting);
  assert_story (fixture, "(W");
  g_assert_cmpuint (troupe_semaphore_get_n_free (fixture->semaphore), ==, 0);
  troupe_promise_cancel (held);
  assert_story (fixture, "nH");
  g_assert_true (troupe_resolver_is_cancelled (fixture->resolver));
  g_assert_cmpuint (fixture->n_freed, ==, 2);
  release (fixture);
  assert_not_held (fixture);
}

static void
test_rule_89 (Fixture       *fixture,
              gconstpointer  limit)
{
  g_autoptr (TroupePromise) a = acquire (fixture, 'a');
  g_autoptr (TroupePromise) b = acquire (fixture, 'b');
  g_autoptr (TroupePromise) c = acquire (fixture, 'c');
  g_autoptr (TroupePromise) d = acquire (fixture, 'd');

  g_test_summary ("One that waits can be cancelled, and the others keep their order; what was granted stays held.");

  troupe_promise_cancel (a);
  troupe_promise_cancel (c);
  assert_story (fixture, "aC");
  g_assert_cmpuint (troupe_semaphore_get_n_free (fixture->semaphore), ==, 0);
  release (fixture);
  troupe_promise_cancel (b);
  assert_story (fixture, "b");
  g_assert_cmpuint (troupe_semaphore_get_n_free (fixture->semaphore), ==, 0);
  release (fixture);
  assert_story (fixture, "d");
  release (fixture);
  assert_not_held (fixture);
}

static void
test_rule_90 (Fixture       *fixture,
              gconstpointer  limit)
{
  TroupeSemaphore *none;
  g_autoptr (TroupePromise) a = acquire (fixture, 'a');
  g_autoptr (TroupePromise) b = acquire (fixture, 'b');
  g_autoptr (TroupePromise) c = acquire (fixture, 'c');
  g_autoptr (TroupePromise) d = acquire (fixture, 'd');
  g_autoptr (TroupePromise) e = acquire (fixture, 'e');

  g_test_summary ("As many hold it as the limit says, which is at least 1.");

  g_assert_cmpuint (troupe_semaphore_get_limit (fixture->semaphore), ==, 2);
  assert_story (fixture, "ab");
  troupe_promise_cancel (c);
  release (fixture);
  release (fixture);
  assert_story (fixture, "Cde");
  g_assert_cmpuint (troupe_semaphore_get_n_free (fixture->semaphore), ==, 0);
  release (fixture);
  g_assert_cmpuint (troupe_semaphore_get_n_free (fixture->semaphore), ==, 1);
  release (fixture);
  assert_not_held (fixture);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*limit >= 1*");
  none = troupe_semaphore_new (0);
  g_test_assert_expected_messages ();
  g_assert_null (none);
}

static void
test_freed (Fixture       *fixture,
            gconstpointer  limit)
{
  g_autoptr (TroupePromise) a = troupe_semaphore_acquire (fixture->semaphore);
  g_autoptr (TroupePromise) b = acquire (fixture, 'b');
  g_autoptr (TroupePromise) c = run (fixture, 'c');

  g_test_summary ("Who waits for one that is freed is told.");

  g_clear_pointer (&a, troupe_promise_unref);
  g_assert_finalize_object (g_steal_pointer (&fixture->semaphore));
  assert_story (fixture, "!!");
  g_assert_cmpuint (fixture->n_freed, ==, 1);
}

/* Of an actor */

static gboolean
hold_here (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  g_autoptr (TroupePromise) held = NULL;
  g_autoptr (TroupePromise) waiting = NULL;

  fixture->semaphore = troupe_semaphore_new (1);
  fixture->promises = TRUE;
  held = run (fixture, 'h');
  waiting = run (fixture, 'w');

  return TRUE;
}

static void
test_rule_94 (Fixture       *fixture,
              gconstpointer  limit)
{
  TroupeSemaphore *outside = g_steal_pointer (&fixture->semaphore);
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, "puppet");

  g_test_summary ("One belongs to an actor; when that ends, who held it there and who waited let go.");

  test_puppet_tell (puppet, hold_here, fixture);
  troupe_test_until (fixture->story->len > 0);
  assert_story (fixture, "(");

  troupe_ref_stop (puppet);
  troupe_test_until (fixture->n_freed == 2);
  assert_story (fixture, "");
  g_clear_pointer (&fixture->resolver, troupe_resolver_unref);
  g_assert_finalize_object (g_steal_pointer (&fixture->semaphore));
  g_assert_finalize_object (outside);
  troupe_test_system_end (system);
}

static void
add (const char *path,
     guint       limit,
     void      (*test) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, GUINT_TO_POINTER (limit), set_up, test, tear_down);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("/troupe/semaphore/rule-86/acquire", 1, test_rule_86);
  add ("/troupe/semaphore/rule-87/release", 1, test_rule_87);
  add ("/troupe/semaphore/rule-88/run", 1, test_rule_88);
  add ("/troupe/semaphore/rule-88/value", 1, test_rule_88_value);
  add ("/troupe/semaphore/rule-88/cancel", 1, test_rule_88_cancel);
  add ("/troupe/semaphore/rule-89/cancel", 1, test_rule_89);
  add ("/troupe/semaphore/rule-90/limit", 2, test_rule_90);
  add ("/troupe/semaphore/rule-94/actor", 1, test_rule_94);
  add ("/troupe/semaphore/freed", 1, test_freed);

  return g_test_run ();
}
