/* test-factory.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "troupe-test-connection.h"

/* A factory that writes down what happens to it, and declines when told to. */
typedef enum
{
  ACCEPT,
  DECLINE,
  DECLINE_WITH_ERROR,
  GIVE_NO_PROTOCOL,
} Mode;

typedef struct
{
  GString  *log;
  Mode      mode;
  guint     n_connections;           /* as seen last */
  guint     n_children_ended;
  gboolean  spawn_another;
  gboolean  stop_self;
  gboolean  stop_child;
} Notes;

static Notes notes;

#define NOTING_TYPE_FACTORY (noting_factory_get_type ())
G_DECLARE_FINAL_TYPE (NotingFactory, noting_factory, NOTING, FACTORY, TroupeFactory)

struct _NotingFactory
{
  TroupeFactory parent_instance;
};

G_DEFINE_FINAL_TYPE (NotingFactory, noting_factory, TROUPE_TYPE_FACTORY)

static void
noting_start_factory (TroupeFactory *factory)
{
  g_string_append (notes.log, "start ");
}

static void
noting_stop_factory (TroupeFactory *factory)
{
  g_string_append (notes.log, "stop ");
}

static TroupeRef *
noting_spawn (TroupeFactory   *factory,
              GSocketAddress  *peer,
              GError         **error)
{
  TroupeRef *ref = TROUPE_FACTORY_CLASS (noting_factory_parent_class)->build_protocol (factory, peer, error);

  if (notes.spawn_another)
    troupe_ref_unref (troupe_actor_spawn (TROUPE_ACTOR (factory), NULL, PROBE_TYPE_PROTOCOL, error, NULL));
  if (notes.stop_child)
    troupe_ref_stop (ref);

  return ref;
}

static TroupeRef *
noting_build_protocol (TroupeFactory   *factory,
                       GSocketAddress  *peer,
                       GError         **error)
{
  g_assert_true (G_IS_INET_SOCKET_ADDRESS (peer));
  notes.n_connections = troupe_factory_get_n_connections (factory);

  if (notes.stop_self)
    troupe_ref_stop (troupe_actor_get_ref (TROUPE_ACTOR (factory)));

  switch (notes.mode)
    {
    case DECLINE:
      return NULL;

    case DECLINE_WITH_ERROR:
      g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_FAILED, "not today");
      return NULL;

    case GIVE_NO_PROTOCOL:
      return troupe_actor_spawn (TROUPE_ACTOR (factory), NULL, TROUPE_TYPE_FACTORY, error, NULL);

    case ACCEPT:
    default:
      return noting_spawn (factory, peer, error);
    }
}

static void
noting_child_terminated (TroupeActor       *actor,
                         TroupeTermination *termination)
{
  TROUPE_ACTOR_CLASS (noting_factory_parent_class)->child_terminated (actor, termination);
  notes.n_children_ended++;
  notes.n_connections = troupe_factory_get_n_connections (TROUPE_FACTORY (actor));
}

static void
noting_factory_class_init (NotingFactoryClass *klass)
{
  TROUPE_ACTOR_CLASS (klass)->child_terminated = noting_child_terminated;
  TROUPE_FACTORY_CLASS (klass)->start_factory = noting_start_factory;
  TROUPE_FACTORY_CLASS (klass)->stop_factory = noting_stop_factory;
  TROUPE_FACTORY_CLASS (klass)->build_protocol = noting_build_protocol;
}

static void
noting_factory_init (NotingFactory *self)
{
}

static TroupePort *
open_port (void)
{
  g_autoptr (GError) error = NULL;
  TroupePort *port = troupe_listen (probe.system, "tcp:0:interface=127.0.0.1", probe.factory, &error);

  g_assert_no_error (error);
  return port;
}

static void
begin (void)
{
  g_autoptr (GError) error = NULL;

  memset (&notes, 0, sizeof notes);
  notes.log = g_string_new (NULL);
  probe_begin_bare ();
  probe.factory = troupe_system_spawn (probe.system, "noting", NOTING_TYPE_FACTORY, &error,
                                       "protocol-type", PROBE_TYPE_PROTOCOL, NULL);
  g_assert_no_error (error);
  probe.port = open_port ();
  probe.number = port_number (troupe_port_get_address (probe.port));
}

static void
end (void)
{
  probe_end ();
  g_string_free (notes.log, TRUE);
}

static void
stop_port (TroupePort *port)
{
  g_autoptr (TroupePromise) promise = troupe_port_stop (port);

  troupe_test_until (troupe_promise_is_resolved (promise));
}

static void
test_start_stop (void)
{
  g_autoptr (TroupePort) second = NULL;
  g_autoptr (TroupePort) third = NULL;

  g_test_summary ("start_factory runs with the first port, stop_factory when the last has closed, and both again");

  begin ();
  second = open_port ();
  close (client_open ());
  g_assert_cmpstr (notes.log->str, ==, "start ");
  stop_port (probe.port);
  g_assert_cmpstr (notes.log->str, ==, "start ");
  stop_port (second);
  g_assert_cmpstr (notes.log->str, ==, "start stop ");

  third = open_port ();
  troupe_test_until (g_str_equal (notes.log->str, "start stop start "));
  troupe_ref_stop (probe.factory);
  troupe_test_until (troupe_ref_has_ended (probe.factory));
  g_assert_cmpstr (notes.log->str, ==, "start stop start stop ");
  end ();
}

static void
test_kill (void)
{
  int fd;

  g_test_summary ("A killed factory closes its port and its connections without another word");

  begin ();
  fd = client_open ();
  troupe_ref_kill (probe.factory);
  troupe_test_until (troupe_ref_has_ended (probe.factory));
  g_assert_cmpstr (notes.log->str, ==, "start ");
  g_assert_cmpuint (probe.n_lost, ==, 0);
  g_assert_false (troupe_port_is_listening (probe.port));
  close (fd);
  end ();
}

static void
test_count (void)
{
  int fds[3];

  g_test_summary ("Live connections are counted, others of its children are not");

  begin ();
  notes.spawn_another = TRUE;
  for (guint i = 0; i < 3; i++)
    {
      fds[i] = client_open ();
      g_assert_cmpuint (notes.n_connections, ==, i);
    }

  for (guint i = 0; i < 3; i++)
    close (fds[i]);
  troupe_test_until (notes.n_children_ended == 3);
  g_assert_cmpuint (notes.n_connections, ==, 0);

  close (client_open ());
  g_assert_cmpuint (notes.n_connections, ==, 0);
  end ();
}

static void
test_decline (void)
{
  int fd;

  g_test_summary ("A declined connection is closed at once and the port goes on");

  begin ();
  notes.mode = DECLINE;
  fd = client_connect (probe.number);
  assert_client_at_end (fd);
  close (fd);

  notes.mode = ACCEPT;
  close (client_open ());
  assert_lost (DONE);
  end ();
}

static void
test_decline_with_error (void)
{
  int fd;

  g_test_summary ("A connection that could not be built is logged, closed at once, and the port goes on");

  begin ();
  notes.mode = DECLINE_WITH_ERROR;
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "Declined a connection to tcp:127.0.0.1:*: not today");
  fd = client_connect (probe.number);
  assert_client_at_end (fd);
  g_test_assert_expected_messages ();
  close (fd);

  notes.mode = ACCEPT;
  close (client_open ());
  assert_lost (DONE);
  end ();
}

static void
test_no_protocol (void)
{
  int fd;

  g_test_summary ("An actor that is no protocol is a critical, and the connection is closed");

  begin ();
  notes.mode = GIVE_NO_PROTOCOL;
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*which is no protocol");
  fd = client_connect (probe.number);
  assert_client_at_end (fd);
  g_test_assert_expected_messages ();
  close (fd);
  end ();
}

static void
test_abstract (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupePort) port = NULL;
  int fd;

  g_test_summary ("A factory without a type of protocol declines and says why");

  probe_begin_bare ();
  probe.factory = troupe_system_spawn (probe.system, NULL, TROUPE_TYPE_FACTORY, &error, NULL);
  g_assert_no_error (error);
  port = open_port ();
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*“TroupeProtocol” is abstract");
  fd = client_connect (port_number (troupe_port_get_address (port)));
  assert_client_at_end (fd);
  g_test_assert_expected_messages ();
  close (fd);
  probe_end ();
}

static void
test_stop_in_build (void)
{
  int fds[5];

  g_test_summary ("A factory that stops itself while it builds accepts nothing more");

  begin ();
  notes.stop_self = TRUE;
  for (guint i = 0; i < 5; i++)
    fds[i] = client_connect (probe.number);
  troupe_test_until (troupe_ref_has_ended (probe.factory));
  g_assert_cmpuint (probe.n_made, <=, 1);
  g_assert_cmpuint (probe.n_lost, ==, probe.n_made);
  for (guint i = 0; i < 5; i++)
    close (fds[i]);
  end ();
}

static void
test_stopped_before_made (void)
{
  int fd;

  g_test_summary ("A protocol that is stopped before its first turn never has the connection, which is closed");

  begin ();
  notes.stop_child = TRUE;
  fd = client_connect (probe.number);
  assert_client_at_end (fd);
  troupe_test_until (notes.n_children_ended == 1);
  g_assert_cmpuint (probe.n_made, ==, 0);
  g_assert_cmpuint (notes.n_connections, ==, 0);
  close (fd);
  end ();
}

static TroupeRef *
build_and_send (TroupeFactory   *factory,
                GSocketAddress  *peer,
                GError         **error)
{
  TroupeRef *ref = troupe_actor_spawn (TROUPE_ACTOR (factory), NULL, PROBE_TYPE_PROTOCOL, error, NULL);

  troupe_ref_send (ref, troupe_message_new_string ("note", "mail"));
  return ref;
}

#define SENDING_TYPE_FACTORY (sending_factory_get_type ())
G_DECLARE_FINAL_TYPE (SendingFactory, sending_factory, SENDING, FACTORY, TroupeFactory)

struct _SendingFactory
{
  TroupeFactory parent_instance;
};

G_DEFINE_FINAL_TYPE (SendingFactory, sending_factory, TROUPE_TYPE_FACTORY)

static void
sending_factory_class_init (SendingFactoryClass *klass)
{
  TROUPE_FACTORY_CLASS (klass)->build_protocol = build_and_send;
}

static void
sending_factory_init (SendingFactory *self)
{
}

static void
test_made_first (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupePort) port = NULL;

  g_test_summary ("connection_made comes before what build_protocol has sent");

  probe_begin_bare ();
  probe.factory = troupe_system_spawn (probe.system, NULL, SENDING_TYPE_FACTORY, &error, NULL);
  g_assert_no_error (error);
  port = open_port ();
  probe.number = port_number (troupe_port_get_address (port));
  close (client_open ());
  troupe_test_until (strstr (probe.log->str, "stopped") != NULL);
  g_assert_cmpstr (probe.log->str, ==, "made mail lost stopped ");
  probe_end ();
}

static void
test_misuse (void)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("A type that is no protocol is a critical");

  probe_begin_bare ();
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*TROUPE_TYPE_PROTOCOL*");
  g_assert_null (troupe_factory_spawn (probe.system, NULL, TROUPE_TYPE_ACTOR, &error));
  g_test_assert_expected_messages ();
  probe_end ();
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/factory/start-stop", test_start_stop);
  g_test_add_func ("/troupe/factory/kill", test_kill);
  g_test_add_func ("/troupe/factory/count", test_count);
  g_test_add_func ("/troupe/factory/decline", test_decline);
  g_test_add_func ("/troupe/factory/decline/with-error", test_decline_with_error);
  g_test_add_func ("/troupe/factory/no-protocol", test_no_protocol);
  g_test_add_func ("/troupe/factory/abstract", test_abstract);
  g_test_add_func ("/troupe/factory/stop-in-build", test_stop_in_build);
  g_test_add_func ("/troupe/factory/stopped-before-made", test_stopped_before_made);
  g_test_add_func ("/troupe/factory/made-first", test_made_first);
  g_test_add_func ("/troupe/factory/misuse", test_misuse);

  return g_test_run ();
}
