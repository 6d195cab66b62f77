/* troupe-endpoint.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <netdb.h>
#include <string.h>

#include "troupe-endpoint-private.h"
#include "troupe-error.h"

/**
 * TroupeEndpoint: (ref-func troupe_endpoint_ref) (unref-func troupe_endpoint_unref)
 *
 * Where to listen, or where to connect to.
 *
 * It is parsed from a string of parts between colons. The first part is the type, what follows are values in
 * their order, then `name=value` pairs. A backslash takes away the meaning of the character after it, so an IPv6
 * address is written `\:\:1`; of the equals signs in a part only the first is special. The case of a type does not matter.
 *
 * To listen:
 *
 * - `tcp:PORT[:interface=ADDRESS][:backlog=NUMBER][:reactors=NUMBER]`: TCP on one address, by default on all IPv4 ones; an IPv6 address
 *   makes it IPv6. Port 0 takes a free one. The backlog is 50 unless given.
 *
 *   With `reactors` so many reactors of the system accept connections, the factory's and those after it, each on a socket of its own
 *   (`SO_REUSEPORT`) with a backlog of its own. The kernel shares connections out among them; each lives where it was accepted, whatever its
 *   class says, unless another reactor has more time for it. Without it, the factory's reactor accepts, and connections live
 *   where their class says, see [method@Troupe.ActorClass.set_placement].
 * - `tcp6:PORT[:interface=ADDRESS][:backlog=NUMBER][:reactors=NUMBER]`: the same over IPv6 only, by default on all addresses.
 * - `fd:NUMBER`: a listening socket this process was given.
 *
 * To connect:
 *
 * - `tcp:HOST:PORT[:timeout=SECONDS][:bindAddress=ADDRESS]`: TCP to a name or address. The port may be the name of a
 *   service. The timeout, 30 seconds unless given, covers looking up the name and all attempts.
 * - `tcp6:…`: the same over IPv6 only.
 *
 * An endpoint never changes and may be shared between threads.
 *
 * Since: 1.0
 */

G_DEFINE_BOXED_TYPE (TroupeEndpoint, troupe_endpoint, troupe_endpoint_ref, troupe_endpoint_unref)

#define TCP_SERVER_FORM "PORT[:interface=ADDRESS][:backlog=NUMBER][:reactors=NUMBER]"
#define TCP_CLIENT_FORM "HOST:PORT[:timeout=SECONDS][:bindAddress=ADDRESS]"

/* One part of the text: “name=value”, or a value alone. */
typedef struct
{
  char    *name;                     /* NULL for a value alone */
  char    *value;
  gboolean used;
} Part;

typedef struct
{
  const char *text;
  const char *form;                  /* what was expected, without the type */
  char       *type;                  /* in lower case */
  GArray     *parts;                 /* of Part */
  GError    **error;
} Parser;

static void
part_clear (gpointer data)
{
  Part *part = data;

  g_free (part->name);
  g_free (part->value);
}

static void
parser_clear (Parser *self)
{
  g_free (self->type);
  g_array_unref (self->parts);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Parser, parser_clear)

/* Always FALSE, so that a caller can return it. */
static gboolean G_GNUC_PRINTF (2, 3)
parser_fail (Parser     *self,
             const char *format,
             ...)
{
  g_autofree char *reason = NULL;
  va_list args;

  va_start (args, format);
  reason = g_strdup_vprintf (format, args);
  va_end (args);

  if (self->form != NULL)
    g_set_error (self->error, TROUPE_ERROR, TROUPE_ERROR_BAD_ENDPOINT, "Bad endpoint “%s”: %s; expected %s:%s", self->text,
                 reason, self->type, self->form);
  else
    g_set_error (self->error, TROUPE_ERROR, TROUPE_ERROR_BAD_ENDPOINT, "Bad endpoint “%s”: %s", self->text, reason);

  return FALSE;
}

/* Reads up to the next bare colon. *TEXT ends on that colon or on the final NUL; FALSE if the last backslash has nothing to quote. */
static gboolean
part_scan (Part        *self,
           const char **text)
{
  g_autoptr (GString) value = g_string_new (NULL);
  const char *p;
  gboolean whole = TRUE;

  *self = (Part) { NULL };

  for (p = *text; *p != '\0' && *p != ':'; p++)
    {
      if (*p == '=' && self->name == NULL)
        {
          self->name = g_strdup (value->str);
          g_string_truncate (value, 0);
          continue;
        }

      if (*p == '\\' && p[1] == '\0')
        whole = FALSE;
      else if (*p == '\\')
        g_string_append_c (value, *++p);
      else
        g_string_append_c (value, *p);
    }

  *text = p;
  self->value = g_strdup (value->str);
  return whole;
}

static gboolean
parser_split (Parser *self)
{
  const char *p = self->text;
  gboolean more = TRUE;

  while (more)
    {
      Part part;
      gboolean whole = part_scan (&part, &p);

      more = *p == ':';
      p += more;

      if (self->type == NULL)
        {
          self->type = g_ascii_strdown (part.value, -1);
          part_clear (&part);
        }
      else
        {
          g_array_append_val (self->parts, part);
        }

      if (!whole)
        return parser_fail (self, "nothing follows the last backslash");
    }

  return TRUE;
}

/* The value called NAME, or the next bare one where POSITIONAL; NULL if there is none. */
static const char *
parser_take (Parser     *self,
             const char *name,
             gboolean    positional)
{
  for (guint i = 0; i < self->parts->len; i++)
    {
      Part *part = &g_array_index (self->parts, Part, i);

      if (part->used)
        continue;

      if (part->name == NULL ? positional : g_str_equal (part->name, name))
        {
          part->used = TRUE;
          return part->value;
        }
    }

  return NULL;
}

/* Nothing may be left. */
static gboolean
parser_finish (Parser *self)
{
  for (guint i = 0; i < self->parts->len; i++)
    {
      Part *part = &g_array_index (self->parts, Part, i);

      if (part->used)
        continue;

      if (part->name == NULL)
        return parser_fail (self, "do not know what “%s” is", part->value);

      for (guint j = 0; j < i; j++)
        if (g_strcmp0 (g_array_index (self->parts, Part, j).name, part->name) == 0)
          return parser_fail (self, "“%s” is given twice", part->name);

      return parser_fail (self, "unknown name “%s”", part->name);
    }

  return TRUE;
}

static gboolean
parser_take_number (Parser     *self,
                    const char *what,
                    const char *text,
                    guint64     min,
                    guint64     max,
                    guint64    *number)
{
  if (text == NULL)
    return parser_fail (self, "the %s is missing", what);

  if (!g_ascii_string_to_unsigned (text, 10, min, max, number, NULL))
    return parser_fail (self, "%s “%s” is not a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, what, text, min, max);

  return TRUE;
}

static gboolean
parser_check_address (Parser     *self,
                      const char *what,
                      const char *text,
                      int        *family)
{
  TroupeAddress address;

  if (!troupe_address_parse (&address, *family, text, 0))
    return parser_fail (self, "%s “%s” is not an %s address", what, text, *family == AF_INET6 ? "IPv6" : "IP");

  *family = address.any.sa_family;
  return TRUE;
}

static gboolean
parse_tcp_server (Parser         *parser,
                  TroupeEndpoint *self)
{
  const char *port = parser_take (parser, "port", TRUE);
  const char *interface = parser_take (parser, "interface", FALSE);
  const char *backlog = parser_take (parser, "backlog", FALSE);
  const char *reactors = parser_take (parser, "reactors", FALSE);
  guint64 number = 0;

  if (!parser_take_number (parser, "port", port, 0, G_MAXUINT16, &number))
    return FALSE;

  self->port = number;

  if (interface != NULL && *interface != '\0')
    {
      if (!parser_check_address (parser, "interface", interface, &self->family))
        return FALSE;

      self->interface = g_strdup (interface);
    }
  else if (self->family == AF_UNSPEC)
    {
      self->family = AF_INET;
    }

  if (backlog != NULL)
    {
      if (!parser_take_number (parser, "backlog", backlog, 1, G_MAXUINT16, &number))
        return FALSE;

      self->backlog = number;
    }

  if (reactors != NULL)
    {
      if (!parser_take_number (parser, "reactors", reactors, 1, TROUPE_MAX_LISTENERS, &number))
        return FALSE;

      self->n_reactors = number;
    }

  return TRUE;
}

static gboolean
parse_fd_server (Parser         *parser,
                 TroupeEndpoint *self)
{
  guint64 number = 0;

  if (!parser_take_number (parser, "descriptor", parser_take (parser, "fileno", TRUE), 0, G_MAXINT, &number))
    return FALSE;

  self->fd = number;
  return TRUE;
}

static gboolean
parse_service (Parser         *parser,
               const char     *text,
               TroupeEndpoint *self)
{
  struct servent result;
  struct servent *found = NULL;
  char buffer[1024];
  guint64 number;

  if (text == NULL || *text == '\0')
    return parser_fail (parser, "the port is missing");

  if (g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT16, &number, NULL))
    {
      self->port = number;
      return TRUE;
    }

  if (getservbyname_r (text, "tcp", &result, buffer, sizeof buffer, &found) != 0 || found == NULL)
    return parser_fail (parser, "port “%s” is neither a number from 1 to 65535 nor a service known here", text);

  self->port = g_ntohs (found->s_port);
  return TRUE;
}

static gboolean
parse_timeout (Parser         *parser,
               const char     *text,
               TroupeEndpoint *self)
{
  char *end = NULL;
  double seconds = g_ascii_strtod (text, &end);

  if (end == text || *end != '\0' || !(seconds >= 0.001 && seconds <= 86400))
    return parser_fail (parser, "timeout “%s” is not a number of seconds from 0.001 to 86400", text);

  self->timeout_ms = seconds * 1000 + 0.5;
  return TRUE;
}

static gboolean
parse_tcp_client (Parser         *parser,
                  TroupeEndpoint *self)
{
  const char *host = parser_take (parser, "host", TRUE);
  const char *port = parser_take (parser, "port", TRUE);
  const char *timeout = parser_take (parser, "timeout", FALSE);
  const char *bind_address = parser_take (parser, "bindAddress", FALSE);

  if (host == NULL || *host == '\0')
    return parser_fail (parser, "the host is missing");

  self->host = g_strdup (host);
  if (!parse_service (parser, port, self))
    return FALSE;

  if (timeout != NULL && !parse_timeout (parser, timeout, self))
    return FALSE;

  if (bind_address != NULL)
    {
      if (!parser_check_address (parser, "bindAddress", bind_address, &self->family))
        return FALSE;

      self->bind_address = g_strdup (bind_address);
    }

  return TRUE;
}

typedef struct
{
  const char        *type;
  gboolean           server;
  TroupeEndpointKind kind;
  int                family;
  const char        *form;
  gboolean         (*parse) (Parser *, TroupeEndpoint *);
} Scheme;

static const Scheme schemes[] =
{
  { "tcp", TRUE, TROUPE_ENDPOINT_TCP, AF_UNSPEC, TCP_SERVER_FORM, parse_tcp_server },
  { "tcp6", TRUE, TROUPE_ENDPOINT_TCP, AF_INET6, TCP_SERVER_FORM, parse_tcp_server },
  { "fd", TRUE, TROUPE_ENDPOINT_FD, AF_UNSPEC, "NUMBER", parse_fd_server },
  { "tcp", FALSE, TROUPE_ENDPOINT_TCP, AF_UNSPEC, TCP_CLIENT_FORM, parse_tcp_client },
  { "tcp6", FALSE, TROUPE_ENDPOINT_TCP, AF_INET6, TCP_CLIENT_FORM, parse_tcp_client },
};

static TroupeEndpoint *
troupe_endpoint_new (const Scheme *scheme)
{
  TroupeEndpoint *self = g_atomic_rc_box_new0 (TroupeEndpoint);

  self->kind = scheme->kind;
  self->server = scheme->server;
  self->family = scheme->family;
  self->backlog = TROUPE_DEFAULT_BACKLOG;
  self->fd = -1;
  self->timeout_ms = TROUPE_DEFAULT_CONNECT_TIMEOUT_MS;
  return self;
}

static TroupeEndpoint *
troupe_endpoint_parse (const char  *text,
                       gboolean     server,
                       GError     **error)
{
  g_auto (Parser) parser = { .text = text, .error = error };
  g_autoptr (TroupeEndpoint) self = NULL;
  const Scheme *scheme = NULL;

  parser.parts = g_array_new (FALSE, FALSE, sizeof (Part));
  g_array_set_clear_func (parser.parts, part_clear);

  if (text == NULL)
    {
      g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_BAD_ENDPOINT, "No endpoint is given: one is such as tcp:8025");
      return NULL;
    }

  if (!parser_split (&parser))
    return NULL;

  for (guint i = 0; i < G_N_ELEMENTS (schemes) && scheme == NULL; i++)
    if (schemes[i].server == server && g_str_equal (schemes[i].type, parser.type))
      scheme = &schemes[i];

  if (scheme == NULL)
    {
      parser_fail (&parser, "unknown type “%s”; known ones to %s", parser.type,
                   server ? "listen are tcp:" TCP_SERVER_FORM ", tcp6:" TCP_SERVER_FORM " and fd:NUMBER"
                          : "connect are tcp:" TCP_CLIENT_FORM " and tcp6:" TCP_CLIENT_FORM);
      return NULL;
    }

  parser.form = scheme->form;
  self = troupe_endpoint_new (scheme);
  if (!scheme->parse (&parser, self) || !parser_finish (&parser))
    return NULL;

  return g_steal_pointer (&self);
}

static void
troupe_endpoint_clear (gpointer data)
{
  TroupeEndpoint *self = data;

  g_free (self->interface);
  g_free (self->host);
  g_free (self->bind_address);
}

/**
 * troupe_endpoint_parse_server:
 * @text: (nullable): where to listen, such as `tcp:8025:interface=127.0.0.1`
 * @error: where to put the reason
 *
 * Parses where to listen.
 *
 * Call it from any thread. Nothing is opened and no name is looked up. It fails with %TROUPE_ERROR_BAD_ENDPOINT, whose
 * message says which part is wrong and shows the expected form; for %NULL, too, as it may be what a setting holds that nobody has set.
 *
 * Returns: (transfer full): an endpoint, or %NULL with @error set
 *
 * Since: 1.0
 */
TroupeEndpoint *
troupe_endpoint_parse_server (const char  *text,
                              GError     **error)
{
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return troupe_endpoint_parse (text, TRUE, error);
}

/**
 * troupe_endpoint_parse_client:
 * @text: (nullable): where to connect to, such as `tcp:example.org:80:timeout=5`
 * @error: where to put the reason
 *
 * Parses where to connect to.
 *
 * Call it from any thread. No host name is looked up, but the name of a service is. It fails with
 * %TROUPE_ERROR_BAD_ENDPOINT, whose message says which part is wrong and shows the expected form; for %NULL, too, as it may be what a
 * setting holds that nobody has set.
 *
 * Returns: (transfer full): an endpoint, or %NULL with @error set
 *
 * Since: 1.0
 */
TroupeEndpoint *
troupe_endpoint_parse_client (const char  *text,
                              GError     **error)
{
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return troupe_endpoint_parse (text, FALSE, error);
}

/**
 * troupe_endpoint_ref:
 * @self: an endpoint
 *
 * Takes a reference, on any thread.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
TroupeEndpoint *
troupe_endpoint_ref (TroupeEndpoint *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

/**
 * troupe_endpoint_unref:
 * @self: (transfer full): an endpoint
 *
 * Lets go of a reference, on any thread.
 *
 * Since: 1.0
 */
void
troupe_endpoint_unref (TroupeEndpoint *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release_full (self, troupe_endpoint_clear);
}

static void
append_quoted (GString    *string,
               const char *before,
               const char *text)
{
  g_autofree char *quoted = troupe_endpoint_quote (text);

  g_string_append (string, before);
  g_string_append (string, quoted);
}

static void
append_server (GString              *string,
               const TroupeEndpoint *self)
{
  g_string_append_printf (string, "%s:%u", self->family == AF_INET6 && self->interface == NULL ? "tcp6" : "tcp", self->port);
  if (self->interface != NULL)
    append_quoted (string, ":interface=", self->interface);
  if (self->backlog != TROUPE_DEFAULT_BACKLOG)
    g_string_append_printf (string, ":backlog=%d", self->backlog);
  if (self->n_reactors > 0)
    g_string_append_printf (string, ":reactors=%u", self->n_reactors);
}

static void
append_client (GString              *string,
               const TroupeEndpoint *self)
{
  append_quoted (string, self->family == AF_INET6 && self->bind_address == NULL ? "tcp6:" : "tcp:", self->host);
  g_string_append_printf (string, ":%u", self->port);

  if (self->timeout_ms != TROUPE_DEFAULT_CONNECT_TIMEOUT_MS)
    {
      char seconds[G_ASCII_DTOSTR_BUF_SIZE];

      g_ascii_formatd (seconds, sizeof seconds, "%.10g", self->timeout_ms / 1000.0);
      g_string_append_printf (string, ":timeout=%s", seconds);
    }

  if (self->bind_address != NULL)
    append_quoted (string, ":bindAddress=", self->bind_address);
}

/**
 * troupe_endpoint_to_string:
 * @self: an endpoint
 *
 * Writes an endpoint down so that it can be parsed again.
 *
 * What has its default value is left out. Call it from any thread.
 *
 * Returns: (transfer full): the text
 *
 * Since: 1.0
 */
char *
troupe_endpoint_to_string (TroupeEndpoint *self)
{
  GString *string;

  g_return_val_if_fail (self != NULL, NULL);

  string = g_string_new (NULL);
  if (self->kind == TROUPE_ENDPOINT_FD)
    g_string_printf (string, "fd:%d", self->fd);
  else if (self->server)
    append_server (string, self);
  else
    append_client (string, self);

  return g_string_free (string, FALSE);
}

/**
 * troupe_endpoint_quote:
 * @text: a value, such as an IPv6 address
 *
 * Puts a backslash before each character of @text that has a meaning in endpoint strings.
 *
 * Returns: (transfer full): the value as it is written in an endpoint string
 *
 * Since: 1.0
 */
char *
troupe_endpoint_quote (const char *text)
{
  GString *string;

  g_return_val_if_fail (text != NULL, NULL);

  string = g_string_sized_new (strlen (text) + 8);
  for (const char *p = text; *p != '\0'; p++)
    {
      if (*p == ':' || *p == '\\' || *p == '=')
        g_string_append_c (string, '\\');
      g_string_append_c (string, *p);
    }

  return g_string_free (string, FALSE);
}

char *
troupe_endpoint_dup_text (const TroupeEndpoint *self)
{
  const char *host = self->server ? self->interface : self->host;

  if (self->kind == TROUPE_ENDPOINT_FD)
    return g_strdup_printf ("descriptor %d", self->fd);

  if (host == NULL)
    host = self->family == AF_INET6 ? "::" : "0.0.0.0";

  return g_strdup_printf (strchr (host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, self->port);
}

char *
troupe_endpoint_string_to_reach (const TroupeAddress *address)
{
  g_autofree char *host = troupe_address_dup_host (address);
  g_autofree char *quoted = troupe_endpoint_quote (host);

  return g_strdup_printf ("tcp:%s:%u", quoted, troupe_address_get_port (address));
}
