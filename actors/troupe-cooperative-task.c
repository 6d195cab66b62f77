/* troupe-cooperative-task.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-cooperator-private.h"
#include "troupe-error.h"
#include "troupe-promise-private.h"

/**
 * TroupeCooperativeTask:
 *
 * A long work that is done in small units, in the slices of a [class@Troupe.Cooperator].
 *
 * It ends in one of three ways: it is done, it has failed, or it was stopped.
 *
 * Since: 1.0
 */

G_DEFINE_FINAL_TYPE (TroupeCooperativeTask, troupe_cooperative_task, G_TYPE_OBJECT)

static GError *
troupe_cooperative_task_new_ended_error (TroupeCooperativeTask *self)
{
  switch (self->state)
    {
    case TROUPE_TASK_DONE:
      return g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_TASK_DONE, "The task is done");

    case TROUPE_TASK_FAILED:
      return g_error_new (TROUPE_ERROR, TROUPE_ERROR_TASK_FAILED, "The task has failed: %s", self->error->message);

    case TROUPE_TASK_STOPPED:
      return g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_TASK_STOPPED, "The task was stopped");

    case TROUPE_TASK_ALIVE:
    default:
      g_assert_not_reached ();
    }
}

static gboolean
troupe_cooperative_task_check_alive (TroupeCooperativeTask  *self,
                                     GError                **error)
{
  if (self->state == TROUPE_TASK_ALIVE)
    return TRUE;

  g_propagate_error (error, troupe_cooperative_task_new_ended_error (self));

  return FALSE;
}

/* Takes RESOLVER. */
static void
troupe_cooperative_task_tell (TroupeCooperativeTask *self,
                              TroupeResolver        *resolver)
{
  if (self->state == TROUPE_TASK_DONE)
    troupe_resolver_resolve_object (resolver, self, NULL);
  else if (self->state == TROUPE_TASK_FAILED)
    troupe_resolver_take_error (resolver, g_error_copy (self->error));
  else
    troupe_resolver_take_error (resolver, troupe_cooperative_task_new_ended_error (self));
  troupe_resolver_unref (resolver);
}

void
troupe_cooperative_task_end (TroupeCooperativeTask *self,
                             TroupeTaskState        state,
                             GError                *error)
{
  G_GNUC_UNUSED g_autoptr (TroupeCooperativeTask) keep = g_object_ref (self);
  g_autoptr (TroupeCooperator) cooperator = g_object_ref (self->cooperator);
  g_autoptr (GPtrArray) waiters = g_steal_pointer (&self->waiters);
  guint i;

  self->state = state;
  self->error = error;
  if (self->n_pauses == 0)
    troupe_cooperator_make_unready (cooperator, self);
  troupe_cooperator_remove (cooperator, self);

  if (waiters == NULL)
    return;

  /* Each is taken. */
  g_ptr_array_set_free_func (waiters, NULL);
  for (i = 0; i < waiters->len; i++)
    troupe_cooperative_task_tell (self, g_ptr_array_index (waiters, i));
}

static void
troupe_cooperative_task_unpause (TroupeCooperativeTask *self)
{
  if (--self->n_pauses == 0 && self->state == TROUPE_TASK_ALIVE)
    troupe_cooperator_make_ready (self->cooperator, self);
}

static void
troupe_cooperative_task_promised_cb (TroupePromise *promise,
                                     gpointer       data)
{
  TroupeCooperativeTask *self = data;
  GError *error = troupe_promise_steal_error (promise);

  self->waiting = FALSE;
  if (self->state != TROUPE_TASK_ALIVE)
    g_clear_error (&error);
  else if (error != NULL)
    troupe_cooperative_task_end (self, TROUPE_TASK_FAILED, error);
  troupe_cooperative_task_unpause (self);

  troupe_promise_return_nothing (promise);
}

static void
troupe_cooperative_task_wait (TroupeCooperativeTask *self,
                              TroupePromise         *promise)
{
  self->waiting = TRUE;
  if (self->n_pauses++ == 0)
    troupe_cooperator_make_unready (self->cooperator, self);
  troupe_promise_add_both (promise, troupe_cooperative_task_promised_cb, g_object_ref (self), g_object_unref);
}

void
troupe_cooperative_task_do_unit (TroupeCooperativeTask *self)
{
  GError *error = NULL;
  g_autoptr (TroupePromise) promise = self->func (self, self->user_data, &error);

  if (error != NULL && self->state == TROUPE_TASK_ALIVE)
    troupe_cooperative_task_end (self, TROUPE_TASK_FAILED, error);
  else if (error != NULL)
    /* Nobody is left to be told, so it is reported. */
    troupe_promise_unref (troupe_promise_new_rejected (error));
  else if (promise != NULL && self->state == TROUPE_TASK_ALIVE)
    troupe_cooperative_task_wait (self, promise);
}

static void
troupe_cooperative_task_finalize (GObject *object)
{
  TroupeCooperativeTask *self = TROUPE_COOPERATIVE_TASK (object);

  if (self->error != NULL && !self->asked)
    g_warning ("A task has failed, and nobody asked: %s", self->error->message);

  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_clear_error (&self->error);
  g_clear_pointer (&self->waiters, g_ptr_array_unref);
  g_object_unref (self->cooperator);

  G_OBJECT_CLASS (troupe_cooperative_task_parent_class)->finalize (object);
}

static void
troupe_cooperative_task_class_init (TroupeCooperativeTaskClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = troupe_cooperative_task_finalize;
}

static void
troupe_cooperative_task_init (TroupeCooperativeTask *self)
{
  self->link.data = self;
  self->ready_link.data = self;
}

TroupeCooperativeTask *
troupe_cooperative_task_new (TroupeCooperator          *cooperator,
                             TroupeCooperativeTaskFunc  func,
                             gpointer                   user_data,
                             GDestroyNotify             destroy)
{
  TroupeCooperativeTask *self = g_object_new (TROUPE_TYPE_COOPERATIVE_TASK, NULL);

  self->cooperator = g_object_ref (cooperator);
  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;

  return self;
}

static gboolean
troupe_cooperative_task_is_at_home (TroupeCooperativeTask *self)
{
  return self->cooperator != NULL && troupe_cooperator_is_at_home (self->cooperator);
}

/**
 * troupe_cooperative_task_finish:
 * @self: a task
 * @error: return location for a #GError
 *
 * Says that the work is done: there are no more units. Usually the task's own function calls this.
 *
 * Returns: %TRUE, or %FALSE with %TROUPE_ERROR_TASK_DONE, %TROUPE_ERROR_TASK_FAILED or %TROUPE_ERROR_TASK_STOPPED if it has ended
 *
 * Since: 1.0
 */
gboolean
troupe_cooperative_task_finish (TroupeCooperativeTask  *self,
                                GError                **error)
{
  g_return_val_if_fail (TROUPE_IS_COOPERATIVE_TASK (self), FALSE);
  g_return_val_if_fail (troupe_cooperative_task_is_at_home (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!troupe_cooperative_task_check_alive (self, error))
    return FALSE;

  troupe_cooperative_task_end (self, TROUPE_TASK_DONE, NULL);

  return TRUE;
}

/**
 * troupe_cooperative_task_pause:
 * @self: a task
 * @error: return location for a #GError
 *
 * Does no more work until [method@Troupe.CooperativeTask.resume] was called as often as this.
 *
 * Returns: %TRUE, or %FALSE with %TROUPE_ERROR_TASK_DONE, %TROUPE_ERROR_TASK_FAILED or %TROUPE_ERROR_TASK_STOPPED if it has ended
 *
 * Since: 1.0
 */
gboolean
troupe_cooperative_task_pause (TroupeCooperativeTask  *self,
                               GError                **error)
{
  g_return_val_if_fail (TROUPE_IS_COOPERATIVE_TASK (self), FALSE);
  g_return_val_if_fail (troupe_cooperative_task_is_at_home (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!troupe_cooperative_task_check_alive (self, error))
    return FALSE;

  if (self->n_pauses++ == 0)
    troupe_cooperator_make_unready (self->cooperator, self);

  return TRUE;
}

/**
 * troupe_cooperative_task_resume:
 * @self: a task
 * @error: return location for a #GError
 *
 * Takes back one [method@Troupe.CooperativeTask.pause].
 *
 * With the last one the task has its turn again in a later slice, unless it waits for a promise. One that was stopped while it was paused
 * may be resumed, to no effect.
 *
 * Returns: %TRUE, or %FALSE with %TROUPE_ERROR_NOT_PAUSED
 *
 * Since: 1.0
 */
gboolean
troupe_cooperative_task_resume (TroupeCooperativeTask  *self,
                                GError                **error)
{
  g_return_val_if_fail (TROUPE_IS_COOPERATIVE_TASK (self), FALSE);
  g_return_val_if_fail (troupe_cooperative_task_is_at_home (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (self->n_pauses <= (guint) self->waiting)
    {
      g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_NOT_PAUSED, "The task is not paused");
      return FALSE;
    }

  troupe_cooperative_task_unpause (self);

  return TRUE;
}

/**
 * troupe_cooperative_task_stop:
 * @self: a task
 * @error: return location for a #GError
 *
 * Ends the task, whatever is left to do. The promise that it may wait for is no longer of interest.
 *
 * Those who wait for it get %TROUPE_ERROR_TASK_STOPPED.
 *
 * Returns: %TRUE, or %FALSE with %TROUPE_ERROR_TASK_DONE, %TROUPE_ERROR_TASK_FAILED or %TROUPE_ERROR_TASK_STOPPED if it has ended
 *
 * Since: 1.0
 */
gboolean
troupe_cooperative_task_stop (TroupeCooperativeTask  *self,
                              GError                **error)
{
  g_return_val_if_fail (TROUPE_IS_COOPERATIVE_TASK (self), FALSE);
  g_return_val_if_fail (troupe_cooperative_task_is_at_home (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!troupe_cooperative_task_check_alive (self, error))
    return FALSE;

  troupe_cooperative_task_end (self, TROUPE_TASK_STOPPED, NULL);

  return TRUE;
}

/**
 * troupe_cooperative_task_when_done:
 * @self: a task
 *
 * Promises the end of the task.
 *
 * The promise is resolved, with @self, when the task is done. It is rejected with the error that the task has failed with, or with
 * %TROUPE_ERROR_TASK_STOPPED. Each call makes a promise of its own, also after the end. The failure of a task of
 * which nobody has asked this is a warning.
 *
 * Returns: (transfer full): a promise of the task
 *
 * Since: 1.0
 */
TroupePromise *
troupe_cooperative_task_when_done (TroupeCooperativeTask *self)
{
  TroupeResolver *resolver = NULL;
  TroupePromise *promise;

  g_return_val_if_fail (TROUPE_IS_COOPERATIVE_TASK (self), NULL);
  g_return_val_if_fail (troupe_cooperative_task_is_at_home (self), NULL);

  promise = troupe_promise_new (&resolver);
  self->asked = TRUE;
  if (self->state != TROUPE_TASK_ALIVE)
    {
      troupe_cooperative_task_tell (self, resolver);
      return promise;
    }

  if (self->waiters == NULL)
    self->waiters = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_resolver_unref);
  g_ptr_array_add (self->waiters, resolver);

  return promise;
}
