/* troupe-timer.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-private.h"
#include "troupe-timer-private.h"

/**
 * TroupeTimer: (ref-func troupe_timer_ref) (unref-func troupe_timer_unref)
 *
 * A call that is to be made later.
 *
 * A timer belongs to the actor in whose turn it was made, or else to the reactor, and is for that actor's turns, or that
 * reactor's thread, alone. It is pending until its call begins or it is cancelled.
 *
 * Since: 1.0
 */

G_DEFINE_BOXED_TYPE (TroupeTimer, troupe_timer, troupe_timer_ref, troupe_timer_unref)

#define ARITY 4
#define NOT_IN_HEAP G_MAXUINT

/* The heap holds the key beside the pointer, so that sifting stays within the array. */

static inline gboolean
slot_is_before (const TroupeTimerSlot *a,
                const TroupeTimerSlot *b)
{
  return a->deadline < b->deadline || (a->deadline == b->deadline && a->sequence < b->sequence);
}

static inline void
heap_put (TroupeTimerHeap       *self,
          guint                  index,
          const TroupeTimerSlot *slot)
{
  self->slots[index] = *slot;
  slot->timer->index = index;
}

static void
heap_sift_up (TroupeTimerHeap *self,
              guint            index)
{
  TroupeTimerSlot slot = self->slots[index];

  while (index > 0)
    {
      guint parent = (index - 1) / ARITY;

      if (!slot_is_before (&slot, &self->slots[parent]))
        break;
      heap_put (self, index, &self->slots[parent]);
      index = parent;
    }

  heap_put (self, index, &slot);
}

static void
heap_sift_down (TroupeTimerHeap *self,
                guint            index)
{
  TroupeTimerSlot slot = self->slots[index];

  while (TRUE)
    {
      guint first = index * ARITY + 1;
      guint last = MIN (first + ARITY, self->length);
      guint least = first;
      guint i;

      if (first >= self->length)
        break;
      for (i = first + 1; i < last; i++)
        if (slot_is_before (&self->slots[i], &self->slots[least]))
          least = i;
      if (!slot_is_before (&self->slots[least], &slot))
        break;
      heap_put (self, index, &self->slots[least]);
      index = least;
    }

  heap_put (self, index, &slot);
}

void
troupe_timer_heap_clear (TroupeTimerHeap *self)
{
  g_assert (self->length == 0);

  g_clear_pointer (&self->slots, g_free);
  self->allocated = 0;
}

void
troupe_timer_heap_insert (TroupeTimerHeap *self,
                          TroupeTimer     *timer)
{
  if (self->length == self->allocated)
    {
      self->allocated = MAX (16, 2 * self->allocated);
      self->slots = g_renew (TroupeTimerSlot, self->slots, self->allocated);
    }

  self->slots[self->length] = (TroupeTimerSlot) { timer->deadline, self->sequence++, timer };
  heap_sift_up (self, self->length++);
}

void
troupe_timer_heap_remove (TroupeTimerHeap *self,
                          TroupeTimer     *timer)
{
  guint index = timer->index;
  TroupeTimer *moved;

  g_assert (index < self->length && self->slots[index].timer == timer);

  timer->index = NOT_IN_HEAP;
  self->length--;
  if (index == self->length)
    return;

  self->slots[index] = self->slots[self->length];
  moved = self->slots[index].timer;
  heap_sift_down (self, index);
  heap_sift_up (self, moved->index);
}

/* The owner's list holds a reference on each pending timer. */

static void
troupe_timer_link (TroupeTimer *self)
{
  self->previous = NULL;
  self->next = self->owner->timers;
  if (self->next != NULL)
    self->next->previous = self;
  self->owner->timers = self;
}

static void
troupe_timer_unlink (TroupeTimer *self)
{
  if (self->previous != NULL)
    self->previous->next = self->next;
  else
    self->owner->timers = self->next;
  if (self->next != NULL)
    self->next->previous = self->previous;
  self->next = self->previous = NULL;
}

/* Far beyond any clock is as good as for ever. */
gint64
troupe_timer_add_ms (gint64 time,
                     gint64 ms)
{
  gint64 us;

  if (__builtin_mul_overflow (ms, 1000, &us) || __builtin_add_overflow (time, us, &us))
    return ms > 0 ? G_MAXINT64 : 0;

  return us;
}

static void
troupe_timer_set (TroupeTimer *self,
                  gint64       deadline)
{
  if (self->index != NOT_IN_HEAP)
    troupe_timer_heap_remove (&self->reactor->timers, self);

  self->deadline = deadline;
  troupe_timer_heap_insert (&self->reactor->timers, self);
}

/* What the function was for is over: its data goes before anything else. */
static void
troupe_timer_drop_data (TroupeTimer *self)
{
  GDestroyNotify destroy = g_steal_pointer (&self->destroy);

  if (destroy != NULL)
    destroy (g_steal_pointer (&self->user_data));
}

/* Ends the pending state; the caller has a reference of its own. */
static void
troupe_timer_retire (TroupeTimer      *self,
                     TroupeTimerState  state)
{
  self->state = state;
  if (self->index != NOT_IN_HEAP)
    troupe_timer_heap_remove (&self->reactor->timers, self);
  troupe_timer_unlink (self);
  troupe_timer_unref (self);
}

TroupeTimer *
troupe_timer_new (TroupeRef       *owner,
                  gint64           delay_ms,
                  gboolean         internal,
                  TroupeTimerFunc  func,
                  gpointer         user_data,
                  GDestroyNotify   destroy)
{
  TroupeTimer *self = g_new (TroupeTimer, 1);

  *self = (TroupeTimer) {
    .mail = { .kind = TROUPE_MAIL_TIMER, .ref_count = 2, .bits = internal ? TROUPE_TIMER_INTERNAL : 0 },
    .reactor = owner->reactor,
    .owner = owner,
    .index = NOT_IN_HEAP,
    .state = TROUPE_TIMER_PENDING,
    .func = func,
    .user_data = user_data,
    .destroy = destroy,
  };

  /* What is made once the actor has ended is born cancelled. */
  if (troupe_ref_is_no_home (owner))
    {
      self->state = TROUPE_TIMER_CANCELLED;
      troupe_timer_drop_data (self);
      troupe_timer_unref (self);
      return self;
    }

  troupe_timer_link (self);
  troupe_timer_set (self, troupe_timer_add_ms (troupe_reactor_read_clock (self->reactor), delay_ms));

  return self;
}

typedef struct
{
  TroupeFallibleTimerFunc func;
  gpointer                user_data;
  GDestroyNotify          destroy;
} TroupeTimerFallible;

static void
troupe_timer_run_fallible (TroupeTimer *self,
                           gpointer     data)
{
  TroupeTimerFallible *fallible = data;
  GError *error = NULL;

  fallible->func (self, fallible->user_data, &error);
  if (error != NULL)
    troupe_ref_fail (self->owner, error);
}

static void
troupe_timer_free_fallible (gpointer data)
{
  TroupeTimerFallible *fallible = data;

  if (fallible->destroy != NULL)
    fallible->destroy (fallible->user_data);
  g_free (fallible);
}

TroupeTimer *
troupe_timer_new_or_fail (TroupeRef               *owner,
                          gint64                   delay_ms,
                          TroupeFallibleTimerFunc  func,
                          gpointer                 user_data,
                          GDestroyNotify           destroy)
{
  TroupeTimerFallible *fallible = g_new (TroupeTimerFallible, 1);

  *fallible = (TroupeTimerFallible) { func, user_data, destroy };

  return troupe_timer_new (owner, delay_ms, FALSE, troupe_timer_run_fallible, fallible, troupe_timer_free_fallible);
}

void
troupe_timer_run_turn (TroupeTimer *self)
{
  self->mail.bits &= ~TROUPE_TIMER_QUEUED;

  /* Cancelled, or set anew, while it lay in the mailbox. */
  if (self->state == TROUPE_TIMER_PENDING && self->index == NOT_IN_HEAP)
    {
      troupe_timer_retire (self, TROUPE_TIMER_CALLED);
      self->func (self, self->user_data);
      troupe_timer_drop_data (self);
    }

  troupe_timer_unref (self);
}

void
troupe_timer_drop_turn (TroupeTimer *self)
{
  self->mail.bits &= ~TROUPE_TIMER_QUEUED;
  troupe_timer_unref (self);
}

static void
troupe_timer_cancel_pending (TroupeTimer *self)
{
  troupe_timer_ref (self);
  troupe_timer_retire (self, TROUPE_TIMER_CANCELLED);
  troupe_timer_drop_data (self);
  troupe_timer_unref (self);
}

void
troupe_timer_cancel_all (TroupeRef *owner)
{
  while (owner->timers != NULL)
    troupe_timer_cancel_pending (owner->timers);
}

void
troupe_timer_clear (TroupeTimer **timer)
{
  TroupeTimer *self = g_steal_pointer (timer);

  if (self == NULL)
    return;

  if (self->state == TROUPE_TIMER_PENDING)
    troupe_timer_cancel_pending (self);
  troupe_timer_unref (self);
}

static gboolean
troupe_timer_check_pending (TroupeTimer  *self,
                            GError      **error)
{
  if (self->state == TROUPE_TIMER_CALLED)
    g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_CALLED,
                         "The timer has been called already");
  else if (self->state == TROUPE_TIMER_CANCELLED)
    g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_CANCELLED,
                         "The timer has been cancelled already");

  return self->state == TROUPE_TIMER_PENDING;
}

/**
 * troupe_timer_ref:
 * @self: a timer
 *
 * Takes a reference. A pending timer lives without anybody holding one.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
TroupeTimer *
troupe_timer_ref (TroupeTimer *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  /* Handles may be dropped on any thread, by a garbage collector for instance. Relaxed: who takes another one has one. */
  __atomic_fetch_add (&self->mail.ref_count, 1, __ATOMIC_RELAXED);

  return self;
}

/**
 * troupe_timer_unref:
 * @self: (transfer full): a timer
 *
 * Drops a reference. The call is still made.
 *
 * Since: 1.0
 */
void
troupe_timer_unref (TroupeTimer *self)
{
  g_return_if_fail (self != NULL);

  /* Release our use of it to whoever frees it; acquire that of others if that is us. */
  if (__atomic_fetch_sub (&self->mail.ref_count, 1, __ATOMIC_ACQ_REL) == 1)
    g_free (self);
}

/**
 * troupe_timer_is_active:
 * @self: a timer
 *
 * Tells whether the call is still to be made: it has neither begun nor been cancelled.
 *
 * Returns: %TRUE if it is
 *
 * Since: 1.0
 */
gboolean
troupe_timer_is_active (TroupeTimer *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->state == TROUPE_TIMER_PENDING;
}

/**
 * troupe_timer_get_deadline:
 * @self: a timer
 *
 * Gets the time for which the call is set, or was.
 *
 * Returns: microseconds on the clock of [method@Troupe.Reactor.get_time]
 *
 * Since: 1.0
 */
gint64
troupe_timer_get_deadline (TroupeTimer *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->deadline;
}

/**
 * troupe_timer_cancel:
 * @self: a timer
 * @error: return location for a #GError
 *
 * Takes the call back, and frees its user data now.
 *
 * Returns: %TRUE, or %FALSE with %TROUPE_ERROR_ALREADY_CALLED once the call has begun, or with
 *   %TROUPE_ERROR_ALREADY_CANCELLED
 *
 * Since: 1.0
 */
gboolean
troupe_timer_cancel (TroupeTimer  *self,
                     GError      **error)
{
  g_return_val_if_fail (self != NULL, FALSE);

  if (!troupe_timer_check_pending (self, error))
    return FALSE;

  troupe_timer_cancel_pending (self);

  return TRUE;
}

/**
 * troupe_timer_reset:
 * @self: a timer
 * @delay_ms: milliseconds from now, 0 or more
 * @error: return location for a #GError
 *
 * Sets the call to another time, sooner or later than before.
 *
 * Returns: %TRUE, or %FALSE with %TROUPE_ERROR_ALREADY_CALLED once the call has begun, or with
 *   %TROUPE_ERROR_ALREADY_CANCELLED
 *
 * Since: 1.0
 */
gboolean
troupe_timer_reset (TroupeTimer  *self,
                    gint64        delay_ms,
                    GError      **error)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (delay_ms >= 0, FALSE);

  if (!troupe_timer_check_pending (self, error))
    return FALSE;

  troupe_timer_set (self, troupe_timer_add_ms (troupe_reactor_read_clock (self->reactor), delay_ms));

  return TRUE;
}

/**
 * troupe_timer_delay:
 * @self: a timer
 * @more_ms: milliseconds to add to the deadline; negative ones bring the call forward
 * @error: return location for a #GError
 *
 * Moves the deadline.
 *
 * Returns: %TRUE, or %FALSE with %TROUPE_ERROR_ALREADY_CALLED once the call has begun, or with
 *   %TROUPE_ERROR_ALREADY_CANCELLED
 *
 * Since: 1.0
 */
gboolean
troupe_timer_delay (TroupeTimer  *self,
                    gint64        more_ms,
                    GError      **error)
{
  g_return_val_if_fail (self != NULL, FALSE);

  if (!troupe_timer_check_pending (self, error))
    return FALSE;

  troupe_timer_set (self, troupe_timer_add_ms (self->deadline, more_ms));

  return TRUE;
}
