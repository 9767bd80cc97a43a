/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/config.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/descriptor.h"
#include "oci/json.h"
#include "oci/manifest.h"

static void texts_release(struct oci_texts *texts)
{
	free(texts->items);
	*texts = (struct oci_texts){0};
}

void oci_config_free(struct oci_config *config)
{
	if (!config)
		return;
	texts_release(&config->env);
	texts_release(&config->entrypoint);
	texts_release(&config->cmd);
	texts_release(&config->volumes);
	texts_release(&config->exposed_ports);
	free(config->diff_ids);
	free(config->history);
	oci_json_releasep(&config->document);
	free(config);
}

void oci_config_freep(struct oci_config **config)
{
	int saved = errno;

	oci_config_free(*config);
	*config = NULL;
	errno = saved;
}

/* Lists of strings */

static int count_check(size_t count, const char *key, struct diag *why)
{
	if (count > CONFIG_LIST_MAX)
		return diag_set(why, -E2BIG, "'%s' has %zu entries, at most %d can be", key, count,
				CONFIG_LIST_MAX);
	return 0;
}

static int texts_new(size_t count, const char *key, struct oci_texts *ret, struct diag *why)
{
	int r = count_check(count, key, why);

	if (r < 0)
		return r;
	ret->items = calloc(count + 1, sizeof(*ret->items));
	if (!ret->items)
		return -ENOMEM;
	return 0;
}

static int texts_of_list(const json_t *object, const char *key, struct oci_texts *ret,
			 struct diag *why)
{
	const json_t *list;
	int r;

	r = oci_json_array(object, key, &list, why);
	if (r == 0)
		r = texts_new(json_array_size(list), key, ret, why);
	if (r < 0)
		return r;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text)
			return diag_set(why, -EUCLEAN, "'%s' holds what is not a string", key);
		ret->items[ret->count++] = text;
	}
	return 0;
}

/* The keys of an object, which is how Go writes a set. */
static int texts_of_set(const json_t *object, const char *key, struct oci_texts *ret,
			struct diag *why)
{
	const json_t *set;
	json_t *writable, *value;
	const char *name;
	int r;

	r = oci_json_object(object, key, &set, why);
	if (r == 0)
		r = texts_new(json_object_size(set), key, ret, why);
	if (r < 0)
		return r;
	writable = (json_t *)set; /* iterating changes nothing */
	json_object_foreach(writable, name, value)
	{
		ret->items[ret->count++] = name;
	}
	return 0;
}

/* Layers */

static int diff_ids_read(struct oci_config *config, const json_t *rootfs, struct diag *why)
{
	const json_t *list;
	size_t count;
	int r;

	r = oci_json_array(rootfs, "diff_ids", &list, why);
	if (r < 0)
		return r;
	count = json_array_size(list);
	if (count > LAYER_COUNT_MAX)
		return diag_set(why, -E2BIG, "more than %d layers", LAYER_COUNT_MAX);
	config->diff_ids = calloc(count + 1, sizeof(*config->diff_ids));
	if (!config->diff_ids)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || oci_digest_parse(span_of_string(text), &config->diff_ids[i]) < 0)
			return diag_set(why, -EUCLEAN, "diff_id %zu is no digest", i + 1);
	}
	config->diff_id_count = count;
	return 0;
}

static int rootfs_read(struct oci_config *config, struct diag *why)
{
	const json_t *rootfs;
	const char *type;
	int r;

	r = oci_json_object(config->document, "rootfs", &rootfs, why);
	if (r < 0)
		return r;
	if (!rootfs)
		return diag_set(why, -EUCLEAN, "'rootfs' is missing: not the config of an image");
	r = oci_json_text(rootfs, "type", &type, why);
	if (r < 0)
		return r;
	if (type && strcmp(type, "layers") != 0)
		return diag_set(why, -EUCLEAN, "a root file system of '%.100s' instead of layers",
				type);
	return diff_ids_read(config, rootfs, why);
}

static int history_entry_read(const json_t *object, struct oci_history *ret, struct diag *why)
{
	const json_t *empty = json_object_get(object, "empty_layer");
	int r;

	if (!json_is_object(object))
		return diag_set(why, -EUCLEAN, "an entry is not an object");
	r = oci_json_text(object, "created", &ret->created, why);
	if (r == 0)
		r = oci_json_text(object, "created_by", &ret->created_by, why);
	if (r == 0)
		r = oci_json_text(object, "author", &ret->author, why);
	if (r == 0)
		r = oci_json_text(object, "comment", &ret->comment, why);
	if (r < 0)
		return r;
	if (empty && !json_is_boolean(empty) && !json_is_null(empty))
		return diag_set(why, -EUCLEAN, "'empty_layer' is neither true nor false");
	ret->is_empty = json_is_true(empty);
	return 0;
}

static int history_read(struct oci_config *config, struct diag *why)
{
	const json_t *list;
	size_t layers = 0;
	int r;

	r = oci_json_array(config->document, "history", &list, why);
	if (r < 0)
		return r;
	config->history_count = json_array_size(list);
	config->history = calloc(config->history_count + 1, sizeof(*config->history));
	if (!config->history)
		return -ENOMEM;
	for (size_t i = 0; i < config->history_count; i++) {
		r = history_entry_read(json_array_get(list, i), &config->history[i], why);
		if (r < 0)
			return diag_wrap(why, r, "history, number %zu", i + 1);
		layers += !config->history[i].is_empty;
	}
	config->history_fits = layers == config->diff_id_count;
	return 0;
}

/* How to run it */

static int run_read(struct oci_config *config, struct diag *why)
{
	const json_t *run;
	int r;

	r = oci_json_object(config->document, "config", &run, why);
	if (r == 0)
		r = texts_of_list(run, "Env", &config->env, why);
	if (r == 0)
		r = texts_of_list(run, "Entrypoint", &config->entrypoint, why);
	if (r == 0)
		r = texts_of_list(run, "Cmd", &config->cmd, why);
	if (r == 0)
		r = texts_of_set(run, "Volumes", &config->volumes, why);
	if (r == 0)
		r = texts_of_set(run, "ExposedPorts", &config->exposed_ports, why);
	if (r == 0)
		r = oci_json_text(run, "User", &config->user, why);
	if (r == 0)
		r = oci_json_text(run, "WorkingDir", &config->working_dir, why);
	if (r == 0)
		r = oci_json_text(run, "StopSignal", &config->stop_signal, why);
	if (r == 0)
		r = oci_json_object(run, "Labels", &config->labels, why);
	if (r == 0)
		r = count_check(json_object_size(config->labels), "Labels", why);
	if (r == 0)
		r = oci_json_check_texts(config->labels, "Labels", why);
	return r;
}

/* Which machine */

static int part_read(const json_t *document, const char *key, char *part, struct diag *why)
{
	const char *text;
	int r;

	r = oci_json_text(document, key, &text, why);
	if (r < 0 || !text)
		return r;
	if (strlen(text) >= PLATFORM_PART_SIZE_MAX)
		return diag_set(why, -EUCLEAN, "'%s' is longer than %d bytes", key,
				PLATFORM_PART_SIZE_MAX - 1);
	memcpy(part, text, strlen(text) + 1);
	return 0;
}

static int platform_read(struct oci_config *config, struct diag *why)
{
	int r;

	r = part_read(config->document, "os", config->platform.os, why);
	if (r == 0)
		r = part_read(config->document, "architecture", config->platform.architecture, why);
	if (r == 0)
		r = part_read(config->document, "variant", config->platform.variant, why);
	return r;
}

int oci_config_parse(struct span raw, struct oci_config **ret, struct diag *why)
{
	CLEAN(oci_config_freep) struct oci_config *config = calloc(1, sizeof(*config));
	int r;

	if (!config)
		return -ENOMEM;
	r = oci_json_object_load(raw, &config->document, why);
	if (r == 0)
		r = platform_read(config, why);
	if (r == 0)
		r = oci_json_text(config->document, "created", &config->created, why);
	if (r == 0)
		r = oci_json_text(config->document, "author", &config->author, why);
	if (r == 0)
		r = rootfs_read(config, why);
	if (r == 0)
		r = history_read(config, why);
	if (r == 0)
		r = run_read(config, why);
	if (r < 0)
		return r;
	*ret = TAKE(config);
	return 0;
}

int oci_config_check_manifest(const struct oci_config *config, const struct oci_manifest *manifest,
			      struct diag *why)
{
	if (config->diff_id_count != manifest->count)
		return diag_set(why, -EUCLEAN, "the manifest has %zu layers, its config %zu",
				manifest->count, config->diff_id_count);
	return 0;
}
