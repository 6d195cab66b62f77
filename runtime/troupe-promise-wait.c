/* troupe-promise-wait.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error.h"
#include "troupe-promise-private.h"
#include "troupe-promise-wait.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-private.h"

#define TROUPE_TYPE_WAIT (troupe_wait_get_type ())
G_DECLARE_FINAL_TYPE (TroupeWait, troupe_wait, TROUPE, WAIT, GObject)

/* Who waits for a promise, and what the callback is given. No GTask: that would call back later, outside the turn. */
struct _TroupeWait
{
  GObject              parent_instance;
  TroupePromise       *promise;
  GAsyncReadyCallback  callback;     /* NULL once it was called */
  gpointer             user_data;
  GError              *error;
};

static gpointer
troupe_wait_get_user_data (GAsyncResult *result)
{
  return TROUPE_WAIT (result)->user_data;
}

/* A promise is no object. */
static GObject *
troupe_wait_get_source_object (GAsyncResult *result)
{
  return NULL;
}

static void
troupe_wait_async_result_init (GAsyncResultIface *iface)
{
  iface->get_user_data = troupe_wait_get_user_data;
  iface->get_source_object = troupe_wait_get_source_object;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TroupeWait, troupe_wait, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_ASYNC_RESULT, troupe_wait_async_result_init))

static void
troupe_wait_finalize (GObject *object)
{
  TroupeWait *self = TROUPE_WAIT (object);

  troupe_promise_unref (self->promise);
  g_clear_error (&self->error);

  G_OBJECT_CLASS (troupe_wait_parent_class)->finalize (object);
}

static void
troupe_wait_class_init (TroupeWaitClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = troupe_wait_finalize;
}

static void
troupe_wait_init (TroupeWait *self)
{
}

static void
troupe_wait_call_back (TroupeWait *self)
{
  GAsyncReadyCallback callback = g_steal_pointer (&self->callback);

  if (callback != NULL)
    callback (NULL, G_ASYNC_RESULT (self), self->user_data);
}

static void
troupe_wait_step (TroupePromise *promise,
                  gpointer       data)
{
  TroupeWait *self = data;

  self->error = troupe_promise_steal_error (promise);
  troupe_wait_call_back (self);
}

static void
troupe_wait_call_back_cb (TroupeRef *outside,
                          gpointer   data)
{
  troupe_wait_call_back (data);
}

static void
troupe_wait_finish (gpointer data)
{
  g_autoptr (TroupeWait) self = data;

  troupe_wait_call_back (self);
}

/* After the step, or instead of it: then the home has ended. Who waits would wait for ever, but what is called now is no turn of it. */
static void
troupe_wait_dropped (gpointer data)
{
  g_autoptr (TroupeWait) self = data;
  TroupeRef *current = troupe_ref_get_current ();

  if (self->callback == NULL)
    return;

  g_set_error_literal (&self->error, TROUPE_ERROR, TROUPE_ERROR_ABANDONED, "The actor ended before the outcome came");
  if (current == NULL)
    troupe_wait_finish (g_steal_pointer (&self));
  else
    troupe_ref_call (current->reactor->outside, troupe_wait_call_back_cb, NULL, g_steal_pointer (&self), troupe_wait_finish);
}

static void
troupe_wait_begin (TroupeWait *self)
{
  troupe_promise_add_both (self->promise, troupe_wait_step, g_object_ref (self), troupe_wait_dropped);
}

static void
troupe_wait_begin_cb (TroupeRef *home,
                      gpointer   data)
{
  troupe_wait_begin (data);
}

/* The home has ended. */
static void
troupe_wait_refused_cb (TroupeRef *home,
                        gpointer   data)
{
  troupe_wait_dropped (g_object_ref (data));
}

/**
 * troupe_promise_wait_async:
 * @self: a promise
 * @callback: (not nullable) (scope async) (closure user_data): called with the outcome; its source object is %NULL
 * @user_data: what @callback is given
 *
 * Waits for the outcome in the manner of GIO, so that languages that have a way of waiting for asynchronous functions wait so.
 *
 * In Vala:
 *
 * ```vala
 * var total = (yield counter.ask (new Troupe.Message ("total")).wait_async ()).get_int64 ();
 * ```
 *
 * Call it from any thread. It is a step of the chain: @callback runs in a turn of the promise's home and never before this returns, so an
 * asynchronous function goes on as the actor that it belongs to. What gives it up is [method@Troupe.Promise.cancel] or
 * [method@Troupe.Promise.set_cancellable]. If that ends first, @callback gets %TROUPE_ERROR_ABANDONED, outside of
 * any actor.
 *
 * Since: 1.0
 */
void
troupe_promise_wait_async (TroupePromise       *self,
                           GAsyncReadyCallback  callback,
                           gpointer             user_data)
{
  g_autoptr (TroupeWait) wait = NULL;

  g_return_if_fail (self != NULL);
  g_return_if_fail (callback != NULL);

  wait = g_object_new (TROUPE_TYPE_WAIT, NULL);
  wait->promise = troupe_promise_ref (self);
  wait->callback = callback;
  wait->user_data = user_data;

  if (troupe_promise_is_at_home (self) && !troupe_promise_is_resolved (self))
    troupe_wait_begin (wait);
  else
    troupe_ref_call (self->home, troupe_wait_begin_cb, troupe_wait_refused_cb, g_object_ref (wait), g_object_unref);
}

/**
 * troupe_promise_wait_finish:
 * @self: the promise
 * @result: what the callback was given
 * @error: return location for a #GError
 *
 * Ends what [method@Troupe.Promise.wait_async] has begun.
 *
 * An error is handled by this: the chain goes on with nothing.
 *
 * Returns: (transfer full): @self, which has a value now, or %NULL with @error set
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_wait_finish (TroupePromise  *self,
                            GAsyncResult   *result,
                            GError        **error)
{
  TroupeWait *wait;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (TROUPE_IS_WAIT (result), NULL);
  wait = TROUPE_WAIT (result);
  g_return_val_if_fail (wait->promise == self, NULL);

  if (wait->error != NULL)
    {
      g_propagate_error (error, g_error_copy (wait->error));
      return NULL;
    }

  return troupe_promise_ref (self);
}
