/* troupe-ref.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-actor-private.h"
#include "troupe-backend-private.h"
#include "troupe-error-private.h"
#include "troupe-mailbox-private.h"
#include "troupe-message-private.h"
#include "troupe-pool-private.h"
#include "troupe-promise-private.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-life-private.h"
#include "troupe-ref-wait-private.h"
#include "troupe-system-private.h"
#include "troupe-timer-private.h"

/**
 * TroupeRef: (ref-func troupe_ref_ref) (unref-func troupe_ref_unref)
 *
 * The address of an actor.
 *
 * A ref outlives its actor: what is sent to it afterwards becomes a dead letter, and what is asked is rejected. Refs may be kept,
 * compared by pointer and used from any thread.
 *
 * Since: 1.0
 */

/* The mailbox is a list of what came, owned by the reactor's thread. Mail from that thread is linked in directly; mail
 * from others comes through the reactor's inbound queue and is linked in here at the beginning of a pass. */

G_DEFINE_BOXED_TYPE (TroupeRef, troupe_ref, troupe_ref_ref, troupe_ref_unref)

static void
troupe_ref_free (TroupeRef *self)
{
  g_assert (self->head == NULL);
  g_assert (self->last_child == NULL);
  g_assert (self->actor == NULL);

  troupe_ref_free_extra (self);
  g_free (self->name);
  g_object_unref (self->reactor);
  if (self->parent != NULL)
    {
      troupe_ref_unref (self->parent);
      g_object_unref (self->system);
    }
  troupe_slab_free (TROUPE_SLAB_LARGE, self);
}

static G_ALWAYS_INLINE inline TroupeRef *
troupe_ref_find_running (void)
{
  TroupeReactor *reactor = troupe_reactor_here;

  if (reactor == NULL || reactor->running == NULL || !troupe_reactor_is_in_turn (reactor))
    return NULL;

  return reactor->running;
}

static G_ALWAYS_INLINE inline TroupeRef *
troupe_ref_find_current (void)
{
  TroupeRef *running = troupe_ref_find_running ();

  return running != NULL && !(running->flags & TROUPE_REF_OUTSIDE) ? running : NULL;
}

TroupeRef *
troupe_ref_get_running (void)
{
  return troupe_ref_find_running ();
}

TroupeRef *
troupe_ref_get_current (void)
{
  return troupe_ref_find_current ();
}

GError *
troupe_ref_new_ended_error (TroupeRef *self)
{
  g_autofree char *path = troupe_ref_dup_path (self);
  /* What has been left behind may come back, and its own thread write there. */
  const TroupeRefExtra *extra = troupe_pool_has_lost (self->reactor) ? NULL : self->extra;
  const GError *cause = extra != NULL ? extra->error : NULL;
  const char *what = "has stopped";

  if (troupe_ref_is_on_hold (self))
    what = "is being restarted";
  else if (troupe_ref_takes_mail (self) && extra != NULL && extra->n_restarts > 0)
    what = "was restarted";

  if (cause != NULL)
    return troupe_error_new_with_cause (TROUPE_ERROR_ACTOR_STOPPED, -1, cause,
                                        "The actor “%s” %s: %s", path, what, cause->message);

  return g_error_new (TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED, "The actor “%s” %s", path, what);
}

static void
troupe_ref_bounce_message (TroupeRef     *self,
                           TroupeMessage *message)
{
  TroupeResolver *reply = troupe_message_steal_reply (message);

  if (message->mail.more_bits & TROUPE_MARK_STOPPED)
    troupe_mailbox_let_go (message);

  if (reply != NULL)
    {
      troupe_resolver_take_error (reply, troupe_ref_new_ended_error (self));
      troupe_resolver_unref (reply);
    }
  else if (self->system != NULL)
    {
      troupe_system_bury (self->system, self, message, TROUPE_ERROR_ACTOR_STOPPED);
    }

  troupe_message_unref (message);
}

static void
troupe_call_free (TroupeCall *call)
{
  if (call->destroy != NULL)
    call->destroy (call->data);
  troupe_ref_unref (call->target);
  troupe_slab_free (TROUPE_SLAB_SMALL, call);
}

void
troupe_call_run (TroupeCall     *call,
                 TroupeCallFunc  func)
{
  if (func != NULL)
    func (call->target, call->data);
  troupe_call_free (call);
}

void
troupe_ref_bounce (TroupeRef  *self,
                   TroupeMail *mail)
{
  switch ((TroupeMailKind) mail->kind)
    {
    case TROUPE_MAIL_MARKED:
      if (!troupe_mailbox_forget (self, (TroupeMessage *) mail))
        break;
      /* fall through */
    case TROUPE_MAIL_MESSAGE:
      troupe_ref_bounce_message (self, (TroupeMessage *) mail);
      break;

    case TROUPE_MAIL_CONTINUATION:
      troupe_promise_drop_turn ((TroupePromise *) mail);
      break;

    case TROUPE_MAIL_TIMER:
      troupe_timer_drop_turn ((TroupeTimer *) mail);
      break;

    case TROUPE_MAIL_IO:
      mail->bits &= ~TROUPE_IO_QUEUED;
      break;

    case TROUPE_MAIL_CALL:
      troupe_call_run ((TroupeCall *) mail, ((TroupeCall *) mail)->refused);
      break;

    default:
      g_assert_not_reached ();
    }
}

void
troupe_ref_bounce_all (TroupeRef *self)
{
  G_GNUC_UNUSED g_autoptr (TroupeRef) keep = troupe_ref_ref (self);
  TroupeMail *mail;

  troupe_mailbox_close (self);
  troupe_ref_release_held (self);
  mail = self->head;
  self->head = NULL;
  self->n_mail = 0;

  while (mail != NULL)
    {
      TroupeMail *next = mail->next;

      troupe_ref_bounce (self, mail);
      mail = next;
    }
}

/* While an actor ends it handles no mail, but the runtime's own work goes on: flushing, closing, and what it is called for. In a
 * restart messages wait for the next object, and all that belongs to the old one goes. */
static gboolean
troupe_ref_refuses (TroupeRef  *self,
                    TroupeMail *mail)
{
  if (self->state == TROUPE_REF_ENDED || self->state == TROUPE_REF_SUSPENDED)
    return self->state == TROUPE_REF_ENDED;

  switch ((TroupeMailKind) mail->kind)
    {
    case TROUPE_MAIL_MESSAGE:
    case TROUPE_MAIL_MARKED:
      return self->state == TROUPE_REF_ENDING;

    case TROUPE_MAIL_CONTINUATION:
      return TRUE;

    case TROUPE_MAIL_TIMER:
      return !(mail->bits & TROUPE_TIMER_INTERNAL);

    case TROUPE_MAIL_CALL:
      return self->state != TROUPE_REF_ENDING && (mail->bits & TROUPE_CALL_OF_OBJECT) != 0;

    case TROUPE_MAIL_IO:
    default:
      return FALSE;
    }
}

G_GNUC_NO_INLINE gboolean
troupe_ref_stops_mail (TroupeRef  *self,
                       TroupeMail *mail)
{
  if (self->state != TROUPE_REF_LIVE && troupe_ref_refuses (self, mail))
    {
      troupe_ref_bounce (self, mail);
      return TRUE;
    }

  if (!self->has_rules || !troupe_mail_is_message (mail) || !troupe_mailbox_admit (self, (TroupeMessage *) mail))
    return FALSE;

  troupe_ref_awaken (self);
  return TRUE;
}

void
troupe_ref_enqueue (TroupeRef  *self,
                    TroupeMail *mail)
{
  troupe_ref_link_mail (self, mail);
}

void
troupe_ref_enqueue_first (TroupeRef  *self,
                          TroupeMail *mail)
{
  mail->next = self->head;
  if (self->head == NULL)
    self->tail = mail;
  self->head = mail;
  self->n_mail++;

  troupe_ref_awaken (self);
}

void
troupe_ref_unqueue (TroupeRef  *self,
                    TroupeMail *mail)
{
  TroupeMail *previous = NULL;
  TroupeMail *other;

  if (troupe_ref_unhold_mail (self, mail))
    return;

  for (other = self->head; other != NULL && other != mail; other = other->next)
    previous = other;

  if (other == NULL)
    return;

  if (previous != NULL)
    previous->next = mail->next;
  else
    self->head = mail->next;
  if (self->tail == mail)
    self->tail = previous;
  self->n_mail--;
}

void
troupe_ref_set_control (TroupeRef *self,
                        guint      bits)
{
  if (self->state == TROUPE_REF_ENDED)
    return;

  self->control |= bits;
  troupe_ref_awaken (self);
}

/* Whose mail it is; only for kinds that cross threads. */
static TroupeRef *
troupe_mail_get_target (TroupeMail *mail)
{
  switch ((TroupeMailKind) mail->kind)
    {
    case TROUPE_MAIL_MESSAGE:
    case TROUPE_MAIL_MARKED:
      return ((TroupeMessage *) mail)->target;

    case TROUPE_MAIL_CONTINUATION:
      return troupe_promise_get_home ((TroupePromise *) mail);

    case TROUPE_MAIL_CALL:
      return ((TroupeCall *) mail)->target;

    case TROUPE_MAIL_TIMER:
    case TROUPE_MAIL_IO:
    default:
      g_assert_not_reached ();
    }
}

static TroupeRef *
troupe_mail_steal_target (TroupeMail *mail)
{
  if (troupe_mail_is_message (mail))
    return g_steal_pointer (&((TroupeMessage *) mail)->target);

  return troupe_ref_ref (troupe_mail_get_target (mail));
}

/* What takes MAIL in may free it. */
static inline void
troupe_ref_take (TroupeMail *mail,
                 void      (*take_in) (TroupeRef *target, TroupeMail *mail))
{
  g_autoptr (TroupeRef) target = troupe_mail_steal_target (mail);
  gboolean is_posted = target->counts && troupe_mail_is_message (mail);

  take_in (target, mail);
  if (is_posted)
    troupe_mailbox_take_posted (target);
}

void
troupe_ref_take_inbound (TroupeMail *mail)
{
  if (mail->kind == TROUPE_MAIL_CALL && (mail->bits & TROUPE_CALL_AT_ONCE))
    {
      g_autoptr (TroupeRef) target = troupe_ref_ref (troupe_mail_get_target (mail));

      troupe_call_run ((TroupeCall *) mail, ((TroupeCall *) mail)->func);
      return;
    }

  troupe_ref_take (mail, troupe_ref_enqueue);
}

void
troupe_ref_bounce_inbound (TroupeMail *mail)
{
  troupe_ref_take (mail, troupe_ref_bounce);
}

void
troupe_ref_post (TroupeRef  *self,
                 TroupeMail *mail)
{
  TroupeReactor *reactor = self->reactor;

  if (troupe_reactor_is_here (reactor))
    {
      troupe_ref_enqueue (self, mail);
      return;
    }

  /* SELF may be gone as soon as it has the mail. */
  g_object_ref (reactor);
  troupe_reactor_post (reactor, mail);
  g_object_unref (reactor);
}

static TroupeCall *
troupe_call_new (TroupeRef      *target,
                 TroupeCallFunc  func,
                 TroupeCallFunc  refused,
                 gpointer        data,
                 GDestroyNotify  destroy)
{
  TroupeCall *call = troupe_slab_alloc (TROUPE_SLAB_SMALL);

  *call = (TroupeCall) {
    .mail = { .kind = TROUPE_MAIL_CALL },
    .target = troupe_ref_ref (target),
    .func = func,
    .refused = refused,
    .data = data,
    .destroy = destroy,
  };

  return call;
}

void
troupe_ref_call (TroupeRef      *self,
                 TroupeCallFunc  func,
                 TroupeCallFunc  refused,
                 gpointer        data,
                 GDestroyNotify  destroy)
{
  TroupeCall *call = troupe_call_new (self, func, refused, data, destroy);

  troupe_ref_post (self, &call->mail);
}

void
troupe_ref_call_in_order (TroupeRef      *self,
                          TroupeCallFunc  func,
                          gpointer        data,
                          GDestroyNotify  destroy)
{
  TroupeCall *call = troupe_call_new (self, func, NULL, data, destroy);

  call->mail.bits = TROUPE_CALL_IN_ORDER;
  troupe_ref_post (self, &call->mail);
}

void
troupe_ref_call_object (TroupeRef      *self,
                        TroupeCallFunc  func,
                        gpointer        data,
                        GDestroyNotify  destroy)
{
  TroupeCall *call = troupe_call_new (self, func, NULL, data, destroy);

  g_assert (troupe_reactor_is_here (self->reactor));

  call->mail.bits = TROUPE_CALL_OF_OBJECT | TROUPE_CALL_IN_ORDER;
  troupe_ref_enqueue (self, &call->mail);
}

void
troupe_ref_call_first (TroupeRef      *self,
                       TroupeCallFunc  func,
                       TroupeCallFunc  refused,
                       gpointer        data,
                       GDestroyNotify  destroy)
{
  TroupeCall *call = troupe_call_new (self, func, refused, data, destroy);

  g_assert (troupe_reactor_is_here (self->reactor));

  if (self->state != TROUPE_REF_LIVE)
    troupe_ref_bounce (self, &call->mail);
  else if (self->has_rules && troupe_mailbox_put_first (self, &call->mail))
    troupe_ref_awaken (self);
  else
    troupe_ref_enqueue_first (self, &call->mail);
}

static void
troupe_ref_control_cb (TroupeRef *self,
                       gpointer   data)
{
  troupe_ref_set_control (self, GPOINTER_TO_UINT (data));
}

void
troupe_ref_call_at_once (TroupeRef      *self,
                         TroupeCallFunc  func,
                         TroupeCallFunc  refused,
                         gpointer        data)
{
  TroupeCall *call;

  if (troupe_reactor_is_here (self->reactor))
    {
      func (self, data);
      return;
    }

  call = troupe_call_new (self, func, refused, data, NULL);
  call->mail.bits = TROUPE_CALL_AT_ONCE;
  troupe_ref_post (self, &call->mail);
}

void
troupe_ref_control (TroupeRef *self,
                    guint      bits)
{
  troupe_ref_call_at_once (self, troupe_ref_control_cb, NULL, GUINT_TO_POINTER (bits));
}

/**
 * troupe_ref_ref:
 * @self: an actor's address
 *
 * Takes a reference on the address. The actor is not kept alive by it.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
TroupeRef *
troupe_ref_ref (TroupeRef *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  /* Relaxed: who takes another reference has one, so it cannot go. */
  __atomic_fetch_add (&self->ref_count, 1, __ATOMIC_RELAXED);

  return self;
}

/**
 * troupe_ref_unref:
 * @self: (transfer full): an actor's address
 *
 * Drops a reference on the address. The actor lives on.
 *
 * Since: 1.0
 */
void
troupe_ref_unref (TroupeRef *self)
{
  g_return_if_fail (self != NULL);

  /* Release our writes to whoever frees it; acquire theirs if that is us. */
  if (__atomic_fetch_sub (&self->ref_count, 1, __ATOMIC_ACQ_REL) == 1)
    troupe_ref_free (self);
}

#define TROUPE_SPARE_REFS 256

void
troupe_ref_add_spare (TroupeRef *self)
{
  /* Relaxed, as in ref (). */
  __atomic_fetch_add (&self->ref_count, TROUPE_SPARE_REFS, __ATOMIC_RELAXED);
  self->n_spare = TROUPE_SPARE_REFS;
}

/* The caller has a reference of its own. Release, as in unref (). */
void
troupe_ref_drop_spare (TroupeRef *self)
{
  __atomic_fetch_sub (&self->ref_count, self->n_spare, __ATOMIC_RELEASE);
  self->n_spare = 0;
}

static G_GNUC_NO_INLINE void
troupe_ref_put_away (TroupeRef     *self,
                     TroupeMessage *message,
                     TroupeRef     *sender)
{
  message->sender = sender != NULL ? troupe_ref_ref (sender) : NULL;
  if (self->reactor->pool_thread != NULL && !troupe_pool_admit (self->reactor, message))
    {
      troupe_ref_bounce_message (self, message);
      return;
    }

  message->target = troupe_ref_ref (self);
  if (self->counts)
    troupe_mailbox_post (self, message, sender);
  /* The caller's address of SELF keeps the reactor. */
  troupe_reactor_post (self->reactor, &message->mail);
}

static inline void
troupe_ref_put (TroupeRef     *self,
                TroupeMessage *message,
                TroupeRef     *sender,
                gboolean       is_here)
{
  if (G_UNLIKELY (!is_here))
    {
      troupe_ref_put_away (self, message, sender);
      return;
    }

  message->sender = sender;
  if (sender != NULL && G_LIKELY (sender->reactor == self->reactor && sender->state != TROUPE_REF_ENDED))
    {
      message->mail.bits |= TROUPE_MESSAGE_LETTER;
      sender->n_letters++;
      if (G_UNLIKELY (self->n_mail >= TROUPE_CROWDED_MAIL) && sender != self)
        sender->flags |= TROUPE_REF_CROWDS;
    }
  else if (sender != NULL)
    {
      troupe_ref_ref (sender);
    }

  troupe_ref_link_mail (self, &message->mail);
}

void
troupe_ref_deliver (TroupeRef     *self,
                    TroupeMessage *message,
                    TroupeRef     *sender)
{
  troupe_ref_put (self, message, sender, troupe_reactor_is_here (self->reactor));
}

/* The same for a message from CURRENT, the current actor, or NULL. */
static inline void
troupe_ref_put_from (TroupeRef     *self,
                     TroupeMessage *message,
                     TroupeRef     *current)
{
  gboolean is_beside = current != NULL && current->reactor == self->reactor;

  troupe_ref_put (self, message, current, G_LIKELY (is_beside) || troupe_reactor_is_here (self->reactor));
}

/**
 * troupe_ref_send:
 * @self: an actor's address
 * @message: (transfer full): the message
 *
 * Sends @message.
 *
 * It never blocks and never fails on the sender's side: messages from one sender arrive in the order they were sent, and a message
 * to an actor that has ended becomes a dead letter. Call it from any thread; the sender is the actor whose turn it is, if any.
 *
 * Since: 1.0
 */
void
troupe_ref_send (TroupeRef     *self,
                 TroupeMessage *message)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (message != NULL);

  message = troupe_message_prepare (message);
  if (message != NULL)
    troupe_ref_put_from (self, message, troupe_ref_find_current ());
}

/* By the clock that the deadline of a message to SELF is compared with. */
static gint64
troupe_ref_get_time (TroupeRef *self)
{
  if (troupe_reactor_is_here (self->reactor))
    return troupe_reactor_read_clock (self->reactor);

  return troupe_reactor_here != NULL ? troupe_reactor_read_clock (troupe_reactor_here) : g_get_monotonic_time ();
}

/**
 * troupe_ref_send_within:
 * @self: an actor's address
 * @message: (transfer full): the message
 * @timeout_ms: milliseconds from now, 0 or more
 *
 * Sends @message, which is of no use any more when the time has run out.
 *
 * It is [method@Troupe.Ref.send], but if the actor comes to the message later than that, it does not handle it: the message is a dead letter, with
 * %TROUPE_ERROR_TIMED_OUT. An actor that forwards it passes on the deadline. What [method@Troupe.Ref.ask_within] is for asks, this is for
 * messages that nobody answers. Call it from any thread.
 *
 * Since: 1.0
 */
void
troupe_ref_send_within (TroupeRef     *self,
                        TroupeMessage *message,
                        gint64         timeout_ms)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (message != NULL);
  g_return_if_fail (timeout_ms >= 0);

  message = troupe_message_new_timed (message, troupe_timer_add_ms (troupe_ref_get_time (self), timeout_ms));
  if (message != NULL)
    troupe_ref_put_from (self, message, troupe_ref_find_current ());
}

/* An envelope over the body of MESSAGE, which stays; or NULL if that cannot be shared. */
static TroupeMessage *
troupe_ref_copy_message (TroupeMessage *message)
{
  TroupeMessage *copy = troupe_slab_alloc (TROUPE_SLAB_SMALL);

  *copy = (TroupeMessage) {
    .mail = { .kind = TROUPE_MAIL_MESSAGE, .ref_count = 1, .bits = TROUPE_MESSAGE_SENT },
    .name = message->name,
    .body.type = G_TYPE_NONE,
  };
  if (G_LIKELY (troupe_body_copy (&message->body, &copy->body)))
    return copy;

  troupe_message_unref (copy);

  return NULL;
}

/* The same for a body that is a reference, on one thread: all copies hold MESSAGE, for which the caller counts, instead of the body. */
static inline TroupeMessage *
troupe_ref_share_message (TroupeMessage *message)
{
  TroupeMessage *copy = troupe_slab_alloc (TROUPE_SLAB_SMALL);

  *copy = (TroupeMessage) {
    .mail = { .kind = TROUPE_MAIL_MESSAGE, .ref_count = 1, .bits = TROUPE_MESSAGE_SENT | TROUPE_MESSAGE_SHARES },
    .name = message->name,
    .original = message,
    .body = message->body,
  };

  return copy;
}

static void
troupe_ref_send_copies (TroupeRef     **refs,
                        gsize           n_refs,
                        TroupeMessage  *message,
                        TroupeRef      *sender)
{
  gsize i;

  for (i = 0; i < n_refs; i++)
    {
      TroupeMessage *copy = troupe_ref_copy_message (message);

      if (G_UNLIKELY (copy == NULL))
        {
          g_critical ("The message “%s” cannot be sent to many: its body can be freed only once",
                      message->name);
          return;
        }
      troupe_ref_put_from (refs[i], copy, sender);
    }
}

static void
troupe_ref_send_shared (TroupeRef     **refs,
                        gsize           n_refs,
                        TroupeMessage  *message,
                        TroupeRef      *sender)
{
  gsize i;

  /* One that shares is sent on: in its place what it shares, or a message that goes round would hold all that it has been. */
  if (message->mail.bits & TROUPE_MESSAGE_SHARES)
    message = message->original;

  /* Relaxed, as in troupe_message_ref (). */
  __atomic_fetch_add (&message->mail.ref_count, (gint) n_refs, __ATOMIC_RELAXED);
  for (i = 0; i < n_refs; i++)
    troupe_ref_put_from (refs[i], troupe_ref_share_message (message), sender);
}

static gboolean
troupe_refs_are_here (TroupeRef **refs,
                      gsize       n_refs)
{
  gsize i;

  for (i = 0; i < n_refs; i++)
    if (!troupe_reactor_is_here (refs[i]->reactor))
      return FALSE;

  return n_refs < G_MAXINT / 2;
}

/**
 * troupe_ref_send_all:
 * @refs: (array length=n_refs) (transfer none): addresses of actors
 * @n_refs: how many they are
 * @message: (transfer full): the message
 *
 * Sends @message to each of @refs, in their order: the same as sending to one after the other, but cheaper.
 *
 * They share its body, which is not copied on the way to actors of the same thread, unless it is JSON. A body that
 * is a pointer with a function to free it cannot be shared, which is a programming error. Call it from any thread.
 *
 * Since: 1.0
 */
void
troupe_ref_send_all (TroupeRef     **refs,
                     gsize           n_refs,
                     TroupeMessage  *message)
{
  TroupeRef *sender = troupe_ref_find_current ();

  g_return_if_fail (refs != NULL || n_refs == 0);
  g_return_if_fail (message != NULL);

  if (troupe_body_can_be_held (&message->body) && troupe_refs_are_here (refs, n_refs))
    troupe_ref_send_shared (refs, n_refs, message, sender);
  else
    troupe_ref_send_copies (refs, n_refs, message, sender);

  troupe_message_unref (message);
}

/**
 * troupe_ref_ask:
 * @self: an actor's address
 * @message: (transfer full): the question
 *
 * Sends @message and promises its answer.
 *
 * Call it from any thread. The promise belongs to the actor whose turn it is, or outside any actor to the
 * thread-default main context, where its steps run. It always gets an outcome: the reply, the error of the handler,
 * %TROUPE_ERROR_BROKEN if the handler did not reply, %TROUPE_ERROR_UNHANDLED or %TROUPE_ERROR_BODY_TYPE if
 * the actor does not understand the message, %TROUPE_ERROR_ACTOR_STOPPED if it has ended or ends first.
 *
 * A question that is still in the mailbox when its answer is cancelled, or when the asking actor ends, is not handled any more: what has
 * to be done in any case is sent, not asked. A thread without a main loop can wait for an answer with [method@Troupe.Ref.ask_sync].
 *
 * Returns: (transfer full): a promise of the answer
 *
 * Since: 1.0
 */
TroupePromise *
troupe_ref_ask (TroupeRef     *self,
                TroupeMessage *message)
{
  TroupeRef *current = troupe_ref_find_current ();
  TroupePromise *promise;
  TroupeResolver *resolver;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (message != NULL, NULL);

  if (G_LIKELY (current != NULL && current->state == TROUPE_REF_LIVE))
    {
      promise = troupe_promise_new_in_turn (current);
      resolver = (TroupeResolver *) promise;
    }
  else
    {
      promise = troupe_promise_new_at (current != NULL ? current : troupe_promise_get_home_now (), &resolver);
    }

  message = troupe_message_prepare (message);
  if (message == NULL)
    {
      troupe_resolver_unref (resolver);
      return promise;
    }

  troupe_promise_set_question (promise, message->name);
  message->reply = resolver;
  troupe_ref_put_from (self, message, current);

  return promise;
}

/**
 * troupe_ref_ask_within:
 * @self: an actor's address
 * @message: (transfer full): the question
 * @timeout_ms: milliseconds from now, 0 or more
 *
 * Sends @message and promises its answer, or %TROUPE_ERROR_TIMED_OUT if it takes too long.
 *
 * It is [method@Troupe.Ref.ask] with [method@Troupe.Promise.add_timeout]: when the time has run out, the answer is
 * cancelled, and if the question has not been looked at by then, it never is.
 *
 * Returns: (transfer full): a promise of the answer
 *
 * Since: 1.0
 */
TroupePromise *
troupe_ref_ask_within (TroupeRef     *self,
                       TroupeMessage *message,
                       gint64         timeout_ms)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (message != NULL, NULL);
  g_return_val_if_fail (timeout_ms >= 0, NULL);

  return troupe_promise_add_timeout (troupe_ref_ask (self, message), timeout_ms, NULL, NULL, NULL);
}

/**
 * troupe_ref_stop:
 * @self: an actor's address
 *
 * Asks the actor to stop after the turn that may be running.
 *
 * The mail that lies in its mailbox is not handled any more. Its children stop in reverse order, a connection
 * sends what it has accepted for writing, then its `stopped` runs, then its watchers are told. Does nothing if it has ended. Call it from any thread.
 *
 * Since: 1.0
 */
void
troupe_ref_stop (TroupeRef *self)
{
  g_return_if_fail (self != NULL);

  troupe_ref_control (self, TROUPE_CONTROL_STOP);
}

static void
troupe_ref_finish_cb (TroupeRef *self,
                      gpointer   data)
{
  troupe_ref_set_control (self, TROUPE_CONTROL_STOP);
}

/**
 * troupe_ref_finish:
 * @self: an actor's address
 *
 * Asks the actor to stop once it has handled the mail that is in its mailbox now. Call it from any thread.
 *
 * Since: 1.0
 */
void
troupe_ref_finish (TroupeRef *self)
{
  g_return_if_fail (self != NULL);

  troupe_ref_call_in_order (self, troupe_ref_finish_cb, NULL, NULL);
}

/**
 * troupe_ref_kill:
 * @self: an actor's address
 *
 * Ends the actor after the turn that may be running, without another word: none of its code runs again, not even `stopped`, its connections
 * are aborted and its children are killed. Call it from any thread.
 *
 * Since: 1.0
 */
void
troupe_ref_kill (TroupeRef *self)
{
  g_return_if_fail (self != NULL);

  troupe_ref_control (self, TROUPE_CONTROL_KILL);
}

/**
 * troupe_ref_get_system:
 * @self: an actor's address
 *
 * Gets the system of the actor.
 *
 * Returns: (transfer none) (nullable): the system, or %NULL for the root of one that is gone
 *
 * Since: 1.0
 */
TroupeSystem *
troupe_ref_get_system (TroupeRef *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->system;
}

/**
 * troupe_ref_get_parent:
 * @self: an actor's address
 *
 * Gets the actor that spawned it.
 *
 * Returns: (transfer none) (nullable): the parent, or %NULL for the root of a system
 *
 * Since: 1.0
 */
TroupeRef *
troupe_ref_get_parent (TroupeRef *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->parent;
}

/**
 * troupe_ref_get_actor_type:
 * @self: an actor's address
 *
 * Gets the type of the actor.
 *
 * Returns: a type derived from [class@Troupe.Actor]
 *
 * Since: 1.0
 */
GType
troupe_ref_get_actor_type (TroupeRef *self)
{
  g_return_val_if_fail (self != NULL, G_TYPE_INVALID);

  return self->type;
}

/**
 * troupe_ref_get_reactor:
 * @self: an actor's address
 *
 * Gets the reactor that the actor lives on, from its spawn to its end. Call it from any thread.
 *
 * Returns: (transfer none): the reactor, as long as @self is there
 *
 * Since: 1.0
 */
TroupeReactor *
troupe_ref_get_reactor (TroupeRef *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->reactor;
}

/**
 * troupe_ref_has_ended:
 * @self: an actor's address
 *
 * Tells whether the actor has ended. From another thread, the answer may be old when it arrives.
 *
 * Returns: %TRUE if it has ended
 *
 * Since: 1.0
 */
gboolean
troupe_ref_has_ended (TroupeRef *self)
{
  g_return_val_if_fail (self != NULL, TRUE);

  return troupe_ref_get_state (self) == TROUPE_REF_ENDED || troupe_pool_has_lost (self->reactor);
}

/* Any thread, and so without a look at the flags. */
static gboolean
troupe_ref_is_outside (TroupeRef *self)
{
  return self->type == G_TYPE_NONE;
}

/**
 * troupe_ref_dup_name:
 * @self: an actor's address
 *
 * Gets the name it was spawned with, or one made of its kind and a serial number, such as “connection-42”.
 *
 * Returns: (transfer full): the name, unique among those that were given to children of the same parent
 *
 * Since: 1.0
 */
char *
troupe_ref_dup_name (TroupeRef *self)
{
  g_autoptr (TroupeActorClass) klass = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  if (self->name != NULL)
    return g_strdup (self->name);
  if (troupe_ref_is_outside (self))
    return g_strdup ("outside");

  klass = g_type_class_ref (self->type);

  return g_strdup_printf ("%s-%" G_GUINT64_FORMAT, klass->kind, self->serial);
}

/**
 * troupe_ref_dup_path:
 * @self: an actor's address
 *
 * Gets the names of its ancestors and of itself, such as “/echo/connection-42”. The root is “/”.
 *
 * Returns: (transfer full): the path
 *
 * Since: 1.0
 */
char *
troupe_ref_dup_path (TroupeRef *self)
{
  g_autofree char *parent = NULL;
  g_autofree char *name = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  if (self->parent == NULL && !troupe_ref_is_outside (self))
    return g_strdup ("/");

  name = troupe_ref_dup_name (self);
  if (self->parent == NULL || self->parent->parent == NULL)
    return g_strconcat ("/", name, NULL);

  parent = troupe_ref_dup_path (self->parent);

  return g_strconcat (parent, "/", name, NULL);
}
