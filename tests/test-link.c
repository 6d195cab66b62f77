/* test-link.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Actors that are tied to each other. Each test runs three times: with the others as actors of the same thread, of another reactor of the
 * system, and of another system on another thread. It looks inside for what links leave behind. */

#include <sys/socket.h>

#include "troupe-ref-life-private.h"
#include "troupe-test-puppet.h"

#define N_MATES 4

/* Puppets that tell the story of their lives, each its own, which the test reads on another thread. */

typedef struct
{
  TroupeRef *ref;
  char       label[2];
  GString   *story;                  /* with the lock */
  gint       n_links;
} Mate;

G_LOCK_DEFINE_STATIC (stories);

static void G_GNUC_PRINTF (2, 3)
tell (Mate       *mate,
      const char *format,
      ...)
{
  va_list args;

  va_start (args, format);
  G_LOCK (stories);
  if (mate->story->len > 0)
    g_string_append_c (mate->story, ' ');
  g_string_append_vprintf (mate->story, format, args);
  G_UNLOCK (stories);
  va_end (args);
}

#define TEST_TYPE_MATE (test_mate_get_type ())
G_DECLARE_FINAL_TYPE (TestMate, test_mate, TEST, MATE, TroupeActor)

struct _TestMate
{
  TroupeActor parent_instance;

  Mate       *mate;
};

enum { PROP_0, PROP_MATE };

G_DEFINE_FINAL_TYPE (TestMate, test_mate, TROUPE_TYPE_ACTOR)

static gboolean
test_mate_started (TroupeActor  *actor,
                   GError      **error)
{
  tell (TEST_MATE (actor)->mate, "started");
  return TRUE;
}

static void
test_mate_stopped (TroupeActor *actor)
{
  tell (TEST_MATE (actor)->mate, "stopped");
}

static void
test_mate_pre_restart (TroupeActor  *actor,
                       const GError *error)
{
  tell (TEST_MATE (actor)->mate, "(%s)", error->message);
}

static gboolean
on_say (TroupeActor    *actor,
        TroupeMessage  *message,
        GError        **error)
{
  tell (TEST_MATE (actor)->mate, "%s", troupe_message_get_string (message));
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
on_watch (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  troupe_actor_watch (actor, troupe_message_get_boxed (message));
  return TRUE;
}

static gboolean
on_link (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  troupe_actor_link (actor, troupe_message_get_boxed (message));
  return TRUE;
}

static gboolean
on_unlink (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  troupe_actor_unlink (actor, troupe_message_get_boxed (message));
  return TRUE;
}

static gboolean
on_terminated (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  TroupeTermination *termination = troupe_message_get_boxed (message);
  const GError *reason = troupe_termination_get_error (termination);
  const GError *cause = reason != NULL ? troupe_error_get_cause (reason) : NULL;

  tell (TEST_MATE (actor)->mate, "saw [%s]", reason != NULL ? reason->message : "");
  if (cause != NULL)
    tell (TEST_MATE (actor)->mate, "because of [%s]", cause->message);
  return TRUE;
}

static void
test_mate_set_property (GObject      *object,
                        guint         id,
                        const GValue *value,
                        GParamSpec   *pspec)
{
  TEST_MATE (object)->mate = g_value_get_pointer (value);
}

static void
test_mate_class_init (TestMateClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  object_class->set_property = test_mate_set_property;
  g_object_class_install_property (object_class, PROP_MATE,
                                   g_param_spec_pointer ("mate", NULL, NULL,
                                                         G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS));
  actor_class->started = test_mate_started;
  actor_class->stopped = test_mate_stopped;
  actor_class->pre_restart = test_mate_pre_restart;
  troupe_actor_class_bind (actor_class, "run", G_TYPE_POINTER, test_puppet_run);
  troupe_actor_class_bind (actor_class, "say", G_TYPE_STRING, on_say);
  troupe_actor_class_bind (actor_class, "fail", G_TYPE_NONE, on_fail);
  troupe_actor_class_bind (actor_class, "watch", TROUPE_TYPE_REF, on_watch);
  troupe_actor_class_bind (actor_class, "link", TROUPE_TYPE_REF, on_link);
  troupe_actor_class_bind (actor_class, "unlink", TROUPE_TYPE_REF, on_unlink);
  troupe_actor_class_bind (actor_class, "terminated", TROUPE_TYPE_TERMINATION, on_terminated);
}

static void
test_mate_init (TestMate *self)
{
}

/* Fixture: a is here, and b, c and d are where they are put */

typedef enum
{
  HERE,
  IN_REACTOR,
  IN_SYSTEM,
} Whereabouts;

typedef struct
{
  TroupeSystem *system;
  TroupeSystem *other_system;
  GThread      *thread;              /* which runs that, or NULL */
  Mate          mates[N_MATES];
} Fixture;

#define A (&fixture->mates[0])
#define B (&fixture->mates[1])
#define C (&fixture->mates[2])
#define D (&fixture->mates[3])

static gint n_warnings;

static void
count_warning (const char     *domain,
               GLogLevelFlags  level,
               const char     *message,
               gpointer        data)
{
  g_atomic_int_inc (&n_warnings);
}

static gpointer
run_system (gpointer queue)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  TroupeSystem *system;

  g_main_context_push_thread_default (context);
  system = troupe_test_system_new ();
  g_async_queue_push (queue, g_object_ref (system));
  troupe_test_until (troupe_system_has_ended (system));
  g_object_unref (system);
  g_main_context_pop_thread_default (context);

  return NULL;
}

static void
spawn (Fixture *fixture,
       guint    i)
{
  Mate *mate = &fixture->mates[i];
  TroupeSystem *system = i == 0 ? fixture->system : fixture->other_system;
  guint n_reactors = troupe_system_get_n_reactors (system);
  g_autoptr (GError) error = NULL;

  mate->label[0] = (char) ('a' + i);
  mate->story = g_string_new (NULL);
  mate->ref = troupe_system_spawn_on (system, troupe_system_get_nth_reactor (system, i == 0 ? 0 : n_reactors - 1), mate->label,
                                      TEST_TYPE_MATE, &error, "mate", mate, NULL);
  g_assert_no_error (error);
}

static void
set_up (Fixture       *fixture,
        gconstpointer  whereabouts)
{
  g_autoptr (GError) error = NULL;
  guint i;

  g_atomic_int_set (&n_warnings, 0);
  fixture->system = troupe_system_new_with_reactors (NULL, NULL, GPOINTER_TO_INT (whereabouts) == IN_REACTOR ? 2 : 1, &error);
  g_assert_no_error (error);
  fixture->other_system = fixture->system;
  if (GPOINTER_TO_INT (whereabouts) == IN_SYSTEM)
    {
      GAsyncQueue *queue = g_async_queue_new ();

      fixture->thread = g_thread_new ("other", run_system, queue);
      fixture->other_system = g_async_queue_pop (queue);
      g_async_queue_unref (queue);
    }

  for (i = 0; i < N_MATES; i++)
    spawn (fixture, i);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  whereabouts)
{
  guint i;

  if (fixture->thread != NULL)
    {
      troupe_system_shutdown (fixture->other_system);
      g_thread_join (fixture->thread);
      g_object_unref (fixture->other_system);
    }
  troupe_test_system_end (fixture->system);

  for (i = 0; i < N_MATES; i++)
    {
      g_assert_true (troupe_ref_has_ended (fixture->mates[i].ref));
      g_assert_null (fixture->mates[i].ref->extra != NULL ? fixture->mates[i].ref->extra->links : NULL);
      troupe_ref_unref (fixture->mates[i].ref);
      g_string_free (fixture->mates[i].story, TRUE);
    }
}

static gboolean
wake (gpointer data)
{
  return G_SOURCE_REMOVE;
}

/* What another thread does wakes nobody here. */
#define until(condition)                          \
  G_STMT_START {                                  \
    while (!(condition))                          \
      {                                           \
        g_timeout_add (1, wake, NULL);            \
        g_main_context_iteration (NULL, TRUE);    \
      }                                           \
  } G_STMT_END

static gboolean
reply (TroupeActor    *actor,
       TroupeMessage  *message,
       GError        **error)
{
  troupe_message_reply_boolean (message, TRUE);
  return TRUE;
}

/* Until all of them have handled what any of them has sent, and what followed from that. */
static void
settle (Fixture *fixture)
{
  guint round;
  guint i;

  for (round = 0; round < 3; round++)
    for (i = 0; i < N_MATES; i++)
      if (!troupe_ref_has_ended (fixture->mates[i].ref))
        troupe_promise_unref (test_puppet_ask_and_wait (fixture->mates[i].ref, reply, NULL));
}

static gboolean
has_told (Mate       *mate,
          const char *story)
{
  gboolean equal;

  G_LOCK (stories);
  equal = g_str_equal (mate->story->str, story);
  if (equal)
    g_string_truncate (mate->story, 0);
  G_UNLOCK (stories);

  return equal;
}

static void
assert_story (Mate       *mate,
              const char *story)
{
  if (!has_told (mate, story))
    g_assert_cmpstr (mate->story->str, ==, story);
}

/* Or fails when it has waited for long. */
static void
wait_for_story (Mate       *mate,
                const char *story)
{
  gint64 deadline = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;

  while (!has_told (mate, story))
    {
      if (g_get_monotonic_time () > deadline)
        g_assert_cmpstr (mate->story->str, ==, story);
      g_timeout_add (1, wake, NULL);
      g_main_context_iteration (NULL, TRUE);
    }
}

/* Of which the last may come late. */
static void
wait_for_warnings (gint n)
{
  until (g_atomic_int_get (&n_warnings) >= n);
  g_assert_cmpint (g_atomic_int_get (&n_warnings), ==, n);
}

/* The mates are born, and what is done with those that fail is DIRECTIVE. */
static void
begin (Fixture         *fixture,
       TroupeDirective  directive)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (directive);
  guint i;

  troupe_system_set_supervision (fixture->system, supervision);
  troupe_system_set_supervision (fixture->other_system, supervision);
  for (i = 0; i < N_MATES; i++)
    wait_for_story (&fixture->mates[i], "started");
  settle (fixture);
}

static void
make (Mate       *mate,
      const char *name,
      Mate       *other)
{
  troupe_ref_send (mate->ref, troupe_message_new_boxed (name, TROUPE_TYPE_REF, other->ref));
}

static void
fail (Mate *mate)
{
  troupe_ref_send (mate->ref, troupe_message_new ("fail"));
}

static gboolean
note_links (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  GHashTable *links = troupe_actor_get_ref (actor)->extra != NULL ? troupe_actor_get_ref (actor)->extra->links : NULL;

  TEST_MATE (actor)->mate->n_links = links != NULL ? (gint) g_hash_table_size (links) : 0;
  return reply (actor, message, error);
}

static gint
count_links (Mate *mate)
{
  troupe_promise_unref (test_puppet_ask_and_wait (mate->ref, note_links, NULL));
  return mate->n_links;
}

/* The tests */

static void
test_stop (Fixture       *fixture,
           gconstpointer  whereabouts)
{
  g_test_summary ("A plain stop ends the link, and no more, whichever of the two stops.");

  begin (fixture, TROUPE_DIRECTIVE_RESTART);
  make (A, "link", B);
  make (A, "link", C);
  settle (fixture);
  g_assert_cmpint (count_links (A), ==, 2);
  g_assert_cmpint (count_links (B), ==, 1);

  troupe_ref_stop (B->ref);
  wait_for_story (B, "stopped");
  until (count_links (A) == 1);
  troupe_ref_stop (A->ref);
  wait_for_story (A, "stopped");
  until (count_links (C) == 0);
  assert_story (C, "");
  wait_for_warnings (0);
}

static void
test_failure (Fixture       *fixture,
              gconstpointer  whereabouts)
{
  g_test_summary ("If one of the two fails for good, so does the other, whoever linked, and with the error of the first as the cause.");

  /* The one that links fails, and the one that is linked to. */
  begin (fixture, TROUPE_DIRECTIVE_STOP);
  make (A, "link", B);
  make (D, "watch", B);
  settle (fixture);
  fail (A);
  wait_for_story (A, "stopped");
  wait_for_story (B, "stopped");
  wait_for_story (D, "saw [The linked actor “/a” failed: no room] because of [no room]");
  wait_for_warnings (2);

  make (C, "link", D);
  settle (fixture);
  make (C, "watch", D);
  fail (D);
  wait_for_story (D, "stopped");
  wait_for_story (C, "saw [no room] stopped");
  wait_for_warnings (4);
}

static void
test_kill (Fixture       *fixture,
           gconstpointer  whereabouts)
{
  g_test_summary ("Who is killed has failed; who links, be it twice and from both sides, fails once, and may be restarted.");

  begin (fixture, TROUPE_DIRECTIVE_RESTART);
  make (A, "link", B);
  make (A, "link", B);
  make (B, "link", A);
  settle (fixture);
  g_assert_cmpint (count_links (A), ==, 1);
  g_assert_cmpint (count_links (B), ==, 1);

  troupe_ref_kill (B->ref);
  wait_for_story (A, "(The linked actor “/b” was killed) stopped started");
  settle (fixture);
  assert_story (A, "");
  assert_story (B, "");
  g_assert_cmpint (count_links (A), ==, 0);
  wait_for_warnings (1);
}

static void
test_restart (Fixture       *fixture,
              gconstpointer  whereabouts)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);

  g_test_summary ("Links survive restarts of either; that an actor has failed too often is an end.");

  begin (fixture, TROUPE_DIRECTIVE_RESTART);
  troupe_supervision_set_intensity (supervision, 1, 100000);
  troupe_supervision_set_last_resort (supervision, TROUPE_DIRECTIVE_STOP);
  troupe_system_set_supervision (fixture->system, supervision);
  troupe_system_set_supervision (fixture->other_system, supervision);
  make (A, "link", B);
  make (A, "link", C);
  settle (fixture);

  fail (A);
  wait_for_story (A, "(no room) stopped started");
  fail (C);
  wait_for_story (C, "(no room) stopped started");
  settle (fixture);
  assert_story (B, "");
  g_assert_cmpint (count_links (A), ==, 2);

  fail (A);
  wait_for_story (A, "stopped");
  wait_for_story (B, "(The linked actor “/a” failed: The actor “/a” failed too often: no room) stopped started");
  wait_for_story (C, "stopped");
  g_assert_cmpint (count_links (B), ==, 0);
  assert_story (D, "");
}

static void
test_unlink (Fixture       *fixture,
             gconstpointer  whereabouts)
{
  g_test_summary ("Either may take the link back, once for all calls; who is not linked may do so, too.");

  begin (fixture, TROUPE_DIRECTIVE_STOP);
  make (A, "link", B);
  make (A, "link", B);
  make (A, "link", C);
  make (A, "unlink", D);
  make (A, "unlink", A);
  settle (fixture);
  make (A, "unlink", B);
  make (C, "unlink", A);
  settle (fixture);
  g_assert_cmpint (count_links (A), ==, 0);
  g_assert_cmpint (count_links (B), ==, 0);
  g_assert_cmpint (count_links (C), ==, 0);

  fail (A);
  wait_for_story (A, "stopped");
  settle (fixture);
  assert_story (B, "");
  assert_story (C, "");

  /* And what was taken back can be made again. */
  make (B, "link", C);
  make (B, "unlink", C);
  make (B, "link", C);
  fail (C);
  wait_for_story (B, "stopped");
  wait_for_story (C, "stopped");
}

static void
test_unlink_late (Fixture       *fixture,
                  gconstpointer  whereabouts)
{
  g_test_summary ("Who unlinks does not fail any more, although the other one has ended already.");

  begin (fixture, TROUPE_DIRECTIVE_RESTART);
  make (A, "link", B);
  make (A, "link", C);
  settle (fixture);

  /* The second restart has to wait, and mail with it: first what unlinks, then the news of both. */
  fail (A);
  wait_for_story (A, "(no room) stopped started");
  fail (A);
  wait_for_story (A, "(no room) stopped");
  make (A, "unlink", B);
  troupe_ref_kill (B->ref);
  until (troupe_ref_has_ended (B->ref));
  troupe_ref_kill (C->ref);
  wait_for_story (A, "started (The linked actor “/c” was killed) stopped");
  wait_for_story (A, "started");
  settle (fixture);
  g_assert_cmpint (count_links (A), ==, 0);
  assert_story (A, "");
}

static void
test_ended (Fixture       *fixture,
            gconstpointer  whereabouts)
{
  g_test_summary ("Linked to who has failed, one fails at once; to who has stopped, nothing happens.");

  begin (fixture, TROUPE_DIRECTIVE_STOP);
  fail (B);
  wait_for_story (B, "stopped");
  troupe_ref_stop (C->ref);
  wait_for_story (C, "stopped");
  until (troupe_ref_has_ended (B->ref) && troupe_ref_has_ended (C->ref));

  make (A, "link", C);
  until (count_links (A) == 0);
  assert_story (A, "");
  make (D, "watch", A);
  settle (fixture);
  make (A, "link", B);
  wait_for_story (A, "stopped");
  wait_for_story (D, "saw [The linked actor “/b” failed: no room] because of [no room]");
}

static gboolean
flood (TroupeActor    *actor,
       TroupeMessage  *message,
       GError        **error)
{
  Mate *mate = test_puppet_get_data (message);
  guint i;

  for (i = 0; i < 5; i++)
    troupe_ref_send (mate->ref, troupe_message_new_string ("say", "hello"));

  return on_fail (actor, message, error);
}

static void
test_order (Fixture       *fixture,
            gconstpointer  whereabouts)
{
  g_test_summary ("Who fails for another has handled before what that one sent, and its “terminated”.");

  begin (fixture, TROUPE_DIRECTIVE_STOP);
  make (B, "link", A);
  make (B, "watch", A);
  settle (fixture);
  test_puppet_tell (A->ref, flood, B);
  wait_for_story (B, "hello hello hello hello hello saw [no room] stopped");
}

static void
test_cycle (Fixture       *fixture,
            gconstpointer  whereabouts)
{
  g_test_summary ("Three that are linked in a circle end together, each once; the first error is told to all.");

  begin (fixture, TROUPE_DIRECTIVE_STOP);
  make (A, "link", B);
  make (B, "link", C);
  make (C, "link", A);
  make (D, "watch", A);
  settle (fixture);
  fail (B);
  wait_for_story (A, "stopped");
  wait_for_story (B, "stopped");
  wait_for_story (C, "stopped");
  wait_for_story (D, "saw [The linked actor “/b” failed: no room] because of [no room]");
  settle (fixture);
  wait_for_warnings (3);
}

static void
test_row (Fixture       *fixture,
          gconstpointer  whereabouts)
{
  g_test_summary ("Down a row of links each names the one before it, and the error that was the first.");

  begin (fixture, TROUPE_DIRECTIVE_STOP);
  make (B, "link", C);
  make (C, "link", D);
  make (A, "watch", B);
  settle (fixture);
  fail (D);
  wait_for_story (A, "saw [The linked actor “/c” failed: no room] because of [no room]");
}

static TroupePromise *
hold_shutdown (TroupeSystem *system,
               gpointer      resolver)
{
  return troupe_promise_new (resolver);
}

static void
test_shutdown (Fixture       *fixture,
               gconstpointer  whereabouts)
{
  TroupeResolver *resolver = NULL;

  g_test_summary ("While a system is being shut down, none of its actors fails for another.");

  begin (fixture, TROUPE_DIRECTIVE_ESCALATE);
  make (A, "link", B);
  settle (fixture);
  troupe_system_add_trigger (fixture->system, TROUPE_EVENT_SHUTDOWN, TROUPE_PHASE_BEFORE, hold_shutdown, &resolver, NULL);
  troupe_system_shutdown (fixture->system);
  until (resolver != NULL);
  troupe_ref_kill (B->ref);
  until (count_links (A) == 0);
  assert_story (A, "");

  troupe_resolver_resolve (resolver, NULL);
  troupe_resolver_unref (resolver);
  wait_for_story (A, "stopped");
  wait_for_warnings (0);
  g_assert_no_error (troupe_system_get_error (fixture->system));
}

static gboolean
link_to_itself (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*other != troupe_actor_get_ref (self)*");
  troupe_actor_link (actor, troupe_actor_get_ref (actor));
  g_test_assert_expected_messages ();
  return reply (actor, message, error);
}

static void
test_self (Fixture       *fixture,
           gconstpointer  whereabouts)
{
  g_test_summary ("Nobody is linked to itself.");

  begin (fixture, TROUPE_DIRECTIVE_STOP);
  troupe_promise_unref (test_puppet_ask_and_wait (A->ref, link_to_itself, NULL));
  g_assert_cmpint (count_links (A), ==, 0);
}

/* A parent and its child */

static gboolean
spawn_linked (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  g_autoptr (TroupeSupervision) stop = troupe_supervision_new (TROUPE_DIRECTIVE_STOP);
  TroupeSystem *system = troupe_actor_get_system (actor);
  TroupeReactor *reactor = troupe_system_get_nth_reactor (system, troupe_system_get_n_reactors (system) - 1);
  TroupeRef **child = test_puppet_get_data (message);

  troupe_actor_set_supervision (actor, stop);
  *child = troupe_actor_spawn_on (actor, reactor, "child", TEST_TYPE_PUPPET, error, NULL);
  troupe_actor_link (actor, *child);
  return reply (actor, message, error);
}

static void
test_child (Fixture       *fixture,
            gconstpointer  whereabouts)
{
  g_autoptr (TroupeRef) first = NULL;
  g_autoptr (TroupeRef) second = NULL;

  g_test_summary ("A parent may be linked to its child: it fails with it, and that its own restart stops a child is no failure.");

  begin (fixture, TROUPE_DIRECTIVE_RESTART);
  troupe_promise_unref (test_puppet_ask_and_wait (A->ref, spawn_linked, &first));
  fail (A);
  wait_for_story (A, "(no room) stopped started");
  g_assert_true (troupe_ref_has_ended (first));

  troupe_promise_unref (test_puppet_ask_and_wait (A->ref, spawn_linked, &second));
  test_puppet_tell (second, on_fail, NULL);
  wait_for_story (A, "(The linked actor “/a/child” failed: no room) stopped");
  wait_for_story (A, "started");
  g_assert_cmpint (count_links (A), ==, 0);
}

/* A session and its connection */

#define TEST_TYPE_WIRE (test_wire_get_type ())
G_DECLARE_FINAL_TYPE (TestWire, test_wire, TEST, WIRE, TroupeProtocol)

struct _TestWire
{
  TroupeProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (TestWire, test_wire, TROUPE_TYPE_PROTOCOL)

static gboolean
test_wire_received (TroupeProtocol  *protocol,
                    const guint8    *bytes,
                    gsize            length,
                    GError         **error)
{
  return on_fail (NULL, NULL, error);
}

static void
test_wire_class_init (TestWireClass *klass)
{
  TROUPE_PROTOCOL_CLASS (klass)->data_received = test_wire_received;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "run", G_TYPE_POINTER, test_puppet_run);
}

static void
test_wire_init (TestWire *self)
{
}

static int
connect_to (Fixture    *fixture,
            TroupeRef  *factory,
            TroupeRef **connection)
{
  int pair[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), ==, 0);
  *connection = troupe_test_adopt (fixture->system, pair[0], factory);
  return pair[1];
}

static void
link_to (Mate      *mate,
         TroupeRef *ref)
{
  troupe_ref_send (mate->ref, troupe_message_new_boxed ("link", TROUPE_TYPE_REF, ref));
}

static gboolean
is_closed (int fd)
{
  char byte;

  return recv (fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void
test_connection (Fixture       *fixture,
                 gconstpointer  whereabouts)
{
  g_autoptr (TroupeRef) factory = NULL;
  g_autoptr (TroupeRef) first = NULL;
  g_autoptr (TroupeRef) second = NULL;
  g_autoptr (TroupeRef) third = NULL;
  int fds[3];

  g_test_summary ("A session falls with a connection that fails, not with one that is closed; and a connection falls with its session.");

  begin (fixture, TROUPE_DIRECTIVE_STOP);
  factory = troupe_factory_spawn (fixture->system, NULL, TEST_TYPE_WIRE, NULL);
  fds[0] = connect_to (fixture, factory, &first);
  fds[1] = connect_to (fixture, factory, &second);
  fds[2] = connect_to (fixture, factory, &third);
  link_to (A, first);
  link_to (B, second);
  link_to (C, third);
  settle (fixture);

  close (fds[0]);
  until (troupe_ref_has_ended (first) && count_links (A) == 0);
  wait_for_warnings (0);

  g_assert_cmpint (write (fds[1], "!", 1), ==, 1);
  wait_for_story (B, "stopped");

  fail (C);
  wait_for_story (C, "stopped");
  until (troupe_ref_has_ended (third) && is_closed (fds[2]));
  assert_story (A, "");
  g_assert_false (troupe_ref_has_ended (factory));
  close (fds[1]);
  close (fds[2]);
}

/* Both sides change their minds at the same time */

static gboolean
change_links (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  guint i;

  for (i = 0; i < 1000; i++)
    {
      Mate *other = &fixture->mates[g_random_int_range (0, N_MATES)];

      if (other == TEST_MATE (actor)->mate)
        continue;
      if (g_random_boolean ())
        troupe_actor_link (actor, other->ref);
      else
        troupe_actor_unlink (actor, other->ref);
    }

  return TRUE;
}

static gboolean
note_bits (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  GHashTable *links = troupe_actor_get_ref (actor)->extra->links;
  gint64 bits = 0;
  guint i;

  for (i = 0; i < N_MATES; i++)
    {
      guint link = GPOINTER_TO_UINT (g_hash_table_lookup (links, fixture->mates[i].ref));

      /* Nothing is left to be acknowledged. */
      g_assert_cmpuint (link, <=, 1);
      bits |= link << i;
    }

  troupe_message_reply_int64 (message, bits);
  return TRUE;
}

static void
test_both (Fixture       *fixture,
           gconstpointer  whereabouts)
{
  guint round;
  guint i;
  guint j;

  g_test_summary ("However two link and unlink each other at the same time, in the end both are linked, or neither.");

  begin (fixture, TROUPE_DIRECTIVE_STOP);
  for (round = 0; round < 50; round++)
    {
      gint64 bits[N_MATES];

      for (i = 0; i < N_MATES; i++)
        test_puppet_tell (fixture->mates[i].ref, change_links, fixture);
      settle (fixture);

      for (i = 0; i < N_MATES; i++)
        {
          g_autoptr (TroupePromise) promise = test_puppet_ask_and_wait (fixture->mates[i].ref, note_bits, fixture);

          bits[i] = troupe_promise_get_int64 (promise);
        }
      for (i = 0; i < N_MATES; i++)
        for (j = 0; j < N_MATES; j++)
          g_assert_cmpint ((bits[i] >> j) & 1, ==, (bits[j] >> i) & 1);
    }
}

static void
add (const char *name,
     void      (*func) (Fixture       *fixture,
                        gconstpointer  whereabouts))
{
  static const char *const places[] = { "here", "reactor", "system" };
  gint i;

  for (i = HERE; i <= IN_SYSTEM; i++)
    {
      g_autofree char *path = g_strconcat ("/troupe/link/", places[i], "/", name, NULL);

      g_test_add (path, Fixture, GINT_TO_POINTER (i), set_up, func, tear_down);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  /* Actors that fail are worth a warning each: they are counted. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  g_log_set_handler ("Troupe", G_LOG_LEVEL_WARNING, count_warning, NULL);

  add ("stop", test_stop);
  add ("failure", test_failure);
  add ("kill", test_kill);
  add ("restart", test_restart);
  add ("unlink", test_unlink);
  add ("unlink-late", test_unlink_late);
  add ("ended", test_ended);
  add ("order", test_order);
  add ("cycle", test_cycle);
  add ("row", test_row);
  add ("shutdown", test_shutdown);
  add ("self", test_self);
  add ("child", test_child);
  add ("connection", test_connection);
  add ("both", test_both);

  return g_test_run ();
}
