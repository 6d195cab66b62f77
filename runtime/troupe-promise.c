/* troupe-promise.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error.h"
#include "troupe-promise-debug-private.h"
#include "troupe-promise-private.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-private.h"

/**
 * TroupePromise: (ref-func troupe_promise_ref) (unref-func troupe_promise_unref)
 *
 * A value that arrives later, or the reason it never will.
 *
 * A promise is the consumer's side; the [struct@Troupe.Resolver] that comes with it is the
 * producer's. It is *resolved* once, with a value, which may be nothing, or with an error. Then its
 * *steps* run in the order they were added, each at most once. A callback sees a value, an errback
 * an error; the outcome that a step returns is what the next one sees.
 *
 * Every promise has a *home*: the actor in whose turn it was made, or, outside any actor, the main
 * context that was then the thread's default. Steps are added there and run there, wherever the
 * outcome comes from: within the call if the promise is resolved at home, else in a later turn of
 * that actor or iteration of that context. When the actor ends, its promises are abandoned: no step
 * runs any more, and nothing is reported.
 *
 * A promise that nobody holds keeps its steps, and runs them, as long as somebody can resolve it.
 * If it ends in an error that no step took, a warning tells it when the promise is freed.
 *
 * References may be taken and dropped on any thread; all else is for home.
 *
 * Since: 1.0
 */

G_DEFINE_BOXED_TYPE (TroupePromise, troupe_promise, troupe_promise_ref, troupe_promise_unref)

typedef enum
{
  TROUPE_STEP_PAIR,                  /* one function a lane, each with its data */
  TROUPE_STEP_BOTH,                  /* the callback on either lane */
  TROUPE_STEP_LINK,                  /* hands the outcome to a promise, callback_data, that it holds */
} TroupeStepKind;

struct _TroupeChainStep
{
  TroupeChainStep *next;
  TroupeStepKind   kind;
  TroupeStep       callback;
  gpointer         callback_data;
  GDestroyNotify   callback_destroy;
  TroupeStep       errback;
  gpointer         errback_data;
  GDestroyNotify   errback_destroy;
};

G_STATIC_ASSERT (sizeof (TroupeChainStep) <= TROUPE_SLAB_SMALL_SIZE);

/* The outside home whose context this thread owns for the time of a call. */
static __thread TroupeRef *troupe_promise_visited;

/* Home */

static G_GNUC_NO_INLINE gboolean
troupe_promise_enter_outside (TroupePromise *self,
                              TroupeVisit   *visit)
{
  GMainContext *context;

  /* Ended means that the context is gone. */
  if (troupe_ref_get_current () != NULL || troupe_ref_get_state (self->home) == TROUPE_REF_ENDED)
    return FALSE;

  /* A reactor that belongs to this thread is run by no other. */
  if (troupe_promise_visited == self->home ||
      (self->thread == &troupe_thread_mark && troupe_reactor_is_here (self->home->reactor)))
    return TRUE;

  context = self->home->reactor->context;
  if (self->thread != &troupe_thread_mark && !g_main_context_is_owner (context))
    return FALSE;

  /* The thread that made it is at home while nobody else owns the context. As its owner it stays so until it leaves. */
  if (!g_main_context_acquire (context))
    return FALSE;

  visit->context = context;
  visit->previous = troupe_promise_visited;
  troupe_promise_visited = self->home;
  return TRUE;
}

gboolean
troupe_promise_enter (TroupePromise *self,
                      TroupeVisit   *visit)
{
  visit->context = NULL;

  if (G_LIKELY (troupe_promise_home_is_running (self)))
    return TRUE;

  return self->outside && troupe_promise_enter_outside (self, visit);
}

void
troupe_promise_leave (TroupeVisit *visit)
{
  if (G_LIKELY (visit->context == NULL))
    return;

  troupe_promise_visited = visit->previous;
  g_main_context_release (visit->context);
}

gboolean
troupe_promise_is_at_home (TroupePromise *self)
{
  TroupeVisit visit = { NULL };

  if (G_LIKELY (troupe_promise_home_is_running (self)))
    return TRUE;

  if (!self->outside || !troupe_promise_enter_outside (self, &visit))
    return FALSE;

  troupe_promise_leave (&visit);
  return TRUE;
}

TroupeRef *
troupe_promise_get_home (TroupePromise *self)
{
  return self->home;
}

TroupeRef *
troupe_promise_get_home_now (void)
{
  TroupeRef *current = troupe_ref_get_current ();
  GMainContext *context;

  if (current != NULL)
    return current;

  context = g_main_context_get_thread_default ();
  return troupe_reactor_get_outside_for (context != NULL ? context : g_main_context_default ());
}

static void
troupe_promise_link (TroupePromise *self)
{
  if (!self->outside && !self->linked)
    troupe_promise_push (self, self->home);
}

static void
troupe_promise_unlink (TroupePromise *self)
{
  if (!self->linked)
    return;

  if (self->next != NULL)
    self->next->previous = self->previous;
  if (self->previous != NULL)
    self->previous->next = self->next;
  else
    self->home->promises = self->next;
  self->linked = FALSE;
}

/* A chain that is paused with an outcome waits for its home, which may end first: a member of its list, then, as if it were pending. */
static void
troupe_promise_keep (TroupePromise *self)
{
  if (self->outside || self->kept)
    return;

  self->kept = TRUE;
  troupe_promise_link (self);
  troupe_promise_add_count (self, TROUPE_PROMISE_HOLD);
}

static inline gboolean
troupe_promise_is_paused (TroupePromise *self)
{
  return self->mail.more_bits > 0;
}

/* Making and freeing */

static inline TroupePromise *
troupe_promise_alloc_at (TroupeRef          *home,
                         guint64             counts,
                         TroupePromiseState  state)
{
  gboolean outside = home->reactor->outside == home;

  return troupe_promise_alloc (home, counts, state, outside, !outside && home->reactor == troupe_reactor_here);
}

static TroupePromise *
troupe_promise_new_settled_at (TroupeRef  *home,
                               TroupeBody *outcome)
{
  TroupePromise *self = troupe_promise_alloc_at (home, TROUPE_PROMISE_CONSUMER, TROUPE_PROMISE_DELIVERED);

  self->outcome = *outcome;
  self->failed = troupe_promise_has_error (self);
  return self;
}

TroupePromise *
troupe_promise_new_at (TroupeRef       *home,
                       TroupeResolver **resolver)
{
  TroupePromise *self;

  /* What an actor's destructors promise themselves is nobody's any more. */
  if (G_UNLIKELY (troupe_ref_is_no_home (home)))
    self = troupe_promise_alloc_at (home, TROUPE_PROMISE_CONSUMER + TROUPE_PROMISE_RESOLVER, TROUPE_PROMISE_ABANDONED);
  else
    self = troupe_promise_alloc_at (home, TROUPE_PROMISE_NEW_COUNTS, TROUPE_PROMISE_PENDING);

  *resolver = (TroupeResolver *) self;
  return self;
}

TroupePromise *
troupe_promise_new_rejected_at (TroupeRef *home,
                                GError    *error)
{
  TroupeBody outcome = { .type = G_TYPE_INVALID, .v_pointer = error };

  return troupe_promise_new_settled_at (home, &outcome);
}

/* Says where an error came from that nobody took, and takes it. */
static G_GNUC_NO_INLINE void
troupe_promise_report (TroupePromise *self)
{
  g_autoptr (GError) error = g_steal_pointer (&self->outcome.v_pointer);
  g_autofree char *path = self->outside ? NULL : troupe_ref_dup_path (self->home);
  g_autofree char *sites = troupe_promise_dup_sites (self);
  g_autofree char *question = NULL;

  self->outcome = TROUPE_BODY_NOTHING;

  if (self->question != NULL)
    question = g_strdup_printf (", an answer to “%s”", self->question);

  g_log (G_LOG_DOMAIN,
         g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_CANCELLED) ? G_LOG_LEVEL_DEBUG : G_LOG_LEVEL_WARNING,
         "Unhandled error in a promise of %s%s: %s (%s, %d)%s",
         path != NULL ? path : "code outside actors", question != NULL ? question : "",
         error->message, g_quark_to_string (error->domain), error->code, sites);
}

/* Takes a step off its chain; for a link, returns the promise it holds. */
static inline TroupePromise *
troupe_promise_free_step (TroupeChainStep *step)
{
  TroupePromise *held = NULL;

  if (step->callback_destroy != NULL)
    step->callback_destroy (step->callback_data);
  if (step->errback_destroy != NULL)
    step->errback_destroy (step->errback_data);
  if (step->kind == TROUPE_STEP_LINK)
    held = step->callback_data;

  troupe_slab_free (TROUPE_SLAB_SMALL, step);
  return held;
}

static inline TroupeChainStep *
troupe_promise_pop_step (TroupePromise *self)
{
  TroupeChainStep *step = self->head;

  if (step != NULL)
    self->head = step->next;

  return step;
}

void
troupe_promise_remove_step (TroupePromise *self,
                            gpointer       data)
{
  TroupeChainStep *previous = NULL;
  TroupeChainStep *step = self->head;

  while (step->callback_data != data)
    {
      previous = step;
      step = step->next;
    }

  if (previous != NULL)
    previous->next = step->next;
  else
    self->head = step->next;
  if (self->tail == step)
    self->tail = previous;
  troupe_slab_free (TROUPE_SLAB_SMALL, step);
}

/* Frees the steps that never ran, in the order they were added. Returns the chain that waited for this one, if any, with its hold. */
static TroupePromise *
troupe_promise_drop_steps (TroupePromise *self)
{
  TroupePromise *outer = NULL;
  TroupeChainStep *step;

  while ((step = troupe_promise_pop_step (self)) != NULL)
    {
      TroupePromise *held = troupe_promise_free_step (step);

      if (held != NULL)
        outer = held;
    }

  return outer;
}

/* Relaxed: a resolver's canceller that is set at this very moment is found by who sets it, or when the promise is freed. */
static inline void
troupe_promise_forget_canceller (TroupePromise *self)
{
  if (G_UNLIKELY (__atomic_load_n (&self->cancelling, __ATOMIC_RELAXED) != NULL))
    troupe_promise_release_cancelling (self);
}

static void
troupe_promise_free (TroupePromise *self)
{
  TroupeRef *home = self->home;
  gboolean near = troupe_promise_is_near (self);

  troupe_promise_forget_canceller (self);

  if (troupe_promise_has_error (self))
    troupe_promise_report (self);

  /* Who waits for it holds it, so nobody does. */
  if (troupe_promise_drop_steps (self) != NULL || self->inner != NULL)
    g_assert_not_reached ();

  troupe_body_clear (&self->outcome);
  troupe_promise_forget_sites (self);
  troupe_slab_free (TROUPE_SLAB_MEDIUM, self);
  troupe_ref_unref_often (home, near);
}

void
troupe_promise_post (TroupePromise *self)
{
  TroupeRef *home = self->home;

  if (G_LIKELY (troupe_reactor_is_here (home->reactor)))
    {
      troupe_ref_post (home, &self->mail);
    }
  else
    {
      /* The home's thread may have freed the promise, and its reference with it, before the post returns. */
      g_autoptr (TroupeRef) keep = troupe_ref_ref (home);

      troupe_ref_post (keep, &self->mail);
    }
}

/* Whether freeing it runs code that expects to run at home. */
static gboolean
troupe_promise_is_particular (TroupePromise *self)
{
  GType type = self->outcome.type;

  return self->head != NULL ||
         (type != G_TYPE_NONE && type != G_TYPE_INT64 && type != G_TYPE_UINT64 && type != G_TYPE_DOUBLE &&
          type != G_TYPE_BOOLEAN && type != G_TYPE_STRING && type != G_TYPE_VARIANT && type != TROUPE_TYPE_JSON);
}

void
troupe_promise_finalize (TroupePromise *self)
{
  TroupeVisit visit;
  g_autoptr (TroupeRef) home = NULL;

  if (!troupe_promise_is_particular (self) || troupe_ref_get_state (self->home) == TROUPE_REF_ENDED)
    {
      troupe_promise_free (self);
      return;
    }

  if (troupe_promise_enter (self, &visit))
    {
      home = troupe_ref_ref (self->home);
      troupe_promise_free (self);
      troupe_promise_leave (&visit);
      return;
    }

  self->counts = TROUPE_PROMISE_HOLD;
  self->mail.bits = TROUPE_PROMISE_FINALIZE;
  troupe_promise_post (self);
}

static void
troupe_promise_unhold (TroupePromise *self)
{
  if (troupe_promise_drop_count (self, TROUPE_PROMISE_HOLD))
    troupe_promise_finalize (self);
}

/**
 * troupe_promise_new:
 * @resolver: (out) (transfer full): where to put its resolver
 *
 * Makes a pending promise, at home here and now.
 *
 * Returns: (transfer full): the consumer's side
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_new (TroupeResolver **resolver)
{
  g_return_val_if_fail (resolver != NULL, NULL);

  return troupe_promise_new_at (troupe_promise_get_home_now (), resolver);
}

/**
 * troupe_promise_ref:
 * @self: a promise
 *
 * Takes another reference. Call it from any thread.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_ref (TroupePromise *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  troupe_promise_add_count (self, TROUPE_PROMISE_CONSUMER);
  return self;
}

/* The last consumer goes, but a resolver is kept, perhaps for long: no step will come any more to take the error. */
static G_GNUC_NO_INLINE void
troupe_promise_report_early (TroupePromise *self)
{
  TroupeVisit visit;

  if (!troupe_promise_enter (self, &visit))
    return;

  if (troupe_promise_get_state (self) == TROUPE_PROMISE_DELIVERED && !self->running && self->head == NULL &&
      troupe_promise_has_error (self))
    troupe_promise_report (self);

  troupe_promise_leave (&visit);
}

/**
 * troupe_promise_unref:
 * @self: (transfer full): a promise
 *
 * Drops a reference.
 *
 * The steps of a pending promise stay, and run when it is resolved. A value that nobody took is freed
 * at home, or here if the home has ended. Call it from any thread.
 *
 * Since: 1.0
 */
void
troupe_promise_unref (TroupePromise *self)
{
  g_return_if_fail (self != NULL);

  if (G_UNLIKELY (__atomic_load_n (&self->failed, __ATOMIC_RELAXED)) &&
      TROUPE_PROMISE_COUNT (__atomic_load_n (&self->counts, __ATOMIC_RELAXED), TROUPE_PROMISE_CONSUMER) == 1)
    troupe_promise_report_early (self);

  if (troupe_promise_drop_count (self, TROUPE_PROMISE_CONSUMER))
    troupe_promise_finalize (self);
}

/**
 * troupe_promise_new_resolved:
 * @value: (nullable): a value, or %NULL for nothing
 *
 * Makes a promise that is resolved already, at home here and now.
 *
 * Small integers, floats, enums and flags become the widest number of their kind.
 *
 * Returns: (transfer full): a promise
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_new_resolved (const GValue *value)
{
  TroupeBody body;

  g_return_val_if_fail (value == NULL || !G_IS_VALUE (value) || !G_VALUE_HOLDS (value, TROUPE_TYPE_PROMISE), NULL);

  if (!troupe_body_from_value (&body, value))
    g_critical ("A promise cannot hold a %s", G_VALUE_TYPE_NAME (value));

  return troupe_promise_new_settled_at (troupe_promise_get_home_now (), &body);
}

/**
 * troupe_promise_new_rejected:
 * @error: (transfer full): the reason
 *
 * Makes a promise that is rejected already, at home here and now.
 *
 * Returns: (transfer full): a promise
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_new_rejected (GError *error)
{
  g_return_val_if_fail (error != NULL, NULL);

  return troupe_promise_new_rejected_at (troupe_promise_get_home_now (), error);
}

/* The chain */

static inline void
troupe_promise_push_step (TroupePromise   *self,
                          TroupeChainStep *step)
{
  if (self->head != NULL)
    self->tail->next = step;
  else
    self->head = step;
  self->tail = step;
}

static void
troupe_promise_replace_outcome (TroupePromise *self,
                                TroupeBody     outcome)
{
  TroupeBody old;

  /* First the new one: freeing the old one may run code that looks. */
  troupe_body_move (&old, &self->outcome);
  troupe_body_move (&self->outcome, &outcome);
  troupe_body_clear (&old);
}

static void
troupe_promise_replace_with_error (TroupePromise *self,
                                   TroupeError    code,
                                   const char    *message)
{
  troupe_promise_replace_outcome (self, (TroupeBody) {
    .type = G_TYPE_INVALID,
    .v_pointer = g_error_new_literal (TROUPE_ERROR, code, message),
  });
}

/*
 * Whether INNER waits for SELF, through any number of others. Each waits for one and is waited for
 * by one, so both ends are looked for at once: a long chain with SELF at its end costs nothing when
 * INNER waits for nobody.
 */
static gboolean
troupe_promise_waits_for (TroupePromise *inner,
                          TroupePromise *self)
{
  TroupePromise *forth = inner;
  TroupePromise *back = self;

  while (forth != NULL && back != NULL)
    {
      if (forth == self || back == inner)
        return TRUE;

      forth = forth->inner;
      back = back->outer;
    }

  return FALSE;
}

/* Links INNER's chain to SELF's; takes the handle. */
static void
troupe_promise_wait_for (TroupePromise *self,
                         TroupePromise *inner)
{
  TroupeChainStep *step = troupe_slab_alloc (TROUPE_SLAB_SMALL);

  troupe_promise_add_count (self, TROUPE_PROMISE_HOLD);
  *step = (TroupeChainStep) { .kind = TROUPE_STEP_LINK, .callback_data = self };
  troupe_promise_push_step (inner, step);

  self->inner = inner;
  inner->outer = self;

  /* Release, as in deliver (). */
  __atomic_store_n (&self->state, TROUPE_PROMISE_STALLED, __ATOMIC_RELEASE);
  troupe_promise_link (self);
}

/* SELF, whose outcome has been taken out, goes on with the outcome of INNER, a handle that it takes. */
static void
troupe_promise_adopt (TroupePromise *self,
                      TroupePromise *inner)
{
  if (inner == self)
    {
      troupe_promise_replace_with_error (self, TROUPE_ERROR_ADOPT_SELF,
                                         "A step returned the promise it belongs to");
      troupe_promise_unref (inner);
      return;
    }

  /* Only the flag is shared between homes; nothing else depends on who sees it first. */
  if (__atomic_exchange_n (&inner->adopted, TRUE, __ATOMIC_RELAXED))
    {
      troupe_promise_replace_with_error (self, TROUPE_ERROR_ALREADY_ADOPTED,
                                         "A step returned a promise that another chain has taken");
      troupe_promise_unref (inner);
      return;
    }

  if (inner->home != self->home || (self->outside && inner->thread != self->thread))
    {
      TroupeResolver *resolver;
      TroupePromise *proxy = troupe_promise_new_at (self->home, &resolver);

      troupe_promise_forward_cancel (proxy, troupe_promise_cancel_inner, troupe_promise_ref (inner),
                                     (GDestroyNotify) troupe_promise_unref);
      troupe_promise_pipe (inner, resolver);
      proxy->adopted = TRUE;
      inner = proxy;
    }

  switch (troupe_promise_get_state (inner))
    {
    case TROUPE_PROMISE_DELIVERED:
      if (inner->running || troupe_promise_is_paused (inner))
        break;

      self->outcome = inner->outcome;
      inner->outcome = TROUPE_BODY_NOTHING;
      troupe_promise_unref (inner);
      return;

    case TROUPE_PROMISE_ABANDONED:
    case TROUPE_PROMISE_SWALLOWED:
      troupe_promise_replace_with_error (self, TROUPE_ERROR_ABANDONED, "The promise was abandoned");
      troupe_promise_unref (inner);
      return;

    case TROUPE_PROMISE_PENDING:
    case TROUPE_PROMISE_CLAIMED:
    case TROUPE_PROMISE_GIVEN_UP:
    case TROUPE_PROMISE_POSTED:
    case TROUPE_PROMISE_STALLED:
    default:
      break;
    }

  if (troupe_promise_waits_for (inner, self))
    {
      __atomic_store_n (&inner->adopted, FALSE, __ATOMIC_RELAXED);
      troupe_promise_replace_with_error (self, TROUPE_ERROR_ADOPT_SELF,
                                         "A step returned a promise that waits for its own");
      troupe_promise_unref (inner);
      return;
    }

  troupe_promise_wait_for (self, inner);
}

static inline void
troupe_promise_run_step (TroupePromise   *self,
                         TroupeChainStep *step)
{
  TroupeReturn frame;
  gboolean errback = step->kind == TROUPE_STEP_PAIR && troupe_promise_has_error (self);
  TroupeStep func = errback ? step->errback : step->callback;

  frame.inner = NULL;
  frame.returned = FALSE;

  if (func != NULL)
    {
      self->frame = &frame;
      func (self, errback ? step->errback_data : step->callback_data);
      self->frame = NULL;
    }

  if (frame.returned)
    {
      TroupeBody outcome;

      troupe_body_move (&outcome, &frame.outcome);
      troupe_promise_replace_outcome (self, outcome);
      if (G_UNLIKELY (frame.inner != NULL))
        troupe_promise_adopt (self, frame.inner);
    }

  troupe_promise_free_step (step);
}

/* Moves the outcome to the chain that waits for it; that chain may go on. */
static void
troupe_promise_hand_over (TroupePromise *self,
                          TroupePromise *outer)
{
  TroupeBody outcome = self->outcome;

  self->outcome = TROUPE_BODY_NOTHING;
  self->outer = NULL;
  outer->inner = NULL;
  troupe_promise_unlink (outer);
  troupe_promise_replace_outcome (outer, outcome);
  /* Release, as in deliver (). */
  __atomic_store_n (&outer->state, TROUPE_PROMISE_DELIVERED, __ATOMIC_RELEASE);
  if (G_UNLIKELY (troupe_promise_is_paused (outer)))
    troupe_promise_keep (outer);

  /* The run holds it. */
  troupe_promise_unref (self);
}

/* Runs steps until none is left or the chain cannot go on, or until a link has handed the outcome over: then returns the promise
 * that has it now, with the link's hold. */
static TroupePromise *
troupe_promise_run_steps (TroupePromise *self)
{
  /* Relaxed: only home changes it now. */
  while (self->head != NULL &&
         __atomic_load_n (&self->state, __ATOMIC_RELAXED) == TROUPE_PROMISE_DELIVERED &&
         !troupe_promise_is_paused (self))
    {
      TroupeChainStep *step = troupe_promise_pop_step (self);

      if (G_UNLIKELY (step->kind == TROUPE_STEP_LINK))
        {
          TroupePromise *outer = troupe_promise_free_step (step);

          troupe_promise_hand_over (self, outer);
          return outer;
        }

      troupe_promise_run_step (self, step);
    }

  return NULL;
}

/* Relaxed: who drops a handle elsewhere may guess wrong, and then an error is reported a little later. */
static inline void
troupe_promise_note_failure (TroupePromise *self)
{
  __atomic_store_n (&self->failed, troupe_promise_has_error (self), __ATOMIC_RELAXED);
}

static inline void troupe_promise_run (TroupePromise *self);

/* OUTER has the outcome now, from CURRENT. Returns what to go on with. */
static TroupePromise *
troupe_promise_stack (TroupePromise *current,
                      TroupePromise *outer)
{
  if (G_LIKELY (!outer->stacked))
    {
      outer->mail.next = &current->mail;
      outer->stacked = TRUE;
      return outer;
    }

  /* One whose step has just ended goes on by itself. */
  if (!outer->running)
    troupe_promise_run (outer);
  troupe_promise_unhold (outer);
  return current;
}

/* Runs steps of CURRENT, on top of the stack, and returns what is on top afterwards; NULL when nothing is. */
static inline TroupePromise *
troupe_promise_run_top (TroupePromise *current)
{
  TroupePromise *outer;
  TroupePromise *below;

  current->stacked = TRUE;
  current->running = TRUE;
  outer = troupe_promise_run_steps (current);

  current->running = FALSE;
  if (G_UNLIKELY (outer != NULL))
    return troupe_promise_stack (current, outer);

  below = (TroupePromise *) current->mail.next;
  current->mail.next = NULL;
  current->stacked = FALSE;
  troupe_promise_note_failure (current);

  return below;
}

static void
troupe_promise_run_unstacked (TroupePromise *self)
{
  gsize nowhere = 0;
  /* Steps of an actor are part of its turn, wherever on the stack that has come to. Those outside may run in foreign code, too, and on
   * another thread than the reactor's. */
  gsize *running_stack = self->outside ? &nowhere : &self->home->reactor->running_stack;
  gsize turn = *running_stack;
  TroupePromise *top = self;

  *running_stack = troupe_depth_get_stack ();
  self->mail.next = NULL;

  do
    {
      TroupePromise *current = top;

      top = troupe_promise_run_top (current);
      if (G_UNLIKELY (current != self) && !current->stacked)
        troupe_promise_unhold (current);
    }
  while (G_UNLIKELY (top != NULL));

  *running_stack = turn;
}

static G_GNUC_NO_INLINE void
troupe_promise_run_stacked (TroupePromise *self)
{
  TroupeMail *below = self->mail.next;

  troupe_promise_run_unstacked (self);
  self->mail.next = below;
  self->stacked = TRUE;
}

/*
 * Runs the chain of SELF, which the caller holds, and of every chain that goes on because of it.
 * They are stacked by their mail's link, not by calls, so the depth of adoption costs no stack.
 * Whoever took over runs first; then the rest of the chain it took from. A step of the former may have that rest run earlier, in a run
 * of its own inside this one, by adding to it: so what stands on a stack may be run, but not be put on another.
 */
static inline void
troupe_promise_run (TroupePromise *self)
{
  if (G_UNLIKELY (self->stacked))
    troupe_promise_run_stacked (self);
  else
    troupe_promise_run_unstacked (self);
}

/* Forgets the steps and, if it is there, the outcome. Returns the chain that waited, with its hold. SELF is held. */
static TroupePromise *
troupe_promise_abandon_one (TroupePromise *self)
{
  gint pending = TROUPE_PROMISE_PENDING;
  TroupePromise *inner = g_steal_pointer (&self->inner);
  TroupePromise *outer;

  troupe_promise_unlink (self);

  /* Sequentially consistent for the canceller. A claimed or posted outcome is met by drop_turn (). */
  if (__atomic_compare_exchange_n (&self->state, &pending, TROUPE_PROMISE_ABANDONED, FALSE,
                                   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
    {
      /* Not the last, which the caller has. Release: who drops that frees the block after all that we have done to it. */
      __atomic_fetch_sub (&self->counts, TROUPE_PROMISE_HOLD, __ATOMIC_RELEASE);
      troupe_promise_notify_cancelling (self);
    }
  /* Relaxed, here and in forget (): nothing is published. */
  else if (pending == TROUPE_PROMISE_STALLED || self->kept)
    __atomic_store_n (&self->state, TROUPE_PROMISE_SWALLOWED, __ATOMIC_RELAXED);
  else
    self->orphan = TRUE;

  if (G_UNLIKELY (self->kept))
    {
      self->kept = FALSE;
      __atomic_fetch_sub (&self->counts, TROUPE_PROMISE_HOLD, __ATOMIC_RELEASE);
      troupe_body_clear (&self->outcome);
    }

  if (inner != NULL)
    {
      inner->outer = NULL;
      troupe_promise_unref (inner);
    }

  outer = troupe_promise_drop_steps (self);
  self->outer = NULL;
  return outer;
}

/* A chain that waits for an abandoned one is at the same home, and abandoned with it. SELF is held. */
static void
troupe_promise_abandon (TroupePromise *self)
{
  TroupePromise *outer = troupe_promise_abandon_one (self);

  while (outer != NULL)
    {
      TroupePromise *next = troupe_promise_abandon_one (outer);

      troupe_promise_unhold (outer);
      outer = next;
    }
}

/* The home has ended, so there is nobody to see the outcome. SELF is held. */
static void
troupe_promise_forget (TroupePromise *self)
{
  troupe_promise_forget_canceller (self);
  troupe_promise_abandon (self);
  __atomic_store_n (&self->state, TROUPE_PROMISE_SWALLOWED, __ATOMIC_RELAXED);
  troupe_body_clear (&self->outcome);
}

static inline void
troupe_promise_deliver_here (TroupePromise *self)
{
  /* Between the last turn of an actor and its disposal, what it owns is freed, which may resolve what it waited for. */
  if (G_UNLIKELY (troupe_ref_is_no_home (self->home) || self->orphan))
    {
      troupe_promise_forget (self);
      return;
    }

  /* Release: what led to it, the marks of a cancellation for instance, is there for those who see the state. */
  __atomic_store_n (&self->state, TROUPE_PROMISE_DELIVERED, __ATOMIC_RELEASE);
  troupe_promise_unlink (self);
  troupe_promise_forget_canceller (self);
  if (G_UNLIKELY (troupe_promise_is_paused (self)))
    troupe_promise_keep (self);
  else if (self->head != NULL)
    troupe_promise_run (self);
  else
    troupe_promise_note_failure (self);
}

void
troupe_promise_deliver (TroupePromise *self)
{
  troupe_promise_deliver_here (self);
}

/* No count is left, in a turn of home. Most have run all their steps, and have nothing that anybody would have to free. */
static inline void
troupe_promise_finalize_here (TroupePromise *self)
{
  TroupeRef *home = self->home;

  if (G_UNLIKELY (self->head != NULL || !troupe_body_is_plain (&self->outcome) || self->outside ||
                  __atomic_load_n (&self->cancelling, __ATOMIC_RELAXED) != NULL))
    {
      troupe_promise_finalize (self);
      return;
    }

  troupe_promise_forget_sites (self);
  troupe_slab_free (TROUPE_SLAB_MEDIUM, self);
  troupe_ref_unref_often (home, TRUE);
}

/* What the mailbox held. TRUE if nobody holds SELF any more. */
static inline gboolean
troupe_promise_drop_mail (TroupePromise *self)
{
  guint64 counts = TROUPE_PROMISE_HOLD;

  if ((self->mail.bits & TROUPE_PROMISE_WITH_HANDLE) != 0)
    counts += TROUPE_PROMISE_RESOLVER;

  return troupe_promise_drop_count (self, counts);
}

void
troupe_promise_run_turn (TroupePromise *self)
{
  if (G_UNLIKELY ((self->mail.bits & TROUPE_PROMISE_FINALIZE) != 0))
    {
      troupe_promise_free (self);
      return;
    }

  troupe_promise_deliver_here (self);
  if (troupe_promise_drop_mail (self))
    troupe_promise_finalize_here (self);
}

void
troupe_promise_drop_turn (TroupePromise *self)
{
  if ((self->mail.bits & TROUPE_PROMISE_FINALIZE) != 0)
    {
      troupe_promise_free (self);
      return;
    }

  troupe_promise_forget (self);
  if (troupe_promise_drop_mail (self))
    troupe_promise_finalize (self);
}

void
troupe_promise_abandon_all (TroupeRef *home)
{
  /* What is freed may unlink others, or promise more: take all that are there, oldest first, until none is. */
  while (home->promises != NULL)
    {
      TroupePromise *oldest = NULL;

      while (home->promises != NULL)
        {
          TroupePromise *self = home->promises;

          troupe_promise_unlink (self);
          troupe_promise_add_count (self, TROUPE_PROMISE_HOLD);
          self->next = oldest;
          oldest = self;
        }

      while (oldest != NULL)
        {
          TroupePromise *self = oldest;

          oldest = self->next;
          troupe_promise_abandon (self);
          troupe_promise_unhold (self);
        }
    }
}

/* At home: runs the step that was just added. SELF has an outcome, and does not run. */
static void
troupe_promise_run_added (TroupePromise      *self,
                          TroupePromiseState  state,
                          TroupeVisit        *visit)
{
  /* A step may drop the caller's own handle. */
  troupe_promise_add_count (self, TROUPE_PROMISE_HOLD);
  if (G_UNLIKELY (state >= TROUPE_PROMISE_ABANDONED ||
                  troupe_ref_is_no_home (self->home)))
    troupe_promise_abandon (self);
  else
    troupe_promise_run (self);
  troupe_promise_leave (visit);
  troupe_promise_unhold (self);
}

/* There is an outcome already, or this is not a turn of home. */
static G_GNUC_NO_INLINE void
troupe_promise_add_now (TroupePromise   *self,
                        TroupeChainStep *step,
                        const char      *func)
{
  TroupePromiseState state;
  TroupeVisit visit;

  if (!troupe_promise_enter (self, &visit))
    {
      g_critical ("%s: steps are added where the promise is at home: in its actor's turns, or with the context it was made in",
                  func);
      troupe_slab_free (TROUPE_SLAB_SMALL, step);
      return;
    }

  troupe_promise_push_step (self, step);
  state = troupe_promise_get_state (self);
  if (state >= TROUPE_PROMISE_DELIVERED && !self->running)
    troupe_promise_run_added (self, state, &visit);
  else
    troupe_promise_leave (&visit);
}

/* A step that has to wait may as well be added below a turn of home, in foreign code that a nested main loop runs: it is the same thread, and
 * asking for the depth of the loop could be half of what adding costs. */
static inline gboolean
troupe_promise_just_waits (TroupePromise *self)
{
  TroupeReactor *reactor = troupe_reactor_here;

  return reactor != NULL && reactor->running == self->home && troupe_promise_get_state (self) < TROUPE_PROMISE_DELIVERED;
}

/* Takes STEP, but not what it holds when this is not home. */
static inline void
troupe_promise_add_step (TroupePromise   *self,
                         TroupeChainStep *step,
                         const char      *func)
{
  if (G_LIKELY (troupe_promise_just_waits (self)))
    troupe_promise_push_step (self, step);
  else
    troupe_promise_add_now (self, step, func);
}

static inline void
troupe_promise_add_both_full (TroupePromise  *self,
                              TroupeStep      callback,
                              gpointer        user_data,
                              GDestroyNotify  destroy,
                              const char     *func)
{
  TroupeChainStep *step = troupe_slab_alloc (TROUPE_SLAB_SMALL);

  *step = (TroupeChainStep) {
    .kind = TROUPE_STEP_BOTH,
    .callback = callback,
    .callback_data = user_data,
    .callback_destroy = destroy,
  };
  troupe_promise_add_step (self, step, func);
}

static inline void
troupe_promise_add_pair (TroupePromise  *self,
                         TroupeStep      callback,
                         gpointer        callback_data,
                         GDestroyNotify  callback_destroy,
                         TroupeStep      errback,
                         gpointer        errback_data,
                         GDestroyNotify  errback_destroy,
                         const char     *func)
{
  TroupeChainStep *step = troupe_slab_alloc (TROUPE_SLAB_SMALL);

  *step = (TroupeChainStep) {
    .kind = TROUPE_STEP_PAIR,
    .callback = callback,
    .callback_data = callback_data,
    .callback_destroy = callback_destroy,
    .errback = errback,
    .errback_data = errback_data,
    .errback_destroy = errback_destroy,
  };
  troupe_promise_add_step (self, step, func);
}

/**
 * troupe_promise_add_callback:
 * @self: a promise at home here
 * @callback: (scope notified) (closure user_data) (destroy destroy) (nullable): what to do with a value
 * @user_data: what to give to @callback
 * @destroy: (nullable): frees @user_data once the step has run, was passed or was dropped
 *
 * Adds a step for a value. An error passes it.
 *
 * If the promise is resolved and its chain neither runs nor waits, the step runs before this
 * returns. Called elsewhere than at home it does nothing, not even free @user_data.
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_add_callback (TroupePromise  *self,
                             TroupeStep      callback,
                             gpointer        user_data,
                             GDestroyNotify  destroy)
{
  g_return_val_if_fail (self != NULL, NULL);

  troupe_promise_add_pair (self, callback, user_data, destroy, NULL, NULL, NULL, G_STRFUNC);
  return self;
}

/**
 * troupe_promise_add_errback:
 * @self: a promise at home here
 * @errback: (scope notified) (closure user_data) (destroy destroy) (nullable): what to do with an error
 * @user_data: what to give to @errback
 * @destroy: (nullable): frees @user_data once the step has run, was passed or was dropped
 *
 * Adds a step for an error. A value passes it.
 *
 * An errback that returns nothing else passes the error on: it is handled when it returns
 * something, if only with [method@Troupe.Promise.return_nothing]. See
 * [method@Troupe.Promise.add_callback] for when it runs.
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_add_errback (TroupePromise  *self,
                            TroupeStep      errback,
                            gpointer        user_data,
                            GDestroyNotify  destroy)
{
  g_return_val_if_fail (self != NULL, NULL);

  troupe_promise_add_pair (self, NULL, NULL, NULL, errback, user_data, destroy, G_STRFUNC);
  return self;
}

/**
 * troupe_promise_add_both:
 * @self: a promise at home here
 * @step: (scope notified) (closure user_data) (destroy destroy) (nullable): what to do with either
 * @user_data: what to give to @step
 * @destroy: (nullable): frees @user_data once the step has run or was dropped
 *
 * Adds a step for a value or an error; [method@Troupe.Promise.has_value] tells which it is.
 *
 * See [method@Troupe.Promise.add_callback] for when it runs.
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_add_both (TroupePromise  *self,
                         TroupeStep      step,
                         gpointer        user_data,
                         GDestroyNotify  destroy)
{
  g_return_val_if_fail (self != NULL, NULL);

  troupe_promise_add_both_full (self, step, user_data, destroy, G_STRFUNC);
  return self;
}

/**
 * troupe_promise_add_callbacks:
 * @self: a promise at home here
 * @callback: (scope notified) (closure callback_data) (destroy callback_destroy) (nullable): what to do with a value
 * @callback_data: what to give to @callback
 * @callback_destroy: (nullable): frees @callback_data
 * @errback: (scope notified) (closure errback_data) (destroy errback_destroy) (nullable): what to do with an error
 * @errback_data: what to give to @errback
 * @errback_destroy: (nullable): frees @errback_data
 *
 * Adds one step that has a function for either: @errback does not see the error that @callback returns.
 *
 * Both data are freed once the step has run or was dropped. See
 * [method@Troupe.Promise.add_callback] for when it runs.
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_add_callbacks (TroupePromise  *self,
                              TroupeStep      callback,
                              gpointer        callback_data,
                              GDestroyNotify  callback_destroy,
                              TroupeStep      errback,
                              gpointer        errback_data,
                              GDestroyNotify  errback_destroy)
{
  g_return_val_if_fail (self != NULL, NULL);

  troupe_promise_add_pair (self, callback, callback_data, callback_destroy,
                           errback, errback_data, errback_destroy, G_STRFUNC);
  return self;
}

/**
 * troupe_promise_wrap_call:
 * @step: (scope notified) (closure user_data) (destroy destroy): what to call
 * @user_data: what to give to @step
 * @destroy: (nullable): frees @user_data
 *
 * Calls a function now, and makes a promise of what it returns, at home here and now.
 *
 * @step runs as the first step of the promise, which has nothing yet. If it returns a value or fails, the promise is
 * resolved already when this returns; if it returns a promise, that one's outcome comes when it does. So who calls what may or may not
 * have to wait need not tell the cases apart.
 *
 * Returns: (transfer full): a promise
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_wrap_call (TroupeFallibleStep  step,
                          gpointer            user_data,
                          GDestroyNotify      destroy)
{
  g_return_val_if_fail (step != NULL, NULL);

  return troupe_promise_add_fallible_both (troupe_promise_new_resolved (NULL), step, user_data, destroy);
}

/* Pauses */

/**
 * troupe_promise_pause:
 * @self: a promise at home here
 *
 * Keeps the steps from running, until [method@Troupe.Promise.unpause] was called as often as this.
 *
 * It delays the chain only: the promise may be resolved meanwhile, and whoever resolves it does not
 * notice. A step that pauses its own promise is the last one that runs. A chain that waits for
 * this promise waits on. Every pause needs its counterpart: what is paused for ever stays in memory
 * until its actor ends, and outside actors, if a chain or a list waits for it, for ever.
 *
 * Since: 1.0
 */
void
troupe_promise_pause (TroupePromise *self)
{
  TroupeVisit visit;

  g_return_if_fail (self != NULL);

  if (!troupe_promise_enter (self, &visit))
    {
      g_critical ("%s: a promise is paused where it is at home", G_STRFUNC);
      return;
    }

  if (self->mail.more_bits == G_MAXUINT16)
    g_critical ("A promise cannot be paused more than %d times at once", G_MAXUINT16);
  else
    self->mail.more_bits++;
  if (troupe_promise_get_state (self) == TROUPE_PROMISE_DELIVERED)
    troupe_promise_keep (self);

  troupe_promise_leave (&visit);
}

/* The last pause is over. SELF is held. */
static void
troupe_promise_go_on (TroupePromise *self)
{
  gboolean delivered = troupe_promise_get_state (self) == TROUPE_PROMISE_DELIVERED;
  gboolean kept = self->kept;

  if (troupe_ref_is_no_home (self->home))
    return;

  self->kept = FALSE;
  if (kept && delivered)
    troupe_promise_unlink (self);
  if (delivered && !self->running)
    troupe_promise_run (self);
  if (kept)
    troupe_promise_unhold (self);
}

/**
 * troupe_promise_unpause:
 * @self: a promise at home here, that is paused
 *
 * Takes one [method@Troupe.Promise.pause] back. If it was the last one and the promise is
 * resolved, its steps run before this returns.
 *
 * Since: 1.0
 */
void
troupe_promise_unpause (TroupePromise *self)
{
  TroupeVisit visit;

  g_return_if_fail (self != NULL);

  if (!troupe_promise_enter (self, &visit))
    {
      g_critical ("%s: a promise is unpaused where it is at home", G_STRFUNC);
      return;
    }

  /* A step may drop the caller's own handle. */
  troupe_promise_add_count (self, TROUPE_PROMISE_HOLD);
  if (self->mail.more_bits == 0)
    g_critical ("A promise was unpaused that is not paused");
  else if (--self->mail.more_bits == 0)
    troupe_promise_go_on (self);
  troupe_promise_leave (&visit);
  troupe_promise_unhold (self);
}

/* Chains to others */

static void
troupe_promise_chain_step (TroupePromise *self,
                           gpointer       data)
{
  TroupeResolver *resolver = data;
  TroupeBody outcome = self->outcome;

  self->outcome = TROUPE_BODY_NOTHING;
  if (!troupe_promise_settle ((TroupePromise *) resolver, &outcome, FALSE))
    troupe_promise_return_error (self, troupe_resolver_new_late_error (resolver));
}

static void
troupe_promise_chain_dropped (gpointer data)
{
  TroupeResolver *resolver = data;

  if (!troupe_resolver_is_resolved (resolver))
    troupe_resolver_take_error (resolver, g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_ABANDONED,
                                                               "The actor ended before the outcome came"));
  troupe_resolver_unref (resolver);
}

/**
 * troupe_promise_chain_to:
 * @self: a promise at home here
 * @resolver: the resolver of another promise
 *
 * Adds a step that resolves another promise with the outcome, value or error.
 *
 * The chain of @self goes on with nothing. If @resolver was resolved before, it goes on with
 * %TROUPE_ERROR_ALREADY_RESOLVED instead. If the home of @self ends first, @resolver is rejected
 * with %TROUPE_ERROR_ABANDONED.
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_chain_to (TroupePromise  *self,
                         TroupeResolver *resolver)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (resolver != NULL, self);
  g_return_val_if_fail ((gpointer) self != (gpointer) resolver, self);
  g_return_val_if_fail (troupe_promise_is_at_home (self), self);

  troupe_promise_add_both_full (self, troupe_promise_chain_step, troupe_resolver_ref (resolver),
                                troupe_promise_chain_dropped, G_STRFUNC);
  return self;
}

static void
troupe_promise_pipe_step (TroupePromise *self,
                          gpointer       data)
{
  TroupeBody outcome = self->outcome;

  self->outcome = TROUPE_BODY_NOTHING;
  troupe_promise_settle (data, &outcome, FALSE);
}

typedef struct
{
  TroupePromise  *promise;
  TroupeResolver *resolver;
} TroupePipe;

static void
troupe_pipe_connect (TroupeRef *target,
                     gpointer   data)
{
  TroupePipe *pipe = data;

  troupe_promise_add_both_full (pipe->promise, troupe_promise_pipe_step, g_steal_pointer (&pipe->resolver),
                                troupe_promise_chain_dropped, G_STRFUNC);
}

static void
troupe_pipe_free (gpointer data)
{
  TroupePipe *pipe = data;

  troupe_promise_unref (pipe->promise);
  g_clear_pointer (&pipe->resolver, troupe_promise_chain_dropped);
  troupe_slab_free (TROUPE_SLAB_SMALL, pipe);
}

/* PROMISE is not at home here, so the step is added by a turn there. */
static void
troupe_promise_pipe_elsewhere (TroupePromise  *self,
                               TroupeResolver *resolver)
{
  TroupePipe *pipe = troupe_slab_alloc (TROUPE_SLAB_SMALL);
  g_autoptr (TroupeRef) home = troupe_ref_ref (self->home);

  pipe->promise = self;
  pipe->resolver = resolver;
  troupe_ref_call (home, troupe_pipe_connect, NULL, pipe, troupe_pipe_free);
}

void
troupe_promise_pipe (TroupePromise  *self,
                     TroupeResolver *resolver)
{
  if (!troupe_promise_is_at_home (self))
    {
      troupe_promise_pipe_elsewhere (self, resolver);
      return;
    }

  troupe_promise_add_both_full (self, troupe_promise_pipe_step, resolver, troupe_promise_chain_dropped, G_STRFUNC);
  troupe_promise_unref (self);
}

static void
troupe_promise_reply_dropped (gpointer data)
{
  TroupeResolver *resolver = data;
  TroupeRef *current = troupe_ref_get_current ();

  if (current != NULL && !troupe_resolver_is_resolved (resolver))
    troupe_resolver_take_error (resolver, troupe_ref_new_ended_error (current));
  troupe_promise_chain_dropped (resolver);
}

void
troupe_promise_pipe_reply (TroupePromise  *self,
                           TroupeResolver *resolver)
{
  TroupeRef *current = troupe_ref_get_current ();

  if (troupe_promise_get_state (self) != TROUPE_PROMISE_DELIVERED)
    troupe_resolver_set_answer (resolver, self);

  if (current == self->home)
    {
      troupe_promise_add_both_full (self, troupe_promise_pipe_step, resolver, troupe_promise_reply_dropped, G_STRFUNC);
      troupe_promise_unref (self);
      return;
    }

  if (current != NULL)
    troupe_ref_add_deferred (current, resolver);
  troupe_promise_pipe (self, resolver);
}

static void
troupe_promise_fail_home (TroupePromise *self,
                          gpointer       data)
{
  GError *error = troupe_promise_steal_error (self);

  if (!self->outside)
    {
      troupe_ref_fail (self->home, error);
      return;
    }

  g_warning ("A promise outside actors failed: %s", error->message);
  g_error_free (error);
}

/**
 * troupe_promise_or_fail:
 * @self: a promise at home here
 *
 * Ends the chain by failing the actor at home if there is an error: it stops, as if one of its
 * handlers had failed.
 *
 * Outside actors there is nothing to fail: the error is logged as a warning.
 *
 * Since: 1.0
 */
void
troupe_promise_or_fail (TroupePromise *self)
{
  g_return_if_fail (self != NULL);

  troupe_promise_add_pair (self, NULL, NULL, NULL, troupe_promise_fail_home, NULL, NULL, G_STRFUNC);
}
