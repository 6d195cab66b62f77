/* test-supervision-memory.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <malloc.h>

#include "troupe-test.h"

/* TROUPE_TEST_CYCLES says how many failures there are (20 000). */

#define WARM_UP 2000
#define LIVES 10                     /* restarts of an actor before it is stopped, and the next one is spawned */
#define SLACK (16 * 1024)            /* bytes, for all cycles together */

/* Fails as soon as it can, whenever it is started, and leaves things behind. */

#define TEST_TYPE_FALLER (test_faller_get_type ())
G_DECLARE_FINAL_TYPE (TestFaller, test_faller, TEST, FALLER, TroupeActor)

struct _TestFaller
{
  TroupeActor parent_instance;
  char       *name;
};

enum { PROP_0, PROP_NAME };

G_DEFINE_FINAL_TYPE (TestFaller, test_faller, TROUPE_TYPE_ACTOR)

static void
never_call (TroupeTimer *timer,
            gpointer     data)
{
  g_assert_not_reached ();
}

static gboolean
on_fall (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  troupe_timer_unref (troupe_actor_call_later (actor, 60000, never_call, g_strdup ("data"), g_free));
  troupe_promise_unref (troupe_sleep (60000));
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "It fell");
  return FALSE;
}

static gboolean
test_faller_started (TroupeActor  *actor,
                     GError      **error)
{
  troupe_ref_send (troupe_actor_get_ref (actor), troupe_message_new ("fall"));
  return TRUE;
}

static void
test_faller_set_property (GObject      *object,
                          guint         id,
                          const GValue *value,
                          GParamSpec   *pspec)
{
  TEST_FALLER (object)->name = g_value_dup_string (value);
}

static void
test_faller_finalize (GObject *object)
{
  g_free (TEST_FALLER (object)->name);
  G_OBJECT_CLASS (test_faller_parent_class)->finalize (object);
}

static void
test_faller_class_init (TestFallerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = test_faller_set_property;
  object_class->finalize = test_faller_finalize;
  g_object_class_install_property (object_class, PROP_NAME,
                                   g_param_spec_string ("name", NULL, NULL, NULL,
                                                        G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS));
  TROUPE_ACTOR_CLASS (klass)->started = test_faller_started;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "fall", G_TYPE_NONE, on_fall);
}

static void
test_faller_init (TestFaller *self)
{
}

/* Is linked to one of them, and ends with it. */

#define TEST_TYPE_MATE (test_mate_get_type ())
G_DECLARE_FINAL_TYPE (TestMate, test_mate, TEST, MATE, TroupeActor)

struct _TestMate
{
  TroupeActor parent_instance;
};

G_DEFINE_FINAL_TYPE (TestMate, test_mate, TROUPE_TYPE_ACTOR)

static gboolean
on_link (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  troupe_actor_link (actor, troupe_message_get_boxed (message));
  return TRUE;
}

static void
test_mate_class_init (TestMateClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "link", TROUPE_TYPE_REF, on_link);
}

static void
test_mate_init (TestMate *self)
{
}

/* Watches them, lifts them up again, and makes new ones. */

#define TEST_TYPE_WARDEN (test_warden_get_type ())
G_DECLARE_FINAL_TYPE (TestWarden, test_warden, TEST, WARDEN, TroupeActor)

struct _TestWarden
{
  TroupeActor parent_instance;
};

G_DEFINE_FINAL_TYPE (TestWarden, test_warden, TROUPE_TYPE_ACTOR)

static guint n_left;
static guint n_terminated;

static void
spawn_faller (TroupeActor *actor)
{
  g_autoptr (TroupeRef) child = troupe_actor_spawn (actor, NULL, TEST_TYPE_FALLER, NULL, "name", "faller", NULL);
  g_autoptr (TroupeRef) mate = troupe_actor_spawn (actor, NULL, TEST_TYPE_MATE, NULL, NULL);

  g_assert_nonnull (child);
  g_assert_nonnull (mate);
  troupe_actor_watch (actor, child);
  troupe_ref_send (mate, troupe_message_new_boxed ("link", TROUPE_TYPE_REF, child));
}

static gboolean
on_run (TroupeActor    *actor,
        TroupeMessage  *message,
        GError        **error)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);

  troupe_supervision_set_back_off (supervision, 0, 0);
  troupe_actor_set_supervision (actor, supervision);
  spawn_faller (actor);
  return TRUE;
}

static gboolean
on_terminated (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  n_terminated++;
  if (n_left > 0)
    spawn_faller (actor);
  return TRUE;
}

static TroupeDirective
test_warden_child_failed (TroupeActor  *actor,
                          TroupeRef    *child,
                          const GError *error)
{
  if (troupe_ref_get_actor_type (child) == TEST_TYPE_MATE)
    return TROUPE_DIRECTIVE_STOP;

  return --n_left % LIVES == 0 ? TROUPE_DIRECTIVE_STOP : TROUPE_DIRECTIVE_RESTART;
}

static void
test_warden_child_terminated (TroupeActor       *actor,
                              TroupeTermination *termination)
{
  /* The warning of the default would be one for each. */
}

static void
test_warden_class_init (TestWardenClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  actor_class->child_failed = test_warden_child_failed;
  actor_class->child_terminated = test_warden_child_terminated;
  troupe_actor_class_bind (actor_class, "run", G_TYPE_NONE, on_run);
  troupe_actor_class_bind (actor_class, "terminated", TROUPE_TYPE_TERMINATION, on_terminated);
}

static void
test_warden_init (TestWarden *self)
{
}

/* Bytes in use; always 0 under valgrind and sanitizers, which look for what is lost. */
static gsize
run_cycles (TroupeRef *warden,
            guint      n_cycles)
{
  guint n_ends = n_terminated + n_cycles / LIVES;

  n_left = n_cycles;
  troupe_ref_send (warden, troupe_message_new ("run"));
  troupe_test_until (n_terminated == n_ends);
  troupe_test_settle ();
  g_assert_cmpuint (n_left, ==, 0);
  g_assert_cmpuint (troupe_system_get_n_actors (troupe_ref_get_system (warden)), ==, 1);

  return mallinfo2 ().uordblks;
}

static void
test_flat (void)
{
  const char *cycles = g_getenv ("TROUPE_TEST_CYCLES");
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) warden = troupe_system_spawn (system, "warden", TEST_TYPE_WARDEN, NULL, NULL);
  gsize before = run_cycles (warden, WARM_UP);
  gsize after = run_cycles (warden, cycles != NULL ? (guint) g_ascii_strtoull (cycles, NULL, 10) : 20000);

  g_test_summary ("Actors that are spawned, linked, fail, are restarted, fail again and end leave no memory behind.");

  g_assert_cmpuint (after, <, before + SLACK);
  troupe_test_system_end (system);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/supervision/memory", test_flat);

  return g_test_run ();
}
