/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "oci/tar.h"
#include "oci/tar_write.h"
#include "pieces_of.h"
#include "tree/tree.h"

static int append(void *context, struct span bytes, struct diag *why)
{
	(void)why;
	return buf_append_span(context, bytes);
}

/* Entries have a body of bytes of 'b'. */
static int write_all(const struct tar_entry *entries, size_t count, struct buf *ret,
		     struct diag *why)
{
	CLEAN(tar_writer_freep) struct tar_writer *writer = NULL;
	static uint8_t body[4096];
	int r = 0;

	memset(body, 'b', sizeof(body));
	ret->size = 0;
	assert_int_equal(0, tar_writer_new(append, ret, &writer));
	for (size_t i = 0; i < count && r == 0; i++) {
		uint64_t left = entries[i].size;

		r = tar_write_entry(writer, &entries[i], why);
		while (r == 0 && left) {
			size_t part = left < 1000 ? (size_t)left : 1000;

			r = tar_write_body(writer, span_of(body, part), why);
			left -= part;
		}
	}
	if (r < 0)
		return r;
	assert_int_equal(0, tar_write_end(writer, why));
	assert_int_equal(ret->size, tar_write_offset(writer));
	return 0;
}

static void assert_span(struct span a, struct span b)
{
	if (!span_equal(a, b))
		fail_msg("'%.*s', not '%.*s'", (int)a.size, (const char *)a.data, (int)b.size,
			 (const char *)b.data);
}

static void assert_entry(const struct tar_entry *a, const struct tar_entry *b)
{
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->gid, b->gid);
	assert_int_equal(a->rdev_major, b->rdev_major);
	assert_int_equal(a->rdev_minor, b->rdev_minor);
	assert_true(a->mtime_sec == b->mtime_sec);
	assert_int_equal(a->mtime_nsec, b->mtime_nsec);
	assert_int_equal(a->size, b->size);
	assert_span(a->name, b->name);
	assert_span(a->target, b->target);
	assert_int_equal(a->xattr_count, b->xattr_count);
	for (size_t i = 0; i < a->xattr_count; i++) {
		assert_span(a->xattrs[i].key, b->xattrs[i].key);
		assert_span(a->xattrs[i].value, b->xattrs[i].value);
	}
}

/* What is written comes back as it was, and is the same bytes the next time. */
static void assert_round_trip(const struct tar_entry *entries, size_t count)
{
	CLEAN(buf_release) struct buf text = {0}, again = {0};
	CLEAN(tar_closep) struct tar *tar = NULL;
	struct memory memory = {0};
	const struct pieces pieces = pieces_of_memory(&memory);
	struct tar_entry entry;
	struct diag why = {0};

	assert_ok(write_all(entries, count, &text, &why), &why);
	assert_ok(write_all(entries, count, &again, &why), &why);
	assert_true(span_equal(buf_span(&text), buf_span(&again)));
	assert_int_equal(0, text.size % TAR_BLOCK_SIZE);
	memory.rest = buf_span(&text);
	assert_int_equal(0, tar_open(&pieces, NULL, NULL, &tar));
	for (size_t i = 0; i < count; i++) {
		assert_ok(tar_next(tar, &entry, &why), &why);
		assert_entry(&entry, &entries[i]);
	}
	assert_ok(tar_next(tar, &entry, &why), &why);
	assert_int_equal(0, memory.rest.size);
}

#define ROUND_TRIP(...)                                                              \
	do {                                                                         \
		const struct tar_entry entries_[] = {__VA_ARGS__};                   \
		assert_round_trip(entries_, sizeof(entries_) / sizeof(entries_[0])); \
	} while (0)

#define ENTRY(type_, name_, ...) \
	((struct tar_entry){.type = (type_), .name = SPAN_LITERAL(name_), __VA_ARGS__})

static void every_type_comes_back(void **state)
{
	(void)state;
	ROUND_TRIP(ENTRY(TAR_DIRECTORY, "d/", .mode = 01777, .mtime_sec = 5),
		   ENTRY(TAR_REGULAR, "d/f", .mode = 04755, .uid = 33, .gid = 44, .size = 1200),
		   ENTRY(TAR_REGULAR, "d/block", .mode = 0600, .size = 512),
		   ENTRY(TAR_REGULAR, "d/none"),
		   ENTRY(TAR_HARD_LINK, "h", .target = SPAN_LITERAL("d/f")),
		   ENTRY(TAR_SYMLINK, "s", .mode = 0777, .target = SPAN_LITERAL("../x y")),
		   ENTRY(TAR_CHARACTER_DEVICE, "c", .rdev_major = 1, .rdev_minor = 3),
		   ENTRY(TAR_BLOCK_DEVICE, "b", .rdev_major = 4095, .rdev_minor = 1048575),
		   ENTRY(TAR_FIFO, "p", .mode = 0622));
}

static void names_of_any_length_and_bytes_come_back(void **state)
{
	static const size_t sizes[] = {99, 100, 101, 102, 155, 156, 200, 255, 256, 257, 4000};
	char name[4001];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t slash = 1; slash < sizes[i]; slash += slash < 300 ? 1 : 500) {
			struct tar_entry entry = {.type = TAR_SYMLINK,
						  .name = span_of(name, sizes[i]),
						  .target = span_of(name, sizes[i])};

			memset(name, 'n', sizeof(name));
			name[slash] = '/';
			assert_round_trip(&entry, 1);
		}
		memset(name, 0xff, sizeof(name));
		assert_round_trip(
			&(struct tar_entry){.type = TAR_REGULAR, .name = span_of(name, sizes[i])},
			1);
	}
	ROUND_TRIP(ENTRY(TAR_REGULAR, "/absolute"), ENTRY(TAR_REGULAR, "new\nline"),
		   ENTRY(TAR_REGULAR, "gr\xc3\xbc\xc3\x9f"
				      "e"));
}

static void a_name_that_can_be_cut_needs_no_pax_header(void **state)
{
	struct tar_entry entry = {.type = TAR_REGULAR};
	CLEAN(buf_release) struct buf text = {0};
	struct diag why = {0};
	char name[256];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[155] = '/';
	entry.name = span_of(name, 256);
	assert_ok(write_all(&entry, 1, &text, &why), &why);
	assert_int_equal(3 * TAR_BLOCK_SIZE, text.size);
	name[155] = 'n';
	name[154] = '/'; /* 101 bytes are behind it */
	assert_ok(write_all(&entry, 1, &text, &why), &why);
	assert_int_equal(5 * TAR_BLOCK_SIZE, text.size);
}

static void times_and_owners_of_any_size_come_back(void **state)
{
	static const struct {
		int64_t sec;
		uint32_t nsec;
	} times[] = {
		{0, 0},
		{0, 1},
		{-1, 0},
		{-1, 999999999},
		{-13, 655000000},
		{-1, 1},
		{077777777777, 0},
		{0100000000000, 0},
		{1700000000, 120000000},
		{INT64_MAX, 999999999},
		{-INT64_MAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		ROUND_TRIP(ENTRY(TAR_REGULAR, "t", .mtime_sec = times[i].sec,
				 .mtime_nsec = times[i].nsec));
	ROUND_TRIP(ENTRY(TAR_REGULAR, "a", .uid = 07777777, .gid = 010000000),
		   ENTRY(TAR_REGULAR, "b", .uid = UINT32_MAX, .gid = UINT32_MAX));
}

static void xattrs_of_any_value_come_back(void **state)
{
	static uint8_t all[256], large[32000];
	const struct xattr xattrs[] = {
		{SPAN_LITERAL("security.capability"), span_of(all, 256)},
		{SPAN_LITERAL("user.empty"), SPAN_LITERAL("")},
		{SPAN_LITERAL("user.\xff"), SPAN_LITERAL("a=b\nc")},
	};
	struct xattr sized = {SPAN_LITERAL("user.x"), SPAN_EMPTY};

	(void)state;
	for (size_t i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	ROUND_TRIP(ENTRY(TAR_REGULAR, "x", .xattrs = xattrs, .xattr_count = 3));
	/* The size of a record counts its own digits: each place where they become more. */
	for (size_t size = 0; size < 10100; size += size < 1100 ? 1 : size == 9900 ? 1 : 100) {
		sized.value = span_of(large, size);
		ROUND_TRIP(ENTRY(TAR_REGULAR, "x", .xattrs = &sized, .xattr_count = 1));
	}
}

static void what_no_archive_can_hold_is_refused(void **state)
{
	const struct xattr sign = {SPAN_LITERAL("user.a=b"), SPAN_LITERAL("v")};
	const struct tar_entry refused[] = {
		ENTRY(TAR_REGULAR, ""),
		ENTRY(TAR_REGULAR, "a\0b"),
		ENTRY(TAR_SYMLINK, "s"),
		ENTRY(TAR_SYMLINK, "s", .target = SPAN_LITERAL("a\0b")),
		ENTRY(TAR_REGULAR, "x", .xattrs = &sign, .xattr_count = 1),
		ENTRY(TAR_BLOCK_DEVICE, "b", .rdev_major = 010000000),
		ENTRY(TAR_REGULAR, "t", .mtime_sec = INT64_MIN),
		ENTRY(TAR_REGULAR, "t", .mtime_nsec = 1000000000),
		ENTRY(TAR_REGULAR, "f", .size = (uint64_t)INT64_MAX + 1),
	};
	CLEAN(buf_release) struct buf text = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct diag why = {0};

		assert_int_equal(-EINVAL, write_all(&refused[i], 1, &text, &why));
		assert_true(why.text[0] != '\0');
	}
}

static int drop(void *context, struct span bytes, struct diag *why)
{
	(void)context;
	(void)bytes;
	(void)why;
	return 0;
}

static void bodies_that_lie_elsewhere_are_counted(void **state)
{
	CLEAN(tar_writer_freep) struct tar_writer *writer = NULL;
	const uint64_t size = 10ULL << 30; /* more than eleven octal digits */
	struct tar_entry entry = ENTRY(TAR_REGULAR, "f", .size = 0);
	struct diag why = {0};

	(void)state;
	entry.size = size;
	assert_int_equal(0, tar_writer_new(drop, NULL, &writer));
	assert_ok(tar_write_entry(writer, &entry, &why), &why);
	tar_write_body_elsewhere(writer);
	assert_ok(tar_write_end(writer, &why), &why);
	assert_true(tar_write_offset(writer) == size + 5 * TAR_BLOCK_SIZE);
}

static int full(void *context, struct span bytes, struct diag *why)
{
	(void)bytes;
	(void)why;
	return *(size_t *)context && --*(size_t *)context ? 0 : -ENOSPC;
}

static void a_sink_that_fails_ends_it(void **state)
{
	const struct tar_entry entry = ENTRY(TAR_REGULAR, "f", .mtime_nsec = 1, .size = 0);

	(void)state;
	for (size_t count = 0; count < 4; count++) { /* header, pax, padding, header */
		CLEAN(tar_writer_freep) struct tar_writer *writer = NULL;
		size_t left = count + 1;

		assert_int_equal(0, tar_writer_new(full, &left, &writer));
		assert_int_equal(-ENOSPC, tar_write_entry(writer, &entry, NULL));
	}
}

/* Other readers */

static void command_read(const char *format, const char *path, struct buf *ret)
{
	char command[512];
	FILE *pipe;
	int byte;

	(void)snprintf(command, sizeof(command), format, path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	ret->size = 0;
	while ((byte = fgetc(pipe)) != EOF)
		assert_int_equal(0, buf_append_byte(ret, (uint8_t)byte));
	assert_int_equal(0, pclose(pipe));
}

static void archive_write(char path[64])
{
	static char deep[301];
	const struct xattr xattrs[] = {{SPAN_LITERAL("user.note"), SPAN_LITERAL("a\0b=\xff")}};
	const struct tar_entry entries[] = {
		ENTRY(TAR_DIRECTORY, "d/", .mode = 0755, .mtime_sec = 1000),
		ENTRY(TAR_REGULAR, "d/f", .mode = 04755, .uid = 33, .gid = 4000000000, .size = 1200,
		      .mtime_sec = 1700000000, .mtime_nsec = 250000000, .xattrs = xattrs,
		      .xattr_count = 1),
		ENTRY(TAR_HARD_LINK, "h", .mode = 04755, .target = SPAN_LITERAL("d/f")),
		ENTRY(TAR_SYMLINK, "s", .mode = 0777, .target = SPAN_LITERAL("d/f")),
		ENTRY(TAR_CHARACTER_DEVICE, "c", .mode = 0600, .rdev_major = 1, .rdev_minor = 3),
		{.type = TAR_REGULAR, .mode = 0644, .name = span_of(deep, 300)},
	};
	CLEAN(buf_release) struct buf text = {0};
	struct diag why = {0};
	int fd;

	memset(deep, 'n', 300);
	deep[2] = '/';
	(void)snprintf(path, 64, "%s", "/tmp/lamina-tar-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_ok(write_all(entries, 6, &text, &why), &why);
	assert_int_equal(0, fd_write(fd, text.data, text.size));
	(void)close(fd);
}

static void gnu_tar_sees_the_same(void **state)
{
	CLEAN(buf_release) struct buf text = {0};
	char path[64], expected[1024], deep[301] = "";

	(void)state;
	need("gnu-tar", system("tar --version 2>/dev/null | grep -q 'GNU tar'") == 0,
	     "GNU tar is missing");
	archive_write(path);
	command_read(
		"TZ=UTC LC_ALL=C tar --xattrs --xattrs-include='*' --numeric-owner --full-time "
		"-tvvf %s | tr -s ' '",
		path, &text);
	(void)unlink(path);
	memset(deep, 'n', 300);
	deep[2] = '/';
	(void)snprintf(expected, sizeof(expected),
		       "drwxr-xr-x 0/0 0 1970-01-01 00:16:40 d/\n"
		       "-rwsr-xr-x* 33/4000000000 1200 2023-11-14 22:13:20.25 d/f\n"
		       " x: 5 user.note\n"
		       "hrwsr-xr-x 0/0 0 1970-01-01 00:00:00 h link to d/f\n"
		       "lrwxrwxrwx 0/0 0 1970-01-01 00:00:00 s -> d/f\n"
		       "crw------- 0/0 1,3 1970-01-01 00:00:00 c\n"
		       "-rw-r--r-- 0/0 0 1970-01-01 00:00:00 %s\n",
		       deep);
	assert_string_equal(expected, buf_string(&text));
}

static void bsdtar_sees_the_same(void **state)
{
	CLEAN(buf_release) struct buf text = {0};
	char path[64], expected[1024], deep[301] = "";

	(void)state;
	need("bsdtar", system("bsdtar --version >/dev/null 2>&1") == 0, "bsdtar is missing");
	archive_write(path);
	/* As mtree it tells all that it knows, in an order of its own. */
	command_read("LC_ALL=C bsdtar -cf - --format mtree --options "
		     "'!all,type,mode,uid,gid,time,size,link,device' @%s | tail -n +2",
		     path, &text);
	(void)unlink(path);
	memset(deep, 'n', 300);
	deep[2] = '/';
	(void)snprintf(expected, sizeof(expected),
		       "./c time=0.0 mode=600 gid=0 uid=0 type=char device=native,1,3\n"
		       "./h time=0.0 mode=4755 gid=0 uid=0 type=file size=0\n"
		       "./s time=0.0 mode=777 gid=0 uid=0 type=link link=d/f\n"
		       "./d time=1000.0 mode=755 gid=0 uid=0 type=dir\n"
		       "./d/f time=1700000000.250000000 mode=4755 gid=4000000000 uid=33 type=file "
		       "size=1200\n"
		       "./%s time=0.0 mode=644 gid=0 uid=0 type=file size=0\n",
		       deep);
	assert_string_equal(expected, buf_string(&text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_comes_back),
		cmocka_unit_test(names_of_any_length_and_bytes_come_back),
		cmocka_unit_test(a_name_that_can_be_cut_needs_no_pax_header),
		cmocka_unit_test(times_and_owners_of_any_size_come_back),
		cmocka_unit_test(xattrs_of_any_value_come_back),
		cmocka_unit_test(what_no_archive_can_hold_is_refused),
		cmocka_unit_test(bodies_that_lie_elsewhere_are_counted),
		cmocka_unit_test(a_sink_that_fails_ends_it),
		cmocka_unit_test(gnu_tar_sees_the_same),
		cmocka_unit_test(bsdtar_sees_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
