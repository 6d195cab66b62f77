/* test-bridge.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Promises and the rest of GIO: asynchronous operations, tasks, threads. */

#include "troupe-test-puppet.h"

static void
swallow (TroupePromise *promise,
         gpointer       user_data)
{
  troupe_promise_return_nothing (promise);
}

static void
count_up (gpointer data)
{
  g_atomic_int_inc ((gint *) data);
}

/* An operation of GIO that takes a turn of the loop: it promises the number it was given, or an error for a negative one. */

static gboolean
finish_number_cb (gpointer data)
{
  GTask *task = data;
  int number = GPOINTER_TO_INT (g_task_get_task_data (task));

  if (number < 0)
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "Negative");
  else
    g_task_return_int (task, number);
  return G_SOURCE_REMOVE;
}

static void
get_number_async (GObject             *source,
                  int                  number,
                  GCancellable        *cancellable,
                  GAsyncReadyCallback  callback,
                  gpointer             user_data)
{
  GTask *task = g_task_new (source, cancellable, callback, user_data);

  g_task_set_task_data (task, GINT_TO_POINTER (number), NULL);
  g_idle_add_full (G_PRIORITY_DEFAULT, finish_number_cb, task, g_object_unref);
}

static TroupePromise *
promise_number (GObject *source,
                int      number)
{
  TroupeResolver *resolver;
  TroupePromise *promise = troupe_promise_new (&resolver);

  get_number_async (source, number, NULL, troupe_async_ready, resolver);
  return promise;
}

/* The step that an operation's promise begins with. */
static void
finish_number (TroupePromise *promise,
               gpointer       user_data)
{
  GTask *task = troupe_promise_get_object (promise);
  GError *error = NULL;
  gssize number = g_task_propagate_int (task, &error);

  g_assert_true (g_task_get_source_object (task) == user_data);
  if (error != NULL)
    troupe_promise_return_error (promise, error);
  else
    troupe_promise_return_int64 (promise, number);
}

static void
test_async (void)
{
  GObject *source = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (TroupePromise) good = promise_number (source, 5);
  g_autoptr (TroupePromise) bad = promise_number (source, -1);

  g_test_summary ("An asynchronous operation of GIO makes a promise, whose first step finishes it");

  troupe_promise_add_callback (good, finish_number, source, NULL);
  troupe_promise_add_callback (bad, finish_number, source, NULL);
  g_assert_false (troupe_promise_is_resolved (good));
  troupe_test_until (troupe_promise_is_resolved (good) && troupe_promise_is_resolved (bad));

  g_assert_cmpint (troupe_promise_get_int64 (good), ==, 5);
  g_assert_error (troupe_promise_get_error (bad), G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  troupe_promise_add_errback (bad, swallow, NULL, NULL);

  g_assert_finalize_object (source);
}

static void
test_async_cancel (void)
{
  GCancellable *cancellable = g_cancellable_new ();
  TroupeResolver *resolver;
  TroupePromise *promise = troupe_promise_new_with_canceller (&resolver, troupe_async_cancel,
                                                              g_object_ref (cancellable), g_object_unref);

  g_test_summary ("To cancel the promise of an operation cancels the operation; its late result is dropped");

  get_number_async (NULL, 5, cancellable, troupe_async_ready, resolver);
  troupe_promise_cancel (promise);
  g_assert_true (g_cancellable_is_cancelled (cancellable));
  g_assert_error (troupe_promise_get_error (promise), TROUPE_ERROR, TROUPE_ERROR_CANCELLED);
  troupe_promise_add_errback (promise, swallow, NULL, NULL);
  troupe_test_settle ();

  troupe_promise_unref (promise);
  g_assert_finalize_object (cancellable);
}

static gboolean
answer_with_operation (TroupeActor    *actor,
                       TroupeMessage  *message,
                       GError        **error)
{
  TroupePromise *promise = promise_number (G_OBJECT (actor), 7);

  troupe_promise_add_callback (promise, finish_number, actor, NULL);
  troupe_message_reply_promise (message, promise);
  return TRUE;
}

static void
test_async_in_actor (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (TroupePromise) answer = test_puppet_ask_and_wait (puppet, answer_with_operation, NULL);

  g_test_summary ("An actor's operation goes on in a turn of the actor");

  g_assert_cmpint (troupe_promise_get_int64 (answer), ==, 7);

  troupe_test_system_end (system);
}

static void
test_async_actor_ends (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (TroupePromise) answer = test_puppet_ask (puppet, answer_with_operation, NULL);

  g_test_summary ("A result that comes after its actor's end is dropped");

  troupe_ref_finish (puppet);
  troupe_test_until (troupe_promise_is_resolved (answer));
  g_assert_error (troupe_promise_get_error (answer), TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  troupe_promise_add_errback (answer, swallow, NULL, NULL);
  troupe_test_system_end (system);

  troupe_test_settle ();
}

static void
keep_result (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  GTask **task = user_data;

  g_assert_null (*task);
  *task = G_TASK (g_object_ref (result));
}

/* A task that PROMISE completes, which it takes. */
static GTask *
complete (TroupePromise *promise)
{
  GTask *done = NULL;
  g_autoptr (GTask) task = g_task_new (NULL, NULL, keep_result, &done);

  g_assert_true (troupe_promise_complete_task (promise, task) == promise);
  troupe_promise_unref (promise);
  troupe_test_until (done != NULL);
  return done;
}

static TroupePromise *
new_string (const char *string)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_STRING);
  g_value_set_string (&value, string);
  return troupe_promise_new_resolved (&value);
}

static TroupePromise *
new_pending (TroupeResolver **resolver)
{
  g_clear_pointer (resolver, troupe_resolver_unref);
  return troupe_promise_new (resolver);
}

static void
test_task_numbers (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  TroupePromise *promise = new_pending (&resolver);
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GTask) number = NULL;
  g_autoptr (GTask) truth = NULL;
  g_autoptr (GTask) nothing = NULL;
  g_autoptr (GTask) real = NULL;

  g_test_summary ("A promise completes a task with a number, a truth value or nothing");

  troupe_resolver_resolve_int64 (resolver, -5, NULL);
  number = complete (promise);
  g_assert_cmpint (g_task_propagate_int (number, NULL), ==, -5);

  promise = new_pending (&resolver);
  troupe_resolver_resolve_boolean (resolver, FALSE, NULL);
  truth = complete (promise);
  g_assert_false (g_task_propagate_boolean (truth, NULL));

  nothing = complete (troupe_promise_new_resolved (NULL));
  g_assert_true (g_task_propagate_boolean (nothing, NULL));

  promise = new_pending (&resolver);
  troupe_resolver_resolve_double (resolver, 0.5, NULL);
  real = complete (promise);
  g_assert_true (g_task_propagate_value (real, &value, NULL));
  g_assert_cmpfloat (g_value_get_double (&value), ==, 0.5);
}

static void
test_task_pointers (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("ab", 2);
  g_autoptr (GBytes) got_bytes = NULL;
  g_autoptr (GVariant) got_variant = NULL;
  g_autofree char *got_string = NULL;
  GObject *object = g_object_new (G_TYPE_OBJECT, NULL);
  TroupePromise *promise;
  GTask *task;
  gint n_freed = 0;

  g_test_summary ("A promise completes a task with a string, bytes, a variant, an object or a pointer");

  task = complete (new_string ("text"));
  got_string = g_task_propagate_pointer (task, NULL);
  g_assert_cmpstr (got_string, ==, "text");
  g_object_unref (task);

  promise = new_pending (&resolver);
  troupe_resolver_resolve_bytes (resolver, bytes, NULL);
  task = complete (promise);
  got_bytes = g_task_propagate_pointer (task, NULL);
  g_assert_true (g_bytes_equal (got_bytes, bytes));
  g_object_unref (task);

  promise = new_pending (&resolver);
  troupe_resolver_resolve_variant (resolver, g_variant_new_int32 (5), NULL);
  task = complete (promise);
  got_variant = g_task_propagate_pointer (task, NULL);
  g_assert_cmpint (g_variant_get_int32 (got_variant), ==, 5);
  g_object_unref (task);

  promise = new_pending (&resolver);
  troupe_resolver_resolve_object (resolver, object, NULL);
  task = complete (promise);
  g_assert_true (g_task_propagate_pointer (task, NULL) == object);
  g_object_unref (object);
  g_object_unref (task);
  g_assert_finalize_object (object);

  promise = new_pending (&resolver);
  troupe_resolver_resolve_pointer (resolver, &n_freed, count_up, NULL);
  g_object_unref (complete (promise));
  g_assert_cmpint (n_freed, ==, 1);
}

static void
test_task_error (void)
{
  g_autoptr (GTask) task = complete (troupe_promise_new_rejected (g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "Busy")));
  g_autoptr (GError) error = NULL;

  g_test_summary ("An error goes to the task, and is handled by that");

  g_assert_cmpint (g_task_propagate_int (task, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
}

/* Resolved outside actors: where steps are added to it, no actor's turn runs. */
static void
note_outside (GObject      *source,
              GAsyncResult *result,
              gpointer      user_data)
{
  troupe_promise_add_both (user_data, swallow, NULL, NULL);
}

static gboolean
complete_later (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  g_autoptr (TroupePromise) promise = troupe_sleep (0);

  troupe_promise_complete_task (promise, test_puppet_get_data (message));
  return TRUE;
}

static gboolean
complete_never (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  g_autoptr (TroupePromise) promise = troupe_sleep (G_MAXINT64);

  troupe_promise_complete_task (promise, test_puppet_get_data (message));
  return TRUE;
}

static void
test_task_outside (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (TroupePromise) mine = troupe_promise_new_rejected (g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "Busy"));
  g_autoptr (GTask) task = g_task_new (NULL, NULL, note_outside, mine);

  g_test_summary ("The callback of a task that an actor completes does not run in the actor's turn");

  test_puppet_tell (puppet, complete_later, task);
  troupe_test_until (g_task_get_completed (task));
  g_assert_true (troupe_promise_has_value (mine));
  g_assert_true (g_task_propagate_boolean (task, NULL));

  troupe_test_system_end (system);
}

static void
test_task_actor_ends (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (TroupePromise) mine = troupe_promise_new_rejected (g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "Busy"));
  g_autoptr (GTask) task = g_task_new (NULL, NULL, note_outside, mine);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A task whose actor ends fails");

  test_puppet_tell (puppet, complete_never, task);
  troupe_ref_finish (puppet);
  troupe_test_until (g_task_get_completed (task));
  g_assert_true (troupe_promise_has_value (mine));
  g_assert_false (g_task_propagate_boolean (task, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ABANDONED);

  troupe_test_system_end (system);
}

/* Waiting in the manner of GIO */

typedef struct
{
  TroupeRef     *witness;            /* is told by who waits */
  TroupeRef     *actor;              /* in whose turn it was called, if in any */
  gboolean       is_witnessed;
  TroupePromise *promise;            /* what was waited for */
  TroupePromise *value;
  GError        *error;
  guint          n_calls;
} Waited;

static gboolean
note_sender (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  Waited *self = test_puppet_get_data (message);
  TroupeRef *sender = troupe_message_get_sender (message);

  self->actor = sender != NULL ? troupe_ref_ref (sender) : NULL;
  self->is_witnessed = TRUE;
  return TRUE;
}

static void
note_waited (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  Waited *self = user_data;

  g_assert_null (source);
  g_assert_true (g_async_result_get_user_data (result) == self);
  g_assert_null (g_async_result_get_source_object (result));
  self->n_calls++;
  if (self->witness != NULL)
    test_puppet_tell (self->witness, note_sender, self);
  self->value = troupe_promise_wait_finish (self->promise, result, &self->error);
}

static void
waited_clear (Waited *self)
{
  g_clear_pointer (&self->actor, troupe_ref_unref);
  g_clear_pointer (&self->promise, troupe_promise_unref);
  g_clear_pointer (&self->value, troupe_promise_unref);
  g_clear_error (&self->error);
  self->n_calls = 0;
  self->is_witnessed = FALSE;
}

static void
test_wait (void)
{
  Waited waited = { NULL };
  TroupeResolver *resolver;

  g_test_summary ("The callback comes with the outcome, and never within the call");

  waited.promise = troupe_promise_new (&resolver);
  troupe_promise_wait_async (waited.promise, note_waited, &waited);
  troupe_resolver_resolve_int64 (resolver, 7, NULL);
  troupe_resolver_unref (resolver);
  troupe_test_until (waited.n_calls == 1);
  g_assert_cmpint (troupe_promise_get_int64 (waited.value), ==, 7);

  /* Once more: it is there already. */
  troupe_promise_wait_async (waited.promise, note_waited, &waited);
  g_assert_cmpint (waited.n_calls, ==, 1);
  g_clear_pointer (&waited.value, troupe_promise_unref);
  troupe_test_until (waited.n_calls == 2);
  g_assert_cmpint (troupe_promise_get_int64 (waited.value), ==, 7);
  waited_clear (&waited);

  waited.promise = troupe_promise_new_rejected (g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "Busy"));
  troupe_promise_wait_async (waited.promise, note_waited, &waited);
  troupe_test_until (waited.n_calls == 1);
  g_assert_null (waited.value);
  g_assert_error (waited.error, G_IO_ERROR, G_IO_ERROR_BUSY);
  /* It is handled: nobody is warned. */
  waited_clear (&waited);
}

static gboolean
wait_in_turn (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  Waited *waited = test_puppet_get_data (message);

  troupe_promise_wait_async (waited->promise = troupe_sleep (1), note_waited, waited);
  return TRUE;
}

static gboolean
wait_in_turn_for_nothing (TroupeActor    *actor,
                          TroupeMessage  *message,
                          GError        **error)
{
  Waited *waited = test_puppet_get_data (message);

  troupe_promise_wait_async (waited->promise = troupe_promise_new_resolved (NULL), note_waited, waited);
  g_assert_cmpint (waited->n_calls, ==, 0);
  return TRUE;
}

static gboolean
promise_in_turn (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  Waited *waited = test_puppet_get_data (message);

  waited->promise = troupe_sleep (1);
  return TRUE;
}

static gboolean
wait_for_ever (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  Waited *waited = test_puppet_get_data (message);

  troupe_promise_wait_async (waited->promise = troupe_sleep (G_MAXINT64), note_waited, waited);
  return TRUE;
}

static void
test_wait_in_actor (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  TroupeHandler ways[] = { wait_in_turn, wait_in_turn_for_nothing };
  g_autoptr (TroupeRef) witness = test_puppet_new (system, NULL);
  Waited waited = { witness };
  guint i;

  g_test_summary ("The callback runs in a turn of the actor whose promise it is, wherever one began to wait");

  for (i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      test_puppet_tell (puppet, ways[i], &waited);
      troupe_test_until (waited.is_witnessed);
      g_assert_true (waited.actor == puppet);
      waited_clear (&waited);
    }

  test_puppet_tell (puppet, promise_in_turn, &waited);
  troupe_test_until (waited.promise != NULL);
  troupe_promise_wait_async (waited.promise, note_waited, &waited);
  troupe_test_until (waited.is_witnessed);
  g_assert_true (waited.actor == puppet);
  waited_clear (&waited);

  troupe_test_system_end (system);
}

static void
test_wait_actor_ends (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (TroupeRef) witness = test_puppet_new (system, NULL);
  Waited waited = { witness };

  g_test_summary ("Who waits in an actor that ends is told so, outside of its turns; so is who comes too late");

  test_puppet_tell (puppet, wait_for_ever, &waited);
  troupe_ref_finish (puppet);
  troupe_test_until (waited.is_witnessed);
  g_assert_null (waited.actor);
  g_assert_error (waited.error, TROUPE_ERROR, TROUPE_ERROR_ABANDONED);
  g_clear_error (&waited.error);
  waited.is_witnessed = FALSE;

  troupe_promise_wait_async (waited.promise, note_waited, &waited);
  troupe_test_until (waited.is_witnessed);
  g_assert_cmpuint (waited.n_calls, ==, 2);
  g_assert_error (waited.error, TROUPE_ERROR, TROUPE_ERROR_ABANDONED);
  waited_clear (&waited);

  troupe_test_system_end (system);
}

/* Threads */

static GThread *main_thread;

static void
work_number (TroupeResolver  *resolver,
             gpointer         user_data,
             GError         **error)
{
  g_assert_true (g_thread_self () != main_thread);
  g_assert_true (troupe_resolver_resolve_int64 (resolver, *(gint *) user_data, NULL));
}

static void
work_fail (TroupeResolver  *resolver,
           gpointer         user_data,
           GError         **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, "Busy");
}

static void
work_reject (TroupeResolver  *resolver,
             gpointer         user_data,
             GError         **error)
{
  g_assert_true (troupe_resolver_reject (resolver, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_EXISTS, "Exists"), NULL));
  /* Too late. */
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, "Busy");
}

static void
work_nothing (TroupeResolver  *resolver,
              gpointer         user_data,
              GError         **error)
{
}

static void
step_at_home (TroupePromise *promise,
              gpointer       user_data)
{
  g_assert_true (g_thread_self () == main_thread);
  troupe_promise_return_int64 (promise, troupe_promise_get_int64 (promise) + 1);
}

static void
test_thread (void)
{
  static gint number = 41;
  g_autoptr (TroupePromise) good = troupe_promise_new_in_thread (work_number, &number, count_up);
  g_autoptr (TroupePromise) bad = troupe_promise_new_in_thread (work_fail, NULL, NULL);
  g_autoptr (TroupePromise) rejected = troupe_promise_new_in_thread (work_reject, NULL, NULL);
  g_autoptr (TroupePromise) broken = troupe_promise_new_in_thread (work_nothing, NULL, NULL);

  g_test_summary ("A thread works, and what it resolves with comes home; its data is freed in any case");

  troupe_promise_add_callback (good, step_at_home, NULL, NULL);
  troupe_test_until (troupe_promise_is_resolved (good));
  troupe_test_until (troupe_promise_is_resolved (bad));
  troupe_test_until (troupe_promise_is_resolved (rejected));
  troupe_test_until (troupe_promise_is_resolved (broken));

  g_assert_cmpint (troupe_promise_get_int64 (good), ==, 42);
  g_assert_error (troupe_promise_get_error (bad), G_IO_ERROR, G_IO_ERROR_BUSY);
  g_assert_error (troupe_promise_get_error (rejected), G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_assert_error (troupe_promise_get_error (broken), TROUPE_ERROR, TROUPE_ERROR_BROKEN);
  troupe_promise_add_errback (bad, swallow, NULL, NULL);
  troupe_promise_add_errback (rejected, swallow, NULL, NULL);
  troupe_promise_add_errback (broken, swallow, NULL, NULL);

  while (g_atomic_int_get (&number) == 41)
    g_thread_yield ();
}

typedef struct
{
  GMutex mutex;
  GCond  cond;
  int    n_inside;
  int    most;
  int    n_worked;
  int    n_freed;
  gboolean open;
} Gate;

static void
work_at_gate (TroupeResolver  *resolver,
              gpointer         user_data,
              GError         **error)
{
  Gate *gate = user_data;

  g_mutex_lock (&gate->mutex);
  gate->n_inside++;
  gate->n_worked++;
  gate->most = MAX (gate->most, gate->n_inside);
  g_cond_broadcast (&gate->cond);
  while (!gate->open)
    g_cond_wait (&gate->cond, &gate->mutex);
  gate->n_inside--;
  g_mutex_unlock (&gate->mutex);

  troupe_resolver_resolve (resolver, NULL);
}

static void
leave_gate (gpointer data)
{
  Gate *gate = data;

  g_mutex_lock (&gate->mutex);
  gate->n_freed++;
  g_cond_broadcast (&gate->cond);
  g_mutex_unlock (&gate->mutex);
}

/* Waits until COUNT of the gate is N. */
static void
gate_wait (Gate *gate,
           int  *count,
           int   n)
{
  g_mutex_lock (&gate->mutex);
  while (*count < n)
    g_cond_wait (&gate->cond, &gate->mutex);
  g_mutex_unlock (&gate->mutex);
}

static void
gate_open (Gate *gate)
{
  g_mutex_lock (&gate->mutex);
  gate->open = TRUE;
  g_cond_broadcast (&gate->cond);
  g_mutex_unlock (&gate->mutex);
}

static void
test_thread_limit (void)
{
  static Gate gate;
  TroupePromise *promises[6];
  g_autoptr (TroupePromise) all = NULL;
  gsize i;

  g_test_summary ("No more threads work at once than there may be, here one; the rest of the work waits");

  for (i = 0; i < G_N_ELEMENTS (promises); i++)
    promises[i] = troupe_promise_new_in_thread (work_at_gate, &gate, leave_gate);
  all = troupe_promise_all (promises, G_N_ELEMENTS (promises), TROUPE_LIST_DEFAULT);

  gate_wait (&gate, &gate.n_inside, 1);
  gate_open (&gate);
  troupe_test_until (troupe_promise_is_resolved (all));
  gate_wait (&gate, &gate.n_freed, 6);
  g_assert_cmpint (gate.n_worked, ==, 6);
  g_assert_cmpint (gate.most, ==, 1);

  for (i = 0; i < G_N_ELEMENTS (promises); i++)
    troupe_promise_unref (promises[i]);
}

static void
test_thread_cancel (void)
{
  static Gate gate;
  g_autoptr (TroupePromise) runs = troupe_promise_new_in_thread (work_at_gate, &gate, leave_gate);
  g_autoptr (TroupePromise) waits = troupe_promise_new_in_thread (work_at_gate, &gate, leave_gate);

  g_test_summary ("Work that is cancelled before it begins is not done; what has begun goes on for nobody");

  gate_wait (&gate, &gate.n_inside, 1);
  troupe_promise_cancel (runs);
  troupe_promise_cancel (waits);
  gate_open (&gate);
  gate_wait (&gate, &gate.n_freed, 2);
  g_assert_cmpint (gate.n_worked, ==, 1);

  g_assert_error (troupe_promise_get_error (runs), TROUPE_ERROR, TROUPE_ERROR_CANCELLED);
  g_assert_error (troupe_promise_get_error (waits), TROUPE_ERROR, TROUPE_ERROR_CANCELLED);
  troupe_promise_add_errback (runs, swallow, NULL, NULL);
  troupe_promise_add_errback (waits, swallow, NULL, NULL);
}

static gboolean
work_for_actor (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  troupe_message_reply_promise (message, troupe_promise_new_in_thread (work_at_gate, test_puppet_get_data (message),
                                                                       leave_gate));
  return TRUE;
}

static void
test_thread_actor_ends (void)
{
  static Gate gate;
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (TroupePromise) runs = NULL;
  g_autoptr (TroupePromise) waits = NULL;

  g_test_summary ("Work whose actor ended is not begun, and what was begun is finished for nobody");

  runs = test_puppet_ask (puppet, work_for_actor, &gate);
  waits = test_puppet_ask (puppet, work_for_actor, &gate);
  troupe_ref_finish (puppet);
  troupe_test_until (troupe_promise_is_resolved (runs) && troupe_promise_is_resolved (waits) &&
                     troupe_ref_has_ended (puppet));
  g_assert_error (troupe_promise_get_error (runs), TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  g_assert_error (troupe_promise_get_error (waits), TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  troupe_promise_add_errback (runs, swallow, NULL, NULL);
  troupe_promise_add_errback (waits, swallow, NULL, NULL);

  gate_open (&gate);
  gate_wait (&gate, &gate.n_freed, 2);
  g_assert_cmpint (gate.n_worked, <=, 1);

  troupe_test_system_end (system);
}

static void
test_thread_queue (void)
{
  static Gate gate;
  TroupePromise *promises[4];
  gsize i;

  g_test_summary ("No more work waits than may; what is refused is freed and never begun, and later there is room again");

  troupe_set_max_waiting_work (1);
  for (i = 0; i < 4; i++)
    promises[i] = troupe_promise_new_in_thread (work_at_gate, &gate, leave_gate);

  g_assert_cmpint (gate.n_freed, ==, 2);
  g_assert_cmpuint (troupe_get_max_threads (), ==, 1);
  while (troupe_get_n_busy_threads () == 0)
    g_thread_yield ();
  g_assert_cmpuint (troupe_get_n_busy_threads (), ==, 1);
  g_assert_cmpuint (troupe_get_n_waiting_work (), ==, 1);
  for (i = 2; i < 4; i++)
    {
      g_autoptr (GError) error = troupe_promise_steal_error (promises[i]);

      g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_QUEUE_OVERFLOW);
      g_assert_nonnull (strstr (error->message, "than 1 pieces"));
    }

  gate_open (&gate);
  troupe_test_until (troupe_promise_is_resolved (promises[0]) && troupe_promise_is_resolved (promises[1]));
  gate_wait (&gate, &gate.n_freed, 4);
  g_assert_cmpint (gate.n_worked, ==, 2);
  g_assert_cmpuint (troupe_get_n_busy_threads (), ==, 0);
  g_assert_cmpuint (troupe_get_n_waiting_work (), ==, 0);
  for (i = 0; i < 4; i++)
    troupe_promise_unref (promises[i]);

  troupe_set_max_waiting_work (10000);
}

static void
test_thread_no_queue (void)
{
  static Gate gate;
  g_autoptr (TroupePromise) runs = NULL;
  g_autoptr (TroupePromise) refused = NULL;

  g_test_summary ("Where nothing may wait, work that finds no thread free is refused");

  troupe_set_max_waiting_work (0);
  runs = troupe_promise_new_in_thread (work_at_gate, &gate, leave_gate);
  refused = troupe_promise_new_in_thread (work_nothing, NULL, NULL);
  g_assert_false (troupe_promise_is_resolved (runs));
  g_assert_error (troupe_promise_get_error (refused), TROUPE_ERROR, TROUPE_ERROR_QUEUE_OVERFLOW);
  troupe_promise_add_errback (refused, swallow, NULL, NULL);

  gate_open (&gate);
  troupe_test_until (troupe_promise_is_resolved (runs));
  gate_wait (&gate, &gate.n_freed, 1);
  troupe_set_max_waiting_work (10000);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  main_thread = g_thread_self ();
  troupe_set_max_threads (1);

  g_test_add_func ("/troupe/bridge/async", test_async);
  g_test_add_func ("/troupe/bridge/async/cancel", test_async_cancel);
  g_test_add_func ("/troupe/bridge/async/in-actor", test_async_in_actor);
  g_test_add_func ("/troupe/bridge/async/actor-ends", test_async_actor_ends);
  g_test_add_func ("/troupe/bridge/task/numbers", test_task_numbers);
  g_test_add_func ("/troupe/bridge/task/pointers", test_task_pointers);
  g_test_add_func ("/troupe/bridge/task/error", test_task_error);
  g_test_add_func ("/troupe/bridge/task/outside", test_task_outside);
  g_test_add_func ("/troupe/bridge/task/actor-ends", test_task_actor_ends);
  g_test_add_func ("/troupe/bridge/wait", test_wait);
  g_test_add_func ("/troupe/bridge/wait/in-actor", test_wait_in_actor);
  g_test_add_func ("/troupe/bridge/wait/actor-ends", test_wait_actor_ends);
  g_test_add_func ("/troupe/bridge/thread", test_thread);
  g_test_add_func ("/troupe/bridge/thread/limit", test_thread_limit);
  g_test_add_func ("/troupe/bridge/thread/queue", test_thread_queue);
  g_test_add_func ("/troupe/bridge/thread/no-queue", test_thread_no_queue);
  g_test_add_func ("/troupe/bridge/thread/cancel", test_thread_cancel);
  g_test_add_func ("/troupe/bridge/thread/actor-ends", test_thread_actor_ends);

  return g_test_run ();
}
