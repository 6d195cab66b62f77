/* troupe-mailbox-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-message-private.h"
#include "troupe-ref-life-private.h"

G_BEGIN_DECLS

/*
 * What a mailbox does with messages besides handing them out one after the other. Few have that: what follows is for those whose
 * ref has rules, or for messages that are marked.
 *
 * All is for the actor's own thread.
 */

struct _TroupeMailbox
{
  guint              capacity;       /* 0: none */
  TroupeOverflow     overflow;
  const char *const *urgent;         /* interned names, then NULL; or NULL; the class's */
  guint              stash_limit;

  guint              n_messages;     /* that wait and count; atomic, as others look at it */
  guint              n_posted;       /* if the ref counts them: on their way from other threads; atomic */
  guint              n_dead;         /* that were dropped, and lie where they lay */
  gboolean           is_failing;     /* with FAIL: a turn that does it is on its way */
  GQueue             oldest;         /* with DROP_OLDEST: those that count and can be dropped, oldest first */
  GHashTable        *throttled;      /* set of TroupeRef: connections that wait until there is room; or NULL */

  TroupeHeld         urgent_mail;    /* goes before all other mail; while there is any, control has TROUPE_CONTROL_HELD */
  TroupeHeld         stash;
  guint              n_stashed;

  TroupeTimer       *timer;          /* of the receive timeout, or NULL */
  gint64             timeout_ms;
  gint64             received;       /* µs: when the last message was handled */
};

/* mail.more_bits of a message */
#define TROUPE_MARK_COUNTED 1        /* in n_messages */
#define TROUPE_MARK_DEAD    2        /* dropped: to be skipped */
#define TROUPE_MARK_SYSTEM  4        /* from the runtime: there is always room */
#define TROUPE_MARK_LISTED  8        /* in oldest */
#define TROUPE_MARK_STOPPED 16       /* its sender was throttled when it was posted */

/* Gives REF the rules of its type, if that has any; before anybody knows REF. */
void           troupe_mailbox_set_up       (TroupeRef     *ref);
void           troupe_mailbox_free         (TroupeMailbox *self);
TroupeMailbox *troupe_mailbox_need         (TroupeRef     *ref);
/* From now on every message to REF is marked, and what is there already is too. */
void           troupe_mailbox_mark_all     (TroupeRef     *ref);
/* MESSAGE has come: TRUE if it was dropped, or is in the mailbox already. */
gboolean       troupe_mailbox_admit        (TroupeRef     *ref,
                                            TroupeMessage *message);
/* MAIL is to be the actor's first turn, before what is urgent: TRUE if it is in the mailbox now. */
gboolean       troupe_mailbox_put_first    (TroupeRef     *ref,
                                            TroupeMail    *mail);
/* Any thread: how much waits for REF, on its own thread or for a child of a class that weighs its children; of others it is 0. */
guint          troupe_ref_get_load         (TroupeRef     *ref);
/* On SENDER's thread: MESSAGE is to be posted to REF, which counts that. */
void           troupe_mailbox_post         (TroupeRef     *ref,
                                            TroupeMessage *message,
                                            TroupeRef     *sender);
/* MESSAGE comes in from another thread. */
void           troupe_mailbox_take_posted  (TroupeRef     *ref);
/* MESSAGE was posted and goes back unhandled: its sender may go on. */
void           troupe_mailbox_let_go       (TroupeMessage *message);
/* A marked message has its turn: FALSE, after MESSAGE was dropped, if it is not handled any more. */
gboolean       troupe_mailbox_take         (TroupeRef     *ref,
                                            TroupeMessage *message);
/* What troupe_mailbox_take () let through was handled. */
void           troupe_mailbox_note_handled (TroupeRef     *ref);
/* A marked message is out of the mailbox unhandled: FALSE, after MESSAGE was dropped, if it was dead already. */
gboolean       troupe_mailbox_forget       (TroupeRef     *ref,
                                            TroupeMessage *message);
/* Puts what was stashed before all other mail. */
void           troupe_mailbox_unstash      (TroupeRef     *ref);
/* The object of REF ends: what it has put aside is mail again. */
void           troupe_mailbox_close        (TroupeRef     *ref);

/* Any thread: REF, if it is a connection, reads no more, or does again; as often as it was stopped. */
void           troupe_ref_throttle         (TroupeRef     *ref,
                                            gboolean       throttle);

G_END_DECLS
