/* troupe-gio-bridge.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error.h"
#include "troupe-gio-bridge.h"
#include "troupe-promise-private.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-private.h"

/**
 * troupe_async_ready: (skip)
 * @source: (nullable): the object on which the operation was started
 * @result: what its `_finish` function wants
 * @resolver: (transfer full): the resolver of a promise
 *
 * Resolves a promise with the result of an asynchronous operation of GIO.
 *
 * It is a [callback@Gio.AsyncReadyCallback] whose user data is a resolver, so that any function that ends in `_async` makes a
 * promise:
 *
 * ```c
 * TroupeResolver *resolver;
 * TroupePromise *promise = troupe_promise_new (&resolver);
 *
 * g_file_load_contents_async (file, NULL, troupe_async_ready, resolver);
 * ```
 *
 * The value is @result, an object: a step calls the operation's `_finish` function with it, and
 * with what [method@Gio.AsyncResult.get_source_object] says if it does not know the object already. The callback itself runs wherever
 * GIO calls it; the steps run at home. Language bindings resolve with the result in a callback of their own.
 *
 * Since: 1.0
 */
void
troupe_async_ready (GObject      *source,
                    GAsyncResult *result,
                    gpointer      resolver)
{
  TroupeBody body;

  g_return_if_fail (G_IS_ASYNC_RESULT (result));
  g_return_if_fail (resolver != NULL);

  body = troupe_body_object (result);
  troupe_resolver_finish_body (resolver, &body);
}

/**
 * troupe_async_cancel: (skip)
 * @resolver: the resolver of a promise that was cancelled
 * @cancellable: the [class@Gio.Cancellable] that was given to the operation
 *
 * Cancels an asynchronous operation of GIO with its promise.
 *
 * It is a [callback@Troupe.Canceller], to go with [func@Troupe.async_ready]:
 *
 * ```c
 * g_autoptr (GCancellable) cancellable = g_cancellable_new ();
 * TroupeResolver *resolver;
 * TroupePromise *promise = troupe_promise_new_with_canceller (&resolver, troupe_async_cancel,
 *                                                             g_object_ref (cancellable), g_object_unref);
 *
 * g_file_load_contents_async (file, cancellable, troupe_async_ready, resolver);
 * ```
 *
 * The promise is rejected with %TROUPE_ERROR_CANCELLED at once; what the operation says later is dropped.
 *
 * Since: 1.0
 */
void
troupe_async_cancel (TroupeResolver *resolver,
                     gpointer        cancellable)
{
  g_return_if_fail (G_IS_CANCELLABLE (cancellable));

  g_cancellable_cancel (cancellable);
}

/* A task, and once it is there, what to complete it with. */
typedef struct
{
  GTask      *task;
  TroupeBody  outcome;
} TroupeCompletion;

/* What the body holds is what the task gets. */
static void
troupe_completion_return_held (TroupeCompletion *self,
                               GDestroyNotify    destroy)
{
  gpointer pointer = self->outcome.v_pointer;

  self->outcome = TROUPE_BODY_NOTHING;
  g_task_return_pointer (self->task, pointer, destroy);
}

static void
troupe_completion_return_pointer (TroupeCompletion *self)
{
  GDestroyNotify destroy;
  gpointer pointer = troupe_body_steal_pointer_full (&self->outcome, &destroy);

  g_task_return_pointer (self->task, pointer, destroy);
}

static void
troupe_completion_return_value (TroupeCompletion *self)
{
  g_auto (GValue) value = G_VALUE_INIT;

  troupe_body_to_value (&self->outcome, &value);
  g_task_return_value (self->task, &value);
}

static void
troupe_completion_return (TroupeCompletion *self)
{
  GType type = self->outcome.type;

  if (type == G_TYPE_INVALID)
    g_task_return_error (self->task, g_steal_pointer (&self->outcome.v_pointer));
  else if (type == G_TYPE_NONE)
    g_task_return_boolean (self->task, TRUE);
  else if (type == G_TYPE_BOOLEAN)
    g_task_return_boolean (self->task, self->outcome.v_int64 != 0);
  else if (type == G_TYPE_INT64)
    g_task_return_int (self->task, self->outcome.v_int64);
  else if (type == G_TYPE_STRING)
    g_task_return_pointer (self->task, g_strdup (self->outcome.v_pointer), g_free);
  else if (type == G_TYPE_BYTES)
    troupe_completion_return_held (self, (GDestroyNotify) g_bytes_unref);
  else if (type == G_TYPE_VARIANT)
    troupe_completion_return_held (self, (GDestroyNotify) g_variant_unref);
  else if (g_type_is_a (type, G_TYPE_OBJECT))
    troupe_completion_return_held (self, g_object_unref);
  else if (troupe_body_get_type (&self->outcome) == G_TYPE_POINTER)
    troupe_completion_return_pointer (self);
  else
    troupe_completion_return_value (self);

  g_clear_object (&self->task);
}

static void
troupe_completion_return_cb (TroupeRef *outside,
                             gpointer   data)
{
  troupe_completion_return (data);
}

static void
troupe_completion_finish (gpointer data)
{
  TroupeCompletion *self = data;

  if (self->task != NULL)
    troupe_completion_return (self);

  troupe_body_clear (&self->outcome);
  g_free (self);
}

/* GTask may call back within the call, and that code is no part of an actor's turn. Takes SELF. */
static void
troupe_completion_send (TroupeCompletion *self)
{
  TroupeRef *current = troupe_ref_get_current ();

  if (current == NULL)
    troupe_completion_finish (self);
  else
    troupe_ref_call (current->reactor->outside, troupe_completion_return_cb, NULL, self, troupe_completion_finish);
}

static TroupeCompletion *
troupe_completion_new (GTask *task)
{
  TroupeCompletion *self = g_new (TroupeCompletion, 1);

  self->task = task;
  self->outcome = TROUPE_BODY_NOTHING;

  return self;
}

static void
troupe_promise_complete_step (TroupePromise *promise,
                              gpointer       data)
{
  TroupeCompletion *waiting = data;
  TroupeCompletion *self = troupe_completion_new (g_steal_pointer (&waiting->task));

  troupe_body_move (&self->outcome, &promise->outcome);
  promise->outcome = TROUPE_BODY_NOTHING;
  troupe_completion_send (self);
}

/* A task that nobody completes would leave its caller waiting. */
static void
troupe_promise_complete_dropped (gpointer data)
{
  TroupeCompletion *self = data;

  if (self->task == NULL)
    {
      g_free (self);
      return;
    }

  self->outcome = (TroupeBody) {
    .type = G_TYPE_INVALID,
    .v_pointer = g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_ABANDONED,
                                      "The actor ended before the outcome came"),
  };
  troupe_completion_send (self);
}

/**
 * troupe_promise_complete_task:
 * @self: a promise at home here
 * @task: a task that nobody else completes
 *
 * Adds a step that completes a [class@Gio.Task] with the outcome, value or error.
 *
 * So a function in the manner of GIO, with a callback and a `_finish`, can be made of promises. The chain of @self goes on with
 * nothing. If its home ends first, the task fails with %TROUPE_ERROR_ABANDONED. The task's callback never runs inside an actor's turn.
 *
 * Which function the `_finish` reads the task with depends on the value's type:
 *
 * - nothing (which is %TRUE) and truth values: [method@Gio.Task.propagate_boolean];
 * - signed numbers: [method@Gio.Task.propagate_int];
 * - strings, bytes, variants, objects and pointers: [method@Gio.Task.propagate_pointer], and the reader owns what it gets;
 * - all else: [method@Gio.Task.propagate_value].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_complete_task (TroupePromise *self,
                              GTask         *task)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (G_IS_TASK (task), self);
  g_return_val_if_fail (troupe_promise_is_at_home (self), self);

  return troupe_promise_add_both (self, troupe_promise_complete_step, troupe_completion_new (g_object_ref (task)),
                                  troupe_promise_complete_dropped);
}
