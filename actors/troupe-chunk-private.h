/* troupe-chunk-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sys/uio.h>

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _TroupeChunk TroupeChunk;

/* What waits to be sent, oldest first: copies of small writes, many to a chunk, and references on larger bytes. */
typedef struct
{
  TroupeChunk *head;
  TroupeChunk *tail;
  gsize        length;               /* in bytes */
} TroupeChunkQueue;

void  troupe_chunk_queue_append       (TroupeChunkQueue *self,
                                       const guint8     *data,
                                       gsize             length);
void  troupe_chunk_queue_append_bytes (TroupeChunkQueue *self,
                                       GBytes           *bytes);
/* Fills at most N_VECTORS; *TOTAL is the sum of their lengths. */
guint troupe_chunk_queue_peek         (TroupeChunkQueue *self,
                                       struct iovec     *vectors,
                                       guint             n_vectors,
                                       gsize            *total);
void  troupe_chunk_queue_drop         (TroupeChunkQueue *self,
                                       gsize             length);
void  troupe_chunk_queue_clear        (TroupeChunkQueue *self);

G_END_DECLS
