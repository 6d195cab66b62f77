/* troupe-backend.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <errno.h>

#include "troupe-backend-private.h"
#include "troupe-error.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-private.h"
#include "troupe-ref-wait-private.h"

/* What every backend's descriptors have in common, and the system calls of those that work by readiness. */

gboolean
troupe_io_open (TroupeIo      *self,
                TroupeRef     *owner,
                int            fd,
                TroupeIoFunc   turn,
                GError       **error)
{
  TroupeBackend *backend = owner->reactor->backend;

  *self = (TroupeIo) {
    .mail = { .kind = TROUPE_MAIL_IO },
    .reactor = owner->reactor,
    .owner = owner,
    .turn = turn,
    .fd = fd,
  };

  return backend->klass->attach (backend, self, error);
}

static void
troupe_io_arm (TroupeIo *self,
               guint     events)
{
  TroupeBackend *backend = self->reactor->backend;

  if (self->armed != events)
    backend->klass->watch (backend, self, events);
}

void
troupe_io_watch (TroupeIo *self,
                 guint     events)
{
  self->wanted = events;
  troupe_io_arm (self, events);
}

void
troupe_io_close (TroupeIo *self)
{
  TroupeBackend *backend = self->reactor->backend;

  if (self->mail.bits & TROUPE_IO_QUEUED)
    {
      troupe_ref_unqueue (self->owner, &self->mail);
      self->mail.bits &= ~TROUPE_IO_QUEUED;
    }

  self->wanted = 0;
  /* The reactor may have been closed before. */
  if (backend != NULL)
    backend->klass->detach (backend, self);
}

/* It lies in the mailbox or is held, as the mail of its owner, and would be reported for ever. */
static void
troupe_io_announce_held (TroupeIo *self,
                         guint     events)
{
  gboolean writable = (events & self->wanted & TROUPE_IO_OUT) != 0 && !(events & TROUPE_IO_ERROR);

  if (events == TROUPE_IO_SOON)
    return;

  troupe_io_arm (self, writable ? self->wanted & TROUPE_IO_OUT : 0);
  if (writable && troupe_ref_unhold_mail (self->owner, &self->mail))
    troupe_ref_enqueue (self->owner, &self->mail);
}

void
troupe_io_hold (TroupeIo *self)
{
  gboolean broken = (self->announced & TROUPE_IO_ERROR) != 0;
  guint out = broken ? 0 : self->announced & self->wanted & TROUPE_IO_OUT;

  self->announced &= ~out;
  troupe_io_arm (self, broken ? 0 : self->wanted & TROUPE_IO_OUT);

  /* The last thing to do: it may close it. */
  if (out != 0)
    self->turn (self, out);
}

void
troupe_io_announce (TroupeIo *self,
                    guint     events)
{
  self->announced |= events;

  if (!(self->mail.bits & TROUPE_IO_QUEUED))
    {
      self->mail.bits |= TROUPE_IO_QUEUED;
      troupe_ref_enqueue (self->owner, &self->mail);
    }
  else if (self->owner->control & TROUPE_CONTROL_HELD)
    {
      troupe_io_announce_held (self, events);
    }
  else if (events != TROUPE_IO_SOON && (self->owner->flags & TROUPE_REF_RUNNING))
    {
      /* Its owner sits in a nested main loop further up the stack and cannot take it: without this the descriptor would be
       * reported again at once, for ever. The turn arms it again. */
      troupe_io_arm (self, 0);
    }
}

void
troupe_io_run_turn (TroupeIo *self)
{
  guint events = self->announced & (self->wanted | TROUPE_IO_ERROR | TROUPE_IO_SOON);

  self->mail.bits &= ~TROUPE_IO_QUEUED;
  self->announced = 0;
  troupe_io_arm (self, self->wanted);

  if (events != 0)
    self->turn (self, events);
}

gssize
troupe_io_send (TroupeIo           *self,
                const struct iovec *vectors,
                guint               n_vectors)
{
  TroupeBackend *backend = self->reactor->backend;

  return backend->klass->send (backend, self, vectors, n_vectors);
}

int
troupe_io_accept (TroupeIo        *self,
                  struct sockaddr *address,
                  socklen_t       *length)
{
  TroupeBackend *backend = self->reactor->backend;

  return backend->klass->accept (backend, self, address, length);
}

int
troupe_io_connect (TroupeIo              *self,
                   const struct sockaddr *address,
                   socklen_t              length)
{
  TroupeBackend *backend = self->reactor->backend;

  return backend->klass->connect (backend, self, address, length);
}

gssize
troupe_io_receive (TroupeIo  *self,
                   guint8   **data)
{
  TroupeReactor *reactor = self->reactor;
  TroupeBackend *backend = reactor->backend;
  guint8 *buffer = g_steal_pointer (&reactor->spare_buffer);

  /* A nested pass finds the shared one in use. */
  if (buffer == NULL)
    buffer = g_malloc (TROUPE_BUFFER_SIZE);

  *data = buffer;

  return backend->klass->receive (backend, self, buffer, TROUPE_BUFFER_SIZE, data);
}

void
troupe_io_receive_done (TroupeIo *self,
                        guint8   *data)
{
  troupe_reactor_give_buffer (self->reactor, data);
}

gint64
troupe_readiness_get_time (TroupeBackend *self)
{
  return g_get_monotonic_time ();
}

gssize
troupe_readiness_receive (TroupeBackend  *self,
                          TroupeIo       *io,
                          gpointer        buffer,
                          gsize           size,
                          guint8        **data)
{
  gssize n;

  do
    n = recv (io->fd, buffer, size, 0);
  while (n < 0 && errno == EINTR);

  return n;
}

gssize
troupe_readiness_send (TroupeBackend      *self,
                       TroupeIo           *io,
                       const struct iovec *vectors,
                       guint               n_vectors)
{
  struct msghdr message = { .msg_iov = (struct iovec *) vectors, .msg_iovlen = n_vectors };
  gssize n;

  do
    n = n_vectors == 1 ? send (io->fd, vectors->iov_base, vectors->iov_len, MSG_NOSIGNAL)
                       : sendmsg (io->fd, &message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);

  return n;
}

int
troupe_readiness_accept (TroupeBackend   *self,
                         TroupeIo        *io,
                         struct sockaddr *address,
                         socklen_t       *length)
{
  int fd;

  do
    fd = accept4 (io->fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  while (fd < 0 && errno == EINTR);

  return fd;
}

int
troupe_readiness_connect (TroupeBackend         *self,
                          TroupeIo              *io,
                          const struct sockaddr *address,
                          socklen_t              length)
{
  int result = connect (io->fd, address, length);

  /* An interrupted connect goes on by itself. */
  if (result < 0 && errno == EINTR)
    errno = EINPROGRESS;

  return result;
}
