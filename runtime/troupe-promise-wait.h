/* troupe-promise-wait.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-types.h"

G_BEGIN_DECLS

TROUPE_AVAILABLE_IN_ALL
void           troupe_promise_wait_async  (TroupePromise       *self,
                                           GAsyncReadyCallback  callback,
                                           gpointer             user_data);
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_wait_finish (TroupePromise  *self,
                                           GAsyncResult   *result,
                                           GError        **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
