/* echo.c: sends back whatever arrives
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <locale.h>

#include <troupe.h>

/* A connection */

#define ECHO_TYPE_PROTOCOL (echo_protocol_get_type ())
G_DECLARE_FINAL_TYPE (EchoProtocol, echo_protocol, ECHO, PROTOCOL, TroupeProtocol)

struct _EchoProtocol
{
  TroupeProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (EchoProtocol, echo_protocol, TROUPE_TYPE_PROTOCOL)

static gboolean
echo_data_received (TroupeProtocol *protocol, const guint8 *data, gsize length, GError **error)
{
  troupe_transport_write (troupe_protocol_get_transport (protocol), data, length);
  return TRUE;
}

/* A client that does not read its echo gets none of ours either: it waits in the network, not in our memory. */
static void
echo_write_paused (TroupeProtocol *protocol)
{
  troupe_transport_pause_reading (troupe_protocol_get_transport (protocol));
}

static void
echo_write_resumed (TroupeProtocol *protocol)
{
  troupe_transport_resume_reading (troupe_protocol_get_transport (protocol));
}

static void
echo_protocol_class_init (EchoProtocolClass *klass)
{
  TroupeProtocolClass *protocol_class = TROUPE_PROTOCOL_CLASS (klass);

  protocol_class->data_received = echo_data_received;
  protocol_class->write_paused = echo_write_paused;
  protocol_class->write_resumed = echo_write_resumed;
  troupe_actor_class_set_placement (TROUPE_ACTOR_CLASS (klass), TROUPE_PLACEMENT_SPREAD);
}

static void
echo_protocol_init (EchoProtocol *self)
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
serve (char **endpoints, GError **error)
{
  TroupeSystem *system = troupe_system_get_default ();
  g_autoptr (TroupeRef) factory = troupe_factory_spawn (system, "echo", ECHO_TYPE_PROTOCOL, error);

  return factory != NULL && listen_all (system, endpoints, factory, error) && troupe_system_run (system, error);
}

int
main (int argc, char **argv)
{
  static char *nowhere[] = { (char *) "tcp:8025:interface=127.0.0.1", NULL };
  g_auto (GStrv) endpoints = NULL;
  const GOptionEntry options[] = {
    { "listen", 'l', 0, G_OPTION_ARG_STRING_ARRAY, &endpoints, "Where to listen; may be repeated", "ENDPOINT" },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("– sends back whatever arrives");
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  g_option_context_add_main_entries (context, options, NULL);

  if (!g_option_context_parse (context, &argc, &argv, &error) ||
      !serve (endpoints != NULL ? endpoints : nowhere, &error))
    {
      g_printerr ("echo: %s\n", error->message);
      return 1;
    }

  return 0;
}
