/* chat-line.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib-object.h>

typedef enum
{
  CHAT_LINE_MESSAGE,
  CHAT_LINE_EMOTE,
  CHAT_LINE_NOTICE,                  /* nobody said it */
} ChatLineKind;

#define CHAT_TYPE_LINE (chat_line_get_type ())
G_DECLARE_FINAL_TYPE (ChatLine, chat_line, CHAT, LINE, GObject)

ChatLine     *chat_line_new            (ChatLineKind  kind,
                                        const char   *nick,
                                        const char   *text,
                                        gint64        time);
ChatLineKind  chat_line_get_kind       (ChatLine     *self);
const char   *chat_line_get_nick       (ChatLine     *self);
const char   *chat_line_get_text       (ChatLine     *self);
gint64        chat_line_get_time       (ChatLine     *self);
guint         chat_line_hash           (gconstpointer line);
gboolean      chat_line_equal          (gconstpointer line,
                                        gconstpointer other_line);
GDateTime    *chat_line_dup_local_time (ChatLine     *self);
/* Which day, in local time, that is, counted from 1970 on. */
gint64        chat_line_get_day        (gint64        time);
gboolean      chat_line_get_begins_day (ChatLine     *self);
void          chat_line_set_begins_day (ChatLine     *self,
                                        gboolean      begins_day);
gboolean      chat_line_get_is_unread  (ChatLine     *self);
void          chat_line_set_is_unread  (ChatLine     *self,
                                        gboolean      is_unread);
