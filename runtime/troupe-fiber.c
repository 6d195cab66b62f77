/* troupe-fiber.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <errno.h>

#include "troupe-actor-private.h"
#include "troupe-bindings-private.h"
#include "troupe-error.h"
#include "troupe-fiber-private.h"
#include "troupe-message-private.h"
#include "troupe-promise-private.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-life-private.h"
#include "troupe-ref-wait-private.h"
#include "troupe-stack-private.h"
#include "troupe-system-private.h"

/*
 * A fiber is a function on a stack of its own. await () adds a step to the promise and leaves the stack; when the step has run, the
 * stack is gone on with, in the same turn, from where the chain runs. So a fiber runs in turns of its home only, as steps do.
 *
 * Who is woken by a fiber, or by the end of one, does not run on top of it: the outermost run () takes one after the other, so
 * that a row of fibers that wait for each other needs no more stack than one.
 */

/* After the end of its actor a fiber that goes on waiting is told so as often. */
#define PATIENCE 1000

/* What cancellers know a fiber by, which may end before they do. */
typedef struct
{
  TroupeFiber *fiber;                /* NULL once it has ended */
} TroupeFiberHandle;

struct _TroupeFiber
{
  TroupeFiber       *next;           /* in its home's list */
  TroupeFiber       *previous;
  TroupeFiber       *next_woken;
  TroupeFiber       *below;          /* that ran when this one was gone on with; while this one runs */
  TroupeRef         *home;           /* a reference */
  TroupeStack       *stack;
  TroupePromise     *promise;        /* with the step that will wake it; no reference: the step goes with it */
  TroupePromise     *paused;         /* a reference: to be unpaused when it waits again; it was woken, but not at once */
  TroupeFiberHandle *handle;         /* a reference, or NULL */
  int                depth;          /* g_main_depth () where it runs */
  guint              refusals;
  guint              exclusive : 1;
  guint              waiting : 1;    /* its stack was left */
  guint              woken : 1;
  guint              cancelled : 1;  /* while it did not wait */
  guint              given_up : 1;   /* its stack was left for ever */
  guint              handled : 1;    /* what its function returned */
  GError            *error;          /* of what it waits for; then of its end */
  /* Either a handler and its message … */
  TroupeHandler      handler;
  TroupeMessage     *message;
  /* … or a function and its promise. */
  TroupeFiberFunc    func;
  gpointer           user_data;
  GDestroyNotify     destroy;
  TroupeResolver    *resolver;
};

G_STATIC_ASSERT (sizeof (TroupeFiber) <= TROUPE_SLAB_LARGE_SIZE);

/* The frame of the function that runs fibers, at one depth of the main loop. */
typedef struct _TroupeFiberRun TroupeFiberRun;

struct _TroupeFiberRun
{
  TroupeFiberRun *below;
  int             depth;
  TroupeFiber    *head;              /* woken meanwhile */
  TroupeFiber    *tail;
};

static __thread TroupeFiber *troupe_fiber_running;
static __thread TroupeFiberRun *troupe_fiber_run;

G_DEFINE_FLAGS_TYPE (TroupeFiberFlags, troupe_fiber_flags,
                     G_DEFINE_ENUM_VALUE (TROUPE_FIBER_INTERLEAVED, "interleaved"))

/* NULL with ERROR set when there is no stack for it. */
static TroupeFiber *
troupe_fiber_new (TroupeRef         *home,
                  TroupeFiberFlags   flags,
                  GError           **error)
{
  TroupeRefExtra *extra = troupe_ref_need_extra (home);
  TroupeStack *stack = troupe_stack_take ();
  TroupeFiber *self;

  if (stack == NULL)
    {
      int code = errno;

      g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_NO_STACK, "There is no memory for the stack of another fiber: %s",
                   g_strerror (code));
      return NULL;
    }

  self = troupe_slab_alloc (TROUPE_SLAB_LARGE);
  *self = (TroupeFiber) {
    .home = troupe_ref_ref (home),
    .stack = stack,
    .exclusive = !(flags & TROUPE_FIBER_INTERLEAVED) && !(home->flags & TROUPE_REF_OUTSIDE),
    .next = extra->fibers,
  };
  if (self->next != NULL)
    self->next->previous = self;
  extra->fibers = self;

  return self;
}

static void
troupe_fiber_handle_unref (gpointer handle)
{
  g_atomic_rc_box_release (handle);
}

static TroupeFiberHandle *
troupe_fiber_ref_handle (TroupeFiber *self)
{
  if (self->handle == NULL)
    {
      self->handle = g_atomic_rc_box_new0 (TroupeFiberHandle);
      self->handle->fiber = self;
    }

  return g_atomic_rc_box_acquire (self->handle);
}

static void
troupe_fiber_free (TroupeFiber *self)
{
  if (self->next != NULL)
    self->next->previous = self->previous;
  if (self->previous != NULL)
    self->previous->next = self->next;
  else
    self->home->extra->fibers = self->next;

  if (self->handle != NULL)
    {
      self->handle->fiber = NULL;
      troupe_fiber_handle_unref (self->handle);
    }
  g_clear_error (&self->error);
  troupe_ref_unref (self->home);
  troupe_slab_free (TROUPE_SLAB_LARGE, self);
}

/* On its own stack. */
static void
troupe_fiber_main (gpointer data)
{
  TroupeFiber *self = data;
  GError *error = NULL;

  if (self->message != NULL)
    self->handled = self->handler (self->home->actor, self->message, &error);
  else
    self->handled = self->func (self->resolver, self->user_data, &error);

  self->error = error;
}

/* Lets it run until it waits, within a run; TRUE if it came to its end. */
static gboolean
troupe_fiber_go_on (TroupeFiber *self)
{
  gboolean first = !self->waiting;
  gsize stack = self->home->reactor->running_stack;
  gboolean finished;

  if (self->waiting && self->exclusive)
    troupe_ref_end_wait (self->home);
  self->waiting = FALSE;
  self->depth = troupe_fiber_run->depth;
  self->below = troupe_fiber_running;
  troupe_fiber_running = self;

  finished = first ? troupe_stack_begin (self->stack, troupe_fiber_main, self) : troupe_stack_resume (self->stack);
  /* It may have been left amid the steps of a promise. */
  self->home->reactor->running_stack = stack;

  troupe_fiber_running = self->below;
  if (finished)
    {
      troupe_stack_give (g_steal_pointer (&self->stack));
      return TRUE;
    }

  self->waiting = TRUE;
  if (self->exclusive)
    troupe_ref_begin_wait (self->home);

  return FALSE;
}

/* Its end */

static void
troupe_fiber_finish_func (TroupeFiber *self)
{
  TroupeResolver *resolver = self->resolver;
  GError *error = g_steal_pointer (&self->error);
  gpointer user_data = self->user_data;
  GDestroyNotify destroy = self->destroy;
  gboolean handled = self->handled;

  troupe_fiber_free (self);

  if (!handled && error == NULL)
    error = g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_FAILED, "A fiber failed without an error");
  if (troupe_resolver_is_resolved (resolver))
    {
      if (!handled)
        g_warning ("A fiber failed after it had resolved its promise: %s", error->message);
      g_clear_error (&error);
    }
  else if (handled)
    {
      g_clear_error (&error);
      troupe_resolver_resolve (resolver, NULL);
    }
  else
    {
      troupe_resolver_take_error (resolver, error);
    }

  troupe_resolver_unref (resolver);
  if (destroy != NULL)
    destroy (user_data);
}

static void
troupe_fiber_finish (TroupeFiber *self)
{
  g_autoptr (TroupeRef) home = NULL;
  TroupeMessage *message = self->message;
  GError *error;
  gboolean handled;

  if (message == NULL)
    {
      troupe_fiber_finish_func (self);
      return;
    }

  home = troupe_ref_ref (self->home);
  error = g_steal_pointer (&self->error);
  handled = self->handled;
  troupe_fiber_free (self);
  troupe_ref_finish_message (home, message, handled, error);
}

/* What its frames hold is lost. */
static void
troupe_fiber_lose (TroupeFiber *self)
{
  troupe_stack_drop (g_steal_pointer (&self->stack));
  if (self->waiting && self->exclusive)
    troupe_ref_end_wait (self->home);

  self->handled = FALSE;
  g_clear_error (&self->error);
  self->error = troupe_ref_new_ended_error (self->home);
  troupe_fiber_finish (self);
}

/* Runs */

static void
troupe_fiber_begin_run (TroupeFiberRun *run)
{
  *run = (TroupeFiberRun) { .below = troupe_fiber_run, .depth = g_main_depth () };
  troupe_fiber_run = run;
}

static void
troupe_fiber_after (TroupeFiber *self,
                    gboolean     finished)
{
  if (finished)
    troupe_fiber_finish (self);
  else if (self->given_up)
    troupe_fiber_lose (self);
}

static void
troupe_fiber_go_on_paused (TroupeFiber *self)
{
  g_autoptr (TroupePromise) promise = g_steal_pointer (&self->paused);

  troupe_fiber_after (self, troupe_fiber_go_on (self));
  troupe_promise_unpause (promise);
}

static void
troupe_fiber_end_run (TroupeFiberRun *run)
{
  while (run->head != NULL)
    {
      TroupeFiber *fiber = run->head;

      run->head = fiber->next_woken;
      if (run->head == NULL)
        run->tail = NULL;
      troupe_fiber_go_on_paused (fiber);
    }

  troupe_fiber_run = run->below;
}

/* SELF, and then whoever is woken by it. */
static void
troupe_fiber_run_now (TroupeFiber *self)
{
  TroupeFiberRun run;

  troupe_fiber_begin_run (&run);
  troupe_fiber_after (self, troupe_fiber_go_on (self));
  troupe_fiber_end_run (&run);
}

/* What it waited for is there; PROMISE, which runs, keeps it until the fiber has seen it. */
static void
troupe_fiber_wake (TroupeFiber   *self,
                   TroupePromise *promise)
{
  TroupeFiberRun *outer = troupe_fiber_run;

  if (self->home->flags & TROUPE_REF_KILLED)
    return;

  if (outer == NULL || outer->depth != g_main_depth ())
    {
      troupe_fiber_run_now (self);
      return;
    }

  self->paused = troupe_promise_ref (promise);
  troupe_promise_pause (promise);
  self->next_woken = NULL;
  if (outer->tail != NULL)
    outer->tail->next_woken = self;
  else
    outer->head = self;
  outer->tail = self;
}

/* Waiting */

static void
troupe_fiber_step (TroupePromise *promise,
                   gpointer       data)
{
  TroupeFiber *self = data;

  self->woken = TRUE;
  self->error = troupe_promise_steal_error (promise);
}

/* The step has run, or was dropped. It wakes the fiber only now, because this is the last that the step does with it. */
static void
troupe_fiber_step_gone (gpointer data)
{
  TroupeFiber *self = data;
  TroupePromise *promise = g_steal_pointer (&self->promise);

  if (!self->woken)
    self->error = g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_ABANDONED, "The promise was abandoned");
  self->woken = TRUE;

  if (self->waiting)
    troupe_fiber_wake (self, promise);
}

static void
troupe_fiber_give_up (TroupeFiber *self)
{
  g_autofree char *path = troupe_ref_dup_path (self->home);

  g_critical ("A fiber of “%s” goes on waiting after its end: it is dropped, with all that it holds", path);
  self->given_up = TRUE;
}

/* An actor that ends waits for nothing. */
static void
troupe_fiber_refuse_to_wait (TroupeFiber *self)
{
  if (++self->refusals > PATIENCE)
    {
      troupe_fiber_give_up (self);
      troupe_stack_leave (self->stack);
    }

  self->error = troupe_ref_new_ended_error (self->home);
}

static void
troupe_fiber_wait (TroupeFiber   *self,
                   TroupePromise *promise)
{
  if (troupe_ref_get_state (self->home) != TROUPE_REF_LIVE)
    {
      troupe_fiber_refuse_to_wait (self);
      return;
    }

  self->promise = promise;
  self->woken = FALSE;
  troupe_promise_add_both (promise, troupe_fiber_step, self, troupe_fiber_step_gone);

  if (!self->woken)
    troupe_stack_leave (self->stack);
}

/* For the canceller of its promise or of the question that it answers. */
static void
troupe_fiber_cancelled_cb (TroupeResolver *resolver,
                           gpointer        data)
{
  TroupeFiberHandle *handle = data;
  TroupeFiber *self = handle->fiber;

  if (self == NULL)
    return;

  if (self->promise != NULL)
    troupe_promise_cancel (self->promise);
  else
    self->cancelled = TRUE;
}

static void
troupe_fiber_forget_promise (TroupeFiber *self)
{
  TroupePromise *promise = g_steal_pointer (&self->promise);

  if (promise != NULL)
    troupe_promise_remove_step (promise, self);
}

void
troupe_fiber_end_all (TroupeRef *home)
{
  TroupeFiber *self;

  /* Each comes to its end, and new ones do not wait. */
  while (home->extra != NULL && (self = home->extra->fibers) != NULL)
    {
      troupe_fiber_forget_promise (self);
      self->error = troupe_ref_new_ended_error (home);
      troupe_fiber_run_now (self);
    }
}

void
troupe_fiber_lose_all (TroupeRef *home)
{
  TroupeFiber *self;

  while (home->extra != NULL && (self = home->extra->fibers) != NULL)
    {
      troupe_fiber_forget_promise (self);
      troupe_fiber_lose (self);
    }
}

/* Handlers */

/* Its handler has left the turn: the message stays with it. */
static void
troupe_fiber_keep_message (TroupeFiber *self)
{
  TroupeMessage *message = troupe_message_ref (self->message);

  message->mail.bits |= TROUPE_MESSAGE_IN_FIBER;
  if (message->reply != NULL)
    troupe_resolver_set_canceller (message->reply, troupe_fiber_cancelled_cb, troupe_fiber_ref_handle (self),
                                   troupe_fiber_handle_unref);
}

/* The message is lost, not the actor. */
static gboolean
troupe_fiber_refuse_message (TroupeRef     *home,
                             TroupeMessage *message,
                             GError        *error)
{
  if (troupe_message_wants_reply (message))
    {
      troupe_message_reply_error (message, error);
      return TRUE;
    }

  troupe_system_bury (home->system, home, message, TROUPE_ERROR_NO_STACK);
  g_error_free (error);

  return TRUE;
}

static gboolean
troupe_fiber_handle (TroupeActor       *actor,
                     TroupeMessage     *message,
                     TroupeFiberFlags   flags,
                     GError           **error)
{
  TroupeRef *home = troupe_actor_get_ref (actor);
  GError *reason = NULL;
  TroupeFiber *self = troupe_fiber_new (home, flags, &reason);
  gboolean handled = TRUE;
  TroupeFiberRun run;

  if (self == NULL)
    return troupe_fiber_refuse_message (home, message, reason);

  self->message = message;
  self->handler = troupe_bindings_lookup (home->bindings, message->name)->on_fiber;

  troupe_fiber_begin_run (&run);
  if (troupe_fiber_go_on (self))
    {
      handled = self->handled;
      if (self->error != NULL)
        g_propagate_error (error, g_steal_pointer (&self->error));
      troupe_fiber_free (self);
    }
  else
    {
      troupe_fiber_keep_message (self);
    }
  troupe_fiber_end_run (&run);

  return handled;
}

static gboolean
troupe_fiber_handle_exclusive (TroupeActor    *actor,
                               TroupeMessage  *message,
                               GError        **error)
{
  return troupe_fiber_handle (actor, message, TROUPE_FIBER_DEFAULT, error);
}

static gboolean
troupe_fiber_handle_interleaved (TroupeActor    *actor,
                                 TroupeMessage  *message,
                                 GError        **error)
{
  return troupe_fiber_handle (actor, message, TROUPE_FIBER_INTERLEAVED, error);
}

/**
 * troupe_actor_class_bind_fiber: (skip)
 * @klass: the class, in its `class_init`
 * @name: the name of a message
 * @body_type: the type of body it must have: %G_TYPE_NONE for none, %G_TYPE_VALUE for any
 * @flags: what may happen while it waits
 * @handler: what handles it
 *
 * Binds a message name to a handler that may wait.
 *
 * It is [method@Troupe.ActorClass.bind], but @handler runs on a stack of its own, as a fiber, and may call
 * [func@Troupe.await]. It has the message until it returns, and replies to it as any handler does. What it returns counts as of
 * any handler: with %FALSE the actor fails, and with %TRUE and no reply an ask is rejected with
 * %TROUPE_ERROR_BROKEN.
 *
 * While it waits the reactor goes on, and all other actors do. Whether this one does, is for @flags to say:
 *
 * - By default it takes no other message, timer or bytes from a connection until the handler has come to its end. The handler finds the
 *   state as it left it. What has been promised goes on: steps, sleeps, timeouts, tasks of a [class@Troupe.Cooperator]; and what a connection has
 *   written is sent, with `write_resumed` when there is room again: one of them is what it waits for. Two actors that ask each other in this way wait
 *   for ever; see [method@Troupe.Ref.ask_within].
 * - With %TROUPE_FIBER_INTERLEAVED it takes the next message while this one waits. The state may have changed after each wait, as in
 *   steps of a promise. Each fiber that waits has a stack, of which it uses a few pages.
 *
 * If the asker cancels the question, so is what the handler waits for. If the actor stops or fails while it waits, the wait
 * ends with %TROUPE_ERROR_ACTOR_STOPPED, before `stopped` runs, so that the handler frees what it has and returns; it cannot wait again. After a
 * kill it never runs again, and what its variables hold is lost.
 *
 * Interpreted languages have stacks of their own, which this cannot change: they use their own coroutines with steps.
 *
 * Since: 1.0
 */
void
troupe_actor_class_bind_fiber (TroupeActorClass *klass,
                               const char       *name,
                               GType             body_type,
                               TroupeFiberFlags  flags,
                               TroupeHandler     handler)
{
  g_return_if_fail (TROUPE_IS_ACTOR_CLASS (klass));
  g_return_if_fail (name != NULL && *name != '\0');
  g_return_if_fail (body_type != G_TYPE_INVALID);
  g_return_if_fail (handler != NULL);

  troupe_bindings_add (G_TYPE_FROM_CLASS (klass), NULL, name, body_type,
                       flags & TROUPE_FIBER_INTERLEAVED ? troupe_fiber_handle_interleaved
                                                        : troupe_fiber_handle_exclusive,
                       handler);
}

/**
 * troupe_fiber_start: (skip)
 * @flags: what may happen in the actor while it waits
 * @func: what to run
 * @user_data: what to give to @func
 * @destroy: (nullable): frees @user_data when it has ended
 *
 * Runs @func on a stack of its own, so that it may call [func@Troupe.await].
 *
 * It runs at once, until it waits for the first time; then this returns. It belongs to the actor in whose turn it was
 * started, or outside actors to the thread-default main context, and goes on there when what it waits for has come. See
 * [method@Troupe.ActorClass.bind_fiber] for what @flags mean and what the end of the actor does; outside actors there is nothing to hold
 * back.
 *
 * The promise has what @func gave it: if @func returns %TRUE without having resolved it, nothing. To cancel it cancels what the
 * fiber waits for, which may handle that and go on. If there is no memory for a stack the promise is rejected with
 * %TROUPE_ERROR_NO_STACK.
 *
 * Returns: (transfer full): a promise of the result
 *
 * Since: 1.0
 */
TroupePromise *
troupe_fiber_start (TroupeFiberFlags  flags,
                    TroupeFiberFunc   func,
                    gpointer          user_data,
                    GDestroyNotify    destroy)
{
  TroupeRef *home = troupe_promise_get_home_now ();
  GError *error = NULL;
  TroupePromise *promise;
  TroupeFiber *self;

  g_return_val_if_fail (func != NULL, NULL);

  self = troupe_reactor_own (home->reactor, &error) ? troupe_fiber_new (home, flags, &error) : NULL;
  if (self == NULL)
    {
      if (destroy != NULL)
        destroy (user_data);
      return troupe_promise_new_rejected_at (home, error);
    }

  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;
  promise = troupe_promise_new_at (home, &self->resolver);
  troupe_promise_forward_cancel (promise, troupe_fiber_cancelled_cb, troupe_fiber_ref_handle (self),
                                 troupe_fiber_handle_unref);

  troupe_fiber_run_now (self);

  return promise;
}

static gboolean
troupe_fiber_may_wait (TroupeFiber    *self,
                       TroupePromise  *promise,
                       GError        **error)
{
  const char *reason = NULL;

  if (self == NULL || self->depth != g_main_depth ())
    reason = "Only a fiber can wait for a promise: see troupe_actor_class_bind_fiber () and troupe_fiber_start ()";
  else if ((promise->outside || promise->home != self->home) && !troupe_promise_is_at_home (promise))
    reason = "A fiber can wait for promises that are at home where it is, and no others";

  if (reason == NULL)
    return TRUE;

  g_critical ("%s", reason);
  g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_WOULD_BLOCK, reason);

  return FALSE;
}

/* The outcome of a chain that neither runs nor waits is what the fiber gets: it needs no step for that. */
static gboolean
troupe_promise_is_at_rest (TroupePromise *self)
{
  return troupe_promise_get_state (self) == TROUPE_PROMISE_DELIVERED && !self->running &&
         self->head == NULL && self->mail.more_bits == 0;
}

/**
 * troupe_await: (skip)
 * @promise: a promise at home here
 * @error: return location for a #GError
 *
 * Waits in a fiber until @promise has its outcome, without blocking anything else.
 *
 * It is a step of the chain, added now: after %TRUE the value can be read from @promise, or taken, as in a step. After %FALSE its error
 * has been moved to @error, and is handled by that. If the outcome is there already, it does not wait.
 *
 * The same actor, thread, thread-default main context and so on are the current ones afterwards. Locks must not be held while
 * it waits, nor anything else that other turns on this thread need.
 *
 * Called anywhere but in a fiber, in a main loop that a fiber runs for instance, it fails with
 * %TROUPE_ERROR_WOULD_BLOCK, and so it does for a promise that is not at home here; both are mistakes of the caller. When its actor ends it
 * fails with %TROUPE_ERROR_ACTOR_STOPPED.
 *
 * Returns: %TRUE if there is a value; %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
troupe_await (TroupePromise  *promise,
              GError        **error)
{
  TroupeFiber *self = troupe_fiber_running;

  g_return_val_if_fail (promise != NULL, FALSE);

  if (!troupe_fiber_may_wait (self, promise, error))
    return FALSE;

  if (self->cancelled)
    {
      self->cancelled = FALSE;
      troupe_promise_cancel (promise);
    }

  if (troupe_promise_is_at_rest (promise))
    self->error = troupe_promise_steal_error (promise);
  else
    troupe_fiber_wait (self, promise);

  if (self->error == NULL)
    return TRUE;

  g_propagate_error (error, g_steal_pointer (&self->error));

  return FALSE;
}
