/* bus-counter.c: an actor on D-Bus, where each call is an ask
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <locale.h>

#include <troupe.h>

#define BUS_NAME       "org.example.Counter"
#define OBJECT_PATH    "/org/example/Counter"
#define ANSWER_WITHIN  5000          /* milliseconds: less than the 25 s that callers wait by default */

static const char interface_xml[] =
  "<node>"
  "  <interface name='org.example.Counter'>"
  "    <method name='Add'>"
  "      <arg name='amount' type='x' direction='in'/>"
  "      <arg name='total' type='x' direction='out'/>"
  "    </method>"
  "    <method name='Total'>"
  "      <arg name='total' type='x' direction='out'/>"
  "    </method>"
  "    <signal name='Changed'>"
  "      <arg name='total' type='x'/>"
  "    </signal>"
  "  </interface>"
  "</node>";

/* The actor: its messages have the names and the bodies of the interface's methods */

#define COUNTER_TYPE_ACTOR (counter_actor_get_type ())
G_DECLARE_FINAL_TYPE (CounterActor, counter_actor, COUNTER, ACTOR, TroupeActor)

struct _CounterActor
{
  TroupeActor      parent_instance;
  GDBusConnection *connection;
  gint64           total;
};

enum { PROP_0, PROP_CONNECTION, N_PROPS };

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (CounterActor, counter_actor, TROUPE_TYPE_ACTOR)

static void
counter_reply_total (CounterActor *self, TroupeMessage *message)
{
  troupe_message_reply_variant (message, g_variant_new ("(x)", self->total));
}

static gboolean
counter_on_add (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  CounterActor *self = COUNTER_ACTOR (actor);
  gint64 amount;
  gint64 total;

  g_variant_get (troupe_message_get_variant (message), "(x)", &amount);
  if (__builtin_add_overflow (self->total, amount, &total))
    {
      /* The caller's mistake, and no failure of the actor: it goes on. */
      troupe_message_reply_error (message, g_error_new (G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                                                        "The total does not fit 64 bits if %" G_GINT64_FORMAT " is added", amount));
      return TRUE;
    }

  self->total = total;
  counter_reply_total (self, message);
  return g_dbus_connection_emit_signal (self->connection, NULL, OBJECT_PATH, BUS_NAME, "Changed",
                                        g_variant_new ("(x)", total), error);
}

static gboolean
counter_on_total (TroupeActor *actor, TroupeMessage *message, GError **error)
{
  counter_reply_total (COUNTER_ACTOR (actor), message);
  return TRUE;
}

static void
counter_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  if (id == PROP_CONNECTION)
    COUNTER_ACTOR (object)->connection = g_value_dup_object (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
counter_dispose (GObject *object)
{
  g_clear_object (&COUNTER_ACTOR (object)->connection);
  G_OBJECT_CLASS (counter_actor_parent_class)->dispose (object);
}

static void
counter_actor_class_init (CounterActorClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  G_OBJECT_CLASS (klass)->set_property = counter_set_property;
  G_OBJECT_CLASS (klass)->dispose = counter_dispose;
  properties[PROP_CONNECTION] = g_param_spec_object ("connection", NULL, NULL, G_TYPE_DBUS_CONNECTION,
                                                     G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (G_OBJECT_CLASS (klass), N_PROPS, properties);

  troupe_actor_class_bind (actor_class, "Add", G_TYPE_VARIANT, counter_on_add);
  troupe_actor_class_bind (actor_class, "Total", G_TYPE_VARIANT, counter_on_total);
}

static void
counter_actor_init (CounterActor *self)
{
}

/* The bus: code of GIO's, outside any actor */

static void
answer_call (TroupePromise *promise, gpointer data)
{
  GDBusMethodInvocation *call = g_object_ref (data);  /* to return takes a reference */
  const GError *error = troupe_promise_get_error (promise);

  if (error != NULL)
    g_dbus_method_invocation_return_gerror (call, error);
  else
    g_dbus_method_invocation_return_value (call, troupe_promise_get_variant (promise));

  troupe_promise_return_nothing (promise);
}

/* GDBus has checked that the interface has METHOD, and that the parameters are of its types. */
static void
on_method_call (GDBusConnection *connection, const char *sender, const char *path, const char *interface, const char *method,
                GVariant *parameters, GDBusMethodInvocation *call, gpointer counter)
{
  g_autoptr (TroupePromise) answer = troupe_ref_ask_within (counter, troupe_message_new_variant (method, parameters), ANSWER_WITHIN);

  troupe_promise_add_both (answer, answer_call, call, g_object_unref);
}

static gboolean
export_counter (GDBusConnection *connection, TroupeRef *counter, GError **error)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_method_call };
  g_autoptr (GDBusNodeInfo) info = g_dbus_node_info_new_for_xml (interface_xml, error);

  return info != NULL &&
         g_dbus_connection_register_object (connection, OBJECT_PATH, info->interfaces[0], &vtable, troupe_ref_ref (counter),
                                            (GDestroyNotify) troupe_ref_unref, error) != 0;
}

static void
on_name_acquired (GDBusConnection *connection, const char *name, gpointer data)
{
  g_print ("on the bus as %s\n", name);
}

static void
on_name_lost (GDBusConnection *connection, const char *name, gpointer error)
{
  if (*(GError **) error == NULL)
    g_set_error ((GError **) error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE, "The name %s is another program's", name);
  troupe_system_shutdown (troupe_system_get_default ());
}

static gboolean
serve (GError **error)
{
  TroupeSystem *system = troupe_system_get_default ();
  g_autoptr (GDBusConnection) connection = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, error);
  g_autoptr (TroupeRef) counter = NULL;
  GError *lost = NULL;
  guint owner;
  gboolean ran;

  if (connection == NULL)
    return FALSE;

  counter = troupe_system_spawn (system, "counter", COUNTER_TYPE_ACTOR, error, "connection", connection, NULL);
  if (counter == NULL || !export_counter (connection, counter, error))
    return FALSE;

  owner = g_bus_own_name_on_connection (connection, BUS_NAME, G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE, on_name_acquired, on_name_lost,
                                        &lost, NULL);
  ran = troupe_system_run (system, error);
  g_bus_unown_name (owner);
  if (lost == NULL || !ran)
    {
      g_clear_error (&lost);
      return ran;
    }

  g_propagate_error (error, lost);
  return FALSE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("– counts for whoever asks on the session bus");
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  if (!g_option_context_parse (context, &argc, &argv, &error) || !serve (&error))
    {
      g_printerr ("bus-counter: %s\n", error->message);
      return 1;
    }

  return 0;
}
