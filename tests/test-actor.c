/* test-actor.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "troupe-test.h"

/* What the actors of these tests have done, in order. */
static GString *story;

static void G_GNUC_PRINTF (1, 2)
tell (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (story->len > 0)
    g_string_append_c (story, ' ');
  g_string_append_vprintf (story, format, args);
  va_end (args);
}

#define assert_story(expected)              \
  G_STMT_START {                            \
    g_assert_cmpstr (story->str, ==, expected); \
    g_string_truncate (story, 0);           \
  } G_STMT_END

/* An actor that does what it is told, and tells the story of it. */

#define TEST_TYPE_PLAYER (test_player_get_type ())
G_DECLARE_DERIVABLE_TYPE (TestPlayer, test_player, TEST, PLAYER, TroupeActor)

struct _TestPlayerClass
{
  TroupeActorClass parent_class;
};

typedef struct
{
  char           *label;
  gint64          total;
  gboolean        refuses_to_start;
  TroupeResolver *owed;
  TroupeMessage  *kept;
} TestPlayerPrivate;

enum { PROP_0, PROP_LABEL, PROP_REFUSES_TO_START, N_PROPS };

G_DEFINE_TYPE_WITH_PRIVATE (TestPlayer, test_player, TROUPE_TYPE_ACTOR)

static GParamSpec *properties[N_PROPS];

static TestPlayerPrivate *
priv_of (gpointer actor)
{
  return test_player_get_instance_private (TEST_PLAYER (actor));
}

static const char *
label_of (gpointer actor)
{
  return priv_of (actor)->label != NULL ? priv_of (actor)->label : "player";
}

static gboolean
on_add (TroupeActor    *actor,
        TroupeMessage  *message,
        GError        **error)
{
  priv_of (actor)->total += troupe_message_get_int64 (message);
  return TRUE;
}

static gboolean
on_total (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  troupe_message_reply_int64 (message, priv_of (actor)->total);
  return TRUE;
}

static gboolean
on_say (TroupeActor    *actor,
        TroupeMessage  *message,
        GError        **error)
{
  tell ("%s:%s", label_of (actor), troupe_message_get_string (message));
  return TRUE;
}

static gboolean
on_fail (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "no room");
  return FALSE;
}

static gboolean
on_silent (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  g_clear_pointer (&priv_of (actor)->kept, troupe_message_unref);
  priv_of (actor)->kept = troupe_message_ref (message);
  return TRUE;
}

static gboolean
on_later (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  g_clear_pointer (&priv_of (actor)->owed, troupe_resolver_unref);
  priv_of (actor)->owed = troupe_message_defer_reply (message);
  return TRUE;
}

static gboolean
on_now (TroupeActor    *actor,
        TroupeMessage  *message,
        GError        **error)
{
  g_assert_true (troupe_resolver_resolve_int64 (priv_of (actor)->owed, 7, NULL));
  return TRUE;
}

static gboolean
on_hand_on (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  troupe_message_forward (message, troupe_message_get_boxed (message));
  return TRUE;
}

static gboolean
on_who (TroupeActor    *actor,
        TroupeMessage  *message,
        GError        **error)
{
  g_autofree char *path = troupe_message_get_sender (message) != NULL
                            ? troupe_ref_dup_path (troupe_message_get_sender (message))
                            : g_strdup ("nobody");

  troupe_message_reply_string (message, path);
  return TRUE;
}

static gboolean
on_ask_who (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  TroupePromise *answer = troupe_ref_ask (troupe_message_get_boxed (message), troupe_message_new ("who"));

  troupe_message_reply_promise (message, answer);
  return TRUE;
}

static gboolean
on_send_silent (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  troupe_ref_send (troupe_message_get_boxed (message), troupe_message_new ("silent"));
  return TRUE;
}

static gboolean
on_hear (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  tell ("%s:%s", label_of (actor), (const char *) g_bytes_get_data (troupe_message_get_bytes (message), NULL));
  /* Kept beyond the turn, and sent on. */
  g_clear_pointer (&priv_of (actor)->kept, troupe_message_unref);
  priv_of (actor)->kept = troupe_message_ref (message);
  return TRUE;
}

static gboolean
on_pass_on (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  troupe_ref_send (troupe_message_get_boxed (message), g_steal_pointer (&priv_of (actor)->kept));
  return TRUE;
}

static gboolean
on_kept_sender (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  g_autofree char *path = troupe_ref_dup_path (troupe_message_get_sender (priv_of (actor)->kept));

  troupe_message_reply_string (message, path);
  return TRUE;
}

static gboolean
on_send_self (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  tell ("begin");
  troupe_ref_send (troupe_actor_get_ref (actor), troupe_message_new_string ("say", "self"));
  tell ("end");
  return TRUE;
}

static gboolean
on_spawn (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  const char *name = troupe_message_get_string (message);
  g_autoptr (TroupeRef) child = troupe_actor_spawn (actor, name, TEST_TYPE_PLAYER, error,
                                                    "label", name, NULL);

  if (child == NULL)
    return FALSE;
  if (troupe_message_wants_reply (message))
    troupe_message_reply_boxed (message, TROUPE_TYPE_REF, child);
  return TRUE;
}

static gboolean
on_watch (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  troupe_actor_watch (actor, troupe_message_get_boxed (message));
  return TRUE;
}

static gboolean
on_unwatch (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  troupe_actor_unwatch (actor, troupe_message_get_boxed (message));
  return TRUE;
}

static const char *
end_nick (TroupeTermination *termination)
{
  static const char *const nicks[] = { "stopped", "failed", "killed" };

  return nicks[troupe_termination_get_end (termination)];
}

static gboolean
on_terminated (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  TroupeTermination *termination = troupe_message_get_termination (message);
  g_autofree char *path = troupe_ref_dup_path (troupe_termination_get_actor (termination));
  const GError *reason = troupe_termination_get_error (termination);

  tell ("%s:saw %s %s%s%s", label_of (actor), path, end_nick (termination),
        reason != NULL ? " " : "", reason != NULL ? reason->message : "");
  return TRUE;
}

static void
on_timer (TroupeTimer *timer,
          gpointer     label)
{
  g_assert_false (troupe_timer_is_active (timer));
  tell ("timer:%s", (char *) label);
}

static gboolean
on_call_later (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  troupe_timer_unref (troupe_actor_call_later (actor, troupe_message_get_int64 (message), on_timer,
                                               g_strdup (label_of (actor)), g_free));
  return TRUE;
}

static gboolean
on_nest (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  gboolean *done = troupe_message_get_pointer (message);

  tell ("nest");
  troupe_test_until (*done);
  tell ("unnest");
  return TRUE;
}

static gboolean
on_set (TroupeActor    *actor,
        TroupeMessage  *message,
        GError        **error)
{
  *(gboolean *) troupe_message_get_pointer (message) = TRUE;
  return TRUE;
}

static gboolean
on_stop_it (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  troupe_ref_stop (troupe_message_get_boxed (message));
  return TRUE;
}

static gboolean
test_player_started (TroupeActor  *actor,
                     GError      **error)
{
  if (priv_of (actor)->refuses_to_start)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, "not today");
  return !priv_of (actor)->refuses_to_start;
}

static void
test_player_stopped (TroupeActor *actor)
{
  tell ("%s:stopped", label_of (actor));
}

static void
test_player_child_terminated (TroupeActor       *actor,
                              TroupeTermination *termination)
{
  g_autofree char *name = troupe_ref_dup_name (troupe_termination_get_actor (termination));

  tell ("%s:child %s %s", label_of (actor), name, end_nick (termination));
}

static TroupeDirective
test_player_child_failed (TroupeActor  *actor,
                          TroupeRef    *child,
                          const GError *error)
{
  return TROUPE_DIRECTIVE_STOP;
}

static void
test_player_dispose (GObject *object)
{
  g_clear_pointer (&priv_of (object)->owed, troupe_resolver_unref);
  g_clear_pointer (&priv_of (object)->kept, troupe_message_unref);
  G_OBJECT_CLASS (test_player_parent_class)->dispose (object);
}

static void
test_player_finalize (GObject *object)
{
  g_free (priv_of (object)->label);
  G_OBJECT_CLASS (test_player_parent_class)->finalize (object);
}

static void
test_player_set_property (GObject      *object,
                          guint         id,
                          const GValue *value,
                          GParamSpec   *pspec)
{
  if (id == PROP_LABEL)
    priv_of (object)->label = g_value_dup_string (value);
  else
    priv_of (object)->refuses_to_start = g_value_get_boolean (value);
}

static void
test_player_class_init (TestPlayerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);
  GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->dispose = test_player_dispose;
  object_class->finalize = test_player_finalize;
  object_class->set_property = test_player_set_property;
  properties[PROP_LABEL] = g_param_spec_string ("label", NULL, NULL, NULL, flags);
  properties[PROP_REFUSES_TO_START] =
    g_param_spec_boolean ("refuses-to-start", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  actor_class->kind = "player";
  actor_class->started = test_player_started;
  actor_class->stopped = test_player_stopped;
  actor_class->child_failed = test_player_child_failed;
  actor_class->child_terminated = test_player_child_terminated;
  troupe_actor_class_bind (actor_class, "add", G_TYPE_INT64, on_add);
  troupe_actor_class_bind (actor_class, "total", G_TYPE_NONE, on_total);
  troupe_actor_class_bind (actor_class, "say", G_TYPE_STRING, on_say);
  troupe_actor_class_bind (actor_class, "fail", G_TYPE_VALUE, on_fail);
  troupe_actor_class_bind (actor_class, "silent", G_TYPE_NONE, on_silent);
  troupe_actor_class_bind (actor_class, "later", G_TYPE_NONE, on_later);
  troupe_actor_class_bind (actor_class, "now", G_TYPE_NONE, on_now);
  troupe_actor_class_bind (actor_class, "hand-on", TROUPE_TYPE_REF, on_hand_on);
  troupe_actor_class_bind (actor_class, "who", G_TYPE_VALUE, on_who);
  troupe_actor_class_bind (actor_class, "ask-who", TROUPE_TYPE_REF, on_ask_who);
  troupe_actor_class_bind (actor_class, "send-self", G_TYPE_NONE, on_send_self);
  troupe_actor_class_bind (actor_class, "send-silent", TROUPE_TYPE_REF, on_send_silent);
  troupe_actor_class_bind (actor_class, "hear", G_TYPE_BYTES, on_hear);
  troupe_actor_class_bind (actor_class, "pass-on", TROUPE_TYPE_REF, on_pass_on);
  troupe_actor_class_bind (actor_class, "kept-sender", G_TYPE_NONE, on_kept_sender);
  troupe_actor_class_bind (actor_class, "spawn", G_TYPE_STRING, on_spawn);
  troupe_actor_class_bind (actor_class, "watch", TROUPE_TYPE_REF, on_watch);
  troupe_actor_class_bind (actor_class, "unwatch", TROUPE_TYPE_REF, on_unwatch);
  troupe_actor_class_bind (actor_class, "terminated", TROUPE_TYPE_TERMINATION, on_terminated);
  troupe_actor_class_bind (actor_class, "call-later", G_TYPE_INT64, on_call_later);
  troupe_actor_class_bind (actor_class, "nest", G_TYPE_POINTER, on_nest);
  troupe_actor_class_bind (actor_class, "set", G_TYPE_POINTER, on_set);
  troupe_actor_class_bind (actor_class, "stop-it", TROUPE_TYPE_REF, on_stop_it);
}

static void
test_player_init (TestPlayer *self)
{
}

/* A player whose “hand-on” goes to “who” elsewhere; it also shows that a child's binding hides its parent's. */

#define TEST_TYPE_RELAY (test_relay_get_type ())
G_DECLARE_FINAL_TYPE (TestRelay, test_relay, TEST, RELAY, TestPlayer)

struct _TestRelay
{
  TestPlayer parent_instance;
};

G_DEFINE_FINAL_TYPE (TestRelay, test_relay, TEST_TYPE_PLAYER)

static gboolean
on_relay_say (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  tell ("relay:%s", troupe_message_get_string (message));
  return TRUE;
}

static gboolean
on_relay_who (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  g_autoptr (TroupeRef) target = troupe_system_lookup (troupe_actor_get_system (actor), "/target");

  troupe_message_forward (message, target);
  return TRUE;
}

static void
test_relay_class_init (TestRelayClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "say", G_TYPE_STRING, on_relay_say);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "who", G_TYPE_NONE, on_relay_who);
}

static void
test_relay_init (TestRelay *self)
{
}

/* Fixture */

typedef struct
{
  TroupeSystem *system;
  TroupeRef    *player;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  story = g_string_new (NULL);
  fixture->system = troupe_test_system_new ();
  troupe_test_stop_what_fails (fixture->system);
  fixture->player = troupe_system_spawn (fixture->system, "a", TEST_TYPE_PLAYER, &error, "label", "a", NULL);
  g_assert_no_error (error);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  troupe_test_system_end (fixture->system);
  troupe_ref_unref (fixture->player);
  g_string_free (story, TRUE);
}

static TroupeRef *
spawn (Fixture    *fixture,
       const char *name)
{
  g_autoptr (GError) error = NULL;
  TroupeRef *ref = troupe_system_spawn (fixture->system, name, TEST_TYPE_PLAYER, &error, "label", name, NULL);

  g_assert_no_error (error);
  return ref;
}

static void
say (TroupeRef  *ref,
     const char *what)
{
  troupe_ref_send (ref, troupe_message_new_string ("say", what));
}

/* Asks, and waits for the outcome. */
static TroupePromise *
ask (TroupeRef     *ref,
     TroupeMessage *message)
{
  TroupePromise *promise = troupe_ref_ask (ref, message);

  troupe_test_until (troupe_promise_is_resolved (promise));
  /* What the continuation turn brings. */
  troupe_test_settle ();
  return promise;
}

static void
assert_ask_fails (TroupeRef     *ref,
                  TroupeMessage *message,
                  GQuark         domain,
                  int            code,
                  const char    *text)
{
  g_autoptr (TroupePromise) promise = ask (ref, message);
  g_autoptr (GError) error = troupe_promise_steal_error (promise);

  g_assert_error (error, domain, code);
  g_assert_cmpstr (error->message, ==, text);
}

/* Tests */

static void
test_ask (Fixture       *fixture,
          gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("Messages are handled in order, and an ask is answered.");

  troupe_ref_send (fixture->player, troupe_message_new_int64 ("add", 5));
  troupe_ref_send (fixture->player, troupe_message_new_int64 ("add", 37));
  promise = ask (fixture->player, troupe_message_new ("total"));
  g_assert_cmpint (troupe_promise_get_int64 (promise), ==, 42);
}

static void
test_inherit (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeRef) relay = troupe_system_spawn (fixture->system, NULL, TEST_TYPE_RELAY, NULL, NULL);
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("A class answers what its parents have bound, unless it binds the name itself.");

  say (relay, "x");
  troupe_ref_send (relay, troupe_message_new_int64 ("add", 1));
  promise = ask (relay, troupe_message_new ("total"));
  g_assert_cmpint (troupe_promise_get_int64 (promise), ==, 1);
  assert_story ("relay:x");
}

static void
test_bind_late (Fixture       *fixture,
                gconstpointer  data)
{
  g_autoptr (GTypeClass) klass = g_type_class_ref (TEST_TYPE_PLAYER);

  g_test_summary ("Nothing can be bound once there are instances.");

  troupe_test_settle ();
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*Cannot bind “more” for TestPlayer*");
  troupe_actor_class_bind ((TroupeActorClass *) klass, "more", G_TYPE_NONE, on_total);
  g_test_assert_expected_messages ();
}

static void
test_unhandled (Fixture       *fixture,
                gconstpointer  data)
{
  g_test_summary ("What no handler is bound for is rejected, or becomes a dead letter.");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_MESSAGE, "*“/a” does not understand “jump”*");
  assert_ask_fails (fixture->player, troupe_message_new ("jump"), TROUPE_ERROR, TROUPE_ERROR_UNHANDLED,
                    "TestPlayer does not understand “jump”");
  g_test_expect_message ("Troupe", G_LOG_LEVEL_MESSAGE, "*“/a” does not understand “jump”*");
  troupe_ref_send (fixture->player, troupe_message_new ("jump"));
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 1);
}

static void
test_dead_letter_log (Fixture       *fixture,
                      gconstpointer  data)
{
  g_test_summary ("With G_MESSAGES_DEBUG=Troupe each dead letter is logged.");

  if (g_test_subprocess ())
    {
      troupe_ref_stop (fixture->player);
      troupe_test_until (troupe_ref_has_ended (fixture->player));
      troupe_ref_send (fixture->player, troupe_message_new ("late"));
      return;
    }

  g_setenv ("G_MESSAGES_DEBUG", "Troupe", TRUE);
  g_test_trap_subprocess (NULL, 0, 0);
  g_unsetenv ("G_MESSAGES_DEBUG");
  g_test_trap_assert_passed ();
  g_test_trap_assert_stdout ("*Dead letter *late* to */a*: actor-stopped*");
}

static void
test_body_type (Fixture       *fixture,
                gconstpointer  data)
{
  g_test_summary ("A body of another type never reaches the handler; numbers do not turn into each other.");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_MESSAGE, "The actor “/a” takes a body of type gint64 with “add”, not gdouble");
  assert_ask_fails (fixture->player, troupe_message_new_double ("add", 1.0), TROUPE_ERROR,
                    TROUPE_ERROR_BODY_TYPE, "TestPlayer takes a body of type gint64 with “add”, not gdouble");
  g_test_expect_message ("Troupe", G_LOG_LEVEL_MESSAGE, "*and there is none");
  assert_ask_fails (fixture->player, troupe_message_new ("add"), TROUPE_ERROR,
                    TROUPE_ERROR_BODY_TYPE, "TestPlayer takes a body of type gint64 with “add”, and there is none");
  g_test_expect_message ("Troupe", G_LOG_LEVEL_MESSAGE, "The actor “/a” takes no body with “total”, and there is one of type gchararray");
  troupe_ref_send (fixture->player, troupe_message_new_string ("total", "?"));
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 1);
  g_assert_false (troupe_ref_has_ended (fixture->player));
}

static void
test_broken (Fixture       *fixture,
             gconstpointer  data)
{
  g_test_summary ("A handler that neither replies nor defers breaks the promise there and then.");

  assert_ask_fails (fixture->player, troupe_message_new ("silent"), TROUPE_ERROR, TROUPE_ERROR_BROKEN,
                    "The actor “/a” did not reply to “silent”");
}

static void
test_defer (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (fixture->player, troupe_message_new ("later"));

  g_test_summary ("A deferred reply comes when it is given.");

  troupe_test_settle ();
  g_assert_false (troupe_promise_is_resolved (promise));
  troupe_ref_send (fixture->player, troupe_message_new ("now"));
  troupe_test_settle ();
  g_assert_cmpint (troupe_promise_get_int64 (promise), ==, 7);
}

static void
test_defer_end (Fixture       *fixture,
                gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (fixture->player, troupe_message_new ("later"));
  g_autoptr (GError) error = NULL;

  g_test_summary ("An actor that ends owes an error for what it deferred.");

  troupe_test_settle ();
  troupe_ref_stop (fixture->player);
  troupe_test_settle ();
  error = troupe_promise_steal_error (promise);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  g_assert_cmpstr (error->message, ==, "The actor “/a” has stopped");
}

static void
test_forward (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeRef) target = spawn (fixture, "target");
  g_autoptr (TroupeRef) relay = troupe_system_spawn (fixture->system, "relay", TEST_TYPE_RELAY, NULL, NULL);
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("A forwarded message keeps its sender and its debt.");

  promise = ask (fixture->player, troupe_message_new_boxed ("ask-who", TROUPE_TYPE_REF, relay));
  g_assert_cmpstr (troupe_promise_get_string (promise), ==, "/a");
}

static void
test_sender (Fixture       *fixture,
             gconstpointer  data)
{
  g_autoptr (TroupeRef) other = spawn (fixture, "b");
  g_autoptr (TroupePromise) outside = ask (fixture->player, troupe_message_new ("who"));
  g_autoptr (TroupePromise) inside =
    ask (other, troupe_message_new_boxed ("ask-who", TROUPE_TYPE_REF, fixture->player));

  g_test_summary ("The sender is the actor whose turn it is, or nobody.");

  g_assert_cmpstr (troupe_promise_get_string (outside), ==, "nobody");
  g_assert_cmpstr (troupe_promise_get_string (inside), ==, "/b");
}

static void
test_self (Fixture       *fixture,
           gconstpointer  data)
{
  g_test_summary ("What an actor sends to itself is a later turn.");

  troupe_ref_send (fixture->player, troupe_message_new ("send-self"));
  troupe_test_settle ();
  assert_story ("begin end a:self");
}

static void
test_fail (Fixture       *fixture,
           gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A handler that fails rejects the ask; if its actor is stopped for that, parent and watchers are told.");

  promise = ask (fixture->player, troupe_message_new_string ("spawn", "child"));
  {
    g_autoptr (TroupeRef) child = troupe_ref_ref (troupe_promise_get_boxed (promise));
    g_autoptr (TroupeRef) watcher = spawn (fixture, "w");
    g_autoptr (TroupePromise) failed = NULL;

    troupe_ref_send (watcher, troupe_message_new_boxed ("watch", TROUPE_TYPE_REF, child));
    troupe_test_settle ();
    failed = troupe_ref_ask (child, troupe_message_new ("fail"));
    say (child, "never");
    troupe_test_settle ();
    error = troupe_promise_steal_error (failed);
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
    g_assert_true (troupe_ref_has_ended (child));
    assert_story ("child:stopped w:saw /a/child failed no room a:child child failed");
    g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 1);
    g_assert_false (troupe_ref_has_ended (fixture->player));

    assert_ask_fails (child, troupe_message_new ("total"), TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED,
                      "The actor “/a/child” has stopped: no room");
  }
}

static void
test_fail_top (Fixture       *fixture,
               gconstpointer  data)
{
  g_test_summary ("The failure of an actor at the top is logged.");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*“/a” failed: no room*");
  troupe_ref_send (fixture->player, troupe_message_new ("fail"));
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  assert_story ("a:stopped");
}

static void
test_start_fails (Fixture       *fixture,
                  gconstpointer  data)
{
  g_autoptr (TroupeRef) ref = troupe_system_spawn (fixture->system, "late", TEST_TYPE_PLAYER, NULL,
                                                   "refuses-to-start", TRUE, NULL);

  g_test_summary ("An actor that does not start has failed; nothing of it runs, and its name is free again.");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*“/late” failed: not today*");
  say (ref, "x");
  assert_ask_fails (ref, troupe_message_new ("total"), TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED,
                    "The actor “/late” has stopped: not today");
  g_test_assert_expected_messages ();
  assert_story ("");
  g_assert_null (troupe_system_lookup (fixture->system, "/late"));
}

static void
test_names (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = ask (fixture->player, troupe_message_new_string ("spawn", "b"));
  g_autoptr (TroupeRef) found = troupe_system_lookup (fixture->system, "/a/b");
  g_autoptr (TroupeRef) unnamed = spawn (fixture, NULL);
  g_autofree char *path = troupe_ref_dup_path (troupe_promise_get_boxed (promise));
  g_autofree char *name = troupe_ref_dup_name (unnamed);
  g_autofree char *root = troupe_ref_dup_path (troupe_ref_get_parent (fixture->player));

  g_test_summary ("Actors have names and paths, and are found by those that were given.");

  g_assert_cmpstr (path, ==, "/a/b");
  g_assert_cmpstr (root, ==, "/");
  g_assert_true (found == troupe_promise_get_boxed (promise));
  g_assert_true (g_regex_match_simple ("^player-[0-9]+$", name, 0, 0));
  g_assert_true (troupe_ref_get_parent (found) == fixture->player);
  g_assert_true (troupe_ref_get_actor_type (found) == TEST_TYPE_PLAYER);
  g_assert_null (troupe_system_lookup (fixture->system, "/a/c"));
}

static void
test_bad_spawn (Fixture       *fixture,
                gconstpointer  data)
{
  static const struct { const char *name; int code; const char *text; } bad[] = {
    { "", TROUPE_ERROR_BAD_NAME, "The name “” is empty" },
    { "x/y", TROUPE_ERROR_BAD_NAME, "The name “x/y” has a slash or a control character in it" },
    { "\xff", TROUPE_ERROR_BAD_NAME, "The name “\357\277\275” is not UTF-8" },
    { "a", TROUPE_ERROR_NAME_IN_USE, "There is an actor “/a” already" },
  };
  g_autofree char *long_name = g_strnfill (256, 'x');
  g_autoptr (GError) error = NULL;
  guint i;

  g_test_summary ("Bad names and properties are told to who spawns.");

  for (i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_assert_null (troupe_system_spawn (fixture->system, bad[i].name, TEST_TYPE_PLAYER, &error, NULL));
      g_assert_error (error, TROUPE_ERROR, bad[i].code);
      g_assert_true (g_pattern_match_simple (bad[i].text, error->message));
      g_clear_error (&error);
    }

  g_assert_null (troupe_system_spawn (fixture->system, long_name, TEST_TYPE_PLAYER, &error, NULL));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_NAME);
  g_clear_error (&error);

  g_assert_null (troupe_system_spawn (fixture->system, NULL, TEST_TYPE_PLAYER, &error, "size", 3, NULL));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_PROPERTY);
  g_assert_cmpstr (error->message, ==, "TestPlayer has no property “size”");
  g_clear_error (&error);
}

static void
test_bad_property_value (Fixture       *fixture,
                         gconstpointer  data)
{
  const char *names[] = { "label" };
  GValue value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A property of another type is told to who spawns.");

  g_value_init (&value, G_TYPE_OBJECT);
  g_assert_null (troupe_system_spawn_with_properties (fixture->system, NULL, TEST_TYPE_PLAYER, 1, names,
                                                      &value, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_PROPERTY);
  g_assert_cmpstr (error->message, ==,
                   "The property “label” of TestPlayer is a gchararray and not a GObject");
  g_value_unset (&value);
}

static void
test_stop (Fixture       *fixture,
           gconstpointer  data)
{
  g_autoptr (TroupePromise) never = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("Stop comes before the mail that waits: that is answered for, not handled.");

  troupe_test_settle ();
  say (fixture->player, "never");
  never = troupe_ref_ask (fixture->player, troupe_message_new ("total"));
  troupe_ref_stop (fixture->player);
  troupe_ref_stop (fixture->player);
  troupe_test_settle ();
  assert_story ("a:stopped");
  error = troupe_promise_steal_error (never);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 1);
  g_assert_true (troupe_ref_has_ended (fixture->player));
}

static void
test_finish (Fixture       *fixture,
             gconstpointer  data)
{
  g_test_summary ("Finish comes after the mail that waits.");

  say (fixture->player, "first");
  troupe_ref_finish (fixture->player);
  say (fixture->player, "never");
  troupe_test_settle ();
  assert_story ("a:first a:stopped");
}

static void
test_kill (Fixture       *fixture,
           gconstpointer  data)
{
  g_autoptr (TroupeRef) watcher = spawn (fixture, "w");

  g_test_summary ("A kill runs no more code of the actor or its children.");

  troupe_ref_send (watcher, troupe_message_new_boxed ("watch", TROUPE_TYPE_REF, fixture->player));
  troupe_ref_send (fixture->player, troupe_message_new_string ("spawn", "b"));
  troupe_test_settle ();
  troupe_ref_kill (fixture->player);
  troupe_test_settle ();
  assert_story ("w:saw /a killed");
}

static void
test_stop_unborn (Fixture       *fixture,
                  gconstpointer  data)
{
  g_autoptr (TroupeRef) ref = spawn (fixture, "unborn");

  g_test_summary ("An actor that is stopped before its first turn is never built.");

  troupe_ref_stop (ref);
  troupe_test_settle ();
  g_assert_true (troupe_ref_has_ended (ref));
  assert_story ("");
}

static void
test_children (Fixture       *fixture,
               gconstpointer  data)
{
  g_test_summary ("Children stop in reverse order, and before their parent.");

  troupe_ref_send (fixture->player, troupe_message_new_string ("spawn", "b"));
  troupe_ref_send (fixture->player, troupe_message_new_string ("spawn", "c"));
  troupe_ref_send (fixture->player, troupe_message_new_string ("spawn", "d"));
  troupe_test_settle ();
  troupe_ref_stop (fixture->player);
  troupe_test_settle ();
  assert_story ("d:stopped c:stopped b:stopped a:stopped");
  g_assert_cmpuint (troupe_system_get_n_actors (fixture->system), ==, 0);
}

static void
test_child_ends (Fixture       *fixture,
                 gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = ask (fixture->player, troupe_message_new_string ("spawn", "b"));
  g_autoptr (TroupePromise) again = NULL;

  g_test_summary ("A parent is told of children that end, whose names are free again.");

  troupe_ref_stop (troupe_promise_get_boxed (promise));
  troupe_test_settle ();
  assert_story ("b:stopped a:child b stopped");
  again = ask (fixture->player, troupe_message_new_string ("spawn", "b"));
  g_assert_true (troupe_promise_has_value (again));
}

static void
test_watch (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupeRef) watcher = spawn (fixture, "w");
  g_autoptr (TroupeRef) other = spawn (fixture, "o");
  TroupeMessage *watch = troupe_message_new_boxed ("watch", TROUPE_TYPE_REF, fixture->player);

  g_test_summary ("Watching twice tells once; watching what has ended tells at once; unwatch takes it back.");

  troupe_ref_send (watcher, troupe_message_ref (watch));
  troupe_ref_send (watcher, troupe_message_ref (watch));
  troupe_ref_send (other, troupe_message_ref (watch));
  troupe_ref_send (other, troupe_message_new_boxed ("unwatch", TROUPE_TYPE_REF, fixture->player));
  troupe_test_settle ();
  troupe_ref_stop (fixture->player);
  troupe_test_settle ();
  assert_story ("a:stopped w:saw /a stopped");
  troupe_ref_send (watcher, watch);
  troupe_test_settle ();
  assert_story ("w:saw /a stopped");
}

static void
test_timers (Fixture       *fixture,
             gconstpointer  data)
{
  g_test_summary ("An actor's timers are its turns, and end with it.");

  troupe_ref_send (fixture->player, troupe_message_new_int64 ("call-later", 0));
  troupe_ref_send (fixture->player, troupe_message_new_int64 ("call-later", 60000));
  troupe_test_until (story->len > 0);
  assert_story ("timer:a");
  troupe_ref_stop (fixture->player);
  troupe_test_settle ();
  assert_story ("a:stopped");
}

static void
on_dead_letter (TroupeSystem  *system,
                TroupeRef     *target,
                TroupeMessage *message,
                TroupeError    reason,
                gpointer       data)
{
  g_autofree char *path = troupe_ref_dup_path (target);

  tell ("dead:%s:%s:%d", path, troupe_message_get_name (message), reason == TROUPE_ERROR_ACTOR_STOPPED);
}

static void
test_dead_letters (Fixture       *fixture,
                   gconstpointer  data)
{
  g_test_summary ("Dead letters can be watched.");

  g_signal_connect (fixture->system, "dead-letter", G_CALLBACK (on_dead_letter), NULL);
  troupe_ref_stop (fixture->player);
  troupe_test_settle ();
  say (fixture->player, "hello?");
  troupe_test_settle ();
  assert_story ("dead:/a:say:1");
}

static void
test_nested (Fixture       *fixture,
             gconstpointer  data)
{
  g_autoptr (TroupeRef) other = spawn (fixture, "b");
  gboolean done = FALSE;

  g_test_summary ("While a handler runs a nested main loop others have their turns, and its own mail waits.");

  troupe_ref_send (fixture->player, troupe_message_new_pointer ("nest", &done, NULL));
  say (fixture->player, "after");
  say (other, "meanwhile");
  troupe_ref_send (other, troupe_message_new_pointer ("set", &done, NULL));
  troupe_test_settle ();
  assert_story ("nest b:meanwhile unnest a:after");
}

static void
test_nested_stop (Fixture       *fixture,
                  gconstpointer  data)
{
  g_autoptr (TroupeRef) other = spawn (fixture, "b");
  gboolean done = FALSE;

  g_test_summary ("A stop, too, waits until the handler comes back from its nested main loop.");

  troupe_ref_send (fixture->player, troupe_message_new_pointer ("nest", &done, NULL));
  say (fixture->player, "never");
  troupe_ref_send (other, troupe_message_new_boxed ("stop-it", TROUPE_TYPE_REF, fixture->player));
  troupe_ref_send (other, troupe_message_new_pointer ("set", &done, NULL));
  troupe_test_settle ();
  assert_story ("nest unnest a:stopped");
}

static void
test_send_all (Fixture       *fixture,
               gconstpointer  data)
{
  g_autoptr (TroupeRef) b = spawn (fixture, "b");
  g_autoptr (TroupeRef) c = spawn (fixture, "c");
  TroupeRef *refs[] = { fixture->player, b, c };
  g_test_summary ("One message goes to many; one that cannot be shared does not.");

  troupe_ref_send_all (refs, 3, troupe_message_new_string ("say", "all"));
  troupe_test_settle ();
  assert_story ("a:all b:all c:all");
  troupe_ref_send_all (NULL, 0, troupe_message_new ("nobody"));

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*“set” cannot be sent to many*");
  troupe_ref_send_all (refs, 3, troupe_message_new_pointer ("set", g_strdup ("once"), g_free));
  g_test_assert_expected_messages ();
}

static void
count_free (gpointer data)
{
  (*(guint *) data)++;
}

static void
test_send_all_bytes (Fixture       *fixture,
                     gconstpointer  data)
{
  g_autoptr (TroupeRef) b = spawn (fixture, "b");
  TroupeRef *refs[] = { fixture->player, b };
  guint n_freed = 0;
  GBytes *bytes = g_bytes_new_with_free_func ("news", 5, count_free, &n_freed);

  g_test_summary ("Bytes that go to many live until the last of them has let go, and can be sent on.");

  troupe_ref_send_all (refs, 2, troupe_message_new_bytes ("hear", bytes));
  g_bytes_unref (bytes);
  troupe_test_settle ();
  assert_story ("a:news b:news");
  troupe_ref_send (b, troupe_message_new_boxed ("pass-on", TROUPE_TYPE_REF, fixture->player));
  troupe_ref_finish (b);
  troupe_test_settle ();
  assert_story ("b:stopped a:news");

  troupe_ref_stop (fixture->player);
  troupe_test_settle ();
  g_assert_cmpuint (n_freed, ==, 1);
  /* To those who have ended, it is a dead letter, and freed as well. */
  n_freed = 0;
  bytes = g_bytes_new_with_free_func ("news", 5, count_free, &n_freed);
  troupe_ref_send_all (refs, 2, troupe_message_new_bytes ("hear", bytes));
  g_bytes_unref (bytes);
  g_assert_cmpuint (n_freed, ==, 1);
  assert_story ("a:stopped");
}

static gpointer
copy_counted (gpointer boxed)
{
  g_atomic_int_inc ((gint *) boxed);
  return boxed;
}

static void
free_counted (gpointer boxed)
{
  g_atomic_int_add ((gint *) boxed, -1);
}

static void
test_send_all_boxed (Fixture       *fixture,
                     gconstpointer  data)
{
  GType type = g_boxed_type_register_static ("TestCounted", copy_counted, free_counted);
  g_autoptr (TroupeRef) b = spawn (fixture, "b");
  TroupeRef *refs[] = { fixture->player, b };
  gint count = 0;

  g_test_summary ("A boxed value that goes to many is copied once, and freed when the last has let go.");

  troupe_test_settle ();
  troupe_ref_send_all (refs, 2, troupe_message_new_boxed ("unknown", type, &count));
  g_assert_cmpint (count, ==, 1);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_MESSAGE, "*does not understand*");
  g_test_expect_message ("Troupe", G_LOG_LEVEL_MESSAGE, "*does not understand*");
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  g_assert_cmpint (count, ==, 0);
}

/* What remains of a sender that has ended: the messages that name it. */
static void
test_sender_ended (Fixture       *fixture,
                   gconstpointer  data)
{
  g_autoptr (TroupeRef) target = spawn (fixture, "target");
  g_autoptr (TroupePromise) kept = NULL;
  TroupeRef *sender = troupe_system_spawn (fixture->system, "sender", TEST_TYPE_PLAYER, NULL, NULL);
  guint i;

  g_test_summary ("A sender's address lives as long as a message that names it, read or kept.");

  /* “silent” keeps the message beyond the turn. */
  troupe_ref_send (sender, troupe_message_new_boxed ("send-silent", TROUPE_TYPE_REF, target));
  for (i = 0; i < 3; i++)
    troupe_ref_send (sender, troupe_message_new_boxed ("send-silent", TROUPE_TYPE_REF, target));
  troupe_ref_finish (sender);
  troupe_ref_unref (sender);
  troupe_test_settle ();
  assert_story ("player:stopped");
  kept = ask (target, troupe_message_new ("kept-sender"));
  g_assert_cmpstr (troupe_promise_get_string (kept), ==, "/sender");
}

/* Other threads */

#define N_THREADS 4
#define N_MESSAGES 10000

static gpointer
send_many (gpointer ref)
{
  guint i;

  for (i = 0; i < N_MESSAGES; i++)
    troupe_ref_send (ref, troupe_message_new_int64 ("add", 1));

  return NULL;
}

static gint64
get_total (TroupeRef *ref)
{
  g_autoptr (TroupePromise) promise = ask (ref, troupe_message_new ("total"));

  return troupe_promise_get_int64 (promise);
}

static void
test_threads (Fixture       *fixture,
              gconstpointer  data)
{
  GThread *threads[N_THREADS];
  guint i;

  g_test_summary ("Sends from other threads arrive, all of them, and wake the reactor.");

  for (i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("sender", send_many, fixture->player);
  /* Asking turns the context. */
  while (get_total (fixture->player) < N_THREADS * N_MESSAGES)
    ;
  for (i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
}

typedef struct
{
  TroupeSystem *system;
  gint64        answer;
  int           done;
} Elsewhere;

static void
on_answer (TroupePromise *promise,
           gpointer       data)
{
  ((Elsewhere *) data)->answer = troupe_promise_get_int64 (promise);
}

static gpointer
spawn_and_ask (gpointer data)
{
  Elsewhere *elsewhere = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TroupeRef) ref = NULL;
  g_autoptr (TroupePromise) promise = NULL;

  g_main_context_push_thread_default (context);
  ref = troupe_system_spawn (elsewhere->system, "foreign", TEST_TYPE_PLAYER, NULL, "label", "f", NULL);
  troupe_ref_send (ref, troupe_message_new_int64 ("add", 3));
  promise = troupe_ref_ask (ref, troupe_message_new ("total"));
  troupe_promise_add_callback (promise, on_answer, elsewhere, NULL);
  while (elsewhere->answer == 0)
    g_main_context_iteration (context, TRUE);
  troupe_ref_finish (ref);
  g_main_context_pop_thread_default (context);
  g_clear_pointer (&promise, troupe_promise_unref);
  g_atomic_int_set (&elsewhere->done, 1);
  g_main_context_wakeup (NULL);

  return NULL;
}

static void
test_thread_ask (Fixture       *fixture,
                 gconstpointer  data)
{
  Elsewhere elsewhere = { fixture->system, 0, 0 };
  GThread *thread = g_thread_new ("asker", spawn_and_ask, &elsewhere);

  g_test_summary ("Another thread can spawn, send and ask; the answer comes home to its own main context.");

  troupe_test_until (g_atomic_int_get (&elsewhere.done));
  g_thread_join (thread);
  g_assert_cmpint (elsewhere.answer, ==, 3);
  troupe_test_settle ();
  assert_story ("f:stopped");
}

static gpointer
spawn_and_stop (gpointer data)
{
  Elsewhere *elsewhere = data;
  void (*ends[]) (TroupeRef *) = { troupe_ref_stop, troupe_ref_kill, troupe_ref_finish };
  guint i;

  for (i = 0; i < 100 * G_N_ELEMENTS (ends); i++)
    {
      g_autoptr (TroupeRef) ref = troupe_system_spawn (elsewhere->system, NULL, TEST_TYPE_PLAYER, NULL, "label", "f", NULL);

      ends[i % G_N_ELEMENTS (ends)] (ref);
    }
  g_atomic_int_set (&elsewhere->done, 1);
  g_main_context_wakeup (NULL);

  return NULL;
}

static void
test_thread_stop (Fixture       *fixture,
                  gconstpointer  data)
{
  Elsewhere elsewhere = { fixture->system, 0, 0 };
  GThread *thread = g_thread_new ("stopper", spawn_and_stop, &elsewhere);

  g_test_summary ("Another thread can end at once what it has spawned.");

  troupe_test_until (g_atomic_int_get (&elsewhere.done));
  g_thread_join (thread);
  troupe_ref_stop (fixture->player);
  troupe_test_until (troupe_system_get_n_actors (fixture->system) == 0);
}

#define add(path, func) \
  g_test_add ("/troupe/actor/" path, Fixture, NULL, set_up, func, tear_down)

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("ask", test_ask);
  add ("inherit", test_inherit);
  add ("bind-late", test_bind_late);
  add ("unhandled", test_unhandled);
  add ("body-type", test_body_type);
  add ("dead-letter-log", test_dead_letter_log);
  add ("broken", test_broken);
  add ("defer", test_defer);
  add ("defer-end", test_defer_end);
  add ("forward", test_forward);
  add ("sender", test_sender);
  add ("self", test_self);
  add ("fail", test_fail);
  add ("fail-top", test_fail_top);
  add ("start-fails", test_start_fails);
  add ("names", test_names);
  add ("bad-spawn", test_bad_spawn);
  add ("bad-property-value", test_bad_property_value);
  add ("stop", test_stop);
  add ("finish", test_finish);
  add ("kill", test_kill);
  add ("stop-unborn", test_stop_unborn);
  add ("children", test_children);
  add ("child-ends", test_child_ends);
  add ("watch", test_watch);
  add ("timers", test_timers);
  add ("dead-letters", test_dead_letters);
  add ("nested", test_nested);
  add ("nested-stop", test_nested_stop);
  add ("send-all", test_send_all);
  add ("send-all-bytes", test_send_all_bytes);
  add ("send-all-boxed", test_send_all_boxed);
  add ("sender-ended", test_sender_ended);
  add ("threads", test_threads);
  add ("thread-ask", test_thread_ask);
  add ("thread-stop", test_thread_stop);

  return g_test_run ();
}
