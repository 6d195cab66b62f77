/* troupe-system-tree.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-reactor-private.h"
#include "troupe-ref-private.h"
#include "troupe-system-private.h"

/* What the tree of a system looks like, for people. */

static const char *
troupe_ref_describe_state (TroupeRef *self)
{
  switch ((TroupeRefState) self->state)
    {
    case TROUPE_REF_LIVE:
      return self->actor != NULL ? "live" : "unborn";

    case TROUPE_REF_SUSPENDED:
      return "failed";

    case TROUPE_REF_ENDING:
      return "ending";

    case TROUPE_REF_RESTARTING:
    case TROUPE_REF_BETWEEN:
      return "restarting";

    case TROUPE_REF_ENDED:
    default:
      return "ended";
    }
}

static TroupeRef *
troupe_ref_get_first_child (TroupeRef *self)
{
  TroupeRef *child = self->last_child;

  while (child != NULL && child->previous_sibling != NULL)
    child = child->previous_sibling;

  return child;
}

/* Without recursion: trees may be deep. */
static TroupeRef *
troupe_ref_walk (TroupeRef *self,
                 TroupeRef *root,
                 guint     *depth)
{
  TroupeRef *child = troupe_ref_get_first_child (self);

  if (child != NULL)
    {
      (*depth)++;
      return child;
    }

  while (self != root && self->next_sibling == NULL)
    {
      self = self->parent;
      (*depth)--;
    }

  return self != root ? self->next_sibling : NULL;
}

/**
 * troupe_system_dump_tree:
 * @self: a system
 *
 * Describes all actors of a system, for people who look for what is wrong with it.
 *
 * Each actor has a line, indented below its parent's: its path, its type, its state (“unborn”, “live”, “failed” while it waits for
 * what its parent decides, “restarting”, “ending”), how much lies in its mailbox, and how often it was restarted. Call it on the thread of the system's reactor.
 *
 * Returns: (transfer full): text that ends in a newline
 *
 * Since: 1.0
 */
char *
troupe_system_dump_tree (TroupeSystem *self)
{
  TroupeRef *root;
  TroupeRef *ref;
  GString *text;
  guint depth = 0;

  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), NULL);
  g_return_val_if_fail (troupe_reactor_is_here (troupe_system_get_reactor (self)), NULL);

  root = troupe_system_get_root (self);
  text = g_string_new (NULL);
  for (ref = root; ref != NULL; ref = troupe_ref_walk (ref, root, &depth))
    {
      g_autofree char *path = troupe_ref_dup_path (ref);

      g_string_append_printf (text, "%*s%s %s: %s, %u waiting, %u restarts\n", 2 * (int) depth, "", path,
                              g_type_name (ref->type), troupe_ref_describe_state (ref), ref->n_mail,
                              troupe_ref_get_n_restarts (ref));
    }

  return g_string_free (text, FALSE);
}
