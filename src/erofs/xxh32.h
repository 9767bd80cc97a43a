/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * xxh32.h - the 32-bit xxHash, for the xattr name filter
 *
 * Specification: xxHash fast digest algorithm, version 0.1.1, "XXH32 Algorithm Description".
 */
#ifndef LAMINA_EROFS_XXH32_H
#define LAMINA_EROFS_XXH32_H

#include <stdint.h>

#include "base/span.h"

uint32_t xxh32(struct span bytes, uint32_t seed);

#endif
