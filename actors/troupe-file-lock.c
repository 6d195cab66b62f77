/* troupe-file-lock.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <glib/gstdio.h>

#include "troupe-error.h"
#include "troupe-file-lock.h"
#include "troupe-promise-private.h"
#include "troupe-reactor-private.h"
#include "troupe-ref-private.h"
#include "troupe-timer-private.h"

#define TROUPE_FILE_LOCK_INTERVAL_MS 1000

/**
 * TroupeFileLock:
 *
 * A lock between processes, by way of a file.
 *
 * The lock is one of the kernel's on an open file, flock(), and not the file: it is gone when the process that holds it
 * ends, in whatever way, and a file that is left over means nothing. (A process that was forked off, and runs no other program, has
 * the open file as well.) So nobody needs to clean up, and nobody should: who removes the file of a lock that is held lets
 * another process lock a new one. Other programs take part by the same means, such as the command `flock`. The file is made if it is not there; it is never written to. It should be on a file system of the same machine:
 * opening a file on another one may take its time, and every actor of the reactor would wait.
 *
 * The kernel tells nobody when a lock is free. While it is not, the file is tried once a second, so neither order
 * nor fairness is promised between processes. Two of these objects exclude each other within a process as well.
 *
 * A file lock belongs to the actor in whose turn it was made, else to the reactor of the thread-default main context, and is for
 * that actor's turns, or that thread, alone. It keeps itself alive while it is held or waited for. When its actor has ended it is
 * released.
 *
 * Since: 1.0
 */

struct _TroupeFileLock
{
  GObject         parent_instance;

  TroupeResource  resource;          /* of home while it is held, unless that is no actor */
  TroupeRef      *home;
  char           *path;
  int             fd;                /* locked, else -1; with it goes a reference to this */

  TroupeResolver *waiter;            /* of a promise that is waited for, else NULL */
  TroupeTimer    *next_try;
  TroupeTimer    *timeout;
  gint64          timeout_ms;
};

G_DEFINE_FINAL_TYPE (TroupeFileLock, troupe_file_lock, G_TYPE_OBJECT)

static TroupeFileLock *
troupe_file_lock_from_resource (TroupeResource *resource)
{
  return (TroupeFileLock *) ((char *) resource - G_STRUCT_OFFSET (TroupeFileLock, resource));
}

static void
troupe_file_lock_set_error (TroupeFileLock  *self,
                            const char      *what,
                            GError         **error)
{
  int saved_errno = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno), "Cannot %s “%s”: %s", what, self->path,
               g_strerror (saved_errno));
}

/* Somebody may have removed the file between open () and flock (): others would lock another one. */
static gboolean
troupe_file_lock_is_current (TroupeFileLock *self,
                             int             fd)
{
  struct stat locked;
  struct stat current;

  return fstat (fd, &locked) == 0 && stat (self->path, &current) == 0 &&
         locked.st_dev == current.st_dev && locked.st_ino == current.st_ino;
}

static void
troupe_file_lock_hold (TroupeFileLock *self,
                       int             fd)
{
  self->fd = fd;
  g_object_ref (self);
  if ((self->home->flags & TROUPE_REF_OUTSIDE) == 0)
    troupe_ref_add_resource (self->home, &self->resource);
}

/* May free it. Unlocked by hand, in case a copy of the descriptor lives on in a process that was forked off. */
static void
troupe_file_lock_let_go (TroupeFileLock *self)
{
  if ((self->home->flags & TROUPE_REF_OUTSIDE) == 0)
    troupe_ref_remove_resource (self->home, &self->resource);
  flock (self->fd, LOCK_UN);
  g_close (self->fd, NULL);
  self->fd = -1;
  g_object_unref (self);
}

static void
troupe_file_lock_home_ended (TroupeResource *resource,
                             TroupeRef      *home)
{
  troupe_file_lock_let_go (troupe_file_lock_from_resource (resource));
}

/* FALSE without an error: somebody has it, or the file changed under us. Never waits. */
static gboolean
troupe_file_lock_try (TroupeFileLock  *self,
                      GError         **error)
{
  int fd;

  if (self->fd >= 0)
    return FALSE;

  /* To write, as network file systems give no exclusive lock otherwise; without waiting, in case it is no file. */
  do
    fd = g_open (self->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
  while (fd < 0 && errno == EINTR);
  if (fd < 0)
    {
      troupe_file_lock_set_error (self, "open the file of a lock", error);
      return FALSE;
    }

  if (flock (fd, LOCK_EX | LOCK_NB) < 0)
    {
      if (errno != EWOULDBLOCK)
        troupe_file_lock_set_error (self, "lock the file", error);
    }
  else if (troupe_file_lock_is_current (self, fd))
    {
      troupe_file_lock_hold (self, fd);
      return TRUE;
    }

  g_close (fd, NULL);

  return FALSE;
}

/* The wait is over: it is held, or there is ERROR, which is taken. */
static void
troupe_file_lock_end_wait (TroupeFileLock *self,
                           GError         *error)
{
  g_autoptr (TroupeResolver) waiter = g_steal_pointer (&self->waiter);

  if (error != NULL)
    troupe_resolver_take_error (waiter, error);
  else
    troupe_resolver_resolve_object (waiter, self, NULL);
}

static void troupe_file_lock_try_again_cb (TroupeTimer *timer,
                                           gpointer     data);

/* The timer holds it. */
static TroupeTimer *
troupe_file_lock_set_timer (TroupeFileLock  *self,
                            gint64           delay_ms,
                            TroupeTimerFunc  func)
{
  TroupeTimer *timer = troupe_timer_new (self->home, delay_ms, FALSE, func, g_object_ref (self), g_object_unref);

  timer->mail.bits |= TROUPE_TIMER_PROMISED;

  return timer;
}

static void
troupe_file_lock_try_later (TroupeFileLock *self)
{
  self->next_try = troupe_file_lock_set_timer (self, TROUPE_FILE_LOCK_INTERVAL_MS, troupe_file_lock_try_again_cb);
}

static void
troupe_file_lock_try_again_cb (TroupeTimer *timer,
                               gpointer     data)
{
  TroupeFileLock *self = data;
  GError *error = NULL;

  g_clear_pointer (&self->next_try, troupe_timer_unref);
  if (troupe_file_lock_try (self, &error) || error != NULL)
    {
      troupe_timer_clear (&self->timeout);
      troupe_file_lock_end_wait (self, error);
    }
  else
    {
      troupe_file_lock_try_later (self);
    }
}

static void
troupe_file_lock_timed_out_cb (TroupeTimer *timer,
                               gpointer     data)
{
  TroupeFileLock *self = data;
  GError *error = NULL;

  g_clear_pointer (&self->timeout, troupe_timer_unref);
  troupe_timer_clear (&self->next_try);
  if (!troupe_file_lock_try (self, &error) && error == NULL)
    error = g_error_new (TROUPE_ERROR, TROUPE_ERROR_TIMED_OUT, "“%s” was locked for %" G_GINT64_FORMAT " ms",
                         self->path, self->timeout_ms);
  troupe_file_lock_end_wait (self, error);
}

/* If the last try brings nothing, the promise is rejected as any other that is cancelled. */
static void
troupe_file_lock_cancelled_cb (TroupeResolver *resolver,
                               gpointer        data)
{
  TroupeFileLock *self = data;

  troupe_timer_clear (&self->timeout);
  troupe_timer_clear (&self->next_try);
  if (troupe_file_lock_try (self, NULL))
    troupe_file_lock_end_wait (self, NULL);
  else
    g_clear_pointer (&self->waiter, troupe_resolver_unref);
}

static TroupePromise *
troupe_file_lock_wait (TroupeFileLock *self,
                       gint64          timeout_ms)
{
  TroupePromise *promise = troupe_promise_new_with_canceller (&self->waiter, troupe_file_lock_cancelled_cb,
                                                              g_object_ref (self), g_object_unref);

  self->timeout_ms = timeout_ms;
  if (timeout_ms >= 0)
    self->timeout = troupe_file_lock_set_timer (self, timeout_ms, troupe_file_lock_timed_out_cb);
  troupe_file_lock_try_later (self);

  return promise;
}

static TroupePromise *
troupe_file_lock_new_acquired (TroupeFileLock *self)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, TROUPE_TYPE_FILE_LOCK);
  g_value_set_object (&value, self);

  return troupe_promise_new_resolved (&value);
}

static void
troupe_file_lock_finalize (GObject *object)
{
  TroupeFileLock *self = TROUPE_FILE_LOCK (object);

  /* Only now, if its actor has ended while it waited. */
  g_clear_pointer (&self->next_try, troupe_timer_unref);
  g_clear_pointer (&self->timeout, troupe_timer_unref);
  g_clear_pointer (&self->waiter, troupe_resolver_unref);
  g_free (self->path);
  troupe_ref_unref (self->home);

  G_OBJECT_CLASS (troupe_file_lock_parent_class)->finalize (object);
}

static void
troupe_file_lock_class_init (TroupeFileLockClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = troupe_file_lock_finalize;
}

static void
troupe_file_lock_init (TroupeFileLock *self)
{
  self->home = troupe_ref_ref (troupe_promise_get_home_now ());
  self->resource.ended = troupe_file_lock_home_ended;
  self->fd = -1;
}

/**
 * troupe_file_lock_new:
 * @path: (type filename): the path of a file, which need not exist; its folder must
 *
 * Makes a file lock of the actor whose turn this is, or else of the reactor of the thread-default main context.
 *
 * Nothing is locked or made until [method@Troupe.FileLock.acquire]. Call this on the thread of the actor or reactor.
 *
 * Returns: (transfer full): the file lock
 *
 * Since: 1.0
 */
TroupeFileLock *
troupe_file_lock_new (const char *path)
{
  TroupeFileLock *self;

  g_return_val_if_fail (path != NULL, NULL);
  g_return_val_if_fail (troupe_reactor_is_here (troupe_promise_get_home_now ()->reactor), NULL);

  self = g_object_new (TROUPE_TYPE_FILE_LOCK, NULL);
  self->path = g_strdup (path);

  return self;
}

static gboolean
troupe_file_lock_is_at_home (TroupeFileLock *self)
{
  /* A thread without a default context of its own would pass for the main one. */
  return troupe_promise_get_home_now () == self->home && troupe_reactor_is_here (self->home->reactor);
}

/**
 * troupe_file_lock_acquire:
 * @self: a file lock
 * @timeout_ms: how many milliseconds to wait, 0 or more, or -1 for as long as it takes
 *
 * Asks to hold the lock.
 *
 * It is tried at once, and then every second. The promise is resolved, with @self, when it is held: already here if the first try gets it.
 * When the time has run out, or when the promise is cancelled, there is one last try; if that gets the lock, it is a success,
 * else the promise is rejected with %TROUPE_ERROR_TIMED_OUT or %TROUPE_ERROR_CANCELLED. It is rejected with %TROUPE_ERROR_BUSY if another
 * promise of @self waits already, and with a #GIOErrorEnum if the file cannot be opened or locked at all. After all
 * of that it may be acquired again.
 *
 * Returns: (transfer full): a promise of the file lock
 *
 * Since: 1.0
 */
TroupePromise *
troupe_file_lock_acquire (TroupeFileLock *self,
                          gint64          timeout_ms)
{
  GError *error = NULL;

  g_return_val_if_fail (TROUPE_IS_FILE_LOCK (self), NULL);
  g_return_val_if_fail (self->path != NULL, NULL);
  g_return_val_if_fail (timeout_ms >= -1, NULL);
  g_return_val_if_fail (troupe_file_lock_is_at_home (self), NULL);

  if (self->waiter != NULL)
    return troupe_promise_new_rejected (g_error_new (TROUPE_ERROR, TROUPE_ERROR_BUSY,
                                                     "The lock of “%s” is waited for already", self->path));

  if (troupe_file_lock_try (self, &error))
    return troupe_file_lock_new_acquired (self);

  return error != NULL ? troupe_promise_new_rejected (error) : troupe_file_lock_wait (self, timeout_ms);
}

/**
 * troupe_file_lock_release:
 * @self: a file lock
 * @error: return location for a #GError
 *
 * Lets go of the lock. The file stays.
 *
 * Returns: %TRUE, or %FALSE with %TROUPE_ERROR_NOT_HELD
 *
 * Since: 1.0
 */
gboolean
troupe_file_lock_release (TroupeFileLock  *self,
                          GError         **error)
{
  g_return_val_if_fail (TROUPE_IS_FILE_LOCK (self), FALSE);
  g_return_val_if_fail (troupe_file_lock_is_at_home (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (self->fd < 0)
    {
      g_set_error (error, TROUPE_ERROR, TROUPE_ERROR_NOT_HELD, "The lock of “%s” is not held here", self->path);
      return FALSE;
    }

  troupe_file_lock_let_go (self);

  return TRUE;
}

/**
 * troupe_file_lock_is_held:
 * @self: a file lock
 *
 * Tells whether the lock is held by way of this object.
 *
 * Returns: %TRUE if it is
 *
 * Since: 1.0
 */
gboolean
troupe_file_lock_is_held (TroupeFileLock *self)
{
  g_return_val_if_fail (TROUPE_IS_FILE_LOCK (self), FALSE);

  return self->fd >= 0;
}

/**
 * troupe_file_lock_get_path:
 * @self: a file lock
 *
 * Gets the path of its file.
 *
 * Returns: (type filename) (transfer none): the path
 *
 * Since: 1.0
 */
const char *
troupe_file_lock_get_path (TroupeFileLock *self)
{
  g_return_val_if_fail (TROUPE_IS_FILE_LOCK (self), NULL);

  return self->path;
}
