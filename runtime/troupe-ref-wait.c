/* troupe-ref-wait.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-backend-private.h"
#include "troupe-mailbox-private.h"
#include "troupe-ref-life-private.h"
#include "troupe-ref-wait-private.h"
#include "troupe-timer-private.h"

/*
 * While a fiber waits, what would be other turns of the actor's own code is moved from the mailbox to a list of mail that is held, in the
 * order in which it comes, when its turn would be. What may end the wait has its turn: continuations, the runtime's calls, timers and
 * descriptors that a promise waits for, and room for what the actor has written.
 *
 * A message is held once at most, however often fibers wait: afterwards the next one is taken from there, until
 * it is empty, and what comes meanwhile is added at its end. So waiting costs the same with a million messages in the mailbox.
 */

/* As many are looked at before others have their slice. */
#define LOOKS 512

static gboolean
troupe_held_remove (TroupeHeld *self,
                    TroupeMail *mail)
{
  TroupeMail *previous = NULL;
  TroupeMail *other;

  for (other = self->head; other != NULL && other != mail; other = other->next)
    previous = other;

  if (other == NULL)
    return FALSE;

  if (previous != NULL)
    previous->next = mail->next;
  else
    self->head = mail->next;
  if (self->tail == mail)
    self->tail = previous;

  return TRUE;
}

void
troupe_ref_begin_wait (TroupeRef *self)
{
  troupe_ref_need_extra (self)->n_waiting++;
  self->control |= TROUPE_CONTROL_HELD;
}

/* Whether MAIL would run code of the actor that is no part of what a fiber waits for. */
static gboolean
troupe_mail_is_deferrable (TroupeMail *mail)
{
  switch ((TroupeMailKind) mail->kind)
    {
    case TROUPE_MAIL_MESSAGE:
    case TROUPE_MAIL_MARKED:
      return TRUE;

    case TROUPE_MAIL_IO:
      return !(mail->bits & TROUPE_IO_PROMISED);

    case TROUPE_MAIL_TIMER:
      return !(mail->bits & (TROUPE_TIMER_INTERNAL | TROUPE_TIMER_PROMISED));

    case TROUPE_MAIL_CALL:
      return (mail->bits & TROUPE_CALL_IN_ORDER) != 0;

    case TROUPE_MAIL_CONTINUATION:
    default:
      return FALSE;
    }
}

/* Where the urgent mail is, if the first of it may have its turn now, or NULL. */
static inline TroupeHeld *
troupe_ref_get_urgent (TroupeRef *self)
{
  TroupeRefExtra *extra = self->extra;
  TroupeMail *first = extra->mailbox != NULL ? extra->mailbox->urgent_mail.head : NULL;

  return first != NULL && (extra->n_waiting == 0 || !troupe_mail_is_deferrable (first)) ? &extra->mailbox->urgent_mail : NULL;
}

static void
troupe_ref_check_held (TroupeRef *self)
{
  TroupeRefExtra *extra = self->extra;

  if (extra->n_waiting == 0 && extra->held.head == NULL && extra->held_io.head == NULL &&
      troupe_ref_get_urgent (self) == NULL)
    self->control &= ~TROUPE_CONTROL_HELD;
}

void
troupe_ref_end_wait (TroupeRef *self)
{
  g_assert (self->extra->n_waiting > 0);

  self->extra->n_waiting--;
  troupe_ref_check_held (self);
}

static void
troupe_ref_hold_mail (TroupeRef  *self,
                      TroupeMail *mail)
{
  self->n_mail++;

  if (mail->kind != TROUPE_MAIL_IO)
    {
      troupe_held_push (&self->extra->held, mail);
      return;
    }

  troupe_held_push (&self->extra->held_io, mail);
  troupe_io_hold ((TroupeIo *) mail);
}

static TroupeMail *
troupe_ref_take_from (TroupeRef  *self,
                      TroupeHeld *held)
{
  TroupeMail *mail = troupe_held_pop (held);

  if (mail != NULL)
    self->n_mail--;
  troupe_ref_check_held (self);

  return mail;
}

TroupeMail *
troupe_ref_take_held (TroupeRef *self)
{
  TroupeRefExtra *extra = self->extra;
  TroupeMail *mail;
  guint looks = 0;

  if (troupe_ref_get_urgent (self) != NULL)
    return troupe_ref_take_from (self, troupe_ref_get_urgent (self));

  while ((mail = self->head) != NULL && looks++ < LOOKS)
    {
      troupe_ref_dequeue (self);
      if (!troupe_mail_is_deferrable (mail) || !(self->control & TROUPE_CONTROL_HELD))
        return mail;
      troupe_ref_hold_mail (self, mail);
    }

  if (extra->n_waiting > 0 || self->head != NULL)
    return NULL;

  return troupe_ref_take_from (self, extra->held_io.head != NULL ? &extra->held_io : &extra->held);
}

gboolean
troupe_ref_has_turn (TroupeRef *self)
{
  if (self->head != NULL || (self->control & ~TROUPE_CONTROL_HELD) != 0)
    return TRUE;

  return (self->control & TROUPE_CONTROL_HELD) != 0 &&
         (self->extra->n_waiting == 0 || troupe_ref_get_urgent (self) != NULL);
}

void
troupe_ref_release_held (TroupeRef *self)
{
  TroupeRefExtra *extra = self->extra;
  TroupeHeld all = { NULL, NULL };
  TroupeMail *mail;

  if (!(self->control & TROUPE_CONTROL_HELD))
    return;

  if (extra->mailbox != NULL)
    all = extra->mailbox->urgent_mail;
  if (extra->mailbox != NULL)
    extra->mailbox->urgent_mail = (TroupeHeld) { NULL, NULL };
  while ((mail = troupe_held_pop (&extra->held_io)) != NULL)
    troupe_held_push (&all, mail);
  while ((mail = troupe_held_pop (&extra->held)) != NULL)
    troupe_held_push (&all, mail);
  self->control &= ~TROUPE_CONTROL_HELD;

  if (all.head == NULL)
    return;

  all.tail->next = self->head;
  if (self->head == NULL)
    self->tail = all.tail;
  self->head = all.head;
}

gboolean
troupe_ref_unhold_mail (TroupeRef  *self,
                        TroupeMail *mail)
{
  TroupeRefExtra *extra = self->extra;

  if (!(self->control & TROUPE_CONTROL_HELD))
    return FALSE;

  if (!troupe_held_remove (mail->kind == TROUPE_MAIL_IO ? &extra->held_io : &extra->held, mail))
    return FALSE;

  self->n_mail--;
  troupe_ref_check_held (self);

  return TRUE;
}
