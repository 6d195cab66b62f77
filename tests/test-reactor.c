/* test-reactor.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>

#include "troupe-test.h"

/* Choosing a backend is once in a process: those tests run in processes of their own. */

static void
assert_backend (const char *name)
{
  TroupeSystem *system = troupe_test_system_new ();

  g_assert_cmpstr (troupe_reactor_get_backend_name (troupe_system_get_reactor (system)), ==, name);
  troupe_test_system_end (system);
}

static void
install (const char *name)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (troupe_reactor_install (name, &error));
  g_assert_no_error (error);
}

static void
in_default (void)
{
  g_autoptr (GError) error = NULL;

  assert_backend ("epoll");
  g_assert_false (troupe_reactor_install ("poll", &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_INSTALLED);
  g_assert_cmpstr (error->message, ==, "Cannot install the backend “poll”: one is installed already");
}

static void
in_install (void)
{
  g_autoptr (GError) error = NULL;

  install ("poll");
  g_assert_false (troupe_reactor_install ("epoll", &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_INSTALLED);
  assert_backend ("poll");
}

static void
in_environment (void)
{
  assert_backend ("poll");
}

static void
in_bad_environment (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (troupe_system_new (NULL, NULL, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_NO_BACKEND);
  g_assert_cmpstr (error->message, ==, "There is no usable backend “kqueue”; usable are: epoll, poll");
}

static void
run_apart (void       (*func) (void),
           const char  *environment)
{
  g_autofree char *before = g_strdup (g_getenv ("TROUPE_REACTOR"));

  if (g_test_subprocess ())
    {
      func ();
      return;
    }

  if (environment != NULL)
    g_setenv ("TROUPE_REACTOR", environment, TRUE);
  else
    g_unsetenv ("TROUPE_REACTOR");
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();

  if (before != NULL)
    g_setenv ("TROUPE_REACTOR", before, TRUE);
  else
    g_unsetenv ("TROUPE_REACTOR");
}

static void
test_default (void)
{
  g_test_summary ("The default is epoll; after first use nothing can be installed.");
  run_apart (in_default, NULL);
}

static void
test_install (void)
{
  g_test_summary ("One backend can be installed before first use.");
  run_apart (in_install, NULL);
}

static void
test_environment (void)
{
  g_test_summary ("TROUPE_REACTOR chooses the backend.");
  run_apart (in_environment, "poll");
}

static void
test_bad_environment (void)
{
  g_test_summary ("An unknown name in TROUPE_REACTOR is an error that lists the usable ones.");
  run_apart (in_bad_environment, "kqueue");
}

static void
test_unknown (void)
{
  g_auto (GStrv) names = troupe_reactor_list_backends ();
  g_autoptr (GError) error = NULL;

  g_test_summary ("An unknown backend is refused, with a list of those there are.");

  g_assert_cmpstr (names[0], ==, "epoll");
  g_assert_cmpstr (names[1], ==, "poll");
  g_assert_null (names[2]);
  g_assert_false (troupe_reactor_install ("select", &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_NO_BACKEND);
  g_assert_cmpstr (error->message, ==, "There is no usable backend “select”; usable are: epoll, poll");
  g_clear_error (&error);
  g_assert_null (troupe_system_new (NULL, "select", &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_NO_BACKEND);
}

static void
test_own_backend (void)
{
  g_autoptr (GError) error = NULL;
  TroupeSystem *first = troupe_system_new (NULL, "epoll", &error);
  TroupeSystem *second = troupe_system_new (NULL, "poll", &error);

  g_test_summary ("A system may name a backend of its own; then it has a reactor of its own.");

  g_assert_no_error (error);
  g_assert_cmpstr (troupe_reactor_get_backend_name (troupe_system_get_reactor (first)), ==, "epoll");
  g_assert_cmpstr (troupe_reactor_get_backend_name (troupe_system_get_reactor (second)), ==, "poll");
  troupe_test_system_end (second);
  troupe_test_system_end (first);
}

static void
test_priority (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  TroupeReactor *reactor = troupe_system_get_reactor (system);

  g_test_summary ("The source has the default priority, and another if asked.");

  g_assert_cmpint (troupe_reactor_get_priority (reactor), ==, G_PRIORITY_DEFAULT);
  troupe_reactor_set_priority (reactor, G_PRIORITY_LOW);
  g_assert_cmpint (troupe_reactor_get_priority (reactor), ==, G_PRIORITY_LOW);
  troupe_reactor_set_priority (reactor, G_PRIORITY_DEFAULT);
  g_assert_true (troupe_reactor_get_context (reactor) == g_main_context_default ());
  troupe_test_system_end (system);
}

/* An actor that never runs out of work. */

#define TEST_TYPE_FLOOD (test_flood_get_type ())
G_DECLARE_FINAL_TYPE (TestFlood, test_flood, TEST, FLOOD, TroupeActor)

struct _TestFlood
{
  TroupeActor parent_instance;
};

G_DEFINE_FINAL_TYPE (TestFlood, test_flood, TROUPE_TYPE_ACTOR)

static guint64 n_turns;

static gboolean
on_again (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  n_turns++;
  troupe_ref_send (troupe_actor_get_ref (actor), troupe_message_new ("again"));
  return TRUE;
}

static void
test_flood_class_init (TestFloodClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "again", G_TYPE_NONE, on_again);
}

static void
test_flood_init (TestFlood *self)
{
}

typedef struct
{
  guint   n;
  guint64 turns[64];
} Looks;

static gboolean
look (gpointer data)
{
  Looks *looks = data;

  looks->turns[looks->n++] = n_turns;

  return looks->n < G_N_ELEMENTS (looks->turns);
}

static void
test_yield (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) flood = troupe_system_spawn (system, NULL, TEST_TYPE_FLOOD, NULL, NULL);
  Looks looks = { 0 };
  guint i;

  g_test_summary ("A flood of messages lets idle sources have every second iteration, after 512 turns at most.");

  troupe_ref_send (flood, troupe_message_new ("again"));
  troupe_test_until (n_turns > 0);
  g_idle_add (look, &looks);
  troupe_test_until (looks.n == G_N_ELEMENTS (looks.turns));

  for (i = 1; i < looks.n; i++)
    {
      g_assert_cmpuint (looks.turns[i] - looks.turns[i - 1], <=, 512);
      g_assert_cmpuint (looks.turns[i] - looks.turns[i - 1], >, 0);
    }
  troupe_test_system_end (system);
}

static void
on_time_never (TroupeTimer *timer,
               gpointer     data)
{
  g_assert_not_reached ();
}

static void
test_one_source (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (GPtrArray) refs = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_ref_unref);
  gboolean polls = g_str_equal (troupe_reactor_get_backend_name (troupe_system_get_reactor (system)), "poll");
  GPollFD fds[8];
  int timeout;
  int priority;
  guint i;

  g_test_summary ("A thousand actors and timers are one source and one file descriptor to the main context.");

  for (i = 0; i < 1000; i++)
    {
      g_ptr_array_add (refs, troupe_system_spawn (system, NULL, TEST_TYPE_FLOOD, NULL, NULL));
      troupe_timer_unref (troupe_reactor_call_later (troupe_system_get_reactor (system), 60000,
                                                     on_time_never, NULL, NULL));
    }
  troupe_test_settle ();

  g_assert_true (g_main_context_acquire (g_main_context_default ()));
  g_main_context_prepare (g_main_context_default (), &priority);
  /* The context's own wake-up descriptor, and ours; “poll” has no set to put its wake-up in. */
  g_assert_cmpint (g_main_context_query (g_main_context_default (), G_MAXINT, &timeout, fds, G_N_ELEMENTS (fds)), <=, polls ? 3 : 2);
  g_main_context_release (g_main_context_default ());

  {
    g_autoptr (GPtrArray) timers = troupe_reactor_dup_timers (troupe_system_get_reactor (system));

    g_assert_cmpuint (timers->len, ==, 1000);
    for (i = 0; i < timers->len; i++)
      troupe_timer_cancel (g_ptr_array_index (timers, i), NULL);
  }
  troupe_test_system_end (system);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/reactor/default", test_default);
  g_test_add_func ("/troupe/reactor/install", test_install);
  g_test_add_func ("/troupe/reactor/environment", test_environment);
  g_test_add_func ("/troupe/reactor/bad-environment", test_bad_environment);
  g_test_add_func ("/troupe/reactor/unknown", test_unknown);
  g_test_add_func ("/troupe/reactor/own-backend", test_own_backend);
  g_test_add_func ("/troupe/reactor/priority", test_priority);
  g_test_add_func ("/troupe/reactor/yield", test_yield);
  g_test_add_func ("/troupe/reactor/one-source", test_one_source);

  return g_test_run ();
}
