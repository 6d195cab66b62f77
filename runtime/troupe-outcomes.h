/* troupe-outcomes.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-json.h"
#include "troupe-types.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_OUTCOMES (troupe_outcomes_get_type ())

TROUPE_AVAILABLE_IN_ALL
GType               troupe_outcomes_get_type       (void) G_GNUC_CONST;
TROUPE_AVAILABLE_IN_ALL
TroupeOutcomes     *troupe_outcomes_ref            (TroupeOutcomes *self);
TROUPE_AVAILABLE_IN_ALL
void                troupe_outcomes_unref          (TroupeOutcomes *self);
TROUPE_AVAILABLE_IN_ALL
gsize               troupe_outcomes_get_length     (TroupeOutcomes *self);
TROUPE_AVAILABLE_IN_ALL
gint64              troupe_outcomes_get_first      (TroupeOutcomes *self);

/* The outcome of one of them */
TROUPE_AVAILABLE_IN_ALL
gboolean            troupe_outcomes_is_resolved    (TroupeOutcomes *self,
                                                    gsize           index);
TROUPE_AVAILABLE_IN_ALL
gboolean            troupe_outcomes_has_value      (TroupeOutcomes *self,
                                                    gsize           index);
TROUPE_AVAILABLE_IN_ALL
GType               troupe_outcomes_get_value_type (TroupeOutcomes *self,
                                                    gsize           index);
TROUPE_AVAILABLE_IN_ALL
const GError       *troupe_outcomes_get_error      (TroupeOutcomes *self,
                                                    gsize           index);
TROUPE_AVAILABLE_IN_ALL
gint64              troupe_outcomes_get_int64      (TroupeOutcomes *self,
                                                    gsize           index);
TROUPE_AVAILABLE_IN_ALL
guint64             troupe_outcomes_get_uint64     (TroupeOutcomes *self,
                                                    gsize           index);
TROUPE_AVAILABLE_IN_ALL
double              troupe_outcomes_get_double     (TroupeOutcomes *self,
                                                    gsize           index);
TROUPE_AVAILABLE_IN_ALL
gboolean            troupe_outcomes_get_boolean    (TroupeOutcomes *self,
                                                    gsize           index);
TROUPE_AVAILABLE_IN_ALL
const char         *troupe_outcomes_get_string     (TroupeOutcomes *self,
                                                    gsize           index);
TROUPE_AVAILABLE_IN_ALL
GBytes             *troupe_outcomes_get_bytes      (TroupeOutcomes *self,
                                                    gsize           index);
TROUPE_AVAILABLE_IN_ALL
GVariant           *troupe_outcomes_get_variant    (TroupeOutcomes *self,
                                                    gsize           index);
TROUPE_AVAILABLE_IN_ALL
gpointer            troupe_outcomes_get_object     (TroupeOutcomes *self,
                                                    gsize           index);
TROUPE_AVAILABLE_IN_ALL
gpointer            troupe_outcomes_get_boxed      (TroupeOutcomes *self,
                                                    gsize           index);
TROUPE_AVAILABLE_IN_ALL
TroupeRef          *troupe_outcomes_get_ref        (TroupeOutcomes *self,
                                                    gsize           index);
TROUPE_AVAILABLE_IN_ALL
gpointer            troupe_outcomes_get_pointer    (TroupeOutcomes *self,
                                                    gsize           index);
TROUPE_AVAILABLE_IN_ALL
struct json_object *troupe_outcomes_get_json       (TroupeOutcomes *self,
                                                    gsize           index);
TROUPE_AVAILABLE_IN_ALL
char               *troupe_outcomes_dup_json_string (TroupeOutcomes *self,
                                                    gsize           index) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
void                troupe_outcomes_get_value      (TroupeOutcomes *self,
                                                    gsize           index,
                                                    GValue         *value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TroupeOutcomes, troupe_outcomes_unref)

G_END_DECLS
