/* troupe-error.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include "troupe-error-private.h"

/**
 * TroupeError:
 * @TROUPE_ERROR_FAILED: it failed, and there is nothing more exact to say
 * @TROUPE_ERROR_ALREADY_RESOLVED: the promise has its outcome already; the new one was dropped
 * @TROUPE_ERROR_CANCELLED: the promise was cancelled by its consumer
 * @TROUPE_ERROR_TIMED_OUT: time ran out before the outcome came
 * @TROUPE_ERROR_FIRST_ERROR: one of several promises was rejected; see [func@Troupe.Error.get_index]
 *   and [func@Troupe.Error.get_cause]
 * @TROUPE_ERROR_ALL_FAILED: every one of several promises was rejected
 * @TROUPE_ERROR_ABANDONED: the actor at home with an adopted promise ended before its outcome came
 * @TROUPE_ERROR_BROKEN: the last resolver of the promise was dropped, or the message was dropped
 *   without a reply, so that no outcome can come any more
 * @TROUPE_ERROR_ADOPT_SELF: a step returned the promise it belongs to, or one that waits for it
 * @TROUPE_ERROR_ALREADY_ADOPTED: a step returned a promise that another chain has taken already
 * @TROUPE_ERROR_NOT_HELD: a semaphore or a lock was released by somebody who does not hold it
 * @TROUPE_ERROR_QUEUE_OVERFLOW: a queue, a mailbox or a stash is full, or too much waits for a thread
 * @TROUPE_ERROR_QUEUE_UNDERFLOW: a queue is empty, and no more may wait for a value
 * @TROUPE_ERROR_WOULD_BLOCK: only a fiber can wait, and only for promises that are at home where it is
 * @TROUPE_ERROR_NO_STACK: there is no memory for the stack of another fiber
 * @TROUPE_ERROR_BUSY: a file lock is waited for already
 * @TROUPE_ERROR_WOULD_DEADLOCK: a thread that runs actors, or promises, cannot block to wait for an answer
 * @TROUPE_ERROR_ACTOR_STOPPED: the actor has ended, or the object that was asked has, in a restart; if it failed, the cause says why
 * @TROUPE_ERROR_UNHANDLED: the actor has no handler for a message of that name
 * @TROUPE_ERROR_BODY_TYPE: the message has another type of body than its handler accepts
 * @TROUPE_ERROR_BAD_NAME: a name that an actor cannot have
 * @TROUPE_ERROR_NAME_IN_USE: another actor has that name, or is found under that path
 * @TROUPE_ERROR_BAD_PROPERTY: the actor's class has no such property, or not of that type
 * @TROUPE_ERROR_BAD_TOPIC: the name of a topic, or a filter of such names, is not well formed; see [func@Troupe.Error.get_index]
 * @TROUPE_ERROR_GAVE_UP: an actor failed more often than its supervision allows; the cause is why it failed last
 * @TROUPE_ERROR_LINK_FAILED: an actor that this one was linked to has failed, or was killed; the cause is why, if there was an error
 * @TROUPE_ERROR_ALREADY_CALLED: the timer has run
 * @TROUPE_ERROR_ALREADY_CANCELLED: the timer has been cancelled
 * @TROUPE_ERROR_ALREADY_RUNNING: the system runs already
 * @TROUPE_ERROR_NOT_RUNNING: the system does not run
 * @TROUPE_ERROR_NOT_RESTARTABLE: the system was stopped, and runs only once
 * @TROUPE_ERROR_ALREADY_INSTALLED: the reactor's backend was chosen already
 * @TROUPE_ERROR_NO_BACKEND: no backend of that name can be used here
 * @TROUPE_ERROR_NO_TRIGGER: there is no such trigger, or it has run
 * @TROUPE_ERROR_BAD_DESCRIPTOR: the file descriptor is closed, or of a kind that cannot be waited for
 * @TROUPE_ERROR_WRONG_THREAD: only the reactor's own thread can do that
 * @TROUPE_ERROR_TASK_DONE: the task has nothing left to do
 * @TROUPE_ERROR_TASK_FAILED: the task has ended by an error
 * @TROUPE_ERROR_TASK_STOPPED: the task was stopped, or its cooperator was
 * @TROUPE_ERROR_NOT_PAUSED: what is not paused cannot be resumed
 * @TROUPE_ERROR_BAD_ENDPOINT: the string does not describe an endpoint
 * @TROUPE_ERROR_CANNOT_LISTEN: the address cannot be listened on
 * @TROUPE_ERROR_UNKNOWN_HOST: the host name has no address
 * @TROUPE_ERROR_CONNECTION_REFUSED: nobody listens at the address
 * @TROUPE_ERROR_NO_ROUTE: the address cannot be reached from here
 * @TROUPE_ERROR_CANNOT_BIND: the local address to connect from cannot be used
 * @TROUPE_ERROR_CANNOT_CONNECT: the connection could not be made for some other reason
 * @TROUPE_ERROR_CONNECTION_DECLINED: the factory built no protocol for the connection
 * @TROUPE_ERROR_CONNECTION_DONE: the connection was closed in good order
 * @TROUPE_ERROR_CONNECTION_LOST: the connection broke, or its peer broke it
 * @TROUPE_ERROR_CONNECTION_ABORTED: the connection was aborted on this side
 * @TROUPE_ERROR_NO_DESCRIPTORS: the process or the machine has no file descriptor left
 * @TROUPE_ERROR_LINE_TOO_LONG: a line was longer than the protocol allows
 * @TROUPE_ERROR_BAD_ENCODING: the text is not valid UTF-8
 * @TROUPE_ERROR_BAD_JSON: the text is not valid JSON
 * @TROUPE_ERROR_NOT_AN_OBJECT: the JSON text is valid, but no object
 * @TROUPE_ERROR_TOO_DEEP: the JSON text is nested deeper than allowed
 * @TROUPE_ERROR_TOO_LARGE: the text is longer than allowed
 *
 * What can go wrong.
 *
 * An error may have a cause and an index besides its code and message; they are lost where a
 * language binding copies only the code and the message.
 *
 * Since: 1.0
 */

/**
 * TROUPE_ERROR:
 *
 * The domain of [error@Troupe.Error].
 *
 * Since: 1.0
 */

typedef struct
{
  GError *cause;                     /* a copy, or NULL */
  gint64  index;                     /* -1: none */
} TroupeErrorPrivate;

static void
troupe_error_private_init (TroupeErrorPrivate *priv)
{
  priv->index = -1;
}

static void
troupe_error_private_copy (const TroupeErrorPrivate *source,
                           TroupeErrorPrivate       *copy)
{
  copy->cause = source->cause != NULL ? g_error_copy (source->cause) : NULL;
  copy->index = source->index;
}

static void
troupe_error_private_clear (TroupeErrorPrivate *priv)
{
  g_clear_error (&priv->cause);
}

/**
 * troupe_error_quark:
 *
 * Names the domain of [error@Troupe.Error].
 *
 * Returns: the quark that %TROUPE_ERROR stands for
 *
 * Since: 1.0
 */
G_DEFINE_EXTENDED_ERROR (TroupeError, troupe_error)

/* Languages make errors of a domain by its name: one that is made before GLib knows that they have more in them is freed as what it
 * never was. */
__attribute__ ((constructor))
static void
troupe_error_register (void)
{
  troupe_error_quark ();
}

G_DEFINE_ENUM_TYPE (TroupeError, troupe_error,
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_FAILED, "failed"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_ALREADY_RESOLVED, "already-resolved"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_CANCELLED, "cancelled"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_TIMED_OUT, "timed-out"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_FIRST_ERROR, "first-error"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_ALL_FAILED, "all-failed"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_ABANDONED, "abandoned"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_BROKEN, "broken"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_ADOPT_SELF, "adopt-self"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_ALREADY_ADOPTED, "already-adopted"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_NOT_HELD, "not-held"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_QUEUE_OVERFLOW, "queue-overflow"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_QUEUE_UNDERFLOW, "queue-underflow"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_WOULD_BLOCK, "would-block"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_NO_STACK, "no-stack"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_BUSY, "busy"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_WOULD_DEADLOCK, "would-deadlock"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_ACTOR_STOPPED, "actor-stopped"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_UNHANDLED, "unhandled"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_BODY_TYPE, "body-type"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_BAD_NAME, "bad-name"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_NAME_IN_USE, "name-in-use"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_BAD_PROPERTY, "bad-property"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_BAD_TOPIC, "bad-topic"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_GAVE_UP, "gave-up"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_LINK_FAILED, "link-failed"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_ALREADY_CALLED, "already-called"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_ALREADY_CANCELLED, "already-cancelled"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_ALREADY_RUNNING, "already-running"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_NOT_RUNNING, "not-running"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_NOT_RESTARTABLE, "not-restartable"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_ALREADY_INSTALLED, "already-installed"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_NO_BACKEND, "no-backend"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_NO_TRIGGER, "no-trigger"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_BAD_DESCRIPTOR, "bad-descriptor"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_WRONG_THREAD, "wrong-thread"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_TASK_DONE, "task-done"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_TASK_FAILED, "task-failed"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_TASK_STOPPED, "task-stopped"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_NOT_PAUSED, "not-paused"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_BAD_ENDPOINT, "bad-endpoint"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_CANNOT_LISTEN, "cannot-listen"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_UNKNOWN_HOST, "unknown-host"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_CONNECTION_REFUSED, "connection-refused"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_NO_ROUTE, "no-route"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_CANNOT_BIND, "cannot-bind"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_CANNOT_CONNECT, "cannot-connect"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_CONNECTION_DECLINED, "connection-declined"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_CONNECTION_DONE, "connection-done"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_CONNECTION_LOST, "connection-lost"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_CONNECTION_ABORTED, "connection-aborted"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_NO_DESCRIPTORS, "no-descriptors"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_LINE_TOO_LONG, "line-too-long"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_BAD_ENCODING, "bad-encoding"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_BAD_JSON, "bad-json"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_NOT_AN_OBJECT, "not-an-object"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_TOO_DEEP, "too-deep"),
                    G_DEFINE_ENUM_VALUE (TROUPE_ERROR_TOO_LARGE, "too-large"))

GError *
troupe_error_new_with_cause (TroupeError   code,
                             gint64        index,
                             const GError *cause,
                             const char   *format,
                             ...)
{
  GError *error;
  TroupeErrorPrivate *priv;
  va_list args;

  va_start (args, format);
  error = g_error_new_valist (TROUPE_ERROR, code, format, args);
  va_end (args);

  priv = troupe_error_get_private (error);
  priv->index = index;
  if (cause != NULL)
    priv->cause = g_error_copy (cause);

  return error;
}

/**
 * troupe_error_get_cause:
 * @error: an error
 *
 * Gets the error that led to @error.
 *
 * Errors of other domains have none.
 *
 * Returns: (transfer none) (nullable): the cause, owned by @error
 *
 * Since: 1.0
 */
const GError *
troupe_error_get_cause (const GError *error)
{
  g_return_val_if_fail (error != NULL, NULL);

  if (error->domain != TROUPE_ERROR)
    return NULL;

  return troupe_error_get_private (error)->cause;
}

/**
 * troupe_error_get_index:
 * @error: an error
 *
 * Gets which one of several promises @error is about.
 *
 * Returns: its position, counted from 0, or -1 if there is none
 *
 * Since: 1.0
 */
gint64
troupe_error_get_index (const GError *error)
{
  g_return_val_if_fail (error != NULL, -1);

  if (error->domain != TROUPE_ERROR)
    return -1;

  return troupe_error_get_private (error)->index;
}
