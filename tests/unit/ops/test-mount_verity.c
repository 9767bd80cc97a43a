/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * An image without fs-verity, which is what most file systems have. With it: tests/vm.
 */
#include "check.h"

#include <errno.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fd.h"
#include "ops/mount.h"
#include "ops/mount_verity.h"
#include "ops/source.h"
#include "verity/hasher.h"
#include "verity/kernel.h"

static struct source *source;
static struct digest right, wrong;

static int set_up(void **state)
{
	struct verity_hasher *hasher;
	uint64_t size;

	(void)state;
	if (source_open_file(source_path("LICENSES/Apache-2.0.txt"), &source, NULL) < 0 ||
	    verity_hasher_new(DIGEST_SHA256, &hasher, NULL) < 0 ||
	    verity_hash_fd(hasher, source->fd, &right, &size, NULL) < 0)
		return -1;
	verity_hasher_free(hasher);
	wrong = right;
	wrong.bytes[5] ^= 1;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	source_close(source);
	return 0;
}

static void a_digest_that_was_given_is_compared_whatever_contents_are_held_to(void **state)
{
	static const enum mount_verity verities[] = {MOUNT_VERITY_OFF, MOUNT_VERITY_TRY};
	struct diag why = {0};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct mount_request request = {.verity = verities[i]};

		assert_ok(image_check(&request, source, &why), &why);
		request.digest = right;
		assert_ok(image_check(&request, source, &why), &why);
		request.digest = wrong;
		assert_int_equal(-EBADMSG, image_check(&request, source, &why));
		assert_non_null(strstr(why.text, "wrong fs-verity digest"));
		why = (struct diag){0};
	}
}

static void require_wants_something_to_compare_with(void **state)
{
	struct mount_request request = {.verity = MOUNT_VERITY_REQUIRE};
	struct diag why = {0};

	(void)state;
	assert_int_equal(-EINVAL, image_check(&request, source, &why));
	assert_non_null(strstr(why.text, "--digest HEX"));
	request.believes_image = true;
	assert_int_equal(0, image_check(&request, source, NULL));
}

static void require_wants_fs_verity_even_of_the_right_content(void **state)
{
	struct mount_request request = {.verity = MOUNT_VERITY_REQUIRE};
	struct diag why = {0};
	struct digest digest;

	(void)state;
	if (verity_measure(source->fd, &digest, NULL) == 0)
		skip();
	request.digest = right;
	assert_int_equal(-ENODATA, image_check(&request, source, &why));
	assert_non_null(strstr(why.text, "the image has no fs-verity"));
	request.digest = (struct digest){0};
	source->name = right; /* of a repository */
	assert_int_equal(-ENODATA, image_check(&request, source, NULL));
	request.believes_image = true; /* but there is something to hold it to */
	assert_int_equal(-ENODATA, image_check(&request, source, NULL));
}

static void what_is_asked_for_is_settled(void **state)
{
	struct mount_request request = {.image = "/nonexistent/image"};

	(void)state;
	mount_verity_settle(&request);
	assert_int_equal(MOUNT_VERITY_OFF, request.verity);
	request.verity = MOUNT_VERITY_TRY;
	mount_verity_settle(&request);
	assert_int_equal(MOUNT_VERITY_OFF, request.verity);
	request.verity = MOUNT_VERITY_REQUIRE;
	mount_verity_settle(&request);
	assert_int_equal(MOUNT_VERITY_REQUIRE, request.verity);
	request.verity = MOUNT_VERITY_AUTO;
	request.digest = right;
	mount_verity_settle(&request);
	assert_int_equal(MOUNT_VERITY_REQUIRE, request.verity);
	assert_null(request.source);
	request.image = "/dev/null";
	request.verity = MOUNT_VERITY_AUTO;
	request.digest = (struct digest){0};
	mount_verity_settle(&request);
	assert_int_equal(MOUNT_VERITY_OFF, request.verity);
	assert_null(request.source); /* no file */
	request.image = source_path("LICENSES/Apache-2.0.txt");
	request.verity = MOUNT_VERITY_AUTO;
	mount_verity_settle(&request);
	assert_int_equal(MOUNT_VERITY_OFF, request.verity);
	assert_non_null(request.source);
	mount_request_release(&request);
	assert_null(request.source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_digest_that_was_given_is_compared_whatever_contents_are_held_to, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(require_wants_something_to_compare_with, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(require_wants_fs_verity_even_of_the_right_content,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_asked_for_is_settled, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
