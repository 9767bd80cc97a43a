/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * escape.h - names on a terminal
 */
#ifndef LAMINA_CLI_ESCAPE_H
#define LAMINA_CLI_ESCAPE_H

#include <stdio.h>

/*
 * Text of somebody else, on stdout or in a message: bytes that would move the cursor, and
 * backslashes, as mountinfo writes them, \ooo. Returns how many bytes were written.
 */
size_t print_escaped(FILE *out, const char *text);

#endif
