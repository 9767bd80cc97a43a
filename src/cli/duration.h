/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * duration.h - how long, as people type it
 */
#ifndef LAMINA_CLI_DURATION_H
#define LAMINA_CLI_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/*
 * "90", "90s", "15m", "12h", "7d" or "2w"; several in a row add up: "1h30m". False, and *ret left
 * alone, for anything else.
 */
bool duration_parse(const char *text, uint64_t *ret_seconds);

#endif
