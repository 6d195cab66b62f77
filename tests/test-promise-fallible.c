/* test-promise-fallible.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <troupe.h>

#include "troupe-test.h"

static TroupePromise *
new_resolved (gint64 number)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_INT64);
  g_value_set_int64 (&value, number);

  return troupe_promise_new_resolved (&value);
}

static TroupePromise *
new_rejected (void)
{
  return troupe_promise_new_rejected (g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "Busy"));
}

static void
double_it (TroupePromise  *promise,
           gpointer        user_data,
           GError        **error)
{
  troupe_promise_return_int64 (promise, 2 * troupe_promise_get_int64 (promise));
}

static void
fail (TroupePromise  *promise,
      gpointer        user_data,
      GError        **error)
{
  troupe_promise_return_int64 (promise, 5);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_EXISTS, "Exists");
}

static void
pass_on (TroupePromise  *promise,
         gpointer        user_data,
         GError        **error)
{
}

static void
propagate (TroupePromise  *promise,
           gpointer        user_data,
           GError        **error)
{
  g_auto (GValue) value = G_VALUE_INIT;

  if (troupe_promise_propagate_value (promise, &value, error))
    troupe_promise_return_int64 (promise, 1 + g_value_get_int64 (&value));
}

static void
never (TroupePromise  *promise,
       gpointer        user_data,
       GError        **error)
{
  g_assert_not_reached ();
}

static void
count_up (gpointer data)
{
  ++*(guint *) data;
}

static void
handle (TroupePromise *promise,
        int            code)
{
  g_autoptr (GError) error = troupe_promise_steal_error (promise);

  g_assert_error (error, G_IO_ERROR, code);
}

static void
test_value (void)
{
  g_autoptr (TroupePromise) promise = new_resolved (4);
  guint n_freed = 0;

  g_test_summary ("A step that sets no error is a step as any other, and its data is freed");

  g_assert_true (troupe_promise_add_fallible_callback (promise, double_it, &n_freed, count_up) == promise);
  troupe_promise_add_fallible_both (promise, pass_on, &n_freed, count_up);
  troupe_promise_add_fallible_errback (promise, never, &n_freed, count_up);
  troupe_promise_add_fallible_callbacks (promise, double_it, &n_freed, count_up, never, &n_freed, count_up);
  troupe_promise_add_fallible_callback (promise, NULL, NULL, NULL);
  g_assert_cmpint (troupe_promise_get_int64 (promise), ==, 16);
  g_assert_cmpuint (n_freed, ==, 5);
}

static void
test_error (void)
{
  g_autoptr (TroupePromise) promise = new_resolved (4);
  guint n_freed = 0;

  g_test_summary ("The error of a step is what the next one sees, whatever the step has returned");

  troupe_promise_add_fallible_callback (promise, fail, &n_freed, count_up);
  g_assert_error (troupe_promise_get_error (promise), G_IO_ERROR, G_IO_ERROR_EXISTS);
  troupe_promise_add_fallible_callback (promise, never, &n_freed, count_up);
  troupe_promise_add_fallible_errback (promise, pass_on, &n_freed, count_up);
  handle (promise, G_IO_ERROR_EXISTS);

  troupe_promise_add_fallible_both (promise, fail, &n_freed, count_up);
  handle (promise, G_IO_ERROR_EXISTS);
  g_assert_cmpuint (n_freed, ==, 4);
}

static void
test_either (void)
{
  g_autoptr (TroupePromise) good = new_resolved (4);
  g_autoptr (TroupePromise) bad = new_rejected ();

  g_test_summary ("Of two functions of one step the second does not see the error of the first");

  troupe_promise_add_fallible_callbacks (good, fail, NULL, NULL, never, NULL, NULL);
  handle (good, G_IO_ERROR_EXISTS);
  troupe_promise_add_fallible_callbacks (bad, never, NULL, NULL, fail, NULL, NULL);
  handle (bad, G_IO_ERROR_EXISTS);
}

static void
test_propagate (void)
{
  g_autoptr (TroupePromise) good = new_resolved (4);
  g_autoptr (TroupePromise) nothing = troupe_promise_new_resolved (NULL);
  g_autoptr (TroupePromise) bad = new_rejected ();
  g_autoptr (TroupePromise) taken = new_rejected ();
  g_auto (GValue) value = G_VALUE_INIT;
  g_auto (GValue) none = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A value is copied out, nothing is a NULL pointer, and an error is taken out");

  troupe_promise_add_fallible_both (good, propagate, NULL, NULL);
  g_assert_cmpint (troupe_promise_get_int64 (good), ==, 5);

  g_assert_true (troupe_promise_propagate_value (nothing, &value, &error));
  g_assert_no_error (error);
  g_assert_true (G_VALUE_HOLDS_POINTER (&value));
  g_assert_null (g_value_get_pointer (&value));

  troupe_promise_add_fallible_both (bad, propagate, NULL, NULL);
  handle (bad, G_IO_ERROR_BUSY);

  g_assert_false (troupe_promise_propagate_value (taken, &none, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_assert_true (G_VALUE_HOLDS_POINTER (&none));
  g_assert_cmpuint (troupe_promise_get_value_type (taken), ==, G_TYPE_NONE);
}

static void
return_null (TroupePromise  *promise,
             gpointer        user_data,
             GError        **error)
{
  troupe_promise_return_value (promise, NULL);
}

static void
test_nothing (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);
  g_autoptr (TroupePromise) number = new_resolved (4);

  g_test_summary ("No value is nothing");

  g_assert_true (troupe_resolver_resolve_value (resolver, NULL, NULL));
  g_assert_cmpuint (troupe_promise_get_value_type (promise), ==, G_TYPE_NONE);
  troupe_promise_add_fallible_both (number, return_null, NULL, NULL);
  g_assert_cmpuint (troupe_promise_get_value_type (number), ==, G_TYPE_NONE);
}

static void
test_cause (void)
{
  g_autoptr (TroupePromise) bad = new_rejected ();
  g_autoptr (TroupePromise) good = new_resolved (4);
  TroupePromise *children[] = { good, bad };
  g_autoptr (TroupePromise) list = troupe_promise_collect (children, 2);

  g_test_summary ("What an error knows besides its message is read without it, too");

  g_assert_cmpint (troupe_promise_get_error_index (list), ==, 1);
  g_assert_error (troupe_promise_get_error_cause (list), G_IO_ERROR, G_IO_ERROR_BUSY);
  g_assert_cmpint (troupe_promise_get_error_index (bad), ==, -1);
  g_assert_null (troupe_promise_get_error_cause (bad));
  g_assert_cmpint (troupe_promise_get_error_index (good), ==, -1);
  g_assert_null (troupe_promise_get_error_cause (good));

  handle (bad, G_IO_ERROR_BUSY);
  g_error_free (troupe_promise_steal_error (list));
}

static void
test_typed (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) actor = troupe_system_spawn (system, NULL, TROUPE_TYPE_ACTOR, NULL, NULL);
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (TroupePromise) promise = NULL;
  g_autoptr (TroupePromise) list = NULL;
  g_autoptr (TroupeMessage) message = NULL;

  g_test_summary ("Addresses and outcomes are read as what they are, and as nothing else");

  g_value_init (&value, TROUPE_TYPE_REF);
  g_value_set_boxed (&value, actor);
  promise = troupe_promise_new_resolved (&value);
  list = troupe_promise_collect (&promise, 1);
  message = troupe_message_new_value ("actor", &value);

  g_assert_true (troupe_promise_get_ref (promise) == actor);
  g_assert_true (troupe_message_get_ref (message) == actor);
  g_assert_cmpuint (troupe_outcomes_get_length (troupe_promise_get_outcomes (list)), ==, 1);
  g_assert_true (troupe_outcomes_get_ref (troupe_promise_get_outcomes (list), 0) == actor);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*TroupeOutcomes*");
  g_assert_null (troupe_promise_get_outcomes (promise));
  g_test_assert_expected_messages ();
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*TroupeRef*");
  g_assert_null (troupe_promise_get_ref (list));
  g_test_assert_expected_messages ();
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*TroupeTermination*");
  g_assert_null (troupe_message_get_termination (message));
  g_test_assert_expected_messages ();

  troupe_test_system_end (system);
}

static void
test_timeout (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  TroupeResolver *resolver;
  g_autoptr (TroupePromise) failing = troupe_promise_new (&resolver);
  TroupeResolver *other;
  g_autoptr (TroupePromise) plain = troupe_promise_new (&other);
  g_autoptr (TroupePromise) early = new_resolved (4);
  guint n_freed = 0;

  g_test_summary ("What to do when time has run out may fail, too; with nothing to do it is TIMED_OUT");

  troupe_promise_add_fallible_timeout (failing, 1, fail, &n_freed, count_up);
  troupe_promise_add_fallible_timeout (plain, 1, NULL, NULL, NULL);
  troupe_promise_add_fallible_timeout (early, 1, never, &n_freed, count_up);
  troupe_test_until (troupe_promise_is_resolved (failing) && troupe_promise_is_resolved (plain));

  handle (failing, G_IO_ERROR_EXISTS);
  g_assert_error (troupe_promise_get_error (plain), TROUPE_ERROR, TROUPE_ERROR_TIMED_OUT);
  g_error_free (troupe_promise_steal_error (plain));
  g_assert_cmpint (troupe_promise_get_int64 (early), ==, 4);
  g_assert_cmpuint (n_freed, ==, 2);

  troupe_resolver_unref (resolver);
  troupe_resolver_unref (other);
  troupe_test_system_end (system);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/promise-fallible/value", test_value);
  g_test_add_func ("/troupe/promise-fallible/error", test_error);
  g_test_add_func ("/troupe/promise-fallible/either", test_either);
  g_test_add_func ("/troupe/promise-fallible/propagate", test_propagate);
  g_test_add_func ("/troupe/promise-fallible/nothing", test_nothing);
  g_test_add_func ("/troupe/promise-fallible/cause", test_cause);
  g_test_add_func ("/troupe/promise-fallible/typed", test_typed);
  g_test_add_func ("/troupe/promise-fallible/timeout", test_timeout);

  return g_test_run ();
}
