/* troupe-resolver.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-error.h"
#include "troupe-json.h"
#include "troupe-promise.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_RESOLVER (troupe_resolver_get_type ())

TROUPE_AVAILABLE_IN_ALL
GType troupe_resolver_get_type (void) G_GNUC_CONST;
TROUPE_AVAILABLE_IN_ALL
TroupeResolver *troupe_resolver_ref (TroupeResolver *self);
TROUPE_AVAILABLE_IN_ALL
void troupe_resolver_unref (TroupeResolver *self);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_resolver_is_resolved (TroupeResolver *self);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_resolver_is_cancelled (TroupeResolver *self);
TROUPE_AVAILABLE_IN_ALL
TroupeError troupe_resolver_get_cancel_reason (TroupeResolver *self);
TROUPE_AVAILABLE_IN_ALL
void troupe_resolver_set_canceller (TroupeResolver  *self,
                                    TroupeCanceller  canceller,
                                    gpointer         user_data,
                                    GDestroyNotify   destroy);

TROUPE_AVAILABLE_IN_ALL
gboolean troupe_resolver_resolve (TroupeResolver  *self,
                                  GError         **error);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_resolver_resolve_int64 (TroupeResolver  *self,
                                        gint64           number,
                                        GError         **error);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_resolver_resolve_uint64 (TroupeResolver  *self,
                                         guint64          number,
                                         GError         **error);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_resolver_resolve_double (TroupeResolver  *self,
                                         double           number,
                                         GError         **error);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_resolver_resolve_boolean (TroupeResolver  *self,
                                          gboolean         truth,
                                          GError         **error);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_resolver_resolve_string (TroupeResolver  *self,
                                         const char      *string,
                                         GError         **error);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_resolver_resolve_bytes (TroupeResolver  *self,
                                        GBytes          *bytes,
                                        GError         **error);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_resolver_resolve_variant (TroupeResolver  *self,
                                          GVariant        *variant,
                                          GError         **error);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_resolver_resolve_object (TroupeResolver  *self,
                                         gpointer         object,
                                         GError         **error);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_resolver_resolve_boxed (TroupeResolver  *self,
                                        GType            type,
                                        gconstpointer    boxed,
                                        GError         **error);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_resolver_resolve_pointer (TroupeResolver  *self,
                                          gpointer         pointer,
                                          GDestroyNotify   destroy,
                                          GError         **error);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_resolver_resolve_json (TroupeResolver      *self,
                                       struct json_object  *json,
                                       GError             **error);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_resolver_resolve_json_string (TroupeResolver  *self,
                                              const char      *text,
                                              GError         **error);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_resolver_resolve_value (TroupeResolver  *self,
                                        const GValue    *value,
                                        GError         **error);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_resolver_reject (TroupeResolver  *self,
                                 GError          *reason,
                                 GError         **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TroupeResolver, troupe_resolver_unref)

G_END_DECLS
