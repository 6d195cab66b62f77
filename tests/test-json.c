/* test-json.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "troupe-test-puppet.h"

static void
assert_reads (const char *text,
              const char *written)
{
  g_autoptr (GError) error = NULL;
  struct json_object *json = troupe_json_parse (text, -1, 0, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (json_object_to_json_string_ext (json, JSON_C_TO_STRING_PLAIN), ==, written);
  json_object_put (json);
}

static void
test_good (void)
{
  g_test_summary ("Valid texts of every kind are read");

  assert_reads ("{}", "{}");
  assert_reads ("  [ 1 , -2.5e3, true,false ,null ]\n", "[1,-2.5e3,true,false,null]");
  assert_reads ("12", "12");
  assert_reads ("\"a\\u00e9\\n\"", "\"aé\\n\"");
  assert_reads ("{\"a\":{\"b\":[[]]}}", "{\"a\":{\"b\":[[]]}}");
  assert_reads ("\"N I [ { \\\" \\\\\"", "\"N I [ { \\\" \\\\\"");
  assert_reads ("9223372036854775807", "9223372036854775807");
}

static void
test_null (void)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("The text “null” is no error, though json-c has no object for it");

  g_assert_null (troupe_json_parse ("null", -1, 0, NULL, &error));
  g_assert_no_error (error);
  g_assert_null (troupe_json_copy (NULL));
}

static void
test_length (void)
{
  g_autoptr (GError) error = NULL;
  struct json_object *json = troupe_json_parse ("[12345", 0, 0, NULL, &error);

  g_test_summary ("The length ends the text, whatever follows it");

  g_assert_null (json);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_JSON);
  g_clear_error (&error);

  json = troupe_json_parse ("12345", 3, 0, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (json_object_get_int (json), ==, 123);
  json_object_put (json);
}

static void
assert_refused (const char  *text,
                gssize       length,
                TroupeError  code,
                gsize        where)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *prefix = g_strdup_printf ("Bad JSON at byte %" G_GSIZE_FORMAT ": ", where);
  gsize offset = G_MAXSIZE;

  g_assert_null (troupe_json_parse (text, length, 3, &offset, &error));
  g_assert_error (error, TROUPE_ERROR, (gint) code);
  g_test_message ("%s", error->message);
  g_assert_cmpuint (offset, ==, where);
  g_assert_true (g_str_has_prefix (error->message, prefix));
}

static void
test_bad (void)
{
  g_test_summary ("Invalid texts are refused, and the error says where");

  assert_refused ("", -1, TROUPE_ERROR_BAD_JSON, 0);
  assert_refused ("   ", -1, TROUPE_ERROR_BAD_JSON, 3);
  assert_refused ("{\"a\":", -1, TROUPE_ERROR_BAD_JSON, 5);
  assert_refused ("\"open", -1, TROUPE_ERROR_BAD_JSON, 5);
  assert_refused ("\"open\\", -1, TROUPE_ERROR_BAD_JSON, 6);
  assert_refused ("[1,2", -1, TROUPE_ERROR_BAD_JSON, 4);
  assert_refused ("tru", -1, TROUPE_ERROR_BAD_JSON, 3);
  assert_refused ("[1] x", -1, TROUPE_ERROR_BAD_JSON, 4);
  assert_refused ("{}{}", -1, TROUPE_ERROR_BAD_JSON, 2);
  assert_refused ("]", -1, TROUPE_ERROR_BAD_JSON, 0);
  assert_refused ("[1}", -1, TROUPE_ERROR_BAD_JSON, 2);
  assert_refused ("{'a':1}", -1, TROUPE_ERROR_BAD_JSON, 1);
  assert_refused ("{a:1}", -1, TROUPE_ERROR_BAD_JSON, 1);
  assert_refused ("[1,]", -1, TROUPE_ERROR_BAD_JSON, 3);
  assert_refused ("// a comment\n1", -1, TROUPE_ERROR_BAD_JSON, 0);
  assert_refused ("\"\t\"", -1, TROUPE_ERROR_BAD_JSON, 1);
  assert_refused ("\"a\\\"\n\"", -1, TROUPE_ERROR_BAD_JSON, 4);
  assert_refused ("[1.]", -1, TROUPE_ERROR_BAD_JSON, 3);
  assert_refused ("[01]", -1, TROUPE_ERROR_BAD_JSON, 3);
  assert_refused ("[\"\\x\"]", -1, TROUPE_ERROR_BAD_JSON, 3);
  assert_refused ("[NaN]", -1, TROUPE_ERROR_BAD_JSON, 1);
  assert_refused ("-Infinity", -1, TROUPE_ERROR_BAD_JSON, 1);
  assert_refused ("[1]\0[2]", 7, TROUPE_ERROR_BAD_JSON, 3);
  assert_refused ("\"a\0b\"", 5, TROUPE_ERROR_BAD_JSON, 2);
}

static void
test_utf8 (void)
{
  g_test_summary ("Invalid UTF-8 is refused, in strings and elsewhere");

  assert_refused ("\"a\xff\"", -1, TROUPE_ERROR_BAD_JSON, 2);
  assert_refused ("[\xc3]", -1, TROUPE_ERROR_BAD_JSON, 1);
  assert_refused ("\"\xed\xa0\x80\"", -1, TROUPE_ERROR_BAD_JSON, 1);
}

static void
test_depth (void)
{
  g_autoptr (GError) error = NULL;
  struct json_object *json = troupe_json_parse ("[{\"a\":[1]}]", -1, 3, NULL, &error);
  g_autofree char *deep = g_strnfill (100000, '[');

  g_test_summary ("Nesting is allowed up to the limit, and no deeper");

  g_assert_no_error (error);
  g_assert_nonnull (json);
  json_object_put (json);

  assert_refused ("[[[[]]]]", -1, TROUPE_ERROR_TOO_DEEP, 3);
  assert_refused ("[[], {}, [[{}]]]", -1, TROUPE_ERROR_TOO_DEEP, 11);
  assert_refused (deep, -1, TROUPE_ERROR_TOO_DEEP, 3);
}

static void
test_copy (void)
{
  struct json_object *json = troupe_json_parse ("{\"a\":[1.50,\"x\"],\"n\":null}", -1, 0, NULL, NULL);
  struct json_object *copy = troupe_json_copy (json);
  struct json_object *a;
  g_auto (GValue) value = G_VALUE_INIT;

  g_test_summary ("A copy shares nothing with the original");

  g_assert_true (json_object_equal (json, copy));
  json_object_object_get_ex (json, "a", &a);
  json_object_array_add (a, json_object_new_int (3));
  json_object_put (json);
  g_assert_cmpstr (json_object_to_json_string_ext (copy, JSON_C_TO_STRING_PLAIN), ==, "{\"a\":[1.50,\"x\"],\"n\":null}");

  g_value_init (&value, TROUPE_TYPE_JSON);
  g_value_take_boxed (&value, copy);
  copy = g_value_dup_boxed (&value);
  g_assert_true (copy != g_value_get_boxed (&value));
  json_object_put (copy);
}

static void
return_text (TroupePromise  *promise,
             gpointer        text,
             GError        **error)
{
  g_autofree char *seen = troupe_promise_dup_json_string (promise);

  g_assert_cmpstr (seen, ==, "{\"a\":[1,null]}");
  if (!troupe_promise_return_json_string (promise, text, error))
    g_assert_true (error != NULL && *error != NULL);
}

static void
test_promise_text (void)
{
  TroupeResolver *resolver;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);
  g_autoptr (TroupePromise) list = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) bad = NULL;
  g_autofree char *in_list = NULL;
  g_autofree char *text = NULL;

  g_test_summary ("Promises, resolvers and outcomes take and give trees as text");

  g_assert_false (troupe_resolver_resolve_json_string (resolver, "{", &bad));
  g_assert_error (bad, TROUPE_ERROR, TROUPE_ERROR_BAD_JSON);
  g_assert_false (troupe_resolver_is_resolved (resolver));
  g_assert_true (troupe_resolver_resolve_json_string (resolver, "{ \"a\": [1, null] }", &error));
  g_assert_no_error (error);
  g_assert_false (troupe_resolver_resolve_json_string (resolver, "null", &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_RESOLVED);
  troupe_resolver_unref (resolver);

  list = troupe_promise_collect (&promise, 1);
  in_list = troupe_outcomes_dup_json_string (troupe_promise_get_outcomes (list), 0);
  g_assert_cmpstr (in_list, ==, "{\"a\":[1,null]}");

  troupe_promise_add_fallible_callback (promise, return_text, (gpointer) "null", NULL);
  text = troupe_promise_dup_json_string (promise);
  g_assert_cmpstr (text, ==, "null");
}

static void
test_promise_bad_text (void)
{
  TroupeResolver *resolver;
  g_autoptr (TroupePromise) promise = troupe_promise_new (&resolver);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A step that returns bad text fails, if it says so; a promise without a tree has no text");

  g_assert_true (troupe_resolver_resolve_json_string (resolver, "{\"a\":[1,null]}", NULL));
  troupe_resolver_unref (resolver);
  troupe_promise_add_fallible_callback (promise, return_text, (gpointer) "nul", NULL);
  error = troupe_promise_steal_error (promise);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_JSON);

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*TroupeJson*");
  g_assert_null (troupe_promise_dup_json_string (promise));
  g_test_assert_expected_messages ();
}

static gboolean
answer_text (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  const char **text = test_puppet_get_data (message);

  return troupe_message_reply_json_string (message, *text, error);
}

static void
test_reply_text (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  const char *texts[] = { "[1, 2]", "[1, 2" };
  g_autoptr (TroupePromise) good = test_puppet_ask (puppet, answer_text, &texts[0]);
  g_autoptr (TroupePromise) bad = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  g_test_summary ("An ask is answered with a tree from its text; bad text is an error of who answers");

  troupe_test_until (troupe_promise_is_resolved (good));
  text = troupe_promise_dup_json_string (good);
  g_assert_cmpstr (text, ==, "[1,2]");

  troupe_test_stop_what_fails (system);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*failed*Bad JSON*");
  bad = test_puppet_ask (puppet, answer_text, &texts[1]);
  troupe_test_until (troupe_promise_is_resolved (bad) && troupe_ref_has_ended (puppet));
  g_test_assert_expected_messages ();
  error = troupe_promise_steal_error (bad);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_JSON);

  troupe_test_system_end (system);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/json/good", test_good);
  g_test_add_func ("/troupe/json/null", test_null);
  g_test_add_func ("/troupe/json/length", test_length);
  g_test_add_func ("/troupe/json/bad", test_bad);
  g_test_add_func ("/troupe/json/utf8", test_utf8);
  g_test_add_func ("/troupe/json/depth", test_depth);
  g_test_add_func ("/troupe/json/copy", test_copy);
  g_test_add_func ("/troupe/json/text/promise", test_promise_text);
  g_test_add_func ("/troupe/json/text/bad", test_promise_bad_text);
  g_test_add_func ("/troupe/json/text/reply", test_reply_text);

  return g_test_run ();
}
