/* troupe-protocol.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-factory.h"
#include "troupe-protocol-private.h"
#include "troupe-transport-private.h"

/**
 * TroupeProtocol:
 *
 * An actor that owns one connection.
 *
 * Derive from it, fill in the virtual functions, and let a [class@Troupe.Factory] spawn one for each connection. All of
 * them are turns of the actor, in this order: `connection_made` first, then `data_received` as bytes come, in order but cut
 * anywhere, then `connection_lost`, exactly once. After it the actor handles the messages that are in its mailbox and
 * stops, unless its class lives on.
 *
 * An actor that is stopped first sends what it has accepted for writing, then loses its connection. One that fails, because a
 * virtual function or a handler returned %FALSE, drops what is unsent and loses it with %TROUPE_ERROR_CONNECTION_LOST. One that
 * is killed aborts it and is told nothing.
 *
 * Since: 1.0
 */

/**
 * TroupeProtocolClass::data_received:
 * @self: a protocol
 * @data: (array length=length): bytes, valid during the call only
 * @length: how many bytes, at most 65536
 * @error: where to say why it failed
 *
 * Takes bytes that have come, in order but cut anywhere.
 *
 * Returns: %TRUE, or %FALSE with @error set if it failed: the connection is dropped
 *
 * Since: 1.0
 */

typedef struct
{
  TroupeTransport *transport;
} TroupeProtocolPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (TroupeProtocol, troupe_protocol, TROUPE_TYPE_ACTOR)

static inline TroupeProtocolPrivate *
get_private (TroupeProtocol *self)
{
  return troupe_protocol_get_instance_private (self);
}

/* What a subclass may chain up to, though there is nothing to do. */
static gboolean
troupe_protocol_real_connection_made (TroupeProtocol  *self,
                                      GError         **error)
{
  return TRUE;
}

static gboolean
troupe_protocol_real_data_received (TroupeProtocol  *self,
                                    const guint8    *data,
                                    gsize            length,
                                    GError         **error)
{
  return TRUE;
}

static void
troupe_protocol_real_connection_lost (TroupeProtocol *self,
                                      const GError   *reason)
{
}

static void
troupe_protocol_real_note (TroupeProtocol *self)
{
}

static void
troupe_protocol_dispose (GObject *object)
{
  g_clear_object (&get_private (TROUPE_PROTOCOL (object))->transport);

  G_OBJECT_CLASS (troupe_protocol_parent_class)->dispose (object);
}

static void
troupe_protocol_class_init (TroupeProtocolClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = troupe_protocol_dispose;
  TROUPE_ACTOR_CLASS (klass)->kind = "connection";
  TROUPE_ACTOR_CLASS (klass)->temporary = TRUE;
  klass->connection_made = troupe_protocol_real_connection_made;
  klass->data_received = troupe_protocol_real_data_received;
  klass->connection_lost = troupe_protocol_real_connection_lost;
  klass->read_closed = troupe_protocol_real_note;
  klass->write_closed = troupe_protocol_real_note;
  klass->write_paused = troupe_protocol_real_note;
  klass->write_resumed = troupe_protocol_real_note;
  klass->read_resumed = troupe_protocol_real_note;
}

static void
troupe_protocol_init (TroupeProtocol *self)
{
}

/* There is nothing that a new object could do with an old connection. */
static void
troupe_protocol_insist (TroupeProtocol *self)
{
  TroupeActorClass *klass = TROUPE_ACTOR_GET_CLASS (self);

  if (klass->temporary)
    return;

  g_critical ("%s says that it is not temporary, but a connection cannot be restarted", G_OBJECT_TYPE_NAME (self));
  klass->temporary = TRUE;
}

static void
troupe_protocol_take_transport_cb (TroupeRef *connection,
                                   gpointer   data)
{
  TroupeTransport *transport = data;
  TroupeProtocol *self = (TroupeProtocol *) connection->actor;
  TroupeProtocolPrivate *private;

  /* It began to end before its first turn: the transport closes when this call lets go of it. */
  if (troupe_ref_get_state (connection) != TROUPE_REF_LIVE || self == NULL)
    return;

  private = get_private (self);
  if (private->transport != NULL && troupe_transport_is_connected (private->transport))
    {
      g_critical ("A protocol was given a second connection while it had one");
      return;
    }

  troupe_protocol_insist (self);
  g_set_object (&private->transport, transport);
  troupe_transport_attach (transport, self, connection);
}

static void
troupe_protocol_give_transport_cb (TroupeRef *connection,
                                   gpointer   transport)
{
  troupe_ref_call_first (connection, troupe_protocol_take_transport_cb, NULL, transport, g_object_unref);
}

static void
troupe_protocol_refuse_transport_cb (TroupeRef *connection,
                                     gpointer   transport)
{
  g_object_unref (transport);
}

void
troupe_protocol_give_transport (TroupeRef       *connection,
                                TroupeTransport *transport)
{
  troupe_ref_call_at_once (connection, troupe_protocol_give_transport_cb, troupe_protocol_refuse_transport_cb, transport);
}

/**
 * troupe_protocol_get_transport:
 * @self: a protocol, in one of its turns
 *
 * Gets the connection of a protocol.
 *
 * Returns: (transfer none) (nullable): the transport, which may have been closed already, or %NULL before `connection_made`
 *
 * Since: 1.0
 */
TroupeTransport *
troupe_protocol_get_transport (TroupeProtocol *self)
{
  g_return_val_if_fail (TROUPE_IS_PROTOCOL (self), NULL);

  return get_private (self)->transport;
}

/**
 * troupe_protocol_get_factory:
 * @self: a protocol, in one of its turns
 *
 * Gets the address of the factory that built a protocol.
 *
 * State that connections share lives in the factory: send it messages.
 *
 * Returns: (transfer none) (nullable): the factory, or %NULL if something else spawned it
 *
 * Since: 1.0
 */
TroupeRef *
troupe_protocol_get_factory (TroupeProtocol *self)
{
  TroupeRef *parent;

  g_return_val_if_fail (TROUPE_IS_PROTOCOL (self), NULL);

  parent = troupe_ref_get_parent (troupe_actor_get_ref (TROUPE_ACTOR (self)));
  if (parent == NULL || !g_type_is_a (troupe_ref_get_actor_type (parent), TROUPE_TYPE_FACTORY))
    return NULL;

  return parent;
}
