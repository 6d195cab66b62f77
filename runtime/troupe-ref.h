/* troupe-ref.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-message.h"
#include "troupe-types.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_REF (troupe_ref_get_type ())

TROUPE_AVAILABLE_IN_ALL
GType          troupe_ref_get_type   (void) G_GNUC_CONST;
TROUPE_AVAILABLE_IN_ALL
TroupeRef     *troupe_ref_ref        (TroupeRef     *self);
TROUPE_AVAILABLE_IN_ALL
void           troupe_ref_unref      (TroupeRef     *self);

TROUPE_AVAILABLE_IN_ALL
void           troupe_ref_send       (TroupeRef     *self,
                                      TroupeMessage *message);
TROUPE_AVAILABLE_IN_ALL
void           troupe_ref_send_within (TroupeRef   *self,
                                      TroupeMessage *message,
                                      gint64         timeout_ms);
TROUPE_AVAILABLE_IN_ALL
void           troupe_ref_send_all   (TroupeRef    **refs,
                                      gsize          n_refs,
                                      TroupeMessage *message);
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_ref_ask        (TroupeRef     *self,
                                      TroupeMessage *message) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_ref_ask_within (TroupeRef     *self,
                                      TroupeMessage *message,
                                      gint64         timeout_ms) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeMessage *troupe_ref_ask_sync   (TroupeRef     *self,
                                      TroupeMessage *message,
                                      gint64         timeout_ms,
                                      GCancellable  *cancellable,
                                      GError       **error) G_GNUC_WARN_UNUSED_RESULT;

TROUPE_AVAILABLE_IN_ALL
void           troupe_ref_stop       (TroupeRef     *self);
TROUPE_AVAILABLE_IN_ALL
void           troupe_ref_finish     (TroupeRef     *self);
TROUPE_AVAILABLE_IN_ALL
void           troupe_ref_kill       (TroupeRef     *self);

TROUPE_AVAILABLE_IN_ALL
TroupeSystem  *troupe_ref_get_system (TroupeRef     *self);
TROUPE_AVAILABLE_IN_ALL
TroupeRef     *troupe_ref_get_parent (TroupeRef     *self);
TROUPE_AVAILABLE_IN_ALL
GType          troupe_ref_get_actor_type (TroupeRef *self);
TROUPE_AVAILABLE_IN_ALL
TroupeReactor *troupe_ref_get_reactor    (TroupeRef      *self);
TROUPE_AVAILABLE_IN_ALL
gboolean       troupe_ref_has_ended  (TroupeRef     *self);
TROUPE_AVAILABLE_IN_ALL
char          *troupe_ref_dup_name   (TroupeRef     *self) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
char          *troupe_ref_dup_path   (TroupeRef     *self) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TroupeRef, troupe_ref_unref)

G_END_DECLS
