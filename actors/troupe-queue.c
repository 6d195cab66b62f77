/* troupe-queue.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-body-private.h"
#include "troupe-error.h"
#include "troupe-promise-private.h"
#include "troupe-queue.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-private.h"

/**
 * TroupeQueue:
 *
 * Values that wait for somebody to take them, or takers that wait for values, in the order they came.
 *
 * A queue belongs to the actor in whose turn it was made, else to the thread-default main context, and is for that
 * actor's turns, or that thread outside turns, alone. Other actors take part by asking its actor, which defers the reply. When the
 * actor ends, nobody waits any more.
 *
 * Takers do not keep it alive: when it is freed, so are its values, and the promises of takers are rejected with
 * %TROUPE_ERROR_BROKEN.
 *
 * Since: 1.0
 */

struct _TroupeQueue
{
  GObject    parent_instance;

  TroupeRef *home;
  gint       size;                   /* how many items may wait, -1: any number */
  gint       backlog;                /* how many takers may wait, -1: any number */
  GQueue     items;                  /* TroupeBody; empty, while somebody waits */
  GQueue     waiters;                /* resolvers of pending promises */
};

G_DEFINE_FINAL_TYPE (TroupeQueue, troupe_queue, G_TYPE_OBJECT)

static gboolean
troupe_queue_is_at_home (TroupeQueue *self)
{
  TroupeReactor *reactor = self->home->reactor;

  /* Without a default of its own, another thread would pass for the main one. */
  return troupe_promise_get_home_now () == self->home && (troupe_reactor_is_here (reactor) || reactor->thread == NULL);
}

static gboolean
troupe_queue_is_full (GQueue *queue,
                      gint    limit)
{
  return limit >= 0 && queue->length >= (guint) limit;
}

/* Takes ITEM in any case. */
static gboolean
troupe_queue_put_body (TroupeQueue  *self,
                       TroupeBody    item,
                       GError      **error)
{
  TroupeResolver *waiter = g_queue_pop_head (&self->waiters);

  if (waiter != NULL)
    {
      troupe_resolver_finish_body (waiter, &item);
      return TRUE;
    }

  if (troupe_queue_is_full (&self->items, self->size))
    {
      troupe_body_clear (&item);
      g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_QUEUE_OVERFLOW, "The queue is full: it has %d values", self->size);
      return FALSE;
    }

  g_queue_push_tail (&self->items, g_memdup2 (&item, sizeof item));
  return TRUE;
}

static TroupePromise *
troupe_queue_take (TroupeQueue *self)
{
  g_autofree TroupeBody *item = g_queue_pop_head (&self->items);
  TroupeResolver *resolver = NULL;
  TroupePromise *promise = troupe_promise_new_at (self->home, &resolver);

  troupe_resolver_finish_body (resolver, item);
  return promise;
}

static void
troupe_queue_waiter_cancelled_cb (TroupeResolver *resolver,
                                  gpointer        data)
{
  TroupeQueue *self = data;

  if (g_queue_remove (&self->waiters, resolver))
    troupe_resolver_unref (resolver);
}

static TroupePromise *
troupe_queue_wait (TroupeQueue *self)
{
  TroupeResolver *resolver = NULL;
  TroupePromise *promise = troupe_promise_new_with_canceller (&resolver, troupe_queue_waiter_cancelled_cb, self, NULL);

  g_queue_push_tail (&self->waiters, resolver);
  return promise;
}

static void
troupe_queue_finalize (GObject *object)
{
  TroupeQueue *self = TROUPE_QUEUE (object);
  TroupeResolver *resolver;
  TroupeBody *item;

  /* One by one: an errback may cancel the next. */
  while ((resolver = g_queue_pop_head (&self->waiters)) != NULL)
    troupe_resolver_unref (resolver);
  while ((item = g_queue_pop_head (&self->items)) != NULL)
    {
      troupe_body_clear (item);
      g_free (item);
    }
  troupe_ref_unref (self->home);

  G_OBJECT_CLASS (troupe_queue_parent_class)->finalize (object);
}

static void
troupe_queue_class_init (TroupeQueueClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = troupe_queue_finalize;
}

static void
troupe_queue_init (TroupeQueue *self)
{
  self->home = troupe_ref_ref (troupe_promise_get_home_now ());
  self->size = -1;
  self->backlog = -1;
  g_queue_init (&self->items);
  g_queue_init (&self->waiters);
}

/**
 * troupe_queue_new:
 * @size: how many values may wait, or -1 for any number
 * @backlog: how many takers may wait, or -1 for any number
 *
 * Makes a queue of the actor whose turn this is, or else of the thread-default main context.
 *
 * Returns: (transfer full): the queue
 *
 * Since: 1.0
 */
TroupeQueue *
troupe_queue_new (gint size,
                  gint backlog)
{
  TroupeQueue *self;

  g_return_val_if_fail (size >= -1, NULL);
  g_return_val_if_fail (backlog >= -1, NULL);

  self = g_object_new (TROUPE_TYPE_QUEUE, NULL);
  self->size = size;
  self->backlog = backlog;

  return self;
}

/**
 * troupe_queue_put:
 * @self: a queue
 * @value: (nullable): a value, or %NULL for nothing
 * @error: return location for a #GError
 *
 * Gives a copy of @value to the taker that has waited longest, whose steps run in here, or else puts it at the end of the queue.
 *
 * Returns: %TRUE, or %FALSE with %TROUPE_ERROR_QUEUE_OVERFLOW if as many values wait as may
 *
 * Since: 1.0
 */
gboolean
troupe_queue_put (TroupeQueue   *self,
                  const GValue  *value,
                  GError       **error)
{
  TroupeBody item;

  g_return_val_if_fail (TROUPE_IS_QUEUE (self), FALSE);
  g_return_val_if_fail (troupe_queue_is_at_home (self), FALSE);
  g_return_val_if_fail (value == NULL || !G_IS_VALUE (value) || !G_VALUE_HOLDS (value, TROUPE_TYPE_PROMISE), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!troupe_body_from_value (&item, value))
    {
      g_critical ("A queue cannot hold a %s", G_VALUE_TYPE_NAME (value));
      return FALSE;
    }

  return troupe_queue_put_body (self, item, error);
}

/**
 * troupe_queue_put_pointer: (skip)
 * @self: a queue
 * @pointer: a pointer
 * @destroy: (nullable): frees @pointer when nobody has taken it
 * @error: return location for a #GError
 *
 * Gives @pointer to the taker that has waited longest, whose steps run in here, or else puts it at the end of the queue.
 *
 * If the queue is full, @pointer is freed.
 *
 * Returns: %TRUE, or %FALSE with %TROUPE_ERROR_QUEUE_OVERFLOW if as many values wait as may
 *
 * Since: 1.0
 */
gboolean
troupe_queue_put_pointer (TroupeQueue     *self,
                          gpointer         pointer,
                          GDestroyNotify   destroy,
                          GError         **error)
{
  g_return_val_if_fail (TROUPE_IS_QUEUE (self), FALSE);
  g_return_val_if_fail (troupe_queue_is_at_home (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return troupe_queue_put_body (self, troupe_body_pointer (pointer, destroy), error);
}

/**
 * troupe_queue_get:
 * @self: a queue
 *
 * Takes the oldest value, or waits for one.
 *
 * The promise is resolved with the value: already here if there is one, else within the [method@Troupe.Queue.put] that brings it.
 * It is rejected already, with %TROUPE_ERROR_QUEUE_UNDERFLOW, if as many takers wait as may. Cancelling a
 * promise that waits gives up the place in the row; no value is lost by that.
 *
 * Returns: (transfer full): a promise of a value
 *
 * Since: 1.0
 */
TroupePromise *
troupe_queue_get (TroupeQueue *self)
{
  g_return_val_if_fail (TROUPE_IS_QUEUE (self), NULL);
  g_return_val_if_fail (troupe_queue_is_at_home (self), NULL);

  if (self->items.length > 0)
    return troupe_queue_take (self);

  if (troupe_queue_is_full (&self->waiters, self->backlog))
    return troupe_promise_new_rejected_at (self->home,
                                           g_error_new (TROUPE_ERROR, TROUPE_ERROR_QUEUE_UNDERFLOW,
                                                        "The queue is empty, and %d wait for a value", self->backlog));

  return troupe_queue_wait (self);
}

/**
 * troupe_queue_get_n_items:
 * @self: a queue
 *
 * Gets how many values wait.
 *
 * Returns: a number; 0 while takers wait
 *
 * Since: 1.0
 */
guint
troupe_queue_get_n_items (TroupeQueue *self)
{
  g_return_val_if_fail (TROUPE_IS_QUEUE (self), 0);

  return self->items.length;
}

/**
 * troupe_queue_get_n_waiting:
 * @self: a queue
 *
 * Gets how many takers wait.
 *
 * Returns: a number; 0 while values wait
 *
 * Since: 1.0
 */
guint
troupe_queue_get_n_waiting (TroupeQueue *self)
{
  g_return_val_if_fail (TROUPE_IS_QUEUE (self), 0);

  return self->waiters.length;
}
