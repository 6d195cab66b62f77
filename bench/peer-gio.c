/* peer-gio.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* An echo server over GIO's GSocketService and asynchronous streams, as its documentation shows. */

#include <gio/gio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>

#define BUFFER_SIZE 16384
#define BACKLOG     1024

typedef struct
{
  GSocketConnection *connection;
  GInputStream      *input;
  GOutputStream     *output;
  guint8             buffer[BUFFER_SIZE];
} Client;

static void client_read (Client *self);

static void
client_free (Client *self)
{
  g_object_unref (self->connection);
  g_free (self);
}

static void
written_cb (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  Client *self = user_data;

  if (g_output_stream_write_all_finish (self->output, result, NULL, NULL))
    client_read (self);
  else
    client_free (self);
}

static void
read_cb (GObject      *source,
         GAsyncResult *result,
         gpointer      user_data)
{
  Client *self = user_data;
  gssize n = g_input_stream_read_finish (self->input, result, NULL);

  if (n > 0)
    g_output_stream_write_all_async (self->output, self->buffer, n, G_PRIORITY_DEFAULT, NULL, written_cb, self);
  else
    client_free (self);
}

static void
client_read (Client *self)
{
  g_input_stream_read_async (self->input, self->buffer, sizeof self->buffer, G_PRIORITY_DEFAULT, NULL, read_cb, self);
}

static gboolean
incoming_cb (GSocketService    *service,
             GSocketConnection *connection,
             GObject           *source,
             gpointer           user_data)
{
  Client *client = g_new (Client, 1);

  /* An answer in two pieces would else wait 40 ms for the peer's delayed acknowledgement. */
  g_socket_set_option (g_socket_connection_get_socket (connection), IPPROTO_TCP, TCP_NODELAY, TRUE, NULL);

  client->connection = g_object_ref (connection);
  client->input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  client->output = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  client_read (client);
  return TRUE;
}

static guint16
listen_anywhere (GSocketService  *service,
                 GError         **error)
{
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocketAddress) effective = NULL;

  g_socket_listener_set_backlog (G_SOCKET_LISTENER (service), BACKLOG);
  if (!g_socket_listener_add_address (G_SOCKET_LISTENER (service), address, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP,
                                      NULL, &effective, error))
    return 0;

  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (effective));
}

int
main (int    argc,
      char **argv)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GSocketService) service = g_socket_service_new ();
  g_autoptr (GError) error = NULL;
  guint16 port;

  if (argc > 1 && g_str_equal (argv[1], "--version"))
    {
      printf ("GIO %u.%u.%u\n", glib_major_version, glib_minor_version, glib_micro_version);
      return EXIT_SUCCESS;
    }

  port = listen_anywhere (service, &error);
  if (port == 0)
    {
      fprintf (stderr, "peer-gio: %s\n", error->message);
      return EXIT_FAILURE;
    }

  g_signal_connect (service, "incoming", G_CALLBACK (incoming_cb), NULL);
  printf ("listening on tcp:127.0.0.1:%u\n", port);
  fflush (stdout);
  g_main_loop_run (loop);
  return EXIT_SUCCESS;
}
