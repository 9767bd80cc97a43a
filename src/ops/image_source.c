/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/image_source.h"

#include "base/buf.h"
#include "oci/fetch.h"
#include "oci/layout.h"
#include "oci/reference.h"
#include "oci/registry.h"

int image_source_open(const struct oci_reference *reference, const struct registry_options *options,
		      struct oci_source **ret, char **ret_name, struct diag *why)
{
	int r;

	if (reference->transport != OCI_TRANSPORT_DOCKER)
		return oci_layout_open(reference, ret, ret_name, why);
	r = registry_open(reference, options, ret, why);
	if (r == 0)
		*ret_name = NULL;
	return r;
}

int image_source_manifest(struct oci_source *source, const struct oci_reference *reference,
			  const struct oci_descriptor *which, struct buf *ret, char *media_type,
			  struct digest *ret_digest, struct diag *why)
{
	size_t before = ret->size;
	int r = oci_fetch_manifest(source, which, ret, media_type, ret_digest, why);

	if (r < 0 || which || reference->digest.algorithm == DIGEST_NONE)
		return r;
	r = oci_digest_check(&reference->digest, span_of(ret->data + before, ret->size - before),
			     why);
	if (r == 0)
		*ret_digest = reference->digest;
	return r;
}
