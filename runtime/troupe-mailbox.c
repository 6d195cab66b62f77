/* troupe-mailbox.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error.h"
#include "troupe-mailbox-private.h"
#include "troupe-reactor-private.h"
#include "troupe-system-private.h"

static gboolean
troupe_message_is_late (TroupeMessage *message,
                        TroupeReactor *reactor)
{
  return (message->mail.bits & TROUPE_MESSAGE_TIMED) != 0 &&
         troupe_reactor_read_clock (reactor) > ((TroupeTimedMessage *) message)->deadline;
}

gboolean
troupe_mailbox_take (TroupeRef     *self,
                     TroupeMessage *message)
{
  if (!troupe_message_is_late (message, self->reactor))
    return TRUE;

  troupe_system_bury (self->system, self, message, TROUPE_ERROR_TIMED_OUT);
  troupe_message_drop (message);

  return FALSE;
}
