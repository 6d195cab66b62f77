/* troupe.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#define TROUPE_INSIDE
#include "troupe-version-macros.h"
#include "troupe-types.h"
#include "troupe-enums.h"
#include "troupe-error.h"
#include "troupe-json.h"
#include "troupe-message.h"
#include "troupe-ref.h"
#include "troupe-termination.h"
#include "troupe-dead-letter.h"
#include "troupe-supervision.h"
#include "troupe-promise.h"
#include "troupe-promise-debug.h"
#include "troupe-resolver.h"
#include "troupe-outcomes.h"
#include "troupe-promise-list.h"
#include "troupe-promise-wait.h"
#include "troupe-sleep.h"
#include "troupe-threads.h"
#include "troupe-gio-bridge.h"
#include "troupe-timer.h"
#include "troupe-descriptor.h"
#include "troupe-reactor.h"
#include "troupe-clock.h"
#include "troupe-system.h"
#include "troupe-actor.h"
#include "troupe-fiber.h"
#include "troupe-looping-call.h"
#include "troupe-semaphore.h"
#include "troupe-queue.h"
#include "troupe-file-lock.h"
#include "troupe-cooperative-task.h"
#include "troupe-cooperator.h"
#include "troupe-router.h"
#include "troupe-transport.h"
#include "troupe-protocol.h"
#include "troupe-endpoint.h"
#include "troupe-factory.h"
#include "troupe-port.h"
#include "troupe-connector.h"
#include "troupe-disconnection.h"
#include "troupe-client.h"
#include "troupe-line-protocol.h"
#include "troupe-json-protocol.h"
#undef TROUPE_INSIDE
