/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * runtime_mounts.c - what is mounted over an image: /proc, /dev, /sys, and directories of the host
 */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "base/utf8.h"
#include "oci/runtime_spec_private.h"

struct mount_row {
	const char *target;
	const char *type;
	const char *source;
	const char *options; /* words with a blank between */
};

/* OCI runtime specification 1.0.2, "Default Filesystems"; the options are podman's. */
static const struct mount_row rows[] = {
	{"/proc", "proc", "proc", "nosuid noexec nodev"},
	{"/dev", "tmpfs", "tmpfs", "nosuid strictatime mode=755 size=65536k"},
	{"/dev/pts", "devpts", "devpts", "nosuid noexec newinstance ptmxmode=0666 mode=0620"},
	{"/dev/shm", "tmpfs", "shm", "nosuid noexec nodev mode=1777 size=65536k"},
	{"/dev/mqueue", "mqueue", "mqueue", "nosuid noexec nodev"},
};

/* Where programs write even if their file tree is not to be written to, as with podman. */
static const struct mount_row scratch[] = {
	{"/run", "tmpfs", "tmpfs", "rw rprivate nosuid nodev tmpcopyup mode=755"},
	{"/tmp", "tmpfs", "tmpfs", "rw rprivate nosuid nodev tmpcopyup mode=1777"},
	{"/var/tmp", "tmpfs", "tmpfs", "rw rprivate nosuid nodev tmpcopyup mode=1777"},
};

static const struct mount_row sysfs = {"/sys", "sysfs", "sysfs", "nosuid noexec nodev ro"};

/* The kernel lets nobody mount sysfs whose user namespace does not own the network namespace. */
static const struct mount_row sysfs_bind = {"/sys", "bind", "/sys",
					    "rbind nosuid noexec nodev ro rprivate"};

static json_t *words_of(const char *text)
{
	json_t *list = json_array();

	for (size_t size; list && *text; text += size + (text[size] == ' ')) {
		size = strcspn(text, " ");
		if (json_array_append_new(list, json_stringn(text, size)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static int append_row(json_t *list, const struct mount_row *row)
{
	json_t *mount =
		json_pack("{s:s, s:s, s:s, s:o}", "destination", row->target, "type", row->type,
			  "source", row->source, "options", words_of(row->options));

	return json_array_append_new(list, mount) < 0 ? -ENOMEM : 0;
}

static int append_rows(json_t *list, const struct mount_row *from, size_t count)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = append_row(list, &from[i]);
	return r;
}

static int append_bind(json_t *list, const struct runtime_bind *bind, struct diag *why)
{
	const struct mount_row row = {bind->target, "bind", bind->source,
				      bind->is_read_only ? "rbind ro rprivate nosuid nodev"
							 : "rbind rw rprivate nosuid nodev"};

	if (bind->target[0] != '/' || bind->source[0] != '/')
		return diag_set(why, -EINVAL, "'%s' is not absolute",
				bind->target[0] != '/' ? bind->target : bind->source);
	if (!utf8_is_valid(span_of_string(bind->target)) ||
	    !utf8_is_valid(span_of_string(bind->source)))
		return diag_set(why, -EINVAL, "'%s' is not UTF-8", bind->source);
	return append_row(list, &row);
}

json_t *runtime_mounts(const struct runtime_request *request, struct diag *why)
{
	json_t *list = json_array();
	bool may_mount_sysfs = request->has_own_network || !request->is_in_userns;
	int r = list ? 0 : -ENOMEM;

	r = r < 0 ? r : append_rows(list, rows, sizeof(rows) / sizeof(rows[0]));
	if (r == 0 && request->is_read_only)
		r = append_rows(list, scratch, sizeof(scratch) / sizeof(scratch[0]));
	if (r == 0)
		r = append_row(list, may_mount_sysfs ? &sysfs : &sysfs_bind);
	for (size_t i = 0; r == 0 && i < request->bind_count; i++)
		r = append_bind(list, &request->binds[i], why);
	if (r < 0) {
		json_decref(list);
		return NULL;
	}
	return list;
}
