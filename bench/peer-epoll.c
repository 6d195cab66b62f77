/* peer-epoll.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* An echo server in bare epoll: the floor that no framework can go below. */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#define N_EVENTS    256
#define BUFFER_SIZE 65536

typedef struct
{
  int      fd;
  uint8_t *unsent;                     /* NULL while everything fits the socket */
  size_t   offset;
  size_t   length;
} Connection;

static uint8_t buffer[BUFFER_SIZE];
static int     epoll_fd;

static void
watch (int       operation,
       int       fd,
       uint32_t  events,
       void     *data)
{
  struct epoll_event event = { .events = events, .data.ptr = data };

  if (epoll_ctl (epoll_fd, operation, fd, &event) != 0)
    {
      perror ("epoll_ctl");
      exit (1);
    }
}

static void
drop (Connection *self)
{
  close (self->fd);
  free (self->unsent);
  free (self);
}

static void
keep_rest (Connection    *self,
           const uint8_t *data,
           size_t         length)
{
  self->unsent = malloc (length);
  memcpy (self->unsent, data, length);
  self->offset = 0;
  self->length = length;
  watch (EPOLL_CTL_MOD, self->fd, EPOLLOUT, self);
}

static void
echo (Connection *self)
{
  ssize_t n, sent;

  n = recv (self->fd, buffer, sizeof buffer, 0);
  if (n < 0 && errno == EAGAIN)
    return;
  if (n <= 0)
    {
      drop (self);
      return;
    }

  sent = send (self->fd, buffer, (size_t) n, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN)
    drop (self);
  else if (sent < n)
    keep_rest (self, buffer + (sent < 0 ? 0 : sent), (size_t) (n - (sent < 0 ? 0 : sent)));
}

static void
send_rest (Connection *self)
{
  ssize_t sent = send (self->fd, self->unsent + self->offset, self->length - self->offset, MSG_NOSIGNAL);

  if (sent < 0 && errno == EAGAIN)
    return;
  if (sent < 0)
    {
      drop (self);
      return;
    }

  self->offset += (size_t) sent;
  if (self->offset == self->length)
    {
      free (self->unsent);
      self->unsent = NULL;
      watch (EPOLL_CTL_MOD, self->fd, EPOLLIN, self);
    }
}

static void
accept_all (int listener)
{
  int fd;

  while ((fd = accept4 (listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
    {
      Connection *connection = calloc (1, sizeof *connection);

      connection->fd = fd;
      watch (EPOLL_CTL_ADD, fd, EPOLLIN, connection);
    }
}

static int
listen_anywhere (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  if (fd < 0 || bind (fd, (struct sockaddr *) &address, length) != 0 || listen (fd, SOMAXCONN) != 0 ||
      getsockname (fd, (struct sockaddr *) &address, &length) != 0)
    {
      perror ("peer-epoll");
      exit (1);
    }

  printf ("listening on tcp:127.0.0.1:%d\n", ntohs (address.sin_port));
  fflush (stdout);
  return fd;
}

static void
print_version (void)
{
  struct utsname system;

  uname (&system);
  printf ("epoll of %s %s\n", system.sysname, system.release);
}

int
main (int    argc,
      char **argv)
{
  struct epoll_event events[N_EVENTS];
  int listener;

  if (argc > 1 && strcmp (argv[1], "--version") == 0)
    {
      print_version ();
      return 0;
    }

  epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  listener = listen_anywhere ();
  watch (EPOLL_CTL_ADD, listener, EPOLLIN, NULL);

  while (true)
    {
      int n = epoll_wait (epoll_fd, events, N_EVENTS, -1);

      for (int i = 0; i < n; i++)
        {
          Connection *connection = events[i].data.ptr;

          if (connection == NULL)
            accept_all (listener);
          else if (connection->unsent != NULL)
            send_rest (connection);
          else
            echo (connection);
        }
    }
}
