/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "oci/reference_private.h"
#include "oci/registries_conf.h"

#define SCHEME "docker://"

void registry_places_release(struct registry_places *places)
{
	int saved = errno;

	for (size_t i = 0; i < places->count; i++)
		oci_reference_release(&places->places[i].reference);
	free(places->places);
	*places = (struct registry_places){0};
	errno = saved;
}

/* How much of name ("host/path:tag@digest") the prefix takes; 0: it does not match. */
static size_t match(const char *prefix, const char *name)
{
	size_t size = strlen(prefix), host = strcspn(name, "/");

	if (strncmp(prefix, "*.", 2) == 0) {
		/* "*.example.com": the host ends so, and there is something before. */
		size -= 1;
		return host > size && memcmp(name + host - size, prefix + 1, size) == 0 ? host : 0;
	}
	if (strncmp(prefix, name, size) != 0)
		return 0;
	return name[size] == '\0' || strchr("/:@", name[size]) ? size : 0;
}

/*
 * The longest match. "h.io" takes "h.io:5000/x" no more than it takes "h.io.evil/x": what follows a
 * host is a path.
 */
static const struct registry_rule *rule_find(const struct registries_conf *conf, const char *name,
					     size_t *ret_size)
{
	const struct registry_rule *best = NULL;
	size_t best_size = 0, host = strcspn(name, "/");

	for (size_t i = 0; i < conf->count; i++) {
		const struct registry_rule *rule = &conf->rules[i];
		size_t size = match(rule->prefix, name), length = strlen(rule->prefix);

		if (size == 0 || size < host)
			continue;
		if (best &&
		    (length < best_size || (length == best_size && rule->file == best->file)))
			continue;
		best = rule;
		best_size = length;
		*ret_size = size;
	}
	return best;
}

/* The name with location in place of its first size bytes; NULL location: as it is. */
static int place_add(struct registry_places *places, const char *location, const char *name,
		     size_t size, bool is_insecure, struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	struct registry_place *grown;
	struct oci_reference reference;
	int r = buf_append_string(&text, SCHEME);

	if (r == 0 && location)
		r = buf_append_string(&text, location);
	if (r == 0)
		r = buf_append_string(&text, location ? name + size : name);
	if (r < 0 || !buf_string(&text))
		return -ENOMEM;
	/* A host alone would be taken for a name at docker.io. */
	if (!reference_has_host(span_of_string(buf_string(&text) + strlen(SCHEME))))
		r = diag_set(why, -EINVAL, "it has no path");
	else
		r = oci_reference_parse(buf_string(&text), &reference, why);
	if (r < 0)
		return diag_wrap(why, r, "registries.conf makes '%.200s' of it",
				 buf_string(&text) + strlen(SCHEME));
	grown = reallocarray(places->places, places->count + 1, sizeof(*grown));
	if (!grown) {
		oci_reference_release(&reference);
		return -ENOMEM;
	}
	places->places = grown;
	places->places[places->count++] = (struct registry_place){reference, is_insecure};
	return 0;
}

static bool mirror_is_for(const struct registry_mirror *mirror,
			  const struct oci_reference *reference)
{
	bool has_digest = reference->digest.algorithm != DIGEST_NONE;

	switch (mirror->pull) {
	case MIRROR_BY_DIGEST:
		return has_digest;
	case MIRROR_BY_TAG:
		return !has_digest;
	default:
		return true;
	}
}

int registries_conf_places(const struct registries_conf *conf,
			   const struct oci_reference *reference, bool for_push,
			   struct registry_places *ret, struct diag *why)
{
	CLEAN(registry_places_release) struct registry_places places = {0};
	CLEAN(buf_release) struct buf text = {0};
	const struct registry_rule *rule;
	const char *name;
	size_t size = 0;
	int r = oci_reference_format_name(reference, &text);

	name = r == 0 ? buf_string(&text) : NULL;
	if (!name)
		return -ENOMEM;
	rule = rule_find(conf, name, &size);
	if (rule && rule->is_blocked && !for_push)
		return diag_set(why, -EPERM, "registries.conf blocks '%.200s'", rule->prefix);
	for (size_t i = 0; r == 0 && rule && !for_push && i < rule->mirror_count; i++) {
		const struct registry_mirror *mirror = &rule->mirrors[i];

		if (mirror_is_for(mirror, reference))
			r = place_add(&places, mirror->location, name, size, mirror->is_insecure,
				      why);
	}
	if (r == 0)
		r = place_add(&places, rule && !for_push ? rule->location : NULL, name, size,
			      rule && rule->is_insecure, why);
	if (r < 0)
		return r;
	*ret = places;
	places = (struct registry_places){0}; /* handed over */
	return 0;
}
