/* chat-command.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <json.h>

#include "chat-room.h"

/* A command of docs/chat.md, with one argument; KEY may be NULL. */
struct json_object *chat_command_new   (const char *name,
                                        const char *key,
                                        const char *value);
/* What was typed in ROOM, which may be NULL. */
struct json_object *chat_command_parse (const char *typed,
                                        ChatRoom   *room);
