/* test-behaviour.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "troupe-test.h"
#include "troupe-test-trace.h"

/* A door tells what is done to it. It is opened and closed by what it is told, and can be asked about in any state. */

#define TEST_TYPE_DOOR (test_door_get_type ())
G_DECLARE_DERIVABLE_TYPE (TestDoor, test_door, TEST, DOOR, TroupeActor)

struct _TestDoorClass
{
  TroupeActorClass parent_class;
};

G_DEFINE_TYPE (TestDoor, test_door, TROUPE_TYPE_ACTOR)

static gboolean
on_open (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  say ("opens");
  troupe_actor_become (actor, "open");
  return TRUE;
}

static gboolean
on_walk (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  say ("walked-through");
  return TRUE;
}

static gboolean
on_close (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  say ("closes");
  troupe_actor_unbecome (actor);
  return TRUE;
}

static gboolean
on_lock (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  troupe_actor_become (actor, "locked");
  return TRUE;
}

static gboolean
on_locked_open (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  say ("rattles");
  return TRUE;
}

static gboolean
on_state (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  const char *behaviour = troupe_actor_get_behaviour (actor);

  say (behaviour != NULL ? behaviour : "closed");
  return TRUE;
}

static gboolean
on_fly (TroupeActor    *actor,
        TroupeMessage  *message,
        GError        **error)
{
  troupe_actor_become (actor, "flying");
  return TRUE;
}

static void
test_door_class_init (TestDoorClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  troupe_actor_class_bind (actor_class, "state", G_TYPE_NONE, on_state);
  troupe_actor_class_bind (actor_class, "open", G_TYPE_NONE, on_open);
  troupe_actor_class_bind (actor_class, "fly", G_TYPE_NONE, on_fly);
  troupe_actor_class_bind_in (actor_class, "open", "walk", G_TYPE_NONE, on_walk);
  troupe_actor_class_bind_in (actor_class, "open", "close", G_TYPE_NONE, on_close);
  troupe_actor_class_bind_in (actor_class, "open", "lock", G_TYPE_NONE, on_lock);
  troupe_actor_class_bind_in (actor_class, "locked", "open", G_TYPE_NONE, on_locked_open);
}

static void
test_door_init (TestDoor *self)
{
}

/* A gate begins open, can be looked at in a behaviour of its own, and does not mind locks. */

#define TEST_TYPE_GATE (test_gate_get_type ())
G_DECLARE_FINAL_TYPE (TestGate, test_gate, TEST, GATE, TestDoor)

struct _TestGate
{
  TestDoor parent_instance;
};

G_DEFINE_FINAL_TYPE (TestGate, test_gate, TEST_TYPE_DOOR)

static gboolean
on_gate_walk (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  say ("driven-through");
  return TRUE;
}

static gboolean
on_gate_close (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  say ("gate-closes");
  troupe_actor_become (actor, "shut");
  return TRUE;
}

static gboolean
test_gate_started (TroupeActor  *actor,
                   GError       **error)
{
  troupe_actor_become (actor, "open");
  return TRUE;
}

static void
test_gate_class_init (TestGateClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  actor_class->started = test_gate_started;
  troupe_actor_class_bind_in (actor_class, "open", "walk", G_TYPE_NONE, on_gate_walk);
  troupe_actor_class_bind_in (actor_class, "shut", "open", G_TYPE_NONE, on_open);
  /* The parent has bound it in the behaviour, which goes first. */
  troupe_actor_class_bind (actor_class, "close", G_TYPE_NONE, on_gate_close);
}

static void
test_gate_init (TestGate *self)
{
}

static void
test_with (GType       type,
           const char *words,
           const char *expected)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) actor = troupe_system_spawn (system, NULL, type, NULL, NULL);
  g_auto (GStrv) names = g_strsplit (words, " ", -1);
  guint i;

  for (i = 0; names[i] != NULL; i++)
    troupe_ref_send (actor, troupe_message_new (names[i]));
  troupe_test_settle ();
  assert_trace (expected);

  troupe_test_system_end (system);
}

static void
test_become (void)
{
  g_test_summary ("What is bound in a behaviour is handled while the actor has it, from the next message on");

  test_with (TEST_TYPE_DOOR, "state open state walk close state", "closed opens open walked-through closes closed");
}

static void
test_replace (void)
{
  g_test_summary ("A behaviour replaces the one before; unbecoming leaves none, however many there were");

  test_with (TEST_TYPE_DOOR, "open lock open state", "opens rattles locked");
  test_with (TEST_TYPE_DOOR, "open open close state", "opens opens closes closed");
}

static void
take_away (TroupePromise *promise,
           gpointer       user_data)
{
  troupe_promise_return_nothing (promise);
}

static void
test_unhandled (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) door = troupe_system_spawn (system, NULL, TEST_TYPE_DOOR, NULL, NULL);
  g_autoptr (TroupePromise) walk = troupe_ref_ask (door, troupe_message_new ("walk"));

  g_test_summary ("What is bound in another behaviour only is not understood");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_MESSAGE, "*does not understand “walk”*");
  troupe_test_until (troupe_promise_is_resolved (walk));
  g_test_assert_expected_messages ();
  g_assert_error (troupe_promise_get_error (walk), TROUPE_ERROR, TROUPE_ERROR_UNHANDLED);
  troupe_promise_add_errback (walk, take_away, NULL, NULL);

  troupe_test_system_end (system);
}

static void
test_inherited (void)
{
  g_test_summary ("Behaviours are inherited and added to; a binding in one goes before a child's without; started may choose one");

  test_with (TEST_TYPE_GATE, "state walk close state close open walk",
             "open driven-through closes closed gate-closes opens driven-through");
}

static void
test_unknown (void)
{
  g_test_summary ("A behaviour in which nothing is bound is a mistake, and changes nothing");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "TestDoor has nothing bound in a behaviour “flying”");
  test_with (TEST_TYPE_DOOR, "open fly state", "opens open");
  g_test_assert_expected_messages ();
}

static void
test_apart (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) one = troupe_system_spawn (system, NULL, TEST_TYPE_DOOR, NULL, NULL);
  g_autoptr (TroupeRef) other = troupe_system_spawn (system, NULL, TEST_TYPE_DOOR, NULL, NULL);

  g_test_summary ("Actors of one class have each their own");

  troupe_ref_send (one, troupe_message_new ("open"));
  troupe_ref_send (one, troupe_message_new ("state"));
  troupe_test_settle ();
  troupe_ref_send (other, troupe_message_new ("state"));
  troupe_test_settle ();
  assert_trace ("opens open closed");

  troupe_test_system_end (system);
}

int
main (int   argc,
      char *argv[])
{
  int status;

  g_test_init (&argc, &argv, NULL);
  trace = g_string_new (NULL);

  g_test_add_func ("/troupe/behaviour/become", test_become);
  g_test_add_func ("/troupe/behaviour/replace", test_replace);
  g_test_add_func ("/troupe/behaviour/unhandled", test_unhandled);
  g_test_add_func ("/troupe/behaviour/inherited", test_inherited);
  g_test_add_func ("/troupe/behaviour/unknown", test_unknown);
  g_test_add_func ("/troupe/behaviour/apart", test_apart);

  status = g_test_run ();
  g_string_free (trace, TRUE);
  return status;
}
