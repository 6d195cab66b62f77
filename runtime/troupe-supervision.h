/* troupe-supervision.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-enums.h"
#include "troupe-types.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_SUPERVISION (troupe_supervision_get_type ())

TROUPE_AVAILABLE_IN_ALL
GType              troupe_supervision_get_type      (void) G_GNUC_CONST;
TROUPE_AVAILABLE_IN_ALL
TroupeSupervision *troupe_supervision_new           (TroupeDirective          directive) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeSupervision *troupe_supervision_copy          (const TroupeSupervision *self) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
void               troupe_supervision_free          (TroupeSupervision       *self);
TROUPE_AVAILABLE_IN_ALL
void               troupe_supervision_set_strategy  (TroupeSupervision       *self,
                                                     TroupeStrategy           strategy);
TROUPE_AVAILABLE_IN_ALL
void               troupe_supervision_set_intensity (TroupeSupervision       *self,
                                                     guint                    n_restarts,
                                                     gint64                   period_ms);
TROUPE_AVAILABLE_IN_ALL
void               troupe_supervision_set_last_resort (TroupeSupervision     *self,
                                                     TroupeDirective          directive);
TROUPE_AVAILABLE_IN_ALL
void               troupe_supervision_set_back_off  (TroupeSupervision       *self,
                                                     gint64                   first_ms,
                                                     gint64                   longest_ms);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TroupeSupervision, troupe_supervision_free)

G_END_DECLS
