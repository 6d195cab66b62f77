/* echo-troupe.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The echo server that bench/echo measures: an actor for each connection, as a user would write it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe.h>

#define ECHO_TYPE_PROTOCOL (echo_protocol_get_type ())

struct _EchoProtocol
{
  TroupeProtocol parent_instance;
};

G_DECLARE_FINAL_TYPE (EchoProtocol, echo_protocol, ECHO, PROTOCOL, TroupeProtocol)
G_DEFINE_FINAL_TYPE (EchoProtocol, echo_protocol, TROUPE_TYPE_PROTOCOL)

static gboolean
echo_protocol_data_received (TroupeProtocol  *protocol,
                             const guint8    *data,
                             gsize            length,
                             GError         **error)
{
  troupe_transport_write (troupe_protocol_get_transport (protocol), data, length);
  return TRUE;
}

static void
echo_protocol_class_init (EchoProtocolClass *klass)
{
  TROUPE_PROTOCOL_CLASS (klass)->data_received = echo_protocol_data_received;
}

static void
echo_protocol_init (EchoProtocol *self)
{
}

static gboolean
serve (GError **error)
{
  TroupeSystem *system = troupe_system_get_default ();
  g_autoptr (TroupeRef) factory = NULL;
  g_autoptr (TroupePort) port = NULL;
  g_autofree char *endpoint = NULL;

  factory = troupe_factory_spawn (system, "echo", ECHO_TYPE_PROTOCOL, error);
  if (factory == NULL)
    return FALSE;

  port = troupe_listen (system, "tcp:0:interface=127.0.0.1:backlog=1024", factory, error);
  if (port == NULL)
    return FALSE;

  endpoint = troupe_port_dup_endpoint (port);
  printf ("listening on %s\n", endpoint);
  fflush (stdout);
  return troupe_system_run (system, error);
}

int
main (int    argc,
      char **argv)
{
  g_autoptr (GError) error = NULL;

  if (argc > 1 && strcmp (argv[1], "--version") == 0)
    {
      printf ("Troupe %s, %s\n", BENCH_VERSION,
              troupe_reactor_get_backend_name (troupe_system_get_reactor (troupe_system_get_default ())));
      return EXIT_SUCCESS;
    }

  if (!serve (&error))
    {
      fprintf (stderr, "echo-troupe: %s\n", error->message);
      return EXIT_FAILURE;
    }
  return EXIT_SUCCESS;
}
