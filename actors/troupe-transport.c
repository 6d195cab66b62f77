/* troupe-transport.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "troupe-backend-private.h"
#include "troupe-chunk-private.h"
#include "troupe-client-private.h"
#include "troupe-error-private.h"
#include "troupe-reactor-private.h"
#include "troupe-timer-private.h"
#include "troupe-transport-private.h"

/**
 * TroupeTransport:
 *
 * One side of a connection: a stream of bytes in each direction.
 *
 * A transport belongs to its [class@Troupe.Protocol]; touch it in the protocol's own turns only. Others send the protocol a
 * message.
 *
 * What is written in a turn is queued and goes out in one piece when the actor's turns are over, or with the next large
 * write. What the peer does not take at once waits; when that is more than the high mark, 64 KiB unless changed, the
 * protocol's `write_paused` is called as a turn of its own, and `write_resumed` once it has fallen to the low mark, 16 KiB.
 * Nothing is refused in between: it is for the protocol to stop what makes it write, for instance by
 * [method@Troupe.Transport.pause_reading].
 *
 * A connection ends when either side wants it, and `connection_lost` is called then:
 *
 * - with %TROUPE_ERROR_CONNECTION_DONE after [method@Troupe.Transport.lose_connection], once all that was written before is sent,
 *   or when the peer has closed its side. What is still to be sent then is sent before, if the peer takes it: a client that
 *   sends a request and closes its half gets its answer.
 * - with %TROUPE_ERROR_CONNECTION_ABORTED after [method@Troupe.Transport.abort];
 * - with %TROUPE_ERROR_CONNECTION_LOST after anything else: a reset, a peer that did not take the rest within the close timeout, a
 *   failure of the protocol. The error has a cause where there is one.
 *
 * Since: 1.0
 */

#define DEFAULT_HIGH_MARK        65536
#define DEFAULT_LOW_MARK         16384
#define DEFAULT_CLOSE_TIMEOUT_MS 10000
#define LARGE_WRITE              4096  /* is sent at once, from the caller's memory */
#define N_VECTORS                64
#define MAX_DRAINS               16    /* receives of unread input before a close */

struct _TroupeTransport
{
  GObject           parent_instance;

  TroupeIo          io;
  TroupeResource    resource;
  TroupeFlush       flush;
  TroupeRef        *owner;           /* no reference: we end first; NULL before attach and after the end */
  TroupeProtocol   *protocol;        /* the same */
  TroupeChunkQueue  unsent;
  TroupeTimer      *close_timer;
  GError           *failure;         /* what connection_lost will be told by the next turn of ours */
  TroupeRef        *client;          /* is told of the loss, a reference; NULL for nobody, or once told */
  TroupeRef        *connection;      /* the same: what it knows it by */
  GSocketAddress   *peer_address;    /* made when asked for */
  GSocketAddress   *host_address;
  gsize             low_mark;
  gsize             high_mark;
  guint             close_timeout_ms;
  int               fd;              /* -1 once closed */
  TroupeAddress     peer;

  guint connected : 1;               /* from before connection_made until before connection_lost */
  guint paused : 1;                  /* by pause_reading */
  guint throttled : 1;               /* by a mailbox that is too full */
  guint resumed : 1;                 /* no more, but the protocol has not been told */
  guint disconnecting : 1;           /* nothing is read or accepted for writing: flush, then close */
  guint read_shut : 1;               /* the peer has closed its side */
  guint write_closing : 1;           /* half close: flush, then shut our side */
  guint write_shut : 1;
  guint blocked : 1;                 /* the kernel takes no more for now */
  guint told_paused : 1;             /* write_paused was called last, not write_resumed */
  guint half_close : 1;
  guint aborted : 1;
  guint held : 1;                    /* we hold the owner's end up */
};

G_DEFINE_FINAL_TYPE (TroupeTransport, troupe_transport, G_TYPE_OBJECT)

#define TRANSPORT_OF(pointer, member) ((TroupeTransport *) ((char *) (pointer) - G_STRUCT_OFFSET (TroupeTransport, member)))

static void troupe_transport_turn             (TroupeIo    *io,
                                               guint        events);
static void troupe_transport_close_timeout_cb (TroupeTimer *timer,
                                               gpointer     user_data);

/* Whether what is written now will be sent. */
static inline gboolean
troupe_transport_accepts (TroupeTransport *self)
{
  return self->connected && !self->disconnecting && !self->write_closing && !self->aborted && self->failure == NULL;
}

static inline gboolean
troupe_transport_reads (TroupeTransport *self)
{
  return self->connected && !self->paused && !self->throttled && !self->read_shut && !self->disconnecting && !self->aborted;
}

static inline void
troupe_transport_update_watch (TroupeTransport *self)
{
  guint wanted = 0;

  if (troupe_transport_reads (self))
    wanted |= TROUPE_IO_IN;
  if (self->blocked)
    wanted |= TROUPE_IO_OUT;

  if (wanted != self->io.wanted)
    troupe_io_watch (&self->io, wanted);
}

/* Has a turn of ours run when those that are queued have run. */
static inline void
troupe_transport_announce (TroupeTransport *self)
{
  troupe_io_announce (&self->io, TROUPE_IO_SOON);
}

/* Nothing is sent any more, and a later turn tells so. Takes ERROR. */
static void
troupe_transport_doom (TroupeTransport *self,
                       GError          *error)
{
  troupe_chunk_queue_clear (&self->unsent);
  self->blocked = FALSE;

  if (self->failure == NULL)
    self->failure = error;
  else
    g_error_free (error);

  troupe_transport_announce (self);
}

static GError *
troupe_transport_error (TroupeTransport *self,
                        int              fault)
{
  g_autofree char *peer = troupe_address_dup_text (&self->peer);
  g_autoptr (GError) cause = g_error_new_literal (G_IO_ERROR, g_io_error_from_errno (fault), g_strerror (fault));

  return troupe_error_new_with_cause (TROUPE_ERROR_CONNECTION_LOST, -1, cause, "Connection to %s lost: %s", peer,
                                      cause->message);
}

/*
 * Sends what is queued and, if all of that fits into one call, LENGTH bytes of DATA behind it. Returns how many bytes of
 * DATA were sent. Never calls the protocol: a fault is told by a later turn.
 */
static gsize
troupe_transport_send (TroupeTransport *self,
                       const guint8    *data,
                       gsize            length)
{
  struct iovec vectors[N_VECTORS];
  gsize queued;
  gsize total;
  gssize sent;
  guint n = troupe_chunk_queue_peek (&self->unsent, vectors, N_VECTORS - 1, &queued);

  total = queued;
  if (length > 0 && queued == self->unsent.length)
    {
      vectors[n].iov_base = (gpointer) data;
      vectors[n++].iov_len = length;
      total += length;
    }

  sent = troupe_io_send (&self->io, vectors, n);
  if (sent < 0)
    {
      if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        {
          troupe_transport_doom (self, troupe_transport_error (self, errno));
          return 0;
        }

      sent = 0;
    }

  /* Less than all means that the kernel's buffer is full: asking again would only say so. */
  self->blocked = (gsize) sent < total;
  troupe_chunk_queue_drop (&self->unsent, MIN ((gsize) sent, queued));

  return (gsize) sent > queued ? sent - queued : 0;
}

static void
troupe_transport_push (TroupeTransport *self)
{
  while (self->unsent.length > 0 && !self->blocked)
    troupe_transport_send (self, NULL, 0);

  troupe_transport_update_watch (self);
}

static void
troupe_transport_start_close_timer (TroupeTransport *self)
{
  if (self->close_timer == NULL && self->close_timeout_ms > 0)
    self->close_timer = troupe_timer_new (self->owner, self->close_timeout_ms, TRUE, troupe_transport_close_timeout_cb,
                                          self, NULL);
}

/* Whether a turn of ours is due for what the last push has come to. */
static gboolean
troupe_transport_is_due (TroupeTransport *self)
{
  if (self->unsent.length == 0)
    return self->disconnecting || (self->write_closing && !self->write_shut) || self->told_paused;

  return !self->disconnecting && self->blocked && !self->told_paused && self->unsent.length > self->high_mark;
}

static void
troupe_transport_flush (TroupeTransport *self)
{
  if (!self->connected || self->failure != NULL || self->aborted)
    return;

  troupe_transport_push (self);
  if (self->failure != NULL)
    return;

  if (troupe_transport_is_due (self))
    troupe_transport_announce (self);
  else if (self->disconnecting)
    troupe_transport_start_close_timer (self);
}

static void
troupe_transport_flush_cb (TroupeFlush *flush)
{
  troupe_transport_flush (TRANSPORT_OF (flush, flush));
}

/* Flushes at the end of the owner's slice; at once for code that is in no slice of it. */
static inline void
troupe_transport_flush_later (TroupeTransport *self)
{
  if (G_LIKELY (self->owner->reactor->running == self->owner))
    troupe_reactor_add_flush (self->owner->reactor, &self->flush);
  else
    troupe_transport_flush (self);
}

/* Takes what nobody will read: closing a socket with unread input resets the connection, and a reset may
 * overtake what we sent last. */
static void
troupe_transport_drain (TroupeTransport *self)
{
  gssize n = 1;

  for (int i = 0; i < MAX_DRAINS && n > 0; i++)
    {
      guint8 *data;

      n = troupe_io_receive (&self->io, &data);
      troupe_io_receive_done (&self->io, data);
    }
}

/* Out of the reactor and closed. No code of the actor runs. */
static void
troupe_transport_close (TroupeTransport *self)
{
  struct linger linger = { .l_onoff = 1 };

  self->connected = FALSE;
  troupe_timer_clear (&self->close_timer);
  troupe_reactor_remove_flush (self->owner->reactor, &self->flush);
  troupe_chunk_queue_clear (&self->unsent);
  troupe_ref_remove_resource (self->owner, &self->resource);
  troupe_reactor_count_connection (self->owner->reactor, -1);

  if (!self->aborted && !self->read_shut)
    troupe_transport_drain (self);
  troupe_io_close (&self->io);

  if (self->aborted)
    setsockopt (self->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  close (self->fd);
  self->fd = -1;
}

/* Once: the connection is lost. */
static void
troupe_transport_tell_client (TroupeTransport *self,
                              const GError    *reason)
{
  troupe_client_tell_lost (self->client, self->connection, reason);
  g_clear_pointer (&self->client, troupe_ref_unref);
  g_clear_pointer (&self->connection, troupe_ref_unref);
}

/* The connection's last turn. Takes REASON. */
static void
troupe_transport_end (TroupeTransport *self,
                      GError          *reason)
{
  g_autoptr (GError) error = reason;
  TroupeProtocol *protocol = g_steal_pointer (&self->protocol);
  TroupeProtocolClass *klass = TROUPE_PROTOCOL_GET_CLASS (protocol);
  TroupeRef *owner = self->owner;

  g_object_ref (self);
  troupe_transport_close (self);
  self->owner = NULL;
  g_clear_error (&self->failure);

  klass->connection_lost (protocol, error);
  if (self->client != NULL)
    troupe_transport_tell_client (self, error);

  if (self->held)
    troupe_ref_unhold (owner);
  else if (!klass->lives_on)
    troupe_ref_finish (owner);

  g_object_unref (self);
}

static void
troupe_transport_end_cleanly (TroupeTransport *self)
{
  /* The usual end: it costs each connection of a busy server a share, so its message is no more than this. */
  troupe_transport_end (self, g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_CONNECTION_DONE, "Connection closed"));
}

static void
troupe_transport_close_timeout_cb (TroupeTimer *timer,
                                   gpointer     user_data)
{
  TroupeTransport *self = user_data;
  g_autofree char *peer = troupe_address_dup_text (&self->peer);

  self->aborted = TRUE;
  troupe_transport_end (self, g_error_new (TROUPE_ERROR, TROUPE_ERROR_CONNECTION_LOST,
                                           "Connection to %s lost: it did not take the last %" G_GSIZE_FORMAT " bytes within %u ms",
                                           peer, self->unsent.length, self->close_timeout_ms));
}

static void
troupe_transport_fail_owner (TroupeTransport *self,
                             GError          *error)
{
  if (error == NULL)
    error = g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_FAILED, "A function of the protocol failed without an error");

  troupe_ref_fail (self->owner, error);
}

static void
troupe_transport_take_eof (TroupeTransport *self)
{
  self->read_shut = TRUE;
  if (self->failure != NULL)
    {
      troupe_transport_end (self, g_steal_pointer (&self->failure));
      return;
    }

  if (self->half_close)
    {
      troupe_transport_update_watch (self);
      TROUPE_PROTOCOL_GET_CLASS (self->protocol)->read_closed (self->protocol);
      /* Nothing more can happen: close by ourselves. */
      if (self->write_shut)
        troupe_transport_announce (self);
      return;
    }

  self->disconnecting = TRUE;
  troupe_transport_push (self);
  if (self->failure != NULL)
    return;

  if (self->unsent.length == 0)
    troupe_transport_end_cleanly (self);
  else
    troupe_transport_start_close_timer (self);
}

static void
troupe_transport_take_data (TroupeTransport *self,
                            const guint8    *data,
                            gsize            length)
{
  TroupeProtocolClass *klass = TROUPE_PROTOCOL_GET_CLASS (self->protocol);
  GError *error = NULL;

  if (!klass->data_received (self->protocol, data, length, &error))
    troupe_transport_fail_owner (self, error);
  else if (G_UNLIKELY (self->failure != NULL))
    troupe_transport_announce (self);
}

/* Receives once. */
static void
troupe_transport_read (TroupeTransport *self)
{
  guint8 *data;
  gssize n = troupe_io_receive (&self->io, &data);
  int fault = errno;

  if (G_LIKELY (n > 0))
    troupe_transport_take_data (self, data, n);

  troupe_io_receive_done (&self->io, data);

  if (G_LIKELY (n > 0))
    return;

  if (n == 0)
    troupe_transport_take_eof (self);
  else if (self->failure != NULL)
    troupe_transport_end (self, g_steal_pointer (&self->failure));
  else if (fault != EAGAIN && fault != EWOULDBLOCK && fault != EINTR)
    troupe_transport_end (self, troupe_transport_error (self, fault));
}

/* An error or a hang-up while we wait to send, and nothing is read that would tell which. */
static void
troupe_transport_take_hang_up (TroupeTransport *self)
{
  int fault = 0;
  socklen_t size = sizeof fault;

  if (getsockopt (self->fd, SOL_SOCKET, SO_ERROR, &fault, &size) < 0 || fault == 0)
    fault = ECONNRESET;

  troupe_transport_end (self, troupe_transport_error (self, fault));
}

static void
troupe_transport_shut_write (TroupeTransport *self)
{
  shutdown (self->fd, SHUT_WR);
  self->write_shut = TRUE;
  TROUPE_PROTOCOL_GET_CLASS (self->protocol)->write_closed (self->protocol);
}

static void
troupe_transport_tell_marks (TroupeTransport *self)
{
  if (!self->told_paused && self->blocked && self->unsent.length > self->high_mark)
    {
      self->told_paused = TRUE;
      TROUPE_PROTOCOL_GET_CLASS (self->protocol)->write_paused (self->protocol);
    }
  else if (self->told_paused && self->unsent.length <= self->low_mark)
    {
      self->told_paused = FALSE;
      TROUPE_PROTOCOL_GET_CLASS (self->protocol)->write_resumed (self->protocol);
    }
}

static void
troupe_transport_tell_resumed (TroupeTransport *self)
{
  self->resumed = FALSE;
  if (!self->throttled && !self->disconnecting)
    TROUPE_PROTOCOL_GET_CLASS (self->protocol)->read_resumed (self->protocol);
}

/* FALSE once the connection has ended or is about to. */
static gboolean
troupe_transport_settle (TroupeTransport *self)
{
  if (self->aborted)
    {
      troupe_transport_end (self, g_steal_pointer (&self->failure));
      return FALSE;
    }

  if (self->failure != NULL)
    {
      /* The sending side is broken. What the peer sent before is read first, if anybody reads. */
      if (troupe_transport_reads (self))
        troupe_transport_read (self);
      else
        troupe_transport_end (self, g_steal_pointer (&self->failure));
      return FALSE;
    }

  if (self->resumed)
    troupe_transport_tell_resumed (self);
  if (!self->disconnecting)
    troupe_transport_tell_marks (self);

  if (self->unsent.length == 0 && self->disconnecting)
    {
      troupe_transport_end_cleanly (self);
      return FALSE;
    }

  if (self->unsent.length == 0 && self->write_closing && !self->write_shut)
    troupe_transport_shut_write (self);

  if (self->write_shut && self->read_shut)
    {
      troupe_transport_end_cleanly (self);
      return FALSE;
    }

  return TRUE;
}

static void
troupe_transport_turn (TroupeIo *io,
                       guint     events)
{
  TroupeTransport *self = TRANSPORT_OF (io, io);

  if (G_UNLIKELY (self->blocked) && (events & (TROUPE_IO_OUT | TROUPE_IO_ERROR)))
    {
      self->blocked = FALSE;
      troupe_transport_push (self);
    }

  if (G_UNLIKELY (events != TROUPE_IO_IN) && !troupe_transport_settle (self))
    return;

  if (!(events & (TROUPE_IO_IN | TROUPE_IO_ERROR)))
    return;

  if (G_LIKELY (troupe_transport_reads (self)))
    troupe_transport_read (self);
  else if ((events & TROUPE_IO_ERROR) && self->blocked)
    troupe_transport_take_hang_up (self);
}

/* Begins to flush and close, and does it now as far as it can. */
static void
troupe_transport_begin_close (TroupeTransport *self)
{
  self->disconnecting = TRUE;
  troupe_transport_update_watch (self);
  troupe_transport_flush_later (self);
}

static GError *
troupe_transport_new_owner_error (TroupeTransport *self)
{
  g_autofree char *peer = troupe_address_dup_text (&self->peer);
  g_autoptr (GError) ended = troupe_ref_new_ended_error (self->owner);
  const GError *cause = troupe_error_get_cause (ended);

  if (cause == NULL)
    cause = ended;

  return troupe_error_new_with_cause (TROUPE_ERROR_CONNECTION_LOST, -1, cause, "Connection to %s lost: %s", peer,
                                      cause->message);
}

/* The owner begins to end. */
static void
troupe_transport_release (TroupeResource *resource,
                          TroupeRef      *owner,
                          TroupeEnd       end)
{
  TroupeTransport *self = TRANSPORT_OF (resource, resource);
  gboolean held = self->held;

  if (end == TROUPE_END_KILLED)
    {
      g_autoptr (GError) error = self->client != NULL ? troupe_transport_new_owner_error (self) : NULL;

      if (error != NULL)
        troupe_transport_tell_client (self, error);
      self->aborted = TRUE;
      troupe_transport_close (self);
      self->owner = NULL;
      self->protocol = NULL;
      g_clear_error (&self->failure);
      if (held)
        troupe_ref_unhold (owner);
      return;
    }

  if (!held)
    {
      self->held = TRUE;
      troupe_ref_hold (owner);
    }

  if (self->aborted || self->failure != NULL)
    return;

  if (end == TROUPE_END_FAILED)
    {
      self->disconnecting = TRUE;
      troupe_transport_doom (self, troupe_transport_new_owner_error (self));
    }
  else
    {
      troupe_transport_begin_close (self);
    }
}

/* A mailbox is over its high mark, or none is any more. No code of the protocol runs here: it may be in a turn of another actor. */
static void
troupe_transport_throttle (TroupeResource *resource,
                           gboolean        throttle)
{
  TroupeTransport *self = TRANSPORT_OF (resource, resource);

  self->throttled = throttle;
  if (!self->connected)
    return;

  troupe_transport_update_watch (self);
  if (!throttle)
    {
      self->resumed = TRUE;
      troupe_transport_announce (self);
    }
}

static void
troupe_transport_finalize (GObject *object)
{
  TroupeTransport *self = TROUPE_TRANSPORT (object);

  g_assert (self->owner == NULL);

  /* It was never attached. */
  if (self->fd >= 0)
    close (self->fd);
  if (self->client != NULL)
    {
      g_autoptr (GError) error = troupe_ref_new_ended_error (self->connection);

      troupe_transport_tell_client (self, error);
    }

  g_clear_object (&self->peer_address);
  g_clear_object (&self->host_address);

  G_OBJECT_CLASS (troupe_transport_parent_class)->finalize (object);
}

static void
troupe_transport_class_init (TroupeTransportClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = troupe_transport_finalize;
}

static void
troupe_transport_init (TroupeTransport *self)
{
  self->fd = -1;
  self->low_mark = DEFAULT_LOW_MARK;
  self->high_mark = DEFAULT_HIGH_MARK;
  self->close_timeout_ms = DEFAULT_CLOSE_TIMEOUT_MS;
}

TroupeTransport *
troupe_transport_new (int                  fd,
                      const TroupeAddress *peer)
{
  TroupeTransport *self = g_object_new (TROUPE_TYPE_TRANSPORT, NULL);

  self->fd = fd;
  self->peer = *peer;
  return self;
}

void
troupe_transport_set_client (TroupeTransport *self,
                             TroupeRef       *client,
                             TroupeRef       *connection)
{
  self->client = troupe_ref_ref (client);
  self->connection = troupe_ref_ref (connection);
}

void
troupe_transport_attach (TroupeTransport *self,
                         TroupeProtocol  *protocol,
                         TroupeRef       *owner)
{
  TroupeProtocolClass *klass = TROUPE_PROTOCOL_GET_CLASS (protocol);
  GError *error = NULL;

  if (!troupe_io_open (&self->io, owner, self->fd, troupe_transport_turn, &error))
    {
      troupe_ref_fail (owner, error);
      return;
    }

  self->owner = owner;
  self->protocol = protocol;
  self->connected = TRUE;
  self->flush.flush = troupe_transport_flush_cb;
  self->resource.release = troupe_transport_release;
  self->resource.throttle = troupe_transport_throttle;
  troupe_ref_add_resource (owner, &self->resource);
  troupe_reactor_count_connection (owner->reactor, 1);

  if (!klass->connection_made (protocol, &error))
    troupe_transport_fail_owner (self, error);
  else
    troupe_transport_update_watch (self);
}

/**
 * troupe_transport_write:
 * @self: a transport
 * @data: (array length=length) (nullable): bytes to send
 * @length: how many bytes
 *
 * Sends a copy of some bytes.
 *
 * It never blocks and never fails. What is written before the connection is made, after
 * [method@Troupe.Transport.lose_connection] or after the connection's end is ignored.
 *
 * Since: 1.0
 */
void
troupe_transport_write (TroupeTransport *self,
                        const guint8    *data,
                        gsize            length)
{
  gsize sent = 0;

  g_return_if_fail (TROUPE_IS_TRANSPORT (self));
  g_return_if_fail (data != NULL || length == 0);

  if (length == 0 || !troupe_transport_accepts (self))
    return;

  if (length >= LARGE_WRITE && !self->blocked)
    {
      sent = troupe_transport_send (self, data, length);
      troupe_transport_update_watch (self);
      if (sent == length || self->failure != NULL)
        return;
    }

  troupe_chunk_queue_append (&self->unsent, data + sent, length - sent);
  troupe_transport_flush_later (self);
}

/**
 * troupe_transport_write_bytes:
 * @self: a transport
 * @bytes: bytes to send
 *
 * Sends some bytes without copying them.
 *
 * A reference on @bytes is kept until they are sent, so one payload can be written to many connections. Otherwise it
 * is like [method@Troupe.Transport.write].
 *
 * Since: 1.0
 */
void
troupe_transport_write_bytes (TroupeTransport *self,
                              GBytes          *bytes)
{
  g_return_if_fail (TROUPE_IS_TRANSPORT (self));
  g_return_if_fail (bytes != NULL);

  if (g_bytes_get_size (bytes) == 0 || !troupe_transport_accepts (self))
    return;

  troupe_chunk_queue_append_bytes (&self->unsent, bytes);
  troupe_transport_flush_later (self);
}

/**
 * troupe_transport_write_sequence:
 * @self: a transport
 * @bytes: (array length=n_bytes): pieces to send, in this order
 * @n_bytes: how many pieces
 *
 * Sends several pieces as [method@Troupe.Transport.write_bytes] would, one after the other.
 *
 * Since: 1.0
 */
void
troupe_transport_write_sequence (TroupeTransport  *self,
                                 GBytes          **bytes,
                                 gsize             n_bytes)
{
  g_return_if_fail (TROUPE_IS_TRANSPORT (self));
  g_return_if_fail (bytes != NULL || n_bytes == 0);

  for (gsize i = 0; i < n_bytes; i++)
    troupe_transport_write_bytes (self, bytes[i]);
}

/**
 * troupe_transport_lose_connection:
 * @self: a transport
 *
 * Closes the connection once all that was written before is sent.
 *
 * Nothing is read and nothing accepted for writing from now on. If the peer does not take the rest within the close timeout the
 * connection is aborted. `connection_lost` is called in a later turn. Calling it again changes nothing.
 *
 * Input that has arrived unread is discarded, so that it does not turn the close into a reset; what
 * arrives after the close does.
 *
 * Since: 1.0
 */
void
troupe_transport_lose_connection (TroupeTransport *self)
{
  g_return_if_fail (TROUPE_IS_TRANSPORT (self));

  if (!self->connected || self->disconnecting || self->aborted || self->failure != NULL)
    return;

  troupe_transport_begin_close (self);
}

/**
 * troupe_transport_abort:
 * @self: a transport
 *
 * Drops the connection and what is unsent: the peer sees a reset.
 *
 * `connection_lost` is called in a later turn, with %TROUPE_ERROR_CONNECTION_ABORTED, and nothing else is before it.
 * Calling it again changes nothing.
 *
 * Since: 1.0
 */
void
troupe_transport_abort (TroupeTransport *self)
{
  g_autofree char *peer = NULL;

  g_return_if_fail (TROUPE_IS_TRANSPORT (self));

  if (!self->connected || self->aborted)
    return;

  peer = troupe_address_dup_text (&self->peer);
  self->aborted = TRUE;
  g_clear_error (&self->failure);
  troupe_transport_doom (self, g_error_new (TROUPE_ERROR, TROUPE_ERROR_CONNECTION_ABORTED, "Connection to %s aborted", peer));
  troupe_transport_update_watch (self);
}

/**
 * troupe_transport_lose_write_connection:
 * @self: a transport
 *
 * Closes our side of the connection once all that was written before is sent; the peer reads its end.
 *
 * Nothing is accepted for writing from now on, but what the peer sends is still received. The protocol's `write_closed` is called
 * in a later turn. When both sides are closed the connection ends by itself.
 *
 * Since: 1.0
 */
void
troupe_transport_lose_write_connection (TroupeTransport *self)
{
  g_return_if_fail (TROUPE_IS_TRANSPORT (self));

  if (!troupe_transport_accepts (self))
    return;

  self->write_closing = TRUE;
  troupe_transport_flush_later (self);
}

/**
 * troupe_transport_pause_reading:
 * @self: a transport
 *
 * Receives nothing until [method@Troupe.Transport.resume_reading].
 *
 * The peer is slowed down once the kernel's buffers are full. Called in `connection_made`, it keeps back all data. The end of
 * the connection is noticed when reading is resumed, or when writing finds out.
 *
 * Since: 1.0
 */
void
troupe_transport_pause_reading (TroupeTransport *self)
{
  g_return_if_fail (TROUPE_IS_TRANSPORT (self));

  self->paused = TRUE;
  if (self->connected)
    troupe_transport_update_watch (self);
}

/**
 * troupe_transport_resume_reading:
 * @self: a transport
 *
 * Receives again after [method@Troupe.Transport.pause_reading]. While the connection is closing it changes nothing.
 *
 * Since: 1.0
 */
void
troupe_transport_resume_reading (TroupeTransport *self)
{
  g_return_if_fail (TROUPE_IS_TRANSPORT (self));

  self->paused = FALSE;
  if (self->connected)
    troupe_transport_update_watch (self);
}

/**
 * troupe_transport_is_throttled:
 * @self: a transport
 *
 * Tells whether nothing is received because a mailbox is too full: that of the protocol, or of an actor that it sent to, whose class
 * has %TROUPE_OVERFLOW_BACKPRESSURE.
 *
 * A protocol that has received more than one message at a time looks here between them, keeps the rest when it is true, and goes on in its
 * `read_resumed`. Those of lines and of JSON do.
 *
 * Returns: %TRUE if it waits for room
 *
 * Since: 1.0
 */
gboolean
troupe_transport_is_throttled (TroupeTransport *self)
{
  g_return_val_if_fail (TROUPE_IS_TRANSPORT (self), FALSE);

  return self->throttled;
}

/**
 * troupe_transport_is_connected:
 * @self: a transport
 *
 * Tells whether the connection has been made and not yet lost.
 *
 * Returns: %FALSE in `connection_lost` and after it
 *
 * Since: 1.0
 */
gboolean
troupe_transport_is_connected (TroupeTransport *self)
{
  g_return_val_if_fail (TROUPE_IS_TRANSPORT (self), FALSE);

  return self->connected;
}

/**
 * troupe_transport_is_disconnecting:
 * @self: a transport
 *
 * Tells whether the connection is closing: what is written now would be ignored.
 *
 * Returns: %TRUE from [method@Troupe.Transport.lose_connection] or [method@Troupe.Transport.abort] on, or from the peer's close,
 *   until `connection_lost`
 *
 * Since: 1.0
 */
gboolean
troupe_transport_is_disconnecting (TroupeTransport *self)
{
  g_return_val_if_fail (TROUPE_IS_TRANSPORT (self), FALSE);

  return self->connected && (self->disconnecting || self->aborted || self->failure != NULL);
}

typedef int (*AddressFunc) (int              fd,
                            struct sockaddr *address,
                            socklen_t       *length);

static GSocketAddress *
ask_address (int         fd,
             AddressFunc ask)
{
  struct sockaddr_storage address;
  socklen_t length = sizeof address;

  if (fd < 0 || ask (fd, (struct sockaddr *) &address, &length) < 0)
    return NULL;

  return g_socket_address_new_from_native (&address, length);
}

/**
 * troupe_transport_get_peer:
 * @self: a transport
 *
 * Gets the address of the other side. It stays known after the connection's end.
 *
 * Returns: (transfer none) (nullable): the address, or %NULL if it is not known
 *
 * Since: 1.0
 */
GSocketAddress *
troupe_transport_get_peer (TroupeTransport *self)
{
  g_return_val_if_fail (TROUPE_IS_TRANSPORT (self), NULL);

  if (self->peer_address == NULL)
    self->peer_address = troupe_address_is_ip (&self->peer) ? troupe_address_to_gio (&self->peer)
                                                            : ask_address (self->fd, getpeername);

  return self->peer_address;
}

/**
 * troupe_transport_get_host:
 * @self: a transport
 *
 * Gets the address of our side.
 *
 * Returns: (transfer none) (nullable): the address, or %NULL if it is first asked for after the connection's end
 *
 * Since: 1.0
 */
GSocketAddress *
troupe_transport_get_host (TroupeTransport *self)
{
  g_return_val_if_fail (TROUPE_IS_TRANSPORT (self), NULL);

  if (self->host_address == NULL)
    self->host_address = ask_address (self->fd, getsockname);

  return self->host_address;
}

/**
 * troupe_transport_get_fd:
 * @self: a transport
 *
 * Gets the file descriptor, for socket options. Do not read, write or close it.
 *
 * Returns: the descriptor, or -1 after the connection's end
 *
 * Since: 1.0
 */
int
troupe_transport_get_fd (TroupeTransport *self)
{
  g_return_val_if_fail (TROUPE_IS_TRANSPORT (self), -1);

  return self->fd;
}

static gboolean
troupe_transport_get_option (TroupeTransport *self,
                             int              level,
                             int              option)
{
  int value = 0;
  socklen_t size = sizeof value;

  return self->fd >= 0 && getsockopt (self->fd, level, option, &value, &size) == 0 && value != 0;
}

static gboolean
troupe_transport_set_option (TroupeTransport *self,
                             int              level,
                             int              option,
                             const char      *what,
                             gboolean         on,
                             GError         **error)
{
  g_autofree char *peer = NULL;
  int value = on ? 1 : 0;

  if (self->fd >= 0 && setsockopt (self->fd, level, option, &value, sizeof value) == 0)
    return TRUE;

  peer = troupe_address_dup_text (&self->peer);
  if (self->fd < 0)
    g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_CONNECTION_LOST, "Connection to %s has ended", peer);
  else
    g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_FAILED, "Cannot set %s of the connection to %s: %s", what, peer,
                 g_strerror (errno));
  return FALSE;
}

/**
 * troupe_transport_get_no_delay:
 * @self: a transport
 *
 * Tells whether small pieces are sent without waiting for more.
 *
 * Returns: %TRUE if they are
 *
 * Since: 1.0
 */
gboolean
troupe_transport_get_no_delay (TroupeTransport *self)
{
  g_return_val_if_fail (TROUPE_IS_TRANSPORT (self), FALSE);

  return troupe_transport_get_option (self, IPPROTO_TCP, TCP_NODELAY);
}

/**
 * troupe_transport_set_no_delay:
 * @self: a transport
 * @no_delay: whether to send small pieces without waiting for more
 * @error: where to put the reason
 *
 * Sets whether small pieces are sent without waiting for more. They wait unless this is called.
 *
 * It fails with %TROUPE_ERROR_CONNECTION_LOST after the connection's end, and with %TROUPE_ERROR_FAILED on a transport that has no
 * such option.
 *
 * Returns: %TRUE if it worked
 *
 * Since: 1.0
 */
gboolean
troupe_transport_set_no_delay (TroupeTransport  *self,
                               gboolean          no_delay,
                               GError          **error)
{
  g_return_val_if_fail (TROUPE_IS_TRANSPORT (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return troupe_transport_set_option (self, IPPROTO_TCP, TCP_NODELAY, "no-delay", no_delay, error);
}

/**
 * troupe_transport_get_keep_alive:
 * @self: a transport
 *
 * Tells whether an idle connection is probed now and then.
 *
 * Returns: %TRUE if it is
 *
 * Since: 1.0
 */
gboolean
troupe_transport_get_keep_alive (TroupeTransport *self)
{
  g_return_val_if_fail (TROUPE_IS_TRANSPORT (self), FALSE);

  return troupe_transport_get_option (self, SOL_SOCKET, SO_KEEPALIVE);
}

/**
 * troupe_transport_set_keep_alive:
 * @self: a transport
 * @keep_alive: whether to probe an idle connection
 * @error: where to put the reason
 *
 * Sets whether an idle connection is probed now and then, so that a peer that vanished is noticed. It is not unless this is
 * called.
 *
 * It fails with %TROUPE_ERROR_CONNECTION_LOST after the connection's end.
 *
 * Returns: %TRUE if it worked
 *
 * Since: 1.0
 */
gboolean
troupe_transport_set_keep_alive (TroupeTransport  *self,
                                 gboolean          keep_alive,
                                 GError          **error)
{
  g_return_val_if_fail (TROUPE_IS_TRANSPORT (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return troupe_transport_set_option (self, SOL_SOCKET, SO_KEEPALIVE, "keep-alive", keep_alive, error);
}

/**
 * troupe_transport_set_water_marks:
 * @self: a transport
 * @low: the low mark, in bytes, not above @high
 * @high: the high mark, in bytes
 *
 * Sets when the protocol is told to pause and to resume writing.
 *
 * Its `write_paused` is called when more than @high bytes wait to be sent, `write_resumed` when no more than @low are left. The
 * marks are 16384 and 65536 unless set.
 *
 * Since: 1.0
 */
void
troupe_transport_set_water_marks (TroupeTransport *self,
                                  gsize            low,
                                  gsize            high)
{
  g_return_if_fail (TROUPE_IS_TRANSPORT (self));
  g_return_if_fail (low <= high);

  self->low_mark = low;
  self->high_mark = high;
  if (self->connected)
    troupe_transport_flush_later (self);
}

/**
 * troupe_transport_get_n_unsent:
 * @self: a transport
 *
 * Counts the bytes that were written and that the kernel has not yet taken.
 *
 * Returns: a number of bytes
 *
 * Since: 1.0
 */
gsize
troupe_transport_get_n_unsent (TroupeTransport *self)
{
  g_return_val_if_fail (TROUPE_IS_TRANSPORT (self), 0);

  return self->unsent.length;
}

/**
 * troupe_transport_set_close_timeout:
 * @self: a transport
 * @timeout_ms: milliseconds, or 0 to wait for ever
 *
 * Sets how long a closing connection may take to send the rest before it is aborted: 10 seconds unless set.
 *
 * It counts for closes that begin afterwards.
 *
 * Since: 1.0
 */
void
troupe_transport_set_close_timeout (TroupeTransport *self,
                                    guint            timeout_ms)
{
  g_return_if_fail (TROUPE_IS_TRANSPORT (self));

  self->close_timeout_ms = timeout_ms;
}

/**
 * troupe_transport_set_half_close:
 * @self: a transport
 * @half_close: whether our side stays open when the peer closes its own
 *
 * Sets what the peer's close does. Unless set, it closes the connection.
 *
 * With half close, the protocol's `read_closed` is called instead, and what is written is still sent until
 * [method@Troupe.Transport.lose_connection] or [method@Troupe.Transport.lose_write_connection].
 *
 * Since: 1.0
 */
void
troupe_transport_set_half_close (TroupeTransport *self,
                                 gboolean         half_close)
{
  g_return_if_fail (TROUPE_IS_TRANSPORT (self));

  self->half_close = half_close;
}
