/* test-promise-debug.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Links its symbols as a program has to whose functions are to be named: see meson.build. */

#include <troupe.h>

#include "troupe-test.h"

/* Functions that a report can name; not static, for the same reason. After what they call comes something else, or they would jump
 * there and not be on the stack. */
TroupePromise *sites_make   (TroupeResolver **resolver);
void           sites_reject (TroupeResolver  *resolver);
void           sites_cancel (TroupePromise   *promise);
gpointer       sites_thread (gpointer         resolver);

static guint n_calls;

G_GNUC_NO_INLINE TroupePromise *
sites_make (TroupeResolver **resolver)
{
  TroupePromise *promise = troupe_promise_new (resolver);

  n_calls++;
  return promise;
}

G_GNUC_NO_INLINE void
sites_reject (TroupeResolver *resolver)
{
  troupe_resolver_reject (resolver, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "No luck"), NULL);
  n_calls++;
}

G_GNUC_NO_INLINE void
sites_cancel (TroupePromise *promise)
{
  troupe_promise_cancel (promise);
  n_calls++;
}

G_GNUC_NO_INLINE gpointer
sites_thread (gpointer resolver)
{
  sites_reject (resolver);
  n_calls++;
  return NULL;
}

static void
expect_report (const char *pattern)
{
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, pattern);
}

static void
test_unhandled (void)
{
  TroupeResolver *resolver;
  TroupePromise *promise;

  g_test_summary ("The report of an error that nobody took names who made the promise and who rejected it");

  troupe_promise_set_debugging (TRUE);
  promise = sites_make (&resolver);
  sites_reject (resolver);
  troupe_resolver_unref (resolver);

  expect_report ("Unhandled error in a promise of code outside actors: No luck (g-io-error-quark, 0)\n"
                 "  made in sites_make, from *\n"
                 "  resolved in sites_reject, from *");
  troupe_promise_unref (promise);
  g_test_assert_expected_messages ();
  troupe_promise_set_debugging (FALSE);
}

static void
test_rule_133 (void)
{
  TroupeResolver *resolver;
  TroupePromise *promise;

  g_test_summary ("The site of a resolution in another thread is kept too (rule 133)");

  troupe_promise_set_debugging (TRUE);
  promise = sites_make (&resolver);
  g_thread_join (g_thread_new ("rejects", sites_thread, resolver));
  troupe_resolver_unref (resolver);
  while (!troupe_promise_is_resolved (promise))
    g_main_context_iteration (NULL, TRUE);

  expect_report ("*made in sites_make*resolved in sites_reject, from sites_thread*");
  troupe_promise_unref (promise);
  g_test_assert_expected_messages ();
  troupe_promise_set_debugging (FALSE);
}

static void
test_cancelled (void)
{
  TroupeResolver *resolver;
  TroupePromise *promise;

  g_test_summary ("The site of a cancellation is kept; what comes of it is told as any unhandled cancellation");

  troupe_promise_set_debugging (TRUE);
  promise = sites_make (&resolver);
  sites_cancel (promise);
  troupe_resolver_unref (resolver);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_DEBUG, "*made in sites_make*cancelled in sites_cancel*");
  troupe_promise_unref (promise);
  g_test_assert_expected_messages ();
  troupe_promise_set_debugging (FALSE);
}

static char *
resolve_twice (gboolean debugging_before,
               gboolean debugging_after)
{
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = NULL;
  g_autoptr (GError) error = NULL;

  troupe_promise_set_debugging (debugging_before);
  promise = sites_make (&resolver);
  troupe_promise_set_debugging (debugging_after);
  sites_reject (resolver);
  g_assert_false (troupe_resolver_resolve (resolver, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_RESOLVED);
  troupe_promise_set_debugging (FALSE);

  g_error_free (troupe_promise_steal_error (promise));
  return g_strdup (error->message);
}

static void
test_late (void)
{
  g_autofree char *told = resolve_twice (TRUE, TRUE);
  g_autofree char *untold = resolve_twice (FALSE, FALSE);

  g_test_summary ("Who resolves too late is told who was first (rule 17), but only with debugging");

  g_assert_nonnull (strstr (told, "made in sites_make"));
  g_assert_nonnull (strstr (told, "resolved in sites_reject"));
  g_assert_cmpstr (untold, ==, "The promise of code outside actors is resolved already");
}

static void
test_rule_18 (void)
{
  g_autofree char *on = resolve_twice (FALSE, TRUE);
  g_autofree char *off = resolve_twice (TRUE, FALSE);
  g_autofree char *later = resolve_twice (FALSE, FALSE);

  g_test_summary ("Debugging may be switched in the life of a promise: only what is told changes (rule 18)");

  g_assert_null (strstr (on, "made in"));
  g_assert_nonnull (strstr (on, "resolved in sites_reject"));
  g_assert_nonnull (strstr (off, "made in sites_make"));
  g_assert_null (strstr (off, "resolved in"));

  /* Blocks are used again; what is remembered of the one before is not. */
  g_assert_null (strstr (later, " in sites_"));
}

static void
test_environment (void)
{
  g_test_summary ("TROUPE_DEBUG=promises switches debugging on from the beginning");

  if (g_test_subprocess ())
    {
      g_assert_true (troupe_promise_get_debugging ());
      return;
    }

  g_assert_false (troupe_promise_get_debugging ());
  g_setenv ("TROUPE_DEBUG", "promises", TRUE);
  g_test_trap_subprocess (NULL, 0, 0);
  g_unsetenv ("TROUPE_DEBUG");
  g_test_trap_assert_passed ();
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/promise/debug/unhandled", test_unhandled);
  g_test_add_func ("/troupe/promise/debug/133-thread", test_rule_133);
  g_test_add_func ("/troupe/promise/debug/cancelled", test_cancelled);
  g_test_add_func ("/troupe/promise/debug/late", test_late);
  g_test_add_func ("/troupe/promise/debug/18-switched", test_rule_18);
  g_test_add_func ("/troupe/promise/debug/environment", test_environment);

  return g_test_run ();
}
