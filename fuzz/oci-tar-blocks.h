/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * oci-tar-blocks.h - right checksums for the headers of what may be an archive
 *
 * Without them a fuzzer sees little more of a tar reader than the check of the checksum.
 */
#ifndef LAMINA_FUZZ_OCI_TAR_BLOCKS_H
#define LAMINA_FUZZ_OCI_TAR_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static inline void tar_checksum_set(uint8_t *block)
{
	unsigned int sum = 0;
	char text[8];

	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += block[i];
	(void)snprintf(text, sizeof(text), "%06o", sum);
	memcpy(block + 148, text, 7);
}

/* Of what stands where a header would be, by the sizes in octal before it. */
static inline void tar_checksums_set(uint8_t *data, size_t size)
{
	static const uint8_t zeros[512];
	size_t at = 0;

	while (size >= 512 && at <= size - 512) {
		uint8_t *block = data + at;
		uint64_t body = 0;

		if (memcmp(block, zeros, 512) != 0)
			tar_checksum_set(block);
		for (size_t i = 124; i < 136 && block[i] >= '0' && block[i] <= '7'; i++)
			body = body * 8 + (block[i] - '0');
		if (!memchr("0\0007xgLKS", block[156], 8))
			body = 0;
		if (body > size)
			return;
		/* a sparse file's map, of which each block says whether one more follows */
		for (bool more = block[156] == 'S' && block[482]; more && size - at >= 1024;) {
			at += 512;
			more = data[at + 504];
		}
		at += 512 + (body + 511) / 512 * 512;
	}
}

#endif
