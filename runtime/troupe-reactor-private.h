/* troupe-reactor-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-backend-private.h"
#include "troupe-depth-private.h"
#include "troupe-mail-private.h"
#include "troupe-reactor.h"
#include "troupe-ref-private.h"
#include "troupe-timer-private.h"
#include "troupe-watchdog-private.h"

G_BEGIN_DECLS

#define TROUPE_SLICE_TURNS   64      /* design answer A1 */
#define TROUPE_PASS_TURNS    512
#define TROUPE_PASS_US       2000
#define TROUPE_CLOCK_TURNS   32
#define TROUPE_BUFFER_SIZE   65536
#define TROUPE_CROWDED_MAIL  256     /* in a mailbox: who adds to it is in no hurry */
#define TROUPE_LATE_US       10000   /* how long it may have to wait for that */
#define TROUPE_WINDOW_US     50000   /* over which load is measured */

typedef struct _TroupePoolThread TroupePoolThread;

/* Actors with something to do, in line. */
typedef struct
{
  TroupeRef *head;
  TroupeRef *tail;                   /* if there is a head */
} TroupeReady;

/* Bytes to send at the end of the slice: embedded in a transport. */
typedef struct _TroupeFlush TroupeFlush;

struct _TroupeFlush
{
  TroupeFlush *next;
  gboolean     queued;
  void       (*flush) (TroupeFlush *self);
};

/* Where the newborn wait that a factory spawns while it builds. */
typedef struct
{
  TroupeRef     *factory;
  GPtrArray     *refs;               /* TroupeRef: spawned for other reactors, and not to begin yet; or NULL */
  TroupeReactor *place;              /* where its children of TYPE live, whatever their class says; or NULL */
  GType          type;
} TroupeNursery;

struct _TroupeReactor
{
  GObject          parent_instance;

  GMainContext    *context;
  GSource         *source;
  TroupeBackend   *backend;          /* NULL until a system uses it */
  guint            n_systems;        /* that live on it */
  TroupePoolThread *pool_thread;     /* it is one of a pool's, for actors that block; or NULL: troupe-pool-private.h */
  gpointer         thread;           /* whose mail needs no inbound queue, see troupe_reactor_is_here (); NULL: nobody's */
  TroupeRef       *outside;          /* turns of code outside actors */

  /* Mail from other threads: a stack, newest first, taken whole. */
  TroupeMail      *inbound;          /* atomic */
  gint             sleeping;         /* atomic: the context polls or may poll, a push must wake it */
  gint             closed;           /* atomic: nobody takes inbound mail any more */
  GPollFD          wake;             /* an eventfd to wake it by, or −1: see troupe_reactor_open_wake () */
  gboolean         polls_wake;       /* the source does, not the backend */
  guint            spin_us;          /* atomic: see troupe_system_set_spin () */
  gint64           spin_since;       /* µs, monotonic; 0: does not spin */

  TroupeReady      ready;
  TroupeReady      late;             /* sent to crowded mailboxes; see troupe_reactor_make_late () */
  gint64           late_since;       /* µs: when the oldest of them was put there */
  TroupeFlush     *flushes;          /* of the running slice */
  TroupeTimerHeap  timers;
  gint64           now;              /* µs, read at least every TROUPE_CLOCK_TURNS turns */
  guint            turns;            /* of this pass */
  guint            pass_turns;       /* most of these; see troupe_reactor_set_budget () */
  gint64           pass_us;          /* longest pass */
  gboolean         yielding;         /* the next iteration is others' */
  gboolean         rested;           /* others had an iteration since the last pass */
  gint64           busy_since;       /* the first pass after that, µs */
  gint64           pass_end;         /* µs */

  /* What others may want to know: written by the reactor's thread, but for the number of actors. */
  guint64          n_turns;          /* atomic: in all */
  guint64          n_actors;         /* atomic */
  guint            n_connections;    /* atomic */
  gint64           busy;             /* µs of passes in this window */
  gint64           window;           /* atomic; µs: when it began */
  gint64           pass_begun;       /* atomic; µs; 0 between passes */
  int              load;             /* atomic: ‰ of the last one that was spent in passes */
  TroupeNursery   *nursery;          /* while a factory builds; or NULL */

  TroupeRef       *running;          /* whose turn runs; atomic: written by the reactor's thread, which just reads it */
  int              running_depth;    /* g_main_depth () of that turn */
  gsize            running_stack;    /* from where it calls code that is not ours: see troupe-depth-private.h */
  TroupeWatchdog   watchdog;

  guint8          *spare_buffer;     /* NULL while a turn uses it */
  GHashTable      *descriptors;      /* TroupeDescriptor to its watch */
  TroupeReactor   *next;             /* in the list of all */
  gboolean         forked;           /* inherited from the parent process: of no use */
  const gint64    *test_time;        /* µs, of a TroupeClock; NULL: real time */
};

extern __thread TroupeReactor *troupe_reactor_here;     /* the one that dispatches on this thread, innermost */
extern __thread char           troupe_thread_mark;      /* its address names the thread */

static inline gboolean
troupe_reactor_is_here (TroupeReactor *self)
{
  return self->thread == &troupe_thread_mark;
}

/* Its timers and descriptors may be touched: it is this thread's, or nobody's yet. */
static inline gboolean
troupe_reactor_may_be_used (TroupeReactor *self)
{
  return troupe_reactor_is_here (self) || self->thread == NULL;
}

/* Relaxed: a number for people. */
static inline void
troupe_reactor_count_connection (TroupeReactor *self,
                                 int            more)
{
  __atomic_store_n (&self->n_connections, self->n_connections + more, __ATOMIC_RELAXED);
}

/* Release: whoever looks on sees what we do of REF. */
static inline void
troupe_reactor_set_running (TroupeReactor *self,
                            TroupeRef     *ref)
{
  __atomic_store_n (&self->running, ref, __ATOMIC_RELEASE);
}

/* Whether who calls is part of the running turn, and not foreign code that a nested main loop runs below it. */
static G_ALWAYS_INLINE inline gboolean
troupe_reactor_is_in_turn (TroupeReactor *self)
{
  return G_LIKELY (troupe_depth_is_near (self->running_stack)) || g_main_depth () == self->running_depth;
}

/* A turn is over, or the main loop turns. At the end of a slice `running` is no more its actor when the mark is looked at: whoever finds
 * both, the mark that was there all the time and the actor, has the actor's thread wait for the mutex before it lets go of it. */
static inline void
troupe_reactor_show_life (TroupeReactor *self)
{
  /* The compiler must not look before that store. */
  __atomic_signal_fence (__ATOMIC_SEQ_CST);
  if (G_UNLIKELY (__atomic_load_n (&self->watchdog.mark, __ATOMIC_RELAXED)))
    troupe_watchdog_unmark (self);
}

/* Release: the watchdog's thread may read it. */
static inline void
troupe_reactor_note_subject (TroupeReactor *self,
                             const char    *subject)
{
  __atomic_store_n (&self->watchdog.subject, subject, __ATOMIC_RELEASE);
}

/* The reactor for a new system of this thread on CONTEXT. It is the one that the context has already, unless BACKEND names
 * another backend than that one's. */
TroupeReactor *troupe_reactor_obtain       (GMainContext   *context,
                                            const char     *backend,
                                            GError        **error);
/* Makes it this thread's, if it is nobody's; FALSE with ERROR set if it is another's. */
gboolean       troupe_reactor_own          (TroupeReactor  *self,
                                            GError        **error);
/* Any thread: FALSE, with ERROR set, if a reactor needs this thread, which must not block then. */
gboolean       troupe_reactor_check_may_block (GError      **error);
/* Any thread: a reference, or NULL if SELF has ended. */
TroupeRef     *troupe_reactor_dup_outside  (TroupeReactor  *self);
/* A system has ended. */
void           troupe_reactor_release      (TroupeReactor  *self);
/* The outside of the reactor on CONTEXT, made if there is none. (transfer none) as long as CONTEXT lives. */
TroupeRef     *troupe_reactor_get_outside_for (GMainContext *context);
/* Any thread: see troupe_system_set_spin (). */
void           troupe_reactor_set_spin     (TroupeReactor  *self,
                                            guint           spin_us);
/* Any thread. Whoever calls has a reference: with the mail may go the last that the rest of the world had. */
void           troupe_reactor_post         (TroupeReactor  *self,
                                            TroupeMail     *mail);
gint64         troupe_reactor_read_clock   (TroupeReactor  *self);

static inline void
troupe_ready_push (TroupeReady *self,
                   TroupeRef   *ref)
{
  ref->ready_next = NULL;
  if (self->head != NULL)
    self->tail->ready_next = ref;
  else
    self->head = ref;
  self->tail = ref;
}

/* REF has something to do. The queue holds no reference: an actor's parent holds one, and it ends in its own slice only, when it is
 * not in the queue. */
static inline void
troupe_reactor_make_ready (TroupeReactor *self,
                           TroupeRef     *ref)
{
  ref->flags |= TROUPE_REF_QUEUED;
  troupe_ready_push (&self->ready, ref);
}

/* SELF may have become ready. */
static inline void
troupe_ref_awaken (TroupeRef *self)
{
  if (!(self->flags & (TROUPE_REF_QUEUED | TROUPE_REF_RUNNING)))
    troupe_reactor_make_ready (self->reactor, self);
}

/* TRUE if MAIL, which has come to a mailbox that does not just take everything, is not to be linked into it any more. */
gboolean       troupe_ref_stops_mail       (TroupeRef      *self,
                                            TroupeMail     *mail);

/* As enqueue (), for where it counts. */
static inline void
troupe_ref_link_mail (TroupeRef  *self,
                      TroupeMail *mail)
{
  if (G_UNLIKELY (self->entry != 0) && troupe_ref_stops_mail (self, mail))
    return;

  mail->next = NULL;
  if (self->head != NULL)
    self->tail->next = mail;
  else
    self->head = mail;
  self->tail = mail;
  self->n_mail++;

  troupe_ref_awaken (self);
}

/* troupe-slice.c: who is next, out of the line; NULL if nobody is. */
TroupeRef     *troupe_reactor_take_ready   (TroupeReactor  *self);
/* Gives slices until nobody is in line or the pass is over. */
void           troupe_reactor_run_ready    (TroupeReactor  *self);
void           troupe_reactor_forgive_late (TroupeReactor  *self);

static inline void
troupe_reactor_add_flush (TroupeReactor *self,
                          TroupeFlush   *flush)
{
  if (flush->queued)
    return;

  flush->queued = TRUE;
  flush->next = self->flushes;
  self->flushes = flush;
}

/* A buffer that a turn has received into comes back. */
void           troupe_reactor_give_buffer  (TroupeReactor  *self,
                                            guint8         *buffer);
/* Lets go of all descriptors: connection_lost () is due for each. */
void           troupe_reactor_lose_descriptors (TroupeReactor *self);
void           troupe_reactor_run_flushes  (TroupeReactor  *self);
void           troupe_reactor_remove_flush (TroupeReactor  *self,
                                            TroupeFlush    *flush);

G_END_DECLS
