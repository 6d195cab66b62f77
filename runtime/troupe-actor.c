/* troupe-actor.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-actor-private.h"
#include "troupe-bindings-private.h"
#include "troupe-error.h"
#include "troupe-message-private.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-life-private.h"
#include "troupe-resolver.h"
#include "troupe-system-private.h"
#include "troupe-timer-private.h"

/**
 * TroupeActor:
 *
 * State with a mailbox, and handlers for the messages that come.
 *
 * An actor is a class derived from this one. Its `class_init` binds names of messages to handlers with
 * [method@Troupe.ActorClass.bind]; handlers, timers, continuations of promises and I/O of one actor are turns, which run one after another and never
 * two at once, all on the thread of its reactor. Nobody else touches the object: others hold its
 * [struct@Troupe.Ref] and send messages.
 *
 * Actors are made with [method@Troupe.System.spawn_with_properties] or
 * [method@Troupe.Actor.spawn_with_properties], never with `g_object_new ()`: such an object would have no mailbox. The object is
 * built in the actor's first turn, on its reactor, and disposed there when the actor ends.
 *
 * An actor that fails is dealt with by its parent, see [struct@Troupe.Supervision]. What nobody has said otherwise is restarted: the object is
 * disposed and built anew with the properties it was spawned with, while the address, the mail that waits, the name, the watches and the links stay.
 *
 * Since: 1.0
 */

typedef struct
{
  TroupeRef *ref;                    /* no reference: the actor is shorter-lived; NULL if it was not spawned */
} TroupeActorPrivate;

G_DEFINE_TYPE_WITH_PRIVATE (TroupeActor, troupe_actor, G_TYPE_OBJECT)

__thread TroupeRef *troupe_actor_in_birth;

/* A message was not understood. WHAT says how, with the actor as its subject; who asked is told, too. */
static void
troupe_actor_refuse (TroupeActor   *self,
                     TroupeMessage *message,
                     TroupeError    code,
                     const char    *what)
{
  TroupeRef *ref = troupe_actor_get_ref (self);

  if (ref != NULL)
    {
      g_autofree char *path = troupe_ref_dup_path (ref);

      g_message ("The actor “%s” %s", path, what);
    }

  if (troupe_message_wants_reply (message))
    troupe_message_reply_error (message, g_error_new (TROUPE_ERROR, code, "%s %s", G_OBJECT_TYPE_NAME (self), what));
  else if (ref != NULL)
    troupe_system_bury (ref->system, ref, message, code);
}

static inline gboolean
binding_accepts (const TroupeBinding *binding,
                 GType                type)
{
  return binding->body_type == type || binding->body_type == G_TYPE_VALUE ||
         (binding->body_type != G_TYPE_NONE && type != G_TYPE_NONE &&
          g_type_is_a (type, binding->body_type));
}

static void
troupe_actor_refuse_body (TroupeActor         *self,
                          TroupeMessage       *message,
                          const TroupeBinding *binding)
{
  const char *expected = g_type_name (binding->body_type);
  const char *actual = g_type_name (troupe_message_get_body_type (message));
  g_autofree char *what = NULL;

  if (troupe_message_get_body_type (message) == G_TYPE_NONE)
    what = g_strdup_printf ("takes a body of type %s with “%s”, and there is none", expected, message->name);
  else if (binding->body_type == G_TYPE_NONE)
    what = g_strdup_printf ("takes no body with “%s”, and there is one of type %s", message->name, actual);
  else
    what = g_strdup_printf ("takes a body of type %s with “%s”, not %s", expected, message->name, actual);

  troupe_actor_refuse (self, message, TROUPE_ERROR_BODY_TYPE, what);
}

gboolean
troupe_actor_dispatch_slowly (TroupeActor          *self,
                              const TroupeBinding  *binding,
                              TroupeMessage        *message,
                              GError              **error)
{
  if (binding == NULL)
    return TROUPE_ACTOR_GET_CLASS (self)->unhandled (self, message, error);

  if (!binding_accepts (binding, troupe_message_get_body_type (message)))
    {
      troupe_actor_refuse_body (self, message, binding);
      return TRUE;
    }

  return binding->handler (self, message, error);
}

gboolean
troupe_actor_real_receive (TroupeActor    *self,
                           TroupeMessage  *message,
                           GError        **error)
{
  TroupeActorPrivate *priv = troupe_actor_get_instance_private (self);

  return troupe_actor_dispatch (self, priv->ref->bindings, message, error);
}

/* What a subclass may chain up to, though there is nothing to do. */
gboolean
troupe_actor_real_started (TroupeActor  *self,
                           GError      **error)
{
  return TRUE;
}

static void
troupe_actor_real_restart (TroupeActor  *self,
                           const GError *error)
{
}

void
troupe_actor_real_stopped (TroupeActor *self)
{
}

static gboolean
troupe_actor_real_unhandled (TroupeActor    *self,
                             TroupeMessage  *message,
                             GError        **error)
{
  g_autofree char *what = g_strdup_printf ("does not understand “%s”", message->name);

  troupe_actor_refuse (self, message, TROUPE_ERROR_UNHANDLED, what);
  return TRUE;
}

static void
troupe_actor_real_child_terminated (TroupeActor       *self,
                                    TroupeTermination *termination)
{
  g_autofree char *path = troupe_ref_dup_path (troupe_termination_get_actor (termination));

  if (troupe_termination_get_end (termination) == TROUPE_END_FAILED)
    g_warning ("The actor “%s” failed: %s", path, troupe_termination_get_error (termination)->message);
}

static TroupeDirective
troupe_actor_real_child_failed (TroupeActor  *self,
                                TroupeRef    *child,
                                const GError *error)
{
  TroupeRef *ref = troupe_actor_get_ref (self);
  TroupeDirective directive = troupe_ref_get_directive (ref, child);
  g_autofree char *path = troupe_ref_dup_path (child);

  /* Nobody else is told of these. */
  if (directive == TROUPE_DIRECTIVE_RESUME || (directive == TROUPE_DIRECTIVE_RESTART && troupe_ref_has_patience (ref, child)))
    g_warning ("The actor “%s” failed, and is %s: %s", path,
               directive == TROUPE_DIRECTIVE_RESUME ? "resumed" : "restarted", error->message);

  return directive;
}

gboolean
troupe_actor_decides (TroupeActor *self)
{
  return TROUPE_ACTOR_GET_CLASS (self)->child_failed != troupe_actor_real_child_failed;
}

gboolean
troupe_actor_ignores_children (TroupeActor *self)
{
  return TROUPE_ACTOR_GET_CLASS (self)->child_terminated == troupe_actor_real_child_terminated;
}

static void
troupe_actor_class_init (TroupeActorClass *klass)
{
  klass->kind = "actor";
  klass->stash_limit = 1000;
  klass->started = troupe_actor_real_started;
  klass->receive = troupe_actor_real_receive;
  klass->unhandled = troupe_actor_real_unhandled;
  klass->child_failed = troupe_actor_real_child_failed;
  klass->child_terminated = troupe_actor_real_child_terminated;
  klass->pre_restart = troupe_actor_real_restart;
  klass->post_restart = troupe_actor_real_restart;
  klass->stopped = troupe_actor_real_stopped;
}

static void
troupe_actor_init (TroupeActor *self)
{
  TroupeActorPrivate *priv = troupe_actor_get_instance_private (self);

  priv->ref = g_steal_pointer (&troupe_actor_in_birth);
  if (priv->ref != NULL)
    priv->ref->bindings = troupe_bindings_get (priv->ref->type);
}

/**
 * troupe_actor_class_bind:
 * @klass: the class, in its `class_init`
 * @name: the name of a message
 * @body_type: the type of body it must have: %G_TYPE_NONE for none, %G_TYPE_VALUE for any
 * @handler: (scope notified): what handles it; for ever
 *
 * Binds a message name to a handler, for this class and those derived from it.
 *
 * A body is accepted if it is of exactly @body_type, or for objects, interfaces and boxed types of a type derived from it. A
 * message with another body does not reach the handler: an ask is rejected with %TROUPE_ERROR_BODY_TYPE, and anything else becomes a dead
 * letter. Binding a name again replaces the handler, and a derived class may do so for its parent's names. Once the class or
 * one derived from it has an instance, nothing more can be bound.
 *
 * Since: 1.0
 */
void
troupe_actor_class_bind (TroupeActorClass *klass,
                         const char       *name,
                         GType             body_type,
                         TroupeHandler     handler)
{
  g_return_if_fail (TROUPE_IS_ACTOR_CLASS (klass));
  g_return_if_fail (name != NULL && *name != '\0');
  g_return_if_fail (body_type != G_TYPE_INVALID);
  g_return_if_fail (handler != NULL);

  troupe_bindings_add (G_TYPE_FROM_CLASS (klass), NULL, name, body_type, handler, NULL);
}

/**
 * troupe_actor_get_ref:
 * @self: an actor
 *
 * Gets the address of the actor, to be sent to others.
 *
 * Returns: (transfer none): the address
 *
 * Since: 1.0
 */
TroupeRef *
troupe_actor_get_ref (TroupeActor *self)
{
  TroupeActorPrivate *priv = troupe_actor_get_instance_private (self);

  g_return_val_if_fail (TROUPE_IS_ACTOR (self), NULL);

  return priv->ref;
}

/**
 * troupe_actor_get_system:
 * @self: an actor
 *
 * Gets the system that the actor lives in.
 *
 * Returns: (transfer none): the system
 *
 * Since: 1.0
 */
TroupeSystem *
troupe_actor_get_system (TroupeActor *self)
{
  g_return_val_if_fail (TROUPE_IS_ACTOR (self), NULL);

  return troupe_actor_get_ref (self)->system;
}

/**
 * troupe_actor_spawn: (skip)
 * @self: an actor, in its turn
 * @name: (nullable): a name that no other child of @self has, or %NULL for one made of the kind and a serial number
 * @type: the type of the child, derived from [class@Troupe.Actor]
 * @error: return location for a #GError
 * @...: names and values of properties to construct it with, then %NULL
 *
 * Spawns a child. See [method@Troupe.Actor.spawn_with_properties].
 *
 * Returns: (transfer full) (nullable): the address of the child, or %NULL with @error set
 *
 * Since: 1.0
 */
TroupeRef *
troupe_actor_spawn (TroupeActor  *self,
                    const char   *name,
                    GType         type,
                    GError      **error,
                    ...)
{
  TroupeRef *child;
  const char *first_property;
  va_list args;

  g_return_val_if_fail (TROUPE_IS_ACTOR (self), NULL);
  g_return_val_if_fail (troupe_actor_get_ref (self) != NULL, NULL);
  g_return_val_if_fail (g_type_is_a (type, TROUPE_TYPE_ACTOR) && !G_TYPE_IS_ABSTRACT (type), NULL);

  va_start (args, error);
  first_property = va_arg (args, const char *);
  child = troupe_ref_spawn_valist (troupe_actor_get_ref (self), NULL, name, type, error, first_property, args);
  va_end (args);

  return child;
}

/**
 * troupe_actor_spawn_with_properties: (rename-to troupe_actor_spawn)
 * @self: an actor, in its turn
 * @name: (nullable): a name that no other child of @self has, or %NULL for one made of the kind and a serial number
 * @type: the type of the child, derived from [class@Troupe.Actor]
 * @n_properties: how many properties follow
 * @names: (array length=n_properties) (nullable): their names
 * @values: (array length=n_properties) (nullable): their values
 * @error: return location for a #GError
 *
 * Spawns a child.
 *
 * The child may be sent messages at once; it is built in its first turn. It stops when @self stops, and @self is told when it ends.
 * A bad name is %TROUPE_ERROR_BAD_NAME, one that another child has %TROUPE_ERROR_NAME_IN_USE, a property that does not exist or has another type
 * %TROUPE_ERROR_BAD_PROPERTY; an actor that ends cannot spawn, which is %TROUPE_ERROR_ACTOR_STOPPED.
 *
 * Returns: (transfer full) (nullable): the address of the child, or %NULL with @error set
 *
 * Since: 1.0
 */
TroupeRef *
troupe_actor_spawn_with_properties (TroupeActor   *self,
                                    const char    *name,
                                    GType          type,
                                    guint          n_properties,
                                    const char    *names[],
                                    const GValue   values[],
                                    GError       **error)
{
  return troupe_actor_spawn_on_with_properties (self, NULL, name, type, n_properties, names, values, error);
}

/**
 * troupe_actor_spawn_on: (skip)
 * @self: an actor, in its turn
 * @reactor: (nullable): a reactor of the system's, or %NULL for where the class says
 * @name: (nullable): a name that no other child of @self has, or %NULL for one made of the kind and a serial number
 * @type: the type of the child, derived from [class@Troupe.Actor]
 * @error: return location for a #GError
 * @...: names and values of properties to construct it with, then %NULL
 *
 * Spawns a child on a reactor of one's choice. See [method@Troupe.Actor.spawn_on_with_properties].
 *
 * Returns: (transfer full) (nullable): the address of the child, or %NULL with @error set
 *
 * Since: 1.0
 */
TroupeRef *
troupe_actor_spawn_on (TroupeActor    *self,
                       TroupeReactor  *reactor,
                       const char     *name,
                       GType           type,
                       GError        **error,
                       ...)
{
  TroupeRef *child;
  const char *first_property;
  va_list args;

  g_return_val_if_fail (TROUPE_IS_ACTOR (self), NULL);
  g_return_val_if_fail (troupe_actor_get_ref (self) != NULL, NULL);
  g_return_val_if_fail (reactor == NULL || troupe_system_has_reactor (troupe_actor_get_ref (self)->system, reactor), NULL);
  g_return_val_if_fail (g_type_is_a (type, TROUPE_TYPE_ACTOR) && !G_TYPE_IS_ABSTRACT (type), NULL);

  va_start (args, error);
  first_property = va_arg (args, const char *);
  child = troupe_ref_spawn_valist (troupe_actor_get_ref (self), reactor, name, type, error, first_property, args);
  va_end (args);

  return child;
}

/**
 * troupe_actor_spawn_on_with_properties: (rename-to troupe_actor_spawn_on)
 * @self: an actor, in its turn
 * @reactor: (nullable): a reactor of the system's, or %NULL for where the class says
 * @name: (nullable): a name that no other child of @self has, or %NULL for one made of the kind and a serial number
 * @type: the type of the child, derived from [class@Troupe.Actor]
 * @n_properties: how many properties follow
 * @names: (array length=n_properties) (nullable): their names
 * @values: (array length=n_properties) (nullable): their values
 * @error: return location for a #GError
 *
 * Spawns a child on a reactor of one's choice.
 *
 * It is as with [method@Troupe.Actor.spawn_with_properties], wherever the child lives: it is sent messages, supervised, watched and stopped in the same
 * way. It lives on its reactor until it has ended, restarts included. See [method@Troupe.System.pick_reactor].
 *
 * Returns: (transfer full) (nullable): the address of the child, or %NULL with @error set
 *
 * Since: 1.0
 */
TroupeRef *
troupe_actor_spawn_on_with_properties (TroupeActor    *self,
                                       TroupeReactor  *reactor,
                                       const char     *name,
                                       GType           type,
                                       guint           n_properties,
                                       const char     *names[],
                                       const GValue    values[],
                                       GError        **error)
{
  TroupeRef *ref;

  g_return_val_if_fail (TROUPE_IS_ACTOR (self), NULL);
  g_return_val_if_fail (g_type_is_a (type, TROUPE_TYPE_ACTOR) && !G_TYPE_IS_ABSTRACT (type), NULL);
  g_return_val_if_fail (n_properties == 0 || (names != NULL && values != NULL), NULL);

  ref = troupe_actor_get_ref (self);
  g_return_val_if_fail (ref != NULL, NULL);
  g_return_val_if_fail (reactor == NULL || troupe_system_has_reactor (ref->system, reactor), NULL);

  return troupe_ref_spawn (ref->system, reactor, ref, name, type, n_properties, names, values, error);
}

/**
 * troupe_actor_class_set_placement:
 * @klass: the class, in its `class_init`
 * @placement: where its actors live
 *
 * Says where actors of this class, and of those derived from it, live.
 *
 * By default an actor lives where its parent does, on the same thread. A class whose actors share nothing but messages with others, and use no
 * global data without a lock, can be spread: connections for instance, whose factory then places each on the reactor that has the least to do.
 * In a system with one reactor that makes no difference.
 *
 * A class whose handlers block, because they read files, call a database, or compute for long, is %TROUPE_PLACEMENT_BLOCKING, however many reactors
 * there are. Each of its actors has a thread to itself, one of a limited number, see
 * [method@Troupe.System.set_blocking_threads], and is in all else an actor as any other: asks, supervision, timers, promises and fibers are the same.
 * Whatever would have a turn there waits while it blocks: its own messages, timers and continuations, and that it is stopped or killed; but
 * nobody else's. Its children live where they would if it did not block, unless it spawns them on its own reactor. The thread is not among
 * those of [method@Troupe.System.get_nth_reactor], and no watchdog looks at it. A fiber cannot change threads: it is on that of its actor.
 *
 * Since: 1.0
 */
void
troupe_actor_class_set_placement (TroupeActorClass *klass,
                                  TroupePlacement   placement)
{
  g_return_if_fail (TROUPE_IS_ACTOR_CLASS (klass));
  g_return_if_fail (placement <= TROUPE_PLACEMENT_BLOCKING);

  klass->placement = placement;
}

/**
 * troupe_actor_set_supervision:
 * @self: an actor, in its turn
 * @supervision: a supervision; it is copied
 *
 * Says what is done about children that fail.
 *
 * Set it before the first child is spawned, in `started` for instance: the properties that a child was spawned with are kept only where a
 * restart may need them. It stays when @self itself is restarted. See [struct@Troupe.Supervision] for what happens by default.
 *
 * Since: 1.0
 */
void
troupe_actor_set_supervision (TroupeActor             *self,
                              const TroupeSupervision *supervision)
{
  g_return_if_fail (TROUPE_IS_ACTOR (self));
  g_return_if_fail (troupe_actor_get_ref (self) != NULL);
  g_return_if_fail (supervision != NULL);

  troupe_ref_set_supervision (troupe_actor_get_ref (self), supervision);
}

/**
 * troupe_actor_dup_children:
 * @self: an actor, in its turn
 *
 * Gets the children that have not ended, in the order of their birth.
 *
 * Returns: (transfer container) (element-type TroupeRef): their addresses
 *
 * Since: 1.0
 */
GPtrArray *
troupe_actor_dup_children (TroupeActor *self)
{
  GPtrArray *children;
  TroupeRef *child;
  guint i;

  g_return_val_if_fail (TROUPE_IS_ACTOR (self), NULL);
  g_return_val_if_fail (troupe_actor_get_ref (self) != NULL, NULL);

  children = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_ref_unref);
  for (child = troupe_actor_get_ref (self)->last_child; child != NULL; child = child->previous_sibling)
    g_ptr_array_add (children, troupe_ref_ref (child));

  for (i = 0; i < children->len / 2; i++)
    {
      gpointer other = children->pdata[i];

      children->pdata[i] = children->pdata[children->len - 1 - i];
      children->pdata[children->len - 1 - i] = other;
    }

  return children;
}

/**
 * troupe_actor_watch:
 * @self: an actor, in its turn
 * @other: another actor's address
 *
 * Asks for a message “terminated”, with a body of type [struct@Troupe.Termination], when @other has ended.
 *
 * It comes once, however often this is called, after every message that @other sent to @self, and at once if @other has ended
 * already.
 *
 * Since: 1.0
 */
void
troupe_actor_watch (TroupeActor *self,
                    TroupeRef   *other)
{
  g_return_if_fail (TROUPE_IS_ACTOR (self));
  g_return_if_fail (troupe_actor_get_ref (self) != NULL);
  g_return_if_fail (other != NULL);

  troupe_ref_watch (other, troupe_actor_get_ref (self));
}

/**
 * troupe_actor_unwatch:
 * @self: an actor, in its turn
 * @other: another actor's address
 *
 * Takes back [method@Troupe.Actor.watch]. A “terminated” that lies in the mailbox already is still handled.
 *
 * Since: 1.0
 */
void
troupe_actor_unwatch (TroupeActor *self,
                      TroupeRef   *other)
{
  g_return_if_fail (TROUPE_IS_ACTOR (self));
  g_return_if_fail (troupe_actor_get_ref (self) != NULL);
  g_return_if_fail (other != NULL);

  troupe_ref_unwatch (other, troupe_actor_get_ref (self));
}

/**
 * troupe_actor_link:
 * @self: an actor, in its turn
 * @other: another actor's address
 *
 * Ties @self and @other together: if one of them ends by a failure, the other one fails, too.
 *
 * An end by a failure is %TROUPE_END_FAILED, because a supervisor has stopped what failed or what failed too often, or
 * %TROUPE_END_KILLED. The other one then fails with %TROUPE_ERROR_LINK_FAILED, which names the actor that has ended and has
 * its error as the cause, after every message that came from there; its own supervisor decides what becomes of it. A
 * restart of either is no end, and the link stays. A plain stop ends the link and does no more, also the stop of one that goes only because
 * its parent or a sibling has failed: who must know of every end calls [method@Troupe.Actor.watch]. Once the shutdown of its system was asked for
 * nobody fails for another any more.
 *
 * It does not matter which of the two calls this, nor how often. If @other has ended by a failure already, @self fails after its present
 * turn; if it has stopped, nothing happens. An actor cannot be linked to itself.
 *
 * Since: 1.0
 */
void
troupe_actor_link (TroupeActor *self,
                   TroupeRef   *other)
{
  g_return_if_fail (TROUPE_IS_ACTOR (self));
  g_return_if_fail (troupe_actor_get_ref (self) != NULL);
  g_return_if_fail (other != NULL && other != troupe_actor_get_ref (self));

  troupe_ref_link (troupe_actor_get_ref (self), other);
}

/**
 * troupe_actor_unlink:
 * @self: an actor, in its turn
 * @other: another actor's address
 *
 * Takes back [method@Troupe.Actor.link], whichever of the two has called it.
 *
 * From now on @self does not fail because of @other, even if that has ended already. @other, if it belongs to another thread, learns of it
 * a little later, as of a message.
 *
 * Since: 1.0
 */
void
troupe_actor_unlink (TroupeActor *self,
                     TroupeRef   *other)
{
  g_return_if_fail (TROUPE_IS_ACTOR (self));
  g_return_if_fail (troupe_actor_get_ref (self) != NULL);
  g_return_if_fail (other != NULL);

  troupe_ref_unlink (troupe_actor_get_ref (self), other);
}

/**
 * troupe_actor_call_later:
 * @self: an actor, in its turn
 * @delay_ms: milliseconds to wait, 0 or more
 * @func: (scope notified) (closure user_data) (destroy destroy): what to call
 * @user_data: what to call it with
 * @destroy: (nullable): frees @user_data, once @func has run or never will
 *
 * Calls @func once, in a later turn of the actor, when the time has come.
 *
 * Even with a delay of 0 other turns come first. Calls with the same deadline run in the order in which they were
 * made. If the actor ends first the call is cancelled.
 *
 * Returns: (transfer full): a timer to change or cancel it with; may be dropped
 *
 * Since: 1.0
 */
TroupeTimer *
troupe_actor_call_later (TroupeActor     *self,
                         gint64           delay_ms,
                         TroupeTimerFunc  func,
                         gpointer         user_data,
                         GDestroyNotify   destroy)
{
  g_return_val_if_fail (TROUPE_IS_ACTOR (self), NULL);
  g_return_val_if_fail (troupe_actor_get_ref (self) != NULL, NULL);
  g_return_val_if_fail (delay_ms >= 0, NULL);
  g_return_val_if_fail (func != NULL, NULL);

  return troupe_timer_new (troupe_actor_get_ref (self), delay_ms, FALSE, func, user_data, destroy);
}

/**
 * troupe_actor_call_later_or_fail: (rename-to troupe_actor_call_later)
 * @self: an actor, in its turn
 * @delay_ms: milliseconds to wait, 0 or more
 * @func: (scope notified) (closure user_data) (destroy destroy): what to call
 * @user_data: what to call it with
 * @destroy: (nullable): frees @user_data, once @func has run or never will
 *
 * Calls @func once, in a later turn of the actor, when the time has come. If it fails, so does the actor, as if a handler had.
 *
 * It is [method@Troupe.Actor.call_later] for a function that says by a #GError that it failed. In language bindings it has
 * that name, and the function fails by throwing.
 *
 * Returns: (transfer full): a timer to change or cancel it with; may be dropped
 *
 * Since: 1.0
 */
TroupeTimer *
troupe_actor_call_later_or_fail (TroupeActor             *self,
                                 gint64                   delay_ms,
                                 TroupeFallibleTimerFunc  func,
                                 gpointer                 user_data,
                                 GDestroyNotify           destroy)
{
  g_return_val_if_fail (TROUPE_IS_ACTOR (self), NULL);
  g_return_val_if_fail (troupe_actor_get_ref (self) != NULL, NULL);
  g_return_val_if_fail (delay_ms >= 0, NULL);
  g_return_val_if_fail (func != NULL, NULL);

  return troupe_timer_new_or_fail (troupe_actor_get_ref (self), delay_ms, func, user_data, destroy);
}

/**
 * troupe_actor_fail:
 * @self: an actor, in its turn
 * @error: (transfer full): why
 *
 * Lets the actor fail when its present turn is over, as if a handler had returned @error. Its supervisor decides what becomes of it.
 *
 * Since: 1.0
 */
void
troupe_actor_fail (TroupeActor *self,
                   GError      *error)
{
  g_return_if_fail (TROUPE_IS_ACTOR (self));
  g_return_if_fail (troupe_actor_get_ref (self) != NULL);
  g_return_if_fail (error != NULL);

  troupe_ref_fail (troupe_actor_get_ref (self), error);
}
