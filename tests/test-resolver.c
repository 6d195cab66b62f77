/* test-resolver.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/*
 * Promises and resolvers between actors, contexts and threads, rule by rule of the specification: 48, 110 to 115, 120 to 123, 132
 * and 142.
 */

#include "troupe-test-puppet.h"
#include "troupe-test-trace.h"

static void
say_word (TroupePromise *promise,
          gpointer       user_data)
{
  say (user_data);
}

static void
say_data (gpointer data)
{
  say (data);
}

static void
give_nothing (TroupePromise *promise,
              gpointer       user_data)
{
  troupe_promise_return_nothing (promise);
}

static void
give_promise (TroupePromise *promise,
              gpointer       user_data)
{
  troupe_promise_return_promise (promise, user_data);
}

static void
show (TroupePromise *promise,
      gpointer       user_data)
{
  const GError *error = troupe_promise_get_error (promise);
  g_autofree char *word = NULL;

  if (error != NULL)
    word = g_strdup_printf ("!%s", error->message);
  else
    word = g_strdup_printf ("%" G_GINT64_FORMAT, troupe_promise_get_int64 (promise));
  say (word);
}

static void
count_up (gpointer data)
{
  g_atomic_int_inc ((gint *) data);
}

/* A promise that an actor makes in its turn, and what it does with it there. */
typedef struct
{
  TroupePromise  *promise;
  TroupeResolver *resolver;
  gint            freed;
  GThread        *thread;
} Cell;

static void
cell_clear (Cell *cell)
{
  g_clear_pointer (&cell->promise, troupe_promise_unref);
  g_clear_pointer (&cell->resolver, troupe_resolver_unref);
}

static gboolean
make_promise (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  Cell *cell = test_puppet_get_data (message);

  cell->promise = troupe_promise_new (&cell->resolver);
  troupe_promise_add_both (cell->promise, show, (gpointer) "", NULL);
  troupe_promise_add_callback (cell->promise, say_word, (gpointer) "a", NULL);
  troupe_message_reply (message);
  return TRUE;
}

static gboolean
resolve_seven (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  Cell *cell = test_puppet_get_data (message);
  gboolean resolved;

  say ("before");
  resolved = troupe_resolver_resolve_int64 (cell->resolver, 7, NULL);
  g_assert_true (resolved);
  say ("after");
  troupe_message_reply (message);
  return TRUE;
}

static void
wait_for (TroupePromise *promise)
{
  g_autoptr (TroupePromise) waited = promise;

  troupe_test_until (troupe_promise_is_resolved (waited));
  g_assert_no_error (troupe_promise_get_error (waited));
}

/* E, 48. */

static void
test_e_48 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) owner = test_puppet_new (system, "owner");
  g_autoptr (TroupeRef) other = test_puppet_new (system, "other");
  Cell inline_cell = { NULL }, posted_cell = { NULL };

  g_test_summary ("Resolved in its actor's turn a chain runs at once; in another actor's turn, in a later turn");

  wait_for (test_puppet_ask (owner, make_promise, &inline_cell));
  wait_for (test_puppet_ask (owner, resolve_seven, &inline_cell));
  assert_trace ("before 7 a after");

  wait_for (test_puppet_ask (owner, make_promise, &posted_cell));
  wait_for (test_puppet_ask (other, resolve_seven, &posted_cell));
  troupe_test_until (troupe_promise_is_resolved (posted_cell.promise));
  assert_trace ("before after 7 a");

  cell_clear (&inline_cell);
  cell_clear (&posted_cell);
  troupe_test_system_end (system);
}

/* X. Actors and threads */

static gboolean
add_step_elsewhere (TroupeActor    *actor,
                    TroupeMessage  *message,
                    GError        **error)
{
  Cell *cell = test_puppet_get_data (message);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "troupe_promise_add_callback: steps are added where*");
  troupe_promise_add_callback (cell->promise, say_word, &cell->freed, count_up);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "troupe_promise_has_value: the outcome is read where*");
  g_assert_false (troupe_promise_has_value (cell->promise));
  g_test_assert_expected_messages ();
  troupe_message_reply (message);
  return TRUE;
}

static void
test_x_110 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  Cell cell = { NULL };

  g_test_summary ("A promise of code outside actors is refused in an actor's turn, without any change");

  cell.promise = troupe_promise_new (&cell.resolver);
  wait_for (test_puppet_ask (puppet, add_step_elsewhere, &cell));
  g_assert_cmpint (cell.freed, ==, 0);
  g_assert_true (troupe_resolver_resolve (cell.resolver, NULL));
  assert_trace ("");

  cell_clear (&cell);
  troupe_test_system_end (system);
}

static gpointer
add_step_thread (gpointer data)
{
  troupe_promise_add_callback (data, say_word, NULL, NULL);
  return NULL;
}

static void
test_x_110_thread (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("Another thread that does not run the context is not at home");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*steps are added where*");
  g_thread_join (g_thread_new ("stranger", add_step_thread, promise));
  g_test_assert_expected_messages ();
  g_assert_true (troupe_resolver_resolve (resolver, NULL));
}

typedef struct
{
  TroupeResolver *resolver;
  gint           *go;
  gint           *won;
  gint           *late;
  gint           *freed;
} Race;

static gpointer
race_thread (gpointer data)
{
  Race *race = data;
  g_autoptr (GError) error = NULL;

  while (!g_atomic_int_get (race->go))
    g_thread_yield ();

  if (troupe_resolver_resolve_pointer (race->resolver, race->freed, count_up, &error))
    g_atomic_int_inc (race->won);
  else if (g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_RESOLVED))
    g_atomic_int_inc (race->late);
  troupe_resolver_unref (race->resolver);

  return NULL;
}

static void
test_x_111 (void)
{
  g_test_summary ("Of many threads that resolve, one wins; the values of all are freed once");

  for (int round = 0; round < 20; round++)
    {
      TroupeResolver *resolver;
      TroupePromise *promise = troupe_promise_new (&resolver);
      gint go = 0, won = 0, late = 0, freed = 0;
      Race race = { resolver, &go, &won, &late, &freed };
      GThread *threads[8];

      for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
        {
          troupe_resolver_ref (resolver);
          threads[i] = g_thread_new ("racer", race_thread, &race);
        }
      troupe_resolver_unref (resolver);
      g_atomic_int_set (&go, 1);
      for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
        g_thread_join (threads[i]);

      g_assert_cmpint (won, ==, 1);
      g_assert_cmpint (late, ==, 7);
      g_assert_cmpint (freed, ==, 7);

      troupe_test_until (troupe_promise_is_resolved (promise));
      g_assert_true (troupe_promise_get_pointer (promise) == &freed);
      troupe_promise_unref (promise);
      g_assert_cmpint (freed, ==, 8);
    }
}

static gpointer
resolve_thread (gpointer data)
{
  g_assert_true (troupe_resolver_resolve_int64 (data, 5, NULL));
  return NULL;
}

static void
test_x_112 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("Resolved elsewhere, a promise counts as resolved at once, but its steps run at home, later");

  troupe_promise_add_callback (promise, show, NULL, NULL);
  g_thread_join (g_thread_new ("producer", resolve_thread, resolver));

  g_assert_true (troupe_resolver_is_resolved (resolver));
  g_assert_false (troupe_promise_is_resolved (promise));
  g_assert_false (troupe_resolver_resolve (resolver, NULL));
  troupe_promise_add_callback (promise, say_word, (gpointer) "queued", NULL);
  assert_trace ("");

  troupe_test_until (troupe_promise_is_resolved (promise));
  assert_trace ("5 queued");
  troupe_promise_add_callback (promise, say_word, (gpointer) "inline", NULL);
  assert_trace ("inline");
}

/* B tells A something, answers its question, tells it something more. */

static gboolean
on_tell (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  say (test_puppet_get_data (message));
  return TRUE;
}

static gboolean
tell_answer_tell (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  TroupeRef *asker = troupe_message_get_sender (message);

  test_puppet_tell (asker, on_tell, (gpointer) "first");
  troupe_message_reply (message);
  test_puppet_tell (asker, on_tell, (gpointer) "last");
  return TRUE;
}

static gboolean
ask_and_say (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  g_autoptr (TroupePromise) promise = test_puppet_ask (test_puppet_get_data (message), tell_answer_tell, NULL);

  troupe_promise_add_callback (promise, say_word, (gpointer) "answer", NULL);
  return TRUE;
}

static void
test_x_113 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) a = test_puppet_new (system, "a");
  g_autoptr (TroupeRef) b = test_puppet_new (system, "b");

  g_test_summary ("An answer keeps its place among the messages of who answers");

  test_puppet_tell (a, ask_and_say, b);
  troupe_test_until (strstr (trace->str, "last") != NULL);
  assert_trace ("first answer last");

  troupe_test_system_end (system);
}

static gpointer
fill_and_resolve_thread (gpointer data)
{
  int *numbers = g_new (int, 1000);

  for (int i = 0; i < 1000; i++)
    numbers[i] = i;
  g_assert_true (troupe_resolver_resolve_pointer (data, numbers, g_free, NULL));
  troupe_resolver_unref (data);

  return NULL;
}

static void
sum_up (TroupePromise *promise,
        gpointer       user_data)
{
  const int *numbers = troupe_promise_get_pointer (promise);
  gint64 sum = 0;

  for (int i = 0; i < 1000; i++)
    sum += numbers[i];
  troupe_promise_return_int64 (promise, sum);
}

static void
test_x_114 (void)
{
  TroupeResolver *resolver;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);
  GThread *thread = g_thread_new ("producer", fill_and_resolve_thread, resolver);

  g_test_summary ("What a thread wrote before it resolved is seen by the steps");

  troupe_promise_add_callback (promise, sum_up, NULL, NULL);
  troupe_test_until (troupe_promise_is_resolved (promise));
  g_assert_cmpint (troupe_promise_get_int64 (promise), ==, 499500);
  g_thread_join (thread);
}

static void
note_thread (gpointer data)
{
  Cell *cell = data;

  cell->thread = g_thread_self ();
  cell->freed++;
}

static gpointer
unref_thread (gpointer data)
{
  troupe_promise_unref (data);
  return NULL;
}

static void
test_x_115 (void)
{
  TroupeResolver *resolver;
  TroupePromise *promise = troupe_promise_new (&resolver);
  Cell cell = { NULL };

  g_test_summary ("A value is freed at home, though the last handle is dropped elsewhere");

  g_assert_true (troupe_resolver_resolve_pointer (resolver, &cell, note_thread, NULL));
  troupe_resolver_unref (resolver);
  g_thread_join (g_thread_new ("dropper", unref_thread, promise));
  g_assert_cmpint (cell.freed, ==, 0);
  troupe_test_until (cell.freed > 0);
  g_assert_true (cell.thread == g_thread_self ());
  g_assert_cmpint (cell.freed, ==, 1);
}

typedef struct
{
  GMainContext *context;
  gint          owned;
  gint          go;
  GThread      *ran_in;
} Loan;

static gpointer
borrow_context_thread (gpointer data)
{
  Loan *loan = data;

  g_assert_true (g_main_context_acquire (loan->context));
  g_atomic_int_set (&loan->owned, TRUE);
  while (!g_atomic_int_get (&loan->go))
    g_thread_yield ();
  while (loan->ran_in == NULL)
    g_main_context_iteration (loan->context, TRUE);
  g_main_context_release (loan->context);
  return NULL;
}

static void
note_loan (TroupePromise *promise,
           gpointer       user_data)
{
  Loan *loan = user_data;

  loan->ran_in = g_thread_self ();
}

static void
test_x_112_owner (void)
{
  Loan loan = { .context = g_main_context_new () };
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = NULL;
  GThread *thread;

  g_test_summary ("Outside actors, whoever owns the context is at home; while nobody does, the thread that made the promise");

  g_main_context_push_thread_default (loan.context);
  promise = troupe_promise_new (&resolver);
  g_main_context_pop_thread_default (loan.context);
  troupe_promise_add_callback (promise, note_loan, &loan, NULL);

  thread = g_thread_new ("owner", borrow_context_thread, &loan);
  while (!g_atomic_int_get (&loan.owned))
    g_thread_yield ();

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*steps are added where*");
  troupe_promise_add_callback (promise, say_word, (gpointer) "never", NULL);
  g_test_assert_expected_messages ();
  g_assert_true (troupe_resolver_resolve (resolver, NULL));
  g_assert_null (loan.ran_in);
  g_assert_false (troupe_promise_is_resolved (promise));

  g_atomic_int_set (&loan.go, TRUE);
  g_thread_join (thread);
  g_assert_true (loan.ran_in == thread);

  troupe_promise_add_callback (promise, say_word, (gpointer) "again", NULL);
  assert_trace ("again");
  g_main_context_unref (loan.context);
}

static gpointer
make_in_own_context_thread (gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Cell *cell = data;

  g_main_context_push_thread_default (context);
  cell->promise = troupe_promise_new (&cell->resolver);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static gpointer
wait_in_own_context_thread (gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TroupePromise) outer = NULL;
  Cell *cell = data;

  g_main_context_push_thread_default (context);
  outer = troupe_promise_new_resolved (NULL);
  troupe_promise_add_callback (outer, give_promise, troupe_promise_new (&cell->resolver), NULL);
  troupe_promise_add_both (outer, say_word, &cell->freed, count_up);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_x_115_context_gone (void)
{
  Cell cell = { NULL }, value = { NULL };

  g_test_summary ("If the context is gone, a value is freed by who finds that out, and resolving is accepted");

  g_thread_join (g_thread_new ("maker", make_in_own_context_thread, &cell));
  g_assert_true (troupe_resolver_resolve_pointer (cell.resolver, &value, note_thread, NULL));
  g_assert_cmpint (value.freed, ==, 1);
  g_assert_false (troupe_promise_is_resolved (cell.promise));
  cell_clear (&cell);

  g_thread_join (g_thread_new ("waiter", wait_in_own_context_thread, &cell));
  g_assert_cmpint (cell.freed, ==, 0);
  cell_clear (&cell);
  g_assert_cmpint (cell.freed, ==, 1);
}

static gboolean
make_with_notifies (TroupeActor    *actor,
                    TroupeMessage  *message,
                    GError        **error)
{
  Cell *cell = test_puppet_get_data (message);
  TroupeResolver *unused;
  g_autoptr (TroupePromise) younger = NULL;

  cell->promise = troupe_promise_new (&cell->resolver);
  troupe_promise_add_callback (cell->promise, say_word, (gpointer) "1", say_data);
  troupe_promise_add_callbacks (cell->promise, say_word, (gpointer) "2", say_data, say_word, (gpointer) "3", say_data);
  troupe_promise_add_errback (cell->promise, say_word, (gpointer) "4", say_data);

  /* Made later, so it is dropped later. */
  younger = troupe_promise_new (&unused);
  troupe_promise_add_both (younger, say_word, (gpointer) "5", say_data);
  g_object_set_data_full (G_OBJECT (actor), "unused", unused, (GDestroyNotify) troupe_resolver_unref);

  troupe_message_reply (message);
  return TRUE;
}

static void
test_x_120 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (GError) error = NULL;
  Cell cell = { NULL };
  gint freed = 0;

  g_test_summary ("When an actor ends, the steps of its promises are dropped in order; a later outcome is swallowed");

  wait_for (test_puppet_ask (puppet, make_with_notifies, &cell));
  troupe_ref_stop (puppet);
  troupe_test_until (troupe_ref_has_ended (puppet));
  assert_trace ("1 2 3 4 5");

  g_assert_false (troupe_promise_is_resolved (cell.promise));
  g_assert_true (troupe_resolver_resolve_pointer (cell.resolver, &freed, count_up, &error));
  g_assert_no_error (error);
  g_assert_cmpint (freed, ==, 1);
  g_assert_false (troupe_resolver_resolve (cell.resolver, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_RESOLVED);
  assert_trace ("");

  cell_clear (&cell);
  troupe_test_system_end (system);
}

static gboolean
make_stalled (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  Cell *cell = test_puppet_get_data (message);
  g_autoptr (TroupePromise) outer = troupe_promise_new_resolved (NULL);

  cell->promise = troupe_promise_new (&cell->resolver);
  troupe_promise_add_callback (outer, give_promise, troupe_promise_ref (cell->promise), NULL);
  troupe_promise_add_both (outer, say_word, (gpointer) "outer", say_data);
  troupe_promise_add_both (cell->promise, say_word, (gpointer) "inner", say_data);

  troupe_message_reply (message);
  return TRUE;
}

static void
test_x_120_stalled (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  Cell cell = { NULL };

  g_test_summary ("Chains that wait for a promise are dropped too, and nothing leaks");

  wait_for (test_puppet_ask (puppet, make_stalled, &cell));
  troupe_ref_kill (puppet);
  troupe_test_until (troupe_ref_has_ended (puppet));
  assert_trace ("inner outer");

  cell_clear (&cell);
  troupe_test_system_end (system);
}

/* Each waits for the one before; the first is pending. */
static gboolean
make_deep (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  Cell *cell = test_puppet_get_data (message);
  TroupePromise *outermost = troupe_promise_new (&cell->resolver);

  for (int i = 0; i < 100000; i++)
    {
      TroupePromise *outer = troupe_promise_new_resolved (NULL);

      troupe_promise_add_callback (outer, give_promise, outermost, NULL);
      troupe_promise_add_both (outer, say_word, &cell->freed, count_up);
      outermost = outer;
    }
  cell->promise = outermost;
  troupe_message_reply (message);
  return TRUE;
}

static void
test_x_120_deep (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  Cell cell = { NULL };

  g_test_summary ("A hundred thousand promises that wait for each other are dropped in the same stack");

  wait_for (test_puppet_ask (puppet, make_deep, &cell));
  g_clear_pointer (&cell.promise, troupe_promise_unref);
  troupe_ref_stop (puppet);
  troupe_test_until (troupe_ref_has_ended (puppet));
  g_assert_cmpint (cell.freed, ==, 100000);
  assert_trace ("");

  cell_clear (&cell);
  troupe_test_system_end (system);
}

static void
resolve_and_drop (gpointer data)
{
  say ("freed");
  g_assert_true (troupe_resolver_resolve (data, NULL));
  troupe_resolver_unref (data);
}

static void
promise_more (gpointer data)
{
  TroupeResolver *resolver;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  troupe_promise_add_both (promise, say_word, (gpointer) "more", say_data);
  g_assert_true (troupe_resolver_resolve (resolver, NULL));
  troupe_promise_add_both (promise, say_word, (gpointer) "late", say_data);
  troupe_resolver_unref (resolver);
}

static gboolean
make_entangled (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  TroupeResolver *first, *second;
  g_autoptr (TroupePromise) a = troupe_promise_new (&first);
  g_autoptr (TroupePromise) b = troupe_promise_new (&second);

  troupe_promise_add_both (a, say_word, second, resolve_and_drop);
  troupe_promise_add_both (a, say_word, NULL, promise_more);
  troupe_promise_add_both (b, say_word, (gpointer) "b", say_data);
  g_object_set_data_full (G_OBJECT (actor), "first", first, (GDestroyNotify) troupe_resolver_unref);
  troupe_message_reply (message);
  return TRUE;
}

static void
test_x_120_entangled (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);

  g_test_summary ("What is freed when an actor ends may resolve, or make, promises of that actor: no step runs any more");

  wait_for (test_puppet_ask (puppet, make_entangled, NULL));
  troupe_ref_stop (puppet);
  troupe_test_until (troupe_ref_has_ended (puppet));
  /* Each word but the first is that of a free function. */
  assert_trace ("freed b more late");

  troupe_test_system_end (system);
}

static gboolean
end_then_resolve (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  Cell *cell = test_puppet_get_data (message);

  cell->promise = troupe_promise_new (&cell->resolver);
  troupe_promise_add_both (cell->promise, say_word, (gpointer) "never", NULL);
  g_object_set_data_full (G_OBJECT (actor), "resolver", troupe_resolver_ref (cell->resolver),
                          (GDestroyNotify) troupe_resolver_unref);
  troupe_message_reply (message);
  return TRUE;
}

static void
test_x_121 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  Cell cell = { NULL };
  gint freed = 0;

  g_test_summary ("An outcome on its way to an actor that ends first is freed: no step runs, nothing is reported");

  wait_for (test_puppet_ask (puppet, end_then_resolve, &cell));
  g_assert_true (troupe_resolver_resolve_pointer (cell.resolver, &freed, count_up, NULL));
  g_assert_cmpint (freed, ==, 0);
  troupe_ref_kill (puppet);
  troupe_test_until (troupe_ref_has_ended (puppet));
  g_assert_cmpint (freed, ==, 1);
  assert_trace ("");
  cell_clear (&cell);

  {
    g_autoptr (TroupeRef) second = test_puppet_new (system, NULL);

    wait_for (test_puppet_ask (second, end_then_resolve, &cell));
    g_assert_true (troupe_resolver_reject (cell.resolver, g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_FAILED, "x"), NULL));
    troupe_ref_kill (second);
    troupe_test_until (troupe_ref_has_ended (second));
    assert_trace ("");
    cell_clear (&cell);
  }

  troupe_test_system_end (system);
}

static gboolean
keep_debt (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  Cell *cell = test_puppet_get_data (message);

  cell->resolver = troupe_message_defer_reply (message);
  return TRUE;
}

static gboolean
fail_handler (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, "Too busy");
  return FALSE;
}

static gboolean
never_run (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  g_assert_not_reached ();
}

static void
assert_rejected (TroupePromise *promise,
                 TroupeError    code)
{
  g_assert_true (troupe_promise_is_resolved (promise));
  g_assert_error (troupe_promise_get_error (promise), TROUPE_ERROR, (gint) code);
  troupe_promise_add_errback (promise, give_nothing, NULL, NULL);
}

static void
test_x_122 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  Cell cell = { NULL };
  g_autoptr (TroupePromise) deferred = test_puppet_ask (puppet, keep_debt, &cell);
  g_autoptr (TroupePromise) unread = NULL;
  g_autoptr (TroupePromise) afterwards = NULL;

  g_test_summary ("Whoever asks an actor that stops gets an error: for what it owes, has not read, or cannot get any more");

  troupe_test_until (cell.resolver != NULL);
  unread = test_puppet_ask (puppet, never_run, NULL);
  troupe_ref_stop (puppet);
  troupe_test_until (troupe_ref_has_ended (puppet));
  troupe_test_until (troupe_promise_is_resolved (deferred) && troupe_promise_is_resolved (unread));
  assert_rejected (deferred, TROUPE_ERROR_ACTOR_STOPPED);
  assert_rejected (unread, TROUPE_ERROR_ACTOR_STOPPED);

  afterwards = test_puppet_ask (puppet, never_run, NULL);
  assert_rejected (afterwards, TROUPE_ERROR_ACTOR_STOPPED);

  cell_clear (&cell);
  troupe_test_system_end (system);
}

static void
test_x_122_failed (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, "busy");
  Cell cell = { NULL };
  g_autoptr (TroupePromise) deferred = test_puppet_ask (puppet, keep_debt, &cell);
  g_autoptr (TroupePromise) failed = test_puppet_ask (puppet, fail_handler, NULL);
  const GError *error;

  g_test_summary ("If the actor failed, who asked gets that error, and the others get it as the cause");

  troupe_test_stop_what_fails (system);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*busy*failed: Too busy");
  troupe_test_until (troupe_promise_is_resolved (deferred) && troupe_promise_is_resolved (failed));
  troupe_test_until (troupe_ref_has_ended (puppet));
  g_assert_error (troupe_promise_get_error (failed), G_IO_ERROR, G_IO_ERROR_BUSY);

  error = troupe_promise_get_error (deferred);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  g_assert_error (troupe_error_get_cause (error), G_IO_ERROR, G_IO_ERROR_BUSY);

  troupe_promise_add_errback (failed, give_nothing, NULL, NULL);
  troupe_promise_add_errback (deferred, give_nothing, NULL, NULL);
  cell_clear (&cell);
  troupe_test_system_end (system);
  g_test_assert_expected_messages ();
}

static gboolean
adopt_foreign (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  Cell *cell = test_puppet_get_data (message);
  TroupePromise *outer = troupe_promise_new_resolved (NULL);

  troupe_promise_add_callback (outer, give_promise, troupe_promise_ref (cell->promise), NULL);
  troupe_promise_add_both (outer, show, NULL, NULL);
  troupe_message_reply_promise (message, outer);
  return TRUE;
}

static void
say_and_give_nine (TroupePromise *promise,
                   gpointer       user_data)
{
  say ("home");
  troupe_promise_return_int64 (promise, 9);
}

static void
test_x_123 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (TroupePromise) answer = NULL;
  Cell cell = { NULL };

  g_test_summary ("A step may return a promise that is at home elsewhere; its own steps run there, first");

  cell.promise = troupe_promise_new (&cell.resolver);
  troupe_promise_add_callback (cell.promise, say_and_give_nine, NULL, NULL);
  answer = test_puppet_ask (puppet, adopt_foreign, &cell);
  troupe_test_settle ();
  g_assert_false (troupe_promise_is_resolved (answer));
  g_assert_true (troupe_resolver_resolve_int64 (cell.resolver, 1, NULL));
  troupe_test_until (troupe_promise_is_resolved (answer));
  assert_trace ("home 9");

  cell_clear (&cell);
  troupe_test_system_end (system);
}

static void
test_x_123_home_ends (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) far = test_puppet_new (system, NULL);
  g_autoptr (TroupeRef) near = test_puppet_new (system, NULL);
  g_autoptr (TroupePromise) answer = NULL;
  Cell cell = { NULL };

  g_test_summary ("If the home of the returned promise ends first, the chain gets an error");

  wait_for (test_puppet_ask (far, make_promise, &cell));
  answer = test_puppet_ask (near, adopt_foreign, &cell);
  troupe_test_settle ();
  troupe_ref_stop (far);
  troupe_test_until (troupe_promise_is_resolved (answer));
  g_assert_error (troupe_promise_get_error (answer), TROUPE_ERROR, TROUPE_ERROR_ABANDONED);
  troupe_promise_add_errback (answer, give_nothing, NULL, NULL);
  g_string_truncate (trace, 0);

  cell_clear (&cell);
  troupe_test_system_end (system);
}

static void
test_x_132 (void)
{
  TroupeResolver *resolver;
  TroupePromise *promise = troupe_promise_new (&resolver);

  g_test_summary ("A promise that nobody holds runs its steps when it is resolved");

  troupe_promise_add_callback (promise, show, NULL, NULL);
  troupe_promise_unref (promise);
  g_assert_true (troupe_resolver_resolve_int64 (resolver, 3, NULL));
  troupe_resolver_unref (resolver);
  assert_trace ("3");
}

static void
fail_step (TroupePromise *promise,
           gpointer       user_data)
{
  troupe_promise_return_error (promise, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "Too busy"));
}

static gboolean
or_fail_handler (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  g_autoptr (TroupePromise) promise = troupe_promise_new_resolved (NULL);

  troupe_promise_add_callback (promise, fail_step, NULL, NULL);
  troupe_promise_or_fail (promise);
  return TRUE;
}

static void
test_or_fail (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, "busy");

  g_test_summary ("A chain may fail its actor");

  troupe_test_stop_what_fails (system);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*busy*failed: Too busy");
  test_puppet_tell (puppet, or_fail_handler, NULL);
  troupe_test_until (troupe_ref_has_ended (puppet));
  troupe_test_system_end (system);
  g_test_assert_expected_messages ();
}

static gboolean
drop_unhandled (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  g_autoptr (TroupePromise) promise = troupe_promise_new_resolved (NULL);

  troupe_promise_add_callback (promise, fail_step, NULL, NULL);
  return TRUE;
}

static gboolean
just_reply (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  troupe_message_reply (message);
  return TRUE;
}

static gboolean
reply_busy (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  troupe_message_reply_error (message, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "Too busy"));
  return TRUE;
}

static gboolean
ask_and_drop (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  troupe_promise_unref (test_puppet_ask (test_puppet_get_data (message), reply_busy, NULL));
  troupe_message_reply (message);
  return TRUE;
}

static void
test_x_127_question (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) asker = test_puppet_new (system, "asker");
  g_autoptr (TroupeRef) other = test_puppet_new (system, "other");

  g_test_summary ("The report of an answer that nobody looked at names the question");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "Unhandled error in a promise of */asker, an answer to “run”: Too busy*");
  wait_for (test_puppet_ask (asker, ask_and_drop, other));
  wait_for (test_puppet_ask (other, just_reply, NULL));
  wait_for (test_puppet_ask (asker, just_reply, NULL));
  g_test_assert_expected_messages ();
  troupe_test_system_end (system);
}

static void
test_x_127 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, "busy");

  g_test_summary ("The report of an unhandled error names the actor");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "Unhandled error in a promise of */busy: Too busy (g-io-error-quark, *)");
  test_puppet_tell (puppet, drop_unhandled, NULL);
  test_puppet_tell (puppet, on_tell, (gpointer) "done");
  troupe_test_until (trace->len > 0);
  assert_trace ("done");
  g_test_assert_expected_messages ();
  troupe_test_system_end (system);
}

static gboolean
fail_busy (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, "Too busy");
  return FALSE;
}

static void
test_x_128 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, "busy");

  g_test_summary ("The error of a message that was only sent is its actor's failure; there is no promise to report it");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*“/busy” failed*: Too busy*");
  test_puppet_tell (puppet, fail_busy, NULL);
  wait_for (test_puppet_ask (puppet, just_reply, NULL));
  g_test_assert_expected_messages ();
  troupe_test_system_end (system);
}

static void
remember_thread (TroupePromise *promise,
                 gpointer       thread)
{
  *(GThread **) thread = g_thread_self ();
}

static gboolean
make_noting (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  Cell *cell = test_puppet_get_data (message);

  cell->promise = troupe_promise_new (&cell->resolver);
  troupe_promise_add_callback (cell->promise, remember_thread, &cell->thread, NULL);
  troupe_message_reply (message);
  return TRUE;
}

static gpointer
resolve_in_thread (gpointer resolver)
{
  g_assert_true (troupe_resolver_resolve (resolver, NULL));
  return NULL;
}

static void
test_x_130 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  int i;

  g_test_summary ("An actor's steps run on its reactor's thread, whichever thread resolves");

  for (i = 0; i < 4; i++)
    {
      Cell cell = { NULL };

      wait_for (test_puppet_ask (puppet, make_noting, &cell));
      g_thread_join (g_thread_new (NULL, resolve_in_thread, cell.resolver));
      g_assert_null (cell.thread);
      troupe_test_until (cell.thread != NULL);
      g_assert_true (cell.thread == g_thread_self ());
      cell_clear (&cell);
    }

  troupe_test_system_end (system);
}

/* Threads that resolve or drop, against a home that adds steps and drops its handle. */

#define N_STRESS 4000

typedef struct
{
  GAsyncQueue *queue;
  gint         freed;
  gint         resolved;
  gint         ran;
} Stress;

static Stress stress;

static gpointer
stress_thread (gpointer data)
{
  guint random = GPOINTER_TO_UINT (data);

  for (;;)
    {
      TroupeResolver *resolver = g_async_queue_pop (stress.queue);

      if ((gpointer) resolver == (gpointer) &stress)
        return NULL;

      random = random * 1103515245 + 12345;
      if ((random >> 16) % 3 != 0 && troupe_resolver_resolve_pointer (resolver, &stress.freed, count_up, NULL))
        g_atomic_int_inc (&stress.resolved);
      else if ((random >> 16) % 3 != 0)
        g_atomic_int_add (&stress.freed, -1);
      troupe_resolver_unref (resolver);
    }
}

static void
stress_step (TroupePromise *promise,
             gpointer       user_data)
{
  stress.ran++;
  if (!troupe_promise_has_value (promise))
    {
      g_assert_error (troupe_promise_get_error (promise), TROUPE_ERROR, TROUPE_ERROR_BROKEN);
      troupe_promise_return_nothing (promise);
    }
}

static void
test_y_142 (void)
{
  GThread *threads[3];

  g_test_summary ("Many threads at random: one outcome, one free, every chain runs once");

  stress = (Stress) { .queue = g_async_queue_new () };
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("stress", stress_thread, GUINT_TO_POINTER (i + 1));

  for (int i = 0; i < N_STRESS; i++)
    {
      TroupeResolver *resolver;
      TroupePromise *promise = troupe_promise_new (&resolver);

      g_async_queue_push (stress.queue, troupe_resolver_ref (resolver));
      if (i % 2)
        g_async_queue_push (stress.queue, troupe_resolver_ref (resolver));
      troupe_promise_add_both (promise, stress_step, NULL, NULL);
      troupe_resolver_unref (resolver);
      troupe_promise_unref (promise);
      g_main_context_iteration (NULL, FALSE);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_async_queue_push (stress.queue, &stress);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);

  troupe_test_until (stress.ran == N_STRESS);
  troupe_test_settle ();
  g_assert_cmpint (stress.ran, ==, N_STRESS);
  g_assert_cmpint (stress.freed, ==, stress.resolved);
  g_async_queue_unref (stress.queue);
}

int
main (int    argc,
      char **argv)
{
  static const struct
  {
    const char *path;
    GTestFunc   func;
  } tests[] = {
    { "/troupe/resolver/e/rule-48", test_e_48 },
    { "/troupe/resolver/x/rule-110", test_x_110 },
    { "/troupe/resolver/x/rule-110/thread", test_x_110_thread },
    { "/troupe/resolver/x/rule-111", test_x_111 },
    { "/troupe/resolver/x/rule-112", test_x_112 },
    { "/troupe/resolver/x/rule-112/owner", test_x_112_owner },
    { "/troupe/resolver/x/rule-113", test_x_113 },
    { "/troupe/resolver/x/rule-114", test_x_114 },
    { "/troupe/resolver/x/rule-115", test_x_115 },
    { "/troupe/resolver/x/rule-115/context-gone", test_x_115_context_gone },
    { "/troupe/resolver/x/rule-120", test_x_120 },
    { "/troupe/resolver/x/rule-120/stalled", test_x_120_stalled },
    { "/troupe/resolver/x/rule-120/deep", test_x_120_deep },
    { "/troupe/resolver/x/rule-120/entangled", test_x_120_entangled },
    { "/troupe/resolver/x/rule-121", test_x_121 },
    { "/troupe/resolver/x/rule-122", test_x_122 },
    { "/troupe/resolver/x/rule-122/failed", test_x_122_failed },
    { "/troupe/resolver/x/rule-123", test_x_123 },
    { "/troupe/resolver/x/rule-123/home-ends", test_x_123_home_ends },
    { "/troupe/resolver/x/rule-127", test_x_127 },
    { "/troupe/resolver/x/rule-127/question", test_x_127_question },
    { "/troupe/resolver/x/rule-128", test_x_128 },
    { "/troupe/resolver/x/rule-130", test_x_130 },
    { "/troupe/resolver/x/rule-132", test_x_132 },
    { "/troupe/resolver/y/rule-142", test_y_142 },
    { "/troupe/resolver/or-fail", test_or_fail },
  };
  int result;

  g_test_init (&argc, &argv, NULL);

  trace = g_string_new (NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add_func (tests[i].path, tests[i].func);
  result = g_test_run ();
  g_string_free (trace, TRUE);

  return result;
}
