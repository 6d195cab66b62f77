/* chat-event.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <json.h>

#include "chat-session.h"

/* Shows in SESSION what the service tells. */
void chat_event_apply (struct json_object *event,
                       ChatSession        *session);
