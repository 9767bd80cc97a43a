/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * record_format.c - a record as text
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/idmap.h"
#include "store/json_private.h"
#include "store/record.h"
#include "store/record_private.h"

/* Takes value, which may be NULL when memory ran out. */
static int put(json_t *root, const char *key, json_t *value)
{
	return value && json_object_set_new(root, key, value) == 0 ? 0 : -ENOMEM;
}

static int put_bytes(json_t *root, const char *key, const char *text)
{
	CLEAN(memory_freep) char *hex = NULL;
	json_t *value = text ? json_string(text) : json_null();
	char name[32];

	if (value)
		return put(root, key, value);
	hex = malloc(2 * strlen(text) + 1);
	if (!hex)
		return -ENOMEM;
	hex_encode(span_of_string(text), hex);
	(void)snprintf(name, sizeof(name), "%s_hex", key);
	return put(root, name, json_stringn(hex, 2 * strlen(text)));
}

static int put_digest(json_t *root, const struct digest *digest)
{
	char hex[DIGEST_HEX_SIZE_MAX];

	if (digest->algorithm == DIGEST_NONE)
		return put(root, "digest", json_null());
	return put(root, "digest",
		   json_sprintf("%s:%s",
				digest_algorithm_name((enum digest_algorithm)digest->algorithm),
				digest_hex(digest, hex)));
}

static int put_map(json_t *root, const char *key, const struct idmap *map)
{
	json_t *list = map ? json_array() : json_null();

	if (put(root, key, list) < 0)
		return -ENOMEM;
	for (size_t i = 0; map && i < map->count; i++) {
		const struct idmap_extent *extent = &map->extents[i];

		if (json_array_append_new(list, json_pack("[I,I,I]", (json_int_t)extent->inside,
							  (json_int_t)extent->outside,
							  (json_int_t)extent->count)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int put_number(json_t *root, const char *key, uint64_t number)
{
	return put(root, key, json_integer((json_int_t)number));
}

static int put_all(json_t *root, const struct mount_record *record)
{
	const struct idmaps *maps = record->maps;
	int r = put_number(root, "version", RECORD_VERSION);

	r = r < 0 ? r : put(root, "id", json_string(record->id));
	r = r < 0 ? r : put(root, "boot", json_string(record->boot));
	r = r < 0 ? r : put(root, "mode", json_string(record_mode_name(record->mode)));
	r = r < 0 ? r : put_bytes(root, "image", record->image);
	r = r < 0 ? r : put_digest(root, &record->digest);
	r = r < 0 ? r : put_bytes(root, "repository", record->repository);
	r = r < 0 ? r : put_bytes(root, "target", record->target);
	r = r < 0 ? r : put_bytes(root, "upper", record->upper);
	r = r < 0 ? r : put_map(root, "uids", maps ? &maps->uids : NULL);
	r = r < 0 ? r : put_map(root, "gids", maps ? &maps->gids : NULL);
	r = r < 0 ? r : put_number(root, "server_pid", (uint64_t)record->server_pid);
	r = r < 0 ? r : put_number(root, "server_start", record->server_start);
	r = r < 0 ? r : put_number(root, "pid_namespace", record->pid_namespace);
	r = r < 0 ? r : put_number(root, "mount_namespace", record->mount_namespace);
	r = r < 0 ? r : put_number(root, "mount_id", record->mount_id);
	r = r < 0 ? r : put_number(root, "unique_id", record->unique_id);
	return r < 0 ? r : put_number(root, "created", (uint64_t)record->created);
}

int record_format(const struct mount_record *record, struct buf *ret)
{
	CLEAN(json_releasep) json_t *root = json_object();
	CLEAN(memory_freep) char *text = NULL;
	int r = root ? put_all(root, record) : -ENOMEM;

	if (r < 0)
		return r;
	text = json_dumps(root, JSON_INDENT(1));
	if (!text)
		return -ENOMEM;
	r = buf_append_string(ret, text);
	return r < 0 ? r : buf_append_byte(ret, '\n');
}
