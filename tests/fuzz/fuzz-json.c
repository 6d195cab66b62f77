/* fuzz-json.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>

#include <troupe.h>

int LLVMFuzzerTestOneInput (const guint8 *data,
                            gsize         size);

/* Either a tree that can be written and read again, or an error within the text. */
int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autoptr (GError) error = NULL;
  gsize offset = 0;
  struct json_object *json = troupe_json_parse (text, size, 32, &offset, &error);

  if (error != NULL)
    {
      g_assert (error->domain == TROUPE_ERROR);
      g_assert_cmpuint (offset, <=, size);
      return 0;
    }

  if (json != NULL)
    {
      const char *written = json_object_to_json_string (json);
      struct json_object *again = troupe_json_parse (written, strlen (written), 32, NULL, &error);

      g_assert_no_error (error);
      json_object_put (again);
      json_object_put (json);
    }

  return 0;
}
