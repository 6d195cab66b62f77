/* troupe-test.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib/gstdio.h>
#include <troupe.h>

/* Turns the thread-default context until CONDITION holds; the test's own timeout is the limit. */
#define troupe_test_until(condition)                                            \
  G_STMT_START {                                                                \
    while (!(condition))                                                        \
      g_main_context_iteration (g_main_context_get_thread_default (), TRUE);    \
  } G_STMT_END

/* Turns the default context until there is nothing to do: twice in a row, because a reactor that was busy for 2 ms leaves others
 * one iteration. */
static inline void
troupe_test_settle (void)
{
  guint n_idle = 0;

  while (n_idle < 2)
    n_idle = g_main_context_iteration (NULL, FALSE) ? 0 : n_idle + 1;
}

/* A system of its own on the thread-default context. */
static inline TroupeSystem *
troupe_test_system_new (void)
{
  g_autoptr (GError) error = NULL;
  TroupeSystem *system = troupe_system_new (NULL, NULL, &error);

  g_assert_no_error (error);
  return system;
}

/* Actors at the top that fail stop; else they would be restarted. */
static inline void
troupe_test_stop_what_fails (TroupeSystem *system)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_STOP);

  troupe_system_set_supervision (system, supervision);
}

/* Shuts SYSTEM down, waits for its end and drops it. */
static inline void
troupe_test_system_end (TroupeSystem *system)
{
  troupe_system_shutdown (system);
  troupe_test_until (troupe_system_has_ended (system));
  g_object_unref (system);
}

static inline void
troupe_test_take_ref (TroupePromise *promise,
                      gpointer       ref)
{
  *(TroupeRef **) ref = troupe_ref_ref (troupe_promise_get_boxed (promise));
}

/* Gives FD, which is closed here, to FACTORY, and waits for the address of the connection's actor. */
static inline TroupeRef *
troupe_test_adopt (TroupeSystem *system,
                   int           fd,
                   TroupeRef    *factory)
{
  g_autoptr (TroupePromise) promise = troupe_adopt_connection (system, fd, factory);
  TroupeRef *ref = NULL;

  g_close (fd, NULL);
  troupe_promise_add_callback (promise, troupe_test_take_ref, &ref, NULL);
  troupe_test_until (ref != NULL);

  return ref;
}
