/* chat-lines.c - the lines of a room, a list model that takes many at a time
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "chat-lines.h"

#define FRAME_MS  16
#define MANY      200                /* lines at a time, of which nobody reads the first */
#define MANY_MS   250
#define MAX_LINES 100000
#define FORGET    1000               /* of the oldest, and what is above that, when there are more */

/*
 * A list view keeps some 200 rows at hand, and fills them anew when so many lines are added behind those that it shows. So lines are told of
 * once a frame at most, and if they come in floods, as when one joins a room with a long history, four times a second.
 *
 * That must not be left to an idle source: while there is always something to do it would be ready in every iteration, and the frames of the
 * window, which have a lower priority, in none.
 */
struct _ChatLines
{
  GObject    parent_instance;
  GPtrArray *lines;                  /* of ChatLine */
  guint      n_shown;                /* of these, that the list model has told of */
  guint      timeout;                /* source that tells of the others, or 0 */
  gint64     next;                   /* µs: not before then */
  gint64     day;                    /* of what was said last; 0: nothing yet */
};

static void chat_lines_list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ChatLines, chat_lines, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, chat_lines_list_model_init))

static GType
chat_lines_get_item_type (GListModel *model)
{
  return CHAT_TYPE_LINE;
}

static guint
chat_lines_get_n_items (GListModel *model)
{
  return CHAT_LINES (model)->n_shown;
}

static gpointer
chat_lines_get_item (GListModel *model,
                     guint       position)
{
  ChatLines *self = CHAT_LINES (model);

  return position < self->n_shown ? g_object_ref (g_ptr_array_index (self->lines, position)) : NULL;
}

static void
chat_lines_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = chat_lines_get_item_type;
  iface->get_n_items = chat_lines_get_n_items;
  iface->get_item = chat_lines_get_item;
}

static void
chat_lines_forget (ChatLines *self)
{
  guint n = self->lines->len - MAX_LINES + FORGET;

  g_ptr_array_remove_range (self->lines, 0, n);
  self->n_shown -= n;
  chat_line_set_begins_day (g_ptr_array_index (self->lines, 0), TRUE);
  g_list_model_items_changed (G_LIST_MODEL (self), 0, n, 0);
}

static void
chat_lines_show (ChatLines *self)
{
  guint before = self->n_shown;
  guint n_new = self->lines->len - before;

  self->n_shown = self->lines->len;
  self->next = g_get_monotonic_time () + 1000 * (n_new < MANY ? FRAME_MS : MANY_MS);
  g_list_model_items_changed (G_LIST_MODEL (self), before, 0, n_new);

  if (self->lines->len > MAX_LINES)
    chat_lines_forget (self);
}

static gboolean
show_cb (gpointer user_data)
{
  ChatLines *self = user_data;

  self->timeout = 0;
  chat_lines_show (self);
  return G_SOURCE_REMOVE;
}

static void
chat_lines_dispose (GObject *object)
{
  ChatLines *self = CHAT_LINES (object);

  g_clear_handle_id (&self->timeout, g_source_remove);
  G_OBJECT_CLASS (chat_lines_parent_class)->dispose (object);
}

static void
chat_lines_finalize (GObject *object)
{
  g_ptr_array_unref (CHAT_LINES (object)->lines);
  G_OBJECT_CLASS (chat_lines_parent_class)->finalize (object);
}

static void
chat_lines_class_init (ChatLinesClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = chat_lines_dispose;
  G_OBJECT_CLASS (klass)->finalize = chat_lines_finalize;
}

static void
chat_lines_init (ChatLines *self)
{
  self->lines = g_ptr_array_new_with_free_func (g_object_unref);
}

ChatLines *
chat_lines_new (void)
{
  return g_object_new (CHAT_TYPE_LINES, NULL);
}

/* Days are those of what was said; what the service tells in between is always of today. */
static void
chat_lines_note_day (ChatLines *self,
                     ChatLine  *line)
{
  gint64 day = chat_line_get_day (chat_line_get_time (line));

  if (chat_line_get_kind (line) == CHAT_LINE_NOTICE || day == self->day)
    return;

  chat_line_set_begins_day (line, TRUE);
  self->day = day;
}

void
chat_lines_append (ChatLines *self,
                   ChatLine  *line)
{
  chat_lines_note_day (self, line);
  g_ptr_array_add (self->lines, line);

  if (self->timeout == 0)
    {
      gint64 wait_ms = (self->next - g_get_monotonic_time ()) / 1000;

      self->timeout = g_timeout_add_full (G_PRIORITY_HIGH_IDLE, MAX (wait_ms, 0), show_cb, self, NULL);
    }
}

GHashTable *
chat_lines_dup_set (ChatLines *self)
{
  GHashTable *set = g_hash_table_new_full (chat_line_hash, chat_line_equal, g_object_unref, NULL);

  for (guint i = 0; i < self->lines->len; i++)
    g_hash_table_add (set, g_object_ref (g_ptr_array_index (self->lines, i)));

  return set;
}
