/* chat-lines.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "chat-line.h"

#define CHAT_TYPE_LINES (chat_lines_get_type ())
G_DECLARE_FINAL_TYPE (ChatLines, chat_lines, CHAT, LINES, GObject)

ChatLines  *chat_lines_new     (void);
/* Takes LINE. */
void        chat_lines_append  (ChatLines *self,
                                ChatLine  *line);
GHashTable *chat_lines_dup_set (ChatLines *self);
