/* messages-ask.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* An ask with its reply and continuation. */

#include "messages.h"

struct _Answerer
{
  TroupeActor parent_instance;
};

#define TYPE_ANSWERER (answerer_get_type ())
G_DECLARE_FINAL_TYPE (Answerer, answerer, BENCH, ANSWERER, TroupeActor)
G_DEFINE_FINAL_TYPE (Answerer, answerer, TROUPE_TYPE_ACTOR)

static gboolean
answerer_on_double (TroupeActor    *actor,
                    TroupeMessage  *message,
                    GError        **error)
{
  troupe_message_reply_uint64 (message, troupe_message_get_uint64 (message) * 2);
  return TRUE;
}

static void
answerer_class_init (AnswererClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "double", G_TYPE_UINT64, answerer_on_double);
}

static void
answerer_init (Answerer *self)
{
}

struct _Asker
{
  TroupeActor parent_instance;
  TroupeRef  *answerer;
  guint64     n_messages;
  guint64     n_left;
};

#define TYPE_ASKER (asker_get_type ())
G_DECLARE_FINAL_TYPE (Asker, asker, BENCH, ASKER, TroupeActor)
G_DEFINE_FINAL_TYPE (Asker, asker, TROUPE_TYPE_ACTOR)

static void asker_ask (Asker *self);

static void
asker_on_answer (TroupePromise *promise,
                 gpointer       user_data)
{
  Asker *self = user_data;

  g_assert_cmpuint (troupe_promise_get_uint64 (promise), ==, self->n_left * 2);
  if (--self->n_left > 0)
    asker_ask (self);
  else
    bench_end (TROUPE_ACTOR (self), self->n_messages);
}

static void
asker_ask (Asker *self)
{
  g_autoptr (TroupePromise) answer = NULL;

  answer = troupe_ref_ask (self->answerer, troupe_message_new_uint64 ("double", self->n_left));
  troupe_promise_add_callback (answer, asker_on_answer, self, NULL);
}

static gboolean
asker_begin (Asker          *self,
             TroupeMessage  *message,
             GError        **error)
{
  self->answerer = troupe_actor_spawn (TROUPE_ACTOR (self), NULL, TYPE_ANSWERER, error, NULL);
  if (self->answerer == NULL)
    return FALSE;

  self->n_messages = self->n_left = troupe_message_get_uint64 (message);
  bench_begin ();
  return TRUE;
}

static gboolean
asker_on_run (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  Asker *self = BENCH_ASKER (actor);

  if (!asker_begin (self, message, error))
    return FALSE;

  asker_ask (self);
  return TRUE;
}

/* The same in a fiber. */
static gboolean
asker_on_run_fiber (TroupeActor    *actor,
                    TroupeMessage  *message,
                    GError        **error)
{
  Asker *self = BENCH_ASKER (actor);

  if (!asker_begin (self, message, error))
    return FALSE;

  for (; self->n_left > 0; self->n_left--)
    {
      g_autoptr (TroupePromise) answer = troupe_ref_ask (self->answerer, troupe_message_new_uint64 ("double", self->n_left));

      if (!troupe_await (answer, error))
        return FALSE;
      g_assert_cmpuint (troupe_promise_get_uint64 (answer), ==, self->n_left * 2);
    }

  bench_end (actor, self->n_messages);
  return TRUE;
}

static void
asker_dispose (GObject *object)
{
  g_clear_pointer (&BENCH_ASKER (object)->answerer, troupe_ref_unref);
  G_OBJECT_CLASS (asker_parent_class)->dispose (object);
}

static void
asker_class_init (AskerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = asker_dispose;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "run", G_TYPE_UINT64, asker_on_run);
  troupe_actor_class_bind_fiber (TROUPE_ACTOR_CLASS (klass), "run-fiber", G_TYPE_UINT64, TROUPE_FIBER_DEFAULT, asker_on_run_fiber);
}

static void
asker_init (Asker *self)
{
}

