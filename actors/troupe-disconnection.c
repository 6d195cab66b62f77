/* troupe-disconnection.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-disconnection-private.h"

/**
 * TroupeDisconnection: (ref-func troupe_disconnection_ref) (unref-func troupe_disconnection_unref)
 *
 * The news that a [class@Troupe.Client] has no connection: why, and when it will try again.
 *
 * It is the body of the message “disconnected” that subscribers to “$system/disconnected/…” get. It does not change and may be used
 * from any thread.
 *
 * Since: 1.0
 */
struct _TroupeDisconnection
{
  GError *error;
  gint64  delay_ms;
  guint   n_failures;
};

G_DEFINE_BOXED_TYPE (TroupeDisconnection, troupe_disconnection, troupe_disconnection_ref, troupe_disconnection_unref)

TroupeDisconnection *
troupe_disconnection_new (const GError *error,
                          gint64        delay_ms,
                          guint         n_failures)
{
  TroupeDisconnection *self = g_atomic_rc_box_new0 (TroupeDisconnection);

  self->error = g_error_copy (error);
  self->delay_ms = delay_ms;
  self->n_failures = n_failures;

  return self;
}

static void
troupe_disconnection_clear (gpointer data)
{
  TroupeDisconnection *self = data;

  g_error_free (self->error);
}

/**
 * troupe_disconnection_ref:
 * @self: a disconnection
 *
 * Takes a reference.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
TroupeDisconnection *
troupe_disconnection_ref (TroupeDisconnection *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

/**
 * troupe_disconnection_unref:
 * @self: (transfer full): a disconnection
 *
 * Drops a reference.
 *
 * Since: 1.0
 */
void
troupe_disconnection_unref (TroupeDisconnection *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release_full (self, troupe_disconnection_clear);
}

/**
 * troupe_disconnection_get_error:
 * @self: a disconnection
 *
 * Gets why there is no connection.
 *
 * It is what `connection_lost` was told, such as %TROUPE_ERROR_CONNECTION_DONE; what [func@Troupe.connect] has failed with, such as
 * %TROUPE_ERROR_CONNECTION_REFUSED; what `prepare_connection` has; or %TROUPE_ERROR_ACTOR_STOPPED.
 *
 * Returns: (transfer none): the reason, valid as long as @self
 *
 * Since: 1.0
 */
const GError *
troupe_disconnection_get_error (TroupeDisconnection *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->error;
}

/**
 * troupe_disconnection_get_delay_ms:
 * @self: a disconnection
 *
 * Gets when the client will try again.
 *
 * Returns: milliseconds from the news on, or -1 if it has been stopped
 *
 * Since: 1.0
 */
gint64
troupe_disconnection_get_delay_ms (TroupeDisconnection *self)
{
  g_return_val_if_fail (self != NULL, -1);

  return self->delay_ms;
}

/**
 * troupe_disconnection_get_n_failures:
 * @self: a disconnection
 *
 * Counts how often in a row there was none.
 *
 * Returns: 1 when a connection that was there is lost or a first attempt has failed, one more with each attempt that fails after that
 *
 * Since: 1.0
 */
guint
troupe_disconnection_get_n_failures (TroupeDisconnection *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->n_failures;
}
