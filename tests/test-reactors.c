/* test-reactors.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Systems with several reactors: where actors live, and that all else is as on one thread. */

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "troupe-test.h"

#define N_REACTORS 4

/* An actor that says where it is, counts, spawns and fails. */
#define TEST_TYPE_NODE (test_node_get_type ())
G_DECLARE_FINAL_TYPE (TestNode, test_node, TEST, NODE, TroupeActor)

struct _TestNode
{
  TroupeActor parent_instance;

  gint64      count;
  gint64      n_ended;               /* children */
  gint64      n_failed;              /* of these */
};

G_DEFINE_FINAL_TYPE (TestNode, test_node, TROUPE_TYPE_ACTOR)

static gint n_nodes;                 /* atomic: objects that live */

static gboolean
test_node_where (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  troupe_message_reply_int64 (message, (gint64) (gintptr) g_thread_self ());
  return TRUE;
}

static gboolean
test_node_add (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  TEST_NODE (actor)->count += troupe_message_get_int64 (message);
  return TRUE;
}

static gboolean
test_node_total (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  troupe_message_reply_int64 (message, TEST_NODE (actor)->count);
  return TRUE;
}

static gboolean
test_node_ended (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  troupe_message_reply_int64 (message, TEST_NODE (actor)->n_ended * 1000 + TEST_NODE (actor)->n_failed);
  return TRUE;
}

static gboolean
test_node_fail (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "It was told to");
  return FALSE;
}

static gboolean
test_node_spawn (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  TroupeReactor *reactor = troupe_system_get_nth_reactor (troupe_actor_get_system (actor), troupe_message_get_int64 (message));
  g_autoptr (TroupeRef) child = troupe_actor_spawn_on (actor, reactor, NULL, TEST_TYPE_NODE, error, NULL);

  if (child == NULL)
    return FALSE;

  troupe_message_reply_boxed (message, TROUPE_TYPE_REF, child);
  return TRUE;
}

/* The strategy for its children. */
static gboolean
test_node_supervise (TroupeActor    *actor,
                     TroupeMessage  *message,
                     GError        **error)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);

  troupe_supervision_set_strategy (supervision, (TroupeStrategy) troupe_message_get_int64 (message));
  troupe_supervision_set_back_off (supervision, 0, 0);
  troupe_actor_set_supervision (actor, supervision);
  troupe_message_reply_int64 (message, 0);
  return TRUE;
}

static gint the_directive;           /* atomic: what a node says of its children that fail */

/* Without the warning of the default, which tests of one thread look at. */
static TroupeDirective
test_node_child_failed (TroupeActor  *actor,
                        TroupeRef    *child,
                        const GError *error)
{
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);

  return (TroupeDirective) g_atomic_int_get (&the_directive);
}

static void
test_node_child_terminated (TroupeActor       *actor,
                            TroupeTermination *termination)
{
  TEST_NODE (actor)->n_ended++;
  if (troupe_termination_get_end (termination) == TROUPE_END_FAILED)
    TEST_NODE (actor)->n_failed++;
}

static void
test_node_finalize (GObject *object)
{
  g_atomic_int_add (&n_nodes, -1);
  G_OBJECT_CLASS (test_node_parent_class)->finalize (object);
}

static void
test_node_class_init (TestNodeClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = test_node_finalize;
  actor_class->child_failed = test_node_child_failed;
  actor_class->child_terminated = test_node_child_terminated;
  troupe_actor_class_bind (actor_class, "where", G_TYPE_NONE, test_node_where);
  troupe_actor_class_bind (actor_class, "add", G_TYPE_INT64, test_node_add);
  troupe_actor_class_bind (actor_class, "total", G_TYPE_NONE, test_node_total);
  troupe_actor_class_bind (actor_class, "ended", G_TYPE_NONE, test_node_ended);
  troupe_actor_class_bind (actor_class, "fail", G_TYPE_NONE, test_node_fail);
  troupe_actor_class_bind (actor_class, "spawn", G_TYPE_INT64, test_node_spawn);
  troupe_actor_class_bind (actor_class, "supervise", G_TYPE_INT64, test_node_supervise);
}

static void
test_node_init (TestNode *self)
{
  g_atomic_int_inc (&n_nodes);
}

/* Asking turns the context: nobody else wakes it. */
#define ask_until(condition)                                                    \
  G_STMT_START {                                                                \
    while (!(condition))                                                        \
      continue;                                                                 \
  } G_STMT_END

typedef struct
{
  TroupeSystem *system;
  TroupeRef    *parent;              /* on reactor 1 */
  TroupeRef    *children[N_REACTORS];
} Fixture;

static void
take_number (TroupePromise *promise,
             gpointer       number)
{
  g_assert_no_error (troupe_promise_get_error (promise));
  *(gint64 *) number = troupe_promise_get_int64 (promise);
}

static gint64
ask_number (TroupeRef     *ref,
            TroupeMessage *message)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (ref, message);
  gint64 number = G_MININT64;

  troupe_promise_add_callback (promise, take_number, &number, NULL);
  troupe_test_until (number != G_MININT64);

  return number;
}

static gint64
ask (TroupeRef  *ref,
     const char *question)
{
  return ask_number (ref, troupe_message_new (question));
}

static TroupeRef *
spawn_child (TroupeRef *parent,
             guint      n)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (parent, troupe_message_new_int64 ("spawn", n));
  TroupeRef *child = NULL;

  troupe_promise_add_callback (promise, troupe_test_take_ref, &child, NULL);
  troupe_test_until (child != NULL);

  return child;
}

static TroupeSystem *
new_system (void)
{
  g_autoptr (GError) error = NULL;
  TroupeSystem *system = troupe_system_new_with_reactors (NULL, NULL, N_REACTORS, &error);

  g_assert_no_error (error);
  return system;
}

static void
set_up (Fixture       *self,
        gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  guint i;

  self->system = new_system ();
  self->parent = troupe_system_spawn_on (self->system, troupe_system_get_nth_reactor (self->system, 1), "parent",
                                         TEST_TYPE_NODE, &error, NULL);
  g_assert_no_error (error);
  ask_number (self->parent, troupe_message_new_int64 ("supervise", TROUPE_STRATEGY_ONE_FOR_ONE));
  for (i = 0; i < N_REACTORS; i++)
    self->children[i] = spawn_child (self->parent, i);
}

static void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  guint i;

  troupe_test_system_end (self->system);
  for (i = 0; i < N_REACTORS; i++)
    troupe_ref_unref (self->children[i]);
  troupe_ref_unref (self->parent);
  g_assert_cmpint (g_atomic_int_get (&n_nodes), ==, 0);
}

static void
test_reactors_place (Fixture       *self,
                     gconstpointer  data)
{
  gint64 threads[N_REACTORS];
  guint i;
  guint j;

  g_test_summary ("An actor lives on the reactor that it was spawned on, whatever its parent's is");

  g_assert_cmpuint (troupe_system_get_n_reactors (self->system), ==, N_REACTORS);
  g_assert_true (troupe_system_get_nth_reactor (self->system, 0) == troupe_system_get_reactor (self->system));
  for (i = 0; i < N_REACTORS; i++)
    {
      threads[i] = ask (self->children[i], "where");
      for (j = 0; j < i; j++)
        g_assert_cmpint (threads[i], !=, threads[j]);
    }
  g_assert_cmpint (threads[0], ==, (gint64) (gintptr) g_thread_self ());
  g_assert_cmpint (ask (self->parent, "where"), ==, threads[1]);
}

static void
test_reactors_restart (Fixture       *self,
                       gconstpointer  data)
{
  TroupeStrategy strategy = (TroupeStrategy) GPOINTER_TO_UINT (data);
  gint64 where[N_REACTORS];
  guint i;

  g_test_summary ("Children are restarted where they live, as the strategy says");

  g_atomic_int_set (&the_directive, TROUPE_DIRECTIVE_RESTART);
  ask_number (self->parent, troupe_message_new_int64 ("supervise", strategy));
  for (i = 0; i < N_REACTORS; i++)
    {
      where[i] = ask (self->children[i], "where");
      troupe_ref_send (self->children[i], troupe_message_new_int64 ("add", 1 + i));
      g_assert_cmpint (ask (self->children[i], "total"), ==, 1 + i);
    }

  troupe_ref_send (self->children[2], troupe_message_new ("fail"));
  ask_until (ask (self->children[2], "total") == 0);
  for (i = 0; i < N_REACTORS; i++)
    {
      gboolean affected = strategy == TROUPE_STRATEGY_ONE_FOR_ALL || i == 2 || (i > 2 && strategy == TROUPE_STRATEGY_REST_FOR_ONE);

      if (affected)
        ask_until (ask (self->children[i], "total") == 0);
      else
        g_assert_cmpint (ask (self->children[i], "total"), ==, 1 + i);
      g_assert_cmpint (ask (self->children[i], "where"), ==, where[i]);
    }
  g_assert_cmpint (ask (self->parent, "ended"), ==, 0);
}

static void
test_reactors_resume (Fixture       *self,
                      gconstpointer  data)
{
  guint i;

  g_test_summary ("A child on another reactor that is resumed goes on as it was");

  g_atomic_int_set (&the_directive, TROUPE_DIRECTIVE_RESUME);
  for (i = 0; i < N_REACTORS; i++)
    {
      troupe_ref_send (self->children[i], troupe_message_new_int64 ("add", 7));
      troupe_ref_send (self->children[i], troupe_message_new ("fail"));
      g_assert_cmpint (ask (self->children[i], "total"), ==, 7);
    }
}

static void
test_reactors_stop (Fixture       *self,
                    gconstpointer  data)
{
  guint i;

  g_test_summary ("A child on another reactor that is stopped because it failed is gone, and its parent is told");

  g_atomic_int_set (&the_directive, TROUPE_DIRECTIVE_STOP);
  for (i = 0; i < N_REACTORS; i++)
    {
      troupe_ref_send (self->children[i], troupe_message_new ("fail"));
      ask_until (ask (self->parent, "ended") == (i + 1) * 1001);
    }
}

static void
test_reactors_escalate (Fixture       *self,
                        gconstpointer  data)
{
  g_autoptr (TroupeRef) middle = spawn_child (self->parent, 2);
  G_GNUC_UNUSED g_autoptr (TroupeRef) leaf = spawn_child (middle, 3);

  g_test_summary ("What is escalated to a parent that is resumed, or restarted, on another reactor goes on, or ends");

  g_atomic_int_set (&the_directive, TROUPE_DIRECTIVE_RESTART);
  troupe_ref_send (middle, troupe_message_new_int64 ("add", 5));
  troupe_ref_send (middle, troupe_message_new ("fail"));
  ask_until (ask (middle, "total") == 0);
  ask_until (ask (self->parent, "total") == 0 && troupe_system_get_n_actors (self->system) == N_REACTORS + 2);
}

static void
take_string (TroupePromise *promise,
             gpointer       text)
{
  *(char **) text = g_strdup (troupe_promise_get_string (promise));
}

static char *
describe (TroupeSystem *system)
{
  g_autoptr (TroupePromise) promise = troupe_system_describe_tree (system);
  char *text = NULL;

  troupe_promise_add_callback (promise, take_string, &text, NULL);
  troupe_test_until (text != NULL);

  return text;
}

static void
test_reactors_tree (Fixture       *self,
                    gconstpointer  data)
{
  g_autoptr (TroupeRef) below = spawn_child (self->children[2], 0);
  g_autoptr (TroupeRef) further_below = spawn_child (below, 3);
  g_autoptr (GString) expected = g_string_new ("/ TroupeActor: live, 0 waiting, 0 restarts\n"
                                               "  /parent TestNode: live, 0 waiting, 0 restarts\n");
  g_autofree char *all = NULL;
  g_autofree char *own = NULL;
  guint i;

  g_test_summary ("The tree of all actors is described in order, wherever they live; or of those on the system's own reactor");

  for (i = 0; i < N_REACTORS; i++)
    {
      g_autofree char *path = troupe_ref_dup_path (self->children[i]);

      ask (self->children[i], "total");
      g_string_append_printf (expected, "    %s TestNode: live, 0 waiting, 0 restarts\n", path);
      if (i == 2)
        {
          g_autofree char *second = troupe_ref_dup_path (below);
          g_autofree char *third = troupe_ref_dup_path (further_below);

          g_string_append_printf (expected, "      %s TestNode: live, 0 waiting, 0 restarts\n"
                                            "        %s TestNode: live, 0 waiting, 0 restarts\n", second, third);
        }
    }
  ask (further_below, "total");
  ask (self->parent, "total");

  all = describe (self->system);
  g_assert_cmpstr (all, ==, expected->str);
  own = troupe_system_dump_tree (self->system);
  g_assert_cmpstr (own, ==, "/ TroupeActor: live, 0 waiting, 0 restarts\n  /parent TestNode: on another reactor\n");
}

static void
test_reactors_tree_ended (void)
{
  TroupeSystem *system = g_object_ref (new_system ());
  g_autofree char *text = NULL;

  g_test_summary ("Of a system that has ended there is nothing to describe");

  troupe_test_system_end (system);
  text = describe (system);
  g_assert_cmpstr (text, ==, "");
  g_object_unref (system);
}

static void
expect_stopped (TroupePromise *promise,
                gpointer       n_rejected)
{
  g_assert_error (troupe_promise_get_error (promise), TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  ++*(guint *) n_rejected;
  troupe_promise_return_nothing (promise);
}

static void
test_reactors_shutdown_asks (void)
{
  guint n_rejected = 0;
  TroupeSystem *system = new_system ();
  TroupeRef *refs[N_REACTORS];
  guint i;

  g_test_summary ("What is sent to actors of reactors that have ended is a dead letter, and what is asked is rejected");

  for (i = 0; i < N_REACTORS; i++)
    refs[i] = troupe_system_spawn_on (system, troupe_system_get_nth_reactor (system, i), NULL, TEST_TYPE_NODE, NULL, NULL);
  g_object_ref (system);
  troupe_test_system_end (system);

  for (i = 0; i < N_REACTORS; i++)
    {
      g_autoptr (TroupePromise) promise = troupe_ref_ask (refs[i], troupe_message_new ("total"));
      guint64 n_letters = troupe_system_get_n_dead_letters (system);

      troupe_promise_add_errback (promise, expect_stopped, &n_rejected, NULL);
      troupe_test_until (n_rejected == i + 1);
      troupe_ref_send (refs[i], troupe_message_new_int64 ("add", 1));
      g_assert_cmpuint (troupe_system_get_n_dead_letters (system), ==, n_letters + 1);
      troupe_ref_unref (refs[i]);
    }
  g_object_unref (system);
}

/* Whatever one has to wait for is on the other's threads too. */
static void
test_reactors_two (void)
{
  TroupeSystem *systems[2] = { new_system (), new_system () };
  TroupeRef *refs[2][N_REACTORS];
  guint i;
  guint j;

  g_test_summary ("Two systems on one context, each with reactors of its own, end apart");

  g_assert_true (troupe_system_get_nth_reactor (systems[0], 0) == troupe_system_get_nth_reactor (systems[1], 0));
  g_assert_false (troupe_system_get_nth_reactor (systems[0], 1) == troupe_system_get_nth_reactor (systems[1], 1));
  for (i = 0; i < 2; i++)
    for (j = 0; j < N_REACTORS; j++)
      {
        refs[i][j] = troupe_system_spawn_on (systems[i], troupe_system_get_nth_reactor (systems[i], j), NULL, TEST_TYPE_NODE, NULL, NULL);
        g_assert_cmpint (ask (refs[i][j], "total"), ==, 0);
      }

  troupe_test_system_end (systems[0]);
  for (j = 0; j < N_REACTORS; j++)
    {
      g_assert_true (troupe_ref_has_ended (refs[0][j]));
      g_assert_cmpint (ask (refs[1][j], "total"), ==, 0);
      troupe_ref_unref (refs[0][j]);
      troupe_ref_unref (refs[1][j]);
    }
  troupe_test_system_end (systems[1]);
}

static void
test_reactors_bad_number (gconstpointer text)
{
  g_autofree char *before = g_strdup (g_getenv ("TROUPE_REACTORS"));
  g_autoptr (GError) error = NULL;

  g_test_summary ("A number of reactors that is none is an error, and not one reactor");

  g_setenv ("TROUPE_REACTORS", text, TRUE);
  g_assert_null (troupe_system_new (NULL, NULL, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, text));

  if (before != NULL)
    g_setenv ("TROUPE_REACTORS", before, TRUE);
  else
    g_unsetenv ("TROUPE_REACTORS");
}

static void
test_reactors_environment (void)
{
  g_autofree char *before = g_strdup (g_getenv ("TROUPE_REACTORS"));
  TroupeSystem *system;

  g_test_summary ("TROUPE_REACTORS says how many there are where the program does not");

  g_setenv ("TROUPE_REACTORS", "3", TRUE);
  system = troupe_test_system_new ();
  g_assert_cmpuint (troupe_system_get_n_reactors (system), ==, 3);
  troupe_test_system_end (system);
  system = new_system ();
  g_assert_cmpuint (troupe_system_get_n_reactors (system), ==, N_REACTORS);
  troupe_test_system_end (system);
  g_setenv ("TROUPE_REACTORS", "", TRUE);
  system = troupe_test_system_new ();
  g_assert_cmpuint (troupe_system_get_n_reactors (system), ==, 1);
  troupe_test_system_end (system);

  if (before != NULL)
    g_setenv ("TROUPE_REACTORS", before, TRUE);
  else
    g_unsetenv ("TROUPE_REACTORS");
}

static void
test_reactors_bad_backend (void)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("A system with a backend that there is not is not made, and leaves nothing behind");

  g_assert_null (troupe_system_new_with_reactors (NULL, "carrier-pigeon", N_REACTORS, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_NO_BACKEND);
  troupe_test_system_end (new_system ());
}

/* So many threads are too many for 1 GiB of addresses. */
static void
test_reactors_too_many (void)
{
#if defined (__SANITIZE_ADDRESS__) || defined (__SANITIZE_THREAD__)
  g_test_skip ("Sanitizers need all addresses");
#else
  g_autoptr (GError) error = NULL;
  struct rlimit limit;
  struct rlimit before;

  g_test_summary ("If there cannot be so many threads, the system is not made, and those there were have ended");

  if (g_strrstr (g_getenv ("LD_PRELOAD") != NULL ? g_getenv ("LD_PRELOAD") : "", "vgpreload") != NULL)
    {
      g_test_skip ("Valgrind needs all addresses");
      return;
    }

  g_assert_cmpint (getrlimit (RLIMIT_AS, &before), ==, 0);
  limit = before;
  limit.rlim_cur = 1024 * 1024 * 1024;
  g_assert_cmpint (setrlimit (RLIMIT_AS, &limit), ==, 0);
  g_assert_null (troupe_system_new_with_reactors (NULL, NULL, 1024, &error));
  g_assert_cmpint (setrlimit (RLIMIT_AS, &before), ==, 0);
  g_assert_error (error, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN);
  troupe_test_system_end (new_system ());
#endif
}

/* A success ends by a signal: a checker would take what only the threads that are not there knew for leaks. */
static void
use_after_fork (TroupeSystem *system)
{
  g_autoptr (TroupeRef) ref = NULL;
  guint i;

  for (i = 0; i < N_REACTORS; i++)
    {
      g_clear_pointer (&ref, troupe_ref_unref);
      ref = troupe_system_spawn_on (system, troupe_system_get_nth_reactor (system, i), NULL, TEST_TYPE_NODE, NULL, NULL);
      troupe_ref_send (ref, troupe_message_new ("total"));
    }

  if (troupe_system_get_n_dead_letters (system) == N_REACTORS)
    kill (getpid (), SIGKILL);
}

static void
test_reactors_fork (Fixture       *self,
                    gconstpointer  data)
{
  pid_t child;
  int status;

  g_test_summary ("The child of a fork, which has none of the threads, is refused the system too; the parent's goes on");

  ask (self->children[3], "total");
  child = fork ();
  if (child == 0)
    {
      use_after_fork (self->system);
      _exit (1);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
  g_assert_cmpint (ask (self->children[3], "total"), ==, 0);
}

static void
test_reactors_pick (void)
{
  TroupeSystem *system = new_system ();
  guint used[N_REACTORS] = { 0 };
  guint i;
  guint j;

  g_test_summary ("A key gives the same reactor each time; without one, the one with the fewest actors");

  g_assert_true (troupe_system_pick_reactor (system, "a") == troupe_system_pick_reactor (system, "a"));
  for (i = 0; i < 10 * N_REACTORS; i++)
    {
      TroupeReactor *reactor = troupe_system_pick_reactor (system, NULL);

      troupe_ref_unref (troupe_system_spawn_on (system, reactor, NULL, TEST_TYPE_NODE, NULL, NULL));
      for (j = 0; j < N_REACTORS; j++)
        used[j] += reactor == troupe_system_get_nth_reactor (system, j);
    }
  for (j = 0; j < N_REACTORS; j++)
    {
      g_assert_cmpuint (used[j], ==, 10);
      g_assert_cmpuint (troupe_reactor_get_n_actors (troupe_system_get_nth_reactor (system, j)), ==, 10);
    }
  troupe_test_system_end (system);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, data, func) g_test_add ("/troupe/reactors/" path, Fixture, GUINT_TO_POINTER (data), set_up, func, tear_down)
  ADD ("place", 0, test_reactors_place);
  ADD ("restart/one-for-one", TROUPE_STRATEGY_ONE_FOR_ONE, test_reactors_restart);
  ADD ("restart/one-for-all", TROUPE_STRATEGY_ONE_FOR_ALL, test_reactors_restart);
  ADD ("restart/rest-for-one", TROUPE_STRATEGY_REST_FOR_ONE, test_reactors_restart);
  ADD ("resume", 0, test_reactors_resume);
  ADD ("stop", 0, test_reactors_stop);
  ADD ("escalate", 0, test_reactors_escalate);
  ADD ("tree", 0, test_reactors_tree);
  g_test_add_func ("/troupe/reactors/tree/ended", test_reactors_tree_ended);
  g_test_add_func ("/troupe/reactors/shutdown/asks", test_reactors_shutdown_asks);
  g_test_add_func ("/troupe/reactors/pick", test_reactors_pick);
  g_test_add_func ("/troupe/reactors/two", test_reactors_two);
  g_test_add_func ("/troupe/reactors/environment", test_reactors_environment);
  g_test_add_data_func ("/troupe/reactors/bad/zero", "0", test_reactors_bad_number);
  g_test_add_data_func ("/troupe/reactors/bad/many", "1025", test_reactors_bad_number);
  g_test_add_data_func ("/troupe/reactors/bad/text", "four", test_reactors_bad_number);
  g_test_add_func ("/troupe/reactors/bad/backend", test_reactors_bad_backend);
  g_test_add_func ("/troupe/reactors/bad/threads", test_reactors_too_many);
  ADD ("fork", 0, test_reactors_fork);

  return g_test_run ();
}
