/* troupe-looping-call.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error.h"
#include "troupe-looping-call.h"
#include "troupe-promise-private.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-private.h"
#include "troupe-resolver.h"
#include "troupe-timer-private.h"

/**
 * TroupeLoopingCall:
 *
 * A function that is called again and again.
 *
 * Its *ticks* are the whole multiples of an interval since the start. Calls do not drift from them, and never overlap: when a
 * call is late, or takes long, or the promise that it returned does, the ticks meanwhile are missed, and the next call is
 * at the first tick strictly after that.
 *
 * A looping call belongs to the actor in whose turn it was made, else to the reactor of the thread-default main context, and is
 * for that actor's turns, or that thread, alone. The function runs in turns of the actor. When the actor ends, so does the
 * looping call, without another word. It keeps itself alive while it runs.
 *
 * Since: 1.0
 */

struct _TroupeLoopingCall
{
  GObject         parent_instance;

  TroupeRef      *home;
  TroupeLoopFunc  func;
  gpointer        user_data;
  GDestroyNotify  destroy;

  TroupeResolver *done;              /* of what start () returned; NULL: may be started */
  TroupeTimer    *timer;             /* of the next tick; NULL during a call and what it promised */
  gint64          interval;          /* µs */
  gint64          origin;            /* µs: tick 0 */
  gint64          last_tick;         /* that was called for, -1 before tick 0 */
  gboolean        stopping;          /* once the call is over */
};

G_DEFINE_FINAL_TYPE (TroupeLoopingCall, troupe_looping_call, G_TYPE_OBJECT)

static gint64
troupe_looping_call_get_tick (TroupeLoopingCall *self)
{
  return (troupe_reactor_read_clock (self->home->reactor) - self->origin) / self->interval;
}

/* Takes ERROR. Afterwards it may have been started again. */
static void
troupe_looping_call_end (TroupeLoopingCall *self,
                         GError            *error)
{
  g_autoptr (TroupeResolver) done = g_steal_pointer (&self->done);

  self->stopping = FALSE;
  if (error != NULL)
    troupe_resolver_reject (done, error, NULL);
  else
    troupe_resolver_resolve_object (done, self, NULL);
}

static void troupe_looping_call_tick_cb (TroupeTimer *timer,
                                         gpointer     data);

static void
troupe_looping_call_schedule (TroupeLoopingCall *self)
{
  gint64 wait = 0;

  if (self->interval > 0)
    {
      gint64 gone = troupe_reactor_read_clock (self->home->reactor) - self->origin;

      wait = self->interval - gone % self->interval;
    }

  /* Rounded up: a call before its tick would have the same tick again. */
  self->timer = troupe_timer_new (self->home, wait / 1000 + (wait % 1000 != 0), FALSE, troupe_looping_call_tick_cb,
                                  g_object_ref (self), g_object_unref);
}

/* The call, and what it promised, is over. Takes ERROR. */
static void
troupe_looping_call_go_on (TroupeLoopingCall *self,
                           GError            *error)
{
  if (error != NULL || self->stopping)
    troupe_looping_call_end (self, error);
  else
    troupe_looping_call_schedule (self);
}

static void
troupe_looping_call_promised_cb (TroupePromise *promise,
                                 gpointer       data)
{
  troupe_looping_call_go_on (data, troupe_promise_steal_error (promise));
}

static guint64
troupe_looping_call_count (TroupeLoopingCall *self)
{
  gint64 tick;
  gint64 n_ticks;

  if (self->interval == 0)
    return 1;

  tick = troupe_looping_call_get_tick (self);
  n_ticks = tick - self->last_tick;
  self->last_tick = tick;

  /* Not so when the reactor went from real time to a test's, or back. */
  return MAX (n_ticks, 1);
}

static void
troupe_looping_call_tick (TroupeLoopingCall *self)
{
  GError *error = NULL;
  g_autoptr (TroupePromise) promise = self->func (self, troupe_looping_call_count (self), self->user_data, &error);

  if (promise != NULL && error == NULL)
    troupe_promise_add_both (promise, troupe_looping_call_promised_cb, g_object_ref (self), g_object_unref);
  else
    troupe_looping_call_go_on (self, error);
}

static void
troupe_looping_call_tick_cb (TroupeTimer *timer,
                             gpointer     data)
{
  TroupeLoopingCall *self = data;

  g_clear_pointer (&self->timer, troupe_timer_unref);
  troupe_looping_call_tick (self);
}

static void
troupe_looping_call_finalize (GObject *object)
{
  TroupeLoopingCall *self = TROUPE_LOOPING_CALL (object);

  /* Only now, if its actor has ended. */
  g_clear_pointer (&self->timer, troupe_timer_unref);
  g_clear_pointer (&self->done, troupe_resolver_unref);
  if (self->destroy != NULL)
    self->destroy (self->user_data);
  troupe_ref_unref (self->home);

  G_OBJECT_CLASS (troupe_looping_call_parent_class)->finalize (object);
}

static void
troupe_looping_call_class_init (TroupeLoopingCallClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = troupe_looping_call_finalize;
}

static void
troupe_looping_call_init (TroupeLoopingCall *self)
{
  self->home = troupe_ref_ref (troupe_promise_get_home_now ());
}

/**
 * troupe_looping_call_new:
 * @func: (scope notified) (closure user_data) (destroy destroy): what to call
 * @user_data: what to call it with
 * @destroy: (nullable): frees @user_data when the looping call is freed
 *
 * Makes a looping call of the actor whose turn this is, or else of the reactor of the thread-default main context.
 *
 * It does nothing until [method@Troupe.LoopingCall.start]. Call this on the thread of the actor or reactor.
 *
 * Returns: (transfer full): the looping call
 *
 * Since: 1.0
 */
TroupeLoopingCall *
troupe_looping_call_new (TroupeLoopFunc func,
                         gpointer       user_data,
                         GDestroyNotify destroy)
{
  TroupeLoopingCall *self;

  g_return_val_if_fail (func != NULL, NULL);
  g_return_val_if_fail (troupe_reactor_is_here (troupe_promise_get_home_now ()->reactor), NULL);

  self = g_object_new (TROUPE_TYPE_LOOPING_CALL, NULL);
  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;

  return self;
}

/**
 * troupe_looping_call_start:
 * @self: a looping call
 * @interval_ms: milliseconds between ticks, 0 or more; 0 calls once in each pass of the reactor
 * @now: whether to make the first call at once, in here, rather than after one interval
 *
 * Starts calling.
 *
 * The promise is resolved, with @self, when the looping call is stopped. It is rejected with the error that ended it, or with
 * %TROUPE_ERROR_ALREADY_RUNNING if it has been started before and that has not ended yet. Once the promise has its outcome, the
 * looping call may be started again.
 *
 * Returns: (transfer full): a promise of the end
 *
 * Since: 1.0
 */
TroupePromise *
troupe_looping_call_start (TroupeLoopingCall *self,
                           gint64             interval_ms,
                           gboolean           now)
{
  TroupePromise *promise;

  g_return_val_if_fail (TROUPE_IS_LOOPING_CALL (self), NULL);
  g_return_val_if_fail (interval_ms >= 0 && interval_ms <= G_MAXINT64 / 1000, NULL);
  /* A thread without a default context of its own would pass for the main one. */
  g_return_val_if_fail (troupe_promise_get_home_now () == self->home && troupe_reactor_is_here (self->home->reactor), NULL);

  /* Languages that make any object of any class can make one. */
  if (self->func == NULL)
    return troupe_promise_new_rejected_at (self->home,
                                           g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_FAILED,
                                                                "The looping call was made without a function"));
  if (self->done != NULL)
    return troupe_promise_new_rejected_at (self->home,
                                           g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_ALREADY_RUNNING,
                                                                "The looping call is running already"));

  promise = troupe_promise_new_at (self->home, &self->done);
  self->interval = interval_ms * 1000;
  self->origin = troupe_reactor_read_clock (self->home->reactor);
  self->last_tick = now ? -1 : 0;

  if (now)
    troupe_looping_call_tick (self);
  else
    troupe_looping_call_schedule (self);

  return promise;
}

static gboolean
troupe_looping_call_check_running (TroupeLoopingCall  *self,
                                   GError            **error)
{
  if (troupe_looping_call_is_running (self))
    return TRUE;

  g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_NOT_RUNNING, "The looping call is not running");

  return FALSE;
}

/**
 * troupe_looping_call_stop:
 * @self: a looping call
 * @error: return location for a #GError
 *
 * Makes no more calls.
 *
 * Between calls the promise of [method@Troupe.LoopingCall.start] is resolved in here. During a call, or while what it promised is
 * pending, that comes when it is over; if it fails then, the promise is rejected.
 *
 * Returns: %TRUE, or %FALSE with %TROUPE_ERROR_NOT_RUNNING
 *
 * Since: 1.0
 */
gboolean
troupe_looping_call_stop (TroupeLoopingCall  *self,
                          GError            **error)
{
  g_return_val_if_fail (TROUPE_IS_LOOPING_CALL (self), FALSE);
  g_return_val_if_fail (troupe_reactor_is_here (self->home->reactor), FALSE);

  if (!troupe_looping_call_check_running (self, error))
    return FALSE;

  if (self->timer == NULL)
    {
      self->stopping = TRUE;
      return TRUE;
    }

  /* The timer's reference may be the last. */
  g_object_ref (self);
  troupe_timer_clear (&self->timer);
  troupe_looping_call_end (self, NULL);
  g_object_unref (self);

  return TRUE;
}

/**
 * troupe_looping_call_reset:
 * @self: a looping call
 * @error: return location for a #GError
 *
 * Begins the ticks anew: the next call is one interval from now, and later ones are whole intervals after it.
 *
 * During a call, or while what it promised is pending, it does nothing.
 *
 * Returns: %TRUE, or %FALSE with %TROUPE_ERROR_NOT_RUNNING
 *
 * Since: 1.0
 */
gboolean
troupe_looping_call_reset (TroupeLoopingCall  *self,
                           GError            **error)
{
  g_return_val_if_fail (TROUPE_IS_LOOPING_CALL (self), FALSE);
  g_return_val_if_fail (troupe_reactor_is_here (self->home->reactor), FALSE);

  if (!troupe_looping_call_check_running (self, error))
    return FALSE;

  if (self->timer == NULL)
    return TRUE;

  self->origin = troupe_reactor_read_clock (self->home->reactor);
  self->last_tick = 0;

  return troupe_timer_reset (self->timer, self->interval / 1000, error);
}

/**
 * troupe_looping_call_is_running:
 * @self: a looping call
 *
 * Tells whether more calls are to come: it has been started, and neither been stopped since nor failed, nor has its actor ended.
 *
 * Returns: %TRUE if it is
 *
 * Since: 1.0
 */
gboolean
troupe_looping_call_is_running (TroupeLoopingCall *self)
{
  g_return_val_if_fail (TROUPE_IS_LOOPING_CALL (self), FALSE);

  return self->done != NULL && !self->stopping && self->home->state != TROUPE_REF_ENDED;
}
