/* troupe-factory-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-address-private.h"
#include "troupe-factory.h"
#include "troupe-ref-private.h"

G_BEGIN_DECLS

/* All in turns of the factory. */

/* A port opened or a connect began; the port is closed or the connect has its outcome. */
void       troupe_factory_begin (TroupeFactory        *self);
void       troupe_factory_end   (TroupeFactory        *self);
/* The actor of a new connection over FD, which is taken. PLACE is where it is to live, or NULL for where its class says. (transfer full);
 * NULL without an error: declined. */
TroupeRef *troupe_factory_build (TroupeFactory        *self,
                                 int                   fd,
                                 const TroupeAddress  *peer,
                                 TroupeReactor        *place,
                                 GError              **error);
GError    *troupe_factory_new_declined_error (const TroupeAddress *peer,
                                 const GError         *cause);

/* Whether it makes sense to listen or connect for FACTORY, from this thread. */
gboolean   troupe_factory_check (TroupeRef            *factory,
                                 const char           *instead,
                                 GError              **error);

/* The factory at REF, while it lives; else NULL. */
static inline TroupeFactory *
troupe_factory_at (TroupeRef *ref)
{
  return troupe_ref_get_state (ref) == TROUPE_REF_LIVE ? (TroupeFactory *) ref->actor : NULL;
}

G_END_DECLS
