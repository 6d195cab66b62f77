/* promises.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "bench.h"

/* The coordinating actors. */
GType asker_get_type   (void);
GType chainer_get_type (void);

/* What others do. */
void  run_tasks            (guint64 n_tasks);
void  run_twisted_steps    (guint64 n_steps);
void  run_twisted_resolves (guint64 n_chains);
void  run_twisted_all      (guint64 n_children);
