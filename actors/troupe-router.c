/* troupe-router.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error.h"
#include "troupe-mailbox-private.h"
#include "troupe-message-private.h"
#include "troupe-outcomes.h"
#include "troupe-promise-list.h"
#include "troupe-promise.h"
#include "troupe-router.h"
#include "troupe-system-private.h"

/**
 * TroupeRouter:
 *
 * An actor that stands for several others of a kind, its routees.
 *
 * Whatever is sent to a router it forwards, to the routee or the routees that its [property@Troupe.Router:routing] says. They are its
 * children: it spawns them when it starts, and they stop with it. The sender stays what it was, and the answer to an ask goes straight from the
 * routee to the asker. Where a message goes to several, its body is shared, and an ask is answered by the router.
 *
 * A routee that ends is not replaced: those that fail are a matter of supervision. When the last one has ended, so does the router.
 *
 * The pool has a fixed size, which [func@Troupe.Router.resize] changes; or, with a [property@Troupe.Router:max-size], it grows up to that
 * while every routee has more waiting than it handles in a tenth of a second, and shrinks again when for a second nothing has waited.
 *
 * Since: 1.0
 */

/**
 * TroupeRouterClass::build_routee:
 * @self: a router
 * @error: where to say why it failed
 *
 * Spawns a routee.
 *
 * Returns: (transfer full) (nullable): the address of a child of @self, or %NULL with @error set
 *
 * Since: 1.0
 */

/**
 * TroupeRouterClass::hash_message:
 * @self: a router
 * @message: the message to forward
 *
 * Gives a number that is the same for messages that have to go to the same routee.
 *
 * Returns: any number; it need not be spread well
 *
 * Since: 1.0
 */

#define LOOK_MS     100              /* how often a pool that may be resized is looked at */
#define QUIET_LOOKS 10               /* so often nothing waited: it may be smaller */

typedef struct
{
  TroupeRef *ref;
  guint      number;                 /* the lowest that no other had */
  guint      n_sent;                 /* since the last look … */
  guint      n_waiting;              /* … and what waited then */
} TroupeRoutee;

typedef struct
{
  TroupeRouting routing;
  GType         routee_type;
  guint         size;                /* what the pool begins with, and its least by itself */
  guint         max_size;
  GArray       *routees;             /* TroupeRoutee, the oldest first */
  guint         next;                /* whose turn it is */
  TroupeTimer  *look;                /* NULL while there is nothing to look at */
  guint         n_quiet;             /* looks in a row */
} TroupeRouterPrivate;

enum { PROP_0, PROP_ROUTING, PROP_ROUTEE_TYPE, PROP_SIZE, PROP_MAX_SIZE, N_PROPS };

G_DEFINE_TYPE_WITH_PRIVATE (TroupeRouter, troupe_router, TROUPE_TYPE_ACTOR)

G_DEFINE_ENUM_TYPE (TroupeRouting, troupe_routing,
                    G_DEFINE_ENUM_VALUE (TROUPE_ROUTING_ROUND_ROBIN, "round-robin"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ROUTING_RANDOM, "random"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ROUTING_LEAST_LOADED, "least-loaded"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ROUTING_CONSISTENT_HASH, "consistent-hash"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ROUTING_BROADCAST, "broadcast"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ROUTING_SCATTER_GATHER_FIRST, "scatter-gather-first"))

static GParamSpec *properties[N_PROPS];

static inline TroupeRouterPrivate *
get_private (TroupeRouter *self)
{
  return troupe_router_get_instance_private (self);
}

static inline TroupeRoutee *
get_routee (TroupeRouterPrivate *priv,
            guint                i)
{
  return &g_array_index (priv->routees, TroupeRoutee, i);
}

static void
troupe_routee_clear (gpointer data)
{
  troupe_ref_unref (((TroupeRoutee *) data)->ref);
}

/* Picking one */

static gboolean
troupe_routee_is_there (const TroupeRoutee *self)
{
  return troupe_ref_get_state (self->ref) < TROUPE_REF_ENDING;
}

/* From I on, round and round. */
static TroupeRoutee *
pick_from (TroupeRouterPrivate *priv,
           guint                i)
{
  guint n;

  for (n = 0; n < priv->routees->len; n++, i++)
    {
      TroupeRoutee *routee = get_routee (priv, i % priv->routees->len);

      if (troupe_routee_is_there (routee))
        {
          priv->next = i % priv->routees->len + 1;
          return routee;
        }
    }

  return NULL;
}

static TroupeRoutee *
pick_least_loaded (TroupeRouterPrivate *priv)
{
  guint n_routees = priv->routees->len;
  TroupeRoutee *least = NULL;
  guint least_load = 0;
  guint at = 0;
  guint i;

  for (i = priv->next; i < priv->next + n_routees; i++)
    {
      TroupeRoutee *routee = get_routee (priv, i % n_routees);

      guint load = troupe_ref_get_load (routee->ref);

      if (!troupe_routee_is_there (routee) || (least != NULL && load >= least_load))
        continue;
      least = routee;
      least_load = load;
      at = i % n_routees;
    }

  priv->next = at + 1;
  return least;
}

/* The finalizer of SplitMix64: every bit of the number changes about half of the bits of what comes out. */
static guint64
mix (guint64 number)
{
  number ^= number >> 30;
  number *= G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  number ^= number >> 27;
  number *= G_GUINT64_CONSTANT (0x94d049bb133111eb);

  return number ^ number >> 31;
}

/*
 * Rendezvous hashing: D. Thaler, C. Ravishankar, “Using Name-Based Mappings to Increase Hit Rates”, IEEE/ACM Transactions on Networking 6 (1),
 * 1998. Every routee has a score for the key, and the highest wins. When one comes or goes, only the keys that it wins or has won
 * move, whichever it is; jump hashing can lose the last one only, and a ring of points spreads keys less evenly or takes a table to
 * keep. It costs a look at each routee, which a pool has tens of, not thousands.
 */
static TroupeRoutee *
pick_by_hash (TroupeRouterPrivate *priv,
              guint64              key)
{
  TroupeRoutee *best = NULL;
  guint64 best_score = 0;
  guint i;

  for (i = 0; i < priv->routees->len; i++)
    {
      TroupeRoutee *routee = get_routee (priv, i);
      guint64 score = mix (key ^ mix (routee->number + G_GUINT64_CONSTANT (0x9e3779b97f4a7c15)));

      if (!troupe_routee_is_there (routee) || (best != NULL && score <= best_score))
        continue;
      best = routee;
      best_score = score;
    }

  return best;
}

static guint64
hash_bytes (gconstpointer data,
            gsize         length)
{
  const guint8 *bytes = data;
  guint64 hash = G_GUINT64_CONSTANT (0xcbf29ce484222325);     /* FNV-1a */
  gsize i;

  for (i = 0; i < length; i++)
    hash = (hash ^ bytes[i]) * G_GUINT64_CONSTANT (0x100000001b3);

  return hash;
}

static guint64
troupe_router_real_hash_message (TroupeRouter  *self,
                                 TroupeMessage *message)
{
  GType type = troupe_message_get_body_type (message);
  gconstpointer data;
  gsize length;

  if (type == G_TYPE_INT64 || type == G_TYPE_UINT64 || type == G_TYPE_DOUBLE || type == G_TYPE_BOOLEAN)
    return mix (message->body.v_uint64);

  if (type == G_TYPE_STRING)
    {
      data = troupe_message_get_string (message);
      return hash_bytes (data, strlen (data));
    }

  if (type == G_TYPE_BYTES)
    {
      data = g_bytes_get_data (troupe_message_get_bytes (message), &length);
      return hash_bytes (data, length);
    }

  return message->sender != NULL ? mix (message->sender->serial) : 0;
}

static TroupeRoutee *
troupe_router_pick (TroupeRouter  *self,
                    TroupeMessage *message)
{
  TroupeRouterPrivate *priv = get_private (self);

  switch (priv->routing)
    {
    case TROUPE_ROUTING_RANDOM:
      return pick_from (priv, (guint) (troupe_system_draw_random (troupe_actor_get_system (TROUPE_ACTOR (self))) *
                                       priv->routees->len));

    case TROUPE_ROUTING_LEAST_LOADED:
      return pick_least_loaded (priv);

    case TROUPE_ROUTING_CONSISTENT_HASH:
      return pick_by_hash (priv, TROUPE_ROUTER_GET_CLASS (self)->hash_message (self, message));

    case TROUPE_ROUTING_ROUND_ROBIN:
    case TROUPE_ROUTING_BROADCAST:
    case TROUPE_ROUTING_SCATTER_GATHER_FIRST:
    default:
      return pick_from (priv, priv->next);
    }
}

/* Forwarding */

static void
troupe_router_refuse (TroupeRouter  *self,
                      TroupeMessage *message)
{
  TroupeRef *ref = troupe_actor_get_ref (TROUPE_ACTOR (self));
  g_autofree char *path = troupe_ref_dup_path (ref);

  if (troupe_message_wants_reply (message))
    troupe_message_reply_error (message, g_error_new (TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED,
                                                      "The router “%s” has no routees left", path));
  else
    troupe_system_bury (ref->system, ref, message, TROUPE_ERROR_ACTOR_STOPPED);
}

static void
troupe_router_send_all (TroupeRouter  *self,
                        TroupeMessage *message)
{
  TroupeRouterPrivate *priv = get_private (self);
  guint i;

  /* Held, so that each gets a copy of what can be given away only once. */
  troupe_message_ref (message);
  for (i = 0; i < priv->routees->len; i++)
    {
      TroupeRoutee *routee = get_routee (priv, i);

      if (!troupe_routee_is_there (routee))
        continue;
      routee->n_sent++;
      troupe_message_forward (message, routee->ref);
    }
  troupe_message_unref (message);
}

static void
return_first (TroupePromise *promise,
              gpointer       data)
{
  TroupeOutcomes *outcomes = troupe_promise_get_boxed (promise);
  gsize first = (gsize) troupe_outcomes_get_first (outcomes);
  g_auto (GValue) value = G_VALUE_INIT;

  if (troupe_outcomes_get_value_type (outcomes, first) == G_TYPE_NONE)
    {
      troupe_promise_return_nothing (promise);
      return;
    }

  troupe_outcomes_get_value (outcomes, first, &value);
  troupe_promise_return_value (promise, &value);
}

static void
troupe_router_ask_all (TroupeRouter  *self,
                       TroupeMessage *message)
{
  TroupeRouterPrivate *priv = get_private (self);
  g_autoptr (GPtrArray) answers = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_promise_unref);
  TroupePromise *answer;
  guint i;

  for (i = 0; i < priv->routees->len; i++)
    {
      TroupeRoutee *routee = get_routee (priv, i);

      if (!troupe_routee_is_there (routee))
        continue;
      routee->n_sent++;
      g_ptr_array_add (answers, troupe_ref_ask (routee->ref, troupe_message_ref (message)));
    }

  if (priv->routing == TROUPE_ROUTING_BROADCAST)
    answer = troupe_promise_all ((TroupePromise **) answers->pdata, answers->len, TROUPE_LIST_CONSUME_ERRORS);
  else
    answer = troupe_promise_add_callback (troupe_promise_race ((TroupePromise **) answers->pdata, answers->len),
                                          return_first, NULL, NULL);
  troupe_message_reply_promise (message, answer);
}

static void
troupe_router_forward (TroupeRouter  *self,
                       TroupeMessage *message)
{
  TroupeRoutee *routee = troupe_router_pick (self, message);
  TroupeRouting routing = get_private (self)->routing;

  if (routee == NULL)
    troupe_router_refuse (self, message);
  else if (routing != TROUPE_ROUTING_BROADCAST && routing != TROUPE_ROUTING_SCATTER_GATHER_FIRST)
    {
      routee->n_sent++;
      troupe_message_forward (message, routee->ref);
    }
  else if (troupe_message_wants_reply (message))
    troupe_router_ask_all (self, message);
  else
    troupe_router_send_all (self, message);
}

/* The pool */

static TroupeRef *
troupe_router_real_build_routee (TroupeRouter  *self,
                                 GError       **error)
{
  GType type = get_private (self)->routee_type;

  if (G_TYPE_IS_ABSTRACT (type))
    {
      g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_PROPERTY, "The router's routee-type “%s” is abstract",
                   g_type_name (type));
      return NULL;
    }

  return troupe_actor_spawn_with_properties (TROUPE_ACTOR (self), NULL, type, 0, NULL, NULL, error);
}

/* Which of the numbers below SIZE are somebody's. */
static gboolean *
find_numbers (TroupeRouterPrivate *priv,
              guint                size)
{
  gboolean *taken = g_new0 (gboolean, size);
  guint i;

  for (i = 0; i < priv->routees->len; i++)
    if (get_routee (priv, i)->number < size)
      taken[get_routee (priv, i)->number] = TRUE;

  return taken;
}

static gboolean
troupe_router_grow (TroupeRouter  *self,
                    guint          size,
                    GError       **error)
{
  TroupeRouterPrivate *priv = get_private (self);
  g_autofree gboolean *taken = find_numbers (priv, size);
  guint number = 0;

  while (priv->routees->len < size)
    {
      TroupeRoutee routee = { .ref = TROUPE_ROUTER_GET_CLASS (self)->build_routee (self, error) };

      if (routee.ref == NULL)
        return FALSE;
      while (taken[number])
        number++;
      routee.number = number++;
      g_array_append_val (priv->routees, routee);
    }

  return TRUE;
}

/* The youngest go first, once they have handled what they have. */
static void
troupe_router_shrink (TroupeRouter *self,
                      guint         size)
{
  TroupeRouterPrivate *priv = get_private (self);

  while (priv->routees->len > size)
    {
      troupe_ref_finish (get_routee (priv, priv->routees->len - 1)->ref);
      g_array_set_size (priv->routees, priv->routees->len - 1);
    }
}

static void
troupe_router_set_size (TroupeRouter *self,
                        guint         size)
{
  g_autoptr (GError) error = NULL;

  troupe_router_shrink (self, size);
  if (!troupe_router_grow (self, size, &error))
    {
      g_autofree char *path = troupe_ref_dup_path (troupe_actor_get_ref (TROUPE_ACTOR (self)));

      g_warning ("The router “%s” cannot spawn a routee: %s", path, error->message);
    }
}

/* How many have more waiting than they have handled since the last look; in N_WAITING, how many have anything. */
static guint
troupe_router_count_pressed (TroupeRouter *self,
                             guint        *n_waiting)
{
  TroupeRouterPrivate *priv = get_private (self);
  guint n_pressed = 0;
  guint i;

  *n_waiting = 0;
  for (i = 0; i < priv->routees->len; i++)
    {
      TroupeRoutee *routee = get_routee (priv, i);
      guint waiting = troupe_ref_get_load (routee->ref);
      guint came = routee->n_waiting + routee->n_sent;

      *n_waiting += waiting > 0;
      n_pressed += waiting > came - MIN (came, waiting);
      routee->n_waiting = waiting;
      routee->n_sent = 0;
    }

  return n_pressed;
}

static void troupe_router_look_later (TroupeRouter *self);

static void
troupe_router_look_cb (TroupeTimer *timer,
                       gpointer     data)
{
  TroupeRouter *self = data;
  TroupeRouterPrivate *priv = get_private (self);
  guint size = priv->routees->len;
  guint n_waiting;
  guint n_pressed = troupe_router_count_pressed (self, &n_waiting);

  g_clear_pointer (&priv->look, troupe_timer_unref);
  priv->n_quiet = n_waiting == 0 ? priv->n_quiet + 1 : 0;
  if (size > 0 && n_pressed == size && size < priv->max_size)
    troupe_router_set_size (self, MIN (priv->max_size, size + MAX (1, size / 4)));
  else if (priv->n_quiet >= QUIET_LOOKS && size > priv->size)
    troupe_router_set_size (self, size - 1);

  if (n_waiting > 0 || size > priv->size)
    troupe_router_look_later (self);
}

static void
troupe_router_look_later (TroupeRouter *self)
{
  TroupeRouterPrivate *priv = get_private (self);

  if (priv->look == NULL && priv->max_size > priv->size)
    priv->look = troupe_actor_call_later (TROUPE_ACTOR (self), LOOK_MS, troupe_router_look_cb, self, NULL);
}

/* As an actor */

static gboolean
troupe_router_started (TroupeActor  *actor,
                       GError      **error)
{
  return troupe_router_grow (TROUPE_ROUTER (actor), get_private (TROUPE_ROUTER (actor))->size, error);
}

static gboolean
troupe_router_receive (TroupeActor    *actor,
                       TroupeMessage  *message,
                       GError        **error)
{
  troupe_router_look_later (TROUPE_ROUTER (actor));
  troupe_router_forward (TROUPE_ROUTER (actor), message);
  return TRUE;
}

static gboolean
troupe_router_remove (TroupeRouterPrivate *priv,
                      TroupeRef           *ref)
{
  guint i;

  for (i = 0; i < priv->routees->len; i++)
    if (get_routee (priv, i)->ref == ref)
      {
        g_array_remove_index (priv->routees, i);
        return TRUE;
      }

  return FALSE;
}

static void
troupe_router_child_terminated (TroupeActor       *actor,
                                TroupeTermination *termination)
{
  TroupeRouterPrivate *priv = get_private (TROUPE_ROUTER (actor));

  /* One that it let go of is none of its routees any more. */
  if (troupe_router_remove (priv, troupe_termination_get_actor (termination)) && priv->routees->len == 0)
    troupe_ref_stop (troupe_actor_get_ref (actor));

  TROUPE_ACTOR_CLASS (troupe_router_parent_class)->child_terminated (actor, termination);
}

static void
troupe_router_dispose (GObject *object)
{
  TroupeRouterPrivate *priv = get_private (TROUPE_ROUTER (object));

  g_clear_pointer (&priv->look, troupe_timer_unref);
  g_array_set_size (priv->routees, 0);

  G_OBJECT_CLASS (troupe_router_parent_class)->dispose (object);
}

static void
troupe_router_finalize (GObject *object)
{
  g_array_unref (get_private (TROUPE_ROUTER (object))->routees);

  G_OBJECT_CLASS (troupe_router_parent_class)->finalize (object);
}

static void
troupe_router_get_property (GObject    *object,
                            guint       id,
                            GValue     *value,
                            GParamSpec *spec)
{
  TroupeRouter *self = TROUPE_ROUTER (object);

  switch (id)
    {
    case PROP_ROUTING:
      g_value_set_enum (value, troupe_router_get_routing (self));
      break;

    case PROP_ROUTEE_TYPE:
      g_value_set_gtype (value, troupe_router_get_routee_type (self));
      break;

    case PROP_SIZE:
      g_value_set_uint (value, troupe_router_get_size (self));
      break;

    case PROP_MAX_SIZE:
      g_value_set_uint (value, troupe_router_get_max_size (self));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
    }
}

static void
troupe_router_set_property (GObject      *object,
                            guint         id,
                            const GValue *value,
                            GParamSpec   *spec)
{
  TroupeRouterPrivate *priv = get_private (TROUPE_ROUTER (object));

  switch (id)
    {
    case PROP_ROUTING:
      priv->routing = g_value_get_enum (value);
      break;

    case PROP_ROUTEE_TYPE:
      priv->routee_type = g_value_get_gtype (value);
      break;

    case PROP_SIZE:
      priv->size = g_value_get_uint (value);
      break;

    case PROP_MAX_SIZE:
      priv->max_size = g_value_get_uint (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
    }
}

static void
troupe_router_class_init (TroupeRouterClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  object_class->dispose = troupe_router_dispose;
  object_class->finalize = troupe_router_finalize;
  object_class->get_property = troupe_router_get_property;
  object_class->set_property = troupe_router_set_property;
  actor_class->kind = "router";
  actor_class->weighs_children = TRUE;
  actor_class->started = troupe_router_started;
  actor_class->receive = troupe_router_receive;
  actor_class->child_terminated = troupe_router_child_terminated;
  klass->build_routee = troupe_router_real_build_routee;
  klass->hash_message = troupe_router_real_hash_message;

  /**
   * TroupeRouter:routing: (getter get_routing)
   *
   * To whom it forwards.
   *
   * Since: 1.0
   */
  properties[PROP_ROUTING] =
    g_param_spec_enum ("routing", NULL, NULL, TROUPE_TYPE_ROUTING, TROUPE_ROUTING_ROUND_ROBIN,
                       G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * TroupeRouter:routee-type: (getter get_routee_type)
   *
   * What the default `build_routee` spawns: a type derived from [class@Troupe.Actor].
   *
   * Since: 1.0
   */
  properties[PROP_ROUTEE_TYPE] =
    g_param_spec_gtype ("routee-type", NULL, NULL, TROUPE_TYPE_ACTOR,
                        G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * TroupeRouter:size: (getter get_size)
   *
   * How many routees it begins with; when it is read, how many it has.
   *
   * Since: 1.0
   */
  properties[PROP_SIZE] =
    g_param_spec_uint ("size", NULL, NULL, 1, G_MAXUINT16, 1,
                       G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * TroupeRouter:max-size: (getter get_max_size)
   *
   * Up to how many routees it has while they have more to do than they can; if that is not more than those it begins
   * with, the pool is not resized by itself.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_SIZE] =
    g_param_spec_uint ("max-size", NULL, NULL, 0, G_MAXUINT16, 0,
                       G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
troupe_router_init (TroupeRouter *self)
{
  TroupeRouterPrivate *priv = get_private (self);

  priv->routees = g_array_new (FALSE, FALSE, sizeof (TroupeRoutee));
  g_array_set_clear_func (priv->routees, troupe_routee_clear);
}

/**
 * troupe_system_spawn_router:
 * @system: a system
 * @name: (nullable): a name, or %NULL for one made of “router” and a number
 * @routing: to whom it forwards
 * @size: how many routees it has, 1 to 65535
 * @routee_type: what they are, a type derived from [class@Troupe.Actor]
 * @error: where to put the reason
 *
 * Spawns a router under the root of @system.
 *
 * Call it from any thread. It fails as [method@Troupe.System.spawn_with_properties] does, which can spawn a [class@Troupe.Router], too,
 * as can an actor under itself.
 *
 * Returns: (transfer full): the router's address, or %NULL with @error set
 *
 * Since: 1.0
 */
TroupeRef *
troupe_system_spawn_router (TroupeSystem   *system,
                            const char     *name,
                            TroupeRouting   routing,
                            guint           size,
                            GType           routee_type,
                            GError        **error)
{
  g_return_val_if_fail (TROUPE_IS_SYSTEM (system), NULL);
  g_return_val_if_fail (routing <= TROUPE_ROUTING_SCATTER_GATHER_FIRST, NULL);
  g_return_val_if_fail (size >= 1 && size <= G_MAXUINT16, NULL);
  g_return_val_if_fail (g_type_is_a (routee_type, TROUPE_TYPE_ACTOR), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return troupe_system_spawn (system, name, TROUPE_TYPE_ROUTER, error,
                              "routing", routing, "size", size, "routee-type", routee_type, NULL);
}

static void
troupe_router_resize_cb (TroupeRef *ref,
                         gpointer   size)
{
  if (ref->actor == NULL || ref->state != TROUPE_REF_LIVE)
    return;

  get_private (TROUPE_ROUTER (ref->actor))->size = GPOINTER_TO_UINT (size);
  troupe_router_set_size (TROUPE_ROUTER (ref->actor), GPOINTER_TO_UINT (size));
}

/**
 * troupe_router_resize:
 * @router: the address of a router
 * @size: how many routees it shall have, 1 to 65535
 *
 * Has a router spawn routees or let go of some.
 *
 * It happens in a turn of the router, in order with what is sent to it. Those it lets go of, the youngest, get nothing more and stop once they have
 * handled what they have. One that resizes by itself does so from there on, and does not become smaller than that. Does nothing if the router
 * has ended. Call it from any thread.
 *
 * Since: 1.0
 */
void
troupe_router_resize (TroupeRef *router,
                      guint      size)
{
  g_return_if_fail (router != NULL && g_type_is_a (router->type, TROUPE_TYPE_ROUTER));
  g_return_if_fail (size >= 1 && size <= G_MAXUINT16);

  troupe_ref_call (router, troupe_router_resize_cb, NULL, GUINT_TO_POINTER (size), NULL);
}

/**
 * troupe_router_get_routing: (get-property routing)
 * @self: a router, in one of its turns
 *
 * Gets to whom it forwards.
 *
 * Returns: the way of routing
 *
 * Since: 1.0
 */
TroupeRouting
troupe_router_get_routing (TroupeRouter *self)
{
  g_return_val_if_fail (TROUPE_IS_ROUTER (self), TROUPE_ROUTING_ROUND_ROBIN);

  return get_private (self)->routing;
}

/**
 * troupe_router_get_routee_type: (get-property routee-type)
 * @self: a router, in one of its turns
 *
 * Gets what the default `build_routee` spawns.
 *
 * Returns: a type derived from [class@Troupe.Actor]
 *
 * Since: 1.0
 */
GType
troupe_router_get_routee_type (TroupeRouter *self)
{
  g_return_val_if_fail (TROUPE_IS_ROUTER (self), G_TYPE_INVALID);

  return get_private (self)->routee_type;
}

/**
 * troupe_router_get_size: (get-property size)
 * @self: a router, in one of its turns
 *
 * Counts the routees that it forwards to.
 *
 * Returns: a number of routees
 *
 * Since: 1.0
 */
guint
troupe_router_get_size (TroupeRouter *self)
{
  g_return_val_if_fail (TROUPE_IS_ROUTER (self), 0);

  return get_private (self)->routees->len;
}

/**
 * troupe_router_get_max_size: (get-property max-size)
 * @self: a router, in one of its turns
 *
 * Gets up to how many routees it has by itself.
 *
 * Returns: a number of routees, or 0 if it does not resize by itself
 *
 * Since: 1.0
 */
guint
troupe_router_get_max_size (TroupeRouter *self)
{
  g_return_val_if_fail (TROUPE_IS_ROUTER (self), 0);

  return get_private (self)->max_size;
}
