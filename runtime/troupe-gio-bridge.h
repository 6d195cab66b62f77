/* troupe-gio-bridge.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-types.h"

G_BEGIN_DECLS

TROUPE_AVAILABLE_IN_ALL
void           troupe_async_ready           (GObject       *source,
                                             GAsyncResult  *result,
                                             gpointer       resolver);
TROUPE_AVAILABLE_IN_ALL
void           troupe_async_cancel          (TroupeResolver *resolver,
                                             gpointer        cancellable);
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_complete_task (TroupePromise *self,
                                             GTask         *task);

G_END_DECLS
