/* troupe-fiber-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-fiber.h"
#include "troupe-ref-private.h"

G_BEGIN_DECLS

/* HOME begins to end: whatever its fibers wait for fails, so that they come to their ends. */
void troupe_fiber_end_all  (TroupeRef *home);
/* HOME has ended, and was killed: none of their code runs any more. */
void troupe_fiber_lose_all (TroupeRef *home);

G_END_DECLS
