/* test-promise.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/*
 * Promises at home outside any actor, rule by rule of the specification: parts A to E and H, and 134 to 140. What
 * needs other threads or actors is in test-resolver.c.
 */

#include "troupe-test.h"
#include "troupe-test-trace.h"

static void
say_outcome (TroupePromise *promise)
{
  g_autofree char *word = NULL;
  const GError *error = troupe_promise_get_error (promise);

  if (error != NULL)
    word = g_strdup_printf ("!%s", error->message);
  else if (troupe_promise_get_value_type (promise) == G_TYPE_NONE)
    word = g_strdup ("nothing");
  else
    word = g_strdup_printf ("%" G_GINT64_FORMAT, troupe_promise_get_int64 (promise));

  say (word);
}

static GError *
new_error (const char *message)
{
  return g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_FAILED, message);
}

/* Steps. USER_DATA is a word to say, a number or a promise, as the name tells. */

static void
show (TroupePromise *promise,
      gpointer       user_data)
{
  say_outcome (promise);
}

static void
say_word (TroupePromise *promise,
          gpointer       user_data)
{
  say (user_data);
}

static void
plus (TroupePromise *promise,
      gpointer       user_data)
{
  troupe_promise_return_int64 (promise, troupe_promise_get_int64 (promise) + GPOINTER_TO_INT (user_data));
}

static void
times (TroupePromise *promise,
       gpointer       user_data)
{
  troupe_promise_return_int64 (promise, troupe_promise_get_int64 (promise) * GPOINTER_TO_INT (user_data));
}

static void
give (TroupePromise *promise,
      gpointer       user_data)
{
  troupe_promise_return_int64 (promise, GPOINTER_TO_INT (user_data));
}

static void
fail (TroupePromise *promise,
      gpointer       user_data)
{
  troupe_promise_return_error (promise, new_error (user_data));
}

static void
give_nothing (TroupePromise *promise,
              gpointer       user_data)
{
  troupe_promise_return_nothing (promise);
}

static void
give_promise (TroupePromise *promise,
              gpointer       user_data)
{
  troupe_promise_return_promise (promise, user_data);
}

/* Counts what is destroyed, and says a word if there is one. */
typedef struct
{
  int         count;
  const char *word;
} Witness;

static void
witness_cb (gpointer data)
{
  Witness *witness = data;

  witness->count++;
  if (witness->word != NULL)
    say (witness->word);
}

static void
resolve (TroupeResolver *resolver,
         gint64          number)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (troupe_resolver_resolve_int64 (resolver, number, &error));
  g_assert_no_error (error);
}

static void
reject (TroupeResolver *resolver,
        const char     *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (troupe_resolver_reject (resolver, new_error (message), &error));
  g_assert_no_error (error);
}

static TroupePromise *
new_resolved (gint64 number)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_INT64);
  g_value_set_int64 (&value, number);

  return troupe_promise_new_resolved (&value);
}

static void
expect_unhandled (const char *message)
{
  g_autofree char *pattern = g_strdup_printf ("Unhandled error in a promise of*%s*", message);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, pattern);
}

/* A. Chains and lanes */

static void
test_a_01 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("Steps run in the order they were added, each once");

  troupe_promise_add_callback (promise, say_word, (gpointer) "a", NULL);
  troupe_promise_add_callback (promise, say_word, (gpointer) "b", NULL);
  troupe_promise_add_callback (promise, say_word, (gpointer) "c", NULL);
  resolve (resolver, 1);
  assert_trace ("a b c");

  troupe_promise_add_callback (promise, say_word, (gpointer) "d", NULL);
  assert_trace ("d");
}

static void
test_a_02 (void)
{
  g_autoptr (TroupePromise) good = new_resolved (1);
  g_autoptr (TroupePromise) bad = troupe_promise_new_rejected (new_error ("bad"));
  Witness callback = { 0 }, errback = { 0 };

  g_test_summary ("A value calls the callback, an error the errback; the other half goes with the step");

  troupe_promise_add_callbacks (good, say_word, &callback, witness_cb, say_word, &errback, witness_cb);
  g_assert_cmpint (callback.count, ==, 1);
  g_assert_cmpint (errback.count, ==, 1);
  g_string_truncate (trace, 0);

  troupe_promise_add_callbacks (good, say_word, (gpointer) "value", NULL, say_word, (gpointer) "error", NULL);
  assert_trace ("value");
  troupe_promise_add_callbacks (bad, say_word, (gpointer) "value", NULL, say_word, (gpointer) "error", NULL);
  assert_trace ("error");
  troupe_promise_add_errback (bad, give_nothing, NULL, NULL);
}

static void
test_a_03 (void)
{
  g_autoptr (TroupePromise) promise = new_resolved (1);

  g_test_summary ("What a step returns decides the lane of the next: errors can be recovered from");

  troupe_promise_add_callback (promise, plus, GINT_TO_POINTER (1), NULL);
  troupe_promise_add_callback (promise, fail, (gpointer) "bad", NULL);
  troupe_promise_add_callback (promise, say_word, (gpointer) "never", NULL);
  troupe_promise_add_errback (promise, show, NULL, NULL);
  troupe_promise_add_errback (promise, give, GINT_TO_POINTER (7), NULL);
  troupe_promise_add_errback (promise, say_word, (gpointer) "never", NULL);
  troupe_promise_add_callback (promise, show, NULL, NULL);
  assert_trace ("!bad 7");
}

static void
test_a_04 (void)
{
  g_autoptr (TroupePromise) pair = new_resolved (1);
  g_autoptr (TroupePromise) two = new_resolved (1);

  g_test_summary ("An error that a callback returns is not for the errback of the same step");

  troupe_promise_add_callbacks (pair, fail, (gpointer) "bad", NULL, say_word, (gpointer) "same", NULL);
  assert_trace ("");
  troupe_promise_add_errback (pair, say_word, (gpointer) "next", NULL);
  assert_trace ("next");
  troupe_promise_add_errback (pair, give_nothing, NULL, NULL);

  troupe_promise_add_callback (two, fail, (gpointer) "bad", NULL);
  troupe_promise_add_errback (two, say_word, (gpointer) "second", NULL);
  assert_trace ("second");
  troupe_promise_add_errback (two, give_nothing, NULL, NULL);
}

static void
test_a_05 (void)
{
  g_autoptr (TroupePromise) good = new_resolved (1);
  g_autoptr (TroupePromise) bad = troupe_promise_new_rejected (new_error ("bad"));

  g_test_summary ("A missing half passes the outcome on; a step for both runs on either lane");

  troupe_promise_add_errback (good, give, GINT_TO_POINTER (2), NULL);
  troupe_promise_add_callbacks (good, NULL, NULL, NULL, give, GINT_TO_POINTER (3), NULL);
  troupe_promise_add_both (good, show, NULL, NULL);
  assert_trace ("1");

  troupe_promise_add_callback (bad, give, GINT_TO_POINTER (2), NULL);
  troupe_promise_add_callbacks (bad, give, GINT_TO_POINTER (3), NULL, NULL, NULL, NULL);
  troupe_promise_add_both (bad, show, NULL, NULL);
  assert_trace ("!bad");
  troupe_promise_add_both (bad, give_nothing, NULL, NULL);
}

static void
test_a_06 (void)
{
  g_autoptr (TroupePromise) promise = new_resolved (1);

  g_test_summary ("After an error was handled with nothing, callbacks see nothing, not an earlier value");

  troupe_promise_add_callback (promise, fail, (gpointer) "bad", NULL);
  troupe_promise_add_errback (promise, give_nothing, NULL, NULL);
  troupe_promise_add_callback (promise, show, NULL, NULL);
  assert_trace ("nothing");
}

static void
test_a_07 (void)
{
  g_autoptr (TroupePromise) promise = troupe_promise_new_rejected (new_error ("first"));

  g_test_summary ("An error that an errback returns replaces the one before");

  troupe_promise_add_errback (promise, fail, (gpointer) "second", NULL);
  troupe_promise_add_errback (promise, show, NULL, NULL);
  assert_trace ("!second");
  troupe_promise_add_errback (promise, give_nothing, NULL, NULL);
}

static void
test_a_08 (void)
{
  g_autoptr (TroupePromise) promise = new_resolved (1);

  g_test_summary ("Adding a step returns the same promise");

  g_assert_true (troupe_promise_add_callback (promise, NULL, NULL, NULL) == promise);
  g_assert_true (troupe_promise_add_errback (promise, NULL, NULL, NULL) == promise);
  g_assert_true (troupe_promise_add_both (promise, NULL, NULL, NULL) == promise);
  g_assert_true (troupe_promise_add_callbacks (promise, NULL, NULL, NULL, NULL, NULL, NULL) == promise);
}

static void
test_a_09 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("A step sees the outcome at its position");

  troupe_promise_add_callback (promise, plus, GINT_TO_POINTER (1), NULL);
  troupe_promise_add_callback (promise, show, NULL, NULL);
  troupe_promise_add_callback (promise, times, GINT_TO_POINTER (10), NULL);
  troupe_promise_add_callback (promise, show, NULL, NULL);
  resolve (resolver, 1);
  assert_trace ("2 20");
}

static void
steal_and_keep (TroupePromise *promise,
                gpointer       user_data)
{
  gpointer *where = user_data;

  *where = troupe_promise_steal_pointer (promise);
}

static void
test_a_10 (void)
{
  Witness replaced = { 0 }, stolen = { 0 }, final = { 0 };
  gpointer kept = NULL;

  g_test_summary ("A value that a step replaces is freed once, one it steals not, the last one with the promise");

  {
    g_autoptr (TroupeResolver) resolver = NULL;
    g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

    troupe_promise_add_callback (promise, give, GINT_TO_POINTER (1), NULL);
    g_assert_true (troupe_resolver_resolve_pointer (resolver, &replaced, witness_cb, NULL));
    g_assert_cmpint (replaced.count, ==, 1);
  }
  {
    g_autoptr (TroupeResolver) resolver = NULL;
    g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

    troupe_promise_add_callback (promise, steal_and_keep, &kept, NULL);
    troupe_promise_add_callback (promise, show, NULL, NULL);
    g_assert_true (troupe_resolver_resolve_pointer (resolver, &stolen, witness_cb, NULL));
    assert_trace ("nothing");
  }
  {
    g_autoptr (TroupeResolver) resolver = NULL;
    g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

    g_assert_true (troupe_resolver_resolve_pointer (resolver, &final, witness_cb, NULL));
    g_assert_true (troupe_promise_get_pointer (promise) == &final);
    g_assert_cmpint (final.count, ==, 0);
  }
  g_assert_cmpint (replaced.count, ==, 1);
  g_assert_true (kept == &stolen);
  g_assert_cmpint (stolen.count, ==, 0);
  g_assert_cmpint (final.count, ==, 1);
}

static void
test_a_11 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);
  Witness a = { 0, "a-freed" }, b = { 0, "b-freed" };

  g_test_summary ("The data of a step are freed once, right after it ran, also those of the half that did not");

  troupe_promise_add_callbacks (promise, show, &a, witness_cb, say_word, &b, witness_cb);
  troupe_promise_add_callback (promise, say_word, (gpointer) "next", NULL);
  assert_trace ("");
  resolve (resolver, 5);
  assert_trace ("5 a-freed b-freed next");
  g_assert_cmpint (a.count, ==, 1);
  g_assert_cmpint (b.count, ==, 1);
}

static void
drop_handle (TroupePromise *promise,
             gpointer       user_data)
{
  TroupePromise **handle = user_data;

  say ("drop");
  g_clear_pointer (handle, troupe_promise_unref);
}

static void
test_a_12 (void)
{
  TroupeResolver *resolver;
  TroupePromise *promise = troupe_promise_new (&resolver);
  Witness freed = { 0, "freed" };

  g_test_summary ("A step may drop the last handle of its own promise");

  troupe_promise_add_callback (promise, drop_handle, &promise, NULL);
  troupe_promise_add_callback (promise, say_word, (gpointer) "next", NULL);
  g_assert_true (troupe_resolver_resolve_pointer (resolver, &freed, witness_cb, NULL));
  g_assert_null (promise);
  troupe_resolver_unref (resolver);
  assert_trace ("drop next freed");

  promise = new_resolved (1);
  troupe_promise_add_callback (promise, drop_handle, &promise, NULL);
  g_assert_null (promise);
  assert_trace ("drop");
}

/* B. Resolving */

static void
test_b_13 (void)
{
  g_autoptr (TroupeResolver) good = NULL, bad = NULL;
  g_autoptr (TroupePromise) value = troupe_promise_new (&good);
  g_autoptr (TroupePromise) error = troupe_promise_new (&bad);

  g_test_summary ("Resolving or rejecting runs the chain");

  g_assert_false (troupe_promise_is_resolved (value));
  g_assert_false (troupe_resolver_is_resolved (good));
  troupe_promise_add_both (value, show, NULL, NULL);
  resolve (good, 1);
  assert_trace ("1");
  g_assert_true (troupe_promise_is_resolved (value));
  g_assert_true (troupe_resolver_is_resolved (good));

  troupe_promise_add_both (error, show, NULL, NULL);
  reject (bad, "bad");
  assert_trace ("!bad");
  troupe_promise_add_errback (error, give_nothing, NULL, NULL);
}

static void
test_b_14 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("Rejecting without an error is a mistake, and rejects with a general one");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*rejected without an error*");
  g_assert_true (troupe_resolver_reject (resolver, NULL, NULL));
  g_test_assert_expected_messages ();
  g_assert_error (troupe_promise_get_error (promise), TROUPE_ERROR, TROUPE_ERROR_FAILED);
  troupe_promise_add_errback (promise, give_nothing, NULL, NULL);
}

static void
test_b_15 (void)
{
  g_autoptr (TroupeResolver) pending = NULL;
  g_autoptr (TroupePromise) inner = troupe_promise_new (&pending);
  g_autoptr (TroupePromise) promise = new_resolved (1);

  g_test_summary ("A step added later runs at once, unless the chain waits");

  troupe_promise_add_callback (promise, show, NULL, NULL);
  assert_trace ("1");

  troupe_promise_add_callback (promise, give_promise, troupe_promise_ref (inner), NULL);
  g_assert_false (troupe_promise_is_resolved (promise));
  troupe_promise_add_callback (promise, show, NULL, NULL);
  assert_trace ("");
  resolve (pending, 2);
  assert_trace ("2");
  g_assert_true (troupe_promise_is_resolved (promise));
}

static void
test_b_16 (void)
{
  g_autoptr (TroupePromise) nothing = troupe_promise_new_resolved (NULL);
  g_autoptr (TroupePromise) value = new_resolved (3);
  g_autoptr (TroupePromise) error = troupe_promise_new_rejected (new_error ("bad"));

  g_test_summary ("Promises made with an outcome behave like any other");

  g_assert_true (troupe_promise_is_resolved (nothing));
  troupe_promise_add_both (nothing, show, NULL, NULL);
  troupe_promise_add_both (value, show, NULL, NULL);
  troupe_promise_add_both (error, show, NULL, NULL);
  assert_trace ("nothing 3 !bad");
  troupe_promise_add_errback (error, give_nothing, NULL, NULL);
}

static void
test_b_17 (void)
{
  g_test_summary ("A second outcome of any kind is refused and freed, and changes nothing");

  for (int i = 0; i < 4; i++)
    {
      g_autoptr (TroupeResolver) resolver = NULL;
      g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);
      g_autoptr (GError) error = NULL;
      Witness late = { 0 };

      if (i & 1)
        resolve (resolver, 1);
      else
        reject (resolver, "first");

      if (i & 2)
        {
          g_assert_false (troupe_resolver_resolve_pointer (resolver, &late, witness_cb, &error));
          g_assert_cmpint (late.count, ==, 1);
        }
      else
        g_assert_false (troupe_resolver_reject (resolver, new_error ("second"), &error));

      g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_RESOLVED);
      g_assert_cmpstr (error->message, ==, "The promise of code outside actors is resolved already");
      g_assert_false (troupe_resolver_resolve (resolver, NULL));

      troupe_promise_add_both (promise, show, NULL, NULL);
      assert_trace (i & 1 ? "1" : "!first");
      troupe_promise_add_errback (promise, give_nothing, NULL, NULL);
    }
}

static void
test_b_19 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);
  g_autoptr (TroupePromise) other = new_resolved (1);
  g_auto (GValue) value = G_VALUE_INIT;

  g_test_summary ("Resolving with a promise is a mistake, and leaves the promise pending");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*TROUPE_TYPE_PROMISE*");
  g_assert_false (troupe_resolver_resolve_boxed (resolver, TROUPE_TYPE_PROMISE, other, NULL));
  g_test_assert_expected_messages ();

  g_value_init (&value, TROUPE_TYPE_PROMISE);
  g_value_set_boxed (&value, other);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*TROUPE_TYPE_PROMISE*");
  g_assert_false (troupe_resolver_resolve_value (resolver, &value, NULL));
  g_test_assert_expected_messages ();

  g_assert_false (troupe_resolver_is_resolved (resolver));
  resolve (resolver, 2);
  g_assert_cmpint (troupe_promise_get_int64 (promise), ==, 2);
}

static void
remember_error (TroupePromise *promise,
                gpointer       user_data)
{
  const GError **error = user_data;

  *error = troupe_promise_get_error (promise);
}

/* Something a program may call that has the answer at hand, cannot have it, or has to wait for it. */
typedef struct
{
  gint64         number;
  TroupePromise *inner;
} Answer;

static void
look_up (TroupePromise  *promise,
         gpointer        user_data,
         GError        **error)
{
  Answer *answer = user_data;

  say ("called");
  if (answer == NULL)
    g_propagate_error (error, new_error ("bad"));
  else if (answer->inner != NULL)
    troupe_promise_return_promise (promise, troupe_promise_ref (answer->inner));
  else if (answer->number != 0)
    troupe_promise_return_int64 (promise, answer->number);
}

static void
test_b_20 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) inner = troupe_promise_new (&resolver);
  Answer answers[] = { { 1, NULL }, { 0, NULL }, { 0, inner } };
  g_autoptr (TroupePromise) value = troupe_promise_wrap_call (look_up, &answers[0], NULL);
  g_autoptr (TroupePromise) nothing = troupe_promise_wrap_call (look_up, &answers[1], NULL);
  g_autoptr (TroupePromise) waiting = troupe_promise_wrap_call (look_up, &answers[2], NULL);
  g_autoptr (TroupePromise) error = troupe_promise_wrap_call (look_up, NULL, NULL);

  g_test_summary ("A function is called at once, and a promise made of its value, its error, or the promise that it returns");

  assert_trace ("called called called called");
  troupe_promise_add_both (value, show, NULL, NULL);
  troupe_promise_add_both (nothing, show, NULL, NULL);
  troupe_promise_add_both (waiting, show, NULL, NULL);
  troupe_promise_add_both (error, show, NULL, NULL);
  assert_trace ("1 nothing !bad");
  resolve (resolver, 2);
  assert_trace ("2");

  troupe_promise_add_errback (error, give_nothing, NULL, NULL);
}

static void
test_b_21 (void)
{
  GError *error = new_error ("bad");
  g_autoptr (TroupePromise) promise = troupe_promise_new_rejected (error);
  const GError *seen = NULL;

  g_test_summary ("An errback that only looks passes the very same error on");

  troupe_promise_add_errback (promise, show, NULL, NULL);
  troupe_promise_add_errback (promise, remember_error, &seen, NULL);
  assert_trace ("!bad");
  g_assert_true (seen == error);
  troupe_promise_add_errback (promise, give_nothing, NULL, NULL);
}

static void
test_b_22 (void)
{
  TroupeResolver *resolver;
  TroupeResolver *other;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("Dropping the last resolver of a pending promise rejects it");

  troupe_promise_add_both (promise, say_word, (gpointer) "ran", NULL);
  other = troupe_resolver_ref (resolver);
  troupe_resolver_unref (resolver);
  assert_trace ("");
  troupe_resolver_unref (other);
  assert_trace ("ran");
  g_assert_error (troupe_promise_get_error (promise), TROUPE_ERROR, TROUPE_ERROR_BROKEN);
  troupe_promise_add_errback (promise, give_nothing, NULL, NULL);
}

/* C. Returning a promise from a step */

static void
test_c_23 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) inner = troupe_promise_new (&resolver);
  g_autoptr (TroupePromise) outer = new_resolved (1);

  g_test_summary ("The chain waits for a pending promise, whose own steps run first");

  troupe_promise_add_callback (inner, plus, GINT_TO_POINTER (1), NULL);
  troupe_promise_add_callback (inner, say_word, (gpointer) "inner", NULL);
  troupe_promise_add_callback (outer, give_promise, troupe_promise_ref (inner), NULL);
  troupe_promise_add_callback (outer, show, NULL, NULL);
  assert_trace ("");
  resolve (resolver, 10);
  assert_trace ("inner 11");
}

static void
test_c_24 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) outer = troupe_promise_new (&resolver);

  g_test_summary ("The outcome of a resolved promise is taken at once");

  troupe_promise_add_callback (outer, give_promise, new_resolved (2), NULL);
  troupe_promise_add_callback (outer, show, NULL, NULL);
  resolve (resolver, 1);
  assert_trace ("2");
}

static void
test_c_25 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  TroupePromise *innermost = troupe_promise_new (&resolver);
  g_autoptr (TroupePromise) inner = new_resolved (1);
  g_autoptr (TroupePromise) outer = new_resolved (2);

  g_test_summary ("A resolved promise that waits itself is waited for");

  troupe_promise_add_callback (inner, give_promise, innermost, NULL);
  troupe_promise_add_callback (outer, give_promise, troupe_promise_ref (inner), NULL);
  troupe_promise_add_callback (outer, show, NULL, NULL);
  assert_trace ("");
  resolve (resolver, 3);
  assert_trace ("3");
}

static void
test_c_26 (void)
{
  g_autoptr (TroupePromise) value = new_resolved (1);
  g_autoptr (TroupePromise) error = troupe_promise_new_rejected (new_error ("bad"));
  g_autoptr (TroupePromise) outer = new_resolved (2);

  g_test_summary ("The outcome moves: steps added to the inner promise afterwards see nothing");

  troupe_promise_add_callback (outer, give_promise, troupe_promise_ref (value), NULL);
  troupe_promise_add_callback (value, show, NULL, NULL);
  troupe_promise_add_callback (outer, show, NULL, NULL);
  assert_trace ("nothing 1");

  troupe_promise_add_callback (outer, give_promise, troupe_promise_ref (error), NULL);
  troupe_promise_add_both (error, show, NULL, NULL);
  troupe_promise_add_both (outer, show, NULL, NULL);
  assert_trace ("nothing !bad");
  troupe_promise_add_errback (outer, give_nothing, NULL, NULL);
}

static void
test_c_27 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) inner = troupe_promise_new (&resolver);
  g_autoptr (TroupePromise) outer = new_resolved (1);

  g_test_summary ("A step added to the inner promise while it is waited for runs after the outcome has moved");

  troupe_promise_add_callback (outer, give_promise, troupe_promise_ref (inner), NULL);
  troupe_promise_add_callback (inner, show, NULL, NULL);
  troupe_promise_add_callback (outer, show, NULL, NULL);
  resolve (resolver, 2);
  assert_trace ("2 nothing");
}

static void
test_c_28 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  TroupePromise *inner = troupe_promise_new (&resolver);
  TroupePromise *outer = new_resolved (1);

  g_test_summary ("An error that moved is reported once, by the promise that has it");

  troupe_promise_add_callback (outer, give_promise, troupe_promise_ref (inner), NULL);
  reject (resolver, "moved");
  troupe_promise_unref (inner);
  expect_unhandled ("moved");
  troupe_promise_unref (outer);
  g_test_assert_expected_messages ();
}

static void
test_c_29 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  TroupePromise *inner = troupe_promise_new (&resolver);
  g_autoptr (TroupePromise) outer = troupe_promise_new_rejected (new_error ("bad"));

  g_test_summary ("An errback can recover with a promise");

  troupe_promise_add_errback (outer, give_promise, inner, NULL);
  troupe_promise_add_callback (outer, show, NULL, NULL);
  resolve (resolver, 4);
  assert_trace ("4");
}

static void
test_c_30 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) first = troupe_promise_new (&resolver);
  g_autoptr (TroupePromise) second = new_resolved (2);
  g_autoptr (TroupePromise) third = new_resolved (3);

  g_test_summary ("Adoption nests: the innermost value reaches the outermost chain");

  troupe_promise_add_callback (second, give_promise, troupe_promise_ref (first), NULL);
  troupe_promise_add_callback (third, give_promise, troupe_promise_ref (second), NULL);
  troupe_promise_add_callback (third, show, NULL, NULL);
  resolve (resolver, 1);
  assert_trace ("1");
  troupe_promise_add_callback (second, show, NULL, NULL);
  troupe_promise_add_callback (first, show, NULL, NULL);
  assert_trace ("nothing nothing");
}

static void
test_c_31 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  TroupePromise *pending = troupe_promise_new (&resolver);
  TroupePromise *inner = new_resolved (0);
  g_autoptr (TroupePromise) outer = new_resolved (1);

  g_test_summary ("The rest of the inner chain runs before the rest of the outer one");

  troupe_promise_add_callback (inner, give_promise, pending, NULL);
  troupe_promise_add_callback (inner, times, GINT_TO_POINTER (2), NULL);
  troupe_promise_add_callback (inner, show, NULL, NULL);
  troupe_promise_add_callback (outer, give_promise, inner, NULL);
  troupe_promise_add_callback (outer, plus, GINT_TO_POINTER (1), NULL);
  troupe_promise_add_callback (outer, show, NULL, NULL);
  resolve (resolver, 21);
  assert_trace ("42 43");
}

static void
return_self (TroupePromise *promise,
             gpointer       user_data)
{
  troupe_promise_return_promise (promise, troupe_promise_ref (promise));
}

static void
test_c_33 (void)
{
  g_autoptr (TroupePromise) promise = new_resolved (1);

  g_test_summary ("A step that returns its own promise fails");

  troupe_promise_add_callback (promise, return_self, NULL, NULL);
  g_assert_error (troupe_promise_get_error (promise), TROUPE_ERROR, TROUPE_ERROR_ADOPT_SELF);
  troupe_promise_add_errback (promise, give, GINT_TO_POINTER (2), NULL);
  troupe_promise_add_callback (promise, show, NULL, NULL);
  assert_trace ("2");
}

static void
test_c_34 (void)
{
  g_autoptr (TroupeResolver) ra = NULL, rb = NULL, rc = NULL;
  g_autoptr (TroupePromise) a = troupe_promise_new (&ra);
  g_autoptr (TroupePromise) b = troupe_promise_new (&rb);
  g_autoptr (TroupePromise) c = troupe_promise_new (&rc);

  g_test_summary ("The step that would close a circle of waiting promises fails, and the others get its error");

  troupe_promise_add_callback (a, give_promise, troupe_promise_ref (b), NULL);
  troupe_promise_add_callback (b, give_promise, troupe_promise_ref (c), NULL);
  troupe_promise_add_callback (c, give_promise, troupe_promise_ref (a), NULL);
  resolve (ra, 1);
  resolve (rb, 2);
  g_assert_false (troupe_promise_is_resolved (a));
  resolve (rc, 3);
  g_assert_true (troupe_promise_is_resolved (a));
  g_assert_error (troupe_promise_get_error (a), TROUPE_ERROR, TROUPE_ERROR_ADOPT_SELF);
  troupe_promise_add_errback (a, give_nothing, NULL, NULL);
}

static void
test_c_35 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) inner = troupe_promise_new (&resolver);
  g_autoptr (TroupePromise) first = new_resolved (1);
  g_autoptr (TroupePromise) second = new_resolved (2);
  g_autoptr (TroupePromise) third = new_resolved (3);

  g_test_summary ("A promise can be returned once, before and after it is resolved");

  troupe_promise_add_callback (first, give_promise, troupe_promise_ref (inner), NULL);
  troupe_promise_add_callback (second, give_promise, troupe_promise_ref (inner), NULL);
  g_assert_error (troupe_promise_get_error (second), TROUPE_ERROR, TROUPE_ERROR_ALREADY_ADOPTED);
  troupe_promise_add_callback (first, show, NULL, NULL);
  resolve (resolver, 9);
  assert_trace ("9");
  troupe_promise_add_callback (third, give_promise, troupe_promise_ref (inner), NULL);
  g_assert_error (troupe_promise_get_error (third), TROUPE_ERROR, TROUPE_ERROR_ALREADY_ADOPTED);

  troupe_promise_add_errback (second, give_nothing, NULL, NULL);
  troupe_promise_add_errback (third, give_nothing, NULL, NULL);
}

#define MANY 100000

static guintptr lowest, highest;

static void
measure_stack (TroupePromise *promise,
               gpointer       user_data)
{
  guintptr here = (guintptr) __builtin_frame_address (0);

  lowest = MIN (lowest, here);
  highest = MAX (highest, here);
}

static void
assert_flat_stack (void)
{
  g_assert_cmpuint (highest, >=, lowest);
  g_assert_cmpuint (highest - lowest, <, 512);
  lowest = UINTPTR_MAX;
  highest = 0;
}

/* COUNT promises, each of which returns the next; resolved one way or the other. */
static void
run_deep (guint    count,
          gboolean inner_first)
{
  g_autofree TroupePromise **promises = g_new (TroupePromise *, count);
  g_autofree TroupeResolver **resolvers = g_new (TroupeResolver *, count);

  for (guint i = 0; i < count; i++)
    promises[i] = troupe_promise_new (&resolvers[i]);
  for (guint i = 0; i + 1 < count; i++)
    {
      troupe_promise_add_callback (promises[i], give_promise, troupe_promise_ref (promises[i + 1]), NULL);
      troupe_promise_add_callback (promises[i], measure_stack, NULL, NULL);
    }
  troupe_promise_add_callback (promises[0], show, NULL, NULL);

  for (guint i = 0; i < count; i++)
    resolve (resolvers[inner_first ? count - 1 - i : i], 5);
  assert_trace ("5");

  for (guint i = 0; i < count; i++)
    {
      troupe_promise_unref (promises[i]);
      troupe_resolver_unref (resolvers[i]);
    }
}

/* The innermost stays pending until all wait. */
static void
run_deep_pending (guint count)
{
  g_autofree TroupePromise **promises = g_new (TroupePromise *, count);
  g_autofree TroupeResolver **resolvers = g_new (TroupeResolver *, count);

  for (guint i = 0; i < count; i++)
    promises[i] = troupe_promise_new (&resolvers[i]);
  for (guint i = count - 1; i-- > 0; )
    {
      troupe_promise_add_callback (promises[i], give_promise, promises[i + 1], NULL);
      troupe_promise_add_callback (promises[i], measure_stack, NULL, NULL);
      resolve (resolvers[i], 1);
    }
  troupe_promise_add_callback (promises[0], show, NULL, NULL);
  resolve (resolvers[count - 1], 6);
  assert_trace ("6");

  troupe_promise_unref (promises[0]);
  for (guint i = 0; i < count; i++)
    troupe_resolver_unref (resolvers[i]);
}

static void
test_c_36 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("Chains of any length and depth run in the same stack");

  lowest = UINTPTR_MAX;
  highest = 0;
  run_deep (MANY, TRUE);
  assert_flat_stack ();
  run_deep (MANY, FALSE);
  assert_flat_stack ();
  run_deep_pending (MANY);
  assert_flat_stack ();

  for (guint i = 0; i < MANY; i++)
    {
      troupe_promise_add_callback (promise, give_promise, new_resolved (i), NULL);
      troupe_promise_add_callback (promise, measure_stack, NULL, NULL);
    }
  resolve (resolver, 0);
  assert_flat_stack ();
  g_assert_cmpint (troupe_promise_get_int64 (promise), ==, MANY - 1);
}

static void
test_c_37 (void)
{
  g_autoptr (TroupeResolver) rb = NULL, rd = NULL;
  g_autoptr (TroupePromise) a = new_resolved (1);
  g_autoptr (TroupePromise) b = troupe_promise_new (&rb);
  g_autoptr (TroupePromise) c = troupe_promise_new_rejected (new_error ("bad"));
  g_autoptr (TroupePromise) d = troupe_promise_new (&rd);
  g_autoptr (TroupePromise) e = new_resolved (5);

  g_test_summary ("An outcome chained to another promise resolves it first; its own chain goes on with nothing");

  troupe_promise_add_both (b, show, NULL, NULL);
  troupe_promise_chain_to (a, rb);
  troupe_promise_add_both (a, show, NULL, NULL);
  assert_trace ("1 nothing");

  troupe_promise_chain_to (c, rd);
  troupe_promise_add_both (c, show, NULL, NULL);
  troupe_promise_add_both (d, show, NULL, NULL);
  assert_trace ("nothing !bad");
  troupe_promise_add_errback (d, give_nothing, NULL, NULL);

  troupe_promise_chain_to (e, rb);
  g_assert_error (troupe_promise_get_error (e), TROUPE_ERROR, TROUPE_ERROR_ALREADY_RESOLVED);
  troupe_promise_add_errback (e, give_nothing, NULL, NULL);
}

/* D. Pause */

static void
pause_self (TroupePromise *promise,
            gpointer       user_data)
{
  troupe_promise_pause (promise);
}

static void
test_d_38 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("Pauses are counted; steps run when none is left");

  troupe_promise_add_callback (promise, show, NULL, NULL);
  troupe_promise_pause (promise);
  troupe_promise_pause (promise);
  resolve (resolver, 1);
  troupe_promise_unpause (promise);
  assert_trace ("");
  troupe_promise_add_callback (promise, say_word, (gpointer) "later", NULL);
  assert_trace ("");
  troupe_promise_unpause (promise);
  assert_trace ("1 later");
}

static void
test_d_38_dropped (void)
{
  TroupeResolver *resolver;
  TroupePromise *promise = troupe_promise_new (&resolver);
  Witness witness = { 0 };

  g_test_summary ("A paused chain that everybody drops is freed with the steps that never ran");

  troupe_promise_add_callback (promise, say_word, &witness, witness_cb);
  troupe_promise_pause (promise);
  resolve (resolver, 1);
  troupe_resolver_unref (resolver);
  g_assert_cmpint (witness.count, ==, 0);
  troupe_promise_unref (promise);
  g_assert_cmpint (witness.count, ==, 1);
  assert_trace ("");
}

static void
test_d_39 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);
  g_autoptr (TroupePromise) failed = troupe_promise_new_rejected (new_error ("bad"));

  g_test_summary ("Going on while pending does nothing; a paused error waits for its errback");

  troupe_promise_add_callback (promise, show, NULL, NULL);
  troupe_promise_pause (promise);
  troupe_promise_unpause (promise);
  assert_trace ("");
  resolve (resolver, 1);
  assert_trace ("1");

  troupe_promise_pause (failed);
  troupe_promise_add_errback (failed, show, NULL, NULL);
  troupe_promise_add_errback (failed, give_nothing, NULL, NULL);
  assert_trace ("");
  troupe_promise_unpause (failed);
  assert_trace ("!bad");
}

static void
test_d_40 (void)
{
  TroupeResolver *inner_resolver;
  TroupePromise *inner = troupe_promise_new (&inner_resolver);
  g_autoptr (TroupePromise) outer = new_resolved (1);

  g_test_summary ("Taking back more pauses than there are is refused, a wait for another promise included");

  troupe_promise_add_callback (outer, give_promise, troupe_promise_ref (inner), NULL);
  troupe_promise_add_callback (outer, show, NULL, NULL);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*unpaused that is not paused*");
  troupe_promise_unpause (outer);
  g_test_assert_expected_messages ();
  assert_trace ("");

  resolve (inner_resolver, 2);
  assert_trace ("2");
  troupe_resolver_unref (inner_resolver);
  troupe_promise_unref (inner);
}

static void
test_d_40_too_many (void)
{
  g_autoptr (TroupePromise) promise = new_resolved (1);

  g_test_summary ("The count of pauses does not wrap around");

  for (guint i = 0; i < G_MAXUINT16; i++)
    troupe_promise_pause (promise);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*more than 65535 times*");
  troupe_promise_pause (promise);
  g_test_assert_expected_messages ();

  troupe_promise_add_callback (promise, show, NULL, NULL);
  for (guint i = 1; i < G_MAXUINT16; i++)
    troupe_promise_unpause (promise);
  assert_trace ("");
  troupe_promise_unpause (promise);
  assert_trace ("1");
}

static void
test_d_41 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("[D] A step that pauses its own chain is the last one to run; Twisted runs the rest");

  troupe_promise_add_callback (promise, say_word, (gpointer) "a", NULL);
  troupe_promise_add_callback (promise, pause_self, NULL, NULL);
  troupe_promise_add_callback (promise, say_word, (gpointer) "b", NULL);
  resolve (resolver, 1);
  assert_trace ("a");
  troupe_promise_unpause (promise);
  assert_trace ("b");
}

static void
test_d_42 (void)
{
  g_autoptr (TroupePromise) inner = new_resolved (7);
  g_autoptr (TroupePromise) outer = new_resolved (1);

  g_test_summary ("25, 42: A promise that has a value but is paused keeps the chain that adopts it waiting");

  troupe_promise_pause (inner);
  troupe_promise_add_callback (outer, give_promise, troupe_promise_ref (inner), NULL);
  troupe_promise_add_callback (outer, show, NULL, NULL);
  assert_trace ("");
  troupe_promise_unpause (inner);
  assert_trace ("7");
  troupe_promise_add_callback (inner, show, NULL, NULL);
  assert_trace ("nothing");
}

static void
test_c_32 (void)
{
  g_autoptr (TroupeResolver) inner_resolver = NULL;
  g_autoptr (TroupePromise) inner = troupe_promise_new (&inner_resolver);
  g_autoptr (TroupePromise) outer = new_resolved (1);

  g_test_summary ("A paused chain is given the outcome it waits for, and goes on when it may");

  troupe_promise_add_callback (outer, give_promise, troupe_promise_ref (inner), NULL);
  troupe_promise_add_callback (outer, show, NULL, NULL);
  troupe_promise_pause (outer);
  resolve (inner_resolver, 7);
  assert_trace ("");
  troupe_promise_add_callback (inner, show, NULL, NULL);
  assert_trace ("nothing");
  troupe_promise_unpause (outer);
  assert_trace ("7");
}

/* E. Re-entrancy */

static void
add_show (TroupePromise *promise,
          gpointer       user_data)
{
  say ("add");
  troupe_promise_add_callback (promise, show, NULL, NULL);
  say ("added");
}

static void
add_fail (TroupePromise *promise,
          gpointer       user_data)
{
  troupe_promise_add_callback (promise, fail, (gpointer) "late", NULL);
}

static void
test_e_44 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("A step added by a step runs after those that are there");

  troupe_promise_add_callback (promise, add_show, NULL, NULL);
  troupe_promise_add_callback (promise, plus, GINT_TO_POINTER (1), NULL);
  resolve (resolver, 1);
  assert_trace ("add added 2");
  troupe_promise_add_callback (promise, add_show, NULL, NULL);
  assert_trace ("add added 2");
}

static void
test_e_45 (void)
{
  g_autoptr (TroupePromise) promise = new_resolved (1);

  g_test_summary ("An error of a step that was added by a step flows like any other");

  troupe_promise_add_callback (promise, add_fail, NULL, NULL);
  troupe_promise_add_errback (promise, show, NULL, NULL);
  assert_trace ("!late");
  troupe_promise_add_errback (promise, give_nothing, NULL, NULL);
}

static void
resolve_other (TroupePromise *promise,
               gpointer       user_data)
{
  say ("a1");
  resolve (user_data, 7);
  say ("a1-end");
}

static void
test_e_46 (void)
{
  g_autoptr (TroupeResolver) ra = NULL, rb = NULL;
  g_autoptr (TroupePromise) a = troupe_promise_new (&ra);
  g_autoptr (TroupePromise) b = troupe_promise_new (&rb);

  g_test_summary ("Resolving another promise in a step runs its chain before the call returns");

  troupe_promise_add_callback (b, show, NULL, NULL);
  troupe_promise_add_callback (a, resolve_other, rb, NULL);
  troupe_promise_add_callback (a, say_word, (gpointer) "a2", NULL);
  resolve (ra, 1);
  assert_trace ("a1 7 a1-end a2");
}

static void
resolve_again (TroupePromise *promise,
               gpointer       user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (troupe_resolver_resolve_int64 (user_data, 2, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_RESOLVED);
}

static void
test_e_47 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("Resolving a promise in its own step is too late");

  troupe_promise_add_callback (promise, resolve_again, resolver, NULL);
  troupe_promise_add_callback (promise, show, NULL, NULL);
  resolve (resolver, 1);
  assert_trace ("1");
}

static void
add_to_other (TroupePromise *promise,
              gpointer       user_data)
{
  troupe_promise_add_callback (user_data, show, NULL, NULL);
  say ("end");
}

static void
test_b_15_handed_over (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) inner = troupe_promise_new (&resolver);
  g_autoptr (TroupePromise) outer = new_resolved (1);

  g_test_summary ("A step runs at once that is added to a promise while the one that has taken its outcome runs");

  troupe_promise_add_callback (outer, give_promise, troupe_promise_ref (inner), NULL);
  troupe_promise_add_callback (outer, add_to_other, inner, NULL);
  troupe_promise_add_callback (inner, say_word, (gpointer) "inner", NULL);
  resolve (resolver, 1);
  assert_trace ("inner nothing end");
}

/* The rest of a chain, which is to run later, is run here: it waits for another promise, which comes here too. */
typedef struct
{
  TroupePromise  *promise;
  TroupeResolver *resolver;
} Detour;

static void
take_detour (TroupePromise *promise,
             gpointer       user_data)
{
  Detour *detour = user_data;
  TroupePromise *other = troupe_promise_new (&detour->resolver);

  say ("outer");
  troupe_promise_add_callback (detour->promise, give_promise, other, NULL);
  troupe_promise_add_callback (detour->promise, show, NULL, NULL);
  resolve (detour->resolver, 2);
  troupe_resolver_unref (detour->resolver);
  say ("end");
}

static void
test_e_49 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) inner = troupe_promise_new (&resolver);
  g_autoptr (TroupePromise) middle = new_resolved (0);
  g_autoptr (TroupePromise) outer = new_resolved (0);
  Detour detour = { middle, NULL };

  g_test_summary ("A chain may wait and go on inside a run that has yet to come back to it");

  troupe_promise_add_callback (middle, give_promise, troupe_promise_ref (inner), NULL);
  troupe_promise_add_callback (outer, give_promise, troupe_promise_ref (middle), NULL);
  troupe_promise_add_callback (outer, take_detour, &detour, NULL);
  troupe_promise_add_callback (outer, say_word, (gpointer) "next", NULL);
  troupe_promise_add_callback (middle, say_word, (gpointer) "middle", NULL);
  troupe_promise_add_callback (inner, say_word, (gpointer) "inner", NULL);
  resolve (resolver, 1);
  assert_trace ("outer middle 2 end next inner");

  troupe_promise_add_callback (middle, show, NULL, NULL);
  troupe_promise_add_callback (outer, show, NULL, NULL);
  assert_trace ("2 1");
}

static void
give_detour (TroupePromise *promise,
             gpointer       user_data)
{
  Detour *detour = user_data;

  troupe_promise_return_promise (promise, g_steal_pointer (&detour->promise));
}

static void
resolve_detour (gpointer data)
{
  Detour *detour = data;

  say ("freed");
  resolve (detour->resolver, 2);
  troupe_resolver_unref (detour->resolver);
}

static void
test_a_11_resolves (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) inner = troupe_promise_new (&resolver);
  g_autoptr (TroupePromise) outer = new_resolved (1);
  Detour detour;

  g_test_summary ("What frees a step's data may resolve the promise that the step has returned");

  detour.promise = troupe_promise_new (&detour.resolver);
  troupe_promise_add_callback (outer, give_promise, troupe_promise_ref (inner), NULL);
  troupe_promise_add_callback (outer, give_detour, &detour, resolve_detour);
  troupe_promise_add_callback (outer, show, NULL, NULL);
  troupe_promise_add_callback (inner, say_word, (gpointer) "inner", NULL);
  resolve (resolver, 1);
  assert_trace ("freed 2 inner");
}

/* H. Unhandled errors */

static void
test_h_69 (void)
{
  TroupeResolver *resolver;
  TroupePromise *promise = troupe_promise_new (&resolver);

  g_test_summary ("An error that nobody handled is reported once, when the promise goes");

  reject (resolver, "lost");
  troupe_resolver_unref (resolver);
  troupe_promise_add_errback (promise, show, NULL, NULL);
  assert_trace ("!lost");
  expect_unhandled ("lost");
  troupe_promise_unref (promise);
  g_test_assert_expected_messages ();

  promise = troupe_promise_new_rejected (new_error ("late"));
  troupe_promise_add_errback (promise, give_nothing, NULL, NULL);
  troupe_promise_unref (promise);
}

static void
test_h_69_resolver_kept (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  TroupePromise *promise = troupe_promise_new (&resolver);

  g_test_summary ("It is reported when the last consumer goes, though a resolver is still held");

  reject (resolver, "lost");
  expect_unhandled ("lost");
  troupe_promise_unref (promise);
  g_test_assert_expected_messages ();
}

static void
test_h_70 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  TroupePromise *target = troupe_promise_new (&resolver);
  TroupePromise *source = troupe_promise_new_rejected (new_error ("chained"));

  g_test_summary ("An error that was chained to another promise is reported by that one");

  troupe_promise_chain_to (source, resolver);
  troupe_promise_unref (source);
  expect_unhandled ("chained");
  troupe_promise_unref (target);
  g_test_assert_expected_messages ();
}

static void
test_h_71 (void)
{
  TroupeResolver *resolver;
  TroupePromise *promise = troupe_promise_new_rejected (new_error ("handled"));

  g_test_summary ("An errback that returns a pending promise has handled the error");

  troupe_promise_add_errback (promise, give_promise, troupe_promise_new (&resolver), NULL);
  troupe_promise_unref (promise);
  resolve (resolver, 1);
  troupe_resolver_unref (resolver);
}

static void
test_h_72 (void)
{
  TroupeResolver *resolver;
  TroupePromise *promise = troupe_promise_new (&resolver);

  g_test_summary ("A promise that its own step refers to is freed, and reports its error");

  troupe_promise_add_callback (promise, show, troupe_promise_ref (promise), (GDestroyNotify) troupe_promise_unref);
  troupe_promise_unref (promise);
  expect_unhandled ("Nobody is left");
  troupe_resolver_unref (resolver);
  g_test_assert_expected_messages ();
  assert_trace ("");
}

static void
test_h_73 (void)
{
  TroupePromise *promise = troupe_promise_new_rejected (g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_CANCELLED,
                                                                             "Nobody wants it"));

  g_test_summary ("A cancellation that nobody handled is only worth a debug message");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_DEBUG, "Unhandled error*Nobody wants it*");
  troupe_promise_unref (promise);
  g_test_assert_expected_messages ();
}

/* Y. Edges */

static void
count_up (TroupePromise *promise,
          gpointer       user_data)
{
  (*(int *) user_data)++;
}

static void
add_ten_thousand (TroupePromise *promise,
                  gpointer       user_data)
{
  for (int i = 0; i < 10000; i++)
    troupe_promise_add_callback (promise, count_up, user_data, NULL);
}

static void
test_y_134 (void)
{
  g_autoptr (TroupePromise) promise = new_resolved (1);
  int count = 0;

  g_test_summary ("A step adds ten thousand; all run");

  troupe_promise_add_callback (promise, add_ten_thousand, &count, NULL);
  g_assert_cmpint (count, ==, 10000);
}

static void
log_and_resolve (const char     *domain,
                 GLogLevelFlags  level,
                 const char     *message,
                 gpointer        user_data)
{
  say ("report");
  resolve (user_data, 7);
}

static void
test_h_74 (void)
{
  TroupePromise *promise = troupe_promise_new_rejected (g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_CANCELLED, "Unwanted"));
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) other = troupe_promise_new (&resolver);
  guint handler = g_log_set_handler ("Troupe", G_LOG_LEVEL_DEBUG, log_and_resolve, resolver);

  g_test_summary ("A report runs nothing but the log writer, which may use promises: what the promise holds is freed after it");

  troupe_promise_add_callback (other, show, NULL, NULL);
  troupe_promise_pause (promise);
  troupe_promise_add_both (promise, show, (gpointer) "freed", (GDestroyNotify) say);
  troupe_promise_unref (promise);
  g_log_remove_handler ("Troupe", handler);
  assert_trace ("report 7 freed");
}

static void
test_y_136 (void)
{
  TroupePromise *promise = new_resolved (1);

  g_test_summary ("The data of steps that are dropped are freed in the order in which the steps were added");

  troupe_promise_add_callback (promise, show, (gpointer) "ran", (GDestroyNotify) say);
  troupe_promise_pause (promise);
  troupe_promise_add_callback (promise, show, (gpointer) "a", (GDestroyNotify) say);
  troupe_promise_add_callbacks (promise, show, (gpointer) "b", (GDestroyNotify) say, show, (gpointer) "c", (GDestroyNotify) say);
  troupe_promise_add_errback (promise, show, (gpointer) "d", (GDestroyNotify) say);
  troupe_promise_unref (promise);
  assert_trace ("1 ran a b c d");
}

/* A value, and whether it was accepted, which is freed when its promise goes, whatever way that takes. */

static gboolean
resolve_counted (TroupeResolver *resolver,
                 Witness        *witness)
{
  return troupe_resolver_resolve_pointer (resolver, witness, witness_cb, NULL);
}

static void
leave_canceller (TroupeResolver *resolver,
                 gpointer        user_data)
{
}

static void
test_y_141 (void)
{
  Witness kept = { 0 }, late = { 0 }, replaced = { 0 }, adopted = { 0 }, chained = { 0 }, paused = { 0 };
  Witness swallowed = { 0 }, refused = { 0 }, timed = { 0 };

  g_test_summary ("A value is freed once, whichever way it goes");

  {
    g_autoptr (TroupeResolver) resolver = NULL, next_resolver = NULL;
    g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver), next = troupe_promise_new (&next_resolver);
    g_autoptr (TroupePromise) outer = new_resolved (0);

    g_assert_true (resolve_counted (resolver, &kept));
    g_assert_false (resolve_counted (resolver, &late));
    g_assert_cmpint (late.count, ==, 1);
    troupe_promise_chain_to (promise, next_resolver);
    troupe_promise_add_callback (outer, give_promise, g_steal_pointer (&next), NULL);
    g_assert_cmpint (kept.count, ==, 0);
  }
  {
    g_autoptr (TroupeResolver) resolver = NULL, inner_resolver = NULL, target_resolver = NULL;
    g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver), target = troupe_promise_new (&target_resolver);

    troupe_promise_add_callback (promise, give_promise, troupe_promise_new (&inner_resolver), NULL);
    troupe_promise_chain_to (promise, target_resolver);
    g_assert_true (resolve_counted (resolver, &replaced));
    g_assert_cmpint (replaced.count, ==, 1);
    g_assert_true (resolve_counted (inner_resolver, &adopted));
    g_assert_true (troupe_promise_get_pointer (target) == &adopted);
    g_assert_cmpint (adopted.count, ==, 0);
  }
  {
    g_autoptr (TroupeResolver) resolver = NULL, target_resolver = NULL;
    g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver), target = troupe_promise_new (&target_resolver);

    troupe_promise_cancel (target);
    troupe_promise_chain_to (promise, target_resolver);
    g_assert_true (resolve_counted (resolver, &chained));
    g_assert_cmpint (chained.count, ==, 1);
    troupe_promise_pause (promise);
    troupe_promise_add_errback (target, give_nothing, NULL, NULL);
  }
  {
    g_autoptr (TroupeResolver) resolver = NULL;
    g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

    troupe_promise_pause (promise);
    troupe_promise_add_callback (promise, show, NULL, NULL);
    g_assert_true (resolve_counted (resolver, &paused));
  }
  {
    g_autoptr (TroupeResolver) resolver = NULL, other_resolver = NULL;
    g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);
    g_autoptr (TroupePromise) other = troupe_promise_new_with_canceller (&other_resolver, leave_canceller, NULL, NULL);

    troupe_promise_cancel (promise);
    g_assert_true (resolve_counted (resolver, &swallowed));
    troupe_promise_cancel (other);
    g_assert_false (resolve_counted (other_resolver, &refused));
    g_assert_cmpint (swallowed.count + refused.count, ==, 2);
    troupe_promise_add_errback (promise, give_nothing, NULL, NULL);
    troupe_promise_add_errback (other, give_nothing, NULL, NULL);
  }
  {
    g_autoptr (TroupeResolver) resolver = NULL;
    g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

    troupe_promise_add_timeout (promise, 60000, NULL, NULL, NULL);
    g_assert_true (resolve_counted (resolver, &timed));
    g_assert_cmpint (timed.count, ==, 0);
  }

  g_assert_cmpint (kept.count, ==, 1);
  g_assert_cmpint (late.count, ==, 1);
  g_assert_cmpint (replaced.count, ==, 1);
  g_assert_cmpint (adopted.count, ==, 1);
  g_assert_cmpint (chained.count, ==, 1);
  g_assert_cmpint (paused.count, ==, 1);
  g_assert_cmpint (swallowed.count, ==, 1);
  g_assert_cmpint (refused.count, ==, 1);
  g_assert_cmpint (timed.count, ==, 1);
}

static void
test_y_135 (void)
{
  g_autoptr (TroupePromise) promise = new_resolved (1);
  Witness a = { 0 }, b = { 0 };

  g_test_summary ("A step without functions passes everything on and frees its data");

  troupe_promise_add_callbacks (promise, NULL, &a, witness_cb, NULL, &b, witness_cb);
  troupe_promise_add_both (promise, NULL, NULL, NULL);
  g_assert_cmpint (a.count, ==, 1);
  g_assert_cmpint (b.count, ==, 1);
  troupe_promise_add_callback (promise, show, NULL, NULL);
  assert_trace ("1");
}

static void
test_y_137 (void)
{
  TroupeResolver *victim;
  g_autoptr (TroupePromise) broken = troupe_promise_new (&victim);
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("A resolver may be dropped while another promise's value is freed");

  troupe_promise_add_both (broken, say_word, (gpointer) "broken", NULL);
  troupe_promise_add_callback (promise, give, GINT_TO_POINTER (1), NULL);
  troupe_promise_add_callback (promise, show, NULL, NULL);
  g_assert_true (troupe_resolver_resolve_pointer (resolver, victim, (GDestroyNotify) troupe_resolver_unref, NULL));
  assert_trace ("broken 1");
  g_assert_error (troupe_promise_get_error (broken), TROUPE_ERROR, TROUPE_ERROR_BROKEN);
  troupe_promise_add_errback (broken, give_nothing, NULL, NULL);
}

static void
resolve_and_unref (gpointer data)
{
  resolve (data, 8);
  troupe_resolver_unref (data);
}

static void
test_y_138 (void)
{
  TroupeResolver *other;
  g_autoptr (TroupePromise) waiting = troupe_promise_new (&other);
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("Freeing a value may resolve another promise");

  troupe_promise_add_callback (waiting, show, NULL, NULL);
  g_assert_true (troupe_resolver_resolve_pointer (resolver, other, resolve_and_unref, NULL));
  troupe_promise_add_callback (promise, give_nothing, NULL, NULL);
  assert_trace ("8");
}

static void
test_y_139 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  TroupePromise *inner = troupe_promise_new (&resolver);
  g_autoptr (TroupePromise) outer = new_resolved (1);
  g_autoptr (GError) error = NULL;

  g_test_summary ("Domain, code and message of an error survive adoption");

  troupe_promise_add_callback (outer, give_promise, inner, NULL);
  g_assert_true (troupe_resolver_reject (resolver, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "Ünfound"), NULL));
  error = troupe_promise_steal_error (outer);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpstr (error->message, ==, "Ünfound");
  g_assert_true (troupe_promise_has_value (outer));
}

static void
test_y_140 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("Nothing is another thing than no outcome, and than an error");

  g_assert_false (troupe_promise_is_resolved (promise));
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*has no outcome yet*");
  g_assert_false (troupe_promise_has_value (promise));
  g_test_assert_expected_messages ();

  g_assert_true (troupe_resolver_resolve (resolver, NULL));
  g_assert_true (troupe_promise_is_resolved (promise));
  g_assert_true (troupe_promise_has_value (promise));
  g_assert_cmpuint (troupe_promise_get_value_type (promise), ==, G_TYPE_NONE);
  g_assert_null (troupe_promise_get_error (promise));

  troupe_promise_add_callback (promise, fail, (gpointer) "bad", NULL);
  g_assert_false (troupe_promise_has_value (promise));
  g_assert_cmpuint (troupe_promise_get_value_type (promise), ==, G_TYPE_INVALID);
  troupe_promise_add_errback (promise, give_nothing, NULL, NULL);
}

/* What else the functions promise */

static void
return_twice (TroupePromise *promise,
              gpointer       user_data)
{
  TroupeResolver *resolver;

  troupe_promise_return_pointer (promise, user_data, witness_cb);
  troupe_promise_return_error (promise, new_error ("replaced"));
  troupe_promise_return_promise (promise, troupe_promise_new (&resolver));
  troupe_promise_return_int64 (promise, 4);
  troupe_resolver_unref (resolver);
}

static void
test_return_twice (void)
{
  g_autoptr (TroupePromise) promise = new_resolved (1);
  Witness first = { 0 };

  g_test_summary ("The last return of a step counts; the others are freed");

  expect_unhandled ("Nobody is left");
  troupe_promise_add_callback (promise, return_twice, &first, NULL);
  g_test_assert_expected_messages ();
  troupe_promise_add_callback (promise, show, NULL, NULL);
  assert_trace ("4");
  g_assert_cmpint (first.count, ==, 1);
}

static void
test_return_outside (void)
{
  g_autoptr (TroupePromise) promise = new_resolved (1);
  Witness value = { 0 };

  g_test_summary ("Only a step can return: elsewhere it is a mistake, and what was given is freed");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "troupe_promise_return_pointer: only a step*");
  troupe_promise_return_pointer (promise, &value, witness_cb);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "troupe_promise_return_promise: only a step*");
  troupe_promise_return_promise (promise, new_resolved (2));
  g_test_assert_expected_messages ();
  g_assert_cmpint (value.count, ==, 1);
  g_assert_cmpint (troupe_promise_get_int64 (promise), ==, 1);
}

static void
read_then_return (TroupePromise *promise,
                  gpointer       user_data)
{
  const char *old = troupe_promise_get_string (promise);

  troupe_promise_return_string (promise, "new");
  g_assert_cmpstr (old, ==, "old");
  g_assert_cmpstr (troupe_promise_get_string (promise), ==, "old");
}

static void
test_borrow (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("What a step reads stays valid to its end, whatever it returns");

  g_assert_true (troupe_resolver_resolve_string (resolver, "old", NULL));
  troupe_promise_add_callback (promise, read_then_return, NULL, NULL);
  g_assert_cmpstr (troupe_promise_get_string (promise), ==, "new");
}

static void
test_wrong_type (void)
{
  g_autoptr (TroupePromise) promise = new_resolved (1);

  g_test_summary ("Reading another type than there is is a mistake, and reads as NULL or 0");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "The value was read as gchararray, but it is a gint64");
  g_assert_null (troupe_promise_get_string (promise));
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "The value was read as gdouble, but it is a gint64");
  g_assert_true (troupe_promise_get_double (promise) == 0.0);
  troupe_promise_add_callback (promise, fail, (gpointer) "bad", NULL);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "The value was read as gint64, but there is an error instead");
  g_assert_cmpint (troupe_promise_get_int64 (promise), ==, 0);
  g_test_assert_expected_messages ();
  troupe_promise_add_errback (promise, give_nothing, NULL, NULL);
}

static void
return_every_type (TroupePromise *promise,
                   gpointer       user_data)
{
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("abc", 3);
  static const char *const strv[] = { "a", "b", NULL };
  g_auto (GValue) value = G_VALUE_INIT;

  switch (GPOINTER_TO_INT (user_data))
    {
    case 0:
      troupe_promise_return_uint64 (promise, G_MAXUINT64);
      break;
    case 1:
      troupe_promise_return_double (promise, 0.5);
      break;
    case 2:
      troupe_promise_return_boolean (promise, TRUE);
      break;
    case 3:
      troupe_promise_return_bytes (promise, bytes);
      break;
    case 4:
      troupe_promise_return_variant (promise, g_variant_new_string ("v"));
      break;
    case 5:
      troupe_promise_return_object (promise, object);
      break;
    case 6:
      troupe_promise_return_boxed (promise, G_TYPE_STRV, strv);
      break;
    case 7:
      troupe_promise_return_json (promise, json_object_new_int (5));
      break;
    default:
      g_value_init (&value, G_TYPE_STRING);
      g_value_set_string (&value, "s");
      troupe_promise_return_value (promise, &value);
      break;
    }
}

static void
test_types (void)
{
  g_autoptr (TroupePromise) promise = troupe_promise_new_resolved (NULL);
  g_auto (GValue) value = G_VALUE_INIT;
  struct json_object *json;

  g_test_summary ("Every type that a step can return is read back");

  troupe_promise_add_callback (promise, return_every_type, GINT_TO_POINTER (0), NULL);
  g_assert_cmpuint (troupe_promise_get_uint64 (promise), ==, G_MAXUINT64);
  troupe_promise_add_callback (promise, return_every_type, GINT_TO_POINTER (1), NULL);
  g_assert_true (troupe_promise_get_double (promise) == 0.5);
  troupe_promise_add_callback (promise, return_every_type, GINT_TO_POINTER (2), NULL);
  g_assert_true (troupe_promise_get_boolean (promise));
  troupe_promise_add_callback (promise, return_every_type, GINT_TO_POINTER (3), NULL);
  g_assert_cmpuint (g_bytes_get_size (troupe_promise_get_bytes (promise)), ==, 3);
  troupe_promise_add_callback (promise, return_every_type, GINT_TO_POINTER (4), NULL);
  g_assert_cmpstr (g_variant_get_string (troupe_promise_get_variant (promise), NULL), ==, "v");
  troupe_promise_add_callback (promise, return_every_type, GINT_TO_POINTER (5), NULL);
  g_assert_true (G_IS_OBJECT (troupe_promise_get_object (promise)));
  troupe_promise_add_callback (promise, return_every_type, GINT_TO_POINTER (6), NULL);
  g_assert_true (g_strv_equal (troupe_promise_get_boxed (promise), (const char *const[]) { "a", "b", NULL }));
  troupe_promise_add_callback (promise, return_every_type, GINT_TO_POINTER (7), NULL);
  g_assert_cmpint (json_object_get_int (troupe_promise_get_json (promise)), ==, 5);
  json = troupe_promise_steal_json (promise);
  g_assert_cmpint (json_object_get_int (json), ==, 5);
  json_object_put (json);
  g_assert_cmpuint (troupe_promise_get_value_type (promise), ==, G_TYPE_NONE);
  troupe_promise_add_callback (promise, return_every_type, GINT_TO_POINTER (8), NULL);
  troupe_promise_get_value (promise, &value);
  g_assert_cmpstr (g_value_get_string (&value), ==, "s");
}

static void
test_or_fail (void)
{
  g_autoptr (TroupePromise) good = new_resolved (1);
  g_autoptr (TroupePromise) bad = troupe_promise_new_rejected (new_error ("fatal"));

  g_test_summary ("Outside actors there is nothing to fail: the error is logged, and handled");

  troupe_promise_or_fail (good);
  g_assert_cmpint (troupe_promise_get_int64 (good), ==, 1);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*failed: fatal*");
  troupe_promise_or_fail (bad);
  g_test_assert_expected_messages ();
  g_assert_true (troupe_promise_has_value (bad));
}

int
main (int    argc,
      char **argv)
{
  static const struct
  {
    const char *path;
    GTestFunc   func;
  } tests[] = {
    { "/troupe/promise/a/rule-01", test_a_01 },
    { "/troupe/promise/a/rule-02", test_a_02 },
    { "/troupe/promise/a/rule-03", test_a_03 },
    { "/troupe/promise/a/rule-04", test_a_04 },
    { "/troupe/promise/a/rule-05", test_a_05 },
    { "/troupe/promise/a/rule-06", test_a_06 },
    { "/troupe/promise/a/rule-07", test_a_07 },
    { "/troupe/promise/a/rule-08", test_a_08 },
    { "/troupe/promise/a/rule-09", test_a_09 },
    { "/troupe/promise/a/rule-10", test_a_10 },
    { "/troupe/promise/a/rule-11", test_a_11 },
    { "/troupe/promise/a/rule-11/resolves", test_a_11_resolves },
    { "/troupe/promise/a/rule-12", test_a_12 },
    { "/troupe/promise/b/rule-13", test_b_13 },
    { "/troupe/promise/b/rule-14", test_b_14 },
    { "/troupe/promise/b/rule-15", test_b_15 },
    { "/troupe/promise/b/rule-15/handed-over", test_b_15_handed_over },
    { "/troupe/promise/b/rule-16", test_b_16 },
    { "/troupe/promise/b/rule-17", test_b_17 },
    { "/troupe/promise/b/rule-19", test_b_19 },
    { "/troupe/promise/b/rule-20", test_b_20 },
    { "/troupe/promise/b/rule-21", test_b_21 },
    { "/troupe/promise/b/rule-22", test_b_22 },
    { "/troupe/promise/c/rule-23", test_c_23 },
    { "/troupe/promise/c/rule-24", test_c_24 },
    { "/troupe/promise/c/rule-25", test_c_25 },
    { "/troupe/promise/c/rule-26", test_c_26 },
    { "/troupe/promise/c/rule-27", test_c_27 },
    { "/troupe/promise/c/rule-28", test_c_28 },
    { "/troupe/promise/c/rule-29", test_c_29 },
    { "/troupe/promise/c/rule-30", test_c_30 },
    { "/troupe/promise/c/rule-31", test_c_31 },
    { "/troupe/promise/c/rule-32", test_c_32 },
    { "/troupe/promise/c/rule-33", test_c_33 },
    { "/troupe/promise/c/rule-34", test_c_34 },
    { "/troupe/promise/c/rule-35", test_c_35 },
    { "/troupe/promise/c/rule-36", test_c_36 },
    { "/troupe/promise/c/rule-37", test_c_37 },
    { "/troupe/promise/d/rule-38", test_d_38 },
    { "/troupe/promise/d/rule-38/dropped", test_d_38_dropped },
    { "/troupe/promise/d/rule-39", test_d_39 },
    { "/troupe/promise/d/rule-40", test_d_40 },
    { "/troupe/promise/d/rule-40/too-many", test_d_40_too_many },
    { "/troupe/promise/d/rule-41", test_d_41 },
    { "/troupe/promise/d/rule-42", test_d_42 },
    { "/troupe/promise/e/rule-44", test_e_44 },
    { "/troupe/promise/e/rule-45", test_e_45 },
    { "/troupe/promise/e/rule-46", test_e_46 },
    { "/troupe/promise/e/rule-47", test_e_47 },
    { "/troupe/promise/e/rule-49", test_e_49 },
    { "/troupe/promise/h/rule-69", test_h_69 },
    { "/troupe/promise/h/rule-69/resolver-kept", test_h_69_resolver_kept },
    { "/troupe/promise/h/rule-70", test_h_70 },
    { "/troupe/promise/h/rule-71", test_h_71 },
    { "/troupe/promise/h/rule-72", test_h_72 },
    { "/troupe/promise/h/rule-73", test_h_73 },
    { "/troupe/promise/h/rule-74", test_h_74 },
    { "/troupe/promise/y/rule-134", test_y_134 },
    { "/troupe/promise/y/rule-135", test_y_135 },
    { "/troupe/promise/y/rule-136", test_y_136 },
    { "/troupe/promise/y/rule-137", test_y_137 },
    { "/troupe/promise/y/rule-138", test_y_138 },
    { "/troupe/promise/y/rule-139", test_y_139 },
    { "/troupe/promise/y/rule-140", test_y_140 },
    { "/troupe/promise/y/rule-141", test_y_141 },
    { "/troupe/promise/return/twice", test_return_twice },
    { "/troupe/promise/return/outside", test_return_outside },
    { "/troupe/promise/borrow", test_borrow },
    { "/troupe/promise/wrong-type", test_wrong_type },
    { "/troupe/promise/types", test_types },
    { "/troupe/promise/or-fail", test_or_fail },
  };
  int result;

  g_test_init (&argc, &argv, NULL);

  trace = g_string_new (NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add_func (tests[i].path, tests[i].func);
  result = g_test_run ();
  g_string_free (trace, TRUE);

  return result;
}
