/* troupe-client-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-client.h"

G_BEGIN_DECLS

/* Any thread: CONNECTION, which CLIENT has built, is lost, or never came to be. */
void troupe_client_tell_lost (TroupeRef    *client,
                              TroupeRef    *connection,
                              const GError *reason);

G_END_DECLS
