/* chat-application.c - a system of actors on GTK's main context, and the window in front of it
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <stdlib.h>

#include <troupe.h>

#include "chat-application.h"
#include "chat-keeper.h"
#include "chat-style.h"
#include "chat-window.h"

#define DEFAULT_ENDPOINT "tcp:127.0.0.1:8027"
#define DEFAULT_ROOM     "lobby"

struct _ChatApplication
{
  GtkApplication parent_instance;
  TroupeSystem  *system;
  TroupeRef     *keeper;
  ChatSession   *session;
  ChatStyle     *style;

  /* options */
  char          *nick;
  char         **rooms;
  char         **endpoint;
};

G_DEFINE_FINAL_TYPE (ChatApplication, chat_application, GTK_TYPE_APPLICATION)

static const struct
{
  const char *action;
  const char *keys[3];
} shortcuts[] = {
  { "app.quit",              { "<Control>q" } },
  { "app.toggle-style",      { "<Control>d" } },
  { "win.show-help-overlay", { "<Control>question" } },
  { "win.focus-entry",       { "<Control>l" } },
  { "win.join",              { "<Control>j" } },
  { "win.leave",             { "<Control>w" } },
  { "win.members",           { "F9" } },
  { "win.move-room(1)",      { "<Control>Page_Down", "<Alt>Down" } },
  { "win.move-room(-1)",     { "<Control>Page_Up", "<Alt>Up" } },
};

static void
on_quit (GSimpleAction *action,
         GVariant      *parameter,
         gpointer       application)
{
  g_application_quit (application);
}

static void
on_toggle_style (GSimpleAction *action,
                 GVariant      *parameter,
                 gpointer       application)
{
  chat_style_toggle (CHAT_APPLICATION (application)->style);
}

static const GActionEntry actions[] = {
  { .name = "quit", .activate = on_quit },
  { .name = "toggle-style", .activate = on_toggle_style },
};

static void
chat_application_add_shortcuts (ChatApplication *self)
{
  GtkApplication *application = GTK_APPLICATION (self);

  for (guint i = 0; i < G_N_ELEMENTS (shortcuts); i++)
    gtk_application_set_accels_for_action (application, shortcuts[i].action, shortcuts[i].keys);

  for (guint i = 0; i < 9; i++)
    {
      g_autofree char *action = g_strdup_printf ("win.select-room(uint32 %u)", i);
      g_autofree char *key = g_strdup_printf ("<Alt>%u", i + 1);

      gtk_application_set_accels_for_action (application, action, (const char *[]) { key, NULL });
    }
}

static void
chat_application_add_style (ChatApplication *self)
{
  g_autoptr (GtkCssProvider) css = gtk_css_provider_new ();
  g_autoptr (GPropertyAction) action = NULL;

  gtk_css_provider_load_from_resource (css, "/org/troupe/GtkChat/style.css");
  gtk_style_context_add_provider_for_display (gdk_display_get_default (), GTK_STYLE_PROVIDER (css),
                                              GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);

  self->style = chat_style_new ();
  action = g_property_action_new ("style", self->style, "choice");
  g_action_map_add_action (G_ACTION_MAP (self), G_ACTION (action));
}

/* The rooms are there before the connection is, which joins them. */
static void
chat_application_open_rooms (ChatApplication *self)
{
  self->session = chat_session_new ();
  for (guint i = 0; self->rooms != NULL && self->rooms[i] != NULL; i++)
    chat_session_open_room (self->session, self->rooms[i]);
  if (self->rooms == NULL)
    chat_session_open_room (self->session, DEFAULT_ROOM);
}

static void
chat_application_start_actors (ChatApplication *self)
{
  g_autoptr (GError) error = NULL;
  const char *endpoint = self->endpoint != NULL ? self->endpoint[0] : DEFAULT_ENDPOINT;

  self->system = troupe_system_new (NULL, NULL, &error);
  if (self->system != NULL)
    self->keeper = chat_keeper_spawn (self->system, endpoint, self->session, self->nick, &error);
  if (self->keeper != NULL)
    return;

  g_printerr ("gtk-chat: %s\n", error->message);
  exit (EXIT_FAILURE);
}

static void
chat_application_startup (GApplication *application)
{
  ChatApplication *self = CHAT_APPLICATION (application);

  G_APPLICATION_CLASS (chat_application_parent_class)->startup (application);

  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
  chat_application_add_shortcuts (self);
  chat_application_add_style (self);
  chat_application_open_rooms (self);
  chat_application_start_actors (self);
}

static void
chat_application_activate (GApplication *application)
{
  ChatApplication *self = CHAT_APPLICATION (application);
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (self));

  if (window == NULL)
    window = GTK_WINDOW (chat_window_new (GTK_APPLICATION (self), self->session, self->keeper));
  gtk_window_present (window);
}

/* The actors end, too: the connection sends what there is to send. */
static void
chat_application_shutdown (GApplication *application)
{
  ChatApplication *self = CHAT_APPLICATION (application);

  troupe_system_shutdown_sync (self->system, NULL);
  G_APPLICATION_CLASS (chat_application_parent_class)->shutdown (application);
}

static void
chat_application_dispose (GObject *object)
{
  ChatApplication *self = CHAT_APPLICATION (object);

  g_clear_pointer (&self->keeper, troupe_ref_unref);
  g_clear_object (&self->system);
  g_clear_object (&self->session);
  g_clear_object (&self->style);
  G_OBJECT_CLASS (chat_application_parent_class)->dispose (object);
}

static void
chat_application_finalize (GObject *object)
{
  ChatApplication *self = CHAT_APPLICATION (object);

  g_free (self->nick);
  g_strfreev (self->rooms);
  g_strfreev (self->endpoint);
  G_OBJECT_CLASS (chat_application_parent_class)->finalize (object);
}

static void
chat_application_class_init (ChatApplicationClass *klass)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = chat_application_dispose;
  G_OBJECT_CLASS (klass)->finalize = chat_application_finalize;
  application_class->startup = chat_application_startup;
  application_class->activate = chat_application_activate;
  application_class->shutdown = chat_application_shutdown;
}

static void
chat_application_init (ChatApplication *self)
{
  const GOptionEntry options[] = {
    { "nick", 'n', 0, G_OPTION_ARG_STRING, &self->nick, "Be called NAME", "NAME" },
    { "join", 'j', 0, G_OPTION_ARG_STRING_ARRAY, &self->rooms, "Join a room; may be repeated (" DEFAULT_ROOM ")", "ROOM" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &self->endpoint, NULL, "[ENDPOINT]" },
    { NULL }
  };

  g_application_add_main_option_entries (G_APPLICATION (self), options);
}

GApplication *
chat_application_new (void)
{
  return g_object_new (CHAT_TYPE_APPLICATION, "application-id", "org.troupe.GtkChat", "flags", G_APPLICATION_NON_UNIQUE,
                       "resource-base-path", "/org/troupe/GtkChat", NULL);
}
