/* troupe-dead-letter.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-dead-letter-private.h"
#include "troupe-message.h"
#include "troupe-ref.h"

/**
 * TroupeDeadLetter: (ref-func troupe_dead_letter_ref) (unref-func troupe_dead_letter_unref)
 *
 * A message that nobody handles: to whom it was sent, and why it is dead.
 *
 * It is the body of the messages “dead-letter”, “unhandled” and “overflow” that [method@Troupe.System.subscribe] asks for. It does not
 * change and may be used from any thread.
 *
 * Since: 1.0
 */
struct _TroupeDeadLetter
{
  TroupeRef     *target;
  TroupeMessage *message;
  TroupeError    reason;
};

G_DEFINE_BOXED_TYPE (TroupeDeadLetter, troupe_dead_letter, troupe_dead_letter_ref, troupe_dead_letter_unref)

TroupeDeadLetter *
troupe_dead_letter_new (TroupeRef     *target,
                        TroupeMessage *message,
                        TroupeError    reason)
{
  TroupeDeadLetter *self = g_atomic_rc_box_new0 (TroupeDeadLetter);

  self->target = troupe_ref_ref (target);
  self->message = troupe_message_ref (message);
  self->reason = reason;

  return self;
}

TroupeNews
troupe_dead_letter_get_news (TroupeError reason)
{
  switch ((int) reason)
    {
    case TROUPE_ERROR_UNHANDLED:
    case TROUPE_ERROR_BODY_TYPE:
      return TROUPE_NEWS_UNHANDLED;

    case TROUPE_ERROR_QUEUE_OVERFLOW:
      return TROUPE_NEWS_OVERFLOW;

    default:
      return TROUPE_NEWS_DEAD_LETTER;
    }
}

static void
troupe_dead_letter_clear (gpointer data)
{
  TroupeDeadLetter *self = data;

  troupe_ref_unref (self->target);
  troupe_message_unref (self->message);
}

/**
 * troupe_dead_letter_ref:
 * @self: a dead letter
 *
 * Takes a reference.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
TroupeDeadLetter *
troupe_dead_letter_ref (TroupeDeadLetter *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

/**
 * troupe_dead_letter_unref:
 * @self: (transfer full): a dead letter
 *
 * Drops a reference.
 *
 * Since: 1.0
 */
void
troupe_dead_letter_unref (TroupeDeadLetter *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release_full (self, troupe_dead_letter_clear);
}

/**
 * troupe_dead_letter_get_target:
 * @self: a dead letter
 *
 * Gets the address of the actor that the message was sent to.
 *
 * Returns: (transfer none): the actor
 *
 * Since: 1.0
 */
TroupeRef *
troupe_dead_letter_get_target (TroupeDeadLetter *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->target;
}

/**
 * troupe_dead_letter_get_message:
 * @self: a dead letter
 *
 * Gets the message, which knows its sender, too.
 *
 * Returns: (transfer none): the message
 *
 * Since: 1.0
 */
TroupeMessage *
troupe_dead_letter_get_message (TroupeDeadLetter *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->message;
}

/**
 * troupe_dead_letter_get_reason:
 * @self: a dead letter
 *
 * Gets why the message was not handled.
 *
 * Returns: %TROUPE_ERROR_ACTOR_STOPPED for instance
 *
 * Since: 1.0
 */
TroupeError
troupe_dead_letter_get_reason (TroupeDeadLetter *self)
{
  g_return_val_if_fail (self != NULL, TROUPE_ERROR_FAILED);

  return self->reason;
}
