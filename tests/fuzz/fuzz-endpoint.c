/* fuzz-endpoint.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <troupe.h>

int LLVMFuzzerTestOneInput (const guint8 *data,
                            gsize         size);

/* What is parsed and written out again means the same when it is parsed once more. */
static void
check (const char *text,
       TroupeEndpoint *(*parse) (const char  *text,
                                 GError     **error))
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupeEndpoint) endpoint = parse (text, &error);
  g_autoptr (TroupeEndpoint) again = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  g_assert ((endpoint == NULL) == (error != NULL));
  if (endpoint == NULL)
    {
      g_assert (g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_BAD_ENDPOINT));
      return;
    }

  first = troupe_endpoint_to_string (endpoint);
  again = parse (first, &error);
  g_assert_no_error (error);
  second = troupe_endpoint_to_string (again);
  g_assert_cmpstr (first, ==, second);
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);

  check (text, troupe_endpoint_parse_server);
  check (text, troupe_endpoint_parse_client);

  return 0;
}
