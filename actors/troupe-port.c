/* troupe-port.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <glib-unix.h>

#include "troupe-endpoint-private.h"
#include "troupe-error.h"
#include "troupe-factory-private.h"
#include "troupe-listener-private.h"
#include "troupe-port.h"
#include "troupe-promise-private.h"
#include "troupe-reactor-private.h"

/**
 * TroupePort:
 *
 * An open endpoint where connections are accepted for a factory.
 *
 * It is open from [func@Troupe.listen] until [method@Troupe.Port.stop] or the end of the factory, whether anybody
 * keeps a reference or not. Connections that were accepted do not depend on it. Use it on the thread of its factory's reactor.
 *
 * Connections are accepted on the factory's reactor, and with `reactors=NUMBER` in the endpoint on others, too. In either case
 * `build_protocol` is a turn of the factory, and `connection_made` the first turn of the connection, wherever that lives.
 *
 * When the process is out of file descriptors, waiting connections are accepted and closed at once with a descriptor that
 * is kept in reserve, so that clients are not left hanging; that is logged. Other shortages are waited out.
 *
 * Since: 1.0
 */

struct _TroupePort
{
  GObject         parent_instance;

  TroupeResource  resource;
  TroupeRef      *factory;
  GSocketAddress *address;
  char           *endpoint;
  GPtrArray      *listeners;         /* TroupeListener: one, or one for each reactor that accepts */
  GPtrArray      *resolvers;         /* TroupeResolver: who waits for the stop */
  guint           n_closing;         /* sockets that are other threads' to close; each holds the factory's end up */
  gboolean        listening;         /* it holds itself */
  gboolean        begun;             /* counted among the factory's users */
  gboolean        stopped;           /* stop has nothing left to wait for */
};

G_DEFINE_FINAL_TYPE (TroupePort, troupe_port, G_TYPE_OBJECT)

#define PORT_OF(pointer, member) ((TroupePort *) ((char *) (pointer) - G_STRUCT_OFFSET (TroupePort, member)))

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

/* It is not the factory's any more. */
static void
troupe_port_leave_factory (TroupePort *self)
{
  if (self->begun && self->factory->actor != NULL && !(self->factory->flags & TROUPE_REF_KILLED))
    troupe_factory_end ((TroupeFactory *) self->factory->actor);

  self->begun = FALSE;
}

/* The rest of a stop, in a turn of the factory if it still has any. */
static void
troupe_port_finish_stop (TroupePort *self)
{
  g_autoptr (GPtrArray) resolvers = NULL;

  if (self->stopped || self->n_closing > 0)
    return;

  self->stopped = TRUE;
  resolvers = g_steal_pointer (&self->resolvers);
  troupe_ref_remove_resource (self->factory, &self->resource);
  troupe_port_leave_factory (self);
  for (guint i = 0; resolvers != NULL && i < resolvers->len; i++)
    troupe_resolver_resolve (g_ptr_array_index (resolvers, i), NULL);
}

static void
troupe_port_finish_stop_cb (TroupeRef *factory,
                            gpointer   self)
{
  troupe_port_finish_stop (self);
}

static void
troupe_port_listener_closed (gpointer data)
{
  TroupePort *self = data;

  self->n_closing--;
  if (self->n_closing == 0)
    troupe_ref_call (self->factory, troupe_port_finish_stop_cb, troupe_port_finish_stop_cb, g_object_ref (self), g_object_unref);
  troupe_ref_unhold (self->factory);
}

/* Accepts no more. */
static void
troupe_port_close (TroupePort *self)
{
  if (!self->listening)
    return;

  self->listening = FALSE;
  for (guint i = 0; i < self->listeners->len; i++)
    {
      if (troupe_listener_close (g_ptr_array_index (self->listeners, i), troupe_port_listener_closed))
        continue;
      self->n_closing++;
      troupe_ref_hold (self->factory);
    }

  g_object_unref (self);
}

static void
troupe_port_release (TroupeResource *resource,
                     TroupeRef      *factory,
                     TroupeEnd       end)
{
  g_autoptr (TroupePort) self = g_object_ref (PORT_OF (resource, resource));

  troupe_port_leave_factory (self);

  /* A factory that is restarted goes on listening: meanwhile connections wait in the kernel. */
  if (factory->state == TROUPE_REF_RESTARTING)
    {
      if (self->listening)
        g_ptr_array_foreach (self->listeners, (GFunc) troupe_listener_pause, NULL);
      return;
    }

  troupe_port_close (self);
  troupe_ref_remove_resource (factory, resource);
  troupe_port_finish_stop (self);
}

static void
troupe_port_reborn (TroupeResource *resource,
                    TroupeRef      *factory)
{
  g_autoptr (TroupePort) self = g_object_ref (PORT_OF (resource, resource));

  if (!self->listening)
    return;

  self->begun = TRUE;
  troupe_factory_begin ((TroupeFactory *) factory->actor);
  if (self->listening)
    g_ptr_array_foreach (self->listeners, (GFunc) troupe_listener_resume, NULL);
}

static gboolean
troupe_port_open_listeners (TroupePort  *self,
                            GError     **error)
{
  for (guint i = 0; i < self->listeners->len; i++)
    if (!troupe_listener_open (g_ptr_array_index (self->listeners, i), error))
      return FALSE;

  return TRUE;
}

static void
troupe_port_begin_cb (TroupeRef *ref,
                      gpointer   data)
{
  TroupePort *self = data;
  TroupeFactory *factory = troupe_factory_at (ref);
  g_autoptr (GError) error = NULL;

  if (!self->listening)
    return;

  if (factory == NULL)
    {
      troupe_port_close (self);
      return;
    }

  self->begun = TRUE;
  troupe_ref_add_resource (ref, &self->resource);
  troupe_factory_begin (factory);
  if (!self->listening || troupe_port_open_listeners (self, &error))
    return;

  g_warning ("Cannot accept on %s: %s", self->endpoint, error->message);
  troupe_port_close (self);
  troupe_port_finish_stop (self);
}

static void
troupe_port_begin_refused_cb (TroupeRef *ref,
                              gpointer   data)
{
  troupe_port_close (data);
}

static void
troupe_port_finalize (GObject *object)
{
  TroupePort *self = TROUPE_PORT (object);

  g_assert (!self->listening);

  g_clear_pointer (&self->listeners, g_ptr_array_unref);
  g_clear_pointer (&self->factory, troupe_ref_unref);
  g_clear_object (&self->address);
  g_free (self->endpoint);

  G_OBJECT_CLASS (troupe_port_parent_class)->finalize (object);
}

static void
troupe_port_class_init (TroupePortClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = troupe_port_finalize;
}

static void
troupe_port_init (TroupePort *self)
{
  self->listeners = g_ptr_array_new_with_free_func (troupe_listener_free);
}

/* A port without a listener. ADDRESS is that of its sockets. */
static TroupePort *
troupe_port_new (const TroupeAddress *address,
                 TroupeRef           *factory)
{
  TroupePort *self = g_object_new (TROUPE_TYPE_PORT, NULL);

  self->factory = troupe_ref_ref (factory);
  self->address = troupe_address_to_gio (address);
  self->endpoint = troupe_endpoint_string_to_reach (address);
  self->resource.release = troupe_port_release;
  self->resource.reborn = troupe_port_reborn;
  return self;
}

/* Over the listening socket FD, which is taken. */
static void
troupe_port_add_listener (TroupePort    *self,
                          int            fd,
                          TroupeReactor *reactor,
                          gboolean       stays)
{
  g_ptr_array_add (self->listeners, troupe_listener_new (self, self->endpoint, fd, self->factory, reactor, stays));
}

/* It has its listeners. */
static TroupePort *
troupe_port_begin (TroupePort *self)
{
  self->listening = TRUE;
  g_object_ref (self);
  troupe_ref_call (self->factory, troupe_port_begin_cb, troupe_port_begin_refused_cb, g_object_ref (self), g_object_unref);
  return self;
}

/* Over FD, which is taken, on the factory's reactor. */
static TroupePort *
troupe_port_new_alone (int        fd,
                       TroupeRef *factory)
{
  TroupeAddress address = { .any.sa_family = AF_UNSPEC };
  socklen_t length = sizeof address;
  TroupePort *self;

  getsockname (fd, &address.any, &length);
  self = troupe_port_new (&address, factory);
  troupe_port_add_listener (self, fd, factory->reactor, FALSE);
  return troupe_port_begin (self);
}

static gboolean
set_flag (int level,
          int option,
          int fd)
{
  int on = 1;

  return setsockopt (fd, level, option, &on, sizeof on) == 0;
}

static int
open_socket (const TroupeAddress *address,
             gboolean             shares)
{
  int fd = socket (address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  if (fd < 0)
    return -1;

  if (set_flag (SOL_SOCKET, SO_REUSEADDR, fd) &&
      (address->any.sa_family != AF_INET6 || set_flag (IPPROTO_IPV6, IPV6_V6ONLY, fd)) &&
      (!shares || set_flag (SOL_SOCKET, SO_REUSEPORT, fd)) &&
      bind (fd, &address->any, troupe_address_get_length (address)) == 0)
    return fd;

  {
    int fault = errno;

    close (fd);
    errno = fault;
  }
  return -1;
}

/*
 * N sockets at ADDRESS, whose port becomes the real one. FALSE with errno set; what was opened is in FDS in any case, and -1.
 *
 * Only who is there already can let others share a port. The first one is bound as if it were alone, so that a port which another
 * process has is in use, whether that would share it or not.
 */
static gboolean
open_sockets (TroupeAddress *address,
              int            backlog,
              int           *fds,
              guint          n)
{
  socklen_t length = sizeof *address;
  guint i;

  for (i = 0; i < n; i++)
    fds[i] = -1;

  for (i = 0; i < n; i++)
    {
      fds[i] = open_socket (address, i > 0);
      if (fds[i] < 0)
        return FALSE;
      if (i == 0 && (getsockname (fds[0], &address->any, &length) < 0 || (n > 1 && !set_flag (SOL_SOCKET, SO_REUSEPORT, fds[0]))))
        return FALSE;
    }

  for (i = 0; i < n; i++)
    if (listen (fds[i], backlog) < 0)
      return FALSE;

  return TRUE;
}

static gboolean
check_reactors (TroupeEndpoint  *endpoint,
                TroupeSystem    *system,
                GError         **error)
{
  guint n_reactors = troupe_system_get_n_reactors (system);
  g_autofree char *where = NULL;

  if (endpoint->n_reactors <= n_reactors)
    return TRUE;

  where = troupe_endpoint_dup_text (endpoint);
  g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_CANNOT_LISTEN, "Cannot listen on %s with reactors=%u: the system has %u", where,
               endpoint->n_reactors, n_reactors);
  return FALSE;
}

/* Each socket gets a reactor, the factory's first, and then those after it, all the way round. */
static TroupePort *
listen_shared (const int           *fds,
               guint                n,
               const TroupeAddress *address,
               TroupeRef           *factory)
{
  TroupeSystem *system = troupe_ref_get_system (factory);
  guint n_reactors = troupe_system_get_n_reactors (system);
  TroupePort *self = troupe_port_new (address, factory);
  guint own = 0;
  guint i;

  while (troupe_system_get_nth_reactor (system, own) != factory->reactor)
    own++;
  for (i = 0; i < n; i++)
    troupe_port_add_listener (self, fds[i], troupe_system_get_nth_reactor (system, (own + i) % n_reactors), TRUE);

  return troupe_port_begin (self);
}

static TroupePort *
listen_tcp (TroupeEndpoint  *endpoint,
            TroupeRef       *factory,
            GError         **error)
{
  const char *host = endpoint->interface;
  guint n = MAX (endpoint->n_reactors, 1);
  g_autofree int *fds = g_new (int, n);
  g_autofree char *where = NULL;
  TroupeAddress address;
  int fault;

  if (!check_reactors (endpoint, troupe_ref_get_system (factory), error))
    return NULL;

  if (host == NULL)
    host = endpoint->family == AF_INET6 ? "::" : "0.0.0.0";

  if (!troupe_address_parse (&address, endpoint->family, host, endpoint->port))
    g_assert_not_reached ();

  if (open_sockets (&address, endpoint->backlog, fds, n))
    return endpoint->n_reactors > 0 ? listen_shared (fds, n, &address, factory) : troupe_port_new_alone (fds[0], factory);

  fault = errno;
  for (guint i = 0; i < n; i++)
    close_fd (&fds[i]);
  where = troupe_endpoint_dup_text (endpoint);
  g_propagate_error (error, troupe_address_new_error (TROUPE_ERROR_CANNOT_LISTEN, "Cannot listen on", where, fault));
  return NULL;
}

static int
get_option (int fd,
            int option)
{
  int value = -1;
  socklen_t size = sizeof value;

  return getsockopt (fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

/* Why FD cannot be listened on, or NULL. */
static const char *
find_fault (int fd)
{
  TroupeAddress address;
  socklen_t length = sizeof address;

  if (getsockname (fd, &address.any, &length) < 0)
    return g_strerror (errno);
  if (!troupe_address_is_ip (&address))
    return "it is no IPv4 or IPv6 socket";
  if (get_option (fd, SO_TYPE) != SOCK_STREAM)
    return "it is no stream socket";
  if (get_option (fd, SO_ACCEPTCONN) != 1)
    return "it is no listening socket";

  return NULL;
}

static TroupePort *
listen_descriptor (int         fd,
                   TroupeRef  *factory,
                   GError    **error)
{
  const char *fault = find_fault (fd);
  int copy = fault == NULL ? fcntl (fd, F_DUPFD_CLOEXEC, 3) : -1;

  if (fault != NULL)
    {
      g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_CANNOT_LISTEN, "Cannot listen on descriptor %d: %s", fd, fault);
      return NULL;
    }

  if (copy < 0 || !g_unix_set_fd_nonblocking (copy, TRUE, NULL))
    {
      g_autofree char *where = g_strdup_printf ("descriptor %d", fd);

      g_propagate_error (error, troupe_address_new_error (TROUPE_ERROR_CANNOT_LISTEN, "Cannot listen on", where, errno));
      close_fd (&copy);
      return NULL;
    }

  return troupe_port_new_alone (copy, factory);
}

static TroupePort *
listen_endpoint (TroupeEndpoint  *endpoint,
                 TroupeRef       *factory,
                 GError         **error)
{
  if (endpoint->kind == TROUPE_ENDPOINT_FD)
    return listen_descriptor (endpoint->fd, factory, error);

  return listen_tcp (endpoint, factory, error);
}

/**
 * troupe_listen:
 * @system: the system of @factory
 * @endpoint: (nullable): where to listen, such as `tcp:8025:interface=127.0.0.1`; see [struct@Troupe.Endpoint]
 * @factory: the address of a [class@Troupe.Factory]
 * @error: where to put the reason
 *
 * Listens for connections, for which @factory builds protocols.
 *
 * The endpoint is open when this returns; connections are accepted as soon as the factory has its turn. Call it on the thread of
 * @system's reactor; elsewhere it fails with %TROUPE_ERROR_WRONG_THREAD and [func@Troupe.listen_later] is what to call. It also fails
 * with %TROUPE_ERROR_BAD_ENDPOINT, %TROUPE_ERROR_CANNOT_LISTEN, whose message names the address, %TROUPE_ERROR_NO_DESCRIPTORS, and
 * %TROUPE_ERROR_ACTOR_STOPPED if the factory has ended.
 *
 * Returns: (transfer full): the open port, or %NULL with @error set
 *
 * Since: 1.0
 */
TroupePort *
troupe_listen (TroupeSystem  *system,
               const char    *endpoint,
               TroupeRef     *factory,
               GError       **error)
{
  g_autoptr (TroupeEndpoint) parsed = NULL;

  g_return_val_if_fail (TROUPE_IS_SYSTEM (system), NULL);
  g_return_val_if_fail (factory != NULL && g_type_is_a (factory->type, TROUPE_TYPE_FACTORY), NULL);
  g_return_val_if_fail (troupe_ref_get_system (factory) == system, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  parsed = troupe_endpoint_parse_server (endpoint, error);
  if (parsed == NULL || !troupe_factory_check (factory, ": use troupe_listen_later ()", error))
    return NULL;

  return listen_endpoint (parsed, factory, error);
}

typedef struct
{
  TroupeEndpoint *endpoint;
  TroupeResolver *resolver;
} Later;

static void
later_free (gpointer data)
{
  Later *self = data;

  troupe_endpoint_unref (self->endpoint);
  troupe_resolver_unref (self->resolver);
  g_free (self);
}

static void
later_refused_cb (TroupeRef *factory,
                  gpointer   data)
{
  Later *self = data;

  troupe_resolver_take_error (self->resolver, troupe_ref_new_ended_error (factory));
}

static void
later_cb (TroupeRef *factory,
          gpointer   data)
{
  Later *self = data;
  g_autoptr (TroupePort) port = NULL;
  GError *error = NULL;

  if (troupe_factory_at (factory) == NULL)
    {
      later_refused_cb (factory, data);
      return;
    }

  port = listen_endpoint (self->endpoint, factory, &error);
  if (port != NULL)
    troupe_resolver_resolve_object (self->resolver, port, NULL);
  else
    troupe_resolver_take_error (self->resolver, error);
}

/**
 * troupe_listen_later:
 * @system: the system of @factory
 * @endpoint: (nullable): where to listen, such as `tcp:8025:interface=127.0.0.1`; see [struct@Troupe.Endpoint]
 * @factory: the address of a [class@Troupe.Factory]
 *
 * Listens for connections as [func@Troupe.listen] does, but from any thread: in the next turn of @factory.
 *
 * Returns: (transfer full): a promise of the [class@Troupe.Port]; it is rejected with the errors of [func@Troupe.listen]. Use the port on the thread
 *   of @system's reactor
 *
 * Since: 1.0
 */
TroupePromise *
troupe_listen_later (TroupeSystem *system,
                     const char   *endpoint,
                     TroupeRef    *factory)
{
  g_autoptr (TroupeEndpoint) parsed = NULL;
  TroupeResolver *resolver;
  TroupePromise *promise;
  GError *error = NULL;
  Later *later;

  g_return_val_if_fail (TROUPE_IS_SYSTEM (system), NULL);
  g_return_val_if_fail (factory != NULL && g_type_is_a (factory->type, TROUPE_TYPE_FACTORY), NULL);
  g_return_val_if_fail (troupe_ref_get_system (factory) == system, NULL);

  parsed = troupe_endpoint_parse_server (endpoint, &error);
  if (parsed == NULL)
    return troupe_promise_new_rejected_at (troupe_promise_get_home_now (), error);

  promise = troupe_promise_new (&resolver);
  later = g_new (Later, 1);
  later->endpoint = g_steal_pointer (&parsed);
  later->resolver = resolver;
  troupe_ref_call (factory, later_cb, later_refused_cb, later, later_free);
  return promise;
}

/**
 * troupe_listen_fd:
 * @system: the system of @factory
 * @fd: a listening TCP socket
 * @factory: the address of a [class@Troupe.Factory]
 * @error: where to put the reason
 *
 * Listens on a socket that was opened elsewhere.
 *
 * The descriptor is duplicated, so the caller keeps @fd and may close it; the socket is made non-blocking. Otherwise it is like
 * [func@Troupe.listen]: call it on the thread of @system's reactor; it fails with %TROUPE_ERROR_CANNOT_LISTEN if @fd is no listening
 * stream socket over IPv4 or IPv6.
 *
 * Returns: (transfer full): the open port, or %NULL with @error set
 *
 * Since: 1.0
 */
TroupePort *
troupe_listen_fd (TroupeSystem  *system,
                  int            fd,
                  TroupeRef     *factory,
                  GError       **error)
{
  g_return_val_if_fail (TROUPE_IS_SYSTEM (system), NULL);
  g_return_val_if_fail (fd >= 0, NULL);
  g_return_val_if_fail (factory != NULL && g_type_is_a (factory->type, TROUPE_TYPE_FACTORY), NULL);
  g_return_val_if_fail (troupe_ref_get_system (factory) == system, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!troupe_factory_check (factory, "", error))
    return NULL;

  return listen_descriptor (fd, factory, error);
}

/* A copy of the connected stream socket FD, non-blocking; -1 with ERROR set. */
static int
copy_connection (int             fd,
                 TroupeAddress  *peer,
                 GError        **error)
{
  socklen_t length = sizeof *peer;
  int copy = -1;
  int fault = 0;

  peer->any.sa_family = AF_UNSPEC;
  if (getpeername (fd, &peer->any, &length) < 0)
    fault = errno;
  else if (get_option (fd, SO_TYPE) != SOCK_STREAM)
    fault = ESOCKTNOSUPPORT;
  else if ((copy = fcntl (fd, F_DUPFD_CLOEXEC, 3)) < 0 || !g_unix_set_fd_nonblocking (copy, TRUE, NULL))
    fault = errno;

  if (fault != 0)
    {
      g_autofree char *where = g_strdup_printf ("descriptor %d", fd);

      g_propagate_error (error, troupe_address_new_error (TROUPE_ERROR_BAD_DESCRIPTOR, "Cannot adopt", where, fault));
      close_fd (&copy);
    }

  return copy;
}

/* A connection on its way to its factory. */
typedef struct
{
  TroupeResolver *resolver;
  TroupeAddress   peer;
  int             fd;                /* -1 once somebody has it */
} Adoption;

static void
adoption_free (gpointer data)
{
  Adoption *self = data;

  close_fd (&self->fd);
  troupe_resolver_unref (self->resolver);
  g_free (self);
}

static void
adopt_refused_cb (TroupeRef *factory,
                  gpointer   data)
{
  Adoption *self = data;

  troupe_resolver_reject (self->resolver, troupe_ref_new_ended_error (factory), NULL);
}

static void
adopt_cb (TroupeRef *factory,
          gpointer   data)
{
  Adoption *self = data;
  g_autoptr (TroupeRef) connection = NULL;
  g_autoptr (GError) cause = NULL;
  int fd = self->fd;

  if (troupe_factory_at (factory) == NULL)
    {
      adopt_refused_cb (factory, self);
      return;
    }

  self->fd = -1;
  connection = troupe_factory_build (troupe_factory_at (factory), fd, &self->peer, NULL, &cause);
  if (connection != NULL)
    troupe_resolver_resolve_boxed (self->resolver, TROUPE_TYPE_REF, connection, NULL);
  else
    troupe_resolver_reject (self->resolver, troupe_factory_new_declined_error (&self->peer, cause), NULL);
}

/**
 * troupe_adopt_connection:
 * @system: the system of @factory
 * @fd: a connected stream socket
 * @factory: the address of a [class@Troupe.Factory]
 *
 * Has @factory build a protocol for a connection that was made elsewhere.
 *
 * The descriptor is duplicated before this returns, so the caller keeps @fd and may close it; the socket is made non-blocking. Call it
 * from any thread. The promise is one of the protocol actor's address (a boxed [struct@Troupe.Ref]). It is rejected with
 * %TROUPE_ERROR_BAD_DESCRIPTOR if @fd is no connected stream socket, with %TROUPE_ERROR_ACTOR_STOPPED if the factory has ended,
 * and with %TROUPE_ERROR_CONNECTION_DECLINED if the factory declines.
 *
 * Returns: (transfer full): a promise of the connection's address
 *
 * Since: 1.0
 */
TroupePromise *
troupe_adopt_connection (TroupeSystem *system,
                         int           fd,
                         TroupeRef    *factory)
{
  TroupePromise *promise;
  Adoption *adoption;
  GError *error = NULL;

  g_return_val_if_fail (TROUPE_IS_SYSTEM (system), NULL);
  g_return_val_if_fail (fd >= 0, NULL);
  g_return_val_if_fail (factory != NULL && g_type_is_a (factory->type, TROUPE_TYPE_FACTORY), NULL);
  g_return_val_if_fail (troupe_ref_get_system (factory) == system, NULL);

  adoption = g_new0 (Adoption, 1);
  promise = troupe_promise_new (&adoption->resolver);
  adoption->fd = copy_connection (fd, &adoption->peer, &error);

  if (adoption->fd >= 0)
    {
      troupe_ref_call (factory, adopt_cb, adopt_refused_cb, adoption, adoption_free);
    }
  else
    {
      troupe_resolver_reject (adoption->resolver, error, NULL);
      adoption_free (adoption);
    }

  return promise;
}

/**
 * troupe_port_get_address:
 * @self: a port
 *
 * Gets the address where it listens or listened, with the real number if port 0 was asked for.
 *
 * Returns: (transfer none): the address
 *
 * Since: 1.0
 */
GSocketAddress *
troupe_port_get_address (TroupePort *self)
{
  g_return_val_if_fail (TROUPE_IS_PORT (self), NULL);

  return self->address;
}

/**
 * troupe_port_dup_endpoint:
 * @self: a port
 *
 * Says where it listens as a client would: `tcp:127.0.0.1:8025`.
 *
 * Returns: (transfer full): an endpoint string for [func@Troupe.connect]
 *
 * Since: 1.0
 */
char *
troupe_port_dup_endpoint (TroupePort *self)
{
  g_return_val_if_fail (TROUPE_IS_PORT (self), NULL);

  return g_strdup (self->endpoint);
}

/**
 * troupe_port_is_listening:
 * @self: a port
 *
 * Tells whether it is open.
 *
 * Returns: %TRUE until it is stopped or its factory ends
 *
 * Since: 1.0
 */
gboolean
troupe_port_is_listening (TroupePort *self)
{
  g_return_val_if_fail (TROUPE_IS_PORT (self), FALSE);

  return self->listening;
}

/**
 * troupe_port_stop:
 * @self: a port
 *
 * Closes it. Connections that were accepted stay.
 *
 * Nothing is accepted any more when this returns; if it was the factory's last port its `stop_factory` runs in
 * a later turn. Stopping again is fine.
 *
 * Returns: (transfer full): a promise of nothing, resolved when all of that is done
 *
 * Since: 1.0
 */
TroupePromise *
troupe_port_stop (TroupePort *self)
{
  TroupeResolver *resolver;
  TroupePromise *promise;

  g_return_val_if_fail (TROUPE_IS_PORT (self), NULL);
  g_return_val_if_fail (self->stopped || troupe_reactor_is_here (self->factory->reactor), NULL);

  promise = troupe_promise_new (&resolver);
  if (self->stopped)
    {
      troupe_resolver_resolve (resolver, NULL);
      troupe_resolver_unref (resolver);
      return promise;
    }

  if (self->resolvers == NULL)
    {
      self->resolvers = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_resolver_unref);
      troupe_ref_call (self->factory, troupe_port_finish_stop_cb, troupe_port_finish_stop_cb, g_object_ref (self),
                       g_object_unref);
    }

  g_ptr_array_add (self->resolvers, resolver);
  troupe_port_close (self);
  return promise;
}
