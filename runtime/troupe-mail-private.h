/* troupe-mail-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-types.h"

G_BEGIN_DECLS

/*
 * What lies in a mailbox: the head of a message, of a promise whose continuation is due, of a timer, of a descriptor, or of a
 * call. Linking it costs no allocation.
 */
typedef enum
{
  TROUPE_MAIL_MESSAGE,               /* TroupeMessage; the mailbox owns a reference */
  TROUPE_MAIL_MARKED,                /* the same, to be looked at before it is handled: troupe-mailbox-private.h */
  TROUPE_MAIL_CONTINUATION,          /* TroupePromise; the mailbox owns a hold */
  TROUPE_MAIL_TIMER,                 /* TroupeTimer; the mailbox owns a reference */
  TROUPE_MAIL_IO,                    /* TroupeIo, embedded in what owns the descriptor */
  TROUPE_MAIL_CALL,                  /* TroupeCall; owned */
} TroupeMailKind;

typedef struct _TroupeMail TroupeMail;

struct _TroupeMail
{
  TroupeMail *next;
  guint8      kind;                  /* a TroupeMailKind */
  guint8      bits;                  /* for the kind's own use */
  guint16     more_bits;
  gint        ref_count;             /* for the kind's own use */
};

G_STATIC_ASSERT (sizeof (TroupeMail) == 16);

static inline gboolean
troupe_mail_is_message (const TroupeMail *mail)
{
  return mail->kind <= TROUPE_MAIL_MARKED;
}

/* mail.bits of a call: from another thread, run it as it comes in and not as a turn (the control lane). */
#define TROUPE_CALL_AT_ONCE 1
/* It is the actor's own code that it runs, or its order among the messages counts: it waits as they do while a fiber waits. */
#define TROUPE_CALL_IN_ORDER 2
/* … and: a restart drops it, because it is for the object that was there. */
#define TROUPE_CALL_OF_OBJECT 4

typedef void (*TroupeCallFunc) (TroupeRef *target,
                                gpointer   data);

/* A turn of TARGET that runs FUNC: what the runtime asks of an actor's own thread. */
typedef struct
{
  TroupeMail      mail;
  TroupeRef      *target;            /* a reference */
  TroupeCallFunc  func;
  TroupeCallFunc  refused;           /* run instead, on the target's thread, when the target has ended; or NULL */
  gpointer        data;
  GDestroyNotify  destroy;           /* of data, after either; or NULL */
} TroupeCall;

/* Calls FUNC, which may be NULL, and frees CALL. */
void troupe_call_run (TroupeCall     *call,
                      TroupeCallFunc  func);

G_END_DECLS
