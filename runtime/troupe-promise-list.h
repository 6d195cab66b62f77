/* troupe-promise-list.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-outcomes.h"
#include "troupe-types.h"

G_BEGIN_DECLS

/**
 * TroupeListFlags:
 * @TROUPE_LIST_DEFAULT: wait for every promise, and leave the errors to their own chains
 * @TROUPE_LIST_FIRE_ON_ONE_VALUE: the first value resolves the list, at once
 * @TROUPE_LIST_FIRE_ON_ONE_ERROR: the first error rejects the list, at once
 * @TROUPE_LIST_CONSUME_ERRORS: the list takes the errors of the promises, whose chains go on with nothing
 *
 * How [func@Troupe.Promise.all] waits.
 *
 * Since: 1.0
 */
typedef enum /*< flags >*/
{
  TROUPE_LIST_DEFAULT           = 0,
  TROUPE_LIST_FIRE_ON_ONE_VALUE = 1 << 0,
  TROUPE_LIST_FIRE_ON_ONE_ERROR = 1 << 1,
  TROUPE_LIST_CONSUME_ERRORS    = 1 << 2,
} TroupeListFlags;

#define TROUPE_TYPE_LIST_FLAGS (troupe_list_flags_get_type ())
TROUPE_AVAILABLE_IN_ALL
GType troupe_list_flags_get_type (void) G_GNUC_CONST;

TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_all     (TroupePromise   **children,
                                       gsize             n_children,
                                       TroupeListFlags   flags) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_collect (TroupePromise   **children,
                                       gsize             n_children) G_GNUC_WARN_UNUSED_RESULT;
TROUPE_AVAILABLE_IN_ALL
TroupePromise *troupe_promise_race    (TroupePromise   **children,
                                       gsize             n_children) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
