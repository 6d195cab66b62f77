/* troupe-promise-cancel.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error.h"
#include "troupe-promise-debug-private.h"
#include "troupe-promise-private.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-private.h"
#include "troupe-timer-private.h"

/*
 * What is said of a cancelled promise stands in mail.ref_count, of which a continuation has no other use: any thread may
 * resolve while home cancels, so it is atomic, and apart from what belongs to home.
 */

typedef enum
{
  TROUPE_CANCELLING_LOCAL,           /* runs at home, inside the call, and may resolve; then the promise is rejected */
  TROUPE_CANCELLING_REMOTE,          /* a notice: runs as a turn of whoever set it, once the promise is rejected */
  TROUPE_CANCELLING_FORWARD,         /* runs at home, inside the call, as often as it comes: passes it on to those whose outcome counts */
  TROUPE_CANCELLING_REPLY,           /* cancels, once the promise is rejected, another promise, USER_DATA, that is its answer */
} TroupeCancellingKind;

struct _TroupeCancelling
{
  TroupeCancellingKind kind;
  gint                 reason;       /* forward: for which it is called */
  TroupeRef           *target;       /* remote: a reference; else NULL */
  TroupePromise       *promise;      /* a notice on its way has a resolver handle; else NULL */
  TroupeCanceller      canceller;
  gpointer             user_data;
  GDestroyNotify       destroy;
  guint                n_restarts;   /* of the target when it was set: what it points to goes with the object */
};

G_STATIC_ASSERT (sizeof (TroupeCancelling) <= TROUPE_SLAB_SMALL_SIZE);

static TroupeCancelling *
troupe_cancelling_new (TroupeCancellingKind  kind,
                       TroupeCanceller       canceller,
                       gpointer              user_data,
                       GDestroyNotify        destroy)
{
  TroupeCancelling *self = troupe_slab_alloc (TROUPE_SLAB_SMALL);

  *self = (TroupeCancelling) {
    .kind = kind,
    .canceller = canceller,
    .user_data = user_data,
    .destroy = destroy,
  };

  return self;
}

static void
troupe_cancelling_free (gpointer data)
{
  TroupeCancelling *self = data;

  if (self->destroy != NULL)
    self->destroy (self->user_data);
  if (self->promise != NULL)
    troupe_resolver_unref ((TroupeResolver *) self->promise);
  g_clear_pointer (&self->target, troupe_ref_unref);
  troupe_slab_free (TROUPE_SLAB_SMALL, self);
}

/* Whoever gets it owns it. Sequentially consistent, as are the changes of state that it goes with: see set_canceller (). */
static TroupeCancelling *
troupe_promise_take_cancelling (TroupePromise *self)
{
  return __atomic_exchange_n (&self->cancelling, NULL, __ATOMIC_SEQ_CST);
}

/* Nobody will cancel any more. What belongs to another actor is freed by a turn of that actor. */
static void
troupe_cancelling_release (TroupeCancelling *self)
{
  g_autoptr (TroupeRef) target = self->target != NULL ? troupe_ref_ref (self->target) : NULL;

  if (target == NULL || target == troupe_ref_get_running ())
    troupe_cancelling_free (self);
  else
    troupe_ref_call (target, NULL, NULL, self, troupe_cancelling_free);
}

void
troupe_promise_release_cancelling (TroupePromise *self)
{
  TroupeCancelling *cancelling = troupe_promise_take_cancelling (self);

  if (cancelling != NULL)
    troupe_cancelling_release (cancelling);
}

/* An answer that was given meanwhile needs no canceller, nor does an actor that ends. */
static void
troupe_cancelling_run_turn (TroupeRef *target,
                            gpointer   data)
{
  TroupeCancelling *self = data;
  gboolean owed = troupe_promise_get_state (self->promise) != TROUPE_PROMISE_SWALLOWED &&
                  (troupe_promise_get_marks (self->promise) & TROUPE_PROMISE_CALL_USED) == 0;

  if (owed && troupe_ref_get_state (target) == TROUPE_REF_LIVE && troupe_ref_get_n_restarts (target) == self->n_restarts)
    self->canceller ((TroupeResolver *) self->promise, self->user_data);
}

void
troupe_promise_notify_cancelling (TroupePromise *self)
{
  TroupeCancelling *cancelling = troupe_promise_take_cancelling (self);
  g_autoptr (TroupeRef) target = NULL;

  if (cancelling == NULL)
    return;

  if (cancelling->target == NULL)
    {
      if (cancelling->kind == TROUPE_CANCELLING_REPLY)
        troupe_promise_post_cancel (cancelling->user_data, troupe_promise_get_marks (self) & TROUPE_PROMISE_TIMED_OUT);
      troupe_cancelling_free (cancelling);
      return;
    }

  /* It is not pending any more, so a resolver may come into being. */
  troupe_promise_add_count (self, TROUPE_PROMISE_RESOLVER);
  cancelling->promise = self;
  target = troupe_ref_ref (cancelling->target);
  troupe_ref_call (target, troupe_cancelling_run_turn, NULL, cancelling, troupe_cancelling_free);
}

/* Cancelling */

static GError *
troupe_promise_new_cancelled_error (void)
{
  return g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_CANCELLED, "The promise was cancelled");
}

/* The canceller stops the producer, who may drop the last resolver by that: we keep one, so that it is a cancellation. */
static void
troupe_promise_cancel_locally (TroupePromise *self)
{
  TroupeCancelling *cancelling = troupe_promise_take_cancelling (self);
  TroupeBody outcome = { .type = G_TYPE_INVALID };

  troupe_promise_add_count (self, TROUPE_PROMISE_RESOLVER);
  troupe_promise_add_marks (self, TROUPE_PROMISE_CANCELLED | TROUPE_PROMISE_CANCELLING);
  cancelling->canceller ((TroupeResolver *) self, cancelling->user_data);
  troupe_cancelling_free (cancelling);
  troupe_promise_remove_marks (self, TROUPE_PROMISE_CANCELLING);

  outcome.v_pointer = troupe_promise_new_cancelled_error ();
  troupe_promise_settle (self, &outcome, TRUE);
}

/* The state tells that we have won until the marks do, so whoever loses against us knows at once. */
static void
troupe_promise_cancel_at_once (TroupePromise *self)
{
  gint expected = TROUPE_PROMISE_PENDING;

  /* Sequentially consistent for the canceller; to lose tells nothing more. */
  if (!__atomic_compare_exchange_n (&self->state, &expected, TROUPE_PROMISE_GIVEN_UP, FALSE,
                                    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
    return;

  troupe_promise_add_marks (self, TROUPE_PROMISE_CANCELLED | TROUPE_PROMISE_FREE_CALL);
  self->outcome.type = G_TYPE_INVALID;
  self->outcome.v_pointer = troupe_promise_new_cancelled_error ();
  troupe_promise_notify_cancelling (self);
  troupe_promise_deliver (self);

  /* That of the pending promise. */
  troupe_resolver_unhold ((TroupeResolver *) self);
}

static void
troupe_promise_cancel_others (TroupePromise *self,
                              gint           reason)
{
  TroupeCancelling *cancelling = self->cancelling;

  cancelling->reason = reason;
  cancelling->canceller ((TroupeResolver *) self, cancelling->user_data);
}

gint
troupe_promise_get_cancel_reason (TroupePromise *self)
{
  return self->cancelling != NULL ? self->cancelling->reason : troupe_promise_get_marks (self) & TROUPE_PROMISE_TIMED_OUT;
}

static void
troupe_promise_cancel_pending (TroupePromise *self,
                               gint           reason)
{
  gint marks = troupe_promise_get_marks (self);

  /* Its canceller runs, further up the stack. */
  if ((marks & TROUPE_PROMISE_CANCELLING) != 0)
    return;

  troupe_promise_note_site (self, TROUPE_SITE_CANCELLED);

  /* First of all: as soon as somebody can see that it is cancelled, he may ask why. */
  troupe_promise_remove_marks (self, TROUPE_PROMISE_TIMED_OUT);
  troupe_promise_add_marks (self, reason & TROUPE_PROMISE_TIMED_OUT);

  if ((marks & TROUPE_PROMISE_HAS_CANCELLER) == 0)
    troupe_promise_cancel_at_once (self);
  else if (self->cancelling->kind == TROUPE_CANCELLING_FORWARD)
    troupe_promise_cancel_others (self, reason);
  else
    troupe_promise_cancel_locally (self);
}

/* The promise at the end of the row that SELF waits for, if it waits. */
static TroupePromise *
troupe_promise_find_innermost (TroupePromise *self)
{
  while (troupe_promise_get_state (self) == TROUPE_PROMISE_STALLED)
    self = self->inner;

  return self;
}

static void
troupe_promise_cancel_here (TroupePromise *self,
                            gint           reason)
{
  TroupePromise *innermost = troupe_promise_find_innermost (self);

  /* A canceller or a step may drop the caller's own handle. */
  troupe_promise_add_count (innermost, TROUPE_PROMISE_HOLD);
  if (troupe_promise_get_state (innermost) == TROUPE_PROMISE_PENDING)
    troupe_promise_cancel_pending (innermost, reason);
  troupe_resolver_unhold ((TroupeResolver *) innermost);
}

gboolean
troupe_promise_cancel_as (TroupePromise *self,
                          gint           reason)
{
  TroupeVisit visit;

  if (!troupe_promise_enter (self, &visit))
    return FALSE;

  troupe_promise_cancel_here (self, reason);
  troupe_promise_leave (&visit);
  return TRUE;
}

/**
 * troupe_promise_cancel:
 * @self: a promise at home here
 *
 * Says that nobody needs the outcome any more.
 *
 * A pending promise is rejected with %TROUPE_ERROR_CANCELLED before this returns. If it was made
 * with a canceller, that is called first, and may resolve it in another way. Otherwise whoever
 * holds the resolver need not know: the next outcome is accepted and freed.
 *
 * The answer to an ask is cancelled where it is awaited, at once. If the question still lies in
 * the mailbox of the other actor, it is not handled any more. If its answer was deferred, that actor
 * is told; see [method@Troupe.Resolver.set_canceller].
 *
 * If a step has returned another promise that the chain waits for, that one is cancelled. Otherwise a
 * promise that is resolved already stays as it is. An errback may recover: the chain goes on then
 * as usual.
 *
 * Since: 1.0
 */
void
troupe_promise_cancel (TroupePromise *self)
{
  g_return_if_fail (self != NULL);

  if (!troupe_promise_cancel_as (self, 0) && troupe_ref_get_state (self->home) != TROUPE_REF_ENDED)
    g_critical ("%s: a promise is cancelled where it is at home", G_STRFUNC);
}

/* A cancellation on its way. */
typedef struct
{
  TroupePromise *promise;
  gint           reason;
} TroupeCancelTurn;

static void
troupe_cancel_turn_run (TroupeRef *home,
                        gpointer   data)
{
  TroupeCancelTurn *self = data;

  if (troupe_ref_get_state (home) == TROUPE_REF_LIVE)
    troupe_promise_cancel_as (self->promise, self->reason);
}

static void
troupe_cancel_turn_free (gpointer data)
{
  TroupeCancelTurn *self = data;

  troupe_promise_unref (self->promise);
  troupe_slab_free (TROUPE_SLAB_SMALL, self);
}

void
troupe_promise_post_cancel (TroupePromise *self,
                            gint           reason)
{
  g_autoptr (TroupeRef) home = troupe_ref_ref (self->home);
  TroupeCancelTurn *turn = troupe_slab_alloc (TROUPE_SLAB_SMALL);

  *turn = (TroupeCancelTurn) { troupe_promise_ref (self), reason };
  troupe_ref_call (home, troupe_cancel_turn_run, NULL, turn, troupe_cancel_turn_free);
}

/* PROXY has its outcome from INNER, elsewhere. Promises of several homes may wait for each other in a circle, which nobody has seen when
 * it was closed: a cancellation that has gone round it often enough ends it. */
void
troupe_promise_cancel_inner (TroupeResolver *proxy,
                             gpointer        inner)
{
  gint reason = troupe_promise_get_cancel_reason ((TroupePromise *) proxy);

  if (reason < TROUPE_PROMISE_MAX_HOPS * TROUPE_PROMISE_HOP)
    troupe_promise_post_cancel (inner, reason + TROUPE_PROMISE_HOP);
  else
    troupe_resolver_take_error (proxy, troupe_promise_new_cancelled_error ());
}

void
troupe_promise_forward_cancel (TroupePromise   *self,
                               TroupeCanceller  canceller,
                               gpointer         user_data,
                               GDestroyNotify   destroy)
{
  self->cancelling = troupe_cancelling_new (TROUPE_CANCELLING_FORWARD, canceller, user_data, destroy);
  troupe_promise_add_marks (self, TROUPE_PROMISE_HAS_CANCELLER);
}

/**
 * troupe_promise_new_with_canceller:
 * @resolver: (out) (transfer full): where to put its resolver
 * @canceller: (scope notified) (closure user_data) (destroy destroy): what stops the work when the promise is cancelled
 * @user_data: what to give to @canceller
 * @destroy: (nullable): frees @user_data once the promise is resolved, at home
 *
 * Makes a pending promise, at home here and now, whose producer can be stopped.
 *
 * [method@Troupe.Promise.cancel] calls @canceller, once, if the promise is pending. It may resolve or
 * reject the promise; if it does not, the promise is rejected with %TROUPE_ERROR_CANCELLED. It has to
 * stop the producer: an outcome that comes later is refused with %TROUPE_ERROR_ALREADY_RESOLVED.
 *
 * Returns: (transfer full): the consumer's side
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_new_with_canceller (TroupeResolver  **resolver,
                                   TroupeCanceller   canceller,
                                   gpointer          user_data,
                                   GDestroyNotify    destroy)
{
  TroupePromise *self;

  g_return_val_if_fail (resolver != NULL, NULL);
  g_return_val_if_fail (canceller != NULL, NULL);

  self = troupe_promise_new (resolver);
  troupe_promise_add_marks (self, TROUPE_PROMISE_HAS_CANCELLER);
  if (troupe_promise_get_state (self) == TROUPE_PROMISE_PENDING)
    self->cancelling = troupe_cancelling_new (TROUPE_CANCELLING_LOCAL, canceller, user_data, destroy);
  else if (destroy != NULL)
    destroy (user_data);

  return self;
}

/**
 * troupe_resolver_is_cancelled:
 * @self: a resolver
 *
 * Tells whether somebody has cancelled the promise, or its home has ended while it was pending.
 *
 * A producer may look from time to time, and give up. [method@Troupe.Resolver.get_cancel_reason] tells why. Call it from any thread.
 *
 * Returns: %TRUE if nobody waits for the outcome any more
 *
 * Since: 1.0
 */
gboolean
troupe_resolver_is_cancelled (TroupeResolver *self)
{
  TroupePromise *cell = (TroupePromise *) self;
  TroupePromiseState state;

  g_return_val_if_fail (self != NULL, TRUE);

  /* First the state: when it is past giving up, the mark is there. */
  state = troupe_promise_get_state (cell);

  return state == TROUPE_PROMISE_GIVEN_UP || state == TROUPE_PROMISE_ABANDONED ||
         (troupe_promise_get_marks (cell) & TROUPE_PROMISE_CANCELLED) != 0;
}

/**
 * troupe_resolver_get_cancel_reason:
 * @self: a resolver
 *
 * Tells why nobody waits for the outcome any more.
 *
 * Call it from any thread, a canceller included.
 *
 * Returns: %TROUPE_ERROR_CANCELLED if the promise was cancelled, %TROUPE_ERROR_TIMED_OUT if that was because its time had run out,
 *   %TROUPE_ERROR_ABANDONED if its home has ended; %TROUPE_ERROR_FAILED, which is 0, while it is not cancelled
 *
 * Since: 1.0
 */
TroupeError
troupe_resolver_get_cancel_reason (TroupeResolver *self)
{
  TroupePromise *cell = (TroupePromise *) self;

  g_return_val_if_fail (self != NULL, TROUPE_ERROR_FAILED);

  if (!troupe_resolver_is_cancelled (self))
    return TROUPE_ERROR_FAILED;
  if (troupe_promise_get_state (cell) == TROUPE_PROMISE_ABANDONED)
    return TROUPE_ERROR_ABANDONED;

  return (troupe_promise_get_marks (cell) & TROUPE_PROMISE_TIMED_OUT) != 0 ? TROUPE_ERROR_TIMED_OUT : TROUPE_ERROR_CANCELLED;
}

/* Takes CANCELLING, the resolver's. */
static void
troupe_promise_set_cancelling (TroupePromise    *self,
                               TroupeCancelling *cancelling)
{
  TroupeCancelling *old = __atomic_exchange_n (&self->cancelling, cancelling, __ATOMIC_SEQ_CST);

  if (old != NULL)
    troupe_cancelling_release (old);

  /* Home changes the state and then looks for a canceller; here it is the other way round, so one of us sees it. */
  if (__atomic_load_n (&self->state, __ATOMIC_SEQ_CST) == TROUPE_PROMISE_PENDING)
    return;

  if (troupe_resolver_is_cancelled ((TroupeResolver *) self))
    troupe_promise_notify_cancelling (self);
  else
    troupe_promise_release_cancelling (self);
}

/**
 * troupe_resolver_set_canceller:
 * @self: a resolver
 * @canceller: (scope notified) (closure user_data) (destroy destroy): what to do when the promise is cancelled
 * @user_data: what to give to @canceller
 * @destroy: (nullable): frees @user_data
 *
 * Asks to be told when nobody waits for the outcome any more.
 *
 * @canceller is called at most once, after the promise was cancelled or its home has ended, as a turn of
 * the actor whose turn it is now, or outside actors by the thread-default main context. It is not
 * called if an outcome has come first or if that actor ends. It may do nothing; one outcome that comes
 * afterwards is accepted and freed. @destroy is called there, too, by then or once the promise is
 * resolved.
 *
 * There is one: setting another takes its place. A promise that was made by
 * [ctor@Troupe.Promise.new_with_canceller] has its own and takes no other. Call it from any thread.
 *
 * Since: 1.0
 */
void
troupe_resolver_set_canceller (TroupeResolver  *self,
                               TroupeCanceller  canceller,
                               gpointer         user_data,
                               GDestroyNotify   destroy)
{
  TroupePromise *cell = (TroupePromise *) self;
  TroupeCancelling *cancelling;

  g_return_if_fail (self != NULL);
  g_return_if_fail (canceller != NULL);
  g_return_if_fail ((troupe_promise_get_marks (cell) & TROUPE_PROMISE_HAS_CANCELLER) == 0);

  cancelling = troupe_cancelling_new (TROUPE_CANCELLING_REMOTE, canceller, user_data, destroy);
  cancelling->target = troupe_ref_ref (troupe_promise_get_home_now ());
  cancelling->n_restarts = troupe_ref_get_n_restarts (cancelling->target);

  troupe_promise_set_cancelling (cell, cancelling);
}

void
troupe_resolver_set_answer (TroupeResolver *self,
                            TroupePromise  *answer)
{
  TroupePromise *cell = (TroupePromise *) self;

  /* Relaxed: it is looked at whether there is one, and not what is in it. */
  if (__atomic_load_n (&cell->cancelling, __ATOMIC_RELAXED) == NULL)
    troupe_promise_set_cancelling (cell, troupe_cancelling_new (TROUPE_CANCELLING_REPLY, NULL, troupe_promise_ref (answer),
                                                                (GDestroyNotify) troupe_promise_unref));
}

/* Timeouts */

/* One reference is the step's, another that of a call on its way. */
typedef struct
{
  gatomicrefcount ref_count;
  TroupeRef      *home;              /* a reference */
  TroupePromise  *promise;           /* which has the step that has this; NULL once the step is gone */
  TroupeTimer    *timer;
  gint64          timeout_ms;
  TroupeStep      on_timeout;
  gpointer        user_data;
  GDestroyNotify  destroy;
  gboolean        expired;
} TroupeTimeout;

static void
troupe_timeout_unref (gpointer data)
{
  TroupeTimeout *self = data;

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  troupe_timer_clear (&self->timer);
  troupe_ref_unref (self->home);
  g_free (self);
}

/* Outside actors one may be at home on another thread than the reactor's, while that does not run; its timers are its own all the same. */
static gboolean
troupe_timeout_may_touch_timers (TroupeTimeout *self)
{
  return troupe_reactor_may_be_used (self->home->reactor);
}

static void
troupe_timeout_expire (TroupeTimer *timer,
                       gpointer     data)
{
  TroupeTimeout *self = data;

  if (self->promise == NULL)
    return;

  self->expired = TRUE;
  troupe_promise_cancel_as (self->promise, TROUPE_PROMISE_TIMED_OUT);
}

static void
troupe_timeout_start (TroupeRef *home,
                      gpointer   data)
{
  TroupeTimeout *self = data;

  if (self->promise == NULL)
    return;

  self->timer = troupe_timer_new (home, self->timeout_ms, FALSE, troupe_timeout_expire, self, NULL);
  self->timer->mail.bits |= TROUPE_TIMER_PROMISED;
}

/* The step has run or was dropped. */
static void
troupe_timeout_drop (gpointer data)
{
  TroupeTimeout *self = data;

  self->promise = NULL;
  if (self->destroy != NULL)
    self->destroy (self->user_data);

  if (troupe_timeout_may_touch_timers (self))
    troupe_timeout_unref (self);
  else
    troupe_ref_call (self->home, NULL, NULL, self, troupe_timeout_unref);
}

static void
troupe_timeout_step (TroupePromise *promise,
                     gpointer       data)
{
  TroupeTimeout *self = data;

  if (!self->expired)
    return;

  if (self->on_timeout != NULL)
    self->on_timeout (promise, self->user_data);
  else if (troupe_promise_has_error (promise) &&
           g_error_matches (promise->outcome.v_pointer, TROUPE_ERROR, TROUPE_ERROR_CANCELLED))
    troupe_promise_return_error (promise, g_error_new (TROUPE_ERROR, TROUPE_ERROR_TIMED_OUT,
                                                       "There was no outcome within %" G_GINT64_FORMAT " ms",
                                                       self->timeout_ms));
}

/**
 * troupe_promise_add_timeout:
 * @self: a promise at home here
 * @timeout_ms: milliseconds from now, 0 or more
 * @on_timeout: (scope notified) (closure user_data) (destroy destroy) (nullable): a step to run if the time has run out
 * @user_data: what to give to @on_timeout
 * @destroy: (nullable): frees @user_data
 *
 * Limits the time that the steps added so far may take: then the promise is cancelled.
 *
 * It is a step of the chain. Once an outcome comes to it in time, the clock is stopped, and later
 * steps may take as long as they need. If the time has run out and the cancellation comes to it, it
 * becomes %TROUPE_ERROR_TIMED_OUT; another error or a value, from a canceller or from an errback
 * that has recovered, goes on as it is. With @on_timeout, that step runs instead, whatever the outcome.
 * Somebody else's cancellation stays one.
 *
 * With 0 the time runs out in the next pass of the reactor. The clock is that of the promise's home.
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_add_timeout (TroupePromise  *self,
                            gint64          timeout_ms,
                            TroupeStep      on_timeout,
                            gpointer        user_data,
                            GDestroyNotify  destroy)
{
  TroupeVisit visit;
  TroupeTimeout *timeout;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (timeout_ms >= 0, self);

  if (!troupe_promise_enter (self, &visit))
    {
      g_critical ("%s: a timeout is added where the promise is at home", G_STRFUNC);
      return self;
    }

  timeout = g_new0 (TroupeTimeout, 1);
  g_atomic_ref_count_init (&timeout->ref_count);
  timeout->home = troupe_ref_ref (self->home);
  timeout->promise = self;
  timeout->timeout_ms = timeout_ms;
  timeout->on_timeout = on_timeout;
  timeout->user_data = user_data;
  timeout->destroy = destroy;

  if (troupe_timeout_may_touch_timers (timeout))
    {
      troupe_timeout_start (timeout->home, timeout);
    }
  else
    {
      g_atomic_ref_count_inc (&timeout->ref_count);
      troupe_ref_call (timeout->home, troupe_timeout_start, NULL, timeout, troupe_timeout_unref);
    }

  troupe_promise_add_both (self, troupe_timeout_step, timeout, troupe_timeout_drop);
  troupe_promise_leave (&visit);

  return self;
}

/* GCancellable */

typedef struct
{
  GCancellable *cancellable;
  gulong        handler;
} TroupeBridge;

/* On any thread. The connection has a hold on the promise. */
static void
troupe_bridge_cancelled_cb (GCancellable *cancellable,
                            gpointer      promise)
{
  troupe_promise_post_cancel (promise, 0);
}

/* Not g_cancellable_disconnect (): that would wait for ever in a step that runs because of the same cancellable. */
static void
troupe_bridge_free (gpointer data)
{
  TroupeBridge *self = data;

  if (self->handler != 0)
    g_signal_handler_disconnect (self->cancellable, self->handler);
  g_object_unref (self->cancellable);
  g_free (self);
}

/**
 * troupe_promise_set_cancellable:
 * @self: a promise at home here
 * @cancellable: (nullable): a cancellable; none does nothing
 *
 * Has @cancellable cancel the promise, from whichever thread it is triggered, by a turn at home.
 *
 * It is a step of the chain, as a timeout is: once an outcome comes to it, @cancellable is let go.
 * One that has been triggered already cancels as well. There may be several.
 *
 * Since: 1.0
 */
void
troupe_promise_set_cancellable (TroupePromise *self,
                                GCancellable  *cancellable)
{
  TroupeBridge *bridge;

  g_return_if_fail (self != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));
  g_return_if_fail (troupe_promise_is_at_home (self));

  if (cancellable == NULL)
    return;

  bridge = g_new0 (TroupeBridge, 1);
  bridge->cancellable = g_object_ref (cancellable);
  troupe_resolver_hold ((TroupeResolver *) self);
  bridge->handler = g_cancellable_connect (cancellable, G_CALLBACK (troupe_bridge_cancelled_cb), self,
                                           (GDestroyNotify) troupe_resolver_unhold);

  troupe_promise_add_both (self, NULL, bridge, troupe_bridge_free);
}
