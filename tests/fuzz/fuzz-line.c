/* fuzz-line.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../troupe-test.h"

int LLVMFuzzerTestOneInput (const guint8 *data,
                            gsize         size);

/* A whole connection per input: lines, raw stretches and JSON lines, cut into pieces of all sizes. */

G_DECLARE_FINAL_TYPE (Lines, lines, FUZZ, LINES, TroupeLineProtocol)

struct _Lines
{
  TroupeLineProtocol parent_instance;
  guint              n_raw;
};

G_DEFINE_FINAL_TYPE (Lines, lines, TROUPE_TYPE_LINE_PROTOCOL)

static gboolean
lines_line_received (TroupeLineProtocol  *protocol,
                     const char          *line,
                     gsize                length,
                     GError             **error)
{
  g_assert_cmpuint (length, <=, 64);
  g_assert_cmpint (line[length], ==, '\0');

  if (g_str_equal (line, "raw"))
    {
      FUZZ_LINES (protocol)->n_raw = 0;
      troupe_line_protocol_set_raw_mode (protocol);
    }
  else if (g_str_equal (line, "clear"))
    {
      troupe_line_protocol_clear_buffer (protocol);
    }
  else if (g_str_equal (line, "fail"))
    {
      g_set_error_literal (error, TROUPE_ERROR, TROUPE_ERROR_FAILED, "As asked");
      return FALSE;
    }

  troupe_line_protocol_send_line (protocol, line, length);
  return TRUE;
}

static gboolean
lines_raw_data_received (TroupeLineProtocol  *protocol,
                         const guint8        *data,
                         gsize                length,
                         GError             **error)
{
  Lines *self = FUZZ_LINES (protocol);

  self->n_raw += length;
  if (self->n_raw < 10)
    return TRUE;

  return troupe_line_protocol_set_line_mode (protocol, data + length / 2, length - length / 2, error);
}

static gboolean
lines_line_length_exceeded (TroupeLineProtocol  *protocol,
                            const guint8        *data,
                            gsize                length,
                            GError             **error)
{
  return TRUE;
}

static void
lines_class_init (LinesClass *klass)
{
  TroupeLineProtocolClass *line_class = TROUPE_LINE_PROTOCOL_CLASS (klass);

  line_class->line_received = lines_line_received;
  line_class->raw_data_received = lines_raw_data_received;
  line_class->line_length_exceeded = lines_line_length_exceeded;
}

static void
lines_init (Lines *self)
{
  troupe_line_protocol_set_max_length (TROUPE_LINE_PROTOCOL (self), 64);
}

static void
write_in_pieces (int           fd,
                 const guint8 *data,
                 gsize         size,
                 gsize         piece)
{
  while (size > 0)
    {
      gssize n = write (fd, data, MIN (piece, size));

      /* The other side has dropped the connection, or has not read yet. */
      if (n < 0 && errno != EAGAIN)
        return;
      if (n > 0)
        {
          data += n;
          size -= n;
        }
      troupe_test_settle ();
    }
}

static void
discard (int fd)
{
  guint8 buffer[4096];

  while (read (fd, buffer, sizeof buffer) > 0)
    ;
}

static void
run_connection (TroupeSystem *system,
                TroupeRef    *factory,
                const guint8 *data,
                gsize         size)
{
  g_autoptr (TroupeRef) connection = NULL;
  int pair[2];

  g_assert (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
  connection = troupe_test_adopt (system, pair[0], factory);

  write_in_pieces (pair[1], data + 1, size - 1, 1 + data[0]);
  shutdown (pair[1], SHUT_WR);
  while (!troupe_ref_has_ended (connection))
    {
      discard (pair[1]);
      g_main_context_iteration (NULL, FALSE);
    }
  close (pair[1]);
}

static GLogWriterOutput
stay_silent (GLogLevelFlags   level,
             const GLogField *fields,
             gsize            n_fields,
             gpointer         user_data)
{
  return G_LOG_WRITER_HANDLED;
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  static TroupeSystem *system;
  static TroupeRef *lines;
  static TroupeRef *json;

  if (system == NULL)
    {
      signal (SIGPIPE, SIG_IGN);
      g_log_set_writer_func (stay_silent, NULL, NULL);
      system = troupe_system_new (NULL, NULL, NULL);
      lines = troupe_factory_spawn (system, "lines", lines_get_type (), NULL);
      json = troupe_factory_spawn (system, "json", TROUPE_TYPE_JSON_PROTOCOL, NULL);
      troupe_test_settle ();
    }

  if (size > 1)
    {
      run_connection (system, lines, data, size);
      run_connection (system, json, data, size);
    }

  return 0;
}
