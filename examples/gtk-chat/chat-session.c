/* chat-session.c - all that is shown: the rooms, who one is, and whether there is a connection
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "chat-session.h"

struct _ChatSession
{
  GObject     parent_instance;
  GListStore *rooms;
  ChatRoom   *current;
  char       *nick;
  char       *trouble;
  gboolean    attended;
};

enum { PROP_0, PROP_ROOMS, PROP_CURRENT, PROP_NICK, PROP_TROUBLE, PROP_IS_CONNECTED, N_PROPS };

G_DEFINE_FINAL_TYPE (ChatSession, chat_session, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPS];

static void
chat_session_get_property (GObject    *object,
                           guint       prop_id,
                           GValue     *value,
                           GParamSpec *pspec)
{
  ChatSession *self = CHAT_SESSION (object);

  switch (prop_id)
    {
    case PROP_ROOMS:
      g_value_set_object (value, self->rooms);
      break;

    case PROP_CURRENT:
      g_value_set_object (value, self->current);
      break;

    case PROP_NICK:
      g_value_set_string (value, self->nick);
      break;

    case PROP_TROUBLE:
      g_value_set_string (value, self->trouble);
      break;

    case PROP_IS_CONNECTED:
      g_value_set_boolean (value, self->trouble == NULL);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
chat_session_set_property (GObject      *object,
                           guint         prop_id,
                           const GValue *value,
                           GParamSpec   *pspec)
{
  if (prop_id == PROP_CURRENT)
    chat_session_set_current (CHAT_SESSION (object), g_value_get_object (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
chat_session_finalize (GObject *object)
{
  ChatSession *self = CHAT_SESSION (object);

  g_clear_object (&self->current);
  g_object_unref (self->rooms);
  g_free (self->nick);
  g_free (self->trouble);
  G_OBJECT_CLASS (chat_session_parent_class)->finalize (object);
}

static void
chat_session_class_init (ChatSessionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = chat_session_get_property;
  object_class->set_property = chat_session_set_property;
  object_class->finalize = chat_session_finalize;

  properties[PROP_ROOMS] = g_param_spec_object ("rooms", NULL, NULL, G_TYPE_LIST_MODEL, flags);
  properties[PROP_CURRENT] = g_param_spec_object ("current", NULL, NULL, CHAT_TYPE_ROOM,
                                                  G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  properties[PROP_NICK] = g_param_spec_string ("nick", NULL, NULL, NULL, flags);
  properties[PROP_TROUBLE] = g_param_spec_string ("trouble", NULL, NULL, NULL, flags);
  properties[PROP_IS_CONNECTED] = g_param_spec_boolean ("is-connected", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
chat_session_init (ChatSession *self)
{
  self->rooms = g_list_store_new (CHAT_TYPE_ROOM);
}

ChatSession *
chat_session_new (void)
{
  return g_object_new (CHAT_TYPE_SESSION, NULL);
}

GListModel *
chat_session_get_rooms (ChatSession *self)
{
  return G_LIST_MODEL (self->rooms);
}

ChatRoom *
chat_session_get_room (ChatSession *self,
                       const char  *name)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->rooms));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (ChatRoom) room = g_list_model_get_item (G_LIST_MODEL (self->rooms), i);

      if (g_str_equal (chat_room_get_name (room), name))
        return room;                 /* the list has a reference */
    }

  return NULL;
}

ChatRoom *
chat_session_open_room (ChatSession *self,
                        const char  *name)
{
  ChatRoom *room = chat_session_get_room (self, name);

  if (room != NULL)
    return room;

  room = chat_room_new (name);
  g_list_store_append (self->rooms, room);
  if (self->current == NULL)
    chat_session_set_current (self, room);
  g_object_unref (room);
  return room;
}

void
chat_session_close_room (ChatSession *self,
                         ChatRoom    *room)
{
  guint position;

  if (!g_list_store_find (self->rooms, room, &position))
    return;

  if (room == self->current)
    {
      g_autoptr (ChatRoom) next = g_list_model_get_item (G_LIST_MODEL (self->rooms), position == 0 ? 1 : position - 1);

      chat_session_set_current (self, next);
    }
  g_list_store_remove (self->rooms, position);
}

static void
chat_session_see (ChatSession *self)
{
  if (self->attended && self->current != NULL)
    chat_room_mark_read (self->current);
}

ChatRoom *
chat_session_get_current (ChatSession *self)
{
  return self->current;
}

void
chat_session_set_current (ChatSession *self,
                          ChatRoom    *room)
{
  if (!g_set_object (&self->current, room))
    return;

  chat_session_see (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CURRENT]);
}

const char *
chat_session_get_nick (ChatSession *self)
{
  return self->nick;
}

void
chat_session_set_nick (ChatSession *self,
                       const char  *nick)
{
  g_free (self->nick);
  self->nick = g_strdup (nick);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_NICK]);
}

void
chat_session_set_trouble (ChatSession *self,
                          const char  *trouble)
{
  if (g_strcmp0 (self->trouble, trouble) == 0)
    return;

  g_free (self->trouble);
  self->trouble = g_strdup (trouble);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TROUBLE]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_IS_CONNECTED]);
}

void
chat_session_set_attended (ChatSession *self,
                           gboolean     attended)
{
  self->attended = attended;
  chat_session_see (self);
}

void
chat_session_append (ChatSession *self,
                     ChatRoom    *room,
                     ChatLine    *line)
{
  gboolean own = g_strcmp0 (chat_line_get_nick (line), self->nick) == 0;

  chat_room_append (room, line, own || (self->attended && room == self->current));
}

void
chat_session_note (ChatSession *self,
                   const char  *text)
{
  if (self->current != NULL)
    chat_room_note (self->current, "%s", text);
}
