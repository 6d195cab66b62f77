/* test-reactors-random.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <stdlib.h>

#include "troupe-test.h"

/*
 * A crowd of actors on several reactors, under supervisors that may be elsewhere. Whatever they do may fail, they are stopped and killed at
 * random, and threads of the program send, ask, spawn and stop meanwhile. In the end the books must balance, whether all was left to come
 * to rest before the system is shut down, or not.
 *
 * TROUPE_TEST_SECONDS says how long to go on (2).
 */

#define N_REACTORS 4
#define N_BOSSES 5
#define N_CREW 4
#define N_THREADS 2
#define MAX_ACTORS 60
#define MIN_LETTERS 1000
#define MAX_LETTERS 60000
#define MAX_ENTRIES 20000
#define RUN_MS 300

/* All of these are counted on any thread. */
typedef struct
{
  gint n_handled;                    /* turns of a handler */
  gint n_dead;
  gint n_answers;                    /* times that the asker's step has run */
  gint n_released;                   /* … or that it was freed, run or not */
  gint has_value;
  gint is_ask;                       /* it was sent: 1, or asked: 2 */
} Letter;

typedef struct
{
  TroupeRef *ref;                    /* NULL until it is there */
  gint       n_terminated;
} Entry;

static struct
{
  TroupeSystem    *system;
  TroupeSemaphore *semaphore;        /* at home on the main thread */
  TroupeRef       *observer;
  Letter          *letters;
  gint             n_letters;        /* begun; may be more than there are */
  Entry           *entries;
  gint             n_entries;        /* the same */
  gint             per_mille;        /* chance that something fails */
  gint             n_objects;
  gint             n_failures;
  gint             n_restarts;
  gint             n_handled;
  gint             n_visits;         /* places of the semaphore that came */
  gint             is_over;          /* for the threads */
} test;

static gboolean
by_chance (double chance)
{
  return g_random_double () < chance;
}

static gboolean
by_bad_luck (double factor)
{
  return by_chance (g_atomic_int_get (&test.per_mille) * factor / 1000);
}

static gboolean
may_fail (GError **error)
{
  if (!by_bad_luck (1))
    return TRUE;

  g_atomic_int_inc (&test.n_failures);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "by chance");
  return FALSE;
}

static void
may_fail_actor (gpointer actor)
{
  GError *error = NULL;

  if (!may_fail (&error))
    troupe_actor_fail (actor, error);
}

static TroupeReactor *
pick_reactor (void)
{
  return troupe_system_get_nth_reactor (test.system, g_random_int_range (0, N_REACTORS));
}

/* Who is there */

static gint
enter (TroupeRef *ref)
{
  gint number = g_atomic_int_add (&test.n_entries, 1);

  g_assert_cmpint (number, <, MAX_ENTRIES);
  g_atomic_pointer_set (&test.entries[number].ref, ref);
  troupe_ref_send (test.observer, troupe_message_new_int64 ("watch", number));

  return number;
}

/* Mostly one of the younger ones, as others have ended; NULL is possible. */
static TroupeRef *
pick_target (void)
{
  gint n = g_atomic_int_get (&test.n_entries);

  if (n == 0)
    return NULL;

  return g_atomic_pointer_get (&test.entries[g_random_int_range (by_chance (0.9) ? MAX (0, n - 40) : 0, n)].ref);
}

/* Letters */

static void
count_answer (TroupePromise *promise,
              gpointer       data)
{
  Letter *letter = data;

  g_atomic_int_inc (&letter->n_answers);
  if (troupe_promise_get_error (promise) == NULL)
    g_atomic_int_set (&letter->has_value, 1);
  troupe_promise_return_nothing (promise);
}

static void
count_release (gpointer data)
{
  Letter *letter = data;

  g_atomic_int_inc (&letter->n_released);
}

/* NULL: there are enough. */
static Letter *
begin_letter (gboolean        is_ask,
              TroupeMessage **message)
{
  gint number = g_atomic_int_add (&test.n_letters, 1);

  if (number >= MAX_LETTERS)
    return NULL;

  g_atomic_int_set (&test.letters[number].is_ask, 1 + is_ask);
  *message = troupe_message_new_int64 ("do", number);
  return &test.letters[number];
}

static void
post (TroupeRef *target)
{
  TroupeMessage *message;

  if (target != NULL && begin_letter (FALSE, &message) != NULL)
    troupe_ref_send (target, message);
}

static TroupePromise *
ask (TroupeRef *target)
{
  TroupeMessage *message;
  Letter *letter = target != NULL ? begin_letter (TRUE, &message) : NULL;

  if (letter == NULL)
    return NULL;

  return troupe_promise_add_both (by_chance (0.5) ? troupe_ref_ask (target, message) : troupe_ref_ask_within (target, message, 100),
                                  count_answer, letter, count_release);
}

static void
ask_and_forget (TroupeRef *target)
{
  TroupePromise *promise = ask (target);

  if (promise == NULL)
    return;
  if (by_chance (0.05))
    troupe_promise_cancel (promise);
  troupe_promise_unref (promise);
}

/* On a thread without a main loop. */
static void
ask_and_wait (TroupeRef *target)
{
  g_autoptr (TroupeMessage) answer = NULL;
  g_autoptr (GError) error = NULL;
  TroupeMessage *message;
  Letter *letter = target != NULL ? begin_letter (TRUE, &message) : NULL;

  if (letter == NULL)
    return;

  answer = troupe_ref_ask_sync (target, message, 1000, NULL, &error);
  g_assert_true ((answer != NULL) == (error == NULL));
  g_atomic_int_inc (&letter->n_answers);
  g_atomic_int_inc (&letter->n_released);
}

static void
count_dead (TroupeSystem  *system,
            TroupeRef     *target,
            TroupeMessage *message,
            TroupeError    reason,
            gpointer       data)
{
  if (g_str_equal (troupe_message_get_name (message), "do"))
    g_atomic_int_inc (&test.letters[troupe_message_get_int64 (message)].n_dead);
}

/* Workers */

#define TEST_TYPE_WORKER (test_worker_get_type ())
G_DECLARE_DERIVABLE_TYPE (TestWorker, test_worker, TEST, WORKER, TroupeActor)

struct _TestWorkerClass
{
  TroupeActorClass parent_class;
};

typedef struct
{
  GThread        *thread;
  GHashTable     *last;              /* sender to the number of its last letter */
  TroupeResolver *owed;
  gint            n_inside;          /* handlers */
} TestWorkerPrivate;

G_DEFINE_TYPE_WITH_PRIVATE (TestWorker, test_worker, TROUPE_TYPE_ACTOR)

static TestWorkerPrivate *
priv_of (gpointer actor)
{
  return test_worker_get_instance_private (TEST_WORKER (actor));
}

static void
give_owed (TroupeTimer *timer,
           gpointer     actor)
{
  TroupeResolver *owed = g_steal_pointer (&priv_of (actor)->owed);

  may_fail_actor (actor);
  if (owed == NULL)
    return;

  troupe_resolver_resolve_int64 (owed, 1, NULL);
  troupe_resolver_unref (owed);
}

static void
fail_in_step (TroupePromise *promise,
              gpointer       actor)
{
  GError *error = NULL;

  g_assert_true (priv_of (actor)->thread == g_thread_self ());
  if (!may_fail (&error))
    troupe_promise_return_error (promise, error);
}

static void
sleep_and_fail (gpointer actor)
{
  TroupePromise *promise = troupe_sleep (g_random_int_range (0, 30));

  troupe_promise_add_callback (promise, fail_in_step, actor, NULL);
  troupe_promise_or_fail (promise);
  troupe_promise_unref (promise);
}

static void
answer (gpointer       actor,
        TroupeMessage *message)
{
  TestWorkerPrivate *priv = priv_of (actor);

  if (priv->owed == NULL && by_chance (0.3))
    {
      priv->owed = troupe_message_defer_reply (message);
      troupe_timer_unref (troupe_actor_call_later (actor, g_random_int_range (0, 30), give_owed, actor, NULL));
    }
  else if (by_chance (0.2))
    {
      TroupePromise *promise = ask (pick_target ());

      if (promise != NULL)
        troupe_message_reply_promise (message, promise);
    }
  else if (!by_chance (0.1))
    {
      troupe_message_reply_int64 (message, 1);
    }
}

static void
leave_place (TroupePromise *promise,
             gpointer       actor)
{
  g_assert_true (priv_of (actor)->thread == g_thread_self ());
  g_atomic_int_inc (&test.n_visits);
  if (by_chance (0.8))
    troupe_semaphore_release (test.semaphore, NULL);
}

static void
take_place (gpointer actor)
{
  g_autoptr (TroupePromise) promise = troupe_semaphore_acquire (test.semaphore);

  troupe_promise_add_callback (promise, leave_place, actor, NULL);
  troupe_promise_add_errback (promise, (TroupeStep) troupe_promise_return_nothing, NULL, NULL);
}

/* Nobody is overtaken. */
static void
check_order (TroupeActor   *actor,
             TroupeMessage *message)
{
  TestWorkerPrivate *priv = priv_of (actor);
  TroupeRef *sender = troupe_message_get_sender (message);
  gint64 number = troupe_message_get_int64 (message);

  g_assert_true (priv->thread == g_thread_self ());
  if (sender == NULL)
    return;

  g_assert_cmpint (number, >, GPOINTER_TO_INT (g_hash_table_lookup (priv->last, sender)) - 1);
  g_hash_table_insert (priv->last, troupe_ref_ref (sender), GINT_TO_POINTER ((gint) number + 1));
}

/* What meets others. */
static void
mingle (TroupeActor *actor)
{
  TroupeRef *target = pick_target ();

  if (by_chance (0.3))
    post (pick_target ());
  if (by_chance (0.3))
    ask_and_forget (pick_target ());
  if (by_chance (0.05))
    sleep_and_fail (actor);
  if (by_chance (0.05))
    take_place (actor);
  if (by_chance (0.05))
    troupe_system_publish (test.system, "news/of/all", troupe_message_new ("noted"), NULL);
  if (target == NULL || target == troupe_actor_get_ref (actor))
    return;

  if (by_chance (0.02))
    troupe_actor_link (actor, target);
  if (by_chance (0.02))
    troupe_actor_unlink (actor, target);
  if (by_bad_luck (0.2))
    troupe_ref_stop (target);
  if (by_bad_luck (0.1))
    troupe_ref_finish (target);
  if (by_bad_luck (0.1))
    troupe_ref_kill (target);
}

static gboolean
on_do (TroupeActor    *actor,
       TroupeMessage  *message,
       GError        **error)
{
  TroupeRef *other;

  check_order (actor, message);
  g_assert_cmpint (g_atomic_int_add (&priv_of (actor)->n_inside, 1), ==, 0);
  g_atomic_int_inc (&test.n_handled);

  if (by_chance (0.05) && (other = pick_target ()) != NULL && troupe_message_get_sender (message) == NULL)
    {
      troupe_message_forward (message, other);
    }
  else
    {
      g_atomic_int_inc (&test.letters[troupe_message_get_int64 (message)].n_handled);
      if (troupe_message_wants_reply (message) && by_chance (0.9))
        answer (actor, message);
    }
  mingle (actor);

  g_atomic_int_add (&priv_of (actor)->n_inside, -1);
  return may_fail (error);
}

static gboolean
on_noted (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  g_assert_true (priv_of (actor)->thread == g_thread_self ());
  return may_fail (error);
}

static gboolean
test_worker_started (TroupeActor  *actor,
                     GError      **error)
{
  priv_of (actor)->thread = g_thread_self ();
  if (by_chance (0.3))
    troupe_system_subscribe (test.system, "news/#", troupe_actor_get_ref (actor), NULL);

  return may_fail (error);
}

static void
test_worker_stopped (TroupeActor *actor)
{
  g_assert_true (priv_of (actor)->thread == g_thread_self ());
  may_fail_actor (actor);
}

static void
test_worker_pre_restart (TroupeActor  *actor,
                         const GError *error)
{
  g_assert_true (priv_of (actor)->thread == g_thread_self ());
  may_fail_actor (actor);
}

static void
test_worker_post_restart (TroupeActor  *actor,
                          const GError *error)
{
  g_atomic_int_inc (&test.n_restarts);
  may_fail_actor (actor);
}

static void
test_worker_dispose (GObject *object)
{
  g_clear_pointer (&priv_of (object)->owed, troupe_resolver_unref);
  G_OBJECT_CLASS (test_worker_parent_class)->dispose (object);
}

static void
test_worker_finalize (GObject *object)
{
  g_hash_table_unref (priv_of (object)->last);
  g_atomic_int_add (&test.n_objects, -1);
  G_OBJECT_CLASS (test_worker_parent_class)->finalize (object);
}

static void
test_worker_class_init (TestWorkerClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = test_worker_dispose;
  G_OBJECT_CLASS (klass)->finalize = test_worker_finalize;
  actor_class->started = test_worker_started;
  actor_class->stopped = test_worker_stopped;
  actor_class->pre_restart = test_worker_pre_restart;
  actor_class->post_restart = test_worker_post_restart;
  troupe_actor_class_bind (actor_class, "do", G_TYPE_INT64, on_do);
  troupe_actor_class_bind (actor_class, "noted", G_TYPE_NONE, on_noted);
}

static void
test_worker_init (TestWorker *self)
{
  priv_of (self)->last = g_hash_table_new_full (NULL, NULL, (GDestroyNotify) troupe_ref_unref, NULL);
  g_atomic_int_inc (&test.n_objects);
}

/* One with little room. */

#define TEST_TYPE_CRAMPED (test_cramped_get_type ())
G_DECLARE_FINAL_TYPE (TestCramped, test_cramped, TEST, CRAMPED, TestWorker)

struct _TestCramped
{
  TestWorker parent_instance;
};

G_DEFINE_FINAL_TYPE (TestCramped, test_cramped, TEST_TYPE_WORKER)

static void
test_cramped_class_init (TestCrampedClass *klass)
{
  troupe_actor_class_set_capacity (TROUPE_ACTOR_CLASS (klass), 5, TROUPE_OVERFLOW_REJECT);
  troupe_actor_class_set_placement (TROUPE_ACTOR_CLASS (klass), TROUPE_PLACEMENT_SPREAD);
}

static void
test_cramped_init (TestCramped *self)
{
}

/* One that waits for others in the middle of what it does. */

#define TEST_TYPE_THINKER (test_thinker_get_type ())
G_DECLARE_FINAL_TYPE (TestThinker, test_thinker, TEST, THINKER, TestWorker)

struct _TestThinker
{
  TestWorker     parent_instance;
  TroupePromise *moment;             /* here and not on the stack, which is lost in a kill, with what it holds */
};

G_DEFINE_FINAL_TYPE (TestThinker, test_thinker, TEST_TYPE_WORKER)

static gboolean
on_think (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  TestThinker *self = TEST_THINKER (actor);
  TroupeRef *other = pick_target ();

  check_order (actor, message);
  g_atomic_int_inc (&test.n_handled);
  g_atomic_int_inc (&test.letters[troupe_message_get_int64 (message)].n_handled);

  g_clear_pointer (&self->moment, troupe_promise_unref);
  if (other != NULL)
    self->moment = troupe_ref_ask_within (other, troupe_message_new ("noted"), 20);
  if (self->moment != NULL)
    troupe_await (self->moment, NULL);
  g_assert_true (priv_of (actor)->thread == g_thread_self ());
  if (troupe_message_wants_reply (message))
    troupe_message_reply_int64 (message, 1);

  return may_fail (error);
}

static void
test_thinker_dispose (GObject *object)
{
  g_clear_pointer (&TEST_THINKER (object)->moment, troupe_promise_unref);
  G_OBJECT_CLASS (test_thinker_parent_class)->dispose (object);
}

static void
test_thinker_class_init (TestThinkerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = test_thinker_dispose;
  troupe_actor_class_bind_fiber (TROUPE_ACTOR_CLASS (klass), "do", G_TYPE_INT64, TROUPE_FIBER_DEFAULT, on_think);
}

static void
test_thinker_init (TestThinker *self)
{
}

/* Who is told of every end. */

#define TEST_TYPE_OBSERVER (test_observer_get_type ())
G_DECLARE_FINAL_TYPE (TestObserver, test_observer, TEST, OBSERVER, TroupeActor)

struct _TestObserver
{
  TroupeActor parent_instance;
};

G_DEFINE_FINAL_TYPE (TestObserver, test_observer, TROUPE_TYPE_ACTOR)

static gboolean
on_watch (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  troupe_actor_watch (actor, g_atomic_pointer_get (&test.entries[troupe_message_get_int64 (message)].ref));
  return TRUE;
}

static gboolean
on_terminated (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  TroupeTermination *termination = troupe_message_get_boxed (message);
  gint i;

  for (i = 0; i < g_atomic_int_get (&test.n_entries); i++)
    if (g_atomic_pointer_get (&test.entries[i].ref) == troupe_termination_get_actor (termination))
      g_atomic_int_inc (&test.entries[i].n_terminated);

  g_assert_true ((troupe_termination_get_end (termination) == TROUPE_END_FAILED) <=
                 (troupe_termination_get_error (termination) != NULL));
  return TRUE;
}

static void
test_observer_class_init (TestObserverClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "watch", G_TYPE_INT64, on_watch);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "terminated", TROUPE_TYPE_TERMINATION, on_terminated);
}

static void
test_observer_init (TestObserver *self)
{
}

/* Bosses are workers, too */

#define TEST_TYPE_BOSS (test_boss_get_type ())
G_DECLARE_FINAL_TYPE (TestBoss, test_boss, TEST, BOSS, TestWorker)

struct _TestBoss
{
  TestWorker parent_instance;
};

G_DEFINE_FINAL_TYPE (TestBoss, test_boss, TEST_TYPE_WORKER)

static GType
choose_type (void)
{
  switch (g_random_int_range (0, 6))
    {
    case 0:
      return TEST_TYPE_CRAMPED;

    case 1:
      return TEST_TYPE_THINKER;

    case 2:
      return TEST_TYPE_BOSS;

    default:
      return TEST_TYPE_WORKER;
    }
}

static void
hire (TroupeActor *boss)
{
  TroupeRef *child;

  if (g_atomic_int_get (&test.n_entries) > MAX_ENTRIES - 1000 || troupe_system_get_n_actors (test.system) > MAX_ACTORS)
    return;

  child = troupe_actor_spawn_on (boss, by_chance (0.8) ? pick_reactor () : NULL, NULL, choose_type (), NULL, NULL);
  if (child != NULL)
    enter (child);
}

static TroupeSupervision *
choose_supervision (void)
{
  TroupeSupervision *supervision = troupe_supervision_new (by_chance (0.7) ? TROUPE_DIRECTIVE_RESTART
                                                                           : (TroupeDirective) g_random_int_range (0, 4));

  troupe_supervision_set_strategy (supervision, (TroupeStrategy) g_random_int_range (0, 3));
  if (by_chance (0.5))
    troupe_supervision_set_intensity (supervision, g_random_int_range (0, 8), g_random_int_range (1, 2000));
  if (by_chance (0.5))
    troupe_supervision_set_last_resort (supervision, TROUPE_DIRECTIVE_STOP);
  troupe_supervision_set_back_off (supervision, g_random_int_range (0, 5), g_random_int_range (5, 30));

  return supervision;
}

static gboolean
test_boss_started (TroupeActor  *actor,
                   GError      **error)
{
  g_autoptr (TroupeSupervision) supervision = choose_supervision ();
  guint i;

  troupe_actor_set_supervision (actor, supervision);
  for (i = 0; i < N_CREW; i++)
    hire (actor);

  return TROUPE_ACTOR_CLASS (test_boss_parent_class)->started (actor, error);
}

static TroupeDirective
test_boss_child_failed (TroupeActor  *actor,
                        TroupeRef    *child,
                        const GError *error)
{
  g_assert_true (priv_of (actor)->thread == g_thread_self ());
  may_fail_actor (actor);
  if (by_chance (0.2))
    return (TroupeDirective) g_random_int_range (0, 4);

  return TROUPE_ACTOR_CLASS (test_boss_parent_class)->child_failed (actor, child, error);
}

static void
test_boss_child_terminated (TroupeActor       *actor,
                            TroupeTermination *termination)
{
  g_assert_true (priv_of (actor)->thread == g_thread_self ());
  may_fail_actor (actor);
  hire (actor);
}

static void
test_boss_class_init (TestBossClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  actor_class->started = test_boss_started;
  actor_class->child_failed = test_boss_child_failed;
  actor_class->child_terminated = test_boss_child_terminated;
}

static void
test_boss_init (TestBoss *self)
{
}

/* The run */

static void
spawn_boss (void)
{
  TroupeRef *boss = troupe_system_spawn_on (test.system, pick_reactor (), NULL, TEST_TYPE_BOSS, NULL, NULL);

  if (boss != NULL)
    enter (boss);
}

/* Somebody who is no actor. */
static gpointer
meddle (gpointer data)
{
  while (!g_atomic_int_get (&test.is_over))
    {
      TroupeRef *target = pick_target ();

      post (pick_target ());
      if (by_chance (0.3))
        ask_and_wait (pick_target ());
      if (by_chance (0.02) && troupe_system_get_n_actors (test.system) < MAX_ACTORS)
        spawn_boss ();
      if (target != NULL && by_bad_luck (0.05))
        troupe_ref_kill (target);
      if (target != NULL && by_bad_luck (0.1))
        troupe_ref_stop (target);
      if (by_chance (0.2))
        g_thread_yield ();
    }

  return NULL;
}

static gboolean
is_settled (const Letter *letter)
{
  if (g_atomic_int_get (&letter->is_ask) == 2)
    return g_atomic_int_get (&letter->n_released) > 0;

  return g_atomic_int_get (&letter->n_handled) + g_atomic_int_get (&letter->n_dead) > 0;
}

static gint
count_letters (void)
{
  return MIN (g_atomic_int_get (&test.n_letters), MAX_LETTERS);
}

static gboolean
all_settled (void)
{
  gint i;

  for (i = 0; i < count_letters (); i++)
    if (!is_settled (&test.letters[i]))
      return FALSE;

  return TRUE;
}

static void
check_letter (const Letter *letter)
{
  g_assert_cmpint (letter->n_handled, <=, 1);
  g_assert_cmpint (letter->n_answers, <=, 1);
  g_assert_cmpint (letter->n_released, ==, letter->is_ask == 2);

  if (letter->is_ask == 2)
    g_assert_cmpint (letter->n_dead, ==, 0);
  else
    g_assert_cmpint (letter->n_handled + letter->n_dead, ==, 1);
  if (letter->has_value)
    g_assert_cmpint (letter->n_handled, >, 0);
}

static gboolean
keep_turning (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

/* The main thread, too, sends and asks. */
static void
run_for (gint64 length_ms)
{
  gint64 end = g_get_monotonic_time () + length_ms * 1000;

  while (g_get_monotonic_time () < end || count_letters () < MIN_LETTERS)
    {
      post (pick_target ());
      ask_and_forget (pick_target ());
      if (by_chance (0.1) && troupe_system_get_n_actors (test.system) < N_BOSSES)
        spawn_boss ();
      g_main_context_iteration (NULL, by_chance (0.2));
    }
}

static void
begin (void)
{
  g_autoptr (GError) error = NULL;

  test.system = troupe_system_new_with_reactors (NULL, NULL, N_REACTORS, &error);
  g_assert_no_error (error);
  test.letters = g_new0 (Letter, MAX_LETTERS);
  test.entries = g_new0 (Entry, MAX_ENTRIES);
  test.n_letters = test.n_entries = 0;
  test.n_failures = test.n_restarts = test.n_handled = test.n_visits = 0;
  test.is_over = FALSE;
  test.per_mille = g_random_int_range (2, 50);
  test.semaphore = troupe_semaphore_new (3);
  g_signal_connect (test.system, "dead-letter", G_CALLBACK (count_dead), NULL);
  test.observer = troupe_system_spawn_on (test.system, pick_reactor (), "observer", TEST_TYPE_OBSERVER, NULL, NULL);
}

static gboolean
has_been_told_of_all (void)
{
  gint i;

  for (i = 0; i < g_atomic_int_get (&test.n_entries); i++)
    if (g_atomic_int_get (&test.entries[i].n_terminated) == 0)
      return FALSE;

  return TRUE;
}

/* Nothing fails any more: everything is answered by those who are left. Then they all stop, and the observer hears of it. */
static void
come_to_rest (void)
{
  TroupeRef *root = troupe_ref_get_parent (test.observer);
  gint i;

  g_atomic_int_set (&test.per_mille, 0);
  troupe_test_until (all_settled ());

  /* What a boss still hires goes with the boss. */
  for (i = 0; i < g_atomic_int_get (&test.n_entries); i++)
    {
      TroupeRef *ref = g_atomic_pointer_get (&test.entries[i].ref);

      if (ref != NULL && troupe_ref_get_parent (ref) == root)
        troupe_ref_stop (ref);
    }
  troupe_test_until (has_been_told_of_all ());
  troupe_test_until (troupe_system_get_n_actors (test.system) == 1);
  troupe_test_until (troupe_semaphore_get_n_free (test.semaphore) == 3);
  g_assert_cmpint (g_atomic_int_get (&test.n_objects), ==, 0);
}

static void
end (void)
{
  gint i;

  g_object_unref (test.system);
  g_object_unref (test.semaphore);
  troupe_ref_unref (test.observer);
  for (i = 0; i < test.n_entries; i++)
    {
      g_assert_true (troupe_ref_has_ended (test.entries[i].ref));
      g_assert_cmpint (test.entries[i].n_terminated, <=, 1);
      troupe_ref_unref (test.entries[i].ref);
    }
  g_assert_cmpint (test.n_objects, ==, 0);
  g_free (test.letters);
  g_free (test.entries);
}

static void
run_once (gboolean rests)
{
  GThread *threads[N_THREADS];
  guint turning = g_timeout_add (2, keep_turning, NULL);
  gint i;

  begin ();
  for (i = 0; i < N_BOSSES; i++)
    spawn_boss ();
  for (i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("meddler", meddle, NULL);
  run_for (RUN_MS);

  if (!rests)
    {
      troupe_system_shutdown (test.system);
      troupe_test_until (troupe_system_has_ended (test.system));
    }
  g_atomic_int_set (&test.is_over, TRUE);
  for (i = 0; i < N_THREADS; i++)
    while (threads[i] != NULL)
      g_thread_join (g_steal_pointer (&threads[i]));
  if (rests)
    {
      come_to_rest ();
      troupe_system_shutdown (test.system);
      troupe_test_until (troupe_system_has_ended (test.system));
    }

  troupe_test_until (all_settled ());
  for (i = 0; i < count_letters (); i++)
    check_letter (&test.letters[i]);
  g_test_message ("%d letters, %d handled, %d actors, %d failures, %d restarts, %d places", count_letters (), test.n_handled,
                  test.n_entries, test.n_failures, test.n_restarts, test.n_visits);
  g_source_remove (turning);
  end ();
}

static void
test_random (void)
{
  const char *seconds = g_getenv ("TROUPE_TEST_SECONDS");
  gint64 end_time = g_get_monotonic_time () + (seconds != NULL ? g_ascii_strtoll (seconds, NULL, 10) : 2) * G_USEC_PER_SEC;
  gboolean rests = TRUE;

  g_test_summary ("Whatever fails, and wherever: no ask is left pending, no message is both handled and a dead letter, each end is told once.");

  do
    {
      run_once (rests);
      rests = !rests;
    }
  while (g_get_monotonic_time () < end_time);
}

static void
ignore_message (const char     *domain,
                GLogLevelFlags  level,
                const char     *message,
                gpointer        data)
{
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  g_log_set_handler ("Troupe", G_LOG_LEVEL_WARNING, ignore_message, NULL);

  g_test_add_func ("/troupe/reactors/random", test_random);

  return g_test_run ();
}
