/* troupe-actor-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-bindings-private.h"
#include "troupe-message-private.h"

G_BEGIN_DECLS

/* The ref whose object is being constructed on this thread: what makes an object a live actor. */
extern __thread TroupeRef *troupe_actor_in_birth;

/* What the base class has where there is nothing to do. Many classes keep it, and it need not be called. */
gboolean troupe_actor_real_started     (TroupeActor    *self,
                                        GError        **error);
void     troupe_actor_real_stopped     (TroupeActor    *self);
/* The receive of the base class, which most classes keep, and what it does. */
gboolean troupe_actor_real_receive     (TroupeActor    *self,
                                        TroupeMessage  *message,
                                        GError        **error);
/* The name may be unknown, the body another than BINDING's. */
gboolean troupe_actor_dispatch_slowly  (TroupeActor          *self,
                                        const TroupeBinding  *binding,
                                        TroupeMessage        *message,
                                        GError              **error);

static inline gboolean
troupe_actor_dispatch (TroupeActor           *self,
                       const TroupeBindings  *bindings,
                       TroupeMessage         *message,
                       GError               **error)
{
  const TroupeBinding *binding = troupe_bindings_lookup (bindings, message->name);

  if (G_UNLIKELY (binding == NULL || binding->body_type != message->body.type))
    return troupe_actor_dispatch_slowly (self, binding, message, error);

  return binding->handler (self, message, error);
}

/* Whether SELF has nothing to say of children that end well. */
gboolean troupe_actor_ignores_children (TroupeActor *self);
/* Whether SELF's class decides itself what becomes of a child that has failed. */
gboolean troupe_actor_decides          (TroupeActor *self);

G_END_DECLS
