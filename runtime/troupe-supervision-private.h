/* troupe-supervision-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-supervision.h"

G_BEGIN_DECLS

struct _TroupeSupervision
{
  TroupeDirective directive;
  TroupeStrategy  strategy;
  guint           n_restarts;        /* so many within the period and no more; G_MAXUINT: no limit */
  gint64          period_ms;
  gint64          first_ms;          /* of the back-off */
  gint64          longest_ms;
  TroupeDirective last_resort;       /* when there were too many restarts */
};

/* When there were restarts, as far as a policy cares. */
typedef struct
{
  gint64 *times;                     /* a ring, in µs; or NULL */
  guint   size;                      /* as many as the policy allows */
  guint   oldest;                    /* in the ring, once that is full; until then the next free place */
  guint   n_times;                   /* in the ring */
} TroupeTally;

void     troupe_tally_clear (TroupeTally             *self);
/* Whether a restart at NOW, in µs, would be one too many. */
gboolean troupe_tally_is_full (const TroupeTally     *self,
                             const TroupeSupervision *policy,
                             gint64                   now);
/* Counts a restart at NOW, in µs; FALSE if that is one too many. */
gboolean troupe_tally_count (TroupeTally             *self,
                             const TroupeSupervision *policy,
                             gint64                   now);

/* What a parent has for its children. For its thread only. */
typedef struct
{
  TroupeSupervision *policy;         /* NULL: the default */
  TroupeTally        tally;          /* of restarts of all children together */
  GQueue             failed;         /* TroupeRef, references: children that wait for a decision, first come first */
} TroupeSupervisor;

void   troupe_supervisor_free          (TroupeSupervisor        *self);
void   troupe_supervisor_set_policy    (TroupeSupervisor        *self,
                                        const TroupeSupervision *policy);

/* The policy of SUPERVISOR, which may be NULL. */
const TroupeSupervision *troupe_supervisor_get_policy (TroupeSupervisor *self);

/* How long to wait with a restart after N_BEFORE others in a row. RANDOM is at least 0 and less than 1. */
gint64 troupe_supervision_get_delay_ms (const TroupeSupervision *self,
                                        guint                    n_before,
                                        double                   random);

G_END_DECLS
