/* test-client.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "troupe-test-connection.h"
#include "troupe-test-puppet.h"

#define MAX_WAIT_US (20 * G_USEC_PER_SEC)

static gboolean
wake_cb (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

/* Turns the default context until CONDITION holds, but not for ever. */
#define await(condition)                                                        \
  G_STMT_START {                                                                \
    gint64 end_ = g_get_monotonic_time () + MAX_WAIT_US;                        \
    guint wake_ = g_timeout_add (20, wake_cb, NULL);                            \
    while (!(condition))                                                        \
      {                                                                         \
        if (g_get_monotonic_time () > end_)                                     \
          g_error ("Line %d: in vain for %s; there is: %s", __LINE__, #condition, story->str); \
        g_main_context_iteration (NULL, TRUE);                                  \
      }                                                                         \
    g_source_remove (wake_);                                                    \
  } G_STMT_END

/* A client that tells what its functions are called for, and prepares connections as the test says. */

typedef enum
{
  PREPARE_NOTHING,
  PREPARE_LATER,
  PREPARE_FAIL,
  PREPARE_TIMEOUT,
} Preparation;

static struct
{
  Preparation     preparation;
  TroupeResolver *resolver;          /* of the last PREPARE_LATER */
  gboolean        is_unwanted;       /* its promise was cancelled */
  gboolean        declines;          /* builds no protocol */
  GType           type;              /* what it builds, or 0 */
} plan;

#define TESTED_TYPE_CLIENT (tested_client_get_type ())
G_DECLARE_FINAL_TYPE (TestedClient, tested_client, TESTED, CLIENT, TroupeClient)

struct _TestedClient
{
  TroupeClient parent_instance;
};

G_DEFINE_FINAL_TYPE (TestedClient, tested_client, TROUPE_TYPE_CLIENT)

static void
note_client (const char *text)
{
  g_string_append (probe.log, text);
}

static void
tested_connecting (TroupeClient *client)
{
  note_client ("connecting ");
  TROUPE_CLIENT_CLASS (tested_client_parent_class)->connecting (client);
}

static void
unwanted_cb (TroupeResolver *resolver,
             gpointer        data)
{
  plan.is_unwanted = TRUE;
}

static TroupePromise *
tested_prepare (TroupeClient  *client,
                TroupeRef     *connection,
                GError       **error)
{
  TroupePromise *promise;

  g_assert_null (troupe_client_get_connection (client));
  switch (plan.preparation)
    {
    case PREPARE_LATER:
      g_clear_pointer (&plan.resolver, troupe_resolver_unref);
      return troupe_promise_new_with_canceller (&plan.resolver, unwanted_cb, NULL, NULL);

    case PREPARE_FAIL:
      g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_FAILED, "Not this one");
      return NULL;

    case PREPARE_TIMEOUT:
      g_clear_pointer (&plan.resolver, troupe_resolver_unref);
      promise = troupe_promise_new (&plan.resolver);
      return troupe_promise_add_timeout (promise, 500, NULL, NULL, NULL);

    case PREPARE_NOTHING:
    default:
      return TROUPE_CLIENT_CLASS (tested_client_parent_class)->prepare_connection (client, connection, error);
    }
}

static void
tested_connected (TroupeClient *client,
                  TroupeRef    *connection)
{
  note_client ("connected ");
  g_assert_true (troupe_client_get_connection (client) == connection);
  TROUPE_CLIENT_CLASS (tested_client_parent_class)->connected (client, connection);
}

static void
tested_disconnected (TroupeClient        *client,
                     TroupeDisconnection *disconnection)
{
  note_client ("disconnected ");
  g_assert_null (troupe_client_get_connection (client));
  TROUPE_CLIENT_CLASS (tested_client_parent_class)->disconnected (client, disconnection);
}

static TroupeRef *
tested_build (TroupeFactory   *factory,
              GSocketAddress  *peer,
              GError         **error)
{
  if (plan.declines)
    return NULL;
  if (plan.type != 0)
    return troupe_actor_spawn (TROUPE_ACTOR (factory), NULL, plan.type, error, NULL);

  return TROUPE_FACTORY_CLASS (tested_client_parent_class)->build_protocol (factory, peer, error);
}

static gboolean
tested_on_fail (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_FAILED, "It was told to");
  return FALSE;
}

static void
tested_client_class_init (TestedClientClass *klass)
{
  TroupeClientClass *client_class = TROUPE_CLIENT_CLASS (klass);

  client_class->connecting = tested_connecting;
  client_class->prepare_connection = tested_prepare;
  client_class->connected = tested_connected;
  client_class->disconnected = tested_disconnected;
  TROUPE_FACTORY_CLASS (klass)->build_protocol = tested_build;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "fail", G_TYPE_NONE, tested_on_fail);
}

static void
tested_client_init (TestedClient *self)
{
}

/* What clients publish, as an actor hears it: “connecting connected lost ”, and the last disconnection. */

static GString *story;
static TroupeDisconnection *last;
static guint n_disconnected;

#define NEWS_TYPE_LISTENER (news_listener_get_type ())
G_DECLARE_FINAL_TYPE (NewsListener, news_listener, NEWS, LISTENER, TroupeActor)

struct _NewsListener
{
  TroupeActor parent_instance;
};

G_DEFINE_FINAL_TYPE (NewsListener, news_listener, TROUPE_TYPE_ACTOR)

static gboolean
news_on_news (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  g_assert_nonnull (troupe_message_get_ref (message));
  g_string_append_printf (story, "%s ", troupe_message_get_name (message));
  return TRUE;
}

static gboolean
news_on_disconnected (TroupeActor    *actor,
                      TroupeMessage  *message,
                      GError        **error)
{
  g_string_append (story, "disconnected ");
  g_clear_pointer (&last, troupe_disconnection_unref);
  last = troupe_disconnection_ref (troupe_message_get_boxed (message));
  n_disconnected++;
  return TRUE;
}

static void
news_listener_class_init (NewsListenerClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  troupe_actor_class_bind (actor_class, "connecting", TROUPE_TYPE_REF, news_on_news);
  troupe_actor_class_bind (actor_class, "connected", TROUPE_TYPE_REF, news_on_news);
  troupe_actor_class_bind (actor_class, "disconnected", TROUPE_TYPE_DISCONNECTION, news_on_disconnected);
}

static void
news_listener_init (NewsListener *self)
{
}

/* A listening socket that nothing accepts from but the test; on *NUMBER unless that is 0. */
static int
server_open (guint16 *number)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = g_htons (*number) };
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int yes = 1;

  address.sin_addr.s_addr = g_htonl (INADDR_LOOPBACK);
  g_assert_cmpint (setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), ==, 0);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (listen (fd, 16), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &length), ==, 0);
  *number = g_ntohs (address.sin_port);
  return fd;
}

static int
server_accept (int server)
{
  int fd = -1;

  await ((fd = accept (server, NULL, NULL)) >= 0);
  return fd;
}

typedef struct
{
  TroupeClock *clock;                /* NULL: real time */
  TroupeRef   *listener;
  TroupeRef   *client;
  int          server;               /* -1: there is none */
  guint16      number;
} Fixture;

static void
begin_system (Fixture *self,
              guint    n_reactors)
{
  static const char *const filters[] = { "$system/connecting/#", "$system/connected/#", "$system/disconnected/#" };
  g_autoptr (GError) error = NULL;

  memset (&plan, 0, sizeof plan);
  memset (self, 0, sizeof *self);
  story = g_string_new (NULL);
  last = NULL;
  n_disconnected = 0;
  probe_begin_bare ();
  if (n_reactors > 1)
    {
      troupe_test_system_end (probe.system);
      probe.system = troupe_system_new_with_reactors (NULL, NULL, n_reactors, &error);
      g_assert_no_error (error);
    }
  else
    {
      self->clock = troupe_clock_new (troupe_system_get_reactor (probe.system));
    }

  self->listener = troupe_system_spawn (probe.system, "listener", NEWS_TYPE_LISTENER, &error, NULL);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (filters); i++)
    troupe_system_subscribe (probe.system, filters[i], self->listener, &error);
  g_assert_no_error (error);
  self->server = server_open (&self->number);
}

static void
spawn_client (Fixture *self,
              guint    first_ms,
              guint    longest_ms)
{
  g_autofree char *endpoint = g_strdup_printf ("tcp:127.0.0.1:%u:timeout=5", self->number);
  g_autoptr (GError) error = NULL;

  self->client = troupe_system_spawn (probe.system, "link", TESTED_TYPE_CLIENT, &error, "endpoint", endpoint,
                                      "protocol-type", PROBE_TYPE_PROTOCOL, "first-delay-ms", first_ms,
                                      "longest-delay-ms", longest_ms, NULL);
  g_assert_no_error (error);
}

static void
begin (Fixture *self)
{
  begin_system (self, 1);
  spawn_client (self, 1000, 60000);
}

static void
close_server (Fixture *self)
{
  close (self->server);
  self->server = -1;
}

static void
begin_without_server (Fixture *self)
{
  begin_system (self, 1);
  close_server (self);
  spawn_client (self, 1000, 60000);
}

/* Connected; the peer. */
static int
begin_connected (Fixture *self)
{
  int peer;

  begin (self);
  peer = server_accept (self->server);
  await (g_str_has_suffix (story->str, "connected "));
  return peer;
}

static void
end (Fixture *self)
{
  if (self->server >= 0)
    close (self->server);
  g_clear_object (&self->clock);
  g_clear_pointer (&plan.resolver, troupe_resolver_unref);
  probe_end ();
  g_assert_true (troupe_ref_has_ended (self->client));
  g_clear_pointer (&self->client, troupe_ref_unref);
  g_clear_pointer (&self->listener, troupe_ref_unref);
  g_clear_pointer (&last, troupe_disconnection_unref);
  g_string_free (story, TRUE);
}

/* Waits for the Nth disconnection. Gives what is waited before the next attempt. */
static gint64
await_disconnection (guint       n,
                     TroupeError code)
{
  await (n_disconnected >= n);
  g_assert_cmpuint (n_disconnected, ==, n);
  g_assert_error (troupe_disconnection_get_error (last), TROUPE_ERROR, (int) code);
  return troupe_disconnection_get_delay_ms (last);
}

/* An ask of the client's, whose outcome is noted. */
typedef struct
{
  TroupePromise *promise;
  TroupeRef     *connection;
  GError        *error;
} Question;

static void
question_answered_cb (TroupePromise *promise,
                      gpointer       data)
{
  Question *self = data;

  if (troupe_promise_has_value (promise))
    self->connection = troupe_ref_ref (troupe_promise_get_ref (promise));
  else
    self->error = troupe_promise_steal_error (promise);
}

static void
ask (Fixture       *fixture,
     Question      *self,
     TroupeMessage *message)
{
  memset (self, 0, sizeof *self);
  self->promise = troupe_ref_ask (fixture->client, message);
  troupe_promise_add_both (self->promise, question_answered_cb, self, NULL);
}

static void
ask_when_connected (Fixture  *fixture,
                    Question *self,
                    gint64    n)
{
  ask (fixture, self, n > 0 ? troupe_message_new_int64 ("when-connected", n) : troupe_message_new ("when-connected"));
}

static gboolean
question_is_open (Question *self)
{
  return self->connection == NULL && self->error == NULL;
}

static void
question_clear (Question *self)
{
  g_clear_pointer (&self->promise, troupe_promise_unref);
  g_clear_pointer (&self->connection, troupe_ref_unref);
  g_clear_error (&self->error);
}

static void
assert_rejected (Question    *self,
                 TroupeError  code)
{
  await (!question_is_open (self));
  g_assert_error (self->error, TROUPE_ERROR, (int) code);
  question_clear (self);
}

static void
assert_connected (Question *self)
{
  await (!question_is_open (self));
  g_assert_no_error (self->error);
  g_assert_true (g_type_is_a (troupe_ref_get_actor_type (self->connection), TROUPE_TYPE_PROTOCOL));
  question_clear (self);
}

static void
test_connect (void)
{
  Fixture fixture;
  int peer;

  g_test_summary ("A client connects when it starts, and tells: its own class, and who has subscribed");

  peer = begin_connected (&fixture);
  g_assert_cmpstr (probe.log->str, ==, "connecting connected made ");
  g_assert_cmpstr (story->str, ==, "connecting connected ");
  close (peer);
  end (&fixture);
}

static void
test_when_connected (void)
{
  Question before, after;
  Fixture fixture;
  int peer;

  g_test_summary ("Who asks is answered with the connection, once it is there, or at once");

  begin (&fixture);
  ask_when_connected (&fixture, &before, 0);
  peer = server_accept (fixture.server);
  await (!question_is_open (&before));
  g_assert_true (before.connection == probe.ref);
  ask_when_connected (&fixture, &after, 3);
  await (!question_is_open (&after));
  g_assert_true (after.connection == probe.ref);
  question_clear (&before);
  question_clear (&after);
  close (peer);
  end (&fixture);
}

static gboolean thread_is_done;

static gboolean
thread_done_cb (gpointer data)
{
  thread_is_done = TRUE;
  return G_SOURCE_REMOVE;
}

static gpointer
thread_main (gpointer client)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupeMessage) answer = troupe_ref_ask_sync (client, troupe_message_new ("when-connected"), 20000, NULL, &error);

  g_assert_no_error (error);
  g_idle_add (thread_done_cb, NULL);
  return troupe_ref_ref (troupe_message_get_ref (answer));
}

static void
test_any_thread (void)
{
  g_autoptr (TroupeRef) connection = NULL;
  Fixture fixture;
  GThread *thread;
  int peer;

  g_test_summary ("A thread without a main loop may wait for the connection");

  begin (&fixture);
  thread_is_done = FALSE;
  thread = g_thread_new ("asker", thread_main, fixture.client);
  peer = server_accept (fixture.server);
  await (thread_is_done);
  connection = g_thread_join (thread);
  g_assert_true (connection == probe.ref);
  close (peer);
  end (&fixture);
}

static void
test_reconnect (void)
{
  Fixture fixture;
  gint64 delay_ms;
  int peer;

  g_test_summary ("A connection that is lost is followed by another, after 1 to 2 seconds");

  peer = begin_connected (&fixture);
  close (peer);
  delay_ms = await_disconnection (1, TROUPE_ERROR_CONNECTION_DONE);
  g_assert_cmpint (delay_ms, >=, 1000);
  g_assert_cmpint (delay_ms, <, 2000);
  g_assert_cmpuint (troupe_disconnection_get_n_failures (last), ==, 1);

  troupe_clock_advance (fixture.clock, delay_ms - 1);
  troupe_test_settle ();
  g_assert_true (g_str_has_suffix (story->str, "disconnected "));
  troupe_clock_advance (fixture.clock, 1);
  peer = server_accept (fixture.server);
  await (g_str_has_suffix (story->str, "disconnected connecting connected "));
  g_assert_cmpuint (probe.n_made, ==, 2);
  close (peer);
  end (&fixture);
}

static void
test_reset (void)
{
  Fixture fixture;

  g_test_summary ("The reason is told, too");

  client_reset (begin_connected (&fixture));
  await_disconnection (1, TROUPE_ERROR_CONNECTION_LOST);
  end (&fixture);
}

static void
test_back_off (void)
{
  double base = 1000;
  gint64 added[20];
  Fixture fixture;
  guint n_small = 0;

  g_test_summary ("Each wait is half as long again as the one before, up to a minute, and up to a second more");

  begin_system (&fixture, 1);
  troupe_system_set_seed (probe.system, 42);
  close_server (&fixture);
  spawn_client (&fixture, 1000, 60000);
  for (guint i = 0; i < G_N_ELEMENTS (added); i++)
    {
      gint64 delay_ms = await_disconnection (i + 1, TROUPE_ERROR_CONNECTION_REFUSED);

      g_assert_cmpuint (troupe_disconnection_get_n_failures (last), ==, i + 1);
      added[i] = delay_ms - (gint64) base;
      g_assert_cmpint (added[i], >=, 0);
      g_assert_cmpint (added[i], <, 1000);
      n_small += added[i] < 500;
      base = MIN (base * 1.5, 60000);
      troupe_clock_advance (fixture.clock, delay_ms);
    }
  g_assert_cmpfloat (base, ==, 60000);
  /* By chance, and not the same each time: all in one half would happen once in 500 000 times, but for the seed. */
  g_assert_cmpuint (n_small, >, 0);
  g_assert_cmpuint (n_small, <, G_N_ELEMENTS (added));
  end (&fixture);
}

static void
test_begin_anew (void)
{
  Fixture fixture;
  int peer;

  g_test_summary ("A client that was connected begins anew with its waits");

  begin_without_server (&fixture);
  for (guint i = 1; i < 6; i++)
    troupe_clock_advance (fixture.clock, await_disconnection (i, TROUPE_ERROR_CONNECTION_REFUSED));
  await_disconnection (6, TROUPE_ERROR_CONNECTION_REFUSED);
  g_assert_cmpint (troupe_disconnection_get_delay_ms (last), >, 7000);

  fixture.server = server_open (&fixture.number);
  troupe_clock_advance (fixture.clock, troupe_disconnection_get_delay_ms (last));
  peer = server_accept (fixture.server);
  await (g_str_has_suffix (story->str, "connecting connected "));
  close (peer);
  g_assert_cmpint (await_disconnection (7, TROUPE_ERROR_CONNECTION_DONE), <, 2000);
  g_assert_cmpuint (troupe_disconnection_get_n_failures (last), ==, 1);
  end (&fixture);
}

static void
test_delays (void)
{
  Fixture fixture;

  g_test_summary ("The first and the longest delay are properties");

  begin_system (&fixture, 1);
  close_server (&fixture);
  spawn_client (&fixture, 10, 30);
  for (guint i = 0; i < 10; i++)
    {
      static const gint64 least[] = { 10, 15, 22, 30 };
      gint64 delay_ms = await_disconnection (i + 1, TROUPE_ERROR_CONNECTION_REFUSED);

      g_assert_cmpint (delay_ms, >=, least[MIN (i, 3)]);
      g_assert_cmpint (delay_ms, <, least[MIN (i, 3)] + 10);
      troupe_clock_advance (fixture.clock, delay_ms);
    }
  end (&fixture);
}

static void
test_give_up (void)
{
  Question first, third, patient;
  Fixture fixture;
  int peer;

  g_test_summary ("Who asks may give up after so many attempts that fail; the client goes on");

  begin_without_server (&fixture);
  ask_when_connected (&fixture, &first, 1);
  ask_when_connected (&fixture, &third, 3);
  ask_when_connected (&fixture, &patient, 0);
  troupe_clock_advance (fixture.clock, await_disconnection (1, TROUPE_ERROR_CONNECTION_REFUSED));
  assert_rejected (&first, TROUPE_ERROR_CONNECTION_REFUSED);
  await_disconnection (2, TROUPE_ERROR_CONNECTION_REFUSED);
  troupe_test_settle ();
  g_assert_true (question_is_open (&third));
  troupe_clock_advance (fixture.clock, troupe_disconnection_get_delay_ms (last));
  await_disconnection (3, TROUPE_ERROR_CONNECTION_REFUSED);
  assert_rejected (&third, TROUPE_ERROR_CONNECTION_REFUSED);
  troupe_test_settle ();
  g_assert_true (question_is_open (&patient));

  fixture.server = server_open (&fixture.number);
  troupe_clock_advance (fixture.clock, troupe_disconnection_get_delay_ms (last));
  peer = server_accept (fixture.server);
  assert_connected (&patient);
  close (peer);
  end (&fixture);
}

static void
test_loss_is_no_failure (void)
{
  Question question;
  Fixture fixture;
  gint64 delay_ms;
  int peer;

  g_test_summary ("Who asks while a connection is being lost waits for the next: a loss is no attempt that failed");

  peer = begin_connected (&fixture);
  close (peer);
  delay_ms = await_disconnection (1, TROUPE_ERROR_CONNECTION_DONE);
  ask_when_connected (&fixture, &question, 1);
  troupe_clock_advance (fixture.clock, delay_ms);
  peer = server_accept (fixture.server);
  assert_connected (&question);
  close (peer);
  end (&fixture);
}

static void
test_bad_question (void)
{
  Question question;
  Fixture fixture;

  g_test_summary ("What makes no sense as a number of attempts is refused, and does the client no harm");

  begin_without_server (&fixture);
  ask (&fixture, &question, troupe_message_new_int64 ("when-connected", 0));
  assert_rejected (&question, TROUPE_ERROR_BODY_TYPE);
  ask (&fixture, &question, troupe_message_new_int64 ("when-connected", -1));
  assert_rejected (&question, TROUPE_ERROR_BODY_TYPE);
  ask (&fixture, &question, troupe_message_new_string ("when-connected", "soon"));
  assert_rejected (&question, TROUPE_ERROR_BODY_TYPE);
  troupe_ref_send (fixture.client, troupe_message_new_string ("when-connected", "soon"));
  troupe_ref_send (fixture.client, troupe_message_new ("when-connected"));
  await_disconnection (1, TROUPE_ERROR_CONNECTION_REFUSED);
  end (&fixture);
}

static void
test_cancelled_question (void)
{
  Question question;
  Fixture fixture;
  int peer;

  g_test_summary ("Who does not want to know any more is forgotten");

  begin_without_server (&fixture);
  await_disconnection (1, TROUPE_ERROR_CONNECTION_REFUSED);
  for (guint i = 0; i < 100; i++)
    {
      ask_when_connected (&fixture, &question, i % 2);
      troupe_test_settle ();
      troupe_promise_cancel (question.promise);
      assert_rejected (&question, TROUPE_ERROR_CANCELLED);
    }
  fixture.server = server_open (&fixture.number);
  troupe_clock_advance (fixture.clock, troupe_disconnection_get_delay_ms (last));
  peer = server_accept (fixture.server);
  await (g_str_has_suffix (story->str, "connecting connected "));
  close (peer);
  end (&fixture);
}

static void
test_connect_now (void)
{
  Question question;
  Fixture fixture;
  int peer;

  g_test_summary ("A client that waits connects at once if it is told to, and answers what came of it");

  begin_without_server (&fixture);
  await_disconnection (1, TROUPE_ERROR_CONNECTION_REFUSED);
  ask (&fixture, &question, troupe_message_new ("connect-now"));
  assert_rejected (&question, TROUPE_ERROR_CONNECTION_REFUSED);
  await_disconnection (2, TROUPE_ERROR_CONNECTION_REFUSED);

  fixture.server = server_open (&fixture.number);
  ask (&fixture, &question, troupe_message_new ("connect-now"));
  troupe_ref_send (fixture.client, troupe_message_new ("connect-now"));
  peer = server_accept (fixture.server);
  assert_connected (&question);
  g_assert_cmpstr (story->str, ==, "connecting disconnected connecting disconnected connecting connected ");

  /* The timer of the wait that was cut short is gone, and one that is connected need not. */
  ask (&fixture, &question, troupe_message_new ("connect-now"));
  assert_connected (&question);
  troupe_clock_advance (fixture.clock, 100000);
  troupe_test_settle ();
  g_assert_cmpuint (probe.n_made, ==, 1);
  close (peer);
  end (&fixture);
}

static void
test_prepare (void)
{
  Question question;
  Fixture fixture;
  int peer;

  g_test_summary ("Nobody is told of a connection before it is prepared");

  begin_system (&fixture, 1);
  plan.preparation = PREPARE_LATER;
  spawn_client (&fixture, 1000, 60000);
  ask_when_connected (&fixture, &question, 1);
  peer = server_accept (fixture.server);
  await (plan.resolver != NULL && probe.n_made == 1);
  troupe_test_settle ();
  g_assert_true (question_is_open (&question));
  g_assert_cmpstr (story->str, ==, "connecting ");

  g_assert_true (troupe_resolver_resolve (plan.resolver, NULL));
  assert_connected (&question);
  await (g_str_equal (story->str, "connecting connected "));
  close (peer);
  end (&fixture);
}

/* What came of a connection that was found wanting: it is closed, and that counts as an attempt that failed. */
static void
assert_refused (Fixture     *fixture,
                int          peer,
                Question    *question,
                TroupeError  code)
{
  assert_client_at_end (peer);
  close (peer);
  await_disconnection (1, code);
  assert_rejected (question, code);
  g_assert_cmpstr (story->str, ==, "connecting disconnected ");
  g_assert_cmpuint (probe.n_lost, ==, probe.n_made);

  plan.preparation = PREPARE_NOTHING;
  troupe_clock_advance (fixture->clock, troupe_disconnection_get_delay_ms (last));
  peer = server_accept (fixture->server);
  await (g_str_has_suffix (story->str, "connecting connected "));
  close (peer);
}

static void
test_prepare_fails (void)
{
  Question question;
  Fixture fixture;

  g_test_summary ("A connection that cannot be prepared is closed, and the attempt has failed");

  begin_system (&fixture, 1);
  plan.preparation = PREPARE_FAIL;
  spawn_client (&fixture, 1000, 60000);
  ask_when_connected (&fixture, &question, 1);
  assert_refused (&fixture, server_accept (fixture.server), &question, TROUPE_ERROR_FAILED);
  end (&fixture);
}

static void
test_prepare_fails_later (void)
{
  Question question;
  Fixture fixture;
  int peer;

  g_test_summary ("The same with a promise that is rejected");

  begin_system (&fixture, 1);
  plan.preparation = PREPARE_LATER;
  spawn_client (&fixture, 1000, 60000);
  ask_when_connected (&fixture, &question, 1);
  peer = server_accept (fixture.server);
  await (plan.resolver != NULL);
  g_assert_true (troupe_resolver_reject (plan.resolver, g_error_new (TROUPE_ERROR, TROUPE_ERROR_BUSY, "Full"), NULL));
  assert_refused (&fixture, peer, &question, TROUPE_ERROR_BUSY);
  end (&fixture);
}

static void
test_prepare_times_out (void)
{
  Question question;
  Fixture fixture;
  int peer;

  g_test_summary ("A promise may have a time");

  begin_system (&fixture, 1);
  plan.preparation = PREPARE_TIMEOUT;
  spawn_client (&fixture, 1000, 60000);
  ask_when_connected (&fixture, &question, 1);
  peer = server_accept (fixture.server);
  await (probe.n_made == 1);
  troupe_clock_advance (fixture.clock, 500);
  assert_refused (&fixture, peer, &question, TROUPE_ERROR_TIMED_OUT);
  end (&fixture);
}

static void
test_lost_in_preparation (void)
{
  Question question;
  Fixture fixture;
  int peer;

  g_test_summary ("A connection that is lost before it is prepared is an attempt that failed, and the promise is cancelled");

  begin_system (&fixture, 1);
  plan.preparation = PREPARE_LATER;
  spawn_client (&fixture, 1000, 60000);
  ask_when_connected (&fixture, &question, 1);
  peer = server_accept (fixture.server);
  await (plan.resolver != NULL);
  close (peer);
  await_disconnection (1, TROUPE_ERROR_CONNECTION_DONE);
  assert_rejected (&question, TROUPE_ERROR_CONNECTION_DONE);
  g_assert_true (plan.is_unwanted);
  g_assert_cmpstr (story->str, ==, "connecting disconnected ");
  end (&fixture);
}

static void
test_declined (void)
{
  Fixture fixture;
  int peer;

  g_test_summary ("A client that builds no protocol has failed, too, and tries again");

  begin_system (&fixture, 1);
  plan.declines = TRUE;
  spawn_client (&fixture, 1000, 60000);
  peer = server_accept (fixture.server);
  await_disconnection (1, TROUPE_ERROR_CONNECTION_DECLINED);
  close (peer);
  plan.declines = FALSE;
  troupe_clock_advance (fixture.clock, troupe_disconnection_get_delay_ms (last));
  peer = server_accept (fixture.server);
  await (g_str_has_suffix (story->str, "connecting connected "));
  close (peer);
  end (&fixture);
}

/* A protocol whose started fails: it never has its transport. */
#define STILLBORN_TYPE_PROTOCOL (stillborn_protocol_get_type ())
G_DECLARE_FINAL_TYPE (StillbornProtocol, stillborn_protocol, STILLBORN, PROTOCOL, TroupeProtocol)

struct _StillbornProtocol
{
  TroupeProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (StillbornProtocol, stillborn_protocol, TROUPE_TYPE_PROTOCOL)

static gboolean
stillborn_started (TroupeActor  *actor,
                   GError      **error)
{
  g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_FAILED, "No");
  return FALSE;
}

static void
stillborn_protocol_class_init (StillbornProtocolClass *klass)
{
  TROUPE_ACTOR_CLASS (klass)->started = stillborn_started;
}

static void
stillborn_protocol_init (StillbornProtocol *self)
{
}

static void
test_stillborn (void)
{
  Fixture fixture;
  int peer;

  g_test_summary ("A connection that ends before it has begun is lost, too");

  begin_system (&fixture, 1);
  plan.type = STILLBORN_TYPE_PROTOCOL;
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*/link/connection-*failed: No*");
  spawn_client (&fixture, 1000, 60000);
  peer = server_accept (fixture.server);
  await_disconnection (1, TROUPE_ERROR_ACTOR_STOPPED);
  assert_client_at_end (peer);
  close (peer);
  g_test_assert_expected_messages ();
  end (&fixture);
}

/* A protocol that lives on after its connection. */
#define TOUGH_TYPE_PROTOCOL (tough_protocol_get_type ())
G_DECLARE_FINAL_TYPE (ToughProtocol, tough_protocol, TOUGH, PROTOCOL, ProbeProtocol)

struct _ToughProtocol
{
  ProbeProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (ToughProtocol, tough_protocol, PROBE_TYPE_PROTOCOL)

static void
tough_protocol_class_init (ToughProtocolClass *klass)
{
  TROUPE_PROTOCOL_CLASS (klass)->lives_on = TRUE;
}

static void
tough_protocol_init (ToughProtocol *self)
{
}

static void
test_lives_on (void)
{
  g_autoptr (TroupeRef) first = NULL;
  Fixture fixture;
  int peer;

  g_test_summary ("It is the connection that counts, not the actor: that may live on");

  begin_system (&fixture, 1);
  plan.type = TOUGH_TYPE_PROTOCOL;
  spawn_client (&fixture, 1000, 60000);
  peer = server_accept (fixture.server);
  await (g_str_has_suffix (story->str, "connecting connected "));
  first = troupe_ref_ref (probe.ref);
  close (peer);
  await_disconnection (1, TROUPE_ERROR_CONNECTION_DONE);
  g_assert_false (troupe_ref_has_ended (first));
  troupe_clock_advance (fixture.clock, troupe_disconnection_get_delay_ms (last));
  peer = server_accept (fixture.server);
  await (g_str_has_suffix (story->str, "disconnected connecting connected "));
  g_assert_true (probe.ref != first);
  close (peer);
  end (&fixture);
}

static void
test_connection_ends (void)
{
  Fixture fixture;
  int peer;

  g_test_summary ("A connection that is stopped, or killed, by whomever, is lost: there is another one then");

  peer = begin_connected (&fixture);
  troupe_ref_stop (probe.ref);
  await_disconnection (1, TROUPE_ERROR_CONNECTION_DONE);
  close (peer);
  troupe_clock_advance (fixture.clock, troupe_disconnection_get_delay_ms (last));
  peer = server_accept (fixture.server);
  await (g_str_has_suffix (story->str, "disconnected connecting connected "));

  troupe_ref_kill (probe.ref);
  await_disconnection (2, TROUPE_ERROR_CONNECTION_LOST);
  close (peer);
  end (&fixture);
}

/* Stops the client, or kills it, and looks at what is left. */
static void
stop_and_look (Fixture  *fixture,
               gboolean  kill,
               Question *question)
{
  guint n_before = n_disconnected;

  ask_when_connected (fixture, question, 0);
  troupe_test_settle ();
  if (kill)
    troupe_ref_kill (fixture->client);
  else
    troupe_ref_stop (fixture->client);
  await (troupe_ref_has_ended (fixture->client));
  troupe_test_settle ();

  if (!kill)
    {
      await_disconnection (n_before + 1, TROUPE_ERROR_ACTOR_STOPPED);
      g_assert_cmpint (troupe_disconnection_get_delay_ms (last), ==, -1);
    }
  g_assert_cmpuint (n_disconnected, ==, kill ? n_before : n_before + 1);
  troupe_clock_advance (fixture->clock, 1000000);
  troupe_test_settle ();
  g_assert_cmpuint (n_disconnected, ==, kill ? n_before : n_before + 1);
  g_assert_cmpuint (troupe_system_get_n_actors (probe.system), ==, 1);        /* the listener */
}

/* Whoever comes now waits for the others. */
static void
fill_backlog (guint16 number,
              int     others[4])
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = g_htons (number) };

  address.sin_addr.s_addr = g_htonl (INADDR_LOOPBACK);
  for (guint i = 0; i < 4; i++)
    {
      others[i] = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      connect (others[i], (struct sockaddr *) &address, sizeof address);
    }
}

static void
test_stop_connecting (gconstpointer kill)
{
  Question question;
  Fixture fixture;
  int others[4];

  g_test_summary ("Stopped while it connects, to somebody who has no time to let it in, a client breaks that off");

  begin_system (&fixture, 1);
  g_assert_cmpint (listen (fixture.server, 0), ==, 0);
  fill_backlog (fixture.number, others);
  spawn_client (&fixture, 1000, 60000);
  await (g_str_has_suffix (story->str, "connecting "));
  stop_and_look (&fixture, kill != NULL, &question);
  g_assert_cmpuint (probe.n_made, ==, 0);
  assert_rejected (&question, TROUPE_ERROR_ACTOR_STOPPED);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    close (others[i]);
  end (&fixture);
}

static void
test_stop_preparing (gconstpointer kill)
{
  Question question;
  Fixture fixture;
  int peer;

  g_test_summary ("Stopped while it prepares a connection, a client closes that");

  begin_system (&fixture, 1);
  plan.preparation = PREPARE_LATER;
  spawn_client (&fixture, 1000, 60000);
  peer = server_accept (fixture.server);
  await (plan.resolver != NULL && probe.n_made == 1);
  stop_and_look (&fixture, kill != NULL, &question);
  assert_rejected (&question, TROUPE_ERROR_ACTOR_STOPPED);
  close (peer);
  end (&fixture);
}

static void
write_a_lot (TroupeProtocol *protocol)
{
  g_autofree guint8 *bytes = g_malloc0 (16 << 20);

  troupe_transport_write (troupe_protocol_get_transport (protocol), bytes, 16 << 20);
}

static void
test_stop_disconnecting (gconstpointer kill)
{
  Question question;
  Fixture fixture;
  int peer;

  g_test_summary ("Stopped while a connection that it has refused still closes, a client waits for that, and for no longer");

  begin_system (&fixture, 1);
  plan.preparation = PREPARE_LATER;
  probe.on_made = write_a_lot;
  spawn_client (&fixture, 1000, 60000);
  peer = server_accept (fixture.server);
  await (probe.n_made == 1);
  g_assert_true (troupe_resolver_reject (plan.resolver, g_error_new (TROUPE_ERROR, TROUPE_ERROR_BUSY, "Full"), NULL));
  troupe_test_settle ();
  g_assert_cmpuint (probe.n_lost, ==, 0);
  ask_when_connected (&fixture, &question, 0);
  troupe_test_settle ();
  if (kill != NULL)
    troupe_ref_kill (fixture.client);
  else
    troupe_ref_stop (fixture.client);
  troupe_test_settle ();
  g_assert_true (troupe_ref_has_ended (fixture.client) == (kill != NULL));
  troupe_clock_advance (fixture.clock, 60000);           /* the transport's close timeout */
  await (troupe_ref_has_ended (fixture.client));
  assert_rejected (&question, TROUPE_ERROR_ACTOR_STOPPED);
  troupe_test_settle ();
  g_assert_cmpstr (story->str, ==, kill != NULL ? "connecting " : "connecting disconnected ");
  g_assert_cmpuint (probe.n_lost, ==, kill != NULL ? 0 : 1);
  close (peer);
  end (&fixture);
}

static void
test_stop_connected (gconstpointer kill)
{
  Question question;
  Fixture fixture;
  int peer;

  g_test_summary ("Stopped while it is connected, a client closes its connection");

  peer = begin_connected (&fixture);
  stop_and_look (&fixture, kill != NULL, &question);
  assert_connected (&question);
  g_assert_cmpuint (probe.n_lost, ==, kill != NULL ? 0 : 1);
  if (kill == NULL)
    assert_client_at_end (peer);
  close (peer);
  end (&fixture);
}

static void
test_stop_waiting (gconstpointer kill)
{
  Question question;
  Fixture fixture;

  g_test_summary ("Stopped while it waits, a client ends at once");

  begin_without_server (&fixture);
  await_disconnection (1, TROUPE_ERROR_CONNECTION_REFUSED);
  stop_and_look (&fixture, kill != NULL, &question);
  assert_rejected (&question, TROUPE_ERROR_ACTOR_STOPPED);
  end (&fixture);
}

static void
test_restart (void)
{
  Question question;
  Fixture fixture;
  int peer;

  g_test_summary ("A client that fails and is restarted drops its connection and makes another");

  peer = begin_connected (&fixture);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*“/link” failed, and is restarted*");
  troupe_ref_send (fixture.client, troupe_message_new ("fail"));
  ask_when_connected (&fixture, &question, 0);
  assert_client_at_end (peer);
  close (peer);
  peer = server_accept (fixture.server);
  assert_connected (&question);
  await (g_str_has_suffix (story->str, "connecting connected disconnected connecting connected "));
  g_test_assert_expected_messages ();
  close (peer);
  end (&fixture);
}

static void
test_bad_endpoint (void)
{
  g_autoptr (GError) error = NULL;
  Fixture fixture;

  g_test_summary ("An endpoint that is none is told when the client is spawned; or it fails when it starts, and is not restarted");

  begin_system (&fixture, 1);
  g_assert_null (troupe_system_spawn_client (probe.system, NULL, "tcp:", PROBE_TYPE_PROTOCOL, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_ENDPOINT);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*“/client-*” failed*");
  fixture.client = troupe_system_spawn (probe.system, NULL, TROUPE_TYPE_CLIENT, NULL, "protocol-type", PROBE_TYPE_PROTOCOL, NULL);
  await (troupe_ref_has_ended (fixture.client));
  g_test_assert_expected_messages ();
  g_assert_cmpstr (story->str, ==, "");
  end (&fixture);
}

static void
test_spawn (void)
{
  g_autofree char *endpoint = NULL;
  g_autofree char *has = NULL;
  g_autoptr (GError) error = NULL;
  Fixture fixture;
  Question question;
  guint first_ms, longest_ms;
  g_autoptr (TroupeClient) bare = NULL;
  int peer;

  g_test_summary ("A client need not be derived; its waits are 1 to 60 seconds");

  begin_system (&fixture, 1);
  endpoint = g_strdup_printf ("tcp:127.0.0.1:%u", fixture.number);
  fixture.client = troupe_system_spawn_client (probe.system, "link", endpoint, PROBE_TYPE_PROTOCOL, &error);
  g_assert_no_error (error);
  ask_when_connected (&fixture, &question, 1);
  peer = server_accept (fixture.server);
  assert_connected (&question);
  close (peer);
  await_disconnection (1, TROUPE_ERROR_CONNECTION_DONE);

  bare = g_object_new (TROUPE_TYPE_CLIENT, "endpoint", endpoint, NULL);
  g_object_get (bare, "endpoint", &has, "first-delay-ms", &first_ms, "longest-delay-ms", &longest_ms, NULL);
  g_assert_cmpstr (has, ==, endpoint);
  g_assert_cmpuint (first_ms, ==, 1000);
  g_assert_cmpuint (longest_ms, ==, 60000);
  end (&fixture);
}

static gboolean
put_aside_cb (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  g_autofree char *endpoint = g_strdup_printf ("tcp:127.0.0.1:%u", probe.number);
  TroupeRef **child = test_puppet_get_data (message);

  *child = troupe_actor_spawn (actor, "child", TROUPE_TYPE_CLIENT, error,
                               "endpoint", endpoint, "protocol-type", PROBE_TYPE_PROTOCOL, NULL);
  return *child != NULL;
}

static void
test_child (void)
{
  TroupeRef *child = NULL;
  TestJob job = { put_aside_cb, &child };
  g_autoptr (TroupeRef) parent = NULL;
  Fixture fixture;
  int peer;

  g_test_summary ("A client may be anybody's child, and ends with its parent");

  begin_system (&fixture, 1);
  probe.number = fixture.number;
  parent = test_puppet_new (probe.system, "parent");
  troupe_ref_send (parent, troupe_message_new_pointer ("run", &job, NULL));
  peer = server_accept (fixture.server);
  await (g_str_has_suffix (story->str, "connecting connected "));
  troupe_ref_stop (parent);
  await (troupe_ref_has_ended (parent));
  g_assert_true (troupe_ref_has_ended (child));
  assert_client_at_end (peer);
  close (peer);
  fixture.client = child;
  end (&fixture);
}

/* A protocol that is spread, so that it lives on another reactor than the client. */
#define SPREAD_TYPE_PROTOCOL (spread_protocol_get_type ())
G_DECLARE_FINAL_TYPE (SpreadProtocol, spread_protocol, SPREAD, PROTOCOL, TroupeProtocol)

struct _SpreadProtocol
{
  TroupeProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (SpreadProtocol, spread_protocol, TROUPE_TYPE_PROTOCOL)

static void
spread_protocol_class_init (SpreadProtocolClass *klass)
{
  troupe_actor_class_set_placement (TROUPE_ACTOR_CLASS (klass), TROUPE_PLACEMENT_SPREAD);
}

static void
spread_protocol_init (SpreadProtocol *self)
{
}

static void
test_reactors (void)
{
  g_autofree char *endpoint = NULL;
  g_autoptr (GError) error = NULL;
  Question question;
  Fixture fixture;

  g_test_summary ("Client, connections, who asks and who listens may all be on different threads");

  begin_system (&fixture, 3);
  endpoint = g_strdup_printf ("tcp:127.0.0.1:%u", fixture.number);
  fixture.client = troupe_system_spawn_on (probe.system, troupe_system_get_nth_reactor (probe.system, 1), "link",
                                           TROUPE_TYPE_CLIENT, &error, "endpoint", endpoint,
                                           "protocol-type", SPREAD_TYPE_PROTOCOL, "first-delay-ms", 1u,
                                           "longest-delay-ms", 5u, NULL);
  g_assert_no_error (error);
  for (guint i = 0; i < 50; i++)
    {
      int peer = server_accept (fixture.server);

      ask_when_connected (&fixture, &question, 0);
      await (n_disconnected == i);
      await (!question_is_open (&question));
      g_assert_no_error (question.error);
      /* Dropped by either side. */
      if (i % 3 == 0)
        troupe_ref_kill (question.connection);
      else if (i % 3 == 1)
        troupe_ref_stop (question.connection);
      else
        shutdown (peer, SHUT_RDWR);
      await (n_disconnected == i + 1);
      question_clear (&question);
      close (peer);
    }
  end (&fixture);
}

int
main (int    argc,
      char **argv)
{
  static const struct
  {
    const char *state;
    void      (*func) (gconstpointer kill);
  } stops[] = {
    { "connecting", test_stop_connecting },
    { "preparing", test_stop_preparing },
    { "disconnecting", test_stop_disconnecting },
    { "connected", test_stop_connected },
    { "waiting", test_stop_waiting },
  };

  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/client/connect", test_connect);
  g_test_add_func ("/troupe/client/when-connected", test_when_connected);
  g_test_add_func ("/troupe/client/any-thread", test_any_thread);
  g_test_add_func ("/troupe/client/reconnect", test_reconnect);
  g_test_add_func ("/troupe/client/reset", test_reset);
  g_test_add_func ("/troupe/client/back-off", test_back_off);
  g_test_add_func ("/troupe/client/begin-anew", test_begin_anew);
  g_test_add_func ("/troupe/client/delays", test_delays);
  g_test_add_func ("/troupe/client/give-up", test_give_up);
  g_test_add_func ("/troupe/client/loss-is-no-failure", test_loss_is_no_failure);
  g_test_add_func ("/troupe/client/bad-question", test_bad_question);
  g_test_add_func ("/troupe/client/cancelled-question", test_cancelled_question);
  g_test_add_func ("/troupe/client/connect-now", test_connect_now);
  g_test_add_func ("/troupe/client/prepare", test_prepare);
  g_test_add_func ("/troupe/client/prepare-fails", test_prepare_fails);
  g_test_add_func ("/troupe/client/prepare-fails-later", test_prepare_fails_later);
  g_test_add_func ("/troupe/client/prepare-times-out", test_prepare_times_out);
  g_test_add_func ("/troupe/client/lost-in-preparation", test_lost_in_preparation);
  g_test_add_func ("/troupe/client/declined", test_declined);
  g_test_add_func ("/troupe/client/stillborn", test_stillborn);
  g_test_add_func ("/troupe/client/lives-on", test_lives_on);
  g_test_add_func ("/troupe/client/connection-ends", test_connection_ends);
  for (guint i = 0; i < G_N_ELEMENTS (stops); i++)
    {
      g_autofree char *stop = g_strconcat ("/troupe/client/stop/", stops[i].state, NULL);
      g_autofree char *kill = g_strconcat ("/troupe/client/kill/", stops[i].state, NULL);

      g_test_add_data_func (stop, NULL, stops[i].func);
      g_test_add_data_func (kill, "kill", stops[i].func);
    }
  g_test_add_func ("/troupe/client/restart", test_restart);
  g_test_add_func ("/troupe/client/bad-endpoint", test_bad_endpoint);
  g_test_add_func ("/troupe/client/spawn", test_spawn);
  g_test_add_func ("/troupe/client/child", test_child);
  g_test_add_func ("/troupe/client/reactors", test_reactors);

  return g_test_run ();
}
