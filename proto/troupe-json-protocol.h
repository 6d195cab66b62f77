/* troupe-json-protocol.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-json.h"
#include "troupe-line-protocol.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_JSON_PROTOCOL (troupe_json_protocol_get_type ())

TROUPE_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (TroupeJsonProtocol, troupe_json_protocol, TROUPE, JSON_PROTOCOL, TroupeLineProtocol)

/**
 * TroupeJsonProtocolClass:
 * @parent_class: the parent
 * @json_received: (skip): one object has come, valid during the call only unless it is stolen; by default it calls @text_received with its text
 * @text_received: the same, as JSON text, for languages that have their own JSON
 * @bad_json: a line was not an object within the limits. The default answers with an object that says why and where; after more than
 *   [property@Troupe.JsonProtocol:max-errors] of them it also closes the connection. %FALSE with an error drops it
 *
 * The class of a connection that speaks JSON objects, one to a line.
 *
 * Since: 1.0
 */
struct _TroupeJsonProtocolClass
{
  TroupeLineProtocolClass parent_class;

  gboolean (*json_received) (TroupeJsonProtocol  *self,
                             struct json_object  *json,
                             GError             **error);
  gboolean (*text_received) (TroupeJsonProtocol  *self,
                             const char          *text,
                             GError             **error);
  gboolean (*bad_json)      (TroupeJsonProtocol  *self,
                             const GError        *reason,
                             gsize                offset,
                             GError             **error);

  /*< private >*/
  gpointer _reserved[8];
};

TROUPE_AVAILABLE_IN_ALL
void                troupe_json_protocol_send       (TroupeJsonProtocol *self,
                                                     struct json_object *json);
TROUPE_AVAILABLE_IN_ALL
void                troupe_json_protocol_send_text  (TroupeJsonProtocol *self,
                                                     const char         *text);
TROUPE_AVAILABLE_IN_ALL
struct json_object *troupe_json_protocol_steal_json (TroupeJsonProtocol *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
