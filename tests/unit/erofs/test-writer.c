/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/limits.h"
#include "erofs/disk.h"
#include "erofs/writer.h"
#include "tree/dump_read.h"
#include "tree/dump_write.h"
#include "tree/tree.h"
#include "verity/hasher.h"

static const struct erofs_version_range any_version = {0, 1};

static struct tree *tree_of(const char *text)
{
	struct tree *tree = NULL;
	struct diag why = {0};

	assert_ok(dump_read_span(span_of_string(text), NULL, &tree, &why), &why);
	return tree;
}

/* Golden images */

struct golden {
	char dump[64];
	struct erofs_version_range versions;
	unsigned int header_version;
	unsigned long long size;
	char sha256[65];
	char verity_sha256[65];
	char verity_sha512[129];
};

/* A row of tests/golden/digests.tsv. */
static bool golden_parse(const char *line, struct golden *ret)
{
	if (line[0] == '#')
		return false;
	assert_int_equal(8,
			 sscanf(line, "%63s %u %u %u %llu %64s %64s %128s", ret->dump,
				&ret->versions.min, &ret->versions.max, &ret->header_version,
				&ret->size, ret->sha256, ret->verity_sha256, ret->verity_sha512));
	return true;
}

static struct tree *golden_tree(const struct golden *golden)
{
	struct tree *tree = NULL;
	struct diag why = {0};
	char relative[128], command[4200];
	bool is_packed = strstr(golden->dump, ".gz");
	FILE *file;

	(void)snprintf(relative, sizeof(relative), "tests/golden/dumps/%s", golden->dump);
	(void)snprintf(command, sizeof(command), "exec %s '%s'", is_packed ? "gzip -dc" : "cat",
		       source_path(relative));
	file = popen(command, "re"); /* so that the dump arrives in pieces, too */
	assert_non_null(file);
	assert_ok(dump_read_fd(fileno(file), NULL, &tree, &why), &why);
	assert_int_equal(0, pclose(file));
	return tree;
}

struct hashes {
	EVP_MD_CTX *sha256;
	struct verity_hasher *verity[2];
	uint64_t size;
};

static int hashes_sink(void *context, struct span bytes, struct diag *why)
{
	struct hashes *hashes = context;

	(void)why;
	assert_true(bytes.size > 0 && bytes.size <= 1024 * 1024);
	assert_int_equal(1, EVP_DigestUpdate(hashes->sha256, bytes.data, bytes.size));
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(0, verity_update(hashes->verity[i], bytes));
	hashes->size += bytes.size;
	return 0;
}

static void hashes_init(struct hashes *hashes)
{
	struct diag why = {0};

	*hashes = (struct hashes){.sha256 = EVP_MD_CTX_new()};
	assert_int_equal(1, EVP_DigestInit_ex(hashes->sha256, EVP_sha256(), NULL));
	assert_ok(verity_hasher_new(DIGEST_SHA256, &hashes->verity[0], &why), &why);
	assert_ok(verity_hasher_new(DIGEST_SHA512, &hashes->verity[1], &why), &why);
}

static void hashes_check(struct hashes *hashes, const struct golden *golden)
{
	char text[DIGEST_HEX_SIZE_MAX];
	uint8_t sha256[32];
	struct digest digest;

	assert_int_equal(1, EVP_DigestFinal_ex(hashes->sha256, sha256, NULL));
	digest = digest_of(DIGEST_SHA256, sha256);
	assert_string_equal(golden->sha256, digest_hex(&digest, text));
	assert_int_equal(0, verity_finish(hashes->verity[0], &digest));
	assert_string_equal(golden->verity_sha256, digest_hex(&digest, text));
	assert_int_equal(0, verity_finish(hashes->verity[1], &digest));
	if (strcmp(golden->verity_sha512, "-") != 0)
		assert_string_equal(golden->verity_sha512, digest_hex(&digest, text));
	EVP_MD_CTX_free(hashes->sha256);
	verity_hasher_free(hashes->verity[0]);
	verity_hasher_free(hashes->verity[1]);
}

static void golden_check(const struct golden *golden)
{
	CLEAN(tree_freep) struct tree *tree = golden_tree(golden);
	struct erofs_written written;
	struct hashes hashes;
	struct diag why = {0};

	hashes_init(&hashes);
	assert_ok(erofs_write(tree, golden->versions, hashes_sink, &hashes, &written, &why), &why);
	assert_int_equal(golden->size, hashes.size);
	assert_int_equal(golden->size, written.size_bytes);
	assert_int_equal(golden->header_version, written.version);
	hashes_check(&hashes, golden);
}

static void writes_every_golden_image_bit_for_bit(void **state)
{
	FILE *table = fopen(source_path("tests/golden/digests.tsv"), "re");
	struct golden golden;
	char line[1024];
	size_t count = 0;

	(void)state;
	assert_non_null(table);
	while (fgets(line, sizeof(line), table)) {
		if (!golden_parse(line, &golden))
			continue;
		print_message("# %s %u..%u\n", golden.dump, golden.versions.min,
			      golden.versions.max);
		golden_check(&golden);
		count++;
	}
	(void)fclose(table);
	assert_int_equal(77, count);
}

/* The way through dump text changes nothing, wherever the primary names are. */
static void writes_the_same_image_after_dump_and_read(void **state)
{
	FILE *table = fopen(source_path("tests/golden/digests.tsv"), "re");
	struct golden golden;
	char line[1024];

	(void)state;
	assert_non_null(table);
	while (fgets(line, sizeof(line), table)) {
		CLEAN(tree_freep) struct tree *tree = NULL, *again = NULL;
		struct hashes hashes;
		struct diag why = {0};
		FILE *file = tmpfile();

		if (golden_parse(line, &golden)) {
			tree = golden_tree(&golden);
			assert_ok(dump_write_fd(tree, fileno(file), &why), &why);
			rewind(file);
			assert_ok(dump_read_fd(fileno(file), NULL, &again, &why), &why);
			hashes_init(&hashes);
			assert_ok(erofs_write(again, golden.versions, hashes_sink, &hashes, NULL,
					      &why),
				  &why);
			hashes_check(&hashes, &golden);
		}
		(void)fclose(file);
	}
	(void)fclose(table);
}

/* Arguments and limits */

static int nowhere(void *context, struct span bytes, struct diag *why)
{
	(void)bytes;
	(void)why;
	if (context)
		++*(size_t *)context;
	return 0;
}

static void refuses_versions_that_are_not_written(void **state)
{
	static const struct erofs_version_range ranges[] = {{3, 3}, {0, 2}, {1, 2},
							    {2, 1}, {1, 0}, {7, 1}};
	CLEAN(tree_freep) struct tree *tree = tree_of("/ 0 40755 2 0 0 0 0.0 - - -\n");
	struct diag why = {0};
	size_t calls = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		assert_int_equal(-EINVAL,
				 erofs_write(tree, ranges[i], nowhere, &calls, NULL, &why));
	assert_int_equal(0, calls);
}

static void raises_the_version_for_a_whiteout_only_where_it_may(void **state)
{
	static const struct {
		struct erofs_version_range versions;
		uint32_t plain;
		uint32_t whiteout;
	} cases[] = {{{0, 0}, 0, 0}, {{0, 1}, 0, 1}, {{1, 1}, 1, 1}};
	CLEAN(tree_freep)
	struct tree *plain = tree_of("/ 0 40755 2 0 0 0 0.0 - - -\n"
				     "/a 0 20644 2 0 0 5 0.0 - - -\n"
				     "/b 0 @20644 1 0 0 0 0.0 /a - -\n");
	CLEAN(tree_freep)
	struct tree *whiteout = tree_of("/ 0 40755 2 0 0 0 0.0 - - -\n"
					"/a 9 20644 2 0 0 0 0.0 - - -\n");
	struct erofs_written written;
	struct diag why = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_ok(erofs_write(plain, cases[i].versions, nowhere, NULL, &written, &why),
			  &why);
		assert_int_equal(cases[i].plain, written.version);
		assert_int_equal(258, written.inode_count);
		assert_ok(erofs_write(whiteout, cases[i].versions, nowhere, NULL, &written, &why),
			  &why);
		assert_int_equal(cases[i].whiteout, written.version);
	}
}

/* What a dump could not hold, from a tree that was made otherwise. */
static void refuses_what_the_format_cannot_hold(void **state)
{
	static const uint8_t large[INLINE_SIZE_MAX + 1];
	static const int errors[] = {-E2BIG, -EFBIG, -EINVAL, -EINVAL, -E2BIG, -EINVAL};

	(void)state;
	for (int kind = 0; kind < 6; kind++) {
		CLEAN(tree_freep) struct tree *tree = tree_of("/ 0 40755 2 0 0 0 0.0 - - -\n");
		struct inode *inode = tree_inode_new(tree, kind / 2 == 1 ? S_IFLNK : S_IFREG);
		struct span payload = span_of(large, 0);
		char path[PAYLOAD_SIZE_MAX + 1];
		struct diag why = {0};
		size_t calls = 0;

		memset(path, 'p', sizeof(path));
		switch (kind) {
		case 0:
			inode_content_set(tree, inode, span_of(large, sizeof(large)));
			break;
		case 1:
			inode->size = EXTERNAL_SIZE_MAX + 1;
			break;
		case 2:
			inode_target_set(tree, inode, SPAN_EMPTY);
			break;
		case 3:
			inode_target_set(tree, inode, span_of(path, SYMLINK_SIZE_MAX + 1));
			break;
		case 4:
			payload = span_of(path, sizeof(path));
			inode_external_set(tree, inode, &payload, NULL);
			inode->size = 1;
			break;
		default:
			inode->size = 1;
			inode->digest_size = 20;
			inode->external.digest = large;
		}
		assert_ok(tree_link(tree, tree->root, SPAN_LITERAL("a"), inode, NULL, &why), &why);
		tree_sort(tree);
		assert_int_equal(errors[kind],
				 erofs_write(tree, any_version, nowhere, &calls, NULL, &why));
		assert_true(why.text[0] != '\0');
		assert_int_equal(0, calls);
	}
}

/* What is one byte too much, and, with nothing in excess, what is not. */
static int write_version_2(int kind, uint64_t excess)
{
	static const uint8_t large[V2_SYMLINK_SIZE_MAX + 1] = {1};
	CLEAN(tree_freep) struct tree *tree = tree_of("/ 0 40755 2 0 0 0 0.0 - - -\n");
	struct inode *inode = tree_inode_new(tree, kind == 1 ? S_IFLNK : S_IFREG);
	struct digest digest = digest_of(DIGEST_SHA512, large);
	char target[V2_SYMLINK_SIZE_MAX + 1];
	struct span payload = SPAN_LITERAL("somewhere");
	struct diag why = {0};

	memset(target, 't', sizeof(target));
	switch (kind) {
	case 0:
		inode_content_set(tree, inode, span_of(large, V2_INLINE_SIZE_MAX + excess));
		break;
	case 1:
		inode_target_set(tree, inode, span_of(target, V2_SYMLINK_SIZE_MAX + excess));
		break;
	case 2:
		inode_external_set(tree, inode, NULL, &digest);
		inode->size = V2_EXTERNAL_SIZE_MAX + excess;
		break;
	default: /* a size without content or digest */
		inode_external_set(tree, inode, &payload, NULL);
		inode->size = excess;
	}
	assert_ok(tree_link(tree, tree->root, SPAN_LITERAL("a"), inode, NULL, &why), &why);
	tree_sort(tree);
	return erofs_write(tree, (struct erofs_version_range){2, 2}, nowhere, NULL, NULL, &why);
}

static void version_2_refuses_what_it_cannot_hold(void **state)
{
	static const int errors[] = {-E2BIG, -EINVAL, -EFBIG, -EINVAL};

	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		assert_int_equal(0, write_version_2(kind, 0));
		assert_int_equal(errors[kind], write_version_2(kind, 1));
	}
}

static void refuses_a_tree_without_root(void **state)
{
	CLEAN(tree_freep) struct tree *tree = tree_new();

	(void)state;
	tree_sort(tree);
	assert_int_equal(-EINVAL, erofs_write(tree, any_version, nowhere, NULL, NULL, NULL));
}

struct failing {
	size_t calls;
	size_t fail_at;
};

static int fail_sometimes(void *context, struct span bytes, struct diag *why)
{
	struct failing *failing = context;

	(void)bytes;
	if (++failing->calls == failing->fail_at)
		return diag_set(why, -ENOSPC, "full");
	return 0;
}

static void stops_at_the_first_failure_of_the_sink(void **state)
{
	CLEAN(tree_freep) struct tree *tree = NULL;
	CLEAN(buf_release) struct buf text = {0};
	struct erofs_written written = {.size_bytes = 1};
	struct diag why = {0};
	struct failing failing = {0};
	size_t calls;

	(void)state;
	assert_int_equal(0, buf_append_string(&text, "/ 0 40755 2 0 0 0 0.0 - - -\n"));
	for (unsigned int i = 0; i < 10000; i++)
		assert_int_equal(0, buf_printf(&text, "/%u 7 100644 1 0 0 0 0.%u x - -\n", i, i));
	assert_ok(dump_read_span(buf_span(&text), NULL, &tree, &why), &why);
	assert_ok(erofs_write(tree, any_version, fail_sometimes, &failing, NULL, &why), &why);
	calls = failing.calls;
	assert_true(calls > 4); /* in the inodes, and in the blocks of the root */
	for (size_t i = 1; i <= calls; i++) {
		failing = (struct failing){.fail_at = i};
		why = (struct diag){0};
		assert_int_equal(-ENOSPC, erofs_write(tree, any_version, fail_sometimes, &failing,
						      &written, &why));
		assert_string_equal("full", why.text);
		assert_int_equal(i, failing.calls);
		assert_int_equal(1, written.size_bytes);
	}
}

/* Of the two algorithms of fs-verity the metacopy xattr says which. */
static int find_metacopy(void *context, struct span bytes, struct diag *why)
{
	static const char name[] = "overlay.metacopy";
	uint8_t *ret = context;
	const uint8_t *at = memmem(bytes.data, bytes.size, name, sizeof(name) - 1);

	(void)why;
	if (at && at + 24 < bytes.data + bytes.size)
		memcpy(ret, at + sizeof(name) - 1, 6);
	return 0;
}

#define HEX_64 "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"

static void metacopy_names_the_algorithm_of_the_digest(void **state)
{
	static const struct {
		const char *text;
		uint8_t expected[6];
	} cases[] = {
		{"/ 0 40755 2 0 0 0 0.0 - - -\n/a 7 100644 1 0 0 0 0.0 - - " HEX_64,
		 {0, 36, 0, 1, 0, 1}},
		{"/ 0 40755 2 0 0 0 0.0 - - -\n/a 7 100644 1 0 0 0 0.0 - - " HEX_64 HEX_64,
		 {0, 68, 0, 2, 0, 1}},
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		CLEAN(tree_freep) struct tree *tree = tree_of(cases[i].text);
		struct diag why = {0};
		uint8_t got[6] = {0};

		assert_ok(erofs_write(tree, any_version, find_metacopy, got, NULL, &why), &why);
		assert_memory_equal(cases[i].expected, got, 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_every_golden_image_bit_for_bit),
		cmocka_unit_test(writes_the_same_image_after_dump_and_read),
		cmocka_unit_test(refuses_versions_that_are_not_written),
		cmocka_unit_test(raises_the_version_for_a_whiteout_only_where_it_may),
		cmocka_unit_test(refuses_what_the_format_cannot_hold),
		cmocka_unit_test(version_2_refuses_what_it_cannot_hold),
		cmocka_unit_test(refuses_a_tree_without_root),
		cmocka_unit_test(stops_at_the_first_failure_of_the_sink),
		cmocka_unit_test(metacopy_names_the_algorithm_of_the_digest),
	};

	return cmocka_run_group_tests_name("erofs/writer", tests, NULL, NULL);
}
