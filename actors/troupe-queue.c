/* troupe-queue.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error.h"
#include "troupe-queue.h"
#include "troupe-row-private.h"

/**
 * TroupeQueue:
 *
 * Values that wait for somebody to take them, or takers that wait for values, in the order they came.
 *
 * A queue belongs to the actor in whose turn it was made, else to the thread-default main context. Others, on whatever thread, put and
 * take by the same functions: there they are asks to its actor, so the order is that of arrival there, and what follows comes in later
 * turns. When its actor stops, or is restarted, those elsewhere who wait, and all who ask later, get %TROUPE_ERROR_ACTOR_STOPPED.
 *
 * Takers do not keep it alive: when it is freed, so are its values, and the promises of takers are rejected with
 * %TROUPE_ERROR_BROKEN.
 *
 * Since: 1.0
 */

struct _TroupeQueue
{
  GObject    parent_instance;

  TroupeRow *row;                    /* takers */
  gint       size;                   /* how many items may wait, -1: any number */
  gint       backlog;                /* how many takers may wait, -1: any number */
  GQueue     items;                  /* TroupeBody; empty, while somebody waits; for home */
};

G_DEFINE_FINAL_TYPE (TroupeQueue, troupe_queue, G_TYPE_OBJECT)

static gboolean
troupe_queue_is_full (GQueue *queue,
                      gint    limit)
{
  return limit >= 0 && queue->length >= (guint) limit;
}

/* Takes ITEM in any case. A taker that was cancelled at this very moment does not get it. */
static gboolean
troupe_queue_add (TroupeQueue  *self,
                  TroupeBody    item,
                  GError      **error)
{
  TroupeResolver *taker;
  gboolean elsewhere;

  while ((taker = troupe_row_take (self->row, &elsewhere)) != NULL)
    {
      if (troupe_resolver_offer_body (taker, &item))
        return TRUE;
      troupe_resolver_unref (taker);
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

static GError *
troupe_queue_new_underflow_error (TroupeQueue *self)
{
  return g_error_new (TROUPE_ERROR, TROUPE_ERROR_QUEUE_UNDERFLOW,
                      "The queue is empty, and %d wait for a value", self->backlog);
}

static TroupePromise *
troupe_queue_take (TroupeQueue *self)
{
  g_autofree TroupeBody *item = g_queue_pop_head (&self->items);
  TroupeResolver *resolver = NULL;
  TroupePromise *promise = troupe_promise_new_at (self->row->home, &resolver);

  troupe_resolver_finish_body (resolver, item);

  return promise;
}

/* Elsewhere, as turns of home */

static void
troupe_queue_answer_get (gpointer      object,
                         TroupeRowAsk *ask)
{
  TroupeQueue *self = object;
  TroupeBody *item = g_queue_pop_head (&self->items);

  if (item != NULL)
    {
      /* Cancelled at this very moment: the value is for the next one. */
      if (!troupe_resolver_offer_body (ask->resolver, item))
        {
          g_queue_push_head (&self->items, item);
          return;
        }

      ask->resolver = NULL;
      g_free (item);
    }
  else if (troupe_queue_is_full (&self->row->waiters, self->backlog))
    {
      troupe_resolver_take_error (ask->resolver, troupe_queue_new_underflow_error (self));
    }
  else
    {
      troupe_row_admit (self->row, g_steal_pointer (&ask->resolver));
    }
}

static void
troupe_queue_answer_put (gpointer      object,
                         TroupeRowAsk *ask)
{
  TroupeBody item = ask->item;
  GError *error = NULL;

  ask->item = TROUPE_BODY_NOTHING;
  if (troupe_queue_add (object, item, &error))
    troupe_resolver_resolve (ask->resolver, NULL);
  else
    troupe_resolver_take_error (ask->resolver, error);
}

/* Takes ITEM in any case. */
static gboolean
troupe_queue_put_body (TroupeQueue  *self,
                       TroupeBody    item,
                       GError      **error)
{
  if (troupe_row_is_at_home (self->row))
    return troupe_queue_add (self, item, error);

  /* Nobody takes an error from this promise, so it is reported. */
  troupe_promise_unref (troupe_row_ask (self->row, self, troupe_queue_answer_put, &item));

  return TRUE;
}

static void
troupe_queue_finalize (GObject *object)
{
  TroupeQueue *self = TROUPE_QUEUE (object);
  TroupeBody *item;

  troupe_row_free (self->row);
  while ((item = g_queue_pop_head (&self->items)) != NULL)
    {
      troupe_body_clear (item);
      g_free (item);
    }

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
  self->row = troupe_row_new ();
  self->size = -1;
  self->backlog = -1;
  g_queue_init (&self->items);
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

/* FALSE for a caller's mistake. */
static gboolean
troupe_queue_make_item (TroupeBody   *item,
                        const GValue *value)
{
  if (troupe_body_from_value (item, value))
    return TRUE;

  g_critical ("A queue cannot hold a %s", G_VALUE_TYPE_NAME (value));

  return FALSE;
}

/**
 * troupe_queue_put:
 * @self: a queue
 * @value: (nullable): a value, or %NULL for nothing
 * @error: return location for a #GError
 *
 * Gives a copy of @value to the taker that has waited longest, or else puts it at the end of the queue.
 *
 * At home with the queue, the steps of a taker that is at home there run in here. Elsewhere the value is sent, as a message would be: if
 * the queue turns out to be full, or its actor to have ended, it is lost, and a warning says so. Who wants to know
 * uses [method@Troupe.Queue.offer].
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
  g_return_val_if_fail (value == NULL || !G_IS_VALUE (value) || !G_VALUE_HOLDS (value, TROUPE_TYPE_PROMISE), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return troupe_queue_make_item (&item, value) && troupe_queue_put_body (self, item, error);
}

/**
 * troupe_queue_offer:
 * @self: a queue
 * @value: (nullable): a value, or %NULL for nothing
 *
 * Puts a copy of @value as [method@Troupe.Queue.put] does, and promises to tell what has become of that.
 *
 * The promise is resolved with nothing once a taker or the queue has the value. It is rejected with %TROUPE_ERROR_QUEUE_OVERFLOW, or
 * with %TROUPE_ERROR_ACTOR_STOPPED if the queue's actor has ended. At home with the queue it has its outcome here.
 * Elsewhere it can be cancelled: if the value has not arrived by then, it never does.
 *
 * Returns: (transfer full): a promise of nothing
 *
 * Since: 1.0
 */
TroupePromise *
troupe_queue_offer (TroupeQueue  *self,
                    const GValue *value)
{
  GError *error = NULL;
  TroupeBody item;

  g_return_val_if_fail (TROUPE_IS_QUEUE (self), NULL);
  g_return_val_if_fail (value == NULL || !G_IS_VALUE (value) || !G_VALUE_HOLDS (value, TROUPE_TYPE_PROMISE), NULL);

  if (!troupe_queue_make_item (&item, value))
    return NULL;

  if (!troupe_row_is_at_home (self->row))
    return troupe_row_ask (self->row, self, troupe_queue_answer_put, &item);

  return troupe_queue_add (self, item, &error) ? troupe_promise_new_resolved (NULL) : troupe_promise_new_rejected (error);
}

/**
 * troupe_queue_put_pointer: (skip)
 * @self: a queue
 * @pointer: a pointer
 * @destroy: (nullable): frees @pointer when nobody has taken it
 * @error: return location for a #GError
 *
 * Gives @pointer to the taker that has waited longest, or else puts it at the end of the queue, as [method@Troupe.Queue.put] does.
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
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return troupe_queue_put_body (self, troupe_body_pointer (pointer, destroy), error);
}

/**
 * troupe_queue_get:
 * @self: a queue
 *
 * Takes the oldest value, or waits for one.
 *
 * The promise is resolved with the value: at home with the queue already here if there is one, else within the
 * [method@Troupe.Queue.put] that brings it; elsewhere in a later turn. It is rejected with %TROUPE_ERROR_QUEUE_UNDERFLOW if as many
 * takers wait as may. Cancelling a promise that waits gives up the place in the row; no value is lost by that.
 *
 * Returns: (transfer full): a promise of a value
 *
 * Since: 1.0
 */
TroupePromise *
troupe_queue_get (TroupeQueue *self)
{
  g_return_val_if_fail (TROUPE_IS_QUEUE (self), NULL);

  if (!troupe_row_is_at_home (self->row))
    return troupe_row_ask (self->row, self, troupe_queue_answer_get, NULL);

  if (self->items.length > 0)
    return troupe_queue_take (self);

  if (troupe_queue_is_full (&self->row->waiters, self->backlog))
    return troupe_promise_new_rejected (troupe_queue_new_underflow_error (self));

  return troupe_row_wait (self->row);
}

/**
 * troupe_queue_get_n_items:
 * @self: a queue
 *
 * Gets how many values wait. Call it at home with the queue.
 *
 * Returns: a number; 0 while takers wait
 *
 * Since: 1.0
 */
guint
troupe_queue_get_n_items (TroupeQueue *self)
{
  g_return_val_if_fail (TROUPE_IS_QUEUE (self), 0);
  g_return_val_if_fail (troupe_row_is_at_home (self->row), 0);

  return self->items.length;
}

/**
 * troupe_queue_get_n_waiting:
 * @self: a queue
 *
 * Gets how many takers wait. Call it at home with the queue.
 *
 * Returns: a number; 0 while values wait
 *
 * Since: 1.0
 */
guint
troupe_queue_get_n_waiting (TroupeQueue *self)
{
  g_return_val_if_fail (TROUPE_IS_QUEUE (self), 0);
  g_return_val_if_fail (troupe_row_is_at_home (self->row), 0);

  return self->row->waiters.length;
}
