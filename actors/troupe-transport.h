/* troupe-transport.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-types.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_TRANSPORT (troupe_transport_get_type ())

TROUPE_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (TroupeTransport, troupe_transport, TROUPE, TRANSPORT, GObject)

TROUPE_AVAILABLE_IN_ALL
void troupe_transport_write (TroupeTransport *self,
                             const guint8    *data,
                             gsize            length);
TROUPE_AVAILABLE_IN_ALL
void troupe_transport_write_bytes (TroupeTransport *self,
                                   GBytes          *bytes);
TROUPE_AVAILABLE_IN_ALL
void troupe_transport_write_sequence (TroupeTransport  *self,
                                      GBytes          **bytes,
                                      gsize             n_bytes);
TROUPE_AVAILABLE_IN_ALL
void troupe_transport_lose_connection (TroupeTransport *self);
TROUPE_AVAILABLE_IN_ALL
void troupe_transport_abort (TroupeTransport *self);
TROUPE_AVAILABLE_IN_ALL
void troupe_transport_lose_write_connection (TroupeTransport *self);
TROUPE_AVAILABLE_IN_ALL
void troupe_transport_pause_reading (TroupeTransport *self);
TROUPE_AVAILABLE_IN_ALL
void troupe_transport_resume_reading (TroupeTransport *self);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_transport_is_throttled (TroupeTransport *self);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_transport_is_connected (TroupeTransport *self);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_transport_is_disconnecting (TroupeTransport *self);
TROUPE_AVAILABLE_IN_ALL
GSocketAddress *troupe_transport_get_peer (TroupeTransport *self);
TROUPE_AVAILABLE_IN_ALL
GSocketAddress *troupe_transport_get_host (TroupeTransport *self);
TROUPE_AVAILABLE_IN_ALL
int troupe_transport_get_fd (TroupeTransport *self);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_transport_get_no_delay (TroupeTransport *self);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_transport_set_no_delay (TroupeTransport  *self,
                                        gboolean          no_delay,
                                        GError          **error);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_transport_get_keep_alive (TroupeTransport *self);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_transport_set_keep_alive (TroupeTransport  *self,
                                          gboolean          keep_alive,
                                          GError          **error);
TROUPE_AVAILABLE_IN_ALL
void troupe_transport_set_water_marks (TroupeTransport *self,
                                       gsize            low,
                                       gsize            high);
TROUPE_AVAILABLE_IN_ALL
gsize troupe_transport_get_n_unsent (TroupeTransport *self);
TROUPE_AVAILABLE_IN_ALL
void troupe_transport_set_close_timeout (TroupeTransport *self,
                                         guint            timeout_ms);
TROUPE_AVAILABLE_IN_ALL
void troupe_transport_set_half_close (TroupeTransport *self,
                                      gboolean         half_close);

G_END_DECLS
