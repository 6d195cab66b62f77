/* test-embedding.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sys/socket.h>
#include <unistd.h>

#include "troupe-test.h"

/* An actor that always has mail: each message sends the next. */

G_DECLARE_FINAL_TYPE (Flood, flood, TEST, FLOOD, TroupeActor)

struct _Flood
{
  TroupeActor parent_instance;
};

G_DEFINE_FINAL_TYPE (Flood, flood, TROUPE_TYPE_ACTOR)

static guint64 n_flooded;

static gboolean
flood_on_again (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  n_flooded++;
  troupe_ref_send (troupe_actor_get_ref (actor), troupe_message_new ("again"));
  return TRUE;
}

static gboolean
flood_on_count (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  troupe_message_reply_uint64 (message, n_flooded);
  return TRUE;
}

static void
flood_class_init (FloodClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "again", G_TYPE_NONE, flood_on_again);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "count", G_TYPE_NONE, flood_on_count);
}

static void
flood_init (Flood *self)
{
}

static TroupeRef *
flood_start (TroupeSystem *system)
{
  g_autoptr (GError) error = NULL;
  TroupeRef *flood = troupe_system_spawn (system, NULL, flood_get_type (), &error, NULL);

  g_assert_no_error (error);
  n_flooded = 0;
  troupe_ref_send (flood, troupe_message_new ("again"));
  troupe_test_until (n_flooded > 0);
  return flood;
}

/* A connection that takes what comes and says nothing. */

G_DECLARE_FINAL_TYPE (Sink, sink, TEST, SINK, TroupeProtocol)

struct _Sink
{
  TroupeProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (Sink, sink, TROUPE_TYPE_PROTOCOL)

static guint64 n_sunk;

static gboolean
sink_data_received (TroupeProtocol  *protocol,
                    const guint8    *data,
                    gsize            length,
                    GError         **error)
{
  n_sunk += length;
  return TRUE;
}

static void
sink_class_init (SinkClass *klass)
{
  TROUPE_PROTOCOL_CLASS (klass)->data_received = sink_data_received;
}

static void
sink_init (Sink *self)
{
}

/* The program's own sources. */

static gboolean
count_cb (gpointer user_data)
{
  guint *count = user_data;

  (*count)++;
  return G_SOURCE_CONTINUE;
}

static GSource *
attach_counter (GSource *source,
                int      priority,
                guint   *count)
{
  *count = 0;
  g_source_set_priority (source, priority);
  g_source_set_callback (source, count_cb, count, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  return source;
}

static void
drop_source (GSource *source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

static void
test_idle (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) flood = flood_start (system);
  guint n_idle;
  GSource *idle = attach_counter (g_idle_source_new (), G_PRIORITY_DEFAULT_IDLE, &n_idle);
  guint64 before = n_flooded;

  g_test_summary ("A flood leaves every other iteration to idle sources, whose priority is lower");

  for (guint i = 0; i < 200; i++)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (n_idle, >=, 90);
  g_assert_cmpuint (n_flooded - before, >=, 90 * 32);

  drop_source (idle);
  troupe_test_system_end (system);
}

static void
test_default_idle (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) flood = flood_start (system);
  guint n_idle;
  GSource *idle = attach_counter (g_idle_source_new (), G_PRIORITY_DEFAULT, &n_idle);
  guint64 before = n_flooded;

  g_test_summary ("A flood and an idle source of the same priority, which is always ready, both go on");

  for (guint i = 0; i < 200; i++)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (n_idle, >=, 190);
  g_assert_cmpuint (n_flooded - before, >=, 90 * 32);

  drop_source (idle);
  troupe_test_system_end (system);
}

typedef struct
{
  GMainLoop *loop;
  gint64     last;
  gint64     longest;                /* µs between two frames */
  guint      n_frames;
  guint64    flooded;                /* at the last frame */
  guint      n_dry;                  /* frames between which no message was handled */
} Clock;

static gboolean
frame_cb (gpointer user_data)
{
  Clock *self = user_data;
  gint64 now = g_get_monotonic_time ();

  if (self->last != 0)
    self->longest = MAX (self->longest, now - self->last);
  if (n_flooded == self->flooded)
    self->n_dry++;

  self->last = now;
  self->flooded = n_flooded;
  if (++self->n_frames == 40)
    g_main_loop_quit (self->loop);
  return G_SOURCE_CONTINUE;
}

static void
test_frame_clock (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) flood = flood_start (system);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Clock clock = { .loop = loop };
  GSource *frames = g_timeout_source_new (8);
  guint n_timeouts;
  GSource *timeout = attach_counter (g_timeout_source_new (5), G_PRIORITY_DEFAULT, &n_timeouts);
  guint n_idle;
  GSource *idle = attach_counter (g_idle_source_new (), G_PRIORITY_DEFAULT_IDLE, &n_idle);

  g_test_summary ("In a plain GMainLoop a flood, a frame clock at GTK's priority, a timeout and an idle source all keep going");

  g_source_set_priority (frames, G_PRIORITY_HIGH_IDLE + 20);
  g_source_set_callback (frames, frame_cb, &clock, NULL);
  g_source_attach (frames, NULL);
  g_main_loop_run (loop);

  g_test_message ("longest gap between frames: %d µs", (int) clock.longest);
  g_assert_cmpuint (clock.n_dry, <=, 1);
  g_assert_cmpuint (n_timeouts, >=, 5);
  g_assert_cmpuint (n_idle, >=, 5);

  drop_source (frames);
  drop_source (timeout);
  drop_source (idle);
  troupe_test_system_end (system);
}

/* How many messages the next pass handles. */
static guint64
count_pass (void)
{
  guint64 before = n_flooded;

  while (n_flooded == before)
    g_main_context_iteration (NULL, TRUE);

  return n_flooded - before;
}

static void
test_budget (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  TroupeReactor *reactor = troupe_system_get_reactor (system);
  g_autoptr (TroupeRef) flood = flood_start (system);
  guint turns;
  gint64 microseconds;
  gint64 begun;

  g_test_summary ("A budget in turns and one in time end a pass of a flood, each by itself, and 0 brings the defaults back");

  troupe_reactor_get_budget (reactor, &turns, &microseconds);
  g_assert_cmpuint (turns, ==, 512);
  g_assert_cmpint (microseconds, ==, 2000);

  troupe_reactor_set_budget (reactor, 10, 60 * G_USEC_PER_SEC);
  g_assert_cmpuint (count_pass (), ==, 10);
  g_assert_cmpuint (count_pass (), ==, 10);
  troupe_reactor_set_budget (reactor, 1, 60 * G_USEC_PER_SEC);
  g_assert_cmpuint (count_pass (), ==, 1);
  troupe_reactor_set_budget (reactor, 100000, 60 * G_USEC_PER_SEC);
  g_assert_cmpuint (count_pass (), ==, 100000);

  troupe_reactor_set_budget (reactor, G_MAXUINT, 20000);
  begun = g_get_monotonic_time ();
  g_assert_cmpuint (count_pass (), >=, 32);
  g_assert_cmpint (g_get_monotonic_time () - begun, >=, 20000);
  troupe_reactor_get_budget (reactor, &turns, NULL);
  g_assert_cmpuint (turns, ==, G_MAXUINT);
  troupe_reactor_get_budget (reactor, NULL, &microseconds);
  g_assert_cmpint (microseconds, ==, 20000);

  troupe_reactor_set_budget (reactor, 0, 0);
  g_assert_cmpuint (count_pass (), <=, 512);
  troupe_reactor_get_budget (reactor, &turns, &microseconds);
  g_assert_cmpuint (turns, ==, 512);
  g_assert_cmpint (microseconds, ==, 2000);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*microseconds >= 0*");
  troupe_reactor_set_budget (reactor, 0, -1);
  g_test_assert_expected_messages ();

  troupe_test_system_end (system);
}

static void
fill_socket (int fd)
{
  static const guint8 zeroes[65536];

  while (send (fd, zeroes, sizeof zeroes, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
    ;
}

static void
test_socket_flood (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupeRef) factory = troupe_factory_spawn (system, NULL, sink_get_type (), &error);
  guint n_idle;
  GSource *idle = attach_counter (g_idle_source_new (), G_PRIORITY_DEFAULT_IDLE, &n_idle);
  int fds[4];

  g_test_summary ("Sockets that have more to read in every iteration leave idle sources their turns");

  g_assert_no_error (error);
  n_sunk = 0;
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      g_autoptr (TroupeRef) connection = NULL;
      int pair[2];

      g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
      connection = troupe_test_adopt (system, pair[0], factory);
      fds[i] = pair[1];
      fill_socket (fds[i]);
    }
  troupe_test_until (n_sunk > 0);
  n_idle = 0;

  /* There is more to read in each iteration. */
  while (n_idle < 10)
    {
      for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
        fill_socket (fds[i]);
      g_main_context_iteration (NULL, TRUE);
    }
  g_assert_cmpuint (n_sunk, >, 65536);

  drop_source (idle);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
  troupe_test_system_end (system);
}

static void
wait_forever_cb (TroupeTimer *timer,
                 gpointer     user_data)
{
  g_assert_not_reached ();
}

/* How many descriptors CONTEXT would poll now. */
static int
count_descriptors (GMainContext *context)
{
  GPollFD fds[8];
  int priority, timeout, n;

  g_assert_true (g_main_context_acquire (context));
  g_main_context_prepare (context, &priority);
  n = g_main_context_query (context, G_MAXINT, &timeout, fds, G_N_ELEMENTS (fds));
  g_main_context_release (context);
  return n;
}

static guint
next_source_id (GMainContext *context)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  guint id = g_source_attach (source, context);

  g_source_destroy (source);
  return id;
}

static void
test_one_source (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  guint first_id = next_source_id (context);
  int n_before = count_descriptors (context);
  TroupeSystem *system;
  g_autoptr (TroupeRef) factory = NULL;
  g_autoptr (TroupePort) port = NULL;
  g_autofree char *address = NULL;
  g_autoptr (GError) error = NULL;
  TroupeReactor *reactor;
  guint n_connected = 0;

  g_test_summary ("A hundred connections, timers and actors are one source and at most two descriptors to their context");

  g_main_context_push_thread_default (context);
  system = troupe_test_system_new ();
  reactor = troupe_system_get_reactor (system);

  factory = troupe_factory_spawn (system, NULL, sink_get_type (), &error);
  g_assert_no_error (error);
  port = troupe_listen (system, "tcp:0:interface=127.0.0.1", factory, &error);
  g_assert_no_error (error);
  address = g_strdup_printf ("tcp:127.0.0.1:%d", g_inet_socket_address_get_port (
                               G_INET_SOCKET_ADDRESS (troupe_port_get_address (port))));

  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (TroupePromise) connected = troupe_connect (system, address, factory);
      g_autoptr (TroupeTimer) timer = troupe_reactor_call_later (reactor, G_MAXINT, wait_forever_cb, NULL, NULL);
      g_autoptr (TroupeRef) actor = troupe_system_spawn (system, NULL, TROUPE_TYPE_ACTOR, &error, NULL);

      g_assert_no_error (error);
      troupe_test_until (troupe_promise_is_resolved (connected));
      g_assert_true (troupe_promise_has_value (connected));
      n_connected++;
    }
  g_assert_cmpuint (n_connected, ==, 100);

  g_assert_cmpuint (next_source_id (context) - first_id, ==, 2);
  if (g_str_equal (troupe_reactor_get_backend_name (reactor), "epoll"))
    g_assert_cmpint (count_descriptors (context) - n_before, <=, 2);

  troupe_test_system_end (system);
  g_main_context_pop_thread_default (context);
}

typedef struct
{
  GAsyncQueue *refs;                 /* the flood's address, for the main thread */
} Elsewhere;

static gpointer
elsewhere_thread (gpointer user_data)
{
  Elsewhere *self = user_data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  TroupeSystem *system;
  g_autoptr (TroupeRef) flood = NULL;

  g_main_context_push_thread_default (context);
  system = troupe_test_system_new ();
  g_assert_true (troupe_reactor_get_context (troupe_system_get_reactor (system)) == context);

  flood = flood_start (system);
  g_async_queue_push (self->refs, troupe_ref_ref (flood));
  troupe_test_until (troupe_ref_has_ended (flood));

  troupe_test_system_end (system);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
note_thread (TroupePromise *promise,
             gpointer       user_data)
{
  GThread **thread = user_data;

  *thread = g_thread_self ();
}

static void
test_thread (void)
{
  Elsewhere elsewhere = { .refs = g_async_queue_new () };
  GThread *thread = g_thread_new ("elsewhere", elsewhere_thread, &elsewhere);
  g_autoptr (TroupeRef) flood = g_async_queue_pop (elsewhere.refs);
  g_autoptr (TroupePromise) count = troupe_ref_ask (flood, troupe_message_new ("count"));
  GThread *answered_on = NULL;

  g_test_summary ("A system in a thread's own context answers asks of the main thread, whose steps run at home");

  troupe_promise_add_callback (count, note_thread, &answered_on, NULL);
  troupe_test_until (answered_on != NULL);
  g_assert_true (answered_on == g_thread_self ());
  g_assert_cmpuint (troupe_promise_get_uint64 (count), >, 0);

  troupe_ref_stop (flood);
  g_thread_join (thread);
  g_assert_true (troupe_ref_has_ended (flood));
  g_async_queue_unref (elsewhere.refs);
}

static gboolean
release_cb (gpointer application)
{
  g_application_release (application);
  return G_SOURCE_REMOVE;
}

static void
activate_cb (GApplication *application,
             gpointer      system)
{
  g_autoptr (TroupeRef) flood = NULL;

  g_application_hold (application);
  flood = flood_start (system);
  g_timeout_add (20, release_cb, application);
}

static void
test_application (void)
{
  g_autoptr (GApplication) application = g_application_new (NULL, G_APPLICATION_NON_UNIQUE);
  TroupeSystem *system = troupe_test_system_new ();

  g_test_summary ("A GApplication runs the system's reactor with its own loop, and still comes to its end");

  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), system);
  g_assert_cmpint (g_application_run (application, 0, NULL), ==, 0);
  g_assert_cmpuint (n_flooded, >, 32);

  troupe_test_system_end (system);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/troupe/embedding/idle", test_idle);
  g_test_add_func ("/troupe/embedding/default-idle", test_default_idle);
  g_test_add_func ("/troupe/embedding/frame-clock", test_frame_clock);
  g_test_add_func ("/troupe/embedding/budget", test_budget);
  g_test_add_func ("/troupe/embedding/socket-flood", test_socket_flood);
  g_test_add_func ("/troupe/embedding/one-source", test_one_source);
  g_test_add_func ("/troupe/embedding/thread", test_thread);
  g_test_add_func ("/troupe/embedding/application", test_application);
  return g_test_run ();
}
