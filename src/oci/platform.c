/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/platform.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/diag.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define VARIANT_MAX 5

/* uname(2) to Go's names. Where a machine has a variant, it is the least that its name promises. */
static const struct {
	const char *machine;
	const char *architecture;
	const char *variant;
} machines[] = {
	{"x86_64", "amd64", ""},
	{"i386", "386", ""},
	{"i486", "386", ""},
	{"i586", "386", ""},
	{"i686", "386", ""},
	{"aarch64", "arm64", "v8"},
	{"aarch64_be", "arm64be", ""},
	{"armv8l", "arm", "v8"},
	{"armv7l", "arm", "v7"},
	{"armv6l", "arm", "v6"},
	{"armv5tel", "arm", "v5"},
	{"armv5tejl", "arm", "v5"},
	{"loongarch64", "loong64", ""},
};

/* Each variant serves those who want one before it in its list. */
static const struct {
	const char *architecture;
	const char *usual; /* what no variant means */
	const char *variants[VARIANT_MAX];
} ladders[] = {
	{"amd64", "v1", {"v4", "v3", "v2", "v1"}},
	{"arm64", "v8", {"v8"}},
	{"arm", "v7", {"v8", "v7", "v6", "v5"}},
};

static bool part_is_valid(const char *text, size_t size)
{
	if (size == 0 || size >= PLATFORM_PART_SIZE_MAX)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", text[i]) || !text[i])
			return false;
	}
	return true;
}

int oci_platform_parse(const char *text, struct oci_platform *ret, struct diag *why)
{
	struct oci_platform platform = {0};
	char *const parts[] = {platform.os, platform.architecture, platform.variant};
	const char *rest = text;
	size_t count;

	for (count = 0; count < COUNT(parts); count++) {
		size_t size = strcspn(rest, "/");

		if (!part_is_valid(rest, size))
			break;
		memcpy(parts[count], rest, size);
		rest += size;
		if (!*rest && count > 0) {
			*ret = platform;
			return 0;
		}
		rest += *rest == '/';
	}
	return diag_set(why, -EINVAL, "'%.100s' is no platform such as linux/amd64 or linux/arm/v7",
			text);
}

void oci_platform_host(struct oci_platform *ret)
{
	struct oci_platform platform = {.os = "linux"};
	struct utsname name = {0};

	(void)uname(&name);
	(void)snprintf(platform.architecture, sizeof(platform.architecture), "%.*s",
		       PLATFORM_PART_SIZE_MAX - 1, name.machine);
	for (size_t i = 0; i < COUNT(machines); i++) {
		if (strcmp(name.machine, machines[i].machine) != 0)
			continue;
		(void)snprintf(platform.architecture, sizeof(platform.architecture), "%s",
			       machines[i].architecture);
		(void)snprintf(platform.variant, sizeof(platform.variant), "%s",
			       machines[i].variant);
	}
	*ret = platform;
}

char *oci_platform_text(const struct oci_platform *platform, char *text)
{
	(void)snprintf(text, PLATFORM_TEXT_SIZE_MAX, "%s/%s%s%s", platform->os,
		       platform->architecture, platform->variant[0] ? "/" : "", platform->variant);
	return text;
}

/* Steps below the newest variant; VARIANT_MAX for one that the ladder lacks. */
static size_t step_of(const char *architecture, const char *variant)
{
	for (size_t i = 0; i < COUNT(ladders); i++) {
		const char *meant = variant[0] ? variant : ladders[i].usual;

		if (strcmp(architecture, ladders[i].architecture) != 0)
			continue;
		for (size_t step = 0; step < VARIANT_MAX && ladders[i].variants[step]; step++) {
			if (strcmp(meant, ladders[i].variants[step]) == 0)
				return step;
		}
	}
	return VARIANT_MAX;
}

unsigned int oci_platform_match(const struct oci_platform *wanted, const struct oci_platform *found)
{
	size_t wanted_step, found_step;

	if (strcmp(wanted->os, found->os) != 0 ||
	    strcmp(wanted->architecture, found->architecture) != 0)
		return 0;
	if (strcmp(wanted->variant, found->variant) == 0)
		return VARIANT_MAX + 2;
	if (!found->variant[0])
		return 1;
	wanted_step = step_of(wanted->architecture, wanted->variant);
	found_step = step_of(found->architecture, found->variant);
	if (wanted_step >= VARIANT_MAX || found_step >= VARIANT_MAX || found_step < wanted_step)
		return 0;
	return VARIANT_MAX + 1 - (unsigned int)(found_step - wanted_step);
}
