/* troupe-ref-restart.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-actor-private.h"
#include "troupe-error-private.h"
#include "troupe-fiber-private.h"
#include "troupe-mailbox-private.h"
#include "troupe-message-private.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-life-private.h"
#include "troupe-resolver.h"
#include "troupe-system-private.h"

/*
 * What becomes of an actor that has failed.
 *
 *   live ── fail ──▶ suspended ── its parent decides ──▶ live      resume
 *                                                   ──▶ ending    stop
 *                                                   ──▶ restarting ── no hold ──▶ between ── its turn ──▶ live
 *
 * All actors of a tree are on one thread, and what is done to one is done in its own slice. Mail waits until the actor is live again.
 */

/* A restart under way, of one actor or of several siblings: all of the old objects end before the first new one is built. */
struct _TroupeRestart
{
  guint        ref_count;            /* of the members, each as long as it takes part */
  guint        n_ending;             /* members whose old object is still there */
  gint64       delay_ms;             /* between old and new */
  TroupeTimer *timer;
  GPtrArray   *members;              /* TroupeRef, references, the youngest first; some may have left */
  TroupeRef   *culprit;              /* who failed: a member */
  GError      *error;
};

static TroupeRestart *
troupe_restart_new (TroupeRef *culprit,
                    gint64     delay_ms)
{
  TroupeRestart *self = g_new0 (TroupeRestart, 1);

  self->ref_count = 1;
  self->delay_ms = delay_ms;
  self->members = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_ref_unref);
  self->culprit = culprit;
  self->error = g_error_copy (culprit->extra->error);

  return self;
}

static void
troupe_restart_unref (TroupeRestart *self)
{
  if (--self->ref_count > 0)
    return;

  troupe_timer_clear (&self->timer);
  g_ptr_array_unref (self->members);
  g_error_free (self->error);
  g_free (self);
}

static void
troupe_restart_build (TroupeRestart *self)
{
  guint i;

  for (i = self->members->len; i > 0; i--)
    {
      TroupeRef *member = g_ptr_array_index (self->members, i - 1);

      if (member->extra->restart == self)
        troupe_ref_set_control (member, TROUPE_CONTROL_BIRTH);
    }
}

static void
troupe_restart_build_cb (TroupeTimer *timer,
                         gpointer     data)
{
  troupe_restart_build (data);
}

/* All old objects are gone. */
static void
troupe_restart_go_on (TroupeRestart *self)
{
  if (self->delay_ms == 0)
    troupe_restart_build (self);
  else
    self->timer = troupe_timer_new (self->culprit->reactor->outside, self->delay_ms, TRUE,
                                    troupe_restart_build_cb, self, NULL);
}

static void
troupe_restart_count_end (TroupeRestart *self)
{
  g_assert (self->n_ending > 0);

  if (--self->n_ending == 0)
    troupe_restart_go_on (self);
}

static void
troupe_restart_add (TroupeRestart *self,
                    TroupeRef     *member)
{
  troupe_ref_need_extra (member)->restart = self;
  self->ref_count++;
  self->n_ending++;
  g_ptr_array_add (self->members, troupe_ref_ref (member));
  troupe_ref_set_control (member, TROUPE_CONTROL_RESTART);
}

void
troupe_ref_leave_restart (TroupeRef *self)
{
  TroupeRestart *restart = self->extra != NULL ? g_steal_pointer (&self->extra->restart) : NULL;

  if (restart == NULL)
    return;

  if (self->state != TROUPE_REF_BETWEEN)
    troupe_restart_count_end (restart);
  troupe_restart_unref (restart);
}

/* What an actor has for its children */

static TroupeSupervisor *
troupe_ref_need_supervisor (TroupeRef *self)
{
  TroupeRefExtra *extra = troupe_ref_need_extra (self);

  if (extra->supervisor == NULL)
    extra->supervisor = g_new0 (TroupeSupervisor, 1);

  return extra->supervisor;
}

static const TroupeSupervision *
troupe_ref_get_policy (TroupeRef *self)
{
  return troupe_supervisor_get_policy (self->extra != NULL ? self->extra->supervisor : NULL);
}

void
troupe_ref_set_supervision (TroupeRef               *self,
                            const TroupeSupervision *supervision)
{
  troupe_supervisor_set_policy (troupe_ref_need_supervisor (self), supervision);
}

/* Where the restarts of CHILD, which has failed, are counted. */
static TroupeTally *
troupe_ref_get_tally (TroupeRef *self,
                      TroupeRef *child)
{
  if (troupe_ref_get_policy (self)->last_resort == TROUPE_DIRECTIVE_STOP)
    return &child->extra->tally;

  return &self->extra->supervisor->tally;
}

gboolean
troupe_ref_has_patience (TroupeRef *self,
                         TroupeRef *child)
{
  return !troupe_tally_is_full (troupe_ref_get_tally (self, child), troupe_ref_get_policy (self),
                                troupe_reactor_read_clock (self->reactor));
}

TroupeDirective
troupe_ref_get_directive (TroupeRef *self,
                          TroupeRef *child)
{
  gboolean has_started = (child->flags & TROUPE_REF_BORN) != 0 || child->extra->n_restarts > 0;

  /* What has never worked does not work the second time, and who spawned it wants to know. */
  if (!has_started && (self->extra->supervisor == NULL || self->extra->supervisor->policy == NULL))
    return TROUPE_DIRECTIVE_STOP;

  return troupe_ref_get_policy (self)->directive;
}

void
troupe_ref_forget_failed (TroupeRef *self)
{
  if (self->extra != NULL && self->extra->supervisor != NULL)
    g_queue_clear_full (&self->extra->supervisor->failed, (GDestroyNotify) troupe_ref_unref);
}

static gboolean
troupe_ref_is_temporary (TroupeRef *self)
{
  return ((TroupeActorClass *) g_type_class_peek (self->type))->temporary;
}

gboolean
troupe_ref_may_restart (TroupeRef *self)
{
  TroupeRef *parent = self->parent;

  if (parent == NULL || troupe_ref_is_temporary (self))
    return FALSE;

  /* Resumed means restarted, for one that has not started. */
  return parent->actor == NULL || troupe_actor_decides (parent->actor) ||
         troupe_ref_get_policy (parent)->directive <= TROUPE_DIRECTIVE_RESTART;
}

guint
troupe_ref_get_n_restarts (TroupeRef *self)
{
  return self->extra != NULL ? self->extra->n_restarts : 0;
}

/* Failing */

/* The message that was to be handled again is not. */
void
troupe_ref_reject_failed (TroupeRef *self)
{
  TroupeMessage *message = self->extra != NULL ? g_steal_pointer (&self->extra->failed) : NULL;

  if (message == NULL)
    return;

  troupe_message_reject (message, self->extra->error);
  troupe_message_unref (message);
}

void
troupe_ref_take_failure (TroupeRef *self)
{
  TroupeRef *parent = self->parent;

  if (self->state != TROUPE_REF_LIVE)
    return;

  troupe_ref_publish_termination (self, TROUPE_NEWS_FAILED, TROUPE_END_FAILED);
  if (parent == NULL)
    {
      troupe_system_give_up (self->system, g_steal_pointer (&self->extra->error));
    }
  else if (parent->state > TROUPE_REF_SUSPENDED || troupe_ref_is_temporary (self))
    {
      troupe_ref_begin_end (self, TROUPE_END_FAILED);
    }
  else
    {
      __atomic_store_n (&self->state, TROUPE_REF_SUSPENDED, __ATOMIC_RELEASE);
      g_queue_push_tail (&troupe_ref_need_supervisor (parent)->failed, troupe_ref_ref (self));
      troupe_ref_set_control (parent, TROUPE_CONTROL_CHILD);
    }
}

/* Resuming */

static void
troupe_ref_resume (TroupeRef *self)
{
  TroupeRefExtra *extra = self->extra;
  TroupeRef *child;

  troupe_ref_reject_failed (self);
  g_clear_error (&extra->error);
  extra->is_escalated = FALSE;
  __atomic_store_n (&self->state, TROUPE_REF_LIVE, __ATOMIC_RELEASE);

  /* It may have failed for the sake of a child, and others may have failed meanwhile. */
  for (child = self->last_child; child != NULL; child = child->previous_sibling)
    if (child->state == TROUPE_REF_SUSPENDED && child->extra->is_escalated)
      troupe_ref_resume (child);

  troupe_ref_set_control (self, extra->supervisor != NULL ? TROUPE_CONTROL_CHILD : 0);
}

/* Restarting */

void
troupe_ref_begin_restart (TroupeRef *self)
{
  TroupeActorClass *klass = TROUPE_ACTOR_GET_CLASS (self->actor);
  TroupeRestart *restart = self->extra->restart;

  if (self->extra->error != NULL && self != restart->culprit)
    {
      g_autofree char *path = troupe_ref_dup_path (self);

      g_warning ("The actor “%s” failed, too: %s", path, self->extra->error->message);
    }

  __atomic_store_n (&self->state, TROUPE_REF_RESTARTING, __ATOMIC_RELEASE);
  if ((self->flags & TROUPE_REF_BORN) && klass->pre_restart != NULL)
    klass->pre_restart (self->actor, restart->error);

  troupe_fiber_end_all (self);
  troupe_ref_forget_failed (self);
  troupe_ref_bounce_mail (self);
  troupe_ref_release_resources (self, TROUPE_END_FAILED);
  troupe_ref_end_children (self, TROUPE_CONTROL_STOP);
}

void
troupe_ref_finish_restart (TroupeRef *self)
{
  troupe_ref_end_object (self, TROUPE_REF_BETWEEN);
  troupe_restart_count_end (self->extra->restart);
}

/* It may have been left by a fiber, and may be handled by any. There is room for it, as there was before. */
static void
troupe_ref_replay (TroupeRef *self)
{
  TroupeMessage *message = g_steal_pointer (&self->extra->failed);

  if (message == NULL)
    return;

  message->mail.bits &= ~TROUPE_MESSAGE_IN_FIBER;
  message->mail.bits |= TROUPE_MESSAGE_REPLAYED;
  message->mail.more_bits |= TROUPE_MARK_SYSTEM;
  troupe_ref_enqueue_first (self, &message->mail);
}

static void
troupe_ref_tell_resources (TroupeRef *self)
{
  TroupeResource *resource = self->resources;

  while (resource != NULL)
    {
      TroupeResource *next = resource->next;

      if (resource->reborn != NULL)
        resource->reborn (resource, self);
      resource = next;
    }
}

void
troupe_ref_be_reborn (TroupeRef *self)
{
  TroupeRefExtra *extra = self->extra;
  TroupeRestart *restart = extra->restart;

  restart->ref_count++;
  troupe_ref_leave_restart (self);
  g_clear_error (&extra->error);
  extra->is_escalated = FALSE;
  extra->n_restarts++;
  extra->born = troupe_reactor_read_clock (self->reactor);
  __atomic_store_n (&self->state, TROUPE_REF_LIVE, __ATOMIC_RELEASE);

  if (troupe_ref_be_born (self))
    {
      TroupeActorClass *klass = TROUPE_ACTOR_GET_CLASS (self->actor);

      if (klass->post_restart != NULL)
        klass->post_restart (self->actor, restart->error);
      troupe_ref_tell_resources (self);
      troupe_ref_replay (self);
    }

  troupe_restart_unref (restart);
}

/* Deciding: turns of the parent */

/* The children that share the fate of CHILD, the youngest first. */
static GPtrArray *
troupe_ref_dup_affected (TroupeRef *self,
                         TroupeRef *child)
{
  GPtrArray *affected = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_ref_unref);
  TroupeStrategy strategy = troupe_ref_get_policy (self)->strategy;
  TroupeRef *other;

  if (strategy == TROUPE_STRATEGY_ONE_FOR_ONE)
    {
      g_ptr_array_add (affected, troupe_ref_ref (child));
      return affected;
    }

  for (other = self->last_child; other != NULL; other = other->previous_sibling)
    {
      g_ptr_array_add (affected, troupe_ref_ref (other));
      if (other == child && strategy == TROUPE_STRATEGY_REST_FOR_ONE)
        break;
    }

  return affected;
}

static void
troupe_ref_stop_affected (TroupeRef *self,
                          TroupeRef *child)
{
  g_autoptr (GPtrArray) affected = troupe_ref_dup_affected (self, child);
  guint i;

  for (i = 0; i < affected->len; i++)
    troupe_ref_set_control (g_ptr_array_index (affected, i), TROUPE_CONTROL_STOP);
}

static void
troupe_ref_restart_or_stop (TroupeRef     *self,
                            TroupeRestart *restart)
{
  /* It ends, or is being restarted, or has no object yet: that it will get. */
  if (self->state > TROUPE_REF_SUSPENDED || self->actor == NULL || (self->extra != NULL && self->extra->restart != NULL))
    return;

  if (troupe_ref_is_temporary (self) || (self->extra != NULL && self->extra->is_mortal))
    troupe_ref_set_control (self, TROUPE_CONTROL_STOP);
  else
    troupe_restart_add (restart, self);
}

static gint64
troupe_ref_next_delay_ms (TroupeRef               *self,
                          const TroupeSupervision *policy,
                          gint64                   now)
{
  TroupeRefExtra *extra = self->extra;

  if (now - extra->born >= policy->longest_ms * 1000)
    extra->n_in_row = 0;

  return troupe_supervision_get_delay_ms (policy, extra->n_in_row++, troupe_system_draw_random (self->system));
}

static void
troupe_ref_restart_affected (TroupeRef *self,
                             TroupeRef *child,
                             gint64     now)
{
  g_autoptr (GPtrArray) affected = troupe_ref_dup_affected (self, child);
  TroupeRestart *restart = troupe_restart_new (child, troupe_ref_next_delay_ms (child, troupe_ref_get_policy (self), now));
  guint i;

  for (i = 0; i < affected->len; i++)
    troupe_ref_restart_or_stop (g_ptr_array_index (affected, i), restart);

  troupe_restart_unref (restart);
}

/* Takes ERROR. */
static void
troupe_ref_escalate (TroupeRef *self,
                     TroupeRef *child,
                     GError    *error)
{
  if (self->parent == NULL)
    {
      troupe_ref_set_control (child, TROUPE_CONTROL_STOP);
      troupe_system_give_up (self->system, error);
    }
  else
    {
      child->extra->is_escalated = TRUE;
      troupe_ref_fail (self, error);
    }
}

static GError *
new_gave_up_error (TroupeRef *child)
{
  g_autofree char *path = troupe_ref_dup_path (child);
  const GError *cause = child->extra->error;

  return troupe_error_new_with_cause (TROUPE_ERROR_GAVE_UP, -1, cause, "The actor “%s” failed too often: %s",
                                      path, cause->message);
}

/* CHILD has failed too often. */
static void
troupe_ref_give_up (TroupeRef *self,
                    TroupeRef *child)
{
  GError *error = new_gave_up_error (child);

  if (troupe_ref_get_policy (self)->last_resort == TROUPE_DIRECTIVE_ESCALATE)
    {
      troupe_ref_escalate (self, child, error);
      return;
    }

  g_error_free (child->extra->error);
  child->extra->error = error;
  troupe_ref_stop_affected (self, child);
}

static void
troupe_ref_restart_child (TroupeRef *self,
                          TroupeRef *child)
{
  gint64 now = troupe_reactor_read_clock (self->reactor);

  if (child->extra->is_mortal)
    {
      g_autofree char *path = troupe_ref_dup_path (child);

      g_warning ("The actor “%s” cannot be restarted: it was spawned under a supervision that never does that", path);
      troupe_ref_stop_affected (self, child);
    }
  else if (!troupe_tally_count (troupe_ref_get_tally (self, child), troupe_ref_get_policy (self), now))
    {
      troupe_ref_give_up (self, child);
    }
  else
    {
      troupe_ref_restart_affected (self, child, now);
    }
}

static void
troupe_ref_judge_child (TroupeRef *self,
                        TroupeRef *child)
{
  TroupeDirective directive = TROUPE_ACTOR_GET_CLASS (self->actor)->child_failed (self->actor, child, child->extra->error);

  /* A nested main loop in there may have changed everything. */
  if (child->state != TROUPE_REF_SUSPENDED || child->extra->restart != NULL || self->state != TROUPE_REF_LIVE)
    return;

  if (directive == TROUPE_DIRECTIVE_RESUME && (child->flags & TROUPE_REF_BORN))
    troupe_ref_resume (child);
  else if (directive <= TROUPE_DIRECTIVE_RESTART)
    troupe_ref_restart_child (self, child);
  else if (directive == TROUPE_DIRECTIVE_ESCALATE)
    troupe_ref_escalate (self, child, g_error_copy (child->extra->error));
  else
    troupe_ref_stop_affected (self, child);
}

void
troupe_ref_judge_children (TroupeRef *self)
{
  TroupeSupervisor *supervisor = self->extra->supervisor;
  const guint not_now = TROUPE_CONTROL_KILL | TROUPE_CONTROL_STOP | TROUPE_CONTROL_FAIL | TROUPE_CONTROL_RESTART;

  while (self->state == TROUPE_REF_LIVE && (self->control & not_now) == 0 && supervisor->failed.length > 0)
    {
      g_autoptr (TroupeRef) child = g_queue_pop_head (&supervisor->failed);

      if (child->state == TROUPE_REF_SUSPENDED && child->extra->restart == NULL)
        troupe_ref_judge_child (self, child);
    }
}
