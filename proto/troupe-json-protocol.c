/* troupe-json-protocol.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <string.h>

#include "troupe-error.h"
#include "troupe-json-protocol.h"
#include "troupe-line-protocol-private.h"

/**
 * TroupeJsonProtocol:
 *
 * A connection that speaks JSON: one object to a line, each way.
 *
 * Every line that is a JSON object goes to `json_received`. A line that is not, or is longer than
 * [property@Troupe.LineProtocol:max-length] or deeper than [property@Troupe.JsonProtocol:max-depth], goes to `bad_json`, which answers
 *
 * ```json
 * {"error": "Bad JSON at byte 17: unexpected end", "code": "bad-json", "offset": 17}
 * ```
 *
 * and goes on with the next line. `code` is one of `bad-json`, `bad-encoding` (not UTF-8), `not-an-object`, `too-deep` and
 * `too-large`; `offset` counts bytes from the start of the line.
 *
 * A line ends with LF; a CR before it is dropped, and empty lines are ignored. What is sent ends with LF.
 *
 * All functions are for the connection's own turns.
 *
 * Since: 1.0
 */

/**
 * TroupeJsonProtocolClass::json_received: (skip)
 * @self: the connection
 * @json: the object
 * @error: where to say why it failed
 *
 * Handles one object, which is valid during the call only, unless it is taken with `troupe_json_protocol_steal_json ()`.
 *
 * Returns: %FALSE with @error set if it failed, which drops the connection
 *
 * Since: 1.0
 */

/**
 * TroupeJsonProtocolClass::text_received:
 * @self: the connection
 * @text: the object as it came, valid during the call only
 * @error: where to say why it failed
 *
 * Handles one object, given as JSON text.
 *
 * Returns: %FALSE with @error set if it failed, which drops the connection
 *
 * Since: 1.0
 */

/**
 * TroupeJsonProtocolClass::bad_json:
 * @self: the connection
 * @reason: %TROUPE_ERROR_BAD_JSON, %TROUPE_ERROR_BAD_ENCODING, %TROUPE_ERROR_NOT_AN_OBJECT, %TROUPE_ERROR_TOO_DEEP or
 *   %TROUPE_ERROR_TOO_LARGE
 * @offset: where in the line, in bytes
 * @error: where to say why the connection must be dropped
 *
 * Decides what becomes of a line that is not an object within the limits.
 *
 * Returns: %TRUE to go on with the next line, or %FALSE with @error set, which drops the connection
 *
 * Since: 1.0
 */

#define DEFAULT_MAX_DEPTH 32

typedef struct
{
  const char *line;                  /* while its object is being handled, else NULL */
  struct json_object *json;          /* that object, unless it was stolen */
  guint       max_depth;
  guint       max_errors;            /* 0: any number */
  guint       n_errors;
} TroupeJsonProtocolPrivate;

enum { PROP_0, PROP_MAX_DEPTH, PROP_MAX_ERRORS, N_PROPS };

G_DEFINE_TYPE_WITH_PRIVATE (TroupeJsonProtocol, troupe_json_protocol, TROUPE_TYPE_LINE_PROTOCOL)

static GParamSpec *properties[N_PROPS];

static const char *
code_name (const GError *reason)
{
  if (g_error_matches (reason, TROUPE_ERROR, TROUPE_ERROR_BAD_ENCODING))
    return "bad-encoding";
  if (g_error_matches (reason, TROUPE_ERROR, TROUPE_ERROR_NOT_AN_OBJECT))
    return "not-an-object";
  if (g_error_matches (reason, TROUPE_ERROR, TROUPE_ERROR_TOO_DEEP))
    return "too-deep";
  if (g_error_matches (reason, TROUPE_ERROR, TROUPE_ERROR_TOO_LARGE))
    return "too-large";

  return "bad-json";
}

/* Returns: (transfer full) (nullable): an object, or NULL with OFFSET and ERROR set */
static struct json_object *
parse_object (const char  *line,
              gsize        length,
              guint        max_depth,
              gsize       *offset,
              GError     **error)
{
  GError *failure = NULL;
  struct json_object *json;
  const char *end;

  if (!g_utf8_validate_len (line, length, &end) && *end != '\0')
    {
      *offset = end - line;
      g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_ENCODING,
                   "Bad JSON at byte %" G_GSIZE_FORMAT ": invalid UTF-8", *offset);
      return NULL;
    }

  json = troupe_json_parse (line, length, max_depth, offset, &failure);
  if (failure != NULL)
    {
      g_propagate_error (error, failure);
      return NULL;
    }

  if (!json_object_is_type (json, json_type_object))
    {
      json_object_put (json);
      *offset = strspn (line, " \t\r");
      g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_NOT_AN_OBJECT,
                   "Bad JSON at byte %" G_GSIZE_FORMAT ": expected an object", *offset);
      return NULL;
    }

  return json;
}

static gboolean
troupe_json_protocol_line_received (TroupeLineProtocol  *line_protocol,
                                    const char          *line,
                                    gsize                length,
                                    GError             **error)
{
  TroupeJsonProtocol *self = TROUPE_JSON_PROTOCOL (line_protocol);
  TroupeJsonProtocolPrivate *priv = troupe_json_protocol_get_instance_private (self);
  g_autoptr (GError) reason = NULL;
  struct json_object *json;
  gsize offset = 0;
  gboolean ok;

  if (length == 0)
    return TRUE;

  json = parse_object (line, length, priv->max_depth, &offset, &reason);
  if (json == NULL)
    return TROUPE_JSON_PROTOCOL_GET_CLASS (self)->bad_json (self, reason, offset, error);

  priv->line = line;
  priv->json = json;
  ok = TROUPE_JSON_PROTOCOL_GET_CLASS (self)->json_received (self, json, error);
  priv->line = NULL;
  json_object_put (g_steal_pointer (&priv->json));
  return ok;
}

static gboolean
troupe_json_protocol_line_length_exceeded (TroupeLineProtocol  *line_protocol,
                                           const guint8        *data,
                                           gsize                length,
                                           GError             **error)
{
  TroupeJsonProtocol *self = TROUPE_JSON_PROTOCOL (line_protocol);
  gsize max_length = troupe_line_protocol_get_max_length (line_protocol);
  g_autoptr (GError) reason = NULL;

  reason = g_error_new (TROUPE_ERROR, TROUPE_ERROR_TOO_LARGE,
                        "Bad JSON at byte %" G_GSIZE_FORMAT ": the line is longer than that", max_length);
  return TROUPE_JSON_PROTOCOL_GET_CLASS (self)->bad_json (self, reason, max_length, error);
}

static gboolean
troupe_json_protocol_real_json_received (TroupeJsonProtocol  *self,
                                         struct json_object  *json,
                                         GError             **error)
{
  TroupeJsonProtocolPrivate *priv = troupe_json_protocol_get_instance_private (self);
  const char *text = priv->line;

  if (text == NULL)
    text = json_object_to_json_string_ext (json, JSON_C_TO_STRING_PLAIN);

  return TROUPE_JSON_PROTOCOL_GET_CLASS (self)->text_received (self, text, error);
}

static gboolean
troupe_json_protocol_real_text_received (TroupeJsonProtocol  *self,
                                         const char          *text,
                                         GError             **error)
{
  return TRUE;
}

static gboolean
troupe_json_protocol_real_bad_json (TroupeJsonProtocol  *self,
                                    const GError        *reason,
                                    gsize                offset,
                                    GError             **error)
{
  TroupeJsonProtocolPrivate *priv = troupe_json_protocol_get_instance_private (self);
  TroupeTransport *transport = troupe_protocol_get_transport (TROUPE_PROTOCOL (self));
  struct json_object *answer = json_object_new_object ();

  json_object_object_add (answer, "error", json_object_new_string (reason->message));
  json_object_object_add (answer, "code", json_object_new_string (code_name (reason)));
  json_object_object_add (answer, "offset", json_object_new_int64 (offset));
  troupe_json_protocol_send (self, answer);
  json_object_put (answer);

  /* A failed connection drops what it has not sent: close it instead, so that the peer reads why. */
  if (priv->max_errors > 0 && ++priv->n_errors > priv->max_errors && transport != NULL)
    troupe_transport_lose_connection (transport);

  return TRUE;
}

static void
troupe_json_protocol_get_property (GObject    *object,
                                   guint       prop_id,
                                   GValue     *value,
                                   GParamSpec *pspec)
{
  TroupeJsonProtocolPrivate *priv = troupe_json_protocol_get_instance_private (TROUPE_JSON_PROTOCOL (object));

  switch (prop_id)
    {
    case PROP_MAX_DEPTH:
      g_value_set_uint (value, priv->max_depth);
      break;

    case PROP_MAX_ERRORS:
      g_value_set_uint (value, priv->max_errors);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
troupe_json_protocol_set_uint (TroupeJsonProtocol *self,
                               guint              *field,
                               guint               number,
                               GParamSpec         *pspec)
{
  if (*field == number)
    return;

  *field = number;
  g_object_notify_by_pspec (G_OBJECT (self), pspec);
}

static void
troupe_json_protocol_set_property (GObject      *object,
                                   guint         prop_id,
                                   const GValue *value,
                                   GParamSpec   *pspec)
{
  TroupeJsonProtocol *self = TROUPE_JSON_PROTOCOL (object);
  TroupeJsonProtocolPrivate *priv = troupe_json_protocol_get_instance_private (self);

  switch (prop_id)
    {
    case PROP_MAX_DEPTH:
      troupe_json_protocol_set_uint (self, &priv->max_depth, g_value_get_uint (value), pspec);
      break;

    case PROP_MAX_ERRORS:
      troupe_json_protocol_set_uint (self, &priv->max_errors, g_value_get_uint (value), pspec);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
troupe_json_protocol_class_init (TroupeJsonProtocolClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TroupeLineProtocolClass *line_class = TROUPE_LINE_PROTOCOL_CLASS (klass);

  object_class->get_property = troupe_json_protocol_get_property;
  object_class->set_property = troupe_json_protocol_set_property;

  line_class->line_received = troupe_json_protocol_line_received;
  line_class->line_length_exceeded = troupe_json_protocol_line_length_exceeded;

  klass->json_received = troupe_json_protocol_real_json_received;
  klass->text_received = troupe_json_protocol_real_text_received;
  klass->bad_json = troupe_json_protocol_real_bad_json;

  /**
   * TroupeJsonProtocol:max-depth:
   *
   * How deep objects and arrays may be nested; 1 is an object of plain values.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_DEPTH] =
    g_param_spec_uint ("max-depth", NULL, NULL,
                       1, G_MAXINT, DEFAULT_MAX_DEPTH,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * TroupeJsonProtocol:max-errors:
   *
   * How many bad lines are answered before the connection is closed after the next, or 0 to keep it whatever comes.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_ERRORS] =
    g_param_spec_uint ("max-errors", NULL, NULL,
                       0, G_MAXUINT, 0,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
troupe_json_protocol_init (TroupeJsonProtocol *self)
{
  TroupeJsonProtocolPrivate *priv = troupe_json_protocol_get_instance_private (self);

  priv->max_depth = DEFAULT_MAX_DEPTH;
  troupe_line_protocol_set_delimiter (TROUPE_LINE_PROTOCOL (self), NULL);
}

/**
 * troupe_json_protocol_send: (skip)
 * @self: a connection
 * @json: (transfer none): an object
 *
 * Sends @json as one line.
 *
 * Nothing is sent before the connection is made or once it is closing.
 *
 * Since: 1.0
 */
void
troupe_json_protocol_send (TroupeJsonProtocol *self,
                           struct json_object *json)
{
  const char *text;
  size_t length;

  g_return_if_fail (TROUPE_IS_JSON_PROTOCOL (self));
  g_return_if_fail (json_object_is_type (json, json_type_object));

  text = json_object_to_json_string_length (json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
                                            &length);
  troupe_line_protocol_write (TROUPE_LINE_PROTOCOL (self), text, length, "\n");
}

/**
 * troupe_json_protocol_send_text:
 * @self: a connection
 * @text: a JSON object; it is not checked
 *
 * Sends an object that is JSON text already, as one line.
 *
 * Line ends in @text, which can only stand between values, become spaces.
 *
 * Since: 1.0
 */
void
troupe_json_protocol_send_text (TroupeJsonProtocol *self,
                                const char         *text)
{
  g_autofree char *line = NULL;

  g_return_if_fail (TROUPE_IS_JSON_PROTOCOL (self));
  g_return_if_fail (text != NULL);

  if (strpbrk (text, "\r\n") != NULL)
    text = line = g_strdelimit (g_strdup (text), "\r\n", ' ');

  troupe_line_protocol_write (TROUPE_LINE_PROTOCOL (self), text, strlen (text), "\n");
}

/**
 * troupe_json_protocol_steal_json: (skip)
 * @self: the connection, in its `json_received`
 *
 * Takes the object that is being handled, to send it on in a message or to keep it, without a copy.
 *
 * Nobody else has any part of it, as [ctor@Troupe.Message.new_json] wants it. What `json_received` got is the same object. Language bindings
 * have the text, and [ctor@Troupe.Message.new_json_string].
 *
 * Returns: (transfer full): the object; take it once
 *
 * Since: 1.0
 */
struct json_object *
troupe_json_protocol_steal_json (TroupeJsonProtocol *self)
{
  TroupeJsonProtocolPrivate *priv = troupe_json_protocol_get_instance_private (self);

  g_return_val_if_fail (TROUPE_IS_JSON_PROTOCOL (self), NULL);
  g_return_val_if_fail (priv->json != NULL, NULL);

  return g_steal_pointer (&priv->json);
}
