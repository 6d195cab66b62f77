/* chat-session.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "chat-room.h"

#define CHAT_TYPE_SESSION (chat_session_get_type ())
G_DECLARE_FINAL_TYPE (ChatSession, chat_session, CHAT, SESSION, GObject)

ChatSession *chat_session_new            (void);
/* ChatRoom */
GListModel  *chat_session_get_rooms      (ChatSession *self);
ChatRoom    *chat_session_get_room       (ChatSession *self,
                                          const char  *name);
/* The one of that name, made if need be. */
ChatRoom    *chat_session_open_room      (ChatSession *self,
                                          const char  *name);
void         chat_session_close_room     (ChatSession *self,
                                          ChatRoom    *room);
/* The one that is shown; there is one as soon as there are rooms. */
ChatRoom    *chat_session_get_current    (ChatSession *self);
void         chat_session_set_current    (ChatSession *self,
                                          ChatRoom    *room);
const char  *chat_session_get_nick       (ChatSession *self);
void         chat_session_set_nick       (ChatSession *self,
                                          const char  *nick);
/* What is wrong with the connection; NULL: nothing. */
void         chat_session_set_trouble    (ChatSession *self,
                                          const char  *trouble);
/* Whether the user sees what is shown. */
void         chat_session_set_attended   (ChatSession *self,
                                          gboolean     attended);
/* Takes LINE, which was said in ROOM. */
void         chat_session_append         (ChatSession *self,
                                          ChatRoom    *room,
                                          ChatLine    *line);
/* Tells the user something, wherever he is. */
void         chat_session_note           (ChatSession *self,
                                          const char  *text);
