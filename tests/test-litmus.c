/* test-litmus.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "troupe-test-puppet.h"
#include "troupe-mailbox-private.h"
#include "troupe-ref-life-private.h"
#include "troupe-slab-private.h"

/*
 * What threads do to each other without locks: each test has a few threads do to one structure all at once what may be done to it,
 * many times over, and looks whether it is still true what must be. Run it under ThreadSanitizer too.
 *
 * TROUPE_TEST_SECONDS says how long each test goes on (1), TROUPE_TEST_SEED with which seed all begin. The seed is that of what the
 * threads do; when they do it is theirs.
 */

static guint32 seed;

/* It may fail on any thread. */
#define check(condition)                                                                                  \
  G_STMT_START {                                                                                          \
    if (!(condition))                                                                                     \
      g_error ("%s:%d: TROUPE_TEST_SEED=%u: %s", __FILE__, __LINE__, seed, #condition);                   \
  } G_STMT_END

static gint64
get_number (const char *variable,
            gint64      otherwise)
{
  const char *text = g_getenv (variable);

  return text != NULL ? g_ascii_strtoll (text, NULL, 10) : otherwise;
}

static void
repeat (void (*run_once) (GRand *random))
{
  gint64 end_time = g_get_monotonic_time () + get_number ("TROUPE_TEST_SECONDS", 1) * G_USEC_PER_SEC;

  do
    {
      GRand *random = g_rand_new_with_seed (seed);

      run_once (random);
      g_rand_free (random);
      seed++;
    }
  while (g_get_monotonic_time () < end_time);
}

/* A moment of no particular length. */
static void
dawdle (GRand *random)
{
  guint n = g_rand_int (random) % 4 == 0 ? g_rand_int (random) % 500 : 0;

  while (n-- > 0)
    __atomic_signal_fence (__ATOMIC_SEQ_CST);
  if (g_rand_int (random) % 16 == 0)
    g_thread_yield ();
}

static void
count_up (gpointer count)
{
  g_atomic_int_inc ((gint *) count);
}

/* {{{ The crew: threads that all begin a task at the same time */

#define N_CREW 3

typedef void (*Task) (guint    member,
                      GRand   *random,
                      gpointer data);

static struct
{
  GThread *threads[N_CREW];
  Task     task;                       /* NULL: it is time to go home */
  gpointer data;
  gint     round;
  gint     n_busy;
} crew;

static gpointer
crew_thread (gpointer member)
{
  gint round = 0;

  while (TRUE)
    {
      GRand *random;

      while (g_atomic_int_get (&crew.round) == round)
        g_thread_yield ();
      round++;
      if (crew.task == NULL)
        return NULL;

      random = g_rand_new_with_seed (seed + (GPOINTER_TO_UINT (member) + 1) * 0x9e3779b9u);
      crew.task (GPOINTER_TO_UINT (member), random, crew.data);
      g_rand_free (random);
      g_atomic_int_dec_and_test (&crew.n_busy);
    }
}

static void
crew_begin (Task     task,
            gpointer data)
{
  crew.task = task;
  crew.data = data;
  g_atomic_int_set (&crew.n_busy, N_CREW);
  g_atomic_int_inc (&crew.round);
}

static gboolean
crew_is_busy (void)
{
  return g_atomic_int_get (&crew.n_busy) > 0;
}

static void
crew_wait (void)
{
  while (crew_is_busy ())
    g_thread_yield ();
}

static void
crew_start (void)
{
  for (guint i = 0; i < N_CREW; i++)
    crew.threads[i] = g_thread_new ("crew", crew_thread, GUINT_TO_POINTER (i));
}

static void
crew_end (void)
{
  crew_begin (NULL, NULL);
  for (guint i = 0; i < N_CREW; i++)
    g_thread_join (crew.threads[i]);
}

/* }}} */
/* {{{ Mail: the inbound stack of a reactor that sleeps, spins and closes */

typedef struct
{
  gint   n_handled[N_CREW];
  gint   n_taken;                      /* in all */
  gint   has_ended;
  gboolean is_known;                   /* to the taker */
} Letterbox;

typedef struct
{
  Letterbox     box;
  TroupeSystem *system;
  TroupeRef    *taker;
  gboolean      spins;
  gboolean      ends_early;            /* while they still send */
  gint          n_sent;
  gint          is_ready;
} Post;

G_DECLARE_FINAL_TYPE (Taker, taker, TEST, TAKER, TroupeActor)

struct _Taker
{
  TroupeActor parent_instance;
  Letterbox  *box;
};

G_DEFINE_FINAL_TYPE (Taker, taker, TROUPE_TYPE_ACTOR)

static gboolean
taker_on_box (TroupeActor    *actor,
              TroupeMessage  *message,
              GError        **error)
{
  Letterbox *box = troupe_message_get_pointer (message);

  TEST_TAKER (actor)->box = box;
  box->is_known = TRUE;
  return TRUE;
}

/* In the order of each sender, none left out, none twice. */
static gboolean
taker_on_letter (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  Letterbox *box = TEST_TAKER (actor)->box;
  guint64 letter = troupe_message_get_uint64 (message);
  gint *n_handled = &box->n_handled[letter >> 32];

  check ((guint32) letter == (guint32) *n_handled);
  box->n_taken++;
  g_atomic_int_inc (n_handled);
  return TRUE;
}

static void
taker_class_init (TakerClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "box", G_TYPE_POINTER, taker_on_box);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "letter", G_TYPE_UINT64, taker_on_letter);
}

static void
taker_init (Taker *self)
{
}

static gpointer
taker_thread (gpointer data)
{
  Post *post = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  TroupeSystem *system;

  g_main_context_push_thread_default (context);
  system = troupe_test_system_new ();
  post->system = g_object_ref (system);
  post->taker = troupe_system_spawn (system, NULL, taker_get_type (), NULL, NULL);
  troupe_ref_send (post->taker, troupe_message_new_pointer ("box", &post->box, NULL));
  if (post->spins)
    troupe_system_set_spin (system, 200);
  /* Or a shutdown that comes first makes a dead letter of that, too. */
  troupe_test_until (post->box.is_known);
  g_atomic_int_set (&post->is_ready, 1);

  troupe_test_until (troupe_system_has_ended (system));
  g_object_unref (system);
  g_main_context_pop_thread_default (context);
  g_atomic_int_set (&post->box.has_ended, 1);

  return NULL;
}

/* It sleeps, as everything has been handled, or it is about to: the next letter must wake it. */
static void
wait_for_taker (Post  *post,
                guint  member,
                gint   n_sent)
{
  gint64 deadline = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  while (g_atomic_int_get (&post->box.n_handled[member]) < n_sent && !g_atomic_int_get (&post->box.has_ended))
    {
      check (g_get_monotonic_time () < deadline);
      g_thread_yield ();
    }
}

static void
send_letters (guint    member,
              GRand   *random,
              gpointer data)
{
  Post *post = data;
  gint n = g_rand_int_range (random, 1, 300);
  gint last = post->ends_early && member == 0 ? g_rand_int_range (random, 0, n) : n;

  for (gint i = 0; i < n; i++)
    {
      if (i == last)
        troupe_system_shutdown (post->system);
      troupe_ref_send (post->taker, troupe_message_new_uint64 ("letter", (guint64) member << 32 | (guint) i));
      dawdle (random);
      if (g_rand_int (random) % 8 == 0)
        wait_for_taker (post, member, i + 1);
    }

  g_atomic_int_add (&post->n_sent, n);
  if (!post->ends_early)
    wait_for_taker (post, member, n);
}

static void
run_mail (GRand *random)
{
  Post post = { .spins = g_rand_int (random) % 4 == 0, .ends_early = g_rand_int (random) % 2 == 0 };
  GThread *thread = g_thread_new ("taker", taker_thread, &post);

  while (!g_atomic_int_get (&post.is_ready))
    g_thread_yield ();

  crew_begin (send_letters, &post);
  crew_wait ();
  troupe_system_shutdown (post.system);
  g_thread_join (thread);

  check (post.ends_early || post.box.n_taken == post.n_sent);
  check (post.box.n_taken + (gint) troupe_system_get_n_dead_letters (post.system) == post.n_sent);
  troupe_ref_unref (post.taker);
  g_object_unref (post.system);
}

static void
test_mail (void)
{
  g_test_summary ("Letters to a reactor that sleeps, spins and closes are handled in order or are dead, none is lost, none is there twice.");
  repeat (run_mail);
}

/* }}} */
/* {{{ Blocks of memory: the depots between threads */

#define N_PLACES 64

typedef struct
{
  gpointer *places[TROUPE_N_SLABS][N_PLACES];
  guint     gives[N_CREW + 1];         /* of eight times; else it takes */
} Exchange;

static const gsize slab_sizes[TROUPE_N_SLABS] = { TROUPE_SLAB_SMALL_SIZE, TROUPE_SLAB_MEDIUM_SIZE, TROUPE_SLAB_LARGE_SIZE };

static gpointer *
new_block (TroupeSlab slab)
{
  gpointer *block = troupe_slab_alloc (slab);

  for (gsize i = 0; i < slab_sizes[slab] / sizeof (gpointer); i++)
    block[i] = block;
  return block;
}

/* If somebody else has been given it as well, it does not hold what it should. */
static void
free_block (TroupeSlab  slab,
            gpointer   *block)
{
  if (block == NULL)
    return;

  for (gsize i = 0; i < slab_sizes[slab] / sizeof (gpointer); i++)
    {
      check (block[i] == block);
      block[i] = NULL;
    }
  troupe_slab_free (slab, block);
}

static void
exchange_blocks (guint    member,
                 GRand   *random,
                 gpointer data)
{
  Exchange *exchange = data;

  for (guint i = 0; i < 3000; i++)
    {
      TroupeSlab slab = g_rand_int (random) % TROUPE_N_SLABS;
      gpointer *block = g_rand_int (random) % 8 < exchange->gives[member] ? new_block (slab) : NULL;

      free_block (slab, __atomic_exchange_n (&exchange->places[slab][g_rand_int (random) % N_PLACES], block, __ATOMIC_ACQ_REL));
    }
}

/* Its blocks go to the depot when it ends. */
static gpointer
exchange_once (gpointer exchange)
{
  GRand *random = g_rand_new_with_seed (seed);

  exchange_blocks (N_CREW, random, exchange);
  g_rand_free (random);
  return NULL;
}

static void
run_slabs (GRand *random)
{
  Exchange exchange = { 0 };
  GThread *thread;

  for (guint i = 0; i <= N_CREW; i++)
    exchange.gives[i] = g_rand_int_range (random, 0, 9);
  crew_begin (exchange_blocks, &exchange);
  thread = g_thread_new ("passer-by", exchange_once, &exchange);
  crew_wait ();
  g_thread_join (thread);

  for (guint slab = 0; slab < TROUPE_N_SLABS; slab++)
    for (guint i = 0; i < N_PLACES; i++)
      free_block (slab, exchange.places[slab][i]);
}

static void
test_slabs (void)
{
  g_test_summary ("Blocks that some threads allocate and others free belong to one at a time.");
  repeat (run_slabs);
}

/* }}} */
/* {{{ A promise: its state, and the counts of its handles */

typedef struct
{
  TroupeResolver *resolvers[N_CREW];
  gboolean        has_own_canceller;
  gint            n_calls;
  gint            n_accepted;
  gint            n_values;
  gint            n_freed;
  gint            n_outcomes;            /* at home */
  gboolean        is_cancelled;
  gboolean        is_broken;
} Race;

static void
note_accepted (Race     *race,
               gboolean  accepted)
{
  g_atomic_int_inc (&race->n_calls);
  if (accepted)
    g_atomic_int_inc (&race->n_accepted);
}

static void
resolve_at_random (Race           *race,
                   TroupeResolver *resolver,
                   GRand          *random)
{
  g_autoptr (GError) error = NULL;

  switch (g_rand_int (random) % 4)
    {
    case 0:
      break;
    case 1:
      note_accepted (race, troupe_resolver_reject (resolver, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "A reason"), &error));
      break;
    default:
      g_atomic_int_inc (&race->n_values);
      note_accepted (race, troupe_resolver_resolve_pointer (resolver, &race->n_freed, count_up, &error));
      break;
    }

  check (error == NULL || g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_ALREADY_RESOLVED));
}

static void
race_to_resolve (guint    member,
                 GRand   *random,
                 gpointer data)
{
  Race *race = data;
  TroupeResolver *resolver = race->resolvers[member];

  for (guint i = g_rand_int (random) % 3; i > 0; i--)
    {
      TroupeResolver *other = troupe_resolver_ref (resolver);

      dawdle (random);
      resolve_at_random (race, resolver, random);
      troupe_resolver_unref (other);
    }
  dawdle (random);
  troupe_resolver_unref (resolver);
}

static void
note_outcome (TroupePromise *promise,
              gpointer       data)
{
  Race *race = data;
  const GError *error = troupe_promise_get_error (promise);

  race->n_outcomes++;
  race->is_cancelled = g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_CANCELLED);
  race->is_broken = g_error_matches (error, TROUPE_ERROR, TROUPE_ERROR_BROKEN);
  if (error != NULL)
    troupe_promise_return_nothing (promise);
}

static void
return_inner (TroupePromise *promise,
              gpointer       inner)
{
  troupe_promise_return_promise (promise, troupe_promise_ref (inner));
}

static void
do_nothing_canceller (TroupeResolver *resolver,
                      gpointer        user_data)
{
}

/* A promise here, and the first resolver of each of the crew. */
static TroupePromise *
race_new_promise (Race *race)
{
  TroupePromise *promise = race->has_own_canceller
    ? troupe_promise_new_with_canceller (&race->resolvers[0], do_nothing_canceller, NULL, NULL)
    : troupe_promise_new (&race->resolvers[0]);

  for (guint i = 1; i < N_CREW; i++)
    race->resolvers[i] = troupe_resolver_ref (race->resolvers[0]);
  return promise;
}

/* What waits for it: itself, or one that has it returned by a step. */
static TroupePromise *
race_new_consumer (TroupePromise *promise,
                   GRand         *random)
{
  TroupePromise *outer;

  if (g_rand_int (random) % 2 == 0)
    return troupe_promise_ref (promise);

  outer = troupe_promise_new_resolved (NULL);
  troupe_promise_add_callback (outer, return_inner, troupe_promise_ref (promise), (GDestroyNotify) troupe_promise_unref);
  return outer;
}

static void
turn_context (GRand *random)
{
  if (g_rand_int (random) % 2 == 0)
    g_main_context_iteration (NULL, FALSE);
}

static void
run_promise (GRand *random)
{
  Race race = { .has_own_canceller = g_rand_int (random) % 4 == 0 };
  TroupePromise *promise = race_new_promise (&race);
  TroupePromise *consumer = race_new_consumer (promise, random);

  troupe_promise_add_both (consumer, note_outcome, &race, NULL);
  crew_begin (race_to_resolve, &race);

  dawdle (random);
  turn_context (random);
  if (g_rand_int (random) % 2 == 0)
    troupe_promise_cancel (consumer);
  turn_context (random);
  if (g_rand_int (random) % 2 == 0)
    g_clear_pointer (&promise, troupe_promise_unref);
  dawdle (random);

  crew_wait ();
  troupe_test_until (race.n_outcomes > 0);
  g_clear_pointer (&promise, troupe_promise_unref);
  troupe_promise_unref (consumer);
  troupe_test_settle ();

  /* A cancellation without a canceller lets the first late outcome go by as if it had been waited for. */
  if (race.is_cancelled && race.has_own_canceller)
    check (race.n_accepted == 0);
  else
    check (race.n_accepted == (race.n_calls > 0));
  check (race.is_cancelled || race.is_broken == (race.n_calls == 0));
  check (race.n_outcomes == 1);
  check (race.n_freed == race.n_values);
}

static void
test_promise (void)
{
  g_test_summary ("Of those who resolve and cancel a promise one wins; all values are freed once, and steps run once.");
  repeat (run_promise);
}

/* }}} */
/* {{{ A promise whose home ends */

static void
ignore_outcome (TroupePromise *promise,
                gpointer       data)
{
  Race *race = data;

  race->n_outcomes++;
  troupe_promise_return_nothing (promise);
}

static gboolean
promise_in_turn (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  Race *race = test_puppet_get_data (message);
  g_autoptr (TroupePromise) promise = race_new_promise (race);

  troupe_promise_add_both (promise, ignore_outcome, race, NULL);
  return TRUE;
}

static TroupeSystem *system_here;

static void
run_abandoned (GRand *random)
{
  Race race = { 0 };
  TroupeRef *puppet = test_puppet_new (system_here, NULL);

  test_puppet_tell (puppet, promise_in_turn, &race);
  troupe_test_until (race.resolvers[0] != NULL);

  crew_begin (race_to_resolve, &race);
  dawdle (random);
  turn_context (random);
  if (g_rand_int (random) % 2 == 0)
    troupe_ref_stop (puppet);
  else
    troupe_ref_kill (puppet);
  while (crew_is_busy ())
    turn_context (random);
  troupe_test_until (troupe_ref_has_ended (puppet));
  troupe_test_settle ();

  check (race.n_accepted == (race.n_calls > 0));
  check (race.n_outcomes <= 1);
  check (race.n_freed == race.n_values);
  troupe_ref_unref (puppet);
}

static void
test_abandoned (void)
{
  g_test_summary ("Outcomes of a promise whose actor ends are freed once, and one is accepted.");

  system_here = troupe_test_system_new ();
  repeat (run_abandoned);
  troupe_test_system_end (system_here);
}

/* }}} */
/* {{{ The canceller of a resolver, set while the promise is cancelled */

typedef struct
{
  TroupeResolver *resolver;
  gboolean        resolves;
  gint            is_cancelled_or_not;   /* home has done what it does */
  gint            n_called;
  gint            n_destroyed;
  gint            n_outcomes;
  gboolean        is_cancelled;
  gboolean        has_value;
} Notice;

static void
notice_called (TroupeResolver *resolver,
               gpointer        data)
{
  Notice *notice = data;

  check (g_atomic_int_get (&notice->n_destroyed) == 0);
  g_atomic_int_inc (&notice->n_called);
}

static void
notice_destroyed (gpointer data)
{
  g_atomic_int_inc (&((Notice *) data)->n_destroyed);
}

static void
set_canceller (guint    member,
               GRand   *random,
               gpointer data)
{
  Notice *notice = data;
  g_autoptr (GMainContext) context = NULL;

  if (member > 0)
    return;

  context = g_main_context_new ();
  g_main_context_push_thread_default (context);
  dawdle (random);
  troupe_resolver_set_canceller (notice->resolver, notice_called, notice, notice_destroyed);
  dawdle (random);
  if (notice->resolves)
    troupe_resolver_resolve (notice->resolver, NULL);
  while (!g_atomic_int_get (&notice->is_cancelled_or_not))
    g_main_context_iteration (context, FALSE);
  troupe_resolver_unref (notice->resolver);
  troupe_test_until (g_atomic_int_get (&notice->n_destroyed) > 0);
  g_main_context_pop_thread_default (context);
}

static void
note_notice_outcome (TroupePromise *promise,
                     gpointer       data)
{
  Notice *notice = data;

  notice->n_outcomes++;
  notice->has_value = troupe_promise_has_value (promise);
  notice->is_cancelled = g_error_matches (troupe_promise_get_error (promise), TROUPE_ERROR, TROUPE_ERROR_CANCELLED);
  troupe_promise_return_nothing (promise);
}

static void
run_canceller (GRand *random)
{
  Notice notice = { .resolves = g_rand_int (random) % 2 == 0 };
  g_autoptr (TroupePromise) promise = troupe_promise_new (&notice.resolver);

  troupe_promise_add_both (promise, note_notice_outcome, &notice, NULL);
  crew_begin (set_canceller, &notice);
  dawdle (random);
  dawdle (random);
  if (g_rand_int (random) % 4 != 0)
    troupe_promise_cancel (promise);
  g_atomic_int_set (&notice.is_cancelled_or_not, 1);
  while (crew_is_busy ())
    g_main_context_iteration (NULL, FALSE);
  troupe_test_until (notice.n_outcomes > 0);

  check (notice.n_outcomes == 1);
  check (notice.n_destroyed == 1);
  check (notice.n_called <= notice.is_cancelled);
  if (!notice.resolves)
    check (notice.n_called == notice.is_cancelled);
}

static void
test_canceller (void)
{
  g_test_summary ("A canceller that is set while its promise is cancelled is called once, and never when an outcome came first.");
  repeat (run_canceller);
}

/* }}} */
/* {{{ Lists: outcomes that are read while others still come */

#define N_CHILDREN 12

typedef struct
{
  TroupeResolver *resolvers[N_CHILDREN];
  TroupeOutcomes *outcomes;              /* atomic: a reference, once the list has them */
  gint            n_freed;
  gint            n_lists;
} Lists;

/* Each child has two who resolve it. */
static void
resolve_children (guint    member,
                  GRand   *random,
                  gpointer data)
{
  Lists *lists = data;
  TroupeOutcomes *outcomes;

  for (guint i = 0; i < N_CHILDREN; i++)
    {
      if (i % N_CREW == member || (i + 1) % N_CREW == member)
        troupe_resolver_resolve_int64 (lists->resolvers[i], i * 10, NULL);
      dawdle (random);

      outcomes = __atomic_load_n (&lists->outcomes, __ATOMIC_ACQUIRE);
      for (guint j = 0; outcomes != NULL && j < N_CHILDREN; j++)
        if (troupe_outcomes_is_resolved (outcomes, j))
          check (troupe_outcomes_get_int64 (outcomes, j) == j * 10);
    }
}

static void
note_list (TroupePromise *promise,
           gpointer       data)
{
  Lists *lists = data;
  TroupeOutcomes *outcomes = troupe_promise_get_boxed (promise);

  lists->n_lists++;
  __atomic_store_n (&lists->outcomes, troupe_outcomes_ref (outcomes), __ATOMIC_RELEASE);
}

static void
run_list (GRand *random)
{
  Lists lists = { 0 };
  TroupePromise *children[N_CHILDREN];
  g_autoptr (TroupePromise) list = NULL;

  for (guint i = 0; i < N_CHILDREN; i++)
    children[i] = troupe_promise_new (&lists.resolvers[i]);
  list = troupe_promise_all (children, N_CHILDREN, g_rand_int (random) % 2 == 0 ? TROUPE_LIST_FIRE_ON_ONE_VALUE : TROUPE_LIST_DEFAULT);
  troupe_promise_add_callback (list, note_list, &lists, NULL);

  crew_begin (resolve_children, &lists);
  while (crew_is_busy ())
    turn_context (random);
  troupe_test_until (lists.n_lists > 0);
  for (guint i = 0; i < N_CHILDREN; i++)
    troupe_test_until (troupe_promise_is_resolved (children[i]));

  check (lists.n_lists == 1);
  for (guint i = 0; i < N_CHILDREN; i++)
    {
      check (troupe_outcomes_get_int64 (lists.outcomes, i) == i * 10);
      troupe_promise_unref (children[i]);
      troupe_resolver_unref (lists.resolvers[i]);
    }
  troupe_outcomes_unref (lists.outcomes);
}

static void
test_list (void)
{
  g_test_summary ("Outcomes of a list may be read on any thread while others still come, and are whole.");
  repeat (run_list);
}

/* }}} */
/* {{{ Addresses: their counts, and the stock that their own thread keeps */

#define N_ADDRESSES 8

typedef struct
{
  TroupeRef *places[N_ADDRESSES];        /* atomic: a reference each, or NULL */
} Addresses;

static gboolean
do_nothing (TroupeActor    *actor,
            TroupeMessage  *message,
            GError        **error)
{
  return TRUE;
}

static void
pass_addresses (guint    member,
                GRand   *random,
                gpointer data)
{
  Addresses *addresses = data;

  for (guint i = 0; i < 200; i++)
    {
      TroupeRef *ref = __atomic_exchange_n (&addresses->places[g_rand_int (random) % N_ADDRESSES], NULL, __ATOMIC_ACQ_REL);

      if (ref == NULL)
        continue;

      test_puppet_tell (ref, do_nothing, NULL);
      /* It has another reference for as long as the other one is not taken. */
      if (g_rand_int (random) % 2 == 0)
        {
          TroupeRef *other = troupe_ref_ref (ref);

          dawdle (random);
          g_clear_pointer (&ref, troupe_ref_unref);
          ref = other;
        }

      ref = __atomic_exchange_n (&addresses->places[g_rand_int (random) % N_ADDRESSES], ref, __ATOMIC_ACQ_REL);
      g_clear_pointer (&ref, troupe_ref_unref);
    }
}

static gboolean
answer (TroupeActor    *actor,
        TroupeMessage  *message,
        GError        **error)
{
  troupe_message_reply (message);
  return TRUE;
}

/* It may have ended. */
static void
ignore_error (TroupePromise *promise,
              gpointer       data)
{
  troupe_promise_return_nothing (promise);
}

/* Promises at home with it, each with a reference from its stock. */
static gboolean
ask_other (TroupeActor    *actor,
           TroupeMessage  *message,
           GError        **error)
{
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (TroupePromise) promise = test_puppet_ask (test_puppet_get_data (message), answer, NULL);

      troupe_promise_add_errback (promise, ignore_error, NULL, NULL);
    }
  return TRUE;
}

static void
note_gone (gpointer  is_gone,
           GObject  *where)
{
  g_atomic_int_set ((gint *) is_gone, 1);
}

static void
run_addresses (GRand *random)
{
  TroupeSystem *system = troupe_test_system_new ();
  TroupeRef *actors[N_ADDRESSES];
  Addresses addresses;
  gint is_gone = 0;

  g_object_weak_ref (G_OBJECT (system), note_gone, &is_gone);
  for (guint i = 0; i < N_ADDRESSES; i++)
    {
      actors[i] = test_puppet_new (system, NULL);
      addresses.places[i] = troupe_ref_ref (actors[i]);
    }

  crew_begin (pass_addresses, &addresses);
  for (guint i = 0; i < N_ADDRESSES; i++)
    {
      test_puppet_tell (actors[i], ask_other, actors[(i + 1) % N_ADDRESSES]);
      turn_context (random);
    }
  troupe_test_system_end (system);
  for (guint i = 0; i < N_ADDRESSES; i++)
    troupe_ref_unref (actors[i]);
  while (crew_is_busy ())
    turn_context (random);

  /* Each address that is left keeps the system. */
  for (guint i = 0; i < N_ADDRESSES; i++)
    g_clear_pointer (&addresses.places[i], troupe_ref_unref);
  troupe_test_settle ();
  check (g_atomic_int_get (&is_gone));
}

static void
test_addresses (void)
{
  g_test_summary ("Addresses that threads pass about, of actors that end, are freed when the last of them is let go.");
  repeat (run_addresses);
}

/* }}} */
/* {{{ Backpressure: who is stopped by a mailbox on another thread, and let go on */

#define N_FAUCETS 2

typedef struct
{
  TroupeRef *basin;
  guint      n_drops;                    /* from each */
  gint       n_running;
} Plumbing;

G_DECLARE_FINAL_TYPE (Basin, basin, TEST, BASIN, TroupeActor)

struct _Basin
{
  TroupeActor parent_instance;
  guint64     n_drops;
};

G_DEFINE_FINAL_TYPE (Basin, basin, TROUPE_TYPE_ACTOR)

static gboolean
basin_on_drop (TroupeActor    *actor,
               TroupeMessage  *message,
               GError        **error)
{
  TEST_BASIN (actor)->n_drops++;
  return TRUE;
}

static gboolean
basin_on_level (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  troupe_message_reply_uint64 (message, TEST_BASIN (actor)->n_drops);
  return TRUE;
}

static void
basin_class_init (BasinClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  troupe_actor_class_bind (actor_class, "drop", G_TYPE_NONE, basin_on_drop);
  troupe_actor_class_bind (actor_class, "level", G_TYPE_NONE, basin_on_level);
  /* The high mark is 32. Each faucet may send 7 more in the turn in which it is stopped, and 8 in the next if the first of those 8 got in and out
   * meanwhile. And it is asked how much there is. */
  troupe_actor_class_set_capacity (actor_class, 64, TROUPE_OVERFLOW_BACKPRESSURE);
}

static void
basin_init (Basin *self)
{
}

/* It has a resource that can be throttled, as a connection has. */
G_DECLARE_FINAL_TYPE (Faucet, faucet, TEST, FAUCET, TroupeActor)

struct _Faucet
{
  TroupeActor    parent_instance;
  TroupeResource resource;
  Plumbing      *plumbing;
  guint          n_drops;
  gboolean       is_stopped;
  gboolean       is_done;
};

G_DEFINE_FINAL_TYPE (Faucet, faucet, TROUPE_TYPE_ACTOR)

static void
faucet_release (TroupeResource *resource,
                TroupeRef      *owner,
                TroupeEnd       end)
{
  troupe_ref_remove_resource (owner, resource);
}

static void
faucet_flow (Faucet *self)
{
  troupe_ref_send (troupe_actor_get_ref (TROUPE_ACTOR (self)), troupe_message_new ("flow"));
}

static void
faucet_throttle (TroupeResource *resource,
                 gboolean        throttle)
{
  Faucet *self = (Faucet *) ((char *) resource - G_STRUCT_OFFSET (Faucet, resource));

  check (self->is_stopped == !throttle);
  self->is_stopped = throttle;
  if (!throttle && !self->is_done)
    faucet_flow (self);
}

static gboolean
faucet_on_open (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Faucet *self = TEST_FAUCET (actor);

  self->plumbing = troupe_message_get_pointer (message);
  self->resource.release = faucet_release;
  self->resource.throttle = faucet_throttle;
  troupe_ref_add_resource (troupe_actor_get_ref (actor), &self->resource);
  faucet_flow (self);
  return TRUE;
}

/* As a connection: what it has read already comes out, and no more. */
static gboolean
faucet_on_flow (TroupeActor    *actor,
                TroupeMessage  *message,
                GError        **error)
{
  Faucet *self = TEST_FAUCET (actor);

  if (self->is_stopped || self->is_done)
    return TRUE;

  for (guint i = 0; i < 8 && self->n_drops < self->plumbing->n_drops; i++, self->n_drops++)
    troupe_ref_send (self->plumbing->basin, troupe_message_new ("drop"));

  self->is_done = self->n_drops == self->plumbing->n_drops;
  if (self->is_done)
    g_atomic_int_dec_and_test (&self->plumbing->n_running);
  else
    faucet_flow (self);
  return TRUE;
}

static gboolean
faucet_on_is_stopped (TroupeActor    *actor,
                      TroupeMessage  *message,
                      GError        **error)
{
  troupe_message_reply_uint64 (message, TEST_FAUCET (actor)->is_stopped);
  return TRUE;
}

static void
faucet_class_init (FaucetClass *klass)
{
  TroupeActorClass *actor_class = TROUPE_ACTOR_CLASS (klass);

  troupe_actor_class_bind (actor_class, "open", G_TYPE_POINTER, faucet_on_open);
  troupe_actor_class_bind (actor_class, "flow", G_TYPE_NONE, faucet_on_flow);
  troupe_actor_class_bind (actor_class, "is-stopped", G_TYPE_NONE, faucet_on_is_stopped);
}

static void
faucet_init (Faucet *self)
{
}

static guint64
ask_number (TroupeRef  *ref,
            const char *question)
{
  g_autoptr (TroupePromise) answer = troupe_ref_ask (ref, troupe_message_new (question));

  troupe_test_until (troupe_promise_is_resolved (answer));
  return troupe_promise_get_uint64 (answer);
}

static TroupeRef *
spawn_on (guint reactor,
          GType type)
{
  g_autoptr (GError) error = NULL;
  TroupeRef *ref = troupe_system_spawn_on (system_here, troupe_system_get_nth_reactor (system_here, reactor), NULL, type, &error, NULL);

  g_assert_no_error (error);
  return ref;
}

static void
run_backpressure (GRand *random)
{
  Plumbing plumbing = { .n_drops = g_rand_int_range (random, 1, 1000), .n_running = N_FAUCETS };
  gint64 deadline = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  TroupeRef *faucets[N_FAUCETS];

  plumbing.basin = spawn_on (0, basin_get_type ());
  for (guint i = 0; i < N_FAUCETS; i++)
    {
      faucets[i] = spawn_on (i + 1, faucet_get_type ());
      troupe_ref_send (faucets[i], troupe_message_new_pointer ("open", &plumbing, NULL));
    }

  while (g_atomic_int_get (&plumbing.n_running) > 0)
    {
      check (g_get_monotonic_time () < deadline);
      g_main_context_iteration (NULL, FALSE);
    }
  /* What they have sent, and what lets them go on, may be on its way. */
  while (ask_number (plumbing.basin, "level") < plumbing.n_drops * N_FAUCETS)
    {
      check (troupe_system_get_n_dead_letters (system_here) == 0);
      check (g_get_monotonic_time () < deadline);
    }
  check (ask_number (plumbing.basin, "level") == plumbing.n_drops * N_FAUCETS);
  check (troupe_system_get_n_dead_letters (system_here) == 0);
  for (guint i = 0; i < N_FAUCETS; i++)
    {
      while (ask_number (faucets[i], "is-stopped") != 0)
        check (g_get_monotonic_time () < deadline);
      troupe_ref_stop (faucets[i]);
      troupe_test_until (troupe_ref_has_ended (faucets[i]));
      troupe_ref_unref (faucets[i]);
    }
  check (__atomic_load_n (&plumbing.basin->extra->mailbox->n_posted, __ATOMIC_RELAXED) == 0);
  check (plumbing.basin->extra->mailbox->n_messages == 0);
  troupe_ref_stop (plumbing.basin);
  troupe_test_until (troupe_ref_has_ended (plumbing.basin));
  troupe_ref_unref (plumbing.basin);
}

static void
test_backpressure (void)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("Senders on other threads that a full mailbox stops go on when it has room, and nothing is lost.");

  system_here = troupe_system_new_with_reactors (NULL, NULL, 1 + N_FAUCETS, &error);
  g_assert_no_error (error);
  repeat (run_backpressure);
  troupe_test_system_end (system_here);
}

/* }}} */

/* {{{ Marks: the watchdog's thread names the actor and the message of a turn that another thread may be about to end */

#define TEST_TYPE_TWIN (test_twin_get_type ())
G_DECLARE_FINAL_TYPE (TestTwin, test_twin, TEST, TWIN, TroupeActor)

struct _TestTwin
{
  TroupeActor parent_instance;
};

G_DEFINE_FINAL_TYPE (TestTwin, test_twin, TROUPE_TYPE_ACTOR)

/* The body says for how many µs. */
static gboolean
test_twin_on_spin (TroupeActor    *actor,
                   TroupeMessage  *message,
                   GError        **error)
{
  gint64 end_time = g_get_monotonic_time () + troupe_message_get_int64 (message);

  while (g_get_monotonic_time () < end_time)
    continue;

  if (troupe_message_wants_reply (message))
    troupe_message_reply (message);
  return TRUE;
}

static void
test_twin_class_init (TestTwinClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "left-turn", G_TYPE_INT64, test_twin_on_spin);
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "right-turn", G_TYPE_INT64, test_twin_on_spin);
}

static void
test_twin_init (TestTwin *self)
{
}

static gint n_told;                    /* atomic */

/* Of the watchdog's thread. */
static void
take_warning (const char     *domain,
              GLogLevelFlags  level,
              const char     *message,
              gpointer        data)
{
  gboolean left = strstr (message, "“/left”") != NULL;
  gboolean right = strstr (message, "“/right”") != NULL;

  check (left != right);
  if (strstr (message, "-turn") != NULL)       /* and not its birth, or its end */
    check (strstr (message, left ? "“left-turn”" : "“right-turn”") != NULL);
  count_up (&n_told);
}

static void
note_turn (TroupePromise *promise,
           gpointer       is_done)
{
  *(gboolean *) is_done = TRUE;
}

static void
run_marks (GRand *random)
{
  TroupeReactor *reactor = troupe_system_get_nth_reactor (system_here, 1);
  g_autoptr (TroupeRef) left = troupe_system_spawn_on (system_here, reactor, "left", test_twin_get_type (), NULL, NULL);
  g_autoptr (TroupeRef) right = troupe_system_spawn_on (system_here, reactor, "right", test_twin_get_type (), NULL, NULL);
  g_autoptr (TroupePromise) last = NULL;
  gboolean is_done = FALSE;
  guint i;

  for (i = 0; i < 50; i++)
    {
      troupe_ref_send (left, troupe_message_new_int64 ("left-turn", g_rand_int_range (random, 0, 2000)));
      troupe_ref_send (right, troupe_message_new_int64 ("right-turn", g_rand_int_range (random, 0, 2000)));
    }
  last = troupe_ref_ask (right, troupe_message_new_int64 ("right-turn", 0));
  troupe_promise_add_both (last, note_turn, &is_done, NULL);

  troupe_system_set_watchdog (system_here, 1);
  while (!is_done)
    {
      /* Each time it begins to look anew, so not too often. */
      if (g_rand_int_range (random, 0, 20000) == 0)
        troupe_system_set_watchdog (system_here, g_rand_int_range (random, 0, 3));
      dawdle (random);
      g_main_context_iteration (NULL, FALSE);
    }

  troupe_ref_stop (left);
  troupe_ref_stop (right);
  troupe_test_until (troupe_ref_has_ended (left) && troupe_ref_has_ended (right));
}

static void
test_marks (void)
{
  g_autoptr (GError) error = NULL;
  GLogLevelFlags fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK);
  guint handler = g_log_set_handler ("Troupe", G_LOG_LEVEL_WARNING, take_warning, NULL);

  g_test_summary ("A watchdog that is set and taken away all the time tells no actor's message as another's.");

  system_here = troupe_system_new_with_reactors (NULL, NULL, 2, &error);
  g_assert_no_error (error);
  /* On a busy machine its thread may look when nothing goes on. */
  for (guint i = 0; i < 20 && (i == 0 || g_atomic_int_get (&n_told) == 0); i++)
    repeat (run_marks);
  troupe_test_system_end (system_here);
  check (g_atomic_int_get (&n_told) > 0);

  g_log_remove_handler ("Troupe", handler);
  g_log_set_always_fatal (fatal);
}

/* }}} */

int
main (int   argc,
      char *argv[])
{
  int status;

  g_test_init (&argc, &argv, NULL);
  seed = (guint32) get_number ("TROUPE_TEST_SEED", g_test_rand_int ());
  /* GLib makes it at first use, without a lock. */
  g_io_error_quark ();

  g_test_add_func ("/troupe/litmus/mail", test_mail);
  g_test_add_func ("/troupe/litmus/slabs", test_slabs);
  g_test_add_func ("/troupe/litmus/promise", test_promise);
  g_test_add_func ("/troupe/litmus/abandoned", test_abandoned);
  g_test_add_func ("/troupe/litmus/canceller", test_canceller);
  g_test_add_func ("/troupe/litmus/list", test_list);
  g_test_add_func ("/troupe/litmus/addresses", test_addresses);
  g_test_add_func ("/troupe/litmus/backpressure", test_backpressure);
  g_test_add_func ("/troupe/litmus/marks", test_marks);

  crew_start ();
  status = g_test_run ();
  crew_end ();

  return status;
}
