/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/fetch.h"

#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "base/reader.h"
#include "oci/source.h"
#include "verity/sha.h"

int oci_digest_check(const struct digest *promised, struct span bytes, struct diag *why)
{
	char wanted[OCI_DIGEST_SIZE_MAX], found[OCI_DIGEST_SIZE_MAX];
	struct digest digest;
	int r = sha_of((enum digest_algorithm)promised->algorithm, bytes, &digest, why);

	if (r < 0 || digest_equal(&digest, promised))
		return r;
	return diag_set(why, -EBADMSG, "the digest is %s, where %s was promised",
			oci_digest_text(&digest, found), oci_digest_text(promised, wanted));
}

int oci_descriptor_check(const struct oci_descriptor *descriptor, struct span bytes,
			 struct diag *why)
{
	if (bytes.size != descriptor->size)
		return diag_set(why, -EBADMSG, "%zu bytes, where %llu were promised", bytes.size,
				(unsigned long long)descriptor->size);
	return oci_digest_check(&descriptor->digest, bytes, why);
}

/* All of a reader, which may go on for ever: one byte more than was promised is enough. */
static int read_to_end(struct reader *reader, size_t size, struct buf *ret, struct diag *why)
{
	size_t before = ret->size;

	if (buf_reserve(ret, size + 1) < 0)
		return -ENOMEM;
	while (ret->size - before <= size) {
		ssize_t got = reader_read(reader, ret->data + ret->size,
					  size + 1 - (ret->size - before), why);

		if (got <= 0)
			return (int)got;
		ret->size += (size_t)got;
	}
	return diag_set(why, -EBADMSG, "more bytes than the %zu that were promised", size);
}

int oci_fetch(struct oci_source *source, const struct oci_descriptor *blob, size_t limit,
	      struct buf *ret, struct diag *why)
{
	struct reader reader = READER_NONE;
	size_t before = ret->size;
	int r;

	if (blob->size > limit)
		return diag_set(why, -E2BIG, "%llu bytes are more than the %zu that we take",
				(unsigned long long)blob->size, limit);
	r = oci_source_blob(source, blob, 0, &reader, why);
	if (r < 0)
		return r;
	r = read_to_end(&reader, (size_t)blob->size, ret, why);
	reader_close(&reader);
	if (r < 0)
		return r;
	return oci_descriptor_check(blob, span_of(ret->data + before, ret->size - before), why);
}

int oci_fetch_manifest(struct oci_source *source, const struct oci_descriptor *which,
		       struct buf *ret, char *media_type, struct digest *ret_digest,
		       struct diag *why)
{
	size_t before = ret->size;
	struct span bytes;
	int r;

	r = oci_source_manifest(source, which, ret, media_type, why);
	if (r < 0)
		return r;
	bytes = span_of(ret->data + before, ret->size - before);
	if (!which) {
		*ret_digest = oci_source_name(source);
		if (ret_digest->algorithm != DIGEST_NONE)
			return 0;
		return sha_of(DIGEST_SHA256, bytes, ret_digest, why);
	}
	r = oci_descriptor_check(which, bytes, why);
	if (r < 0)
		return r;
	*ret_digest = which->digest;
	return 0;
}
