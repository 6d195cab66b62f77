/* troupe-cooperative-task.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-promise.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_COOPERATIVE_TASK (troupe_cooperative_task_get_type ())

TROUPE_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (TroupeCooperativeTask, troupe_cooperative_task, TROUPE, COOPERATIVE_TASK, GObject)

/**
 * TroupeCooperativeTaskFunc:
 * @self: the task
 * @user_data: what was given with the function
 * @error: return location for a #GError
 *
 * Does one unit of the work of a task: as little as makes sense.
 *
 * It is called again until it calls [method@Troupe.CooperativeTask.finish], or fails. If it returns a promise, it is called again
 * when that has a value; an error in it is a failure of the task.
 *
 * Returns: (transfer full) (nullable): a promise, or %NULL
 *
 * Since: 1.0
 */
typedef TroupePromise *(*TroupeCooperativeTaskFunc) (TroupeCooperativeTask  *self,
                                                     gpointer                user_data,
                                                     GError                **error);

TROUPE_AVAILABLE_IN_ALL
gboolean       troupe_cooperative_task_finish    (TroupeCooperativeTask  *self,
                                                  GError                **error);
TROUPE_AVAILABLE_IN_ALL
gboolean       troupe_cooperative_task_pause     (TroupeCooperativeTask  *self,
                                                  GError                **error);
TROUPE_AVAILABLE_IN_ALL
gboolean       troupe_cooperative_task_resume    (TroupeCooperativeTask  *self,
                                                  GError                **error);
TROUPE_AVAILABLE_IN_ALL
gboolean       troupe_cooperative_task_stop      (TroupeCooperativeTask  *self,
                                                  GError                **error);
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_cooperative_task_when_done (TroupeCooperativeTask  *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
