/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "made.h"

#include "oci/fetch.h"
#include "oci/source.h"

/* A source that gives the same text for everything, or goes on for ever. */
struct parrot {
	struct oci_source_base base;
	const char *text;
	size_t offset;
	bool is_endless;
	int opened, closed;
};

static int parrot_manifest(struct oci_source *source, const struct oci_descriptor *which,
			   struct buf *ret, char *media_type, struct diag *why)
{
	(void)which;
	(void)why;
	media_type[0] = '\0';
	return buf_append_string(ret, ((struct parrot *)source)->text);
}

static ssize_t parrot_read(void *context, void *data, size_t size, struct diag *why)
{
	struct parrot *parrot = context;

	(void)why;
	if (parrot->is_endless)
		return (ssize_t)size;
	if (!parrot->text[parrot->offset])
		return 0;
	*(char *)data = parrot->text[parrot->offset++];
	return 1;
}

static void parrot_end(void *context)
{
	((struct parrot *)context)->closed++;
}

static int parrot_blob(struct oci_source *source, const struct oci_descriptor *blob,
		       uint64_t offset, struct reader *ret, struct diag *why)
{
	struct parrot *parrot = (struct parrot *)source;

	(void)blob;
	(void)why;
	assert_int_equal(0, offset);
	parrot->offset = 0;
	parrot->opened++;
	*ret = (struct reader){parrot_read, parrot_end, parrot};
	return 0;
}

static const struct oci_source_ops parrot_ops = {parrot_manifest, parrot_blob, NULL};

static int fetch(struct parrot *parrot, const struct oci_descriptor *blob, struct buf *ret)
{
	struct diag why = {0};
	int r;

	ret->size = 0;
	r = oci_fetch((struct oci_source *)parrot, blob, 100, ret, &why);
	assert_int_equal(parrot->opened, parrot->closed);
	if (r < 0)
		assert_true(why.text[0]);
	return r;
}

static void a_blob_is_held_to_its_descriptor(void **state)
{
	struct parrot parrot = {.base.ops = &parrot_ops, .text = "polly"};
	struct oci_descriptor blob = made_descriptor(span_of_string("polly"));
	struct buf text = {0};

	(void)state;
	assert_int_equal(0, fetch(&parrot, &blob, &text));
	assert_string_equal("polly", buf_string(&text));
	parrot.text = "molly";
	assert_int_equal(-EBADMSG, fetch(&parrot, &blob, &text));
	parrot.text = "poll";
	assert_int_equal(-EBADMSG, fetch(&parrot, &blob, &text));
	parrot.text = "pollyx";
	assert_int_equal(-EBADMSG, fetch(&parrot, &blob, &text));
	parrot.text = "";
	assert_int_equal(-EBADMSG, fetch(&parrot, &blob, &text));
	blob = made_descriptor(SPAN_EMPTY);
	assert_int_equal(0, fetch(&parrot, &blob, &text));
	buf_release(&text);
}

static void an_endless_blob_ends(void **state)
{
	struct parrot parrot = {.base.ops = &parrot_ops, .is_endless = true};
	struct oci_descriptor blob = made_descriptor(span_of_string("polly"));
	struct buf text = {0};

	(void)state;
	assert_int_equal(-EBADMSG, fetch(&parrot, &blob, &text));
	blob.size = 101;
	assert_int_equal(-E2BIG, fetch(&parrot, &blob, &text));
	assert_int_equal(1, parrot.opened);
	buf_release(&text);
}

static void a_manifest_from_an_index_is_held_to_it(void **state)
{
	struct parrot parrot = {.base.ops = &parrot_ops, .text = "polly"};
	struct oci_descriptor which = made_descriptor(span_of_string("polly"));
	char media_type[MEDIA_TYPE_SIZE_MAX];
	struct buf text = {0};
	struct digest digest;
	struct diag why = {0};

	(void)state;
	assert_ok(oci_fetch_manifest((struct oci_source *)&parrot, NULL, &text, media_type, &digest,
				     &why),
		  &why);
	assert_true(digest_equal(&digest, &which.digest));
	assert_ok(oci_fetch_manifest((struct oci_source *)&parrot, &which, &text, media_type,
				     &digest, &why),
		  &why);
	assert_string_equal("pollypolly", buf_string(&text));
	parrot.text = "molly";
	assert_int_equal(-EBADMSG, oci_fetch_manifest((struct oci_source *)&parrot, &which, &text,
						      media_type, &digest, &why));
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_blob_is_held_to_its_descriptor),
		cmocka_unit_test(an_endless_blob_ends),
		cmocka_unit_test(a_manifest_from_an_index_is_held_to_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
