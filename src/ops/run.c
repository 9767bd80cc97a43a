/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "mount/capability.h"
#include "mount/userns.h"
#include "ops/container_dir.h"
#include "ops/container_hook.h"
#include "ops/mount.h"
#include "ops/mounts.h"
#include "ops/runtime_process.h"
#include "ops/source.h"
#include "ops/unshare.h"

#define HOSTS_NAME "hosts"
#define CGROUPS "/sys/fs/cgroup"

/*
 * On a machine with both versions of cgroups crun refuses to run at all, also where it shall use
 * none (libcrun_get_cgroup_mode(), crun 1.8): show it version 2 alone. Where that fails, it will
 * say so.
 */
static void cgroups_make_one(void)
{
	struct statfs stat;

	if (statfs(CGROUPS "/unified", &stat) == 0 && stat.f_type == CGROUP2_SUPER_MAGIC)
		(void)mount(CGROUPS "/unified", CGROUPS, NULL, MS_BIND, NULL);
}

/* Where mounts are ours alone. */
static int namespaces_make(struct diag *ret_note, struct diag *why)
{
	if (!capability_has(CAP_SYS_ADMIN))
		return unshare_namespaces(ID_SHORTHAND_AUTO, ret_note, why);
	if (unshare(CLONE_NEWNS) < 0)
		return diag_errno(why, -errno, "cannot make a mount namespace");
	/* What is mounted on the host later is seen, and nothing of ours there. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return diag_errno(why, -errno, "cannot leave the mounts of the host alone");
	return 0;
}

static int namespaces_enter(struct diag *ret_note, struct diag *why)
{
	int r = namespaces_make(ret_note, why);

	if (r == 0)
		cgroups_make_one();
	return r;
}

struct container {
	const char *repo;
	struct container_dir dir;
	struct ids ids;
	char *root;  /* owned; where the image is mounted */
	char *state; /* owned; of the runtime */
	bool is_mounted;
};

/* With its record. Only where somebody still holds a file does it become a lazy one. */
static void container_unmount(const struct container *container)
{
	if (mounts_unmount(container->repo, container->root, false, NULL) < 0)
		(void)mounts_unmount(container->repo, container->root, true, NULL);
}

static void container_end(struct container *container)
{
	if (container->is_mounted)
		container_unmount(container);
	container_dir_remove(&container->dir);
	ids_release(&container->ids);
	free(container->root);
	free(container->state);
}

static int container_mount(const struct run_request *request, struct source *source,
			   struct container *container, struct diag *why)
{
	const struct mount_request mount = {
		.image = request->bundle.image,
		.image_fd = -1,
		.repo = request->bundle.repo,
		.target = container->root,
		.send_fd = -1,
		.upper = request->upper,
		.work = request->work,
		.is_ephemeral = !request->upper,
		.attributes = MOUNT_ATTR_NODEV, /* those of an image would be the host's */
		.ids = request->ids,
		.source = source,
	};
	int r;

	if (mkdirat(container->dir.fd, CONTAINER_ROOT, 0755) < 0)
		return diag_errno(why, -errno, "cannot make '%s'", container->root);
	r = unshare_mount(&mount, why);
	container->is_mounted = r == 0;
	return r;
}

static int paths_make(struct container *container)
{
	if (asprintf(&container->root, "%s/" CONTAINER_ROOT, container->dir.path) < 0) {
		container->root = NULL;
		return -ENOMEM;
	}
	if (asprintf(&container->state, "%s/runtime", container->dir.path) < 0) {
		container->state = NULL;
		return -ENOMEM;
	}
	return 0;
}

/*
 * In a user namespace of the container's, or around it, the kernel keeps nodev by itself: no
 * runtime can drop it from a mount that came from outside.
 */
static int hook_find(struct runtime_request *spec, char *own, size_t size, struct diag *why)
{
	ssize_t length;

	if (spec->is_in_userns || spec->maps)
		return 0;
	length = readlink("/proc/self/exe", own, size - 1);
	if (length < 0)
		return diag_errno(why, -errno, "cannot find our own program");
	own[length] = '\0';
	spec->hook[0] = own;
	spec->hook[1] = CONTAINER_HOOK_NAME;
	return 0;
}

/*
 * localhost is a name everywhere. To have something to mount on, the runtime makes the file where
 * the image has none: where changes are kept it would be one of them.
 */
static bool wants_hosts(const struct run_request *request, int root_fd)
{
	CLEAN(fd_closep) int fd = -1;

	if (!request->bundle.spec.has_own_network)
		return false;
	fd = fd_open_regular(root_fd, "etc/hosts", RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
	return fd >= 0 || (fd == -ENOENT && !request->upper);
}

static int hosts_write(const struct container *container, const char *hostname, char **ret,
		       struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	CLEAN(fd_closep) int fd = -1;
	int r;

	r = buf_printf(&text,
		       "127.0.0.1 localhost\n"
		       "::1 localhost ip6-localhost ip6-loopback\n"
		       "127.0.1.1 %s\n",
		       hostname);
	if (r < 0)
		return r;
	fd = openat(container->dir.fd, HOSTS_NAME,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return diag_errno(why, -errno, "cannot make a file for /etc/hosts");
	r = fd_write(fd, text.data, text.size);
	if (r < 0)
		return diag_errno(why, r, "cannot write a file for /etc/hosts");
	if (asprintf(ret, "%s/" HOSTS_NAME, container->dir.path) < 0) {
		*ret = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int config_write(const struct run_request *request, const struct source *source,
			const struct container *container, struct diag *why)
{
	CLEAN(fd_closep) int root_fd = open(container->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEAN(memory_freep) char *hosts = NULL;
	struct bundle_request bundle = request->bundle;
	char own[PATH_MAX];
	int r = 0;

	if (root_fd < 0)
		return diag_errno(why, -errno, "cannot open '%s'", container->root);
	bundle.spec.rootfs = container->root;
	if (!bundle.spec.hostname)
		bundle.spec.hostname = container->dir.name;
	bundle.spec.maps = container->ids.is_mapped ? &container->ids.maps : NULL;
	bundle.spec.is_in_userns = !userns_is_initial();
	if (wants_hosts(request, root_fd))
		r = hosts_write(container, bundle.spec.hostname, &hosts, why);
	bundle.hosts = hosts;
	if (r == 0)
		r = hook_find(&bundle.spec, own, sizeof(own), why);
	return r < 0 ? r : bundle_config_write(&bundle, source, container->dir.fd, root_fd, why);
}

/* The name is looked up once: what is mounted is what the config is of. */
static int container_fill(const struct run_request *request, struct container *container,
			  struct diag *why)
{
	CLEAN(source_closep) struct source *source = NULL;
	int r;

	r = bundle_source_open(&request->bundle, &source, why);
	if (r == 0)
		r = container_mount(request, source, container, why);
	return r < 0 ? r : config_write(request, source, container, why);
}

static int container_run(const struct run_request *request, struct container *container,
			 int *ret_status, struct diag *why)
{
	const struct runtime_command command = {
		.program = request->runtime,
		.bundle = container->dir.path,
		.state = container->state,
		.name = container->dir.name,
		.lock_fd = container->dir.fd, /* should we be killed, and it is not */
		.has_stdin = request->has_stdin,
	};
	int r;

	r = container_fill(request, container, why);
	return r < 0 ? r : runtime_run(&command, ret_status, why);
}

int run_container(const struct run_request *request, int *ret_status, struct diag *ret_note,
		  struct diag *why)
{
	struct container container = {
		.repo = request->bundle.repo,
		.dir = CONTAINER_DIR_NONE,
		.ids = IDS_NONE,
	};
	int r;

	/* First, as which folder is ours depends on who we are outside. */
	r = container_dir_make(request->name, &container.dir, why);
	if (r == 0)
		r = namespaces_enter(ret_note, why);
	if (r == 0)
		r = ids_resolve(&request->ids, &container.ids, why);
	if (r == 0)
		r = paths_make(&container);
	if (r == 0)
		r = container_run(request, &container, ret_status, why);
	container_end(&container);
	return r;
}
