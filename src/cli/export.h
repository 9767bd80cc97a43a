/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * export.h - what 'lamina export' and 'lamina push' share
 */
#ifndef LAMINA_CLI_EXPORT_H
#define LAMINA_CLI_EXPORT_H

#include "cli/command.h"
#include "ops/export.h"

/* What --compression says; *ret stays what it was when it says nothing. -1 after a line on stderr.
 */
int compression_option(const struct command *command, const char *text, enum compression *ret);

/* Export and tell of it; what is the verb, for messages. Returns an exit status. */
int export_run(const struct common_options *options, struct export_request *request,
	       const char *what);

#endif
