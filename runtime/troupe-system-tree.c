/* troupe-system-tree.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-reactor-private.h"
#include "troupe-ref-private.h"
#include "troupe-resolver.h"
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

static gboolean
troupe_ref_is_here (TroupeRef *self)
{
  return troupe_reactor_is_here (self->reactor);
}

/* The next of this thread's after SELF, or of others' that are children of these. Without recursion: trees may be deep. */
static TroupeRef *
troupe_ref_walk (TroupeRef *self,
                 TroupeRef *top,
                 guint     *depth)
{
  TroupeRef *child = troupe_ref_is_here (self) ? troupe_ref_get_first_child (self) : NULL;

  if (child != NULL)
    {
      (*depth)++;
      return child;
    }

  while (self != top && self->next_sibling == NULL)
    {
      self = self->parent;
      (*depth)--;
    }

  return self != top ? self->next_sibling : NULL;
}

static void
troupe_ref_describe (TroupeRef *self,
                     guint      depth,
                     GString   *text)
{
  g_autofree char *path = troupe_ref_dup_path (self);

  g_string_append_printf (text, "%*s%s %s: ", 2 * (int) depth, "", path, g_type_name (self->type));
  if (!troupe_ref_is_here (self))
    g_string_append (text, "on another reactor\n");
  else
    g_string_append_printf (text, "%s, %u waiting, %u restarts\n", troupe_ref_describe_state (self), self->n_mail,
                            troupe_ref_get_n_restarts (self));
}

/**
 * troupe_system_dump_tree:
 * @self: a system
 *
 * Describes the actors of a system, for people who look for what is wrong with it.
 *
 * Each actor has a line, indented below its parent's: its path, its type, its state (“unborn”, “live”, “failed” while it waits for
 * what its parent decides, “restarting”, “ending”), how much lies in its mailbox, and how often it was restarted. Call it on the thread of the system's reactor.
 *
 * Of an actor on another reactor it says just that, and nothing of what is below it: [method@Troupe.System.describe_tree] does.
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
    troupe_ref_describe (ref, depth, text);

  return g_string_free (text, FALSE);
}

/*
 * A description to which several threads contribute. It is a list of parts, in their order. A thread that comes to an actor of another
 * one puts that one's part, and behind it the next of its own, after its present one; so nobody but who fills a part in touches it, and what
 * it is followed by.
 */

typedef struct _Part Part;

typedef struct
{
  gint            n_owing;           /* atomic: threads that have not said all */
  Part           *first;
  TroupeResolver *resolver;
} Survey;

struct _Part
{
  Part    *next;
  Survey  *survey;
  guint    depth;                    /* of what it begins with */
  GString *text;
};

static Part *
part_new (Survey *survey,
          Part   *next,
          guint   depth)
{
  Part *self = g_new (Part, 1);

  *self = (Part) { next, survey, depth, g_string_new (NULL) };

  return self;
}

static void
survey_finish (Survey *self)
{
  GString *text = g_string_new (NULL);
  Part *part = self->first;

  while (part != NULL)
    {
      Part *next = part->next;

      g_string_append_len (text, part->text->str, part->text->len);
      g_string_free (part->text, TRUE);
      g_free (part);
      part = next;
    }

  troupe_resolver_resolve_string (self->resolver, text->str, NULL);
  troupe_resolver_unref (self->resolver);
  g_string_free (text, TRUE);
  g_free (self);
}

static void
survey_release (Survey *self)
{
  /* Whoever is the last sees what the others have written. */
  if (g_atomic_int_dec_and_test (&self->n_owing))
    survey_finish (self);
}

static void
survey_skip_cb (TroupeRef *ref,
                gpointer   part)
{
  survey_release (((Part *) part)->survey);
}

static void survey_describe_cb (TroupeRef *ref,
                                gpointer   data);

/* REF, which is on another thread, has the next word. Returns where this one goes on. */
static Part *
part_give_way (Part      *self,
               TroupeRef *ref,
               guint      depth)
{
  Part *own = part_new (self->survey, self->next, 0);

  self->next = part_new (self->survey, own, depth);
  g_atomic_int_inc (&self->survey->n_owing);
  troupe_ref_call_at_once (ref, survey_describe_cb, survey_skip_cb, self->next);

  return own;
}

/* On REF's thread. */
static void
survey_describe_cb (TroupeRef *ref,
                    gpointer   data)
{
  Part *part = data;
  Survey *survey = part->survey;
  guint depth = part->depth;
  TroupeRef *other;

  for (other = ref->state != TROUPE_REF_ENDED ? ref : NULL; other != NULL; other = troupe_ref_walk (other, ref, &depth))
    if (troupe_ref_is_here (other))
      troupe_ref_describe (other, depth, part->text);
    else
      part = part_give_way (part, other, depth);

  survey_release (survey);
}

/**
 * troupe_system_describe_tree:
 * @self: a system
 *
 * Promises the description of all actors of a system that [method@Troupe.System.dump_tree] gives of those on its own reactor.
 *
 * Each reactor is asked what is on it. So the lines tell what was the case at slightly different moments, and the promise waits for reactors that are
 * in a long turn. Call it from any thread.
 *
 * Returns: (transfer full): a promise of a string, which is empty if the system has ended
 *
 * Since: 1.0
 */
TroupePromise *
troupe_system_describe_tree (TroupeSystem *self)
{
  TroupePromise *promise;
  Survey *survey;

  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), NULL);

  survey = g_new0 (Survey, 1);
  survey->n_owing = 1;
  survey->first = part_new (survey, NULL, 0);
  promise = troupe_promise_new (&survey->resolver);
  troupe_ref_call_at_once (troupe_system_get_root (self), survey_describe_cb, survey_skip_cb, survey->first);

  return promise;
}
