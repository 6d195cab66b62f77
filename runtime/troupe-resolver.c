/* troupe-resolver.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error.h"
#include "troupe-promise-private.h"
#include "troupe-ref-private.h"

/**
 * TroupeResolver: (ref-func troupe_resolver_ref) (unref-func troupe_resolver_unref)
 *
 * The producer's side of a [struct@Troupe.Promise]: it resolves the promise, once.
 *
 * Everything here may be called on any thread. At home with the promise its steps run inside the call that resolves it; from elsewhere
 * they run in a later turn there. Dropping the last resolver of a pending promise rejects it with %TROUPE_ERROR_BROKEN.
 *
 * If the promise's home has ended, the first outcome is freed and accepted as if somebody had waited for it.
 *
 * Since: 1.0
 */

G_DEFINE_BOXED_TYPE (TroupeResolver, troupe_resolver, troupe_resolver_ref, troupe_resolver_unref)

static inline TroupePromise *
troupe_resolver_get_cell (TroupeResolver *self)
{
  return (TroupePromise *) self;
}

/* Lost against another outcome, or against the end of the home. */
static G_GNUC_NO_INLINE gboolean
troupe_promise_settle_late (TroupePromise *self,
                            TroupeBody    *outcome,
                            gboolean       take_handle)
{
  gint expected = TROUPE_PROMISE_ABANDONED;
  /* Relaxed: nothing is published. */
  gboolean swallowed = __atomic_compare_exchange_n (&self->state, &expected, TROUPE_PROMISE_SWALLOWED, FALSE,
                                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED);

  troupe_body_clear (outcome);
  if (take_handle)
    troupe_resolver_unref ((TroupeResolver *) self);

  return swallowed;
}

gboolean
troupe_promise_settle (TroupePromise *self,
                       TroupeBody    *outcome,
                       gboolean       take_handle)
{
  gint expected = TROUPE_PROMISE_PENDING;
  TroupeVisit visit;

  /* Relaxed: winning gives the sole right to the outcome, in which nobody has written before. */
  if (G_UNLIKELY (!__atomic_compare_exchange_n (&self->state, &expected, TROUPE_PROMISE_CLAIMED, FALSE,
                                                __ATOMIC_RELAXED, __ATOMIC_RELAXED)))
    return troupe_promise_settle_late (self, outcome, take_handle);

  self->outcome = *outcome;

  /* A hold for the run or for the mailbox; the handle, if it is taken, becomes it. */
  troupe_promise_add_count (self, take_handle ? TROUPE_PROMISE_HOLD - TROUPE_PROMISE_RESOLVER : TROUPE_PROMISE_HOLD);

  if (troupe_promise_enter (self, &visit))
    {
      troupe_promise_deliver (self);
      troupe_promise_leave (&visit);
      troupe_resolver_unhold ((TroupeResolver *) self);
    }
  else
    {
      /* Release: with it go the outcome and all that led to it. The mailbox passes on the same, but home may look at the state first. */
      __atomic_store_n (&self->state, TROUPE_PROMISE_POSTED, __ATOMIC_RELEASE);
      troupe_ref_post (self->home, &self->mail);
    }

  return TRUE;
}

gboolean
troupe_resolver_resolve_body (TroupeResolver *self,
                              TroupeBody     *body)
{
  return troupe_promise_settle (troupe_resolver_get_cell (self), body, FALSE);
}

gboolean
troupe_resolver_finish_body (TroupeResolver *self,
                             TroupeBody     *body)
{
  return troupe_promise_settle (troupe_resolver_get_cell (self), body, TRUE);
}

gboolean
troupe_resolver_take_error (TroupeResolver *self,
                            GError         *error)
{
  TroupeBody outcome = { .type = G_TYPE_INVALID, .v_pointer = error };

  return troupe_promise_settle (troupe_resolver_get_cell (self), &outcome, FALSE);
}

GError *
troupe_resolver_new_late_error (TroupeResolver *self)
{
  TroupePromise *cell = troupe_resolver_get_cell (self);
  g_autofree char *path = cell->outside ? NULL : troupe_ref_dup_path (cell->home);

  return g_error_new (TROUPE_ERROR, TROUPE_ERROR_ALREADY_RESOLVED, "The promise of %s is resolved already",
                      path != NULL ? path : "code outside actors");
}

void
troupe_resolver_hold (TroupeResolver *self)
{
  troupe_promise_add_count (troupe_resolver_get_cell (self), TROUPE_PROMISE_HOLD);
}

void
troupe_resolver_unhold (TroupeResolver *self)
{
  TroupePromise *cell = troupe_resolver_get_cell (self);

  if (troupe_promise_drop_count (cell, TROUPE_PROMISE_HOLD))
    troupe_promise_finalize (cell);
}

/**
 * troupe_resolver_ref:
 * @self: a resolver
 *
 * Takes another reference. Call it from any thread.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
TroupeResolver *
troupe_resolver_ref (TroupeResolver *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  troupe_promise_add_count (troupe_resolver_get_cell (self), TROUPE_PROMISE_RESOLVER);
  return self;
}

/* The promise is pending, at least it was: if this is the last resolver, no outcome can come any more. */
static G_GNUC_NO_INLINE void
troupe_resolver_unref_pending (TroupeResolver *self)
{
  TroupePromise *cell = troupe_resolver_get_cell (self);
  guint64 counts = __atomic_fetch_add (&cell->counts, TROUPE_PROMISE_HOLD - TROUPE_PROMISE_RESOLVER, __ATOMIC_ACQ_REL);

  if (TROUPE_PROMISE_COUNT (counts, TROUPE_PROMISE_RESOLVER) == 1)
    troupe_resolver_take_error (self, g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_BROKEN,
                                                           "Nobody is left who could resolve the promise"));
  troupe_resolver_unhold (self);
}

/**
 * troupe_resolver_unref:
 * @self: (transfer full): a resolver
 *
 * Drops a reference.
 *
 * If it was the last one and the promise is pending, the promise is rejected with %TROUPE_ERROR_BROKEN. Call it from any thread.
 *
 * Since: 1.0
 */
void
troupe_resolver_unref (TroupeResolver *self)
{
  TroupePromise *cell = troupe_resolver_get_cell (self);

  g_return_if_fail (self != NULL);

  if (G_UNLIKELY (troupe_promise_get_state (cell) == TROUPE_PROMISE_PENDING))
    troupe_resolver_unref_pending (self);
  else if (troupe_promise_drop_count (cell, TROUPE_PROMISE_RESOLVER))
    troupe_promise_finalize (cell);
}

/**
 * troupe_resolver_is_resolved:
 * @self: a resolver
 *
 * Tells whether the promise needs no outcome any more, because it has one or because its home has ended.
 *
 * Call it from any thread. Unless the answer is yes, another thread may change it at once.
 *
 * Returns: %TRUE if an outcome would be too late
 *
 * Since: 1.0
 */
gboolean
troupe_resolver_is_resolved (TroupeResolver *self)
{
  g_return_val_if_fail (self != NULL, TRUE);

  return troupe_promise_get_state (troupe_resolver_get_cell (self)) != TROUPE_PROMISE_PENDING;
}

static gboolean
troupe_resolver_resolve_with (TroupeResolver  *self,
                              TroupeBody       body,
                              GError         **error)
{
  if (G_LIKELY (troupe_promise_settle (troupe_resolver_get_cell (self), &body, FALSE)))
    return TRUE;

  if (error != NULL)
    *error = troupe_resolver_new_late_error (self);
  return FALSE;
}

