/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * record_parse.c - a record from its text
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/idmap.h"
#include "base/limits.h"
#include "store/json_private.h"
#include "store/record.h"
#include "store/record_private.h"

#define PID_MAX (4 * 1024 * 1024) /* PID_MAX_LIMIT of Linux, include/linux/threads.h */

/* Reading counts the keys that were wanted: more in the object are not ours. */
struct reader {
	const json_t *root;
	size_t count;
	struct diag *why;
};

static int malformed(struct reader *reader, const char *key, const char *what)
{
	return diag_set(reader->why, -EUCLEAN, "record: '%s' is not %s", key, what);
}

static const json_t *take(struct reader *reader, const char *key)
{
	const json_t *value = json_object_get(reader->root, key);

	if (value)
		reader->count++;
	return value;
}

static int take_number(struct reader *reader, const char *key, uint64_t max, uint64_t *ret)
{
	const json_t *value = take(reader, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    (uint64_t)json_integer_value(value) > max)
		return malformed(reader, key, "a number in its range");
	*ret = (uint64_t)json_integer_value(value);
	return 0;
}

static int take_word(struct reader *reader, const char *key, const char **ret)
{
	*ret = json_string_value(take(reader, key));
	return *ret ? 0 : malformed(reader, key, "a string");
}

/* The bytes that "<key>_hex" spells. */
static int take_hex(struct reader *reader, const char *key, char **ret)
{
	const char *text;
	char name[32];
	size_t size;
	int r;

	(void)snprintf(name, sizeof(name), "%s_hex", key);
	r = take_word(reader, name, &text);
	if (r < 0)
		return malformed(reader, key, "there");
	size = strlen(text) / 2;
	*ret = calloc(1, size + 1);
	if (!*ret)
		return -ENOMEM;
	if (strlen(text) % 2 == 0 && hex_decode(span_of(text, 2 * size), (uint8_t *)*ret, size) &&
	    strlen(*ret) == size)
		return 0;
	free(TAKE(*ret));
	return malformed(reader, name, "hex digits of a string");
}

/* A string, NULL when the value is null. Jansson takes no NUL in one, and nothing but UTF-8. */
static int take_bytes(struct reader *reader, const char *key, char **ret)
{
	const json_t *value = take(reader, key);
	int r = 0;

	*ret = NULL;
	if (json_is_null(value))
		return 0;
	if (!value)
		r = take_hex(reader, key, ret);
	else if (!json_is_string(value))
		return malformed(reader, key, "a string");
	else if (!(*ret = strdup(json_string_value(value))))
		return -ENOMEM;
	if (r < 0)
		return r;
	if (!(*ret)[0] || strlen(*ret) > PAYLOAD_SIZE_MAX)
		return malformed(reader, key, "1 to 4095 bytes");
	return 0;
}

static int take_path(struct reader *reader, const char *key, char **ret)
{
	int r = take_bytes(reader, key, ret);

	if (r < 0)
		return r;
	if (*ret && (*ret)[0] != '/')
		return malformed(reader, key, "an absolute path");
	return 0;
}

static int extent_read(struct reader *reader, const json_t *item, struct idmap *map)
{
	struct idmap_extent extent = {0};
	uint32_t *const parts[] = {&extent.inside, &extent.outside, &extent.count};

	if (!json_is_array(item) || json_array_size(item) != 3)
		return malformed(reader, "uids' or 'gids", "made of lists of three");
	for (size_t i = 0; i < 3; i++) {
		const json_t *number = json_array_get(item, i);

		if (!json_is_integer(number) || json_integer_value(number) < 0 ||
		    json_integer_value(number) > UINT32_MAX)
			return malformed(reader, "uids' or 'gids", "made of ids");
		*parts[i] = (uint32_t)json_integer_value(number);
	}
	if (idmap_add(map, extent, NULL) < 0)
		return malformed(reader, "uids' or 'gids", "a map");
	return 0;
}

static int take_map(struct reader *reader, const char *key, struct idmap *map, bool *ret_has)
{
	const json_t *list = take(reader, key), *item;
	size_t i;
	int r;

	*ret_has = json_is_array(list);
	if (!*ret_has)
		return json_is_null(list) ? 0 : malformed(reader, key, "a list");
	json_array_foreach(list, i, item)
	{
		r = extent_read(reader, item, map);
		if (r < 0)
			return r;
	}
	return 0;
}

static int take_maps(struct reader *reader, struct mount_record *record)
{
	CLEAN(memory_freep) struct idmaps *maps = calloc(1, sizeof(*maps));
	bool has_uids, has_gids;
	int r;

	if (!maps)
		return -ENOMEM;
	r = take_map(reader, "uids", &maps->uids, &has_uids);
	if (r == 0)
		r = take_map(reader, "gids", &maps->gids, &has_gids);
	if (r < 0)
		return r;
	if (has_uids != has_gids)
		return malformed(reader, "gids", "what 'uids' is");
	if (has_uids)
		record->maps = TAKE(maps);
	return 0;
}

static int take_version(struct reader *reader)
{
	const json_t *version = take(reader, "version");

	if (!json_is_integer(version) || json_integer_value(version) < RECORD_VERSION)
		return malformed(reader, "version", "a version");
	if (json_integer_value(version) > RECORD_VERSION)
		return diag_set(reader->why, -EOPNOTSUPP,
				"record: version %lld is newer than this program",
				(long long)json_integer_value(version));
	return 0;
}

/* 8-4-4-4-12 hex digits. */
static bool boot_is_valid(const char *boot)
{
	if (strlen(boot) != RECORD_BOOT_SIZE - 1)
		return false;
	for (size_t i = 0; boot[i]; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_dash ? boot[i] != '-' : !strchr("0123456789abcdef", boot[i]))
			return false;
	}
	return true;
}

static int take_names(struct reader *reader, struct mount_record *record)
{
	const char *text;
	int mode = 0, r;

	r = take_word(reader, "id", &text);
	if (r == 0 && !record_id_is_valid(text))
		r = malformed(reader, "id", "32 hex digits");
	if (r < 0)
		return r;
	memcpy(record->id, text, RECORD_ID_SIZE);
	r = take_word(reader, "boot", &text);
	if (r == 0 && !boot_is_valid(text))
		r = malformed(reader, "boot", "a boot id");
	if (r < 0)
		return r;
	memcpy(record->boot, text, RECORD_BOOT_SIZE);
	r = take_word(reader, "mode", &text);
	if (r < 0)
		return r;
	while (mode < RECORD_MODE_COUNT &&
	       strcmp(text, record_mode_name((enum record_mode)mode)) != 0)
		mode++;
	if (mode == RECORD_MODE_COUNT)
		return malformed(reader, "mode", "a mode");
	record->mode = (enum record_mode)mode;
	return 0;
}

static int take_digest(struct reader *reader, struct digest *ret)
{
	const json_t *value = take(reader, "digest");
	const char *text = json_string_value(value);

	if (json_is_null(value))
		return 0;
	if (!text || !strchr(text, ':') || digest_parse(span_of_string(text), ret) < 0)
		return malformed(reader, "digest", "a digest");
	return 0;
}

static int take_paths(struct reader *reader, struct mount_record *record)
{
	int r = take_bytes(reader, "image", &record->image);

	if (r == 0 && !record->image)
		r = malformed(reader, "image", "a string");
	if (r == 0)
		r = take_path(reader, "repository", &record->repository);
	if (r == 0)
		r = take_path(reader, "target", &record->target);
	if (r == 0)
		r = take_path(reader, "upper", &record->upper);
	return r;
}

static int take_numbers(struct reader *reader, struct mount_record *record)
{
	uint64_t pid = 0, id = 0, created = 0;
	int r = take_number(reader, "server_pid", PID_MAX, &pid);

	if (r == 0)
		r = take_number(reader, "server_start", INT64_MAX, &record->server_start);
	if (r == 0)
		r = take_number(reader, "pid_namespace", INT64_MAX, &record->pid_namespace);
	if (r == 0)
		r = take_number(reader, "mount_namespace", INT64_MAX, &record->mount_namespace);
	if (r == 0)
		r = take_number(reader, "mount_id", UINT32_MAX, &id);
	if (r == 0)
		r = take_number(reader, "unique_id", INT64_MAX, &record->unique_id);
	if (r == 0)
		r = take_number(reader, "created", INT64_MAX, &created);
	record->server_pid = (int32_t)pid;
	record->mount_id = (uint32_t)id;
	record->created = (int64_t)created;
	return r;
}

int record_parse(struct span raw, struct mount_record *ret, struct diag *why)
{
	CLEAN(mount_record_release) struct mount_record record = {0};
	CLEAN(json_releasep) json_t *root = NULL;
	struct reader reader = {.why = why};
	json_error_t error;
	int r;

	root = json_loadb((const char *)raw.data, raw.size, JSON_REJECT_DUPLICATES, &error);
	if (!root && json_is_out_of_memory(&error))
		return diag_set(why, -ENOMEM, "out of memory");
	if (!json_is_object(root))
		return diag_set(why, -EUCLEAN, "record: %s", root ? "not an object" : error.text);
	reader.root = root;
	r = take_version(&reader);
	if (r == 0)
		r = take_names(&reader, &record);
	if (r == 0)
		r = take_digest(&reader, &record.digest);
	if (r == 0)
		r = take_paths(&reader, &record);
	if (r == 0)
		r = take_maps(&reader, &record);
	if (r == 0)
		r = take_numbers(&reader, &record);
	if (r < 0)
		return r;
	if (reader.count != json_object_size(root))
		return diag_set(why, -EUCLEAN, "record: there is a key that does not belong there");
	*ret = record;
	record = (struct mount_record){0}; /* handed over */
	return 0;
}
