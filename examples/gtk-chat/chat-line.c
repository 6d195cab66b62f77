/* chat-line.c - something said in a room, or something that happened there
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "chat-line.h"

#define SECONDS_A_DAY (24 * 60 * 60)

struct _ChatLine
{
  GObject      parent_instance;
  ChatLineKind kind;
  char        *nick;                 /* interned; NULL in a notice */
  char        *text;
  gint64       time;                 /* s since 1970 */
  gboolean     begins_day;
  gboolean     is_unread;            /* the first one that is */
};

enum { PROP_0, PROP_IS_UNREAD, N_PROPS };

G_DEFINE_FINAL_TYPE (ChatLine, chat_line, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPS];

static void
chat_line_finalize (GObject *object)
{
  ChatLine *self = CHAT_LINE (object);

  g_clear_pointer (&self->nick, g_ref_string_release);
  g_free (self->text);
  G_OBJECT_CLASS (chat_line_parent_class)->finalize (object);
}

static void
chat_line_get_property (GObject    *object,
                        guint       prop_id,
                        GValue     *value,
                        GParamSpec *pspec)
{
  if (prop_id == PROP_IS_UNREAD)
    g_value_set_boolean (value, CHAT_LINE (object)->is_unread);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
chat_line_class_init (ChatLineClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = chat_line_finalize;
  object_class->get_property = chat_line_get_property;

  /* The one thing about a line that changes while it is shown. */
  properties[PROP_IS_UNREAD] =
    g_param_spec_boolean ("is-unread", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
chat_line_init (ChatLine *self)
{
}

ChatLine *
chat_line_new (ChatLineKind  kind,
               const char   *nick,
               const char   *text,
               gint64        time)
{
  ChatLine *self = g_object_new (CHAT_TYPE_LINE, NULL);

  self->kind = kind;
  self->nick = nick != NULL ? g_ref_string_new_intern (nick) : NULL;
  self->text = g_strdup (text);
  self->time = time;
  return self;
}

ChatLineKind
chat_line_get_kind (ChatLine *self)
{
  return self->kind;
}

const char *
chat_line_get_nick (ChatLine *self)
{
  return self->nick;
}

const char *
chat_line_get_text (ChatLine *self)
{
  return self->text;
}

gint64
chat_line_get_time (ChatLine *self)
{
  return self->time;
}

guint
chat_line_hash (gconstpointer line)
{
  const ChatLine *self = line;

  return g_str_hash (self->text) ^ (guint) self->time;
}

gboolean
chat_line_equal (gconstpointer line,
                 gconstpointer other_line)
{
  const ChatLine *self = line;
  const ChatLine *other = other_line;

  return self->time == other->time && self->kind == other->kind && self->nick == other->nick &&
         g_str_equal (self->text, other->text);
}

/* Looking the local time zone up for each line would cost more than all else that is done with it. */
static GTimeZone *
get_zone (void)
{
  static GTimeZone *zone;

  if (zone == NULL)
    zone = g_time_zone_new_local ();

  return zone;
}

GDateTime *
chat_line_dup_local_time (ChatLine *self)
{
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (self->time);

  return utc != NULL ? g_date_time_to_timezone (utc, get_zone ()) : g_date_time_new_now (get_zone ());
}

gint64
chat_line_get_day (gint64 time)
{
  int interval = g_time_zone_find_interval (get_zone (), G_TIME_TYPE_UNIVERSAL, time);

  return (time + g_time_zone_get_offset (get_zone (), interval)) / SECONDS_A_DAY;
}

gboolean
chat_line_get_begins_day (ChatLine *self)
{
  return self->begins_day;
}

void
chat_line_set_begins_day (ChatLine *self,
                          gboolean  begins_day)
{
  self->begins_day = begins_day;
}

gboolean
chat_line_get_is_unread (ChatLine *self)
{
  return self->is_unread;
}

void
chat_line_set_is_unread (ChatLine *self,
                         gboolean  is_unread)
{
  if (self->is_unread == is_unread)
    return;

  self->is_unread = is_unread;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_IS_UNREAD]);
}
