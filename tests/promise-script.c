/* promise-script.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/*
 * Runs programs of promise operations from standard input, each ended by a line "---", and prints what every step saw.
 * promise_programs.py makes and describes them; test-promise-random.py and test-promise-model.py run them on other promises as well. With
 * the argument "free" the programs are free ones.
 */

#include <stdio.h>
#include <stdlib.h>
#include <troupe.h>

#define N_CELLS 16
#define N_STEPS 16

typedef struct
{
  TroupePromise  *promise;
  TroupeResolver *resolver;          /* NULL for a list */
  int             running;
  int             paused;
  gboolean        adopted;
  gboolean        adopter;
  gboolean        known;
} Cell;

/* A step that runs: a step may drop the handle of its own promise. */
typedef struct
{
  Cell          *cell;
  TroupePromise *promise;
} Turn;

static Cell cells[N_CELLS];
static GPtrArray *steps[N_STEPS];    /* of lines, each a GStrv */
static int cancelling;
static gboolean free_programs;
static TroupeClock *test_clock;
static gboolean quiet;

static gboolean run_op (char       **words,
                        const Turn  *turn);

static G_GNUC_PRINTF (1, 2) void
say (const char *format,
     ...)
{
  va_list args;

  if (quiet)
    return;

  va_start (args, format);
  vprintf (format, args);
  va_end (args);
  putchar ('\n');
}

static GQuark
script_quark (void)
{
  return g_quark_from_static_string ("promise-script");
}

static GError *
new_error (const char *code)
{
  return g_error_new_literal (script_quark (), atoi (code), "scripted");
}

/* What was seen */

static char *
describe_error (const GError *error)
{
  if (error->domain == script_quark ())
    return g_strdup_printf ("error %d", error->code);
  if (g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_CANCELLED))
    return g_strdup ("cancelled");
  if (g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_RESOLVED))
    return g_strdup ("already");
  if (g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_BROKEN))
    return g_strdup ("broken");
  if (g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_TIMED_OUT))
    return g_strdup ("timed out");
  if (g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_ADOPT_SELF))
    return g_strdup ("adopts itself");
  if (g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_ADOPTED))
    return g_strdup ("adopted twice");
  if (g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_ALL_FAILED))
    return g_strdup ("all failed");
  if (g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_FIRST_ERROR))
    {
      g_autofree char *cause = describe_error (troupe_error_get_cause (error));

      return g_strdup_printf ("first (%d, %s)", (int) troupe_error_get_index (error), cause);
    }
  return g_strdup_printf ("unexpected: %s", error->message);
}

static char *describe_outcomes (TroupeOutcomes *outcomes);

static char *
describe_item (TroupeOutcomes *outcomes,
               gsize           index)
{
  GType type;

  if (!troupe_outcomes_has_value (outcomes, index))
    return describe_error (troupe_outcomes_get_error (outcomes, index));

  type = troupe_outcomes_get_value_type (outcomes, index);
  if (type == G_TYPE_INT64)
    return g_strdup_printf ("%d", (int) troupe_outcomes_get_int64 (outcomes, index));
  if (type == TROUPE_TYPE_OUTCOMES)
    return describe_outcomes (troupe_outcomes_get_boxed (outcomes, index));
  return g_strdup ("nothing");
}

static char *
describe_outcomes (TroupeOutcomes *outcomes)
{
  gint64 first = troupe_outcomes_get_first (outcomes);
  g_autoptr (GString) text = g_string_new ("[");
  gsize i;

  if (first >= 0)
    {
      g_autofree char *item = describe_item (outcomes, first);

      return g_strdup_printf ("one (%d, %s)", (int) first, item);
    }

  for (i = 0; i < troupe_outcomes_get_length (outcomes); i++)
    {
      g_autofree char *item = describe_item (outcomes, i);

      g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", item);
    }
  g_string_append_c (text, ']');
  return g_strdup (text->str);
}

static char *
describe (TroupePromise *promise)
{
  GType type;

  if (!troupe_promise_has_value (promise))
    return describe_error (troupe_promise_get_error (promise));

  type = troupe_promise_get_value_type (promise);
  if (type == G_TYPE_INT64)
    return g_strdup_printf ("%d", (int) troupe_promise_get_int64 (promise));
  if (type == TROUPE_TYPE_OUTCOMES)
    return describe_outcomes (troupe_promise_get_boxed (promise));
  return g_strdup ("nothing");
}

/* Steps */

static Cell *
get_cell (const char *word)
{
  return &cells[atoi (word) % N_CELLS];
}

/* One that can still be used, or NULL. */
static Cell *
get_live_cell (const char *word)
{
  Cell *cell = get_cell (word);

  return cell->promise != NULL ? cell : NULL;
}

static void
run_lines (guint       step,
           const Turn *turn)
{
  guint i;

  for (i = 0; i < steps[step]->len; i++)
    if (run_op (steps[step]->pdata[i], turn))
      return;
}

static void
step_cb (TroupePromise *promise,
         gpointer       user_data)
{
  guint step = GPOINTER_TO_UINT (user_data) / N_CELLS;
  guint number = GPOINTER_TO_UINT (user_data) % N_CELLS;
  Turn turn = { &cells[number], promise };
  g_autofree char *text = describe (promise);

  if (quiet)
    return;

  say ("step %u of %u: %s", step, number, text);
  cells[number].running++;
  run_lines (step, &turn);
  cells[number].running--;
  say ("end %u of %u", step, number);
}

static void
observe_cb (TroupePromise *promise,
            gpointer       user_data)
{
  g_autofree char *text = describe (promise);

  say ("outcome of %u: %s", GPOINTER_TO_UINT (user_data), text);
  troupe_promise_return_nothing (promise);
}

/* Around a step of the library's own, which may run others. */
static void
enter_cb (TroupePromise *promise,
          gpointer       user_data)
{
  cells[GPOINTER_TO_UINT (user_data)].running++;
}

static void
leave_cb (TroupePromise *promise,
          gpointer       user_data)
{
  cells[GPOINTER_TO_UINT (user_data)].running--;
}

static void
canceller_cb (TroupeResolver *resolver,
              gpointer        user_data)
{
  guint step = GPOINTER_TO_UINT (user_data);

  say ("canceller %u", step);
  cancelling++;
  run_lines (step, NULL);
  cancelling--;
}

/* Operations */

static void
add_step (Cell       *cell,
          const char *kind,
          guint       step)
{
  gpointer data = GUINT_TO_POINTER (step % N_STEPS * N_CELLS + (guint) (cell - cells));

  if (g_str_equal (kind, "callback"))
    troupe_promise_add_callback (cell->promise, step_cb, data, NULL);
  else if (g_str_equal (kind, "errback"))
    troupe_promise_add_errback (cell->promise, step_cb, data, NULL);
  else
    troupe_promise_add_both (cell->promise, step_cb, data, NULL);
}

/* CELL may have lost its handle, PROMISE, in between. */
static void
add_bracket (Cell          *cell,
             TroupePromise *promise,
             TroupeStep     callback)
{
  troupe_promise_add_both (promise, callback, GUINT_TO_POINTER ((guint) (cell - cells)), NULL);
}

static void
make (char **words)
{
  Cell *cell = get_cell (words[1]);

  if (cell->known)
    return;

  cell->known = TRUE;
  if (words[2] == NULL)
    cell->promise = troupe_promise_new (&cell->resolver);
  else
    cell->promise = troupe_promise_new_with_canceller (&cell->resolver, canceller_cb,
                                                       GUINT_TO_POINTER (atoi (words[2]) % N_STEPS), NULL);
}

/* Rule 34 again: a list is of higher numbers. */
static gsize
find_children (char **words,
               Cell  *children[])
{
  gsize n_children = 0;
  char **word;

  for (word = words + 3; *word != NULL; word++)
    {
      Cell *child = get_live_cell (*word);

      if (child != NULL && child > get_cell (words[1]))
        children[n_children++] = child;
    }

  return n_children;
}

static void
make_list (char **words)
{
  Cell *cell = get_cell (words[1]);
  Cell *children[N_CELLS];
  TroupePromise *promises[N_CELLS];
  gsize n_children = find_children (words, children);
  gsize i;

  if (cell->known || (n_children == 0 && !free_programs))
    return;

  for (i = 0; i < n_children; i++)
    {
      promises[i] = troupe_promise_ref (children[i]->promise);
      add_bracket (children[i], promises[i], enter_cb);
    }

  cell->known = TRUE;
  if (g_str_equal (words[0], "collect"))
    cell->promise = troupe_promise_collect (promises, n_children);
  else if (g_str_equal (words[0], "race"))
    cell->promise = troupe_promise_race (promises, n_children);
  else
    cell->promise = troupe_promise_all (promises, n_children, atoi (words[2]));

  for (i = 0; i < n_children; i++)
    {
      add_bracket (children[i], promises[i], leave_cb);
      troupe_promise_unref (promises[i]);
    }
}

static void
finish (char **words)
{
  Cell *cell = get_cell (words[1]);
  gboolean done;

  if (cell->resolver == NULL)
    return;

  say ("%s %s", words[0], words[1]);
  if (g_str_equal (words[0], "resolve"))
    done = troupe_resolver_resolve_int64 (cell->resolver, atoi (words[2]), NULL);
  else
    done = troupe_resolver_reject (cell->resolver, new_error (words[2]), NULL);
  say ("%s %s: %s", words[0], words[1], done ? "done" : "already");
}

static void
cancel_cell (Cell *cell)
{
  if (cancelling > 0 && !free_programs) /* rule 57 */
    return;

  say ("cancel %u", (guint) (cell - cells));
  troupe_promise_cancel (cell->promise);
  say ("cancelled %u", (guint) (cell - cells));
}

static void
pause_cell (Cell *cell)
{
  if ((cell->running > 0 || cell->adopter) && !free_programs) /* rules 41 and 32 */
    return;

  cell->paused++;
  troupe_promise_pause (cell->promise);
}

static void
unpause_cell (Cell *cell)
{
  if (cell->paused == 0) /* rule 40 */
    return;

  cell->paused--;
  troupe_promise_unpause (cell->promise);
}

static void
chain_cell (Cell       *cell,
       const char *target)
{
  g_autoptr (TroupePromise) promise = troupe_promise_ref (cell->promise);

  if (get_cell (target)->resolver == NULL || get_cell (target) == cell)
    return;

  add_bracket (cell, promise, enter_cb);
  troupe_promise_chain_to (promise, get_cell (target)->resolver);
  add_bracket (cell, promise, leave_cb);
}

/* Rules 33, 34 and 35: never itself, nor one of a lower number, nor twice. */
static gboolean
is_new_to (Cell *inner,
           Cell *cell)
{
  return inner > cell && !inner->adopted && inner->running == 0;
}

static gboolean
return_promise (const Turn *turn,
                const char *word)
{
  Cell *inner = get_live_cell (word);

  if (inner == NULL || !(free_programs || is_new_to (inner, turn->cell)))
    return FALSE;

  inner->adopted = TRUE;
  turn->cell->adopter = TRUE;
  troupe_promise_return_promise (turn->promise, troupe_promise_ref (inner->promise));
  return TRUE;
}

/* Whether it ends the step of PROMISE. */
static gboolean
run_return (char       **words,
            const Turn  *turn)
{
  if (turn == NULL)
    return FALSE;

  if (g_str_equal (words[1], "value"))
    troupe_promise_return_int64 (turn->promise, atoi (words[2]));
  else if (g_str_equal (words[1], "error"))
    troupe_promise_return_error (turn->promise, new_error (words[2]));
  else if (g_str_equal (words[1], "nothing"))
    troupe_promise_return_nothing (turn->promise);
  else
    return return_promise (turn, words[2]);

  return TRUE;
}

/* A paused list that nobody holds is freed, and tells what it was chained to. */
static void
drop_cell (Cell *cell)
{
  if (cell->resolver != NULL || cell->paused == 0)
    g_clear_pointer (&cell->promise, troupe_promise_unref);
}

/* Rule 22 */
static void
forget_cell (Cell *cell)
{
  if (cell->paused == 0)
    g_clear_pointer (&cell->resolver, troupe_resolver_unref);
}

static void
run_on_cell (char **words,
             Cell  *cell)
{
  if (g_str_equal (words[0], "add"))
    add_step (cell, words[2], atoi (words[3]));
  else if (g_str_equal (words[0], "cancel"))
    cancel_cell (cell);
  else if (g_str_equal (words[0], "pause"))
    pause_cell (cell);
  else if (g_str_equal (words[0], "unpause"))
    unpause_cell (cell);
  else if (g_str_equal (words[0], "chain"))
    chain_cell (cell, words[2]);
  else if (g_str_equal (words[0], "observe"))
    troupe_promise_add_both (cell->promise, observe_cb, GUINT_TO_POINTER ((guint) (cell - cells)), NULL);
  else if (g_str_equal (words[0], "drop"))
    drop_cell (cell);
  else if (g_str_equal (words[0], "forget"))
    forget_cell (cell);
  else if (g_str_equal (words[0], "timeout"))
    troupe_promise_add_timeout (cell->promise, atoi (words[2]), NULL, NULL, NULL);
  else
    g_error ("Unknown operation: %s", words[0]);
}

static gboolean
run_op (char       **words,
        const Turn  *turn)
{
  if (g_str_equal (words[0], "return"))
    return run_return (words, turn);

  if (g_str_equal (words[0], "new"))
    make (words);
  else if (g_str_equal (words[0], "all") || g_str_equal (words[0], "collect") || g_str_equal (words[0], "race"))
    make_list (words);
  else if (g_str_equal (words[0], "resolve") || g_str_equal (words[0], "reject"))
    finish (words);
  else if (g_str_equal (words[0], "advance"))
    troupe_clock_advance (test_clock, atoi (words[1]));
  else if (get_live_cell (words[1]) != NULL)
    run_on_cell (words, get_live_cell (words[1]));

  return FALSE;
}

static void
end_program (void)
{
  guint i;

  quiet = TRUE;
  for (i = 0; i < N_CELLS; i++)
    {
      g_clear_pointer (&cells[i].promise, troupe_promise_unref);
      g_clear_pointer (&cells[i].resolver, troupe_resolver_unref);
      cells[i] = (Cell) { .promise = NULL };
    }
  for (i = 0; i < N_STEPS; i++)
    g_ptr_array_set_size (steps[i], 0);
  troupe_clock_advance (test_clock, 1000);
  quiet = FALSE;

  say ("---");
}

static void
run_line (char *line)
{
  g_auto (GStrv) words = g_strsplit (g_strchomp (line), " ", -1);

  if (words[0] == NULL)
    return;

  if (g_str_equal (words[0], "---"))
    end_program ();
  else if (g_str_equal (words[0], "step"))
    g_ptr_array_add (steps[atoi (words[1]) % N_STEPS], g_strdupv (words + 2));
  else
    run_op (words, NULL);
}

/* Unhandled errors are no part of the comparison, but criticals are. */
static void
log_cb (const char     *domain,
        GLogLevelFlags  level,
        const char     *message,
        gpointer        user_data)
{
  if ((level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)) != 0)
    say ("critical: %s", message);
}

int
main (int   argc,
      char *argv[])
{
  g_autoptr (TroupeSystem) system = troupe_system_new (NULL, NULL, NULL);
  char line[256];
  guint i;

  g_log_set_default_handler (log_cb, NULL);
  for (i = 0; i < N_STEPS; i++)
    steps[i] = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);

  free_programs = argc > 1 && g_str_equal (argv[1], "free");
  test_clock = troupe_clock_new (troupe_system_get_reactor (system));

  while (fgets (line, sizeof line, stdin) != NULL)
    run_line (line);

  for (i = 0; i < N_STEPS; i++)
    g_ptr_array_unref (steps[i]);
  g_clear_object (&test_clock);
  return 0;
}
