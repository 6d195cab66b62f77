/* troupe-shutdown.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-shutdown-private.h"
#include "troupe-system-private.h"
#include "troupe-timer-private.h"

/* How long one that was killed may take to end before it is looked whether it is stuck. */
#define GRACE_MS 1000

struct _TroupeShutdown
{
  TroupeRef   *root;                 /* no reference: it is the root's system that has this */
  TroupeRef   *current;              /* a reference: who is stopping, or NULL */
  TroupeTimer *timer;
  gint64       timeout_ms;
};

static void troupe_shutdown_look (TroupeTimer *timer,
                                  gpointer     data);

static void
troupe_shutdown_wait (TroupeShutdown *self)
{
  troupe_timer_clear (&self->timer);
  self->timer = troupe_timer_new (self->root, GRACE_MS, TRUE, troupe_shutdown_look, self, NULL);
}

static void
troupe_shutdown_look (TroupeTimer *timer,
                      gpointer     data)
{
  TroupeShutdown *self = data;

  troupe_system_abandon_stuck (self->root->system, self->current);
  troupe_shutdown_wait (self);
}

static void
troupe_shutdown_expire (TroupeTimer *timer,
                        gpointer     data)
{
  TroupeShutdown *self = data;
  g_autofree char *path = troupe_ref_dup_path (self->current);

  g_warning ("The actor “%s” has not stopped within %" G_GINT64_FORMAT " ms: it is killed", path, self->timeout_ms);
  troupe_ref_control (self->current, TROUPE_CONTROL_KILL);
  troupe_shutdown_wait (self);
}

static void
troupe_shutdown_go_on (TroupeRef *root,
                       gpointer   data)
{
  TroupeShutdown *self = data;

  troupe_timer_clear (&self->timer);
  g_clear_pointer (&self->current, troupe_ref_unref);

  if (root->last_child == NULL)
    {
      troupe_ref_control (root, TROUPE_CONTROL_STOP);
      return;
    }

  self->current = troupe_ref_ref (root->last_child);
  self->timer = troupe_timer_new (root, self->timeout_ms, TRUE, troupe_shutdown_expire, self, NULL);
  troupe_ref_control (self->current, TROUPE_CONTROL_STOP);
}

TroupeShutdown *
troupe_shutdown_begin (TroupeRef *root,
                       gint64     timeout_ms)
{
  TroupeShutdown *self = g_new0 (TroupeShutdown, 1);

  self->root = root;
  self->timeout_ms = timeout_ms;
  troupe_shutdown_go_on (root, self);

  return self;
}

void
troupe_shutdown_child_ended (TroupeShutdown *self,
                             TroupeRef      *child)
{
  if (child == self->current)
    troupe_ref_call (self->root, troupe_shutdown_go_on, NULL, self, NULL);
}

void
troupe_shutdown_free (TroupeShutdown *self)
{
  troupe_timer_clear (&self->timer);
  g_clear_pointer (&self->current, troupe_ref_unref);
  g_free (self);
}
