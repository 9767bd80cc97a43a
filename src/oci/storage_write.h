/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * storage_write.h - a store that podman reads, whose files are somewhere else
 *
 * An additional image store (containers-storage.conf(5), "additionalimagestores") of driver overlay
 * whose images have one layer each: all of their file tree, which somebody mounts at the layer's
 * "diff". oci/storage_private.h says what is where. Ours alone: podman only reads such stores.
 */
#ifndef LAMINA_OCI_STORAGE_WRITE_H
#define LAMINA_OCI_STORAGE_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/span.h"

struct diag; /* base/diag.h */

/* All is borrowed. */
struct storage_entry {
	const char *name;       /* with a host: "localhost/it:1" */
	struct digest manifest; /* as OCI has it */
	struct span manifest_bytes;
	struct digest config; /* the same; its hex digits are the id of the image */
	struct span config_bytes;
	const char *created; /* of the config; NULL: not said */
	uint64_t size;       /* bytes of the file tree, as lists show them */
	/*
	 * What the layer is told apart by. The digest of no archive: nobody who has one may take
	 * the whole tree for a layer of it.
	 */
	struct digest layer;
};

/* Where the files of an entry have to be, below the store: path[STORAGE_DIFF_SIZE_MAX]. */
#define STORAGE_DIFF_SIZE_MAX (DIGEST_HEX_SIZE_MAX + 32)
char *storage_entry_diff(const struct storage_entry *entry, char *path);

/*
 * Put an entry into the store at a directory, which is made one if it is none yet, and make the
 * directory for its files. What was there of that id is replaced, and another image of that name
 * loses it. Lists come into place whole, under the store's own locks: several, and podman, may
 * write at a time, of whom each waits for the other. All of it is for everybody to read.
 *
 *   -EUCLEAN  lists that make no sense
 */
int storage_entry_put(int directory, const struct storage_entry *entry, struct diag *why);

#endif
