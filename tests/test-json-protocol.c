/* test-json-protocol.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "troupe-test.h"

/* Writes down the objects it is told, and why it was not told others. */

#define TEST_TYPE_OBJECTS (test_objects_get_type ())
G_DECLARE_FINAL_TYPE (TestObjects, test_objects, TEST, OBJECTS, TroupeJsonProtocol)

struct _TestObjects
{
  TroupeJsonProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (TestObjects, test_objects, TROUPE_TYPE_JSON_PROTOCOL)

static GString *told;                /* objects one to a line; refusals as “code@offset” */
static gboolean policy_drops;
static gboolean steals;
static struct json_object *stolen;

static gboolean
test_objects_json_received (TroupeJsonProtocol  *self,
                            struct json_object  *json,
                            GError             **error)
{
  g_assert_true (json_object_is_type (json, json_type_object));
  g_string_append_printf (told, "%s\n", json_object_to_json_string_ext (json, JSON_C_TO_STRING_PLAIN));
  if (steals)
    {
      stolen = troupe_json_protocol_steal_json (self);
      g_assert_true (stolen == json);
    }
  return TRUE;
}

static gboolean
test_objects_bad_json (TroupeJsonProtocol  *self,
                       const GError        *reason,
                       gsize                offset,
                       GError             **error)
{
  g_assert_cmpuint (reason->domain, ==, TROUPE_ERROR);
  g_string_append_printf (told, "%d@%" G_GSIZE_FORMAT "\n", reason->code, offset);
  if (!policy_drops)
    return TRUE;

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "no more of this");
  return FALSE;
}

static void
test_objects_class_init (TestObjectsClass *klass)
{
  TROUPE_JSON_PROTOCOL_CLASS (klass)->json_received = test_objects_json_received;
  TROUPE_JSON_PROTOCOL_CLASS (klass)->bad_json = test_objects_bad_json;
}

static void
test_objects_init (TestObjects *self)
{
}

/* Without a transport, to see the parsing alone. */
static TestObjects *
objects_new (void)
{
  if (told == NULL)
    told = g_string_new (NULL);
  g_string_truncate (told, 0);
  policy_drops = FALSE;

  return g_object_new (TEST_TYPE_OBJECTS, NULL);
}

static gboolean
feed (TestObjects  *self,
      const char   *data,
      gssize        length,
      GError      **error)
{
  if (length < 0)
    length = strlen (data);

  return TROUPE_PROTOCOL_GET_CLASS (self)->data_received (TROUPE_PROTOCOL (self), (const guint8 *) data, length, error);
}

static void
assert_reads (const char *line,
              gssize      length,
              const char *expected)
{
  g_autoptr (TestObjects) self = objects_new ();

  g_assert_true (feed (self, line, length, NULL));
  g_assert_true (feed (self, "\n{\"next\":1}\n", -1, NULL));
  g_assert_true (g_str_has_suffix (told->str, "{\"next\":1}\n"));
  g_string_truncate (told, told->len - strlen ("{\"next\":1}\n"));
  g_assert_cmpstr (told->str, ==, expected);
}

static void
assert_refuses (const char *line,
                gssize      length,
                TroupeError code,
                gsize       offset)
{
  g_autofree char *expected = g_strdup_printf ("%d@%" G_GSIZE_FORMAT "\n", code, offset);

  assert_reads (line, length, expected);
}

static void
test_objects (void)
{
  g_test_summary ("One object to a line, with LF or CRLF; empty lines are ignored");

  assert_reads ("{}", -1, "{}\n");
  assert_reads ("{\"a\":[1,2.5,null,true,\"x\\ny\"]}", -1, "{\"a\":[1,2.5,null,true,\"x\\ny\"]}\n");
  assert_reads ("{\"a\":1}\r", -1, "{\"a\":1}\n");
  assert_reads (" \t{ \"a\" : 1 } ", -1, "{\"a\":1}\n");
  assert_reads ("\r\n\n{\"ä\":\"€\"}", -1, "{\"ä\":\"€\"}\n");
}

static void
test_malformed (void)
{
  g_test_summary ("Malformed JSON is refused at its first bad byte, and the next line is read");

  assert_refuses ("{", -1, TROUPE_ERROR_BAD_JSON, 1);
  assert_refuses ("{\"a\":}", -1, TROUPE_ERROR_BAD_JSON, 5);
  assert_refuses ("{\"a\":1}}", -1, TROUPE_ERROR_BAD_JSON, 7);
  assert_refuses ("{\"a\":1} {\"b\":2}", -1, TROUPE_ERROR_BAD_JSON, 8);
  assert_refuses ("{a:1}", -1, TROUPE_ERROR_BAD_JSON, 1);
  assert_refuses ("{\"a\":1}\0", 8, TROUPE_ERROR_BAD_JSON, 7);
  assert_refuses ("hello", -1, TROUPE_ERROR_BAD_JSON, 0);
  assert_refuses (" ", -1, TROUPE_ERROR_BAD_JSON, 1);
}

static void
test_not_an_object (void)
{
  g_test_summary ("Any other JSON value is refused where it begins");

  assert_refuses ("[1]", -1, TROUPE_ERROR_NOT_AN_OBJECT, 0);
  assert_refuses ("  42", -1, TROUPE_ERROR_NOT_AN_OBJECT, 2);
  assert_refuses ("\"{}\"", -1, TROUPE_ERROR_NOT_AN_OBJECT, 0);
  assert_refuses ("null", -1, TROUPE_ERROR_NOT_AN_OBJECT, 0);
  assert_refuses ("true", -1, TROUPE_ERROR_NOT_AN_OBJECT, 0);
}

static void
test_encoding (void)
{
  g_test_summary ("What is not UTF-8 is refused at its first bad byte");

  assert_refuses ("{\"a\":\"\xff\"}", -1, TROUPE_ERROR_BAD_ENCODING, 6);
  assert_refuses ("{\"a\":\"\xc3\"}", -1, TROUPE_ERROR_BAD_ENCODING, 6);
  assert_refuses ("\xc0\x80", -1, TROUPE_ERROR_BAD_ENCODING, 0);
}

static char *
nested (guint depth)
{
  g_autofree char *open = g_strnfill (depth - 1, '[');
  g_autofree char *close = g_strnfill (depth - 1, ']');

  return g_strdup_printf ("{\"a\":%s%s}", open, close);
}

static void
test_depth (void)
{
  g_autofree char *deepest = nested (32);
  g_autofree char *deeper = nested (33);
  g_autofree char *deepest_line = g_strconcat (deepest, "\n", NULL);

  g_test_summary ("32 levels are read, one more is refused where it begins; another limit can be set");

  assert_reads (deepest, -1, deepest_line);
  assert_refuses (deeper, -1, TROUPE_ERROR_TOO_DEEP, 5 + 31);

  for (guint depth = 1; depth < 3; depth++)
    {
      g_autoptr (TestObjects) self = objects_new ();
      guint set = 0;

      g_object_set (self, "max-depth", depth, NULL);
      g_object_get (self, "max-depth", &set, NULL);
      g_assert_cmpuint (set, ==, depth);
      g_assert_true (feed (self, "{\"a\":{}}\n", -1, NULL));
      g_assert_cmpint (g_str_has_suffix (told->str, "@5\n"), ==, depth == 1);
    }
}

static void
test_size (void)
{
  g_autofree char *text = g_strnfill (20000, ' ');

  g_test_summary ("A line that is too long is refused at the limit, and the rest of it skipped");

  memcpy (text, "{\"a\":1}", 7);
  assert_refuses (text, -1, TROUPE_ERROR_TOO_LARGE, 16384);
  assert_refuses (text, 16385, TROUPE_ERROR_TOO_LARGE, 16384);
  assert_reads (text, 16384, "{\"a\":1}\n");
}

static void
test_policy (void)
{
  g_autoptr (TestObjects) self = objects_new ();
  g_autoptr (GError) error = NULL;

  g_test_summary ("A class may drop the connection for a bad line");

  policy_drops = TRUE;
  g_assert_false (feed (self, "{}\nbad\n{}\n", -1, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_true (g_str_has_prefix (told->str, "{}\n"));
  g_assert_cmpuint (strlen (told->str), ==, strlen ("{}\n82@0\n"));
}

static void
test_random (void)
{
  static const char *const pieces[] = {
    "{", "}", "[", "]", "\"", "\\", ":", ",", "\n", "\r\n", "null", "true", "1", "-0.5e3", "\"a\":", "{\"a\":1}", "{}\n",
    "\xff", "ä", " ", "\\u00", "\\ud83d",
  };
  g_autoptr (GRand) random_source = g_rand_new_with_seed (8027);
  g_autoptr (GString) text = g_string_new (NULL);

  g_test_summary ("Twenty thousand random inputs are read alike in one piece and byte by byte");

  for (int round = 0; round < 20000; round++)
    {
      g_autoptr (TestObjects) whole = objects_new ();
      g_autoptr (TestObjects) bytewise = NULL;
      g_autofree char *expected = NULL;

      g_string_truncate (text, 0);
      for (int n = g_rand_int_range (random_source, 1, 20); n > 0; n--)
        g_string_append (text, pieces[g_rand_int_range (random_source, 0, G_N_ELEMENTS (pieces))]);
      troupe_line_protocol_set_max_length (TROUPE_LINE_PROTOCOL (whole), 40);
      g_assert_true (feed (whole, text->str, text->len, NULL));
      expected = g_strdup (told->str);

      bytewise = objects_new ();
      troupe_line_protocol_set_max_length (TROUPE_LINE_PROTOCOL (bytewise), 40);
      for (gsize i = 0; i < text->len; i++)
        g_assert_true (feed (bytewise, text->str + i, 1, NULL));
      g_assert_cmpstr (told->str, ==, expected);
    }
}

/* A class for a language with its own JSON, over a connection, with the answers that there are by default. */

#define TEST_TYPE_TEXTS (test_texts_get_type ())
G_DECLARE_FINAL_TYPE (TestTexts, test_texts, TEST, TEXTS, TroupeJsonProtocol)

struct _TestTexts
{
  TroupeJsonProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (TestTexts, test_texts, TROUPE_TYPE_JSON_PROTOCOL)

static gboolean connected;
static guint max_errors;

static gboolean
test_texts_connection_made (TroupeProtocol  *protocol,
                            GError         **error)
{
  g_object_set (protocol, "max-errors", max_errors, NULL);
  connected = TRUE;
  return TRUE;
}

static void
test_texts_connection_lost (TroupeProtocol *protocol,
                            const GError   *reason)
{
  connected = FALSE;
}

static gboolean
test_texts_text_received (TroupeJsonProtocol  *self,
                          const char          *text,
                          GError             **error)
{
  struct json_object *json = json_object_new_object ();

  json_object_object_add (json, "text", json_object_new_string (text));
  json_object_object_add (json, "path", json_object_new_string ("a/b\n"));
  troupe_json_protocol_send (self, json);
  json_object_put (json);
  troupe_json_protocol_send_text (self, "{\n \"pretty\":\r\n 1\n}");
  return TRUE;
}

static void
test_texts_class_init (TestTextsClass *klass)
{
  TROUPE_PROTOCOL_CLASS (klass)->connection_made = test_texts_connection_made;
  TROUPE_PROTOCOL_CLASS (klass)->connection_lost = test_texts_connection_lost;
  TROUPE_JSON_PROTOCOL_CLASS (klass)->text_received = test_texts_text_received;
}

static void
test_texts_init (TestTexts *self)
{
}

typedef struct
{
  TroupeSystem *system;
  TroupeRef    *factory;
  int           peer;
} Wire;

static void
wire_begin (Wire *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupeRef) connection = NULL;
  int ends[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, ends), ==, 0);
  self->peer = ends[0];
  self->system = troupe_test_system_new ();
  self->factory = troupe_factory_spawn (self->system, "texts", TEST_TYPE_TEXTS, &error);
  g_assert_no_error (error);
  connection = troupe_test_adopt (self->system, ends[1], self->factory);
  troupe_test_until (connected);
}

static void
wire_end (Wire *self)
{
  close (self->peer);
  troupe_test_until (!connected);
  troupe_ref_unref (self->factory);
  troupe_test_system_end (self->system);
}

static void
wire_say (Wire       *self,
          const char *text)
{
  g_assert_cmpint (write (self->peer, text, strlen (text)), ==, (gssize) strlen (text));
}

/* Waits for as many bytes as EXPECTED has, or for the end if it is "". */
static void
wire_assert_heard (Wire       *self,
                   const char *expected)
{
  g_autoptr (GString) heard = g_string_new (NULL);
  char data[256];
  gssize n = 1;

  while (n != 0 && (heard->len < strlen (expected) || *expected == '\0'))
    {
      n = recv (self->peer, data, sizeof data, MSG_DONTWAIT);
      if (n > 0)
        g_string_append_len (heard, data, n);
      else if (n < 0)
        g_main_context_iteration (NULL, FALSE);
    }

  g_assert_cmpstr (heard->str, ==, expected);
}

static void
test_send (void)
{
  Wire wire;

  g_test_summary ("Objects are sent one to a line, and come as text for those who want that");

  wire_begin (&wire);
  wire_say (&wire, "{\"a\": [1, 2]}\n");
  wire_assert_heard (&wire, "{\"text\":\"{\\\"a\\\": [1, 2]}\",\"path\":\"a/b\\n\"}\n"
                            "{  \"pretty\":   1 }\n");
  wire_end (&wire);
}

static void
test_answers (void)
{
  g_autofree char *large = g_strnfill (20000, 'x');
  Wire wire;

  g_test_summary ("A bad line is answered with the reason and the offset, and the connection kept");

  max_errors = 0;
  wire_begin (&wire);
  wire_say (&wire, "{\"a\"}\n");
  wire_assert_heard (&wire, "{\"error\":\"Bad JSON at byte 4: object property name separator ':' expected\","
                            "\"code\":\"bad-json\",\"offset\":4}\n");
  wire_say (&wire, "[]\n");
  wire_assert_heard (&wire, "{\"error\":\"Bad JSON at byte 0: expected an object\","
                            "\"code\":\"not-an-object\",\"offset\":0}\n");
  wire_say (&wire, "\xff\n");
  wire_assert_heard (&wire, "{\"error\":\"Bad JSON at byte 0: invalid UTF-8\",\"code\":\"bad-encoding\",\"offset\":0}\n");
  wire_say (&wire, large);
  wire_assert_heard (&wire, "{\"error\":\"Bad JSON at byte 16384: the line is longer than that\","
                            "\"code\":\"too-large\",\"offset\":16384}\n");
  wire_say (&wire, "xxx\n{}\n");
  wire_assert_heard (&wire, "{\"text\":\"{}\",\"path\":\"a/b\\n\"}\n{  \"pretty\":   1 }\n");
  wire_end (&wire);
}

static void
test_max_errors (void)
{
  Wire wire;

  g_test_summary ("After too many bad lines the connection is closed, and the last one answered, too");

  max_errors = 1;
  wire_begin (&wire);
  wire_say (&wire, "[]\n[]\n{}\n");
  wire_assert_heard (&wire, "{\"error\":\"Bad JSON at byte 0: expected an object\",\"code\":\"not-an-object\",\"offset\":0}\n"
                            "{\"error\":\"Bad JSON at byte 0: expected an object\",\"code\":\"not-an-object\",\"offset\":0}\n");
  wire_assert_heard (&wire, "");
  wire_end (&wire);
}

static void
test_arguments (void)
{
  g_autoptr (TestObjects) self = objects_new ();
  struct json_object *array = json_object_new_array ();

  g_test_summary ("Only an object can be sent");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*json_type_object*");
  troupe_json_protocol_send (TROUPE_JSON_PROTOCOL (self), array);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*text != NULL*");
  troupe_json_protocol_send_text (TROUPE_JSON_PROTOCOL (self), NULL);
  g_test_assert_expected_messages ();
  json_object_put (array);
}

static void
test_steal (void)
{
  g_autoptr (TestObjects) self = objects_new ();
  g_autoptr (TroupeMessage) message = NULL;

  g_test_summary ("An object that was stolen outlives its line and goes on in a message, and the next line is read as ever");

  steals = TRUE;
  g_assert_true (feed (self, "{\"a\":1}\n", -1, NULL));
  steals = FALSE;
  g_assert_true (feed (self, "{\"b\":2}\n", -1, NULL));
  g_assert_cmpstr (told->str, ==, "{\"a\":1}\n{\"b\":2}\n");

  message = troupe_message_new_json ("event", g_steal_pointer (&stolen));
  g_assert_cmpint (json_object_get_int (json_object_object_get (troupe_message_get_json (message), "a")), ==, 1);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*priv->json != NULL*");
  g_assert_null (troupe_json_protocol_steal_json (TROUPE_JSON_PROTOCOL (self)));
  g_test_assert_expected_messages ();
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/json-protocol/objects", test_objects);
  g_test_add_func ("/troupe/json-protocol/malformed", test_malformed);
  g_test_add_func ("/troupe/json-protocol/not-an-object", test_not_an_object);
  g_test_add_func ("/troupe/json-protocol/encoding", test_encoding);
  g_test_add_func ("/troupe/json-protocol/depth", test_depth);
  g_test_add_func ("/troupe/json-protocol/size", test_size);
  g_test_add_func ("/troupe/json-protocol/policy", test_policy);
  g_test_add_func ("/troupe/json-protocol/random", test_random);
  g_test_add_func ("/troupe/json-protocol/send", test_send);
  g_test_add_func ("/troupe/json-protocol/answers", test_answers);
  g_test_add_func ("/troupe/json-protocol/max-errors", test_max_errors);
  g_test_add_func ("/troupe/json-protocol/arguments", test_arguments);
  g_test_add_func ("/troupe/json-protocol/steal", test_steal);

  return g_test_run ();
}
