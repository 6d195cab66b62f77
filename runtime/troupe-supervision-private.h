/* troupe-supervision-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-supervision.h"
#include "troupe-types.h"

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

/* What a parent keeps of a child that has failed, or was restarted with one, until that ends. The child may be on another thread. */
typedef struct
{
  TroupeRef  *child;                 /* a reference */
  GError     *error;                 /* what it has failed with; NULL if that has been decided about */
  GList       link;                  /* in `failed`, while it waits to be looked at */
  TroupeTally tally;                 /* of restarts, where those of each child are counted alone */
  gint64      restarted;             /* µs: when that was last */
  guint       n_in_row;              /* restarts, each soon after the one before */
  guint       n_ending;              /* restarts that it was told of, before which its old object is to go */
  guint       is_queued : 1;
  guint       is_born : 1;           /* the object that failed had started … */
  guint       has_lived : 1;         /* … or one before it */
  guint       is_mortal : 1;         /* its construct properties were not kept: it cannot be restarted */
  guint       is_escalated : 1;      /* the parent has failed for its sake */
} TroupeCharge;

/* What a parent has for its children. For its thread only. */
typedef struct
{
  TroupeSupervision *policy;         /* NULL: the default */
  TroupeTally        tally;          /* of restarts of all children together */
  GHashTable        *charges;        /* TroupeRef to TroupeCharge; NULL: none */
  GQueue             failed;         /* TroupeCharge, linked by their own links: who waits to be looked at, first come first */
} TroupeSupervisor;

void   troupe_supervisor_free          (TroupeSupervisor        *self);
/* SELF may be NULL; so may be what it returns. */
TroupeCharge *troupe_supervisor_find_charge (TroupeSupervisor   *self,
                                        TroupeRef               *child);
TroupeCharge *troupe_supervisor_need_charge (TroupeSupervisor   *self,
                                        TroupeRef               *child);
/* CHILD has ended. */
void   troupe_supervisor_drop_charge   (TroupeSupervisor        *self,
                                        TroupeRef               *child);
void   troupe_supervisor_queue_charge  (TroupeSupervisor        *self,
                                        TroupeCharge            *charge);
void   troupe_supervisor_unqueue_charge (TroupeSupervisor       *self,
                                        TroupeCharge            *charge);
void   troupe_supervisor_set_policy    (TroupeSupervisor        *self,
                                        const TroupeSupervision *policy);

/* The policy of SUPERVISOR, which may be NULL. */
const TroupeSupervision *troupe_supervisor_get_policy (TroupeSupervisor *self);

/* FIRST_MS, N times GROWTH times as much, and LONGEST_MS at most. */
gint64 troupe_back_off_get_ms          (gint64                   first_ms,
                                        gint64                   longest_ms,
                                        double                   growth,
                                        guint                    n);
/* How long to wait with a restart after N_BEFORE others in a row. RANDOM is at least 0 and less than 1. */
gint64 troupe_supervision_get_delay_ms (const TroupeSupervision *self,
                                        guint                    n_before,
                                        double                   random);

G_END_DECLS
