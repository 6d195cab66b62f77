/* troupe-worker-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-reactor-private.h"

G_BEGIN_DECLS

/* A thread of a system's own, with a main context and a reactor on it. */
typedef struct _TroupeWorker TroupeWorker;

/* A turn outside actors on the thread of WORKER's system, to which WORKER has come back. */
typedef void (*TroupeWorkerFunc) (TroupeWorker *worker,
                                  gpointer      user_data);

/* Returns when the reactor is there. NAME is the thread's. */
TroupeWorker  *troupe_worker_new         (const char       *backend,
                                          const char       *name,
                                          GError          **error);
/* Belongs to the worker. */
TroupeReactor *troupe_worker_get_reactor (TroupeWorker     *self);
/* Has the thread end after its present pass. What comes to its reactor afterwards is bounced. Then FUNC, if it is not NULL, runs on HOME, an
 * outside. */
void           troupe_worker_stop        (TroupeWorker     *self,
                                          TroupeRef        *home,
                                          TroupeWorkerFunc  func,
                                          gpointer          user_data);
/* Before it is told to end: nobody will wait for that, and it frees itself. */
void           troupe_worker_detach      (TroupeWorker     *self);
/* Waits for the thread to end, which must have been told to. */
void           troupe_worker_free        (TroupeWorker     *self);

G_END_DECLS
