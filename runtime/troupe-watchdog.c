/* troupe-watchdog.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <signal.h>

#include "troupe-pool-private.h"
#include "troupe-reactor-private.h"
#include "troupe-system-private.h"
#include "troupe-watchdog-private.h"

/*
 * Turns that take too long. A thread of the process leaves a mark with each reactor, which clears it at the end of any turn: so a mark
 * that is still there has been there during one and the same turn. Time counts in looks of that thread, not by the clock: what stops
 * the whole process, be it a debugger or a suspended machine, makes no turn longer.
 *
 * The thread sleeps as long as no watched reactor has anything to do. An idle one keeps its mark, and comes upon it when it wakes up.
 */

#define LOOKS 10                     /* to a threshold */

typedef struct
{
  TroupeRef    *ref;
  TroupeSystem *system;
  char         *subject;
  guint         threshold_ms;
} TroupeLongTurn;

static GMutex mutex;                 /* guards what follows, and that part of each TroupeWatchdog */
static GCond cond;
static gboolean started;
static gboolean sleeping;            /* until a reactor clears a mark */
static TroupeReactor *watched;

/* Telling */

const char troupe_watchdog_subjects[][24] = {
  [TROUPE_MAIL_MESSAGE] = "a message",
  [TROUPE_MAIL_MARKED] = "a message",
  [TROUPE_MAIL_CONTINUATION] = "a continuation",
  [TROUPE_MAIL_TIMER] = "a timer",
  [TROUPE_MAIL_IO] = "input or output",
  [TROUPE_MAIL_CALL] = "a notice",
  [TROUPE_WATCHDOG_CONTROL] = "its start or end",
};

static char *
troupe_watchdog_describe (TroupeWatchdog *self)
{
  const char *subject = __atomic_load_n (&self->subject, __ATOMIC_ACQUIRE);
  const char *question = __atomic_load_n (&self->question, __ATOMIC_ACQUIRE);
  guint i;

  if (subject == troupe_watchdog_subjects[TROUPE_MAIL_CONTINUATION] && question != NULL)
    return g_strdup_printf ("the answer to “%s”", question);

  for (i = 0; i < G_N_ELEMENTS (troupe_watchdog_subjects); i++)
    if (subject == troupe_watchdog_subjects[i])
      return g_strdup (subject);

  return g_strdup_printf ("the message “%s”", subject);
}

static void
troupe_long_turn_free (gpointer data)
{
  TroupeLongTurn *self = data;

  troupe_ref_unref (self->ref);
  g_object_unref (self->system);
  g_free (self->subject);
  g_free (self);
}

static void
troupe_long_turn_tell (gpointer data,
                       gpointer user_data)
{
  TroupeLongTurn *self = data;
  g_autofree char *path = troupe_ref_dup_path (self->ref);

  g_warning ("A turn of “%s” takes longer than %u ms: %s", path, self->threshold_ms, self->subject);
  if (troupe_system_wants_news (self->system, TROUPE_NEWS_LONG_TURN))
    troupe_system_publish_news (self->system, TROUPE_NEWS_LONG_TURN, self->ref, G_TYPE_STRING, self->subject);
  troupe_system_count_long_turn (self->system);
}

/* Looking */

/*
 * REF has a turn, and the mark has been there for long. Its thread cannot let go of REF while we hold the mutex: in between it
 * comes upon the mark, see troupe_reactor_show_life (), which was stored a look ago at least, and no store takes a millisecond to be
 * seen. Thus REF, and the system that it holds, stay where they are. The acquiring loads pair with the releasing stores of the reactor's
 * thread: we see what it saw of them.
 */
static void
troupe_watchdog_note_locked (TroupeWatchdog *self,
                             TroupeRef      *ref,
                             GPtrArray      *turns)
{
  TroupeLongTurn *turn;

  self->told = TRUE;
  /* Code outside actors has no system to tell. */
  if (ref->system == NULL)
    return;

  turn = g_new (TroupeLongTurn, 1);
  turn->ref = troupe_ref_ref (ref);
  turn->system = g_object_ref (ref->system);
  turn->subject = troupe_watchdog_describe (self);
  turn->threshold_ms = self->threshold_ms;
  g_ptr_array_add (turns, turn);
}

/* FALSE if there is nothing to see until the reactor clears the mark. */
static gboolean
troupe_watchdog_look_locked (TroupeReactor *reactor,
                             guint          since_ms,
                             GPtrArray     *turns)
{
  TroupeWatchdog *self = &reactor->watchdog;
  TroupeRef *ref;

  /* Relaxed, here and where it is cleared: those who write it have the mutex. */
  if (!__atomic_load_n (&self->mark, __ATOMIC_RELAXED))
    {
      self->lasted_ms = 0;
      self->told = FALSE;
      /* In this order not to be seen, which is a matter of time, but for it to be on its way: see note_locked (). */
      __atomic_store_n (&self->mark, 1, __ATOMIC_SEQ_CST);
      return TRUE;
    }

  ref = __atomic_load_n (&reactor->running, __ATOMIC_ACQUIRE);
  if (ref == NULL || self->told || __atomic_load_n (&self->polls, __ATOMIC_ACQUIRE))
    return FALSE;

  self->lasted_ms += since_ms;
  if (self->lasted_ms >= self->threshold_ms)
    troupe_watchdog_note_locked (self, ref, turns);

  return TRUE;
}

static gboolean
troupe_watchdog_look_at_all_locked (guint      since_ms,
                                    GPtrArray *turns)
{
  gboolean again = FALSE;
  TroupeReactor *reactor;

  for (reactor = watched; reactor != NULL; reactor = reactor->watchdog.next)
    if (troupe_watchdog_look_locked (reactor, since_ms, turns))
      again = TRUE;

  return again;
}

static guint
get_period_locked (void)
{
  guint period_ms = G_MAXUINT;
  TroupeReactor *reactor;

  for (reactor = watched; reactor != NULL; reactor = reactor->watchdog.next)
    period_ms = MIN (period_ms, reactor->watchdog.threshold_ms / LOOKS);

  return MAX (period_ms, 1);
}

/* Log handlers and the like may call us: no lock is held. */
static void
troupe_watchdog_tell_locked (GPtrArray *turns)
{
  if (turns->len == 0)
    return;

  g_mutex_unlock (&mutex);
  g_ptr_array_foreach (turns, troupe_long_turn_tell, NULL);
  g_ptr_array_set_size (turns, 0);
  g_mutex_lock (&mutex);
}

static void
troupe_watchdog_sleep_locked (void)
{
  sleeping = TRUE;
  while (sleeping)
    g_cond_wait (&cond, &mutex);
}

static gpointer
troupe_watchdog_run (gpointer data)
{
  g_autoptr (GPtrArray) turns = g_ptr_array_new_with_free_func (troupe_long_turn_free);

  g_mutex_lock (&mutex);
  while (TRUE)
    {
      guint period_ms = get_period_locked ();
      gint64 next = g_get_monotonic_time () + (gint64) period_ms * 1000;

      /* Nobody signals before it is time, but for those who wake us from our sleep. */
      while (g_cond_wait_until (&cond, &mutex, next))
        continue;

      if (!troupe_watchdog_look_at_all_locked (period_ms, turns))
        troupe_watchdog_sleep_locked ();
      troupe_watchdog_tell_locked (turns);
    }

  return NULL;
}

/* Signals are for the program's own threads. */
static void
troupe_watchdog_start_locked (void)
{
  sigset_t all;
  sigset_t before;

  if (started)
    return;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  g_thread_unref (g_thread_new ("troupe-watchdog", troupe_watchdog_run, NULL));
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  started = TRUE;
}

static void
troupe_watchdog_wake_locked (void)
{
  if (!sleeping)
    return;

  sleeping = FALSE;
  g_cond_signal (&cond);
}

/* For the reactor */

void
troupe_watchdog_unmark (TroupeReactor *reactor)
{
  g_mutex_lock (&mutex);
  __atomic_store_n (&reactor->watchdog.mark, 0, __ATOMIC_RELAXED);
  troupe_watchdog_wake_locked ();
  g_mutex_unlock (&mutex);

  if (reactor->pool_thread != NULL)
    troupe_pool_look (reactor->pool_thread);
}

static void
troupe_watchdog_delist_locked (TroupeReactor *reactor)
{
  TroupeReactor **place = &watched;

  while (*place != reactor)
    place = &(*place)->watchdog.next;
  *place = reactor->watchdog.next;
}

void
troupe_watchdog_set (TroupeReactor *reactor,
                     guint          threshold_ms)
{
  TroupeWatchdog *self = &reactor->watchdog;

  g_mutex_lock (&mutex);
  if (self->threshold_ms > 0)
    troupe_watchdog_delist_locked (reactor);

  self->threshold_ms = threshold_ms;
  __atomic_store_n (&self->mark, 0, __ATOMIC_RELAXED);

  if (threshold_ms > 0)
    {
      self->next = watched;
      watched = reactor;
      troupe_watchdog_start_locked ();
      troupe_watchdog_wake_locked ();
    }
  g_mutex_unlock (&mutex);
}

/* The thread is not there any more, and may have held the mutex. This may only store. */
void
troupe_watchdog_forget_all (void)
{
  g_mutex_init (&mutex);
  g_cond_init (&cond);
  started = FALSE;
  sleeping = FALSE;
  for (; watched != NULL; watched = watched->watchdog.next)
    {
      watched->watchdog.mark = 0;
      watched->watchdog.threshold_ms = 0;
    }
}
