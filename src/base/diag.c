/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *error_text(int err, char *space, size_t size)
{
	return strerror_r(err < 0 ? -err : err, space, size); /* the GNU form */
}

/* "<formatted>: <tail>", where tail may be a copy of what *why held. */
static void diag_compose(struct diag *why, const char *format, va_list arguments, const char *tail)
{
	size_t used;

	if (vsnprintf(why->text, sizeof(why->text), format, arguments) < 0)
		why->text[0] = '\0';
	used = strlen(why->text);
	(void)snprintf(why->text + used, sizeof(why->text) - used, ": %s", tail);
}

int diag_set(struct diag *why, int err, const char *format, ...)
{
	va_list arguments;

	if (!why)
		return err;
	va_start(arguments, format);
	if (vsnprintf(why->text, sizeof(why->text), format, arguments) < 0)
		why->text[0] = '\0';
	va_end(arguments);
	return err;
}

int diag_wrap(struct diag *why, int err, const char *format, ...)
{
	struct diag inner;
	va_list arguments;
	char space[128];

	if (!why)
		return err;
	inner = *why;
	va_start(arguments, format);
	diag_compose(why, format, arguments,
		     inner.text[0] ? inner.text : error_text(err, space, sizeof(space)));
	va_end(arguments);
	return err;
}

int diag_errno(struct diag *why, int err, const char *format, ...)
{
	va_list arguments;
	char space[128];

	if (!why)
		return err;
	va_start(arguments, format);
	diag_compose(why, format, arguments, error_text(err, space, sizeof(space)));
	va_end(arguments);
	return err;
}

const char *diag_text(struct diag *why, int err)
{
	if (!why->text[0]) {
		char space[128];

		(void)snprintf(why->text, sizeof(why->text), "%s",
			       error_text(err, space, sizeof(space)));
	}
	return why->text;
}
