/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * toc_fetch.h - find the table of contents of a layer, and fetch nothing else of it
 *
 * The annotations of the layer in its manifest, whose digest somebody has verified, say what the
 * table's digest is; that is checked before anything of it is parsed.
 */
#ifndef LAMINA_OCI_TOC_FETCH_H
#define LAMINA_OCI_TOC_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/span.h"
#include "oci/toc.h"

struct diag;       /* base/diag.h */
struct oci_item;   /* oci/manifest.h */
struct oci_source; /* oci/source.h */

struct toc_place {
	enum toc_format format;
	struct digest digest; /* zstd:chunked: of the compressed table; eStargz: of the plain one */
	uint64_t offset;      /* zstd:chunked: of the compressed table in the blob, bytes */
	uint64_t size;
	uint64_t plain_size;
};

/* Whether the annotations of a layer tell of a table that we would take. */
bool toc_find(const struct oci_item *layer, struct toc_place *ret);

/*
 * Where eStargz's table begins, which the last TOC_FOOTER_SIZE bytes of the blob say; -EUCLEAN when
 * they are no such footer.
 */
#define TOC_FOOTER_SIZE 51
int toc_footer_parse(struct span footer, uint64_t *ret_offset, struct diag *why);

/*
 * Fetch and read the table that toc_find() found. source has ranges. The table of eStargz, which is
 * a file of the archive as well, is its last entry.
 *
 *   -EBADMSG  it is not the one that the manifest means
 *   as oci_source_range(), inflate_open(), tar_next() and toc_parse()
 */
int toc_fetch(struct oci_source *source, const struct oci_item *layer,
	      const struct toc_place *place, struct toc **ret, struct diag *why);

#endif
