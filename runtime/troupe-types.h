/* troupe-types.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include <gio/gio.h>

#include "troupe-version-macros.h"

G_BEGIN_DECLS

/* Types that the headers name before they define them. */
typedef struct _TroupeActor       TroupeActor;
typedef struct _TroupeDeadLetter  TroupeDeadLetter;
typedef struct _TroupeMessage     TroupeMessage;
typedef struct _TroupeOutcomes    TroupeOutcomes;
typedef struct _TroupePromise     TroupePromise;
typedef struct _TroupeReactor     TroupeReactor;
typedef struct _TroupeRef         TroupeRef;
typedef struct _TroupeResolver    TroupeResolver;
typedef struct _TroupeSupervision TroupeSupervision;
typedef struct _TroupeSystem      TroupeSystem;
typedef struct _TroupeTermination TroupeTermination;
typedef struct _TroupeTimer       TroupeTimer;

G_END_DECLS
