/* troupe-resolver.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error.h"
#include "troupe-promise-debug-private.h"
#include "troupe-promise-private.h"
#include "troupe-ref-private.h"

/**
 * TroupeResolver: (ref-func troupe_resolver_ref) (unref-func troupe_resolver_unref)
 *
 * The producer's side of a [struct@Troupe.Promise]: it resolves the promise, once.
 *
 * Everything here may be called on any thread. At home with the promise its steps run inside the
 * call that resolves it; from elsewhere they run in a later turn there. Dropping the last resolver
 * of a pending promise rejects it with %TROUPE_ERROR_BROKEN.
 *
 * If the promise's home has ended, the first outcome is freed and accepted as if somebody had
 * waited for it.
 *
 * Since: 1.0
 */

G_DEFINE_BOXED_TYPE (TroupeResolver, troupe_resolver, troupe_resolver_ref, troupe_resolver_unref)

static inline TroupePromise *
troupe_resolver_get_cell (TroupeResolver *self)
{
  return (TroupePromise *) self;
}

/* The state comes first: when it is past giving up, the marks are there. */
static gboolean
troupe_promise_use_free_call (TroupePromise *self)
{
  if (troupe_promise_get_state (self) != TROUPE_PROMISE_GIVEN_UP &&
      (troupe_promise_get_marks (self) & TROUPE_PROMISE_FREE_CALL) == 0)
    return FALSE;

  return (troupe_promise_add_marks (self, TROUPE_PROMISE_CALL_USED) & TROUPE_PROMISE_CALL_USED) == 0;
}

/* Lost against another outcome, against the end of the home, or against a cancellation, which has one outcome accepted. */
static G_GNUC_NO_INLINE gboolean
troupe_promise_settle_late (TroupePromise *self,
                            TroupeBody    *outcome,
                            gboolean       take_handle)
{
  gint expected = TROUPE_PROMISE_ABANDONED;
  /* Relaxed: nothing is published. */
  gboolean swallowed = __atomic_compare_exchange_n (&self->state, &expected, TROUPE_PROMISE_SWALLOWED, FALSE,
                                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED) ||
                       troupe_promise_use_free_call (self);

  troupe_body_clear (outcome);
  if (take_handle)
    troupe_resolver_unref ((TroupeResolver *) self);

  return swallowed;
}

/* FALSE: nothing has happened. */
static inline gboolean
troupe_promise_win (TroupePromise *self,
                    TroupeBody    *outcome,
                    gboolean       take_handle)
{
  gint expected = TROUPE_PROMISE_PENDING;
  TroupeVisit visit;

  if (take_handle && G_LIKELY (troupe_promise_has_one_writer (self)))
    {
      if (G_UNLIKELY (troupe_promise_get_state (self) != TROUPE_PROMISE_PENDING))
        return FALSE;

      troupe_promise_win_alone (self, outcome);
      return TRUE;
    }

  /* Relaxed: winning gives the sole right to the outcome, in which nobody has written before. */
  if (G_UNLIKELY (!__atomic_compare_exchange_n (&self->state, &expected, TROUPE_PROMISE_CLAIMED, FALSE,
                                                __ATOMIC_RELAXED, __ATOMIC_RELAXED)))
    return FALSE;

  troupe_promise_note_site (self, TROUPE_SITE_RESOLVED);
  troupe_body_move (&self->outcome, outcome);

  if (troupe_promise_enter (self, &visit))
    {
      troupe_promise_deliver (self);
      troupe_promise_leave (&visit);
      troupe_promise_drop_settled (self, take_handle);
    }
  else
    {
      troupe_promise_settle_away (self, take_handle);
      troupe_promise_post (self);
    }

  return TRUE;
}

gboolean
troupe_promise_settle (TroupePromise *self,
                       TroupeBody    *outcome,
                       gboolean       take_handle)
{
  return troupe_promise_win (self, outcome, take_handle) || troupe_promise_settle_late (self, outcome, take_handle);
}

gboolean
troupe_resolver_offer_body (TroupeResolver *self,
                            TroupeBody     *body)
{
  if (!troupe_promise_win (troupe_resolver_get_cell (self), body, TRUE))
    return FALSE;

  body->type = G_TYPE_NONE;

  return TRUE;
}

gboolean
troupe_resolver_resolve_body (TroupeResolver *self,
                              TroupeBody     *body)
{
  return troupe_promise_settle (troupe_resolver_get_cell (self), body, FALSE);
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
  g_autofree char *sites = troupe_promise_dup_sites (cell);

  return g_error_new (TROUPE_ERROR, TROUPE_ERROR_ALREADY_RESOLVED, "The promise of %s is resolved already%s",
                      path != NULL ? path : "code outside actors", sites);
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
  /* The handle becomes a hold, in one change, for as long as this takes. Orders as in troupe_promise_drop_count (). */
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
 * If it was the last one and the promise is pending, the promise is rejected with
 * %TROUPE_ERROR_BROKEN. Call it from any thread.
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
 * Tells whether the promise needs no outcome any more, because it has one or because its home has
 * ended.
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

/**
 * troupe_resolver_resolve:
 * @self: a resolver
 * @error: where to say that it is too late
 *
 * Resolves the promise with nothing.
 *
 * The error is %TROUPE_ERROR_ALREADY_RESOLVED.
 *
 * Returns: %TRUE, or %FALSE with @error set if the promise was resolved before
 *
 * Since: 1.0
 */
gboolean
troupe_resolver_resolve (TroupeResolver  *self,
                         GError         **error)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return troupe_resolver_resolve_with (self, TROUPE_BODY_NOTHING, error);
}

/**
 * troupe_resolver_resolve_int64:
 * @self: a resolver
 * @number: a number
 * @error: where to say that it is too late
 *
 * Resolves the promise with a signed number.
 *
 * If it is too late, the value is freed. The error is %TROUPE_ERROR_ALREADY_RESOLVED.
 *
 * Returns: %TRUE, or %FALSE with @error set if the promise was resolved before
 *
 * Since: 1.0
 */
gboolean
troupe_resolver_resolve_int64 (TroupeResolver  *self,
                               gint64           number,
                               GError         **error)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return troupe_resolver_resolve_with (self, troupe_body_int64 (number), error);
}

/**
 * troupe_resolver_resolve_uint64:
 * @self: a resolver
 * @number: a number
 * @error: where to say that it is too late
 *
 * Resolves the promise with an unsigned number.
 *
 * If it is too late, the value is freed. The error is %TROUPE_ERROR_ALREADY_RESOLVED.
 *
 * Returns: %TRUE, or %FALSE with @error set if the promise was resolved before
 *
 * Since: 1.0
 */
gboolean
troupe_resolver_resolve_uint64 (TroupeResolver  *self,
                                guint64          number,
                                GError         **error)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return troupe_resolver_resolve_with (self, troupe_body_uint64 (number), error);
}

/**
 * troupe_resolver_resolve_double:
 * @self: a resolver
 * @number: a number
 * @error: where to say that it is too late
 *
 * Resolves the promise with a floating-point number.
 *
 * If it is too late, the value is freed. The error is %TROUPE_ERROR_ALREADY_RESOLVED.
 *
 * Returns: %TRUE, or %FALSE with @error set if the promise was resolved before
 *
 * Since: 1.0
 */
gboolean
troupe_resolver_resolve_double (TroupeResolver  *self,
                                double           number,
                                GError         **error)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return troupe_resolver_resolve_with (self, troupe_body_double (number), error);
}

/**
 * troupe_resolver_resolve_boolean:
 * @self: a resolver
 * @truth: a truth value
 * @error: where to say that it is too late
 *
 * Resolves the promise with a truth value.
 *
 * If it is too late, the value is freed. The error is %TROUPE_ERROR_ALREADY_RESOLVED.
 *
 * Returns: %TRUE, or %FALSE with @error set if the promise was resolved before
 *
 * Since: 1.0
 */
gboolean
troupe_resolver_resolve_boolean (TroupeResolver  *self,
                                 gboolean         truth,
                                 GError         **error)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return troupe_resolver_resolve_with (self, troupe_body_boolean (truth), error);
}

/**
 * troupe_resolver_resolve_string:
 * @self: a resolver
 * @string: a UTF-8 string, which is copied
 * @error: where to say that it is too late
 *
 * Resolves the promise with a string.
 *
 * If it is too late, the value is freed. The error is %TROUPE_ERROR_ALREADY_RESOLVED.
 *
 * Returns: %TRUE, or %FALSE with @error set if the promise was resolved before
 *
 * Since: 1.0
 */
gboolean
troupe_resolver_resolve_string (TroupeResolver  *self,
                                const char      *string,
                                GError         **error)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (string != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return troupe_resolver_resolve_with (self, troupe_body_string (string), error);
}

/**
 * troupe_resolver_resolve_bytes:
 * @self: a resolver
 * @bytes: bytes, which are not copied but referenced
 * @error: where to say that it is too late
 *
 * Resolves the promise with bytes.
 *
 * If it is too late, the value is freed. The error is %TROUPE_ERROR_ALREADY_RESOLVED.
 *
 * Returns: %TRUE, or %FALSE with @error set if the promise was resolved before
 *
 * Since: 1.0
 */
gboolean
troupe_resolver_resolve_bytes (TroupeResolver  *self,
                               GBytes          *bytes,
                               GError         **error)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (bytes != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return troupe_resolver_resolve_with (self, troupe_body_bytes (bytes), error);
}

/**
 * troupe_resolver_resolve_variant:
 * @self: a resolver
 * @variant: a variant; a floating reference is taken over
 * @error: where to say that it is too late
 *
 * Resolves the promise with a variant.
 *
 * If it is too late, the value is freed. The error is %TROUPE_ERROR_ALREADY_RESOLVED.
 *
 * Returns: %TRUE, or %FALSE with @error set if the promise was resolved before
 *
 * Since: 1.0
 */
gboolean
troupe_resolver_resolve_variant (TroupeResolver  *self,
                                 GVariant        *variant,
                                 GError         **error)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (variant != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return troupe_resolver_resolve_with (self, troupe_body_variant (variant), error);
}

/**
 * troupe_resolver_resolve_object:
 * @self: a resolver
 * @object: (type GObject.Object): an object, which is referenced
 * @error: where to say that it is too late
 *
 * Resolves the promise with an object.
 *
 * If it is too late, the value is freed. The error is %TROUPE_ERROR_ALREADY_RESOLVED.
 *
 * Returns: %TRUE, or %FALSE with @error set if the promise was resolved before
 *
 * Since: 1.0
 */
gboolean
troupe_resolver_resolve_object (TroupeResolver  *self,
                                gpointer         object,
                                GError         **error)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (G_IS_OBJECT (object), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return troupe_resolver_resolve_with (self, troupe_body_object (object), error);
}

/**
 * troupe_resolver_resolve_boxed: (skip)
 * @self: a resolver
 * @type: the type of @boxed
 * @boxed: a boxed value, which is copied
 * @error: where to say that it is too late
 *
 * Resolves the promise with a boxed value.
 *
 * A promise is refused: use [method@Troupe.Promise.chain_to] instead. Language bindings use
 * [method@Troupe.Resolver.resolve_value].
 *
 * If it is too late, the value is freed. The error is %TROUPE_ERROR_ALREADY_RESOLVED.
 *
 * Returns: %TRUE, or %FALSE with @error set if the promise was resolved before
 *
 * Since: 1.0
 */
gboolean
troupe_resolver_resolve_boxed (TroupeResolver  *self,
                               GType            type,
                               gconstpointer    boxed,
                               GError         **error)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (G_TYPE_IS_BOXED (type), FALSE);
  g_return_val_if_fail (boxed != NULL, FALSE);
  g_return_val_if_fail (type != TROUPE_TYPE_PROMISE, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return troupe_resolver_resolve_with (self, troupe_body_boxed (type, boxed), error);
}

/**
 * troupe_resolver_resolve_pointer: (skip)
 * @self: a resolver
 * @pointer: a pointer
 * @destroy: (nullable): frees @pointer when nobody has taken it
 * @error: where to say that it is too late
 *
 * Resolves the promise with a pointer.
 *
 * If nobody takes the pointer, it is freed at home, or by whoever finds out that the home has ended.
 *
 * If it is too late, the value is freed. The error is %TROUPE_ERROR_ALREADY_RESOLVED.
 *
 * Returns: %TRUE, or %FALSE with @error set if the promise was resolved before
 *
 * Since: 1.0
 */
gboolean
troupe_resolver_resolve_pointer (TroupeResolver  *self,
                                 gpointer         pointer,
                                 GDestroyNotify   destroy,
                                 GError         **error)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return troupe_resolver_resolve_with (self, troupe_body_pointer (pointer, destroy), error);
}

/**
 * troupe_resolver_resolve_json: (skip)
 * @self: a resolver
 * @json: (transfer full) (nullable): a tree, of which nobody else may hold any part; %NULL is `null`
 * @error: where to say that it is too late
 *
 * Resolves the promise with a JSON tree.
 *
 * If it is too late, the value is freed. The error is %TROUPE_ERROR_ALREADY_RESOLVED.
 *
 * Returns: %TRUE, or %FALSE with @error set if the promise was resolved before
 *
 * Since: 1.0
 */
gboolean
troupe_resolver_resolve_json (TroupeResolver      *self,
                              struct json_object  *json,
                              GError             **error)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return troupe_resolver_resolve_with (self, troupe_body_json (json), error);
}

/**
 * troupe_resolver_resolve_json_string:
 * @self: a resolver
 * @text: one JSON text
 * @error: where to say that it is too late, or what is wrong with @text
 *
 * Resolves the promise with a JSON tree, from its text.
 *
 * If @text is wrong the promise is not resolved. The errors are those of [ctor@Troupe.Message.new_json_string], and
 * %TROUPE_ERROR_ALREADY_RESOLVED.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
troupe_resolver_resolve_json_string (TroupeResolver  *self,
                                     const char      *text,
                                     GError         **error)
{
  TroupeBody body;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (text != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!troupe_body_from_json_string (&body, text, error))
    return FALSE;

  return troupe_resolver_resolve_with (self, body, error);
}

/**
 * troupe_resolver_resolve_value:
 * @self: a resolver
 * @value: (nullable): a value, or %NULL for nothing
 * @error: where to say that it is too late
 *
 * Resolves the promise with a value.
 *
 * A %TROUPE_TYPE_PROMISE is refused: to go on with the outcome of a promise, return it from a step,
 * or use [method@Troupe.Promise.chain_to].
 *
 * If it is too late, the value is freed. The error is %TROUPE_ERROR_ALREADY_RESOLVED.
 *
 * Returns: %TRUE, or %FALSE with @error set if the promise was resolved before
 *
 * Since: 1.0
 */
gboolean
troupe_resolver_resolve_value (TroupeResolver  *self,
                               const GValue    *value,
                               GError         **error)
{
  TroupeBody body;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (value == NULL || G_IS_VALUE (value), FALSE);
  g_return_val_if_fail (value == NULL || !G_VALUE_HOLDS (value, TROUPE_TYPE_PROMISE), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!troupe_body_from_value (&body, value))
    {
      g_critical ("A promise cannot hold a %s", G_VALUE_TYPE_NAME (value));
      return FALSE;
    }

  return troupe_resolver_resolve_with (self, body, error);
}

/**
 * troupe_resolver_reject:
 * @self: a resolver
 * @reason: (transfer full): why there is no value
 * @error: where to say that it is too late
 *
 * Rejects the promise: its outcome is an error.
 *
 * If it is too late, @reason is freed. The error is %TROUPE_ERROR_ALREADY_RESOLVED.
 *
 * Returns: %TRUE, or %FALSE with @error set if the promise was resolved before
 *
 * Since: 1.0
 */
gboolean
troupe_resolver_reject (TroupeResolver  *self,
                        GError          *reason,
                        GError         **error)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (reason == NULL)
    {
      g_critical ("A promise was rejected without an error");
      reason = g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_FAILED, "It failed without an error");
    }

  return troupe_resolver_resolve_with (self, (TroupeBody) { .type = G_TYPE_INVALID, .v_pointer = reason }, error);
}
