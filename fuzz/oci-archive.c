/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * An archive that somebody handed us, as both kinds that we read. What is found in it lies in it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "oci/fetch.h"
#include "oci/layout.h"
#include "oci/manifest.h"
#include "oci/reference.h"
#include "oci/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(struct oci_source *source)
{
	char media_type[MEDIA_TYPE_SIZE_MAX];
	struct oci_manifest *manifest = NULL;
	struct buf bytes = {0};
	struct digest digest;
	struct diag why = {0};

	if (oci_fetch_manifest(source, NULL, &bytes, media_type, &digest, &why) == 0 &&
	    oci_manifest_parse(buf_span(&bytes), media_type, &manifest, &why) == 0) {
		bytes.size = 0;
		if (!oci_manifest_is_index(manifest))
			(void)oci_fetch(source, &manifest->config.descriptor, MANIFEST_SIZE_MAX,
					&bytes, &why);
	}
	oci_manifest_free(manifest);
	buf_release(&bytes);
}

static void open_as(enum oci_transport transport, int fd)
{
	char path[64];
	struct oci_reference reference = {.transport = transport, .path = path, .index = -1};
	struct oci_source *source = NULL;
	char *name = NULL;
	struct diag why = {0};
	int r;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = oci_layout_open(&reference, &source, &name, &why);
	if (r < 0 && (source || (r != -ENOMEM && !why.text[0])))
		abort();
	if (r == 0)
		use(source);
	oci_source_close(source);
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("archive", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) < 0 || fd_pwrite(fd, data, size, 0) < 0)
		abort();
	open_as(OCI_TRANSPORT_OCI_ARCHIVE, fd);
	open_as(OCI_TRANSPORT_DOCKER_ARCHIVE, fd);
	return 0;
}
