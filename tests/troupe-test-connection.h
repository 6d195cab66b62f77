/* troupe-test-connection.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "troupe-test.h"

/*
 * A protocol that writes down what happens to it, and plain sockets as its peers. There is one record for all
 * connections of a test; begin with probe_begin () and end with probe_end ().
 */

typedef void (*ProbeFunc) (TroupeProtocol *protocol);

typedef struct
{
  TroupeSystem   *system;
  TroupeRef      *factory;
  TroupePort     *port;
  guint16         number;            /* of the port */

  GString        *log;               /* “made data lost ”, with messages and hooks in between */
  GByteArray     *received;
  TroupeProtocol *protocol;          /* the last that was made, until it is lost */
  TroupeRef      *ref;               /* its address, which stays */
  GError         *reason;            /* of the last loss */
  guint           n_made;
  guint           n_lost;
  guint           n_done;

  ProbeFunc       on_made;
  ProbeFunc       on_data;
  ProbeFunc       on_lost;
  gboolean        fail_made;
  gboolean        fail_data;
} Probe;

static Probe probe;

#define PROBE_TYPE_PROTOCOL (probe_protocol_get_type ())
G_DECLARE_DERIVABLE_TYPE (ProbeProtocol, probe_protocol, PROBE, PROTOCOL, TroupeProtocol)

struct _ProbeProtocolClass
{
  TroupeProtocolClass parent_class;
};

G_DEFINE_TYPE (ProbeProtocol, probe_protocol, TROUPE_TYPE_PROTOCOL)

static gboolean
probe_connection_made (TroupeProtocol  *protocol,
                       GError         **error)
{
  g_string_append (probe.log, "made ");
  probe.n_made++;
  probe.protocol = protocol;
  g_clear_pointer (&probe.ref, troupe_ref_unref);
  probe.ref = troupe_ref_ref (troupe_actor_get_ref (TROUPE_ACTOR (protocol)));

  if (probe.on_made != NULL)
    probe.on_made (protocol);

  if (!probe.fail_made)
    return TRUE;

  g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_FAILED, "made failed");
  return FALSE;
}

static gboolean
probe_data_received (TroupeProtocol  *protocol,
                     const guint8    *data,
                     gsize            length,
                     GError         **error)
{
  if (!g_str_has_suffix (probe.log->str, "data "))
    g_string_append (probe.log, "data ");
  g_byte_array_append (probe.received, data, length);

  if (probe.on_data != NULL)
    probe.on_data (protocol);

  if (!probe.fail_data)
    return TRUE;

  g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_FAILED, "data failed");
  return FALSE;
}

static void
probe_connection_lost (TroupeProtocol *protocol,
                       const GError   *reason)
{
  g_string_append (probe.log, "lost ");
  probe.n_lost++;
  probe.protocol = NULL;
  g_clear_error (&probe.reason);
  probe.reason = g_error_copy (reason);

  g_assert_false (troupe_transport_is_connected (troupe_protocol_get_transport (protocol)));
  g_assert_cmpint (troupe_transport_get_fd (troupe_protocol_get_transport (protocol)), ==, -1);

  if (probe.on_lost != NULL)
    probe.on_lost (protocol);
}

static void
probe_read_closed (TroupeProtocol *protocol)
{
  g_string_append (probe.log, "read-closed ");
}

static void
probe_write_closed (TroupeProtocol *protocol)
{
  g_string_append (probe.log, "write-closed ");
}

static void
probe_write_paused (TroupeProtocol *protocol)
{
  g_string_append (probe.log, "paused ");
}

static void
probe_write_resumed (TroupeProtocol *protocol)
{
  g_string_append (probe.log, "resumed ");
}

static void
probe_stopped (TroupeActor *actor)
{
  g_string_append (probe.log, "stopped ");
}

static gboolean
probe_on_do (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  ProbeFunc func = (ProbeFunc) troupe_message_get_pointer (message);

  func (TROUPE_PROTOCOL (actor));
  probe.n_done++;
  return TRUE;
}

static gboolean
probe_on_note (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  g_string_append_printf (probe.log, "%s ", troupe_message_get_string (message));
  return TRUE;
}

static void
probe_protocol_class_init (ProbeProtocolClass *klass)
{
  TroupeProtocolClass *protocol_class = TROUPE_PROTOCOL_CLASS (klass);
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  protocol_class->connection_made = probe_connection_made;
  protocol_class->data_received = probe_data_received;
  protocol_class->connection_lost = probe_connection_lost;
  protocol_class->read_closed = probe_read_closed;
  protocol_class->write_closed = probe_write_closed;
  protocol_class->write_paused = probe_write_paused;
  protocol_class->write_resumed = probe_write_resumed;
  actor_class->stopped = probe_stopped;
  troupe_actor_class_bind (actor_class, "do", G_TYPE_POINTER, probe_on_do);
  troupe_actor_class_bind (actor_class, "note", G_TYPE_STRING, probe_on_note);
}

static void
probe_protocol_init (ProbeProtocol *self)
{
}

static inline guint16
port_number (GSocketAddress *address)
{
  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));
}

/* A system without a port. */
static inline void
probe_begin_bare (void)
{
  memset (&probe, 0, sizeof probe);
  probe.system = troupe_test_system_new ();
  probe.log = g_string_new (NULL);
  probe.received = g_byte_array_new ();
}

static inline void
probe_begin (void)
{
  g_autoptr (GError) error = NULL;

  probe_begin_bare ();
  probe.factory = troupe_factory_spawn (probe.system, NULL, PROBE_TYPE_PROTOCOL, &error);
  g_assert_no_error (error);
  probe.port = troupe_listen (probe.system, "tcp:0:interface=127.0.0.1", probe.factory, &error);
  g_assert_no_error (error);
  probe.number = port_number (troupe_port_get_address (probe.port));
}

static inline void
probe_end (void)
{
  troupe_test_system_end (probe.system);
  g_assert_cmpuint (probe.n_made, >=, probe.n_lost);
  g_clear_pointer (&probe.factory, troupe_ref_unref);
  g_clear_pointer (&probe.ref, troupe_ref_unref);
  g_clear_object (&probe.port);
  g_clear_error (&probe.reason);
  g_byte_array_unref (probe.received);
  g_string_free (probe.log, TRUE);
}

/* Runs FUNC in a turn of the last connection. */
static inline void
probe_do (ProbeFunc func)
{
  guint n_done = probe.n_done;

  troupe_ref_send (probe.ref, troupe_message_new_pointer ("do", (gpointer) func, NULL));
  troupe_test_until (probe.n_done > n_done);
}

static inline TroupeTransport *
probe_transport (void)
{
  g_assert_nonnull (probe.protocol);
  return troupe_protocol_get_transport (probe.protocol);
}

static inline void
write_text (TroupeProtocol *protocol,
            const char     *text)
{
  troupe_transport_write (troupe_protocol_get_transport (protocol), (const guint8 *) text, strlen (text));
}

/* A blocking client; the kernel's backlog accepts it without our help. */
static inline int
client_connect (guint16 number)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = g_htons (number) };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = g_htonl (INADDR_LOOPBACK);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  return fd;
}

/* A client whose connection has been made. */
static inline int
client_open (void)
{
  guint n_made = probe.n_made;
  int fd = client_connect (probe.number);

  troupe_test_until (probe.n_made > n_made);
  return fd;
}

static inline void
client_send (int         fd,
             const char *text)
{
  g_assert_cmpint (send (fd, text, strlen (text), MSG_NOSIGNAL), ==, strlen (text));
}

/* Closes it with a reset. */
static inline void
client_reset (int fd)
{
  struct linger linger = { .l_onoff = 1 };

  g_assert_cmpint (setsockopt (fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), ==, 0);
  close (fd);
}

/* What comes next, up to WANTED bytes or the end; *FAULT is 0, or the errno that ended it. */
static inline GBytes *
client_read (int   fd,
             gsize wanted,
             int  *fault)
{
  GByteArray *array = g_byte_array_new ();
  gssize n = 1;

  *fault = 0;
  while (array->len < wanted && n != 0)
    {
      guint8 buffer[65536];

      n = recv (fd, buffer, MIN (sizeof buffer, wanted - array->len), MSG_DONTWAIT);
      if (n > 0)
        {
          g_byte_array_append (array, buffer, n);
        }
      else if (n < 0 && errno != EAGAIN)
        {
          *fault = errno;
          break;
        }
      else if (n < 0)
        {
          g_main_context_iteration (NULL, FALSE);
        }
    }

  return g_byte_array_free_to_bytes (array);
}

static inline void
assert_client_reads (int         fd,
                     const char *text)
{
  int fault;
  g_autoptr (GBytes) bytes = client_read (fd, strlen (text), &fault);

  g_assert_cmpint (fault, ==, 0);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), text, strlen (text));
}

static inline void
assert_client_at_end (int fd)
{
  int fault;
  g_autoptr (GBytes) bytes = client_read (fd, 1, &fault);

  g_assert_cmpint (fault, ==, 0);
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, 0);
}

#define assert_lost(code)                                                         \
  G_STMT_START {                                                                  \
    troupe_test_until (probe.n_lost > 0);                                         \
    g_assert_cmpuint (probe.n_lost, ==, 1);                                       \
    g_assert_error (probe.reason, TROUPE_ERROR, TROUPE_ERROR_CONNECTION_##code);  \
  } G_STMT_END
