/* troupe-reactor.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-descriptor.h"
#include "troupe-timer.h"
#include "troupe-types.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_REACTOR (troupe_reactor_get_type ())

TROUPE_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (TroupeReactor, troupe_reactor, TROUPE, REACTOR, GObject)

TROUPE_AVAILABLE_IN_ALL
gboolean      troupe_reactor_install          (const char        *backend,
                                               GError           **error);
TROUPE_AVAILABLE_IN_ALL
char        **troupe_reactor_list_backends    (void) G_GNUC_WARN_UNUSED_RESULT;

TROUPE_AVAILABLE_IN_ALL
const char   *troupe_reactor_get_backend_name (TroupeReactor     *self);
TROUPE_AVAILABLE_IN_ALL
GMainContext *troupe_reactor_get_context      (TroupeReactor     *self);
TROUPE_AVAILABLE_IN_ALL
int           troupe_reactor_get_priority     (TroupeReactor     *self);
TROUPE_AVAILABLE_IN_ALL
void          troupe_reactor_set_priority     (TroupeReactor     *self,
                                               int                priority);
TROUPE_AVAILABLE_IN_ALL
void          troupe_reactor_get_budget       (TroupeReactor     *self,
                                               guint             *turns,
                                               gint64            *microseconds);
TROUPE_AVAILABLE_IN_ALL
void          troupe_reactor_set_budget       (TroupeReactor     *self,
                                               guint              turns,
                                               gint64             microseconds);
TROUPE_AVAILABLE_IN_ALL
gint64        troupe_reactor_get_time         (TroupeReactor     *self);
TROUPE_AVAILABLE_IN_ALL
double        troupe_reactor_get_load         (TroupeReactor     *self);
TROUPE_AVAILABLE_IN_ALL
guint64       troupe_reactor_get_n_turns      (TroupeReactor     *self);
TROUPE_AVAILABLE_IN_ALL
guint64       troupe_reactor_get_n_actors     (TroupeReactor     *self);
TROUPE_AVAILABLE_IN_ALL
guint         troupe_reactor_get_n_connections (TroupeReactor    *self);

TROUPE_AVAILABLE_IN_ALL
TroupeTimer  *troupe_reactor_call_later       (TroupeReactor     *self,
                                               gint64             delay_ms,
                                               TroupeTimerFunc    func,
                                               gpointer           user_data,
                                               GDestroyNotify     destroy);
TROUPE_AVAILABLE_IN_ALL
TroupeTimer  *troupe_reactor_call_later_or_fail (TroupeReactor   *self,
                                               gint64             delay_ms,
                                               TroupeFallibleTimerFunc func,
                                               gpointer           user_data,
                                               GDestroyNotify     destroy);
TROUPE_AVAILABLE_IN_ALL
GPtrArray    *troupe_reactor_dup_timers       (TroupeReactor     *self) G_GNUC_WARN_UNUSED_RESULT;

TROUPE_AVAILABLE_IN_ALL
gboolean      troupe_reactor_add_reader       (TroupeReactor     *self,
                                               TroupeDescriptor  *descriptor,
                                               GError           **error);
TROUPE_AVAILABLE_IN_ALL
gboolean      troupe_reactor_add_writer       (TroupeReactor     *self,
                                               TroupeDescriptor  *descriptor,
                                               GError           **error);
TROUPE_AVAILABLE_IN_ALL
void          troupe_reactor_remove_reader    (TroupeReactor     *self,
                                               TroupeDescriptor  *descriptor);
TROUPE_AVAILABLE_IN_ALL
void          troupe_reactor_remove_writer    (TroupeReactor     *self,
                                               TroupeDescriptor  *descriptor);
TROUPE_AVAILABLE_IN_ALL
GPtrArray    *troupe_reactor_remove_all       (TroupeReactor     *self);
TROUPE_AVAILABLE_IN_ALL
GPtrArray    *troupe_reactor_dup_readers      (TroupeReactor     *self) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
GPtrArray    *troupe_reactor_dup_writers      (TroupeReactor     *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
