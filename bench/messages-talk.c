/* messages-talk.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Few messages on the way at any time: ping-pong, a ring, and many actors that talk at random. */

#include "messages.h"

/* {{{ Ping-pong */

struct _Ponger
{
  TroupeActor parent_instance;
};

#define TYPE_PONGER (ponger_get_type ())
G_DECLARE_FINAL_TYPE (Ponger, ponger, BENCH, PONGER, TroupeActor)
G_DEFINE_FINAL_TYPE (Ponger, ponger, TROUPE_TYPE_ACTOR)

static gboolean
ponger_on_ping (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  troupe_ref_send (troupe_message_get_sender (message), troupe_message_new ("pong"));
  return TRUE;
}

static void
ponger_class_init (PongerClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "ping", G_TYPE_NONE, ponger_on_ping);
}

static void
ponger_init (Ponger *self)
{
}

struct _Pinger
{
  TroupeActor parent_instance;
  TroupeRef  *ponger;
  guint64     n_messages;
  guint64     n_left;
};

#define TYPE_PINGER (pinger_get_type ())
G_DECLARE_FINAL_TYPE (Pinger, pinger, BENCH, PINGER, TroupeActor)
G_DEFINE_FINAL_TYPE (Pinger, pinger, TROUPE_TYPE_ACTOR)

static gboolean
pinger_on_pong (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Pinger *self = BENCH_PINGER (actor);

  if (--self->n_left > 0)
    troupe_ref_send (self->ponger, troupe_message_new ("ping"));
  else
    bench_end (actor, self->n_messages);
  return TRUE;
}

static gboolean
pinger_on_run (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  Pinger *self = BENCH_PINGER (actor);

  self->ponger = troupe_actor_spawn (actor, NULL, TYPE_PONGER, error, NULL);
  if (self->ponger == NULL)
    return FALSE;

  self->n_messages = troupe_message_get_uint64 (message);
  self->n_left = self->n_messages / 2;
  bench_begin ();
  troupe_ref_send (self->ponger, troupe_message_new ("ping"));
  return TRUE;
}

static void
pinger_dispose (GObject *object)
{
  g_clear_pointer (&BENCH_PINGER (object)->ponger, troupe_ref_unref);
  G_OBJECT_CLASS (pinger_parent_class)->dispose (object);
}

static void
pinger_class_init (PingerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = pinger_dispose;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "pong", G_TYPE_NONE, pinger_on_pong);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "run", G_TYPE_UINT64, pinger_on_run);
}

static void
pinger_init (Pinger *self)
{
}

/* }}} */
/* {{{ Ring: one token */

#define RING_SIZE 100

struct _Link
{
  TroupeActor parent_instance;
  TroupeRef  *next;
  guint64     n_messages;              /* of the one that began */
};

#define TYPE_LINK (link_get_type ())
G_DECLARE_FINAL_TYPE (Link, link, BENCH, LINK, TroupeActor)
G_DEFINE_FINAL_TYPE (Link, link, TROUPE_TYPE_ACTOR)

static gboolean
link_on_next (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  BENCH_LINK (actor)->next = troupe_ref_ref (troupe_message_get_boxed (message));
  return TRUE;
}

static gboolean
link_on_token (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  Link *self = BENCH_LINK (actor);
  guint64 n_left = troupe_message_get_uint64 (message);

  if (n_left > 1 || self->n_messages == 0)
    troupe_ref_send (self->next, troupe_message_new_uint64 ("token", n_left - 1));
  else
    bench_end (actor, self->n_messages);
  return TRUE;
}

static gboolean
link_on_run (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  Link *self = BENCH_LINK (actor);
  g_autoptr (TroupeRef) next = troupe_ref_ref (troupe_actor_get_ref (actor));

  for (guint i = 1; i < RING_SIZE; i++)
    {
      TroupeRef *link = troupe_actor_spawn (actor, NULL, TYPE_LINK, error, NULL);

      if (link == NULL)
        return FALSE;
      troupe_ref_send (link, troupe_message_new_boxed ("next", TROUPE_TYPE_REF, next));
      troupe_ref_unref (next);
      next = link;
    }

  self->next = g_steal_pointer (&next);
  self->n_messages = troupe_message_get_uint64 (message);
  bench_begin ();
  troupe_ref_send (self->next, troupe_message_new_uint64 ("token", self->n_messages - 1));
  return TRUE;
}

static void
link_dispose (GObject *object)
{
  g_clear_pointer (&BENCH_LINK (object)->next, troupe_ref_unref);
  G_OBJECT_CLASS (link_parent_class)->dispose (object);
}

static void
link_class_init (LinkClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = link_dispose;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "next", TROUPE_TYPE_REF, link_on_next);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "token", G_TYPE_UINT64, link_on_token);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "run", G_TYPE_UINT64, link_on_run);
}

static void
link_init (Link *self)
{
}

/* }}} */
/* {{{ Big: each pings another at random, and the next when the pong has come */

#define BIG_SIZE 120

struct _Talker
{
  TroupeActor parent_instance;
  GPtrArray  *others;
  TroupeRef  *referee;
  guint32     random;
  guint64     n_left;
};

#define TYPE_TALKER (talker_get_type ())
G_DECLARE_FINAL_TYPE (Talker, talker, BENCH, TALKER, TroupeActor)
G_DEFINE_FINAL_TYPE (Talker, talker, TROUPE_TYPE_ACTOR)

static void
talker_ping (Talker *self)
{
  self->random ^= self->random << 13;
  self->random ^= self->random >> 17;
  self->random ^= self->random << 5;
  troupe_ref_send (g_ptr_array_index (self->others, self->random % self->others->len), troupe_message_new ("ping"));
}

static gboolean
talker_on_others (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  BENCH_TALKER (actor)->others = g_ptr_array_ref (troupe_message_get_boxed (message));
  return TRUE;
}

static gboolean
talker_on_start (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  Talker *self = BENCH_TALKER (actor);

  self->referee = troupe_ref_ref (troupe_message_get_sender (message));
  self->n_left = troupe_message_get_uint64 (message);
  self->random = GPOINTER_TO_UINT (self) | 1;
  talker_ping (self);
  return TRUE;
}

static gboolean
talker_on_ping (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  troupe_ref_send (troupe_message_get_sender (message), troupe_message_new ("pong"));
  return TRUE;
}

static gboolean
talker_on_pong (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Talker *self = BENCH_TALKER (actor);

  if (--self->n_left > 0)
    talker_ping (self);
  else
    troupe_ref_send (self->referee, troupe_message_new ("done"));
  return TRUE;
}

static void
talker_dispose (GObject *object)
{
  Talker *self = BENCH_TALKER (object);

  g_clear_pointer (&self->others, g_ptr_array_unref);
  g_clear_pointer (&self->referee, troupe_ref_unref);
  G_OBJECT_CLASS (talker_parent_class)->dispose (object);
}

static void
talker_class_init (TalkerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = talker_dispose;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "others", G_TYPE_PTR_ARRAY, talker_on_others);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "start", G_TYPE_UINT64, talker_on_start);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "ping", G_TYPE_NONE, talker_on_ping);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "pong", G_TYPE_NONE, talker_on_pong);
}

static void
talker_init (Talker *self)
{
}

struct _Referee
{
  TroupeActor parent_instance;
  guint64     n_messages;
  guint       n_talking;
};

#define TYPE_REFEREE (referee_get_type ())
G_DECLARE_FINAL_TYPE (Referee, referee, BENCH, REFEREE, TroupeActor)
G_DEFINE_FINAL_TYPE (Referee, referee, TROUPE_TYPE_ACTOR)

static gboolean
referee_on_run (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Referee *self = BENCH_REFEREE (actor);
  g_autoptr (GPtrArray) talkers = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_ref_unref);
  guint64 share = troupe_message_get_uint64 (message) / 2 / BIG_SIZE;

  for (guint i = 0; i < BIG_SIZE; i++)
    {
      TroupeRef *talker = troupe_actor_spawn (actor, NULL, TYPE_TALKER, error, NULL);

      if (talker == NULL)
        return FALSE;
      g_ptr_array_add (talkers, talker);
    }

  self->n_talking = BIG_SIZE;
  self->n_messages = share * 2 * BIG_SIZE;
  for (guint i = 0; i < BIG_SIZE; i++)
    troupe_ref_send (g_ptr_array_index (talkers, i), troupe_message_new_boxed ("others", G_TYPE_PTR_ARRAY, talkers));

  bench_begin ();
  for (guint i = 0; i < BIG_SIZE; i++)
    troupe_ref_send (g_ptr_array_index (talkers, i), troupe_message_new_uint64 ("start", share));
  return TRUE;
}

static gboolean
referee_on_done (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  Referee *self = BENCH_REFEREE (actor);

  if (--self->n_talking == 0)
    bench_end (actor, self->n_messages);
  return TRUE;
}

static void
referee_class_init (RefereeClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "run", G_TYPE_UINT64, referee_on_run);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "done", G_TYPE_NONE, referee_on_done);
}

static void
referee_init (Referee *self)
{
}

/* }}} */
