/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/storage_conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/limits.h"
#include "oci/toml.h"

/* Where in the file we are. */
enum section { SECTION_OTHER, SECTION_STORAGE, SECTION_OPTIONS };

struct loading {
	struct storage_conf *conf;
	enum section section;
};

void storage_conf_release(struct storage_conf *conf)
{
	int saved = errno;

	free(conf->driver);
	free(conf->graph_root);
	free(conf->image_store);
	free(conf->rootless_root);
	for (size_t i = 0; i < conf->additional_count; i++)
		free(conf->additional[i]);
	free(conf->additional);
	*conf = (struct storage_conf){0};
	errno = saved;
}

static int on_table(void *context, const struct toml_key *key, bool is_array, struct diag *why)
{
	struct loading *loading = context;

	(void)why;
	loading->section = SECTION_OTHER;
	if (is_array || strcmp(key->parts[0], "storage") != 0)
		return 0;
	if (key->count == 1)
		loading->section = SECTION_STORAGE;
	else if (key->count == 2 && strcmp(key->parts[1], "options") == 0)
		loading->section = SECTION_OPTIONS;
	return 0;
}

/* Of a key that is there twice, the last counts; an empty string says nothing. */
static int text_set(char **field, const char *name, const struct toml_value *value,
		    struct diag *why)
{
	char *text;

	if (value->type != TOML_STRING)
		return diag_set(why, -EUCLEAN, "'%s' is not a string", name);
	text = value->string[0] ? strdup(value->string) : NULL;
	if (value->string[0] && !text)
		return -ENOMEM;
	free(*field);
	*field = text;
	return 0;
}

static int additional_add(struct storage_conf *conf, const struct toml_value *value,
			  struct diag *why)
{
	const char *text = (const char *)value->strings.data;
	const char *end = text + value->strings.size;

	if (value->type != TOML_ARRAY)
		return diag_set(why, -EUCLEAN, "'additionalimagestores' is not a list");
	for (; text < end; text += strlen(text) + 1) {
		char **more;

		if (!text[0])
			continue;
		if (conf->additional_count == STORAGE_ROOT_MAX)
			return diag_set(why, -E2BIG, "more than %d additional image stores",
					STORAGE_ROOT_MAX);
		more = reallocarray(conf->additional, conf->additional_count + 1, sizeof(*more));
		if (!more)
			return -ENOMEM;
		conf->additional = more;
		more[conf->additional_count] = strdup(text);
		if (!more[conf->additional_count])
			return -ENOMEM;
		conf->additional_count++;
	}
	return 0;
}

static int on_value(void *context, const struct toml_key *key, const struct toml_value *value,
		    struct diag *why)
{
	const struct loading *loading = context;
	struct storage_conf *conf = loading->conf;
	const char *name = key->parts[0];
	const struct {
		const char *name;
		char **text;
	} fields[] = {
		{"driver", &conf->driver},
		{"graphroot", &conf->graph_root},
		{"imagestore", &conf->image_store},
		{"rootless_storage_path", &conf->rootless_root},
	};

	if (key->count != 1 || loading->section == SECTION_OTHER)
		return 0;
	if (loading->section == SECTION_OPTIONS)
		return strcmp(name, "additionalimagestores") == 0 ? additional_add(conf, value, why)
								  : 0;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strcmp(name, fields[i].name) == 0)
			return text_set(fields[i].text, name, value, why);
	}
	return 0;
}

int storage_conf_parse(struct span text, struct storage_conf *ret, struct diag *why)
{
	struct storage_conf conf = {0};
	struct loading loading = {.conf = &conf};
	const struct toml_listener listener = {on_table, on_value, &loading};
	int r;

	r = toml_read(text, &listener, why);
	if (r < 0) {
		storage_conf_release(&conf);
		return r;
	}
	*ret = conf;
	return 0;
}
