/* troupe-topics.c
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"

#include <string.h>

#include "troupe-error-private.h"
#include "troupe-system-private.h"
#include "troupe-topics-private.h"

/*
 * Topics are a tree of levels, and so are filters, which are topic names with wildcards; both by the grammar of MQTT 5.0, section 4.7.
 * To publish is to walk down that tree, along the levels of the name and the wildcards beside them. What is found is a list of
 * addresses, made once and kept until somebody joins or leaves, that is sent to when the mutex has been let go.
 */

#define MAX_LENGTH 65535
#define MAX_LEVELS 128

/* A piece of a name, not terminated. */
typedef struct
{
  const char *text;
  gsize       length;
} TroupeLevelName;

typedef struct _TroupeLevel TroupeLevel;

struct _TroupeLevel
{
  TroupeLevelName  name;             /* its text is the level's own */
  TroupeLevel     *parent;           /* NULL for the root */
  GHashTable      *levels;           /* below it, by name; NULL if there are none; but for … */
  TroupeLevel     *one;              /* … “+”, which is any one level, … */
  TroupeLevel     *rest;             /* … and “#”, which is all that follows, or nothing */
  GQueue           subscriptions;    /* that end here, the oldest first */
  GPtrArray       *refs;             /* the addresses of these, referenced; NULL until needed */
};

/* The table holds no reference: an actor takes itself out before it is gone. */
typedef struct
{
  TroupeRef *ref;
  GPtrArray *subscriptions;
  guint64    found_in;               /* the last search that came upon it */
} TroupeSubscriber;

typedef struct
{
  GList             link;            /* in its level */
  TroupeLevel      *level;
  TroupeSubscriber *subscriber;
  guint             news;            /* a bit for each kind of news it may match */
} TroupeSubscription;

struct _TroupeTopics
{
  GMutex       mutex;                /* guards the rest, but for reading what is atomic */
  TroupeLevel *root;
  GHashTable  *subscribers;          /* TroupeRef to TroupeSubscriber */
  GPtrArray   *found;                /* levels, of the present search */
  guint64      n_searches;
  guint        n_wanted[TROUPE_N_NEWS];
  guint        wanted;               /* atomic: a bit for each kind of news that somebody wants */
};

/* Levels */

static guint
hash_name (gconstpointer key)
{
  const TroupeLevelName *name = key;
  guint hash = 5381;
  gsize i;

  for (i = 0; i < name->length; i++)
    hash = hash * 33 + (guchar) name->text[i];

  return hash;
}

static gboolean
equal_names (gconstpointer a,
             gconstpointer b)
{
  const TroupeLevelName *left = a;
  const TroupeLevelName *right = b;

  return left->length == right->length && memcmp (left->text, right->text, left->length) == 0;
}

/* The first level of TOPIC; then TOPIC is what follows, or NULL. */
static TroupeLevelName
take_level (const char **topic)
{
  const char *end = strchr (*topic, '/');
  TroupeLevelName name = { *topic, end != NULL ? (gsize) (end - *topic) : strlen (*topic) };

  *topic = end != NULL ? end + 1 : NULL;
  return name;
}

static TroupeLevel *
troupe_level_new (TroupeLevel     *parent,
                  TroupeLevelName  name)
{
  TroupeLevel *self = g_new0 (TroupeLevel, 1);

  self->name = (TroupeLevelName) { g_strndup (name.text, name.length), name.length };
  self->parent = parent;
  g_queue_init (&self->subscriptions);

  return self;
}

static void
troupe_level_free (TroupeLevel *self)
{
  g_assert (g_queue_is_empty (&self->subscriptions));

  g_clear_pointer (&self->levels, g_hash_table_unref);
  g_clear_pointer (&self->refs, g_ptr_array_unref);
  g_free ((char *) self->name.text);
  g_free (self);
}

/* Where the level of that name is kept, or NULL if it is a plain one. */
static TroupeLevel **
troupe_level_get_wildcard (TroupeLevel     *self,
                           TroupeLevelName  name)
{
  if (name.length != 1)
    return NULL;

  return *name.text == '+' ? &self->one : *name.text == '#' ? &self->rest : NULL;
}

static TroupeLevel *
troupe_level_need (TroupeLevel     *self,
                   TroupeLevelName  name)
{
  TroupeLevel **wildcard = troupe_level_get_wildcard (self, name);
  TroupeLevel *level;

  if (wildcard != NULL)
    {
      if (*wildcard == NULL)
        *wildcard = troupe_level_new (self, name);
      return *wildcard;
    }

  if (self->levels == NULL)
    self->levels = g_hash_table_new (hash_name, equal_names);
  level = g_hash_table_lookup (self->levels, &name);
  if (level == NULL)
    {
      level = troupe_level_new (self, name);
      g_hash_table_insert (self->levels, &level->name, level);
    }

  return level;
}

static TroupeLevel *
troupe_level_find (TroupeLevel     *self,
                   TroupeLevelName  name)
{
  TroupeLevel **wildcard = troupe_level_get_wildcard (self, name);

  if (wildcard != NULL)
    return *wildcard;

  return self->levels != NULL ? g_hash_table_lookup (self->levels, &name) : NULL;
}

static gboolean
troupe_level_is_bare (TroupeLevel *self)
{
  return g_queue_is_empty (&self->subscriptions) && self->one == NULL && self->rest == NULL &&
         (self->levels == NULL || g_hash_table_size (self->levels) == 0);
}

/* Takes out what leads nowhere any more. */
static void
troupe_level_prune (TroupeLevel *self)
{
  while (self->parent != NULL && troupe_level_is_bare (self))
    {
      TroupeLevel *parent = self->parent;
      TroupeLevel **wildcard = troupe_level_get_wildcard (parent, self->name);

      if (wildcard != NULL)
        *wildcard = NULL;
      else
        g_hash_table_remove (parent->levels, &self->name);
      troupe_level_free (self);
      self = parent;
    }
}

static GPtrArray *
troupe_level_get_refs (TroupeLevel *self)
{
  GList *link;

  if (self->refs != NULL)
    return self->refs;

  self->refs = g_ptr_array_new_full (self->subscriptions.length, (GDestroyNotify) troupe_ref_unref);
  for (link = self->subscriptions.head; link != NULL; link = link->next)
    g_ptr_array_add (self->refs, troupe_ref_ref (((TroupeSubscription *) link->data)->subscriber->ref));

  return self->refs;
}

/* Adds to FOUND the levels below SELF that TOPIC, or nothing if it is NULL, matches, and where somebody has subscribed. A wildcard
 * does not begin a match with “$…”: what a system says of itself is for those who ask for it. */
static void
troupe_level_search (TroupeLevel *self,
                     const char  *topic,
                     GPtrArray   *found)
{
  gboolean hides = self->parent == NULL && *topic == '$';  /* at the root there is one */
  TroupeLevelName name;
  TroupeLevel *level;

  if (self->rest != NULL && !hides)
    g_ptr_array_add (found, self->rest);

  if (topic == NULL)
    {
      if (!g_queue_is_empty (&self->subscriptions))
        g_ptr_array_add (found, self);
      return;
    }

  name = take_level (&topic);
  level = self->levels != NULL ? g_hash_table_lookup (self->levels, &name) : NULL;
  if (level != NULL)
    troupe_level_search (level, topic, found);
  if (self->one != NULL && !hides)
    troupe_level_search (self->one, topic, found);
}

/* News */

static const TroupeLevelName system_name = { "$system", 7 };

static const TroupeLevelName news_names[] = {
  [TROUPE_NEWS_SPAWNED] = { "spawned", 7 },
  [TROUPE_NEWS_STOPPED] = { "stopped", 7 },
  [TROUPE_NEWS_FAILED] = { "failed", 6 },
  [TROUPE_NEWS_DEAD_LETTER] = { "dead-letter", 11 },
  [TROUPE_NEWS_UNHANDLED] = { "unhandled", 9 },
  [TROUPE_NEWS_OVERFLOW] = { "overflow", 8 },
  [TROUPE_NEWS_LONG_TURN] = { "long-turn", 9 },
  [TROUPE_NEWS_CONNECTING] = { "connecting", 10 },
  [TROUPE_NEWS_CONNECTED] = { "connected", 9 },
  [TROUPE_NEWS_DISCONNECTED] = { "disconnected", 12 },
};

G_STATIC_ASSERT (G_N_ELEMENTS (news_names) == TROUPE_N_NEWS);

/* A bit for each kind of news that FILTER lets through. */
static guint
find_news (const char *filter)
{
  TroupeLevelName name = take_level (&filter);
  guint i;

  if (!equal_names (&name, &system_name) || filter == NULL)
    return 0;

  name = take_level (&filter);
  if (name.length == 1 && (*name.text == '+' || *name.text == '#'))
    return (1 << TROUPE_N_NEWS) - 1;

  for (i = 0; i < TROUPE_N_NEWS; i++)
    if (equal_names (&name, &news_names[i]))
      return 1 << i;

  return 0;
}

/* NEWS is wanted by one more, or by one less. */
static void
troupe_topics_count_news_locked (TroupeTopics *self,
                                 guint         news,
                                 int           more)
{
  guint wanted = 0;
  guint i;

  for (i = 0; i < TROUPE_N_NEWS; i++)
    {
      if (news & (1 << i))
        self->n_wanted[i] += more;
      if (self->n_wanted[i] > 0)
        wanted |= 1 << i;
    }

  /* Relaxed: whoever publishes looks again with the mutex. */
  __atomic_store_n (&self->wanted, wanted, __ATOMIC_RELAXED);
}

/* Subscriptions */

static void
troupe_subscriber_free (gpointer data)
{
  TroupeSubscriber *self = data;

  g_ptr_array_unref (self->subscriptions);
  g_free (self);
}

TroupeTopics *
troupe_topics_new (void)
{
  TroupeTopics *self = g_new0 (TroupeTopics, 1);

  g_mutex_init (&self->mutex);
  self->root = troupe_level_new (NULL, (TroupeLevelName) { "", 0 });
  self->subscribers = g_hash_table_new_full (NULL, NULL, NULL, troupe_subscriber_free);
  self->found = g_ptr_array_new ();

  return self;
}

void
troupe_topics_free (TroupeTopics *self)
{
  g_assert (troupe_level_is_bare (self->root));

  g_ptr_array_unref (self->found);
  g_hash_table_unref (self->subscribers);
  troupe_level_free (self->root);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

static TroupeSubscriber *
troupe_topics_need_subscriber_locked (TroupeTopics *self,
                                      TroupeRef    *ref)
{
  TroupeSubscriber *subscriber = g_hash_table_lookup (self->subscribers, ref);

  if (subscriber != NULL)
    return subscriber;

  subscriber = g_new0 (TroupeSubscriber, 1);
  subscriber->ref = ref;
  subscriber->subscriptions = g_ptr_array_new ();
  g_hash_table_insert (self->subscribers, ref, subscriber);

  return subscriber;
}

static TroupeSubscription *
troupe_subscriber_find (TroupeSubscriber *self,
                        TroupeLevel      *level)
{
  guint i;

  for (i = 0; i < self->subscriptions->len; i++)
    {
      TroupeSubscription *subscription = g_ptr_array_index (self->subscriptions, i);

      if (subscription->level == level)
        return subscription;
    }

  return NULL;
}

static void
troupe_topics_add (TroupeTopics *self,
                   TroupeRef    *ref,
                   const char   *filter)
{
  guint news = find_news (filter);
  TroupeSubscription *subscription;
  TroupeSubscriber *subscriber;
  TroupeLevel *level;

  g_mutex_lock (&self->mutex);
  subscriber = troupe_topics_need_subscriber_locked (self, ref);
  for (level = self->root; filter != NULL;)
    level = troupe_level_need (level, take_level (&filter));

  if (troupe_subscriber_find (subscriber, level) == NULL)
    {
      subscription = g_new0 (TroupeSubscription, 1);
      *subscription = (TroupeSubscription) { { .data = subscription }, level, subscriber, news };
      g_ptr_array_add (subscriber->subscriptions, subscription);
      g_queue_push_tail_link (&level->subscriptions, &subscription->link);
      g_clear_pointer (&level->refs, g_ptr_array_unref);
      troupe_topics_count_news_locked (self, news, 1);
    }
  g_mutex_unlock (&self->mutex);
}

static void
troupe_topics_drop_locked (TroupeTopics       *self,
                           TroupeSubscription *subscription)
{
  TroupeLevel *level = subscription->level;

  g_queue_unlink (&level->subscriptions, &subscription->link);
  g_clear_pointer (&level->refs, g_ptr_array_unref);
  troupe_topics_count_news_locked (self, subscription->news, -1);
  g_free (subscription);
  troupe_level_prune (level);
}

static gboolean
troupe_topics_remove (TroupeTopics *self,
                      TroupeRef    *ref,
                      const char   *filter)
{
  TroupeSubscription *subscription = NULL;
  TroupeSubscriber *subscriber;
  TroupeLevel *level;

  g_mutex_lock (&self->mutex);
  subscriber = g_hash_table_lookup (self->subscribers, ref);
  for (level = self->root; level != NULL && filter != NULL;)
    level = troupe_level_find (level, take_level (&filter));

  if (subscriber != NULL && level != NULL)
    subscription = troupe_subscriber_find (subscriber, level);
  if (subscription != NULL)
    {
      g_ptr_array_remove (subscriber->subscriptions, subscription);
      troupe_topics_drop_locked (self, subscription);
      if (subscriber->subscriptions->len == 0)
        g_hash_table_remove (self->subscribers, ref);
    }
  g_mutex_unlock (&self->mutex);

  return subscription != NULL;
}

void
troupe_topics_forget (TroupeTopics *self,
                      TroupeRef    *ref)
{
  TroupeSubscriber *subscriber;
  guint i;

  g_mutex_lock (&self->mutex);
  subscriber = g_hash_table_lookup (self->subscribers, ref);
  for (i = 0; subscriber != NULL && i < subscriber->subscriptions->len; i++)
    troupe_topics_drop_locked (self, g_ptr_array_index (subscriber->subscriptions, i));
  g_hash_table_remove (self->subscribers, ref);
  g_mutex_unlock (&self->mutex);
}

/* Publishing */

/* Those who subscribed by several filters are in several levels, but get a message once. */
static GPtrArray *
troupe_topics_merge_found_locked (TroupeTopics *self)
{
  GPtrArray *refs = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_ref_unref);
  GList *link;
  guint i;

  self->n_searches++;
  for (i = 0; i < self->found->len; i++)
    for (link = ((TroupeLevel *) g_ptr_array_index (self->found, i))->subscriptions.head; link != NULL; link = link->next)
      {
        TroupeSubscriber *subscriber = ((TroupeSubscription *) link->data)->subscriber;

        if (subscriber->found_in == self->n_searches)
          continue;
        subscriber->found_in = self->n_searches;
        g_ptr_array_add (refs, troupe_ref_ref (subscriber->ref));
      }

  return refs;
}

/* (transfer full); NULL if there is nobody. */
static GPtrArray *
troupe_topics_find (TroupeTopics *self,
                    const char   *topic)
{
  GPtrArray *refs = NULL;

  g_mutex_lock (&self->mutex);
  g_ptr_array_set_size (self->found, 0);
  troupe_level_search (self->root, topic, self->found);
  if (self->found->len == 1)
    refs = g_ptr_array_ref (troupe_level_get_refs (g_ptr_array_index (self->found, 0)));
  else if (self->found->len > 1)
    refs = troupe_topics_merge_found_locked (self);
  g_mutex_unlock (&self->mutex);

  return refs;
}

/* Takes MESSAGE. */
static void
troupe_topics_send (TroupeTopics  *self,
                    const char    *topic,
                    TroupeMessage *message)
{
  g_autoptr (GPtrArray) refs = troupe_topics_find (self, topic);

  if (refs != NULL)
    troupe_ref_send_all ((TroupeRef **) refs->pdata, refs->len, message);
  else
    troupe_message_unref (message);
}

gboolean
troupe_system_wants_news (TroupeSystem *self,
                          TroupeNews    news)
{
  return (__atomic_load_n (&troupe_system_get_topics (self)->wanted, __ATOMIC_RELAXED) & (1 << news)) != 0;
}

void
troupe_system_publish_news (TroupeSystem  *self,
                            TroupeNews     news,
                            TroupeRef     *ref,
                            GType          type,
                            gconstpointer  body)
{
  g_autofree char *path = troupe_ref_dup_path (ref);
  g_autofree char *topic = g_strconcat (system_name.text, "/", news_names[news].text, path, NULL);
  TroupeMessage *message = type == G_TYPE_STRING ? troupe_message_new_string (news_names[news].text, body)
                                                 : troupe_message_new_boxed (news_names[news].text, type, body);

  troupe_topics_send (troupe_system_get_topics (self), topic, message);
}

/* Grammar */

static const char *
find_wildcard_problem (const char *text,
                       gboolean    is_filter,
                       const char *p)
{
  if (!is_filter)
    return "is a wildcard, and stands in filters only";
  if ((p > text && p[-1] != '/') || (p[1] != '/' && p[1] != '\0'))
    return "stands for whole levels only";
  if (*p == '#' && p[1] != '\0')
    return "stands at the end only";

  return NULL;
}

static gboolean
refuse_topic (const char  *text,
              gboolean     is_filter,
              gsize        where,
              const char  *problem,
              GError     **error)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  g_propagate_error (error, troupe_error_new_with_cause (TROUPE_ERROR_BAD_TOPIC, (gint64) where, NULL,
                                                         "Bad %s “%s” at byte %" G_GSIZE_FORMAT ": %s",
                                                         is_filter ? "filter" : "topic", valid, where, problem));
  return FALSE;
}

static gboolean
check_topic (const char  *text,
             gboolean     is_filter,
             GError     **error)
{
  const char *end;
  const char *p;
  guint n_levels = 1;

  if (*text == '\0')
    return refuse_topic (text, is_filter, 0, "it is empty", error);
  if (!g_utf8_validate (text, -1, &end))
    return refuse_topic (text, is_filter, (gsize) (end - text), "it is not UTF-8", error);

  for (p = text; *p != '\0'; p++)
    {
      const char *problem = *p == '+' || *p == '#' ? find_wildcard_problem (text, is_filter, p) : NULL;

      if (problem != NULL)
        {
          g_autofree char *reason = g_strdup_printf ("“%c” %s", *p, problem);

          return refuse_topic (text, is_filter, (gsize) (p - text), reason, error);
        }
      if (*p == '/' && ++n_levels > MAX_LEVELS)
        return refuse_topic (text, is_filter, (gsize) (p - text), "it has more than " G_STRINGIFY (MAX_LEVELS) " levels", error);
      if (p - text >= MAX_LENGTH)
        return refuse_topic (text, is_filter, MAX_LENGTH, "it is longer than " G_STRINGIFY (MAX_LENGTH) " bytes", error);
    }

  return TRUE;
}

/**
 * troupe_system_subscribe:
 * @self: a system
 * @filter: the topics: a name such as “sport/tennis”, or a pattern of names such as “sport/+/results” or “sport/#”
 * @subscriber: the address of an actor of the system
 * @error: return location for a #GError
 *
 * Has an actor get each message that is published to a topic.
 *
 * The names of topics have levels, with slashes between them. In @filter a level `+` is any one level, and a last level `#` any number of
 * levels, none included. A name that begins with `$` is matched by neither in that place; such are the topics of what the system
 * itself has to tell:
 *
 * - “$system/spawned”, a [struct@Troupe.Ref]: an actor comes into being;
 * - “$system/failed”, a [struct@Troupe.Termination]: an actor has failed, whatever its supervisor makes of that;
 * - “$system/stopped”, the same: an actor has ended, in whatever way;
 * - “$system/dead-letter”, a [struct@Troupe.DeadLetter]: a message to an actor that has ended;
 * - “$system/unhandled”, the same: a message that an actor does not understand, or whose body it does not;
 * - “$system/overflow”, the same: a message for which there was no room;
 * - “$system/long-turn”, a string such as “the message “add””: a turn takes too long, see [method@Troupe.System.set_watchdog];
 * - “$system/connecting”, a [struct@Troupe.Ref]: a [class@Troupe.Client], that actor, begins to connect;
 * - “$system/connected”, the connection's [struct@Troupe.Ref]: a client has a connection;
 * - “$system/disconnected”, a [struct@Troupe.Disconnection]: a client has none.
 *
 * Each is followed by the path of the actor: “$system/failed/#” are all failures, “$system/failed/rooms/+” those of the
 * children of “/rooms”. The name of the message is that of the second level.
 *
 * A subscriber gets a message once, however many of its filters match. Those who subscribed by the same filter get it in that order. To
 * subscribe again by the same filter changes nothing. A subscription ends with [method@Troupe.System.unsubscribe] and with the
 * actor. Call it from any thread.
 *
 * A pattern that is none is %TROUPE_ERROR_BAD_TOPIC, with the byte where it goes wrong as [func@Troupe.Error.get_index]; an actor that has
 * ended gets %TROUPE_ERROR_ACTOR_STOPPED.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
troupe_system_subscribe (TroupeSystem  *self,
                         const char    *filter,
                         TroupeRef     *subscriber,
                         GError       **error)
{
  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), FALSE);
  g_return_val_if_fail (filter != NULL, FALSE);
  g_return_val_if_fail (subscriber != NULL && subscriber->system == self, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!check_topic (filter, TRUE, error) || !troupe_system_check_live (self, subscriber, error))
    return FALSE;

  troupe_topics_add (troupe_system_get_topics (self), subscriber, filter);
  troupe_system_note_registered (self, subscriber);
  return TRUE;
}

/**
 * troupe_system_unsubscribe:
 * @self: a system
 * @filter: what was given to [method@Troupe.System.subscribe]
 * @subscriber: who has subscribed
 *
 * Takes back a subscription.
 *
 * What was published before may lie in the actor's mailbox and still be handled. Call it from any thread.
 *
 * Returns: %TRUE, or %FALSE if there was no such subscription
 *
 * Since: 1.0
 */
gboolean
troupe_system_unsubscribe (TroupeSystem *self,
                           const char   *filter,
                           TroupeRef    *subscriber)
{
  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), FALSE);
  g_return_val_if_fail (filter != NULL, FALSE);
  g_return_val_if_fail (subscriber != NULL, FALSE);

  return troupe_topics_remove (troupe_system_get_topics (self), subscriber, filter);
}

/**
 * troupe_system_publish:
 * @self: a system
 * @topic: the name of a topic, such as “sport/tennis”
 * @message: (transfer full): the message
 * @error: return location for a #GError
 *
 * Sends @message to all who have subscribed to @topic.
 *
 * It is the same as [func@Troupe.Ref.send_all] to them, and nobody need be there. Call it from any thread. A name that is none, or has
 * wildcards in it, is %TROUPE_ERROR_BAD_TOPIC, with the byte where it goes wrong as [func@Troupe.Error.get_index]; @message is dropped
 * then.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
troupe_system_publish (TroupeSystem   *self,
                       const char     *topic,
                       TroupeMessage  *message,
                       GError        **error)
{
  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), FALSE);
  g_return_val_if_fail (topic != NULL, FALSE);
  g_return_val_if_fail (message != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!check_topic (topic, FALSE, error))
    {
      troupe_message_unref (message);
      return FALSE;
    }

  troupe_topics_send (troupe_system_get_topics (self), topic, message);
  return TRUE;
}

/**
 * troupe_system_dup_subscribers:
 * @self: a system
 * @topic: the name of a topic
 *
 * Lists who would get a message that is published to @topic now. Call it from any thread.
 *
 * Returns: (transfer container) (element-type TroupeRef): their addresses, in the order of sending
 *
 * Since: 1.0
 */
GPtrArray *
troupe_system_dup_subscribers (TroupeSystem *self,
                               const char   *topic)
{
  g_autoptr (GPtrArray) refs = NULL;
  GPtrArray *copy;
  guint i;

  g_return_val_if_fail (TROUPE_IS_SYSTEM (self), NULL);
  g_return_val_if_fail (topic != NULL, NULL);

  copy = g_ptr_array_new_with_free_func ((GDestroyNotify) troupe_ref_unref);
  if (check_topic (topic, FALSE, NULL))
    refs = troupe_topics_find (troupe_system_get_topics (self), topic);
  for (i = 0; refs != NULL && i < refs->len; i++)
    g_ptr_array_add (copy, troupe_ref_ref (g_ptr_array_index (refs, i)));

  return copy;
}
