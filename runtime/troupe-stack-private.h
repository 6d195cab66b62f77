/* troupe-stack-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Another stack to run a function on, which may be left in the middle and gone on with later. For the thread that made it. */
typedef struct _TroupeStack TroupeStack;

typedef void (*TroupeStackFunc) (gpointer data);

/* From the thread's pool, or new. NULL with errno set when the system has no memory, or no more mappings, to give. */
TroupeStack *troupe_stack_take   (void);
/* Calls FUNC on it, whose end or first leave () comes back here: then TRUE if FUNC has returned. */
gboolean     troupe_stack_begin  (TroupeStack     *self,
                                  TroupeStackFunc  func,
                                  gpointer         data);
/* Goes on where it was left; returns as begin () does. */
gboolean     troupe_stack_resume (TroupeStack     *self);
/* On the stack itself: back to whoever runs it. Returns when it is resumed. */
void         troupe_stack_leave  (TroupeStack     *self);
/* Its function has returned: to the pool. */
void         troupe_stack_give   (TroupeStack     *self);
/* Whatever its frames still hold is lost. */
void         troupe_stack_drop   (TroupeStack     *self);

G_END_DECLS
