/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/trace.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t rooms_once = PTHREAD_ONCE_INIT;
static const char *rooms; /* immutable after rooms_once; NULL: tracing is off */

static void rooms_read(void)
{
	const char *value = secure_getenv("LAMINA_TRACE");

	rooms = value && value[0] ? value : NULL;
}

static bool list_has(const char *list, const char *word)
{
	size_t size = strlen(word);

	for (; list; list = strchr(list, ',')) {
		if (*list == ',')
			list++;
		if (strncmp(list, word, size) == 0 && (list[size] == ',' || !list[size]))
			return true;
	}
	return false;
}

bool trace_is_on(const char *room)
{
	(void)pthread_once(&rooms_once, rooms_read);
	return rooms && (list_has(rooms, room) || list_has(rooms, "all"));
}

void trace_line(const char *room, const char *format, ...)
{
	char line[512];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	(void)fprintf(stderr, "%s: %s\n", room, line);
}
