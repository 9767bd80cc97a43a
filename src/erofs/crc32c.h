/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * crc32c.h - the checksum of a superblock
 *
 * Castagnoli polynomial, reflected (RFC 3720, appendix B.4), without the final inversion: so the
 * kernel and mkfs.erofs use it. One block per image is summed, speed does not matter.
 */
#ifndef LAMINA_EROFS_CRC32C_H
#define LAMINA_EROFS_CRC32C_H

#include <stdint.h>

#include "base/span.h"

/* Start with UINT32_MAX; sums of parts go on from one another. */
uint32_t crc32c(struct span bytes, uint32_t crc);

#endif
