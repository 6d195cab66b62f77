/* test-chaining.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "troupe-test-connection.h"

/* Subclasses that override what there is, and call the parent class's each time. What happens is in the log of the probe. */

#define CHAINED_TYPE_ACTOR (chained_actor_get_type ())
G_DECLARE_FINAL_TYPE (ChainedActor, chained_actor, CHAINED, ACTOR, TroupeActor)

struct _ChainedActor
{
  TroupeActor parent_instance;
};

G_DEFINE_FINAL_TYPE (ChainedActor, chained_actor, TROUPE_TYPE_ACTOR)

#define PARENT_ACTOR TROUPE_ACTOR_CLASS (chained_actor_parent_class)

static gboolean
chained_started (TroupeActor  *actor,
                 GError      **error)
{
  g_string_append (probe.log, "started ");
  return PARENT_ACTOR->started (actor, error);
}

static void
chained_pre_restart (TroupeActor  *actor,
                     const GError *error)
{
  g_string_append (probe.log, "pre-restart ");
  PARENT_ACTOR->pre_restart (actor, error);
}

static void
chained_post_restart (TroupeActor  *actor,
                      const GError *error)
{
  g_string_append (probe.log, "post-restart ");
  PARENT_ACTOR->post_restart (actor, error);
}

static void
chained_stopped (TroupeActor *actor)
{
  g_string_append (probe.log, "stopped ");
  PARENT_ACTOR->stopped (actor);
}

static gboolean
chained_on_fail (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_FAILED, "It was told to");
  return FALSE;
}

static void
chained_actor_class_init (ChainedActorClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  actor_class->started = chained_started;
  actor_class->pre_restart = chained_pre_restart;
  actor_class->post_restart = chained_post_restart;
  actor_class->stopped = chained_stopped;
  troupe_actor_class_bind (actor_class, "fail", G_TYPE_NONE, chained_on_fail);
}

static void
chained_actor_init (ChainedActor *self)
{
}

#define CHAINED_TYPE_FACTORY (chained_factory_get_type ())
G_DECLARE_FINAL_TYPE (ChainedFactory, chained_factory, CHAINED, FACTORY, TroupeFactory)

struct _ChainedFactory
{
  TroupeFactory parent_instance;
};

G_DEFINE_FINAL_TYPE (ChainedFactory, chained_factory, TROUPE_TYPE_FACTORY)

#define PARENT_FACTORY TROUPE_FACTORY_CLASS (chained_factory_parent_class)

static void
chained_start_factory (TroupeFactory *factory)
{
  g_string_append (probe.log, "start-factory ");
  PARENT_FACTORY->start_factory (factory);
}

static void
chained_stop_factory (TroupeFactory *factory)
{
  g_string_append (probe.log, "stop-factory ");
  PARENT_FACTORY->stop_factory (factory);
}

static TroupeRef *
chained_build_protocol (TroupeFactory   *factory,
                        GSocketAddress  *peer,
                        GError         **error)
{
  return PARENT_FACTORY->build_protocol (factory, peer, error);
}

static void
chained_factory_class_init (ChainedFactoryClass *klass)
{
  TroupeFactoryClass *factory_class = TROUPE_FACTORY_CLASS (klass);

  factory_class->start_factory = chained_start_factory;
  factory_class->stop_factory = chained_stop_factory;
  factory_class->build_protocol = chained_build_protocol;
}

static void
chained_factory_init (ChainedFactory *self)
{
}

#define CHAINED_TYPE_PROTOCOL (chained_protocol_get_type ())
G_DECLARE_FINAL_TYPE (ChainedProtocol, chained_protocol, CHAINED, PROTOCOL, TroupeProtocol)

struct _ChainedProtocol
{
  TroupeProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (ChainedProtocol, chained_protocol, TROUPE_TYPE_PROTOCOL)

#define PARENT_PROTOCOL TROUPE_PROTOCOL_CLASS (chained_protocol_parent_class)

static gboolean
chained_connection_made (TroupeProtocol  *protocol,
                         GError         **error)
{
  g_string_append (probe.log, "made ");
  probe.n_made++;
  return PARENT_PROTOCOL->connection_made (protocol, error);
}

/* The rest of them is called here, too: it does nothing, at any time. */
static gboolean
chained_data_received (TroupeProtocol  *protocol,
                       const guint8    *data,
                       gsize            length,
                       GError         **error)
{
  g_string_append (probe.log, "data ");
  PARENT_PROTOCOL->read_closed (protocol);
  PARENT_PROTOCOL->write_closed (protocol);
  PARENT_PROTOCOL->write_paused (protocol);
  PARENT_PROTOCOL->write_resumed (protocol);
  PARENT_PROTOCOL->read_resumed (protocol);
  return PARENT_PROTOCOL->data_received (protocol, data, length, error);
}

static void
chained_connection_lost (TroupeProtocol *protocol,
                         const GError   *reason)
{
  g_string_append (probe.log, "lost ");
  g_assert_error (reason, TROUPE_ERROR, TROUPE_ERROR_CONNECTION_DONE);
  probe.n_lost++;
  PARENT_PROTOCOL->connection_lost (protocol, reason);
}

static void
chained_protocol_class_init (ChainedProtocolClass *klass)
{
  TroupeProtocolClass *protocol_class = TROUPE_PROTOCOL_CLASS (klass);

  protocol_class->connection_made = chained_connection_made;
  protocol_class->data_received = chained_data_received;
  protocol_class->connection_lost = chained_connection_lost;
}

static void
chained_protocol_init (ChainedProtocol *self)
{
}

static void
test_actor (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupeRef) ref = NULL;

  g_test_summary ("An actor whose started, stopped and restart functions call the parent class's lives, is restarted and ends");

  probe_begin_bare ();
  ref = troupe_system_spawn (probe.system, "chained", CHAINED_TYPE_ACTOR, &error, NULL);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*restarted*");
  troupe_ref_send (ref, troupe_message_new ("fail"));
  troupe_ref_finish (ref);
  troupe_test_until (troupe_ref_has_ended (ref));
  g_test_assert_expected_messages ();
  g_assert_cmpstr (probe.log->str, ==, "started pre-restart stopped started post-restart stopped ");
  probe_end ();
}

static void
test_connection (void)
{
  g_autoptr (GError) error = NULL;
  int client;

  g_test_summary ("A factory and a protocol whose functions all call the parent class's serve a connection");

  probe_begin_bare ();
  probe.factory = troupe_system_spawn (probe.system, NULL, CHAINED_TYPE_FACTORY, &error,
                                       "protocol-type", CHAINED_TYPE_PROTOCOL, NULL);
  g_assert_no_error (error);
  probe.port = troupe_listen (probe.system, "tcp:0:interface=127.0.0.1", probe.factory, &error);
  g_assert_no_error (error);

  client = client_connect (port_number (troupe_port_get_address (probe.port)));
  client_send (client, "hello");
  troupe_test_until (g_str_has_suffix (probe.log->str, "data "));
  close (client);
  troupe_test_until (probe.n_lost == 1);
  troupe_ref_stop (probe.factory);
  troupe_test_until (troupe_ref_has_ended (probe.factory));
  g_assert_cmpstr (probe.log->str, ==, "start-factory made data lost stop-factory ");
  probe_end ();
}

/* All pointers in between, both included. */
#define assert_filled(type, Class, first, last)                                                         \
  G_STMT_START {                                                                                        \
    gpointer klass = g_type_class_ref (type);                                                           \
    for (gsize at = G_STRUCT_OFFSET (Class, first); at <= G_STRUCT_OFFSET (Class, last); at += sizeof (gpointer)) \
      g_assert_nonnull (G_STRUCT_MEMBER (gpointer, klass, at));                                         \
    g_type_class_unref (klass);                                                                         \
  } G_STMT_END

static void
test_no_hole (void)
{
  g_test_summary ("No class has a virtual function without a default");

  assert_filled (TROUPE_TYPE_ACTOR, TroupeActorClass, started, stopped);
  assert_filled (TROUPE_TYPE_FACTORY, TroupeFactoryClass, start_factory, build_protocol);
  assert_filled (TROUPE_TYPE_CLIENT, TroupeClientClass, connecting, disconnected);
  assert_filled (TROUPE_TYPE_ROUTER, TroupeRouterClass, build_routee, hash_message);
  assert_filled (TROUPE_TYPE_PROTOCOL, TroupeProtocolClass, connection_made, read_resumed);
  assert_filled (TROUPE_TYPE_LINE_PROTOCOL, TroupeLineProtocolClass, line_received, line_length_exceeded);
  assert_filled (TROUPE_TYPE_JSON_PROTOCOL, TroupeJsonProtocolClass, json_received, bad_json);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/chaining/actor", test_actor);
  g_test_add_func ("/troupe/chaining/connection", test_connection);
  g_test_add_func ("/troupe/chaining/no-hole", test_no_hole);

  return g_test_run ();
}
