/* frames.c - the frames of a GTK animation while actors on the same main context send messages
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <stdio.h>
#include <stdlib.h>

#include <gtk/gtk.h>
#include <troupe.h>

#define STEADY_RATE 200000           /* messages a second */
#define WORK_NS     2000
#define CHUNK       1000             /* messages on the way, where there is no rate */
#define SETTLE_MS   500              /* not measured */

static double seconds = 5;
static int budget_turns;
static int budget_us;
static char **only;

static const GOptionEntry options[] = {
  { "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &seconds, "Measure each load for so long (5)", "S" },
  { "only", 0, 0, G_OPTION_ARG_STRING_ARRAY, &only, "Measure this load; may be repeated", "LOAD" },
  { "turns", 0, 0, G_OPTION_ARG_INT, &budget_turns, "Most turns in a pass (the default of the library)", "N" },
  { "budget", 0, 0, G_OPTION_ARG_INT, &budget_us, "Longest pass (the default of the library)", "µs" },
  { NULL }
};

typedef struct
{
  const char *name;
  const char *about;
  gint64      rate;                  /* messages a second; 0: as many as there is time for; −1: none */
  gint64      work_ns;               /* for each */
} Load;

static const Load loads[] = {
  { "none",   "the animation alone",                           -1,          0 },
  { "steady", "200 000 messages a second",                     STEADY_RATE, 0 },
  { "work",   "the same, with 2 µs of work for each",          STEADY_RATE, WORK_NS },
  { "flood",  "as many messages as there is time for",         0,           0 },
};

/* ---- the actors: one sends, one receives -------------------------------------------------------------------------------------- */

#define FRAMES_TYPE_SINK (frames_sink_get_type ())
G_DECLARE_FINAL_TYPE (FramesSink, frames_sink, FRAMES, SINK, TroupeActor)

struct _FramesSink
{
  TroupeActor parent_instance;
};

G_DEFINE_FINAL_TYPE (FramesSink, frames_sink, TROUPE_TYPE_ACTOR)

static const Load *load;
static guint64 n_received;

static gint64
get_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

static gboolean
frames_sink_on_number (TroupeActor    *actor,
                       TroupeMessage  *message,
                       GError        **error)
{
  n_received++;
  if (load->work_ns > 0)
    {
      gint64 end = get_ns () + load->work_ns;

      while (get_ns () < end)
        continue;
    }
  return TRUE;
}

static gboolean
frames_sink_on_done (TroupeActor    *actor,
                     TroupeMessage  *message,
                     GError        **error)
{
  troupe_message_reply (message);
  return TRUE;
}

static void
frames_sink_class_init (FramesSinkClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "number", G_TYPE_INT64, frames_sink_on_number);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "done", G_TYPE_NONE, frames_sink_on_done);
}

static void
frames_sink_init (FramesSink *self)
{
}

#define FRAMES_TYPE_SOURCE (frames_source_get_type ())
G_DECLARE_FINAL_TYPE (FramesSource, frames_source, FRAMES, SOURCE, TroupeActor)

struct _FramesSource
{
  TroupeActor parent_instance;
  TroupeRef  *sink;
  gint64      begun;                 /* ns */
  gint64      n_sent;
};

G_DEFINE_FINAL_TYPE (FramesSource, frames_source, TROUPE_TYPE_ACTOR)

static void frames_source_send (FramesSource *self);

static void
on_time (TroupeTimer *timer,
         gpointer     user_data)
{
  frames_source_send (user_data);
}

static void
on_done (TroupePromise *promise,
         gpointer       user_data)
{
  frames_source_send (user_data);
}

/* What is due by now at the rate that is wanted, and a millisecond later the rest. */
static void
frames_source_send_due (FramesSource *self)
{
  gint64 due = (get_ns () - self->begun) / 1000 * load->rate / G_USEC_PER_SEC;
  g_autoptr (TroupeTimer) timer = NULL;

  for (; self->n_sent < due; self->n_sent++)
    troupe_ref_send (self->sink, troupe_message_new_int64 ("number", self->n_sent));
  timer = troupe_actor_call_later (TROUPE_ACTOR (self), 1, on_time, self, NULL);
}

static void
frames_source_send_chunk (FramesSource *self)
{
  g_autoptr (TroupePromise) done = NULL;
  int i;

  for (i = 0; i < CHUNK; i++)
    troupe_ref_send (self->sink, troupe_message_new_int64 ("number", self->n_sent++));
  done = troupe_ref_ask (self->sink, troupe_message_new ("done"));
  troupe_promise_add_callback (done, on_done, self, NULL);
}

static void
frames_source_send (FramesSource *self)
{
  if (load->rate > 0)
    frames_source_send_due (self);
  else
    frames_source_send_chunk (self);
}

static gboolean
frames_source_started (TroupeActor  *actor,
                       GError      **error)
{
  FramesSource *self = FRAMES_SOURCE (actor);

  self->sink = troupe_actor_spawn (actor, NULL, FRAMES_TYPE_SINK, error, NULL);
  self->begun = get_ns ();
  if (self->sink != NULL)
    frames_source_send (self);
  return self->sink != NULL;
}

static void
frames_source_dispose (GObject *object)
{
  g_clear_pointer (&FRAMES_SOURCE (object)->sink, troupe_ref_unref);
  G_OBJECT_CLASS (frames_source_parent_class)->dispose (object);
}

static void
frames_source_class_init (FramesSourceClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = frames_source_dispose;
  TROUPE_ACTOR_CLASS (klass)->started = frames_source_started;
}

static void
frames_source_init (FramesSource *self)
{
}

/* ---- the animation: a bar that goes from left to right -------------------------------------------------------------------------- */

static GtkWidget *area;

static void
draw (GtkDrawingArea *drawing,
      cairo_t        *cr,
      int             width,
      int             height,
      gpointer        user_data)
{
  gint64 now = g_get_monotonic_time ();

  cairo_set_source_rgb (cr, 0.2, 0.5, 0.9);
  cairo_rectangle (cr, now / 1000 % 2000 * width / 2000.0, 0, 40, height);
  cairo_fill (cr);
}

static gboolean
on_tick (GtkWidget     *widget,
         GdkFrameClock *clock,
         gpointer       user_data)
{
  gtk_widget_queue_draw (widget);
  return G_SOURCE_CONTINUE;
}

static GtkWidget *
open_window (void)
{
  GtkWidget *window = gtk_window_new ();

  area = gtk_drawing_area_new ();
  gtk_drawing_area_set_draw_func (GTK_DRAWING_AREA (area), draw, NULL, NULL);
  gtk_widget_add_tick_callback (area, on_tick, NULL, NULL);
  gtk_window_set_default_size (GTK_WINDOW (window), 640, 360);
  gtk_window_set_child (GTK_WINDOW (window), area);
  gtk_window_present (GTK_WINDOW (window));
  return window;
}

/* ---- measuring: from the end of one frame to the end of the next ---------------------------------------------------------------- */

static GArray *intervals;            /* of double, ms; NULL: none are measured */
static gint64 last_frame;            /* µs; 0: none */

static void
on_painted (GdkFrameClock *clock,
            gpointer       user_data)
{
  gint64 now = g_get_monotonic_time ();

  if (intervals != NULL && last_frame != 0)
    {
      double interval = (now - last_frame) / 1000.0;

      g_array_append_val (intervals, interval);
    }
  last_frame = now;
}

static gboolean
set_cb (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Its timeout has a higher priority than what is measured, so it is in time. */
static void
run_for (double ms)
{
  gboolean over = FALSE;

  g_timeout_add_full (G_PRIORITY_HIGH, ms, set_cb, &over, NULL);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
}

static int
compare (gconstpointer a,
         gconstpointer b)
{
  double difference = *(const double *) a - *(const double *) b;

  return difference < 0 ? -1 : difference > 0;
}

static double
get_percentile (double percent)
{
  guint at = intervals->len * percent / 100;

  return g_array_index (intervals, double, MIN (at, intervals->len - 1));
}

static void
print_row (double took)
{
  if (intervals->len == 0)
    {
      printf ("%-7s no frame at all\n", load->name);
      return;
    }

  g_array_sort (intervals, compare);
  printf ("%-7s %8.1f %8.1f %8.1f %8.1f %8.1f %12.0f   %s\n", load->name, intervals->len / took, get_percentile (50),
          get_percentile (95), get_percentile (99), get_percentile (100), n_received / took, load->about);
  fflush (stdout);
}

static void
measure (TroupeSystem *system,
         const Load   *this)
{
  g_autoptr (TroupeRef) source = NULL;
  gint64 begun;

  load = this;
  if (load->rate >= 0)
    source = troupe_system_spawn (system, NULL, FRAMES_TYPE_SOURCE, NULL, NULL);
  run_for (SETTLE_MS);

  intervals = g_array_new (FALSE, FALSE, sizeof (double));
  last_frame = 0;
  n_received = 0;
  begun = g_get_monotonic_time ();
  run_for (seconds * 1000);
  print_row ((g_get_monotonic_time () - begun) / 1e6);
  g_clear_pointer (&intervals, g_array_unref);

  if (source == NULL)
    return;

  troupe_ref_stop (source);
  while (!troupe_ref_has_ended (source))
    g_main_context_iteration (NULL, TRUE);
}

static void
parse_arguments (int    argc,
                 char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("- frames of an animation beside actors");
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc > 1)
    {
      g_printerr ("frames: %s\n", error != NULL ? error->message : "Too many arguments");
      exit (1);
    }
}

int
main (int    argc,
      char **argv)
{
  TroupeSystem *system;
  TroupeReactor *reactor;
  GtkWidget *window;
  guint i;

  parse_arguments (argc, argv);
  if (!gtk_init_check ())
    {
      g_printerr ("frames: There is no display; try xvfb-run -a\n");
      return 1;
    }

  system = troupe_system_get_default ();
  reactor = troupe_system_get_reactor (system);
  if (budget_turns > 0 || budget_us > 0)
    troupe_reactor_set_budget (reactor, MAX (budget_turns, 0), MAX (budget_us, 0));

  window = open_window ();
  run_for (SETTLE_MS);
  g_signal_connect (gtk_widget_get_frame_clock (area), "after-paint", G_CALLBACK (on_painted), NULL);

  printf ("%-7s %8s %8s %8s %8s %8s %12s\n", "load", "frames/s", "median", "95 %", "99 %", "longest", "messages/s");
  for (i = 0; i < G_N_ELEMENTS (loads); i++)
    if (only == NULL || g_strv_contains ((const char *const *) only, loads[i].name))
      measure (system, &loads[i]);

  gtk_window_destroy (GTK_WINDOW (window));
  return 0;
}
