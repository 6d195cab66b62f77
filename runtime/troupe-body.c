/* troupe-body.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-body-private.h"
#include "troupe-slab-private.h"

/* A pointer and who frees it. */
typedef struct
{
  gpointer       pointer;
  GDestroyNotify destroy;
} TroupeBodyBox;

G_STATIC_ASSERT (sizeof (TroupeBodyBox) <= TROUPE_SLAB_SMALL_SIZE);

#define TROUPE_TYPE_BODY_BOX (troupe_body_box_get_type ())

/* Tells a box from a plain pointer. No value of this type ever exists. */
static GType
troupe_body_box_get_type (void)
{
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_pointer_type_register_static (g_intern_static_string ("TroupeBodyBox")));

  return type;
}

TroupeBody
troupe_body_string (const char *string)
{
  return (TroupeBody) {
    .type = G_TYPE_STRING,
    .v_pointer = string != NULL ? g_ref_string_new (string) : NULL,
  };
}

/* What G_TYPE_BYTES is once there is such a body: calling for it twice a message shows. */
static GType troupe_body_bytes_type;

/* With bytes in it: FALSE while there is no such body, and for none. */
static inline gboolean
troupe_body_is_bytes (const TroupeBody *self)
{
  return self->type == __atomic_load_n (&troupe_body_bytes_type, __ATOMIC_RELAXED) && self->type != G_TYPE_INVALID &&
         self->v_pointer != NULL;
}

TroupeBody
troupe_body_bytes (GBytes *bytes)
{
  /* Relaxed: every thread stores the same number. */
  GType type = __atomic_load_n (&troupe_body_bytes_type, __ATOMIC_RELAXED);

  if (G_UNLIKELY (type == 0))
    {
      type = G_TYPE_BYTES;
      __atomic_store_n (&troupe_body_bytes_type, type, __ATOMIC_RELAXED);
    }

  return (TroupeBody) { .type = type, .v_pointer = bytes != NULL ? g_bytes_ref (bytes) : NULL };
}

TroupeBody
troupe_body_variant (GVariant *variant)
{
  return (TroupeBody) {
    .type = G_TYPE_VARIANT,
    .v_pointer = variant != NULL ? g_variant_ref_sink (variant) : NULL,
  };
}

TroupeBody
troupe_body_object (gpointer object)
{
  return (TroupeBody) {
    .type = object != NULL ? G_OBJECT_TYPE (object) : G_TYPE_OBJECT,
    .v_pointer = object != NULL ? g_object_ref (object) : NULL,
  };
}

TroupeBody
troupe_body_boxed (GType         type,
                   gconstpointer boxed)
{
  return (TroupeBody) {
    .type = type,
    .v_pointer = boxed != NULL ? g_boxed_copy (type, boxed) : NULL,
  };
}

TroupeBody
troupe_body_pointer (gpointer       pointer,
                     GDestroyNotify destroy)
{
  TroupeBodyBox *box;

  if (destroy == NULL)
    return (TroupeBody) { .type = G_TYPE_POINTER, .v_pointer = pointer };

  box = troupe_slab_alloc (TROUPE_SLAB_SMALL);
  box->pointer = pointer;
  box->destroy = destroy;

  return (TroupeBody) { .type = TROUPE_TYPE_BODY_BOX, .v_pointer = box };
}

TroupeBody
troupe_body_json (struct json_object *json)
{
  return (TroupeBody) { .type = TROUPE_TYPE_JSON, .v_pointer = json };
}

gboolean
troupe_body_from_json_string (TroupeBody  *self,
                              const char  *text,
                              GError     **error)
{
  GError *local_error = NULL;
  struct json_object *json = troupe_json_parse (text, -1, 0, NULL, &local_error);

  /* null is no object. */
  if (local_error != NULL)
    {
      g_propagate_error (error, local_error);
      return FALSE;
    }

  *self = troupe_body_json (json);
  return TRUE;
}

static gboolean
troupe_body_from_pointer_value (TroupeBody   *self,
                                const GValue *value)
{
  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value)))
    {
    case G_TYPE_STRING:
      *self = troupe_body_string (g_value_get_string (value));
      return TRUE;

    case G_TYPE_VARIANT:
      *self = troupe_body_variant (g_value_get_variant (value));
      return TRUE;

    case G_TYPE_OBJECT:
    case G_TYPE_INTERFACE:
      if (g_value_get_object (value) == NULL)
        *self = (TroupeBody) { .type = G_VALUE_TYPE (value) };
      else
        *self = troupe_body_object (g_value_get_object (value));
      return TRUE;

    case G_TYPE_BOXED:
      *self = troupe_body_boxed (G_VALUE_TYPE (value), g_value_get_boxed (value));
      return TRUE;

    case G_TYPE_POINTER:
      *self = troupe_body_pointer (g_value_get_pointer (value), NULL);
      return TRUE;

    default:
      *self = TROUPE_BODY_NOTHING;
      return FALSE;
    }
}

/* The narrow numbers of GValue, which languages choose as they like, become the wide one of their kind. */
gboolean
troupe_body_from_value (TroupeBody   *self,
                        const GValue *value)
{
  if (value == NULL || !G_IS_VALUE (value))
    {
      *self = TROUPE_BODY_NOTHING;
      return TRUE;
    }

  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value)))
    {
    case G_TYPE_BOOLEAN:
      *self = troupe_body_boolean (g_value_get_boolean (value));
      return TRUE;

    case G_TYPE_CHAR:
      *self = troupe_body_int64 (g_value_get_schar (value));
      return TRUE;

    case G_TYPE_INT:
      *self = troupe_body_int64 (g_value_get_int (value));
      return TRUE;

    case G_TYPE_LONG:
      *self = troupe_body_int64 (g_value_get_long (value));
      return TRUE;

    case G_TYPE_INT64:
      *self = troupe_body_int64 (g_value_get_int64 (value));
      return TRUE;

    case G_TYPE_ENUM:
      *self = troupe_body_int64 (g_value_get_enum (value));
      return TRUE;

    case G_TYPE_UCHAR:
      *self = troupe_body_uint64 (g_value_get_uchar (value));
      return TRUE;

    case G_TYPE_UINT:
      *self = troupe_body_uint64 (g_value_get_uint (value));
      return TRUE;

    case G_TYPE_ULONG:
      *self = troupe_body_uint64 (g_value_get_ulong (value));
      return TRUE;

    case G_TYPE_UINT64:
      *self = troupe_body_uint64 (g_value_get_uint64 (value));
      return TRUE;

    case G_TYPE_FLAGS:
      *self = troupe_body_uint64 (g_value_get_flags (value));
      return TRUE;

    case G_TYPE_FLOAT:
      *self = troupe_body_double (g_value_get_float (value));
      return TRUE;

    case G_TYPE_DOUBLE:
      *self = troupe_body_double (g_value_get_double (value));
      return TRUE;

    default:
      return troupe_body_from_pointer_value (self, value);
    }
}

GType
troupe_body_get_type (const TroupeBody *self)
{
  return self->type == TROUPE_TYPE_BODY_BOX ? G_TYPE_POINTER : self->type;
}

void
troupe_body_complain (const TroupeBody *self,
                      const char       *wanted)
{
  if (self->type == G_TYPE_INVALID)
    g_critical ("The value was read as %s, but there is an error instead", wanted);
  else if (self->type == G_TYPE_NONE)
    g_critical ("The value was read as %s, but there is none", wanted);
  else
    g_critical ("The value was read as %s, but it is a %s", wanted, g_type_name (troupe_body_get_type (self)));
}

static G_GNUC_NO_INLINE gboolean
troupe_body_check_derived (const TroupeBody *self,
                           GType             type)
{
  if (self->type != G_TYPE_INVALID && g_type_is_a (self->type, type) && self->type != TROUPE_TYPE_JSON)
    return TRUE;

  troupe_body_complain (self, g_type_name (type));
  return FALSE;
}

/* Whether the value is of TYPE or derived from it. */
static inline gboolean
troupe_body_check (const TroupeBody *self,
                   GType             type)
{
  return G_LIKELY (self->type == type) || troupe_body_check_derived (self, type);
}

double
troupe_body_get_double (const TroupeBody *self)
{
  return troupe_body_check (self, G_TYPE_DOUBLE) ? self->v_double : 0.0;
}

gboolean
troupe_body_get_boolean (const TroupeBody *self)
{
  return troupe_body_check (self, G_TYPE_BOOLEAN) ? self->v_int64 != 0 : FALSE;
}

const char *
troupe_body_get_string (const TroupeBody *self)
{
  return troupe_body_check (self, G_TYPE_STRING) ? self->v_pointer : NULL;
}

GBytes *
troupe_body_get_bytes (const TroupeBody *self)
{
  if (G_LIKELY (troupe_body_is_bytes (self)))
    return self->v_pointer;

  return troupe_body_check (self, G_TYPE_BYTES) ? self->v_pointer : NULL;
}

GVariant *
troupe_body_get_variant (const TroupeBody *self)
{
  return troupe_body_check (self, G_TYPE_VARIANT) ? self->v_pointer : NULL;
}

gpointer
troupe_body_get_object (const TroupeBody *self)
{
  return troupe_body_check (self, G_TYPE_OBJECT) ? self->v_pointer : NULL;
}

gpointer
troupe_body_get_boxed (const TroupeBody *self)
{
  return troupe_body_check (self, G_TYPE_BOXED) ? self->v_pointer : NULL;
}

gpointer
troupe_body_get_boxed_of (const TroupeBody *self,
                          GType             type)
{
  return troupe_body_check (self, type) ? self->v_pointer : NULL;
}

gpointer
troupe_body_get_pointer (const TroupeBody *self)
{
  if (self->type == TROUPE_TYPE_BODY_BOX)
    return ((TroupeBodyBox *) self->v_pointer)->pointer;

  return troupe_body_check (self, G_TYPE_POINTER) ? self->v_pointer : NULL;
}

struct json_object *
troupe_body_get_json (const TroupeBody *self)
{
  return troupe_body_check (self, TROUPE_TYPE_JSON) ? self->v_pointer : NULL;
}

char *
troupe_body_dup_json_string (const TroupeBody *self,
                             gboolean          is_shared)
{
  struct json_object *json = troupe_body_get_json (self);
  char *text;

  if (self->type != TROUPE_TYPE_JSON)
    return NULL;

  if (is_shared)
    json = troupe_json_copy (json);
  text = g_strdup (json_object_to_json_string_ext (json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
  if (is_shared)
    json_object_put (json);

  return text;
}

gpointer
troupe_body_steal_pointer (TroupeBody *self)
{
  gpointer pointer = troupe_body_get_pointer (self);

  if (self->type == TROUPE_TYPE_BODY_BOX)
    troupe_slab_free (TROUPE_SLAB_SMALL, self->v_pointer);
  else if (self->type != G_TYPE_POINTER)
    return NULL;

  *self = TROUPE_BODY_NOTHING;
  return pointer;
}

gpointer
troupe_body_steal_pointer_full (TroupeBody     *self,
                                GDestroyNotify *destroy)
{
  *destroy = self->type == TROUPE_TYPE_BODY_BOX ? ((TroupeBodyBox *) self->v_pointer)->destroy : NULL;
  return troupe_body_steal_pointer (self);
}

struct json_object *
troupe_body_steal_json (TroupeBody *self)
{
  struct json_object *json = troupe_body_get_json (self);

  if (self->type == TROUPE_TYPE_JSON)
    *self = TROUPE_BODY_NOTHING;

  return json;
}

void
troupe_body_to_value (const TroupeBody *self,
                      GValue           *value)
{
  if (self->type == G_TYPE_NONE || self->type == G_TYPE_INVALID)
    {
      g_value_init (value, G_TYPE_POINTER);
      return;
    }

  g_value_init (value, troupe_body_get_type (self));

  switch (G_TYPE_FUNDAMENTAL (self->type))
    {
    case G_TYPE_INT64:
      g_value_set_int64 (value, self->v_int64);
      break;

    case G_TYPE_UINT64:
      g_value_set_uint64 (value, self->v_uint64);
      break;

    case G_TYPE_DOUBLE:
      g_value_set_double (value, self->v_double);
      break;

    case G_TYPE_BOOLEAN:
      g_value_set_boolean (value, self->v_int64 != 0);
      break;

    case G_TYPE_STRING:
      g_value_set_string (value, self->v_pointer);
      break;

    case G_TYPE_VARIANT:
      g_value_set_variant (value, self->v_pointer);
      break;

    case G_TYPE_OBJECT:
    case G_TYPE_INTERFACE:
      g_value_set_object (value, self->v_pointer);
      break;

    case G_TYPE_BOXED:
      g_value_set_boxed (value, self->v_pointer);
      break;

    case G_TYPE_POINTER:
      g_value_set_pointer (value, troupe_body_get_pointer (self));
      break;

    default:
      g_assert_not_reached ();
    }
}

gboolean
troupe_body_can_be_held (const TroupeBody *self)
{
  return !troupe_body_is_plain (self) && self->type != TROUPE_TYPE_BODY_BOX && self->type != G_TYPE_POINTER &&
         self->type != TROUPE_TYPE_JSON;
}

gboolean
troupe_body_copy (const TroupeBody *self,
                  TroupeBody       *copy)
{
  if (G_LIKELY (troupe_body_is_bytes (self)))
    {
      copy->type = self->type;
      copy->v_pointer = g_bytes_ref (self->v_pointer);
      return TRUE;
    }

  troupe_body_move (copy, self);
  if (troupe_body_is_plain (self))
    return TRUE;

  if (self->type == TROUPE_TYPE_BODY_BOX)
    {
      *copy = TROUPE_BODY_NOTHING;
      return FALSE;
    }

  if (self->type == G_TYPE_INVALID)
    copy->v_pointer = g_error_copy (self->v_pointer);
  else if (self->v_pointer == NULL)
    return TRUE;
  else if (self->type == G_TYPE_STRING)
    copy->v_pointer = g_ref_string_acquire (self->v_pointer);
  else if (self->type == G_TYPE_VARIANT)
    copy->v_pointer = g_variant_ref (self->v_pointer);
  else if (G_TYPE_FUNDAMENTAL (self->type) == G_TYPE_BOXED)
    copy->v_pointer = g_boxed_copy (self->type, self->v_pointer);
  else if (g_type_is_a (self->type, G_TYPE_OBJECT))
    copy->v_pointer = g_object_ref (self->v_pointer);

  return TRUE;
}

static void
troupe_body_clear_box (TroupeBodyBox *box)
{
  GDestroyNotify destroy = box->destroy;
  gpointer pointer = box->pointer;

  troupe_slab_free (TROUPE_SLAB_SMALL, box);
  destroy (pointer);
}

void
troupe_body_clear_slow (TroupeBody *self)
{
  TroupeBody body;

  /* What is sent most comes first. */
  if (G_LIKELY (troupe_body_is_bytes (self)))
    {
      self->type = G_TYPE_NONE;
      g_bytes_unref (g_steal_pointer (&self->v_pointer));
      return;
    }

  /* What is freed may look here again. */
  body = *self;
  *self = TROUPE_BODY_NOTHING;

  if (body.v_pointer == NULL || body.type == G_TYPE_POINTER)
    return;

  if (body.type == G_TYPE_STRING)
    g_ref_string_release (body.v_pointer);
  else if (body.type == G_TYPE_INVALID)
    g_error_free (body.v_pointer);
  else if (body.type == G_TYPE_VARIANT)
    g_variant_unref (body.v_pointer);
  else if (body.type == TROUPE_TYPE_BODY_BOX)
    troupe_body_clear_box (body.v_pointer);
  else if (body.type == TROUPE_TYPE_JSON)
    json_object_put (body.v_pointer);
  else if (G_TYPE_FUNDAMENTAL (body.type) == G_TYPE_BOXED)
    g_boxed_free (body.type, body.v_pointer);
  else
    g_object_unref (body.v_pointer);
}
