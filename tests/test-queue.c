/* test-queue.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Queues, rule by rule of the specification: 91 and 92. */

#include "troupe-test-puppet.h"

static gboolean
put (TroupeQueue  *queue,
     gint64        number,
     GError      **error)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_INT64);
  g_value_set_int64 (&value, number);
  return troupe_queue_put (queue, &value, error);
}

static void
must_put (TroupeQueue *queue,
          gint64       number)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (put (queue, number, &error));
  g_assert_no_error (error);
}

static void
assert_next (TroupeQueue *queue,
             gint64       number)
{
  g_autoptr (TroupePromise) promise = troupe_queue_get (queue);

  g_assert_true (troupe_promise_is_resolved (promise));
  g_assert_cmpint (troupe_promise_get_int64 (promise), ==, number);
}

static void
assert_underflow (TroupeQueue *queue)
{
  g_autoptr (TroupePromise) promise = troupe_queue_get (queue);
  g_autoptr (GError) error = troupe_promise_steal_error (promise);

  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_QUEUE_UNDERFLOW);
}

static void
count (gpointer n_freed)
{
  ++*(guint *) n_freed;
}

static void
test_rule_91_put (void)
{
  g_autoptr (TroupeQueue) queue = troupe_queue_new (2, -1);
  g_autoptr (GError) error = NULL;
  guint n_freed = 0;

  g_test_summary ("Values wait, as many as may, until they are taken; one too many is refused.");

  must_put (queue, 1);
  must_put (queue, 2);
  g_assert_false (put (queue, 3, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_QUEUE_OVERFLOW);
  g_assert_false (troupe_queue_put_pointer (queue, &n_freed, count, NULL));
  g_assert_cmpuint (n_freed, ==, 1);
  g_assert_cmpuint (troupe_queue_get_n_items (queue), ==, 2);

  assert_next (queue, 1);
  must_put (queue, 4);
  assert_next (queue, 2);
  assert_next (queue, 4);
  g_assert_cmpuint (troupe_queue_get_n_items (queue), ==, 0);
}

static void
test_rule_91_get (void)
{
  g_autoptr (TroupeQueue) queue = troupe_queue_new (-1, 2);
  g_autoptr (TroupePromise) a = troupe_queue_get (queue);
  g_autoptr (TroupePromise) b = troupe_queue_get (queue);

  g_test_summary ("Takers wait, as many as may, and a value goes to the oldest within the call.");

  assert_underflow (queue);
  g_assert_cmpuint (troupe_queue_get_n_waiting (queue), ==, 2);
  must_put (queue, 1);
  g_assert_cmpint (troupe_promise_get_int64 (a), ==, 1);
  g_assert_false (troupe_promise_is_resolved (b));
  g_assert_cmpuint (troupe_queue_get_n_items (queue), ==, 0);
  g_assert_true (troupe_queue_put (queue, NULL, NULL));
  g_assert_true (troupe_promise_has_value (b));
  g_assert_cmpuint (troupe_queue_get_n_waiting (queue), ==, 0);
}

static void
test_rule_91_zero (void)
{
  g_autoptr (TroupeQueue) queue = troupe_queue_new (0, 1);
  g_autoptr (TroupeQueue) none = troupe_queue_new (1, 0);
  g_autoptr (TroupePromise) promise = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("With a limit of 0 nothing waits.");

  g_assert_false (put (queue, 1, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_QUEUE_OVERFLOW);
  promise = troupe_queue_get (queue);
  must_put (queue, 2);
  g_assert_cmpint (troupe_promise_get_int64 (promise), ==, 2);

  assert_underflow (none);
  must_put (none, 3);
  assert_next (none, 3);
}

static void
test_rule_92 (void)
{
  g_autoptr (TroupeQueue) queue = troupe_queue_new (-1, -1);
  g_autoptr (TroupePromise) a = troupe_queue_get (queue);
  g_autoptr (TroupePromise) b = troupe_queue_get (queue);
  g_autoptr (TroupePromise) c = troupe_queue_get (queue);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A taker that gives up loses no value; one that has its value cannot give up.");

  troupe_promise_cancel (a);
  error = troupe_promise_steal_error (a);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_CANCELLED);
  must_put (queue, 1);
  g_assert_cmpint (troupe_promise_get_int64 (b), ==, 1);
  troupe_promise_cancel (b);
  g_assert_cmpint (troupe_promise_get_int64 (b), ==, 1);
  troupe_promise_cancel (c);
  g_error_free (troupe_promise_steal_error (c));
  must_put (queue, 2);
  g_assert_cmpuint (troupe_queue_get_n_items (queue), ==, 1);
  assert_next (queue, 2);
}

static void
test_freed (void)
{
  TroupeQueue *full = troupe_queue_new (-1, -1);
  TroupeQueue *empty = troupe_queue_new (-1, -1);
  g_autoptr (TroupePromise) promise = troupe_queue_get (empty);
  g_autoptr (GError) error = NULL;
  guint n_freed = 0;

  g_test_summary ("What nobody has taken is freed with the queue, and who waits for it is told.");

  g_assert_true (troupe_queue_put_pointer (full, &n_freed, count, NULL));
  g_assert_cmpuint (n_freed, ==, 0);
  g_assert_finalize_object (full);
  g_assert_cmpuint (n_freed, ==, 1);

  g_assert_finalize_object (empty);
  error = troupe_promise_steal_error (promise);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BROKEN);
}

/* Of an actor */

typedef struct
{
  TroupeQueue *queue;
  guint        n_steps;
  guint        n_freed;
} Owned;

static void
count_step (TroupePromise *promise,
            gpointer       data)
{
  ((Owned *) data)->n_steps++;
}

static void
count_owned_freed (gpointer data)
{
  ((Owned *) data)->n_freed++;
}

static gboolean
wait_here (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  Owned *owned = test_puppet_get_data (message);
  g_autoptr (TroupePromise) promise = NULL;

  owned->queue = troupe_queue_new (-1, -1);
  promise = troupe_queue_get (owned->queue);
  troupe_promise_add_both (promise, count_step, owned, count_owned_freed);

  return TRUE;
}

static void
test_rule_94 (void)
{
  Owned owned = { NULL };
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, "puppet");

  g_test_summary ("A queue belongs to an actor, and nobody waits there once that has ended.");

  test_puppet_tell (puppet, wait_here, &owned);
  troupe_test_until (owned.queue != NULL);
  troupe_ref_stop (puppet);
  troupe_test_until (owned.n_freed == 1);
  g_assert_finalize_object (owned.queue);
  g_assert_cmpuint (owned.n_steps, ==, 0);
  troupe_test_system_end (system);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/queue/rule-91/put", test_rule_91_put);
  g_test_add_func ("/troupe/queue/rule-91/get", test_rule_91_get);
  g_test_add_func ("/troupe/queue/rule-91/zero", test_rule_91_zero);
  g_test_add_func ("/troupe/queue/rule-92/cancel", test_rule_92);
  g_test_add_func ("/troupe/queue/rule-94/actor", test_rule_94);
  g_test_add_func ("/troupe/queue/freed", test_freed);

  return g_test_run ();
}
