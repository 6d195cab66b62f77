/* troupe-worker.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <signal.h>

#include "troupe-worker-private.h"

struct _TroupeWorker
{
  GThread          *thread;
  char             *backend;         /* or NULL */
  TroupeReactor    *reactor;         /* a reference */
  GError           *error;           /* why there is none */

  TroupeRef        *home;            /* a reference: where to say that the thread has ended; or NULL */
  TroupeWorkerFunc  func;
  gpointer          user_data;

  GMutex            mutex;
  GCond             cond;
  gboolean          begun;           /* there is a reactor, or an error; guarded by the mutex */
  gboolean          stopped;         /* the thread's own */
  gboolean          is_detached;     /* set before it is told to end */
};

static void
troupe_worker_begin (TroupeWorker *self,
                     GMainContext *context)
{
  TroupeReactor *reactor;
  GError *error = NULL;

  reactor = troupe_reactor_obtain (context, self->backend, &error);

  g_mutex_lock (&self->mutex);
  self->reactor = reactor;
  self->error = error;
  self->begun = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->mutex);
}

/* It has been told to end. */
static void
troupe_worker_join (TroupeWorker *self)
{
  GThread *thread = g_steal_pointer (&self->thread);

  /* It is not there in the child of a fork. */
  if (thread != NULL && (self->reactor == NULL || !self->reactor->forked))
    g_thread_join (thread);
}

static void
troupe_worker_ended_cb (TroupeRef *home,
                        gpointer   data)
{
  TroupeWorker *self = data;

  /* Saying so was the last thing that it did, and the system may be kept for ever. */
  troupe_worker_join (self);
  self->func (self, self->user_data);
}

static gpointer
troupe_worker_run (gpointer data)
{
  TroupeWorker *self = data;
  GMainContext *context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  troupe_worker_begin (self, context);

  while (self->reactor != NULL && !self->stopped)
    g_main_context_iteration (context, TRUE);

  if (self->reactor != NULL)
    {
      troupe_reactor_lose_descriptors (self->reactor);
      troupe_reactor_release (self->reactor);
      /* Closes it, even if somebody still has the context. */
      g_source_destroy (self->reactor->source);
    }
  g_main_context_pop_thread_default (context);
  g_main_context_unref (context);

  if (self->is_detached)
    {
      g_clear_pointer (&self->thread, g_thread_unref);
      troupe_worker_free (self);
      return NULL;
    }

  /* The worker may be freed at any time from here. */
  if (self->home != NULL)
    troupe_ref_call (self->home, troupe_worker_ended_cb, NULL, self, NULL);

  return NULL;
}

static GThread *
troupe_worker_start_thread (TroupeWorker  *self,
                            const char    *name,
                            GError       **error)
{
  sigset_t all;
  sigset_t before;
  GThread *thread;

  /* Signals are for the program's own threads. */
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  thread = g_thread_try_new (name, troupe_worker_run, self, error);
  pthread_sigmask (SIG_SETMASK, &before, NULL);

  return thread;
}

static void
troupe_worker_await (TroupeWorker *self)
{
  g_mutex_lock (&self->mutex);
  while (!self->begun)
    g_cond_wait (&self->cond, &self->mutex);
  g_mutex_unlock (&self->mutex);
}

TroupeWorker *
troupe_worker_new (const char  *backend,
                   const char  *name,
                   GError     **error)
{
  TroupeWorker *self = g_new0 (TroupeWorker, 1);

  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  self->backend = g_strdup (backend);
  self->thread = troupe_worker_start_thread (self, name, error);
  if (self->thread != NULL)
    troupe_worker_await (self);

  if (self->reactor != NULL)
    return self;

  if (self->error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->error));
  troupe_worker_free (self);

  return NULL;
}

TroupeReactor *
troupe_worker_get_reactor (TroupeWorker *self)
{
  return self->reactor;
}

static void
troupe_worker_stop_cb (TroupeRef *outside,
                       gpointer   data)
{
  TroupeWorker *self = data;

  self->stopped = TRUE;
}

void
troupe_worker_stop (TroupeWorker     *self,
                    TroupeRef        *home,
                    TroupeWorkerFunc  func,
                    gpointer          user_data)
{
  self->home = home != NULL ? troupe_ref_ref (home) : NULL;
  self->func = func;
  self->user_data = user_data;
  /* Published by the call. */
  troupe_ref_call (self->reactor->outside, troupe_worker_stop_cb, NULL, self, NULL);
}

void
troupe_worker_detach (TroupeWorker *self)
{
  self->is_detached = TRUE;
}

void
troupe_worker_free (TroupeWorker *self)
{
  troupe_worker_join (self);

  g_clear_object (&self->reactor);
  g_clear_pointer (&self->home, troupe_ref_unref);
  g_clear_error (&self->error);
  g_free (self->backend);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  g_free (self);
}
