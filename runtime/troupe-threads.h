/* troupe-threads.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-types.h"

G_BEGIN_DECLS

/**
 * TroupeWork:
 * @resolver: resolves the promise of the work
 * @user_data: what was given with the function
 * @error: where to say why it failed
 *
 * Work that may block, in a thread of its own.
 *
 * It resolves the promise through @resolver, or sets @error, which rejects it. If it does neither, and has not taken a reference to
 * @resolver either, the promise is rejected with %TROUPE_ERROR_BROKEN.
 *
 * Since: 1.0
 */
typedef void (*TroupeWork) (TroupeResolver  *resolver,
                            gpointer         user_data,
                            GError         **error);

TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_new_in_thread (TroupeWork     work,
                                             gpointer       user_data,
                                             GDestroyNotify destroy) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
void           troupe_set_max_threads       (guint          n_threads);
TROUPE_AVAILABLE_IN_ALL
guint          troupe_get_max_threads       (void);
TROUPE_AVAILABLE_IN_ALL
guint          troupe_get_n_busy_threads    (void);
TROUPE_AVAILABLE_IN_ALL
void           troupe_set_max_waiting_work  (guint          n_waiting);
TROUPE_AVAILABLE_IN_ALL
guint          troupe_get_n_waiting_work    (void);

G_END_DECLS
