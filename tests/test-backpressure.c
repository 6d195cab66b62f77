/* test-backpressure.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "troupe-test.h"

/* Connections whose lines go to an actor with room for sixteen: they are stopped at nine, and go on at two. */

static TroupeRef *sink;              /* who the lines are sent to */
static TroupeRef *victim;            /* whom the connection does something to at its ninth line, or NULL */
static void (*deed) (TroupeRef *victim);
static guint n_sent;                 /* by connections */
static guint n_waiting;              /* sent, and not handled */
static guint max_waiting;
static guint n_throttled;            /* times a connection was found stopped by its own line */
static gboolean lost;
static GString *told;

#define TEST_TYPE_SINK (test_sink_get_type ())
G_DECLARE_FINAL_TYPE (TestSink, test_sink, TEST, SINK, TroupeActor)

struct _TestSink
{
  TroupeActor parent_instance;
};

G_DEFINE_FINAL_TYPE (TestSink, test_sink, TROUPE_TYPE_ACTOR)

static gboolean
on_line (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  g_string_append_printf (told, "%s ", troupe_message_get_string (message));
  __atomic_fetch_sub (&n_waiting, 1, __ATOMIC_RELAXED);
  return TRUE;
}

static gboolean
on_fail (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "told to");
  return FALSE;
}

static void
test_sink_class_init (TestSinkClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "fail", G_TYPE_NONE, on_fail);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "line", G_TYPE_STRING, on_line);
  troupe_actor_class_set_capacity (TROUPE_ACTOR_CLASS (klass), 16, TROUPE_OVERFLOW_BACKPRESSURE);
}

static void
test_sink_init (TestSink *self)
{
}

#define TEST_TYPE_FEED (test_feed_get_type ())
G_DECLARE_FINAL_TYPE (TestFeed, test_feed, TEST, FEED, TroupeLineProtocol)

struct _TestFeed
{
  TroupeLineProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (TestFeed, test_feed, TROUPE_TYPE_LINE_PROTOCOL)

static gboolean
test_feed_line_received (TroupeLineProtocol  *protocol,
                         const char          *line,
                         gsize                length,
                         GError             **error)
{
  TroupeTransport *transport = troupe_protocol_get_transport (TROUPE_PROTOCOL (protocol));
  guint n;

  g_assert_false (troupe_transport_is_throttled (transport));
  n_sent++;
  n = __atomic_add_fetch (&n_waiting, 1, __ATOMIC_RELAXED);
  max_waiting = MAX (max_waiting, n);
  troupe_ref_send (sink, troupe_message_new_string ("line", line));
  if (troupe_transport_is_throttled (transport))
    n_throttled++;
  if (n_sent == 9 && victim != NULL)
    deed (victim);

  return TRUE;
}

static void
test_feed_connection_lost (TroupeProtocol *protocol,
                           const GError   *reason)
{
  lost = TRUE;
}

/* A message to the connection itself. */
static gboolean
on_note (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  TroupeTransport *transport = troupe_protocol_get_transport (TROUPE_PROTOCOL (actor));

  g_string_append_c (told, troupe_transport_is_throttled (transport) ? '-' : '+');
  return TRUE;
}

static void
test_feed_class_init (TestFeedClass *klass)
{
  TROUPE_LINE_PROTOCOL_CLASS (klass)->line_received = test_feed_line_received;
  TROUPE_PROTOCOL_CLASS (klass)->connection_lost = test_feed_connection_lost;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "note", G_TYPE_NONE, on_note);
  troupe_actor_class_set_capacity (TROUPE_ACTOR_CLASS (klass), 16, TROUPE_OVERFLOW_BACKPRESSURE);
}

static void
test_feed_init (TestFeed *self)
{
  troupe_line_protocol_set_delimiter (TROUPE_LINE_PROTOCOL (self), "\n");
}

typedef struct
{
  TroupeSystem *system;
  TroupeRef    *factory;
  TroupeRef    *feed;
  int           fd;                  /* our end */
} Fixture;

static TroupeRef *
connect_feed (Fixture *fixture,
              int     *fd)
{
  int fds[2];

  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
  *fd = fds[0];
  return troupe_test_adopt (fixture->system, fds[1], fixture->factory);
}

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  fixture->system = troupe_test_system_new ();
  fixture->factory = troupe_factory_spawn (fixture->system, "feeds", TEST_TYPE_FEED, NULL);
  fixture->feed = connect_feed (fixture, &fixture->fd);
  sink = troupe_system_spawn (fixture->system, "sink", TEST_TYPE_SINK, NULL, NULL);
  told = g_string_new (NULL);
  n_sent = n_waiting = max_waiting = n_throttled = 0;
  victim = NULL;
  lost = FALSE;
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  if (fixture->fd >= 0)
    close (fixture->fd);
  g_clear_pointer (&sink, troupe_ref_unref);
  troupe_ref_unref (fixture->feed);
  troupe_ref_unref (fixture->factory);
  troupe_test_system_end (fixture->system);
  g_string_free (told, TRUE);
}

/* The numbers from FIRST on, a line each. */
static void
write_lines (int   fd,
             guint first,
             guint n_lines)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint i;

  for (i = first; i < first + n_lines; i++)
    g_string_append_printf (text, "%u\n", i);
  g_assert_cmpint (write (fd, text->str, text->len), ==, (gssize) text->len);
}

static void
assert_told (guint first,
             guint n_lines)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint i;

  for (i = first; i < first + n_lines; i++)
    g_string_append_printf (text, "%u ", i);
  g_assert_cmpstr (told->str, ==, text->str);
}

static void
test_lines (Fixture       *fixture,
            gconstpointer  data)
{
  g_test_summary ("A thousand lines in one read never fill the mailbox: what has been read waits, too. None is lost, or out of order.");

  write_lines (fixture->fd, 0, 1000);
  close (g_steal_fd (&fixture->fd));
  troupe_test_until (lost);
  troupe_test_settle ();
  assert_told (0, 1000);
  g_assert_cmpuint (max_waiting, ==, 9);
  g_assert_cmpuint (n_throttled, >=, 100);
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 0);
}

static void
test_several (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeRef) other = NULL;
  int fd;

  g_test_summary ("Each of several connections is stopped by its own next line, and all go on.");

  other = connect_feed (fixture, &fd);
  write_lines (fixture->fd, 0, 500);
  write_lines (fd, 500, 500);
  troupe_test_until (n_sent == 1000);
  troupe_test_settle ();
  g_assert_cmpuint (n_waiting, ==, 0);
  g_assert_cmpuint (max_waiting, <=, 10);
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 0);
  close (fd);
}

static void
test_others (Fixture       *fixture,
             gconstpointer  data)
{
  guint i;

  g_test_summary ("Who reads no socket cannot be stopped, and is refused when the mailbox is full.");

  for (i = 0; i < 20; i++)
    troupe_ref_send (sink, troupe_message_new_string ("line", "x"));
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 4);
  n_waiting = 16;
  troupe_test_settle ();
  g_assert_cmpuint (n_waiting, ==, 0);
}

static void
test_own (Fixture       *fixture,
          gconstpointer  data)
{
  guint i;

  g_test_summary ("A connection whose own mailbox is over its mark reads again when it is under the low one.");

  for (i = 0; i < 12; i++)
    troupe_ref_send (fixture->feed, troupe_message_new ("note"));
  write_lines (fixture->fd, 0, 1);
  troupe_test_until (n_sent == 1);
  troupe_test_settle ();
  /* The mark is two: when the tenth is taken, two are left. */
  g_assert_cmpstr (told->str, ==, "---------+++0 ");
}

static void
test_sink_stops (Fixture       *fixture,
                 gconstpointer  data)
{
  g_test_summary ("When the one that was too slow ends, its connections read again.");

  victim = sink;
  deed = troupe_ref_stop;
  write_lines (fixture->fd, 0, 100);
  close (g_steal_fd (&fixture->fd));
  troupe_test_until (lost);
  g_assert_cmpuint (n_throttled, ==, 1);
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 100);
}

static void
make_fail (TroupeRef *ref)
{
  troupe_ref_send (ref, troupe_message_new ("fail"));
}

static void
test_sink_fails (Fixture       *fixture,
                 gconstpointer  data)
{
  g_test_summary ("When the one that was too slow is restarted, what waits for it and what comes is handled, in order.");

  victim = sink;
  deed = make_fail;
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*“/sink” failed*");
  write_lines (fixture->fd, 0, 1000);
  close (g_steal_fd (&fixture->fd));
  troupe_test_until (lost);
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  assert_told (0, 1000);
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 0);
}

static void
test_feed_ends (Fixture       *fixture,
                gconstpointer  data)
{
  g_test_summary ("A connection that ends while it is stopped is forgotten.");

  victim = fixture->feed;
  deed = GPOINTER_TO_INT (data) ? troupe_ref_kill : troupe_ref_stop;
  write_lines (fixture->fd, 0, 100);
  troupe_test_until (troupe_ref_has_ended (fixture->feed));
  troupe_test_settle ();
  g_assert_cmpuint (n_throttled, ==, 1);
  assert_told (0, 9);
}

/* Another thread. Its actor looks at the order. */

static gpointer
run_sink (gpointer ready)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  TroupeSystem *system;

  g_main_context_push_thread_default (context);
  system = troupe_system_new (context, NULL, NULL);
  g_async_queue_push (ready, g_object_ref (system));
  troupe_test_until (troupe_system_has_ended (system));
  g_object_unref (system);
  g_main_context_pop_thread_default (context);

  return NULL;
}

static void
test_thread (Fixture       *fixture,
             gconstpointer  data)
{
  g_autoptr (GAsyncQueue) ready = g_async_queue_new ();
  GThread *thread = g_thread_new ("sink", run_sink, ready);
  g_autoptr (TroupeSystem) system = g_async_queue_pop (ready);

  g_test_summary ("An actor on another thread stops and resumes connections as well: nothing is lost, or out of order.");

  troupe_ref_unref (sink);
  sink = troupe_system_spawn (system, "sink", TEST_TYPE_SINK, NULL, NULL);
  write_lines (fixture->fd, 0, 1000);
  close (g_steal_fd (&fixture->fd));
  troupe_test_until (lost);
  troupe_ref_finish (sink);
  while (!troupe_ref_has_ended (sink))
    g_thread_yield ();
  troupe_system_shutdown (system);
  g_thread_join (thread);

  assert_told (0, 1000);
  g_assert_cmpuint (n_throttled, >, 0);
  g_assert_cmpuint (troupe_system_get_n_dead_letters (system), ==, 0);
}

/* Its actor ends in the middle of it. */
static void
test_thread_stops (Fixture       *fixture,
                   gconstpointer  data)
{
  g_autoptr (GAsyncQueue) ready = g_async_queue_new ();
  GThread *thread = g_thread_new ("sink", run_sink, ready);
  g_autoptr (TroupeSystem) system = g_async_queue_pop (ready);

  g_test_summary ("Nor does one on another thread that ends leave its connections stopped.");

  troupe_ref_unref (sink);
  sink = troupe_system_spawn (system, "sink", TEST_TYPE_SINK, NULL, NULL);
  victim = sink;
  deed = troupe_ref_stop;
  write_lines (fixture->fd, 0, 1000);
  close (g_steal_fd (&fixture->fd));
  troupe_test_until (lost);
  g_assert_cmpuint (n_sent, ==, 1000);
  while (!troupe_ref_has_ended (sink))
    g_thread_yield ();
  troupe_system_shutdown (system);
  g_thread_join (thread);
}

static void
add (const char    *path,
     gconstpointer  data,
     void         (*test) (Fixture       *fixture,
                           gconstpointer  data))
{
  g_autofree char *full = g_strconcat ("/troupe/backpressure/", path, NULL);

  g_test_add (full, Fixture, data, set_up, test, tear_down);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("lines", NULL, test_lines);
  add ("several", NULL, test_several);
  add ("others", NULL, test_others);
  add ("own", NULL, test_own);
  add ("sink-stops", NULL, test_sink_stops);
  add ("sink-fails", NULL, test_sink_fails);
  add ("feed-stops", NULL, test_feed_ends);
  add ("thread", NULL, test_thread);
  add ("thread-stops", NULL, test_thread_stops);
  add ("feed-killed", GINT_TO_POINTER (1), test_feed_ends);

  return g_test_run ();
}
