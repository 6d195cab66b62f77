/* troupe-error-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-error.h"

G_BEGIN_DECLS

/* An error with a cause, a copy of which it keeps; INDEX -1 for none. */
GError *troupe_error_new_with_cause (TroupeError   code,
                                     gint64        index,
                                     const GError *cause,
                                     const char   *format,
                                     ...) G_GNUC_PRINTF (4, 5);

G_END_DECLS
