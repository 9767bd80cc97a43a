/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/descriptor.h"

#include <errno.h>
#include <stdio.h>

char *oci_digest_text(const struct digest *digest, char *text)
{
	char hex[DIGEST_HEX_SIZE_MAX];

	(void)snprintf(text, OCI_DIGEST_SIZE_MAX, "%s:%s",
		       digest_algorithm_name((enum digest_algorithm)digest->algorithm),
		       digest_hex(digest, hex));
	return text;
}

int oci_digest_parse(struct span text, struct digest *ret)
{
	struct digest digest;
	enum digest_algorithm algorithm;
	struct span name, hex;
	const uint8_t *colon = text.size ? memchr(text.data, ':', text.size) : NULL;

	if (!colon || !span_cut(text, 0, (uint64_t)(colon - text.data), &name) ||
	    !span_from(text, name.size + 1, &hex))
		return -EUCLEAN;
	algorithm = digest_algorithm_by_name(name);
	if (algorithm == DIGEST_NONE || hex.size != 2 * digest_size(algorithm))
		return -EUCLEAN;
	for (size_t i = 0; i < hex.size; i++) {
		if (hex.data[i] >= 'A' && hex.data[i] <= 'F')
			return -EUCLEAN;
	}
	digest = (struct digest){.algorithm = (uint8_t)algorithm};
	if (!hex_decode(hex, digest.bytes, digest_size(algorithm)))
		return -EUCLEAN;
	*ret = digest;
	return 0;
}
