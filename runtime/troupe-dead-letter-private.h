/* troupe-dead-letter-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-dead-letter.h"
#include "troupe-topics-private.h"

G_BEGIN_DECLS

/* On the thread where MESSAGE is. */
TroupeDeadLetter *troupe_dead_letter_new      (TroupeRef     *target,
                                               TroupeMessage *message,
                                               TroupeError    reason);
/* What kind of news it is. */
TroupeNews        troupe_dead_letter_get_news (TroupeError    reason);

G_END_DECLS
