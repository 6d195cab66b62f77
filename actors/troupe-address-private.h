/* troupe-address-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <gio/gio.h>

#include "troupe-error.h"

G_BEGIN_DECLS

/*
 * An IP address and port, as the kernel has it, in 28 bytes. Of any other family only the family is kept.
 */
typedef union
{
  struct sockaddr     any;
  struct sockaddr_in  ip4;
  struct sockaddr_in6 ip6;
} TroupeAddress;

static inline gboolean
troupe_address_is_ip (const TroupeAddress *self)
{
  return self->any.sa_family == AF_INET || self->any.sa_family == AF_INET6;
}

static inline socklen_t
troupe_address_get_length (const TroupeAddress *self)
{
  return self->any.sa_family == AF_INET6 ? sizeof self->ip6 : sizeof self->ip4;
}

/* HOST is a literal, with a scope if it has one; FAMILY may be AF_UNSPEC. FALSE if it is no such literal. */
gboolean        troupe_address_parse    (TroupeAddress       *self,
                                         int                  family,
                                         const char          *host,
                                         guint16              port);
void            troupe_address_from_gio (TroupeAddress       *self,
                                         GInetAddress        *host,
                                         guint16              port);
GSocketAddress *troupe_address_to_gio   (const TroupeAddress *self);
guint16         troupe_address_get_port (const TroupeAddress *self);
/* “127.0.0.1”, “::1”, “fe80::1%eth0” */
char           *troupe_address_dup_host (const TroupeAddress *self);
/* “127.0.0.1:80”, “[::1]:80” */
char           *troupe_address_dup_text (const TroupeAddress *self);

/* What the kernel said about a socket: CODE, unless FAULT is the lack of descriptors. WHAT is “Cannot listen on” or the like. */
GError         *troupe_address_new_error (TroupeError         code,
                                          const char         *what,
                                          const char         *where,
                                          int                 fault);

G_END_DECLS
