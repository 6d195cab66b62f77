/* troupe-slab-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Fixed-size blocks from per-thread free lists.
 *
 * A block may be freed on another thread than the one that allocated it: a thread that frees more than
 * it allocates hands whole batches to a common depot, from which starving threads take them, so a
 * one-way flood between two threads recycles its memory.
 */

typedef enum
{
  TROUPE_SLAB_SMALL,                 /* messages, steps, calls: 64 bytes */
  TROUPE_SLAB_MEDIUM,                /* promises: 128 bytes */
  TROUPE_SLAB_LARGE,                 /* refs: 192 bytes */
  TROUPE_N_SLABS,
} TroupeSlab;

#define TROUPE_SLAB_SMALL_SIZE 64
#define TROUPE_SLAB_MEDIUM_SIZE 128
#define TROUPE_SLAB_LARGE_SIZE 192

typedef struct
{
  gpointer head;                     /* free blocks, each holding the next in its first word */
  guint    n_free;
  guint    limit;                    /* 0 until first used, and for ever when blocks come from malloc */
} TroupeMagazine;

extern __thread TroupeMagazine troupe_magazines[TROUPE_N_SLABS];

gpointer troupe_slab_refill (TroupeSlab slab);
void     troupe_slab_spill  (TroupeSlab slab,
                             gpointer   block);

/* The content is undefined. */
static inline gpointer
troupe_slab_alloc (TroupeSlab slab)
{
  TroupeMagazine *magazine = &troupe_magazines[slab];
  gpointer block = magazine->head;

  if (G_UNLIKELY (block == NULL))
    return troupe_slab_refill (slab);

  magazine->head = *(gpointer *) block;
  magazine->n_free--;
  return block;
}

static inline void
troupe_slab_free (TroupeSlab slab,
                  gpointer   block)
{
  TroupeMagazine *magazine = &troupe_magazines[slab];

  if (G_UNLIKELY (magazine->n_free >= magazine->limit))
    {
      troupe_slab_spill (slab, block);
      return;
    }

  *(gpointer *) block = magazine->head;
  magazine->head = block;
  magazine->n_free++;
}

G_END_DECLS
