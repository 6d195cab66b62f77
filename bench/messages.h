/* messages.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "bench.h"

/* The coordinating actors. */
GType asker_get_type      (void);
GType dispatcher_get_type (void);
GType link_get_type       (void);
GType mailbox_get_type    (void);
GType mourner_get_type    (void);
GType nursery_get_type    (void);
GType pinger_get_type     (void);
GType producer_get_type   (void);
GType publisher_get_type  (void);
GType referee_get_type    (void);
GType warden_get_type     (void);
