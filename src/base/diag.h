/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * diag.h - one line that says why
 *
 * Lives on the caller's stack, starts empty ({0}), is untouched on success. Every function takes
 * NULL where nobody reads the text. errors.md lists what each errno means here.
 */
#ifndef LAMINA_BASE_DIAG_H
#define LAMINA_BASE_DIAG_H

struct diag {
	char text[512];
};

/* Say why and return err (negative errno), so that `return diag_set(...)` reads as one thought. */
int diag_set(struct diag *why, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));

/*
 * Put a noun in front of what the callee said: "format: text". Where the callee said nothing, the
 * text of err takes its place. Returns err.
 */
int diag_wrap(struct diag *why, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));

/* diag_set() with the text of err appended: "format: No such file or directory". Returns err. */
int diag_errno(struct diag *why, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));

/* The text, or that of err where nobody set one. Valid as long as *why is. */
const char *diag_text(struct diag *why, int err);

#endif
