/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * unshare.h - what the commands that run another one in namespaces of its own have in common
 */
#ifndef LAMINA_CLI_UNSHARE_H
#define LAMINA_CLI_UNSHARE_H

#include <stdbool.h>

#include "ops/id_shorthand.h"

struct mount_request; /* ops/mount.h */

/*
 * Enter the namespaces, mount what request says in them (NULL: nothing), and become the command, or
 * $SHELL where words is empty. Returns an exit status only when that failed, and has been reported:
 * 127 for a command that is not there, 126 for one that cannot be run, else 1.
 */
int unshare_and_run(enum id_shorthand shorthand, const struct mount_request *request, bool quiet,
		    char **words);

#endif
