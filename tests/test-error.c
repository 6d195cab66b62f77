/* test-error.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "troupe-test.h"

#include "troupe-error-private.h"    /* nothing public makes an error with an index */

/* How many codes the header has; each must be known by its name. */
static guint
count_codes (GEnumClass *klass)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "..", "runtime", "troupe-error.h", NULL);
  g_autoptr (GRegex) code = g_regex_new ("^  (TROUPE_ERROR_\\w+)", G_REGEX_MULTILINE, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *header = NULL;
  guint n = 0;

  g_assert_true (g_file_get_contents (path, &header, NULL, NULL));
  for (g_regex_match (code, header, 0, &match); g_match_info_matches (match); g_match_info_next (match, NULL), n++)
    {
      g_autofree char *name = g_match_info_fetch (match, 1);

      g_assert_nonnull (g_enum_get_value_by_name (klass, name));
    }

  return n;
}

static void
test_codes (void)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (TROUPE_TYPE_ERROR);

  g_test_summary ("Every code has a name of its own");

  g_assert_cmpuint (count_codes (klass), ==, klass->n_values);
  for (guint i = 0; i < klass->n_values; i++)
    {
      const GEnumValue *value = &klass->values[i];

      g_assert_true (g_enum_get_value (klass, value->value) == value);
      g_assert_true (g_enum_get_value_by_nick (klass, value->value_nick) == value);
    }
  g_assert_cmpint (g_enum_get_value_by_nick (klass, "actor-stopped")->value, ==, TROUPE_ERROR_ACTOR_STOPPED);
  g_assert_cmpstr (g_quark_to_string (TROUPE_ERROR), ==, "TroupeError");
}

static void
test_cause (void)
{
  g_autoptr (GError) cause = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "Too busy");
  g_autoptr (GError) error = troupe_error_new_with_cause (TROUPE_ERROR_FIRST_ERROR, 3, cause, "Number %d failed", 3);
  g_autoptr (GError) copy = g_error_copy (error);

  g_test_summary ("An error keeps a copy of its cause, and so does its own copy");

  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_FIRST_ERROR);
  g_assert_cmpstr (error->message, ==, "Number 3 failed");
  g_clear_error (&cause);
  g_assert_error (troupe_error_get_cause (error), G_IO_ERROR, G_IO_ERROR_BUSY);
  g_clear_error (&error);

  g_assert_error (troupe_error_get_cause (copy), G_IO_ERROR, G_IO_ERROR_BUSY);
  g_assert_cmpstr (troupe_error_get_cause (copy)->message, ==, "Too busy");
  g_assert_cmpint (troupe_error_get_index (copy), ==, 3);
}

static void
test_without (void)
{
  g_autoptr (GError) plain = g_error_new_literal (TROUPE_ERROR, TROUPE_ERROR_FAILED, "Failed");
  g_autoptr (GError) other = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "Failed");

  g_test_summary ("Other errors have neither cause nor index");

  g_assert_null (troupe_error_get_cause (plain));
  g_assert_cmpint (troupe_error_get_index (plain), ==, -1);
  g_assert_null (troupe_error_get_cause (other));
  g_assert_cmpint (troupe_error_get_index (other), ==, -1);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/error/codes", test_codes);
  g_test_add_func ("/troupe/error/cause", test_cause);
  g_test_add_func ("/troupe/error/without", test_without);

  return g_test_run ();
}
