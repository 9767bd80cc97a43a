/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * transfer.h - one blob into a target, by the cheapest way there is
 *
 * What is there already stays, what lies in another repository of the same registry is mounted, and
 * the rest is sent: from its beginning again, where a connection broke.
 */
#ifndef LAMINA_OCI_TRANSFER_H
#define LAMINA_OCI_TRANSFER_H

struct diag;           /* base/diag.h */
struct oci_descriptor; /* oci/descriptor.h */
struct oci_target;     /* oci/target.h */
struct reader;         /* base/reader.h */

enum oci_transfer_way {
	OCI_TRANSFER_PRESENT,
	OCI_TRANSFER_MOUNTED,
	OCI_TRANSFER_SENT,
};

/* Where a blob may come from. All is borrowed for the call. */
struct oci_transfer {
	/* The bytes from the beginning, each time; the reader is closed after use. */
	int (*open)(void *context, struct reader *ret, struct diag *why);
	void *context;
	/* Repositories of the target's registry that may have it; NULL behind the last. NULL: none.
	 */
	const char *const *repositories;
	unsigned int retry_ms; /* the first wait; 0: RETRY_FIRST_MS */
};

/*
 * Whether the target has the blob, or got it by mounting, and nothing need be sent: 1 with *ret_way
 * (which may be NULL), 0, or an error. A repository that cannot be mounted from is none.
 */
int oci_transfer_spare(struct oci_target *target, const struct oci_descriptor *blob,
		       const char *const *repositories, enum oci_transfer_way *ret_way,
		       struct diag *why);

/*
 * Have the blob in the target, which holds it to its digest. Returns 0, or what open, the reader or
 * the target said last.
 */
int oci_transfer(struct oci_target *target, const struct oci_descriptor *blob,
		 const struct oci_transfer *transfer, enum oci_transfer_way *ret_way,
		 struct diag *why);

/* The same of a blob that is known not to be there. */
int oci_transfer_send(struct oci_target *target, const struct oci_descriptor *blob,
		      const struct oci_transfer *transfer, struct diag *why);

#endif
