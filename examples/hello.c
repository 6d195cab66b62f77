/* hello.c: greets each visitor, then closes
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <locale.h>

#include <troupe.h>

/* A connection */

#define HELLO_TYPE_PROTOCOL (hello_protocol_get_type ())
G_DECLARE_FINAL_TYPE (HelloProtocol, hello_protocol, HELLO, PROTOCOL, TroupeProtocol)

struct _HelloProtocol
{
  TroupeProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (HelloProtocol, hello_protocol, TROUPE_TYPE_PROTOCOL)

/* What is written before the connection is closed is still sent. */
static gboolean
hello_connection_made (TroupeProtocol *protocol, GError **error)
{
  static const char greeting[] = "Hello, and good-bye!\r\n";
  TroupeTransport *transport = troupe_protocol_get_transport (protocol);

  troupe_transport_write (transport, (const guint8 *) greeting, sizeof greeting - 1);
  troupe_transport_lose_connection (transport);
  return TRUE;
}

static void
hello_protocol_class_init (HelloProtocolClass *klass)
{
  TROUPE_PROTOCOL_CLASS (klass)->connection_made = hello_connection_made;
}

static void
hello_protocol_init (HelloProtocol *self)
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
  g_autoptr (TroupeRef) factory = troupe_factory_spawn (system, "hello", HELLO_TYPE_PROTOCOL, error);

  return factory != NULL && listen_all (system, endpoints, factory, error) && troupe_system_run (system, error);
}

int
main (int argc, char **argv)
{
  static char *nowhere[] = { (char *) "tcp:8023:interface=127.0.0.1", NULL };
  g_auto (GStrv) endpoints = NULL;
  const GOptionEntry options[] = {
    { "listen", 'l', 0, G_OPTION_ARG_STRING_ARRAY, &endpoints, "Where to listen; may be repeated", "ENDPOINT" },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("– greets each visitor, then closes");
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  g_option_context_add_main_entries (context, options, NULL);

  if (!g_option_context_parse (context, &argc, &argv, &error) ||
      !serve (endpoints != NULL ? endpoints : nowhere, &error))
    {
      g_printerr ("hello: %s\n", error->message);
      return 1;
    }

  return 0;
}
