/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * report.h - the last word: failures on stderr, a checked stdout, exit statuses
 */
#ifndef LAMINA_CLI_REPORT_H
#define LAMINA_CLI_REPORT_H

#include <stdbool.h>

struct diag; /* base/diag.h */

/* How this process speaks; set once by main before anything fails. */
void report_setup(const char *program, bool json);

/* From now on standard error is JSON lines: failures as with --json, notes as {"note":"..."}. */
void report_lines_are_json(void);

/*
 * Say that something failed: "lamina: cannot <what>: <why>", or the JSON form. Returns the exit
 * status for error (negative errno): 3 for -EUCLEAN and -EBADMSG, else 1.
 */
int report_failure(int error, struct diag *why, const char *what, ...)
	__attribute__((format(printf, 3, 4)));

/* "hint: ..." below a failure, escaped as print_escaped() does; nothing in JSON mode. */
void report_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line on stderr about something that is not a failure; nothing in JSON mode. */
void report_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Flush and close stdout. Returns status, or 1 after a line when stdout could not take all of it: a
 * full disk behind a pipe is an error (util-linux, close_stdout).
 */
int report_close_stdout(int status);

#endif
