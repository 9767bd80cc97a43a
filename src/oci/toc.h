/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * toc.h - the table of contents of a layer whose files can be fetched one by one
 *
 * zstd:chunked (containers/storage, pkg/chunked, "FileMetadata") and eStargz (stargz-snapshotter,
 * docs/estargz.md, "TOC, TOCEntries and Footer"): JSON of nearly the same form. All entries of the
 * archive in its order, and for each file which bytes of the blob to inflate, piece by piece, and
 * the SHA-256 of what comes of them.
 *
 * What it says of places is checked against the blob, and nothing else of it can be: contents are
 * held to its digests, and the table itself to the digest in the manifest, by who fetches it.
 * Places that overlap harm nobody, then. Immutable once parsed.
 */
#ifndef LAMINA_OCI_TOC_H
#define LAMINA_OCI_TOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/span.h"
#include "oci/tar.h"

struct diag;   /* base/diag.h */
struct json_t; /* jansson.h */
struct tree;   /* tree/tree.h */

enum toc_format {
	TOC_ZSTD_CHUNKED,
	TOC_ESTARGZ,
};

/* A part of a file: bytes offset to end of the blob, inflated, without the first skip bytes. */
struct toc_chunk {
	uint64_t offset;
	uint64_t end;
	uint64_t skip;
	uint64_t size;        /* of the part, bytes */
	struct digest digest; /* of the part; DIGEST_NONE: the file's alone has to do */
	bool is_zeros;        /* and so need not be fetched */
};

struct toc_entry {
	struct tar_entry meta; /* as the archive has it; spans are the table's */
	struct digest content; /* SHA-256 of a file of at least one byte; else DIGEST_NONE */
	size_t chunk_first;    /* of such a file: its parts, in order, without gaps */
	size_t chunk_count;
};

struct toc {
	struct toc_entry *entries; /* owned */
	size_t count;
	struct toc_chunk *chunks; /* owned */
	size_t chunk_count;
	struct json_t *document; /* owned */
	struct arena arena;
};

/*
 * Read a table. data_end is where the blob's data end, and its own table begins: no file has a part
 * behind that.
 *
 *   -EUCLEAN     malformed; a place that is not in the blob; a file whose parts do not make it up
 *   -EOPNOTSUPP  an entry of another type, without a digest, or with a name that JSON does not hold
 *   -E2BIG       above TOC_SIZE_MAX, or what it takes to read it above other limits
 */
int toc_parse(struct span raw, enum toc_format format, uint64_t data_end, struct toc **ret,
	      struct diag *why);

/*
 * One more file at the end, which is one part; for the table itself, which is a file of the archive
 * of eStargz that is not in it. Spans of entry are copied. 0 or -ENOMEM.
 */
int toc_add_file(struct toc *toc, const struct tar_entry *entry, const struct toc_chunk *chunk);

/*
 * Put the entries onto tree, as the next layer, by the rules of tree/merge.h. What takes the place
 * of an object is mark() of the SHA-256 of contents; files of INLINE_SIZE_DEFAULT bytes and less,
 * which an archive would have in the tree, are so too. Errors as of layer_apply().
 */
typedef struct digest toc_mark(const struct digest *contents);
int toc_apply(const struct toc *toc, toc_mark *mark, struct tree *tree, struct diag *why);

void toc_free(struct toc *toc); /* NULL is fine */
void toc_freep(struct toc **toc);

#endif
