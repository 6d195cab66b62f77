/* troupe-cooperator.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-cooperator-private.h"
#include "troupe-promise-private.h"
#include "troupe-reactor-private.h"

#define TROUPE_COOPERATOR_SLICE_US 10000

/**
 * TroupeCooperator:
 *
 * Shares the time of an actor among long tasks that can be cut into small units.
 *
 * The tasks do a unit of their work each, in turn, until a *slice* of time is over; then everybody else has a chance, and
 * in the next pass of the reactor it goes on where it was. A slice is one turn of the actor; it is 10 ms long, or longer by
 * what the last unit takes. When no task has anything to do, nothing is scheduled.
 *
 * Slices go by the reactor's clock. Where that is a [class@Troupe.Clock], time does not pass during a turn, so each slice is
 * one unit.
 *
 * A cooperator belongs to the actor in whose turn it was made, else to the reactor of the thread-default main context, and is for
 * that actor's turns, or that thread, alone. When the actor ends, so do its tasks, without another word. It keeps itself alive while
 * it has tasks.
 *
 * Since: 1.0
 */

G_DEFINE_FINAL_TYPE (TroupeCooperator, troupe_cooperator, G_TYPE_OBJECT)

gboolean
troupe_cooperator_is_at_home (TroupeCooperator *self)
{
  /* A thread without a default context of its own would pass for the main one. */
  return troupe_promise_get_home_now () == self->home && troupe_reactor_is_here (self->home->reactor);
}

static gboolean
troupe_cooperator_slice_is_over (TroupeCooperator *self,
                                 gint64            end)
{
  TroupeReactor *reactor = self->home->reactor;

  /* Somebody has stopped the actor, perhaps one of the tasks: that is for the next turn boundary. */
  return self->ready.length == 0 || self->slice == 0 || reactor->test_time != NULL || (self->home->control & ~TROUPE_CONTROL_HELD) != 0 ||
         troupe_reactor_read_clock (reactor) >= end;
}

static void troupe_cooperator_schedule (TroupeCooperator *self);

/* The timer has a reference. */
static void
troupe_cooperator_slice_cb (TroupeTimer *timer,
                            gpointer     data)
{
  TroupeCooperator *self = data;
  gint64 end = troupe_reactor_read_clock (self->home->reactor) + self->slice;

  g_clear_pointer (&self->timer, troupe_timer_unref);
  self->slicing = TRUE;
  do
    {
      GList *link = g_queue_pop_head_link (&self->ready);
      g_autoptr (TroupeCooperativeTask) task = g_object_ref (link->data);

      /* First to the end of the row: it may leave it, or others join. */
      g_queue_push_tail_link (&self->ready, link);
      troupe_cooperative_task_do_unit (task);
    }
  while (!troupe_cooperator_slice_is_over (self, end));
  self->slicing = FALSE;

  troupe_cooperator_schedule (self);
}

/* A fiber may wait for what was promised of a task. */
static void
troupe_cooperator_set_timer (TroupeCooperator *self)
{
  self->timer = troupe_timer_new (self->home, 0, FALSE, troupe_cooperator_slice_cb, g_object_ref (self), g_object_unref);
  self->timer->mail.bits |= TROUPE_TIMER_PROMISED;
}

/* Sets, keeps or takes back the timer, as is needed. */
static void
troupe_cooperator_schedule (TroupeCooperator *self)
{
  if (self->slicing)
    return;

  if (self->ready.length == 0)
    troupe_timer_clear (&self->timer);
  else if (self->timer == NULL)
    troupe_cooperator_set_timer (self);
}

void
troupe_cooperator_make_ready (TroupeCooperator      *self,
                              TroupeCooperativeTask *task)
{
  g_queue_push_tail_link (&self->ready, &task->ready_link);
  troupe_cooperator_schedule (self);
}

void
troupe_cooperator_make_unready (TroupeCooperator      *self,
                                TroupeCooperativeTask *task)
{
  g_queue_unlink (&self->ready, &task->ready_link);
  troupe_cooperator_schedule (self);
}

void
troupe_cooperator_remove (TroupeCooperator      *self,
                          TroupeCooperativeTask *task)
{
  g_queue_unlink (&self->tasks, &task->link);
  if (self->tasks.length == 0 && (self->home->flags & TROUPE_REF_OUTSIDE) == 0)
    troupe_ref_remove_resource (self->home, &self->resource);
  g_object_unref (task);
}

static void
troupe_cooperator_home_ended (TroupeResource *resource,
                              TroupeRef      *home)
{
  TroupeCooperator *self = (TroupeCooperator *) ((char *) resource - G_STRUCT_OFFSET (TroupeCooperator, resource));
  G_GNUC_UNUSED g_autoptr (TroupeCooperator) keep = g_object_ref (self);

  self->stopped = TRUE;
  while (self->tasks.head != NULL)
    {
      TroupeCooperativeTask *task = self->tasks.head->data;

      /* Those who wait for it were abandoned. */
      task->state = TROUPE_TASK_STOPPED;
      if (task->n_pauses == 0)
        g_queue_unlink (&self->ready, &task->ready_link);
      troupe_cooperator_remove (self, task);
    }
}

static void
troupe_cooperator_finalize (GObject *object)
{
  TroupeCooperator *self = TROUPE_COOPERATOR (object);

  /* Only now, if its actor has ended. */
  g_clear_pointer (&self->timer, troupe_timer_unref);
  troupe_ref_unref (self->home);

  G_OBJECT_CLASS (troupe_cooperator_parent_class)->finalize (object);
}

static void
troupe_cooperator_class_init (TroupeCooperatorClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = troupe_cooperator_finalize;
}

static void
troupe_cooperator_init (TroupeCooperator *self)
{
  self->home = troupe_ref_ref (troupe_promise_get_home_now ());
  self->resource.ended = troupe_cooperator_home_ended;
  self->slice = TROUPE_COOPERATOR_SLICE_US;
  g_queue_init (&self->tasks);
  g_queue_init (&self->ready);
}

/**
 * troupe_cooperator_new:
 *
 * Makes a cooperator of the actor whose turn this is, or else of the reactor of the thread-default main context.
 *
 * It runs what it is given, until [method@Troupe.Cooperator.stop]. Call this on the thread of the actor or reactor.
 *
 * Returns: (transfer full): the cooperator
 *
 * Since: 1.0
 */
TroupeCooperator *
troupe_cooperator_new (void)
{
  g_return_val_if_fail (troupe_reactor_is_here (troupe_promise_get_home_now ()->reactor), NULL);

  return g_object_new (TROUPE_TYPE_COOPERATOR, NULL);
}

/**
 * troupe_cooperator_add:
 * @self: a cooperator
 * @func: (scope notified) (closure user_data) (destroy destroy): what does one unit of work
 * @user_data: what to call it with
 * @destroy: (nullable): frees @user_data when the task is freed
 *
 * Adds a task, which has its first turn in a later slice.
 *
 * If the cooperator was stopped, the task has ended already, as one that was stopped. The cooperator holds a task until it has ended;
 * the caller may drop it.
 *
 * Returns: (transfer full): the task
 *
 * Since: 1.0
 */
TroupeCooperativeTask *
troupe_cooperator_add (TroupeCooperator          *self,
                       TroupeCooperativeTaskFunc  func,
                       gpointer                   user_data,
                       GDestroyNotify             destroy)
{
  TroupeCooperativeTask *task;

  g_return_val_if_fail (TROUPE_IS_COOPERATOR (self), NULL);
  g_return_val_if_fail (func != NULL, NULL);
  g_return_val_if_fail (troupe_cooperator_is_at_home (self), NULL);

  task = troupe_cooperative_task_new (self, func, user_data, destroy);
  if (self->stopped)
    {
      task->state = TROUPE_TASK_STOPPED;
      return task;
    }

  if (self->tasks.length == 0 && (self->home->flags & TROUPE_REF_OUTSIDE) == 0)
    troupe_ref_add_resource (self->home, &self->resource);
  g_object_ref (task);
  g_queue_push_tail_link (&self->tasks, &task->link);
  troupe_cooperator_make_ready (self, task);

  return task;
}

/**
 * troupe_cooperator_stop:
 * @self: a cooperator
 *
 * Stops all tasks, as [method@Troupe.CooperativeTask.stop] does, also those that are paused, and takes no more.
 *
 * Since: 1.0
 */
void
troupe_cooperator_stop (TroupeCooperator *self)
{
  g_return_if_fail (TROUPE_IS_COOPERATOR (self));
  g_return_if_fail (troupe_cooperator_is_at_home (self));

  g_object_ref (self);
  self->stopped = TRUE;
  while (self->tasks.head != NULL)
    troupe_cooperative_task_end (self->tasks.head->data, TROUPE_TASK_STOPPED, NULL);
  g_object_unref (self);
}

/**
 * troupe_cooperator_start:
 * @self: a cooperator
 *
 * Takes tasks again, after [method@Troupe.Cooperator.stop].
 *
 * Since: 1.0
 */
void
troupe_cooperator_start (TroupeCooperator *self)
{
  g_return_if_fail (TROUPE_IS_COOPERATOR (self));
  g_return_if_fail (troupe_cooperator_is_at_home (self));

  self->stopped = FALSE;
}

/**
 * troupe_cooperator_is_running:
 * @self: a cooperator
 *
 * Tells whether it takes tasks: it was not stopped, and its actor has not ended.
 *
 * Returns: %TRUE if it does
 *
 * Since: 1.0
 */
gboolean
troupe_cooperator_is_running (TroupeCooperator *self)
{
  g_return_val_if_fail (TROUPE_IS_COOPERATOR (self), FALSE);

  return !self->stopped && troupe_ref_get_state (self->home) != TROUPE_REF_ENDED;
}

/**
 * troupe_cooperator_set_slice:
 * @self: a cooperator
 * @slice_ms: milliseconds, 0 or more
 *
 * Sets how long the tasks may work before others have a chance, from the next slice on; 10 ms unless told.
 *
 * With 0 a slice is one unit of one task.
 *
 * Since: 1.0
 */
void
troupe_cooperator_set_slice (TroupeCooperator *self,
                             gint64            slice_ms)
{
  g_return_if_fail (TROUPE_IS_COOPERATOR (self));
  g_return_if_fail (slice_ms >= 0 && slice_ms <= G_MAXINT);
  g_return_if_fail (troupe_cooperator_is_at_home (self));

  self->slice = slice_ms * 1000;
}

/**
 * troupe_cooperator_get_slice:
 * @self: a cooperator
 *
 * Gets how long the tasks may work before others have a chance.
 *
 * Returns: milliseconds
 *
 * Since: 1.0
 */
gint64
troupe_cooperator_get_slice (TroupeCooperator *self)
{
  g_return_val_if_fail (TROUPE_IS_COOPERATOR (self), 0);

  return self->slice / 1000;
}
