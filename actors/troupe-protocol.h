/* troupe-protocol.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-actor.h"
#include "troupe-transport.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_PROTOCOL (troupe_protocol_get_type ())

TROUPE_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (TroupeProtocol, troupe_protocol, TROUPE, PROTOCOL, TroupeActor)

/**
 * TroupeProtocolClass:
 * @parent_class: the parent
 * @lives_on: %TRUE if the actor does not stop after @connection_lost
 * @connection_made: the first turn, with the transport in place; %FALSE with an error fails the actor
 * @data_received: bytes have come, at most 64 KiB, valid during the call only; %FALSE with an error fails the
 *   actor, which drops the connection
 * @connection_lost: the last turn of the connection, exactly once; the reason is
 *   %TROUPE_ERROR_CONNECTION_DONE after a clean end, %TROUPE_ERROR_CONNECTION_ABORTED after one's own abort, else
 *   %TROUPE_ERROR_CONNECTION_LOST
 * @read_closed: the peer will send no more; only with half close on, see
 *   [method@Troupe.Transport.set_half_close]
 * @write_closed: all was sent and our side is shut, after [method@Troupe.Transport.lose_write_connection]
 * @write_paused: more than the high mark waits to be sent: write no more for now
 * @write_resumed: less than the low mark waits to be sent again
 * @read_resumed: what [method@Troupe.Transport.is_throttled] tells is over: what was kept may be dealt with now
 *
 * The class of a connection.
 *
 * Since: 1.0
 */
struct _TroupeProtocolClass
{
  TroupeActorClass parent_class;

  gboolean lives_on;

  gboolean (*connection_made) (TroupeProtocol  *self,
                               GError         **error);
  gboolean (*data_received)   (TroupeProtocol  *self,
                               const guint8    *data,
                               gsize            length,
                               GError         **error);
  void     (*connection_lost) (TroupeProtocol  *self,
                               const GError    *reason);
  void     (*read_closed)     (TroupeProtocol  *self);
  void     (*write_closed)    (TroupeProtocol  *self);
  void     (*write_paused)    (TroupeProtocol  *self);
  void     (*write_resumed)   (TroupeProtocol  *self);
  void     (*read_resumed)    (TroupeProtocol  *self);

  /*< private >*/
  gpointer _reserved[8];
};

TROUPE_AVAILABLE_IN_ALL
TroupeTransport *troupe_protocol_get_transport (TroupeProtocol *self);
TROUPE_AVAILABLE_IN_ALL
TroupeRef *troupe_protocol_get_factory (TroupeProtocol *self);

G_END_DECLS
