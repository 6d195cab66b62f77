/* chat-window.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gtk/gtk.h>
#include <troupe.h>

#include "chat-session.h"

#define CHAT_TYPE_WINDOW (chat_window_get_type ())
G_DECLARE_FINAL_TYPE (ChatWindow, chat_window, CHAT, WINDOW, GtkApplicationWindow)

GtkWidget *chat_window_new (GtkApplication *application,
                            ChatSession    *session,
                            TroupeRef      *keeper);
