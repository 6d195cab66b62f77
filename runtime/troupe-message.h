/* troupe-message.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-json.h"
#include "troupe-types.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_MESSAGE (troupe_message_get_type ())

TROUPE_AVAILABLE_IN_ALL
GType               troupe_message_get_type        (void) G_GNUC_CONST;

/* Making one */
TROUPE_AVAILABLE_IN_ALL
TroupeMessage      *troupe_message_new             (const char          *name) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeMessage      *troupe_message_new_int64       (const char          *name,
                                                    gint64               number) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeMessage      *troupe_message_new_uint64      (const char          *name,
                                                    guint64              number) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeMessage      *troupe_message_new_double      (const char          *name,
                                                    double               number) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeMessage      *troupe_message_new_boolean     (const char          *name,
                                                    gboolean             truth) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeMessage      *troupe_message_new_string      (const char          *name,
                                                    const char          *string) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeMessage      *troupe_message_new_bytes       (const char          *name,
                                                    GBytes              *bytes) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeMessage      *troupe_message_new_variant     (const char          *name,
                                                    GVariant            *variant) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeMessage      *troupe_message_new_object      (const char          *name,
                                                    gpointer             object) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeMessage      *troupe_message_new_boxed       (const char          *name,
                                                    GType                type,
                                                    gconstpointer        boxed) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeMessage      *troupe_message_new_pointer     (const char          *name,
                                                    gpointer             pointer,
                                                    GDestroyNotify       destroy) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeMessage      *troupe_message_new_json        (const char          *name,
                                                    struct json_object  *json) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeMessage      *troupe_message_new_json_string (const char          *name,
                                                    const char          *text,
                                                    GError             **error) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeMessage      *troupe_message_new_value       (const char          *name,
                                                    const GValue        *value) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupeMessage      *troupe_message_ref             (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
void                troupe_message_unref           (TroupeMessage       *self);

/* Reading it */
TROUPE_AVAILABLE_IN_ALL
const char         *troupe_message_get_name        (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
TroupeRef          *troupe_message_get_sender      (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
GType               troupe_message_get_body_type   (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
gint64              troupe_message_get_int64       (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
guint64             troupe_message_get_uint64      (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
double              troupe_message_get_double      (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
gboolean            troupe_message_get_boolean     (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
const char         *troupe_message_get_string      (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
GBytes             *troupe_message_get_bytes       (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
GVariant           *troupe_message_get_variant     (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
gpointer            troupe_message_get_object      (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
gpointer            troupe_message_get_boxed       (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
TroupeRef          *troupe_message_get_ref         (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
TroupeTermination  *troupe_message_get_termination (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
TroupeDeadLetter   *troupe_message_get_dead_letter (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
gpointer            troupe_message_get_pointer     (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
gpointer            troupe_message_steal_pointer   (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
struct json_object *troupe_message_get_json        (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
struct json_object *troupe_message_steal_json      (TroupeMessage       *self) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
char               *troupe_message_dup_json_string (TroupeMessage       *self) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
void                troupe_message_get_value       (TroupeMessage       *self,
                                                    GValue              *value);

/* Answering it */
TROUPE_AVAILABLE_IN_ALL
gboolean            troupe_message_wants_reply     (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
void                troupe_message_reply           (TroupeMessage       *self);
TROUPE_AVAILABLE_IN_ALL
void                troupe_message_reply_int64     (TroupeMessage       *self,
                                                    gint64               number);
TROUPE_AVAILABLE_IN_ALL
void                troupe_message_reply_uint64    (TroupeMessage       *self,
                                                    guint64              number);
TROUPE_AVAILABLE_IN_ALL
void                troupe_message_reply_double    (TroupeMessage       *self,
                                                    double               number);
TROUPE_AVAILABLE_IN_ALL
void                troupe_message_reply_boolean   (TroupeMessage       *self,
                                                    gboolean             truth);
TROUPE_AVAILABLE_IN_ALL
void                troupe_message_reply_string    (TroupeMessage       *self,
                                                    const char          *string);
TROUPE_AVAILABLE_IN_ALL
void                troupe_message_reply_bytes     (TroupeMessage       *self,
                                                    GBytes              *bytes);
TROUPE_AVAILABLE_IN_ALL
void                troupe_message_reply_variant   (TroupeMessage       *self,
                                                    GVariant            *variant);
TROUPE_AVAILABLE_IN_ALL
void                troupe_message_reply_object    (TroupeMessage       *self,
                                                    gpointer             object);
TROUPE_AVAILABLE_IN_ALL
void                troupe_message_reply_boxed     (TroupeMessage       *self,
                                                    GType                type,
                                                    gconstpointer        boxed);
TROUPE_AVAILABLE_IN_ALL
void                troupe_message_reply_pointer   (TroupeMessage       *self,
                                                    gpointer             pointer,
                                                    GDestroyNotify       destroy);
TROUPE_AVAILABLE_IN_ALL
void                troupe_message_reply_json      (TroupeMessage       *self,
                                                    struct json_object  *json);
TROUPE_AVAILABLE_IN_ALL
gboolean            troupe_message_reply_json_string (TroupeMessage     *self,
                                                    const char          *text,
                                                    GError             **error);
TROUPE_AVAILABLE_IN_ALL
void                troupe_message_reply_value     (TroupeMessage       *self,
                                                    const GValue        *value);
TROUPE_AVAILABLE_IN_ALL
void                troupe_message_reply_error     (TroupeMessage       *self,
                                                    GError              *error);
TROUPE_AVAILABLE_IN_ALL
void                troupe_message_reply_promise   (TroupeMessage       *self,
                                                    TroupePromise       *promise);
TROUPE_AVAILABLE_IN_ALL
TroupeResolver     *troupe_message_defer_reply     (TroupeMessage       *self) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
void                troupe_message_forward         (TroupeMessage       *self,
                                                    TroupeRef           *target);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TroupeMessage, troupe_message_unref)

G_END_DECLS
