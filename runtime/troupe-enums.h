/* troupe-enums.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include <gio/gio.h>

#include "troupe-version-macros.h"

G_BEGIN_DECLS

/**
 * TroupeEnd:
 * @TROUPE_END_STOPPED: it was asked to stop, or finished what it had to do
 * @TROUPE_END_FAILED: one of its handlers failed
 * @TROUPE_END_KILLED: it was killed
 *
 * How an actor ended.
 *
 * Since: 1.0
 */
typedef enum
{
  TROUPE_END_STOPPED,
  TROUPE_END_FAILED,
  TROUPE_END_KILLED,
} TroupeEnd;

#define TROUPE_TYPE_END (troupe_end_get_type ())
TROUPE_AVAILABLE_IN_ALL
GType troupe_end_get_type (void) G_GNUC_CONST;

/**
 * TroupePlacement:
 * @TROUPE_PLACEMENT_PARENT: on the reactor of the parent; at the top, on the system's own
 * @TROUPE_PLACEMENT_SPREAD: on the reactor that has the least to do
 * @TROUPE_PLACEMENT_BLOCKING: on a thread to itself, whatever the number of reactors: its handlers may block
 *
 * Where the actors of a class live, unless whoever spawns one says otherwise. See [method@Troupe.ActorClass.set_placement].
 *
 * Since: 1.0
 */
typedef enum
{
  TROUPE_PLACEMENT_PARENT,
  TROUPE_PLACEMENT_SPREAD,
  TROUPE_PLACEMENT_BLOCKING,
} TroupePlacement;

#define TROUPE_TYPE_PLACEMENT (troupe_placement_get_type ())
TROUPE_AVAILABLE_IN_ALL
GType troupe_placement_get_type (void) G_GNUC_CONST;

/**
 * TroupeDirective:
 * @TROUPE_DIRECTIVE_RESUME: it goes on with the next message, as if nothing had happened
 * @TROUPE_DIRECTIVE_RESTART: its object ends and is built anew; address, mailbox, name and watches stay
 * @TROUPE_DIRECTIVE_STOP: it ends, and its watchers are told
 * @TROUPE_DIRECTIVE_ESCALATE: its parent fails with the same error, and what is above that decides
 *
 * What becomes of an actor that has failed.
 *
 * Since: 1.0
 */
typedef enum
{
  TROUPE_DIRECTIVE_RESUME,
  TROUPE_DIRECTIVE_RESTART,
  TROUPE_DIRECTIVE_STOP,
  TROUPE_DIRECTIVE_ESCALATE,
} TroupeDirective;

#define TROUPE_TYPE_DIRECTIVE (troupe_directive_get_type ())
TROUPE_AVAILABLE_IN_ALL
GType troupe_directive_get_type (void) G_GNUC_CONST;

/**
 * TroupeStrategy:
 * @TROUPE_STRATEGY_ONE_FOR_ONE: the one that failed
 * @TROUPE_STRATEGY_ONE_FOR_ALL: all children, because none can go on without the others
 * @TROUPE_STRATEGY_REST_FOR_ONE: the one that failed and those that were spawned after it, because they build on it
 *
 * Which children are restarted, or stopped, when one has failed.
 *
 * Since: 1.0
 */
typedef enum
{
  TROUPE_STRATEGY_ONE_FOR_ONE,
  TROUPE_STRATEGY_ONE_FOR_ALL,
  TROUPE_STRATEGY_REST_FOR_ONE,
} TroupeStrategy;

#define TROUPE_TYPE_STRATEGY (troupe_strategy_get_type ())
TROUPE_AVAILABLE_IN_ALL
GType troupe_strategy_get_type (void) G_GNUC_CONST;

/**
 * TroupePhase:
 * @TROUPE_PHASE_BEFORE: first; what it promises is awaited
 * @TROUPE_PHASE_DURING: when every promise of the phase before has its outcome
 * @TROUPE_PHASE_AFTER: last
 *
 * When a trigger of a system runs, within startup or shutdown.
 *
 * Since: 1.0
 */
typedef enum
{
  TROUPE_PHASE_BEFORE,
  TROUPE_PHASE_DURING,
  TROUPE_PHASE_AFTER,
} TroupePhase;

#define TROUPE_TYPE_PHASE (troupe_phase_get_type ())
TROUPE_AVAILABLE_IN_ALL
GType troupe_phase_get_type (void) G_GNUC_CONST;

/**
 * TroupeEvent:
 * @TROUPE_EVENT_STARTUP: the system's first pass
 * @TROUPE_EVENT_SHUTDOWN: the system is being shut down
 *
 * What a trigger of a system waits for.
 *
 * Since: 1.0
 */
typedef enum
{
  TROUPE_EVENT_STARTUP,
  TROUPE_EVENT_SHUTDOWN,
} TroupeEvent;

#define TROUPE_TYPE_EVENT (troupe_event_get_type ())
TROUPE_AVAILABLE_IN_ALL
GType troupe_event_get_type (void) G_GNUC_CONST;

/**
 * TroupeOverflow:
 * @TROUPE_OVERFLOW_DROP_NEWEST: the new message is dropped
 * @TROUPE_OVERFLOW_DROP_OLDEST: the message that has waited longest is dropped, and the new one is taken
 * @TROUPE_OVERFLOW_REJECT: the new message is refused, and is a dead letter
 * @TROUPE_OVERFLOW_FAIL: the same, and the actor fails
 * @TROUPE_OVERFLOW_BACKPRESSURE: the new message is refused, but connections are stopped from reading before it comes to that
 *
 * What becomes of a message when its receiver's mailbox is full, see [method@Troupe.ActorClass.set_capacity].
 *
 * Whichever it is, an ask that is lost is rejected with %TROUPE_ERROR_QUEUE_OVERFLOW.
 *
 * Since: 1.0
 */
typedef enum
{
  TROUPE_OVERFLOW_DROP_NEWEST,
  TROUPE_OVERFLOW_DROP_OLDEST,
  TROUPE_OVERFLOW_REJECT,
  TROUPE_OVERFLOW_FAIL,
  TROUPE_OVERFLOW_BACKPRESSURE,
} TroupeOverflow;

#define TROUPE_TYPE_OVERFLOW (troupe_overflow_get_type ())
TROUPE_AVAILABLE_IN_ALL
GType troupe_overflow_get_type (void) G_GNUC_CONST;

G_END_DECLS
