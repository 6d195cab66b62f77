/* troupe-poll.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-backend-private.h"
#include "troupe-error.h"

/* The portable backend: every descriptor is polled by the main context itself, so each iteration costs as much as
 * there are descriptors. */

typedef struct
{
  TroupeBackend parent;

  GPtrArray    *watches;             /* Watch, armed */
} TroupePoll;

/* An io's backend_data, while it is armed. */
typedef struct
{
  GPollFD   poll;
  TroupeIo *io;
  guint     index;
} Watch;

static gboolean
troupe_poll_is_usable (GError **error)
{
  return TRUE;
}

static gboolean
troupe_poll_open (TroupeBackend  *backend,
                  GError        **error)
{
  ((TroupePoll *) backend)->watches = g_ptr_array_new ();

  return TRUE;
}

static void
troupe_poll_close (TroupeBackend *backend)
{
  TroupePoll *self = (TroupePoll *) backend;

  g_assert (self->watches->len == 0);
  g_ptr_array_unref (self->watches);
}

static gboolean
troupe_poll_attach (TroupeBackend  *backend,
                    TroupeIo       *io,
                    GError        **error)
{
  if (io->fd >= 0)
    return TRUE;

  g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_DESCRIPTOR, "%d is not a file descriptor", io->fd);

  return FALSE;
}

static void
troupe_poll_remove (TroupePoll *self,
                    TroupeIo   *io)
{
  Watch *watch = g_steal_pointer (&io->backend_data);

  if (watch == NULL)
    return;

  if (!g_source_is_destroyed (self->parent.source))
    g_source_remove_poll (self->parent.source, &watch->poll);

  g_ptr_array_remove_index_fast (self->watches, watch->index);
  if (watch->index < self->watches->len)
    ((Watch *) self->watches->pdata[watch->index])->index = watch->index;
  g_free (watch);
}

static void
troupe_poll_add (TroupePoll *self,
                 TroupeIo   *io)
{
  Watch *watch = g_new0 (Watch, 1);

  watch->poll.fd = io->fd;
  watch->io = io;
  watch->index = self->watches->len;
  g_ptr_array_add (self->watches, watch);
  g_source_add_poll (self->parent.source, &watch->poll);
  io->backend_data = watch;
}

static void
troupe_poll_watch (TroupeBackend *backend,
                   TroupeIo      *io,
                   guint          events)
{
  TroupePoll *self = (TroupePoll *) backend;

  io->armed = events;
  if (events == 0)
    {
      troupe_poll_remove (self, io);
      return;
    }

  if (io->backend_data == NULL)
    troupe_poll_add (self, io);

  ((Watch *) io->backend_data)->poll.events =
    ((events & TROUPE_IO_IN) ? G_IO_IN : 0) | ((events & TROUPE_IO_OUT) ? G_IO_OUT : 0);
}

static void
troupe_poll_detach (TroupeBackend *backend,
                    TroupeIo      *io)
{
  troupe_poll_watch (backend, io, 0);
}

static gboolean
troupe_poll_is_ready (TroupeBackend *backend)
{
  TroupePoll *self = (TroupePoll *) backend;
  guint i;

  for (i = 0; i < self->watches->len; i++)
    if (((Watch *) self->watches->pdata[i])->poll.revents != 0)
      return TRUE;

  return FALSE;
}

static guint
from_poll (gushort events)
{
  guint result = 0;

  if (events & (G_IO_IN | G_IO_HUP | G_IO_ERR | G_IO_NVAL))
    result |= TROUPE_IO_IN;
  if (events & (G_IO_OUT | G_IO_HUP | G_IO_ERR | G_IO_NVAL))
    result |= TROUPE_IO_OUT;
  if (events & (G_IO_HUP | G_IO_ERR | G_IO_NVAL))
    result |= TROUPE_IO_ERROR;

  return result;
}

static void
troupe_poll_collect (TroupeBackend *backend)
{
  TroupePoll *self = (TroupePoll *) backend;
  guint i;

  /* Backwards: an announcement may disarm, which moves the last one to the place of the one that goes. */
  for (i = self->watches->len; i-- > 0;)
    {
      Watch *watch = self->watches->pdata[i];
      guint events = from_poll (watch->poll.revents);

      watch->poll.revents = 0;
      if (events != 0)
        troupe_io_announce (watch->io, events);
    }
}

const TroupeBackendClass troupe_poll_backend = {
  .name = "poll",
  .size = sizeof (TroupePoll),
  .is_usable = troupe_poll_is_usable,
  .open = troupe_poll_open,
  .close = troupe_poll_close,
  .get_time = troupe_readiness_get_time,
  .attach = troupe_poll_attach,
  .detach = troupe_poll_detach,
  .watch = troupe_poll_watch,
  .receive = troupe_readiness_receive,
  .send = troupe_readiness_send,
  .accept = troupe_readiness_accept,
  .connect = troupe_readiness_connect,
  .is_ready = troupe_poll_is_ready,
  .collect = troupe_poll_collect,
};
