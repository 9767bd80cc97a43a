/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * utf8.h - whether bytes are UTF-8 (RFC 3629)
 */
#ifndef LAMINA_BASE_UTF8_H
#define LAMINA_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

/*
 * Bytes of the character at the front of text, which is not empty; 0 when there is none. Overlong
 * forms, surrogates and what lies past U+10FFFF are none.
 */
size_t utf8_size(struct span text);

/* All of text; the empty one is. */
bool utf8_is_valid(struct span text);

#endif
