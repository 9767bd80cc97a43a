/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The outermost object of a profile:
 *
 *   defaultAction                    for the system calls without a rule
 *   defaultErrno, defaultErrnoRet    what that answers
 *   archMap, architectures           of what else programs may be: for the host that has them, a
 *                                    list of {architecture, subArchitectures}; or one for all hosts
 *   flags, listenerPath, listenerMetadata
 *                                    for the runtime, as they are
 *   syscalls                         the rules (seccomp_rule.c)
 */
#include "oci/seccomp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "oci/json.h"
#include "oci/seccomp_private.h"

/* Of Go, of libseccomp, and of profiles. */
static const struct {
	const char *go;
	const char *rule;
	const char *map;
} architectures[] = {
	{"386", "x86", "SCMP_ARCH_X86"},
	{"amd64", "amd64", "SCMP_ARCH_X86_64"},
	{"arm", "arm", "SCMP_ARCH_ARM"},
	{"arm64", "arm64", "SCMP_ARCH_AARCH64"},
	{"loong64", "loong64", "SCMP_ARCH_LOONGARCH64"},
	{"mips", "mips", "SCMP_ARCH_MIPS"},
	{"mips64", "mips64", "SCMP_ARCH_MIPS64"},
	{"mips64le", "mipsel64", "SCMP_ARCH_MIPSEL64"},
	{"mipsle", "mipsel", "SCMP_ARCH_MIPSEL"},
	{"ppc64le", "ppc64le", "SCMP_ARCH_PPC64LE"},
	{"riscv64", "riscv64", "SCMP_ARCH_RISCV64"},
	{"s390x", "s390x", "SCMP_ARCH_S390X"},
};
#define ARCHITECTURE_COUNT (sizeof(architectures) / sizeof(architectures[0]))

const char *seccomp_architecture(const struct seccomp_host *host)
{
	for (size_t i = 0; i < ARCHITECTURE_COUNT; i++) {
		if (strcmp(architectures[i].go, host->platform.architecture) == 0)
			return architectures[i].rule;
	}
	return host->platform.architecture;
}

/* "" where profiles know nothing of it. */
static const char *map_architecture(const struct seccomp_host *host)
{
	for (size_t i = 0; i < ARCHITECTURE_COUNT; i++) {
		if (strcmp(architectures[i].go, host->platform.architecture) == 0)
			return architectures[i].map;
	}
	return "";
}

void seccomp_host_find(struct seccomp_host *ret)
{
	struct utsname name = {0};

	oci_platform_host(&ret->platform);
	(void)uname(&name);
	if (sscanf(name.release, "%3u.%5u", &ret->kernel_major, &ret->kernel_minor) != 2)
		ret->kernel_major = ret->kernel_minor = 0;
}

/* Append copies of the strings in object[key], of which there may be none. */
static int texts_append(json_t *list, const json_t *object, const char *key, struct diag *why)
{
	const json_t *texts = NULL;
	int r = oci_json_array(object, key, &texts, why);

	for (size_t i = 0; r == 0 && i < json_array_size(texts); i++) {
		const char *text = json_string_value(json_array_get(texts, i));

		if (!text)
			return diag_set(why, -EUCLEAN, "'%s' has what is not a string", key);
		if (json_array_append_new(list, json_string(text)) < 0)
			r = -ENOMEM;
	}
	return r;
}

/* The host's own, and those below it. */
static int map_apply(const json_t *map, const struct seccomp_host *host, json_t *list,
		     struct diag *why)
{
	for (size_t i = 0; i < json_array_size(map); i++) {
		const json_t *entry = json_array_get(map, i);
		const char *name;
		int r;

		if (!json_is_object(entry))
			return diag_set(why, -EUCLEAN, "'archMap' has what is not an object");
		r = oci_json_text_needed(entry, "architecture", &name, why);
		if (r < 0)
			return r;
		if (strcmp(name, map_architecture(host)) != 0)
			continue;
		if (json_array_append_new(list, json_string(name)) < 0)
			return -ENOMEM;
		return texts_append(list, entry, "subArchitectures", why);
	}
	return 0;
}

static int architectures_make(const json_t *profile, const struct seccomp_host *host, json_t *list,
			      struct diag *why)
{
	const json_t *map = NULL;
	int r;

	r = texts_append(list, profile, "architectures", why);
	if (r == 0)
		r = oci_json_array(profile, "archMap", &map, why);
	if (r < 0)
		return r;
	if (json_array_size(list) && json_array_size(map))
		return diag_set(why, -EUCLEAN, "both 'architectures' and 'archMap' are there");
	return map_apply(map, host, list, why);
}

static int rules_make(const json_t *profile, const struct seccomp_host *host, json_t *list,
		      struct diag *why)
{
	const json_t *rules = NULL;
	int r = oci_json_array(profile, "syscalls", &rules, why);

	for (size_t i = 0; r == 0 && i < json_array_size(rules); i++) {
		json_t *rule = NULL;

		r = seccomp_rule_apply(json_array_get(rules, i), host, &rule, why);
		if (r < 0)
			return diag_wrap(why, r, "rule %zu of 'syscalls'", i + 1);
		if (r > 0 && json_array_append_new(list, rule) < 0)
			return -ENOMEM;
		r = 0;
	}
	return r;
}

static int text_copy(const json_t *profile, const char *key, json_t *ret, struct diag *why)
{
	const char *text = NULL;
	int r = oci_json_text(profile, key, &text, why);

	if (r == 0 && text && *text && json_object_set_new(ret, key, json_string(text)) < 0)
		r = -ENOMEM;
	return r;
}

static int default_make(const json_t *profile, json_t *ret, struct diag *why)
{
	const char *action = NULL;
	int error = -1, r;

	r = oci_json_text_needed(profile, "defaultAction", &action, why);
	if (r == 0 && !seccomp_action_is_known(action))
		r = diag_set(why, -EUCLEAN, "there is no action '%.40s'", action);
	if (r == 0)
		r = seccomp_errno(profile, "defaultErrno", "defaultErrnoRet", &error, why);
	if (r < 0)
		return r;
	if (json_object_set_new(ret, "defaultAction", json_string(action)) < 0)
		return -ENOMEM;
	if (error >= 0 && json_object_set_new(ret, "defaultErrnoRet", json_integer(error)) < 0)
		return -ENOMEM;
	return 0;
}

/* Empty ones have no place in a runtime's config. */
static int list_set(json_t *ret, const char *key, json_t *list)
{
	return json_array_size(list) == 0 || json_object_set(ret, key, list) == 0 ? 0 : -ENOMEM;
}

static int lists_make(const json_t *profile, const struct seccomp_host *host, json_t *ret,
		      struct diag *why)
{
	CLEAN(oci_json_releasep) json_t *names = json_array();
	CLEAN(oci_json_releasep) json_t *flags = json_array();
	CLEAN(oci_json_releasep) json_t *rules = json_array();
	int r = names && flags && rules ? 0 : -ENOMEM;

	if (r == 0)
		r = architectures_make(profile, host, names, why);
	if (r == 0)
		r = texts_append(flags, profile, "flags", why);
	if (r == 0)
		r = rules_make(profile, host, rules, why);
	if (r == 0)
		r = list_set(ret, "architectures", names);
	if (r == 0)
		r = list_set(ret, "flags", flags);
	return r < 0 ? r : list_set(ret, "syscalls", rules);
}

int seccomp_profile_apply(struct span raw, const struct seccomp_host *host, struct json_t **ret,
			  struct diag *why)
{
	CLEAN(oci_json_releasep) json_t *profile = NULL;
	CLEAN(oci_json_releasep) json_t *made = json_object();
	int r = made ? oci_json_object_load(raw, &profile, why) : -ENOMEM;

	if (r == 0)
		r = default_make(profile, made, why);
	if (r == 0)
		r = text_copy(profile, "listenerPath", made, why);
	if (r == 0)
		r = text_copy(profile, "listenerMetadata", made, why);
	if (r == 0)
		r = lists_make(profile, host, made, why);
	if (r == 0)
		*ret = json_incref(made);
	return r;
}
