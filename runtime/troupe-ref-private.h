/* troupe-ref-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-actor.h"
#include "troupe-mail-private.h"
#include "troupe-ref.h"
#include "troupe-slab-private.h"

G_BEGIN_DECLS

typedef struct _TroupeBindings TroupeBindings;
typedef struct _TroupeResource TroupeResource;
typedef struct _TroupeRefExtra TroupeRefExtra;

/* In this order: up to ENDING mail is taken, and after LIVE it waits. */
typedef enum
{
  TROUPE_REF_LIVE,                   /* from spawn on */
  TROUPE_REF_SUSPENDED,              /* it has failed, and its supervisor has not decided yet */
  TROUPE_REF_RESTARTING,             /* its object ends, and waits for its holds */
  TROUPE_REF_BETWEEN,                /* that is gone, and the next one is still to be built */
  TROUPE_REF_ENDING,                 /* no mail is handled any more; waits for its holds */
  TROUPE_REF_ENDED,                  /* the object is gone */
} TroupeRefState;

/* Control lane: looked at at every turn boundary, before the mail. */
enum
{
  TROUPE_CONTROL_BIRTH = 1 << 0,
  TROUPE_CONTROL_STOP  = 1 << 1,
  TROUPE_CONTROL_FAIL  = 1 << 2,
  TROUPE_CONTROL_KILL  = 1 << 3,
  TROUPE_CONTROL_END   = 1 << 4,     /* the last hold is gone */
  TROUPE_CONTROL_HELD  = 1 << 5,     /* nothing to do, but the mail is not just the mailbox: troupe-ref-wait-private.h */
  TROUPE_CONTROL_RESTART = 1 << 6,
  TROUPE_CONTROL_CHILD = 1 << 7,     /* a child has failed */
};

enum
{
  TROUPE_REF_QUEUED  = 1 << 0,       /* in the ready queue, or does not belong there yet */
  TROUPE_REF_RUNNING = 1 << 1,       /* its slice runs, here or further up the stack */
  TROUPE_REF_OUTSIDE = 1 << 2,       /* no actor: the turns of code outside actors; may nest */
  TROUPE_REF_BORN    = 1 << 3,       /* started returned TRUE */
  TROUPE_REF_KILLED  = 1 << 4,
  TROUPE_REF_FAILED  = 1 << 5,
  TROUPE_REF_CROWDS  = 1 << 6,       /* has sent to a crowded mailbox in this slice */
};

/*
 * Something of an actor that ends with it: a transport, a listening port, a connect in progress.
 *
 * RELEASE runs on the actor's thread when the actor begins to end. What needs time takes a hold on the actor
 * (troupe_ref_hold ()) and drops it when it is done; after a kill it must not call the actor's code. RELEASE may remove the resource.
 * ENDED, for what is to be kept till then, runs there when no code of the actor, nor of its children, runs any more. Either may be NULL.
 * THROTTLE, which most leave NULL, stops it from bringing in more for the actor to do, or lets it go on.
 *
 * A restart releases too, the owner's state being TROUPE_REF_RESTARTING. What has a REBORN and does not remove itself then outlives
 * the restart: REBORN runs once the next object has started, or RELEASE again if the actor ends first.
 */
struct _TroupeResource
{
  TroupeResource *next;
  TroupeResource *previous;
  void          (*release) (TroupeResource *self,
                            TroupeRef      *owner,
                            TroupeEnd       end);
  void          (*ended)   (TroupeResource *self,
                            TroupeRef      *owner);
  void          (*reborn)  (TroupeResource *self,
                            TroupeRef      *owner);    /* or NULL */
  void          (*throttle) (TroupeResource *self,
                            gboolean        throttle);
};

/*
 * The address of an actor and all that the runtime keeps for it. Everything below the line belongs to the
 * reactor's thread.
 */
struct _TroupeRef
{
  /* What a message touches shares one cache line: with many actors their lines are what it waits for. */
  gint                  ref_count;   /* atomic */
  union
  {
    struct
    {
      guint8            state;       /* a TroupeRefState, written by the reactor's thread, read atomically by others */
      guint8            has_rules;   /* what comes is looked at: troupe-mailbox-private.h */
      guint8            counts;      /* what other threads post is counted: set before anybody knows it, for any thread */
    };
    guint32             entry;       /* all at once, for the reactor's thread: 0 if all mail is just taken */
  };
  TroupeReactor        *reactor;     /* a reference */
  TroupeActor          *actor;       /* NULL before birth and after the end; this and what follows is the reactor's thread's */
  const TroupeBindings *bindings;
  TroupeMail           *head;
  TroupeMail           *tail;        /* if there is a head */
  TroupeRef            *ready_next;
  guint                 n_mail;
  guint8                control;
  guint8                flags;
  guint16               n_spare;     /* references that ref_count counts and nobody uses: a stock for what is made here */
  /* ---- the rest */
  guint                 n_holds;     /* children and resources that its end waits for */
  guint                 n_letters;   /* messages that name it as their sender and stay on its thread */
  guint8                is_linked;   /* among its parent's children; this, the next one and its siblings are the parent's thread's */
  guint8                is_counted;  /* a connection, counted by its factory */
  TroupeSystem         *system;      /* a reference, but for the root, which is the system's; NULL outside; like the next four for any thread */
  GType                 type;
  guint64               serial;
  char                 *name;        /* NULL: composed from the kind and the serial number */
  TroupeRef            *parent;      /* a reference; NULL for a root */
  TroupeRef            *last_child;  /* each live child is held by a reference */
  TroupeRef            *previous_sibling;
  TroupeRef            *next_sibling;
  TroupeResource       *resources;
  TroupePromise        *promises;    /* pending or stalled promises at home here, newest first */
  TroupeTimer          *timers;      /* pending timers */
  TroupeRefExtra       *extra;       /* what few actors have */
};

G_STATIC_ASSERT (sizeof (TroupeRef) <= TROUPE_SLAB_LARGE_SIZE);

/* Any thread. Acquire: who sees that it has ended, for instance, sees what its actor has done. */
static inline TroupeRefState
troupe_ref_get_state (TroupeRef *self)
{
  return (TroupeRefState) __atomic_load_n (&self->state, __ATOMIC_ACQUIRE);
}

/* Release: pairs with get_state (). */
static inline void
troupe_ref_set_state (TroupeRef      *self,
                      TroupeRefState  state)
{
  __atomic_store_n (&self->state, state, __ATOMIC_RELEASE);
}

/* It has not begun to end. */
static inline gboolean
troupe_ref_takes_mail (TroupeRef *self)
{
  return troupe_ref_get_state (self) < TROUPE_REF_ENDING;
}

/* Its mail waits: it has failed, or is being restarted. */
static inline gboolean
troupe_ref_is_on_hold (TroupeRef *self)
{
  TroupeRefState state = troupe_ref_get_state (self);

  return state != TROUPE_REF_LIVE && state < TROUPE_REF_ENDING;
}

/* There is no object that promises and timers could belong to. */
static inline gboolean
troupe_ref_is_no_home (TroupeRef *self)
{
  TroupeRefState state = troupe_ref_get_state (self);

  return state >= TROUPE_REF_BETWEEN && state != TROUPE_REF_ENDING;
}

/* The actor, or the outside, whose turn this thread runs at this depth of the main loop; NULL in foreign code. */
TroupeRef *troupe_ref_get_running      (void);
/* The same, but NULL for the outside: what counts as “the current actor”. */
TroupeRef *troupe_ref_get_current      (void);

/* On SELF's own thread while it has not ended: fills and empties the stock. */
void       troupe_ref_add_spare        (TroupeRef      *self);
void       troupe_ref_drop_spare       (TroupeRef      *self);

/* The same as ref () and unref (), for what is mostly made and dropped on SELF's own thread: there they take from the stock and
 * give back to it, which needs no atomic operation. */
static inline TroupeRef *
troupe_ref_ref_often (TroupeRef *self,
                      gboolean   is_here)
{
  if (G_UNLIKELY (!is_here || self->state == TROUPE_REF_ENDED))
    return troupe_ref_ref (self);

  if (G_UNLIKELY (self->n_spare == 0))
    troupe_ref_add_spare (self);
  self->n_spare--;
  return self;
}

static inline void
troupe_ref_unref_often (TroupeRef *self,
                        gboolean   is_here)
{
  if (G_UNLIKELY (!is_here || self->state == TROUPE_REF_ENDED || self->n_spare == G_MAXUINT16))
    troupe_ref_unref (self);
  else
    self->n_spare++;
}

/* Any thread. Puts MAIL into SELF's mailbox, directly on its own thread, through the reactor's inbound queue from another. An ended
 * target bounces it. */
void       troupe_ref_post             (TroupeRef      *self,
                                        TroupeMail     *mail);
/* What follows when a handler has returned on its fiber. Takes MESSAGE, and ERROR. */
void       troupe_ref_finish_message   (TroupeRef      *self,
                                        TroupeMessage  *message,
                                        gboolean        handled,
                                        GError         *error);
/* Any thread: sends MESSAGE, which is prepared, with its reply if it has one, in the name of SENDER or nobody. */
void       troupe_ref_deliver          (TroupeRef      *self,
                                        TroupeMessage  *message,
                                        TroupeRef      *sender);
/* SYSTEM has ended: threads that wait for answers of its actors do so no longer. */
void       troupe_ref_end_sync_asks    (TroupeSystem   *system);
/* Any thread: a turn of SELF that runs FUNC. */
void       troupe_ref_call             (TroupeRef      *self,
                                        TroupeCallFunc  func,
                                        TroupeCallFunc  refused,
                                        gpointer        data,
                                        GDestroyNotify  destroy);
/* Any thread: no turn, but as soon as SELF's thread hears of it, before any mail. */
void       troupe_ref_call_at_once     (TroupeRef      *self,
                                        TroupeCallFunc  func,
                                        TroupeCallFunc  refused,
                                        gpointer        data);

/* The same, but no sooner than the messages before it, which may wait for a fiber. */
void       troupe_ref_call_in_order    (TroupeRef      *self,
                                        TroupeCallFunc  func,
                                        gpointer        data,
                                        GDestroyNotify  destroy);

/* An actor that has ended keeps the reference that its parent had until the last letter is gone, or its slice is over. */
static inline void
troupe_ref_check_letters (TroupeRef *self)
{
  if (G_UNLIKELY (self->state == TROUPE_REF_ENDED) && self->n_letters == 0 && !(self->flags & TROUPE_REF_RUNNING))
    troupe_ref_unref (self);
}

/* The mailbox is not empty. */
static inline TroupeMail *
troupe_ref_dequeue (TroupeRef *self)
{
  TroupeMail *mail = self->head;

  self->head = mail->next;
  self->n_mail--;

  return mail;
}

/* Any thread. Puts BITS on the control lane. */
void       troupe_ref_control          (TroupeRef      *self,
                                        guint           bits);
/* What the reactor does with mail from another thread. */
void       troupe_ref_take_inbound     (TroupeMail     *mail);
void       troupe_ref_bounce_inbound   (TroupeMail     *mail);

/* The following are for SELF's own thread. */
void       troupe_ref_enqueue          (TroupeRef      *self,
                                        TroupeMail     *mail);
void       troupe_ref_enqueue_first    (TroupeRef      *self,
                                        TroupeMail     *mail);
void       troupe_ref_set_control      (TroupeRef      *self,
                                        guint           bits);
/* In a turn: looks at a message and handles it. */
void       troupe_ref_handle_marked    (TroupeRef      *self,
                                        TroupeMessage  *message);
/* Gives all its mail back: the reactor closes. */
void       troupe_ref_bounce_all       (TroupeRef      *self);
void       troupe_ref_fail             (TroupeRef      *self,
                                        GError         *error);    /* (transfer full) */
/* The handler of MESSAGE has failed. Takes the debt, and ERROR, which may be NULL. */
void       troupe_ref_fail_at          (TroupeRef      *self,
                                        TroupeMessage  *message,
                                        GError         *error);
/* How often it was built anew: tells its objects apart. */
guint      troupe_ref_get_n_restarts   (TroupeRef      *self);
/* The policy for SELF's children. */
void       troupe_ref_set_supervision  (TroupeRef      *self,
                                        const TroupeSupervision *supervision);
void       troupe_ref_hold             (TroupeRef      *self);
void       troupe_ref_unhold           (TroupeRef      *self);
void       troupe_ref_add_resource     (TroupeRef      *self,
                                        TroupeResource *resource);
void       troupe_ref_remove_resource  (TroupeRef      *self,
                                        TroupeResource *resource);
/* Remembers a deferred reply, so that SELF's end rejects it. Keeps a hold, not a resolver handle. */
void       troupe_ref_add_deferred     (TroupeRef      *self,
                                        TroupeResolver *resolver);
void       troupe_ref_watch            (TroupeRef      *self,
                                        TroupeRef      *watcher);
void       troupe_ref_unwatch          (TroupeRef      *self,
                                        TroupeRef      *watcher);
/* In a turn of SELF. */
void       troupe_ref_link             (TroupeRef      *self,
                                        TroupeRef      *other);
void       troupe_ref_unlink           (TroupeRef      *self,
                                        TroupeRef      *other);

/* A turn of the object that SELF has now: it is dropped if that is replaced. On SELF's own thread. */
void       troupe_ref_call_object      (TroupeRef      *self,
                                        TroupeCallFunc  func,
                                        gpointer        data,
                                        GDestroyNotify  destroy);
/* A turn as of troupe_ref_call (), before any other mail: what must be an actor's first turn. On SELF's own thread. */
void       troupe_ref_call_first       (TroupeRef      *self,
                                        TroupeCallFunc  func,
                                        TroupeCallFunc  refused,
                                        gpointer        data,
                                        GDestroyNotify  destroy);
/* On SELF's own thread: takes MAIL out of the mailbox again, if it is there. */
void       troupe_ref_unqueue          (TroupeRef      *self,
                                        TroupeMail     *mail);

/* Any thread. PARENT NULL makes a root. REACTOR NULL: where the class says. */
TroupeRef *troupe_ref_spawn            (TroupeSystem   *system,
                                        TroupeReactor  *reactor,
                                        TroupeRef      *parent,
                                        const char     *name,
                                        GType           type,
                                        guint           n_properties,
                                        const char    **names,
                                        const GValue   *values,
                                        GError        **error);
TroupeRef *troupe_ref_spawn_valist     (TroupeRef      *parent,
                                        TroupeReactor  *reactor,
                                        const char     *name,
                                        GType           type,
                                        GError        **error,
                                        const char     *first_property,
                                        va_list         args);
TroupeRef *troupe_ref_new_outside      (TroupeReactor  *reactor);
/* A GError for “SELF has ended”, with its cause if it failed. */
GError    *troupe_ref_new_ended_error  (TroupeRef      *self);

G_END_DECLS
