/* troupe-mailbox.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error.h"
#include "troupe-mailbox-private.h"
#include "troupe-promise-private.h"
#include "troupe-reactor-private.h"
#include "troupe-system-private.h"

/*
 * Capacities, urgent messages, deadlines, and the connections that have to wait for room.
 *
 * An actor without any of that never comes here. One that has rules says so in the word that every send looks at anyway
 * (TroupeRef.entry), and its messages are marked on the way in, so that they are looked at again on the way out.
 */

/* Connections are stopped over a half and go on under an eighth of the capacity. */
#define HIGH_MARK(capacity) ((capacity) / 2)
#define LOW_MARK(capacity)  ((capacity) / 8)

/* So many messages that were dropped may lie among the others before they are looked for. */
#define MIN_DEAD 64

static TroupeMailbox *
troupe_mailbox_new (const TroupeActorClass *klass)
{
  TroupeMailbox *self = g_new0 (TroupeMailbox, 1);

  self->capacity = klass->capacity;
  self->overflow = klass->overflow;
  self->urgent = klass->urgent;
  self->stash_limit = klass->stash_limit;

  return self;
}

/* Its parent, on another thread, looks at what waits for it. */
static gboolean
troupe_ref_is_weighed (TroupeRef *self)
{
  return self->parent != NULL && self->parent->reactor != self->reactor &&
         ((TroupeActorClass *) g_type_class_peek (self->parent->type))->weighs_children;
}

void
troupe_mailbox_set_up (TroupeRef *ref)
{
  /* Usually there is an instance already, and its class. */
  TroupeActorClass *fresh = g_type_class_peek (ref->type) == NULL ? g_type_class_ref (ref->type) : NULL;
  TroupeActorClass *klass = fresh != NULL ? fresh : g_type_class_peek (ref->type);
  gboolean is_weighed = troupe_ref_is_weighed (ref);

  if (klass->capacity > 0 || klass->urgent != NULL || is_weighed)
    {
      TroupeMailbox *self = troupe_ref_need_extra (ref)->mailbox = troupe_mailbox_new (klass);

      /* To be counted, without a limit. */
      if (is_weighed && self->capacity == 0)
        self->capacity = G_MAXUINT;
      ref->has_rules = TRUE;
      ref->counts = is_weighed || (klass->capacity > 0 && klass->overflow == TROUPE_OVERFLOW_BACKPRESSURE);
    }

  if (fresh != NULL)
    g_type_class_unref (fresh);
}

guint
troupe_ref_get_load (TroupeRef *ref)
{
  TroupeMailbox *self;

  if (troupe_reactor_is_here (ref->reactor))
    return ref->n_mail;
  if (!ref->counts)
    return 0;

  self = ref->extra->mailbox;

  return __atomic_load_n (&self->n_posted, __ATOMIC_RELAXED) + __atomic_load_n (&self->n_messages, __ATOMIC_RELAXED);
}

TroupeMailbox *
troupe_mailbox_need (TroupeRef *ref)
{
  TroupeRefExtra *extra = troupe_ref_need_extra (ref);

  if (extra->mailbox == NULL)
    extra->mailbox = troupe_mailbox_new (g_type_class_peek (ref->type));

  return extra->mailbox;
}

static void
mark_list (TroupeMail *mail)
{
  for (; mail != NULL; mail = mail->next)
    if (mail->kind == TROUPE_MAIL_MESSAGE)
      mail->kind = TROUPE_MAIL_MARKED;
}

void
troupe_mailbox_mark_all (TroupeRef *ref)
{
  if (ref->has_rules)
    return;

  ref->has_rules = TRUE;
  mark_list (ref->head);
  mark_list (ref->extra->held.head);
}

void
troupe_mailbox_free (TroupeMailbox *self)
{
  g_assert (self->n_messages == 0 && self->oldest.length == 0);
  g_assert (self->urgent_mail.head == NULL && self->stash.head == NULL);

  g_clear_pointer (&self->throttled, g_hash_table_unref);
  troupe_timer_clear (&self->timer);
  g_free (self);
}

/* Connections that wait */

static gboolean
troupe_ref_can_be_throttled (TroupeRef *self)
{
  TroupeResource *resource;

  for (resource = self->resources; resource != NULL; resource = resource->next)
    if (resource->throttle != NULL)
      return TRUE;

  return FALSE;
}

static void
troupe_ref_throttle_resources (TroupeRef *self,
                               gboolean   throttle)
{
  TroupeResource *resource;

  for (resource = self->resources; resource != NULL; resource = resource->next)
    if (resource->throttle != NULL)
      resource->throttle (resource, throttle);
}

static void
troupe_ref_throttle_cb (TroupeRef *self,
                        gpointer   throttle)
{
  TroupeRefExtra *extra = troupe_ref_need_extra (self);

  if (throttle != NULL ? extra->n_throttles++ == 0 : --extra->n_throttles == 0)
    troupe_ref_throttle_resources (self, throttle != NULL);
}

void
troupe_ref_throttle (TroupeRef *ref,
                     gboolean   throttle)
{
  troupe_ref_call_at_once (ref, troupe_ref_throttle_cb, NULL, GINT_TO_POINTER (throttle));
}

/* FALSE if it is there already. */
static gboolean
troupe_mailbox_list_throttled (TroupeMailbox *self,
                               TroupeRef     *connection)
{
  if (self->throttled == NULL)
    self->throttled = g_hash_table_new_full (NULL, NULL, (GDestroyNotify) troupe_ref_unref, NULL);

  return !g_hash_table_contains (self->throttled, connection) &&
         g_hash_table_add (self->throttled, troupe_ref_ref (connection));
}

/* The mailbox is over the high mark because of CONNECTION, if it is one. From another thread, it is asked there. */
static void
troupe_mailbox_throttle (TroupeMailbox *self,
                         TroupeRef     *connection)
{
  if (connection == NULL ||
      (troupe_reactor_is_here (connection->reactor) && !troupe_ref_can_be_throttled (connection)))
    return;

  if (troupe_mailbox_list_throttled (self, connection))
    troupe_ref_throttle (connection, TRUE);
}

/* What other threads send is not counted until this one takes it in, and this one may be busy: so they look for themselves.
 * A message on its way in is in both numbers for a moment, and never in none of them. Acquire, for that: whoever sees that one was taken off here
 * sees it in n_messages. Posting, which releases, comes after; so it is taken off after that. */
void
troupe_mailbox_post (TroupeRef     *ref,
                     TroupeMessage *message,
                     TroupeRef     *sender)
{
  TroupeMailbox *self = ref->extra->mailbox;
  guint n = __atomic_add_fetch (&self->n_posted, 1, __ATOMIC_ACQUIRE) + __atomic_load_n (&self->n_messages, __ATOMIC_RELAXED);

  /* What is forwarded may name somebody on yet another thread. */
  if (self->overflow != TROUPE_OVERFLOW_BACKPRESSURE || n <= HIGH_MARK (self->capacity) ||
      sender == NULL || !troupe_reactor_is_here (sender->reactor) ||
      !troupe_ref_can_be_throttled (sender) || (sender->extra != NULL && sender->extra->n_throttles > 0))
    return;

  message->mail.more_bits |= TROUPE_MARK_STOPPED;
  troupe_ref_throttle (sender, TRUE);
}

/* After it was counted in. Release: see post (). */
void
troupe_mailbox_take_posted (TroupeRef *ref)
{
  __atomic_sub_fetch (&ref->extra->mailbox->n_posted, 1, __ATOMIC_RELEASE);
}

void
troupe_mailbox_let_go (TroupeMessage *message)
{
  message->mail.more_bits &= ~TROUPE_MARK_STOPPED;
  troupe_ref_throttle (message->sender, FALSE);
}

static void
troupe_mailbox_release (TroupeMailbox *self)
{
  g_autoptr (GPtrArray) connections = troupe_ref_steal_set (&self->throttled);
  guint i;

  for (i = 0; i < connections->len; i++)
    troupe_ref_throttle (g_ptr_array_index (connections, i), FALSE);
}

/* Counting */

static void
troupe_mailbox_count (TroupeMailbox *self,
                      TroupeMessage *message)
{
  message->mail.more_bits |= TROUPE_MARK_COUNTED;
  /* Only this thread writes it: see post (). */
  __atomic_store_n (&self->n_messages, self->n_messages + 1, __ATOMIC_RELAXED);
}

static void
troupe_mailbox_uncount (TroupeMailbox *self,
                        TroupeMessage *message)
{
  if (!(message->mail.more_bits & TROUPE_MARK_COUNTED))
    return;

  message->mail.more_bits &= ~TROUPE_MARK_COUNTED;
  __atomic_store_n (&self->n_messages, self->n_messages - 1, __ATOMIC_RELAXED);

  if (message->mail.more_bits & TROUPE_MARK_LISTED)
    {
      /* They come out in the order in which they came in: it is the first. */
      message->mail.more_bits &= ~TROUPE_MARK_LISTED;
      g_queue_remove (&self->oldest, message);
    }

  if (self->throttled != NULL && self->n_messages <= LOW_MARK (self->capacity))
    troupe_mailbox_release (self);
}

/* Overflow */

static GError *
new_full_error (TroupeRef *ref)
{
  g_autofree char *path = troupe_ref_dup_path (ref);

  return g_error_new (TROUPE_ERROR, TROUPE_ERROR_QUEUE_OVERFLOW, "The mailbox of “%s” is full: it takes %u messages",
                      path, ref->extra->mailbox->capacity);
}

static void
troupe_message_reject_cb (TroupeRef *ref,
                          gpointer   message)
{
  TroupeResolver *reply = troupe_message_steal_reply (message);

  if (reply == NULL)
    return;

  troupe_resolver_take_error (reply, new_full_error (ref));
  troupe_resolver_unref (reply);
}

/* There is no room for MESSAGE. Losing some is what DROP_NEWEST and DROP_OLDEST are chosen for: that is no dead letter. */
static void
troupe_mailbox_lose (TroupeRef     *ref,
                     TroupeMessage *message)
{
  TroupeOverflow overflow = ref->extra->mailbox->overflow;

  if (overflow == TROUPE_OVERFLOW_DROP_NEWEST || overflow == TROUPE_OVERFLOW_DROP_OLDEST)
    troupe_system_publish_letter (ref->system, ref, message, TROUPE_ERROR_QUEUE_OVERFLOW);
  else
    troupe_system_bury (ref->system, ref, message, TROUPE_ERROR_QUEUE_OVERFLOW);
}

static void
troupe_mailbox_fail_cb (TroupeRef *ref,
                        gpointer   n_restarts)
{
  ref->extra->mailbox->is_failing = FALSE;
  if (ref->state == TROUPE_REF_LIVE && troupe_ref_get_n_restarts (ref) == GPOINTER_TO_UINT (n_restarts))
    troupe_ref_fail (ref, new_full_error (ref));
}

/* In a turn of its own: it may not even be born. */
static void
troupe_mailbox_fail (TroupeRef *ref)
{
  TroupeMailbox *self = ref->extra->mailbox;

  if (self->is_failing)
    return;

  self->is_failing = TRUE;
  troupe_ref_call_first (ref, troupe_mailbox_fail_cb, troupe_mailbox_fail_cb,
                         GUINT_TO_POINTER (troupe_ref_get_n_restarts (ref)), NULL);
}

static void
troupe_mailbox_refuse (TroupeRef     *ref,
                       TroupeMessage *message)
{
  if (ref->extra->mailbox->overflow == TROUPE_OVERFLOW_FAIL)
    troupe_mailbox_fail (ref);

  if (message->reply != NULL)
    troupe_message_reject_cb (ref, message);
  else
    troupe_mailbox_lose (ref, message);

  troupe_message_drop (message);
}

static void
troupe_mailbox_sweep_list (TroupeRef   *ref,
                           TroupeMail **head,
                           TroupeMail **tail)
{
  TroupeMail **place = head;

  *tail = NULL;
  while (*place != NULL)
    {
      TroupeMail *mail = *place;

      if (mail->kind == TROUPE_MAIL_MARKED && (mail->more_bits & TROUPE_MARK_DEAD))
        {
          *place = mail->next;
          ref->n_mail--;
          ref->extra->mailbox->n_dead--;
          troupe_message_unref ((TroupeMessage *) mail);
        }
      else
        {
          *tail = mail;
          place = &mail->next;
        }
    }
}

/* Often enough that the dead are no more than the living, and seldom enough that each costs little. */
static void
troupe_mailbox_sweep (TroupeRef *ref)
{
  TroupeRefExtra *extra = ref->extra;

  if (extra->mailbox->n_dead < MAX (extra->mailbox->capacity, MIN_DEAD))
    return;

  troupe_mailbox_sweep_list (ref, &ref->head, &ref->tail);
  troupe_mailbox_sweep_list (ref, &extra->held.head, &extra->held.tail);
}

/* The oldest message is dropped: FALSE if there is none that is not urgent. Whoever asked it may be the one who sends, so the rejection
 * is left to a turn. */
static gboolean
troupe_mailbox_drop_oldest (TroupeRef *ref)
{
  TroupeMailbox *self = ref->extra->mailbox;
  TroupeMessage *message = g_queue_peek_head (&self->oldest);

  if (message == NULL)
    return FALSE;

  troupe_mailbox_uncount (self, message);
  message->mail.more_bits |= TROUPE_MARK_DEAD;
  self->n_dead++;

  if (message->reply != NULL)
    troupe_ref_call (ref, troupe_message_reject_cb, troupe_message_reject_cb, troupe_message_ref (message),
                     (GDestroyNotify) troupe_message_unref);
  else
    troupe_mailbox_lose (ref, message);
  troupe_mailbox_sweep (ref);

  return TRUE;
}

/* Coming in */

static gboolean
troupe_mailbox_is_urgent (TroupeMailbox *self,
                          TroupeMessage *message)
{
  const char *const *name;

  for (name = self->urgent; name != NULL && *name != NULL; name++)
    if (*name == message->name)
      return TRUE;

  return FALSE;
}

static void
troupe_mailbox_push_urgent (TroupeRef  *ref,
                            TroupeMail *mail)
{
  troupe_held_push (&ref->extra->mailbox->urgent_mail, mail);
  ref->control |= TROUPE_CONTROL_HELD;
  ref->n_mail++;
}

/* FALSE if there is no room for MESSAGE. */
static gboolean
troupe_mailbox_make_room (TroupeRef     *ref,
                          TroupeMessage *message)
{
  TroupeMailbox *self = ref->extra->mailbox;

  if ((message->mail.more_bits & TROUPE_MARK_STOPPED) && !troupe_mailbox_list_throttled (self, message->sender))
    troupe_mailbox_let_go (message);
  message->mail.more_bits &= ~TROUPE_MARK_STOPPED;

  if (self->n_messages < self->capacity)
    return TRUE;

  return self->overflow == TROUPE_OVERFLOW_DROP_OLDEST && troupe_mailbox_drop_oldest (ref);
}

static void
troupe_mailbox_count_in (TroupeRef     *ref,
                         TroupeMessage *message,
                         gboolean       is_urgent)
{
  TroupeMailbox *self = ref->extra->mailbox;

  troupe_mailbox_count (self, message);

  if (self->overflow == TROUPE_OVERFLOW_DROP_OLDEST && !is_urgent)
    {
      message->mail.more_bits |= TROUPE_MARK_LISTED;
      g_queue_push_tail (&self->oldest, message);
    }
  else if (self->overflow == TROUPE_OVERFLOW_BACKPRESSURE && self->n_messages > HIGH_MARK (self->capacity))
    {
      troupe_mailbox_throttle (self, message->sender);
      troupe_mailbox_throttle (self, ref);
    }
}

gboolean
troupe_mailbox_admit (TroupeRef     *ref,
                      TroupeMessage *message)
{
  TroupeMailbox *self = ref->extra->mailbox;
  gboolean is_urgent = troupe_mailbox_is_urgent (self, message);

  message->mail.kind = TROUPE_MAIL_MARKED;

  /* What was in already comes back when the actor is restarted. */
  if (self->capacity > 0 &&
      !(message->mail.more_bits & (TROUPE_MARK_COUNTED | TROUPE_MARK_DEAD | TROUPE_MARK_SYSTEM)))
    {
      if (!troupe_mailbox_make_room (ref, message))
        {
          troupe_mailbox_refuse (ref, message);
          return TRUE;
        }

      troupe_mailbox_count_in (ref, message, is_urgent);
    }

  if (is_urgent)
    troupe_mailbox_push_urgent (ref, &message->mail);

  return is_urgent;
}

gboolean
troupe_mailbox_put_first (TroupeRef  *ref,
                          TroupeMail *mail)
{
  TroupeMailbox *self = ref->extra->mailbox;

  if (self->urgent == NULL)
    return FALSE;

  troupe_held_push_first (&self->urgent_mail, mail);
  ref->control |= TROUPE_CONTROL_HELD;
  ref->n_mail++;

  return TRUE;
}

/* Going out */

static gboolean
troupe_message_is_late (TroupeMessage *message,
                        TroupeReactor *reactor)
{
  return (message->mail.bits & TROUPE_MESSAGE_TIMED) != 0 &&
         troupe_reactor_read_clock (reactor) > ((TroupeTimedMessage *) message)->deadline;
}

gboolean
troupe_mailbox_forget (TroupeRef     *ref,
                       TroupeMessage *message)
{
  TroupeMailbox *self = ref->extra != NULL ? ref->extra->mailbox : NULL;

  /* It may be there for its deadline alone. */
  if (self == NULL)
    return TRUE;

  troupe_mailbox_uncount (self, message);
  if (!(message->mail.more_bits & TROUPE_MARK_DEAD))
    return TRUE;

  self->n_dead--;
  troupe_message_drop (message);

  return FALSE;
}

gboolean
troupe_mailbox_take (TroupeRef     *ref,
                     TroupeMessage *message)
{
  if (!troupe_mailbox_forget (ref, message))
    return FALSE;

  if (!troupe_message_is_late (message, ref->reactor))
    return TRUE;

  troupe_system_bury (ref->system, ref, message, TROUPE_ERROR_TIMED_OUT);
  troupe_message_drop (message);

  return FALSE;
}

void
troupe_mailbox_note_handled (TroupeRef *ref)
{
  TroupeMailbox *self = ref->extra != NULL ? ref->extra->mailbox : NULL;

  if (self != NULL && self->timeout_ms > 0)
    self->received = troupe_reactor_read_clock (ref->reactor);
}

/* What was put aside */

void
troupe_mailbox_unstash (TroupeRef *ref)
{
  TroupeRefExtra *extra = ref->extra;
  TroupeMailbox *self = extra->mailbox;
  TroupeHeld newest_first = { NULL, NULL };
  TroupeMail *mail;

  while ((mail = troupe_held_pop (&self->stash)) != NULL)
    troupe_held_push_first (&newest_first, mail);
  self->n_stashed = 0;

  while ((mail = troupe_held_pop (&newest_first)) != NULL)
    {
      TroupeMessage *message = (TroupeMessage *) mail;

      mail->kind = TROUPE_MAIL_MARKED;
      if (self->capacity > 0 && !(mail->more_bits & TROUPE_MARK_SYSTEM))
        {
          troupe_mailbox_count (self, message);
          if (self->overflow == TROUPE_OVERFLOW_DROP_OLDEST)
            {
              mail->more_bits |= TROUPE_MARK_LISTED;
              g_queue_push_head (&self->oldest, message);
            }
        }

      if (extra->held.head != NULL)
        {
          troupe_held_push_first (&extra->held, mail);
          ref->n_mail++;
        }
      else
        {
          troupe_ref_enqueue_first (ref, mail);
        }
    }
}

void
troupe_mailbox_close (TroupeRef *ref)
{
  if (ref->extra == NULL || ref->extra->mailbox == NULL)
    return;

  ref->extra->mailbox->timeout_ms = 0;
  troupe_mailbox_unstash (ref);
}
