/* test-together.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the tests of one type each do not show: fibers, locks, mailboxes and supervision together. */

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "troupe-test-puppet.h"
#include "troupe-test-trace.h"

/* An actor that runs what a test hands it: “run” in a plain turn, “wait” on a fiber. What it is told with “say” it says. When it fails it is
 * restarted, and says that, too. */

#define TEST_TYPE_MEMBER (test_member_get_type ())
G_DECLARE_DERIVABLE_TYPE (TestMember, test_member, TEST, MEMBER, TroupeActor)

struct _TestMemberClass
{
  TroupeActorClass parent_class;
};

G_DEFINE_TYPE (TestMember, test_member, TROUPE_TYPE_ACTOR)

static gboolean
test_member_say (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  say (troupe_message_get_string (message));
  if (troupe_message_wants_reply (message))
    troupe_message_reply_string (message, troupe_message_get_string (message));

  return TRUE;
}

static gboolean
test_member_fail (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "told to");
  return FALSE;
}

static gboolean
test_member_stash (TroupeActor    *actor,
                   TroupeMessage  *message,
                   GError        **error)
{
  return troupe_actor_stash (actor, message, error);
}

static gboolean
test_member_receive_timeout (TroupeActor    *actor,
                             TroupeMessage  *message,
                             GError        **error)
{
  say ("timeout");
  return TRUE;
}

static void
test_member_post_restart (TroupeActor  *actor,
                          const GError *reason)
{
  say ("restarted");
}

static void
test_member_class_init (TestMemberClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  actor_class->post_restart = test_member_post_restart;
  troupe_actor_class_bind (actor_class, "run", G_TYPE_POINTER, test_puppet_run);
  troupe_actor_class_bind (actor_class, "say", G_TYPE_STRING, test_member_say);
  troupe_actor_class_bind (actor_class, "fail", G_TYPE_NONE, test_member_fail);
  troupe_actor_class_bind (actor_class, "later", G_TYPE_STRING, test_member_stash);
  troupe_actor_class_bind (actor_class, "receive-timeout", G_TYPE_NONE, test_member_receive_timeout);
  troupe_actor_class_bind_in (actor_class, "ready", "later", G_TYPE_STRING, test_member_say);
  troupe_actor_class_bind_fiber (actor_class, "wait", G_TYPE_POINTER, TROUPE_FIBER_DEFAULT, test_puppet_run);
}

static void
test_member_init (TestMember *self)
{
}

/* Three fit into its mailbox, the oldest goes first. */

typedef TestMember TestFew;
typedef TestMemberClass TestFewClass;

static GType test_few_get_type (void);
G_DEFINE_TYPE (TestFew, test_few, TEST_TYPE_MEMBER)

static void
test_few_class_init (TestFewClass *klass)
{
  troupe_actor_class_set_capacity (TROUPE_ACTOR_CLASS (klass), 3, TROUPE_OVERFLOW_DROP_OLDEST);
}

static void
test_few_init (TestFew *self)
{
}

/* Fails when more than two wait, and has an urgent name. */

typedef TestMember TestFrail;
typedef TestMemberClass TestFrailClass;

static GType test_frail_get_type (void);
G_DEFINE_TYPE (TestFrail, test_frail, TEST_TYPE_MEMBER)

static void
test_frail_class_init (TestFrailClass *klass)
{
  troupe_actor_class_set_capacity (TROUPE_ACTOR_CLASS (klass), 2, TROUPE_OVERFLOW_FAIL);
  troupe_actor_class_set_urgent (TROUPE_ACTOR_CLASS (klass), "fire");
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "fire", G_TYPE_STRING, test_member_say);
}

static void
test_frail_init (TestFrail *self)
{
}

typedef struct
{
  TroupeSystem    *system;
  TroupeClock     *clock;
  TroupeRef       *a;
  TroupeRef       *b;
  TroupeSemaphore *semaphore;
  TroupeQueue     *queue;
  TroupeFileLock  *lock;
  TroupeResolver  *opener;
  char            *path;
  guint            n_units;
} Fixture;

static TroupeRef *
spawn (Fixture    *fixture,
       const char *name,
       GType       type)
{
  g_autoptr (GError) error = NULL;
  TroupeRef *ref = troupe_system_spawn (fixture->system, name, type, &error, NULL);

  g_assert_no_error (error);
  return ref;
}

/* What fails is restarted: at once, and the second time after a while. */
static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);

  trace = g_string_new (NULL);
  fixture->system = troupe_test_system_new ();
  fixture->clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));
  troupe_system_set_supervision (fixture->system, supervision);
  fixture->a = spawn (fixture, "a", TEST_TYPE_MEMBER);
  fixture->b = spawn (fixture, "b", TEST_TYPE_MEMBER);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  g_clear_object (&fixture->semaphore);
  g_clear_object (&fixture->queue);
  g_clear_object (&fixture->lock);
  g_clear_pointer (&fixture->opener, troupe_resolver_unref);
  g_object_unref (fixture->clock);
  troupe_test_system_end (fixture->system);
  troupe_ref_unref (fixture->a);
  troupe_ref_unref (fixture->b);
  if (fixture->path != NULL)
    g_unlink (fixture->path);
  g_free (fixture->path);
  g_string_free (trace, TRUE);
}

static void
send_job (TroupeRef     *ref,
          const char    *name,
          TroupeHandler  run,
          Fixture       *fixture)
{
  troupe_ref_send (ref, test_puppet_job_as (name, run, fixture));
}

static void
call (TroupeRef  *ref,
      const char *name,
      const char *word)
{
  troupe_ref_send (ref, word != NULL ? troupe_message_new_string (name, word) : troupe_message_new (name));
}

static void
expect_failure (const char *pattern)
{
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, pattern);
}

/* Locks */

static gboolean
make_semaphore (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);

  fixture->semaphore = troupe_semaphore_new (1);
  return TRUE;
}

static void
say_error (const GError *error)
{
  g_autoptr (GEnumClass) codes = g_type_class_ref (TROUPE_TYPE_ERROR);

  g_assert_true (error->domain == TROUPE_ERROR);
  say (g_enum_get_value (codes, error->code)->value_nick);
}

/* In a fiber: takes PROMISE, and says WORD or the error. */
static void
await_and_say (TroupePromise *promise,
               const char    *word)
{
  g_autoptr (GError) error = NULL;

  if (troupe_await (promise, &error))
    say (word);
  else
    say_error (error);
  troupe_promise_unref (promise);
}

static gboolean
take_semaphore (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  g_autofree char *name = troupe_ref_dup_name (troupe_actor_get_ref (actor));

  await_and_say (troupe_semaphore_acquire (fixture->semaphore), name);
  return TRUE;
}

static gboolean
release_semaphore (TroupeActor    *actor,
                   TroupeMessage  *message,
                   GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);

  return troupe_semaphore_release (fixture->semaphore, error);
}

static gboolean
check_not_held (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  g_autoptr (GError) problem = NULL;

  g_assert_false (troupe_semaphore_release (fixture->semaphore, &problem));
  say_error (problem);
  return TRUE;
}

static void
test_semaphore_waiting (Fixture       *fixture,
                        gconstpointer  data)
{
  g_test_summary ("A fiber gets a semaphore of another actor when that lets go; its mail waits for it.");

  send_job (fixture->a, "run", make_semaphore, fixture);
  send_job (fixture->a, "wait", take_semaphore, fixture);
  troupe_test_settle ();
  assert_trace ("a");

  send_job (fixture->b, "wait", take_semaphore, fixture);
  call (fixture->b, "say", "after");
  troupe_test_settle ();
  assert_trace ("");

  send_job (fixture->a, "run", release_semaphore, fixture);
  troupe_test_settle ();
  assert_trace ("b after");
}

static void
test_semaphore_holder_restarts (Fixture       *fixture,
                                gconstpointer  data)
{
  TroupeRef *c = spawn (fixture, "c", TEST_TYPE_MEMBER);

  g_test_summary ("What a life holds of another actor's semaphore is let go with it, also when it comes back.");

  send_job (fixture->a, "run", make_semaphore, fixture);
  troupe_test_settle ();
  send_job (fixture->b, "wait", take_semaphore, fixture);
  troupe_test_settle ();
  send_job (c, "wait", take_semaphore, fixture);
  troupe_test_settle ();
  assert_trace ("b");

  expect_failure ("*“/b” failed*");
  call (fixture->b, "fail", NULL);
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  g_assert_nonnull (strstr (trace->str, "restarted"));
  g_assert_nonnull (strstr (trace->str, "c"));
  g_string_truncate (trace, 0);

  send_job (c, "run", release_semaphore, fixture);
  troupe_test_settle ();
  send_job (fixture->b, "wait", take_semaphore, fixture);
  troupe_test_settle ();
  assert_trace ("b");
  troupe_ref_unref (c);
}

static void
test_semaphore_owner_restarts (Fixture       *fixture,
                               gconstpointer  data)
{
  g_test_summary ("A semaphore ends with the life whose it was: who waits or asks is told, the next life too.");

  send_job (fixture->a, "run", make_semaphore, fixture);
  send_job (fixture->a, "wait", take_semaphore, fixture);
  troupe_test_settle ();
  send_job (fixture->b, "wait", take_semaphore, fixture);
  call (fixture->b, "say", "after");
  troupe_test_settle ();
  assert_trace ("a");

  expect_failure ("*“/a” failed*");
  call (fixture->a, "fail", NULL);
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  g_assert_nonnull (strstr (trace->str, "actor-stopped after"));
  g_assert_nonnull (strstr (trace->str, "restarted"));
  g_string_truncate (trace, 0);

  send_job (fixture->b, "wait", take_semaphore, fixture);
  troupe_test_settle ();
  assert_trace ("actor-stopped");

  send_job (fixture->a, "wait", take_semaphore, fixture);
  troupe_test_settle ();
  assert_trace ("actor-stopped");
  send_job (fixture->a, "run", check_not_held, fixture);
  troupe_test_settle ();
  assert_trace ("not-held");
}

static gboolean
take_from_queue (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);

  fixture->queue = troupe_queue_new (-1, -1);
  await_and_say (troupe_queue_get (fixture->queue), "item");
  return TRUE;
}

static gboolean
offer_to_queue (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_INT64);
  troupe_promise_unref (troupe_queue_offer (fixture->queue, &value));
  return TRUE;
}

static gboolean
take_again (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);

  await_and_say (troupe_queue_get (fixture->queue), "item");
  return TRUE;
}

static void
test_queue_waiting (Fixture       *fixture,
                    gconstpointer  data)
{
  g_test_summary ("A fiber that waits for its own queue gets what another actor puts there; the next life has no part in it.");

  send_job (fixture->a, "wait", take_from_queue, fixture);
  call (fixture->a, "say", "after");
  troupe_test_settle ();
  assert_trace ("");

  send_job (fixture->b, "run", offer_to_queue, fixture);
  troupe_test_settle ();
  assert_trace ("item after");

  expect_failure ("*“/a” failed*");
  call (fixture->a, "fail", NULL);
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  assert_trace ("restarted");
  send_job (fixture->a, "wait", take_again, fixture);
  troupe_test_settle ();
  assert_trace ("actor-stopped");
}

static gboolean
wait_for_file_lock (TroupeActor    *actor,
                    TroupeMessage  *message,
                    GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  g_autoptr (TroupeFileLock) lock = troupe_file_lock_new (fixture->path);

  await_and_say (troupe_file_lock_acquire (lock, 10000), "locked");
  troupe_file_lock_release (lock, NULL);
  return TRUE;
}

static gboolean
hold_file_lock (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);

  fixture->lock = troupe_file_lock_new (fixture->path);
  troupe_promise_unref (troupe_file_lock_acquire (fixture->lock, 0));
  g_assert_true (troupe_file_lock_is_held (fixture->lock));
  return TRUE;
}

static gboolean
release_file_lock (TroupeActor    *actor,
                   TroupeMessage  *message,
                   GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);

  return troupe_file_lock_release (fixture->lock, error);
}

static void
begin_file_lock (Fixture *fixture)
{
  int fd = g_file_open_tmp ("troupe-together-XXXXXX", &fixture->path, NULL);

  g_assert_cmpint (fd, >=, 0);
  g_close (fd, NULL);
  send_job (fixture->b, "run", hold_file_lock, fixture);
  troupe_test_settle ();
  send_job (fixture->a, "wait", wait_for_file_lock, fixture);
  call (fixture->a, "say", "after");
  troupe_test_settle ();
  assert_trace ("");
}

static void
test_file_lock_waiting (Fixture       *fixture,
                        gconstpointer  data)
{
  g_test_summary ("A fiber that waits for a file lock gets it at the next try.");

  begin_file_lock (fixture);
  send_job (fixture->b, "run", release_file_lock, fixture);
  troupe_test_settle ();
  troupe_clock_advance (fixture->clock, 1000);
  troupe_test_settle ();
  assert_trace ("locked after");
}

static void
test_file_lock_times_out (Fixture       *fixture,
                          gconstpointer  data)
{
  g_test_summary ("A fiber that waits for a file lock is told when the time has run out.");

  begin_file_lock (fixture);
  troupe_clock_advance (fixture->clock, 10000);
  troupe_test_settle ();
  assert_trace ("timed-out after");
  send_job (fixture->b, "run", release_file_lock, fixture);
  troupe_test_settle ();
}

static TroupePromise *
do_unit (TroupeCooperativeTask  *task,
         gpointer                data,
         GError                **error)
{
  Fixture *fixture = data;

  if (++fixture->n_units == 3)
    troupe_cooperative_task_finish (task, NULL);

  return NULL;
}

static gboolean
wait_for_task (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  g_autoptr (TroupeCooperator) cooperator = troupe_cooperator_new ();
  g_autoptr (TroupeCooperativeTask) task = troupe_cooperator_add (cooperator, do_unit, test_puppet_get_data (message), NULL);

  await_and_say (troupe_cooperative_task_when_done (task), "done");
  return TRUE;
}

static void
test_task_waiting (Fixture       *fixture,
                   gconstpointer  data)
{
  guint i;

  g_test_summary ("A fiber that waits for a cooperative task of its own actor sees its end.");

  send_job (fixture->a, "wait", wait_for_task, fixture);
  call (fixture->a, "say", "after");
  for (i = 0; i < 5; i++)
    {
      troupe_test_settle ();
      troupe_clock_advance (fixture->clock, 0);
    }
  troupe_test_settle ();
  assert_trace ("done after");
  g_assert_cmpuint (fixture->n_units, ==, 3);
}

/* Connecting */

/* A factory whose fiber connects to the port. */

#define TEST_TYPE_CALLER (test_caller_get_type ())
G_DECLARE_FINAL_TYPE (TestCaller, test_caller, TEST, CALLER, TroupeFactory)

struct _TestCaller
{
  TroupeFactory parent_instance;
};

G_DEFINE_FINAL_TYPE (TestCaller, test_caller, TROUPE_TYPE_FACTORY)

static gboolean
test_caller_connect (TroupeActor    *actor,
                     TroupeMessage  *message,
                     GError        **error)
{
  TroupeRef *ref = troupe_actor_get_ref (actor);

  await_and_say (troupe_connect (troupe_actor_get_system (actor), troupe_message_get_string (message), ref), "connected");
  return TRUE;
}

static void
test_caller_class_init (TestCallerClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "say", G_TYPE_STRING, test_member_say);
  troupe_actor_class_bind_fiber (TROUPE_ACTOR_CLASS (klass), "connect", G_TYPE_STRING, TROUPE_FIBER_DEFAULT, test_caller_connect);
}

static void
test_caller_init (TestCaller *self)
{
}

static int
open_listener (guint16 *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl (INADDR_LOOPBACK) } };
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, length), ==, 0);
  g_assert_cmpint (listen (fd, 0), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &length), ==, 0);
  *port = ntohs (address.sin_port);

  return fd;
}

static TroupeRef *
spawn_caller (Fixture *fixture,
              guint16  port)
{
  TroupeRef *caller = troupe_system_spawn (fixture->system, "caller", TEST_TYPE_CALLER, NULL,
                                           "protocol-type", TROUPE_TYPE_LINE_PROTOCOL, NULL);
  g_autofree char *endpoint = g_strdup_printf ("tcp:127.0.0.1:%u", port);

  call (caller, "connect", endpoint);
  call (caller, "say", "after");

  return caller;
}

static void
test_connect_waiting (Fixture       *fixture,
                      gconstpointer  data)
{
  guint16 port;
  int fd = open_listener (&port);
  g_autoptr (TroupeRef) caller = spawn_caller (fixture, port);

  g_test_summary ("A factory's own fiber can wait for a connection.");

  troupe_test_until (g_str_has_suffix (trace->str, "after"));
  assert_trace ("connected after");
  g_close (fd, NULL);
}

static void
test_connect_fails (Fixture       *fixture,
                    gconstpointer  data)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl (INADDR_LOOPBACK) } };
  g_autoptr (TroupeRef) caller = NULL;
  guint16 port;
  int listener = open_listener (&port);
  int fds[4];
  gsize i;

  g_test_summary ("A factory's own fiber is told that a connection could not be made.");

  /* With no room for one more, the kernel does not answer; when nobody listens any more, the next try is refused. */
  address.sin_port = htons (port);
  for (i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      fds[i] = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (connect (fds[i], (struct sockaddr *) &address, sizeof address) < 0)
        g_assert_cmpint (errno, ==, EINPROGRESS);
    }
  caller = spawn_caller (fixture, port);
  troupe_test_settle ();
  assert_trace ("");

  g_close (listener, NULL);
  troupe_test_until (g_str_has_suffix (trace->str, "after"));
  assert_trace ("connection-refused after");
  for (i = 0; i < G_N_ELEMENTS (fds); i++)
    g_close (fds[i], NULL);
}

/* Mailboxes */

static gboolean
wait_for_gate (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);

  await_and_say (troupe_promise_new (&fixture->opener), "open");
  return TRUE;
}

static void
open_gate (Fixture *fixture)
{
  g_autoptr (TroupeResolver) opener = g_steal_pointer (&fixture->opener);

  troupe_resolver_resolve (opener, NULL);
  troupe_test_settle ();
}

/* In place of fixture->a. */
static void
begin_wait (Fixture *fixture,
            GType    type)
{
  troupe_ref_stop (fixture->a);
  troupe_test_settle ();
  troupe_ref_unref (fixture->a);
  fixture->a = spawn (fixture, "c", type);
  send_job (fixture->a, "wait", wait_for_gate, fixture);
  troupe_test_settle ();
}

static void
test_full_while_waiting (Fixture       *fixture,
                         gconstpointer  data)
{
  g_test_summary ("What waits for a fiber counts: the oldest of it goes when there is no more room.");

  begin_wait (fixture, test_few_get_type ());
  call (fixture->a, "say", "1");
  call (fixture->a, "say", "2");
  troupe_test_settle ();
  call (fixture->a, "say", "3");
  call (fixture->a, "say", "4");
  troupe_test_settle ();
  assert_trace ("");

  open_gate (fixture);
  assert_trace ("open 2 3 4");
}

static void
test_overflow_while_waiting (Fixture       *fixture,
                             gconstpointer  data)
{
  g_test_summary ("An actor that fails when its mailbox is full does so while a fiber waits, also if it has urgent names.");

  begin_wait (fixture, test_frail_get_type ());
  call (fixture->a, "fire", "1");
  call (fixture->a, "say", "2");
  troupe_test_settle ();
  assert_trace ("");

  expect_failure ("*“/c” failed*is full*");
  call (fixture->a, "say", "3");
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  assert_trace ("actor-stopped restarted 1 2");
}

static void
test_late_while_waiting (Fixture       *fixture,
                         gconstpointer  data)
{
  g_autoptr (TroupePromise) late = NULL;
  g_autoptr (TroupePromise) timely = NULL;

  g_test_summary ("A message whose deadline passes while it waits for a fiber is not handled.");

  begin_wait (fixture, TEST_TYPE_MEMBER);
  late = troupe_ref_ask_within (fixture->a, troupe_message_new_string ("say", "late"), 100);
  timely = troupe_ref_ask_within (fixture->a, troupe_message_new_string ("say", "timely"), 1000);
  troupe_clock_advance (fixture->clock, 200);
  troupe_test_settle ();
  open_gate (fixture);
  assert_trace ("open timely");

  g_assert_error (troupe_promise_get_error (late), TROUPE_ERROR, TROUPE_ERROR_TIMED_OUT);
  g_assert_cmpstr (troupe_promise_get_string (timely), ==, "timely");
  g_error_free (troupe_promise_steal_error (late));
}

static gboolean
set_receive_timeout (TroupeActor    *actor,
                     TroupeMessage  *message,
                     GError        **error)
{
  troupe_actor_set_receive_timeout (actor, 100);
  return TRUE;
}

static void
test_receive_timeout_while_waiting (Fixture       *fixture,
                                    gconstpointer  data)
{
  g_test_summary ("Who handles a message on a fiber, however long, has not received none: that counts from its end.");

  send_job (fixture->a, "run", set_receive_timeout, fixture);
  send_job (fixture->a, "wait", wait_for_gate, fixture);
  troupe_test_settle ();
  troupe_clock_advance (fixture->clock, 150);
  troupe_test_settle ();
  open_gate (fixture);
  assert_trace ("open");

  troupe_clock_advance (fixture->clock, 99);
  troupe_test_settle ();
  assert_trace ("");
  troupe_clock_advance (fixture->clock, 1);
  troupe_test_settle ();
  assert_trace ("timeout");
}

static gboolean
become_ready (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  troupe_actor_become (actor, "ready");
  troupe_actor_unstash (actor);
  return TRUE;
}

static void
test_stash_and_restart (Fixture       *fixture,
                        gconstpointer  data)
{
  TroupeRef *few = spawn (fixture, "few", test_few_get_type ());

  g_test_summary ("The next life stashes again what the one before had stashed, in its order, and the mailbox counts it once.");

  call (few, "later", "1");
  call (few, "later", "2");
  troupe_test_settle ();
  expect_failure ("*“/few” failed*");
  call (few, "fail", NULL);
  call (few, "later", "3");
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  assert_trace ("restarted");

  send_job (few, "run", become_ready, fixture);
  troupe_test_settle ();
  assert_trace ("1 2 3");

  call (few, "say", "4");
  call (few, "say", "5");
  call (few, "say", "6");
  call (few, "say", "7");
  troupe_test_settle ();
  assert_trace ("5 6 7");
  troupe_ref_unref (few);
}

/* Supervision */

static void
test_shutdown_in_back_off (Fixture       *fixture,
                           gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("A shutdown does not wait for actors that wait to be restarted; their mail goes back.");

  expect_failure ("*“/a” failed*");
  call (fixture->a, "fail", NULL);
  troupe_test_settle ();
  assert_trace ("restarted");
  expect_failure ("*“/a” failed*");
  call (fixture->a, "fail", NULL);
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  assert_trace ("");

  promise = troupe_ref_ask (fixture->a, troupe_message_new_string ("say", "lost"));
  troupe_test_settle ();
  g_assert_false (troupe_promise_is_resolved (promise));
  /* It ends with the error that it has not got over. */
  expect_failure ("*“/a” failed: told to");
  troupe_system_shutdown (fixture->system);
  troupe_test_until (troupe_system_has_ended (fixture->system));
  g_test_assert_expected_messages ();
  assert_trace ("");
  g_assert_error (troupe_promise_get_error (promise), TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  g_error_free (troupe_promise_steal_error (promise));
}

/* Fails after the wait, which its end ends. */
static gboolean
wait_in_vain (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  g_autoptr (TroupePromise) promise = troupe_promise_new (&fixture->opener);

  return troupe_await (promise, error);
}

static void
test_routee_restarts (Fixture       *fixture,
                      gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupeRef) router = troupe_system_spawn_router (fixture->system, "pool", TROUPE_ROUTING_ROUND_ROBIN, 1,
                                                             TEST_TYPE_MEMBER, &error);
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("Who asked a router has the error of a routee that fails on its fiber; what waited there has its answer from the next life.");

  g_assert_no_error (error);
  promise = troupe_ref_ask (router, test_puppet_job_as ("wait", wait_in_vain, fixture));
  call (router, "say", "after");
  troupe_test_settle ();
  assert_trace ("");

  expect_failure ("*“/pool/actor-*” failed*");
  g_clear_pointer (&fixture->opener, troupe_resolver_unref);
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  assert_trace ("restarted after");
  error = troupe_promise_steal_error (promise);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BROKEN);
}

static void
test_late_in_back_off (Fixture       *fixture,
                       gconstpointer  data)
{
  guint64 n_dead_letters;

  g_test_summary ("The deadline of a message goes on while its receiver waits to be restarted.");

  expect_failure ("*“/a” failed*");
  expect_failure ("*“/a” failed*");
  call (fixture->a, "fail", NULL);
  call (fixture->a, "fail", NULL);
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  assert_trace ("restarted");

  n_dead_letters = troupe_system_get_n_dead_letters (fixture->system);
  troupe_ref_send_within (fixture->a, troupe_message_new_string ("say", "late"), 10);
  troupe_ref_send_within (fixture->a, troupe_message_new_string ("say", "timely"), 1000);
  troupe_clock_advance (fixture->clock, 100);
  troupe_test_settle ();
  assert_trace ("restarted timely");
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, n_dead_letters + 1);
}

static void
test_subscriber_restarts (Fixture       *fixture,
                          gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("A subscriber that is restarted is one still, and gets what was published meanwhile.");

  g_assert_true (troupe_system_subscribe (fixture->system, "news/#", fixture->a, &error));
  g_assert_no_error (error);
  expect_failure ("*“/a” failed*");
  call (fixture->a, "fail", NULL);
  g_assert_true (troupe_system_publish (fixture->system, "news/a", troupe_message_new_string ("say", "1"), &error));
  troupe_test_settle ();
  g_assert_true (troupe_system_publish (fixture->system, "news/b", troupe_message_new_string ("say", "2"), &error));
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  assert_trace ("restarted 1 2");
}

#define add(path, func) g_test_add ("/troupe/together/" path, Fixture, NULL, set_up, func, tear_down)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add ("semaphore/waiting", test_semaphore_waiting);
  add ("semaphore/holder-restarts", test_semaphore_holder_restarts);
  add ("semaphore/owner-restarts", test_semaphore_owner_restarts);
  add ("queue/waiting", test_queue_waiting);
  add ("file-lock/waiting", test_file_lock_waiting);
  add ("file-lock/timed-out", test_file_lock_times_out);
  add ("task/waiting", test_task_waiting);
  add ("connect/waiting", test_connect_waiting);
  add ("connect/refused", test_connect_fails);
  add ("mailbox/full", test_full_while_waiting);
  add ("mailbox/overflow", test_overflow_while_waiting);
  add ("mailbox/late", test_late_while_waiting);
  add ("mailbox/receive-timeout", test_receive_timeout_while_waiting);
  add ("mailbox/stash-and-restart", test_stash_and_restart);
  add ("supervision/shutdown-in-back-off", test_shutdown_in_back_off);
  add ("supervision/late-in-back-off", test_late_in_back_off);
  add ("supervision/routee", test_routee_restarts);
  add ("supervision/subscriber", test_subscriber_restarts);

  return g_test_run ();
}
