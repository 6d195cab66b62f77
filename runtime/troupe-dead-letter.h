/* troupe-dead-letter.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-error.h"
#include "troupe-types.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_DEAD_LETTER (troupe_dead_letter_get_type ())

TROUPE_AVAILABLE_IN_ALL
GType             troupe_dead_letter_get_type    (void) G_GNUC_CONST;
TROUPE_AVAILABLE_IN_ALL
TroupeDeadLetter *troupe_dead_letter_ref         (TroupeDeadLetter *self);
TROUPE_AVAILABLE_IN_ALL
void              troupe_dead_letter_unref       (TroupeDeadLetter *self);
TROUPE_AVAILABLE_IN_ALL
TroupeRef        *troupe_dead_letter_get_target  (TroupeDeadLetter *self);
TROUPE_AVAILABLE_IN_ALL
TroupeMessage    *troupe_dead_letter_get_message (TroupeDeadLetter *self);
TROUPE_AVAILABLE_IN_ALL
TroupeError       troupe_dead_letter_get_reason  (TroupeDeadLetter *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TroupeDeadLetter, troupe_dead_letter_unref)

G_END_DECLS
