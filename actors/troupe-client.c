/* troupe-client.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-client-private.h"
#include "troupe-connector.h"
#include "troupe-disconnection-private.h"
#include "troupe-endpoint.h"
#include "troupe-error.h"
#include "troupe-message-private.h"
#include "troupe-promise-private.h"
#include "troupe-protocol.h"
#include "troupe-ref-private.h"
#include "troupe-resolver.h"
#include "troupe-supervision-private.h"
#include "troupe-system-private.h"
#include "troupe-timer-private.h"
#include "troupe-topics-private.h"

/**
 * TroupeClient:
 *
 * A factory that keeps one connection.
 *
 * It connects to its [property@Troupe.Client:endpoint] when it starts, and again whenever it has no connection: after
 * [property@Troupe.Client:first-delay-ms], then after half as long again each time, up to [property@Troupe.Client:longest-delay-ms];
 * each time a random part of the first delay is added, so that clients that lost the same service do not come back together.
 * A client that has got a connection begins anew. It goes on until it is stopped; its connection then ends as one of any factory does, or
 * its attempt is broken off.
 *
 * It understands two messages, from any thread:
 *
 * - “when-connected”, to be asked: the answer is the address of the connection, a boxed [struct@Troupe.Ref], as soon as there is one. With a
 *   number as body, 1 or more, the answer is an error after so many attempts that fail from then on, the last one's. A client that is stopped first
 *   gives %TROUPE_ERROR_ACTOR_STOPPED.
 * - “connect-now”: where it waits before an attempt, the attempt is made at once. Asked, it answers what came of it, as “when-connected”
 *   with 1.
 *
 * What happens is published by [method@Troupe.System.subscribe]: “$system/connecting”, “$system/connected” and
 * “$system/disconnected”, each followed by the path of the client. A class that is derived from it has virtual functions for the same, and
 * `prepare_connection` for what has to be done before a connection counts, such as logging in.
 *
 * Since: 1.0
 */

/**
 * TroupeClientClass::prepare_connection:
 * @self: a client
 * @connection: the address of the connection; what is sent to it comes after its `connection_made`
 * @error: where to say why it failed
 *
 * Prepares a connection, or finds it wanting.
 *
 * Nobody is told of the connection before the promise is resolved. If it is rejected, the connection is stopped, and the attempt has failed as one
 * that could not connect. If the connection is lost first, the promise is cancelled. Give it a time, by
 * [method@Troupe.Promise.add_timeout], unless it is sure to have an outcome.
 *
 * Returns: (transfer full) (nullable): a promise, at home with the client, whose value does not matter; %NULL if there is nothing to
 *   wait for, with @error set if it failed
 *
 * Since: 1.0
 */

/**
 * TroupeClientClass::connected:
 * @self: a client
 * @connection: the address of the connection
 *
 * Is called when there is a connection and it is prepared, before those who asked for it are answered.
 *
 * Since: 1.0
 */

#define GROWTH                   1.5
#define DEFAULT_FIRST_DELAY_MS   1000
#define DEFAULT_LONGEST_DELAY_MS 60000

typedef enum
{
  TROUPE_CLIENT_CONNECTING,
  TROUPE_CLIENT_PREPARING,           /* has a connection, which nobody knows yet */
  TROUPE_CLIENT_REFUSING,            /* the same, which it has stopped, and that still closes */
  TROUPE_CLIENT_CONNECTED,
  TROUPE_CLIENT_WAITING,             /* for the timer */
} TroupeClientState;

typedef struct
{
  char              *endpoint;
  guint              first_ms;
  guint              longest_ms;

  TroupeClientState  state;
  TroupeRef         *connection;     /* preparing to connected; else NULL */
  TroupePromise     *preparation;    /* preparing, or NULL */
  GError            *error;          /* refusing: why */
  TroupeTimer       *timer;          /* waiting */
  guint              n_failures;     /* since it was connected last */
  GQueue             waiters;        /* the longest first */
} TroupeClientPrivate;

enum { PROP_0, PROP_ENDPOINT, PROP_FIRST_DELAY_MS, PROP_LONGEST_DELAY_MS, N_PROPS };

G_DEFINE_TYPE_WITH_PRIVATE (TroupeClient, troupe_client, TROUPE_TYPE_FACTORY)

static GParamSpec *properties[N_PROPS];

static inline TroupeClientPrivate *
get_private (TroupeClient *self)
{
  return troupe_client_get_instance_private (self);
}

/* Those who wait for a connection */

/* One reference is the queue's, another that of the canceller, which may still be on its way. */
typedef struct
{
  GList           link;
  GQueue         *queue;             /* NULL once out of it */
  TroupeResolver *resolver;          /* the same */
  guint64         n_left;            /* how many attempts may fail; 0: any number */
} TroupeClientWaiter;

static void
troupe_client_waiter_unref (gpointer data)
{
  g_atomic_rc_box_release (data);
}

/* The caller gets its resolver. */
static TroupeResolver *
troupe_client_waiter_leave (TroupeClientWaiter *self)
{
  TroupeResolver *resolver = g_steal_pointer (&self->resolver);

  g_queue_unlink (self->queue, &self->link);
  self->queue = NULL;
  troupe_client_waiter_unref (self);

  return resolver;
}

static void
troupe_client_waiter_cancelled_cb (TroupeResolver *resolver,
                                   gpointer        data)
{
  TroupeClientWaiter *self = data;

  if (self->queue != NULL)
    troupe_resolver_unref (troupe_client_waiter_leave (self));
}

static void
troupe_client_admit (TroupeClient   *self,
                     TroupeResolver *resolver,
                     guint64         n_left)
{
  GQueue *queue = &get_private (self)->waiters;
  TroupeClientWaiter *waiter = g_atomic_rc_box_new0 (TroupeClientWaiter);

  waiter->link.data = waiter;
  waiter->queue = queue;
  waiter->resolver = resolver;
  waiter->n_left = n_left;
  g_queue_push_tail_link (queue, &waiter->link);
  troupe_resolver_set_canceller (resolver, troupe_client_waiter_cancelled_cb, g_atomic_rc_box_acquire (waiter),
                                 troupe_client_waiter_unref);
}

/* Answers MESSAGE, now or later. */
static void
troupe_client_answer (TroupeClient  *self,
                      TroupeMessage *message,
                      guint64        n_left)
{
  TroupeClientPrivate *priv = get_private (self);
  TroupeResolver *resolver = troupe_message_defer_reply (message);

  if (resolver == NULL)
    return;

  if (priv->state != TROUPE_CLIENT_CONNECTED)
    {
      troupe_client_admit (self, resolver, n_left);
      return;
    }

  troupe_resolver_resolve_boxed (resolver, TROUPE_TYPE_REF, priv->connection, NULL);
  troupe_resolver_unref (resolver);
}

static void
troupe_client_answer_all (TroupeClient *self)
{
  TroupeClientPrivate *priv = get_private (self);

  /* An answer may be a step of this actor, which may do anything. */
  while (priv->waiters.head != NULL && priv->state == TROUPE_CLIENT_CONNECTED)
    {
      g_autoptr (TroupeResolver) resolver = troupe_client_waiter_leave (priv->waiters.head->data);

      troupe_resolver_resolve_boxed (resolver, TROUPE_TYPE_REF, priv->connection, NULL);
    }
}

/* An attempt has failed. */
static void
troupe_client_disappoint (TroupeClient *self,
                          const GError *error)
{
  TroupeClientPrivate *priv = get_private (self);
  g_autoptr (GPtrArray) disappointed = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_resolver_unref);
  GList *next;
  guint i;

  for (GList *link = priv->waiters.head; link != NULL; link = next)
    {
      TroupeClientWaiter *waiter = link->data;

      next = link->next;
      if (waiter->n_left > 0 && --waiter->n_left == 0)
        g_ptr_array_add (disappointed, troupe_client_waiter_leave (waiter));
    }

  for (i = 0; i < disappointed->len; i++)
    troupe_resolver_take_error (g_ptr_array_index (disappointed, i), g_error_copy (error));
}

/* Telling */

static void
troupe_client_publish (TroupeClient  *self,
                       TroupeNews     news,
                       GType          type,
                       gconstpointer  body)
{
  TroupeRef *ref = troupe_actor_get_ref (TROUPE_ACTOR (self));

  if (troupe_system_wants_news (ref->system, news))
    troupe_system_publish_news (ref->system, news, ref, type, body);
}

static void
troupe_client_tell_disconnected (TroupeClient *self,
                                 const GError *error,
                                 gint64        delay_ms)
{
  g_autoptr (TroupeDisconnection) disconnection = troupe_disconnection_new (error, delay_ms, get_private (self)->n_failures);

  TROUPE_CLIENT_GET_CLASS (self)->disconnected (self, disconnection);
  troupe_client_publish (self, TROUPE_NEWS_DISCONNECTED, TROUPE_TYPE_DISCONNECTION, disconnection);
}

/* Connecting, and once more */

static void troupe_client_connect (TroupeClient *self);

static void
troupe_client_time_cb (TroupeTimer *timer,
                       gpointer     data)
{
  troupe_client_connect (data);
}

static gint64
troupe_client_draw_delay_ms (TroupeClient *self)
{
  TroupeClientPrivate *priv = get_private (self);
  double random = troupe_system_draw_random (troupe_actor_get_system (TROUPE_ACTOR (self)));

  return troupe_back_off_get_ms (priv->first_ms, priv->longest_ms, GROWTH, priv->n_failures - 1) + (gint64) (random * priv->first_ms);
}

/* There is no connection. */
static void
troupe_client_wait (TroupeClient *self,
                    const GError *error)
{
  TroupeClientPrivate *priv = get_private (self);
  gint64 delay_ms;

  priv->n_failures += priv->n_failures < G_MAXUINT;
  delay_ms = troupe_client_draw_delay_ms (self);
  priv->state = TROUPE_CLIENT_WAITING;
  priv->timer = troupe_timer_new (troupe_actor_get_ref (TROUPE_ACTOR (self)), delay_ms, FALSE, troupe_client_time_cb, self, NULL);
  troupe_client_tell_disconnected (self, error, delay_ms);
}

static void
troupe_client_fail (TroupeClient *self,
                    const GError *error)
{
  troupe_client_wait (self, error);
  troupe_client_disappoint (self, error);
}

static void
troupe_client_succeed (TroupeClient *self)
{
  TroupeClientPrivate *priv = get_private (self);
  g_autoptr (TroupeRef) connection = troupe_ref_ref (priv->connection);

  priv->state = TROUPE_CLIENT_CONNECTED;
  priv->n_failures = 0;
  TROUPE_CLIENT_GET_CLASS (self)->connected (self, connection);
  troupe_client_publish (self, TROUPE_NEWS_CONNECTED, TROUPE_TYPE_REF, connection);
  troupe_client_answer_all (self);
}

/* Takes ERROR. The attempt fails when the connection has closed: there is to be one at a time. */
static void
troupe_client_refuse (TroupeClient *self,
                      GError       *error)
{
  TroupeClientPrivate *priv = get_private (self);

  priv->state = TROUPE_CLIENT_REFUSING;
  priv->error = error;
  troupe_ref_stop (priv->connection);
}

/* An actor that ends breaks off what it has begun, and is told so by its own promises. */
static gboolean
troupe_client_is_over (TroupeClient *self)
{
  return troupe_ref_get_state (troupe_actor_get_ref (TROUPE_ACTOR (self))) != TROUPE_REF_LIVE;
}

static void
troupe_client_prepared_cb (TroupePromise *promise,
                           gpointer       data)
{
  TroupeClient *self = data;
  TroupeClientPrivate *priv = get_private (self);
  GError *error = troupe_promise_steal_error (promise);

  /* Not for one that was lost meanwhile, or with its client. */
  if (priv->preparation != promise || troupe_client_is_over (self))
    {
      g_clear_error (&error);
      return;
    }

  g_clear_pointer (&priv->preparation, troupe_promise_unref);
  if (error != NULL)
    troupe_client_refuse (self, error);
  else
    troupe_client_succeed (self);
}

static void
troupe_client_made_cb (TroupePromise *promise,
                       gpointer       data)
{
  TroupeClient *self = data;
  TroupeClientPrivate *priv = get_private (self);
  GError *error = NULL;

  if (troupe_client_is_over (self))
    return;

  priv->state = TROUPE_CLIENT_PREPARING;
  priv->connection = troupe_ref_ref (troupe_promise_get_ref (promise));
  priv->preparation = TROUPE_CLIENT_GET_CLASS (self)->prepare_connection (self, priv->connection, &error);

  if (error != NULL)
    {
      g_clear_pointer (&priv->preparation, troupe_promise_unref);
      troupe_client_refuse (self, error);
    }
  else if (priv->preparation != NULL)
    {
      g_autoptr (TroupePromise) preparation = troupe_promise_ref (priv->preparation);

      troupe_promise_add_both (preparation, troupe_client_prepared_cb, self, NULL);
    }
  else
    {
      troupe_client_succeed (self);
    }
}

static void
troupe_client_not_made_cb (TroupePromise *promise,
                           gpointer       data)
{
  g_autoptr (GError) error = troupe_promise_steal_error (promise);

  if (!troupe_client_is_over (data))
    troupe_client_fail (data, error);
}

static void
troupe_client_connect (TroupeClient *self)
{
  TroupeClientPrivate *priv = get_private (self);
  TroupeRef *ref = troupe_actor_get_ref (TROUPE_ACTOR (self));
  g_autoptr (TroupePromise) made = NULL;

  troupe_timer_clear (&priv->timer);
  priv->state = TROUPE_CLIENT_CONNECTING;
  TROUPE_CLIENT_GET_CLASS (self)->connecting (self);
  troupe_client_publish (self, TROUPE_NEWS_CONNECTING, TROUPE_TYPE_REF, ref);

  made = troupe_connect (ref->system, priv->endpoint, ref);
  troupe_promise_add_callbacks (made, troupe_client_made_cb, self, NULL, troupe_client_not_made_cb, self, NULL);
}

/* Losing */

typedef struct
{
  TroupeRef *connection;
  GError    *reason;
} TroupeLoss;

static void
troupe_loss_free (gpointer data)
{
  TroupeLoss *self = data;

  troupe_ref_unref (self->connection);
  g_error_free (self->reason);
  g_free (self);
}

static void
troupe_client_lose (TroupeClient *self,
                    const GError *reason)
{
  TroupeClientPrivate *priv = get_private (self);
  g_autoptr (TroupePromise) preparation = g_steal_pointer (&priv->preparation);
  g_autoptr (GError) error = g_steal_pointer (&priv->error);

  g_clear_pointer (&priv->connection, troupe_ref_unref);
  if (priv->state == TROUPE_CLIENT_CONNECTED)
    troupe_client_wait (self, reason);
  else
    troupe_client_fail (self, error != NULL ? error : reason);

  if (preparation != NULL)
    troupe_promise_cancel (preparation);
}

static void
troupe_client_lost_cb (TroupeRef *ref,
                       gpointer   data)
{
  TroupeLoss *loss = data;

  if (ref->actor == NULL || troupe_ref_get_state (ref) != TROUPE_REF_LIVE)
    return;

  /* Not for one of an earlier life, or that somebody else has connected by this factory. */
  if (get_private (TROUPE_CLIENT (ref->actor))->connection == loss->connection)
    troupe_client_lose (TROUPE_CLIENT (ref->actor), loss->reason);
}

void
troupe_client_tell_lost (TroupeRef    *client,
                         TroupeRef    *connection,
                         const GError *reason)
{
  TroupeLoss *loss = g_new (TroupeLoss, 1);

  *loss = (TroupeLoss) { troupe_ref_ref (connection), g_error_copy (reason) };
  troupe_ref_call (client, troupe_client_lost_cb, NULL, loss, troupe_loss_free);
}

/* The class */

static gboolean
troupe_client_on_connect_now (TroupeActor    *actor,
                              TroupeMessage  *message,
                              GError        **error)
{
  TroupeClient *self = TROUPE_CLIENT (actor);

  if (get_private (self)->state == TROUPE_CLIENT_WAITING)
    troupe_client_connect (self);
  troupe_client_answer (self, message, 1);

  return TRUE;
}

static gboolean
troupe_client_on_when_connected (TroupeActor    *actor,
                                 TroupeMessage  *message,
                                 GError        **error)
{
  GType type = troupe_message_get_body_type (message);
  gint64 n_left = type == G_TYPE_INT64 ? troupe_message_get_int64 (message) : 1;

  if (type == G_TYPE_NONE)
    troupe_client_answer (TROUPE_CLIENT (actor), message, 0);
  else if (type == G_TYPE_INT64 && n_left > 0)
    troupe_client_answer (TROUPE_CLIENT (actor), message, n_left);
  else if (troupe_message_wants_reply (message))
    troupe_message_reply_error (message, g_error_new (TROUPE_ERROR, TROUPE_ERROR_BODY_TYPE,
                                                      "“when-connected” takes nothing, or a whole number that is 1 or more"));

  return TRUE;
}

static gboolean
troupe_client_started (TroupeActor  *actor,
                       GError      **error)
{
  TroupeClient *self = TROUPE_CLIENT (actor);
  g_autoptr (TroupeEndpoint) endpoint = troupe_endpoint_parse_client (get_private (self)->endpoint, error);

  /* It will not be a better one later. */
  if (endpoint == NULL)
    return FALSE;

  troupe_client_connect (self);

  return TROUPE_ACTOR_CLASS (troupe_client_parent_class)->started (actor, error);
}

static void
troupe_client_stopped (TroupeActor *actor)
{
  g_autoptr (GError) error = troupe_ref_new_ended_error (troupe_actor_get_ref (actor));

  g_clear_pointer (&get_private (TROUPE_CLIENT (actor))->connection, troupe_ref_unref);
  troupe_client_tell_disconnected (TROUPE_CLIENT (actor), error, -1);
  TROUPE_ACTOR_CLASS (troupe_client_parent_class)->stopped (actor);
}

static void
troupe_client_real_connecting (TroupeClient *self)
{
}

static TroupePromise *
troupe_client_real_prepare_connection (TroupeClient  *self,
                                       TroupeRef     *connection,
                                       GError       **error)
{
  return NULL;
}

static void
troupe_client_real_connected (TroupeClient *self,
                              TroupeRef    *connection)
{
}

static void
troupe_client_real_disconnected (TroupeClient        *self,
                                 TroupeDisconnection *disconnection)
{
}

static void
troupe_client_dispose (GObject *object)
{
  TroupeClientPrivate *priv = get_private (TROUPE_CLIENT (object));

  while (priv->waiters.head != NULL)
    troupe_resolver_unref (troupe_client_waiter_leave (priv->waiters.head->data));
  troupe_timer_clear (&priv->timer);
  g_clear_pointer (&priv->preparation, troupe_promise_unref);
  g_clear_pointer (&priv->connection, troupe_ref_unref);

  G_OBJECT_CLASS (troupe_client_parent_class)->dispose (object);
}

static void
troupe_client_finalize (GObject *object)
{
  TroupeClientPrivate *priv = get_private (TROUPE_CLIENT (object));

  g_free (priv->endpoint);
  g_clear_error (&priv->error);

  G_OBJECT_CLASS (troupe_client_parent_class)->finalize (object);
}

static void
troupe_client_get_property (GObject    *object,
                            guint       id,
                            GValue     *value,
                            GParamSpec *spec)
{
  TroupeClientPrivate *priv = get_private (TROUPE_CLIENT (object));

  switch (id)
    {
    case PROP_ENDPOINT:
      g_value_set_string (value, priv->endpoint);
      break;

    case PROP_FIRST_DELAY_MS:
      g_value_set_uint (value, priv->first_ms);
      break;

    case PROP_LONGEST_DELAY_MS:
      g_value_set_uint (value, priv->longest_ms);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
    }
}

static void
troupe_client_set_property (GObject      *object,
                            guint         id,
                            const GValue *value,
                            GParamSpec   *spec)
{
  TroupeClientPrivate *priv = get_private (TROUPE_CLIENT (object));

  switch (id)
    {
    case PROP_ENDPOINT:
      priv->endpoint = g_value_dup_string (value);
      break;

    case PROP_FIRST_DELAY_MS:
      priv->first_ms = g_value_get_uint (value);
      break;

    case PROP_LONGEST_DELAY_MS:
      priv->longest_ms = g_value_get_uint (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
    }
}

static void
troupe_client_class_init (TroupeClientClass *klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  object_class->dispose = troupe_client_dispose;
  object_class->finalize = troupe_client_finalize;
  object_class->get_property = troupe_client_get_property;
  object_class->set_property = troupe_client_set_property;
  actor_class->kind = "client";
  actor_class->started = troupe_client_started;
  actor_class->stopped = troupe_client_stopped;
  klass->connecting = troupe_client_real_connecting;
  klass->prepare_connection = troupe_client_real_prepare_connection;
  klass->connected = troupe_client_real_connected;
  klass->disconnected = troupe_client_real_disconnected;

  troupe_actor_class_bind (actor_class, "connect-now", G_TYPE_NONE, troupe_client_on_connect_now);
  troupe_actor_class_bind (actor_class, "when-connected", G_TYPE_VALUE, troupe_client_on_when_connected);

  /**
   * TroupeClient:endpoint:
   *
   * Where to connect to, such as `tcp:example.org:80:timeout=5`; see [struct@Troupe.Endpoint].
   *
   * A client whose endpoint is none fails when it starts, with %TROUPE_ERROR_BAD_ENDPOINT.
   *
   * Since: 1.0
   */
  properties[PROP_ENDPOINT] = g_param_spec_string ("endpoint", NULL, NULL, NULL, flags);

  /**
   * TroupeClient:first-delay-ms:
   *
   * Milliseconds from the loss of a connection, or from a first attempt that failed, to the next attempt; and the most that is added by
   * chance each time.
   *
   * Since: 1.0
   */
  properties[PROP_FIRST_DELAY_MS] =
    g_param_spec_uint ("first-delay-ms", NULL, NULL, 1, G_MAXUINT, DEFAULT_FIRST_DELAY_MS, flags);

  /**
   * TroupeClient:longest-delay-ms:
   *
   * The most milliseconds from one attempt to the next, before what is added by chance.
   *
   * Since: 1.0
   */
  properties[PROP_LONGEST_DELAY_MS] =
    g_param_spec_uint ("longest-delay-ms", NULL, NULL, 1, G_MAXUINT, DEFAULT_LONGEST_DELAY_MS, flags);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
troupe_client_init (TroupeClient *self)
{
  g_queue_init (&get_private (self)->waiters);
}

/**
 * troupe_system_spawn_client:
 * @system: a system
 * @name: (nullable): a name, or %NULL for one made of “client” and a number
 * @endpoint: (nullable): where to connect to, such as `tcp:example.org:80:timeout=5`; see [struct@Troupe.Endpoint]
 * @protocol_type: what to spawn for each connection, a type derived from [class@Troupe.Protocol]
 * @error: where to put the reason
 *
 * Spawns a client under the root of @system, which connects at once.
 *
 * Call it from any thread. It fails with %TROUPE_ERROR_BAD_ENDPOINT, and as [method@Troupe.System.spawn_with_properties] does, which can
 * spawn a [class@Troupe.Client], too, as can an actor under itself.
 *
 * Returns: (transfer full): the client's address, or %NULL with @error set
 *
 * Since: 1.0
 */
TroupeRef *
troupe_system_spawn_client (TroupeSystem  *system,
                            const char    *name,
                            const char    *endpoint,
                            GType          protocol_type,
                            GError       **error)
{
  g_autoptr (TroupeEndpoint) parsed = NULL;

  g_return_val_if_fail (TROUPE_IS_SYSTEM (system), NULL);
  g_return_val_if_fail (g_type_is_a (protocol_type, TROUPE_TYPE_PROTOCOL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  parsed = troupe_endpoint_parse_client (endpoint, error);
  if (parsed == NULL)
    return NULL;

  return troupe_system_spawn (system, name, TROUPE_TYPE_CLIENT, error,
                              "endpoint", endpoint, "protocol-type", protocol_type, NULL);
}

/**
 * troupe_client_get_connection:
 * @self: a client, in one of its turns
 *
 * Gets the address of the connection.
 *
 * Returns: (transfer none) (nullable): the connection, or %NULL if there is none or it is not prepared yet
 *
 * Since: 1.0
 */
TroupeRef *
troupe_client_get_connection (TroupeClient *self)
{
  g_return_val_if_fail (TROUPE_IS_CLIENT (self), NULL);

  return get_private (self)->state == TROUPE_CLIENT_CONNECTED ? get_private (self)->connection : NULL;
}
