/* troupe-promise-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-body-private.h"
#include "troupe-mail-private.h"
#include "troupe-promise.h"
#include "troupe-resolver.h"
#include "troupe-slab-private.h"

G_BEGIN_DECLS

/* A promise at home in HOME (an actor, or the outside of a reactor), with its resolver as if by troupe_promise_new (). */
TroupePromise *troupe_promise_new_at       (TroupeRef       *home,
                                            TroupeResolver **resolver);
/* Already rejected; takes ERROR. */
TroupePromise *troupe_promise_new_rejected_at (TroupeRef    *home,
                                            GError          *error);
/* The home of a promise made here and now: the current actor, else the outside of the thread-default context. (transfer none),
 * valid while the turn or the context lives. */
TroupeRef     *troupe_promise_get_home_now (void);

/* Any thread. Takes BODY or ERROR in any case; FALSE when it was already resolved. */
gboolean       troupe_resolver_resolve_body (TroupeResolver *self,
                                            TroupeBody      *body);
gboolean       troupe_resolver_take_error  (TroupeResolver  *self,
                                            GError          *error);
/* A count on the block that is neither a consumer nor a resolver. */
void           troupe_resolver_hold        (TroupeResolver  *self);
void           troupe_resolver_unhold      (TroupeResolver  *self);

/* Called by the mailbox, on the home's thread. The home given to a posted continuation: */
TroupeRef     *troupe_promise_get_home     (TroupePromise   *self);
void           troupe_promise_run_turn     (TroupePromise   *self);   /* takes the mailbox's hold */
void           troupe_promise_drop_turn    (TroupePromise   *self);   /* the same, home has ended */
/* Abandons every promise in HOME's list, oldest first (rules 120, 121). */
void           troupe_promise_abandon_all  (TroupeRef       *home);
/* The outcome of PROMISE, at home here or elsewhere, resolves RESOLVER; takes both. */
void           troupe_promise_pipe         (TroupePromise   *self,
                                            TroupeResolver  *resolver);

G_END_DECLS
