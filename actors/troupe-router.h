/* troupe-router.h
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

/**
 * TroupeRouting:
 * @TROUPE_ROUTING_ROUND_ROBIN: one after the other
 * @TROUPE_ROUTING_RANDOM: any
 * @TROUPE_ROUTING_LEAST_LOADED: the one in whose mailbox least waits; of several, one after the other
 * @TROUPE_ROUTING_CONSISTENT_HASH: what has the same key goes to the same one; see [vfunc@Troupe.Router.hash_message]
 * @TROUPE_ROUTING_BROADCAST: all; an ask is answered with a [struct@Troupe.Outcomes] of what each answered
 * @TROUPE_ROUTING_SCATTER_GATHER_FIRST: all; an ask is answered with the first value, and the other answers are cancelled
 *
 * To which of its routees a router forwards a message.
 *
 * Since: 1.0
 */
typedef enum
{
  TROUPE_ROUTING_ROUND_ROBIN,
  TROUPE_ROUTING_RANDOM,
  TROUPE_ROUTING_LEAST_LOADED,
  TROUPE_ROUTING_CONSISTENT_HASH,
  TROUPE_ROUTING_BROADCAST,
  TROUPE_ROUTING_SCATTER_GATHER_FIRST,
} TroupeRouting;

#define TROUPE_TYPE_ROUTING (troupe_routing_get_type ())
TROUPE_AVAILABLE_IN_ALL
GType troupe_routing_get_type (void) G_GNUC_CONST;

#define TROUPE_TYPE_ROUTER (troupe_router_get_type ())

TROUPE_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (TroupeRouter, troupe_router, TROUPE, ROUTER, TroupeActor)

/**
 * TroupeRouterClass:
 * @parent_class: the parent
 * @build_routee: spawns a routee, with [method@Troupe.Actor.spawn_with_properties] of the router itself; the default spawns one of
 *   [property@Troupe.Router:routee-type]
 * @hash_message: gives a number that is the same for messages that have to go to the same routee. The default takes the body if that is a
 *   number, a truth value, a string or bytes, and else the sender
 *
 * The class of a router. One that overrides `started`, `receive` or `child_terminated` calls the parent class's.
 *
 * Since: 1.0
 */
struct _TroupeRouterClass
{
  TroupeActorClass parent_class;

  TroupeRef *(*build_routee) (TroupeRouter   *self,
                              GError        **error);
  guint64    (*hash_message) (TroupeRouter   *self,
                              TroupeMessage  *message);

  /*< private >*/
  gpointer _reserved[8];
};

TROUPE_AVAILABLE_IN_ALL
TroupeRef     *troupe_system_spawn_router     (TroupeSystem   *system,
                                               const char     *name,
                                               TroupeRouting   routing,
                                               guint           size,
                                               GType           routee_type,
                                               GError        **error) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
void           troupe_router_resize           (TroupeRef      *router,
                                               guint           size);
TROUPE_AVAILABLE_IN_ALL
TroupeRouting  troupe_router_get_routing      (TroupeRouter   *self);
TROUPE_AVAILABLE_IN_ALL
GType          troupe_router_get_routee_type  (TroupeRouter   *self);
TROUPE_AVAILABLE_IN_ALL
guint          troupe_router_get_size         (TroupeRouter   *self);
TROUPE_AVAILABLE_IN_ALL
guint          troupe_router_get_max_size     (TroupeRouter   *self);

G_END_DECLS
