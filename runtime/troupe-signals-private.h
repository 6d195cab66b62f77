/* troupe-signals-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-system.h"

G_BEGIN_DECLS

typedef struct _TroupeSignals TroupeSignals;

/* SIGINT and SIGTERM shut SYSTEM down, the first time. On its reactor's thread. */
TroupeSignals *troupe_signals_take      (TroupeSystem  *system);
void           troupe_signals_give_back (TroupeSignals *self);

G_END_DECLS
