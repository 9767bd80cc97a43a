/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "oci/derive_private.h"
#include "oci/json.h"

/* value is taken in every case; NULL is what jansson gives for what is not UTF-8. */
static int field_set(json_t *object, const char *key, json_t *value, struct diag *why)
{
	if (!value)
		return diag_set(why, -EINVAL, "it is not UTF-8");
	return json_object_set_new(object, key, value) < 0 ? -ENOMEM : 0;
}

/* A JSON list of strings, if value is one; NULL. The caller drops it. */
static json_t *list_of(const char *value)
{
	json_t *list = value[0] == '[' ? json_loads(value, JSON_REJECT_DUPLICATES, NULL) : NULL;
	json_t *item;
	size_t i;

	if (!json_is_array(list)) {
		json_decref(list);
		return NULL;
	}
	json_array_foreach(list, i, item)
	{
		if (!json_is_string(item)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static int words_set(json_t *run, const char *key, const char *value, struct diag *why)
{
	json_t *words = list_of(value);

	if (!words)
		words = json_pack("[s, s, s]", "/bin/sh", "-c", value);
	return field_set(run, key, words, why);
}

static int cmd_set(json_t *run, const char *value, struct diag *why)
{
	return words_set(run, "Cmd", value, why);
}

static int entrypoint_set(json_t *run, const char *value, struct diag *why)
{
	return words_set(run, "Entrypoint", value, why);
}

static int user_set(json_t *run, const char *value, struct diag *why)
{
	return field_set(run, "User", json_string(value), why);
}

static int working_dir_set(json_t *run, const char *value, struct diag *why)
{
	if (value[0] != '/')
		return diag_set(why, -EINVAL, "the directory has to be a path from /");
	return field_set(run, "WorkingDir", json_string(value), why);
}

static int stop_signal_set(json_t *run, const char *value, struct diag *why)
{
	return field_set(run, "StopSignal", json_string(value), why);
}

/* The object or list of that name, borrowed from run, made where it is missing. */
static int part_of(json_t *run, const char *key, json_type type, json_t **ret, struct diag *why)
{
	json_t *part = json_object_get(run, key);

	if (part && json_typeof(part) == type) {
		*ret = part;
		return 0;
	}
	if (part && !json_is_null(part))
		return diag_set(why, -EUCLEAN, "'%s' of the config is something else", key);
	part = type == JSON_ARRAY ? json_array() : json_object();
	*ret = part;
	return json_object_set_new(run, key, part) < 0 ? -ENOMEM : 0;
}

/* "NAME=VALUE" in two; both are the caller's. */
static int pair_split(const char *text, char **ret_name, char **ret_value, struct diag *why)
{
	const char *sign = strchr(text, '=');
	size_t size;

	if (!sign || sign == text)
		return diag_set(why, -EINVAL, "it is no NAME=VALUE");
	size = strlen(sign + 1);
	if (size >= 2 && sign[1] == '"' && sign[size] == '"')
		*ret_value = strndup(sign + 2, size - 2);
	else
		*ret_value = strdup(sign + 1);
	*ret_name = strndup(text, (size_t)(sign - text));
	return *ret_name && *ret_value ? 0 : -ENOMEM;
}

/* The place of "NAME=..." in a list; its size: there is none. */
static size_t env_place(const json_t *list, const char *name)
{
	size_t size = strlen(name), i;
	json_t *item;

	json_array_foreach((json_t *)list, i, item)
	{
		const char *text = json_string_value(item);

		if (text && strncmp(text, name, size) == 0 && text[size] == '=')
			return i;
	}
	return json_array_size(list);
}

static int env_set(json_t *run, const char *value, struct diag *why)
{
	CLEAN(memory_freep) char *name = NULL;
	CLEAN(memory_freep) char *content = NULL;
	json_t *list = NULL, *item;
	size_t place;
	int r;

	r = pair_split(value, &name, &content, why);
	if (r == 0)
		r = part_of(run, "Env", JSON_ARRAY, &list, why);
	if (r < 0)
		return r;
	item = json_sprintf("%s=%s", name, content);
	if (!item)
		return diag_set(why, -EINVAL, "it is not UTF-8");
	place = env_place(list, name);
	if (place < json_array_size(list))
		r = json_array_set_new(list, place, item);
	else
		r = json_array_append_new(list, item);
	return r < 0 ? -ENOMEM : 0;
}

static int label_set(json_t *run, const char *value, struct diag *why)
{
	CLEAN(memory_freep) char *name = NULL;
	CLEAN(memory_freep) char *content = NULL;
	json_t *labels = NULL;
	int r;

	r = pair_split(value, &name, &content, why);
	if (r == 0)
		r = part_of(run, "Labels", JSON_OBJECT, &labels, why);
	if (r < 0)
		return r;
	if (json_object_set_new(labels, name, json_string(content)) < 0)
		return diag_set(why, -EINVAL, "it is not UTF-8");
	return 0;
}

/* Sets are objects with empty objects in them. */
static int set_add(json_t *run, const char *key, const char *name, struct diag *why)
{
	json_t *set = NULL;
	int r = part_of(run, key, JSON_OBJECT, &set, why);

	if (r < 0)
		return r;
	if (json_object_set_new(set, name, json_object()) < 0)
		return diag_set(why, -EINVAL, "it is not UTF-8");
	return 0;
}

static int port_add(json_t *run, const char *value, struct diag *why)
{
	char port[32];
	size_t digits = strspn(value, "0123456789");

	if (digits == 0 || digits > 5 || strtol(value, NULL, 10) > 65535 ||
	    (value[digits] && strcmp(value + digits, "/tcp") != 0 &&
	     strcmp(value + digits, "/udp") != 0 && strcmp(value + digits, "/sctp") != 0))
		return diag_set(why, -EINVAL, "it is no PORT[/tcp|udp|sctp]");
	(void)snprintf(port, sizeof(port), "%s%s", value, value[digits] ? "" : "/tcp");
	return set_add(run, "ExposedPorts", port, why);
}

static int volume_add(json_t *run, const char *value, struct diag *why)
{
	CLEAN(oci_json_releasep) json_t *list = list_of(value);
	json_t *item;
	size_t i;

	if (!list)
		return set_add(run, "Volumes", value, why);
	json_array_foreach(list, i, item)
	{
		int r = set_add(run, "Volumes", json_string_value(item), why);

		if (r < 0)
			return r;
	}
	return 0;
}

static const struct instruction {
	const char *name;
	int (*apply)(json_t *run, const char *value, struct diag *why);
} instructions[] = {
	{"CMD", cmd_set},     {"ENTRYPOINT", entrypoint_set}, {"ENV", env_set},
	{"EXPOSE", port_add}, {"LABEL", label_set},           {"STOPSIGNAL", stop_signal_set},
	{"USER", user_set},   {"VOLUME", volume_add},         {"WORKDIR", working_dir_set},
};
#define INSTRUCTION_COUNT (sizeof(instructions) / sizeof(instructions[0]))
#define INSTRUCTION_NAMES "CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR"

/* NULL: none. *ret_value is what stands behind the name. */
static const struct instruction *instruction_of(const char *change, const char **ret_value)
{
	size_t size = strcspn(change, " \t=");

	for (size_t i = 0; i < INSTRUCTION_COUNT; i++) {
		if (strlen(instructions[i].name) != size ||
		    strncasecmp(instructions[i].name, change, size) != 0 || !change[size])
			continue;
		*ret_value = change + size + 1;
		*ret_value += strspn(*ret_value, " \t");
		return &instructions[i];
	}
	return NULL;
}

int derive_change(json_t *run, const char *change, struct diag *why)
{
	const struct instruction *instruction;
	const char *value = "";
	int r;

	instruction = instruction_of(change, &value);
	if (!instruction)
		return diag_set(why, -EINVAL, "'%.100s' is none of " INSTRUCTION_NAMES, change);
	r = value[0] ? instruction->apply(run, value, why)
		     : diag_set(why, -EINVAL, "nothing is behind it");
	return r < 0 ? diag_wrap(why, r, "'%.100s'", change) : 0;
}

static bool has_change(const char *const *changes, const char *name)
{
	for (; *changes; changes++) {
		const char *value;
		const struct instruction *found = instruction_of(*changes, &value);

		if (found && strcmp(found->name, name) == 0)
			return true;
	}
	return false;
}

int derive_changes(json_t *run, const char *const *changes, struct diag *why)
{
	if (!changes)
		return 0;
	if (has_change(changes, "ENTRYPOINT") && !has_change(changes, "CMD"))
		(void)json_object_del(run, "Cmd");
	for (; *changes; changes++) {
		int r = derive_change(run, *changes, why);

		if (r < 0)
			return r;
	}
	return 0;
}
