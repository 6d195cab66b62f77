/* test-connector.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "troupe-test-connection.h"

/* A factory that builds nothing. */
#define DECLINING_TYPE_FACTORY (declining_factory_get_type ())
G_DECLARE_FINAL_TYPE (DecliningFactory, declining_factory, DECLINING, FACTORY, TroupeFactory)

struct _DecliningFactory
{
  TroupeFactory parent_instance;
};

G_DEFINE_FINAL_TYPE (DecliningFactory, declining_factory, TROUPE_TYPE_FACTORY)

static TroupeRef *
declining_build_protocol (TroupeFactory   *factory,
                          GSocketAddress  *peer,
                          GError         **error)
{
  return NULL;
}

static void
declining_factory_class_init (DecliningFactoryClass *klass)
{
  TROUPE_FACTORY_CLASS (klass)->build_protocol = declining_build_protocol;
}

static void
declining_factory_init (DecliningFactory *self)
{
}

/* Knows two names, without asking anybody: “here.test”, which is 127.0.0.1, and “twice.test”, which is 127.0.0.9 and then 127.0.0.1. */
#define FAKE_TYPE_RESOLVER (fake_resolver_get_type ())
G_DECLARE_FINAL_TYPE (FakeResolver, fake_resolver, FAKE, RESOLVER, GResolver)

struct _FakeResolver
{
  GResolver parent_instance;
};

G_DEFINE_FINAL_TYPE (FakeResolver, fake_resolver, G_TYPE_RESOLVER)

static gboolean fake_is_slow;
static GTask *fake_pending;          /* of a slow lookup */

static void
free_addresses (gpointer addresses)
{
  g_resolver_free_addresses (addresses);
}

static void
fake_lookup_async (GResolver                *resolver,
                   const char               *name,
                   GResolverNameLookupFlags  flags,
                   GCancellable             *cancellable,
                   GAsyncReadyCallback       callback,
                   gpointer                  user_data)
{
  g_autoptr (GTask) task = g_task_new (resolver, cancellable, callback, user_data);
  GList *addresses = g_list_prepend (NULL, g_inet_address_new_from_string ("127.0.0.1"));

  if (g_str_equal (name, "twice.test"))
    addresses = g_list_prepend (addresses, g_inet_address_new_from_string ("127.0.0.9"));

  if (fake_is_slow)
    fake_pending = g_steal_pointer (&task);
  else if (!g_str_has_suffix (name, ".test"))
    g_task_return_new_error (task, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "Nobody knows %s", name);
  else
    g_task_return_pointer (task, g_steal_pointer (&addresses), free_addresses);

  g_resolver_free_addresses (addresses);
}

static void
fake_lookup_plain_async (GResolver           *resolver,
                         const char          *name,
                         GCancellable        *cancellable,
                         GAsyncReadyCallback  callback,
                         gpointer             user_data)
{
  fake_lookup_async (resolver, name, G_RESOLVER_NAME_LOOKUP_FLAGS_DEFAULT, cancellable, callback, user_data);
}

static GList *
fake_lookup_finish (GResolver     *resolver,
                    GAsyncResult  *result,
                    GError       **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
fake_resolver_class_init (FakeResolverClass *klass)
{
  G_RESOLVER_CLASS (klass)->lookup_by_name_async = fake_lookup_plain_async;
  G_RESOLVER_CLASS (klass)->lookup_by_name_finish = fake_lookup_finish;
  G_RESOLVER_CLASS (klass)->lookup_by_name_with_flags_async = fake_lookup_async;
  G_RESOLVER_CLASS (klass)->lookup_by_name_with_flags_finish = fake_lookup_finish;
}

static void
fake_resolver_init (FakeResolver *self)
{
}

/* A listening socket that nothing accepts from but the test. */
static int
server_open (int      backlog,
             guint16 *number)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = g_htonl (INADDR_LOOPBACK);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  if (backlog >= 0)
    g_assert_cmpint (listen (fd, backlog), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &length), ==, 0);
  *number = g_ntohs (address.sin_port);
  return fd;
}

static void
take_ref (TroupePromise *promise,
          gpointer       ref)
{
  g_assert_true (troupe_promise_get_value_type (promise) == TROUPE_TYPE_REF);
  *(TroupeRef **) ref = troupe_ref_ref (troupe_promise_get_boxed (promise));
}

static void
take_error (TroupePromise *promise,
            gpointer       error)
{
  *(GError **) error = troupe_promise_steal_error (promise);
}

static TroupeRef *
connect_to (const char *endpoint)
{
  g_autoptr (TroupePromise) promise = troupe_connect (probe.system, endpoint, probe.factory);
  TroupeRef *ref = NULL;

  troupe_promise_add_callback (promise, take_ref, &ref, NULL);
  troupe_test_until (ref != NULL);
  return ref;
}

static GError *
fail_to_connect (const char *endpoint)
{
  g_autoptr (TroupePromise) promise = troupe_connect (probe.system, endpoint, probe.factory);
  GError *error = NULL;

  troupe_promise_add_errback (promise, take_error, &error, NULL);
  troupe_test_until (error != NULL);
  return error;
}

static void
test_connect (void)
{
  g_autoptr (TroupeRef) ref = NULL;
  g_autofree char *endpoint = NULL;

  g_test_summary ("A connect promises the address of the protocol, which has been connected before any message");

  probe_begin ();
  endpoint = troupe_port_dup_endpoint (probe.port);
  ref = connect_to (endpoint);
  troupe_ref_send (ref, troupe_message_new_string ("note", "mail"));
  troupe_test_until (strstr (probe.log->str, "mail") != NULL && probe.n_made == 2);
  g_assert_true (g_str_has_prefix (probe.log->str, "made "));

  troupe_ref_stop (ref);
  troupe_test_until (probe.n_lost == 2);
  probe_end ();
}

static void
test_name (void)
{
  g_autoptr (TroupeRef) ref = NULL;
  g_autofree char *endpoint = NULL;

  g_test_summary ("A name is looked up, and the address that answers is used");

  probe_begin ();
  endpoint = g_strdup_printf ("tcp:here.test:%u", probe.number);
  ref = connect_to (endpoint);
  troupe_test_until (probe.n_made == 2);
  probe_end ();
}

static void
test_second_address (void)
{
  g_autoptr (TroupeRef) ref = NULL;
  g_autofree char *endpoint = NULL;

  g_test_summary ("If the first address of a name refuses, the next is tried at once");

  probe_begin ();
  endpoint = g_strdup_printf ("tcp:twice.test:%u", probe.number);
  ref = connect_to (endpoint);
  troupe_test_until (probe.n_made == 2);
  probe_end ();
}

static void
greet (TroupeProtocol *protocol)
{
  write_text (protocol, "hello");
}

static void
test_data (void)
{
  g_autoptr (TroupeRef) ref = NULL;
  g_autofree char *endpoint = NULL;
  guint16 number;
  int server = server_open (5, &number);
  int fd;

  g_test_summary ("A connected protocol writes and reads like an accepted one");

  probe_begin ();
  probe.on_made = greet;
  endpoint = g_strdup_printf ("tcp:127.0.0.1:%u:bindAddress=127.0.0.1", number);
  ref = connect_to (endpoint);
  fd = accept (server, NULL, NULL);
  assert_client_reads (fd, "hello");
  client_send (fd, "answer");
  troupe_test_until (probe.received->len == 6);
  g_assert_cmpuint (port_number (troupe_transport_get_peer (probe_transport ())), ==, number);

  close (fd);
  close (server);
  assert_lost (DONE);
  probe_end ();
}

static void
test_refused (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *endpoint = NULL;
  g_autofree char *message = NULL;
  guint16 number;
  int server = server_open (-1, &number);

  g_test_summary ("Nobody listening there is an error of its own that names the address");

  probe_begin ();
  endpoint = g_strdup_printf ("tcp:127.0.0.1:%u", number);
  message = g_strdup_printf ("Cannot connect to 127.0.0.1:%u: %s", number, g_strerror (ECONNREFUSED));
  error = fail_to_connect (endpoint);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_CONNECTION_REFUSED);
  g_assert_cmpstr (error->message, ==, message);

  g_clear_error (&error);
  g_clear_pointer (&endpoint, g_free);
  endpoint = g_strdup_printf ("tcp:twice.test:%u", number);
  error = fail_to_connect (endpoint);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_CONNECTION_REFUSED);
  g_assert_true (g_str_has_prefix (error->message, "Cannot connect to twice.test:"));
  close (server);
  probe_end ();
}

static void
test_unknown_host (void)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("A name that nobody knows is an error of its own");

  probe_begin ();
  error = fail_to_connect ("tcp:nonesuch.invalid:80");
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_UNKNOWN_HOST);
  g_assert_true (g_str_has_prefix (error->message, "Cannot connect to nonesuch.invalid:80: "));
  probe_end ();
}

static void
test_bad_endpoint (void)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("A bad endpoint rejects the promise");

  probe_begin ();
  error = fail_to_connect ("tcp:somewhere");
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_ENDPOINT);
  g_clear_error (&error);
  error = fail_to_connect (NULL);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_ENDPOINT);
  probe_end ();
}

static void
test_cannot_bind (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *endpoint = NULL;

  g_test_summary ("A bind address that is not ours is an error of its own");

  probe_begin ();
  endpoint = g_strdup_printf ("tcp:127.0.0.1:%u:bindAddress=192.0.2.1", probe.number);
  error = fail_to_connect (endpoint);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_CANNOT_BIND);
  g_assert_nonnull (strstr (error->message, "192.0.2.1"));
  probe_end ();
}

static void
test_declined (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *endpoint = NULL;
  guint16 number;
  int server = server_open (5, &number);
  int fd;

  g_test_summary ("A factory that builds nothing declines, and the peer sees the end");

  probe_begin_bare ();
  probe.factory = troupe_system_spawn (probe.system, NULL, DECLINING_TYPE_FACTORY, &error, NULL);
  g_assert_no_error (error);
  endpoint = g_strdup_printf ("tcp:127.0.0.1:%u", number);
  error = fail_to_connect (endpoint);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_CONNECTION_DECLINED);
  fd = accept (server, NULL, NULL);
  assert_client_at_end (fd);
  close (fd);
  close (server);
  probe_end ();
}

/* Fills the backlog of SERVER, so that the next connect gets no answer. */
static void
fill_backlog (const struct sockaddr_in *address,
              int                       fds[4])
{
  for (guint i = 0; i < 4; i++)
    {
      fds[i] = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (connect (fds[i], (const struct sockaddr *) address, sizeof *address) != 0)
        g_assert_cmpint (errno, ==, EINPROGRESS);
    }
}

static void
fill_backlog_of_port (guint16 number,
                      int     fds[4])
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = g_htons (number) };

  address.sin_addr.s_addr = g_htonl (INADDR_LOOPBACK);
  fill_backlog (&address, fds);
}

static void
test_timeout (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *endpoint = NULL;
  guint16 number;
  int server = server_open (0, &number);
  int fds[4];

  g_test_summary ("A peer that does not answer in time is an error of its own");

  fill_backlog_of_port (number, fds);
  probe_begin ();
  endpoint = g_strdup_printf ("tcp:127.0.0.1:%u:timeout=0.05", number);
  error = fail_to_connect (endpoint);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (error->message, "timed out after 0.05 s"));
  for (guint i = 0; i < 4; i++)
    close (fds[i]);
  close (server);
  probe_end ();
}

static void
test_late_address (void)
{
  g_autoptr (TroupeRef) ref = NULL;
  g_autofree char *endpoint = NULL;
  struct sockaddr_in address = { .sin_family = AF_INET };
  int silent = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int fds[4];

  g_test_summary ("If the first address of a name does not answer, the next is tried after a while");

  probe_begin ();
  address.sin_addr.s_addr = g_htonl (0x7f000009);
  address.sin_port = g_htons (probe.number);
  g_assert_cmpint (bind (silent, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (listen (silent, 0), ==, 0);
  fill_backlog (&address, fds);

  endpoint = g_strdup_printf ("tcp:twice.test:%u", probe.number);
  ref = connect_to (endpoint);
  troupe_test_until (probe.n_made == 2);
  for (guint i = 0; i < 4; i++)
    close (fds[i]);
  close (silent);
  probe_end ();
}

static void
test_lookup_timeout (void)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("The time to look up the name counts, and the lookup is cancelled");

  fake_is_slow = TRUE;
  probe_begin ();
  error = fail_to_connect ("tcp:here.test:80:timeout=0.05");
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_TIMED_OUT);
  g_assert_true (g_task_return_error_if_cancelled (fake_pending));
  g_clear_object (&fake_pending);
  troupe_test_settle ();
  fake_is_slow = FALSE;
  probe_end ();
}

static void
test_factory_ends (void)
{
  g_autoptr (TroupePromise) promise = NULL;
  g_autofree char *endpoint = NULL;
  GError *error = NULL;
  guint16 number;
  int server = server_open (0, &number);
  int fds[4];

  g_test_summary ("The end of the factory rejects what is under way and what comes later");

  fill_backlog_of_port (number, fds);
  probe_begin ();
  endpoint = g_strdup_printf ("tcp:127.0.0.1:%u", number);
  promise = troupe_connect (probe.system, endpoint, probe.factory);
  troupe_promise_add_errback (promise, take_error, &error, NULL);
  for (guint i = 0; i < 10; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_null (error);
  troupe_ref_stop (probe.factory);
  troupe_test_until (error != NULL);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  g_clear_error (&error);

  troupe_test_until (troupe_ref_has_ended (probe.factory));
  error = fail_to_connect (endpoint);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  g_clear_error (&error);
  for (guint i = 0; i < 4; i++)
    close (fds[i]);
  close (server);
  probe_end ();
}

static gpointer
connect_elsewhere (gpointer endpoint)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TroupeRef) ref = NULL;

  g_main_context_push_thread_default (context);
  ref = connect_to (endpoint);
  troupe_ref_send (ref, troupe_message_new_string ("note", "from-afar"));
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_thread (void)
{
  g_autofree char *endpoint = NULL;
  GThread *thread;

  g_test_summary ("Another thread can connect; its promise runs in its own context");

  probe_begin ();
  endpoint = troupe_port_dup_endpoint (probe.port);
  thread = g_thread_new ("elsewhere", connect_elsewhere, endpoint);
  troupe_test_until (strstr (probe.log->str, "from-afar") != NULL && probe.n_made == 2);
  g_thread_join (thread);
  probe_end ();
}

int
main (int    argc,
      char **argv)
{
  g_autoptr (GResolver) resolver = NULL;

  g_test_init (&argc, &argv, NULL);

  resolver = g_object_new (FAKE_TYPE_RESOLVER, NULL);
  g_resolver_set_default (resolver);

  g_test_add_func ("/troupe/connector/connect", test_connect);
  g_test_add_func ("/troupe/connector/name", test_name);
  g_test_add_func ("/troupe/connector/name/second-address", test_second_address);
  g_test_add_func ("/troupe/connector/name/late-address", test_late_address);
  g_test_add_func ("/troupe/connector/name/timeout", test_lookup_timeout);
  g_test_add_func ("/troupe/connector/thread", test_thread);
  g_test_add_func ("/troupe/connector/data", test_data);
  g_test_add_func ("/troupe/connector/refused", test_refused);
  g_test_add_func ("/troupe/connector/unknown-host", test_unknown_host);
  g_test_add_func ("/troupe/connector/bad-endpoint", test_bad_endpoint);
  g_test_add_func ("/troupe/connector/cannot-bind", test_cannot_bind);
  g_test_add_func ("/troupe/connector/declined", test_declined);
  g_test_add_func ("/troupe/connector/timeout", test_timeout);
  g_test_add_func ("/troupe/connector/factory-ends", test_factory_ends);

  return g_test_run ();
}
