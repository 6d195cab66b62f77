/* messages-fail.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Actors that fail: what it costs to restart one, and to be told of the end of another. */

#include "messages.h"

#define CHUNK 1000                     /* actors made before the others run */
#define LIVES 10                       /* restarts of an actor before it is stopped, and the next one is spawned */

/* Fails as soon as it can, whenever it is started. */

struct _Faller
{
  TroupeActor parent_instance;
};

#define TYPE_FALLER (faller_get_type ())
G_DECLARE_FINAL_TYPE (Faller, faller, BENCH, FALLER, TroupeActor)
G_DEFINE_FINAL_TYPE (Faller, faller, TROUPE_TYPE_ACTOR)

static gboolean
faller_on_fall (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "It fell");
  return FALSE;
}

static gboolean
faller_started (TroupeActor  *actor,
                GError      **error)
{
  troupe_ref_send (troupe_actor_get_ref (actor), troupe_message_new ("fall"));
  return TRUE;
}

static void
faller_class_init (FallerClass *klass)
{
  TROUPE_ACTOR_CLASS (klass)->started = faller_started;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "fall", G_TYPE_NONE, faller_on_fall);
}

static void
faller_init (Faller *self)
{
}

/* Lifts it up again. */

struct _Warden
{
  TroupeActor parent_instance;
  guint64     n_restarts;
  guint64     n_left;
};

G_DECLARE_FINAL_TYPE (Warden, warden, BENCH, WARDEN, TroupeActor)
G_DEFINE_FINAL_TYPE (Warden, warden, TROUPE_TYPE_ACTOR)

static void
warden_spawn (TroupeActor *actor)
{
  g_autoptr (TroupeRef) child = troupe_actor_spawn (actor, NULL, TYPE_FALLER, NULL, NULL);

  g_assert (child != NULL);
}

static gboolean
warden_on_run (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);

  troupe_supervision_set_back_off (supervision, 0, 0);
  troupe_actor_set_supervision (actor, supervision);
  BENCH_WARDEN (actor)->n_restarts = BENCH_WARDEN (actor)->n_left = troupe_message_get_uint64 (message);
  bench_begin ();
  warden_spawn (actor);
  return TRUE;
}

static TroupeDirective
warden_child_failed (TroupeActor  *actor,
                     TroupeRef    *child,
                     const GError *error)
{
  Warden *self = BENCH_WARDEN (actor);

  return self->n_left == 0 || --self->n_left % LIVES == 0 ? TROUPE_DIRECTIVE_STOP : TROUPE_DIRECTIVE_RESTART;
}

static void
warden_child_terminated (TroupeActor       *actor,
                         TroupeTermination *termination)
{
  Warden *self = BENCH_WARDEN (actor);

  if (self->n_left > 0)
    warden_spawn (actor);
  else
    bench_end (actor, self->n_restarts);
}

static void
warden_class_init (WardenClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  actor_class->child_failed = warden_child_failed;
  actor_class->child_terminated = warden_child_terminated;
  troupe_actor_class_bind (actor_class, "run", G_TYPE_UINT64, warden_on_run);
}

static void
warden_init (Warden *self)
{
}

/* Makes actors, stops them, and is told. */

struct _Mourner
{
  TroupeActor parent_instance;
  gboolean    watches;
  guint64     n_actors;
  guint64     n_unborn;
  guint64     n_unended;
};

G_DECLARE_FINAL_TYPE (Mourner, mourner, BENCH, MOURNER, TroupeActor)
G_DEFINE_FINAL_TYPE (Mourner, mourner, TROUPE_TYPE_ACTOR)

static gboolean
mourner_on_more (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  Mourner *self = BENCH_MOURNER (actor);

  for (guint i = 0; i < CHUNK && self->n_unborn > 0; i++, self->n_unborn--)
    {
      g_autoptr (TroupeRef) child = troupe_actor_spawn (actor, NULL, TROUPE_TYPE_ACTOR, error, NULL);

      if (child == NULL)
        return FALSE;
      if (self->watches)
        troupe_actor_watch (actor, child);
      troupe_ref_finish (child);
    }

  if (self->n_unborn > 0)
    troupe_ref_send (troupe_actor_get_ref (actor), troupe_message_new ("more"));
  return TRUE;
}

static void
mourner_count (TroupeActor *actor)
{
  Mourner *self = BENCH_MOURNER (actor);

  if (--self->n_unended == 0)
    bench_end (actor, self->n_actors);
}

static gboolean
mourner_on_terminated (TroupeActor    *actor,
                       TroupeMessage  *message,
                       GError        **error)
{
  mourner_count (actor);
  return TRUE;
}

static void
mourner_child_terminated (TroupeActor       *actor,
                          TroupeTermination *termination)
{
  if (!BENCH_MOURNER (actor)->watches)
    mourner_count (actor);
}

static gboolean
mourner_begin (TroupeActor    *actor,
               gboolean        watches,
               TroupeMessage  *message,
               GError        **error)
{
  Mourner *self = BENCH_MOURNER (actor);

  self->watches = watches;
  self->n_actors = self->n_unborn = self->n_unended = troupe_message_get_uint64 (message);
  bench_begin ();
  return mourner_on_more (actor, message, error);
}

static gboolean
mourner_on_spawn (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  return mourner_begin (actor, FALSE, message, error);
}

static gboolean
mourner_on_watch (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  return mourner_begin (actor, TRUE, message, error);
}

static void
mourner_class_init (MournerClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  actor_class->child_terminated = mourner_child_terminated;
  troupe_actor_class_bind (actor_class, "run-spawn", G_TYPE_UINT64, mourner_on_spawn);
  troupe_actor_class_bind (actor_class, "run-watch", G_TYPE_UINT64, mourner_on_watch);
  troupe_actor_class_bind (actor_class, "more", G_TYPE_NONE, mourner_on_more);
  troupe_actor_class_bind (actor_class, "terminated", TROUPE_TYPE_TERMINATION, mourner_on_terminated);
}

static void
mourner_init (Mourner *self)
{
}
