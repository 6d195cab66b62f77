/* test-promise-list.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Promises of several promises, rule by rule of the specification: 75 to 85, 125 and what 139 and 80 say of lists. */

#include "troupe-test-puppet.h"

#define N 3

/* Three promises outside actors, and their resolvers until they are used. */
typedef struct
{
  TroupeResolver *resolvers[N];
  TroupePromise  *promises[N];
} Children;

static void
children_init (Children *self)
{
  int i;

  for (i = 0; i < N; i++)
    self->promises[i] = troupe_promise_new (&self->resolvers[i]);
}

static GError *
new_error (const char *message)
{
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, message);
}

static void
resolve (Children *self,
         int       index,
         gint64    number)
{
  g_assert_true (troupe_resolver_resolve_int64 (self->resolvers[index], number, NULL));
}

static void
reject (Children   *self,
        int         index,
        const char *message)
{
  g_assert_true (troupe_resolver_reject (self->resolvers[index], new_error (message), NULL));
}

static void
swallow (TroupePromise *promise,
         gpointer       user_data)
{
  troupe_promise_return_nothing (promise);
}

/* Those that are still pending break. */
static void
children_clear (Children *self)
{
  int i;

  for (i = 0; i < N; i++)
    {
      if (!troupe_promise_is_resolved (self->promises[i]))
        troupe_promise_add_errback (self->promises[i], swallow, NULL, NULL);
      g_clear_pointer (&self->promises[i], troupe_promise_unref);
      g_clear_pointer (&self->resolvers[i], troupe_resolver_unref);
    }
}

/* For errors that stay with the chains of the children. */
static void
children_swallow (Children *self)
{
  int i;

  for (i = 0; i < N; i++)
    troupe_promise_add_errback (self->promises[i], swallow, NULL, NULL);
}

static void
expect_unhandled (const char *message)
{
  g_autofree char *pattern = g_strdup_printf ("Unhandled error in a promise of*%s*", message);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, pattern);
}

static TroupeOutcomes *
get_outcomes (TroupePromise *promise)
{
  g_assert_true (troupe_promise_is_resolved (promise));
  g_assert_true (troupe_promise_get_value_type (promise) == TROUPE_TYPE_OUTCOMES);

  return troupe_promise_get_boxed (promise);
}

/* What became of each: “1 !bad ?”, the last of which is still missing. */
static void
assert_outcomes (TroupeOutcomes *outcomes,
                 const char     *expected)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gsize i;

  for (i = 0; i < troupe_outcomes_get_length (outcomes); i++)
    {
      if (i > 0)
        g_string_append_c (text, ' ');
      if (!troupe_outcomes_is_resolved (outcomes, i))
        g_string_append_c (text, '?');
      else if (troupe_outcomes_has_value (outcomes, i))
        g_string_append_printf (text, "%" G_GINT64_FORMAT, troupe_outcomes_get_int64 (outcomes, i));
      else
        g_string_append_printf (text, "!%s", troupe_outcomes_get_error (outcomes, i)->message);
    }

  g_assert_cmpstr (text->str, ==, expected);
}

static void
assert_first_error (TroupePromise *promise,
                    gint64         index,
                    const char    *cause)
{
  const GError *error = troupe_promise_get_error (promise);

  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_FIRST_ERROR);
  g_assert_cmpint (troupe_error_get_index (error), ==, index);
  g_assert_error (troupe_error_get_cause (error), G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpstr (troupe_error_get_cause (error)->message, ==, cause);
}

static void
handle (TroupePromise *promise)
{
  troupe_promise_add_errback (promise, swallow, NULL, NULL);
}

static void
test_75 (void)
{
  Children children;
  g_autoptr (TroupePromise) all = NULL;
  g_autoptr (TroupePromise) again = NULL;

  g_test_summary ("All are waited for, and their outcomes come in the order of the children, whatever came first");

  children_init (&children);
  all = troupe_promise_all (children.promises, N, TROUPE_LIST_DEFAULT);
  children_swallow (&children);

  resolve (&children, 2, 3);
  reject (&children, 1, "bad");
  g_assert_false (troupe_promise_is_resolved (all));
  resolve (&children, 0, 1);
  assert_outcomes (get_outcomes (all), "1 !bad 3");
  g_assert_cmpint (troupe_outcomes_get_first (get_outcomes (all)), ==, -1);

  again = troupe_promise_all (children.promises, 1, TROUPE_LIST_DEFAULT);
  assert_outcomes (get_outcomes (again), "1");

  children_clear (&children);
}

static void
test_76 (void)
{
  g_autoptr (TroupePromise) all = troupe_promise_all (NULL, 0, TROUPE_LIST_DEFAULT);
  g_autoptr (TroupePromise) any = troupe_promise_all (NULL, 0, TROUPE_LIST_FIRE_ON_ONE_VALUE);

  g_test_summary ("An empty list is resolved at once, and rejected where a value is waited for");

  g_assert_cmpuint (troupe_outcomes_get_length (get_outcomes (all)), ==, 0);
  g_assert_error (troupe_promise_get_error (any), TROUPE_ERROR, TROUPE_ERROR_ALL_FAILED);
  handle (any);
}

static void
test_77_value (void)
{
  Children children;
  g_autoptr (TroupePromise) any = NULL;

  g_test_summary ("The first value resolves the list, with its position");

  children_init (&children);
  any = troupe_promise_all (children.promises, N, TROUPE_LIST_FIRE_ON_ONE_VALUE | TROUPE_LIST_CONSUME_ERRORS);

  reject (&children, 0, "bad");
  g_assert_false (troupe_promise_is_resolved (any));
  resolve (&children, 2, 3);
  assert_outcomes (get_outcomes (any), "!bad ? 3");
  g_assert_cmpint (troupe_outcomes_get_first (get_outcomes (any)), ==, 2);

  children_clear (&children);
}

static void
test_77_error (void)
{
  Children children;
  g_autoptr (TroupePromise) all = NULL;

  g_test_summary ("The first error rejects the list, with its position and cause");

  children_init (&children);
  all = troupe_promise_all (children.promises, N, TROUPE_LIST_FIRE_ON_ONE_ERROR | TROUPE_LIST_CONSUME_ERRORS);

  resolve (&children, 0, 1);
  g_assert_false (troupe_promise_is_resolved (all));
  reject (&children, 2, "bad");
  assert_first_error (all, 2, "bad");
  handle (all);

  children_clear (&children);
}

static void
test_77_both (void)
{
  TroupeListFlags flags = TROUPE_LIST_FIRE_ON_ONE_VALUE | TROUPE_LIST_FIRE_ON_ONE_ERROR | TROUPE_LIST_CONSUME_ERRORS;
  Children good, bad;
  g_autoptr (TroupePromise) value = NULL;
  g_autoptr (TroupePromise) error = NULL;

  g_test_summary ("With both flags, whichever comes first counts");

  children_init (&good);
  value = troupe_promise_all (good.promises, N, flags);
  resolve (&good, 1, 2);
  reject (&good, 0, "late");
  g_assert_cmpint (troupe_outcomes_get_first (get_outcomes (value)), ==, 1);

  children_init (&bad);
  error = troupe_promise_all (bad.promises, N, flags);
  reject (&bad, 1, "bad");
  resolve (&bad, 0, 1);
  assert_first_error (error, 1, "bad");
  handle (error);

  children_clear (&good);
  children_clear (&bad);
}

static void
test_77_all_fail (void)
{
  Children children;
  g_autoptr (TroupePromise) any = NULL;

  g_test_summary ("If there is no value among them, the list is resolved with the errors");

  children_init (&children);
  any = troupe_promise_all (children.promises, N, TROUPE_LIST_FIRE_ON_ONE_VALUE | TROUPE_LIST_CONSUME_ERRORS);

  reject (&children, 1, "b");
  reject (&children, 0, "a");
  reject (&children, 2, "c");
  assert_outcomes (get_outcomes (any), "!a !b !c");
  g_assert_cmpint (troupe_outcomes_get_first (get_outcomes (any)), ==, -1);

  children_clear (&children);
}

static void
test_78 (void)
{
  Children children;
  g_autoptr (TroupePromise) any = NULL;

  g_test_summary ("Late children change no outcome, but are written down, and their errors are consumed");

  children_init (&children);
  any = troupe_promise_all (children.promises, N, TROUPE_LIST_FIRE_ON_ONE_VALUE | TROUPE_LIST_CONSUME_ERRORS);

  resolve (&children, 1, 2);
  resolve (&children, 0, 1);
  reject (&children, 2, "late");
  assert_outcomes (get_outcomes (any), "1 2 !late");
  g_assert_cmpint (troupe_outcomes_get_first (get_outcomes (any)), ==, 1);
  g_assert_true (troupe_promise_has_value (children.promises[2]));

  children_clear (&children);
}

static void
plus_one (TroupePromise *promise,
          gpointer       user_data)
{
  troupe_promise_return_int64 (promise, troupe_promise_get_int64 (promise) + 1);
}

static void
test_79_position (void)
{
  Children children;
  g_autoptr (TroupePromise) all = NULL;

  g_test_summary ("The list sees a child's outcome at its own position in the chain; later steps see that outcome too");

  children_init (&children);
  troupe_promise_add_callback (children.promises[0], plus_one, NULL, NULL);
  all = troupe_promise_all (children.promises, 1, TROUPE_LIST_DEFAULT);
  troupe_promise_add_callback (children.promises[0], plus_one, NULL, NULL);

  resolve (&children, 0, 10);
  assert_outcomes (get_outcomes (all), "11");
  g_assert_cmpint (troupe_promise_get_int64 (children.promises[0]), ==, 12);

  children_clear (&children);
}

static void
test_79_errors_go_on (void)
{
  Children children;
  g_autoptr (TroupePromise) all = NULL;

  g_test_summary ("An error stays in the child's chain as well, and is reported if nobody handles it there");

  children_init (&children);
  all = troupe_promise_all (children.promises, 1, TROUPE_LIST_DEFAULT);
  reject (&children, 0, "bad");
  assert_outcomes (get_outcomes (all), "!bad");

  expect_unhandled ("bad");
  children_clear (&children);
  g_test_assert_expected_messages ();
}

static void
test_79_consume (void)
{
  Children children;
  g_autoptr (TroupePromise) all = NULL;

  g_test_summary ("A list that consumes errors leaves nothing in the child's chain");

  children_init (&children);
  all = troupe_promise_all (children.promises, 2, TROUPE_LIST_CONSUME_ERRORS);
  reject (&children, 0, "bad");
  resolve (&children, 1, 7);
  assert_outcomes (get_outcomes (all), "!bad 7");
  g_assert_true (troupe_promise_get_value_type (children.promises[0]) == G_TYPE_NONE);
  g_assert_cmpint (troupe_promise_get_int64 (children.promises[1]), ==, 7);

  children_clear (&children);
}

static void
count_up (gpointer data)
{
  g_atomic_int_inc ((gint *) data);
}

static void
test_80 (void)
{
  Children children;
  TroupePromise *all;
  GObject *object = g_object_new (G_TYPE_OBJECT, NULL);
  gint n_freed = 0;

  g_test_summary ("The list has a copy, and what cannot be copied moves into it");

  children_init (&children);
  all = troupe_promise_all (children.promises, N, TROUPE_LIST_DEFAULT);
  troupe_resolver_resolve_object (children.resolvers[0], object, NULL);
  troupe_resolver_resolve_string (children.resolvers[1], "text", NULL);
  troupe_resolver_resolve_pointer (children.resolvers[2], &n_freed, count_up, NULL);

  g_assert_true (troupe_promise_get_object (children.promises[0]) == object);
  g_assert_true (troupe_outcomes_get_object (get_outcomes (all), 0) == object);
  g_assert_cmpstr (troupe_promise_get_string (children.promises[1]), ==, "text");
  g_assert_cmpstr (troupe_outcomes_get_string (get_outcomes (all), 1), ==, "text");
  g_assert_true (troupe_promise_get_value_type (children.promises[2]) == G_TYPE_NONE);
  g_assert_true (troupe_outcomes_get_pointer (get_outcomes (all), 2) == &n_freed);

  children_clear (&children);
  g_assert_cmpint (n_freed, ==, 0);
  troupe_promise_unref (all);
  g_assert_cmpint (n_freed, ==, 1);
  g_assert_finalize_object (object);
}

static void
test_81 (void)
{
  Children children;
  TroupePromise *array[N];
  g_autoptr (TroupePromise) all = NULL;
  int i;

  g_test_summary ("The caller's array is the caller's again");

  children_init (&children);
  for (i = 0; i < N; i++)
    array[i] = children.promises[i];
  all = troupe_promise_all (array, N, TROUPE_LIST_DEFAULT);
  for (i = 0; i < N; i++)
    array[i] = NULL;

  for (i = 0; i < N; i++)
    resolve (&children, i, i);
  assert_outcomes (get_outcomes (all), "0 1 2");

  children_clear (&children);
}

static void
assert_cancelled_first (TroupePromise *list)
{
  g_assert_error (troupe_promise_get_error (list), TROUPE_ERROR, TROUPE_ERROR_FIRST_ERROR);
  g_assert_error (troupe_error_get_cause (troupe_promise_get_error (list)), TROUPE_ERROR, TROUPE_ERROR_CANCELLED);
  handle (list);
}

static void
test_82 (void)
{
  Children children;
  g_autoptr (TroupePromise) all = NULL;
  g_autoptr (TroupePromise) one = NULL;
  g_autoptr (TroupePromise) any = NULL;

  g_test_summary ("To cancel a list cancels the children that are pending, and the list is resolved as ever");

  children_init (&children);
  all = troupe_promise_all (children.promises, N, TROUPE_LIST_CONSUME_ERRORS);
  resolve (&children, 1, 2);
  troupe_promise_cancel (all);
  g_assert_error (troupe_outcomes_get_error (get_outcomes (all), 0), TROUPE_ERROR, TROUPE_ERROR_CANCELLED);
  g_assert_cmpint (troupe_outcomes_get_int64 (get_outcomes (all), 1), ==, 2);
  g_assert_error (troupe_outcomes_get_error (get_outcomes (all), 2), TROUPE_ERROR, TROUPE_ERROR_CANCELLED);
  children_clear (&children);

  children_init (&children);
  one = troupe_promise_all (children.promises, N, TROUPE_LIST_FIRE_ON_ONE_ERROR | TROUPE_LIST_CONSUME_ERRORS);
  troupe_promise_cancel (one);
  assert_cancelled_first (one);
  children_clear (&children);

  children_init (&children);
  any = troupe_promise_all (children.promises, N, TROUPE_LIST_FIRE_ON_ONE_VALUE);
  resolve (&children, 0, 1);
  troupe_promise_cancel (any);
  g_assert_false (troupe_promise_is_resolved (children.promises[1]));
  children_clear (&children);
}

/* From inside the call that cancels LIST, where an errback of the first child cancels it again. */
static void
cancel_list (TroupePromise *promise,
             gpointer       list)
{
  troupe_promise_cancel (*(TroupePromise **) list);
  troupe_promise_return_nothing (promise);
}

static void
give_promise (TroupePromise *promise,
              gpointer       inner)
{
  troupe_promise_return_promise (promise, inner);
}

static void
test_82_paused (void)
{
  Children children;
  g_autoptr (TroupePromise) all = NULL;

  g_test_summary ("A cancelled list waits on for a child that has no outcome to give yet, and may be cancelled again");

  children_init (&children);
  all = troupe_promise_all (children.promises, N, TROUPE_LIST_CONSUME_ERRORS);
  troupe_promise_pause (children.promises[1]);
  troupe_promise_cancel (all);
  g_assert_false (troupe_promise_is_resolved (all));
  g_assert_true (troupe_promise_is_resolved (children.promises[2]));
  troupe_promise_cancel (all);
  g_assert_false (troupe_promise_is_resolved (all));
  troupe_promise_unpause (children.promises[1]);
  g_assert_error (troupe_outcomes_get_error (get_outcomes (all), 1), TROUPE_ERROR, TROUPE_ERROR_CANCELLED);
  children_clear (&children);
}

static void
test_82_stalled (void)
{
  Children children;
  g_autoptr (TroupePromise) all = NULL;
  g_autoptr (TroupeResolver) resolver = NULL;

  g_test_summary ("To cancel a list cancels what a child waits for whose outcome the list has already");

  children_init (&children);
  all = troupe_promise_all (children.promises, N, TROUPE_LIST_CONSUME_ERRORS);
  troupe_promise_add_callback (children.promises[0], give_promise, troupe_promise_new (&resolver), NULL);
  resolve (&children, 0, 1);
  resolve (&children, 1, 2);
  troupe_promise_cancel (all);
  g_assert_true (troupe_resolver_is_cancelled (resolver));
  g_assert_error (troupe_promise_get_error (children.promises[0]), TROUPE_ERROR, TROUPE_ERROR_CANCELLED);
  g_assert_cmpint (troupe_outcomes_get_int64 (get_outcomes (all), 0), ==, 1);
  handle (children.promises[0]);
  children_clear (&children);
}

static void
test_82_fired (void)
{
  Children children;
  g_autoptr (TroupePromise) one = NULL;

  g_test_summary ("Every child is cancelled, also when the first of them decides; cancelling again on the way does no harm");

  children_init (&children);
  one = troupe_promise_all (children.promises, N, TROUPE_LIST_FIRE_ON_ONE_ERROR);
  troupe_promise_add_errback (children.promises[0], cancel_list, &one, NULL);
  troupe_promise_cancel (one);
  assert_cancelled_first (one);
  g_assert_true (troupe_resolver_is_cancelled (children.resolvers[1]));
  g_assert_true (troupe_resolver_is_cancelled (children.resolvers[2]));
  children_swallow (&children);
  children_clear (&children);
}

static void
test_82_circle (void)
{
  Children children;
  TroupePromise *all;

  g_test_summary ("A child that waits for the list itself does not keep it from being cancelled");

  children_init (&children);
  all = troupe_promise_all (children.promises, N, TROUPE_LIST_CONSUME_ERRORS);
  troupe_promise_add_callback (children.promises[0], give_promise, all, NULL);
  resolve (&children, 0, 1);
  g_assert_false (troupe_promise_is_resolved (children.promises[0]));
  troupe_promise_cancel (children.promises[0]);
  g_assert_cmpint (troupe_outcomes_get_int64 (get_outcomes (children.promises[0]), 0), ==, 1);
  children_clear (&children);
}

static void
test_82_timeout (void)
{
  Children children;
  g_autoptr (TroupePromise) one = NULL;

  g_test_summary ("When the time of a list has run out, its children are told so");

  children_init (&children);
  one = troupe_promise_collect (children.promises, N);
  troupe_promise_add_timeout (one, 0, NULL, NULL, NULL);
  troupe_test_until (troupe_promise_is_resolved (one));
  assert_cancelled_first (one);
  g_assert_cmpint (troupe_resolver_get_cancel_reason (children.resolvers[2]), ==, TROUPE_ERROR_TIMED_OUT);
  children_swallow (&children);
  children_clear (&children);
}

static void
test_83 (void)
{
  Children good, bad;
  g_autoptr (TroupePromise) values = NULL;
  g_autoptr (TroupePromise) error = NULL;

  g_test_summary ("Values are collected; one error rejects the collection and stays in its own chain");

  children_init (&good);
  values = troupe_promise_collect (good.promises, N);
  resolve (&good, 1, 2);
  resolve (&good, 0, 1);
  resolve (&good, 2, 3);
  assert_outcomes (get_outcomes (values), "1 2 3");

  children_init (&bad);
  error = troupe_promise_collect (bad.promises, N);
  reject (&bad, 1, "bad");
  assert_first_error (error, 1, "bad");
  g_assert_error (troupe_promise_get_error (bad.promises[1]), G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  handle (error);
  children_swallow (&bad);
  resolve (&bad, 0, 0);
  resolve (&bad, 2, 0);

  children_clear (&good);
  children_clear (&bad);
}

static void
test_84 (void)
{
  Children children;
  g_autoptr (TroupePromise) all = NULL;
  g_autoptr (GError) copy = NULL;

  g_test_summary ("The first error tells position and cause, also in words and in copies");

  children_init (&children);
  all = troupe_promise_all (children.promises, N, TROUPE_LIST_FIRE_ON_ONE_ERROR | TROUPE_LIST_CONSUME_ERRORS);
  reject (&children, 1, "no such thing");

  copy = g_error_copy (troupe_promise_get_error (all));
  g_assert_nonnull (strstr (copy->message, "1"));
  g_assert_nonnull (strstr (copy->message, "no such thing"));
  g_assert_cmpint (troupe_error_get_index (copy), ==, 1);
  g_assert_cmpstr (troupe_error_get_cause (copy)->message, ==, "no such thing");
  handle (all);

  children_clear (&children);
}

static void
test_85 (void)
{
  Children children;
  g_autoptr (TroupePromise) race = NULL;
  g_autoptr (TroupePromise) lost = NULL;
  g_autoptr (TroupePromise) given_up = NULL;
  g_autoptr (TroupePromise) empty = troupe_promise_race (NULL, 0);

  g_test_summary ("The first value wins the race, and the others are cancelled");

  children_init (&children);
  race = troupe_promise_race (children.promises, N);
  reject (&children, 0, "bad");
  resolve (&children, 2, 3);
  g_assert_cmpint (troupe_outcomes_get_first (get_outcomes (race)), ==, 2);
  g_assert_cmpint (troupe_outcomes_get_int64 (get_outcomes (race), 2), ==, 3);
  g_assert_true (troupe_resolver_is_cancelled (children.resolvers[1]));
  g_assert_true (troupe_promise_get_value_type (children.promises[1]) == G_TYPE_NONE);
  children_clear (&children);

  children_init (&children);
  lost = troupe_promise_race (children.promises, N);
  reject (&children, 1, "b");
  reject (&children, 0, "a");
  reject (&children, 2, "c");
  g_assert_error (troupe_promise_get_error (lost), TROUPE_ERROR, TROUPE_ERROR_ALL_FAILED);
  g_assert_nonnull (strstr (troupe_promise_get_error (lost)->message, "a; b; c"));
  handle (lost);
  children_clear (&children);

  children_init (&children);
  given_up = troupe_promise_race (children.promises, N);
  troupe_promise_cancel (given_up);
  g_assert_true (troupe_resolver_is_cancelled (children.resolvers[0]));
  g_assert_true (troupe_resolver_is_cancelled (children.resolvers[2]));
  g_assert_error (troupe_promise_get_error (given_up), TROUPE_ERROR, TROUPE_ERROR_ALL_FAILED);
  handle (given_up);
  children_clear (&children);

  g_assert_error (troupe_promise_get_error (empty), TROUPE_ERROR, TROUPE_ERROR_ALL_FAILED);
  handle (empty);
}

/* 125. Children at home elsewhere */

typedef struct
{
  TroupeRef      *actors[N];
  TroupePromise  *promises[N];       /* at home with the actors */
  TroupeResolver *resolvers[N];
} Strangers;

typedef struct
{
  Strangers *strangers;
  int        index;
} Birth;

static gboolean
make_promise (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  Birth *birth = test_puppet_get_data (message);

  birth->strangers->promises[birth->index] = troupe_promise_new (&birth->strangers->resolvers[birth->index]);
  troupe_message_reply (message);
  return TRUE;
}

static void
strangers_init (Strangers    *self,
                TroupeSystem *system)
{
  int i;

  for (i = 0; i < N; i++)
    {
      Birth birth = { self, i };
      g_autoptr (TroupePromise) done = NULL;

      self->actors[i] = test_puppet_new (system, NULL);
      done = test_puppet_ask_and_wait (self->actors[i], make_promise, &birth);
    }
}

/* Once their homes have ended. */
static void
strangers_clear (Strangers *self)
{
  int i;

  for (i = 0; i < N; i++)
    {
      g_clear_pointer (&self->actors[i], troupe_ref_unref);
      g_clear_pointer (&self->promises[i], troupe_promise_unref);
      g_clear_pointer (&self->resolvers[i], troupe_resolver_unref);
    }
}

static void
test_125 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  Strangers strangers;
  g_autoptr (TroupePromise) all = NULL;

  g_test_summary ("Outcomes of children that are at home with others come home, in the order of the children");

  strangers_init (&strangers, system);
  all = troupe_promise_all (strangers.promises, N, TROUPE_LIST_CONSUME_ERRORS);
  troupe_resolver_resolve_int64 (strangers.resolvers[2], 3, NULL);
  troupe_resolver_reject (strangers.resolvers[0], new_error ("bad"), NULL);
  troupe_resolver_resolve_int64 (strangers.resolvers[1], 2, NULL);
  g_assert_false (troupe_promise_is_resolved (all));
  troupe_test_until (troupe_promise_is_resolved (all));
  assert_outcomes (get_outcomes (all), "!bad 2 3");

  troupe_test_system_end (system);
  strangers_clear (&strangers);
}

static void
test_125_first (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  Strangers strangers;
  g_autoptr (TroupePromise) any = NULL;

  g_test_summary ("What arrives first is the first");

  strangers_init (&strangers, system);
  any = troupe_promise_all (strangers.promises, N, TROUPE_LIST_FIRE_ON_ONE_VALUE);
  troupe_resolver_resolve_int64 (strangers.resolvers[1], 2, NULL);
  troupe_test_until (troupe_promise_is_resolved (any));
  g_assert_cmpint (troupe_outcomes_get_first (get_outcomes (any)), ==, 1);

  troupe_test_system_end (system);
  strangers_clear (&strangers);
}

static void
test_125_race (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  Strangers strangers;
  g_autoptr (TroupePromise) race = NULL;

  g_test_summary ("The losers of a race are cancelled where they are at home");

  strangers_init (&strangers, system);
  race = troupe_promise_race (strangers.promises, N);
  troupe_resolver_resolve_int64 (strangers.resolvers[1], 2, NULL);
  troupe_test_until (troupe_promise_is_resolved (race));
  g_assert_cmpint (troupe_outcomes_get_first (get_outcomes (race)), ==, 1);
  troupe_test_until (troupe_resolver_is_cancelled (strangers.resolvers[0]) &&
                     troupe_resolver_is_cancelled (strangers.resolvers[2]));

  troupe_test_system_end (system);
  strangers_clear (&strangers);
}

static void
test_125_cancel (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  Strangers strangers;
  g_autoptr (TroupePromise) all = NULL;

  g_test_summary ("To cancel a list cancels children where they are at home; it is resolved when their outcomes have come");

  strangers_init (&strangers, system);
  all = troupe_promise_all (strangers.promises, N, TROUPE_LIST_CONSUME_ERRORS);
  troupe_resolver_resolve_int64 (strangers.resolvers[2], 3, NULL);
  troupe_promise_cancel (all);
  g_assert_false (troupe_promise_is_resolved (all));
  troupe_test_until (troupe_promise_is_resolved (all));
  g_assert_error (troupe_outcomes_get_error (get_outcomes (all), 0), TROUPE_ERROR, TROUPE_ERROR_CANCELLED);
  g_assert_error (troupe_outcomes_get_error (get_outcomes (all), 1), TROUPE_ERROR, TROUPE_ERROR_CANCELLED);
  g_assert_cmpint (troupe_outcomes_get_int64 (get_outcomes (all), 2), ==, 3);
  g_assert_true (troupe_resolver_is_cancelled (strangers.resolvers[0]));

  troupe_test_system_end (system);
  strangers_clear (&strangers);
}

static void
test_125_pointer (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  Strangers strangers;
  TroupePromise *all;
  gint n_freed = 0;

  g_test_summary ("What cannot be copied moves from one home to the other, and is freed once");

  strangers_init (&strangers, system);
  all = troupe_promise_all (strangers.promises, 1, TROUPE_LIST_DEFAULT);
  troupe_resolver_resolve_pointer (strangers.resolvers[0], &n_freed, count_up, NULL);
  troupe_test_until (troupe_promise_is_resolved (all));
  g_assert_true (troupe_outcomes_get_pointer (get_outcomes (all), 0) == &n_freed);
  troupe_promise_unref (all);
  g_assert_cmpint (n_freed, ==, 1);

  troupe_test_system_end (system);
  strangers_clear (&strangers);
}

static void
test_125_stopped (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  Strangers strangers;
  g_autoptr (TroupePromise) before = NULL;
  g_autoptr (TroupePromise) after = NULL;

  g_test_summary ("A child whose home ends is an error of the list, before and after");

  strangers_init (&strangers, system);
  before = troupe_promise_all (strangers.promises, 2, TROUPE_LIST_DEFAULT);
  troupe_ref_finish (strangers.actors[0]);
  troupe_resolver_resolve_int64 (strangers.resolvers[1], 2, NULL);
  troupe_test_until (troupe_promise_is_resolved (before));
  g_assert_error (troupe_outcomes_get_error (get_outcomes (before), 0), TROUPE_ERROR, TROUPE_ERROR_ABANDONED);
  g_assert_cmpint (troupe_outcomes_get_int64 (get_outcomes (before), 1), ==, 2);

  after = troupe_promise_all (strangers.promises, 1, TROUPE_LIST_DEFAULT);
  troupe_test_until (troupe_promise_is_resolved (after));
  g_assert_error (troupe_outcomes_get_error (get_outcomes (after), 0), TROUPE_ERROR, TROUPE_ERROR_ABANDONED);

  troupe_test_system_end (system);
  strangers_clear (&strangers);
}

/* The other way round: the list is an actor's, the children are not. */
static gboolean
wait_for_all (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  Children *children = test_puppet_get_data (message);

  troupe_message_reply_promise (message, troupe_promise_all (children->promises, N, TROUPE_LIST_DEFAULT));
  return TRUE;
}

static void
test_125_list_in_actor (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (TroupePromise) answer = NULL;
  Children children;
  int i;

  g_test_summary ("An actor may wait for the promises of others, and answer with what became of them");

  children_init (&children);
  answer = test_puppet_ask (puppet, wait_for_all, &children);
  for (i = 0; i < N; i++)
    resolve (&children, i, i);
  troupe_test_until (troupe_promise_is_resolved (answer));
  assert_outcomes (get_outcomes (answer), "0 1 2");

  children_clear (&children);
  troupe_test_system_end (system);
}

static void
test_125_list_ends (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (TroupePromise) answer = NULL;
  Children children;
  gint n_freed = 0;

  g_test_summary ("When the list's home ends, later outcomes are dropped");

  children_init (&children);
  answer = test_puppet_ask (puppet, wait_for_all, &children);
  resolve (&children, 0, 1);
  troupe_ref_finish (puppet);
  troupe_test_until (troupe_promise_is_resolved (answer));
  g_assert_error (troupe_promise_get_error (answer), TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  handle (answer);

  troupe_resolver_resolve_pointer (children.resolvers[1], &n_freed, count_up, NULL);
  resolve (&children, 2, 3);
  children_clear (&children);
  g_assert_cmpint (n_freed, ==, 1);

  troupe_test_system_end (system);
}

/* A thread that resolves a list's children, while the list is at home here. */
static gpointer
resolve_them (gpointer data)
{
  Children *children = data;
  int i;

  for (i = 0; i < N; i++)
    resolve (children, i, i);
  return NULL;
}

static void
test_125_threads (void)
{
  int round;

  g_test_summary ("Children may be resolved on any thread");

  for (round = 0; round < 100; round++)
    {
      Children children;
      g_autoptr (TroupePromise) all = NULL;
      GThread *thread;

      children_init (&children);
      thread = g_thread_new (NULL, resolve_them, &children);
      all = troupe_promise_all (children.promises, N, TROUPE_LIST_DEFAULT);
      troupe_test_until (troupe_promise_is_resolved (all));
      assert_outcomes (get_outcomes (all), "0 1 2");
      g_thread_join (thread);
      children_clear (&children);
    }
}

static void
test_139 (void)
{
  Children children;
  g_autoptr (TroupePromise) all = NULL;
  const GError *error;

  g_test_summary ("Domain, code and message of an error survive a list");

  children_init (&children);
  all = troupe_promise_all (children.promises, 1, TROUPE_LIST_CONSUME_ERRORS);
  reject (&children, 0, "naïve “error”\n");
  error = troupe_outcomes_get_error (get_outcomes (all), 0);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpstr (error->message, ==, "naïve “error”\n");

  children_clear (&children);
}

/* Outcomes */

static void
test_outcomes_types (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("ab", 2);
  g_autoptr (GVariant) variant = g_variant_ref_sink (g_variant_new_int32 (5));
  TroupePromise *children[8];
  g_autoptr (TroupePromise) all = NULL;
  TroupeOutcomes *outcomes;
  g_auto (GValue) number = G_VALUE_INIT;
  g_auto (GValue) nothing = G_VALUE_INIT;
  gsize i;

  g_test_summary ("Outcomes read every type of value");

  for (i = 0; i < G_N_ELEMENTS (children); i++)
    {
      g_autoptr (TroupeResolver) resolver = NULL;

      children[i] = troupe_promise_new (&resolver);
      if (i == 0)
        troupe_resolver_resolve_uint64 (resolver, G_MAXUINT64, NULL);
      else if (i == 1)
        troupe_resolver_resolve_double (resolver, 0.5, NULL);
      else if (i == 2)
        troupe_resolver_resolve_boolean (resolver, TRUE, NULL);
      else if (i == 3)
        troupe_resolver_resolve_bytes (resolver, bytes, NULL);
      else if (i == 4)
        troupe_resolver_resolve_variant (resolver, variant, NULL);
      else if (i == 5)
        troupe_resolver_resolve_boxed (resolver, G_TYPE_BYTES, bytes, NULL);
      else if (i == 6)
        troupe_resolver_resolve_json (resolver, json_object_new_int (9), NULL);
      else
        troupe_resolver_resolve (resolver, NULL);
    }

  all = troupe_promise_all (children, G_N_ELEMENTS (children), TROUPE_LIST_DEFAULT);
  outcomes = get_outcomes (all);
  g_assert_cmpuint (troupe_outcomes_get_uint64 (outcomes, 0), ==, G_MAXUINT64);
  g_assert_cmpfloat (troupe_outcomes_get_double (outcomes, 1), ==, 0.5);
  g_assert_true (troupe_outcomes_get_boolean (outcomes, 2));
  g_assert_true (g_bytes_equal (troupe_outcomes_get_bytes (outcomes, 3), bytes));
  g_assert_true (troupe_outcomes_get_variant (outcomes, 4) == variant);
  g_assert_true (g_bytes_equal (troupe_outcomes_get_boxed (outcomes, 5), bytes));
  g_assert_cmpint (json_object_get_int (troupe_outcomes_get_json (outcomes, 6)), ==, 9);
  g_assert_true (troupe_outcomes_get_value_type (outcomes, 7) == G_TYPE_NONE);

  troupe_outcomes_get_value (outcomes, 0, &number);
  g_assert_cmpuint (g_value_get_uint64 (&number), ==, G_MAXUINT64);
  troupe_outcomes_get_value (outcomes, 7, &nothing);
  g_assert_true (G_VALUE_HOLDS_POINTER (&nothing));
  g_assert_null (g_value_get_pointer (&nothing));

  for (i = 0; i < G_N_ELEMENTS (children); i++)
    troupe_promise_unref (children[i]);
}

static void
test_outcomes_missing (void)
{
  Children children;
  g_autoptr (TroupePromise) any = NULL;
  TroupeOutcomes *outcomes;

  g_test_summary ("To read what has not come, or is not there at all, is a mistake");

  children_init (&children);
  any = troupe_promise_all (children.promises, 2, TROUPE_LIST_FIRE_ON_ONE_VALUE);
  resolve (&children, 0, 1);
  outcomes = get_outcomes (any);

  g_assert_false (troupe_outcomes_has_value (outcomes, 1));
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*promise 1 has no outcome yet");
  g_assert_cmpint (troupe_outcomes_get_int64 (outcomes, 1), ==, 0);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*index < self->length*");
  g_assert_null (troupe_outcomes_get_error (outcomes, 2));
  g_test_assert_expected_messages ();

  children_clear (&children);
}

/* 98. Sleep */

static void
test_98 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  gint64 before = g_get_monotonic_time ();
  g_autoptr (TroupePromise) sleep = troupe_sleep (5);
  g_autoptr (TroupePromise) now = troupe_sleep (0);

  g_test_summary ("A sleep is resolved with nothing when its time is over, and never at once");

  g_assert_false (troupe_promise_is_resolved (now));
  troupe_test_until (troupe_promise_is_resolved (now));
  troupe_test_until (troupe_promise_is_resolved (sleep));
  g_assert_cmpint (g_get_monotonic_time () - before, >=, 5000);
  g_assert_true (troupe_promise_get_value_type (sleep) == G_TYPE_NONE);

  troupe_test_system_end (system);
}

static void
test_98_no_system (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TroupePromise) sleep = NULL;

  g_test_summary ("It needs no system, just a context that is run");

  g_main_context_push_thread_default (context);
  sleep = troupe_sleep (1);
  troupe_test_until (troupe_promise_is_resolved (sleep));
  g_clear_pointer (&sleep, troupe_promise_unref);
  g_main_context_pop_thread_default (context);
}

static void
test_98_cancel (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  TroupeSystem *system;
  g_autoptr (TroupePromise) before = NULL;
  g_autoptr (TroupePromise) during = NULL;
  g_autoptr (TroupePromise) over = NULL;

  g_test_summary ("A sleep can be cancelled until it is over, also before its reactor runs");

  g_main_context_push_thread_default (context);
  before = troupe_sleep (G_MAXINT64);
  troupe_promise_cancel (before);
  g_assert_error (troupe_promise_get_error (before), TROUPE_ERROR, TROUPE_ERROR_CANCELLED);
  handle (before);

  system = troupe_test_system_new ();
  during = troupe_sleep (G_MAXINT64);
  over = troupe_sleep (0);
  troupe_test_until (troupe_promise_is_resolved (over));
  troupe_promise_cancel (over);
  g_assert_true (troupe_promise_has_value (over));
  troupe_promise_cancel (during);
  g_assert_error (troupe_promise_get_error (during), TROUPE_ERROR, TROUPE_ERROR_CANCELLED);
  handle (during);

  troupe_test_system_end (system);
  g_clear_pointer (&before, troupe_promise_unref);
  g_clear_pointer (&during, troupe_promise_unref);
  g_clear_pointer (&over, troupe_promise_unref);
  g_main_context_pop_thread_default (context);
}

static gboolean
sleep_long (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  troupe_message_reply_promise (message, troupe_sleep (G_MAXINT64));
  return TRUE;
}

static gboolean
sleep_briefly (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  troupe_message_reply_promise (message, troupe_sleep (1));
  return TRUE;
}

static void
test_98_actor (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (TroupePromise) brief = test_puppet_ask_and_wait (puppet, sleep_briefly, NULL);
  g_autoptr (TroupePromise) endless = test_puppet_ask (puppet, sleep_long, NULL);

  g_test_summary ("An actor's sleep is its own, and ends with it");

  g_assert_true (troupe_promise_has_value (brief));
  troupe_ref_finish (puppet);
  troupe_test_until (troupe_promise_is_resolved (endless));
  g_assert_error (troupe_promise_get_error (endless), TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  handle (endless);

  troupe_test_system_end (system);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/promise-list/75", test_75);
  g_test_add_func ("/troupe/promise-list/76", test_76);
  g_test_add_func ("/troupe/promise-list/77/value", test_77_value);
  g_test_add_func ("/troupe/promise-list/77/error", test_77_error);
  g_test_add_func ("/troupe/promise-list/77/both", test_77_both);
  g_test_add_func ("/troupe/promise-list/77/all-fail", test_77_all_fail);
  g_test_add_func ("/troupe/promise-list/78", test_78);
  g_test_add_func ("/troupe/promise-list/79/position", test_79_position);
  g_test_add_func ("/troupe/promise-list/79/errors-go-on", test_79_errors_go_on);
  g_test_add_func ("/troupe/promise-list/79/consume", test_79_consume);
  g_test_add_func ("/troupe/promise-list/80", test_80);
  g_test_add_func ("/troupe/promise-list/81", test_81);
  g_test_add_func ("/troupe/promise-list/82", test_82);
  g_test_add_func ("/troupe/promise-list/82/paused", test_82_paused);
  g_test_add_func ("/troupe/promise-list/82/stalled", test_82_stalled);
  g_test_add_func ("/troupe/promise-list/82/fired", test_82_fired);
  g_test_add_func ("/troupe/promise-list/82/circle", test_82_circle);
  g_test_add_func ("/troupe/promise-list/82/timeout", test_82_timeout);
  g_test_add_func ("/troupe/promise-list/83", test_83);
  g_test_add_func ("/troupe/promise-list/84", test_84);
  g_test_add_func ("/troupe/promise-list/85", test_85);
  g_test_add_func ("/troupe/promise-list/98", test_98);
  g_test_add_func ("/troupe/promise-list/98/no-system", test_98_no_system);
  g_test_add_func ("/troupe/promise-list/98/actor", test_98_actor);
  g_test_add_func ("/troupe/promise-list/98/cancel", test_98_cancel);
  g_test_add_func ("/troupe/promise-list/125", test_125);
  g_test_add_func ("/troupe/promise-list/125/first", test_125_first);
  g_test_add_func ("/troupe/promise-list/125/race", test_125_race);
  g_test_add_func ("/troupe/promise-list/125/cancel", test_125_cancel);
  g_test_add_func ("/troupe/promise-list/125/pointer", test_125_pointer);
  g_test_add_func ("/troupe/promise-list/125/stopped", test_125_stopped);
  g_test_add_func ("/troupe/promise-list/125/list-in-actor", test_125_list_in_actor);
  g_test_add_func ("/troupe/promise-list/125/list-ends", test_125_list_ends);
  g_test_add_func ("/troupe/promise-list/125/threads", test_125_threads);
  g_test_add_func ("/troupe/promise-list/139", test_139);
  g_test_add_func ("/troupe/promise-list/outcomes/types", test_outcomes_types);
  g_test_add_func ("/troupe/promise-list/outcomes/missing", test_outcomes_missing);

  return g_test_run ();
}
