/* chat-event.c - what the chat service tells, see docs/chat.md
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "chat-event.h"

static const char *
get_string (struct json_object *event,
            const char         *key)
{
  struct json_object *value = json_object_object_get (event, key);

  return json_object_is_type (value, json_type_string) ? json_object_get_string (value) : "";
}

static GStrv
dup_strings (struct json_object *event,
             const char         *key)
{
  struct json_object *array = json_object_object_get (event, key);
  GStrvBuilder *builder = g_strv_builder_new ();
  GStrv strings;

  if (json_object_is_type (array, json_type_array))
    {
      for (size_t i = 0; i < json_object_array_length (array); i++)
        g_strv_builder_add (builder, json_object_get_string (json_object_array_get_idx (array, i)));
    }

  strings = g_strv_builder_end (builder);
  g_strv_builder_unref (builder);
  return strings;
}

/* NULL if one is not there: then nobody needs to know. */
static ChatRoom *
get_room (struct json_object *event,
          ChatSession        *session)
{
  return chat_session_get_room (session, get_string (event, "room"));
}

static void
on_welcome (struct json_object *event,
            ChatSession        *session)
{
  chat_session_set_nick (session, get_string (event, "nick"));
  chat_session_note (session, get_string (event, "motd"));
}

static void
on_nick (struct json_object *event,
         ChatSession        *session)
{
  chat_session_set_nick (session, get_string (event, "nick"));
}

/* Who asks for a room wants to see it; it is known already if the connection was lost. */
static void
on_joined (struct json_object *event,
           ChatSession        *session)
{
  gboolean is_new = get_room (event, session) == NULL;
  ChatRoom *room = chat_session_open_room (session, get_string (event, "room"));
  g_auto (GStrv) users = dup_strings (event, "users");

  chat_room_set_topic (room, get_string (event, "topic"));
  chat_room_set_members (room, (const char *const *) users);
  chat_room_expect_history (room, MAX (json_object_get_int (json_object_object_get (event, "history")), 0));
  if (is_new)
    chat_session_set_current (session, room);
}

static void
on_focus (struct json_object *event,
          ChatSession        *session)
{
  ChatRoom *room = get_room (event, session);

  if (room != NULL)
    chat_session_set_current (session, room);
}

static void
on_parted (struct json_object *event,
           ChatSession        *session)
{
  ChatRoom *room = get_room (event, session);

  if (room != NULL)
    chat_session_close_room (session, room);
}

static void
on_gone (struct json_object *event,
         ChatSession        *session)
{
  ChatRoom *room = get_room (event, session);

  if (room == NULL)
    return;

  chat_room_set_members (room, NULL);
  chat_room_note (room, "%s", get_string (event, "text"));
}

static void
append (struct json_object *event,
        ChatSession        *session,
        ChatRoom           *room,
        ChatLineKind        kind)
{
  gint64 when = json_object_get_int64 (json_object_object_get (event, "time"));

  chat_session_append (session, room, chat_line_new (kind, get_string (event, "nick"), get_string (event, "text"), when));
}

static void
on_message (struct json_object *event,
            ChatSession        *session)
{
  ChatRoom *room = get_room (event, session);

  if (room != NULL)
    append (event, session, room, CHAT_LINE_MESSAGE);
}

static void
on_emote (struct json_object *event,
          ChatSession        *session)
{
  ChatRoom *room = get_room (event, session);

  if (room != NULL)
    append (event, session, room, CHAT_LINE_EMOTE);
}

static void
on_private (struct json_object *event,
            ChatSession        *session)
{
  const char *from = get_string (event, "nick");
  gboolean own = g_strcmp0 (from, chat_session_get_nick (session)) == 0;
  g_autofree char *name = g_strconcat ("@", own ? get_string (event, "to") : from, NULL);

  append (event, session, chat_session_open_room (session, name), CHAT_LINE_MESSAGE);
}

static void
on_join (struct json_object *event,
         ChatSession        *session)
{
  ChatRoom *room = get_room (event, session);

  if (room == NULL)
    return;

  chat_room_add_member (room, get_string (event, "nick"));
  chat_room_note (room, "%s joined", get_string (event, "nick"));
}

static void
on_part (struct json_object *event,
         ChatSession        *session)
{
  ChatRoom *room = get_room (event, session);

  if (room != NULL && chat_room_remove_member (room, get_string (event, "nick")))
    chat_room_note (room, "%s left", get_string (event, "nick"));
}

static void
on_rename (struct json_object *event,
           ChatSession        *session)
{
  ChatRoom *room = get_room (event, session);

  if (room == NULL || !chat_room_remove_member (room, get_string (event, "old")))
    return;

  chat_room_add_member (room, get_string (event, "nick"));
  chat_room_note (room, "%s is now called %s", get_string (event, "old"), get_string (event, "nick"));
}

static void
on_retopic (struct json_object *event,
            ChatSession        *session)
{
  ChatRoom *room = get_room (event, session);

  if (room == NULL)
    return;

  chat_room_set_topic (room, get_string (event, "topic"));
  chat_room_note (room, "%s set the topic: %s", get_string (event, "nick"), get_string (event, "topic"));
}

static void
on_topic (struct json_object *event,
          ChatSession        *session)
{
  g_autofree char *text = g_strdup_printf ("Topic of %s: %s", get_string (event, "room"), get_string (event, "topic"));

  chat_session_note (session, text);
}

static void
on_users (struct json_object *event,
          ChatSession        *session)
{
  g_auto (GStrv) users = dup_strings (event, "users");
  g_autofree char *list = g_strjoinv (", ", users);
  g_autofree char *text = g_strdup_printf ("In %s: %s", get_string (event, "room"), list);

  chat_session_note (session, text);
}

static void
on_rooms (struct json_object *event,
          ChatSession        *session)
{
  struct json_object *rooms = json_object_object_get (event, "rooms");
  g_autoptr (GString) text = g_string_new ("Rooms:");

  if (json_object_is_type (rooms, json_type_array))
    {
      for (size_t i = 0; i < json_object_array_length (rooms); i++)
        g_string_append_printf (text, " %s", get_string (json_object_array_get_idx (rooms, i), "room"));
    }

  chat_session_note (session, text->str);
}

/* An error, a goodbye, help. */
static void
on_text (struct json_object *event,
         ChatSession        *session)
{
  chat_session_note (session, get_string (event, "text"));
}

static const struct
{
  const char *name;
  void      (*apply) (struct json_object *event,
                      ChatSession        *session);
} events[] = {
  { "message", on_message },
  { "emote",   on_emote },
  { "private", on_private },
  { "welcome", on_welcome },
  { "nick",    on_nick },
  { "joined",  on_joined },
  { "focus",   on_focus },
  { "parted",  on_parted },
  { "gone",    on_gone },
  { "join",    on_join },
  { "part",    on_part },
  { "rename",  on_rename },
  { "retopic", on_retopic },
  { "topic",   on_topic },
  { "users",   on_users },
  { "rooms",   on_rooms },
  { "help",    on_text },
  { "error",   on_text },
  { "goodbye", on_text },
};

void
chat_event_apply (struct json_object *event,
                  ChatSession        *session)
{
  const char *name = get_string (event, "event");

  for (guint i = 0; i < G_N_ELEMENTS (events); i++)
    {
      if (g_str_equal (events[i].name, name))
        {
          events[i].apply (event, session);
          return;
        }
    }
}
