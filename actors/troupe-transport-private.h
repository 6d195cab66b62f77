/* troupe-transport-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-address-private.h"
#include "troupe-protocol.h"
#include "troupe-ref-private.h"
#include "troupe-transport.h"

G_BEGIN_DECLS

/* A transport over FD, which it takes. PEER may be of no known family. Any thread; nothing happens before it is attached. */
TroupeTransport *troupe_transport_new    (int                  fd,
                                          const TroupeAddress *peer);
/* Before it is attached: CLIENT is to be told when it is lost, by which CONNECTION will own it. */
void             troupe_transport_set_client (TroupeTransport  *self,
                                          TroupeRef           *client,
                                          TroupeRef           *connection);
/* In a turn of OWNER, the ref of PROTOCOL: the connection is made. */
void             troupe_transport_attach (TroupeTransport     *self,
                                          TroupeProtocol      *protocol,
                                          TroupeRef           *owner);

G_END_DECLS
