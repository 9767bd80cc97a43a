/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void credentials_release(struct credentials *credentials)
{
	int saved = errno;

	free(credentials->username);
	wipe(credentials->password);
	wipe(credentials->identity_token);
	*credentials = (struct credentials){0};
	errno = saved;
}

bool credentials_are_empty(const struct credentials *credentials)
{
	return !credentials->username && !credentials->password && !credentials->identity_token;
}

void auth_entry_release(struct auth_entry *entry)
{
	int saved = errno;

	credentials_release(&entry->credentials);
	free(entry->helper);
	entry->helper = NULL;
	errno = saved;
}

/* Returns 1 with *ret, 0 when the file is not there or says nothing, or an error. */
static int file_find(const char *path, const char *registry, const char *repository,
		     struct credentials *ret, struct diag *why)
{
	CLEAN(buf_wipe) struct buf text = {0};
	CLEAN(auth_entry_release) struct auth_entry entry = {0};
	CLEAN(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r;

	/* A path that goes through a file, or where we may not look, is not our user's file. */
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES
			       ? 0
			       : diag_errno(why, -errno, "cannot open %s", path);
	/* All at once: a growing buffer would leave secrets behind. */
	r = buf_reserve(&text, AUTH_FILE_SIZE_MAX + 1);
	if (r == 0)
		r = fd_read_all(fd, AUTH_FILE_SIZE_MAX, &text);
	if (r < 0)
		return diag_errno(why, r, "cannot read %s", path);
	r = auth_file_find(buf_span(&text), registry, repository, &entry, why);
	if (r < 0)
		return diag_wrap(why, r, "%s", path);
	if (r == 1 && entry.helper) {
		r = credential_helper_get(entry.helper, registry, &entry.credentials, why);
		if (r < 0)
			return diag_wrap(why, r, "credentials of %s", registry);
		r = credentials_are_empty(&entry.credentials) ? 0 : 1;
	}
	if (r == 1) {
		*ret = entry.credentials;
		entry.credentials = (struct credentials){0}; /* handed over */
	}
	return r;
}

/* One of the usual places: folder is an environment variable, base stands in for it with tail. */
struct place {
	const char *variable;
	const char *name; /* below the variable's folder */
	const char *base; /* NULL: nothing in its place */
	const char *tail;
};

static int place_find(const struct place *place, const char *registry, const char *repository,
		      struct credentials *ret, struct diag *why)
{
	CLEAN(memory_freep) char *path = NULL;
	const char *folder = getenv(place->variable);

	if (folder && folder[0] == '/') {
		if (asprintf(&path, "%s/%s", folder, place->name) < 0)
			return -ENOMEM;
	} else if (place->base && place->base[0] == '/') {
		if (asprintf(&path, "%s/%s", place->base, place->tail) < 0)
			return -ENOMEM;
	} else {
		return 0;
	}
	return file_find(path, registry, repository, ret, why);
}

int credentials_find(const char *registry, const char *repository, const char *auth_file,
		     struct credentials *ret, struct diag *why)
{
	CLEAN(credentials_release) struct credentials found = {0};
	const char *home = getenv("HOME");
	char run[64];
	const struct place places[] = {
		{"XDG_RUNTIME_DIR", "containers/auth.json", run, "auth.json"},
		{"XDG_CONFIG_HOME", "containers/auth.json", home, ".config/containers/auth.json"},
		{"DOCKER_CONFIG", "config.json", home, ".docker/config.json"},
	};
	int r = 0;

	(void)snprintf(run, sizeof(run), "/run/containers/%u", (unsigned int)getuid());
	if (auth_file && access(auth_file, R_OK) < 0)
		return diag_errno(why, -errno, "cannot read %s", auth_file);
	if (!auth_file)
		auth_file = getenv("REGISTRY_AUTH_FILE");
	if (auth_file)
		r = file_find(auth_file, registry, repository, &found, why);
	for (size_t i = 0; !auth_file && r == 0 && i < sizeof(places) / sizeof(places[0]); i++)
		r = place_find(&places[i], registry, repository, &found, why);
	if (r < 0)
		return r;
	*ret = found;
	found = (struct credentials){0}; /* handed over */
	return 0;
}
