/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Which of the files of containers-storage.conf(5) counts, and the defaults where none says more.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "oci/storage_conf.h"

#define VENDOR_CONF "/usr/share/containers/storage.conf"
#define SYSTEM_CONF "/etc/containers/storage.conf"
#define SYSTEM_ROOT "/var/lib/containers/storage"
#define USER_CONF "containers/storage.conf" /* below $XDG_CONFIG_HOME or ~/.config */
#define USER_ROOT "containers/storage"      /* below $XDG_DATA_HOME or ~/.local/share */

#define UID_MAP_SIZE_MAX (340 * 40) /* user_namespaces(7): 340 lines of three numbers */

void storage_stores_release(struct storage_stores *stores)
{
	int saved = errno;

	for (size_t i = 0; i < stores->count; i++)
		free(stores->paths[i]);
	free(stores->paths);
	free(stores->driver);
	*stores = (struct storage_stores){0};
	errno = saved;
}

/* A store is there once, however often it is named. path is taken in every case; NULL: -ENOMEM. */
static int store_add(struct storage_stores *stores, char *path, struct diag *why)
{
	char **paths;

	if (!path)
		return -ENOMEM;
	for (size_t i = 0; i < stores->count; i++) {
		if (strcmp(stores->paths[i], path) == 0) {
			free(path);
			return 0;
		}
	}
	paths = reallocarray(stores->paths, stores->count + 1, sizeof(*paths));
	if (paths)
		stores->paths = paths;
	if (!paths || path[0] != '/' || stores->count == STORAGE_ROOT_MAX) {
		int r = !paths ? -ENOMEM
			: path[0] != '/'
				? diag_set(why, -EINVAL, "'%.300s' is no absolute path", path)
				: diag_set(why, -E2BIG, "more than %d stores", STORAGE_ROOT_MAX);

		free(path);
		return r;
	}
	stores->paths[stores->count++] = path;
	return 0;
}

/* Who we are */

/* Our id outside of the user namespace: that of the user whose store is meant by "rootless". */
static uid_t outer_uid(void)
{
	CLEAN(buf_release) struct buf text = {0};
	CLEAN(fd_closep) int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	uint32_t inside, outside, count;
	int used;

	if (fd < 0 || fd_read_all(fd, UID_MAP_SIZE_MAX, &text) < 0)
		return geteuid();
	for (const char *at = buf_string(&text);
	     at && sscanf(at, "%" SCNu32 " %" SCNu32 " %" SCNu32 " %n", &inside, &outside, &count,
			  &used) == 3;
	     at += used) {
		if (geteuid() >= inside && geteuid() - inside < count)
			return outside + (geteuid() - inside);
	}
	return geteuid();
}

static const char *home_variable(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] == '/' ? value : NULL;
}

/* $variable/rest, else ~/default/rest. NULL without either, or when memory ran out. */
static char *home_path(const char *variable, const char *otherwise, const char *rest)
{
	const char *folder = home_variable(variable), *home = home_variable("HOME");
	char *path = NULL;
	int r = -1;

	if (folder)
		r = asprintf(&path, "%s/%s", folder, rest);
	else if (home)
		r = asprintf(&path, "%s/%s/%s", home, otherwise, rest);
	return r < 0 ? NULL : path;
}

/* $NAME and ${NAME} as in a shell, but that $UID is the user's id whatever the environment says. */
static int path_expand(const char *text, uid_t uid, char **ret)
{
	CLEAN(buf_release) struct buf path = {0};
	int r = 0;

	while (*text && r == 0) {
		char name[64];
		size_t size, closed;

		if (text[0] != '$') {
			r = buf_append_byte(&path, (uint8_t)*text++);
			continue;
		}
		closed = text[1] == '{';
		text += 1 + closed;
		size = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_");
		(void)snprintf(name, sizeof(name), "%.*s", (int)(size < 64 ? size : 0), text);
		text += size;
		text += closed && *text == '}';
		if (strcmp(name, "UID") == 0)
			r = buf_printf(&path, "%u", uid);
		else if (name[0] && getenv(name))
			r = buf_append_string(&path, getenv(name));
	}
	if (r < 0 || !buf_string(&path))
		return -ENOMEM;
	*ret = strdup(buf_string(&path));
	return *ret ? 0 : -ENOMEM;
}

/* Files */

/* Returns 1, 0 when it is not there, or an error. path may be NULL. */
static int conf_read(const char *path, struct storage_conf *ret, struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	CLEAN(fd_closep) int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	int r;

	if (fd < 0)
		return !path || errno == ENOENT || errno == ENOTDIR || errno == EACCES
			       ? 0
			       : diag_errno(why, -errno, "cannot open %s", path);
	r = fd_read_all(fd, STORAGE_CONF_SIZE_MAX, &text);
	if (r < 0)
		return diag_errno(why, r, "cannot read %s", path);
	r = storage_conf_parse(buf_span(&text), ret, why);
	return r < 0 ? diag_wrap(why, r, "%s", path) : 1;
}

static int system_conf_read(struct storage_conf *ret, struct diag *why)
{
	int r = conf_read(SYSTEM_CONF, ret, why);

	return r != 0 ? r : conf_read(VENDOR_CONF, ret, why);
}

/* The file that counts: of a user, if there is one, all that the system's says is where to look. */
static int user_conf_read(struct storage_conf *ret, struct diag *why)
{
	CLEAN(memory_freep) char *path = home_path("XDG_CONFIG_HOME", ".config", USER_CONF);
	CLEAN(storage_conf_release) struct storage_conf system = {0};
	int r;

	r = conf_read(path, ret, why);
	if (r < 0)
		return r;
	r = system_conf_read(&system, why);
	if (r < 0)
		return r;
	if (!ret->rootless_root)
		ret->rootless_root = TAKE(system.rootless_root);
	if (!ret->driver)
		ret->driver = TAKE(system.driver);
	return 0;
}

static int conf_find(bool is_rootless, struct storage_conf *ret, struct diag *why)
{
	const char *given = getenv("CONTAINERS_STORAGE_CONF");
	int r;

	if (given) {
		r = conf_read(given, ret, why);
		return r == 0 ? diag_set(why, -ENOENT, "there is no %s", given) : r;
	}
	return is_rootless ? user_conf_read(ret, why) : system_conf_read(ret, why);
}

/* What is meant */

static int expanded_add(struct storage_stores *stores, const char *text, uid_t uid,
			struct diag *why)
{
	char *path;
	int r = path_expand(text, uid, &path);

	return r < 0 ? r : store_add(stores, path, why);
}

static int graph_root_add(struct storage_stores *stores, const struct storage_conf *conf, uid_t uid,
			  struct diag *why)
{
	char *path;

	if (conf->graph_root)
		return expanded_add(stores, conf->graph_root, uid, why);
	if (uid == 0)
		return store_add(stores, strdup(SYSTEM_ROOT), why);
	if (conf->rootless_root)
		return expanded_add(stores, conf->rootless_root, uid, why);
	path = home_path("XDG_DATA_HOME", ".local/share", USER_ROOT);
	if (!path)
		return diag_set(why, -EINVAL, "no store is configured, and $HOME is not set");
	/* Root of a container has the system's, though to the machine he is somebody else. */
	if (geteuid() == 0 && access(path, F_OK) < 0) {
		free(path);
		path = strdup(SYSTEM_ROOT);
	}
	return store_add(stores, path, why);
}

static int configured_find(struct storage_stores *stores, struct diag *why)
{
	CLEAN(storage_conf_release) struct storage_conf conf = {0};
	const char *driver = getenv("STORAGE_DRIVER");
	uid_t uid = outer_uid();
	int r;

	r = conf_find(uid != 0, &conf, why);
	if (r >= 0)
		r = graph_root_add(stores, &conf, uid, why);
	if (r == 0 && conf.image_store)
		r = expanded_add(stores, conf.image_store, uid, why);
	for (size_t i = 0; i < conf.additional_count && r == 0; i++)
		r = expanded_add(stores, conf.additional[i], uid, why);
	if (r < 0)
		return r;
	stores->driver = driver && driver[0] ? strdup(driver) : TAKE(conf.driver);
	return 0;
}

/* "overlay.imagestore=/path,...": options that name a further store. */
static int options_take(struct storage_stores *stores, const char *text, struct diag *why)
{
	int r = 0;

	while (*text && r == 0) {
		size_t size = strcspn(text, ",");
		const char *value = memchr(text, '=', size);
		size_t name_size = value ? (size_t)(value - text) : 0;

		if (name_size >= strlen("imagestore") &&
		    memcmp(value - strlen("imagestore"), "imagestore", strlen("imagestore")) == 0)
			r = store_add(stores, strndup(value + 1, size - name_size - 1), why);
		text += size;
		text += *text == ',';
	}
	return r;
}

/* [driver@]root[+runroot][:options] */
static int given_find(struct storage_stores *stores, const char *store, struct diag *why)
{
	size_t driver_size = strcspn(store, "@/"), size;
	int r;

	if (store[driver_size] == '@') {
		stores->driver = strndup(store, driver_size);
		stores->driver_is_set = driver_size > 0;
		if (!stores->driver)
			return -ENOMEM;
		store += driver_size + 1;
	}
	size = strcspn(store, "+:");
	if (size == 0)
		return diag_set(why, -EINVAL, "'[%.200s]' names no directory", store);
	r = store_add(stores, strndup(store, size), why);
	store += size;
	store += strcspn(store, ":");
	return r < 0 || !*store ? r : options_take(stores, store + 1, why);
}

int storage_stores_find(const char *store, struct storage_stores *ret, struct diag *why)
{
	CLEAN(storage_stores_release) struct storage_stores stores = {0};
	int r;

	r = store ? given_find(&stores, store, why) : configured_find(&stores, why);
	if (r < 0)
		return r;
	*ret = stores;
	stores = (struct storage_stores){0}; /* handed over */
	return 0;
}
