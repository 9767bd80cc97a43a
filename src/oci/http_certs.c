/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * containers-certs.d(5): in a folder HOST[:PORT], each X.crt is an authority, and X.cert with X.key
 * is what we show. The first of the folders that exists is the one. A folder that the user names
 * holds them itself, as that of --cert-dir of skopeo and podman does.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/folder.h"
#include "base/limits.h"
#include "oci/http_private.h"

static const char *const system_folders[] = {"/etc/containers/certs.d", "/etc/docker/certs.d"};

static int file_append(int folder, const char *name, struct buf *ret)
{
	CLEAN(fd_closep) int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	if (ret->size > CERTIFICATES_SIZE_MAX)
		return -E2BIG;
	r = fd_read_all(fd, CERTIFICATES_SIZE_MAX - ret->size, ret);
	/* The next one's first line has to begin a line. */
	return r < 0 ? r : buf_append_byte(ret, '\n');
}

/* Ours replace the bundle that libcurl knows, so that goes in front of them. */
static int bundle_append(struct http *http)
{
	const char *file = getenv("SSL_CERT_FILE");
	CURL *easy;
	int r;

	if (file)
		return file_append(AT_FDCWD, file, &http->authorities);
	easy = http->curl->easy_init();
	if (!easy)
		return -ENOMEM;
	r = 0;
	if (http->curl->easy_getinfo(easy, CURLINFO_CAINFO, &file) == CURLE_OK && file)
		r = file_append(AT_FDCWD, file, &http->authorities);
	http->curl->easy_cleanup(easy);
	/* A system without a bundle, or with a folder of them, which stays in use. */
	return r == -ENOENT ? 0 : r;
}

static bool ends_in(const char *name, const char *end)
{
	size_t size = strlen(name), end_size = strlen(end);

	return size > end_size && strcmp(name + size - end_size, end) == 0;
}

/* X.cert wants X.key beside it. Of several, the first by name. */
static int certificate_set(struct http *http, int folder, const char *path, const char *name,
			   struct diag *why)
{
	CLEAN(memory_freep) char *key_name = NULL;
	CLEAN(memory_freep) char *certificate = NULL;
	CLEAN(memory_freep) char *key = NULL;

	if (asprintf(&key_name, "%.*skey", (int)strlen(name) - 4, name) < 0 ||
	    asprintf(&certificate, "%s/%s", path, name) < 0 ||
	    asprintf(&key, "%s/%s", path, key_name) < 0)
		return -ENOMEM;
	if (faccessat(folder, key_name, F_OK, 0) < 0)
		return diag_errno(why, -errno, "client certificate %s needs %s", certificate, key);
	if (http->certificate && strcmp(http->certificate, certificate) < 0)
		return 0;
	free(http->certificate);
	free(http->key);
	http->certificate = TAKE(certificate);
	http->key = TAKE(key);
	return 0;
}

static int folder_load(struct http *http, const char *path, DIR *dir, struct diag *why)
{
	bool has_bundle = false;
	struct dirent *entry;
	int r;

	while (errno = 0, (entry = readdir(dir))) {
		r = 0;
		if (ends_in(entry->d_name, ".cert"))
			r = certificate_set(http, dirfd(dir), path, entry->d_name, why);
		if (r < 0)
			return r;
		if (!ends_in(entry->d_name, ".crt"))
			continue;
		if (!has_bundle)
			r = bundle_append(http);
		has_bundle = true;
		if (r == 0)
			r = file_append(dirfd(dir), entry->d_name, &http->authorities);
		if (r < 0)
			return diag_errno(why, r, "cannot read %s/%s", path, entry->d_name);
	}
	return errno ? diag_errno(why, -errno, "cannot read %s", path) : 0;
}

/* Returns 1 when it was there, 0 when it was not. */
static int path_load(struct http *http, const char *path, struct diag *why)
{
	CLEAN(folder_closep) DIR *dir = opendir(path);
	int r;

	if (!dir && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
		return 0;
	if (!dir)
		return diag_errno(why, -errno, "cannot read %s", path);
	r = folder_load(http, path, dir, why);
	return r < 0 ? r : 1;
}

/* From base/HOST. */
static int base_load(struct http *http, const char *base, struct diag *why)
{
	CLEAN(memory_freep) char *path = NULL;

	if (asprintf(&path, "%s/%s", base, http->host) < 0)
		return -ENOMEM;
	return path_load(http, path, why);
}

int http_certs_load(struct http *http, const char *certs_dir, struct diag *why)
{
	CLEAN(memory_freep) char *own = NULL;
	const char *home = getenv("HOME");
	int r = 0;

	if (certs_dir) {
		r = path_load(http, certs_dir, why);
		return r < 0 ? r : 0;
	}
	if (home && home[0] == '/') {
		if (asprintf(&own, "%s/.config/containers/certs.d", home) < 0)
			return -ENOMEM;
		r = base_load(http, own, why);
	}
	for (size_t i = 0; r == 0 && i < 2; i++)
		r = base_load(http, system_folders[i], why);
	return r < 0 ? r : 0;
}
