/* troupe-json.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include <gio/gio.h>
#include <json-c/json.h>

#include "troupe-version-macros.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_JSON (troupe_json_get_type ())

TROUPE_AVAILABLE_IN_ALL
GType               troupe_json_get_type  (void) G_GNUC_CONST;
TROUPE_AVAILABLE_IN_ALL
struct json_object *troupe_json_parse     (const char          *text,
                                           gssize               length,
                                           guint                max_depth,
                                           gsize               *offset,
                                           GError             **error) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
struct json_object *troupe_json_copy      (struct json_object  *json) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
