/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "cli/escape.h"

#include <stdbool.h>

size_t print_escaped(FILE *out, const char *text)
{
	size_t size = 0;

	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;
		bool is_escaped = byte < 0x20 || byte == 0x7f || byte == '\\';

		if (is_escaped)
			(void)fprintf(out, "\\%03o", byte);
		else
			(void)fputc(byte, out);
		size += is_escaped ? 4 : 1;
	}
	return size;
}
