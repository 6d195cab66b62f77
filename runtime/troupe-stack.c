/* troupe-stack.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The longjmp () that fortifying brings takes every jump to another stack for an error. */
#undef _FORTIFY_SOURCE

#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "troupe-stack-private.h"

/*
 * makecontext () begins a stack, once; from then on siglongjmp () without signal masks changes between stacks: swapcontext ()
 * makes two system calls each time. This is what QEMU's coroutines do, on every architecture that glibc knows.
 *
 * A stack is memory that the kernel gives page by page as it is touched, with a page below it that is never given: whoever
 * runs over the end is killed by SIGSEGV and overwrites nothing. This structure lies at its upper end.
 */

#define STACK_SIZE (256 * 1024)      /* address space; a fiber that waits has touched two or three pages of it */
#define POOL_LIMIT 64                /* per thread */

#if defined (__SANITIZE_ADDRESS__)
# define WITH_ASAN
#elif defined (__SANITIZE_THREAD__)
# define WITH_TSAN
#elif defined (__has_feature)
# if __has_feature (address_sanitizer)
#  define WITH_ASAN
# elif __has_feature (thread_sanitizer)
#  define WITH_TSAN
# endif
#endif

#ifdef WITH_ASAN
# include <sanitizer/asan_interface.h>
# include <sanitizer/common_interface_defs.h>
#endif
#ifdef WITH_TSAN
# include <sanitizer/tsan_interface.h>
#endif
#ifdef HAVE_VALGRIND
# include <valgrind/valgrind.h>
#endif

struct _TroupeStack
{
  sigjmp_buf      inside;            /* where it was left */
  sigjmp_buf      outside;           /* who runs it */
  ucontext_t      context;           /* how it begins */
  TroupeStackFunc func;
  gpointer        data;
  gboolean        begun;             /* its first frame waits for work, or does some */
  gboolean        finished;
  char           *memory;            /* with the guard */
  TroupeStack    *next;              /* in the pool */
  /* For the checkers, which must be told where the stack pointer jumps: */
#ifdef WITH_ASAN
  gpointer        inside_frames;
  gpointer        outside_frames;
  const void     *outside_bottom;
  gsize           outside_size;
#endif
#ifdef WITH_TSAN
  gpointer        inside_fiber;
  gpointer        outside_fiber;
#endif
#ifdef HAVE_VALGRIND
  guint           valgrind_id;
#endif
};

typedef struct
{
  TroupeStack *head;
  guint        length;
} Pool;

static void pool_free (gpointer data);

static GPrivate pools = G_PRIVATE_INIT (pool_free);

/* Who is beginning: makecontext () has no way to pass a pointer. */
static __thread TroupeStack *beginning;

static gsize
get_guard_size (void)
{
  return (gsize) sysconf (_SC_PAGESIZE);
}

static char *
troupe_stack_get_bottom (TroupeStack *self)
{
  return self->memory + get_guard_size ();
}

static gsize
troupe_stack_get_size (TroupeStack *self)
{
  return (gsize) ((char *) self - troupe_stack_get_bottom (self));
}

static TroupeStack *
troupe_stack_new (void)
{
  gsize room = (sizeof (TroupeStack) + 63) & ~(gsize) 63;
  char *memory = mmap (NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  TroupeStack *self;

  if (memory == MAP_FAILED)
    return NULL;

  if (mprotect (memory, get_guard_size (), PROT_NONE) < 0)
    {
      int code = errno;

      munmap (memory, STACK_SIZE);
      errno = code;
      return NULL;
    }

  self = (TroupeStack *) (memory + STACK_SIZE - room);
  self->memory = memory;
#ifdef WITH_TSAN
  self->inside_fiber = __tsan_create_fiber (0);
#endif
#ifdef HAVE_VALGRIND
  self->valgrind_id = VALGRIND_STACK_REGISTER (troupe_stack_get_bottom (self), (char *) self);
#endif

  return self;
}

void
troupe_stack_drop (TroupeStack *self)
{
#ifdef WITH_TSAN
  __tsan_destroy_fiber (self->inside_fiber);
#endif
#ifdef HAVE_VALGRIND
  VALGRIND_STACK_DEREGISTER (self->valgrind_id);
#endif
#ifdef WITH_ASAN
  /* What was there must not poison the next mapping. */
  __asan_unpoison_memory_region (troupe_stack_get_bottom (self), troupe_stack_get_size (self));
#endif
  munmap (self->memory, STACK_SIZE);
}

static void
pool_free (gpointer data)
{
  Pool *pool = data;

  while (pool->head != NULL)
    {
      TroupeStack *stack = pool->head;

      pool->head = stack->next;
      troupe_stack_drop (stack);
    }

  g_free (pool);
}

static Pool *
pool_get (void)
{
  Pool *pool = g_private_get (&pools);

  if (pool == NULL)
    {
      pool = g_new0 (Pool, 1);
      g_private_set (&pools, pool);
    }

  return pool;
}

TroupeStack *
troupe_stack_take (void)
{
  Pool *pool = pool_get ();
  TroupeStack *self = pool->head;

  if (self == NULL)
    return troupe_stack_new ();

  pool->head = self->next;
  pool->length--;

  return self;
}

void
troupe_stack_give (TroupeStack *self)
{
  Pool *pool = pool_get ();

  g_assert (self->finished);

  if (pool->length >= POOL_LIMIT)
    {
      troupe_stack_drop (self);
      return;
    }

  self->next = pool->head;
  pool->head = self;
  pool->length++;
}

static inline void
troupe_stack_before_in (TroupeStack *self)
{
#ifdef WITH_ASAN
  __sanitizer_start_switch_fiber (&self->outside_frames, troupe_stack_get_bottom (self), troupe_stack_get_size (self));
#endif
#ifdef WITH_TSAN
  self->outside_fiber = __tsan_get_current_fiber ();
  __tsan_switch_to_fiber (self->inside_fiber, 0);
#endif
}

static inline void
troupe_stack_after_in (TroupeStack *self)
{
#ifdef WITH_ASAN
  __sanitizer_finish_switch_fiber (self->inside_frames, &self->outside_bottom, &self->outside_size);
#endif
}

static inline void
troupe_stack_before_out (TroupeStack *self)
{
#ifdef WITH_ASAN
  __sanitizer_start_switch_fiber (&self->inside_frames, self->outside_bottom, self->outside_size);
#endif
#ifdef WITH_TSAN
  __tsan_switch_to_fiber (self->outside_fiber, 0);
#endif
}

static inline void
troupe_stack_after_out (TroupeStack *self)
{
#ifdef WITH_ASAN
  __sanitizer_finish_switch_fiber (self->outside_frames, NULL, NULL);
#endif
}

/* The first frame, which stays: the pool gives it the next work. */
static void
troupe_stack_main (void)
{
  TroupeStack *self = beginning;

  troupe_stack_after_in (self);

  while (TRUE)
    {
      self->func (self->data);
      self->finished = TRUE;
      troupe_stack_leave (self);
    }
}

static void
troupe_stack_jump_in_first (TroupeStack *self)
{
  self->begun = TRUE;
  beginning = self;

  getcontext (&self->context);
  self->context.uc_stack.ss_sp = troupe_stack_get_bottom (self);
  self->context.uc_stack.ss_size = troupe_stack_get_size (self);
  self->context.uc_link = NULL;
  makecontext (&self->context, troupe_stack_main, 0);
  troupe_stack_before_in (self);
  setcontext (&self->context);
}

gboolean
troupe_stack_resume (TroupeStack *self)
{
  if (sigsetjmp (self->outside, 0) == 0)
    {
      if (!self->begun)
        troupe_stack_jump_in_first (self);
      troupe_stack_before_in (self);
      siglongjmp (self->inside, 1);
    }

  troupe_stack_after_out (self);

  return self->finished;
}

gboolean
troupe_stack_begin (TroupeStack     *self,
                    TroupeStackFunc  func,
                    gpointer         data)
{
  self->func = func;
  self->data = data;
  self->finished = FALSE;

  return troupe_stack_resume (self);
}

void
troupe_stack_leave (TroupeStack *self)
{
  if (sigsetjmp (self->inside, 0) == 0)
    {
      troupe_stack_before_out (self);
      siglongjmp (self->outside, 1);
    }

  troupe_stack_after_in (self);
}
