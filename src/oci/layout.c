/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/layout.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "oci/archive.h"
#include "oci/files.h"
#include "oci/layout_private.h"
#include "oci/reference.h"
#include "oci/storage.h"

int oci_layout_open(const struct oci_reference *reference, struct oci_source **ret, char **ret_name,
		    struct diag *why)
{
	CLEAN(oci_files_closep) struct oci_files *files = NULL;
	int r;

	switch (reference->transport) {
	case OCI_TRANSPORT_OCI:
	case OCI_TRANSPORT_DIR:
		r = oci_directory_open(reference->path, &files, why);
		break;
	case OCI_TRANSPORT_STORAGE:
		return storage_open(reference, ret, ret_name, why);
	case OCI_TRANSPORT_OCI_ARCHIVE:
	case OCI_TRANSPORT_DOCKER_ARCHIVE:
		r = oci_archive_open(reference->path, &files, why);
		break;
	default:
		return diag_set(why, -EINVAL, "'%s' is not a layout",
				oci_transport_name(reference->transport));
	}
	if (r < 0)
		return r;
	if (reference->transport == OCI_TRANSPORT_DIR)
		r = dir_layout_open(TAKE(files), reference, ret, ret_name, why);
	else if (reference->transport == OCI_TRANSPORT_DOCKER_ARCHIVE)
		r = docker_archive_open(TAKE(files), reference, ret, ret_name, why);
	else
		r = image_layout_open(TAKE(files), reference, ret, ret_name, why);
	if (r < 0)
		return diag_wrap(why, r, "'%.300s'", reference->path);
	return 0;
}
