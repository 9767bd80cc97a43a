/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * runtime_process.c - which program, as whom, with which environment
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/utf8.h"
#include "oci/config.h"
#include "oci/json.h"
#include "oci/runtime_spec_private.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* What podman 4 gives by default (containers.conf(5), default_capabilities). */
const char *const runtime_capabilities[] = {
	"CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",     "CAP_FSETID",
	"CAP_KILL",    "CAP_NET_BIND_SERVICE", "CAP_SETFCAP",    "CAP_SETGID",
	"CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT", NULL,
};

static json_t *capability_list(void)
{
	json_t *list = json_array();

	for (size_t i = 0; list && runtime_capabilities[i]; i++) {
		if (json_array_append_new(list, json_string(runtime_capabilities[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* Somebody else than root keeps them only in the bounding set, as after an execve of root's. */
static json_t *capability_sets(bool is_root)
{
	static const char *const sets[] = {"bounding", "effective", "permitted"};
	json_t *object = json_object();

	for (size_t i = 0; object && i < sizeof(sets) / sizeof(sets[0]); i++) {
		json_t *list = i == 0 || is_root ? capability_list() : json_array();

		if (json_object_set_new(object, sets[i], list) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* Jansson gives no string for what is not UTF-8, nor where it is out of memory. */
static int text_check(const char *text, struct diag *why)
{
	return utf8_is_valid(span_of_string(text))
		       ? 0
		       : diag_set(why, -EINVAL, "'%s' is not UTF-8", text);
}

static int append_text(json_t *list, const char *text, struct diag *why)
{
	int r = text_check(text, why);

	if (r < 0)
		return r;
	return json_array_append_new(list, json_string(text)) < 0 ? -ENOMEM : 0;
}

static int append_texts(json_t *list, const char *const *texts, struct diag *why)
{
	int r = 0;

	for (size_t i = 0; r == 0 && texts && texts[i]; i++)
		r = append_text(list, texts[i], why);
	return r;
}

/*
 * Entrypoint, then Cmd. Whoever replaces the entrypoint does not want the arguments that the image
 * has for its own (podman-run(1), --entrypoint).
 */
static int append_arguments(json_t *list, const struct runtime_request *request, struct diag *why)
{
	const char *const *entrypoint = request->entrypoint;
	const char *const *command = request->command;
	int r;

	if (!command && !entrypoint)
		command = request->image->cmd.items;
	if (!entrypoint)
		entrypoint = request->image->entrypoint.items;
	r = append_texts(list, entrypoint, why);
	if (r == 0)
		r = append_texts(list, command, why);
	if (r == 0 && json_array_size(list) == 0)
		return diag_set(why, -EINVAL, "the image has no command: give one");
	return r;
}

/* Environment: a later setting of a name takes the place of an earlier one. */

static bool has_name(const char *entry, const char *name, size_t size)
{
	return strncmp(entry, name, size) == 0 && entry[size] == '=';
}

static int env_set(json_t *list, const char *entry, struct diag *why)
{
	size_t size = strcspn(entry, "=");
	int r;

	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!has_name(json_string_value(json_array_get(list, i)), entry, size))
			continue;
		r = text_check(entry, why);
		if (r < 0)
			return r;
		return json_array_set_new(list, i, json_string(entry)) < 0 ? -ENOMEM : 0;
	}
	return append_text(list, entry, why);
}

static bool env_has(const json_t *list, const char *name)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (has_name(json_string_value(json_array_get(list, i)), name, strlen(name)))
			return true;
	}
	return false;
}

/* NAME=value. No '=' at all is our own value; without one there is nothing to set. */
static int env_set_named(json_t *list, const char *name, const char *value, struct diag *why)
{
	CLEAN(memory_freep) char *entry = NULL;

	if (asprintf(&entry, "%s=%s", name, value) < 0)
		return -ENOMEM;
	return env_set(list, entry, why);
}

static int env_apply(json_t *list, const char *const *entries, bool takes_own, struct diag *why)
{
	int r = 0;

	for (size_t i = 0; r == 0 && entries && entries[i]; i++) {
		if (entries[i][0] == '=' || entries[i][0] == '\0')
			return diag_set(why, -EINVAL,
					"an environment variable without a name: '%s'", entries[i]);
		if (strchr(entries[i], '='))
			r = env_set(list, entries[i], why);
		else if (takes_own && getenv(entries[i]))
			r = env_set_named(list, entries[i], getenv(entries[i]), why);
	}
	return r;
}

static int append_env(json_t *list, const struct runtime_request *request, struct diag *why)
{
	int r;

	r = append_text(list, DEFAULT_PATH, why);
	if (r == 0 && request->has_terminal)
		r = append_text(list, "TERM=xterm", why);
	if (r == 0)
		r = env_set_named(list, "HOSTNAME", request->hostname, why);
	if (r == 0)
		r = append_text(list, "container=lamina", why);
	if (r == 0)
		r = env_apply(list, request->image->env.items, false, why);
	if (r == 0)
		r = env_apply(list, request->env, true, why);
	if (r == 0 && !env_has(list, "HOME"))
		r = env_set_named(list, "HOME", request->home ? request->home : "/", why);
	return r;
}

static json_t *user_of(const struct runtime_user *user)
{
	json_t *object =
		json_pack("{s:I, s:I}", "uid", (json_int_t)user->uid, "gid", (json_int_t)user->gid);
	json_t *gids = json_array();
	int r = gids ? 0 : -1;

	for (size_t i = 0; r == 0 && i < user->additional_gid_count; i++)
		r = json_array_append_new(gids, json_integer((json_int_t)user->additional_gids[i]));
	if (r < 0)
		json_decref(gids);
	else
		r = json_object_set_new(object, "additionalGids", gids); /* takes it anyhow */
	if (r == 0)
		return object;
	json_decref(object);
	return NULL;
}

static const char *working_dir(const struct runtime_request *request)
{
	const char *dir = request->working_dir ? request->working_dir : request->image->working_dir;

	return dir && *dir ? dir : "/";
}

json_t *runtime_process(const struct runtime_request *request, struct diag *why)
{
	CLEAN(oci_json_releasep) json_t *arguments = json_array();
	CLEAN(oci_json_releasep) json_t *env = json_array();
	const char *dir = working_dir(request);

	if (!arguments || !env || append_arguments(arguments, request, why) < 0 ||
	    append_env(env, request, why) < 0)
		return NULL;
	if (dir[0] != '/') {
		(void)diag_set(why, -EINVAL, "the working directory '%s' is not absolute", dir);
		return NULL;
	}
	if (text_check(dir, why) < 0)
		return NULL;
	return json_pack("{s:b, s:o, s:O, s:O, s:s, s:o, s:b, s:[{s:s, s:i, s:i}]}", "terminal",
			 request->has_terminal, "user", user_of(&request->user), "args", arguments,
			 "env", env, "cwd", dir, "capabilities",
			 capability_sets(request->user.uid == 0), "noNewPrivileges", 0, "rlimits",
			 "type", "RLIMIT_NOFILE", "hard", 1024, "soft", 1024);
}
