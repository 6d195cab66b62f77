/* troupe-topics-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-ref-private.h"

G_BEGIN_DECLS

/* Who has subscribed to which topics in a system. Any thread: a mutex guards it, and nothing is sent while it is held. */
typedef struct _TroupeTopics TroupeTopics;

TroupeTopics *troupe_topics_new    (void);
void          troupe_topics_free   (TroupeTopics *self);
/* REF ends: it gets nothing more. */
void          troupe_topics_forget (TroupeTopics *self,
                                    TroupeRef    *ref);

/* What a system publishes by itself, under “$system/…” and the path of the actor. */
typedef enum
{
  TROUPE_NEWS_SPAWNED,               /* body: the address */
  TROUPE_NEWS_STOPPED,               /* a TroupeTermination: it has ended */
  TROUPE_NEWS_FAILED,                /* the same: it may be restarted */
  TROUPE_NEWS_DEAD_LETTER,           /* a TroupeDeadLetter */
  TROUPE_NEWS_UNHANDLED,             /* the same */
  TROUPE_NEWS_OVERFLOW,              /* the same */
  TROUPE_NEWS_LONG_TURN,             /* a string: what it is about */
  TROUPE_NEWS_CONNECTING,            /* of a client: its address */
  TROUPE_NEWS_CONNECTED,             /* the connection's address */
  TROUPE_NEWS_DISCONNECTED,          /* a TroupeDisconnection */
  TROUPE_N_NEWS,
} TroupeNews;

/* Any thread. Whether somebody may want to hear of that; asked first, as news cost something to make. */
gboolean      troupe_system_wants_news   (TroupeSystem *self,
                                          TroupeNews    news);
/* Any thread. Takes REF's part only for its path; BODY is copied: a boxed type's, or a string. */
void          troupe_system_publish_news (TroupeSystem  *self,
                                          TroupeNews     news,
                                          TroupeRef     *ref,
                                          GType          type,
                                          gconstpointer  body);

G_END_DECLS
