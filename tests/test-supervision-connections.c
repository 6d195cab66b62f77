/* test-supervision-connections.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sys/socket.h>
#include <unistd.h>

#include "troupe-test-worker.h"

/* Connections: they echo, and the second of a test fails where it is told to. */

static guint n_wires;
static Place wire_fault;

#define TEST_TYPE_WIRE (test_wire_get_type ())
G_DECLARE_FINAL_TYPE (TestWire, test_wire, TEST, WIRE, TroupeProtocol)

struct _TestWire
{
  TroupeProtocol parent_instance;

  guint          number;
};

G_DEFINE_FINAL_TYPE (TestWire, test_wire, TROUPE_TYPE_PROTOCOL)

static gboolean
check_wire (gpointer   wire,
            Place      place,
            GError   **error)
{
  if (wire_fault != place || TEST_WIRE (wire)->number != 2)
    return TRUE;

  g_propagate_error (error, new_error ());
  return FALSE;
}

static gboolean
test_wire_made (TroupeProtocol  *protocol,
                GError         **error)
{
  TEST_WIRE (protocol)->number = ++n_wires;
  tell ("%u:made", n_wires);
  return check_wire (protocol, IN_CONNECTION_MADE, error);
}

static gboolean
test_wire_received (TroupeProtocol  *protocol,
                    const guint8    *bytes,
                    gsize            length,
                    GError         **error)
{
  troupe_transport_write (troupe_protocol_get_transport (protocol), bytes, length);
  return check_wire (protocol, IN_DATA_RECEIVED, error);
}

static void
test_wire_lost (TroupeProtocol *protocol,
                const GError   *reason)
{
  g_autoptr (GError) error = NULL;

  tell ("%u:lost", TEST_WIRE (protocol)->number);
  if (!check_wire (protocol, IN_CONNECTION_LOST, &error))
    troupe_actor_fail (TROUPE_ACTOR (protocol), g_steal_pointer (&error));
}

static void
test_wire_stopped (TroupeActor *actor)
{
  g_autoptr (GError) error = NULL;

  tell ("%u:stopped", TEST_WIRE (actor)->number);
  if (!check_wire (actor, IN_STOPPED, &error))
    troupe_actor_fail (actor, g_steal_pointer (&error));
}

static gboolean
on_wire_fail (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  if (wire_fault == IN_TIMER)
    troupe_timer_unref (troupe_actor_call_later (actor, 0, fail_in_timer, actor, NULL));
  else if (wire_fault == IN_LATE_CONTINUATION)
    fail_by_chain (troupe_sleep (0));

  return check_wire (actor, IN_HANDLER, error);
}

static void
test_wire_class_init (TestWireClass *klass)
{
  TROUPE_PROTOCOL_CLASS (klass)->connection_made = test_wire_made;
  TROUPE_PROTOCOL_CLASS (klass)->data_received = test_wire_received;
  TROUPE_PROTOCOL_CLASS (klass)->connection_lost = test_wire_lost;
  TROUPE_ACTOR_CLASS (klass)->stopped = test_wire_stopped;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "fail", G_TYPE_NONE, on_wire_fail);
}

static void
test_wire_init (TestWire *self)
{
}

/* A factory with the boss's policy, which says when it is asked. */

#define TEST_TYPE_HALL (test_hall_get_type ())
G_DECLARE_FINAL_TYPE (TestHall, test_hall, TEST, HALL, TroupeFactory)

struct _TestHall
{
  TroupeFactory parent_instance;
};

G_DEFINE_FINAL_TYPE (TestHall, test_hall, TROUPE_TYPE_FACTORY)

static gboolean
on_hall_fail (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  g_propagate_error (error, new_error ());
  return FALSE;
}

static void
test_hall_start (TroupeFactory *factory)
{
  tell ("open");
}

static void
test_hall_stop (TroupeFactory *factory)
{
  tell ("close");
}

static gboolean
on_hall_spawn (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  g_autoptr (TroupeRef) child = troupe_actor_spawn (actor, "w", TEST_TYPE_WORKER, error, "label", "w", NULL);

  return child != NULL;
}

static gboolean
test_hall_started (TroupeActor  *actor,
                   GError      **error)
{
  if (boss_supervision != NULL)
    troupe_actor_set_supervision (actor, boss_supervision);

  return TRUE;
}

static TroupeDirective
test_hall_child_failed (TroupeActor  *actor,
                        TroupeRef    *child,
                        const GError *error)
{
  tell ("asked");
  return TROUPE_ACTOR_CLASS (test_hall_parent_class)->child_failed (actor, child, error);
}

static void
test_hall_class_init (TestHallClass *klass)
{
  TROUPE_FACTORY_CLASS (klass)->start_factory = test_hall_start;
  TROUPE_FACTORY_CLASS (klass)->stop_factory = test_hall_stop;
  TROUPE_ACTOR_CLASS (klass)->started = test_hall_started;
  TROUPE_ACTOR_CLASS (klass)->child_failed = test_hall_child_failed;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "spawn", G_TYPE_NONE, on_hall_spawn);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "fail", G_TYPE_NONE, on_hall_fail);
}

static void
test_hall_init (TestHall *self)
{
}

/* Its second connection fails at FAULT. */
static TroupeRef *
spawn_hall (Fixture *fixture,
            Place    fault)
{
  g_autoptr (GError) error = NULL;
  TroupeRef *hall = troupe_system_spawn (fixture->system, "hall", TEST_TYPE_HALL, &error,
                                         "protocol-type", TEST_TYPE_WIRE, NULL);

  g_assert_no_error (error);
  n_wires = 0;
  wire_fault = fault;
  return hall;
}

/* A connected client: its descriptor, and in CONNECTION the address of the actor. */
static int
connect_to (Fixture    *fixture,
            TroupeRef  *hall,
            TroupeRef **connection)
{
  int pair[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), ==, 0);
  *connection = troupe_test_adopt (fixture->system, pair[0], hall);
  return pair[1];
}

static void
send_text (int         fd,
           const char *text)
{
  g_assert_cmpint (send (fd, text, strlen (text), 0), ==, strlen (text));
}

static void
assert_echo (int         fd,
             const char *text)
{
  char buffer[100] = "";
  gssize n;

  send_text (fd, text);
  while ((n = recv (fd, buffer, sizeof buffer - 1, MSG_DONTWAIT)) < 0)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpint (n, ==, strlen (text));
  g_assert_cmpstr (buffer, ==, text);
}

/* Three clients of FACTORY, and the addresses of their connections; the second may have gone already. */
typedef struct
{
  TroupeRef *hall;
  TroupeRef *wires[3];
  int        fds[3];
} Clients;

static void
clients_begin (Clients         *self,
               Fixture         *fixture,
               TroupeDirective  directive,
               TroupeStrategy   strategy,
               Place            fault)
{
  guint i;

  boss_supervision = troupe_supervision_new (directive);
  troupe_supervision_set_strategy (boss_supervision, strategy);
  self->hall = spawn_hall (fixture, fault);
  for (i = 0; i < G_N_ELEMENTS (self->wires); i++)
    self->fds[i] = connect_to (fixture, self->hall, &self->wires[i]);
  troupe_test_settle ();
}

static void
clients_end (Clients *self)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (self->wires); i++)
    {
      close (self->fds[i]);
      troupe_ref_unref (self->wires[i]);
    }
  troupe_ref_unref (self->hall);
}

static void
fail_wire (Clients *clients,
           Place    place)
{
  if (place == IN_CONNECTION_LOST)
    shutdown (clients->fds[1], SHUT_RDWR);
  else if (place == IN_DATA_RECEIVED)
    send_text (clients->fds[1], "!");
  else if (place == IN_STOPPED)
    troupe_ref_stop (clients->wires[1]);
  else if (place != IN_CONNECTION_MADE)
    troupe_ref_send (clients->wires[1], troupe_message_new ("fail"));
}

static void
check_connection (Fixture         *fixture,
                  TroupeDirective  directive,
                  TroupeStrategy   strategy,
                  Place            place)
{
  g_autoptr (TroupeRef) watcher = spawn (fixture, TEST_TYPE_WORKER, "x", NULL);
  g_autoptr (TroupeRef) next = NULL;
  g_autofree char *expected = NULL;
  Clients clients;
  int next_fd;

  clients_begin (&clients, fixture, directive, strategy, place);
  watch (watcher, clients.wires[1]);
  fail_wire (&clients, place);
  troupe_test_until (troupe_ref_has_ended (clients.wires[1]));
  troupe_test_settle ();

  expected = g_strdup_printf ("x:started 1:made 2:made %s%s",
                              place == IN_CONNECTION_MADE ? "2:lost 2:stopped 3:made" : "3:made 2:lost 2:stopped",
                              place == IN_STOPPED ? " x:saw /hall/connection-4 0 -" : " x:saw /hall/connection-4 1 no room");
  assert_story (expected);
  g_assert_cmpuint (n_warnings, ==, 1);
  g_assert_cmpstr (last_warning, ==,
                   place == IN_STOPPED ? "The actor “/hall/connection-4” failed again while ending: no room"
                                       : "The actor “/hall/connection-4” failed: no room");

  /* Nobody else has noticed, and there is room for more. */
  assert_echo (clients.fds[0], "hello");
  assert_echo (clients.fds[2], "hello");
  next_fd = connect_to (fixture, clients.hall, &next);
  assert_echo (next_fd, "again");
  assert_story ("4:made");
  close (next_fd);
  clients_end (&clients);
}

static void
test_connection (gconstpointer place)
{
  g_test_summary ("A connection that fails is dropped, whatever the policy; its factory is not asked, and goes on, as do others.");

  for_each_policy (check_connection, GPOINTER_TO_INT (place));
}

/* What comes of it when a worker of the factory's fails, told by connections before it and behind it, and by the factory. */
static const char *
get_expected_beside (TroupeDirective directive,
                     TroupeStrategy  strategy)
{
  static const char *const restarted[] = {
    "asked w:pre w:stopped w:started w:post",
    "asked w:pre w:stopped w:started w:post 4:lost 4:stopped 3:lost 3:stopped 2:lost 2:stopped 1:lost 1:stopped",
    "asked w:pre w:stopped w:started w:post 4:lost 4:stopped",
  };
  static const char *const stopped[] = {
    "asked w:stopped",
    "asked w:stopped 4:lost 4:stopped 3:lost 3:stopped 2:lost 2:stopped 1:lost 1:stopped",
    "asked w:stopped 4:lost 4:stopped",
  };

  switch (directive)
    {
    case TROUPE_DIRECTIVE_RESTART:
      return restarted[strategy];

    case TROUPE_DIRECTIVE_STOP:
      return stopped[strategy];

    case TROUPE_DIRECTIVE_ESCALATE:
      return "asked w:stopped 4:lost 4:stopped 3:lost 3:stopped 2:lost 2:stopped 1:lost 1:stopped";

    case TROUPE_DIRECTIVE_RESUME:
    default:
      return "asked";
    }
}

static void
check_beside (Fixture         *fixture,
              TroupeDirective  directive,
              TroupeStrategy   strategy,
              Place            place)
{
  g_autoptr (TroupeRef) worker = NULL;
  g_autoptr (TroupeRef) last = NULL;
  g_autoptr (TroupeRef) next = NULL;
  Clients clients;
  int last_fd, next_fd;

  clients_begin (&clients, fixture, directive, strategy, N_PLACES);
  troupe_ref_send (clients.hall, troupe_message_new ("spawn"));
  troupe_test_settle ();
  last_fd = connect_to (fixture, clients.hall, &last);
  worker = child (fixture, "/hall/w");
  troupe_test_settle ();
  assert_story ("1:made 2:made 3:made w:started 4:made");

  fail_at (worker, place);
  troupe_test_settle ();
  assert_story (get_expected_beside (directive, strategy));
  g_assert_false (troupe_ref_has_ended (clients.hall));
  next_fd = connect_to (fixture, clients.hall, &next);
  assert_echo (next_fd, "again");
  close (next_fd);
  close (last_fd);
  clients_end (&clients);
}

static void
test_beside (gconstpointer place)
{
  g_test_summary ("Connections may share the fate of a sibling that fails; where that is to be restarted, they stop.");

  for_each_policy (check_beside, GPOINTER_TO_INT (place));
}

/* A connection that wants to be restarted. */

#define TEST_TYPE_LASTING (test_lasting_get_type ())
G_DECLARE_FINAL_TYPE (TestLasting, test_lasting, TEST, LASTING, TroupeProtocol)

struct _TestLasting
{
  TroupeProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (TestLasting, test_lasting, TROUPE_TYPE_PROTOCOL)

static gboolean
test_lasting_received (TroupeProtocol  *protocol,
                       const guint8    *bytes,
                       gsize            length,
                       GError         **error)
{
  g_propagate_error (error, new_error ());
  return FALSE;
}

static void
test_lasting_class_init (TestLastingClass *klass)
{
  TROUPE_ACTOR_CLASS (klass)->temporary = FALSE;
  TROUPE_PROTOCOL_CLASS (klass)->data_received = test_lasting_received;
}

static void
test_lasting_init (TestLasting *self)
{
}

static void
test_lasting (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeRef) factory = troupe_factory_spawn (fixture->system, NULL, TEST_TYPE_LASTING, NULL);
  g_autoptr (TroupeRef) connection = NULL;
  int fd;

  g_test_summary ("A connection is not restarted, whatever its class says.");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "TestLasting says that it is not temporary*");
  fd = connect_to (fixture, factory, &connection);
  g_test_assert_expected_messages ();
  send_text (fd, "!");
  troupe_test_until (troupe_ref_has_ended (connection));
  close (fd);
}

static int
dial (TroupePort *port)
{
  GSocketAddress *address = troupe_port_get_address (port);
  struct sockaddr_storage native;
  int fd = socket (AF_INET, SOCK_STREAM, 0);

  g_assert_true (g_socket_address_to_native (address, &native, sizeof native, NULL));
  g_assert_cmpint (connect (fd, (struct sockaddr *) &native, g_socket_address_get_native_size (address)), ==, 0);
  return fd;
}

static void
test_factory (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeRef) hall = spawn_hall (fixture, N_PLACES);
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupePort) port = troupe_listen (fixture->system, "tcp:0:interface=127.0.0.1", hall, &error);
  g_autoptr (TroupePromise) end = NULL;
  int old_fd, new_fd;

  g_test_summary ("A factory that is restarted loses its connections, and goes on listening.");

  g_assert_no_error (error);
  old_fd = dial (port);
  assert_echo (old_fd, "hello");
  assert_story ("open 1:made");

  troupe_ref_send (hall, troupe_message_new ("fail"));
  new_fd = dial (port);
  assert_echo (new_fd, "hello");
  assert_story ("close 1:lost 1:stopped open 2:made");
  close (old_fd);
  close (new_fd);
  troupe_test_settle ();
  g_string_truncate (story, 0);

  end = troupe_port_stop (port);
  troupe_test_until (troupe_promise_is_resolved (end));
  troupe_test_settle ();
  assert_story ("close");
}

static void
test_factory_stop (Fixture       *fixture,
                   gconstpointer  data)
{
  g_autoptr (TroupeRef) hall = spawn_hall (fixture, N_PLACES);
  g_autoptr (TroupePort) port = troupe_listen (fixture->system, "tcp:0:interface=127.0.0.1", hall, NULL);
  g_autoptr (TroupePort) other = troupe_listen (fixture->system, "tcp:0:interface=127.0.0.1", hall, NULL);
  g_autoptr (TroupePromise) end = NULL;

  g_test_summary ("A port can be stopped while its factory is restarted, and ends with it if that is stopped instead.");

  troupe_test_settle ();
  troupe_ref_send (hall, troupe_message_new ("fail"));
  troupe_ref_send (hall, troupe_message_new ("fail"));
  troupe_test_settle ();
  assert_story ("open close open close");
  end = troupe_port_stop (port);
  troupe_ref_stop (hall);
  troupe_test_until (troupe_promise_is_resolved (end) && troupe_ref_has_ended (hall));
  assert_story ("");
}

int
main (int   argc,
      char *argv[])
{
  static const Place own[] = {
    IN_CONNECTION_MADE, IN_DATA_RECEIVED, IN_CONNECTION_LOST, IN_HANDLER, IN_TIMER, IN_LATE_CONTINUATION, IN_STOPPED,
  };
  static const Place of_sibling[] = { IN_HANDLER };

  begin_tests (&argc, &argv);

  add_places ("connection", own, G_N_ELEMENTS (own), test_connection);
  add_places ("connection/beside", of_sibling, G_N_ELEMENTS (of_sibling), test_beside);
  add ("lasting", test_lasting);
  add ("factory", test_factory);
  add ("factory-stop", test_factory_stop);

  return run_tests ();
}
