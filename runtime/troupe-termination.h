/* troupe-termination.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-enums.h"
#include "troupe-types.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_TERMINATION (troupe_termination_get_type ())

TROUPE_AVAILABLE_IN_ALL
GType              troupe_termination_get_type  (void) G_GNUC_CONST;
TROUPE_AVAILABLE_IN_ALL
TroupeTermination *troupe_termination_ref       (TroupeTermination *self);
TROUPE_AVAILABLE_IN_ALL
void               troupe_termination_unref     (TroupeTermination *self);
TROUPE_AVAILABLE_IN_ALL
TroupeRef         *troupe_termination_get_actor (TroupeTermination *self);
TROUPE_AVAILABLE_IN_ALL
TroupeEnd          troupe_termination_get_end   (TroupeTermination *self);
TROUPE_AVAILABLE_IN_ALL
const GError      *troupe_termination_get_error (TroupeTermination *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TroupeTermination, troupe_termination_unref)

G_END_DECLS
