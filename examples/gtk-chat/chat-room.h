/* chat-room.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gtk/gtk.h>

#include "chat-lines.h"

#define CHAT_TYPE_ROOM (chat_room_get_type ())
G_DECLARE_FINAL_TYPE (ChatRoom, chat_room, CHAT, ROOM, GObject)

ChatRoom   *chat_room_new           (const char        *name);
const char *chat_room_get_name      (ChatRoom          *self);
/* Whether it is a conversation with one user: its name is “@” and a nick name. */
gboolean    chat_room_is_private    (ChatRoom          *self);
void        chat_room_set_topic     (ChatRoom          *self,
                                     const char        *topic);
void        chat_room_set_members   (ChatRoom          *self,
                                     const char *const *nicks);
void        chat_room_add_member    (ChatRoom          *self,
                                     const char        *nick);
gboolean    chat_room_remove_member (ChatRoom          *self,
                                     const char        *nick);
/* The next N_LINES have been said before. */
void        chat_room_expect_history (ChatRoom         *self,
                                     guint              n_lines);
/* Takes LINE; it is counted as unread unless it is READ, or was said before. */
void        chat_room_append        (ChatRoom          *self,
                                     ChatLine          *line,
                                     gboolean           read);
void        chat_room_note          (ChatRoom          *self,
                                     const char        *format,
                                     ...) G_GNUC_PRINTF (2, 3);
void        chat_room_mark_read     (ChatRoom          *self);
