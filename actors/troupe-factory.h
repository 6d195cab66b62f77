/* troupe-factory.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-actor.h"
#include "troupe-ref.h"
#include "troupe-system.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_FACTORY (troupe_factory_get_type ())

TROUPE_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (TroupeFactory, troupe_factory, TROUPE, FACTORY, TroupeActor)

/**
 * TroupeFactoryClass:
 * @parent_class: the parent
 * @start_factory: the first port opens, or the first connect begins
 * @stop_factory: the last port has closed and no connect is under way
 * @build_protocol: spawns the actor of a new connection, a [class@Troupe.Protocol], with
 *   [method@Troupe.Actor.spawn_with_properties] of the factory itself; %NULL without an error declines the connection, which is closed
 *   at once; %NULL with an error does the same and logs it. The default spawns one of [property@Troupe.Factory:protocol-type]
 *
 * The class of a factory.
 *
 * Since: 1.0
 */
struct _TroupeFactoryClass
{
  TroupeActorClass parent_class;

  void       (*start_factory)  (TroupeFactory   *self);
  void       (*stop_factory)   (TroupeFactory   *self);
  TroupeRef *(*build_protocol) (TroupeFactory   *self,
                                GSocketAddress  *peer,
                                GError         **error);

  /*< private >*/
  gpointer _reserved[8];
};

TROUPE_AVAILABLE_IN_ALL
TroupeRef *troupe_factory_spawn (TroupeSystem  *system,
                                 const char    *name,
                                 GType          protocol_type,
                                 GError       **error) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeRef *troupe_system_spawn_factory (TroupeSystem  *system,
                                        const char    *name,
                                        GType          protocol_type,
                                        GError       **error) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
GType troupe_factory_get_protocol_type (TroupeFactory *self);
TROUPE_AVAILABLE_IN_ALL
guint troupe_factory_get_n_connections (TroupeFactory *self);

G_END_DECLS
