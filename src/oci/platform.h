/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * platform.h - which machine an image is for
 *
 * Names as in Go's GOOS and GOARCH (OCI image specification 1.1, "Image Index").
 */
#ifndef LAMINA_OCI_PLATFORM_H
#define LAMINA_OCI_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>

struct diag; /* base/diag.h */

#define PLATFORM_PART_SIZE_MAX 32 /* the longest known, "ppc64le" and "dragonfly", and room */
#define PLATFORM_TEXT_SIZE_MAX (3 * PLATFORM_PART_SIZE_MAX)

struct oci_platform {
	char os[PLATFORM_PART_SIZE_MAX];
	char architecture[PLATFORM_PART_SIZE_MAX];
	char variant[PLATFORM_PART_SIZE_MAX]; /* "" where there is none */
};

/* Read "OS/ARCH" or "OS/ARCH/VARIANT". -EINVAL: it is neither. */
int oci_platform_parse(const char *text, struct oci_platform *ret, struct diag *why);

/* Of the machine we run on. */
void oci_platform_host(struct oci_platform *ret);

/* "linux/arm/v7" into text[PLATFORM_TEXT_SIZE_MAX]. Returns text. */
char *oci_platform_text(const struct oci_platform *platform, char *text);

/*
 * How well an image of platform found serves one who wants wanted: 0 not at all, else the higher
 * the better. A variant is served by itself, then by older ones, then by none. Where none is
 * wanted, arm means v7, arm64 v8 and amd64 v1 (as containerd and Docker have it).
 */
unsigned int oci_platform_match(const struct oci_platform *wanted,
				const struct oci_platform *found);

#endif
