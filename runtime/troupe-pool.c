/* troupe-pool.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error.h"
#include "troupe-message-private.h"
#include "troupe-pool-private.h"
#include "troupe-promise-private.h"
#include "troupe-ref-life-private.h"
#include "troupe-system-private.h"
#include "troupe-worker-private.h"

/*
 * The threads of a system for actors that block: workers as those of its other reactors, but each for one actor, made when one is spawned and
 * kept for a while when it has ended.
 *
 * Such a thread may be stuck in a system call when the system is to end, and nobody can end a thread in C. So it is *left behind*, with its
 * actors: whoever waits for one of them is told that it has ended, and the system ends without it. It may come back at any time and
 * go on with its turn. All that its turns touch is therefore still there, as its actors hold their system and their parents; what belongs to
 * it, its mailboxes and the state of its actors for instance, is not touched by others; and at the end of the turn it finds
 * that it has been left (`is_lost`), kills its actors and ends.
 */

#define MAX_THREADS 64
#define IDLE_MS (10 * 1000)
#define FEW_DEBTS 32

struct _TroupePool
{
  gatomicrefcount ref_count;         /* the system's, and one of each thread */
  TroupeSystem   *system;            /* no reference: it has this, and so it is there as long as any of its actors */
  TroupePoolFunc  ended;

  GMutex          mutex;             /* guards what follows */
  GPtrArray      *threads;           /* TroupePoolThread: that have neither been joined nor left behind */
  guint           max_threads;
  gint64          idle_ms;
  guint           n_made;
  gboolean        is_closed;
};

struct _TroupePoolThread
{
  TroupePool     *pool;              /* a reference */
  TroupeWorker   *worker;
  TroupeReactor  *reactor;           /* no reference: this is its */
  gboolean        is_timed;          /* a timer of its own will see whether it is idle; its own thread's */

  /* With the pool's mutex: */
  guint           n_actors;          /* that live on it, or are about to */
  GHashTable     *actors;            /* TroupeRef: references to these */
  GHashTable     *strays;            /* TroupeRef: references to their children on other threads */
  GPtrArray      *debts;             /* TroupeResolver: holds on what may still be owed to other threads */
  guint           debts_limit;       /* when to look for those that were paid, if they are many */
  gint64          idle_since;        /* µs, if it has no actors */
  gboolean        is_ending;         /* it has been told to */
  gboolean        is_lost;           /* atomic: it has been left behind */
  GPtrArray      *left;              /* TroupeRef: references to those whose parents still have to be told so; or NULL */
};

/* Making and ending threads */

static TroupePoolThread *
troupe_pool_thread_new (TroupePool   *pool,
                        TroupeWorker *worker)
{
  TroupePoolThread *self = g_new0 (TroupePoolThread, 1);

  g_atomic_ref_count_inc (&pool->ref_count);
  self->pool = pool;
  self->worker = worker;
  self->reactor = troupe_worker_get_reactor (worker);
  self->actors = g_hash_table_new (NULL, NULL);
  self->strays = g_hash_table_new (NULL, NULL);
  self->debts = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_resolver_unhold);
  /* Its own thread looks when it has had mail from one that has seen this. */
  self->reactor->pool_thread = self;

  return self;
}

void
troupe_pool_thread_free (TroupePoolThread *self)
{
  g_assert (g_hash_table_size (self->actors) == 0);

  g_hash_table_unref (self->actors);
  g_hash_table_unref (self->strays);
  g_ptr_array_unref (self->debts);
  g_clear_pointer (&self->left, g_ptr_array_unref);
  troupe_pool_unref (self->pool);
  g_free (self);
}

TroupePool *
troupe_pool_new (TroupeSystem   *system,
                 TroupePoolFunc  ended)
{
  TroupePool *self = g_new0 (TroupePool, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->mutex);
  self->system = system;
  self->ended = ended;
  self->threads = g_ptr_array_new ();
  self->max_threads = MAX_THREADS;
  self->idle_ms = IDLE_MS;

  return self;
}

void
troupe_pool_unref (TroupePool *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_assert (self->threads->len == 0);

  g_ptr_array_unref (self->threads);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

/* On the system's own thread. */
static void
troupe_pool_thread_ended (TroupeWorker *worker,
                          gpointer      data)
{
  TroupePool *pool = ((TroupePoolThread *) data)->pool;
  gboolean is_closed;

  g_mutex_lock (&pool->mutex);
  g_ptr_array_remove (pool->threads, data);
  is_closed = pool->is_closed;
  g_mutex_unlock (&pool->mutex);

  troupe_worker_free (worker);
  if (is_closed)
    pool->ended (pool->system);
}

static void
troupe_pool_thread_end_locked (TroupePoolThread *self)
{
  self->is_ending = TRUE;
  troupe_worker_stop (self->worker, troupe_system_get_reactor (self->pool->system)->outside, troupe_pool_thread_ended, self);
}

guint
troupe_pool_close (TroupePool *self)
{
  guint n_threads;
  guint i;

  g_mutex_lock (&self->mutex);
  self->is_closed = TRUE;
  n_threads = self->threads->len;
  for (i = 0; i < n_threads; i++)
    {
      TroupePoolThread *thread = g_ptr_array_index (self->threads, i);

      if (!thread->is_ending)
        troupe_pool_thread_end_locked (thread);
    }
  g_mutex_unlock (&self->mutex);

  return n_threads;
}

/* Being idle: on the thread itself */

static void troupe_pool_thread_time (TroupePoolThread *self,
                                     gint64            delay_ms);

static void
troupe_pool_thread_expire (TroupeTimer *timer,
                           gpointer     data)
{
  TroupePoolThread *self = data;
  gint64 left_ms = -1;

  self->is_timed = FALSE;

  g_mutex_lock (&self->pool->mutex);
  if (self->n_actors == 0 && !self->is_ending && !self->is_lost)
    {
      left_ms = self->pool->idle_ms - (g_get_monotonic_time () - self->idle_since) / 1000;
      if (left_ms <= 0)
        troupe_pool_thread_end_locked (self);
    }
  g_mutex_unlock (&self->pool->mutex);

  if (left_ms > 0)
    troupe_pool_thread_time (self, left_ms);
}

static void
troupe_pool_thread_time (TroupePoolThread *self,
                         gint64            delay_ms)
{
  self->is_timed = TRUE;
  troupe_timer_unref (troupe_timer_new (self->reactor->outside, delay_ms, TRUE, troupe_pool_thread_expire, self, NULL));
}

static void
troupe_pool_thread_rest_cb (TroupeRef *outside,
                            gpointer   data)
{
  TroupePoolThread *self = data;
  gint64 idle_ms;

  g_mutex_lock (&self->pool->mutex);
  idle_ms = self->pool->idle_ms;
  g_mutex_unlock (&self->pool->mutex);

  if (!self->is_timed)
    troupe_pool_thread_time (self, idle_ms);
}

/* Choosing */

static gboolean
troupe_pool_thread_is_in_turn (TroupePoolThread *self)
{
  return __atomic_load_n (&self->reactor->running, __ATOMIC_RELAXED) != NULL;
}

/* Whether SELF is the better one. The idle ones before all, and of these the one that was used last; then those with few actors. */
static gboolean
troupe_pool_thread_beats_locked (TroupePoolThread *self,
                                 TroupePoolThread *other)
{
  if (self->n_actors != other->n_actors)
    return self->n_actors < other->n_actors;
  if (self->n_actors == 0)
    return self->idle_since > other->idle_since;

  return !troupe_pool_thread_is_in_turn (self) && troupe_pool_thread_is_in_turn (other);
}

static TroupePoolThread *
troupe_pool_find_best_locked (TroupePool *self,
                              guint      *n_usable)
{
  TroupePoolThread *best = NULL;
  guint i;

  *n_usable = 0;
  for (i = 0; i < self->threads->len; i++)
    {
      TroupePoolThread *thread = g_ptr_array_index (self->threads, i);

      if (thread->is_ending)
        continue;
      (*n_usable)++;
      if (best == NULL || troupe_pool_thread_beats_locked (thread, best))
        best = thread;
    }

  return best;
}

static TroupePoolThread *
troupe_pool_add_thread_locked (TroupePool  *self,
                               GError     **error)
{
  const char *backend = troupe_reactor_get_backend_name (troupe_system_get_reactor (self->system));
  g_autofree char *name = g_strdup_printf ("troupe-block-%u", ++self->n_made);
  TroupeWorker *worker = troupe_worker_new (backend, name, error);
  TroupePoolThread *thread;

  if (worker == NULL)
    return NULL;

  thread = troupe_pool_thread_new (self, worker);
  g_ptr_array_add (self->threads, thread);

  return thread;
}

static TroupePoolThread *
troupe_pool_choose_locked (TroupePool  *self,
                           GError     **error)
{
  g_autoptr (GError) problem = NULL;
  TroupePoolThread *fresh;
  TroupePoolThread *best;
  guint n_usable;

  if (self->is_closed)
    {
      g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED, "The system has ended and has no more actors");
      return NULL;
    }

  best = troupe_pool_find_best_locked (self, &n_usable);
  if (best != NULL && (best->n_actors == 0 || n_usable >= self->max_threads))
    return best;

  fresh = troupe_pool_add_thread_locked (self, &problem);
  if (fresh != NULL || best != NULL)
    return fresh != NULL ? fresh : best;

  g_propagate_error (error, g_steal_pointer (&problem));
  return NULL;
}

TroupeReactor *
troupe_pool_take_reactor (TroupePool  *self,
                          GError     **error)
{
  TroupePoolThread *thread;

  /* Threads are not there in the child of a fork, where all actors count as ended. */
  if (troupe_system_get_reactor (self->system)->forked)
    {
      g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED, "The system was made before a fork");
      return NULL;
    }

  g_mutex_lock (&self->mutex);
  thread = troupe_pool_choose_locked (self, error);
  if (thread != NULL)
    {
      thread->n_actors++;
      g_object_ref (thread->reactor);
    }
  g_mutex_unlock (&self->mutex);

  return thread != NULL ? thread->reactor : NULL;
}

gboolean
troupe_pool_owns (TroupePool    *self,
                  TroupeReactor *reactor)
{
  return reactor->pool_thread != NULL && reactor->pool_thread->pool == self;
}

void
troupe_pool_share_reactor (TroupeReactor *reactor)
{
  TroupePool *pool = reactor->pool_thread->pool;

  g_mutex_lock (&pool->mutex);
  reactor->pool_thread->n_actors++;
  g_mutex_unlock (&pool->mutex);
  g_object_ref (reactor);
}

/* One actor less. */
static void
troupe_pool_thread_drop_locked (TroupePoolThread *self)
{
  g_assert (self->n_actors > 0);

  if (--self->n_actors > 0 || self->is_ending)
    return;

  if (self->is_lost)
    {
      self->is_ending = TRUE;
      troupe_worker_stop (self->worker, NULL, NULL, NULL);
    }
  else
    {
      self->idle_since = g_get_monotonic_time ();
      troupe_ref_call (self->reactor->outside, troupe_pool_thread_rest_cb, NULL, self, NULL);
    }
}

void
troupe_pool_give_back (TroupeReactor *reactor)
{
  TroupePool *pool = reactor->pool_thread->pool;

  g_mutex_lock (&pool->mutex);
  troupe_pool_thread_drop_locked (reactor->pool_thread);
  g_mutex_unlock (&pool->mutex);
}

void
troupe_pool_set_limits (TroupePool *self,
                        guint       max_threads,
                        gint64      idle_ms)
{
  g_mutex_lock (&self->mutex);
  self->max_threads = max_threads;
  self->idle_ms = idle_ms;
  g_mutex_unlock (&self->mutex);
}

guint
troupe_pool_get_n_threads (TroupePool *self)
{
  guint n_threads;

  g_mutex_lock (&self->mutex);
  n_threads = self->threads->len;
  g_mutex_unlock (&self->mutex);

  return n_threads;
}

/* Who lives there */

/* The thread of REF's parent, if that has one to itself and REF lives elsewhere. */
static TroupePoolThread *
troupe_ref_get_parents_thread (TroupeRef *ref)
{
  return ref->parent->reactor != ref->reactor ? ref->parent->reactor->pool_thread : NULL;
}

gboolean
troupe_pool_enter (TroupeRef *ref)
{
  TroupePoolThread *own = ref->reactor->pool_thread;
  TroupePoolThread *parents = troupe_ref_get_parents_thread (ref);
  TroupePool *pool = own != NULL ? own->pool : parents != NULL ? parents->pool : NULL;
  gboolean is_lost;

  if (pool == NULL)
    return TRUE;

  g_mutex_lock (&pool->mutex);
  is_lost = (own != NULL && own->is_lost) || (parents != NULL && parents->is_lost);
  if (is_lost && own != NULL)
    troupe_pool_thread_drop_locked (own);
  if (!is_lost && own != NULL)
    g_hash_table_add (own->actors, troupe_ref_ref (ref));
  if (!is_lost && parents != NULL)
    g_hash_table_add (parents->strays, troupe_ref_ref (ref));
  g_mutex_unlock (&pool->mutex);

  return !is_lost;
}

/* Leaving threads behind */

gboolean
troupe_pool_has_lost (TroupeReactor *reactor)
{
  return reactor->pool_thread != NULL && __atomic_load_n (&reactor->pool_thread->is_lost, __ATOMIC_ACQUIRE);
}

/* On the parent's thread: CHILD has been left behind, as far as the parent is concerned. */
static void
troupe_pool_part_cb (TroupeRef *parent,
                     gpointer   child)
{
  troupe_ref_lose_child (parent, child);
  troupe_ref_unref (child);
}

static void
troupe_pool_part_refused_cb (TroupeRef *parent,
                             gpointer   child)
{
  troupe_ref_unref (child);
}

static void troupe_pool_forget_stray (TroupeRef *ref);

/* On the system's own thread. What it left elsewhere has ended. */
static void
troupe_pool_thread_part (TroupePoolThread *self)
{
  g_autoptr (GPtrArray) left = g_steal_pointer (&self->left);
  guint i;

  for (i = 0; i < left->len; i++)
    {
      TroupeRef *ref = g_ptr_array_index (left, i);

      troupe_system_count_actor (ref->system, ref->reactor, -1);
      troupe_pool_forget_stray (ref);
      if (ref->parent->reactor != ref->reactor)
        troupe_ref_call_at_once (ref->parent, troupe_pool_part_cb, troupe_pool_part_refused_cb, troupe_ref_ref (ref));
    }
}

static void
troupe_pool_thread_part_cb (TroupeRef *outside,
                            gpointer   reactor)
{
  troupe_pool_thread_part (((TroupeReactor *) reactor)->pool_thread);
}

/* REF, which may live elsewhere than its parent, has ended or been left behind. */
static void
troupe_pool_forget_stray (TroupeRef *ref)
{
  TroupePoolThread *parents = troupe_ref_get_parents_thread (ref);
  gboolean is_stray;
  gboolean is_last;

  if (parents == NULL)
    return;

  g_mutex_lock (&parents->pool->mutex);
  is_stray = g_hash_table_remove (parents->strays, ref);
  is_last = is_stray && parents->left != NULL && g_hash_table_size (parents->strays) == 0;
  g_mutex_unlock (&parents->pool->mutex);

  if (is_last)
    troupe_ref_call (troupe_system_get_reactor (ref->system)->outside, troupe_pool_thread_part_cb, NULL,
                     g_object_ref (parents->reactor), g_object_unref);
  if (is_stray)
    troupe_ref_unref (ref);
}

gboolean
troupe_pool_leave (TroupeRef *ref)
{
  TroupePoolThread *own = ref->reactor->pool_thread;
  gboolean is_lost = FALSE;

  troupe_pool_forget_stray (ref);
  if (own == NULL)
    return FALSE;

  g_mutex_lock (&own->pool->mutex);
  is_lost = own->is_lost;
  g_hash_table_remove (own->actors, ref);
  troupe_pool_thread_drop_locked (own);
  g_mutex_unlock (&own->pool->mutex);

  if (!is_lost)
    troupe_ref_unref (ref);

  return is_lost;
}

static gboolean
troupe_ref_is_below (TroupeRef *self,
                     TroupeRef *ancestor)
{
  while (self != NULL && self != ancestor)
    self = self->parent;

  return self != NULL;
}

static gboolean
troupe_pool_thread_is_stuck_locked (TroupePoolThread *self,
                                    TroupeRef        *ancestor)
{
  GHashTableIter iter;
  gpointer ref;

  if (self->is_ending || !troupe_pool_thread_is_in_turn (self))
    return FALSE;

  g_hash_table_iter_init (&iter, self->actors);
  while (g_hash_table_iter_next (&iter, &ref, NULL))
    if (troupe_ref_is_below (ref, ancestor))
      return TRUE;

  return FALSE;
}

static GPtrArray *
dup_refs (GHashTable *set)
{
  GPtrArray *refs = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_ref_unref);
  GHashTableIter iter;
  gpointer ref;

  g_hash_table_iter_init (&iter, set);
  while (g_hash_table_iter_next (&iter, &ref, NULL))
    g_ptr_array_add (refs, troupe_ref_ref (ref));

  return refs;
}

/* On the thread itself, which has come back: what it still has to do is to end. */
void
troupe_pool_look (TroupePoolThread *self)
{
  g_autoptr (GPtrArray) refs = NULL;
  guint i;

  g_mutex_lock (&self->pool->mutex);
  if (self->is_lost)
    refs = dup_refs (self->actors);
  g_mutex_unlock (&self->pool->mutex);

  for (i = 0; refs != NULL && i < refs->len; i++)
    troupe_ref_set_control (g_ptr_array_index (refs, i), TROUPE_CONTROL_KILL);
}

static void
troupe_pool_look_cb (TroupeRef *outside,
                     gpointer   self)
{
  troupe_pool_look (self);
}

/* What leaves a thread behind, and what is to be done about it when the mutex is free. */
typedef struct
{
  TroupeReactor *reactor;            /* a reference */
  TroupeRef     *running;            /* no reference: whose turn it was; to compare */
  GPtrArray     *actors;
  GPtrArray     *strays;
  GPtrArray     *debts;
} Loss;

static Loss *
troupe_pool_thread_lose_locked (TroupePoolThread *self)
{
  Loss *loss = g_new (Loss, 1);

  loss->reactor = g_object_ref (self->reactor);
  loss->running = __atomic_load_n (&self->reactor->running, __ATOMIC_RELAXED);
  loss->actors = dup_refs (self->actors);
  loss->strays = dup_refs (self->strays);
  loss->debts = self->debts;
  self->debts = g_ptr_array_new ();
  self->left = dup_refs (self->actors);
  g_ptr_array_remove_fast (self->pool->threads, self);

  troupe_worker_detach (self->worker);
  __atomic_store_n (&self->is_lost, TRUE, __ATOMIC_RELEASE);
  /* It looks at the end of its turn, or when it wakes up. It cannot have ended before we let go of the mutex. */
  __atomic_store_n (&self->reactor->watchdog.mark, 1, __ATOMIC_SEQ_CST);
  troupe_ref_call_at_once (self->reactor->outside, troupe_pool_look_cb, NULL, self);

  return loss;
}

static void
loss_warn (Loss *self)
{
  g_autofree char *stuck = NULL;
  guint i;

  for (i = 0; i < self->actors->len && stuck == NULL; i++)
    if (g_ptr_array_index (self->actors, i) == self->running)
      stuck = troupe_ref_dup_path (self->running);

  for (i = 0; i < self->actors->len; i++)
    {
      TroupeRef *ref = g_ptr_array_index (self->actors, i);
      g_autofree char *path = troupe_ref_dup_path (ref);

      if (ref == self->running || stuck == NULL)
        g_warning ("The actor “%s” does not come back from what it waits for: it is left behind with its thread", path);
      else
        g_warning ("The actor “%s” is left behind: it has its thread from “%s”", path, stuck);
    }
}

static void
loss_reject_debts (Loss *self)
{
  guint i;

  for (i = 0; i < self->debts->len; i++)
    {
      TroupeResolver *resolver = g_ptr_array_index (self->debts, i);

      if (!troupe_resolver_is_resolved (resolver))
        troupe_resolver_take_error (resolver, g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED,
                                                                   "The actor was left behind, as its thread is stuck"));
    }
}

static void
loss_settle (Loss *self)
{
  TroupePoolThread *thread = self->reactor->pool_thread;
  gboolean has_strays;
  guint i;

  loss_warn (self);
  loss_reject_debts (self);
  for (i = 0; i < self->strays->len; i++)
    troupe_ref_control (g_ptr_array_index (self->strays, i), TROUPE_CONTROL_KILL);

  /* The last of them to end sees to the rest, unless there is none. */
  has_strays = self->strays->len > 0;
  if (!has_strays)
    troupe_pool_thread_part (thread);

  g_ptr_array_unref (self->actors);
  g_ptr_array_unref (self->strays);
  g_ptr_array_unref (self->debts);
  g_object_unref (self->reactor);
  g_free (self);
}

void
troupe_pool_abandon (TroupePool *self,
                     TroupeRef  *ancestor)
{
  g_autoptr (GPtrArray) losses = g_ptr_array_new ();
  guint i;

  g_mutex_lock (&self->mutex);
  for (i = self->threads->len; i > 0; i--)
    {
      TroupePoolThread *thread = g_ptr_array_index (self->threads, i - 1);

      if (troupe_pool_thread_is_stuck_locked (thread, ancestor))
        g_ptr_array_add (losses, troupe_pool_thread_lose_locked (thread));
    }
  g_mutex_unlock (&self->mutex);

  for (i = 0; i < losses->len; i++)
    loss_settle (g_ptr_array_index (losses, i));
}

/*
 * Debts. Who asks an actor that is left behind is to have an answer, and the question may be where only that thread can find it: in a
 * mailbox, or with the handler that is stuck. So there is a note of each, which is dropped by that thread after the pass in which it was answered.
 */

gboolean
troupe_pool_admit (TroupeReactor *reactor,
                   TroupeMessage *message)
{
  TroupePoolThread *self = reactor->pool_thread;
  gboolean is_lost;

  if (message->reply == NULL)
    return !troupe_pool_has_lost (reactor);

  g_mutex_lock (&self->pool->mutex);
  is_lost = self->is_lost;
  if (!is_lost)
    {
      troupe_resolver_hold (message->reply);
      g_ptr_array_add (self->debts, message->reply);
    }
  g_mutex_unlock (&self->pool->mutex);

  return !is_lost;
}

/* Takes up to FEW_DEBTS that were paid, from the place NEXT on, which is moved on. */
static guint
troupe_pool_thread_take_paid_locked (TroupePoolThread *self,
                                     TroupeResolver  **paid,
                                     guint            *next)
{
  guint n_paid = 0;

  while (n_paid < FEW_DEBTS && *next < self->debts->len)
    {
      TroupeResolver *resolver = g_ptr_array_index (self->debts, *next);

      if (troupe_resolver_is_resolved (resolver))
        paid[n_paid++] = g_ptr_array_steal_index_fast (self->debts, *next);
      else
        (*next)++;
    }

  return n_paid;
}

/* To let go of a promise may run anybody's code, so that is not done under the mutex. */
void
troupe_pool_end_pass (TroupePoolThread *self)
{
  TroupeResolver *paid[FEW_DEBTS];
  guint next = 0;
  guint n_paid;

  do
    {
      guint i;

      g_mutex_lock (&self->pool->mutex);
      /* Those that wait for long must not cost each pass. */
      if (next == 0 && self->debts->len > FEW_DEBTS && self->debts->len < self->debts_limit)
        next = self->debts->len;
      n_paid = troupe_pool_thread_take_paid_locked (self, paid, &next);
      if (n_paid > 0)
        self->debts_limit = 2 * self->debts->len;
      g_mutex_unlock (&self->pool->mutex);

      for (i = 0; i < n_paid; i++)
        troupe_resolver_unhold (paid[i]);
    }
  while (n_paid == FEW_DEBTS);
}
