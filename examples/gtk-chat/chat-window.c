/* chat-window.c - rooms, lines, members, and an entry: shows a session, and sends what is typed to its keeper
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>

#include "chat-command.h"
#include "chat-line-row.h"
#include "chat-window.h"

struct _ChatWindow
{
  GtkApplicationWindow parent_instance;
  ChatSession         *session;
  TroupeRef           *keeper;

  GtkSingleSelection  *rooms;
  GtkWidget           *rooms_view;
  GtkEditable         *join_entry;
  GListModel          *lines;
  GtkWidget           *lines_view;
  GtkScrolledWindow   *scroller;
  GtkListView         *members_view;
  GtkRevealer         *members_revealer;
  GtkEditable         *entry;
  GtkLabel            *nick;
  GtkLabel            *topic;
  GtkRevealer         *banner;
  GtkLabel            *trouble;

  gboolean             follows;      /* the last line stays in view */
  guint                scroll;       /* tick callback that brings it there, or 0 */
  guint                n_known;      /* how many lines there were in the last frame, since it is there */
  double               value;        /* of the adjustment, at the last look */
  double               height;
};

G_DEFINE_FINAL_TYPE (ChatWindow, chat_window, GTK_TYPE_APPLICATION_WINDOW)

/* ---- the lines, of which one sees the last until one scrolls up ---- */

/* In each frame, as long as there is more. A view that has not been through a frame with a line cannot go to that: it would show nothing. */
static gboolean
scroll_cb (GtkWidget     *lines_view,
           GdkFrameClock *clock,
           gpointer       user_data)
{
  ChatWindow *self = user_data;
  guint n = g_list_model_get_n_items (self->lines);
  guint n_known = MIN (self->n_known, n);

  if (n_known > 0 && self->follows)
    gtk_widget_activate_action (lines_view, "list.scroll-to-item", "u", n_known - 1);

  self->n_known = n;
  if (n_known < n)
    return G_SOURCE_CONTINUE;

  self->scroll = 0;
  return G_SOURCE_REMOVE;
}

static void
on_lines_changed (ChatWindow *self)
{
  if (!self->follows || self->scroll != 0)
    return;

  self->n_known = 0;
  self->scroll = gtk_widget_add_tick_callback (self->lines_view, scroll_cb, self, NULL);
}

/* The view moves, too, when it learns how high its rows are: then it is of another height. */
static void
on_scrolled (ChatWindow    *self,
             GtkAdjustment *adjustment)
{
  double value = gtk_adjustment_get_value (adjustment);
  double height = gtk_adjustment_get_upper (adjustment);

  if (value >= height - gtk_adjustment_get_page_size (adjustment) - 1)
    self->follows = TRUE;
  else if (value < self->value && height == self->height)
    self->follows = FALSE;

  self->value = value;
  self->height = height;
}

static void
on_line_setup (GtkSignalListItemFactory *factory,
               GtkListItem              *item)
{
  gtk_list_item_set_activatable (item, FALSE);
  gtk_list_item_set_child (item, chat_line_row_new ());
}

static void
on_line_bind (GtkSignalListItemFactory *factory,
              GtkListItem              *item)
{
  chat_line_row_set_line (CHAT_LINE_ROW (gtk_list_item_get_child (item)), gtk_list_item_get_item (item));
}

static void
on_line_unbind (GtkSignalListItemFactory *factory,
                GtkListItem              *item)
{
  chat_line_row_set_line (CHAT_LINE_ROW (gtk_list_item_get_child (item)), NULL);
}

/* ---- what the user does ---- */

static void
chat_window_command (ChatWindow         *self,
                     struct json_object *command)
{
  troupe_ref_send (self->keeper, troupe_message_new_json ("command", command));
}

static char *
take_text (GtkEditable *entry)
{
  char *text = g_strstrip (g_strdup (gtk_editable_get_text (entry)));

  gtk_editable_set_text (entry, "");
  return text;
}

static void
on_said (ChatWindow *self)
{
  g_autofree char *text = take_text (self->entry);

  self->follows = TRUE;
  if (*text != '\0')
    chat_window_command (self, chat_command_parse (text, chat_session_get_current (self->session)));
}

static void
on_join (ChatWindow *self)
{
  g_autofree char *name = take_text (self->join_entry);

  if (*name == '\0')
    return;

  chat_window_command (self, chat_command_new ("join", "room", name));
  gtk_widget_grab_focus (GTK_WIDGET (self->entry));
}

static void
on_member_activated (ChatWindow *self,
                     guint       position)
{
  g_autoptr (GtkStringObject) member = g_list_model_get_item (G_LIST_MODEL (gtk_list_view_get_model (self->members_view)),
                                                              position);
  g_autofree char *name = g_strconcat ("@", gtk_string_object_get_string (member), NULL);

  chat_session_set_current (self->session, chat_session_open_room (self->session, name));
  gtk_widget_grab_focus (GTK_WIDGET (self->entry));
}

static void
leave_cb (GtkWidget  *widget,
          const char *action_name,
          GVariant   *parameter)
{
  ChatWindow *self = CHAT_WINDOW (widget);
  ChatRoom *room = chat_session_get_current (self->session);

  if (room == NULL)
    return;

  if (chat_room_is_private (room))
    chat_session_close_room (self->session, room);
  else
    chat_window_command (self, chat_command_new ("part", "room", chat_room_get_name (room)));
}

static void
retry_cb (GtkWidget  *widget,
          const char *action_name,
          GVariant   *parameter)
{
  troupe_ref_send (CHAT_WINDOW (widget)->keeper, troupe_message_new ("connect-now"));
}

static void
focus_entry_cb (GtkWidget  *widget,
                const char *action_name,
                GVariant   *parameter)
{
  gtk_widget_grab_focus (GTK_WIDGET (CHAT_WINDOW (widget)->entry));
}

static void
join_cb (GtkWidget  *widget,
         const char *action_name,
         GVariant   *parameter)
{
  gtk_widget_grab_focus (GTK_WIDGET (CHAT_WINDOW (widget)->join_entry));
}

/* From 0. */
static void
select_room_cb (GtkWidget  *widget,
                const char *action_name,
                GVariant   *parameter)
{
  ChatWindow *self = CHAT_WINDOW (widget);
  guint position = g_variant_get_uint32 (parameter);

  if (position < g_list_model_get_n_items (G_LIST_MODEL (self->rooms)))
    gtk_single_selection_set_selected (self->rooms, position);
}

/* By so many. */
static void
move_room_cb (GtkWidget  *widget,
              const char *action_name,
              GVariant   *parameter)
{
  ChatWindow *self = CHAT_WINDOW (widget);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->rooms));

  if (n > 0)
    gtk_single_selection_set_selected (self->rooms, (gtk_single_selection_get_selected (self->rooms) + n +
                                                     g_variant_get_int32 (parameter)) % n);
}

/* ---- what the session shows ---- */

static void
on_room_selected (ChatWindow *self)
{
  ChatRoom *room = gtk_single_selection_get_selected_item (self->rooms);

  self->follows = TRUE;
  self->n_known = 0;
  on_lines_changed (self);
  if (room != NULL && self->session != NULL)
    chat_session_set_current (self->session, room);
}

static void
on_current_changed (ChatWindow *self)
{
  GListModel *rooms = G_LIST_MODEL (self->rooms);

  for (guint i = 0; i < g_list_model_get_n_items (rooms); i++)
    {
      g_autoptr (ChatRoom) room = g_list_model_get_item (rooms, i);

      if (room == chat_session_get_current (self->session))
        gtk_single_selection_set_selected (self->rooms, i);
    }
}

/* What the trouble was stays in the banner while that closes. */
static void
on_trouble_changed (ChatWindow *self)
{
  g_autofree char *trouble = NULL;

  g_object_get (self->session, "trouble", &trouble, NULL);
  if (trouble != NULL)
    gtk_label_set_label (self->trouble, trouble);
  gtk_revealer_set_reveal_child (self->banner, trouble != NULL);
}

static void
on_banner_closed (ChatWindow *self)
{
  if (!gtk_revealer_get_child_revealed (self->banner))
    gtk_label_set_label (self->trouble, "");
}

static void
on_topic_changed (ChatWindow *self)
{
  gtk_widget_set_visible (GTK_WIDGET (self->topic), *gtk_label_get_label (self->topic) != '\0');
}

static void
on_active_changed (ChatWindow *self)
{
  if (self->session != NULL)
    chat_session_set_attended (self->session, gtk_window_is_active (GTK_WINDOW (self)));
}

static void
chat_window_show_session (ChatWindow  *self,
                          ChatSession *session)
{
  self->session = g_object_ref (session);
  gtk_single_selection_set_model (self->rooms, chat_session_get_rooms (session));
  g_object_bind_property (session, "nick", self->nick, "label", G_BINDING_SYNC_CREATE);
  g_signal_connect_object (session, "notify::current", G_CALLBACK (on_current_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (session, "notify::trouble", G_CALLBACK (on_trouble_changed), self, G_CONNECT_SWAPPED);
}

/* ---- the class ---- */

static void
chat_window_dispose (GObject *object)
{
  ChatWindow *self = CHAT_WINDOW (object);

  if (self->scroll != 0)
    gtk_widget_remove_tick_callback (self->lines_view, self->scroll);
  self->scroll = 0;
  g_clear_object (&self->session);
  g_clear_pointer (&self->keeper, troupe_ref_unref);
  G_OBJECT_CLASS (chat_window_parent_class)->dispose (object);
}

static void
chat_window_bind_children (GtkWidgetClass *widget_class)
{
  gtk_widget_class_bind_template_child (widget_class, ChatWindow, rooms);
  gtk_widget_class_bind_template_child (widget_class, ChatWindow, rooms_view);
  gtk_widget_class_bind_template_child (widget_class, ChatWindow, join_entry);
  gtk_widget_class_bind_template_child (widget_class, ChatWindow, lines);
  gtk_widget_class_bind_template_child (widget_class, ChatWindow, lines_view);
  gtk_widget_class_bind_template_child (widget_class, ChatWindow, scroller);
  gtk_widget_class_bind_template_child (widget_class, ChatWindow, members_view);
  gtk_widget_class_bind_template_child (widget_class, ChatWindow, members_revealer);
  gtk_widget_class_bind_template_child (widget_class, ChatWindow, entry);
  gtk_widget_class_bind_template_child (widget_class, ChatWindow, nick);
  gtk_widget_class_bind_template_child (widget_class, ChatWindow, topic);
  gtk_widget_class_bind_template_child (widget_class, ChatWindow, banner);
  gtk_widget_class_bind_template_child (widget_class, ChatWindow, trouble);

  gtk_widget_class_bind_template_callback (widget_class, on_active_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_banner_closed);
  gtk_widget_class_bind_template_callback (widget_class, on_join);
  gtk_widget_class_bind_template_callback (widget_class, on_line_bind);
  gtk_widget_class_bind_template_callback (widget_class, on_line_setup);
  gtk_widget_class_bind_template_callback (widget_class, on_line_unbind);
  gtk_widget_class_bind_template_callback (widget_class, on_lines_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_member_activated);
  gtk_widget_class_bind_template_callback (widget_class, on_room_selected);
  gtk_widget_class_bind_template_callback (widget_class, on_said);
  gtk_widget_class_bind_template_callback (widget_class, on_topic_changed);
}

static void
chat_window_class_init (ChatWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = chat_window_dispose;

  g_type_ensure (CHAT_TYPE_ROOM);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/troupe/GtkChat/chat-window.ui");
  chat_window_bind_children (widget_class);

  gtk_widget_class_install_action (widget_class, "win.join", NULL, join_cb);
  gtk_widget_class_install_action (widget_class, "win.leave", NULL, leave_cb);
  gtk_widget_class_install_action (widget_class, "win.retry", NULL, retry_cb);
  gtk_widget_class_install_action (widget_class, "win.focus-entry", NULL, focus_entry_cb);
  gtk_widget_class_install_action (widget_class, "win.select-room", "u", select_room_cb);
  gtk_widget_class_install_action (widget_class, "win.move-room", "i", move_room_cb);
}

static void
chat_window_init (ChatWindow *self)
{
  g_autoptr (GPropertyAction) members = NULL;

  gtk_widget_init_template (GTK_WIDGET (self));

  self->follows = TRUE;
  g_signal_connect_swapped (gtk_scrolled_window_get_vadjustment (self->scroller), "value-changed",
                            G_CALLBACK (on_scrolled), self);
  members = g_property_action_new ("members", self->members_revealer, "reveal-child");
  g_action_map_add_action (G_ACTION_MAP (self), G_ACTION (members));
}

GtkWidget *
chat_window_new (GtkApplication *application,
                 ChatSession    *session,
                 TroupeRef      *keeper)
{
  ChatWindow *self = g_object_new (CHAT_TYPE_WINDOW, "application", application, NULL);

  self->keeper = troupe_ref_ref (keeper);
  chat_window_show_session (self, session);
  return GTK_WIDGET (self);
}
