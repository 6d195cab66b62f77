/* test-supervision-random.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <stdlib.h>

#include "troupe-test.h"

/*
 * A crowd of actors under supervisors of all kinds. Whatever they do may fail, they are stopped and killed at random, and linked to
 * each other, while they are sent and asked things. In the end the books must balance.
 *
 * TROUPE_TEST_SECONDS says how long to go on (2), TROUPE_TEST_SEED with which seed to begin.
 */

#define N_BOSSES 6
#define N_CREW 4
#define N_ROUNDS 100
#define N_LETTERS 60                 /* sent in each round */

typedef struct
{
  guint8   n_handled;                /* turns of a handler */
  guint8   n_dead;
  guint8   n_answers;                /* times that the asker's step has run */
  guint8   n_released;               /* … or that it was freed, run or not */
  gboolean is_ask;
  gboolean has_value;
  gboolean was_stashed;
  gint     target;                   /* a number of a worker */
} Letter;

typedef struct
{
  TroupeRef *ref;
  gint64     last;                   /* the last letter from outside that it has handled */
  guint      n_terminated;
} Entry;

static struct
{
  GRand        *random;
  TroupeSystem *system;
  TroupeRef    *observer;
  GArray       *letters;
  GArray       *entries;
  double        chance;              /* that something fails */
  gint          n_objects;
  guint64       n_started;
  guint64       n_stopped;
  guint64       n_handled;
  guint64       n_failures;
  guint64       n_restarts;
  guint64       n_broken;            /* ends because of links */
} test;

static gboolean
by_chance (double chance)
{
  return chance > 0 && g_rand_double (test.random) < chance;
}

static Letter *
letter_at (gint64 number)
{
  return &g_array_index (test.letters, Letter, number);
}

static Entry *
entry_at (gint number)
{
  return &g_array_index (test.entries, Entry, number);
}

static gboolean
may_fail (GError **error)
{
  if (!by_chance (test.chance))
    return TRUE;

  test.n_failures++;
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

/* Letters */

static void
count_answer (TroupePromise *promise,
              gpointer       data)
{
  Letter *letter = letter_at (GPOINTER_TO_INT (data));

  letter->n_answers++;
  letter->has_value = troupe_promise_get_error (promise) == NULL;
  troupe_promise_return_nothing (promise);
}

static void
count_release (gpointer data)
{
  letter_at (GPOINTER_TO_INT (data))->n_released++;
}

static gint
pick_target (void)
{
  gint n = (gint) test.entries->len;

  /* Mostly of the younger ones: the others have ended. */
  return g_rand_int_range (test.random, by_chance (0.9) ? MAX (0, n - 40) : 0, n);
}

static void
post (gint     target,
      gboolean is_ask)
{
  Letter letter = { .is_ask = is_ask, .target = target };
  gint64 number = test.letters->len;
  TroupeMessage *message = troupe_message_new_int64 ("do", number);

  g_array_append_val (test.letters, letter);
  if (is_ask)
    {
      g_autoptr (TroupePromise) promise = troupe_ref_ask (entry_at (target)->ref, message);

      troupe_promise_add_both (promise, count_answer, GINT_TO_POINTER ((gint) number), count_release);
    }
  else
    {
      troupe_ref_send (entry_at (target)->ref, message);
    }
}

static void
count_dead (TroupeSystem  *system,
            TroupeRef     *target,
            TroupeMessage *message,
            TroupeError    reason,
            gpointer       data)
{
  if (g_str_equal (troupe_message_get_name (message), "do"))
    letter_at (troupe_message_get_int64 (message))->n_dead++;
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
  gint            number;
  TroupeResolver *owed;
} TestWorkerPrivate;

enum { PROP_0, PROP_NUMBER };

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

  if (!may_fail (&error))
    troupe_promise_return_error (promise, error);
}

static void
sleep_and_fail (gpointer actor)
{
  TroupePromise *promise = troupe_sleep (g_rand_int_range (test.random, 0, 30));

  troupe_promise_add_callback (promise, fail_in_step, actor, NULL);
  troupe_promise_or_fail (promise);
  troupe_promise_unref (promise);
}

static void
answer (gpointer       actor,
        TroupeMessage *message)
{
  if (priv_of (actor)->owed == NULL && by_chance (0.3))
    {
      priv_of (actor)->owed = troupe_message_defer_reply (message);
      troupe_timer_unref (troupe_actor_call_later (actor, g_rand_int_range (test.random, 0, 50), give_owed, actor, NULL));
    }
  else if (!by_chance (0.1))
    {
      troupe_message_reply_int64 (message, 1);
    }
}

/* Nobody is overtaken; only what is tried again comes twice. */
static void
check_order (TroupeActor   *actor,
             TroupeMessage *message)
{
  gint64 number = troupe_message_get_int64 (message);
  Entry *entry = entry_at (priv_of (actor)->number);

  g_assert_true (entry->ref == troupe_actor_get_ref (actor));
  if (troupe_message_get_sender (message) != NULL || letter_at (number)->was_stashed)
    return;

  g_assert_cmpint (number, >=, entry->last);
  entry->last = number;
}

static void
change_links (TroupeActor *actor)
{
  TroupeRef *other = entry_at (pick_target ())->ref;

  if (other == troupe_actor_get_ref (actor))
    return;

  if (by_chance (0.7))
    troupe_actor_link (actor, other);
  else
    troupe_actor_unlink (actor, other);
}

static gboolean
on_do (TroupeActor    *actor,
       TroupeMessage  *message,
       GError        **error)
{
  gint64 number = troupe_message_get_int64 (message);

  check_order (actor, message);
  if (test.chance > 0 && by_chance (0.02) && troupe_actor_stash (actor, message, NULL))
    {
      letter_at (number)->was_stashed = TRUE;
      return TRUE;
    }

  letter_at (number)->n_handled++;
  test.n_handled++;
  if (by_chance (0.05))
    troupe_actor_unstash (actor);

  if (troupe_message_wants_reply (message) && by_chance (0.8))
    answer (actor, message);
  if (by_chance (0.05))
    sleep_and_fail (actor);
  if (by_chance (0.1))
    post (pick_target (), by_chance (0.5));
  if (by_chance (0.02))
    change_links (actor);
  if (by_chance (test.chance / 4))
    troupe_ref_stop (entry_at (pick_target ())->ref);
  if (by_chance (test.chance / 8))
    troupe_ref_kill (entry_at (pick_target ())->ref);

  return may_fail (error);
}

static gboolean
on_unstash (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  troupe_actor_unstash (actor);
  return TRUE;
}

static gboolean
test_worker_started (TroupeActor  *actor,
                     GError      **error)
{
  if (!may_fail (error))
    return FALSE;

  test.n_started++;
  return TRUE;
}

static void
test_worker_stopped (TroupeActor *actor)
{
  test.n_stopped++;
  may_fail_actor (actor);
}

static void
test_worker_pre_restart (TroupeActor  *actor,
                         const GError *error)
{
  may_fail_actor (actor);
}

static void
test_worker_post_restart (TroupeActor  *actor,
                          const GError *error)
{
  test.n_restarts++;
  may_fail_actor (actor);
}

static void
test_worker_set_property (GObject      *object,
                          guint         id,
                          const GValue *value,
                          GParamSpec   *pspec)
{
  priv_of (object)->number = g_value_get_int (value);
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
  test.n_objects--;
  G_OBJECT_CLASS (test_worker_parent_class)->finalize (object);
}

static void
test_worker_class_init (TestWorkerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  object_class->set_property = test_worker_set_property;
  object_class->dispose = test_worker_dispose;
  object_class->finalize = test_worker_finalize;
  g_object_class_install_property (object_class, PROP_NUMBER,
                                   g_param_spec_int ("number", NULL, NULL, -1, G_MAXINT, -1,
                                                     G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS));
  actor_class->started = test_worker_started;
  actor_class->stopped = test_worker_stopped;
  actor_class->pre_restart = test_worker_pre_restart;
  actor_class->post_restart = test_worker_post_restart;
  troupe_actor_class_set_stash_limit (actor_class, 5);
  troupe_actor_class_bind (actor_class, "do", G_TYPE_INT64, on_do);
  troupe_actor_class_bind (actor_class, "unstash", G_TYPE_NONE, on_unstash);
}

static void
test_worker_init (TestWorker *self)
{
  test.n_objects++;
}

/* One whose failed messages are handled once more. */

#define TEST_TYPE_STUBBORN (test_stubborn_get_type ())
G_DECLARE_DERIVABLE_TYPE (TestStubborn, test_stubborn, TEST, STUBBORN, TestWorker)

struct _TestStubbornClass
{
  TestWorkerClass parent_class;
};

G_DEFINE_TYPE (TestStubborn, test_stubborn, TEST_TYPE_WORKER)

static void
test_stubborn_class_init (TestStubbornClass *klass)
{
  TROUPE_ACTOR_CLASS (klass)->replays = TRUE;
}

static void
test_stubborn_init (TestStubborn *self)
{
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
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  troupe_actor_class_set_capacity (actor_class, 3, TROUPE_OVERFLOW_REJECT);
  troupe_actor_class_set_urgent (actor_class, "unstash");
}

static void
test_cramped_init (TestCramped *self)
{
}

/* One that waits in the middle of what it does, and tries again, too. */

#define TEST_TYPE_THINKER (test_thinker_get_type ())
G_DECLARE_FINAL_TYPE (TestThinker, test_thinker, TEST, THINKER, TestStubborn)

struct _TestThinker
{
  TestStubborn   parent_instance;
  TroupePromise *moment;             /* here and not on the stack, which is lost in a kill, with what it holds */
};

G_DEFINE_FINAL_TYPE (TestThinker, test_thinker, TEST_TYPE_STUBBORN)

static gboolean
on_think (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  TestThinker *self = TEST_THINKER (actor);

  check_order (actor, message);
  letter_at (troupe_message_get_int64 (message))->n_handled++;
  test.n_handled++;

  g_clear_pointer (&self->moment, troupe_promise_unref);
  self->moment = troupe_sleep (g_rand_int_range (test.random, 0, 20));
  if (!troupe_await (self->moment, error))
    return FALSE;
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
  troupe_actor_watch (actor, entry_at ((gint) troupe_message_get_int64 (message))->ref);
  return TRUE;
}

static gboolean
on_terminated (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  TroupeTermination *termination = troupe_message_get_boxed (message);

  for (guint i = 0; i < test.entries->len; i++)
    if (entry_at ((gint) i)->ref == troupe_termination_get_actor (termination))
      entry_at ((gint) i)->n_terminated++;

  g_assert_true ((troupe_termination_get_end (termination) == TROUPE_END_FAILED) <=
                 (troupe_termination_get_error (termination) != NULL));
  test.n_broken += g_error_matches (troupe_termination_get_error (termination), TROUPE_ERROR, TROUPE_ERROR_LINK_FAILED);
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

static gint
enter (TroupeRef *ref,
       gint       number)
{
  Entry entry = { ref, -1, 0 };

  g_assert_nonnull (ref);
  g_assert_cmpint (number, ==, test.entries->len);
  g_array_append_val (test.entries, entry);
  troupe_ref_send (test.observer, troupe_message_new_int64 ("watch", number));
  return number;
}

static GType
choose_type (void)
{
  switch (g_rand_int_range (test.random, 0, 5))
    {
    case 0:
      return TEST_TYPE_STUBBORN;

    case 1:
      return TEST_TYPE_CRAMPED;

    case 2:
      return TEST_TYPE_THINKER;

    default:
      return TEST_TYPE_WORKER;
    }
}

static void
hire (TroupeActor *boss)
{
  gint number = (gint) test.entries->len;

  enter (troupe_actor_spawn (boss, NULL, choose_type (), NULL, "number", number, NULL), number);
}

static TroupeSupervision *
choose_supervision (void)
{
  TroupeSupervision *supervision = troupe_supervision_new (by_chance (0.7) ? TROUPE_DIRECTIVE_RESTART
                                                                           : (TroupeDirective) g_rand_int_range (test.random, 0, 4));

  troupe_supervision_set_strategy (supervision, (TroupeStrategy) g_rand_int_range (test.random, 0, 3));
  if (by_chance (0.5))
    troupe_supervision_set_intensity (supervision, g_rand_int_range (test.random, 0, 8), g_rand_int_range (test.random, 1, 2000));
  if (by_chance (0.8))
    troupe_supervision_set_back_off (supervision, g_rand_int_range (test.random, 0, 20), g_rand_int_range (test.random, 20, 200));

  return supervision;
}

static gboolean
test_boss_started (TroupeActor  *actor,
                   GError      **error)
{
  g_autoptr (TroupeSupervision) supervision = choose_supervision ();

  troupe_actor_set_supervision (actor, supervision);
  for (guint i = 0; i < N_CREW; i++)
    hire (actor);

  return TROUPE_ACTOR_CLASS (test_boss_parent_class)->started (actor, error);
}

static TroupeDirective
test_boss_child_failed (TroupeActor  *actor,
                        TroupeRef    *child,
                        const GError *error)
{
  may_fail_actor (actor);
  if (by_chance (0.2))
    return (TroupeDirective) g_rand_int_range (test.random, 0, 4);

  return TROUPE_ACTOR_CLASS (test_boss_parent_class)->child_failed (actor, child, error);
}

static void
test_boss_child_terminated (TroupeActor       *actor,
                            TroupeTermination *termination)
{
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

/* What they still do has to be done, too. */
static void
unstash_all (void)
{
  for (guint i = 0; i < test.entries->len; i++)
    troupe_ref_send (entry_at ((gint) i)->ref, troupe_message_new ("unstash"));
}

/* Restarts wait for seconds; who thinks takes his time for each letter, of which there may be many. */
static void
settle (TroupeClock *clock)
{
  for (guint i = 0; i < 60; i++)
    troupe_clock_advance (clock, 1000);
  unstash_all ();
  for (guint i = 0; i < 1000; i++)
    troupe_clock_advance (clock, 20);
}

static void
spawn_boss (void)
{
  gint number = (gint) test.entries->len;

  enter (troupe_system_spawn (test.system, NULL, TEST_TYPE_BOSS, NULL, "number", number, NULL), number);
}

static void
run_round (TroupeClock *clock)
{
  for (guint i = 0; i < N_LETTERS; i++)
    post (pick_target (), by_chance (0.5));
  if (troupe_system_get_n_actors (test.system) < N_BOSSES)
    spawn_boss ();
  troupe_clock_advance (clock, g_rand_int_range (test.random, 0, 40));
}

static void
check_letter (const Letter *letter)
{
  gboolean tries_again = g_type_is_a (troupe_ref_get_actor_type (entry_at (letter->target)->ref), TEST_TYPE_STUBBORN);

  g_assert_true (letter->n_handled <= 1 || tries_again);
  g_assert_cmpuint (letter->n_answers, <=, 1);
  g_assert_cmpuint (letter->n_released, ==, letter->is_ask);

  if (letter->is_ask)
    g_assert_cmpuint (letter->n_dead, ==, 0);
  else
    g_assert_cmpuint ((letter->n_handled > 0) + letter->n_dead, ==, 1);
  if (letter->has_value)
    g_assert_cmpuint (letter->n_handled, >, 0);
}

/* Stops the bosses, and with them everybody but the observer. */
static void
stop_all (void)
{
  TroupeRef *root = troupe_ref_get_parent (test.observer);

  for (guint i = 0; i < test.entries->len; i++)
    if (troupe_ref_get_parent (entry_at ((gint) i)->ref) == root)
      troupe_ref_stop (entry_at ((gint) i)->ref);
}

static void
check_entry (const Entry *entry)
{
  g_assert_true (troupe_ref_has_ended (entry->ref));
  g_assert_cmpuint (entry->n_terminated, ==, 1);
  troupe_ref_unref (entry->ref);
}

static void
begin (guint32 seed)
{
  test.random = g_rand_new_with_seed (seed);
  test.system = troupe_test_system_new ();
  test.letters = g_array_new (FALSE, TRUE, sizeof (Letter));
  test.entries = g_array_new (FALSE, TRUE, sizeof (Entry));
  test.n_started = test.n_stopped = test.n_handled = test.n_failures = test.n_restarts = test.n_broken = 0;
  test.chance = 0.002 + g_rand_double (test.random) * 0.05;
  troupe_system_set_seed (test.system, seed);
  g_signal_connect (test.system, "dead-letter", G_CALLBACK (count_dead), NULL);
  test.observer = troupe_system_spawn (test.system, "observer", TEST_TYPE_OBSERVER, NULL, NULL);
}

static void
end (void)
{
  g_clear_pointer (&test.observer, troupe_ref_unref);
  troupe_test_system_end (test.system);
  g_clear_pointer (&test.random, g_rand_free);
  g_array_unref (test.letters);
  g_array_unref (test.entries);
  g_assert_cmpint (test.n_objects, ==, 0);
}

static void
run_once (guint32 seed)
{
  TroupeClock *clock;

  g_test_message ("seed %u", seed);
  begin (seed);
  clock = troupe_clock_new (troupe_system_get_reactor (test.system));
  for (guint i = 0; i < N_BOSSES; i++)
    spawn_boss ();
  for (guint i = 0; i < N_ROUNDS; i++)
    run_round (clock);

  /* When nothing fails any more everything is answered, by those who are left. */
  test.chance = 0;
  settle (clock);
  for (guint i = 0; i < test.letters->len; i++)
    check_letter (letter_at (i));

  stop_all ();
  troupe_clock_advance (clock, 0);
  for (guint i = 0; i < test.entries->len; i++)
    check_entry (entry_at ((gint) i));
  g_assert_cmpuint (troupe_system_get_n_actors (test.system), ==, 1);
  g_assert_cmpuint (test.n_stopped, <=, test.n_started);
  g_assert_cmpuint (test.n_failures, >, 0);

  g_object_unref (clock);
  g_test_message ("%u letters, %d handled, %u actors, %d failures, %d restarts, %d ended by links", test.letters->len,
                  (int) test.n_handled, test.entries->len, (int) test.n_failures, (int) test.n_restarts, (int) test.n_broken);
  end ();
}

static gint64
get_number (const char *variable,
            gint64      otherwise)
{
  const char *text = g_getenv (variable);

  return text != NULL ? g_ascii_strtoll (text, NULL, 10) : otherwise;
}

static void
test_random (void)
{
  gint64 end_time = g_get_monotonic_time () + get_number ("TROUPE_TEST_SECONDS", 2) * G_USEC_PER_SEC;
  guint32 seed = (guint32) get_number ("TROUPE_TEST_SEED", g_test_rand_int ());

  g_test_summary ("Whatever fails: no ask is left pending, no message is both handled and a dead letter, and each end is told once.");

  do
    run_once (seed++);
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

  g_test_add_func ("/troupe/supervision/random", test_random);

  return g_test_run ();
}
