/* troupe-termination.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-ref.h"
#include "troupe-termination-private.h"

/**
 * TroupeTermination: (ref-func troupe_termination_ref) (unref-func troupe_termination_unref)
 *
 * The news that an actor has ended: which one, how, and why.
 *
 * It is the body of the message “terminated” that [method@Troupe.Actor.watch] asks for, and what a parent is told of its children. It
 * does not change and may be used from any thread.
 *
 * Since: 1.0
 */
struct _TroupeTermination
{
  TroupeRef *actor;
  GError    *error;                  /* NULL unless it failed */
  TroupeEnd  end;
};

G_DEFINE_BOXED_TYPE (TroupeTermination, troupe_termination,
                     troupe_termination_ref, troupe_termination_unref)

TroupeTermination *
troupe_termination_new (TroupeRef    *actor,
                        TroupeEnd     end,
                        const GError *error)
{
  TroupeTermination *self = g_atomic_rc_box_new0 (TroupeTermination);

  self->actor = troupe_ref_ref (actor);
  self->end = end;
  self->error = error != NULL ? g_error_copy (error) : NULL;

  return self;
}

static void
troupe_termination_clear (gpointer data)
{
  TroupeTermination *self = data;

  troupe_ref_unref (self->actor);
  g_clear_error (&self->error);
}

/**
 * troupe_termination_ref:
 * @self: a termination
 *
 * Takes a reference.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
TroupeTermination *
troupe_termination_ref (TroupeTermination *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

/**
 * troupe_termination_unref:
 * @self: (transfer full): a termination
 *
 * Drops a reference.
 *
 * Since: 1.0
 */
void
troupe_termination_unref (TroupeTermination *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release_full (self, troupe_termination_clear);
}

/**
 * troupe_termination_get_actor:
 * @self: a termination
 *
 * Gets the address of the actor that has ended.
 *
 * Returns: (transfer none): the actor
 *
 * Since: 1.0
 */
TroupeRef *
troupe_termination_get_actor (TroupeTermination *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->actor;
}

/**
 * troupe_termination_get_end:
 * @self: a termination
 *
 * Gets how the actor ended.
 *
 * Returns: how it ended
 *
 * Since: 1.0
 */
TroupeEnd
troupe_termination_get_end (TroupeTermination *self)
{
  g_return_val_if_fail (self != NULL, TROUPE_END_STOPPED);

  return self->end;
}

/**
 * troupe_termination_get_error:
 * @self: a termination
 *
 * Gets the error that the actor failed with.
 *
 * Returns: (transfer none) (nullable): the error, valid as long as @self; %NULL if the actor did not fail
 *
 * Since: 1.0
 */
const GError *
troupe_termination_get_error (TroupeTermination *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->error;
}
