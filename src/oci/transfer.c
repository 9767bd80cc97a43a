/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/transfer.h"

#include <errno.h>

#include "base/diag.h"
#include "base/limits.h"
#include "base/reader.h"
#include "base/trace.h"
#include "oci/descriptor.h"
#include "oci/registry_private.h"
#include "oci/target.h"

int oci_transfer_spare(struct oci_target *target, const struct oci_descriptor *blob,
		       const char *const *repositories, enum oci_transfer_way *ret_way,
		       struct diag *why)
{
	int r = oci_target_has_blob(target, blob, why);

	if (r == 1 && ret_way)
		*ret_way = OCI_TRANSFER_PRESENT;
	for (; r == 0 && repositories && *repositories; repositories++) {
		r = oci_target_mount_blob(target, blob, *repositories, NULL);
		/* Mounting saves an upload; that it failed is no reason not to try one. */
		r = r == 1 || r == -ENOMEM ? r : 0;
		if (r == 1 && ret_way)
			*ret_way = OCI_TRANSFER_MOUNTED;
	}
	return r;
}

static int send_once(struct oci_target *target, const struct oci_descriptor *blob,
		     const struct oci_transfer *transfer, struct diag *why)
{
	struct reader bytes = READER_NONE;
	int r = transfer->open(transfer->context, &bytes, why);

	if (r < 0)
		return r;
	r = oci_target_put_blob(target, blob, &bytes, why);
	reader_close(&bytes);
	return r;
}

int oci_transfer_send(struct oci_target *target, const struct oci_descriptor *blob,
		      const struct oci_transfer *transfer, struct diag *why)
{
	struct retry retry = {
		.first_ms = transfer->retry_ms ? transfer->retry_ms : RETRY_FIRST_MS,
	};
	int r;

	for (;;) {
		struct diag reason = {0};

		r = send_once(target, blob, transfer, &reason);
		if (r == 0)
			return 0;
		if (r == -EAGAIN && retry_wait(&retry, NULL)) {
			TRACE("oci", "sent again: %s", diag_text(&reason, r));
			continue;
		}
		return diag_set(why, r, "%s", diag_text(&reason, r));
	}
}

int oci_transfer(struct oci_target *target, const struct oci_descriptor *blob,
		 const struct oci_transfer *transfer, enum oci_transfer_way *ret_way,
		 struct diag *why)
{
	int r = oci_transfer_spare(target, blob, transfer->repositories, ret_way, why);

	if (r != 0)
		return r < 0 ? r : 0;
	r = oci_transfer_send(target, blob, transfer, why);
	if (r == 0 && ret_way)
		*ret_way = OCI_TRANSFER_SENT;
	return r;
}
