/* troupe-ref-life-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-ref-private.h"

G_BEGIN_DECLS

typedef struct _TroupeFiber TroupeFiber;

/* What a parent gave to be set at construction; freed once the object is built. */
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

/* What few actors have. Belongs to the actor's thread, but for birth, which is set before anybody knows the ref. */
struct _TroupeRefExtra
{
  TroupeBirth *birth;
  GPtrArray   *deferred;             /* TroupeResolver: holds on replies that are still owed */
  guint        deferred_limit;       /* when to look for those that were given meanwhile */
  GHashTable  *watchers;             /* set of TroupeRef: who is told of the end */
  GHashTable  *watching;             /* set of TroupeRef: whose end it is told of */
  GError      *error;                /* what it failed with; kept after the end */
  gboolean     registered;           /* in a table of the system's, besides its name */
  TroupeFiber *fibers;               /* that have not come to their ends */
  guint        n_waiting;            /* fibers that other mail waits for … */
  TroupeHeld   held;                 /* … here … */
  TroupeHeld   held_io;              /* … and here: descriptors, which are few */
};

TroupeRefExtra *troupe_ref_need_extra   (TroupeRef      *self);
void            troupe_ref_free_extra   (TroupeRef      *self);

/* In SELF's slice, at a turn boundary. */
void            troupe_ref_run_control  (TroupeRef      *self);
/* On SELF's thread: puts it among its parent's children; FALSE if the parent ends. */
gboolean        troupe_ref_link_parent  (TroupeRef      *self);
/* The end of one that was never born because its parent ended first. */
void            troupe_ref_end_unborn   (TroupeRef      *self);
/* Gives MAIL back unhandled: SELF ends or has ended. */
void            troupe_ref_bounce       (TroupeRef      *self,
                                         TroupeMail     *mail);

G_END_DECLS
