/* chat-style.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gtk/gtk.h>

#define CHAT_TYPE_STYLE (chat_style_get_type ())
G_DECLARE_FINAL_TYPE (ChatStyle, chat_style, CHAT, STYLE, GObject)

ChatStyle *chat_style_new    (void);
/* From what it is to the other. */
void       chat_style_toggle (ChatStyle *self);
