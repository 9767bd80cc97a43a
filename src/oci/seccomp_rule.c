/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * seccomp_rule.c - one entry of "syscalls"
 *
 *   names, name         of system calls; one of the two
 *   action              SCMP_ACT_...
 *   errno, errnoRet     what SCMP_ACT_ERRNO answers; the first is a name and counts before the
 * number args                [{index, value, valueTwo, op}], all of which must hold includes,
 * excludes  {arches, caps, minKernel}: where the rule counts, and where it does not
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "oci/json.h"
#include "oci/seccomp_private.h"

#define ERRNO_MAX 4095   /* MAX_ERRNO of Linux */
#define ARGUMENT_COUNT 6 /* of a system call */

static bool is_one_of(const char *text, const char *const *known)
{
	for (; *known; known++) {
		if (strcmp(text, *known) == 0)
			return true;
	}
	return false;
}

bool seccomp_action_is_known(const char *action)
{
	static const char *const known[] = {
		"SCMP_ACT_KILL",        "SCMP_ACT_KILL_PROCESS",
		"SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP",
		"SCMP_ACT_ERRNO",       "SCMP_ACT_TRACE",
		"SCMP_ACT_ALLOW",       "SCMP_ACT_LOG",
		"SCMP_ACT_NOTIFY",      NULL,
	};

	return is_one_of(action, known);
}

/* Of this machine: ENOSYS has another number on others. */
static int errno_of_text(const char *text, int *ret, struct diag *why)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (text[0] >= '0' && text[0] <= '9' && !*end && number <= ERRNO_MAX) {
		*ret = (int)number;
		return 0;
	}
	for (int i = 1; i <= ERRNO_MAX; i++) {
		const char *name = strerrorname_np(i);

		if (name && strcmp(name, text) == 0) {
			*ret = i;
			return 0;
		}
	}
	return diag_set(why, -EUCLEAN, "there is no error '%.40s'", text);
}

int seccomp_errno(const json_t *object, const char *name_key, const char *number_key, int *ret,
		  struct diag *why)
{
	const json_t *number_value = json_object_get(object, number_key);
	const char *name = NULL;
	uint64_t number;
	int r;

	r = oci_json_text(object, name_key, &name, why);
	if (r < 0)
		return r;
	if (name && *name)
		return errno_of_text(name, ret, why);
	if (!number_value || json_is_null(number_value)) {
		*ret = -1;
		return 0;
	}
	r = oci_json_number_needed(object, number_key, &number, why);
	if (r == 0 && number > ERRNO_MAX)
		r = diag_set(why, -EUCLEAN, "'%s' is no error", number_key);
	if (r == 0)
		*ret = (int)number;
	return r;
}

/* Conditions */

/* How many of the strings in object[key] have(), and how many there are. */
static int count_had(const json_t *object, const char *key, const struct seccomp_host *host,
		     bool (*have)(const struct seccomp_host *host, const char *text),
		     size_t *ret_had, size_t *ret_count, struct diag *why)
{
	const json_t *list = NULL;
	int r = oci_json_array(object, key, &list, why);

	*ret_had = 0;
	*ret_count = json_array_size(list);
	for (size_t i = 0; r == 0 && i < *ret_count; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text)
			return diag_set(why, -EUCLEAN, "'%s' has what is not a string", key);
		*ret_had += have(host, text);
	}
	return r;
}

static bool has_capability(const struct seccomp_host *host, const char *text)
{
	return is_one_of(text, host->capabilities);
}

static bool has_architecture(const struct seccomp_host *host, const char *text)
{
	return strcmp(text, seccomp_architecture(host)) == 0;
}

/* "4.8": the least version; there is none: not asked for. */
static int kernel_is_enough(const json_t *object, const struct seccomp_host *host, bool *ret_asked,
			    bool *ret, struct diag *why)
{
	const char *text = NULL;
	unsigned int major, minor;
	int size = 0, r;

	r = oci_json_text(object, "minKernel", &text, why);
	*ret_asked = text && *text;
	*ret = false;
	if (r < 0 || !*ret_asked)
		return r;
	if (sscanf(text, "%3u.%5u%n", &major, &minor, &size) != 2 || text[size])
		return diag_set(why, -EUCLEAN, "'%.40s' is no version of a kernel", text);
	*ret = host->kernel_major > major ||
	       (host->kernel_major == major && host->kernel_minor >= minor);
	return 0;
}

struct condition {
	size_t architectures, architectures_had;
	size_t capabilities, capabilities_had;
	bool has_kernel, kernel_had;
};

static int condition_read(const json_t *rule, const char *key, const struct seccomp_host *host,
			  struct condition *ret, struct diag *why)
{
	const json_t *object = NULL;
	int r;

	*ret = (struct condition){0};
	r = oci_json_object(rule, key, &object, why);
	if (r < 0 || !object)
		return r;
	r = count_had(object, "arches", host, has_architecture, &ret->architectures_had,
		      &ret->architectures, why);
	if (r == 0)
		r = count_had(object, "caps", host, has_capability, &ret->capabilities_had,
			      &ret->capabilities, why);
	if (r == 0)
		r = kernel_is_enough(object, host, &ret->has_kernel, &ret->kernel_had, why);
	return r;
}

/* Included: one of the architectures, all of the capabilities; excluded: any of them. */
static int rule_counts(const json_t *rule, const struct seccomp_host *host, bool *ret,
		       struct diag *why)
{
	struct condition includes, excludes;
	int r;

	r = condition_read(rule, "includes", host, &includes, why);
	if (r == 0)
		r = condition_read(rule, "excludes", host, &excludes, why);
	if (r < 0)
		return r;
	*ret = (includes.architectures == 0 || includes.architectures_had > 0) &&
	       includes.capabilities_had == includes.capabilities &&
	       (!includes.has_kernel || includes.kernel_had) && excludes.architectures_had == 0 &&
	       excludes.capabilities_had == 0 && !excludes.kernel_had;
	return 0;
}

/* What is left */

static int argument_make(const json_t *argument, json_t **ret, struct diag *why)
{
	static const char *const known[] = {"SCMP_CMP_NE",        "SCMP_CMP_LT", "SCMP_CMP_LE",
					    "SCMP_CMP_EQ",        "SCMP_CMP_GE", "SCMP_CMP_GT",
					    "SCMP_CMP_MASKED_EQ", NULL};
	uint64_t index, value, second = 0;
	const char *op;
	int r;

	if (!json_is_object(argument))
		return diag_set(why, -EUCLEAN, "an argument is not an object");
	r = oci_json_number_needed(argument, "index", &index, why);
	if (r == 0)
		r = oci_json_number_needed(argument, "value", &value, why);
	if (r == 0 && json_object_get(argument, "valueTwo"))
		r = oci_json_number_needed(argument, "valueTwo", &second, why);
	if (r == 0)
		r = oci_json_text_needed(argument, "op", &op, why);
	if (r < 0)
		return r;
	if (index >= ARGUMENT_COUNT || !is_one_of(op, known))
		return diag_set(why, -EUCLEAN, "a condition of argument %llu by '%.40s'",
				(unsigned long long)index, op);
	*ret = json_pack("{s:I, s:I, s:s}", "index", (json_int_t)index, "value", (json_int_t)value,
			 "op", op);
	if (*ret && second &&
	    json_object_set_new(*ret, "valueTwo", json_integer((json_int_t)second)) < 0)
		oci_json_releasep(ret);
	return *ret ? 0 : -ENOMEM;
}

static int arguments_make(const json_t *rule, json_t **ret, struct diag *why)
{
	CLEAN(oci_json_releasep) json_t *made = json_array();
	const json_t *list = NULL;
	int r = made ? oci_json_array(rule, "args", &list, why) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		json_t *argument = NULL;

		r = argument_make(json_array_get(list, i), &argument, why);
		if (r == 0 && json_array_append_new(made, argument) < 0)
			r = -ENOMEM;
	}
	if (r == 0)
		*ret = json_incref(made);
	return r;
}

static int names_make(const json_t *rule, json_t **ret, struct diag *why)
{
	const json_t *names = NULL;
	const char *name = NULL;
	int r;

	r = oci_json_text(rule, "name", &name, why);
	if (r == 0)
		r = oci_json_array(rule, "names", &names, why);
	if (r < 0)
		return r;
	if ((name && *name) == (json_array_size(names) > 0))
		return diag_set(why, -EUCLEAN, "a rule has either 'names' or a 'name'");
	for (size_t i = 0; i < json_array_size(names); i++) {
		if (!json_is_string(json_array_get(names, i)))
			return diag_set(why, -EUCLEAN, "'names' has what is not a string");
	}
	*ret = json_array_size(names) ? json_deep_copy(names) : json_pack("[s]", name);
	return *ret ? 0 : -ENOMEM;
}

static int rule_make(const json_t *rule, json_t **ret, struct diag *why)
{
	CLEAN(oci_json_releasep) json_t *names = NULL;
	CLEAN(oci_json_releasep) json_t *arguments = NULL;
	CLEAN(oci_json_releasep) json_t *made = NULL;
	const char *action;
	int error = -1, r;

	r = oci_json_text_needed(rule, "action", &action, why);
	if (r == 0 && !seccomp_action_is_known(action))
		r = diag_set(why, -EUCLEAN, "there is no action '%.40s'", action);
	if (r == 0)
		r = seccomp_errno(rule, "errno", "errnoRet", &error, why);
	if (r == 0)
		r = names_make(rule, &names, why);
	if (r == 0)
		r = arguments_make(rule, &arguments, why);
	if (r < 0)
		return r;
	made = json_pack("{s:O, s:s}", "names", names, "action", action);
	if (!made)
		return -ENOMEM;
	if (json_array_size(arguments) && json_object_set(made, "args", arguments) < 0)
		return -ENOMEM;
	if (error >= 0 && json_object_set_new(made, "errnoRet", json_integer(error)) < 0)
		return -ENOMEM;
	*ret = json_incref(made);
	return 0;
}

int seccomp_rule_apply(const json_t *rule, const struct seccomp_host *host, json_t **ret,
		       struct diag *why)
{
	bool counts = false;
	int r;

	if (!json_is_object(rule))
		return diag_set(why, -EUCLEAN, "it is not an object");
	r = rule_counts(rule, host, &counts, why);
	if (r == 0)
		r = rule_make(rule, ret, why);
	if (r < 0 || counts)
		return r < 0 ? r : 1;
	oci_json_releasep(ret);
	return 0;
}
