/* test-fiber.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Fibers: part L of the promise's specification, and what waiting means for an actor and for its end. */

#include <sys/resource.h>

#include "troupe-test-connection.h"
#include "troupe-test-puppet.h"
#include "troupe-test-trace.h"

#ifdef __SANITIZE_ADDRESS__
# define SANITIZED
#elif defined (__SANITIZE_THREAD__)
# define SANITIZED
#elif defined (__has_feature)
# if __has_feature (address_sanitizer) || __has_feature (thread_sanitizer)
#  define SANITIZED
# endif
#endif

/* An actor that runs what a test hands it: “run” in a plain turn, “wait” on a fiber, “wander” on one that others are interleaved with. What it
 * is told with “note” it says. */

#define TEST_TYPE_WAITER (test_waiter_get_type ())
G_DECLARE_FINAL_TYPE (TestWaiter, test_waiter, TEST, WAITER, TroupeActor)

struct _TestWaiter
{
  TroupeActor parent_instance;
};

G_DEFINE_FINAL_TYPE (TestWaiter, test_waiter, TROUPE_TYPE_ACTOR)

static gboolean
test_waiter_note (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  say (troupe_message_get_string (message));
  return TRUE;
}

static gboolean
test_waiter_terminated (TroupeActor    *actor,
                        TroupeMessage  *message,
                        GError        **error)
{
  say ("terminated");
  return TRUE;
}

static void
test_waiter_child_terminated (TroupeActor       *actor,
                              TroupeTermination *termination)
{
  say ("child");
}

static void
test_waiter_stopped (TroupeActor *actor)
{
  say ("stopped");
}

static void
test_waiter_class_init (TestWaiterClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  actor_class->stopped = test_waiter_stopped;
  actor_class->child_terminated = test_waiter_child_terminated;
  troupe_actor_class_bind (actor_class, "run", G_TYPE_POINTER, test_puppet_run);
  troupe_actor_class_bind (actor_class, "note", G_TYPE_STRING, test_waiter_note);
  troupe_actor_class_bind (actor_class, "terminated", TROUPE_TYPE_TERMINATION, test_waiter_terminated);
  troupe_actor_class_bind_fiber (actor_class, "wait", G_TYPE_POINTER, TROUPE_FIBER_DEFAULT, test_puppet_run);
  troupe_actor_class_bind_fiber (actor_class, "wander", G_TYPE_POINTER, TROUPE_FIBER_INTERLEAVED, test_puppet_run);
}

static void
test_waiter_init (TestWaiter *self)
{
}

typedef struct
{
  TroupeSystem   *system;
  TroupeRef      *waiter;
  TroupeRef      *other;             /* a puppet */
  TroupePromise  *gate;              /* what the fiber waits for, made in its turn */
  TroupeResolver *opener;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  trace = g_string_new (NULL);
  fixture->system = troupe_test_system_new ();
  troupe_test_stop_what_fails (fixture->system);
  fixture->waiter = troupe_system_spawn (fixture->system, "waiter", TEST_TYPE_WAITER, &error, NULL);
  g_assert_no_error (error);
  fixture->other = test_puppet_new (fixture->system, "other");
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  g_clear_pointer (&fixture->opener, troupe_resolver_unref);
  g_clear_pointer (&fixture->gate, troupe_promise_unref);
  troupe_test_system_end (fixture->system);
  troupe_ref_unref (fixture->waiter);
  troupe_ref_unref (fixture->other);
  g_string_free (trace, TRUE);
}

static TroupeMessage *
job (const char    *name,
     TroupeHandler  run,
     gpointer       data)
{
  return test_puppet_job_as (name, run, data);
}

static void
note (Fixture    *fixture,
      const char *text)
{
  troupe_ref_send (fixture->waiter, troupe_message_new_string ("note", text));
}

static void
open_gate (Fixture *fixture,
           gint64   number)
{
  g_assert_true (troupe_resolver_resolve_int64 (fixture->opener, number, NULL));
}

static void
assert_outcome (TroupePromise *promise,
                gint64         number)
{
  troupe_test_until (troupe_promise_is_resolved (promise));
  g_assert_no_error (troupe_promise_get_error (promise));
  g_assert_cmpint (troupe_promise_get_int64 (promise), ==, number);
}

#define assert_failure(promise, code)                                                           \
  G_STMT_START {                                                                                \
    g_autoptr (GError) failure = NULL;                                                          \
    troupe_test_until (troupe_promise_is_resolved (promise));                                   \
    failure = troupe_promise_steal_error (promise);                                             \
    g_assert_error (failure, TROUPE_ERROR, TROUPE_ERROR_##code);                                \
  } G_STMT_END

/* Says so before and after it has waited for the gate, and replies with what came. */
static gboolean
wait_at_gate (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);

  fixture->gate = troupe_promise_new (&fixture->opener);
  say ("before");
  if (!troupe_await (fixture->gate, error))
    {
      say ("failed");
      return FALSE;
    }

  say ("after");
  if (troupe_message_wants_reply (message))
    troupe_message_reply_int64 (message, troupe_promise_get_int64 (fixture->gate));

  return TRUE;
}

/* The rules */

static gboolean
double_number (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  troupe_message_reply_int64 (message, 2 * GPOINTER_TO_INT (test_puppet_get_data (message)));
  return TRUE;
}

#define N_AWAITS 100000

static gboolean
await_often (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  GValue value = G_VALUE_INIT;
  char *lowest = NULL;
  gint64 sum = 0;
  int i;

  g_value_init (&value, G_TYPE_INT64);
  g_value_set_int64 (&value, 1);

  for (i = 0; i < N_AWAITS; i++)
    {
      g_autoptr (TroupePromise) promise =
        i % 100 != 0 ? troupe_promise_new_resolved (&value)
                     : test_puppet_ask (fixture->other, double_number, GINT_TO_POINTER (1));
      char here;

      if (!troupe_await (promise, error))
        return FALSE;

      if (lowest == NULL)
        lowest = &here;
      g_assert_true (lowest == &here);
      sum += troupe_promise_get_int64 (promise);
    }

  troupe_message_reply_int64 (message, sum);
  return TRUE;
}

static void
test_rule_107 (Fixture       *fixture,
               gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (fixture->waiter, job ("wait", await_often, fixture));

  g_test_summary ("To await a resolved promise goes on at once; 100 000 awaits need no more stack than one.");

  assert_outcome (promise, N_AWAITS + N_AWAITS / 100);
}

static gboolean
await_failures (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  g_autoptr (TroupePromise) there =
    troupe_promise_new_rejected (g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "There is no such thing"));
  g_autoptr (TroupePromise) later = troupe_sleep (1);
  g_autoptr (GError) failure = NULL;

  g_assert_false (troupe_await (there, &failure));
  g_assert_error (failure, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpstr (failure->message, ==, "There is no such thing");
  g_assert_true (troupe_promise_has_value (there));
  g_clear_error (&failure);

  troupe_promise_cancel (later);
  g_assert_false (troupe_await (later, NULL));

  troupe_message_reply_int64 (message, 7);
  return TRUE;
}

static void
test_rule_107_error (Fixture       *fixture,
                     gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (fixture->waiter, job ("wait", await_failures, fixture));

  g_test_summary ("An error is returned where the fiber waits, and is handled by that.");

  assert_outcome (promise, 7);
}

/* A fiber outside actors that waits for the gate, recovers from its cancellation and waits for another. */

typedef struct
{
  TroupePromise  *first;
  TroupePromise  *second;
  TroupeResolver *resolver;
} Persistence;

static gboolean
persist (TroupeResolver  *result,
         gpointer         user_data,
         GError         **error)
{
  Persistence *self = user_data;
  g_autoptr (GError) failure = NULL;

  if (!troupe_await (self->first, &failure))
    {
      g_assert_error (failure, TROUPE_ERROR, TROUPE_ERROR_CANCELLED);
      say ("cancelled");
      if (!troupe_await (self->second, error))
        return FALSE;
    }

  troupe_resolver_resolve_int64 (result, troupe_promise_get_int64 (self->second), NULL);
  return TRUE;
}

static void
test_rule_108 (Fixture       *fixture,
               gconstpointer  data)
{
  TroupeResolver *first = NULL;
  g_autoptr (TroupeResolver) second = NULL;
  Persistence self = { troupe_promise_new (&first), troupe_promise_new (&second), second };
  g_autoptr (TroupePromise) promise = troupe_fiber_start (TROUPE_FIBER_DEFAULT, persist, &self, NULL);

  g_test_summary ("To cancel a fiber's promise cancels what it waits for; it may handle that, go on, and return a value.");

  troupe_promise_cancel (promise);
  assert_trace ("cancelled");
  g_assert_false (troupe_promise_is_resolved (promise));
  g_assert_true (troupe_promise_is_resolved (self.first));

  troupe_resolver_resolve_int64 (second, 5, NULL);
  g_assert_true (troupe_promise_is_resolved (promise));
  g_assert_cmpint (troupe_promise_get_int64 (promise), ==, 5);

  troupe_promise_unref (self.first);
  troupe_promise_unref (self.second);
  troupe_resolver_unref (first);
}

static void
test_rule_108_unhandled (Fixture       *fixture,
                         gconstpointer  data)
{
  TroupeResolver *first = NULL;
  TroupeResolver *second = NULL;
  Persistence self = { troupe_promise_new (&first), troupe_promise_new (&second), second };
  g_autoptr (TroupePromise) promise = troupe_fiber_start (TROUPE_FIBER_DEFAULT, persist, &self, NULL);

  g_test_summary ("It can be cancelled again; if it does not handle that, its promise is rejected with it.");

  troupe_promise_cancel (promise);
  troupe_promise_cancel (promise);
  g_assert_true (troupe_promise_is_resolved (promise));
  assert_failure (promise, CANCELLED);

  troupe_promise_unref (self.first);
  troupe_promise_unref (self.second);
  troupe_resolver_unref (first);
  troupe_resolver_unref (second);
}

static gboolean
return_three (TroupeResolver  *result,
              gpointer         user_data,
              GError         **error)
{
  troupe_resolver_resolve_int64 (result, 3, NULL);
  return TRUE;
}

static gboolean
return_nothing (TroupeResolver  *result,
                gpointer         user_data,
                GError         **error)
{
  return TRUE;
}

static gboolean
return_error (TroupeResolver  *result,
              gpointer         user_data,
              GError         **error)
{
  g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_FAILED, "no");
  return FALSE;
}

static void
count_up (gpointer data)
{
  ++*(int *) data;
}

static void
test_rule_108_outcome (Fixture       *fixture,
                       gconstpointer  data)
{
  int n_freed = 0;
  g_autoptr (TroupePromise) three = troupe_fiber_start (TROUPE_FIBER_DEFAULT, return_three, &n_freed, count_up);
  g_autoptr (TroupePromise) nothing = troupe_fiber_start (TROUPE_FIBER_DEFAULT, return_nothing, &n_freed, count_up);
  g_autoptr (TroupePromise) error = troupe_fiber_start (TROUPE_FIBER_DEFAULT, return_error, &n_freed, count_up);

  g_test_summary ("A fiber's promise has the value it returned, or its error; its data is freed once.");

  g_assert_cmpint (n_freed, ==, 3);
  g_assert_cmpint (troupe_promise_get_int64 (three), ==, 3);
  g_assert_true (troupe_promise_has_value (nothing));
  g_assert_cmpuint (troupe_promise_get_value_type (nothing), ==, G_TYPE_NONE);
  assert_failure (error, FAILED);
}

static gboolean
keep_context (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  TroupeRef *self = troupe_actor_get_ref (actor);
  GMainContext *context = g_main_context_get_thread_default ();
  int depth = g_main_depth ();
  g_autoptr (TroupePromise) answer = test_puppet_ask (fixture->other, double_number, GINT_TO_POINTER (21));
  g_autoptr (TroupePromise) own = NULL;
  TroupeResolver *resolver = NULL;

  if (!troupe_await (answer, error))
    return FALSE;

  g_assert_true (g_main_context_get_thread_default () == context);
  g_assert_cmpint (g_main_depth (), ==, depth);
  /* At home here, which only the actor in its turn is. */
  own = troupe_promise_new (&resolver);
  troupe_resolver_resolve (resolver, NULL);
  troupe_resolver_unref (resolver);
  g_assert_true (troupe_promise_has_value (own));
  troupe_ref_send (self, troupe_message_new_string ("note", "sent"));

  troupe_message_reply_int64 (message, troupe_promise_get_int64 (answer));
  return TRUE;
}

static void
test_rule_109 (Fixture       *fixture,
               gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (fixture->waiter, job ("wait", keep_context, fixture));
  g_autoptr (TroupePromise) ended = troupe_fiber_start (TROUPE_FIBER_DEFAULT, return_three, NULL, NULL);

  g_test_summary ("To cancel after the end does nothing; what was current before a wait is so afterwards.");

  troupe_promise_cancel (ended);
  g_assert_cmpint (troupe_promise_get_int64 (ended), ==, 3);

  assert_outcome (promise, 42);
  troupe_test_settle ();
  assert_trace ("sent");
}

/* What waits meanwhile */

static void
test_exclusive (Fixture       *fixture,
                gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (fixture->waiter, job ("wait", wait_at_gate, fixture));

  g_test_summary ("While a handler waits, the actor's messages do, and keep their order; those of others do not.");

  note (fixture, "one");
  note (fixture, "two");
  troupe_test_settle ();
  assert_trace ("before");
  note (fixture, "three");
  troupe_test_settle ();
  troupe_promise_unref (test_puppet_ask_and_wait (fixture->other, double_number, NULL));
  assert_trace ("");

  open_gate (fixture, 4);
  note (fixture, "four");
  assert_outcome (promise, 4);
  troupe_test_settle ();
  assert_trace ("after one two three four");
}

static void
test_interleaved (Fixture       *fixture,
                  gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (fixture->waiter, job ("wander", wait_at_gate, fixture));

  g_test_summary ("An interleaved handler lets the actor go on while it waits.");

  note (fixture, "one");
  troupe_test_settle ();
  assert_trace ("before one");

  open_gate (fixture, 4);
  note (fixture, "two");
  assert_outcome (promise, 4);
  troupe_test_settle ();
  assert_trace ("after two");
}

static void
say_timer (TroupeTimer *timer,
           gpointer     user_data)
{
  say (user_data);
}

static gboolean
set_timer (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  troupe_timer_unref (troupe_actor_call_later (actor, 0, say_timer, (gpointer) "timer", NULL));
  return TRUE;
}

static gboolean
spawn_child (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  g_autoptr (TroupeRef) child = troupe_actor_spawn (actor, "child", TEST_TYPE_PUPPET, NULL, NULL);

  troupe_actor_watch (actor, fixture->other);
  troupe_ref_stop (child);
  return TRUE;
}

static void
test_exclusive_turns (Fixture       *fixture,
                      gconstpointer  data)
{
  g_test_summary ("Timers, ends of others and of children, and a finish wait, too, in their order.");

  troupe_ref_send (fixture->waiter, job ("run", set_timer, fixture));
  troupe_ref_send (fixture->waiter, job ("run", spawn_child, fixture));
  troupe_ref_send (fixture->waiter, job ("wait", wait_at_gate, fixture));
  troupe_ref_stop (fixture->other);
  troupe_test_until (fixture->gate != NULL && troupe_ref_has_ended (fixture->other));
  troupe_test_settle ();
  note (fixture, "note");
  troupe_ref_finish (fixture->waiter);
  note (fixture, "late");
  troupe_test_settle ();
  assert_trace ("before");

  open_gate (fixture, 0);
  troupe_test_until (troupe_ref_has_ended (fixture->waiter));
  g_assert_nonnull (strstr (trace->str, "after "));
  g_assert_nonnull (strstr (trace->str, " timer"));
  g_assert_nonnull (strstr (trace->str, " child"));
  g_assert_nonnull (strstr (trace->str, " terminated"));
  g_assert_true (g_str_has_suffix (trace->str, " note stopped"));
  g_string_truncate (trace, 0);
}

static gboolean
nap (TroupeActor    *actor,
     TroupeMessage  *message,
     GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  g_autoptr (TroupePromise) pause = troupe_sleep (1);
  g_autoptr (TroupePromise) late = troupe_promise_add_timeout (troupe_sleep (60 * 1000), 1, NULL, NULL, NULL);
  g_autoptr (TroupePromise) one = test_puppet_ask (fixture->other, double_number, GINT_TO_POINTER (1));
  g_autoptr (TroupePromise) two = test_puppet_ask (fixture->other, double_number, GINT_TO_POINTER (2));
  TroupePromise *answers[] = { one, two };
  g_autoptr (TroupePromise) all = troupe_promise_collect (answers, G_N_ELEMENTS (answers));
  g_autoptr (GError) failure = NULL;

  if (!troupe_await (pause, error) || !troupe_await (all, error))
    return FALSE;

  g_assert_false (troupe_await (late, &failure));
  g_assert_error (failure, TROUPE_ERROR, TROUPE_ERROR_TIMED_OUT);

  troupe_message_reply_int64 (message, 1);
  return TRUE;
}

static void
test_exclusive_promises (Fixture       *fixture,
                         gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (fixture->waiter, job ("wait", nap, fixture));

  g_test_summary ("What promises need goes on: answers, lists, sleeps and timeouts.");

  assert_outcome (promise, 1);
}

static gboolean
ask_and_add (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  g_autoptr (TroupePromise) answer = test_puppet_ask (fixture->other, double_number, GINT_TO_POINTER (1));

  if (!troupe_await (answer, error))
    return FALSE;

  say (".");
  return TRUE;
}

#define N_BACKLOG 3000

static void
test_backlog (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (GString) expected = g_string_new (".");
  int i;

  g_test_summary ("Many messages whose handlers all wait are handled one after the other, with others between them in order.");

  for (i = 0; i < N_BACKLOG; i++)
    {
      troupe_ref_send (fixture->waiter, job ("wait", ask_and_add, fixture));
      note (fixture, "-");
    }
  for (i = 1; i < N_BACKLOG; i++)
    g_string_append (expected, " - .");
  g_string_append (expected, " -");

  troupe_test_until (trace->len == expected->len);
  assert_trace (expected->str);
}

/* Connections: bytes that arrive wait, bytes that leave do not. */

static TroupePromise *wire_gate;

static gboolean
wire_fiber (TroupeResolver  *result,
            gpointer         user_data,
            GError         **error)
{
  gboolean opened = troupe_await (wire_gate, error);

  g_string_append (probe.log, opened ? "opened " : "failed ");
  g_clear_pointer (&wire_gate, troupe_promise_unref);
  return opened;
}

#define N_BLOCK (8 * 1024 * 1024)

static void
write_and_wait (TroupeProtocol *protocol)
{
  g_autofree char *block = g_strnfill (N_BLOCK, 'x');
  g_autoptr (TroupePromise) promise = NULL;

  if (wire_gate == NULL)
    return;

  write_text (protocol, block);
  promise = troupe_fiber_start (TROUPE_FIBER_DEFAULT, wire_fiber, NULL, NULL);
}

static TroupeResolver *wire_opener;

static void
make_wire_gate (TroupeProtocol *protocol)
{
  wire_gate = troupe_promise_new (&wire_opener);
}

/* Whether the socket took it all at once is the kernel's business. */
static void
forget_pauses (void)
{
  g_string_replace (probe.log, "paused resumed ", "", 0);
}

static void
test_connection (void)
{
  g_autoptr (GBytes) bytes = NULL;
  int fault;
  int fd;

  g_test_summary ("While a fiber of a connection waits, bytes that arrive do too; what it has written is sent all the same.");

  probe_begin ();
  probe.on_made = make_wire_gate;
  probe.on_data = write_and_wait;
  fd = client_open ();
  client_send (fd, "1");
  troupe_test_until (probe.received->len == 1);
  client_send (fd, "2");

  /* More than the socket takes at once. */
  bytes = client_read (fd, N_BLOCK, &fault);
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, N_BLOCK);
  client_send (fd, "3");
  troupe_test_settle ();
  g_assert_cmpuint (probe.received->len, ==, 1);

  g_assert_true (troupe_resolver_resolve (wire_opener, NULL));
  troupe_test_until (probe.received->len == 3);
  forget_pauses ();
  g_assert_cmpstr (probe.log->str, ==, "made data opened data ");
  g_assert_cmpmem (probe.received->data, 3, "123", 3);

  g_clear_pointer (&wire_opener, troupe_resolver_unref);
  close (fd);
  assert_lost (DONE);
  probe_end ();
}

static void
test_connection_reset (void)
{
  int fd;

  g_test_summary ("That the peer is gone is seen once the fiber has come to its end, and costs nothing until then.");

  probe_begin ();
  probe.on_made = make_wire_gate;
  probe.on_data = write_and_wait;
  fd = client_open ();
  client_send (fd, "1");
  troupe_test_until (probe.received->len == 1);
  client_reset (fd);
  troupe_test_settle ();
  g_assert_cmpuint (probe.n_lost, ==, 0);

  g_assert_true (troupe_resolver_resolve (wire_opener, NULL));
  troupe_test_until (probe.n_lost == 1);
  g_assert_nonnull (strstr (probe.log->str, "opened lost"));

  g_clear_pointer (&wire_opener, troupe_resolver_unref);
  probe_end ();
}

static void
test_connection_stopped (void)
{
  int fd;

  g_test_summary ("A connection that is stopped while its fiber waits ends.");

  probe_begin ();
  probe.on_made = make_wire_gate;
  probe.on_data = write_and_wait;
  fd = client_open ();
  client_send (fd, "1");
  troupe_test_until (probe.received->len == 1);
  client_send (fd, "2");
  troupe_test_settle ();
  troupe_ref_kill (probe.ref);
  troupe_test_until (troupe_ref_has_ended (probe.ref));

  g_clear_pointer (&wire_gate, troupe_promise_unref);
  g_clear_pointer (&wire_opener, troupe_resolver_unref);
  close (fd);
  probe_end ();
}

/* Askers */

static gboolean
forget_reply (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  g_autoptr (TroupePromise) pause = troupe_sleep (0);

  return troupe_await (pause, error);
}

static void
test_no_reply (Fixture       *fixture,
               gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (fixture->waiter, job ("wait", forget_reply, fixture));

  g_test_summary ("A handler that waited and did not reply breaks the ask.");

  assert_failure (promise, BROKEN);
}

static gboolean
defer_reply (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  g_autoptr (TroupePromise) pause = troupe_sleep (0);

  if (!troupe_await (pause, error))
    return FALSE;

  fixture->opener = troupe_message_defer_reply (message);
  return TRUE;
}

static void
test_defer (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (fixture->waiter, job ("wait", defer_reply, fixture));
  g_autoptr (TroupePromise) given_up = troupe_ref_ask (fixture->waiter, job ("wait", defer_reply, fixture));

  g_test_summary ("A handler that waited may defer its reply; to cancel that later does not touch its fiber, which is gone.");

  troupe_test_until (fixture->opener != NULL);
  open_gate (fixture, 9);
  g_clear_pointer (&fixture->opener, troupe_resolver_unref);
  assert_outcome (promise, 9);

  troupe_test_until (fixture->opener != NULL);
  troupe_promise_cancel (given_up);
  troupe_test_settle ();
  assert_failure (given_up, CANCELLED);
}

static gboolean
fail_late (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  g_autoptr (TroupePromise) pause = troupe_sleep (0);

  if (!troupe_await (pause, error))
    return FALSE;

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "late");
  return FALSE;
}

static void
test_failure (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (fixture->waiter, job ("wait", fail_late, fixture));
  g_autoptr (TroupePromise) next = troupe_ref_ask (fixture->waiter, job ("run", double_number, fixture));
  g_autoptr (GError) error = NULL;

  g_test_summary ("A handler that fails after it has waited fails its actor, as any does.");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*waiter*failed: late");
  troupe_test_until (troupe_promise_is_resolved (promise));
  error = troupe_promise_steal_error (promise);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  assert_failure (next, ACTOR_STOPPED);
  troupe_test_until (troupe_ref_has_ended (fixture->waiter));
  g_test_assert_expected_messages ();
}

static void
test_cancelled_ask (Fixture       *fixture,
                    gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (fixture->waiter, job ("wander", wait_at_gate, fixture));

  g_test_summary ("When the asker cancels the question, so is what the handler waits for.");

  troupe_test_until (fixture->gate != NULL);
  troupe_promise_cancel (promise);
  assert_failure (promise, CANCELLED);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*waiter*failed: *cancelled*");
  troupe_test_until (troupe_ref_has_ended (fixture->waiter));
  g_test_assert_expected_messages ();
  assert_trace ("before failed stopped");
}

/* Ends */

static void
test_stop (Fixture       *fixture,
           gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (fixture->waiter, job ("wait", wait_at_gate, fixture));
  g_autoptr (TroupePromise) next = troupe_ref_ask (fixture->waiter, job ("run", double_number, fixture));

  g_test_summary ("A stop ends the wait with an error, so that the handler frees what it has, before “stopped” runs.");

  troupe_test_until (fixture->gate != NULL);
  troupe_test_settle ();
  troupe_ref_stop (fixture->waiter);
  troupe_test_until (troupe_ref_has_ended (fixture->waiter));
  assert_trace ("before failed stopped");
  assert_failure (promise, ACTOR_STOPPED);
  assert_failure (next, ACTOR_STOPPED);
}

static gboolean
fail_now (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_FAILED, "now");
  return FALSE;
}

static void
test_fail (Fixture       *fixture,
           gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (fixture->waiter, job ("wander", wait_at_gate, fixture));

  g_test_summary ("So does the failure of another handler.");

  troupe_test_until (fixture->gate != NULL);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*waiter*failed: now");
  troupe_ref_send (fixture->waiter, job ("run", fail_now, fixture));
  troupe_test_until (troupe_ref_has_ended (fixture->waiter));
  g_test_assert_expected_messages ();
  assert_trace ("before failed stopped");
  assert_failure (promise, ACTOR_STOPPED);
}

static void
test_restart (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);
  g_autoptr (TroupePromise) promise = NULL;
  g_autoptr (TroupePromise) next = NULL;

  g_test_summary ("A restart ends the fibers of the old object as a stop does; what waits in the mailbox is the new one's.");

  troupe_system_set_supervision (fixture->system, supervision);
  troupe_test_settle ();
  promise = troupe_ref_ask (fixture->waiter, job ("wander", wait_at_gate, fixture));
  troupe_test_until (fixture->gate != NULL);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*waiter*now*");
  troupe_ref_send (fixture->waiter, job ("run", fail_now, fixture));
  next = troupe_ref_ask (fixture->waiter, job ("run", double_number, GINT_TO_POINTER (4)));
  assert_outcome (next, 8);
  g_test_assert_expected_messages ();
  assert_trace ("before failed stopped");
  assert_failure (promise, ACTOR_STOPPED);
  g_assert_false (troupe_ref_has_ended (fixture->waiter));
}

static gboolean
arm_failure (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  g_autoptr (TroupePromise) promise = troupe_promise_new (test_puppet_get_data (message));

  troupe_promise_or_fail (promise);
  return TRUE;
}

static void
test_restart_held (Fixture       *fixture,
                   gconstpointer  data)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);
  g_autoptr (TroupeResolver) fuse = NULL;

  g_test_summary ("Messages that a fiber held back when its actor restarts are handled by the new object.");

  troupe_system_set_supervision (fixture->system, supervision);
  troupe_test_settle ();
  troupe_ref_send (fixture->waiter, job ("run", arm_failure, &fuse));
  troupe_ref_send (fixture->waiter, job ("wait", wait_at_gate, fixture));
  note (fixture, "one");
  troupe_test_until (fixture->gate != NULL);
  troupe_test_settle ();
  note (fixture, "two");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*waiter*fuse*");
  troupe_resolver_reject (fuse, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "fuse"), NULL);
  troupe_test_until (strstr (trace->str, "two") != NULL);
  g_test_assert_expected_messages ();
  assert_trace ("before failed stopped one two");
}

static void
test_resume (Fixture       *fixture,
             gconstpointer  data)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESUME);
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("If an actor goes on after a failure, its fibers do.");

  troupe_system_set_supervision (fixture->system, supervision);
  troupe_test_settle ();
  promise = troupe_ref_ask (fixture->waiter, job ("wander", wait_at_gate, fixture));
  troupe_test_until (fixture->gate != NULL);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*waiter*now*");
  troupe_ref_send (fixture->waiter, job ("run", fail_now, fixture));
  troupe_test_settle ();
  g_test_assert_expected_messages ();
  open_gate (fixture, 3);
  assert_outcome (promise, 3);
  assert_trace ("before after");
}

static void
test_kill (Fixture       *fixture,
           gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (fixture->waiter, job ("wait", wait_at_gate, fixture));
  g_autoptr (TroupePromise) next = troupe_ref_ask (fixture->waiter, job ("run", double_number, fixture));

  g_test_summary ("After a kill its code does not run again; who asked is told.");

  troupe_test_until (fixture->gate != NULL);
  troupe_test_settle ();
  troupe_ref_kill (fixture->waiter);
  troupe_test_until (troupe_ref_has_ended (fixture->waiter));
  assert_trace ("before");
  assert_failure (promise, ACTOR_STOPPED);
  assert_failure (next, ACTOR_STOPPED);
}

static gboolean
wait_for_ever (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);

  fixture->gate = troupe_promise_new (&fixture->opener);
  while (!troupe_await (fixture->gate, NULL))
    ;

  g_assert_not_reached ();
}

static void
test_stubborn (Fixture       *fixture,
               gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (fixture->waiter, job ("wait", wait_for_ever, fixture));

  g_test_summary ("A fiber that goes on waiting although its actor ends is dropped in the end.");

  troupe_test_until (fixture->gate != NULL);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*waiter*goes on waiting*");
  troupe_ref_stop (fixture->waiter);
  troupe_test_until (troupe_ref_has_ended (fixture->waiter));
  g_test_assert_expected_messages ();
  assert_failure (promise, ACTOR_STOPPED);
}

static gboolean
start_fiber (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  Persistence *self = test_puppet_get_data (message);
  TroupeResolver *resolver = NULL;

  self->first = troupe_promise_new (&resolver);
  self->second = troupe_fiber_start (TROUPE_FIBER_INTERLEAVED, persist, self, NULL);
  self->resolver = resolver;
  return TRUE;
}

static void
test_stop_func (Fixture       *fixture,
                gconstpointer  data)
{
  Persistence self = { NULL, NULL, NULL };

  g_test_summary ("A fiber that an actor started is killed with it.");

  test_puppet_tell (fixture->other, start_fiber, &self);
  troupe_test_until (self.resolver != NULL);
  troupe_ref_kill (fixture->other);
  troupe_test_until (troupe_ref_has_ended (fixture->other));
  assert_trace ("");

  troupe_promise_unref (self.first);
  troupe_promise_unref (self.second);
  troupe_resolver_unref (self.resolver);
}

/* Fibers among each other */

typedef struct
{
  TroupePromise *before;
  TroupePromise *own;
} Link;

static gboolean
wait_for_link (TroupeResolver  *result,
               gpointer         user_data,
               GError         **error)
{
  Link *link = user_data;

  if (!troupe_await (link->before, error))
    return FALSE;

  return troupe_resolver_resolve_int64 (result, troupe_promise_get_int64 (link->before) + 1, error);
}

#ifdef SANITIZED
# define N_LINKS 500                 /* a stack is dear there */
#else
# define N_LINKS 5000
#endif

static void
test_row (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  Link *links = g_new0 (Link, N_LINKS);
  TroupePromise *before = troupe_promise_new (&resolver);
  int i;

  g_test_summary ("A long row of fibers, each waiting for the one before, needs no deep stack to come to its end.");

  for (i = 0; i < N_LINKS; i++)
    {
      links[i].before = before;
      before = troupe_fiber_start (TROUPE_FIBER_DEFAULT, wait_for_link, &links[i], NULL);
      g_assert_false (troupe_promise_is_resolved (before));
    }

  troupe_resolver_resolve_int64 (resolver, 0, NULL);
  g_assert_cmpint (troupe_promise_get_int64 (before), ==, N_LINKS);

  for (i = 0; i < N_LINKS; i++)
    troupe_promise_unref (links[i].before);
  troupe_promise_unref (before);
  g_free (links);
}

static gboolean
read_gate (TroupeResolver  *result,
           gpointer         user_data,
           GError         **error)
{
  TroupePromise *gate = user_data;

  if (!troupe_await (gate, error))
    return FALSE;

  return troupe_resolver_resolve_int64 (result, troupe_promise_get_int64 (gate), error);
}

static void
add_one (TroupePromise *promise,
         gpointer       user_data)
{
  troupe_promise_return_int64 (promise, troupe_promise_get_int64 (promise) + 1);
}

static gboolean
open_from_fiber (TroupeResolver  *result,
                 gpointer         user_data,
                 GError         **error)
{
  troupe_resolver_resolve_int64 (user_data, 1, NULL);
  say ("opened");
  return TRUE;
}

static void
test_positions (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) gate = troupe_promise_new (&resolver);
  g_autoptr (TroupePromise) first = NULL;
  g_autoptr (TroupePromise) second = NULL;
  g_autoptr (TroupePromise) opener = NULL;

  g_test_summary ("Each fiber sees the outcome at its place in the chain, also when another fiber has resolved it.");

  trace = g_string_new (NULL);
  first = troupe_fiber_start (TROUPE_FIBER_DEFAULT, read_gate, gate, NULL);
  troupe_promise_add_callback (gate, add_one, NULL, NULL);
  second = troupe_fiber_start (TROUPE_FIBER_DEFAULT, read_gate, gate, NULL);
  troupe_promise_add_callback (gate, add_one, NULL, NULL);

  opener = troupe_fiber_start (TROUPE_FIBER_DEFAULT, open_from_fiber, resolver, NULL);
  assert_trace ("opened");
  g_assert_cmpint (troupe_promise_get_int64 (first), ==, 1);
  g_assert_cmpint (troupe_promise_get_int64 (second), ==, 2);
  g_assert_cmpint (troupe_promise_get_int64 (gate), ==, 3);
  g_string_free (trace, TRUE);
}

/* Mistakes */

static void
test_refused (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_promise_new_resolved (NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary ("Only a fiber can wait.");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*Only a fiber*");
  g_assert_false (troupe_await (promise, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_WOULD_BLOCK);
  g_test_assert_expected_messages ();
}

static gboolean
await_nested (gpointer data)
{
  g_autoptr (TroupePromise) promise = troupe_promise_new_resolved (NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (troupe_await (promise, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_WOULD_BLOCK);
  g_main_loop_quit (data);
  return G_SOURCE_REMOVE;
}

static gboolean
run_nested_loop (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  Fixture *fixture = test_puppet_get_data (message);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (TroupePromise) answer = test_puppet_ask (fixture->other, double_number, GINT_TO_POINTER (4));

  g_idle_add (await_nested, loop);
  g_main_loop_run (loop);

  if (!troupe_await (answer, error))
    return FALSE;

  troupe_message_reply_int64 (message, troupe_promise_get_int64 (answer));
  return TRUE;
}

static void
test_nested (Fixture       *fixture,
             gconstpointer  data)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (fixture->waiter, job ("wait", run_nested_loop, fixture));

  g_test_summary ("A main loop that a fiber runs is no place to wait in; other actors, with fibers of theirs, run in it.");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*Only a fiber*");
  assert_outcome (promise, 8);
  g_test_assert_expected_messages ();
}

static gboolean
await_foreign (TroupeResolver  *result,
               gpointer         user_data,
               GError         **error)
{
  return troupe_await (user_data, error);
}

static gboolean
hand_out_promise (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  TroupePromise **place = test_puppet_get_data (message);

  *place = troupe_promise_new_resolved (NULL);
  return TRUE;
}

static void
test_elsewhere (Fixture       *fixture,
                gconstpointer  data)
{
  g_autoptr (TroupePromise) foreign = NULL;
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("A promise that is at home elsewhere cannot be waited for.");

  test_puppet_tell (fixture->other, hand_out_promise, &foreign);
  troupe_test_until (foreign != NULL);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*at home where it is*");
  promise = troupe_fiber_start (TROUPE_FIBER_DEFAULT, await_foreign, foreign, NULL);
  g_test_assert_expected_messages ();
  assert_failure (promise, WOULD_BLOCK);
}

static guint
dive (guint depth)
{
  volatile char room[1024];

  room[depth % sizeof room] = (char) depth;
  return depth == 0 ? 0 : dive (depth - 1) + room[depth % sizeof room];
}

static gboolean
overflow (TroupeResolver  *result,
          gpointer         user_data,
          GError         **error)
{
  return dive (1000) > 0;
}

static void
test_overflow (void)
{
  g_test_summary ("Who runs over the end of a fiber's stack is stopped at once, and overwrites nothing.");

  if (g_test_subprocess ())
    {
      const struct rlimit no_core = { 0, 0 };

      setrlimit (RLIMIT_CORE, &no_core);
      troupe_promise_unref (troupe_fiber_start (TROUPE_FIBER_DEFAULT, overflow, NULL, NULL));
      return;
    }

  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
}

#ifndef SANITIZED
/* So that there is no more room for the addresses of a stack, but for small blocks. */
static void
limit_memory (void)
{
  g_autofree char *text = NULL;
  struct rlimit limit;

  /* In pages, the first figure is what is mapped. */
  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  getrlimit (RLIMIT_AS, &limit);
  limit.rlim_cur = g_ascii_strtoull (text, NULL, 10) * (guint64) sysconf (_SC_PAGESIZE) + 200 * 1024;
  g_assert_cmpint (setrlimit (RLIMIT_AS, &limit), ==, 0);
}
#endif

static void
test_no_stack (void)
{
  g_test_summary ("Without memory for another stack a fiber is refused with an error, and those that wait go on.");

#ifdef SANITIZED
  g_test_skip ("a sanitizer needs all the address space there is");
#else
  if (g_test_subprocess ())
    {
      g_autoptr (TroupeResolver) resolver = NULL;
      g_autoptr (TroupePromise) gate = troupe_promise_new (&resolver);
      g_autoptr (GPtrArray) promises = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_promise_unref);
      g_autoptr (GError) error = NULL;
      TroupePromise *last = NULL;
      guint i;

      for (i = 0; i < 100; i++)
        g_ptr_array_add (promises, troupe_fiber_start (TROUPE_FIBER_DEFAULT, read_gate, gate, NULL));
      limit_memory ();
      while (last == NULL || !troupe_promise_is_resolved (last))
        {
          last = troupe_fiber_start (TROUPE_FIBER_DEFAULT, read_gate, gate, NULL);
          g_ptr_array_add (promises, last);
        }

      error = troupe_promise_steal_error (last);
      g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_NO_STACK);
      troupe_resolver_resolve_int64 (resolver, 6, NULL);
      for (i = 0; i + 1 < promises->len; i++)
        g_assert_cmpint (troupe_promise_get_int64 (promises->pdata[i]), ==, 6);
      return;
    }

  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
#endif
}

static void
test_outside_ends (void)
{
  GMainContext *context = g_main_context_new ();
  TroupeResolver *resolver = NULL;
  TroupePromise *gate;
  TroupePromise *promise;

  g_test_summary ("A fiber outside actors whose main context goes away is lost with it.");

  g_main_context_push_thread_default (context);
  gate = troupe_promise_new (&resolver);
  promise = troupe_fiber_start (TROUPE_FIBER_DEFAULT, read_gate, gate, NULL);
  g_main_context_pop_thread_default (context);
  g_main_context_unref (context);

  troupe_promise_unref (promise);
  troupe_promise_unref (gate);
  troupe_resolver_unref (resolver);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define add(name, func) g_test_add ("/troupe/fiber/" name, Fixture, NULL, set_up, func, tear_down)
  add ("rule-107", test_rule_107);
  add ("rule-107-error", test_rule_107_error);
  add ("rule-108", test_rule_108);
  add ("rule-108-unhandled", test_rule_108_unhandled);
  add ("rule-108-outcome", test_rule_108_outcome);
  add ("rule-109", test_rule_109);
  add ("exclusive", test_exclusive);
  add ("interleaved", test_interleaved);
  add ("exclusive-turns", test_exclusive_turns);
  add ("exclusive-promises", test_exclusive_promises);
  add ("backlog", test_backlog);
  g_test_add_func ("/troupe/fiber/connection", test_connection);
  g_test_add_func ("/troupe/fiber/connection-reset", test_connection_reset);
  g_test_add_func ("/troupe/fiber/connection-stopped", test_connection_stopped);
  add ("no-reply", test_no_reply);
  add ("defer", test_defer);
  add ("failure", test_failure);
  add ("cancelled-ask", test_cancelled_ask);
  add ("stop", test_stop);
  add ("fail", test_fail);
  add ("restart", test_restart);
  add ("restart-held", test_restart_held);
  add ("resume", test_resume);
  add ("kill", test_kill);
  add ("stubborn", test_stubborn);
  add ("stop-func", test_stop_func);
  g_test_add_func ("/troupe/fiber/row", test_row);
  g_test_add_func ("/troupe/fiber/positions", test_positions);
  add ("refused", test_refused);
  add ("nested", test_nested);
  add ("elsewhere", test_elsewhere);
  g_test_add_func ("/troupe/fiber/overflow", test_overflow);
  g_test_add_func ("/troupe/fiber/no-stack", test_no_stack);
  g_test_add_func ("/troupe/fiber/outside-ends", test_outside_ends);

  return g_test_run ();
}
