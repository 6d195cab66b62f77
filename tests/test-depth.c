/* test-depth.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Who is a part of a turn and who is not, however near to it on the stack. It looks inside. */

#include "troupe-depth-private.h"
#include "troupe-ref-private.h"
#include "troupe-test-puppet.h"

/* A source that looks who is the current actor, with no frame of its own between GLib's and that of whom it asks. */
typedef struct
{
  GSource    source;
  guint      n_looks;
  TroupeRef *seen;
} Looker;

static gboolean
looker_prepare (GSource *source,
                int     *timeout)
{
  *timeout = 0;
  return TRUE;
}

static gboolean
looker_dispatch (GSource     *source,
                 GSourceFunc  callback,
                 gpointer     user_data)
{
  Looker *self = (Looker *) source;

  self->n_looks++;
  self->seen = troupe_ref_get_current ();
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs looker_funcs = {
  .prepare = looker_prepare,
  .dispatch = looker_dispatch,
};

static Looker *
looker_new (GMainContext *context)
{
  Looker *self = (Looker *) g_source_new (&looker_funcs, sizeof (Looker));

  g_source_attach (&self->source, context);
  return self;
}

static void
looker_free (Looker *self)
{
  g_source_destroy (&self->source);
  g_source_unref (&self->source);
}

static void
prepare (GMainContext *context)
{
  GPollFD fds[8];
  int timeout, priority, n_fds;

  g_main_context_prepare (context, &priority);
  n_fds = g_main_context_query (context, priority, &timeout, fds, G_N_ELEMENTS (fds));
  g_main_context_check (context, priority, fds, MIN (n_fds, (int) G_N_ELEMENTS (fds)));
}

/* So far down the stack. */
static G_GNUC_NO_INLINE void
iterate_below (GMainContext *context,
               gsize         n_bytes)
{
  volatile char *room = g_alloca (n_bytes);

  room[0] = 0;
  g_main_context_iteration (context, FALSE);
}

/* As main loops do that are not GLib's: with as little as there can be on the stack. */
static G_GNUC_NO_INLINE void
dispatch_below (GMainContext *context,
                gsize         n_bytes)
{
  volatile char *room = g_alloca (n_bytes);

  room[0] = 0;
  g_main_context_dispatch (context);
}

static void
assert_foreign_in (GMainContext *context)
{
  Looker *looker = looker_new (context);
  guint n_looks = 0;
  gsize n_bytes;

  g_assert_true (g_main_context_acquire (context));
  for (n_bytes = 16; n_bytes <= 2048; n_bytes += 16)
    {
      looker->seen = GSIZE_TO_POINTER (1);
      iterate_below (context, n_bytes);
      g_assert_cmpuint (looker->n_looks, ==, ++n_looks);
      g_assert_null (looker->seen);

      looker->seen = GSIZE_TO_POINTER (1);
      prepare (context);
      dispatch_below (context, n_bytes);
      g_assert_cmpuint (looker->n_looks, ==, ++n_looks);
      g_assert_null (looker->seen);
    }
  g_main_context_release (context);
  looker_free (looker);
}

static void
assert_foreign (void)
{
  g_autoptr (GMainContext) other = g_main_context_new ();

  assert_foreign_in (g_main_context_default ());
  assert_foreign_in (other);
}

static void
on_step (TroupePromise *promise,
         gpointer       actor)
{
  g_assert_true (troupe_ref_get_current () == troupe_actor_get_ref (actor));
  assert_foreign ();
  g_assert_true (troupe_ref_get_current () == troupe_actor_get_ref (actor));
}

/* A step that runs at once, farther down the stack than the turn is. */
static G_GNUC_NO_INLINE void
add_step_below (TroupePromise *promise,
                gpointer       actor,
                gsize          n_bytes)
{
  volatile char *room = g_alloca (n_bytes);

  room[0] = 0;
  troupe_promise_add_callback (promise, on_step, actor, NULL);
}

static gboolean
nest (TroupeActor    *actor,
      TroupeMessage  *message,
      GError        **error)
{
  TroupeRef *self = troupe_actor_get_ref (actor);
  g_autoptr (TroupePromise) promise = troupe_promise_new_resolved (NULL);
  guint i;

  /* What a step leaves behind must not be taken for what a turn is. */
  for (i = 0; i < 2; i++)
    {
      g_assert_true (troupe_ref_get_current () == self);
      assert_foreign ();
      g_assert_true (troupe_ref_get_current () == self);
      add_step_below (promise, actor, 1024);
    }

  troupe_message_reply (message);
  return TRUE;
}

/* Bound itself, so that what it calls is as near to the turn as can be. */
static gboolean
dispatch_at_once (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  g_main_context_dispatch (troupe_message_get_pointer (message));
  return TRUE;
}

#define TEST_TYPE_NESTER (test_nester_get_type ())
G_DECLARE_FINAL_TYPE (TestNester, test_nester, TEST, NESTER, TroupeActor)

struct _TestNester
{
  TroupeActor parent_instance;
};

G_DEFINE_FINAL_TYPE (TestNester, test_nester, TROUPE_TYPE_ACTOR)

static void
test_nester_class_init (TestNesterClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "dispatch", G_TYPE_POINTER, dispatch_at_once);
}

static void
test_nester_init (TestNester *self)
{
}

static void
test_next (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) nester = troupe_system_spawn (system, NULL, TEST_TYPE_NESTER, NULL, NULL);
  g_autoptr (GMainContext) context = g_main_context_new ();
  Looker *looker = looker_new (context);

  g_test_summary ("So it is with no frame between the turn and the loop but that of the handler");

  g_assert_true (g_main_context_acquire (context));
  looker->seen = nester;
  prepare (context);
  troupe_ref_send (nester, troupe_message_new_pointer ("dispatch", context, NULL));
  troupe_test_until (looker->n_looks > 0);
  g_assert_null (looker->seen);

  g_main_context_release (context);
  looker_free (looker);
  troupe_test_system_end (system);
}

static void
test_nested (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (TroupePromise) done = NULL;

  g_test_summary ("What a nested main loop runs is outside any actor, be it next to the turn; a turn and its steps are not");

  done = test_puppet_ask_and_wait (puppet, nest, NULL);
  g_assert_true (troupe_promise_has_value (done));

  troupe_test_system_end (system);
}

static gboolean
nest_in_fiber (TroupeResolver  *resolver,
               gpointer         actor,
               GError         **error)
{
  g_autoptr (TroupePromise) slept = troupe_sleep (0);
  guint i;

  for (i = 0; i < 2; i++)
    {
      on_step (NULL, actor);
      if (!troupe_await (slept, error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
start_fiber (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  troupe_message_reply_promise (message, troupe_fiber_start (TROUPE_FIBER_DEFAULT, nest_in_fiber, actor, NULL));
  on_step (NULL, actor);
  return TRUE;
}

static void
test_fiber (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (TroupePromise) done = NULL;

  g_test_summary ("The same holds on the stack of a fiber, and for whoever goes on when that has left");

  done = test_puppet_ask_and_wait (puppet, start_fiber, NULL);
  g_assert_true (troupe_promise_has_value (done));

  troupe_test_system_end (system);
}

static void
see_current (TroupePromise *promise,
             gpointer       data)
{
  *(TroupeRef **) data = troupe_ref_get_current ();
}

static gboolean
resolve_in_foreign_code (gpointer resolver)
{
  troupe_resolver_resolve (resolver, NULL);
  return G_SOURCE_REMOVE;
}

static gboolean
nest_for_others (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  TroupeResolver *resolver = test_puppet_get_data (message);

  g_idle_add (resolve_in_foreign_code, resolver);
  while (!troupe_resolver_is_resolved (resolver))
    g_main_context_iteration (NULL, TRUE);

  troupe_message_reply (message);
  return TRUE;
}

static void
test_outside (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (TroupeResolver) resolver = NULL;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);
  g_autoptr (TroupePromise) done = NULL;
  TroupeRef *seen = puppet;

  g_test_summary ("A promise outside actors that foreign code resolves below a turn has its steps outside");

  troupe_promise_add_callback (promise, see_current, &seen, NULL);
  done = test_puppet_ask_and_wait (puppet, nest_for_others, resolver);
  g_assert_null (seen);

  troupe_test_system_end (system);
}

static void
test_measured (void)
{
  TroupeSystem *system = troupe_test_system_new ();

  g_test_summary ("How much of the stack a main loop takes is known where it can be");

#ifdef TROUPE_DEPTH_POINTER
  /* Four calls at least, and less than a loop can take. */
  g_assert_cmpuint (troupe_depth_frame, >=, 32);
  g_assert_cmpuint (troupe_depth_frame, <, 65536);
#else
  g_assert_cmpuint (troupe_depth_frame, ==, 0);
#endif

  troupe_test_system_end (system);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/depth/measured", test_measured);
  g_test_add_func ("/troupe/depth/nested", test_nested);
  g_test_add_func ("/troupe/depth/next", test_next);
  g_test_add_func ("/troupe/depth/fiber", test_fiber);
  g_test_add_func ("/troupe/depth/outside", test_outside);

  return g_test_run ();
}
