/* echo-load.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Loads an echo server: keeps messages in flight on every connection, checks each byte that comes back, and prints what it
 * counted as one line of key=value pairs. Bare epoll, and as many processes as it takes, so that the load generator is never what
 * is measured. */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define N_EVENTS     256
#define BUFFER_SIZE  262144
#define PATTERN      65521             /* a prime: no message or buffer size hides a lost or doubled piece */
#define MAX_SIZE     1048576
#define N_BUCKETS    200000            /* of one microsecond */
#define IDLE_BATCH   32                /* connects between two round trips: stays below every server's backlog */
#define N_SOURCES    64                /* addresses to connect from in churn, so that no port runs out */
#define STALL_MS     10000
#define MAX_TALLIES  64                /* processes, at most */

typedef struct
{
  int       fd;
  bool      blocked;                   /* waits for writability */
  uint32_t  origin;                    /* where in the pattern its stream begins */
  uint64_t  sent;                      /* bytes, as all below */
  uint64_t  granted;                   /* what may be sent by now */
  uint64_t  received;
  int64_t  *stamps;                    /* ring: when the message in flight was granted, ns */
} Connection;

static struct
{
  int  port;
  int  n_connections;
  int  size;
  int  depth;
  int  n_idle;
  int  n_processes;
  int  pid;
  bool churn;
  double seconds;
  double warm_up;
} options = { .n_connections = 50, .size = 64, .depth = 1, .n_processes = 1, .seconds = 1.0, .warm_up = 0.2 };

/* What one process has counted. */
typedef struct
{
  uint64_t n_messages;
  uint32_t buckets[N_BUCKETS];         /* by latency */
} Tally;

/* What all load processes see. The first one measures and turns the flags; the others obey. */
typedef struct
{
  atomic_bool counting;
  atomic_bool draining;
  Tally       tallies[MAX_TALLIES];
} Shared;

/* What the process accounting says of the server. */
typedef struct
{
  int64_t  cpu_ns;
  uint64_t user_ticks;
  uint64_t system_ticks;
} Usage;

static uint8_t  pattern[PATTERN + MAX_SIZE];
static uint8_t  buffer[BUFFER_SIZE];
static Shared  *shared;
static Tally   *tally;                 /* of this process */
static uint32_t n_opened;
static int      epoll_fd;

static void __attribute__ ((noreturn, format (printf, 1, 2)))
die (const char *format,
     ...)
{
  va_list args;

  va_start (args, format);
  fputs ("echo-load: ", stderr);
  vfprintf (stderr, format, args);
  fputc ('\n', stderr);
  va_end (args);
  exit (1);
}

static int64_t
now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

static void
fill_pattern (void)
{
  uint32_t state = 2463534242u;

  for (size_t i = 0; i < PATTERN; i++)
    {
      state ^= state << 13;
      state ^= state >> 17;
      state ^= state << 5;
      pattern[i] = (uint8_t) state;
    }
  for (size_t i = PATTERN; i < sizeof pattern; i++)
    pattern[i] = pattern[i - PATTERN];
}

/* {{{ The server's figures */

static int64_t
read_task_ns (const char *path)
{
  FILE *file = fopen (path, "r");
  long long ns = 0;

  if (file == NULL)
    return 0;                          /* the thread has ended */
  if (fscanf (file, "%lld", &ns) != 1)
    ns = 0;
  fclose (file);
  return ns;
}

/* The scheduler's sum over all threads, in nanoseconds; the ticks only tell how it splits. */
static int64_t
read_cpu_ns (void)
{
  char path[300];
  struct dirent *entry;
  int64_t sum = 0;
  DIR *tasks;

  snprintf (path, sizeof path, "/proc/%d/task", options.pid);
  tasks = opendir (path);
  if (tasks == NULL)
    die ("process %d has gone", options.pid);
  while ((entry = readdir (tasks)) != NULL)
    {
      if (entry->d_name[0] == '.')
        continue;
      snprintf (path, sizeof path, "/proc/%d/task/%.20s/schedstat", options.pid, entry->d_name);
      sum += read_task_ns (path);
    }
  closedir (tasks);
  return sum;
}

static Usage
read_usage (void)
{
  Usage usage = { 0 };
  unsigned long long user = 0, system = 0;
  char text[1024] = "";
  const char *rest;
  FILE *file;

  if (options.pid == 0)
    return usage;

  usage.cpu_ns = read_cpu_ns ();
  snprintf (text, sizeof text, "/proc/%d/stat", options.pid);
  file = fopen (text, "r");
  if (file == NULL || fgets (text, sizeof text, file) == NULL)
    die ("process %d has gone", options.pid);
  fclose (file);

  /* The second field is the program's name, in parentheses, and may hold anything. */
  rest = strrchr (text, ')');
  if (rest == NULL || sscanf (rest + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu", &user, &system) != 2)
    die ("cannot understand /proc/%d/stat", options.pid);
  usage.user_ticks = user;
  usage.system_ticks = system;
  return usage;
}

static int64_t
read_resident_kib (void)
{
  char line[256];
  long long kib = 0;
  FILE *file;

  if (options.pid == 0)
    return 0;

  snprintf (line, sizeof line, "/proc/%d/smaps_rollup", options.pid);
  file = fopen (line, "r");
  if (file == NULL)
    return 0;
  while (fgets (line, sizeof line, file) != NULL && sscanf (line, "Rss: %lld", &kib) != 1)
    ;
  fclose (file);
  return kib;
}

/* }}} */
/* {{{ Connections */

static int
open_socket (void)
{
  static uint32_t n_sockets;
  struct sockaddr_in address = { .sin_family = AF_INET };
  int one = 1;
  int fd;

  fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    die ("cannot make a socket: %s", strerror (errno));

  if (options.churn)
    {
      address.sin_addr.s_addr = htonl (INADDR_LOOPBACK + n_sockets++ % N_SOURCES);
      setsockopt (fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
      if (bind (fd, (struct sockaddr *) &address, sizeof address) != 0)
        die ("cannot bind: %s", strerror (errno));
    }
  else
    {
      setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  address.sin_port = htons ((uint16_t) options.port);
  if (connect (fd, (struct sockaddr *) &address, sizeof address) != 0)
    die ("cannot connect to 127.0.0.1:%d: %s", options.port, strerror (errno));
  return fd;
}

static void
connection_watch (Connection *self,
                  int         operation)
{
  struct epoll_event event = { .events = self->blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = self };

  if (epoll_ctl (epoll_fd, operation, self->fd, &event) != 0)
    die ("epoll_ctl: %s", strerror (errno));
}

static void
connection_set_blocked (Connection *self,
                        bool        blocked)
{
  if (self->blocked == blocked)
    return;

  self->blocked = blocked;
  connection_watch (self, EPOLL_CTL_MOD);
}

static void
connection_send (Connection *self)
{
  while (self->sent < self->granted)
    {
      const uint8_t *from = pattern + (self->origin + self->sent) % PATTERN;
      uint64_t length = self->granted - self->sent;
      ssize_t n;

      n = send (self->fd, from, length < MAX_SIZE ? length : MAX_SIZE, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n < 0 && errno == EAGAIN)
        {
          connection_set_blocked (self, true);
          return;
        }
      if (n < 0)
        die ("send: %s", strerror (errno));
      self->sent += (uint64_t) n;
    }
  connection_set_blocked (self, false);
}

static void
connection_grant (Connection *self,
                  uint64_t    n,
                  int64_t     now)
{
  for (uint64_t i = 0; i < n; i++)
    {
      self->stamps[self->granted / (uint64_t) options.size % (uint64_t) options.depth] = now;
      self->granted += (uint64_t) options.size;
    }
  connection_send (self);
}

static void
connection_open (Connection *self)
{
  self->fd = open_socket ();
  self->blocked = false;
  self->origin = n_opened++ * 7919 % PATTERN;
  self->sent = self->granted = self->received = 0;
  if (self->stamps == NULL)
    self->stamps = calloc ((size_t) options.depth, sizeof *self->stamps);
  connection_watch (self, EPOLL_CTL_ADD);
}

static void
connection_start (Connection *self)
{
  int64_t now = now_ns ();               /* before connecting: in churn that is part of the latency */

  connection_open (self);
  connection_grant (self, options.churn ? 1 : (uint64_t) options.depth, now);
}

static bool
is_set (atomic_bool *flag)
{
  return atomic_load_explicit (flag, memory_order_relaxed);
}

static void
count_message (int64_t latency_ns)
{
  int64_t bucket = latency_ns / 1000;

  if (!is_set (&shared->counting))
    return;

  tally->n_messages++;
  tally->buckets[bucket < N_BUCKETS ? bucket : N_BUCKETS - 1]++;
}

/* Takes LENGTH bytes that came back, and returns how many messages they complete. */
static uint64_t
connection_take (Connection *self,
                 size_t      length,
                 int64_t     now)
{
  uint64_t size = (uint64_t) options.size;
  uint64_t before = self->received / size;
  uint64_t after = (self->received + length) / size;

  if (self->received + length > self->sent)
    die ("more bytes came back than were sent");
  if (memcmp (buffer, pattern + (self->origin + self->received) % PATTERN, length) != 0)
    die ("wrong bytes came back, within %zu bytes from offset %llu", length, (unsigned long long) self->received);

  self->received += length;
  for (uint64_t i = before; i < after; i++)
    count_message (now - self->stamps[i % (uint64_t) options.depth]);
  return after - before;
}

static void
connection_read (Connection *self)
{
  uint64_t n_complete;
  ssize_t n;

  n = recv (self->fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN)
    return;
  if (n < 0)
    die ("recv: %s", strerror (errno));
  if (n == 0)
    die ("the server closed a connection");

  n_complete = connection_take (self, (size_t) n, now_ns ());
  if (n_complete == 0 || is_set (&shared->draining))
    return;

  if (options.churn)
    {
      close (self->fd);
      connection_start (self);
    }
  else
    {
      connection_grant (self, n_complete, now_ns ());
    }
}

static void
turn (void)
{
  struct epoll_event events[N_EVENTS];
  int n;

  n = epoll_wait (epoll_fd, events, N_EVENTS, STALL_MS);
  if (n == 0)
    die ("nothing came back for %d seconds", STALL_MS / 1000);

  for (int i = 0; i < n; i++)
    {
      Connection *connection = events[i].data.ptr;

      if (connection->blocked && (events[i].events & EPOLLOUT))
        connection_send (connection);
      if (events[i].events & ~(uint32_t) EPOLLOUT)
        connection_read (connection);
    }
}

/* One message there and back: whatever was connected before has been accepted by then. */
static void
round_trip (Connection *self)
{
  shared->draining = true;
  connection_grant (self, 1, now_ns ());
  while (self->received < self->granted)
    turn ();
  shared->draining = false;
}

/* }}} */
/* {{{ A run */

static void
run_for (double seconds)
{
  int64_t end = now_ns () + (int64_t) (seconds * 1e9);

  while (now_ns () < end)
    turn ();
}

static void
start_all (Connection *connections,
           int         n_connections)
{
  for (int i = 0; i < n_connections; i++)
    connection_start (&connections[i]);
}

/* Waits for what is under way, so that no byte goes unchecked. */
static void
drain (Connection *connections,
       int         n_connections)
{
  for (int i = 0; i < n_connections; i++)
    while (connections[i].received < connections[i].granted)
      turn ();
}

static int *
open_idle (Connection *talker)
{
  int *fds = calloc ((size_t) options.n_idle, sizeof *fds);

  for (int i = 0; i < options.n_idle; i++)
    {
      fds[i] = open_socket ();
      if (i % IDLE_BATCH == 0)
        round_trip (talker);
    }
  round_trip (talker);
  return fds;
}

static void
check_idle (const int *fds)
{
  char byte;

  for (int i = 0; i < options.n_idle; i++)
    if (recv (fds[i], &byte, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN)
      die ("the server closed or wrote to an idle connection");
}

/* Into that of the first process. */
static void
add_tallies (void)
{
  for (int i = 1; i < options.n_processes; i++)
    {
      tally->n_messages += shared->tallies[i].n_messages;
      for (int j = 0; j < N_BUCKETS; j++)
        tally->buckets[j] += shared->tallies[i].buckets[j];
    }
}

static double
percentile_us (double part)
{
  uint64_t wanted = (uint64_t) ((double) tally->n_messages * part);
  uint64_t seen = 0;
  int i;

  for (i = 0; i < N_BUCKETS - 1; i++)
    {
      seen += tally->buckets[i];
      if (seen > wanted)
        break;
    }
  return i + 0.5;
}

static void
measure (double   *seconds,
         Usage    *usage)
{
  Usage before, after;
  int64_t start;

  run_for (options.warm_up);
  before = read_usage ();
  start = now_ns ();
  shared->counting = true;
  run_for (options.seconds);
  shared->counting = false;
  *seconds = (double) (now_ns () - start) / 1e9;
  after = read_usage ();

  usage->cpu_ns = after.cpu_ns - before.cpu_ns;
  usage->user_ticks = after.user_ticks - before.user_ticks;
  usage->system_ticks = after.system_ticks - before.system_ticks;
}

static void
print_result (double       seconds,
              const Usage *usage,
              int64_t      idle_kib)
{
  printf ("messages=%llu seconds=%.4f rate=%.0f p50_us=%.1f p99_us=%.1f", (unsigned long long) tally->n_messages, seconds,
          (double) tally->n_messages / seconds, percentile_us (0.50), percentile_us (0.99));
  if (options.pid != 0)
    printf (" cpu_us=%.4f user_ticks=%llu system_ticks=%llu", (double) usage->cpu_ns / 1e3 / (double) tally->n_messages,
            (unsigned long long) usage->user_ticks, (unsigned long long) usage->system_ticks);
  if (options.pid != 0 && options.n_idle > 0)
    printf (" idle_bytes=%.0f", (double) idle_kib * 1024 / options.n_idle);
  putchar ('\n');
}

/* How many of the connections are the NUMBERth process's. */
static int
get_share (int number)
{
  return options.n_connections / options.n_processes + (number < options.n_connections % options.n_processes);
}

static void __attribute__ ((noreturn))
run_helper (int number)
{
  int n_connections = get_share (number);
  Connection *connections = calloc ((size_t) n_connections, sizeof *connections);

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  tally = &shared->tallies[number];
  n_opened += (uint32_t) (number * options.n_connections);   /* or two processes would send the same bytes at the same time */

  start_all (connections, n_connections);
  while (!is_set (&shared->draining))
    turn ();
  drain (connections, n_connections);
  exit (0);
}

static void
start_helpers (pid_t *pids)
{
  for (int i = 1; i < options.n_processes; i++)
    {
      pids[i] = fork ();
      if (pids[i] < 0)
        die ("cannot fork: %s", strerror (errno));
      if (pids[i] == 0)
        run_helper (i);
    }
}

static void
wait_for_helpers (const pid_t *pids)
{
  int status;

  for (int i = 1; i < options.n_processes; i++)
    if (waitpid (pids[i], &status, 0) != pids[i] || status != 0)
      exit (1);                        /* it has said why */
}

/* Everything that connects while the connections that say nothing are there. */
static void
run_busy (double *seconds,
          Usage  *usage)
{
  int n_connections = get_share (0);
  Connection *connections = calloc ((size_t) n_connections, sizeof *connections);
  pid_t helpers[MAX_TALLIES];

  start_helpers (helpers);
  start_all (connections, n_connections);
  measure (seconds, usage);
  shared->draining = true;
  drain (connections, n_connections);
  wait_for_helpers (helpers);
  add_tallies ();
}

static void
run (void)
{
  int64_t idle_kib = 0;
  double seconds;
  Usage usage;

  if (options.n_idle > 0)
    {
      Connection talker = { 0 };
      int *idle;

      connection_open (&talker);
      for (int i = 0; i < 100; i++)
        round_trip (&talker);
      idle_kib = read_resident_kib ();
      idle = open_idle (&talker);
      idle_kib = read_resident_kib () - idle_kib;

      run_busy (&seconds, &usage);
      check_idle (idle);
    }
  else
    {
      run_busy (&seconds, &usage);
    }
  print_result (seconds, &usage, idle_kib);
}

/* }}} */

static void __attribute__ ((noreturn))
usage_and_exit (int status)
{
  fputs ("Usage: echo-load [OPTIONS] PORT\n"
         "Loads the echo server on 127.0.0.1:PORT, checks every byte and prints what it counted.\n\n"
         "  --connections=N   busy connections (50)\n"
         "  --size=BYTES      of a message (64)\n"
         "  --depth=N         messages in flight on each connection (1)\n"
         "  --idle=N          connections that say nothing meanwhile (0)\n"
         "  --churn           connect, one round trip, close; counts connections\n"
         "  --processes=N     that share the connections (1)\n"
         "  --seconds=S       how long to count (1)\n"
         "  --warm-up=S       how long not to count before that (0.2)\n"
         "  --pid=PID         the server's process: prints its CPU time and memory too\n",
         status == 0 ? stdout : stderr);
  exit (status);
}

static void
parse_options (int    argc,
               char **argv)
{
  static const struct option table[] = {
    { "connections", required_argument, NULL, 'c' },
    { "size",        required_argument, NULL, 's' },
    { "depth",       required_argument, NULL, 'd' },
    { "idle",        required_argument, NULL, 'i' },
    { "churn",       no_argument,       NULL, 'e' },
    { "processes",   required_argument, NULL, 'n' },
    { "seconds",     required_argument, NULL, 't' },
    { "warm-up",     required_argument, NULL, 'w' },
    { "pid",         required_argument, NULL, 'p' },
    { "help",        no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 },
  };
  int option;

  while ((option = getopt_long (argc, argv, "", table, NULL)) != -1)
    switch (option)
      {
      case 'c': options.n_connections = atoi (optarg); break;
      case 's': options.size = atoi (optarg); break;
      case 'd': options.depth = atoi (optarg); break;
      case 'i': options.n_idle = atoi (optarg); break;
      case 'e': options.churn = true; break;
      case 'n': options.n_processes = atoi (optarg); break;
      case 't': options.seconds = atof (optarg); break;
      case 'w': options.warm_up = atof (optarg); break;
      case 'p': options.pid = atoi (optarg); break;
      case 'h': usage_and_exit (0);
      default:  usage_and_exit (1);
      }

  if (optind != argc - 1)
    usage_and_exit (1);
  options.port = atoi (argv[optind]);
  if (options.port < 1 || options.port > 65535 || options.n_connections < 1 || options.size < 1 ||
      options.size > MAX_SIZE || options.depth < 1 || options.n_idle < 0 || options.n_processes < 1 ||
      options.n_processes > MAX_TALLIES || options.n_processes > options.n_connections || (options.churn && options.n_idle > 0))
    usage_and_exit (1);
}

static void
share_memory (void)
{
  shared = mmap (NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED)
    die ("cannot map memory: %s", strerror (errno));
  tally = &shared->tallies[0];
}

static void
raise_descriptor_limit (void)
{
  struct rlimit limit;
  rlim_t wanted = (rlim_t) options.n_connections + (rlim_t) options.n_idle + 64;

  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < wanted)
    die ("%llu connections need more descriptors than the %llu allowed here", (unsigned long long) wanted,
         (unsigned long long) limit.rlim_cur);
}

int
main (int    argc,
      char **argv)
{
  parse_options (argc, argv);
  raise_descriptor_limit ();
  fill_pattern ();
  share_memory ();
  epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  run ();
  return 0;
}
