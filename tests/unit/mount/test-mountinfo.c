/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "mount/mountinfo.h"

static void reads_the_fields_of_a_line(void **state)
{
	struct mount_entry entry = {0};
	struct diag why = {0};

	(void)state;
	assert_ok(mount_entry_parse(SPAN_LITERAL("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 "
						 "shared:7 - ext3 /dev/root rw,errors=continue"),
				    &entry, &why),
		  &why);
	assert_int_equal(36, entry.id);
	assert_int_equal(35, entry.parent_id);
	assert_int_equal(98, entry.major);
	assert_int_equal(0, entry.minor);
	assert_string_equal("/mnt1", entry.root);
	assert_string_equal("/mnt2", entry.target);
	assert_string_equal("rw,noatime", entry.options);
	assert_string_equal("ext3", entry.type);
	assert_string_equal("/dev/root", entry.source);
	assert_string_equal("rw,errors=continue", entry.super_options);
	assert_string_equal("", why.text);
	mount_entry_release(&entry);
	mount_entry_release(&entry);
}

static void decodes_what_the_kernel_escapes(void **state)
{
	static const struct {
		const char *line, *target, *source, *super_options;
	} cases[] = {
		{"1 1 0:1 / /a\\040b ro - t s o", "/a b", "s", "o"},
		{"1 1 0:1 / /\\011\\012\\134\\043 ro - t s o", "/\t\n\\#", "s", "o"},
		{"1 1 0:1 / /\\134040 ro - t s o", "/\\040", "s", "o"},
		{"1 1 0:1 / /\\377 ro - t s o", "/\xff", "s", "o"},
		/* A source of nothing is an empty field, not a missing one. */
		{"1 1 0:1 / /x ro - t  o", "/x", "", "o"},
		{"1 1 0:1 / /x ro - t s ", "/x", "s", ""},
		/* Some file systems print what they like, at the end. */
		{"1 1 0:1 / /x ro - t s a b\\ c\\040d", "/x", "s", "a b\\ c d"},
		/* A target of "-" comes before the separator, a source after it. */
		{"1 1 0:1 / - ro - t - o", "-", "-", "o"},
		{"4294967295 0 4095:1048575 / /x ro - t s o", "/x", "s", "o"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mount_entry entry = {0};
		struct diag why = {0};

		assert_ok(mount_entry_parse(span_of_string(cases[i].line), &entry, &why), &why);
		assert_string_equal(cases[i].target, entry.target);
		assert_string_equal(cases[i].source, entry.source);
		assert_string_equal(cases[i].super_options, entry.super_options);
		mount_entry_release(&entry);
	}
}

static void refuses_lines_of_another_form(void **state)
{
	static const char *const lines[] = {
		"",
		" ",
		"1",
		"1 1",
		"1 1 0:1",
		"1 1 0:1 / /x ro",
		"1 1 0:1 / /x ro -",
		"1 1 0:1 / /x ro - t",
		"1 1 0:1 / /x ro - t s",
		"1 1 0:1 / /x ro shared:1 t s o",
		"x 1 0:1 / /x ro - t s o",
		"-1 1 0:1 / /x ro - t s o",
		"4294967296 1 0:1 / /x ro - t s o",
		"00000000001 1 0:1 / /x ro - t s o",
		"1 1 0-1 / /x ro - t s o",
		"1 1 :1 / /x ro - t s o",
		"1 1 0: / /x ro - t s o",
		"1  1 0:1 / /x ro - t s o",
		"1 1 0:1 / /\\ ro - t s o",
		"1 1 0:1 / /\\04 ro - t s o",
		"1 1 0:1 / /\\048 ro - t s o",
		"1 1 0:1 / /\\000 ro - t s o",
		"1 1 0:1 / /\\400 ro - t s o",
		"1 1 0:1 / /x ro - t\\ s o",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct mount_entry entry = {.id = 77};
		struct diag why = {0};

		if (mount_entry_parse(span_of_string(lines[i]), &entry, &why) != -EUCLEAN)
			fail_msg("accepted '%s'", lines[i]);
		assert_int_equal(77, entry.id);
		assert_true(why.text[0] != '\0');
	}
	/* NUL cannot be in a line of the kernel. */
	assert_int_equal(-EUCLEAN, mount_entry_parse(SPAN_LITERAL("1 1 0:1 / /\0 ro - t s o"),
						     &(struct mount_entry){0}, NULL));
	assert_int_equal(-EUCLEAN, mount_entry_parse(SPAN_LITERAL("1 1 0:1 / / ro - t s \0"),
						     &(struct mount_entry){0}, NULL));
}

static void reads_every_line_of_this_machine(void **state)
{
	struct buf text = {0};
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	size_t count = 0;
	char *rest;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(0, fd_read_all(fd, 1 << 24, &text));
	fd_close(fd);
	rest = buf_string(&text);
	while (rest && *rest) {
		char *line = strsep(&rest, "\n");
		struct mount_entry entry = {0};
		struct diag why = {0};

		assert_ok(mount_entry_parse(span_of_string(line), &entry, &why), &why);
		assert_true(entry.target[0] == '/');
		mount_entry_release(&entry);
		count++;
	}
	assert_true(count > 0);
	buf_release(&text);
}

static void knows_what_is_mounted_at_a_path(void **state)
{
	struct mount_entry entry = {0};
	struct diag why = {0};

	(void)state;
	assert_ok(mount_entry_at("/proc", &entry, &why), &why);
	assert_string_equal("proc", entry.type);
	assert_string_equal("/proc", entry.target);
	mount_entry_release(&entry);
	assert_ok(mount_entry_at("/proc/../proc/./", &entry, &why), &why);
	assert_string_equal("/proc", entry.target);
	mount_entry_release(&entry);
	assert_int_equal(-EINVAL, mount_entry_at("/proc/self/fd", &entry, &why));
	assert_non_null(strstr(why.text, "not a mount point"));
	assert_int_equal(-ENOENT, mount_entry_at("/proc/no-such", &entry, &why));
	assert_null(entry.text);
}

static void knows_the_mount_of_a_descriptor(void **state)
{
	struct mount_entry entry = {0};
	struct diag why = {0};
	int fd = open("/proc/self/status", O_PATH | O_CLOEXEC);

	(void)state;
	assert_ok(mount_entry_of(fd, &entry, &why), &why);
	assert_string_equal("/proc", entry.target);
	assert_int_equal(1, mount_is_attached(fd, &why));
	mount_entry_release(&entry);
	fd_close(fd);
	assert_true(mount_entry_of(fd, &entry, &why) < 0);
	assert_true(mount_is_attached(fd, &why) < 0);
}

static void body_detached(void)
{
	struct mount_entry entry = {0};
	struct diag why = {0};
	int fd = tmpfs_make();

	expect(mount_entry_of(fd, &entry, &why) == -ENOENT);
	expect(mount_is_attached(fd, &why) == 0);
	fd_close(fd);
}

static void a_detached_mount_is_not_in_the_tree(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_detached);
}

static void knows_its_own_mounts(void **state)
{
	static const struct {
		const char *type, *source;
		bool ours;
	} cases[] = {
		{"fuse.lamina", "anything", true},    {"fuse", "lamina:x", false},
		{"fuse.laminate", "lamina:x", false}, {"overlay", "lamina:x", true},
		{"overlay", "lamina:", true},         {"overlay", "lamina", false},
		{"overlay", "overlay", false},        {"erofs", "lamina:x", true},
		{"erofs", "/dev/loop0", false},       {"tmpfs", "lamina:x", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mount_entry entry = {.type = cases[i].type, .source = cases[i].source};

		assert_int_equal(cases[i].ours, mount_entry_is_ours(&entry));
	}
}

static void knows_mounts_with_an_id_map(void **state)
{
	static const struct {
		const char *options;
		bool idmapped;
	} cases[] = {
		{"rw,relatime,idmapped", true},
		{"idmapped", true},
		{"ro,idmapped,nosuid", true},
		{"rw,relatime", false},
		{"rw,notidmapped", false},
		{"rw,idmapped=no", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct mount_entry entry = {.options = cases[i].options};

		assert_int_equal(cases[i].idmapped, mount_entry_is_idmapped(&entry));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_fields_of_a_line),
		cmocka_unit_test(decodes_what_the_kernel_escapes),
		cmocka_unit_test(refuses_lines_of_another_form),
		cmocka_unit_test(reads_every_line_of_this_machine),
		cmocka_unit_test(knows_what_is_mounted_at_a_path),
		cmocka_unit_test(knows_the_mount_of_a_descriptor),
		cmocka_unit_test(a_detached_mount_is_not_in_the_tree),
		cmocka_unit_test(knows_its_own_mounts),
		cmocka_unit_test(knows_mounts_with_an_id_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
