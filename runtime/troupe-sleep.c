/* troupe-sleep.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-promise-private.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-private.h"
#include "troupe-sleep.h"
#include "troupe-timer-private.h"

static void
troupe_sleep_over_cb (TroupeTimer *timer,
                      gpointer     resolver)
{
  troupe_resolver_resolve (resolver, NULL);
}

/* On the thread of HOME. Takes RESOLVER. */
static void
troupe_sleep_begin (TroupeRef      *home,
                    gint64          delay_ms,
                    TroupeResolver *resolver)
{
  troupe_timer_unref (troupe_timer_new (home, delay_ms, FALSE, troupe_sleep_over_cb, resolver,
                                        (GDestroyNotify) troupe_resolver_unref));
}

/* A timer to be made on another thread. */
typedef struct
{
  gint64          deadline;          /* µs, monotonic */
  TroupeResolver *resolver;
} TroupeSleeper;

static void
troupe_sleeper_begin_cb (TroupeRef *home,
                         gpointer   data)
{
  TroupeSleeper *self = data;
  gint64 left = MAX (self->deadline - g_get_monotonic_time (), 0);

  troupe_sleep_begin (home, left / 1000 + (left % 1000 != 0), g_steal_pointer (&self->resolver));
}

static void
troupe_sleeper_free (gpointer data)
{
  TroupeSleeper *self = data;

  g_clear_pointer (&self->resolver, troupe_resolver_unref);
  g_free (self);
}

/* Outside actors this may be no reactor's thread, or the context's reactor another one's. Takes RESOLVER. */
static void
troupe_sleep_begin_elsewhere (TroupeRef      *home,
                              gint64          delay_ms,
                              TroupeResolver *resolver)
{
  TroupeSleeper *sleeper = g_new (TroupeSleeper, 1);
  gint64 now = g_get_monotonic_time ();

  sleeper->deadline = delay_ms < (G_MAXINT64 - now) / 1000 ? now + delay_ms * 1000 : G_MAXINT64;
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
 * abandoned as all its promises are.
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

  g_return_val_if_fail (delay_ms >= 0, NULL);

  promise = troupe_promise_new_at (home, &resolver);
  if (troupe_reactor_is_here (home->reactor))
    troupe_sleep_begin (home, delay_ms, resolver);
  else
    troupe_sleep_begin_elsewhere (home, delay_ms, resolver);

  return promise;
}
