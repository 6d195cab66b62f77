/* troupe-line-protocol-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-line-protocol.h"

G_BEGIN_DECLS

/* Writes LINE and then ENDING, as one write. */
void troupe_line_protocol_write (TroupeLineProtocol *self,
                                 const char         *line,
                                 gsize               length,
                                 const char         *ending);

G_END_DECLS
