/* test-slab.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>

#include "troupe-slab-private.h"

#define N_BLOCKS 10000

/* Looks inside: the blocks are nobody's business but the runtime's. */

static void
test_alloc (void)
{
  static const gsize sizes[TROUPE_N_SLABS] = {
    TROUPE_SLAB_SMALL_SIZE,
    TROUPE_SLAB_MEDIUM_SIZE,
    TROUPE_SLAB_LARGE_SIZE,
  };
  g_autofree char **blocks = g_new (char *, N_BLOCKS);
  guint slab;
  guint i;

  g_test_summary ("Blocks are aligned, apart from each other, and as large as they say.");

  for (slab = 0; slab < TROUPE_N_SLABS; slab++)
    {
      gsize size = sizes[slab];

      for (i = 0; i < N_BLOCKS; i++)
        {
          blocks[i] = troupe_slab_alloc (slab);
          g_assert_cmpuint (GPOINTER_TO_SIZE (blocks[i]) % 16, ==, 0);
          memset (blocks[i], i % 251, size);
        }
      for (i = 0; i < N_BLOCKS; i++)
        {
          g_assert_cmpint (blocks[i][0], ==, (char) (i % 251));
          g_assert_cmpint (blocks[i][size - 1], ==, (char) (i % 251));
          troupe_slab_free (slab, blocks[i]);
        }
    }
}

static gpointer
free_all (gpointer data)
{
  gpointer *blocks = data;
  guint i;

  for (i = 0; i < N_BLOCKS; i++)
    troupe_slab_free (TROUPE_SLAB_SMALL, blocks[i]);

  return NULL;
}

static void
test_one_way (void)
{
  g_autofree gpointer *blocks = g_new (gpointer, N_BLOCKS);
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  guint round;
  guint i;

  g_test_summary ("Blocks that one thread allocates and another frees are used again.");

  for (round = 0; round < 20; round++)
    {
      for (i = 0; i < N_BLOCKS; i++)
        {
          blocks[i] = troupe_slab_alloc (TROUPE_SLAB_SMALL);
          g_hash_table_add (seen, blocks[i]);
        }
      g_thread_join (g_thread_new ("freer", free_all, blocks));
    }

  /* Checkers of memory have malloc, which goes by its own rules. */
  if (troupe_magazines[TROUPE_SLAB_SMALL].limit > 0)
    g_assert_cmpuint (g_hash_table_size (seen), <, 2 * N_BLOCKS);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/slab/alloc", test_alloc);
  g_test_add_func ("/troupe/slab/one-way", test_one_way);

  return g_test_run ();
}
