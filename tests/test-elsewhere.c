/* test-elsewhere.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Semaphores and queues away from their home, rule by rule of the specification: 86 to 92 and 94. Each test runs twice: with the
 * others as actors of the same thread, and of another one. */

#include "troupe-test-puppet.h"

#define N_PUPPETS 3

typedef struct _Fixture Fixture;

/* A puppet that releases, as its last deed, what it may hold. */
#define TEST_TYPE_HOLDER (test_holder_get_type ())
G_DECLARE_FINAL_TYPE (TestHolder, test_holder, TEST, HOLDER, TroupeActor)

struct _TestHolder
{
  TroupeActor      parent_instance;

  TroupeSemaphore *semaphore;
  gint            *n_released;       /* atomic */
};

G_DEFINE_FINAL_TYPE (TestHolder, test_holder, TROUPE_TYPE_ACTOR)

static void
test_holder_stopped (TroupeActor *actor)
{
  TestHolder *self = TEST_HOLDER (actor);

  if (troupe_semaphore_release (self->semaphore, NULL))
    g_atomic_int_inc (self->n_released);
}

static void
test_holder_class_init (TestHolderClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  actor_class->stopped = test_holder_stopped;
  troupe_actor_class_bind (actor_class, "run", G_TYPE_POINTER, test_puppet_run);
}

static void
test_holder_init (TestHolder *self)
{
}

/* An actor, and what it keeps in its turns. */
typedef struct
{
  Fixture       *fixture;
  TroupeRef     *ref;
  TroupePromise *promise;
  gint64         number;
  gint64         n_taken;
} Puppet;

struct _Fixture
{
  TroupeSystem    *system;
  TroupeSystem    *other_system;
  GThread         *thread;
  TroupeRef       *owner;
  TroupeSemaphore *semaphore;
  TroupeQueue     *queue;
  TroupePromise   *mine;             /* the owner's */
  gint             n_released;       /* by a TestHolder; atomic */
  Puppet           puppets[N_PUPPETS];
};

static gpointer
run_system (gpointer queue)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  TroupeSystem *system;

  g_main_context_push_thread_default (context);
  system = troupe_test_system_new ();
  g_async_queue_push (queue, g_object_ref (system));
  troupe_test_until (troupe_system_has_ended (system));
  g_object_unref (system);
  g_main_context_pop_thread_default (context);

  return NULL;
}

/* Runs FUNC as a turn of REF, and waits. */
static void
do_in (TroupeRef     *ref,
       TroupeHandler  func,
       gpointer       data)
{
  g_autoptr (TroupePromise) promise = test_puppet_ask_and_wait (ref, func, data);

  g_assert_true (troupe_promise_has_value (promise));
}

static gboolean
done (TroupeMessage *message)
{
  troupe_message_reply_boolean (message, TRUE);
  return TRUE;
}

static gboolean
do_nothing (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  return done (message);
}

/* Until what any of them has sent to the owner, and what followed from that, has arrived. */
static void
settle (Fixture *fixture)
{
  guint round;
  guint i;

  for (round = 0; round < 3; round++)
    {
      for (i = 0; i < N_PUPPETS; i++)
        if (!troupe_ref_has_ended (fixture->puppets[i].ref))
          do_in (fixture->puppets[i].ref, do_nothing, NULL);
      if (!troupe_ref_has_ended (fixture->owner))
        do_in (fixture->owner, do_nothing, NULL);
    }
}

static void
set_up (Fixture       *fixture,
        gconstpointer  threaded)
{
  guint i;

  fixture->system = troupe_test_system_new ();
  fixture->owner = test_puppet_new (fixture->system, "owner");
  if (threaded != NULL)
    {
      GAsyncQueue *queue = g_async_queue_new ();

      fixture->thread = g_thread_new ("elsewhere", run_system, queue);
      fixture->other_system = g_async_queue_pop (queue);
      g_async_queue_unref (queue);
    }
  else
    {
      fixture->other_system = g_object_ref (fixture->system);
    }

  for (i = 0; i < N_PUPPETS; i++)
    {
      fixture->puppets[i].fixture = fixture;
      fixture->puppets[i].ref = test_puppet_new (fixture->other_system, NULL);
    }
}

static void
stop (TroupeRef *ref)
{
  troupe_ref_stop (ref);
  troupe_test_until (troupe_ref_has_ended (ref));
}

static gboolean
wake (gpointer data)
{
  return G_SOURCE_REMOVE;
}

/* Another thread's end wakes nobody here. */
static void
wait_for_end (TroupeRef *ref)
{
  while (!troupe_ref_has_ended (ref))
    {
      g_timeout_add (1, wake, NULL);
      g_main_context_iteration (NULL, TRUE);
    }
}

static void
stop_elsewhere (TroupeRef *ref)
{
  troupe_ref_stop (ref);
  wait_for_end (ref);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  threaded)
{
  guint i;

  for (i = 0; i < N_PUPPETS; i++)
    {
      stop_elsewhere (fixture->puppets[i].ref);
      troupe_ref_unref (fixture->puppets[i].ref);
      g_clear_pointer (&fixture->puppets[i].promise, troupe_promise_unref);
    }
  if (fixture->thread != NULL)
    {
      troupe_system_shutdown (fixture->other_system);
      g_thread_join (fixture->thread);
    }
  g_object_unref (fixture->other_system);

  stop (fixture->owner);
  g_clear_pointer (&fixture->mine, troupe_promise_unref);
  troupe_ref_unref (fixture->owner);
  if (fixture->semaphore != NULL)
    g_assert_finalize_object (fixture->semaphore);
  if (fixture->queue != NULL)
    g_assert_finalize_object (fixture->queue);
  troupe_test_system_end (fixture->system);
}

/* Semaphores: what the owner does */

static gboolean
make_lock (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  ((Fixture *) test_puppet_get_data (message))->semaphore = troupe_semaphore_new (1);
  return done (message);
}

static gboolean
make_pair (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  ((Fixture *) test_puppet_get_data (message))->semaphore = troupe_semaphore_new (2);
  return done (message);
}

static gboolean
acquire_here (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);

  fixture->mine = troupe_semaphore_acquire (fixture->semaphore);
  return done (message);
}

static gboolean
release_here (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  g_autoptr (GError) not_held = NULL;
  gboolean released = troupe_semaphore_release (fixture->semaphore, &not_held);

  if (!released)
    g_assert_error (not_held, TROUPE_ERROR, TROUPE_ERROR_NOT_HELD);
  troupe_message_reply_boolean (message, released);
  return TRUE;
}

static gboolean
release_by_owner (Fixture *fixture)
{
  g_autoptr (TroupePromise) promise = test_puppet_ask_and_wait (fixture->owner, release_here, fixture);

  return troupe_promise_get_boolean (promise);
}

/* What HANDLER replies. */
static gint64
ask_number (TroupeRef     *ref,
            TroupeHandler  handler,
            gpointer       data)
{
  g_autoptr (TroupePromise) promise = test_puppet_ask_and_wait (ref, handler, data);

  return troupe_promise_get_int64 (promise);
}

static gboolean
count_free (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);

  troupe_message_reply_int64 (message, troupe_semaphore_get_n_free (fixture->semaphore));
  return TRUE;
}

static gint64
get_n_free (Fixture *fixture)
{
  return ask_number (fixture->owner, count_free, fixture);
}

/* … and what others do */

static gboolean
acquire_elsewhere (TroupeActor    *actor,
                   TroupeMessage  *message,
                   GError        **error)
{
  Puppet *self = test_puppet_get_data (message);

  g_clear_pointer (&self->promise, troupe_promise_unref);
  self->promise = troupe_semaphore_acquire (self->fixture->semaphore);
  g_assert_true (!troupe_promise_is_resolved (self->promise) || troupe_ref_has_ended (self->fixture->owner));
  return done (message);
}

static void
acquire (Puppet *self)
{
  do_in (self->ref, acquire_elsewhere, self);
}

static gboolean
look_elsewhere (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Puppet *self = test_puppet_get_data (message);
  gboolean holds = troupe_promise_is_resolved (self->promise) && troupe_promise_has_value (self->promise);

  if (holds && self->fixture->semaphore != NULL)
    g_assert_true (troupe_promise_get_object (self->promise) == self->fixture->semaphore);
  troupe_message_reply_boolean (message, holds);
  return TRUE;
}

static gboolean
holds (Puppet *self)
{
  g_autoptr (TroupePromise) promise = NULL;

  settle (self->fixture);
  promise = test_puppet_ask_and_wait (self->ref, look_elsewhere, self);

  return troupe_promise_get_boolean (promise);
}

static gboolean
release_elsewhere (TroupeActor    *actor,
                   TroupeMessage  *message,
                   GError        **error)
{
  Puppet *self = test_puppet_get_data (message);
  g_autoptr (GError) not_held = NULL;
  gboolean released = troupe_semaphore_release (self->fixture->semaphore, &not_held);

  if (!released)
    g_assert_error (not_held, TROUPE_ERROR, TROUPE_ERROR_NOT_HELD);
  troupe_message_reply_boolean (message, released);
  return TRUE;
}

static gboolean
release (Puppet *self)
{
  g_autoptr (TroupePromise) promise = test_puppet_ask_and_wait (self->ref, release_elsewhere, self);

  return troupe_promise_get_boolean (promise);
}

static gboolean
cancel_elsewhere (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  Puppet *self = test_puppet_get_data (message);

  troupe_promise_cancel (self->promise);
  return done (message);
}

static void
cancel (Puppet *self)
{
  do_in (self->ref, cancel_elsewhere, self);
}

static gboolean
take_error_elsewhere (TroupeActor    *actor,
                      TroupeMessage  *message,
                      GError        **error)
{
  Puppet *self = test_puppet_get_data (message);
  g_autoptr (GError) reason = troupe_promise_steal_error (self->promise);

  g_assert_nonnull (reason);
  g_assert_true (reason->domain == TROUPE_ERROR);
  troupe_message_reply_int64 (message, reason->code);
  return TRUE;
}

/* The code of the error that its promise has. */
static gint64
take_error (Puppet *self)
{
  settle (self->fixture);

  return ask_number (self->ref, take_error_elsewhere, self);
}

static void
test_rule_86 (Fixture       *fixture,
              gconstpointer  threaded)
{
  Puppet *p = fixture->puppets;

  g_test_summary ("Elsewhere too the lock is had in the order of asking, which is that of arrival at its actor.");

  do_in (fixture->owner, make_lock, fixture);
  acquire (&p[0]);
  acquire (&p[1]);
  do_in (fixture->owner, acquire_here, fixture);
  acquire (&p[2]);
  g_assert_true (holds (&p[0]));
  g_assert_false (holds (&p[1]));

  g_assert_true (release (&p[0]));
  g_assert_true (holds (&p[1]));
  g_assert_false (troupe_promise_is_resolved (fixture->mine));
  g_assert_true (release (&p[1]));
  settle (fixture);
  g_assert_true (troupe_promise_is_resolved (fixture->mine));
  g_assert_false (holds (&p[2]));
  g_assert_true (release_by_owner (fixture));
  g_assert_true (holds (&p[2]));
  g_assert_cmpint (get_n_free (fixture), ==, 0);
  g_assert_true (release (&p[2]));
  g_assert_cmpint (get_n_free (fixture), ==, 1);
}

static void
test_rule_87 (Fixture       *fixture,
              gconstpointer  threaded)
{
  Puppet *p = fixture->puppets;

  g_test_summary ("Who does not hold the lock cannot release it, nor anybody twice, its own actor included.");

  do_in (fixture->owner, make_lock, fixture);
  g_assert_false (release (&p[0]));
  acquire (&p[0]);
  g_assert_true (holds (&p[0]));
  g_assert_false (release (&p[1]));
  g_assert_true (release (&p[0]));
  g_assert_false (release (&p[0]));
  g_assert_cmpint (get_n_free (fixture), ==, 1);
  acquire (&p[1]);
  g_assert_true (holds (&p[1]));
  g_assert_cmpint (get_n_free (fixture), ==, 0);

  g_assert_false (release_by_owner (fixture));
}

static TroupePromise *
tell_number (TroupeSemaphore  *semaphore,
             gpointer          data,
             GError          **error)
{
  Puppet *self = data;
  g_auto (GValue) value = G_VALUE_INIT;

  g_assert_true (semaphore == self->fixture->semaphore);
  g_value_init (&value, G_TYPE_INT64);
  g_value_set_int64 (&value, self->number);
  return troupe_promise_new_resolved (&value);
}

static gboolean
run_elsewhere (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  Puppet *self = test_puppet_get_data (message);

  troupe_message_reply_promise (message, troupe_semaphore_run (self->fixture->semaphore, tell_number, self, NULL));
  return TRUE;
}

static void
test_rule_88 (Fixture       *fixture,
              gconstpointer  threaded)
{
  Puppet *p = fixture->puppets;
  TroupePromise *runs[N_PUPPETS];
  guint i;

  g_test_summary ("A run elsewhere calls the function there, and releases afterwards.");

  do_in (fixture->owner, make_lock, fixture);
  for (i = 0; i < N_PUPPETS; i++)
    {
      p[i].number = 10 + i;
      runs[i] = test_puppet_ask (p[i].ref, run_elsewhere, &p[i]);
    }
  for (i = 0; i < N_PUPPETS; i++)
    {
      troupe_test_until (troupe_promise_is_resolved (runs[i]));
      g_assert_cmpint (troupe_promise_get_int64 (runs[i]), ==, 10 + i);
      troupe_promise_unref (runs[i]);
    }
  settle (fixture);
  g_assert_cmpint (get_n_free (fixture), ==, 1);
}

static void
test_rule_89 (Fixture       *fixture,
              gconstpointer  threaded)
{
  Puppet *p = fixture->puppets;

  g_test_summary ("One that waits elsewhere can be cancelled, and is out of the row; what was granted stays held.");

  do_in (fixture->owner, make_lock, fixture);
  acquire (&p[0]);
  g_assert_true (holds (&p[0]));
  acquire (&p[1]);
  settle (fixture);
  acquire (&p[2]);
  cancel (&p[1]);
  g_assert_cmpint (take_error (&p[1]), ==, TROUPE_ERROR_CANCELLED);
  cancel (&p[0]);
  g_assert_false (holds (&p[2]));
  g_assert_true (release (&p[0]));
  g_assert_true (holds (&p[2]));
  g_assert_true (release (&p[2]));
  g_assert_cmpint (get_n_free (fixture), ==, 1);
}

static void
release_step (TroupePromise *promise,
              gpointer       data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (troupe_semaphore_release (troupe_promise_get_object (promise), &error));
  g_assert_no_error (error);
}

/* With another thread, how long this takes decides who wins. */
static void
linger (Puppet *self)
{
  gint64 n = __atomic_load_n (&self->number, __ATOMIC_RELAXED);
  volatile gint64 i;

  for (i = 0; i < n; i++)
    ;
}

static void
set_lingering (Puppet *self)
{
  __atomic_store_n (&self->number, g_test_rand_int_range (0, 4000), __ATOMIC_RELAXED);
}

static gboolean
race_elsewhere (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Puppet *self = test_puppet_get_data (message);
  g_autoptr (TroupePromise) promise = troupe_semaphore_acquire (self->fixture->semaphore);

  troupe_promise_add_callback (promise, release_step, NULL, NULL);
  linger (self);
  troupe_promise_cancel (promise);
  return done (message);
}

static void
test_rule_89_race (Fixture       *fixture,
                   gconstpointer  threaded)
{
  Puppet *p = fixture->puppets;
  guint n = g_test_thorough () ? 20000 : 2000;
  guint i;

  g_test_summary ("Whoever wins between a grant and a cancellation, no place is lost and none comes into being.");

  do_in (fixture->owner, make_lock, fixture);
  for (i = 0; i < n; i++)
    {
      Puppet *self = &p[i % N_PUPPETS];

      if (i % 16 < N_PUPPETS)
        set_lingering (self);
      test_puppet_tell (self->ref, race_elsewhere, self);
      if (i % 16 == 15)
        g_main_context_iteration (NULL, FALSE);
    }
  settle (fixture);
  g_assert_cmpint (get_n_free (fixture), ==, 1);
}

static void
test_rule_90 (Fixture       *fixture,
              gconstpointer  threaded)
{
  Puppet *p = fixture->puppets;

  g_test_summary ("As many hold a semaphore as its limit says, wherever they are.");

  do_in (fixture->owner, make_pair, fixture);
  acquire (&p[0]);
  do_in (fixture->owner, acquire_here, fixture);
  acquire (&p[1]);
  g_assert_true (holds (&p[0]));
  g_assert_false (holds (&p[1]));
  g_assert_true (release_by_owner (fixture));
  g_assert_true (holds (&p[1]));
  g_assert_true (release (&p[0]));
  settle (fixture);
  g_assert_cmpint (get_n_free (fixture), ==, 1);
}

static void
test_rule_94_holder (Fixture       *fixture,
                     gconstpointer  threaded)
{
  Puppet *p = fixture->puppets;

  g_test_summary ("What an actor holds is released when it has stopped or was killed.");

  do_in (fixture->owner, make_lock, fixture);
  acquire (&p[0]);
  g_assert_true (holds (&p[0]));
  acquire (&p[1]);
  acquire (&p[2]);
  stop_elsewhere (p[0].ref);
  g_assert_true (holds (&p[1]));
  g_assert_false (holds (&p[2]));
  troupe_ref_kill (p[1].ref);
  wait_for_end (p[1].ref);
  g_assert_true (holds (&p[2]));
  stop_elsewhere (p[2].ref);
  settle (fixture);
  g_assert_cmpint (get_n_free (fixture), ==, 1);
}

static gboolean
acquire_to_the_last (TroupeActor    *actor,
                     TroupeMessage  *message,
                     GError        **error)
{
  TestHolder *self = TEST_HOLDER (actor);
  Fixture *fixture = test_puppet_get_data (message);

  self->semaphore = fixture->semaphore;
  self->n_released = &fixture->n_released;
  troupe_message_reply_promise (message, troupe_semaphore_acquire (fixture->semaphore));
  return TRUE;
}

static void
test_rule_94_stopped (Fixture       *fixture,
                      gconstpointer  threaded)
{
  g_autoptr (TroupeRef) holder = troupe_system_spawn (fixture->other_system, NULL, TEST_TYPE_HOLDER, NULL, NULL);

  g_test_summary ("An actor still holds in `stopped` what it has acquired.");

  do_in (fixture->owner, make_pair, fixture);
  do_in (holder, acquire_to_the_last, fixture);
  g_assert_cmpint (get_n_free (fixture), ==, 1);
  stop_elsewhere (holder);
  g_assert_cmpint (g_atomic_int_get (&fixture->n_released), ==, 1);
  settle (fixture);
  g_assert_cmpint (get_n_free (fixture), ==, 2);
}

static void
test_rule_94_waiter (Fixture       *fixture,
                     gconstpointer  threaded)
{
  Puppet *p = fixture->puppets;

  g_test_summary ("An actor that has stopped does not wait any more.");

  do_in (fixture->owner, make_lock, fixture);
  acquire (&p[0]);
  g_assert_true (holds (&p[0]));
  acquire (&p[1]);
  settle (fixture);
  acquire (&p[2]);
  stop_elsewhere (p[1].ref);
  g_assert_true (release (&p[0]));
  g_assert_true (holds (&p[2]));
  g_assert_true (release (&p[2]));
  settle (fixture);
  g_assert_cmpint (get_n_free (fixture), ==, 1);
}

static gboolean
release_and_stop (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);

  g_assert_true (troupe_semaphore_release (fixture->semaphore, error));
  troupe_ref_stop (fixture->puppets[0].ref);
  return done (message);
}

static void
test_rule_94_on_its_way (Fixture       *fixture,
                         gconstpointer  threaded)
{
  Puppet *p = fixture->puppets;

  g_test_summary ("A grant that does not reach its actor, because that stops, goes to the next.");

  do_in (fixture->owner, make_lock, fixture);
  do_in (fixture->owner, acquire_here, fixture);
  acquire (&p[0]);
  settle (fixture);
  acquire (&p[1]);
  settle (fixture);
  do_in (fixture->owner, release_and_stop, fixture);
  wait_for_end (p[0].ref);
  g_assert_true (holds (&p[1]));
  g_assert_true (release (&p[1]));
  settle (fixture);
  g_assert_cmpint (get_n_free (fixture), ==, 1);
}

static void
test_rule_94_owner (Fixture       *fixture,
                    gconstpointer  threaded)
{
  Puppet *p = fixture->puppets;

  g_test_summary ("When the lock's actor has ended, those who wait and those who come later are told.");

  do_in (fixture->owner, make_lock, fixture);
  acquire (&p[0]);
  g_assert_true (holds (&p[0]));
  acquire (&p[1]);
  settle (fixture);
  stop (fixture->owner);
  g_assert_cmpint (take_error (&p[1]), ==, TROUPE_ERROR_ACTOR_STOPPED);
  g_assert_true (release (&p[0]));
  acquire (&p[2]);
  g_assert_cmpint (take_error (&p[2]), ==, TROUPE_ERROR_ACTOR_STOPPED);
}

static gboolean
drop_here (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);

  g_object_unref (fixture->semaphore);
  return done (message);
}

static gboolean
drop_elsewhere (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Puppet *self = test_puppet_get_data (message);

  g_clear_object (&self->fixture->semaphore);
  return done (message);
}

static void
test_freed (Fixture       *fixture,
            gconstpointer  threaded)
{
  Puppet *p = fixture->puppets;

  g_test_summary ("Whoever waits for a lock that is freed, on whatever thread, is told.");

  do_in (fixture->owner, make_lock, fixture);
  do_in (fixture->owner, acquire_here, fixture);
  acquire (&p[0]);
  settle (fixture);
  g_clear_pointer (&fixture->mine, troupe_promise_unref);
  g_object_ref (fixture->semaphore);
  do_in (fixture->owner, drop_here, fixture);
  do_in (p[1].ref, drop_elsewhere, &p[1]);
  g_assert_cmpint (take_error (&p[0]), ==, TROUPE_ERROR_BROKEN);
}

/* Queues */

static gboolean
make_queue (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  ((Fixture *) test_puppet_get_data (message))->queue = troupe_queue_new (1, 2);
  return done (message);
}

static gboolean
count_items (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);

  troupe_message_reply_int64 (message, (gint64) troupe_queue_get_n_items (fixture->queue) -
                                       (gint64) troupe_queue_get_n_waiting (fixture->queue));
  return TRUE;
}

/* How many values wait, or, as a negative number, takers. */
static gint64
get_n_items (Fixture *fixture)
{
  settle (fixture);

  return ask_number (fixture->owner, count_items, fixture);
}

static gboolean
get_elsewhere (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  Puppet *self = test_puppet_get_data (message);

  g_clear_pointer (&self->promise, troupe_promise_unref);
  self->promise = troupe_queue_get (self->fixture->queue);
  return done (message);
}

static void
get (Puppet *self)
{
  do_in (self->ref, get_elsewhere, self);
}

static gboolean
put_elsewhere (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  Puppet *self = test_puppet_get_data (message);
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_INT64);
  g_value_set_int64 (&value, self->number++);
  g_assert_true (troupe_queue_put (self->fixture->queue, &value, error));
  return done (message);
}

static void
put (Puppet *self)
{
  do_in (self->ref, put_elsewhere, self);
}

static gboolean
put_and_stop (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  Puppet *self = test_puppet_get_data (message);

  troupe_ref_stop (self->ref);
  return put_elsewhere (actor, message, error);
}

static gboolean
offer_elsewhere (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  Puppet *self = test_puppet_get_data (message);
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_INT64);
  g_value_set_int64 (&value, self->number++);
  g_clear_pointer (&self->promise, troupe_promise_unref);
  self->promise = troupe_queue_offer (self->fixture->queue, &value);
  return done (message);
}

static void
offer (Puppet *self)
{
  do_in (self->ref, offer_elsewhere, self);
}

static gboolean
tell_outcome_elsewhere (TroupeActor    *actor,
                        TroupeMessage  *message,
                        GError        **error)
{
  Puppet *self = test_puppet_get_data (message);

  troupe_message_reply_int64 (message, !troupe_promise_is_resolved (self->promise) ? -1
                                       : troupe_promise_get_int64 (self->promise));
  return TRUE;
}

/* What it has taken, or -1. */
static gint64
get_taken (Puppet *self)
{
  settle (self->fixture);

  return ask_number (self->ref, tell_outcome_elsewhere, self);
}

static void
test_rule_91 (Fixture       *fixture,
              gconstpointer  threaded)
{
  Puppet *p = fixture->puppets;

  g_test_summary ("Elsewhere too values and takers wait, as many as may, and who offers or takes one too many is told.");

  do_in (fixture->owner, make_queue, fixture);
  put (&p[0]);
  g_assert_cmpint (get_n_items (fixture), ==, 1);
  offer (&p[0]);
  g_assert_cmpint (take_error (&p[0]), ==, TROUPE_ERROR_QUEUE_OVERFLOW);
  get (&p[1]);
  g_assert_cmpint (get_taken (&p[1]), ==, 0);

  get (&p[0]);
  settle (fixture);
  get (&p[1]);
  settle (fixture);
  get (&p[2]);
  g_assert_cmpint (take_error (&p[2]), ==, TROUPE_ERROR_QUEUE_UNDERFLOW);
  g_assert_cmpint (get_n_items (fixture), ==, -2);
  offer (&p[2]);
  g_assert_true (holds (&p[2]));
  put (&p[2]);
  g_assert_cmpint (get_taken (&p[0]), ==, 0);
  g_assert_cmpint (get_taken (&p[1]), ==, 1);
  g_assert_cmpint (get_n_items (fixture), ==, 0);
}

static void
test_rule_91_lost (Fixture       *fixture,
                   gconstpointer  threaded)
{
  Puppet *p = fixture->puppets;

  g_test_summary ("A value that was sent to a full queue is lost, with a warning.");

  do_in (fixture->owner, make_queue, fixture);
  put (&p[0]);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*The queue is full: it has 1 values*");
  put (&p[0]);
  settle (fixture);
  g_test_assert_expected_messages ();
  g_assert_cmpint (get_n_items (fixture), ==, 1);
}

static void
test_rule_91_last_words (Fixture       *fixture,
                         gconstpointer  threaded)
{
  Puppet *p = fixture->puppets;

  g_test_summary ("What an actor puts before it stops arrives.");

  do_in (fixture->owner, make_queue, fixture);
  do_in (p[0].ref, put_and_stop, &p[0]);
  wait_for_end (p[0].ref);
  g_assert_cmpint (get_n_items (fixture), ==, 1);
}

static void
test_rule_92 (Fixture       *fixture,
              gconstpointer  threaded)
{
  Puppet *p = fixture->puppets;

  g_test_summary ("A taker elsewhere that gives up, or stops, loses no value; one that has its value cannot give up.");

  do_in (fixture->owner, make_queue, fixture);
  get (&p[0]);
  settle (fixture);
  get (&p[1]);
  settle (fixture);
  cancel (&p[0]);
  g_assert_cmpint (take_error (&p[0]), ==, TROUPE_ERROR_CANCELLED);
  g_assert_cmpint (get_n_items (fixture), ==, -1);
  put (&p[2]);
  g_assert_cmpint (get_taken (&p[1]), ==, 0);
  cancel (&p[1]);
  g_assert_cmpint (get_taken (&p[1]), ==, 0);

  get (&p[0]);
  settle (fixture);
  stop_elsewhere (p[0].ref);
  put (&p[2]);
  g_assert_cmpint (get_n_items (fixture), ==, 1);
  get (&p[1]);
  g_assert_cmpint (get_taken (&p[1]), ==, 1);
}

static void
count_item (TroupePromise *promise,
            gpointer       data)
{
  ((Puppet *) data)->n_taken++;
}

static gboolean
race_for_item (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  Puppet *self = test_puppet_get_data (message);
  g_autoptr (TroupePromise) promise = troupe_queue_get (self->fixture->queue);

  troupe_promise_add_callback (promise, count_item, self, NULL);
  linger (self);
  troupe_promise_cancel (promise);
  return done (message);
}

static gboolean
make_long_queue (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  guint i;

  fixture->queue = troupe_queue_new (-1, -1);
  for (i = 0; i < 5000; i++)
    g_assert_true (troupe_queue_put (fixture->queue, NULL, error));
  return done (message);
}

static void
test_rule_92_race (Fixture       *fixture,
                   gconstpointer  threaded)
{
  Puppet *p = fixture->puppets;
  gint64 n_taken = 0;
  guint i;

  g_test_summary ("Whoever wins between a value and a cancellation, the value is taken once or stays.");

  do_in (fixture->owner, make_long_queue, fixture);
  for (i = 0; i < 2000; i++)
    {
      if (i % 16 < N_PUPPETS)
        set_lingering (&p[i % N_PUPPETS]);
      test_puppet_tell (p[i % N_PUPPETS].ref, race_for_item, &p[i % N_PUPPETS]);
      if (i % 16 == 15)
        g_main_context_iteration (NULL, FALSE);
    }
  settle (fixture);
  for (i = 0; i < N_PUPPETS; i++)
    n_taken += p[i].n_taken;
  g_assert_cmpint (get_n_items (fixture), ==, 5000 - n_taken);
}

static void
test_rule_94_queue (Fixture       *fixture,
                    gconstpointer  threaded)
{
  Puppet *p = fixture->puppets;

  g_test_summary ("When the queue's actor has ended, takers and those who come later are told.");

  do_in (fixture->owner, make_queue, fixture);
  get (&p[0]);
  settle (fixture);
  stop (fixture->owner);
  g_assert_cmpint (take_error (&p[0]), ==, TROUPE_ERROR_ACTOR_STOPPED);
  get (&p[0]);
  g_assert_cmpint (take_error (&p[0]), ==, TROUPE_ERROR_ACTOR_STOPPED);
  offer (&p[0]);
  g_assert_cmpint (take_error (&p[0]), ==, TROUPE_ERROR_ACTOR_STOPPED);
}

static void
add (const char *name,
     void      (*test) (Fixture *, gconstpointer))
{
  g_autofree char *here = g_strconcat ("/troupe/elsewhere/", name, "/same-thread", NULL);
  g_autofree char *there = g_strconcat ("/troupe/elsewhere/", name, "/another-thread", NULL);

  g_test_add (here, Fixture, NULL, set_up, test, tear_down);
  g_test_add (there, Fixture, GINT_TO_POINTER (TRUE), set_up, test, tear_down);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("rule-86", test_rule_86);
  add ("rule-87", test_rule_87);
  add ("rule-88", test_rule_88);
  add ("rule-89", test_rule_89);
  add ("rule-89-race", test_rule_89_race);
  add ("rule-90", test_rule_90);
  add ("rule-91", test_rule_91);
  add ("rule-91-lost", test_rule_91_lost);
  add ("rule-91-last-words", test_rule_91_last_words);
  add ("rule-92", test_rule_92);
  add ("rule-92-race", test_rule_92_race);
  add ("rule-94-holder", test_rule_94_holder);
  add ("rule-94-stopped", test_rule_94_stopped);
  add ("rule-94-waiter", test_rule_94_waiter);
  add ("rule-94-on-its-way", test_rule_94_on_its_way);
  add ("rule-94-owner", test_rule_94_owner);
  add ("rule-94-queue", test_rule_94_queue);
  add ("freed", test_freed);

  return g_test_run ();
}
