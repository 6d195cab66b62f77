/* troupe-enums.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-enums.h"

G_DEFINE_ENUM_TYPE (TroupeEnd, troupe_end,
                    G_DEFINE_ENUM_VALUE (TROUPE_END_STOPPED, "stopped"),
                    G_DEFINE_ENUM_VALUE (TROUPE_END_FAILED, "failed"),
                    G_DEFINE_ENUM_VALUE (TROUPE_END_KILLED, "killed"))

G_DEFINE_ENUM_TYPE (TroupePlacement, troupe_placement,
                    G_DEFINE_ENUM_VALUE (TROUPE_PLACEMENT_PARENT, "parent"),
                    G_DEFINE_ENUM_VALUE (TROUPE_PLACEMENT_SPREAD, "spread"),
                    G_DEFINE_ENUM_VALUE (TROUPE_PLACEMENT_BLOCKING, "blocking"))

G_DEFINE_ENUM_TYPE (TroupeDirective, troupe_directive,
                    G_DEFINE_ENUM_VALUE (TROUPE_DIRECTIVE_RESUME, "resume"),
                    G_DEFINE_ENUM_VALUE (TROUPE_DIRECTIVE_RESTART, "restart"),
                    G_DEFINE_ENUM_VALUE (TROUPE_DIRECTIVE_STOP, "stop"),
                    G_DEFINE_ENUM_VALUE (TROUPE_DIRECTIVE_ESCALATE, "escalate"))

G_DEFINE_ENUM_TYPE (TroupeStrategy, troupe_strategy,
                    G_DEFINE_ENUM_VALUE (TROUPE_STRATEGY_ONE_FOR_ONE, "one-for-one"),
                    G_DEFINE_ENUM_VALUE (TROUPE_STRATEGY_ONE_FOR_ALL, "one-for-all"),
                    G_DEFINE_ENUM_VALUE (TROUPE_STRATEGY_REST_FOR_ONE, "rest-for-one"))

G_DEFINE_ENUM_TYPE (TroupePhase, troupe_phase,
                    G_DEFINE_ENUM_VALUE (TROUPE_PHASE_BEFORE, "before"),
                    G_DEFINE_ENUM_VALUE (TROUPE_PHASE_DURING, "during"),
                    G_DEFINE_ENUM_VALUE (TROUPE_PHASE_AFTER, "after"))

G_DEFINE_ENUM_TYPE (TroupeEvent, troupe_event,
                    G_DEFINE_ENUM_VALUE (TROUPE_EVENT_STARTUP, "startup"),
                    G_DEFINE_ENUM_VALUE (TROUPE_EVENT_SHUTDOWN, "shutdown"))

G_DEFINE_ENUM_TYPE (TroupeOverflow, troupe_overflow,
                    G_DEFINE_ENUM_VALUE (TROUPE_OVERFLOW_DROP_NEWEST, "drop-newest"),
                    G_DEFINE_ENUM_VALUE (TROUPE_OVERFLOW_DROP_OLDEST, "drop-oldest"),
                    G_DEFINE_ENUM_VALUE (TROUPE_OVERFLOW_REJECT, "reject"),
                    G_DEFINE_ENUM_VALUE (TROUPE_OVERFLOW_FAIL, "fail"),
                    G_DEFINE_ENUM_VALUE (TROUPE_OVERFLOW_BACKPRESSURE, "backpressure"))
