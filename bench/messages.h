/* messages.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <troupe.h>

/*
 * Every benchmark is one coordinating actor. It gets an order with the number of messages, calls bench_begin () once it is ready
 * and bench_end () when the last message has been handled.
 */

void  bench_begin                  (void);
void  bench_end                    (TroupeActor *actor,
                                    guint64      n_messages);
/* The same, where what counts is the memory in use for each, not its peak. */
void  bench_end_with_memory_in_use (TroupeActor *actor,
                                    guint64      n_messages);

GType asker_get_type               (void);
GType chainer_get_type             (void);
GType link_get_type                (void);
GType mailbox_get_type             (void);
GType nursery_get_type             (void);
GType pinger_get_type              (void);
GType producer_get_type            (void);
GType publisher_get_type           (void);
GType referee_get_type             (void);
