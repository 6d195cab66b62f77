/* troupe-semaphore.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-promise.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_SEMAPHORE (troupe_semaphore_get_type ())

TROUPE_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (TroupeSemaphore, troupe_semaphore, TROUPE, SEMAPHORE, GObject)

/**
 * TroupeSemaphoreFunc:
 * @self: the semaphore, which is held
 * @user_data: what was given with the function
 * @error: where to say why it failed
 *
 * What [method@Troupe.Semaphore.run] calls.
 *
 * If it returns a promise, the semaphore is held until that has its outcome. To fail, it sets @error or returns a promise of
 * an error.
 *
 * Returns: (transfer full) (nullable): a promise, or %NULL
 *
 * Since: 1.0
 */
typedef TroupePromise *(*TroupeSemaphoreFunc) (TroupeSemaphore  *self,
                                               gpointer          user_data,
                                               GError          **error);

TROUPE_AVAILABLE_IN_ALL
TroupeSemaphore *troupe_semaphore_new        (guint                 limit) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupePromise   *troupe_semaphore_acquire    (TroupeSemaphore      *self) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
gboolean         troupe_semaphore_release    (TroupeSemaphore      *self,
                                              GError              **error);
TROUPE_AVAILABLE_IN_ALL
TroupePromise   *troupe_semaphore_run        (TroupeSemaphore      *self,
                                              TroupeSemaphoreFunc   func,
                                              gpointer              user_data,
                                              GDestroyNotify        destroy) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
guint            troupe_semaphore_get_limit  (TroupeSemaphore      *self);
TROUPE_AVAILABLE_IN_ALL
guint            troupe_semaphore_get_n_free (TroupeSemaphore      *self);

G_END_DECLS
