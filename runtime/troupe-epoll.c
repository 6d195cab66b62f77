/* troupe-epoll.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "troupe-backend-private.h"
#include "troupe-error.h"

/*
 * The backend over epoll: its one descriptor is all that the main context polls.
 *
 * The kernel reports by what we registered, and may report what we have forgotten: a descriptor that was closed while another one
 * still refers to the same open file stays in the set. So events carry the number and a generation instead of a pointer; when
 * they do not match, the set is built anew, which is the only way to get such an entry out.
 */

#define MAX_EVENTS 256
#define WAKE       G_MAXUINT64       /* the data of the event that is no TroupeIo's */

typedef struct
{
  TroupeBackend parent;

  GPollFD       poll;
  int           wake_fd;             /* the reactor's, −1 until it is watched */
  GPtrArray    *table;               /* TroupeIo by descriptor number, or NULL */
  GPtrArray    *always;              /* TroupeIo of regular files, which epoll refuses: ready at any time */
  guint         generation;
} TroupeEpoll;

static gboolean
troupe_epoll_is_usable (GError **error)
{
  int fd = epoll_create1 (EPOLL_CLOEXEC);

  if (fd < 0)
    {
      int code = errno;

      g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_NO_BACKEND,
                   "epoll cannot be used: %s", g_strerror (code));
      return FALSE;
    }
  close (fd);

  return TRUE;
}

static gboolean
troupe_epoll_open (TroupeBackend  *backend,
                   GError        **error)
{
  TroupeEpoll *self = (TroupeEpoll *) backend;
  int fd = epoll_create1 (EPOLL_CLOEXEC);

  if (fd < 0)
    {
      int code = errno;

      g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_NO_BACKEND,
                   "epoll cannot be used: %s", g_strerror (code));
      return FALSE;
    }

  self->table = g_ptr_array_new ();
  self->always = g_ptr_array_new ();
  self->poll = (GPollFD) { .fd = fd, .events = G_IO_IN };
  self->wake_fd = -1;
  g_source_add_poll (backend->source, &self->poll);

  return TRUE;
}

static void
troupe_epoll_close (TroupeBackend *backend)
{
  TroupeEpoll *self = (TroupeEpoll *) backend;

  if (!g_source_is_destroyed (backend->source))
    g_source_remove_poll (backend->source, &self->poll);
  close (self->poll.fd);
  g_ptr_array_unref (self->table);
  g_ptr_array_unref (self->always);
}

static guint32
to_epoll (guint events)
{
  return ((events & TROUPE_IO_IN) ? EPOLLIN | EPOLLRDHUP : 0) |
         ((events & TROUPE_IO_OUT) ? EPOLLOUT : 0);
}

static guint
from_epoll (guint32 events)
{
  guint result = 0;

  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
    result |= TROUPE_IO_IN;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
    result |= TROUPE_IO_OUT;
  if (events & (EPOLLHUP | EPOLLERR))
    result |= TROUPE_IO_ERROR;

  return result;
}

static int
troupe_epoll_control (TroupeEpoll *self,
                      TroupeIo    *io,
                      int          operation,
                      guint        events)
{
  struct epoll_event event = {
    .events = to_epoll (events),
    .data.u64 = (guint64) io->generation << 32 | (guint32) io->fd,
  };

  return epoll_ctl (self->poll.fd, operation, io->fd, &event);
}

static void
troupe_epoll_set_always (TroupeEpoll *self,
                         TroupeIo    *io,
                         gboolean     always)
{
  if (always && io->backend_data == NULL)
    g_ptr_array_add (self->always, io);
  else if (!always && io->backend_data != NULL)
    g_ptr_array_remove_fast (self->always, io);

  io->backend_data = always ? self : NULL;
  self->parent.n_always_ready = self->always->len;
}

static void
troupe_epoll_add (TroupeEpoll *self,
                  TroupeIo    *io,
                  guint        events)
{
  if (troupe_epoll_control (self, io, EPOLL_CTL_ADD, events) == 0)
    return;

  if (errno == EEXIST && troupe_epoll_control (self, io, EPOLL_CTL_MOD, events) == 0)
    return;

  if (errno == EPERM)
    troupe_epoll_set_always (self, io, TRUE);
  else
    troupe_io_announce (io, TROUPE_IO_IN | TROUPE_IO_OUT | TROUPE_IO_ERROR);
}

static void
troupe_epoll_watch (TroupeBackend *backend,
                    TroupeIo      *io,
                    guint          events)
{
  TroupeEpoll *self = (TroupeEpoll *) backend;
  guint before = io->armed;

  io->armed = events;

  if (io->backend_data != NULL)
    {
      if (events == 0)
        troupe_epoll_set_always (self, io, FALSE);
    }
  else if (before == 0)
    {
      troupe_epoll_add (self, io, events);
    }
  else if (events == 0)
    {
      /* Out of the set and not just silent: errors and hang-ups would be reported all the same. */
      troupe_epoll_control (self, io, EPOLL_CTL_DEL, 0);
    }
  else if (troupe_epoll_control (self, io, EPOLL_CTL_MOD, events) < 0)
    {
      /* The descriptor was closed, and opened again, behind our back. */
      troupe_epoll_add (self, io, events);
    }
}

static gboolean
troupe_epoll_attach (TroupeBackend  *backend,
                     TroupeIo       *io,
                     GError        **error)
{
  TroupeEpoll *self = (TroupeEpoll *) backend;

  if (io->fd < 0)
    {
      g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_DESCRIPTOR,
                   "%d is not a file descriptor", io->fd);
      return FALSE;
    }

  if ((guint) io->fd >= self->table->len)
    g_ptr_array_set_size (self->table, io->fd + 1);
  self->table->pdata[io->fd] = io;
  io->generation = ++self->generation;

  return TRUE;
}

static void
troupe_epoll_detach (TroupeBackend *backend,
                     TroupeIo      *io)
{
  TroupeEpoll *self = (TroupeEpoll *) backend;

  troupe_epoll_set_always (self, io, FALSE);

  /* Another one may have the number by now. */
  if (self->table->pdata[io->fd] != io)
    return;

  if (io->armed != 0)
    troupe_epoll_control (self, io, EPOLL_CTL_DEL, 0);
  io->armed = 0;
  self->table->pdata[io->fd] = NULL;
}

/* By its edges: each write is an event, and nothing need be read. */
static gboolean
add_wake (int poll_fd,
          int wake_fd)
{
  struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u64 = WAKE };

  return epoll_ctl (poll_fd, EPOLL_CTL_ADD, wake_fd, &event) == 0;
}

static gboolean
troupe_epoll_watch_wake (TroupeBackend *backend,
                         int            fd)
{
  TroupeEpoll *self = (TroupeEpoll *) backend;

  if (!add_wake (self->poll.fd, fd))
    return FALSE;

  self->wake_fd = fd;

  return TRUE;
}

static gboolean
troupe_epoll_is_ready (TroupeBackend *backend)
{
  return ((TroupeEpoll *) backend)->poll.revents != 0;
}

static void
troupe_epoll_rebuild (TroupeEpoll *self)
{
  int fd = epoll_create1 (EPOLL_CLOEXEC);
  guint i;

  /* Without a descriptor to do it with, or memory, try again at the next stray event. */
  if (fd < 0)
    return;
  if (self->wake_fd >= 0 && !add_wake (fd, self->wake_fd))
    {
      close (fd);
      return;
    }

  close (self->poll.fd);
  self->poll.fd = fd;

  for (i = 0; i < self->table->len; i++)
    {
      TroupeIo *io = self->table->pdata[i];

      if (io != NULL && io->armed != 0 && io->backend_data == NULL)
        troupe_epoll_add (self, io, io->armed);
    }
}

static void
troupe_epoll_collect (TroupeBackend *backend)
{
  TroupeEpoll *self = (TroupeEpoll *) backend;
  struct epoll_event events[MAX_EVENTS];
  gboolean stray = FALSE;
  int n = self->poll.revents != 0 ? epoll_wait (self->poll.fd, events, MAX_EVENTS, 0) : 0;
  int i;

  self->poll.revents = 0;

  for (i = 0; i < n; i++)
    {
      guint number = (guint32) events[i].data.u64;
      TroupeIo *io = number < self->table->len ? self->table->pdata[number] : NULL;

      if (events[i].data.u64 == WAKE)
        continue;
      if (io != NULL && io->generation == events[i].data.u64 >> 32)
        troupe_io_announce (io, from_epoll (events[i].events));
      else
        stray = TRUE;
    }

  for (i = 0; i < (int) self->always->len; i++)
    troupe_io_announce (self->always->pdata[i], TROUPE_IO_IN | TROUPE_IO_OUT);

  if (stray)
    troupe_epoll_rebuild (self);
}

const TroupeBackendClass troupe_epoll_backend = {
  .name = "epoll",
  .size = sizeof (TroupeEpoll),
  .is_usable = troupe_epoll_is_usable,
  .open = troupe_epoll_open,
  .close = troupe_epoll_close,
  .get_time = troupe_readiness_get_time,
  .attach = troupe_epoll_attach,
  .detach = troupe_epoll_detach,
  .watch = troupe_epoll_watch,
  .receive = troupe_readiness_receive,
  .send = troupe_readiness_send,
  .accept = troupe_readiness_accept,
  .connect = troupe_readiness_connect,
  .watch_wake = troupe_epoll_watch_wake,
  .is_ready = troupe_epoll_is_ready,
  .collect = troupe_epoll_collect,
};
