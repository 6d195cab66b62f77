/* chat-client.c - talks to the JSON endpoint of chat: standard input and a connection on one reactor
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <troupe.h>

#define DEFAULT_ENDPOINT "tcp:127.0.0.1:8027"

static int exit_status;

/* Says why, and ends the program. */
static void
give_up (TroupeSystem *system, const GError *error)
{
  g_printerr ("chat-client: %s\n", error->message);
  exit_status = 1;
  troupe_system_shutdown (system);
}

/* ---- what the server tells: an event, shown as text ---------------------------------------------------------------------------- */

static const struct
{
  const char *event;
  const char *text;
} templates[] = {
  { "welcome", "{motd}\nYou are {nick}. /nick NAME changes that, /join ROOM enters a room, /help lists all commands." },
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
  { "rooms",   "Rooms: {rooms}" },
};

static void
print_value (struct json_object *value)
{
  if (json_object_is_type (value, json_type_array) && json_object_array_length (value) > 0)
    {
      for (size_t i = 0; i < json_object_array_length (value); i++)
        {
          fputs (i > 0 ? ", " : "", stdout);
          print_value (json_object_array_get_idx (value, i));
        }
    }
  else if (json_object_is_type (value, json_type_object))     /* a room in a list of them */
    {
      print_value (json_object_object_get (value, "room"));
      printf (" (%d)", json_object_get_int (json_object_object_get (value, "users")));
    }
  else if (json_object_is_type (value, json_type_string) && json_object_get_string_len (value) > 0)
    fputs (json_object_get_string (value), stdout);
  else
    fputs ("(none)", stdout);
}

static void
print_event (const char *template, struct json_object *event)
{
  const char *open;

  while ((open = strchr (template, '{')) != NULL)
    {
      const char *close = strchr (open, '}');
      g_autofree char *key = g_strndup (open + 1, close - open - 1);

      fwrite (template, 1, open - template, stdout);
      print_value (json_object_object_get (event, key));
      template = close + 1;
    }

  puts (template);
  fflush (stdout);
}

static const char *
get_template (struct json_object *event)
{
  const char *name = json_object_get_string (json_object_object_get (event, "event"));

  for (guint i = 0; i < G_N_ELEMENTS (templates); i++)
    {
      if (g_strcmp0 (templates[i].event, name) == 0)
        return templates[i].text;
    }

  return name != NULL ? "{text}" : "{error}";
}

/* ---- what the user types: a line, sent as a command ---------------------------------------------------------------------------- */

static const struct
{
  const char *name;
  const char *arguments[2];          /* “text” is the rest of the line */
} commands[] = {
  { "nick",  { "nick" } },
  { "join",  { "room" } },
  { "part",  { "room" } },
  { "room",  { "room" } },
  { "who",   { "room" } },
  { "say",   { "text" } },
  { "me",    { "text" } },
  { "msg",   { "nick", "text" } },
  { "topic", { "text" } },
  { "crash", { "text" } },
};

static void
add_string (struct json_object *command, const char *key, const char *value)
{
  json_object_object_add (command, key, json_object_new_string (value));
}

static void
add_arguments (struct json_object *command, const char *const *arguments, const char *line)
{
  for (guint i = 0; i < 2 && arguments[i] != NULL; i++)
    {
      gsize length = g_str_equal (arguments[i], "text") ? strlen (line) : strcspn (line, " ");
      g_autofree char *value = g_strndup (line, length);

      if (*value != '\0')
        add_string (command, arguments[i], value);
      line += length;
      line += strspn (line, " ");
    }
}

static struct json_object *
parse_line (const char *line)
{
  struct json_object *command = json_object_new_object ();
  g_autofree char *name = NULL;

  if (*line != '/')
    {
      add_string (command, "cmd", "say");
      add_string (command, "text", line);
      return command;
    }

  name = g_strndup (line + 1, strcspn (line + 1, " "));
  add_string (command, "cmd", name);
  line += 1 + strlen (name);
  line += strspn (line, " ");
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      if (g_str_equal (commands[i].name, name))
        add_arguments (command, commands[i].arguments, line);
    }

  return command;
}

/* ---- standard input: no actor, but the reactor watches it, and it sends its lines to one --------------------------------------- */

#define CLIENT_TYPE_INPUT (client_input_get_type ())
G_DECLARE_FINAL_TYPE (ClientInput, client_input, CLIENT, INPUT, GObject)

struct _ClientInput
{
  GObject    parent_instance;
  TroupeRef *client;
  GString   *unfinished;             /* a line whose end has not come */
};

static void
client_input_send_lines (ClientInput *self)
{
  char *start = self->unfinished->str;

  for (char *end; (end = strchr (start, '\n')) != NULL; start = end + 1)
    {
      *end = '\0';
      troupe_ref_send (self->client, troupe_message_new_string ("typed", start));
    }

  g_string_erase (self->unfinished, 0, start - self->unfinished->str);
}

static int
client_input_get_fd (TroupeDescriptor *descriptor)
{
  return STDIN_FILENO;
}

static gboolean
client_input_do_read (TroupeDescriptor *descriptor, GError **error)
{
  ClientInput *self = CLIENT_INPUT (descriptor);
  char data[4096];
  gssize n = read (STDIN_FILENO, data, sizeof data);

  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return TRUE;
  if (n <= 0)
    return FALSE;

  for (gssize i = 0; i < n; i++)
    g_string_append_c (self->unfinished, data[i] != '\0' ? data[i] : ' ');
  client_input_send_lines (self);
  return TRUE;
}

/* The end of the input, too. */
static void
client_input_connection_lost (TroupeDescriptor *descriptor, const GError *reason)
{
  ClientInput *self = CLIENT_INPUT (descriptor);

  g_string_append_c (self->unfinished, '\n');
  client_input_send_lines (self);
  troupe_ref_send (self->client, troupe_message_new_string ("typed", "/quit"));
}

static void
client_input_finalize (GObject *object);

static void
client_input_init (ClientInput *self)
{
  self->unfinished = g_string_new (NULL);
}

static void
client_input_descriptor_init (TroupeDescriptorInterface *iface)
{
  iface->get_fd = client_input_get_fd;
  iface->do_read = client_input_do_read;
  iface->connection_lost = client_input_connection_lost;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (ClientInput, client_input, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (TROUPE_TYPE_DESCRIPTOR, client_input_descriptor_init))

static void
client_input_finalize (GObject *object)
{
  ClientInput *self = CLIENT_INPUT (object);

  troupe_ref_unref (self->client);
  g_string_free (self->unfinished, TRUE);
  G_OBJECT_CLASS (client_input_parent_class)->finalize (object);
}

static void
client_input_class_init (ClientInputClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = client_input_finalize;
}

/* ---- the connection: an actor --------------------------------------------------------------------------------------------------- */

#define CLIENT_TYPE_CONNECTION (client_connection_get_type ())
G_DECLARE_FINAL_TYPE (ClientConnection, client_connection, CLIENT, CONNECTION, TroupeJsonProtocol)

struct _ClientConnection
{
  TroupeJsonProtocol parent_instance;
  ClientInput       *input;
};

G_DEFINE_FINAL_TYPE (ClientConnection, client_connection, TROUPE_TYPE_JSON_PROTOCOL)

static TroupeReactor *
get_reactor (TroupeProtocol *protocol)
{
  return troupe_system_get_reactor (troupe_actor_get_system (TROUPE_ACTOR (protocol)));
}

static gboolean
client_connection_made (TroupeProtocol *protocol, GError **error)
{
  ClientConnection *self = CLIENT_CONNECTION (protocol);

  self->input = g_object_new (CLIENT_TYPE_INPUT, NULL);
  self->input->client = troupe_ref_ref (troupe_actor_get_ref (TROUPE_ACTOR (self)));
  return troupe_reactor_add_reader (get_reactor (protocol), TROUPE_DESCRIPTOR (self->input), error);
}

static gboolean
client_on_typed (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  g_autofree char *line = g_strstrip (g_utf8_make_valid (troupe_message_get_string (message), -1));
  struct json_object *command;

  if (*line == '\0')
    return TRUE;

  command = parse_line (line);
  troupe_json_protocol_send (TROUPE_JSON_PROTOCOL (actor), command);
  json_object_put (command);
  return TRUE;
}

static gboolean
client_json_received (TroupeJsonProtocol *protocol, struct json_object *json, GError **error)
{
  print_event (get_template (json), json);
  return TRUE;
}

/* The server reads more slowly than we do. */
static void
client_write_paused (TroupeProtocol *protocol)
{
  troupe_reactor_remove_reader (get_reactor (protocol), TROUPE_DESCRIPTOR (CLIENT_CONNECTION (protocol)->input));
}

static void
client_write_resumed (TroupeProtocol *protocol)
{
  troupe_reactor_add_reader (get_reactor (protocol), TROUPE_DESCRIPTOR (CLIENT_CONNECTION (protocol)->input), NULL);
}

static void
client_connection_lost (TroupeProtocol *protocol, const GError *reason)
{
  TroupeSystem *system = troupe_actor_get_system (TROUPE_ACTOR (protocol));

  troupe_reactor_remove_reader (get_reactor (protocol), TROUPE_DESCRIPTOR (CLIENT_CONNECTION (protocol)->input));
  if (g_error_matches (reason, TROUPE_ERROR, TROUPE_ERROR_CONNECTION_DONE))
    troupe_system_shutdown (system);
  else
    give_up (system, reason);
}

static void
client_connection_dispose (GObject *object)
{
  g_clear_object (&CLIENT_CONNECTION (object)->input);
  G_OBJECT_CLASS (client_connection_parent_class)->dispose (object);
}

static void
client_connection_class_init (ClientConnectionClass *klass)
{
  TroupeProtocolClass *protocol_class = TROUPE_PROTOCOL_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = client_connection_dispose;
  protocol_class->connection_made = client_connection_made;
  protocol_class->connection_lost = client_connection_lost;
  protocol_class->write_paused = client_write_paused;
  protocol_class->write_resumed = client_write_resumed;
  TROUPE_JSON_PROTOCOL_CLASS (klass)->json_received = client_json_received;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "typed", G_TYPE_STRING, client_on_typed);
}

static void
client_connection_init (ClientConnection *self)
{
  troupe_line_protocol_set_max_length (TROUPE_LINE_PROTOCOL (self), 4 * 1024 * 1024);     /* long lists of users */
}

/* ---- main ----------------------------------------------------------------------------------------------------------------------- */

static void
on_not_connected (TroupePromise *promise, gpointer user_data)
{
  give_up (user_data, troupe_promise_get_error (promise));
  troupe_promise_return_nothing (promise);
}

/* “localhost:8027” as well as “tcp:localhost:8027”. */
static char *
make_endpoint (const char *argument)
{
  const char *colon = argument != NULL ? strrchr (argument, ':') : NULL;
  g_autofree char *host = NULL;
  g_autofree char *quoted = NULL;

  if (argument == NULL)
    return g_strdup (DEFAULT_ENDPOINT);
  if (colon == NULL || g_str_has_prefix (argument, "tcp:"))
    return g_strdup (argument);

  host = argument[0] == '[' && colon[-1] == ']' ? g_strndup (argument + 1, colon - argument - 2)
                                                : g_strndup (argument, colon - argument);
  quoted = troupe_endpoint_quote (host);
  return g_strdup_printf ("tcp:%s:%s", quoted, colon + 1);
}

int
main (int argc, char **argv)
{
  g_autofree char *endpoint = NULL;
  g_autoptr (TroupeRef) factory = NULL;
  g_autoptr (TroupePromise) connected = NULL;
  g_autoptr (GError) error = NULL;
  TroupeSystem *system;

  setlocale (LC_ALL, "");
  if (argc > 2 || (argc == 2 && argv[1][0] == '-'))
    {
      gboolean asked = argc == 2 && g_str_equal (argv[1], "--help");

      fprintf (asked ? stdout : stderr, "Usage: chat-client [HOST:PORT | ENDPOINT]    (%s)\n", DEFAULT_ENDPOINT);
      return asked ? 0 : 1;
    }

  system = troupe_system_get_default ();
  endpoint = make_endpoint (argv[1]);
  factory = troupe_factory_spawn (system, "chat", CLIENT_TYPE_CONNECTION, &error);
  if (factory != NULL)
    {
      connected = troupe_connect (system, endpoint, factory);
      troupe_promise_add_errback (connected, on_not_connected, system, NULL);
      troupe_system_run (system, &error);
    }

  if (error != NULL)
    {
      g_printerr ("chat-client: %s\n", error->message);
      return 1;
    }

  return exit_status;
}
