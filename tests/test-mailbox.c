/* test-mailbox.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "troupe-ref-private.h"  /* what no program can see: how much lies in a mailbox */
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

/* Sends who asks a word, and then the answer. */
static gboolean
on_serve (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  troupe_ref_send (troupe_message_get_sender (message), troupe_message_new_string ("say", "x"));
  troupe_message_reply_string (message, troupe_message_get_string (message));
  return TRUE;
}

/* “=a” for the answer “a”, “!a” for an overflow as answer to “a”. */
static void
say_answer (TroupePromise *promise,
            gpointer       word)
{
  const GError *error = troupe_promise_get_error (promise);
  g_autofree char *text = g_strdup_printf ("%s%s", error != NULL ? "!" : "=", (const char *) word);

  if (error != NULL)
    g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_QUEUE_OVERFLOW);
  else
    g_assert_cmpstr (troupe_promise_get_string (promise), ==, word);
  say (text);
  troupe_promise_return_nothing (promise);
}

static void
take_away (TroupePromise *promise,
           gpointer       user_data)
{
  troupe_promise_return_nothing (promise);
}

/* Asks another three questions. */
static gboolean
on_query (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  const char *words[] = { "1", "2", "3" };
  gsize i;

  for (i = 0; i < G_N_ELEMENTS (words); i++)
    {
      g_autoptr (TroupePromise) promise = troupe_ref_ask (troupe_message_get_boxed (message),
                                                          troupe_message_new_string ("serve", words[i]));

      troupe_promise_add_both (promise, say_answer, (gpointer) words[i], NULL);
    }

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
on_terminated (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  say ("terminated");
  return TRUE;
}

static guint n_counted;

static gboolean
on_count (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  n_counted++;
  return TRUE;
}

/* News of a message that was lost: “~word”. */
static gboolean
on_overflow (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  TroupeMessage *lost = troupe_dead_letter_get_message (troupe_message_get_boxed (message));
  g_autofree char *word = g_strdup_printf ("~%s", troupe_message_get_string (lost));

  say (word);
  return TRUE;
}

static void
test_sink_class_init (TestSinkClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  troupe_actor_class_bind (actor_class, "say", G_TYPE_STRING, on_say);
  troupe_actor_class_bind (actor_class, "serve", G_TYPE_STRING, on_serve);
  troupe_actor_class_bind (actor_class, "query", TROUPE_TYPE_REF, on_query);
  troupe_actor_class_bind (actor_class, "watch", TROUPE_TYPE_REF, on_watch);
  troupe_actor_class_bind (actor_class, "terminated", TROUPE_TYPE_TERMINATION, on_terminated);
  troupe_actor_class_bind (actor_class, "count", G_TYPE_NONE, on_count);
  troupe_actor_class_bind (actor_class, "overflow", TROUPE_TYPE_DEAD_LETTER, on_overflow);
  troupe_actor_class_bind (actor_class, "keep", G_TYPE_STRING, on_keep);
  troupe_actor_class_bind (actor_class, "pass-on", TROUPE_TYPE_REF, on_pass_on);
}

static void
test_sink_init (TestSink *self)
{
}

/* The same, with room for so many. */
#define SINK(Name, name, capacity, overflow)                                  \
  typedef TestSink Name;                                                      \
  typedef TestSinkClass Name##Class;                                          \
  static GType name##_get_type (void);                                        \
  G_DEFINE_TYPE (Name, name, TEST_TYPE_SINK)                                  \
                                                                              \
  static void                                                                 \
  name##_class_init (Name##Class *klass)                                      \
  {                                                                           \
    troupe_actor_class_set_capacity (TROUPE_ACTOR_CLASS (klass), capacity,    \
                                     TROUPE_OVERFLOW_##overflow);             \
  }                                                                           \
                                                                              \
  static void                                                                 \
  name##_init (Name *self)                                                    \
  {                                                                           \
  }

SINK (DropNewest, drop_newest, 3, DROP_NEWEST)
SINK (DropOldest, drop_oldest, 3, DROP_OLDEST)
SINK (Reject, reject, 3, REJECT)
SINK (Fail, fail, 3, FAIL)
SINK (Backpressure, backpressure, 3, BACKPRESSURE)
SINK (DropNewest1, drop_newest_1, 1, DROP_NEWEST)
SINK (DropOldest1, drop_oldest_1, 1, DROP_OLDEST)
SINK (Reject1, reject_1, 1, REJECT)
SINK (Fail1, fail_1, 1, FAIL)
SINK (Backpressure1, backpressure_1, 1, BACKPRESSURE)

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
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);

  fixture->system = troupe_test_system_new ();
  troupe_supervision_set_back_off (supervision, 0, 0);
  troupe_system_set_supervision (fixture->system, supervision);
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

/* Capacities */

static const char *const letters[] = { "a", "b", "c", "d", "e" };

static gpointer
send_letters (gpointer sink)
{
  gsize i;

  for (i = 0; i < G_N_ELEMENTS (letters); i++)
    troupe_ref_send (sink, troupe_message_new_string ("say", letters[i]));

  return NULL;
}

static void
ask_letters (TroupeRef *sink)
{
  gsize i;

  for (i = 0; i < G_N_ELEMENTS (letters); i++)
    {
      g_autoptr (TroupePromise) promise = troupe_ref_ask (sink, troupe_message_new_string ("say", letters[i]));

      troupe_promise_add_both (promise, say_answer, (gpointer) letters[i], NULL);
    }
}

/* An actor that fails is restarted: it handles what it had room for. */
static void
settle (gconstpointer type)
{
  gboolean fails = type == fail_get_type || type == fail_1_get_type;

  if (fails)
    g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*“/sink”*The mailbox of “/sink” is full: it takes * messages*");
  troupe_test_settle ();
  if (fails)
    g_test_assert_expected_messages ();
}

static void
test_send (Fixture       *fixture,
           gconstpointer  type)
{
  g_test_summary ("A capacity counts what is sent; what is too much is lost by the policy.");

  send_letters (fixture->sink);
  settle (type);
  if (type == drop_newest_get_type)
    assert_trace ("a b c");
  else if (type == drop_oldest_get_type)
    assert_trace ("c d e");
  else
    assert_trace ("†d:queue-overflow †e:queue-overflow a b c");

  /* There is room again. */
  tell (fixture, "f");
  tell (fixture, "g");
  tell (fixture, "h");
  troupe_test_settle ();
  assert_trace ("f g h");
}

static void
test_ask (Fixture       *fixture,
          gconstpointer  type)
{
  g_test_summary ("An ask that is too much is rejected, whatever the policy.");

  ask_letters (fixture->sink);
  settle (type);
  if (type == drop_oldest_get_type)
    assert_trace ("c d e =c !a =d !b =e");
  else
    assert_trace ("!d !e a b c =a =b =c");
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 0);
}

static void
test_ask_error (Fixture       *fixture,
                gconstpointer  type)
{
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("The error names the actor and the limit.");

  send_letters (fixture->sink);
  promise = troupe_ref_ask (fixture->sink, troupe_message_new_string ("say", "a"));
  g_assert_error (troupe_promise_get_error (promise), TROUPE_ERROR, TROUPE_ERROR_QUEUE_OVERFLOW);
  g_assert_cmpstr (troupe_promise_get_error (promise)->message, ==, "The mailbox of “/sink” is full: it takes 3 messages");
  troupe_promise_add_both (promise, say_answer, (gpointer) "a", NULL);
  troupe_test_settle ();
  assert_trace ("†d:queue-overflow †e:queue-overflow !a a b c");
}

static void
test_thread (Fixture       *fixture,
             gconstpointer  type)
{
  g_test_summary ("What comes from another thread counts when it comes in.");

  g_thread_join (g_thread_new ("sender", send_letters, fixture->sink));
  settle (type);
  if (type == drop_newest_get_type)
    assert_trace ("a b c");
  else if (type == drop_oldest_get_type)
    assert_trace ("c d e");
  else
    assert_trace ("†d:queue-overflow †e:queue-overflow a b c");
}

static void
test_rule_131 (Fixture       *fixture,
               gconstpointer  type)
{
  g_autoptr (TroupeRef) server = troupe_system_spawn (fixture->system, NULL, TEST_TYPE_SINK, NULL, NULL);

  g_test_summary ("Answers neither count nor are lost when the mailbox is full, and keep their place.");

  troupe_ref_send (fixture->sink, troupe_message_new_boxed ("query", TROUPE_TYPE_REF, server));
  settle (type);
  if (type == fail_1_get_type)
    /* It is the restart that takes them: they were promised to the object before. */
    assert_trace ("†x:queue-overflow †x:queue-overflow x");
  else if (type == drop_oldest_1_get_type)
    assert_trace ("=1 =2 x =3");
  else if (type == drop_newest_1_get_type)
    assert_trace ("x =1 =2 =3");
  else
    assert_trace ("†x:queue-overflow †x:queue-overflow x =1 =2 =3");
}

static void
test_system (Fixture       *fixture,
             gconstpointer  type)
{
  g_autoptr (TroupeRef) other = troupe_system_spawn (fixture->system, NULL, TEST_TYPE_SINK, NULL, NULL);

  g_test_summary ("What the system says neither counts nor is lost.");

  troupe_ref_send (fixture->sink, troupe_message_new_boxed ("watch", TROUPE_TYPE_REF, other));
  troupe_test_settle ();
  /* Who stops has its slice before the one whose mailbox is full. */
  troupe_ref_stop (other);
  tell (fixture, "x");
  troupe_test_settle ();
  assert_trace ("x terminated");
}

static void
test_news (Fixture       *fixture,
           gconstpointer  type)
{
  g_autoptr (TroupeRef) reader = troupe_system_spawn (fixture->system, NULL, TEST_TYPE_SINK, NULL, NULL);

  g_test_summary ("Who subscribes to it hears of every message that is lost, dead letter or not.");

  g_assert_true (troupe_system_subscribe (fixture->system, "$system/overflow/#", reader, NULL));
  send_letters (fixture->sink);
  settle (type);
  if (type == drop_oldest_get_type)
    assert_trace ("c d e ~a ~b");
  else if (type == drop_newest_get_type)
    assert_trace ("a b c ~d ~e");
  else
    assert_trace (type == fail_get_type ? "†d:queue-overflow †e:queue-overflow ~d ~e a b c"
                                        : "†d:queue-overflow †e:queue-overflow a b c ~d ~e");
}

static void
test_stopped (Fixture       *fixture,
              gconstpointer  type)
{
  g_test_summary ("The end gives back what waits, and not what was lost before.");

  send_letters (fixture->sink);
  troupe_ref_stop (fixture->sink);
  troupe_test_settle ();
  if (type == drop_newest_get_type)
    assert_trace ("†a:actor-stopped †b:actor-stopped †c:actor-stopped");
  else if (type == drop_oldest_get_type)
    assert_trace ("†c:actor-stopped †d:actor-stopped †e:actor-stopped");
  else
    assert_trace ("†d:queue-overflow †e:queue-overflow †a:actor-stopped †b:actor-stopped †c:actor-stopped");
}

static void
test_flood (Fixture       *fixture,
            gconstpointer  type)
{
  guint i;

  g_test_summary ("What was dropped where it lay does not stay there for ever.");

  for (i = 0; i < 100000; i++)
    troupe_ref_send (fixture->sink, troupe_message_new_string ("say", i < 99997 ? "-" : letters[i - 99997]));
  g_assert_cmpuint (fixture->sink->n_mail, <, 100);
  troupe_test_settle ();
  assert_trace ("a b c");
}

#define N_SENDERS 4
#define N_EACH    2000

static int n_finished;

static gpointer
send_counts (gpointer sink)
{
  guint i;

  for (i = 0; i < N_EACH; i++)
    troupe_ref_send (sink, troupe_message_new ("count"));

  g_atomic_int_inc (&n_finished);
  return NULL;
}

static void
test_counts (Fixture       *fixture,
             gconstpointer  type)
{
  GThread *senders[N_SENDERS];
  gsize i;

  g_test_summary ("Of what several threads send, each message is either handled or a dead letter.");

  g_signal_handlers_disconnect_by_func (fixture->system, on_dead_letter, NULL);
  n_counted = 0;
  g_atomic_int_set (&n_finished, 0);
  for (i = 0; i < N_SENDERS; i++)
    senders[i] = g_thread_new ("sender", send_counts, fixture->sink);
  while (g_atomic_int_get (&n_finished) < N_SENDERS)
    g_main_context_iteration (NULL, FALSE);
  for (i = 0; i < N_SENDERS; i++)
    g_thread_join (senders[i]);
  troupe_test_settle ();

  g_assert_cmpuint (n_counted + troupe_system_get_n_dead_letters (fixture->system), ==, N_SENDERS * N_EACH);
  send_letters (fixture->sink);
  troupe_test_settle ();
  assert_trace ("a b c");
}

/* Urgent messages. A class that has some, and room for three messages. */

typedef TestSink Clerk;
typedef TestSinkClass ClerkClass;
static GType clerk_get_type (void);
G_DEFINE_TYPE (Clerk, clerk, TEST_TYPE_SINK)

static void
clerk_class_init (ClerkClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  troupe_actor_class_bind (actor_class, "fire", G_TYPE_STRING, on_say);
  troupe_actor_class_bind (actor_class, "police", G_TYPE_STRING, on_say);
  troupe_actor_class_set_urgent (actor_class, "fire");
  troupe_actor_class_set_urgent (actor_class, "police");
  troupe_actor_class_set_capacity (actor_class, 3, TROUPE_OVERFLOW_DROP_OLDEST);
}

static void
clerk_init (Clerk *self)
{
}

/* One that is derived from it may be told to wait in a fiber. */
typedef Clerk Waiter;
typedef ClerkClass WaiterClass;
static GType waiter_get_type (void);
G_DEFINE_TYPE (Waiter, waiter, clerk_get_type ())

static gboolean
on_rest (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  g_autoptr (TroupePromise) rest = troupe_sleep (troupe_message_get_int64 (message));

  return troupe_await (rest, error);
}

static void
waiter_class_init (WaiterClass *klass)
{
  troupe_actor_class_bind_fiber (TROUPE_ACTOR_CLASS (klass), "rest", G_TYPE_INT64, TROUPE_FIBER_DEFAULT, on_rest);
}

static void
waiter_init (Waiter *self)
{
}

/* And one that has one more urgent name. */
typedef Clerk Warden;
typedef ClerkClass WardenClass;
static GType warden_get_type (void);
G_DEFINE_TYPE (Warden, warden, clerk_get_type ())

static void
warden_class_init (WardenClass *klass)
{
  troupe_actor_class_set_urgent (TROUPE_ACTOR_CLASS (klass), "say");
  troupe_actor_class_set_capacity (TROUPE_ACTOR_CLASS (klass), 0, TROUPE_OVERFLOW_REJECT);
}

static void
warden_init (Warden *self)
{
}

static void
call (Fixture    *fixture,
      const char *name,
      const char *word)
{
  troupe_ref_send (fixture->sink, troupe_message_new_string (name, word));
}

static void
test_urgent (Fixture       *fixture,
             gconstpointer  type)
{
  g_test_summary ("Urgent messages go before others; each kind keeps its order.");

  call (fixture, "say", "a");
  call (fixture, "fire", "1");
  call (fixture, "police", "2");
  troupe_test_settle ();
  assert_trace ("1 2 a");
  call (fixture, "say", "b");
  call (fixture, "say", "c");
  call (fixture, "fire", "3");
  troupe_test_settle ();
  assert_trace ("3 b c");
}

static void
test_urgent_full (Fixture       *fixture,
                  gconstpointer  type)
{
  g_test_summary ("Urgent messages count, but are not the oldest; where there are no others the new one is dropped.");

  call (fixture, "say", "a");
  call (fixture, "fire", "1");
  call (fixture, "fire", "2");
  call (fixture, "fire", "3");
  call (fixture, "fire", "4");
  call (fixture, "say", "b");
  troupe_test_settle ();
  assert_trace ("1 2 3");
}

static void
test_urgent_stopped (Fixture       *fixture,
                     gconstpointer  type)
{
  g_test_summary ("The end goes before what is urgent, and gives that back first.");

  call (fixture, "say", "a");
  call (fixture, "fire", "1");
  troupe_ref_stop (fixture->sink);
  troupe_test_settle ();
  assert_trace ("†1:actor-stopped †a:actor-stopped");
}

static void
test_urgent_inherited (Fixture       *fixture,
                       gconstpointer  type)
{
  g_test_summary ("A derived class has the urgent names of its parent too, which has none of its own.");

  call (fixture, "say", "a");
  call (fixture, "fire", "1");
  call (fixture, "keep", "-");
  call (fixture, "say", "b");
  troupe_test_settle ();
  assert_trace ("a 1 b");
}

static void
test_urgent_answer (Fixture       *fixture,
                    gconstpointer  type)
{
  g_autoptr (TroupeRef) server = troupe_system_spawn (fixture->system, NULL, TEST_TYPE_SINK, NULL, NULL);

  g_test_summary ("Urgent messages go before answers too.");

  /* The warden has “say” as urgent, which the server sends before each answer. */
  troupe_ref_send (fixture->sink, troupe_message_new_boxed ("query", TROUPE_TYPE_REF, server));
  troupe_test_settle ();
  assert_trace ("x x x =1 =2 =3");
}

static void
test_fiber (Fixture       *fixture,
            gconstpointer  type)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));

  g_test_summary ("What waits for a fiber counts as long as it waits; what is urgent waits, too, and then goes first.");

  troupe_ref_send (fixture->sink, troupe_message_new_int64 ("rest", 10));
  troupe_test_settle ();
  call (fixture, "say", "a");
  troupe_test_settle ();
  call (fixture, "say", "b");
  call (fixture, "fire", "1");
  troupe_test_settle ();
  call (fixture, "say", "c");
  troupe_test_settle ();
  assert_trace ("");
  troupe_clock_advance (clock, 10);
  assert_trace ("1 b c");
}

static void
test_fiber_flood (Fixture       *fixture,
                  gconstpointer  type)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));
  guint i;

  g_test_summary ("What is dropped while it waits for a fiber does not stay there for ever.");

  troupe_ref_send (fixture->sink, troupe_message_new_int64 ("rest", 10));
  troupe_test_settle ();
  for (i = 0; i < 1000; i++)
    {
      call (fixture, "say", i < 997 ? "-" : letters[i - 997]);
      if (i % 10 == 0)
        troupe_test_settle ();
    }
  g_assert_cmpuint (fixture->sink->n_mail, <, 100);
  troupe_clock_advance (clock, 10);
  assert_trace ("a b c");
}

static void
test_fiber_stopped (Fixture       *fixture,
                    gconstpointer  type)
{
  g_test_summary ("The end gives back what waits for a fiber, the urgent first.");

  troupe_ref_send (fixture->sink, troupe_message_new_int64 ("rest", 1000000));
  troupe_test_settle ();
  call (fixture, "say", "a");
  troupe_test_settle ();
  call (fixture, "fire", "1");
  troupe_ref_stop (fixture->sink);
  troupe_test_settle ();
  assert_trace ("†1:actor-stopped †a:actor-stopped");
}

/* Stashes: an actor that puts aside what it is told until it is open. */

typedef TestSink Shop;
typedef TestSinkClass ShopClass;
static GType shop_get_type (void);
G_DEFINE_TYPE (Shop, shop, TEST_TYPE_SINK)

static gboolean
on_put_aside (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  return troupe_actor_stash (actor, message, error);
}

static gboolean
on_open (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  say ("opens");
  troupe_actor_become (actor, "open");
  troupe_actor_unstash (actor);
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
on_break (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "broken");
  return FALSE;
}

static void
shop_class_init (ShopClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  troupe_actor_class_bind (actor_class, "say", G_TYPE_VALUE, on_put_aside);
  troupe_actor_class_bind_in (actor_class, "open", "say", G_TYPE_STRING, on_say);
  troupe_actor_class_bind (actor_class, "open", G_TYPE_NONE, on_open);
  troupe_actor_class_bind (actor_class, "close", G_TYPE_NONE, on_close);
  troupe_actor_class_bind (actor_class, "break", G_TYPE_NONE, on_break);
  troupe_actor_class_set_stash_limit (actor_class, 3);
}

static void
shop_init (Shop *self)
{
}

/* The same, with a capacity. */
typedef Shop SmallShop;
typedef ShopClass SmallShopClass;
static GType small_shop_get_type (void);
G_DEFINE_TYPE (SmallShop, small_shop, shop_get_type ())

static void
small_shop_class_init (SmallShopClass *klass)
{
  troupe_actor_class_set_capacity (TROUPE_ACTOR_CLASS (klass), 3, TROUPE_OVERFLOW_DROP_OLDEST);
}

static void
small_shop_init (SmallShop *self)
{
}

static void
order (Fixture    *fixture,
       const char *name)
{
  troupe_ref_send (fixture->sink, troupe_message_new (name));
}

static void
ask (Fixture    *fixture,
     const char *word)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (fixture->sink, troupe_message_new_string ("say", word));

  troupe_promise_add_both (promise, say_answer, (gpointer) word, NULL);
}

static void
test_stash (Fixture       *fixture,
            gconstpointer  type)
{
  g_test_summary ("What is stashed comes back in order, before what waits, with its duty to answer.");

  tell (fixture, "a");
  ask (fixture, "b");
  troupe_test_settle ();
  assert_trace ("");
  order (fixture, "open");
  tell (fixture, "c");
  troupe_test_settle ();
  assert_trace ("opens a b c =b");
  order (fixture, "close");
  tell (fixture, "d");
  order (fixture, "open");
  order (fixture, "open");
  troupe_test_settle ();
  assert_trace ("closes opens d opens");
}

static void
test_stash_full (Fixture       *fixture,
                 gconstpointer  type)
{
  g_test_summary ("A stash that is full fails the handler that ends with it: the ask is rejected, the next object has the rest.");

  tell (fixture, "a");
  tell (fixture, "b");
  tell (fixture, "c");
  ask (fixture, "d");
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*The stash of “/sink” is full: it takes 3 messages*");
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  order (fixture, "open");
  troupe_test_settle ();
  assert_trace ("!d opens a b c");
}

static void
test_stash_stopped (Fixture       *fixture,
                    gconstpointer  type)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (fixture->sink, troupe_message_new_string ("say", "b"));

  g_test_summary ("The end gives back what is stashed: sends are dead letters, asks are rejected.");

  tell (fixture, "a");
  troupe_test_settle ();
  tell (fixture, "c");
  troupe_ref_stop (fixture->sink);
  troupe_test_settle ();
  assert_trace ("†a:actor-stopped †c:actor-stopped");
  g_assert_error (troupe_promise_get_error (promise), TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  troupe_promise_add_both (promise, take_away, NULL, NULL);
}

static void
test_stash_restarted (Fixture       *fixture,
                      gconstpointer  type)
{
  g_test_summary ("A restart hands what is stashed to the next object, before what waits.");

  tell (fixture, "a");
  ask (fixture, "b");
  troupe_test_settle ();
  order (fixture, "break");
  tell (fixture, "c");
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*broken*");
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  order (fixture, "open");
  troupe_test_settle ();
  assert_trace ("opens a b c =b");
}

static void
test_stash_deadline (Fixture       *fixture,
                     gconstpointer  type)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));

  g_test_summary ("A deadline goes on in the stash.");

  tell_within (fixture, "a", 10);
  tell_within (fixture, "b", 100);
  troupe_test_settle ();
  troupe_clock_advance (clock, 50);
  order (fixture, "open");
  troupe_test_settle ();
  assert_trace ("opens †a:timed-out b");
}

static void
test_stash_capacity (Fixture       *fixture,
                     gconstpointer  type)
{
  g_test_summary ("What is stashed does not count, what comes back does, and may be too much for a while.");

  tell (fixture, "a");
  tell (fixture, "b");
  troupe_test_settle ();
  order (fixture, "open");
  tell (fixture, "c");
  tell (fixture, "d");
  troupe_test_settle ();
  assert_trace ("opens a b c d");
}

/* Receive timeout: an actor that says so, and may be told to wait no longer. */

typedef TestSink Sleeper;
typedef TestSinkClass SleeperClass;
static GType sleeper_get_type (void);
G_DEFINE_TYPE (Sleeper, sleeper, TEST_TYPE_SINK)

static gboolean
on_wait (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  TroupeRef *ref = troupe_actor_get_ref (actor);

  troupe_actor_set_receive_timeout (actor, troupe_message_get_int64 (message));

  /* What waits already puts it off, too. */
  if (troupe_message_get_int64 (message) > 0 && ref->head != NULL)
    g_assert_cmpint (ref->head->kind, ==, TROUPE_MAIL_MARKED);

  return TRUE;
}

static gboolean
on_receive_timeout (TroupeActor    *actor,
                    TroupeMessage  *message,
                    GError        **error)
{
  g_assert_null (troupe_message_get_sender (message));
  say ("…");
  return TRUE;
}

/* From the first moment on. */
static void
sleeper_constructed (GObject *object)
{
  troupe_actor_set_receive_timeout (TROUPE_ACTOR (object), 1000000);
  G_OBJECT_CLASS (sleeper_parent_class)->constructed (object);
}

static void
sleeper_class_init (SleeperClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  G_OBJECT_CLASS (klass)->constructed = sleeper_constructed;
  troupe_actor_class_bind (actor_class, "wait", G_TYPE_INT64, on_wait);
  troupe_actor_class_bind (actor_class, "receive-timeout", G_TYPE_NONE, on_receive_timeout);
  troupe_actor_class_bind (actor_class, "break", G_TYPE_NONE, on_break);
}

static void
sleeper_init (Sleeper *self)
{
}

static void
wait_for (Fixture *fixture,
          gint64   timeout_ms)
{
  troupe_ref_send (fixture->sink, troupe_message_new_int64 ("wait", timeout_ms));
}

static void
test_timeout (Fixture       *fixture,
              gconstpointer  type)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));

  g_test_summary ("The timeout comes when there was no message for so long, again and again; a message puts it off.");

  wait_for (fixture, 100);
  troupe_test_settle ();
  troupe_clock_advance (clock, 99);
  assert_trace ("");
  troupe_clock_advance (clock, 1);
  assert_trace ("…");
  troupe_clock_advance (clock, 100);
  assert_trace ("…");
  troupe_clock_advance (clock, 60);
  tell (fixture, "a");
  troupe_test_settle ();
  troupe_clock_advance (clock, 99);
  assert_trace ("a");
  troupe_clock_advance (clock, 1);
  assert_trace ("…");
}

static void
test_timeout_change (Fixture       *fixture,
                     gconstpointer  type)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));

  g_test_summary ("Another timeout replaces the one before, and 0 takes it away.");

  wait_for (fixture, 100);
  troupe_test_settle ();
  troupe_clock_advance (clock, 90);
  wait_for (fixture, 50);
  troupe_test_settle ();
  troupe_clock_advance (clock, 49);
  assert_trace ("");
  troupe_clock_advance (clock, 1);
  assert_trace ("…");
  wait_for (fixture, 0);
  troupe_test_settle ();
  troupe_clock_advance (clock, 1000);
  assert_trace ("");
  tell (fixture, "a");
  troupe_test_settle ();
  assert_trace ("a");
}

static void
test_timeout_waiting (Fixture       *fixture,
                      gconstpointer  type)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));

  g_test_summary ("A message that was there when the timeout was set is looked at as well.");

  wait_for (fixture, 100);
  tell (fixture, "a");
  troupe_test_settle ();
  assert_trace ("a");
  troupe_clock_advance (clock, 100);
  assert_trace ("…");
}

static void
test_timeout_restarted (Fixture       *fixture,
                        gconstpointer  type)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));

  g_test_summary ("The next object has no timeout until it sets one.");

  wait_for (fixture, 100);
  order (fixture, "break");
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*broken*");
  troupe_clock_advance (clock, 1000);
  g_test_assert_expected_messages ();
  assert_trace ("");
  wait_for (fixture, 100);
  troupe_test_settle ();
  troupe_clock_advance (clock, 100);
  assert_trace ("…");
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

typedef struct
{
  const char *name;
  GType     (*type) (void);
} Policy;

static const Policy policies[] = {
  { "drop-newest", drop_newest_get_type },
  { "drop-oldest", drop_oldest_get_type },
  { "reject", reject_get_type },
  { "fail", fail_get_type },
  { "backpressure", backpressure_get_type },
  { NULL },
};

static const Policy policies_1[] = {
  { "drop-newest", drop_newest_1_get_type },
  { "drop-oldest", drop_oldest_1_get_type },
  { "reject", reject_1_get_type },
  { "fail", fail_1_get_type },
  { "backpressure", backpressure_1_get_type },
  { NULL },
};

static void
add_for_all (const char   *path,
             const Policy *policy,
             void        (*test) (Fixture       *fixture,
                                  gconstpointer  type))
{
  for (; policy->name != NULL; policy++)
    {
      g_autofree char *full = g_strdup_printf ("%s/%s", path, policy->name);

      add (full, policy->type, test);
    }
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

  add_for_all ("send", policies, test_send);
  add_for_all ("ask", policies, test_ask);
  add ("ask-error", reject_get_type, test_ask_error);
  add_for_all ("thread", policies, test_thread);
  add_for_all ("131-continuation", policies_1, test_rule_131);
  add_for_all ("system", policies_1, test_system);
  add_for_all ("news", policies, test_news);
  add_for_all ("stopped", policies, test_stopped);
  add ("flood", drop_oldest_get_type, test_flood);
  add ("counts/reject", reject_get_type, test_counts);
  add ("counts/backpressure", backpressure_get_type, test_counts);

  add ("urgent", clerk_get_type, test_urgent);
  add ("urgent/full", clerk_get_type, test_urgent_full);
  add ("urgent/stopped", clerk_get_type, test_urgent_stopped);
  add ("urgent/inherited", warden_get_type, test_urgent_inherited);
  add ("urgent/answer", warden_get_type, test_urgent_answer);
  add ("fiber", waiter_get_type, test_fiber);
  add ("fiber/flood", waiter_get_type, test_fiber_flood);
  add ("fiber/stopped", waiter_get_type, test_fiber_stopped);
  add ("stash", shop_get_type, test_stash);
  add ("stash/full", shop_get_type, test_stash_full);
  add ("stash/stopped", shop_get_type, test_stash_stopped);
  add ("stash/restarted", shop_get_type, test_stash_restarted);
  add ("stash/deadline", shop_get_type, test_stash_deadline);
  add ("stash/capacity", small_shop_get_type, test_stash_capacity);
  add ("timeout", sleeper_get_type, test_timeout);
  add ("timeout/change", sleeper_get_type, test_timeout_change);
  add ("timeout/waiting", sleeper_get_type, test_timeout_waiting);
  add ("timeout/restarted", sleeper_get_type, test_timeout_restarted);

  status = g_test_run ();
  g_string_free (trace, TRUE);
  return status;
}
