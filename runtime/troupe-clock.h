/* troupe-clock.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-reactor.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_CLOCK (troupe_clock_get_type ())

TROUPE_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (TroupeClock, troupe_clock, TROUPE, CLOCK, GObject)

TROUPE_AVAILABLE_IN_ALL
TroupeClock *troupe_clock_new     (TroupeReactor *reactor) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
void         troupe_clock_advance (TroupeClock   *self,
                                   gint64         time_ms);
TROUPE_AVAILABLE_IN_ALL
void         troupe_clock_pump    (TroupeClock   *self,
                                   const gint64  *times_ms,
                                   gsize          n_times);

G_END_DECLS
