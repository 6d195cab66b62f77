/* troupe-timer-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-mail-private.h"
#include "troupe-timer.h"

G_BEGIN_DECLS

typedef enum
{
  TROUPE_TIMER_PENDING,
  TROUPE_TIMER_CALLED,
  TROUPE_TIMER_CANCELLED,
} TroupeTimerState;

/* mail.bits of a timer */
#define TROUPE_TIMER_QUEUED   1      /* its node lies in the owner's mailbox */
#define TROUPE_TIMER_INTERNAL 2      /* runs while its owner is ending, too */
#define TROUPE_TIMER_PROMISED 4      /* what a promise waits for: runs while a fiber of its owner waits */

struct _TroupeTimer
{
  TroupeMail      mail;              /* ref_count is the timer's */
  TroupeReactor  *reactor;           /* no reference: pending timers die with it */
  TroupeRef      *owner;             /* no reference: pending timers die with it */
  TroupeTimer    *next;              /* in the owner's list */
  TroupeTimer    *previous;
  gint64          deadline;          /* µs, monotonic */
  guint           index;             /* in the heap, or G_MAXUINT */
  guint           state;
  TroupeTimerFunc func;
  gpointer        user_data;
  GDestroyNotify  destroy;
};

/* 4-ary heap of (deadline, sequence): equal deadlines in the order they were set. */
typedef struct
{
  gint64       deadline;
  guint64      sequence;
  TroupeTimer *timer;
} TroupeTimerSlot;

typedef struct
{
  TroupeTimerSlot *slots;
  guint            length;
  guint            allocated;
  guint64          sequence;
} TroupeTimerHeap;

void         troupe_timer_heap_clear  (TroupeTimerHeap *self);
void         troupe_timer_heap_insert (TroupeTimerHeap *self,
                                       TroupeTimer     *timer);
void         troupe_timer_heap_remove (TroupeTimerHeap *self,
                                       TroupeTimer     *timer);
static inline TroupeTimer *
troupe_timer_heap_peek (const TroupeTimerHeap *self)
{
  return self->length > 0 ? self->slots[0].timer : NULL;
}

/* For the owner's thread. INTERNAL timers are the runtime's: they run while the owner is ending. */
TroupeTimer *troupe_timer_new         (TroupeRef       *owner,
                                       gint64           delay_ms,
                                       gboolean         internal,
                                       TroupeTimerFunc  func,
                                       gpointer         user_data,
                                       GDestroyNotify   destroy);
/* The owner fails with what FUNC does. */
TroupeTimer *troupe_timer_new_or_fail (TroupeRef      *owner,
                                       gint64          delay_ms,
                                       TroupeFallibleTimerFunc func,
                                       gpointer        user_data,
                                       GDestroyNotify  destroy);
void         troupe_timer_run_turn    (TroupeTimer     *self);   /* takes the mailbox's reference */
void         troupe_timer_drop_turn   (TroupeTimer     *self);
void         troupe_timer_cancel_all  (TroupeRef       *owner);
/* The deadline MS milliseconds after TIME µs. */
gint64       troupe_timer_add_ms      (gint64           time,
                                       gint64           ms);
/* Cancels if it is still pending, lets go, and leaves NULL. */
void         troupe_timer_clear       (TroupeTimer    **timer);

G_END_DECLS
