/* chat-keeper.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <troupe.h>

#include "chat-session.h"

#define CHAT_TYPE_KEEPER (chat_keeper_get_type ())
G_DECLARE_FINAL_TYPE (ChatKeeper, chat_keeper, CHAT, KEEPER, TroupeClient)

/* Understands “command”, a JSON object for the service, and what every client does. */
TroupeRef *chat_keeper_spawn (TroupeSystem  *system,
                              const char    *endpoint,
                              ChatSession   *session,
                              const char    *nick,
                              GError       **error);
