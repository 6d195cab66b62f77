/* troupe-slab.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "troupe-slab-private.h"

#if defined (__SANITIZE_ADDRESS__) || defined (__SANITIZE_THREAD__)
# define SANITIZED
#elif defined (__has_feature)
# if __has_feature (address_sanitizer) || __has_feature (thread_sanitizer)
#  define SANITIZED
# endif
#endif

/* A magazine holds a thousand blocks, so that a burst of as many messages does not meet the depot; a batch is a part of that, so that a
 * thread that alternates around the limit does not meet it each time. */
#define BATCH          128
#define MAGAZINE_LIMIT (8 * BATCH)

/* Memory comes from the system in regions of about an eighth of what is in use. A flood of messages would spend half its time in
 * the kernel, which clears page by page; for the largest regions we ask for huge pages, cleared in one go. */
#define SMALLEST_REGION (64 * 1024)
#define LARGEST_REGION  (2 * 1024 * 1024)

/* In a batch at the depot the first block's second word links to the next batch. */
typedef struct
{
  GMutex   mutex;
  gpointer batches;
  char    *region;                   /* the newest, from where it is still unused */
  gsize    region_left;
  gsize    total;                    /* bytes of all regions */
} Depot;

static const gsize sizes[TROUPE_N_SLABS] = { TROUPE_SLAB_SMALL_SIZE, TROUPE_SLAB_MEDIUM_SIZE, TROUPE_SLAB_LARGE_SIZE };
static Depot depots[TROUPE_N_SLABS];

__thread TroupeMagazine troupe_magazines[TROUPE_N_SLABS];

static void troupe_slab_leave_thread (gpointer data);

static GPrivate thread_exit = G_PRIVATE_INIT (troupe_slab_leave_thread);

/* Checkers of memory see nothing of blocks that are never given back: let them have malloc. G_SLICE=always-malloc is how GLib
 * programs ask for the same. */
static gboolean
troupe_slab_uses_malloc (void)
{
#ifdef SANITIZED
  return TRUE;
#else
  static gsize answer;

  if (g_once_init_enter (&answer))
    {
      const char *slice = getenv ("G_SLICE");

      g_once_init_leave (&answer, slice != NULL && strstr (slice, "always-malloc") != NULL ? 2 : 1);
    }

  return answer == 2;
#endif
}

static void
troupe_slab_give_batch (TroupeSlab slab,
                        gpointer   batch)
{
  Depot *depot = &depots[slab];

  g_mutex_lock (&depot->mutex);
  ((gpointer *) batch)[1] = depot->batches;
  depot->batches = batch;
  g_mutex_unlock (&depot->mutex);
}

static gpointer
troupe_slab_take_batch (TroupeSlab slab)
{
  Depot *depot = &depots[slab];
  gpointer batch;

  g_mutex_lock (&depot->mutex);
  batch = depot->batches;
  if (batch != NULL)
    depot->batches = ((gpointer *) batch)[1];
  g_mutex_unlock (&depot->mutex);

  return batch;
}

static void
troupe_slab_new_region_locked (Depot *depot)
{
  gsize size = SMALLEST_REGION;

  while (size < LARGEST_REGION && size < depot->total / 8)
    size *= 2;

  depot->region = aligned_alloc (size, size);
  if (depot->region == NULL)
    g_error ("Out of memory: cannot allocate %" G_GSIZE_FORMAT " bytes", size);

  depot->region_left = size;
  depot->total += size;

#ifdef MADV_HUGEPAGE
  if (size == LARGEST_REGION)
    madvise (depot->region, size, MADV_HUGEPAGE);
#endif
}

static char *
troupe_slab_cut_region (TroupeSlab slab)
{
  Depot *depot = &depots[slab];
  gsize size = sizes[slab] * BATCH;
  char *piece;

  g_mutex_lock (&depot->mutex);
  if (depot->region_left < size)
    troupe_slab_new_region_locked (depot);
  piece = depot->region;
  depot->region += size;
  depot->region_left -= size;
  g_mutex_unlock (&depot->mutex);

  return piece;
}

static gpointer
troupe_slab_new_batch (TroupeSlab slab)
{
  gsize size = sizes[slab];
  char *piece = troupe_slab_cut_region (slab);
  guint i;

  for (i = 0; i < BATCH; i++)
    *(gpointer *) (piece + i * size) = i + 1 < BATCH ? piece + (i + 1) * size : NULL;

  return piece;
}

/* Cuts N blocks off the magazine's head. */
static gpointer
troupe_slab_cut (TroupeMagazine *magazine,
                 guint           n)
{
  gpointer batch = magazine->head;
  gpointer last = batch;
  guint i;

  for (i = 1; i < n; i++)
    last = *(gpointer *) last;

  magazine->head = *(gpointer *) last;
  magazine->n_free -= n;
  *(gpointer *) last = NULL;

  return batch;
}

static void
troupe_slab_leave_thread (gpointer data)
{
  guint slab;

  for (slab = 0; slab < TROUPE_N_SLABS; slab++)
    {
      TroupeMagazine *magazine = &troupe_magazines[slab];

      if (magazine->n_free > 0)
        troupe_slab_give_batch (slab, magazine->head);

      /* Other destructors of this thread may still free blocks: let them register anew. */
      *magazine = (TroupeMagazine) { NULL, 0, 0 };
    }
}

static void
troupe_slab_enter_thread (TroupeMagazine *magazine)
{
  if (magazine->limit == 0)
    {
      magazine->limit = MAGAZINE_LIMIT;
      g_private_set (&thread_exit, troupe_magazines);
    }
}

/* The magazine is empty. */
gpointer
troupe_slab_refill (TroupeSlab slab)
{
  TroupeMagazine *magazine = &troupe_magazines[slab];
  gpointer batch;
  gpointer block;

  if (troupe_slab_uses_malloc ())
    return g_malloc (sizes[slab]);

  troupe_slab_enter_thread (magazine);

  batch = troupe_slab_take_batch (slab);
  if (batch == NULL)
    batch = troupe_slab_new_batch (slab);

  magazine->head = batch;
  for (block = batch; block != NULL; block = *(gpointer *) block)
    magazine->n_free++;

  return troupe_slab_alloc (slab);
}

/* The magazine is full, or this thread has none yet. */
void
troupe_slab_spill (TroupeSlab slab,
                   gpointer   block)
{
  TroupeMagazine *magazine = &troupe_magazines[slab];

  if (troupe_slab_uses_malloc ())
    {
      g_free (block);
      return;
    }

  troupe_slab_enter_thread (magazine);
  if (magazine->n_free >= magazine->limit)
    troupe_slab_give_batch (slab, troupe_slab_cut (magazine, BATCH));

  troupe_slab_free (slab, block);
}
