/* troupe-test-trace.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* What the steps and free functions of a test said, in order: “7”, “nothing”, “!BROKEN”, or a word of their own. */
static GString *trace;

static inline void
say (const char *word)
{
  if (trace->len > 0)
    g_string_append_c (trace, ' ');
  g_string_append (trace, word);
}

static inline void
assert_trace (const char *expected)
{
  g_assert_cmpstr (trace->str, ==, expected);
  g_string_truncate (trace, 0);
}
