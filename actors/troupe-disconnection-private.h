/* troupe-disconnection-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-disconnection.h"

G_BEGIN_DECLS

/* Copies ERROR. */
TroupeDisconnection *troupe_disconnection_new (const GError *error,
                                               gint64        delay_ms,
                                               guint         n_failures);

G_END_DECLS
