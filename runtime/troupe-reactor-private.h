/* troupe-reactor-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-backend-private.h"
#include "troupe-mail-private.h"
#include "troupe-reactor.h"
#include "troupe-timer-private.h"

G_BEGIN_DECLS

#define TROUPE_SLICE_TURNS   64      /* design answer A1 */
#define TROUPE_PASS_TURNS    512
#define TROUPE_PASS_US       2000
#define TROUPE_CLOCK_TURNS   32
#define TROUPE_BUFFER_SIZE   65536

/* Bytes to send at the end of the slice: embedded in a transport. */
typedef struct _TroupeFlush TroupeFlush;

struct _TroupeFlush
{
  TroupeFlush *next;
  gboolean     queued;
  void       (*flush) (TroupeFlush *self);
};

struct _TroupeReactor
{
  GObject          parent_instance;

  GMainContext    *context;
  GSource         *source;
  TroupeSystem    *system;           /* no reference; NULL for a context's home without a system */
  TroupeBackend   *backend;          /* NULL while no descriptor needs one */
  gpointer         thread;           /* whose mail needs no inbound queue, see troupe_reactor_is_here (); NULL: nobody's */
  TroupeRef       *outside;          /* turns of code outside actors */

  /* Mail from other threads: a stack, newest first, taken whole. */
  TroupeMail      *inbound;          /* atomic */
  gint             sleeping;         /* atomic: the context polls or may poll, a push must wake it */
  gint             closed;           /* atomic: nobody takes inbound mail any more */

  TroupeRef       *ready_head;
  TroupeRef       *ready_tail;
  TroupeFlush     *flushes;          /* of the running slice */
  TroupeTimerHeap  timers;
  gint64           now;              /* µs, read at least every TROUPE_CLOCK_TURNS turns */
  guint64          pass;
  guint            turns;            /* of this pass */
  gboolean         yielding;         /* the next iteration is others' */
  guint            in_source;        /* nested dispatches */

  TroupeRef       *running;          /* whose turn runs */
  int              running_depth;    /* g_main_depth () of that turn */

  guint8          *spare_buffer;     /* NULL while a turn uses it */
  GHashTable      *descriptors;      /* TroupeDescriptor to its watch */
};

extern __thread TroupeReactor *troupe_reactor_here;     /* the one that dispatches on this thread, innermost */
extern __thread char           troupe_thread_mark;      /* its address names the thread */

static inline gboolean
troupe_reactor_is_here (TroupeReactor *self)
{
  return self->thread == &troupe_thread_mark;
}

/* THREADLESS: takes all mail through the inbound queue, because the context may move to another thread. */
TroupeReactor *troupe_reactor_new          (GMainContext   *context,
                                            const char     *backend,
                                            gboolean        threadless,
                                            GError        **error);
/* The outside of the reactor on CONTEXT, made if there is none. (transfer none) as long as CONTEXT lives. */
TroupeRef     *troupe_reactor_get_outside_for (GMainContext *context);
/* Ends it: unread mail is bounced, now and later. */
void           troupe_reactor_close        (TroupeReactor  *self);
void           troupe_reactor_post         (TroupeReactor  *self,
                                            TroupeMail     *mail);
void           troupe_reactor_make_ready   (TroupeReactor  *self,
                                            TroupeRef      *ref);
void           troupe_reactor_wake         (TroupeReactor  *self);
gboolean       troupe_reactor_need_backend (TroupeReactor  *self,
                                            GError        **error);

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

void           troupe_reactor_run_flushes  (TroupeReactor  *self);
void           troupe_reactor_remove_flush (TroupeReactor  *self,
                                            TroupeFlush    *flush);

G_END_DECLS
