/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/idmap.h"
#include "base/limits.h"
#include "store/record.h"

static const char id[] = "18eadc4be12ca16650d4e83a09b1b87a";
static const char boot[] = "03c6532c-9ec6-4eee-a85d-8c7cfc655302";

/* Strings are borrowed: not for mount_record_release(). */
static struct mount_record sample(void)
{
	struct mount_record record = {
		.mode = RECORD_OVERLAY,
		.image = (char *)"name",
		.repository = (char *)"/srv/repo",
		.target = (char *)"/srv/a target\nof two lines",
		.upper = (char *)"/srv/upper",
		.server_pid = 12,
		.server_start = 930922,
		.pid_namespace = 4026531836,
		.mount_namespace = 4026531832,
		.mount_id = 251,
		.unique_id = 2147537360,
		.created = 1795489619,
	};

	memcpy(record.id, id, sizeof(id));
	memcpy(record.boot, boot, sizeof(boot));
	record.digest.algorithm = DIGEST_SHA256;
	return record;
}

static void assert_same(const struct mount_record *a, const struct mount_record *b)
{
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->boot, b->boot);
	assert_int_equal(a->mode, b->mode);
	assert_string_equal(a->image, b->image);
	assert_true(digest_equal(&a->digest, &b->digest));
	assert_string_equal(a->target ? a->target : "none", b->target ? b->target : "none");
	assert_int_equal(a->server_pid, b->server_pid);
	assert_int_equal(a->server_start, b->server_start);
	assert_int_equal(a->pid_namespace, b->pid_namespace);
	assert_int_equal(a->mount_namespace, b->mount_namespace);
	assert_int_equal(a->mount_id, b->mount_id);
	assert_int_equal(a->unique_id, b->unique_id);
	assert_int_equal(a->created, b->created);
}

static void round_trip(const struct mount_record *record, struct mount_record *ret)
{
	struct buf text = {0};
	struct diag why = {0};

	assert_int_equal(0, record_format(record, &text));
	assert_true(text.size < RECORD_SIZE_MAX);
	assert_ok(record_parse(buf_span(&text), ret, &why), &why);
	buf_release(&text);
	assert_same(record, ret);
}

static void reads_what_it_writes(void **state)
{
	struct mount_record record = sample(), again;
	struct idmaps maps = {0};

	(void)state;
	round_trip(&record, &again);
	assert_string_equal("/srv/upper", again.upper);
	assert_string_equal("/srv/repo", again.repository);
	assert_null(again.maps);
	mount_record_release(&again);

	assert_int_equal(0, idmap_add_list(&maps.uids, "0:100000:65536,65536:7:1", NULL));
	assert_int_equal(0, idmap_add_list(&maps.gids, "0:5:1", NULL));
	record.maps = &maps;
	record.upper = record.repository = NULL;
	record.digest.algorithm = DIGEST_NONE;
	record.mode = RECORD_KERNEL;
	record.target = NULL;
	round_trip(&record, &again);
	assert_null(again.target);
	assert_null(again.upper);
	assert_null(again.repository);
	assert_int_equal(2, again.maps->uids.count);
	assert_int_equal(100001, idmap_to_outside(&again.maps->uids, 1));
	assert_int_equal(5, idmap_to_outside(&again.maps->gids, 0));
	mount_record_release(&again);
}

static void keeps_bytes_that_are_not_utf8(void **state)
{
	struct mount_record record = sample(), again;

	(void)state;
	record.target = (char *)"/srv/\xff\xfe";
	record.image = (char *)"odd\x80";
	round_trip(&record, &again);
	mount_record_release(&again);
}

/* All paths as long as they may be, of bytes that JSON makes longest, and the largest maps. */
static void the_largest_record_fits_into_the_limit(void **state)
{
	struct mount_record record = sample(), again;
	struct idmaps maps = {0};
	char path[PAYLOAD_SIZE_MAX + 1];

	(void)state;
	memset(path, '\1', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	record.image = record.repository = record.target = record.upper = path;
	for (uint32_t i = 0; i < IDMAP_EXTENT_MAX; i++) {
		const struct idmap_extent extent = {4000000000U + 2 * i, 4100000000U + 2 * i, 1};

		assert_int_equal(0, idmap_add(&maps.uids, extent, NULL));
		assert_int_equal(0, idmap_add(&maps.gids, extent, NULL));
	}
	record.maps = &maps;
	round_trip(&record, &again);
	mount_record_release(&again);
}

/* The sample with one line replaced. */
static int parse_with(const char *line, const char *replacement, struct diag *why)
{
	struct mount_record record = sample(), again;
	struct buf text = {0}, changed = {0};
	char *whole, *place;
	int r;

	assert_int_equal(0, record_format(&record, &text));
	whole = buf_string(&text);
	place = strstr(whole, line);
	assert_non_null(place);
	assert_int_equal(0, buf_printf(&changed, "%.*s%s%s", (int)(place - whole), whole,
				       replacement, place + strlen(line)));
	r = record_parse(buf_span(&changed), &again, why);
	if (r == 0)
		mount_record_release(&again);
	buf_release(&text);
	buf_release(&changed);
	return r;
}

static void refuses_what_is_not_a_record(void **state)
{
	static const struct {
		const char *line;
		const char *replacement;
		int err;
	} cases[] = {
		{"\"version\": 1", "\"version\": 2", -EOPNOTSUPP},
		{"\"version\": 1", "\"version\": 0", -EUCLEAN},
		{"\"version\": 1", "\"version\": 1, \"more\": 1", -EUCLEAN},
		{"\"version\": 1", "\"version\": 1, \"version\": 1", -EUCLEAN},
		{"\"version\": 1,", "", -EUCLEAN},
		{"18eadc4b", "18EADC4B", -EUCLEAN},
		{"18eadc4b", "../../..", -EUCLEAN},
		{"03c6532c", "03c6532", -EUCLEAN},
		{"\"overlay\"", "\"sideways\"", -EUCLEAN},
		{"\"name\"", "\"\"", -EUCLEAN},
		{"\"name\"", "null", -EUCLEAN},
		{"\"name\"", "\"a\\u0000b\"", -EUCLEAN},
		{"\"image\": \"name\"", "\"image_hex\": \"61006\"", -EUCLEAN},
		{"\"image\": \"name\"", "\"image_hex\": \"6100\"", -EUCLEAN},
		{"\"image\": \"name\"", "\"image\": \"a\", \"image_hex\": \"61\"", -EUCLEAN},
		{"\"sha256:", "\"md5:", -EUCLEAN},
		{"\"sha256:", "\"", -EUCLEAN},
		{"\"/srv/a target", "\"srv/a target", -EUCLEAN},
		{"\"/srv/upper\"", "7", -EUCLEAN},
		{"\"uids\": null", "\"uids\": []", -EUCLEAN},
		{"\"uids\": null", "\"uids\": [[1,2]]", -EUCLEAN},
		{"\"uids\": null", "\"uids\": [[1,2,-3]]", -EUCLEAN},
		{"\"uids\": null", "\"uids\": [[1,2,4294967295]]", -EUCLEAN},
		{"\"server_pid\": 12", "\"server_pid\": -1", -EUCLEAN},
		{"\"server_pid\": 12", "\"server_pid\": 99999999", -EUCLEAN},
		{"\"server_pid\": 12", "\"server_pid\": 1.5", -EUCLEAN},
		{"\"mount_id\": 251", "\"mount_id\": 4294967296", -EUCLEAN},
		{"\"created\"", "\"erected\"", -EUCLEAN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct diag why = {0};
		int r = parse_with(cases[i].line, cases[i].replacement, &why);

		if (r != cases[i].err)
			fail_msg("%s: %d", cases[i].replacement, r);
		assert_non_null(strstr(why.text, "record: "));
	}
}

static void a_record_that_is_cut_or_damaged_is_refused_or_whole(void **state)
{
	struct mount_record record = sample();
	struct buf text = {0};

	(void)state;
	assert_int_equal(0, record_format(&record, &text));
	for (size_t size = 0; size + 2 < text.size; size++)
		assert_int_equal(-EUCLEAN, record_parse(span_of(text.data, size), &record, NULL));
	for (size_t i = 0; i < text.size; i++) {
		struct mount_record again = {0};

		text.data[i] ^= 0x55;
		(void)record_parse(buf_span(&text), &again, NULL);
		mount_record_release(&again);
		text.data[i] ^= 0x55;
	}
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(keeps_bytes_that_are_not_utf8),
		cmocka_unit_test(the_largest_record_fits_into_the_limit),
		cmocka_unit_test(refuses_what_is_not_a_record),
		cmocka_unit_test(a_record_that_is_cut_or_damaged_is_refused_or_whole),
	};

	return cmocka_run_group_tests_name("store/record_parse", tests, NULL, NULL);
}
