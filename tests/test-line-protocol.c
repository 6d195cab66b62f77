/* test-line-protocol.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "troupe-test.h"

/* A protocol that writes down what it is told, and does what a test wants while it is told. */

#define TEST_TYPE_LINES (test_lines_get_type ())
G_DECLARE_FINAL_TYPE (TestLines, test_lines, TEST, LINES, TroupeLineProtocol)

struct _TestLines
{
  TroupeLineProtocol parent_instance;
};

G_DEFINE_FINAL_TYPE (TestLines, test_lines, TROUPE_TYPE_LINE_PROTOCOL)

typedef gboolean (*Hook) (TestLines   *self,
                          const char  *data,
                          gsize        length,
                          GError     **error);

static GString *told;                /* lines as “line|”, raw data as “<data>”, long lines as “(data)” */
static Hook on_line;
static Hook on_raw;
static Hook on_exceeded;
static gboolean silent_raw;
static guint n_lines;
static guint n_running;
static guint max_running;
static TestLines *connected;
static gboolean lost;

static gboolean
note (TestLines   *self,
      const char  *format,
      const char  *data,
      gsize        length,
      Hook         hook,
      GError     **error)
{
  gboolean ok;

  g_string_append_c (told, format[0]);
  g_string_append_len (told, data, length);
  g_string_append_c (told, format[1]);
  n_running++;
  max_running = MAX (max_running, n_running);
  ok = hook == NULL || hook (self, data, length, error);
  n_running--;
  return ok;
}

static gboolean
test_lines_line_received (TroupeLineProtocol  *self,
                          const char          *line,
                          gsize                length,
                          GError             **error)
{
  g_assert_cmpint (line[length], ==, '\0');
  n_lines++;
  return note (TEST_LINES (self), "'|", line, length, on_line, error);
}

static gboolean
test_lines_raw_data_received (TroupeLineProtocol  *self,
                              const guint8        *data,
                              gsize                length,
                              GError             **error)
{
  g_assert_cmpuint (length, >, 0);
  if (silent_raw)
    return on_raw (TEST_LINES (self), (const char *) data, length, error);

  return note (TEST_LINES (self), "<>", (const char *) data, length, on_raw, error);
}

static gboolean
test_lines_line_length_exceeded (TroupeLineProtocol  *self,
                                 const guint8        *data,
                                 gsize                length,
                                 GError             **error)
{
  if (on_exceeded != NULL)
    return note (TEST_LINES (self), "()", (const char *) data, length, on_exceeded, error);

  return TROUPE_LINE_PROTOCOL_CLASS (test_lines_parent_class)->line_length_exceeded (self, data, length, error);
}

static gboolean
test_lines_connection_made (TroupeProtocol  *protocol,
                            GError         **error)
{
  connected = TEST_LINES (protocol);
  return TRUE;
}

static void
test_lines_connection_lost (TroupeProtocol *protocol,
                            const GError   *reason)
{
  connected = NULL;
  lost = TRUE;
}

static void
test_lines_class_init (TestLinesClass *klass)
{
  TroupeProtocolClass *protocol_class = TROUPE_PROTOCOL_CLASS (klass);
  TroupeLineProtocolClass *line_class = TROUPE_LINE_PROTOCOL_CLASS (klass);

  protocol_class->lives_on = TRUE;
  protocol_class->connection_made = test_lines_connection_made;
  protocol_class->connection_lost = test_lines_connection_lost;
  line_class->line_received = test_lines_line_received;
  line_class->raw_data_received = test_lines_raw_data_received;
  line_class->line_length_exceeded = test_lines_line_length_exceeded;
}

static void
test_lines_init (TestLines *self)
{
}

/* Gives every connection to the same actor. */

#define TEST_TYPE_SWITCHBOARD (test_switchboard_get_type ())
G_DECLARE_FINAL_TYPE (TestSwitchboard, test_switchboard, TEST, SWITCHBOARD, TroupeFactory)

struct _TestSwitchboard
{
  TroupeFactory  parent_instance;
  TroupeRef     *only;
};

G_DEFINE_FINAL_TYPE (TestSwitchboard, test_switchboard, TROUPE_TYPE_FACTORY)

static TroupeRef *
test_switchboard_build_protocol (TroupeFactory   *factory,
                                 GSocketAddress  *peer,
                                 GError         **error)
{
  TestSwitchboard *self = TEST_SWITCHBOARD (factory);

  if (self->only == NULL)
    self->only = troupe_actor_spawn (TROUPE_ACTOR (self), NULL, TEST_TYPE_LINES, error, NULL);

  return troupe_ref_ref (self->only);
}

static void
test_switchboard_finalize (GObject *object)
{
  g_clear_pointer (&TEST_SWITCHBOARD (object)->only, troupe_ref_unref);
  G_OBJECT_CLASS (test_switchboard_parent_class)->finalize (object);
}

static void
test_switchboard_class_init (TestSwitchboardClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_switchboard_finalize;
  TROUPE_FACTORY_CLASS (klass)->build_protocol = test_switchboard_build_protocol;
}

static void
test_switchboard_init (TestSwitchboard *self)
{
}

/* Without a transport, to see the parsing alone. */
static TestLines *
lines_new (void)
{
  if (told == NULL)
    told = g_string_new (NULL);
  g_string_truncate (told, 0);
  on_line = on_raw = on_exceeded = NULL;
  n_lines = n_running = max_running = 0;

  return g_object_new (TEST_TYPE_LINES, NULL);
}

static gboolean
feed (TestLines   *self,
      const char  *data,
      gssize       length,
      GError     **error)
{
  if (length < 0)
    length = strlen (data);

  return TROUPE_PROTOCOL_GET_CLASS (self)->data_received (TROUPE_PROTOCOL (self), (const guint8 *) data, length, error);
}

static void
feed_ok (TestLines  *self,
         const char *data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (feed (self, data, -1, &error));
  g_assert_no_error (error);
}

#define assert_told(expected)                   \
  G_STMT_START {                                \
    g_assert_cmpstr (told->str, ==, expected);  \
    g_string_truncate (told, 0);                \
  } G_STMT_END

static void
test_lines (void)
{
  g_autoptr (TestLines) self = lines_new ();

  g_test_summary ("CRLF ends a line; empty lines are lines; a lone CR or LF is part of one");

  feed_ok (self, "one\r\ntwo\r\n\r\nthree\r\n");
  assert_told ("'one|'two|'|'three|");
  feed_ok (self, "a\rb\nc\r\r\n\n\r\nrest");
  assert_told ("'a\rb\nc\r|'\n|");
  feed_ok (self, " of it\r\n");
  assert_told ("'rest of it|");
}

static void
test_chunks (void)
{
  static const char text[] = "first\r\n\r\nsecond\r\rthird\r\n\r\r\n\nfourth\r\n";

  g_test_summary ("How the bytes are cut into chunks makes no difference");

  for (gsize a = 0; a < sizeof text; a++)
    {
      for (gsize b = a; b < sizeof text; b++)
        {
          g_autoptr (TestLines) self = lines_new ();

          g_assert_true (feed (self, text, a, NULL));
          g_assert_true (feed (self, text + a, b - a, NULL));
          g_assert_true (feed (self, text + b, sizeof text - 1 - MIN (b, sizeof text - 1), NULL));
          assert_told ("'first|'|'second\r\rthird|'\r|'\nfourth|");
        }
    }
}

static void
test_delimiter (void)
{
  g_autoptr (TestLines) self = lines_new ();

  g_test_summary ("Any string may end a line, also one that overlaps itself");

  troupe_line_protocol_set_delimiter (TROUPE_LINE_PROTOCOL (self), "aab");
  for (const char *at = "xaaab-aab-aaab"; *at != '\0'; at++)
    g_assert_true (feed (self, at, 1, NULL));
  assert_told ("'xa|'-|'-a|");

  troupe_line_protocol_set_delimiter (TROUPE_LINE_PROTOCOL (self), "\n");
  feed_ok (self, "a\r\nb\n");
  assert_told ("'a\r|'b|");
}

static void
test_any_newline (void)
{
  g_autoptr (TestLines) self = lines_new ();

  g_test_summary ("The delimiter NULL reads what telnet and what netcat send");

  troupe_line_protocol_set_delimiter (TROUPE_LINE_PROTOCOL (self), NULL);
  feed_ok (self, "netcat\ntelnet\r\n\n\r\ntwo\r\r\n");
  assert_told ("'netcat|'telnet|'|'|'two\r|");
  feed_ok (self, "split\r");
  feed_ok (self, "\nnot\rsplit\n");
  assert_told ("'split|'not\rsplit|");
}

static gboolean
change_delimiter (TestLines   *self,
                  const char  *data,
                  gsize        length,
                  GError     **error)
{
  troupe_line_protocol_set_delimiter (TROUPE_LINE_PROTOCOL (self), ";");
  return TRUE;
}

static void
test_change_delimiter (void)
{
  g_autoptr (TestLines) self = lines_new ();

  g_test_summary ("A handler may change what ends the next line");

  on_line = change_delimiter;
  feed_ok (self, "one\r\ntwo;three\r\n;");
  assert_told ("'one|'two|'three\r\n|");
}

static void
test_zero_byte (void)
{
  g_autoptr (TestLines) self = lines_new ();

  g_test_summary ("A line may hold zero bytes");

  g_assert_true (feed (self, "a\0b\r\n\0\r\n", 9, NULL));
  g_assert_cmpmem (told->str, told->len, "'a\0b|'\0|", 8);
}

static void
test_too_long (void)
{
  g_test_summary ("A line of the maximum length passes; a longer one fails and names the limit");

  for (gsize chunk = 1; chunk < 9; chunk++)
    {
      g_autoptr (TestLines) self = lines_new ();
      g_autoptr (GError) error = NULL;
      const char *text = "12345\r\n123456";
      gboolean ok = TRUE;

      troupe_line_protocol_set_max_length (TROUPE_LINE_PROTOCOL (self), 5);
      for (gsize at = 0; ok && at < strlen (text); at += chunk)
        ok = feed (self, text + at, MIN (chunk, strlen (text) - at), &error);
      ok = ok && feed (self, "7", 1, &error);

      g_assert_false (ok);
      g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_LINE_TOO_LONG);
      g_assert_cmpstr (error->message, ==, "A line is longer than 5 bytes");
      assert_told ("'12345|");
    }
}

static void
test_too_long_whole (void)
{
  g_autoptr (TestLines) self = lines_new ();
  g_autoptr (GError) error = NULL;

  g_test_summary ("A line that is too long fails if all of it has come, too; without a limit set it is 16384");

  g_assert_cmpuint (troupe_line_protocol_get_max_length (TROUPE_LINE_PROTOCOL (self)), ==, 16384);
  troupe_line_protocol_set_max_length (TROUPE_LINE_PROTOCOL (self), 0);
  feed_ok (self, "\r\n\r");
  assert_told ("'|");
  g_assert_false (feed (self, "\n1\r\nnever\r\n", -1, &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_LINE_TOO_LONG);
  assert_told ("'|");
}

static gboolean
skip_rest (TestLines   *self,
           const char  *data,
           gsize        length,
           GError     **error)
{
  return TRUE;
}

static void
test_skip (void)
{
  static const char text[] = "ok\r\n123456789\r\nfine\r\n123456\r\rxx\r\n\r\n";

  g_test_summary ("If the handler says so, the rest of a long line is skipped, and the next is delivered");

  for (gsize chunk = 1; chunk < sizeof text; chunk++)
    {
      g_autoptr (TestLines) self = lines_new ();
      g_autofree char *lines = NULL;
      gboolean in_given = FALSE;
      GString *rest;

      on_exceeded = skip_rest;
      troupe_line_protocol_set_max_length (TROUPE_LINE_PROTOCOL (self), 5);
      for (gsize at = 0; at < sizeof text - 1; at += chunk)
        g_assert_true (feed (self, text + at, MIN (chunk, sizeof text - 1 - at), NULL));

      /* How much of it is given depends on the chunks. */
      rest = g_string_new (NULL);
      for (const char *at = told->str; *at != '\0'; at++)
        {
          if (*at == '(')
            in_given = TRUE;
          if (!in_given || *at == '(' || *at == ')')
            g_string_append_c (rest, *at);
          if (*at == ')')
            in_given = FALSE;
        }
      lines = g_string_free (rest, FALSE);
      g_assert_cmpstr (lines, ==, "'ok|()'fine|()'|");
    }
}

static gboolean
go_raw (TestLines   *self,
        const char  *data,
        gsize        length,
        GError     **error)
{
  troupe_line_protocol_set_raw_mode (TROUPE_LINE_PROTOCOL (self));
  return TRUE;
}

static void
test_long_then_raw (void)
{
  g_autoptr (TestLines) self = lines_new ();

  g_test_summary ("What follows a long line is raw if its handler says so");

  on_exceeded = go_raw;
  troupe_line_protocol_set_max_length (TROUPE_LINE_PROTOCOL (self), 2);
  feed_ok (self, "12345\r\nrest");
  assert_told ("(12345)<\r\nrest>");
  feed_ok (self, "more");
  assert_told ("<more>");
}

/* Raw data ends with “.”. */
static gboolean
leave_raw (TestLines   *self,
           const char  *data,
           gsize        length,
           GError     **error)
{
  const char *end = memchr (data, '.', length);

  if (end == NULL)
    return TRUE;

  return troupe_line_protocol_set_line_mode (TROUPE_LINE_PROTOCOL (self), (const guint8 *) end + 1,
                                             data + length - end - 1, error);
}

static void
test_raw (void)
{
  g_autoptr (TestLines) self = lines_new ();

  g_test_summary ("Raw data comes as it is; what is left of it is cut into lines");

  on_line = go_raw;
  on_raw = leave_raw;
  feed_ok (self, "head\r\nbo\r\ndy");
  assert_told ("'head|<bo\r\ndy>");
  feed_ok (self, "end.next\r\nx.\r\n");
  assert_told ("<end.next\r\nx.\r\n>'next|<x.\r\n>'|");
}

static void
test_raw_deep (void)
{
  g_autoptr (TestLines) self = lines_new ();
  g_autoptr (GString) text = g_string_new (NULL);

  g_test_summary ("Changing modes ten thousand times in one chunk nests no calls");

  for (int i = 0; i < 1000; i++)
    g_string_append (text, "l\r\n.");
  on_line = go_raw;
  on_raw = leave_raw;
  for (int i = 0; i < 10; i++)
    g_assert_true (feed (self, text->str, text->len, NULL));
  g_assert_cmpuint (n_lines, ==, 10000);
  g_assert_cmpuint (max_running, ==, 1);
}

/* Says a line again, out of the memory it was given. */
static gboolean
repeat_once (TestLines   *self,
             const char  *data,
             gsize        length,
             GError     **error)
{

  on_line = NULL;
  if (!troupe_line_protocol_set_line_mode (TROUPE_LINE_PROTOCOL (self), (const guint8 *) data, length, error))
    return FALSE;

  g_assert_cmpstr (data, ==, "me");
  return troupe_line_protocol_set_line_mode (TROUPE_LINE_PROTOCOL (self), (const guint8 *) "!\r\n", 3, error);
}

static void
test_extra (void)
{
  g_autoptr (TestLines) self = lines_new ();

  g_test_summary ("What a handler adds follows what has come");

  on_line = repeat_once;
  feed_ok (self, "me\r\nyou\r\nthe");
  assert_told ("'me|'you|'theme!|");
}

static gboolean
pause_at_stop (TestLines   *self,
               const char  *data,
               gsize        length,
               GError     **error)
{
  if (g_str_equal (data, "stop"))
    troupe_line_protocol_pause (TROUPE_LINE_PROTOCOL (self));
  return TRUE;
}

static void
test_pause (void)
{
  g_autoptr (TestLines) self = lines_new ();

  g_test_summary ("Nothing is delivered while paused, and all of it afterwards");

  on_line = pause_at_stop;
  feed_ok (self, "a\r\nstop\r\nb\r\nstop\r\n");
  feed_ok (self, "c\r\n");
  assert_told ("'a|'stop|");
  troupe_line_protocol_resume (TROUPE_LINE_PROTOCOL (self));
  assert_told ("'b|'stop|");
  troupe_line_protocol_resume (TROUPE_LINE_PROTOCOL (self));
  assert_told ("'c|");
  troupe_line_protocol_resume (TROUPE_LINE_PROTOCOL (self));
  feed_ok (self, "d\r\n");
  assert_told ("'d|");
}

static gboolean
pause_and_resume (TestLines   *self,
                  const char  *data,
                  gsize        length,
                  GError     **error)
{
  troupe_line_protocol_pause (TROUPE_LINE_PROTOCOL (self));
  troupe_line_protocol_resume (TROUPE_LINE_PROTOCOL (self));
  return TRUE;
}

static void
test_resume_inside (void)
{
  g_autoptr (TestLines) self = lines_new ();

  g_test_summary ("Resuming in a handler nests no calls");

  on_line = pause_and_resume;
  feed_ok (self, "a\r\nb\r\nc\r\n");
  assert_told ("'a|'b|'c|");
  g_assert_cmpuint (max_running, ==, 1);
}

static gboolean
fail_at_bad (TestLines   *self,
             const char  *data,
             gsize        length,
             GError     **error)
{
  if (!g_str_equal (data, "bad"))
    return TRUE;

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "bad line");
  return FALSE;
}

static void
test_handler_fails (void)
{
  g_autoptr (TestLines) self = lines_new ();
  g_autoptr (GError) error = NULL;

  g_test_summary ("A handler's error is passed on, and no further line is delivered");

  on_line = fail_at_bad;
  g_assert_false (feed (self, "good\r\nbad\r\nnever\r\n", -1, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  assert_told ("'good|'bad|");
}

static gboolean
clear (TestLines   *self,
       const char  *data,
       gsize        length,
       GError     **error)
{
  troupe_line_protocol_clear_buffer (TROUPE_LINE_PROTOCOL (self));
  g_assert_cmpint (data[length], ==, '\0');
  return TRUE;
}

static void
test_clear (void)
{
  g_autoptr (TestLines) self = lines_new ();

  g_test_summary ("What was received and not delivered can be forgotten, in a handler and outside");

  on_line = clear;
  feed_ok (self, "a\r\nb\r\nc\r\n");
  assert_told ("'a|");
  on_line = NULL;
  feed_ok (self, "begun");
  troupe_line_protocol_clear_buffer (TROUPE_LINE_PROTOCOL (self));
  feed_ok (self, "d\r\n");
  assert_told ("'d|");
}

static void
test_dribble (void)
{
  g_autoptr (TestLines) self = lines_new ();
  const gsize size = 2 * 1024 * 1024;

  g_test_summary ("A line of two million bytes that come one by one takes time in proportion");

  troupe_line_protocol_set_max_length (TROUPE_LINE_PROTOCOL (self), size);
  for (gsize i = 0; i < size; i++)
    g_assert_true (feed (self, "x", 1, NULL));
  feed_ok (self, "\r");
  feed_ok (self, "\n");
  g_assert_cmpuint (n_lines, ==, 1);
  g_assert_cmpuint (told->len, ==, size + 2);
}

static void
test_large_chunk (void)
{
  g_autoptr (TestLines) self = lines_new ();
  g_autofree char *text = g_strnfill (300000, '\n');

  g_test_summary ("A chunk larger than any that a reactor gives is taken, too");

  troupe_line_protocol_set_delimiter (TROUPE_LINE_PROTOCOL (self), "\n");
  feed_ok (self, "begun");
  feed_ok (self, text);
  g_assert_cmpuint (n_lines, ==, 300000);
}

static void
test_property (void)
{
  g_autoptr (TestLines) self = lines_new ();
  guint64 max_length = 0;

  g_test_summary ("The maximum length is a property");

  g_object_set (self, "max-length", (guint64) 77, NULL);
  g_object_get (self, "max-length", &max_length, NULL);
  g_assert_cmpuint (max_length, ==, 77);
  g_assert_cmpuint (troupe_line_protocol_get_max_length (TROUPE_LINE_PROTOCOL (self)), ==, 77);
}

static void
test_arguments (void)
{
  g_autoptr (TestLines) self = lines_new ();

  g_test_summary ("Wrong arguments are told and change nothing");

  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*delimiter == NULL*");
  troupe_line_protocol_set_delimiter (TROUPE_LINE_PROTOCOL (self), "");
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*line != NULL*");
  troupe_line_protocol_send_line (TROUPE_LINE_PROTOCOL (self), NULL, -1);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_CRITICAL, "*extra != NULL*");
  g_assert_false (troupe_line_protocol_set_line_mode (TROUPE_LINE_PROTOCOL (self), NULL, 3, NULL));
  g_test_assert_expected_messages ();

  troupe_line_protocol_send_line (TROUPE_LINE_PROTOCOL (self), "nowhere", -1);
  feed_ok (self, "a\r\n");
  assert_told ("'a|");
}

/* Lines as the random test means them: “R” begins raw data, which ends with “.”; some lines pause. */

static GRand *random_source;

static gboolean
random_line (TestLines   *self,
             const char  *data,
             gsize        length,
             GError     **error)
{
  if (length == 1 && data[0] == 'R')
    {
      g_string_append_c (told, '<');
      troupe_line_protocol_set_raw_mode (TROUPE_LINE_PROTOCOL (self));
    }
  if (g_rand_int_range (random_source, 0, 4) == 0)
    troupe_line_protocol_pause (TROUPE_LINE_PROTOCOL (self));

  return TRUE;
}

static gboolean
random_raw (TestLines   *self,
            const char  *data,
            gsize        length,
            GError     **error)
{
  const char *end = memchr (data, '.', length);

  if (end == NULL)
    {
      g_string_append_len (told, data, length);
      return TRUE;
    }

  g_string_append_len (told, data, end - data);
  g_string_append_c (told, '>');
  return troupe_line_protocol_set_line_mode (TROUPE_LINE_PROTOCOL (self), (const guint8 *) end + 1,
                                             data + length - end - 1, error);
}

static gboolean
random_exceeded (TestLines   *self,
                 const char  *data,
                 gsize        length,
                 GError     **error)
{
  /* How much of it had come depends on the chunks. */
  g_string_truncate (told, told->len - length - 2);
  g_string_append (told, "!");
  return TRUE;
}

/* Takes a line or a raw stretch off DATA, slowly and plainly. */
static gsize
expect_one (GString    *expected,
            const char *data,
            gsize       length,
            const char *delimiter,
            gsize       max_length,
            gboolean   *raw)
{
  const char *wanted = *raw ? "." : delimiter != NULL ? delimiter : "\n";
  const char *end = g_strstr_len (data, length, wanted);
  gsize n = end != NULL ? (gsize) (end - data) : length;
  gsize taken = end != NULL ? n + strlen (wanted) : length;

  if (*raw)
    {
      g_string_append_len (expected, data, n);
      g_string_append (expected, end != NULL ? ">" : "");
      *raw = end == NULL;
      return taken;
    }

  if (end != NULL && delimiter == NULL && n > 0 && data[n - 1] == '\r')
    n--;
  if (end == NULL)
    g_string_append (expected, length >= max_length + (delimiter != NULL ? strlen (delimiter) : 2) ? "!" : "");
  else if (n > max_length)
    g_string_append (expected, "!");
  else
    {
      g_string_append_c (expected, '\'');
      g_string_append_len (expected, data, n);
      g_string_append_c (expected, '|');
      *raw = n == 1 && data[0] == 'R';
      g_string_append (expected, *raw ? "<" : "");
    }

  return taken;
}

static void
feed_in_pieces (TestLines  *self,
                const char *data,
                gsize       length)
{
  for (gsize at = 0, n = 0; at < length; at += n)
    {
      n = g_rand_int_range (random_source, 1, MIN (length - at, 7) + 1);
      g_assert_true (feed (self, data + at, n, NULL));
    }

  for (gsize i = 0; i <= length; i++)
    troupe_line_protocol_resume (TROUPE_LINE_PROTOCOL (self));
}

static void
test_random (void)
{
  static const char *const delimiters[] = { "\r\n", NULL, "\n", "aab", "abab" };
  static const char bytes[] = "\r\n\r\n\n\nabababRR.xy";
  g_autoptr (GString) expected = g_string_new (NULL);

  g_test_summary ("Twenty thousand random inputs, cut at random, give what a plain reading of each gives");

  random_source = g_rand_new_with_seed (8026);
  silent_raw = TRUE;
  for (int round = 0; round < 20000; round++)
    {
      g_autoptr (TestLines) self = lines_new ();
      const char *delimiter = delimiters[round % G_N_ELEMENTS (delimiters)];
      gsize max_length = g_rand_int_range (random_source, 0, 12);
      gsize length = g_rand_int_range (random_source, 0, 80);
      gboolean raw = FALSE;
      char data[80];

      for (gsize i = 0; i < length; i++)
        data[i] = bytes[g_rand_int_range (random_source, 0, sizeof bytes - 1)];
      g_string_truncate (expected, 0);
      for (gsize at = 0; at < length;)
        at += expect_one (expected, data + at, length - at, delimiter, max_length, &raw);

      on_line = random_line;
      on_raw = random_raw;
      on_exceeded = random_exceeded;
      troupe_line_protocol_set_delimiter (TROUPE_LINE_PROTOCOL (self), delimiter);
      troupe_line_protocol_set_max_length (TROUPE_LINE_PROTOCOL (self), max_length);
      feed_in_pieces (self, data, length);
      g_assert_cmpuint (max_running, <=, 1);
      g_assert_cmpstr (told->str, ==, expected->str);
    }

  silent_raw = FALSE;
  g_rand_free (random_source);
}

/* With a connection. */

typedef struct
{
  TroupeSystem *system;
  TroupeRef    *factory;
  int           peer;
} Wire;

static void
wire_connect (Wire *self)
{
  g_autoptr (TroupeRef) connection = NULL;
  int ends[2];

  lost = FALSE;
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, ends), ==, 0);
  self->peer = ends[0];
  connection = troupe_test_adopt (self->system, ends[1], self->factory);
  troupe_test_until (connected != NULL);
}

static void
wire_begin (Wire  *self,
            GType  factory_type)
{
  g_autoptr (GError) error = NULL;

  g_object_unref (lines_new ());
  self->system = troupe_test_system_new ();
  self->factory = troupe_system_spawn (self->system, NULL, factory_type, &error,
                                       "protocol-type", TEST_TYPE_LINES, NULL);
  g_assert_no_error (error);
  wire_connect (self);
}

static void
wire_disconnect (Wire *self)
{
  close (self->peer);
  troupe_test_until (lost);
}

static void
wire_end (Wire *self)
{
  wire_disconnect (self);
  troupe_ref_unref (self->factory);
  troupe_test_system_end (self->system);
}

static void
wire_say (Wire       *self,
          const char *text)
{
  g_assert_cmpint (write (self->peer, text, strlen (text)), ==, (gssize) strlen (text));
}

/* Waits for as many bytes as EXPECTED has, or for the end if it is "". */
static void
wire_assert_heard (Wire       *self,
                   const char *expected)
{
  g_autoptr (GString) heard = g_string_new (NULL);
  char data[256];
  gssize n = 1;

  while (n != 0 && (heard->len < strlen (expected) || *expected == '\0'))
    {
      n = recv (self->peer, data, sizeof data, MSG_DONTWAIT);
      if (n > 0)
        g_string_append_len (heard, data, n);
      else if (n < 0)
        g_main_context_iteration (NULL, FALSE);
    }

  g_assert_cmpstr (heard->str, ==, expected);
}

static gboolean
echo (TestLines   *self,
      const char  *data,
      gsize        length,
      GError     **error)
{
  troupe_line_protocol_send_line (TROUPE_LINE_PROTOCOL (self), data, length);
  return TRUE;
}

static void
test_send_line (void)
{
  g_autofree char *large = g_strnfill (5000, 'x');
  g_autofree char *large_line = g_strconcat (large, "\r\n", NULL);
  Wire wire;

  g_test_summary ("A sent line ends with the delimiter, CRLF if that is NULL");

  wire_begin (&wire, TROUPE_TYPE_FACTORY);
  on_line = echo;
  wire_say (&wire, "one\r\n\r\n");
  wire_assert_heard (&wire, "one\r\n\r\n");
  troupe_line_protocol_set_delimiter (TROUPE_LINE_PROTOCOL (connected), "--");
  wire_say (&wire, "two--");
  wire_assert_heard (&wire, "two--");
  troupe_line_protocol_set_delimiter (TROUPE_LINE_PROTOCOL (connected), NULL);
  wire_say (&wire, "three\n");
  wire_assert_heard (&wire, "three\r\n");
  wire_say (&wire, large_line);
  wire_assert_heard (&wire, large_line);
  wire_end (&wire);
}

static gboolean
close_at_bye (TestLines   *self,
              const char  *data,
              gsize        length,
              GError     **error)
{
  if (g_str_equal (data, "bye"))
    {
      troupe_line_protocol_send_line (TROUPE_LINE_PROTOCOL (self), "closing", -1);
      troupe_transport_lose_connection (troupe_protocol_get_transport (TROUPE_PROTOCOL (self)));
    }
  return TRUE;
}

static void
test_closing (void)
{
  Wire wire;

  g_test_summary ("Once the connection is closing, lines that came before are not delivered");

  wire_begin (&wire, TROUPE_TYPE_FACTORY);
  on_line = close_at_bye;
  wire_say (&wire, "hello\r\nbye\r\nnever\r\n");
  wire_assert_heard (&wire, "closing\r\n");
  wire_assert_heard (&wire, "");
  troupe_test_until (lost);
  assert_told ("'hello|'bye|");
  wire_end (&wire);
}

static void
test_pause_reading (void)
{
  Wire wire;

  g_test_summary ("Pausing stops reading from the connection, resuming goes on where it stopped");

  wire_begin (&wire, TROUPE_TYPE_FACTORY);
  on_line = pause_at_stop;
  wire_say (&wire, "stop\r\nb\r\n");
  troupe_test_until (n_lines == 1);
  wire_say (&wire, "c\r\n");
  for (int i = 0; i < 10; i++)
    g_main_context_iteration (NULL, FALSE);
  assert_told ("'stop|");
  troupe_line_protocol_resume (TROUPE_LINE_PROTOCOL (connected));
  assert_told ("'b|");
  troupe_test_until (n_lines == 3);
  assert_told ("'c|");
  wire_end (&wire);
}

static void
test_connection_dropped (void)
{
  g_autofree char *text = g_strnfill (20000, 'x');
  Wire wire;

  g_test_summary ("20 000 bytes without a line end drop the connection, and say why in the log");

  wire_begin (&wire, TROUPE_TYPE_FACTORY);
  g_test_expect_message ("Troupe", G_LOG_LEVEL_WARNING, "*longer than 16384 bytes*");
  wire_say (&wire, text);
  troupe_test_until (lost);
  wire_assert_heard (&wire, "");
  wire_end (&wire);
  g_test_assert_expected_messages ();
}

static void
test_next_connection (void)
{
  Wire wire;

  g_test_summary ("What one connection left unfinished does not begin a line of the next");

  wire_begin (&wire, TEST_TYPE_SWITCHBOARD);
  wire_say (&wire, "whole\r\nhalf");
  wire_disconnect (&wire);
  assert_told ("'whole|");
  wire_connect (&wire);
  wire_say (&wire, "next\r\n");
  troupe_test_until (n_lines == 2);
  assert_told ("'next|");
  wire_end (&wire);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/line-protocol/lines", test_lines);
  g_test_add_func ("/troupe/line-protocol/chunks", test_chunks);
  g_test_add_func ("/troupe/line-protocol/delimiter", test_delimiter);
  g_test_add_func ("/troupe/line-protocol/any-newline", test_any_newline);
  g_test_add_func ("/troupe/line-protocol/change-delimiter", test_change_delimiter);
  g_test_add_func ("/troupe/line-protocol/zero-byte", test_zero_byte);
  g_test_add_func ("/troupe/line-protocol/too-long", test_too_long);
  g_test_add_func ("/troupe/line-protocol/too-long-whole", test_too_long_whole);
  g_test_add_func ("/troupe/line-protocol/skip", test_skip);
  g_test_add_func ("/troupe/line-protocol/long-then-raw", test_long_then_raw);
  g_test_add_func ("/troupe/line-protocol/raw", test_raw);
  g_test_add_func ("/troupe/line-protocol/raw-deep", test_raw_deep);
  g_test_add_func ("/troupe/line-protocol/extra", test_extra);
  g_test_add_func ("/troupe/line-protocol/pause", test_pause);
  g_test_add_func ("/troupe/line-protocol/resume-inside", test_resume_inside);
  g_test_add_func ("/troupe/line-protocol/handler-fails", test_handler_fails);
  g_test_add_func ("/troupe/line-protocol/clear", test_clear);
  g_test_add_func ("/troupe/line-protocol/dribble", test_dribble);
  g_test_add_func ("/troupe/line-protocol/large-chunk", test_large_chunk);
  g_test_add_func ("/troupe/line-protocol/random", test_random);
  g_test_add_func ("/troupe/line-protocol/property", test_property);
  g_test_add_func ("/troupe/line-protocol/arguments", test_arguments);
  g_test_add_func ("/troupe/line-protocol/send-line", test_send_line);
  g_test_add_func ("/troupe/line-protocol/closing", test_closing);
  g_test_add_func ("/troupe/line-protocol/pause-reading", test_pause_reading);
  g_test_add_func ("/troupe/line-protocol/next-connection", test_next_connection);
  g_test_add_func ("/troupe/line-protocol/connection-dropped", test_connection_dropped);

  return g_test_run ();
}
