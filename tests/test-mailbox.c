/* test-mailbox.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "troupe-test.h"
#include "troupe-test-trace.h"

/* An actor that says what it is told, and answers what it is asked with the same word. */

#define TEST_TYPE_SINK (test_sink_get_type ())
G_DECLARE_DERIVABLE_TYPE (TestSink, test_sink, TEST, SINK, TroupeActor)

struct _TestSinkClass
{
  TroupeActorClass parent_class;
};

G_DEFINE_TYPE (TestSink, test_sink, TROUPE_TYPE_ACTOR)

static gboolean
on_say (TroupeActor    *actor,
        TroupeMessage  *message,
        GError        **error)
{
  say (troupe_message_get_string (message));
  if (troupe_message_wants_reply (message))
    troupe_message_reply_string (message, troupe_message_get_string (message));

  return TRUE;
}

/* Keeps what it is asked to say, and passes it on when told to whom. */
static gboolean
on_keep (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  g_object_set_data_full (G_OBJECT (actor), "kept", troupe_message_ref (message), (GDestroyNotify) troupe_message_unref);
  return TRUE;
}

static gboolean
on_pass_on (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  troupe_message_forward (g_object_get_data (G_OBJECT (actor), "kept"), troupe_message_get_boxed (message));
  return TRUE;
}

static void
test_sink_class_init (TestSinkClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  troupe_actor_class_bind (actor_class, "say", G_TYPE_STRING, on_say);
  troupe_actor_class_bind (actor_class, "keep", G_TYPE_STRING, on_keep);
  troupe_actor_class_bind (actor_class, "pass-on", TROUPE_TYPE_REF, on_pass_on);
}

static void
test_sink_init (TestSink *self)
{
}

typedef struct
{
  TroupeSystem *system;
  TroupeRef    *sink;
} Fixture;

/* Dead letters are told as “†word:REASON”. */
static void
on_dead_letter (TroupeSystem  *system,
                TroupeRef     *target,
                TroupeMessage *message,
                TroupeError    reason,
                gpointer       user_data)
{
  g_autoptr (GEnumClass) reasons = g_type_class_ref (TROUPE_TYPE_ERROR);
  g_autofree char *word = g_strdup_printf ("†%s:%s", troupe_message_get_string (message),
                                           g_enum_get_value (reasons, (int) reason)->value_nick);

  say (word);
}

static void
set_up (Fixture       *fixture,
        gconstpointer  type)
{
  fixture->system = troupe_test_system_new ();
  g_signal_connect (fixture->system, "dead-letter", G_CALLBACK (on_dead_letter), NULL);
  fixture->sink = troupe_system_spawn (fixture->system, "sink", ((GType (*) (void)) type) (), NULL, NULL);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  type)
{
  troupe_ref_unref (fixture->sink);
  troupe_test_system_end (fixture->system);
  assert_trace ("");
}

static void
tell (Fixture    *fixture,
      const char *word)
{
  troupe_ref_send (fixture->sink, troupe_message_new_string ("say", word));
}

static void
tell_within (Fixture    *fixture,
             const char *word,
             gint64      timeout_ms)
{
  troupe_ref_send_within (fixture->sink, troupe_message_new_string ("say", word), timeout_ms);
}

/* Deadlines */

static void
test_deadline (Fixture       *fixture,
               gconstpointer  type)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));

  g_test_summary ("A message whose deadline is over when its turn comes is a dead letter; others keep their order.");

  tell_within (fixture, "late", 10);
  tell (fixture, "ever");
  tell_within (fixture, "timely", 100);
  tell_within (fixture, "just", 50);
  tell_within (fixture, "eternal", G_MAXINT64);
  troupe_clock_advance (clock, 50);
  assert_trace ("†late:timed-out ever timely just eternal");
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 1);
}

static void
test_deadline_forwarded (Fixture       *fixture,
                         gconstpointer  type)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));
  g_autoptr (TroupeRef) target = troupe_system_spawn (fixture->system, NULL, TEST_TYPE_SINK, NULL, NULL);

  g_test_summary ("A message that is forwarded keeps its deadline.");

  troupe_ref_send_within (fixture->sink, troupe_message_new_string ("keep", "x"), 20);
  troupe_clock_advance (clock, 20);
  troupe_ref_send (fixture->sink, troupe_message_new_boxed ("pass-on", TROUPE_TYPE_REF, target));
  troupe_test_settle ();
  assert_trace ("");
  troupe_clock_advance (clock, 1);
  troupe_ref_send (fixture->sink, troupe_message_new_boxed ("pass-on", TROUPE_TYPE_REF, target));
  troupe_test_settle ();
  assert_trace ("†x:timed-out");
}

static void
test_deadline_pointer (Fixture       *fixture,
                       gconstpointer  type)
{
  g_autoptr (TroupeMessage) message = troupe_message_new_pointer ("say", g_strdup ("x"), g_free);

  g_test_summary ("What cannot be sent twice cannot be sent with a deadline while it is kept either.");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*“say” cannot be sent twice*");
  troupe_ref_send_within (fixture->sink, troupe_message_ref (message), 10);
  g_test_assert_expected_messages ();
}

static gpointer
send_from_thread (gpointer sink)
{
  troupe_ref_send_within (sink, troupe_message_new_string ("say", "late"), 0);
  troupe_ref_send_within (sink, troupe_message_new_string ("say", "timely"), 1000000);
  return NULL;
}

static void
test_deadline_from_thread (Fixture       *fixture,
                           gconstpointer  type)
{
  gint64 sent;

  g_test_summary ("The deadline of a message from another thread counts from there.");

  g_thread_join (g_thread_new ("sender", send_from_thread, fixture->sink));
  sent = g_get_monotonic_time ();
  while (g_get_monotonic_time () <= sent)
    ;
  troupe_test_settle ();
  assert_trace ("†late:timed-out timely");
}

static void
test_deadline_stopped (Fixture       *fixture,
                       gconstpointer  type)
{
  g_test_summary ("An actor that stops gives back what has a deadline as anything else.");

  tell_within (fixture, "hello", 1000);
  troupe_ref_stop (fixture->sink);
  troupe_test_settle ();
  tell_within (fixture, "again", 1000);
  assert_trace ("†hello:actor-stopped †again:actor-stopped");
}

static void
add (const char *path,
     GType     (*type) (void),
     void      (*test) (Fixture       *fixture,
                        gconstpointer  type))
{
  g_autofree char *full = g_strconcat ("/troupe/mailbox/", path, NULL);

  g_test_add (full, Fixture, (gconstpointer) type, set_up, test, tear_down);
}

int
main (int   argc,
      char *argv[])
{
  int status;

  g_test_init (&argc, &argv, NULL);
  trace = g_string_new (NULL);

  add ("deadline", test_sink_get_type, test_deadline);
  add ("deadline/forwarded", test_sink_get_type, test_deadline_forwarded);
  add ("deadline/pointer", test_sink_get_type, test_deadline_pointer);
  add ("deadline/from-thread", test_sink_get_type, test_deadline_from_thread);
  add ("deadline/stopped", test_sink_get_type, test_deadline_stopped);

  status = g_test_run ();
  g_string_free (trace, TRUE);
  return status;
}
