/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/report.h"

static void command_help(const struct command *command, const struct option_table *table)
{
	(void)printf("usage: lamina %s [OPTION...]%s%s\n\n%s\n", command->name,
		     command->operands[0] ? " " : "", command->operands, command->summary);
	if (command->details)
		(void)printf("\n%s", command->details);
	(void)printf("\noptions:\n");
	options_print(table, stdout);
}

static int usage_error(const struct command *command, const char *what)
{
	(void)fprintf(stderr, "lamina %s: %s\nusage: lamina %s [OPTION...] %s\n", command->name,
		      what, command->name, command->operands);
	return STATUS_USAGE;
}

enum digest_algorithm algorithm_option(const struct command *command, const char *text)
{
	enum digest_algorithm algorithm = DIGEST_SHA256;

	if (text)
		algorithm = digest_algorithm_by_name(span_of_string(text));
	if (algorithm == DIGEST_NONE)
		(void)fprintf(stderr, "lamina %s: '--algorithm' is sha256 or sha512, not '%s'\n",
			      command->name, text);
	return algorithm;
}

int command_main(const struct command *command, int argc, char **argv)
{
	CLEAN(memory_freep) struct common_options *options = calloc(1, command->options_size);
	char program[64];
	struct option_table table = {.program = program,
				     .rows = command->rows,
				     .ends_at_operand = command->options_end_at_operand};
	int first, count;

	if (!options)
		return report_failure(-ENOMEM, NULL, "start");
	(void)snprintf(program, sizeof(program), "lamina %s", command->name);
	first = options_parse(&table, argc, argv, options);
	if (first < 0)
		return STATUS_USAGE;
	if (options->help) {
		command_help(command, &table);
		return STATUS_DONE;
	}
	count = argc - first;
	if (count < command->operand_min)
		return usage_error(command, "an operand is missing");
	if (command->operand_max >= 0 && count > command->operand_max)
		return usage_error(command, "there are too many operands");
	report_setup("lamina", options->json);
	return command->run(options, count, argv + first);
}
