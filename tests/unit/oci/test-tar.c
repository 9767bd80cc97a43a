/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/tar.h"
#include "pieces_of.h"
#include "tar_of.h"
#include "tree/tree.h"

static int append(void *context, struct span bytes, struct diag *why)
{
	(void)why;
	return buf_append_span(context, bytes);
}

/* One line an entry; bodies and everything else go to *all in order. */
static int describe(struct tar *tar, struct buf *text, struct buf *all, struct diag *why)
{
	struct tar_entry entry;
	int r;

	while ((r = tar_next(tar, &entry, why)) > 0) {
		struct span part;
		uint64_t size = 0;

		assert_int_equal(0, buf_printf(text, "%c %.*s %o %u/%u %lld.%u %llu",
					       (char)entry.type, (int)entry.name.size,
					       (const char *)entry.name.data, entry.mode, entry.uid,
					       entry.gid, (long long)entry.mtime_sec,
					       entry.mtime_nsec, (unsigned long long)entry.size));
		if (entry.target.size)
			assert_int_equal(0, buf_printf(text, " -> %.*s", (int)entry.target.size,
						       (const char *)entry.target.data));
		if (entry.type == TAR_CHARACTER_DEVICE || entry.type == TAR_BLOCK_DEVICE)
			assert_int_equal(
				0, buf_printf(text, " %u:%u", entry.rdev_major, entry.rdev_minor));
		for (size_t i = 0; i < entry.xattr_count; i++)
			assert_int_equal(0, buf_printf(text, " %.*s=%zu",
						       (int)entry.xattrs[i].key.size,
						       (const char *)entry.xattrs[i].key.data,
						       entry.xattrs[i].value.size));
		assert_int_equal(0, buf_append_byte(text, '\n'));
		/* Every second body is left to the sink. */
		while (entry.size % 2 && (r = tar_body(tar, &part, why)) > 0) {
			size += part.size;
			assert_int_equal(0, buf_append_span(all, part));
		}
		if (r < 0)
			return r;
		assert_true(size == 0 || size == entry.size);
	}
	return r;
}

static int read_tar(struct span bytes, size_t piece_size, struct buf *text, struct diag *why)
{
	struct memory memory = {bytes, piece_size, 0};
	const struct pieces pieces = pieces_of_memory(&memory);
	CLEAN(buf_release) struct buf all = {0};
	struct tar *tar;
	int r;

	text->size = 0;
	assert_int_equal(0, tar_open(&pieces, append, &all, &tar));
	r = describe(tar, text, &all, why);
	if (r == 0) {
		assert_true(span_equal(bytes, buf_span(&all)));
		assert_int_equal(bytes.size, tar_offset(tar));
	}
	tar_close(tar);
	return r;
}

static void assert_reads(const struct buf *tar, const char *expected)
{
	static const size_t sizes[] = {0, 1, 511, 513, 4096};
	struct buf text = {0};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct diag why = {0};

		assert_ok(read_tar(buf_span(tar), sizes[i], &text, &why), &why);
		assert_string_equal(expected, buf_string(&text));
	}
	buf_release(&text);
}

static void assert_refuses(const struct buf *tar, int err, const char *reason)
{
	struct buf text = {0};
	struct diag why = {0};
	int r = read_tar(buf_span(tar), 0, &text, &why);

	if (r != err || !strstr(why.text, reason))
		fail_msg("%d: %s (%s)", r, why.text, reason);
	buf_release(&text);
}

static void reads_every_type_of_ustar(void **state)
{
	static const uint8_t bytes[1200];
	struct buf tar = {0};

	(void)state;
	TAR_PUT(&tar, .name = "./", .type = '5', .mode = 0700, .mtime = 5);
	TAR_PUT(&tar, .name = "a", .type = '0', .mode = 0104755, .uid = 1, .gid = 2, .mtime = 3,
		.body = SPAN_LITERAL("odd"));
	TAR_PUT(&tar, .name = "old", .type = '\0', .mode = 0644, .body = span_of(bytes, 1024));
	TAR_PUT(&tar, .name = "solid", .type = '7', .mode = 0644, .body = span_of(bytes, 1025));
	TAR_PUT(&tar, .name = "hard", .type = '1', .target = "a");
	TAR_PUT(&tar, .name = "soft", .type = '2', .mode = 0777, .target = "../a");
	TAR_PUT(&tar, .name = "char", .type = '3', .major = 5, .minor = 1);
	TAR_PUT(&tar, .name = "block", .type = '4', .major = 8, .minor = 65537);
	TAR_PUT(&tar, .name = "fifo", .type = '6', .mode = 01600);
	TAR_PUT(&tar, .name = "name", .type = '0', .prefix = "prefix/of");
	tar_end(&tar);
	assert_reads(&tar, "5 ./ 700 0/0 5.0 0\n"
			   "0 a 4755 1/2 3.0 3\n"
			   "0 old 644 0/0 0.0 1024\n"
			   "0 solid 644 0/0 0.0 1025\n"
			   "1 hard 0 0/0 0.0 0 -> a\n"
			   "2 soft 777 0/0 0.0 0 -> ../a\n"
			   "3 char 0 0/0 0.0 0 5:1\n"
			   "4 block 0 0/0 0.0 0 8:65537\n"
			   "6 fifo 1600 0/0 0.0 0\n"
			   "0 prefix/of/name 0 0/0 0.0 0\n");
	buf_release(&tar);
}

static void names_may_fill_their_fields(void **state)
{
	char name[101], prefix[156];
	struct buf tar = {0}, expected = {0};

	(void)state;
	memset(name, 'n', 100);
	memset(prefix, 'p', 155);
	name[100] = prefix[155] = '\0';
	TAR_PUT(&tar, .name = name, .type = '2', .target = name, .prefix = prefix);
	/* That field means something else to GNU tar, and nothing before POSIX. */
	TAR_PUT(&tar, .name = name, .type = '0', .prefix = prefix, .magic = TAR_MAGIC_GNU);
	TAR_PUT(&tar, .name = name, .type = '0', .prefix = prefix, .magic = TAR_MAGIC_NONE);
	tar_end(&tar);
	assert_int_equal(0, buf_printf(&expected,
				       "2 %s/%s 0 0/0 0.0 0 -> %s\n0 %s 0 0/0 0.0 0\n"
				       "0 %s 0 0/0 0.0 0\n",
				       prefix, name, name, name, name));
	assert_reads(&tar, buf_string(&expected));
	buf_release(&tar);
	buf_release(&expected);
}

static void reads_numbers_in_octal_and_base_256(void **state)
{
	static const struct {
		struct span raw; /* mtime, 12 bytes */
		int64_t value;
		bool is_refused;
	} cases[] = {
		{SPAN_LITERAL("            "), 0, false},
		{SPAN_LITERAL("\0\0\0\0\0\0\0\0\0\0\0\0"), 0, false},
		{SPAN_LITERAL("  17 \0\0\0\0\0\0\0"), 15, false},
		{SPAN_LITERAL("777777777777"), 68719476735, false},
		{SPAN_LITERAL("\x80\0\0\0\0\0\0\0\0\0\1\2"), 258, false},
		{SPAN_LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe"), -2, false},
		{SPAN_LITERAL("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"), INT64_MAX, false},
		{SPAN_LITERAL("\xff\xff\xff\xff\x80\0\0\0\0\0\0\0"), INT64_MIN, false},
		{SPAN_LITERAL("\x80\0\0\0\x80\0\0\0\0\0\0\0"), 0, true},
		{SPAN_LITERAL("\x80\0\0\1\0\0\0\0\0\0\0\0"), 0, true},
		{SPAN_LITERAL("\xff\xff\xff\xff\x7f\0\0\0\0\0\0\0"), 0, true},
		{SPAN_LITERAL("-1          "), 0, true},
		{SPAN_LITERAL("18\0\0\0\0\0\0\0\0\0\0"), 0, true},
		{SPAN_LITERAL("1 2\0\0\0\0\0\0\0\0\0"), 0, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf tar = {0}, text = {0};
		char expected[64];

		tar_dir(&tar, "d");
		memcpy(tar.data + 136, cases[i].raw.data, 12);
		tar_checksum(tar.data);
		tar_end(&tar);
		(void)snprintf(expected, sizeof(expected), "5 d 755 0/0 %lld.0 0\n",
			       (long long)cases[i].value);
		if (cases[i].is_refused)
			assert_refuses(&tar, -EUCLEAN, "time");
		else
			assert_reads(&tar, expected);
		buf_release(&tar);
		buf_release(&text);
	}
}

static void pax_headers_say_more_of_the_next_entry(void **state)
{
	struct buf tar = {0}, records = {0};

	(void)state;
	pax_record(&records, "path", SPAN_LITERAL("long/path"));
	pax_record(&records, "uid", SPAN_LITERAL("4294967295"));
	pax_record(&records, "gid", SPAN_LITERAL("7"));
	pax_record(&records, "mtime", SPAN_LITERAL("1002.5"));
	pax_record(&records, "size", SPAN_LITERAL("3"));
	pax_record(&records, "uname", SPAN_LITERAL("\xff any bytes"));
	pax_record(&records, "SCHILY.xattr.user.note", SPAN_LITERAL("a=b\0\n9 x=y\n"));
	pax_record(&records, "SCHILY.xattr.user.empty", SPAN_EMPTY);
	tar_pax(&tar, &records);
	TAR_PUT(&tar, .name = "short", .type = '0', .uid = 5, .mtime = 1, .has_size = true,
		.size = 0, .body = SPAN_LITERAL("abc"));
	TAR_PUT(&tar, .name = "next", .type = '0', .uid = 5, .mtime = 1);
	pax_record(&records, "path", SPAN_LITERAL("other"));
	pax_record(&records, "path", SPAN_EMPTY); /* takes it back */
	pax_record(&records, "linkpath", SPAN_LITERAL("to"));
	pax_record(&records, "mtime", SPAN_LITERAL("-12.3456789019"));
	tar_pax(&tar, &records);
	TAR_PUT(&tar, .name = "link", .type = '2', .target = "from");
	tar_end(&tar);
	assert_reads(&tar, "0 long/path 0 4294967295/7 1002.500000000 3 user.note=11 user.empty=0\n"
			   "0 next 0 5/0 1.0 0\n"
			   "2 link 0 0/0 -13.654321099 0 -> to\n");
	buf_release(&tar);
	buf_release(&records);
}

static void global_pax_headers_say_nothing(void **state)
{
	struct buf tar = {0}, records = {0};

	(void)state;
	pax_record(&records, "path", SPAN_LITERAL("all the same"));
	pax_record(&records, "comment", SPAN_LITERAL("0123456789"));
	TAR_PUT(&tar, .name = "pax_global_header", .type = 'g', .body = buf_span(&records));
	records.size = 0;
	tar_file(&tar, "a", SPAN_LITERAL("a"));
	pax_record(&records, "uid", SPAN_LITERAL("3"));
	tar_pax(&tar, &records);
	TAR_PUT(&tar, .name = "pax_global_header", .type = 'g');
	tar_file(&tar, "b", SPAN_LITERAL("b"));
	tar_end(&tar);
	assert_reads(&tar, "0 a 644 0/0 0.0 1\n0 b 644 3/0 0.0 1\n");
	buf_release(&tar);
	buf_release(&records);
}

static void gnu_long_names_win(void **state)
{
	struct buf tar = {0}, records = {0};

	(void)state;
	pax_record(&records, "path", SPAN_LITERAL("of pax"));
	pax_record(&records, "linkpath", SPAN_LITERAL("of pax"));
	TAR_PUT(&tar, .name = "././@LongLink", .type = 'L', .body = SPAN_LITERAL("long\0rest"));
	tar_pax(&tar, &records);
	TAR_PUT(&tar, .name = "././@LongLink", .type = 'K', .body = SPAN_LITERAL("target"));
	TAR_PUT(&tar, .name = "short", .type = '1', .target = "short");
	TAR_PUT(&tar, .name = "next", .type = '1', .target = "short");
	tar_end(&tar);
	assert_reads(&tar, "1 long 0 0/0 0.0 0 -> target\n1 next 0 0/0 0.0 0 -> short\n");
	buf_release(&tar);
	buf_release(&records);
}

static void only_files_have_bodies(void **state)
{
	static const char types[] = {'1', '2', '3', '4', '5', '6'};
	struct buf tar = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(types); i++)
		TAR_PUT(&tar, .name = "x", .type = types[i], .target = "y", .has_size = true,
			.size = 5000);
	TAR_PUT(&tar, .name = "dir/", .type = '\0', .has_size = true, .size = 5000);
	assert_reads(&tar, "1 x 0 0/0 0.0 0 -> y\n2 x 0 0/0 0.0 0 -> y\n3 x 0 0/0 0.0 0 0:0\n"
			   "4 x 0 0/0 0.0 0 0:0\n5 x 0 0/0 0.0 0\n6 x 0 0/0 0.0 0\n"
			   "5 dir/ 0 0/0 0.0 0\n");
	buf_release(&tar);
}

static void the_end_is_two_zero_blocks_or_nothing(void **state)
{
	struct buf tar = {0};
	const char *expected = "5 d 755 0/0 0.0 0\n";

	(void)state;
	assert_reads(&tar, "");
	tar_dir(&tar, "d");
	assert_reads(&tar, expected);
	assert_int_equal(0, buf_append_zeros(&tar, 512));
	assert_reads(&tar, expected);
	assert_int_equal(0, buf_append_zeros(&tar, 512));
	assert_reads(&tar, expected);
	/* What follows is no entry, whatever it is, and kept to the last byte. */
	tar_dir(&tar, "not one");
	assert_reads(&tar, expected);
	assert_int_equal(0, buf_append_string(&tar, "odd"));
	assert_reads(&tar, expected);
	buf_release(&tar);
}

static void refuses_a_zero_block_within(void **state)
{
	struct buf tar = {0};

	(void)state;
	tar_dir(&tar, "d");
	assert_int_equal(0, buf_append_zeros(&tar, 512));
	tar_dir(&tar, "e");
	tar_end(&tar);
	assert_refuses(&tar, -EUCLEAN, "zero block");
	buf_release(&tar);
}

static void refuses_an_archive_that_is_cut(void **state)
{
	struct buf tar = {0}, records = {0}, text = {0};

	(void)state;
	pax_record(&records, "path", SPAN_LITERAL("p"));
	tar_pax(&tar, &records);
	TAR_PUT(&tar, .name = "l", .type = 'L', .body = SPAN_LITERAL("long"));
	tar_file(&tar, "f", SPAN_LITERAL("body"));
	for (size_t size = 1; size < tar.size; size++) {
		bool is_padding = size >= tar.size - 512 + strlen("body");

		assert_int_equal(is_padding ? 0 : -EUCLEAN,
				 read_tar(span_of(tar.data, size), 0, &text, NULL));
	}
	assert_reads(&tar, "0 long 644 0/0 0.0 4\n");
	/* Nor may the end come between a header and its entry. */
	tar.size -= 1024;
	tar_end(&tar);
	assert_refuses(&tar, -EUCLEAN, "within");
	buf_release(&tar);
	buf_release(&records);
	buf_release(&text);
}

/* As Go's archive/tar has it, and who writes with it without closing the writer. */
static void what_fills_the_last_block_may_be_missing(void **state)
{
	struct buf tar = {0};

	(void)state;
	tar_file(&tar, "f", SPAN_LITERAL("body"));
	tar_file(&tar, "g", SPAN_LITERAL("more"));
	tar.size -= 508;
	assert_reads(&tar, "0 f 644 0/0 0.0 4\n0 g 644 0/0 0.0 4\n");
	tar.size += 100;
	assert_reads(&tar, "0 f 644 0/0 0.0 4\n0 g 644 0/0 0.0 4\n");
	buf_release(&tar);
}

static void every_changed_byte_of_a_header_is_noticed(void **state)
{
	struct buf tar = {0}, text = {0};

	(void)state;
	tar_file(&tar, "f", SPAN_LITERAL("body"));
	tar_end(&tar);
	for (size_t i = 0; i < 512; i++) {
		tar.data[i] ^= 0x41;
		assert_int_equal(-EUCLEAN, read_tar(buf_span(&tar), 0, &text, NULL));
		tar.data[i] ^= 0x41;
	}
	buf_release(&tar);
	buf_release(&text);
}

static void refuses_what_it_does_not_know(void **state)
{
	static const char types[] = {'8', '9', 'A', 'D', 'M', 'V', 'X', 'z', '\x80'};
	struct buf tar = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(types); i++) {
		tar.size = 0;
		TAR_PUT(&tar, .name = "x", .type = types[i]);
		assert_refuses(&tar, -EOPNOTSUPP, "unknown type");
	}
	tar.size = 0;
	TAR_PUT(&tar, .name = "x", .type = '3', .magic = TAR_MAGIC_NONE);
	assert_refuses(&tar, -EUCLEAN, "without numbers");
	tar.size = 0;
	TAR_PUT(&tar, .name = "", .type = '0');
	assert_refuses(&tar, -EUCLEAN, "without a name");
	tar.size = 0;
	TAR_PUT(&tar, .name = "x", .type = '2', .target = "");
	assert_refuses(&tar, -EUCLEAN, "without a target");
	buf_release(&tar);
}

static void refuses_bad_pax_records(void **state)
{
	static const struct span cases[] = {
		SPAN_LITERAL("x"),
		SPAN_LITERAL("5 a=b"),
		SPAN_LITERAL("7 a=b\n"),
		SPAN_LITERAL("5 a=b\n"),
		SPAN_LITERAL("6 a=bc"),
		SPAN_LITERAL("2 \n"),
		SPAN_LITERAL("1 "),
		SPAN_LITERAL("0 a=b\n"),
		SPAN_LITERAL("-6 a=b\n"),
		SPAN_LITERAL("99999999999999999999 a=b\n"),
		SPAN_LITERAL("6 a=b\n6 a=c"),
		SPAN_LITERAL("6 abc\n"),
		SPAN_LITERAL("5 =b\n"),
		SPAN_LITERAL("10 path=a\0\n"),
		SPAN_LITERAL("11 size=-1\n\n"),
		SPAN_LITERAL("10 size=-1\n"),
		SPAN_LITERAL("28 size=9223372036854775808\n"),
		SPAN_LITERAL("18 uid=4294967296\n"),
		SPAN_LITERAL("8 uid=x\n"),
		SPAN_LITERAL("11 mtime=1x\n"),
		SPAN_LITERAL("12 mtime=1.x\n"),
		SPAN_LITERAL("11 mtime=.5\n"),
		SPAN_LITERAL("10 mtime=-\n"),
		SPAN_LITERAL("29 mtime=9223372036854775808\n"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf tar = {0};

		TAR_PUT(&tar, .name = "x", .type = 'x', .body = cases[i]);
		tar_file(&tar, "f", SPAN_EMPTY);
		assert_refuses(&tar, -EUCLEAN, "pax record");
		buf_release(&tar);
	}
}

static void refuses_two_headers_of_one_kind(void **state)
{
	static const char types[] = {'x', 'L', 'K'};
	struct buf tar = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(types); i++) {
		tar.size = 0;
		TAR_PUT(&tar, .name = "x", .type = types[i], .body = SPAN_LITERAL("6 a=b\n"));
		TAR_PUT(&tar, .name = "x", .type = types[i], .body = SPAN_LITERAL("6 a=b\n"));
		tar_file(&tar, "f", SPAN_EMPTY);
		assert_refuses(&tar, -EUCLEAN, "two headers");
	}
	buf_release(&tar);
}

static void limits_what_stands_before_an_entry(void **state)
{
	static const char types[] = {'x', 'g', 'L', 'K'};
	struct buf tar = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(types); i++) {
		tar.size = 0;
		TAR_PUT(&tar, .name = "x", .type = types[i], .has_size = true,
			.size = TAR_EXTENSION_SIZE_MAX + 1);
		assert_refuses(&tar, -E2BIG, "header of");
	}
	buf_release(&tar);
}

static void errors_of_source_and_sink_come_through(void **state)
{
	struct buf tar = {0};

	(void)state;
	tar_file(&tar, "f", SPAN_LITERAL("body"));
	tar_end(&tar);
	for (size_t size = 0; size <= tar.size; size += 256) {
		struct memory memory = {span_of(tar.data, size), 100, -EIO};
		const struct pieces pieces = pieces_of_memory(&memory);
		struct tar_entry entry;
		struct tar *reader;
		int r;

		assert_int_equal(0, tar_open(&pieces, NULL, NULL, &reader));
		while ((r = tar_next(reader, &entry, NULL)) > 0)
			;
		assert_int_equal(-EIO, r);
		tar_close(reader);
	}
	buf_release(&tar);
}

static int refuse(void *context, struct span bytes, struct diag *why)
{
	uint64_t *left = context;

	(void)why;
	if (bytes.size > *left)
		return -ENOSPC;
	*left -= bytes.size;
	return 0;
}

static void a_sink_can_end_the_reading(void **state)
{
	struct buf tar = {0}, records = {0};

	(void)state;
	pax_record(&records, "path", SPAN_LITERAL("p"));
	tar_pax(&tar, &records);
	tar_file(&tar, "f", SPAN_LITERAL("body"));
	tar_end(&tar);
	for (uint64_t size = 0; size < tar.size; size += 128) {
		struct memory memory = {buf_span(&tar), 0, 0};
		const struct pieces pieces = pieces_of_memory(&memory);
		struct tar_entry entry;
		struct tar *reader;
		uint64_t left = size;
		int r;

		assert_int_equal(0, tar_open(&pieces, refuse, &left, &reader));
		while ((r = tar_next(reader, &entry, NULL)) > 0)
			;
		assert_int_equal(-ENOSPC, r);
		tar_close(reader);
	}
	buf_release(&tar);
	buf_release(&records);
}

static void a_body_may_lie_elsewhere(void **state)
{
	struct buf tar = {0};
	struct memory memory;
	struct pieces pieces;
	struct tar_entry entry;
	struct tar *reader;
	uint8_t block[512];

	(void)state;
	tar_block(block, &(const struct tar_member){
				 .name = "f", .type = '0', .has_size = true, .size = 513});
	assert_int_equal(0, buf_append(&tar, block, 512));
	assert_int_equal(0, buf_append_zeros(&tar, 511)); /* the padding only */
	tar_block(block, &(const struct tar_member){.name = "d", .type = '5'});
	assert_int_equal(0, buf_append(&tar, block, 512));
	/* Where a piece of the source does not end, the body is in it. */
	memory = (struct memory){buf_span(&tar), 513, 0};
	pieces = pieces_of_memory(&memory);
	assert_int_equal(0, tar_open(&pieces, NULL, NULL, &reader));
	assert_int_equal(1, tar_next(reader, &entry, NULL));
	assert_int_equal(-EUCLEAN, tar_body_elsewhere(reader, NULL));
	tar_close(reader);
	memory = (struct memory){buf_span(&tar), 512, 0};
	pieces = pieces_of_memory(&memory);
	assert_int_equal(0, tar_open(&pieces, NULL, NULL, &reader));
	assert_int_equal(1, tar_next(reader, &entry, NULL));
	assert_int_equal(0, tar_body_elsewhere(reader, NULL));
	assert_int_equal(0, tar_body(reader, &(struct span){0}, NULL));
	assert_int_equal(1, tar_next(reader, &entry, NULL));
	assert_int_equal(TAR_DIRECTORY, entry.type);
	assert_int_equal(0, tar_next(reader, &entry, NULL));
	assert_int_equal(512 + 1024 + 512, tar_offset(reader));
	tar_close(reader);
	buf_release(&tar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_type_of_ustar),
		cmocka_unit_test(names_may_fill_their_fields),
		cmocka_unit_test(reads_numbers_in_octal_and_base_256),
		cmocka_unit_test(pax_headers_say_more_of_the_next_entry),
		cmocka_unit_test(global_pax_headers_say_nothing),
		cmocka_unit_test(gnu_long_names_win),
		cmocka_unit_test(only_files_have_bodies),
		cmocka_unit_test(the_end_is_two_zero_blocks_or_nothing),
		cmocka_unit_test(refuses_a_zero_block_within),
		cmocka_unit_test(refuses_an_archive_that_is_cut),
		cmocka_unit_test(what_fills_the_last_block_may_be_missing),
		cmocka_unit_test(every_changed_byte_of_a_header_is_noticed),
		cmocka_unit_test(refuses_what_it_does_not_know),
		cmocka_unit_test(refuses_bad_pax_records),
		cmocka_unit_test(refuses_two_headers_of_one_kind),
		cmocka_unit_test(limits_what_stands_before_an_entry),
		cmocka_unit_test(errors_of_source_and_sink_come_through),
		cmocka_unit_test(a_sink_can_end_the_reading),
		cmocka_unit_test(a_body_may_lie_elsewhere),
	};

	return cmocka_run_group_tests_name("oci/tar", tests, NULL, NULL);
}
