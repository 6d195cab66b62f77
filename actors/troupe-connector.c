/* troupe-connector.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "troupe-backend-private.h"
#include "troupe-connector.h"
#include "troupe-endpoint-private.h"
#include "troupe-error.h"
#include "troupe-factory-private.h"
#include "troupe-promise-private.h"
#include "troupe-reactor-private.h"
#include "troupe-timer-private.h"

#define STAGGER_MS 300               /* between the starts of two attempts */

/*
 * One troupe_connect () under way, a resource of its factory. A name may have several addresses: they are tried in their order,
 * the next one when the last has failed or after a while, and the first to succeed wins.
 */
typedef struct
{
  TroupeResource  resource;
  TroupeRef      *factory;
  TroupeEndpoint *endpoint;
  TroupeResolver *resolver;          /* NULL once the outcome is known */
  char           *text;              /* “example.org:80” */
  GCancellable   *lookup;            /* NULL for a literal */
  GArray         *addresses;         /* of TroupeAddress */
  guint           next;              /* among them */
  GPtrArray      *attempts;          /* of Attempt */
  TroupeTimer    *timeout;
  TroupeTimer    *stagger;
  GError         *error;             /* of the last attempt that failed */
  gboolean        begun;             /* counted among the factory's users */
} Connector;

typedef struct
{
  TroupeIo       io;
  Connector     *connector;
  TroupeAddress  address;
  int            fd;
} Attempt;

static void
attempt_free (gpointer data)
{
  Attempt *self = data;

  if (self->io.owner != NULL)
    troupe_io_close (&self->io);
  if (self->fd >= 0)
    close (self->fd);
  g_free (self);
}

static void
connector_clear (gpointer data)
{
  Connector *self = data;

  g_clear_pointer (&self->resolver, troupe_resolver_unref);
  troupe_endpoint_unref (self->endpoint);
  troupe_ref_unref (self->factory);
  g_clear_object (&self->lookup);
  g_array_unref (self->addresses);
  g_ptr_array_unref (self->attempts);
  g_clear_error (&self->error);
  g_free (self->text);
}

static void
connector_unref (gpointer self)
{
  g_atomic_rc_box_release_full (self, connector_clear);
}

static Connector *
connector_new (TroupeRef      *factory,
               TroupeEndpoint *endpoint,
               TroupeResolver *resolver)
{
  Connector *self = g_atomic_rc_box_new0 (Connector);

  self->factory = troupe_ref_ref (factory);
  self->endpoint = troupe_endpoint_ref (endpoint);
  self->resolver = resolver;
  self->text = troupe_endpoint_dup_text (endpoint);
  self->addresses = g_array_new (FALSE, FALSE, sizeof (TroupeAddress));
  self->attempts = g_ptr_array_new_with_free_func (attempt_free);
  return self;
}

/* Stops all that is under way. The caller keeps a reference. */
static void
connector_settle (Connector *self)
{
  troupe_timer_clear (&self->timeout);
  troupe_timer_clear (&self->stagger);
  g_ptr_array_set_size (self->attempts, 0);
  if (self->lookup != NULL)
    g_cancellable_cancel (self->lookup);

  if (!self->begun)
    return;

  self->begun = FALSE;
  troupe_ref_remove_resource (self->factory, &self->resource);
  if (self->factory->actor != NULL && !(self->factory->flags & TROUPE_REF_KILLED))
    troupe_factory_end ((TroupeFactory *) self->factory->actor);
}

static void
connector_reject (Connector *self,
                  GError    *error)
{
  TroupeResolver *resolver = g_steal_pointer (&self->resolver);

  connector_settle (self);
  troupe_resolver_take_error (resolver, error);
  troupe_resolver_unref (resolver);
}

static void
connector_resolve (Connector *self,
                   TroupeRef *connection)
{
  TroupeResolver *resolver = g_steal_pointer (&self->resolver);

  connector_settle (self);
  troupe_resolver_resolve_boxed (resolver, TROUPE_TYPE_REF, connection, NULL);
  troupe_resolver_unref (resolver);
}

static void
connector_release (TroupeResource *resource,
                   TroupeRef      *factory,
                   TroupeEnd       end)
{
  Connector *self = (Connector *) ((char *) resource - G_STRUCT_OFFSET (Connector, resource));

  g_atomic_rc_box_acquire (self);
  connector_reject (self, troupe_ref_new_ended_error (factory));
  connector_unref (self);
}

static TroupeError
code_of_fault (int fault)
{
  switch (fault)
    {
    case ECONNREFUSED:
      return TROUPE_ERROR_CONNECTION_REFUSED;

    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
      return TROUPE_ERROR_NO_ROUTE;

    case ETIMEDOUT:
      return TROUPE_ERROR_TIMED_OUT;

    default:
      return TROUPE_ERROR_CANNOT_CONNECT;
    }
}

/* Remembers why an attempt failed; the last one's reason is told if none succeeds. */
static void
connector_note (Connector   *self,
                TroupeError  code,
                const char  *what,
                const char  *where,
                int          fault)
{
  g_clear_error (&self->error);
  self->error = troupe_address_new_error (code, what, where, fault);
}

static void
connector_note_connect (Connector *self,
                        int        fault)
{
  connector_note (self, code_of_fault (fault), "Cannot connect to", self->text, fault);
}

/* The connection is there. */
static void
attempt_win (Attempt *self)
{
  Connector *connector = self->connector;
  TroupeFactory *factory = (TroupeFactory *) connector->factory->actor;
  TroupeAddress peer = self->address;
  g_autoptr (TroupeRef) connection = NULL;
  g_autoptr (GError) cause = NULL;
  int fd = self->fd;

  troupe_io_close (&self->io);
  self->io.owner = NULL;
  self->fd = -1;

  connection = troupe_factory_build (factory, fd, &peer, NULL, &cause);
  if (connection != NULL)
    connector_resolve (connector, connection);
  else
    connector_reject (connector, troupe_factory_new_declined_error (&peer, cause));
}

static void connector_try_next (Connector *self);

static void
attempt_turn (TroupeIo *io,
              guint     events)
{
  Attempt *self = (Attempt *) io;
  Connector *connector = g_atomic_rc_box_acquire (self->connector);
  int fault = 0;
  socklen_t size = sizeof fault;

  if (getsockopt (self->fd, SOL_SOCKET, SO_ERROR, &fault, &size) < 0)
    fault = errno;

  if (fault == 0)
    {
      attempt_win (self);
    }
  else
    {
      connector_note_connect (connector, fault);
      g_ptr_array_remove_fast (connector->attempts, self);
      connector_try_next (connector);
    }

  connector_unref (connector);
}

static gboolean
attempt_bind (Attempt *self)
{
  Connector *connector = self->connector;
  const char *bind_address = connector->endpoint->bind_address;
  g_autofree char *what = NULL;
  TroupeAddress local;
  int fault = EAFNOSUPPORT;

  if (bind_address == NULL)
    return TRUE;

  if (troupe_address_parse (&local, self->address.any.sa_family, bind_address, 0))
    fault = bind (self->fd, &local.any, troupe_address_get_length (&local)) < 0 ? errno : 0;

  if (fault == 0)
    return TRUE;

  what = g_strdup_printf ("Cannot connect to %s from", connector->text);
  connector_note (connector, TROUPE_ERROR_CANNOT_BIND, what, bind_address, fault);
  return FALSE;
}

/* Opens and binds the socket. */
static gboolean
attempt_open (Attempt *self)
{
  Connector *connector = self->connector;
  g_autoptr (GError) error = NULL;

  self->fd = socket (self->address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (self->fd < 0)
    {
      connector_note_connect (connector, errno);
      return FALSE;
    }

  if (!attempt_bind (self))
    return FALSE;

  if (!troupe_io_open (&self->io, connector->factory, self->fd, attempt_turn, &error))
    {
      self->io.owner = NULL;
      g_clear_error (&connector->error);
      connector->error = g_steal_pointer (&error);
      return FALSE;
    }

  self->io.mail.bits |= TROUPE_IO_PROMISED;

  return TRUE;
}

/* FALSE if it failed at once. It may have won when this returns. */
static gboolean
connector_attempt (Connector           *self,
                   const TroupeAddress *address)
{
  Attempt *attempt = g_new0 (Attempt, 1);

  attempt->connector = self;
  attempt->address = *address;
  attempt->fd = -1;
  g_ptr_array_add (self->attempts, attempt);

  if (!attempt_open (attempt))
    {
      g_ptr_array_remove_fast (self->attempts, attempt);
      return FALSE;
    }

  if (troupe_io_connect (&attempt->io, &address->any, troupe_address_get_length (address)) == 0)
    {
      attempt_win (attempt);
      return TRUE;
    }

  if (errno == EINPROGRESS)
    {
      troupe_io_watch (&attempt->io, TROUPE_IO_OUT);
      return TRUE;
    }

  connector_note_connect (self, errno);
  g_ptr_array_remove_fast (self->attempts, attempt);
  return FALSE;
}

static void
connector_stagger_cb (TroupeTimer *timer,
                      gpointer     user_data)
{
  connector_try_next (user_data);
}

/* Begins the next attempt; if there is none, and none under way, the connect has failed. The caller keeps a reference. */
static void
connector_try_next (Connector *self)
{
  gboolean pending = FALSE;

  troupe_timer_clear (&self->stagger);
  while (!pending && self->next < self->addresses->len)
    pending = connector_attempt (self, &g_array_index (self->addresses, TroupeAddress, self->next++));

  if (self->resolver == NULL)
    return;

  if (self->next < self->addresses->len)
    self->stagger = troupe_timer_new (self->factory, STAGGER_MS, TRUE, connector_stagger_cb,
                                      g_atomic_rc_box_acquire (self), connector_unref);
  else if (self->attempts->len == 0 && self->error != NULL)
    connector_reject (self, g_steal_pointer (&self->error));
  else if (self->attempts->len == 0)
    connector_reject (self, g_error_new (TROUPE_ERROR, TROUPE_ERROR_UNKNOWN_HOST, "Cannot connect to %s: it has no address",
                                         self->text));
}

static void
connector_timeout_cb (TroupeTimer *timer,
                      gpointer     user_data)
{
  Connector *self = user_data;

  connector_reject (self, g_error_new (TROUPE_ERROR, TROUPE_ERROR_TIMED_OUT, "Cannot connect to %s: timed out after %g s",
                                       self->text, self->endpoint->timeout_ms / 1000.0));
}

typedef struct
{
  Connector *connector;
  GList     *found;                  /* of GInetAddress */
  GError    *error;
} Lookup;

static void
lookup_free (gpointer data)
{
  Lookup *self = data;

  connector_unref (self->connector);
  g_resolver_free_addresses (self->found);
  g_clear_error (&self->error);
  g_free (self);
}

static void
connector_take_lookup_cb (TroupeRef *factory,
                          gpointer   data)
{
  Lookup *lookup = data;
  Connector *self = lookup->connector;

  if (self->resolver == NULL)
    return;

  if (lookup->error != NULL)
    {
      connector_reject (self, g_error_new (TROUPE_ERROR, TROUPE_ERROR_UNKNOWN_HOST, "Cannot connect to %s: %s", self->text,
                                           lookup->error->message));
      return;
    }

  for (GList *l = lookup->found; l != NULL; l = l->next)
    {
      TroupeAddress address;

      troupe_address_from_gio (&address, l->data, self->endpoint->port);
      g_array_append_val (self->addresses, address);
    }

  connector_try_next (self);
}

/* The resolver calls back in the reactor's context, but in nobody's turn. */
static void
connector_lookup_done_cb (GObject      *source,
                          GAsyncResult *result,
                          gpointer      user_data)
{
  Lookup *lookup = g_new0 (Lookup, 1);

  lookup->connector = user_data;
  lookup->found = g_resolver_lookup_by_name_with_flags_finish (G_RESOLVER (source), result, &lookup->error);
  troupe_ref_call (lookup->connector->factory, connector_take_lookup_cb, NULL, lookup, lookup_free);
}

static void
connector_look_up (Connector *self)
{
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  GMainContext *context = self->factory->reactor->context;
  GResolverNameLookupFlags flags = G_RESOLVER_NAME_LOOKUP_FLAGS_DEFAULT;

  if (self->endpoint->family == AF_INET6)
    flags = G_RESOLVER_NAME_LOOKUP_FLAGS_IPV6_ONLY;
  else if (self->endpoint->family == AF_INET)
    flags = G_RESOLVER_NAME_LOOKUP_FLAGS_IPV4_ONLY;

  self->lookup = g_cancellable_new ();
  g_main_context_push_thread_default (context);
  g_resolver_lookup_by_name_with_flags_async (resolver, self->endpoint->host, flags, self->lookup, connector_lookup_done_cb,
                                              g_atomic_rc_box_acquire (self));
  g_main_context_pop_thread_default (context);
}

static void
connector_refused_cb (TroupeRef *factory,
                      gpointer   data)
{
  connector_reject (data, troupe_ref_new_ended_error (factory));
}

static void
connector_begin_cb (TroupeRef *ref,
                    gpointer   data)
{
  Connector *self = data;
  TroupeFactory *factory = troupe_factory_at (ref);
  TroupeAddress address;

  if (factory == NULL)
    {
      connector_refused_cb (ref, data);
      return;
    }

  self->resource.release = connector_release;
  troupe_ref_add_resource (ref, &self->resource);
  self->begun = TRUE;
  self->timeout = troupe_timer_new (ref, self->endpoint->timeout_ms, TRUE, connector_timeout_cb,
                                    g_atomic_rc_box_acquire (self), connector_unref);
  troupe_factory_begin (factory);

  if (troupe_address_parse (&address, self->endpoint->family, self->endpoint->host, self->endpoint->port))
    {
      g_array_append_val (self->addresses, address);
      connector_try_next (self);
    }
  else
    {
      connector_look_up (self);
    }
}

/**
 * troupe_connect:
 * @system: the system of @factory
 * @endpoint: (nullable): where to connect to, such as `tcp:example.org:80:timeout=5`; see [struct@Troupe.Endpoint]
 * @factory: the address of a [class@Troupe.Factory]
 *
 * Makes a connection, for which @factory builds the protocol.
 *
 * Call it from any thread. A name is looked up in the background; its addresses are tried in order, the next one as soon as
 * the last has failed or 0.3 seconds after it began, and the first to succeed is used.
 *
 * The promise is rejected with %TROUPE_ERROR_BAD_ENDPOINT, %TROUPE_ERROR_UNKNOWN_HOST, %TROUPE_ERROR_CONNECTION_REFUSED,
 * %TROUPE_ERROR_NO_ROUTE, %TROUPE_ERROR_TIMED_OUT, %TROUPE_ERROR_CANNOT_BIND, %TROUPE_ERROR_NO_DESCRIPTORS,
 * %TROUPE_ERROR_CANNOT_CONNECT, with %TROUPE_ERROR_CONNECTION_DECLINED if the factory builds no protocol, and with
 * %TROUPE_ERROR_ACTOR_STOPPED if the factory has ended or ends first. If all addresses fail it is the last one's error.
 *
 * Returns: (transfer full): a promise of the address of the protocol actor, a boxed [struct@Troupe.Ref]; what is sent to
 *   it from the promise's steps comes after its `connection_made`
 *
 * Since: 1.0
 */
TroupePromise *
troupe_connect (TroupeSystem *system,
                const char   *endpoint,
                TroupeRef    *factory)
{
  g_autoptr (TroupeEndpoint) parsed = NULL;
  TroupeResolver *resolver;
  TroupePromise *promise;
  GError *error = NULL;

  g_return_val_if_fail (TROUPE_IS_SYSTEM (system), NULL);
  g_return_val_if_fail (factory != NULL && g_type_is_a (factory->type, TROUPE_TYPE_FACTORY), NULL);
  g_return_val_if_fail (troupe_ref_get_system (factory) == system, NULL);

  parsed = troupe_endpoint_parse_client (endpoint, &error);
  if (parsed == NULL)
    return troupe_promise_new_rejected_at (troupe_promise_get_home_now (), error);

  promise = troupe_promise_new (&resolver);
  troupe_ref_call (factory, connector_begin_cb, connector_refused_cb, connector_new (factory, parsed, resolver),
                   connector_unref);
  return promise;
}
