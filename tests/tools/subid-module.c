/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A source of subordinate ids for libsubid, as "subid: lamina" in nsswitch.conf(5) names it: user
 * "containers" has 700000 to 700999 and 5 to 6, the groups from 800000 on. For tests only.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* What shadow (lib/nss.c) loads, and its types (libsubid/subid.h). */
struct range {
	unsigned long start;
	unsigned long count;
};

enum { USERS = 1 };
enum { SUCCESS, UNKNOWN_USER, ERROR = 3 };

int shadow_subid_has_range(const char *owner, unsigned long start, unsigned long count, int type,
			   bool *ret);
int shadow_subid_list_owner_ranges(const char *owner, int type, struct range **ret, int *ret_count);
int shadow_subid_find_subid_owners(unsigned long id, int type, uid_t **ret, int *ret_count);
void shadow_subid_free(void *memory);

int shadow_subid_has_range(const char *owner, unsigned long start, unsigned long count, int type,
			   bool *ret)
{
	(void)owner, (void)start, (void)count, (void)type;
	*ret = false;
	return SUCCESS;
}

int shadow_subid_list_owner_ranges(const char *owner, int type, struct range **ret, int *ret_count)
{
	if (strcmp(owner, "containers") != 0)
		return UNKNOWN_USER;
	*ret = calloc(2, sizeof(**ret));
	if (!*ret)
		return ERROR;
	(*ret)[0] = (struct range){type == USERS ? 700000 : 800000, 1000};
	(*ret)[1] = (struct range){5, 2};
	*ret_count = 2;
	return SUCCESS;
}

int shadow_subid_find_subid_owners(unsigned long id, int type, uid_t **ret, int *ret_count)
{
	(void)id, (void)type, (void)ret, (void)ret_count;
	return ERROR;
}

void shadow_subid_free(void *memory)
{
	free(memory);
}
