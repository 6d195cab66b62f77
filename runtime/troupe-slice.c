/* troupe-slice.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-actor-private.h"
#include "troupe-backend-private.h"
#include "troupe-error.h"
#include "troupe-mailbox-private.h"
#include "troupe-message-private.h"
#include "troupe-promise-private.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-life-private.h"
#include "troupe-ref-wait-private.h"
#include "troupe-timer-private.h"

/*
 * Turns, the slices that they are taken in, and the line of actors that wait for theirs: what a program does most of its time. It is in
 * one file so that it becomes one function.
 */

/* A message */

/* The handler is done and has neither answered nor passed on the debt. */
static void
troupe_ref_break_reply (TroupeRef     *self,
                        TroupeMessage *message)
{
  g_autofree char *path = troupe_ref_dup_path (self);
  TroupeResolver *reply = troupe_message_steal_reply (message);

  troupe_resolver_take_error (reply, g_error_new (TROUPE_ERROR, TROUPE_ERROR_BROKEN,
                                                  "The actor “%s” did not reply to “%s”",
                                                  path, message->name));
  troupe_resolver_unref (reply);
}

/* Nobody waits for the answer any more, which was cancelled, or the asker has ended: the question is not asked. */
static inline gboolean
troupe_ref_is_void (TroupeMessage *message)
{
  return troupe_promise_get_state ((TroupePromise *) message->reply) != TROUPE_PROMISE_PENDING;
}

static inline void
troupe_ref_handle_message (TroupeRef     *self,
                           TroupeReactor *reactor,
                           TroupeMessage *message)
{
  TroupeActorClass *klass = (TroupeActorClass *) ((GTypeInstance *) self->actor)->g_class;
  GError *error = NULL;
  gboolean handled;

  troupe_reactor_note_subject (reactor, message->name);

  if (message->reply != NULL && G_UNLIKELY (troupe_ref_is_void (message)))
    {
      troupe_message_drop (message);
      return;
    }

  /* Most classes keep the base class's: then we know already where it will look. */
  if (G_LIKELY (klass->receive == troupe_actor_real_receive))
    handled = troupe_actor_dispatch (self->actor, self->bindings, message, &error);
  else
    handled = klass->receive (self->actor, message, &error);

  if (G_UNLIKELY (!handled))
    troupe_ref_fail_at (self, message, error);
  else if (G_UNLIKELY (message->reply != NULL) && !(message->mail.bits & TROUPE_MESSAGE_IN_FIBER))
    troupe_ref_break_reply (self, message);

  troupe_message_drop (message);
}

void
troupe_ref_finish_message (TroupeRef     *self,
                           TroupeMessage *message,
                           gboolean       handled,
                           GError        *error)
{
  if (self->state != TROUPE_REF_LIVE)
    {
      TroupeResolver *reply = troupe_message_steal_reply (message);

      if (reply != NULL)
        {
          troupe_resolver_take_error (reply, troupe_ref_new_ended_error (self));
          troupe_resolver_unref (reply);
        }
      g_clear_error (&error);
    }
  else if (!handled)
    {
      troupe_ref_fail_at (self, message, error);
    }
  else if (message->reply != NULL)
    {
      troupe_ref_break_reply (self, message);
    }

  troupe_message_unref (message);
  troupe_mailbox_note_handled (self);
}

G_GNUC_NO_INLINE void
troupe_ref_handle_marked (TroupeRef     *self,
                          TroupeMessage *message)
{
  if (!troupe_mailbox_take (self, message))
    return;

  troupe_ref_handle_message (self, self->reactor, message);
  troupe_mailbox_note_handled (self);
}

static inline void
troupe_ref_run_turn (TroupeRef     *self,
                     TroupeReactor *reactor,
                     TroupeMail    *mail)
{
  if (G_LIKELY (mail->kind == TROUPE_MAIL_MESSAGE))
    {
      troupe_ref_handle_message (self, reactor, (TroupeMessage *) mail);
      return;
    }

  troupe_reactor_note_subject (reactor, troupe_watchdog_subjects[mail->kind]);

  if (G_LIKELY (mail->kind == TROUPE_MAIL_CONTINUATION))
    {
      /* Release, as in note_subject (). */
      __atomic_store_n (&reactor->watchdog.question, ((TroupePromise *) mail)->question, __ATOMIC_RELEASE);
      troupe_promise_run_turn ((TroupePromise *) mail);
      return;
    }

  switch ((TroupeMailKind) mail->kind)
    {
    case TROUPE_MAIL_MARKED:
      troupe_ref_handle_marked (self, (TroupeMessage *) mail);
      break;

    case TROUPE_MAIL_TIMER:
      troupe_timer_run_turn ((TroupeTimer *) mail);
      break;

    case TROUPE_MAIL_IO:
      troupe_io_run_turn ((TroupeIo *) mail);
      break;

    case TROUPE_MAIL_CALL:
      troupe_call_run ((TroupeCall *) mail, ((TroupeCall *) mail)->func);
      break;

    case TROUPE_MAIL_MESSAGE:
    case TROUPE_MAIL_CONTINUATION:
    default:
      g_assert_not_reached ();
    }
}

/* The line */

/*
 * REF fills mailboxes faster than they are emptied. It has its next slice when nobody else has anything to do, or after a
 * while: the mail that it would send would only lie and cost memory.
 */
static void
troupe_reactor_make_late (TroupeReactor *self,
                          TroupeRef     *ref)
{
  if (self->late.head == NULL)
    self->late_since = self->now;

  ref->flags |= TROUPE_REF_QUEUED;
  troupe_ready_push (&self->late, ref);
}

void
troupe_reactor_forgive_late (TroupeReactor *self)
{
  if (self->late.head == NULL)
    return;

  if (self->ready.head != NULL)
    self->ready.tail->ready_next = self->late.head;
  else
    self->ready.head = self->late.head;
  self->ready.tail = self->late.tail;
  self->late.head = NULL;
}

static inline TroupeRef *
troupe_reactor_pop_ready (TroupeReactor *self)
{
  TroupeRef *ref;

  if (G_UNLIKELY (self->ready.head == NULL))
    troupe_reactor_forgive_late (self);

  ref = self->ready.head;
  if (G_LIKELY (ref != NULL))
    self->ready.head = ref->ready_next;

  return ref;
}

TroupeRef *
troupe_reactor_take_ready (TroupeReactor *self)
{
  return troupe_reactor_pop_ready (self);
}

/* A slice */

/* There is something on the control lane. Does it, and returns the next turn's mail, taken out, or NULL if the slice is over. LEFT is how
 * many turns it may still have. */
static G_GNUC_NO_INLINE TroupeMail *
troupe_ref_take_controlled (TroupeRef     *self,
                            TroupeReactor *reactor,
                            guint          left)
{
  while ((self->control & ~TROUPE_CONTROL_HELD) != 0)
    {
      troupe_reactor_note_subject (reactor, troupe_watchdog_subjects[TROUPE_WATCHDOG_CONTROL]);
      troupe_ref_run_control (self);
      reactor->turns++;
      troupe_reactor_show_life (reactor);
      if (troupe_ref_is_on_hold (self))
        left = 0;
    }

  if (left == 0)
    return NULL;
  if (self->control != 0)
    return troupe_ref_take_held (self);

  return self->head != NULL ? troupe_ref_dequeue (self) : NULL;
}

/* There may be more to do for it. */
static G_GNUC_NO_INLINE void
troupe_ref_end_slice (TroupeRef     *self,
                      TroupeReactor *reactor,
                      gboolean       crowds)
{
  if (self->control != 0 ? !troupe_ref_has_turn (self) : self->head == NULL)
    troupe_ref_check_letters (self);
  else if (self->state != TROUPE_REF_LIVE && troupe_ref_is_on_hold (self))
    {
      if ((self->control & ~TROUPE_CONTROL_HELD) != 0)
        troupe_ref_awaken (self);
    }
  else if (crowds && self->control == 0)
    troupe_reactor_make_late (reactor, self);
  else
    troupe_ref_awaken (self);
}

/* Runs the turns that were there when the slice began, and no more than a slice's worth. */
static inline void
troupe_ref_run_slice (TroupeRef     *self,
                      TroupeReactor *reactor)
{
  guint left = MIN (self->n_mail, TROUPE_SLICE_TURNS);
  TroupeMail *mail;
  guint8 flags;

  if (G_UNLIKELY (self->state != TROUPE_REF_LIVE) && troupe_ref_is_on_hold (self))
    left = 0;

  troupe_reactor_set_running (reactor, self);
  /* It was queued, and does not run; what is outside may run again further down. */
  self->flags ^= TROUPE_REF_QUEUED | TROUPE_REF_RUNNING;
  if (G_UNLIKELY (self->flags & TROUPE_REF_OUTSIDE))
    self->flags &= ~TROUPE_REF_RUNNING;

  while (TRUE)
    {
      if (G_UNLIKELY (self->control != 0))
        mail = troupe_ref_take_controlled (self, reactor, left);
      else
        mail = left > 0 && self->head != NULL ? troupe_ref_dequeue (self) : NULL;
      if (mail == NULL)
        break;

      left--;
      reactor->turns++;
      troupe_ref_run_turn (self, reactor, mail);
      troupe_reactor_show_life (reactor);
    }

  if (G_UNLIKELY (reactor->flushes != NULL))
    troupe_reactor_run_flushes (reactor);

  flags = self->flags;
  self->flags = flags & ~(TROUPE_REF_RUNNING | TROUPE_REF_CROWDS);
  troupe_reactor_set_running (reactor, NULL);
  troupe_reactor_show_life (reactor);

  if (self->head != NULL || G_UNLIKELY (self->control != 0 || self->state == TROUPE_REF_ENDED))
    troupe_ref_end_slice (self, reactor, flags & TROUPE_REF_CROWDS);
}

void
troupe_reactor_run_ready (TroupeReactor *self)
{
  gint64 end = self->now + self->pass_us;
  guint next_look = MIN (TROUPE_CLOCK_TURNS, self->pass_turns);
  TroupeRef *ref;

  /* For all slices: what changes it meanwhile puts it back. */
  self->running_stack = troupe_depth_get_stack ();

  while ((ref = troupe_reactor_pop_ready (self)) != NULL)
    {
      troupe_ref_run_slice (ref, self);

      if (G_LIKELY (self->turns < next_look))
        continue;
      self->now = troupe_reactor_read_clock (self);
      if (self->now >= end || self->turns >= self->pass_turns)
        break;
      next_look = MIN (self->turns + TROUPE_CLOCK_TURNS, self->pass_turns);
    }
}
