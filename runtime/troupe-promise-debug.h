/* troupe-promise-debug.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include <glib.h>

#include "troupe-version-macros.h"

G_BEGIN_DECLS

TROUPE_AVAILABLE_IN_ALL
void     troupe_promise_set_debugging (gboolean debugging);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_promise_get_debugging (void);

G_END_DECLS
