/* troupe-outcomes.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-outcomes-private.h"
#include "troupe-ref.h"

/**
 * TroupeOutcomes: (ref-func troupe_outcomes_ref) (unref-func troupe_outcomes_unref)
 *
 * What became of several promises, in the order in which they were given.
 *
 * It is the value of [func@Troupe.Promise.all] and [func@Troupe.Promise.collect]. Anybody may read it, on any thread.
 * Where it was delivered before all of them had an outcome, the others come in later.
 *
 * Since: 1.0
 */

G_DEFINE_BOXED_TYPE (TroupeOutcomes, troupe_outcomes, troupe_outcomes_ref, troupe_outcomes_unref)

TroupeOutcomes *
troupe_outcomes_new (gsize length)
{
  TroupeOutcomes *self = g_malloc (sizeof (TroupeOutcomes) + length * sizeof (TroupeOutcome));
  gsize i;

  self->ref_count = 1;
  self->first = -1;
  self->length = length;
  for (i = 0; i < length; i++)
    self->items[i] = (TroupeOutcome) { TROUPE_BODY_NOTHING, FALSE };

  return self;
}

/* Release: with it goes the body. */
void
troupe_outcomes_write (TroupeOutcomes *self,
                       gsize           index,
                       TroupeBody     *body)
{
  TroupeOutcome *item = &self->items[index];

  g_assert (!item->written);

  troupe_body_move (&item->body, body);
  /* Release: who finds it set, on whatever thread, may read the body. */
  __atomic_store_n (&item->written, TRUE, __ATOMIC_RELEASE);
}

/* NULL, and a critical, when there is nothing to read yet. */
static const TroupeBody *
troupe_outcomes_read (TroupeOutcomes *self,
                      gsize           index,
                      const char     *func)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (index < self->length, NULL);

  /* Acquire: pairs with the release above. */
  if (__atomic_load_n (&self->items[index].written, __ATOMIC_ACQUIRE))
    return &self->items[index].body;

  g_critical ("%s: promise %" G_GSIZE_FORMAT " has no outcome yet", func, index);
  return NULL;
}

/**
 * troupe_outcomes_ref:
 * @self: outcomes
 *
 * Takes another reference. Call it from any thread.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
TroupeOutcomes *
troupe_outcomes_ref (TroupeOutcomes *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  /* Relaxed: who takes another reference has one. */
  __atomic_fetch_add (&self->ref_count, 1, __ATOMIC_RELAXED);
  return self;
}

/**
 * troupe_outcomes_unref:
 * @self: (transfer full): outcomes
 *
 * Drops a reference; with the last one go the values and errors. Call it from any thread.
 *
 * Since: 1.0
 */
void
troupe_outcomes_unref (TroupeOutcomes *self)
{
  gsize i;

  g_return_if_fail (self != NULL);

  /* Release our use of it to whoever frees it; acquire that of others if that is us. */
  if (__atomic_fetch_sub (&self->ref_count, 1, __ATOMIC_ACQ_REL) != 1)
    return;

  for (i = 0; i < self->length; i++)
    troupe_body_clear (&self->items[i].body);
  g_free (self);
}

/**
 * troupe_outcomes_get_length:
 * @self: outcomes
 *
 * Gets how many promises there were.
 *
 * Returns: their number
 *
 * Since: 1.0
 */
gsize
troupe_outcomes_get_length (TroupeOutcomes *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->length;
}

/**
 * troupe_outcomes_get_first:
 * @self: outcomes
 *
 * Gets which promise had the value that was waited for, with %TROUPE_LIST_FIRE_ON_ONE_VALUE.
 *
 * Returns: its position, counted from 0, or -1 if all promises were waited for
 *
 * Since: 1.0
 */
gint64
troupe_outcomes_get_first (TroupeOutcomes *self)
{
  g_return_val_if_fail (self != NULL, -1);

  return self->first;
}

/**
 * troupe_outcomes_is_resolved:
 * @self: outcomes
 * @index: a position, counted from 0
 *
 * Tells whether a promise has an outcome. When all were waited for, each has.
 *
 * Returns: %TRUE if its outcome can be read
 *
 * Since: 1.0
 */
gboolean
troupe_outcomes_is_resolved (TroupeOutcomes *self,
                             gsize           index)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (index < self->length, FALSE);

  return __atomic_load_n (&self->items[index].written, __ATOMIC_ACQUIRE);
}

/**
 * troupe_outcomes_has_value:
 * @self: outcomes
 * @index: a position, counted from 0
 *
 * Tells whether a promise has a value, nothing included: it has an outcome, and that is no error.
 *
 * Returns: %TRUE if it has
 *
 * Since: 1.0
 */
gboolean
troupe_outcomes_has_value (TroupeOutcomes *self,
                           gsize           index)
{
  return troupe_outcomes_is_resolved (self, index) && self->items[index].body.type != G_TYPE_INVALID;
}

/**
 * troupe_outcomes_get_value_type:
 * @self: outcomes
 * @index: a position, counted from 0
 *
 * Gets the type of a value.
 *
 * Like all that reads an outcome: there must be one. A value of another type than the function reads, or an error where it
 * reads a value, is a mistake of the caller and reads as 0 or %NULL. What is returned by address stays with @self.
 *
 * Returns: the type, %G_TYPE_NONE for nothing, %G_TYPE_INVALID for an error
 *
 * Since: 1.0
 */
GType
troupe_outcomes_get_value_type (TroupeOutcomes *self,
                                gsize           index)
{
  const TroupeBody *body = troupe_outcomes_read (self, index, G_STRFUNC);

  return body != NULL ? troupe_body_get_type (body) : G_TYPE_INVALID;
}

/**
 * troupe_outcomes_get_error:
 * @self: outcomes
 * @index: a position, counted from 0
 *
 * Reads the error, if a promise was rejected.
 *
 * See [method@Troupe.Outcomes.get_value_type].
 *
 * Returns: (transfer none) (nullable): the error, or %NULL if there is a value
 *
 * Since: 1.0
 */
const GError *
troupe_outcomes_get_error (TroupeOutcomes *self,
                           gsize           index)
{
  const TroupeBody *body = troupe_outcomes_read (self, index, G_STRFUNC);

  return body != NULL && body->type == G_TYPE_INVALID ? body->v_pointer : NULL;
}

/**
 * troupe_outcomes_get_int64:
 * @self: outcomes
 * @index: a position, counted from 0
 *
 * Reads a value, which must be a signed number.
 *
 * See [method@Troupe.Outcomes.get_value_type].
 *
 * Returns: the number
 *
 * Since: 1.0
 */
gint64
troupe_outcomes_get_int64 (TroupeOutcomes *self,
                           gsize           index)
{
  const TroupeBody *body = troupe_outcomes_read (self, index, G_STRFUNC);

  return body != NULL ? troupe_body_get_int64 (body) : 0;
}

/**
 * troupe_outcomes_get_uint64:
 * @self: outcomes
 * @index: a position, counted from 0
 *
 * Reads a value, which must be an unsigned number.
 *
 * See [method@Troupe.Outcomes.get_value_type].
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
troupe_outcomes_get_uint64 (TroupeOutcomes *self,
                            gsize           index)
{
  const TroupeBody *body = troupe_outcomes_read (self, index, G_STRFUNC);

  return body != NULL ? troupe_body_get_uint64 (body) : 0;
}

/**
 * troupe_outcomes_get_double:
 * @self: outcomes
 * @index: a position, counted from 0
 *
 * Reads a value, which must be a floating-point number.
 *
 * See [method@Troupe.Outcomes.get_value_type].
 *
 * Returns: the number
 *
 * Since: 1.0
 */
double
troupe_outcomes_get_double (TroupeOutcomes *self,
                            gsize           index)
{
  const TroupeBody *body = troupe_outcomes_read (self, index, G_STRFUNC);

  return body != NULL ? troupe_body_get_double (body) : 0.0;
}

/**
 * troupe_outcomes_get_boolean:
 * @self: outcomes
 * @index: a position, counted from 0
 *
 * Reads a value, which must be a truth value.
 *
 * See [method@Troupe.Outcomes.get_value_type].
 *
 * Returns: the truth value
 *
 * Since: 1.0
 */
gboolean
troupe_outcomes_get_boolean (TroupeOutcomes *self,
                             gsize           index)
{
  const TroupeBody *body = troupe_outcomes_read (self, index, G_STRFUNC);

  return body != NULL ? troupe_body_get_boolean (body) : FALSE;
}

/**
 * troupe_outcomes_get_string:
 * @self: outcomes
 * @index: a position, counted from 0
 *
 * Reads a value, which must be a string.
 *
 * See [method@Troupe.Outcomes.get_value_type].
 *
 * Returns: (nullable): the string
 *
 * Since: 1.0
 */
const char *
troupe_outcomes_get_string (TroupeOutcomes *self,
                            gsize           index)
{
  const TroupeBody *body = troupe_outcomes_read (self, index, G_STRFUNC);

  return body != NULL ? troupe_body_get_string (body) : NULL;
}

/**
 * troupe_outcomes_get_bytes:
 * @self: outcomes
 * @index: a position, counted from 0
 *
 * Reads a value, which must be bytes.
 *
 * See [method@Troupe.Outcomes.get_value_type].
 *
 * Returns: (transfer none) (nullable): the bytes
 *
 * Since: 1.0
 */
GBytes *
troupe_outcomes_get_bytes (TroupeOutcomes *self,
                           gsize           index)
{
  const TroupeBody *body = troupe_outcomes_read (self, index, G_STRFUNC);

  return body != NULL ? troupe_body_get_bytes (body) : NULL;
}

/**
 * troupe_outcomes_get_variant:
 * @self: outcomes
 * @index: a position, counted from 0
 *
 * Reads a value, which must be a variant.
 *
 * See [method@Troupe.Outcomes.get_value_type].
 *
 * Returns: (transfer none) (nullable): the variant
 *
 * Since: 1.0
 */
GVariant *
troupe_outcomes_get_variant (TroupeOutcomes *self,
                             gsize           index)
{
  const TroupeBody *body = troupe_outcomes_read (self, index, G_STRFUNC);

  return body != NULL ? troupe_body_get_variant (body) : NULL;
}

/**
 * troupe_outcomes_get_object:
 * @self: outcomes
 * @index: a position, counted from 0
 *
 * Reads a value, which must be an object.
 *
 * See [method@Troupe.Outcomes.get_value_type].
 *
 * Returns: (transfer none) (type GObject.Object) (nullable): the object
 *
 * Since: 1.0
 */
gpointer
troupe_outcomes_get_object (TroupeOutcomes *self,
                            gsize           index)
{
  const TroupeBody *body = troupe_outcomes_read (self, index, G_STRFUNC);

  return body != NULL ? troupe_body_get_object (body) : NULL;
}

/**
 * troupe_outcomes_get_boxed: (skip)
 * @self: outcomes
 * @index: a position, counted from 0
 *
 * Reads a value, which must be a boxed value.
 *
 * See [method@Troupe.Outcomes.get_value_type].
 *
 * Returns: (transfer none) (nullable): the value
 *
 * Since: 1.0
 */
gpointer
troupe_outcomes_get_boxed (TroupeOutcomes *self,
                           gsize           index)
{
  const TroupeBody *body = troupe_outcomes_read (self, index, G_STRFUNC);

  return body != NULL ? troupe_body_get_boxed (body) : NULL;
}

/**
 * troupe_outcomes_get_ref:
 * @self: outcomes
 * @index: a position, counted from 0
 *
 * Reads a value, which must be the address of an actor.
 *
 * See [method@Troupe.Outcomes.get_value_type].
 *
 * Returns: (transfer none) (nullable): the address
 *
 * Since: 1.0
 */
TroupeRef *
troupe_outcomes_get_ref (TroupeOutcomes *self,
                         gsize           index)
{
  const TroupeBody *body = troupe_outcomes_read (self, index, G_STRFUNC);

  return body != NULL ? troupe_body_get_boxed_of (body, TROUPE_TYPE_REF) : NULL;
}

/**
 * troupe_outcomes_get_pointer: (skip)
 * @self: outcomes
 * @index: a position, counted from 0
 *
 * Reads a value, which must be a pointer.
 *
 * See [method@Troupe.Outcomes.get_value_type].
 *
 * Returns: (transfer none) (nullable): the pointer
 *
 * Since: 1.0
 */
gpointer
troupe_outcomes_get_pointer (TroupeOutcomes *self,
                             gsize           index)
{
  const TroupeBody *body = troupe_outcomes_read (self, index, G_STRFUNC);

  return body != NULL ? troupe_body_get_pointer (body) : NULL;
}

/**
 * troupe_outcomes_get_json: (skip)
 * @self: outcomes
 * @index: a position, counted from 0
 *
 * Reads a value, which must be a JSON tree.
 *
 * See [method@Troupe.Outcomes.get_value_type].
 *
 * Returns: (transfer none) (nullable): the tree, of which nobody may take a reference
 *
 * Since: 1.0
 */
struct json_object *
troupe_outcomes_get_json (TroupeOutcomes *self,
                          gsize           index)
{
  const TroupeBody *body = troupe_outcomes_read (self, index, G_STRFUNC);

  return body != NULL ? troupe_body_get_json (body) : NULL;
}

/**
 * troupe_outcomes_dup_json_string:
 * @self: outcomes
 * @index: a position, counted from 0
 *
 * Writes a value, which must be a JSON tree, as text on one line.
 *
 * See [method@Troupe.Outcomes.get_value_type].
 *
 * Returns: (transfer full) (nullable): the text
 *
 * Since: 1.0
 */
char *
troupe_outcomes_dup_json_string (TroupeOutcomes *self,
                                 gsize           index)
{
  const TroupeBody *body = troupe_outcomes_read (self, index, G_STRFUNC);

  /* Who else holds them is not known. */
  return body != NULL ? troupe_body_dup_json_string (body, TRUE) : NULL;
}

/**
 * troupe_outcomes_get_value:
 * @self: outcomes
 * @index: a position, counted from 0
 * @value: (out caller-allocates): where to put a copy, initialised to zeros
 *
 * Reads a value of any type. For nothing, and for an error, @value holds a %NULL pointer.
 *
 * See [method@Troupe.Outcomes.get_value_type].
 *
 * Since: 1.0
 */
void
troupe_outcomes_get_value (TroupeOutcomes *self,
                           gsize           index,
                           GValue         *value)
{
  const TroupeBody *body = troupe_outcomes_read (self, index, G_STRFUNC);

  g_return_if_fail (value != NULL && !G_IS_VALUE (value));

  if (body != NULL)
    troupe_body_to_value (body, value);
}
