/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "cli/input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int input_options(const struct command *command, const struct input_command_options *options,
		  struct input_options *ret, int *ret_version)
{
	const char *format = options->format;

	if (format && (!strchr("012", format[0]) || strlen(format) != 1)) {
		(void)fprintf(stderr, "lamina %s: '--format' is 0, 1 or 2, not '%s'\n",
			      command->name, format);
		return -EINVAL;
	}
	if (options->skip_xattrs && options->user_xattrs) {
		(void)fprintf(stderr, "lamina %s: --skip-xattrs and --user-xattrs contradict\n",
			      command->name);
		return -EINVAL;
	}
	*ret = (struct input_options){
		.kind = options->dump ? INPUT_DUMP : INPUT_BY_TYPE,
		.thread_count = options->threads > UINT32_MAX ? 0 : (unsigned int)options->threads,
		.skip_xattrs = options->skip_xattrs,
		.user_xattrs = options->user_xattrs,
		.skip_devices = options->skip_devices,
		.use_epoch = options->use_epoch,
		.no_hard_links = options->no_hard_links,
	};
	*ret_version = format ? format[0] - '0' : -1;
	return 0;
}
