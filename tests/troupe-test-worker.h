/* troupe-test-worker.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-test.h"

/* For tests of supervision: workers that fail where they are told to and tell the story of their lives, a boss with a policy for them,
 * and a fixture with a system. */

/* What the actors of these tests have done, in order, and what was said of them. */
static GString *story;
static guint n_warnings;
static char *last_warning;

static void G_GNUC_PRINTF (1, 2)
tell (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (story->len > 0)
    g_string_append_c (story, ' ');
  g_string_append_vprintf (story, format, args);
  va_end (args);
}

#define assert_story(expected)                  \
  G_STMT_START {                                \
    g_assert_cmpstr (story->str, ==, expected); \
    g_string_truncate (story, 0);               \
  } G_STMT_END

static inline void
count_warning (const char     *domain,
               GLogLevelFlags  level,
               const char     *message,
               gpointer        data)
{
  n_warnings++;
  g_free (last_warning);
  last_warning = g_strdup (message);
}

static GError *
new_error (void)
{
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NO_SPACE, "no room");
}

/* An actor that fails where it is told to, once, and tells the story of its life. */

typedef enum
{
  IN_STARTED,
  IN_HANDLER,
  IN_RECEIVE,
  IN_TIMER,
  IN_CONTINUATION,
  IN_LATE_CONTINUATION,
  IN_ACTOR_FAIL,
  IN_CHILD_TERMINATED,
  IN_PRE_RESTART,
  IN_POST_RESTART,
  IN_STOPPED,
  IN_CONNECTION_MADE,
  IN_DATA_RECEIVED,
  IN_CONNECTION_LOST,
  N_PLACES
} Place;

static const char *const places[N_PLACES] = {
  "started", "handler", "receive", "timer", "continuation", "late-continuation", "actor-fail", "child-terminated", "pre-restart",
  "post-restart", "stopped", "connection-made", "data-received", "connection-lost",
};

/* Which worker fails at which places, and how often still. */
static struct
{
  const char *label;
  guint       n_times[N_PLACES];
} faults;

#define TEST_TYPE_WORKER (test_worker_get_type ())
G_DECLARE_DERIVABLE_TYPE (TestWorker, test_worker, TEST, WORKER, TroupeActor)

struct _TestWorkerClass
{
  TroupeActorClass parent_class;
};

typedef struct
{
  char           *label;
  char           *crew;              /* labels of the children it spawns when it starts, or NULL */
  GObject        *heirloom;          /* what every life of it is given, or NULL */
  gint64          total;
  TroupeResolver *owed;
} TestWorkerPrivate;

enum { PROP_0, PROP_LABEL, PROP_CREW, PROP_HEIRLOOM, N_PROPS };

G_DEFINE_TYPE_WITH_PRIVATE (TestWorker, test_worker, TROUPE_TYPE_ACTOR)

static GParamSpec *properties[N_PROPS];

static TestWorkerPrivate *
priv_of (gpointer actor)
{
  return test_worker_get_instance_private (TEST_WORKER (actor));
}

static const char *
label_of (gpointer actor)
{
  return priv_of (actor)->label;
}

static gboolean
fails (gpointer actor,
       Place    place)
{
  if (faults.label == NULL || !g_str_equal (faults.label, label_of (actor)) || faults.n_times[place] == 0)
    return FALSE;

  faults.n_times[place]--;
  return TRUE;
}

static inline gboolean
check (gpointer   actor,
       Place      place,
       GError   **error)
{
  if (!fails (actor, place))
    return TRUE;

  g_propagate_error (error, new_error ());
  return FALSE;
}

static gboolean
on_say (TroupeActor    *actor,
        TroupeMessage  *message,
        GError        **error)
{
  tell ("%s:%s", label_of (actor), troupe_message_get_string (message));
  return TRUE;
}

static gboolean
on_add (TroupeActor    *actor,
        TroupeMessage  *message,
        GError        **error)
{
  priv_of (actor)->total += troupe_message_get_int64 (message);
  return TRUE;
}

static gboolean
on_total (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  troupe_message_reply_int64 (message, priv_of (actor)->total);
  return TRUE;
}

static gboolean
on_heirloom (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  troupe_message_reply_object (message, priv_of (actor)->heirloom);
  return TRUE;
}

static gboolean
on_later (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  g_clear_pointer (&priv_of (actor)->owed, troupe_resolver_unref);
  priv_of (actor)->owed = troupe_message_defer_reply (message);
  return TRUE;
}

static gboolean
on_spawn (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  const char *label = troupe_message_get_string (message);
  g_autoptr (TroupeRef) child = troupe_actor_spawn (actor, label, TEST_TYPE_WORKER, error, "label", label, NULL);

  return child != NULL;
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
on_terminated (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  TroupeTermination *termination = troupe_message_get_boxed (message);
  g_autofree char *path = troupe_ref_dup_path (troupe_termination_get_actor (termination));
  const GError *reason = troupe_termination_get_error (termination);

  tell ("%s:saw %s %d %s", label_of (actor), path, troupe_termination_get_end (termination),
        reason != NULL ? reason->message : "-");
  return TRUE;
}

static void
fail_in_timer (TroupeTimer *timer,
               gpointer     actor)
{
  troupe_actor_fail (actor, new_error ());
}

static void
fail_step (TroupePromise *promise,
           gpointer       user_data)
{
  troupe_promise_return_error (promise, new_error ());
}

static void
fail_by_chain (TroupePromise *promise)
{
  troupe_promise_add_callback (promise, fail_step, NULL, NULL);
  troupe_promise_or_fail (promise);
  troupe_promise_unref (promise);
}

/* Fails at the place whose number is the body. */
static gboolean
on_fail (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  g_autofree char *gone = g_strconcat (label_of (actor), "-gone", NULL);

  switch ((Place) troupe_message_get_int64 (message))
    {
    case IN_HANDLER:
      g_propagate_error (error, new_error ());
      return FALSE;

    case IN_TIMER:
      troupe_timer_unref (troupe_actor_call_later (actor, 0, fail_in_timer, actor, NULL));
      return TRUE;

    case IN_CONTINUATION:
      fail_by_chain (troupe_promise_new_resolved (NULL));
      return TRUE;

    case IN_LATE_CONTINUATION:
      fail_by_chain (troupe_sleep (0));
      return TRUE;

    case IN_ACTOR_FAIL:
      troupe_actor_fail (actor, new_error ());
      return TRUE;

    case IN_CHILD_TERMINATED:
      {
        g_autoptr (TroupeRef) child = troupe_actor_spawn (actor, NULL, TEST_TYPE_WORKER, error, "label", gone, NULL);

        troupe_ref_stop (child);
        return TRUE;
      }

    case IN_STARTED:
    case IN_RECEIVE:
    case IN_PRE_RESTART:
    case IN_POST_RESTART:
    case IN_STOPPED:
    case IN_CONNECTION_MADE:
    case IN_DATA_RECEIVED:
    case IN_CONNECTION_LOST:
    case N_PLACES:
    default:
      g_assert_not_reached ();
    }
}

static gboolean
test_worker_receive (TroupeActor    *actor,
                     TroupeMessage  *message,
                     GError        **error)
{
  if (g_str_equal (troupe_message_get_name (message), "receive"))
    return check (actor, IN_RECEIVE, error);

  return TROUPE_ACTOR_CLASS (test_worker_parent_class)->receive (actor, message, error);
}

static gboolean
test_worker_started (TroupeActor  *actor,
                     GError      **error)
{
  g_auto (GStrv) crew = g_strsplit (priv_of (actor)->crew != NULL ? priv_of (actor)->crew : "", " ", -1);

  tell ("%s:started", label_of (actor));
  for (guint i = 0; crew[i] != NULL; i++)
    {
      g_autoptr (TroupeRef) child = troupe_actor_spawn (actor, crew[i], TEST_TYPE_WORKER, error, "label", crew[i], NULL);

      g_assert_nonnull (child);
    }

  return check (actor, IN_STARTED, error);
}

static void
test_worker_stopped (TroupeActor *actor)
{
  tell ("%s:stopped", label_of (actor));
  if (fails (actor, IN_STOPPED))
    troupe_actor_fail (actor, new_error ());
}

static void
test_worker_child_terminated (TroupeActor       *actor,
                              TroupeTermination *termination)
{
  if (fails (actor, IN_CHILD_TERMINATED))
    troupe_actor_fail (actor, new_error ());
}

static void
test_worker_pre_restart (TroupeActor  *actor,
                         const GError *error)
{
  tell ("%s:pre", label_of (actor));
  g_assert_nonnull (error);
  if (fails (actor, IN_PRE_RESTART))
    troupe_actor_fail (actor, new_error ());
}

static void
test_worker_post_restart (TroupeActor  *actor,
                          const GError *error)
{
  tell ("%s:post", label_of (actor));
  g_assert_nonnull (error);
  if (fails (actor, IN_POST_RESTART))
    troupe_actor_fail (actor, new_error ());
}

static void
test_worker_set_property (GObject      *object,
                          guint         id,
                          const GValue *value,
                          GParamSpec   *pspec)
{
  if (id == PROP_LABEL)
    priv_of (object)->label = g_value_dup_string (value);
  else if (id == PROP_CREW)
    priv_of (object)->crew = g_value_dup_string (value);
  else
    priv_of (object)->heirloom = g_value_dup_object (value);
}

static void
test_worker_dispose (GObject *object)
{
  g_clear_pointer (&priv_of (object)->owed, troupe_resolver_unref);
  g_clear_object (&priv_of (object)->heirloom);
  G_OBJECT_CLASS (test_worker_parent_class)->dispose (object);
}

static void
test_worker_finalize (GObject *object)
{
  g_free (priv_of (object)->label);
  g_free (priv_of (object)->crew);
  G_OBJECT_CLASS (test_worker_parent_class)->finalize (object);
}

static void
test_worker_class_init (TestWorkerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);
  GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->set_property = test_worker_set_property;
  object_class->dispose = test_worker_dispose;
  object_class->finalize = test_worker_finalize;
  properties[PROP_LABEL] = g_param_spec_string ("label", NULL, NULL, "?", flags);
  properties[PROP_CREW] = g_param_spec_string ("crew", NULL, NULL, NULL, flags);
  properties[PROP_HEIRLOOM] = g_param_spec_object ("heirloom", NULL, NULL, G_TYPE_OBJECT, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  actor_class->receive = test_worker_receive;
  actor_class->started = test_worker_started;
  actor_class->stopped = test_worker_stopped;
  actor_class->child_terminated = test_worker_child_terminated;
  actor_class->pre_restart = test_worker_pre_restart;
  actor_class->post_restart = test_worker_post_restart;
  troupe_actor_class_bind (actor_class, "say", G_TYPE_STRING, on_say);
  troupe_actor_class_bind (actor_class, "add", G_TYPE_INT64, on_add);
  troupe_actor_class_bind (actor_class, "total", G_TYPE_NONE, on_total);
  troupe_actor_class_bind (actor_class, "heirloom", G_TYPE_NONE, on_heirloom);
  troupe_actor_class_bind (actor_class, "later", G_TYPE_NONE, on_later);
  troupe_actor_class_bind (actor_class, "spawn", G_TYPE_STRING, on_spawn);
  troupe_actor_class_bind (actor_class, "watch", TROUPE_TYPE_REF, on_watch);
  troupe_actor_class_bind (actor_class, "terminated", TROUPE_TYPE_TERMINATION, on_terminated);
  troupe_actor_class_bind (actor_class, "fail", G_TYPE_INT64, on_fail);
}

static void
test_worker_init (TestWorker *self)
{
}

/* A parent that has a policy for its children, who are a, b and c. */

#define TEST_TYPE_BOSS (test_boss_get_type ())
G_DECLARE_FINAL_TYPE (TestBoss, test_boss, TEST, BOSS, TestWorker)

struct _TestBoss
{
  TestWorker parent_instance;
};

G_DEFINE_FINAL_TYPE (TestBoss, test_boss, TEST_TYPE_WORKER)

static TroupeSupervision *boss_supervision;

static gboolean
test_boss_started (TroupeActor  *actor,
                   GError      **error)
{
  if (boss_supervision != NULL)
    troupe_actor_set_supervision (actor, boss_supervision);

  return TROUPE_ACTOR_CLASS (test_boss_parent_class)->started (actor, error);
}

static void
test_boss_class_init (TestBossClass *klass)
{
  TROUPE_ACTOR_CLASS (klass)->started = test_boss_started;
}

static void
test_boss_init (TestBoss *self)
{
}

/* Fixture */

typedef struct
{
  TroupeSystem *system;
  TroupeRef    *boss;
} Fixture;

static inline void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  story = g_string_new (NULL);
  n_warnings = 0;
  faults.label = NULL;
  memset (faults.n_times, 0, sizeof faults.n_times);
  fixture->system = troupe_test_system_new ();
}

static inline void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  troupe_test_system_end (fixture->system);
  g_clear_pointer (&fixture->boss, troupe_ref_unref);
  g_clear_pointer (&boss_supervision, troupe_supervision_free);
  g_string_free (story, TRUE);
}

static inline TroupeRef *
spawn (Fixture    *fixture,
       GType       type,
       const char *label,
       const char *crew)
{
  g_autoptr (GError) error = NULL;
  TroupeRef *ref = troupe_system_spawn (fixture->system, label, type, &error, "label", label, "crew", crew, NULL);

  g_assert_no_error (error);
  return ref;
}

/* A boss and its children a, b and c; what they tell of their birth is dropped. */
static inline void
spawn_boss (Fixture         *fixture,
            TroupeDirective  directive,
            TroupeStrategy   strategy)
{
  boss_supervision = troupe_supervision_new (directive);
  troupe_supervision_set_strategy (boss_supervision, strategy);
  fixture->boss = spawn (fixture, TEST_TYPE_BOSS, "boss", "a b c");
  troupe_test_settle ();
}

static inline TroupeRef *
child (Fixture    *fixture,
       const char *path)
{
  TroupeRef *ref = troupe_system_lookup (fixture->system, path);

  g_assert_nonnull (ref);
  return ref;
}

static inline void
say (TroupeRef  *ref,
     const char *what)
{
  troupe_ref_send (ref, troupe_message_new_string ("say", what));
}

static inline void
fail_at (TroupeRef *ref,
         Place      place)
{
  troupe_ref_send (ref, place == IN_RECEIVE ? troupe_message_new ("receive") : troupe_message_new_int64 ("fail", place));
}

static inline gint64
get_total (TroupeRef *ref)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (ref, troupe_message_new ("total"));

  troupe_test_until (troupe_promise_is_resolved (promise));
  troupe_test_settle ();
  return troupe_promise_get_int64 (promise);
}

static inline void
assert_rejected (TroupePromise *promise,
                 GQuark         domain,
                 int            code,
                 const char    *text)
{
  g_autoptr (GError) error = NULL;

  troupe_test_until (troupe_promise_is_resolved (promise));
  error = troupe_promise_steal_error (promise);
  g_assert_error (error, domain, code);
  g_assert_cmpstr (error->message, ==, text);
}

static inline void
watch (TroupeRef *watcher,
       TroupeRef *ref)
{
  troupe_ref_send (watcher, troupe_message_new_boxed ("watch", TROUPE_TYPE_REF, ref));
}

typedef void (*PolicyFunc) (Fixture         *fixture,
                            TroupeDirective  directive,
                            TroupeStrategy   strategy,
                            Place            place);

/* Runs FUNC for every directive with every strategy. */
static inline void
for_each_policy (PolicyFunc func,
                 Place      place)
{
  TroupeDirective directive;
  TroupeStrategy strategy;

  for (directive = TROUPE_DIRECTIVE_RESUME; directive <= TROUPE_DIRECTIVE_ESCALATE; directive++)
    for (strategy = TROUPE_STRATEGY_ONE_FOR_ONE; strategy <= TROUPE_STRATEGY_REST_FOR_ONE; strategy++)
      {
        Fixture fixture = { NULL };

        g_test_message ("%d %d %s", directive, strategy, places[place]);
        set_up (&fixture, NULL);
        func (&fixture, directive, strategy, place);
        tear_down (&fixture, NULL);
      }
}

typedef void (*PlaceFunc) (gconstpointer place);

/* A test of FUNC under PATH for each of PLACES. */
static inline void
add_places (const char  *path,
            const Place *among,
            guint        n_places,
            PlaceFunc    func)
{
  guint i;

  for (i = 0; i < n_places; i++)
    {
      g_autofree char *whole = g_strconcat ("/troupe/supervision/", path, "/", places[among[i]], NULL);

      g_test_add_data_func (whole, GINT_TO_POINTER (among[i]), func);
    }
}

#define add(path, func) \
  g_test_add ("/troupe/supervision/" path, Fixture, NULL, set_up, func, tear_down)

/* Actors that fail are worth a warning each: they are counted. */
static inline void
begin_tests (int    *argc,
             char ***argv)
{
  g_test_init (argc, argv, NULL);
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  g_log_set_handler ("Troupe", G_LOG_LEVEL_WARNING, count_warning, NULL);
}

static inline int
run_tests (void)
{
  int status = g_test_run ();

  g_free (last_warning);
  return status;
}
