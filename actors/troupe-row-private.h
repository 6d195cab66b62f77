/* troupe-row-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-body-private.h"
#include "troupe-promise-private.h"
#include "troupe-ref-private.h"

G_BEGIN_DECLS

/*
 * What a semaphore and a queue are built on: an object that is at home with an actor, or outside, and those who wait for
 * something of it, at home or elsewhere. All but home, which never changes, belongs to home's turns; who is elsewhere asks by a call.
 * It is no part of the object, which may be freed on any thread.
 */
typedef struct
{
  TroupeResource  resource;          /* first: of home, unless that is no actor */
  TroupeRef      *home;              /* a reference */
  guint           life;              /* which of home's lives it is part of: how often that had been restarted */
  GQueue          waiters;           /* the longest first */
  gboolean        over;              /* home ends: nobody elsewhere is answered any more */
} TroupeRow;

typedef struct _TroupeRowAsk TroupeRowAsk;

/* A turn of home. It may take resolver and item out of ASK. */
typedef void (*TroupeRowAnswer) (gpointer      object,
                                 TroupeRowAsk *ask);

struct _TroupeRowAsk
{
  TroupeRow       *row;              /* of object */
  GObject         *object;           /* a reference */
  TroupeRowAnswer  answer;
  TroupeResolver  *resolver;
  TroupeBody       item;
};

/* At home here and now. */
TroupeRow      *troupe_row_new         (void);
/* Any thread: the object is gone. */
void            troupe_row_free        (TroupeRow       *self);
gboolean        troupe_row_is_at_home  (TroupeRow       *self);
/* Elsewhere: promises, here, what OBJECT will answer. Takes ITEM, or NULL. */
TroupePromise  *troupe_row_ask         (TroupeRow       *self,
                                        gpointer         object,
                                        TroupeRowAnswer  answer,
                                        TroupeBody      *item);
/* At home: waits at the end of the row. */
TroupePromise  *troupe_row_wait        (TroupeRow       *self);
/* The same for a promise elsewhere; takes RESOLVER. */
void            troupe_row_admit       (TroupeRow       *self,
                                        TroupeResolver  *resolver);
/* Takes the one out that has waited longest, or NULL. */
TroupeResolver *troupe_row_take        (TroupeRow       *self,
                                        gboolean        *elsewhere);

G_END_DECLS
