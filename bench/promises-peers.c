/* promises-peers.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* GTask and Twisted's Deferred, as they are meant to be used. */

#include <stdio.h>

#include "promises.h"

/* {{{ GTask */

typedef struct
{
  guint64 n_left;
  gint64  value;
} Tasks;

static void tasks_next (Tasks *self);

static void
tasks_returned (GObject      *source,
                GAsyncResult *result,
                gpointer      user_data)
{
  Tasks *self = user_data;

  self->value = g_task_propagate_int (G_TASK (result), NULL);
  if (--self->n_left > 0)
    tasks_next (self);
}

static void
tasks_next (Tasks *self)
{
  GTask *task = g_task_new (NULL, NULL, tasks_returned, self);

  g_task_return_int (task, self->value + 1);
  g_object_unref (task);
}

void
run_tasks (guint64 n_tasks)
{
  Tasks self = { .n_left = n_tasks };

  bench_begin ();
  tasks_next (&self);
  while (self.n_left > 0)
    g_main_context_iteration (NULL, TRUE);
  bench_end_func (n_tasks);
  g_assert_cmpint (self.value, ==, (gint64) n_tasks);
}

/* }}} */
/* {{{ Twisted */

/* It measures itself and prints nanoseconds of CPU and of wall time, or says that there is no Twisted. */
static void
run_twisted (const char *what,
             guint64     n)
{
  g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, n);
  const char *argv[] = { "/usr/bin/python3", BENCH_TWISTED, what, number, NULL };
  g_autofree char *text = NULL;
  double cpu_ns, wall_ns;
  int status;

  if (!g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &text, NULL, &status, NULL) ||
      status != 0 || sscanf (text, "%lf %lf", &cpu_ns, &wall_ns) != 2)
    bench_skip ();
  else
    bench_end_elsewhere (cpu_ns, wall_ns);
}

void
run_twisted_steps (guint64 n_steps)
{
  run_twisted ("step", n_steps);
}

void
run_twisted_resolves (guint64 n_chains)
{
  run_twisted ("resolve", n_chains);
}

void
run_twisted_all (guint64 n_children)
{
  run_twisted ("all", n_children);
}

/* }}} */
