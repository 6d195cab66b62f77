/* troupe-semaphore.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error.h"
#include "troupe-promise-private.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-private.h"
#include "troupe-resolver.h"
#include "troupe-semaphore.h"

/**
 * TroupeSemaphore:
 *
 * A limit to how many do something at a time; with a limit of 1, a lock.
 *
 * Turns do not overlap, but work that waits for promises goes on between them. Who wants to do such work acquires the semaphore
 * first, and releases it at the end. While it is free, that is granted at once; otherwise in the order of asking.
 * A release hands over directly: at no time is it free while somebody waits.
 *
 * A semaphore belongs to the actor in whose turn it was made, else to the thread-default main context, and is for that
 * actor's turns, or that thread outside turns, alone. Other actors take part by asking its actor, which defers the reply. When the
 * actor ends, nobody waits any more and nobody is granted anything.
 *
 * Waiters do not keep it alive: when it is freed, their promises are rejected with %TROUPE_ERROR_BROKEN.
 *
 * Since: 1.0
 */

struct _TroupeSemaphore
{
  GObject    parent_instance;

  TroupeRef *home;
  guint      limit;
  guint      n_held;                 /* the limit, while somebody waits */
  GQueue     waiters;                /* resolvers of pending promises, the oldest first */
};

G_DEFINE_FINAL_TYPE (TroupeSemaphore, troupe_semaphore, G_TYPE_OBJECT)

static gboolean
troupe_semaphore_is_at_home (TroupeSemaphore *self)
{
  TroupeReactor *reactor = self->home->reactor;

  /* Without a default of its own, another thread would pass for the main one. */
  return troupe_promise_get_home_now () == self->home && (troupe_reactor_is_here (reactor) || reactor->thread == NULL);
}

static void
troupe_semaphore_waiter_cancelled_cb (TroupeResolver *resolver,
                                      gpointer        data)
{
  TroupeSemaphore *self = data;

  if (g_queue_remove (&self->waiters, resolver))
    troupe_resolver_unref (resolver);
}

static TroupePromise *
troupe_semaphore_wait (TroupeSemaphore *self)
{
  TroupeResolver *resolver = NULL;
  TroupePromise *promise = troupe_promise_new_with_canceller (&resolver, troupe_semaphore_waiter_cancelled_cb, self, NULL);

  g_queue_push_tail (&self->waiters, resolver);
  return promise;
}

static TroupePromise *
troupe_semaphore_grant (TroupeSemaphore *self)
{
  g_auto (GValue) value = G_VALUE_INIT;

  self->n_held++;
  g_value_init (&value, TROUPE_TYPE_SEMAPHORE);
  g_value_set_object (&value, self);

  return troupe_promise_new_resolved (&value);
}

static void
troupe_semaphore_finalize (GObject *object)
{
  TroupeSemaphore *self = TROUPE_SEMAPHORE (object);
  TroupeResolver *resolver;

  /* One by one: an errback may cancel the next. */
  while ((resolver = g_queue_pop_head (&self->waiters)) != NULL)
    troupe_resolver_unref (resolver);
  troupe_ref_unref (self->home);

  G_OBJECT_CLASS (troupe_semaphore_parent_class)->finalize (object);
}

static void
troupe_semaphore_class_init (TroupeSemaphoreClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = troupe_semaphore_finalize;
}

static void
troupe_semaphore_init (TroupeSemaphore *self)
{
  self->home = troupe_ref_ref (troupe_promise_get_home_now ());
  self->limit = 1;
  g_queue_init (&self->waiters);
}

/**
 * troupe_semaphore_new:
 * @limit: how many may hold it at a time, 1 or more
 *
 * Makes a semaphore of the actor whose turn this is, or else of the thread-default main context.
 *
 * Returns: (transfer full): the semaphore
 *
 * Since: 1.0
 */
TroupeSemaphore *
troupe_semaphore_new (guint limit)
{
  TroupeSemaphore *self;

  g_return_val_if_fail (limit >= 1, NULL);

  self = g_object_new (TROUPE_TYPE_SEMAPHORE, NULL);
  self->limit = limit;

  return self;
}

/**
 * troupe_semaphore_acquire:
 * @self: a semaphore
 *
 * Asks to hold the semaphore.
 *
 * The promise is resolved, with @self, as soon as it is held: already here if it is free, else within the
 * [method@Troupe.Semaphore.release] that hands it over. Cancelling a promise that waits gives up the place in the row. One
 * that was granted cannot be cancelled: the semaphore stays held until it is released.
 *
 * Returns: (transfer full): a promise of the semaphore
 *
 * Since: 1.0
 */
TroupePromise *
troupe_semaphore_acquire (TroupeSemaphore *self)
{
  g_return_val_if_fail (TROUPE_IS_SEMAPHORE (self), NULL);
  g_return_val_if_fail (troupe_semaphore_is_at_home (self), NULL);

  return self->n_held < self->limit ? troupe_semaphore_grant (self) : troupe_semaphore_wait (self);
}

/**
 * troupe_semaphore_release:
 * @self: a semaphore
 * @error: return location for a #GError
 *
 * Lets go of the semaphore, once.
 *
 * If somebody waits, the one that has waited longest holds it now; the steps of that promise run in here.
 *
 * Returns: %TRUE, or %FALSE with %TROUPE_ERROR_NOT_HELD if nobody holds it
 *
 * Since: 1.0
 */
gboolean
troupe_semaphore_release (TroupeSemaphore  *self,
                          GError          **error)
{
  g_autoptr (TroupeResolver) waiter = NULL;

  g_return_val_if_fail (TROUPE_IS_SEMAPHORE (self), FALSE);
  g_return_val_if_fail (troupe_semaphore_is_at_home (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (self->n_held == 0)
    {
      g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_NOT_HELD, "Nobody holds the semaphore");
      return FALSE;
    }

  waiter = g_queue_pop_head (&self->waiters);
  if (waiter == NULL)
    self->n_held--;
  else
    troupe_resolver_resolve_object (waiter, self, NULL);

  return TRUE;
}

typedef struct
{
  TroupeSemaphore     *held;         /* a reference, between acquire and release */
  TroupeSemaphoreFunc  func;
  gpointer             user_data;
  GDestroyNotify       destroy;
} TroupeSemaphoreRun;

static void
troupe_semaphore_run_call_cb (TroupePromise *promise,
                              gpointer       data)
{
  TroupeSemaphoreRun *run = data;
  g_autoptr (TroupePromise) inner = NULL;
  GError *error = NULL;

  run->held = g_object_ref (troupe_promise_get_object (promise));
  inner = run->func (run->held, run->user_data, &error);
  if (error != NULL)
    troupe_promise_return_error (promise, error);
  else if (inner != NULL)
    troupe_promise_return_promise (promise, g_steal_pointer (&inner));
  else
    troupe_promise_return_nothing (promise);
}

/* Not held: cancelled, or broken, while it waited. */
static void
troupe_semaphore_run_release_cb (TroupePromise *promise,
                                 gpointer       data)
{
  TroupeSemaphoreRun *run = data;

  if (run->held != NULL)
    troupe_semaphore_release (run->held, NULL);
}

static void
troupe_semaphore_run_free (gpointer data)
{
  TroupeSemaphoreRun *run = data;

  g_clear_object (&run->held);
  if (run->destroy != NULL)
    run->destroy (run->user_data);
  g_free (run);
}

/**
 * troupe_semaphore_run:
 * @self: a semaphore
 * @func: (scope notified) (closure user_data) (destroy destroy): what to call
 * @user_data: what to call it with
 * @destroy: (nullable): frees @user_data when it is over
 *
 * Calls @func while the semaphore is held.
 *
 * If it is free, the call is made in here. It is released, whether that was a success, a failure or cancelled, before steps
 * that are added to the promise run. The outcome is that of what @func returned, or nothing if that was %NULL; if the promise
 * is cancelled before the call, @func is not called.
 *
 * Returns: (transfer full): a promise of the outcome
 *
 * Since: 1.0
 */
TroupePromise *
troupe_semaphore_run (TroupeSemaphore     *self,
                      TroupeSemaphoreFunc  func,
                      gpointer             user_data,
                      GDestroyNotify       destroy)
{
  TroupeSemaphoreRun *run;
  TroupePromise *promise;

  g_return_val_if_fail (TROUPE_IS_SEMAPHORE (self), NULL);
  g_return_val_if_fail (func != NULL, NULL);
  g_return_val_if_fail (troupe_semaphore_is_at_home (self), NULL);

  run = g_new0 (TroupeSemaphoreRun, 1);
  run->func = func;
  run->user_data = user_data;
  run->destroy = destroy;

  promise = troupe_semaphore_acquire (self);
  troupe_promise_add_callback (promise, troupe_semaphore_run_call_cb, run, NULL);
  troupe_promise_add_both (promise, troupe_semaphore_run_release_cb, run, troupe_semaphore_run_free);

  return promise;
}

/**
 * troupe_semaphore_get_limit:
 * @self: a semaphore
 *
 * Gets how many may hold it at a time.
 *
 * Returns: the limit, 1 or more
 *
 * Since: 1.0
 */
guint
troupe_semaphore_get_limit (TroupeSemaphore *self)
{
  g_return_val_if_fail (TROUPE_IS_SEMAPHORE (self), 0);

  return self->limit;
}

/**
 * troupe_semaphore_get_n_free:
 * @self: a semaphore
 *
 * Gets how many more could hold it now, without waiting.
 *
 * Returns: a number from 0 to the limit; 0 while somebody waits
 *
 * Since: 1.0
 */
guint
troupe_semaphore_get_n_free (TroupeSemaphore *self)
{
  g_return_val_if_fail (TROUPE_IS_SEMAPHORE (self), 0);

  return self->limit - self->n_held;
}
