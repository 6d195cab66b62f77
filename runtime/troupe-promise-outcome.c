/* troupe-promise-outcome.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error.h"
#include "troupe-outcomes.h"
#include "troupe-promise-private.h"

/* What the functions of a step see and replace: the outcome at its position in the chain. */

static G_GNUC_NO_INLINE const TroupeBody *
troupe_promise_read_outside_step (TroupePromise *self,
                                  const char    *func)
{
  if (!troupe_promise_is_at_home (self))
    g_critical ("%s: the outcome is read where the promise is at home", func);
  else if (troupe_promise_get_state (self) != TROUPE_PROMISE_DELIVERED)
    g_critical ("%s: the promise has no outcome yet", func);
  else
    return &self->outcome;

  return NULL;
}

static inline const TroupeBody *
troupe_promise_read (TroupePromise *self,
                     const char    *func)
{
  g_return_val_if_fail (self != NULL, NULL);

  if (G_LIKELY (self->frame != NULL))
    return &self->outcome;

  return troupe_promise_read_outside_step (self, func);
}

static inline TroupeBody *
troupe_promise_take (TroupePromise *self,
                     const char    *func)
{
  return (TroupeBody *) troupe_promise_read (self, func);
}

/* Not in a step, or not for the first time. Takes OUTCOME. */
static G_GNUC_NO_INLINE void
troupe_promise_return_anyway (TroupePromise *self,
                              TroupeBody     outcome,
                              const char    *func)
{
  TroupeReturn *frame = self->frame;

  if (frame == NULL)
    {
      g_critical ("%s: only a step of the promise can return an outcome", func);
      troupe_body_clear (&outcome);
      return;
    }

  g_clear_pointer (&frame->inner, troupe_promise_unref);
  troupe_body_clear (&frame->outcome);
  frame->outcome = outcome;
}

/* Takes OUTCOME. */
static inline void
troupe_promise_return (TroupePromise *self,
                       TroupeBody     outcome,
                       const char    *func)
{
  TroupeReturn *frame = self->frame;

  if (G_UNLIKELY (frame == NULL || frame->returned))
    {
      troupe_promise_return_anyway (self, outcome, func);
      return;
    }

  troupe_body_move (&frame->outcome, &outcome);
  frame->returned = TRUE;
}

/**
 * troupe_promise_is_resolved:
 * @self: a promise
 *
 * Tells whether the outcome can be read: it has come home, and the chain does not wait for another
 * promise.
 *
 * Call it from any thread; but only at home the answer stays true.
 *
 * Returns: %TRUE if there is an outcome
 *
 * Since: 1.0
 */
gboolean
troupe_promise_is_resolved (TroupePromise *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return troupe_promise_get_state (self) == TROUPE_PROMISE_DELIVERED;
}

/**
 * troupe_promise_has_value:
 * @self: a promise
 *
 * Tells whether the outcome is a value, nothing included, and no error.
 *
 * Like all that reads or takes the outcome: in a step it is the outcome at that position, whatever
 * the step has returned already. Between steps, at home and once
 * [method@Troupe.Promise.is_resolved] says so, it is what the last step left. A value of another
 * type than the function reads, or an error where it reads a value, is a mistake of the caller and
 * reads as 0 or %NULL.
 *
 * Returns: %TRUE for a value, %FALSE for an error
 *
 * Since: 1.0
 */
gboolean
troupe_promise_has_value (TroupePromise *self)
{
  const TroupeBody *outcome = troupe_promise_read (self, G_STRFUNC);

  return outcome != NULL && outcome->type != G_TYPE_INVALID;
}

/**
 * troupe_promise_get_value_type:
 * @self: a promise
 *
 * Gets the type of the value.
 *
 * Returns: the type, %G_TYPE_NONE for nothing, %G_TYPE_INVALID for an error
 *
 * Since: 1.0
 */
GType
troupe_promise_get_value_type (TroupePromise *self)
{
  const TroupeBody *outcome = troupe_promise_read (self, G_STRFUNC);

  return outcome != NULL ? troupe_body_get_type (outcome) : G_TYPE_INVALID;
}

/**
 * troupe_promise_get_error:
 * @self: a promise
 *
 * Reads the error, if the outcome is one.
 *
 * It stays the promise's, and is not handled by being read. See [method@Troupe.Promise.has_value]
 * for when and where.
 *
 * Returns: (transfer none) (nullable): the error, or %NULL if there is a value
 *
 * Since: 1.0
 */
const GError *
troupe_promise_get_error (TroupePromise *self)
{
  const TroupeBody *outcome = troupe_promise_read (self, G_STRFUNC);

  return outcome != NULL && outcome->type == G_TYPE_INVALID ? outcome->v_pointer : NULL;
}

/**
 * troupe_promise_get_error_index:
 * @self: a promise
 *
 * Reads what [func@Troupe.Error.get_index] says of the error, for language bindings: what they make of an error does not know it.
 *
 * See [method@Troupe.Promise.has_value] for when and where.
 *
 * Returns: a position, counted from 0, or -1 if there is no error or it has none
 *
 * Since: 1.0
 */
gint64
troupe_promise_get_error_index (TroupePromise *self)
{
  const GError *error = troupe_promise_get_error (self);

  return error != NULL ? troupe_error_get_index (error) : -1;
}

/**
 * troupe_promise_get_error_cause:
 * @self: a promise
 *
 * Reads what [func@Troupe.Error.get_cause] says of the error, for language bindings: what they make of an error does not know it.
 *
 * See [method@Troupe.Promise.has_value] for when and where.
 *
 * Returns: (transfer none) (nullable): the error behind the error, or %NULL if there is no error or it has none
 *
 * Since: 1.0
 */
const GError *
troupe_promise_get_error_cause (TroupePromise *self)
{
  const GError *error = troupe_promise_get_error (self);

  return error != NULL ? troupe_error_get_cause (error) : NULL;
}

/**
 * troupe_promise_steal_error:
 * @self: a promise
 *
 * Takes the error, if the outcome is one: it is handled, and nothing is left in its place.
 *
 * See [method@Troupe.Promise.has_value] for when and where.
 *
 * Returns: (transfer full) (nullable): the error, or %NULL if there is a value
 *
 * Since: 1.0
 */
GError *
troupe_promise_steal_error (TroupePromise *self)
{
  TroupeBody *outcome = troupe_promise_take (self, G_STRFUNC);
  GError *error;

  if (outcome == NULL || outcome->type != G_TYPE_INVALID)
    return NULL;

  error = outcome->v_pointer;
  *outcome = TROUPE_BODY_NOTHING;
  return error;
}

/**
 * troupe_promise_get_int64:
 * @self: a promise
 *
 * Reads the outcome, which must be a signed number.
 *
 * See [method@Troupe.Promise.has_value] for when and where.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
gint64
troupe_promise_get_int64 (TroupePromise *self)
{
  const TroupeBody *outcome = troupe_promise_read (self, G_STRFUNC);

  return outcome != NULL ? troupe_body_get_int64 (outcome) : 0;
}

/**
 * troupe_promise_get_uint64:
 * @self: a promise
 *
 * Reads the outcome, which must be an unsigned number.
 *
 * See [method@Troupe.Promise.has_value] for when and where.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
troupe_promise_get_uint64 (TroupePromise *self)
{
  const TroupeBody *outcome = troupe_promise_read (self, G_STRFUNC);

  return outcome != NULL ? troupe_body_get_uint64 (outcome) : 0;
}

/**
 * troupe_promise_get_double:
 * @self: a promise
 *
 * Reads the outcome, which must be a floating-point number.
 *
 * See [method@Troupe.Promise.has_value] for when and where.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
double
troupe_promise_get_double (TroupePromise *self)
{
  const TroupeBody *outcome = troupe_promise_read (self, G_STRFUNC);

  return outcome != NULL ? troupe_body_get_double (outcome) : 0.0;
}

/**
 * troupe_promise_get_boolean:
 * @self: a promise
 *
 * Reads the outcome, which must be a truth value.
 *
 * See [method@Troupe.Promise.has_value] for when and where.
 *
 * Returns: the truth value
 *
 * Since: 1.0
 */
gboolean
troupe_promise_get_boolean (TroupePromise *self)
{
  const TroupeBody *outcome = troupe_promise_read (self, G_STRFUNC);

  return outcome != NULL ? troupe_body_get_boolean (outcome) : FALSE;
}

/**
 * troupe_promise_get_string:
 * @self: a promise
 *
 * Reads the outcome, which must be a string.
 *
 * It stays the promise's, and is valid until the step ends or another one is added.
 *
 * See [method@Troupe.Promise.has_value] for when and where.
 *
 * Returns: (nullable): the string
 *
 * Since: 1.0
 */
const char *
troupe_promise_get_string (TroupePromise *self)
{
  const TroupeBody *outcome = troupe_promise_read (self, G_STRFUNC);

  return outcome != NULL ? troupe_body_get_string (outcome) : NULL;
}

/**
 * troupe_promise_get_bytes:
 * @self: a promise
 *
 * Reads the outcome, which must be bytes.
 *
 * It stays the promise's, and is valid until the step ends or another one is added.
 *
 * See [method@Troupe.Promise.has_value] for when and where.
 *
 * Returns: (transfer none) (nullable): the bytes
 *
 * Since: 1.0
 */
GBytes *
troupe_promise_get_bytes (TroupePromise *self)
{
  const TroupeBody *outcome = troupe_promise_read (self, G_STRFUNC);

  return outcome != NULL ? troupe_body_get_bytes (outcome) : NULL;
}

/**
 * troupe_promise_get_variant:
 * @self: a promise
 *
 * Reads the outcome, which must be a variant.
 *
 * It stays the promise's, and is valid until the step ends or another one is added.
 *
 * See [method@Troupe.Promise.has_value] for when and where.
 *
 * Returns: (transfer none) (nullable): the variant
 *
 * Since: 1.0
 */
GVariant *
troupe_promise_get_variant (TroupePromise *self)
{
  const TroupeBody *outcome = troupe_promise_read (self, G_STRFUNC);

  return outcome != NULL ? troupe_body_get_variant (outcome) : NULL;
}

/**
 * troupe_promise_get_object:
 * @self: a promise
 *
 * Reads the outcome, which must be an object.
 *
 * It stays the promise's, and is valid until the step ends or another one is added.
 *
 * See [method@Troupe.Promise.has_value] for when and where.
 *
 * Returns: (transfer none) (type GObject.Object) (nullable): the object
 *
 * Since: 1.0
 */
gpointer
troupe_promise_get_object (TroupePromise *self)
{
  const TroupeBody *outcome = troupe_promise_read (self, G_STRFUNC);

  return outcome != NULL ? troupe_body_get_object (outcome) : NULL;
}

/**
 * troupe_promise_get_boxed: (skip)
 * @self: a promise
 *
 * Reads the outcome, which must be a boxed value.
 *
 * It stays the promise's, and is valid until the step ends or another one is added. Language
 * bindings use [method@Troupe.Promise.get_ref], [method@Troupe.Promise.get_outcomes] or [method@Troupe.Promise.get_value].
 *
 * See [method@Troupe.Promise.has_value] for when and where.
 *
 * Returns: (transfer none) (nullable): the boxed value
 *
 * Since: 1.0
 */
gpointer
troupe_promise_get_boxed (TroupePromise *self)
{
  const TroupeBody *outcome = troupe_promise_read (self, G_STRFUNC);

  return outcome != NULL ? troupe_body_get_boxed (outcome) : NULL;
}

/**
 * troupe_promise_get_ref:
 * @self: a promise
 *
 * Reads the outcome, which must be the address of an actor.
 *
 * It stays the promise's, and is valid until the step ends or another one is added.
 *
 * See [method@Troupe.Promise.has_value] for when and where.
 *
 * Returns: (transfer none) (nullable): the address
 *
 * Since: 1.0
 */
TroupeRef *
troupe_promise_get_ref (TroupePromise *self)
{
  const TroupeBody *outcome = troupe_promise_read (self, G_STRFUNC);

  return outcome != NULL ? troupe_body_get_boxed_of (outcome, TROUPE_TYPE_REF) : NULL;
}

/**
 * troupe_promise_get_outcomes:
 * @self: a promise
 *
 * Reads the outcome, which must be those of several promises: see [func@Troupe.Promise.all] and [func@Troupe.Promise.collect].
 *
 * It stays the promise's, and is valid until the step ends or another one is added.
 *
 * See [method@Troupe.Promise.has_value] for when and where.
 *
 * Returns: (transfer none) (nullable): the outcomes
 *
 * Since: 1.0
 */
TroupeOutcomes *
troupe_promise_get_outcomes (TroupePromise *self)
{
  const TroupeBody *outcome = troupe_promise_read (self, G_STRFUNC);

  return outcome != NULL ? troupe_body_get_boxed_of (outcome, TROUPE_TYPE_OUTCOMES) : NULL;
}

/**
 * troupe_promise_get_pointer: (skip)
 * @self: a promise
 *
 * Reads the outcome, which must be a pointer.
 *
 * It stays the promise's, and is valid until the step ends or another one is added.
 *
 * See [method@Troupe.Promise.has_value] for when and where.
 *
 * Returns: (transfer none) (nullable): the pointer
 *
 * Since: 1.0
 */
gpointer
troupe_promise_get_pointer (TroupePromise *self)
{
  const TroupeBody *outcome = troupe_promise_read (self, G_STRFUNC);

  return outcome != NULL ? troupe_body_get_pointer (outcome) : NULL;
}

/**
 * troupe_promise_get_json: (skip)
 * @self: a promise
 *
 * Reads the outcome, which must be a JSON tree.
 *
 * It stays the promise's, and is valid until the step ends or another one is added.
 * Take no reference to it or to a part of it; see [method@Troupe.Promise.steal_json].
 *
 * See [method@Troupe.Promise.has_value] for when and where.
 *
 * Returns: (transfer none) (nullable): the tree, %NULL for `null`
 *
 * Since: 1.0
 */
struct json_object *
troupe_promise_get_json (TroupePromise *self)
{
  const TroupeBody *outcome = troupe_promise_read (self, G_STRFUNC);

  return outcome != NULL ? troupe_body_get_json (outcome) : NULL;
}

/**
 * troupe_promise_dup_json_string:
 * @self: a promise
 *
 * Writes the outcome, which must be a JSON tree, as text on one line.
 *
 * See [method@Troupe.Promise.has_value] for when and where.
 *
 * Returns: (transfer full) (nullable): the text
 *
 * Since: 1.0
 */
char *
troupe_promise_dup_json_string (TroupePromise *self)
{
  const TroupeBody *outcome = troupe_promise_read (self, G_STRFUNC);

  return outcome != NULL ? troupe_body_dup_json_string (outcome, FALSE) : NULL;
}

/**
 * troupe_promise_get_value:
 * @self: a promise
 * @value: (out caller-allocates): a zeroed value
 *
 * Copies the outcome into @value, whatever its type.
 *
 * For nothing, and for an error, @value holds a %NULL pointer, which is a language's `None` or `null`. See
 * [method@Troupe.Promise.has_value] for when and where.
 *
 * Since: 1.0
 */
void
troupe_promise_get_value (TroupePromise *self,
                          GValue        *value)
{
  const TroupeBody *outcome = troupe_promise_read (self, G_STRFUNC);

  g_return_if_fail (value != NULL && !G_IS_VALUE (value));

  if (outcome != NULL)
    troupe_body_to_value (outcome, value);
}

/**
 * troupe_promise_propagate_value:
 * @self: a promise
 * @value: (out caller-allocates): a zeroed value
 * @error: return location for a #GError
 *
 * Copies the value into @value, or takes the error: it is handled, and nothing is left in its place.
 *
 * For nothing, and for an error, @value holds a %NULL pointer. In languages with exceptions the error is thrown. See
 * [method@Troupe.Promise.has_value] for when and where.
 *
 * Returns: (skip): %TRUE for a value, %FALSE with @error set for an error
 *
 * Since: 1.0
 */
gboolean
troupe_promise_propagate_value (TroupePromise  *self,
                                GValue         *value,
                                GError        **error)
{
  TroupeBody *outcome = troupe_promise_take (self, G_STRFUNC);

  g_return_val_if_fail (value != NULL && !G_IS_VALUE (value), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  troupe_body_to_value (outcome != NULL ? outcome : &TROUPE_BODY_NOTHING, value);
  if (outcome == NULL)
    return FALSE;

  if (outcome->type != G_TYPE_INVALID)
    return TRUE;

  g_propagate_error (error, troupe_promise_steal_error (self));
  return FALSE;
}

/**
 * troupe_promise_steal_pointer: (skip)
 * @self: a promise
 *
 * Takes the pointer out, which the caller must free from now on; nothing is left in its place.
 *
 * See [method@Troupe.Promise.has_value] for when and where.
 *
 * Returns: (transfer full) (nullable): the pointer
 *
 * Since: 1.0
 */
gpointer
troupe_promise_steal_pointer (TroupePromise *self)
{
  TroupeBody *outcome = troupe_promise_take (self, G_STRFUNC);

  return outcome != NULL ? troupe_body_steal_pointer (outcome) : NULL;
}

/**
 * troupe_promise_steal_json: (skip)
 * @self: a promise
 *
 * Takes the JSON tree out; nothing is left in its place.
 *
 * See [method@Troupe.Promise.has_value] for when and where.
 *
 * Returns: (transfer full) (nullable): the tree, %NULL for `null`
 *
 * Since: 1.0
 */
struct json_object *
troupe_promise_steal_json (TroupePromise *self)
{
  TroupeBody *outcome = troupe_promise_take (self, G_STRFUNC);

  return outcome != NULL ? troupe_body_steal_json (outcome) : NULL;
}

/**
 * troupe_promise_return_nothing:
 * @self: the promise whose step runs
 *
 * Makes nothing the outcome that the next step sees.
 *
 * It is what handles an error that has no better answer.
 *
 * Only in a step of @self. The last return of a step counts.
 *
 * Since: 1.0
 */
void
troupe_promise_return_nothing (TroupePromise *self)
{
  g_return_if_fail (self != NULL);

  troupe_promise_return (self, TROUPE_BODY_NOTHING, G_STRFUNC);
}

/**
 * troupe_promise_return_int64:
 * @self: the promise whose step runs
 * @number: a number
 *
 * Makes a signed number the outcome that the next step sees.
 *
 * Only in a step of @self. The last return of a step counts.
 *
 * Since: 1.0
 */
void
troupe_promise_return_int64 (TroupePromise *self,
                             gint64         number)
{
  g_return_if_fail (self != NULL);

  troupe_promise_return (self, troupe_body_int64 (number), G_STRFUNC);
}

/**
 * troupe_promise_return_uint64:
 * @self: the promise whose step runs
 * @number: a number
 *
 * Makes an unsigned number the outcome that the next step sees.
 *
 * Only in a step of @self. The last return of a step counts.
 *
 * Since: 1.0
 */
void
troupe_promise_return_uint64 (TroupePromise *self,
                              guint64        number)
{
  g_return_if_fail (self != NULL);

  troupe_promise_return (self, troupe_body_uint64 (number), G_STRFUNC);
}

/**
 * troupe_promise_return_double:
 * @self: the promise whose step runs
 * @number: a number
 *
 * Makes a floating-point number the outcome that the next step sees.
 *
 * Only in a step of @self. The last return of a step counts.
 *
 * Since: 1.0
 */
void
troupe_promise_return_double (TroupePromise *self,
                              double         number)
{
  g_return_if_fail (self != NULL);

  troupe_promise_return (self, troupe_body_double (number), G_STRFUNC);
}

/**
 * troupe_promise_return_boolean:
 * @self: the promise whose step runs
 * @truth: a truth value
 *
 * Makes a truth value the outcome that the next step sees.
 *
 * Only in a step of @self. The last return of a step counts.
 *
 * Since: 1.0
 */
void
troupe_promise_return_boolean (TroupePromise *self,
                               gboolean       truth)
{
  g_return_if_fail (self != NULL);

  troupe_promise_return (self, troupe_body_boolean (truth), G_STRFUNC);
}

/**
 * troupe_promise_return_string:
 * @self: the promise whose step runs
 * @string: a UTF-8 string, which is copied
 *
 * Makes a string the outcome that the next step sees.
 *
 * Only in a step of @self. The last return of a step counts.
 *
 * Since: 1.0
 */
void
troupe_promise_return_string (TroupePromise *self,
                              const char    *string)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (string != NULL);

  troupe_promise_return (self, troupe_body_string (string), G_STRFUNC);
}

/**
 * troupe_promise_return_bytes:
 * @self: the promise whose step runs
 * @bytes: bytes, which are not copied but referenced
 *
 * Makes bytes the outcome that the next step sees.
 *
 * Only in a step of @self. The last return of a step counts.
 *
 * Since: 1.0
 */
void
troupe_promise_return_bytes (TroupePromise *self,
                             GBytes        *bytes)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (bytes != NULL);

  troupe_promise_return (self, troupe_body_bytes (bytes), G_STRFUNC);
}

/**
 * troupe_promise_return_variant:
 * @self: the promise whose step runs
 * @variant: a variant; a floating reference is taken over
 *
 * Makes a variant the outcome that the next step sees.
 *
 * Only in a step of @self. The last return of a step counts.
 *
 * Since: 1.0
 */
void
troupe_promise_return_variant (TroupePromise *self,
                               GVariant      *variant)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (variant != NULL);

  troupe_promise_return (self, troupe_body_variant (variant), G_STRFUNC);
}

/**
 * troupe_promise_return_object:
 * @self: the promise whose step runs
 * @object: (type GObject.Object): an object, which is referenced
 *
 * Makes an object the outcome that the next step sees.
 *
 * Only in a step of @self. The last return of a step counts.
 *
 * Since: 1.0
 */
void
troupe_promise_return_object (TroupePromise *self,
                              gpointer       object)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (G_IS_OBJECT (object));

  troupe_promise_return (self, troupe_body_object (object), G_STRFUNC);
}

/**
 * troupe_promise_return_boxed: (skip)
 * @self: the promise whose step runs
 * @type: the type of @boxed
 * @boxed: a boxed value, which is copied
 *
 * Makes a boxed value the outcome that the next step sees.
 *
 * For a promise there is [method@Troupe.Promise.return_promise].
 *
 * Only in a step of @self. The last return of a step counts.
 *
 * Since: 1.0
 */
void
troupe_promise_return_boxed (TroupePromise *self,
                             GType          type,
                             gconstpointer  boxed)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (G_TYPE_IS_BOXED (type));
  g_return_if_fail (boxed != NULL);
  g_return_if_fail (type != TROUPE_TYPE_PROMISE);

  troupe_promise_return (self, troupe_body_boxed (type, boxed), G_STRFUNC);
}

/**
 * troupe_promise_return_pointer: (skip)
 * @self: the promise whose step runs
 * @pointer: a pointer
 * @destroy: (nullable): frees @pointer when nobody has taken it
 *
 * Makes a pointer the outcome that the next step sees.
 *
 * Only in a step of @self. The last return of a step counts.
 *
 * Since: 1.0
 */
void
troupe_promise_return_pointer (TroupePromise  *self,
                               gpointer        pointer,
                               GDestroyNotify  destroy)
{
  g_return_if_fail (self != NULL);

  troupe_promise_return (self, troupe_body_pointer (pointer, destroy), G_STRFUNC);
}

/**
 * troupe_promise_return_json: (skip)
 * @self: the promise whose step runs
 * @json: (transfer full) (nullable): a tree, of which nobody else may hold any part; %NULL is `null`
 *
 * Makes a JSON tree the outcome that the next step sees.
 *
 * Only in a step of @self. The last return of a step counts.
 *
 * Since: 1.0
 */
void
troupe_promise_return_json (TroupePromise      *self,
                            struct json_object *json)
{
  g_return_if_fail (self != NULL);

  troupe_promise_return (self, troupe_body_json (json), G_STRFUNC);
}

/**
 * troupe_promise_return_json_string:
 * @self: the promise whose step runs
 * @text: one JSON text
 * @error: where to say what is wrong with @text
 *
 * Makes a JSON tree, from its text, the outcome that the next step sees.
 *
 * If @text is wrong the outcome stays as it was. The errors are those of [ctor@Troupe.Message.new_json_string].
 *
 * Only in a step of @self. The last return of a step counts.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
troupe_promise_return_json_string (TroupePromise  *self,
                                   const char     *text,
                                   GError        **error)
{
  TroupeBody body;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (text != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!troupe_body_from_json_string (&body, text, error))
    return FALSE;

  troupe_promise_return (self, body, G_STRFUNC);

  return TRUE;
}

/**
 * troupe_promise_return_value:
 * @self: the promise whose step runs
 * @value: (nullable): a value, or %NULL for nothing
 *
 * Makes a value the outcome that the next step sees.
 *
 * An unset value is not nothing; see [method@Troupe.Promise.return_nothing]. For a promise there is
 * [method@Troupe.Promise.return_promise].
 *
 * Only in a step of @self. The last return of a step counts.
 *
 * Since: 1.0
 */
void
troupe_promise_return_value (TroupePromise *self,
                             const GValue  *value)
{
  TroupeBody body;

  g_return_if_fail (self != NULL);
  g_return_if_fail (value == NULL || G_IS_VALUE (value));
  g_return_if_fail (value == NULL || !G_VALUE_HOLDS (value, TROUPE_TYPE_PROMISE));

  if (troupe_body_from_value (&body, value))
    troupe_promise_return (self, body, G_STRFUNC);
  else
    g_critical ("A promise cannot hold a %s", G_VALUE_TYPE_NAME (value));
}

/**
 * troupe_promise_return_error:
 * @self: the promise whose step runs
 * @error: (transfer full): an error
 *
 * Makes an error the outcome that the next step sees.
 *
 * Only in a step of @self. The last return of a step counts.
 *
 * Since: 1.0
 */
void
troupe_promise_return_error (TroupePromise *self,
                             GError        *error)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (error != NULL);

  troupe_promise_return (self, (TroupeBody) { .type = G_TYPE_INVALID, .v_pointer = error }, G_STRFUNC);
}

/**
 * troupe_promise_return_promise:
 * @self: the promise whose step runs
 * @inner: (transfer full): another promise
 *
 * Makes the outcome of @inner the one that the next step sees.
 *
 * Until it comes, no step of @self runs. The steps that @inner has already run first; then the
 * outcome moves, and steps added to @inner later see nothing. A promise can be returned once:
 * another step that returns it goes on with %TROUPE_ERROR_ALREADY_ADOPTED. Returning @self, or a
 * promise that waits for it, goes on with %TROUPE_ERROR_ADOPT_SELF; a circle that goes through several homes is not seen, and ends
 * when one of its promises is cancelled or times out. If the home of
 * @inner is another one and ends first, the outcome is %TROUPE_ERROR_ABANDONED.
 *
 * Only in a step of @self. The last return of a step counts.
 *
 * Since: 1.0
 */
void
troupe_promise_return_promise (TroupePromise *self,
                               TroupePromise *inner)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (inner != NULL);

  if (self->frame == NULL)
    {
      g_critical ("%s: only a step of the promise can return an outcome", G_STRFUNC);
      troupe_promise_unref (inner);
      return;
    }

  troupe_promise_return (self, TROUPE_BODY_NOTHING, G_STRFUNC);
  self->frame->inner = inner;
}
