/* troupe-line-protocol.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <string.h>

#include "troupe-error.h"
#include "troupe-line-protocol-private.h"

/**
 * TroupeLineProtocol:
 *
 * A connection that speaks lines.
 *
 * Bytes are cut at the delimiter, CRLF unless [method@Troupe.LineProtocol.set_delimiter] says otherwise, and each line is handed to
 * the virtual function `line_received`, empty lines included. A line longer than [property@Troupe.LineProtocol:max-length] goes to
 * `line_length_exceeded`, as soon as it is known to be too long. What follows the last delimiter when the connection ends is dropped.
 *
 * In raw mode bytes go to `raw_data_received` as they come. Once the connection is closing no more lines are delivered, even if some
 * were received before.
 *
 * All functions are for the connection's own turns.
 *
 * Since: 1.0
 */

/**
 * TroupeLineProtocolClass::line_received:
 * @self: the connection
 * @line: (array length=length) (element-type guint8): one line without its delimiter, followed by a zero byte
 * @length: its length in bytes
 * @error: where to say why it failed
 *
 * Handles one line.
 *
 * @line is valid during the call only. It may be empty, hold zero bytes and be in any encoding.
 *
 * Returns: %FALSE with @error set if it failed, which drops the connection
 *
 * Since: 1.0
 */

/**
 * TroupeLineProtocolClass::raw_data_received:
 * @self: the connection
 * @data: (array length=length): bytes, at least one, valid during the call only
 * @length: how many
 * @error: where to say why it failed
 *
 * Handles bytes in raw mode.
 *
 * Returns: %FALSE with @error set if it failed, which drops the connection
 *
 * Since: 1.0
 */

/**
 * TroupeLineProtocolClass::line_length_exceeded:
 * @self: the connection
 * @data: (array length=length): what has come of the line, valid during the call only
 * @length: how many bytes
 * @error: where to say why it failed
 *
 * Handles a line longer than [property@Troupe.LineProtocol:max-length], once.
 *
 * Returns: %TRUE to skip the rest of the line and go on with the next, or %FALSE with @error set, which drops the connection
 *
 * Since: 1.0
 */

#define DEFAULT_MAX_LENGTH 16384
#define KEPT_SIZE          256       /* an empty buffer larger than this is not worth its memory */
#define SPARE_SIZE         98304     /* the largest chunk of a reactor, and a partial line before it */

/*
 * The bytes that wait to be parsed.
 *
 * While it parses, a connection works in the thread's spare block; only what is left over moves into memory of its own. Idle
 * connections hold none.
 */
typedef struct
{
  guint8 *data;                      /* owned; NULL if ALLOCATED is 0 */
  gsize   start;                     /* the first byte not yet delivered */
  gsize   end;
  gsize   scanned;                   /* no delimiter begins before it */
  gsize   allocated;
  guint   is_spare : 1;
} Buffer;

typedef struct
{
  Buffer      buffer;
  gpointer    transport;             /* whose bytes BUFFER holds; no reference, never looked into */
  GByteArray *extra;                 /* what came while a handler ran, to follow BUFFER; else NULL */
  const char *delimiter;             /* NULL: LF, with or without CR; owned unless DEFAULT_DELIMITER */
  gsize       max_length;
  guint       raw      : 1;
  guint       paused   : 1;
  guint       parsing  : 1;
  guint       skipping : 1;          /* the rest of a line that was too long */
} TroupeLineProtocolPrivate;

enum { PROP_0, PROP_MAX_LENGTH, N_PROPS };

G_DEFINE_TYPE_WITH_PRIVATE (TroupeLineProtocol, troupe_line_protocol, TROUPE_TYPE_PROTOCOL)

static const char DEFAULT_DELIMITER[] = "\r\n";
static GParamSpec *properties[N_PROPS];
static GPrivate spare = G_PRIVATE_INIT (g_free);

static guint8 *
spare_take (void)
{
  guint8 *block = g_private_get (&spare);

  if (block == NULL)
    return g_malloc (SPARE_SIZE);

  g_private_set (&spare, NULL);
  return block;
}

static void
spare_give (guint8 *block)
{
  if (g_private_get (&spare) == NULL)
    g_private_set (&spare, block);
  else
    g_free (block);
}

static void
buffer_clear (Buffer *self)
{
  if (self->is_spare)
    spare_give (self->data);
  else
    g_free (self->data);

  *self = (Buffer) { .data = NULL };
}

/* Moves what SELF holds into BLOCK, which is taken. */
static void
buffer_move (Buffer   *self,
             guint8   *block,
             gsize     size,
             gboolean  is_spare)
{
  Buffer moved = { .data = block, .allocated = size, .is_spare = is_spare };

  moved.end = self->end - self->start;
  moved.scanned = MAX (self->scanned, self->start) - self->start;
  if (moved.end > 0)
    memcpy (block, self->data + self->start, moved.end);

  buffer_clear (self);
  *self = moved;
}

static void
buffer_append (Buffer       *self,
               const guint8 *data,
               gsize         length)
{
  gsize needed = self->end - self->start + length;

  if (length == 0)
    return;

  if (self->end + length > self->allocated)
    {
      if (needed <= SPARE_SIZE && !self->is_spare)
        buffer_move (self, spare_take (), SPARE_SIZE, TRUE);
      else
        buffer_move (self, g_malloc (needed * 2), needed * 2, FALSE);
    }

  memcpy (self->data + self->end, data, length);
  self->end += length;
}

/* Lets go of memory that SELF does not need while it waits. The slack makes bytes that come one by one cost constant time each. */
static void
buffer_settle (Buffer *self)
{
  gsize held = self->end - self->start;
  gsize size = MAX (held * 2, 64);

  if (held == 0 && (self->is_spare || self->allocated > KEPT_SIZE))
    buffer_clear (self);
  else if (held == 0)
    self->start = self->end = self->scanned = 0;
  else if (self->is_spare || (self->allocated > KEPT_SIZE && held < self->allocated / 4))
    buffer_move (self, g_malloc (size), size, FALSE);
}

static gsize
troupe_line_protocol_get_delimiter_length (TroupeLineProtocolPrivate *priv)
{
  return priv->delimiter != NULL ? strlen (priv->delimiter) : 1;
}

/* Looks for the last byte first: memmem () takes five times as long to find CRLF. */
static const guint8 *
find_bytes (const guint8 *data,
            gsize         length,
            const char   *wanted,
            gsize         n_wanted)
{
  const guint8 *end = data + length;

  if (length < n_wanted)
    return NULL;

  for (const guint8 *at = data + n_wanted - 1; (at = memchr (at, wanted[n_wanted - 1], end - at)) != NULL; at++)
    {
      if (memcmp (at - n_wanted + 1, wanted, n_wanted) == 0)
        return at - n_wanted + 1;
    }

  return NULL;
}

/* Finds the next delimiter: where it begins, and where it ends. */
static gboolean
troupe_line_protocol_find_delimiter (TroupeLineProtocolPrivate *priv,
                                     gsize                     *from,
                                     gsize                     *to)
{
  Buffer *buffer = &priv->buffer;
  const char *delimiter = priv->delimiter != NULL ? priv->delimiter : "\n";
  gsize length = troupe_line_protocol_get_delimiter_length (priv);
  gsize scanned = MAX (buffer->scanned, buffer->start);
  const guint8 *found = find_bytes (buffer->data + scanned, buffer->end - scanned, delimiter, length);

  if (found == NULL)
    {
      /* Its first bytes may be there already. */
      buffer->scanned = MAX (scanned, buffer->end - MIN (buffer->end, length - 1));
      return FALSE;
    }

  buffer->scanned = *from = found - buffer->data;
  *to = *from + length;
  if (priv->delimiter == NULL && *from > buffer->start && found[-1] == '\r')
    *from -= 1;

  return TRUE;
}

static gboolean
troupe_line_protocol_exceed (TroupeLineProtocol  *self,
                             gsize                end,
                             GError             **error)
{
  TroupeLineProtocolPrivate *priv = troupe_line_protocol_get_instance_private (self);
  Buffer *buffer = &priv->buffer;
  gboolean kept;

  priv->skipping = TRUE;
  kept = TROUPE_LINE_PROTOCOL_GET_CLASS (self)->line_length_exceeded (self, buffer->data + buffer->start,
                                                                      end - buffer->start, error);
  /* Else the bytes that were given stay until the delimiter after them is found, which may have begun among them. */
  if (!priv->skipping)
    buffer->start = MAX (buffer->start, end);

  return kept;
}

static void
troupe_line_protocol_skip (TroupeLineProtocolPrivate *priv)
{
  gsize from, to;

  if (troupe_line_protocol_find_delimiter (priv, &from, &to))
    {
      priv->buffer.start = to;
      priv->skipping = FALSE;
    }
  else
    priv->buffer.start = MAX (priv->buffer.start, priv->buffer.scanned);
}

static gboolean
troupe_line_protocol_deliver_raw (TroupeLineProtocol  *self,
                                  GError             **error)
{
  TroupeLineProtocolPrivate *priv = troupe_line_protocol_get_instance_private (self);
  Buffer *buffer = &priv->buffer;
  const guint8 *data = buffer->data + buffer->start;
  gsize length = buffer->end - buffer->start;

  buffer->start = buffer->end;
  return TROUPE_LINE_PROTOCOL_GET_CLASS (self)->raw_data_received (self, data, length, error);
}

static gboolean
troupe_line_protocol_deliver_line (TroupeLineProtocol  *self,
                                   gsize                from,
                                   gsize                to,
                                   GError             **error)
{
  TroupeLineProtocolPrivate *priv = troupe_line_protocol_get_instance_private (self);
  Buffer *buffer = &priv->buffer;
  const char *line = (const char *) buffer->data + buffer->start;
  gsize length = from - buffer->start;

  buffer->data[from] = '\0';
  buffer->start = to;
  return TROUPE_LINE_PROTOCOL_GET_CLASS (self)->line_received (self, line, length, error);
}

/* Delivers one thing, or clears MORE if there are too few bytes for that. FALSE: a handler failed. */
static gboolean
troupe_line_protocol_parse_one (TroupeLineProtocol  *self,
                                gboolean            *more,
                                GError             **error)
{
  TroupeLineProtocolPrivate *priv = troupe_line_protocol_get_instance_private (self);
  Buffer *buffer = &priv->buffer;
  gsize delimiter_length = priv->delimiter != NULL ? strlen (priv->delimiter) : 2;
  gsize from, to;

  if (priv->raw)
    return troupe_line_protocol_deliver_raw (self, error);

  if (priv->skipping)
    {
      troupe_line_protocol_skip (priv);
      *more = !priv->skipping;
      return TRUE;
    }

  if (troupe_line_protocol_find_delimiter (priv, &from, &to))
    {
      if (from - buffer->start > priv->max_length)
        return troupe_line_protocol_exceed (self, from, error);

      return troupe_line_protocol_deliver_line (self, from, to, error);
    }

  /* The last bytes may belong to a delimiter. */
  if (buffer->end - buffer->start >= delimiter_length &&
      buffer->end - buffer->start - delimiter_length >= priv->max_length)
    return troupe_line_protocol_exceed (self, buffer->end, error);

  *more = FALSE;
  return TRUE;
}

static void
troupe_line_protocol_take_extra (TroupeLineProtocolPrivate *priv)
{
  if (priv->extra == NULL)
    return;

  buffer_append (&priv->buffer, priv->extra->data, priv->extra->len);
  g_clear_pointer (&priv->extra, g_byte_array_unref);
}

static gboolean
troupe_line_protocol_is_closing (TroupeLineProtocol *self)
{
  TroupeTransport *transport = troupe_protocol_get_transport (TROUPE_PROTOCOL (self));

  return transport != NULL && troupe_transport_is_disconnecting (transport);
}

/* Whoever is to handle the lines has no room for more. */
static gboolean
troupe_line_protocol_is_throttled (TroupeLineProtocol *self)
{
  TroupeTransport *transport = troupe_protocol_get_transport (TROUPE_PROTOCOL (self));

  return transport != NULL && troupe_transport_is_throttled (transport);
}

static gboolean
troupe_line_protocol_parse (TroupeLineProtocol  *self,
                            GError             **error)
{
  TroupeLineProtocolPrivate *priv = troupe_line_protocol_get_instance_private (self);
  gboolean ok = TRUE;
  gboolean more = TRUE;

  priv->parsing = TRUE;
  while (ok && more && !priv->paused && priv->buffer.end > priv->buffer.start &&
         !troupe_line_protocol_is_throttled (self))
    {
      if (troupe_line_protocol_is_closing (self))
        {
          priv->buffer.start = priv->buffer.end;
          break;
        }

      ok = troupe_line_protocol_parse_one (self, &more, error);
      troupe_line_protocol_take_extra (priv);
    }
  priv->parsing = FALSE;

  buffer_settle (&priv->buffer);
  return ok;
}

/* Parses what is there and DATA, which may point into what a handler was given. */
static gboolean
troupe_line_protocol_feed (TroupeLineProtocol  *self,
                           const guint8        *data,
                           gsize                length,
                           GError             **error)
{
  TroupeLineProtocolPrivate *priv = troupe_line_protocol_get_instance_private (self);

  if (priv->parsing)
    {
      if (priv->extra == NULL)
        priv->extra = g_byte_array_new ();
      g_byte_array_append (priv->extra, data, length);
      return TRUE;
    }

  buffer_append (&priv->buffer, data, length);
  return troupe_line_protocol_parse (self, error);
}

/* What waited may go on. */
static void
troupe_line_protocol_go_on (TroupeLineProtocol *self)
{
  TroupeLineProtocolPrivate *priv = troupe_line_protocol_get_instance_private (self);
  GError *error = NULL;

  if (priv->parsing || troupe_line_protocol_parse (self, &error))
    return;

  if (error == NULL)
    error = g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_FAILED, "A handler failed without saying why");
  troupe_actor_fail (TROUPE_ACTOR (self), error);
}

static void
troupe_line_protocol_read_resumed (TroupeProtocol *protocol)
{
  troupe_line_protocol_go_on (TROUPE_LINE_PROTOCOL (protocol));
}

static gboolean
troupe_line_protocol_data_received (TroupeProtocol  *protocol,
                                    const guint8    *data,
                                    gsize            length,
                                    GError         **error)
{
  TroupeLineProtocol *self = TROUPE_LINE_PROTOCOL (protocol);
  TroupeLineProtocolPrivate *priv = troupe_line_protocol_get_instance_private (self);
  TroupeTransport *transport = troupe_protocol_get_transport (protocol);

  /* A protocol that lives on gets another connection: what the last one left unfinished does not belong to it. */
  if (priv->transport != transport)
    {
      priv->transport = transport;
      priv->skipping = FALSE;
      priv->buffer.start = priv->buffer.end;
    }

  return troupe_line_protocol_feed (self, data, length, error);
}

static gboolean
troupe_line_protocol_real_line_received (TroupeLineProtocol  *self,
                                         const char          *line,
                                         gsize                length,
                                         GError             **error)
{
  return TRUE;
}

static gboolean
troupe_line_protocol_real_raw_data_received (TroupeLineProtocol  *self,
                                             const guint8        *data,
                                             gsize                length,
                                             GError             **error)
{
  return TRUE;
}

static gboolean
troupe_line_protocol_real_line_length_exceeded (TroupeLineProtocol  *self,
                                                const guint8        *data,
                                                gsize                length,
                                                GError             **error)
{
  TroupeLineProtocolPrivate *priv = troupe_line_protocol_get_instance_private (self);

  g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_LINE_TOO_LONG,
               "A line is longer than %" G_GSIZE_FORMAT " bytes", priv->max_length);
  return FALSE;
}

static void
troupe_line_protocol_finalize (GObject *object)
{
  TroupeLineProtocol *self = TROUPE_LINE_PROTOCOL (object);
  TroupeLineProtocolPrivate *priv = troupe_line_protocol_get_instance_private (self);

  buffer_clear (&priv->buffer);
  g_clear_pointer (&priv->extra, g_byte_array_unref);
  if (priv->delimiter != DEFAULT_DELIMITER)
    g_free ((char *) priv->delimiter);

  G_OBJECT_CLASS (troupe_line_protocol_parent_class)->finalize (object);
}

static void
troupe_line_protocol_get_property (GObject    *object,
                                   guint       prop_id,
                                   GValue     *value,
                                   GParamSpec *pspec)
{
  TroupeLineProtocol *self = TROUPE_LINE_PROTOCOL (object);

  switch (prop_id)
    {
    case PROP_MAX_LENGTH:
      g_value_set_uint64 (value, troupe_line_protocol_get_max_length (self));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
troupe_line_protocol_set_property (GObject      *object,
                                   guint         prop_id,
                                   const GValue *value,
                                   GParamSpec   *pspec)
{
  TroupeLineProtocol *self = TROUPE_LINE_PROTOCOL (object);

  switch (prop_id)
    {
    case PROP_MAX_LENGTH:
      troupe_line_protocol_set_max_length (self, g_value_get_uint64 (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
troupe_line_protocol_class_init (TroupeLineProtocolClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TroupeProtocolClass *protocol_class = TROUPE_PROTOCOL_CLASS (klass);

  object_class->finalize = troupe_line_protocol_finalize;
  object_class->get_property = troupe_line_protocol_get_property;
  object_class->set_property = troupe_line_protocol_set_property;

  protocol_class->data_received = troupe_line_protocol_data_received;
  protocol_class->read_resumed = troupe_line_protocol_read_resumed;

  klass->line_received = troupe_line_protocol_real_line_received;
  klass->raw_data_received = troupe_line_protocol_real_raw_data_received;
  klass->line_length_exceeded = troupe_line_protocol_real_line_length_exceeded;

  /**
   * TroupeLineProtocol:max-length: (getter get_max_length) (setter set_max_length)
   *
   * The most bytes a line may have, without its delimiter.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_LENGTH] =
    g_param_spec_uint64 ("max-length", NULL, NULL,
                         0, G_MAXSIZE, DEFAULT_MAX_LENGTH,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
troupe_line_protocol_init (TroupeLineProtocol *self)
{
  TroupeLineProtocolPrivate *priv = troupe_line_protocol_get_instance_private (self);

  priv->delimiter = DEFAULT_DELIMITER;
  priv->max_length = DEFAULT_MAX_LENGTH;
}

void
troupe_line_protocol_write (TroupeLineProtocol *self,
                            const char         *line,
                            gsize               length,
                            const char         *ending)
{
  TroupeTransport *transport = troupe_protocol_get_transport (TROUPE_PROTOCOL (self));
  gsize ending_length = strlen (ending);
  guint8 small[1024];
  g_autofree guint8 *large = NULL;
  guint8 *bytes = small;

  if (transport == NULL)
    return;

  if (length + ending_length > sizeof small)
    bytes = large = g_malloc (length + ending_length);
  memcpy (bytes, line, length);
  memcpy (bytes + length, ending, ending_length);
  troupe_transport_write (transport, bytes, length + ending_length);
}

/**
 * troupe_line_protocol_send_line:
 * @self: a connection
 * @line: (array length=length) (element-type guint8): what to send, without delimiter
 * @length: its length in bytes, or -1 if it ends with a zero byte
 *
 * Sends @line and a delimiter.
 *
 * If the delimiter is %NULL, CRLF is sent. @line is not searched for delimiters: the peer would see several lines. Nothing is sent
 * before the connection is made or once it is closing.
 *
 * Since: 1.0
 */
void
troupe_line_protocol_send_line (TroupeLineProtocol *self,
                                const char         *line,
                                gssize              length)
{
  TroupeLineProtocolPrivate *priv = troupe_line_protocol_get_instance_private (self);

  g_return_if_fail (TROUPE_IS_LINE_PROTOCOL (self));
  g_return_if_fail (line != NULL || length == 0);

  troupe_line_protocol_write (self, line != NULL ? line : "", length >= 0 ? (gsize) length : strlen (line),
                              priv->delimiter != NULL ? priv->delimiter : DEFAULT_DELIMITER);
}

/**
 * troupe_line_protocol_set_delimiter:
 * @self: a connection
 * @delimiter: (nullable): what ends a line, not empty, or %NULL
 *
 * Sets what ends a line, from the next line on.
 *
 * %NULL means LF, and one CR before it is dropped: this reads what telnet, which sends CRLF, and netcat, which sends LF, both say.
 *
 * Since: 1.0
 */
void
troupe_line_protocol_set_delimiter (TroupeLineProtocol *self,
                                    const char         *delimiter)
{
  TroupeLineProtocolPrivate *priv = troupe_line_protocol_get_instance_private (self);
  char *copy;

  g_return_if_fail (TROUPE_IS_LINE_PROTOCOL (self));
  g_return_if_fail (delimiter == NULL || *delimiter != '\0');

  copy = g_strdup (delimiter);
  if (priv->delimiter != DEFAULT_DELIMITER)
    g_free ((char *) priv->delimiter);
  priv->delimiter = copy;
  priv->buffer.scanned = priv->buffer.start;
}

/**
 * troupe_line_protocol_get_max_length: (get-property max-length)
 * @self: a connection
 *
 * Gets how long a line may be.
 *
 * Returns: a number of bytes, the delimiter not counted
 *
 * Since: 1.0
 */
gsize
troupe_line_protocol_get_max_length (TroupeLineProtocol *self)
{
  TroupeLineProtocolPrivate *priv = troupe_line_protocol_get_instance_private (self);

  g_return_val_if_fail (TROUPE_IS_LINE_PROTOCOL (self), 0);

  return priv->max_length;
}

/**
 * troupe_line_protocol_set_max_length: (set-property max-length)
 * @self: a connection
 * @max_length: a number of bytes, the delimiter not counted
 *
 * Sets how long a line may be, from the next line on.
 *
 * Since: 1.0
 */
void
troupe_line_protocol_set_max_length (TroupeLineProtocol *self,
                                     gsize               max_length)
{
  TroupeLineProtocolPrivate *priv = troupe_line_protocol_get_instance_private (self);

  g_return_if_fail (TROUPE_IS_LINE_PROTOCOL (self));

  if (priv->max_length == max_length)
    return;

  priv->max_length = max_length;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MAX_LENGTH]);
}

/**
 * troupe_line_protocol_set_raw_mode:
 * @self: a connection
 *
 * Stops cutting into lines: from now on all bytes go to `raw_data_received`, those first that were received already.
 *
 * In a line that was too long, this includes the rest of it.
 *
 * Since: 1.0
 */
void
troupe_line_protocol_set_raw_mode (TroupeLineProtocol *self)
{
  TroupeLineProtocolPrivate *priv = troupe_line_protocol_get_instance_private (self);

  g_return_if_fail (TROUPE_IS_LINE_PROTOCOL (self));

  priv->raw = TRUE;
  priv->skipping = FALSE;
}

/**
 * troupe_line_protocol_set_line_mode:
 * @self: a connection
 * @extra: (array length=length) (nullable): bytes that were received in raw mode but belong to lines
 * @length: how many
 * @error: where to say why a handler failed
 *
 * Cuts into lines again, beginning with @extra.
 *
 * Called by a handler of this connection, it returns at once, and the lines are delivered when the handler has returned. Called by
 * other code of the connection, they are delivered before it returns.
 *
 * Returns: %FALSE with @error set if a handler failed
 *
 * Since: 1.0
 */
gboolean
troupe_line_protocol_set_line_mode (TroupeLineProtocol  *self,
                                    const guint8        *extra,
                                    gsize                length,
                                    GError             **error)
{
  TroupeLineProtocolPrivate *priv = troupe_line_protocol_get_instance_private (self);

  g_return_val_if_fail (TROUPE_IS_LINE_PROTOCOL (self), FALSE);
  g_return_val_if_fail (extra != NULL || length == 0, FALSE);

  priv->raw = FALSE;
  return troupe_line_protocol_feed (self, extra, length, error);
}

/**
 * troupe_line_protocol_pause:
 * @self: a connection
 *
 * Stops reading and delivering, even what was received already.
 *
 * Since: 1.0
 */
void
troupe_line_protocol_pause (TroupeLineProtocol *self)
{
  TroupeLineProtocolPrivate *priv = troupe_line_protocol_get_instance_private (self);
  TroupeTransport *transport;

  g_return_if_fail (TROUPE_IS_LINE_PROTOCOL (self));

  priv->paused = TRUE;
  transport = troupe_protocol_get_transport (TROUPE_PROTOCOL (self));
  if (transport != NULL)
    troupe_transport_pause_reading (transport);
}

/**
 * troupe_line_protocol_resume:
 * @self: a connection
 *
 * Reads and delivers again after [method@Troupe.LineProtocol.pause].
 *
 * What was received already is delivered before this returns, or, if a handler of this connection calls it, when that has returned.
 * If a handler fails meanwhile, so does the actor.
 *
 * Since: 1.0
 */
void
troupe_line_protocol_resume (TroupeLineProtocol *self)
{
  TroupeLineProtocolPrivate *priv = troupe_line_protocol_get_instance_private (self);
  TroupeTransport *transport;

  g_return_if_fail (TROUPE_IS_LINE_PROTOCOL (self));

  if (!priv->paused)
    return;

  priv->paused = FALSE;
  transport = troupe_protocol_get_transport (TROUPE_PROTOCOL (self));
  if (transport != NULL)
    troupe_transport_resume_reading (transport);

  troupe_line_protocol_go_on (self);
}

/**
 * troupe_line_protocol_clear_buffer:
 * @self: a connection
 *
 * Forgets what was received and not delivered yet.
 *
 * Since: 1.0
 */
void
troupe_line_protocol_clear_buffer (TroupeLineProtocol *self)
{
  TroupeLineProtocolPrivate *priv = troupe_line_protocol_get_instance_private (self);

  g_return_if_fail (TROUPE_IS_LINE_PROTOCOL (self));

  g_clear_pointer (&priv->extra, g_byte_array_unref);
  priv->buffer.start = priv->buffer.end;
  if (!priv->parsing)
    buffer_settle (&priv->buffer);
}
