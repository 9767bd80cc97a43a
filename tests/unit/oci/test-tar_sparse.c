/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * One file in each of the four forms; what GNU tar and bsdtar write is in tests/e2e/sparse.bats.
 */
#include "check.h"

#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/tar.h"
#include "oci/tar_sparse.h"
#include "pieces_of.h"
#include "sparse_of.h"

static int append(void *context, struct span bytes, struct diag *why)
{
	(void)why;
	return buf_append_span(context, bytes);
}

static int append_zeros(void *context, uint64_t size_bytes, struct diag *why)
{
	(void)why;
	return buf_append_zeros(context, size_bytes);
}

/* Entries as "NAME SIZE STORED\n" and their contents behind; *all is the archive again. */
static int read_tar(const struct buf *tar, size_t piece_size, struct buf *text, struct buf *all,
		    struct diag *why)
{
	struct memory memory = {buf_span(tar), piece_size, 0};
	const struct pieces pieces = pieces_of_memory(&memory);
	CLEAN(tar_closep) struct tar *reader = NULL;
	struct tar_entry entry;
	int r;

	assert_int_equal(0, tar_open(&pieces, append, all, &reader));
	while ((r = tar_next(reader, &entry, why)) > 0) {
		const struct tar_file_sink sink = {append, append_zeros, text};
		struct tar_expander expander = {&entry};
		struct span part;

		assert_int_equal(0, buf_printf(text, "%.*s %llu %llu\n", (int)entry.name.size,
					       (const char *)entry.name.data,
					       (unsigned long long)entry.size,
					       (unsigned long long)entry.stored_size));
		while ((r = tar_body(reader, &part, why)) > 0) {
			assert_int_equal(0, buf_append_span(all, part));
			assert_int_equal(0, tar_expand(&expander, part, &sink, why));
		}
		if (r < 0)
			return r;
		assert_int_equal(0, tar_expand_end(&expander, &sink, why));
	}
	return r;
}

#define BEHIND "behind 5 5\nhello"

/* tar, with a file behind and its end, is a file of 1200 bytes: "head" at 0, "tail" at 1100. */
static void assert_expands(struct buf *tar)
{
	static const size_t piece_sizes[] = {0, 1, 511, 512, 513};
	struct buf expected = {0};

	tar_file(tar, "behind", SPAN_LITERAL("hello"));
	tar_end(tar);
	assert_int_equal(0, buf_printf(&expected, "hole 1200 8\nhead"));
	assert_int_equal(0, buf_append_zeros(&expected, 1096));
	assert_int_equal(0, buf_printf(&expected, "tail"));
	assert_int_equal(0, buf_append_zeros(&expected, 96));
	assert_int_equal(0, buf_printf(&expected, BEHIND));
	for (size_t i = 0; i < sizeof(piece_sizes) / sizeof(piece_sizes[0]); i++) {
		struct buf text = {0}, all = {0};
		struct diag why = {0};

		assert_ok(read_tar(tar, piece_sizes[i], &text, &all, &why), &why);
		assert_true(span_equal(buf_span(&expected), buf_span(&text)));
		assert_true(span_equal(buf_span(tar), buf_span(&all)));
		buf_release(&text);
		buf_release(&all);
	}
	buf_release(&expected);
	tar->size = 0;
}

/* What is wrong with a map is told in one line, and before anything becomes of it. */
static void assert_refuses(struct buf *tar, int error, const char *says)
{
	struct buf text = {0}, all = {0};
	struct diag why = {0};
	int r = read_tar(tar, 0, &text, &all, &why);

	if (r != error || !strstr(why.text, says) || strchr(why.text, '\n'))
		fail_msg("%d, '%s'", r, why.text);
	assert_int_equal(0, text.size);
	buf_release(&text);
	buf_release(&all);
	tar->size = 0;
}

/* Type 'S' */

#define BODY SPAN_LITERAL("headtail")

static void reads_the_old_form_of_gnu(void **state)
{
	const struct sparse_pair two[] = {{0, 4}, {1100, 4}, {1200, 0}};
	struct sparse_pair many[50] = {{0, 4}};
	struct buf tar = {0};

	(void)state;
	tar_sparse(&tar, 1200, two, 3, BODY);
	assert_expands(&tar);
	for (size_t i = 1; i < 49; i++)
		many[i].offset = 4 + i; /* of no bytes */
	many[49] = (struct sparse_pair){1100, 4};
	tar_sparse(&tar, 1200, many, 50, BODY);
	assert_expands(&tar);
	buf_release(&tar);
}

/* Records of pax */

static void put_number(struct buf *records, const char *key, unsigned long long value)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%llu", value);
	pax_record(records, key, span_of_string(text));
}

static void put_pax(struct buf *tar, struct buf *records, struct span body)
{
	tar_pax(tar, records);
	tar_file(tar, "hole", body);
}

static void reads_the_forms_of_pax(void **state)
{
	static const char lines[] = "3\n0\n4\n1100\n4\n1200\n0\n";
	struct buf tar = {0}, records = {0}, body = {0};

	(void)state;
	put_number(&records, "GNU.sparse.size", 1200);
	put_number(&records, "GNU.sparse.numblocks", 2);
	put_number(&records, "GNU.sparse.offset", 0);
	put_number(&records, "GNU.sparse.numbytes", 4);
	put_number(&records, "GNU.sparse.offset", 1100);
	put_number(&records, "GNU.sparse.numbytes", 4);
	put_pax(&tar, &records, BODY);
	assert_expands(&tar);

	put_number(&records, "GNU.sparse.major", 0);
	put_number(&records, "GNU.sparse.minor", 1);
	put_number(&records, "GNU.sparse.size", 1200);
	put_number(&records, "GNU.sparse.numblocks", 2);
	pax_record(&records, "GNU.sparse.name", SPAN_LITERAL("hole"));
	pax_record(&records, "GNU.sparse.map", SPAN_LITERAL("0,4,1100,4"));
	tar_pax(&tar, &records);
	tar_file(&tar, "GNUSparseFile.1/hole", BODY);
	assert_expands(&tar);

	put_number(&records, "GNU.sparse.major", 1);
	put_number(&records, "GNU.sparse.minor", 0);
	put_number(&records, "GNU.sparse.realsize", 1200);
	pax_record(&records, "GNU.sparse.name", SPAN_LITERAL("hole"));
	tar_pax(&tar, &records);
	assert_int_equal(0, buf_append(&body, lines, sizeof(lines) - 1));
	tar_pad(&body);
	assert_int_equal(0, buf_append_span(&body, BODY));
	tar_file(&tar, "GNUSparseFile.1/hole", buf_span(&body));
	assert_expands(&tar);
	buf_release(&tar);
	buf_release(&records);
	buf_release(&body);
}

static void put_version_1(struct buf *tar, unsigned long long size, const char *lines,
			  struct span behind)
{
	struct buf records = {0}, body = {0};

	put_number(&records, "GNU.sparse.major", 1);
	put_number(&records, "GNU.sparse.minor", 0);
	put_number(&records, "GNU.sparse.realsize", size);
	assert_int_equal(0, buf_append_span(&body, span_of_string(lines)));
	tar_pad(&body);
	assert_int_equal(0, buf_append_span(&body, behind));
	put_pax(tar, &records, buf_span(&body));
	buf_release(&records);
	buf_release(&body);
}

static void pieces_that_cannot_be_are_refused(void **state)
{
	static const struct sparse_pair bad[][2] = {
		{{0, 4}, {3, 4}},                       /* overlapping */
		{{1100, 4}, {0, 4}},                    /* descending */
		{{0, 4}, {1197, 4}},                    /* behind the end */
		{{0, 4}, {01000000000000, 4}},          /* far behind it */
		{{0, 4}, {4, 3}},                       /* shorter than the body */
		{{0, 4}, {4, 5}},                       /* longer */
		{{0, 4}, {077777777777, 077777777777}}, /* nothing of it */
	};
	static const char *const lines[] = {
		"2\n0\n4\n3\n4\n",
		"2\n1100\n4\n0\n4\n",
		"1\n9223372036854775807\n8\n",
		"1\n18446744073709551615\n8\n",
		"1\n99999999999999999999999999999999999999999\n8\n",
		"1\n0\n-8\n",
		"1\n\n8\n",
		"1\n0x0\n8\n",
		"-1\n",
		"\n",
		"1\n0\n8",
	};
	struct buf tar = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tar_sparse(&tar, 1200, bad[i], 2, BODY);
		assert_refuses(&tar, -EUCLEAN, "a sparse file");
	}
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		put_version_1(&tar, 1200, lines[i], BODY);
		assert_refuses(&tar, -EUCLEAN, "a sparse file");
	}
	/* the map takes all of the body, and more */
	put_version_1(&tar, 1200, "300\n", SPAN_EMPTY);
	assert_refuses(&tar, -EUCLEAN, "a sparse file");
	buf_release(&tar);
}

static void endless_maps_are_refused(void **state)
{
	struct buf tar = {0}, records = {0}, list = {0};
	uint8_t block[512] = {0};

	(void)state;
	put_version_1(&tar, 1200, "1000000000\n0\n4\n", BODY);
	assert_refuses(&tar, -E2BIG, "a sparse file of more than 262144 pieces");
	/* blocks that say nothing but that there are more */
	tar_sparse(&tar, 1200, (struct sparse_pair[5]){{0, 4}}, 5, SPAN_EMPTY);
	tar.size = 512;
	block[504] = 1;
	for (size_t i = 0; i < TAR_SPARSE_SEGMENT_MAX / 21 + 2; i++)
		assert_int_equal(0, buf_append(&tar, block, sizeof(block)));
	assert_refuses(&tar, -E2BIG, "a sparse file of more than 262144 pieces");
	for (size_t i = 0; i < TAR_SPARSE_SEGMENT_MAX + 1; i++)
		assert_int_equal(0, buf_printf(&list, i ? ",0,0" : "0,0"));
	put_number(&records, "GNU.sparse.size", 1200);
	put_number(&records, "GNU.sparse.numblocks", TAR_SPARSE_SEGMENT_MAX + 1);
	pax_record(&records, "GNU.sparse.map", buf_span(&list));
	put_pax(&tar, &records, SPAN_EMPTY);
	assert_refuses(&tar, -E2BIG, "");
	/* ten pieces, of which the archive has the first block */
	tar_sparse(&tar, 1200, (struct sparse_pair[10]){{0, 4}}, 10, BODY);
	tar.size = 512;
	assert_refuses(&tar, -EUCLEAN, "ends within an entry");
	buf_release(&tar);
	buf_release(&records);
	buf_release(&list);
}

#define RECORDS_MAX 5

static void records_that_contradict_each_other_are_refused(void **state)
{
	static const struct {
		const char *key, *value;
	} bad[][RECORDS_MAX] = {
		{{"size", "8"}},
		{{"size", "8"}, {"numblocks", "1"}},
		{{"size", "8"}, {"map", "0,8"}},
		{{"map", "0,8"}, {"numblocks", "1"}},
		{{"size", "8"}, {"numblocks", "2"}, {"map", "0,8"}},
		{{"size", "8"}, {"numblocks", "1"}, {"map", "0,8,"}},
		{{"size", "8"}, {"numblocks", "1"}, {"map", "0,8,9"}},
		{{"size", "8"}, {"numblocks", "1"}, {"map", "0;8"}},
		{{"size", "8"}, {"numblocks", "1"}, {"map", ""}},
		{{"size", "8"}, {"numblocks", "1"}, {"numbytes", "8"}, {"offset", "0"}},
		{{"size", "8"}, {"numblocks", "1"}, {"offset", "0"}, {"offset", "0"}},
		{{"size", "8"}, {"numblocks", "1"}, {"offset", "0"}},
		{{"size", "8"}, {"numblocks", "1"}, {"map", "0,8"}, {"major", "0"}},
		{{"size", "8"}, {"realsize", "9"}, {"numblocks", "1"}, {"map", "0,8"}},
		{{"size", "18446744073709551615"}, {"numblocks", "1"}, {"map", "0,8"}},
		{{"size", "8"}, {"numblocks", "1"}, {"map", "0,8"}, {"name", ""}},
	};
	struct buf tar = {0}, records = {0};
	char key[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (size_t k = 0; k < RECORDS_MAX && bad[i][k].key; k++) {
			(void)snprintf(key, sizeof(key), "GNU.sparse.%s", bad[i][k].key);
			pax_record(&records, key, span_of_string(bad[i][k].value));
		}
		put_pax(&tar, &records, BODY);
		assert_refuses(&tar, -EUCLEAN, "the map of a sparse file makes no sense");
	}
	put_number(&records, "GNU.sparse.major", 2);
	put_number(&records, "GNU.sparse.minor", 0);
	put_number(&records, "GNU.sparse.realsize", 8);
	put_pax(&tar, &records, BODY);
	assert_refuses(&tar, -EOPNOTSUPP, "an unknown kind of sparse file");
	put_number(&records, "GNU.sparse.colour", 1);
	put_pax(&tar, &records, BODY);
	assert_refuses(&tar, -EOPNOTSUPP, "an unknown kind of sparse file");
	TAR_PUT(&tar, .name = "hole", .type = 'S'); /* that of star */
	assert_refuses(&tar, -EOPNOTSUPP, "an unknown kind of sparse file");
	put_number(&records, "GNU.sparse.size", 8);
	tar_pax(&tar, &records);
	tar_dir(&tar, "hole");
	assert_refuses(&tar, -EUCLEAN, "something else, too");
	put_number(&records, "GNU.sparse.size", 8);
	tar_pax(&tar, &records);
	tar_sparse(&tar, 8, (struct sparse_pair[1]){{0, 8}}, 1, BODY);
	assert_refuses(&tar, -EUCLEAN, "something else, too");
	buf_release(&tar);
	buf_release(&records);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_old_form_of_gnu),
		cmocka_unit_test(reads_the_forms_of_pax),
		cmocka_unit_test(pieces_that_cannot_be_are_refused),
		cmocka_unit_test(endless_maps_are_refused),
		cmocka_unit_test(records_that_contradict_each_other_are_refused),
	};

	return cmocka_run_group_tests_name("oci/tar_sparse", tests, NULL, NULL);
}
