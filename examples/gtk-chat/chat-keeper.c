/* chat-keeper.c - keeps up a connection to the chat service: the factory and the parent of one after the other
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "chat-command.h"
#include "chat-connection.h"
#include "chat-event.h"
#include "chat-keeper.h"

#define FIRST_DELAY_MS 500
#define MAX_DELAY_MS   30000
#define GROWTH         1.7
#define MAX_EVENTS     8192          /* that may wait; the connection stops reading before */

struct _ChatKeeper
{
  TroupeFactory parent_instance;
  char         *endpoint;
  ChatSession  *session;
  char         *nick;                /* that the user wants, or NULL */
  TroupeRef    *connection;          /* NULL: there is none */
  TroupeTimer  *timer;               /* until the next attempt, or NULL */
  double        delay_ms;
};

enum { PROP_0, PROP_ENDPOINT, PROP_SESSION, PROP_NICK, N_PROPS };

G_DEFINE_FINAL_TYPE (ChatKeeper, chat_keeper, TROUPE_TYPE_FACTORY)

static GParamSpec *properties[N_PROPS];

/* ---- connecting, and once more ---- */

static void chat_keeper_connect (ChatKeeper *self);

static void
on_time (TroupeTimer *timer,
         gpointer     user_data)
{
  chat_keeper_connect (user_data);
}

/* Each wait is longer than the one before, and not as long as everybody else's. */
static void
chat_keeper_wait (ChatKeeper *self,
                  const char *reason)
{
  gint64 delay_ms = self->delay_ms * g_random_double_range (0.8, 1.2);
  g_autofree char *trouble = NULL;

  trouble = g_strdup_printf ("%s. Trying again in %.1f s.", reason, delay_ms / 1000.0);
  chat_session_set_trouble (self->session, trouble);

  g_clear_pointer (&self->timer, troupe_timer_unref);
  self->timer = troupe_actor_call_later (TROUPE_ACTOR (self), delay_ms, on_time, self, NULL);
  self->delay_ms = MIN (self->delay_ms * GROWTH, MAX_DELAY_MS);
}

static void
on_connected (TroupePromise *promise,
              gpointer       user_data)
{
  ChatKeeper *self = user_data;

  self->connection = troupe_ref_ref (troupe_promise_get_ref (promise));
}

static void
on_not_connected (TroupePromise *promise,
                  gpointer       user_data)
{
  chat_keeper_wait (user_data, troupe_promise_get_error (promise)->message);
  troupe_promise_return_nothing (promise);
}

static void
chat_keeper_connect (ChatKeeper *self)
{
  TroupeActor *actor = TROUPE_ACTOR (self);
  g_autoptr (TroupePromise) connected = NULL;

  g_clear_pointer (&self->timer, troupe_timer_unref);
  if (self->delay_ms > FIRST_DELAY_MS)         /* the first time there is nothing to tell yet */
    chat_session_set_trouble (self->session, "Connecting…");
  connected = troupe_connect (troupe_actor_get_system (actor), self->endpoint, troupe_actor_get_ref (actor));
  troupe_promise_add_callbacks (connected, on_connected, self, NULL, on_not_connected, self, NULL);
}

/* ---- what the connection says ---- */

static void
chat_keeper_send (ChatKeeper         *self,
                  struct json_object *command)
{
  troupe_ref_send (self->connection, troupe_message_new_json ("command", command));
}

/* The service knows nothing of the connection before. */
static void
chat_keeper_log_in (ChatKeeper *self)
{
  GListModel *rooms = chat_session_get_rooms (self->session);

  self->delay_ms = FIRST_DELAY_MS;
  chat_session_set_trouble (self->session, NULL);

  if (self->nick != NULL)
    chat_keeper_send (self, chat_command_new ("nick", "nick", self->nick));
  for (guint i = 0; i < g_list_model_get_n_items (rooms); i++)
    {
      g_autoptr (ChatRoom) room = g_list_model_get_item (rooms, i);

      if (!chat_room_is_private (room))
        chat_keeper_send (self, chat_command_new ("join", "room", chat_room_get_name (room)));
    }
}

/* The nick name is told when it is another one: it is to be that the next time, too. */
static void
chat_keeper_note (ChatKeeper *self,
                  const char *event)
{
  if (g_str_equal (event, "welcome"))
    chat_keeper_log_in (self);
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
  if (name != NULL && self->connection != NULL)
    chat_keeper_note (self, name);
  return TRUE;
}

static gboolean
chat_keeper_on_lost (TroupeActor    *actor,
                     TroupeMessage  *message,
                     GError        **error)
{
  ChatKeeper *self = CHAT_KEEPER (actor);

  g_clear_pointer (&self->connection, troupe_ref_unref);
  chat_keeper_wait (self, troupe_message_get_string (message));
  return TRUE;
}

/* ---- what the user says ---- */

static gboolean
chat_keeper_on_command (TroupeActor    *actor,
                        TroupeMessage  *message,
                        GError        **error)
{
  ChatKeeper *self = CHAT_KEEPER (actor);

  if (self->connection != NULL)
    troupe_message_forward (message, self->connection);
  else
    chat_session_note (self->session, "That was not sent: there is no connection");
  return TRUE;
}

static gboolean
chat_keeper_on_retry (TroupeActor    *actor,
                      TroupeMessage  *message,
                      GError        **error)
{
  ChatKeeper *self = CHAT_KEEPER (actor);

  if (self->timer == NULL)
    return TRUE;

  troupe_timer_cancel (self->timer, NULL);
  chat_keeper_connect (self);
  return TRUE;
}

/* ---- the class ---- */

static gboolean
chat_keeper_started (TroupeActor  *actor,
                     GError      **error)
{
  chat_keeper_connect (CHAT_KEEPER (actor));
  return TRUE;
}

static void
chat_keeper_set_property (GObject      *object,
                          guint         prop_id,
                          const GValue *value,
                          GParamSpec   *pspec)
{
  ChatKeeper *self = CHAT_KEEPER (object);

  switch (prop_id)
    {
    case PROP_ENDPOINT:
      self->endpoint = g_value_dup_string (value);
      break;

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

  g_clear_pointer (&self->connection, troupe_ref_unref);
  g_clear_pointer (&self->timer, troupe_timer_unref);
  g_clear_object (&self->session);
  G_OBJECT_CLASS (chat_keeper_parent_class)->dispose (object);
}

static void
chat_keeper_finalize (GObject *object)
{
  ChatKeeper *self = CHAT_KEEPER (object);

  g_free (self->endpoint);
  g_free (self->nick);
  G_OBJECT_CLASS (chat_keeper_parent_class)->finalize (object);
}

static void
chat_keeper_class_init (ChatKeeperClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);
  const GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->set_property = chat_keeper_set_property;
  object_class->dispose = chat_keeper_dispose;
  object_class->finalize = chat_keeper_finalize;

  properties[PROP_ENDPOINT] = g_param_spec_string ("endpoint", NULL, NULL, NULL, flags);
  properties[PROP_SESSION] = g_param_spec_object ("session", NULL, NULL, CHAT_TYPE_SESSION, flags);
  properties[PROP_NICK] = g_param_spec_string ("nick", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  actor_class->started = chat_keeper_started;
  troupe_actor_class_set_capacity (actor_class, MAX_EVENTS, TROUPE_OVERFLOW_BACKPRESSURE);
  troupe_actor_class_bind (actor_class, "event", TROUPE_TYPE_JSON, chat_keeper_on_event);
  troupe_actor_class_bind (actor_class, "lost", G_TYPE_STRING, chat_keeper_on_lost);
  troupe_actor_class_bind (actor_class, "command", TROUPE_TYPE_JSON, chat_keeper_on_command);
  troupe_actor_class_bind (actor_class, "retry", G_TYPE_NONE, chat_keeper_on_retry);
}

static void
chat_keeper_init (ChatKeeper *self)
{
  self->delay_ms = FIRST_DELAY_MS;
}

TroupeRef *
chat_keeper_spawn (TroupeSystem  *system,
                   const char    *endpoint,
                   ChatSession   *session,
                   const char    *nick,
                   GError       **error)
{
  return troupe_system_spawn (system, "keeper", CHAT_TYPE_KEEPER, error,
                              "protocol-type", CHAT_TYPE_CONNECTION, "endpoint", endpoint, "session", session,
                              "nick", nick, NULL);
}
