/* troupe-body-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <json-c/json.h>

#include "troupe-json.h"

G_BEGIN_DECLS

/*
 * One typed value, as messages carry and promises resolve to: a type and a word.
 *
 * G_TYPE_NONE is nothing; strings are GRefStrings; G_TYPE_POINTER with a free function is a private box
 * (type TROUPE_TYPE_BODY_BOX inside, G_TYPE_POINTER outside). G_TYPE_INVALID is an error, which only promises hold.
 */
typedef struct
{
  GType type;
  union
  {
    gint64   v_int64;
    guint64  v_uint64;
    double   v_double;
    gpointer v_pointer;
  };
} TroupeBody;

#define TROUPE_BODY_NOTHING ((TroupeBody) { .type = G_TYPE_NONE })

/* Makers take a reference or copy of what they are given, but for pointer and json, which they take over. */
TroupeBody  troupe_body_string      (const char         *string);
TroupeBody  troupe_body_bytes       (GBytes             *bytes);
TroupeBody  troupe_body_variant     (GVariant           *variant);
TroupeBody  troupe_body_object      (gpointer            object);
TroupeBody  troupe_body_boxed       (GType               type,
                                     gconstpointer       boxed);
TroupeBody  troupe_body_pointer     (gpointer            pointer,
                                     GDestroyNotify      destroy);
TroupeBody  troupe_body_json        (struct json_object *json);
gboolean    troupe_body_from_json_string (TroupeBody    *self,
                                          const char    *text,
                                          GError       **error);
gboolean    troupe_body_from_value  (TroupeBody         *self,
                                     const GValue       *value);      /* FALSE: no such body type */

static inline TroupeBody
troupe_body_int64 (gint64 number)
{
  return (TroupeBody) { .type = G_TYPE_INT64, .v_int64 = number };
}

static inline TroupeBody
troupe_body_uint64 (guint64 number)
{
  return (TroupeBody) { .type = G_TYPE_UINT64, .v_uint64 = number };
}

static inline TroupeBody
troupe_body_double (double number)
{
  return (TroupeBody) { .type = G_TYPE_DOUBLE, .v_double = number };
}

static inline TroupeBody
troupe_body_boolean (gboolean truth)
{
  return (TroupeBody) { .type = G_TYPE_BOOLEAN, .v_int64 = !!truth };
}

/* A caller's mistake, a critical naming both types. */
void                troupe_body_complain    (const TroupeBody *self,
                                             const char       *wanted);

/* The readers check the type: a wrong one is the caller's mistake, and reads as 0 or NULL. */
static inline gint64
troupe_body_get_int64 (const TroupeBody *self)
{
  if (G_LIKELY (self->type == G_TYPE_INT64))
    return self->v_int64;

  troupe_body_complain (self, "gint64");
  return 0;
}

static inline guint64
troupe_body_get_uint64 (const TroupeBody *self)
{
  if (G_LIKELY (self->type == G_TYPE_UINT64))
    return self->v_uint64;

  troupe_body_complain (self, "guint64");
  return 0;
}

double              troupe_body_get_double  (const TroupeBody *self);
gboolean            troupe_body_get_boolean (const TroupeBody *self);
const char         *troupe_body_get_string  (const TroupeBody *self);
GBytes             *troupe_body_get_bytes   (const TroupeBody *self);
GVariant           *troupe_body_get_variant (const TroupeBody *self);
gpointer            troupe_body_get_object  (const TroupeBody *self);
gpointer            troupe_body_get_boxed   (const TroupeBody *self);
gpointer            troupe_body_get_boxed_of (const TroupeBody *self,
                                              GType             type);
gpointer            troupe_body_get_pointer (const TroupeBody *self);
struct json_object *troupe_body_get_json    (const TroupeBody *self);
/* JSON as text on one line. IS_SHARED if other threads may read it now, for json-c writes into a tree while it reads it. */
char               *troupe_body_dup_json_string (const TroupeBody *self,
                                                 gboolean          is_shared);

/* Takes the pointer or the JSON tree out, leaving nothing. */
gpointer            troupe_body_steal_pointer (TroupeBody *self);
/* The same, with who is to free it, or NULL. */
gpointer            troupe_body_steal_pointer_full (TroupeBody     *self,
                                                    GDestroyNotify *destroy);
struct json_object *troupe_body_steal_json    (TroupeBody *self);

/* Initialises VALUE, which must be zeroed: a string as string, a pointer as pointer, JSON as a copy of the tree,
 * nothing, and an error, as a NULL pointer, which languages know: of a value without a type they say that it is unknown. */
void                troupe_body_to_value    (const TroupeBody *self,
                                             GValue           *value);
GType               troupe_body_get_type    (const TroupeBody *self);  /* what callers see */
gboolean            troupe_body_copy        (const TroupeBody *self,
                                             TroupeBody       *copy);  /* FALSE: cannot be shared */
void                troupe_body_clear_slow  (TroupeBody       *self);

/* Word by word: each was stored alone a moment ago, and a processor cannot forward two stores to one wider load. */
static inline void
troupe_body_move (TroupeBody       *to,
                  const TroupeBody *from)
{
  to->type = from->type;
  to->v_int64 = from->v_int64;
}

/* Nothing, or a number: there is nothing to copy or to free but the words. */
static inline gboolean
troupe_body_is_plain (const TroupeBody *self)
{
  /* A fundamental type is a small number; one test instead of five. */
  const guint64 plain = G_GUINT64_CONSTANT (1) << G_TYPE_NONE | G_GUINT64_CONSTANT (1) << G_TYPE_BOOLEAN |
                        G_GUINT64_CONSTANT (1) << G_TYPE_INT64 | G_GUINT64_CONSTANT (1) << G_TYPE_UINT64 |
                        G_GUINT64_CONSTANT (1) << G_TYPE_DOUBLE;

  return self->type < 64 && (plain >> self->type & 1) != 0;
}

/* Whether several envelopes on one thread may hold it together: a reference that no receiver takes out. */
gboolean            troupe_body_can_be_held (const TroupeBody *self);

G_STATIC_ASSERT (G_TYPE_DOUBLE < 64);

/* Leaves nothing. */
static inline void
troupe_body_clear (TroupeBody *self)
{
  if (troupe_body_is_plain (self))
    self->type = G_TYPE_NONE;
  else
    troupe_body_clear_slow (self);
}

G_END_DECLS
