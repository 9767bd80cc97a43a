/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "cli/escape.h"

void print_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte < 0x20 || byte == 0x7f || byte == '\\')
			(void)fprintf(out, "\\%03o", byte);
		else
			(void)fputc(byte, out);
	}
}
