/* troupe-json.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error.h"
#include "troupe-json.h"

#define TROUPE_JSON_DEFAULT_DEPTH 32

/* json-c's counts are not atomic, so a copy for somebody else is a whole new tree. */
static gpointer
troupe_json_boxed_copy (gpointer json)
{
  return troupe_json_copy (json);
}

static void
troupe_json_boxed_free (gpointer json)
{
  json_object_put (json);
}

/**
 * troupe_json_get_type: (skip)
 *
 * Gets the boxed type of a JSON tree. A copy is a new tree.
 *
 * Returns: the type that %TROUPE_TYPE_JSON stands for
 *
 * Since: 1.0
 */
GType
troupe_json_get_type (void)
{
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_boxed_type_register_static (g_intern_static_string ("TroupeJson"),
                                                            troupe_json_boxed_copy,
                                                            troupe_json_boxed_free));

  return type;
}

G_GNUC_PRINTF (5, 6)
static void
troupe_json_refuse (TroupeError   code,
                    gsize         where,
                    gsize        *offset,
                    GError      **error,
                    const char   *format,
                    ...)
{
  g_autofree char *reason = NULL;
  va_list args;

  va_start (args, format);
  reason = g_strdup_vprintf (format, args);
  va_end (args);

  if (offset != NULL)
    *offset = where;

  g_set_error (error, TROUPE_ERROR, code, "Bad JSON at byte %" G_GSIZE_FORMAT ": %s", where, reason);
}

/* Moves I from a string's first quote to its last, or to the end of the text, or to a control character: FALSE. */
static gboolean
troupe_json_skip_string (const char *text,
                         gsize       length,
                         gsize      *i)
{
  gboolean escaped = FALSE;

  for (*i += 1; *i < length; *i += 1)
    {
      if ((guchar) text[*i] < ' ')
        return FALSE;

      if (text[*i] == '"' && !escaped)
        return TRUE;

      escaped = text[*i] == '\\' && !escaped;
    }

  return TRUE;
}

/*
 * Finds what json-c lets pass even in strict mode, or tells less exactly: control characters, other
 * quotes, NaN and Infinity, a point without digits, and the nesting, where it does not count an
 * empty array or object.
 */
static gboolean
troupe_json_scan (const char  *text,
                  gsize        length,
                  guint        max_depth,
                  gsize       *offset,
                  GError     **error)
{
  guint depth = 0;

  for (gsize i = 0; i < length; i++)
    {
      switch (text[i])
        {
        case '"':
          if (troupe_json_skip_string (text, length, &i))
            break;

          troupe_json_refuse (TROUPE_ERROR_BAD_JSON, i, offset, error, "control character in a string");
          return FALSE;

        case '[':
        case '{':
          if (depth == max_depth)
            {
              troupe_json_refuse (TROUPE_ERROR_TOO_DEEP, i, offset, error, "nested deeper than %u", max_depth);
              return FALSE;
            }

          depth++;
          break;

        case ']':
        case '}':
          if (depth > 0)
            depth--;
          break;

        case '.':
          if (i + 1 < length && g_ascii_isdigit (text[i + 1]))
            break;

          troupe_json_refuse (TROUPE_ERROR_BAD_JSON, i + 1, offset, error, "digit expected");
          return FALSE;

        case '\0':
        case '\'':
        case 'I':
        case 'N':
          troupe_json_refuse (TROUPE_ERROR_BAD_JSON, i, offset, error, "unexpected character");
          return FALSE;

        default:
          break;
        }
    }

  return TRUE;
}

/* The text is finished by a NUL of its own, without which json-c waits for more digits of a number. */
static struct json_object *
troupe_json_tokenize (const char  *text,
                      gsize        length,
                      guint        max_depth,
                      gsize       *offset,
                      GError     **error)
{
  struct json_tokener *tokener = json_tokener_new_ex ((int) max_depth + 1);
  struct json_object *json;
  enum json_tokener_error code;
  gsize where;

  json_tokener_set_flags (tokener, JSON_TOKENER_STRICT);

  json = json_tokener_parse_ex (tokener, text, (int) length);
  where = json_tokener_get_parse_end (tokener);
  code = json_tokener_get_error (tokener);
  if (code == json_tokener_continue)
    {
      json = json_tokener_parse_ex (tokener, "", 1);
      where = length;
      code = json_tokener_get_error (tokener);
    }

  if (code != json_tokener_success)
    troupe_json_refuse (code == json_tokener_error_depth ? TROUPE_ERROR_TOO_DEEP : TROUPE_ERROR_BAD_JSON,
                        where, offset, error, "%s",
                        code == json_tokener_continue ? "unexpected end" : json_tokener_error_desc (code));
  else if (where < length)
    {
      code = json_tokener_error_parse_unexpected;
      troupe_json_refuse (TROUPE_ERROR_BAD_JSON, where, offset, error, "unexpected text after the end");
    }

  if (code != json_tokener_success)
    g_clear_pointer (&json, json_object_put);

  json_tokener_free (tokener);

  return json;
}

/**
 * troupe_json_parse: (skip)
 * @text: UTF-8 text
 * @length: its length in bytes, or -1 if it ends in a NUL byte
 * @max_depth: how deep arrays and objects may be nested, or 0 for 32
 * @offset: (out) (optional): where to put how many bytes were good, when the text is refused
 * @error: where to say what is wrong
 *
 * Reads one JSON text, strictly as RFC 8259 has it: no comments, no other quotes, no NaN, nothing
 * after it but white space.
 *
 * The errors are %TROUPE_ERROR_BAD_JSON, also for invalid UTF-8, %TROUPE_ERROR_TOO_DEEP, and
 * %TROUPE_ERROR_TOO_LARGE for 2 GiB or more.
 *
 * json-c has no object for `null`: that text returns %NULL and sets no @error.
 *
 * Returns: (transfer full) (nullable): the tree, to be freed with `json_object_put ()`
 *
 * Since: 1.0
 */
struct json_object *
troupe_json_parse (const char  *text,
                   gssize       length,
                   guint        max_depth,
                   gsize       *offset,
                   GError     **error)
{
  const char *end;
  gsize n;

  g_return_val_if_fail (text != NULL || length == 0, NULL);
  g_return_val_if_fail (max_depth < G_MAXINT, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (text == NULL)
    text = "";
  if (max_depth == 0)
    max_depth = TROUPE_JSON_DEFAULT_DEPTH;

  n = length < 0 ? strlen (text) : (gsize) length;
  if (n >= G_MAXINT)
    {
      troupe_json_refuse (TROUPE_ERROR_TOO_LARGE, 0, offset, error, "2 GiB or more");
      return NULL;
    }

  if (!troupe_json_scan (text, n, max_depth, offset, error))
    return NULL;

  if (!g_utf8_validate_len (text, n, &end))
    {
      troupe_json_refuse (TROUPE_ERROR_BAD_JSON, end - text, offset, error, "invalid UTF-8");
      return NULL;
    }

  return troupe_json_tokenize (text, n, max_depth, offset, error);
}

/**
 * troupe_json_copy: (skip)
 * @json: (nullable): a tree
 *
 * Copies a whole tree.
 *
 * json-c's reference counts are not atomic: two threads must never share any part of a tree, so
 * what both need is copied.
 *
 * Returns: (transfer full) (nullable): a tree that shares nothing with @json, %NULL (which is `null`) if that is
 *
 * Since: 1.0
 */
struct json_object *
troupe_json_copy (struct json_object *json)
{
  struct json_object *copy = NULL;

  if (json == NULL)
    return NULL;

  /* It fails only for an object that the caller gave a serializer of his own. */
  if (json_object_deep_copy (json, &copy, NULL) < 0)
    g_critical ("A JSON object with its own serializer cannot be copied");

  return copy;
}
