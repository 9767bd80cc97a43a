/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <stdint.h>
#include <sys/statvfs.h>

#include "base/limits.h"
#include "layers_of.h"
#include "sparse_of.h"
#include "tar_of.h"
#include "unit/store/in_transaction.h"

/* A member that says it has so many bytes, and none of them. */
static void tar_promise(struct buf *tar, const char *size)
{
	struct buf records = {0};

	tar->size = 0;
	pax_record(&records, "size", span_of_string(size));
	tar_pax(tar, &records);
	TAR_PUT(tar, .name = "huge", .type = '0');
	buf_release(&records);
}

/* The reason; nothing of it was written. */
static const char *refused(const struct buf *tar, const struct layer_request *request, int err)
{
	static struct diag why;
	struct layer_result result;
	int r;

	why = (struct diag){0};
	r = import_blob(transaction, buf_span(tar), 0, request, &result, &why);
	if (r != err)
		fail_msg("%d: %s", r, why.text);
	assert_int_equal(0, transaction_stats(transaction).added_count);
	return why.text;
}

static void a_file_that_is_larger_than_its_archive_is_refused_by_its_header(void **state)
{
	struct buf tar = {0};
	struct layer_request request;

	(void)state;
	tar_promise(&tar, "1073741825");
	request = request_of(buf_span(&tar), buf_span(&tar));
	assert_string_equal("'huge': 1073741825 bytes, the limit for all of the archive is "
			    "1073741824",
			    refused(&tar, &request, -E2BIG));
	/* The blob is still to blame if it is another. */
	request.blob.digest.bytes[0] ^= 1;
	assert_non_null(strstr(refused(&tar, &request, -EBADMSG), "the blob is sha256:"));
	tar_promise(&tar, "10000000");
	request = request_of(buf_span(&tar), buf_span(&tar));
	assert_string_equal("the archive ends within an entry", refused(&tar, &request, -EUCLEAN));
	buf_release(&tar);
}

static void a_file_that_no_disk_has_room_for_is_refused_by_its_header(void **state)
{
	struct layer_request request = {0};
	struct buf tar = {0};
	struct statvfs st;

	(void)state;
	assert_int_equal(0, statvfs(folder, &st));
	need("statfs", st.f_blocks > 0, "the file system does not say how much is free");
	tar_promise(&tar, "9223372036854775000");
	assert_non_null(strstr(refused(&tar, &request, -ENOSPC),
			       "'huge': 9223372036854775000 bytes, where the disk has "));
	buf_release(&tar);
}

/* Hashing it would take days. */
static void no_promise_makes_room_for_a_larger_hole(void **state)
{
	struct layer_request request = {0};
	struct buf tar = {0}, records = {0};

	(void)state;
	pax_record(&records, "GNU.sparse.size", SPAN_LITERAL("1099511627777"));
	pax_record(&records, "GNU.sparse.numblocks", SPAN_LITERAL("1"));
	pax_record(&records, "GNU.sparse.map", SPAN_LITERAL("0,0"));
	tar_pax(&tar, &records);
	TAR_PUT(&tar, .name = "hole", .type = '0');
	tar_end(&tar);
	request.tar_bytes_max = 1ULL << 50;
	assert_string_equal("'hole': a sparse file of 1099511627777 bytes, the limit for all of "
			    "the layer is 1099511627776",
			    refused(&tar, &request, -E2BIG));
	buf_release(&tar);
	buf_release(&records);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_is_larger_than_its_archive_is_refused_by_its_header),
		cmocka_unit_test(a_file_that_no_disk_has_room_for_is_refused_by_its_header),
		cmocka_unit_test(no_promise_makes_room_for_a_larger_hole),
	};

	return cmocka_run_group_tests_name("oci/layer_unpack", tests, setup, teardown);
}
