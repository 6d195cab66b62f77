/* troupe-sleep.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-promise-private.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-private.h"
#include "troupe-sleep.h"
#include "troupe-timer-private.h"

/* What cancels it; for home only, but for the count. */
typedef struct
{
  TroupeTimer *timer;                /* NULL before it is set */
} TroupeSleep;

static void
troupe_sleep_clear (gpointer data)
{
  TroupeSleep *self = data;

  troupe_timer_clear (&self->timer);
}

static void
troupe_sleep_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, troupe_sleep_clear);
}

static void
troupe_sleep_cancelled_cb (TroupeResolver *resolver,
                           gpointer        data)
{
  troupe_sleep_clear (data);
}

static void
troupe_sleep_over_cb (TroupeTimer *timer,
                      gpointer     resolver)
{
  troupe_resolver_resolve (resolver, NULL);
}

/* On the thread of HOME. Takes RESOLVER. */
static void
troupe_sleep_begin (TroupeSleep    *self,
                    TroupeRef      *home,
                    gint64          delay_ms,
                    TroupeResolver *resolver)
{
  self->timer = troupe_timer_new (home, delay_ms, FALSE, troupe_sleep_over_cb, resolver,
                                  (GDestroyNotify) troupe_resolver_unref);
  self->timer->mail.bits |= TROUPE_TIMER_PROMISED;
}

/* A timer to be made on another thread. */
typedef struct
{
  gint64          deadline;          /* µs, monotonic */
  TroupeSleep    *sleep;             /* a reference */
  TroupeResolver *resolver;
} TroupeSleeper;

static void
troupe_sleeper_begin_cb (TroupeRef *home,
                         gpointer   data)
{
  TroupeSleeper *self = data;
  gint64 left = MAX (self->deadline - g_get_monotonic_time (), 0);

  /* Cancelled meanwhile. */
  if (troupe_resolver_is_resolved (self->resolver))
    return;

  troupe_sleep_begin (self->sleep, home, left / 1000 + (left % 1000 != 0), g_steal_pointer (&self->resolver));
}

static void
troupe_sleeper_free (gpointer data)
{
  TroupeSleeper *self = data;

  g_clear_pointer (&self->resolver, troupe_resolver_unref);
  troupe_sleep_unref (self->sleep);
  g_free (self);
}

/* Outside actors this may be no reactor's thread, or the context's reactor another one's. Takes RESOLVER. */
static void
troupe_sleep_begin_elsewhere (TroupeSleep    *self,
                              TroupeRef      *home,
                              gint64          delay_ms,
                              TroupeResolver *resolver)
{
  TroupeSleeper *sleeper = g_new (TroupeSleeper, 1);
  gint64 now = g_get_monotonic_time ();

  sleeper->deadline = delay_ms < (G_MAXINT64 - now) / 1000 ? now + delay_ms * 1000 : G_MAXINT64;
  sleeper->sleep = g_atomic_rc_box_acquire (self);
  sleeper->resolver = resolver;
  troupe_ref_call (home, troupe_sleeper_begin_cb, NULL, sleeper, troupe_sleeper_free);
}

/**
 * troupe_sleep:
 * @delay_ms: milliseconds to wait, 0 or more
 *
 * Makes a promise that is resolved with nothing when some time has passed, at home here and now.
 *
 * Nobody waits meanwhile: add what is to be done then as a step, or return the promise from a step whose chain is to go on
 * later. Even with a delay of 0 it is not resolved in the same pass. When the actor whose turn it was ends, it is
 * abandoned as all its promises are. To cancel it takes the timer back.
 *
 * Returns: (transfer full): a promise
 *
 * Since: 1.0
 */
TroupePromise *
troupe_sleep (gint64 delay_ms)
{
  TroupeRef *home = troupe_promise_get_home_now ();
  TroupePromise *promise;
  TroupeResolver *resolver;
  TroupeSleep *sleep;

  g_return_val_if_fail (delay_ms >= 0, NULL);

  sleep = g_atomic_rc_box_new0 (TroupeSleep);
  promise = troupe_promise_new_with_canceller (&resolver, troupe_sleep_cancelled_cb, g_atomic_rc_box_acquire (sleep),
                                               troupe_sleep_unref);
  if (troupe_reactor_is_here (home->reactor))
    troupe_sleep_begin (sleep, home, delay_ms, resolver);
  else
    troupe_sleep_begin_elsewhere (sleep, home, delay_ms, resolver);

  troupe_sleep_unref (sleep);
  return promise;
}
