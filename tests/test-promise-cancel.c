/* test-promise-cancel.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/*
 * Giving up on a promise, rule by rule of the specification: parts F (cancelling) and G (timeouts), and what 116 to 119, 120,
 * 123 and 126 say of them between actors. Private headers: to see whose turn it is, and the timers of code outside actors.
 */

#include "troupe-reactor-private.h"
#include "troupe-ref-private.h"
#include "troupe-test-puppet.h"
#include "troupe-test-trace.h"

static void
show (TroupePromise *promise,
      gpointer       user_data)
{
  const GError *error = troupe_promise_get_error (promise);
  g_autofree char *word = NULL;

  if (g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_CANCELLED))
    word = g_strdup ("!CANCELLED");
  else if (g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_TIMED_OUT))
    word = g_strdup ("!TIMED_OUT");
  else if (error != NULL)
    word = g_strdup_printf ("!%s", error->message);
  else if (troupe_promise_get_value_type (promise) == G_TYPE_NONE)
    word = g_strdup ("nothing");
  else
    word = g_strdup_printf ("%" G_GINT64_FORMAT, troupe_promise_get_int64 (promise));

  say (word);
}

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
give (TroupePromise *promise,
      gpointer       user_data)
{
  troupe_promise_return_int64 (promise, GPOINTER_TO_INT (user_data));
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
cancel_own (TroupePromise *promise,
            gpointer       user_data)
{
  troupe_promise_cancel (promise);
}

static void
count_up (gpointer data)
{
  g_atomic_int_inc ((gint *) data);
}

static void
resolve (TroupeResolver *resolver,
         gint64          number)
{
  g_assert_true (troupe_resolver_resolve_int64 (resolver, number, NULL));
}

static void
assert_late (TroupeResolver *resolver)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (troupe_resolver_resolve (resolver, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_RESOLVED);
}

/* A promise that shows its outcome and then has nothing. */
static TroupePromise *
new_shown (TroupeResolver **resolver)
{
  TroupePromise *promise = troupe_promise_new (resolver);

  troupe_promise_add_both (promise, show, NULL, NULL);
  troupe_promise_add_both (promise, give_nothing, NULL, NULL);
  return promise;
}

/* Cancellers */

static void
canceller_says (TroupeResolver *resolver,
                gpointer        user_data)
{
  say (user_data);
}

static void
canceller_resolves (TroupeResolver *resolver,
                    gpointer        user_data)
{
  resolve (resolver, GPOINTER_TO_INT (user_data));
}

static void
canceller_cancels (TroupeResolver *resolver,
                   gpointer        user_data)
{
  TroupePromise **promise = user_data;

  say ("canceller");
  troupe_promise_cancel (*promise);
}

static void
canceller_drops (TroupeResolver *resolver,
                 gpointer        user_data)
{
  g_clear_pointer ((TroupeResolver **) user_data, troupe_resolver_unref);
}

/* F. Cancel */

static void
test_f_50 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = new_shown (&resolver);

  g_test_summary ("Without a canceller a cancelled promise is rejected at once; one outcome that comes later is accepted");

  g_assert_false (troupe_resolver_is_cancelled (resolver));
  troupe_promise_cancel (promise);
  assert_trace ("!CANCELLED");
  troupe_promise_cancel (promise);
  troupe_promise_cancel (promise);
  g_assert_true (troupe_resolver_is_cancelled (resolver));

  resolve (resolver, 1);
  assert_late (resolver);
  assert_trace ("");
}

static void
test_f_51 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupeResolver) other_resolver = NULL;
  g_autoptr (TroupePromise) promise = NULL;
  g_autoptr (TroupePromise) other = NULL;

  g_test_summary ("A canceller is called once and may resolve; if not, the promise is rejected; nothing is accepted later");

  promise = troupe_promise_new_with_canceller (&resolver, canceller_says, (gpointer) "canceller", say_data);
  troupe_promise_add_both (promise, show, NULL, NULL);
  troupe_promise_add_both (promise, give_nothing, NULL, NULL);
  troupe_promise_cancel (promise);
  assert_trace ("canceller canceller !CANCELLED");
  troupe_promise_cancel (promise);
  assert_late (resolver);
  assert_trace ("");

  other = troupe_promise_new_with_canceller (&other_resolver, canceller_resolves, GINT_TO_POINTER (5), NULL);
  troupe_promise_add_both (other, show, NULL, NULL);
  troupe_promise_cancel (other);
  assert_trace ("5");
  assert_late (other_resolver);
}

static void
test_f_51_dropped (void)
{
  TroupeResolver *resolver;
  g_autoptr (TroupePromise) promise = troupe_promise_new_with_canceller (&resolver, canceller_drops, &resolver, NULL);

  g_test_summary ("A canceller that stops the producer, and by that drops the last resolver, has cancelled");

  troupe_promise_add_both (promise, show, NULL, NULL);
  troupe_promise_add_both (promise, give_nothing, NULL, NULL);
  troupe_promise_cancel (promise);
  g_assert_null (resolver);
  assert_trace ("!CANCELLED");
}

static void
test_f_52 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new_with_canceller (&resolver, canceller_says,
                                                                         (gpointer) "canceller", NULL);

  g_test_summary ("What is resolved cannot be cancelled");

  resolve (resolver, 1);
  troupe_promise_cancel (promise);
  troupe_promise_add_both (promise, show, NULL, NULL);
  assert_trace ("1");
  assert_late (resolver);
  g_assert_false (troupe_resolver_is_cancelled (resolver));
}

static void
test_f_53 (void)
{
  g_autoptr (TroupeResolver) outer_resolver = NULL;
  g_autoptr (TroupeResolver) middle_resolver = NULL;
  g_autoptr (TroupeResolver) inner_resolver = NULL;
  g_autoptr (TroupePromise) outer = NULL;
  g_autoptr (TroupePromise) middle = NULL;
  g_autoptr (TroupePromise) inner = NULL;

  g_test_summary ("The innermost promise that a chain waits for is cancelled, and its outcome flows out");

  outer = troupe_promise_new_with_canceller (&outer_resolver, canceller_says, (gpointer) "outer", NULL);
  middle = troupe_promise_new_with_canceller (&middle_resolver, canceller_says, (gpointer) "middle", NULL);
  inner = troupe_promise_new_with_canceller (&inner_resolver, canceller_resolves, GINT_TO_POINTER (5), NULL);

  troupe_promise_add_callback (middle, give_promise, troupe_promise_ref (inner), NULL);
  troupe_promise_add_callback (outer, give_promise, troupe_promise_ref (middle), NULL);
  troupe_promise_add_both (outer, show, NULL, NULL);
  resolve (outer_resolver, 1);
  resolve (middle_resolver, 2);
  assert_trace ("");
  troupe_promise_cancel (outer);
  assert_trace ("5");
}

static void
test_f_54 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupeResolver) other_resolver = NULL;
  g_autoptr (TroupePromise) resolved = new_shown (&resolver);
  g_autoptr (TroupePromise) pending = new_shown (&other_resolver);

  g_test_summary ("A paused promise keeps its outcome, or is cancelled when it has none");

  troupe_promise_pause (resolved);
  resolve (resolver, 1);
  troupe_promise_cancel (resolved);
  troupe_promise_unpause (resolved);
  assert_trace ("1");

  troupe_promise_pause (pending);
  troupe_promise_cancel (pending);
  assert_trace ("");
  troupe_promise_unpause (pending);
  assert_trace ("!CANCELLED");
}

static void
test_f_55 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupeResolver) inner_resolver = NULL;
  g_autoptr (TroupePromise) inner = troupe_promise_new (&inner_resolver);
  g_autoptr (TroupePromise) promise = troupe_promise_new_with_canceller (&resolver, canceller_says,
                                                                         (gpointer) "freed", say_data);

  g_test_summary ("The canceller is let go as soon as there is an outcome, before the steps run");

  troupe_promise_add_callback (promise, say_word, (gpointer) "step", NULL);
  troupe_promise_add_callback (promise, give_promise, troupe_promise_ref (inner), NULL);
  resolve (resolver, 1);
  assert_trace ("freed step");
  resolve (inner_resolver, 2);
}

static void
test_f_55_broken (void)
{
  TroupeResolver *resolver;
  g_autoptr (TroupePromise) promise = troupe_promise_new_with_canceller (&resolver, canceller_says,
                                                                         (gpointer) "freed", say_data);

  g_test_summary ("It is let go, too, when nobody is left who could resolve");

  troupe_promise_add_errback (promise, give_nothing, NULL, NULL);
  troupe_resolver_unref (resolver);
  assert_trace ("freed");
}

static void
test_f_56 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupeResolver) inner_resolver = NULL;
  g_autoptr (TroupePromise) inner = troupe_promise_new (&inner_resolver);
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("A step that cancels its own chain does nothing, not even to the promise it returns");

  troupe_promise_add_callback (promise, cancel_own, NULL, NULL);
  troupe_promise_add_callback (promise, give_promise, troupe_promise_ref (inner), NULL);
  troupe_promise_add_both (promise, show, NULL, NULL);
  resolve (resolver, 1);
  assert_trace ("");
  resolve (inner_resolver, 2);
  assert_trace ("2");
}

static void
test_f_57 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  TroupePromise *promise = troupe_promise_new_with_canceller (&resolver, canceller_cancels, &promise, NULL);

  g_test_summary ("[D] Cancelling in the canceller does nothing; Twisted recurses");

  troupe_promise_add_both (promise, show, NULL, NULL);
  troupe_promise_add_both (promise, give_nothing, NULL, NULL);
  troupe_promise_cancel (promise);
  assert_trace ("canceller !CANCELLED");
  troupe_promise_unref (promise);
}

static void
test_f_58 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("An errback recovers from a cancellation as from any error");

  troupe_promise_add_errback (promise, give, GINT_TO_POINTER (3), NULL);
  troupe_promise_add_callback (promise, show, NULL, NULL);
  troupe_promise_cancel (promise);
  troupe_promise_add_callback (promise, show, NULL, NULL);
  assert_trace ("3 3");
}

static void
test_f_59 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = new_shown (&resolver);
  gint freed = 0;

  g_test_summary ("The late outcome that is accepted is freed; an error is not reported");

  troupe_promise_cancel (promise);
  g_assert_true (troupe_resolver_resolve_pointer (resolver, &freed, count_up, NULL));
  g_assert_cmpint (freed, ==, 1);
  assert_trace ("!CANCELLED");
}

static gpointer
trigger_thread (gpointer data)
{
  g_cancellable_cancel (data);
  return NULL;
}

static void
test_f_60 (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupeResolver) done_resolver = NULL;
  g_autoptr (TroupeResolver) late_resolver = NULL;
  g_autoptr (TroupePromise) promise = new_shown (&resolver);
  g_autoptr (TroupePromise) done = new_shown (&done_resolver);
  g_autoptr (TroupePromise) late = new_shown (&late_resolver);

  g_test_summary ("A cancellable cancels at home, from any thread, until there is an outcome");

  troupe_promise_set_cancellable (promise, cancellable);
  troupe_promise_set_cancellable (done, cancellable);
  resolve (done_resolver, 1);
  assert_trace ("1");

  g_thread_join (g_thread_new ("trigger", trigger_thread, cancellable));
  assert_trace ("");
  troupe_test_until (troupe_promise_is_resolved (promise));
  assert_trace ("!CANCELLED");

  troupe_promise_set_cancellable (late, cancellable);
  troupe_test_until (troupe_promise_is_resolved (late));
  assert_trace ("!CANCELLED");

  g_assert_cmpuint (G_OBJECT (cancellable)->ref_count, ==, 1);
}

static void
resolve_in_signal (GCancellable *cancellable,
                   gpointer      resolver)
{
  resolve (resolver, 4);
}

static void
test_f_60_inside (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = new_shown (&resolver);

  g_test_summary ("Whoever resolves while the cancellable tells of its end does not wait for it");

  g_signal_connect (cancellable, "cancelled", G_CALLBACK (resolve_in_signal), resolver);
  troupe_promise_set_cancellable (promise, cancellable);
  g_cancellable_cancel (cancellable);
  assert_trace ("4");
}

/* G. Timeout */

static void
hook (TroupePromise *promise,
      gpointer       user_data)
{
  say ("hook");
  show (promise, NULL);
  troupe_promise_return_int64 (promise, 99);
}

static guint
count_timers (void)
{
  TroupeRef *outside = troupe_reactor_get_outside_for (g_main_context_default ());
  g_autoptr (GPtrArray) timers = troupe_reactor_dup_timers (outside->reactor);

  return timers->len;
}

static TroupePromise *
new_timed (TroupeResolver **resolver,
           gint64           timeout_ms,
           TroupeStep       on_timeout)
{
  TroupePromise *promise = troupe_promise_new (resolver);

  troupe_promise_add_timeout (promise, timeout_ms, on_timeout, NULL, NULL);
  troupe_promise_add_both (promise, show, NULL, NULL);
  return promise;
}

static void
test_g_61 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("A timeout cancels when the time has run out, and is a step of the same promise");

  g_assert_true (troupe_promise_add_timeout (promise, 1, NULL, NULL, NULL) == promise);
  troupe_promise_add_both (promise, show, NULL, NULL);
  assert_trace ("");
  troupe_test_until (troupe_promise_is_resolved (promise));
  assert_trace ("!TIMED_OUT");
  resolve (resolver, 1);
  assert_late (resolver);
  troupe_promise_add_both (promise, give_nothing, NULL, NULL);
}

static void
test_g_62 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupeResolver) hooked_resolver = NULL;
  g_autoptr (TroupePromise) promise = NULL;
  g_autoptr (TroupePromise) hooked = new_timed (&hooked_resolver, 0, hook);

  g_test_summary ("A value of the canceller goes on as it is; what the hook returns replaces any outcome");

  troupe_test_until (troupe_promise_is_resolved (hooked));
  assert_trace ("hook !CANCELLED 99");

  promise = troupe_promise_new_with_canceller (&resolver, canceller_resolves, GINT_TO_POINTER (5), NULL);
  troupe_promise_add_timeout (promise, 0, NULL, NULL, NULL);
  troupe_promise_add_both (promise, show, NULL, NULL);
  troupe_test_until (troupe_promise_is_resolved (promise));
  assert_trace ("5");
}

static void
test_g_62_data (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("The data of the hook are freed once, whether it runs or not");

  troupe_promise_add_timeout (promise, 10000, say_word, (gpointer) "freed", say_data);
  resolve (resolver, 1);
  assert_trace ("freed");
  troupe_promise_add_timeout (promise, 10000, say_word, (gpointer) "freed", say_data);
  assert_trace ("freed");
}

static void
test_g_63 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupeResolver) inner_resolver = NULL;
  g_autoptr (TroupePromise) inner = troupe_promise_new (&inner_resolver);
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("An outcome stops the clock; later steps may take their time");

  troupe_promise_add_timeout (promise, 10000, NULL, NULL, NULL);
  troupe_promise_add_callback (promise, give_promise, troupe_promise_ref (inner), NULL);
  troupe_promise_add_both (promise, show, NULL, NULL);
  g_assert_cmpuint (count_timers (), ==, 1);
  resolve (resolver, 1);
  g_assert_cmpuint (count_timers (), ==, 0);
  resolve (inner_resolver, 2);
  assert_trace ("2");
}

static void
test_g_64 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = new_timed (&resolver, 10000, hook);

  g_test_summary ("A cancellation in time stays one: no hook, and no timer is left");

  troupe_promise_cancel (promise);
  assert_trace ("!CANCELLED");
  g_assert_cmpuint (count_timers (), ==, 0);
  troupe_promise_add_both (promise, give_nothing, NULL, NULL);
}

static void
test_g_65 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupeResolver) hooked_resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);
  g_autoptr (TroupePromise) hooked = troupe_promise_new (&hooked_resolver);

  g_test_summary ("An errback before the timeout sees the cancellation; if it recovers, so does the chain, but for the hook");

  troupe_promise_add_errback (promise, show, NULL, NULL);
  troupe_promise_add_errback (promise, give, GINT_TO_POINTER (3), NULL);
  troupe_promise_add_timeout (promise, 0, NULL, NULL, NULL);
  troupe_promise_add_both (promise, show, NULL, NULL);
  troupe_test_until (troupe_promise_is_resolved (promise));
  assert_trace ("!CANCELLED 3");

  troupe_promise_add_errback (hooked, give, GINT_TO_POINTER (3), NULL);
  troupe_promise_add_timeout (hooked, 0, hook, NULL, NULL);
  troupe_promise_add_both (hooked, show, NULL, NULL);
  troupe_test_until (troupe_promise_is_resolved (hooked));
  assert_trace ("hook 3 99");
}

static void
test_g_66 (void)
{
  g_autoptr (TroupePromise) resolved = troupe_promise_new_resolved (NULL);
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("No timer is left for a resolved promise; no time at all runs out in the next pass, not at once");

  troupe_promise_add_timeout (resolved, 0, hook, NULL, NULL);
  g_assert_cmpuint (count_timers (), ==, 0);

  promise = new_timed (&resolver, 0, NULL);
  g_assert_false (troupe_promise_is_resolved (promise));
  assert_trace ("");
  troupe_test_until (troupe_promise_is_resolved (promise));
  assert_trace ("!TIMED_OUT");
  troupe_promise_add_both (promise, give_nothing, NULL, NULL);
}

static void
test_g_67 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupeResolver) inner_resolver = NULL;
  g_autoptr (TroupePromise) inner = troupe_promise_new (&inner_resolver);
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);

  g_test_summary ("While a chain waits for another promise, the timeout cancels that one");

  troupe_promise_add_both (inner, show, NULL, NULL);
  troupe_promise_add_callback (promise, give_promise, troupe_promise_ref (inner), NULL);
  troupe_promise_add_timeout (promise, 0, NULL, NULL, NULL);
  troupe_promise_add_both (promise, show, NULL, NULL);
  troupe_promise_add_both (promise, give_nothing, NULL, NULL);
  resolve (resolver, 1);
  troupe_test_until (troupe_promise_is_resolved (promise));
  assert_trace ("!CANCELLED !TIMED_OUT");
  g_assert_true (troupe_resolver_is_cancelled (inner_resolver));
}

static gpointer
time_thread (gpointer data)
{
  TroupeResolver **resolvers = data;
  TroupePromise *promise = new_timed (&resolvers[0], 1, NULL);
  TroupePromise *in_time = new_timed (&resolvers[1], 60000, NULL);

  troupe_promise_add_both (promise, give_nothing, NULL, NULL);
  resolve (resolvers[1], 1);
  troupe_promise_unref (in_time);
  return promise;
}

static void
test_g_68 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  TroupeResolver *resolvers[2];
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("The clock is home's, though the timeout was added on another thread while that did not run the context");

  promise = g_thread_join (g_thread_new ("timer", time_thread, resolvers));
  assert_trace ("1");
  troupe_test_until (troupe_promise_is_resolved (promise));
  assert_trace ("!TIMED_OUT");
  g_assert_cmpuint (count_timers (), ==, 0);

  troupe_resolver_unref (resolvers[0]);
  troupe_resolver_unref (resolvers[1]);
  troupe_test_system_end (system);
}

/* X. Between actors */

typedef struct
{
  TroupePromise  *promise;
  TroupeResolver *resolver;
  TroupeRef      *other;
} Cell;

static void
cell_clear (Cell *cell)
{
  g_clear_pointer (&cell->promise, troupe_promise_unref);
  g_clear_pointer (&cell->resolver, troupe_resolver_unref);
}

static void
run_in (TroupeRef     *puppet,
        TroupeHandler  run,
        gpointer       data)
{
  g_autoptr (TroupePromise) promise = test_puppet_ask_and_wait (puppet, run, data);

  g_assert_no_error (troupe_promise_get_error (promise));
}

static gboolean
do_nothing (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  troupe_message_reply (message);
  return TRUE;
}

static gboolean
handle_and_say (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  say ("handled");
  troupe_message_reply_int64 (message, 1);
  return TRUE;
}

static void
say_reason (TroupeResolver *resolver)
{
  TroupeError reason = troupe_resolver_get_cancel_reason (resolver);

  say (reason == TROUPE_ERROR_CANCELLED ? "cancelled" :
       reason == TROUPE_ERROR_TIMED_OUT ? "timed-out" :
       reason == TROUPE_ERROR_ABANDONED ? "abandoned" : "wanted");
}

/* Says whose turn it is, and why. */
static void
notice (TroupeResolver *resolver,
        gpointer        user_data)
{
  TroupeRef *running = troupe_ref_get_running ();
  g_autofree char *name = running != NULL ? troupe_ref_dup_name (running) : g_strdup ("nobody");

  g_assert_true (troupe_resolver_is_cancelled (resolver));
  say (name);
  say_reason (resolver);
}

static gboolean
defer (TroupeActor    *actor,
       TroupeMessage  *message,
       GError        **error)
{
  Cell *cell = test_puppet_get_data (message);

  cell->resolver = troupe_message_defer_reply (message);
  g_assert_cmpint (troupe_resolver_get_cancel_reason (cell->resolver), ==, TROUPE_ERROR_FAILED);
  troupe_resolver_set_canceller (cell->resolver, notice, (gpointer) "freed", say_data);
  say ("deferred");
  return TRUE;
}

static gboolean
cancel_elsewhere (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  Cell *cell = test_puppet_get_data (message);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "troupe_promise_cancel: a promise is cancelled where*");
  troupe_promise_cancel (cell->promise);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "troupe_promise_add_timeout: a timeout is added where*");
  troupe_promise_add_timeout (cell->promise, 0, NULL, NULL, NULL);
  g_test_assert_expected_messages ();
  troupe_message_reply (message);
  return TRUE;
}

static gboolean
pause_elsewhere (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  Cell *cell = test_puppet_get_data (message);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "troupe_promise_pause: a promise is paused where*");
  troupe_promise_pause (cell->promise);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "troupe_promise_unpause: a promise is unpaused where*");
  troupe_promise_unpause (cell->promise);
  g_test_assert_expected_messages ();
  troupe_message_reply (message);
  return TRUE;
}

static void
test_d_43 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  Cell cell = { NULL };

  g_test_summary ("A promise is neither paused nor unpaused elsewhere than at home");

  cell.promise = new_shown (&cell.resolver);
  run_in (puppet, pause_elsewhere, &cell);
  resolve (cell.resolver, 1);
  assert_trace ("1");
  cell_clear (&cell);

  cell.promise = new_shown (&cell.resolver);
  troupe_promise_pause (cell.promise);
  run_in (puppet, pause_elsewhere, &cell);
  resolve (cell.resolver, 1);
  assert_trace ("");
  troupe_promise_unpause (cell.promise);
  assert_trace ("1");

  cell_clear (&cell);
  troupe_test_system_end (system);
}

static void
test_x_110 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  Cell cell = { NULL };

  g_test_summary ("Cancelling and timeouts are refused elsewhere than at home, without any change");

  cell.promise = new_shown (&cell.resolver);
  run_in (puppet, cancel_elsewhere, &cell);
  assert_trace ("");
  resolve (cell.resolver, 1);
  assert_trace ("1");

  cell_clear (&cell);
  troupe_test_system_end (system);
}

static void
test_x_116 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, "puppet");
  Cell cell = { NULL };

  g_test_summary ("A cancelled ask is rejected at once; who deferred the answer is told in a turn; one late answer is accepted");

  cell.promise = test_puppet_ask (puppet, defer, &cell);
  troupe_promise_add_both (cell.promise, show, NULL, NULL);
  troupe_promise_add_both (cell.promise, give_nothing, NULL, NULL);
  troupe_test_until (cell.resolver != NULL);
  assert_trace ("deferred");

  troupe_promise_cancel (cell.promise);
  assert_trace ("!CANCELLED");
  run_in (puppet, do_nothing, NULL);
  assert_trace ("puppet cancelled freed");

  resolve (cell.resolver, 1);
  assert_late (cell.resolver);
  cell_clear (&cell);
  troupe_test_system_end (system);
}

static void
test_x_116_answered (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, "puppet");
  Cell cell = { NULL };

  g_test_summary ("If the answer has won, there is no notice, and cancelling does nothing");

  cell.promise = test_puppet_ask (puppet, defer, &cell);
  troupe_promise_add_both (cell.promise, show, NULL, NULL);
  troupe_test_until (cell.resolver != NULL);
  resolve (cell.resolver, 7);
  troupe_promise_cancel (cell.promise);
  run_in (puppet, do_nothing, NULL);
  assert_trace ("deferred 7 freed");
  g_assert_false (troupe_resolver_is_cancelled (cell.resolver));

  cell_clear (&cell);
  troupe_test_system_end (system);
}

static void
test_x_116_set_late (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupeResolver) done_resolver = NULL;
  g_autoptr (TroupePromise) promise = new_shown (&resolver);
  g_autoptr (TroupePromise) done = new_shown (&done_resolver);

  g_test_summary ("A canceller that is set after the cancellation is called, too; another takes its place; none is needed after an outcome");

  troupe_promise_cancel (promise);
  troupe_resolver_set_canceller (resolver, notice, (gpointer) "freed", say_data);
  assert_trace ("!CANCELLED");
  troupe_test_until (strstr (trace->str, "freed") != NULL);
  assert_trace ("outside cancelled freed");

  troupe_resolver_set_canceller (done_resolver, notice, (gpointer) "first", say_data);
  troupe_resolver_set_canceller (done_resolver, notice, (gpointer) "second", say_data);
  troupe_test_until (trace->len > 0);
  assert_trace ("first");
  resolve (done_resolver, 1);
  troupe_test_until (strstr (trace->str, "second") != NULL);
  assert_trace ("1 second");
  troupe_resolver_set_canceller (done_resolver, notice, (gpointer) "third", say_data);
  troupe_test_until (trace->len > 0);
  assert_trace ("third");
}

static void
test_x_116_actor_ends (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, "puppet");
  Cell cell = { NULL };

  g_test_summary ("An actor that ends is not told, but the data of its canceller are freed");

  cell.promise = test_puppet_ask (puppet, defer, &cell);
  troupe_promise_add_both (cell.promise, show, NULL, NULL);
  troupe_promise_add_both (cell.promise, give_nothing, NULL, NULL);
  troupe_test_until (cell.resolver != NULL);
  troupe_ref_stop (puppet);
  troupe_promise_cancel (cell.promise);
  troupe_test_until (troupe_ref_has_ended (puppet));
  troupe_test_until (strstr (trace->str, "freed") != NULL);
  assert_trace ("deferred !CANCELLED freed");

  cell_clear (&cell);
  troupe_test_system_end (system);
}

static void
test_x_117 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("A question that still lies in the mailbox is not handled once its answer is cancelled");

  run_in (puppet, do_nothing, NULL);
  promise = test_puppet_ask (puppet, handle_and_say, NULL);
  troupe_promise_add_both (promise, show, NULL, NULL);
  troupe_promise_add_both (promise, give_nothing, NULL, NULL);
  troupe_promise_cancel (promise);
  run_in (puppet, do_nothing, NULL);
  assert_trace ("!CANCELLED");

  troupe_test_system_end (system);
}

static void
test_x_118 (void)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new_with_canceller (&resolver, canceller_says,
                                                                         (gpointer) "own", NULL);

  g_test_summary ("A promise that has its own canceller takes no other from its resolver");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*HAS_CANCELLER*");
  troupe_resolver_set_canceller (resolver, notice, NULL, NULL);
  g_test_assert_expected_messages ();
  troupe_promise_add_errback (promise, give_nothing, NULL, NULL);
  troupe_promise_cancel (promise);
  assert_trace ("own");
}

static void
test_x_119 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, "puppet");
  Cell cell = { NULL };

  g_test_summary ("An ask that takes too long is rejected, and who deferred its answer is told");

  cell.promise = troupe_ref_ask_within (puppet, test_puppet_job (defer, &cell), 20);
  troupe_promise_add_both (cell.promise, show, NULL, NULL);
  troupe_promise_add_both (cell.promise, give_nothing, NULL, NULL);
  troupe_test_until (strstr (trace->str, "freed") != NULL);
  assert_trace ("deferred !TIMED_OUT puppet timed-out freed");
  cell_clear (&cell);

  cell.promise = troupe_ref_ask_within (puppet, test_puppet_job (handle_and_say, NULL), 60000);
  troupe_promise_add_both (cell.promise, show, NULL, NULL);
  troupe_test_until (troupe_promise_is_resolved (cell.promise));
  assert_trace ("handled 1");
  g_assert_cmpuint (count_timers (), ==, 0);

  cell_clear (&cell);
  troupe_test_system_end (system);
}

static gboolean
ask_other (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  Cell *cell = test_puppet_get_data (message);

  cell->promise = troupe_ref_ask_within (cell->other, test_puppet_job (defer, cell), 60000);
  troupe_message_reply (message);
  return TRUE;
}

static void
test_x_120 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) asker = test_puppet_new (system, "asker");
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, "puppet");
  Cell cell = { NULL, NULL, puppet };

  g_test_summary ("When the asker ends, who deferred the answer is told; one late answer is accepted");

  run_in (asker, ask_other, &cell);
  troupe_test_until (cell.resolver != NULL);
  troupe_ref_stop (asker);
  troupe_test_until (strstr (trace->str, "freed") != NULL);
  assert_trace ("deferred puppet abandoned freed");

  resolve (cell.resolver, 1);
  assert_late (cell.resolver);
  cell_clear (&cell);
  troupe_test_system_end (system);
}

static gboolean
ask_and_stop (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  Cell *cell = test_puppet_get_data (message);

  cell->promise = test_puppet_ask (cell->other, handle_and_say, NULL);
  troupe_ref_stop (troupe_actor_get_ref (actor));
  troupe_message_reply (message);
  return TRUE;
}

static void
test_x_117_asker_ends (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) asker = test_puppet_new (system, "asker");
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, "puppet");
  Cell cell = { NULL, NULL, puppet };

  g_test_summary ("A question that still lies in the mailbox when the asker ends is not handled");

  run_in (puppet, do_nothing, NULL);
  run_in (asker, ask_and_stop, &cell);
  run_in (puppet, do_nothing, NULL);
  assert_trace ("");

  cell_clear (&cell);
  troupe_test_system_end (system);
}

/* Answers with a promise that the cell's resolver resolves, and whose canceller says why it was called. */

static void
canceller_says_reason (TroupeResolver *resolver,
                       gpointer        user_data)
{
  say_reason (resolver);
}

static gboolean
answer_later (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  Cell *cell = test_puppet_get_data (message);
  TroupePromise *promise = troupe_promise_new_with_canceller (&cell->resolver, canceller_says_reason,
                                                              (gpointer) "freed", say_data);

  troupe_message_reply_promise (message, promise);
  return TRUE;
}

static void
test_x_116_answer (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, "puppet");
  Cell cell = { NULL };

  g_test_summary ("To cancel an ask cancels the promise it was answered with, where that is at home");

  cell.promise = test_puppet_ask (puppet, answer_later, &cell);
  troupe_promise_add_both (cell.promise, show, NULL, NULL);
  troupe_promise_add_both (cell.promise, give_nothing, NULL, NULL);
  troupe_test_until (cell.resolver != NULL);
  troupe_promise_cancel (cell.promise);
  assert_trace ("!CANCELLED");
  run_in (puppet, do_nothing, NULL);
  assert_trace ("cancelled freed");
  cell_clear (&cell);

  cell.promise = troupe_ref_ask_within (puppet, test_puppet_job (answer_later, &cell), 20);
  troupe_promise_add_both (cell.promise, give_nothing, NULL, NULL);
  troupe_test_until (strstr (trace->str, "freed") != NULL);
  assert_trace ("timed-out freed");
  cell_clear (&cell);

  cell.promise = test_puppet_ask (puppet, answer_later, &cell);
  troupe_promise_add_both (cell.promise, show, NULL, NULL);
  troupe_test_until (cell.resolver != NULL);
  resolve (cell.resolver, 1);
  troupe_test_until (troupe_promise_is_resolved (cell.promise));
  assert_trace ("freed 1");

  cell_clear (&cell);
  troupe_test_system_end (system);
}

/* An actor that passes a question on. */
static gboolean
answer_by_other (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  Cell *cell = test_puppet_get_data (message);

  troupe_message_reply_promise (message, test_puppet_ask (cell->other, defer, cell));
  return TRUE;
}

static void
test_x_116_answer_asked (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) asker = test_puppet_new (system, "asker");
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, "puppet");
  Cell cell = { NULL, NULL, puppet };

  g_test_summary ("A cancellation goes all the way of a question that was answered by asking another actor");

  cell.promise = test_puppet_ask (asker, answer_by_other, &cell);
  troupe_promise_add_both (cell.promise, give_nothing, NULL, NULL);
  troupe_test_until (cell.resolver != NULL);
  troupe_promise_cancel (cell.promise);
  troupe_test_until (strstr (trace->str, "freed") != NULL);
  assert_trace ("deferred puppet cancelled freed");

  cell_clear (&cell);
  troupe_test_system_end (system);
}

static gboolean
make_with_canceller (TroupeActor    *actor,
                     TroupeMessage  *message,
                     GError        **error)
{
  Cell *cell = test_puppet_get_data (message);

  cell->promise = troupe_promise_new_with_canceller (&cell->resolver, canceller_resolves, GINT_TO_POINTER (8), NULL);
  troupe_message_reply (message);
  return TRUE;
}

static void
test_x_123 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (TroupePromise) outer = troupe_promise_new_resolved (NULL);
  Cell cell = { NULL };

  g_test_summary ("A chain that waits for a promise of another actor has it cancelled there, and waits for what comes of it");

  run_in (puppet, make_with_canceller, &cell);
  troupe_promise_add_callback (outer, give_promise, g_steal_pointer (&cell.promise), NULL);
  troupe_promise_add_both (outer, show, NULL, NULL);
  troupe_promise_cancel (outer);
  troupe_promise_cancel (outer);
  assert_trace ("");
  troupe_test_until (troupe_promise_is_resolved (outer));
  assert_trace ("8");

  cell_clear (&cell);
  troupe_test_system_end (system);
}

static gboolean
make_resolved (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  Cell *cell = test_puppet_get_data (message);

  cell->promise = troupe_promise_new_resolved (NULL);
  troupe_message_reply (message);
  return TRUE;
}

/* Two promises, here and there. */
typedef struct
{
  Cell here;
  Cell there;
} Circle;

static gboolean
wait_for_other (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Circle *circle = test_puppet_get_data (message);

  troupe_promise_add_callback (circle->there.promise, give_promise, troupe_promise_ref (circle->here.promise), NULL);
  troupe_promise_add_both (circle->there.promise, give_nothing, NULL, NULL);
  troupe_message_reply (message);
  return TRUE;
}

static void
test_x_124 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  Circle circle = { { NULL }, { NULL } };

  g_test_summary ("Promises of two homes that wait for each other can be cancelled");

  run_in (puppet, make_resolved, &circle.there);
  circle.here.promise = troupe_promise_new (&circle.here.resolver);
  troupe_promise_add_callback (circle.here.promise, give_promise, troupe_promise_ref (circle.there.promise), NULL);
  troupe_promise_add_both (circle.here.promise, show, NULL, NULL);
  troupe_promise_add_both (circle.here.promise, give_nothing, NULL, NULL);
  run_in (puppet, wait_for_other, &circle);
  resolve (circle.here.resolver, 1);
  troupe_promise_cancel (circle.here.promise);
  troupe_test_until (trace->len > 0);
  assert_trace ("!CANCELLED");
  troupe_test_until (troupe_promise_is_resolved (circle.there.promise));

  cell_clear (&circle.here);
  cell_clear (&circle.there);
  troupe_test_system_end (system);
}

static gboolean
make_paused (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  Cell *cell = test_puppet_get_data (message);

  cell->promise = troupe_promise_new (&cell->resolver);
  troupe_promise_pause (cell->promise);
  troupe_promise_add_both (cell->promise, show, (gpointer) "dropped", say_data);
  troupe_message_reply (message);
  return TRUE;
}

static gboolean
unpause (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  Cell *cell = test_puppet_get_data (message);

  troupe_promise_unpause (cell->promise);
  troupe_message_reply (message);
  return TRUE;
}

static void
test_x_126 (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  Cell cell = { NULL }, left = { NULL };

  g_test_summary ("A pause is an affair of home: who resolves does not notice. The end of home drops what is still paused");

  run_in (puppet, make_paused, &cell);
  resolve (cell.resolver, 1);
  assert_late (cell.resolver);
  run_in (puppet, do_nothing, NULL);
  assert_trace ("");
  run_in (puppet, unpause, &cell);
  assert_trace ("1 dropped");

  run_in (puppet, make_paused, &left);
  g_assert_true (troupe_resolver_reject (left.resolver, g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_FAILED, "bad"), NULL));
  run_in (puppet, do_nothing, NULL);
  cell_clear (&left);
  assert_trace ("");
  troupe_ref_stop (puppet);
  troupe_test_until (troupe_ref_has_ended (puppet));
  assert_trace ("dropped");

  cell_clear (&cell);
  troupe_test_system_end (system);
}

/* Y, 142: threads resolve while home cancels. */

static gpointer
race_thread (gpointer data)
{
  gpointer *race = data;

  troupe_resolver_set_canceller (race[0], canceller_drops, g_new0 (gpointer, 1), g_free);
  if (troupe_resolver_resolve_pointer (race[0], race[1], count_up, NULL))
    g_atomic_int_inc ((gint *) race[2]);
  troupe_resolver_unref (race[0]);
  return NULL;
}

static void
count_step (TroupePromise *promise,
            gpointer       user_data)
{
  ++*(int *) user_data;
  troupe_promise_return_nothing (promise);
}

static void
test_y_142 (void)
{
  g_test_summary ("Threads resolve and set cancellers while home cancels: one outcome, each value freed once, one of two accepted");

  for (int round = 0; round < 300; round++)
    {
      TroupeResolver *resolver;
      TroupePromise *promise = troupe_promise_new (&resolver);
      gint freed = 0, accepted = 0;
      int steps = 0;
      gpointer race[] = { resolver, &freed, &accepted };
      GThread *threads[2];

      troupe_promise_add_both (promise, count_step, &steps, NULL);
      troupe_resolver_ref (resolver);
      threads[0] = g_thread_new ("racer", race_thread, race);
      threads[1] = g_thread_new ("racer", race_thread, race);
      for (int turn = 0; turn < round % 50; turn++)
        g_thread_yield ();
      troupe_promise_cancel (promise);
      g_thread_join (threads[0]);
      g_thread_join (threads[1]);

      troupe_test_until (troupe_promise_is_resolved (promise));
      g_assert_cmpint (steps, ==, 1);
      g_assert_cmpint (freed, ==, 2);
      g_assert_cmpint (accepted, ==, 1);
      troupe_promise_unref (promise);
    }

  troupe_test_settle ();
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
    { "/troupe/promise-cancel/d/rule-43", test_d_43 },
    { "/troupe/promise-cancel/f/rule-50", test_f_50 },
    { "/troupe/promise-cancel/f/rule-51", test_f_51 },
    { "/troupe/promise-cancel/f/rule-51/dropped", test_f_51_dropped },
    { "/troupe/promise-cancel/f/rule-52", test_f_52 },
    { "/troupe/promise-cancel/f/rule-53", test_f_53 },
    { "/troupe/promise-cancel/f/rule-54", test_f_54 },
    { "/troupe/promise-cancel/f/rule-55", test_f_55 },
    { "/troupe/promise-cancel/f/rule-55/broken", test_f_55_broken },
    { "/troupe/promise-cancel/f/rule-56", test_f_56 },
    { "/troupe/promise-cancel/f/rule-57", test_f_57 },
    { "/troupe/promise-cancel/f/rule-58", test_f_58 },
    { "/troupe/promise-cancel/f/rule-59", test_f_59 },
    { "/troupe/promise-cancel/f/rule-60", test_f_60 },
    { "/troupe/promise-cancel/f/rule-60/inside", test_f_60_inside },
    { "/troupe/promise-cancel/g/rule-61", test_g_61 },
    { "/troupe/promise-cancel/g/rule-62", test_g_62 },
    { "/troupe/promise-cancel/g/rule-62/data", test_g_62_data },
    { "/troupe/promise-cancel/g/rule-63", test_g_63 },
    { "/troupe/promise-cancel/g/rule-64", test_g_64 },
    { "/troupe/promise-cancel/g/rule-65", test_g_65 },
    { "/troupe/promise-cancel/g/rule-66", test_g_66 },
    { "/troupe/promise-cancel/g/rule-67", test_g_67 },
    { "/troupe/promise-cancel/g/rule-68", test_g_68 },
    { "/troupe/promise-cancel/x/rule-110", test_x_110 },
    { "/troupe/promise-cancel/x/rule-116", test_x_116 },
    { "/troupe/promise-cancel/x/rule-116/answered", test_x_116_answered },
    { "/troupe/promise-cancel/x/rule-116/set-late", test_x_116_set_late },
    { "/troupe/promise-cancel/x/rule-116/actor-ends", test_x_116_actor_ends },
    { "/troupe/promise-cancel/x/rule-116/answer", test_x_116_answer },
    { "/troupe/promise-cancel/x/rule-116/answer-asked", test_x_116_answer_asked },
    { "/troupe/promise-cancel/x/rule-117", test_x_117 },
    { "/troupe/promise-cancel/x/rule-117/asker-ends", test_x_117_asker_ends },
    { "/troupe/promise-cancel/x/rule-118", test_x_118 },
    { "/troupe/promise-cancel/x/rule-119", test_x_119 },
    { "/troupe/promise-cancel/x/rule-120", test_x_120 },
    { "/troupe/promise-cancel/x/rule-123", test_x_123 },
    { "/troupe/promise-cancel/x/rule-124", test_x_124 },
    { "/troupe/promise-cancel/x/rule-126", test_x_126 },
    { "/troupe/promise-cancel/y/rule-142", test_y_142 },
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
