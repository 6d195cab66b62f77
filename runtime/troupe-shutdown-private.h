/* troupe-shutdown-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-ref-private.h"

G_BEGIN_DECLS

/* The services of a system, that is the children of its ROOT, stop one after the other. For the root's thread, in its turns. */
typedef struct _TroupeShutdown TroupeShutdown;

/* What does not end within TIMEOUT_MS of its stop is killed. When nothing is left the root is stopped. */
TroupeShutdown *troupe_shutdown_begin       (TroupeRef      *root,
                                             gint64          timeout_ms);
/* CHILD has ended; in its own turn. */
void            troupe_shutdown_child_ended (TroupeShutdown *self,
                                             TroupeRef      *child);
void            troupe_shutdown_free        (TroupeShutdown *self);

G_END_DECLS
