/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "mount/context.h"
#include "mount/features.h"

/* PROC_USER_INIT_INO, Linux include/uapi/linux/nsfs.h: a constant since Linux 3.8. */
#define USERNS_INITIAL_INO 0xEFFFFFFDU

/* The kernel's UID_GID_MAP_MAX_EXTENTS lines of three numbers of at most ten digits. */
#define MAP_SIZE_MAX (340 * 40)

bool userns_is_initial(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) == 0 && st.st_ino == USERNS_INITIAL_INO;
}

int userns_may_mount(struct diag *why)
{
	struct mount_context context = MOUNT_CONTEXT_EMPTY;
	int r = context_open(&context, "tmpfs", why);

	context_close(&context);
	if (r == -EPERM)
		return diag_set(why, r,
				"needs CAP_SYS_ADMIN in the user namespace that owns the mount "
				"namespace");
	return r;
}

/* One number, after any spaces. */
static bool number_next(struct span *text, uint64_t *ret)
{
	uint64_t value = 0;
	size_t i = 0, start;

	while (i < text->size && text->data[i] == ' ')
		i++;
	start = i;
	while (i < text->size && i - start < 10 && text->data[i] >= '0' && text->data[i] <= '9')
		value = value * 10 + (uint64_t)(text->data[i++] - '0');
	if (i == start)
		return false;
	*text = span_of(text->data + i, text->size - i);
	*ret = value;
	return true;
}

bool userns_map_covers(struct span map, uint32_t id)
{
	uint64_t inside, outside, count;

	while (number_next(&map, &inside) && number_next(&map, &outside) &&
	       number_next(&map, &count)) {
		if (id >= inside && id - inside < count)
			return true;
		if (map.size == 0 || map.data[0] != '\n')
			return false;
		map = span_of(map.data + 1, map.size - 1);
	}
	return false;
}

static bool file_covers(const char *path, uint32_t id)
{
	CLEAN(buf_release) struct buf text = {0};
	CLEAN(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && fd_read_all(fd, MAP_SIZE_MAX, &text) == 0 &&
	       userns_map_covers(buf_span(&text), id);
}

bool userns_has_uid(uid_t uid)
{
	return file_covers("/proc/self/uid_map", uid);
}

bool userns_has_gid(gid_t gid)
{
	return file_covers("/proc/self/gid_map", gid);
}

static uint32_t overflow_read(const char *path)
{
	CLEAN(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[16];
	ssize_t size = fd < 0 ? -1 : fd_read(fd, text, sizeof(text));
	struct span digits = size > 0 ? span_of(text, (size_t)size) : SPAN_EMPTY;
	uint64_t value;

	/* DEFAULT_OVERFLOWUID of the kernel, where /proc/sys cannot be read. */
	return number_next(&digits, &value) ? (uint32_t)value : 65534;
}

uid_t userns_overflow_uid(void)
{
	return overflow_read("/proc/sys/kernel/overflowuid");
}

gid_t userns_overflow_gid(void)
{
	return overflow_read("/proc/sys/kernel/overflowgid");
}

static int proc_write(const char *path, const char *text, struct diag *why)
{
	CLEAN(fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return diag_errno(why, -errno, "cannot open %s", path);
	r = fd_write(fd, text, strlen(text));
	return r < 0 ? diag_errno(why, r, "cannot write %s", path) : 0;
}

static int map_root(const char *path, uint32_t outside, struct diag *why)
{
	char line[32];

	(void)snprintf(line, sizeof(line), "0 %u 1\n", outside);
	return proc_write(path, line, why);
}

static int unshare_failed(int err, struct diag *why)
{
	switch (err) {
	case -EPERM:
		return diag_set(why, err,
				"a new user namespace was refused: by sysctl "
				"kernel.unprivileged_userns_clone, a security module, or because "
				"of a changed root directory");
	case -ENOSPC:
		return diag_set(why, err,
				"no more user namespaces (sysctl "
				"user.max_user_namespaces)");
	case -EINVAL:
		return diag_set(why, err, "no user namespaces here, or several threads run");
	default:
		return diag_errno(why, err, "cannot make a user namespace");
	}
}

int userns_unshare(struct diag *why)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return unshare_failed(-errno, why);
	mount_features_forget();
	return 0;
}

int userns_enter(struct diag *why)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int r;

	r = userns_unshare(why);
	if (r < 0)
		return r;
	/* user_namespaces(7): without privilege outside, a gid map is allowed only after this. */
	r = proc_write("/proc/self/setgroups", "deny", why);
	if (r < 0)
		return r;
	r = map_root("/proc/self/uid_map", uid, why);
	if (r < 0)
		return r;
	return map_root("/proc/self/gid_map", gid, why);
}
