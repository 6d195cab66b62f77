/* troupe-fiber.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-actor.h"
#include "troupe-types.h"

G_BEGIN_DECLS

/**
 * TroupeFiberFlags:
 * @TROUPE_FIBER_DEFAULT: while it waits, its actor's other turns wait, too
 * @TROUPE_FIBER_INTERLEAVED: while it waits, its actor goes on with other turns
 *
 * What may happen in an actor while one of its fibers waits.
 *
 * Since: 1.0
 */
typedef enum
{
  TROUPE_FIBER_DEFAULT     = 0,
  TROUPE_FIBER_INTERLEAVED = 1 << 0,
} TroupeFiberFlags;

#define TROUPE_TYPE_FIBER_FLAGS (troupe_fiber_flags_get_type ())
TROUPE_AVAILABLE_IN_ALL
GType troupe_fiber_flags_get_type (void) G_GNUC_CONST;

/**
 * TroupeFiberFunc: (skip)
 * @result: the resolver of the fiber's promise, to give it a value with
 * @user_data: what was given with the function
 * @error: return location for a #GError
 *
 * What a fiber runs.
 *
 * Returns: %TRUE, after resolving @result if it has a value; %FALSE with @error set to reject it
 *
 * Since: 1.0
 */
typedef gboolean (*TroupeFiberFunc) (TroupeResolver  *result,
                                     gpointer         user_data,
                                     GError         **error);

TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_fiber_start           (TroupeFiberFlags   flags,
                                             TroupeFiberFunc    func,
                                             gpointer           user_data,
                                             GDestroyNotify     destroy) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
void           troupe_actor_class_bind_fiber (TroupeActorClass *klass,
                                             const char        *name,
                                             GType              body_type,
                                             TroupeFiberFlags   flags,
                                             TroupeHandler      handler);
TROUPE_AVAILABLE_IN_ALL
gboolean       troupe_await                 (TroupePromise     *promise,
                                             GError           **error);

G_END_DECLS
