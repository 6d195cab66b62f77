/* troupe-line-protocol.h
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (TROUPE_INSIDE) && !defined (TROUPE_COMPILATION)
# error "Only <troupe.h> can be included directly."
#endif

#include "troupe-protocol.h"

G_BEGIN_DECLS

#define TROUPE_TYPE_LINE_PROTOCOL (troupe_line_protocol_get_type ())

TROUPE_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (TroupeLineProtocol, troupe_line_protocol, TROUPE, LINE_PROTOCOL, TroupeProtocol)

/**
 * TroupeLineProtocolClass:
 * @parent_class: the parent
 * @line_received: one line without its delimiter, valid during the call only; it is followed by a zero byte, and may hold others
 * @raw_data_received: bytes, in raw mode, valid during the call only
 * @line_length_exceeded: a line is longer than [property@Troupe.LineProtocol:max-length]; given is what has come of it. If this
 *   returns %TRUE the rest of that line is skipped and the next one is delivered; the default returns %FALSE with
 *   %TROUPE_ERROR_LINE_TOO_LONG, which drops the connection
 *
 * The class of a connection that speaks lines.
 *
 * Since: 1.0
 */
struct _TroupeLineProtocolClass
{
  TroupeProtocolClass parent_class;

  gboolean (*line_received)        (TroupeLineProtocol  *self,
                                    const char          *line,
                                    gsize                length,
                                    GError             **error);
  gboolean (*raw_data_received)    (TroupeLineProtocol  *self,
                                    const guint8        *data,
                                    gsize                length,
                                    GError             **error);
  gboolean (*line_length_exceeded) (TroupeLineProtocol  *self,
                                    const guint8        *data,
                                    gsize                length,
                                    GError             **error);

  /*< private >*/
  gpointer _reserved[8];
};

TROUPE_AVAILABLE_IN_ALL
void     troupe_line_protocol_send_line      (TroupeLineProtocol  *self,
                                              const char          *line,
                                              gssize               length);
TROUPE_AVAILABLE_IN_ALL
void     troupe_line_protocol_set_delimiter  (TroupeLineProtocol  *self,
                                              const char          *delimiter);
TROUPE_AVAILABLE_IN_ALL
gsize    troupe_line_protocol_get_max_length (TroupeLineProtocol  *self);
TROUPE_AVAILABLE_IN_ALL
void     troupe_line_protocol_set_max_length (TroupeLineProtocol  *self,
                                              gsize                max_length);
TROUPE_AVAILABLE_IN_ALL
void     troupe_line_protocol_set_raw_mode   (TroupeLineProtocol  *self);
TROUPE_AVAILABLE_IN_ALL
gboolean troupe_line_protocol_set_line_mode  (TroupeLineProtocol  *self,
                                              const guint8        *extra,
                                              gsize                length,
                                              GError             **error);
TROUPE_AVAILABLE_IN_ALL
void     troupe_line_protocol_pause          (TroupeLineProtocol  *self);
TROUPE_AVAILABLE_IN_ALL
void     troupe_line_protocol_resume         (TroupeLineProtocol  *self);
TROUPE_AVAILABLE_IN_ALL
void     troupe_line_protocol_clear_buffer   (TroupeLineProtocol  *self);

G_END_DECLS
