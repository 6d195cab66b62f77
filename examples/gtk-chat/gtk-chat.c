/* gtk-chat.c - talks to the JSON endpoint of chat in a window: actors on GTK's main context
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <locale.h>

#include "chat-application.h"

int
main (int    argc,
      char **argv)
{
  g_autoptr (GApplication) application = NULL;

  setlocale (LC_ALL, "");
  application = chat_application_new ();
  return g_application_run (application, argc, argv);
}
