/* troupe-timer.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-types.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_TIMER (troupe_timer_get_type ())

/**
 * TroupeTimerFunc:
 * @timer: the timer, no longer active
 * @user_data: what was given with the function
 *
 * Called once, when the time of a timer has come.
 *
 * Since: 1.0
 */
typedef void (*TroupeTimerFunc) (TroupeTimer *timer,
                                 gpointer     user_data);

/**
 * TroupeFallibleTimerFunc:
 * @timer: the timer, no longer active
 * @user_data: what was given with the function
 * @error: where to say why it failed
 *
 * Called once, when the time of a timer has come; it may fail. In languages with exceptions it throws.
 *
 * Since: 1.0
 */
typedef void (*TroupeFallibleTimerFunc) (TroupeTimer  *timer,
                                         gpointer      user_data,
                                         GError      **error);

TROUPE_AVAILABLE_IN_ALL
GType        troupe_timer_get_type     (void) G_GNUC_CONST;
TROUPE_AVAILABLE_IN_ALL
TroupeTimer *troupe_timer_ref          (TroupeTimer  *self);
TROUPE_AVAILABLE_IN_ALL
void         troupe_timer_unref        (TroupeTimer  *self);
TROUPE_AVAILABLE_IN_ALL
gboolean     troupe_timer_is_active    (TroupeTimer  *self);
TROUPE_AVAILABLE_IN_ALL
gint64       troupe_timer_get_deadline (TroupeTimer  *self);
TROUPE_AVAILABLE_IN_ALL
gboolean     troupe_timer_cancel       (TroupeTimer  *self,
                                        GError      **error);
TROUPE_AVAILABLE_IN_ALL
gboolean     troupe_timer_reset        (TroupeTimer  *self,
                                        gint64        delay_ms,
                                        GError      **error);
TROUPE_AVAILABLE_IN_ALL
gboolean     troupe_timer_delay        (TroupeTimer  *self,
                                        gint64        more_ms,
                                        GError      **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TroupeTimer, troupe_timer_unref)

G_END_DECLS
