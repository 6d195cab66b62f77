/* troupe-system.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-enums.h"
#include "troupe-promise.h"
#include "troupe-reactor.h"
#include "troupe-ref.h"
#include "troupe-supervision.h"
#include "troupe-types.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_SYSTEM (troupe_system_get_type ())

TROUPE_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (TroupeSystem, troupe_system, TROUPE, SYSTEM, GObject)

/**
 * TroupeTriggerFunc:
 * @system: the system that starts or shuts down
 * @user_data: what was given with the function
 *
 * Runs once, in its phase of a system's startup or shutdown.
 *
 * Returns: (transfer full) (nullable): in the phase before, a promise to wait for, whatever its
 *   outcome; else ignored
 *
 * Since: 1.0
 */
typedef TroupePromise *(*TroupeTriggerFunc) (TroupeSystem *system,
                                             gpointer      user_data);

TROUPE_AVAILABLE_IN_ALL
TroupeSystem  *troupe_system_get_default           (void);
TROUPE_AVAILABLE_IN_ALL
TroupeSystem  *troupe_system_new                   (GMainContext       *context,
                                                    const char         *backend,
                                                    GError            **error) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeSystem  *troupe_system_new_with_reactors     (GMainContext       *context,
                                                    const char         *backend,
                                                    guint               n_reactors,
                                                    GError            **error) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeReactor *troupe_system_get_reactor           (TroupeSystem       *self);
TROUPE_AVAILABLE_IN_ALL
guint          troupe_system_get_n_reactors        (TroupeSystem       *self);
TROUPE_AVAILABLE_IN_ALL
TroupeReactor *troupe_system_get_nth_reactor       (TroupeSystem       *self,
                                                    guint               n);
TROUPE_AVAILABLE_IN_ALL
TroupeReactor *troupe_system_pick_reactor          (TroupeSystem       *self,
                                                    const char         *key);

TROUPE_AVAILABLE_IN_ALL
gboolean       troupe_system_run                   (TroupeSystem       *self,
                                                    GError            **error);
TROUPE_AVAILABLE_IN_ALL
gboolean       troupe_system_stop                  (TroupeSystem       *self,
                                                    GError            **error);
TROUPE_AVAILABLE_IN_ALL
void           troupe_system_shutdown              (TroupeSystem       *self);
TROUPE_AVAILABLE_IN_ALL
gboolean       troupe_system_shutdown_sync         (TroupeSystem       *self,
                                                    GError            **error);
TROUPE_AVAILABLE_IN_ALL
void           troupe_system_set_shutdown_timeout  (TroupeSystem       *self,
                                                    gint64              timeout_ms);
TROUPE_AVAILABLE_IN_ALL
void           troupe_system_set_watchdog          (TroupeSystem       *self,
                                                    guint               threshold_ms);
TROUPE_AVAILABLE_IN_ALL
void           troupe_system_set_spin              (TroupeSystem       *self,
                                                    guint               spin_us);
TROUPE_AVAILABLE_IN_ALL
gboolean       troupe_system_is_running            (TroupeSystem       *self);
TROUPE_AVAILABLE_IN_ALL
gboolean       troupe_system_has_ended             (TroupeSystem       *self);
TROUPE_AVAILABLE_IN_ALL
const GError  *troupe_system_get_error             (TroupeSystem       *self);

TROUPE_AVAILABLE_IN_ALL
void           troupe_system_set_supervision       (TroupeSystem       *self,
                                                    const TroupeSupervision *supervision);
TROUPE_AVAILABLE_IN_ALL
void           troupe_system_set_seed              (TroupeSystem       *self,
                                                    guint32             seed);
TROUPE_AVAILABLE_IN_ALL
char          *troupe_system_dump_tree             (TroupeSystem       *self);
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_system_describe_tree         (TroupeSystem       *self) G_GNUC_WARN_UNUSED_RESULT;

TROUPE_AVAILABLE_IN_ALL
void           troupe_system_set_blocking_threads  (TroupeSystem       *self,
                                                    guint               max_threads,
                                                    gint64              idle_ms);
TROUPE_AVAILABLE_IN_ALL
guint          troupe_system_get_n_blocking_threads (TroupeSystem      *self);

TROUPE_AVAILABLE_IN_ALL
guint          troupe_system_add_trigger           (TroupeSystem       *self,
                                                    TroupeEvent         event,
                                                    TroupePhase         phase,
                                                    TroupeTriggerFunc   func,
                                                    gpointer            user_data,
                                                    GDestroyNotify      destroy);
TROUPE_AVAILABLE_IN_ALL
gboolean       troupe_system_remove_trigger        (TroupeSystem       *self,
                                                    guint               id,
                                                    GError            **error);

TROUPE_AVAILABLE_IN_ALL
TroupeRef     *troupe_system_spawn                 (TroupeSystem       *self,
                                                    const char         *name,
                                                    GType               type,
                                                    GError            **error,
                                                    ...) G_GNUC_NULL_TERMINATED G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeRef     *troupe_system_spawn_with_properties (TroupeSystem       *self,
                                                    const char         *name,
                                                    GType               type,
                                                    guint               n_properties,
                                                    const char         *names[],
                                                    const GValue        values[],
                                                    GError            **error) G_GNUC_WARN_UNUSED_RESULT;

TROUPE_AVAILABLE_IN_ALL
TroupeRef     *troupe_system_spawn_on              (TroupeSystem       *self,
                                                    TroupeReactor      *reactor,
                                                    const char         *name,
                                                    GType               type,
                                                    GError            **error,
                                                    ...) G_GNUC_NULL_TERMINATED G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeRef     *troupe_system_spawn_on_with_properties (TroupeSystem    *self,
                                                    TroupeReactor      *reactor,
                                                    const char         *name,
                                                    GType               type,
                                                    guint               n_properties,
                                                    const char         *names[],
                                                    const GValue        values[],
                                                    GError            **error) G_GNUC_WARN_UNUSED_RESULT;

TROUPE_AVAILABLE_IN_ALL
TroupeRef     *troupe_system_lookup                (TroupeSystem       *self,
                                                    const char         *path);
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_system_wait_for              (TroupeSystem       *self,
                                                    const char         *path) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
gboolean       troupe_system_register              (TroupeSystem       *self,
                                                    const char         *path,
                                                    TroupeRef          *ref,
                                                    GError            **error);
TROUPE_AVAILABLE_IN_ALL
gboolean       troupe_system_unregister            (TroupeSystem       *self,
                                                    const char         *path);
TROUPE_AVAILABLE_IN_ALL
char         **troupe_system_dup_paths             (TroupeSystem       *self) G_GNUC_WARN_UNUSED_RESULT;

TROUPE_AVAILABLE_IN_ALL
gboolean       troupe_system_subscribe             (TroupeSystem       *self,
                                                    const char         *filter,
                                                    TroupeRef          *subscriber,
                                                    GError            **error);
TROUPE_AVAILABLE_IN_ALL
gboolean       troupe_system_unsubscribe           (TroupeSystem       *self,
                                                    const char         *filter,
                                                    TroupeRef          *subscriber);
TROUPE_AVAILABLE_IN_ALL
gboolean       troupe_system_publish               (TroupeSystem       *self,
                                                    const char         *topic,
                                                    TroupeMessage      *message,
                                                    GError            **error);
TROUPE_AVAILABLE_IN_ALL
GPtrArray     *troupe_system_dup_subscribers       (TroupeSystem       *self,
                                                    const char         *topic) G_GNUC_WARN_UNUSED_RESULT;

TROUPE_AVAILABLE_IN_ALL
guint64        troupe_system_get_n_dead_letters    (TroupeSystem       *self);
TROUPE_AVAILABLE_IN_ALL
guint64        troupe_system_get_n_long_turns      (TroupeSystem       *self);
TROUPE_AVAILABLE_IN_ALL
guint64        troupe_system_get_n_actors          (TroupeSystem       *self);

G_END_DECLS
