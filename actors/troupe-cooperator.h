/* troupe-cooperator.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-cooperative-task.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_COOPERATOR (troupe_cooperator_get_type ())

TROUPE_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (TroupeCooperator, troupe_cooperator, TROUPE, COOPERATOR, GObject)

TROUPE_AVAILABLE_IN_ALL
TroupeCooperator      *troupe_cooperator_new        (void) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeCooperativeTask *troupe_cooperator_add        (TroupeCooperator          *self,
                                                     TroupeCooperativeTaskFunc  func,
                                                     gpointer                   user_data,
                                                     GDestroyNotify             destroy) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
void                   troupe_cooperator_stop       (TroupeCooperator          *self);
TROUPE_AVAILABLE_IN_ALL
void                   troupe_cooperator_start      (TroupeCooperator          *self);
TROUPE_AVAILABLE_IN_ALL
gboolean               troupe_cooperator_is_running (TroupeCooperator          *self);
TROUPE_AVAILABLE_IN_ALL
void                   troupe_cooperator_set_slice  (TroupeCooperator          *self,
                                                     gint64                     slice_ms);
TROUPE_AVAILABLE_IN_ALL
gint64                 troupe_cooperator_get_slice  (TroupeCooperator          *self);

G_END_DECLS
