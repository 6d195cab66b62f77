/* test-message.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "troupe-test-puppet.h"

static void
count_up (gpointer data)
{
  (*(int *) data)++;
}

/* Bodies */

static void
test_numbers (void)
{
  g_autoptr (TroupeMessage) plain = troupe_message_new ("m");
  g_autoptr (TroupeMessage) i = troupe_message_new_int64 ("m", G_MININT64);
  g_autoptr (TroupeMessage) u = troupe_message_new_uint64 ("m", G_MAXUINT64);
  g_autoptr (TroupeMessage) d = troupe_message_new_double ("m", -0.5);
  g_autoptr (TroupeMessage) b = troupe_message_new_boolean ("m", 7);

  g_test_summary ("Numbers and truth values are read as they were given");

  g_assert_cmpstr (troupe_message_get_name (plain), ==, "m");
  g_assert_true (troupe_message_get_name (plain) == g_intern_string ("m"));
  g_assert_null (troupe_message_get_sender (plain));
  g_assert_false (troupe_message_wants_reply (plain));
  g_assert_cmpuint (troupe_message_get_body_type (plain), ==, G_TYPE_NONE);

  g_assert_cmpuint (troupe_message_get_body_type (i), ==, G_TYPE_INT64);
  g_assert_cmpint (troupe_message_get_int64 (i), ==, G_MININT64);
  g_assert_cmpuint (troupe_message_get_body_type (u), ==, G_TYPE_UINT64);
  g_assert_cmpuint (troupe_message_get_uint64 (u), ==, G_MAXUINT64);
  g_assert_cmpuint (troupe_message_get_body_type (d), ==, G_TYPE_DOUBLE);
  g_assert_true (troupe_message_get_double (d) == -0.5);
  g_assert_cmpuint (troupe_message_get_body_type (b), ==, G_TYPE_BOOLEAN);
  g_assert_true (troupe_message_get_boolean (b) == TRUE);
}

static void
test_pointers (void)
{
  static const char *const strv[] = { "a", NULL };
  g_autoptr (GBytes) bytes = g_bytes_new_static ("abc", 3);
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (TroupeMessage) s = troupe_message_new_string ("m", "text");
  g_autoptr (TroupeMessage) y = troupe_message_new_bytes ("m", bytes);
  g_autoptr (TroupeMessage) v = troupe_message_new_variant ("m", g_variant_new_int32 (5));
  g_autoptr (TroupeMessage) o = troupe_message_new_object ("m", object);
  g_autoptr (TroupeMessage) x = troupe_message_new_boxed ("m", G_TYPE_STRV, strv);
  g_autoptr (TroupeMessage) p = troupe_message_new_pointer ("m", &bytes, NULL);

  g_test_summary ("Strings, bytes, variants, objects, boxed values and pointers are read as they were given");

  g_assert_cmpuint (troupe_message_get_body_type (s), ==, G_TYPE_STRING);
  g_assert_cmpstr (troupe_message_get_string (s), ==, "text");
  g_assert_cmpuint (troupe_message_get_body_type (y), ==, G_TYPE_BYTES);
  g_assert_true (troupe_message_get_bytes (y) == bytes);
  g_assert_cmpuint (troupe_message_get_body_type (v), ==, G_TYPE_VARIANT);
  g_assert_cmpint (g_variant_get_int32 (troupe_message_get_variant (v)), ==, 5);
  g_assert_cmpuint (troupe_message_get_body_type (o), ==, G_TYPE_OBJECT);
  g_assert_true (troupe_message_get_object (o) == object);
  g_assert_cmpuint (troupe_message_get_body_type (x), ==, G_TYPE_STRV);
  g_assert_true (g_strv_equal (troupe_message_get_boxed (x), strv));
  g_assert_cmpuint (troupe_message_get_body_type (p), ==, G_TYPE_POINTER);
  g_assert_true (troupe_message_get_pointer (p) == &bytes);
}

static void
test_pointer_freed (void)
{
  TroupeMessage *message;
  int freed = 0, stolen = 0;

  g_test_summary ("A pointer is freed once with its message, unless it was stolen");

  message = troupe_message_new_pointer ("m", &freed, count_up);
  g_assert_true (troupe_message_get_pointer (message) == &freed);
  g_assert_cmpuint (troupe_message_get_body_type (message), ==, G_TYPE_POINTER);
  troupe_message_ref (message);
  troupe_message_unref (message);
  g_assert_cmpint (freed, ==, 0);
  troupe_message_unref (message);
  g_assert_cmpint (freed, ==, 1);

  message = troupe_message_new_pointer ("m", &stolen, count_up);
  g_assert_true (troupe_message_steal_pointer (message) == &stolen);
  g_assert_cmpuint (troupe_message_get_body_type (message), ==, G_TYPE_NONE);
  troupe_message_unref (message);
  g_assert_cmpint (stolen, ==, 0);
}

static void
test_json (void)
{
  g_autoptr (TroupeMessage) message = troupe_message_new_json ("m", troupe_json_parse ("{\"a\":\"x/y\"}", -1, 0, NULL, NULL));
  g_autoptr (TroupeMessage) other = troupe_message_ref (message);
  g_autofree char *text = troupe_message_dup_json_string (message);
  struct json_object *copy;
  struct json_object *tree;

  g_test_summary ("A JSON tree is stolen by the only holder of the message, and copied for others");

  g_assert_cmpuint (troupe_message_get_body_type (message), ==, TROUPE_TYPE_JSON);
  g_assert_cmpstr (text, ==, "{\"a\":\"x/y\"}");
  tree = troupe_message_get_json (message);

  copy = troupe_message_steal_json (message);
  g_assert_true (copy != tree && json_object_equal (copy, tree));
  json_object_put (copy);

  g_clear_pointer (&other, troupe_message_unref);
  g_assert_true (troupe_message_steal_json (message) == tree);
  g_assert_cmpuint (troupe_message_get_body_type (message), ==, G_TYPE_NONE);
  json_object_put (tree);
}

static void
test_json_string (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupeMessage) good = troupe_message_new_json_string ("m", "[1,null]", &error);
  g_autoptr (TroupeMessage) null = troupe_message_new_json_string ("m", "null", NULL);
  g_autoptr (TroupeMessage) bad = NULL;
  g_autofree char *text = troupe_message_dup_json_string (null);

  g_test_summary ("A JSON tree can be given as text");

  g_assert_no_error (error);
  g_assert_cmpuint (json_object_array_length (troupe_message_get_json (good)), ==, 2);
  g_assert_cmpuint (troupe_message_get_body_type (null), ==, TROUPE_TYPE_JSON);
  g_assert_cmpstr (text, ==, "null");

  bad = troupe_message_new_json_string ("m", "[1,", &error);
  g_assert_null (bad);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_JSON);
}

static void
assert_value_becomes (const GValue *value,
                      GType         type)
{
  g_autoptr (TroupeMessage) message = troupe_message_new_value ("m", value);

  g_assert_cmpstr (g_type_name (troupe_message_get_body_type (message)), ==, g_type_name (type));
}

static void
test_values_in (void)
{
  static const struct
  {
    GType from;
    GType to;
  } types[] = {
    { G_TYPE_BOOLEAN, G_TYPE_BOOLEAN }, { G_TYPE_CHAR, G_TYPE_INT64 }, { G_TYPE_UCHAR, G_TYPE_UINT64 },
    { G_TYPE_INT, G_TYPE_INT64 }, { G_TYPE_UINT, G_TYPE_UINT64 }, { G_TYPE_LONG, G_TYPE_INT64 },
    { G_TYPE_ULONG, G_TYPE_UINT64 }, { G_TYPE_INT64, G_TYPE_INT64 }, { G_TYPE_UINT64, G_TYPE_UINT64 },
    { G_TYPE_FLOAT, G_TYPE_DOUBLE }, { G_TYPE_DOUBLE, G_TYPE_DOUBLE }, { G_TYPE_STRING, G_TYPE_STRING },
    { G_TYPE_VARIANT, G_TYPE_VARIANT }, { G_TYPE_OBJECT, G_TYPE_OBJECT }, { G_TYPE_POINTER, G_TYPE_POINTER },
  };
  g_auto (GValue) boxed = G_VALUE_INIT;

  g_test_summary ("A value of any type becomes a body, numbers the widest of their kind");

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      g_value_init (&value, types[i].from);
      assert_value_becomes (&value, types[i].to);
    }

  g_value_init (&boxed, G_TYPE_STRV);
  assert_value_becomes (&boxed, G_TYPE_STRV);
  assert_value_becomes (NULL, G_TYPE_NONE);
}

static void
test_values_out (void)
{
  g_autoptr (TroupeMessage) none = troupe_message_new ("m");
  g_autoptr (TroupeMessage) string = troupe_message_new_string ("m", "text");
  g_autoptr (TroupeMessage) json = troupe_message_new_json_string ("m", "[1]", NULL);
  g_autoptr (TroupeMessage) variant = troupe_message_new_variant ("m", g_variant_new_int32 (5));
  g_auto (GValue) a = G_VALUE_INIT, b = G_VALUE_INIT, c = G_VALUE_INIT, d = G_VALUE_INIT;

  g_test_summary ("A body of any type can be copied out as a value");

  troupe_message_get_value (none, &a);
  g_assert_true (G_VALUE_HOLDS_POINTER (&a));
  g_assert_null (g_value_get_pointer (&a));
  troupe_message_get_value (string, &b);
  g_assert_cmpstr (g_value_get_string (&b), ==, "text");
  troupe_message_get_value (json, &c);
  g_assert_true (G_VALUE_HOLDS (&c, TROUPE_TYPE_JSON));
  g_assert_true (g_value_get_boxed (&c) != troupe_message_get_json (json));
  troupe_message_get_value (variant, &d);
  g_assert_cmpint (g_variant_get_int32 (g_value_get_variant (&d)), ==, 5);
}

static void
test_wrong_type (void)
{
  g_autoptr (TroupeMessage) message = troupe_message_new_int64 ("m", 5);
  g_autoptr (TroupeMessage) none = troupe_message_new ("m");

  g_test_summary ("Reading a body as another type than it is is a mistake");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "The value was read as GBytes, but it is a gint64");
  g_assert_null (troupe_message_get_bytes (message));
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "The value was read as guint64, but it is a gint64");
  g_assert_cmpuint (troupe_message_get_uint64 (message), ==, 0);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "The value was read as gchararray, but there is none");
  g_assert_null (troupe_message_get_string (none));
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "The value was read as gpointer, but it is a gint64");
  g_assert_null (troupe_message_steal_pointer (message));
  g_test_assert_expected_messages ();
  g_assert_cmpint (troupe_message_get_int64 (message), ==, 5);
}

static void
test_arguments (void)
{
  g_test_summary ("What cannot be a message is refused");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*name != NULL*");
  g_assert_null (troupe_message_new (NULL));
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*string != NULL*");
  g_assert_null (troupe_message_new_string ("m", NULL));
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*G_IS_OBJECT*");
  g_assert_null (troupe_message_new_object ("m", NULL));
  g_test_assert_expected_messages ();
}

/* Travelling */

typedef struct
{
  TroupeRef      *other;
  TroupeRef      *sender;
  TroupeMessage  *kept;
  TroupeResolver *resolver;
  int             count;
} Scene;

static void
wait_for (TroupePromise *promise)
{
  g_autoptr (TroupePromise) waited = promise;

  troupe_test_until (troupe_promise_is_resolved (waited));
  g_assert_no_error (troupe_promise_get_error (waited));
}

static void
forget (TroupePromise *promise,
        gpointer       user_data)
{
  troupe_promise_return_nothing (promise);
}

static void
assert_rejected (TroupePromise *promise,
                 GQuark         domain,
                 int            code)
{
  troupe_test_until (troupe_promise_is_resolved (promise));
  g_assert_error (troupe_promise_get_error (promise), domain, code);
  troupe_promise_add_errback (promise, forget, NULL, NULL);
}

static gboolean
count_and_keep (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Scene *scene = test_puppet_get_data (message);

  scene->count++;
  if (scene->kept == NULL)
    scene->kept = troupe_message_ref (message);
  else
    g_assert_true (scene->kept != message);
  g_assert_null (troupe_message_get_sender (message));
  return TRUE;
}

static void
test_sent_again (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  Scene scene = { NULL };
  TestJob job = { count_and_keep, &scene };
  TroupeMessage *message = troupe_message_new_pointer ("run", &job, NULL);

  g_test_summary ("A message that is sent again, or is held by others, travels in a fresh envelope");

  troupe_ref_send (puppet, troupe_message_ref (message));
  troupe_ref_send (puppet, troupe_message_ref (message));
  troupe_ref_send (puppet, message);
  troupe_test_until (scene.count == 3);

  troupe_message_unref (scene.kept);
  troupe_test_system_end (system);
}

static void
test_unshareable (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  int freed = 0;
  TroupeMessage *message = troupe_message_new_pointer ("run", &freed, count_up);

  g_test_summary ("A pointer that has to be freed cannot be sent twice");

  troupe_message_ref (message);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "The message “run” cannot be sent twice*");
  troupe_ref_send (puppet, message);
  g_test_assert_expected_messages ();
  g_assert_cmpint (freed, ==, 0);
  troupe_message_unref (message);
  g_assert_cmpint (freed, ==, 1);

  troupe_test_system_end (system);
}

/* Answering */

static gboolean
reply_int (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  g_assert_true (troupe_message_wants_reply (message));
  troupe_message_reply_int64 (message, 42);
  g_assert_false (troupe_message_wants_reply (message));
  return TRUE;
}

static gboolean
reply_error (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  troupe_message_reply_error (message, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "No such thing"));
  return TRUE;
}

static gboolean
reply_not (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  Scene *scene = test_puppet_get_data (message);

  scene->kept = troupe_message_ref (message);
  return TRUE;
}

static void
test_reply (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, "puppet");
  g_autoptr (TroupePromise) value = test_puppet_ask_and_wait (puppet, reply_int, NULL);
  g_autoptr (TroupePromise) failure = test_puppet_ask (puppet, reply_error, NULL);
  g_autoptr (TroupePromise) silence = NULL;
  Scene scene = { NULL };

  g_test_summary ("An ask is answered with a value or an error; silence is an error, whoever still holds the message");

  g_assert_cmpint (troupe_promise_get_int64 (value), ==, 42);
  assert_rejected (failure, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);

  silence = test_puppet_ask (puppet, reply_not, &scene);
  assert_rejected (silence, TROUPE_ERROR, TROUPE_ERROR_BROKEN);
  g_assert_false (troupe_message_wants_reply (scene.kept));
  troupe_message_unref (scene.kept);

  troupe_test_system_end (system);
}

static gboolean
reply_every_type (TroupeActor    *actor,
                  TroupeMessage  *message,
                  GError        **error)
{
  static const char *const strv[] = { "a", NULL };
  Scene *scene = test_puppet_get_data (message);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("abc", 3);
  g_auto (GValue) value = G_VALUE_INIT;

  switch (scene->count++)
    {
    case 0:
      troupe_message_reply (message);
      break;
    case 1:
      troupe_message_reply_uint64 (message, 1);
      break;
    case 2:
      troupe_message_reply_double (message, 1);
      break;
    case 3:
      troupe_message_reply_boolean (message, TRUE);
      break;
    case 4:
      troupe_message_reply_string (message, "s");
      break;
    case 5:
      troupe_message_reply_bytes (message, bytes);
      break;
    case 6:
      troupe_message_reply_variant (message, g_variant_new_int32 (1));
      break;
    case 7:
      troupe_message_reply_object (message, actor);
      break;
    case 8:
      troupe_message_reply_boxed (message, G_TYPE_STRV, strv);
      break;
    case 9:
      troupe_message_reply_pointer (message, scene, NULL);
      break;
    case 10:
      troupe_message_reply_json (message, json_object_new_int (1));
      break;
    default:
      g_value_init (&value, G_TYPE_UINT);
      troupe_message_reply_value (message, &value);
      break;
    }

  return TRUE;
}

static void
test_reply_types (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  Scene scene = { NULL };
  const GType types[] = {
    G_TYPE_NONE, G_TYPE_UINT64, G_TYPE_DOUBLE, G_TYPE_BOOLEAN, G_TYPE_STRING, G_TYPE_BYTES, G_TYPE_VARIANT, TEST_TYPE_PUPPET,
    G_TYPE_STRV, G_TYPE_POINTER, TROUPE_TYPE_JSON, G_TYPE_UINT64,
  };

  g_test_summary ("An answer may be of any type");

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autoptr (TroupePromise) answer = test_puppet_ask_and_wait (puppet, reply_every_type, &scene);

      g_assert_cmpstr (g_type_name (troupe_promise_get_value_type (answer)), ==, g_type_name (types[i]));
    }

  troupe_test_system_end (system);
}

static gboolean
reply_twice (TroupeActor    *actor,
             TroupeMessage  *message,
             GError        **error)
{
  int *freed = test_puppet_get_data (message);

  troupe_message_reply_int64 (message, 1);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "The message “run” has been answered*");
  troupe_message_reply_pointer (message, freed, count_up);
  g_test_assert_expected_messages ();
  g_assert_cmpint (*freed, ==, 1);
  return TRUE;
}

static gboolean
reply_to_send (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  int *freed = test_puppet_get_data (message);

  g_assert_false (troupe_message_wants_reply (message));
  g_assert_null (troupe_message_defer_reply (message));
  troupe_message_reply_pointer (message, freed, count_up);
  troupe_message_reply_pointer (message, freed, count_up);
  return TRUE;
}

static void
test_reply_twice (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (TroupePromise) promise = NULL;
  int freed = 0, ignored = 0;

  g_test_summary ("A second answer is a mistake; an answer to what was not asked is ignored");

  promise = test_puppet_ask_and_wait (puppet, reply_twice, &freed);
  g_assert_cmpint (troupe_promise_get_int64 (promise), ==, 1);

  test_puppet_tell (puppet, reply_to_send, &ignored);
  troupe_test_until (ignored == 2);

  troupe_test_system_end (system);
}

static gboolean
defer (TroupeActor    *actor,
       TroupeMessage  *message,
       GError        **error)
{
  Scene *scene = test_puppet_get_data (message);

  scene->resolver = troupe_message_defer_reply (message);
  g_assert_false (troupe_message_wants_reply (message));
  return TRUE;
}

static void
test_defer (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (TroupePromise) answered = NULL;
  g_autoptr (TroupePromise) dropped = NULL;
  Scene scene = { NULL };

  g_test_summary ("An answer may be given later; dropping the duty is an error");

  answered = test_puppet_ask (puppet, defer, &scene);
  troupe_test_until (scene.resolver != NULL);
  g_assert_true (troupe_resolver_resolve_string (scene.resolver, "late", NULL));
  g_clear_pointer (&scene.resolver, troupe_resolver_unref);
  troupe_test_until (troupe_promise_is_resolved (answered));
  g_assert_cmpstr (troupe_promise_get_string (answered), ==, "late");

  dropped = test_puppet_ask (puppet, defer, &scene);
  troupe_test_until (scene.resolver != NULL);
  g_clear_pointer (&scene.resolver, troupe_resolver_unref);
  assert_rejected (dropped, TROUPE_ERROR, TROUPE_ERROR_BROKEN);

  troupe_test_system_end (system);
}

static void
add_one (TroupePromise *promise,
         gpointer       user_data)
{
  troupe_promise_return_int64 (promise, troupe_promise_get_int64 (promise) + 1);
}

static gboolean
reply_promise (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  Scene *scene = test_puppet_get_data (message);
  TroupePromise *promise = test_puppet_ask (scene->other, reply_int, NULL);

  troupe_promise_add_callback (promise, add_one, NULL, NULL);
  troupe_message_reply_promise (message, promise);
  return TRUE;
}

static gboolean
reply_pending (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  Scene *scene = test_puppet_get_data (message);

  troupe_message_reply_promise (message, troupe_promise_new (&scene->resolver));
  return TRUE;
}

static void
test_reply_promise (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  g_autoptr (TroupeRef) other = test_puppet_new (system, NULL);
  g_autoptr (TroupePromise) answer = NULL;
  g_autoptr (TroupePromise) lost = NULL;
  Scene scene = { .other = other };

  g_test_summary ("An answer may be a promise; if the actor ends first, the asker is told so");

  answer = test_puppet_ask_and_wait (puppet, reply_promise, &scene);
  g_assert_cmpint (troupe_promise_get_int64 (answer), ==, 43);

  lost = test_puppet_ask (puppet, reply_pending, &scene);
  troupe_test_until (scene.resolver != NULL);
  troupe_ref_stop (puppet);
  assert_rejected (lost, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);
  troupe_resolver_unref (scene.resolver);

  troupe_test_system_end (system);
}

static gboolean
forward_or_answer (TroupeActor    *actor,
                   TroupeMessage  *message,
                   GError        **error)
{
  Scene *scene = test_puppet_get_data (message);

  if (scene->count++ == 0)
    {
      scene->sender = troupe_message_get_sender (message);
      troupe_message_forward (message, scene->other);
      g_assert_false (troupe_message_wants_reply (message));
      return TRUE;
    }

  g_assert_true (troupe_message_get_sender (message) == scene->sender);
  g_assert_true (troupe_message_wants_reply (message));
  troupe_message_reply_int64 (message, 42);
  return TRUE;
}

static gboolean
ask_to_forward (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Scene *scene = test_puppet_get_data (message);

  troupe_message_reply_promise (message, test_puppet_ask (scene[1].other, forward_or_answer, scene));
  return TRUE;
}

static void
test_forward (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) asker = test_puppet_new (system, "asker");
  g_autoptr (TroupeRef) first = test_puppet_new (system, "first");
  g_autoptr (TroupeRef) second = test_puppet_new (system, "second");
  Scene scenes[2] = { { .other = second }, { .other = first } };
  g_autoptr (TroupePromise) answer = test_puppet_ask_and_wait (asker, ask_to_forward, scenes);

  g_test_summary ("A forwarded message keeps its sender, and takes the duty to answer with it");

  g_assert_cmpint (troupe_promise_get_int64 (answer), ==, 42);
  g_assert_true (scenes[0].sender == asker);
  g_assert_cmpint (scenes[0].count, ==, 2);

  /* The job, a pointer to be freed, went with it: forwarded to an actor that has ended, it is freed and the debt rejected. */
  troupe_ref_stop (second);
  troupe_test_until (troupe_ref_has_ended (second));
  scenes[0].count = 0;
  g_clear_pointer (&answer, troupe_promise_unref);
  answer = test_puppet_ask (asker, ask_to_forward, scenes);
  assert_rejected (answer, TROUPE_ERROR, TROUPE_ERROR_ACTOR_STOPPED);

  troupe_test_system_end (system);
}

static gboolean
see_sender (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  Scene *scene = test_puppet_get_data (message);

  scene->sender = troupe_message_get_sender (message);
  troupe_message_reply (message);
  return TRUE;
}

static void
test_sender (void)
{
  TroupeSystem *system = troupe_test_system_new ();
  g_autoptr (TroupeRef) puppet = test_puppet_new (system, NULL);
  Scene scene = { .sender = puppet };

  g_test_summary ("What is sent outside any actor has no sender");

  wait_for (test_puppet_ask (puppet, see_sender, &scene));
  g_assert_null (scene.sender);

  troupe_test_system_end (system);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/message/numbers", test_numbers);
  g_test_add_func ("/troupe/message/pointers", test_pointers);
  g_test_add_func ("/troupe/message/pointer-freed", test_pointer_freed);
  g_test_add_func ("/troupe/message/json", test_json);
  g_test_add_func ("/troupe/message/json-string", test_json_string);
  g_test_add_func ("/troupe/message/values-in", test_values_in);
  g_test_add_func ("/troupe/message/values-out", test_values_out);
  g_test_add_func ("/troupe/message/wrong-type", test_wrong_type);
  g_test_add_func ("/troupe/message/arguments", test_arguments);
  g_test_add_func ("/troupe/message/sent-again", test_sent_again);
  g_test_add_func ("/troupe/message/unshareable", test_unshareable);
  g_test_add_func ("/troupe/message/sender", test_sender);
  g_test_add_func ("/troupe/message/reply", test_reply);
  g_test_add_func ("/troupe/message/reply/types", test_reply_types);
  g_test_add_func ("/troupe/message/reply/twice", test_reply_twice);
  g_test_add_func ("/troupe/message/reply/deferred", test_defer);
  g_test_add_func ("/troupe/message/reply/promise", test_reply_promise);
  g_test_add_func ("/troupe/message/forward", test_forward);

  return g_test_run ();
}
