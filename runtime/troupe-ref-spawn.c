/* troupe-ref-spawn.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <gobject/gvaluecollector.h>

#include "troupe-error.h"
#include "troupe-mailbox-private.h"
#include "troupe-pool-private.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-life-private.h"
#include "troupe-system-private.h"

#define MAX_NAME_LENGTH 255

static gboolean
check_name (const char  *name,
            GError     **error)
{
  const char *problem = NULL;
  const char *p;

  if (name == NULL)
    return TRUE;

  if (*name == '\0')
    problem = "is empty";
  else if (strlen (name) > MAX_NAME_LENGTH)
    problem = "is longer than 255 bytes";
  else if (!g_utf8_validate (name, -1, NULL))
    problem = "is not UTF-8";

  for (p = name; problem == NULL && *p != '\0'; p++)
    if (*p == '/' || g_ascii_iscntrl (*p))
      problem = "has a slash or a control character in it";

  if (problem != NULL)
    {
      g_autofree char *valid = g_utf8_make_valid (name, -1);

      g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_NAME, "The name “%s” %s", valid, problem);
    }

  return problem == NULL;
}

static gboolean
check_property (GType         type,
                GObjectClass *klass,
                const char   *name,
                const GValue *value,
                GError      **error)
{
  GParamSpec *pspec = g_object_class_find_property (klass, name);

  if (pspec == NULL)
    g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_PROPERTY,
                 "%s has no property “%s”", g_type_name (type), name);
  else if (!(pspec->flags & G_PARAM_WRITABLE))
    g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_PROPERTY,
                 "The property “%s” of %s cannot be set", name, g_type_name (type));
  else if (value != NULL && !g_value_type_transformable (G_VALUE_TYPE (value), pspec->value_type))
    g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_PROPERTY,
                 "The property “%s” of %s is a %s and not a %s", name, g_type_name (type),
                 g_type_name (pspec->value_type), G_VALUE_TYPE_NAME (value));
  else
    return TRUE;

  return FALSE;
}

static TroupeBirth *
troupe_birth_new (guint          n_properties,
                  const char   **names,
                  const GValue  *values)
{
  TroupeBirth *self;
  guint i;

  if (n_properties == 0)
    return NULL;

  self = g_new0 (TroupeBirth, 1);
  self->n_properties = n_properties;
  self->names = g_new0 (char *, n_properties);
  self->values = g_new0 (GValue, n_properties);

  for (i = 0; i < n_properties; i++)
    {
      self->names[i] = g_strdup (names[i]);
      g_value_init (&self->values[i], G_VALUE_TYPE (&values[i]));
      g_value_copy (&values[i], &self->values[i]);
    }

  return self;
}

static TroupeRef *
troupe_ref_new (TroupeReactor *reactor,
                TroupeSystem  *system,
                TroupeRef     *parent,
                GType          type)
{
  TroupeRef *self = troupe_slab_alloc (TROUPE_SLAB_LARGE);

  *self = (TroupeRef) {
    .ref_count = 1,
    .state = TROUPE_REF_LIVE,
    .reactor = g_object_ref (reactor),
    .system = parent != NULL ? g_object_ref (system) : system,
    .type = type,
    .parent = parent != NULL ? troupe_ref_ref (parent) : NULL,
  };

  return self;
}

TroupeRef *
troupe_ref_new_outside (TroupeReactor *reactor)
{
  TroupeRef *self = troupe_ref_new (reactor, NULL, NULL, G_TYPE_NONE);

  self->flags = TROUPE_REF_OUTSIDE;

  return self;
}

/*
 * A new actor is first put among its parent's children, on the parent's thread, and then begins, on its own. What the parent tells
 * it afterwards comes after that. Somebody on its thread may find it before: what it is sent waits until it begins (TROUPE_REF_QUEUED).
 */

static void
troupe_ref_begin (TroupeRef *self,
                  gpointer   data)
{
  self->flags &= ~TROUPE_REF_QUEUED;
  troupe_ref_set_control (self, TROUPE_CONTROL_BIRTH);
  if (self->parent != NULL && troupe_system_wants_news (self->system, TROUPE_NEWS_SPAWNED))
    troupe_system_publish_news (self->system, TROUPE_NEWS_SPAWNED, self, TROUPE_TYPE_REF, self);
}

static void
troupe_ref_give_up_birth (TroupeRef *self,
                          gpointer   data)
{
  self->flags &= ~TROUPE_REF_QUEUED;
  troupe_ref_end_unborn (self);
}

void
troupe_ref_begin_life (TroupeRef *self)
{
  troupe_ref_call_at_once (self, troupe_ref_begin, troupe_ref_give_up_birth, NULL);
}

/* Of the factory that builds now, in whose turn we are; or NULL. */
static TroupeNursery *
troupe_ref_get_nursery (void)
{
  TroupeNursery *nursery = troupe_reactor_here != NULL ? troupe_reactor_here->nursery : NULL;

  return nursery != NULL && troupe_ref_get_current () == nursery->factory ? nursery : NULL;
}

/* It is to begin later. */
static void
troupe_ref_note_birth (TroupeRef     *self,
                       TroupeNursery *nursery)
{
  if (nursery->refs == NULL)
    nursery->refs = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_ref_unref);
  g_ptr_array_add (nursery->refs, troupe_ref_ref (self));
}

/* On its parent's thread. */
static void
troupe_ref_join_parent (TroupeRef *self)
{
  TroupeNursery *nursery = troupe_ref_get_nursery ();

  if (!troupe_ref_link_parent (self))
    troupe_ref_call_at_once (self, troupe_ref_give_up_birth, troupe_ref_give_up_birth, NULL);
  else if (nursery != NULL && !troupe_reactor_is_here (self->reactor))
    troupe_ref_note_birth (self, nursery);
  else
    troupe_ref_begin_life (self);
}

static void
troupe_ref_take_child (TroupeRef *self,
                       gpointer   data)
{
  g_autoptr (TroupeRef) child = data;

  troupe_ref_join_parent (child);
}

static void
troupe_ref_refuse_child (TroupeRef *self,
                         gpointer   data)
{
  g_autoptr (TroupeRef) child = data;

  troupe_ref_call_at_once (child, troupe_ref_give_up_birth, troupe_ref_give_up_birth, NULL);
}

/* Where an actor lives for which nobody has said. PARENT is NULL for a root, whose place is always said. */
static TroupeReactor *
troupe_ref_choose_place (TroupeRef  *parent,
                         GType       type,
                         GError    **error)
{
  TroupeNursery *nursery = troupe_ref_get_nursery ();

  if (nursery != NULL && nursery->place != NULL && parent == nursery->factory && g_type_is_a (type, nursery->type) &&
      !troupe_system_is_blocking (type))
    return nursery->place;

  return troupe_system_place (parent->system, parent, type, error);
}

/* Takes its name, and its place among those of its thread; or gives back what it has of either. */
static gboolean
troupe_ref_enlist (TroupeRef  *self,
                   GError    **error)
{
  TroupeRegistry *registry = troupe_system_get_registry (self->system);

  if (self->name != NULL && !troupe_registry_add (registry, self, error))
    {
      if (self->reactor->pool_thread != NULL)
        troupe_pool_give_back (self->reactor);
      return FALSE;
    }

  if (!troupe_pool_concerns (self) || troupe_pool_enter (self))
    return TRUE;

  if (self->name != NULL)
    troupe_registry_remove (registry, self);
  g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED, "The system has ended, and has left this thread behind");
  return FALSE;
}

TroupeRef *
troupe_ref_spawn (TroupeSystem  *system,
                  TroupeReactor *reactor,
                  TroupeRef     *parent,
                  const char    *name,
                  GType          type,
                  guint          n_properties,
                  const char   **names,
                  const GValue  *values,
                  GError       **error)
{
  g_autoptr (TroupeRef) self = NULL;

  if (!check_name (name, error))
    return NULL;

  if (n_properties > 0)
    {
      g_autoptr (GTypeClass) klass = g_type_class_ref (type);
      guint i;

      for (i = 0; i < n_properties; i++)
        if (!check_property (type, (GObjectClass *) klass, names[i], &values[i], error))
          return NULL;
    }

  if (parent != NULL && troupe_ref_get_state (parent) != TROUPE_REF_LIVE)
    {
      g_autofree char *path = troupe_ref_dup_path (parent);

      if (parent->parent == NULL)
        g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED, "The system has been shut down, or has given up, and has no more actors");
      else
        g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED, "The actor “%s” has stopped and has no more children", path);
      return NULL;
    }

  if (reactor == NULL)
    reactor = troupe_ref_choose_place (parent, type, error);
  else if (reactor->pool_thread != NULL)
    troupe_pool_share_reactor (reactor);
  if (reactor == NULL)
    return NULL;

  self = troupe_ref_new (reactor, system, parent, type);
  if (reactor->pool_thread != NULL)
    g_object_unref (reactor);
  self->serial = troupe_system_next_serial (system);
  self->name = g_strdup (name);
  troupe_mailbox_set_up (self);
  if (!troupe_reactor_is_here (reactor) || (parent != NULL && !troupe_reactor_is_here (parent->reactor)))
    self->flags |= TROUPE_REF_QUEUED;
  if (n_properties > 0)
    troupe_ref_need_extra (self)->birth = troupe_birth_new (n_properties, names, values);

  /* From here on others may find it, and send to it on other threads. */
  if (!troupe_ref_enlist (self, error))
    return NULL;
  if (parent != NULL)
    troupe_system_count_actor (system, reactor, 1);

  /* At once: it may be stopped before it has had a turn. */
  if (parent == NULL)
    troupe_ref_begin (troupe_ref_ref (self), NULL);
  else if (troupe_reactor_is_here (parent->reactor))
    troupe_ref_join_parent (self);
  else
    troupe_ref_call_at_once (parent, troupe_ref_take_child, troupe_ref_refuse_child, troupe_ref_ref (self));
  if (name != NULL)
    troupe_registry_announce (troupe_system_get_registry (system), self);

  return g_steal_pointer (&self);
}

static void
clear_value (gpointer data)
{
  GValue *value = data;

  if (G_IS_VALUE (value))
    g_value_unset (value);
}

/* Collects the arguments as g_object_new () does; here, because the object is built later. */
static gboolean
collect_properties (GType         type,
                    const char   *name,
                    va_list      *args,
                    GPtrArray    *names,
                    GArray       *values,
                    GError      **error)
{
  g_autoptr (GTypeClass) klass = g_type_class_ref (type);

  for (; name != NULL; name = va_arg (*args, const char *))
    {
      GValue value = G_VALUE_INIT;
      g_autofree char *problem = NULL;

      if (!check_property (type, (GObjectClass *) klass, name, NULL, error))
        return FALSE;

      G_VALUE_COLLECT_INIT (&value,
                            g_object_class_find_property ((GObjectClass *) klass, name)->value_type,
                            *args, 0, &problem);
      if (problem != NULL)
        {
          g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_PROPERTY,
                       "The property “%s” of %s cannot be set: %s", name, g_type_name (type), problem);
          return FALSE;
        }

      g_ptr_array_add (names, (gpointer) name);
      g_array_append_val (values, value);
    }

  return TRUE;
}

TroupeRef *
troupe_ref_spawn_valist (TroupeRef     *parent,
                         TroupeReactor *reactor,
                         const char    *name,
                         GType          type,
                         GError       **error,
                         const char    *first_property,
                         va_list        args)
{
  g_autoptr (GPtrArray) names = NULL;
  g_autoptr (GArray) values = NULL;
  va_list copy;
  gboolean collected;

  if (first_property == NULL)
    return troupe_ref_spawn (parent->system, reactor, parent, name, type, 0, NULL, NULL, error);

  names = g_ptr_array_new ();
  values = g_array_new (FALSE, TRUE, sizeof (GValue));
  g_array_set_clear_func (values, clear_value);

  va_copy (copy, args);
  collected = collect_properties (type, first_property, &copy, names, values, error);
  va_end (copy);
  if (!collected)
    return NULL;

  return troupe_ref_spawn (parent->system, reactor, parent, name, type, names->len,
                           (const char **) names->pdata, (const GValue *) (gpointer) values->data, error);
}
