/* troupe-factory.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <unistd.h>

#include "troupe-client.h"
#include "troupe-error-private.h"
#include "troupe-factory-private.h"
#include "troupe-protocol-private.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-life-private.h"
#include "troupe-transport-private.h"

/**
 * TroupeFactory:
 *
 * An actor that spawns a protocol actor for each connection and is the parent of all of them.
 *
 * Give its address to [func@Troupe.listen] or [func@Troupe.connect], as often as you like. A factory as it is spawns actors of its
 * [property@Troupe.Factory:protocol-type]; derive from it to decide on each connection or to keep what connections
 * share.
 *
 * When a factory stops, its ports close, its pending connects are rejected, and its connections stop.
 *
 * Since: 1.0
 */

/**
 * TroupeFactoryClass::build_protocol:
 * @self: a factory
 * @peer: (nullable): the address of the other side, if it is known
 * @error: where to say why it failed
 *
 * Spawns the actor of a new connection, or declines it.
 *
 * Returns: (transfer full) (nullable): the address of a [class@Troupe.Protocol], spawned with
 *   [method@Troupe.Actor.spawn_with_properties] of the factory itself; %NULL to have the connection closed at once, with @error
 *   set if that is to be logged
 *
 * Since: 1.0
 */

typedef struct
{
  GType protocol_type;
  guint n_users;                     /* ports and pending connects */
  guint n_connections;
} TroupeFactoryPrivate;

enum { PROP_0, PROP_PROTOCOL_TYPE, N_PROPS };

G_DEFINE_TYPE_WITH_PRIVATE (TroupeFactory, troupe_factory, TROUPE_TYPE_ACTOR)

static GParamSpec *properties[N_PROPS];

static inline TroupeFactoryPrivate *
get_private (TroupeFactory *self)
{
  return troupe_factory_get_instance_private (self);
}

/* Nothing to start, or to stop. */
static void
troupe_factory_real_note (TroupeFactory *self)
{
}

static TroupeRef *
troupe_factory_real_build_protocol (TroupeFactory   *self,
                                    GSocketAddress  *peer,
                                    GError         **error)
{
  GType type = get_private (self)->protocol_type;

  if (G_TYPE_IS_ABSTRACT (type))
    {
      g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_PROPERTY, "The factory's protocol-type “%s” is abstract",
                   g_type_name (type));
      return NULL;
    }

  return troupe_actor_spawn_with_properties (TROUPE_ACTOR (self), NULL, type, 0, NULL, NULL, error);
}

static void
troupe_factory_child_terminated (TroupeActor       *actor,
                                 TroupeTermination *termination)
{
  TroupeRef *child = troupe_termination_get_actor (termination);

  if (child->is_counted)
    {
      child->is_counted = FALSE;
      get_private (TROUPE_FACTORY (actor))->n_connections--;
    }

  TROUPE_ACTOR_CLASS (troupe_factory_parent_class)->child_terminated (actor, termination);
}

static void
troupe_factory_get_property (GObject    *object,
                             guint       id,
                             GValue     *value,
                             GParamSpec *spec)
{
  switch (id)
    {
    case PROP_PROTOCOL_TYPE:
      g_value_set_gtype (value, get_private (TROUPE_FACTORY (object))->protocol_type);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
    }
}

static void
troupe_factory_set_property (GObject      *object,
                             guint         id,
                             const GValue *value,
                             GParamSpec   *spec)
{
  switch (id)
    {
    case PROP_PROTOCOL_TYPE:
      get_private (TROUPE_FACTORY (object))->protocol_type = g_value_get_gtype (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
    }
}

static void
troupe_factory_class_init (TroupeFactoryClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  object_class->get_property = troupe_factory_get_property;
  object_class->set_property = troupe_factory_set_property;
  actor_class->kind = "listener";
  actor_class->child_terminated = troupe_factory_child_terminated;
  klass->start_factory = troupe_factory_real_note;
  klass->stop_factory = troupe_factory_real_note;
  klass->build_protocol = troupe_factory_real_build_protocol;

  /**
   * TroupeFactory:protocol-type: (getter get_protocol_type)
   *
   * What the default `build_protocol` spawns: a type derived from [class@Troupe.Protocol].
   *
   * Since: 1.0
   */
  properties[PROP_PROTOCOL_TYPE] =
    g_param_spec_gtype ("protocol-type", NULL, NULL, TROUPE_TYPE_PROTOCOL,
                        G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
troupe_factory_init (TroupeFactory *self)
{
}

void
troupe_factory_begin (TroupeFactory *self)
{
  if (get_private (self)->n_users++ == 0)
    TROUPE_FACTORY_GET_CLASS (self)->start_factory (self);
}

void
troupe_factory_end (TroupeFactory *self)
{
  g_assert (get_private (self)->n_users > 0);

  if (--get_private (self)->n_users == 0)
    TROUPE_FACTORY_GET_CLASS (self)->stop_factory (self);
}

gboolean
troupe_factory_check (TroupeRef   *factory,
                      const char  *instead,
                      GError     **error)
{
  g_autoptr (GError) ended = NULL;

  if (!troupe_reactor_is_here (factory->reactor))
    {
      g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_WRONG_THREAD, "This is not the thread of the factory's reactor%s", instead);
      return FALSE;
    }

  /* What is asked of one that is restarted waits in its mailbox. */
  if (troupe_ref_takes_mail (factory))
    return TRUE;

  ended = troupe_ref_new_ended_error (factory);
  g_propagate_error (error, g_steal_pointer (&ended));
  return FALSE;
}

GError *
troupe_factory_new_declined_error (const TroupeAddress *peer,
                                   const GError        *cause)
{
  g_autofree char *where = troupe_address_dup_text (peer);

  if (cause != NULL)
    return troupe_error_new_with_cause (TROUPE_ERROR_CONNECTION_DECLINED, -1, cause, "The factory declined the connection to %s: %s",
                                        where, cause->message);

  return g_error_new (TROUPE_ERROR, TROUPE_ERROR_CONNECTION_DECLINED, "The factory declined the connection to %s", where);
}

static TroupeRef *
troupe_factory_call_build (TroupeFactory        *self,
                           const TroupeAddress  *peer,
                           GError              **error)
{
  TroupeFactoryClass *klass = TROUPE_FACTORY_GET_CLASS (self);
  g_autoptr (GSocketAddress) address = NULL;

  /* The default does not look at the address, and making the object costs more than the rest. */
  if (klass->build_protocol != troupe_factory_real_build_protocol)
    address = troupe_address_to_gio (peer);

  return klass->build_protocol (self, address, error);
}

/* The connection over FD, which is taken: REF, taken, or NULL. */
static TroupeRef *
troupe_factory_give_socket (TroupeFactory       *self,
                            TroupeRef           *ref,
                            int                  fd,
                            const TroupeAddress *peer)
{
  TroupeTransport *transport;

  if (ref != NULL && !g_type_is_a (ref->type, TROUPE_TYPE_PROTOCOL))
    {
      g_critical ("The build_protocol of %s gave an actor of type %s, which is no protocol", G_OBJECT_TYPE_NAME (self),
                  g_type_name (ref->type));
      g_clear_pointer (&ref, troupe_ref_unref);
    }

  if (ref == NULL)
    {
      close (fd);
      return NULL;
    }

  if (ref->parent == troupe_actor_get_ref (TROUPE_ACTOR (self)) && ref->is_linked)
    {
      ref->is_counted = TRUE;
      get_private (self)->n_connections++;
    }

  transport = troupe_transport_new (fd, peer);
  if (TROUPE_IS_CLIENT (self))
    troupe_transport_set_client (transport, troupe_actor_get_ref (TROUPE_ACTOR (self)), ref);
  troupe_protocol_give_transport (ref, transport);
  return ref;
}

static void
begin_birth (gpointer ref,
             gpointer data)
{
  troupe_ref_begin_life (ref);
}

/* What is spawned on another reactor does not begin before it has its transport: that is to be its first turn. */
TroupeRef *
troupe_factory_build (TroupeFactory        *self,
                      int                   fd,
                      const TroupeAddress  *peer,
                      TroupeReactor        *place,
                      GError              **error)
{
  TroupeRef *factory = troupe_actor_get_ref (TROUPE_ACTOR (self));
  TroupeNursery *outer = factory->reactor->nursery;
  TroupeNursery nursery = { factory, NULL, place, TROUPE_TYPE_PROTOCOL };
  g_autoptr (GPtrArray) refs = NULL;
  TroupeRef *ref;

  factory->reactor->nursery = &nursery;
  ref = troupe_factory_call_build (self, peer, error);
  factory->reactor->nursery = outer;
  refs = nursery.refs;

  ref = troupe_factory_give_socket (self, ref, fd, peer);
  if (refs != NULL)
    g_ptr_array_foreach (refs, begin_birth, NULL);
  return ref;
}

/**
 * troupe_factory_spawn: (skip)
 * @system: a system
 * @name: (nullable): a name, or %NULL for one made of “listener” and a number
 * @protocol_type: what to spawn for each connection, a type derived from [class@Troupe.Protocol]
 * @error: where to put the reason
 *
 * Spawns a factory under the root of @system.
 *
 * Call it from any thread. It fails as [method@Troupe.System.spawn_with_properties] does. Language bindings have
 * [method@Troupe.System.spawn_factory] instead: a static function of this name would hide [method@Troupe.Actor.spawn] there.
 *
 * Returns: (transfer full): the factory's address, or %NULL with @error set
 *
 * Since: 1.0
 */
TroupeRef *
troupe_factory_spawn (TroupeSystem  *system,
                      const char    *name,
                      GType          protocol_type,
                      GError       **error)
{
  g_return_val_if_fail (TROUPE_IS_SYSTEM (system), NULL);
  g_return_val_if_fail (g_type_is_a (protocol_type, TROUPE_TYPE_PROTOCOL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return troupe_system_spawn (system, name, TROUPE_TYPE_FACTORY, error, "protocol-type", protocol_type, NULL);
}

/**
 * troupe_system_spawn_factory:
 * @system: a system
 * @name: (nullable): a name, or %NULL for one made of “listener” and a number
 * @protocol_type: what to spawn for each connection, a type derived from [class@Troupe.Protocol]
 * @error: where to put the reason
 *
 * Spawns a factory under the root of @system, as `troupe_factory_spawn ()` does, for language bindings.
 *
 * Call it from any thread. It fails as [method@Troupe.System.spawn_with_properties] does.
 *
 * Returns: (transfer full): the factory's address, or %NULL with @error set
 *
 * Since: 1.0
 */
TroupeRef *
troupe_system_spawn_factory (TroupeSystem  *system,
                             const char    *name,
                             GType          protocol_type,
                             GError       **error)
{
  return troupe_factory_spawn (system, name, protocol_type, error);
}

/**
 * troupe_factory_get_protocol_type: (get-property protocol-type)
 * @self: a factory, in one of its turns
 *
 * Gets what the default `build_protocol` spawns.
 *
 * Returns: a type derived from [class@Troupe.Protocol]
 *
 * Since: 1.0
 */
GType
troupe_factory_get_protocol_type (TroupeFactory *self)
{
  g_return_val_if_fail (TROUPE_IS_FACTORY (self), G_TYPE_INVALID);

  return get_private (self)->protocol_type;
}

/**
 * troupe_factory_get_n_connections:
 * @self: a factory, in one of its turns
 *
 * Counts the connections that `build_protocol` has spawned as children and that have not ended.
 *
 * In `build_protocol` the new connection does not count yet; in `child_terminated` the ended one does until the parent
 * class was called.
 *
 * Returns: a number of connections
 *
 * Since: 1.0
 */
guint
troupe_factory_get_n_connections (TroupeFactory *self)
{
  g_return_val_if_fail (TROUPE_IS_FACTORY (self), 0);

  return get_private (self)->n_connections;
}
