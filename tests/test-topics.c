/* test-topics.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Publishing to topics, and what a system has to tell by itself. Looks inside, for what no mailbox does yet. */

#include "troupe-test-puppet.h"
#include "troupe-test-trace.h"

#include "troupe-message-private.h"
#include "troupe-system-private.h"

/* Says its name and what it got. */

#define TEST_TYPE_LISTENER (test_listener_get_type ())
G_DECLARE_FINAL_TYPE (TestListener, test_listener, TEST, LISTENER, TroupeActor)

struct _TestListener
{
  TroupeActor parent_instance;
};

G_DEFINE_FINAL_TYPE (TestListener, test_listener, TROUPE_TYPE_ACTOR)

static char *
describe_body (TroupeMessage *message)
{
  GType type = troupe_message_get_body_type (message);

  if (type == G_TYPE_STRING)
    return g_strdup (troupe_message_get_string (message));
  if (type == G_TYPE_INT64)
    return g_strdup_printf ("%d", (int) troupe_message_get_int64 (message));
  if (type == G_TYPE_BYTES)
    return g_strndup (g_bytes_get_data (troupe_message_get_bytes (message), NULL),
                      g_bytes_get_size (troupe_message_get_bytes (message)));
  if (type == TROUPE_TYPE_JSON)
    return troupe_message_dup_json_string (message);
  if (type == TROUPE_TYPE_REF)
    return troupe_ref_dup_path (troupe_message_get_boxed (message));
  if (type == TROUPE_TYPE_TERMINATION)
    {
      TroupeTermination *termination = troupe_message_get_termination (message);
      g_autofree char *path = troupe_ref_dup_path (troupe_termination_get_actor (termination));

      return g_strdup_printf ("%s/%d", path, troupe_termination_get_end (termination));
    }
  if (type == TROUPE_TYPE_DEAD_LETTER)
    {
      TroupeDeadLetter *letter = troupe_message_get_dead_letter (message);
      g_autofree char *path = troupe_ref_dup_path (troupe_dead_letter_get_target (letter));

      return g_strdup_printf ("%s/%s/%d", path, troupe_message_get_name (troupe_dead_letter_get_message (letter)),
                              troupe_dead_letter_get_reason (letter));
    }

  return g_strdup ("");
}

static gboolean
test_listener_receive (TroupeActor    *actor,
                       TroupeMessage  *message,
                       GError        **error)
{
  g_autofree char *name = troupe_ref_dup_name (troupe_actor_get_ref (actor));
  g_autofree char *body = describe_body (message);
  g_autofree char *words = g_strdup_printf ("%s:%s:%s", name, troupe_message_get_name (message), body);

  if (g_str_equal (troupe_message_get_name (message), "fail"))
    {
      g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_FAILED, "as told");
      return FALSE;
    }
  if (g_str_equal (troupe_message_get_name (message), "quit"))
    troupe_ref_stop (troupe_actor_get_ref (actor));

  say (words);
  return TRUE;
}

static void
test_listener_class_init (TestListenerClass *klass)
{
  TROUPE_ACTOR_CLASS (klass)->receive = test_listener_receive;
}

static void
test_listener_init (TestListener *self)
{
}

typedef struct
{
  TroupeSystem *system;
  TroupeRef    *a;
  TroupeRef    *b;
} Fixture;

static TroupeRef *
listener_new (Fixture    *fixture,
              const char *name)
{
  g_autoptr (GError) error = NULL;
  TroupeRef *ref = troupe_system_spawn (fixture->system, name, TEST_TYPE_LISTENER, &error, NULL);

  g_assert_no_error (error);
  return ref;
}

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  trace = g_string_new (NULL);
  fixture->system = troupe_test_system_new ();
  troupe_test_stop_what_fails (fixture->system);
  fixture->a = listener_new (fixture, "a");
  fixture->b = listener_new (fixture, "b");
  /* They are born before anything comes: then they hear in the order of sending. */
  troupe_test_settle ();
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  troupe_ref_unref (fixture->a);
  troupe_ref_unref (fixture->b);
  troupe_test_system_end (fixture->system);
  g_string_free (trace, TRUE);
}

static void
subscribe (Fixture    *fixture,
           const char *filter,
           TroupeRef  *ref)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (troupe_system_subscribe (fixture->system, filter, ref, &error));
  g_assert_no_error (error);
}

static void
publish (Fixture       *fixture,
         const char    *topic,
         TroupeMessage *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (troupe_system_publish (fixture->system, topic, message, &error));
  g_assert_no_error (error);
}

static void
publish_number (Fixture    *fixture,
                const char *topic,
                gint64      number)
{
  publish (fixture, topic, troupe_message_new_int64 ("news", number));
}

#define assert_heard(expected)    \
  G_STMT_START {                  \
    troupe_test_settle ();        \
    assert_trace (expected);      \
  } G_STMT_END

static guint
count_subscribers (Fixture    *fixture,
                   const char *topic)
{
  g_autoptr (GPtrArray) refs = troupe_system_dup_subscribers (fixture->system, topic);

  return refs->len;
}

static void
test_exact (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (GPtrArray) refs = NULL;

  g_test_summary ("Who has subscribed to a topic gets what is published to it, and nothing else.");

  publish_number (fixture, "sport/tennis", 1);
  subscribe (fixture, "sport/tennis", fixture->b);
  subscribe (fixture, "sport/tennis", fixture->a);
  subscribe (fixture, "sport", fixture->a);
  publish_number (fixture, "sport/tennis", 2);
  publish_number (fixture, "sport", 3);
  publish_number (fixture, "sport/golf", 4);
  publish_number (fixture, "sport/tennis/men", 5);
  publish_number (fixture, "Sport/tennis", 6);
  assert_heard ("b:news:2 a:news:2 a:news:3");

  refs = troupe_system_dup_subscribers (fixture->system, "sport/tennis");
  g_assert_cmpuint (refs->len, ==, 2);
  g_assert_true (refs->pdata[0] == fixture->b);
  g_assert_true (refs->pdata[1] == fixture->a);
}

static void
test_unsubscribe (Fixture       *fixture,
                  gconstpointer  data)
{
  g_test_summary ("A subscription ends when it is taken back, and then only.");

  subscribe (fixture, "x/+/z", fixture->a);
  subscribe (fixture, "x/#", fixture->a);
  subscribe (fixture, "x/y", fixture->a);
  g_assert_false (troupe_system_unsubscribe (fixture->system, "x", fixture->a));
  g_assert_false (troupe_system_unsubscribe (fixture->system, "x/y/z", fixture->a));
  g_assert_false (troupe_system_unsubscribe (fixture->system, "x/y", fixture->b));
  g_assert_true (troupe_system_unsubscribe (fixture->system, "x/+/z", fixture->a));
  g_assert_false (troupe_system_unsubscribe (fixture->system, "x/+/z", fixture->a));
  g_assert_cmpuint (count_subscribers (fixture, "x/y/z"), ==, 1);
  g_assert_true (troupe_system_unsubscribe (fixture->system, "x/#", fixture->a));
  g_assert_cmpuint (count_subscribers (fixture, "x/y/z"), ==, 0);
  g_assert_cmpuint (count_subscribers (fixture, "x/y"), ==, 1);
  g_assert_true (troupe_system_unsubscribe (fixture->system, "x/y", fixture->a));
  publish_number (fixture, "x/y", 1);
  assert_heard ("");
}

static void
test_once (Fixture       *fixture,
           gconstpointer  data)
{
  g_test_summary ("A message comes once, however often and by however many filters one has subscribed.");

  subscribe (fixture, "x/y", fixture->a);
  subscribe (fixture, "x/y", fixture->a);
  publish_number (fixture, "x/y", 1);
  assert_heard ("a:news:1");

  subscribe (fixture, "x/#", fixture->b);
  subscribe (fixture, "+/y", fixture->a);
  subscribe (fixture, "#", fixture->a);
  publish_number (fixture, "x/y", 2);
  assert_heard ("a:news:2 b:news:2");
}

static void
test_wildcards (Fixture       *fixture,
                gconstpointer  data)
{
  static const struct { const char *filter; const char *topic; gboolean matches; } cases[] = {
    { "a", "a", TRUE }, { "a", "b", FALSE }, { "a", "a/", FALSE }, { "a/", "a/", TRUE }, { "/a", "a", FALSE },
    { "sport/tennis/player1/#", "sport/tennis/player1", TRUE },
    { "sport/tennis/player1/#", "sport/tennis/player1/ranking", TRUE },
    { "sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", TRUE },
    { "sport/tennis/player1/#", "sport/tennis/player2", FALSE },
    { "sport/#", "sport", TRUE }, { "#", "sport", TRUE }, { "#", "sport/tennis", TRUE }, { "#", "/", TRUE },
    { "sport/tennis/+", "sport/tennis/player1", TRUE }, { "sport/tennis/+", "sport/tennis/player1/ranking", FALSE },
    { "sport/+", "sport", FALSE }, { "sport/+", "sport/", TRUE },
    { "+/+", "/finance", TRUE }, { "/+", "/finance", TRUE }, { "+", "/finance", FALSE },
    { "+/tennis/#", "sport/tennis", TRUE }, { "+/tennis/#", "sport/tennis/a/b", TRUE }, { "+/tennis/#", "sport/golf", FALSE },
    { "sport/+/player1", "sport/tennis/player1", TRUE }, { "sport/+/player1", "sport/tennis/player2", FALSE },
    { "+/+/+", "a/b/c", TRUE }, { "+/+/#", "a", FALSE }, { "+/+/#", "a/b", TRUE },
    { "#", "$own/x", FALSE }, { "+/x", "$own/x", FALSE }, { "$own/#", "$own/x", TRUE }, { "$own/+", "$own/x", TRUE },
    { "a/#", "a/$own", TRUE }, { "a/+", "a/$own", TRUE },
    { "naïve/+", "naïve/ö", TRUE }, { "a b/+", "a b/c d", TRUE },
  };
  guint i;

  g_test_summary ("Filters match as those of MQTT do.");

  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      subscribe (fixture, cases[i].filter, fixture->a);
      g_test_message ("%s, %s", cases[i].filter, cases[i].topic);
      g_assert_cmpuint (count_subscribers (fixture, cases[i].topic), ==, cases[i].matches);
      g_assert_true (troupe_system_unsubscribe (fixture->system, cases[i].filter, fixture->a));
      g_assert_cmpuint (count_subscribers (fixture, cases[i].topic), ==, 0);
    }
}

static void
assert_bad (GError     *error,
            const char *message,
            gint64      where)
{
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_TOPIC);
  g_assert_cmpstr (error->message, ==, message);
  g_assert_cmpint (troupe_error_get_index (error), ==, where);
}

static void
test_bad_filters (Fixture       *fixture,
                  gconstpointer  data)
{
  static const struct { const char *filter; const char *message; gint64 where; } bad[] = {
    { "", "Bad filter “” at byte 0: it is empty", 0 },
    { "a#", "Bad filter “a#” at byte 1: “#” stands for whole levels only", 1 },
    { "a/b+/c", "Bad filter “a/b+/c” at byte 3: “+” stands for whole levels only", 3 },
    { "+b", "Bad filter “+b” at byte 0: “+” stands for whole levels only", 0 },
    { "a/++", "Bad filter “a/++” at byte 2: “+” stands for whole levels only", 2 },
    { "a/#/b", "Bad filter “a/#/b” at byte 2: “#” stands at the end only", 2 },
    { "ö/#/", "Bad filter “ö/#/” at byte 3: “#” stands at the end only", 3 },
    { "a/\xff/#", "Bad filter “a/\357\277\275/#” at byte 2: it is not UTF-8", 2 },
  };
  guint i;

  g_test_summary ("Bad filters are refused, with the place.");

  for (i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (troupe_system_subscribe (fixture->system, bad[i].filter, fixture->a, &error));
      assert_bad (error, bad[i].message, bad[i].where);
    }
}

static void
assert_bad_topic (Fixture    *fixture,
                  const char *topic,
                  const char *message,
                  gint64      where)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (troupe_system_publish (fixture->system, topic, troupe_message_new ("x"), &error));
  if (message != NULL)
    assert_bad (error, message, where);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_TOPIC);
  g_assert_cmpint (troupe_error_get_index (error), ==, where);
  g_assert_cmpuint (count_subscribers (fixture, topic), ==, 0);
}

static void
test_bad_topics (Fixture       *fixture,
                 gconstpointer  data)
{
  g_autofree char *deepest = g_strnfill (127, '/');
  g_autofree char *deep = g_strnfill (128, '/');
  g_autofree char *longest = g_strnfill (65535, 'x');
  g_autofree char *long_one = g_strnfill (65536, 'x');

  g_test_summary ("Bad topics are refused, with the place.");

  subscribe (fixture, "#", fixture->a);
  assert_bad_topic (fixture, "", "Bad topic “” at byte 0: it is empty", 0);
  assert_bad_topic (fixture, "a/+", "Bad topic “a/+” at byte 2: “+” is a wildcard, and stands in filters only", 2);
  assert_bad_topic (fixture, "a/b#c", "Bad topic “a/b#c” at byte 3: “#” is a wildcard, and stands in filters only", 3);
  assert_bad_topic (fixture, "a\xff", "Bad topic “a\357\277\275” at byte 1: it is not UTF-8", 1);
  assert_bad_topic (fixture, deep, NULL, 127);
  assert_bad_topic (fixture, long_one, NULL, 65535);
  publish_number (fixture, deepest, 1);
  publish_number (fixture, longest, 2);
  assert_heard ("a:news:1 a:news:2");
}

static void
test_bodies (Fixture       *fixture,
             gconstpointer  data)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("bytes", 5);
  TroupeMessage *message = troupe_message_new_string ("again", "twice");

  g_test_summary ("Messages with any body that can be shared may be published, and more than once.");

  subscribe (fixture, "x", fixture->a);
  subscribe (fixture, "x", fixture->b);
  publish (fixture, "x", troupe_message_new_string ("text", "text"));
  publish (fixture, "x", troupe_message_new_bytes ("bytes", bytes));
  publish (fixture, "x", troupe_message_new_json_string ("json", "[1]", NULL));
  publish (fixture, "x", troupe_message_new_boxed ("ref", TROUPE_TYPE_REF, fixture->a));
  assert_heard ("a:text:text a:bytes:bytes a:json:[1] a:ref:/a b:text:text b:bytes:bytes b:json:[1] b:ref:/a");

  publish (fixture, "x", troupe_message_ref (message));
  publish (fixture, "x", message);
  assert_heard ("a:again:twice a:again:twice b:again:twice b:again:twice");
}

static guint n_freed;

static void
count_free (gpointer data)
{
  n_freed++;
}

static void
test_pointer (Fixture       *fixture,
              gconstpointer  data)
{
  g_test_summary ("A pointer that has to be freed is freed when nobody gets it, and is not for many.");

  n_freed = 0;
  publish (fixture, "x", troupe_message_new_pointer ("pointer", fixture, count_free));
  g_assert_cmpuint (n_freed, ==, 1);

  subscribe (fixture, "x", fixture->a);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*“pointer” cannot be sent to many*");
  publish (fixture, "x", troupe_message_new_pointer ("pointer", fixture, count_free));
  g_test_assert_expected_messages ();
  g_assert_cmpuint (n_freed, ==, 2);
  assert_heard ("");
}

static gboolean
publish_in_turn (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  return troupe_system_publish (troupe_actor_get_system (actor), "x", troupe_message_new ("hello"), error);
}

static gboolean
note_sender (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  g_autofree char *path = troupe_ref_dup_path (troupe_message_get_sender (message));

  say (path);
  return TRUE;
}

/* Understands “hello”, and that with a body of no type. */

#define TEST_TYPE_GUEST (test_guest_get_type ())
G_DECLARE_FINAL_TYPE (TestGuest, test_guest, TEST, GUEST, TroupeActor)

struct _TestGuest
{
  TroupeActor parent_instance;
};

G_DEFINE_FINAL_TYPE (TestGuest, test_guest, TROUPE_TYPE_ACTOR)

static void
test_guest_class_init (TestGuestClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "hello", G_TYPE_NONE, note_sender);
}

static void
test_guest_init (TestGuest *self)
{
}

static void
test_sender (Fixture       *fixture,
             gconstpointer  data)
{
  g_autoptr (TroupeRef) guest = troupe_system_spawn (fixture->system, NULL, TEST_TYPE_GUEST, NULL, NULL);
  g_autoptr (TroupeRef) puppet = test_puppet_new (fixture->system, "puppet");

  g_test_summary ("The sender of what is published is who published it.");

  subscribe (fixture, "x", guest);
  test_puppet_tell (puppet, publish_in_turn, NULL);
  assert_heard ("/puppet");
}

/* Publishes what it gets. */

#define TEST_TYPE_CAROUSEL (test_carousel_get_type ())
G_DECLARE_FINAL_TYPE (TestCarousel, test_carousel, TEST, CAROUSEL, TroupeActor)

struct _TestCarousel
{
  TroupeActor parent_instance;
  guint       n_rounds;
};

G_DEFINE_FINAL_TYPE (TestCarousel, test_carousel, TROUPE_TYPE_ACTOR)

static gboolean
send_round (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  g_assert_true (message->mail.bits & TROUPE_MESSAGE_SHARES);
  g_assert_false (message->original->mail.bits & TROUPE_MESSAGE_SHARES);

  if (TEST_CAROUSEL (actor)->n_rounds++ < 3)
    return troupe_system_publish (troupe_actor_get_system (actor), "x", troupe_message_ref (message), error);

  say (troupe_message_get_string (message));
  return TRUE;
}

static void
test_carousel_class_init (TestCarouselClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "round", G_TYPE_STRING, send_round);
}

static void
test_carousel_init (TestCarousel *self)
{
}

static void
test_round (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupeRef) carousel = troupe_system_spawn (fixture->system, NULL, TEST_TYPE_CAROUSEL, NULL, NULL);

  g_test_summary ("A message that goes round holds what it shares, and not all that it has been.");

  subscribe (fixture, "x", carousel);
  publish (fixture, "x", troupe_message_new_string ("round", "and round"));
  assert_heard ("and round");
}

static void
test_ends (Fixture       *fixture,
           gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("A subscriber that ends, however it does, is one no longer.");

  subscribe (fixture, "x", fixture->a);
  subscribe (fixture, "+", fixture->a);
  subscribe (fixture, "x", fixture->b);
  publish (fixture, "x", troupe_message_new ("quit"));
  publish_number (fixture, "x", 1);
  g_assert_cmpuint (count_subscribers (fixture, "x"), ==, 2);
  assert_heard ("a:quit: b:quit:");
  g_assert_cmpuint (count_subscribers (fixture, "x"), ==, 0);
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 2);
  publish_number (fixture, "x", 2);
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 2);

  g_assert_false (troupe_system_subscribe (fixture->system, "x", fixture->a, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  g_assert_false (troupe_system_unsubscribe (fixture->system, "x", fixture->a));
}

static void
test_killed (Fixture       *fixture,
             gconstpointer  data)
{
  g_test_summary ("A subscriber that is killed or fails is one no longer.");

  subscribe (fixture, "x", fixture->a);
  subscribe (fixture, "x", fixture->b);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*“/b” failed: as told");
  troupe_ref_kill (fixture->a);
  troupe_ref_send (fixture->b, troupe_message_new ("fail"));
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  g_assert_cmpuint (count_subscribers (fixture, "x"), ==, 0);
}

#define N_RACES 300

static gpointer
subscribe_elsewhere (gpointer data)
{
  Fixture *fixture = data;
  guint i;

  for (i = 0; i < N_RACES; i++)
    {
      g_autoptr (TroupeRef) ref = troupe_system_spawn (fixture->system, NULL, TEST_TYPE_LISTENER, NULL, NULL);

      troupe_ref_stop (ref);
      troupe_system_subscribe (fixture->system, "race/+", ref, NULL);
      troupe_system_publish (fixture->system, "race/x", troupe_message_new ("news"), NULL);
      if (i % 3 == 0)
        troupe_system_unsubscribe (fixture->system, "race/+", ref);
      publish (fixture, "counted", troupe_message_new ("one"));
    }

  return NULL;
}

static gboolean
is_told_all (void)
{
  guint n_told = 0;
  const char *p = trace->str;

  while ((p = strstr (p, "a:one:")) != NULL)
    p++, n_told++;

  return n_told == 2 * N_RACES;
}

static void
test_threads (Fixture       *fixture,
              gconstpointer  data)
{
  GThread *first;
  GThread *second;

  g_test_summary ("However subscribing, publishing and ending meet on several threads, who stays gets all and who ends is forgotten.");

  subscribe (fixture, "counted", fixture->a);
  first = g_thread_new ("first", subscribe_elsewhere, fixture);
  second = g_thread_new ("second", subscribe_elsewhere, fixture);
  troupe_test_until (is_told_all ());
  g_thread_join (first);
  g_thread_join (second);
  troupe_test_until (troupe_system_get_n_actors (fixture->system) == 2);
  troupe_test_settle ();
  g_assert_cmpuint (count_subscribers (fixture, "race/x"), ==, 0);
}

/* News of the system */

static void
test_news (Fixture       *fixture,
           gconstpointer  data)
{
  g_autoptr (TroupeRef) child = NULL;

  g_test_summary ("Who wants to is told of actors that come and go.");

  subscribe (fixture, "$system/#", fixture->a);
  child = listener_new (fixture, "c");
  assert_heard ("a:spawned:/c");
  troupe_ref_stop (child);
  assert_heard ("a:stopped:/c/0");
  troupe_ref_kill (fixture->b);
  assert_heard ("a:stopped:/b/2");
  g_clear_pointer (&child, troupe_ref_unref);

  child = listener_new (fixture, NULL);
  troupe_test_settle ();
  g_string_truncate (trace, 0);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*failed: as told");
  troupe_ref_send (child, troupe_message_new ("fail"));
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  g_assert_true (g_regex_match_simple ("^a:failed:/actor-[0-9]+/1 a:stopped:/actor-[0-9]+/1$", trace->str, 0, 0));
}

static void
test_restart (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);

  g_test_summary ("A failure is told though the actor goes on, and it stays a subscriber.");

  troupe_system_set_supervision (fixture->system, supervision);
  subscribe (fixture, "$system/#", fixture->a);
  subscribe (fixture, "x", fixture->b);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*“/b” failed*as told*");
  troupe_ref_send (fixture->b, troupe_message_new ("fail"));
  publish_number (fixture, "x", 1);
  troupe_test_until (strstr (trace->str, "b:news:1") != NULL);
  g_test_assert_expected_messages ();
  publish_number (fixture, "x", 2);
  assert_heard ("a:failed:/b/1 b:news:1 b:news:2");
}

static void
test_dead_letters (Fixture       *fixture,
                   gconstpointer  data)
{
  g_autoptr (TroupeRef) guest = troupe_system_spawn (fixture->system, "guest", TEST_TYPE_GUEST, NULL, NULL);
  g_autofree char *expected = g_strdup_printf ("a:unhandled:/guest/what/%d a:unhandled:/guest/hello/%d a:dead-letter:/b/hello/%d",
                                               TROUPE_ERROR_UNHANDLED, TROUPE_ERROR_BODY_TYPE, TROUPE_ERROR_ACTOR_STOPPED);

  g_test_summary ("Who wants to is told of messages that nobody handles, and why.");

  subscribe (fixture, "$system/dead-letter/#", fixture->a);
  subscribe (fixture, "$system/unhandled/+", fixture->a);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_MESSAGE, "*“/guest” does not understand “what”");
  troupe_ref_send (guest, troupe_message_new ("what"));
  troupe_ref_send (guest, troupe_message_new_int64 ("hello", 1));
  troupe_ref_stop (fixture->b);
  troupe_test_settle ();
  troupe_ref_send (fixture->b, troupe_message_new ("hello"));
  assert_heard (expected);
  g_test_assert_expected_messages ();
}

static void
test_overflow (Fixture       *fixture,
               gconstpointer  data)
{
  g_autoptr (TroupeMessage) message = troupe_message_new ("flood");
  g_autofree char *expected = g_strdup_printf ("a:overflow:/b/flood/%d", TROUPE_ERROR_QUEUE_OVERFLOW);

  g_test_summary ("Who wants to is told of messages for which there was no room.");

  subscribe (fixture, "$system/overflow/b", fixture->a);
  subscribe (fixture, "$system/dead-letter/#", fixture->b);
  troupe_system_bury (fixture->system, fixture->b, message, TROUPE_ERROR_QUEUE_OVERFLOW);
  assert_heard (expected);
}

static void
test_filters (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeRef) c = NULL;
  g_autoptr (TroupeRef) d = NULL;

  g_test_summary ("News are about an actor, and can be had of some only; they do not come to who subscribed to all topics.");

  subscribe (fixture, "#", fixture->b);
  subscribe (fixture, "+/spawned/#", fixture->b);
  subscribe (fixture, "$system/+/c", fixture->a);
  c = listener_new (fixture, "c");
  d = listener_new (fixture, "d");
  troupe_ref_stop (c);
  troupe_ref_stop (d);
  assert_heard ("a:spawned:/c a:stopped:/c/0");
}

static void
test_deaf (Fixture       *fixture,
           gconstpointer  data)
{
  g_autoptr (TroupeRef) guest = troupe_system_spawn (fixture->system, "guest", TEST_TYPE_GUEST, NULL, NULL);

  g_test_summary ("News of a dead letter that are dead letters themselves make no more.");

  subscribe (fixture, "$system/#", guest);
  subscribe (fixture, "$system/unhandled/#", fixture->a);
  troupe_ref_stop (fixture->b);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_MESSAGE, "*“/guest” does not understand “stopped”");
  g_test_expect_message ("Troupe", G_LOG_LEVEL_MESSAGE, "*“/guest” does not understand “unhandled”");
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 2);
  g_assert_true (g_str_has_prefix (trace->str, "a:unhandled:/guest/stopped/"));
}

static void
test_last_words (Fixture       *fixture,
                 gconstpointer  data)
{
  g_test_summary ("A subscriber to news ends like any other, with mail in its box.");

  subscribe (fixture, "$system/#", fixture->a);
  subscribe (fixture, "$system/dead-letter/#", fixture->b);
  troupe_ref_stop (fixture->a);
  troupe_ref_send (fixture->a, troupe_message_new ("too late"));
  troupe_test_settle ();
  g_assert_true (g_str_has_prefix (trace->str, "b:dead-letter:/a/too late/"));
}

static void
test_nobody (Fixture       *fixture,
             gconstpointer  data)
{
  guint i;

  g_test_summary ("News that nobody wants are not made.");

  subscribe (fixture, "#", fixture->a);
  subscribe (fixture, "$system", fixture->a);
  subscribe (fixture, "$system/else/#", fixture->a);
  for (i = 0; i < TROUPE_N_NEWS; i++)
    g_assert_false (troupe_system_wants_news (fixture->system, i));

  subscribe (fixture, "$system/failed/x", fixture->a);
  subscribe (fixture, "$system/failed/#", fixture->a);
  subscribe (fixture, "$system/+/x", fixture->b);
  for (i = 0; i < TROUPE_N_NEWS; i++)
    g_assert_true (troupe_system_wants_news (fixture->system, i));

  troupe_system_unsubscribe (fixture->system, "$system/+/x", fixture->b);
  troupe_system_unsubscribe (fixture->system, "$system/failed/x", fixture->a);
  for (i = 0; i < TROUPE_N_NEWS; i++)
    g_assert_cmpint (troupe_system_wants_news (fixture->system, i), ==, i == TROUPE_NEWS_FAILED);

  troupe_ref_stop (fixture->a);
  troupe_test_settle ();
  g_assert_false (troupe_system_wants_news (fixture->system, TROUPE_NEWS_FAILED));
}

#define add(path, func) \
  g_test_add ("/troupe/topics/" path, Fixture, NULL, set_up, func, tear_down)

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("exact", test_exact);
  add ("unsubscribe", test_unsubscribe);
  add ("once", test_once);
  add ("wildcards", test_wildcards);
  add ("bad-filters", test_bad_filters);
  add ("bad-topics", test_bad_topics);
  add ("bodies", test_bodies);
  add ("pointer", test_pointer);
  add ("sender", test_sender);
  add ("round", test_round);
  add ("ends", test_ends);
  add ("killed", test_killed);
  add ("threads", test_threads);
  add ("news", test_news);
  add ("restart", test_restart);
  add ("dead-letters", test_dead_letters);
  add ("overflow", test_overflow);
  add ("filters", test_filters);
  add ("deaf", test_deaf);
  add ("last-words", test_last_words);
  add ("nobody", test_nobody);

  return g_test_run ();
}
