/* troupe-ref-link.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error-private.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-life-private.h"
#include "troupe-system-private.h"
#include "troupe-termination.h"

/*
 * Links: who is tied to an actor fails when that has failed for good.
 *
 * Each of the two has a note of the other, on its own thread. What one of them changes, it changes on both sides at once if that is one
 * thread. Otherwise its change is on its way for a while, in which the other may make one, too: then unlinking wins. It
 * is acknowledged, and a link that comes in before that was made by somebody who did not know of it, so it does not count; the same unlinking
 * will undo it over there.
 */

/* What the note says: whether there is a link, and in the bits above how many acknowledgements are to come. */
#define LINKED 1
#define UNLINKING 2

static guint
troupe_ref_get_link (TroupeRef *self,
                     TroupeRef *other)
{
  if (self->extra == NULL || self->extra->links == NULL)
    return 0;

  return GPOINTER_TO_UINT (g_hash_table_lookup (self->extra->links, other));
}

static void
troupe_ref_set_link (TroupeRef *self,
                     TroupeRef *other,
                     guint      link)
{
  TroupeRefExtra *extra = troupe_ref_need_extra (self);

  if (extra->links == NULL)
    extra->links = g_hash_table_new_full (NULL, NULL, (GDestroyNotify) troupe_ref_unref, NULL);

  if (link == 0)
    g_hash_table_remove (extra->links, other);
  else
    g_hash_table_insert (extra->links, troupe_ref_ref (other), GUINT_TO_POINTER (link));
}

/* What has gone from link to link is told with where it began, or a long row of actors would make a long error. */
static const GError *
find_origin (const GError *error)
{
  while (error != NULL && g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_LINK_FAILED) &&
         troupe_error_get_cause (error) != NULL)
    error = troupe_error_get_cause (error);

  return error;
}

static GError *
new_link_error (TroupeTermination *termination)
{
  g_autofree char *path = troupe_ref_dup_path (troupe_termination_get_actor (termination));
  const GError *origin = find_origin (troupe_termination_get_error (termination));
  const char *what = troupe_termination_get_end (termination) == TROUPE_END_KILLED ? "was killed" : "failed";

  if (origin == NULL)
    return g_error_new (TROUPE_ERROR, TROUPE_ERROR_LINK_FAILED, "The linked actor “%s” %s", path, what);

  return troupe_error_new_with_cause (TROUPE_ERROR_LINK_FAILED, -1, origin, "The linked actor “%s” %s: %s",
                                      path, what, origin->message);
}

static void
troupe_ref_link_ended_cb (TroupeRef *self,
                          gpointer   termination)
{
  TroupeRef *other = troupe_termination_get_actor (termination);
  guint link = troupe_ref_get_link (self, other);

  if (!(link & LINKED))
    return;

  troupe_ref_set_link (self, other, link & ~LINKED);
  if (troupe_termination_get_end (termination) != TROUPE_END_STOPPED && self->state == TROUPE_REF_LIVE &&
      !troupe_system_is_ending (self->system))
    troupe_ref_fail (self, new_link_error (termination));
}

/* SELF has ended. */
static void
troupe_ref_tell_linked (TroupeRef         *self,
                        TroupeRef         *other,
                        TroupeTermination *termination)
{
  troupe_ref_call_in_order (other, troupe_ref_link_ended_cb, troupe_termination_ref (termination),
                            (GDestroyNotify) troupe_termination_unref);
}

static void
troupe_ref_link_cb (TroupeRef *self,
                    gpointer   other)
{
  if (troupe_ref_get_link (self, other) < UNLINKING)
    troupe_ref_set_link (self, other, LINKED);
}

static void
troupe_ref_link_refused_cb (TroupeRef *self,
                            gpointer   other)
{
  g_autoptr (TroupeTermination) termination = troupe_ref_new_termination (self);

  troupe_ref_tell_linked (self, other, termination);
}

void
troupe_ref_link (TroupeRef *self,
                 TroupeRef *other)
{
  guint link = troupe_ref_get_link (self, other);

  if (link & LINKED)
    return;

  troupe_ref_set_link (self, other, link | LINKED);
  if (!troupe_reactor_is_here (other->reactor))
    troupe_ref_call (other, troupe_ref_link_cb, troupe_ref_link_refused_cb,
                     troupe_ref_ref (self), (GDestroyNotify) troupe_ref_unref);
  else if (other->state != TROUPE_REF_ENDED)
    troupe_ref_link_cb (other, self);
  else
    troupe_ref_link_refused_cb (other, self);
}

static void
troupe_ref_unlink_acknowledged_cb (TroupeRef *self,
                                   gpointer   other)
{
  guint link = troupe_ref_get_link (self, other);

  g_assert (link >= UNLINKING);

  troupe_ref_set_link (self, other, link - UNLINKING);
}

static void
troupe_ref_unlink_refused_cb (TroupeRef *self,
                              gpointer   other)
{
  troupe_ref_call (other, troupe_ref_unlink_acknowledged_cb, NULL,
                   troupe_ref_ref (self), (GDestroyNotify) troupe_ref_unref);
}

static void
troupe_ref_unlink_cb (TroupeRef *self,
                      gpointer   other)
{
  guint link = troupe_ref_get_link (self, other);

  if (link & LINKED)
    troupe_ref_set_link (self, other, link & ~LINKED);
}

static void
troupe_ref_unlink_elsewhere_cb (TroupeRef *self,
                                gpointer   other)
{
  troupe_ref_unlink_cb (self, other);
  troupe_ref_unlink_refused_cb (self, other);
}

void
troupe_ref_unlink (TroupeRef *self,
                   TroupeRef *other)
{
  guint link = troupe_ref_get_link (self, other);

  if (!(link & LINKED))
    return;

  if (troupe_reactor_is_here (other->reactor))
    {
      troupe_ref_set_link (self, other, link & ~LINKED);
      troupe_ref_unlink_cb (other, self);
    }
  else
    {
      troupe_ref_set_link (self, other, (link & ~LINKED) + UNLINKING);
      troupe_ref_call (other, troupe_ref_unlink_elsewhere_cb, troupe_ref_unlink_refused_cb,
                       troupe_ref_ref (self), (GDestroyNotify) troupe_ref_unref);
    }
}

static gboolean
is_unlinked (gpointer other,
             gpointer link,
             gpointer data)
{
  return !(GPOINTER_TO_UINT (link) & LINKED);
}

void
troupe_ref_end_links (TroupeRef *self)
{
  g_autoptr (TroupeTermination) termination = NULL;
  g_autoptr (GPtrArray) linked = NULL;
  guint i;

  if (self->extra == NULL || self->extra->links == NULL)
    return;

  g_hash_table_foreach_remove (self->extra->links, is_unlinked, NULL);
  linked = troupe_ref_steal_set (&self->extra->links);
  termination = troupe_ref_new_termination (self);
  for (i = 0; i < linked->len; i++)
    troupe_ref_tell_linked (self, g_ptr_array_index (linked, i), termination);
}
