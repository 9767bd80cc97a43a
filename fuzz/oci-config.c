/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The config of an image, as a registry sends it. All that was promised to be a string is one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/limits.h"
#include "oci/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const struct oci_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++) {
		if (strlen(texts->items[i]) > MANIFEST_SIZE_MAX)
			abort();
	}
	if (texts->items[texts->count])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oci_config *config = NULL;
	struct diag why = {0};
	int r = oci_config_parse(span_of(data, size), &config, &why);

	if (r < 0) {
		if (config || (r != -ENOMEM && !why.text[0]))
			abort();
		return 0;
	}
	read_all(&config->env);
	read_all(&config->entrypoint);
	read_all(&config->cmd);
	read_all(&config->volumes);
	read_all(&config->exposed_ports);
	if (config->diff_id_count > LAYER_COUNT_MAX ||
	    memchr(config->platform.os, '\0', sizeof(config->platform.os)) == NULL)
		abort();
	oci_config_free(config);
	return 0;
}
