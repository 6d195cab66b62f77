/* peer-epoll.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* An echo server in bare epoll: the floor that no framework can go below. With --threads=N so many loops share the connections. */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "echo-work.h"

#define N_EVENTS    256
#define MAX_THREADS 64
#define BUFFER_SIZE 65536

typedef struct
{
  int      fd;
  uint8_t *unsent;                     /* NULL while everything fits the socket */
  size_t   offset;
  size_t   length;
} Connection;

static __thread uint8_t buffer[BUFFER_SIZE];
static __thread int     epoll_fd;

static int      epoll_fds[MAX_THREADS];
static int      n_threads = 1;
static int      listener;
static unsigned work;                  /* steps, on each read */

static void
watch (int       loop_fd,
       int       operation,
       int       fd,
       uint32_t  events,
       void     *data)
{
  struct epoll_event event = { .events = events, .data.ptr = data };

  if (epoll_ctl (loop_fd, operation, fd, &event) != 0)
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
  watch (epoll_fd, EPOLL_CTL_MOD, self->fd, EPOLLOUT, self);
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

  echo_work (work);
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
      watch (epoll_fd, EPOLL_CTL_MOD, self->fd, EPOLLIN, self);
    }
}

/* Each connection stays with the loop that it is given to here. */
static void
accept_all (void)
{
  static unsigned n_accepted;
  int fd;

  while ((fd = accept4 (listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
    {
      Connection *connection = calloc (1, sizeof *connection);

      connection->fd = fd;
      watch (epoll_fds[n_accepted++ % (unsigned) n_threads], EPOLL_CTL_ADD, fd, EPOLLIN, connection);
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

static void *
run (void *data)
{
  struct epoll_event events[N_EVENTS];

  epoll_fd = *(int *) data;
  while (true)
    {
      int n = epoll_wait (epoll_fd, events, N_EVENTS, -1);

      for (int i = 0; i < n; i++)
        {
          Connection *connection = events[i].data.ptr;

          if (connection == NULL)
            accept_all ();
          else if (connection->unsent != NULL)
            send_rest (connection);
          else
            echo (connection);
        }
    }
  return NULL;
}

static void
parse_options (int    argc,
               char **argv)
{
  static const struct option table[] = {
    { "threads", required_argument, NULL, 't' },
    { "work",    required_argument, NULL, 'w' },
    { "version", no_argument,       NULL, 'v' },
    { NULL, 0, NULL, 0 },
  };
  int option;

  while ((option = getopt_long (argc, argv, "", table, NULL)) != -1)
    switch (option)
      {
      case 't': n_threads = atoi (optarg); break;
      case 'w': work = (unsigned) atoi (optarg); break;
      case 'v': print_version (); exit (0);
      default:  exit (1);
      }
  if (n_threads < 1 || n_threads > MAX_THREADS)
    exit (1);
}

int
main (int    argc,
      char **argv)
{
  pthread_t thread;

  parse_options (argc, argv);
  for (int i = 0; i < n_threads; i++)
    epoll_fds[i] = epoll_create1 (EPOLL_CLOEXEC);
  listener = listen_anywhere ();
  watch (epoll_fds[0], EPOLL_CTL_ADD, listener, EPOLLIN, NULL);

  for (int i = 1; i < n_threads; i++)
    if (pthread_create (&thread, NULL, run, &epoll_fds[i]) != 0)
      {
        perror ("pthread_create");
        return 1;
      }
  run (&epoll_fds[0]);
  return 0;
}
