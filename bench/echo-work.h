/* echo-work.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdint.h>

/* Stands for what a real server does with a message: so many steps of Marsaglia's generator, each of which waits for the one before. */
static inline void
echo_work (unsigned n_steps)
{
  uint32_t state = 2463534242u;

  for (unsigned i = 0; i < n_steps; i++)
    {
      state ^= state << 13;
      state ^= state >> 17;
      state ^= state << 5;
      __asm__ volatile ("" : "+r" (state));   /* nobody uses it, which no compiler may notice */
    }
}
