/* troupe-descriptor.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-descriptor.h"

/**
 * TroupeDescriptor:
 *
 * Something with a file descriptor that a reactor can watch.
 *
 * Implement it to bring descriptors of your own, such as a terminal, a pipe or another library's socket, into the reactor with
 * [method@Troupe.Reactor.add_reader] and [method@Troupe.Reactor.add_writer]. All its functions run on the reactor's thread.
 *
 * Since: 1.0
 */

G_DEFINE_INTERFACE (TroupeDescriptor, troupe_descriptor, G_TYPE_OBJECT)

static void
troupe_descriptor_default_init (TroupeDescriptorInterface *iface)
{
}

/**
 * troupe_descriptor_get_fd:
 * @self: a descriptor
 *
 * Gets the file descriptor.
 *
 * Returns: the file descriptor, or -1 once it is gone
 *
 * Since: 1.0
 */
int
troupe_descriptor_get_fd (TroupeDescriptor *self)
{
  g_return_val_if_fail (TROUPE_IS_DESCRIPTOR (self), -1);

  return TROUPE_DESCRIPTOR_GET_IFACE (self)->get_fd (self);
}

/**
 * troupe_descriptor_do_read:
 * @self: a descriptor
 * @error: return location for a #GError
 *
 * Reads what there is, once.
 *
 * Returns: %TRUE to go on; %FALSE with @error set if it is broken, %FALSE without at the end of the data
 *
 * Since: 1.0
 */
gboolean
troupe_descriptor_do_read (TroupeDescriptor  *self,
                           GError           **error)
{
  TroupeDescriptorInterface *iface;

  g_return_val_if_fail (TROUPE_IS_DESCRIPTOR (self), FALSE);

  iface = TROUPE_DESCRIPTOR_GET_IFACE (self);
  g_return_val_if_fail (iface->do_read != NULL, FALSE);

  return iface->do_read (self, error);
}

/**
 * troupe_descriptor_do_write:
 * @self: a descriptor
 * @error: return location for a #GError
 *
 * Writes what it can, once.
 *
 * Returns: %TRUE to go on; %FALSE with @error set if it is broken, %FALSE without when there is no point in going on
 *
 * Since: 1.0
 */
gboolean
troupe_descriptor_do_write (TroupeDescriptor  *self,
                            GError           **error)
{
  TroupeDescriptorInterface *iface;

  g_return_val_if_fail (TROUPE_IS_DESCRIPTOR (self), FALSE);

  iface = TROUPE_DESCRIPTOR_GET_IFACE (self);
  g_return_val_if_fail (iface->do_write != NULL, FALSE);

  return iface->do_write (self, error);
}

/**
 * troupe_descriptor_connection_lost:
 * @self: a descriptor
 * @reason: why, in the domain %TROUPE_ERROR or what its own functions reported
 *
 * Tells it that its reactor has let go of it by itself.
 *
 * Since: 1.0
 */
void
troupe_descriptor_connection_lost (TroupeDescriptor *self,
                                   const GError     *reason)
{
  TroupeDescriptorInterface *iface;

  g_return_if_fail (TROUPE_IS_DESCRIPTOR (self));
  g_return_if_fail (reason != NULL);

  iface = TROUPE_DESCRIPTOR_GET_IFACE (self);
  if (iface->connection_lost != NULL)
    iface->connection_lost (self, reason);
}
