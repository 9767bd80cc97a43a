/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * made.h - folders, archives and layouts for the tests of this room
 */
#ifndef LAMINA_TESTS_OCI_MADE_H
#define LAMINA_TESTS_OCI_MADE_H

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/reader.h"
#include "oci/descriptor.h"
#include "verity/sha.h"

#define FOLDER_SIZE 64

/* A folder of its own for each test. */
static inline void made_folder(char path[FOLDER_SIZE])
{
	const char *where = getenv("TMPDIR");

	if (!where || strlen(where) > FOLDER_SIZE - 32)
		where = "/tmp";
	(void)snprintf(path, FOLDER_SIZE, "%s/lamina-oci-XXXXXX", where);
	assert_non_null(mkdtemp(path));
}

static inline int made_remove_entry(const char *path, const struct stat *stat, int type,
				    struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void made_remove(const char *path)
{
	(void)nftw(path, made_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* path/name, by turns in sixteen places */
static inline const char *made_path(const char *path, const char *name)
{
	static char joined[16][512];
	static unsigned int next;
	char *place = joined[next++ % 16];

	(void)snprintf(place, sizeof(joined[0]), "%s/%s", path, name);
	return place;
}

/* A file below folder, with the directories on the way. */
static inline void made_file(const char *folder, const char *name, struct span bytes)
{
	char path[512];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	for (char *slash = strchr(path + strlen(folder) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0755);
		*slash = '/';
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(0, fd_write(fd, bytes.data, bytes.size));
	(void)close(fd);
}

static inline struct oci_descriptor made_descriptor(struct span bytes)
{
	struct oci_descriptor descriptor = {.size = bytes.size};
	struct diag why = {0};

	assert_ok(sha_of(DIGEST_SHA256, bytes, &descriptor.digest, &why), &why);
	return descriptor;
}

static inline const char *made_digest(struct span bytes)
{
	static char text[8][OCI_DIGEST_SIZE_MAX];
	static unsigned int next;
	struct oci_descriptor descriptor = made_descriptor(bytes);

	return oci_digest_text(&descriptor.digest, text[next++ % 8]);
}

/* A blob of an OCI layout at folder. Returns its digest as text. */
static inline const char *made_blob(const char *folder, const char *text)
{
	const char *digest = made_digest(span_of_string(text));
	char name[256];

	(void)snprintf(name, sizeof(name), "blobs/sha256/%s", digest + strlen("sha256:"));
	made_file(folder, name, span_of_string(text));
	return digest;
}

/* One member of a tar archive, appended: ustar, mode 0644. */
static inline void made_member(struct buf *tar, char type, const char *name, const char *target,
			       struct span content)
{
	char header[512] = {0};
	unsigned int sum = 0;

	(void)snprintf(header, 100, "%.99s", name);
	(void)snprintf(header + 100, 8, "%07o", 0644);
	(void)snprintf(header + 124, 12, "%011o", (unsigned int)content.size);
	(void)snprintf(header + 136, 12, "%011o", 0);
	memset(header + 148, ' ', 8);
	header[156] = type;
	(void)snprintf(header + 157, 100, "%s", target);
	memcpy(header + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof(header); i++)
		sum += (unsigned char)header[i];
	(void)snprintf(header + 148, 8, "%06o", sum);
	assert_int_equal(0, buf_append(tar, header, sizeof(header)));
	assert_int_equal(0, buf_append_span(tar, content));
	assert_int_equal(0, buf_append_zeros(tar, (512 - content.size % 512) % 512));
}

static inline void made_member_text(struct buf *tar, const char *name, const char *text)
{
	made_member(tar, '0', name, "", span_of_string(text));
}

static inline void made_end(struct buf *tar)
{
	assert_int_equal(0, buf_append_zeros(tar, 1024));
}

/* RFC 1952: bytes as gzip, in stored blocks (RFC 1951, 3.2.4). */
static inline void made_gzip(struct span bytes, struct buf *ret)
{
	static const uint8_t head[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
	uint32_t crc = 0xffffffff, size = (uint32_t)bytes.size;

	for (size_t i = 0; i < bytes.size; i++) {
		crc ^= bytes.data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	crc = ~crc;
	assert_int_equal(0, buf_append(ret, head, sizeof(head)));
	for (size_t at = 0; at < bytes.size || at == 0; at += 65535) {
		uint16_t part = (uint16_t)(bytes.size - at < 65535 ? bytes.size - at : 65535);
		uint16_t inverse = (uint16_t)~part;

		assert_int_equal(0, buf_append_byte(ret, at + part == bytes.size));
		assert_int_equal(0, buf_append(ret, &part, 2));
		assert_int_equal(0, buf_append(ret, &inverse, 2));
		assert_int_equal(0, buf_append(ret, bytes.data + at, part));
	}
	assert_int_equal(0, buf_append(ret, &crc, 4));
	assert_int_equal(0, buf_append(ret, &size, 4));
}

/* All bytes of a reader, which is closed; as a string of the buf. */
static inline int made_read(struct reader *reader, struct buf *ret, struct diag *why)
{
	char part[7]; /* small, so that several reads are needed */
	ssize_t got;

	ret->size = 0;
	while ((got = reader_read(reader, part, sizeof(part), why)) > 0)
		assert_int_equal(0, buf_append(ret, part, (size_t)got));
	reader_close(reader);
	return (int)got;
}

#endif
