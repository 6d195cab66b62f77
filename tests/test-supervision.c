/* test-supervision.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sys/socket.h>
#include <unistd.h>

#include "troupe-test.h"

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

static void
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

/* The same for connections, of which the second of a test may fail. */
static guint n_wires;
static Place wire_fault;

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

static gboolean
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

/* A worker whose failed messages are handled once more. */

#define TEST_TYPE_STUBBORN (test_stubborn_get_type ())
G_DECLARE_FINAL_TYPE (TestStubborn, test_stubborn, TEST, STUBBORN, TestWorker)

struct _TestStubborn
{
  TestWorker parent_instance;
};

G_DEFINE_FINAL_TYPE (TestStubborn, test_stubborn, TEST_TYPE_WORKER)

static gboolean
on_try (TroupeActor    *actor,
        TroupeMessage  *message,
        GError        **error)
{
  tell ("%s:try", label_of (actor));
  if (!check (actor, IN_HANDLER, error))
    return FALSE;

  troupe_message_reply_int64 (message, 42);
  return TRUE;
}

static void
test_stubborn_class_init (TestStubbornClass *klass)
{
  TROUPE_ACTOR_CLASS (klass)->replays = TRUE;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "try", G_TYPE_NONE, on_try);
}

static void
test_stubborn_init (TestStubborn *self)
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

/* A parent that decides on each failure by itself. */

#define TEST_TYPE_JUDGE (test_judge_get_type ())
G_DECLARE_FINAL_TYPE (TestJudge, test_judge, TEST, JUDGE, TestWorker)

struct _TestJudge
{
  TestWorker parent_instance;
};

G_DEFINE_FINAL_TYPE (TestJudge, test_judge, TEST_TYPE_WORKER)

static TroupeDirective judgement;

static TroupeDirective
test_judge_child_failed (TroupeActor  *actor,
                         TroupeRef    *child,
                         const GError *error)
{
  g_autofree char *name = troupe_ref_dup_name (child);

  tell ("%s:judges %s %s", label_of (actor), name, error->message);
  return judgement;
}

static void
test_judge_class_init (TestJudgeClass *klass)
{
  TROUPE_ACTOR_CLASS (klass)->child_failed = test_judge_child_failed;
}

static void
test_judge_init (TestJudge *self)
{
}

/* Fixture */

typedef struct
{
  TroupeSystem *system;
  TroupeRef    *boss;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  story = g_string_new (NULL);
  n_warnings = 0;
  n_wires = 0;
  wire_fault = N_PLACES;
  faults.label = NULL;
  memset (faults.n_times, 0, sizeof faults.n_times);
  fixture->system = troupe_test_system_new ();
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  troupe_test_system_end (fixture->system);
  g_clear_pointer (&fixture->boss, troupe_ref_unref);
  g_clear_pointer (&boss_supervision, troupe_supervision_free);
  g_string_free (story, TRUE);
}

static TroupeRef *
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
static void
spawn_boss (Fixture         *fixture,
            TroupeDirective  directive,
            TroupeStrategy   strategy)
{
  boss_supervision = troupe_supervision_new (directive);
  troupe_supervision_set_strategy (boss_supervision, strategy);
  fixture->boss = spawn (fixture, TEST_TYPE_BOSS, "boss", "a b c");
  troupe_test_settle ();
}

static TroupeRef *
child (Fixture    *fixture,
       const char *path)
{
  TroupeRef *ref = troupe_system_lookup (fixture->system, path);

  g_assert_nonnull (ref);
  return ref;
}

static void
say (TroupeRef  *ref,
     const char *what)
{
  troupe_ref_send (ref, troupe_message_new_string ("say", what));
}

static void
fail_at (TroupeRef *ref,
         Place      place)
{
  troupe_ref_send (ref, place == IN_RECEIVE ? troupe_message_new ("receive") : troupe_message_new_int64 ("fail", place));
}

static gint64
get_total (TroupeRef *ref)
{
  g_autoptr (TroupePromise) promise = troupe_ref_ask (ref, troupe_message_new ("total"));

  troupe_test_until (troupe_promise_is_resolved (promise));
  troupe_test_settle ();
  return troupe_promise_get_int64 (promise);
}

static void
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

/* Every directive, for every strategy, after a failure at every place */

static const Place turn_places[] = {
  IN_HANDLER, IN_RECEIVE, IN_TIMER, IN_CONTINUATION, IN_LATE_CONTINUATION, IN_ACTOR_FAIL, IN_CHILD_TERMINATED,
};

/* What comes of b's failure, told by a, b, c and, if it escalates, the boss. */
static const char *
get_expected (TroupeDirective directive,
              TroupeStrategy  strategy)
{
  static const char *const restarted[] = {
    "b:pre b:stopped b:started b:post",
    "c:pre c:stopped b:pre b:stopped a:pre a:stopped a:started a:post b:started b:post c:started c:post",
    "c:pre c:stopped b:pre b:stopped b:started b:post c:started c:post",
  };
  static const char *const stopped[] = { "b:stopped", "c:stopped b:stopped a:stopped", "c:stopped b:stopped" };

  switch (directive)
    {
    case TROUPE_DIRECTIVE_RESTART:
      return restarted[strategy];

    case TROUPE_DIRECTIVE_STOP:
      return stopped[strategy];

    case TROUPE_DIRECTIVE_ESCALATE:
      return "boss:pre c:stopped b:stopped a:stopped boss:stopped boss:started boss:post a:started b:started c:started";

    case TROUPE_DIRECTIVE_RESUME:
    default:
      return "";
    }
}

static void
check_combination (Fixture         *fixture,
                   TroupeDirective  directive,
                   TroupeStrategy   strategy,
                   Place            place)
{
  g_autoptr (TroupeRef) a = NULL;
  g_autoptr (TroupeRef) b = NULL;
  g_autofree char *expected = g_strdup (get_expected (directive, strategy));
  gboolean lives = directive <= TROUPE_DIRECTIVE_RESTART;

  g_test_message ("%d %d %s", directive, strategy, places[place]);
  spawn_boss (fixture, directive, strategy);
  a = child (fixture, "/boss/a");
  b = child (fixture, "/boss/b");
  g_string_truncate (story, 0);

  faults.label = "b";
  faults.n_times[place] = 1;
  troupe_ref_send (a, troupe_message_new_int64 ("add", 1));
  troupe_ref_send (b, troupe_message_new_int64 ("add", 1));
  fail_at (b, place);
  troupe_test_settle ();
  g_assert_cmpstr (story->str, ==, expected);
  g_string_truncate (story, 0);

  /* What was sent before is gone with the object, or is not; what is sent afterwards arrives if the ref still stands for an actor. */
  g_assert_cmpint (troupe_ref_has_ended (b), ==, !lives);
  if (lives)
    g_assert_cmpint (get_total (b), ==, directive == TROUPE_DIRECTIVE_RESUME ? 1 : 0);
  if (!troupe_ref_has_ended (a))
    g_assert_cmpint (get_total (a), ==,
                     directive == TROUPE_DIRECTIVE_RESTART && strategy == TROUPE_STRATEGY_ONE_FOR_ALL ? 0 : 1);
}

static void
test_matrix (gconstpointer data)
{
  Place place = GPOINTER_TO_INT (data);
  TroupeDirective directive;
  TroupeStrategy strategy;

  g_test_summary ("Each directive does what it says to those that each strategy names, wherever the failure was.");

  for (directive = TROUPE_DIRECTIVE_RESUME; directive <= TROUPE_DIRECTIVE_ESCALATE; directive++)
    for (strategy = TROUPE_STRATEGY_ONE_FOR_ONE; strategy <= TROUPE_STRATEGY_REST_FOR_ONE; strategy++)
      {
        Fixture fixture = { NULL };

        set_up (&fixture, NULL);
        check_combination (&fixture, directive, strategy, place);
        tear_down (&fixture, NULL);
      }
}

/* The same, with one more failure while the object ends. */
static void
test_matrix_ending (gconstpointer data)
{
  Place place = GPOINTER_TO_INT (data);
  TroupeDirective directive;
  TroupeStrategy strategy;

  g_test_summary ("That the object fails once more while it ends changes nothing of what becomes of it and of others.");

  for (directive = TROUPE_DIRECTIVE_RESUME; directive <= TROUPE_DIRECTIVE_ESCALATE; directive++)
    for (strategy = TROUPE_STRATEGY_ONE_FOR_ONE; strategy <= TROUPE_STRATEGY_REST_FOR_ONE; strategy++)
      {
        Fixture fixture = { NULL };

        set_up (&fixture, NULL);
        faults.n_times[place] = 1;
        check_combination (&fixture, directive, strategy, IN_HANDLER);
        tear_down (&fixture, NULL);
      }
}

/* What b's failure to start comes to, after it and its siblings have tried. */
static const char *
get_expected_unstarted (TroupeDirective directive,
                        TroupeStrategy  strategy)
{
  static const char *const restarted[] = {
    " b:started b:post",
    " c:pre c:stopped a:pre a:stopped a:started a:post b:started b:post c:started c:post",
    " c:pre c:stopped b:started b:post c:started c:post",
  };
  static const char *const stopped[] = { "", " c:stopped a:stopped", " c:stopped" };

  switch (directive)
    {
    case TROUPE_DIRECTIVE_RESUME:
    case TROUPE_DIRECTIVE_RESTART:
      return restarted[strategy];

    case TROUPE_DIRECTIVE_STOP:
      return stopped[strategy];

    case TROUPE_DIRECTIVE_ESCALATE:
    default:
      return " boss:pre c:stopped a:stopped boss:stopped boss:started boss:post a:started b:started c:started";
    }
}

static void
test_started (void)
{
  TroupeDirective directive;
  TroupeStrategy strategy;

  g_test_summary ("A failure to start is dealt with as others; there is nothing to resume, so that is a restart.");

  for (directive = TROUPE_DIRECTIVE_RESUME; directive <= TROUPE_DIRECTIVE_ESCALATE; directive++)
    for (strategy = TROUPE_STRATEGY_ONE_FOR_ONE; strategy <= TROUPE_STRATEGY_REST_FOR_ONE; strategy++)
      {
        g_autofree char *all = g_strconcat ("boss:started a:started b:started c:started",
                                            get_expected_unstarted (directive, strategy), NULL);
        Fixture fixture = { NULL };

        g_test_message ("%d %d", directive, strategy);
        set_up (&fixture, NULL);
        faults.label = "b";
        faults.n_times[IN_STARTED] = 1;
        spawn_boss (&fixture, directive, strategy);
        assert_story (all);
        tear_down (&fixture, NULL);
      }
}

/* … and of a child whose parent is restarted */

#define boss_restarted " boss:stopped boss:started boss:post a:started b:started c:started"

static void
watch (TroupeRef *watcher,
       TroupeRef *ref)
{
  troupe_ref_send (watcher, troupe_message_new_boxed ("watch", TROUPE_TYPE_REF, ref));
}

/* b fails in its handler, and the boss before it can decide on that; or b fails when the boss has it stopped. */
static void
check_child (Fixture         *fixture,
             TroupeDirective  directive,
             TroupeStrategy   strategy,
             Place            place)
{
  g_autoptr (TroupeRef) watcher = spawn (fixture, TEST_TYPE_WORKER, "x", NULL);
  g_autoptr (TroupeRef) a = NULL;
  g_autoptr (TroupeRef) b = NULL;
  g_autoptr (TroupeRef) again = NULL;

  g_test_message ("%d %d %s", directive, strategy, places[place]);
  spawn_boss (fixture, directive, strategy);
  a = child (fixture, "/boss/a");
  b = child (fixture, "/boss/b");
  watch (watcher, a);
  watch (watcher, b);
  troupe_test_settle ();
  g_string_truncate (story, 0);

  faults.label = "b";
  faults.n_times[place] = 1;
  fail_at (fixture->boss, IN_HANDLER);
  if (place == IN_HANDLER)
    fail_at (b, place);
  troupe_test_settle ();
  if (place == IN_HANDLER)
    assert_story ("boss:pre c:stopped b:stopped a:stopped x:saw /boss/b 1 no room x:saw /boss/a 0 -" boss_restarted);
  else
    assert_story ("boss:pre c:stopped b:stopped a:stopped x:saw /boss/b 0 - x:saw /boss/a 0 -" boss_restarted);
  g_assert_cmpuint (n_warnings, ==, 2);

  /* The policy is in force in the next life, too; there the next restart of the boss would have to wait. */
  again = child (fixture, "/boss/b");
  faults.n_times[place] = 0;
  fail_at (again, IN_HANDLER);
  troupe_test_settle ();
  if (directive != TROUPE_DIRECTIVE_ESCALATE)
    assert_story (get_expected (directive, strategy));
}

static void
test_matrix_child (gconstpointer data)
{
  Place place = GPOINTER_TO_INT (data);
  TroupeDirective directive;
  TroupeStrategy strategy;

  g_test_summary ("A child that fails while its parent is restarted ends with that parent's object, whatever the policy, and is built anew.");

  for (directive = TROUPE_DIRECTIVE_RESUME; directive <= TROUPE_DIRECTIVE_ESCALATE; directive++)
    for (strategy = TROUPE_STRATEGY_ONE_FOR_ONE; strategy <= TROUPE_STRATEGY_REST_FOR_ONE; strategy++)
      {
        Fixture fixture = { NULL };

        set_up (&fixture, NULL);
        check_child (&fixture, directive, strategy, place);
        tear_down (&fixture, NULL);
      }
}

static void
test_child_started (void)
{
  TroupeDirective directive;
  TroupeStrategy strategy;

  g_test_summary ("A child that fails to start in its parent's next life is dealt with as in the first.");

  for (directive = TROUPE_DIRECTIVE_RESUME; directive <= TROUPE_DIRECTIVE_ESCALATE; directive++)
    for (strategy = TROUPE_STRATEGY_ONE_FOR_ONE; strategy <= TROUPE_STRATEGY_REST_FOR_ONE; strategy++)
      {
        g_autofree char *all = g_strconcat ("boss:pre c:stopped b:stopped a:stopped" boss_restarted,
                                            get_expected_unstarted (directive, strategy), NULL);
        g_autoptr (TroupeClock) clock = NULL;
        Fixture fixture = { NULL };

        g_test_message ("%d %d", directive, strategy);
        set_up (&fixture, NULL);
        clock = troupe_clock_new (troupe_system_get_reactor (fixture.system));
        spawn_boss (&fixture, directive, strategy);
        g_string_truncate (story, 0);
        faults.label = "b";
        faults.n_times[IN_STARTED] = 1;
        fail_at (fixture.boss, IN_HANDLER);
        troupe_test_settle ();
        /* For the boss that would be the second restart in a row. */
        troupe_clock_advance (clock, 1000);
        assert_story (all);
        g_clear_object (&clock);
        tear_down (&fixture, NULL);
      }
}

static void
test_child_back_off (void)
{
  static const char *const stopped[] = { " c:stopped a:stopped", "", " a:stopped" };
  TroupeStrategy strategy;

  g_test_summary ("Children that wait for their next lives are not built any more when their parent is restarted; others stop.");

  for (strategy = TROUPE_STRATEGY_ONE_FOR_ONE; strategy <= TROUPE_STRATEGY_REST_FOR_ONE; strategy++)
    {
      g_autofree char *all = g_strconcat ("boss:pre", stopped[strategy], boss_restarted, NULL);
      g_autoptr (TroupeClock) clock = NULL;
      g_autoptr (TroupeRef) b = NULL;
      Fixture fixture = { NULL };

      set_up (&fixture, NULL);
      clock = troupe_clock_new (troupe_system_get_reactor (fixture.system));
      spawn_boss (&fixture, TROUPE_DIRECTIVE_RESTART, strategy);
      b = child (&fixture, "/boss/b");
      fail_at (b, IN_HANDLER);
      fail_at (b, IN_HANDLER);
      troupe_test_settle ();
      g_string_truncate (story, 0);
      fail_at (fixture.boss, IN_HANDLER);
      troupe_test_settle ();
      troupe_clock_advance (clock, 1000);
      assert_story (all);
      g_assert_true (troupe_ref_has_ended (b));
      g_clear_object (&clock);
      tear_down (&fixture, NULL);
    }
}

/* What a restart keeps, and what it does not */

static void
test_order (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupeRef) worker = spawn (fixture, TEST_TYPE_WORKER, "w", NULL);
  g_autoptr (TroupePromise) total = NULL;

  g_test_summary ("Mail that waits is handled after the restart, in the order in which it was sent.");

  troupe_test_settle ();
  say (worker, "1");
  fail_at (worker, IN_HANDLER);
  say (worker, "2");
  troupe_ref_send (worker, troupe_message_new_int64 ("add", 5));
  total = troupe_ref_ask (worker, troupe_message_new ("total"));
  say (worker, "3");
  troupe_test_settle ();
  assert_story ("w:started w:1 w:pre w:stopped w:started w:post w:2 w:3");
  g_assert_cmpint (troupe_promise_get_int64 (total), ==, 5);
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 0);
  g_assert_cmpstr (last_warning, ==, "The actor “/w” failed, and is restarted: no room");
}

static void
test_failed_ask (Fixture       *fixture,
                 gconstpointer  data)
{
  g_autoptr (TroupeRef) worker = spawn (fixture, TEST_TYPE_WORKER, "w", NULL);
  g_autoptr (TroupePromise) owed = troupe_ref_ask (worker, troupe_message_new ("later"));
  g_autoptr (TroupePromise) failed = troupe_ref_ask (worker, troupe_message_new_int64 ("fail", IN_HANDLER));

  g_test_summary ("Who asked what failed gets that error; what the old object still owed is rejected.");

  troupe_test_settle ();
  assert_rejected (failed, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "no room");
  assert_rejected (owed, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED, "The actor “/w” is being restarted: no room");
  assert_story ("w:started w:pre w:stopped w:started w:post");
}

static void
test_identity (Fixture       *fixture,
               gconstpointer  data)
{
  g_autoptr (TroupeRef) worker = spawn (fixture, TEST_TYPE_WORKER, "w", "kid");
  g_autoptr (TroupeRef) watcher = spawn (fixture, TEST_TYPE_WORKER, "x", NULL);
  g_autoptr (TroupeRef) found = NULL;

  g_test_summary ("Address, name, properties and watches, in both directions, are those of before; children are new.");

  troupe_ref_send (watcher, troupe_message_new_boxed ("watch", TROUPE_TYPE_REF, worker));
  troupe_ref_send (worker, troupe_message_new_boxed ("watch", TROUPE_TYPE_REF, watcher));
  troupe_test_settle ();
  assert_story ("w:started x:started kid:started");
  fail_at (worker, IN_HANDLER);
  troupe_test_settle ();
  assert_story ("w:pre kid:stopped w:stopped w:started w:post kid:started");
  found = child (fixture, "/w");
  g_assert_true (found == worker);

  troupe_ref_stop (watcher);
  troupe_test_settle ();
  assert_story ("x:stopped w:saw /x 0 -");
  troupe_ref_stop (worker);
  troupe_test_settle ();
  assert_story ("kid:stopped w:stopped");
}

static void
test_heirloom (Fixture       *fixture,
               gconstpointer  data)
{
  GObject *heirloom = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (TroupeRef) worker = NULL;
  g_autoptr (TroupePromise) promise = NULL;

  g_test_summary ("An object that is a construct property is passed on from life to life, and dropped at the end of the last.");

  g_object_add_weak_pointer (heirloom, (gpointer *) &heirloom);
  worker = troupe_system_spawn (fixture->system, "w", TEST_TYPE_WORKER, NULL, "heirloom", heirloom, NULL);
  g_object_unref (heirloom);
  fail_at (worker, IN_HANDLER);
  promise = troupe_ref_ask (worker, troupe_message_new ("heirloom"));
  troupe_test_until (troupe_promise_is_resolved (promise));
  g_assert_nonnull (heirloom);
  g_assert_true (troupe_promise_get_object (promise) == heirloom);
  g_clear_pointer (&promise, troupe_promise_unref);
  assert_story ("?:started ?:pre ?:stopped ?:started ?:post");

  troupe_ref_stop (worker);
  troupe_test_settle ();
  g_assert_null (heirloom);
  assert_story ("?:stopped");
}

static void
test_terminated (Fixture       *fixture,
                 gconstpointer  data)
{
  g_autoptr (TroupeRef) watcher = spawn (fixture, TEST_TYPE_WORKER, "x", NULL);
  g_autoptr (TroupeRef) b = NULL;
  g_autoptr (TroupePromise) never = NULL;

  g_test_summary ("The end of a restarted actor is told once, with how it ended and why.");

  spawn_boss (fixture, TROUPE_DIRECTIVE_RESTART, TROUPE_STRATEGY_ONE_FOR_ONE);
  b = child (fixture, "/boss/b");
  troupe_ref_send (watcher, troupe_message_new_boxed ("watch", TROUPE_TYPE_REF, b));
  troupe_test_settle ();
  g_string_truncate (story, 0);
  fail_at (b, IN_HANDLER);
  troupe_test_settle ();
  assert_story ("b:pre b:stopped b:started b:post");

  /* The next restart waits for its back-off: a stop then lets the failure stand. */
  fail_at (b, IN_HANDLER);
  never = troupe_ref_ask (b, troupe_message_new ("total"));
  say (b, "never");
  troupe_test_settle ();
  assert_story ("b:pre b:stopped");
  g_assert_false (troupe_promise_is_resolved (never));
  troupe_ref_stop (b);
  troupe_test_settle ();
  assert_story ("x:saw /boss/b 1 no room");
  assert_rejected (never, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED, "The actor “/boss/b” has stopped: no room");
  g_assert_cmpuint (troupe_system_get_n_dead_letters (fixture->system), ==, 1);
}

/* An actor that leaves all sorts of things behind when it fails. */

#define TEST_TYPE_MESSY (test_messy_get_type ())
G_DECLARE_FINAL_TYPE (TestMessy, test_messy, TEST, MESSY, TestWorker)

struct _TestMessy
{
  TestWorker parent_instance;
};

G_DEFINE_FINAL_TYPE (TestMessy, test_messy, TEST_TYPE_WORKER)

static TroupeResolver *left_behind;

static void
say_in_timer (TroupeTimer *timer,
              gpointer     actor)
{
  tell ("never");
}

static void
say_in_step (TroupePromise *promise,
             gpointer       user_data)
{
  tell ("never");
}

static void
say_in_canceller (TroupeResolver *resolver,
                  gpointer        user_data)
{
  tell ("never");
}

static void
say_freed (gpointer data)
{
  tell ("freed");
}

static gpointer
resolve_in_thread (gpointer resolver)
{
  troupe_resolver_resolve (resolver, NULL);
  troupe_resolver_unref (resolver);
  return NULL;
}

static void
promise_never (TroupeResolver **resolver)
{
  TroupePromise *promise = troupe_promise_new (resolver);

  troupe_promise_add_both (promise, say_in_step, NULL, say_freed);
  troupe_promise_unref (promise);
}

/* A timer, a promise that is resolved much later, one whose outcome is on its way from another thread, and a continuation that
 * lies in the mailbox already. */
static gboolean
on_mess (TroupeActor    *actor,
         TroupeMessage  *message,
         GError        **error)
{
  TroupeResolver *for_thread;

  troupe_timer_unref (troupe_actor_call_later (actor, 0, say_in_timer, actor, say_freed));
  promise_never (&left_behind);
  promise_never (&for_thread);
  g_thread_join (g_thread_new ("resolver", resolve_in_thread, for_thread));
  g_propagate_error (error, new_error ());
  return FALSE;
}

static gboolean
on_keep_promise (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  promise_never (&left_behind);
  return TRUE;
}

static gboolean
on_defer (TroupeActor    *actor,
          TroupeMessage  *message,
          GError        **error)
{
  left_behind = troupe_message_defer_reply (message);
  troupe_resolver_set_canceller (left_behind, say_in_canceller, actor, say_freed);
  return TRUE;
}

static void
test_messy_class_init (TestMessyClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "mess", G_TYPE_NONE, on_mess);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "keep-promise", G_TYPE_NONE, on_keep_promise);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "defer", G_TYPE_NONE, on_defer);
}

static void
test_messy_init (TestMessy *self)
{
}

static void
test_abandon (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeRef) worker = spawn (fixture, TEST_TYPE_MESSY, "w", NULL);

  g_test_summary ("Timers and promises of the old object are dropped, whenever their time or outcome comes.");

  troupe_ref_send (worker, troupe_message_new ("mess"));
  troupe_test_settle ();
  assert_story ("w:started w:pre w:stopped freed freed freed w:started w:post");
  troupe_resolver_resolve (left_behind, NULL);
  troupe_resolver_unref (left_behind);
  troupe_test_settle ();
  assert_story ("");
}

static void
test_abandon_queued (Fixture       *fixture,
                     gconstpointer  data)
{
  g_autoptr (TroupeRef) worker = spawn (fixture, TEST_TYPE_MESSY, "w", NULL);

  g_test_summary ("A continuation that lies in the mailbox behind what fails belongs to the old object.");

  troupe_ref_send (worker, troupe_message_new ("keep-promise"));
  troupe_test_settle ();
  fail_at (worker, IN_HANDLER);
  troupe_resolver_resolve (left_behind, NULL);
  troupe_resolver_unref (left_behind);
  say (worker, "x");
  troupe_test_settle ();
  assert_story ("w:started w:pre freed w:stopped w:started w:post w:x");
}

static void
test_abandon_canceller (Fixture       *fixture,
                        gconstpointer  data)
{
  g_autoptr (TroupeRef) worker = spawn (fixture, TEST_TYPE_MESSY, "w", NULL);
  g_autoptr (TroupePromise) answer = troupe_ref_ask (worker, troupe_message_new ("defer"));

  g_test_summary ("The news that an answer is cancelled does not reach an object that did not defer it.");

  troupe_test_settle ();
  fail_at (worker, IN_HANDLER);
  troupe_promise_cancel (answer);
  troupe_test_settle ();
  assert_story ("w:started w:pre w:stopped w:started w:post freed");
  assert_rejected (answer, TROUPE_ERROR, TROUPE_ERROR_CANCELLED, "The promise was cancelled");
  troupe_resolver_unref (left_behind);
}

/* Failures during a restart */

static void
test_fail_stopped (Fixture       *fixture,
                   gconstpointer  data)
{
  g_autoptr (TroupeRef) worker = spawn (fixture, TEST_TYPE_WORKER, "w", NULL);

  g_test_summary ("A failure in pre_restart or stopped is logged, and changes nothing.");

  troupe_test_settle ();
  faults.label = "w";
  faults.n_times[IN_PRE_RESTART] = faults.n_times[IN_STOPPED] = 1;
  fail_at (worker, IN_HANDLER);
  troupe_test_settle ();
  assert_story ("w:started w:pre w:stopped w:started w:post");
  g_assert_cmpuint (n_warnings, ==, 3);
  g_assert_cmpstr (last_warning, ==, "The actor “/w” failed again while ending: no room");

  faults.n_times[IN_STOPPED] = 1;
  troupe_ref_stop (worker);
  troupe_test_settle ();
  assert_story ("w:stopped");
  g_assert_true (troupe_ref_has_ended (worker));
}

static void
test_fail_again (Fixture       *fixture,
                 gconstpointer  data)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));
  g_autoptr (TroupeRef) worker = spawn (fixture, TEST_TYPE_WORKER, "w", NULL);

  g_test_summary ("A failure of the new object, in started or post_restart, is one more failure.");

  troupe_clock_advance (clock, 0);
  faults.label = "w";
  faults.n_times[IN_STARTED] = faults.n_times[IN_POST_RESTART] = 1;
  fail_at (worker, IN_HANDLER);
  say (worker, "x");
  troupe_clock_advance (clock, 0);
  assert_story ("w:started w:pre w:stopped w:started");
  troupe_clock_advance (clock, 100);
  assert_story ("w:started w:post w:pre w:stopped");
  troupe_clock_advance (clock, 200);
  assert_story ("w:started w:post w:x");
  g_assert_cmpuint (n_warnings, ==, 3);
}

static void
test_stop_during (Fixture       *fixture,
                  gconstpointer  data)
{
  g_autoptr (TroupeRef) b = NULL;

  g_test_summary ("A parent that stops does not wait for restarts.");

  spawn_boss (fixture, TROUPE_DIRECTIVE_RESTART, TROUPE_STRATEGY_ONE_FOR_ALL);
  b = child (fixture, "/boss/b");
  fail_at (b, IN_HANDLER);
  fail_at (b, IN_HANDLER);
  troupe_test_settle ();
  g_string_truncate (story, 0);
  troupe_ref_stop (fixture->boss);
  troupe_test_settle ();
  assert_story ("boss:stopped");
}

static void
test_kill_during (Fixture       *fixture,
                  gconstpointer  data)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));
  g_autoptr (TroupeRef) a = NULL;
  g_autoptr (TroupeRef) b = NULL;

  g_test_summary ("A member that is killed leaves a restart of several, which goes on without it.");

  boss_supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);
  troupe_supervision_set_strategy (boss_supervision, TROUPE_STRATEGY_ONE_FOR_ALL);
  fixture->boss = spawn (fixture, TEST_TYPE_BOSS, "boss", "a b c");
  troupe_clock_advance (clock, 0);
  a = child (fixture, "/boss/a");
  b = child (fixture, "/boss/b");
  fail_at (b, IN_HANDLER);
  fail_at (b, IN_HANDLER);
  troupe_clock_advance (clock, 0);
  g_string_truncate (story, 0);
  troupe_ref_kill (a);
  troupe_clock_advance (clock, 0);
  assert_story ("");
  g_assert_true (troupe_ref_has_ended (a));
  troupe_clock_advance (clock, 100);
  assert_story ("b:started b:post c:started c:post");
}

/* Policies */

static gpointer
stop_what_fails (gpointer system)
{
  troupe_test_stop_what_fails (system);
  return NULL;
}

static void
test_thread (Fixture       *fixture,
             gconstpointer  data)
{
  g_autoptr (TroupeRef) worker = NULL;

  g_test_summary ("Another thread can say what is done about actors at the top.");

  g_thread_join (g_thread_new ("policy", stop_what_fails, fixture->system));
  troupe_test_settle ();
  worker = spawn (fixture, TEST_TYPE_WORKER, "w", NULL);
  fail_at (worker, IN_HANDLER);
  troupe_test_settle ();
  assert_story ("w:started w:stopped");
}

static void
test_default (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeRef) never = NULL;

  g_test_summary ("By default, what has never started is stopped.");

  faults.label = "w";
  faults.n_times[IN_STARTED] = 1;
  never = spawn (fixture, TEST_TYPE_WORKER, "w", NULL);
  troupe_test_settle ();
  assert_story ("w:started");
  g_assert_true (troupe_ref_has_ended (never));
  g_assert_cmpstr (last_warning, ==, "The actor “/w” failed: no room");
}

static void
test_intensity (Fixture       *fixture,
                gconstpointer  data)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));
  g_autoptr (TroupeRef) b = NULL;
  g_autoptr (TroupeRef) again = NULL;

  g_test_summary ("More restarts than allowed, within the period, and the parent fails.");

  boss_supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);
  troupe_supervision_set_intensity (boss_supervision, 2, 1000);
  troupe_supervision_set_back_off (boss_supervision, 0, 0);
  fixture->boss = spawn (fixture, TEST_TYPE_BOSS, "boss", "b");
  troupe_clock_advance (clock, 0);
  b = child (fixture, "/boss/b");
  g_string_truncate (story, 0);

  fail_at (b, IN_HANDLER);
  troupe_clock_advance (clock, 0);
  troupe_clock_advance (clock, 600);
  fail_at (b, IN_HANDLER);
  troupe_clock_advance (clock, 600);
  fail_at (b, IN_HANDLER);
  troupe_clock_advance (clock, 0);
  assert_story ("b:pre b:stopped b:started b:post b:pre b:stopped b:started b:post b:pre b:stopped b:started b:post");

  fail_at (b, IN_HANDLER);
  troupe_clock_advance (clock, 0);
  assert_story ("boss:pre b:stopped boss:stopped boss:started boss:post b:started");
  g_assert_cmpstr (last_warning, ==, "The actor “/boss” failed, and is restarted: The actor “/boss/b” failed too often: no room");
  g_assert_cmpuint (n_warnings, ==, 4);
  g_assert_true (troupe_ref_has_ended (b));

  /* What was counted is not forgotten because the boss is a new one. */
  again = child (fixture, "/boss/b");
  fail_at (again, IN_HANDLER);
  troupe_clock_advance (clock, 0);
  assert_story ("boss:pre b:stopped boss:stopped");
}

static void
test_last_resort (Fixture       *fixture,
                  gconstpointer  data)
{
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));
  g_autoptr (TroupeRef) watcher = spawn (fixture, TEST_TYPE_WORKER, "x", NULL);
  g_autoptr (TroupeRef) a = NULL;
  g_autoptr (TroupeRef) b = NULL;
  g_autoptr (TroupePromise) never = NULL;

  g_test_summary ("Where the last resort is to stop, who fails too often ends alone, and none counts for another.");

  boss_supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);
  troupe_supervision_set_intensity (boss_supervision, 1, 1000);
  troupe_supervision_set_last_resort (boss_supervision, TROUPE_DIRECTIVE_STOP);
  troupe_supervision_set_back_off (boss_supervision, 0, 0);
  fixture->boss = spawn (fixture, TEST_TYPE_BOSS, "boss", "a b");
  troupe_clock_advance (clock, 0);
  a = child (fixture, "/boss/a");
  b = child (fixture, "/boss/b");
  troupe_ref_send (watcher, troupe_message_new_boxed ("watch", TROUPE_TYPE_REF, b));
  fail_at (a, IN_HANDLER);
  troupe_clock_advance (clock, 0);
  fail_at (b, IN_HANDLER);
  troupe_clock_advance (clock, 0);
  assert_story ("x:started boss:started a:started b:started a:pre a:stopped a:started a:post b:pre b:stopped b:started b:post");

  fail_at (b, IN_HANDLER);
  never = troupe_ref_ask (b, troupe_message_new ("total"));
  troupe_clock_advance (clock, 0);
  assert_story ("b:stopped x:saw /boss/b 1 The actor “/boss/b” failed too often: no room");
  g_assert_cmpuint (n_warnings, ==, 2);
  g_assert_true (troupe_ref_has_ended (b));
  assert_rejected (never, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED,
                   "The actor “/boss/b” has stopped: The actor “/boss/b” failed too often: no room");

  troupe_clock_advance (clock, 1001);
  fail_at (a, IN_HANDLER);
  troupe_clock_advance (clock, 0);
  assert_story ("a:pre a:stopped a:started a:post");
  g_assert_false (troupe_ref_has_ended (fixture->boss));
}

static void
test_back_off (Fixture       *fixture,
               gconstpointer  data)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);
  g_autoptr (TroupeClock) clock = troupe_clock_new (troupe_system_get_reactor (fixture->system));
  g_autoptr (TroupeRef) worker = NULL;
  guint ceiling = 100;
  gboolean jitters = FALSE;

  g_test_summary ("Restarts in a row wait for twice as long each time, or half of that; who has lived long begins anew.");

  troupe_supervision_set_back_off (supervision, 100, 1000);
  troupe_system_set_supervision (fixture->system, supervision);
  troupe_system_set_seed (fixture->system, 7);
  worker = spawn (fixture, TEST_TYPE_WORKER, "w", NULL);
  troupe_clock_advance (clock, 0);
  fail_at (worker, IN_HANDLER);
  troupe_clock_advance (clock, 0);
  assert_story ("w:started w:pre w:stopped w:started w:post");

  for (guint i = 0; i < 7; i++)
    {
      guint waited = 0;

      fail_at (worker, IN_HANDLER);
      troupe_clock_advance (clock, 0);
      assert_story ("w:pre w:stopped");
      for (; story->len == 0; waited++)
        troupe_clock_advance (clock, 1);
      assert_story ("w:started w:post");
      g_assert_cmpuint (waited, >=, ceiling / 2);
      g_assert_cmpuint (waited, <=, ceiling);
      jitters = jitters || (waited != ceiling && waited != ceiling / 2);
      ceiling = MIN (2 * ceiling, 1000);
    }
  g_assert_true (jitters);

  troupe_clock_advance (clock, 1000);
  fail_at (worker, IN_HANDLER);
  troupe_clock_advance (clock, 0);
  assert_story ("w:pre w:stopped w:started w:post");
}

static void
test_give_up (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);
  g_autoptr (TroupeRef) worker = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("What is escalated at the top ends the system, in good order, and its run with an error.");

  troupe_supervision_set_intensity (supervision, 0, 1000);
  troupe_system_set_supervision (fixture->system, supervision);
  worker = spawn (fixture, TEST_TYPE_WORKER, "w", "kid");
  troupe_test_settle ();
  fail_at (worker, IN_HANDLER);
  g_assert_false (troupe_system_run (fixture->system, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_GAVE_UP);
  g_assert_cmpstr (error->message, ==, "The actor “/w” failed too often: no room");
  g_assert_error (troupe_error_get_cause (error), G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_error (troupe_system_get_error (fixture->system), TROUPE_ERROR, TROUPE_ERROR_GAVE_UP);
  g_assert_true (troupe_system_has_ended (fixture->system));
  assert_story ("w:started kid:started kid:stopped w:stopped");
}

static void
test_judge (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TroupeRef) judge = spawn (fixture, TEST_TYPE_JUDGE, "j", "a b");
  g_autoptr (TroupeRef) a = NULL;
  g_autoptr (TroupeRef) b = NULL;

  g_test_summary ("A class may decide on each failure, before it handles other mail.");

  troupe_test_settle ();
  a = child (fixture, "/j/a");
  b = child (fixture, "/j/b");
  g_string_truncate (story, 0);

  judgement = TROUPE_DIRECTIVE_RESUME;
  fail_at (a, IN_HANDLER);
  say (a, "still here");
  say (judge, "later");
  troupe_test_settle ();
  assert_story ("j:judges a no room j:later a:still here");

  judgement = TROUPE_DIRECTIVE_RESTART;
  fail_at (a, IN_HANDLER);
  fail_at (b, IN_HANDLER);
  troupe_test_settle ();
  assert_story ("j:judges a no room j:judges b no room a:pre a:stopped a:started a:post b:pre b:stopped b:started b:post");

  judgement = TROUPE_DIRECTIVE_STOP;
  fail_at (b, IN_HANDLER);
  troupe_test_settle ();
  assert_story ("j:judges b no room b:stopped");

  judgement = TROUPE_DIRECTIVE_ESCALATE;
  fail_at (a, IN_HANDLER);
  troupe_test_settle ();
  assert_story ("j:judges a no room j:pre a:stopped j:stopped j:started j:post a:started b:started");
  g_assert_cmpuint (n_warnings, ==, 1);
}

static void
test_resume_all (Fixture       *fixture,
                 gconstpointer  data)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESUME);
  g_autoptr (TroupeRef) a = NULL;
  g_autoptr (TroupeRef) b = NULL;

  g_test_summary ("A parent that is resumed resumes the child it failed for, and decides on others.");

  troupe_system_set_supervision (fixture->system, supervision);
  spawn_boss (fixture, TROUPE_DIRECTIVE_ESCALATE, TROUPE_STRATEGY_ONE_FOR_ONE);
  a = child (fixture, "/boss/a");
  b = child (fixture, "/boss/b");
  g_string_truncate (story, 0);
  fail_at (a, IN_HANDLER);
  fail_at (b, IN_HANDLER);
  say (a, "1");
  say (b, "2");
  say (fixture->boss, "0");
  troupe_test_settle ();
  g_assert_cmpuint (n_warnings, ==, 2);
  g_assert_nonnull (strstr (story->str, "a:1"));
  g_assert_nonnull (strstr (story->str, "b:2"));
  g_assert_nonnull (strstr (story->str, "boss:0"));
  g_assert_cmpuint (story->len, ==, strlen ("a:1 b:2 boss:0"));
}

static void
test_mortal (Fixture       *fixture,
             gconstpointer  data)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESTART);
  g_autoptr (TroupeRef) worker = NULL;

  g_test_summary ("Who was spawned where nothing is restarted cannot be restarted later: its properties were not kept.");

  troupe_test_stop_what_fails (fixture->system);
  worker = spawn (fixture, TEST_TYPE_WORKER, "w", NULL);
  troupe_test_settle ();
  troupe_system_set_supervision (fixture->system, supervision);
  fail_at (worker, IN_HANDLER);
  troupe_test_settle ();
  assert_story ("w:started w:stopped");
  g_assert_true (troupe_ref_has_ended (worker));
}

static void
test_replay (Fixture       *fixture,
             gconstpointer  data)
{
  g_autoptr (TroupeRef) worker = NULL;
  g_autoptr (TroupePromise) first = NULL;
  g_autoptr (TroupePromise) second = NULL;

  g_test_summary ("A class may have what failed handled once more: first of all, and who asked waits for that.");

  worker = spawn (fixture, TEST_TYPE_STUBBORN, "w", NULL);
  faults.label = "w";
  faults.n_times[IN_HANDLER] = 1;
  first = troupe_ref_ask (worker, troupe_message_new ("try"));
  say (worker, "next");
  troupe_test_settle ();
  assert_story ("w:started w:try w:pre w:stopped w:started w:post w:try w:next");
  g_assert_cmpint (troupe_promise_get_int64 (first), ==, 42);

  /* In its back-off, it is stopped instead. */
  faults.n_times[IN_HANDLER] = 1;
  second = troupe_ref_ask (worker, troupe_message_new ("try"));
  troupe_test_settle ();
  g_assert_false (troupe_promise_is_resolved (second));
  troupe_ref_stop (worker);
  troupe_test_settle ();
  assert_rejected (second, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "no room");
}

static void
test_replay_resume (Fixture       *fixture,
                    gconstpointer  data)
{
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_RESUME);
  g_autoptr (TroupeRef) worker = NULL;
  g_autoptr (TroupePromise) first = NULL;

  g_test_summary ("Who is resumed goes on with the next message, whatever the class says.");

  troupe_system_set_supervision (fixture->system, supervision);
  worker = spawn (fixture, TEST_TYPE_STUBBORN, "w", NULL);
  faults.label = "w";
  faults.n_times[IN_HANDLER] = 1;
  first = troupe_ref_ask (worker, troupe_message_new ("try"));
  say (worker, "next");
  troupe_test_settle ();
  assert_story ("w:started w:try w:next");
  assert_rejected (first, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "no room");
}

static void
test_tree (Fixture       *fixture,
           gconstpointer  data)
{
  g_autofree char *text = NULL;
  g_autoptr (TroupeRef) b = NULL;

  g_test_summary ("The tree of a system can be looked at.");

  spawn_boss (fixture, TROUPE_DIRECTIVE_RESTART, TROUPE_STRATEGY_ONE_FOR_ONE);
  b = child (fixture, "/boss/b");
  fail_at (b, IN_HANDLER);
  fail_at (b, IN_HANDLER);
  say (b, "later");
  troupe_test_settle ();
  say (fixture->boss, "now");
  text = troupe_system_dump_tree (fixture->system);
  g_assert_cmpstr (text, ==,
                   "/ TroupeActor: live, 0 waiting, 0 restarts\n"
                   "  /boss TestBoss: live, 1 waiting, 0 restarts\n"
                   "    /boss/a TestWorker: live, 0 waiting, 0 restarts\n"
                   "    /boss/b TestWorker: restarting, 1 waiting, 1 restarts\n"
                   "    /boss/c TestWorker: live, 0 waiting, 0 restarts\n");
}

/* Connections: they echo, and the second of a test fails where it is told to. */

#define TEST_TYPE_WIRE (test_wire_get_type ())
G_DECLARE_FINAL_TYPE (TestWire, test_wire, TEST, WIRE, TroupeProtocol)

struct _TestWire
{
  TroupeProtocol parent_instance;

  guint          number;
};

G_DEFINE_FINAL_TYPE (TestWire, test_wire, TROUPE_TYPE_PROTOCOL)

static gboolean
check_wire (gpointer   wire,
            Place      place,
            GError   **error)
{
  if (wire_fault != place || TEST_WIRE (wire)->number != 2)
    return TRUE;

  g_propagate_error (error, new_error ());
  return FALSE;
}

static gboolean
test_wire_made (TroupeProtocol  *protocol,
                GError         **error)
{
  TEST_WIRE (protocol)->number = ++n_wires;
  tell ("%u:made", n_wires);
  return check_wire (protocol, IN_CONNECTION_MADE, error);
}

static gboolean
test_wire_received (TroupeProtocol  *protocol,
                    const guint8    *bytes,
                    gsize            length,
                    GError         **error)
{
  troupe_transport_write (troupe_protocol_get_transport (protocol), bytes, length);
  return check_wire (protocol, IN_DATA_RECEIVED, error);
}

static void
test_wire_lost (TroupeProtocol *protocol,
                const GError   *reason)
{
  g_autoptr (GError) error = NULL;

  tell ("%u:lost", TEST_WIRE (protocol)->number);
  if (!check_wire (protocol, IN_CONNECTION_LOST, &error))
    troupe_actor_fail (TROUPE_ACTOR (protocol), g_steal_pointer (&error));
}

static void
test_wire_stopped (TroupeActor *actor)
{
  g_autoptr (GError) error = NULL;

  tell ("%u:stopped", TEST_WIRE (actor)->number);
  if (!check_wire (actor, IN_STOPPED, &error))
    troupe_actor_fail (actor, g_steal_pointer (&error));
}

static gboolean
on_wire_fail (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  if (wire_fault == IN_TIMER)
    troupe_timer_unref (troupe_actor_call_later (actor, 0, fail_in_timer, actor, NULL));
  else if (wire_fault == IN_LATE_CONTINUATION)
    fail_by_chain (troupe_sleep (0));

  return check_wire (actor, IN_HANDLER, error);
}

static void
test_wire_class_init (TestWireClass *klass)
{
  TROUPE_PROTOCOL_CLASS (klass)->connection_made = test_wire_made;
  TROUPE_PROTOCOL_CLASS (klass)->data_received = test_wire_received;
  TROUPE_PROTOCOL_CLASS (klass)->connection_lost = test_wire_lost;
  TROUPE_ACTOR_CLASS (klass)->stopped = test_wire_stopped;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "fail", G_TYPE_NONE, on_wire_fail);
}

static void
test_wire_init (TestWire *self)
{
}

/* A factory with the boss's policy, which says when it is asked. */

#define TEST_TYPE_HALL (test_hall_get_type ())
G_DECLARE_FINAL_TYPE (TestHall, test_hall, TEST, HALL, TroupeFactory)

struct _TestHall
{
  TroupeFactory parent_instance;
};

G_DEFINE_FINAL_TYPE (TestHall, test_hall, TROUPE_TYPE_FACTORY)

static gboolean
on_hall_fail (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  g_propagate_error (error, new_error ());
  return FALSE;
}

static void
test_hall_start (TroupeFactory *factory)
{
  tell ("open");
}

static void
test_hall_stop (TroupeFactory *factory)
{
  tell ("close");
}

static gboolean
on_hall_spawn (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  g_autoptr (TroupeRef) child = troupe_actor_spawn (actor, "w", TEST_TYPE_WORKER, error, "label", "w", NULL);

  return child != NULL;
}

static gboolean
test_hall_started (TroupeActor  *actor,
                   GError      **error)
{
  if (boss_supervision != NULL)
    troupe_actor_set_supervision (actor, boss_supervision);

  return TRUE;
}

static TroupeDirective
test_hall_child_failed (TroupeActor  *actor,
                        TroupeRef    *child,
                        const GError *error)
{
  tell ("asked");
  return TROUPE_ACTOR_CLASS (test_hall_parent_class)->child_failed (actor, child, error);
}

static void
test_hall_class_init (TestHallClass *klass)
{
  TROUPE_FACTORY_CLASS (klass)->start_factory = test_hall_start;
  TROUPE_FACTORY_CLASS (klass)->stop_factory = test_hall_stop;
  TROUPE_ACTOR_CLASS (klass)->started = test_hall_started;
  TROUPE_ACTOR_CLASS (klass)->child_failed = test_hall_child_failed;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "spawn", G_TYPE_NONE, on_hall_spawn);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "fail", G_TYPE_NONE, on_hall_fail);
}

static void
test_hall_init (TestHall *self)
{
}

static TroupeRef *
spawn_hall (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  TroupeRef *hall = troupe_system_spawn (fixture->system, "hall", TEST_TYPE_HALL, &error,
                                         "protocol-type", TEST_TYPE_WIRE, NULL);

  g_assert_no_error (error);
  return hall;
}

/* A connected client: its descriptor, and in CONNECTION the address of the actor. */
static int
connect_to (Fixture    *fixture,
            TroupeRef  *hall,
            TroupeRef **connection)
{
  int pair[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), ==, 0);
  *connection = troupe_test_adopt (fixture->system, pair[0], hall);
  return pair[1];
}

static void
send_text (int         fd,
           const char *text)
{
  g_assert_cmpint (send (fd, text, strlen (text), 0), ==, strlen (text));
}

static void
assert_echo (int         fd,
             const char *text)
{
  char buffer[100] = "";
  gssize n;

  send_text (fd, text);
  while ((n = recv (fd, buffer, sizeof buffer - 1, MSG_DONTWAIT)) < 0)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpint (n, ==, strlen (text));
  g_assert_cmpstr (buffer, ==, text);
}

/* Three clients of FACTORY, and the addresses of their connections; the second may have gone already. */
typedef struct
{
  TroupeRef *hall;
  TroupeRef *wires[3];
  int        fds[3];
} Clients;

static void
clients_begin (Clients         *self,
               Fixture         *fixture,
               TroupeDirective  directive,
               TroupeStrategy   strategy)
{
  guint i;

  boss_supervision = troupe_supervision_new (directive);
  troupe_supervision_set_strategy (boss_supervision, strategy);
  self->hall = spawn_hall (fixture);
  for (i = 0; i < G_N_ELEMENTS (self->wires); i++)
    self->fds[i] = connect_to (fixture, self->hall, &self->wires[i]);
  troupe_test_settle ();
}

static void
clients_end (Clients *self)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (self->wires); i++)
    {
      close (self->fds[i]);
      troupe_ref_unref (self->wires[i]);
    }
  troupe_ref_unref (self->hall);
}

static void
fail_wire (Clients *clients,
           Place    place)
{
  if (place == IN_CONNECTION_LOST)
    shutdown (clients->fds[1], SHUT_RDWR);
  else if (place == IN_DATA_RECEIVED)
    send_text (clients->fds[1], "!");
  else if (place == IN_STOPPED)
    troupe_ref_stop (clients->wires[1]);
  else if (place != IN_CONNECTION_MADE)
    troupe_ref_send (clients->wires[1], troupe_message_new ("fail"));
}

static void
check_connection (Fixture         *fixture,
                  TroupeDirective  directive,
                  TroupeStrategy   strategy,
                  Place            place)
{
  g_autoptr (TroupeRef) watcher = spawn (fixture, TEST_TYPE_WORKER, "x", NULL);
  g_autoptr (TroupeRef) next = NULL;
  g_autofree char *expected = NULL;
  Clients clients;
  int next_fd;

  g_test_message ("%d %d %s", directive, strategy, places[place]);
  wire_fault = place;
  clients_begin (&clients, fixture, directive, strategy);
  watch (watcher, clients.wires[1]);
  fail_wire (&clients, place);
  troupe_test_until (troupe_ref_has_ended (clients.wires[1]));
  troupe_test_settle ();

  expected = g_strdup_printf ("x:started 1:made 2:made %s%s",
                              place == IN_CONNECTION_MADE ? "2:lost 2:stopped 3:made" : "3:made 2:lost 2:stopped",
                              place == IN_STOPPED ? " x:saw /hall/connection-4 0 -" : " x:saw /hall/connection-4 1 no room");
  assert_story (expected);
  g_assert_cmpuint (n_warnings, ==, 1);
  g_assert_cmpstr (last_warning, ==,
                   place == IN_STOPPED ? "The actor “/hall/connection-4” failed again while ending: no room"
                                       : "The actor “/hall/connection-4” failed: no room");

  /* Nobody else has noticed, and there is room for more. */
  assert_echo (clients.fds[0], "hello");
  assert_echo (clients.fds[2], "hello");
  next_fd = connect_to (fixture, clients.hall, &next);
  assert_echo (next_fd, "again");
  assert_story ("4:made");
  close (next_fd);
  clients_end (&clients);
}

static const Place wire_places[] = {
  IN_CONNECTION_MADE, IN_DATA_RECEIVED, IN_CONNECTION_LOST, IN_HANDLER, IN_TIMER, IN_LATE_CONTINUATION, IN_STOPPED,
};

static void
test_matrix_connection (gconstpointer data)
{
  Place place = GPOINTER_TO_INT (data);
  TroupeDirective directive;
  TroupeStrategy strategy;

  g_test_summary ("A connection that fails is dropped, whatever the policy; its factory is not asked, and goes on, as do others.");

  for (directive = TROUPE_DIRECTIVE_RESUME; directive <= TROUPE_DIRECTIVE_ESCALATE; directive++)
    for (strategy = TROUPE_STRATEGY_ONE_FOR_ONE; strategy <= TROUPE_STRATEGY_REST_FOR_ONE; strategy++)
      {
        Fixture fixture = { NULL };

        set_up (&fixture, NULL);
        check_connection (&fixture, directive, strategy, place);
        tear_down (&fixture, NULL);
      }
}

/* What comes of it when a worker of the factory's fails, told by connections before it and behind it, and by the factory. */
static const char *
get_expected_beside (TroupeDirective directive,
                     TroupeStrategy  strategy)
{
  static const char *const restarted[] = {
    "asked w:pre w:stopped w:started w:post",
    "asked w:pre w:stopped w:started w:post 4:lost 4:stopped 3:lost 3:stopped 2:lost 2:stopped 1:lost 1:stopped",
    "asked w:pre w:stopped w:started w:post 4:lost 4:stopped",
  };
  static const char *const stopped[] = {
    "asked w:stopped",
    "asked w:stopped 4:lost 4:stopped 3:lost 3:stopped 2:lost 2:stopped 1:lost 1:stopped",
    "asked w:stopped 4:lost 4:stopped",
  };

  switch (directive)
    {
    case TROUPE_DIRECTIVE_RESTART:
      return restarted[strategy];

    case TROUPE_DIRECTIVE_STOP:
      return stopped[strategy];

    case TROUPE_DIRECTIVE_ESCALATE:
      return "asked w:stopped 4:lost 4:stopped 3:lost 3:stopped 2:lost 2:stopped 1:lost 1:stopped";

    case TROUPE_DIRECTIVE_RESUME:
    default:
      return "asked";
    }
}

static void
check_beside (Fixture         *fixture,
              TroupeDirective  directive,
              TroupeStrategy   strategy)
{
  g_autoptr (TroupeRef) worker = NULL;
  g_autoptr (TroupeRef) last = NULL;
  g_autoptr (TroupeRef) next = NULL;
  Clients clients;
  int last_fd, next_fd;

  g_test_message ("%d %d", directive, strategy);
  clients_begin (&clients, fixture, directive, strategy);
  troupe_ref_send (clients.hall, troupe_message_new ("spawn"));
  troupe_test_settle ();
  last_fd = connect_to (fixture, clients.hall, &last);
  worker = child (fixture, "/hall/w");
  troupe_test_settle ();
  assert_story ("1:made 2:made 3:made w:started 4:made");

  fail_at (worker, IN_HANDLER);
  troupe_test_settle ();
  assert_story (get_expected_beside (directive, strategy));
  g_assert_false (troupe_ref_has_ended (clients.hall));
  next_fd = connect_to (fixture, clients.hall, &next);
  assert_echo (next_fd, "again");
  close (next_fd);
  close (last_fd);
  clients_end (&clients);
}

static void
test_beside (void)
{
  TroupeDirective directive;
  TroupeStrategy strategy;

  g_test_summary ("Connections may share the fate of a sibling that fails; where that is to be restarted, they stop.");

  for (directive = TROUPE_DIRECTIVE_RESUME; directive <= TROUPE_DIRECTIVE_ESCALATE; directive++)
    for (strategy = TROUPE_STRATEGY_ONE_FOR_ONE; strategy <= TROUPE_STRATEGY_REST_FOR_ONE; strategy++)
      {
        Fixture fixture = { NULL };

        set_up (&fixture, NULL);
        check_beside (&fixture, directive, strategy);
        tear_down (&fixture, NULL);
      }
}

/* A connection that wants to be restarted. */

#define TEST_TYPE_LASTING (test_lasting_get_type ())
G_DECLARE_FINAL_TYPE (TestLasting, test_lasting, TEST, LASTING, TroupeProtocol)

struct _TestLasting
{
  TroupeProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (TestLasting, test_lasting, TROUPE_TYPE_PROTOCOL)

static gboolean
test_lasting_received (TroupeProtocol  *protocol,
                       const guint8    *bytes,
                       gsize            length,
                       GError         **error)
{
  g_propagate_error (error, new_error ());
  return FALSE;
}

static void
test_lasting_class_init (TestLastingClass *klass)
{
  TROUPE_ACTOR_CLASS (klass)->temporary = FALSE;
  TROUPE_PROTOCOL_CLASS (klass)->data_received = test_lasting_received;
}

static void
test_lasting_init (TestLasting *self)
{
}

static void
test_lasting (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeRef) factory = troupe_factory_spawn (fixture->system, NULL, TEST_TYPE_LASTING, NULL);
  g_autoptr (TroupeRef) connection = NULL;
  int fd;

  g_test_summary ("A connection is not restarted, whatever its class says.");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "TestLasting says that it is not temporary*");
  fd = connect_to (fixture, factory, &connection);
  g_test_assert_expected_messages ();
  send_text (fd, "!");
  troupe_test_until (troupe_ref_has_ended (connection));
  close (fd);
}

static int
dial (TroupePort *port)
{
  GSocketAddress *address = troupe_port_get_address (port);
  struct sockaddr_storage native;
  int fd = socket (AF_INET, SOCK_STREAM, 0);

  g_assert_true (g_socket_address_to_native (address, &native, sizeof native, NULL));
  g_assert_cmpint (connect (fd, (struct sockaddr *) &native, g_socket_address_get_native_size (address)), ==, 0);
  return fd;
}

static void
test_factory (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TroupeRef) hall = spawn_hall (fixture);
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupePort) port = troupe_listen (fixture->system, "tcp:0:interface=127.0.0.1", hall, &error);
  g_autoptr (TroupePromise) end = NULL;
  int old_fd, new_fd;

  g_test_summary ("A factory that is restarted loses its connections, and goes on listening.");

  g_assert_no_error (error);
  old_fd = dial (port);
  assert_echo (old_fd, "hello");
  assert_story ("open 1:made");

  troupe_ref_send (hall, troupe_message_new ("fail"));
  new_fd = dial (port);
  assert_echo (new_fd, "hello");
  assert_story ("close 1:lost 1:stopped open 2:made");
  close (old_fd);
  close (new_fd);
  troupe_test_settle ();
  g_string_truncate (story, 0);

  end = troupe_port_stop (port);
  troupe_test_until (troupe_promise_is_resolved (end));
  troupe_test_settle ();
  assert_story ("close");
}

static void
test_factory_stop (Fixture       *fixture,
                   gconstpointer  data)
{
  g_autoptr (TroupeRef) hall = spawn_hall (fixture);
  g_autoptr (TroupePort) port = troupe_listen (fixture->system, "tcp:0:interface=127.0.0.1", hall, NULL);
  g_autoptr (TroupePort) other = troupe_listen (fixture->system, "tcp:0:interface=127.0.0.1", hall, NULL);
  g_autoptr (TroupePromise) end = NULL;

  g_test_summary ("A port can be stopped while its factory is restarted, and ends with it if that is stopped instead.");

  troupe_test_settle ();
  troupe_ref_send (hall, troupe_message_new ("fail"));
  troupe_ref_send (hall, troupe_message_new ("fail"));
  troupe_test_settle ();
  assert_story ("open close open close");
  end = troupe_port_stop (port);
  troupe_ref_stop (hall);
  troupe_test_until (troupe_promise_is_resolved (end) && troupe_ref_has_ended (hall));
  assert_story ("");
}

#define add(path, func) \
  g_test_add ("/troupe/supervision/" path, Fixture, NULL, set_up, func, tear_down)

int
main (int   argc,
      char *argv[])
{
  int status;

  g_test_init (&argc, &argv, NULL);
  /* Actors that fail are worth a warning each: they are counted. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  g_log_set_handler ("Troupe", G_LOG_LEVEL_WARNING, count_warning, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (turn_places); i++)
    {
      g_autofree char *path = g_strconcat ("/troupe/supervision/place/", places[turn_places[i]], NULL);

      g_test_add_data_func (path, GINT_TO_POINTER (turn_places[i]), test_matrix);
    }
  g_test_add_data_func ("/troupe/supervision/place/stopped", GINT_TO_POINTER (IN_STOPPED), test_matrix_ending);
  g_test_add_data_func ("/troupe/supervision/place/pre-restart", GINT_TO_POINTER (IN_PRE_RESTART), test_matrix_ending);
  g_test_add_func ("/troupe/supervision/place/started", test_started);
  g_test_add_data_func ("/troupe/supervision/parent-restarts/handler", GINT_TO_POINTER (IN_HANDLER), test_matrix_child);
  g_test_add_data_func ("/troupe/supervision/parent-restarts/stopped", GINT_TO_POINTER (IN_STOPPED), test_matrix_child);
  g_test_add_func ("/troupe/supervision/parent-restarts/started", test_child_started);
  g_test_add_func ("/troupe/supervision/parent-restarts/back-off", test_child_back_off);
  for (guint i = 0; i < G_N_ELEMENTS (wire_places); i++)
    {
      g_autofree char *path = g_strconcat ("/troupe/supervision/connection/", places[wire_places[i]], NULL);

      g_test_add_data_func (path, GINT_TO_POINTER (wire_places[i]), test_matrix_connection);
    }
  g_test_add_func ("/troupe/supervision/connection/beside", test_beside);
  add ("order", test_order);
  add ("failed-ask", test_failed_ask);
  add ("identity", test_identity);
  add ("heirloom", test_heirloom);
  add ("terminated", test_terminated);
  add ("abandon", test_abandon);
  add ("abandon-queued", test_abandon_queued);
  add ("abandon-canceller", test_abandon_canceller);
  add ("fail-stopped", test_fail_stopped);
  add ("fail-again", test_fail_again);
  add ("stop-during", test_stop_during);
  add ("kill-during", test_kill_during);
  add ("thread", test_thread);
  add ("default", test_default);
  add ("intensity", test_intensity);
  add ("last-resort", test_last_resort);
  add ("back-off", test_back_off);
  add ("give-up", test_give_up);
  add ("judge", test_judge);
  add ("resume-all", test_resume_all);
  add ("mortal", test_mortal);
  add ("replay", test_replay);
  add ("replay-resume", test_replay_resume);
  add ("tree", test_tree);
  add ("lasting", test_lasting);
  add ("factory", test_factory);
  add ("factory-stop", test_factory_stop);

  status = g_test_run ();
  g_free (last_warning);
  return status;
}
