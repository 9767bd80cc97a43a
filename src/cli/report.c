/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "cli/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "cli/command.h"
#include "cli/escape.h"
#include "cli/json.h"

static const char *report_program = "lamina";
static bool report_json;
static bool report_lines_json;

void report_lines_are_json(void)
{
	report_lines_json = true;
}

void report_setup(const char *program, bool json)
{
	report_program = program;
	report_json = json;
}

static int status_of(int error)
{
	return error == -EUCLEAN || error == -EBADMSG ? STATUS_REFUSED : STATUS_FAILED;
}

int report_failure(int error, struct diag *why, const char *what, ...)
{
	struct diag none = {0};
	char subject[1024];
	va_list arguments;

	if (!why)
		why = &none;
	va_start(arguments, what);
	(void)vsnprintf(subject, sizeof(subject), what, arguments);
	va_end(arguments);
	if (report_json || report_lines_json) {
		char message[2048];
		struct json json;

		(void)snprintf(message, sizeof(message), "cannot %s: %s", subject,
			       diag_text(why, error));
		json_start(&json, stderr);
		json_open(&json, NULL, '{');
		json_open(&json, "error", '{');
		json_text(&json, "code", strerrorname_np(-error));
		json_text(&json, "message", message);
		json_close(&json);
		json_close(&json);
		json_finish(&json);
	} else {
		(void)fprintf(stderr, "%s: cannot ", report_program);
		(void)print_escaped(stderr, subject);
		(void)fputs(": ", stderr);
		(void)print_escaped(stderr, diag_text(why, error));
		(void)fputc('\n', stderr);
	}
	return status_of(error);
}

static void report_line(const char *head, const char *format, va_list arguments)
{
	char *text = NULL;

	if (report_json || report_lines_json || vasprintf(&text, format, arguments) < 0)
		return;
	(void)fputs(head, stderr);
	(void)print_escaped(stderr, text);
	(void)fputc('\n', stderr);
	free(text);
}

void report_hint(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report_line("hint: ", format, arguments);
	va_end(arguments);
}

static void report_json_note(const char *format, va_list arguments)
{
	char *text = NULL;
	struct json json;

	if (vasprintf(&text, format, arguments) < 0)
		return;
	json_start(&json, stderr);
	json_open(&json, NULL, '{');
	json_text(&json, "note", text);
	json_close(&json);
	json_finish(&json);
	free(text);
}

void report_note(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (report_lines_json && !report_json)
		report_json_note(format, arguments);
	else
		report_line("note: ", format, arguments);
	va_end(arguments);
}

int report_close_stdout(int status)
{
	bool failed = ferror(stdout) != 0;

	errno = 0;
	if (fclose(stdout) != 0)
		failed = true;
	if (!failed || status != STATUS_DONE)
		return status;
	if (errno == EPIPE)
		return STATUS_FAILED; /* the reader left: head(1) wants no line about it */
	return report_failure(errno ? -errno : -EIO, NULL, "write to standard output");
}
