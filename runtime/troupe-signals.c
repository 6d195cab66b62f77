/* troupe-signals.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "troupe-backend-private.h"
#include "troupe-reactor-private.h"
#include "troupe-signals-private.h"
#include "troupe-system-private.h"

/*
 * The signals that end a run. The handler only writes to an eventfd, which the reactor watches like any other descriptor.
 *
 * GLib's own signal sources would start a thread, and the C library then locks and checks for cancellation in each of its system
 * calls: that costs a small echo an eighth of its instructions.
 */

#define MAX_TAKERS 64                /* runs at the same time, each on a thread of its own */

static const int numbers[] = { SIGINT, SIGTERM };

/*
 * The eventfds of the runs that there are at a time, made when they are first needed and never closed: the handler may be about to write
 * on one thread while a run ends on another, and must not find another file under the number.
 */
typedef struct
{
  int      fd;                       /* plus one; 0 until it is made */
  gboolean taken;                    /* atomic */
} Place;

struct _TroupeSignals
{
  TroupeIo      io;
  TroupeSystem *system;
  Place        *place;
};

static GMutex mutex;
static Place places[MAX_TAKERS];
static guint n_takers;
static struct sigaction before[G_N_ELEMENTS (numbers)];

static void
on_signal (int number)
{
  int error = errno;
  guint64 one = 1;
  guint i;

  for (i = 0; i < MAX_TAKERS; i++)
    /* Acquire: the descriptor was there before it was taken. */
    if (__atomic_load_n (&places[i].taken, __ATOMIC_ACQUIRE) &&
        write (places[i].fd - 1, &one, sizeof one) < 0)
      continue;                      /* it is told already */

  errno = error;
}

/* Reset when it is delivered: a second signal of the kind does what it does without us. */
static void
take_over_locked (void)
{
  struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART | SA_RESETHAND };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (numbers); i++)
    sigaction (numbers[i], &action, &before[i]);
}

static void
hand_back_locked (void)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (numbers); i++)
    sigaction (numbers[i], &before[i], NULL);
}

/* A place of one's own; NULL with errno set. */
static Place *
find_place_locked (void)
{
  Place *place = places;
  guint64 old;

  while (place < places + MAX_TAKERS && place->taken)
    place++;

  if (place == places + MAX_TAKERS)
    {
      errno = EAGAIN;
      return NULL;
    }

  if (place->fd == 0)
    place->fd = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC) + 1;
  if (place->fd == 0)
    return NULL;

  /* What came when the run before was over already. */
  if (read (place->fd - 1, &old, sizeof old) < 0)
    errno = 0;

  return place;
}

static Place *
enter (void)
{
  Place *place;

  g_mutex_lock (&mutex);
  place = find_place_locked ();
  if (place != NULL)
    {
      /* Release: pairs with the handler's acquire. */
      __atomic_store_n (&place->taken, TRUE, __ATOMIC_RELEASE);
      if (n_takers++ == 0)
        take_over_locked ();
    }
  g_mutex_unlock (&mutex);

  return place;
}

static void
leave (Place *place)
{
  g_mutex_lock (&mutex);
  /* A handler that has just seen it taken writes to a descriptor that stays. */
  __atomic_store_n (&place->taken, FALSE, __ATOMIC_RELEASE);
  if (--n_takers == 0)
    hand_back_locked ();
  g_mutex_unlock (&mutex);
}

static void
signals_turn (TroupeIo *io,
              guint     events)
{
  TroupeSignals *self = (TroupeSignals *) io;

  troupe_io_watch (io, 0);
  troupe_system_shutdown (self->system);
}

/* NULL, after a warning, when there is no descriptor for it: then signals do what they do without us. */
TroupeSignals *
troupe_signals_take (TroupeSystem *system)
{
  Place *place = enter ();
  TroupeSignals *self;

  if (place == NULL)
    {
      g_warning ("Cannot take SIGINT and SIGTERM: %s", g_strerror (errno));
      return NULL;
    }

  self = g_new0 (TroupeSignals, 1);
  self->system = system;
  self->place = place;
  /* It cannot fail: the descriptor is open. */
  troupe_io_open (&self->io, troupe_system_get_reactor (system)->outside, place->fd - 1, signals_turn, NULL);
  troupe_io_watch (&self->io, TROUPE_IO_IN);

  return self;
}

void
troupe_signals_give_back (TroupeSignals *self)
{
  if (self == NULL)
    return;

  troupe_io_close (&self->io);
  leave (self->place);
  g_free (self);
}
