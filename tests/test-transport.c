/* test-transport.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "troupe-test-connection.h"

static void
echo (TroupeProtocol *protocol)
{
  troupe_transport_write (troupe_protocol_get_transport (protocol), probe.received->data, probe.received->len);
  g_byte_array_set_size (probe.received, 0);
}

static void
test_echo (void)
{
  int fd;

  g_test_summary ("What is written in data_received comes back in order");

  probe_begin ();
  probe.on_data = echo;
  fd = client_open ();
  client_send (fd, "one");
  assert_client_reads (fd, "one");
  client_send (fd, "two");
  assert_client_reads (fd, "two");

  close (fd);
  assert_lost (DONE);
  probe_end ();
}

static void
write_many (TroupeProtocol *protocol)
{
  for (guint i = 0; i < 5000; i++)
    {
      g_autofree char *text = g_strdup_printf ("%04u ", i);

      write_text (protocol, text);
    }
}

static void
test_small_writes (void)
{
  int fd;
  int fault;
  g_autoptr (GBytes) bytes = NULL;
  const char *text;

  g_test_summary ("Many small writes of one turn arrive as one stream");

  probe_begin ();
  fd = client_open ();
  probe_do (write_many);
  bytes = client_read (fd, 25000, &fault);
  text = g_bytes_get_data (bytes, NULL);
  for (guint i = 0; i < 5000; i++)
    g_assert_cmpint (atoi (text + i * 5), ==, i);

  close (fd);
  probe_end ();
}

/* Pieces of all kinds: small copies around large ones around shared ones. */
static void
write_mixed (TroupeProtocol *protocol)
{
  TroupeTransport *transport = troupe_protocol_get_transport (protocol);
  g_autofree guint8 *large = g_malloc (100000);
  g_autoptr (GBytes) shared = g_bytes_new_static ("shared", 6);
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);
  GBytes *sequence[] = { shared, empty, shared };

  memset (large, 'L', 100000);
  write_text (protocol, "a");
  troupe_transport_write_bytes (transport, shared);
  troupe_transport_write (transport, large, 100000);
  write_text (protocol, "b");
  troupe_transport_write_sequence (transport, sequence, 3);
  troupe_transport_write (transport, NULL, 0);
  troupe_transport_write_sequence (transport, NULL, 0);
  troupe_transport_write (transport, large, 5000);
  write_text (protocol, "c");
}

static void
test_order (void)
{
  g_autoptr (GString) expected = g_string_new ("ashared");
  g_autoptr (GBytes) bytes = NULL;
  int fd;
  int fault;

  g_test_summary ("Copies, large writes and shared bytes are sent in the order they were written");

  for (guint i = 0; i < 100000; i++)
    g_string_append_c (expected, 'L');
  g_string_append (expected, "bsharedshared");
  for (guint i = 0; i < 5000; i++)
    g_string_append_c (expected, 'L');
  g_string_append_c (expected, 'c');

  probe_begin ();
  fd = client_open ();
  probe_do (write_mixed);
  bytes = client_read (fd, expected->len, &fault);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), expected->str, expected->len);

  close (fd);
  probe_end ();
}

static GBytes *huge;

static void
write_huge (TroupeProtocol *protocol)
{
  troupe_transport_write_bytes (troupe_protocol_get_transport (protocol), huge);
}

static void
write_huge_copy (TroupeProtocol *protocol)
{
  troupe_transport_write (troupe_protocol_get_transport (protocol), g_bytes_get_data (huge, NULL), g_bytes_get_size (huge));
}

/* More than any socket buffer takes, each part of it different. */
static void
make_huge (void)
{
  gsize length = 16 * 1024 * 1024;
  guint32 *words = g_malloc (length);

  for (gsize i = 0; i < length / 4; i++)
    words[i] = i * 2654435761u;
  huge = g_bytes_new_take (words, length);
}

static void
test_water_marks (gconstpointer func)
{
  g_autoptr (GBytes) bytes = NULL;
  int fd;
  int fault;

  g_test_summary ("A reader that lags pauses the writer once; when it has caught up it resumes it once");

  make_huge ();
  probe_begin ();
  fd = client_open ();
  probe_do ((ProbeFunc) func);
  troupe_test_until (strstr (probe.log->str, "paused") != NULL);
  g_assert_cmpstr (probe.log->str, ==, "made paused ");
  g_assert_cmpuint (troupe_transport_get_n_unsent (probe_transport ()), >, 65536);

  bytes = client_read (fd, g_bytes_get_size (huge), &fault);
  g_assert_true (g_bytes_equal (bytes, huge));
  troupe_test_until (g_str_equal (probe.log->str, "made paused resumed "));
  g_assert_cmpuint (troupe_transport_get_n_unsent (probe_transport ()), ==, 0);

  close (fd);
  probe_end ();
  g_bytes_unref (huge);
}

static void
set_marks (TroupeProtocol *protocol)
{
  troupe_transport_set_water_marks (troupe_protocol_get_transport (protocol), 0, 100 * 1024 * 1024);
}

static void
test_own_water_marks (void)
{
  int fd;
  int fault;
  g_autoptr (GBytes) bytes = NULL;

  g_test_summary ("Under a high mark of one's own nothing is paused");

  make_huge ();
  probe_begin ();
  probe.on_made = set_marks;
  fd = client_open ();
  probe_do (write_huge);
  bytes = client_read (fd, g_bytes_get_size (huge), &fault);
  g_assert_true (g_bytes_equal (bytes, huge));
  g_assert_cmpstr (probe.log->str, ==, "made ");

  close (fd);
  probe_end ();
  g_bytes_unref (huge);
}

static void
write_and_lose (TroupeProtocol *protocol)
{
  TroupeTransport *transport = troupe_protocol_get_transport (protocol);

  write_text (protocol, "last words");
  g_assert_false (troupe_transport_is_disconnecting (transport));
  troupe_transport_lose_connection (transport);
  troupe_transport_lose_connection (transport);
  g_assert_true (troupe_transport_is_disconnecting (transport));
  g_assert_true (troupe_transport_is_connected (transport));
  g_assert_cmpuint (probe.n_lost, ==, 0);
  write_text (protocol, "ignored");
}

static void
test_lose_connection (void)
{
  int fd;

  g_test_summary ("lose_connection sends what was written, ignores what comes after, and is told in a later turn");

  probe_begin ();
  fd = client_open ();
  probe_do (write_and_lose);
  assert_client_reads (fd, "last words");
  assert_client_at_end (fd);
  assert_lost (DONE);
  troupe_test_until (g_str_equal (probe.log->str, "made lost stopped "));

  close (fd);
  probe_end ();
}

static void
test_lose_in_made (void)
{
  int fd;

  g_test_summary ("A greeting and a close in connection_made reach a peer that has sent something unread");

  probe_begin ();
  probe.on_made = write_and_lose;
  fd = client_connect (probe.number);
  client_send (fd, "nobody reads this");
  assert_client_reads (fd, "last words");
  assert_client_at_end (fd);
  assert_lost (DONE);
  g_assert_cmpuint (probe.received->len, ==, 0);

  close (fd);
  probe_end ();
}

static void
write_huge_and_lose (TroupeProtocol *protocol)
{
  write_huge (protocol);
  troupe_transport_lose_connection (troupe_protocol_get_transport (protocol));
}

static void
test_lose_flushes (void)
{
  g_autoptr (GBytes) bytes = NULL;
  int fd;
  int fault;

  g_test_summary ("lose_connection waits until a slow reader has taken everything");

  make_huge ();
  probe_begin ();
  fd = client_open ();
  probe_do (write_huge_and_lose);
  g_assert_cmpuint (probe.n_lost, ==, 0);
  bytes = client_read (fd, G_MAXSIZE, &fault);
  g_assert_cmpint (fault, ==, 0);
  g_assert_true (g_bytes_equal (bytes, huge));
  assert_lost (DONE);

  close (fd);
  probe_end ();
  g_bytes_unref (huge);
}

static void
set_short_close_timeout (TroupeProtocol *protocol)
{
  troupe_transport_set_close_timeout (troupe_protocol_get_transport (protocol), 50);
}

static void
test_close_timeout (void)
{
  int fd;

  g_test_summary ("A peer that does not take the rest loses the connection when the close timeout is over");

  make_huge ();
  probe_begin ();
  probe.on_made = set_short_close_timeout;
  fd = client_open ();
  probe_do (write_huge_and_lose);
  assert_lost (LOST);
  g_assert_nonnull (strstr (probe.reason->message, "within 50 ms"));

  close (fd);
  probe_end ();
  g_bytes_unref (huge);
}

static void
abort_it (TroupeProtocol *protocol)
{
  TroupeTransport *transport = troupe_protocol_get_transport (protocol);

  write_text (protocol, "dropped");
  troupe_transport_abort (transport);
  troupe_transport_abort (transport);
  troupe_transport_lose_connection (transport);
  g_assert_cmpuint (probe.n_lost, ==, 0);
  g_assert_true (troupe_transport_is_disconnecting (transport));
}

static void
test_abort (void)
{
  g_autoptr (GBytes) bytes = NULL;
  int fd;
  int fault;

  g_test_summary ("abort drops what is unsent, resets the peer, and is told once, in a later turn");

  probe_begin ();
  fd = client_open ();
  probe_do (abort_it);
  assert_lost (ABORTED);
  bytes = client_read (fd, 1, &fault);
  g_assert_cmpint (fault, ==, ECONNRESET);
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, 0);
  troupe_test_until (g_str_equal (probe.log->str, "made lost stopped "));

  close (fd);
  probe_end ();
}

static void
test_abort_in_data (void)
{
  int fd;

  g_test_summary ("After an abort no more data is delivered, even if it has arrived");

  probe_begin ();
  probe.on_data = abort_it;
  fd = client_open ();
  {
    g_autofree guint8 *much = g_malloc0 (1000000);

    g_assert_cmpint (send (fd, much, 1000000, MSG_DONTWAIT | MSG_NOSIGNAL), >, 65536);
  }
  assert_lost (ABORTED);
  g_assert_cmpuint (probe.received->len, <=, 65536);
  g_assert_true (g_str_has_prefix (probe.log->str, "made data lost "));

  close (fd);
  probe_end ();
}

static void
half_close (TroupeProtocol *protocol)
{
  troupe_transport_set_half_close (troupe_protocol_get_transport (protocol), TRUE);
}

static void
lose_write (TroupeProtocol *protocol)
{
  write_text (protocol, "end");
  troupe_transport_lose_write_connection (troupe_protocol_get_transport (protocol));
  write_text (protocol, "ignored");
}

static void
test_half_close_by_peer (void)
{
  int fd;

  g_test_summary ("With half close on, the peer's end closes reading only, and our end then ends the connection");

  probe_begin ();
  probe.on_made = half_close;
  fd = client_open ();
  client_send (fd, "question");
  shutdown (fd, SHUT_WR);
  troupe_test_until (g_str_equal (probe.log->str, "made data read-closed "));
  g_assert_true (troupe_transport_is_connected (probe_transport ()));

  probe_do (lose_write);
  assert_client_reads (fd, "end");
  assert_client_at_end (fd);
  assert_lost (DONE);
  g_assert_true (g_str_has_prefix (probe.log->str, "made data read-closed write-closed lost "));

  close (fd);
  probe_end ();
}

static void
test_half_close_by_us (void)
{
  int fd;

  g_test_summary ("After lose_write_connection the peer reads the end and can still send");

  probe_begin ();
  fd = client_open ();
  probe_do (lose_write);
  assert_client_reads (fd, "end");
  assert_client_at_end (fd);
  troupe_test_until (g_str_equal (probe.log->str, "made write-closed "));

  client_send (fd, "still here");
  troupe_test_until (probe.received->len == 10);
  close (fd);
  assert_lost (DONE);
  probe_end ();
}

static void
test_peer_end_flushes (void)
{
  g_autoptr (GBytes) bytes = NULL;
  int fd;
  int fault;

  g_test_summary ("A peer that closes its half after the question gets the whole answer");

  make_huge ();
  probe_begin ();
  probe.on_data = write_huge;
  fd = client_open ();
  client_send (fd, "?");
  shutdown (fd, SHUT_WR);
  bytes = client_read (fd, G_MAXSIZE, &fault);
  g_assert_cmpint (fault, ==, 0);
  g_assert_true (g_bytes_equal (bytes, huge));
  assert_lost (DONE);

  close (fd);
  probe_end ();
  g_bytes_unref (huge);
}

static void
test_reset (void)
{
  g_test_summary ("A reset by the peer is a lost connection, with the system's error as its cause");

  probe_begin ();
  client_reset (client_open ());
  assert_lost (LOST);
  g_assert_nonnull (troupe_error_get_cause (probe.reason));
  g_assert_nonnull (strstr (probe.reason->message, "Connection to 127.0.0.1:"));
  probe_end ();
}

static void
write_to_nobody (TroupeProtocol *protocol)
{
  for (guint i = 0; i < 3; i++)
    write_huge_copy (protocol);
}

static void
test_reset_while_writing (void)
{
  int fd;

  g_test_summary ("A peer that vanishes while we write is told once, never from inside a write");

  make_huge ();
  probe_begin ();
  fd = client_open ();
  probe_do (write_huge);
  client_reset (fd);
  probe_do (write_to_nobody);
  assert_lost (LOST);
  probe_end ();
  g_bytes_unref (huge);
}

static void
pause_it (TroupeProtocol *protocol)
{
  troupe_transport_pause_reading (troupe_protocol_get_transport (protocol));
}

static void
resume_it (TroupeProtocol *protocol)
{
  troupe_transport_resume_reading (troupe_protocol_get_transport (protocol));
}

static void
nothing (TroupeProtocol *protocol)
{
}

static void
test_pause (void)
{
  int fd;

  g_test_summary ("Reading paused in connection_made delivers nothing until it is resumed, then data and end");

  probe_begin ();
  probe.on_made = pause_it;
  fd = client_open ();
  client_send (fd, "early");
  close (fd);
  for (guint i = 0; i < 20; i++)
    probe_do (nothing);
  g_assert_cmpstr (probe.log->str, ==, "made ");

  probe_do (resume_it);
  assert_lost (DONE);
  g_assert_true (g_str_has_prefix (probe.log->str, "made data lost "));
  g_assert_cmpuint (probe.received->len, ==, 5);
  probe_end ();
}

static void
test_pause_in_data (void)
{
  g_autofree char *text = g_strnfill (200000, 'x');
  int fd;

  g_test_summary ("Reading paused in data_received stops at once");

  probe_begin ();
  probe.on_data = pause_it;
  fd = client_open ();
  client_send (fd, text);
  troupe_test_until (probe.received->len > 0);
  for (guint i = 0; i < 20; i++)
    probe_do (nothing);
  g_assert_cmpuint (probe.received->len, <=, 65536);

  probe.on_data = NULL;
  probe_do (resume_it);
  troupe_test_until (probe.received->len == 200000);

  close (fd);
  probe_end ();
}

static void
write_in_lost (TroupeProtocol *protocol)
{
  TroupeTransport *transport = troupe_protocol_get_transport (protocol);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);

  write_text (protocol, "too late");
  troupe_transport_write_bytes (transport, bytes);
  troupe_transport_lose_connection (transport);
  troupe_transport_lose_write_connection (transport);
  troupe_transport_abort (transport);
  troupe_transport_pause_reading (transport);
  troupe_transport_resume_reading (transport);
  g_assert_cmpuint (troupe_transport_get_n_unsent (transport), ==, 0);
}

static void
test_after_lost (void)
{
  g_test_summary ("Everything is ignored from connection_lost on");

  probe_begin ();
  probe.on_lost = write_in_lost;
  close (client_open ());
  assert_lost (DONE);
  troupe_test_until (g_str_equal (probe.log->str, "made lost stopped "));
  probe_end ();
}

static void
test_outlives (void)
{
  g_autoptr (TroupeTransport) transport = NULL;
  g_autoptr (GError) error = NULL;
  int fd;

  g_test_summary ("A transport that is kept after the actor's end does nothing and still knows its peer");

  probe_begin ();
  fd = client_open ();
  transport = g_object_ref (probe_transport ());
  close (fd);
  troupe_test_until (troupe_ref_has_ended (probe.ref));

  troupe_transport_write (transport, (const guint8 *) "x", 1);
  troupe_transport_abort (transport);
  g_assert_false (troupe_transport_is_connected (transport));
  g_assert_nonnull (troupe_transport_get_peer (transport));
  g_assert_null (troupe_transport_get_host (transport));
  g_assert_false (troupe_transport_get_no_delay (transport));
  g_assert_false (troupe_transport_set_no_delay (transport, TRUE, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_CONNECTION_LOST);
  probe_end ();
}

static void
check_options (TroupeProtocol *protocol)
{
  TroupeTransport *transport = troupe_protocol_get_transport (protocol);

  g_assert_false (troupe_transport_get_no_delay (transport));
  g_assert_true (troupe_transport_set_no_delay (transport, TRUE, NULL));
  g_assert_true (troupe_transport_get_no_delay (transport));
  g_assert_false (troupe_transport_get_keep_alive (transport));
  g_assert_true (troupe_transport_set_keep_alive (transport, TRUE, NULL));
  g_assert_true (troupe_transport_get_keep_alive (transport));
}

static void
test_addresses_and_options (void)
{
  struct sockaddr_in local;
  socklen_t length = sizeof local;
  int fd;

  g_test_summary ("Addresses of both sides, no-delay and keep-alive");

  probe_begin ();
  probe.on_made = check_options;
  fd = client_open ();
  getsockname (fd, (struct sockaddr *) &local, &length);
  g_assert_cmpuint (port_number (troupe_transport_get_peer (probe_transport ())), ==, g_ntohs (local.sin_port));
  g_assert_cmpuint (port_number (troupe_transport_get_host (probe_transport ())), ==, probe.number);
  g_assert_true (troupe_transport_get_peer (probe_transport ()) == troupe_transport_get_peer (probe_transport ()));

  close (fd);
  probe_end ();
}

static void
test_misuse (void)
{
  g_test_summary ("Wrong arguments are criticals");

  probe_begin ();
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*TROUPE_IS_TRANSPORT*");
  troupe_transport_write (NULL, NULL, 0);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*TROUPE_IS_TRANSPORT*");
  troupe_transport_lose_connection (NULL);
  g_test_assert_expected_messages ();
  probe_end ();
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/transport/echo", test_echo);
  g_test_add_func ("/troupe/transport/small-writes", test_small_writes);
  g_test_add_func ("/troupe/transport/order", test_order);
  g_test_add_data_func ("/troupe/transport/water-marks/bytes", write_huge, test_water_marks);
  g_test_add_data_func ("/troupe/transport/water-marks/copy", write_huge_copy, test_water_marks);
  g_test_add_func ("/troupe/transport/water-marks/own", test_own_water_marks);
  g_test_add_func ("/troupe/transport/lose/flush-and-close", test_lose_connection);
  g_test_add_func ("/troupe/transport/lose/in-connection-made", test_lose_in_made);
  g_test_add_func ("/troupe/transport/lose/slow-reader", test_lose_flushes);
  g_test_add_func ("/troupe/transport/lose/timeout", test_close_timeout);
  g_test_add_func ("/troupe/transport/abort", test_abort);
  g_test_add_func ("/troupe/transport/abort/in-data-received", test_abort_in_data);
  g_test_add_func ("/troupe/transport/half-close/by-peer", test_half_close_by_peer);
  g_test_add_func ("/troupe/transport/half-close/by-us", test_half_close_by_us);
  g_test_add_func ("/troupe/transport/peer-end-flushes", test_peer_end_flushes);
  g_test_add_func ("/troupe/transport/reset", test_reset);
  g_test_add_func ("/troupe/transport/reset-while-writing", test_reset_while_writing);
  g_test_add_func ("/troupe/transport/pause", test_pause);
  g_test_add_func ("/troupe/transport/pause/in-data-received", test_pause_in_data);
  g_test_add_func ("/troupe/transport/after-lost", test_after_lost);
  g_test_add_func ("/troupe/transport/outlives", test_outlives);
  g_test_add_func ("/troupe/transport/addresses-and-options", test_addresses_and_options);
  g_test_add_func ("/troupe/transport/misuse", test_misuse);

  return g_test_run ();
}
