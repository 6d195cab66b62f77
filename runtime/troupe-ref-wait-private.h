/* troupe-ref-wait-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-ref-private.h"

G_BEGIN_DECLS

/*
 * Mail that waits while a fiber does, and mail that is urgent. For SELF's own thread.
 *
 * From the first wait until the last mail that was held is taken, and while there is any that is urgent, control has TROUPE_CONTROL_HELD.
 */

/* A fiber waits, during which no other message is to be handled; it has what it waited for. They may be several. */
void        troupe_ref_begin_wait   (TroupeRef  *self);
void        troupe_ref_end_wait     (TroupeRef  *self);
/* With TROUPE_CONTROL_HELD: the next turn's mail, taken out, or NULL if there is none now. */
TroupeMail *troupe_ref_take_held    (TroupeRef  *self);
gboolean    troupe_ref_has_turn     (TroupeRef  *self);
/* Puts all that is held before the rest of the mailbox: the actor ends. */
void        troupe_ref_release_held (TroupeRef  *self);
/* Takes MAIL out of what is held; FALSE if it is not there. */
gboolean    troupe_ref_unhold_mail  (TroupeRef  *self,
                                     TroupeMail *mail);

G_END_DECLS
