/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/registries_conf.h"

#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/toml.h"

/* Where in the file we are. */
enum section {
	SECTION_TOP,
	SECTION_REGISTRY,
	SECTION_MIRROR,
	SECTION_OTHER,
};

/* Which keys the table has had, by their row in what follows. */
struct loading {
	struct registries_conf *conf;
	size_t first; /* rules from here on are of this file */
	enum section section;
	unsigned int seen;
};

static void rule_release(struct registry_rule *rule)
{
	for (size_t i = 0; i < rule->mirror_count; i++)
		free(rule->mirrors[i].location);
	free(rule->mirrors);
	free(rule->prefix);
	free(rule->location);
}

void registries_conf_release(struct registries_conf *conf)
{
	int saved = errno;

	for (size_t i = 0; i < conf->count; i++)
		rule_release(&conf->rules[i]);
	free(conf->rules);
	*conf = (struct registries_conf){0};
	errno = saved;
}

static int rule_add(struct registries_conf *conf, struct diag *why)
{
	struct registry_rule *rules;

	if (conf->count == REGISTRIES_COUNT_MAX)
		return diag_set(why, -E2BIG, "more than %d registries", REGISTRIES_COUNT_MAX);
	rules = reallocarray(conf->rules, conf->count + 1, sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	conf->rules = rules;
	conf->rules[conf->count++] = (struct registry_rule){.file = conf->files};
	return 0;
}

static int mirror_add(struct registry_rule *rule, struct diag *why)
{
	struct registry_mirror *mirrors;

	if (rule->mirror_count == MIRRORS_COUNT_MAX)
		return diag_set(why, -E2BIG, "more than %d mirrors", MIRRORS_COUNT_MAX);
	mirrors = reallocarray(rule->mirrors, rule->mirror_count + 1, sizeof(*mirrors));
	if (!mirrors)
		return -ENOMEM;
	rule->mirrors = mirrors;
	rule->mirrors[rule->mirror_count++] = (struct registry_mirror){0};
	return 0;
}

static int on_table(void *context, const struct toml_key *key, bool is_array, struct diag *why)
{
	struct loading *loading = context;
	struct registries_conf *conf = loading->conf;

	loading->section = SECTION_OTHER;
	loading->seen = 0;
	if (strcmp(key->parts[0], "registries") == 0)
		return diag_set(why, -EOPNOTSUPP,
				"this is version 1 of registries.conf: [[registry]] was expected");
	if (strcmp(key->parts[0], "registry") != 0)
		return 0;
	if (key->count == 1 && is_array) {
		loading->section = SECTION_REGISTRY;
		return rule_add(conf, why);
	}
	if (key->count == 2 && is_array && strcmp(key->parts[1], "mirror") == 0) {
		if (conf->count == loading->first)
			return diag_set(why, -EUCLEAN, "a mirror of no registry");
		loading->section = SECTION_MIRROR;
		return mirror_add(&conf->rules[conf->count - 1], why);
	}
	return diag_set(why, -EUCLEAN, "[[registry]] or [[registry.mirror]] was expected");
}

/* A host, or a name below it; without a host it would be taken for a name at docker.io. */
static bool location_is_valid(const char *text)
{
	size_t host = strcspn(text, "/");
	bool is_host = memchr(text, '.', host) || memchr(text, ':', host) ||
		       (host == 9 && memcmp(text, "localhost", 9) == 0);

	return is_host && oci_registry_is_valid(span_of(text, host)) &&
	       strlen(text) <= REFERENCE_SIZE_MAX;
}

static bool prefix_is_valid(const char *text)
{
	if (strncmp(text, "*.", 2) == 0)
		return oci_registry_is_valid(span_of_string(text + 2));
	return location_is_valid(text);
}

/* The fields of a table that we know. */
struct field {
	const char *name;
	char **string;
	bool *boolean;
	bool (*is_valid)(const char *text);
};

static int field_set(struct loading *loading, const struct field *fields, size_t count,
		     const char *name, const struct toml_value *value, struct diag *why)
{
	for (size_t i = 0; i < count; i++) {
		const struct field *field = &fields[i];

		if (strcmp(field->name, name) != 0)
			continue;
		if (loading->seen & 1U << i)
			return diag_set(why, -EUCLEAN, "'%s' is there twice", name);
		loading->seen |= 1U << i;
		if (value->type != (field->string ? TOML_STRING : TOML_BOOLEAN))
			return diag_set(why, -EUCLEAN, "'%s' is of the wrong type", name);
		if (field->boolean) {
			*field->boolean = value->boolean;
			return 0;
		}
		if (!value->string[0]) /* the same as to say nothing */
			return 0;
		if (field->is_valid && !field->is_valid(value->string))
			return diag_set(why, -EUCLEAN, "'%s' is not HOST[:PORT][/PATH]", name);
		*field->string = strdup(value->string);
		return *field->string ? 0 : -ENOMEM;
	}
	return 0;
}

static int mirror_value(struct loading *loading, struct registry_mirror *mirror, const char *name,
			const struct toml_value *value, struct diag *why)
{
	CLEAN(memory_freep) char *pull = NULL;
	const struct field fields[] = {
		{"location", &mirror->location, NULL, location_is_valid},
		{"insecure", NULL, &mirror->is_insecure, NULL},
		{"pull-from-mirror", &pull, NULL, NULL},
	};
	int r = field_set(loading, fields, sizeof(fields) / sizeof(fields[0]), name, value, why);

	if (r < 0 || !pull)
		return r;
	if (strcmp(pull, "digest-only") == 0)
		mirror->pull = MIRROR_BY_DIGEST;
	else if (strcmp(pull, "tag-only") == 0)
		mirror->pull = MIRROR_BY_TAG;
	else if (strcmp(pull, "all") != 0)
		return diag_set(why, -EUCLEAN, "'%s' is not all, digest-only or tag-only", name);
	return 0;
}

static int on_value(void *context, const struct toml_key *key, const struct toml_value *value,
		    struct diag *why)
{
	struct loading *loading = context;
	struct registries_conf *conf = loading->conf;
	struct registry_rule *rule = conf->count ? &conf->rules[conf->count - 1] : NULL;

	if (loading->section == SECTION_TOP &&
	    (strcmp(key->parts[0], "registry") == 0 || strcmp(key->parts[0], "registries") == 0))
		return diag_set(why, -EUCLEAN, "[[registry]] was expected");
	if (loading->section == SECTION_REGISTRY && strcmp(key->parts[0], "mirror") == 0)
		return diag_set(why, -EUCLEAN, "[[registry.mirror]] was expected");
	if (key->count != 1 || !rule)
		return 0;
	if (loading->section == SECTION_MIRROR)
		return mirror_value(loading, &rule->mirrors[rule->mirror_count - 1], key->parts[0],
				    value, why);
	if (loading->section == SECTION_REGISTRY) {
		const struct field fields[] = {
			{"prefix", &rule->prefix, NULL, prefix_is_valid},
			{"location", &rule->location, NULL, location_is_valid},
			{"insecure", NULL, &rule->is_insecure, NULL},
			{"blocked", NULL, &rule->is_blocked, NULL},
			{"mirror-by-digest-only", NULL, &rule->mirrors_by_digest, NULL},
		};

		return field_set(loading, fields, sizeof(fields) / sizeof(fields[0]), key->parts[0],
				 value, why);
	}
	return 0;
}

/* What has to be there once all of a file is read. */
static int rule_check(struct registry_rule *rule, struct diag *why)
{
	if (!rule->prefix && !rule->location)
		return diag_set(why, -EUCLEAN, "a registry without prefix and location");
	if (!rule->prefix) {
		rule->prefix = strdup(rule->location);
		if (!rule->prefix)
			return -ENOMEM;
	}
	for (size_t i = 0; i < rule->mirror_count; i++) {
		struct registry_mirror *mirror = &rule->mirrors[i];

		if (!mirror->location)
			return diag_set(why, -EUCLEAN, "a mirror of '%.200s' without location",
					rule->prefix);
		if (rule->mirrors_by_digest && mirror->pull != MIRROR_ALWAYS)
			return diag_set(why, -EUCLEAN,
					"pull-from-mirror and mirror-by-digest-only of '%.200s' "
					"exclude each other",
					rule->prefix);
		if (rule->mirrors_by_digest)
			mirror->pull = MIRROR_BY_DIGEST;
	}
	return 0;
}

int registries_conf_add(struct registries_conf *conf, struct span text, struct diag *why)
{
	struct loading loading = {.conf = conf, .first = conf->count};
	const struct toml_listener listener = {on_table, on_value, &loading};
	int r;

	conf->files++;
	r = toml_read(text, &listener, why);
	for (size_t i = loading.first; r == 0 && i < conf->count; i++)
		r = rule_check(&conf->rules[i], why);
	if (r == 0)
		return 0;
	while (conf->count > loading.first)
		rule_release(&conf->rules[--conf->count]);
	return r;
}
