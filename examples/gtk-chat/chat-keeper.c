/* chat-keeper.c - keeps up a connection to the chat service, and passes on what is said between it and the session
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "chat-command.h"
#include "chat-connection.h"
#include "chat-event.h"
#include "chat-keeper.h"

#define FIRST_DELAY_MS   500u
#define LONGEST_DELAY_MS 30000u
#define WELCOME_MS       10000
#define MAX_EVENTS       8192        /* that may wait; the connection stops reading before */

struct _ChatKeeper
{
  TroupeClient    parent_instance;
  ChatSession    *session;
  char           *nick;              /* that the user wants, or NULL */
  TroupeResolver *welcome;           /* of a connection that has not been welcomed yet, or NULL */
};

enum { PROP_0, PROP_SESSION, PROP_NICK, N_PROPS };

G_DEFINE_FINAL_TYPE (ChatKeeper, chat_keeper, TROUPE_TYPE_CLIENT)

static GParamSpec *properties[N_PROPS];

/* ---- the connection comes and goes ---- */

/* The first time there is nothing to tell yet. */
static void
chat_keeper_connecting (TroupeClient *client)
{
  ChatKeeper *self = CHAT_KEEPER (client);
  gboolean is_connected;

  g_object_get (self->session, "is-connected", &is_connected, NULL);
  if (!is_connected)
    chat_session_set_trouble (self->session, "Connecting…");
}

/* A service that does not say “welcome” is none. */
static TroupePromise *
chat_keeper_prepare_connection (TroupeClient  *client,
                                TroupeRef     *connection,
                                GError       **error)
{
  ChatKeeper *self = CHAT_KEEPER (client);

  g_clear_pointer (&self->welcome, troupe_resolver_unref);
  return troupe_promise_add_timeout (troupe_promise_new (&self->welcome), WELCOME_MS, NULL, NULL, NULL);
}

/* The service knows nothing of the connection before. */
static void
chat_keeper_connected (TroupeClient *client,
                       TroupeRef    *connection)
{
  ChatKeeper *self = CHAT_KEEPER (client);
  GListModel *rooms = chat_session_get_rooms (self->session);

  chat_session_set_trouble (self->session, NULL);
  if (self->nick != NULL)
    troupe_ref_send (connection, troupe_message_new_json ("command", chat_command_new ("nick", "nick", self->nick)));
  for (guint i = 0; i < g_list_model_get_n_items (rooms); i++)
    {
      g_autoptr (ChatRoom) room = g_list_model_get_item (rooms, i);

      if (!chat_room_is_private (room))
        troupe_ref_send (connection, troupe_message_new_json ("command", chat_command_new ("join", "room", chat_room_get_name (room))));
    }
}

static void
chat_keeper_disconnected (TroupeClient        *client,
                          TroupeDisconnection *disconnection)
{
  gint64 delay_ms = troupe_disconnection_get_delay_ms (disconnection);
  g_autofree char *trouble = NULL;

  if (delay_ms < 0)
    return;

  trouble = g_strdup_printf ("%s. Trying again in %.1f s.", troupe_disconnection_get_error (disconnection)->message, delay_ms / 1000.0);
  chat_session_set_trouble (CHAT_KEEPER (client)->session, trouble);
}

/* ---- what is said ---- */

/* The nick name is told when it is another one: it is to be that the next time, too. */
static void
chat_keeper_note (ChatKeeper *self,
                  const char *event)
{
  if (g_str_equal (event, "welcome") && self->welcome != NULL)
    {
      troupe_resolver_resolve (self->welcome, NULL);
      g_clear_pointer (&self->welcome, troupe_resolver_unref);
    }
  else if (g_str_equal (event, "nick"))
    {
      g_free (self->nick);
      self->nick = g_strdup (chat_session_get_nick (self->session));
    }
}

static gboolean
chat_keeper_on_event (TroupeActor    *actor,
                      TroupeMessage  *message,
                      GError        **error)
{
  ChatKeeper *self = CHAT_KEEPER (actor);
  struct json_object *event = troupe_message_get_json (message);
  const char *name = json_object_get_string (json_object_object_get (event, "event"));

  chat_event_apply (event, self->session);
  if (name != NULL)
    chat_keeper_note (self, name);
  return TRUE;
}

static gboolean
chat_keeper_on_command (TroupeActor    *actor,
                        TroupeMessage  *message,
                        GError        **error)
{
  TroupeRef *connection = troupe_client_get_connection (TROUPE_CLIENT (actor));

  if (connection != NULL)
    troupe_message_forward (message, connection);
  else
    chat_session_note (CHAT_KEEPER (actor)->session, "That was not sent: there is no connection");
  return TRUE;
}

/* ---- the class ---- */

static void
chat_keeper_set_property (GObject      *object,
                          guint         prop_id,
                          const GValue *value,
                          GParamSpec   *pspec)
{
  ChatKeeper *self = CHAT_KEEPER (object);

  switch (prop_id)
    {
    case PROP_SESSION:
      self->session = g_value_dup_object (value);
      break;

    case PROP_NICK:
      self->nick = g_value_dup_string (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
chat_keeper_dispose (GObject *object)
{
  ChatKeeper *self = CHAT_KEEPER (object);

  g_clear_pointer (&self->welcome, troupe_resolver_unref);
  g_clear_object (&self->session);
  G_OBJECT_CLASS (chat_keeper_parent_class)->dispose (object);
}

static void
chat_keeper_finalize (GObject *object)
{
  g_free (CHAT_KEEPER (object)->nick);
  G_OBJECT_CLASS (chat_keeper_parent_class)->finalize (object);
}

static void
chat_keeper_class_init (ChatKeeperClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);
  TroupeClientClass *client_class = TROUPE_CLIENT_CLASS (klass);
  const GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->set_property = chat_keeper_set_property;
  object_class->dispose = chat_keeper_dispose;
  object_class->finalize = chat_keeper_finalize;

  properties[PROP_SESSION] = g_param_spec_object ("session", NULL, NULL, CHAT_TYPE_SESSION, flags);
  properties[PROP_NICK] = g_param_spec_string ("nick", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  client_class->connecting = chat_keeper_connecting;
  client_class->prepare_connection = chat_keeper_prepare_connection;
  client_class->connected = chat_keeper_connected;
  client_class->disconnected = chat_keeper_disconnected;
  troupe_actor_class_set_capacity (actor_class, MAX_EVENTS, TROUPE_OVERFLOW_BACKPRESSURE);
  troupe_actor_class_bind (actor_class, "event", TROUPE_TYPE_JSON, chat_keeper_on_event);
  troupe_actor_class_bind (actor_class, "command", TROUPE_TYPE_JSON, chat_keeper_on_command);
}

static void
chat_keeper_init (ChatKeeper *self)
{
}

TroupeRef *
chat_keeper_spawn (TroupeSystem  *system,
                   const char    *endpoint,
                   ChatSession   *session,
                   const char    *nick,
                   GError       **error)
{
  g_autoptr (TroupeEndpoint) parsed = troupe_endpoint_parse_client (endpoint, error);

  if (parsed == NULL)
    return NULL;

  return troupe_system_spawn (system, "keeper", CHAT_TYPE_KEEPER, error, "protocol-type", CHAT_TYPE_CONNECTION,
                              "endpoint", endpoint, "first-delay-ms", FIRST_DELAY_MS, "longest-delay-ms", LONGEST_DELAY_MS,
                              "session", session, "nick", nick, NULL);
}
