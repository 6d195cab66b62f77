/* troupe-mailbox-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-message-private.h"

G_BEGIN_DECLS

/* What a mailbox does with messages besides handing them out one after the other. For its actor's own thread. */

/* A marked message has its turn: FALSE, after MESSAGE was dropped, if it is not handled any more. */
gboolean troupe_mailbox_take (TroupeRef     *self,
                              TroupeMessage *message);

G_END_DECLS
