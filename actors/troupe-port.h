/* troupe-port.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-promise.h"
#include "troupe-ref.h"
#include "troupe-system.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_PORT (troupe_port_get_type ())

TROUPE_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (TroupePort, troupe_port, TROUPE, PORT, GObject)

TROUPE_AVAILABLE_IN_ALL
TroupePort *troupe_listen (TroupeSystem  *system,
                           const char    *endpoint,
                           TroupeRef     *factory,
                           GError       **error) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_listen_later (TroupeSystem *system,
                                    const char   *endpoint,
                                    TroupeRef    *factory) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupePort *troupe_listen_fd (TroupeSystem  *system,
                              int            fd,
                              TroupeRef     *factory,
                              GError       **error) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_adopt_connection (TroupeSystem  *system,
                                        int            fd,
                                        TroupeRef     *factory) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
GSocketAddress *troupe_port_get_address (TroupePort *self);
TROUPE_AVAILABLE_IN_ALL
char *troupe_port_dup_endpoint (TroupePort *self) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_port_is_listening (TroupePort *self);
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_port_stop (TroupePort *self);

G_END_DECLS
