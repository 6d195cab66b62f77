/* troupe-address.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "troupe-address-private.h"

gboolean
troupe_address_parse (TroupeAddress *self,
                      int            family,
                      const char    *host,
                      guint16        port)
{
  struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM };
  struct addrinfo *found = NULL;

  /* Numeric only: this asks nobody. It is getaddrinfo () because that one knows scopes. */
  hints.ai_flags = AI_NUMERICHOST;
  if (getaddrinfo (host, NULL, &hints, &found) != 0)
    return FALSE;

  memset (self, 0, sizeof *self);
  memcpy (self, found->ai_addr, MIN (found->ai_addrlen, sizeof *self));
  freeaddrinfo (found);

  if (self->any.sa_family == AF_INET6)
    self->ip6.sin6_port = g_htons (port);
  else
    self->ip4.sin_port = g_htons (port);

  return TRUE;
}

void
troupe_address_from_gio (TroupeAddress *self,
                         GInetAddress  *host,
                         guint16        port)
{
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (host, port);

  memset (self, 0, sizeof *self);
  if (!g_socket_address_to_native (address, self, sizeof *self, NULL))
    self->any.sa_family = AF_UNSPEC;
}

GSocketAddress *
troupe_address_to_gio (const TroupeAddress *self)
{
  if (!troupe_address_is_ip (self))
    return NULL;

  return g_socket_address_new_from_native ((gpointer) self, troupe_address_get_length (self));
}

guint16
troupe_address_get_port (const TroupeAddress *self)
{
  return g_ntohs (self->any.sa_family == AF_INET6 ? self->ip6.sin6_port : self->ip4.sin_port);
}

char *
troupe_address_dup_host (const TroupeAddress *self)
{
  char host[NI_MAXHOST];

  if (!troupe_address_is_ip (self) ||
      getnameinfo (&self->any, troupe_address_get_length (self), host, sizeof host, NULL, 0, NI_NUMERICHOST) != 0)
    return g_strdup ("a local peer");

  return g_strdup (host);
}

char *
troupe_address_dup_text (const TroupeAddress *self)
{
  g_autofree char *host = troupe_address_dup_host (self);

  if (!troupe_address_is_ip (self))
    return g_steal_pointer (&host);

  return g_strdup_printf (self->any.sa_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, troupe_address_get_port (self));
}

GError *
troupe_address_new_error (TroupeError  code,
                          const char  *what,
                          const char  *where,
                          int          fault)
{
  if (fault == EMFILE || fault == ENFILE)
    code = TROUPE_ERROR_NO_DESCRIPTORS;

  return g_error_new (TROUPE_ERROR, code, "%s %s: %s", what, where, g_strerror (fault));
}
