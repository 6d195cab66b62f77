/* troupe-bindings.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-bindings-private.h"

/* Both tables hang on the type and not in the class structure, which children copy. */
static GMutex mutex;

/* GArray of TroupeBinding: what the type itself has bound */
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

static TroupeBinding *
find_own (GArray     *own,
          const char *name)
{
  guint i;

  for (i = 0; own != NULL && i < own->len; i++)
    if (g_array_index (own, TroupeBinding, i).name == name)
      return &g_array_index (own, TroupeBinding, i);

  return NULL;
}

void
troupe_bindings_add (GType          type,
                     const char    *name,
                     GType          body_type,
                     TroupeHandler  handler)
{
  TroupeBinding binding = { g_intern_string (name), body_type, handler };
  GArray *own;
  TroupeBinding *old;

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
      own = g_array_new (FALSE, FALSE, sizeof (TroupeBinding));
      g_type_set_qdata (type, own_quark (), own);
    }

  old = find_own (own, binding.name);
  if (old != NULL)
    *old = binding;
  else
    g_array_append_val (own, binding);

  g_mutex_unlock (&mutex);
}

/* Nearest first, so a child's binding hides its parent's. */
static GArray *
collect_locked (GType type)
{
  GArray *all = g_array_new (FALSE, FALSE, sizeof (TroupeBinding));
  GType ancestor;

  for (ancestor = type; ancestor != 0 && ancestor != G_TYPE_OBJECT; ancestor = g_type_parent (ancestor))
    {
      GArray *own = g_type_get_qdata (ancestor, own_quark ());
      guint i;

      for (i = 0; own != NULL && i < own->len; i++)
        {
          TroupeBinding *binding = &g_array_index (own, TroupeBinding, i);

          if (find_own (all, binding->name) == NULL)
            g_array_append_val (all, *binding);
        }
    }

  return all;
}

static TroupeBindings *
flatten_locked (GType type)
{
  g_autoptr (GArray) all = collect_locked (type);
  guint size = 4;
  TroupeBindings *self;
  guint i;

  /* At most half full: there is always a free place to end a search at. */
  while (size < 2 * all->len + 1)
    size *= 2;

  self = g_malloc0 (sizeof *self + size * sizeof (TroupeBinding));
  self->mask = size - 1;

  for (i = 0; i < all->len; i++)
    {
      TroupeBinding *binding = &g_array_index (all, TroupeBinding, i);
      guint place = troupe_bindings_hash (binding->name);

      while (self->places[place & self->mask].name != NULL)
        place++;
      self->places[place & self->mask] = *binding;
    }

  return self;
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
      self = flatten_locked (type);
      g_type_set_qdata (type, flat_quark (), self);
    }
  g_mutex_unlock (&mutex);

  return self;
}
