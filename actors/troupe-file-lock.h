/* troupe-file-lock.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-promise.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_FILE_LOCK (troupe_file_lock_get_type ())

TROUPE_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (TroupeFileLock, troupe_file_lock, TROUPE, FILE_LOCK, GObject)

TROUPE_AVAILABLE_IN_ALL
TroupeFileLock *troupe_file_lock_new      (const char      *path) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupePromise  *troupe_file_lock_acquire  (TroupeFileLock  *self,
                                           gint64           timeout_ms) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
gboolean        troupe_file_lock_release  (TroupeFileLock  *self,
                                           GError         **error);
TROUPE_AVAILABLE_IN_ALL
gboolean        troupe_file_lock_is_held  (TroupeFileLock  *self);
TROUPE_AVAILABLE_IN_ALL
const char     *troupe_file_lock_get_path (TroupeFileLock  *self);

G_END_DECLS
