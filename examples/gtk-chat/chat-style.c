/* chat-style.c - dark or light, as the desktop's setting says or as the user does
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "chat-style.h"

#define APPEARANCE   "org.freedesktop.appearance"
#define COLOR_SCHEME "color-scheme"
#define PREFER_DARK  1

struct _ChatStyle
{
  GObject     parent_instance;
  GDBusProxy *settings;              /* the portal's; NULL: there is none */
  char       *choice;                /* “system”, “light” or “dark” */
  gboolean    system_is_dark;
};

enum { PROP_0, PROP_CHOICE, N_PROPS };

G_DEFINE_FINAL_TYPE (ChatStyle, chat_style, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPS];

static gboolean
chat_style_is_dark (ChatStyle *self)
{
  return g_str_equal (self->choice, "dark") || (g_str_equal (self->choice, "system") && self->system_is_dark);
}

static void
chat_style_apply (ChatStyle *self)
{
  g_object_set (gtk_settings_get_default (), "gtk-application-prefer-dark-theme", chat_style_is_dark (self), NULL);
}

static void
chat_style_set_choice (ChatStyle  *self,
                       const char *choice)
{
  if (g_strcmp0 (self->choice, choice) == 0)
    return;

  g_free (self->choice);
  self->choice = g_strdup (choice);
  chat_style_apply (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CHOICE]);
}

/* VALUE is a number, in as many variants as it pleases the portal. */
static void
chat_style_take_scheme (ChatStyle *self,
                        GVariant  *value)
{
  while (g_variant_is_of_type (value, G_VARIANT_TYPE_VARIANT))
    {
      GVariant *inner = g_variant_get_variant (value);

      g_variant_unref (value);
      value = inner;
    }

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32))
    self->system_is_dark = g_variant_get_uint32 (value) == PREFER_DARK;
  g_variant_unref (value);
  chat_style_apply (self);
}

static void
on_portal_signal (GDBusProxy *proxy,
                  const char *sender,
                  const char *signal,
                  GVariant   *parameters,
                  ChatStyle  *self)
{
  const char *group;
  const char *key;
  GVariant *value;

  if (!g_str_equal (signal, "SettingChanged") || !g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(ssv)")))
    return;

  g_variant_get (parameters, "(&s&s@v)", &group, &key, &value);
  if (g_str_equal (group, APPEARANCE) && g_str_equal (key, COLOR_SCHEME))
    chat_style_take_scheme (self, value);
  else
    g_variant_unref (value);
}

static void
on_read (GObject      *proxy,
         GAsyncResult *result,
         gpointer      user_data)
{
  g_autoptr (ChatStyle) self = user_data;
  g_autoptr (GVariant) answer = g_dbus_proxy_call_finish (G_DBUS_PROXY (proxy), result, NULL);

  if (answer != NULL && g_variant_is_of_type (answer, G_VARIANT_TYPE ("(v)")))
    chat_style_take_scheme (self, g_variant_get_child_value (answer, 0));
}

/* Without a portal nobody has a setting, and it is light. */
static void
on_proxy (GObject      *source,
          GAsyncResult *result,
          gpointer      user_data)
{
  g_autoptr (ChatStyle) self = user_data;

  self->settings = g_dbus_proxy_new_for_bus_finish (result, NULL);
  if (self->settings == NULL)
    return;

  g_signal_connect_object (self->settings, "g-signal", G_CALLBACK (on_portal_signal), self, 0);
  g_dbus_proxy_call (self->settings, "Read", g_variant_new ("(ss)", APPEARANCE, COLOR_SCHEME), G_DBUS_CALL_FLAGS_NONE, -1,
                     NULL, on_read, g_object_ref (self));
}

static void
chat_style_get_property (GObject    *object,
                         guint       prop_id,
                         GValue     *value,
                         GParamSpec *pspec)
{
  if (prop_id == PROP_CHOICE)
    g_value_set_string (value, CHAT_STYLE (object)->choice);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
chat_style_set_property (GObject      *object,
                         guint         prop_id,
                         const GValue *value,
                         GParamSpec   *pspec)
{
  if (prop_id == PROP_CHOICE)
    chat_style_set_choice (CHAT_STYLE (object), g_value_get_string (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
chat_style_finalize (GObject *object)
{
  ChatStyle *self = CHAT_STYLE (object);

  g_clear_object (&self->settings);
  g_free (self->choice);
  G_OBJECT_CLASS (chat_style_parent_class)->finalize (object);
}

static void
chat_style_class_init (ChatStyleClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = chat_style_get_property;
  object_class->set_property = chat_style_set_property;
  object_class->finalize = chat_style_finalize;

  properties[PROP_CHOICE] = g_param_spec_string ("choice", NULL, NULL, "system",
                                                 G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
chat_style_init (ChatStyle *self)
{
  self->choice = g_strdup ("system");
}

ChatStyle *
chat_style_new (void)
{
  ChatStyle *self = g_object_new (CHAT_TYPE_STYLE, NULL);

  g_dbus_proxy_new_for_bus (G_BUS_TYPE_SESSION, G_DBUS_PROXY_FLAGS_DO_NOT_LOAD_PROPERTIES, NULL,
                            "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop",
                            "org.freedesktop.portal.Settings", NULL, on_proxy, g_object_ref (self));
  return self;
}

void
chat_style_toggle (ChatStyle *self)
{
  chat_style_set_choice (self, chat_style_is_dark (self) ? "light" : "dark");
}
