/* messages-ask.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Promises: an ask with its reply and continuation, and chains resolved at home. */

#include <string.h>

#include "messages.h"

#define CHUNK 1000                     /* chains before others run */

/* {{{ Ask, reply, continuation */

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
asker_on_run (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  Asker *self = BENCH_ASKER (actor);

  self->answerer = troupe_actor_spawn (actor, NULL, TYPE_ANSWERER, error, NULL);
  if (self->answerer == NULL)
    return FALSE;

  self->n_messages = self->n_left = troupe_message_get_uint64 (message);
  bench_begin ();
  asker_ask (self);
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
}

static void
asker_init (Asker *self)
{
}

/* }}} */
/* {{{ Chains */

struct _Chainer
{
  TroupeActor parent_instance;
  guint64     n_chains;
  guint64     n_left;
};

#define TYPE_CHAINER (chainer_get_type ())
G_DECLARE_FINAL_TYPE (Chainer, chainer, BENCH, CHAINER, TroupeActor)
G_DEFINE_FINAL_TYPE (Chainer, chainer, TROUPE_TYPE_ACTOR)

static void
add_one (TroupePromise *promise,
         gpointer       user_data)
{
  troupe_promise_return_uint64 (promise, troupe_promise_get_uint64 (promise) + 1);
}

static void
run_chain (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  troupe_promise_add_callback (promise, add_one, NULL, NULL);
  troupe_promise_add_callback (promise, add_one, NULL, NULL);
  troupe_promise_add_callback (promise, add_one, NULL, NULL);
  troupe_resolver_resolve_uint64 (resolver, 1, NULL);
  g_assert_cmpuint (troupe_promise_get_uint64 (promise), ==, 4);
}

static gboolean
chainer_on_more (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  Chainer *self = BENCH_CHAINER (actor);

  for (guint i = 0; i < CHUNK && self->n_left > 0; i++, self->n_left--)
    run_chain ();

  if (self->n_left > 0)
    troupe_ref_send (troupe_actor_get_ref (actor), troupe_message_new ("more"));
  else
    bench_end (actor, self->n_chains);
  return TRUE;
}

static gboolean
chainer_on_run (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Chainer *self = BENCH_CHAINER (actor);

  self->n_chains = self->n_left = troupe_message_get_uint64 (message);
  bench_begin ();
  return chainer_on_more (actor, message, error);
}

/* Both handles are kept, as whoever waits would. */
static gboolean
chainer_on_run_pending (TroupeActor    *actor,
                        TroupeMessage  *message,
                        GError        **error)
{
  guint64 n_promises = troupe_message_get_uint64 (message);
  TroupeResolver **resolvers = g_new (TroupeResolver *, n_promises);
  TroupePromise **promises = g_new (TroupePromise *, n_promises);

  /* Touched before, so that only the promises count. */
  memset (resolvers, 1, n_promises * sizeof *resolvers);
  memset (promises, 1, n_promises * sizeof *promises);
  bench_begin ();
  for (guint64 i = 0; i < n_promises; i++)
    promises[i] = troupe_promise_new (&resolvers[i]);
  bench_end_with_memory_in_use (actor, n_promises);

  for (guint64 i = 0; i < n_promises; i++)
    {
      troupe_resolver_resolve (resolvers[i], NULL);
      troupe_resolver_unref (resolvers[i]);
      troupe_promise_unref (promises[i]);
    }
  g_free (resolvers);
  g_free (promises);
  return TRUE;
}

static void
chainer_class_init (ChainerClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "run", G_TYPE_UINT64, chainer_on_run);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "run-pending", G_TYPE_UINT64, chainer_on_run_pending);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "more", G_TYPE_NONE, chainer_on_more);
}

static void
chainer_init (Chainer *self)
{
}

/* }}} */
