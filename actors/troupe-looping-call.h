/* troupe-looping-call.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-promise.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_LOOPING_CALL (troupe_looping_call_get_type ())

TROUPE_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (TroupeLoopingCall, troupe_looping_call, TROUPE, LOOPING_CALL, GObject)

/**
 * TroupeLoopFunc:
 * @self: the looping call
 * @n_ticks: how many ticks there were since the last call, this one included: more than 1 if some were missed
 * @user_data: what was given with the function
 * @error: where to say why it failed
 *
 * What a looping call calls.
 *
 * If it returns a promise, the next tick waits for that. To fail, which ends the looping call, it sets @error or returns a
 * promise of an error.
 *
 * Returns: (transfer full) (nullable): a promise, at home where the looping call is, or %NULL
 *
 * Since: 1.0
 */
typedef TroupePromise *(*TroupeLoopFunc) (TroupeLoopingCall  *self,
                                          guint64             n_ticks,
                                          gpointer            user_data,
                                          GError            **error);

TROUPE_AVAILABLE_IN_ALL
TroupeLoopingCall *troupe_looping_call_new        (TroupeLoopFunc      func,
                                                   gpointer            user_data,
                                                   GDestroyNotify      destroy) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupePromise     *troupe_looping_call_start      (TroupeLoopingCall  *self,
                                                   gint64              interval_ms,
                                                   gboolean            now) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
gboolean           troupe_looping_call_stop       (TroupeLoopingCall  *self,
                                                   GError            **error);
TROUPE_AVAILABLE_IN_ALL
gboolean           troupe_looping_call_reset      (TroupeLoopingCall  *self,
                                                   GError            **error);
TROUPE_AVAILABLE_IN_ALL
gboolean           troupe_looping_call_is_running (TroupeLoopingCall  *self);

G_END_DECLS
