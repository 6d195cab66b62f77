/* troupe-queue.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-promise.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_QUEUE (troupe_queue_get_type ())

TROUPE_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (TroupeQueue, troupe_queue, TROUPE, QUEUE, GObject)

TROUPE_AVAILABLE_IN_ALL
TroupeQueue   *troupe_queue_new           (gint             size,
                                           gint             backlog) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
gboolean       troupe_queue_put           (TroupeQueue     *self,
                                           const GValue    *value,
                                           GError         **error);
TROUPE_AVAILABLE_IN_ALL
gboolean       troupe_queue_put_pointer   (TroupeQueue     *self,
                                           gpointer         pointer,
                                           GDestroyNotify   destroy,
                                           GError         **error);
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_queue_offer         (TroupeQueue     *self,
                                           const GValue    *value) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_queue_get           (TroupeQueue     *self) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
guint          troupe_queue_get_n_items   (TroupeQueue     *self);
TROUPE_AVAILABLE_IN_ALL
guint          troupe_queue_get_n_waiting (TroupeQueue     *self);

G_END_DECLS
