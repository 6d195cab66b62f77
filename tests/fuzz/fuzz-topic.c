/* fuzz-topic.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>

#include <troupe.h>

int LLVMFuzzerTestOneInput (const guint8 *data,
                            gsize         size);

/* The first line is a topic, the others are filters. Who is found in the tree is who a plain comparison of levels finds. */

#define MAX_FILTERS 16

static gboolean
matches (const char *filter,
         const char *topic)
{
  g_auto (GStrv) patterns = g_strsplit (filter, "/", -1);
  g_auto (GStrv) levels = g_strsplit (topic, "/", -1);
  guint i;

  if (*topic == '$' && (g_str_equal (patterns[0], "+") || g_str_equal (patterns[0], "#")))
    return FALSE;

  for (i = 0; patterns[i] != NULL && levels[i] != NULL; i++)
    {
      if (g_str_equal (patterns[i], "#"))
        return TRUE;
      if (!g_str_equal (patterns[i], "+") && !g_str_equal (patterns[i], levels[i]))
        return FALSE;
    }

  return levels[i] == NULL && (patterns[i] == NULL || g_str_equal (patterns[i], "#"));
}

static gboolean
has (GPtrArray *refs,
     TroupeRef *ref)
{
  return g_ptr_array_find (refs, ref, NULL);
}

static TroupeRef *
get_subscriber (TroupeSystem *system,
                guint         i)
{
  static TroupeRef *subscribers[MAX_FILTERS];

  if (subscribers[i] == NULL)
    subscribers[i] = troupe_system_spawn (system, NULL, TROUPE_TYPE_ACTOR, NULL, NULL);

  return subscribers[i];
}

static gboolean
subscribe (TroupeSystem *system,
           const char   *filter,
           TroupeRef    *ref)
{
  g_autoptr (GError) error = NULL;

  if (troupe_system_subscribe (system, filter, ref, &error))
    return TRUE;

  g_assert (g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_BAD_TOPIC));
  g_assert_cmpint (troupe_error_get_index (error), >=, 0);
  g_assert_cmpint (troupe_error_get_index (error), <=, (gint64) strlen (filter));
  return FALSE;
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  TroupeSystem *system = troupe_system_get_default ();
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_auto (GStrv) lines = g_strsplit (text, "\n", MAX_FILTERS);
  const char *topic = lines[0] != NULL ? lines[0] : "";
  gboolean is_topic = troupe_system_publish (system, topic, troupe_message_new ("x"), NULL);
  g_autoptr (GPtrArray) refs = NULL;
  gboolean subscribed[MAX_FILTERS] = { FALSE };
  guint i;

  for (i = 1; lines[0] != NULL && lines[i] != NULL; i++)
    subscribed[i] = subscribe (system, lines[i], get_subscriber (system, i));

  refs = troupe_system_dup_subscribers (system, topic);
  for (i = 1; i < MAX_FILTERS; i++)
    g_assert_cmpint (has (refs, get_subscriber (system, i)), ==,
                     is_topic && subscribed[i] && matches (lines[i], topic));

  for (i = 1; i < MAX_FILTERS; i++)
    if (subscribed[i])
      g_assert_true (troupe_system_unsubscribe (system, lines[i], get_subscriber (system, i)));
  g_clear_pointer (&refs, g_ptr_array_unref);
  refs = troupe_system_dup_subscribers (system, topic);
  g_assert_cmpuint (refs->len, ==, 0);

  return 0;
}
