/* messages-life.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Many actors: what it costs to make one, send it a message and end it, and what memory a living one takes. */

#include "messages.h"

#define CHUNK 1000                     /* actors made before the others run */

struct _Newborn
{
  TroupeActor parent_instance;
};

#define TYPE_NEWBORN (newborn_get_type ())
G_DECLARE_FINAL_TYPE (Newborn, newborn, BENCH, NEWBORN, TroupeActor)
G_DEFINE_FINAL_TYPE (Newborn, newborn, TROUPE_TYPE_ACTOR)

static gboolean
newborn_on_live (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  return TRUE;
}

static gboolean
newborn_on_end (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  troupe_ref_stop (troupe_actor_get_ref (actor));
  return TRUE;
}

static void
newborn_class_init (NewbornClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "live", G_TYPE_NONE, newborn_on_live);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "end", G_TYPE_NONE, newborn_on_end);
}

static void
newborn_init (Newborn *self)
{
}

struct _Nursery
{
  TroupeActor parent_instance;
  const char *order;                   /* what the newborn are told */
  guint64     n_actors;
  guint64     n_unborn;
  guint64     n_unended;
};

#define TYPE_NURSERY (nursery_get_type ())
G_DECLARE_FINAL_TYPE (Nursery, nursery, BENCH, NURSERY, TroupeActor)
G_DEFINE_FINAL_TYPE (Nursery, nursery, TROUPE_TYPE_ACTOR)

static gboolean
nursery_spawn (Nursery  *self,
               GError  **error)
{
  g_autoptr (TroupeRef) child = troupe_actor_spawn (TROUPE_ACTOR (self), NULL, TYPE_NEWBORN, error, NULL);

  if (child == NULL)
    return FALSE;

  troupe_ref_send (child, troupe_message_new (self->order));
  return TRUE;
}

static gboolean
nursery_on_more (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  Nursery *self = BENCH_NURSERY (actor);

  for (guint i = 0; i < CHUNK && self->n_unborn > 0; i++, self->n_unborn--)
    if (!nursery_spawn (self, error))
      return FALSE;

  troupe_ref_send (troupe_actor_get_ref (actor), troupe_message_new (self->n_unborn > 0 ? "more" : "all"));
  return TRUE;
}

static gboolean
nursery_on_all (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Nursery *self = BENCH_NURSERY (actor);

  /* The last ones have had their turn by now: it was queued before this one. */
  if (self->n_unended == 0)
    bench_end_with_memory_in_use (actor, self->n_actors);
  return TRUE;
}

static gboolean
nursery_begin (Nursery        *self,
               TroupeMessage  *message,
               const char     *order,
               GError        **error)
{
  self->order = order;
  self->n_actors = self->n_unborn = troupe_message_get_uint64 (message);
  bench_begin ();
  return nursery_on_more (TROUPE_ACTOR (self), message, error);
}

static gboolean
nursery_on_run (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  BENCH_NURSERY (actor)->n_unended = troupe_message_get_uint64 (message);
  return nursery_begin (BENCH_NURSERY (actor), message, "end", error);
}

static gboolean
nursery_on_run_idle (TroupeActor    *actor,
                     TroupeMessage  *message,
                     GError        **error)
{
  return nursery_begin (BENCH_NURSERY (actor), message, "live", error);
}

static void
nursery_child_terminated (TroupeActor       *actor,
                          TroupeTermination *termination)
{
  Nursery *self = BENCH_NURSERY (actor);

  if (self->n_unended > 0 && --self->n_unended == 0)
    bench_end (actor, self->n_actors);
}

static void
nursery_class_init (NurseryClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  actor_class->child_terminated = nursery_child_terminated;
  troupe_actor_class_bind (actor_class, "run", G_TYPE_UINT64, nursery_on_run);
  troupe_actor_class_bind (actor_class, "run-idle", G_TYPE_UINT64, nursery_on_run_idle);
  troupe_actor_class_bind (actor_class, "more", G_TYPE_NONE, nursery_on_more);
  troupe_actor_class_bind (actor_class, "all", G_TYPE_NONE, nursery_on_all);
}

static void
nursery_init (Nursery *self)
{
}
