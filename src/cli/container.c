/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "cli/container.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/report.h"

/* Words of docker's and podman's -v that change nothing here: labels, and propagation by default.
 */
static bool is_no_op(const char *word)
{
	static const char *const words[] = {"rw", "z", "Z", "rprivate", "private"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i]) == 0)
			return true;
	}
	return false;
}

static int bind_options(const char *text, struct runtime_bind *bind)
{
	for (size_t size; *text; text += size + (text[size] == ',')) {
		CLEAN(memory_freep) char *word = NULL;

		size = strcspn(text, ",");
		word = strndup(text, size);
		if (!word)
			return -ENOMEM;
		if (strcmp(word, "ro") == 0)
			bind->is_read_only = true;
		else if (!is_no_op(word))
			return -EINVAL;
	}
	return 0;
}

/* SOURCE:TARGET[:OPTIONS]. */
static int bind_parse(const char *program, const char *text, struct runtime_bind *ret)
{
	const char *target = strchr(text, ':');
	const char *options = target ? strchr(target + 1, ':') : NULL;
	CLEAN(memory_freep) char *source = target ? strndup(text, (size_t)(target - text)) : NULL;
	struct runtime_bind bind = {0};

	if (!source || target[1] != '/' || (options && bind_options(options + 1, &bind) < 0)) {
		(void)fprintf(stderr, "%s: '--volume' is SOURCE:/TARGET[:ro], not '%s'\n", program,
			      text);
		return -EINVAL;
	}
	bind.source = realpath(source, NULL);
	bind.target =
		options ? strndup(target + 1, (size_t)(options - target - 1)) : strdup(target + 1);
	if (!bind.source) {
		(void)fprintf(stderr, "%s: cannot show '%s': %s\n", program, source,
			      strerror(errno));
		free((char *)bind.target);
		return -EINVAL;
	}
	*ret = bind;
	return bind.target ? 0 : -ENOMEM;
}

static int binds_parse(const char *program, const struct option_list *volumes,
		       struct container_parsed *parsed)
{
	parsed->binds = calloc(volumes->count + 1, sizeof(*parsed->binds));
	if (!parsed->binds)
		return -ENOMEM;
	for (size_t i = 0; i < volumes->count; i++) {
		int r = bind_parse(program, volumes->items[i], &parsed->binds[i]);

		if (r < 0)
			return r;
		parsed->bind_count++;
	}
	return 0;
}

static int network_parse(const char *program, const char *text, bool *ret_own)
{
	if (text && strcmp(text, "none") != 0 && strcmp(text, "host") != 0) {
		(void)fprintf(stderr, "%s: '--network' is none or host, not '%s'\n", program, text);
		return -EINVAL;
	}
	*ret_own = !text || strcmp(text, "none") == 0;
	return 0;
}

static void say(const char *text)
{
	report_note("%s", text);
}

/* The last one counts, as with podman. */
static int security_parse(const char *program, const struct option_list *list, const char **ret)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *value =
			strncmp(list->items[i], "seccomp=", 8) == 0 ? list->items[i] + 8 : "";

		if (!*value) {
			(void)fprintf(stderr,
				      "%s: '--security-opt' is seccomp=FILE or seccomp=unconfined, "
				      "not '%s'\n",
				      program, list->items[i]);
			return -EINVAL;
		}
		*ret = value;
	}
	return 0;
}

int container_options_parse(const char *program, const struct container_options *options,
			    char *const *command, struct container_parsed *parsed,
			    struct bundle_request *request)
{
	struct runtime_request *spec = &request->spec;
	int r;

	*parsed = (struct container_parsed){0};
	r = network_parse(program, options->network, &spec->has_own_network);
	if (r == 0)
		r = security_parse(program, &options->security, &request->seccomp);
	if (r == 0)
		r = binds_parse(program, &options->volumes, parsed);
	if (r < 0)
		return r;
	if (options->entrypoint) {
		parsed->entrypoint[0] = *options->entrypoint ? options->entrypoint : NULL;
		spec->entrypoint = parsed->entrypoint;
	}
	spec->command = command[0] ? (const char *const *)command : NULL;
	spec->env = options->env.items;
	spec->working_dir = options->working_dir;
	spec->hostname = options->hostname;
	spec->binds = parsed->binds;
	spec->bind_count = parsed->bind_count;
	spec->is_read_only = options->read_only;
	spec->has_terminal = options->has_terminal;
	request->user = options->user;
	request->say = options->verbose ? say : NULL;
	return 0;
}

void container_parsed_release(struct container_parsed *parsed)
{
	for (size_t i = 0; i < parsed->bind_count; i++) {
		free((char *)parsed->binds[i].source);
		free((char *)parsed->binds[i].target);
	}
	free(parsed->binds);
	*parsed = (struct container_parsed){0};
}
