/* troupe-promise.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-json.h"
#include "troupe-types.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_PROMISE (troupe_promise_get_type ())

/**
 * TroupeStep:
 * @promise: the promise whose chain runs, with its outcome at this position
 * @user_data: what was given with the function
 *
 * One step of a promise's chain.
 *
 * It reads the outcome with one of the `get` functions or takes it with `steal`, and may replace it with one of the
 * `return` functions. If it calls none of them the outcome goes on to the next step as it is.
 *
 * Since: 1.0
 */
typedef void (*TroupeStep) (TroupePromise *promise,
                            gpointer       user_data);

/**
 * TroupeFallibleStep:
 * @promise: the promise whose chain runs, with its outcome at this position
 * @user_data: what was given with the function
 * @error: where to say why it failed
 *
 * One step of a promise's chain, which may fail.
 *
 * It is as [callback@Troupe.Step], but that an error that it sets is what the next step sees, whatever else it has returned. In
 * languages with exceptions it throws.
 *
 * Since: 1.0
 */
typedef void (*TroupeFallibleStep) (TroupePromise  *promise,
                                    gpointer        user_data,
                                    GError        **error);

/**
 * TroupeCanceller:
 * @resolver: the resolver of the promise that was cancelled
 * @user_data: what was given with the function
 *
 * What a producer does when nobody waits for its outcome any more: it stops.
 *
 * Since: 1.0
 */
typedef void (*TroupeCanceller) (TroupeResolver *resolver,
                                 gpointer        user_data);

TROUPE_AVAILABLE_IN_ALL
GType troupe_promise_get_type (void) G_GNUC_CONST;
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_new (TroupeResolver **resolver) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_new_with_canceller (TroupeResolver  **resolver,
                                                  TroupeCanceller   canceller,
                                                  gpointer          user_data,
                                                  GDestroyNotify    destroy) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_ref (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_unref (TroupePromise *self);

/* Already resolved */
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_new_resolved (const GValue *value) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_new_rejected (GError *error) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_wrap_call (TroupeFallibleStep  step,
                                         gpointer            user_data,
                                         GDestroyNotify      destroy) G_GNUC_WARN_UNUSED_RESULT;

/* The chain */
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_add_callback (TroupePromise  *self,
                                            TroupeStep      callback,
                                            gpointer        user_data,
                                            GDestroyNotify  destroy);
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_add_errback (TroupePromise  *self,
                                           TroupeStep      errback,
                                           gpointer        user_data,
                                           GDestroyNotify  destroy);
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_add_both (TroupePromise  *self,
                                        TroupeStep      step,
                                        gpointer        user_data,
                                        GDestroyNotify  destroy);
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_add_callbacks (TroupePromise  *self,
                                             TroupeStep      callback,
                                             gpointer        callback_data,
                                             GDestroyNotify  callback_destroy,
                                             TroupeStep      errback,
                                             gpointer        errback_data,
                                             GDestroyNotify  errback_destroy);
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_add_fallible_callback (TroupePromise      *self,
                                                     TroupeFallibleStep  callback,
                                                     gpointer            user_data,
                                                     GDestroyNotify      destroy);
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_add_fallible_errback (TroupePromise      *self,
                                                    TroupeFallibleStep  errback,
                                                    gpointer            user_data,
                                                    GDestroyNotify      destroy);
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_add_fallible_both (TroupePromise      *self,
                                                 TroupeFallibleStep  step,
                                                 gpointer            user_data,
                                                 GDestroyNotify      destroy);
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_add_fallible_callbacks (TroupePromise      *self,
                                                      TroupeFallibleStep  callback,
                                                      gpointer            callback_data,
                                                      GDestroyNotify      callback_destroy,
                                                      TroupeFallibleStep  errback,
                                                      gpointer            errback_data,
                                                      GDestroyNotify      errback_destroy);
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_chain_to (TroupePromise  *self,
                                        TroupeResolver *resolver);
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_or_fail (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_pause (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_unpause (TroupePromise *self);

/* Giving up */
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_cancel (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_add_timeout (TroupePromise  *self,
                                           gint64          timeout_ms,
                                           TroupeStep      on_timeout,
                                           gpointer        user_data,
                                           GDestroyNotify  destroy);
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_add_fallible_timeout (TroupePromise      *self,
                                                    gint64              timeout_ms,
                                                    TroupeFallibleStep  on_timeout,
                                                    gpointer            user_data,
                                                    GDestroyNotify      destroy);
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_set_cancellable (TroupePromise *self,
                                     GCancellable  *cancellable);

/* The outcome, in a step or once there is one */
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_promise_is_resolved (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_promise_has_value (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
GType troupe_promise_get_value_type (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
const GError *troupe_promise_get_error (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
gint64 troupe_promise_get_error_index (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
const GError *troupe_promise_get_error_cause (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
GError *troupe_promise_steal_error (TroupePromise *self) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
gint64 troupe_promise_get_int64 (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
guint64 troupe_promise_get_uint64 (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
double troupe_promise_get_double (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_promise_get_boolean (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
const char *troupe_promise_get_string (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
GBytes *troupe_promise_get_bytes (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
GVariant *troupe_promise_get_variant (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
gpointer troupe_promise_get_object (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
gpointer troupe_promise_get_boxed (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
TroupeRef *troupe_promise_get_ref (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
TroupeOutcomes *troupe_promise_get_outcomes (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
gpointer troupe_promise_get_pointer (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
struct json_object *troupe_promise_get_json (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
char *troupe_promise_dup_json_string (TroupePromise *self) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_get_value (TroupePromise *self,
                               GValue        *value);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_promise_propagate_value (TroupePromise  *self,
                                         GValue         *value,
                                         GError        **error);
TROUPE_AVAILABLE_IN_ALL
gpointer troupe_promise_steal_pointer (TroupePromise *self) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
struct json_object *troupe_promise_steal_json (TroupePromise *self) G_GNUC_WARN_UNUSED_RESULT;

/* Replacing the outcome, in a step */
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_return_nothing (TroupePromise *self);
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_return_int64 (TroupePromise *self,
                                  gint64         number);
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_return_uint64 (TroupePromise *self,
                                   guint64        number);
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_return_double (TroupePromise *self,
                                   double         number);
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_return_boolean (TroupePromise *self,
                                    gboolean       truth);
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_return_string (TroupePromise *self,
                                   const char    *string);
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_return_bytes (TroupePromise *self,
                                  GBytes        *bytes);
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_return_variant (TroupePromise *self,
                                    GVariant      *variant);
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_return_object (TroupePromise *self,
                                   gpointer       object);
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_return_boxed (TroupePromise *self,
                                  GType          type,
                                  gconstpointer  boxed);
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_return_pointer (TroupePromise  *self,
                                    gpointer        pointer,
                                    GDestroyNotify  destroy);
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_return_json (TroupePromise      *self,
                                 struct json_object *json);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_promise_return_json_string (TroupePromise  *self,
                                            const char     *text,
                                            GError        **error);
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_return_value (TroupePromise *self,
                                  const GValue  *value);
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_return_error (TroupePromise *self,
                                  GError        *error);
TROUPE_AVAILABLE_IN_ALL
void troupe_promise_return_promise (TroupePromise *self,
                                    TroupePromise *inner);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TroupePromise, troupe_promise_unref)

G_END_DECLS
