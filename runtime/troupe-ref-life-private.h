/* troupe-ref-life-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-ref-private.h"
#include "troupe-topics-private.h"
#include "troupe-supervision-private.h"

G_BEGIN_DECLS

typedef struct _TroupeFiber TroupeFiber;
typedef struct _TroupeRestart TroupeRestart;
typedef struct _TroupeMailbox TroupeMailbox;

/* What a parent gave to be set at construction; kept where a restart may need it again. */
typedef struct
{
  guint   n_properties;
  char  **names;
  GValue *values;
} TroupeBirth;

void         troupe_birth_free          (TroupeBirth    *self);

/* A list of mail, first come first. */
typedef struct
{
  TroupeMail *head;
  TroupeMail *tail;
} TroupeHeld;

static inline void
troupe_held_push (TroupeHeld *self,
                  TroupeMail *mail)
{
  mail->next = NULL;
  if (self->tail != NULL)
    self->tail->next = mail;
  else
    self->head = mail;
  self->tail = mail;
}

static inline void
troupe_held_push_first (TroupeHeld *self,
                        TroupeMail *mail)
{
  mail->next = self->head;
  self->head = mail;
  if (self->tail == NULL)
    self->tail = mail;
}

static inline TroupeMail *
troupe_held_pop (TroupeHeld *self)
{
  TroupeMail *mail = self->head;

  if (mail != NULL)
    {
      self->head = mail->next;
      if (self->head == NULL)
        self->tail = NULL;
    }

  return mail;
}

/* What few actors have. Belongs to the actor's thread, but for birth, which is set before anybody knows the ref. */
struct _TroupeRefExtra
{
  TroupeBirth *birth;
  GPtrArray   *deferred;             /* TroupeResolver: holds on replies that are still owed */
  guint        deferred_limit;       /* when to look for those that were given meanwhile */
  GHashTable  *watchers;             /* set of TroupeRef: who is told of the end */
  GHashTable  *watching;             /* set of TroupeRef: whose end it is told of */
  GHashTable  *links;                /* of TroupeRef: who is linked to it, see troupe-ref-link.c */
  GError      *error;                /* what it failed with; kept after the end */
  gboolean     registered;           /* in a table of the system's, besides its name */
  TroupeFiber *fibers;               /* that have not come to their ends */
  guint        n_waiting;            /* fibers that other mail waits for … */
  TroupeHeld   held;                 /* … here … */
  TroupeHeld   held_io;              /* … and here: descriptors, which are few */
  TroupeSupervisor *supervisor;      /* of its children */
  TroupeRestart *restart;            /* that is under way */
  TroupeMessage *failed;             /* a reference: to be handled again after a restart */
  guint        n_restarts;
  gboolean     is_mortal;            /* its construct properties were not kept: it cannot be restarted */
  TroupeMailbox *mailbox;            /* what it does besides handing out messages; or NULL */
  guint        n_throttles;          /* mailboxes that want it to read no more */
};

TroupeRefExtra *troupe_ref_need_extra   (TroupeRef      *self);
void            troupe_ref_free_extra   (TroupeRef      *self);

/* Takes SET, of refs, and gives them in the order of their birth. */
GPtrArray      *troupe_ref_steal_set    (GHashTable    **set);

/* In SELF's slice, at a turn boundary. */
void            troupe_ref_run_control  (TroupeRef      *self);
/* On its parent's thread: puts SELF among its parent's children; FALSE if the parent ends. */
gboolean        troupe_ref_link_parent  (TroupeRef      *self);
/* Has one that is linked, and waits in a nursery, begin. */
void            troupe_ref_begin_life   (TroupeRef      *self);
/* On SELF's thread: CHILD has been left behind with its own, see troupe-pool-private.h. */
void            troupe_ref_lose_child   (TroupeRef      *self,
                                         TroupeRef      *child);
/* The end of one that was never born because its parent ended first. */
void            troupe_ref_end_unborn   (TroupeRef      *self);
/* SELF's parent is on SELF's thread, and there is one. */
static inline gboolean
troupe_ref_has_parent_here (TroupeRef *self)
{
  return self->parent != NULL && self->parent->reactor == self->reactor;
}
/* Builds the object and starts it. FALSE: that has failed, which is noted. */
gboolean        troupe_ref_be_born      (TroupeRef      *self);
/* Takes out of the mailbox what SELF's state refuses. */
void            troupe_ref_bounce_mail  (TroupeRef      *self);
void            troupe_ref_release_resources (TroupeRef *self,
                                         TroupeEnd       end);
void            troupe_ref_end_children (TroupeRef      *self,
                                         guint           bits);
/* The last turn of the object, and then it and all that was its own: promises, timers, replies that it owes. STATE is BETWEEN or
 * ENDED. */
void            troupe_ref_end_object   (TroupeRef      *self,
                                         TroupeRefState  state);

/* How SELF has ended, and why. */
TroupeTermination *troupe_ref_new_termination (TroupeRef *self);
/* Tells those who are linked to SELF, which has ended. */
void            troupe_ref_end_links    (TroupeRef      *self);

/* News of SELF, for those who have subscribed to them. */
void            troupe_ref_publish_termination (TroupeRef *self,
                                         TroupeNews      news,
                                         TroupeEnd       end);

/* Supervision: troupe-ref-restart.c. On SELF's thread. */

/* SELF has failed: asks its supervisor, or ends it. */
void            troupe_ref_take_failure (TroupeRef      *self);
/* Decides about children that have failed. */
void            troupe_ref_judge_children (TroupeRef    *self);
void            troupe_ref_begin_restart (TroupeRef     *self);
/* The last hold is gone. */
void            troupe_ref_finish_restart (TroupeRef    *self);
/* The next object. */
void            troupe_ref_be_reborn    (TroupeRef      *self);
/* SELF ends, whatever was to become of it. */
void            troupe_ref_leave_restart (TroupeRef     *self);
/* Whether it may have to be built again: then its construct properties are kept. */
gboolean        troupe_ref_may_restart  (TroupeRef      *self);
/* What SELF's own policy, or the default, says of CHILD. */
TroupeDirective troupe_ref_get_directive (TroupeRef     *self,
                                         TroupeRef      *child);
/* Whether CHILD, which has failed, may be restarted once more. */
gboolean        troupe_ref_has_patience (TroupeRef      *self,
                                         TroupeRef      *child);
/* Answers for the message that was to be handled again. */
void            troupe_ref_reject_failed (TroupeRef     *self);
/* Forgets children that wait for a decision. */
void            troupe_ref_forget_failed (TroupeRef     *self);
void            troupe_ref_begin_end    (TroupeRef      *self,
                                         TroupeEnd       end);

/* Gives MAIL back unhandled: SELF ends or has ended. */
void            troupe_ref_bounce       (TroupeRef      *self,
                                         TroupeMail     *mail);

G_END_DECLS
