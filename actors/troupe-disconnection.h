/* troupe-disconnection.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-types.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_DISCONNECTION (troupe_disconnection_get_type ())

typedef struct _TroupeDisconnection TroupeDisconnection;

TROUPE_AVAILABLE_IN_ALL
GType                troupe_disconnection_get_type       (void) G_GNUC_CONST;
TROUPE_AVAILABLE_IN_ALL
TroupeDisconnection *troupe_disconnection_ref            (TroupeDisconnection *self);
TROUPE_AVAILABLE_IN_ALL
void                 troupe_disconnection_unref          (TroupeDisconnection *self);
TROUPE_AVAILABLE_IN_ALL
const GError        *troupe_disconnection_get_error      (TroupeDisconnection *self);
TROUPE_AVAILABLE_IN_ALL
gint64               troupe_disconnection_get_delay_ms   (TroupeDisconnection *self);
TROUPE_AVAILABLE_IN_ALL
guint                troupe_disconnection_get_n_failures (TroupeDisconnection *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TroupeDisconnection, troupe_disconnection_unref)

G_END_DECLS
