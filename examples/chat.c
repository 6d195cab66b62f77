/* chat.c - a chat service: lines for people, JSON lines for programs, the same rooms for both
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A room is an actor, and so are each connection and the registry, which knows everybody's nick name and every room. They share no
 * data and send messages:
 *
 *   connection → registry   register, nick, join, who, list, private   (asks: the connection goes on when the answer comes)
 *   registry   → room       join, who                                  (the connection's own ask, handed on: the room answers it)
 *   connection → room       say, emote, topic, set-topic, part         (asks)
 *   connection → room       rename
 *   room       → registry   state                                      (how many users, which topic)
 *   room       → connection line                                       (what was said, ready to be sent)
 *
 * A room that fails is restarted, and goes on with the state that the one before has left. Rooms and their members watch each other.
 *
 * Because they share nothing else, rooms and connections may live on as many threads as the service has (--reactors); that is the one line
 * in their classes which says that they are spread.
 *
 * Whatever a connection is told is an event, a JSON object; a line of text is made from it by a template. Whatever it says is a
 * command, a JSON object too; text connections make one from a line. docs/chat.md describes both.
 */

#include <locale.h>
#include <string.h>

#include <troupe.h>

#define CLOSE_TIMEOUT_MS 2000        /* for those who do not read what they are told last */
#define MINUTE_MS (60 * 1000)
#define MAX_BEGINNINGS 3             /* new ones within a minute, before the service gives up */

/* ---- options ------------------------------------------------------------------------------------------------------------------ */

static struct
{
  char **listen;
  char **listen_json;
  char  *motd;
  int    max_users;
  int    max_rooms;
  int    max_line;
  int    max_unsent;
  int    max_errors;
  int    max_failures;
  int    history;
  int    idle_timeout;
  int    reactors;
#ifndef NDEBUG
  gboolean admin_commands;
#endif
} options = {
  .max_users = 1000,
  .max_rooms = 100,
  .max_line = 4096,
  .max_unsent = 4 * 1024 * 1024,
  .max_errors = 100,
  .max_failures = 5,
  .history = 100,
};

static const GOptionEntry option_entries[] = {
  { "listen", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.listen,
    "Serve text here; may be repeated (tcp:8026:interface=127.0.0.1)", "ENDPOINT" },
  { "listen-json", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.listen_json,
    "Serve JSON lines here; may be repeated (tcp:8027:interface=127.0.0.1)", "ENDPOINT" },
  { "motd", 0, 0, G_OPTION_ARG_STRING, &options.motd,
    "Greet everybody with a text, or with what a file holds", "TEXT|FILE" },
  { "max-users", 0, 0, G_OPTION_ARG_INT, &options.max_users, "Most users at a time (1000)", "N" },
  { "max-rooms", 0, 0, G_OPTION_ARG_INT, &options.max_rooms, "Most rooms at a time (100)", "N" },
  { "max-line", 0, 0, G_OPTION_ARG_INT, &options.max_line, "Most bytes in a line (4096)", "N" },
  { "max-unsent", 0, 0, G_OPTION_ARG_INT, &options.max_unsent,
    "Drop a user for whom more bytes wait (4194304)", "N" },
  { "max-errors", 0, 0, G_OPTION_ARG_INT, &options.max_errors,
    "Drop a program after so many lines that are not JSON objects, 0 for never (100)", "N" },
  { "max-failures", 0, 0, G_OPTION_ARG_INT, &options.max_failures,
    "Give a room up that fails more often within a minute (5)", "N" },
  { "history", 0, 0, G_OPTION_ARG_INT, &options.history, "Messages shown on joining a room (100)", "N" },
  { "idle-timeout", 0, 0, G_OPTION_ARG_INT, &options.idle_timeout,
    "Drop a user who says nothing for so long, 0 for never (0)", "SECONDS" },
  { "reactors", 0, 0, G_OPTION_ARG_INT, &options.reactors,
    "Run on so many threads, 0 for what TROUPE_REACTORS says (0)", "N" },
#ifndef NDEBUG
  { "admin-commands", 0, 0, G_OPTION_ARG_NONE, &options.admin_commands,
    "Let everybody crash rooms, and all of this, and look inside", NULL },
#endif
  { NULL }
};

/* ---- errors: what a user is told when a command cannot be done ---------------------------------------------------------------- */

#define CHAT_ERROR (chat_error_quark ())

typedef enum
{
  CHAT_ERROR_UNKNOWN_COMMAND,
  CHAT_ERROR_BAD_ARGUMENT,
  CHAT_ERROR_BAD_ENCODING,
  CHAT_ERROR_LINE_TOO_LONG,
  CHAT_ERROR_BAD_NAME,
  CHAT_ERROR_NICK_IN_USE,
  CHAT_ERROR_NO_SUCH_NICK,
  CHAT_ERROR_NO_SUCH_ROOM,
  CHAT_ERROR_NOT_IN_ROOM,
  CHAT_ERROR_ROOM_GONE,
  CHAT_ERROR_TOO_MANY_USERS,
  CHAT_ERROR_TOO_MANY_ROOMS,
  CHAT_ERROR_SHUTTING_DOWN,
} ChatError;

static const char *const chat_error_codes[] = {
  "unknown-command", "bad-argument", "bad-encoding", "line-too-long", "bad-name", "nick-in-use", "no-such-nick",
  "no-such-room", "not-in-room", "room-gone", "too-many-users", "too-many-rooms", "shutting-down",
};

static G_DEFINE_QUARK (chat-error-quark, chat_error)

/* Rejects the ask that MESSAGE is. The one who was asked is none the worse for it, hence TRUE. */
static gboolean G_GNUC_PRINTF (3, 4)
refuse (TroupeMessage *message, ChatError code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  troupe_message_reply_error (message, g_error_new_valist (CHAT_ERROR, code, format, args));
  va_end (args);

  return TRUE;
}

/* ---- events: what a user is told ---------------------------------------------------------------------------------------------- */

static const struct
{
  const char *event;
  const char *text;
} templates[] = {
  { "welcome", "{motd}\nYou are {nick}. /nick NAME changes that, /join ROOM enters a room, /help lists all commands." },
  { "error",   "{text}" },
  { "goodbye", "{text}" },
  { "help",    "{text}" },
  { "nick",    "You are now called {nick}" },
  { "rename",  "[{room}] {old} is now called {nick}" },
  { "joined",  "You joined {room}. Here: {users}. Topic: {topic}" },
  { "parted",  "You left {room}" },
  { "gone",    "[{room}] {text}" },
  { "focus",   "What you say now goes to {room}" },
  { "join",    "[{room}] {nick} joined" },
  { "part",    "[{room}] {nick} left" },
  { "message", "[{room}] <{nick}> {text}" },
  { "emote",   "[{room}] * {nick} {text}" },
  { "private", "[private] {nick} to {to}: {text}" },
  { "topic",   "[{room}] Topic: {topic}" },
  { "retopic", "[{room}] {nick} set the topic: {topic}" },
  { "users",   "[{room}] Here: {users}" },
  { "reactors", "{text}" },
  { "rooms",   "Rooms: {rooms}" },
};

/* Keys and strings, up to NULL. */
static struct json_object * G_GNUC_NULL_TERMINATED
event_new (const char *event, ...)
{
  struct json_object *self = json_object_new_object ();
  const char *key;
  va_list args;

  json_object_object_add (self, "event", json_object_new_string (event));
  va_start (args, event);
  while ((key = va_arg (args, const char *)) != NULL)
    json_object_object_add (self, key, json_object_new_string (va_arg (args, const char *)));
  va_end (args);

  return self;
}

static void
event_add_time (struct json_object *self)
{
  json_object_object_add (self, "time", json_object_new_int64 (g_get_real_time () / G_USEC_PER_SEC));
}

/* The string that KEY has, or NULL. */
static const char *
object_get (struct json_object *self, const char *key)
{
  struct json_object *value = json_object_object_get (self, key);

  return json_object_is_type (value, json_type_string) ? json_object_get_string (value) : NULL;
}

static void append_value (GString *out, struct json_object *value);

static void
append_array (GString *out, struct json_object *array)
{
  for (size_t i = 0; i < json_object_array_length (array); i++)
    {
      if (i > 0)
        g_string_append (out, ", ");
      append_value (out, json_object_array_get_idx (array, i));
    }

  if (json_object_array_length (array) == 0)
    g_string_append (out, "(none)");
}

static void
append_value (GString *out, struct json_object *value)
{
  if (json_object_is_type (value, json_type_array))
    append_array (out, value);
  else if (json_object_is_type (value, json_type_object))     /* a room in a list of them */
    g_string_append_printf (out, "%s (%d)", object_get (value, "room"),
                            json_object_get_int (json_object_object_get (value, "users")));
  else if (json_object_get_string_len (value) == 0)
    g_string_append (out, "(none)");
  else
    g_string_append (out, json_object_get_string (value));
}

static void
append_template (GString *out, const char *template, struct json_object *event)
{
  for (const char *open; (open = strchr (template, '{')) != NULL;)
    {
      const char *close = strchr (open, '}');
      g_autofree char *key = g_strndup (open + 1, close - open - 1);

      g_string_append_len (out, template, open - template);
      append_value (out, json_object_object_get (event, key));
      template = close + 1;
    }

  g_string_append (out, template);
}

/* Text as it is sent, line ends included. */
static char *
event_to_text (struct json_object *event)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (templates); i++)
    {
      if (g_str_equal (templates[i].event, object_get (event, "event")))
        append_template (out, templates[i].text, event);
    }

  g_string_append_c (out, '\n');
  g_string_replace (out, "\n", "\r\n", 0);
  return g_string_free (out, FALSE);
}

/* ---- a line: an event, rendered once for however many listeners, on whatever connections -------------------------------------- */

typedef struct
{
  GBytes *text;
  GBytes *json;
} Line;

#define CHAT_TYPE_LINE (line_get_type ())

static Line *
line_ref (Line *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
line_clear (gpointer data)
{
  Line *self = data;

  g_bytes_unref (self->text);
  g_bytes_unref (self->json);
}

static void
line_unref (Line *self)
{
  g_atomic_rc_box_release_full (self, line_clear);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Line, line_unref)
GType line_get_type (void);
G_DEFINE_BOXED_TYPE (Line, line, line_ref, line_unref)

/* Takes EVENT. */
static Line *
line_new (struct json_object *event)
{
  Line *self = g_atomic_rc_box_new0 (Line);
  char *text = event_to_text (event);
  char *json = g_strconcat (json_object_to_json_string_ext (event, JSON_C_TO_STRING_PLAIN), "\n", NULL);

  self->text = g_bytes_new_take (text, strlen (text));
  self->json = g_bytes_new_take (json, strlen (json));
  json_object_put (event);

  return self;
}

/* ---- names -------------------------------------------------------------------------------------------------------------------- */

#define MAX_NAME 20

static gboolean
is_name (const char *name)
{
  gsize length = strspn (name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-");

  return length >= 1 && length <= MAX_NAME && name[length] == '\0';
}

static gboolean
refuse_name (TroupeMessage *message, const char *what)
{
  return refuse (message, CHAT_ERROR_BAD_NAME, "A %s is 1 to %d letters, digits, “_” or “-”", what, MAX_NAME);
}

static gboolean
same_name (const char *a, const char *b)
{
  return g_ascii_strcasecmp (a, b) == 0;
}

static guint
name_hash (gconstpointer name)
{
  g_autofree char *folded = g_ascii_strdown (name, -1);

  return g_str_hash (folded);
}

static gboolean
name_equal (gconstpointer a, gconstpointer b)
{
  return same_name (a, b);
}

/* ---- room --------------------------------------------------------------------------------------------------------------------- */

/* What a room answers to a join. */
typedef struct
{
  TroupeRef          *room;
  struct json_object *event;
  GPtrArray          *history;       /* of Line */
} Welcome;

static void
welcome_free (gpointer data)
{
  Welcome *self = data;

  troupe_ref_unref (self->room);
  json_object_put (self->event);
  g_ptr_array_unref (self->history);
  g_free (self);
}

/* What a room must not forget when it fails. It is a construct property, and every restart builds the next object with the same one. */
typedef struct
{
  char       *name;
  char       *topic;
  GHashTable *members;               /* TroupeRef to nick name */
  GQueue      history;               /* of Line, oldest first */
  guint64     n_joins;
} RoomState;

#define CHAT_TYPE_ROOM_STATE (room_state_get_type ())

static RoomState *
room_state_new (const char *name)
{
  RoomState *self = g_atomic_rc_box_new0 (RoomState);

  self->name = g_strdup (name);
  self->topic = g_strdup ("");
  self->members = g_hash_table_new_full (NULL, NULL, (GDestroyNotify) troupe_ref_unref, g_free);

  return self;
}

static RoomState *
room_state_ref (RoomState *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
room_state_clear (gpointer data)
{
  RoomState *self = data;

  g_free (self->name);
  g_free (self->topic);
  g_hash_table_unref (self->members);
  g_queue_clear_full (&self->history, (GDestroyNotify) line_unref);
}

static void
room_state_unref (RoomState *self)
{
  g_atomic_rc_box_release_full (self, room_state_clear);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RoomState, room_state_unref)
GType room_state_get_type (void);
G_DEFINE_BOXED_TYPE (RoomState, room_state, room_state_ref, room_state_unref)

#define CHAT_TYPE_ROOM (room_get_type ())
G_DECLARE_FINAL_TYPE (Room, room, CHAT, ROOM, TroupeActor)

struct _Room
{
  TroupeActor  parent_instance;
  RoomState   *state;
};

enum { ROOM_PROP_0, ROOM_PROP_STATE };

G_DEFINE_FINAL_TYPE (Room, room, TROUPE_TYPE_ACTOR)

/* Takes EVENT. */
static void
room_broadcast (Room *self, struct json_object *event, gboolean remember)
{
  g_autoptr (Line) line = line_new (event);
  g_autofree gpointer *members = NULL;
  guint n_members;

  members = g_hash_table_get_keys_as_array (self->state->members, &n_members);
  troupe_ref_send_all ((TroupeRef **) members, n_members, troupe_message_new_boxed ("line", CHAT_TYPE_LINE, line));

  if (remember)
    g_queue_push_tail (&self->state->history, g_steal_pointer (&line));
  while (self->state->history.length > (guint) MAX (options.history, 0))
    line_unref (g_queue_pop_head (&self->state->history));
}

/* The registry lists rooms, and closes this one if nobody is in it and no join is on its way here: N_JOINS tells. */
static void
room_report (Room *self)
{
  TroupeRef *registry = troupe_ref_get_parent (troupe_actor_get_ref (TROUPE_ACTOR (self)));
  RoomState *state = self->state;

  troupe_ref_send (registry, troupe_message_new_variant ("state",
    g_variant_new ("(utss)", g_hash_table_size (state->members), state->n_joins, state->name, state->topic)));
}

static struct json_object *
room_list_users (Room *self)
{
  g_autoptr (GList) nicks = g_list_sort (g_hash_table_get_values (self->state->members), (GCompareFunc) g_ascii_strcasecmp);
  struct json_object *users = json_object_new_array ();

  for (GList *link = nicks; link != NULL; link = link->next)
    json_object_array_add (users, json_object_new_string (link->data));

  return users;
}

static Welcome *
room_welcome (Room *self)
{
  Welcome *welcome = g_new0 (Welcome, 1);

  welcome->room = troupe_ref_ref (troupe_actor_get_ref (TROUPE_ACTOR (self)));
  welcome->event = event_new ("joined", "room", self->state->name, "topic", self->state->topic, NULL);
  json_object_object_add (welcome->event, "users", room_list_users (self));
  json_object_object_add (welcome->event, "history", json_object_new_int (self->state->history.length));
  welcome->history = g_ptr_array_new_with_free_func ((GDestroyNotify) line_unref);
  for (GList *link = self->state->history.head; link != NULL; link = link->next)
    g_ptr_array_add (welcome->history, line_ref (link->data));

  return welcome;
}

/* (room, nick), asked of the registry and handed on */
static gboolean
room_on_join (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  Room *self = CHAT_ROOM (actor);
  TroupeRef *member = troupe_message_get_sender (message);
  const char *nick;

  /* Whatever becomes of it: the registry has counted it. */
  self->state->n_joins++;
  g_variant_get (troupe_message_get_variant (message), "(&s&s)", NULL, &nick);
  room_broadcast (self, event_new ("join", "room", self->state->name, "nick", nick, NULL), FALSE);
  g_hash_table_insert (self->state->members, troupe_ref_ref (member), g_strdup (nick));
  troupe_actor_watch (actor, member);
  g_print ("%s joined %s\n", nick, self->state->name);

  room_report (self);
  troupe_message_reply_pointer (message, room_welcome (self), welcome_free);
  return TRUE;
}

static void
room_remove (Room *self, TroupeRef *member)
{
  g_autofree char *nick = NULL;
  gpointer key;

  if (!g_hash_table_steal_extended (self->state->members, member, &key, (gpointer *) &nick))
    return;

  troupe_actor_unwatch (TROUPE_ACTOR (self), member);
  troupe_ref_unref (key);
  g_print ("%s left %s\n", nick, self->state->name);
  room_broadcast (self, event_new ("part", "room", self->state->name, "nick", nick, NULL), FALSE);
  room_report (self);
}

static gboolean
room_on_part (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  Room *self = CHAT_ROOM (actor);

  room_remove (self, troupe_message_get_sender (message));
  troupe_message_reply_json (message, event_new ("parted", "room", self->state->name, NULL));
  return TRUE;
}

/* A member's connection has ended, whatever the reason. */
static gboolean
room_on_terminated (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  room_remove (CHAT_ROOM (actor), troupe_termination_get_actor (troupe_message_get_boxed (message)));
  return TRUE;
}

/* The nick name of who sent MESSAGE, or NULL if it is not a member any more. */
static const char *
room_get_nick (Room *self, TroupeMessage *message)
{
  return g_hash_table_lookup (self->state->members, troupe_message_get_sender (message));
}

static gboolean
refuse_stranger (Room *self, TroupeMessage *message)
{
  return refuse (message, CHAT_ERROR_NOT_IN_ROOM, "You are not in room “%s”", self->state->name);
}

static gboolean
room_spread (TroupeActor *actor, TroupeMessage *message, const char *event_name)
{
  Room *self = CHAT_ROOM (actor);
  const char *nick = room_get_nick (self, message);
  struct json_object *event;

  if (nick == NULL)
    return refuse_stranger (self, message);

  event = event_new (event_name, "room", self->state->name, "nick", nick, "text", troupe_message_get_string (message), NULL);
  event_add_time (event);
  room_broadcast (self, event, TRUE);
  troupe_message_reply (message);
  return TRUE;
}

static gboolean
room_on_say (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  return room_spread (actor, message, "message");
}

static gboolean
room_on_emote (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  return room_spread (actor, message, "emote");
}

static gboolean
room_on_rename (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  Room *self = CHAT_ROOM (actor);
  const char *nick = troupe_message_get_string (message);
  const char *old = room_get_nick (self, message);

  if (old == NULL)
    return TRUE;

  room_broadcast (self, event_new ("rename", "room", self->state->name, "old", old, "nick", nick, NULL), FALSE);
  g_hash_table_insert (self->state->members, troupe_ref_ref (troupe_message_get_sender (message)), g_strdup (nick));
  return TRUE;
}

static gboolean
room_on_set_topic (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  Room *self = CHAT_ROOM (actor);
  const char *nick = room_get_nick (self, message);

  if (nick == NULL)
    return refuse_stranger (self, message);

  g_free (self->state->topic);
  self->state->topic = g_strdup (troupe_message_get_string (message));
  room_broadcast (self, event_new ("retopic", "room", self->state->name, "nick", nick, "topic", self->state->topic, NULL), FALSE);
  room_report (self);
  troupe_message_reply (message);
  return TRUE;
}

static gboolean
room_on_topic (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  Room *self = CHAT_ROOM (actor);

  troupe_message_reply_json (message, event_new ("topic", "room", self->state->name, "topic", self->state->topic, NULL));
  return TRUE;
}

static gboolean
room_on_who (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  Room *self = CHAT_ROOM (actor);
  struct json_object *event = event_new ("users", "room", self->state->name, NULL);

  json_object_object_add (event, "users", room_list_users (self));
  troupe_message_reply_json (message, event);
  return TRUE;
}

#ifndef NDEBUG
/* Says something, as if there were a mistake in how that is done. */
static gboolean
room_on_crash (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s crashed at “%s”", CHAT_ROOM (actor)->state->name,
               troupe_message_get_string (message));
  return FALSE;
}
#endif

/* The state is as the handler that failed has left it: what that may not have come to is done now. */
static void
room_post_restart (TroupeActor *actor, const GError *error)
{
  Room *self = CHAT_ROOM (actor);
  GHashTableIter iter;
  gpointer member;

  /* Watching again does nothing, but for those who have ended: we are told of them again. */
  g_hash_table_iter_init (&iter, self->state->members);
  while (g_hash_table_iter_next (&iter, &member, NULL))
    troupe_actor_watch (actor, member);

  g_print ("%s goes on\n", self->state->name);
  room_report (self);
}

static void
room_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  Room *self = CHAT_ROOM (object);

  self->state = g_value_dup_boxed (value);
}

static void
room_finalize (GObject *object)
{
  room_state_unref (CHAT_ROOM (object)->state);
  G_OBJECT_CLASS (room_parent_class)->finalize (object);
}

static void
room_class_init (RoomClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  object_class->set_property = room_set_property;
  object_class->finalize = room_finalize;
  g_object_class_install_property (object_class, ROOM_PROP_STATE,
    g_param_spec_boxed ("state", NULL, NULL, CHAT_TYPE_ROOM_STATE,
                        G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS));

  actor_class->kind = "room";
  troupe_actor_class_set_placement (actor_class, TROUPE_PLACEMENT_SPREAD);
  actor_class->post_restart = room_post_restart;
  troupe_actor_class_bind (actor_class, "join", G_TYPE_VARIANT, room_on_join);
  troupe_actor_class_bind (actor_class, "part", G_TYPE_NONE, room_on_part);
  troupe_actor_class_bind (actor_class, "terminated", TROUPE_TYPE_TERMINATION, room_on_terminated);
  troupe_actor_class_bind (actor_class, "say", G_TYPE_STRING, room_on_say);
  troupe_actor_class_bind (actor_class, "emote", G_TYPE_STRING, room_on_emote);
  troupe_actor_class_bind (actor_class, "rename", G_TYPE_STRING, room_on_rename);
  troupe_actor_class_bind (actor_class, "set-topic", G_TYPE_STRING, room_on_set_topic);
  troupe_actor_class_bind (actor_class, "topic", G_TYPE_NONE, room_on_topic);
  troupe_actor_class_bind (actor_class, "who", G_TYPE_STRING, room_on_who);
#ifndef NDEBUG
  troupe_actor_class_bind (actor_class, "crash", G_TYPE_STRING, room_on_crash);
#endif
}

static void
room_init (Room *self)
{
}

/* ---- registry ----------------------------------------------------------------------------------------------------------------- */

typedef struct
{
  TroupeRef *room;
  char      *name;
  char      *topic;
  guint      n_users;
  guint64    n_joins;                /* handed on to it */
} Entry;

#define CHAT_TYPE_REGISTRY (registry_get_type ())
G_DECLARE_FINAL_TYPE (Registry, registry, CHAT, REGISTRY, TroupeActor)

struct _Registry
{
  TroupeActor     parent_instance;
  GHashTable     *nicks;             /* TroupeRef to nick name */
  GHashTable     *users;             /* nick name, borrowed from NICKS, to TroupeRef */
  GHashTable     *rooms;             /* name to Entry */
  guint           n_guests;
  TroupeResolver *gone;              /* while shutting down: waits for the last user */
};

G_DEFINE_FINAL_TYPE (Registry, registry, TROUPE_TYPE_ACTOR)

static void
entry_free (gpointer data)
{
  Entry *self = data;

  troupe_ref_unref (self->room);
  g_free (self->name);
  g_free (self->topic);
  g_free (self);
}

static void
registry_take_nick (Registry *self, TroupeRef *user, const char *nick)
{
  const char *old = g_hash_table_lookup (self->nicks, user);
  char *copy = g_strdup (nick);

  if (old != NULL)
    g_hash_table_remove (self->users, old);
  g_hash_table_insert (self->nicks, troupe_ref_ref (user), copy);
  g_hash_table_insert (self->users, copy, user);
}

/* Answers with a nick name to begin with. */
static gboolean
registry_on_register (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  Registry *self = CHAT_REGISTRY (actor);
  TroupeRef *user = troupe_message_get_sender (message);
  g_autofree char *nick = NULL;

  if (self->gone != NULL)
    return refuse (message, CHAT_ERROR_SHUTTING_DOWN, "Server is shutting down");
  if (g_hash_table_size (self->nicks) >= (guint) MAX (options.max_users, 0))
    return refuse (message, CHAT_ERROR_TOO_MANY_USERS, "Too many users, try later");

  do
    {
      g_free (nick);
      nick = g_strdup_printf ("guest%u", ++self->n_guests);
    }
  while (g_hash_table_contains (self->users, nick));

  registry_take_nick (self, user, nick);
  troupe_actor_watch (actor, user);
  troupe_message_reply_string (message, nick);
  return TRUE;
}

static gboolean
registry_on_nick (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  Registry *self = CHAT_REGISTRY (actor);
  TroupeRef *user = troupe_message_get_sender (message);
  const char *nick = troupe_message_get_string (message);
  TroupeRef *holder = g_hash_table_lookup (self->users, nick);

  if (!is_name (nick))
    return refuse_name (message, "nick name");
  if (holder != NULL && holder != user)
    return refuse (message, CHAT_ERROR_NICK_IN_USE, "“%s” is somebody else's nick name", nick);

  registry_take_nick (self, user, nick);
  troupe_message_reply_string (message, nick);
  return TRUE;
}

static Entry *
registry_open_room (Registry *self, const char *name, GError **error)
{
  g_autoptr (RoomState) state = room_state_new (name);
  TroupeRef *room;
  Entry *entry;

  room = troupe_actor_spawn (TROUPE_ACTOR (self), NULL, CHAT_TYPE_ROOM, error, "state", state, NULL);
  if (room == NULL)
    return NULL;

  entry = g_new0 (Entry, 1);
  entry->room = room;
  entry->name = g_strdup (name);
  entry->topic = g_strdup ("");
  g_hash_table_insert (self->rooms, entry->name, entry);
  return entry;
}

static gboolean
registry_on_join (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  Registry *self = CHAT_REGISTRY (actor);
  const char *name;
  Entry *entry;

  g_variant_get (troupe_message_get_variant (message), "(&s&s)", &name, NULL);
  if (!is_name (name))
    return refuse_name (message, "room");

  entry = g_hash_table_lookup (self->rooms, name);
  if (entry == NULL && g_hash_table_size (self->rooms) >= (guint) MAX (options.max_rooms, 0))
    return refuse (message, CHAT_ERROR_TOO_MANY_ROOMS, "Too many rooms, join one of those there are: /list");
  if (entry == NULL)
    entry = registry_open_room (self, name, error);
  if (entry == NULL)
    return FALSE;

  entry->n_joins++;
  troupe_message_forward (message, entry->room);
  return TRUE;
}

static gboolean
registry_on_who (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  Registry *self = CHAT_REGISTRY (actor);
  const char *name = troupe_message_get_string (message);
  Entry *entry = g_hash_table_lookup (self->rooms, name);

  if (entry == NULL)
    return refuse (message, CHAT_ERROR_NO_SUCH_ROOM, "There is no room “%s”", name);

  troupe_message_forward (message, entry->room);
  return TRUE;
}

static int
compare_entries (gconstpointer a, gconstpointer b)
{
  return g_ascii_strcasecmp (((const Entry *) a)->name, ((const Entry *) b)->name);
}

static gboolean
registry_on_list (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  Registry *self = CHAT_REGISTRY (actor);
  g_autoptr (GList) entries = g_list_sort (g_hash_table_get_values (self->rooms), compare_entries);
  struct json_object *event = event_new ("rooms", NULL);
  struct json_object *rooms = json_object_new_array ();

  for (GList *link = entries; link != NULL; link = link->next)
    {
      const Entry *entry = link->data;
      struct json_object *room = json_object_new_object ();

      json_object_object_add (room, "room", json_object_new_string (entry->name));
      json_object_object_add (room, "users", json_object_new_int (entry->n_users));
      json_object_object_add (room, "topic", json_object_new_string (entry->topic));
      json_object_array_add (rooms, room);
    }

  json_object_object_add (event, "rooms", rooms);
  troupe_message_reply_json (message, event);
  return TRUE;
}

/* (to, text): both the one it is for and the one it is from see the same line. */
static gboolean
registry_on_private (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  Registry *self = CHAT_REGISTRY (actor);
  const char *from = g_hash_table_lookup (self->nicks, troupe_message_get_sender (message));
  const char *to, *text;
  struct json_object *event;
  g_autoptr (Line) line = NULL;
  TroupeRef *user;

  g_variant_get (troupe_message_get_variant (message), "(&s&s)", &to, &text);
  user = g_hash_table_lookup (self->users, to);
  if (user == NULL)
    return refuse (message, CHAT_ERROR_NO_SUCH_NICK, "Nobody is called “%s”", to);

  event = event_new ("private", "nick", from, "to", g_hash_table_lookup (self->nicks, user), "text", text, NULL);
  event_add_time (event);
  line = line_new (event);
  if (user != troupe_message_get_sender (message))
    troupe_ref_send (user, troupe_message_new_boxed ("line", CHAT_TYPE_LINE, line));
  troupe_message_reply_boxed (message, CHAT_TYPE_LINE, line);
  return TRUE;
}

/* From a room: (users, joins it has seen, name, topic) */
static gboolean
registry_on_state (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  Registry *self = CHAT_REGISTRY (actor);
  const char *name, *topic;
  guint64 n_joins;
  guint n_users;
  Entry *entry;

  g_variant_get (troupe_message_get_variant (message), "(ut&s&s)", &n_users, &n_joins, &name, &topic);
  entry = g_hash_table_lookup (self->rooms, name);
  if (entry == NULL || entry->room != troupe_message_get_sender (message))
    return TRUE;

  entry->n_users = n_users;
  g_free (entry->topic);
  entry->topic = g_strdup (topic);
  if (n_users == 0 && n_joins == entry->n_joins)
    {
      troupe_ref_stop (entry->room);
      g_hash_table_remove (self->rooms, name);
    }

  return TRUE;
}

static void
registry_check_gone (Registry *self)
{
  if (self->gone != NULL && g_hash_table_size (self->nicks) == 0)
    troupe_resolver_resolve (self->gone, NULL);
}

/* A user's connection has ended. */
static gboolean
registry_on_terminated (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  Registry *self = CHAT_REGISTRY (actor);
  TroupeRef *user = troupe_termination_get_actor (troupe_message_get_boxed (message));
  const char *nick = g_hash_table_lookup (self->nicks, user);

  if (nick != NULL)
    g_hash_table_remove (self->users, nick);
  g_hash_table_remove (self->nicks, user);
  registry_check_gone (self);
  return TRUE;
}

/* Tells everybody, and answers when all have gone. */
static gboolean
registry_on_shutdown (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  Registry *self = CHAT_REGISTRY (actor);
  GHashTableIter iter;
  gpointer user;

  self->gone = troupe_message_defer_reply (message);
  g_hash_table_iter_init (&iter, self->nicks);
  while (g_hash_table_iter_next (&iter, &user, NULL))
    troupe_ref_send (user, troupe_message_new_string ("goodbye", "Server is shutting down"));

  registry_check_gone (self);
  return TRUE;
}

static gboolean
room_is (gpointer key, gpointer value, gpointer user_data)
{
  return ((Entry *) value)->room == user_data;
}

/* A room that was given up would otherwise stay in the list. */
static void
registry_child_terminated (TroupeActor *actor, TroupeTermination *termination)
{
  g_hash_table_foreach_remove (CHAT_REGISTRY (actor)->rooms, room_is, troupe_termination_get_actor (termination));
  TROUPE_ACTOR_CLASS (registry_parent_class)->child_terminated (actor, termination);
}

/* Rooms are restarted, soon, because people wait; who fails too often is given up, and none of the others with it. */
static gboolean
registry_started (TroupeActor *actor, GError **error)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);

  troupe_supervision_set_back_off (supervision, 20, 200);
  troupe_supervision_set_intensity (supervision, options.max_failures, MINUTE_MS);
  troupe_supervision_set_last_resort (supervision, TROUPE_DIRECTIVE_STOP);
  troupe_actor_set_supervision (actor, supervision);
  return TRUE;
}

#ifndef NDEBUG
static gboolean
registry_on_crash (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "Crashed");
  return FALSE;
}
#endif

static void
registry_finalize (GObject *object)
{
  Registry *self = CHAT_REGISTRY (object);

  g_hash_table_unref (self->users);
  g_hash_table_unref (self->nicks);
  g_hash_table_unref (self->rooms);
  g_clear_pointer (&self->gone, troupe_resolver_unref);

  G_OBJECT_CLASS (registry_parent_class)->finalize (object);
}

static void
registry_class_init (RegistryClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = registry_finalize;
  actor_class->started = registry_started;
  actor_class->child_terminated = registry_child_terminated;

  troupe_actor_class_bind (actor_class, "register", G_TYPE_NONE, registry_on_register);
  troupe_actor_class_bind (actor_class, "nick", G_TYPE_STRING, registry_on_nick);
  troupe_actor_class_bind (actor_class, "join", G_TYPE_VARIANT, registry_on_join);
  troupe_actor_class_bind (actor_class, "who", G_TYPE_STRING, registry_on_who);
  troupe_actor_class_bind (actor_class, "list", G_TYPE_NONE, registry_on_list);
  troupe_actor_class_bind (actor_class, "private", G_TYPE_VARIANT, registry_on_private);
  troupe_actor_class_bind (actor_class, "state", G_TYPE_VARIANT, registry_on_state);
  troupe_actor_class_bind (actor_class, "terminated", TROUPE_TYPE_TERMINATION, registry_on_terminated);
  troupe_actor_class_bind (actor_class, "shutdown", G_TYPE_NONE, registry_on_shutdown);
#ifndef NDEBUG
  troupe_actor_class_bind (actor_class, "crash", G_TYPE_NONE, registry_on_crash);
#endif
}

static void
registry_init (Registry *self)
{
  self->nicks = g_hash_table_new_full (NULL, NULL, (GDestroyNotify) troupe_ref_unref, g_free);
  self->users = g_hash_table_new (name_hash, name_equal);
  self->rooms = g_hash_table_new_full (name_hash, name_equal, NULL, entry_free);
}

/* ---- session: what text and JSON connections have in common ------------------------------------------------------------------- */

typedef struct
{
  char      *name;
  TroupeRef *room;
} Membership;

typedef struct
{
  TroupeLineProtocol *connection;    /* the actor that this is part of */
  gboolean            is_json;
  TroupeRef          *registry;
  char               *nick;
  GPtrArray          *memberships;
  Membership         *current;       /* where plain text goes; or NULL */
  TroupeTimer        *idle;
} Session;

static Session *session_of (TroupeActor *actor);

static void
membership_free (gpointer data)
{
  Membership *self = data;

  g_free (self->name);
  troupe_ref_unref (self->room);
  g_free (self);
}

static TroupeTransport *
session_get_transport (Session *self)
{
  return troupe_protocol_get_transport (TROUPE_PROTOCOL (self->connection));
}

/* Sends a line that others are sent, too. */
static void
session_show_line (Session *self, Line *line)
{
  troupe_transport_write_bytes (session_get_transport (self), self->is_json ? line->json : line->text);
}

static void
session_show (Session *self, struct json_object *event)
{
  g_autofree char *text = NULL;

  if (self->is_json)
    {
      troupe_json_protocol_send (TROUPE_JSON_PROTOCOL (self->connection), event);
      return;
    }

  text = event_to_text (event);
  troupe_transport_write (session_get_transport (self), (const guint8 *) text, strlen (text));
}

/* Takes EVENT. */
static void
session_tell (Session *self, struct json_object *event)
{
  session_show (self, event);
  json_object_put (event);
}

static void
session_tell_error (Session *self, const char *code, const char *text)
{
  session_tell (self, event_new ("error", "code", code, "text", text, NULL));
}

static void G_GNUC_PRINTF (3, 4)
session_complain (Session *self, ChatError code, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  session_tell_error (self, chat_error_codes[code], text);
}

/* Nobody says anything in vain: who was asked has refused, or ended before it came to that, or failed. */
static void
session_tell_failure (Session *self, const GError *error)
{
  g_autofree char *text = g_strconcat ("That could not be done: ", error->message, NULL);

  if (error->domain == CHAT_ERROR)
    session_tell_error (self, chat_error_codes[error->code], error->message);
  else if (g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED))
    session_complain (self, CHAT_ERROR_ROOM_GONE, "That room is gone");
  else
    session_tell_error (self, "failed", text);
}

/* Says why, and closes: what was said is still sent, if the peer reads it in time. */
static void
session_say_goodbye (Session *self, const char *text)
{
  session_tell (self, event_new ("goodbye", "text", text, NULL));
  troupe_transport_set_close_timeout (session_get_transport (self), CLOSE_TIMEOUT_MS);
  troupe_transport_lose_connection (session_get_transport (self));
}

static Membership *
session_find (Session *self, const char *name)
{
  for (guint i = 0; i < self->memberships->len; i++)
    {
      Membership *membership = g_ptr_array_index (self->memberships, i);

      if (same_name (membership->name, name))
        return membership;
    }

  return NULL;
}

/* The room a command names, else the current one; NULL after a complaint. */
static Membership *
session_choose (Session *self, struct json_object *command)
{
  const char *name = object_get (command, "room");
  Membership *membership = name != NULL ? session_find (self, name) : self->current;

  if (membership == NULL && name != NULL)
    session_complain (self, CHAT_ERROR_NOT_IN_ROOM, "You are not in room “%s”", name);
  else if (membership == NULL)
    session_complain (self, CHAT_ERROR_NOT_IN_ROOM, self->memberships->len == 0 ?
                      "You are in no room: /join ROOM enters one" : "No room is chosen: /room ROOM talks in one of yours");

  return membership;
}

static void
session_leave (Session *self, Membership *membership)
{
  troupe_actor_unwatch (TROUPE_ACTOR (self->connection), membership->room);
  if (self->current == membership)
    self->current = NULL;
  g_ptr_array_remove (self->memberships, membership);
}

static void
on_refused (TroupePromise *promise, gpointer user_data)
{
  Session *self = user_data;

  session_tell_failure (self, troupe_promise_get_error (promise));
  if (self->nick == NULL)
    troupe_transport_lose_connection (session_get_transport (self));
  troupe_promise_return_nothing (promise);
}

static void
on_settled (TroupePromise *promise, gpointer user_data)
{
  Session *self = user_data;

  troupe_line_protocol_resume (self->connection);
}

/* Asks, and reads no further commands until the answer has come: they may depend on it. CALLBACK, if any, sees it. */
static void
session_ask (Session *self, TroupeRef *whom, TroupeMessage *message, TroupeStep callback)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (whom, message);

  troupe_line_protocol_pause (self->connection);
  troupe_promise_add_callbacks (promise, callback, self, NULL, on_refused, self, NULL);
  troupe_promise_add_both (promise, on_settled, self, NULL);
}

static void
on_event (TroupePromise *promise, gpointer user_data)
{
  session_show (user_data, troupe_promise_get_json (promise));
}

static void
on_line (TroupePromise *promise, gpointer user_data)
{
  session_show_line (user_data, troupe_promise_get_boxed (promise));
}

static void
on_idle (TroupeTimer *timer, gpointer user_data)
{
  g_autofree char *text = g_strdup_printf ("Idle for %d seconds, goodbye", options.idle_timeout);

  session_say_goodbye (user_data, text);
}

static void
session_touch (Session *self)
{
  if (self->idle != NULL && troupe_timer_is_active (self->idle))
    troupe_timer_reset (self->idle, options.idle_timeout * (gint64) 1000, NULL);
}

static void
on_registered (TroupePromise *promise, gpointer user_data)
{
  Session *self = user_data;

  self->nick = g_strdup (troupe_promise_get_string (promise));
  session_tell (self, event_new ("welcome", "nick", self->nick, "motd", options.motd, NULL));
}

static void
session_begin (Session *self, TroupeLineProtocol *connection, gboolean is_json)
{
  TroupeActor *actor = TROUPE_ACTOR (connection);

  self->connection = connection;
  self->is_json = is_json;
  self->registry = troupe_system_lookup (troupe_actor_get_system (actor), "/registry");
  self->memberships = g_ptr_array_new_with_free_func (membership_free);
  troupe_line_protocol_set_max_length (connection, options.max_line);
  troupe_transport_set_water_marks (session_get_transport (self), options.max_unsent / 2, options.max_unsent);

  if (options.idle_timeout > 0)
    self->idle = troupe_actor_call_later (actor, options.idle_timeout * (gint64) 1000, on_idle, self, NULL);

  session_ask (self, self->registry, troupe_message_new ("register"), on_registered);
}

static void
session_clear (Session *self)
{
  g_clear_pointer (&self->registry, troupe_ref_unref);
  g_clear_pointer (&self->nick, g_free);
  g_clear_pointer (&self->memberships, g_ptr_array_unref);
  g_clear_pointer (&self->idle, troupe_timer_unref);
}

/* From rooms, and from users who have something private to say. */
static gboolean
session_on_line (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  session_show_line (session_of (actor), troupe_message_get_boxed (message));
  return TRUE;
}

static gboolean
session_on_goodbye (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  session_say_goodbye (session_of (actor), troupe_message_get_string (message));
  return TRUE;
}

/* A room with somebody in it only ends when it is given up. */
static gboolean
session_on_terminated (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  Session *self = session_of (actor);
  TroupeRef *room = troupe_termination_get_actor (troupe_message_get_boxed (message));

  for (guint i = 0; i < self->memberships->len; i++)
    {
      Membership *membership = g_ptr_array_index (self->memberships, i);

      if (membership->room != room)
        continue;

      session_tell (self, event_new ("gone", "room", membership->name,
                                     "text", "This room has failed too often, and is gone", NULL));
      session_leave (self, membership);
      break;
    }

  return TRUE;
}

/* More than the high mark waits to be sent: waiting for this user would cost memory without end. */
static void
session_write_paused (TroupeProtocol *protocol)
{
  session_say_goodbye (session_of (TROUPE_ACTOR (protocol)), "You are reading too slowly, goodbye");
}

static void
session_class_init (TroupeProtocolClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  klass->write_paused = session_write_paused;
  troupe_actor_class_set_placement (actor_class, TROUPE_PLACEMENT_SPREAD);
  troupe_actor_class_bind (actor_class, "line", CHAT_TYPE_LINE, session_on_line);
  troupe_actor_class_bind (actor_class, "goodbye", G_TYPE_STRING, session_on_goodbye);
  troupe_actor_class_bind (actor_class, "terminated", TROUPE_TYPE_TERMINATION, session_on_terminated);
}

/* ---- commands ----------------------------------------------------------------------------------------------------------------- */

static void
on_renamed (TroupePromise *promise, gpointer user_data)
{
  Session *self = user_data;

  g_free (self->nick);
  self->nick = g_strdup (troupe_promise_get_string (promise));
  session_tell (self, event_new ("nick", "nick", self->nick, NULL));
  for (guint i = 0; i < self->memberships->len; i++)
    {
      Membership *membership = g_ptr_array_index (self->memberships, i);

      troupe_ref_send (membership->room, troupe_message_new_string ("rename", self->nick));
    }
}

static void
do_nick (Session *self, struct json_object *command)
{
  TroupeMessage *message = troupe_message_new_string ("nick", object_get (command, "nick"));

  session_ask (self, self->registry, message, on_renamed);
}

static void
on_joined (TroupePromise *promise, gpointer user_data)
{
  Session *self = user_data;
  const Welcome *welcome = troupe_promise_get_pointer (promise);
  Membership *membership = g_new0 (Membership, 1);

  membership->name = g_strdup (object_get (welcome->event, "room"));
  membership->room = troupe_ref_ref (welcome->room);
  g_ptr_array_add (self->memberships, membership);
  self->current = membership;
  troupe_actor_watch (TROUPE_ACTOR (self->connection), membership->room);

  session_show (self, welcome->event);
  for (guint i = 0; i < welcome->history->len; i++)
    session_show_line (self, g_ptr_array_index (welcome->history, i));
}

static void
do_room (Session *self, struct json_object *command)
{
  Membership *membership = session_choose (self, command);

  if (membership == NULL)
    return;

  self->current = membership;
  session_tell (self, event_new ("focus", "room", membership->name, NULL));
}

static void
do_join (Session *self, struct json_object *command)
{
  const char *name = object_get (command, "room");
  TroupeMessage *message;

  if (session_find (self, name) != NULL)
    {
      do_room (self, command);
      return;
    }

  message = troupe_message_new_variant ("join", g_variant_new ("(ss)", name, self->nick));
  session_ask (self, self->registry, message, on_joined);
}

static void
on_parted (TroupePromise *promise, gpointer user_data)
{
  Session *self = user_data;
  struct json_object *event = troupe_promise_get_json (promise);
  Membership *membership = session_find (self, object_get (event, "room"));

  session_show (self, event);
  if (membership != NULL)
    session_leave (self, membership);
  if (self->current == NULL && self->memberships->len > 0)
    self->current = g_ptr_array_index (self->memberships, 0);
}

static void
do_part (Session *self, struct json_object *command)
{
  Membership *membership = session_choose (self, command);

  if (membership != NULL)
    session_ask (self, membership->room, troupe_message_new ("part"), on_parted);
}

static void
do_list (Session *self, struct json_object *command)
{
  session_ask (self, self->registry, troupe_message_new ("list"), on_event);
}

static void
do_who (Session *self, struct json_object *command)
{
  const char *name = object_get (command, "room");
  Membership *membership = NULL;

  if (name == NULL)
    {
      membership = session_choose (self, command);
      if (membership == NULL)
        return;
      name = membership->name;
    }

  session_ask (self, self->registry, troupe_message_new_string ("who", name), on_event);
}

static void
do_msg (Session *self, struct json_object *command)
{
  GVariant *body = g_variant_new ("(ss)", object_get (command, "nick"), object_get (command, "text"));

  session_ask (self, self->registry, troupe_message_new_variant ("private", body), on_line);
}

/* To the room, whose line comes back to everybody in it. Who says more than the room can take waits, too. */
static void
session_send_text (Session *self, struct json_object *command, const char *message_name)
{
  Membership *membership = session_choose (self, command);
  TroupeMessage *message;

  if (membership == NULL)
    return;

  message = troupe_message_new_string (message_name, object_get (command, "text"));
  session_ask (self, membership->room, message, NULL);
}

static void
do_say (Session *self, struct json_object *command)
{
  session_send_text (self, command, "say");
}

static void
do_me (Session *self, struct json_object *command)
{
  session_send_text (self, command, "emote");
}

static void
do_topic (Session *self, struct json_object *command)
{
  Membership *membership;

  if (object_get (command, "text") != NULL)
    {
      session_send_text (self, command, "set-topic");
      return;
    }

  membership = session_choose (self, command);
  if (membership != NULL)
    session_ask (self, membership->room, troupe_message_new ("topic"), on_event);
}

static void
do_quit (Session *self, struct json_object *command)
{
  session_say_goodbye (self, "Goodbye");
}

#ifndef NDEBUG
static void
do_crash (Session *self, struct json_object *command)
{
  session_send_text (self, command, "crash");
}

static void
do_crash_registry (Session *self, struct json_object *command)
{
  session_ask (self, self->registry, troupe_message_new ("crash"), NULL);
}

/* How each of the reactors does; any thread may ask them. */
static void
do_reactors (Session *self, struct json_object *command)
{
  TroupeSystem *system = troupe_actor_get_system (TROUPE_ACTOR (self->connection));
  struct json_object *reactors = json_object_new_array ();
  g_autoptr (GString) text = g_string_new ("Reactors:");
  struct json_object *event;

  for (guint i = 0; i < troupe_system_get_n_reactors (system); i++)
    {
      TroupeReactor *reactor = troupe_system_get_nth_reactor (system, i);
      guint n_connections = troupe_reactor_get_n_connections (reactor);
      gint64 n_turns = troupe_reactor_get_n_turns (reactor);
      int busy = troupe_reactor_get_load (reactor) * 100 + 0.5;
      struct json_object *entry = json_object_new_object ();

      json_object_object_add (entry, "connections", json_object_new_int (n_connections));
      json_object_object_add (entry, "turns", json_object_new_int64 (n_turns));
      json_object_object_add (entry, "busy", json_object_new_int (busy));
      json_object_array_add (reactors, entry);
      g_string_append_printf (text, "\n%u: %u connections, %" G_GINT64_FORMAT " turns, %d %% busy", i, n_connections, n_turns, busy);
    }

  event = event_new ("reactors", "text", text->str, NULL);
  json_object_object_add (event, "reactors", reactors);
  session_tell (self, event);
}
#endif

static void do_help (Session *self, struct json_object *command);

static const struct
{
  const char *name;
  const char *arguments[2];          /* “text” is the rest of the line */
  guint       n_required;
  const char *usage;
  const char *help;
  void      (*run) (Session            *self,
                    struct json_object *command);
} commands[] = {
  { "help",  { NULL },           0, "/help", "lists the commands", do_help },
  { "nick",  { "nick" },         1, "/nick NAME", "changes your nick name", do_nick },
  { "join",  { "room" },         1, "/join ROOM", "enters a room", do_join },
  { "part",  { "room" },         0, "/part [ROOM]", "leaves this room, or that one", do_part },
  { "room",  { "room" },         1, "/room ROOM", "talks in another room that you are in", do_room },
  { "list",  { NULL },           0, "/list", "lists the rooms", do_list },
  { "who",   { "room" },         0, "/who [ROOM]", "lists who is in a room", do_who },
  { "say",   { "text" },         1, "/say TEXT", "says something, as does a line without a slash", do_say },
  { "me",    { "text" },         1, "/me TEXT", "says what you do", do_me },
  { "msg",   { "nick", "text" }, 2, "/msg NICK TEXT", "says something to one user only", do_msg },
  { "topic", { "text" },         0, "/topic [TEXT]", "shows the topic, or sets it", do_topic },
  { "quit",  { NULL },           0, "/quit", "leaves", do_quit },
#ifndef NDEBUG
  { "crash", { "text" },         1, "/crash TEXT", "says something that makes the room fail", do_crash },
  { "crash-registry", { NULL },  0, "/crash-registry", "makes all of this begin anew", do_crash_registry },
  { "reactors", { NULL },        0, "/reactors", "shows how the threads of the service do", do_reactors },
#endif
};

static guint
n_commands (void)
{
#ifndef NDEBUG
  /* The last three are not for everybody. */
  if (!options.admin_commands)
    return G_N_ELEMENTS (commands) - 3;
#endif

  return G_N_ELEMENTS (commands);
}

static void
do_help (Session *self, struct json_object *command)
{
  g_autoptr (GString) text = g_string_new ("A line is said in the room you are in, but for these:");

  for (guint i = 0; i < n_commands (); i++)
    g_string_append_printf (text, "\n%-16s %s", commands[i].usage, commands[i].help);
  session_tell (self, event_new ("help", "text", text->str, NULL));
}

static int
find_command (const char *name)
{
  for (guint i = 0; i < n_commands (); i++)
    {
      if (g_str_equal (commands[i].name, name))
        return i;
    }

  return -1;
}

/* What users say must not move others' cursors, nor begin a line of its own. */
static char *
clean_text (const char *text)
{
  GString *clean = g_string_new (NULL);

  for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);

      g_string_append_unichar (clean, g_unichar_iscntrl (c) ? ' ' : c);
    }

  return g_strstrip (g_string_free (clean, FALSE));
}

/* Returns: (nullable): the name of an argument that is no string */
static const char *
clean_command (struct json_object *command)
{
  static const char *const keys[] = { "room", "nick", "text" };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      const char *text = object_get (command, keys[i]);
      g_autofree char *clean = text != NULL ? clean_text (text) : NULL;

      if (clean == NULL && json_object_object_get_ex (command, keys[i], NULL))
        return keys[i];

      if (clean == NULL || *clean == '\0')
        json_object_object_del (command, keys[i]);
      else
        json_object_object_add (command, keys[i], json_object_new_string (clean));
    }

  return NULL;
}

/* Complains if it cannot be done. */
static gboolean
session_check (Session *self, struct json_object *command, int index)
{
  const char *bad = clean_command (command);

  if (bad != NULL)
    {
      session_complain (self, CHAT_ERROR_BAD_ARGUMENT, "“%s” must be a string", bad);
      return FALSE;
    }

  for (guint i = 0; i < commands[index].n_required; i++)
    {
      if (object_get (command, commands[index].arguments[i]) == NULL)
        {
          session_complain (self, CHAT_ERROR_BAD_ARGUMENT, "Usage: %s", commands[index].usage);
          return FALSE;
        }
    }

  return TRUE;
}

static void
session_run (Session *self, struct json_object *command)
{
  const char *name = object_get (command, "cmd");
  g_autofree char *clean = name != NULL ? clean_text (name) : NULL;
  int index = clean != NULL ? find_command (clean) : -1;

  if (clean == NULL)
    session_complain (self, CHAT_ERROR_BAD_ARGUMENT, "“cmd” must be a string");
  else if (index < 0)
    session_complain (self, CHAT_ERROR_UNKNOWN_COMMAND, "Unknown command /%s; try /help", clean);
  else if (session_check (self, command, index))
    commands[index].run (self, command);
}

/* ---- text connections --------------------------------------------------------------------------------------------------------- */

#define CHAT_TYPE_TEXT_CONNECTION (text_connection_get_type ())
G_DECLARE_FINAL_TYPE (TextConnection, text_connection, CHAT, TEXT_CONNECTION, TroupeLineProtocol)

struct _TextConnection
{
  TroupeLineProtocol parent_instance;
  Session            session;
};

G_DEFINE_FINAL_TYPE (TextConnection, text_connection, TROUPE_TYPE_LINE_PROTOCOL)

/* Takes one word off LINE, or all of it. */
static char *
take_argument (const char **line, gboolean all)
{
  const char *start = *line;
  const char *end = all ? start + strlen (start) : start + strcspn (start, " \t");

  *line = end + strspn (end, " \t");
  return g_strndup (start, end - start);
}

/* Returns: (transfer full): a command, of “/join lobby” as of “hello” */
static struct json_object *
parse_line (const char *line)
{
  struct json_object *command = json_object_new_object ();
  g_autofree char *name = NULL;
  int i;

  if (*line != '/')
    {
      json_object_object_add (command, "cmd", json_object_new_string ("say"));
      json_object_object_add (command, "text", json_object_new_string (line));
      return command;
    }

  line++;
  name = take_argument (&line, FALSE);
  json_object_object_add (command, "cmd", json_object_new_string (name));
  i = find_command (name);
  for (guint n = 0; i >= 0 && n < G_N_ELEMENTS (commands[i].arguments) && commands[i].arguments[n] != NULL; n++)
    {
      const char *key = commands[i].arguments[n];
      g_autofree char *value = take_argument (&line, g_str_equal (key, "text"));

      json_object_object_add (command, key, json_object_new_string (value));
    }

  return command;
}

static gboolean
text_connection_made (TroupeProtocol *protocol, GError **error)
{
  session_begin (&CHAT_TEXT_CONNECTION (protocol)->session, TROUPE_LINE_PROTOCOL (protocol), FALSE);
  return TRUE;
}

static gboolean
text_line_received (TroupeLineProtocol *protocol, const char *line, gsize length, GError **error)
{
  Session *session = &CHAT_TEXT_CONNECTION (protocol)->session;
  struct json_object *command;

  session_touch (session);
  line += strspn (line, " \t");
  if (!g_utf8_validate (line, -1, NULL))
    session_complain (session, CHAT_ERROR_BAD_ENCODING, "That line is not UTF-8 and was ignored");
  else if (*line != '\0')
    {
      command = parse_line (line);
      session_run (session, command);
      json_object_put (command);
    }

  return TRUE;
}

static gboolean
text_line_length_exceeded (TroupeLineProtocol *protocol, const guint8 *data, gsize length, GError **error)
{
  session_complain (&CHAT_TEXT_CONNECTION (protocol)->session, CHAT_ERROR_LINE_TOO_LONG,
                    "That line is longer than %d bytes and was ignored", options.max_line);
  return TRUE;
}

static void
text_connection_finalize (GObject *object)
{
  session_clear (&CHAT_TEXT_CONNECTION (object)->session);
  G_OBJECT_CLASS (text_connection_parent_class)->finalize (object);
}

static void
text_connection_class_init (TextConnectionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = text_connection_finalize;
  TROUPE_PROTOCOL_CLASS (klass)->connection_made = text_connection_made;
  TROUPE_LINE_PROTOCOL_CLASS (klass)->line_received = text_line_received;
  TROUPE_LINE_PROTOCOL_CLASS (klass)->line_length_exceeded = text_line_length_exceeded;
  session_class_init (TROUPE_PROTOCOL_CLASS (klass));
}

static void
text_connection_init (TextConnection *self)
{
  troupe_line_protocol_set_delimiter (TROUPE_LINE_PROTOCOL (self), NULL);     /* telnet sends CRLF, netcat LF */
}

/* ---- JSON connections --------------------------------------------------------------------------------------------------------- */

#define CHAT_TYPE_JSON_CONNECTION (json_connection_get_type ())
G_DECLARE_FINAL_TYPE (JsonConnection, json_connection, CHAT, JSON_CONNECTION, TroupeJsonProtocol)

struct _JsonConnection
{
  TroupeJsonProtocol parent_instance;
  Session            session;
};

G_DEFINE_FINAL_TYPE (JsonConnection, json_connection, TROUPE_TYPE_JSON_PROTOCOL)

static gboolean
json_connection_made (TroupeProtocol *protocol, GError **error)
{
  session_begin (&CHAT_JSON_CONNECTION (protocol)->session, TROUPE_LINE_PROTOCOL (protocol), TRUE);
  return TRUE;
}

static gboolean
json_received (TroupeJsonProtocol *protocol, struct json_object *json, GError **error)
{
  Session *session = &CHAT_JSON_CONNECTION (protocol)->session;

  session_touch (session);
  session_run (session, json);
  return TRUE;
}

static void
json_connection_finalize (GObject *object)
{
  session_clear (&CHAT_JSON_CONNECTION (object)->session);
  G_OBJECT_CLASS (json_connection_parent_class)->finalize (object);
}

static void
json_connection_class_init (JsonConnectionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = json_connection_finalize;
  TROUPE_PROTOCOL_CLASS (klass)->connection_made = json_connection_made;
  TROUPE_JSON_PROTOCOL_CLASS (klass)->json_received = json_received;
  session_class_init (TROUPE_PROTOCOL_CLASS (klass));
}

static void
json_connection_init (JsonConnection *self)
{
  g_object_set (self, "max-errors", options.max_errors, NULL);
}

static Session *
session_of (TroupeActor *actor)
{
  return CHAT_IS_JSON_CONNECTION (actor) ? &CHAT_JSON_CONNECTION (actor)->session
                                         : &CHAT_TEXT_CONNECTION (actor)->session;
}

/* ---- main --------------------------------------------------------------------------------------------------------------------- */

typedef struct
{
  TroupeSystem *system;
  TroupeRef    *registry;
  GPtrArray    *ports;
} Server;

/* Waits until everybody was told. */
static TroupePromise *
on_shutdown (TroupeSystem *system, gpointer user_data)
{
  Server *server = user_data;

  return troupe_ref_ask (server->registry, troupe_message_new ("shutdown"));
}

static gboolean
listen_on (Server *server, const char *name, GType connection_type, char **endpoints, GError **error)
{
  g_autoptr (TroupeRef) factory = troupe_factory_spawn (server->system, name, connection_type, error);

  if (factory == NULL)
    return FALSE;

  for (guint i = 0; endpoints[i] != NULL; i++)
    {
      TroupePort *port = troupe_listen (server->system, endpoints[i], factory, error);

      if (port == NULL)
        return FALSE;
      g_ptr_array_add (server->ports, port);
    }

  return TRUE;
}

/* Everybody depends on the registry, which was there first: if it fails, connections are closed, and all begin anew. */
static void
supervise (TroupeSystem *system)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);

  troupe_supervision_set_strategy (supervision, TROUPE_STRATEGY_REST_FOR_ONE);
  troupe_supervision_set_intensity (supervision, MAX_BEGINNINGS, MINUTE_MS);
  troupe_system_set_supervision (system, supervision);
}

static gboolean
serve (Server *server, GError **error)
{
  static char *default_listen[] = { (char *) "tcp:8026:interface=127.0.0.1", NULL };
  static char *default_listen_json[] = { (char *) "tcp:8027:interface=127.0.0.1", NULL };

  supervise (server->system);
  server->registry = troupe_system_spawn (server->system, "registry", CHAT_TYPE_REGISTRY, error, NULL);
  if (server->registry == NULL)
    return FALSE;

  if (!listen_on (server, "text", CHAT_TYPE_TEXT_CONNECTION,
                  options.listen != NULL ? options.listen : default_listen, error) ||
      !listen_on (server, "json", CHAT_TYPE_JSON_CONNECTION,
                  options.listen_json != NULL ? options.listen_json : default_listen_json, error))
    return FALSE;

  for (guint i = 0; i < server->ports->len; i++)
    {
      g_autofree char *endpoint = troupe_port_dup_endpoint (g_ptr_array_index (server->ports, i));

      g_print ("listening on %s\n", endpoint);
    }

  troupe_system_add_trigger (server->system, TROUPE_EVENT_SHUTDOWN, TROUPE_PHASE_BEFORE, on_shutdown, server, NULL);
  return troupe_system_run (server->system, error);
}

static gboolean
parse_options (int *argc, char ***argv, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("- a chat service");
  char *contents;

  g_option_context_add_main_entries (context, option_entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;

  if (*argc > 1)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "Unexpected argument “%s”", (*argv)[1]);
      return FALSE;
    }

  if (options.motd == NULL)
    options.motd = g_strdup ("This is a Troupe chat service.");
  else if (g_file_get_contents (options.motd, &contents, NULL, NULL))
    {
      g_free (options.motd);
      options.motd = g_strchomp (contents);
    }

  if (!g_utf8_validate (options.motd, -1, NULL))
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "The greeting is not UTF-8");
  else if (options.max_line < 1 || options.max_unsent < 1 || options.max_errors < 0 || options.idle_timeout < 0 ||
           options.max_failures < 0 || options.max_failures > G_MAXUINT16 || options.reactors < 0 || options.reactors > 1024)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "A limit is out of range");
  else
    return TRUE;

  return FALSE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Server server = { NULL };
  gboolean ok;

  setlocale (LC_ALL, "");
  if (!parse_options (&argc, &argv, &error))
    {
      g_printerr ("chat: %s\n", error->message);
      return 1;
    }

  server.system = troupe_system_new_with_reactors (NULL, NULL, options.reactors, &error);
  server.ports = g_ptr_array_new_with_free_func (g_object_unref);
  ok = server.system != NULL && serve (&server, &error);
  if (!ok)
    g_printerr ("chat: %s\n", error->message);

  g_ptr_array_unref (server.ports);
  g_clear_pointer (&server.registry, troupe_ref_unref);
  g_clear_object (&server.system);
  g_strfreev (options.listen);
  g_strfreev (options.listen_json);
  g_free (options.motd);
  return ok ? 0 : 1;
}
