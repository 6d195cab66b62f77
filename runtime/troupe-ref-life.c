/* troupe-ref-life.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-actor-private.h"
#include "troupe-fiber-private.h"
#include "troupe-mailbox-private.h"
#include "troupe-message-private.h"
#include "troupe-pool-private.h"
#include "troupe-promise-private.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-life-private.h"
#include "troupe-ref-wait-private.h"
#include "troupe-system-private.h"
#include "troupe-termination-private.h"
#include "troupe-timer-private.h"

/*
 * The life of an actor, from birth to what its watchers are told.
 *
 *   live ── stop, kill ──▶ ending ── the last hold is gone ──▶ ended
 *
 * A failure comes to one or the other: see troupe-ref-restart.c. All of it happens at turn boundaries of the actor's own slice.
 */

void
troupe_birth_free (TroupeBirth *self)
{
  guint i;

  for (i = 0; i < self->n_properties; i++)
    {
      g_free (self->names[i]);
      g_value_unset (&self->values[i]);
    }
  g_free (self->names);
  g_free (self->values);
  g_free (self);
}

TroupeRefExtra *
troupe_ref_need_extra (TroupeRef *self)
{
  if (self->extra == NULL)
    self->extra = g_new0 (TroupeRefExtra, 1);

  return self->extra;
}

void
troupe_ref_free_extra (TroupeRef *self)
{
  TroupeRefExtra *extra = g_steal_pointer (&self->extra);

  if (extra == NULL)
    return;

  g_clear_pointer (&extra->birth, troupe_birth_free);
  g_clear_pointer (&extra->deferred, g_ptr_array_unref);
  g_clear_pointer (&extra->watchers, g_hash_table_unref);
  g_clear_pointer (&extra->watching, g_hash_table_unref);
  g_clear_pointer (&extra->links, g_hash_table_unref);
  g_clear_error (&extra->error);
  g_clear_pointer (&extra->supervisor, troupe_supervisor_free);
  g_assert (extra->restart == NULL && extra->failed == NULL);
  g_clear_pointer (&extra->mailbox, troupe_mailbox_free);
  g_free (extra);
}

void
troupe_ref_hold (TroupeRef *self)
{
  self->n_holds++;
}

void
troupe_ref_unhold (TroupeRef *self)
{
  g_assert (self->n_holds > 0);

  if (--self->n_holds == 0 && (self->state == TROUPE_REF_ENDING || self->state == TROUPE_REF_RESTARTING))
    troupe_ref_set_control (self, TROUPE_CONTROL_END);
}

void
troupe_ref_add_resource (TroupeRef      *self,
                         TroupeResource *resource)
{
  resource->previous = NULL;
  resource->next = self->resources;
  if (self->resources != NULL)
    self->resources->previous = resource;
  self->resources = resource;

  if (resource->throttle != NULL && self->extra != NULL && self->extra->n_throttles > 0)
    resource->throttle (resource, TRUE);
}

void
troupe_ref_remove_resource (TroupeRef      *self,
                            TroupeResource *resource)
{
  if (resource->previous != NULL)
    resource->previous->next = resource->next;
  else if (self->resources == resource)
    self->resources = resource->next;
  else
    return;

  if (resource->next != NULL)
    resource->next->previous = resource->previous;
  resource->next = resource->previous = NULL;
}

/* Birth */

gboolean
troupe_ref_link_parent (TroupeRef *self)
{
  TroupeRef *parent = self->parent;

  if (parent->state != TROUPE_REF_LIVE || troupe_pool_has_lost (self->reactor))
    return FALSE;

  self->is_linked = TRUE;
  self->previous_sibling = parent->last_child;
  if (parent->last_child != NULL)
    parent->last_child->next_sibling = self;
  parent->last_child = troupe_ref_ref (self);
  troupe_ref_hold (parent);

  return TRUE;
}

/* On its parent's thread. The reference that the parent had is the caller's now. */
static void
troupe_ref_unlink_parent (TroupeRef *self)
{
  TroupeRef *parent = self->parent;

  if (parent->extra != NULL && parent->extra->supervisor != NULL)
    troupe_supervisor_drop_charge (parent->extra->supervisor, self);

  if (self->next_sibling != NULL)
    self->next_sibling->previous_sibling = self->previous_sibling;
  else
    parent->last_child = self->previous_sibling;
  if (self->previous_sibling != NULL)
    self->previous_sibling->next_sibling = self->next_sibling;
  self->next_sibling = self->previous_sibling = NULL;
  self->is_linked = FALSE;
  troupe_ref_unhold (parent);
}

static TroupeActor *
troupe_ref_build_object (TroupeRef *self)
{
  TroupeBirth *birth = self->extra != NULL ? self->extra->birth : NULL;
  GObject *object;

  troupe_actor_in_birth = self;
  if (birth != NULL)
    object = g_object_new_with_properties (self->type, birth->n_properties,
                                           (const char **) birth->names, birth->values);
  else
    object = g_object_new_with_properties (self->type, 0, NULL, NULL);
  troupe_actor_in_birth = NULL;

  if (birth != NULL && !troupe_ref_may_restart (self))
    {
      g_clear_pointer (&self->extra->birth, troupe_birth_free);
      self->extra->is_mortal = TRUE;
    }

  return TROUPE_ACTOR (g_object_is_floating (object) ? g_object_ref_sink (object) : object);
}

gboolean
troupe_ref_be_born (TroupeRef *self)
{
  TroupeActorClass *klass;
  GError *error = NULL;

  self->actor = troupe_ref_build_object (self);

  klass = TROUPE_ACTOR_GET_CLASS (self->actor);
  if (klass->started == troupe_actor_real_started || klass->started (self->actor, &error))
    {
      self->flags |= TROUPE_REF_BORN;
      return TRUE;
    }

  if (error == NULL)
    error = g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_FAILED, "It could not start");
  troupe_ref_fail (self, error);
  return FALSE;
}

/* Death */

static TroupeEnd
troupe_ref_get_end (TroupeRef *self)
{
  if (self->flags & TROUPE_REF_KILLED)
    return TROUPE_END_KILLED;

  return self->flags & TROUPE_REF_FAILED ? TROUPE_END_FAILED : TROUPE_END_STOPPED;
}

void
troupe_ref_bounce_mail (TroupeRef *self)
{
  TroupeMail *mail;

  troupe_mailbox_close (self);
  troupe_ref_release_held (self);
  mail = self->head;
  self->head = self->tail = NULL;
  self->n_mail = 0;

  while (mail != NULL)
    {
      TroupeMail *next = mail->next;

      /* The state has changed already: this keeps what it must and bounces the rest. */
      troupe_ref_enqueue (self, mail);
      mail = next;
    }
}

void
troupe_ref_end_children (TroupeRef *self,
                         guint      bits)
{
  TroupeRef *child;

  for (child = self->last_child; child != NULL; child = child->previous_sibling)
    troupe_ref_control (child, bits);
}

void
troupe_ref_release_resources (TroupeRef *self,
                              TroupeEnd  end)
{
  TroupeResource *resource = self->resources;

  while (resource != NULL)
    {
      /* It may go away, others may not. */
      TroupeResource *next = resource->next;

      if (resource->release != NULL)
        resource->release (resource, self, end);
      resource = next;
    }
}

static void
troupe_ref_end_resources (TroupeRef *self)
{
  TroupeResource *resource = self->resources;

  while (resource != NULL)
    {
      TroupeResource *next = resource->next;

      if (resource->ended != NULL)
        resource->ended (resource, self);
      resource = next;
    }
}

void
troupe_ref_begin_end (TroupeRef *self,
                      TroupeEnd  end)
{
  gboolean killed = end == TROUPE_END_KILLED;

  /* Once ending, only a kill can make it shorter. */
  if (self->state == TROUPE_REF_ENDING && (!killed || (self->flags & TROUPE_REF_KILLED)))
    return;

  /* To stop what has failed, and has not got over it, lets the failure stand. */
  if (end == TROUPE_END_STOPPED && self->extra != NULL && self->extra->error != NULL)
    end = TROUPE_END_FAILED;

  if (killed)
    self->flags |= TROUPE_REF_KILLED;
  else if (end == TROUPE_END_FAILED)
    self->flags |= TROUPE_REF_FAILED;
  troupe_ref_leave_restart (self);
  troupe_ref_set_state (self, TROUPE_REF_ENDING);
  troupe_system_forget (self->system, self);

  if (!killed)
    troupe_fiber_end_all (self);
  troupe_ref_reject_failed (self);
  troupe_ref_forget_failed (self);
  troupe_ref_bounce_mail (self);
  troupe_ref_release_resources (self, end);
  troupe_ref_end_children (self, killed ? TROUPE_CONTROL_KILL : TROUPE_CONTROL_STOP);
}

static void
troupe_ref_reject_deferred (TroupeRef *self)
{
  TroupeRefExtra *extra = self->extra;
  g_autoptr (GPtrArray) deferred = extra != NULL ? g_steal_pointer (&extra->deferred) : NULL;
  guint i;

  for (i = 0; deferred != NULL && i < deferred->len; i++)
    {
      TroupeResolver *resolver = g_ptr_array_index (deferred, i);

      if (!troupe_resolver_is_resolved (resolver))
        troupe_resolver_take_error (resolver, troupe_ref_new_ended_error (self));
    }
}

static int
compare_refs (gconstpointer a,
              gconstpointer b)
{
  const TroupeRef *left = *(TroupeRef *const *) a;
  const TroupeRef *right = *(TroupeRef *const *) b;

  return left->serial < right->serial ? -1 : left->serial > right->serial;
}

/* In the order of birth, and not of addresses in memory: a run can be repeated. */
GPtrArray *
troupe_ref_steal_set (GHashTable **set)
{
  GPtrArray *refs = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_ref_unref);
  GHashTableIter iter;
  gpointer ref;

  if (*set == NULL)
    return refs;

  g_hash_table_iter_init (&iter, *set);
  while (g_hash_table_iter_next (&iter, &ref, NULL))
    g_ptr_array_add (refs, troupe_ref_ref (ref));
  g_clear_pointer (set, g_hash_table_unref);
  g_ptr_array_sort (refs, compare_refs);

  return refs;
}

TroupeTermination *
troupe_ref_new_termination (TroupeRef *self)
{
  return troupe_termination_new (self, troupe_ref_get_end (self),
                                 self->extra != NULL ? self->extra->error : NULL);
}

static void
troupe_ref_forget_watching_cb (TroupeRef *self,
                               gpointer   other)
{
  if (self->extra != NULL && self->extra->watching != NULL)
    g_hash_table_remove (self->extra->watching, other);
}

static void
troupe_ref_send_terminated (TroupeRef         *self,
                            TroupeRef         *watcher,
                            TroupeTermination *termination)
{
  TroupeMessage *message;

  if (troupe_reactor_is_here (watcher->reactor))
    troupe_ref_forget_watching_cb (watcher, self);
  else
    troupe_ref_call (watcher, troupe_ref_forget_watching_cb, NULL, troupe_ref_ref (self),
                     (GDestroyNotify) troupe_ref_unref);

  message = troupe_message_new_boxed ("terminated", TROUPE_TYPE_TERMINATION, termination);
  message->mail.more_bits = TROUPE_MARK_SYSTEM;
  troupe_ref_deliver (watcher, message, self);
}

static void
troupe_ref_tell_watchers (TroupeRef *self)
{
  g_autoptr (TroupeTermination) termination = NULL;
  g_autoptr (GPtrArray) watchers = NULL;
  guint i;

  if (self->extra == NULL || self->extra->watchers == NULL)
    return;

  watchers = troupe_ref_steal_set (&self->extra->watchers);
  termination = troupe_ref_new_termination (self);
  for (i = 0; i < watchers->len; i++)
    troupe_ref_send_terminated (self, g_ptr_array_index (watchers, i), termination);
}

static void
troupe_ref_unwatch_cb (TroupeRef *self,
                       gpointer   watcher)
{
  if (self->extra != NULL && self->extra->watchers != NULL)
    g_hash_table_remove (self->extra->watchers, watcher);
}

static void
troupe_ref_unwatch_all (TroupeRef *self)
{
  g_autoptr (GPtrArray) watching = NULL;
  guint i;

  if (self->extra == NULL || self->extra->watching == NULL)
    return;

  watching = troupe_ref_steal_set (&self->extra->watching);
  for (i = 0; i < watching->len; i++)
    troupe_ref_unwatch (g_ptr_array_index (watching, i), self);
}

static void
troupe_ref_child_ended_cb (TroupeRef *self,
                           gpointer   termination)
{
  if (self->state == TROUPE_REF_LIVE)
    TROUPE_ACTOR_GET_CLASS (self->actor)->child_terminated (self->actor, termination);
}

/* Its parent ends or is restarted itself, and will not say that SELF has failed, unless that is why it does. */
static void
troupe_ref_warn_failed (TroupeRef         *self,
                        TroupeTermination *termination)
{
  TroupeRefExtra *parents = self->parent->extra;
  TroupeCharge *charge = troupe_supervisor_find_charge (parents != NULL ? parents->supervisor : NULL, self);
  g_autofree char *path = NULL;

  if (troupe_termination_get_end (termination) != TROUPE_END_FAILED || (charge != NULL && charge->is_escalated))
    return;

  path = troupe_ref_dup_path (self);
  g_warning ("The actor “%s” failed: %s", path, troupe_termination_get_error (termination)->message);
}

/* On its parent's thread. */
static void
troupe_ref_tell_parent (TroupeRef         *self,
                        TroupeTermination *termination)
{
  TroupeRef *parent = self->parent;

  if (parent->state > TROUPE_REF_SUSPENDED || parent->actor == NULL)
    troupe_ref_warn_failed (self, termination);
  else
    troupe_ref_call_object (parent, troupe_ref_child_ended_cb, troupe_termination_ref (termination),
                            (GDestroyNotify) troupe_termination_unref);
}

/* Whether a parent, on whose thread we are, wants to be told. */
static gboolean
troupe_ref_wants_to_know (TroupeRef *parent,
                          TroupeEnd  end)
{
  return end == TROUPE_END_FAILED || (parent->actor != NULL && !troupe_actor_ignores_children (parent->actor));
}

/* On the parent's thread. */
static void
troupe_ref_part_from_parent (TroupeRef         *self,
                             TroupeTermination *termination)
{
  TroupeRef *parent = self->parent;

  if (troupe_ref_wants_to_know (parent, troupe_termination_get_end (termination)))
    troupe_ref_tell_parent (self, termination);
  troupe_ref_unlink_parent (self);
  if (parent->parent == NULL)
    troupe_system_actor_ended (self->system, self);
}

static void
troupe_ref_leave_parent_cb (TroupeRef *parent,
                            gpointer   data)
{
  g_autoptr (TroupeTermination) termination = data;
  TroupeRef *self = troupe_termination_get_actor (termination);

  troupe_ref_part_from_parent (self, termination);
  troupe_ref_unref (self);
}

static void
troupe_ref_drop_cb (TroupeRef *self,
                    gpointer   data)
{
  troupe_ref_unref (self);
}

/* The reference that we had is dropped there, where it may still be needed. */
void
troupe_ref_lose_child (TroupeRef *self,
                       TroupeRef *child)
{
  g_autoptr (TroupeTermination) termination = NULL;

  if (!child->is_linked)
    return;

  termination = troupe_termination_new (child, TROUPE_END_KILLED, NULL);
  troupe_ref_part_from_parent (child, termination);
  troupe_ref_call_at_once (child, troupe_ref_drop_cb, troupe_ref_drop_cb, NULL);
}

/* In the last turn of one that has a parent. The slice is left with a reference, which it drops. */
static void
troupe_ref_leave_parent (TroupeRef *self)
{
  if (!troupe_ref_has_parent_here (self))
    {
      troupe_ref_ref (self);
      troupe_ref_call_at_once (self->parent, troupe_ref_leave_parent_cb, NULL, troupe_ref_new_termination (self));
      return;
    }

  if (troupe_ref_wants_to_know (self->parent, troupe_ref_get_end (self)))
    {
      g_autoptr (TroupeTermination) termination = troupe_ref_new_termination (self);

      troupe_ref_tell_parent (self, termination);
    }
  troupe_ref_unlink_parent (self);
  if (self->parent->parent == NULL)
    troupe_system_actor_ended (self->system, self);
}

void
troupe_ref_publish_termination (TroupeRef  *self,
                                TroupeNews  news,
                                TroupeEnd   end)
{
  g_autoptr (TroupeTermination) termination = NULL;

  if (self->parent == NULL || !troupe_system_wants_news (self->system, news))
    return;

  termination = troupe_termination_new (self, end, self->extra != NULL ? self->extra->error : NULL);
  troupe_system_publish_news (self->system, news, self, TROUPE_TYPE_TERMINATION, termination);
}

static void
troupe_ref_dispose_object (TroupeRef *self)
{
  TroupeActor *actor = g_steal_pointer (&self->actor);

  if (actor == NULL)
    return;

  /* No turn of the actor any more: what its destructors do is done outside. */
  troupe_reactor_set_running (self->reactor, NULL);
  g_object_run_dispose (G_OBJECT (actor));
  g_object_unref (actor);
  troupe_reactor_set_running (self->reactor, self);
}

void
troupe_ref_end_object (TroupeRef      *self,
                       TroupeRefState  state)
{
  TroupeActorClass *klass = self->actor != NULL ? TROUPE_ACTOR_GET_CLASS (self->actor) : NULL;

  if ((self->flags & (TROUPE_REF_BORN | TROUPE_REF_KILLED)) == TROUPE_REF_BORN && klass->stopped != troupe_actor_real_stopped)
    klass->stopped (self->actor);

  self->flags &= ~TROUPE_REF_BORN;
  troupe_ref_set_state (self, state);

  troupe_fiber_lose_all (self);
  troupe_promise_abandon_all (self);
  troupe_timer_cancel_all (self);
  troupe_ref_reject_deferred (self);
  troupe_ref_bounce_mail (self);
  troupe_ref_dispose_object (self);
  troupe_ref_end_resources (self);
}

/* There is no next life. Addresses may be kept for long; what it was spawned with may be large. */
static void
troupe_ref_drop_birth (TroupeRef *self)
{
  if (self->extra != NULL)
    g_clear_pointer (&self->extra->birth, troupe_birth_free);
}

/* It was left behind: its parent has been told, and has dropped its reference, unless it was left behind, too. The slice has one. */
static void
troupe_ref_end_lost (TroupeRef *self)
{
  if (!troupe_ref_has_parent_here (self))
    return;

  troupe_ref_leave_parent (self);
  troupe_ref_unref (self);
}

static void
troupe_ref_finish_end (TroupeRef *self)
{
  TroupeSystem *system = self->system;

  troupe_ref_end_object (self, TROUPE_REF_ENDED);
  troupe_ref_drop_birth (self);
  self->control = 0;
  troupe_ref_drop_spare (self);
  troupe_ref_unwatch_all (self);

  if (self->name != NULL)
    troupe_registry_remove (troupe_system_get_registry (system), self);
  troupe_ref_tell_watchers (self);
  troupe_ref_end_links (self);
  troupe_ref_publish_termination (self, TROUPE_NEWS_STOPPED, troupe_ref_get_end (self));

  if (self->parent == NULL)
    troupe_system_root_ended (system);
  else if (troupe_pool_concerns (self) && troupe_pool_leave (self))
    troupe_ref_end_lost (self);
  else
    {
      troupe_ref_leave_parent (self);
      troupe_system_count_actor (system, self->reactor, -1);
    }
}

void
troupe_ref_end_unborn (TroupeRef *self)
{
  troupe_ref_set_state (self, TROUPE_REF_ENDED);
  self->control = 0;

  troupe_system_forget (self->system, self);
  troupe_ref_bounce_mail (self);
  troupe_ref_drop_birth (self);
  if (self->name != NULL)
    troupe_registry_remove (troupe_system_get_registry (self->system), self);
  troupe_ref_tell_watchers (self);
  troupe_ref_end_links (self);
  if (troupe_pool_concerns (self) && troupe_pool_leave (self))
    troupe_ref_unref (self);
  else
    troupe_system_count_actor (self->system, self->reactor, -1);
}

void
troupe_ref_run_control (TroupeRef *self)
{
  guint bits = self->control;

  self->control &= TROUPE_CONTROL_HELD;
  if (self->state == TROUPE_REF_ENDED)
    return;

  if (bits & TROUPE_CONTROL_KILL)
    troupe_ref_begin_end (self, TROUPE_END_KILLED);
  else if (bits & TROUPE_CONTROL_STOP)
    troupe_ref_begin_end (self, TROUPE_END_STOPPED);
  else if (bits & TROUPE_CONTROL_RESTART)
    troupe_ref_begin_restart (self);
  else if (bits & TROUPE_CONTROL_FAIL)
    troupe_ref_take_failure (self);
  else if ((bits & TROUPE_CONTROL_BIRTH) && self->state == TROUPE_REF_BETWEEN)
    troupe_ref_be_reborn (self);
  else if (bits & TROUPE_CONTROL_BIRTH)
    troupe_ref_be_born (self);

  if (bits & TROUPE_CONTROL_CHILD)
    troupe_ref_judge_children (self);

  if (self->state == TROUPE_REF_ENDING && self->n_holds == 0)
    troupe_ref_finish_end (self);
  else if (self->state == TROUPE_REF_RESTARTING && self->n_holds == 0)
    troupe_ref_finish_restart (self);
}

void
troupe_ref_fail (TroupeRef *self,
                 GError    *error)
{
  TroupeRefExtra *extra;

  if (self->flags & TROUPE_REF_OUTSIDE)
    {
      g_warning ("Failed outside any actor: %s", error->message);
      g_error_free (error);
      return;
    }

  extra = troupe_ref_need_extra (self);
  if (self->state == TROUPE_REF_LIVE && extra->error == NULL)
    {
      extra->error = error;
      troupe_ref_set_control (self, TROUPE_CONTROL_FAIL);
    }
  else
    {
      g_autofree char *path = troupe_ref_dup_path (self);

      g_warning ("The actor “%s” failed again%s: %s", path, self->state == TROUPE_REF_LIVE ? "" : " while ending", error->message);
      g_error_free (error);
    }
}

void
troupe_ref_fail_at (TroupeRef     *self,
                    TroupeMessage *message,
                    GError        *error)
{
  TroupeRefExtra *extra = troupe_ref_need_extra (self);

  if (error == NULL)
    error = g_error_new (TROUPE_ERROR, TROUPE_ERROR_FAILED,
                         "The handler of “%s” failed without an error", message->name);

  if (TROUPE_ACTOR_GET_CLASS (self->actor)->replays && self->state == TROUPE_REF_LIVE && extra->error == NULL)
    extra->failed = troupe_message_ref (message);
  else
    troupe_message_reject (message, error);

  troupe_ref_fail (self, error);
}

/* Replies that were deferred */

static void
troupe_ref_forget_given (TroupeRefExtra *extra)
{
  guint i = 0;

  while (i < extra->deferred->len)
    {
      if (troupe_resolver_is_resolved (g_ptr_array_index (extra->deferred, i)))
        g_ptr_array_remove_index_fast (extra->deferred, i);
      else
        i++;
    }

  /* Twice what is left: looking through them costs each reply a constant. */
  extra->deferred_limit = MAX (16, 2 * extra->deferred->len);
}

void
troupe_ref_add_deferred (TroupeRef      *self,
                         TroupeResolver *resolver)
{
  TroupeRefExtra *extra;

  if (self->flags & TROUPE_REF_OUTSIDE)
    return;

  extra = troupe_ref_need_extra (self);
  if (extra->deferred == NULL)
    {
      extra->deferred = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_resolver_unhold);
      extra->deferred_limit = 16;
    }

  if (extra->deferred->len >= extra->deferred_limit)
    troupe_ref_forget_given (extra);

  troupe_resolver_hold (resolver);
  g_ptr_array_add (extra->deferred, resolver);
}

/* Watches */

static GHashTable *
new_ref_set (void)
{
  return g_hash_table_new_full (NULL, NULL, (GDestroyNotify) troupe_ref_unref, NULL);
}

static void
troupe_ref_watch_cb (TroupeRef *self,
                     gpointer   watcher)
{
  TroupeRefExtra *extra = troupe_ref_need_extra (self);

  if (extra->watchers == NULL)
    extra->watchers = new_ref_set ();
  g_hash_table_add (extra->watchers, troupe_ref_ref (watcher));
}

static void
troupe_ref_watch_refused_cb (TroupeRef *self,
                             gpointer   watcher)
{
  g_autoptr (TroupeTermination) termination = troupe_ref_new_termination (self);

  troupe_ref_send_terminated (self, watcher, termination);
}

void
troupe_ref_watch (TroupeRef *self,
                  TroupeRef *watcher)
{
  TroupeRefExtra *extra = troupe_ref_need_extra (watcher);

  if (extra->watching == NULL)
    extra->watching = new_ref_set ();
  if (!g_hash_table_add (extra->watching, troupe_ref_ref (self)) &&
      troupe_ref_get_state (self) != TROUPE_REF_ENDED)
    return;

  if (!troupe_reactor_is_here (self->reactor))
    troupe_ref_call (self, troupe_ref_watch_cb, troupe_ref_watch_refused_cb,
                     troupe_ref_ref (watcher), (GDestroyNotify) troupe_ref_unref);
  else if (self->state != TROUPE_REF_ENDED)
    troupe_ref_watch_cb (self, watcher);
  else
    troupe_ref_watch_refused_cb (self, watcher);
}

void
troupe_ref_unwatch (TroupeRef *self,
                    TroupeRef *watcher)
{
  if (watcher->extra != NULL && watcher->extra->watching != NULL)
    g_hash_table_remove (watcher->extra->watching, self);

  if (troupe_reactor_is_here (self->reactor))
    troupe_ref_unwatch_cb (self, watcher);
  else
    troupe_ref_call (self, troupe_ref_unwatch_cb, NULL, troupe_ref_ref (watcher),
                     (GDestroyNotify) troupe_ref_unref);
}
