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
 * Parent and child may be on different threads. What a child is belongs to its own thread, what its parent makes of it
 * (TroupeCharge, TroupeRestart) to the parent's; what one tells the other is a call, which on one thread is made at once. Mail waits until the actor is
 * live again.
 */

/*
 * A restart under way, of one actor or of several siblings: all of the old objects end before the first new one is built. It belongs to
 * the thread of their parent. While a member takes part, its thread may look at what does not change.
 */
struct _TroupeRestart
{
  TroupeRef   *parent;               /* a reference; does not change */
  TroupeRef   *culprit;              /* who failed: a member; does not change */
  GError      *error;                /* does not change */
  guint        ref_count;            /* of the members, each as long as it takes part */
  guint        n_ending;             /* members whose old object is still there, as far as is known */
  gint64       delay_ms;             /* between old and new */
  TroupeTimer *timer;
  GPtrArray   *members;              /* TroupeRef, references, the youngest first; some may have left */
};

static TroupeRestart *
troupe_restart_new (TroupeRef    *parent,
                    TroupeCharge *charge,
                    gint64        delay_ms)
{
  TroupeRestart *self = g_new0 (TroupeRestart, 1);

  self->ref_count = 1;
  self->n_ending = 1;
  self->delay_ms = delay_ms;
  self->members = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_ref_unref);
  self->parent = troupe_ref_ref (parent);
  self->culprit = troupe_ref_ref (charge->child);
  self->error = g_error_copy (charge->error);

  return self;
}

static void
troupe_restart_unref (TroupeRestart *self)
{
  if (--self->ref_count > 0)
    return;

  troupe_timer_clear (&self->timer);
  g_ptr_array_unref (self->members);
  troupe_ref_unref (self->culprit);
  troupe_ref_unref (self->parent);
  g_error_free (self->error);
  g_free (self);
}

/* On the member's thread. */
static void
troupe_restart_build_cb (TroupeRef *member,
                         gpointer   restart)
{
  if (member->extra != NULL && member->extra->restart == restart)
    troupe_ref_set_control (member, TROUPE_CONTROL_BIRTH);
}

static void
troupe_restart_build (TroupeRestart *self)
{
  gint64 now = troupe_reactor_read_clock (self->parent->reactor);
  guint i;

  self->ref_count++;
  for (i = self->members->len; i > 0; i--)
    {
      TroupeRef *member = g_ptr_array_index (self->members, i - 1);
      TroupeCharge *charge = troupe_supervisor_find_charge (self->parent->extra->supervisor, member);

      if (charge != NULL)
        charge->restarted = now;
      troupe_ref_call_at_once (member, troupe_restart_build_cb, NULL, self);
    }
  troupe_restart_unref (self);
}

static void
troupe_restart_expire (TroupeTimer *timer,
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
    self->timer = troupe_timer_new (self->parent->reactor->outside, self->delay_ms, TRUE, troupe_restart_expire, self, NULL);
}

static void
troupe_restart_count_end (TroupeRestart *self)
{
  g_assert (self->n_ending > 0);

  if (--self->n_ending == 0)
    troupe_restart_go_on (self);
}

/* What a member tells its parent. */
typedef struct
{
  TroupeRestart *restart;
  TroupeRef     *member;             /* a reference */
} Note;

static void
troupe_restart_count_end_cb (TroupeRef *parent,
                             gpointer   data)
{
  Note *note = data;
  TroupeCharge *charge = troupe_supervisor_find_charge (parent->extra->supervisor, note->member);

  if (charge != NULL)
    charge->n_ending--;
  troupe_restart_count_end (note->restart);
  troupe_ref_unref (note->member);
  g_free (note);
}

static void
troupe_restart_unref_cb (TroupeRef *parent,
                         gpointer   restart)
{
  troupe_restart_unref (restart);
}

/* A member's old object is gone, or was never to go. On the member's thread. */
static void
troupe_restart_note_end (TroupeRestart *self,
                         TroupeRef     *member)
{
  Note *note = g_new (Note, 1);

  *note = (Note) { self, troupe_ref_ref (member) };
  troupe_ref_call_at_once (self->parent, troupe_restart_count_end_cb, NULL, note);
}

/* A member takes no part any more. On its thread. */
static void
troupe_restart_leave (TroupeRestart *self)
{
  troupe_ref_call_at_once (self->parent, troupe_restart_unref_cb, NULL, self);
}

static gboolean
troupe_ref_is_temporary (TroupeRef *self)
{
  return ((TroupeActorClass *) g_type_class_peek (self->type))->temporary;
}

/* On the member's thread. */
static void
troupe_restart_join_cb (TroupeRef *member,
                        gpointer   data)
{
  TroupeRestart *self = data;

  if (member->state > TROUPE_REF_SUSPENDED || member->actor == NULL || (member->extra != NULL && member->extra->restart != NULL))
    {
      /* It ends, or is being restarted, or has no object yet: that it will get. */
    }
  else if (troupe_ref_is_temporary (member) || (member->extra != NULL && member->extra->is_mortal))
    {
      troupe_ref_set_control (member, TROUPE_CONTROL_STOP);
    }
  else
    {
      troupe_ref_need_extra (member)->restart = self;
      troupe_ref_set_control (member, TROUPE_CONTROL_RESTART);
      return;
    }

  troupe_restart_note_end (self, member);
  troupe_restart_leave (self);
}

static void
troupe_restart_invite (TroupeRestart *self,
                       TroupeRef     *member)
{
  self->ref_count++;
  self->n_ending++;
  troupe_supervisor_need_charge (self->parent->extra->supervisor, member)->n_ending++;
  g_ptr_array_add (self->members, troupe_ref_ref (member));
  troupe_ref_call_at_once (member, troupe_restart_join_cb, NULL, self);
}

void
troupe_ref_leave_restart (TroupeRef *self)
{
  TroupeRestart *restart = self->extra != NULL ? g_steal_pointer (&self->extra->restart) : NULL;

  if (restart == NULL)
    return;

  if (self->state != TROUPE_REF_BETWEEN)
    troupe_restart_note_end (restart, self);
  troupe_restart_leave (restart);
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

static TroupeCharge *
troupe_ref_find_charge (TroupeRef *self,
                        TroupeRef *child)
{
  return troupe_supervisor_find_charge (self->extra != NULL ? self->extra->supervisor : NULL, child);
}

/* Where the restarts of a child are counted. */
static TroupeTally *
troupe_ref_get_tally (TroupeRef    *self,
                      TroupeCharge *charge)
{
  if (troupe_ref_get_policy (self)->last_resort == TROUPE_DIRECTIVE_STOP)
    return &charge->tally;

  return &self->extra->supervisor->tally;
}

gboolean
troupe_ref_has_patience (TroupeRef *self,
                         TroupeRef *child)
{
  TroupeCharge *charge = troupe_ref_find_charge (self, child);

  return charge != NULL && !troupe_tally_is_full (troupe_ref_get_tally (self, charge), troupe_ref_get_policy (self),
                                                  troupe_reactor_read_clock (self->reactor));
}

TroupeDirective
troupe_ref_get_directive (TroupeRef *self,
                          TroupeRef *child)
{
  TroupeCharge *charge = troupe_ref_find_charge (self, child);

  /* What has never worked does not work the second time, and who spawned it wants to know. */
  if (charge != NULL && !charge->has_lived && self->extra->supervisor->policy == NULL)
    return TROUPE_DIRECTIVE_STOP;

  return troupe_ref_get_policy (self)->directive;
}

void
troupe_ref_forget_failed (TroupeRef *self)
{
  TroupeSupervisor *supervisor = self->extra != NULL ? self->extra->supervisor : NULL;

  while (supervisor != NULL && supervisor->failed.length > 0)
    troupe_supervisor_unqueue_charge (supervisor, supervisor->failed.head->data);
}

gboolean
troupe_ref_may_restart (TroupeRef *self)
{
  TroupeRef *parent = self->parent;

  if (parent == NULL || troupe_ref_is_temporary (self))
    return FALSE;

  /* What its parent thinks is another thread's to know. */
  if (!troupe_ref_has_parent_here (self))
    return TRUE;

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

/* What a child tells its parent. */
typedef struct
{
  TroupeRef *child;                  /* a reference */
  GError    *error;
  gboolean   is_born;
  gboolean   has_lived;
  gboolean   is_mortal;
} Report;

static void
report_free (Report *self)
{
  g_clear_error (&self->error);
  troupe_ref_unref (self->child);
  g_free (self);
}

static void
troupe_ref_take_report_cb (TroupeRef *self,
                           gpointer   data)
{
  TroupeSupervisor *supervisor = troupe_ref_need_supervisor (self);
  Report *report = data;
  TroupeCharge *charge = troupe_supervisor_need_charge (supervisor, report->child);

  /* It failed before it heard that it is restarted: that is decided. */
  if (charge->n_ending > 0)
    {
      report_free (report);
      return;
    }

  g_clear_error (&charge->error);
  charge->error = g_steal_pointer (&report->error);
  charge->is_born = report->is_born;
  charge->has_lived = report->has_lived;
  charge->is_mortal = report->is_mortal;
  report_free (report);

  troupe_supervisor_queue_charge (supervisor, charge);
  troupe_ref_set_control (self, TROUPE_CONTROL_CHILD);
}

static void
troupe_ref_refuse_report_cb (TroupeRef *self,
                             gpointer   report)
{
  report_free (report);
}

static void
troupe_ref_report_failure (TroupeRef *self)
{
  Report *report = g_new (Report, 1);

  *report = (Report) {
    .child = troupe_ref_ref (self),
    .error = g_error_copy (self->extra->error),
    .is_born = (self->flags & TROUPE_REF_BORN) != 0,
    .has_lived = (self->flags & TROUPE_REF_BORN) != 0 || self->extra->n_restarts > 0,
    .is_mortal = self->extra->is_mortal,
  };
  troupe_ref_call_at_once (self->parent, troupe_ref_take_report_cb, troupe_ref_refuse_report_cb, report);
}

void
troupe_ref_take_failure (TroupeRef *self)
{
  if (self->state != TROUPE_REF_LIVE)
    return;

  troupe_ref_publish_termination (self, TROUPE_NEWS_FAILED, TROUPE_END_FAILED);
  if (self->parent == NULL)
    {
      troupe_system_give_up (self->system, g_steal_pointer (&self->extra->error));
    }
  else if (troupe_ref_is_temporary (self) || (troupe_ref_has_parent_here (self) && self->parent->state > TROUPE_REF_SUSPENDED))
    {
      troupe_ref_begin_end (self, TROUPE_END_FAILED);
    }
  else
    {
      /* If the parent ends, or its object does, the order to stop is on its way. */
      troupe_ref_set_state (self, TROUPE_REF_SUSPENDED);
      troupe_ref_report_failure (self);
    }
}

/* Resuming */

static void troupe_ref_resume_cb (TroupeRef *self,
                                  gpointer   data);

/* Children that SELF has failed for go on with it. */
static void
troupe_ref_resume_children (TroupeRef *self)
{
  TroupeRef *child;

  for (child = self->last_child; child != NULL; child = child->previous_sibling)
    {
      TroupeCharge *charge = troupe_ref_find_charge (self, child);

      if (charge == NULL || !charge->is_escalated)
        continue;
      charge->is_escalated = FALSE;
      troupe_ref_call_at_once (child, troupe_ref_resume_cb, NULL, NULL);
    }
}

static void
troupe_ref_resume_cb (TroupeRef *self,
                      gpointer   data)
{
  TroupeRefExtra *extra = self->extra;

  /* It ends by now, or is being restarted. */
  if (self->state != TROUPE_REF_SUSPENDED || extra->restart != NULL)
    return;

  troupe_ref_reject_failed (self);
  g_clear_error (&extra->error);
  troupe_ref_set_state (self, TROUPE_REF_LIVE);

  /* It may have failed for the sake of a child, and others may have failed meanwhile. */
  if (extra->supervisor != NULL)
    troupe_ref_resume_children (self);
  troupe_ref_set_control (self, extra->supervisor != NULL ? TROUPE_CONTROL_CHILD : 0);
}

/* Restarting */

void
troupe_ref_begin_restart (TroupeRef *self)
{
  TroupeRestart *restart = self->extra->restart;

  if (self->extra->error != NULL && self != restart->culprit)
    {
      g_autofree char *path = troupe_ref_dup_path (self);

      g_warning ("The actor “%s” failed, too: %s", path, self->extra->error->message);
    }

  troupe_ref_set_state (self, TROUPE_REF_RESTARTING);
  if (self->flags & TROUPE_REF_BORN)
    TROUPE_ACTOR_GET_CLASS (self->actor)->pre_restart (self->actor, restart->error);

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
  troupe_restart_note_end (self->extra->restart, self);
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
  TroupeRestart *restart = g_steal_pointer (&extra->restart);

  g_clear_error (&extra->error);
  extra->n_restarts++;
  troupe_ref_set_state (self, TROUPE_REF_LIVE);

  if (troupe_ref_be_born (self))
    {
      TROUPE_ACTOR_GET_CLASS (self->actor)->post_restart (self->actor, restart->error);
      troupe_ref_tell_resources (self);
      troupe_ref_replay (self);
    }

  troupe_restart_leave (restart);
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
    troupe_ref_control (g_ptr_array_index (affected, i), TROUPE_CONTROL_STOP);
}

static gint64
troupe_ref_next_delay_ms (TroupeRef    *self,
                          TroupeCharge *charge,
                          gint64        now)
{
  const TroupeSupervision *policy = troupe_ref_get_policy (self);

  if (now - charge->restarted >= policy->longest_ms * 1000)
    charge->n_in_row = 0;

  return troupe_supervision_get_delay_ms (policy, charge->n_in_row++, troupe_system_draw_random (self->system));
}

static void
troupe_ref_restart_affected (TroupeRef    *self,
                             TroupeCharge *charge,
                             gint64        now)
{
  g_autoptr (GPtrArray) affected = troupe_ref_dup_affected (self, charge->child);
  TroupeRestart *restart = troupe_restart_new (self, charge, troupe_ref_next_delay_ms (self, charge, now));
  guint i;

  for (i = 0; i < affected->len; i++)
    {
      TroupeRef *member = g_ptr_array_index (affected, i);
      TroupeCharge *other = troupe_ref_find_charge (self, member);

      /* What it has failed with is decided about, too. */
      if (other != NULL)
        {
          troupe_supervisor_unqueue_charge (self->extra->supervisor, other);
          g_clear_error (&other->error);
        }
      troupe_restart_invite (restart, member);
    }

  troupe_restart_count_end (restart);
  troupe_restart_unref (restart);
}

/* Takes ERROR. */
static void
troupe_ref_escalate (TroupeRef    *self,
                     TroupeCharge *charge,
                     GError       *error)
{
  if (self->parent == NULL)
    {
      troupe_ref_control (charge->child, TROUPE_CONTROL_STOP);
      troupe_system_give_up (self->system, error);
    }
  else
    {
      charge->is_escalated = TRUE;
      troupe_ref_fail (self, error);
    }
}

static GError *
new_gave_up_error (TroupeCharge *charge)
{
  g_autofree char *path = troupe_ref_dup_path (charge->child);

  return troupe_error_new_with_cause (TROUPE_ERROR_GAVE_UP, -1, charge->error, "The actor “%s” failed too often: %s",
                                      path, charge->error->message);
}

static void
troupe_ref_refuse_error_cb (TroupeRef *self,
                            gpointer   error)
{
  g_error_free (error);
}

/* What it is said to have failed with. On its own thread. */
static void
troupe_ref_replace_error_cb (TroupeRef *self,
                             gpointer   error)
{
  if (self->state != TROUPE_REF_SUSPENDED)
    {
      /* Somebody has stopped it before, and told others why. */
      troupe_ref_refuse_error_cb (self, error);
      return;
    }

  g_clear_error (&self->extra->error);
  self->extra->error = error;
}

/* The child has failed too often. */
static void
troupe_ref_give_up (TroupeRef    *self,
                    TroupeCharge *charge)
{
  GError *error = new_gave_up_error (charge);

  if (troupe_ref_get_policy (self)->last_resort == TROUPE_DIRECTIVE_ESCALATE)
    {
      troupe_ref_escalate (self, charge, error);
      return;
    }

  troupe_ref_call_at_once (charge->child, troupe_ref_replace_error_cb, troupe_ref_refuse_error_cb, error);
  troupe_ref_stop_affected (self, charge->child);
}

static void
troupe_ref_restart_child (TroupeRef    *self,
                          TroupeCharge *charge)
{
  gint64 now = troupe_reactor_read_clock (self->reactor);

  if (charge->is_mortal)
    {
      g_autofree char *path = troupe_ref_dup_path (charge->child);

      g_warning ("The actor “%s” cannot be restarted: it was spawned under a supervision that never does that", path);
      troupe_ref_stop_affected (self, charge->child);
    }
  else if (!troupe_tally_count (troupe_ref_get_tally (self, charge), troupe_ref_get_policy (self), now))
    {
      troupe_ref_give_up (self, charge);
    }
  else
    {
      troupe_ref_restart_affected (self, charge, now);
    }
}

static void
troupe_ref_resume_child (TroupeRef    *self,
                         TroupeCharge *charge)
{
  g_clear_error (&charge->error);
  troupe_ref_call_at_once (charge->child, troupe_ref_resume_cb, NULL, NULL);
}

/* Somebody else has seen to it, as far as is known on this thread. */
static gboolean
troupe_charge_is_moot (TroupeCharge *charge)
{
  TroupeRef *child = charge->child;

  return charge->error == NULL ||
         (troupe_ref_has_parent_here (child) && (child->state != TROUPE_REF_SUSPENDED || child->extra->restart != NULL));
}

static void
troupe_ref_judge_child (TroupeRef    *self,
                        TroupeCharge *charge)
{
  g_autoptr (TroupeRef) child = troupe_ref_ref (charge->child);
  g_autoptr (GError) error = g_error_copy (charge->error);
  TroupeDirective directive = TROUPE_ACTOR_GET_CLASS (self->actor)->child_failed (self->actor, child, error);

  /* A nested main loop in there may have changed everything. */
  charge = troupe_ref_find_charge (self, child);
  if (charge == NULL || troupe_charge_is_moot (charge) || self->state != TROUPE_REF_LIVE)
    return;

  if (directive == TROUPE_DIRECTIVE_RESUME && charge->is_born)
    troupe_ref_resume_child (self, charge);
  else if (directive <= TROUPE_DIRECTIVE_RESTART)
    troupe_ref_restart_child (self, charge);
  else if (directive == TROUPE_DIRECTIVE_ESCALATE)
    troupe_ref_escalate (self, charge, g_error_copy (charge->error));
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
      TroupeCharge *charge = supervisor->failed.head->data;

      troupe_supervisor_unqueue_charge (supervisor, charge);
      if (!troupe_charge_is_moot (charge))
        troupe_ref_judge_child (self, charge);
    }
}
