/* troupe-backend-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include "troupe-mail-private.h"

G_BEGIN_DECLS

typedef struct _TroupeBackend      TroupeBackend;
typedef struct _TroupeBackendClass TroupeBackendClass;
typedef struct _TroupeIo           TroupeIo;

/* What can be wanted of a descriptor, and what is announced. */
enum
{
  TROUPE_IO_IN    = 1 << 0,          /* bytes, the end of them, or a connection to accept has arrived */
  TROUPE_IO_OUT   = 1 << 1,          /* send () would take bytes; a connect () has its outcome */
  TROUPE_IO_ERROR = 1 << 2,          /* announced unasked: error or hang-up; a receive () or send () tells which */
};

/* Announced by the owner to itself: something of its own waits for a turn of the io. */
#define TROUPE_IO_SOON (1 << 7)

typedef void (*TroupeIoFunc) (TroupeIo *io,
                              guint     events);

/*
 * One descriptor and the node that its news travel by. Embed it, troupe_io_open () it, and TURN is run as a
 * turn of OWNER with what was announced. The turn of an ending actor still runs (transports flush); the turn of an
 * ended one does not: close it before.
 *
 * All of it belongs to the owner's thread.
 */
struct _TroupeIo
{
  TroupeMail     mail;               /* bits: see below */
  TroupeReactor *reactor;
  TroupeRef     *owner;              /* no reference: it outlives the io */
  TroupeIoFunc   turn;
  int            fd;
  guint8         wanted;             /* TROUPE_IO_IN, TROUPE_IO_OUT */
  guint8         armed;              /* what the backend watches for now */
  guint8         announced;          /* what the queued turn will be told */
  guint8         reserved;
  guint          generation;         /* the backend's */
  gpointer       backend_data;       /* the backend's */
};

/* mail.bits of an io */
#define TROUPE_IO_QUEUED   1         /* in the owner's mailbox */
#define TROUPE_IO_PROMISED 2         /* what a promise waits for: has its turn while a fiber of its owner waits */

/*
 * Waits for the outside world. The shape is that of completion: one says what one is waiting for (watch), the backend announces
 * that something came (troupe_io_announce ()), and the turn takes it (receive, accept, send). A backend over readiness does
 * the system call when the turn takes; one over completion has done it before and hands out what it got.
 *
 * receive, accept and send never block. They return -1 with errno, EAGAIN for “not now: wait for an announcement”.
 */
struct _TroupeBackendClass
{
  const char *name;

  gboolean (*is_usable)    (GError          **error);
  gsize      size;                                                 /* of the backend's structure */
  gboolean (*open)         (TroupeBackend    *self,
                            GError          **error);
  void     (*close)        (TroupeBackend    *self);

  gint64   (*get_time)     (TroupeBackend    *self);               /* µs, monotonic */

  gboolean (*attach)       (TroupeBackend    *self,
                            TroupeIo         *io,
                            GError          **error);
  void     (*detach)       (TroupeBackend    *self,
                            TroupeIo         *io);                  /* nothing is announced afterwards */
  void     (*watch)        (TroupeBackend    *self,
                            TroupeIo         *io,
                            guint             events);

  gssize   (*receive)      (TroupeBackend    *self,
                            TroupeIo         *io,
                            gpointer          buffer,              /* the backend may point *DATA elsewhere, until the next call */
                            gsize             size,
                            guint8          **data);
  gssize   (*send)         (TroupeBackend    *self,
                            TroupeIo         *io,
                            const struct iovec *vectors,
                            guint             n_vectors);
  int      (*accept)       (TroupeBackend    *self,
                            TroupeIo         *io,
                            struct sockaddr  *address,
                            socklen_t        *length);
  int      (*connect)      (TroupeBackend    *self,
                            TroupeIo         *io,
                            const struct sockaddr *address,
                            socklen_t         length);             /* 0, or -1 with EINPROGRESS: OUT is announced, SO_ERROR tells */

  /* The source */
  gboolean (*watch_wake)   (TroupeBackend    *self,
                            int               fd);                  /* the reactor's eventfd; FALSE, or NULL: the source is to poll it */
  gboolean (*is_ready)     (TroupeBackend    *self);               /* after the context has polled */
  void     (*collect)      (TroupeBackend    *self);               /* announces what has come; does not wait */
};

struct _TroupeBackend
{
  const TroupeBackendClass *klass;
  TroupeReactor            *reactor;
  GSource                  *source;
  guint                     n_always_ready;   /* descriptors that need a collect in every pass */
};

extern const TroupeBackendClass troupe_epoll_backend;
extern const TroupeBackendClass troupe_poll_backend;

/* Used by both readiness backends. */
gint64   troupe_readiness_get_time (TroupeBackend   *self);
gssize   troupe_readiness_receive  (TroupeBackend   *self,
                                    TroupeIo        *io,
                                    gpointer         buffer,
                                    gsize            size,
                                    guint8         **data);
gssize   troupe_readiness_send     (TroupeBackend   *self,
                                    TroupeIo        *io,
                                    const struct iovec *vectors,
                                    guint            n_vectors);
int      troupe_readiness_accept   (TroupeBackend   *self,
                                    TroupeIo        *io,
                                    struct sockaddr *address,
                                    socklen_t       *length);
int      troupe_readiness_connect  (TroupeBackend   *self,
                                    TroupeIo        *io,
                                    const struct sockaddr *address,
                                    socklen_t        length);

/* For those who own an io. FD stays theirs: close it after troupe_io_close (). */
gboolean troupe_io_open            (TroupeIo        *self,
                                    TroupeRef       *owner,
                                    int              fd,
                                    TroupeIoFunc     turn,
                                    GError         **error);
void     troupe_io_watch           (TroupeIo        *self,
                                    guint            events);
/* Nothing runs afterwards. A node still in the mailbox is unlinked, so the memory may be freed at once. */
void     troupe_io_close           (TroupeIo        *self);
gssize   troupe_io_send            (TroupeIo        *self,
                                    const struct iovec *vectors,
                                    guint            n_vectors);
int      troupe_io_accept          (TroupeIo        *self,
                                    struct sockaddr *address,
                                    socklen_t       *length);
int      troupe_io_connect         (TroupeIo        *self,
                                    const struct sockaddr *address,
                                    socklen_t        length);
/* Receives into the reactor's shared buffer, 64 KiB, or a nested pass's own. *DATA is valid until
 * troupe_io_receive_done (), which must follow every call, whatever it returned. */
gssize   troupe_io_receive         (TroupeIo        *self,
                                    guint8         **data);
void     troupe_io_receive_done    (TroupeIo        *self,
                                    guint8          *data);

/* For backends. */
/* Its turn has come while its owner's mail is held: what may come in waits, what may go out goes. */
void     troupe_io_hold            (TroupeIo        *self);
void     troupe_io_announce        (TroupeIo        *self,
                                    guint            events);
/* For the mailbox. */
void     troupe_io_run_turn        (TroupeIo        *self);

G_END_DECLS
