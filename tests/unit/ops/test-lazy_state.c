/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/buf.h"
#include "base/diag.h"
#include "ops/lazy.h"
#include "verity/sha.h"

static void what_is_written_is_read(void **state)
{
	struct lazy_layer layers[2] = {{.blob.size = 1234567890123}, {.blob.size = 5}};
	const struct lazy_state written = {.source = (char *)"docker://a/b@sha256:0",
					   .tls = REGISTRY_TLS_UNVERIFIED,
					   .certs_dir = (char *)"/certs \"and\" more",
					   .content_count = 7,
					   .content_bytes = 1ull << 40,
					   .layers = layers,
					   .layer_count = 2};
	struct lazy_state read;
	struct buf text = {0};
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, sha_of(DIGEST_SHA256, SPAN_LITERAL("a"), &layers[0].blob.digest, NULL));
	assert_int_equal(0, sha_of(DIGEST_SHA512, SPAN_LITERAL("b"), &layers[1].blob.digest, NULL));
	assert_int_equal(0, sha_of(DIGEST_SHA512, SPAN_LITERAL("c"), &layers[1].stream, NULL));
	assert_int_equal(0, lazy_state_format(&written, &text));
	assert_ok(lazy_state_parse(buf_span(&text), &read, &why), &why);
	assert_string_equal(written.source, read.source);
	assert_int_equal(REGISTRY_TLS_UNVERIFIED, read.tls);
	assert_null(read.auth_file);
	assert_string_equal(written.certs_dir, read.certs_dir);
	assert_int_equal(7, read.content_count);
	assert_int_equal(written.content_bytes, read.content_bytes);
	assert_int_equal(2, read.layer_count);
	assert_int_equal(layers[0].blob.size, read.layers[0].blob.size);
	assert_true(digest_equal(&layers[0].blob.digest, &read.layers[0].blob.digest));
	assert_int_equal(DIGEST_NONE, read.layers[0].stream.algorithm);
	assert_true(digest_equal(&layers[1].stream, &read.layers[1].stream));
	lazy_state_release(&read);
	/* cut anywhere, it is none */
	for (size_t size = 0; size + 1 < text.size; size++)
		assert_int_equal(-EUCLEAN, lazy_state_parse(span_of(text.data, size), &read, &why));
	buf_release(&text);
}

static void what_cannot_be_is_refused(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"version\":1}",
		"{\"version\":1,\"source\":\"x\",\"tls\":\"what\",\"content_count\":1,"
		"\"content_bytes\":1,\"layers\":[]}",
		"{\"version\":1,\"source\":\"x\",\"tls\":\"verified\",\"content_count\":-1,"
		"\"content_bytes\":1,\"layers\":[]}",
		"{\"version\":1,\"source\":\"x\",\"tls\":\"verified\",\"content_count\":1,"
		"\"content_bytes\":1,\"layers\":[{\"digest\":\"sha256:1\",\"size\":1}]}",
		"{\"version\":1,\"source\":\"x\",\"tls\":\"verified\",\"content_count\":1,"
		"\"content_bytes\":1,\"layers\":[7]}",
	};
	struct lazy_state read;
	struct diag why;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		why = (struct diag){0};
		assert_int_equal(-EUCLEAN, lazy_state_parse(span_of_string(texts[i]), &read, &why));
		assert_true(why.text[0]);
	}
	assert_int_equal(-EOPNOTSUPP,
			 lazy_state_parse(SPAN_LITERAL("{\"version\":2}"), &read, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
