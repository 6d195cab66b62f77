/* chat-line-row.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gtk/gtk.h>

#include "chat-line.h"

#define CHAT_TYPE_LINE_ROW (chat_line_row_get_type ())
G_DECLARE_FINAL_TYPE (ChatLineRow, chat_line_row, CHAT, LINE_ROW, GtkWidget)

GtkWidget *chat_line_row_new      (void);
void       chat_line_row_set_line (ChatLineRow *self,
                                   ChatLine    *line);
