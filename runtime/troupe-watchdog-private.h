/* troupe-watchdog-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-mail-private.h"

G_BEGIN_DECLS

typedef struct _TroupeReactor TroupeReactor;

/* What a turn is about if it is no message: by its TroupeMailKind, or this. */
#define TROUPE_WATCHDOG_CONTROL (TROUPE_MAIL_CALL + 1)

extern const char troupe_watchdog_subjects[TROUPE_WATCHDOG_CONTROL + 1][24];

/* What a reactor and the watchdog's thread tell each other: see troupe-watchdog.c. */
typedef struct
{
  gint           mark;               /* atomic: set by the watchdog, cleared by the reactor when a turn is over */
  gint           polls;              /* atomic: the main loop waits, or looks at its sources; in a turn, it is a nested one */
  const char    *subject;            /* atomic: one of these, or the interned name of the message */
  const char    *question;           /* atomic, interned: what a continuation has the answer to; or NULL */

  /* With the watchdog's mutex: */
  TroupeReactor *next;               /* in the list of those that are watched */
  guint          threshold_ms;       /* 0: it is not watched */
  guint          lasted_ms;          /* how long the mark has been there */
  gboolean       told;
} TroupeWatchdog;

/* Any thread. Watches REACTOR from now on, or with 0 not any more. */
void troupe_watchdog_set        (TroupeReactor *reactor,
                                 guint          threshold_ms);
/* On REACTOR's thread, which has come upon the mark. */
void troupe_watchdog_unmark     (TroupeReactor *reactor) __attribute__ ((cold));
/* In the child of a fork. */
void troupe_watchdog_forget_all (void);

G_END_DECLS
