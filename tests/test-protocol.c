/* test-protocol.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "troupe-test-connection.h"

/* A probe that goes on after its connection. */
#define LIVES_ON_TYPE_PROTOCOL (lives_on_protocol_get_type ())
G_DECLARE_FINAL_TYPE (LivesOnProtocol, lives_on_protocol, LIVES_ON, PROTOCOL, ProbeProtocol)

struct _LivesOnProtocol
{
  ProbeProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (LivesOnProtocol, lives_on_protocol, PROBE_TYPE_PROTOCOL)

static void
lives_on_protocol_class_init (LivesOnProtocolClass *klass)
{
  TROUPE_PROTOCOL_CLASS (klass)->lives_on = TRUE;
}

static void
lives_on_protocol_init (LivesOnProtocol *self)
{
}

/* One that leaves everything to the default. */
#define SILENT_TYPE_PROTOCOL (silent_protocol_get_type ())
G_DECLARE_FINAL_TYPE (SilentProtocol, silent_protocol, SILENT, PROTOCOL, TroupeProtocol)

struct _SilentProtocol
{
  TroupeProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (SilentProtocol, silent_protocol, TROUPE_TYPE_PROTOCOL)

static void
silent_protocol_class_init (SilentProtocolClass *klass)
{
}

static void
silent_protocol_init (SilentProtocol *self)
{
}

static void
test_order (void)
{
  int fd;

  g_test_summary ("connection_made, data_received, connection_lost and stopped come in this order, each end once");

  probe_begin ();
  fd = client_connect (probe.number);
  client_send (fd, "data that waits");
  close (fd);
  troupe_test_until (strstr (probe.log->str, "stopped") != NULL);
  g_assert_cmpstr (probe.log->str, ==, "made data lost stopped ");
  g_assert_error (probe.reason, TROUPE_ERROR, TROUPE_ERROR_CONNECTION_DONE);
  probe_end ();
}

static void
send_note_in_lost (TroupeProtocol *protocol)
{
  troupe_ref_send (troupe_actor_get_ref (TROUPE_ACTOR (protocol)), troupe_message_new_string ("note", "too-late"));
}

static void
send_note_in_data (TroupeProtocol *protocol)
{
  troupe_ref_send (troupe_actor_get_ref (TROUPE_ACTOR (protocol)), troupe_message_new_string ("note", "mail"));
}

static void
test_mail_after_lost (void)
{
  int fd;

  g_test_summary ("Mail that came before connection_lost is handled after it, then the actor stops");

  probe_begin ();
  probe.on_data = send_note_in_data;
  probe.on_lost = send_note_in_lost;
  fd = client_connect (probe.number);
  client_send (fd, "x");
  close (fd);
  troupe_test_until (strstr (probe.log->str, "stopped") != NULL);
  g_assert_nonnull (strstr (probe.log->str, "mail "));
  g_assert_true (g_str_has_suffix (probe.log->str, "lost too-late stopped ") ||
                 g_str_has_suffix (probe.log->str, "lost mail too-late stopped "));
  probe_end ();
}

static void
expect_failure (const char *why)
{
  g_autofree char *pattern = g_strdup_printf ("*%s*", why);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, pattern);
}

static void
test_fail_in_data (void)
{
  int other;
  int fd;

  g_test_summary ("A failing data_received drops this connection, with its error as the cause, and no other");

  probe_begin ();
  other = client_open ();
  fd = client_open ();
  probe.fail_data = TRUE;
  expect_failure ("data failed");
  client_send (fd, "x");
  assert_lost (LOST);
  g_assert_error (troupe_error_get_cause (probe.reason), TROUPE_ERROR, TROUPE_ERROR_FAILED);
  g_assert_cmpstr (troupe_error_get_cause (probe.reason)->message, ==, "data failed");
  troupe_test_until (g_str_equal (probe.log->str, "made made data lost stopped "));
  assert_client_at_end (fd);

  probe.fail_data = FALSE;
  client_send (other, "y");
  troupe_test_until (probe.received->len == 2);
  g_test_assert_expected_messages ();
  close (fd);
  close (other);
  probe_end ();
}

static void
test_fail_in_made (void)
{
  int fd;

  g_test_summary ("A failing connection_made drops the connection");

  probe_begin ();
  probe.fail_made = TRUE;
  expect_failure ("made failed");
  fd = client_connect (probe.number);
  client_send (fd, "unread");
  assert_lost (LOST);
  troupe_test_until (g_str_equal (probe.log->str, "made lost stopped "));
  g_test_assert_expected_messages ();
  close (fd);
  probe_end ();
}

static void
write_and_stop (TroupeProtocol *protocol)
{
  write_text (protocol, "good-bye");
  troupe_ref_stop (troupe_actor_get_ref (TROUPE_ACTOR (protocol)));
}

static void
test_stop (void)
{
  int fd;

  g_test_summary ("A stopped protocol sends what it has written, loses its connection, then stops");

  probe_begin ();
  fd = client_open ();
  probe_do (write_and_stop);
  assert_client_reads (fd, "good-bye");
  assert_client_at_end (fd);
  assert_lost (DONE);
  troupe_test_until (g_str_equal (probe.log->str, "made lost stopped "));
  close (fd);
  probe_end ();
}

static void
test_kill (void)
{
  int fault;
  int fd;
  g_autoptr (GBytes) bytes = NULL;

  g_test_summary ("A killed protocol resets its peer and is told nothing");

  probe_begin ();
  fd = client_open ();
  troupe_ref_kill (probe.ref);
  bytes = client_read (fd, 1, &fault);
  g_assert_cmpint (fault, ==, ECONNRESET);
  troupe_test_until (troupe_ref_has_ended (probe.ref));
  g_assert_cmpstr (probe.log->str, ==, "made ");
  close (fd);
  probe_end ();
}

static void
test_kill_while_flushing (void)
{
  g_autofree char *text = g_strnfill (8 * 1024 * 1024, 'x');
  int fd;

  g_test_summary ("A kill cuts short a stop that waits for a slow reader");

  probe_begin ();
  fd = client_open ();
  troupe_transport_write (probe_transport (), (const guint8 *) text, 8 * 1024 * 1024);
  troupe_ref_stop (probe.ref);
  probe.n_done = 0;
  for (guint i = 0; i < 20; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_false (troupe_ref_has_ended (probe.ref));

  troupe_ref_kill (probe.ref);
  troupe_test_until (troupe_ref_has_ended (probe.ref));
  g_assert_cmpuint (probe.n_lost, ==, 0);
  close (fd);
  probe_end ();
}

static void
test_lives_on (void)
{
  g_autoptr (TroupeRef) factory = NULL;
  g_autoptr (TroupePort) port = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A class that lives on handles messages after connection_lost until it is stopped");

  probe_begin ();
  factory = troupe_factory_spawn (probe.system, NULL, LIVES_ON_TYPE_PROTOCOL, &error);
  g_assert_no_error (error);
  port = troupe_listen (probe.system, "tcp:0:interface=127.0.0.1", factory, &error);
  g_assert_no_error (error);

  probe.number = port_number (troupe_port_get_address (port));
  close (client_open ());
  assert_lost (DONE);
  troupe_ref_send (probe.ref, troupe_message_new_string ("note", "alive"));
  troupe_test_until (g_str_equal (probe.log->str, "made lost alive "));
  troupe_ref_stop (probe.ref);
  troupe_test_until (g_str_equal (probe.log->str, "made lost alive stopped "));
  probe_end ();
}

static void
test_defaults (void)
{
  g_autoptr (TroupeRef) factory = NULL;
  g_autoptr (TroupePort) port = NULL;
  g_autoptr (GError) error = NULL;
  int fd;

  g_test_summary ("A protocol without virtual functions discards what comes");

  probe_begin_bare ();
  factory = troupe_factory_spawn (probe.system, NULL, SILENT_TYPE_PROTOCOL, &error);
  port = troupe_listen (probe.system, "tcp:0:interface=127.0.0.1", factory, &error);
  g_assert_no_error (error);
  fd = client_connect (port_number (troupe_port_get_address (port)));
  client_send (fd, "nobody listens");
  shutdown (fd, SHUT_WR);
  assert_client_at_end (fd);
  close (fd);
  probe_end ();
}

static void
check_factory (TroupeProtocol *protocol)
{
  g_autofree char *path = troupe_ref_dup_path (troupe_actor_get_ref (TROUPE_ACTOR (protocol)));

  g_assert_true (troupe_protocol_get_factory (protocol) == probe.factory);
  g_assert_true (g_regex_match_simple ("^/listener-[0-9]+/connection-[0-9]+$", path, 0, 0));
}

static void
test_factory (void)
{
  g_test_summary ("A protocol knows its factory, and its path begins with it");

  probe_begin ();
  probe.on_made = check_factory;
  close (client_open ());
  assert_lost (DONE);
  probe_end ();
}

static void
test_bare_actor (void)
{
  g_autoptr (TroupeRef) ref = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A protocol that was spawned without a connection is an actor like any other");

  probe_begin_bare ();
  ref = troupe_system_spawn (probe.system, NULL, PROBE_TYPE_PROTOCOL, &error, NULL);
  g_assert_no_error (error);
  troupe_ref_send (ref, troupe_message_new_string ("note", "hello"));
  troupe_ref_finish (ref);
  troupe_test_until (troupe_ref_has_ended (ref));
  g_assert_cmpstr (probe.log->str, ==, "hello stopped ");
  probe_end ();
}

static int nested_clients[2];

/* While this one waits, its own second piece must not come, but the other connection's must. */
static void
wait_for_other (TroupeProtocol *protocol)
{
  guint before = probe.received->len;

  probe.on_data = NULL;
  write_text (protocol, "before");
  client_send (nested_clients[0], "mine");
  client_send (nested_clients[1], "other");
  troupe_test_until (probe.received->len > before);
  g_assert_cmpuint (probe.received->len, ==, before + 5);
  for (guint i = 0; i < 10; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (probe.received->len, ==, before + 5);
  assert_client_reads (nested_clients[0], "before");
  write_text (protocol, "after");
}

static void
test_nested (void)
{
  g_test_summary ("While a handler runs a nested loop its output goes out, other connections run, and it does not");

  probe_begin ();
  nested_clients[0] = client_open ();
  nested_clients[1] = client_open ();
  probe.on_data = wait_for_other;
  client_send (nested_clients[0], "go");
  assert_client_reads (nested_clients[0], "after");
  troupe_test_until (probe.received->len == 11);
  g_assert_cmpmem (probe.received->data, 11, "goothermine", 11);

  close (nested_clients[0]);
  close (nested_clients[1]);
  troupe_test_until (probe.n_lost == 2);
  probe_end ();
}

static void
fail_later (TroupeProtocol *protocol)
{
  troupe_actor_fail (TROUPE_ACTOR (protocol), g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_FAILED, "made up"));
}

static void
test_actor_fail (void)
{
  int fd;

  g_test_summary ("troupe_actor_fail drops the connection as a failing function does");

  probe_begin ();
  fd = client_open ();
  expect_failure ("made up");
  probe_do (fail_later);
  assert_lost (LOST);
  g_assert_cmpstr (troupe_error_get_cause (probe.reason)->message, ==, "made up");
  troupe_test_until (troupe_ref_has_ended (probe.ref));
  for (guint i = 0; i < 5; i++)
    g_main_context_iteration (NULL, FALSE);
  g_test_assert_expected_messages ();
  close (fd);
  probe_end ();
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/protocol/order", test_order);
  g_test_add_func ("/troupe/protocol/mail-after-lost", test_mail_after_lost);
  g_test_add_func ("/troupe/protocol/fail/data-received", test_fail_in_data);
  g_test_add_func ("/troupe/protocol/fail/connection-made", test_fail_in_made);
  g_test_add_func ("/troupe/protocol/fail/actor-fail", test_actor_fail);
  g_test_add_func ("/troupe/protocol/stop", test_stop);
  g_test_add_func ("/troupe/protocol/kill", test_kill);
  g_test_add_func ("/troupe/protocol/kill/while-flushing", test_kill_while_flushing);
  g_test_add_func ("/troupe/protocol/lives-on", test_lives_on);
  g_test_add_func ("/troupe/protocol/defaults", test_defaults);
  g_test_add_func ("/troupe/protocol/factory", test_factory);
  g_test_add_func ("/troupe/protocol/nested", test_nested);
  g_test_add_func ("/troupe/protocol/bare-actor", test_bare_actor);

  return g_test_run ();
}
