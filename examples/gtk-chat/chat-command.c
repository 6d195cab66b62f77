/* chat-command.c - what the user types, as the chat service wants it; see docs/chat.md
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>

#include "chat-command.h"

static const struct
{
  const char *name;
  const char *arguments[2];          /* the last one is the rest of the line */
  gboolean    in_room;
} commands[] = {
  { "nick",  { "nick" },         FALSE },
  { "join",  { "room" },         FALSE },
  { "say",   { "text" },         TRUE },
  { "me",    { "text" },         TRUE },
  { "topic", { "text" },         TRUE },
  { "who",   { NULL },           TRUE },
  { "part",  { NULL },           TRUE },
  { "msg",   { "nick", "text" }, FALSE },
};

static void
add (struct json_object *command,
     const char         *key,
     const char         *value)
{
  json_object_object_add (command, key, json_object_new_string (value));
}

struct json_object *
chat_command_new (const char *name,
                  const char *key,
                  const char *value)
{
  struct json_object *command = json_object_new_object ();

  add (command, "cmd", name);
  if (key != NULL)
    add (command, key, value);
  return command;
}

static void
add_arguments (struct json_object *command,
               const char *const  *keys,
               const char         *text)
{
  for (guint i = 0; i < 2 && keys[i] != NULL && *text != '\0'; i++)
    {
      gsize length = i == 0 && keys[1] != NULL ? strcspn (text, " ") : strlen (text);
      g_autofree char *value = g_strndup (text, length);

      add (command, keys[i], value);
      text += length;
      text += strspn (text, " ");
    }
}

/* “/join lobby”; what the table does not have is the service's to judge. */
static struct json_object *
parse_command (const char *typed,
               ChatRoom   *room)
{
  g_autofree char *name = g_strndup (typed + 1, strcspn (typed + 1, " "));
  struct json_object *command = chat_command_new (name, NULL, NULL);
  const char *text = typed + 1 + strlen (name);

  text += strspn (text, " ");
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      if (!g_str_equal (commands[i].name, name))
        continue;

      add_arguments (command, commands[i].arguments, text);
      if (commands[i].in_room && room != NULL)
        add (command, "room", chat_room_get_name (room));
    }

  return command;
}

struct json_object *
chat_command_parse (const char *typed,
                    ChatRoom   *room)
{
  struct json_object *command;

  if (*typed == '/')
    return parse_command (typed, room);

  if (room != NULL && chat_room_is_private (room))
    {
      command = chat_command_new ("msg", "nick", chat_room_get_name (room) + 1);
      add (command, "text", typed);
      return command;
    }

  command = chat_command_new ("say", "text", typed);
  if (room != NULL)
    add (command, "room", chat_room_get_name (room));
  return command;
}
