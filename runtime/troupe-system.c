/* troupe-system.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-actor.h"
#include "troupe-dead-letter-private.h"
#include "troupe-message-private.h"
#include "troupe-pool-private.h"
#include "troupe-promise-private.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-life-private.h"
#include "troupe-shutdown-private.h"
#include "troupe-signals-private.h"
#include "troupe-system-private.h"
#include "troupe-timer-private.h"
#include "troupe-worker-private.h"

/**
 * TroupeSystem:
 *
 * A set of actors that start and end together.
 *
 * A system has a root, whose children are the actors that [method@Troupe.System.spawn_with_properties] makes, a registry of names, and a
 * reactor on a main context; more reactors, on threads of their own, if it is made with [ctor@Troupe.System.new_with_reactors] or the environment
 * variable `TROUPE_REACTORS` says how many. A program either calls [method@Troupe.System.run], or leaves the running of the context to whoever does that
 * already, a #GMainLoop or a #GApplication for instance.
 *
 * A system lives until [method@Troupe.System.shutdown]; dropping the last reference does not stop it.
 *
 * A child process that is forked and does not execute another program cannot use the systems it inherits: their actors count
 * as ended, and they do not run. A program that becomes a daemon does so before it makes its first system.
 *
 * Since: 1.0
 */

typedef enum
{
  STATE_NEW,                         /* until the first pass */
  STATE_STARTING,
  STATE_STARTED,
  STATE_STOPPING,
  STATE_ENDED,
} State;

typedef struct
{
  guint             id;
  TroupeTriggerFunc func;
  gpointer          user_data;
  GDestroyNotify    destroy;
} Trigger;

#define N_EVENTS (TROUPE_EVENT_SHUTDOWN + 1)
#define N_PHASES (TROUPE_PHASE_AFTER + 1)

#define WATCHDOG_MS 50
#define MAX_REACTORS 1024

/* More than the 10 s that a connection has by default to send what it has accepted. */
#define SHUTDOWN_TIMEOUT_MS (15 * 1000)

struct _TroupeSystem
{
  GObject        parent_instance;

  TroupeReactor *reactor;
  TroupeWorker **workers;            /* the other reactors; NULL: none */
  guint          n_workers;
  TroupePool    *pool;               /* threads for actors that block */
  guint          n_working;          /* threads that have not ended, once they all end */
  TroupeRef     *root;

  guint64        serial;             /* atomic */
  guint64        n_actors;           /* atomic */
  guint64        n_dead_letters;     /* atomic */
  guint64        n_long_turns;       /* atomic */
  int            state;              /* a State; atomic: written by the reactor's thread */
  int            running;            /* atomic: within run () */
  int            shutdown_asked;     /* atomic */
  TroupeRegistry *registry;
  TroupeTopics  *topics;
  GError        *error;              /* why it gave up; written by the reactor's thread */
  gint64         shutdown_timeout_ms;
  TroupeShutdown *shutdown;          /* once services stop */

  GMutex         mutex;              /* guards what follows */
  GQueue         triggers[N_EVENTS][N_PHASES];
  guint          last_trigger;
  GRand         *random;
};

enum { DEAD_LETTER, N_SIGNALS };

G_DEFINE_FINAL_TYPE (TroupeSystem, troupe_system, G_TYPE_OBJECT)

static guint signals[N_SIGNALS];

/* Acquire: who sees that it has ended sees all that its actors have done. */
static State
troupe_system_get_state (TroupeSystem *self)
{
  return (State) __atomic_load_n (&self->state, __ATOMIC_ACQUIRE);
}

static void
troupe_system_set_state (TroupeSystem *self,
                         State         state)
{
  /* Release: pairs with get_state (). */
  __atomic_store_n (&self->state, state, __ATOMIC_RELEASE);
}

/* For the rest of the runtime */

guint64
troupe_system_next_serial (TroupeSystem *self)
{
  /* Relaxed, as for all that is only counted: no two get the same, and nothing else is meant. */
  return __atomic_fetch_add (&self->serial, 1, __ATOMIC_RELAXED);
}

void
troupe_system_count_actor (TroupeSystem  *self,
                           TroupeReactor *reactor,
                           int            more)
{
  __atomic_fetch_add (&self->n_actors, (guint64) (gint64) more, __ATOMIC_RELAXED);
  if (self->n_workers > 0 || reactor->pool_thread != NULL)
    __atomic_fetch_add (&reactor->n_actors, (guint64) (gint64) more, __ATOMIC_RELAXED);
}

/* Release: who sees it counted sees what was told of it. */
void
troupe_system_count_long_turn (TroupeSystem *self)
{
  /* Release: who reads it finds the turn told. */
  __atomic_fetch_add (&self->n_long_turns, 1, __ATOMIC_RELEASE);
}

TroupeRegistry *
troupe_system_get_registry (TroupeSystem *self)
{
  return self->registry;
}

TroupeTopics *
troupe_system_get_topics (TroupeSystem *self)
{
  return self->topics;
}

gboolean
troupe_system_check_live (TroupeSystem  *self,
                          TroupeRef     *ref,
                          GError       **error)
{
  g_autofree char *path = NULL;

  if (troupe_ref_get_state (ref) < TROUPE_REF_ENDING)
    return TRUE;

  /* What it failed with is its own thread's to read. */
  path = troupe_ref_dup_path (ref);
  g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED, "The actor “%s” has stopped", path);
  return FALSE;
}

static void
troupe_system_note_registered_cb (TroupeRef *ref,
                                  gpointer   self)
{
  troupe_ref_need_extra (ref)->registered = TRUE;
  if (ref->state >= TROUPE_REF_ENDING)
    troupe_system_forget (self, ref);
}

void
troupe_system_note_registered (TroupeSystem *self,
                               TroupeRef    *ref)
{
  if (troupe_reactor_is_here (ref->reactor))
    troupe_system_note_registered_cb (ref, self);
  else
    troupe_ref_call (ref, troupe_system_note_registered_cb, troupe_system_note_registered_cb,
                     g_object_ref (self), g_object_unref);
}

void
troupe_system_forget (TroupeSystem *self,
                      TroupeRef    *ref)
{
  if (ref->extra == NULL || !ref->extra->registered)
    return;

  troupe_registry_forget (self->registry, ref);
  troupe_topics_forget (self->topics, ref);
}

void
troupe_system_publish_letter (TroupeSystem  *self,
                              TroupeRef     *target,
                              TroupeMessage *message,
                              TroupeError    reason)
{
  TroupeNews news = troupe_dead_letter_get_news (reason);
  g_autoptr (TroupeDeadLetter) letter = NULL;

  /* Nor does one that tells of another make news, or there might be no end of them. */
  if (!troupe_system_wants_news (self, news) || message->body.type == TROUPE_TYPE_DEAD_LETTER)
    return;

  letter = troupe_dead_letter_new (target, message, reason);
  troupe_system_publish_news (self, news, target, TROUPE_TYPE_DEAD_LETTER, letter);
}

/* A thread that was left behind may bury some after the end, of which nobody who listened needs know. */
static gboolean
troupe_system_is_too_late (TroupeSystem *self,
                           TroupeRef    *target)
{
  return troupe_system_get_state (self) == STATE_ENDED &&
         (troupe_pool_has_lost (target->reactor) || (troupe_reactor_here != NULL && troupe_pool_has_lost (troupe_reactor_here)));
}

static void
log_dead_letter (TroupeRef     *target,
                 TroupeMessage *message,
                 TroupeError    reason)
{
  g_autoptr (GEnumClass) reasons = g_type_class_ref (TROUPE_TYPE_ERROR);
  g_autofree char *path = troupe_ref_dup_path (target);

  g_debug ("Dead letter “%s” to “%s”: %s", troupe_message_get_name (message), path, g_enum_get_value (reasons, (gint) reason)->value_nick);
}

void
troupe_system_bury (TroupeSystem  *self,
                    TroupeRef     *target,
                    TroupeMessage *message,
                    TroupeError    reason)
{
  if (message->mail.bits & TROUPE_MESSAGE_REPLAYED)
    return;

  __atomic_fetch_add (&self->n_dead_letters, 1, __ATOMIC_RELAXED);
  if (!g_log_writer_default_would_drop (G_LOG_LEVEL_DEBUG, G_LOG_DOMAIN))
    log_dead_letter (target, message, reason);

  if (g_signal_has_handler_pending (self, signals[DEAD_LETTER], 0, FALSE) && !troupe_system_is_too_late (self, target))
    g_signal_emit (self, signals[DEAD_LETTER], 0, target, message, reason);
  troupe_system_publish_letter (self, target, message, reason);
}

double
troupe_system_draw_random (TroupeSystem *self)
{
  double random;

  g_mutex_lock (&self->mutex);
  if (self->random == NULL)
    self->random = g_rand_new ();
  random = g_rand_double (self->random);
  g_mutex_unlock (&self->mutex);

  return random;
}

TroupeRef *
troupe_system_get_root (TroupeSystem *self)
{
  return self->root;
}

gboolean
troupe_system_is_ending (TroupeSystem *self)
{
  /* Acquire: pairs with the release in shutdown (). */
  return __atomic_load_n (&self->shutdown_asked, __ATOMIC_ACQUIRE) != 0;
}

void
troupe_system_give_up (TroupeSystem *self,
                       GError       *error)
{
  g_warning ("The system gives up: %s", error->message);

  if (self->error == NULL)
    self->error = error;
  else
    g_error_free (error);

  troupe_system_shutdown (self);
}

/* Triggers */

static void
trigger_free (Trigger *trigger)
{
  if (trigger->destroy != NULL)
    trigger->destroy (trigger->user_data);
  g_free (trigger);
}

static Trigger *
troupe_system_take_trigger (TroupeSystem *self,
                            TroupeEvent   event,
                            TroupePhase   phase)
{
  Trigger *trigger;

  g_mutex_lock (&self->mutex);
  trigger = g_queue_pop_head (&self->triggers[event][phase]);
  g_mutex_unlock (&self->mutex);

  return trigger;
}

typedef void (*PhaseFunc) (TroupeSystem *self);

/* A phase under way. */
typedef struct
{
  TroupeSystem *system;
  PhaseFunc     next;                /* NULL once it has begun */
  guint         n_holds;             /* one for each promise awaited, and one for the phase itself */
  GQueue        awaited;
  TroupeTimer  *timer;               /* when the next one begins in any case; or NULL */
} Phase;

/* A promise that a phase waits for. */
typedef struct
{
  Phase      *phase;
  guint       trigger;
  const char *question;              /* whose answer it is, or NULL */
} Awaited;

static void
phase_end (Phase *phase)
{
  PhaseFunc next = phase->next;

  phase->next = NULL;
  troupe_timer_clear (&phase->timer);
  if (next != NULL)
    next (phase->system);
}

static void
phase_release (Phase *phase)
{
  if (--phase->n_holds > 0)
    return;

  phase_end (phase);
  g_free (phase);
}

static void
phase_expire (TroupeTimer *timer,
              gpointer     data)
{
  Phase *phase = data;
  GList *link;

  for (link = phase->awaited.head; link != NULL; link = link->next)
    {
      Awaited *awaited = link->data;

      if (awaited->question != NULL)
        g_warning ("The shutdown goes on: trigger %u has waited too long for an answer to “%s”",
                   awaited->trigger, awaited->question);
      else
        g_warning ("The shutdown goes on: what trigger %u promised has not come in time", awaited->trigger);
    }

  phase->n_holds++;
  phase_end (phase);
  phase_release (phase);
}

static void
awaited_free (gpointer data)
{
  Awaited *awaited = data;

  g_queue_remove (&awaited->phase->awaited, awaited);
  phase_release (awaited->phase);
  g_free (awaited);
}

/* What matters is that it is over: the phase goes on when the step is released. */
static void
phase_step (TroupePromise *promise,
            gpointer       user_data)
{
  Awaited *awaited = user_data;
  const GError *error = troupe_promise_get_error (promise);

  if (error == NULL)
    return;

  /* One that was waited for no more has been named. */
  if (awaited->phase->next != NULL)
    g_warning ("A trigger of the system failed: %s", error->message);
  troupe_promise_return_nothing (promise);
}

static void
phase_await (Phase         *phase,
             Trigger       *trigger,
             TroupePromise *promise)
{
  Awaited *awaited = g_new (Awaited, 1);
  g_autoptr (TroupePromise) here = NULL;
  TroupeResolver *resolver;

  *awaited = (Awaited) { phase, trigger->id, promise->question };
  g_queue_push_tail (&phase->awaited, awaited);
  phase->n_holds++;

  here = troupe_promise_new (&resolver);
  troupe_promise_add_both (here, phase_step, awaited, awaited_free);
  troupe_promise_pipe (promise, resolver);
}

/* Runs the triggers of a phase, and then NEXT, once what they promised has an outcome. */
static void
troupe_system_run_phase (TroupeSystem *self,
                         TroupeEvent   event,
                         TroupePhase   phase,
                         PhaseFunc     next)
{
  Phase *wait = g_new (Phase, 1);
  Trigger *trigger;

  *wait = (Phase) { .system = self, .next = next, .n_holds = 1 };
  g_queue_init (&wait->awaited);

  while ((trigger = troupe_system_take_trigger (self, event, phase)) != NULL)
    {
      TroupePromise *promise = trigger->func (self, trigger->user_data);

      if (promise != NULL && phase == TROUPE_PHASE_BEFORE)
        phase_await (wait, trigger, promise);
      else
        g_clear_pointer (&promise, troupe_promise_unref);
      trigger_free (trigger);
    }

  if (event == TROUPE_EVENT_SHUTDOWN && wait->n_holds > 1)
    wait->timer = troupe_timer_new (self->root, self->shutdown_timeout_ms, TRUE, phase_expire, wait, NULL);
  phase_release (wait);
}

/* Startup: turns of the root */

static void
troupe_system_startup_done (TroupeSystem *self)
{
  if (troupe_system_get_state (self) == STATE_STARTING)
    troupe_system_set_state (self, STATE_STARTED);
}

static void
troupe_system_startup_after (TroupeSystem *self)
{
  troupe_system_run_phase (self, TROUPE_EVENT_STARTUP, TROUPE_PHASE_AFTER, troupe_system_startup_done);
}

static void
troupe_system_startup_during (TroupeSystem *self)
{
  /* Shut down while it waited: what was to come does not. */
  if (troupe_system_get_state (self) == STATE_STARTING)
    troupe_system_run_phase (self, TROUPE_EVENT_STARTUP, TROUPE_PHASE_DURING, troupe_system_startup_after);
}

static void
troupe_system_startup_cb (TroupeRef *root,
                          gpointer   data)
{
  TroupeSystem *self = data;

  if (troupe_system_get_state (self) != STATE_NEW)
    return;

  troupe_system_set_state (self, STATE_STARTING);
  troupe_system_run_phase (self, TROUPE_EVENT_STARTUP, TROUPE_PHASE_BEFORE, troupe_system_startup_during);
}

/* Shutdown: turns of the root; and once that has ended, outside any actor */

static void
troupe_system_set_ended (TroupeSystem *self)
{
  guint event;
  guint phase;

  /* Startup triggers may be left if it never came so far. */
  for (event = 0; event < N_EVENTS; event++)
    for (phase = 0; phase < N_PHASES; phase++)
      g_queue_clear_full (&self->triggers[event][phase], (GDestroyNotify) trigger_free);

  g_clear_pointer (&self->shutdown, troupe_shutdown_free);
  troupe_system_set_state (self, STATE_ENDED);
  troupe_ref_end_sync_asks (self);
  troupe_reactor_release (self->reactor);
  g_object_unref (self);
}

static void
troupe_system_thread_ended (TroupeSystem *self)
{
  if (--self->n_working == 0)
    troupe_system_set_ended (self);
}

static void
troupe_system_worker_ended (TroupeWorker *worker,
                            gpointer      user_data)
{
  troupe_system_thread_ended (user_data);
}

/* No actor is left: what still comes to the workers is bounced. */
static void
troupe_system_stop_workers (TroupeSystem *self)
{
  guint i;

  self->n_working = self->n_workers + troupe_pool_close (self->pool);
  if (self->n_working == 0)
    {
      troupe_system_set_ended (self);
      return;
    }

  for (i = 0; i < self->n_workers; i++)
    troupe_worker_stop (self->workers[i], self->reactor->outside, troupe_system_worker_ended, self);
}

static void
troupe_system_shutdown_after_cb (TroupeRef *outside,
                                 gpointer   data)
{
  troupe_system_run_phase (data, TROUPE_EVENT_SHUTDOWN, TROUPE_PHASE_AFTER, troupe_system_stop_workers);
}

void
troupe_system_actor_ended (TroupeSystem *self,
                           TroupeRef    *ref)
{
  if (self->shutdown != NULL)
    troupe_shutdown_child_ended (self->shutdown, ref);
}

void
troupe_system_root_ended (TroupeSystem *self)
{
  /* Somebody may have stopped the root itself. */
  troupe_system_set_state (self, STATE_STOPPING);
  troupe_registry_close (self->registry);
  troupe_ref_call (self->reactor->outside, troupe_system_shutdown_after_cb, NULL, self, NULL);
}

void
troupe_system_abandon_stuck (TroupeSystem *self,
                             TroupeRef    *ref)
{
  troupe_pool_abandon (self->pool, ref);
}

static void
troupe_system_shutdown_stop (TroupeSystem *self)
{
  if (self->reactor->n_systems == 1)
    troupe_reactor_lose_descriptors (self->reactor);
  self->shutdown = troupe_shutdown_begin (self->root, self->shutdown_timeout_ms);
}

static void
troupe_system_shutdown_during (TroupeSystem *self)
{
  troupe_system_run_phase (self, TROUPE_EVENT_SHUTDOWN, TROUPE_PHASE_DURING, troupe_system_shutdown_stop);
}

static void
troupe_system_shutdown_cb (TroupeRef *root,
                           gpointer   data)
{
  TroupeSystem *self = data;

  if (troupe_system_get_state (self) >= STATE_STOPPING)
    return;

  troupe_system_set_state (self, STATE_STOPPING);
  troupe_system_run_phase (self, TROUPE_EVENT_SHUTDOWN, TROUPE_PHASE_BEFORE, troupe_system_shutdown_during);
}

/* GObject */

static void
troupe_system_finalize (GObject *object)
{
  TroupeSystem *self = TROUPE_SYSTEM (object);
  guint i;

  for (i = 0; i < self->n_workers; i++)
    troupe_worker_free (self->workers[i]);
  g_free (self->workers);
  troupe_pool_unref (self->pool);

  /* Somebody may still have its address. There is none if it could not be made. */
  if (self->root != NULL)
    self->root->system = NULL;
  g_clear_pointer (&self->root, troupe_ref_unref);
  g_clear_object (&self->reactor);
  troupe_registry_unref (self->registry);
  troupe_topics_free (self->topics);
  g_clear_error (&self->error);
  g_clear_pointer (&self->random, g_rand_free);
  g_mutex_clear (&self->mutex);

  G_OBJECT_CLASS (troupe_system_parent_class)->finalize (object);
}

static void
troupe_system_class_init (TroupeSystemClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = troupe_system_finalize;

  /**
   * TroupeSystem::dead-letter:
   * @self: a system
   * @target: the actor it was sent to
   * @message: the message
   * @reason: why it was not handled: %TROUPE_ERROR_ACTOR_STOPPED, %TROUPE_ERROR_UNHANDLED, %TROUPE_ERROR_BODY_TYPE,
   *   %TROUPE_ERROR_TIMED_OUT, see [method@Troupe.Ref.send_within], or %TROUPE_ERROR_QUEUE_OVERFLOW, see
   *   [method@Troupe.ActorClass.set_capacity]
   *
   * A message that nobody handles. Actors learn of it by [method@Troupe.System.subscribe].
   *
   * It is emitted on the thread of the reactor that @target lives on, within the send that failed if it was sent from there: do not linger. With
   * several reactors that may be on several threads at once, and on that of the sender if the reactor has ended. A message that waits for a
   * reply is not a dead letter; its promise is rejected instead.
   *
   * Since: 1.0
   */
  signals[DEAD_LETTER] =
    g_signal_new ("dead-letter", TROUPE_TYPE_SYSTEM, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 3, TROUPE_TYPE_REF, TROUPE_TYPE_MESSAGE, TROUPE_TYPE_ERROR);
}

static void
troupe_system_init (TroupeSystem *self)
{
  g_mutex_init (&self->mutex);
  self->registry = troupe_registry_new ();
  self->topics = troupe_topics_new ();
  self->pool = troupe_pool_new (self, troupe_system_thread_ended);
  self->shutdown_timeout_ms = SHUTDOWN_TIMEOUT_MS;
}

static gboolean
is_watchdog_wanted (void)
{
  static const GDebugKey keys[] = { { "watchdog", 1 } };

  return g_parse_debug_string (g_getenv ("TROUPE_DEBUG"), keys, G_N_ELEMENTS (keys)) != 0;
}

/**
 * troupe_system_new:
 * @context: (nullable): the main context to live on, or %NULL for the thread-default one
 * @backend: (nullable): the name of a backend, or %NULL for the process's, see [func@Troupe.Reactor.install]
 * @error: return location for a #GError
 *
 * Makes a system on the calling thread, which has to be the one that runs @context.
 *
 * Returns: (transfer full) (nullable): a system, or %NULL with %TROUPE_ERROR_NO_BACKEND if @backend is not usable, or
 *   %TROUPE_ERROR_WRONG_THREAD if another thread has made a system on @context before
 *
 * Since: 1.0
 */
TroupeSystem *
troupe_system_new (GMainContext  *context,
                   const char    *backend,
                   GError       **error)
{
  return troupe_system_new_with_reactors (context, backend, 0, error);
}

/* How many reactors a system has that does not say: TROUPE_REACTORS, or 1. 0 with ERROR set. */
static guint
get_wanted_reactors (GError **error)
{
  const char *text = g_getenv ("TROUPE_REACTORS");
  guint64 wanted = 1;

  if (text == NULL || *text == '\0' || g_ascii_string_to_unsigned (text, 10, 1, MAX_REACTORS, &wanted, NULL))
    return wanted;

  g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_FAILED,
               "The environment variable TROUPE_REACTORS is “%s”, which is no number from 1 to %u", text, MAX_REACTORS);
  return 0;
}

static gboolean
troupe_system_start_workers (TroupeSystem  *self,
                             const char    *backend,
                             guint          n_workers,
                             GError       **error)
{
  self->workers = g_new0 (TroupeWorker *, n_workers);
  while (self->n_workers < n_workers)
    {
      g_autofree char *name = g_strdup_printf ("troupe-%u", self->n_workers + 1);
      TroupeWorker *worker = troupe_worker_new (backend, name, error);

      if (worker == NULL)
        return FALSE;
      self->workers[self->n_workers++] = worker;
    }

  return TRUE;
}

/* Some of its workers could not be made: those that were go, and then the system. */
static void
troupe_system_abandon (TroupeSystem *self)
{
  guint i;

  for (i = 0; i < self->n_workers; i++)
    troupe_worker_stop (self->workers[i], NULL, NULL, NULL);
  troupe_reactor_release (self->reactor);
  g_object_unref (self);
}

/**
 * troupe_system_new_with_reactors:
 * @context: (nullable): the main context to live on, or %NULL for the thread-default one
 * @backend: (nullable): the name of a backend, or %NULL for the process's, see [func@Troupe.Reactor.install]
 * @n_reactors: how many reactors it has, up to 1024; 0 for what the environment variable `TROUPE_REACTORS` says, or one
 * @error: return location for a #GError
 *
 * Makes a system with several reactors.
 *
 * The first one is on @context, as with [ctor@Troupe.System.new]. Each of the others has a thread of its own with a main context, which the
 * system starts now and ends when it is shut down. Actors live where their parents do, unless their class
 * says otherwise, see [method@Troupe.ActorClass.set_placement], or whoever spawns them, see [method@Troupe.System.spawn_on_with_properties].
 *
 * Returns: (transfer full) (nullable): a system, or %NULL with %TROUPE_ERROR_NO_BACKEND if @backend is not usable,
 *   %TROUPE_ERROR_WRONG_THREAD if another thread has made a system on @context before, %TROUPE_ERROR_FAILED if `TROUPE_REACTORS`
 *   is no such number, or an error of #GThreadError if there cannot be so many threads
 *
 * Since: 1.0
 */
TroupeSystem *
troupe_system_new_with_reactors (GMainContext  *context,
                                 const char    *backend,
                                 guint          n_reactors,
                                 GError       **error)
{
  g_autoptr (TroupeSystem) self = NULL;
  TroupeReactor *reactor;

  g_return_val_if_fail (n_reactors <= MAX_REACTORS, NULL);

  if (n_reactors == 0)
    n_reactors = get_wanted_reactors (error);
  if (n_reactors == 0)
    return NULL;

  if (context == NULL)
    context = g_main_context_get_thread_default ();

  reactor = troupe_reactor_obtain (context, backend, error);
  if (reactor == NULL)
    return NULL;

  self = g_object_new (TROUPE_TYPE_SYSTEM, NULL);
  self->reactor = reactor;
  if (n_reactors > 1 && !troupe_system_start_workers (self, backend, n_reactors - 1, error))
    {
      troupe_system_abandon (g_steal_pointer (&self));
      return NULL;
    }

  self->root = troupe_ref_spawn (self, reactor, NULL, NULL, TROUPE_TYPE_ACTOR, 0, NULL, NULL, NULL);
  troupe_ref_call (self->root, troupe_system_startup_cb, NULL, self, NULL);

  if (is_watchdog_wanted ())
    troupe_system_set_watchdog (self, WATCHDOG_MS);

  /* It keeps itself until it has ended. */
  g_object_ref (self);

  return g_steal_pointer (&self);
}

/**
 * troupe_system_get_default:
 *
 * Gets the system of the program, on the default main context.
 *
 * It is made at the first call, which has to come from the thread that runs the default main context. Only programs use it: a
 * library makes a system of its own or is given one. If it cannot be made, the program ends with a message.
 *
 * Returns: (transfer none): the default system
 *
 * Since: 1.0
 */
TroupeSystem *
troupe_system_get_default (void)
{
  static gsize initialized;
  static TroupeSystem *system;

  if (g_once_init_enter (&initialized))
    {
      g_autoptr (GError) error = NULL;

      system = troupe_system_new (g_main_context_default (), NULL, &error);
      if (system == NULL)
        g_error ("Cannot make the default system: %s", error->message);
      g_once_init_leave (&initialized, 1);
    }

  return system;
}

/**
 * troupe_system_get_reactor:
 * @self: a system
 *
 * Gets the system's own reactor: the one on the main context that it was made with. Call it from any thread.
 *
 * Returns: (transfer none): the reactor
 *
 * Since: 1.0
 */
TroupeReactor *
troupe_system_get_reactor (TroupeSystem *self)
{
  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), NULL);

  return self->reactor;
}

/**
 * troupe_system_get_n_reactors:
 * @self: a system
 *
 * Counts the reactors of a system, which are always the same. Call it from any thread.
 *
 * Returns: how many, 1 or more
 *
 * Since: 1.0
 */
guint
troupe_system_get_n_reactors (TroupeSystem *self)
{
  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), 0);

  return self->n_workers + 1;
}

static inline TroupeReactor *
troupe_system_peek_reactor (TroupeSystem *self,
                            guint         n)
{
  return n == 0 ? self->reactor : troupe_worker_get_reactor (self->workers[n - 1]);
}

/**
 * troupe_system_get_nth_reactor:
 * @self: a system
 * @n: which one: less than [method@Troupe.System.get_n_reactors]; 0 is the system's own
 *
 * Gets one of the reactors of a system, to spawn actors on it or to see how it does. Call it from any thread.
 *
 * Returns: (transfer none): the reactor
 *
 * Since: 1.0
 */
TroupeReactor *
troupe_system_get_nth_reactor (TroupeSystem *self,
                               guint         n)
{
  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), NULL);
  g_return_val_if_fail (n <= self->n_workers, NULL);

  return troupe_system_peek_reactor (self, n);
}

gboolean
troupe_system_has_reactor (TroupeSystem  *self,
                           TroupeReactor *reactor)
{
  guint i;

  for (i = 0; i <= self->n_workers; i++)
    if (troupe_system_peek_reactor (self, i) == reactor)
      return TRUE;

  /* One for actors that block, which there may be only as long as one of them is: so it has to be that who asks. */
  return reactor->pool_thread != NULL && troupe_reactor_is_here (reactor) && troupe_pool_owns (self->pool, reactor);
}

/* Classes of load: within one, what counts is how many actors there are. A reactor with some time left can take more. */
static guint
classify_load (double load)
{
  if (load < 0.7)
    return 0;

  return load < 0.95 ? 1 : 2;
}

static TroupeReactor *
troupe_system_find_idlest (TroupeSystem *self)
{
  TroupeReactor *best = NULL;
  guint best_class = 0;
  guint64 best_actors = 0;
  guint i;

  for (i = 0; i <= self->n_workers; i++)
    {
      TroupeReactor *reactor = troupe_system_peek_reactor (self, i);
      guint class = classify_load (troupe_reactor_get_load (reactor));
      guint64 n_actors = __atomic_load_n (&reactor->n_actors, __ATOMIC_RELAXED);

      if (best != NULL && (class > best_class || (class == best_class && n_actors >= best_actors)))
        continue;
      best = reactor;
      best_class = class;
      best_actors = n_actors;
    }

  return best;
}

/**
 * troupe_system_pick_reactor:
 * @self: a system
 * @key: (nullable): some text, or %NULL
 *
 * Chooses a reactor to spawn an actor on.
 *
 * The same @key always gives the same reactor of a system: for actors that have much to say to each other. Without a key it is the one that has
 * the least to do: one that has been busy for less than 70 percent of its time lately rather than one that has not, and one of those rather than one
 * that has no time left at all; among equals the one with the fewest actors. Call it from any thread.
 *
 * Returns: (transfer none): a reactor
 *
 * Since: 1.0
 */
TroupeReactor *
troupe_system_pick_reactor (TroupeSystem *self,
                            const char   *key)
{
  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), NULL);

  if (self->n_workers == 0)
    return self->reactor;

  return key != NULL ? troupe_system_peek_reactor (self, g_str_hash (key) % (self->n_workers + 1)) : troupe_system_find_idlest (self);
}

static TroupePlacement
get_placement (GType type)
{
  TroupeActorClass *klass = g_type_class_peek (type);
  TroupePlacement placement;

  /* Usually there is an instance already, and its class. */
  if (G_LIKELY (klass != NULL))
    return klass->placement;

  klass = g_type_class_ref (type);
  placement = klass->placement;
  g_type_class_unref (klass);

  return placement;
}

gboolean
troupe_system_is_blocking (GType type)
{
  return get_placement (type) == TROUPE_PLACEMENT_BLOCKING;
}

TroupeReactor *
troupe_system_place (TroupeSystem  *self,
                     TroupeRef     *parent,
                     GType          type,
                     GError       **error)
{
  TroupePlacement placement = get_placement (type);

  if (placement == TROUPE_PLACEMENT_BLOCKING)
    return troupe_pool_take_reactor (self->pool, error);
  if (placement == TROUPE_PLACEMENT_SPREAD && self->n_workers > 0)
    return troupe_system_find_idlest (self);

  /* Who did not say that it may be kept waiting does not live with one that blocks. */
  while (parent->reactor->pool_thread != NULL)
    parent = parent->parent;

  return parent->reactor;
}

TroupeReactor *
troupe_system_place_near (TroupeSystem  *self,
                          TroupeReactor *reactor)
{
  guint class = classify_load (troupe_reactor_get_load (reactor));
  TroupeReactor *idlest = class > 0 ? troupe_system_find_idlest (self) : reactor;

  return classify_load (troupe_reactor_get_load (idlest)) < class ? idlest : reactor;
}

/* Whether this thread may turn the context: then it is acquired. */
static gboolean
troupe_system_acquire (TroupeSystem  *self,
                       GError       **error)
{
  if (!troupe_reactor_is_here (self->reactor))
    g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_WRONG_THREAD,
                         "Only the thread that made the system can run it");
  else if (!g_main_context_acquire (self->reactor->context))
    g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_RUNNING,
                         "Another thread runs the system's main context");
  else
    return TRUE;

  return FALSE;
}

static gboolean
troupe_system_check_can_run (TroupeSystem  *self,
                             GError       **error)
{
  if (troupe_ref_get_running () != NULL || __atomic_load_n (&self->running, __ATOMIC_ACQUIRE))
    g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_RUNNING,
                         "The system is running already");
  else if (troupe_system_get_state (self) >= STATE_STOPPING)
    g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_NOT_RESTARTABLE,
                         "The system has been stopped and cannot run again");
  else
    return troupe_system_acquire (self, error);

  return FALSE;
}

/* The context is acquired: turns it until all is over, and lets go of it. */
static gboolean
troupe_system_turn (TroupeSystem  *self,
                    GError       **error)
{
  GMainContext *context = self->reactor->context;

  g_main_context_push_thread_default (context);
  while (troupe_system_get_state (self) != STATE_ENDED)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  g_main_context_release (context);

  if (self->error == NULL)
    return TRUE;

  g_propagate_error (error, g_error_copy (self->error));
  return FALSE;
}

/**
 * troupe_system_run:
 * @self: a system
 * @error: return location for a #GError
 *
 * Runs the main context of the system until it has been shut down.
 *
 * SIGINT and SIGTERM shut it down cleanly; a second signal of the same kind ends the process as usual. Within an actor's turn, or while it
 * runs already, this is %TROUPE_ERROR_ALREADY_RUNNING; after a shutdown %TROUPE_ERROR_NOT_RESTARTABLE; on another thread than the one that
 * made the system %TROUPE_ERROR_WRONG_THREAD.
 *
 * If the failure of an actor was escalated to the top, the system ends, and this returns that error, so that a program which returns 1 for an error
 * has an exit status that says so.
 *
 * Returns: %TRUE once the system has ended as it was told to, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
troupe_system_run (TroupeSystem  *self,
                   GError       **error)
{
  TroupeSignals *taken;
  GSource *source;
  gboolean ok;

  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), FALSE);

  if (!troupe_system_check_can_run (self, error))
    return FALSE;

  g_object_ref (self);
  /* The backend goes with the source, and signals are watched until the end. */
  source = g_source_ref (self->reactor->source);
  taken = troupe_signals_take (self);

  /* Release: who finds it running finds its signals taken. */
  __atomic_store_n (&self->running, 1, __ATOMIC_RELEASE);
  ok = troupe_system_turn (self, error);
  __atomic_store_n (&self->running, 0, __ATOMIC_RELEASE);

  troupe_signals_give_back (taken);
  g_source_unref (source);
  g_object_unref (self);

  return ok;
}

/**
 * troupe_system_stop:
 * @self: a system
 * @error: return location for a #GError
 *
 * Ends [method@Troupe.System.run] by shutting the system down. Call it from any thread.
 *
 * Returns: %TRUE, or %FALSE with %TROUPE_ERROR_NOT_RUNNING if it is not within `run`, or stopped already
 *
 * Since: 1.0
 */
gboolean
troupe_system_stop (TroupeSystem  *self,
                    GError       **error)
{
  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), FALSE);

  if (!__atomic_load_n (&self->running, __ATOMIC_ACQUIRE) || troupe_system_is_ending (self))
    {
      g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_NOT_RUNNING,
                           "The system is not running, or stops already");
      return FALSE;
    }

  troupe_system_shutdown (self);

  return TRUE;
}

/**
 * troupe_system_shutdown:
 * @self: a system
 *
 * Ends the system, whoever runs its main context, after the present turn.
 *
 * It goes phase by phase, each in its time, see [method@Troupe.System.set_shutdown_timeout]:
 *
 * 1. The triggers of the phase before run, and what they promise is awaited: the place to ask services to finish what they are at.
 * 2. The triggers of the phase during run.
 * 3. The services, that is the actors at the top, stop, each with all its children, one after the other and the youngest first: what was spawned
 *    later may need what was there before.
 * 4. The triggers of the phase after run.
 *
 * What is not done in its time is named in a warning: the next phase begins without it, and a service is killed. If an actor that blocks is
 * stuck in a turn a second after that, it is named, too, and left behind with its thread: nothing in C could end that. It counts as killed,
 * what it was asked is rejected, and should it ever come back, it is disposed of at the end of its turn.
 *
 * Call it from any thread. Asking again does nothing.
 *
 * Since: 1.0
 */
void
troupe_system_shutdown (TroupeSystem *self)
{
  g_return_if_fail (TROUPE_IS_SYSTEM (self));

  /* The first to ask posts the order. Release: who finds it asked for sees what led to it. */
  if (__atomic_exchange_n (&self->shutdown_asked, 1, __ATOMIC_ACQ_REL))
    return;

  troupe_ref_call (self->root, troupe_system_shutdown_cb, NULL, self, NULL);
}

/**
 * troupe_system_shutdown_sync:
 * @self: a system
 * @error: return location for a #GError
 *
 * Ends the system, as [method@Troupe.System.shutdown] does, and turns its main context until it has ended.
 *
 * It is for programs that run the main context by themselves, when their loop is over: at the end of `main`, or in the `shutdown` of a
 * [class@Gio.Application]. Other sources of the context go on meanwhile. One that is shutting down already is waited for, and one that
 * has ended is not. Within an actor's turn, or while [method@Troupe.System.run] runs it, this is %TROUPE_ERROR_ALREADY_RUNNING; on
 * another thread than the one that made the system %TROUPE_ERROR_WRONG_THREAD; either leaves the system as it is.
 *
 * Returns: %TRUE once the system has ended as it was told to, or %FALSE with @error set, also to what was escalated to the top
 *
 * Since: 1.0
 */
gboolean
troupe_system_shutdown_sync (TroupeSystem  *self,
                             GError       **error)
{
  gboolean ok;

  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (troupe_ref_get_running () != NULL || __atomic_load_n (&self->running, __ATOMIC_ACQUIRE))
    {
      g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_RUNNING,
                           "The end of the system cannot be waited for in a turn, or while it runs");
      return FALSE;
    }

  if (!troupe_system_acquire (self, error))
    return FALSE;

  g_object_ref (self);
  troupe_system_shutdown (self);
  ok = troupe_system_turn (self, error);
  g_object_unref (self);

  return ok;
}

/**
 * troupe_system_set_shutdown_timeout:
 * @self: a system, on its own thread
 * @timeout_ms: milliseconds, 0 or more
 *
 * Sets how long a shutdown waits in each of its phases: for what the triggers of the phase before have promised, and
 * for each service to stop. The default is 15 seconds.
 *
 * Since: 1.0
 */
void
troupe_system_set_shutdown_timeout (TroupeSystem *self,
                                    gint64        timeout_ms)
{
  g_return_if_fail (TROUPE_IS_SYSTEM (self));
  g_return_if_fail (timeout_ms >= 0);

  self->shutdown_timeout_ms = timeout_ms;
}

/**
 * troupe_system_set_watchdog:
 * @self: a system
 * @threshold_ms: milliseconds, or 0 for no watchdog
 *
 * Has turns told that take longer than @threshold_ms: they keep all other actors of their reactor waiting.
 *
 * While such a turn still runs, and once for each, a warning says whose it is and what it is about; then it is published as
 * “$system/long-turn”, see [method@Troupe.System.subscribe], and counted, see [method@Troupe.System.get_n_long_turns]. That is done by a
 * thread which looks at the reactor ten times in @threshold_ms while anything happens there, so a turn that takes a tenth
 * longer may go unnoticed. The time is that of the wall, whether the turn computes or waits for something. A fiber that
 * waits has no turn. A handler that runs a nested main loop has none while that waits, and each iteration begins its time anew.
 *
 * There is no watchdog from the beginning: how long a turn takes depends on the machine, and a warning ends programs under
 * `G_DEBUG=fatal-warnings`. Actors that block, see [method@Troupe.ActorClass.set_placement], are not watched. The environment variable `TROUPE_DEBUG=watchdog` sets one of 50 ms, a good choice for servers. Systems on one
 * main context share a watchdog: it has the threshold that was set last. Call it from any thread.
 *
 * Since: 1.0
 */
void
troupe_system_set_watchdog (TroupeSystem *self,
                            guint         threshold_ms)
{
  guint i;

  g_return_if_fail (TROUPE_IS_SYSTEM (self));

  for (i = 0; i <= self->n_workers; i++)
    troupe_watchdog_set (troupe_system_peek_reactor (self, i), threshold_ms);
}

/**
 * troupe_system_set_spin:
 * @self: a system
 * @spin_us: microseconds, or 0 not to spin, as in the beginning
 *
 * Has the system's reactors wait for mail from other threads without sleeping, for up to @spin_us after they have run out of work.
 *
 * To wake a thread that sleeps takes the kernel tens of microseconds, and the sender a system call; one that spins has its mail in less than
 * a microsecond. What that costs is a processor: as long as less than @spin_us pass from one message to the next, this thread uses all of
 * its time, and with fewer processors than threads that spin it keeps the very sender waiting. So it is for those that exchange
 * messages all the time, with a processor each; 20 to 100 µs are usual.
 *
 * Nobody else on the reactor's main context starves: sockets, timers and other sources are looked at every 10 µs. Systems on one
 * main context share what was set last. Call it from any thread.
 *
 * Since: 1.0
 */
void
troupe_system_set_spin (TroupeSystem *self,
                        guint         spin_us)
{
  guint i;

  g_return_if_fail (TROUPE_IS_SYSTEM (self));

  for (i = 0; i <= self->n_workers; i++)
    troupe_reactor_set_spin (troupe_system_peek_reactor (self, i), spin_us);
}

/**
 * troupe_system_set_blocking_threads:
 * @self: a system
 * @max_threads: how many threads there may be, 1 or more
 * @idle_ms: milliseconds, 0 or more
 *
 * Sets how many threads the system may have for actors that block, see [method@Troupe.ActorClass.set_placement], and how long one is kept
 * when its actor has ended; 64 and 10 seconds unless told.
 *
 * They are made when they are needed. When there are as many as there may be, the next actor shares that of those that has the fewest actors,
 * and then each of them may keep the others waiting: to spawn one never fails, and never starts threads without end, but a program that
 * can tell how many it needs sets the limit to that. Where it is lowered, threads that are there stay until they have nothing to do. Call it from any thread.
 *
 * Since: 1.0
 */
void
troupe_system_set_blocking_threads (TroupeSystem *self,
                                    guint         max_threads,
                                    gint64        idle_ms)
{
  g_return_if_fail (TROUPE_IS_SYSTEM (self));
  g_return_if_fail (max_threads > 0);
  g_return_if_fail (idle_ms >= 0);

  troupe_pool_set_limits (self->pool, max_threads, idle_ms);
}

/**
 * troupe_system_get_n_blocking_threads:
 * @self: a system
 *
 * Counts the threads that the system has for actors that block, those that have nothing to do now included. Call it from any thread.
 *
 * Returns: how many
 *
 * Since: 1.0
 */
guint
troupe_system_get_n_blocking_threads (TroupeSystem *self)
{
  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), 0);

  return troupe_pool_get_n_threads (self->pool);
}

/**
 * troupe_system_is_running:
 * @self: a system
 *
 * Tells whether the system has started, in the startup phase before or later, and has not been shut down. Call it from any thread.
 *
 * Returns: %TRUE if it is running
 *
 * Since: 1.0
 */
gboolean
troupe_system_is_running (TroupeSystem *self)
{
  State state;

  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), FALSE);

  state = troupe_system_get_state (self);

  return state == STATE_STARTING || state == STATE_STARTED;
}

/**
 * troupe_system_has_ended:
 * @self: a system
 *
 * Tells whether the system has been shut down and all its actors have ended. Call it from any thread.
 *
 * Returns: %TRUE if it has ended
 *
 * Since: 1.0
 */
gboolean
troupe_system_has_ended (TroupeSystem *self)
{
  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), TRUE);

  return troupe_system_get_state (self) == STATE_ENDED;
}

/**
 * troupe_system_get_error:
 * @self: a system
 *
 * Gets the error that the system ended with, because an actor's failure was escalated to the top. For programs that run the main context
 * themselves; [method@Troupe.System.run] returns it.
 *
 * Returns: (transfer none) (nullable): the error, or %NULL if the system goes on, or was shut down
 *
 * Since: 1.0
 */
const GError *
troupe_system_get_error (TroupeSystem *self)
{
  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), NULL);

  return self->error;
}

static void
set_supervision_cb (TroupeRef *root,
                    gpointer   supervision)
{
  troupe_ref_set_supervision (root, supervision);
  troupe_supervision_free (supervision);
}

static void
drop_supervision_cb (TroupeRef *root,
                     gpointer   supervision)
{
  troupe_supervision_free (supervision);
}

/**
 * troupe_system_set_supervision:
 * @self: a system
 * @supervision: a supervision; it is copied
 *
 * Says what is done about actors at the top that fail, as [method@Troupe.Actor.set_supervision] does for other parents.
 *
 * What is escalated from there ends the system: see [method@Troupe.System.run]. Call it from any thread, before actors are
 * spawned.
 *
 * Since: 1.0
 */
void
troupe_system_set_supervision (TroupeSystem            *self,
                               const TroupeSupervision *supervision)
{
  g_return_if_fail (TROUPE_IS_SYSTEM (self));
  g_return_if_fail (supervision != NULL);

  /* In no turn of the root's: what fails from now on would overtake that. */
  troupe_ref_call_at_once (self->root, set_supervision_cb, drop_supervision_cb, troupe_supervision_copy (supervision));
}

/**
 * troupe_system_set_seed:
 * @self: a system
 * @seed: any number
 *
 * Lets the random numbers that the system draws begin anew, so that a test can be repeated. Call it from any thread.
 *
 * Since: 1.0
 */
void
troupe_system_set_seed (TroupeSystem *self,
                        guint32       seed)
{
  g_return_if_fail (TROUPE_IS_SYSTEM (self));

  g_mutex_lock (&self->mutex);
  if (self->random == NULL)
    self->random = g_rand_new_with_seed (seed);
  else
    g_rand_set_seed (self->random, seed);
  g_mutex_unlock (&self->mutex);
}

static void
run_late_trigger_cb (TroupeRef *root,
                     gpointer   data)
{
  Trigger *trigger = data;
  TroupePromise *promise = trigger->func (troupe_ref_get_system (root), trigger->user_data);

  g_clear_pointer (&promise, troupe_promise_unref);
}

/**
 * troupe_system_add_trigger:
 * @self: a system
 * @event: what to wait for
 * @phase: when to run
 * @func: (scope notified) (closure user_data) (destroy destroy): what to run
 * @user_data: what to run it with
 * @destroy: (nullable): frees @user_data, once @func has run or never will
 *
 * Runs @func once when the system starts or shuts down.
 *
 * Those of one phase run in the order in which they were added. What a trigger of the phase before promises is awaited, whatever its
 * outcome, before the next phase begins; a shutdown waits for a limited time, see [method@Troupe.System.set_shutdown_timeout]. All actors have ended when the phase after of a shutdown runs. A startup
 * trigger that comes too late runs in the next turn of the system's root. Call it from any thread.
 *
 * Returns: a number to take it back with, or 0 if it is too late for that
 *
 * Since: 1.0
 */
guint
troupe_system_add_trigger (TroupeSystem      *self,
                           TroupeEvent        event,
                           TroupePhase        phase,
                           TroupeTriggerFunc  func,
                           gpointer           user_data,
                           GDestroyNotify     destroy)
{
  Trigger *trigger;
  gboolean late;

  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), 0);
  g_return_val_if_fail (event < N_EVENTS, 0);
  g_return_val_if_fail (phase < N_PHASES, 0);
  g_return_val_if_fail (func != NULL, 0);

  trigger = g_new (Trigger, 1);
  *trigger = (Trigger) { 0, func, user_data, destroy };

  g_mutex_lock (&self->mutex);
  late = event == TROUPE_EVENT_STARTUP && troupe_system_get_state (self) >= STATE_STARTED;
  if (!late)
    {
      trigger->id = ++self->last_trigger;
      g_queue_push_tail (&self->triggers[event][phase], trigger);
    }
  g_mutex_unlock (&self->mutex);

  if (!late)
    return trigger->id;

  troupe_ref_call (self->root, run_late_trigger_cb, NULL, trigger, (GDestroyNotify) trigger_free);

  return 0;
}

static Trigger *
troupe_system_find_trigger (TroupeSystem *self,
                            guint         id)
{
  guint event;
  guint phase;

  for (event = 0; event < N_EVENTS; event++)
    for (phase = 0; phase < N_PHASES; phase++)
      {
        GQueue *queue = &self->triggers[event][phase];
        GList *link;

        for (link = queue->head; link != NULL; link = link->next)
          {
            Trigger *trigger = link->data;

            if (trigger->id != id)
              continue;
            g_queue_delete_link (queue, link);
            return trigger;
          }
      }

  return NULL;
}

/**
 * troupe_system_remove_trigger:
 * @self: a system
 * @id: what [method@Troupe.System.add_trigger] returned
 * @error: return location for a #GError
 *
 * Takes back a trigger that has not run. Call it from any thread.
 *
 * Returns: %TRUE, or %FALSE with %TROUPE_ERROR_NO_TRIGGER if there is none, because it has run for instance
 *
 * Since: 1.0
 */
gboolean
troupe_system_remove_trigger (TroupeSystem  *self,
                              guint          id,
                              GError       **error)
{
  Trigger *trigger;

  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), FALSE);

  g_mutex_lock (&self->mutex);
  trigger = troupe_system_find_trigger (self, id);
  g_mutex_unlock (&self->mutex);

  if (trigger == NULL)
    {
      g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_NO_TRIGGER, "There is no trigger %u to remove", id);
      return FALSE;
    }

  trigger_free (trigger);

  return TRUE;
}

/**
 * troupe_system_spawn: (skip)
 * @self: a system
 * @name: (nullable): a name that no other actor at the top has, or %NULL for one made of the kind and a serial number
 * @type: the type of the actor, derived from [class@Troupe.Actor]
 * @error: return location for a #GError
 * @...: names and values of properties to construct it with, then %NULL
 *
 * Spawns an actor at the top of the system. See [method@Troupe.System.spawn_with_properties].
 *
 * Returns: (transfer full) (nullable): the address of the actor, or %NULL with @error set
 *
 * Since: 1.0
 */
TroupeRef *
troupe_system_spawn (TroupeSystem  *self,
                     const char    *name,
                     GType          type,
                     GError       **error,
                     ...)
{
  const char *first_property;
  TroupeRef *ref;
  va_list args;

  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), NULL);
  g_return_val_if_fail (g_type_is_a (type, TROUPE_TYPE_ACTOR) && !G_TYPE_IS_ABSTRACT (type), NULL);

  va_start (args, error);
  first_property = va_arg (args, const char *);
  ref = troupe_ref_spawn_valist (self->root, NULL, name, type, error, first_property, args);
  va_end (args);

  return ref;
}

/**
 * troupe_system_spawn_with_properties: (rename-to troupe_system_spawn)
 * @self: a system
 * @name: (nullable): a name that no other actor at the top has, or %NULL for one made of the kind and a serial number
 * @type: the type of the actor, derived from [class@Troupe.Actor]
 * @n_properties: how many properties follow
 * @names: (array length=n_properties) (nullable): their names
 * @values: (array length=n_properties) (nullable): their values
 * @error: return location for a #GError
 *
 * Spawns an actor at the top of the system. Call it from any thread.
 *
 * The actor may be sent messages at once; it is built in its first turn, on its reactor. A bad name is
 * %TROUPE_ERROR_BAD_NAME, one in use %TROUPE_ERROR_NAME_IN_USE, a property that does not exist or has another type
 * %TROUPE_ERROR_BAD_PROPERTY; in a system that has been shut down it is %TROUPE_ERROR_ACTOR_STOPPED.
 *
 * Returns: (transfer full) (nullable): the address of the actor, or %NULL with @error set
 *
 * Since: 1.0
 */
TroupeRef *
troupe_system_spawn_with_properties (TroupeSystem  *self,
                                     const char    *name,
                                     GType          type,
                                     guint          n_properties,
                                     const char    *names[],
                                     const GValue   values[],
                                     GError       **error)
{
  return troupe_system_spawn_on_with_properties (self, NULL, name, type, n_properties, names, values, error);
}

/**
 * troupe_system_spawn_on: (skip)
 * @self: a system
 * @reactor: (nullable): a reactor of @self, or %NULL for where the class says
 * @name: (nullable): a name that no other actor at the top has, or %NULL for one made of the kind and a serial number
 * @type: the type of the actor, derived from [class@Troupe.Actor]
 * @error: return location for a #GError
 * @...: names and values of properties to construct it with, then %NULL
 *
 * Spawns an actor at the top of the system on a reactor of one's choice. See [method@Troupe.System.spawn_on_with_properties].
 *
 * Returns: (transfer full) (nullable): the address of the actor, or %NULL with @error set
 *
 * Since: 1.0
 */
TroupeRef *
troupe_system_spawn_on (TroupeSystem   *self,
                        TroupeReactor  *reactor,
                        const char     *name,
                        GType           type,
                        GError        **error,
                        ...)
{
  const char *first_property;
  TroupeRef *ref;
  va_list args;

  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), NULL);
  g_return_val_if_fail (reactor == NULL || troupe_system_has_reactor (self, reactor), NULL);
  g_return_val_if_fail (g_type_is_a (type, TROUPE_TYPE_ACTOR) && !G_TYPE_IS_ABSTRACT (type), NULL);

  va_start (args, error);
  first_property = va_arg (args, const char *);
  ref = troupe_ref_spawn_valist (self->root, reactor, name, type, error, first_property, args);
  va_end (args);

  return ref;
}

/**
 * troupe_system_spawn_on_with_properties: (rename-to troupe_system_spawn_on)
 * @self: a system
 * @reactor: (nullable): a reactor of @self, or %NULL for where the class says
 * @name: (nullable): a name that no other actor at the top has, or %NULL for one made of the kind and a serial number
 * @type: the type of the actor, derived from [class@Troupe.Actor]
 * @n_properties: how many properties follow
 * @names: (array length=n_properties) (nullable): their names
 * @values: (array length=n_properties) (nullable): their values
 * @error: return location for a #GError
 *
 * Spawns an actor at the top of the system on a reactor of one's choice, as [method@Troupe.System.spawn_with_properties] does on
 * that of its class's choice. Call it from any thread.
 *
 * The actor lives there until it has ended, restarts included. See [method@Troupe.System.pick_reactor].
 *
 * Returns: (transfer full) (nullable): the address of the actor, or %NULL with @error set
 *
 * Since: 1.0
 */
TroupeRef *
troupe_system_spawn_on_with_properties (TroupeSystem   *self,
                                        TroupeReactor  *reactor,
                                        const char     *name,
                                        GType           type,
                                        guint           n_properties,
                                        const char     *names[],
                                        const GValue    values[],
                                        GError        **error)
{
  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), NULL);
  g_return_val_if_fail (reactor == NULL || troupe_system_has_reactor (self, reactor), NULL);
  g_return_val_if_fail (g_type_is_a (type, TROUPE_TYPE_ACTOR) && !G_TYPE_IS_ABSTRACT (type), NULL);
  g_return_val_if_fail (n_properties == 0 || (names != NULL && values != NULL), NULL);

  return troupe_ref_spawn (self, reactor, self->root, name, type, n_properties, names, values, error);
}

/**
 * troupe_system_get_n_dead_letters:
 * @self: a system
 *
 * Counts the messages so far that nobody handled, see [signal@Troupe.System::dead-letter]. Call it from any thread.
 *
 * Returns: how many
 *
 * Since: 1.0
 */
guint64
troupe_system_get_n_dead_letters (TroupeSystem *self)
{
  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), 0);

  return __atomic_load_n (&self->n_dead_letters, __ATOMIC_RELAXED);
}

/**
 * troupe_system_get_n_long_turns:
 * @self: a system
 *
 * Counts the turns so far that took longer than they should, see [method@Troupe.System.set_watchdog]. Call it from any thread.
 *
 * Returns: how many
 *
 * Since: 1.0
 */
guint64
troupe_system_get_n_long_turns (TroupeSystem *self)
{
  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), 0);

  return __atomic_load_n (&self->n_long_turns, __ATOMIC_ACQUIRE);
}

/**
 * troupe_system_get_n_actors:
 * @self: a system
 *
 * Counts the actors that have been spawned and have not ended, but for the root. Call it from any thread.
 *
 * Returns: how many
 *
 * Since: 1.0
 */
guint64
troupe_system_get_n_actors (TroupeSystem *self)
{
  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), 0);

  return __atomic_load_n (&self->n_actors, __ATOMIC_RELAXED);
}
