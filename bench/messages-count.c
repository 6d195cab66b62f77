/* messages-count.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Many messages into one mailbox: from one producer, from twenty, and from a thread that runs no reactor. */

#include "messages.h"

#define CHUNK     1000                 /* messages a producer sends before it lets others run */
#define N_SENDERS 20

/* {{{ Counting: increments, then the question how many there were */

struct _Counter
{
  TroupeActor parent_instance;
  guint64     total;
};

#define TYPE_COUNTER (counter_get_type ())
G_DECLARE_FINAL_TYPE (Counter, counter, BENCH, COUNTER, TroupeActor)
G_DEFINE_FINAL_TYPE (Counter, counter, TROUPE_TYPE_ACTOR)

static gboolean
counter_on_increment (TroupeActor    *actor,
                      TroupeMessage  *message,
                      GError        **error)
{
  BENCH_COUNTER (actor)->total += troupe_message_get_uint64 (message);
  return TRUE;
}

static gboolean
counter_on_total (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  troupe_message_reply_uint64 (message, BENCH_COUNTER (actor)->total);
  return TRUE;
}

static void
counter_class_init (CounterClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "increment", G_TYPE_UINT64, counter_on_increment);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "total", G_TYPE_NONE, counter_on_total);
}

static void
counter_init (Counter *self)
{
}

struct _Producer
{
  TroupeActor parent_instance;
  TroupeRef  *counter;
  guint64     n_messages;
  guint64     n_left;
};

#define TYPE_PRODUCER (producer_get_type ())
G_DECLARE_FINAL_TYPE (Producer, producer, BENCH, PRODUCER, TroupeActor)
G_DEFINE_FINAL_TYPE (Producer, producer, TROUPE_TYPE_ACTOR)

static void
producer_on_answer (TroupePromise *promise,
                    gpointer       user_data)
{
  Producer *self = user_data;

  g_assert_cmpuint (troupe_promise_get_uint64 (promise), ==, self->n_messages);
  bench_end (TROUPE_ACTOR (self), self->n_messages);
}

static gboolean
producer_on_more (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  Producer *self = BENCH_PRODUCER (actor);
  g_autoptr (TroupePromise) total = NULL;

  for (guint i = 0; i < CHUNK && self->n_left > 0; i++, self->n_left--)
    troupe_ref_send (self->counter, troupe_message_new_uint64 ("increment", 1));

  if (self->n_left > 0)
    {
      troupe_ref_send (troupe_actor_get_ref (actor), troupe_message_new ("more"));
      return TRUE;
    }

  total = troupe_ref_ask (self->counter, troupe_message_new ("total"));
  troupe_promise_add_callback (total, producer_on_answer, self, NULL);
  return TRUE;
}

static gboolean
producer_on_run (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  Producer *self = BENCH_PRODUCER (actor);

  self->counter = troupe_actor_spawn (actor, NULL, TYPE_COUNTER, error, NULL);
  if (self->counter == NULL)
    return FALSE;

  self->n_messages = self->n_left = troupe_message_get_uint64 (message);
  bench_begin ();
  return producer_on_more (actor, message, error);
}

static void
producer_dispose (GObject *object)
{
  g_clear_pointer (&BENCH_PRODUCER (object)->counter, troupe_ref_unref);
  G_OBJECT_CLASS (producer_parent_class)->dispose (object);
}

static void
producer_class_init (ProducerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = producer_dispose;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "more", G_TYPE_NONE, producer_on_more);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "run", G_TYPE_UINT64, producer_on_run);
}

static void
producer_init (Producer *self)
{
}

/* }}} */
/* {{{ One mailbox, many senders */

/* Ends when as many messages have come as it was told. */
struct _Mailbox
{
  TroupeActor parent_instance;
  GThread    *thread;                  /* the foreign sender, if that is measured */
  guint64     n_messages;
  guint64     n_left;
};

#define TYPE_MAILBOX (mailbox_get_type ())
G_DECLARE_FINAL_TYPE (Mailbox, mailbox, BENCH, MAILBOX, TroupeActor)
G_DEFINE_FINAL_TYPE (Mailbox, mailbox, TROUPE_TYPE_ACTOR)

static gboolean
mailbox_on_letter (TroupeActor    *actor,
                   TroupeMessage  *message,
                   GError        **error)
{
  Mailbox *self = BENCH_MAILBOX (actor);

  if (--self->n_left == 0)
    bench_end (actor, self->n_messages);
  return TRUE;
}

struct _Sender
{
  TroupeActor parent_instance;
  TroupeRef  *mailbox;
  guint64     n_left;
};

#define TYPE_SENDER (sender_get_type ())
G_DECLARE_FINAL_TYPE (Sender, sender, BENCH, SENDER, TroupeActor)
G_DEFINE_FINAL_TYPE (Sender, sender, TROUPE_TYPE_ACTOR)

static gboolean
sender_on_more (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Sender *self = BENCH_SENDER (actor);

  for (guint i = 0; i < CHUNK && self->n_left > 0; i++, self->n_left--)
    troupe_ref_send (self->mailbox, troupe_message_new_uint64 ("letter", self->n_left));

  if (self->n_left > 0)
    troupe_ref_send (troupe_actor_get_ref (actor), troupe_message_new ("more"));
  return TRUE;
}

static gboolean
sender_on_start (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  Sender *self = BENCH_SENDER (actor);

  self->mailbox = troupe_ref_ref (troupe_message_get_sender (message));
  self->n_left = troupe_message_get_uint64 (message);
  return sender_on_more (actor, message, error);
}

static void
sender_dispose (GObject *object)
{
  g_clear_pointer (&BENCH_SENDER (object)->mailbox, troupe_ref_unref);
  G_OBJECT_CLASS (sender_parent_class)->dispose (object);
}

static void
sender_class_init (SenderClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = sender_dispose;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "more", G_TYPE_NONE, sender_on_more);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "start", G_TYPE_UINT64, sender_on_start);
}

static void
sender_init (Sender *self)
{
}

static gboolean
mailbox_on_run (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Mailbox *self = BENCH_MAILBOX (actor);
  guint64 share = troupe_message_get_uint64 (message) / N_SENDERS;

  self->n_messages = self->n_left = share * N_SENDERS;
  bench_begin ();
  for (guint i = 0; i < N_SENDERS; i++)
    {
      g_autoptr (TroupeRef) sender = troupe_actor_spawn (actor, NULL, TYPE_SENDER, error, NULL);

      if (sender == NULL)
        return FALSE;
      troupe_ref_send (sender, troupe_message_new_uint64 ("start", share));
    }
  return TRUE;
}

/* What a thread is given to do. */
typedef struct
{
  TroupeRef *mailbox;
  guint64    n_messages;
} Errand;

static gpointer
send_from_thread (gpointer user_data)
{
  Errand *errand = user_data;

  for (guint64 i = 0; i < errand->n_messages; i++)
    troupe_ref_send (errand->mailbox, troupe_message_new_uint64 ("letter", i));

  troupe_ref_unref (errand->mailbox);
  g_free (errand);
  return NULL;
}

static gboolean
mailbox_on_run_thread (TroupeActor    *actor,
                       TroupeMessage  *message,
                       GError        **error)
{
  Mailbox *self = BENCH_MAILBOX (actor);
  Errand *errand = g_new (Errand, 1);

  self->n_messages = self->n_left = troupe_message_get_uint64 (message);
  errand->mailbox = troupe_ref_ref (troupe_actor_get_ref (actor));
  errand->n_messages = self->n_messages;
  bench_begin ();
  self->thread = g_thread_new ("sender", send_from_thread, errand);
  return TRUE;
}

static void
mailbox_dispose (GObject *object)
{
  g_clear_pointer (&BENCH_MAILBOX (object)->thread, g_thread_join);
  G_OBJECT_CLASS (mailbox_parent_class)->dispose (object);
}

static void
mailbox_class_init (MailboxClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = mailbox_dispose;
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "letter", G_TYPE_UINT64, mailbox_on_letter);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "run", G_TYPE_UINT64, mailbox_on_run);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "run-thread", G_TYPE_UINT64, mailbox_on_run_thread);
}

static void
mailbox_init (Mailbox *self)
{
}

/* }}} */
