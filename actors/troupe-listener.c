/* troupe-listener.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "troupe-backend-private.h"
#include "troupe-factory-private.h"
#include "troupe-listener-private.h"
#include "troupe-reactor-private.h"
#include "troupe-system-private.h"
#include "troupe-timer-private.h"

#define FIRST_ACCEPTS  100           /* of a batch; then it follows the load */
#define MORE_ACCEPTS   20
#define MAX_ACCEPTS    256           /* one listener must not starve others */
#define MAX_HANDED     256           /* that wait for the factory; the kernel keeps the others waiting */
#define RETRY_MS       100
#define LOG_EVERY_US   (60 * G_USEC_PER_SEC)

typedef struct
{
  int           fd;
  TroupeAddress peer;
} Arrival;

struct _TroupeListener
{
  /* Of the reactor where it is accepted. */
  TroupeIo       io;
  TroupeTimer   *retry;
  GArray        *arrivals;           /* Arrival: of this turn, for the factory elsewhere */
  gint64         logged;             /* when a shortage was last logged, or 0 */
  guint          n_accepts;
  int            fd;                 /* -1 once closed */
  int            reserve_fd;
  gboolean       watched;            /* the io is open */
  gboolean       paused;             /* the factory is restarted, or as many wait for it as may */

  /* Of the factory's. */
  gboolean           opened;
  TroupeListenerFunc closed;

  /* Of all. */
  GObject       *port;               /* no reference: it is the owner */
  const char    *endpoint;
  TroupeRef     *factory;            /* a reference */
  TroupeRef     *owner;              /* a reference: whose turns accept: the factory, or the outside of another reactor */
  TroupeReactor *place;              /* where connections are to live, or NULL for where their class says */
  int            n_handed;           /* atomic: accepted elsewhere, and still the factory's to take */
  int            closing;            /* atomic */
};

static int
open_reserve (void)
{
  return open ("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static inline gboolean
troupe_listener_is_elsewhere (TroupeListener *self)
{
  return self->owner != self->factory;
}

static inline gboolean
troupe_listener_is_closing (TroupeListener *self)
{
  return __atomic_load_n (&self->closing, __ATOMIC_ACQUIRE);
}

static void
troupe_listener_update_watch (TroupeListener *self)
{
  if (self->watched)
    troupe_io_watch (&self->io, self->paused || self->retry != NULL ? 0 : TROUPE_IO_IN);
}

/* When there are not enough descriptors, or memory */

static gboolean
troupe_listener_may_log (TroupeListener *self)
{
  gint64 now = g_get_monotonic_time ();

  if (self->logged != 0 && now - self->logged < LOG_EVERY_US)
    return FALSE;

  self->logged = now;
  return TRUE;
}

static void
troupe_listener_retry_cb (TroupeTimer *timer,
                          gpointer     user_data)
{
  TroupeListener *self = user_data;

  g_clear_pointer (&self->retry, troupe_timer_unref);
  troupe_listener_update_watch (self);
}

/* The connection still waits, so readiness would wake us in every pass. */
static void
troupe_listener_back_off (TroupeListener *self,
                          int             fault)
{
  if (troupe_listener_may_log (self))
    g_message ("Cannot accept on %s for now: %s", self->endpoint, g_strerror (fault));

  self->retry = troupe_timer_new (self->owner, RETRY_MS, TRUE, troupe_listener_retry_cb, self, NULL);
  troupe_listener_update_watch (self);
}

/* Out of descriptors: gives the reserved one to each waiting connection in turn, to close it. */
static void
troupe_listener_shed (TroupeListener *self)
{
  guint n_shed = 0;
  int fault = 0;

  close_fd (&self->reserve_fd);
  while (n_shed < MAX_ACCEPTS && fault == 0)
    {
      int fd = troupe_io_accept (&self->io, NULL, NULL);

      if (fd >= 0)
        {
          close (fd);
          n_shed++;
        }
      else if (errno != ECONNABORTED && errno != EINTR)
        {
          fault = errno;
        }
    }
  self->reserve_fd = open_reserve ();

  if (n_shed > 0 && troupe_listener_may_log (self))
    g_message ("Out of file descriptors: %u connections to %s were closed at once", n_shed, self->endpoint);
  if (n_shed == 0 && fault != EAGAIN && fault != EWOULDBLOCK)
    troupe_listener_back_off (self, fault);
}

/* Whether to go on with the batch after accept () failed. */
static gboolean
troupe_listener_take_fault (TroupeListener *self,
                            int             fault)
{
  /* Shut down by the factory's thread. */
  if (troupe_listener_is_closing (self))
    return FALSE;

  switch (fault)
    {
    case EAGAIN:
#if EWOULDBLOCK != EAGAIN
    case EWOULDBLOCK:
#endif
      return FALSE;

    /* That one connection is gone: see accept(2). */
    case ECONNABORTED:
    case EINTR:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return TRUE;

    case EMFILE:
      troupe_listener_shed (self);
      return FALSE;

    default:
      troupe_listener_back_off (self, fault);
      return FALSE;
    }
}

/* Connections, in turns of the factory */

/* What build_protocol does may have closed the port, or have begun the end of the factory. */
static inline gboolean
troupe_listener_may_build (TroupeListener *self)
{
  return !troupe_listener_is_closing (self) && self->factory->state == TROUPE_REF_LIVE &&
         (self->factory->control & ~TROUPE_CONTROL_HELD) == 0;
}

static void
troupe_listener_build (TroupeListener      *self,
                       int                  fd,
                       const TroupeAddress *peer)
{
  TroupeReactor *place = self->place;
  g_autoptr (GError) error = NULL;
  TroupeRef *connection;

  if (place != NULL)
    place = troupe_system_place_near (troupe_ref_get_system (self->factory), place);

  connection = troupe_factory_build ((TroupeFactory *) self->factory->actor, fd, peer, place, &error);
  if (connection != NULL)
    troupe_ref_unref (connection);
  else if (error != NULL)
    g_warning ("Declined a connection to %s: %s", self->endpoint, error->message);
}

/* From another thread */

typedef struct
{
  TroupeListener *listener;          /* with a reference on its port */
  GArray         *arrivals;
  guint           next;              /* among them */
} Delivery;

static Delivery *
delivery_new (TroupeListener *listener,
              GArray         *arrivals,
              guint           next)
{
  Delivery *self = g_new (Delivery, 1);

  g_object_ref (listener->port);
  *self = (Delivery) { listener, arrivals, next };
  return self;
}

static void
troupe_listener_go_on_cb (TroupeRef *owner,
                          gpointer   data)
{
  TroupeListener *self = data;

  self->paused = FALSE;
  troupe_listener_update_watch (self);
  g_object_unref (self->port);
}

static void
troupe_listener_forget_cb (TroupeRef *owner,
                           gpointer   data)
{
  g_object_unref (((TroupeListener *) data)->port);
}

/* N of them are the factory's now, or nobody's. Whoever brings their number below the limit again tells the listener, which stopped when it
 * reached that: both see it by the one change of the counter that goes across. */
static void
troupe_listener_count_taken (TroupeListener *self,
                             int             n)
{
  int before = __atomic_fetch_sub (&self->n_handed, n, __ATOMIC_RELAXED);

  if (before < MAX_HANDED || before - n >= MAX_HANDED)
    return;

  g_object_ref (self->port);
  troupe_ref_call_at_once (self->owner, troupe_listener_go_on_cb, troupe_listener_forget_cb, self);
}

static void
delivery_free (gpointer data)
{
  Delivery *self = data;
  guint i;

  if (self->arrivals != NULL)
    {
      for (i = self->next; i < self->arrivals->len; i++)
        close (g_array_index (self->arrivals, Arrival, i).fd);
      troupe_listener_count_taken (self->listener, (int) self->arrivals->len);
      g_array_unref (self->arrivals);
    }

  g_object_unref (self->listener->port);
  g_free (self);
}

static void
take_delivery_cb (TroupeRef *factory,
                  gpointer   data)
{
  Delivery *self = data;
  TroupeListener *listener = self->listener;

  while (self->next < self->arrivals->len && troupe_listener_may_build (listener))
    {
      Arrival *arrival = &g_array_index (self->arrivals, Arrival, self->next++);

      troupe_listener_build (listener, arrival->fd, &arrival->peer);
    }

  if (self->next == self->arrivals->len || troupe_listener_is_closing (listener))
    return;

  /* The factory is about to be restarted, or to end. */
  troupe_ref_call_first (factory, take_delivery_cb, NULL, delivery_new (listener, g_steal_pointer (&self->arrivals), self->next),
                         delivery_free);
}

/* What this turn has accepted. */
static void
troupe_listener_hand_over (TroupeListener *self)
{
  GArray *arrivals = g_steal_pointer (&self->arrivals);

  if (__atomic_add_fetch (&self->n_handed, (int) arrivals->len, __ATOMIC_RELAXED) >= MAX_HANDED)
    {
      self->paused = TRUE;
      troupe_listener_update_watch (self);
    }

  /* As accepting, it is nothing that goes on while the factory waits in a fiber. */
  troupe_ref_call_in_order (self->factory, take_delivery_cb, delivery_new (self, arrivals, 0), delivery_free);
}

/* Accepting */

static void
troupe_listener_take (TroupeListener      *self,
                      int                  fd,
                      const TroupeAddress *peer)
{
  Arrival arrival = { fd, *peer };

  if (!troupe_listener_is_elsewhere (self))
    {
      troupe_listener_build (self, fd, peer);
      return;
    }

  if (self->arrivals == NULL)
    self->arrivals = g_array_new (FALSE, FALSE, sizeof (Arrival));
  g_array_append_val (self->arrivals, arrival);
}

static gboolean
troupe_listener_may_accept (TroupeListener *self)
{
  if (self->retry != NULL)
    return FALSE;

  return troupe_listener_is_elsewhere (self) ? !troupe_listener_is_closing (self) : troupe_listener_may_build (self);
}

static void
troupe_listener_turn (TroupeIo *io,
                      guint     events)
{
  TroupeListener *self = (TroupeListener *) io;
  G_GNUC_UNUSED g_autoptr (GObject) keep = g_object_ref (self->port);
  guint n_tries = 0;
  guint n_accepted = 0;

  for (; n_tries < self->n_accepts && troupe_listener_may_accept (self); n_tries++)
    {
      TroupeAddress peer = { .any.sa_family = AF_UNSPEC };
      socklen_t length = sizeof peer;
      int fd = troupe_io_accept (&self->io, &peer.any, &length);

      if (fd >= 0)
        {
          n_accepted++;
          troupe_listener_take (self, fd, &peer);
        }
      else if (!troupe_listener_take_fault (self, errno))
        {
          break;
        }
    }

  self->n_accepts = n_tries == self->n_accepts ? MIN (n_tries + MORE_ACCEPTS, MAX_ACCEPTS) : MAX (1, n_accepted);
  if (self->arrivals != NULL)
    troupe_listener_hand_over (self);
}

/* Its life */

static gboolean
troupe_listener_begin (TroupeListener  *self,
                       GError         **error)
{
  if (!troupe_io_open (&self->io, self->owner, self->fd, troupe_listener_turn, error))
    return FALSE;

  self->watched = TRUE;
  troupe_listener_update_watch (self);
  return TRUE;
}

static void
troupe_listener_open_cb (TroupeRef *owner,
                         gpointer   data)
{
  TroupeListener *self = data;
  g_autoptr (GError) error = NULL;

  if (!troupe_listener_is_closing (self) && !troupe_listener_begin (self, &error))
    {
      g_warning ("Cannot accept on %s: %s", self->endpoint, error->message);
      /* Or the kernel would go on giving connections to it. */
      shutdown (self->fd, SHUT_RD);
    }

  g_object_unref (self->port);
}

/* On its owner's thread. */
static void
troupe_listener_end (TroupeListener *self)
{
  troupe_timer_clear (&self->retry);
  if (self->watched)
    troupe_io_close (&self->io);
  self->watched = FALSE;
  close_fd (&self->fd);
  close_fd (&self->reserve_fd);
}

static void
troupe_listener_closed_cb (TroupeRef *factory,
                           gpointer   data)
{
  TroupeListener *self = data;

  self->closed (self->port);
  g_object_unref (self->port);
}

static void
troupe_listener_close_cb (TroupeRef *owner,
                          gpointer   data)
{
  TroupeListener *self = data;

  troupe_listener_end (self);
  troupe_ref_call_at_once (self->factory, troupe_listener_closed_cb, troupe_listener_closed_cb, self);
}

TroupeListener *
troupe_listener_new (gpointer       port,
                     const char    *endpoint,
                     int            fd,
                     TroupeRef     *factory,
                     TroupeReactor *reactor,
                     gboolean       stays)
{
  TroupeListener *self = g_new0 (TroupeListener, 1);

  self->port = port;
  self->endpoint = endpoint;
  self->fd = fd;
  self->reserve_fd = open_reserve ();
  self->n_accepts = FIRST_ACCEPTS;
  self->factory = troupe_ref_ref (factory);
  self->owner = troupe_ref_ref (reactor == factory->reactor ? factory : reactor->outside);
  self->place = stays ? reactor : NULL;
  return self;
}

void
troupe_listener_free (gpointer data)
{
  TroupeListener *self = data;

  g_assert (self->fd < 0);

  troupe_ref_unref (self->owner);
  troupe_ref_unref (self->factory);
  g_free (self);
}

gboolean
troupe_listener_open (TroupeListener  *self,
                      GError         **error)
{
  self->opened = TRUE;
  if (!troupe_listener_is_elsewhere (self))
    return troupe_listener_begin (self, error);

  g_object_ref (self->port);
  troupe_ref_call_at_once (self->owner, troupe_listener_open_cb, troupe_listener_forget_cb, self);
  return TRUE;
}

void
troupe_listener_pause (TroupeListener *self)
{
  if (troupe_listener_is_elsewhere (self))
    return;

  troupe_timer_clear (&self->retry);
  self->paused = TRUE;
  troupe_listener_update_watch (self);
}

void
troupe_listener_resume (TroupeListener *self)
{
  if (troupe_listener_is_elsewhere (self))
    return;

  self->paused = FALSE;
  troupe_listener_update_watch (self);
}

gboolean
troupe_listener_close (TroupeListener     *self,
                       TroupeListenerFunc  closed)
{
  __atomic_store_n (&self->closing, 1, __ATOMIC_RELEASE);
  if (!self->opened || !troupe_listener_is_elsewhere (self))
    {
      troupe_listener_end (self);
      return TRUE;
    }

  /* From now on nobody is let in; the rest must wait for the thread that may be about to look at it. */
  shutdown (self->fd, SHUT_RD);
  self->closed = closed;
  g_object_ref (self->port);
  troupe_ref_call_at_once (self->owner, troupe_listener_close_cb, troupe_listener_close_cb, self);
  return FALSE;
}
