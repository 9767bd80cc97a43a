/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/diag.h"
#include "base/limits.h"
#include "base/reader.h"
#include "oci/target.h"
#include "oci/transfer.h"

/* A target that does as it is told, and notes what was asked of it. */
struct fake {
	struct oci_target_base base;
	int has;
	const char *mountable; /* the repository that has it */
	int puts[RETRY_MAX + 2];
	size_t put_count, mount_count;
};

static int fake_has(struct oci_target *target, const struct oci_descriptor *blob, struct diag *why)
{
	(void)blob;
	(void)why;
	return ((struct fake *)target)->has;
}

static int fake_mount(struct oci_target *target, const struct oci_descriptor *blob,
		      const char *from_repository, struct diag *why)
{
	struct fake *fake = (struct fake *)target;

	(void)blob;
	fake->mount_count++;
	if (fake->mountable && strcmp(fake->mountable, from_repository) == 0)
		return 1;
	return diag_set(why, -EACCES, "not from there");
}

static int fake_put(struct oci_target *target, const struct oci_descriptor *blob,
		    const struct reader *bytes, struct diag *why)
{
	struct fake *fake = (struct fake *)target;
	int r = fake->puts[fake->put_count++];
	char text[8];

	(void)blob;
	assert_int_equal(5, reader_read(bytes, text, sizeof(text), why));
	return r < 0 ? diag_set(why, r, "try %zu", fake->put_count) : 0;
}

static const struct oci_target_ops fake_ops = {
	.has_blob = fake_has,
	.mount_blob = fake_mount,
	.put_blob = fake_put,
};

/* Readers of five bytes. */
struct origin {
	int error; /* of opening */
	size_t opened, closed;
};

static ssize_t origin_read(void *context, void *data, size_t size, struct diag *why)
{
	(void)context;
	(void)why;
	assert_true(size >= 5);
	memcpy(data, "bytes", 5);
	return 5;
}

static void origin_close(void *context)
{
	((struct origin *)context)->closed++;
}

static int origin_open(void *context, struct reader *ret, struct diag *why)
{
	struct origin *origin = context;

	if (origin->error)
		return diag_set(why, origin->error, "the disk is gone");
	origin->opened++;
	*ret = (struct reader){origin_read, origin_close, origin};
	return 0;
}

static const char *const places[] = {"one", "two", "three", NULL};

static int transfer(struct fake *fake, struct origin *origin, enum oci_transfer_way *way,
		    struct diag *why)
{
	const struct oci_descriptor blob = {.size = 5};
	const struct oci_transfer how = {
		.open = origin_open,
		.context = origin,
		.repositories = places,
		.retry_ms = 1,
	};

	fake->base.ops = &fake_ops;
	*why = (struct diag){0};
	return oci_transfer((struct oci_target *)fake, &blob, &how, way, why);
}

static void what_is_there_is_not_even_opened(void **state)
{
	struct fake fake = {.has = 1};
	struct origin origin = {0};
	enum oci_transfer_way way;
	struct diag why;

	(void)state;
	assert_ok(transfer(&fake, &origin, &way, &why), &why);
	assert_int_equal(OCI_TRANSFER_PRESENT, way);
	assert_int_equal(0, origin.opened + fake.mount_count + fake.put_count);
}

static void what_another_repository_has_is_mounted(void **state)
{
	struct fake fake = {.mountable = "two"};
	struct origin origin = {0};
	enum oci_transfer_way way;
	struct diag why;

	(void)state;
	assert_ok(transfer(&fake, &origin, &way, &why), &why);
	assert_int_equal(OCI_TRANSFER_MOUNTED, way);
	assert_int_equal(2, fake.mount_count);
	assert_int_equal(0, origin.opened);
}

static void what_no_repository_has_is_sent(void **state)
{
	struct fake fake = {0};
	struct origin origin = {0};
	enum oci_transfer_way way;
	struct diag why;

	(void)state;
	assert_ok(transfer(&fake, &origin, &way, &why), &why);
	assert_int_equal(OCI_TRANSFER_SENT, way);
	assert_int_equal(3, fake.mount_count);
	assert_int_equal(1, fake.put_count);
	assert_int_equal(1, origin.opened);
	assert_int_equal(1, origin.closed);
	assert_string_equal("", why.text);
}

static void what_broke_off_is_sent_again_from_its_beginning(void **state)
{
	struct fake fake = {.puts = {-EAGAIN, -EAGAIN}};
	struct origin origin = {0};
	enum oci_transfer_way way;
	struct diag why;

	(void)state;
	assert_ok(transfer(&fake, &origin, &way, &why), &why);
	assert_int_equal(3, fake.put_count);
	assert_int_equal(3, origin.opened);
	assert_int_equal(3, origin.closed);
	assert_string_equal("", why.text);
}

static void patience_ends(void **state)
{
	struct fake fake = {0};
	struct origin origin = {0};
	enum oci_transfer_way way;
	struct diag why;

	(void)state;
	for (size_t i = 0; i < RETRY_MAX + 2; i++)
		fake.puts[i] = -EAGAIN;
	assert_int_equal(-EAGAIN, transfer(&fake, &origin, &way, &why));
	assert_int_equal(RETRY_MAX + 1, fake.put_count);
	assert_string_equal("try 6", why.text);
}

static void what_another_try_cannot_help_fails_at_once(void **state)
{
	struct fake fake = {.puts = {-EACCES}}, absent = {.has = -ECONNREFUSED};
	struct origin origin = {0}, gone = {.error = -EIO};
	enum oci_transfer_way way;
	struct diag why;

	(void)state;
	assert_int_equal(-EACCES, transfer(&fake, &origin, &way, &why));
	assert_int_equal(1, fake.put_count);
	assert_int_equal(-ECONNREFUSED, transfer(&absent, &origin, &way, &why));
	assert_int_equal(0, absent.put_count);
	assert_int_equal(1, origin.opened);
	assert_int_equal(-EIO, transfer(&fake, &gone, &way, &why));
	assert_string_equal("the disk is gone", why.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_there_is_not_even_opened),
		cmocka_unit_test(what_another_repository_has_is_mounted),
		cmocka_unit_test(what_no_repository_has_is_sent),
		cmocka_unit_test(what_broke_off_is_sent_again_from_its_beginning),
		cmocka_unit_test(patience_ends),
		cmocka_unit_test(what_another_try_cannot_help_fails_at_once),
	};

	return cmocka_run_group_tests_name("oci/transfer", tests, NULL, NULL);
}
