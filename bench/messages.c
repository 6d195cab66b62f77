/* messages.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a message costs: runs the scenarios of actor benchmarks and prints one table. Each measurement is a process of its own, so
 * that none finds the memory of another one warm. */

#include "messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct
{
  double cpu_ns;                       /* per message */
  double wall_ns;
  double memory;                       /* bytes, above what was in use at the beginning */
} Result;

typedef struct
{
  const char *name;
  const char *about;
  GType     (*get_type) (void);        /* of the coordinating actor */
  const char *order;                   /* the message that makes it run */
  guint64     n_messages;
} Scenario;

typedef enum
{
  FIGURE_NS,
  FIGURE_PEAK_KIB,
  FIGURE_BYTES_EACH,
} Figure;

typedef struct
{
  const char *scenario;
  const char *about;
  Figure      figure;
  double      floor;                   /* 0: none yet, for information */
  double      best;                    /* of the peers, on one thread where that was measured; 0: unknown */
  const char *best_peer;
} Row;

static const Scenario scenarios[] = {
  { "ping-pong", "two actors, one message on the way", pinger_get_type, "run", 4000000 },
  { "ring", "a token goes round a hundred actors", link_get_type, "run", 4000000 },
  { "counting", "a million increments, then an ask for the total", producer_get_type, "run", 1000000 },
  { "create", "create, one message, end", nursery_get_type, "run", 1000000 },
  { "idle", "actors that live and do nothing", nursery_get_type, "run-idle", 200000 },
  { "big", "120 actors, random pings", referee_get_type, "run", 4000000 },
  { "senders", "20 senders to one mailbox", mailbox_get_type, "run", 4000000 },
  { "ask", "ask, reply, continuation", asker_get_type, "run", 2000000 },
  { "fan-out", "a shared payload of 1 KiB to 100 subscribers", publisher_get_type, "run", 4000000 },
  { "chain", "a promise resolved with three steps", chainer_get_type, "run", 2000000 },
  { "pending", "promises that nobody has resolved", chainer_get_type, "run-pending", 200000 },
  { "thread", "sends from a thread without a reactor", mailbox_get_type, "run-thread", 1000000 },
};

/* The floors and the best peer of the project's baselines. */
static const Row rows[] = {
  { "ping-pong", "ping-pong, per message, ns", FIGURE_NS, 50, 53, "rotor" },
  { "ring", "ring of 100, per hop, ns", FIGURE_NS, 50, 52, "rotor" },
  { "counting", "1 M increments then ask, per message, ns", FIGURE_NS, 60, 26, "Go" },
  { "counting", "… memory it takes at peak, KiB", FIGURE_PEAK_KIB, 80000, 60, "Go" },
  { "create", "create + one message + end, ns", FIGURE_NS, 700, 255, "Go, 2 threads" },
  { "idle", "bytes per live idle actor", FIGURE_BYTES_EACH, 400, 1225, "CAF" },
  { "big", "big: 120 actors, random pings, ns", FIGURE_NS, 60, 64, "rotor" },
  { "senders", "20 senders to one mailbox, ns", FIGURE_NS, 50, 23, "Go" },
  { "senders", "… memory it takes at peak, KiB", FIGURE_PEAK_KIB, 0, 0, NULL },
  { "ask", "ask, reply, continuation, ns", FIGURE_NS, 150, 275, "Go" },
  { "fan-out", "fan-out of 1 KiB, per delivery, ns", FIGURE_NS, 40, 2.8, "rotor" },
  { "chain", "promise resolved with three steps, ns", FIGURE_NS, 0, 0, NULL },
  { "pending", "bytes per pending promise", FIGURE_BYTES_EACH, 0, 0, NULL },
  { "thread", "sent from a foreign thread, both sides, ns", FIGURE_NS, 0, 0, NULL },
};

static struct
{
  gint64 cpu;
  gint64 wall;
  gint64 resident;
} began;

static Result result;
static gboolean has_ended;

/* {{{ Measuring one */

static gint64
read_clock (clockid_t clock)
{
  struct timespec now;

  clock_gettime (clock, &now);
  return (gint64) now.tv_sec * 1000000000 + now.tv_nsec;
}

/* KEY as in “VmHWM:”, in bytes. */
static gint64
read_memory (const char *file,
             const char *key)
{
  g_autofree char *text = NULL;
  const char *found;

  if (!g_file_get_contents (file, &text, NULL, NULL))
    return 0;

  found = strstr (text, key);
  return found != NULL ? g_ascii_strtoll (found + strlen (key), NULL, 10) * 1024 : 0;
}

/* From here on the kernel's own peak starts anew. */
static void
reset_peak (void)
{
  FILE *file = fopen ("/proc/self/clear_refs", "w");

  if (file == NULL)
    return;

  fputs ("5", file);
  fclose (file);
}

void
bench_begin (void)
{
  reset_peak ();
  began.resident = read_memory ("/proc/self/smaps_rollup", "\nRss:");
  began.wall = read_clock (CLOCK_MONOTONIC);
  began.cpu = read_clock (CLOCK_PROCESS_CPUTIME_ID);
}

static void
take_times (guint64 n_messages)
{
  result.cpu_ns = (double) (read_clock (CLOCK_PROCESS_CPUTIME_ID) - began.cpu) / (double) n_messages;
  result.wall_ns = (double) (read_clock (CLOCK_MONOTONIC) - began.wall) / (double) n_messages;
  has_ended = TRUE;
}

void
bench_end (TroupeActor *actor,
           guint64      n_messages)
{
  take_times (n_messages);
  result.memory = (double) (read_memory ("/proc/self/status", "VmHWM:") - began.resident);
  troupe_system_stop (troupe_actor_get_system (actor), NULL);
}

void
bench_end_with_memory_in_use (TroupeActor *actor,
                              guint64      n_messages)
{
  take_times (n_messages);
  result.memory = (double) (read_memory ("/proc/self/smaps_rollup", "\nRss:") - began.resident) / (double) n_messages;
  troupe_system_stop (troupe_actor_get_system (actor), NULL);
}

static gboolean
run_scenario (const Scenario  *scenario,
              guint64          n_messages,
              GError         **error)
{
  TroupeSystem *system = troupe_system_get_default ();
  g_autoptr (TroupeRef) coordinator = troupe_system_spawn (system, scenario->name, scenario->get_type (), error, NULL);

  if (coordinator == NULL)
    return FALSE;

  troupe_ref_send (coordinator, troupe_message_new_uint64 (scenario->order, n_messages));
  return troupe_system_run (system, error);
}

/* }}} */
/* {{{ Measuring all */

static void G_GNUC_NORETURN
run_child (const Scenario *scenario,
           guint64         n_messages,
           int             out)
{
  g_autoptr (GError) error = NULL;

  if (!run_scenario (scenario, n_messages, &error) || !has_ended)
    {
      fprintf (stderr, "messages: %s: %s\n", scenario->name, error != NULL ? error->message : "The run did not finish");
      _exit (EXIT_FAILURE);
    }
  _exit (write (out, &result, sizeof result) == sizeof result ? EXIT_SUCCESS : EXIT_FAILURE);
}

static gboolean
measure (const Scenario *scenario,
         guint64         n_messages,
         Result         *out)
{
  gboolean complete;
  int status = 0;
  int fds[2];
  pid_t pid;

  if (pipe (fds) != 0 || (pid = fork ()) < 0)
    {
      perror ("messages");
      return FALSE;
    }
  if (pid == 0)
    run_child (scenario, n_messages, fds[1]);

  close (fds[1]);
  complete = read (fds[0], out, sizeof *out) == sizeof *out;
  close (fds[0]);
  waitpid (pid, &status, 0);
  if (!complete || !WIFEXITED (status) || WEXITSTATUS (status) != 0)
    {
      fprintf (stderr, "messages: %s failed\n", scenario->name);
      return FALSE;
    }
  return TRUE;
}

static int
compare_doubles (gconstpointer a,
                 gconstpointer b)
{
  double left = *(const double *) a;
  double right = *(const double *) b;

  return (left > right) - (left < right);
}

static double
median (double *values,
        guint   n_values)
{
  qsort (values, n_values, sizeof *values, compare_doubles);
  return n_values % 2 == 1 ? values[n_values / 2] : (values[n_values / 2 - 1] + values[n_values / 2]) / 2;
}

static Result
summarise (const Result *rounds,
           guint         n_rounds)
{
  g_autofree double *values = g_new (double, n_rounds);
  Result summary;

  for (guint i = 0; i < n_rounds; i++)
    values[i] = rounds[i].cpu_ns;
  summary.cpu_ns = median (values, n_rounds);
  for (guint i = 0; i < n_rounds; i++)
    values[i] = rounds[i].wall_ns;
  summary.wall_ns = median (values, n_rounds);
  for (guint i = 0; i < n_rounds; i++)
    values[i] = rounds[i].memory;
  summary.memory = median (values, n_rounds);
  return summary;
}

/* }}} */
/* {{{ The table */

static double
pick_figure (const Row    *row,
             const Result *summary)
{
  switch (row->figure)
    {
    case FIGURE_PEAK_KIB:
      return summary->memory / 1024;
    case FIGURE_BYTES_EACH:
      return summary->memory;
    case FIGURE_NS:
    default:
      return summary->cpu_ns;
    }
}

static void
print_row (const Row    *row,
           const Result *summary)
{
  double figure = pick_figure (row, summary);
  g_autofree char *wall = row->figure == FIGURE_NS ? g_strdup_printf ("%.1f", summary->wall_ns) : g_strdup ("");
  g_autofree char *floor = row->floor > 0 ? g_strdup_printf ("%g", row->floor) : g_strdup ("");
  g_autofree char *best = row->best > 0 ? g_strdup_printf ("%g (%s)", row->best, row->best_peer) : g_strdup ("");
  const char *verdict = row->floor == 0 ? "" : figure <= row->floor ? "met" : "MISSED";
  int width = 45 + (int) (strlen (row->about) - (gsize) g_utf8_strlen (row->about, -1));

  printf ("%-*s%10.1f%10s%8s  %-8s%s\n", width, row->about, figure, wall, floor, verdict, best);
}

static void
print_table (const Result   *summaries,
             const gboolean *measured,
             guint           n_rounds)
{
  printf ("Troupe %s with GLib %u.%u.%u, one reactor on one thread; medians of %u rounds\n\n", BENCH_VERSION,
          glib_major_version, glib_minor_version, glib_micro_version, n_rounds);
#ifndef __OPTIMIZE__
  printf ("Built without optimisation: these figures mean nothing.\n\n");
#endif
  printf ("%-45s%10s%10s%8s  %-8s%s\n", "", "Troupe", "by wall", "floor", "", "best peer");
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    for (guint j = 0; j < G_N_ELEMENTS (scenarios); j++)
      if (measured[j] && g_str_equal (rows[i].scenario, scenarios[j].name))
        print_row (&rows[i], &summaries[j]);
}

/* }}} */

static gboolean
is_known (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (scenarios); i++)
    if (g_str_equal (scenarios[i].name, name))
      return TRUE;
  return FALSE;
}

static char *
list_scenarios (void)
{
  GString *text = g_string_new ("Scenarios:\n");

  for (guint i = 0; i < G_N_ELEMENTS (scenarios); i++)
    g_string_append_printf (text, "  %-12s%s\n", scenarios[i].name, scenarios[i].about);
  return g_string_free (text, FALSE);
}

static gboolean
measure_all (char  **only,
             guint   n_rounds,
             double  scale)
{
  g_autofree Result *rounds = g_new0 (Result, G_N_ELEMENTS (scenarios) * n_rounds);
  Result summaries[G_N_ELEMENTS (scenarios)] = { 0 };
  gboolean measured[G_N_ELEMENTS (scenarios)] = { FALSE };

  for (guint round = 0; round < n_rounds; round++)
    for (guint i = 0; i < G_N_ELEMENTS (scenarios); i++)
      {
        guint64 n_messages = MAX (1000, (guint64) ((double) scenarios[i].n_messages * scale));

        measured[i] = only == NULL || g_strv_contains ((const char *const *) only, scenarios[i].name);
        if (measured[i] && !measure (&scenarios[i], n_messages, &rounds[i * n_rounds + round]))
          return FALSE;
      }

  for (guint i = 0; i < G_N_ELEMENTS (scenarios); i++)
    summaries[i] = summarise (&rounds[i * n_rounds], n_rounds);
  print_table (summaries, measured, n_rounds);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("– what a message costs");
  g_autoptr (GError) error = NULL;
  g_autofree char *known = list_scenarios ();
  g_auto (GStrv) only = NULL;
  double scale = 1.0;
  int n_rounds = 5;
  const GOptionEntry entries[] = {
    { "rounds", 0, 0, G_OPTION_ARG_INT, &n_rounds, "Interleaved rounds (5)", "N" },
    { "scale", 0, 0, G_OPTION_ARG_DOUBLE, &scale, "So many times the usual number of messages (1)", "X" },
    { "only", 0, 0, G_OPTION_ARG_STRING_ARRAY, &only, "This scenario; may be repeated", "NAME" },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_description (context, known);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      fprintf (stderr, "messages: %s\n", error->message);
      return EXIT_FAILURE;
    }
  for (guint i = 0; only != NULL && only[i] != NULL; i++)
    if (!is_known (only[i]))
      {
        fprintf (stderr, "messages: No scenario “%s”. %s", only[i], known);
        return EXIT_FAILURE;
      }
  if (n_rounds < 1 || n_rounds > 1000 || !(scale > 0) || scale > 1000)
    {
      fprintf (stderr, "messages: --rounds is 1 to 1000, --scale is above 0 and at most 1000\n");
      return EXIT_FAILURE;
    }

  return measure_all (only, (guint) n_rounds, scale) ? EXIT_SUCCESS : EXIT_FAILURE;
}
