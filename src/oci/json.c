/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/json.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"

void oci_json_releasep(struct json_t **document)
{
	int saved = errno;

	json_decref(*document);
	*document = NULL;
	errno = saved;
}

/* What the parser would build, counted before it does. Brackets need not match: the parser sees to
 * that. */
struct shape {
	size_t values; /* at least as many as there are */
	size_t containers;
	size_t depth;
	size_t depth_max;
};

static void shape_count(struct shape *shape, uint8_t byte)
{
	switch (byte) {
	case '[':
	case '{':
		shape->values++;
		shape->containers++;
		shape->depth++;
		if (shape->depth > shape->depth_max)
			shape->depth_max = shape->depth;
		break;
	case ']':
	case '}':
		shape->depth -= shape->depth > 0;
		break;
	case ',':
		shape->values++;
		break;
	}
}

static struct shape shape_of(struct span raw)
{
	struct shape shape = {.values = 1};
	bool in_string = false;

	for (size_t i = 0; i < raw.size; i++) {
		if (raw.data[i] == '"')
			in_string = !in_string;
		else if (!in_string)
			shape_count(&shape, raw.data[i]);
		else if (raw.data[i] == '\\')
			i++;
	}
	return shape;
}

struct document_limits {
	size_t size;   /* bytes */
	size_t factor; /* of DOCUMENT_VALUE_COUNT_MAX and DOCUMENT_CONTAINER_COUNT_MAX */
};

static const struct document_limits document_limits = {MANIFEST_SIZE_MAX, 1};
static const struct document_limits list_limits = {STORAGE_LIST_SIZE_MAX,
						   STORAGE_LIST_VALUE_FACTOR};
static const struct document_limits toc_limits = {TOC_SIZE_MAX, TOC_VALUE_FACTOR};

static int shape_check(struct span raw, const struct document_limits *limits, struct diag *why)
{
	size_t values = limits->factor * DOCUMENT_VALUE_COUNT_MAX;
	size_t containers = limits->factor * DOCUMENT_CONTAINER_COUNT_MAX;
	struct shape shape;

	if (raw.size > limits->size)
		return diag_set(why, -E2BIG, "more than %zu MiB of JSON",
				limits->size / (1024 * 1024));
	shape = shape_of(raw);
	if (shape.values > values || shape.containers > containers)
		return diag_set(why, -E2BIG,
				"JSON with more than %zu values, or %zu objects and lists", values,
				containers);
	if (shape.depth_max > DOCUMENT_DEPTH_MAX)
		return diag_set(why, -E2BIG, "JSON deeper than %d", DOCUMENT_DEPTH_MAX);
	return 0;
}

static int document_load(struct span raw, json_type type, const struct document_limits *limits,
			 struct json_t **ret, struct diag *why)
{
	json_error_t error = {0};
	json_t *document;
	int r;

	r = shape_check(raw, limits, why);
	if (r < 0)
		return r;
	document = json_loadb((const char *)(raw.size ? raw.data : (const uint8_t *)""), raw.size,
			      JSON_REJECT_DUPLICATES, &error);
	/* Jansson says nothing at all where it runs out of memory before it begins. */
	if (!document && (!error.text[0] || json_error_code(&error) == json_error_out_of_memory))
		return -ENOMEM;
	if (!document)
		return diag_set(why, -EUCLEAN, "malformed JSON at line %d: %.150s", error.line,
				error.text);
	if (json_typeof(document) != type) {
		json_decref(document);
		return diag_set(why, -EUCLEAN, "the JSON is no %s",
				type == JSON_OBJECT ? "object" : "list");
	}
	*ret = document;
	return 0;
}

int oci_json_object_load(struct span raw, struct json_t **ret, struct diag *why)
{
	return document_load(raw, JSON_OBJECT, &document_limits, ret, why);
}

int oci_json_array_load(struct span raw, struct json_t **ret, struct diag *why)
{
	return document_load(raw, JSON_ARRAY, &document_limits, ret, why);
}

int oci_json_list_load(struct span raw, struct json_t **ret, struct diag *why)
{
	return document_load(raw, JSON_ARRAY, &list_limits, ret, why);
}

int oci_json_toc_load(struct span raw, struct json_t **ret, struct diag *why)
{
	return document_load(raw, JSON_OBJECT, &toc_limits, ret, why);
}

static int field(const json_t *object, const char *key, json_type type, const char *type_name,
		 const json_t **ret, struct diag *why)
{
	const json_t *value = json_object_get(object, key);

	if (!value || json_is_null(value)) {
		*ret = NULL;
		return 0;
	}
	if (json_typeof(value) != type)
		return diag_set(why, -EUCLEAN, "'%s' is not %s", key, type_name);
	*ret = value;
	return 0;
}

int oci_json_text(const struct json_t *object, const char *key, const char **ret, struct diag *why)
{
	const json_t *value = NULL;
	int r;

	r = field(object, key, JSON_STRING, "a string", &value, why);
	if (r < 0)
		return r;
	*ret = json_string_value(value);
	return 0;
}

int oci_json_array(const struct json_t *object, const char *key, const struct json_t **ret,
		   struct diag *why)
{
	return field(object, key, JSON_ARRAY, "a list", ret, why);
}

int oci_json_object(const struct json_t *object, const char *key, const struct json_t **ret,
		    struct diag *why)
{
	return field(object, key, JSON_OBJECT, "an object", ret, why);
}

int oci_json_text_needed(const struct json_t *object, const char *key, const char **ret,
			 struct diag *why)
{
	const char *text;
	int r;

	r = oci_json_text(object, key, &text, why);
	if (r < 0)
		return r;
	if (!text)
		return diag_set(why, -EUCLEAN, "'%s' is missing", key);
	*ret = text;
	return 0;
}

int oci_json_number_needed(const struct json_t *object, const char *key, uint64_t *ret,
			   struct diag *why)
{
	const json_t *value = NULL;
	int r;

	r = field(object, key, JSON_INTEGER, "a number", &value, why);
	if (r < 0)
		return r;
	if (!value)
		return diag_set(why, -EUCLEAN, "'%s' is missing", key);
	if (json_integer_value(value) < 0)
		return diag_set(why, -EUCLEAN, "'%s' is negative", key);
	*ret = (uint64_t)json_integer_value(value);
	return 0;
}

int oci_json_check_texts(const struct json_t *object, const char *what, struct diag *why)
{
	json_t *writable = (json_t *)object; /* iterating changes nothing */
	const char *key;
	json_t *value;

	json_object_foreach(writable, key, value)
	{
		if (!json_is_string(value))
			return diag_set(why, -EUCLEAN, "'%s' in '%s' is not a string", key, what);
	}
	return 0;
}
