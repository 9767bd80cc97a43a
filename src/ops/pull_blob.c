/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A blob that is kept as it came: a layer of an artifact, or a compressed one.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/reader.h"
#include "oci/descriptor.h"
#include "oci/source.h"
#include "ops/pull_private.h"
#include "store/objects.h"
#include "store/splitstream.h"
#include "store/streams.h"
#include "verity/sha.h"

#define BUFFER_SIZE ((size_t)256 * 1024)

/* Where the bytes go. */
struct sinks {
	struct object_writer *object;
	struct sha *sha;
	uint64_t size;
};

static int sinks_take(struct sinks *sinks, struct span bytes, struct diag *why)
{
	int r = sha_update(sinks->sha, bytes);

	if (r < 0)
		return diag_set(why, r, "libcrypto failed to hash");
	sinks->size += bytes.size;
	return object_writer_write(sinks->object, bytes, why);
}

/* At most one piece more than was promised. */
static int read_all(struct pull *pull, struct reader *reader, uint64_t size, struct sinks *sinks,
		    struct diag *why)
{
	CLEAN(memory_freep) uint8_t *buffer = malloc(BUFFER_SIZE);
	ssize_t got;
	int r;

	if (!buffer)
		return -ENOMEM;
	while ((got = reader_read(reader, buffer, BUFFER_SIZE, why)) > 0) {
		r = sinks_take(sinks, span_of(buffer, (size_t)got), why);
		if (r < 0)
			return r;
		pull->done_bytes += (uint64_t)got;
		pull_report(pull);
		if (sinks->size > size)
			return diag_set(why, -EBADMSG, "more bytes than the %llu promised",
					(unsigned long long)size);
	}
	return (int)got;
}

static int check(struct sinks *sinks, const struct oci_descriptor *blob, struct diag *why)
{
	char found[OCI_DIGEST_SIZE_MAX], wanted[OCI_DIGEST_SIZE_MAX];
	struct digest digest;
	int r;

	if (sinks->size != blob->size)
		return diag_set(why, -EBADMSG, "%llu bytes, where %llu were promised",
				(unsigned long long)sinks->size, (unsigned long long)blob->size);
	r = sha_finish(sinks->sha, &digest);
	if (r < 0)
		return diag_set(why, r, "libcrypto failed to hash");
	if (!digest_equal(&digest, &blob->digest))
		return diag_set(why, -EBADMSG, "the digest is %s, where %s was promised",
				oci_digest_text(&digest, found),
				oci_digest_text(&blob->digest, wanted));
	return 0;
}

static int object_bring(struct pull *pull, const struct oci_descriptor *blob, struct digest *ret,
			struct diag *why)
{
	CLEAN(object_writer_abortp) struct object_writer *object = NULL;
	CLEAN(sha_freep) struct sha *sha = NULL;
	struct reader reader = READER_NONE;
	struct sinks sinks = {0};
	int r;

	r = sha_new((enum digest_algorithm)blob->digest.algorithm, &sha, why);
	if (r == 0)
		r = object_writer_new(pull->transaction, &object, why);
	if (r == 0)
		r = oci_source_blob(pull->source, blob, 0, &reader, why);
	if (r < 0)
		return r;
	sinks = (struct sinks){.object = object, .sha = sha};
	r = read_all(pull, &reader, blob->size, &sinks, why);
	reader_close(&reader);
	if (r == 0)
		r = check(&sinks, blob, why);
	return r < 0 ? r : object_writer_finish(TAKE(object), ret, why);
}

int pull_blob(struct pull *pull, const struct oci_descriptor *blob, const char *name,
	      struct digest *ret_id, struct diag *why)
{
	CLEAN(splitstream_writer_abortp) struct splitstream_writer *stream = NULL;
	struct digest object, id;
	int r;

	r = object_bring(pull, blob, &object, why);
	if (r == 0)
		r = splitstream_writer_new(pull->transaction, STREAM_TYPE_OCI_BLOB, &stream, why);
	if (r == 0)
		r = splitstream_write_external(stream, &object, blob->size, why);
	if (r == 0)
		r = splitstream_writer_finish(TAKE(stream), &id, why);
	if (r == 0)
		r = pull_sync(pull, why);
	if (r == 0)
		r = stream_link(pull->store, name, &id, why);
	if (r == 0)
		*ret_id = id;
	return r;
}
