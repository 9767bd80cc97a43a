/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * layers_of.h - archives as blobs, and their way into a store
 */
#ifndef LAMINA_TESTS_LAYERS_OF_H
#define LAMINA_TESTS_LAYERS_OF_H

#include "unit/store/golden.h"

#include "compress.h"
#include "oci/layer.h"
#include "pieces_of.h"
#include "verity/sha.h"

static inline struct digest sha256_of(struct span bytes)
{
	struct digest digest;

	assert_int_equal(0, sha_of(DIGEST_SHA256, bytes, &digest, NULL));
	return digest;
}

static inline struct layer_request request_of(struct span blob, struct span tar)
{
	return (struct layer_request){
		.blob = {.digest = sha256_of(blob), .size = blob.size},
		.diff_id = sha256_of(tar),
	};
}

static inline int import_blob(struct transaction *transaction, struct span blob, size_t piece_size,
			      const struct layer_request *request, struct layer_result *ret,
			      struct diag *why)
{
	struct memory memory = {blob, piece_size, 0};
	const struct reader reader = reader_of_memory(&memory);

	return layer_import(transaction, &reader, request, ret, why);
}

/* The id of the stream of a tar that is in order. */
static inline struct digest import_tar(struct transaction *transaction, const struct buf *tar)
{
	struct layer_request request = request_of(buf_span(tar), buf_span(tar));
	struct layer_result result;
	struct diag why = {0};

	assert_ok(import_blob(transaction, buf_span(tar), 0, &request, &result, &why), &why);
	return result.stream_id;
}

#endif
