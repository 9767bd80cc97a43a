/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The Merkle tree, bottom up. Level 0 collects the hashes of data blocks, level N + 1 those of the
 * full blocks of level N. A level that fills is hashed into the next at once, so that only one
 * block a level waits. At the end the lone hash with nothing above it is the root.
 *
 * The descriptor that is hashed last (fsverity.rst, "fs-verity descriptor", struct
 * fsverity_descriptor):
 *
 *   offset  size  meaning
 *        0     1  version, 1
 *        1     1  hash algorithm, 1 SHA-256, 2 SHA-512
 *        2     1  log2 of the block size, 12
 *        3     1  salt size, 0
 *        4     4  zeros
 *        8     8  size of the data in bytes
 *       16    64  root hash, filled with zeros; all zeros for the empty file
 *       80   176  salt and reserved, zeros
 */
#include "verity/hasher.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/le.h"
#include "verity/crypto_private.h"
#include "verity/hasher_private.h"

struct descriptor_disk {
	uint8_t version;
	uint8_t algorithm;
	uint8_t log_block_size;
	uint8_t salt_size;
	le32 signature_size;
	le64 data_size;
	uint8_t root_hash[64];
	uint8_t salt[32];
	uint8_t reserved[144];
};
_Static_assert(sizeof(struct descriptor_disk) == 256, "as the kernel says");

/*
 * 2^64 bytes are 2^52 blocks; a SHA-512 level divides by 64, a SHA-256 level by 128: nine levels
 * lead to one hash.
 */
#define LEVEL_COUNT 10

struct level {
	size_t filled; /* bytes; below VERITY_BLOCK_SIZE between calls */
	uint8_t block[VERITY_BLOCK_SIZE];
};

struct verity_hasher {
	enum digest_algorithm algorithm;
	size_t hash_size;
	const struct crypto *crypto;
	EVP_MD_CTX *context; /* owned */
	uint8_t *buffer;     /* owned; NULL until verity_hasher_buffer() */
	uint64_t size;       /* bytes so far */
	size_t data_filled;
	uint8_t data[VERITY_BLOCK_SIZE]; /* the block that is not full yet */
	struct level levels[LEVEL_COUNT];
};

int verity_hasher_new(enum digest_algorithm algorithm, struct verity_hasher **ret, struct diag *why)
{
	CLEAN(verity_hasher_freep) struct verity_hasher *hasher = NULL;
	const struct crypto *crypto;
	int r;

	if (digest_size(algorithm) == 0)
		return diag_set(why, -EINVAL, "no hash algorithm has number %d", (int)algorithm);
	r = crypto_load(&crypto, why);
	if (r < 0)
		return r;
	if (!crypto->md[algorithm])
		return diag_set(why, -EOPNOTSUPP, "libcrypto has no %s here",
				digest_algorithm_name(algorithm));
	hasher = malloc(sizeof(*hasher));
	if (!hasher)
		return -ENOMEM;
	hasher->algorithm = algorithm;
	hasher->hash_size = digest_size(algorithm);
	hasher->crypto = crypto;
	hasher->buffer = NULL;
	hasher->context = crypto->context_new();
	if (!hasher->context)
		return -ENOMEM;
	verity_reset(hasher);
	*ret = TAKE(hasher);
	return 0;
}

void verity_hasher_free(struct verity_hasher *hasher)
{
	if (!hasher)
		return;
	hasher->crypto->context_free(hasher->context);
	free(hasher->buffer);
	free(hasher);
}

void verity_hasher_freep(struct verity_hasher **hasher)
{
	verity_hasher_free(*hasher);
	*hasher = NULL;
}

enum digest_algorithm verity_hasher_algorithm(const struct verity_hasher *hasher)
{
	return hasher->algorithm;
}

uint8_t *verity_hasher_buffer(struct verity_hasher *hasher)
{
	if (!hasher->buffer)
		hasher->buffer = malloc(VERITY_BUFFER_SIZE);
	return hasher->buffer;
}

void verity_reset(struct verity_hasher *hasher)
{
	hasher->size = 0;
	hasher->data_filled = 0;
	for (size_t i = 0; i < LEVEL_COUNT; i++)
		hasher->levels[i].filled = 0;
}

static int hash_bytes_of(struct verity_hasher *hasher, const void *bytes, size_t size,
			 uint8_t *hash)
{
	const struct crypto *crypto = hasher->crypto;

	if (crypto->init(hasher->context, crypto->md[hasher->algorithm], NULL) != 1 ||
	    crypto->update(hasher->context, bytes, size) != 1 ||
	    crypto->final(hasher->context, hash, NULL) != 1)
		return -EIO;
	return 0;
}

/* Hash what level index holds, filled up with zeros, into the level above. */
static int level_flush(struct verity_hasher *hasher, size_t index)
{
	struct level *level = &hasher->levels[index], *above = level + 1;
	int r;

	memset(level->block + level->filled, 0, VERITY_BLOCK_SIZE - level->filled);
	r = hash_bytes_of(hasher, level->block, VERITY_BLOCK_SIZE, above->block + above->filled);
	if (r < 0)
		return r;
	level->filled = 0;
	above->filled += hasher->hash_size;
	return 0;
}

/* A hash was put at the end of level index: hash each block that this made full. */
static int levels_settle(struct verity_hasher *hasher, size_t index)
{
	for (; hasher->levels[index].filled == VERITY_BLOCK_SIZE; index++) {
		int r = level_flush(hasher, index);

		if (r < 0)
			return r;
	}
	return 0;
}

static int push_block(struct verity_hasher *hasher, const uint8_t *block)
{
	struct level *level = &hasher->levels[0];
	int r;

	r = hash_bytes_of(hasher, block, VERITY_BLOCK_SIZE, level->block + level->filled);
	if (r < 0)
		return r;
	level->filled += hasher->hash_size;
	return level->filled == VERITY_BLOCK_SIZE ? levels_settle(hasher, 0) : 0;
}

int verity_update(struct verity_hasher *hasher, struct span bytes)
{
	int r;

	hasher->size += bytes.size;
	if (hasher->data_filled) {
		size_t room = VERITY_BLOCK_SIZE - hasher->data_filled;
		size_t part = bytes.size < room ? bytes.size : room;

		if (part)
			memcpy(hasher->data + hasher->data_filled, bytes.data, part);
		hasher->data_filled += part;
		if (hasher->data_filled < VERITY_BLOCK_SIZE)
			return 0;
		r = push_block(hasher, hasher->data);
		if (r < 0)
			return r;
		hasher->data_filled = 0;
		bytes = span_of(bytes.data + part, bytes.size - part);
	}
	while (bytes.size >= VERITY_BLOCK_SIZE) {
		r = push_block(hasher, bytes.data);
		if (r < 0)
			return r;
		bytes = span_of(bytes.data + VERITY_BLOCK_SIZE, bytes.size - VERITY_BLOCK_SIZE);
	}
	if (bytes.size)
		memcpy(hasher->data, bytes.data, bytes.size);
	hasher->data_filled = bytes.size;
	return 0;
}

/* Whether level index holds the one hash that stands for everything. */
static bool level_is_root(const struct verity_hasher *hasher, size_t index)
{
	if (hasher->levels[index].filled != hasher->hash_size)
		return false;
	for (size_t i = index + 1; i < LEVEL_COUNT; i++) {
		if (hasher->levels[i].filled)
			return false;
	}
	return true;
}

static int root_of(struct verity_hasher *hasher, uint8_t *root)
{
	size_t index = 0;
	int r;

	if (hasher->data_filled) {
		memset(hasher->data + hasher->data_filled, 0,
		       VERITY_BLOCK_SIZE - hasher->data_filled);
		r = push_block(hasher, hasher->data);
		if (r < 0)
			return r;
	}
	for (; !level_is_root(hasher, index); index++) {
		if (!hasher->levels[index].filled)
			continue;
		r = level_flush(hasher, index);
		if (r < 0)
			return r;
	}
	memcpy(root, hasher->levels[index].block, hasher->hash_size);
	return 0;
}

int verity_finish(struct verity_hasher *hasher, struct digest *ret)
{
	struct descriptor_disk descriptor = {
		.version = 1,
		.algorithm = (uint8_t)hasher->algorithm,
		.log_block_size = 12,
		.data_size = le64_of(hasher->size),
	};
	struct digest digest = {.algorithm = (uint8_t)hasher->algorithm};
	int r = 0;

	if (hasher->size)
		r = root_of(hasher, descriptor.root_hash);
	if (r == 0)
		r = hash_bytes_of(hasher, &descriptor, sizeof(descriptor), digest.bytes);
	verity_reset(hasher);
	if (r < 0)
		return r;
	*ret = digest;
	return 0;
}

size_t verity_subtree_take(struct verity_hasher *hasher, uint8_t *hashes)
{
	struct level *level = &hasher->levels[1];
	size_t size = level->filled;

	memcpy(hashes, level->block, size);
	verity_reset(hasher);
	return size;
}

int verity_subtree_push(struct verity_hasher *hasher, uint64_t data_size, struct span hashes)
{
	struct level *level = &hasher->levels[1];

	hasher->size += data_size;
	for (size_t at = 0; at < hashes.size; at += hasher->hash_size) {
		int r;

		memcpy(level->block + level->filled, hashes.data + at, hasher->hash_size);
		level->filled += hasher->hash_size;
		r = levels_settle(hasher, 1);
		if (r < 0)
			return r;
	}
	return 0;
}
