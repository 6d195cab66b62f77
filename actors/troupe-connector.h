/* troupe-connector.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-promise.h"
#include "troupe-ref.h"
#include "troupe-system.h"

G_BEGIN_DECLS

TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_connect (TroupeSystem *system,
                               const char   *endpoint,
                               TroupeRef    *factory) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
