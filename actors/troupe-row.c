/* troupe-row.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-reactor-private.h"
#include "troupe-row-private.h"

/* One reference is the row's, another that of the canceller of its promise, which may still be on its way when the row is gone. */
typedef struct
{
  GList           link;              /* in the row */
  TroupeRow      *row;               /* NULL once out of it */
  TroupeResolver *resolver;          /* the same */
  gboolean        elsewhere;
} TroupeWaiter;

static void
troupe_waiter_unref (gpointer data)
{
  g_atomic_rc_box_release (data);
}

static TroupeWaiter *
troupe_row_push (TroupeRow *self,
                 gboolean   elsewhere)
{
  TroupeWaiter *waiter = g_atomic_rc_box_new0 (TroupeWaiter);

  waiter->link.data = waiter;
  waiter->row = self;
  waiter->elsewhere = elsewhere;
  g_queue_push_tail_link (&self->waiters, &waiter->link);

  return waiter;
}

/* Takes WAITER out; the caller gets its resolver. */
static TroupeResolver *
troupe_row_remove (TroupeRow    *self,
                   TroupeWaiter *waiter)
{
  TroupeResolver *resolver = g_steal_pointer (&waiter->resolver);

  g_queue_unlink (&self->waiters, &waiter->link);
  waiter->row = NULL;
  troupe_waiter_unref (waiter);

  return resolver;
}

static void
troupe_waiter_cancelled_cb (TroupeResolver *resolver,
                            gpointer        data)
{
  TroupeWaiter *self = data;

  if (self->row != NULL)
    troupe_resolver_unref (troupe_row_remove (self->row, self));
}

/* One at home may still be waited for in `stopped`, and is abandoned after that with all that home has promised itself. */
static void
troupe_row_reject_elsewhere (TroupeRow *self)
{
  GList *next;
  GList *link;

  /* No code of others runs in here: their promises are elsewhere. */
  for (link = self->waiters.head; link != NULL; link = next)
    {
      TroupeWaiter *waiter = link->data;

      next = link->next;
      if (waiter->elsewhere)
        {
          g_autoptr (TroupeResolver) resolver = troupe_row_remove (self, waiter);

          troupe_resolver_take_error (resolver, troupe_ref_new_ended_error (self->home));
        }
    }
}

static void
troupe_row_release (TroupeResource *resource,
                    TroupeRef      *home,
                    TroupeEnd       end)
{
  TroupeRow *self = (TroupeRow *) resource;

  self->over = TRUE;
  troupe_ref_remove_resource (home, resource);
  troupe_row_reject_elsewhere (self);
}

TroupeRow *
troupe_row_new (void)
{
  TroupeRow *self = g_new0 (TroupeRow, 1);

  self->home = troupe_ref_ref (troupe_promise_get_home_now ());
  self->life = troupe_ref_get_n_restarts (self->home);
  g_queue_init (&self->waiters);
  self->resource.release = troupe_row_release;

  if ((self->home->flags & TROUPE_REF_OUTSIDE) == 0)
    {
      self->over = self->home->state != TROUPE_REF_LIVE;
      if (!self->over)
        troupe_ref_add_resource (self->home, &self->resource);
    }

  return self;
}

gboolean
troupe_row_is_at_home (TroupeRow *self)
{
  /* Without a default of its own, another thread would pass for the main one. */
  return troupe_promise_get_home_now () == self->home && troupe_reactor_may_be_used (self->home->reactor) &&
         troupe_ref_get_n_restarts (self->home) == self->life;
}

static void
troupe_row_free_at_home (gpointer data)
{
  TroupeRow *self = data;
  TroupeResolver *resolver;
  gboolean elsewhere;

  if (!self->over && (self->home->flags & TROUPE_REF_OUTSIDE) == 0)
    troupe_ref_remove_resource (self->home, &self->resource);

  /* One by one: an errback may cancel the next. */
  while ((resolver = troupe_row_take (self, &elsewhere)) != NULL)
    troupe_resolver_unref (resolver);
  troupe_ref_unref (self->home);
  g_free (self);
}

void
troupe_row_free (TroupeRow *self)
{
  if (troupe_row_is_at_home (self) || troupe_ref_get_state (self->home) == TROUPE_REF_ENDED)
    troupe_row_free_at_home (self);
  else
    troupe_ref_call (self->home, NULL, NULL, self, troupe_row_free_at_home);
}

/* Asks from elsewhere */

static void
troupe_row_ask_refused_cb (TroupeRef *home,
                           gpointer   data)
{
  TroupeRowAsk *ask = data;

  troupe_resolver_take_error (ask->resolver, troupe_ref_new_ended_error (home));
}

/* What was cancelled meanwhile is not asked. (If the asker has ended, a value that it put still counts.) */
static void
troupe_row_ask_cb (TroupeRef *home,
                   gpointer   data)
{
  TroupeRowAsk *ask = data;

  if (ask->row->over)
    troupe_row_ask_refused_cb (home, ask);
  else if ((troupe_promise_get_marks ((TroupePromise *) ask->resolver) & TROUPE_PROMISE_CANCELLED) == 0)
    ask->answer (ask->object, ask);
}

static void
troupe_row_ask_free (gpointer data)
{
  TroupeRowAsk *ask = data;

  troupe_body_clear (&ask->item);
  g_clear_pointer (&ask->resolver, troupe_resolver_unref);
  g_object_unref (ask->object);
  g_free (ask);
}

TroupePromise *
troupe_row_ask (TroupeRow       *self,
                gpointer         object,
                TroupeRowAnswer  answer,
                TroupeBody      *item)
{
  TroupeRowAsk *ask = g_new (TroupeRowAsk, 1);
  TroupePromise *promise;

  *ask = (TroupeRowAsk) {
    .row = self,
    .object = g_object_ref (object),
    .answer = answer,
    .item = item != NULL ? *item : TROUPE_BODY_NOTHING,
  };
  promise = troupe_promise_new (&ask->resolver);
  troupe_ref_call (self->home, troupe_row_ask_cb, troupe_row_ask_refused_cb, ask, troupe_row_ask_free);

  return promise;
}

/* The row */

TroupePromise *
troupe_row_wait (TroupeRow *self)
{
  TroupeWaiter *waiter = troupe_row_push (self, FALSE);

  return troupe_promise_new_with_canceller (&waiter->resolver, troupe_waiter_cancelled_cb, g_atomic_rc_box_acquire (waiter),
                                            troupe_waiter_unref);
}

void
troupe_row_admit (TroupeRow      *self,
                  TroupeResolver *resolver)
{
  TroupeWaiter *waiter = troupe_row_push (self, TRUE);

  waiter->resolver = resolver;
  troupe_resolver_set_canceller (resolver, troupe_waiter_cancelled_cb, g_atomic_rc_box_acquire (waiter), troupe_waiter_unref);
}

TroupeResolver *
troupe_row_take (TroupeRow *self,
                 gboolean  *elsewhere)
{
  TroupeWaiter *waiter = g_queue_peek_head (&self->waiters);

  if (waiter == NULL)
    return NULL;

  *elsewhere = waiter->elsewhere;

  return troupe_row_remove (self, waiter);
}
