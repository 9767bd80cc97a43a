/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "cli/duration.h"

#include "base/ckd.h"

/* Seconds of a unit; 0 for what is none. */
static uint64_t unit_of(char letter)
{
	switch (letter) {
	case '\0':
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 60 * 60;
	case 'd':
		return 24 * 60 * 60;
	case 'w':
		return 7 * 24 * 60 * 60;
	default:
		return 0;
	}
}

bool duration_parse(const char *text, uint64_t *ret_seconds)
{
	uint64_t total = 0;

	do {
		uint64_t number = 0, unit;
		const char *start = text;

		for (; *text >= '0' && *text <= '9'; text++) {
			if (ckd_mul(&number, number, UINT64_C(10)) ||
			    ckd_add(&number, number, (uint64_t)(*text - '0')))
				return false;
		}
		unit = unit_of(*text);
		if (text == start || unit == 0 || ckd_mul(&number, number, unit) ||
		    ckd_add(&total, total, number))
			return false;
		if (*text)
			text++;
	} while (*text);
	*ret_seconds = total;
	return true;
}
