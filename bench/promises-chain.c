/* promises-chain.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Promises that are made, resolved and waited for in one actor. */

#include <string.h>

#include "promises.h"

#define CHUNK      1000                /* promises before others run */
#define LONG_CHAIN 100                 /* steps */
#define LONG_LIST  1000                /* children */

struct _Chainer
{
  TroupeActor     parent_instance;
  guint64         n_all;
  guint64         n_left;
  guint64       (*run) (void);         /* one portion; returns how many it was */
  TroupeResolver *awaited;             /* of what the fiber waits for */
};

#define TYPE_CHAINER (chainer_get_type ())
G_DECLARE_FINAL_TYPE (Chainer, chainer, BENCH, CHAINER, TroupeActor)
G_DEFINE_FINAL_TYPE (Chainer, chainer, TROUPE_TYPE_ACTOR)

/* {{{ Chains */

static void
add_one (TroupePromise *promise,
         gpointer       user_data)
{
  troupe_promise_return_uint64 (promise, troupe_promise_get_uint64 (promise) + 1);
}

static void
run_chain (guint n_steps)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  for (guint i = 0; i < n_steps; i++)
    troupe_promise_add_callback (promise, add_one, NULL, NULL);
  troupe_resolver_resolve_uint64 (resolver, 0, NULL);
  g_assert_cmpuint (troupe_promise_get_uint64 (promise), ==, n_steps);
}

static guint64
run_resolves (void)
{
  for (guint i = 0; i < CHUNK; i++)
    run_chain (3);
  return CHUNK;
}

static guint64
run_steps (void)
{
  for (guint i = 0; i < CHUNK / LONG_CHAIN; i++)
    run_chain (LONG_CHAIN);
  return CHUNK;
}

/* }}} */
/* {{{ Lists */

static void
take_outcomes (TroupePromise *promise,
               gpointer       n_outcomes)
{
  *(gsize *) n_outcomes = troupe_outcomes_get_length (troupe_promise_get_boxed (promise));
}

/* The children are there before; they are what step and resolve are about. */
static guint64
run_all (void)
{
  TroupePromise *children[LONG_LIST];
  TroupeResolver *resolvers[LONG_LIST];
  TroupePromise *all;
  gsize n_outcomes = 0;

  bench_pause ();
  for (guint i = 0; i < LONG_LIST; i++)
    children[i] = troupe_promise_new (&resolvers[i]);
  bench_resume ();

  all = troupe_promise_all (children, LONG_LIST, TROUPE_LIST_DEFAULT);
  troupe_promise_add_callback (all, take_outcomes, &n_outcomes, NULL);
  for (guint i = 0; i < LONG_LIST; i++)
    troupe_resolver_resolve_uint64 (resolvers[i], 1, NULL);
  troupe_promise_unref (all);

  bench_pause ();
  g_assert_cmpuint (n_outcomes, ==, LONG_LIST);
  for (guint i = 0; i < LONG_LIST; i++)
    {
      troupe_resolver_unref (resolvers[i]);
      troupe_promise_unref (children[i]);
    }
  bench_resume ();
  return LONG_LIST;
}

/* }}} */
/* {{{ Fibers */

static gboolean
await_all (TroupeResolver  *result,
           gpointer         user_data,
           GError         **error)
{
  Chainer *self = user_data;
  guint64 sum = 0;

  for (guint64 i = 0; i < self->n_all; i++)
    {
      g_autoptr (TroupePromise) promise = troupe_promise_new (&self->awaited);

      if (!troupe_await (promise, error))
        return FALSE;
      sum += troupe_promise_get_uint64 (promise);
    }

  g_assert_cmpuint (sum, ==, self->n_all);
  return TRUE;
}

/* The fiber goes on within the call that resolves what it waits for. */
static gboolean
chainer_on_run_await (TroupeActor    *actor,
                      TroupeMessage  *message,
                      GError        **error)
{
  Chainer *self = BENCH_CHAINER (actor);
  TroupePromise *all;

  self->n_all = troupe_message_get_uint64 (message);
  bench_begin ();
  all = troupe_fiber_start (TROUPE_FIBER_INTERLEAVED, await_all, self, NULL);
  while (self->awaited != NULL)
    {
      g_autoptr (TroupeResolver) resolver = g_steal_pointer (&self->awaited);

      troupe_resolver_resolve_uint64 (resolver, 1, NULL);
    }
  bench_end (actor, self->n_all);

  g_assert_true (troupe_promise_is_resolved (all));
  troupe_promise_unref (all);
  return TRUE;
}

/* }}} */
/* {{{ Memory */

static void
pass (TroupePromise *promise,
      gpointer       user_data)
{
}

/* Both handles are kept, as whoever waits would. What is in use for the promises counts if MEASURE_PROMISES, else what their steps use. */
static void
run_waiting (TroupeActor *actor,
             guint64      n_promises,
             guint        n_steps,
             gboolean     measure_promises)
{
  TroupeResolver **resolvers = g_new (TroupeResolver *, n_promises);
  TroupePromise **promises = g_new (TroupePromise *, n_promises);

  /* Touched before, so that only the promises count. */
  memset (resolvers, 1, n_promises * sizeof *resolvers);
  memset (promises, 1, n_promises * sizeof *promises);
  if (measure_promises)
    bench_begin ();
  for (guint64 i = 0; i < n_promises; i++)
    promises[i] = troupe_promise_new (&resolvers[i]);
  if (!measure_promises)
    bench_begin ();
  for (guint64 i = 0; i < n_promises; i++)
    for (guint j = 0; j < n_steps; j++)
      troupe_promise_add_callback (promises[i], pass, NULL, NULL);
  bench_end_with_memory_in_use (actor, measure_promises ? n_promises : n_promises * n_steps);

  for (guint64 i = 0; i < n_promises; i++)
    {
      troupe_resolver_resolve (resolvers[i], NULL);
      troupe_resolver_unref (resolvers[i]);
      troupe_promise_unref (promises[i]);
    }
  g_free (resolvers);
  g_free (promises);
}

/* }}} */
/* {{{ The actor */

static gboolean
chainer_on_more (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  Chainer *self = BENCH_CHAINER (actor);

  self->n_left -= self->run ();
  if (self->n_left > 0)
    troupe_ref_send (troupe_actor_get_ref (actor), troupe_message_new ("more"));
  else
    bench_end (actor, self->n_all);
  return TRUE;
}

static gboolean
chainer_begin (TroupeActor    *actor,
               TroupeMessage  *message,
               guint64       (*run) (void),
               GError        **error)
{
  Chainer *self = BENCH_CHAINER (actor);

  /* Whole portions. */
  self->n_all = self->n_left = (troupe_message_get_uint64 (message) + CHUNK - 1) / CHUNK * CHUNK;
  self->run = run;
  bench_begin ();
  return chainer_on_more (actor, message, error);
}

static gboolean
chainer_on_run_steps (TroupeActor    *actor,
                      TroupeMessage  *message,
                      GError        **error)
{
  return chainer_begin (actor, message, run_steps, error);
}

static gboolean
chainer_on_run_resolves (TroupeActor    *actor,
                         TroupeMessage  *message,
                         GError        **error)
{
  return chainer_begin (actor, message, run_resolves, error);
}

static gboolean
chainer_on_run_all (TroupeActor    *actor,
                    TroupeMessage  *message,
                    GError        **error)
{
  return chainer_begin (actor, message, run_all, error);
}

static gboolean
chainer_on_run_pending (TroupeActor    *actor,
                        TroupeMessage  *message,
                        GError        **error)
{
  run_waiting (actor, troupe_message_get_uint64 (message), 0, TRUE);
  return TRUE;
}

static gboolean
chainer_on_run_waiting (TroupeActor    *actor,
                        TroupeMessage  *message,
                        GError        **error)
{
  run_waiting (actor, troupe_message_get_uint64 (message) / 10, 10, FALSE);
  return TRUE;
}

static void
chainer_class_init (ChainerClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  troupe_actor_class_bind (actor_class, "run-steps", G_TYPE_UINT64, chainer_on_run_steps);
  troupe_actor_class_bind (actor_class, "run-resolves", G_TYPE_UINT64, chainer_on_run_resolves);
  troupe_actor_class_bind (actor_class, "run-all", G_TYPE_UINT64, chainer_on_run_all);
  troupe_actor_class_bind (actor_class, "run-await", G_TYPE_UINT64, chainer_on_run_await);
  troupe_actor_class_bind (actor_class, "run-pending", G_TYPE_UINT64, chainer_on_run_pending);
  troupe_actor_class_bind (actor_class, "run-waiting", G_TYPE_UINT64, chainer_on_run_waiting);
  troupe_actor_class_bind (actor_class, "more", G_TYPE_NONE, chainer_on_more);
}

static void
chainer_init (Chainer *self)
{
}

/* }}} */
