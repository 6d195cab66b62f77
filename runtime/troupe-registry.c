/* troupe-registry.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error.h"
#include "troupe-promise-private.h"
#include "troupe-registry-private.h"
#include "troupe-system-private.h"

/* A table holds no references: an actor takes itself out before it is gone. */
struct _TroupeRegistry
{
  GMutex      mutex;                 /* guards the rest */
  GHashTable *actors;                /* path to TroupeRef: names and aliases */
  GHashTable *aliases;               /* TroupeRef to GPtrArray: the paths that it has besides its own */
  GHashTable *waiters;               /* path to GQueue of TroupeWaiter, the oldest first */
  gboolean    closed;
};

/* A promise of somebody who has not come yet. The promise has a reference and, while it is in the table, the registry. */
typedef struct
{
  TroupeRegistry *registry;          /* a reference */
  char           *path;
  TroupeResolver *resolver;
  gboolean        listed;            /* in the table; this and the next under the mutex */
  gboolean        given_up;
} TroupeWaiter;

static void
troupe_waiter_clear (gpointer data)
{
  TroupeWaiter *self = data;

  troupe_resolver_unref (self->resolver);
  troupe_registry_unref (self->registry);
  g_free (self->path);
}

static void
troupe_waiter_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, troupe_waiter_clear);
}

static void
waiters_free (gpointer queue)
{
  g_queue_free_full (queue, troupe_waiter_unref);
}

TroupeRegistry *
troupe_registry_new (void)
{
  TroupeRegistry *self = g_atomic_rc_box_new0 (TroupeRegistry);

  g_mutex_init (&self->mutex);
  self->actors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->aliases = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref);
  self->waiters = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, waiters_free);

  return self;
}

static void
troupe_registry_clear (gpointer data)
{
  TroupeRegistry *self = data;

  g_hash_table_unref (self->actors);
  g_hash_table_unref (self->aliases);
  g_hash_table_unref (self->waiters);
  g_mutex_clear (&self->mutex);
}

void
troupe_registry_unref (TroupeRegistry *self)
{
  g_atomic_rc_box_release_full (self, troupe_registry_clear);
}

static gboolean
check_path (const char  *path,
            GError     **error)
{
  const char *problem = NULL;
  const char *p;

  if (*path != '/')
    problem = "does not begin with a slash";
  else if (!g_utf8_validate (path, -1, NULL))
    problem = "is not UTF-8";

  for (p = path; problem == NULL && *p != '\0'; p++)
    if (g_ascii_iscntrl (*p))
      problem = "has a control character in it";
    else if (*p == '/' && (p[1] == '/' || p[1] == '\0'))
      problem = "has an empty name in it";

  if (problem != NULL)
    {
      g_autofree char *valid = g_utf8_make_valid (path, -1);

      g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_NAME, "The path “%s” %s", valid, problem);
    }

  return problem == NULL;
}

/* Names */

static gboolean
troupe_registry_take_path_locked (TroupeRegistry  *self,
                                  TroupeRef       *ref,
                                  const char      *path,
                                  GError         **error)
{
  if (g_hash_table_contains (self->actors, path))
    {
      g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_NAME_IN_USE, "There is an actor “%s” already", path);
      return FALSE;
    }

  g_hash_table_insert (self->actors, g_strdup (path), ref);
  return TRUE;
}

gboolean
troupe_registry_add (TroupeRegistry  *self,
                     TroupeRef       *ref,
                     GError         **error)
{
  g_autofree char *path = troupe_ref_dup_path (ref);
  gboolean taken;

  g_mutex_lock (&self->mutex);
  taken = troupe_registry_take_path_locked (self, ref, path, error);
  g_mutex_unlock (&self->mutex);

  return taken;
}

void
troupe_registry_remove (TroupeRegistry *self,
                        TroupeRef      *ref)
{
  g_autofree char *path = troupe_ref_dup_path (ref);

  g_mutex_lock (&self->mutex);
  if (g_hash_table_lookup (self->actors, path) == ref)
    g_hash_table_remove (self->actors, path);
  g_mutex_unlock (&self->mutex);
}

static gboolean
troupe_registry_add_alias (TroupeRegistry  *self,
                           TroupeRef       *ref,
                           const char      *path,
                           GError         **error)
{
  GPtrArray *aliases;
  gboolean taken;

  g_mutex_lock (&self->mutex);
  taken = troupe_registry_take_path_locked (self, ref, path, error);
  if (taken)
    {
      aliases = g_hash_table_lookup (self->aliases, ref);
      if (aliases == NULL)
        {
          aliases = g_ptr_array_new_with_free_func (g_free);
          g_hash_table_insert (self->aliases, ref, aliases);
        }
      g_ptr_array_add (aliases, g_strdup (path));
    }
  g_mutex_unlock (&self->mutex);

  return taken;
}

static gboolean
troupe_registry_remove_alias (TroupeRegistry *self,
                              const char     *path)
{
  TroupeRef *ref;
  GPtrArray *aliases;
  guint i;
  gboolean found;

  g_mutex_lock (&self->mutex);
  ref = g_hash_table_lookup (self->actors, path);
  aliases = ref != NULL ? g_hash_table_lookup (self->aliases, ref) : NULL;
  found = aliases != NULL && g_ptr_array_find_with_equal_func (aliases, path, g_str_equal, &i);
  if (found)
    {
      g_hash_table_remove (self->actors, path);
      g_ptr_array_remove_index_fast (aliases, i);
      if (aliases->len == 0)
        g_hash_table_remove (self->aliases, ref);
    }
  g_mutex_unlock (&self->mutex);

  return found;
}

void
troupe_registry_forget (TroupeRegistry *self,
                        TroupeRef      *ref)
{
  GPtrArray *aliases;
  guint i;

  g_mutex_lock (&self->mutex);
  aliases = g_hash_table_lookup (self->aliases, ref);
  for (i = 0; aliases != NULL && i < aliases->len; i++)
    g_hash_table_remove (self->actors, g_ptr_array_index (aliases, i));
  g_hash_table_remove (self->aliases, ref);
  g_mutex_unlock (&self->mutex);
}

/* A reference. One that ends is not found any more, though its name is not free yet. */
static TroupeRef *
troupe_registry_find_locked (TroupeRegistry *self,
                             const char     *path)
{
  TroupeRef *ref = g_hash_table_lookup (self->actors, path);

  return ref != NULL && troupe_ref_get_state (ref) < TROUPE_REF_ENDING ? troupe_ref_ref (ref) : NULL;
}

static TroupeRef *
troupe_registry_find (TroupeRegistry *self,
                      const char     *path)
{
  TroupeRef *ref;

  g_mutex_lock (&self->mutex);
  ref = troupe_registry_find_locked (self, path);
  g_mutex_unlock (&self->mutex);

  return ref;
}

/* Waiters. Nothing is resolved while the mutex is held: steps may run in that. */

static void
troupe_registry_list_locked (TroupeRegistry *self,
                             TroupeWaiter   *waiter)
{
  GQueue *queue = g_hash_table_lookup (self->waiters, waiter->path);

  if (queue == NULL)
    {
      queue = g_queue_new ();
      g_hash_table_insert (self->waiters, g_strdup (waiter->path), queue);
    }

  waiter->listed = TRUE;
  g_queue_push_tail (queue, g_atomic_rc_box_acquire (waiter));
}

static void
troupe_registry_unlist_locked (TroupeRegistry *self,
                               TroupeWaiter   *waiter)
{
  GQueue *queue = g_hash_table_lookup (self->waiters, waiter->path);

  waiter->listed = FALSE;
  g_queue_remove (queue, waiter);
  if (g_queue_is_empty (queue))
    g_hash_table_remove (self->waiters, waiter->path);
}

/* Moves the waiters of QUEUE, which is freed. */
static void
steal_waiters (GQueue    *queue,
               GPtrArray *waiters)
{
  TroupeWaiter *waiter;

  while ((waiter = g_queue_pop_head (queue)) != NULL)
    {
      waiter->listed = FALSE;
      g_ptr_array_add (waiters, waiter);
    }
  g_queue_free (queue);
}

static void
troupe_registry_tell_waiters (TroupeRegistry *self,
                              const char     *path,
                              TroupeRef      *ref)
{
  g_autoptr (GPtrArray) waiters = g_ptr_array_new_with_free_func (troupe_waiter_unref);
  gpointer key;
  gpointer queue;
  guint i;

  g_mutex_lock (&self->mutex);
  if (g_hash_table_steal_extended (self->waiters, path, &key, &queue))
    {
      steal_waiters (queue, waiters);
      g_free (key);
    }
  g_mutex_unlock (&self->mutex);

  for (i = 0; i < waiters->len; i++)
    {
      TroupeWaiter *waiter = g_ptr_array_index (waiters, i);

      troupe_resolver_resolve_boxed (waiter->resolver, TROUPE_TYPE_REF, ref, NULL);
    }
}

void
troupe_registry_announce (TroupeRegistry *self,
                          TroupeRef      *ref)
{
  g_autofree char *path = troupe_ref_dup_path (ref);

  troupe_registry_tell_waiters (self, path, ref);
}

static void
troupe_waiter_refuse (TroupeWaiter *self)
{
  troupe_resolver_take_error (self->resolver,
                              g_error_new (TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED,
                                           "The system has ended: there will be no actor “%s”", self->path));
}

void
troupe_registry_close (TroupeRegistry *self)
{
  g_autoptr (GPtrArray) waiters = g_ptr_array_new_with_free_func (troupe_waiter_unref);
  GHashTableIter iter;
  gpointer path;
  gpointer queue;
  guint i;

  g_mutex_lock (&self->mutex);
  self->closed = TRUE;
  g_hash_table_iter_init (&iter, self->waiters);
  while (g_hash_table_iter_next (&iter, &path, &queue))
    {
      g_hash_table_iter_steal (&iter);
      steal_waiters (queue, waiters);
      g_free (path);
    }
  g_mutex_unlock (&self->mutex);

  for (i = 0; i < waiters->len; i++)
    troupe_waiter_refuse (g_ptr_array_index (waiters, i));
}

/* The promise has an outcome, or nobody is left to see one. */
static void
troupe_waiter_give_up (gpointer data)
{
  TroupeWaiter *self = data;
  TroupeRegistry *registry = self->registry;

  g_mutex_lock (&registry->mutex);
  self->given_up = TRUE;
  if (self->listed)
    {
      troupe_registry_unlist_locked (registry, self);
      g_atomic_rc_box_release (self);
    }
  g_mutex_unlock (&registry->mutex);

  troupe_waiter_unref (self);
}

/* What is to be done is done when its data is freed, which happens also when the actor that waits ends. */
static void
troupe_waiter_cancelled_cb (TroupeResolver *resolver,
                            gpointer        data)
{
}

static TroupeWaiter *
troupe_waiter_new (TroupeRegistry  *registry,
                   const char      *path,
                   TroupePromise  **promise)
{
  TroupeWaiter *self = g_atomic_rc_box_new0 (TroupeWaiter);

  self->registry = g_atomic_rc_box_acquire (registry);
  self->path = g_strdup (path);
  *promise = troupe_promise_new_with_canceller (&self->resolver, troupe_waiter_cancelled_cb,
                                                g_atomic_rc_box_acquire (self), troupe_waiter_give_up);

  return self;
}

static void
troupe_registry_serve (TroupeRegistry *self,
                       TroupeWaiter   *waiter)
{
  g_autoptr (TroupeRef) ref = NULL;
  gboolean closed;

  g_mutex_lock (&self->mutex);
  ref = troupe_registry_find_locked (self, waiter->path);
  closed = self->closed;
  if (ref == NULL && !closed && !waiter->given_up)
    troupe_registry_list_locked (self, waiter);
  g_mutex_unlock (&self->mutex);

  if (ref != NULL)
    troupe_resolver_resolve_boxed (waiter->resolver, TROUPE_TYPE_REF, ref, NULL);
  else if (closed)
    troupe_waiter_refuse (waiter);
}

/* For everybody */

/**
 * troupe_system_lookup:
 * @self: a system
 * @path: a path of names that were given, such as “/hits”, or an alias
 *
 * Finds an actor by its path, or by one that [method@Troupe.System.register] gave it.
 *
 * Actors whose name was made of a serial number are not found, nor are those that end. Call it from any thread.
 *
 * Returns: (transfer full) (nullable): the address of the actor, or %NULL if there is none of that name
 *
 * Since: 1.0
 */
TroupeRef *
troupe_system_lookup (TroupeSystem *self,
                      const char   *path)
{
  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), NULL);
  g_return_val_if_fail (path != NULL, NULL);

  return troupe_registry_find (troupe_system_get_registry (self), path);
}

/**
 * troupe_system_wait_for:
 * @self: a system
 * @path: a path, as for [method@Troupe.System.lookup]
 *
 * Promises the address of an actor that may still be to come.
 *
 * The value, of type [struct@Troupe.Ref], is there at once if the actor is, else as soon as somebody spawns an actor of that path or
 * registers one. The order of asking is that of the answers. Nobody may ever come: [method@Troupe.Promise.add_timeout] limits the time,
 * and cancelling the promise ends the waiting. It is rejected with %TROUPE_ERROR_BAD_NAME if no actor can have that path, and
 * with %TROUPE_ERROR_ACTOR_STOPPED once the system has ended. Call it from any thread; the promise belongs to the caller.
 *
 * Returns: (transfer full): a promise of the actor's address
 *
 * Since: 1.0
 */
TroupePromise *
troupe_system_wait_for (TroupeSystem *self,
                        const char   *path)
{
  GError *error = NULL;
  TroupePromise *promise;
  TroupeWaiter *waiter;

  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), NULL);
  g_return_val_if_fail (path != NULL, NULL);

  if (!check_path (path, &error))
    return troupe_promise_new_rejected (error);

  waiter = troupe_waiter_new (troupe_system_get_registry (self), path, &promise);
  troupe_registry_serve (waiter->registry, waiter);
  troupe_waiter_unref (waiter);

  return promise;
}

/**
 * troupe_system_register:
 * @self: a system
 * @path: a path that no actor has, beginning with a slash, such as “/database”
 * @ref: the address of an actor of the system
 * @error: return location for a #GError
 *
 * Gives an actor an alias: one more path to be found under.
 *
 * Any number may be given. All are free again when the actor begins to end, or by [method@Troupe.System.unregister]. An alias is
 * a name to look up, no place in the tree: the actor's own path stays what it is. Call it from any thread.
 *
 * A path that cannot be one is %TROUPE_ERROR_BAD_NAME, one that an actor has %TROUPE_ERROR_NAME_IN_USE; an actor that has ended gets
 * %TROUPE_ERROR_ACTOR_STOPPED.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
troupe_system_register (TroupeSystem  *self,
                        const char    *path,
                        TroupeRef     *ref,
                        GError       **error)
{
  TroupeRegistry *registry;

  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), FALSE);
  g_return_val_if_fail (path != NULL, FALSE);
  g_return_val_if_fail (ref != NULL && ref->system == self, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!check_path (path, error) || !troupe_system_check_live (self, ref, error))
    return FALSE;

  registry = troupe_system_get_registry (self);
  if (!troupe_registry_add_alias (registry, ref, path, error))
    return FALSE;

  troupe_system_note_registered (self, ref);
  troupe_registry_tell_waiters (registry, path, ref);
  return TRUE;
}

/**
 * troupe_system_unregister:
 * @self: a system
 * @path: an alias
 *
 * Takes back an alias that [method@Troupe.System.register] has given. The name that an actor was spawned with stays. Call it from any
 * thread.
 *
 * Returns: %TRUE, or %FALSE if @path is nobody's alias
 *
 * Since: 1.0
 */
gboolean
troupe_system_unregister (TroupeSystem *self,
                          const char   *path)
{
  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), FALSE);
  g_return_val_if_fail (path != NULL, FALSE);

  return troupe_registry_remove_alias (troupe_system_get_registry (self), path);
}

static int
compare_strings (gconstpointer a,
                 gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/**
 * troupe_system_dup_paths:
 * @self: a system
 *
 * Lists the paths that actors can be looked up by: those of names that were given, and aliases. Call it from any thread.
 *
 * Returns: (transfer full) (array zero-terminated=1): the paths, sorted
 *
 * Since: 1.0
 */
char **
troupe_system_dup_paths (TroupeSystem *self)
{
  GPtrArray *paths = g_ptr_array_new ();
  TroupeRegistry *registry;
  GHashTableIter iter;
  gpointer path;

  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), NULL);

  registry = troupe_system_get_registry (self);
  g_mutex_lock (&registry->mutex);
  g_hash_table_iter_init (&iter, registry->actors);
  while (g_hash_table_iter_next (&iter, &path, NULL))
    g_ptr_array_add (paths, g_strdup (path));
  g_mutex_unlock (&registry->mutex);

  g_ptr_array_sort (paths, compare_strings);
  g_ptr_array_add (paths, NULL);

  return (char **) g_ptr_array_free (paths, FALSE);
}
