/* troupe-pool-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-reactor-private.h"

G_BEGIN_DECLS

/* The threads of a system for actors that block. */
typedef struct _TroupePool TroupePool;
typedef struct _TroupePoolThread TroupePoolThread;

/* Called on the system's own thread when one of the threads has ended after the pool was closed. */
typedef void (*TroupePoolFunc) (TroupeSystem *system);

TroupePool    *troupe_pool_new           (TroupeSystem   *system,
                                          TroupePoolFunc  ended);
void           troupe_pool_unref         (TroupePool     *self);

/* The following are for any thread. */
void           troupe_pool_set_limits    (TroupePool     *self,
                                          guint           max_threads,
                                          gint64          idle_ms);
guint          troupe_pool_get_n_threads (TroupePool     *self);
/* A reference to where one more actor is to live, as the system may end meanwhile; NULL with ERROR. The place is either given back, or
 * the actor enters. */
TroupeReactor *troupe_pool_take_reactor  (TroupePool     *self,
                                          GError        **error);
void           troupe_pool_give_back     (TroupeReactor  *reactor);
gboolean       troupe_pool_owns          (TroupePool     *self,
                                          TroupeReactor  *reactor);
/* On REACTOR's thread, which is a pool's: as if REACTOR had been taken. */
void           troupe_pool_share_reactor (TroupeReactor  *reactor);
/* REF, or its parent, lives on a thread of a pool. */
static inline gboolean
troupe_pool_concerns (TroupeRef *ref)
{
  return ref->reactor->pool_thread != NULL || (ref->parent != NULL && ref->parent->reactor->pool_thread != NULL);
}
/* REF, of which that is true, is spawned. FALSE if its thread, or its parent's, has been left behind. */
gboolean       troupe_pool_enter         (TroupeRef      *ref);
/* It has ended. TRUE if it has been left behind with its thread: then the caller has a reference to REF more, and nobody else is to be told. */
gboolean       troupe_pool_leave         (TroupeRef      *ref);
/* MESSAGE is on its way to REACTOR from another thread. FALSE if that has been left behind. */
gboolean       troupe_pool_admit         (TroupeReactor  *reactor,
                                          TroupeMessage  *message);
gboolean       troupe_pool_has_lost      (TroupeReactor  *reactor);

/* On a thread of a pool. */

/* A pass is over. */
void           troupe_pool_end_pass      (TroupePoolThread *self);
/* A turn is over, and there may be news. */
void           troupe_pool_look          (TroupePoolThread *self);

/* On the system's own thread. */

/* ANCESTOR was killed a while ago: the threads that are stuck in a turn of what is below it are left behind. */
void           troupe_pool_abandon       (TroupePool     *self,
                                          TroupeRef      *ancestor);
/* No actor is left: all threads end. How many they are. */
guint          troupe_pool_close         (TroupePool     *self);

/* With REACTOR, whose it is. */
void           troupe_pool_thread_free   (TroupePoolThread *self);

G_END_DECLS
