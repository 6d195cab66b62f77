/* troupe-test-puppet.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-test.h"

/* An actor that runs, in its turns, what a test hands it: the name of the message is “run”, its body a TestJob. */

typedef struct
{
  TroupeHandler run;
  gpointer      data;
} TestJob;

#define TEST_TYPE_PUPPET (test_puppet_get_type ())
G_DECLARE_FINAL_TYPE (TestPuppet, test_puppet, TEST, PUPPET, TroupeActor)

struct _TestPuppet
{
  TroupeActor parent_instance;
};

G_DEFINE_FINAL_TYPE (TestPuppet, test_puppet, TROUPE_TYPE_ACTOR)

static gboolean
test_puppet_run (TroupeActor    *actor,
                 TroupeMessage  *message,
                 GError        **error)
{
  TestJob *job = troupe_message_get_pointer (message);

  return job->run (actor, message, error);
}

static void
test_puppet_class_init (TestPuppetClass *klass)
{
  troupe_actor_class_bind (TROUPE_ACTOR_CLASS (klass), "run", G_TYPE_POINTER, test_puppet_run);
}

static void
test_puppet_init (TestPuppet *self)
{
}

static inline TroupeRef *
test_puppet_new (TroupeSystem *system,
                 const char   *name)
{
  g_autoptr (GError) error = NULL;
  TroupeRef *ref = troupe_system_spawn (system, name, TEST_TYPE_PUPPET, &error, NULL);

  g_assert_no_error (error);
  return ref;
}

static inline gpointer
test_puppet_get_data (TroupeMessage *message)
{
  return ((TestJob *) troupe_message_get_pointer (message))->data;
}

/* RUN and DATA travel in a job that is freed with the message. NAME is for classes that run jobs under other names, too. */
static inline TroupeMessage *
test_puppet_job_as (const char    *name,
                    TroupeHandler  run,
                    gpointer       data)
{
  TestJob *job = g_new (TestJob, 1);

  *job = (TestJob) { run, data };
  return troupe_message_new_pointer (name, job, g_free);
}

static inline TroupeMessage *
test_puppet_job (TroupeHandler run,
                 gpointer      data)
{
  return test_puppet_job_as ("run", run, data);
}

static inline void
test_puppet_tell (TroupeRef     *puppet,
                  TroupeHandler  run,
                  gpointer       data)
{
  troupe_ref_send (puppet, test_puppet_job (run, data));
}

static inline TroupePromise *
test_puppet_ask (TroupeRef     *puppet,
                 TroupeHandler  run,
                 gpointer       data)
{
  return troupe_ref_ask (puppet, test_puppet_job (run, data));
}

/* As an ask, and waits until the answer is there. */
static inline TroupePromise *
test_puppet_ask_and_wait (TroupeRef     *puppet,
                          TroupeHandler  run,
                          gpointer       data)
{
  TroupePromise *promise = test_puppet_ask (puppet, run, data);

  troupe_test_until (troupe_promise_is_resolved (promise));
  return promise;
}
