/* troupe-protocol-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-protocol.h"
#include "troupe-ref-private.h"

G_BEGIN_DECLS

/* Makes TRANSPORT, taken, the connection of the protocol actor at CONNECTION, in its next turn. If it has ended by then
 * the transport closes. Any thread. */
void troupe_protocol_give_transport (TroupeRef       *connection,
                                     TroupeTransport *transport);

G_END_DECLS
