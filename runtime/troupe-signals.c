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

struct _TroupeSignals
{
  TroupeIo      io;
  TroupeSystem *system;
  guint         place;               /* among the takers */
};

static GMutex mutex;
static int takers[MAX_TAKERS];       /* atomic: the eventfd of each run, plus one; 0 is free */
static guint n_takers;
static struct sigaction before[G_N_ELEMENTS (numbers)];

static void
on_signal (int number)
{
  int error = errno;
  guint64 one = 1;
  guint i;

  for (i = 0; i < MAX_TAKERS; i++)
    {
      int fd = __atomic_load_n (&takers[i], __ATOMIC_ACQUIRE) - 1;

      if (fd >= 0 && write (fd, &one, sizeof one) < 0)
        continue;                    /* it is told already */
    }

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

static gboolean
enter_locked (TroupeSignals *self)
{
  for (self->place = 0; self->place < MAX_TAKERS; self->place++)
    if (takers[self->place] == 0)
      break;

  if (self->place == MAX_TAKERS)
    return FALSE;

  __atomic_store_n (&takers[self->place], self->io.fd + 1, __ATOMIC_RELEASE);
  if (n_takers++ == 0)
    take_over_locked ();

  return TRUE;
}

static void
leave_locked (TroupeSignals *self)
{
  __atomic_store_n (&takers[self->place], 0, __ATOMIC_RELEASE);
  if (--n_takers == 0)
    hand_back_locked ();
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
  TroupeSignals *self = g_new0 (TroupeSignals, 1);
  TroupeReactor *reactor = troupe_system_get_reactor (system);
  int fd = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
  gboolean entered = FALSE;

  if (fd >= 0 && troupe_io_open (&self->io, reactor->outside, fd, signals_turn, NULL))
    {
      troupe_io_watch (&self->io, TROUPE_IO_IN);
      self->system = system;
      g_mutex_lock (&mutex);
      entered = enter_locked (self);
      g_mutex_unlock (&mutex);
    }

  if (entered)
    return self;

  g_warning ("Cannot take SIGINT and SIGTERM: %s", g_strerror (fd < 0 ? errno : EAGAIN));
  if (fd >= 0)
    {
      troupe_io_close (&self->io);
      close (fd);
    }
  g_free (self);

  return NULL;
}

void
troupe_signals_give_back (TroupeSignals *self)
{
  if (self == NULL)
    return;

  g_mutex_lock (&mutex);
  leave_locked (self);
  g_mutex_unlock (&mutex);

  troupe_io_close (&self->io);
  close (self->io.fd);
  g_free (self);
}
