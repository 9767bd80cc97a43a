/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * storage.h - images in the stores of podman, buildah and skopeo, as a source
 *
 * A store (containers/storage) has an image's manifest and config as files, and of each layer the
 * unpacked files beside what was kept of the archive that they were in (oci/tar_split.h). So layers
 * come as plain archives, to the byte what was pulled there; the manifest is the one that named the
 * compressed ones. Drivers: overlay and vfs.
 *
 * Nothing is written. Where nobody writes to the store it is locked against that, as podman locks
 * it; where somebody does, it is read without, because all files that are read here come into place
 * by rename(2), and a layer that goes away meanwhile is an error and no wrong content.
 */
#ifndef LAMINA_OCI_STORAGE_H
#define LAMINA_OCI_STORAGE_H

struct diag;          /* base/diag.h */
struct oci_reference; /* oci/reference.h */
struct oci_source;    /* oci/source.h */

/*
 * Open the image that a reference of the transport containers-storage names. *ret_name is what the
 * store calls it, NULL: it has no name there; the caller owns it.
 *
 *   -ENOENT      no store, no such image
 *   -EACCES      the store, or something in it, is not ours to read: files of other ids in a user's
 *                store are for root of his namespace
 *   -EOPNOTSUPP  a driver that we do not know
 *   -EUCLEAN     the store is damaged
 *   what storage_stores_find() returns
 */
int storage_open(const struct oci_reference *reference, struct oci_source **ret, char **ret_name,
		 struct diag *why);

#endif
