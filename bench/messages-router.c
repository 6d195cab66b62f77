/* messages-router.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Messages to four actors, by a router that forwards each to the next of them. */

#include "messages.h"

#define N_ROUTEES  4
#define CHUNK_SIZE 1000

static guint64 n_left;                 /* messages that have not come to a routee */

struct _Routee
{
  TroupeActor parent_instance;
};

#define TYPE_ROUTEE (routee_get_type ())
G_DECLARE_FINAL_TYPE (Routee, routee, BENCH, ROUTEE, TroupeActor)
G_DEFINE_FINAL_TYPE (Routee, routee, TROUPE_TYPE_ACTOR)

static gboolean
routee_on_hit (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  if (--n_left == 0)
    troupe_ref_send (troupe_message_get_sender (message), troupe_message_new ("end"));
  return TRUE;
}

static void
routee_class_init (RouteeClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "hit", G_TYPE_UINT64, routee_on_hit);
}

static void
routee_init (Routee *self)
{
}

struct _Dispatcher
{
  TroupeActor parent_instance;
  TroupeRef  *router;
  guint64     n_messages;
  guint64     n_sent;
};

#define TYPE_DISPATCHER (dispatcher_get_type ())
G_DECLARE_FINAL_TYPE (Dispatcher, dispatcher, BENCH, DISPATCHER, TroupeActor)
G_DEFINE_FINAL_TYPE (Dispatcher, dispatcher, TROUPE_TYPE_ACTOR)

static gboolean
dispatcher_on_send (TroupeActor    *actor,
                    TroupeMessage  *message,
                    GError        **error)
{
  Dispatcher *self = BENCH_DISPATCHER (actor);

  for (guint i = 0; i < CHUNK_SIZE && self->n_sent < self->n_messages; i++)
    troupe_ref_send (self->router, troupe_message_new_uint64 ("hit", self->n_sent++));
  if (self->n_sent < self->n_messages)
    troupe_ref_send (troupe_actor_get_ref (actor), troupe_message_new ("send"));
  return TRUE;
}

static gboolean
dispatcher_on_run (TroupeActor    *actor,
                   TroupeMessage  *message,
                   GError        **error)
{
  Dispatcher *self = BENCH_DISPATCHER (actor);

  self->router = troupe_actor_spawn (actor, NULL, TROUPE_TYPE_ROUTER, error, "routing", TROUPE_ROUTING_ROUND_ROBIN,
                                     "size", N_ROUTEES, "routee-type", TYPE_ROUTEE, NULL);
  if (self->router == NULL)
    return FALSE;

  self->n_messages = n_left = troupe_message_get_uint64 (message);
  bench_begin ();
  return dispatcher_on_send (actor, message, error);
}

static gboolean
dispatcher_on_end (TroupeActor    *actor,
                   TroupeMessage  *message,
                   GError        **error)
{
  bench_end (actor, BENCH_DISPATCHER (actor)->n_messages);
  return TRUE;
}

static void
dispatcher_dispose (GObject *object)
{
  g_clear_pointer (&BENCH_DISPATCHER (object)->router, troupe_ref_unref);
  G_OBJECT_CLASS (dispatcher_parent_class)->dispose (object);
}

static void
dispatcher_class_init (DispatcherClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = dispatcher_dispose;
  troupe_actor_class_bind (actor_class, "run", G_TYPE_UINT64, dispatcher_on_run);
  troupe_actor_class_bind (actor_class, "send", G_TYPE_NONE, dispatcher_on_send);
  troupe_actor_class_bind (actor_class, "end", G_TYPE_NONE, dispatcher_on_end);
}

static void
dispatcher_init (Dispatcher *self)
{
}
