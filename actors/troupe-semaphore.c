/* troupe-semaphore.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error.h"
#include "troupe-row-private.h"
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
 * A semaphore belongs to the actor in whose turn it was made, else to the thread-default main context. Others, on whatever thread, may
 * acquire and release it as well, by the same functions: there they are asks to its actor, so the order is that of arrival there, and
 * everything that follows comes in later turns. A place belongs to the actor that acquired it: nobody else can release it, and when that
 * actor has ended, `stopped` and its children included, it is released. Code outside actors, away from the semaphore's home, counts
 * as one. When the semaphore's own actor stops, or is restarted, those elsewhere who wait, and all who ask later, get
 * %TROUPE_ERROR_ACTOR_STOPPED.
 *
 * Waiters do not keep it alive: when it is freed, their promises are rejected with %TROUPE_ERROR_BROKEN. Holders elsewhere do.
 *
 * Since: 1.0
 */

struct _TroupeSemaphore
{
  GObject    parent_instance;

  TroupeRow *row;
  guint      limit;
  guint      n_held;                 /* by anybody; the limit, while somebody waits; for home, as the next */
  guint      n_here;                 /* of these, by home */
  gint       n_outside;              /* of the others, by code outside actors; atomic */
};

G_DEFINE_FINAL_TYPE (TroupeSemaphore, troupe_semaphore, G_TYPE_OBJECT)

static GError *
troupe_semaphore_new_not_held_error (void)
{
  return g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_NOT_HELD, "The semaphore is not held here");
}

/* Granting, at home */

static void troupe_semaphore_give_back (gpointer data);

/*
 * A place on its way to somebody elsewhere: a reference. Whoever it does not reach, because the promise was cancelled or its home has
 * ended, drops it, and by that gives it back.
 */
static TroupeBody
troupe_semaphore_new_place (TroupeSemaphore *self)
{
  return troupe_body_pointer (g_object_ref (self), troupe_semaphore_give_back);
}

/* One of the places held has come free. */
static void
troupe_semaphore_pass_on (TroupeSemaphore *self)
{
  gboolean elsewhere = FALSE;
  TroupeResolver *waiter = troupe_row_take (self->row, &elsewhere);
  TroupeBody outcome;

  if (waiter == NULL)
    {
      self->n_held--;
      return;
    }

  if (!elsewhere)
    self->n_here++;
  outcome = elsewhere ? troupe_semaphore_new_place (self) : troupe_body_object (self);
  troupe_resolver_finish_body (waiter, &outcome);
}

static void
troupe_semaphore_came_back_cb (TroupeRef *home,
                               gpointer   data)
{
  troupe_semaphore_pass_on (data);
}

/* Any thread; takes the reference. */
static void
troupe_semaphore_give_back (gpointer data)
{
  TroupeSemaphore *self = data;

  troupe_ref_call (self->row->home, troupe_semaphore_came_back_cb, NULL, self, g_object_unref);
}

static void
troupe_semaphore_answer (gpointer      object,
                         TroupeRowAsk *ask)
{
  TroupeSemaphore *self = object;
  TroupeResolver *resolver = g_steal_pointer (&ask->resolver);

  if (self->n_held < self->limit)
    {
      TroupeBody place = troupe_semaphore_new_place (self);

      self->n_held++;
      troupe_resolver_finish_body (resolver, &place);
    }
  else
    {
      troupe_row_admit (self->row, resolver);
    }
}

/* Holding, elsewhere */

/* What an actor holds of a semaphore that belongs to another: among its resources. */
typedef struct
{
  TroupeResource   resource;
  TroupeSemaphore *semaphore;        /* a reference */
  guint            n_held;
} TroupeHolding;

static void
troupe_holding_free (TroupeHolding *self,
                     TroupeRef     *holder)
{
  troupe_ref_remove_resource (holder, &self->resource);
  g_object_unref (self->semaphore);
  g_free (self);
}

static void
troupe_holding_ended (TroupeResource *resource,
                      TroupeRef      *holder)
{
  TroupeHolding *self = (TroupeHolding *) resource;

  for (; self->n_held > 0; self->n_held--)
    troupe_semaphore_give_back (g_object_ref (self->semaphore));
  troupe_holding_free (self, holder);
}

static TroupeHolding *
troupe_semaphore_find_holding (TroupeSemaphore *self,
                               TroupeRef       *holder)
{
  TroupeResource *resource;

  for (resource = holder->resources; resource != NULL; resource = resource->next)
    if (resource->ended == troupe_holding_ended && ((TroupeHolding *) resource)->semaphore == self)
      return (TroupeHolding *) resource;

  return NULL;
}

static TroupeHolding *
troupe_semaphore_add_holding (TroupeSemaphore *self,
                              TroupeRef       *holder)
{
  TroupeHolding *holding = g_new0 (TroupeHolding, 1);

  holding->resource.ended = troupe_holding_ended;
  holding->semaphore = g_object_ref (self);
  troupe_ref_add_resource (holder, &holding->resource);

  return holding;
}

/* The first step of a promise elsewhere: a place has arrived. */
static void
troupe_semaphore_arrived_cb (TroupePromise *promise,
                             gpointer       data)
{
  g_autoptr (TroupeSemaphore) self = troupe_promise_steal_pointer (promise);
  TroupeRef *holder = troupe_ref_get_current ();

  if (holder != NULL)
    {
      TroupeHolding *holding = troupe_semaphore_find_holding (self, holder);

      if (holding == NULL)
        holding = troupe_semaphore_add_holding (self, holder);
      holding->n_held++;
    }
  else
    {
      /* GLib orders these more strictly than a number needs with which nothing is published. */
      g_atomic_int_inc (&self->n_outside);
    }

  troupe_promise_return_object (promise, self);
}

static gboolean
troupe_semaphore_let_go_of_holding (TroupeSemaphore *self,
                                    TroupeRef       *holder)
{
  TroupeHolding *holding = troupe_semaphore_find_holding (self, holder);

  if (holding == NULL)
    return FALSE;

  if (--holding->n_held == 0)
    troupe_holding_free (holding, holder);

  return TRUE;
}

static gboolean
troupe_semaphore_let_go_outside (TroupeSemaphore *self)
{
  gint n_held = g_atomic_int_get (&self->n_outside);

  while (n_held > 0)
    if (g_atomic_int_compare_and_exchange (&self->n_outside, n_held, n_held - 1))
      return TRUE;
    else
      n_held = g_atomic_int_get (&self->n_outside);

  return FALSE;
}

/* A thread without a context of its own may have acquired it for what runs here. */
static gboolean
troupe_semaphore_let_go_here (TroupeSemaphore *self)
{
  if (self->n_here == 0)
    return (self->row->home->flags & TROUPE_REF_OUTSIDE) && troupe_semaphore_let_go_outside (self);

  self->n_here--;

  return TRUE;
}

static gboolean
troupe_semaphore_release_elsewhere (TroupeSemaphore  *self,
                                    GError          **error)
{
  TroupeRef *holder = troupe_ref_get_current ();
  /* A holding may have the last reference. */
  g_autoptr (TroupeSemaphore) keep = g_object_ref (self);

  if (holder != NULL ? !troupe_semaphore_let_go_of_holding (self, holder) : !troupe_semaphore_let_go_outside (self))
    {
      g_propagate_error (error, troupe_semaphore_new_not_held_error ());
      return FALSE;
    }

  troupe_semaphore_give_back (g_steal_pointer (&keep));

  return TRUE;
}

static TroupePromise *
troupe_semaphore_acquire_elsewhere (TroupeSemaphore *self)
{
  TroupePromise *promise = troupe_row_ask (self->row, self, troupe_semaphore_answer, NULL);

  return troupe_promise_add_callback (promise, troupe_semaphore_arrived_cb, NULL, NULL);
}

static TroupePromise *
troupe_semaphore_grant (TroupeSemaphore *self)
{
  g_auto (GValue) value = G_VALUE_INIT;

  self->n_held++;
  self->n_here++;
  g_value_init (&value, TROUPE_TYPE_SEMAPHORE);
  g_value_set_object (&value, self);

  return troupe_promise_new_resolved (&value);
}

static void
troupe_semaphore_finalize (GObject *object)
{
  TroupeSemaphore *self = TROUPE_SEMAPHORE (object);

  troupe_row_free (self->row);

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
  self->row = troupe_row_new ();
  self->limit = 1;
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
 * The promise is resolved, with @self, as soon as it is held: at its home already here if it is free, else within the
 * [method@Troupe.Semaphore.release] that hands it over; elsewhere in a later turn. Cancelling a promise that waits gives up the place in
 * the row. Once it was granted, even if word of that is still on its way, it cannot be cancelled: the semaphore is held until
 * it is released. Call it wherever steps can be added to the promise; in particular not on a thread that has no main context of its
 * own, while another one runs the default.
 *
 * Returns: (transfer full): a promise of the semaphore
 *
 * Since: 1.0
 */
TroupePromise *
troupe_semaphore_acquire (TroupeSemaphore *self)
{
  g_return_val_if_fail (TROUPE_IS_SEMAPHORE (self), NULL);

  if (!troupe_row_is_at_home (self->row))
    return troupe_semaphore_acquire_elsewhere (self);

  return self->n_held < self->limit ? troupe_semaphore_grant (self) : troupe_row_wait (self->row);
}

/**
 * troupe_semaphore_release:
 * @self: a semaphore
 * @error: return location for a #GError
 *
 * Lets go of the semaphore, once.
 *
 * If somebody waits, the one that has waited longest holds it now. At home with the semaphore the steps of that promise run in here,
 * if they are at home there, too; elsewhere all of this comes in later turns.
 *
 * Returns: %TRUE, or %FALSE with %TROUPE_ERROR_NOT_HELD if the actor whose turn this is does not hold it
 *
 * Since: 1.0
 */
gboolean
troupe_semaphore_release (TroupeSemaphore  *self,
                          GError          **error)
{
  g_return_val_if_fail (TROUPE_IS_SEMAPHORE (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!troupe_row_is_at_home (self->row))
    return troupe_semaphore_release_elsewhere (self, error);

  if (!troupe_semaphore_let_go_here (self))
    {
      g_propagate_error (error, troupe_semaphore_new_not_held_error ());
      return FALSE;
    }

  troupe_semaphore_pass_on (self);

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
 * If it is free, the call is made in here, at home with the semaphore; elsewhere, in a later turn of the caller. It is released, whether
 * that was a success, a failure or cancelled, before steps that are added to the promise run. The outcome is that of what @func returned, or nothing if that was %NULL; if the promise
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
 * Gets how many may hold it at a time. Call it from any thread.
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
 * Gets how many more could hold it now, without waiting. Call it at home with the semaphore.
 *
 * Returns: a number from 0 to the limit; 0 while somebody waits
 *
 * Since: 1.0
 */
guint
troupe_semaphore_get_n_free (TroupeSemaphore *self)
{
  g_return_val_if_fail (TROUPE_IS_SEMAPHORE (self), 0);
  g_return_val_if_fail (troupe_row_is_at_home (self->row), 0);

  return self->limit - self->n_held;
}
