/* troupe-message.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <link.h>

#include "troupe-dead-letter.h"
#include "troupe-error.h"
#include "troupe-message-private.h"
#include "troupe-promise-private.h"
#include "troupe-ref-private.h"
#include "troupe-termination.h"

/**
 * TroupeMessage: (ref-func troupe_message_ref) (unref-func troupe_message_unref)
 *
 * What one actor tells or asks another: a name, and a body that is one typed value or none.
 *
 * A message is made, sent and forgotten: sending takes it. It may be sent again while a reference
 * is kept, as a fresh envelope over the same body. References may be taken and dropped on any
 * thread. The receiver reads the body, and answers if [method@Troupe.Message.wants_reply].
 *
 * Since: 1.0
 */

G_DEFINE_BOXED_TYPE (TroupeMessage, troupe_message, troupe_message_ref, troupe_message_unref)

/*
 * Interned names, found by the address that they are given at, so that making a message needs no lock.
 *
 * An address says nothing for sure, because other text may come to be at it, unless it is within the read-only part of the
 * program itself, as literals are. Any other name is compared. Each place has room for two: names that share one do not
 * push each other out.
 */
#define TROUPE_N_NAMES 128

typedef struct
{
  const char *literal;               /* NULL: not in the program's read-only part */
  const char *interned;
} TroupeName;

typedef TroupeName TroupeNamePlace[2];

/* Made when a thread makes its first message: what is thread-local itself has to be small, for programs that load the library late. */
static __thread TroupeNamePlace *troupe_message_names;

static void
troupe_message_free_names (gpointer names)
{
  /* Others that end with the thread may still send. */
  troupe_message_names = NULL;
  g_free (names);
}

static GPrivate troupe_message_names_key = G_PRIVATE_INIT (troupe_message_free_names);

static int
find_in_program (struct dl_phdr_info *program,
                 size_t               size,
                 void                *data)
{
  gsize address = *(gsize *) data;
  guint i;

  for (i = 0; i < program->dlpi_phnum; i++)
    {
      const ElfW (Phdr) *part = &program->dlpi_phdr[i];

      if (part->p_type == PT_LOAD && !(part->p_flags & PF_W) &&
          address - (program->dlpi_addr + part->p_vaddr) < part->p_memsz)
        return 1;
    }

  /* The program comes first. Libraries may be unloaded, and others be loaded at the same place. */
  return -1;
}

static gboolean
is_literal (const char *name)
{
  gsize address = (gsize) name;

  return dl_iterate_phdr (find_in_program, &address) == 1;
}

/* Names are short: calling strcmp () costs more than comparing. */
static inline gboolean
is_same_name (const char *a,
              const char *b)
{
  while (*a == *b && *a != '\0')
    a++, b++;

  return *a == *b;
}

static inline gboolean
troupe_name_matches (const TroupeName *self,
                     const char       *name)
{
  return self->literal == name || (self->interned != NULL && is_same_name (self->interned, name));
}

static G_GNUC_NO_INLINE TroupeNamePlace *
troupe_message_make_names (void)
{
  troupe_message_names = g_new0 (TroupeNamePlace, TROUPE_N_NAMES);
  g_private_replace (&troupe_message_names_key, troupe_message_names);

  return troupe_message_names;
}

static G_GNUC_NO_INLINE const char *
troupe_message_intern_slow (const char *name,
                            TroupeName *place)
{
  TroupeName found = place[1];

  if (!troupe_name_matches (&found, name))
    found = (TroupeName) { is_literal (name) ? name : NULL, g_intern_string (name) };

  /* The last one used is looked at first. */
  place[1] = place[0];
  place[0] = found;

  return found.interned;
}

static inline const char *
troupe_message_intern (const char *name)
{
  gsize address = (gsize) name;
  TroupeNamePlace *names = troupe_message_names;
  TroupeName *place;

  if (G_UNLIKELY (names == NULL))
    names = troupe_message_make_names ();
  place = names[(address ^ (address >> 7)) % TROUPE_N_NAMES];

  if (G_LIKELY (troupe_name_matches (&place[0], name)))
    return place[0].interned;

  return troupe_message_intern_slow (name, place);
}

/* Takes BODY. */
static inline TroupeMessage *
troupe_message_make (const char *name,
                     TroupeBody  body)
{
  TroupeMessage *self = troupe_slab_alloc (TROUPE_SLAB_SMALL);

  *self = (TroupeMessage) {
    .mail.kind = TROUPE_MAIL_MESSAGE,
    .mail.ref_count = 1,
    .name = name,
    .body = body,
  };

  return self;
}

TroupeMessage *
troupe_message_new_with_body (const char *name,
                              TroupeBody  body)
{
  return troupe_message_make (name, body);
}

static G_GNUC_NO_INLINE void
troupe_message_free_timed (TroupeMessage *self)
{
  /* It was sent, not asked. */
  g_assert (self->reply == NULL);

  troupe_body_clear (&self->body);
  if (self->target != NULL)
    troupe_ref_unref (self->target);
  troupe_slab_free (TROUPE_SLAB_MEDIUM, self);
}

void
troupe_message_free (TroupeMessage *self)
{
  troupe_message_release_sender (self);
  if (self->mail.bits & (TROUPE_MESSAGE_SHARES | TROUPE_MESSAGE_TIMED))
    {
      if (self->mail.bits & TROUPE_MESSAGE_TIMED)
        {
          troupe_message_free_timed (self);
          return;
        }
      troupe_message_unref (self->original);
    }
  else
    {
      troupe_body_clear (&self->body);
      if (self->target != NULL)
        troupe_ref_unref (self->target);
    }
  if (G_UNLIKELY (self->reply != NULL))
    troupe_resolver_unref (self->reply);

  troupe_slab_free (TROUPE_SLAB_SMALL, self);
}

static inline gboolean
troupe_message_is_shared (TroupeMessage *self)
{
  /* Acquire: what the other holder did with it happened before it became ours alone. */
  return __atomic_load_n (&self->mail.ref_count, __ATOMIC_ACQUIRE) > 1;
}

TroupeMessage *
troupe_message_prepare_slow (TroupeMessage *self)
{
  TroupeMessage *copy = troupe_message_make (self->name, TROUPE_BODY_NOTHING);

  copy->mail.bits = TROUPE_MESSAGE_SENT;
  if (!troupe_body_copy (&self->body, &copy->body))
    {
      g_critical ("The message “%s” cannot be sent twice: its body is a pointer that can be freed only once", self->name);
      g_clear_pointer (&copy, troupe_message_unref);
    }

  troupe_message_unref (self);
  return copy;
}

TroupeResolver *
troupe_message_steal_reply (TroupeMessage *self)
{
  return g_steal_pointer (&self->reply);
}

void
troupe_message_reject (TroupeMessage *self,
                       const GError  *error)
{
  TroupeResolver *reply = troupe_message_steal_reply (self);

  if (reply == NULL)
    return;

  troupe_resolver_take_error (reply, g_error_copy (error));
  troupe_resolver_unref (reply);
}

/**
 * troupe_message_new:
 * @name: what the message is about, the name that its handler is bound to
 *
 * Makes a message without a body.
 *
 * The name is kept for ever, as all interned strings are: do not make one of what comes off the wire.
 *
 * Returns: (transfer full): a message
 *
 * Since: 1.0
 */
TroupeMessage *
troupe_message_new (const char *name)
{
  g_return_val_if_fail (name != NULL, NULL);

  return troupe_message_make (troupe_message_intern (name), TROUPE_BODY_NOTHING);
}

/**
 * troupe_message_new_int64:
 * @name: what the message is about, the name that its handler is bound to
 * @number: a number
 *
 * Makes a message whose body is a signed number.
 *
 * Returns: (transfer full): a message
 *
 * Since: 1.0
 */
TroupeMessage *
troupe_message_new_int64 (const char *name,
                          gint64      number)
{
  g_return_val_if_fail (name != NULL, NULL);

  return troupe_message_make (troupe_message_intern (name), troupe_body_int64 (number));
}

/**
 * troupe_message_new_uint64:
 * @name: what the message is about, the name that its handler is bound to
 * @number: a number
 *
 * Makes a message whose body is an unsigned number.
 *
 * Returns: (transfer full): a message
 *
 * Since: 1.0
 */
TroupeMessage *
troupe_message_new_uint64 (const char *name,
                           guint64     number)
{
  g_return_val_if_fail (name != NULL, NULL);

  return troupe_message_make (troupe_message_intern (name), troupe_body_uint64 (number));
}

/**
 * troupe_message_new_double:
 * @name: what the message is about, the name that its handler is bound to
 * @number: a number
 *
 * Makes a message whose body is a floating-point number.
 *
 * Returns: (transfer full): a message
 *
 * Since: 1.0
 */
TroupeMessage *
troupe_message_new_double (const char *name,
                           double      number)
{
  g_return_val_if_fail (name != NULL, NULL);

  return troupe_message_make (troupe_message_intern (name), troupe_body_double (number));
}

/**
 * troupe_message_new_boolean:
 * @name: what the message is about, the name that its handler is bound to
 * @truth: a truth value
 *
 * Makes a message whose body is a truth value.
 *
 * Returns: (transfer full): a message
 *
 * Since: 1.0
 */
TroupeMessage *
troupe_message_new_boolean (const char *name,
                            gboolean    truth)
{
  g_return_val_if_fail (name != NULL, NULL);

  return troupe_message_make (troupe_message_intern (name), troupe_body_boolean (truth));
}

/**
 * troupe_message_new_string:
 * @name: what the message is about, the name that its handler is bound to
 * @string: a UTF-8 string, which is copied
 *
 * Makes a message whose body is a string.
 *
 * Returns: (transfer full): a message
 *
 * Since: 1.0
 */
TroupeMessage *
troupe_message_new_string (const char *name,
                           const char *string)
{
  g_return_val_if_fail (name != NULL, NULL);
  g_return_val_if_fail (string != NULL, NULL);

  return troupe_message_make (troupe_message_intern (name), troupe_body_string (string));
}

/**
 * troupe_message_new_bytes:
 * @name: what the message is about, the name that its handler is bound to
 * @bytes: bytes, which are not copied but referenced
 *
 * Makes a message whose body is bytes.
 *
 * Returns: (transfer full): a message
 *
 * Since: 1.0
 */
TroupeMessage *
troupe_message_new_bytes (const char *name,
                          GBytes     *bytes)
{
  g_return_val_if_fail (name != NULL, NULL);
  g_return_val_if_fail (bytes != NULL, NULL);

  return troupe_message_make (troupe_message_intern (name), troupe_body_bytes (bytes));
}

/**
 * troupe_message_new_variant:
 * @name: what the message is about, the name that its handler is bound to
 * @variant: a variant; a floating reference is taken over
 *
 * Makes a message whose body is a variant.
 *
 * Returns: (transfer full): a message
 *
 * Since: 1.0
 */
TroupeMessage *
troupe_message_new_variant (const char *name,
                            GVariant   *variant)
{
  g_return_val_if_fail (name != NULL, NULL);
  g_return_val_if_fail (variant != NULL, NULL);

  return troupe_message_make (troupe_message_intern (name), troupe_body_variant (variant));
}

/**
 * troupe_message_new_object:
 * @name: what the message is about, the name that its handler is bound to
 * @object: (type GObject.Object): an object, which is referenced
 *
 * Makes a message whose body is an object.
 *
 * Returns: (transfer full): a message
 *
 * Since: 1.0
 */
TroupeMessage *
troupe_message_new_object (const char *name,
                           gpointer    object)
{
  g_return_val_if_fail (name != NULL, NULL);
  g_return_val_if_fail (G_IS_OBJECT (object), NULL);

  return troupe_message_make (troupe_message_intern (name), troupe_body_object (object));
}

/**
 * troupe_message_new_boxed: (skip)
 * @name: what the message is about, the name that its handler is bound to
 * @type: the type of @boxed
 * @boxed: a boxed value, which is copied
 *
 * Makes a message whose body is a boxed value.
 *
 * Returns: (transfer full): a message
 *
 * Since: 1.0
 */
TroupeMessage *
troupe_message_new_boxed (const char    *name,
                          GType          type,
                          gconstpointer  boxed)
{
  g_return_val_if_fail (name != NULL, NULL);
  g_return_val_if_fail (G_TYPE_IS_BOXED (type), NULL);
  g_return_val_if_fail (boxed != NULL, NULL);

  return troupe_message_make (troupe_message_intern (name), troupe_body_boxed (type, boxed));
}

/**
 * troupe_message_new_pointer: (skip)
 * @name: what the message is about, the name that its handler is bound to
 * @pointer: a pointer
 * @destroy: (nullable): frees @pointer when nobody has taken it
 *
 * Makes a message whose body is a pointer.
 *
 * With @destroy, the body cannot be shared: such a message travels once, to one receiver. Whoever
 * lets go of it last frees the pointer, on any thread.
 *
 * Returns: (transfer full): a message
 *
 * Since: 1.0
 */
TroupeMessage *
troupe_message_new_pointer (const char     *name,
                            gpointer        pointer,
                            GDestroyNotify  destroy)
{
  g_return_val_if_fail (name != NULL, NULL);

  return troupe_message_make (troupe_message_intern (name), troupe_body_pointer (pointer, destroy));
}

/**
 * troupe_message_new_json: (skip)
 * @name: what the message is about, the name that its handler is bound to
 * @json: (transfer full) (nullable): a tree, of which nobody else may hold any part; %NULL is `null`
 *
 * Makes a message whose body is a JSON tree.
 *
 * json-c's reference counts are not atomic, so the caller must hold no other reference to any part
 * of the tree. Language bindings use [ctor@Troupe.Message.new_json_string].
 *
 * Returns: (transfer full): a message
 *
 * Since: 1.0
 */
TroupeMessage *
troupe_message_new_json (const char         *name,
                         struct json_object *json)
{
  g_return_val_if_fail (name != NULL, NULL);

  return troupe_message_make (troupe_message_intern (name), troupe_body_json (json));
}

/**
 * troupe_message_new_json_string:
 * @name: what the message is about, the name that its handler is bound to
 * @text: one JSON text
 * @error: where to say what is wrong with @text
 *
 * Makes a message whose body is a JSON tree, from its text.
 *
 * The errors are %TROUPE_ERROR_BAD_JSON, %TROUPE_ERROR_TOO_DEEP (32 levels are allowed) and
 * %TROUPE_ERROR_TOO_LARGE.
 *
 * Returns: (transfer full): a message, or %NULL with @error set
 *
 * Since: 1.0
 */
TroupeMessage *
troupe_message_new_json_string (const char  *name,
                                const char  *text,
                                GError     **error)
{
  TroupeBody body;

  g_return_val_if_fail (name != NULL, NULL);
  g_return_val_if_fail (text != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!troupe_body_from_json_string (&body, text, error))
    return NULL;

  return troupe_message_make (troupe_message_intern (name), body);
}

/**
 * troupe_message_new_value:
 * @name: what the message is about, the name that its handler is bound to
 * @value: (nullable): a value
 *
 * Makes a message whose body is a value.
 *
 * Small integers, floats, enums and flags become the widest number of their kind. An unset value
 * makes no body.
 *
 * Returns: (transfer full): a message
 *
 * Since: 1.0
 */
TroupeMessage *
troupe_message_new_value (const char   *name,
                          const GValue *value)
{
  TroupeBody body;

  g_return_val_if_fail (name != NULL, NULL);

  if (!troupe_body_from_value (&body, value))
    g_critical ("A message cannot carry a %s", G_VALUE_TYPE_NAME (value));

  return troupe_message_make (troupe_message_intern (name), body);
}

/**
 * troupe_message_ref:
 * @self: a message
 *
 * Takes another reference. Call it from any thread.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
TroupeMessage *
troupe_message_ref (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  /* Only the thread that a letter stayed on can see it before this; from now on any may be the last. */
  if (self->mail.bits & TROUPE_MESSAGE_LETTER)
    {
      TroupeRef *sender = troupe_ref_ref (self->sender);

      troupe_message_release_sender (self);
      self->sender = sender;
      self->mail.bits &= ~TROUPE_MESSAGE_LETTER;
    }

  /* Relaxed, here and with all such counts: who takes another reference has one, so it cannot go. */
  __atomic_fetch_add (&self->mail.ref_count, 1, __ATOMIC_RELAXED);
  return self;
}

/**
 * troupe_message_unref:
 * @self: (transfer full): a message
 *
 * Drops a reference.
 *
 * With the last one the body is freed, on this thread. Call it from any thread.
 *
 * Since: 1.0
 */
void
troupe_message_unref (TroupeMessage *self)
{
  g_return_if_fail (self != NULL);

  /* The only holder needs no atomic subtraction. Acquire, as in is_shared (); release, so that all use of it happens before it
   * is freed. */
  if (__atomic_load_n (&self->mail.ref_count, __ATOMIC_ACQUIRE) == 1 ||
      __atomic_fetch_sub (&self->mail.ref_count, 1, __ATOMIC_ACQ_REL) == 1)
    troupe_message_free (self);
}

/**
 * troupe_message_get_name:
 * @self: a message
 *
 * Gets what the message is about.
 *
 * Returns: (transfer none): its name, an interned string
 *
 * Since: 1.0
 */
const char *
troupe_message_get_name (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->name;
}

/**
 * troupe_message_get_sender:
 * @self: a message
 *
 * Gets the address of the actor that sent the message.
 *
 * Returns: (transfer none) (nullable): the sender, or %NULL if it was sent outside any actor, or not yet
 *
 * Since: 1.0
 */
TroupeRef *
troupe_message_get_sender (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->sender;
}

/**
 * troupe_message_get_body_type:
 * @self: a message
 *
 * Gets the type of the body.
 *
 * Returns: the type, %G_TYPE_NONE if there is no body
 *
 * Since: 1.0
 */
GType
troupe_message_get_body_type (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, G_TYPE_INVALID);

  return troupe_body_get_type (&self->body);
}

/**
 * troupe_message_get_int64:
 * @self: a message
 *
 * Reads the body, which must be a signed number.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
gint64
troupe_message_get_int64 (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return troupe_body_get_int64 (&self->body);
}

/**
 * troupe_message_get_uint64:
 * @self: a message
 *
 * Reads the body, which must be an unsigned number.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
troupe_message_get_uint64 (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return troupe_body_get_uint64 (&self->body);
}

/**
 * troupe_message_get_double:
 * @self: a message
 *
 * Reads the body, which must be a floating-point number.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
double
troupe_message_get_double (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return troupe_body_get_double (&self->body);
}

/**
 * troupe_message_get_boolean:
 * @self: a message
 *
 * Reads the body, which must be a truth value.
 *
 * Returns: the truth value
 *
 * Since: 1.0
 */
gboolean
troupe_message_get_boolean (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return troupe_body_get_boolean (&self->body);
}

/**
 * troupe_message_get_string:
 * @self: a message
 *
 * Reads the body, which must be a string.
 *
 * It stays the message's, and is valid as long as that is.
 *
 * Returns: (nullable): the string
 *
 * Since: 1.0
 */
const char *
troupe_message_get_string (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return troupe_body_get_string (&self->body);
}

/**
 * troupe_message_get_bytes:
 * @self: a message
 *
 * Reads the body, which must be bytes.
 *
 * It stays the message's, and is valid as long as that is.
 *
 * Returns: (transfer none) (nullable): the bytes
 *
 * Since: 1.0
 */
GBytes *
troupe_message_get_bytes (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return troupe_body_get_bytes (&self->body);
}

/**
 * troupe_message_get_variant:
 * @self: a message
 *
 * Reads the body, which must be a variant.
 *
 * It stays the message's, and is valid as long as that is.
 *
 * Returns: (transfer none) (nullable): the variant
 *
 * Since: 1.0
 */
GVariant *
troupe_message_get_variant (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return troupe_body_get_variant (&self->body);
}

/**
 * troupe_message_get_object:
 * @self: a message
 *
 * Reads the body, which must be an object.
 *
 * It stays the message's, and is valid as long as that is.
 *
 * Returns: (transfer none) (type GObject.Object) (nullable): the object
 *
 * Since: 1.0
 */
gpointer
troupe_message_get_object (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return troupe_body_get_object (&self->body);
}

/**
 * troupe_message_get_boxed: (skip)
 * @self: a message
 *
 * Reads the body, which must be a boxed value.
 *
 * It stays the message's, and is valid as long as that is. Language bindings use
 * [method@Troupe.Message.get_ref] and its kin, or [method@Troupe.Message.get_value].
 *
 * Returns: (transfer none) (nullable): the boxed value
 *
 * Since: 1.0
 */
gpointer
troupe_message_get_boxed (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return troupe_body_get_boxed (&self->body);
}

/**
 * troupe_message_get_ref:
 * @self: a message
 *
 * Reads the body, which must be the address of an actor.
 *
 * It stays the message's, and is valid as long as that is.
 *
 * Returns: (transfer none) (nullable): the address
 *
 * Since: 1.0
 */
TroupeRef *
troupe_message_get_ref (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return troupe_body_get_boxed_of (&self->body, TROUPE_TYPE_REF);
}

/**
 * troupe_message_get_termination:
 * @self: a message “terminated”
 *
 * Reads the body, which must say how an actor ended: see [method@Troupe.Actor.watch].
 *
 * It stays the message's, and is valid as long as that is.
 *
 * Returns: (transfer none) (nullable): how it ended
 *
 * Since: 1.0
 */
TroupeTermination *
troupe_message_get_termination (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return troupe_body_get_boxed_of (&self->body, TROUPE_TYPE_TERMINATION);
}

/**
 * troupe_message_get_dead_letter:
 * @self: a message “dead-letter”
 *
 * Reads the body, which must be a dead letter: see [method@Troupe.System.subscribe].
 *
 * It stays the message's, and is valid as long as that is.
 *
 * Returns: (transfer none) (nullable): the dead letter
 *
 * Since: 1.0
 */
TroupeDeadLetter *
troupe_message_get_dead_letter (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return troupe_body_get_boxed_of (&self->body, TROUPE_TYPE_DEAD_LETTER);
}

/**
 * troupe_message_get_pointer: (skip)
 * @self: a message
 *
 * Reads the body, which must be a pointer.
 *
 * It stays the message's, and is valid as long as that is.
 *
 * Returns: (transfer none) (nullable): the pointer
 *
 * Since: 1.0
 */
gpointer
troupe_message_get_pointer (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return troupe_body_get_pointer (&self->body);
}

/**
 * troupe_message_steal_pointer: (skip)
 * @self: the message that is handled
 *
 * Takes the pointer out, which the caller must free from now on; no body is left.
 *
 * Only the receiver may do so, and not while anybody else reads the message.
 *
 * Returns: (transfer full) (nullable): the pointer
 *
 * Since: 1.0
 */
gpointer
troupe_message_steal_pointer (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return troupe_body_steal_pointer (&self->body);
}

/**
 * troupe_message_get_json: (skip)
 * @self: a message
 *
 * Reads the body, which must be a JSON tree.
 *
 * It stays the message's, and is valid as long as that is.
 * Take no reference to it or to a part of it; see [method@Troupe.Message.steal_json].
 *
 * Returns: (transfer none) (nullable): the tree, %NULL for `null`
 *
 * Since: 1.0
 */
struct json_object *
troupe_message_get_json (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return troupe_body_get_json (&self->body);
}

/**
 * troupe_message_steal_json: (skip)
 * @self: the message that is handled
 *
 * Takes the JSON tree out, leaving no body, or copies it if somebody else holds the message too.
 *
 * Returns: (transfer full) (nullable): a tree that is the caller's alone, %NULL for `null`
 *
 * Since: 1.0
 */
struct json_object *
troupe_message_steal_json (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  if (troupe_message_is_shared (self))
    return troupe_json_copy (troupe_body_get_json (&self->body));

  return troupe_body_steal_json (&self->body);
}

/**
 * troupe_message_dup_json_string:
 * @self: a message
 *
 * Writes the body, which must be a JSON tree, as text on one line.
 *
 * Returns: (transfer full) (nullable): the text
 *
 * Since: 1.0
 */
char *
troupe_message_dup_json_string (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return troupe_body_dup_json_string (&self->body, troupe_message_is_shared (self));
}

/**
 * troupe_message_get_value:
 * @self: a message
 * @value: (out caller-allocates): a zeroed value
 *
 * Copies the body into @value, whatever its type.
 *
 * If there is none, @value holds a %NULL pointer, which is a language's `None` or `null`.
 *
 * Since: 1.0
 */
void
troupe_message_get_value (TroupeMessage *self,
                          GValue        *value)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (value != NULL && !G_IS_VALUE (value));

  troupe_body_to_value (&self->body, value);
}

/* Answers */

/* The debt, or NULL if there is none: silently for a message that was not asked, loudly for a second answer. */
static inline TroupeResolver *
troupe_message_take_debt (TroupeMessage *self)
{
  TroupeResolver *reply = troupe_message_steal_reply (self);

  if (G_LIKELY (reply != NULL))
    self->mail.bits |= TROUPE_MESSAGE_ANSWERED;
  else if ((self->mail.bits & TROUPE_MESSAGE_ANSWERED) != 0)
    g_critical ("The message “%s” has been answered, deferred or forwarded already", self->name);

  return reply;
}

/* Takes OUTCOME. */
static void
troupe_message_answer (TroupeMessage *self,
                       TroupeBody     outcome)
{
  TroupeResolver *reply = troupe_message_take_debt (self);

  if (G_LIKELY (reply != NULL))
    troupe_resolver_finish_body (reply, &outcome);
  else
    troupe_body_clear (&outcome);
}

/**
 * troupe_message_wants_reply:
 * @self: the message that is handled
 *
 * Tells whether the message was asked and has not been answered yet.
 *
 * Returns: %TRUE if somebody waits for an answer
 *
 * Since: 1.0
 */
gboolean
troupe_message_wants_reply (TroupeMessage *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->reply != NULL;
}

/**
 * troupe_message_reply:
 * @self: the message that is handled
 *
 * Answers an ask with nothing.
 *
 * A message that was sent and not asked wants no answer: then this and its kin do nothing.
 * Answering twice is a mistake of the caller. Call it in a turn of the receiver; see
 * [method@Troupe.Message.defer_reply] for other times and places.
 *
 * Since: 1.0
 */
void
troupe_message_reply (TroupeMessage *self)
{
  g_return_if_fail (self != NULL);

  troupe_message_answer (self, TROUPE_BODY_NOTHING);
}

/**
 * troupe_message_reply_int64:
 * @self: the message that is handled
 * @number: a number
 *
 * Answers an ask with a signed number.
 *
 * Since: 1.0
 */
void
troupe_message_reply_int64 (TroupeMessage *self,
                            gint64         number)
{
  g_return_if_fail (self != NULL);

  troupe_message_answer (self, troupe_body_int64 (number));
}

/**
 * troupe_message_reply_uint64:
 * @self: the message that is handled
 * @number: a number
 *
 * Answers an ask with an unsigned number.
 *
 * Since: 1.0
 */
void
troupe_message_reply_uint64 (TroupeMessage *self,
                             guint64        number)
{
  g_return_if_fail (self != NULL);

  troupe_message_answer (self, troupe_body_uint64 (number));
}

/**
 * troupe_message_reply_double:
 * @self: the message that is handled
 * @number: a number
 *
 * Answers an ask with a floating-point number.
 *
 * Since: 1.0
 */
void
troupe_message_reply_double (TroupeMessage *self,
                             double         number)
{
  g_return_if_fail (self != NULL);

  troupe_message_answer (self, troupe_body_double (number));
}

/**
 * troupe_message_reply_boolean:
 * @self: the message that is handled
 * @truth: a truth value
 *
 * Answers an ask with a truth value.
 *
 * Since: 1.0
 */
void
troupe_message_reply_boolean (TroupeMessage *self,
                              gboolean       truth)
{
  g_return_if_fail (self != NULL);

  troupe_message_answer (self, troupe_body_boolean (truth));
}

/**
 * troupe_message_reply_string:
 * @self: the message that is handled
 * @string: a UTF-8 string, which is copied
 *
 * Answers an ask with a string.
 *
 * Since: 1.0
 */
void
troupe_message_reply_string (TroupeMessage *self,
                             const char    *string)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (string != NULL);

  troupe_message_answer (self, troupe_body_string (string));
}

/**
 * troupe_message_reply_bytes:
 * @self: the message that is handled
 * @bytes: bytes, which are not copied but referenced
 *
 * Answers an ask with bytes.
 *
 * Since: 1.0
 */
void
troupe_message_reply_bytes (TroupeMessage *self,
                            GBytes        *bytes)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (bytes != NULL);

  troupe_message_answer (self, troupe_body_bytes (bytes));
}

/**
 * troupe_message_reply_variant:
 * @self: the message that is handled
 * @variant: a variant; a floating reference is taken over
 *
 * Answers an ask with a variant.
 *
 * Since: 1.0
 */
void
troupe_message_reply_variant (TroupeMessage *self,
                              GVariant      *variant)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (variant != NULL);

  troupe_message_answer (self, troupe_body_variant (variant));
}

/**
 * troupe_message_reply_object:
 * @self: the message that is handled
 * @object: (type GObject.Object): an object, which is referenced
 *
 * Answers an ask with an object.
 *
 * Since: 1.0
 */
void
troupe_message_reply_object (TroupeMessage *self,
                             gpointer       object)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (G_IS_OBJECT (object));

  troupe_message_answer (self, troupe_body_object (object));
}

/**
 * troupe_message_reply_boxed: (skip)
 * @self: the message that is handled
 * @type: the type of @boxed
 * @boxed: a boxed value, which is copied
 *
 * Answers an ask with a boxed value.
 *
 * Language bindings use [method@Troupe.Message.reply_value].
 *
 * Since: 1.0
 */
void
troupe_message_reply_boxed (TroupeMessage *self,
                            GType          type,
                            gconstpointer  boxed)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (G_TYPE_IS_BOXED (type));
  g_return_if_fail (boxed != NULL);
  g_return_if_fail (type != TROUPE_TYPE_PROMISE);

  troupe_message_answer (self, troupe_body_boxed (type, boxed));
}

/**
 * troupe_message_reply_pointer: (skip)
 * @self: the message that is handled
 * @pointer: a pointer
 * @destroy: (nullable): frees @pointer when nobody has taken it
 *
 * Answers an ask with a pointer.
 *
 * Since: 1.0
 */
void
troupe_message_reply_pointer (TroupeMessage  *self,
                              gpointer        pointer,
                              GDestroyNotify  destroy)
{
  g_return_if_fail (self != NULL);

  troupe_message_answer (self, troupe_body_pointer (pointer, destroy));
}

/**
 * troupe_message_reply_json: (skip)
 * @self: the message that is handled
 * @json: (transfer full) (nullable): a tree, of which nobody else may hold any part; %NULL is `null`
 *
 * Answers an ask with a JSON tree.
 *
 * Since: 1.0
 */
void
troupe_message_reply_json (TroupeMessage      *self,
                           struct json_object *json)
{
  g_return_if_fail (self != NULL);

  troupe_message_answer (self, troupe_body_json (json));
}

/**
 * troupe_message_reply_json_string:
 * @self: the message that is handled
 * @text: one JSON text
 * @error: where to say what is wrong with @text
 *
 * Answers an ask with a JSON tree, from its text.
 *
 * If @text is wrong there is no answer yet. The errors are those of [ctor@Troupe.Message.new_json_string].
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
troupe_message_reply_json_string (TroupeMessage  *self,
                                  const char     *text,
                                  GError        **error)
{
  TroupeBody body;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (text != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!troupe_body_from_json_string (&body, text, error))
    return FALSE;

  troupe_message_answer (self, body);

  return TRUE;
}

/**
 * troupe_message_reply_value:
 * @self: the message that is handled
 * @value: (nullable): a value, or %NULL for nothing
 *
 * Answers an ask with a value.
 *
 * For a promise there is [method@Troupe.Message.reply_promise].
 *
 * Since: 1.0
 */
void
troupe_message_reply_value (TroupeMessage *self,
                            const GValue  *value)
{
  TroupeBody body;

  g_return_if_fail (self != NULL);
  g_return_if_fail (value == NULL || G_IS_VALUE (value));
  g_return_if_fail (value == NULL || !G_VALUE_HOLDS (value, TROUPE_TYPE_PROMISE));

  if (troupe_body_from_value (&body, value))
    troupe_message_answer (self, body);
  else
    g_critical ("A promise cannot hold a %s", G_VALUE_TYPE_NAME (value));
}

/**
 * troupe_message_reply_error:
 * @self: the message that is handled
 * @error: (transfer full): why there is no answer
 *
 * Answers an ask with an error.
 *
 * The actor itself has not failed, unlike one whose handler returns %FALSE.
 *
 * Since: 1.0
 */
void
troupe_message_reply_error (TroupeMessage *self,
                            GError        *error)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (error != NULL);

  troupe_message_answer (self, (TroupeBody) { .type = G_TYPE_INVALID, .v_pointer = error });
}

/**
 * troupe_message_reply_promise:
 * @self: the message that is handled
 * @promise: (transfer full): a promise
 *
 * Answers an ask with the outcome of @promise, when it comes.
 *
 * It is a step of @promise, whose chain goes on with nothing. If the current actor ends first, the
 * answer is %TROUPE_ERROR_ACTOR_STOPPED. If the answer is cancelled, or the asker ends, @promise is
 * cancelled. For a message that was not asked, @promise is just dropped.
 *
 * Since: 1.0
 */
void
troupe_message_reply_promise (TroupeMessage *self,
                              TroupePromise *promise)
{
  TroupeResolver *reply;

  g_return_if_fail (self != NULL);
  g_return_if_fail (promise != NULL);

  reply = troupe_message_take_debt (self);
  if (reply != NULL)
    troupe_promise_pipe_reply (promise, reply);
  else
    troupe_promise_unref (promise);
}

/**
 * troupe_message_defer_reply:
 * @self: the message that is handled
 *
 * Takes over the duty to answer an ask later, from any thread.
 *
 * If the last resolver is dropped, the answer is %TROUPE_ERROR_BROKEN; if the current actor ends first,
 * %TROUPE_ERROR_ACTOR_STOPPED.
 *
 * Returns: (transfer full) (nullable): what to answer with, or %NULL if nobody waits for an answer
 *
 * Since: 1.0
 */
TroupeResolver *
troupe_message_defer_reply (TroupeMessage *self)
{
  TroupeRef *current;
  TroupeResolver *reply;

  g_return_val_if_fail (self != NULL, NULL);

  reply = troupe_message_take_debt (self);
  current = troupe_ref_get_current ();
  if (reply != NULL && current != NULL)
    troupe_ref_add_deferred (current, reply);

  return reply;
}

/* Moves what cannot or need not be copied, as long as nobody else holds the message. */
static gboolean
troupe_message_pass_body (TroupeMessage *self,
                          TroupeBody    *body)
{
  if ((self->body.type != TROUPE_TYPE_JSON || troupe_message_is_shared (self)) &&
      troupe_body_copy (&self->body, body))
    return TRUE;

  if (troupe_message_is_shared (self))
    return FALSE;

  *body = self->body;
  self->body = TROUPE_BODY_NOTHING;
  return TRUE;
}

static TroupeMessage *
troupe_message_make_timed (const char *name,
                           gint64      deadline)
{
  TroupeTimedMessage *self = troupe_slab_alloc (TROUPE_SLAB_MEDIUM);

  *self = (TroupeTimedMessage) {
    .message.mail.kind = TROUPE_MAIL_MARKED,
    .message.mail.ref_count = 1,
    .message.mail.bits = TROUPE_MESSAGE_TIMED,
    .message.name = name,
    .message.body = TROUPE_BODY_NOTHING,
    .deadline = deadline,
  };

  return &self->message;
}

TroupeMessage *
troupe_message_hand_on (TroupeMessage *self)
{
  TroupeMessage *envelope;

  if (self->mail.bits & TROUPE_MESSAGE_TIMED)
    envelope = troupe_message_make_timed (self->name, ((TroupeTimedMessage *) self)->deadline);
  else
    envelope = troupe_message_make (self->name, TROUPE_BODY_NOTHING);

  if (!troupe_message_pass_body (self, &envelope->body))
    {
      g_critical ("The message “%s” cannot be handed on: its body is a pointer that can be freed only once", self->name);
      troupe_message_unref (envelope);
      return NULL;
    }

  envelope->mail.bits |= TROUPE_MESSAGE_SENT;
  if (self->reply != NULL)
    envelope->reply = troupe_message_take_debt (self);

  return envelope;
}

TroupeMessage *
troupe_message_new_timed (TroupeMessage *self,
                          gint64         deadline)
{
  TroupeMessage *envelope = troupe_message_make_timed (self->name, deadline);

  envelope->mail.bits |= TROUPE_MESSAGE_SENT;
  if (!troupe_message_pass_body (self, &envelope->body))
    {
      g_critical ("The message “%s” cannot be sent twice: its body is a pointer that can be freed only once", self->name);
      g_clear_pointer (&envelope, troupe_message_unref);
    }

  troupe_message_unref (self);
  return envelope;
}

/**
 * troupe_message_forward:
 * @self: the message that is handled
 * @target: another actor
 *
 * Sends the message on as it came: with its sender, and with the duty to answer if it was asked.
 *
 * A JSON tree, and a pointer that has to be freed, go with it, unless somebody else holds the
 * message: then a tree is copied, and a pointer cannot be forwarded.
 *
 * Since: 1.0
 */
void
troupe_message_forward (TroupeMessage *self,
                        TroupeRef     *target)
{
  TroupeMessage *envelope;

  g_return_if_fail (self != NULL);
  g_return_if_fail (target != NULL);

  envelope = troupe_message_hand_on (self);
  if (envelope != NULL)
    troupe_ref_deliver (target, envelope, self->sender);
}
