/* chat-connection.c - a connection to the chat service: an actor, which passes on what either side says
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "chat-connection.h"

#define MAX_LINE (4 * 1024 * 1024)   /* long lists of users */

struct _ChatConnection
{
  TroupeJsonProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (ChatConnection, chat_connection, TROUPE_TYPE_JSON_PROTOCOL)

static gboolean
chat_connection_json_received (TroupeJsonProtocol  *protocol,
                               struct json_object  *json,
                               GError             **error)
{
  troupe_ref_send (troupe_protocol_get_factory (TROUPE_PROTOCOL (protocol)),
                   troupe_message_new_json ("event", troupe_json_protocol_steal_json (protocol)));
  return TRUE;
}

static gboolean
chat_connection_on_command (TroupeActor    *actor,
                            TroupeMessage  *message,
                            GError        **error)
{
  troupe_json_protocol_send (TROUPE_JSON_PROTOCOL (actor), troupe_message_get_json (message));
  return TRUE;
}

static void
chat_connection_class_init (ChatConnectionClass *klass)
{
  TROUPE_JSON_PROTOCOL_CLASS (klass)->json_received = chat_connection_json_received;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "command", TROUPE_TYPE_JSON, chat_connection_on_command);
}

static void
chat_connection_init (ChatConnection *self)
{
  troupe_line_protocol_set_max_length (TROUPE_LINE_PROTOCOL (self), MAX_LINE);
}
