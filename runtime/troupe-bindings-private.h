/* troupe-bindings-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-ref-private.h"

G_BEGIN_DECLS

/* What a class has bound a name to. */
typedef struct
{
  const char    *name;               /* interned; NULL marks a free place */
  GType          body_type;
  TroupeHandler  handler;
  TroupeHandler  on_fiber;           /* what handler, then one of the fibers', runs on a stack of its own; else NULL */
} TroupeBinding;

/* The names of a type and all its ancestors, as a hash of interned pointers with open addressing. Never freed: a type is
 * for ever. One table for the plain names, and one for each behaviour, which has the plain names too. */
struct _TroupeBindings
{
  const char     *behaviour;         /* interned; NULL for the plain ones, which come first */
  TroupeBindings *next;
  guint           mask;
  TroupeBinding   places[];
};

static inline guint
troupe_bindings_hash (const char *name)
{
  guintptr word = (guintptr) name;

  return (guint) ((word >> 3) ^ (word >> 11));
}

static inline const TroupeBinding *
troupe_bindings_lookup (const TroupeBindings *self,
                        const char           *name)
{
  guint i;

  for (i = troupe_bindings_hash (name);; i++)
    {
      const TroupeBinding *place = &self->places[i & self->mask];

      if (place->name == name)
        return place;
      if (place->name == NULL)
        return NULL;
    }
}

/* BEHAVIOUR is NULL for a name that is bound in every one. */
void                  troupe_bindings_add  (GType                 type,
                                            const char           *behaviour,
                                            const char           *name,
                                            GType                 body_type,
                                            TroupeHandler         handler,
                                            TroupeHandler         on_fiber);
/* Made at the first call for TYPE; nothing can be bound for it or its ancestors afterwards. */
const TroupeBindings *troupe_bindings_get  (GType                 type);
/* The table for BEHAVIOUR, or NULL for the plain names, beside SELF; NULL if there is no such behaviour. */
const TroupeBindings *troupe_bindings_find (const TroupeBindings *plain,
                                            const char           *behaviour);

G_END_DECLS
