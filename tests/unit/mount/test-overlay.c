/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "mount/attach.h"
#include "mount/features.h"
#include "mount/mountinfo.h"
#include "mount/overlay.h"
#include "mount/overlay_private.h"
#include "mount/userns.h"

static void need_feature(const char *what, enum mount_feature_id id)
{
	if (!mount_has(id))
		isolate_skip(what, mount_feature(id)->why.text);
}

static void xattr_set(int directory, const char *name, const char *key, const char *value)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);

	expect(fd >= 0);
	if (fsetxattr(fd, key, value, strlen(value), 0) < 0) {
		if (errno == EOPNOTSUPP)
			isolate_skip("overlayfs", "tmpfs has no such xattrs here (Linux 6.6)");
		expect_failed(__FILE__, __LINE__, key, NULL);
	}
	fd_close(fd);
}

/* A metadata layer whose file "big" leads to object ab/cd of the data layer. */
static void layers_make(const char *prefix, int *ret_metadata, int *ret_data)
{
	int metadata = tmpfs_make(), data = tmpfs_make();
	char key[64];

	expect(mkdirat(data, "ab", 0755) == 0);
	file_make(data, "ab/cd", "the content");
	file_make(metadata, "small", "inline");
	file_make(metadata, "big", "");
	(void)snprintf(key, sizeof(key), "%s.overlay.redirect", prefix);
	xattr_set(metadata, "big", key, "/ab/cd");
	(void)snprintf(key, sizeof(key), "%s.overlay.metacopy", prefix);
	xattr_set(metadata, "big", key, "");
	*ret_metadata = metadata;
	*ret_data = data;
}

static void attach(int mount_fd)
{
	struct diag why = {0};
	int target = expect_ok(mount_target_open(isolate_dir, &why), &why);

	expect_ok(mount_attach(mount_fd, target, &why), &why);
	fd_close(target);
}

static void detach(void)
{
	struct diag why = {0};

	expect_ok(mount_detach(isolate_dir, &(struct mount_detach_options){.foreign = true}, &why),
		  &why);
}

static void expect_composed(int overlay)
{
	struct stat st;

	file_expect(overlay, "small", "inline");
	file_expect(overlay, "big", "the content");
	expect(fstatat(overlay, "ab", &st, 0) < 0 && errno == ENOENT);
	expect(openat(overlay, "new", O_WRONLY | O_CREAT, 0600) < 0 && errno == EROFS);
}

static void data_only(bool userxattr)
{
	struct overlay_options options = OVERLAY_OPTIONS_EMPTY;
	struct mount_entry entry = {0};
	struct diag why = {0};
	int metadata, data, fd;

	layers_make(userxattr ? "user" : "trusted", &metadata, &data);
	options.source = MOUNT_SOURCE_PREFIX "test";
	options.lower_fds = &metadata;
	options.lower_count = 1;
	options.data_fds = &data;
	options.data_count = 1;
	options.userxattr = userxattr;
	fd = expect_ok(overlay_mount(&options, &why), &why);
	expect(why.text[0] == '\0');
	fd_close(metadata);
	fd_close(data);
	expect_composed(fd);
	attach(fd);
	fd_close(fd);
	expect_ok(mount_entry_at(isolate_dir, &entry, &why), &why);
	expect(strcmp(entry.source, "lamina:test") == 0);
	expect(strncmp(entry.options, "ro", 2) == 0 && strncmp(entry.super_options, "ro", 2) == 0);
	expect(mount_entry_is_ours(&entry));
	mount_entry_release(&entry);
	expect_ok(mount_detach(isolate_dir, &(struct mount_detach_options){0}, &why), &why);
}

static void body_trusted(void)
{
	need_feature("overlayfs", MOUNT_FEATURE_OVERLAY_DATA);
	data_only(false);
}

static void reads_data_through_trusted_redirects(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_trusted);
}

static void body_plain(void)
{
	struct overlay_options options = OVERLAY_OPTIONS_EMPTY;
	struct diag why = {0};
	int layers[2], fd;

	need_feature("overlayfs", MOUNT_FEATURE_OVERLAY);
	layers_make("trusted", &layers[0], &layers[1]);
	options.lower_fds = layers;
	options.lower_count = 2;
	options.redirects = true;
	fd = expect_ok(overlay_mount(&options, &why), &why);
	file_expect(fd, "big", "the content");
	file_expect(fd, "ab/cd", "the content"); /* not data-only: it is listed */
	fd_close(fd);
	fd_close(layers[0]);
	fd_close(layers[1]);
}

static void follows_redirects_into_an_ordinary_layer(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_plain);
}

static void body_user(void)
{
	need_feature("overlay-user-data", MOUNT_FEATURE_OVERLAY_USER_DATA);
	data_only(true);
}

static void reads_data_through_user_redirects_without_privilege(void **state)
{
	(void)state;
	isolated(AS_USER_IN_USERNS, body_user);
	isolated(AS_ROOT, body_user);
}

static void body_dialects(void)
{
	static const enum overlay_dialect dialects[] = {OVERLAY_BY_FD, OVERLAY_BY_PATH,
							OVERLAY_BY_LIST};
	struct overlay_options options = OVERLAY_OPTIONS_EMPTY;
	struct diag why = {0};
	bool understood;
	int metadata, data;

	need_feature("overlayfs", MOUNT_FEATURE_OVERLAY_DATA);
	layers_make("trusted", &metadata, &data);
	/* All forms take attached layers; the last two nothing else, on old kernels. */
	attach(metadata);
	expect(mkdir("/tmp/data", 0755) == 0);
	expect(move_mount(data, "", AT_FDCWD, "/tmp/data", MOVE_MOUNT_F_EMPTY_PATH) == 0);
	options.lower_fds = &metadata;
	options.lower_count = 1;
	options.data_fds = &data;
	options.data_count = 1;
	for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
		int fd = overlay_mount_as(dialects[i], &options, &understood, &why);

		if (fd < 0 && i == 0 && !understood)
			continue; /* before Linux 6.13 */
		expect_ok(fd, &why);
		expect(understood);
		expect_composed(fd);
		fd_close(fd);
	}
	fd_close(metadata);
	fd_close(data);
	detach();
	expect(umount2("/tmp/data", 0) == 0);
	expect(rmdir("/tmp/data") == 0);
}

static void gives_the_same_in_every_form_a_kernel_takes(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_dialects);
}

static void body_many(void)
{
	struct overlay_options options = OVERLAY_OPTIONS_EMPTY;
	struct diag why = {0};
	char name[16];
	int layers[40], fd;

	need_feature("overlayfs", MOUNT_FEATURE_OVERLAY);
	if (!mount_has(MOUNT_FEATURE_OVERLAY_DETACHED))
		isolate_skip("overlay-detached", "more layers than fit a list of paths");
	for (int i = 0; i < 40; i++) {
		layers[i] = tmpfs_make();
		(void)snprintf(name, sizeof(name), "%d", i);
		file_make(layers[i], name, name);
		file_make(layers[i], "all", name);
	}
	options.lower_fds = layers;
	options.lower_count = 40;
	fd = expect_ok(overlay_mount(&options, &why), &why);
	for (int i = 0; i < 40; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		file_expect(fd, name, name);
		fd_close(layers[i]);
	}
	file_expect(fd, "all", "0");
	fd_close(fd);
}

static void the_first_of_many_layers_is_on_top(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_many);
}

static void body_writable(void)
{
	struct overlay_options options = OVERLAY_OPTIONS_EMPTY;
	struct diag why = {0};
	int lower = tmpfs_make(), writable = tmpfs_make(), fd;
	bool detached = mount_has(MOUNT_FEATURE_OVERLAY_DETACHED);

	need_feature("overlayfs", MOUNT_FEATURE_OVERLAY);
	file_make(lower, "old", "old");
	expect(mkdirat(writable, "upper", 0755) == 0 && mkdirat(writable, "work", 0755) == 0);
	options.lower_fds = &lower;
	options.lower_count = 1;
	options.upper_fd = openat(writable, "upper", O_PATH | O_DIRECTORY | O_CLOEXEC);
	options.work_fd = openat(writable, "work", O_PATH | O_DIRECTORY | O_CLOEXEC);
	options.userxattr = !userns_is_initial();
	/* Directories of a detached mount are fine where such mounts are; they cannot be staged. */
	if (!detached)
		attach(writable);
	fd = expect_ok(overlay_mount(&options, &why), &why);
	file_make(fd, "new", "new");
	expect(unlinkat(fd, "old", 0) == 0);
	file_expect(writable, "upper/new", "new");
	file_expect(lower, "old", "old");
	fd_close(fd);
	fd_close(options.upper_fd);
	fd_close(options.work_fd);
	fd_close(writable);
	fd_close(lower);
	if (!detached)
		detach();
}

static void writes_go_to_the_upper_layer(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_writable);
	isolated(AS_USER_IN_USERNS, body_writable);
}

static void expect_refused(const struct overlay_options *options, int err, const char *text)
{
	struct diag why = {0};
	int r = overlay_mount(options, &why);

	if (r != err)
		expect_failed(__FILE__, __LINE__, text, diag_text(&why, r));
	expect_text(why.text, text);
}

static void body_contradictions(void)
{
	struct overlay_options options = OVERLAY_OPTIONS_EMPTY;
	int layers[] = {tmpfs_make(), tmpfs_make()};
	int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	expect_refused(&options, -EINVAL, "no lower layer");
	options.lower_fds = layers;
	options.lower_count = 1;
	expect_refused(&options, -EINVAL, "one layer alone");
	options.upper_fd = layers[1];
	expect_refused(&options, -EINVAL, "go together");
	options.upper_fd = -1;
	options.lower_count = 2;
	options.userxattr = options.redirects = true;
	expect_refused(&options, -EINVAL, "redirects cannot be made");
	options.userxattr = options.redirects = false;
	options.data_fds = &file;
	options.data_count = 1;
	expect_refused(&options, -ENOTDIR, "data-only layer 1 is not a directory");
	options.data_count = 0;
	fd_close(layers[1]);
	expect_refused(&options, -EBADF, "lower layer 2");
	fd_close(layers[0]);
	fd_close(file);
}

static void refuses_contradictions_in_words(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_contradictions);
}

static void body_kernel_refuses(void)
{
	struct overlay_options options = OVERLAY_OPTIONS_EMPTY;
	struct diag why = {0};
	int metadata = tmpfs_make(), data = tmpfs_make();

	need_feature("overlay-user-data", MOUNT_FEATURE_OVERLAY_USER_DATA);
	options.lower_fds = &metadata;
	options.lower_count = 1;
	options.data_fds = &data;
	options.data_count = 1;
	/* Trusted xattrs in a user namespace. */
	expect(overlay_mount(&options, &why) == -EPERM);
	expect_text(why.text, "overlay: ");
	fd_close(metadata);
	fd_close(data);
}

static void a_refusal_of_the_kernel_carries_its_words(void **state)
{
	(void)state;
	isolated(AS_USER_IN_USERNS, body_kernel_refuses);
}

static void body_verity(void)
{
	struct overlay_options options = OVERLAY_OPTIONS_EMPTY;
	struct diag why = {0};
	int metadata, data, fd;
	int file;

	need_feature("overlayfs", MOUNT_FEATURE_OVERLAY_DATA);
	layers_make("trusted", &metadata, &data);
	options.lower_fds = &metadata;
	options.lower_count = 1;
	options.data_fds = &data;
	options.data_count = 1;
	options.verity = OVERLAY_VERITY_ON;
	fd = expect_ok(overlay_mount(&options, &why), &why);
	file_expect(fd, "big", "the content"); /* no digest was recorded */
	fd_close(fd);
	fd_close(metadata);
	fd_close(data);
	layers_make("trusted", &metadata, &data); /* what was staged cannot be staged again */
	options.verity = OVERLAY_VERITY_REQUIRE;
	fd = expect_ok(overlay_mount(&options, &why), &why);
	file = openat(fd, "big", O_RDONLY | O_CLOEXEC);
	expect(file < 0 && errno == EIO);
	file_expect(fd, "small", "inline");
	fd_close(fd);
	fd_close(metadata);
	fd_close(data);
}

static void required_verity_refuses_data_without_digest(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_verity);
}

static void body_detached_fallback(void)
{
	struct overlay_options options = OVERLAY_OPTIONS_EMPTY;
	struct diag why = {0};
	int layers[] = {tmpfs_make(), tmpfs_make()};
	int upper = tmpfs_make();

	need_feature("overlayfs", MOUNT_FEATURE_OVERLAY);
	/* Upper and work are one directory: EINVAL late enough that all older ways are tried. */
	options.lower_fds = layers;
	options.lower_count = 2;
	options.upper_fd = upper;
	options.work_fd = upper;
	expect(overlay_mount(&options, &why) == -EINVAL);
	expect_text(why.text, "overlay: ");
	fd_close(layers[0]);
	fd_close(layers[1]);
	fd_close(upper);
}

static void a_failure_in_all_forms_leaves_nothing_staged(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_detached_fallback);
	isolated(AS_USER_IN_USERNS, body_detached_fallback);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_data_through_trusted_redirects),
		cmocka_unit_test(follows_redirects_into_an_ordinary_layer),
		cmocka_unit_test(reads_data_through_user_redirects_without_privilege),
		cmocka_unit_test(gives_the_same_in_every_form_a_kernel_takes),
		cmocka_unit_test(the_first_of_many_layers_is_on_top),
		cmocka_unit_test(writes_go_to_the_upper_layer),
		cmocka_unit_test(refuses_contradictions_in_words),
		cmocka_unit_test(a_refusal_of_the_kernel_carries_its_words),
		cmocka_unit_test(required_verity_refuses_data_without_digest),
		cmocka_unit_test(a_failure_in_all_forms_leaves_nothing_staged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
