/* troupe-promise-list.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error-private.h"
#include "troupe-outcomes-private.h"
#include "troupe-promise-list.h"
#include "troupe-promise-private.h"
#include "troupe-ref-private.h"

/* Promises of promises: a step on each of several children writes down what became of it, and resolves the one promise. */

G_DEFINE_FLAGS_TYPE (TroupeListFlags, troupe_list_flags,
                     G_DEFINE_ENUM_VALUE (TROUPE_LIST_FIRE_ON_ONE_VALUE, "fire-on-one-value"),
                     G_DEFINE_ENUM_VALUE (TROUPE_LIST_FIRE_ON_ONE_ERROR, "fire-on-one-error"),
                     G_DEFINE_ENUM_VALUE (TROUPE_LIST_CONSUME_ERRORS, "consume-errors"))

typedef struct _TroupeList TroupeList;

/* Besides those of TroupeListFlags: takes every outcome, waits for one value, and cancels the others. */
#define TROUPE_LIST_RACE (1 << 16)

/* What the step on a child knows; its index is its place. */
typedef struct
{
  TroupeList    *list;               /* a reference, once the step is there */
  TroupePromise *promise;            /* until the list has fired: to cancel it */
  gboolean       cancelling;         /* further up the stack */
} TroupeListChild;

/* For the list's home, but for the count: steps of several children may be dropped on several threads once a home is gone. */
struct _TroupeList
{
  gint             ref_count;        /* atomic: one for each step */
  guint            flags;
  guint            n_cancelling;     /* calls on the stack */
  gsize            n_missing;
  TroupeResolver  *resolver;         /* NULL once it has fired */
  TroupeOutcomes  *outcomes;
  TroupeListChild  children[];
};

/* The outcome of a child that is at home elsewhere, on its way here. */
typedef struct
{
  TroupePromise  *child;             /* NULL once the step is there */
  TroupeResolver *resolver;          /* of a promise at the list's home */
  guint           flags;             /* of the list */
} TroupeCourier;

/* Nobody will cancel them any more. */
static void
troupe_list_drop_children (TroupeList *self)
{
  gsize i;

  for (i = 0; i < self->outcomes->length; i++)
    g_clear_pointer (&self->children[i].promise, troupe_promise_unref);
}

static void
troupe_list_unref (TroupeList *self)
{
  /* A step that nobody will run is freed where its promise is, on whatever thread. Orders as in troupe_outcomes_unref (). */
  if (__atomic_fetch_sub (&self->ref_count, 1, __ATOMIC_ACQ_REL) != 1)
    return;

  g_clear_pointer (&self->resolver, troupe_resolver_unref);
  troupe_list_drop_children (self);
  troupe_outcomes_unref (self->outcomes);
  g_free (self);
}

static TroupeList *
troupe_list_new (TroupePromise **children,
                 gsize           n_children,
                 guint           flags)
{
  TroupeList *self = g_malloc (sizeof (TroupeList) + n_children * sizeof (TroupeListChild));
  gsize i;

  self->ref_count = 1;
  self->flags = flags;
  self->n_cancelling = 0;
  self->n_missing = n_children;
  self->resolver = NULL;
  self->outcomes = troupe_outcomes_new (n_children);
  for (i = 0; i < n_children; i++)
    self->children[i] = (TroupeListChild) { self, troupe_promise_ref (children[i]), FALSE };

  return self;
}

static void
troupe_list_child_free (gpointer data)
{
  TroupeListChild *child = data;

  troupe_list_unref (child->list);
}

static void
troupe_list_cancel_child (TroupeListChild *child,
                          gint             reason)
{
  g_autoptr (TroupePromise) promise = child->promise != NULL ? troupe_promise_ref (child->promise) : NULL;

  if (promise == NULL)
    return;

  child->cancelling = TRUE;
  if (!troupe_promise_cancel_as (promise, reason))
    troupe_promise_post_cancel (promise, reason);
  child->cancelling = FALSE;
}

/* All but WINNER, whatever the list has become by then, and also those whose outcome is here: they may wait for another promise since.
 * What they do may come back to the list, and resolve it, or cancel it again, as one does that waits for it. */
static void
troupe_list_cancel_children (TroupeList *self,
                             gint64      winner,
                             gint        reason)
{
  gsize i;

  self->n_cancelling++;
  for (i = 0; i < self->outcomes->length; i++)
    if ((gint64) i != winner && !self->children[i].cancelling)
      troupe_list_cancel_child (&self->children[i], reason);

  if (--self->n_cancelling == 0 && self->resolver == NULL)
    troupe_list_drop_children (self);
}

static void
troupe_list_cancelled_cb (TroupeResolver *resolver,
                          gpointer        data)
{
  TroupeList *self = data;

  __atomic_fetch_add (&self->ref_count, 1, __ATOMIC_RELAXED);
  troupe_list_cancel_children (self, -1, troupe_promise_get_cancel_reason ((TroupePromise *) resolver));
  troupe_list_unref (self);
}

/* Takes RESOLVER. */
static void
troupe_list_finish (TroupeList     *self,
                    TroupeResolver *resolver,
                    TroupeBody      body)
{
  troupe_resolver_finish_body (resolver, &body);
  if (self->n_cancelling == 0)
    troupe_list_drop_children (self);
}

/* FIRST: the one that decided, or -1 for all. */
static void
troupe_list_resolve (TroupeList *self,
                     gint64      first)
{
  TroupeResolver *resolver = g_steal_pointer (&self->resolver);
  TroupeBody body = { .type = TROUPE_TYPE_OUTCOMES, .v_pointer = troupe_outcomes_ref (self->outcomes) };

  self->outcomes->first = first;
  if ((self->flags & TROUPE_LIST_RACE) != 0)
    troupe_list_cancel_children (self, first, 0);
  troupe_list_finish (self, resolver, body);
}

static void
troupe_list_reject (TroupeList *self,
                    GError     *error)
{
  troupe_list_finish (self, g_steal_pointer (&self->resolver), (TroupeBody) {
    .type = G_TYPE_INVALID,
    .v_pointer = error,
  });
}

static void
troupe_list_reject_with (TroupeList   *self,
                         gsize         index,
                         const GError *cause)
{
  troupe_list_reject (self, troupe_error_new_with_cause (TROUPE_ERROR_FIRST_ERROR, index, cause,
                                                         "Promise %" G_GSIZE_FORMAT " was rejected: %s",
                                                         index, cause->message));
}

static void
troupe_list_reject_all_failed (TroupeList *self)
{
  g_autoptr (GString) reasons = g_string_new (NULL);
  TroupeOutcome *items = self->outcomes->items;
  gsize i;

  for (i = 0; i < self->outcomes->length; i++)
    g_string_append_printf (reasons, "%s%s", i > 0 ? "; " : "", ((GError *) items[i].body.v_pointer)->message);

  troupe_list_reject (self, troupe_error_new_with_cause (TROUPE_ERROR_ALL_FAILED, 0, items[0].body.v_pointer,
                                                         "Every promise was rejected: %s", reasons->str));
}

/* Takes BODY. Late outcomes are written down too, for whoever has the list. */
static void
troupe_list_note (TroupeListChild *child,
                  TroupeBody      *body)
{
  TroupeList *self = child->list;
  gsize index = child - self->children;
  gboolean failed = body->type == G_TYPE_INVALID;

  troupe_outcomes_write (self->outcomes, index, body);
  self->n_missing--;

  if (self->resolver == NULL)
    return;

  if (failed && (self->flags & TROUPE_LIST_FIRE_ON_ONE_ERROR) != 0)
    troupe_list_reject_with (self, index, self->outcomes->items[index].body.v_pointer);
  else if (!failed && (self->flags & TROUPE_LIST_FIRE_ON_ONE_VALUE) != 0)
    troupe_list_resolve (self, index);
  else if (self->n_missing > 0)
    return;
  else if ((self->flags & TROUPE_LIST_RACE) != 0)
    troupe_list_reject_all_failed (self);
  else
    troupe_list_resolve (self, -1);
}

/* A copy, unless it cannot be copied, or the chain is not to keep it. */
static TroupeBody
troupe_list_get_outcome (TroupePromise *promise,
                         guint          flags)
{
  guint taking = troupe_promise_has_error (promise) ? TROUPE_LIST_CONSUME_ERRORS | TROUPE_LIST_RACE : TROUPE_LIST_RACE;
  TroupeBody body;

  if ((flags & taking) == 0 && troupe_body_copy (&promise->outcome, &body))
    return body;

  troupe_body_move (&body, &promise->outcome);
  promise->outcome = TROUPE_BODY_NOTHING;
  return body;
}

static void
troupe_list_step (TroupePromise *promise,
                  gpointer       data)
{
  TroupeListChild *child = data;
  TroupeBody body = troupe_list_get_outcome (promise, child->list->flags);

  troupe_list_note (child, &body);
}

/* PROMISE is the list's own, and what it has is a copy already. */
static void
troupe_list_arrival_step (TroupePromise *promise,
                          gpointer       data)
{
  TroupeBody body;

  troupe_body_move (&body, &promise->outcome);
  promise->outcome = TROUPE_BODY_NOTHING;
  troupe_list_note (data, &body);
}

/* Where nothing has been sent, nothing will be. */
static void
troupe_courier_clear (gpointer data)
{
  TroupeCourier *self = data;

  g_clear_pointer (&self->child, troupe_promise_unref);
  if (!troupe_resolver_is_resolved (self->resolver))
    troupe_resolver_take_error (self->resolver, g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_ABANDONED,
                                                                     "The actor ended before the outcome came"));
  troupe_resolver_unref (self->resolver);
}

static void
troupe_courier_free (gpointer data)
{
  g_atomic_rc_box_release_full (data, troupe_courier_clear);
}

static void
troupe_courier_step (TroupePromise *promise,
                     gpointer       data)
{
  TroupeCourier *self = data;
  TroupeBody body = troupe_list_get_outcome (promise, self->flags);

  troupe_resolver_resolve_body (self->resolver, &body);
}

static void
troupe_courier_begin (TroupeRef *home,
                      gpointer   data)
{
  TroupeCourier *self = data;
  g_autoptr (TroupePromise) child = g_steal_pointer (&self->child);

  troupe_promise_add_both (child, troupe_courier_step, g_atomic_rc_box_acquire (self), troupe_courier_free);
}

/* PROMISE is at home elsewhere: a step is added there, in a turn, which sends a copy of the outcome to a promise here. */
static void
troupe_list_add_foreign (TroupeListChild *child,
                         TroupePromise   *promise,
                         TroupeRef       *home)
{
  TroupeCourier *courier = g_atomic_rc_box_new0 (TroupeCourier);
  g_autoptr (TroupePromise) arrival = troupe_promise_new_at (home, &courier->resolver);
  g_autoptr (TroupeRef) target = troupe_ref_ref (troupe_promise_get_home (promise));

  troupe_promise_add_both (arrival, troupe_list_arrival_step, child, troupe_list_child_free);

  courier->child = troupe_promise_ref (promise);
  courier->flags = child->list->flags;
  troupe_ref_call (target, troupe_courier_begin, NULL, courier, troupe_courier_free);
}

/* HOME is where we are. A context may be the home of promises of several threads, which take turns; a list keeps to those of its own. */
static gboolean
troupe_list_is_home_of (TroupePromise *promise,
                        TroupeRef     *home)
{
  return troupe_promise_get_home (promise) == home && (!promise->outside || troupe_promise_is_at_home (promise));
}

/* HOME is where this runs. */
static void
troupe_list_add (TroupeList    *self,
                 gsize          index,
                 TroupePromise *promise,
                 TroupeRef     *home)
{
  TroupeListChild *child = &self->children[index];

  __atomic_fetch_add (&self->ref_count, 1, __ATOMIC_RELAXED);

  if (troupe_list_is_home_of (promise, home))
    troupe_promise_add_both (promise, troupe_list_step, child, troupe_list_child_free);
  else
    troupe_list_add_foreign (child, promise, home);
}

static void
troupe_list_resolve_empty (TroupeList *self)
{
  if ((self->flags & TROUPE_LIST_FIRE_ON_ONE_VALUE) != 0)
    troupe_list_reject (self, g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_ALL_FAILED,
                                                   "No promise was given that could have a value"));
  else
    troupe_list_resolve (self, -1);
}

static gboolean
troupe_list_are_promises (TroupePromise **children,
                          gsize           n_children)
{
  gsize i;

  for (i = 0; i < n_children; i++)
    if (children[i] == NULL)
      return FALSE;

  return TRUE;
}

/* Only a race is over when it is cancelled. While the promise is pending the list is there, having its resolver: no reference is needed. */
static TroupePromise *
troupe_list_new_promise (TroupeList *self)
{
  TroupePromise *promise;

  if ((self->flags & TROUPE_LIST_RACE) != 0)
    return troupe_promise_new_with_canceller (&self->resolver, troupe_list_cancelled_cb, self, NULL);

  promise = troupe_promise_new (&self->resolver);
  troupe_promise_forward_cancel (promise, troupe_list_cancelled_cb, self, NULL);
  return promise;
}

static TroupePromise *
troupe_list_promise (TroupePromise **children,
                     gsize           n_children,
                     guint           flags)
{
  TroupeRef *home = troupe_promise_get_home_now ();
  TroupeList *list = troupe_list_new (children, n_children, flags);
  TroupePromise *promise = troupe_list_new_promise (list);
  gsize i;

  for (i = 0; i < n_children; i++)
    troupe_list_add (list, i, children[i], home);
  if (n_children == 0)
    troupe_list_resolve_empty (list);

  troupe_list_unref (list);
  return promise;
}

/**
 * troupe_promise_all:
 * @children: (array length=n_children) (transfer none): promises, at home here or elsewhere
 * @n_children: how many they are
 * @flags: how to wait
 *
 * Makes a promise that waits for several others, at home here and now.
 *
 * Its value is a [struct@Troupe.Outcomes] with the outcome of each of @children, in their order, values and errors alike.
 *
 * With %TROUPE_LIST_FIRE_ON_ONE_VALUE it is resolved as soon as one of them has a value, and
 * [method@Troupe.Outcomes.get_first] tells which one; if none has, it is resolved when all have failed. With
 * %TROUPE_LIST_FIRE_ON_ONE_ERROR it is rejected as soon as one of them fails, with %TROUPE_ERROR_FIRST_ERROR:
 * [func@Troupe.Error.get_index] tells which one, and [func@Troupe.Error.get_cause] why. With both, whichever comes first counts.
 * No children at all give an empty value, or with %TROUPE_LIST_FIRE_ON_ONE_VALUE, %TROUPE_ERROR_ALL_FAILED.
 *
 * The list is a step in the chain of each of @children, and gets a copy of the outcome it has there; the chains go on with
 * their own. A value that cannot be copied, a pointer with a function to free it, moves into the list. An error that
 * nobody handles in the chain is reported although the list has it, unless %TROUPE_LIST_CONSUME_ERRORS is among @flags.
 *
 * A child that is at home elsewhere gets its step in a later turn there, and its outcome comes in a later turn here. If its home
 * ends first, its outcome is %TROUPE_ERROR_ABANDONED.
 *
 * To cancel the list cancels every one of @children, in their order, and nothing else: the list is resolved or rejected as ever, with what
 * comes of that. Where all children are at home here and none is paused, that is before [method@Troupe.Promise.cancel] returns. Once
 * the list has an outcome, to cancel it does nothing to its children.
 *
 * Until then the list holds its children. A list's value that is given to one of these children comes to hold itself, and is never
 * freed: give them what is in it instead.
 *
 * Returns: (transfer full): a promise
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_all (TroupePromise   **children,
                    gsize             n_children,
                    TroupeListFlags   flags)
{
  g_return_val_if_fail (children != NULL || n_children == 0, NULL);
  g_return_val_if_fail (troupe_list_are_promises (children, n_children), NULL);

  return troupe_list_promise (children, n_children, flags & (TROUPE_LIST_RACE - 1));
}

/**
 * troupe_promise_collect:
 * @children: (array length=n_children) (transfer none): promises, at home here or elsewhere
 * @n_children: how many they are
 *
 * Makes a promise of the values of several others, at home here and now.
 *
 * Its value is a [struct@Troupe.Outcomes] in which each of @children has a value. As soon as one of them fails it is rejected
 * with %TROUPE_ERROR_FIRST_ERROR. It is [func@Troupe.Promise.all] with %TROUPE_LIST_FIRE_ON_ONE_ERROR.
 *
 * Returns: (transfer full): a promise
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_collect (TroupePromise **children,
                        gsize           n_children)
{
  return troupe_promise_all (children, n_children, TROUPE_LIST_FIRE_ON_ONE_ERROR);
}

/**
 * troupe_promise_race:
 * @children: (array length=n_children) (transfer none): promises, at home here or elsewhere
 * @n_children: how many they are
 *
 * Makes a promise of the first value of several others, at home here and now.
 *
 * Its value is a [struct@Troupe.Outcomes], of which [method@Troupe.Outcomes.get_first] tells who was first. The others are cancelled
 * before it is resolved, and what becomes of them is dropped silently: the race takes the outcomes of all its children, whose
 * chains go on with nothing. If every one fails, or there is none, it is rejected with %TROUPE_ERROR_ALL_FAILED, whose
 * cause is the error of the first of @children. To cancel it cancels them all; if they have not all failed by then, it is
 * rejected with %TROUPE_ERROR_CANCELLED.
 *
 * Returns: (transfer full): a promise
 *
 * Since: 1.0
 */
TroupePromise *
troupe_promise_race (TroupePromise **children,
                     gsize           n_children)
{
  g_return_val_if_fail (children != NULL || n_children == 0, NULL);
  g_return_val_if_fail (troupe_list_are_promises (children, n_children), NULL);

  return troupe_list_promise (children, n_children, TROUPE_LIST_RACE | TROUPE_LIST_FIRE_ON_ONE_VALUE);
}
