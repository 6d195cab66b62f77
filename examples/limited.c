/* limited.c: echo for a limited number of connections at a time
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <locale.h>

#include <troupe.h>

/* A connection that is served */

#define SERVED_TYPE_PROTOCOL (served_protocol_get_type ())
G_DECLARE_FINAL_TYPE (ServedProtocol, served_protocol, SERVED, PROTOCOL, TroupeProtocol)

struct _ServedProtocol
{
  TroupeProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (ServedProtocol, served_protocol, TROUPE_TYPE_PROTOCOL)

static gboolean
served_data_received (TroupeProtocol *protocol, const guint8 *data, gsize length, GError **error)
{
  troupe_transport_write (troupe_protocol_get_transport (protocol), data, length);
  return TRUE;
}

static void
served_write_paused (TroupeProtocol *protocol)
{
  troupe_transport_pause_reading (troupe_protocol_get_transport (protocol));
}

static void
served_write_resumed (TroupeProtocol *protocol)
{
  troupe_transport_resume_reading (troupe_protocol_get_transport (protocol));
}

static void
served_protocol_class_init (ServedProtocolClass *klass)
{
  TroupeProtocolClass *protocol_class = TROUPE_PROTOCOL_CLASS (klass);

  protocol_class->data_received = served_data_received;
  protocol_class->write_paused = served_write_paused;
  protocol_class->write_resumed = served_write_resumed;
  troupe_actor_class_set_placement (TROUPE_ACTOR_CLASS (klass), TROUPE_PLACEMENT_SPREAD);
}

static void
served_protocol_init (ServedProtocol *self)
{
}

/* A connection that is not */

#define REFUSED_TYPE_PROTOCOL (refused_protocol_get_type ())
G_DECLARE_FINAL_TYPE (RefusedProtocol, refused_protocol, REFUSED, PROTOCOL, TroupeProtocol)

struct _RefusedProtocol
{
  TroupeProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (RefusedProtocol, refused_protocol, TROUPE_TYPE_PROTOCOL)

static gboolean
refused_connection_made (TroupeProtocol *protocol, GError **error)
{
  static const char refusal[] = "Too many connections, try later\r\n";
  TroupeTransport *transport = troupe_protocol_get_transport (protocol);

  troupe_transport_write (transport, (const guint8 *) refusal, sizeof refusal - 1);
  troupe_transport_lose_connection (transport);
  return TRUE;
}

static void
refused_protocol_class_init (RefusedProtocolClass *klass)
{
  TROUPE_PROTOCOL_CLASS (klass)->connection_made = refused_connection_made;
}

static void
refused_protocol_init (RefusedProtocol *self)
{
}

/* The factory decides which of the two a connection gets, and counts those that are served. */

#define LIMITED_TYPE_FACTORY (limited_factory_get_type ())
G_DECLARE_FINAL_TYPE (LimitedFactory, limited_factory, LIMITED, FACTORY, TroupeFactory)

struct _LimitedFactory
{
  TroupeFactory parent_instance;
  guint         max;
  guint         n_served;
};

enum { PROP_0, PROP_MAX };

G_DEFINE_FINAL_TYPE (LimitedFactory, limited_factory, TROUPE_TYPE_FACTORY)

static TroupeRef *
limited_build_protocol (TroupeFactory *factory, GSocketAddress *peer, GError **error)
{
  LimitedFactory *self = LIMITED_FACTORY (factory);
  TroupeRef *connection;

  if (self->n_served >= self->max)
    return troupe_actor_spawn (TROUPE_ACTOR (self), NULL, REFUSED_TYPE_PROTOCOL, error, NULL);

  connection = troupe_actor_spawn (TROUPE_ACTOR (self), NULL, SERVED_TYPE_PROTOCOL, error, NULL);
  if (connection != NULL)
    self->n_served++;
  return connection;
}

static void
limited_child_terminated (TroupeActor *actor, TroupeTermination *termination)
{
  if (troupe_ref_get_actor_type (troupe_termination_get_actor (termination)) == SERVED_TYPE_PROTOCOL)
    LIMITED_FACTORY (actor)->n_served--;

  TROUPE_ACTOR_CLASS (limited_factory_parent_class)->child_terminated (actor, termination);
}

static void
limited_factory_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  if (id == PROP_MAX)
    LIMITED_FACTORY (object)->max = g_value_get_uint (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
limited_factory_class_init (LimitedFactoryClass *klass)
{
  G_OBJECT_CLASS (klass)->set_property = limited_factory_set_property;
  TROUPE_ACTOR_CLASS (klass)->child_terminated = limited_child_terminated;
  TROUPE_FACTORY_CLASS (klass)->build_protocol = limited_build_protocol;

  g_object_class_install_property (G_OBJECT_CLASS (klass), PROP_MAX,
    g_param_spec_uint ("max", NULL, NULL, 0, G_MAXUINT, 100, G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS));
}

static void
limited_factory_init (LimitedFactory *self)
{
}

/* The program */

static gboolean
listen_all (TroupeSystem *system, char **endpoints, TroupeRef *factory, GError **error)
{
  for (guint i = 0; endpoints[i] != NULL; i++)
    {
      g_autoptr (TroupePort) port = troupe_listen (system, endpoints[i], factory, error);
      g_autofree char *where = NULL;

      if (port == NULL)
        return FALSE;

      where = troupe_port_dup_endpoint (port);
      g_print ("listening on %s\n", where);
    }

  return TRUE;
}

static gboolean
serve (char **endpoints, guint max, GError **error)
{
  TroupeSystem *system = troupe_system_get_default ();
  g_autoptr (TroupeRef) factory = troupe_system_spawn (system, "limited", LIMITED_TYPE_FACTORY, error, "max", max, NULL);

  return factory != NULL && listen_all (system, endpoints, factory, error) && troupe_system_run (system, error);
}

int
main (int argc, char **argv)
{
  static char *nowhere[] = { (char *) "tcp:8024:interface=127.0.0.1", NULL };
  g_auto (GStrv) endpoints = NULL;
  int max = 100;
  const GOptionEntry options[] = {
    { "listen", 'l', 0, G_OPTION_ARG_STRING_ARRAY, &endpoints, "Where to listen; may be repeated", "ENDPOINT" },
    { "max", 'm', 0, G_OPTION_ARG_INT, &max, "How many connections to serve at a time (100)", "N" },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("– echo for a limited number of connections at a time");
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  g_option_context_add_main_entries (context, options, NULL);

  if (g_option_context_parse (context, &argc, &argv, &error) && max < 0)
    g_set_error (&error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--max=%d is no number of connections", max);

  if (error != NULL || !serve (endpoints != NULL ? endpoints : nowhere, max, &error))
    {
      g_printerr ("limited: %s\n", error->message);
      return 1;
    }

  return 0;
}
