/* troupe-outcomes-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-body-private.h"
#include "troupe-outcomes.h"

G_BEGIN_DECLS

typedef struct
{
  TroupeBody body;
  gint       written;                /* atomic: the body is there, and stays as it is */
} TroupeOutcome;

/* Whoever has it may read, on any thread, while those that are still missing come in, each of them once. */
struct _TroupeOutcomes
{
  gint          ref_count;           /* atomic */
  gint64        first;               /* written before anybody else has it */
  gsize         length;
  TroupeOutcome items[];
};

TroupeOutcomes *troupe_outcomes_new     (gsize           length);
/* On one thread at a time. Takes BODY. */
void            troupe_outcomes_write   (TroupeOutcomes *self,
                                         gsize           index,
                                         TroupeBody     *body);

G_END_DECLS
