/* troupe-promise-fallible.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-promise-private.h"

/* Steps that say by a GError that they failed, as functions of GLib do; in languages with exceptions they throw. */

typedef struct
{
  TroupeFallibleStep step;
  gpointer           user_data;
  GDestroyNotify     destroy;
} TroupeFallible;

static TroupeFallible *
troupe_fallible_new (TroupeFallibleStep step,
                     gpointer           user_data,
                     GDestroyNotify     destroy)
{
  TroupeFallible *self = g_new (TroupeFallible, 1);

  *self = (TroupeFallible) { step, user_data, destroy };

  return self;
}

static void
troupe_fallible_run (TroupePromise *promise,
                     gpointer       data)
{
  TroupeFallible *self = data;
  GError *error = NULL;

  if (self->step == NULL)
    return;

  self->step (promise, self->user_data, &error);
  if (error != NULL)
    troupe_promise_return_error (promise, error);
}

static void
troupe_fallible_free (gpointer data)
{
  TroupeFallible *self = data;

  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_free (self);
}

/**
 * troupe_promise_add_fallible_callback: (rename-to troupe_promise_add_callback)
 * @self: a promise at home here
 * @callback: (scope notified) (closure user_data) (destroy destroy) (nullable): what to do with a value
 * @user_data: what to give to @callback
 * @destroy: (nullable): frees @user_data once the step has run, was passed or was dropped
 *
 * Adds a step for a value, which may fail. An error passes it.
 *
 * It is [method@Troupe.Promise.add_callback] for a function that says by a #GError that it failed. In language bindings it has
 * that name, and the function fails by throwing.
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_add_fallible_callback (TroupePromise      *self,
                                      TroupeFallibleStep  callback,
                                      gpointer            user_data,
                                      GDestroyNotify      destroy)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (troupe_promise_is_at_home (self), self);

  return troupe_promise_add_callback (self, troupe_fallible_run, troupe_fallible_new (callback, user_data, destroy),
                                      troupe_fallible_free);
}

/**
 * troupe_promise_add_fallible_errback: (rename-to troupe_promise_add_errback)
 * @self: a promise at home here
 * @errback: (scope notified) (closure user_data) (destroy destroy) (nullable): what to do with an error
 * @user_data: what to give to @errback
 * @destroy: (nullable): frees @user_data once the step has run, was passed or was dropped
 *
 * Adds a step for an error, which may fail. A value passes it.
 *
 * It is [method@Troupe.Promise.add_errback] for a function that says by a #GError that it failed. In language bindings it has
 * that name, and the function fails by throwing.
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_add_fallible_errback (TroupePromise      *self,
                                     TroupeFallibleStep  errback,
                                     gpointer            user_data,
                                     GDestroyNotify      destroy)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (troupe_promise_is_at_home (self), self);

  return troupe_promise_add_errback (self, troupe_fallible_run, troupe_fallible_new (errback, user_data, destroy),
                                     troupe_fallible_free);
}

/**
 * troupe_promise_add_fallible_both: (rename-to troupe_promise_add_both)
 * @self: a promise at home here
 * @step: (scope notified) (closure user_data) (destroy destroy) (nullable): what to do with either
 * @user_data: what to give to @step
 * @destroy: (nullable): frees @user_data once the step has run or was dropped
 *
 * Adds a step for a value or an error, which may fail.
 *
 * It is [method@Troupe.Promise.add_both] for a function that says by a #GError that it failed, such as
 * [method@Troupe.Promise.propagate_value] does. In language bindings it has that name, and the function fails by throwing.
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_add_fallible_both (TroupePromise      *self,
                                  TroupeFallibleStep  step,
                                  gpointer            user_data,
                                  GDestroyNotify      destroy)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (troupe_promise_is_at_home (self), self);

  return troupe_promise_add_both (self, troupe_fallible_run, troupe_fallible_new (step, user_data, destroy),
                                  troupe_fallible_free);
}

/**
 * troupe_promise_add_fallible_callbacks: (rename-to troupe_promise_add_callbacks)
 * @self: a promise at home here
 * @callback: (scope notified) (closure callback_data) (destroy callback_destroy) (nullable): what to do with a value
 * @callback_data: what to give to @callback
 * @callback_destroy: (nullable): frees @callback_data
 * @errback: (scope notified) (closure errback_data) (destroy errback_destroy) (nullable): what to do with an error
 * @errback_data: what to give to @errback
 * @errback_destroy: (nullable): frees @errback_data
 *
 * Adds one step that has a function for either, which may fail: @errback does not see the error of @callback.
 *
 * It is [method@Troupe.Promise.add_callbacks] for functions that say by a #GError that they failed. In language bindings it
 * has that name, and the functions fail by throwing. (Python wants to be given @callback_data: `()` says that there is none.)
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_add_fallible_callbacks (TroupePromise      *self,
                                       TroupeFallibleStep  callback,
                                       gpointer            callback_data,
                                       GDestroyNotify      callback_destroy,
                                       TroupeFallibleStep  errback,
                                       gpointer            errback_data,
                                       GDestroyNotify      errback_destroy)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (troupe_promise_is_at_home (self), self);

  return troupe_promise_add_callbacks (self, troupe_fallible_run,
                                       troupe_fallible_new (callback, callback_data, callback_destroy),
                                       troupe_fallible_free, troupe_fallible_run,
                                       troupe_fallible_new (errback, errback_data, errback_destroy),
                                       troupe_fallible_free);
}

/**
 * troupe_promise_add_fallible_timeout: (rename-to troupe_promise_add_timeout)
 * @self: a promise at home here
 * @timeout_ms: milliseconds from now, 0 or more
 * @on_timeout: (scope notified) (closure user_data) (destroy destroy) (nullable): a step to run if the time has run out
 * @user_data: what to give to @on_timeout
 * @destroy: (nullable): frees @user_data
 *
 * Limits the time that the steps added so far may take: then the promise is cancelled.
 *
 * It is [method@Troupe.Promise.add_timeout] for a step that says by a #GError that it failed. In language bindings it has that
 * name, and the step fails by throwing.
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_add_fallible_timeout (TroupePromise      *self,
                                     gint64              timeout_ms,
                                     TroupeFallibleStep  on_timeout,
                                     gpointer            user_data,
                                     GDestroyNotify      destroy)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (timeout_ms >= 0, self);
  g_return_val_if_fail (troupe_promise_is_at_home (self), self);

  /* None is not one that does nothing: the outcome becomes TIMED_OUT then. */
  if (on_timeout == NULL)
    return troupe_promise_add_timeout (self, timeout_ms, NULL, user_data, destroy);

  return troupe_promise_add_timeout (self, timeout_ms, troupe_fallible_run,
                                     troupe_fallible_new (on_timeout, user_data, destroy), troupe_fallible_free);
}
