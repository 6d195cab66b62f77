/* test-spread.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Connections of one factory on several reactors: handed over from the one that accepts, or accepted on each. */

#include <fcntl.h>
#include <sys/resource.h>

#include "troupe-test-connection.h"

#define N_REACTORS 4
#define LARGE (8 * 1024 * 1024)

/* What is told of all connections; atomic. */
static struct
{
  gint made_on[N_REACTORS];
  gint n_made;
  gint n_notes;                      /* messages of build_protocol */
  gint n_early;                      /* … that came before connection_made */
  gint n_done;                       /* lost with this */
  gint n_lost;
  gint n_aborted;
  gint n_paused;
  gint n_resumed;
  gint n_stopped;
  gint n_logged;
} seen;

static inline gint
see (gint *counter)
{
  return g_atomic_int_get (counter);
}

/* The reactor whose thread this is. */
static guint
find_reactor (TroupeSystem *system)
{
  GMainContext *here = g_main_context_get_thread_default ();
  guint i;

  if (here == NULL)
    here = g_main_context_default ();
  for (i = 0; i < N_REACTORS; i++)
    if (troupe_reactor_get_context (troupe_system_get_nth_reactor (system, i)) == here)
      return i;

  g_assert_not_reached ();
}

/* A protocol that says on which reactor it is, and does what it is told by one letter. */
#define CELL_TYPE_PROTOCOL (cell_protocol_get_type ())
G_DECLARE_DERIVABLE_TYPE (CellProtocol, cell_protocol, CELL, PROTOCOL, TroupeProtocol)

struct _CellProtocolClass
{
  TroupeProtocolClass parent_class;
};

typedef struct
{
  GThread *thread;
  gboolean made;
} CellProtocolPrivate;

G_DEFINE_TYPE_WITH_PRIVATE (CellProtocol, cell_protocol, TROUPE_TYPE_PROTOCOL)

static CellProtocolPrivate *
cell_get_private (gpointer self)
{
  CellProtocolPrivate *private = cell_protocol_get_instance_private (self);

  g_assert_true (private->thread == g_thread_self ());
  return private;
}

static gboolean
cell_connection_made (TroupeProtocol  *protocol,
                      GError         **error)
{
  guint where = find_reactor (troupe_actor_get_system (TROUPE_ACTOR (protocol)));
  const guint8 digit = (guint8) ('0' + where);

  cell_get_private (protocol)->made = TRUE;
  g_atomic_int_inc (&seen.made_on[where]);
  g_atomic_int_inc (&seen.n_made);
  troupe_transport_write (troupe_protocol_get_transport (protocol), &digit, 1);
  return TRUE;
}

static void
cell_write_much (TroupeTransport *transport)
{
  g_autofree guint8 *data = g_malloc0 (LARGE);

  troupe_transport_write (transport, data, LARGE);
}

static gboolean
cell_data_received (TroupeProtocol  *protocol,
                    const guint8    *data,
                    gsize            length,
                    GError         **error)
{
  TroupeTransport *transport = troupe_protocol_get_transport (protocol);

  cell_get_private (protocol);
  switch (data[0])
    {
    case 'q':
      troupe_transport_write (transport, (const guint8 *) "bye", 3);
      troupe_transport_lose_connection (transport);
      return TRUE;

    case 'a':
      troupe_transport_abort (transport);
      return TRUE;

    case 'f':
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "It was told to");
      return FALSE;

    case 'l':
      cell_write_much (transport);
      return TRUE;

    case 't':
      troupe_transport_set_close_timeout (transport, 20);
      cell_write_much (transport);
      troupe_transport_lose_connection (transport);
      return TRUE;

    default:
      troupe_transport_write (transport, data, length);
      return TRUE;
    }
}

static void
cell_connection_lost (TroupeProtocol *protocol,
                      const GError   *reason)
{
  g_assert_true (cell_get_private (protocol)->made);
  if (reason->code == TROUPE_ERROR_CONNECTION_DONE)
    g_atomic_int_inc (&seen.n_done);
  else if (reason->code == TROUPE_ERROR_CONNECTION_ABORTED)
    g_atomic_int_inc (&seen.n_aborted);
  else
    g_atomic_int_inc (&seen.n_lost);
}

static void
cell_write_paused (TroupeProtocol *protocol)
{
  cell_get_private (protocol);
  g_atomic_int_inc (&seen.n_paused);
}

static void
cell_write_resumed (TroupeProtocol *protocol)
{
  cell_get_private (protocol);
  g_atomic_int_inc (&seen.n_resumed);
}

static gboolean
cell_on_note (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  if (!cell_get_private (actor)->made)
    g_atomic_int_inc (&seen.n_early);
  g_atomic_int_inc (&seen.n_notes);
  return TRUE;
}

static void
cell_stopped (TroupeActor *actor)
{
  g_atomic_int_inc (&seen.n_stopped);
}

static void
cell_protocol_class_init (CellProtocolClass *klass)
{
  TroupeProtocolClass *protocol_class = TROUPE_PROTOCOL_CLASS (klass);
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  protocol_class->connection_made = cell_connection_made;
  protocol_class->data_received = cell_data_received;
  protocol_class->connection_lost = cell_connection_lost;
  protocol_class->write_paused = cell_write_paused;
  protocol_class->write_resumed = cell_write_resumed;
  actor_class->stopped = cell_stopped;
  troupe_actor_class_bind (actor_class, "note", G_TYPE_NONE, cell_on_note);
}

static void
cell_protocol_init (CellProtocol *self)
{
  ((CellProtocolPrivate *) cell_protocol_get_instance_private (self))->thread = g_thread_self ();
}

/* The same, but its class says that it is spread. */
#define SPREAD_TYPE_PROTOCOL (spread_protocol_get_type ())
G_DECLARE_FINAL_TYPE (SpreadProtocol, spread_protocol, SPREAD, PROTOCOL, CellProtocol)

struct _SpreadProtocol
{
  CellProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (SpreadProtocol, spread_protocol, CELL_TYPE_PROTOCOL)

static void
spread_protocol_class_init (SpreadProtocolClass *klass)
{
  troupe_actor_class_set_placement (TROUPE_ACTOR_CLASS (klass), TROUPE_PLACEMENT_SPREAD);
}

static void
spread_protocol_init (SpreadProtocol *self)
{
}

/* A factory that can be told what to do with the next one, and to fail. All of it runs on the test's thread. */
static struct
{
  gboolean note;                     /* sends each a message */
  gboolean stop_child;
  gboolean decline;
  guint    n_children_ended;
  guint    n_starts;
  guint    n_stops;
  guint    n_connections;            /* as counted last */
  TroupeResolver *gate;              /* while it waits */
} factory_seen;

#define HUB_TYPE_FACTORY (hub_factory_get_type ())
G_DECLARE_FINAL_TYPE (HubFactory, hub_factory, HUB, FACTORY, TroupeFactory)

struct _HubFactory
{
  TroupeFactory parent_instance;
};

G_DEFINE_FINAL_TYPE (HubFactory, hub_factory, TROUPE_TYPE_FACTORY)

static TroupeRef *
hub_build_protocol (TroupeFactory   *factory,
                    GSocketAddress  *peer,
                    GError         **error)
{
  TroupeRef *ref;

  g_assert_cmpuint (find_reactor (troupe_actor_get_system (TROUPE_ACTOR (factory))), ==, 0);
  if (factory_seen.decline)
    return NULL;

  ref = TROUPE_FACTORY_CLASS (hub_factory_parent_class)->build_protocol (factory, peer, error);
  if (factory_seen.note)
    troupe_ref_send (ref, troupe_message_new ("note"));
  if (factory_seen.stop_child)
    troupe_ref_stop (ref);
  return ref;
}

static void
hub_child_terminated (TroupeActor       *actor,
                      TroupeTermination *termination)
{
  TROUPE_ACTOR_CLASS (hub_factory_parent_class)->child_terminated (actor, termination);
  factory_seen.n_children_ended++;
  factory_seen.n_connections = troupe_factory_get_n_connections (TROUPE_FACTORY (actor));
}

static gboolean
hub_on_fail (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "It was told to");
  return FALSE;
}

static gboolean
hub_on_wait (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  g_autoptr (TroupePromise) promise = troupe_promise_new (&factory_seen.gate);

  return troupe_await (promise, error);
}

static gboolean
hub_on_count (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  troupe_message_reply_int64 (message, troupe_factory_get_n_connections (TROUPE_FACTORY (actor)));
  return TRUE;
}

static void
hub_start_factory (TroupeFactory *factory)
{
  factory_seen.n_starts++;
}

static void
hub_stop_factory (TroupeFactory *factory)
{
  factory_seen.n_stops++;
}

static void
hub_factory_class_init (HubFactoryClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  actor_class->child_terminated = hub_child_terminated;
  TROUPE_FACTORY_CLASS (klass)->build_protocol = hub_build_protocol;
  TROUPE_FACTORY_CLASS (klass)->start_factory = hub_start_factory;
  TROUPE_FACTORY_CLASS (klass)->stop_factory = hub_stop_factory;
  troupe_actor_class_bind (actor_class, "fail", G_TYPE_NONE, hub_on_fail);
  troupe_actor_class_bind (actor_class, "count", G_TYPE_NONE, hub_on_count);
  troupe_actor_class_bind_fiber (actor_class, "wait", G_TYPE_NONE, TROUPE_FIBER_DEFAULT, hub_on_wait);
}

static void
hub_factory_init (HubFactory *self)
{
}

/* The two ways */

typedef struct
{
  const char *endpoint;
  GType     (*get_type) (void);
} Way;

static const Way handed_over = { "tcp:0:interface=127.0.0.1:backlog=200", spread_protocol_get_type };
static const Way accepted_on_each = { "tcp:0:interface=127.0.0.1:backlog=200:reactors=4", cell_protocol_get_type };

typedef struct
{
  TroupeSystem *system;
  TroupeRef    *factory;
  TroupePort   *port;
  guint16       number;
} Fixture;

/* Waits for what other threads do, too: nobody need wake this one. */
#define until(condition)                                                          \
  G_STMT_START {                                                                  \
    while (!(condition))                                                          \
      if (!g_main_context_iteration (NULL, FALSE))                                \
        g_thread_yield ();                                                        \
  } G_STMT_END

/* Messages and warnings of any thread. */
static void
count_log (const char     *domain,
           GLogLevelFlags  level,
           const char     *message,
           gpointer        data)
{
  g_atomic_int_inc (&seen.n_logged);
}

static gboolean
is_fatal (const char     *domain,
          GLogLevelFlags  level,
          const char     *message,
          gpointer        data)
{
  return (level & (G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE)) == 0;
}

static TroupePort *
listen_or_die (Fixture    *self,
               const char *endpoint)
{
  g_autoptr (GError) error = NULL;
  TroupePort *port = troupe_listen (self->system, endpoint, self->factory, &error);

  g_assert_no_error (error);
  return port;
}

static void
set_up (Fixture       *self,
        gconstpointer  data)
{
  const Way *way = data;
  g_autoptr (GError) error = NULL;

  g_test_log_set_fatal_handler (is_fatal, NULL);
  memset (&seen, 0, sizeof seen);
  memset (&factory_seen, 0, sizeof factory_seen);
  self->system = troupe_system_new_with_reactors (NULL, NULL, N_REACTORS, &error);
  g_assert_no_error (error);
  self->factory = troupe_system_spawn (self->system, "hub", HUB_TYPE_FACTORY, &error, "protocol-type", way->get_type (), NULL);
  g_assert_no_error (error);
  self->port = listen_or_die (self, way->endpoint);
  self->number = port_number (troupe_port_get_address (self->port));
}

static void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  guint i;

  troupe_system_shutdown (self->system);
  until (troupe_system_has_ended (self->system));
  for (i = 0; i < N_REACTORS; i++)
    {
      TroupeReactor *reactor = troupe_system_get_nth_reactor (self->system, i);

      g_assert_cmpuint (troupe_reactor_get_n_actors (reactor), ==, 0);
      g_assert_cmpuint (troupe_reactor_get_n_connections (reactor), ==, 0);
    }
  g_assert_cmpint (see (&seen.n_early), ==, 0);
  g_assert_cmpint (see (&seen.n_done) + see (&seen.n_lost) + see (&seen.n_aborted), ==, see (&seen.n_made));
  g_assert_cmpuint (factory_seen.n_starts, ==, factory_seen.n_stops);

  troupe_ref_unref (self->factory);
  g_clear_object (&self->port);
  g_object_unref (self->system);
}

/* Clients */

/* A client, and on which reactor its connection is; -1: it was closed without a word. */
static int
open_client (Fixture *self,
             int     *where)
{
  int fd = client_connect (self->number);
  int fault;
  g_autoptr (GBytes) bytes = client_read (fd, 1, &fault);

  *where = g_bytes_get_size (bytes) == 1 ? *(const char *) g_bytes_get_data (bytes, NULL) - '0' : -1;
  return fd;
}

static void
open_clients (Fixture *self,
              int     *fds,
              guint    n)
{
  guint i;

  for (i = 0; i < n; i++)
    fds[i] = client_connect (self->number);
  for (i = 0; i < n; i++)
    {
      int fault;
      g_autoptr (GBytes) bytes = client_read (fds[i], 1, &fault);

      g_assert_cmpuint (g_bytes_get_size (bytes), ==, 1);
    }
}

static void
close_clients (const int *fds,
               guint      n)
{
  guint i;

  for (i = 0; i < n; i++)
    close (fds[i]);
}

static void
take_number (TroupePromise *promise,
             gpointer       number)
{
  g_assert_no_error (troupe_promise_get_error (promise));
  *(gint64 *) number = troupe_promise_get_int64 (promise);
}

static gint64
count_connections (Fixture *self)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (self->factory, troupe_message_new ("count"));
  gint64 number = -1;

  troupe_promise_add_callback (promise, take_number, &number, NULL);
  until (number >= 0);
  return number;
}

static void
assert_echoes (int         fd,
               const char *text)
{
  client_send (fd, text);
  assert_client_reads (fd, text);
}

#define N_CLIENTS 80

/* N_CLIENTS of them, on as many reactors. On a busy machine one may have seemed to have no time: then once more. */
static void
open_on_reactors (Fixture *self,
                  int     *fds,
                  guint    n_reactors)
{
  guint n_used = 0;

  while (n_used < n_reactors)
    {
      guint i;

      if (see (&seen.n_made) > 0)
        {
          close_clients (fds, N_CLIENTS);
          until (factory_seen.n_children_ended == (guint) see (&seen.n_made));
        }

      memset (&seen.made_on, 0, sizeof seen.made_on);
      open_clients (self, fds, N_CLIENTS);
      for (i = 0, n_used = 0; i < N_REACTORS; i++)
        n_used += see (&seen.made_on[i]) > 0;
    }
}

static void
test_all (Fixture       *self,
          gconstpointer  data)
{
  int fds[N_CLIENTS];
  guint n_actors = 0;
  guint i;

  g_test_summary ("Clients come to all reactors, and each is served there; the factory and the reactors count them, to the last one");

  factory_seen.note = TRUE;
  open_on_reactors (self, fds, N_REACTORS);
  g_assert_cmpint (count_connections (self), ==, N_CLIENTS);
  for (i = 0; i < N_REACTORS; i++)
    {
      TroupeReactor *reactor = troupe_system_get_nth_reactor (self->system, i);

      g_assert_cmpuint (troupe_reactor_get_n_connections (reactor), ==, see (&seen.made_on[i]));
      n_actors += troupe_reactor_get_n_actors (reactor);
    }
  g_assert_cmpuint (n_actors, ==, N_CLIENTS + 1);

  for (i = 0; i < N_CLIENTS; i++)
    {
      g_autofree char *text = g_strdup_printf ("client %u", i);

      assert_echoes (fds[i], text);
    }

  close_clients (fds, N_CLIENTS);
  until (factory_seen.n_children_ended == (guint) see (&seen.n_made));
  g_assert_cmpuint (factory_seen.n_connections, ==, 0);
  g_assert_cmpint (count_connections (self), ==, 0);
  g_assert_cmpint (see (&seen.n_notes), ==, see (&seen.n_made));
  g_assert_cmpint (see (&seen.n_done), ==, see (&seen.n_made));
  for (i = 0; i < N_REACTORS; i++)
    g_assert_cmpuint (troupe_reactor_get_n_connections (troupe_system_get_nth_reactor (self->system, i)), ==, 0);
}

static void
test_churn (Fixture       *self,
            gconstpointer  data)
{
  guint i;

  g_test_summary ("connection_made comes before what build_protocol has sent, however quickly clients come and go");

  factory_seen.note = TRUE;
  for (i = 0; i < 300; i++)
    {
      int where;
      int fd = open_client (self, &where);

      g_assert_cmpint (where, >=, 0);
      if (i % 3 == 0)
        client_reset (fd);
      else
        close (fd);
    }
  until (factory_seen.n_children_ended == 300);
  g_assert_cmpint (see (&seen.n_early), ==, 0);
  g_assert_cmpuint (factory_seen.n_connections, ==, 0);
}

static void
test_stopped_before_made (Fixture       *self,
                          gconstpointer  data)
{
  guint i;

  g_test_summary ("A protocol that is stopped before its first turn never has the connection, which is closed; nor has one that is declined");

  for (i = 0; i < 20; i++)
    {
      int where;

      factory_seen.stop_child = i % 2 == 0;
      factory_seen.decline = i % 2 != 0;
      close (open_client (self, &where));
      g_assert_cmpint (where, ==, -1);
    }
  until (factory_seen.n_children_ended == 10);
  g_assert_cmpint (see (&seen.n_made), ==, 0);
  g_assert_cmpuint (factory_seen.n_connections, ==, 0);
}

static void
test_ends (Fixture       *self,
           gconstpointer  data)
{
  int fds[8];
  int fault;
  guint i;

  g_test_summary ("A connection that is lost, aborted, reset or has failed ends alone, as anywhere");

  open_clients (self, fds, 8);

  client_send (fds[0], "q");
  assert_client_reads (fds[0], "bye");
  assert_client_at_end (fds[0]);
  until (see (&seen.n_done) == 1);

  client_send (fds[1], "a");
  g_bytes_unref (client_read (fds[1], 1, &fault));
  g_assert_cmpint (fault, ==, ECONNRESET);
  until (see (&seen.n_aborted) == 1);

  client_send (fds[2], "f");
  assert_client_at_end (fds[2]);
  until (see (&seen.n_lost) == 1);

  client_reset (fds[3]);
  until (see (&seen.n_lost) == 2);

  client_send (fds[4], "half");
  shutdown (fds[4], SHUT_WR);
  assert_client_reads (fds[4], "half");
  assert_client_at_end (fds[4]);
  until (see (&seen.n_done) == 2 && factory_seen.n_children_ended == 5);

  for (i = 5; i < 8; i++)
    assert_echoes (fds[i], "still here");
  g_assert_cmpint (count_connections (self), ==, 3);
  for (i = 0; i < 8; i++)
    if (i != 3)
      close (fds[i]);
}

static void
test_marks (Fixture       *self,
            gconstpointer  data)
{
  int fds[8];
  guint i;

  g_test_summary ("Water marks are told where the connection lives, and all that was written arrives");

  open_clients (self, fds, 8);
  for (i = 0; i < 8; i++)
    client_send (fds[i], "l");
  until (see (&seen.n_paused) == 8);
  for (i = 0; i < 8; i++)
    {
      int fault;
      g_autoptr (GBytes) bytes = client_read (fds[i], LARGE, &fault);

      g_assert_cmpuint (g_bytes_get_size (bytes), ==, LARGE);
    }
  until (see (&seen.n_resumed) == 8);
  close_clients (fds, 8);
}

static void
test_close_timeout (Fixture       *self,
                    gconstpointer  data)
{
  int fds[4];
  guint i;

  g_test_summary ("Who does not take the rest in time is dropped, on any reactor");

  open_clients (self, fds, 4);
  for (i = 0; i < 4; i++)
    client_send (fds[i], "t");
  until (see (&seen.n_lost) == 4 && factory_seen.n_children_ended == 4);
  close_clients (fds, 4);
}

static void
test_adopt (Fixture       *self,
            gconstpointer  data)
{
  guint i;

  g_test_summary ("Connections that are adopted are spread as their class says");

  for (i = 0; i < 40; i++)
    {
      int fds[2];
      int fault;
      TroupeRef *ref;

      g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
      factory_seen.note = TRUE;
      ref = troupe_test_adopt (self->system, fds[1], self->factory);
      until (see (&seen.n_made) == (gint) i + 1);
      g_bytes_unref (client_read (fds[0], 1, &fault));
      assert_echoes (fds[0], "hello");
      close (fds[0]);
      until (troupe_ref_has_ended (ref));
      troupe_ref_unref (ref);
    }
  until (factory_seen.n_children_ended == 40);
  g_assert_cmpint (see (&seen.n_notes), ==, 40);
}

static void
send_note (TroupePromise *promise,
           gpointer       ref)
{
  troupe_test_take_ref (promise, ref);
  troupe_ref_send (*(TroupeRef **) ref, troupe_message_new ("note"));
}

static void
test_connect (Fixture       *self,
              gconstpointer  data)
{
  g_autofree char *endpoint = troupe_port_dup_endpoint (self->port);
  TroupeRef *refs[20] = { NULL };
  guint i;

  g_test_summary ("Connects are spread, too, and what is sent from the promise's steps comes after connection_made");

  for (i = 0; i < 20; i++)
    {
      g_autoptr (TroupePromise) promise = troupe_connect (self->system, endpoint, self->factory);

      troupe_promise_add_callback (promise, send_note, &refs[i], NULL);
    }

  /* Both ends are ours. */
  until (see (&seen.n_made) == 40 && see (&seen.n_notes) == 20);
  for (i = 0; i < 20; i++)
    {
      troupe_ref_stop (refs[i]);
      troupe_ref_unref (refs[i]);
    }
  until (factory_seen.n_children_ended == 40);
  g_assert_cmpint (see (&seen.n_early), ==, 0);
}

static void
assert_all_end (const int *fds,
                guint      n)
{
  guint i;

  for (i = 0; i < n; i++)
    assert_client_at_end (fds[i]);
  close_clients (fds, n);
}

static void
assert_refused (guint16 number)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = g_htons (number) };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = g_htonl (INADDR_LOOPBACK);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, -1);
  g_assert_cmpint (errno, ==, ECONNREFUSED);
  close (fd);
}

static void
test_factory_stops (Fixture       *self,
                    gconstpointer  data)
{
  int fds[20];

  g_test_summary ("When the factory stops, all its connections end and the port is closed");

  open_clients (self, fds, 20);
  troupe_ref_stop (self->factory);
  assert_all_end (fds, 20);
  until (troupe_ref_has_ended (self->factory));
  g_assert_cmpint (see (&seen.n_stopped), ==, 20);
  g_assert_cmpuint (factory_seen.n_stops, ==, 1);
  g_assert_false (troupe_port_is_listening (self->port));
  assert_refused (self->number);
}

static void
test_factory_killed (Fixture       *self,
                     gconstpointer  data)
{
  int fds[20];
  guint i;

  g_test_summary ("When the factory is killed, all its connections are aborted and the port is closed");

  open_clients (self, fds, 20);
  troupe_ref_kill (self->factory);
  for (i = 0; i < 20; i++)
    {
      int fault;

      g_bytes_unref (client_read (fds[i], 1, &fault));
      g_assert_cmpint (fault, ==, ECONNRESET);
    }
  close_clients (fds, 20);
  until (troupe_ref_has_ended (self->factory));
  g_assert_cmpint (see (&seen.n_stopped), ==, 0);
  assert_refused (self->number);

  /* Nothing of theirs ran any more. */
  g_assert_cmpint (see (&seen.n_done) + see (&seen.n_lost) + see (&seen.n_aborted), ==, 0);
  g_atomic_int_set (&seen.n_done, 20);
  factory_seen.n_stops++;
}

static void
test_shutdown (Fixture       *self,
               gconstpointer  data)
{
  int fds[20];

  g_test_summary ("When the system is shut down, all connections end");

  open_clients (self, fds, 20);
  troupe_system_shutdown (self->system);
  assert_all_end (fds, 20);
  until (troupe_system_has_ended (self->system));
  g_assert_cmpint (see (&seen.n_stopped), ==, 20);
}

static void
test_restart (Fixture       *self,
              gconstpointer  data)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);
  int fds[20];
  guint round;

  g_test_summary ("A factory that is restarted stops its connections and goes on listening");

  troupe_supervision_set_back_off (supervision, 0, 0);
  troupe_system_set_supervision (self->system, supervision);
  for (round = 0; round < 3; round++)
    {
      open_clients (self, fds, 20);
      troupe_ref_send (self->factory, troupe_message_new ("fail"));
      assert_all_end (fds, 20);
      until (count_connections (self) == 0 && see (&seen.n_stopped) == (gint) (round + 1) * 20);
    }
  open_clients (self, fds, 20);
  g_assert_cmpint (count_connections (self), ==, 20);
  close_clients (fds, 20);
  g_assert_cmpuint (factory_seen.n_starts, ==, 4);
}

/* Clients that come while the factory is about to be restarted wait for it. */
static void
test_restart_with_arrivals (Fixture       *self,
                            gconstpointer  data)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);
  int fds[40];
  guint n_served = 0;
  guint i;

  g_test_summary ("Who comes while the factory is restarted is served by the next one, or closed with the connections of the one before");

  troupe_supervision_set_back_off (supervision, 0, 0);
  troupe_system_set_supervision (self->system, supervision);
  for (i = 0; i < 40; i++)
    {
      if (i % 10 == 5)
        troupe_ref_send (self->factory, troupe_message_new ("fail"));
      fds[i] = client_connect (self->number);
    }
  for (i = 0; i < 40; i++)
    {
      int fault;
      g_autoptr (GBytes) bytes = client_read (fds[i], 1, &fault);

      g_assert_cmpint (fault, ==, 0);
      n_served += g_bytes_get_size (bytes);
    }
  g_assert_cmpuint (n_served, >, 0);
  close_clients (fds, 40);
  open_clients (self, fds, 10);
  close_clients (fds, 10);
}

static void
note_time (TroupeTimer *timer,
           gpointer     flag)
{
  *(gboolean *) flag = TRUE;
}

static void
test_fiber (Fixture       *self,
            gconstpointer  data)
{
  gboolean is_over = FALSE;
  int fds[20];
  guint i;

  g_test_summary ("A factory that waits in a fiber builds nothing; who comes meanwhile is served afterwards");

  troupe_ref_send (self->factory, troupe_message_new ("wait"));
  until (factory_seen.gate != NULL);
  for (i = 0; i < 20; i++)
    fds[i] = client_connect (self->number);
  troupe_timer_unref (troupe_reactor_call_later (troupe_system_get_reactor (self->system), 30, note_time, &is_over, NULL));
  until (is_over);
  g_assert_cmpint (see (&seen.n_made), ==, 0);

  troupe_resolver_resolve (factory_seen.gate, NULL);
  g_clear_pointer (&factory_seen.gate, troupe_resolver_unref);
  until (see (&seen.n_made) == 20);
  close_clients (fds, 20);
}

static void
note_done (TroupePromise *promise,
           gpointer       flag)
{
  *(gboolean *) flag = TRUE;
}

static void
stop_port (Fixture *self)
{
  g_autoptr (TroupePromise) promise = troupe_port_stop (self->port);
  gboolean done = FALSE;

  g_assert_false (troupe_port_is_listening (self->port));
  /* At once: nobody is let in any more. */
  assert_refused (self->number);
  troupe_promise_add_callback (promise, note_done, &done, NULL);
  until (done);
}

static void
test_port_stops (Fixture       *self,
                 gconstpointer  data)
{
  const Way *way = data;
  g_autofree char *endpoint = g_strdup_printf ("tcp:%u:%s", self->number, way->endpoint + strlen ("tcp:0:"));
  guint round;

  g_test_summary ("A stopped port frees its address and keeps its connections, again and again");

  for (round = 0; round < 5; round++)
    {
      int fds[5];
      guint i;

      open_clients (self, fds, 5);
      stop_port (self);
      g_assert_cmpuint (factory_seen.n_stops, ==, round + 1);
      for (i = 0; i < 5; i++)
        assert_echoes (fds[i], "still here");
      close_clients (fds, 5);

      g_object_unref (self->port);
      self->port = listen_or_die (self, endpoint);
    }

  /* Before the factory had a turn. */
  stop_port (self);
  g_assert_cmpuint (factory_seen.n_starts, ==, 5);
}

static void
test_port_dropped (Fixture       *self,
                   gconstpointer  data)
{
  int fds[10];

  g_test_summary ("A port nobody keeps a reference to still accepts");

  g_clear_object (&self->port);
  open_clients (self, fds, 10);
  close_clients (fds, 10);
}

static void
test_no_descriptors (Fixture       *self,
                     gconstpointer  data)
{
  const char *preload = g_getenv ("LD_PRELOAD");
  struct rlimit limit;
  struct rlimit low;
  int fds[6];
  guint i;

  g_test_summary ("Out of descriptors, clients are closed at once, and accepted again when there are descriptors");

  if (preload != NULL && strstr (preload, "vgpreload") != NULL)
    {
      g_test_skip ("valgrind only pretends to set limits");
      return;
    }

  for (i = 0; i < 2; i++)
    {
      int where;

      close (open_client (self, &where));
      g_assert_cmpint (where, >=, 0);
    }
  until (factory_seen.n_children_ended == 2);

  for (i = 0; i < 6; i++)
    fds[i] = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  getrlimit (RLIMIT_NOFILE, &limit);
  low = limit;
  low.rlim_cur = fds[5] + 1;
  setrlimit (RLIMIT_NOFILE, &low);
  for (i = 0; i < 5; i++)
    {
      struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = g_htons (self->number) };

      address.sin_addr.s_addr = g_htonl (INADDR_LOOPBACK);
      g_assert_cmpint (connect (fds[i], (struct sockaddr *) &address, sizeof address), ==, 0);
      assert_client_at_end (fds[i]);
    }
  g_assert_cmpint (see (&seen.n_made), ==, 2);
  g_assert_cmpint (see (&seen.n_logged), >, 0);
  setrlimit (RLIMIT_NOFILE, &limit);

  for (i = 0; i < 10; i++)
    {
      int where;

      close (open_client (self, &where));
      g_assert_cmpint (where, >=, 0);
    }
  close_clients (fds, 6);
}

/* A busy reactor */

#define SPINNER_TYPE (spinner_get_type ())
G_DECLARE_FINAL_TYPE (Spinner, spinner, TEST, SPINNER, TroupeActor)

struct _Spinner
{
  TroupeActor parent_instance;
};

G_DEFINE_FINAL_TYPE (Spinner, spinner, TROUPE_TYPE_ACTOR)

static gint spinning;                /* atomic */

/* A turn of a millisecond, and then another. */
static gboolean
spinner_on_spin (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  gint64 end = g_get_monotonic_time () + 1000;

  while (g_get_monotonic_time () < end)
    continue;
  if (g_atomic_int_get (&spinning))
    troupe_ref_send (troupe_actor_get_ref (actor), troupe_message_new ("spin"));
  return TRUE;
}

static void
spinner_class_init (SpinnerClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "spin", G_TYPE_NONE, spinner_on_spin);
}

static void
spinner_init (Spinner *self)
{
}

static void
test_overload (Fixture       *self,
               gconstpointer  data)
{
  TroupeReactor *busy = troupe_system_get_nth_reactor (self->system, 2);
  g_autoptr (TroupeRef) spinner = troupe_system_spawn_on (self->system, busy, NULL, SPINNER_TYPE, NULL, NULL);
  guint n_others = 0;
  guint i;

  g_test_summary ("A reactor that has no time left gets hardly any new connections");

  g_atomic_int_set (&spinning, TRUE);
  troupe_ref_send (spinner, troupe_message_new ("spin"));
  until (troupe_reactor_get_load (busy) > 0.9);
  for (i = 0; i < 60; i++)
    {
      int where;

      close (open_client (self, &where));
      g_assert_cmpint (where, >=, 0);
      n_others += where != 2;
    }
  g_atomic_int_set (&spinning, FALSE);
  g_assert_cmpuint (n_others, >=, 50);
}

static void
test_errors (Fixture       *self,
             gconstpointer  data)
{
  g_autofree char *endpoint = g_strdup_printf ("tcp:%u:interface=127.0.0.1:reactors=2", self->number);
  g_autofree char *alone = g_strdup_printf ("tcp:%u:interface=127.0.0.1", self->number);
  g_autoptr (GError) error = NULL;

  g_test_summary ("More reactors than there are is an error, and so is a port that is in use, though it could be shared");

  g_assert_null (troupe_listen (self->system, "tcp:8025:interface=127.0.0.1:reactors=5", self->factory, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_CANNOT_LISTEN);
  g_assert_cmpstr (error->message, ==, "Cannot listen on 127.0.0.1:8025 with reactors=5: the system has 4");
  g_clear_error (&error);

  g_assert_null (troupe_listen (self->system, endpoint, self->factory, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_CANNOT_LISTEN);
  g_clear_error (&error);
  g_assert_null (troupe_listen (self->system, alone, self->factory, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_CANNOT_LISTEN);
}

static void
test_some_reactors (Fixture       *self,
                    gconstpointer  data)
{
  g_autoptr (TroupePort) port = listen_or_die (self, "tcp:0:interface=127.0.0.1:backlog=200:reactors=2");
  guint16 number = self->number;
  int fds[N_CLIENTS];

  g_test_summary ("With fewer sockets than reactors, connections live on as many, whatever their class says");

  self->number = port_number (troupe_port_get_address (port));
  open_on_reactors (self, fds, 2);
  close_clients (fds, N_CLIENTS);
  self->number = number;
}

static void
add_both (const char *name,
          void      (*func) (Fixture *, gconstpointer))
{
  g_autofree char *over = g_strconcat ("/troupe/spread/handed-over/", name, NULL);
  g_autofree char *each = g_strconcat ("/troupe/spread/accepted-on-each/", name, NULL);

  g_test_add (over, Fixture, &handed_over, set_up, func, tear_down);
  g_test_add (each, Fixture, &accepted_on_each, set_up, func, tear_down);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_handler ("Troupe", G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_WARNING | G_LOG_FLAG_FATAL, count_log, NULL);

  add_both ("all", test_all);
  add_both ("churn", test_churn);
  add_both ("stopped-before-made", test_stopped_before_made);
  add_both ("ends", test_ends);
  add_both ("marks", test_marks);
  add_both ("close-timeout", test_close_timeout);
  g_test_add ("/troupe/spread/handed-over/adopt", Fixture, &handed_over, set_up, test_adopt, tear_down);
  add_both ("connect", test_connect);
  add_both ("factory/stops", test_factory_stops);
  add_both ("factory/killed", test_factory_killed);
  add_both ("factory/restarts", test_restart);
  add_both ("factory/restarts/with-arrivals", test_restart_with_arrivals);
  add_both ("factory/waits", test_fiber);
  add_both ("shutdown", test_shutdown);
  add_both ("port/stops", test_port_stops);
  add_both ("port/dropped", test_port_dropped);
  add_both ("no-descriptors", test_no_descriptors);
  add_both ("overload", test_overload);
  g_test_add ("/troupe/spread/accepted-on-each/errors", Fixture, &accepted_on_each, set_up, test_errors, tear_down);
  g_test_add ("/troupe/spread/accepted-on-each/some", Fixture, &handed_over, set_up, test_some_reactors, tear_down);

  return g_test_run ();
}
