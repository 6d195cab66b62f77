/* troupe-actor-mailbox.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <string.h>

#include "troupe-actor.h"
#include "troupe-error.h"
#include "troupe-mailbox-private.h"
#include "troupe-reactor-private.h"

/* What an actor and its class may ask of the mailbox. */

/**
 * troupe_actor_class_set_capacity:
 * @klass: the class, in its `class_init`
 * @capacity: how many messages may wait, or 0 for any number
 * @overflow: what becomes of a message when so many are waiting
 *
 * Limits the mailboxes of this class's actors, and of those derived from it.
 *
 * Without a limit a mailbox takes all that comes. With one it counts messages, sent or asked, until their turn comes; answers, timers
 * and I/O are never counted, dropped or refused, nor is “terminated”. Whatever @overflow is, an ask that is lost is rejected at once with
 * %TROUPE_ERROR_QUEUE_OVERFLOW, and a message that is lost is told to those who subscribe to “$system/overflow”, see
 * [method@Troupe.System.subscribe].
 *
 * - %TROUPE_OVERFLOW_DROP_NEWEST and %TROUPE_OVERFLOW_DROP_OLDEST are for messages that need not all arrive, such as the state of
 *   something that changes all the time. What is dropped is no dead letter. An urgent message is never dropped as the oldest.
 * - %TROUPE_OVERFLOW_REJECT makes a dead letter of what was sent.
 * - %TROUPE_OVERFLOW_FAIL does that too, and the actor fails.
 * - %TROUPE_OVERFLOW_BACKPRESSURE is for actors that connections send to. When more than half of @capacity are waiting, each connection that sends
 *   another one stops reading its socket, and so does the actor itself if it is one; they go on when no more than an eighth is left.
 *   Senders that read no socket cannot be stopped: what they send beyond @capacity is refused as by %TROUPE_OVERFLOW_REJECT. A connection
 *   may still send what it has read already, see [method@Troupe.Transport.is_throttled].
 *
 * Since: 1.0
 */
void
troupe_actor_class_set_capacity (TroupeActorClass *klass,
                                 guint             capacity,
                                 TroupeOverflow    overflow)
{
  g_return_if_fail (TROUPE_IS_ACTOR_CLASS (klass));
  g_return_if_fail (overflow <= TROUPE_OVERFLOW_BACKPRESSURE);

  klass->capacity = capacity;
  klass->overflow = overflow;
}

/**
 * troupe_actor_class_set_urgent:
 * @klass: the class, in its `class_init`
 * @name: the name of a message
 *
 * Lets messages of this name go before all other mail of an actor of this class, or of one derived from it.
 *
 * Urgent messages keep their order among each other, and so do all others. To stop, kill or restart an actor goes before either.
 * There may be a few such names; each message that comes is compared with them.
 *
 * Since: 1.0
 */
void
troupe_actor_class_set_urgent (TroupeActorClass *klass,
                               const char       *name)
{
  TroupeActorClass *parent;
  const char **names;
  guint n = 0;

  g_return_if_fail (TROUPE_IS_ACTOR_CLASS (klass));
  g_return_if_fail (name != NULL && *name != '\0');

  while (klass->urgent != NULL && klass->urgent[n] != NULL)
    n++;

  names = g_new0 (const char *, n + 2);
  if (n > 0)
    memcpy (names, klass->urgent, n * sizeof *names);
  names[n] = g_intern_string (name);

  /* A class begins with a copy of its parent's pointer. */
  parent = g_type_class_peek_parent (klass);
  if (n > 0 && klass->urgent != parent->urgent)
    g_free ((gpointer) klass->urgent);
  klass->urgent = names;
}

/**
 * troupe_actor_class_set_stash_limit:
 * @klass: the class, in its `class_init`
 * @limit: how many messages may be stashed at a time
 *
 * Limits what an actor of this class, or of one derived from it, may put aside with [method@Troupe.Actor.stash]: 1000 messages
 * unless set.
 *
 * Since: 1.0
 */
void
troupe_actor_class_set_stash_limit (TroupeActorClass *klass,
                                    guint             limit)
{
  g_return_if_fail (TROUPE_IS_ACTOR_CLASS (klass));

  klass->stash_limit = limit;
}

static gboolean
troupe_mailbox_check_stash (TroupeMailbox  *self,
                            TroupeRef      *ref,
                            GError        **error)
{
  g_autofree char *path = NULL;

  if (self->n_stashed < self->stash_limit)
    return TRUE;

  path = troupe_ref_dup_path (ref);
  g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_QUEUE_OVERFLOW, "The stash of “%s” is full: it takes %u messages",
               path, self->stash_limit);

  return FALSE;
}

/**
 * troupe_actor_stash:
 * @self: an actor, in its turn
 * @message: the message that is handled
 * @error: return location for a #GError
 *
 * Puts the message aside, with the duty to answer if it was asked, to be handled after [method@Troupe.Actor.unstash].
 *
 * Handlers may end with it: what does not fit into the stash then fails the actor. When the actor ends, what is in the stash is given back as the
 * mail is; when it is restarted, it is handled by the next object. A stashed message does not count for the capacity of the mailbox, and
 * a deadline goes on. A JSON tree, and a pointer that has to be freed, are moved, as [method@Troupe.Message.forward] does.
 *
 * Returns: %TRUE, or %FALSE with %TROUPE_ERROR_QUEUE_OVERFLOW if the stash is full
 *
 * Since: 1.0
 */
gboolean
troupe_actor_stash (TroupeActor    *self,
                    TroupeMessage  *message,
                    GError        **error)
{
  TroupeMailbox *mailbox;
  TroupeMessage *envelope;
  TroupeRef *ref;

  g_return_val_if_fail (TROUPE_IS_ACTOR (self), FALSE);
  g_return_val_if_fail (message != NULL, FALSE);

  ref = troupe_actor_get_ref (self);
  g_return_val_if_fail (ref != NULL, FALSE);

  mailbox = troupe_mailbox_need (ref);
  if (!troupe_mailbox_check_stash (mailbox, ref, error))
    return FALSE;

  envelope = troupe_message_hand_on (message);
  if (envelope == NULL)
    {
      g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_FAILED, "The message “%s” cannot be stashed", message->name);
      return FALSE;
    }

  envelope->sender = message->sender != NULL ? troupe_ref_ref (message->sender) : NULL;
  envelope->mail.bits |= message->mail.bits & TROUPE_MESSAGE_REPLAYED;
  envelope->mail.more_bits = message->mail.more_bits & TROUPE_MARK_SYSTEM;
  troupe_held_push (&mailbox->stash, &envelope->mail);
  mailbox->n_stashed++;

  return TRUE;
}

/**
 * troupe_actor_unstash:
 * @self: an actor, in its turn
 *
 * Puts all that was stashed back into the mailbox, before the mail that waits there, in the order in which it came.
 *
 * It may then hold more than its capacity for a while.
 *
 * Since: 1.0
 */
void
troupe_actor_unstash (TroupeActor *self)
{
  TroupeRef *ref;

  g_return_if_fail (TROUPE_IS_ACTOR (self));

  ref = troupe_actor_get_ref (self);
  g_return_if_fail (ref != NULL);

  if (ref->extra != NULL && ref->extra->mailbox != NULL)
    troupe_mailbox_unstash (ref);
}

/* Receive timeout */

static void troupe_mailbox_arm (TroupeMailbox *self,
                                TroupeRef     *ref,
                                gint64         now);

static void
troupe_mailbox_timeout_cb (TroupeTimer *timer,
                           gpointer     data)
{
  TroupeRef *ref = data;
  TroupeMailbox *self = ref->extra->mailbox;
  gint64 now = troupe_reactor_read_clock (ref->reactor);

  troupe_timer_clear (&self->timer);

  /* What came meanwhile has moved the time: to set the timer anew for each message would cost more. */
  if (now >= troupe_timer_add_ms (self->received, self->timeout_ms))
    {
      troupe_ref_handle_marked (ref, troupe_message_new ("receive-timeout"));
      now = self->received;
    }

  /* The handler may have set it anew, or no longer want it. */
  if (self->timer == NULL && self->timeout_ms > 0)
    troupe_mailbox_arm (self, ref, now);
}

static void
troupe_mailbox_arm (TroupeMailbox *self,
                    TroupeRef     *ref,
                    gint64         now)
{
  gint64 left = troupe_timer_add_ms (self->received, self->timeout_ms) - now;

  self->timer = troupe_timer_new (ref, left / 1000 + (left % 1000 != 0), FALSE, troupe_mailbox_timeout_cb, ref, NULL);
}

/**
 * troupe_actor_set_receive_timeout:
 * @self: an actor, in its turn
 * @timeout_ms: milliseconds, or 0 for none
 *
 * Has the actor told when it has handled no message for so long: by a message “receive-timeout”, without body or sender.
 *
 * It comes again whenever as much time has passed, until the timeout is set to 0 or the actor ends or is restarted. Only messages count, and not answers,
 * timers or I/O; the time begins anew when a handler has returned.
 *
 * Since: 1.0
 */
void
troupe_actor_set_receive_timeout (TroupeActor *self,
                                  gint64       timeout_ms)
{
  TroupeMailbox *mailbox;
  TroupeRef *ref;

  g_return_if_fail (TROUPE_IS_ACTOR (self));
  g_return_if_fail (timeout_ms >= 0);

  ref = troupe_actor_get_ref (self);
  g_return_if_fail (ref != NULL);

  mailbox = troupe_mailbox_need (ref);
  mailbox->timeout_ms = timeout_ms;
  troupe_timer_clear (&mailbox->timer);
  if (timeout_ms == 0)
    return;

  troupe_mailbox_mark_all (ref);
  mailbox->received = troupe_reactor_read_clock (ref->reactor);
  troupe_mailbox_arm (mailbox, ref, mailbox->received);
}
