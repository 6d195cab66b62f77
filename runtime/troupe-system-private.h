/* troupe-system-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-error.h"
#include "troupe-ref-private.h"
#include "troupe-system.h"

G_BEGIN_DECLS

/* All of these may be called from any thread. */
guint64    troupe_system_next_serial     (TroupeSystem  *self);
gboolean   troupe_system_register_name   (TroupeSystem  *self,
                                          TroupeRef     *ref,
                                          GError       **error);
void       troupe_system_unregister_name (TroupeSystem  *self,
                                          TroupeRef     *ref);
void       troupe_system_count_actor     (TroupeSystem  *self,
                                          int            more);
/* MESSAGE stays the caller's. */
void       troupe_system_bury            (TroupeSystem  *self,
                                          TroupeRef     *target,
                                          TroupeMessage *message,
                                          TroupeError    reason);
/* On the root's thread. */
void       troupe_system_root_ended      (TroupeSystem  *self);

G_END_DECLS
