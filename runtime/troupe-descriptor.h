/* troupe-descriptor.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-types.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_DESCRIPTOR (troupe_descriptor_get_type ())

TROUPE_AVAILABLE_IN_ALL
G_DECLARE_INTERFACE (TroupeDescriptor, troupe_descriptor, TROUPE, DESCRIPTOR, GObject)

/**
 * TroupeDescriptorInterface:
 * @g_iface: the parent
 * @get_fd: the file descriptor, or -1 once it is gone
 * @do_read: something can be read; %FALSE with an error, or without one at the end of the data,
 *   takes the descriptor out of the reactor
 * @do_write: something can be written; as for @do_read
 * @connection_lost: the descriptor was taken out of the reactor, and why
 *
 * What a reactor can watch beside its own connections.
 *
 * Since: 1.0
 */
struct _TroupeDescriptorInterface
{
  GTypeInterface g_iface;

  int      (*get_fd)          (TroupeDescriptor  *self);
  gboolean (*do_read)         (TroupeDescriptor  *self,
                               GError           **error);
  gboolean (*do_write)        (TroupeDescriptor  *self,
                               GError           **error);
  void     (*connection_lost) (TroupeDescriptor  *self,
                               const GError      *reason);
};

TROUPE_AVAILABLE_IN_ALL
int      troupe_descriptor_get_fd          (TroupeDescriptor  *self);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_descriptor_do_read         (TroupeDescriptor  *self,
                                            GError           **error);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_descriptor_do_write        (TroupeDescriptor  *self,
                                            GError           **error);
TROUPE_AVAILABLE_IN_ALL
void     troupe_descriptor_connection_lost (TroupeDescriptor  *self,
                                            const GError      *reason);

G_END_DECLS
