/* troupe-actor-behaviour.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-actor.h"
#include "troupe-bindings-private.h"

/* What an actor does with its messages can change from one message to the next: its ref looks in another table then. */

/**
 * troupe_actor_class_bind_in:
 * @klass: the class, in its `class_init`
 * @behaviour: the name of a behaviour, such as “open”
 * @name: the name of a message
 * @body_type: the type of body it must have: %G_TYPE_NONE for none, %G_TYPE_VALUE for any
 * @handler: (scope notified): what handles it; for ever
 *
 * Binds a message name to a handler while an actor of this class has the behaviour @behaviour, see [method@Troupe.Actor.become].
 *
 * Names that are bound without a behaviour, by [method@Troupe.ActorClass.bind], are understood in each of them; a binding in the behaviour
 * goes before one without. Everything else is as there: derived classes inherit behaviours, and may add to them.
 *
 * Since: 1.0
 */
void
troupe_actor_class_bind_in (TroupeActorClass *klass,
                            const char       *behaviour,
                            const char       *name,
                            GType             body_type,
                            TroupeHandler     handler)
{
  g_return_if_fail (TROUPE_IS_ACTOR_CLASS (klass));
  g_return_if_fail (behaviour != NULL && *behaviour != '\0');
  g_return_if_fail (name != NULL && *name != '\0');
  g_return_if_fail (body_type != G_TYPE_INVALID);
  g_return_if_fail (handler != NULL);

  troupe_bindings_add (G_TYPE_FROM_CLASS (klass), behaviour, name, body_type, handler, NULL);
}

/**
 * troupe_actor_become:
 * @self: an actor, in its turn
 * @behaviour: the name of a behaviour, in which its class or a parent of that has bound something
 *
 * Handles messages from the next one on by what is bound in @behaviour, in place of the behaviour before.
 *
 * An actor begins without one, and so it does after a restart.
 *
 * Since: 1.0
 */
void
troupe_actor_become (TroupeActor *self,
                     const char  *behaviour)
{
  const TroupeBindings *bindings;
  TroupeRef *ref;

  g_return_if_fail (TROUPE_IS_ACTOR (self));
  g_return_if_fail (behaviour != NULL);

  ref = troupe_actor_get_ref (self);
  g_return_if_fail (ref != NULL);

  bindings = troupe_bindings_find (troupe_bindings_get (ref->type), behaviour);
  if (bindings == NULL)
    g_critical ("%s has nothing bound in a behaviour “%s”", G_OBJECT_TYPE_NAME (self), behaviour);
  else
    ref->bindings = bindings;
}

/**
 * troupe_actor_unbecome:
 * @self: an actor, in its turn
 *
 * Takes [method@Troupe.Actor.become] back: from the next message on the actor has no behaviour.
 *
 * Since: 1.0
 */
void
troupe_actor_unbecome (TroupeActor *self)
{
  TroupeRef *ref;

  g_return_if_fail (TROUPE_IS_ACTOR (self));

  ref = troupe_actor_get_ref (self);
  g_return_if_fail (ref != NULL);

  ref->bindings = troupe_bindings_get (ref->type);
}

/**
 * troupe_actor_get_behaviour:
 * @self: an actor, in its turn
 *
 * Gets the behaviour that the actor has.
 *
 * Returns: (nullable): its name, or %NULL if it has none
 *
 * Since: 1.0
 */
const char *
troupe_actor_get_behaviour (TroupeActor *self)
{
  TroupeRef *ref;

  g_return_val_if_fail (TROUPE_IS_ACTOR (self), NULL);

  ref = troupe_actor_get_ref (self);
  g_return_val_if_fail (ref != NULL, NULL);

  return ref->bindings->behaviour;
}
