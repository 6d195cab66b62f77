/* troupe-sleep.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-types.h"

G_BEGIN_DECLS

TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_sleep (gint64 delay_ms) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
