/* test-reactors-messages.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What actors of one system say to each other from reactor to reactor: it is as on one thread. */

#include <json-c/json.h>

#include "troupe-test-puppet.h"

#define N_REACTORS 4
#define N_MESSAGES 5000

/* One that is on each reactor, and what it keeps in its turns. */
typedef struct
{
  struct _Fixture *fixture;
  TroupeRef       *ref;
} Peer;

typedef struct _Fixture
{
  TroupeSystem *system;
  TroupeReactor *reactors[N_REACTORS];
  Peer          peers[N_REACTORS];
  gint          n_told;              /* atomic; like the next */
  gint          gate;                /* whoever waits at it may go on */
  guint         turning;
} Fixture;

/* Others' threads do not wake the main context. */
static gboolean
keep_turning (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

/* Runs FUNC as a turn of PEER, and waits. */
static void
do_in (Peer          *peer,
       TroupeHandler  func)
{
  g_autoptr (TroupePromise) promise = test_puppet_ask_and_wait (peer->ref, func, peer);

  g_assert_no_error (troupe_promise_get_error (promise));
}

static gboolean
done (TroupeMessage *message)
{
  if (troupe_message_wants_reply (message))
    troupe_message_reply_int64 (message, 1);
  return TRUE;
}

static gboolean
do_nothing (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  return done (message);
}

static Peer *
get_peer (TroupeMessage *message)
{
  return test_puppet_get_data (message);
}

static void
settle (Fixture *self)
{
  guint round;
  guint i;

  for (round = 0; round < 3; round++)
    for (i = 0; i < N_REACTORS; i++)
      if (!troupe_ref_has_ended (self->peers[i].ref))
        do_in (&self->peers[i], do_nothing);
}

static TroupeRef *
spawn_on (Fixture *self,
          guint    n,
          GType    type)
{
  g_autoptr (GError) error = NULL;
  TroupeRef *ref = troupe_system_spawn_on (self->system, self->reactors[n], NULL, type, &error, NULL);

  g_assert_no_error (error);
  return ref;
}

/* Actors of its own */

#define TEST_TYPE_LISTENER (test_listener_get_type ())
G_DECLARE_FINAL_TYPE (TestListener, test_listener, TEST, LISTENER, TroupeActor)

struct _TestListener
{
  TroupeActor parent_instance;

  Fixture    *fixture;
  gint64      next[N_REACTORS];      /* number from each peer */
  gint64      n_before_end;          /* children's words when one has ended */
  gint64      n_words;
};

enum { PROP_0, PROP_FIXTURE };

G_DEFINE_FINAL_TYPE (TestListener, test_listener, TROUPE_TYPE_ACTOR)

/* Of peer P the number I is P + I * N_REACTORS. */
static gboolean
on_number (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  TestListener *self = TEST_LISTENER (actor);
  gint64 number = troupe_message_get_int64 (message);

  g_assert_cmpint (number / N_REACTORS, ==, self->next[number % N_REACTORS]);
  self->next[number % N_REACTORS]++;
  g_atomic_int_inc (&self->fixture->n_told);
  return TRUE;
}

static gboolean
on_terminated (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  TestListener *self = TEST_LISTENER (actor);

  /* After all that it has sent. */
  g_assert_cmpint (self->next[1], ==, N_MESSAGES);
  g_atomic_int_set (&self->fixture->gate, 1);
  return TRUE;
}

static gboolean
on_watch (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  troupe_actor_watch (actor, troupe_message_get_boxed (message));
  return done (message);
}

static gboolean
on_link (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  troupe_actor_link (actor, troupe_message_get_boxed (message));
  return done (message);
}

static gboolean
on_word (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  TEST_LISTENER (actor)->n_words++;
  return TRUE;
}

static gboolean
say_much_and_stop (TroupeActor    *actor,
                   TroupeMessage  *message,
                   GError        **error)
{
  TroupeRef *parent = troupe_ref_get_parent (troupe_actor_get_ref (actor));
  guint i;

  for (i = 0; i < N_MESSAGES; i++)
    troupe_ref_send (parent, troupe_message_new ("word"));
  troupe_ref_stop (troupe_actor_get_ref (actor));
  return TRUE;
}

static gboolean
on_spawn (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  g_autoptr (TroupeRef) child = troupe_actor_spawn_on (actor, troupe_message_get_object (message), NULL, TEST_TYPE_PUPPET, error, NULL);

  if (child == NULL)
    return FALSE;

  test_puppet_tell (child, say_much_and_stop, NULL);
  return TRUE;
}

static gboolean
on_stuck (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  Fixture *fixture = TEST_LISTENER (actor)->fixture;

  g_atomic_int_inc (&fixture->n_told);
  while (!g_atomic_int_get (&fixture->gate))
    g_thread_yield ();
  return TRUE;
}

/* Changes what it was sent, which nobody else may see. */
static gboolean
on_json (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  json_object *json = troupe_message_steal_json (message);

  json_object_object_add (json, "seen", json_object_new_boolean (TRUE));
  g_assert_cmpint (json_object_get_int (json_object_object_get (json, "number")), ==, 7);
  troupe_message_reply_json (message, json);
  return TRUE;
}

static void
test_listener_child_terminated (TroupeActor       *actor,
                                TroupeTermination *termination)
{
  g_assert_cmpint (TEST_LISTENER (actor)->n_words, ==, N_MESSAGES);
  g_atomic_int_set (&TEST_LISTENER (actor)->fixture->gate, 1);
}

static void
test_listener_set_property (GObject      *object,
                            guint         id,
                            const GValue *value,
                            GParamSpec   *pspec)
{
  TEST_LISTENER (object)->fixture = g_value_get_pointer (value);
}

static void
test_listener_class_init (TestListenerClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  G_OBJECT_CLASS (klass)->set_property = test_listener_set_property;
  g_object_class_install_property (G_OBJECT_CLASS (klass), PROP_FIXTURE,
                                   g_param_spec_pointer ("fixture", NULL, NULL, G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY |
                                                                                G_PARAM_STATIC_STRINGS));
  actor_class->child_terminated = test_listener_child_terminated;
  troupe_actor_class_bind (actor_class, "number", G_TYPE_INT64, on_number);
  troupe_actor_class_bind (actor_class, "terminated", TROUPE_TYPE_TERMINATION, on_terminated);
  troupe_actor_class_bind (actor_class, "watch", TROUPE_TYPE_REF, on_watch);
  troupe_actor_class_bind (actor_class, "link", TROUPE_TYPE_REF, on_link);
  troupe_actor_class_bind (actor_class, "word", G_TYPE_NONE, on_word);
  troupe_actor_class_bind (actor_class, "spawn", TROUPE_TYPE_REACTOR, on_spawn);
  troupe_actor_class_bind (actor_class, "stuck", G_TYPE_NONE, on_stuck);
  troupe_actor_class_bind (actor_class, "json", TROUPE_TYPE_JSON, on_json);
}

static void
test_listener_init (TestListener *self)
{
}

static TroupeRef *
spawn_listener (Fixture    *self,
                guint       n,
                const char *name)
{
  g_autoptr (GError) error = NULL;
  TroupeRef *ref = troupe_system_spawn_on (self->system, self->reactors[n], name, TEST_TYPE_LISTENER, &error, "fixture", self, NULL);

  g_assert_no_error (error);
  return ref;
}

static void
ask_and_wait (TroupeRef     *ref,
              TroupeMessage *message)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (ref, message);

  troupe_test_until (troupe_promise_is_resolved (promise));
  g_assert_no_error (troupe_promise_get_error (promise));
}

/* Order */

static gboolean
send_numbers (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  Peer *peer = get_peer (message);
  g_autoptr (TroupeRef) listener = troupe_system_lookup (peer->fixture->system, "/listener");
  gint64 n = peer - peer->fixture->peers;
  gint64 i;

  for (i = 0; i < N_MESSAGES; i++)
    troupe_ref_send (listener, troupe_message_new_int64 ("number", n + i * N_REACTORS));
  return TRUE;
}

static void
test_order (Fixture       *self,
            gconstpointer  data)
{
  G_GNUC_UNUSED g_autoptr (TroupeRef) listener = spawn_listener (self, GPOINTER_TO_UINT (data), "listener");
  guint i;

  g_test_summary ("What each of several reactors sends to one actor arrives in order");

  for (i = 0; i < N_REACTORS; i++)
    test_puppet_tell (self->peers[i].ref, send_numbers, &self->peers[i]);
  troupe_test_until (g_atomic_int_get (&self->n_told) == N_REACTORS * N_MESSAGES);
}

static gboolean
send_numbers_and_stop (TroupeActor    *actor,
                       TroupeMessage  *message,
                       GError        **error)
{
  send_numbers (actor, message, error);
  troupe_ref_stop (troupe_actor_get_ref (actor));
  return TRUE;
}

static void
test_watch (Fixture       *self,
            gconstpointer  data)
{
  g_autoptr (TroupeRef) listener = spawn_listener (self, GPOINTER_TO_UINT (data), "listener");

  g_test_summary ("That an actor of another reactor has ended is told after all that it has sent");

  ask_and_wait (listener, troupe_message_new_boxed ("watch", TROUPE_TYPE_REF, self->peers[1].ref));
  test_puppet_tell (self->peers[1].ref, send_numbers_and_stop, &self->peers[1]);
  troupe_test_until (g_atomic_int_get (&self->gate));
}

static void
test_child_terminated (Fixture       *self,
                       gconstpointer  data)
{
  g_autoptr (TroupeRef) listener = spawn_listener (self, GPOINTER_TO_UINT (data), "listener");

  g_test_summary ("That a child on another reactor has ended is told after all that it has sent");

  troupe_ref_send (listener, troupe_message_new_object ("spawn", self->reactors[1]));
  troupe_test_until (g_atomic_int_get (&self->gate));
}

static void
test_link (Fixture       *self,
           gconstpointer  data)
{
  g_autoptr (TroupeRef) listener = spawn_listener (self, GPOINTER_TO_UINT (data), "listener");

  g_test_summary ("Who is linked to an actor of another reactor fails when that is killed");

  troupe_test_stop_what_fails (self->system);
  ask_and_wait (listener, troupe_message_new_boxed ("link", TROUPE_TYPE_REF, self->peers[1].ref));
  settle (self);
  troupe_ref_kill (self->peers[1].ref);
  troupe_test_until (troupe_ref_has_ended (listener));
}

/* Asks */

static gboolean
ask_next (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  Peer *peer = get_peer (message);
  Fixture *fixture = peer->fixture;
  Peer *next = &fixture->peers[(peer - fixture->peers + 1) % N_REACTORS];

  if (g_atomic_int_add (&fixture->n_told, 1) >= 4000)
    return done (message);

  troupe_message_reply_promise (message, test_puppet_ask (next->ref, ask_next, next));
  return TRUE;
}

static void
test_round (Fixture       *self,
            gconstpointer  data)
{
  g_test_summary ("A question goes round all reactors a thousand times, and its answer comes back the same way");

  do_in (&self->peers[0], ask_next);
  g_assert_cmpint (g_atomic_int_get (&self->n_told), ==, 4001);
}

static gboolean
on_await (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  Peer *peer = get_peer (message);
  Fixture *fixture = peer->fixture;
  GThread *thread = g_thread_self ();
  guint i;

  for (i = 0; i < 100; i++)
    {
      Peer *other = &fixture->peers[i % N_REACTORS];
      g_autoptr (TroupePromise) promise = test_puppet_ask (other->ref, do_nothing, other);

      if (!troupe_await (promise, error))
        return FALSE;
      g_assert_true (thread == g_thread_self ());
      g_assert_cmpint (troupe_promise_get_int64 (promise), ==, 1);
    }
  return done (message);
}

#define TEST_TYPE_THINKER (test_thinker_get_type ())
G_DECLARE_FINAL_TYPE (TestThinker, test_thinker, TEST, THINKER, TroupeActor)

struct _TestThinker
{
  TroupeActor parent_instance;
};

G_DEFINE_FINAL_TYPE (TestThinker, test_thinker, TROUPE_TYPE_ACTOR)

static void
test_thinker_class_init (TestThinkerClass *klass)
{
  troupe_actor_class_bind_fiber (TROUPE_ACTOR_CLASS (klass), "run", G_TYPE_POINTER, TROUPE_FIBER_DEFAULT, test_puppet_run);
}

static void
test_thinker_init (TestThinker *self)
{
}

static void
test_fibers (Fixture       *self,
             gconstpointer  data)
{
  TroupePromise *promises[N_REACTORS];
  guint i;

  g_test_summary ("Fibers on all reactors wait for actors on all of them, and go on where they were");

  for (i = 0; i < N_REACTORS; i++)
    {
      g_autoptr (TroupeRef) thinker = spawn_on (self, i, TEST_TYPE_THINKER);

      promises[i] = test_puppet_ask (thinker, on_await, &self->peers[i]);
    }
  for (i = 0; i < N_REACTORS; i++)
    {
      troupe_test_until (troupe_promise_is_resolved (promises[i]));
      g_assert_no_error (troupe_promise_get_error (promises[i]));
      troupe_promise_unref (promises[i]);
    }
}

static gboolean
ask_sync_in_turn (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  Peer *peer = get_peer (message);
  Peer *next = &peer->fixture->peers[(peer - peer->fixture->peers + 1) % N_REACTORS];
  g_autoptr (TroupeMessage) answer = NULL;
  g_autoptr (GError) problem = NULL;

  answer = troupe_ref_ask_sync (next->ref, test_puppet_job (do_nothing, next), -1, NULL, &problem);
  g_assert_null (answer);
  g_assert_error (problem, TROUPE_ERROR, TROUPE_ERROR_WOULD_DEADLOCK);
  return done (message);
}

static gpointer
ask_all_sync (gpointer data)
{
  Fixture *self = data;
  guint i;

  for (i = 0; i < 400; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TroupeMessage) answer = troupe_ref_ask_sync (self->peers[i % N_REACTORS].ref, test_puppet_job (do_nothing, NULL), -1,
                                                              NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpint (troupe_message_get_int64 (answer), ==, 1);
    }
  g_atomic_int_inc (&self->n_told);
  return NULL;
}

static void
test_ask_sync (Fixture       *self,
               gconstpointer  data)
{
  GThread *threads[3];
  guint i;

  g_test_summary ("Plain threads wait for answers of any reactor's actors; the threads of the reactors are refused that");

  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("plain", ask_all_sync, self);
  for (i = 0; i < N_REACTORS; i++)
    do_in (&self->peers[i], ask_sync_in_turn);
  troupe_test_until (g_atomic_int_get (&self->n_told) == G_N_ELEMENTS (threads));
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

/* Bodies, deadlines, capacities */

static void
test_json (Fixture       *self,
           gconstpointer  data)
{
  g_autoptr (TroupeRef) listener = spawn_listener (self, 2, NULL);
  TroupeMessage *question = troupe_message_new_json_string ("json", "{\"number\":7}", NULL);
  guint i;

  g_test_summary ("A JSON body crosses reactors as a tree of the receiver's own, though the message is sent again and again");

  for (i = 0; i < 50; i++)
    {
      g_autoptr (TroupePromise) promise = troupe_ref_ask (listener, troupe_message_ref (question));
      json_object *answer;

      troupe_test_until (troupe_promise_is_resolved (promise));
      g_assert_no_error (troupe_promise_get_error (promise));
      answer = troupe_promise_get_json (promise);
      g_assert_true (json_object_get_boolean (json_object_object_get (answer, "seen")));
      g_assert_null (json_object_object_get (troupe_message_get_json (question), "seen"));
    }
  troupe_message_unref (question);
}

static void
count_dead (TroupeSystem  *system,
            TroupeRef     *target,
            TroupeMessage *message,
            TroupeError    reason,
            gpointer       data)
{
  Fixture *self = data;

  g_assert_cmpint (reason, ==, TROUPE_ERROR_TIMED_OUT);
  g_atomic_int_inc (&self->n_told);
}

static void
test_deadline (Fixture       *self,
               gconstpointer  data)
{
  g_autoptr (TroupeRef) listener = spawn_listener (self, 1, NULL);
  gint64 end;

  g_test_summary ("A message from another thread is not handled when its time is over");

  g_signal_connect (self->system, "dead-letter", G_CALLBACK (count_dead), self);
  troupe_ref_send (listener, troupe_message_new ("stuck"));
  troupe_test_until (g_atomic_int_get (&self->n_told) == 1);
  troupe_ref_send_within (listener, troupe_message_new_int64 ("number", 1), 1);
  end = g_get_monotonic_time () + 5000;
  troupe_test_until (g_get_monotonic_time () > end);
  g_atomic_int_set (&self->gate, 1);
  troupe_test_until (g_atomic_int_get (&self->n_told) == 2);
}

/* Routers */

#define TEST_TYPE_ROUTEE (test_routee_get_type ())
G_DECLARE_FINAL_TYPE (TestRoutee, test_routee, TEST, ROUTEE, TroupeActor)

struct _TestRoutee
{
  TroupeActor parent_instance;
  gint64      n_seen;
};

G_DEFINE_FINAL_TYPE (TestRoutee, test_routee, TROUPE_TYPE_ACTOR)

static gint routee_gate;             /* atomic; like the next */
static gint n_stuck;

static gboolean
routee_on_wait (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  g_atomic_int_inc (&n_stuck);
  while (!g_atomic_int_get (&routee_gate))
    g_thread_yield ();
  return TRUE;
}

static gboolean
routee_on_where (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  troupe_message_reply_int64 (message, (gint64) (gintptr) g_thread_self ());
  return TRUE;
}

static void
test_routee_class_init (TestRouteeClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  troupe_actor_class_bind (actor_class, "wait", G_TYPE_NONE, routee_on_wait);
  troupe_actor_class_bind (actor_class, "where", G_TYPE_NONE, routee_on_where);
}

static void
test_routee_init (TestRoutee *self)
{
}

/* Its routees are on one reactor after the other. */
#define TEST_TYPE_ROUTER (test_router_get_type ())
G_DECLARE_FINAL_TYPE (TestRouter, test_router, TEST, ROUTER, TroupeRouter)

struct _TestRouter
{
  TroupeRouter parent_instance;
};

G_DEFINE_FINAL_TYPE (TestRouter, test_router, TROUPE_TYPE_ROUTER)

static TroupeRef *
test_router_build_routee (TroupeRouter  *router,
                          GError       **error)
{
  TroupeSystem *system = troupe_actor_get_system (TROUPE_ACTOR (router));

  return troupe_actor_spawn_on (TROUPE_ACTOR (router),
                                troupe_system_get_nth_reactor (system, troupe_router_get_size (router) % N_REACTORS), NULL,
                                TEST_TYPE_ROUTEE, error, NULL);
}

static void
test_router_class_init (TestRouterClass *klass)
{
  TROUPE_ROUTER_CLASS (klass)->build_routee = test_router_build_routee;
}

static void
test_router_init (TestRouter *self)
{
}

static TroupeRef *
spawn_router (Fixture       *self,
              TroupeRouting  routing)
{
  g_autoptr (GError) error = NULL;
  TroupeRef *router = troupe_system_spawn (self->system, NULL, TEST_TYPE_ROUTER, &error, "routing", routing, "size", N_REACTORS,
                                           "routee-type", TEST_TYPE_ROUTEE, NULL);

  g_assert_no_error (error);
  return router;
}

static gint64
ask_where (TroupeRef *ref)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (ref, troupe_message_new ("where"));

  troupe_test_until (troupe_promise_is_resolved (promise));
  g_assert_no_error (troupe_promise_get_error (promise));
  return troupe_promise_get_int64 (promise);
}

static void
test_routers (Fixture       *self,
              gconstpointer  data)
{
  g_autoptr (TroupeRef) router = spawn_router (self, (TroupeRouting) GPOINTER_TO_UINT (data));
  g_autoptr (GHashTable) threads = g_hash_table_new (NULL, NULL);
  guint i;

  g_test_summary ("Routees are on several reactors, and all of them are reached");

  for (i = 0; i < 20 * N_REACTORS; i++)
    g_hash_table_add (threads, (gpointer) (gintptr) ask_where (router));
  g_assert_cmpuint (g_hash_table_size (threads), ==, N_REACTORS);
}

static void
test_least_loaded (Fixture       *self,
                   gconstpointer  data)
{
  g_autoptr (TroupeRef) router = NULL;
  gint64 main_thread = (gint64) (gintptr) g_thread_self ();
  guint n_pending = 0;
  guint i;

  g_test_summary ("The router of least load leaves alone those on other reactors whose mailboxes are not empty");

  g_atomic_int_set (&routee_gate, 0);
  g_atomic_int_set (&n_stuck, 0);
  router = spawn_router (self, TROUPE_ROUTING_LEAST_LOADED);
  while (ask_where (router) != main_thread)
    continue;

  /* Round robin from there: those on the other three, which are stuck; and each gets one that waits. */
  for (i = 0; i < N_REACTORS - 1; i++)
    troupe_ref_send (router, troupe_message_new ("wait"));
  troupe_test_until (g_atomic_int_get (&n_stuck) == N_REACTORS - 1);
  for (i = 0; i < 40; i++)
    {
      g_autoptr (TroupePromise) promise = troupe_ref_ask (router, troupe_message_new ("where"));

      troupe_promise_add_both (promise, (TroupeStep) troupe_promise_return_nothing, NULL, NULL);
      troupe_test_settle ();
      n_pending += !troupe_promise_is_resolved (promise);
    }
  g_assert_cmpuint (n_pending, ==, N_REACTORS - 1);

  g_atomic_int_set (&routee_gate, 1);
  settle (self);
}

/* Names and topics */

static gpointer
publish_elsewhere (gpointer data)
{
  Fixture *self = data;
  gint64 i;

  for (i = 0; i < 100; i++)
    g_assert_true (troupe_system_publish (self->system, "numbers/even", troupe_message_new_int64 ("number", i * N_REACTORS), NULL));
  return NULL;
}

static void
test_topics (Fixture       *self,
             gconstpointer  data)
{
  TroupeRef *listeners[N_REACTORS];
  guint i;

  g_test_summary ("What a thread publishes reaches the subscribers on all reactors, in order");

  for (i = 0; i < N_REACTORS; i++)
    {
      listeners[i] = spawn_listener (self, i, NULL);
      g_assert_true (troupe_system_subscribe (self->system, i % 2 ? "numbers/+" : "#", listeners[i], NULL));
    }
  g_thread_join (g_thread_new ("publisher", publish_elsewhere, self));
  troupe_test_until (g_atomic_int_get (&self->n_told) == 100 * N_REACTORS);
  for (i = 0; i < N_REACTORS; i++)
    troupe_ref_unref (listeners[i]);
}

static gboolean
wait_for_name (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  Peer *peer = get_peer (message);

  troupe_message_reply_promise (message, troupe_system_wait_for (peer->fixture->system, "/late"));
  return TRUE;
}

static void
test_names (Fixture       *self,
            gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = test_puppet_ask (self->peers[1].ref, wait_for_name, &self->peers[1]);
  g_autoptr (TroupeRef) late = NULL;
  g_autoptr (TroupeRef) found = NULL;

  g_test_summary ("An actor is found by its name, or waited for, from other reactors");

  do_in (&self->peers[1], do_nothing);
  late = spawn_listener (self, 2, "late");
  troupe_test_until (troupe_promise_is_resolved (promise));
  g_assert_true (troupe_promise_get_boxed (promise) == late);
  found = troupe_system_lookup (self->system, "/late");
  g_assert_true (found == late);
  g_assert_true (troupe_system_register (self->system, "/other", late, NULL));
  troupe_ref_stop (late);
  troupe_test_until (troupe_ref_has_ended (late));
  g_assert_null (troupe_system_lookup (self->system, "/late"));
  g_assert_null (troupe_system_lookup (self->system, "/other"));
}

/* Birth and end */

static gpointer
spawn_and_end (gpointer data)
{
  Fixture *self = data;
  guint i;

  for (i = 0; i < 300; i++)
    {
      g_autoptr (TroupeRef) ref = spawn_on (self, i % N_REACTORS, TEST_TYPE_PUPPET);

      if (i % 3 == 0)
        troupe_ref_send (ref, troupe_message_new_int64 ("unknown", 1));
      if (i % 2 == 0)
        troupe_ref_stop (ref);
      else
        troupe_ref_kill (ref);
    }
  g_atomic_int_inc (&self->n_told);
  return NULL;
}

static void
test_born_and_ended (Fixture       *self,
                     gconstpointer  data)
{
  GThread *threads[2];
  guint i;

  g_test_summary ("Threads spawn actors anywhere and stop or kill them at once: all of them end");

  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("spawner", spawn_and_end, self);
  troupe_test_until (g_atomic_int_get (&self->n_told) == G_N_ELEMENTS (threads));
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  troupe_test_until (troupe_system_get_n_actors (self->system) == N_REACTORS);
}

static gint n_warnings;              /* atomic */

static void
count_warning (const char     *domain,
               GLogLevelFlags  level,
               const char     *message,
               gpointer        data)
{
  g_atomic_int_inc (&n_warnings);
}

static void
test_stuck (Fixture       *self,
            gconstpointer  data)
{
  g_autoptr (TroupeRef) listener = spawn_listener (self, 1, NULL);

  g_test_summary ("A shutdown names an actor that is stuck in a turn on another reactor, and is over when that turn is");

  g_atomic_int_set (&n_warnings, 0);
  troupe_system_set_shutdown_timeout (self->system, 20);
  troupe_ref_send (listener, troupe_message_new ("stuck"));
  troupe_test_until (g_atomic_int_get (&self->n_told) == 1);
  troupe_system_shutdown (self->system);
  troupe_test_until (g_atomic_int_get (&n_warnings) == 1);
  g_assert_false (troupe_system_has_ended (self->system));
  g_atomic_int_set (&self->gate, 1);
  troupe_test_until (troupe_system_has_ended (self->system));
}

static void
set_up (Fixture       *self,
        gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  guint i;

  self->system = troupe_system_new_with_reactors (NULL, NULL, N_REACTORS, &error);
  g_assert_no_error (error);
  self->turning = g_timeout_add (1, keep_turning, NULL);
  for (i = 0; i < N_REACTORS; i++)
    {
      self->reactors[i] = troupe_system_get_nth_reactor (self->system, i);
      self->peers[i].fixture = self;
      self->peers[i].ref = spawn_on (self, i, TEST_TYPE_PUPPET);
    }
}

static void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  guint i;

  troupe_test_system_end (self->system);
  for (i = 0; i < N_REACTORS; i++)
    troupe_ref_unref (self->peers[i].ref);
  g_source_remove (self->turning);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  g_log_set_handler ("Troupe", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE, count_warning, NULL);

#define ADD(path, data, func) g_test_add ("/troupe/reactors/messages/" path, Fixture, GUINT_TO_POINTER (data), set_up, func, tear_down)
  ADD ("order", 0, test_order);
  ADD ("order/elsewhere", 2, test_order);
  ADD ("watch", 0, test_watch);
  ADD ("watch/elsewhere", 3, test_watch);
  ADD ("child", 0, test_child_terminated);
  ADD ("child/elsewhere", 3, test_child_terminated);
  ADD ("link", 0, test_link);
  ADD ("link/elsewhere", 2, test_link);
  ADD ("round", 0, test_round);
  ADD ("fibers", 0, test_fibers);
  ADD ("ask-sync", 0, test_ask_sync);
  ADD ("json", 0, test_json);
  ADD ("deadline", 0, test_deadline);
  ADD ("router/round-robin", TROUPE_ROUTING_ROUND_ROBIN, test_routers);
  ADD ("router/random", TROUPE_ROUTING_RANDOM, test_routers);
  ADD ("router/spread/least-loaded", TROUPE_ROUTING_LEAST_LOADED, test_routers);
  ADD ("router/least-loaded", 0, test_least_loaded);
  ADD ("topics", 0, test_topics);
  ADD ("names", 0, test_names);
  ADD ("born-and-ended", 0, test_born_and_ended);
  ADD ("stuck", 0, test_stuck);

  return g_test_run ();
}
