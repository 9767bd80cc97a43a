/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "cli/ids.h"

#include <errno.h>
#include <stdio.h>

#include "base/diag.h"

int map_option(const char *command, const char *option, const char *text, enum id_shorthand *ret)
{
	struct diag why = {0};

	if (!text || id_shorthand_by_name(text, ret, &why) == 0)
		return 0;
	(void)fprintf(stderr, "lamina %s: '%s' %s\n", command, option, why.text);
	return -EINVAL;
}

int ids_options_request(const char *command, const struct ids_options *options,
			struct ids_request *ret)
{
	struct ids_request request = {
		.uids = options->uidmaps.count > 0 ? options->uidmaps.items : NULL,
		.gids = options->gidmaps.count > 0 ? options->gidmaps.items : NULL,
		.userns = options->userns,
	};
	int r = map_option(command, "--map", options->map, &request.map);

	if (r == 0)
		*ret = request;
	return r;
}
