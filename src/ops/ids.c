/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/ids.h"

#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "mount/userns.h"
#include "mount/userns_maps.h"

bool ids_are_asked_for(const struct ids_request *request)
{
	return request->uids || request->gids || request->userns ||
	       request->map != ID_SHORTHAND_NONE;
}

static int lists_parse(const char *const *lists, struct idmap *ret, const char *option,
		       struct diag *why)
{
	for (; *lists; lists++) {
		int r = idmap_add_list(ret, *lists, why);

		if (r < 0)
			return diag_wrap(why, r, "--%s", option);
	}
	return 0;
}

static int lists_resolve(const struct ids_request *request, struct idmaps *ret, struct diag *why)
{
	int r = 0;

	if (request->uids)
		r = lists_parse(request->uids, &ret->uids, "uidmap", why);
	if (r == 0 && request->gids)
		r = lists_parse(request->gids, &ret->gids, "gidmap", why);
	if (!request->uids)
		ret->uids = ret->gids;
	if (!request->gids)
		ret->gids = ret->uids;
	return r;
}

int ids_resolve(const struct ids_request *request, struct ids *ret, struct diag *why)
{
	bool has_lists = request->uids || request->gids;
	struct ids ids = IDS_NONE;
	int r;

	if (has_lists && request->userns)
		return diag_set(why, -EINVAL,
				"--userns has maps of its own: no --uidmap or --gidmap");
	if (request->map != ID_SHORTHAND_NONE && (has_lists || request->userns))
		return diag_set(why, -EINVAL,
				"--map is a map of its own: no --uidmap, --gidmap or --userns");
	if (request->map != ID_SHORTHAND_NONE)
		r = id_shorthand_maps(request->map, &ids.maps, why);
	else if (has_lists)
		r = lists_resolve(request, &ids.maps, why);
	else if (request->userns)
		r = userns_read_maps(request->userns, &ids.maps, &ids.userns_fd, why);
	else
		r = 0;
	if (r < 0)
		return r;
	ids.is_mapped = ids_are_asked_for(request) &&
			!(idmap_is_identity(&ids.maps.uids) && idmap_is_identity(&ids.maps.gids));
	*ret = ids;
	return 0;
}

void ids_release(struct ids *ids)
{
	fd_closep(&ids->userns_fd);
}

int ids_for_server(const struct ids *ids, struct idmaps *ret, bool *ret_needed, struct diag *why)
{
	struct idmaps own;
	int r;

	*ret_needed = ids->is_mapped || !userns_is_initial();
	if (!*ret_needed)
		return 0;
	r = userns_own_ids(&own, why);
	if (r == 0 && ids->is_mapped) {
		r = idmap_compose(&ids->maps.uids, &own.uids, &ret->uids, why);
		if (r == 0)
			r = idmap_compose(&ids->maps.gids, &own.gids, &ret->gids, why);
	} else if (r == 0) {
		*ret = own;
	}
	return r;
}

int ids_userns(const struct ids *ids, struct diag *why)
{
	int fd;

	if (ids->userns_fd < 0)
		return userns_make(&ids->maps, why);
	fd = fcntl(ids->userns_fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? diag_errno(why, -errno, "cannot keep the user namespace") : fd;
}
