/* troupe-cooperator-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-cooperator.h"
#include "troupe-ref-private.h"
#include "troupe-timer-private.h"

G_BEGIN_DECLS

typedef enum
{
  TROUPE_TASK_ALIVE,
  TROUPE_TASK_DONE,
  TROUPE_TASK_FAILED,
  TROUPE_TASK_STOPPED,
} TroupeTaskState;

struct _TroupeCooperator
{
  GObject         parent_instance;

  TroupeResource  resource;          /* of home while there are tasks, unless that is no actor */
  TroupeRef      *home;
  GQueue          tasks;             /* that have not ended; references, and each has one to this */
  GQueue          ready;             /* of these, those that are not paused, the next one first */
  TroupeTimer    *timer;             /* of the next slice, while there are ready tasks; NULL during a slice */
  gint64          slice;             /* µs */
  gboolean        slicing;
  gboolean        stopped;
};

struct _TroupeCooperativeTask
{
  GObject                    parent_instance;

  TroupeCooperator          *cooperator;   /* a reference */
  TroupeCooperativeTaskFunc  func;
  gpointer                   user_data;
  GDestroyNotify             destroy;

  GList                      link;         /* in tasks */
  GList                      ready_link;
  guint                      n_pauses;     /* one of them for a promise that it waits for */
  gboolean                   waiting;      /* for that */
  TroupeTaskState            state;
  GError                    *error;        /* failed: why */
  gboolean                   asked;        /* somebody has seen that, or will */
  GPtrArray                 *waiters;      /* TroupeResolver; NULL: none */
};

TroupeCooperativeTask *troupe_cooperative_task_new       (TroupeCooperator          *cooperator,
                                                          TroupeCooperativeTaskFunc  func,
                                                          gpointer                   user_data,
                                                          GDestroyNotify             destroy);
/* Runs code of others, as the next one does, which may drop what it likes. */
void                   troupe_cooperative_task_do_unit   (TroupeCooperativeTask     *self);
/* Takes ERROR, that of the failure or NULL. */
void                   troupe_cooperative_task_end       (TroupeCooperativeTask     *self,
                                                          TroupeTaskState            state,
                                                          GError                    *error);

gboolean               troupe_cooperator_is_at_home      (TroupeCooperator          *self);
void                   troupe_cooperator_make_ready      (TroupeCooperator          *self,
                                                          TroupeCooperativeTask     *task);
void                   troupe_cooperator_make_unready    (TroupeCooperator          *self,
                                                          TroupeCooperativeTask     *task);
/* Drops the cooperator's reference. */
void                   troupe_cooperator_remove          (TroupeCooperator          *self,
                                                          TroupeCooperativeTask     *task);

G_END_DECLS
