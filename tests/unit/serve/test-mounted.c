/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * What the user sees through each view, mounted, against kernel EROFS + overlayfs on the same
 * image.
 */
#include "check.h"

#include "../mount/isolate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fd.h"
#include "erofs/mapping.h"
#include "made.h"
#include "mount/attach.h"
#include "mount/erofs.h"
#include "mount/fuse.h"
#include "mount/overlay.h"
#include "snapshot.h"

#define MANY 600 /* names of 40 bytes: some directory blocks, several replies */

/* The kernel's view, taken as root, for the bodies of other identities. */
#define SHARED_SIZE (4u << 20)
static char *shared;

/* How the server of a test serves. */
struct way {
	const char *name;
	enum fuse_transport transport;
	bool opens_files;
	bool passes_through;
};

static const struct way *way;

struct mounted {
	struct made made;
	struct mapping *mapping; /* NULL: the image is in memory of our own */
	struct view *view;
	struct fuse_session *session;
	pthread_t thread;
	int objects_fd; /* owned */
	int mount_fd;   /* owned; detached */
	int result;
	bool is_forced;             /* the unmount */
	atomic_bool passes_through; /* once it has served */
	struct diag why;
};

static void dump_make(struct buf *out)
{
	(void)buf_append_string(
		out, "/ 0 40755 2 0 0 0 7.5 - - - user.overlay.opaque=theirs "
		     "user.overlay.redirect=/no trusted.foo=bar security.x=y\n"
		     "/acl 3 100640 1 0 0 0 7.5 - abc - system.posix_acl_access=" MADE_ACL "\n"
		     "/block 4500 100644 1 0 0 0 7.5 - ");
	for (int i = 0; i < 4500; i++)
		(void)buf_append_byte(out, 'b');
	(void)buf_append_string(
		out, " -\n"
		     "/d 0 40755 2 0 0 0 8.123456789 - - - trusted.overlay.opaque=y\n"
		     "/d/wh 0 20644 1 0 0 0 7.5 - - -\n"
		     "/d/ext 5000 100644 2 0 0 0 -7.5 ab/cdef - - "
		     "user.overlay.metacopy=theirs user.overlay.redirect=/ab/other "
		     "user.overlay.overlay.x=1 trusted.overlay.overlay.deep=2 lustre.x=1\n"
		     "/d/gone 100 100600 1 0 0 0 7.5 ab/missing - -\n"
		     "/d/again 0 @100644 2 0 0 0 7.5 /d/ext - -\n"
		     "/dev 0 20644 1 0 0 259 7.5 - - -\n"
		     "/empty 0 100644 1 0 0 0 7.5 - - - user.big=");
	for (int i = 0; i < 4000; i++)
		(void)buf_append_byte(out, 'v');
	(void)buf_append_string(out, "\n/fifo 0 10644 1 0 0 0 7.5 - - -\n"
				     "/inline 5 102755 1 0 0 0 7.5 - hello -\n"
				     "/link 0 120777 1 0 0 0 7.5 d/ext - - trusted.t=1\n"
				     "/long 0 120777 1 0 0 0 7.5 ");
	for (int i = 0; i < 4090; i++)
		(void)buf_append_byte(out, i % 50 ? 'x' : '/');
	(void)buf_append_string(out, " - -\n/many 0 40700 2 0 0 0 7.5 - - -\n");
	for (int i = 0; i < MANY; i++)
		(void)buf_printf(
			out,
			"/many/a-name-that-takes-some-room-%06d %d 100644 1 0 0 0 7.%d - %06d -\n",
			i, 6, i, i);
	(void)buf_append_byte(out, '\0');
}

static void make_directory(const char *name)
{
	expect(mkdirat(AT_FDCWD, name, 0755) == 0);
}

static int objects_make(void)
{
	int fd;

	make_directory("objects");
	fd = open("objects", O_PATH | O_DIRECTORY | O_CLOEXEC);
	expect(fd >= 0);
	made_objects(fd);
	return fd;
}

static void note_ready(void *context)
{
	struct mounted *mounted = context;

	atomic_store(&mounted->passes_through, fuse_session_passes_through(mounted->session));
}

static void *serve(void *argument)
{
	struct mounted *mounted = argument;

	mounted->result = fuse_session_run(mounted->session, note_ready, mounted, &mounted->why);
	return NULL;
}

static void mounted_make(struct mounted *mounted)
{
	struct buf dump = {0};

	*mounted = (struct mounted){.result = 1};
	dump_make(&dump);
	made_open(&mounted->made, (const char *)dump.data);
	buf_release(&dump);
}

/* A server of the image that was made, and its mount, not attached yet. */
static void mounted_serve(struct mounted *mounted, enum view_kind kind)
{
	struct fuse_mount_options options = {
		.subtype = "lamina",
		.user_id = geteuid(),
		.group_id = getegid(),
		.allow_other = true,
		.default_permissions = kind != VIEW_METADATA_USER,
	};
	struct view_config config = {.kind = kind, .object_fd_count = 1};
	struct fuse_config fuse_config = {
		.transport = way->transport,
		.queue_count = fuse_queue_count(),
		.keeps_awake = true,
		.thread_count = 3,
		.opens_files = way->opens_files,
		.passes_through = way->passes_through && kind == VIEW_STANDALONE,
	};
	int device;

	mounted->objects_fd = objects_make();
	config.image = &mounted->made.image;
	config.mapping = mounted->mapping;
	config.object_fds = &mounted->objects_fd;
	expect_ok(view_new(&config, &mounted->view, &mounted->why), &mounted->why);
	device = fuse_device_open(&mounted->why);
	if (device < 0)
		isolate_skip("fuse", mounted->why.text);
	mounted->mount_fd = expect_ok(fuse_mount(device, &options, &mounted->why), &mounted->why);
	fuse_config.handlers = view_handlers(mounted->view);
	fuse_config.fs = mounted->view;
	fuse_config.has_acl = mounted->made.image.has_acl;
	expect_ok(fuse_session_new(device, &fuse_config, &mounted->session, &mounted->why),
		  &mounted->why);
	expect(pthread_create(&mounted->thread, NULL, serve, mounted) == 0);
}

static void mounted_open(struct mounted *mounted, enum view_kind kind)
{
	mounted_make(mounted);
	mounted_serve(mounted, kind);
}

/* The mount must be gone from the file tree. */
static void mounted_close(struct mounted *mounted)
{
	fd_closep(&mounted->mount_fd);
	expect(pthread_join(mounted->thread, NULL) == 0);
	/* A forced unmount is an abort, and seldom one that the server gets to see as such. */
	if (!(mounted->is_forced && mounted->result == -ECONNABORTED))
		(void)expect_ok(mounted->result, &mounted->why);
	fuse_session_free(mounted->session);
	view_free(mounted->view);
	made_release(&mounted->made);
	fd_close(mounted->objects_fd);
}

static void attach(int mount_fd, const char *path)
{
	struct diag why = {0};
	int target;

	make_directory(path);
	target = expect_ok(mount_target_open(path, &why), &why);
	expect_ok(mount_attach(mount_fd, target, &why), &why);
	fd_close(target);
}

static void attach_overlay(int lower_fd, int objects_fd, bool userxattr, const char *path)
{
	struct overlay_options options = {
		.lower_fds = &lower_fd,
		.lower_count = 1,
		.data_fds = &objects_fd,
		.data_count = 1,
		.upper_fd = -1,
		.work_fd = -1,
		.userxattr = userxattr,
	};
	struct diag why = {0};
	int fd = overlay_mount(&options, &why);

	if (fd < 0)
		isolate_skip("overlayfs", why.text);
	attach(fd, path);
	fd_close(fd);
}

static bool pwrite_object(int objects_fd, off_t offset, char byte)
{
	int fd = openat(objects_fd, "ab/cdef", O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && pwrite(fd, &byte, 1, offset) == 1;

	fd_close(fd);
	return done;
}

static void enter_dir(void)
{
	expect(chdir(isolate_dir) == 0);
	(void)umask(0);
}

static void leave_dir(void)
{
	expect(chdir("/") == 0);
}

static void expect_same(const struct buf *seen, const char *expected)
{
	size_t line = 0;

	if (seen->size == strlen(expected) && memcmp(seen->data, expected, seen->size) == 0)
		return;
	for (size_t i = 0; i < seen->size && seen->data[i] == (uint8_t)expected[i]; i++) {
		if (seen->data[i] == '\n')
			line = i + 1;
	}
	(void)fprintf(stderr, "expected: %.300s\nseen:     %.*s\n", expected + line,
		      (int)(seen->size - line < 300 ? seen->size - line : 300), seen->data + line);
	expect_failed(__FILE__, __LINE__, "the same", NULL);
}

/* The image as kernel EROFS + overlayfs show it, into shared. */
static void kernel_snapshot(const struct mounted *mounted, enum snapshot_what what)
{
	struct erofs_mount_options options = {.noacl = !mounted->made.image.has_acl};
	struct buf text = {0};
	struct diag why = {0};
	int image, lower;

	image = open("image", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	expect(image >= 0);
	expect(fd_write(image, mounted->made.bytes.data, mounted->made.bytes.size) == 0);
	lower = erofs_mount(image, &options, &why);
	if (lower < 0)
		isolate_skip("erofs", why.text);
	fd_close(image);
	attach_overlay(lower, mounted->objects_fd, false, "kernel");
	fd_close(lower);
	snapshot_take("kernel/.", what, &text);
	expect(umount2("kernel", 0) == 0);
	/* Lest nothing be compared with nothing. */
	expect(text.size > 200 * MANY && text.size < SHARED_SIZE);
	memcpy(shared, text.data, text.size);
	shared[text.size] = '\0';
	buf_release(&text);
}

static void body_standalone(void)
{
	struct mounted mounted;
	struct buf text = {0};

	enter_dir();
	mounted_open(&mounted, VIEW_STANDALONE);
	kernel_snapshot(&mounted, SNAPSHOT_ALL);
	attach(mounted.mount_fd, "ours");
	for (int i = 0; i < 2; i++) { /* cold and cached */
		text.size = 0;
		snapshot_take("ours/.", SNAPSHOT_ALL, &text);
		expect_same(&text, shared);
	}
	buf_release(&text);
	fd_closep(&mounted.mount_fd);
	expect(umount2("ours", 0) == 0);
	leave_dir();
	mounted_close(&mounted);
}

static void standalone_looks_like_the_kernels_stack(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_standalone);
}

static void body_trusted(void)
{
	struct mounted mounted;
	struct buf text = {0};

	enter_dir();
	mounted_open(&mounted, VIEW_METADATA_TRUSTED);
	kernel_snapshot(&mounted, SNAPSHOT_ALL);
	attach_overlay(mounted.mount_fd, mounted.objects_fd, false, "ours");
	snapshot_take("ours/.", SNAPSHOT_ALL, &text);
	expect_same(&text, shared);
	buf_release(&text);
	expect(umount2("ours", 0) == 0);
	leave_dir();
	mounted_close(&mounted);
}

static void roots_overlay_looks_like_the_kernels_stack(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_trusted);
}

static void body_kernel_for_users(void)
{
	struct mounted mounted;

	enter_dir();
	mounted_open(&mounted, VIEW_STANDALONE);
	kernel_snapshot(&mounted, SNAPSHOT_WITHOUT_TRUSTED);
	leave_dir();
	mounted_close(&mounted);
}

static void compare_as_user(enum view_kind kind)
{
	struct mounted mounted;
	struct buf text = {0};

	enter_dir();
	mounted_open(&mounted, kind);
	if (kind == VIEW_STANDALONE)
		attach(mounted.mount_fd, "ours");
	else
		attach_overlay(mounted.mount_fd, mounted.objects_fd, true, "ours");
	/* All, although the kernel's has none: what nobody here can read must not be listed. */
	snapshot_take("ours/.", SNAPSHOT_ALL, &text);
	expect_same(&text, shared);
	buf_release(&text);
	fd_closep(&mounted.mount_fd);
	expect(umount2("ours", 0) == 0);
	leave_dir();
	mounted_close(&mounted);
}

static void body_user(void)
{
	compare_as_user(VIEW_METADATA_USER);
}

static void body_user_standalone(void)
{
	compare_as_user(VIEW_STANDALONE);
}

static void a_users_overlay_looks_like_the_kernels_stack(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_kernel_for_users);
	isolated(AS_USER_IN_USERNS, body_user);
}

static void a_users_standalone_looks_like_the_kernels_stack(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_kernel_for_users);
	isolated(AS_USER_IN_USERNS, body_user_standalone);
}

/* Nobody may take zeros for the content of a file. */
static void body_metadata_only(void)
{
	struct mounted mounted;
	char byte;
	int fd;

	enter_dir();
	mounted_open(&mounted, VIEW_METADATA_TRUSTED);
	attach(mounted.mount_fd, "ours");
	fd = open("ours/d/ext", O_RDONLY | O_CLOEXEC);
	expect(fd >= 0);
	expect(read(fd, &byte, 1) < 0 && errno == EIO);
	fd_close(fd);
	fd = open("ours/inline", O_RDONLY | O_CLOEXEC);
	expect(read(fd, &byte, 1) == 1 && byte == 'h');
	fd_close(fd);
	fd_closep(&mounted.mount_fd);
	expect(umount2("ours", 0) == 0);
	leave_dir();
	mounted_close(&mounted);
}

static void metadata_without_an_overlay_has_no_contents(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_metadata_only);
}

static void body_reopen(void)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} name = {.handle.handle_bytes = MAX_HANDLE_SZ};
	struct mounted mounted;
	struct stat before, after;
	int mount_id, dir, fd;

	enter_dir();
	mounted_open(&mounted, VIEW_STANDALONE);
	attach(mounted.mount_fd, "ours");
	fd_closep(&mounted.mount_fd);
	expect(stat("ours/d/ext", &before) == 0);
	expect(name_to_handle_at(AT_FDCWD, "ours/d/ext", &name.handle, &mount_id, 0) == 0);
	fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	expect(fd >= 0 && fd_write(fd, "2", 1) == 0); /* the kernel forgets the inode */
	fd_close(fd);
	dir = open("ours", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = open_by_handle_at(dir, &name.handle, O_RDONLY | O_CLOEXEC);
	expect(fd >= 0);
	expect(fstat(fd, &after) == 0);
	expect(before.st_ino == after.st_ino && before.st_size == after.st_size);
	fd_close(fd);
	fd_close(dir);
	expect(umount2("ours", 0) == 0);
	leave_dir();
	mounted_close(&mounted);
}

static void a_file_handle_outlives_the_kernels_cache(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_reopen);
}

/* Where the content of "block" lies in the image: in a block of its own, behind all inodes. */
static size_t block_offset(const struct image *image)
{
	struct image_inode root, inode;
	struct image_dirent entry;
	struct image_extent extent;
	struct diag why = {0};

	expect_ok(image_inode(image, image->root_nid, &root, &why), &why);
	expect_ok(image_lookup(image, &root, SPAN_LITERAL("block"), &entry, &why), &why);
	expect_ok(image_inode(image, entry.nid, &inode, &why), &why);
	expect_ok(image_extent(image, &inode, 0, &extent, &why), &why);
	return (size_t)(extent.bytes.data - image->bytes.data);
}

static int read_error(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char data[8192];
	ssize_t size;

	expect(fd >= 0);
	size = fd_read(fd, data, sizeof(data));
	fd_close(fd);
	return size < 0 ? (int)size : 0;
}

static struct mapping *image_map(struct mounted *mounted, int *ret_fd)
{
	struct mapping *mapping;
	struct diag why = {0};

	*ret_fd = open("image", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	expect(*ret_fd >= 0);
	expect(fd_write(*ret_fd, mounted->made.bytes.data, mounted->made.bytes.size) == 0);
	expect_ok(mapping_open(*ret_fd, &mapping, &why), &why);
	expect_ok(image_open(mapping_bytes(mapping), &mounted->made.image, &why), &why);
	return mapping;
}

/*
 * Content is not looked at by the server, so that it is gone is first noticed by the kernel, when
 * it copies the reply. A server that looks at a page that is gone believes nothing any more.
 */
static void body_lost_pages(void)
{
	struct mounted mounted;
	struct stat st;
	int fd;

	enter_dir();
	mounted_make(&mounted);
	mounted.mapping = image_map(&mounted, &fd);
	mounted_serve(&mounted, VIEW_STANDALONE);
	attach(mounted.mount_fd, "ours");
	expect(ftruncate(fd, (off_t)block_offset(&mounted.made.image)) == 0);
	for (int i = 0; i < 3; i++)
		expect(read_error("ours/block") == -EIO);
	/* What goes by io_uring is copied by us: from then on none of the image is trusted. */
	if (way->transport == FUSE_TRANSPORT_RING)
		expect(stat("ours/inline", &st) < 0 && errno == EIO);
	else
		expect(read_error("ours/inline") == 0);
	expect(ftruncate(fd, 0) == 0);
	expect(stat("ours/many/none", &st) < 0 && errno == EIO);
	fd_close(fd);
	fd_closep(&mounted.mount_fd);
	expect(umount2("ours", 0) == 0);
	leave_dir();
	mounted_close(&mounted);
	mapping_close(mounted.mapping);
}

static void lost_pages_of_the_image_are_errors_not_crashes(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_lost_pages);
}

static atomic_bool clients_end;
static atomic_uint client_rounds;

static void client_list(const char *path)
{
	DIR *dir = opendir(path);

	while (dir && readdir(dir))
		;
	if (dir)
		(void)closedir(dir);
}

static void *client(void *argument)
{
	static const char *const paths[] = {"ours/d/ext", "ours/inline", "ours/d", "ours/link"};
	unsigned int *seed = argument;

	while (!atomic_load(&clients_end)) {
		const char *path = paths[rand_r(seed) % 4];
		char data[8192], many[64];
		struct stat st;
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

		if (fd >= 0)
			(void)fd_read(fd, data, sizeof(data));
		fd_close(fd);
		(void)lgetxattr(path, "user.overlay.metacopy", data, sizeof(data));
		(void)llistxattr(path, data, sizeof(data));
		(void)snprintf(many, sizeof(many), "ours/many/a-name-that-takes-some-room-%06d",
			       rand_r(seed) % (2 * MANY));
		(void)lstat(many, &st);
		client_list("ours/many");
		atomic_fetch_add(&client_rounds, 1);
	}
	return NULL;
}

/* Readers are at it while the connection is cut; everybody ends, in order. */
static void body_unmount_under_load(void)
{
	unsigned int seeds[4] = {1, 2, 3, 4};
	pthread_t clients[4];
	struct mounted mounted;

	enter_dir();
	mounted_open(&mounted, VIEW_STANDALONE);
	attach(mounted.mount_fd, "ours");
	fd_closep(&mounted.mount_fd);
	for (int i = 0; i < 4; i++)
		expect(pthread_create(&clients[i], NULL, client, &seeds[i]) == 0);
	while (atomic_load(&client_rounds) < 200)
		(void)sched_yield();
	mounted.is_forced = true;
	expect(umount2("ours", MNT_FORCE | MNT_DETACH) == 0);
	atomic_store(&clients_end, true);
	for (int i = 0; i < 4; i++)
		expect(pthread_join(clients[i], NULL) == 0);
	leave_dir();
	mounted_close(&mounted);
}

static void an_unmount_under_load_ends_the_server_well(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_unmount_under_load);
}

/* Stopping is not unmounting: who has the mount open gets errors, at once. */
static void body_stop(void)
{
	struct mounted mounted;
	struct stat st;

	enter_dir();
	mounted_open(&mounted, VIEW_STANDALONE);
	attach(mounted.mount_fd, "ours");
	expect(stat("ours/d/ext", &st) == 0);
	fuse_session_stop(mounted.session);
	expect(pthread_join(mounted.thread, NULL) == 0);
	expect(mounted.result == 0);
	fuse_session_free(mounted.session);
	expect(stat("ours/many/nothing", &st) < 0);
	/* The others: the kernel is about to take the ring down, and the connection with it. */
	expect(errno == ENOTCONN || (way->transport == FUSE_TRANSPORT_RING &&
				     (errno == ECANCELED || errno == ECONNABORTED)));
	fd_closep(&mounted.mount_fd);
	expect(umount2("ours", 0) == 0);
	leave_dir();
	view_free(mounted.view);
	made_release(&mounted.made);
	fd_close(mounted.objects_fd);
}

static void a_stopped_server_leaves_errors_behind(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_stop);
}

/* Passthrough: what the kernel reads by itself, and as many openings as it likes. */
static void body_passthrough(void)
{
	struct mounted mounted;
	uint8_t *mapped, byte;
	int first, second;

	enter_dir();
	mounted_open(&mounted, VIEW_STANDALONE);
	attach(mounted.mount_fd, "ours");
	first = open("ours/d/ext", O_RDONLY | O_CLOEXEC);
	second = open("ours/d/ext", O_RDONLY | O_CLOEXEC);
	expect(first >= 0 && second >= 0);
	expect(atomic_load(&mounted.passes_through));
	mapped = mmap(NULL, MADE_OBJECT_SIZE, PROT_READ, MAP_SHARED, first, 0);
	expect(mapped != MAP_FAILED);
	/* The server answers no READ any more: only the object itself can say this. */
	expect(pwrite_object(mounted.objects_fd, 4000, 'X'));
	expect(mapped[4000] == 'X');
	expect(pread(second, &byte, 1, 4000) == 1 && byte == 'X');
	expect(munmap(mapped, MADE_OBJECT_SIZE) == 0);
	fd_close(first);
	expect(pread(second, &byte, 1, 4000) == 1 && byte == 'X');
	fd_close(second);
	/* All are closed, so it is opened anew: what went away is missing now. */
	expect(renameat(mounted.objects_fd, "ab/cdef", mounted.objects_fd, "ab/away") == 0);
	expect(open("ours/d/ext", O_RDONLY | O_CLOEXEC) < 0 && errno == ENOENT);
	fd_closep(&mounted.mount_fd);
	expect(umount2("ours", 0) == 0);
	leave_dir();
	mounted_close(&mounted);
}

static void passthrough_reads_and_maps_the_object_itself(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_passthrough);
}

static const struct way ways[] = {
	{"device", FUSE_TRANSPORT_DEVICE, false, false},
	{"io_uring", FUSE_TRANSPORT_RING, false, false},
	{"OPEN", FUSE_TRANSPORT_DEVICE, true, false},
	{"passthrough", FUSE_TRANSPORT_DEVICE, false, true},
};
#define WAY_COUNT (sizeof(ways) / sizeof(ways[0]))

#define BY_DEVICE 1u
#define BY_RING 2u
#define BY_OPENING 4u
#define BY_PASSTHROUGH 8u
#define BY_ALL (BY_DEVICE | BY_RING | BY_OPENING | BY_PASSTHROUGH)

#define ROW(function, by)                    \
	{                                    \
#function, (function), (by), \
	}

static const struct {
	const char *name;
	void (*run)(void **state);
	unsigned int by;
} rows[] = {
	ROW(standalone_looks_like_the_kernels_stack, BY_ALL),
	ROW(roots_overlay_looks_like_the_kernels_stack, BY_DEVICE | BY_RING),
	ROW(a_users_overlay_looks_like_the_kernels_stack, BY_DEVICE | BY_RING),
	ROW(a_users_standalone_looks_like_the_kernels_stack, BY_DEVICE | BY_RING),
	ROW(metadata_without_an_overlay_has_no_contents, BY_DEVICE | BY_RING),
	ROW(a_file_handle_outlives_the_kernels_cache, BY_DEVICE | BY_RING),
	ROW(lost_pages_of_the_image_are_errors_not_crashes, BY_DEVICE | BY_RING),
	ROW(an_unmount_under_load_ends_the_server_well, BY_ALL),
	ROW(a_stopped_server_leaves_errors_behind, BY_DEVICE | BY_RING),
	ROW(passthrough_reads_and_maps_the_object_itself, BY_PASSTHROUGH),
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

struct one_case {
	char name[120];
	const struct way *way;
	void (*run)(void **state);
};

static void run_case(void **state)
{
	const struct one_case *one = *state;

	way = one->way;
	need("uring", way->transport != FUSE_TRANSPORT_RING || uring_is_enabled(),
	     "/sys/module/fuse/parameters/enable_uring is not Y");
	one->run(state);
}

int main(void)
{
	static struct one_case cases[ROW_COUNT * WAY_COUNT];
	struct CMUnitTest tests[ROW_COUNT * WAY_COUNT];
	size_t count = 0;

	for (size_t i = 0; i < ROW_COUNT * WAY_COUNT; i++) {
		size_t row = i / WAY_COUNT, which = i % WAY_COUNT;

		if (!(rows[row].by & 1u << which))
			continue;
		(void)snprintf(cases[count].name, sizeof(cases[count].name), "%s by %s",
			       rows[row].name, ways[which].name);
		cases[count].way = &ways[which];
		cases[count].run = rows[row].run;
		tests[count] = (struct CMUnitTest){
			.name = cases[count].name,
			.test_func = run_case,
			.initial_state = &cases[count],
		};
		count++;
	}
	shared = mmap(NULL, SHARED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	return _cmocka_run_group_tests("mounted", tests, count, NULL, NULL);
}
