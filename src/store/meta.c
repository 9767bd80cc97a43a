/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The known text, where "extra" is left out when it is empty and everything else is always there:
 *
 *   version         1
 *   algorithm       "fsverity-<sha256|sha512>-12", 12 being log2 of the block size
 *   features        three lists: compatible (unknown ones do not matter), read-only-compatible
 * (unknown ones forbid writing), incompatible (unknown ones forbid opening) erofs_formats
 * "default", one version, and "extra", versions that are written beside it
 *
 * Keys that we do not know are left alone: what must not be ignored comes with a feature.
 */
#include "store/meta.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "store/json_private.h"

/* Written exactly when the default format is 1. */
#define FEATURE_V1 "v1_erofs"

static int wrong_type(struct diag *why, const char *key, const char *type)
{
	return diag_set(why, -EUCLEAN, "meta.json: '%s' is not %s", key, type);
}

static int read_version(const json_t *root, struct diag *why)
{
	const json_t *version = json_object_get(root, "version");

	if (!json_is_integer(version))
		return wrong_type(why, "version", "an integer");
	if (json_integer_value(version) < 1)
		return diag_set(why, -EUCLEAN, "meta.json: there is no version %lld",
				(long long)json_integer_value(version));
	if (json_integer_value(version) > 1)
		return diag_set(why, -EOPNOTSUPP,
				"meta.json: version %lld is newer than this program",
				(long long)json_integer_value(version));
	return 0;
}

static int read_algorithm(const json_t *root, enum digest_algorithm *ret, struct diag *why)
{
	const char *text = json_string_value(json_object_get(root, "algorithm"));

	if (!text)
		return wrong_type(why, "algorithm", "a string");
	if (strcmp(text, "fsverity-sha256-12") == 0)
		*ret = DIGEST_SHA256;
	else if (strcmp(text, "fsverity-sha512-12") == 0)
		*ret = DIGEST_SHA512;
	else
		return diag_set(why, -EOPNOTSUPP, "meta.json: algorithm '%.100s' is not supported",
				text);
	return 0;
}

/*
 * Look through one list of features. *ret_unknown is a name we do not know, or NULL; it lives as
 * long as the JSON.
 */
static int read_features(const json_t *features, const char *key, bool *ret_has_v1,
			 const char **ret_unknown, struct diag *why)
{
	const json_t *list = json_object_get(features, key), *item;
	size_t i;

	*ret_unknown = NULL;
	*ret_has_v1 = false;
	if (!list)
		return 0;
	if (!json_is_array(list))
		return wrong_type(why, key, "a list");
	json_array_foreach(list, i, item)
	{
		const char *name = json_string_value(item);

		if (!name)
			return wrong_type(why, key, "a list of strings");
		if (strcmp(name, FEATURE_V1) == 0)
			*ret_has_v1 = true;
		else
			*ret_unknown = name;
	}
	return 0;
}

static int read_all_features(const json_t *root, bool *ret_has_v1, bool *ret_is_writable,
			     struct diag *why)
{
	const json_t *features = json_object_get(root, "features");
	const char *read_only, *incompatible, *compatible;
	bool has_v1, misplaced;
	int r;

	if (features && !json_is_object(features))
		return wrong_type(why, "features", "an object");
	r = read_features(features, "compatible", &misplaced, &compatible, why);
	if (r < 0)
		return r;
	r = read_features(features, "incompatible", &misplaced, &incompatible, why);
	if (r < 0)
		return r;
	if (misplaced || incompatible)
		return diag_set(why, -EOPNOTSUPP,
				"meta.json: the repository needs feature '%.100s', which this "
				"program does not have",
				incompatible ? incompatible : FEATURE_V1);
	r = read_features(features, "read-only-compatible", &has_v1, &read_only, why);
	if (r < 0)
		return r;
	*ret_has_v1 = has_v1;
	*ret_is_writable = !read_only;
	return 0;
}

static int read_format(const json_t *json, int *ret, struct diag *why)
{
	json_int_t value = json_integer_value(json);

	if (!json_is_integer(json))
		return wrong_type(why, "erofs_formats", "made of integers");
	if (value < 0 || value >= META_EROFS_VERSION_COUNT)
		return diag_set(why, -EOPNOTSUPP, "meta.json: EROFS format %lld is not known",
				(long long)value);
	*ret = (int)value;
	return 0;
}

static int read_formats(const json_t *root, bool has_v1, struct store_config *config,
			struct diag *why)
{
	const json_t *formats = json_object_get(root, "erofs_formats"), *extra, *item;
	int version = 2, other = 0, r;
	size_t i;

	config->extra_versions = 0;
	if (formats) {
		if (!json_is_object(formats))
			return wrong_type(why, "erofs_formats", "an object");
		r = read_format(json_object_get(formats, "default"), &version, why);
		if (r < 0)
			return r;
		extra = json_object_get(formats, "extra");
		if (extra && !json_is_array(extra))
			return wrong_type(why, "extra", "a list");
		json_array_foreach(extra, i, item)
		{
			r = read_format(item, &other, why);
			if (r < 0)
				return r;
			config->extra_versions |= 1u << other;
		}
	}
	/* Before there were erofs_formats, the feature alone told version 1 from version 2. */
	if (version == 2 && !config->extra_versions && has_v1)
		version = 1;
	config->extra_versions &= ~(1u << version);
	config->erofs_version = version;
	return 0;
}

int meta_parse(struct span raw, struct meta *ret, struct diag *why)
{
	CLEAN(json_releasep) json_t *root = NULL;
	struct meta meta = {0};
	json_error_t error;
	bool has_v1 = false;
	int r;

	root = json_loadb((const char *)raw.data, raw.size, JSON_REJECT_DUPLICATES, &error);
	if (!root && json_is_out_of_memory(&error))
		return diag_set(why, -ENOMEM, "out of memory");
	if (!root)
		return diag_set(why, -EUCLEAN, "meta.json: line %d: %s", error.line, error.text);
	if (!json_is_object(root))
		return diag_set(why, -EUCLEAN, "meta.json is not an object");
	r = read_version(root, why);
	if (r < 0)
		return r;
	r = read_algorithm(root, &meta.config.algorithm, why);
	if (r < 0)
		return r;
	r = read_all_features(root, &has_v1, &meta.is_writable, why);
	if (r < 0)
		return r;
	r = read_formats(root, has_v1, &meta.config, why);
	if (r < 0)
		return r;
	*ret = meta;
	return 0;
}

/* "erofs_formats" without the closing brace of the document. */
static int format_formats(const struct store_config *config, struct buf *text)
{
	unsigned int extra = config->extra_versions & ~(1u << config->erofs_version);
	const char *separator = "";
	int r;

	r = buf_printf(text, "  \"erofs_formats\": {\n    \"default\": %d", config->erofs_version);
	if (r < 0)
		return r;
	if (extra) {
		r = buf_append_string(text, ",\n    \"extra\": [\n");
		for (int i = 0; i < META_EROFS_VERSION_COUNT && r == 0; i++) {
			if (!(extra & 1u << i))
				continue;
			r = buf_printf(text, "%s      %d", separator, i);
			separator = ",\n";
		}
		if (r == 0)
			r = buf_append_string(text, "\n    ]");
		if (r < 0)
			return r;
	}
	return buf_append_string(text, "\n  }\n");
}

int meta_format(const struct store_config *config, struct buf *ret)
{
	CLEAN(buf_release) struct buf text = {0};
	int r;

	r = buf_printf(&text,
		       "{\n"
		       "  \"version\": 1,\n"
		       "  \"algorithm\": \"fsverity-%s-12\",\n"
		       "  \"features\": {\n"
		       "    \"compatible\": [],\n"
		       "    \"read-only-compatible\": [%s],\n"
		       "    \"incompatible\": []\n"
		       "  },\n",
		       digest_algorithm_name(config->algorithm),
		       config->erofs_version == 1 ? "\n      \"" FEATURE_V1 "\"\n    " : "");
	if (r < 0)
		return r;
	r = format_formats(config, &text);
	if (r < 0)
		return r;
	r = buf_append_string(&text, "}\n");
	if (r < 0)
		return r;
	return buf_append_span(ret, buf_span(&text));
}
