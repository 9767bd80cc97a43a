/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 *   {
 *     "auths": {
 *       "quay.io/user": { "auth": base64(user ":" password) },
 *       "https://index.docker.io/v1/": { "auth": ..., "identitytoken": "..." }
 *     },
 *     "credHelpers": { "ghcr.io": "secretservice" },
 *     "credsStore": "pass"
 *   }
 *
 * containers-auth.json(5). Other keys are other programs' business. No message repeats any of the
 * text, which is full of secrets.
 */
#include <errno.h>
#include <jansson.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "oci/credentials.h"
#include "oci/json.h"

/* The names of Docker's own registry that have been written into these files. */
static bool is_docker(const char *host, size_t size)
{
	static const char *const names[] = {"docker.io", "index.docker.io", "registry-1.docker.io"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i]) == size && memcmp(names[i], host, size) == 0)
			return true;
	}
	return false;
}

/* A key that Docker wrote: "https://HOST/v1/" for HOST, or one of its own registry's names. */
static bool key_is_of(const char *key, const char *registry)
{
	static const char *const schemes[] = {"https://", "http://"};
	size_t size;

	for (size_t i = 0; i < 2; i++) {
		if (strncmp(key, schemes[i], strlen(schemes[i])) == 0) {
			key += strlen(schemes[i]);
			size = strcspn(key, "/");
			return (strlen(registry) == size && memcmp(key, registry, size) == 0) ||
			       (is_docker(key, size) && is_docker(registry, strlen(registry)));
		}
	}
	return is_docker(key, strlen(key)) && is_docker(registry, strlen(registry));
}

static int malformed(struct diag *why, const char *what)
{
	return diag_set(why, -EUCLEAN, "%s", what);
}

/* base64 of "user:password". */
static int auth_decode(const char *text, struct credentials *ret, struct diag *why)
{
	CLEAN(buf_wipe) struct buf pair = {0};
	char *user, *colon;
	int r = buf_reserve(&pair, strlen(text) + 1);

	if (r == 0)
		r = base64_decode(span_of_string(text), &pair);
	if (r == -EUCLEAN)
		return malformed(why, "'auth' of an entry is not base64");
	user = r == 0 ? buf_string(&pair) : NULL;
	if (!user)
		return -ENOMEM;
	/* Some writers have padded the pair with NULs. */
	while (pair.size && pair.data[pair.size - 1] == '\0')
		pair.size--;
	colon = strchr(user, ':');
	if (!colon || strlen(user) != pair.size)
		return malformed(why, "'auth' of an entry is not USER:PASSWORD");
	ret->username = strndup(user, (size_t)(colon - user));
	ret->password = strdup(colon + 1);
	return ret->username && ret->password ? 0 : -ENOMEM;
}

/* Returns 1, or 0 for an entry that has nothing in it, as Docker writes beside a credsStore. */
static int entry_read(const json_t *value, struct credentials *ret, struct diag *why)
{
	const char *auth = json_string_value(json_object_get(value, "auth"));
	const char *token = json_string_value(json_object_get(value, "identitytoken"));
	int r = 0;

	if (!json_is_object(value))
		return malformed(why, "an entry of 'auths' is not an object");
	if (auth && auth[0])
		r = auth_decode(auth, ret, why);
	if (r < 0)
		return r;
	if (token && token[0]) {
		ret->identity_token = strdup(token);
		if (!ret->identity_token)
			return -ENOMEM;
	}
	return credentials_are_empty(ret) ? 0 : 1;
}

/* The entry of the longest of REGISTRY/PATH, REGISTRY/PA, REGISTRY; then of the other spellings. */
static int auths_find(const json_t *auths, const char *registry, const char *repository,
		      struct credentials *ret, struct diag *why)
{
	CLEAN(memory_freep) char *key = NULL;
	const json_t *value;
	const char *name;
	char *slash;
	int r = 0;

	if (asprintf(&key, "%s/%s", registry, repository) < 0)
		return -ENOMEM;
	do {
		value = json_object_get(auths, key);
		if (value)
			r = entry_read(value, ret, why);
		slash = strrchr(key, '/');
		if (slash)
			*slash = '\0';
	} while (r == 0 && slash);
	json_object_foreach((json_t *)auths, name, value)
	{
		if (r == 0 && key_is_of(name, registry))
			r = entry_read(value, ret, why);
	}
	return r;
}

/* A name is part of a program's: no path. */
static int helper_set(const json_t *value, char **ret, struct diag *why)
{
	const char *name = json_string_value(value);

	if (!name || !name[0] ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")])
		return malformed(why, "the name of a credential helper is not one");
	*ret = strdup(name);
	return *ret ? 1 : -ENOMEM;
}

static int helpers_find(const json_t *helpers, const char *registry, char **ret, struct diag *why)
{
	const json_t *value = json_object_get(helpers, registry);
	const char *name;
	const json_t *other;

	json_object_foreach((json_t *)helpers, name, other)
	{
		if (!value && key_is_of(name, registry))
			value = other;
	}
	return value ? helper_set(value, ret, why) : 0;
}

static int root_find(const json_t *root, const char *registry, const char *repository,
		     struct auth_entry *entry, struct diag *why)
{
	const json_t *auths = json_object_get(root, "auths");
	const json_t *helpers = json_object_get(root, "credHelpers");
	const json_t *store = json_object_get(root, "credsStore");
	int r;

	if ((auths && !json_is_object(auths)) || (helpers && !json_is_object(helpers)) ||
	    (store && !json_is_string(store)))
		return malformed(why,
				 "'auths', 'credHelpers' or 'credsStore' is of the wrong type");
	r = helpers_find(helpers, registry, &entry->helper, why);
	if (r == 0)
		r = auths_find(auths, registry, repository, &entry->credentials, why);
	if (r == 0 && store && json_string_length(store))
		r = helper_set(store, &entry->helper, why);
	return r;
}

int auth_file_find(struct span text, const char *registry, const char *repository,
		   struct auth_entry *ret, struct diag *why)
{
	CLEAN(auth_entry_release) struct auth_entry entry = {0};
	CLEAN(oci_json_releasep) json_t *root = NULL;
	json_error_t error;
	int r;

	/* A file that was made and never written to. */
	if (text.size == 0)
		return 0;
	root = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
	if (!root && (!error.text[0] || json_error_code(&error) == json_error_out_of_memory))
		return diag_set(why, -ENOMEM, "out of memory");
	/* Not error.text, which repeats what is there. */
	if (!root)
		return diag_set(why, -EUCLEAN, "line %d is not JSON", error.line);
	if (!json_is_object(root))
		return malformed(why, "not an object");
	r = root_find(root, registry, repository, &entry, why);
	if (r == 1) {
		*ret = entry;
		entry = (struct auth_entry){0}; /* handed over */
	}
	return r;
}
