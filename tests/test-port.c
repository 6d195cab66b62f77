/* test-port.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <fcntl.h>
#include <sys/resource.h>

#include "troupe-test-connection.h"

static void
note_done (TroupePromise *promise,
           gpointer       flag)
{
  *(gboolean *) flag = TRUE;
}

static void
note_error (TroupePromise *promise,
            gpointer       error)
{
  *(GError **) error = troupe_promise_steal_error (promise);
}

static TroupePort *
listen_or_die (const char *endpoint)
{
  g_autoptr (GError) error = NULL;
  TroupePort *port = troupe_listen (probe.system, endpoint, probe.factory, &error);

  g_assert_no_error (error);
  return port;
}

static void
test_listen (void)
{
  g_autofree char *endpoint = NULL;
  g_autofree char *expected = NULL;

  g_test_summary ("Port 0 takes a free one, which the port tells as an address and as a client endpoint");

  probe_begin ();
  expected = g_strdup_printf ("tcp:127.0.0.1:%u", probe.number);
  endpoint = troupe_port_dup_endpoint (probe.port);
  g_assert_cmpuint (probe.number, >, 0);
  g_assert_cmpstr (endpoint, ==, expected);
  g_assert_true (troupe_port_is_listening (probe.port));

  close (client_open ());
  assert_lost (DONE);
  probe_end ();
}

static void
test_dropped (void)
{
  guint16 number;

  g_test_summary ("A port nobody keeps a reference to still accepts");

  probe_begin ();
  number = probe.number;
  g_clear_object (&probe.port);
  close (client_connect (number));
  assert_lost (DONE);
  probe_end ();
}

static void
test_in_use (void)
{
  g_autofree char *endpoint = NULL;
  g_autofree char *message = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A port in use is an error that names the address");

  probe_begin ();
  endpoint = g_strdup_printf ("tcp:%u:interface=127.0.0.1", probe.number);
  message = g_strdup_printf ("Cannot listen on 127.0.0.1:%u: %s", probe.number, g_strerror (EADDRINUSE));
  g_assert_null (troupe_listen (probe.system, endpoint, probe.factory, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_CANNOT_LISTEN);
  g_assert_cmpstr (error->message, ==, message);
  probe_end ();
}

static void
test_bad (void)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("A bad endpoint and an address that is not ours are errors");

  probe_begin ();
  g_assert_null (troupe_listen (probe.system, "tcp:x", probe.factory, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_ENDPOINT);
  g_clear_error (&error);
  g_assert_null (troupe_listen (probe.system, NULL, probe.factory, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_ENDPOINT);
  g_clear_error (&error);

  g_assert_null (troupe_listen (probe.system, "tcp:0:interface=192.0.2.1", probe.factory, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_CANNOT_LISTEN);
  g_assert_true (g_str_has_prefix (error->message, "Cannot listen on 192.0.2.1:0: "));
  probe_end ();
}

static gboolean
have_ipv6 (void)
{
  struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
  int fd = socket (AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  gboolean have = fd >= 0 && bind (fd, (struct sockaddr *) &address, sizeof address) == 0;

  if (fd >= 0)
    close (fd);
  return have;
}

static void
test_ipv6 (void)
{
  g_autoptr (TroupePort) port = NULL;
  g_autofree char *endpoint = NULL;
  struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
  int fd;

  g_test_summary ("An IPv6 interface is listened on");

  if (!have_ipv6 ())
    {
      g_test_skip ("no IPv6 here");
      return;
    }

  probe_begin ();
  port = listen_or_die ("tcp6:0:interface=\\:\\:1");
  endpoint = troupe_port_dup_endpoint (port);
  g_assert_true (g_str_has_prefix (endpoint, "tcp:\\:\\:1:"));

  address.sin6_port = g_htons (port_number (troupe_port_get_address (port)));
  fd = socket (AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  troupe_test_until (probe.n_made == 1);
  g_assert_cmpint (g_socket_address_get_family (troupe_transport_get_peer (probe_transport ())), ==, G_SOCKET_FAMILY_IPV6);
  close (fd);
  assert_lost (DONE);
  probe_end ();
}

static void
test_stop (void)
{
  gboolean first = FALSE;
  gboolean second = FALSE;
  gboolean third = FALSE;
  g_autoptr (TroupePromise) promise = NULL;
  g_autoptr (TroupePromise) again = NULL;
  g_autoptr (TroupePromise) late = NULL;
  g_autoptr (TroupePort) reopened = NULL;
  g_autofree char *endpoint = NULL;
  int fd;

  g_test_summary ("A stopped port frees its address and keeps its connections; stopping again is the same");

  probe_begin ();
  probe.on_data = NULL;
  fd = client_open ();
  promise = troupe_port_stop (probe.port);
  again = troupe_port_stop (probe.port);
  g_assert_false (troupe_port_is_listening (probe.port));
  troupe_promise_add_callback (promise, note_done, &first, NULL);
  troupe_promise_add_callback (again, note_done, &second, NULL);
  troupe_test_until (first && second);
  late = troupe_port_stop (probe.port);
  troupe_promise_add_callback (late, note_done, &third, NULL);
  troupe_test_until (third);

  client_send (fd, "still here");
  troupe_test_until (probe.received->len == 10);

  endpoint = g_strdup_printf ("tcp:%u:interface=127.0.0.1", probe.number);
  reopened = listen_or_die (endpoint);
  close (fd);
  assert_lost (DONE);
  probe_end ();
}

static void
test_stop_at_once (void)
{
  gboolean done = FALSE;
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("A port can be stopped before its factory had a turn");

  probe_begin ();
  promise = troupe_port_stop (probe.port);
  troupe_promise_add_callback (promise, note_done, &done, NULL);
  troupe_test_until (done);
  probe_end ();
}

static void
test_factory_ends (void)
{
  gboolean done = FALSE;
  g_autoptr (TroupePromise) promise = NULL;
  g_autoptr (GError) error = NULL;
  int fd;

  g_test_summary ("The end of the factory closes its port and its connections; then nothing can be listened on for it");

  probe_begin ();
  fd = client_open ();
  troupe_ref_stop (probe.factory);
  troupe_test_until (troupe_ref_has_ended (probe.factory));
  g_assert_false (troupe_port_is_listening (probe.port));
  g_assert_cmpuint (probe.n_lost, ==, 1);
  assert_client_at_end (fd);

  promise = troupe_port_stop (probe.port);
  troupe_promise_add_callback (promise, note_done, &done, NULL);
  troupe_test_until (done);

  g_assert_null (troupe_listen (probe.system, "tcp:0:interface=127.0.0.1", probe.factory, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  close (fd);
  probe_end ();
}

static void
take_port (TroupePromise *promise,
           gpointer       port)
{
  *(TroupePort **) port = g_object_ref (troupe_promise_get_object (promise));
}

static void
test_later (void)
{
  g_autoptr (TroupePromise) promise = NULL;
  g_autoptr (TroupePort) port = NULL;

  g_test_summary ("listen_later promises a port");

  probe_begin ();
  promise = troupe_listen_later (probe.system, "tcp:0:interface=127.0.0.1", probe.factory);
  troupe_promise_add_callback (promise, take_port, &port, NULL);
  troupe_test_until (port != NULL);
  probe.number = port_number (troupe_port_get_address (port));
  close (client_open ());
  assert_lost (DONE);
  probe_end ();
}

static void
assert_later_fails (const char  *endpoint,
                    TroupeError  code)
{
  g_autoptr (TroupePromise) promise = troupe_listen_later (probe.system, endpoint, probe.factory);
  GError *error = NULL;

  troupe_promise_add_errback (promise, note_error, &error, NULL);
  troupe_test_until (error != NULL);
  g_assert_error (error, TROUPE_ERROR, (int) code);
  g_error_free (error);
}

static void
test_later_fails (void)
{
  g_test_summary ("listen_later rejects with the errors of listen");

  probe_begin ();
  assert_later_fails ("tcp:x", TROUPE_ERROR_BAD_ENDPOINT);
  assert_later_fails (NULL, TROUPE_ERROR_BAD_ENDPOINT);
  assert_later_fails ("tcp:0:interface=192.0.2.1", TROUPE_ERROR_CANNOT_LISTEN);
  troupe_ref_stop (probe.factory);
  troupe_test_until (troupe_ref_has_ended (probe.factory));
  assert_later_fails ("tcp:0:interface=127.0.0.1", TROUPE_ERROR_ACTOR_STOPPED);
  probe_end ();
}

static gpointer
listen_elsewhere (gpointer data)
{
  GError *error = NULL;

  g_assert_null (troupe_listen (probe.system, "tcp:0:interface=127.0.0.1", probe.factory, &error));
  return error;
}

static void
test_wrong_thread (void)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("listen refuses another thread and says what to call instead");

  probe_begin ();
  error = g_thread_join (g_thread_new ("elsewhere", listen_elsewhere, NULL));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_WRONG_THREAD);
  g_assert_nonnull (strstr (error->message, "troupe_listen_later"));
  probe_end ();
}

static void
test_fd (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupePort) port = NULL;
  g_autoptr (TroupePort) by_endpoint = NULL;
  g_autofree char *endpoint = NULL;
  struct sockaddr_in address = { .sin_family = AF_INET };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_test_summary ("A socket that was opened elsewhere is listened on, unless it does not listen");

  address.sin_addr.s_addr = g_htonl (INADDR_LOOPBACK);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);

  probe_begin ();
  g_assert_null (troupe_listen_fd (probe.system, fd, probe.factory, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_CANNOT_LISTEN);
  g_assert_nonnull (strstr (error->message, "no listening socket"));
  g_clear_error (&error);

  g_assert_cmpint (listen (fd, 5), ==, 0);
  port = troupe_listen_fd (probe.system, fd, probe.factory, &error);
  g_assert_no_error (error);
  endpoint = g_strdup_printf ("fd:%d", fd);
  by_endpoint = listen_or_die (endpoint);
  close (fd);

  probe.number = port_number (troupe_port_get_address (port));
  close (client_open ());
  assert_lost (DONE);
  probe_end ();
}

static void
test_bad_fd (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupePromise) promise = NULL;
  int null = open ("/dev/null", O_RDONLY | O_CLOEXEC);

  g_test_summary ("What is no socket is refused");

  probe_begin ();
  g_assert_null (troupe_listen_fd (probe.system, null, probe.factory, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_CANNOT_LISTEN);
  g_clear_error (&error);
  promise = troupe_adopt_connection (probe.system, null, probe.factory);
  g_clear_error (&error);
  error = troupe_promise_steal_error (promise);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_DESCRIPTOR);
  close (null);
  probe_end ();
}

static void
greet (TroupeProtocol *protocol)
{
  write_text (protocol, "adopted");
}

static void
test_adopt (void)
{
  g_autoptr (TroupeRef) ref = NULL;
  int pair[2];

  g_test_summary ("A connection that was made elsewhere gets a protocol, even before the factory had a turn");

  probe_begin ();
  probe.on_made = greet;
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
  ref = troupe_test_adopt (probe.system, pair[0], probe.factory);
  g_assert_true (troupe_ref_get_parent (ref) == probe.factory);

  assert_client_reads (pair[1], "adopted");
  g_assert_true (probe.ref == ref);
  g_assert_cmpint (g_socket_address_get_family (troupe_transport_get_peer (probe_transport ())), ==, G_SOCKET_FAMILY_UNIX);
  close (pair[1]);
  assert_lost (DONE);
  probe_end ();
}

static int adopted[2];

static void
adopt_in_turn (TroupeProtocol *protocol)
{
  g_autoptr (TroupePromise) promise = troupe_adopt_connection (probe.system, adopted[0],
                                                               troupe_protocol_get_factory (protocol));

  g_assert_false (troupe_promise_is_resolved (promise));

  /* It is still this actor's turn, and the other's connection_made is a later one. */
  g_assert_cmpuint (probe.n_made, ==, 1);
  g_assert_false (troupe_transport_is_disconnecting (troupe_protocol_get_transport (protocol)));
  write_text (protocol, "mine");
}

static void
test_adopt_in_turn (void)
{
  int fd;

  g_test_summary ("A connection can be adopted in a turn of another actor, which goes on as before");

  probe_begin ();
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, adopted), ==, 0);
  fd = client_open ();
  probe_do (adopt_in_turn);
  close (adopted[0]);
  assert_client_reads (fd, "mine");
  troupe_test_until (probe.n_made == 2);

  close (fd);
  close (adopted[1]);
  troupe_test_until (probe.n_lost == 2);
  probe_end ();
}

static void
test_adopt_refused (void)
{
  g_autoptr (TroupePromise) promise = NULL;
  g_autoptr (GError) error = NULL;
  int pair[2];

  g_test_summary ("Adopting for a factory that ends is rejected, and the socket is closed");

  probe_begin ();
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
  promise = troupe_adopt_connection (probe.system, pair[0], probe.factory);
  close (pair[0]);
  troupe_ref_stop (probe.factory);
  troupe_test_until (troupe_promise_is_resolved (promise));
  error = troupe_promise_steal_error (promise);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  g_assert_cmpint (read (pair[1], &(char) { 0 }, 1), ==, 0);
  close (pair[1]);
  probe_end ();
}

static gpointer
listen_later_elsewhere (gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TroupePromise) promise = NULL;
  TroupePort *port = NULL;

  g_main_context_push_thread_default (context);
  promise = troupe_listen_later (probe.system, "tcp:0:interface=127.0.0.1", probe.factory);
  troupe_promise_add_callback (promise, take_port, &port, NULL);
  troupe_test_until (port != NULL);
  g_main_context_pop_thread_default (context);
  g_atomic_pointer_set ((TroupePort **) data, port);
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
test_later_elsewhere (void)
{
  TroupePort *port = NULL;
  GThread *thread;

  g_test_summary ("Another thread can listen later");

  probe_begin ();
  thread = g_thread_new ("elsewhere", listen_later_elsewhere, &port);
  troupe_test_until (g_atomic_pointer_get (&port) != NULL);
  g_thread_join (thread);
  probe.number = port_number (troupe_port_get_address (port));
  close (client_open ());
  assert_lost (DONE);
  g_object_unref (port);
  probe_end ();
}

static void
test_many (void)
{
  enum { N = 300 };
  g_autoptr (TroupePort) port = NULL;
  int fds[N];

  g_test_summary ("More connections than one batch accepts are all accepted");

  probe_begin ();
  port = listen_or_die ("tcp:0:interface=127.0.0.1:backlog=400");
  for (guint i = 0; i < N; i++)
    fds[i] = client_connect (port_number (troupe_port_get_address (port)));
  troupe_test_until (probe.n_made == N);
  for (guint i = 0; i < N; i++)
    close (fds[i]);
  troupe_test_until (probe.n_lost == N);
  probe_end ();
}

static void
test_no_descriptors (void)
{
  struct rlimit limit;
  struct rlimit low;
  const char *preload = g_getenv ("LD_PRELOAD");
  int fds[3];

  g_test_summary ("Out of descriptors, clients are closed at once, and accepted again when there are descriptors");

  if (preload != NULL && strstr (preload, "vgpreload") != NULL)
    {
      g_test_skip ("valgrind only pretends to set limits");
      return;
    }

  probe_begin ();
  close (client_open ());
  assert_lost (DONE);

  for (guint i = 0; i < 3; i++)
    fds[i] = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  getrlimit (RLIMIT_NOFILE, &limit);
  low = limit;
  low.rlim_cur = fds[2] + 1;
  setrlimit (RLIMIT_NOFILE, &low);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_MESSAGE, "Out of file descriptors: * closed at once");
  for (guint i = 0; i < 2; i++)
    {
      struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = g_htons (probe.number) };

      address.sin_addr.s_addr = g_htonl (INADDR_LOOPBACK);
      g_assert_cmpint (connect (fds[i], (struct sockaddr *) &address, sizeof address), ==, 0);
      assert_client_at_end (fds[i]);
    }
  g_test_assert_expected_messages ();
  g_assert_cmpuint (probe.n_made, ==, 1);

  setrlimit (RLIMIT_NOFILE, &limit);
  close (client_open ());
  troupe_test_until (probe.n_lost == 2);
  for (guint i = 0; i < 3; i++)
    close (fds[i]);
  probe_end ();
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/port/listen", test_listen);
  g_test_add_func ("/troupe/port/dropped", test_dropped);
  g_test_add_func ("/troupe/port/in-use", test_in_use);
  g_test_add_func ("/troupe/port/bad", test_bad);
  g_test_add_func ("/troupe/port/ipv6", test_ipv6);
  g_test_add_func ("/troupe/port/stop", test_stop);
  g_test_add_func ("/troupe/port/stop/at-once", test_stop_at_once);
  g_test_add_func ("/troupe/port/factory-ends", test_factory_ends);
  g_test_add_func ("/troupe/port/later", test_later);
  g_test_add_func ("/troupe/port/later/fails", test_later_fails);
  g_test_add_func ("/troupe/port/wrong-thread", test_wrong_thread);
  g_test_add_func ("/troupe/port/fd", test_fd);
  g_test_add_func ("/troupe/port/fd/bad", test_bad_fd);
  g_test_add_func ("/troupe/port/adopt", test_adopt);
  g_test_add_func ("/troupe/port/adopt/in-turn", test_adopt_in_turn);
  g_test_add_func ("/troupe/port/adopt/refused", test_adopt_refused);
  g_test_add_func ("/troupe/port/later/elsewhere", test_later_elsewhere);
  g_test_add_func ("/troupe/port/many", test_many);
  g_test_add_func ("/troupe/port/no-descriptors", test_no_descriptors);

  return g_test_run ();
}
