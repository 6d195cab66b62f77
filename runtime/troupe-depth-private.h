/* troupe-depth-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Tells for most code in a turn that it is not run by a nested main loop, without asking g_main_depth (), which takes a sixth of the
 * time of a message.
 *
 * A main loop that runs below a turn has a frame on the stack, that of g_main_context_dispatch (), between the turn and the code that
 * it runs. Its size is that of the one place in GLib that calls sources, so it can be measured once. Whoever is nearer to the turn than
 * that is not in a nested loop; whoever is farther away, or on another stack, has to ask.
 *
 * That needs a stack that grows downwards, and whose pointer no function moves for a call's arguments; elsewhere everybody asks.
 */
#if defined (__x86_64__)
# define TROUPE_DEPTH_POINTER "mov %%rsp, %0"
#elif defined (__aarch64__)
# define TROUPE_DEPTH_POINTER "mov %0, sp"
#endif

G_GNUC_INTERNAL
extern gsize troupe_depth_frame;     /* bytes that the frames of a main loop take at least; 0: unknown */

void troupe_depth_measure (void);

/* The end of the stack of the function that this is a part of: what that calls is further down. */
static G_ALWAYS_INLINE inline gsize
troupe_depth_get_stack (void)
{
#ifdef TROUPE_DEPTH_POINTER
  gsize stack;

  __asm__ volatile (TROUPE_DEPTH_POINTER : "=r" (stack));

  return stack;
#else
  return 0;
#endif
}

/* Whether the function that this is a part of was called, with whatever calls between them, from the frame whose end TURN is, and not by
 * a main loop below it. FALSE says nothing. */
static G_ALWAYS_INLINE inline gboolean
troupe_depth_is_near (gsize turn)
{
#ifdef TROUPE_DEPTH_POINTER
  /* The end of its caller's. */
  return turn - (gsize) __builtin_dwarf_cfa () < troupe_depth_frame;
#else
  return FALSE;
#endif
}

G_END_DECLS
