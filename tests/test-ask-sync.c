/* test-ask-sync.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Threads that block until an answer is there: rule 129 of the specification. Looks into the reactor to know when a question is under way. */

#include "troupe-test-puppet.h"

#include <json.h>

#include "troupe-reactor-private.h"

/* What a plain thread does; the main thread runs the actors meanwhile. */
typedef struct
{
  TroupeSystem  *system;
  TroupeRef     *puppet;
  GThread       *thread;
  GThreadFunc    func;
  GCancellable  *cancellable;
  TroupeResolver *resolver;          /* a reply that the puppet owes */
  TroupePromise *slow;
  int            is_done;            /* atomic */
  int            n_handled;
  int            n_freed;            /* atomic */
} Fixture;

static void
set_up (Fixture       *self,
        gconstpointer  unused)
{
  self->system = troupe_test_system_new ();
  self->puppet = test_puppet_new (self->system, "puppet");
  self->cancellable = g_cancellable_new ();
}

static void
tear_down (Fixture       *self,
           gconstpointer  unused)
{
  g_clear_pointer (&self->resolver, troupe_resolver_unref);
  g_clear_pointer (&self->puppet, troupe_ref_unref);
  g_clear_object (&self->cancellable);
  if (self->system != NULL)
    troupe_test_system_end (self->system);
}

static gpointer
run_func (gpointer data)
{
  Fixture *self = data;

  self->func (self);
  g_atomic_int_set (&self->is_done, TRUE);
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
start (Fixture     *self,
       GThreadFunc  func)
{
  self->func = func;
  g_atomic_int_set (&self->is_done, FALSE);
  self->thread = g_thread_new ("plain", run_func, self);
}

static void
finish (Fixture *self)
{
  troupe_test_until (g_atomic_int_get (&self->is_done));
  g_thread_join (self->thread);
}

static void
run (Fixture     *self,
     GThreadFunc  func)
{
  start (self, func);
  finish (self);
}

static TroupeMessage *
ask (Fixture        *self,
     TroupeHandler   handler,
     gint64          timeout_ms,
     GError        **error)
{
  return troupe_ref_ask_sync (self->puppet, test_puppet_job (handler, self), timeout_ms, self->cancellable, error);
}

static void
expect_error (Fixture       *self,
              TroupeHandler  handler,
              gint64         timeout_ms,
              TroupeError    code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupeMessage) answer = ask (self, handler, timeout_ms, &error);

  g_assert_null (answer);
  g_assert_error (error, TROUPE_ERROR, (int) code);
}

/* What the puppet does */

static gboolean
count (TroupeActor    *actor,
       TroupeMessage  *message,
       GError        **error)
{
  Fixture *self = test_puppet_get_data (message);

  self->n_handled++;
  troupe_message_reply_int64 (message, self->n_handled);
  return TRUE;
}

static gboolean
say (TroupeActor    *actor,
     TroupeMessage  *message,
     GError        **error)
{
  troupe_message_reply_string (message, "hello");
  return TRUE;
}

static gboolean
give_nothing (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  troupe_message_reply (message);
  return TRUE;
}

static gboolean
give_json (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  struct json_object *json = json_object_new_object ();

  json_object_object_add (json, "n", json_object_new_int (7));
  troupe_message_reply_json (message, json);
  return TRUE;
}

static void
note_freed (gpointer n_freed)
{
  g_atomic_int_inc ((int *) n_freed);
}

static gboolean
give_pointer (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  Fixture *self = test_puppet_get_data (message);

  troupe_message_reply_pointer (message, &self->n_freed, note_freed);
  return TRUE;
}

static gboolean
fail (TroupeActor    *actor,
      TroupeMessage  *message,
      GError        **error)
{
  troupe_message_reply_error (message, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_EXISTS, "No"));
  return TRUE;
}

static gboolean
say_nothing (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  return TRUE;
}

static gboolean
keep (TroupeActor    *actor,
      TroupeMessage  *message,
      GError        **error)
{
  Fixture *self = test_puppet_get_data (message);

  self->n_handled++;
  self->resolver = troupe_message_defer_reply (message);
  return TRUE;
}

static gboolean
keep_and_cancel (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  Fixture *self = test_puppet_get_data (message);

  g_cancellable_cancel (self->cancellable);
  return keep (actor, message, error);
}

static gboolean
stop (TroupeActor    *actor,
      TroupeMessage  *message,
      GError        **error)
{
  troupe_ref_stop (troupe_actor_get_ref (actor));
  return keep (actor, message, error);
}

static gboolean
shut_down (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  troupe_system_shutdown (troupe_actor_get_system (actor));
  return keep (actor, message, error);
}

static gboolean
slow_down (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  Fixture *self = test_puppet_get_data (message);
  TroupePromise *slept = troupe_sleep (1);

  self->n_handled++;
  troupe_message_reply_promise (message, slept);
  return TRUE;
}

/* Answers */

static gpointer
ask_for_values (gpointer data)
{
  Fixture *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupeMessage) number = ask (self, count, -1, &error);
  g_autoptr (TroupeMessage) string = ask (self, say, 60000, &error);
  g_autoptr (TroupeMessage) nothing = ask (self, give_nothing, G_MAXINT64, &error);
  g_autoptr (TroupeMessage) json = ask (self, give_json, -1, &error);
  g_autoptr (TroupeMessage) pointer = ask (self, give_pointer, -1, &error);
  g_autoptr (TroupeMessage) slow = ask (self, slow_down, -1, &error);

  g_assert_no_error (error);
  g_assert_cmpint (troupe_message_get_int64 (number), ==, 1);
  g_assert_cmpstr (troupe_message_get_name (number), ==, "run");
  g_assert_cmpstr (troupe_message_get_string (string), ==, "hello");
  g_assert_cmpuint (troupe_message_get_body_type (nothing), ==, G_TYPE_NONE);
  g_assert_cmpint (json_object_get_int (json_object_object_get (troupe_message_get_json (json), "n")), ==, 7);
  g_assert_true (troupe_message_get_pointer (pointer) == &self->n_freed);
  g_assert_cmpint (g_atomic_int_get (&self->n_freed), ==, 0);
  g_assert_cmpuint (troupe_message_get_body_type (slow), ==, G_TYPE_NONE);
  return NULL;
}

static void
test_values (Fixture       *self,
             gconstpointer  unused)
{
  g_test_summary ("A thread gets the answer, whatever its type, as its own");

  run (self, ask_for_values);
  g_assert_cmpint (self->n_freed, ==, 1);
}

static gpointer
ask_for_errors (gpointer data)
{
  Fixture *self = data;
  g_autoptr (GError) refused = NULL;
  g_autoptr (GError) unhandled = NULL;

  g_assert_null (ask (self, fail, -1, &refused));
  g_assert_error (refused, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_assert_null (troupe_ref_ask_sync (self->puppet, troupe_message_new ("sing"), -1, NULL, &unhandled));
  g_assert_error (unhandled, TROUPE_ERROR, TROUPE_ERROR_UNHANDLED);
  expect_error (self, say_nothing, -1, TROUPE_ERROR_BROKEN);
  return NULL;
}

static void
test_errors (Fixture       *self,
             gconstpointer  unused)
{
  g_test_summary ("A thread gets the error of the answer, and none is reported as unhandled");

  run (self, ask_for_errors);
}

static gpointer
send_and_ask (gpointer data)
{
  Fixture *self = data;
  g_autoptr (TroupeMessage) twice = troupe_message_new_int64 ("nobody-knows", 5);
  g_autoptr (TroupeMessage) answer = NULL;
  int i;

  for (i = 0; i < 100; i++)
    test_puppet_tell (self->puppet, count, self);
  answer = ask (self, count, -1, NULL);
  g_assert_cmpint (troupe_message_get_int64 (answer), ==, 101);

  for (i = 0; i < 2; i++)
    g_assert_null (troupe_ref_ask_sync (self->puppet, troupe_message_ref (twice), -1, NULL, NULL));
  return NULL;
}

static void
test_order (Fixture       *self,
            gconstpointer  unused)
{
  g_test_summary ("A question comes after what the same thread sent before; a message that is kept may be asked again");

  run (self, send_and_ask);
}

/* Giving up */

static gpointer
time_out (gpointer data)
{
  expect_error (data, keep, 20, TROUPE_ERROR_TIMED_OUT);
  return NULL;
}

static void
test_timeout (Fixture       *self,
              gconstpointer  unused)
{
  g_test_summary ("When time has run out, who owes the answer can see it, and one that comes late is freed");

  run (self, time_out);
  troupe_test_settle ();
  if (self->resolver == NULL)
    {
      g_test_skip ("The question was not looked at in time");
      return;
    }

  g_assert_true (troupe_resolver_is_cancelled (self->resolver));
  g_assert_true (troupe_resolver_resolve_pointer (self->resolver, &self->n_freed, note_freed, NULL));
  g_assert_cmpint (self->n_freed, ==, 1);
}

static gpointer
time_out_at_once (gpointer data)
{
  expect_error (data, count, 0, TROUPE_ERROR_TIMED_OUT);
  expect_error (data, count, 1, TROUPE_ERROR_TIMED_OUT);
  return NULL;
}

static void
test_timeout_unread (Fixture       *self,
                     gconstpointer  unused)
{
  g_test_summary ("A question that nobody has looked at when time has run out is never handled");

  troupe_test_settle ();
  start (self, time_out_at_once);
  g_thread_join (self->thread);
  troupe_test_settle ();
  g_assert_cmpint (self->n_handled, ==, 0);
}

static gpointer
be_cancelled (gpointer data)
{
  expect_error (data, keep_and_cancel, -1, TROUPE_ERROR_CANCELLED);
  expect_error (data, count, -1, TROUPE_ERROR_CANCELLED);
  return NULL;
}

static void
test_cancel (Fixture       *self,
             gconstpointer  unused)
{
  g_test_summary ("A cancellable ends the wait from another thread; one that has been triggered before asks nothing");

  run (self, be_cancelled);
  troupe_test_settle ();
  g_assert_true (troupe_resolver_is_cancelled (self->resolver));
  g_assert_cmpint (self->n_handled, ==, 1);
}

/* Ends */

static gpointer
ask_until_stopped (gpointer data)
{
  expect_error (data, stop, -1, TROUPE_ERROR_ACTOR_STOPPED);
  expect_error (data, count, -1, TROUPE_ERROR_ACTOR_STOPPED);
  return NULL;
}

static void
test_target_ends (Fixture       *self,
                  gconstpointer  unused)
{
  g_test_summary ("An actor that ends, or has ended, answers that");

  run (self, ask_until_stopped);
}

static gpointer
ask_for_the_end (gpointer data)
{
  expect_error (data, shut_down, -1, TROUPE_ERROR_ACTOR_STOPPED);
  return NULL;
}

static gpointer
ask_of_the_dead (gpointer data)
{
  expect_error (data, count, -1, TROUPE_ERROR_ACTOR_STOPPED);
  return NULL;
}

static void
test_system_ends (Fixture       *self,
                  gconstpointer  unused)
{
  g_test_summary ("The end of the system ends the wait, and later ones do not begin, though nobody runs the context any more");

  start (self, ask_for_the_end);
  troupe_test_until (troupe_system_has_ended (self->system));
  g_thread_join (self->thread);

  start (self, ask_of_the_dead);
  g_thread_join (self->thread);
}

static gboolean
end_while_asked (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  Fixture *self = test_puppet_get_data (message);
  TroupeReactor *reactor = troupe_system_get_reactor (self->system);

  start (self, ask_of_the_dead);
  while (__atomic_load_n (&reactor->inbound, __ATOMIC_ACQUIRE) == NULL)
    g_thread_yield ();
  troupe_system_shutdown (self->system);
  return TRUE;
}

static void
test_system_ends_unread (Fixture       *self,
                         gconstpointer  unused)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TroupeClock) clock = NULL;

  g_test_summary ("The end of the system ends the wait for an answer to what never reached it");

  troupe_test_system_end (g_steal_pointer (&self->system));
  troupe_ref_unref (self->puppet);

  /* While the clock stands still a pass does all there is to do, and looks for mail from other threads only before that. */
  self->system = troupe_system_new (context, NULL, NULL);
  clock = troupe_clock_new (troupe_system_get_reactor (self->system));
  self->puppet = test_puppet_new (self->system, NULL);
  test_puppet_tell (self->puppet, end_while_asked, self);
  while (!troupe_system_has_ended (self->system))
    g_main_context_iteration (context, TRUE);
  g_thread_join (self->thread);

  g_clear_pointer (&clock, g_object_unref);
  g_clear_object (&self->system);
}

/* Refusals */

static void
expect_refusal (Fixture *self)
{
  expect_error (self, count, -1, TROUPE_ERROR_WOULD_DEADLOCK);
}

static gboolean
ask_in_turn (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  expect_refusal (test_puppet_get_data (message));
  troupe_message_reply (message);
  return TRUE;
}

static gboolean
ask_in_idle (gpointer data)
{
  expect_refusal (data);
  return G_SOURCE_REMOVE;
}

static gboolean
ask_in_nested_loop (TroupeActor    *actor,
                    TroupeMessage  *message,
                    GError        **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_callback (source, ask_in_idle, test_puppet_get_data (message), NULL);
  g_source_attach (source, context);
  while (g_main_context_iteration (context, FALSE))
    ;
  troupe_message_reply (message);
  return TRUE;
}

static void
ask_in_step (TroupePromise *promise,
             gpointer       data)
{
  expect_refusal (data);
}

static void
test_rule_129 (Fixture       *self,
               gconstpointer  unused)
{
  g_autoptr (TroupeRef) other = test_puppet_new (self->system, NULL);
  g_autoptr (TroupePromise) turn = NULL;
  g_autoptr (TroupePromise) nested = NULL;
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("The thread of a system cannot wait: in a turn, in foreign code, in a step, and between iterations");

  expect_refusal (self);
  g_idle_add (ask_in_idle, self);
  turn = test_puppet_ask_and_wait (other, ask_in_turn, self);
  nested = test_puppet_ask_and_wait (other, ask_in_nested_loop, self);
  promise = test_puppet_ask_and_wait (other, give_nothing, NULL);
  troupe_promise_add_callback (promise, ask_in_step, self, NULL);
  troupe_test_settle ();
  g_assert_cmpint (self->n_handled, ==, 0);
}

static gpointer
have_a_system (gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TroupeMessage) answer = NULL;
  TroupeSystem *system = troupe_system_new (context, NULL, NULL);

  expect_refusal (data);
  troupe_system_shutdown (system);
  while (!troupe_system_has_ended (system))
    g_main_context_iteration (context, TRUE);
  answer = ask (data, count, -1, NULL);
  g_assert_cmpint (troupe_message_get_int64 (answer), ==, 1);
  g_object_unref (system);
  return NULL;
}

static gpointer
have_a_promise (gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TroupePromise) promise = NULL;
  g_autoptr (TroupeMessage) before = NULL;
  g_autoptr (TroupeMessage) after = NULL;

  g_main_context_push_thread_default (context);
  before = ask (data, count, -1, NULL);
  promise = troupe_promise_new_resolved (NULL);
  expect_refusal (data);
  g_main_context_pop_thread_default (context);
  after = ask (data, count, -1, NULL);
  g_assert_cmpint (troupe_message_get_int64 (after), ==, 3);
  return NULL;
}

static void
test_rule_129_elsewhere (Fixture       *self,
                         gconstpointer  unused)
{
  g_test_summary ("A thread with a system of its own cannot wait until that has ended, one with promises of its own while it has their context");

  run (self, have_a_system);
  run (self, have_a_promise);
}

static void
work_and_ask (TroupeResolver  *resolver,
              gpointer         data,
              GError         **error)
{
  g_autoptr (TroupeMessage) answer = ask (data, count, -1, error);

  if (answer != NULL)
    troupe_resolver_resolve_int64 (resolver, troupe_message_get_int64 (answer), NULL);
}

static void
test_work (Fixture       *self,
           gconstpointer  unused)
{
  g_autoptr (TroupePromise) promise = troupe_promise_new_in_thread (work_and_ask, self, NULL);

  g_test_summary ("Blocking work may ask");

  troupe_test_until (troupe_promise_is_resolved (promise));
  g_assert_cmpint (troupe_promise_get_int64 (promise), ==, 1);
}

/* Many */

#define N_THREADS 8
#define N_ROUNDS 300

typedef struct
{
  Fixture *fixture;
  guint    seed;
  int      n_answers;
  gint64   last;
} Asker;

static void
ask_at_random (Asker *self,
               GRand *random)
{
  TroupeHandler handlers[] = { count, slow_down, give_pointer, fail, say_nothing };
  TroupeHandler handler = handlers[g_rand_int_range (random, 0, G_N_ELEMENTS (handlers))];
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupeMessage) answer = ask (self->fixture, handler, g_rand_int_range (random, -1, 3), &error);

  g_assert_true ((answer != NULL) != (error != NULL));
  if (error != NULL && handler != fail && handler != say_nothing)
    g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_TIMED_OUT);
  if (answer == NULL || handler != count)
    return;

  g_assert_cmpint (troupe_message_get_int64 (answer), >, self->last);
  self->last = troupe_message_get_int64 (answer);
  self->n_answers++;
}

static gpointer
ask_often (gpointer data)
{
  Asker *self = data;
  g_autoptr (GRand) random = g_rand_new_with_seed (self->seed);
  int i;

  for (i = 0; i < N_ROUNDS; i++)
    ask_at_random (self, random);
  return NULL;
}

static gpointer
ask_with_many_threads (gpointer data)
{
  Asker askers[N_THREADS];
  GThread *threads[N_THREADS];
  int i;

  for (i = 0; i < N_THREADS; i++)
    {
      askers[i] = (Asker) { data, i, 0, 0 };
      threads[i] = g_thread_new ("asker", ask_often, &askers[i]);
    }
  for (i = 0; i < N_THREADS; i++)
    {
      g_thread_join (threads[i]);
      g_assert_cmpint (askers[i].n_answers, <=, N_ROUNDS);
    }
  return NULL;
}

static void
test_many (Fixture       *self,
           gconstpointer  unused)
{
  g_test_summary ("Many threads wait at once, with and without a limit; each gets its own answers, in order");

  run (self, ask_with_many_threads);
  g_assert_cmpint (self->n_handled, >, 0);
}

static gpointer
ask_until_the_end (gpointer data)
{
  Fixture *self = data;
  g_autoptr (GError) error = NULL;

  while (error == NULL)
    {
      g_autoptr (TroupeMessage) answer = troupe_ref_ask_sync (self->puppet, test_puppet_job (count, self), -1, NULL, &error);
    }
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  return NULL;
}

static void
test_many_ends (void)
{
  int round;

  g_test_summary ("However the end of a system meets the questions of many threads, each of them learns of it");

  for (round = 0; round < 50; round++)
    {
      Fixture fixture = { NULL };
      GThread *threads[4];
      gsize i;

      set_up (&fixture, NULL);
      for (i = 0; i < G_N_ELEMENTS (threads); i++)
        threads[i] = g_thread_new ("asker", ask_until_the_end, &fixture);
      troupe_test_until (fixture.n_handled > round % 7);
      troupe_system_shutdown (fixture.system);
      troupe_test_until (troupe_system_has_ended (fixture.system));
      for (i = 0; i < G_N_ELEMENTS (threads); i++)
        g_thread_join (threads[i]);
      tear_down (&fixture, NULL);

      /* What never reached the system is dropped. */
      troupe_test_settle ();
    }
}

static void
add (const char *path,
     void      (*test) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("/troupe/ask-sync/values", test_values);
  add ("/troupe/ask-sync/errors", test_errors);
  add ("/troupe/ask-sync/order", test_order);
  add ("/troupe/ask-sync/timeout", test_timeout);
  add ("/troupe/ask-sync/timeout/unread", test_timeout_unread);
  add ("/troupe/ask-sync/cancel", test_cancel);
  add ("/troupe/ask-sync/target-ends", test_target_ends);
  add ("/troupe/ask-sync/system-ends", test_system_ends);
  add ("/troupe/ask-sync/system-ends/unread", test_system_ends_unread);
  add ("/troupe/ask-sync/129", test_rule_129);
  add ("/troupe/ask-sync/129/elsewhere", test_rule_129_elsewhere);
  add ("/troupe/ask-sync/work", test_work);
  add ("/troupe/ask-sync/many", test_many);
  g_test_add_func ("/troupe/ask-sync/many/ends", test_many_ends);

  return g_test_run ();
}
