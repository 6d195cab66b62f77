/* troupe-supervision.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <string.h>

#include "troupe-ref.h"
#include "troupe-supervision-private.h"

/**
 * TroupeSupervision:
 *
 * What a parent does about children that fail.
 *
 * A directive says what becomes of a child that has failed, a strategy which of its siblings share that fate. An intensity limits how
 * often there may be a restart before the parent gives up and fails itself; a back-off makes those wait that fail again and again.
 *
 * Give it to [method@Troupe.Actor.set_supervision], or for the actors at the top to [method@Troupe.System.set_supervision]. Where nobody
 * does, a child that fails is restarted, by itself and without limit, with the back-off below; only one that has never started is stopped. Where
 * one answer does not fit all failures, override `child_failed` of [class@Troupe.Actor].
 *
 * Since: 1.0
 */

#define NO_LIMIT            G_MAXUINT
#define MAX_RESTARTS        65535
#define DEFAULT_FIRST_MS    100
#define DEFAULT_LONGEST_MS  10000

G_DEFINE_BOXED_TYPE (TroupeSupervision, troupe_supervision,
                     troupe_supervision_copy, troupe_supervision_free)

static const TroupeSupervision default_policy = {
  .directive = TROUPE_DIRECTIVE_RESTART,
  .strategy = TROUPE_STRATEGY_ONE_FOR_ONE,
  .n_restarts = NO_LIMIT,
  .first_ms = DEFAULT_FIRST_MS,
  .longest_ms = DEFAULT_LONGEST_MS,
  .last_resort = TROUPE_DIRECTIVE_ESCALATE,
};

const TroupeSupervision *
troupe_supervisor_get_policy (TroupeSupervisor *self)
{
  return self != NULL && self->policy != NULL ? self->policy : &default_policy;
}

void
troupe_supervisor_free (TroupeSupervisor *self)
{
  g_assert (self->failed.length == 0);

  g_clear_pointer (&self->charges, g_hash_table_unref);
  g_clear_pointer (&self->policy, troupe_supervision_free);
  troupe_tally_clear (&self->tally);
  g_free (self);
}

static void
troupe_charge_free (gpointer data)
{
  TroupeCharge *self = data;

  g_assert (!self->is_queued);

  g_clear_error (&self->error);
  troupe_tally_clear (&self->tally);
  troupe_ref_unref (self->child);
  g_free (self);
}

TroupeCharge *
troupe_supervisor_find_charge (TroupeSupervisor *self,
                               TroupeRef        *child)
{
  return self != NULL && self->charges != NULL ? g_hash_table_lookup (self->charges, child) : NULL;
}

TroupeCharge *
troupe_supervisor_need_charge (TroupeSupervisor *self,
                               TroupeRef        *child)
{
  TroupeCharge *charge = troupe_supervisor_find_charge (self, child);

  if (charge != NULL)
    return charge;

  if (self->charges == NULL)
    self->charges = g_hash_table_new_full (NULL, NULL, NULL, troupe_charge_free);
  charge = g_new0 (TroupeCharge, 1);
  charge->child = troupe_ref_ref (child);
  charge->link.data = charge;
  g_hash_table_insert (self->charges, child, charge);

  return charge;
}

void
troupe_supervisor_drop_charge (TroupeSupervisor *self,
                               TroupeRef        *child)
{
  TroupeCharge *charge = troupe_supervisor_find_charge (self, child);

  if (charge == NULL)
    return;

  troupe_supervisor_unqueue_charge (self, charge);
  g_hash_table_remove (self->charges, child);
}

void
troupe_supervisor_queue_charge (TroupeSupervisor *self,
                                TroupeCharge     *charge)
{
  if (charge->is_queued)
    return;

  charge->is_queued = TRUE;
  g_queue_push_tail_link (&self->failed, &charge->link);
}

void
troupe_supervisor_unqueue_charge (TroupeSupervisor *self,
                                  TroupeCharge     *charge)
{
  if (!charge->is_queued)
    return;

  charge->is_queued = FALSE;
  g_queue_unlink (&self->failed, &charge->link);
}

void
troupe_supervisor_set_policy (TroupeSupervisor        *self,
                              const TroupeSupervision *policy)
{
  g_clear_pointer (&self->policy, troupe_supervision_free);
  self->policy = troupe_supervision_copy (policy);
}

void
troupe_tally_clear (TroupeTally *self)
{
  g_free (self->times);
  memset (self, 0, sizeof *self);
}

gboolean
troupe_tally_is_full (const TroupeTally       *self,
                      const TroupeSupervision *policy,
                      gint64                   now)
{
  if (policy->n_restarts == NO_LIMIT || policy->n_restarts == 0)
    return policy->n_restarts == 0;
  if (self->size != policy->n_restarts || self->n_times < self->size)
    return FALSE;

  return now - self->times[self->oldest] <= policy->period_ms * 1000;
}

gboolean
troupe_tally_count (TroupeTally             *self,
                    const TroupeSupervision *policy,
                    gint64                   now)
{
  if (troupe_tally_is_full (self, policy, now))
    return FALSE;
  if (policy->n_restarts == NO_LIMIT)
    return TRUE;

  /* The same policy, given again by an object that was built anew, has not forgotten what it has counted. */
  if (self->size != policy->n_restarts)
    {
      troupe_tally_clear (self);
      self->size = policy->n_restarts;
      self->times = g_new (gint64, self->size);
    }

  self->times[self->oldest] = now;
  self->oldest = (self->oldest + 1) % self->size;
  self->n_times = MIN (self->n_times + 1, self->size);

  return TRUE;
}

gint64
troupe_back_off_get_ms (gint64 first_ms,
                        gint64 longest_ms,
                        double growth,
                        guint  n)
{
  double ms = first_ms;

  /* As a double it does not overflow before it is the longest. */
  for (; n > 0 && ms > 0 && ms < longest_ms; n--)
    ms *= growth;

  return ms < longest_ms ? (gint64) ms : longest_ms;
}

/*
 * Exponential back-off with “equal jitter”: half of the ceiling, and a random part of the other half. From Marc Brooker, Exponential
 * Backoff And Jitter, AWS Architecture Blog, March 2015 (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 * He finds “full jitter” a little cheaper for clients that compete; but that may wait for nothing, which is no back-off.
 */
gint64
troupe_supervision_get_delay_ms (const TroupeSupervision *self,
                                 guint                    n_before,
                                 double                   random)
{
  gint64 ceiling;

  /* What fails once has most likely met with an accident. */
  if (n_before == 0)
    return 0;

  ceiling = troupe_back_off_get_ms (self->first_ms, self->longest_ms, 2, n_before - 1);
  return ceiling - ceiling / 2 + (gint64) (random * (ceiling / 2 + 1));
}

/**
 * troupe_supervision_new:
 * @directive: what becomes of a child that has failed
 *
 * Makes a supervision: one for one, without limit, and with a back-off from 100 milliseconds to 10 seconds.
 *
 * Returns: (transfer full): a supervision
 *
 * Since: 1.0
 */
TroupeSupervision *
troupe_supervision_new (TroupeDirective directive)
{
  TroupeSupervision *self;

  g_return_val_if_fail (directive <= TROUPE_DIRECTIVE_ESCALATE, NULL);

  self = troupe_supervision_copy (&default_policy);
  self->directive = directive;

  return self;
}

/**
 * troupe_supervision_copy:
 * @self: a supervision
 *
 * Copies a supervision.
 *
 * Returns: (transfer full): a copy
 *
 * Since: 1.0
 */
TroupeSupervision *
troupe_supervision_copy (const TroupeSupervision *self)
{
  TroupeSupervision *copy;

  g_return_val_if_fail (self != NULL, NULL);

  copy = g_new (TroupeSupervision, 1);
  *copy = *self;

  return copy;
}

/**
 * troupe_supervision_free:
 * @self: (transfer full): a supervision
 *
 * Frees a supervision. Actors that it was given to have copies.
 *
 * Since: 1.0
 */
void
troupe_supervision_free (TroupeSupervision *self)
{
  g_return_if_fail (self != NULL);

  g_free (self);
}

/**
 * troupe_supervision_set_strategy:
 * @self: a supervision
 * @strategy: a strategy
 *
 * Says which children are restarted, or stopped, when one has failed.
 *
 * They end in the reverse order of their birth, and when the last has ended they are built anew in the order of their birth. Siblings
 * that cannot be restarted, such as connections, are stopped.
 *
 * Since: 1.0
 */
void
troupe_supervision_set_strategy (TroupeSupervision *self,
                                 TroupeStrategy     strategy)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (strategy <= TROUPE_STRATEGY_REST_FOR_ONE);

  self->strategy = strategy;
}

/**
 * troupe_supervision_set_intensity:
 * @self: a supervision
 * @n_restarts: how many restarts are tolerated, 0 to 65535
 * @period_ms: within how many milliseconds, 1 or more
 *
 * Limits how often there may be a restart.
 *
 * As in Erlang, the restarts of all children of one parent count together, and one that takes siblings along counts once. The failure that
 * would need one more escalates: the parent fails with %TROUPE_ERROR_GAVE_UP, and what is above it decides. At the top, the system ends.
 * [method@Troupe.Supervision.set_last_resort] changes both.
 *
 * Since: 1.0
 */
void
troupe_supervision_set_intensity (TroupeSupervision *self,
                                  guint              n_restarts,
                                  gint64             period_ms)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (n_restarts <= MAX_RESTARTS);
  g_return_if_fail (period_ms > 0 && period_ms <= G_MAXINT64 / 1000);

  self->n_restarts = n_restarts;
  self->period_ms = period_ms;
}

/**
 * troupe_supervision_set_last_resort:
 * @self: a supervision
 * @directive: %TROUPE_DIRECTIVE_ESCALATE or %TROUPE_DIRECTIVE_STOP
 *
 * Says what becomes of a child that has failed more often than is tolerated.
 *
 * By default that escalates. With %TROUPE_DIRECTIVE_STOP the child is stopped, with the siblings that the strategy names, and its parent
 * goes on; what is tolerated is tolerated of each child, so that none has to end because others have failed. Those who are told of its
 * end are told %TROUPE_ERROR_GAVE_UP.
 *
 * Since: 1.0
 */
void
troupe_supervision_set_last_resort (TroupeSupervision *self,
                                    TroupeDirective    directive)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (directive == TROUPE_DIRECTIVE_ESCALATE || directive == TROUPE_DIRECTIVE_STOP);

  self->last_resort = directive;
}

/**
 * troupe_supervision_set_back_off:
 * @self: a supervision
 * @first_ms: milliseconds to wait with the second restart in a row, 0 or more; 0 for no back-off
 * @longest_ms: the most milliseconds to wait, @first_ms or more
 *
 * Makes restarts wait that come in a row.
 *
 * The first restart of an actor is made at once. If it fails again, it waits for @first_ms, then for twice as long, up to @longest_ms, each
 * time less a random part of up to a half, so that those who failed together do not come back together. What is sent to it meanwhile waits in its
 * mailbox. One that has lived for @longest_ms begins anew.
 *
 * Since: 1.0
 */
void
troupe_supervision_set_back_off (TroupeSupervision *self,
                                 gint64             first_ms,
                                 gint64             longest_ms)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (first_ms >= 0);
  g_return_if_fail (longest_ms >= first_ms && longest_ms <= G_MAXINT64 / 1000);

  self->first_ms = first_ms;
  self->longest_ms = longest_ms;
}
