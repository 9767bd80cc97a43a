/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "cli/mount_unshare.h"

#include <stdio.h>

#include "cli/command.h"
#include "cli/unshare.h"
#include "ops/mount.h"

/* What of the request has no meaning where the mount belongs to a command; NULL: all has. */
static const char *contradiction(const struct mount_request *request)
{
	if (request->foreground)
		return "--foreground: the mount is there as long as the command";
	if (!request->target)
		return "--send-fd: the mount is for the command";
	if (request->explains)
		return "--explain: nothing would be run";
	if (request->ids.uids || request->ids.gids || request->ids.userns)
		return "--uidmap, --gidmap or --userns: use --map";
	return NULL;
}

int mount_unshare(const struct mount_request *request, char **words)
{
	const char *reason = contradiction(request);
	enum id_shorthand shorthand = request->ids.map;
	struct mount_request inner = *request;

	if (reason) {
		(void)fprintf(stderr, "lamina mount: --unshare does not go with %s\n", reason);
		return STATUS_USAGE;
	}
	/* The namespace has the map: what is stored is what is seen in it. */
	inner.ids.map = ID_SHORTHAND_NONE;
	return unshare_and_run(shorthand == ID_SHORTHAND_NONE ? ID_SHORTHAND_AUTO : shorthand,
			       &inner, false, words);
}
