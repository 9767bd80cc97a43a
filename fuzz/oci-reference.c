/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A reference that somebody else wrote (a container file, a request). The name of an image in a
 * registry means the same: both must give the same name again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/diag.h"
#include "oci/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct oci_reference *reference)
{
	if (reference->transport == OCI_TRANSPORT_DOCKER &&
	    (!oci_registry_is_valid(span_of_string(reference->registry)) ||
	     !oci_repository_is_valid(span_of_string(reference->repository)) ||
	     (!reference->tag && reference->digest.algorithm == DIGEST_NONE)))
		abort();
	if (reference->tag && !oci_tag_is_valid(span_of_string(reference->tag)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oci_reference reference = {0}, again = {0};
	struct buf first = {0}, second = {0};
	struct diag why = {0};
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (oci_reference_parse(text, &reference, &why) < 0) {
		if (!why.text[0] || reference.registry || reference.path)
			abort();
		free(text);
		return 0;
	}
	check(&reference);
	if (reference.transport == OCI_TRANSPORT_DOCKER &&
	    (buf_append_string(&first, "docker://") < 0 ||
	     oci_reference_format_name(&reference, &first) < 0 ||
	     oci_reference_parse(buf_string(&first), &again, &why) < 0 ||
	     buf_append_string(&second, "docker://") < 0 ||
	     oci_reference_format_name(&again, &second) < 0 || first.size != second.size ||
	     memcmp(first.data, second.data, first.size) != 0))
		abort();
	buf_release(&first);
	buf_release(&second);
	oci_reference_release(&reference);
	oci_reference_release(&again);
	free(text);
	return 0;
}
