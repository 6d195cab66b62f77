/* test-reactors-supervision.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What becomes of actors that fail when their parent, or their siblings, are on other reactors: every directive, strategy and place to fail in. */

#include "troupe-test.h"

#define N_REACTORS 4

/* What is known of an actor, whatever thread it is on and however often it is restarted. All atomic. */
typedef struct
{
  gint n_started;
  gint n_stopped;
  gint n_objects;                    /* that live */
  gint n_failures;
  gint n_to_fail;                    /* starts that are to fail */
  gint fails_in_stopped;
  gint n_ended;                      /* children that have, and of these … */
  gint n_failed;
  gint n_gave_up;
} Book;

typedef struct
{
  TroupeReactor *reactor;
  Book          *book;
} Order;

#define TEST_TYPE_NODE (test_node_get_type ())
G_DECLARE_FINAL_TYPE (TestNode, test_node, TEST, NODE, TroupeActor)

struct _TestNode
{
  TroupeActor parent_instance;

  Book       *book;
};

enum { PROP_0, PROP_BOOK };

G_DEFINE_FINAL_TYPE (TestNode, test_node, TROUPE_TYPE_ACTOR)

static GError *
new_error (gpointer actor)
{
  g_atomic_int_inc (&TEST_NODE (actor)->book->n_failures);

  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "told to");
}

static gboolean
on_fail (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  g_propagate_error (error, new_error (actor));
  return FALSE;
}

static void
fail_cb (TroupeTimer *timer,
         gpointer     actor)
{
  troupe_actor_fail (actor, new_error (actor));
}

static gboolean
on_fail_in_timer (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  troupe_timer_unref (troupe_actor_call_later (actor, 1, fail_cb, actor, NULL));
  return TRUE;
}

static void
fail_step (TroupePromise *promise,
           gpointer       actor)
{
  troupe_promise_return_error (promise, new_error (actor));
}

static gboolean
on_fail_in_step (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  TroupePromise *promise = troupe_sleep (1);

  troupe_promise_add_callback (promise, fail_step, actor, NULL);
  troupe_promise_or_fail (promise);
  troupe_promise_unref (promise);
  return TRUE;
}

static gboolean
on_fail_in_fiber (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  g_autoptr (TroupePromise) promise = troupe_sleep (1);

  return troupe_await (promise, error) && on_fail (actor, message, error);
}

static gboolean
on_spawn (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  Order *order = troupe_message_get_pointer (message);
  g_autoptr (TroupeRef) child = troupe_actor_spawn_on (actor, order->reactor, NULL, TEST_TYPE_NODE, error,
                                                       "book", order->book, NULL);

  if (child == NULL)
    return FALSE;

  troupe_message_reply_boxed (message, TROUPE_TYPE_REF, child);
  return TRUE;
}

static gboolean
on_supervise (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  troupe_actor_set_supervision (actor, troupe_message_get_boxed (message));
  troupe_message_reply_int64 (message, 0);
  return TRUE;
}

static gboolean
on_ping (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  troupe_message_reply_int64 (message, 1);
  return TRUE;
}

static gboolean
test_node_started (TroupeActor  *actor,
                   GError      **error)
{
  Book *book = TEST_NODE (actor)->book;

  if (g_atomic_int_get (&book->n_to_fail) > 0)
    {
      g_atomic_int_add (&book->n_to_fail, -1);
      return on_fail (actor, NULL, error);
    }

  g_atomic_int_inc (&book->n_started);
  return TRUE;
}

static void
test_node_stopped (TroupeActor *actor)
{
  Book *book = TEST_NODE (actor)->book;

  if (g_atomic_int_get (&book->fails_in_stopped))
    troupe_actor_fail (actor, new_error (actor));
  g_atomic_int_inc (&book->n_stopped);
}

static void
test_node_child_terminated (TroupeActor       *actor,
                            TroupeTermination *termination)
{
  Book *book = TEST_NODE (actor)->book;
  const GError *error = troupe_termination_get_error (termination);

  g_assert_true (troupe_ref_get_parent (troupe_termination_get_actor (termination)) == troupe_actor_get_ref (actor));
  if (g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_GAVE_UP))
    g_atomic_int_inc (&book->n_gave_up);
  if (troupe_termination_get_end (termination) == TROUPE_END_FAILED)
    g_atomic_int_inc (&book->n_failed);
  g_atomic_int_inc (&book->n_ended);
}

static void
test_node_set_property (GObject      *object,
                        guint         id,
                        const GValue *value,
                        GParamSpec   *pspec)
{
  Book *book = g_value_get_pointer (value);

  TEST_NODE (object)->book = book;
  g_atomic_int_inc (&book->n_objects);
}

static void
test_node_finalize (GObject *object)
{
  g_atomic_int_add (&TEST_NODE (object)->book->n_objects, -1);
  G_OBJECT_CLASS (test_node_parent_class)->finalize (object);
}

static void
test_node_class_init (TestNodeClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  object_class->set_property = test_node_set_property;
  object_class->finalize = test_node_finalize;
  g_object_class_install_property (object_class, PROP_BOOK,
                                   g_param_spec_pointer ("book", NULL, NULL, G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY |
                                                                             G_PARAM_STATIC_STRINGS));
  actor_class->started = test_node_started;
  actor_class->stopped = test_node_stopped;
  actor_class->child_terminated = test_node_child_terminated;
  troupe_actor_class_bind (actor_class, "fail", G_TYPE_NONE, on_fail);
  troupe_actor_class_bind (actor_class, "fail-in-timer", G_TYPE_NONE, on_fail_in_timer);
  troupe_actor_class_bind (actor_class, "fail-in-step", G_TYPE_NONE, on_fail_in_step);
  troupe_actor_class_bind_fiber (actor_class, "fail-in-fiber", G_TYPE_NONE, TROUPE_FIBER_DEFAULT, on_fail_in_fiber);
  troupe_actor_class_bind (actor_class, "spawn", G_TYPE_POINTER, on_spawn);
  troupe_actor_class_bind (actor_class, "supervise", TROUPE_TYPE_SUPERVISION, on_supervise);
  troupe_actor_class_bind (actor_class, "ping", G_TYPE_NONE, on_ping);
}

static void
test_node_init (TestNode *self)
{
}

/* A family: the head, the parent and three siblings, of whom the one in the middle fails. */

enum { HEAD, PARENT, ELDEST, CULPRIT, YOUNGEST, N_MEMBERS };

typedef struct
{
  TroupeSystem *system;
  const guint  *places;              /* the reactor of each */
  TroupeRef    *refs[N_MEMBERS];
  Book          books[N_MEMBERS];
  guint         turning;
} Fixture;

#define get(book, what) g_atomic_int_get (&(book)->what)

/* Others' threads do not wake the main context. */
static gboolean
keep_turning (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

static void
take_number (TroupePromise *promise,
             gpointer       number)
{
  g_assert_no_error (troupe_promise_get_error (promise));
  *(gint64 *) number = troupe_promise_get_int64 (promise);
}

static void
ask (TroupeRef     *ref,
     TroupeMessage *message)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (ref, message);
  gint64 number = G_MININT64;

  troupe_promise_add_callback (promise, take_number, &number, NULL);
  troupe_test_until (number != G_MININT64);
}

static TroupeRef *
spawn_child (TroupeRef     *parent,
             TroupeReactor *reactor,
             Book          *book)
{
  Order order = { reactor, book };
  g_autoptr (TroupePromise) promise = troupe_ref_ask (parent, troupe_message_new_pointer ("spawn", &order, NULL));
  TroupeRef *child = NULL;

  troupe_promise_add_callback (promise, troupe_test_take_ref, &child, NULL);
  troupe_test_until (child != NULL);

  return child;
}

static TroupeSupervision *
new_supervision (TroupeDirective directive,
                 TroupeStrategy  strategy)
{
  TroupeSupervision *supervision = troupe_supervision_new (directive);

  troupe_supervision_set_strategy (supervision, strategy);
  troupe_supervision_set_back_off (supervision, 0, 0);

  return supervision;
}

/* Takes SUPERVISION. */
static void
supervise (TroupeRef         *ref,
           TroupeSupervision *supervision)
{
  ask (ref, troupe_message_new_boxed ("supervise", TROUPE_TYPE_SUPERVISION, supervision));
  troupe_supervision_free (supervision);
}

static void
spawn_member (Fixture *self,
              guint    i)
{
  TroupeReactor *reactor = troupe_system_get_nth_reactor (self->system, self->places[i]);

  if (i == HEAD)
    self->refs[i] = troupe_system_spawn_on (self->system, reactor, NULL, TEST_TYPE_NODE, NULL, "book", &self->books[i], NULL);
  else
    self->refs[i] = spawn_child (self->refs[i == PARENT ? HEAD : PARENT], reactor, &self->books[i]);
}

static void
begin_family (Fixture           *self,
              TroupeSupervision *supervision,
              gboolean           fails_to_start)
{
  guint i;

  memset (self->books, 0, sizeof self->books);
  if (fails_to_start)
    self->books[CULPRIT].n_to_fail = 1;

  spawn_member (self, HEAD);
  supervise (self->refs[HEAD], new_supervision (TROUPE_DIRECTIVE_RESTART, TROUPE_STRATEGY_ONE_FOR_ONE));
  spawn_member (self, PARENT);
  supervise (self->refs[PARENT], supervision);
  for (i = ELDEST; i < N_MEMBERS; i++)
    {
      if (i == CULPRIT && fails_to_start)
        continue;
      spawn_member (self, i);
      ask (self->refs[i], troupe_message_new ("ping"));
    }
}

static void
end_family (Fixture *self)
{
  guint i;

  troupe_ref_stop (self->refs[HEAD]);
  troupe_test_until (troupe_system_get_n_actors (self->system) == 0);
  for (i = 0; i < N_MEMBERS; i++)
    {
      g_assert_cmpint (get (&self->books[i], n_objects), ==, 0);
      g_assert_cmpint (get (&self->books[i], n_started), ==, get (&self->books[i], n_stopped));
      troupe_ref_unref (self->refs[i]);
    }
}

static void
note_answer (TroupePromise *promise,
             gpointer       done)
{
  *(gboolean *) done = TRUE;
  troupe_promise_return_nothing (promise);
}

/* Until what anybody has said to anybody has arrived. */
static void
settle (Fixture *self)
{
  guint round;
  guint i;

  for (round = 0; round < 3; round++)
    for (i = 0; i < N_MEMBERS; i++)
      if (!troupe_ref_has_ended (self->refs[i]))
        {
          g_autoptr (TroupePromise) promise = troupe_ref_ask (self->refs[i], troupe_message_new ("ping"));
          gboolean done = FALSE;

          troupe_promise_add_both (promise, note_answer, &done, NULL);
          troupe_test_until (done);
        }
}

/* One that is to fail in its start is spawned last, so that it is the youngest. */
static gboolean
is_affected (guint          i,
             TroupeStrategy strategy,
             gboolean       fails_to_start)
{
  return i == CULPRIT || strategy == TROUPE_STRATEGY_ONE_FOR_ALL ||
         (strategy == TROUPE_STRATEGY_REST_FOR_ONE && i == YOUNGEST && !fails_to_start);
}

static const char *const failures[] = { "fail", "fail-in-timer", "fail-in-step", "fail-in-fiber", "started" };

#define STARTED (G_N_ELEMENTS (failures) - 1)

/* How often one has started, in the end. */
static gint
count_starts (guint          i,
              TroupeStrategy strategy,
              gboolean       fails_to_start)
{
  if (i == CULPRIT && fails_to_start)
    return 1;

  return is_affected (i, strategy, fails_to_start) ? 2 : 1;
}

static void
expect_restarts (Fixture        *self,
                 TroupeStrategy  strategy,
                 gboolean        fails_to_start)
{
  guint i;

  for (i = ELDEST; i < N_MEMBERS; i++)
    troupe_test_until (get (&self->books[i], n_started) >= count_starts (i, strategy, fails_to_start));
  settle (self);
  for (i = ELDEST; i < N_MEMBERS; i++)
    {
      gint n = count_starts (i, strategy, fails_to_start);

      g_assert_cmpint (get (&self->books[i], n_started), ==, n);
      g_assert_cmpint (get (&self->books[i], n_stopped), ==, n - 1);
      g_assert_cmpint (get (&self->books[i], n_objects), ==, 1);
    }
  g_assert_cmpint (get (&self->books[PARENT], n_ended), ==, 0);
}

static void
expect_nothing (Fixture *self)
{
  guint i;

  troupe_test_until (get (&self->books[CULPRIT], n_failures) == 1);
  ask (self->refs[CULPRIT], troupe_message_new ("ping"));
  settle (self);
  for (i = ELDEST; i < N_MEMBERS; i++)
    g_assert_cmpint (get (&self->books[i], n_started), ==, 1);
  g_assert_cmpint (get (&self->books[PARENT], n_ended), ==, 0);
}

static void
expect_stops (Fixture        *self,
              TroupeStrategy  strategy,
              gboolean        fails_to_start)
{
  gint n = 0;
  guint i;

  for (i = ELDEST; i < N_MEMBERS; i++)
    n += is_affected (i, strategy, fails_to_start);
  troupe_test_until (get (&self->books[PARENT], n_ended) >= n);
  settle (self);
  g_assert_cmpint (get (&self->books[PARENT], n_ended), ==, n);
  g_assert_cmpint (get (&self->books[PARENT], n_failed), ==, 1);
  for (i = ELDEST; i < N_MEMBERS; i++)
    g_assert_cmpint (get (&self->books[i], n_objects), ==, !is_affected (i, strategy, fails_to_start));
}

/* The parent is restarted, and its children are gone. */
static void
expect_escalation (Fixture *self)
{
  guint i;

  troupe_test_until (get (&self->books[PARENT], n_started) == 2);
  for (i = ELDEST; i < N_MEMBERS; i++)
    g_assert_cmpint (get (&self->books[i], n_objects), ==, 0);
  settle (self);
  g_assert_cmpint (get (&self->books[PARENT], n_stopped), ==, 1);
  g_assert_cmpint (get (&self->books[PARENT], n_ended), ==, 0);
  g_assert_cmpint (get (&self->books[HEAD], n_ended), ==, 0);
}

static void
run_case (Fixture         *self,
          TroupeDirective  directive,
          TroupeStrategy   strategy,
          guint            failure)
{
  gboolean fails_to_start = failure == STARTED;

  begin_family (self, new_supervision (directive, strategy), fails_to_start);
  if (fails_to_start)
    spawn_member (self, CULPRIT);
  else
    troupe_ref_send (self->refs[CULPRIT], troupe_message_new (failures[failure]));

  /* What has not started is restarted when it is to be resumed. */
  if (directive == TROUPE_DIRECTIVE_ESCALATE)
    expect_escalation (self);
  else if (directive == TROUPE_DIRECTIVE_STOP)
    expect_stops (self, strategy, fails_to_start);
  else if (directive == TROUPE_DIRECTIVE_RESTART || fails_to_start)
    expect_restarts (self, strategy, fails_to_start);
  else
    expect_nothing (self);

  end_family (self);
}

static void
test_cases (Fixture       *self,
            gconstpointer  places)
{
  guint directive;
  guint strategy;
  guint failure;

  g_test_summary ("Whatever a child fails in, those that the strategy names are resumed, restarted or stopped, or the parent is");

  for (directive = 0; directive <= TROUPE_DIRECTIVE_ESCALATE; directive++)
    for (strategy = 0; strategy <= TROUPE_STRATEGY_REST_FOR_ONE; strategy++)
      for (failure = 0; failure < G_N_ELEMENTS (failures); failure++)
        run_case (self, (TroupeDirective) directive, (TroupeStrategy) strategy, failure);
}

/* The other ways */

static void
test_stopped (Fixture       *self,
              gconstpointer  places)
{
  g_test_summary ("What fails while it ends has ended all the same, and nobody else has");

  begin_family (self, new_supervision (TROUPE_DIRECTIVE_RESTART, TROUPE_STRATEGY_ONE_FOR_ALL), FALSE);
  g_atomic_int_set (&self->books[CULPRIT].fails_in_stopped, TRUE);
  troupe_ref_stop (self->refs[CULPRIT]);
  troupe_test_until (get (&self->books[PARENT], n_ended) == 1);
  settle (self);
  g_assert_cmpint (get (&self->books[CULPRIT], n_stopped), ==, 1);
  g_assert_cmpint (get (&self->books[CULPRIT], n_objects), ==, 0);
  g_assert_cmpint (get (&self->books[ELDEST], n_started), ==, 1);
  g_assert_cmpint (get (&self->books[YOUNGEST], n_started), ==, 1);
  end_family (self);
}

static void
test_parent_restarts (Fixture       *self,
                      gconstpointer  places)
{
  guint i;

  g_test_summary ("The children of who is restarted end first, wherever they are, and its name is its next object's");

  begin_family (self, new_supervision (TROUPE_DIRECTIVE_RESTART, TROUPE_STRATEGY_ONE_FOR_ONE), FALSE);
  troupe_ref_send (self->refs[PARENT], troupe_message_new ("fail"));
  troupe_test_until (get (&self->books[PARENT], n_started) == 2);
  for (i = ELDEST; i < N_MEMBERS; i++)
    {
      g_assert_cmpint (get (&self->books[i], n_stopped), ==, 1);
      g_assert_true (troupe_ref_has_ended (self->refs[i]));
    }
  settle (self);
  g_assert_cmpint (get (&self->books[PARENT], n_ended), ==, 0);
  end_family (self);
}

static void
fail_so_often (Fixture *self,
               gint     n)
{
  gint i;

  for (i = 0; i < n; i++)
    {
      gint n_started = get (&self->books[CULPRIT], n_started);

      troupe_ref_send (self->refs[CULPRIT], troupe_message_new ("fail"));
      troupe_test_until (get (&self->books[CULPRIT], n_started) > n_started);
    }
}

static void
test_intensity (Fixture       *self,
                gconstpointer  places)
{
  TroupeSupervision *supervision = new_supervision (TROUPE_DIRECTIVE_RESTART, TROUPE_STRATEGY_ONE_FOR_ONE);

  g_test_summary ("Restarts of children elsewhere are counted: the one too many is the parent's failure");

  troupe_supervision_set_intensity (supervision, 3, 60 * 1000);
  begin_family (self, supervision, FALSE);
  fail_so_often (self, 3);
  troupe_ref_send (self->refs[CULPRIT], troupe_message_new ("fail"));
  troupe_test_until (get (&self->books[PARENT], n_started) == 2);
  g_assert_true (troupe_ref_has_ended (self->refs[CULPRIT]));
  g_assert_true (troupe_ref_has_ended (self->refs[ELDEST]));
  end_family (self);
}

static void
test_last_resort (Fixture       *self,
                  gconstpointer  places)
{
  TroupeSupervision *supervision = new_supervision (TROUPE_DIRECTIVE_RESTART, TROUPE_STRATEGY_ONE_FOR_ONE);

  g_test_summary ("A child elsewhere that is stopped because it failed too often is said to have given up, and the others go on");

  troupe_supervision_set_intensity (supervision, 1, 60 * 1000);
  troupe_supervision_set_last_resort (supervision, TROUPE_DIRECTIVE_STOP);
  begin_family (self, supervision, FALSE);
  fail_so_often (self, 1);
  troupe_ref_send (self->refs[CULPRIT], troupe_message_new ("fail"));
  troupe_test_until (get (&self->books[PARENT], n_ended) == 1);
  g_assert_cmpint (get (&self->books[PARENT], n_gave_up), ==, 1);
  g_assert_cmpint (get (&self->books[PARENT], n_started), ==, 1);
  settle (self);
  g_assert_cmpint (get (&self->books[ELDEST], n_objects), ==, 1);
  end_family (self);
}

static void
test_back_off (Fixture       *self,
               gconstpointer  places)
{
  TroupeSupervision *supervision = new_supervision (TROUPE_DIRECTIVE_RESTART, TROUPE_STRATEGY_ONE_FOR_ALL);
  gint64 begun;

  g_test_summary ("The second restart in a row waits, and what is sent meanwhile is handled after it");

  troupe_supervision_set_back_off (supervision, 40, 1000);
  begin_family (self, supervision, FALSE);
  fail_so_often (self, 1);
  settle (self);
  begun = g_get_monotonic_time ();
  troupe_ref_send (self->refs[CULPRIT], troupe_message_new ("fail"));
  ask (self->refs[CULPRIT], troupe_message_new ("ping"));
  g_assert_cmpint (g_get_monotonic_time () - begun, >=, 20 * 1000);
  g_assert_cmpint (get (&self->books[CULPRIT], n_started), ==, 3);
  settle (self);
  g_assert_cmpint (get (&self->books[ELDEST], n_started), ==, 3);
  end_family (self);
}

/* Siblings on three threads fail at the same time, again and again. */
static void
test_at_once (Fixture       *self,
              gconstpointer  places)
{
  guint strategy;
  guint round;
  guint i;

  g_test_summary ("Siblings that fail at the same time are all restarted, and none is left behind");

  for (strategy = 0; strategy <= TROUPE_STRATEGY_REST_FOR_ONE; strategy++)
    {
      begin_family (self, new_supervision (TROUPE_DIRECTIVE_RESTART, (TroupeStrategy) strategy), FALSE);
      for (round = 0; round < 50; round++)
        {
          for (i = ELDEST; i < N_MEMBERS; i++)
            troupe_ref_send (self->refs[i], troupe_message_new ("fail"));
          for (i = ELDEST; i < N_MEMBERS; i++)
            ask (self->refs[i], troupe_message_new ("ping"));
        }
      settle (self);
      for (i = ELDEST; i < N_MEMBERS; i++)
        {
          g_assert_cmpint (get (&self->books[i], n_objects), ==, 1);
          g_assert_cmpint (get (&self->books[i], n_started), >=, 2);
        }
      g_assert_cmpint (get (&self->books[PARENT], n_ended), ==, 0);
      end_family (self);
    }
}

static void
set_up (Fixture       *self,
        gconstpointer  places)
{
  g_autoptr (GError) error = NULL;

  self->system = troupe_system_new_with_reactors (NULL, NULL, N_REACTORS, &error);
  g_assert_no_error (error);
  self->places = places;
  self->turning = g_timeout_add (1, keep_turning, NULL);
}

static void
tear_down (Fixture       *self,
           gconstpointer  places)
{
  troupe_test_system_end (self->system);
  g_source_remove (self->turning);
}

/* The end of the system */

static void
fail_later (TroupeTimer *timer,
            gpointer     ref)
{
  troupe_ref_send (ref, troupe_message_new ("fail"));
}

static void
test_system_gives_up (void)
{
  g_autoptr (TroupeSupervision) escalate = troupe_supervision_new (TROUPE_DIRECTIVE_ESCALATE);
  g_autoptr (TroupeSystem) system = NULL;
  g_autoptr (TroupeRef) child = NULL;
  g_autoptr (TroupeRef) top = NULL;
  g_autoptr (GError) error = NULL;
  Book books[2] = { { 0 } };
  guint turning = g_timeout_add (1, keep_turning, NULL);

  g_test_summary ("What escalates over two threads to the top ends the system, and run returns the error");

  system = troupe_system_new_with_reactors (NULL, NULL, N_REACTORS, &error);
  g_assert_no_error (error);
  troupe_system_set_supervision (system, escalate);
  top = troupe_system_spawn_on (system, troupe_system_get_nth_reactor (system, 1), "top", TEST_TYPE_NODE, NULL,
                                "book", &books[0], NULL);
  supervise (top, troupe_supervision_copy (escalate));
  child = spawn_child (top, troupe_system_get_nth_reactor (system, 2), &books[1]);
  troupe_timer_unref (troupe_reactor_call_later (troupe_system_get_reactor (system), 0, fail_later, child, NULL));

  g_assert_false (troupe_system_run (system, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_true (troupe_ref_has_ended (top));
  g_assert_true (troupe_ref_has_ended (child));
  g_assert_cmpint (books[0].n_objects + books[1].n_objects, ==, 0);
  g_source_remove (turning);
}

typedef struct
{
  TroupeSystem *system;
  TroupeRef    *child;
  TroupeRef    *neighbour;           /* on the reactor of the child */
} Meddler;

static gpointer
supervise_and_fail (gpointer data)
{
  Meddler *self = data;
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_STOP);
  g_autoptr (TroupeMessage) answer = NULL;
  g_autoptr (GError) error = NULL;

  troupe_system_set_supervision (self->system, supervision);
  troupe_ref_send (self->child, troupe_message_new ("fail"));
  /* When it answers, the child has failed. */
  answer = troupe_ref_ask_sync (self->neighbour, troupe_message_new ("ping"), 10000, NULL, &error);
  g_assert_no_error (error);

  return NULL;
}

static TroupeRef *
spawn_apart (TroupeSystem *system,
             Book         *book)
{
  g_autoptr (GError) error = NULL;
  TroupeRef *ref = troupe_system_spawn_on (system, troupe_system_get_nth_reactor (system, 1), NULL, TEST_TYPE_NODE, &error,
                                           "book", book, NULL);

  g_assert_no_error (error);
  return ref;
}

static void
test_set_from_thread (void)
{
  g_autoptr (GError) error = NULL;
  guint turning = g_timeout_add (1, keep_turning, NULL);
  Meddler meddler = { NULL };
  Book neighbour = { 0 };
  Book child = { 0 };

  g_test_summary ("What another thread has said to do about failures is done about those that come after, however busy the root's thread was.");

  meddler.system = troupe_system_new_with_reactors (NULL, NULL, 2, &error);
  g_assert_no_error (error);
  meddler.child = spawn_apart (meddler.system, &child);
  meddler.neighbour = spawn_apart (meddler.system, &neighbour);
  troupe_test_until (g_atomic_int_get (&child.n_started) == 1 && g_atomic_int_get (&neighbour.n_started) == 1);

  /* This thread, which is the root's, hears of both at once. */
  g_thread_join (g_thread_new ("meddler", supervise_and_fail, &meddler));
  troupe_test_until (troupe_ref_has_ended (meddler.child) || g_atomic_int_get (&child.n_started) > 1);
  g_assert_cmpint (g_atomic_int_get (&child.n_started), ==, 1);

  troupe_ref_unref (meddler.child);
  troupe_ref_unref (meddler.neighbour);
  troupe_test_system_end (meddler.system);
  g_source_remove (turning);
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
  /*                                      head parent eldest culprit youngest */
  static const guint together[N_MEMBERS] = { 1, 1, 1, 1, 1 };
  static const guint apart[N_MEMBERS] = { 0, 1, 2, 3, 2 };
  static const guint own[N_MEMBERS] = { 2, 0, 1, 0, 3 };
  static const guint up[N_MEMBERS] = { 1, 3, 3, 0, 2 };
  static const struct
  {
    const char  *name;
    const guint *places;
  } families[] = { { "together", together }, { "apart", apart }, { "own", own }, { "up", up } };
  static const struct
  {
    const char *name;
    void      (*func) (Fixture *, gconstpointer);
  } tests[] = {
    { "cases", test_cases }, { "stopped", test_stopped }, { "parent", test_parent_restarts }, { "intensity", test_intensity },
    { "last-resort", test_last_resort }, { "back-off", test_back_off }, { "at-once", test_at_once },
  };
  guint i;
  guint j;

  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  g_log_set_handler ("Troupe", G_LOG_LEVEL_WARNING, ignore_message, NULL);

  for (i = 0; i < G_N_ELEMENTS (tests); i++)
    for (j = 0; j < G_N_ELEMENTS (families); j++)
      {
        g_autofree char *path = g_strdup_printf ("/troupe/reactors/supervision/%s/%s", tests[i].name, families[j].name);

        g_test_add (path, Fixture, families[j].places, set_up, tests[i].func, tear_down);
      }
  g_test_add_func ("/troupe/reactors/supervision/system", test_system_gives_up);
  g_test_add_func ("/troupe/reactors/supervision/set-from-thread", test_set_from_thread);

  return g_test_run ();
}
