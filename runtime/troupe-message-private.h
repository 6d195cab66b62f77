/* troupe-message-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-body-private.h"
#include "troupe-mail-private.h"
#include "troupe-message.h"
#include "troupe-ref-private.h"
#include "troupe-slab-private.h"

G_BEGIN_DECLS

/* mail.bits of a message */
#define TROUPE_MESSAGE_SENT 1        /* it has travelled, or lies in a mailbox */
#define TROUPE_MESSAGE_ANSWERED 2    /* its receiver answered the ask, or passed on the debt */
#define TROUPE_MESSAGE_SHARES 8      /* the body is that of `original`, which it holds instead of a target */
#define TROUPE_MESSAGE_IN_FIBER 16   /* a fiber that waits will answer */
#define TROUPE_MESSAGE_TIMED 32      /* it is a TroupeTimedMessage */
#define TROUPE_MESSAGE_REPLAYED 64   /* its handler failed, and it is there once more: it is no dead letter */
#define TROUPE_MESSAGE_LETTER 4      /* the sender counts it in n_letters, which needs no atomic operation */

struct _TroupeMessage
{
  TroupeMail      mail;
  const char     *name;              /* interned */
  TroupeRef      *sender;            /* a reference, unless it is a letter; or NULL */
  union
  {
    TroupeRef     *target;           /* a reference, on the way to another thread's reactor; else NULL */
    TroupeMessage *original;         /* a reference, if it shares */
  };
  TroupeResolver *reply;             /* the debt of an ask, or NULL */
  TroupeBody      body;
};

G_STATIC_ASSERT (sizeof (TroupeMessage) <= TROUPE_SLAB_SMALL_SIZE);

/* One that is not handled any more once it is too late. */
typedef struct
{
  TroupeMessage message;
  gint64        deadline;            /* µs, on the clock of the receiver's reactor */
} TroupeTimedMessage;

G_STATIC_ASSERT (sizeof (TroupeTimedMessage) <= TROUPE_SLAB_MEDIUM_SIZE);

/* Made ready to travel: SELF (taken), or a fresh envelope over its body if it has travelled or is shared. NULL, after a critical, if
 * that body cannot be shared. */
TroupeMessage *troupe_message_prepare_slow (TroupeMessage *self);

static inline TroupeMessage *
troupe_message_prepare (TroupeMessage *self)
{
  /* Acquire: what another holder did with it happened before it became ours alone. */
  if (G_UNLIKELY ((self->mail.bits & TROUPE_MESSAGE_SENT) ||
                  __atomic_load_n (&self->mail.ref_count, __ATOMIC_ACQUIRE) > 1))
    return troupe_message_prepare_slow (self);

  self->mail.bits |= TROUPE_MESSAGE_SENT;

  return self;
}

/* On the thread that it stayed on. */
static inline void
troupe_message_release_sender (TroupeMessage *self)
{
  TroupeRef *sender = self->sender;

  if (sender == NULL)
    return;

  if (!(self->mail.bits & TROUPE_MESSAGE_LETTER))
    troupe_ref_unref (sender);
  else if (--sender->n_letters == 0)
    troupe_ref_check_letters (sender);
}

/* An envelope with the body, the deadline, and the debt of SELF, which stays without the debt; NULL, after a critical, if the body
 * cannot be passed on. */
TroupeMessage *troupe_message_hand_on   (TroupeMessage *self);
/* Takes SELF, and returns an envelope over its body that is to arrive in time; or NULL as prepare () does. */
TroupeMessage *troupe_message_new_timed (TroupeMessage *self,
                                         gint64         deadline);

/* Takes the debt away. */
TroupeResolver *troupe_message_steal_reply (TroupeMessage *self);
/* The debt, if there is one, is answered with a copy of ERROR. */
void           troupe_message_reject    (TroupeMessage *self,
                                         const GError  *error);
void           troupe_message_free      (TroupeMessage *self);
/* NAME is interned; takes BODY. */
TroupeMessage *troupe_message_new_with_body (const char  *name,
                                         TroupeBody     body);

/* Unref, of what most likely nobody else holds, and is a letter that was handled. */
static inline void
troupe_message_drop (TroupeMessage *self)
{
  const guint8 kinds = TROUPE_MESSAGE_LETTER | TROUPE_MESSAGE_SHARES | TROUPE_MESSAGE_TIMED;

  /* The only holder needs no atomic subtraction. Acquire, as in prepare (). */
  if (G_UNLIKELY (__atomic_load_n (&self->mail.ref_count, __ATOMIC_ACQUIRE) != 1))
    {
      troupe_message_unref (self);
    }
  else if (G_LIKELY ((self->mail.bits & kinds) == TROUPE_MESSAGE_LETTER && self->reply == NULL) &&
           troupe_body_is_plain (&self->body))
    {
      /* It has no target, as it did not come from another thread. */
      if (--self->sender->n_letters == 0)
        troupe_ref_check_letters (self->sender);
      troupe_slab_free (TROUPE_SLAB_SMALL, self);
    }
  else
    {
      troupe_message_free (self);
    }
}

G_END_DECLS
