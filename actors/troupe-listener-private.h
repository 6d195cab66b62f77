/* troupe-listener-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-ref-private.h"

G_BEGIN_DECLS

/* A listening socket of a port, accepted on one reactor. What is accepted on another one than the factory's is handed to that. All
 * functions are for the factory's thread. */
typedef struct _TroupeListener TroupeListener;

typedef void (*TroupeListenerFunc) (gpointer port);

/* Over FD, which is taken. It belongs to PORT, an object, which lends ENDPOINT, the name for messages. STAYS: connections live on REACTOR
 * as long as that has time for them, whatever their class says. */
TroupeListener *troupe_listener_new    (gpointer             port,
                                        const char          *endpoint,
                                        int                  fd,
                                        TroupeRef           *factory,
                                        TroupeReactor       *reactor,
                                        gboolean             stays);
/* It is closed. */
void            troupe_listener_free   (gpointer             self);
/* In a turn of the factory: begins to accept. What fails on another thread is logged there. */
gboolean        troupe_listener_open   (TroupeListener      *self,
                                        GError             **error);
/* While the factory is restarted. What is accepted elsewhere waits in its mailbox, within a limit. */
void            troupe_listener_pause  (TroupeListener      *self);
void            troupe_listener_resume (TroupeListener      *self);
/* Accepts nothing from now on. FALSE if the socket is another thread's to close: CLOSED is called on this one, in no turn, when it is. */
gboolean        troupe_listener_close  (TroupeListener      *self,
                                        TroupeListenerFunc   closed);

G_END_DECLS
