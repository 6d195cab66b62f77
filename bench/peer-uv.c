/* peer-uv.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* An echo server over libuv, written to be as fast as libuv can be: one read buffer for all, and what the socket takes at once
 * is never copied. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define BUFFER_SIZE 65536
#define BACKLOG     1024

typedef struct
{
  uv_write_t request;
  char       data[];
} Rest;

static char buffer[BUFFER_SIZE];

static void
check (int         status,
       const char *what)
{
  if (status >= 0)
    return;

  fprintf (stderr, "peer-uv: %s: %s\n", what, uv_strerror (status));
  exit (1);
}

static void
on_close (uv_handle_t *handle)
{
  free (handle);
}

static void
on_alloc (uv_handle_t *handle,
          size_t       suggested,
          uv_buf_t    *out)
{
  *out = uv_buf_init (buffer, sizeof buffer);
}

static void
on_written (uv_write_t *request,
            int         status)
{
  free (request);
}

static void
write_rest (uv_stream_t *stream,
            const char  *data,
            size_t       length)
{
  Rest *rest = malloc (sizeof *rest + length);
  uv_buf_t out = uv_buf_init (rest->data, (unsigned) length);

  memcpy (rest->data, data, length);
  check (uv_write (&rest->request, stream, &out, 1, on_written), "write");
}

static void
on_read (uv_stream_t    *stream,
         ssize_t         n,
         const uv_buf_t *in)
{
  uv_buf_t out;
  int sent;

  if (n == 0)
    return;
  if (n < 0)
    {
      uv_close ((uv_handle_t *) stream, on_close);
      return;
    }

  out = uv_buf_init (in->base, (unsigned) n);
  sent = uv_try_write (stream, &out, 1);
  if (sent < 0 && sent != UV_EAGAIN)
    uv_close ((uv_handle_t *) stream, on_close);
  else if (sent < n)
    write_rest (stream, in->base + (sent < 0 ? 0 : sent), (size_t) (n - (sent < 0 ? 0 : sent)));
}

static void
on_connection (uv_stream_t *listener,
               int          status)
{
  uv_tcp_t *connection = malloc (sizeof *connection);

  check (status, "listen");
  check (uv_tcp_init (listener->loop, connection), "init");
  check (uv_accept (listener, (uv_stream_t *) connection), "accept");
  check (uv_read_start ((uv_stream_t *) connection, on_alloc, on_read), "read");
}

static void
print_address (const uv_tcp_t *listener)
{
  struct sockaddr_storage storage;
  int length = sizeof storage;

  check (uv_tcp_getsockname (listener, (struct sockaddr *) &storage, &length), "getsockname");
  printf ("listening on tcp:127.0.0.1:%d\n", ntohs (((struct sockaddr_in *) &storage)->sin_port));
  fflush (stdout);
}

int
main (int    argc,
      char **argv)
{
  struct sockaddr_in address;
  uv_tcp_t listener;
  uv_loop_t *loop = uv_default_loop ();

  if (argc > 1 && strcmp (argv[1], "--version") == 0)
    {
      printf ("libuv %s\n", uv_version_string ());
      return 0;
    }

  check (uv_ip4_addr ("127.0.0.1", 0, &address), "address");
  check (uv_tcp_init (loop, &listener), "init");
  check (uv_tcp_bind (&listener, (struct sockaddr *) &address, 0), "bind");
  check (uv_listen ((uv_stream_t *) &listener, BACKLOG, on_connection), "listen");
  print_address (&listener);
  return uv_run (loop, UV_RUN_DEFAULT);
}
