/* echo-troupe.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The echo server that bench/echo measures: an actor for each connection, as a user would write it. */

#include <stdio.h>
#include <stdlib.h>
#include <troupe.h>

#include "echo-work.h"

#define ECHO_TYPE_PROTOCOL (echo_protocol_get_type ())

struct _EchoProtocol
{
  TroupeProtocol parent_instance;
};

G_DECLARE_FINAL_TYPE (EchoProtocol, echo_protocol, ECHO, PROTOCOL, TroupeProtocol)
G_DEFINE_FINAL_TYPE (EchoProtocol, echo_protocol, TROUPE_TYPE_PROTOCOL)

static int n_steps;                    /* of work, on each read */
static int n_reactors = 1;
static gboolean sockets;               /* a listening one for each reactor */

static gboolean
echo_protocol_data_received (TroupeProtocol  *protocol,
                             const guint8    *data,
                             gsize            length,
                             GError         **error)
{
  echo_work ((unsigned) n_steps);
  troupe_transport_write (troupe_protocol_get_transport (protocol), data, length);
  return TRUE;
}

static void
echo_protocol_class_init (EchoProtocolClass *klass)
{
  TROUPE_PROTOCOL_CLASS (klass)->data_received = echo_protocol_data_received;
  troupe_actor_class_set_placement (TROUPE_ACTOR_CLASS (klass), TROUPE_PLACEMENT_SPREAD);
}

static void
echo_protocol_init (EchoProtocol *self)
{
}

static gboolean
serve (TroupeSystem  *system,
       GError       **error)
{
  g_autoptr (TroupeRef) factory = NULL;
  g_autoptr (TroupePort) port = NULL;
  g_autofree char *where = NULL;
  g_autofree char *endpoint = NULL;

  factory = troupe_factory_spawn (system, "echo", ECHO_TYPE_PROTOCOL, error);
  if (factory == NULL)
    return FALSE;

  where = sockets ? g_strdup_printf ("tcp:0:interface=127.0.0.1:backlog=1024:reactors=%d", n_reactors)
                  : g_strdup ("tcp:0:interface=127.0.0.1:backlog=1024");
  port = troupe_listen (system, where, factory, error);
  if (port == NULL)
    return FALSE;

  endpoint = troupe_port_dup_endpoint (port);
  printf ("listening on %s\n", endpoint);
  fflush (stdout);
  return troupe_system_run (system, error);
}

static gboolean
run (int      argc,
     char   **argv,
     GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("– an echo server");
  g_autoptr (TroupeSystem) system = NULL;
  gboolean version = FALSE;
  const GOptionEntry entries[] = {
    { "reactors", 0, 0, G_OPTION_ARG_INT, &n_reactors, "Reactors that share the connections (1)", "N" },
    { "sockets", 0, 0, G_OPTION_ARG_NONE, &sockets, "Accept on each reactor, instead of on one that hands over", NULL },
    { "work", 0, 0, G_OPTION_ARG_INT, &n_steps, "Steps of work on each read (0)", "STEPS" },
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print what this is", NULL },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;

  n_reactors = CLAMP (n_reactors, 1, 1024);
  system = troupe_system_new_with_reactors (NULL, NULL, (guint) n_reactors, error);
  if (system == NULL)
    return FALSE;
  if (!version)
    return serve (system, error);

  printf ("Troupe %s, %s%s\n", BENCH_VERSION, troupe_reactor_get_backend_name (troupe_system_get_reactor (system)),
          sockets ? ", a socket for each" : "");
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_autoptr (GError) error = NULL;

  if (!run (argc, argv, &error))
    {
      fprintf (stderr, "echo-troupe: %s\n", error->message);
      return EXIT_FAILURE;
    }
  return EXIT_SUCCESS;
}
