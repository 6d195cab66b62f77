/* chat-connection.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <troupe.h>

#define CHAT_TYPE_CONNECTION (chat_connection_get_type ())
G_DECLARE_FINAL_TYPE (ChatConnection, chat_connection, CHAT, CONNECTION, TroupeJsonProtocol)
