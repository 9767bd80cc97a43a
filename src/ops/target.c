/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/target.h"

#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "oci/reference.h"
#include "oci/registry.h"
#include "ops/files_out.h"
#include "ops/target_private.h"

bool target_wants_plain(const struct oci_reference *reference)
{
	return reference->transport == OCI_TRANSPORT_DOCKER_ARCHIVE;
}

static int docker_archive(const struct oci_reference *reference, const char *default_name,
			  struct files_out *out, struct oci_target **ret)
{
	CLEAN(buf_release) struct buf name = {0};

	if (reference->repository &&
	    (oci_reference_format_name(reference, &name) < 0 || !buf_string(&name))) {
		files_out_close(out);
		return -ENOMEM;
	}
	return target_docker_new(out, name.size ? buf_string(&name) : default_name, ret);
}

int target_open(const struct oci_reference *reference, const struct registry_options *options,
		const char *default_name, struct oci_target **ret, struct diag *why)
{
	struct files_out *out;
	int r;

	switch (reference->transport) {
	case OCI_TRANSPORT_DOCKER:
		return registry_push_open(reference, options, ret, why);
	case OCI_TRANSPORT_OCI:
		r = files_out_directory(reference->path, &out, why);
		return r < 0 ? r : target_layout_new(out, reference->name, ret);
	case OCI_TRANSPORT_DIR:
		return target_dir_open(reference->path, ret, why);
	case OCI_TRANSPORT_OCI_ARCHIVE:
		r = files_out_archive(reference->path, &out, why);
		return r < 0 ? r : target_layout_new(out, reference->name, ret);
	case OCI_TRANSPORT_DOCKER_ARCHIVE:
		r = files_out_archive(reference->path, &out, why);
		return r < 0 ? r : docker_archive(reference, default_name, out, ret);
	default:
		return diag_set(why, -EOPNOTSUPP, "nothing is written to '%s:'",
				oci_transport_name(reference->transport));
	}
}
