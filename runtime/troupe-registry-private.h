/* troupe-registry-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-ref-private.h"

G_BEGIN_DECLS

/* Who is found under which path in a system, and who waits for whom. Any thread: a mutex guards all of it, and nothing that
 * messages pass through. */
typedef struct _TroupeRegistry TroupeRegistry;

TroupeRegistry *troupe_registry_new      (void);
void            troupe_registry_unref    (TroupeRegistry  *self);
/* REF takes the path of its name; a second step, once it can be sent to, tells those who wait for it. */
gboolean        troupe_registry_add      (TroupeRegistry  *self,
                                          TroupeRef       *ref,
                                          GError         **error);
void            troupe_registry_announce (TroupeRegistry  *self,
                                          TroupeRef       *ref);
/* REF has ended: its name is free. */
void            troupe_registry_remove   (TroupeRegistry  *self,
                                          TroupeRef       *ref);
/* REF ends: its other names are free. */
void            troupe_registry_forget   (TroupeRegistry  *self,
                                          TroupeRef       *ref);
/* Nobody comes any more. */
void            troupe_registry_close    (TroupeRegistry  *self);

G_END_DECLS
