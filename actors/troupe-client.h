/* troupe-client.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-disconnection.h"
#include "troupe-factory.h"
#include "troupe-promise.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_CLIENT (troupe_client_get_type ())

TROUPE_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (TroupeClient, troupe_client, TROUPE, CLIENT, TroupeFactory)

/**
 * TroupeClientClass:
 * @parent_class: the parent
 * @connecting: an attempt begins; the default does nothing
 * @prepare_connection: a connection is made, and may need something before anybody is told; the default needs nothing
 * @connected: there is a connection; the default does nothing
 * @disconnected: there is none, because it was lost, an attempt has failed, or the client stops; the default does nothing
 *
 * The class of a client. One that overrides `started` or `stopped` calls the parent class's.
 *
 * Since: 1.0
 */
struct _TroupeClientClass
{
  TroupeFactoryClass parent_class;

  void           (*connecting)         (TroupeClient         *self);
  TroupePromise *(*prepare_connection) (TroupeClient         *self,
                                        TroupeRef            *connection,
                                        GError              **error);
  void           (*connected)          (TroupeClient         *self,
                                        TroupeRef            *connection);
  void           (*disconnected)       (TroupeClient         *self,
                                        TroupeDisconnection  *disconnection);

  /*< private >*/
  gpointer _reserved[8];
};

TROUPE_AVAILABLE_IN_ALL
TroupeRef *troupe_system_spawn_client    (TroupeSystem  *system,
                                          const char    *name,
                                          const char    *endpoint,
                                          GType          protocol_type,
                                          GError       **error) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeRef *troupe_client_get_connection  (TroupeClient  *self);

G_END_DECLS
