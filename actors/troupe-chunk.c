/* troupe-chunk.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <string.h>

#include "troupe-chunk-private.h"
#include "troupe-slab-private.h"

#define CHUNK_SIZE 4096              /* of a chunk for copies, its head included */
#define CHUNK_ROOM (CHUNK_SIZE - sizeof (TroupeChunk))

struct _TroupeChunk
{
  TroupeChunk *next;
  GBytes      *bytes;                /* NULL for copies */
  guint8      *data;                 /* of BYTES, or right behind this head */
  gsize        start;                /* what is before it has been sent */
  gsize        end;
  gsize        size;                 /* of the room for copies; 0 for BYTES */
};

G_STATIC_ASSERT (sizeof (TroupeChunk) <= TROUPE_SLAB_SMALL_SIZE);

/* An idle connection has no chunk. One per thread waits for the next small write: usually all of it is sent at the end
 * of the slice, and the next connection takes the same memory, which is still in the cache. */
static __thread TroupeChunk *spare_chunk;
static __thread gboolean spare_is_watched;    /* this thread's end frees it */

static void
free_spare (gpointer data)
{
  spare_is_watched = FALSE;
  g_clear_pointer (&spare_chunk, g_free);
}

static GPrivate spare_key = G_PRIVATE_INIT (free_spare);

static void
troupe_chunk_free (TroupeChunk *self)
{
  if (self->bytes != NULL)
    {
      g_bytes_unref (self->bytes);
      troupe_slab_free (TROUPE_SLAB_SMALL, self);
    }
  else if (self->size == CHUNK_ROOM && spare_chunk == NULL)
    {
      if (G_UNLIKELY (!spare_is_watched))
        {
          g_private_set (&spare_key, &spare_key);
          spare_is_watched = TRUE;
        }
      spare_chunk = self;
    }
  else
    {
      g_free (self);
    }
}

static TroupeChunk *
troupe_chunk_new (gsize length)
{
  gsize size = MAX (length, CHUNK_ROOM);
  TroupeChunk *self;

  if (size == CHUNK_ROOM && spare_chunk != NULL)
    self = g_steal_pointer (&spare_chunk);
  else
    self = g_malloc (sizeof (TroupeChunk) + size);

  *self = (TroupeChunk) { .data = (guint8 *) (self + 1), .size = size };
  return self;
}

static inline void
troupe_chunk_queue_push (TroupeChunkQueue *self,
                         TroupeChunk      *chunk)
{
  if (self->tail != NULL)
    self->tail->next = chunk;
  else
    self->head = chunk;
  self->tail = chunk;
}

void
troupe_chunk_queue_append (TroupeChunkQueue *self,
                           const guint8     *data,
                           gsize             length)
{
  TroupeChunk *chunk = self->tail;
  gsize room = chunk != NULL && chunk->bytes == NULL ? chunk->size - chunk->end : 0;
  gsize part = MIN (room, length);

  self->length += length;

  if (part > 0)
    {
      memcpy (chunk->data + chunk->end, data, part);
      chunk->end += part;
      data += part;
      length -= part;
    }

  if (length > 0)
    {
      chunk = troupe_chunk_new (length);
      memcpy (chunk->data, data, length);
      chunk->end = length;
      troupe_chunk_queue_push (self, chunk);
    }
}

void
troupe_chunk_queue_append_bytes (TroupeChunkQueue *self,
                                 GBytes           *bytes)
{
  TroupeChunk *chunk = troupe_slab_alloc (TROUPE_SLAB_SMALL);
  gsize length;
  gconstpointer data = g_bytes_get_data (bytes, &length);

  *chunk = (TroupeChunk) { .bytes = g_bytes_ref (bytes), .data = (guint8 *) data, .end = length };
  self->length += length;
  troupe_chunk_queue_push (self, chunk);
}

guint
troupe_chunk_queue_peek (TroupeChunkQueue *self,
                         struct iovec     *vectors,
                         guint             n_vectors,
                         gsize            *total)
{
  guint n = 0;

  *total = 0;
  for (TroupeChunk *chunk = self->head; chunk != NULL && n < n_vectors; chunk = chunk->next)
    {
      vectors[n].iov_base = chunk->data + chunk->start;
      vectors[n].iov_len = chunk->end - chunk->start;
      *total += vectors[n++].iov_len;
    }

  return n;
}

void
troupe_chunk_queue_drop (TroupeChunkQueue *self,
                         gsize             length)
{
  g_assert (length <= self->length);

  /* Mostly one chunk waited and all of it was sent. */
  if (G_LIKELY (length == self->length && self->head == self->tail))
    {
      TroupeChunk *chunk = self->head;

      *self = (TroupeChunkQueue) { NULL, NULL, 0 };
      if (chunk != NULL)
        troupe_chunk_free (chunk);
      return;
    }

  self->length -= length;
  while (length > 0)
    {
      TroupeChunk *chunk = self->head;
      gsize part = MIN (length, chunk->end - chunk->start);

      chunk->start += part;
      length -= part;
      if (chunk->start < chunk->end)
        break;

      self->head = chunk->next;
      if (self->head == NULL)
        self->tail = NULL;
      troupe_chunk_free (chunk);
    }
}

void
troupe_chunk_queue_clear (TroupeChunkQueue *self)
{
  troupe_chunk_queue_drop (self, self->length);
}
