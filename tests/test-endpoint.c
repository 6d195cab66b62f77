/* test-endpoint.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>

#include "troupe-test.h"

static void
test_server_round_trip (void)
{
  static const char *const texts[][2] = {
    { "tcp:8025", "tcp:8025" },
    { "tcp:0", "tcp:0" },
    { "TCP:8025", "tcp:8025" },
    { "tcp:port=8025", "tcp:8025" },
    { "tcp:8025:", NULL },
    { "tcp:8025:interface=", "tcp:8025" },
    { "tcp:8025:interface=127.0.0.1", "tcp:8025:interface=127.0.0.1" },
    { "tcp:8025:backlog=7:interface=127.0.0.1", "tcp:8025:interface=127.0.0.1:backlog=7" },
    { "tcp:8025:interface=\\:\\:1", "tcp:8025:interface=\\:\\:1" },
    { "tcp6:8025", "tcp6:8025" },
    { "tcp6:8025:interface=\\:\\:1", "tcp:8025:interface=\\:\\:1" },
    { "tcp:8025:interface=\\1\\2\\7.0.0.1", "tcp:8025:interface=127.0.0.1" },
    { "tcp:8025:reactors=4", "tcp:8025:reactors=4" },
    { "tcp6:8025:reactors=1:backlog=9", "tcp6:8025:backlog=9:reactors=1" },
    { "fd:3", "fd:3" },
  };

  g_test_summary ("What a server endpoint is parsed from can be written down and parsed again");

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TroupeEndpoint) endpoint = troupe_endpoint_parse_server (texts[i][0], &error);
      g_autoptr (TroupeEndpoint) again = NULL;
      g_autofree char *text = NULL;

      if (texts[i][1] == NULL)
        {
          g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_ENDPOINT);
          continue;
        }

      g_assert_no_error (error);
      text = troupe_endpoint_to_string (endpoint);
      g_assert_cmpstr (text, ==, texts[i][1]);
      again = troupe_endpoint_parse_server (text, &error);
      g_assert_no_error (error);
    }
}

static void
test_client_round_trip (void)
{
  static const char *const texts[][2] = {
    { "tcp:example.org:80", "tcp:example.org:80" },
    { "tcp:host=example.org:port=80", "tcp:example.org:80" },
    { "Tcp:example.org:http", "tcp:example.org:80" },
    { "tcp:example.org:80:timeout=30", "tcp:example.org:80" },
    { "tcp:example.org:80:timeout=5", "tcp:example.org:80:timeout=5" },
    { "tcp:example.org:80:timeout=0.25", "tcp:example.org:80:timeout=0.25" },
    { "tcp:\\:\\:1:80", "tcp:\\:\\:1:80" },
    { "tcp6:example.org:80", "tcp6:example.org:80" },
    { "tcp:127.0.0.1:80:bindAddress=127.0.0.2", "tcp:127.0.0.1:80:bindAddress=127.0.0.2" },
    { "tcp:127.0.0.1:80:timeout=2:bindAddress=127.0.0.2", "tcp:127.0.0.1:80:timeout=2:bindAddress=127.0.0.2" },
  };

  g_test_summary ("The same for client endpoints");

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TroupeEndpoint) endpoint = troupe_endpoint_parse_client (texts[i][0], &error);
      g_autoptr (TroupeEndpoint) again = NULL;
      g_autofree char *text = NULL;

      g_assert_no_error (error);
      text = troupe_endpoint_to_string (endpoint);
      g_assert_cmpstr (text, ==, texts[i][1]);
      again = troupe_endpoint_parse_client (text, &error);
      g_assert_no_error (error);
    }
}

typedef struct
{
  const char *text;
  const char *wrong;                 /* what the message says */
  const char *form;                  /* and what it says was expected */
} Bad;

static void
assert_bad (const Bad *bad,
            gboolean   server)
{
  g_autoptr (GError) error = NULL;
  TroupeEndpoint *endpoint = server ? troupe_endpoint_parse_server (bad->text, &error)
                                    : troupe_endpoint_parse_client (bad->text, &error);

  g_assert_null (endpoint);
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_ENDPOINT);
  if (strstr (error->message, bad->wrong) == NULL || strstr (error->message, bad->form) == NULL)
    g_error ("“%s” gave “%s”", bad->text, error->message);
}

static void
test_bad_servers (void)
{
  static const Bad bad[] = {
    { NULL, "No endpoint is given", "tcp:8025" },
    { "", "unknown type “”", "tcp:PORT" },
    { "8025", "unknown type “8025”", "tcp:PORT" },
    { "tpc:8025", "unknown type “tpc”", "tcp6:PORT" },
    { "tcp", "the port is missing", "expected tcp:PORT[:interface=ADDRESS][:backlog=NUMBER]" },
    { "tcp:", "port “” is not a number from 0 to 65535", "tcp:PORT" },
    { "tcp:http", "port “http” is not a number", "tcp:PORT" },
    { "tcp:65536", "port “65536”", "0 to 65535" },
    { "tcp:-1", "port “-1”", "0 to 65535" },
    { "tcp:80:interface=localhost", "interface “localhost” is not an IP address", "interface=ADDRESS" },
    { "tcp6:80:interface=127.0.0.1", "interface “127.0.0.1” is not an IPv6 address", "expected tcp6:PORT" },
    { "tcp:80:interface=::1", "do not know what “” is", "tcp:PORT" },
    { "tcp:80:backlog=0", "backlog “0”", "tcp:PORT" },
    { "tcp:80:backlog=x", "backlog “x”", "tcp:PORT" },
    { "tcp:80:colour=red", "unknown name “colour”", "tcp:PORT" },
    { "tcp:80:reactors=0", "reactors “0” is not a number from 1 to 1024", "[:reactors=NUMBER]" },
    { "tcp:80:reactors=1025", "reactors “1025” is not a number from 1 to 1024", "tcp:PORT" },
    { "tcp6:80:reactors=all", "reactors “all” is not a number from 1 to 1024", "tcp6:PORT" },
    { "fd:3:reactors=2", "unknown name “reactors”", "fd:NUMBER" },
    { "tcp:80:backlog=1:backlog=2", "“backlog” is given twice", "tcp:PORT" },
    { "tcp:80:81", "do not know what “81” is", "tcp:PORT" },
    { "tcp:80\\", "nothing follows the last backslash", "" },
    { "fd:x", "descriptor “x”", "fd:NUMBER" },
    { "tcp:80:interface=[\\:\\:1]", "interface “[::1]”", "tcp:PORT" },
  };

  g_test_summary ("Errors say which part is wrong and show the expected form");

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_bad (&bad[i], TRUE);
}

static void
test_bad_clients (void)
{
  static const Bad bad[] = {
    { "udp:example.org:80", "unknown type “udp”", "tcp:HOST:PORT" },
    { "fd:3", "unknown type “fd”", "tcp:HOST:PORT" },
    { "tcp", "the host is missing", "expected tcp:HOST:PORT[:timeout=SECONDS][:bindAddress=ADDRESS]" },
    { "tcp::80", "the host is missing", "tcp:HOST:PORT" },
    { "tcp:example.org", "the port is missing", "tcp:HOST:PORT" },
    { "tcp:example.org:0", "port “0”", "tcp:HOST:PORT" },
    { "tcp:example.org:nonesuch", "port “nonesuch” is neither", "tcp:HOST:PORT" },
    { "tcp:example.org:80:timeout=0", "timeout “0”", "tcp:HOST:PORT" },
    { "tcp:example.org:80:timeout=soon", "timeout “soon”", "tcp:HOST:PORT" },
    { "tcp:example.org:80:timeout=nan", "timeout “nan”", "tcp:HOST:PORT" },
    { "tcp:example.org:80:bindAddress=here", "bindAddress “here” is not an IP address", "tcp:HOST:PORT" },
    { "tcp:example.org:80:interface=127.0.0.1", "unknown name “interface”", "tcp:HOST:PORT" },
  };

  g_test_summary ("The same for client endpoints");

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_bad (&bad[i], FALSE);
}

static void
test_quote (void)
{
  g_autofree char *quoted = troupe_endpoint_quote ("a:b\\c=d");
  g_autofree char *text = g_strconcat ("tcp:", quoted, ":80", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (TroupeEndpoint) endpoint = troupe_endpoint_parse_client (text, &error);
  g_autofree char *again = NULL;

  g_test_summary ("A quoted value is read as it was");

  g_assert_cmpstr (quoted, ==, "a\\:b\\\\c\\=d");
  g_assert_no_error (error);
  again = troupe_endpoint_to_string (endpoint);
  g_assert_cmpstr (again, ==, text);
}

static void
test_boxed (void)
{
  g_auto (GValue) value = G_VALUE_INIT;
  TroupeEndpoint *endpoint = troupe_endpoint_parse_server ("tcp:1", NULL);

  g_test_summary ("An endpoint is a boxed value that is shared, not copied");

  g_value_init (&value, TROUPE_TYPE_ENDPOINT);
  g_value_take_boxed (&value, troupe_endpoint_ref (endpoint));
  g_assert_true (g_value_get_boxed (&value) == endpoint);
  troupe_endpoint_unref (endpoint);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/troupe/endpoint/server", test_server_round_trip);
  g_test_add_func ("/troupe/endpoint/client", test_client_round_trip);
  g_test_add_func ("/troupe/endpoint/bad-server", test_bad_servers);
  g_test_add_func ("/troupe/endpoint/bad-client", test_bad_clients);
  g_test_add_func ("/troupe/endpoint/quote", test_quote);
  g_test_add_func ("/troupe/endpoint/boxed", test_boxed);

  return g_test_run ();
}
