/* troupe-promise-debug-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-promise.h"

G_BEGIN_DECLS

/* What is kept of a promise while debugging is on: who did this to it first. */
typedef enum
{
  TROUPE_SITE_MADE,
  TROUPE_SITE_RESOLVED,
  TROUPE_SITE_CANCELLED,
  TROUPE_N_SITES,
} TroupeSite;

/* Atomic. Whether sites are kept, or were once. */
G_GNUC_INTERNAL
extern guint troupe_promise_debug_state;

void  troupe_promise_keep_site    (TroupePromise *self,
                                   TroupeSite     site);
void  troupe_promise_drop_sites   (TroupePromise *self);
/* As text that begins with a new line; empty if nothing is known. (transfer full) */
char *troupe_promise_dup_sites    (TroupePromise *self);

/* Any thread that has a count. Relaxed: a promise of the very moment of switching may be missed. */
static inline void
troupe_promise_note_site (TroupePromise *self,
                          TroupeSite     site)
{
  if (G_UNLIKELY (__atomic_load_n (&troupe_promise_debug_state, __ATOMIC_RELAXED) != 0))
    troupe_promise_keep_site (self, site);
}

/* Before the block is freed: the next promise may have its address. */
static inline void
troupe_promise_forget_sites (TroupePromise *self)
{
  if (G_UNLIKELY (__atomic_load_n (&troupe_promise_debug_state, __ATOMIC_RELAXED) != 0))
    troupe_promise_drop_sites (self);
}

G_END_DECLS
