/* troupe-promise-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-body-private.h"
#include "troupe-mail-private.h"
#include "troupe-promise-debug-private.h"
#include "troupe-promise.h"
#include "troupe-reactor-private.h"
#include "troupe-ref.h"
#include "troupe-resolver.h"
#include "troupe-slab-private.h"

G_BEGIN_DECLS

/* From top to bottom, but that a chain may stall and go on, and that a home may end at any time. */
typedef enum
{
  TROUPE_PROMISE_PENDING,
  TROUPE_PROMISE_CLAIMED,            /* somebody won and is storing the outcome */
  TROUPE_PROMISE_GIVEN_UP,           /* home won, and is storing that it was cancelled */
  TROUPE_PROMISE_POSTED,             /* the outcome is on its way home */
  TROUPE_PROMISE_DELIVERED,          /* it is at home: steps run */
  TROUPE_PROMISE_STALLED,            /* a step returned a promise, whose outcome the chain waits for */
  TROUPE_PROMISE_ABANDONED,          /* the home ended first: the next outcome is swallowed … */
  TROUPE_PROMISE_SWALLOWED,          /* … and this was it */
} TroupePromiseState;

typedef struct _TroupeCancelling TroupeCancelling;
typedef struct _TroupeChainStep TroupeChainStep;
typedef struct _TroupeReturn TroupeReturn;

/*
 * Both handles point to this block. It lives as long as any of three counts, which share one word so that dropping one
 * is one atomic subtraction that also tells whether it was the last of all:
 *
 * - consumers: TroupePromise handles, one of them held by a chain that waits for this one;
 * - resolvers: TroupeResolver handles. The last one to go while the promise is pending breaks it, so a pending promise always has one,
 *   and its steps live although nobody may hold a consumer handle;
 * - holds: a pending promise has one, which becomes that of the run, or of the mailbox with the continuation; a run of steps
 *   added later, an actor's list with a paused promise in it, and an adopted promise that will hand over to this one, have others.
 */
struct _TroupePromise
{
  TroupeMail       mail;             /* the continuation; at home, its link also stacks the promises of a run;
                                      * more_bits counts pauses, ref_count has the marks below */
  guint64          counts;           /* atomic */
  gint             state;            /* a TroupePromiseState, atomic */
  guint8           adopted;          /* atomic: a chain waits for this one's outcome, or has taken it */
  guint8           failed;           /* atomic, a hint: its run ended in an error */
  guint8           outside;          /* the home is no actor; never changes */
  guint8           running : 1;      /* in a step, until what that returned is seen to; this and what follows is for home only */
  guint8           stacked : 1;      /* on the stack of a run */
  guint8           linked : 1;       /* in the home's list */
  guint8           kept : 1;         /* paused with an outcome: the home's list has a hold */
  guint8           orphan : 1;       /* the home was restarted while the outcome was on its way */
  guint8           unused : 3;
  TroupeRef       *home;             /* a reference */
  TroupeBody       outcome;          /* written by who claimed it, then the home's */
  TroupeChainStep *head;
  TroupeChainStep *tail;             /* if there is a head */
  TroupeReturn    *frame;            /* of the step that runs; else NULL */
  TroupePromise   *inner;            /* what the chain waits for: a consumer handle */
  TroupePromise   *outer;            /* the chain that waits for this one; its own step holds it */
  union
  {
    gpointer       thread;           /* outside: the mark of the thread that made it */
    TroupePromise *next;             /* in an actor's list: older */
  };
  TroupePromise   *previous;         /* newer */
  const char      *question;         /* the name of the message it answers, or NULL */
  TroupeCancelling *cancelling;      /* atomic; gone once it is resolved */
};

G_STATIC_ASSERT (sizeof (TroupePromise) <= TROUPE_SLAB_MEDIUM_SIZE);

/* What a step returns. */
struct _TroupeReturn
{
  TroupeBody     outcome;
  TroupePromise *inner;              /* a consumer handle: this promise's outcome instead */
  gboolean       returned;
};

#define TROUPE_PROMISE_CONSUMER ((guint64) 1)
#define TROUPE_PROMISE_RESOLVER ((guint64) 1 << 21)
#define TROUPE_PROMISE_HOLD     ((guint64) 1 << 42)
#define TROUPE_PROMISE_COUNT(counts, one) (((counts) / (one)) & 0x1fffff)

/* Being at home outside actors may mean to keep other threads from running the context meanwhile. */
typedef struct
{
  GMainContext *context;
  TroupeRef    *previous;
} TroupeVisit;

/* Marks, in mail.ref_count */
enum
{
  TROUPE_PROMISE_HAS_CANCELLER = 1 << 0,   /* of its own: a resolver's is not taken; never changes */
  TROUPE_PROMISE_CANCELLING    = 1 << 1,   /* its canceller runs; for home only */
  TROUPE_PROMISE_CANCELLED     = 1 << 2,
  TROUPE_PROMISE_FREE_CALL     = 1 << 3,   /* one outcome after the cancellation is accepted and freed … */
  TROUPE_PROMISE_CALL_USED     = 1 << 4,   /* … and this was it */
  TROUPE_PROMISE_TIMED_OUT     = 1 << 5,   /* if it is cancelled, then by a timeout */
};

static inline gint
troupe_promise_get_marks (TroupePromise *self)
{
  return __atomic_load_n (&self->mail.ref_count, __ATOMIC_ACQUIRE);
}

/* Returns the marks that were there. Release: pairs with get_marks (). Acquire: who finds that CALL_USED was there comes after who
 * has set it. */
static inline gint
troupe_promise_add_marks (TroupePromise *self,
                          gint           marks)
{
  return __atomic_fetch_or (&self->mail.ref_count, marks, __ATOMIC_ACQ_REL);
}

static inline void
troupe_promise_remove_marks (TroupePromise *self,
                             gint           marks)
{
  __atomic_fetch_and (&self->mail.ref_count, ~marks, __ATOMIC_RELEASE);
}

/* Acquire: pairs with the releases of deliver () and settle_away (). */
static inline TroupePromiseState
troupe_promise_get_state (TroupePromise *self)
{
  return (TroupePromiseState) __atomic_load_n (&self->state, __ATOMIC_ACQUIRE);
}

/* Relaxed: who adds a count has one already, so the block cannot go. */
static inline void
troupe_promise_add_count (TroupePromise *self,
                          guint64        one)
{
  __atomic_fetch_add (&self->counts, one, __ATOMIC_RELAXED);
}

/* Release, so that whatever this thread did with the block happens before it is freed; acquire, for the one that frees. The only
 * holder needs no atomic subtraction. */
static inline gboolean
troupe_promise_drop_count (TroupePromise *self,
                           guint64        counts)
{
  return __atomic_load_n (&self->counts, __ATOMIC_ACQUIRE) == counts ||
         __atomic_fetch_sub (&self->counts, counts, __ATOMIC_ACQ_REL) == counts;
}

/* For reports: the name, interned, of the message that SELF answers. */
static inline void
troupe_promise_set_question (TroupePromise *self,
                             const char    *name)
{
  self->question = name;
}

static inline gboolean
troupe_promise_has_error (TroupePromise *self)
{
  return self->outcome.type == G_TYPE_INVALID;
}

/* The home's list holds no count: what is pending, stalled or on its way has a hold already. The outside never ends while
 * there are turns of it, and needs no list. */
static inline void
troupe_promise_push (TroupePromise *self,
                     TroupeRef     *home)
{
  TroupePromise *older = home->promises;

  self->next = older;
  self->previous = NULL;
  if (older != NULL)
    older->previous = self;
  home->promises = self;
  self->linked = TRUE;
}

/* OUTSIDE and IS_NEAR are what self->outside and troupe_promise_is_near () say of it. */
static inline TroupePromise *
troupe_promise_alloc (TroupeRef          *home,
                      guint64             counts,
                      TroupePromiseState  state,
                      gboolean            outside,
                      gboolean            is_near)
{
  TroupePromise *self = troupe_slab_alloc (TROUPE_SLAB_MEDIUM);

  /* One by one: compilers clear a whole block with a loop in microcode. */
  self->mail.next = NULL;
  self->mail.kind = TROUPE_MAIL_CONTINUATION;
  self->mail.bits = 0;
  self->mail.more_bits = 0;
  self->mail.ref_count = 0;
  self->counts = counts;
  self->state = state;
  self->adopted = FALSE;
  self->failed = FALSE;
  self->outside = outside;
  self->running = FALSE;
  self->stacked = FALSE;
  self->linked = FALSE;
  self->kept = FALSE;
  self->orphan = FALSE;
  self->unused = 0;
  self->home = troupe_ref_ref_often (home, is_near);
  self->outcome.type = G_TYPE_NONE;
  self->head = NULL;
  self->frame = NULL;
  self->inner = NULL;
  self->outer = NULL;
  self->question = NULL;
  self->cancelling = NULL;

  if (state == TROUPE_PROMISE_PENDING && !outside)
    troupe_promise_push (self, home);
  else
    self->thread = &troupe_thread_mark;

  troupe_promise_note_site (self, TROUPE_SITE_MADE);

  return self;
}

/* What a promise with its resolver begins with. */
#define TROUPE_PROMISE_NEW_COUNTS (TROUPE_PROMISE_CONSUMER + TROUPE_PROMISE_RESOLVER + TROUPE_PROMISE_HOLD)

/* As new_at (), at home with the current actor, that has not begun to end. The resolver is the same block. */
static inline TroupePromise *
troupe_promise_new_in_turn (TroupeRef *current)
{
  return troupe_promise_alloc (current, TROUPE_PROMISE_NEW_COUNTS, TROUPE_PROMISE_PENDING, FALSE, TRUE);
}

/* Whether home is an actor of the reactor that dispatches on this thread. (Another thread may come to run an outside.) */
static inline gboolean
troupe_promise_is_near (TroupePromise *self)
{
  return self->home->reactor == troupe_reactor_here && !self->outside;
}

/* That is troupe_ref_get_running () == self->home, with the cheap comparison first. */
static G_ALWAYS_INLINE inline gboolean
troupe_promise_home_is_running (TroupePromise *self)
{
  TroupeReactor *reactor = troupe_reactor_here;

  return reactor != NULL && reactor->running == self->home && troupe_reactor_is_in_turn (reactor);
}

/* Whether this thread is at home with SELF here and now. If so, and in any case before SELF's last handle goes,
 * leave () must follow. */
gboolean       troupe_promise_enter        (TroupePromise    *self,
                                            TroupeVisit      *visit);
void           troupe_promise_leave        (TroupeVisit      *visit);
gboolean       troupe_promise_is_at_home   (TroupePromise    *self);
/* No count is left. */
void           troupe_promise_finalize     (TroupePromise    *self);
/* Any thread: neither the resolver's canceller nor SELF's own will be called any more. */
void           troupe_promise_release_cancelling (TroupePromise *self);
/* Home, once nobody waits any more: tells the resolver's side, if it wants to know. */
void           troupe_promise_notify_cancelling (TroupePromise *self);
/* The reason of a cancellation is TROUPE_PROMISE_TIMED_OUT or 0, and how often it was passed on from home to home. */
#define TROUPE_PROMISE_HOP (1 << 8)
#define TROUPE_PROMISE_MAX_HOPS 1000

/* FALSE when SELF is not at home here. */
gboolean       troupe_promise_cancel_as    (TroupePromise    *self,
                                            gint              reason);
/* For a canceller, while it runs at home. */
gint           troupe_promise_get_cancel_reason (TroupePromise *self);
/* A canceller for forward_cancel (), whose data is a promise at home elsewhere. */
void           troupe_promise_cancel_inner (TroupeResolver   *proxy,
                                            gpointer          inner);
/* Any thread: SELF is cancelled by a turn at home. */
void           troupe_promise_post_cancel  (TroupePromise    *self,
                                            gint              reason);
/* ANSWER's outcome will be SELF's, an ask's: to cancel the ask cancels ANSWER, unless SELF has a canceller. */
void           troupe_resolver_set_answer  (TroupeResolver   *self,
                                            TroupePromise    *answer);
/* To cancel SELF, that nobody else knows yet, will call CANCELLER, at home and each time while it is pending, and do nothing else. */
void           troupe_promise_forward_cancel (TroupePromise  *self,
                                              TroupeCanceller canceller,
                                              gpointer        user_data,
                                              GDestroyNotify  destroy);
/* Sends SELF's mail home. */
void           troupe_promise_post         (TroupePromise    *self);
/* Home: the outcome is there. SELF is held. */
void           troupe_promise_deliver      (TroupePromise    *self);

/* mail.bits */
enum
{
  TROUPE_PROMISE_FINALIZE    = 1 << 0,     /* no continuation: the mail brings it home to be freed there */
  TROUPE_PROMISE_WITH_HANDLE = 1 << 1,     /* the continuation has a resolver handle, too */
};

/* Any thread. Takes OUTCOME in any case, and with TAKE_HANDLE a resolver handle. FALSE when it was already resolved. */
gboolean       troupe_promise_settle       (TroupePromise    *self,
                                            TroupeBody       *outcome,
                                            gboolean          take_handle);
/* What was a pending promise's hold, and is that of the run now, and a handle that was taken. */
static inline void
troupe_promise_drop_settled (TroupePromise *self,
                             gboolean       take_handle)
{
  if (troupe_promise_drop_count (self, take_handle ? TROUPE_PROMISE_HOLD + TROUPE_PROMISE_RESOLVER : TROUPE_PROMISE_HOLD))
    troupe_promise_finalize (self);
}

/* Release: with the state go the outcome and all that led to it. The mailbox passes on the same, but home may look at the state first. */
static inline void
troupe_promise_settle_away (TroupePromise *self,
                            gboolean       take_handle)
{
  if (take_handle)
    self->mail.bits |= TROUPE_PROMISE_WITH_HANDLE;

  __atomic_store_n (&self->state, TROUPE_PROMISE_POSTED, __ATOMIC_RELEASE);
}

/* Whether nobody but the caller, whose resolver handle is the last, can change the state of SELF: an actor that has deferred the reply
 * would have a hold, and home, which cancels and abandons, is an actor of this thread. */
static inline gboolean
troupe_promise_has_one_writer (TroupePromise *self)
{
  guint64 counts = __atomic_load_n (&self->counts, __ATOMIC_ACQUIRE);

  return counts / TROUPE_PROMISE_RESOLVER == TROUPE_PROMISE_HOLD / TROUPE_PROMISE_RESOLVER + 1 && troupe_promise_is_near (self);
}

/* Resolves SELF, which has one writer and is pending, and drops that one's handle. There is nobody to race with, so it needs no atomic
 * operation. */
static inline void
troupe_promise_win_alone (TroupePromise *self,
                          TroupeBody    *outcome)
{
  __atomic_store_n (&self->state, TROUPE_PROMISE_CLAIMED, __ATOMIC_RELAXED);
  troupe_promise_note_site (self, TROUPE_SITE_RESOLVED);
  troupe_body_move (&self->outcome, outcome);

  if (G_UNLIKELY (troupe_promise_home_is_running (self)))
    {
      troupe_promise_deliver (self);
      troupe_promise_drop_settled (self, TRUE);
    }
  else
    {
      troupe_promise_settle_away (self, TRUE);
      troupe_ref_link_mail (self->home, &self->mail);
    }
}

/* Any thread. Resolves, and drops the handle; takes BODY in any case. Most asks end here, and in the first of the two ways. */
static inline void
troupe_resolver_finish_body (TroupeResolver *resolver,
                             TroupeBody     *body)
{
  TroupePromise *self = (TroupePromise *) resolver;

  if (G_LIKELY (troupe_promise_has_one_writer (self) && troupe_promise_get_state (self) == TROUPE_PROMISE_PENDING))
    troupe_promise_win_alone (self, body);
  else
    troupe_promise_settle (self, body, TRUE);
}

/* A promise at home in HOME (an actor, or the outside of a reactor), with its resolver as if by troupe_promise_new (). */
TroupePromise *troupe_promise_new_at       (TroupeRef       *home,
                                            TroupeResolver **resolver);
/* Already rejected; takes ERROR. */
TroupePromise *troupe_promise_new_rejected_at (TroupeRef    *home,
                                            GError          *error);
/* The home of a promise made here and now: the current actor, else the outside of the thread-default context. (transfer none),
 * valid while the turn or the context lives. */
TroupeRef     *troupe_promise_get_home_now (void);

/* Any thread. Takes BODY or ERROR in any case; FALSE when it was already resolved. */
gboolean       troupe_resolver_resolve_body (TroupeResolver *self,
                                            TroupeBody      *body);
gboolean       troupe_resolver_take_error  (TroupeResolver  *self,
                                            GError          *error);
/* As finish_body (), unless it is too late, even if the promise would only swallow it: then both stay the caller's. */
gboolean       troupe_resolver_offer_body  (TroupeResolver  *self,
                                            TroupeBody      *body);
/* A GError for “it is too late”. */
GError        *troupe_resolver_new_late_error (TroupeResolver *self);
/* A count on the block that is neither a consumer nor a resolver. */
void           troupe_resolver_hold        (TroupeResolver  *self);
void           troupe_resolver_unhold      (TroupeResolver  *self);

/* Called by the mailbox, on the home's thread. The home given to a posted continuation: */
TroupeRef     *troupe_promise_get_home     (TroupePromise   *self);
void           troupe_promise_run_turn     (TroupePromise   *self);   /* takes the mailbox's hold */
void           troupe_promise_drop_turn    (TroupePromise   *self);   /* the same, home has ended */
/* Home: takes back a step whose data is DATA; its destroy notify is not called. */
void           troupe_promise_remove_step  (TroupePromise   *self,
                                            gpointer         data);
/* Abandons every promise in HOME's list, oldest first (rules 120, 121). */
void           troupe_promise_abandon_all  (TroupeRef       *home);
/* The outcome of PROMISE, at home here or elsewhere, resolves RESOLVER; takes both. */
void           troupe_promise_pipe         (TroupePromise   *self,
                                            TroupeResolver  *resolver);

/* The same, as the reply that the current actor owes: its end rejects it with TROUPE_ERROR_ACTOR_STOPPED. */
void           troupe_promise_pipe_reply   (TroupePromise   *self,
                                            TroupeResolver  *resolver);

G_END_DECLS
