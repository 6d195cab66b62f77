/* bench.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Runs scenarios and prints one table. Each measurement is a process of its own, so that none finds the memory of another one warm. */

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct
{
  double   cpu_ns;                     /* per message */
  double   wall_ns;
  double   memory;                     /* bytes, above what was in use at the beginning */
  gboolean skipped;
} Result;

/* Of several rounds: medians, and the range. */
typedef struct
{
  double cpu_ns;
  double lowest_ns;
  double highest_ns;
  double wall_ns;
  double lowest_wall_ns;
  double highest_wall_ns;
  double memory;
} Summary;

typedef struct
{
  const BenchScenario *scenarios;
  guint                n_scenarios;
  const BenchRow      *rows;
  guint                n_rows;
} Bench;

static Bench bench;

static struct
{
  gint64 cpu;
  gint64 wall;
  gint64 resident;
} began, paused;

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

void
bench_pause (void)
{
  paused.wall = read_clock (CLOCK_MONOTONIC);
  paused.cpu = read_clock (CLOCK_PROCESS_CPUTIME_ID);
}

void
bench_resume (void)
{
  began.wall += read_clock (CLOCK_MONOTONIC) - paused.wall;
  began.cpu += read_clock (CLOCK_PROCESS_CPUTIME_ID) - paused.cpu;
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

void
bench_end_func (guint64 n_messages)
{
  take_times (n_messages);
}

void
bench_end_elsewhere (double cpu_ns,
                     double wall_ns)
{
  result.cpu_ns = cpu_ns;
  result.wall_ns = wall_ns;
  has_ended = TRUE;
}

void
bench_skip (void)
{
  result.skipped = has_ended = TRUE;
}

static gboolean
run_actor (const BenchScenario  *scenario,
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

static gboolean
run_scenario (const BenchScenario  *scenario,
              guint64               n_messages,
              GError              **error)
{
  if (scenario->get_type != NULL)
    return run_actor (scenario, n_messages, error);

  scenario->func (n_messages);
  return TRUE;
}

static void G_GNUC_NORETURN
run_child (const BenchScenario *scenario,
           guint64         n_messages,
           int             out)
{
  g_autoptr (GError) error = NULL;

  if (!run_scenario (scenario, n_messages, &error) || !has_ended)
    {
      fprintf (stderr, "%s: %s: %s\n", g_get_prgname (), scenario->name, error != NULL ? error->message : "The run did not finish");
      _exit (EXIT_FAILURE);
    }
  _exit (write (out, &result, sizeof result) == sizeof result ? EXIT_SUCCESS : EXIT_FAILURE);
}

static gboolean
measure (const BenchScenario *scenario,
         guint64         n_messages,
         Result         *out)
{
  gboolean complete;
  int status = 0;
  int fds[2];
  pid_t pid;

  if (pipe (fds) != 0 || (pid = fork ()) < 0)
    {
      perror (g_get_prgname ());
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
      fprintf (stderr, "%s: %s failed\n", g_get_prgname (), scenario->name);
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

static Summary
summarise (const Result *rounds,
           guint         n_rounds)
{
  g_autofree double *values = g_new (double, n_rounds);
  Summary summary;

  for (guint i = 0; i < n_rounds; i++)
    values[i] = rounds[i].wall_ns;
  summary.wall_ns = median (values, n_rounds);
  summary.lowest_wall_ns = values[0];
  summary.highest_wall_ns = values[n_rounds - 1];
  for (guint i = 0; i < n_rounds; i++)
    values[i] = rounds[i].memory;
  summary.memory = median (values, n_rounds);
  for (guint i = 0; i < n_rounds; i++)
    values[i] = rounds[i].cpu_ns;
  summary.cpu_ns = median (values, n_rounds);
  summary.lowest_ns = values[0];
  summary.highest_ns = values[n_rounds - 1];
  return summary;
}

/* }}} */
/* {{{ The table */

static double
pick_figure (const BenchRow *row,
             const Summary  *summary)
{
  switch (row->figure)
    {
    case BENCH_PEAK_KIB:
      return summary->memory / 1024;
    case BENCH_BYTES_EACH:
      return summary->memory;
    case BENCH_WALL_NS:
      return summary->wall_ns;
    case BENCH_WALL_US:
      return summary->wall_ns / 1000;
    case BENCH_NS:
    default:
      return summary->cpu_ns;
    }
}

static char *
format_range (const BenchRow *row,
              const Summary  *summary)
{
  switch (row->figure)
    {
    case BENCH_NS:
      return g_strdup_printf ("%.1f – %.1f", summary->lowest_ns, summary->highest_ns);
    case BENCH_WALL_NS:
      return g_strdup_printf ("%.1f – %.1f", summary->lowest_wall_ns, summary->highest_wall_ns);
    case BENCH_WALL_US:
      return g_strdup_printf ("%.1f – %.1f", summary->lowest_wall_ns / 1000, summary->highest_wall_ns / 1000);
    case BENCH_PEAK_KIB:
    case BENCH_BYTES_EACH:
    default:
      return g_strdup ("");
    }
}

static void
print_row (const BenchRow *row,
           const Summary  *summary)
{
  double figure = pick_figure (row, summary);
  g_autofree char *range = format_range (row, summary);
  g_autofree char *wall = row->figure == BENCH_NS ? g_strdup_printf ("%.1f", summary->wall_ns) : NULL;
  g_autofree char *floor = row->floor > 0 ? g_strdup_printf ("%g", row->floor) : NULL;
  g_autofree char *best = row->best > 0 ? g_strdup_printf ("%g (%s)", row->best, row->best_peer) : NULL;
  const char *verdict = row->floor == 0 ? "" : figure <= row->floor ? "met" : "MISSED";
  int width = 45 + (int) (strlen (row->about) - (gsize) g_utf8_strlen (row->about, -1));

  printf ("%-*s%10.1f%*s%10s%8s  %-8s%s\n", width, row->about, figure, *range != '\0' ? 20 : 18, range,
          wall != NULL ? wall : "", floor != NULL ? floor : "", verdict, best != NULL ? best : "");
}

static void
print_table (const Summary  *summaries,
             const gboolean *measured,
             guint           n_rounds)
{
  printf ("Troupe %s with GLib %u.%u.%u, medians of %u rounds; CPU time, or by wall where several threads work\n\n", BENCH_VERSION,
          glib_major_version, glib_minor_version, glib_micro_version, n_rounds);
#ifndef __OPTIMIZE__
  printf ("Built without optimisation: these figures mean nothing.\n\n");
#endif
  printf ("%-45s%10s%18s%10s%8s  %-8s%s\n", "", "figure", "range", "by wall", "floor", "", "best peer");
  for (guint i = 0; i < bench.n_rows; i++)
    for (guint j = 0; j < bench.n_scenarios; j++)
      if (measured[j] && g_str_equal (bench.rows[i].scenario, bench.scenarios[j].name))
        print_row (&bench.rows[i], &summaries[j]);
}

/* }}} */

static gboolean
is_known (const char *name)
{
  for (guint i = 0; i < bench.n_scenarios; i++)
    if (g_str_equal (bench.scenarios[i].name, name))
      return TRUE;
  return FALSE;
}

static char *
list_scenarios (void)
{
  GString *text = g_string_new ("Scenarios:\n");

  for (guint i = 0; i < bench.n_scenarios; i++)
    g_string_append_printf (text, "  %-12s%s\n", bench.scenarios[i].name, bench.scenarios[i].about);
  return g_string_free (text, FALSE);
}

static gboolean
measure_all (char  **only,
             guint   n_rounds,
             double  scale)
{
  g_autofree Result *rounds = g_new0 (Result, bench.n_scenarios * n_rounds);
  g_autofree Summary *summaries = g_new0 (Summary, bench.n_scenarios);
  g_autofree gboolean *measured = g_new0 (gboolean, bench.n_scenarios);

  for (guint round = 0; round < n_rounds; round++)
    for (guint i = 0; i < bench.n_scenarios; i++)
      {
        guint64 n_messages = MAX (1000, (guint64) ((double) bench.scenarios[i].n_messages * scale));

        measured[i] = only == NULL || g_strv_contains ((const char *const *) only, bench.scenarios[i].name);
        if (measured[i] && !measure (&bench.scenarios[i], n_messages, &rounds[i * n_rounds + round]))
          return FALSE;
      }

  for (guint i = 0; i < bench.n_scenarios; i++)
    {
      summaries[i] = summarise (&rounds[i * n_rounds], n_rounds);
      measured[i] = measured[i] && !rounds[i * n_rounds].skipped;
    }
  print_table (summaries, measured, n_rounds);
  return TRUE;
}

int
bench_main (int                   argc,
            char                **argv,
            const BenchScenario  *scenarios,
            guint                 n_scenarios,
            const BenchRow       *rows,
            guint                 n_rows)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("– what things cost");
  g_autoptr (GError) error = NULL;
  g_autofree char *known = NULL;
  g_autofree char *name = NULL;
  g_auto (GStrv) only = NULL;
  double scale = 1.0;
  int n_rounds = 5;
  const GOptionEntry entries[] = {
    { "rounds", 0, 0, G_OPTION_ARG_INT, &n_rounds, "Interleaved rounds (5)", "N" },
    { "scale", 0, 0, G_OPTION_ARG_DOUBLE, &scale, "So many times the usual number of messages (1)", "X" },
    { "only", 0, 0, G_OPTION_ARG_STRING_ARRAY, &only, "This scenario; may be repeated", "NAME" },
    { NULL },
  };

  name = g_path_get_basename (argv[0]);
  g_set_prgname (name);
  bench = (Bench) { scenarios, n_scenarios, rows, n_rows };
  known = list_scenarios ();

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_description (context, known);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      fprintf (stderr, "%s: %s\n", g_get_prgname (), error->message);
      return EXIT_FAILURE;
    }
  for (guint i = 0; only != NULL && only[i] != NULL; i++)
    if (!is_known (only[i]))
      {
        fprintf (stderr, "%s: No scenario “%s”. %s", g_get_prgname (), only[i], known);
        return EXIT_FAILURE;
      }
  if (n_rounds < 1 || n_rounds > 1000 || !(scale > 0) || scale > 1000)
    {
      fprintf (stderr, "%s: --rounds is 1 to 1000, --scale is above 0 and at most 1000\n", g_get_prgname ());
      return EXIT_FAILURE;
    }

  return measure_all (only, (guint) n_rounds, scale) ? EXIT_SUCCESS : EXIT_FAILURE;
}
