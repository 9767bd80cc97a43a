/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * hasher_private.h - what reading files needs of the hasher beyond pushing bytes
 */
#ifndef LAMINA_VERITY_HASHER_PRIVATE_H
#define LAMINA_VERITY_HASHER_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/span.h"

struct verity_hasher; /* verity/hasher.h */

/*
 * Bytes of the read buffer. Fits the second-level cache, so that what was read is hashed from
 * there; larger ones measured the same or slower.
 */
#define VERITY_BUFFER_SIZE (256 * 1024)

enum digest_algorithm verity_hasher_algorithm(const struct verity_hasher *hasher);

/* VERITY_BUFFER_SIZE bytes that live as long as the hasher; NULL when out of memory. */
uint8_t *verity_hasher_buffer(struct verity_hasher *hasher);

/* Forget all bytes since new or the last finish. */
void verity_reset(struct verity_hasher *hasher);

/*
 * A file cut into subtrees: bytes that begin and end at a full block of level 0 (128 data blocks
 * for SHA-256, 64 for SHA-512) and fill less than one block of level 1. The hashes of their level 0
 * blocks are all that the tree above needs. Take them out of a hasher that was fed exactly such
 * bytes, at most VERITY_SUBTREE_HASHES_MAX bytes, and push them, in file order, into the one that
 * makes the root.
 */
#define VERITY_SUBTREE_SIZE (8 * 1024 * 1024) /* data; 16 hashes of 32 bytes or 32 of 64 */
#define VERITY_SUBTREE_HASHES_MAX 2048

size_t verity_subtree_take(struct verity_hasher *hasher, uint8_t *hashes);
int verity_subtree_push(struct verity_hasher *hasher, uint64_t data_size, struct span hashes);

#endif
