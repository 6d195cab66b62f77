/* troupe-ref-sync.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error.h"
#include "troupe-message-private.h"
#include "troupe-promise-private.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-private.h"

/*
 * An ask of a thread that has no home for a promise. So the promise is at home outside actors on the target's reactor: a call there asks,
 * a step there hands the outcome over, another call there cancels. The thread itself only waits for a condition.
 */

typedef struct
{
  gatomicrefcount ref_count;         /* the thread that waits, a call on its way, the step */
  TroupeRef      *target;
  const char     *name;              /* of the question, interned; also the answer's */

  /* For home, after the call that brings it there. */
  TroupeMessage  *question;          /* until it is asked */
  TroupePromise  *promise;           /* from then on until it has an outcome */

  /* Under the mutex. The first outcome counts, be it the answer, or why nobody waits for that any more. */
  GList           link;              /* in `waiting` */
  GCond           cond;
  gboolean        is_over;
  TroupeMessage  *answer;
  GError         *error;
} TroupeSyncAsk;

static GMutex mutex;
static GQueue waiting = G_QUEUE_INIT;

static TroupeSyncAsk *
troupe_sync_ask_new (TroupeRef     *target,
                     TroupeMessage *question)
{
  TroupeSyncAsk *self = g_new0 (TroupeSyncAsk, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->target = troupe_ref_ref (target);
  self->name = question->name;
  self->question = question;
  self->link.data = self;
  g_cond_init (&self->cond);

  return self;
}

static TroupeSyncAsk *
troupe_sync_ask_ref (TroupeSyncAsk *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

static void
troupe_sync_ask_unref (gpointer data)
{
  TroupeSyncAsk *self = data;

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_clear_pointer (&self->question, troupe_message_unref);
  g_clear_pointer (&self->answer, troupe_message_unref);
  g_clear_error (&self->error);
  g_cond_clear (&self->cond);
  troupe_ref_unref (self->target);
  g_free (self);
}

/* Takes ERROR. */
static void
troupe_sync_ask_reject_locked (TroupeSyncAsk *self,
                               GError        *error)
{
  if (self->is_over)
    {
      g_error_free (error);
      return;
    }

  self->is_over = TRUE;
  self->error = error;
  g_cond_signal (&self->cond);
}

static void
troupe_sync_ask_reject (TroupeSyncAsk *self,
                        GError        *error)
{
  g_mutex_lock (&mutex);
  troupe_sync_ask_reject_locked (self, error);
  g_mutex_unlock (&mutex);
}

/* Takes ANSWER. To free one that comes too late may run anybody's code, so that is not done under the mutex. */
static void
troupe_sync_ask_resolve (TroupeSyncAsk *self,
                         TroupeMessage *answer)
{
  g_mutex_lock (&mutex);
  if (!self->is_over)
    {
      self->is_over = TRUE;
      self->answer = g_steal_pointer (&answer);
      g_cond_signal (&self->cond);
    }
  g_mutex_unlock (&mutex);

  g_clear_pointer (&answer, troupe_message_unref);
}

static gboolean
troupe_sync_ask_is_over (TroupeSyncAsk *self)
{
  gboolean is_over;

  g_mutex_lock (&mutex);
  is_over = self->is_over;
  g_mutex_unlock (&mutex);

  return is_over;
}

/* No answer will come any more. */
static void
troupe_sync_ask_lose_locked (TroupeSyncAsk *self)
{
  g_autofree char *path = NULL;

  if (self->is_over)
    return;

  path = troupe_ref_dup_path (self->target);
  troupe_sync_ask_reject_locked (self, g_error_new (TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED,
                                                    "The actor “%s” has ended before it answered “%s”",
                                                    path, self->name));
}

static void
troupe_sync_ask_lose (TroupeSyncAsk *self)
{
  g_mutex_lock (&mutex);
  troupe_sync_ask_lose_locked (self);
  g_mutex_unlock (&mutex);
}

/* At home */

static void
troupe_sync_ask_step (TroupePromise *promise,
                      gpointer       data)
{
  TroupeSyncAsk *self = data;
  TroupeBody outcome;

  if (troupe_promise_has_error (promise))
    {
      troupe_sync_ask_reject (self, troupe_promise_steal_error (promise));
      return;
    }

  troupe_body_move (&outcome, &promise->outcome);
  promise->outcome = TROUPE_BODY_NOTHING;
  troupe_sync_ask_resolve (self, troupe_message_new_with_body (self->name, outcome));
}

/* The step has run; or it never will, if the reactor has ended. */
static void
troupe_sync_ask_drop_step (gpointer data)
{
  TroupeSyncAsk *self = data;

  g_clear_pointer (&self->promise, troupe_promise_unref);
  troupe_sync_ask_lose (self);
  troupe_sync_ask_unref (self);
}

static void
troupe_sync_ask_begin_cb (TroupeRef *outside,
                          gpointer   data)
{
  TroupeSyncAsk *self = data;
  TroupeMessage *question;

  if (troupe_sync_ask_is_over (self))
    return;

  question = g_steal_pointer (&self->question);
  self->promise = troupe_promise_new_at (outside, &question->reply);
  troupe_promise_set_question (self->promise, self->name);
  troupe_ref_deliver (self->target, question, NULL);
  troupe_promise_add_both (self->promise, troupe_sync_ask_step, troupe_sync_ask_ref (self), troupe_sync_ask_drop_step);
}

/* The call has run; or it never will. */
static void
troupe_sync_ask_drop_begin (gpointer data)
{
  TroupeSyncAsk *self = data;

  if (self->question != NULL)
    troupe_sync_ask_lose (self);
  troupe_sync_ask_unref (self);
}

static void
troupe_sync_ask_cancel_cb (TroupeRef *outside,
                           gpointer   data)
{
  TroupeSyncAsk *self = data;
  g_autoptr (TroupePromise) promise = NULL;

  if (self->promise == NULL)
    return;

  promise = troupe_promise_ref (self->promise);
  troupe_promise_cancel (promise);
}

/* On the thread that waits */

/* TIME is in the monotonic clock's microseconds, or -1. */
static void
troupe_sync_ask_wait (TroupeSyncAsk *self,
                      gint64         time,
                      gint64         timeout_ms)
{
  g_mutex_lock (&mutex);

  /* The end of a system looks through the list after its last actor has ended: see troupe_ref_end_sync_asks (). */
  g_queue_push_tail_link (&waiting, &self->link);
  if (troupe_ref_has_ended (self->target))
    troupe_sync_ask_reject_locked (self, troupe_ref_new_ended_error (self->target));

  while (!self->is_over)
    if (time < 0)
      g_cond_wait (&self->cond, &mutex);
    else if (!g_cond_wait_until (&self->cond, &mutex, time))
      troupe_sync_ask_reject_locked (self, g_error_new (TROUPE_ERROR, TROUPE_ERROR_TIMED_OUT,
                                                        "There was no answer to “%s” within %" G_GINT64_FORMAT " ms",
                                                        self->name, timeout_ms));

  g_queue_unlink (&waiting, &self->link);
  g_mutex_unlock (&mutex);
}

static void
troupe_sync_ask_run (TroupeSyncAsk *self,
                     TroupeRef     *outside,
                     gint64         timeout_ms)
{
  gint64 now = g_get_monotonic_time ();
  gint64 time = timeout_ms >= 0 && timeout_ms < (G_MAXINT64 - now) / 1000 ? now + timeout_ms * 1000 : -1;

  troupe_ref_call (outside, troupe_sync_ask_begin_cb, NULL, troupe_sync_ask_ref (self), troupe_sync_ask_drop_begin);
  troupe_sync_ask_wait (self, time, timeout_ms);

  /* Does nothing if the promise has its outcome. */
  if (self->error != NULL)
    troupe_ref_call (outside, troupe_sync_ask_cancel_cb, NULL, troupe_sync_ask_ref (self), troupe_sync_ask_unref);
}

static void
troupe_sync_ask_cancelled_cb (GCancellable *cancellable,
                              gpointer      data)
{
  TroupeSyncAsk *self = data;

  troupe_sync_ask_reject (self, g_error_new (TROUPE_ERROR, TROUPE_ERROR_CANCELLED,
                                             "The wait for an answer to “%s” was cancelled", self->name));
}

/* A system has ended, and perhaps nobody runs its main context any more. What is still under way will not arrive. */
void
troupe_ref_end_sync_asks (TroupeSystem *system)
{
  GList *link;

  g_mutex_lock (&mutex);
  for (link = waiting.head; link != NULL; link = link->next)
    {
      TroupeSyncAsk *ask = link->data;

      if (ask->target->system == system)
        troupe_sync_ask_lose_locked (ask);
    }
  g_mutex_unlock (&mutex);
}

/**
 * troupe_ref_ask_sync:
 * @self: an actor's address
 * @message: (transfer full): the question
 * @timeout_ms: milliseconds to wait, 0 or more, or -1 to wait for as long as it takes
 * @cancellable: (nullable): a cancellable to stop waiting with, from any thread
 * @error: return location for a #GError
 *
 * Sends @message, and blocks the calling thread until the answer is there.
 *
 * It is for plain threads, which have no main loop that a promise could come home to, while another thread runs the actor's system. All
 * else asks with [method@Troupe.Ref.ask]. It is refused with %TROUPE_ERROR_WOULD_DEADLOCK, and nothing is sent,
 *
 * - in the turn of an actor, and in whatever else a reactor's main context is running on this thread, nested or not;
 * - on a thread that has made a system that has not ended, whether it runs now or not: no actor of that system could have a turn meanwhile;
 * - on a thread that owns a main context, as its thread-default one or otherwise, in which promises are at home.
 *
 * What it cannot see is that the target waits for this thread in some other way, or that nobody runs its main context; for that there is
 * a timeout. Time is real time, also for an actor whose reactor has a [class@Troupe.Clock].
 *
 * The answer is a message because that may go to any thread and has functions to read whatever body a reply may have. Its name is that of the
 * question. Other errors than those of this function are those of [method@Troupe.Ref.ask].
 *
 * When time has run out, or @cancellable is triggered, the ask is cancelled: if the question has not been looked at by then, it never is.
 * If the system ends meanwhile, that is %TROUPE_ERROR_ACTOR_STOPPED, even if nobody runs its main context any more.
 *
 * Returns: (transfer full): the answer, or %NULL with @error set: %TROUPE_ERROR_WOULD_DEADLOCK, %TROUPE_ERROR_TIMED_OUT,
 *   %TROUPE_ERROR_CANCELLED, or what the ask was rejected with
 *
 * Since: 1.0
 */
TroupeMessage *
troupe_ref_ask_sync (TroupeRef     *self,
                     TroupeMessage *message,
                     gint64         timeout_ms,
                     GCancellable  *cancellable,
                     GError       **error)
{
  g_autoptr (TroupeRef) outside = NULL;
  TroupeMessage *answer = NULL;
  TroupeSyncAsk *ask;
  gulong handler = 0;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (message != NULL, NULL);
  g_return_val_if_fail (timeout_ms >= -1, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!troupe_reactor_check_may_block (error))
    {
      troupe_message_unref (message);
      return NULL;
    }

  message = troupe_message_prepare (message);
  if (message == NULL)
    {
      g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_BROKEN, "The question could not be sent");
      return NULL;
    }

  ask = troupe_sync_ask_new (self, message);
  outside = troupe_reactor_dup_outside (self->reactor);
  if (outside == NULL)
    troupe_sync_ask_lose (ask);
  if (cancellable != NULL)
    handler = g_cancellable_connect (cancellable, G_CALLBACK (troupe_sync_ask_cancelled_cb), ask, NULL);
  if (!troupe_sync_ask_is_over (ask))
    troupe_sync_ask_run (ask, outside, timeout_ms);
  if (cancellable != NULL)
    g_cancellable_disconnect (cancellable, handler);

  /* It is over: nobody else looks at the outcome. */
  answer = g_steal_pointer (&ask->answer);
  if (ask->error != NULL)
    g_propagate_error (error, g_steal_pointer (&ask->error));
  troupe_sync_ask_unref (ask);

  return answer;
}
