/* troupe-endpoint-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-address-private.h"
#include "troupe-endpoint.h"

G_BEGIN_DECLS

#define TROUPE_DEFAULT_BACKLOG            50
#define TROUPE_MAX_LISTENERS              1024
#define TROUPE_DEFAULT_CONNECT_TIMEOUT_MS 30000

typedef enum
{
  TROUPE_ENDPOINT_TCP,
  TROUPE_ENDPOINT_FD,
} TroupeEndpointKind;

struct _TroupeEndpoint
{
  TroupeEndpointKind kind;
  gboolean           server;
  int                family;         /* AF_INET, AF_INET6, or AF_UNSPEC for a client that takes either */
  guint16            port;

  /* server */
  char              *interface;      /* a literal; NULL for all */
  int                backlog;
  guint              n_reactors;     /* that accept; 0 for the factory's alone, and connections live where their class says */
  int                fd;

  /* client */
  char              *host;
  guint              timeout_ms;
  char              *bind_address;   /* a literal; NULL for any */
};

/* “127.0.0.1:8025”, “example.org:80”, “[::1]:80”: what error messages call it. */
char *troupe_endpoint_dup_text       (const TroupeEndpoint *self);
/* What a client says to reach ADDRESS: “tcp:127.0.0.1:8025”. */
char *troupe_endpoint_string_to_reach (const TroupeAddress *address);

G_END_DECLS
