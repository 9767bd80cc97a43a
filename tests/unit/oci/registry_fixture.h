/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * registry_fixture.h - sources and blobs of the registry in http-fixture.py
 */
#ifndef LAMINA_TESTS_OCI_REGISTRY_FIXTURE_H
#define LAMINA_TESTS_OCI_REGISTRY_FIXTURE_H

#include "fixture.h"

#include "base/buf.h"
#include "base/diag.h"
#include "oci/http.h"
#include "oci/reference.h"
#include "oci/registry.h"
#include "oci/source.h"
#include "verity/sha.h"

#define FIXTURE_LAYER_SIZE 300000 /* unless the name says otherwise */

static inline struct fixture fixture_start_web(void)
{
	const char *const words[] = {"python3", source_path("tests/tools/http-fixture.py"), NULL};

	/* Nobody's files matter here. */
	assert_int_equal(0, setenv("REGISTRY_AUTH_FILE", "/nowhere", 1));
	assert_int_equal(0, setenv("CONTAINERS_REGISTRIES_CONF", "/dev/null", 1));
	return fixture_start(words);
}

static inline struct oci_source *fixture_source(const struct fixture *fixture, const char *name,
						const struct registry_options *more)
{
	struct registry_options options = more ? *more : (struct registry_options){0};
	struct oci_reference reference;
	struct oci_source *source;
	struct diag why = {0};
	char text[512];

	options.tls = REGISTRY_TLS_UNVERIFIED;
	options.retry_ms = options.retry_ms ? options.retry_ms : 1;
	(void)snprintf(text, sizeof(text), "docker://127.0.0.1:%d/%s", fixture->port, name);
	assert_ok(oci_reference_parse(text, &reference, &why), &why);
	assert_ok(registry_open(&reference, &options, &source, &why), &why);
	oci_reference_release(&reference);
	return source;
}

/* The descriptor of size bytes of the fixture's pattern. */
static inline struct oci_descriptor fixture_layer(size_t size)
{
	struct oci_descriptor blob = {.size = size};
	uint8_t *data = malloc(size);
	struct diag why = {0};

	for (size_t i = 0; i < size; i++)
		data[i] = fixture_byte(i);
	assert_ok(sha_of(DIGEST_SHA256, span_of(data, size), &blob.digest, &why), &why);
	free(data);
	return blob;
}

/* Read all of it; the bytes have to be the pattern's from offset on. Returns how many, or -errno.
 */
static inline int64_t fixture_read(struct oci_source *source, const struct oci_descriptor *blob,
				   uint64_t offset, struct diag *why)
{
	struct reader reader;
	uint8_t data[20000];
	int64_t count = 0;
	ssize_t got;
	int r = oci_source_blob(source, blob, offset, &reader, why);

	if (r < 0)
		return r;
	while ((got = reader_read(&reader, data, sizeof(data), why)) > 0) {
		for (ssize_t i = 0; i < got; i++, count++) {
			if (data[i] != fixture_byte(offset + (uint64_t)count))
				fail_msg("byte %lld is wrong", (long long)offset + count);
		}
	}
	reader_close(&reader);
	return got < 0 ? got : count;
}

/* What the server was asked for since the last time; owned by ret. */
static inline char *fixture_log(const struct fixture *fixture, struct buf *ret)
{
	struct http_request request = {.method = "GET"};
	struct http_response *response;
	struct diag why = {0};
	struct http *http;
	char url[64];

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/log", fixture->port);
	request.url = url;
	ret->size = 0;
	assert_ok(http_new(&(struct http_options){0}, &http, &why), &why);
	assert_ok(http_send(http, &request, &response, &why), &why);
	assert_ok(http_read_all(response, 1 << 24, ret, &why), &why);
	http_response_free(response);
	http_free(http);
	return buf_string(ret);
}

static inline size_t count_of(const char *text, const char *word)
{
	size_t count = 0;

	for (; (text = strstr(text, word)); text++)
		count++;
	return count;
}

/* Bytes of bodies in a log. */
static inline uint64_t bytes_of(const char *log)
{
	uint64_t total = 0;

	for (; (log = strstr(log, "\"sent\": ")); log++)
		total += strtoull(log + 8, NULL, 10);
	return total;
}

#endif
