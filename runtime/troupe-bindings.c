/* troupe-bindings.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-bindings-private.h"

/* Both tables hang on the type and not in the class structure, which children copy. */
static GMutex mutex;

typedef struct
{
  TroupeBinding binding;
  const char   *behaviour;           /* interned, or NULL */
} OwnBinding;

/* GArray of OwnBinding: what the type itself has bound */
static GQuark
own_quark (void)
{
  return g_quark_from_static_string ("troupe-bindings-own");
}

/* TroupeBindings: what instances look in */
static GQuark
flat_quark (void)
{
  return g_quark_from_static_string ("troupe-bindings-flat");
}

static OwnBinding *
find_own (GArray     *own,
          const char *behaviour,
          const char *name)
{
  guint i;

  for (i = 0; i < own->len; i++)
    {
      OwnBinding *place = &g_array_index (own, OwnBinding, i);

      if (place->binding.name == name && place->behaviour == behaviour)
        return place;
    }

  return NULL;
}

void
troupe_bindings_add (GType          type,
                     const char    *behaviour,
                     const char    *name,
                     GType          body_type,
                     TroupeHandler  handler,
                     TroupeHandler  on_fiber)
{
  OwnBinding binding = { { g_intern_string (name), body_type, handler, on_fiber }, g_intern_string (behaviour) };
  GArray *own;
  OwnBinding *old;

  g_mutex_lock (&mutex);

  if (g_type_get_qdata (type, flat_quark ()) != NULL)
    {
      g_mutex_unlock (&mutex);
      g_critical ("Cannot bind “%s” for %s, which has instances already", name, g_type_name (type));
      return;
    }

  own = g_type_get_qdata (type, own_quark ());
  if (own == NULL)
    {
      own = g_array_new (FALSE, FALSE, sizeof (OwnBinding));
      g_type_set_qdata (type, own_quark (), own);
    }

  old = find_own (own, binding.behaviour, binding.binding.name);
  if (old != NULL)
    *old = binding;
  else
    g_array_append_val (own, binding);

  g_mutex_unlock (&mutex);
}

/* The nearest ancestor's that is bound in BEHAVIOUR, of each name that ALL has not got yet. */
static void
collect_locked (GType       type,
                const char *behaviour,
                GPtrArray  *all)
{
  g_autoptr (GHashTable) known = g_hash_table_new (NULL, NULL);
  GType ancestor;
  guint i;

  for (i = 0; i < all->len; i++)
    g_hash_table_add (known, (gpointer) ((TroupeBinding *) all->pdata[i])->name);

  for (ancestor = type; ancestor != 0 && ancestor != G_TYPE_OBJECT; ancestor = g_type_parent (ancestor))
    {
      GArray *own = g_type_get_qdata (ancestor, own_quark ());

      for (i = 0; own != NULL && i < own->len; i++)
        {
          OwnBinding *place = &g_array_index (own, OwnBinding, i);

          if (place->behaviour == behaviour && g_hash_table_add (known, (gpointer) place->binding.name))
            g_ptr_array_add (all, &place->binding);
        }
    }
}

static TroupeBindings *
flatten_locked (GType       type,
                const char *behaviour)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new ();
  guint size = 4;
  TroupeBindings *self;
  guint i;

  if (behaviour != NULL)
    collect_locked (type, behaviour, all);
  collect_locked (type, NULL, all);

  /* At most half full: there is always a free place to end a search at. */
  while (size < 2 * all->len + 1)
    size *= 2;

  self = g_malloc0 (sizeof *self + size * sizeof (TroupeBinding));
  self->behaviour = behaviour;
  self->mask = size - 1;

  for (i = 0; i < all->len; i++)
    {
      TroupeBinding *binding = all->pdata[i];
      guint place = troupe_bindings_hash (binding->name);

      while (self->places[place & self->mask].name != NULL)
        place++;
      self->places[place & self->mask] = *binding;
    }

  return self;
}

static TroupeBindings *
flatten_all_locked (GType type)
{
  TroupeBindings *self = flatten_locked (type, NULL);
  GType ancestor;

  for (ancestor = type; ancestor != 0 && ancestor != G_TYPE_OBJECT; ancestor = g_type_parent (ancestor))
    {
      GArray *own = g_type_get_qdata (ancestor, own_quark ());
      guint i;

      for (i = 0; own != NULL && i < own->len; i++)
        {
          const char *behaviour = g_array_index (own, OwnBinding, i).behaviour;

          if (troupe_bindings_find (self, behaviour) == NULL)
            {
              TroupeBindings *more = flatten_locked (type, behaviour);

              more->next = self->next;
              self->next = more;
            }
        }
    }

  return self;
}

const TroupeBindings *
troupe_bindings_find (const TroupeBindings *plain,
                      const char           *behaviour)
{
  const TroupeBindings *self;

  for (self = plain; self != NULL; self = self->next)
    if (g_strcmp0 (self->behaviour, behaviour) == 0)
      return self;

  return NULL;
}

const TroupeBindings *
troupe_bindings_get (GType type)
{
  TroupeBindings *self = g_type_get_qdata (type, flat_quark ());

  if (self != NULL)
    return self;

  g_mutex_lock (&mutex);
  self = g_type_get_qdata (type, flat_quark ());
  if (self == NULL)
    {
      self = flatten_all_locked (type);
      g_type_set_qdata (type, flat_quark (), self);
    }
  g_mutex_unlock (&mutex);

  return self;
}
