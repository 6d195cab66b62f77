/* test-descriptor.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "troupe-test.h"

/* A descriptor that reads and writes, and remembers. */

#define TEST_TYPE_PIPE (test_pipe_get_type ())
G_DECLARE_FINAL_TYPE (TestPipe, test_pipe, TEST, PIPE, GObject)

struct _TestPipe
{
  GObject        parent_instance;

  int            fd;
  GString       *got;
  guint          n_writes;
  guint          n_lost;
  int            lost_code;
  TroupeReactor *reactor;            /* take the reader out after one read */
  gboolean       fails;
};

static int
test_pipe_get_fd (TroupeDescriptor *descriptor)
{
  return TEST_PIPE (descriptor)->fd;
}

static gboolean
test_pipe_do_read (TroupeDescriptor  *descriptor,
                   GError           **error)
{
  TestPipe *self = TEST_PIPE (descriptor);
  char buffer[16];
  gssize n = read (self->fd, buffer, sizeof buffer);

  if (n > 0)
    g_string_append_len (self->got, buffer, n);
  if (self->reactor != NULL)
    troupe_reactor_remove_reader (self->reactor, descriptor);
  if (self->fails)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "what is this?");

  return n > 0 && !self->fails;
}

static gboolean
test_pipe_do_write (TroupeDescriptor  *descriptor,
                    GError           **error)
{
  TEST_PIPE (descriptor)->n_writes++;

  return TRUE;
}

static void
test_pipe_connection_lost (TroupeDescriptor *descriptor,
                           const GError     *reason)
{
  TestPipe *self = TEST_PIPE (descriptor);

  self->n_lost++;
  self->lost_code = reason->code;
}

static void
test_pipe_descriptor_init (TroupeDescriptorInterface *iface)
{
  iface->get_fd = test_pipe_get_fd;
  iface->do_read = test_pipe_do_read;
  iface->do_write = test_pipe_do_write;
  iface->connection_lost = test_pipe_connection_lost;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TestPipe, test_pipe, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (TROUPE_TYPE_DESCRIPTOR, test_pipe_descriptor_init))

static void
test_pipe_finalize (GObject *object)
{
  TestPipe *self = TEST_PIPE (object);

  if (self->fd >= 0)
    close (self->fd);
  g_string_free (self->got, TRUE);
  G_OBJECT_CLASS (test_pipe_parent_class)->finalize (object);
}

static void
test_pipe_class_init (TestPipeClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_pipe_finalize;
}

static void
test_pipe_init (TestPipe *self)
{
  self->got = g_string_new (NULL);
}

static TestPipe *
test_pipe_new (int fd)
{
  TestPipe *self = g_object_new (TEST_TYPE_PIPE, NULL);

  self->fd = fd;
  return self;
}

/* Fixture: a system, and one end of a socket pair in its reactor */

typedef struct
{
  TroupeSystem  *system;
  TroupeReactor *reactor;
  TestPipe      *pipe;
  int            peer;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  backend)
{
  g_autoptr (GError) error = NULL;
  int fds[2];

  fixture->system = troupe_system_new (NULL, backend, &error);
  g_assert_no_error (error);
  fixture->reactor = troupe_system_get_reactor (fixture->system);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), ==, 0);
  fixture->pipe = test_pipe_new (fds[0]);
  fixture->peer = fds[1];
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  backend)
{
  troupe_test_system_end (fixture->system);
  g_object_unref (fixture->pipe);
  if (fixture->peer >= 0)
    close (fixture->peer);
}

static void
add_reader (Fixture  *fixture,
            TestPipe *pipe)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (troupe_reactor_add_reader (fixture->reactor, TROUPE_DESCRIPTOR (pipe), &error));
  g_assert_no_error (error);
}

static void
test_read (Fixture       *fixture,
           gconstpointer  backend)
{
  g_test_summary ("A reader is called as data comes, and told of the end.");

  add_reader (fixture, fixture->pipe);
  add_reader (fixture, fixture->pipe);
  g_assert_cmpint (write (fixture->peer, "hello", 5), ==, 5);
  troupe_test_until (fixture->pipe->got->len == 5);
  g_assert_cmpstr (fixture->pipe->got->str, ==, "hello");

  /* What is readable is drained before the hang-up counts. */
  g_assert_cmpint (write (fixture->peer, "0123456789abcdefghij", 20), ==, 20);
  close (fixture->peer);
  fixture->peer = -1;
  troupe_test_until (fixture->pipe->n_lost == 1);
  g_assert_cmpstr (fixture->pipe->got->str, ==, "hello0123456789abcdefghij");
  g_assert_cmpint (fixture->pipe->lost_code, ==, TROUPE_ERROR_CONNECTION_DONE);
  troupe_test_settle ();
  g_assert_cmpuint (fixture->pipe->n_lost, ==, 1);
}

static void
test_fail (Fixture       *fixture,
           gconstpointer  backend)
{
  g_test_summary ("A reader that fails is taken out, with its error as the reason.");

  fixture->pipe->fails = TRUE;
  add_reader (fixture, fixture->pipe);
  g_assert_cmpint (write (fixture->peer, "x", 1), ==, 1);
  troupe_test_until (fixture->pipe->n_lost == 1);
  g_assert_cmpint (fixture->pipe->lost_code, ==, G_IO_ERROR_INVALID_DATA);
}

static void
test_write (Fixture       *fixture,
            gconstpointer  backend)
{
  g_autoptr (GPtrArray) readers = NULL;
  g_autoptr (GPtrArray) writers = NULL;

  g_test_summary ("A writer is called while there is room, until it is removed.");

  g_assert_true (troupe_reactor_add_writer (fixture->reactor, TROUPE_DESCRIPTOR (fixture->pipe), NULL));
  troupe_test_until (fixture->pipe->n_writes >= 3);
  readers = troupe_reactor_dup_readers (fixture->reactor);
  writers = troupe_reactor_dup_writers (fixture->reactor);
  g_assert_cmpuint (readers->len, ==, 0);
  g_assert_cmpuint (writers->len, ==, 1);
  g_assert_true (g_ptr_array_index (writers, 0) == fixture->pipe);

  troupe_reactor_remove_writer (fixture->reactor, TROUPE_DESCRIPTOR (fixture->pipe));
  troupe_reactor_remove_writer (fixture->reactor, TROUPE_DESCRIPTOR (fixture->pipe));
  fixture->pipe->n_writes = 0;
  troupe_test_settle ();
  g_assert_cmpuint (fixture->pipe->n_writes, ==, 0);
  g_assert_cmpuint (fixture->pipe->n_lost, ==, 0);
}

static void
test_writer_lost (Fixture       *fixture,
                  gconstpointer  backend)
{
  g_test_summary ("A descriptor that is only written to is lost when the other side hangs up.");

  g_assert_true (troupe_reactor_add_writer (fixture->reactor, TROUPE_DESCRIPTOR (fixture->pipe), NULL));
  close (fixture->peer);
  fixture->peer = -1;
  troupe_test_until (fixture->pipe->n_lost == 1);
  g_assert_cmpint (fixture->pipe->lost_code, ==, TROUPE_ERROR_CONNECTION_LOST);
}

static void
test_remove_in_read (Fixture       *fixture,
                     gconstpointer  backend)
{
  g_test_summary ("A reader can take itself out while it reads.");

  fixture->pipe->reactor = fixture->reactor;
  add_reader (fixture, fixture->pipe);
  g_assert_cmpint (write (fixture->peer, "0123456789abcdefghij", 20), ==, 20);
  troupe_test_until (fixture->pipe->got->len > 0);
  troupe_test_settle ();
  g_assert_cmpuint (fixture->pipe->got->len, ==, 16);
  g_assert_cmpuint (fixture->pipe->n_lost, ==, 0);
}

static void
test_remove_all (Fixture       *fixture,
                 gconstpointer  backend)
{
  g_autoptr (GPtrArray) removed = NULL;
  g_autoptr (GPtrArray) nothing = NULL;

  g_test_summary ("Removing all gives back what was watched, once.");

  add_reader (fixture, fixture->pipe);
  g_assert_true (troupe_reactor_add_writer (fixture->reactor, TROUPE_DESCRIPTOR (fixture->pipe), NULL));
  removed = troupe_reactor_remove_all (fixture->reactor);
  nothing = troupe_reactor_remove_all (fixture->reactor);
  g_assert_cmpuint (removed->len, ==, 1);
  g_assert_cmpuint (nothing->len, ==, 0);
  g_assert_cmpint (write (fixture->peer, "x", 1), ==, 1);
  troupe_test_settle ();
  g_assert_cmpuint (fixture->pipe->got->len, ==, 0);
}

static void
test_bad (Fixture       *fixture,
          gconstpointer  backend)
{
  g_autoptr (TestPipe) none = test_pipe_new (-1);
  g_autoptr (TestPipe) closed = test_pipe_new (-1);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A number that is no open descriptor is refused.");

  g_assert_false (troupe_reactor_add_reader (fixture->reactor, TROUPE_DESCRIPTOR (none), &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_DESCRIPTOR);
  g_assert_cmpstr (error->message, ==, "-1 is not an open file descriptor");
  g_clear_error (&error);

  closed->fd = dup (fixture->peer);
  close (closed->fd);
  g_assert_false (troupe_reactor_add_writer (fixture->reactor, TROUPE_DESCRIPTOR (closed), &error));
  g_assert_error (error, TROUPE_ERROR, TROUPE_ERROR_BAD_DESCRIPTOR);
  closed->fd = -1;
}

static void
test_closed (Fixture       *fixture,
             gconstpointer  backend)
{
  int old = fixture->pipe->fd;
  g_autoptr (TestPipe) second = NULL;
  int fds[2];

  g_test_summary ("A descriptor that is closed and opened again under the same number is nobody's mistake.");

  add_reader (fixture, fixture->pipe);
  troupe_test_settle ();
  close (old);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), ==, 0);
  if (fds[0] != old)
    {
      g_assert_cmpint (dup2 (fds[0], old), ==, old);
      close (fds[0]);
    }
  fixture->pipe->fd = -1;

  second = test_pipe_new (old);
  add_reader (fixture, second);
  troupe_reactor_remove_reader (fixture->reactor, TROUPE_DESCRIPTOR (fixture->pipe));
  g_assert_cmpint (write (fds[1], "new", 3), ==, 3);
  troupe_test_until (second->got->len == 3);
  g_assert_cmpuint (fixture->pipe->got->len, ==, 0);
  troupe_reactor_remove_reader (fixture->reactor, TROUPE_DESCRIPTOR (second));
  close (fds[1]);
}

static void
test_stray (Fixture       *fixture,
            gconstpointer  backend)
{
  g_autoptr (TestPipe) live = NULL;
  int twin = dup (fixture->pipe->fd);
  int fds[2];

  g_test_summary ("A closed descriptor whose open file lives on elsewhere does not keep the reactor busy.");

  add_reader (fixture, fixture->pipe);
  troupe_test_settle ();
  close (fixture->pipe->fd);
  fixture->pipe->fd = -1;
  troupe_reactor_remove_reader (fixture->reactor, TROUPE_DESCRIPTOR (fixture->pipe));
  g_assert_cmpint (write (fixture->peer, "stray", 5), ==, 5);

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), ==, 0);
  live = test_pipe_new (fds[0]);
  add_reader (fixture, live);
  /* Ends only if nothing is reported over and over. */
  troupe_test_settle ();
  g_assert_cmpint (write (fds[1], "live", 4), ==, 4);
  troupe_test_until (live->got->len == 4);
  troupe_reactor_remove_reader (fixture->reactor, TROUPE_DESCRIPTOR (live));
  close (fds[1]);
  close (twin);
}

static void
test_file (Fixture       *fixture,
           gconstpointer  backend)
{
  g_autofree char *name = NULL;
  int fd = g_file_open_tmp ("troupe-XXXXXX", &name, NULL);
  g_autoptr (TestPipe) file = test_pipe_new (fd);

  g_test_summary ("A regular file is always readable, up to its end.");

  g_unlink (name);
  g_assert_cmpint (write (fd, "0123456789abcdefghij", 20), ==, 20);
  g_assert_cmpint (lseek (fd, 0, SEEK_SET), ==, 0);
  add_reader (fixture, file);
  troupe_test_until (file->n_lost == 1);
  g_assert_cmpuint (file->got->len, ==, 20);
  g_assert_cmpint (file->lost_code, ==, TROUPE_ERROR_CONNECTION_DONE);
}

static void
test_shutdown (Fixture       *fixture,
               gconstpointer  backend)
{
  g_test_summary ("Descriptors are told when the last system of their reactor ends.");

  add_reader (fixture, fixture->pipe);
  troupe_system_shutdown (fixture->system);
  troupe_test_until (troupe_system_has_ended (fixture->system));
  g_assert_cmpuint (fixture->pipe->n_lost, ==, 1);
  g_assert_cmpint (fixture->pipe->lost_code, ==, TROUPE_ERROR_CONNECTION_LOST);
}

static void
add (const char *backend,
     const char *name,
     void      (*func) (Fixture *, gconstpointer))
{
  g_autofree char *path = g_strdup_printf ("/troupe/descriptor/%s/%s", backend, name);

  g_test_add (path, Fixture, backend, set_up, func, tear_down);
}

int
main (int   argc,
      char *argv[])
{
  static const char *const backends[] = { "epoll", "poll" };
  guint i;

  g_test_init (&argc, &argv, NULL);

  for (i = 0; i < G_N_ELEMENTS (backends); i++)
    {
      add (backends[i], "read", test_read);
      add (backends[i], "fail", test_fail);
      add (backends[i], "write", test_write);
      add (backends[i], "writer-lost", test_writer_lost);
      add (backends[i], "remove-in-read", test_remove_in_read);
      add (backends[i], "remove-all", test_remove_all);
      add (backends[i], "bad", test_bad);
      add (backends[i], "closed", test_closed);
      add (backends[i], "stray", test_stray);
      add (backends[i], "file", test_file);
      add (backends[i], "shutdown", test_shutdown);
    }

  return g_test_run ();
}
