/* test-router.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Routers: to whom they forward, who answers, and what becomes of the pool. */

#include <string.h>

#include "troupe-test-puppet.h"

/* A routee: the first one that is born is “A”, the next “B”. It tells what it gets. */

#define MAX_WORKERS 32

static GString *story;
static TroupeRef *workers[MAX_WORKERS];
static guint n_workers;
static guint n_told[MAX_WORKERS];

#define TEST_TYPE_WORKER (test_worker_get_type ())
G_DECLARE_FINAL_TYPE (TestWorker, test_worker, TEST, WORKER, TroupeActor)

struct _TestWorker
{
  TroupeActor     parent_instance;
  guint           number;
  TroupeResolver *held;
};

G_DEFINE_FINAL_TYPE (TestWorker, test_worker, TROUPE_TYPE_ACTOR)

static char
get_letter (TroupeActor *actor)
{
  return (char) ('A' + TEST_WORKER (actor)->number);
}

/* Tells its letter, and answers with it. */
static gboolean
test_worker_on_work (TroupeActor    *actor,
                     TroupeMessage  *message,
                     GError        **error)
{
  char letter[] = { get_letter (actor), '\0' };

  n_told[TEST_WORKER (actor)->number]++;
  g_string_append_c (story, letter[0]);
  troupe_message_reply_string (message, letter);
  return TRUE;
}

static gboolean
test_worker_on_nothing (TroupeActor    *actor,
                        TroupeMessage  *message,
                        GError        **error)
{
  troupe_message_reply (message);
  return TRUE;
}

static gboolean
test_worker_on_sender (TroupeActor    *actor,
                       TroupeMessage  *message,
                       GError        **error)
{
  g_autofree char *path = troupe_ref_dup_path (troupe_message_get_sender (message));

  troupe_message_reply_string (message, path);
  return TRUE;
}

/* The body says which one refuses, which one says nothing for now, and who else is there to answer. */
static gboolean
test_worker_on_parts (TroupeActor    *actor,
                      TroupeMessage  *message,
                      GError        **error)
{
  TestWorker *self = TEST_WORKER (actor);
  char part = troupe_message_get_string (message)[self->number];

  g_string_append_c (story, get_letter (actor));
  switch (part)
    {
    case 'r':
      troupe_message_reply_error (message, g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_FAILED, "refused"));
      return TRUE;

    case 'h':
      g_clear_pointer (&self->held, troupe_resolver_unref);
      self->held = troupe_message_defer_reply (message);
      return TRUE;

    default:
      return test_worker_on_work (actor, message, error);
    }
}

static gboolean
test_worker_on_cancelled (TroupeActor    *actor,
                          TroupeMessage  *message,
                          GError        **error)
{
  TestWorker *self = TEST_WORKER (actor);

  troupe_message_reply_boolean (message, self->held != NULL && troupe_resolver_is_cancelled (self->held));
  return TRUE;
}

static gboolean
test_worker_on_json (TroupeActor    *actor,
                     TroupeMessage  *message,
                     GError        **error)
{
  g_autofree char *text = troupe_message_dup_json_string (message);

  g_string_append (story, text);
  return TRUE;
}

static gboolean
test_worker_on_pointer (TroupeActor    *actor,
                        TroupeMessage  *message,
                        GError        **error)
{
  g_autofree char *text = troupe_message_steal_pointer (message);

  g_string_append (story, text);
  return TRUE;
}

static gboolean
test_worker_on_stop (TroupeActor    *actor,
                     TroupeMessage  *message,
                     GError        **error)
{
  troupe_ref_stop (troupe_actor_get_ref (actor));
  return TRUE;
}

static gboolean
test_worker_on_fail (TroupeActor    *actor,
                     TroupeMessage  *message,
                     GError        **error)
{
  g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_FAILED, "as told");
  return FALSE;
}

/* Takes fifty milliseconds, in which nothing else of this actor is done. */
static gboolean
test_worker_on_slow (TroupeActor    *actor,
                     TroupeMessage  *message,
                     GError        **error)
{
  g_autoptr (TroupePromise) promise = troupe_sleep (50);

  if (!troupe_await (promise, error))
    return FALSE;
  n_told[TEST_WORKER (actor)->number]++;
  return TRUE;
}

static void
test_worker_dispose (GObject *object)
{
  g_clear_pointer (&TEST_WORKER (object)->held, troupe_resolver_unref);
  G_OBJECT_CLASS (test_worker_parent_class)->dispose (object);
}

static void
test_worker_stopped (TroupeActor *actor)
{
  g_string_append_c (story, g_ascii_tolower (get_letter (actor)));
}

static gboolean
test_worker_started (TroupeActor  *actor,
                     GError      **error)
{
  TEST_WORKER (actor)->number = n_workers;
  workers[n_workers++] = troupe_ref_ref (troupe_actor_get_ref (actor));
  return TRUE;
}

static void
test_worker_class_init (TestWorkerClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = test_worker_dispose;
  actor_class->started = test_worker_started;
  actor_class->stopped = test_worker_stopped;
  troupe_actor_class_bind (actor_class, "work", G_TYPE_VALUE, test_worker_on_work);
  troupe_actor_class_bind (actor_class, "nothing", G_TYPE_NONE, test_worker_on_nothing);
  troupe_actor_class_bind (actor_class, "sender", G_TYPE_NONE, test_worker_on_sender);
  troupe_actor_class_bind (actor_class, "parts", G_TYPE_STRING, test_worker_on_parts);
  troupe_actor_class_bind (actor_class, "cancelled", G_TYPE_NONE, test_worker_on_cancelled);
  troupe_actor_class_bind (actor_class, "json", TROUPE_TYPE_JSON, test_worker_on_json);
  troupe_actor_class_bind (actor_class, "pointer", G_TYPE_POINTER, test_worker_on_pointer);
  troupe_actor_class_bind (actor_class, "stop", G_TYPE_NONE, test_worker_on_stop);
  troupe_actor_class_bind (actor_class, "fail", G_TYPE_NONE, test_worker_on_fail);
  troupe_actor_class_bind_fiber (actor_class, "slow", G_TYPE_NONE, TROUPE_FIBER_DEFAULT, test_worker_on_slow);
}

static void
test_worker_init (TestWorker *self)
{
}

/* A router that can be asked for its size, and takes the name of a message for its key if it is told to. */

#define TEST_TYPE_ROUTER (test_router_get_type ())
G_DECLARE_FINAL_TYPE (TestRouter, test_router, TEST, ROUTER, TroupeRouter)

struct _TestRouter
{
  TroupeRouter parent_instance;
};

G_DEFINE_FINAL_TYPE (TestRouter, test_router, TROUPE_TYPE_ROUTER)

static guint n_builds_left;

static gboolean
test_router_receive (TroupeActor    *actor,
                     TroupeMessage  *message,
                     GError        **error)
{
  if (g_str_equal (troupe_message_get_name (message), "fail router"))
    return test_worker_on_fail (actor, message, error);
  if (!g_str_equal (troupe_message_get_name (message), "size?"))
    return TROUPE_ACTOR_CLASS (test_router_parent_class)->receive (actor, message, error);

  troupe_message_reply_uint64 (message, troupe_router_get_size (TROUPE_ROUTER (actor)));
  return TRUE;
}

static TroupeRef *
test_router_build_routee (TroupeRouter  *router,
                          GError       **error)
{
  if (n_builds_left == 0)
    {
      g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_FAILED, "No more of them");
      return NULL;
    }

  n_builds_left--;
  return TROUPE_ROUTER_CLASS (test_router_parent_class)->build_routee (router, error);
}

static guint64
test_router_hash_message (TroupeRouter  *router,
                          TroupeMessage *message)
{
  const char *text = troupe_message_get_string (message);

  /* What comes before the colon. */
  return g_ascii_strtoull (text, NULL, 10);
}

static void
test_router_class_init (TestRouterClass *klass)
{
  TROUPE_ACTOR_CLASS (klass)->receive = test_router_receive;
  TROUPE_ROUTER_CLASS (klass)->build_routee = test_router_build_routee;
  TROUPE_ROUTER_CLASS (klass)->hash_message = test_router_hash_message;
}

static void
test_router_init (TestRouter *self)
{
}

typedef struct
{
  TroupeSystem *system;
  TroupeRef    *router;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  routing)
{
  g_autoptr (GError) error = NULL;

  story = g_string_new (NULL);
  n_workers = 0;
  memset (n_told, 0, sizeof n_told);
  n_builds_left = MAX_WORKERS;
  fixture->system = troupe_test_system_new ();
  fixture->router = troupe_system_spawn_router (fixture->system, "router", GPOINTER_TO_INT (routing), 3,
                                                TEST_TYPE_WORKER, &error);
  g_assert_no_error (error);
  troupe_test_until (n_workers == 3);
  troupe_test_settle ();
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  routing)
{
  guint i;

  for (i = 0; i < n_workers; i++)
    troupe_ref_unref (workers[i]);
  troupe_ref_unref (fixture->router);
  troupe_test_system_end (fixture->system);
  g_string_free (story, TRUE);
}

#define assert_story(expected)                    \
  G_STMT_START {                                  \
    troupe_test_settle ();                        \
    g_assert_cmpstr (story->str, ==, (expected)); \
    g_string_truncate (story, 0);                 \
  } G_STMT_END

static void
work (Fixture *fixture,
      gint64   key)
{
  troupe_ref_send (fixture->router, troupe_message_new_int64 ("work", key));
}

static TroupePromise *
ask (Fixture       *fixture,
     TroupeMessage *message)
{
  TroupePromise *promise = troupe_ref_ask (fixture->router, message);

  troupe_test_until (troupe_promise_is_resolved (promise));
  return promise;
}

static void
drop_error (TroupePromise *promise,
            gpointer       data)
{
  troupe_promise_return_nothing (promise);
}

static void
assert_rejected (TroupePromise *promise,
                 int            code)
{
  g_assert_error (troupe_promise_get_error (promise), TROUPE_ERROR, code);
  troupe_promise_add_errback (promise, drop_error, NULL, NULL);
}

/* A TestRouter in place of the fixture's. */
static void
use_test_router (Fixture       *fixture,
                 TroupeRouting  routing,
                 guint          size,
                 guint          max_size)
{
  g_autoptr (GError) error = NULL;

  troupe_ref_stop (fixture->router);
  troupe_test_until (troupe_ref_has_ended (fixture->router));
  g_clear_pointer (&fixture->router, troupe_ref_unref);
  while (n_workers > 0)
    troupe_ref_unref (workers[--n_workers]);
  g_string_truncate (story, 0);

  fixture->router = troupe_system_spawn (fixture->system, NULL, TEST_TYPE_ROUTER, &error, "routing", routing, "size", size,
                                         "max-size", max_size, "routee-type", TEST_TYPE_WORKER, NULL);
  g_assert_no_error (error);
  troupe_test_settle ();
}

static guint
ask_size (Fixture *fixture)
{
  g_autoptr (TroupePromise) promise = ask (fixture, troupe_message_new ("size?"));

  return (guint) troupe_promise_get_uint64 (promise);
}

static void
test_round_robin (Fixture       *fixture,
                  gconstpointer  data)
{
  guint i;

  g_test_summary ("Round robin takes one after the other.");

  for (i = 0; i < 7; i++)
    work (fixture, i);
  troupe_test_settle ();
  g_assert_cmpuint (n_told[0], ==, 3);
  g_assert_cmpuint (n_told[1], ==, 2);
  g_assert_cmpuint (n_told[2], ==, 2);
  g_string_truncate (story, 0);
  for (i = 0; i < 4; i++)
    {
      work (fixture, i);
      troupe_test_settle ();
    }
  assert_story ("BCAB");
}

static gboolean
ask_for_sender (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  troupe_message_reply_promise (message, troupe_ref_ask (test_puppet_get_data (message), troupe_message_new ("sender")));
  return TRUE;
}

static void
test_ask (Fixture       *fixture,
          gconstpointer  data)
{
  g_autoptr (TroupeRef) asker = test_puppet_new (fixture->system, "asker");
  g_autoptr (TroupePromise) first = ask (fixture, troupe_message_new_int64 ("work", 1));
  g_autoptr (TroupePromise) second = ask (fixture, troupe_message_new_int64 ("work", 1));
  g_autoptr (TroupePromise) sender = test_puppet_ask_and_wait (asker, ask_for_sender, fixture->router);
  g_autoptr (TroupePromise) pending = NULL;

  g_test_summary ("An ask goes to a routee, in the name of who asked, and has its answer, whatever becomes of the router.");

  g_assert_cmpstr (troupe_promise_get_string (first), ==, "A");
  g_assert_cmpstr (troupe_promise_get_string (second), ==, "B");
  g_assert_cmpstr (troupe_promise_get_string (sender), ==, "/asker");
  pending = ask (fixture, troupe_message_new ("unknown"));
  assert_rejected (pending, TROUPE_ERROR_UNHANDLED);
}

static void
test_random (Fixture       *fixture,
             gconstpointer  data)
{
  guint i;

  g_test_summary ("Random takes any, and all of them in the long run.");

  for (i = 0; i < 600; i++)
    work (fixture, 1);
  troupe_test_settle ();
  g_assert_cmpuint (n_told[0] + n_told[1] + n_told[2], ==, 600);
  for (i = 0; i < 3; i++)
    g_assert_cmpuint (n_told[i], >, 100);
}

static void
test_least_loaded (Fixture       *fixture,
                   gconstpointer  data)
{
  guint i;

  g_test_summary ("Least loaded takes the one with the least mail, and one after the other if it is the same for all.");

  /* The router has its turns first, when the mail of the first worker is there, but not handled. */
  for (i = 0; i < 6; i++)
    work (fixture, 1);
  for (i = 0; i < 2; i++)
    troupe_ref_send (workers[0], troupe_message_new_int64 ("work", 1));
  troupe_test_settle ();
  g_assert_cmpuint (n_told[0], ==, 3);
  g_assert_cmpuint (n_told[1] + n_told[2], ==, 5);

  g_string_truncate (story, 0);
  for (i = 0; i < 6; i++)
    {
      work (fixture, 1);
      troupe_test_settle ();
    }
  g_assert_cmpuint (story->len, ==, 6);
  g_assert_cmpint (story->str[0], ==, story->str[3]);
  g_assert_cmpint (story->str[1], ==, story->str[4]);
  g_assert_cmpint (story->str[0], !=, story->str[1]);
  g_assert_cmpint (story->str[1], !=, story->str[2]);
}

#define N_KEYS 300

/* Who gets which key, as letters. */
static char *
map_keys (Fixture *fixture)
{
  guint i;

  g_string_truncate (story, 0);
  for (i = 0; i < N_KEYS; i++)
    {
      work (fixture, i);
      troupe_test_settle ();
    }
  g_assert_cmpuint (story->len, ==, N_KEYS);

  return g_strdup (story->str);
}

static void
assert_moved (const char *before,
              const char *after,
              char        from,
              char        to)
{
  guint n_moved = 0;
  guint i;

  for (i = 0; i < N_KEYS; i++)
    if (before[i] != after[i])
      {
        g_assert_true (from == '\0' || before[i] == from);
        g_assert_true (to == '\0' || after[i] == to);
        n_moved++;
      }

  /* A quarter or a third, give or take. */
  g_assert_cmpuint (n_moved, >, N_KEYS / 8);
  g_assert_cmpuint (n_moved, <, N_KEYS / 2);
}

static void
test_hash (Fixture       *fixture,
           gconstpointer  data)
{
  g_autofree char *first = map_keys (fixture);
  g_autofree char *same = map_keys (fixture);
  g_autofree char *grown = NULL;
  g_autofree char *shrunk = NULL;
  g_autofree char *lost = NULL;

  g_test_summary ("A key has its routee, and moves only if that goes, or to one that comes.");

  g_assert_cmpstr (first, ==, same);
  troupe_router_resize (fixture->router, 4);
  grown = map_keys (fixture);
  assert_moved (first, grown, '\0', 'D');
  troupe_router_resize (fixture->router, 3);
  troupe_test_settle ();
  shrunk = map_keys (fixture);
  g_assert_cmpstr (first, ==, shrunk);

  /* One in the middle, and one that takes its place. */
  troupe_ref_stop (workers[1]);
  troupe_test_settle ();
  lost = map_keys (fixture);
  assert_moved (first, lost, 'B', '\0');
  troupe_router_resize (fixture->router, 3);
  g_free (g_steal_pointer (&lost));
  lost = g_strdelimit (map_keys (fixture), "E", 'B');
  g_assert_cmpstr (first, ==, lost);
}

static void
test_keys (Fixture       *fixture,
           gconstpointer  data)
{
  static const char *const texts[] = { "Ada", "Grace", "Mary", "Emmy", "Sofia", "Lise", "Maria" };
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  guint round;
  guint i;

  g_test_summary ("A key may be a text or bytes; where there is none, it is who sends.");

  for (round = 0; round < 2; round++)
    for (i = 0; i < G_N_ELEMENTS (texts); i++)
      {
        g_autoptr (GBytes) bytes = g_bytes_new_static (texts[i], strlen (texts[i]));
        g_autoptr (TroupePromise) by_text = ask (fixture, troupe_message_new_string ("work", texts[i]));
        g_autoptr (TroupePromise) by_bytes = ask (fixture, troupe_message_new_bytes ("work", bytes));
        g_autoptr (TroupePromise) by_truth = ask (fixture, troupe_message_new_boolean ("work", i % 2));

        g_assert_cmpstr (troupe_promise_get_string (by_text), ==, troupe_promise_get_string (by_bytes));
        if (round == 0)
          g_hash_table_insert (seen, (gpointer) texts[i], GINT_TO_POINTER (*troupe_promise_get_string (by_text)));
        g_assert_cmpint (*troupe_promise_get_string (by_text), ==, GPOINTER_TO_INT (g_hash_table_lookup (seen, texts[i])));
        g_assert_true (troupe_promise_has_value (by_truth));
      }

  g_string_truncate (story, 0);
  for (i = 0; i < 5; i++)
    troupe_ref_send (fixture->router, troupe_message_new_variant ("work", g_variant_new_int32 ((int) i)));
  troupe_test_settle ();
  g_assert_cmpuint (story->len, ==, 5);
  g_assert_true (strspn (story->str, (char[]) { story->str[0], '\0' }) == 5);
}

static void
test_own_keys (Fixture       *fixture,
               gconstpointer  data)
{
  guint i;

  g_test_summary ("A class may say what the key of a message is.");

  use_test_router (fixture, TROUPE_ROUTING_CONSISTENT_HASH, 5, 0);
  for (i = 0; i < 6; i++)
    {
      g_autofree char *text = g_strdup_printf ("7: %u", i);

      troupe_ref_send (fixture->router, troupe_message_new_string ("work", text));
    }
  troupe_test_settle ();
  g_assert_cmpuint (story->len, ==, 6);
  g_assert_true (strspn (story->str, (char[]) { story->str[0], '\0' }) == 6);
}

static void
test_broadcast (Fixture       *fixture,
                gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = NULL;
  TroupeOutcomes *outcomes;

  g_test_summary ("Broadcast takes all, and answers with what each has answered.");

  work (fixture, 1);
  assert_story ("ABC");

  promise = ask (fixture, troupe_message_new_string ("parts", ".r."));
  outcomes = troupe_promise_get_boxed (promise);
  g_assert_cmpuint (troupe_outcomes_get_length (outcomes), ==, 3);
  g_assert_cmpstr (troupe_outcomes_get_string (outcomes, 0), ==, "A");
  g_assert_error (troupe_outcomes_get_error (outcomes, 1), TROUPE_ERROR, TROUPE_ERROR_FAILED);
  g_assert_cmpstr (troupe_outcomes_get_string (outcomes, 2), ==, "C");
}

static void
test_bodies (Fixture       *fixture,
             gconstpointer  data)
{
  g_test_summary ("Where a message goes to several, each gets a body that it can use; what cannot be shared is refused.");

  troupe_ref_send (fixture->router, troupe_message_new_json_string ("json", "[1]", NULL));
  assert_story ("[1][1][1]");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*“pointer” cannot be*");
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*“pointer” cannot be*");
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*“pointer” cannot be*");
  troupe_ref_send (fixture->router, troupe_message_new_pointer ("pointer", g_strdup ("x"), g_free));
  assert_story ("");
  g_test_assert_expected_messages ();
}

static void
test_pointer (Fixture       *fixture,
              gconstpointer  data)
{
  g_test_summary ("What can be given away once is given to the one that a message goes to.");

  troupe_ref_send (fixture->router, troupe_message_new_pointer ("pointer", g_strdup ("x"), g_free));
  troupe_ref_send (fixture->router, troupe_message_new_json_string ("json", "[2]", NULL));
  assert_story ("x[2]");
}

static void
test_first (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = NULL;
  g_autoptr (TroupePromise) nothing = NULL;
  g_autoptr (TroupePromise) cancelled = NULL;

  g_test_summary ("Scatter-gather-first answers with the first value, and cancels the other answers.");

  work (fixture, 1);
  assert_story ("ABC");

  promise = ask (fixture, troupe_message_new_string ("parts", "hr."));
  g_assert_cmpstr (troupe_promise_get_string (promise), ==, "C");
  cancelled = troupe_ref_ask (workers[0], troupe_message_new ("cancelled"));
  troupe_test_until (troupe_promise_is_resolved (cancelled));
  g_assert_true (troupe_promise_get_boolean (cancelled));

  nothing = ask (fixture, troupe_message_new ("nothing"));
  g_assert_true (troupe_promise_has_value (nothing));
  g_assert_true (troupe_promise_get_value_type (nothing) == G_TYPE_NONE);
}

static void
test_all_fail (Fixture       *fixture,
               gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = ask (fixture, troupe_message_new_string ("parts", "rrr"));
  const GError *cause = troupe_error_get_cause (troupe_promise_get_error (promise));

  g_test_summary ("Scatter-gather-first fails when all have failed.");

  g_assert_error (cause, TROUPE_ERROR, TROUPE_ERROR_FAILED);
  g_assert_cmpstr (cause->message, ==, "refused");
  assert_rejected (promise, TROUPE_ERROR_ALL_FAILED);
}

static void
test_first_ends (Fixture       *fixture,
                 gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (fixture->router, troupe_message_new_string ("parts", "hhh"));

  g_test_summary ("Scatter-gather-first has an answer, though all who owe one end.");

  assert_story ("ABC");
  troupe_ref_kill (workers[0]);
  troupe_ref_stop (workers[1]);
  assert_story ("b");
  g_assert_false (troupe_promise_is_resolved (promise));
  troupe_ref_stop (workers[2]);
  troupe_test_until (troupe_promise_is_resolved (promise));
  g_assert_nonnull (troupe_promise_get_error (promise));
  troupe_promise_add_errback (promise, drop_error, NULL, NULL);
}

static void
test_routee_ends (Fixture       *fixture,
                  gconstpointer  data)
{
  g_autoptr (TroupePromise) too_late = NULL;
  guint i;

  g_test_summary ("A routee that ends gets nothing more; with the last the router ends.");

  troupe_ref_send (workers[0], troupe_message_new ("stop"));
  assert_story ("a");
  for (i = 0; i < 4; i++)
    work (fixture, 1);
  troupe_test_settle ();
  g_assert_cmpuint (n_told[1], ==, 2);
  g_assert_cmpuint (n_told[2], ==, 2);
  g_string_truncate (story, 0);

  troupe_ref_stop (workers[1]);
  troupe_ref_stop (workers[2]);
  troupe_test_until (troupe_ref_has_ended (fixture->router));
  assert_story ("bc");
  too_late = ask (fixture, troupe_message_new_int64 ("work", 1));
  assert_rejected (too_late, TROUPE_ERROR_ACTOR_STOPPED);
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 0);
}

static void
test_routee_fails (Fixture       *fixture,
                   gconstpointer  data)
{
  guint i;

  g_test_summary ("A routee that fails is restarted, and stays a routee.");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*failed*as told*");
  troupe_ref_send (workers[0], troupe_message_new ("fail"));
  troupe_test_until (n_workers == 4);
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  g_assert_true (workers[3] == workers[0]);
  g_string_truncate (story, 0);
  for (i = 0; i < 3; i++)
    {
      work (fixture, 1);
      troupe_test_settle ();
    }
  assert_story ("DBC");
}

static void
test_router_fails (Fixture       *fixture,
                   gconstpointer  data)
{
  g_test_summary ("A router that fails is restarted, with new routees.");

  use_test_router (fixture, TROUPE_ROUTING_ROUND_ROBIN, 2, 0);
  troupe_router_resize (fixture->router, 3);
  troupe_test_settle ();
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*failed*as told*");
  troupe_ref_send (fixture->router, troupe_message_new ("fail router"));
  troupe_test_until (n_workers == 5);
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  g_assert_cmpuint (ask_size (fixture), ==, 2);
  assert_story ("cba");
  work (fixture, 1);
  assert_story ("D");
}

/* Within one turn: the routees end in their next one, the router still has them all. */
static gboolean
stop_all_and_ask (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  guint i;

  for (i = 0; i < 3; i++)
    troupe_ref_stop (workers[i]);
  troupe_ref_send (test_puppet_get_data (message), troupe_message_new_int64 ("work", 1));
  troupe_message_reply_promise (message, troupe_ref_ask (test_puppet_get_data (message), troupe_message_new_int64 ("work", 1)));
  return TRUE;
}

static void
test_nobody (Fixture       *fixture,
             gconstpointer  routing)
{
  g_autoptr (TroupeRef) puppet = test_puppet_new (fixture->system, NULL);
  g_autoptr (TroupePromise) promise = test_puppet_ask_and_wait (puppet, stop_all_and_ask, fixture->router);

  g_test_summary ("What nobody is left for is a dead letter, or rejected.");

  assert_rejected (promise, TROUPE_ERROR_ACTOR_STOPPED);
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 1);
  troupe_test_until (troupe_ref_has_ended (fixture->router));
}

static void
test_stop (Fixture       *fixture,
           gconstpointer  data)
{
  g_test_summary ("Routees end with their router.");

  g_assert_true (troupe_ref_get_parent (workers[0]) == fixture->router);
  troupe_ref_stop (fixture->router);
  troupe_test_until (troupe_ref_has_ended (fixture->router));
  assert_story ("cba");
}

static gpointer
resize_elsewhere (gpointer router)
{
  troupe_router_resize (router, 5);
  troupe_ref_send (router, troupe_message_new_int64 ("work", 1));
  return NULL;
}

static void
test_resize (Fixture       *fixture,
             gconstpointer  data)
{
  g_test_summary ("A pool can be resized from any thread, in order with messages; who is let go of does its work first.");

  g_thread_join (g_thread_new ("resizer", resize_elsewhere, fixture->router));
  troupe_test_until (story->len == 5);
  g_assert_cmpuint (n_workers, ==, 5);
  g_string_truncate (story, 0);

  work (fixture, 1);
  troupe_router_resize (fixture->router, 1);
  work (fixture, 1);
  troupe_test_settle ();
  g_assert_cmpuint (n_told[0], ==, 3);
  g_assert_cmpuint (n_told[1], ==, 2);
  g_assert_cmpuint (n_told[4], ==, 2);
  g_assert_cmpuint (troupe_system_get_n_actors (fixture->system), ==, 2);
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 0);
  g_assert_false (troupe_ref_has_ended (fixture->router));

  troupe_ref_stop (fixture->router);
  troupe_test_settle ();
  troupe_router_resize (fixture->router, 2);
  troupe_test_settle ();
  g_assert_cmpuint (n_workers, ==, 5);
}

static void
test_build_fails (Fixture       *fixture,
                  gconstpointer  data)
{
  g_test_summary ("A router that cannot have all its routees fails to start; one that cannot have more goes on with those it has.");

  use_test_router (fixture, TROUPE_ROUTING_ROUND_ROBIN, 2, 0);
  n_builds_left = 1;
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "The router “/*” cannot spawn a routee: No more of them");
  troupe_router_resize (fixture->router, 5);
  g_assert_cmpuint (ask_size (fixture), ==, 3);
  g_test_assert_expected_messages ();

  n_builds_left = 1;
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*failed: No more of them");
  use_test_router (fixture, TROUPE_ROUTING_ROUND_ROBIN, 2, 0);
  troupe_test_until (troupe_ref_has_ended (fixture->router));
  troupe_test_settle ();
  g_test_assert_expected_messages ();
}

static void
test_abstract (Fixture       *fixture,
               gconstpointer  data)
{
  g_autoptr (TroupeRef) router = troupe_system_spawn_router (fixture->system, NULL, TROUPE_ROUTING_RANDOM, 1,
                                                             TROUPE_TYPE_PROTOCOL, NULL);

  g_test_summary ("A router of what cannot be made fails.");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*failed: The router's routee-type “TroupeProtocol” is abstract");
  troupe_test_until (troupe_ref_has_ended (router));
  troupe_test_settle ();
  g_test_assert_expected_messages ();
}

static void
test_grows (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));
  guint i;

  g_test_summary ("A pool grows while all have more to do than they can, up to its maximum, and shrinks when they do not.");

  use_test_router (fixture, TROUPE_ROUTING_LEAST_LOADED, 2, 5);
  for (i = 0; i < 40; i++)
    troupe_ref_send (fixture->router, troupe_message_new ("slow"));
  g_assert_cmpuint (ask_size (fixture), ==, 2);
  troupe_clock_advance (clock, 101);
  g_assert_cmpuint (ask_size (fixture), ==, 3);

  /* New ones have nothing to do; only when they have, too, are there more. */
  for (i = 0; i < 100; i++)
    troupe_ref_send (fixture->router, troupe_message_new ("slow"));
  for (i = 0; i < 10; i++)
    {
      guint j;

      troupe_clock_advance (clock, 100);
      for (j = 0; j < 40; j++)
        troupe_ref_send (fixture->router, troupe_message_new ("slow"));
    }
  g_assert_cmpuint (ask_size (fixture), ==, 5);

  for (i = 0; i < 1000; i++)
    troupe_clock_advance (clock, 50);
  g_assert_cmpuint (ask_size (fixture), ==, 2);
  g_assert_cmpuint (n_told[0] + n_told[1] + n_told[2] + n_told[3] + n_told[4], ==, 540);
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 0);
}

static void
test_stays (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));
  guint i;

  g_test_summary ("A pool whose routees keep up stays as it is, however much comes.");

  use_test_router (fixture, TROUPE_ROUTING_ROUND_ROBIN, 2, 5);
  for (i = 0; i < 30; i++)
    {
      guint j;

      for (j = 0; j < 500; j++)
        troupe_ref_send (fixture->router, troupe_message_new ("nothing"));
      troupe_clock_advance (clock, 37);
    }
  g_assert_cmpuint (ask_size (fixture), ==, 2);
}

static void
test_properties (Fixture       *fixture,
                 gconstpointer  data)
{
  g_autoptr (TroupeRouter) router = g_object_new (TROUPE_TYPE_ROUTER, "routing", TROUPE_ROUTING_BROADCAST, "size", 4,
                                                  "max-size", 7, "routee-type", TEST_TYPE_WORKER, NULL);
  TroupeRouting routing;
  guint size;
  guint max_size;
  GType type;

  g_test_summary ("Properties are what they were made to be; the size counts routees, of which there are none before birth.");

  g_object_get (router, "routing", &routing, "size", &size, "max-size", &max_size, "routee-type", &type, NULL);
  g_assert_cmpint (routing, ==, TROUPE_ROUTING_BROADCAST);
  g_assert_cmpuint (size, ==, 0);
  g_assert_cmpuint (max_size, ==, 7);
  g_assert_true (type == TEST_TYPE_WORKER);
}

#define add(path, routing, func) \
  g_test_add ("/troupe/router/" path, Fixture, GINT_TO_POINTER (TROUPE_ROUTING_##routing), set_up, func, tear_down)

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("round-robin", ROUND_ROBIN, test_round_robin);
  add ("ask", ROUND_ROBIN, test_ask);
  add ("random", RANDOM, test_random);
  add ("least-loaded", LEAST_LOADED, test_least_loaded);
  add ("hash", CONSISTENT_HASH, test_hash);
  add ("keys", CONSISTENT_HASH, test_keys);
  add ("own-keys", CONSISTENT_HASH, test_own_keys);
  add ("broadcast", BROADCAST, test_broadcast);
  add ("bodies", BROADCAST, test_bodies);
  add ("pointer", ROUND_ROBIN, test_pointer);
  add ("first", SCATTER_GATHER_FIRST, test_first);
  add ("all-fail", SCATTER_GATHER_FIRST, test_all_fail);
  add ("first-ends", SCATTER_GATHER_FIRST, test_first_ends);
  add ("routee-ends", ROUND_ROBIN, test_routee_ends);
  add ("routee-fails", ROUND_ROBIN, test_routee_fails);
  add ("router-fails", ROUND_ROBIN, test_router_fails);
  add ("nobody/round-robin", ROUND_ROBIN, test_nobody);
  add ("nobody/random", RANDOM, test_nobody);
  add ("nobody/least-loaded", LEAST_LOADED, test_nobody);
  add ("nobody/hash", CONSISTENT_HASH, test_nobody);
  add ("nobody/broadcast", BROADCAST, test_nobody);
  add ("stop", ROUND_ROBIN, test_stop);
  add ("resize", BROADCAST, test_resize);
  add ("build-fails", ROUND_ROBIN, test_build_fails);
  add ("abstract", ROUND_ROBIN, test_abstract);
  add ("grows", ROUND_ROBIN, test_grows);
  add ("stays", ROUND_ROBIN, test_stays);
  add ("properties", ROUND_ROBIN, test_properties);

  return g_test_run ();
}
