/* troupe-depth.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-depth-private.h"

gsize troupe_depth_frame;

#ifdef TROUPE_DEPTH_POINTER

/* A source that is ready, and notes where the stack of its caller ends. */
typedef struct
{
  GSource source;
  gsize   stack;
} DepthSource;

static gboolean
source_prepare (GSource *source,
                int     *timeout)
{
  *timeout = 0;

  return TRUE;
}

static gboolean
source_dispatch (GSource     *source,
                 GSourceFunc  callback,
                 gpointer     user_data)
{
  ((DepthSource *) source)->stack = (gsize) __builtin_dwarf_cfa ();

  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {
  .prepare = source_prepare,
  .dispatch = source_dispatch,
};

/* As loops do that are not GLib's own: with fewer frames than g_main_context_iteration (). */
static gsize
measure_dispatch (GMainContext *context,
                  DepthSource  *source)
{
  GPollFD fds[4];
  int timeout;
  int priority;
  int n_fds;

  g_main_context_prepare (context, &priority);
  n_fds = g_main_context_query (context, priority, &timeout, fds, G_N_ELEMENTS (fds));
  g_main_context_check (context, priority, fds, MIN (n_fds, (int) G_N_ELEMENTS (fds)));
  g_main_context_dispatch (context);

  return troupe_depth_get_stack () - source->stack;
}

static gsize
measure_iteration (GMainContext *context,
                   DepthSource  *source)
{
  g_main_context_iteration (context, FALSE);

  return troupe_depth_get_stack () - source->stack;
}

void
troupe_depth_measure (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  DepthSource *source = (DepthSource *) g_source_new (&source_funcs, sizeof (DepthSource));

  g_source_set_static_name (&source->source, "Troupe depth");
  g_source_attach (&source->source, context);

  if (g_main_context_acquire (context))
    {
      gsize frame = measure_dispatch (context, source);

      troupe_depth_frame = MIN (frame, measure_iteration (context, source));
      g_main_context_release (context);
    }

  g_source_destroy (&source->source);
  g_source_unref (&source->source);
}

#else

void
troupe_depth_measure (void)
{
}

#endif
