/* troupe-threads.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error.h"
#include "troupe-promise.h"
#include "troupe-resolver.h"
#include "troupe-threads.h"

#define TROUPE_DEFAULT_MAX_THREADS 10
#define TROUPE_DEFAULT_MAX_WAITING_WORK 10000

typedef struct
{
  TroupeResolver *resolver;
  TroupeWork      work;
  gpointer        user_data;
  GDestroyNotify  destroy;
} TroupeJob;

/* Under the mutex. A job counts from the moment it is accepted until its work is done. */
static GMutex mutex;
static guint n_jobs;
static guint n_running;              /* of these: a thread has come to them */
static guint max_threads = TROUPE_DEFAULT_MAX_THREADS;
static guint max_waiting = TROUPE_DEFAULT_MAX_WAITING_WORK;

/* FALSE with ERROR set if there is no room for one more. */
static gboolean
troupe_threads_enter (GError **error)
{
  gboolean has_room;
  guint limit;

  g_mutex_lock (&mutex);
  limit = max_waiting;
  has_room = n_jobs < (guint64) max_threads + limit;
  if (has_room)
    n_jobs++;
  g_mutex_unlock (&mutex);

  if (!has_room)
    g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_QUEUE_OVERFLOW,
                 "All threads are at work, and no more than %u pieces of work may wait for one", limit);

  return has_room;
}

static void
troupe_threads_begin (void)
{
  g_mutex_lock (&mutex);
  n_running++;
  g_mutex_unlock (&mutex);
}

static void
troupe_threads_leave (void)
{
  g_mutex_lock (&mutex);
  n_running--;
  n_jobs--;
  g_mutex_unlock (&mutex);
}

static void
troupe_job_run_cb (gpointer data,
                   gpointer unused)
{
  TroupeJob *self = data;
  GError *error = NULL;

  troupe_threads_begin ();
  /* Nobody may want it any more. */
  if (!troupe_resolver_is_resolved (self->resolver))
    self->work (self->resolver, self->user_data, &error);
  if (error != NULL)
    troupe_resolver_reject (self->resolver, error, NULL);

  troupe_threads_leave ();
  if (self->destroy != NULL)
    self->destroy (self->user_data);
  troupe_resolver_unref (self->resolver);
  g_free (self);
}

/* Made at first use, and kept: threads that have nothing to do end by themselves. */
static GThreadPool *
troupe_threads_get_pool (void)
{
  static GThreadPool *pool;

  if (g_once_init_enter (&pool))
    g_once_init_leave (&pool, g_thread_pool_new (troupe_job_run_cb, NULL, TROUPE_DEFAULT_MAX_THREADS, FALSE, NULL));

  return pool;
}

/**
 * troupe_promise_new_in_thread:
 * @work: (scope notified) (closure user_data) (destroy destroy): what to do
 * @user_data: what to give to @work
 * @destroy: (nullable): frees @user_data, in the thread, once @work has returned; here, if the work is refused
 *
 * Makes a promise of what a function does in a thread of its own, at home here and now.
 *
 * It is for what can only be had by blocking: name services, databases, long computations. The threads are few, see
 * [func@Troupe.set_max_threads]; what does not find one free waits, in order, unless too much waits already, see
 * [func@Troupe.set_max_waiting_work]: then the promise is rejected with %TROUPE_ERROR_QUEUE_OVERFLOW. @work shares nothing with the caller but
 * @user_data, runs in no actor's turn, and may send, ask and resolve as any thread may. If the promise does not need
 * the outcome any more when a thread comes to it, because it was cancelled or its actor has ended, @work is not run. What runs is
 * not interrupted, but can ask with [method@Troupe.Resolver.is_cancelled]. JavaScript (GJS) has one thread only and cannot use it.
 *
 * Returns: (transfer full): a promise
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_new_in_thread (TroupeWork     work,
                              gpointer       user_data,
                              GDestroyNotify destroy)
{
  g_autoptr (GError) error = NULL;
  TroupeJob *job;
  TroupePromise *promise;

  g_return_val_if_fail (work != NULL, NULL);

  if (!troupe_threads_enter (&error))
    {
      if (destroy != NULL)
        destroy (user_data);
      return troupe_promise_new_rejected (g_steal_pointer (&error));
    }

  job = g_new (TroupeJob, 1);
  *job = (TroupeJob) { NULL, work, user_data, destroy };
  promise = troupe_promise_new (&job->resolver);

  /* It stays in the queue for the next thread there is. */
  if (!g_thread_pool_push (troupe_threads_get_pool (), job, &error))
    g_warning ("No thread could be started, so the work has to wait: %s", error->message);

  return promise;
}

/**
 * troupe_set_max_threads:
 * @n_threads: how many threads there may be, 1 or more
 *
 * Sets how many functions of [ctor@Troupe.Promise.new_in_thread] may run at once in this process; 10 unless told.
 *
 * Where it is lowered, threads that are there already may take work for about a second more. Call it from any thread.
 *
 * Since: 1.0
 */
void
troupe_set_max_threads (guint n_threads)
{
  g_autoptr (GError) error = NULL;

  g_return_if_fail (n_threads > 0 && n_threads <= G_MAXINT);

  g_mutex_lock (&mutex);
  max_threads = n_threads;
  g_mutex_unlock (&mutex);

  if (!g_thread_pool_set_max_threads (troupe_threads_get_pool (), n_threads, &error))
    g_warning ("No thread could be started: %s", error->message);
}

/**
 * troupe_get_max_threads:
 *
 * Tells how many functions of [ctor@Troupe.Promise.new_in_thread] may run at once in this process. Call it from any thread.
 *
 * Returns: the number of [func@Troupe.set_max_threads]
 *
 * Since: 1.0
 */
guint
troupe_get_max_threads (void)
{
  guint n_threads;

  g_mutex_lock (&mutex);
  n_threads = max_threads;
  g_mutex_unlock (&mutex);

  return n_threads;
}

/**
 * troupe_get_n_busy_threads:
 *
 * Counts the functions of [ctor@Troupe.Promise.new_in_thread] that run in a thread of this process now. Call it from any thread.
 *
 * Returns: how many
 *
 * Since: 1.0
 */
guint
troupe_get_n_busy_threads (void)
{
  guint n_threads;

  g_mutex_lock (&mutex);
  n_threads = n_running;
  g_mutex_unlock (&mutex);

  return n_threads;
}

/**
 * troupe_get_n_waiting_work:
 *
 * Counts the functions of [ctor@Troupe.Promise.new_in_thread] that wait for a thread in this process now. Call it from any thread.
 *
 * If there are always some, there are too few threads for the work: see [func@Troupe.set_max_threads].
 *
 * Returns: how many
 *
 * Since: 1.0
 */
guint
troupe_get_n_waiting_work (void)
{
  guint n_waiting;

  g_mutex_lock (&mutex);
  n_waiting = n_jobs - n_running;
  g_mutex_unlock (&mutex);

  return n_waiting;
}

/**
 * troupe_set_max_waiting_work:
 * @n_waiting: how much may wait
 *
 * Sets how many functions of [ctor@Troupe.Promise.new_in_thread] may wait for a thread in this process; 10 000 unless told.
 *
 * More are refused: their promises are rejected with %TROUPE_ERROR_QUEUE_OVERFLOW. With 0, work that finds no thread free is. What was
 * cancelled while it waited counts until a thread comes to it. Where the number is lowered, what waits already stays. Call it from any thread.
 *
 * Since: 1.0
 */
void
troupe_set_max_waiting_work (guint n_waiting)
{
  g_mutex_lock (&mutex);
  max_waiting = n_waiting;
  g_mutex_unlock (&mutex);
}
