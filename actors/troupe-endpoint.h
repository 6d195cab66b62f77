/* troupe-endpoint.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-types.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_ENDPOINT (troupe_endpoint_get_type ())

typedef struct _TroupeEndpoint TroupeEndpoint;

TROUPE_AVAILABLE_IN_ALL
GType troupe_endpoint_get_type (void) G_GNUC_CONST;
TROUPE_AVAILABLE_IN_ALL
TroupeEndpoint *troupe_endpoint_parse_server (const char  *text,
                                              GError     **error) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeEndpoint *troupe_endpoint_parse_client (const char  *text,
                                              GError     **error) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeEndpoint *troupe_endpoint_ref (TroupeEndpoint *self);
TROUPE_AVAILABLE_IN_ALL
void troupe_endpoint_unref (TroupeEndpoint *self);
TROUPE_AVAILABLE_IN_ALL
char *troupe_endpoint_to_string (TroupeEndpoint *self) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
char *troupe_endpoint_quote (const char *text) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TroupeEndpoint, troupe_endpoint_unref)

G_END_DECLS
