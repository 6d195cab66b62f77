/* test-shutdown.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The order of a shutdown, and what happens to those who take too long. */

#include "troupe-test-connection.h"
#include "troupe-test-puppet.h"
#include "troupe-test-trace.h"

/* A service that says its name at its end, and tells a service that was there before. */

#define TEST_TYPE_SERVICE (test_service_get_type ())
G_DECLARE_FINAL_TYPE (TestService, test_service, TEST, SERVICE, TroupeActor)

struct _TestService
{
  TroupeActor parent_instance;

  TroupeRef  *base;
};

G_DEFINE_FINAL_TYPE (TestService, test_service, TROUPE_TYPE_ACTOR)

enum { PROP_BASE = 1 };

static gboolean
test_service_store (TroupeActor    *actor,
                    TroupeMessage  *message,
                    GError        **error)
{
  g_autofree char *word = g_strdup_printf ("stored-%s", troupe_message_get_string (message));

  say (word);
  return TRUE;
}

/* Never answers. */
static gboolean
test_service_drain (TroupeActor    *actor,
                    TroupeMessage  *message,
                    GError        **error)
{
  TroupeResolver **place = troupe_message_get_pointer (message);

  *place = troupe_message_defer_reply (message);
  return TRUE;
}

static void
test_service_stopped (TroupeActor *actor)
{
  TestService *self = TEST_SERVICE (actor);
  g_autofree char *name = troupe_ref_dup_name (troupe_actor_get_ref (actor));

  say (name);
  if (self->base != NULL)
    troupe_ref_send (self->base, troupe_message_new_string ("store", name));
}

static void
test_service_set_property (GObject      *object,
                           guint         id,
                           const GValue *value,
                           GParamSpec   *pspec)
{
  TEST_SERVICE (object)->base = g_value_dup_boxed (value);
}

static void
test_service_finalize (GObject *object)
{
  g_clear_pointer (&TEST_SERVICE (object)->base, troupe_ref_unref);
  G_OBJECT_CLASS (test_service_parent_class)->finalize (object);
}

static void
test_service_class_init (TestServiceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  object_class->set_property = test_service_set_property;
  object_class->finalize = test_service_finalize;
  g_object_class_install_property (object_class, PROP_BASE,
                                   g_param_spec_boxed ("base", NULL, NULL, TROUPE_TYPE_REF,
                                                       G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS));
  actor_class->stopped = test_service_stopped;
  troupe_actor_class_bind (actor_class, "store", G_TYPE_STRING, test_service_store);
  troupe_actor_class_bind (actor_class, "drain", G_TYPE_POINTER, test_service_drain);
}

static void
test_service_init (TestService *self)
{
}

static TroupeRef *
spawn_service (TroupeSystem *system,
               const char   *name,
               TroupeRef    *base)
{
  g_autoptr (GError) error = NULL;
  TroupeRef *ref = troupe_system_spawn (system, name, TEST_TYPE_SERVICE, &error, "base", base, NULL);

  g_assert_no_error (error);
  return ref;
}

static void
test_order (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) disk = spawn_service (system, "disk", NULL);
  g_autoptr (TroupeRef) store = spawn_service (system, "store", disk);
  g_autoptr (TroupeRef) web = spawn_service (system, "web", store);

  g_test_summary ("Services stop one after the other, the youngest first: what it says last to an older one is still handled.");

  trace = g_string_new (NULL);
  troupe_test_settle ();
  troupe_test_system_end (system);
  assert_trace ("web stored-web store stored-store disk");
  g_string_free (trace, TRUE);
}

static void
fill (TroupeProtocol *protocol)
{
  g_autofree char *block = g_strnfill (16 * 1024 * 1024, 'x');

  troupe_transport_set_close_timeout (troupe_protocol_get_transport (protocol), 3600 * 1000);
  write_text (protocol, block);
}

static void
test_stuck_service (void)
{
  int fd;

  g_test_summary ("A service that does not end in time is named, and killed.");

  probe_begin ();
  probe.on_made = fill;
  fd = client_open ();
  troupe_system_set_shutdown_timeout (probe.system, 20);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*“/listener-1” has not stopped within 20 ms: it is killed");
  troupe_system_shutdown (probe.system);
  troupe_test_until (troupe_system_has_ended (probe.system));
  g_test_assert_expected_messages ();
  g_assert_true (troupe_ref_has_ended (probe.ref));
  g_assert_cmpuint (probe.n_lost, ==, 0);

  close (fd);
  probe_end ();
}

static TroupePromise *
ask_to_drain (TroupeSystem *system,
              gpointer      data)
{
  g_autoptr (TroupeRef) service = troupe_system_lookup (system, "/service");

  return troupe_ref_ask (service, troupe_message_new_pointer ("drain", data, NULL));
}

static TroupePromise *
promise_much (TroupeSystem *system,
              gpointer      data)
{
  return troupe_promise_new (data);
}

static TroupePromise *
say_phase (TroupeSystem *system,
           gpointer      data)
{
  say (data);
  return NULL;
}

static void
test_stuck_triggers (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) service = spawn_service (system, "service", NULL);
  g_autoptr (TroupeResolver) reply = NULL;
  g_autoptr (TroupeResolver) resolver = NULL;

  g_test_summary ("Triggers of the phase before whose promises do not come in time are named, and waited for no more.");

  trace = g_string_new (NULL);
  troupe_system_set_shutdown_timeout (system, 20);
  troupe_system_add_trigger (system, TROUPE_EVENT_SHUTDOWN, TROUPE_PHASE_BEFORE, ask_to_drain, &reply, NULL);
  troupe_system_add_trigger (system, TROUPE_EVENT_SHUTDOWN, TROUPE_PHASE_BEFORE, promise_much, &resolver, NULL);
  troupe_system_add_trigger (system, TROUPE_EVENT_SHUTDOWN, TROUPE_PHASE_DURING, say_phase, (gpointer) "during", NULL);
  troupe_system_add_trigger (system, TROUPE_EVENT_SHUTDOWN, TROUPE_PHASE_AFTER, say_phase, (gpointer) "after", NULL);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*trigger 1 has waited too long for an answer to “drain”*");
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*what trigger 2 promised has not come*");
  troupe_test_system_end (system);
  g_test_assert_expected_messages ();
  assert_trace ("during service after");
  g_string_free (trace, TRUE);
}

#define N_SERVICES 2000

static void
test_many (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  int i;

  g_test_summary ("Many services take a turn or two each.");

  for (i = 0; i < N_SERVICES; i++)
    troupe_ref_unref (test_puppet_new (system, NULL));
  troupe_test_system_end (system);
}

static void
test_sync (void)
{
  g_autoptr (TroupeSystem) system = troupe_test_system_new ();
  g_autoptr (TroupeRef) first = spawn_service (system, "first", NULL);
  g_autoptr (TroupeRef) second = spawn_service (system, "second", NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A program whose own loop is over shuts down and waits in one call; once more, it does nothing.");

  trace = g_string_new (NULL);
  troupe_test_settle ();
  g_assert_true (troupe_system_shutdown_sync (system, &error));
  g_assert_no_error (error);
  g_assert_true (troupe_system_has_ended (system));
  assert_trace ("second first");
  g_assert_true (troupe_system_shutdown_sync (system, &error));
  g_assert_no_error (error);
  g_string_free (trace, TRUE);
}

static void
test_sync_begun (void)
{
  g_autoptr (TroupeSystem) system = troupe_test_system_new ();

  g_test_summary ("A shutdown that has begun is waited for.");

  troupe_system_shutdown (system);
  g_assert_true (troupe_system_shutdown_sync (system, NULL));
  g_assert_true (troupe_system_has_ended (system));
}

static gboolean
shut_down_in_turn (TroupeActor    *actor,
                   TroupeMessage  *message,
                   GError        **error)
{
  GError **seen = test_puppet_get_data (message);

  g_assert_false (troupe_system_shutdown_sync (troupe_actor_get_system (actor), seen));
  return TRUE;
}

static gpointer
shut_down_in_thread (gpointer system)
{
  GError *error = NULL;

  g_assert_false (troupe_system_shutdown_sync (system, &error));
  return error;
}

static void
test_sync_refused (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (GError) in_turn = NULL;
  g_autoptr (GError) in_thread = NULL;
  TestJob job = { shut_down_in_turn, &in_turn };

  g_test_summary ("Where it could not wait it says so, and the system goes on.");

  in_thread = g_thread_join (g_thread_new ("stranger", shut_down_in_thread, system));
  g_assert_error (in_thread, TROUPE_ERROR, TROUPE_ERROR_WRONG_THREAD);
  troupe_ref_send (puppet, troupe_message_new_pointer ("run", &job, NULL));
  troupe_test_until (in_turn != NULL);
  g_assert_error (in_turn, TROUPE_ERROR, TROUPE_ERROR_ALREADY_RUNNING);
  troupe_test_settle ();
  g_assert_false (troupe_ref_has_ended (puppet));
  troupe_test_system_end (system);
}

static gboolean
fail (TroupeActor    *actor,
      TroupeMessage  *message,
      GError        **error)
{
  g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_FAILED, "No more");
  return FALSE;
}

static void
test_sync_error (void)
{
  g_autoptr (TroupeSystem) system = troupe_test_system_new ();
  g_autoptr (TroupeSupervision) supervision = troupe_supervision_new (TROUPE_DIRECTIVE_ESCALATE);
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (GError) error = NULL;
  TestJob job = { fail, NULL };

  g_test_summary ("What was escalated to the top is its error.");

  troupe_system_set_supervision (system, supervision);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*No more*");
  troupe_ref_send (puppet, troupe_message_new_pointer ("run", &job, NULL));
  troupe_test_until (troupe_system_has_ended (system));
  g_test_assert_expected_messages ();
  g_assert_false (troupe_system_shutdown_sync (system, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_FAILED);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/shutdown/order", test_order);
  g_test_add_func ("/troupe/shutdown/stuck-service", test_stuck_service);
  g_test_add_func ("/troupe/shutdown/stuck-triggers", test_stuck_triggers);
  g_test_add_func ("/troupe/shutdown/many", test_many);
  g_test_add_func ("/troupe/shutdown/sync", test_sync);
  g_test_add_func ("/troupe/shutdown/sync-begun", test_sync_begun);
  g_test_add_func ("/troupe/shutdown/sync-refused", test_sync_refused);
  g_test_add_func ("/troupe/shutdown/sync-error", test_sync_error);

  return g_test_run ();
}
