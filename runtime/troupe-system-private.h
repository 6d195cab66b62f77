/* troupe-system-private.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "troupe-error.h"
#include "troupe-ref-private.h"
#include "troupe-registry-private.h"
#include "troupe-system.h"
#include "troupe-topics-private.h"

G_BEGIN_DECLS

/* All of these may be called from any thread. */
guint64    troupe_system_next_serial     (TroupeSystem  *self);
TroupeRegistry *troupe_system_get_registry (TroupeSystem *self);
TroupeTopics *troupe_system_get_topics   (TroupeSystem  *self);
/* FALSE with TROUPE_ERROR_ACTOR_STOPPED if REF ends or has ended. */
gboolean   troupe_system_check_live      (TroupeSystem  *self,
                                          TroupeRef     *ref,
                                          GError       **error);
/* REF has got into a table of the system's besides its name: its end takes it out. */
void       troupe_system_note_registered (TroupeSystem  *self,
                                          TroupeRef     *ref);
void       troupe_system_count_actor     (TroupeSystem  *self,
                                          TroupeReactor *reactor,
                                          int            more);
/* Where a child of PARENT of that TYPE is to live, if nobody says otherwise; NULL with ERROR. A reference if it is a pool's. */
TroupeReactor *troupe_system_place       (TroupeSystem  *self,
                                          TroupeRef     *parent,
                                          GType          type,
                                          GError       **error);
/* Actors of TYPE have threads to themselves. */
gboolean   troupe_system_is_blocking     (GType          type);
/* REACTOR, unless it has no time for more and another has. */
TroupeReactor *troupe_system_place_near  (TroupeSystem  *self,
                                          TroupeReactor *reactor);
/* On the root's thread. REF was killed a while ago: what is stuck below it, on a thread of its own, is left behind. */
void       troupe_system_abandon_stuck   (TroupeSystem  *self,
                                          TroupeRef     *ref);
/* FALSE: REACTOR is none of SELF's. */
gboolean   troupe_system_has_reactor     (TroupeSystem  *self,
                                          TroupeReactor *reactor);
void       troupe_system_count_long_turn (TroupeSystem  *self);
/* MESSAGE stays the caller's. */
/* Tells who wants to know of a message that was lost, but is no dead letter. */
void       troupe_system_publish_letter  (TroupeSystem  *self,
                                          TroupeRef     *target,
                                          TroupeMessage *message,
                                          TroupeError    reason);
void       troupe_system_bury            (TroupeSystem  *self,
                                          TroupeRef     *target,
                                          TroupeMessage *message,
                                          TroupeError    reason);
/* On REF's thread: it ends, so aliases and the like are taken from it. */
void       troupe_system_forget          (TroupeSystem  *self,
                                          TroupeRef     *ref);
/* Its shutdown was asked for. */
gboolean   troupe_system_is_ending       (TroupeSystem  *self);
/* At least 0 and less than 1. */
double     troupe_system_draw_random     (TroupeSystem  *self);
/* In REF's last turn: it was a child of the root. */
void       troupe_system_actor_ended     (TroupeSystem  *self,
                                          TroupeRef     *ref);
/* On the root's thread. */
void       troupe_system_root_ended      (TroupeSystem  *self);
/* What was below the root has given up, with ERROR, which is taken: so does the system. */
void       troupe_system_give_up         (TroupeSystem  *self,
                                          GError        *error);
/* For what walks through the actors, on their thread. */
TroupeRef *troupe_system_get_root        (TroupeSystem  *self);

G_END_DECLS
