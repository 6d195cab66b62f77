/* troupe-actor.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-message.h"
#include "troupe-reactor.h"
#include "troupe-supervision.h"
#include "troupe-termination.h"
#include "troupe-timer.h"
#include "troupe-types.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_ACTOR (troupe_actor_get_type ())

TROUPE_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (TroupeActor, troupe_actor, TROUPE, ACTOR, GObject)

/**
 * TroupeHandler:
 * @actor: the actor whose turn it is
 * @message: the message, valid as long as the turn; take a reference to keep it longer
 * @error: where to say why it failed
 *
 * Handles one message.
 *
 * It runs on the actor's reactor, and no other code of the actor runs meanwhile. To answer an ask it
 * calls one of the reply functions, such as [method@Troupe.Message.reply_int64].
 *
 * Returns: %TRUE if it handled @message, or %FALSE with @error set if it failed: an ask is rejected
 *   with that error, and the actor's parent decides what becomes of it
 *
 * Since: 1.0
 */
typedef gboolean (*TroupeHandler) (TroupeActor    *actor,
                                   TroupeMessage  *message,
                                   GError        **error);

/**
 * TroupeActorClass:
 * @parent_class: the parent
 * @kind: what automatic names begin with, such as “connection” in “connection-42”; inherited
 * @temporary: %TRUE if it is never restarted: when it fails it ends, and its parent is not asked; inherited; for connections it
 *   is %TRUE, and stays so
 * @replays: %TRUE if a message whose handler has failed is handled once more after a restart, before all others; inherited
 * @started: the first turn, once the object is built; %FALSE with an error says that the actor has failed
 * @receive: handles one message; the default looks among the bound names of the class and its
 *   parents, then calls @unhandled
 * @unhandled: handles a message that no name is bound for; the default rejects an ask with
 *   %TROUPE_ERROR_UNHANDLED, and counts a plain message as a dead letter
 * @child_failed: a child has failed, and waits for what is decided; the default does what
 *   [method@Troupe.Actor.set_supervision] says, and logs a warning. It runs before the mail that waits, also while a
 *   fiber of the parent waits
 * @child_terminated: a child ended; the default logs a warning if it failed
 * @pre_restart: the actor is to be restarted, because it or a sibling has failed with @error; its children are still there
 * @post_restart: it has been restarted: a new object, right after its @started
 * @stopped: the last turn, once all children have ended; not after a kill. In a restart it is the last turn of the old object
 *
 * The class of an actor. All virtual functions are turns of the actor, on its reactor. Each has a default, which does nothing and succeeds
 * where nothing else is said, so that who overrides one may always call the parent class's.
 *
 * Since: 1.0
 */
struct _TroupeActorClass
{
  GObjectClass parent_class;

  const char *kind;
  gboolean    temporary;
  gboolean    replays;

  gboolean (*started)          (TroupeActor       *self,
                                GError           **error);
  gboolean (*receive)          (TroupeActor       *self,
                                TroupeMessage     *message,
                                GError           **error);
  gboolean (*unhandled)        (TroupeActor       *self,
                                TroupeMessage     *message,
                                GError           **error);
  TroupeDirective (*child_failed) (TroupeActor    *self,
                                TroupeRef         *child,
                                const GError      *error);
  void     (*child_terminated) (TroupeActor       *self,
                                TroupeTermination *termination);
  void     (*pre_restart)      (TroupeActor       *self,
                                const GError      *error);
  void     (*post_restart)     (TroupeActor       *self,
                                const GError      *error);
  void     (*stopped)          (TroupeActor       *self);

  /*< private >*/
  guint              capacity;
  TroupeOverflow     overflow;
  const char *const *urgent;
  guint              stash_limit;
  TroupePlacement    placement;
  gboolean           weighs_children;

  gpointer _reserved[8];
};

TROUPE_AVAILABLE_IN_ALL
void          troupe_actor_class_bind     (TroupeActorClass   *klass,
                                           const char         *name,
                                           GType               body_type,
                                           TroupeHandler       handler);
TROUPE_AVAILABLE_IN_ALL
void          troupe_actor_class_bind_in  (TroupeActorClass   *klass,
                                           const char         *behaviour,
                                           const char         *name,
                                           GType               body_type,
                                           TroupeHandler       handler);

TROUPE_AVAILABLE_IN_ALL
void          troupe_actor_class_set_capacity (TroupeActorClass *klass,
                                           guint               capacity,
                                           TroupeOverflow      overflow);
TROUPE_AVAILABLE_IN_ALL
void          troupe_actor_class_set_urgent (TroupeActorClass *klass,
                                           const char         *name);
TROUPE_AVAILABLE_IN_ALL
void          troupe_actor_class_set_stash_limit (TroupeActorClass *klass,
                                           guint               limit);

TROUPE_AVAILABLE_IN_ALL
void          troupe_actor_class_set_placement (TroupeActorClass *klass,
                                           TroupePlacement     placement);

TROUPE_AVAILABLE_IN_ALL
TroupeRef    *troupe_actor_get_ref        (TroupeActor        *self);
TROUPE_AVAILABLE_IN_ALL
TroupeSystem *troupe_actor_get_system     (TroupeActor        *self);
TROUPE_AVAILABLE_IN_ALL
TroupeRef    *troupe_actor_spawn          (TroupeActor        *self,
                                           const char         *name,
                                           GType               type,
                                           GError            **error,
                                           ...) G_GNUC_NULL_TERMINATED;
TROUPE_AVAILABLE_IN_ALL
TroupeRef    *troupe_actor_spawn_with_properties (TroupeActor  *self,
                                           const char         *name,
                                           GType               type,
                                           guint               n_properties,
                                           const char         *names[],
                                           const GValue        values[],
                                           GError            **error);
TROUPE_AVAILABLE_IN_ALL
TroupeRef    *troupe_actor_spawn_on       (TroupeActor        *self,
                                           TroupeReactor      *reactor,
                                           const char         *name,
                                           GType               type,
                                           GError            **error,
                                           ...) G_GNUC_NULL_TERMINATED;
TROUPE_AVAILABLE_IN_ALL
TroupeRef    *troupe_actor_spawn_on_with_properties (TroupeActor *self,
                                           TroupeReactor      *reactor,
                                           const char         *name,
                                           GType               type,
                                           guint               n_properties,
                                           const char         *names[],
                                           const GValue        values[],
                                           GError            **error);
TROUPE_AVAILABLE_IN_ALL
void          troupe_actor_set_supervision (TroupeActor       *self,
                                           const TroupeSupervision *supervision);
TROUPE_AVAILABLE_IN_ALL
GPtrArray    *troupe_actor_dup_children   (TroupeActor        *self) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
void          troupe_actor_watch          (TroupeActor        *self,
                                           TroupeRef          *other);
TROUPE_AVAILABLE_IN_ALL
void          troupe_actor_unwatch        (TroupeActor        *self,
                                           TroupeRef          *other);
TROUPE_AVAILABLE_IN_ALL
void          troupe_actor_link           (TroupeActor        *self,
                                           TroupeRef          *other);
TROUPE_AVAILABLE_IN_ALL
void          troupe_actor_unlink         (TroupeActor        *self,
                                           TroupeRef          *other);
TROUPE_AVAILABLE_IN_ALL
TroupeTimer  *troupe_actor_call_later     (TroupeActor        *self,
                                           gint64              delay_ms,
                                           TroupeTimerFunc     func,
                                           gpointer            user_data,
                                           GDestroyNotify      destroy);
TROUPE_AVAILABLE_IN_ALL
TroupeTimer  *troupe_actor_call_later_or_fail (TroupeActor    *self,
                                           gint64              delay_ms,
                                           TroupeFallibleTimerFunc func,
                                           gpointer            user_data,
                                           GDestroyNotify      destroy);
TROUPE_AVAILABLE_IN_ALL
void          troupe_actor_become         (TroupeActor        *self,
                                           const char         *behaviour);
TROUPE_AVAILABLE_IN_ALL
void          troupe_actor_unbecome       (TroupeActor        *self);
TROUPE_AVAILABLE_IN_ALL
const char   *troupe_actor_get_behaviour  (TroupeActor        *self);
TROUPE_AVAILABLE_IN_ALL
gboolean      troupe_actor_stash          (TroupeActor        *self,
                                           TroupeMessage      *message,
                                           GError            **error);
TROUPE_AVAILABLE_IN_ALL
void          troupe_actor_unstash        (TroupeActor        *self);
TROUPE_AVAILABLE_IN_ALL
void          troupe_actor_set_receive_timeout (TroupeActor   *self,
                                           gint64              timeout_ms);
TROUPE_AVAILABLE_IN_ALL
void          troupe_actor_fail           (TroupeActor        *self,
                                           GError             *error);

G_END_DECLS
