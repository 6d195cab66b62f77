/* messages-fan-out.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* One payload to a hundred subscribers, each with its own mailbox: sent to a list of them, or published to a topic. */

#include "messages.h"

#define N_SUBSCRIBERS 100
#define PAYLOAD_SIZE  1024
#define TOPIC         "bench/fan-out"

struct _Subscriber
{
  TroupeActor parent_instance;
  gsize       n_bytes;
};

#define TYPE_SUBSCRIBER (subscriber_get_type ())
G_DECLARE_FINAL_TYPE (Subscriber, subscriber, BENCH, SUBSCRIBER, TroupeActor)
G_DEFINE_FINAL_TYPE (Subscriber, subscriber, TROUPE_TYPE_ACTOR)

static gboolean
subscriber_on_news (TroupeActor    *actor,
                    TroupeMessage  *message,
                    GError        **error)
{
  BENCH_SUBSCRIBER (actor)->n_bytes += g_bytes_get_size (troupe_message_get_bytes (message));
  return TRUE;
}

static void
subscriber_class_init (SubscriberClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "news", G_TYPE_BYTES, subscriber_on_news);
}

static void
subscriber_init (Subscriber *self)
{
}

struct _Publisher
{
  TroupeActor parent_instance;
  GPtrArray  *subscribers;
  GBytes     *payload;
  guint64     n_messages;
  guint64     n_rounds_left;
  gboolean    uses_topic;
};

#define TYPE_PUBLISHER (publisher_get_type ())
G_DECLARE_FINAL_TYPE (Publisher, publisher, BENCH, PUBLISHER, TroupeActor)
G_DEFINE_FINAL_TYPE (Publisher, publisher, TROUPE_TYPE_ACTOR)

static gboolean
publisher_on_publish (TroupeActor    *actor,
                      TroupeMessage  *message,
                      GError        **error)
{
  Publisher *self = BENCH_PUBLISHER (actor);
  TroupeMessage *news;

  if (self->n_rounds_left-- == 0)
    {
      /* Queued behind the last deliveries, so they have been handled. */
      bench_end (actor, self->n_messages);
      return TRUE;
    }

  news = troupe_message_new_bytes ("news", self->payload);
  if (!self->uses_topic)
    troupe_ref_send_all ((TroupeRef **) self->subscribers->pdata, self->subscribers->len, news);
  else if (!troupe_system_publish (troupe_actor_get_system (actor), TOPIC, news, error))
    return FALSE;
  troupe_ref_send (troupe_actor_get_ref (actor), troupe_message_new ("publish"));
  return TRUE;
}

static gboolean
publisher_on_run (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  Publisher *self = BENCH_PUBLISHER (actor);

  for (guint i = 0; i < N_SUBSCRIBERS; i++)
    {
      TroupeRef *subscriber = troupe_actor_spawn (actor, NULL, TYPE_SUBSCRIBER, error, NULL);

      if (subscriber == NULL)
        return FALSE;
      g_ptr_array_add (self->subscribers, subscriber);
      if (self->uses_topic && !troupe_system_subscribe (troupe_actor_get_system (actor), TOPIC, subscriber, error))
        return FALSE;
    }

  self->payload = g_bytes_new_take (g_malloc0 (PAYLOAD_SIZE), PAYLOAD_SIZE);
  self->n_rounds_left = troupe_message_get_uint64 (message) / N_SUBSCRIBERS;
  self->n_messages = self->n_rounds_left * N_SUBSCRIBERS;
  bench_begin ();
  return publisher_on_publish (actor, message, error);
}

static gboolean
publisher_on_run_topic (TroupeActor    *actor,
                        TroupeMessage  *message,
                        GError        **error)
{
  BENCH_PUBLISHER (actor)->uses_topic = TRUE;
  return publisher_on_run (actor, message, error);
}

static void
publisher_dispose (GObject *object)
{
  Publisher *self = BENCH_PUBLISHER (object);

  g_clear_pointer (&self->subscribers, g_ptr_array_unref);
  g_clear_pointer (&self->payload, g_bytes_unref);
  G_OBJECT_CLASS (publisher_parent_class)->dispose (object);
}

static void
publisher_class_init (PublisherClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = publisher_dispose;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "run", G_TYPE_UINT64, publisher_on_run);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "run-topic", G_TYPE_UINT64, publisher_on_run_topic);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "publish", G_TYPE_NONE, publisher_on_publish);
}

static void
publisher_init (Publisher *self)
{
  self->subscribers = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_ref_unref);
}
