/* chat-line-row.c - shows a line, below the day if it begins one
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "chat-line-row.h"

#define N_COLOURS 6                  /* of nick names, in style.css */

struct _ChatLineRow
{
  GtkWidget       parent_instance;
  ChatLine       *line;              /* or NULL */
  GtkLabel       *day;
  GtkWidget      *unread;
  GtkInscription *nick;              /* of a width that does not depend on what it says: hundreds are measured at a time */
  GtkLabel       *text;
  GtkInscription *time;
};

G_DEFINE_FINAL_TYPE (ChatLineRow, chat_line_row, GTK_TYPE_WIDGET)

static char *
chat_line_row_dup_day (ChatLineRow *self)
{
  gint64 today = chat_line_get_day (g_get_real_time () / G_USEC_PER_SEC);
  gint64 day = chat_line_get_day (chat_line_get_time (self->line));
  g_autoptr (GDateTime) when = NULL;

  if (day == today)
    return g_strdup ("Today");
  if (day == today - 1)
    return g_strdup ("Yesterday");

  when = chat_line_dup_local_time (self->line);
  return g_date_time_format (when, "%A, %-d %B %Y");
}

static void
chat_line_row_show_day (ChatLineRow *self)
{
  gboolean begins_day = chat_line_get_begins_day (self->line);
  g_autofree char *day = begins_day ? chat_line_row_dup_day (self) : NULL;

  gtk_label_set_label (self->day, day);
  gtk_widget_set_visible (GTK_WIDGET (self->day), begins_day);
}

static void
chat_line_row_show_unread (ChatLineRow *self)
{
  gtk_widget_set_visible (self->unread, chat_line_get_is_unread (self->line));
}

/* Each nick name has its colour, wherever it is used. */
static void
chat_line_row_show_nick (ChatLineRow *self)
{
  const char *nick = chat_line_get_nick (self->line);
  const char *classes[] = { "nick", NULL, NULL };
  g_autofree char *colour = NULL;

  if (nick != NULL)
    classes[1] = colour = g_strdup_printf ("colour-%u", g_str_hash (nick) % N_COLOURS);

  gtk_inscription_set_text (self->nick, nick);
  gtk_widget_set_css_classes (GTK_WIDGET (self->nick), classes);
}

static void
chat_line_row_show_text (ChatLineRow *self)
{
  static const char *const classes[][2] = { { "message", NULL }, { "emote", NULL }, { "notice", NULL } };

  gtk_label_set_label (self->text, chat_line_get_text (self->line));
  gtk_widget_set_css_classes (GTK_WIDGET (self->text), (const char **) classes[chat_line_get_kind (self->line)]);
}

/* A screen reader says the row as one. */
static void
chat_line_row_describe (ChatLineRow *self,
                        const char  *time)
{
  const char *nick = chat_line_get_nick (self->line);
  const char *text = chat_line_get_text (self->line);
  g_autofree char *label = nick != NULL ? g_strdup_printf ("%s: %s, %s", nick, text, time) : g_strdup (text);

  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
}

static void
chat_line_row_show (ChatLineRow *self)
{
  g_autoptr (GDateTime) when = chat_line_dup_local_time (self->line);
  g_autofree char *time = g_date_time_format (when, "%H:%M");

  chat_line_row_show_day (self);
  chat_line_row_show_unread (self);
  chat_line_row_show_nick (self);
  chat_line_row_show_text (self);
  gtk_inscription_set_text (self->time, time);
  chat_line_row_describe (self, time);
}

static void
chat_line_row_dispose (GObject *object)
{
  ChatLineRow *self = CHAT_LINE_ROW (object);
  GtkWidget *child;

  chat_line_row_set_line (self, NULL);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (child);
  G_OBJECT_CLASS (chat_line_row_parent_class)->dispose (object);
}

static void
chat_line_row_class_init (ChatLineRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = chat_line_row_dispose;

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BOX_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "line");
  gtk_widget_class_set_template_from_resource (widget_class, "/org/troupe/GtkChat/chat-line-row.ui");
  gtk_widget_class_bind_template_child (widget_class, ChatLineRow, day);
  gtk_widget_class_bind_template_child (widget_class, ChatLineRow, unread);
  gtk_widget_class_bind_template_child (widget_class, ChatLineRow, nick);
  gtk_widget_class_bind_template_child (widget_class, ChatLineRow, text);
  gtk_widget_class_bind_template_child (widget_class, ChatLineRow, time);
}

static void
chat_line_row_init (ChatLineRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
chat_line_row_new (void)
{
  return g_object_new (CHAT_TYPE_LINE_ROW, NULL);
}

void
chat_line_row_set_line (ChatLineRow *self,
                        ChatLine    *line)
{
  if (self->line != NULL)
    g_signal_handlers_disconnect_by_data (self->line, self);

  if (!g_set_object (&self->line, line) || line == NULL)
    return;

  g_signal_connect_swapped (line, "notify::is-unread", G_CALLBACK (chat_line_row_show_unread), self);
  chat_line_row_show (self);
}
