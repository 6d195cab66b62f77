/* troupe-clock.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-clock.h"
#include "troupe-reactor-private.h"

/**
 * TroupeClock:
 *
 * A clock for tests: the time of a reactor, which passes only when told to.
 *
 * While it exists, all timers of the reactor and of its actors go by it, and so do [method@Troupe.Reactor.get_time] and what
 * builds on timers, such as [class@Troupe.LoopingCall]. It starts at 0. When the last reference to it is dropped the reactor
 * has real time again; what pending timers had left to wait, they still have.
 *
 * It is for the reactor's thread alone, outside turns.
 *
 * Since: 1.0
 */

struct _TroupeClock
{
  GObject        parent_instance;

  TroupeReactor *reactor;
  gint64         now;                /* µs; the reactor reads it here */
};

G_DEFINE_FINAL_TYPE (TroupeClock, troupe_clock, G_TYPE_OBJECT)

static gint64
add_saturated (gint64 time,
               gint64 us)
{
  gint64 sum;

  return __builtin_add_overflow (time, us, &sum) ? G_MAXINT64 : sum;
}

/* Moving all deadlines alike leaves the heap in order. */
static void
troupe_clock_give_real_time (TroupeClock *self)
{
  TroupeTimerHeap *timers = &self->reactor->timers;
  gint64 ahead;
  guint i;

  self->reactor->test_time = NULL;
  ahead = troupe_reactor_read_clock (self->reactor) - self->now;

  for (i = 0; i < timers->length; i++)
    {
      TroupeTimerSlot *slot = &timers->slots[i];

      slot->deadline = slot->timer->deadline = add_saturated (slot->deadline, ahead);
    }
}

static void
troupe_clock_dispose (GObject *object)
{
  TroupeClock *self = TROUPE_CLOCK (object);

  if (self->reactor != NULL)
    troupe_clock_give_real_time (self);
  g_clear_object (&self->reactor);

  G_OBJECT_CLASS (troupe_clock_parent_class)->dispose (object);
}

static void
troupe_clock_class_init (TroupeClockClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = troupe_clock_dispose;
}

static void
troupe_clock_init (TroupeClock *self)
{
}

/**
 * troupe_clock_new:
 * @reactor: a reactor without pending timers, and without another such clock
 *
 * Makes @reactor take its time from a new clock, which starts at 0.
 *
 * Returns: (transfer full): the clock
 *
 * Since: 1.0
 */
TroupeClock *
troupe_clock_new (TroupeReactor *reactor)
{
  TroupeClock *self;

  g_return_val_if_fail (TROUPE_IS_REACTOR (reactor), NULL);
  g_return_val_if_fail (troupe_reactor_is_here (reactor), NULL);
  g_return_val_if_fail (reactor->timers.length == 0, NULL);
  g_return_val_if_fail (reactor->test_time == NULL, NULL);

  self = g_object_new (TROUPE_TYPE_CLOCK, NULL);
  self->reactor = g_object_ref (reactor);
  reactor->test_time = &self->now;

  return self;
}

static gboolean
troupe_clock_reactor_has_work (TroupeClock *self)
{
  TroupeReactor *reactor = self->reactor;
  TroupeTimer *timer = troupe_timer_heap_peek (&reactor->timers);

  /* Relaxed: who takes it acquires it. */
  return reactor->ready.head != NULL || reactor->late.head != NULL ||
         __atomic_load_n (&reactor->inbound, __ATOMIC_RELAXED) != NULL ||
         (timer != NULL && timer->deadline <= self->now);
}

/**
 * troupe_clock_advance:
 * @self: a clock
 * @time_ms: milliseconds to go forward, 0 or more
 *
 * Moves time, then runs every timer that is due and whatever follows from it.
 *
 * Time is the new one already when the first timer runs. They run in the order of their deadlines, and those with the
 * same deadline in the order in which they were set, each with all the turns that it leads to before the next one; timers set
 * meanwhile take part if they are due. The reactor's main context is turned, without waiting, until no timer is due and no actor
 * has mail; other sources of that context run, too. Neither sockets nor other threads are waited for. A timer that is
 * always set again with no delay never lets this end.
 *
 * Call it on the reactor's thread, and not in a turn.
 *
 * Since: 1.0
 */
void
troupe_clock_advance (TroupeClock *self,
                      gint64       time_ms)
{
  gint64 us;

  g_return_if_fail (TROUPE_IS_CLOCK (self));
  g_return_if_fail (time_ms >= 0);
  g_return_if_fail (troupe_reactor_is_here (self->reactor));
  /* Not in a loop nested in a turn either: what is due for that actor would stay due for ever. */
  g_return_if_fail (self->reactor->running == NULL);

  self->now = __builtin_mul_overflow (time_ms, 1000, &us) ? G_MAXINT64 : add_saturated (self->now, us);

  g_object_ref (self);
  do
    g_main_context_iteration (self->reactor->context, FALSE);
  while (troupe_clock_reactor_has_work (self));
  g_object_unref (self);
}

/**
 * troupe_clock_pump:
 * @self: a clock
 * @times_ms: (array length=n_times): milliseconds to go forward, one after the other
 * @n_times: how many they are
 *
 * Advances several times, as [method@Troupe.Clock.advance] does.
 *
 * Since: 1.0
 */
void
troupe_clock_pump (TroupeClock  *self,
                   const gint64 *times_ms,
                   gsize         n_times)
{
  gsize i;

  g_return_if_fail (TROUPE_IS_CLOCK (self));
  g_return_if_fail (times_ms != NULL || n_times == 0);

  for (i = 0; i < n_times; i++)
    troupe_clock_advance (self, times_ms[i]);
}
