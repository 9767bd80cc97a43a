/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * escape.h - names on a terminal
 */
#ifndef LAMINA_CLI_ESCAPE_H
#define LAMINA_CLI_ESCAPE_H

#include <stdio.h>

/* Bytes that would move the cursor, as mountinfo writes them: \ooo. */
void print_escaped(FILE *out, const char *text);

#endif
