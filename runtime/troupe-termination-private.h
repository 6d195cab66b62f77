/* troupe-termination-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-termination.h"

G_BEGIN_DECLS

/* Copies ERROR, which is NULL unless END is failed. */
TroupeTermination *troupe_termination_new (TroupeRef    *actor,
                                           TroupeEnd     end,
                                           const GError *error);

G_END_DECLS
