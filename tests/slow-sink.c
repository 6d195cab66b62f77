/* slow-sink.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <stdlib.h>
#include <string.h>

#include <troupe.h>

/*
 * A server whose connections hand what they receive to one slow actor: e2e-backpressure.py feeds it.
 *
 *   slow-sink lines|thread CAPACITY
 *
 * With “lines” each line is a message to an actor on the same thread, which waits in a fiber; with “thread” each chunk to one on another
 * thread, which blocks. A capacity of 0 is none.
 * It prints its port, and when the client has closed and all is handled the bytes, and how the memory has grown at most, in KiB.
 */

#define BYTES_PER_US 32              /* the actor's speed */

static guint capacity;
static gboolean by_line;
static long memory_at_start;
static GMainLoop *loop;

/* In KiB. (What getrusage () tells includes what the process was before it ran this program.) */
static long
get_peak_memory (void)
{
  g_autofree char *status = NULL;
  const char *peak;

  if (!g_file_get_contents ("/proc/self/status", &status, NULL, NULL))
    return 0;

  peak = strstr (status, "VmHWM:");
  return peak != NULL ? atol (peak + strlen ("VmHWM:")) : 0;
}

#define SLOW_TYPE_SINK (slow_sink_get_type ())
G_DECLARE_FINAL_TYPE (SlowSink, slow_sink, SLOW, SINK, TroupeActor)

struct _SlowSink
{
  TroupeActor parent_instance;
  gsize       n_bytes;
  gsize       n_late;                /* of them, still to be slept for: short sleeps are never as short as they are meant */
};

G_DEFINE_FINAL_TYPE (SlowSink, slow_sink, TROUPE_TYPE_ACTOR)

static gboolean
slow_sink_on_data (TroupeActor    *actor,
                   TroupeMessage  *message,
                   GError        **error)
{
  SlowSink *self = SLOW_SINK (actor);
  gsize n_bytes = g_bytes_get_size (troupe_message_get_bytes (message));

  self->n_bytes += n_bytes;
  self->n_late += n_bytes;
  if (self->n_late < 65536)
    return TRUE;

  self->n_late = 0;
  if (by_line)
    {
      g_autoptr (TroupePromise) rest = troupe_sleep (65536 / BYTES_PER_US / 1000);

      return troupe_await (rest, error);
    }

  g_usleep (65536 / BYTES_PER_US);
  return TRUE;
}

static gboolean
slow_sink_on_end (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  g_print ("%" G_GSIZE_FORMAT " bytes, %ld KiB\n", SLOW_SINK (actor)->n_bytes, get_peak_memory () - memory_at_start);
  g_main_loop_quit (loop);
  return TRUE;
}

static void
slow_sink_class_init (SlowSinkClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  troupe_actor_class_bind_fiber (actor_class, "data", G_TYPE_BYTES, TROUPE_FIBER_DEFAULT, slow_sink_on_data);
  troupe_actor_class_bind (actor_class, "end", G_TYPE_NONE, slow_sink_on_end);
  troupe_actor_class_set_capacity (actor_class, capacity, TROUPE_OVERFLOW_BACKPRESSURE);
}

static void
slow_sink_init (SlowSink *self)
{
}

static TroupeRef *sink;

static void
send_data (gconstpointer data,
           gsize         length)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, length);

  troupe_ref_send (sink, troupe_message_new_bytes ("data", bytes));
}

static void
send_end (TroupeProtocol *protocol,
          const GError   *reason)
{
  troupe_ref_send (sink, troupe_message_new ("end"));
}

/* The connections: of lines, and of chunks. */

#define LINE_TYPE_FEED (line_feed_get_type ())
G_DECLARE_FINAL_TYPE (LineFeed, line_feed, LINE, FEED, TroupeLineProtocol)

struct _LineFeed
{
  TroupeLineProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (LineFeed, line_feed, TROUPE_TYPE_LINE_PROTOCOL)

static gboolean
line_feed_line_received (TroupeLineProtocol  *protocol,
                         const char          *line,
                         gsize                length,
                         GError             **error)
{
  /* With its end. */
  send_data (line, length + 1);
  return TRUE;
}

static void
line_feed_class_init (LineFeedClass *klass)
{
  TROUPE_LINE_PROTOCOL_CLASS (klass)->line_received = line_feed_line_received;
  TROUPE_PROTOCOL_CLASS (klass)->connection_lost = send_end;
}

static void
line_feed_init (LineFeed *self)
{
  troupe_line_protocol_set_delimiter (TROUPE_LINE_PROTOCOL (self), "\n");
}

#define CHUNK_TYPE_FEED (chunk_feed_get_type ())
G_DECLARE_FINAL_TYPE (ChunkFeed, chunk_feed, CHUNK, FEED, TroupeProtocol)

struct _ChunkFeed
{
  TroupeProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (ChunkFeed, chunk_feed, TROUPE_TYPE_PROTOCOL)

static gboolean
chunk_feed_data_received (TroupeProtocol  *protocol,
                          const guint8    *data,
                          gsize            length,
                          GError         **error)
{
  send_data (data, length);
  return TRUE;
}

static void
chunk_feed_class_init (ChunkFeedClass *klass)
{
  TROUPE_PROTOCOL_CLASS (klass)->data_received = chunk_feed_data_received;
  TROUPE_PROTOCOL_CLASS (klass)->connection_lost = send_end;
}

static void
chunk_feed_init (ChunkFeed *self)
{
}

/* The other thread */

static gpointer
run_sink (gpointer ready)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TroupeSystem) system = NULL;

  g_main_context_push_thread_default (context);
  system = troupe_system_new (context, NULL, NULL);
  sink = troupe_system_spawn (system, "sink", SLOW_TYPE_SINK, NULL, NULL);
  g_async_queue_push (ready, system);
  while (!troupe_system_has_ended (system))
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);

  return NULL;
}

static void
serve (TroupeSystem *system)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupeRef) factory = troupe_factory_spawn (system, "feeds", by_line ? LINE_TYPE_FEED : CHUNK_TYPE_FEED, NULL);
  g_autoptr (TroupePort) port = troupe_listen (system, "tcp:0:interface=127.0.0.1", factory, &error);

  if (port == NULL)
    g_error ("%s", error->message);

  memory_at_start = get_peak_memory ();
  g_print ("%u\n", g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (troupe_port_get_address (port))));
  g_main_loop_run (loop);
}

static void
end_system (TroupeSystem *system)
{
  troupe_system_shutdown (system);
  while (!troupe_system_has_ended (system))
    g_main_context_iteration (NULL, TRUE);
}

int
main (int   argc,
      char *argv[])
{
  g_autoptr (TroupeSystem) system = troupe_system_new (NULL, NULL, NULL);
  g_autoptr (GAsyncQueue) ready = g_async_queue_new ();
  TroupeSystem *other;
  GThread *thread;

  if (argc != 3)
    {
      g_printerr ("usage: slow-sink lines|thread CAPACITY\n");
      return 2;
    }

  by_line = strcmp (argv[1], "lines") == 0;
  capacity = (guint) atoi (argv[2]);
  loop = g_main_loop_new (NULL, FALSE);

  if (by_line)
    {
      sink = troupe_system_spawn (system, "sink", SLOW_TYPE_SINK, NULL, NULL);
      serve (system);
    }
  else
    {
      thread = g_thread_new ("sink", run_sink, ready);
      other = g_async_queue_pop (ready);
      serve (system);
      troupe_system_shutdown (other);
      g_thread_join (thread);
    }

  end_system (system);
  troupe_ref_unref (sink);
  g_main_loop_unref (loop);
  return 0;
}
