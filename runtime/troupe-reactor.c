/* troupe-reactor.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "troupe-error.h"
#include "troupe-fiber-private.h"
#include "troupe-pool-private.h"
#include "troupe-reactor-private.h"

/**
 * TroupeReactor:
 *
 * One event loop: what runs the turns of the actors that are pinned to it.
 *
 * A reactor is one source in one #GMainContext, whoever runs that, with all connections, timers and mailboxes behind it. It
 * belongs to the thread that made it, and but for functions that say otherwise it is for that thread alone. Systems make their
 * reactors; get one with [method@Troupe.System.get_reactor].
 *
 * Each dispatch of the source is a *pass*: it takes in mail from other threads, what the descriptors announce and the timers that
 * are due, then gives the actors with mail their turns, at most 512 of them or for 2 ms unless [method@Troupe.Reactor.set_budget] has said otherwise. A pass
 * that leaves work behind sits out the next iteration of the main loop, so that sources of lower priority have theirs.
 *
 * Since: 1.0
 */

typedef struct
{
  GSource        source;
  TroupeReactor *reactor;            /* a reference: the context keeps the reactor */
} ReactorSource;

#define DEAF_MS       10             /* how often to look for mail if there is no descriptor to be woken by */
#define SPIN_SLICE_US 5               /* how long a spin keeps other sources and descriptors waiting */
#define SPIN_LOOKS    32             /* at the mail, between two at the clock */

G_DEFINE_FINAL_TYPE (TroupeReactor, troupe_reactor, G_TYPE_OBJECT)

static const TroupeBackendClass *const backends[] = { &troupe_epoll_backend, &troupe_poll_backend };

__thread TroupeReactor *troupe_reactor_here;
__thread char           troupe_thread_mark;

/* Guards the backend that was installed, and the reactors of the contexts. */
static GMutex mutex;
static const TroupeBackendClass *installed;
static gboolean used;
static GHashTable *reactors;         /* GMainContext to TroupeReactor, neither referenced */
static TroupeReactor *all_reactors;  /* that are not closed */

/* Which backend */

static const TroupeBackendClass *
find_backend (const char  *name,
              GError     **error)
{
  g_auto (GStrv) usable = NULL;
  g_autofree char *list = NULL;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (backends); i++)
    if (strcmp (backends[i]->name, name) == 0 && backends[i]->is_usable (NULL))
      return backends[i];

  usable = troupe_reactor_list_backends ();
  list = g_strjoinv (", ", usable);
  g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_NO_BACKEND,
               "There is no usable backend “%s”; usable are: %s", name, list);

  return NULL;
}

static const TroupeBackendClass *
choose_backend_locked (GError **error)
{
  const char *name = g_getenv ("TROUPE_REACTOR");
  guint i;

  if (installed != NULL)
    return installed;

  if (name != NULL && *name != '\0')
    return find_backend (name, error);

  for (i = 0; i < G_N_ELEMENTS (backends) - 1; i++)
    if (backends[i]->is_usable (NULL))
      break;

  return backends[i];
}

static TroupeBackend *
open_backend (TroupeReactor             *reactor,
              const TroupeBackendClass  *klass,
              GError                   **error)
{
  TroupeBackend *backend = g_malloc0 (klass->size);

  backend->klass = klass;
  backend->reactor = reactor;
  backend->source = reactor->source;
  if (!klass->open (backend, error))
    g_clear_pointer (&backend, g_free);

  return backend;
}

/* Being woken */

static void
troupe_reactor_watch_wake (TroupeReactor *self)
{
  TroupeBackend *backend = self->backend;
  gboolean polls = backend == NULL || backend->klass->watch_wake == NULL || !backend->klass->watch_wake (backend, self->wake.fd);

  if (polls && !self->polls_wake)
    g_source_add_poll (self->source, &self->wake);
  else if (!polls && self->polls_wake)
    g_source_remove_poll (self->source, &self->wake);

  self->polls_wake = polls;
  self->wake.revents = 0;
}

/*
 * What others write to, to wake us: the main context's own will not do, as our thread may free it as soon as it has the mail. This one is
 * closed with the reactor, to which who writes has a reference. It is not made before we sleep for the first time: many
 * homes of promises never do. FALSE if there is no descriptor to be had, or if the epoll set is the parent process's.
 */
static gboolean
troupe_reactor_open_wake (TroupeReactor *self)
{
  if (self->forked)
    return FALSE;

  self->wake = (GPollFD) { .fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK), .events = G_IO_IN };
  if (self->wake.fd < 0)
    return FALSE;

  troupe_reactor_watch_wake (self);

  return TRUE;
}

static void
troupe_reactor_wake (TroupeReactor *self)
{
  const guint64 one = 1;

  /* Nothing to do about failure: if the count is full, it is readable. */
  while (write (self->wake.fd, &one, sizeof one) < 0 && errno == EINTR)
    continue;
}

/* Where the source polls it, it is readable until it is read. */
static void
troupe_reactor_note_woken (TroupeReactor *self)
{
  guint64 count;

  if (self->wake.revents == 0)
    return;

  self->wake.revents = 0;
  while (read (self->wake.fd, &count, sizeof count) < 0 && errno == EINTR)
    continue;
}

/* Mail from other threads */

/* Relaxed: who takes it acquires it. */
static inline gboolean
troupe_reactor_has_inbound (TroupeReactor *self)
{
  return __atomic_load_n (&self->inbound, __ATOMIC_RELAXED) != NULL;
}

/* Acquire, as in take_inbound (). Sequentially consistent, against `closed`: who pushes after the last of these sees that it is set. */
static void
troupe_reactor_bounce_inbound (TroupeReactor *self)
{
  TroupeMail *mail = __atomic_exchange_n (&self->inbound, NULL, __ATOMIC_SEQ_CST);

  while (mail != NULL)
    {
      TroupeMail *next = mail->next;

      troupe_ref_bounce_inbound (mail);
      mail = next;
    }
}

void
troupe_reactor_post (TroupeReactor *self,
                     TroupeMail    *mail)
{
  TroupeMail *head = __atomic_load_n (&self->inbound, __ATOMIC_RELAXED);

  do
    mail->next = head;
  /* Release: who takes the list sees what is in the mail. Sequentially consistent, against `sleeping` and `closed`: either the
   * reactor sees the mail before it sleeps or closes, or we see that it does. */
  while (!__atomic_compare_exchange_n (&self->inbound, &head, mail, TRUE, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));

  /* The mail is not ours any more. */
  if (__atomic_load_n (&self->closed, __ATOMIC_SEQ_CST))
    troupe_reactor_bounce_inbound (self);
  else if (__atomic_load_n (&self->sleeping, __ATOMIC_SEQ_CST) &&
           __atomic_exchange_n (&self->sleeping, 0, __ATOMIC_SEQ_CST))
    troupe_reactor_wake (self);
}

static void
troupe_reactor_take_inbound (TroupeReactor *self)
{
  TroupeMail *mail;
  TroupeMail *oldest = NULL;

  if (!troupe_reactor_has_inbound (self))
    return;

  /* Acquire pairs with the release of each push. */
  mail = __atomic_exchange_n (&self->inbound, NULL, __ATOMIC_ACQUIRE);
  while (mail != NULL)
    {
      TroupeMail *next = mail->next;

      mail->next = oldest;
      oldest = mail;
      mail = next;
    }

  while (oldest != NULL)
    {
      TroupeMail *next = oldest->next;

      troupe_ref_take_inbound (oldest);
      oldest = next;
    }
}

/* Spinning */

static inline void
pause_processor (void)
{
#if defined (__x86_64__) || defined (__i386__)
  __builtin_ia32_pause ();
#elif defined (__aarch64__)
  __asm__ volatile ("yield");
#endif
}

void
troupe_reactor_set_spin (TroupeReactor *self,
                         guint          spin_us)
{
  /* Relaxed: nothing goes with it. */
  __atomic_store_n (&self->spin_us, spin_us, __ATOMIC_RELAXED);
}

/* A pass is over. By real time: it is real time that is spent. */
static inline void
troupe_reactor_begin_spin (TroupeReactor *self)
{
  if (G_UNLIKELY (__atomic_load_n (&self->spin_us, __ATOMIC_RELAXED) > 0) && self->turns > 0)
    self->spin_since = g_get_monotonic_time ();
}

/*
 * There is nothing to do. Waits for mail from other threads, which need not wake us meanwhile; TRUE if the main loop is to look at its
 * descriptors and other sources without waiting, FALSE if it may sleep. So all of these wait for no more than a slice.
 */
static gboolean
troupe_reactor_spin (TroupeReactor *self)
{
  gint64 now = g_get_monotonic_time ();
  gint64 end = self->spin_since + __atomic_load_n (&self->spin_us, __ATOMIC_RELAXED);
  guint i;

  if (now >= end)
    {
      self->spin_since = 0;
      return FALSE;
    }

  end = MIN (end, now + SPIN_SLICE_US);
  do
    for (i = 0; i < SPIN_LOOKS; i++)
      {
        if (troupe_reactor_has_inbound (self))
          return TRUE;
        pause_processor ();
      }
  while (g_get_monotonic_time () < end);

  return TRUE;
}

/* The pass */

void
troupe_reactor_run_flushes (TroupeReactor *self)
{
  while (self->flushes != NULL)
    {
      TroupeFlush *flush = self->flushes;

      self->flushes = flush->next;
      flush->queued = FALSE;
      flush->flush (flush);
    }
}

void
troupe_reactor_remove_flush (TroupeReactor *self,
                             TroupeFlush   *flush)
{
  TroupeFlush **place = &self->flushes;

  if (!flush->queued)
    return;

  while (*place != flush)
    place = &(*place)->next;
  *place = flush->next;
  flush->queued = FALSE;
}

void
troupe_reactor_give_buffer (TroupeReactor *self,
                            guint8        *buffer)
{
  if (self->spare_buffer == NULL)
    self->spare_buffer = buffer;
  else
    g_free (buffer);
}

gint64
troupe_reactor_read_clock (TroupeReactor *self)
{
  if (G_UNLIKELY (self->test_time != NULL))
    return *self->test_time;

  return self->backend != NULL ? self->backend->klass->get_time (self->backend) : g_get_monotonic_time ();
}

static void
troupe_reactor_expire_timers (TroupeReactor *self)
{
  TroupeTimer *timer;

  while ((timer = troupe_timer_heap_peek (&self->timers)) != NULL && timer->deadline <= self->now)
    {
      troupe_timer_heap_remove (&self->timers, timer);
      if (timer->mail.bits & TROUPE_TIMER_QUEUED)
        continue;

      timer->mail.bits |= TROUPE_TIMER_QUEUED;
      troupe_timer_ref (timer);
      troupe_ref_enqueue (timer->owner, &timer->mail);

      /* By a test's clock the next one is not before what this one leads to, be they different actors'. */
      if (G_UNLIKELY (self->test_time != NULL))
        break;
    }
}

static inline gboolean
troupe_reactor_has_ready (TroupeReactor *self)
{
  return self->ready.head != NULL || self->late.head != NULL;
}

/* A pass has begun at BEGUN and is over. Relaxed: they are numbers for people and for choosing among reactors, and publish nothing. */
static void
troupe_reactor_count_pass (TroupeReactor *self,
                           gint64         begun)
{
  gint64 length = self->pass_end - self->window;

  __atomic_store_n (&self->pass_begun, 0, __ATOMIC_RELAXED);

  __atomic_store_n (&self->n_turns, self->n_turns + self->turns, __ATOMIC_RELAXED);

  self->busy += self->pass_end - begun;
  if (length < TROUPE_WINDOW_US)
    return;

  __atomic_store_n (&self->load, (int) (self->busy * 1000 / length), __ATOMIC_RELAXED);
  self->busy = 0;
  __atomic_store_n (&self->window, self->pass_end, __ATOMIC_RELAXED);
}

static void
troupe_reactor_run_pass (TroupeReactor *self)
{
  gint64 begun;

  self->turns = 0;
  self->now = begun = troupe_reactor_read_clock (self);
  /* Relaxed, as in count_pass (). */
  __atomic_store_n (&self->pass_begun, begun, __ATOMIC_RELAXED);
  /* Whoever slept so long had nothing to do, and so had everybody else. */
  if (self->rested || self->now - self->pass_end >= TROUPE_PASS_US)
    {
      self->rested = FALSE;
      self->busy_since = self->now;
    }

  troupe_reactor_note_woken (self);
  troupe_reactor_take_inbound (self);
  if (self->backend != NULL)
    self->backend->klass->collect (self->backend);
  if (self->timers.length > 0)
    troupe_reactor_expire_timers (self);
  if (self->now - self->late_since >= TROUPE_LATE_US)
    troupe_reactor_forgive_late (self);
  troupe_reactor_run_ready (self);
  if (G_UNLIKELY (self->pool_thread != NULL))
    troupe_pool_end_pass (self->pool_thread);

  /* A flood on sockets leaves nothing behind in any one pass, and yet every iteration would be ours. */
  self->pass_end = troupe_reactor_read_clock (self);
  troupe_reactor_count_pass (self, begun);
  self->yielding = troupe_reactor_has_ready (self) || self->pass_end - self->busy_since >= self->pass_us;
  troupe_reactor_begin_spin (self);
}

/* The source */

static int
troupe_reactor_get_timeout (TroupeReactor *self)
{
  TroupeTimer *timer = troupe_timer_heap_peek (&self->timers);
  gint64 left;

  if (timer == NULL)
    return -1;

  left = timer->deadline - troupe_reactor_read_clock (self);
  if (left <= 0)
    return 0;

  /* Rounded up: waking early would only mean to sleep again. */
  return left / 1000 < G_MAXINT - 1 ? (int) ((left + 999) / 1000) : G_MAXINT;
}

static gboolean
source_prepare (GSource *source,
                int     *timeout)
{
  TroupeReactor *self = ((ReactorSource *) source)->reactor;
  gboolean can_be_woken;

  troupe_reactor_show_life (self);
  __atomic_store_n (&self->watchdog.polls, 1, __ATOMIC_RELEASE);

  *timeout = 0;
  if (self->yielding)
    return FALSE;
  if (troupe_reactor_has_ready (self) || (self->backend != NULL && self->backend->n_always_ready > 0))
    return TRUE;

  if (self->spin_since != 0 && troupe_reactor_spin (self))
    return troupe_reactor_has_inbound (self);

  can_be_woken = self->wake.fd >= 0 || troupe_reactor_open_wake (self);

  /* First say that we sleep, then look again, in sequentially consistent order: see troupe_reactor_post (). */
  if (can_be_woken)
    __atomic_store_n (&self->sleeping, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n (&self->inbound, __ATOMIC_SEQ_CST) != NULL)
    return TRUE;

  *timeout = troupe_reactor_get_timeout (self);
  if (!can_be_woken && (*timeout < 0 || *timeout > DEAF_MS))
    *timeout = DEAF_MS;

  return *timeout == 0;
}

static gboolean
troupe_reactor_has_work (TroupeReactor *self)
{
  return troupe_reactor_has_ready (self) ||
         troupe_reactor_has_inbound (self) ||
         self->wake.revents != 0 ||
         (self->backend != NULL && self->backend->klass->is_ready (self->backend)) ||
         (self->timers.length > 0 && troupe_reactor_get_timeout (self) == 0);
}

static gboolean
source_check (GSource *source)
{
  TroupeReactor *self = ((ReactorSource *) source)->reactor;
  gboolean ready = !self->yielding && troupe_reactor_has_work (self);

  /* In this order, and release: the mark of a turn that waited must not be seen without what tells that it did. */
  troupe_reactor_show_life (self);
  __atomic_store_n (&self->watchdog.polls, 0, __ATOMIC_RELEASE);

  self->yielding = FALSE;
  if (!ready)
    self->rested = TRUE;

  return ready;
}

static gboolean
source_dispatch (GSource     *source,
                 GSourceFunc  callback,
                 gpointer     user_data)
{
  TroupeReactor *self = ((ReactorSource *) source)->reactor;
  TroupeReactor *outer = troupe_reactor_here;
  TroupeRef *running = self->running;
  int running_depth = self->running_depth;
  gsize running_stack = self->running_stack;
  guint turns = self->turns;
  const char *subject = self->watchdog.subject;
  const char *question = self->watchdog.question;

  if (self->thread != NULL && !troupe_reactor_is_here (self))
    {
      g_critical (self->forked ? "A main context with a reactor is run after a fork"
                               : "A main context is run by another thread than the one that made its reactor");
      return G_SOURCE_REMOVE;
    }

  /* Relaxed: who still finds it set wakes us for nothing. */
  __atomic_store_n (&self->sleeping, 0, __ATOMIC_RELAXED);
  troupe_reactor_show_life (self);
  __atomic_store_n (&self->watchdog.polls, 0, __ATOMIC_RELEASE);

  /* A handler that runs a nested main loop has its output sent before it waits. */
  if (self->flushes != NULL)
    troupe_reactor_run_flushes (self);

  troupe_reactor_here = self;
  troupe_reactor_set_running (self, NULL);
  self->running_depth = g_main_depth ();

  /* While mail comes to us who spin for it, the loop is not worth its while; it has its turn when the time of a pass is over. */
  do
    troupe_reactor_run_pass (self);
  while (self->spin_since != 0 && !self->yielding && troupe_reactor_spin (self) && troupe_reactor_has_inbound (self));

  self->turns = turns;
  troupe_reactor_note_subject (self, subject);
  __atomic_store_n (&self->watchdog.question, question, __ATOMIC_RELEASE);
  troupe_reactor_show_life (self);
  troupe_reactor_set_running (self, running);
  self->running_depth = running_depth;
  self->running_stack = running_stack;
  troupe_reactor_here = outer;

  return G_SOURCE_CONTINUE;
}

/* In the child of a fork, which shares the parent's epoll set and sockets: whatever it does with the reactors it has inherited, it
 * must not touch those. They count as closed, and as another thread's. Between fork and exec, this may only store. */
static void
refuse_after_fork (void)
{
  TroupeReactor *reactor;

  troupe_watchdog_forget_all ();
  for (reactor = all_reactors; reactor != NULL; reactor = reactor->next)
    {
      reactor->closed = 1;
      reactor->forked = TRUE;
      reactor->thread = reactor;
    }
}

static void
troupe_reactor_enlist_locked (TroupeReactor *self)
{
  static gboolean registered;

  if (!registered)
    pthread_atfork (NULL, NULL, refuse_after_fork);
  registered = TRUE;

  self->next = all_reactors;
  all_reactors = self;
}

static void
troupe_reactor_delist_locked (TroupeReactor *self)
{
  TroupeReactor **place = &all_reactors;

  while (*place != self)
    place = &(*place)->next;
  *place = self->next;
}

/* Ends it: mail is bounced, now and later. */
static void
troupe_reactor_close (TroupeReactor *self)
{
  TroupeRef *ref;

  if (self->closed)
    return;

  troupe_watchdog_set (self, 0);
  /* First say so, then look, as in source_prepare (): who pushes sees it, or has what it pushed bounced below. */
  __atomic_store_n (&self->closed, 1, __ATOMIC_SEQ_CST);
  troupe_ref_set_state (self->outside, TROUPE_REF_ENDED);

  while ((ref = troupe_reactor_take_ready (self)) != NULL)
    {
      ref->flags &= ~TROUPE_REF_QUEUED;
      troupe_ref_bounce_all (ref);
    }
  troupe_reactor_bounce_inbound (self);

  g_clear_pointer (&self->descriptors, g_hash_table_unref);
  troupe_fiber_lose_all (self->outside);
  troupe_timer_cancel_all (self->outside);
  troupe_timer_heap_clear (&self->timers);

  if (self->backend != NULL)
    self->backend->klass->close (self->backend);
  g_clear_pointer (&self->backend, g_free);
  g_clear_pointer (&self->spare_buffer, g_free);
  g_clear_pointer (&self->outside, troupe_ref_unref);
}

static void
source_finalize (GSource *source)
{
  TroupeReactor *self = ((ReactorSource *) source)->reactor;

  g_mutex_lock (&mutex);
  if (reactors != NULL && g_hash_table_lookup (reactors, self->context) == self)
    g_hash_table_remove (reactors, self->context);
  troupe_reactor_delist_locked (self);
  g_mutex_unlock (&mutex);

  troupe_reactor_close (self);
  g_object_unref (self);
}

static GSourceFuncs source_funcs = {
  .prepare = source_prepare,
  .check = source_check,
  .dispatch = source_dispatch,
  .finalize = source_finalize,
};

/* The context owns the source, and the source the reactor. */
static TroupeReactor *
troupe_reactor_attach_locked (GMainContext *context)
{
  GSource *source = g_source_new (&source_funcs, sizeof (ReactorSource));
  TroupeReactor *self = g_object_new (TROUPE_TYPE_REACTOR, NULL);

  ((ReactorSource *) source)->reactor = self;
  self->context = context;
  self->source = source;
  self->outside = troupe_ref_new_outside (self);
  troupe_reactor_enlist_locked (self);

  g_source_set_static_name (source, "Troupe reactor");
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  /* Otherwise GLib takes our descriptors out of its set around every dispatch; and nested loops are to work. */
  g_source_set_can_recurse (source, TRUE);
  g_source_attach (source, context);
  g_source_unref (source);

  return self;
}

static TroupeReactor *
troupe_reactor_get_for_locked (GMainContext *context)
{
  TroupeReactor *self;

  if (reactors == NULL)
    reactors = g_hash_table_new (NULL, NULL);

  self = g_hash_table_lookup (reactors, context);
  if (self == NULL)
    {
      self = troupe_reactor_attach_locked (context);
      g_hash_table_insert (reactors, context, self);
    }

  return self;
}

TroupeRef *
troupe_reactor_get_outside_for (GMainContext *context)
{
  TroupeRef *outside;

  if (context == NULL)
    context = g_main_context_default ();

  g_mutex_lock (&mutex);
  outside = troupe_reactor_get_for_locked (context)->outside;
  g_mutex_unlock (&mutex);

  return outside;
}

TroupeRef *
troupe_reactor_dup_outside (TroupeReactor *self)
{
  TroupeRef *outside = NULL;
  TroupeReactor *reactor;

  /* It is taken from the list before it loses its outside. */
  g_mutex_lock (&mutex);
  for (reactor = all_reactors; reactor != NULL && outside == NULL; reactor = reactor->next)
    if (reactor == self)
      outside = troupe_ref_ref (reactor->outside);
  g_mutex_unlock (&mutex);

  return outside;
}

/* The thread of a system cannot wait even while it does not run it: it will. And who owns a context runs it, or keeps others from it. */
/* Relaxed: it is this thread or it is not, and only this thread makes it so. */
static gboolean
troupe_reactor_needs_this_thread_locked (TroupeReactor *self)
{
  if (__atomic_load_n (&self->thread, __ATOMIC_RELAXED) == &troupe_thread_mark && self->n_systems > 0)
    return TRUE;

  return g_main_context_is_owner (self->context);
}

gboolean
troupe_reactor_check_may_block (GError **error)
{
  gboolean is_needed = troupe_reactor_here != NULL;
  TroupeReactor *reactor;

  g_mutex_lock (&mutex);
  for (reactor = all_reactors; reactor != NULL && !is_needed; reactor = reactor->next)
    is_needed = troupe_reactor_needs_this_thread_locked (reactor);
  g_mutex_unlock (&mutex);

  if (is_needed)
    g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_WOULD_DEADLOCK,
                         "This thread runs actors or promises, and cannot wait for an answer: ask, and add steps to the promise");

  return !is_needed;
}

gboolean
troupe_reactor_own (TroupeReactor  *self,
                    GError        **error)
{
  /* Atomic, because other threads look; what they do with it is right with either value. */
  if (self->thread == NULL)
    __atomic_store_n (&self->thread, &troupe_thread_mark, __ATOMIC_RELAXED);

  if (troupe_reactor_is_here (self))
    return TRUE;

  g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_WRONG_THREAD,
                       self->forked ? "The reactor of this main context was made before a fork"
                                    : "Another thread has made the reactor of this main context");

  return FALSE;
}

/* Two backends in one context are two reactors; the second is only its system's. */
static TroupeReactor *
troupe_reactor_find_locked (GMainContext             *context,
                            const TroupeBackendClass *klass)
{
  TroupeReactor *self = troupe_reactor_get_for_locked (context);

  if (self->backend != NULL && self->backend->klass != klass)
    self = troupe_reactor_attach_locked (context);

  return self;
}

static gboolean
troupe_reactor_use (TroupeReactor             *self,
                    const TroupeBackendClass  *klass,
                    GError                   **error)
{
  if (!troupe_reactor_own (self, error))
    return FALSE;

  if (self->backend != NULL)
    return TRUE;

  self->backend = open_backend (self, klass, error);
  if (self->backend != NULL && self->wake.fd >= 0)
    troupe_reactor_watch_wake (self);

  return self->backend != NULL;
}

TroupeReactor *
troupe_reactor_obtain (GMainContext  *context,
                       const char    *backend,
                       GError       **error)
{
  const TroupeBackendClass *klass;
  TroupeReactor *self = NULL;

  if (context == NULL)
    context = g_main_context_default ();

  g_mutex_lock (&mutex);
  klass = backend != NULL ? find_backend (backend, error) : choose_backend_locked (error);
  if (klass != NULL)
    {
      self = troupe_reactor_find_locked (context, klass);
      used = TRUE;
    }
  g_mutex_unlock (&mutex);

  if (self == NULL)
    return NULL;

  self->n_systems++;
  if (troupe_reactor_use (self, klass, error))
    return g_object_ref (self);

  troupe_reactor_release (self);

  return NULL;
}

void
troupe_reactor_release (TroupeReactor *self)
{
  gboolean shared;

  if (--self->n_systems > 0)
    return;

  troupe_watchdog_set (self, 0);
  troupe_reactor_set_spin (self, 0);
  g_mutex_lock (&mutex);
  shared = g_hash_table_lookup (reactors, self->context) == self;
  g_mutex_unlock (&mutex);

  /* The context's own reactor stays: promises that were made outside actors are at home there. */
  if (!shared)
    g_source_destroy (self->source);
}

static void
troupe_reactor_finalize (GObject *object)
{
  TroupeReactor *self = TROUPE_REACTOR (object);

  if (self->wake.fd >= 0)
    close (self->wake.fd);
  g_clear_pointer (&self->pool_thread, troupe_pool_thread_free);

  G_OBJECT_CLASS (troupe_reactor_parent_class)->finalize (object);
}

static void
troupe_reactor_class_init (TroupeReactorClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = troupe_reactor_finalize;

  troupe_depth_measure ();
}

static void
troupe_reactor_init (TroupeReactor *self)
{
  self->wake.fd = -1;
  self->pass_turns = TROUPE_PASS_TURNS;
  self->pass_us = TROUPE_PASS_US;
  self->watchdog.subject = troupe_watchdog_subjects[TROUPE_WATCHDOG_CONTROL];
}

/**
 * troupe_reactor_list_backends:
 *
 * Lists the backends that can be used here, the default first. Call it from any thread.
 *
 * Returns: (transfer full) (array zero-terminated=1): their names
 *
 * Since: 1.0
 */
char **
troupe_reactor_list_backends (void)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  guint i;

  for (i = 0; i < G_N_ELEMENTS (backends); i++)
    if (backends[i]->is_usable (NULL))
      g_strv_builder_add (names, backends[i]->name);

  return g_strv_builder_end (names);
}

/**
 * troupe_reactor_install:
 * @backend: the name of a backend, such as “epoll” or “poll”
 * @error: return location for a #GError
 *
 * Chooses the backend of the reactors that this process will make, unless a system names its own.
 *
 * The environment variable `TROUPE_REACTOR` does the same for programs that do not call this. Call it from any thread, before the
 * first system exists.
 *
 * Returns: %TRUE, or %FALSE with %TROUPE_ERROR_ALREADY_INSTALLED if a backend has been chosen or used already, or
 *   %TROUPE_ERROR_NO_BACKEND, which lists the usable ones
 *
 * Since: 1.0
 */
gboolean
troupe_reactor_install (const char  *backend,
                        GError     **error)
{
  const TroupeBackendClass *klass;

  g_return_val_if_fail (backend != NULL, FALSE);

  klass = find_backend (backend, error);
  if (klass == NULL)
    return FALSE;

  g_mutex_lock (&mutex);
  if (used || installed != NULL)
    {
      g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_INSTALLED,
                   "Cannot install the backend “%s”: one is installed already", backend);
      klass = NULL;
    }
  else
    {
      installed = klass;
    }
  g_mutex_unlock (&mutex);

  return klass != NULL;
}

/**
 * troupe_reactor_get_backend_name:
 * @self: a reactor
 *
 * Gets the name of the backend that waits for descriptors.
 *
 * Returns: (transfer none): the name, such as “epoll”
 *
 * Since: 1.0
 */
const char *
troupe_reactor_get_backend_name (TroupeReactor *self)
{
  g_return_val_if_fail (TROUPE_IS_REACTOR (self), NULL);
  g_return_val_if_fail (self->backend != NULL, NULL);

  return self->backend->klass->name;
}

/**
 * troupe_reactor_get_context:
 * @self: a reactor
 *
 * Gets the main context that the reactor is a source of. Call it from any thread.
 *
 * Returns: (transfer none): the context
 *
 * Since: 1.0
 */
GMainContext *
troupe_reactor_get_context (TroupeReactor *self)
{
  g_return_val_if_fail (TROUPE_IS_REACTOR (self), NULL);

  return self->context;
}

/**
 * troupe_reactor_get_priority:
 * @self: a reactor
 *
 * Gets the priority of the reactor's source.
 *
 * Returns: the priority, %G_PRIORITY_DEFAULT unless changed
 *
 * Since: 1.0
 */
int
troupe_reactor_get_priority (TroupeReactor *self)
{
  g_return_val_if_fail (TROUPE_IS_REACTOR (self), 0);

  return g_source_get_priority (self->source);
}

/**
 * troupe_reactor_set_priority:
 * @self: a reactor
 * @priority: a priority, such as %G_PRIORITY_DEFAULT_IDLE
 *
 * Sets the priority of the reactor's source among the others of its main context.
 *
 * Since: 1.0
 */
void
troupe_reactor_set_priority (TroupeReactor *self,
                             int            priority)
{
  g_return_if_fail (TROUPE_IS_REACTOR (self));

  g_source_set_priority (self->source, priority);
}

/**
 * troupe_reactor_get_budget:
 * @self: a reactor
 * @turns: (out) (optional): where to put how many turns a pass has at most
 * @microseconds: (out) (optional): where to put how long it takes
 *
 * Gets what [method@Troupe.Reactor.set_budget] has set.
 *
 * Since: 1.0
 */
void
troupe_reactor_get_budget (TroupeReactor *self,
                           guint         *turns,
                           gint64        *microseconds)
{
  g_return_if_fail (TROUPE_IS_REACTOR (self));

  if (turns != NULL)
    *turns = self->pass_turns;
  if (microseconds != NULL)
    *microseconds = self->pass_us;
}

/**
 * troupe_reactor_set_budget:
 * @self: a reactor
 * @turns: how many turns a pass has at most, or 0 for the default of 512
 * @microseconds: after how many microseconds a pass is over, or 0 for the default of 2000
 *
 * Sets how much actors may do before the other sources of the main context have their turn.
 *
 * A pass ends with whatever comes first. If actors still have mail then, or passes have filled that time one after the other, the next iteration
 * of the main context is for others, whatever their priority: so nobody waits longer for actors than this, and what actors may take
 * from others is a share of the time. The slice that is running is finished first, which is up to 64 turns of one actor, and the clock is looked at
 * between slices and after some 32 turns: a turn that takes long is not interrupted.
 *
 * A smaller budget suits a program whose frames take long to draw; a larger one, a reactor that shares its context with nothing else.
 *
 * Since: 1.0
 */
void
troupe_reactor_set_budget (TroupeReactor *self,
                           guint          turns,
                           gint64         microseconds)
{
  g_return_if_fail (TROUPE_IS_REACTOR (self));
  g_return_if_fail (microseconds >= 0);

  self->pass_turns = turns > 0 ? turns : TROUPE_PASS_TURNS;
  self->pass_us = microseconds > 0 ? microseconds : TROUPE_PASS_US;
}

/**
 * troupe_reactor_get_time:
 * @self: a reactor
 *
 * Reads the clock that the reactor's timers go by.
 *
 * Returns: microseconds since some moment in the past, never going back
 *
 * Since: 1.0
 */
gint64
troupe_reactor_get_time (TroupeReactor *self)
{
  g_return_val_if_fail (TROUPE_IS_REACTOR (self), 0);

  return troupe_reactor_read_clock (self);
}

/**
 * troupe_reactor_get_load:
 * @self: a reactor
 *
 * Tells how much of its time the reactor has spent on its actors lately: in a window of some 50 milliseconds.
 *
 * Call it from any thread.
 *
 * Returns: 0 for one that has nothing to do, up to 1 for one that has no time left
 *
 * Since: 1.0
 */
double
troupe_reactor_get_load (TroupeReactor *self)
{
  gint64 begun;
  gint64 late;

  g_return_val_if_fail (TROUPE_IS_REACTOR (self), 0);

  /* Nobody closes the window of one that has nothing to do, or is in one long pass. */
  late = g_get_monotonic_time () - 4 * TROUPE_WINDOW_US;
  begun = __atomic_load_n (&self->pass_begun, __ATOMIC_RELAXED);
  if (begun != 0 && begun < late)
    return 1;

  return __atomic_load_n (&self->window, __ATOMIC_RELAXED) < late ? 0 : __atomic_load_n (&self->load, __ATOMIC_RELAXED) / 1000.0;
}

/**
 * troupe_reactor_get_n_turns:
 * @self: a reactor
 *
 * Counts the turns that the reactor has run, up to its last pass. Call it from any thread.
 *
 * Returns: how many
 *
 * Since: 1.0
 */
guint64
troupe_reactor_get_n_turns (TroupeReactor *self)
{
  g_return_val_if_fail (TROUPE_IS_REACTOR (self), 0);

  return __atomic_load_n (&self->n_turns, __ATOMIC_RELAXED);
}

/**
 * troupe_reactor_get_n_actors:
 * @self: a reactor of a system that has several
 *
 * Counts the actors that have been spawned for the reactor and have not ended, but for the root. Call it from any thread.
 *
 * Where a system has one reactor only, [method@Troupe.System.get_n_actors] is that number; it is not counted here.
 *
 * Returns: how many
 *
 * Since: 1.0
 */
guint64
troupe_reactor_get_n_actors (TroupeReactor *self)
{
  g_return_val_if_fail (TROUPE_IS_REACTOR (self), 0);

  return __atomic_load_n (&self->n_actors, __ATOMIC_RELAXED);
}

static TroupeRef *
get_owner_now (TroupeReactor *self)
{
  TroupeRef *current = troupe_ref_get_current ();

  return current != NULL && current->reactor == self ? current : self->outside;
}

/**
 * troupe_reactor_get_n_connections:
 * @self: a reactor
 *
 * Counts the connections that live on the reactor: the transports that have been made there and have not ended. Call it from any thread.
 *
 * Returns: how many
 *
 * Since: 1.0
 */
guint
troupe_reactor_get_n_connections (TroupeReactor *self)
{
  g_return_val_if_fail (TROUPE_IS_REACTOR (self), 0);

  return __atomic_load_n (&self->n_connections, __ATOMIC_RELAXED);
}

/**
 * troupe_reactor_call_later:
 * @self: a reactor, on its thread
 * @delay_ms: milliseconds to wait, 0 or more
 * @func: (scope notified) (closure user_data) (destroy destroy): what to call
 * @user_data: what to call it with
 * @destroy: (nullable): frees @user_data, once @func has run or never will
 *
 * Calls @func once, in a later pass, when the time has come.
 *
 * In a turn of an actor of this reactor it belongs to that actor, as with [method@Troupe.Actor.call_later]; otherwise to the reactor. Even
 * with a delay of 0 it does not run in the same pass. Calls with the same deadline run in the order in which they were made.
 *
 * Returns: (transfer full): a timer to change or cancel it with; may be dropped
 *
 * Since: 1.0
 */
TroupeTimer *
troupe_reactor_call_later (TroupeReactor   *self,
                           gint64           delay_ms,
                           TroupeTimerFunc  func,
                           gpointer         user_data,
                           GDestroyNotify   destroy)
{
  g_return_val_if_fail (TROUPE_IS_REACTOR (self), NULL);
  g_return_val_if_fail (troupe_reactor_may_be_used (self), NULL);
  g_return_val_if_fail (delay_ms >= 0, NULL);
  g_return_val_if_fail (func != NULL, NULL);

  return troupe_timer_new (get_owner_now (self), delay_ms, FALSE, func, user_data, destroy);
}

/**
 * troupe_reactor_call_later_or_fail: (rename-to troupe_reactor_call_later)
 * @self: a reactor
 * @delay_ms: milliseconds to wait, 0 or more
 * @func: (scope notified) (closure user_data) (destroy destroy): what to call
 * @user_data: what to call it with
 * @destroy: (nullable): frees @user_data, once @func has run or never will
 *
 * Calls @func once, in a later pass, when the time has come. If it fails, so does the actor it belongs to; outside actors the
 * error is logged as a warning.
 *
 * It is [method@Troupe.Reactor.call_later] for a function that says by a #GError that it failed. In language bindings it has
 * that name, and the function fails by throwing.
 *
 * Returns: (transfer full): a timer to change or cancel it with; may be dropped
 *
 * Since: 1.0
 */
TroupeTimer *
troupe_reactor_call_later_or_fail (TroupeReactor           *self,
                                   gint64                   delay_ms,
                                   TroupeFallibleTimerFunc  func,
                                   gpointer                 user_data,
                                   GDestroyNotify           destroy)
{
  g_return_val_if_fail (TROUPE_IS_REACTOR (self), NULL);
  g_return_val_if_fail (delay_ms >= 0, NULL);
  g_return_val_if_fail (func != NULL, NULL);

  return troupe_timer_new_or_fail (get_owner_now (self), delay_ms, func, user_data, destroy);
}

static int
compare_slots (gconstpointer a,
               gconstpointer b)
{
  const TroupeTimerSlot *left = a;
  const TroupeTimerSlot *right = b;

  if (left->deadline != right->deadline)
    return left->deadline < right->deadline ? -1 : 1;

  return left->sequence < right->sequence ? -1 : left->sequence > right->sequence;
}

/**
 * troupe_reactor_dup_timers:
 * @self: a reactor, on its thread
 *
 * Gets the timers of the reactor and all its actors that wait for their time, soonest first.
 *
 * Returns: (transfer container) (element-type TroupeTimer): the timers
 *
 * Since: 1.0
 */
GPtrArray *
troupe_reactor_dup_timers (TroupeReactor *self)
{
  g_autofree TroupeTimerSlot *slots = NULL;
  GPtrArray *timers;
  guint i;

  g_return_val_if_fail (TROUPE_IS_REACTOR (self), NULL);
  g_return_val_if_fail (troupe_reactor_may_be_used (self), NULL);

  slots = g_memdup2 (self->timers.slots, self->timers.length * sizeof (TroupeTimerSlot));
  if (slots != NULL)
    qsort (slots, self->timers.length, sizeof (TroupeTimerSlot), compare_slots);

  timers = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_timer_unref);
  for (i = 0; i < self->timers.length; i++)
    g_ptr_array_add (timers, troupe_timer_ref (slots[i].timer));

  return timers;
}
