/* chat-room.c - a room that one is in, or a conversation with one user
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "chat-room.h"

struct _ChatRoom
{
  GObject        parent_instance;
  char          *name;
  char          *topic;              /* NULL: none */
  ChatLines     *lines;
  GtkStringList *members;            /* in no order */
  guint          n_history;          /* how many lines are still to come that were said before */
  GHashTable    *known;              /* set of ChatLine: those that were there before these */
  guint          n_unread;
  ChatLine      *first_unread;       /* a reference; since the room was looked at last, or NULL */
};

enum { PROP_0, PROP_NAME, PROP_TOPIC, PROP_LINES, PROP_MEMBERS, PROP_UNREAD, PROP_IS_UNREAD, PROP_TITLE, N_PROPS };

G_DEFINE_FINAL_TYPE (ChatRoom, chat_room, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPS];

static char *
chat_room_dup_unread (ChatRoom *self)
{
  return self->n_unread > 99 ? g_strdup ("99+") : g_strdup_printf ("%u", self->n_unread);
}

/* For those who hear it. */
static char *
chat_room_dup_title (ChatRoom *self)
{
  return self->n_unread > 0 ? g_strdup_printf ("%s, %u unread", self->name, self->n_unread) : g_strdup (self->name);
}

static void
chat_room_get_property (GObject    *object,
                        guint       prop_id,
                        GValue     *value,
                        GParamSpec *pspec)
{
  ChatRoom *self = CHAT_ROOM (object);

  switch (prop_id)
    {
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;

    case PROP_TOPIC:
      g_value_set_string (value, self->topic);
      break;

    case PROP_LINES:
      g_value_set_object (value, self->lines);
      break;

    case PROP_MEMBERS:
      g_value_set_object (value, self->members);
      break;

    case PROP_UNREAD:
      g_value_take_string (value, chat_room_dup_unread (self));
      break;

    case PROP_IS_UNREAD:
      g_value_set_boolean (value, self->n_unread > 0);
      break;

    case PROP_TITLE:
      g_value_take_string (value, chat_room_dup_title (self));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
chat_room_finalize (GObject *object)
{
  ChatRoom *self = CHAT_ROOM (object);

  g_clear_object (&self->first_unread);
  g_clear_pointer (&self->known, g_hash_table_unref);
  g_object_unref (self->lines);
  g_object_unref (self->members);
  g_free (self->name);
  g_free (self->topic);
  G_OBJECT_CLASS (chat_room_parent_class)->finalize (object);
}

static void
chat_room_class_init (ChatRoomClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = chat_room_get_property;
  object_class->finalize = chat_room_finalize;

  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);
  properties[PROP_TOPIC] = g_param_spec_string ("topic", NULL, NULL, NULL, flags);
  properties[PROP_LINES] = g_param_spec_object ("lines", NULL, NULL, G_TYPE_LIST_MODEL, flags);
  properties[PROP_MEMBERS] = g_param_spec_object ("members", NULL, NULL, G_TYPE_LIST_MODEL, flags);
  properties[PROP_UNREAD] = g_param_spec_string ("unread", NULL, NULL, NULL, flags);
  properties[PROP_IS_UNREAD] = g_param_spec_boolean ("is-unread", NULL, NULL, FALSE, flags);
  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
chat_room_init (ChatRoom *self)
{
  self->lines = chat_lines_new ();
  self->members = gtk_string_list_new (NULL);
}

ChatRoom *
chat_room_new (const char *name)
{
  ChatRoom *self = g_object_new (CHAT_TYPE_ROOM, NULL);

  self->name = g_strdup (name);
  return self;
}

const char *
chat_room_get_name (ChatRoom *self)
{
  return self->name;
}

gboolean
chat_room_is_private (ChatRoom *self)
{
  return *self->name == '@';
}

void
chat_room_set_topic (ChatRoom   *self,
                     const char *topic)
{
  if (topic != NULL && *topic == '\0')
    topic = NULL;
  if (g_strcmp0 (self->topic, topic) == 0)
    return;

  g_free (self->topic);
  self->topic = g_strdup (topic);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TOPIC]);
}

void
chat_room_set_members (ChatRoom          *self,
                       const char *const *nicks)
{
  gtk_string_list_splice (self->members, 0, g_list_model_get_n_items (G_LIST_MODEL (self->members)), nicks);
}

void
chat_room_add_member (ChatRoom   *self,
                      const char *nick)
{
  gtk_string_list_append (self->members, nick);
}

gboolean
chat_room_remove_member (ChatRoom   *self,
                         const char *nick)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->members));

  for (guint i = 0; i < n; i++)
    {
      if (g_str_equal (gtk_string_list_get_string (self->members, i), nick))
        {
          gtk_string_list_remove (self->members, i);
          return TRUE;
        }
    }

  return FALSE;
}

/* Who joins once more, because the connection was lost, hears again what was said before. */
void
chat_room_expect_history (ChatRoom *self,
                          guint     n_lines)
{
  self->n_history = n_lines;
  g_clear_pointer (&self->known, g_hash_table_unref);
  if (n_lines > 0)
    self->known = chat_lines_dup_set (self->lines);
}

/* TRUE if LINE is nothing new. */
static gboolean
chat_room_knows (ChatRoom *self,
                 ChatLine *line)
{
  gboolean knows = g_hash_table_contains (self->known, line);

  self->n_history--;
  if (self->n_history == 0)
    g_clear_pointer (&self->known, g_hash_table_unref);

  return knows;
}

static void
chat_room_set_n_unread (ChatRoom *self,
                        guint     n_unread)
{
  if (self->n_unread == n_unread)
    return;

  self->n_unread = n_unread;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_UNREAD]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_IS_UNREAD]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TITLE]);
}

/* The mark above the first unread line stays while one reads on from there. */
static void
chat_room_count_unread (ChatRoom *self,
                        ChatLine *line)
{
  if (self->n_unread == 0)
    {
      if (self->first_unread != NULL)
        chat_line_set_is_unread (self->first_unread, FALSE);
      g_set_object (&self->first_unread, line);
      chat_line_set_is_unread (line, TRUE);
    }

  chat_room_set_n_unread (self, self->n_unread + 1);
}

void
chat_room_append (ChatRoom *self,
                  ChatLine *line,
                  gboolean  read)
{
  gboolean is_old = self->n_history > 0;

  if (is_old && chat_room_knows (self, line))
    {
      g_object_unref (line);
      return;
    }

  if (!read && !is_old)
    chat_room_count_unread (self, line);
  chat_lines_append (self->lines, line);
}

void
chat_room_note (ChatRoom   *self,
                const char *format,
                ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);

  chat_lines_append (self->lines, chat_line_new (CHAT_LINE_NOTICE, NULL, text, g_get_real_time () / G_USEC_PER_SEC));
}

void
chat_room_mark_read (ChatRoom *self)
{
  chat_room_set_n_unread (self, 0);
}
