/* troupe-promise-debug.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <dlfcn.h>
#ifdef HAVE_BACKTRACE
# include <execinfo.h>
#endif
#include <unistd.h>

#include "troupe-promise-debug-private.h"
#include "troupe-promise-debug.h"

/* Where promises come from is kept beside them, so that they are no larger for those who do not ask. */

#define TROUPE_SITE_FRAMES 24        /* kept: the innermost are our own … */
#define TROUPE_SITE_NAMES  6         /* … and of the rest so many are told */

enum
{
  TROUPE_DEBUG_ON   = 1 << 0,
  TROUPE_DEBUG_USED = 1 << 1,        /* there may be sites: promises that die have to be looked for */
};

typedef struct
{
  gpointer frames[TROUPE_SITE_FRAMES];
  int      n_frames;
} TroupeFrames;

typedef struct
{
  TroupeFrames sites[TROUPE_N_SITES];
} TroupeSites;

guint troupe_promise_debug_state;

static GMutex mutex;
static GHashTable *all_sites;        /* TroupePromise to TroupeSites; with the mutex */

/* Like G_DEBUG, it is read before main (). */
static void __attribute__ ((constructor))
troupe_promise_read_debug (void)
{
  static const GDebugKey keys[] = { { "promises", 1 } };

  if (g_parse_debug_string (g_getenv ("TROUPE_DEBUG"), keys, G_N_ELEMENTS (keys)) != 0)
    troupe_promise_set_debugging (TRUE);
}

static void
troupe_frames_fill (TroupeFrames *self)
{
#ifdef HAVE_BACKTRACE
  self->n_frames = backtrace (self->frames, TROUPE_SITE_FRAMES);
#endif
}

void
troupe_promise_keep_site (TroupePromise *self,
                          TroupeSite     site)
{
  TroupeSites *sites;
  TroupeFrames frames = { .n_frames = 0 };

  if ((__atomic_load_n (&troupe_promise_debug_state, __ATOMIC_RELAXED) & TROUPE_DEBUG_ON) == 0)
    return;

  troupe_frames_fill (&frames);

  g_mutex_lock (&mutex);
  if (all_sites == NULL)
    all_sites = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  sites = g_hash_table_lookup (all_sites, self);
  if (sites == NULL)
    {
      sites = g_new0 (TroupeSites, 1);
      g_hash_table_insert (all_sites, self, sites);
    }
  if (sites->sites[site].n_frames == 0)
    sites->sites[site] = frames;
  g_mutex_unlock (&mutex);
}

void
troupe_promise_drop_sites (TroupePromise *self)
{
  g_mutex_lock (&mutex);
  if (all_sites != NULL)
    g_hash_table_remove (all_sites, self);
  g_mutex_unlock (&mutex);
}

/* Return addresses point behind the call, perhaps into the next function. */
static gboolean
look_up (gpointer  frame,
         Dl_info  *info)
{
  return dladdr ((char *) frame - 1, info) != 0;
}

/* In the same library as SYMBOL. */
static gboolean
is_beside (const Dl_info *info,
           gconstpointer  symbol)
{
  Dl_info other;

  return dladdr (symbol, &other) != 0 && other.dli_fbase == info->dli_fbase;
}

/* What called main (), or is the beginning of a thread: libc, known by a function of which sanitizers have no version of their own. */
static gboolean
is_system (const Dl_info *info)
{
  return is_beside (info, (gconstpointer) sysconf);
}

/* What no symbol table names is told as addr2line wants it. */
static void
append_frame (GString       *text,
              gpointer       frame,
              const Dl_info *info)
{
  g_autofree char *file = NULL;

  if (info->dli_sname != NULL)
    {
      g_string_append (text, info->dli_sname);
      return;
    }

  file = g_path_get_basename (info->dli_fname);
  g_string_append_printf (text, "%s+0x%" G_GSIZE_MODIFIER "x", file, (gsize) ((char *) frame - (char *) info->dli_fbase));
}

/* The frames between ours: from who called us out to who was called by us, or by the system. */
static guint
append_frames (GString            *text,
               const TroupeFrames *frames,
               gboolean            skip_ours)
{
  gboolean seen_ours = FALSE;
  guint n_names = 0;
  Dl_info info;
  int i;

  for (i = 0; i < frames->n_frames && n_names < TROUPE_SITE_NAMES; i++)
    {
      if (!look_up (frames->frames[i], &info))
        continue;

      if (n_names > 0 && is_system (&info))
        break;
      if (skip_ours && is_beside (&info, &troupe_promise_debug_state))
        {
          if (n_names > 0)
            break;
          seen_ours = TRUE;
          continue;
        }
      /* A sanitizer's backtrace () comes before all. */
      if (skip_ours && !seen_ours)
        continue;

      if (n_names++ > 0)
        g_string_append (text, ", from ");
      append_frame (text, frames->frames[i], &info);
    }

  return n_names;
}

static void
append_site (GString            *text,
             const char         *what,
             const TroupeFrames *frames)
{
  if (frames->n_frames == 0)
    return;

  g_string_append_printf (text, "\n  %s in ", what);

  /* Where all is one program, nothing tells what is ours; what the runtime itself does has nothing else. */
  if (append_frames (text, frames, TRUE) == 0)
    append_frames (text, frames, FALSE);
}

char *
troupe_promise_dup_sites (TroupePromise *self)
{
  GString *text = g_string_new (NULL);
  TroupeSites *sites;

  g_mutex_lock (&mutex);
  sites = all_sites != NULL ? g_hash_table_lookup (all_sites, self) : NULL;
  if (sites != NULL)
    {
      append_site (text, "made", &sites->sites[TROUPE_SITE_MADE]);
      append_site (text, "resolved", &sites->sites[TROUPE_SITE_RESOLVED]);
      append_site (text, "cancelled", &sites->sites[TROUPE_SITE_CANCELLED]);
    }
  g_mutex_unlock (&mutex);

  return g_string_free (text, FALSE);
}

/**
 * troupe_promise_set_debugging:
 * @debugging: whether to remember where promises come from
 *
 * Switches on or off that promises remember where they were made, first resolved, and cancelled.
 *
 * The warning about an error that nobody took tells it then, and so does %TROUPE_ERROR_ALREADY_RESOLVED: the names of the functions
 * that led to the call, as far as the program's symbols are known at run time: link it with `-rdynamic` (in Meson, `export_dynamic: true`), or
 * pass what is printed instead to `addr2line`. It takes microseconds and some 650 bytes a promise, and nothing while it is
 * off. The environment variable `TROUPE_DEBUG=promises` switches it on from the beginning.
 *
 * Promises that were made before remember nothing of it. Call it from any thread.
 *
 * Since: 1.0
 */
void
troupe_promise_set_debugging (gboolean debugging)
{
  /* Relaxed, as wherever it is read: it guards nothing but itself, and the table has a mutex. */
  if (debugging)
    __atomic_fetch_or (&troupe_promise_debug_state, TROUPE_DEBUG_ON | TROUPE_DEBUG_USED, __ATOMIC_RELAXED);
  else
    __atomic_fetch_and (&troupe_promise_debug_state, ~TROUPE_DEBUG_ON, __ATOMIC_RELAXED);
}

/**
 * troupe_promise_get_debugging:
 *
 * Tells whether promises remember where they come from.
 *
 * Returns: what [func@Troupe.Promise.set_debugging] or the environment has set
 *
 * Since: 1.0
 */
gboolean
troupe_promise_get_debugging (void)
{
  return (__atomic_load_n (&troupe_promise_debug_state, __ATOMIC_RELAXED) & TROUPE_DEBUG_ON) != 0;
}
