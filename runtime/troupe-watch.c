/* troupe-watch.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "troupe-error.h"
#include "troupe-reactor-private.h"

/* The descriptors that programs bring into a reactor: keyed by object and not by number, so that a number that was closed and
 * opened again is nobody's mistake. */

typedef struct
{
  TroupeIo          io;
  TroupeReactor    *reactor;
  TroupeDescriptor *descriptor;      /* a reference */
} Watch;

static void
watch_free (gpointer data)
{
  Watch *self = data;

  troupe_io_close (&self->io);
  g_object_unref (self->descriptor);
  g_free (self);
}

static Watch *
find_watch (TroupeReactor    *reactor,
            TroupeDescriptor *descriptor)
{
  return reactor->descriptors != NULL ? g_hash_table_lookup (reactor->descriptors, descriptor) : NULL;
}

/* The reactor lets go by itself, and says why; NULL is a clean end. */
static void
lose_descriptor (TroupeReactor    *reactor,
                 TroupeDescriptor *descriptor,
                 const GError     *reason)
{
  G_GNUC_UNUSED g_autoptr (TroupeDescriptor) keep = g_object_ref (descriptor);
  g_autoptr (GError) done = NULL;

  if (reactor->descriptors == NULL || !g_hash_table_remove (reactor->descriptors, descriptor))
    return;

  if (reason == NULL)
    reason = done = g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_CONNECTION_DONE,
                                         "The descriptor has come to its end");
  troupe_descriptor_connection_lost (descriptor, reason);
}

static gboolean
check_fd (int      fd,
          GError **error)
{
  if (fd >= 0 && fcntl (fd, F_GETFD) >= 0)
    return TRUE;

  g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_DESCRIPTOR,
               "%d is not an open file descriptor", fd);

  return FALSE;
}

typedef gboolean (*Work) (TroupeDescriptor  *descriptor,
                          GError           **error);

/* FALSE: the descriptor is out, or has another watch by now. */
static gboolean
watch_work (TroupeReactor    *reactor,
            TroupeDescriptor *descriptor,
            guint             event,
            Work              work)
{
  Watch *self = find_watch (reactor, descriptor);
  g_autoptr (GError) error = NULL;

  if (self == NULL || !(self->io.wanted & event))
    return self != NULL;

  /* Closed or replaced behind our back: what came is not its own. */
  if (troupe_descriptor_get_fd (descriptor) != self->io.fd || !check_fd (self->io.fd, NULL))
    {
      g_set_error (&error, TROUPE_ERROR, TROUPE_ERROR_BAD_DESCRIPTOR,
                   "The file descriptor %d went away", self->io.fd);
      lose_descriptor (reactor, descriptor, error);
      return FALSE;
    }

  if (work (descriptor, &error))
    return TRUE;

  lose_descriptor (reactor, descriptor, error);

  return FALSE;
}

/* Nobody reads it, so nobody would find out that it hung up. */
static gboolean
lose_writer (TroupeReactor    *reactor,
             TroupeDescriptor *descriptor)
{
  Watch *self = find_watch (reactor, descriptor);
  g_autoptr (GError) reason = NULL;

  if (self == NULL || (self->io.wanted & TROUPE_IO_IN))
    return self == NULL;

  reason = g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_CONNECTION_LOST, "The other side hung up");
  lose_descriptor (reactor, descriptor, reason);

  return TRUE;
}

static void
watch_turn (TroupeIo *io,
            guint     events)
{
  Watch *self = (Watch *) io;
  TroupeReactor *reactor = self->reactor;
  g_autoptr (TroupeDescriptor) descriptor = g_object_ref (self->descriptor);

  /* Readable data is always drained before a hang-up counts: reading it tells the end. */
  if ((events & TROUPE_IO_IN) && !watch_work (reactor, descriptor, TROUPE_IO_IN, troupe_descriptor_do_read))
    return;

  if ((events & TROUPE_IO_ERROR) && lose_writer (reactor, descriptor))
    return;

  if (events & TROUPE_IO_OUT)
    watch_work (reactor, descriptor, TROUPE_IO_OUT, troupe_descriptor_do_write);
}

static Watch *
add_watch (TroupeReactor     *reactor,
           TroupeDescriptor  *descriptor,
           int                fd,
           GError           **error)
{
  Watch *self = g_new0 (Watch, 1);

  if (!troupe_io_open (&self->io, reactor->outside, fd, watch_turn, error))
    {
      g_free (self);
      return NULL;
    }

  self->reactor = reactor;
  self->descriptor = g_object_ref (descriptor);

  if (reactor->descriptors == NULL)
    reactor->descriptors = g_hash_table_new_full (NULL, NULL, NULL, watch_free);
  g_hash_table_insert (reactor->descriptors, descriptor, self);

  return self;
}

static gboolean
add_events (TroupeReactor     *reactor,
            TroupeDescriptor  *descriptor,
            guint              events,
            GError           **error)
{
  int fd = troupe_descriptor_get_fd (descriptor);
  Watch *watch = find_watch (reactor, descriptor);
  guint wanted = events;

  if (!check_fd (fd, error))
    return FALSE;

  /* It has a new number now. */
  if (watch != NULL && watch->io.fd != fd)
    {
      wanted |= watch->io.wanted;
      g_hash_table_remove (reactor->descriptors, descriptor);
      watch = NULL;
    }

  if (watch == NULL)
    watch = add_watch (reactor, descriptor, fd, error);
  if (watch == NULL)
    return FALSE;

  troupe_io_watch (&watch->io, watch->io.wanted | wanted);

  return TRUE;
}

static void
remove_events (TroupeReactor    *reactor,
               TroupeDescriptor *descriptor,
               guint             events)
{
  Watch *watch = find_watch (reactor, descriptor);

  if (watch == NULL)
    return;

  if ((watch->io.wanted & ~events) == 0)
    g_hash_table_remove (reactor->descriptors, descriptor);
  else
    troupe_io_watch (&watch->io, watch->io.wanted & ~events);
}

static GPtrArray *
dup_descriptors (TroupeReactor *reactor,
                 guint          events)
{
  GPtrArray *descriptors = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer watch;

  if (reactor->descriptors == NULL)
    return descriptors;

  g_hash_table_iter_init (&iter, reactor->descriptors);
  while (g_hash_table_iter_next (&iter, NULL, &watch))
    if (((Watch *) watch)->io.wanted & events)
      g_ptr_array_add (descriptors, g_object_ref (((Watch *) watch)->descriptor));

  return descriptors;
}

void
troupe_reactor_lose_descriptors (TroupeReactor *self)
{
  g_autoptr (GPtrArray) descriptors = dup_descriptors (self, TROUPE_IO_IN | TROUPE_IO_OUT);
  g_autoptr (GError) reason = g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_CONNECTION_LOST,
                                                   "The system was shut down");
  guint i;

  for (i = 0; i < descriptors->len; i++)
    lose_descriptor (self, g_ptr_array_index (descriptors, i), reason);
}

/**
 * troupe_reactor_add_reader:
 * @self: a reactor, on its thread
 * @descriptor: what to watch
 * @error: return location for a #GError
 *
 * Calls `do_read` of @descriptor whenever something can be read from it, until it is removed or says that it is done.
 *
 * Adding it again changes nothing. The calls run outside any actor.
 *
 * Returns: %TRUE, or %FALSE with %TROUPE_ERROR_BAD_DESCRIPTOR if it has no open file descriptor
 *
 * Since: 1.0
 */
gboolean
troupe_reactor_add_reader (TroupeReactor     *self,
                           TroupeDescriptor  *descriptor,
                           GError           **error)
{
  g_return_val_if_fail (TROUPE_IS_REACTOR (self), FALSE);
  g_return_val_if_fail (troupe_reactor_may_be_used (self), FALSE);
  g_return_val_if_fail (TROUPE_IS_DESCRIPTOR (descriptor), FALSE);

  return add_events (self, descriptor, TROUPE_IO_IN, error);
}

/**
 * troupe_reactor_add_writer:
 * @self: a reactor, on its thread
 * @descriptor: what to watch
 * @error: return location for a #GError
 *
 * Calls `do_write` of @descriptor whenever something can be written to it, until it is removed or says that it is done.
 *
 * Adding it again changes nothing. The calls run outside any actor.
 *
 * Returns: %TRUE, or %FALSE with %TROUPE_ERROR_BAD_DESCRIPTOR if it has no open file descriptor
 *
 * Since: 1.0
 */
gboolean
troupe_reactor_add_writer (TroupeReactor     *self,
                           TroupeDescriptor  *descriptor,
                           GError           **error)
{
  g_return_val_if_fail (TROUPE_IS_REACTOR (self), FALSE);
  g_return_val_if_fail (troupe_reactor_may_be_used (self), FALSE);
  g_return_val_if_fail (TROUPE_IS_DESCRIPTOR (descriptor), FALSE);

  return add_events (self, descriptor, TROUPE_IO_OUT, error);
}

/**
 * troupe_reactor_remove_reader:
 * @self: a reactor, on its thread
 * @descriptor: what was watched
 *
 * Stops watching for something to read. Does nothing if it was not watched, and works when the file descriptor is closed already.
 *
 * Since: 1.0
 */
void
troupe_reactor_remove_reader (TroupeReactor    *self,
                              TroupeDescriptor *descriptor)
{
  g_return_if_fail (TROUPE_IS_REACTOR (self));
  g_return_if_fail (troupe_reactor_may_be_used (self));
  g_return_if_fail (TROUPE_IS_DESCRIPTOR (descriptor));

  remove_events (self, descriptor, TROUPE_IO_IN);
}

/**
 * troupe_reactor_remove_writer:
 * @self: a reactor, on its thread
 * @descriptor: what was watched
 *
 * Stops watching for room to write. Does nothing if it was not watched, and works when the file descriptor is closed already.
 *
 * Since: 1.0
 */
void
troupe_reactor_remove_writer (TroupeReactor    *self,
                              TroupeDescriptor *descriptor)
{
  g_return_if_fail (TROUPE_IS_REACTOR (self));
  g_return_if_fail (troupe_reactor_may_be_used (self));
  g_return_if_fail (TROUPE_IS_DESCRIPTOR (descriptor));

  remove_events (self, descriptor, TROUPE_IO_OUT);
}

/**
 * troupe_reactor_remove_all:
 * @self: a reactor, on its thread
 *
 * Stops watching all descriptors that programs have added. The reactor's own connections are not touched.
 *
 * Returns: (transfer container) (element-type TroupeDescriptor): what was watched
 *
 * Since: 1.0
 */
GPtrArray *
troupe_reactor_remove_all (TroupeReactor *self)
{
  GPtrArray *descriptors;

  g_return_val_if_fail (TROUPE_IS_REACTOR (self), NULL);
  g_return_val_if_fail (troupe_reactor_may_be_used (self), NULL);

  descriptors = dup_descriptors (self, TROUPE_IO_IN | TROUPE_IO_OUT);
  if (self->descriptors != NULL)
    g_hash_table_remove_all (self->descriptors);

  return descriptors;
}

/**
 * troupe_reactor_dup_readers:
 * @self: a reactor, on its thread
 *
 * Gets the descriptors that are watched for reading.
 *
 * Returns: (transfer container) (element-type TroupeDescriptor): the descriptors, in no order
 *
 * Since: 1.0
 */
GPtrArray *
troupe_reactor_dup_readers (TroupeReactor *self)
{
  g_return_val_if_fail (TROUPE_IS_REACTOR (self), NULL);
  g_return_val_if_fail (troupe_reactor_may_be_used (self), NULL);

  return dup_descriptors (self, TROUPE_IO_IN);
}

/**
 * troupe_reactor_dup_writers:
 * @self: a reactor, on its thread
 *
 * Gets the descriptors that are watched for writing.
 *
 * Returns: (transfer container) (element-type TroupeDescriptor): the descriptors, in no order
 *
 * Since: 1.0
 */
GPtrArray *
troupe_reactor_dup_writers (TroupeReactor *self)
{
  g_return_val_if_fail (TROUPE_IS_REACTOR (self), NULL);
  g_return_val_if_fail (troupe_reactor_may_be_used (self), NULL);

  return dup_descriptors (self, TROUPE_IO_OUT);
}
