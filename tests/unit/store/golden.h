/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * golden.h - the golden splitstreams, and the way from their tar and JSON files to them
 */
#ifndef LAMINA_TESTS_STORE_GOLDEN_H
#define LAMINA_TESTS_STORE_GOLDEN_H

#include "repo.h"

#include "store/splitstream.h"

static inline void golden_read(const char *file, struct buf *ret)
{
	char relative[512];
	const char *path;
	int fd;

	(void)snprintf(relative, sizeof(relative), "tests/golden/splitstream/%s", file);
	path = source_path(relative);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(0, fd_read_all(fd, 1 << 20, ret));
	(void)close(fd);
}

/* A word of the line of MANIFEST.tsv that begins with "<name>.<algorithm>.splitstream". */
static inline void golden_word(const char *name, const char *algorithm, const char *before,
			       char word[200])
{
	struct buf text = {0};
	char key[256], *line, *place;

	golden_read("MANIFEST.tsv", &text);
	(void)snprintf(key, sizeof(key), "\n%s.%s.splitstream\t", name, algorithm);
	line = strstr(buf_string(&text), key);
	assert_non_null(line);
	place = strstr(line + 1, before);
	assert_non_null(place);
	place += strlen(before);
	(void)snprintf(word, 200, "%.*s", (int)strcspn(place, "\t\n, "), place);
	buf_release(&text);
}

static inline struct digest golden_id(const char *name, const char *algorithm)
{
	struct digest id;
	char word[200];

	golden_word(name, algorithm, "\t", word);
	assert_int_equal(0, digest_parse(span_of_string(word), &id));
	return id;
}

/* "sha256:..." of the uncompressed tar. */
static inline struct span golden_diff_id(const char *name, char word[200])
{
	golden_word(name, "sha256", "diff_id ", word);
	return span_of_string(word);
}

static inline struct digest golden_object(struct transaction *transaction, struct span bytes)
{
	struct diag why = {0};
	struct digest digest;

	assert_ok(add_bytes(transaction, bytes, &digest, &why), &why);
	return digest;
}

/* Plain ustar: composefs-repository.md, 2.7, "Layer tar rule". */
static inline struct digest golden_layer_write(struct transaction *transaction, const char *name)
{
	struct splitstream_writer *writer = NULL;
	struct buf tar = {0};
	struct diag why = {0};
	struct digest id;
	struct span rest;
	char file[256];

	(void)snprintf(file, sizeof(file), "%s.tar", name);
	golden_read(file, &tar);
	rest = buf_span(&tar);
	assert_ok(splitstream_writer_new(transaction, STREAM_TYPE_OCI_LAYER, &writer, &why), &why);
	while (rest.size >= 512 && rest.data[0]) {
		struct span header, body;
		char digits[13] = "";

		assert_true(span_cut(rest, 0, 512, &header));
		memcpy(digits, header.data + 124, 12);
		assert_true(span_cut(rest, 512, strtoull(digits, NULL, 8), &body));
		assert_true(span_from(rest, 512 + body.size, &rest));
		assert_ok(splitstream_write_inline(writer, header, &why), &why);
		if (body.size > 64 && (header.data[156] == '0' || header.data[156] == '\0')) {
			struct digest object = golden_object(transaction, body);

			assert_ok(splitstream_write_external(writer, &object, body.size, &why),
				  &why);
		} else {
			assert_ok(splitstream_write_inline(writer, body, &why), &why);
		}
		assert_true(span_cut(rest, 0, -body.size % 512, &body));
		assert_ok(splitstream_write_inline(writer, body, &why), &why);
		assert_true(span_from(rest, body.size, &rest));
	}
	assert_ok(splitstream_write_inline(writer, rest, &why), &why);
	assert_ok(splitstream_writer_finish(writer, &id, &why), &why);
	buf_release(&tar);
	return id;
}

static const char *const golden_layers[] = {"layer-alpha", "layer-beta", "layer-gamma"};

/* A stream that is one object, the file's bytes. */
static inline struct splitstream_writer *golden_json_writer(struct transaction *transaction,
							    const char *file, uint64_t type)
{
	struct splitstream_writer *writer = NULL;
	struct buf json = {0};
	struct diag why = {0};
	struct digest object;

	golden_read(file, &json);
	object = golden_object(transaction, buf_span(&json));
	assert_ok(splitstream_writer_new(transaction, type, &writer, &why), &why);
	assert_ok(splitstream_write_external(writer, &object, json.size, &why), &why);
	buf_release(&json);
	return writer;
}

/* order has count indexes into golden_layers. */
static inline struct digest golden_config_write(struct transaction *transaction, const char *file,
						const struct digest *layer_ids, const size_t *order,
						size_t count, bool has_images)
{
	struct splitstream_writer *writer =
		golden_json_writer(transaction, file, STREAM_TYPE_OCI_CONFIG);
	struct diag why = {0};
	struct digest id;
	char word[200];

	for (size_t i = 0; i < count; i++)
		assert_ok(splitstream_name_reference(writer,
						     golden_diff_id(golden_layers[order[i]], word),
						     &layer_ids[order[i]], &why),
			  &why);
	if (has_images) {
		id = golden_object(transaction, SPAN_LITERAL("image v2"));
		assert_ok(splitstream_name_reference(writer, SPAN_LITERAL("composefs.image"), &id,
						     &why),
			  &why);
		id = golden_object(transaction, SPAN_LITERAL("image v1"));
		assert_ok(splitstream_name_reference(writer, SPAN_LITERAL("composefs.image.v1"),
						     &id, &why),
			  &why);
	}
	assert_ok(splitstream_writer_finish(writer, &id, &why), &why);
	return id;
}

static inline struct digest golden_manifest_write(struct transaction *transaction,
						  const struct digest *config,
						  const struct digest *layer_ids)
{
	static const size_t order[] = {2, 0, 2, 1};
	struct splitstream_writer *writer =
		golden_json_writer(transaction, "manifest.json", STREAM_TYPE_OCI_MANIFEST);
	struct diag why = {0};
	char word[200], name[256];
	struct digest id;

	golden_word("config-images", "sha256", "config ", word);
	(void)snprintf(name, sizeof(name), "config:%s", word);
	assert_ok(splitstream_name_reference(writer, span_of_string(name), config, &why), &why);
	for (size_t i = 0; i < 4; i++)
		assert_ok(splitstream_name_reference(writer,
						     golden_diff_id(golden_layers[order[i]], word),
						     &layer_ids[order[i]], &why),
			  &why);
	assert_ok(splitstream_writer_finish(writer, &id, &why), &why);
	return id;
}

#endif
