/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "cli/mount_report.h"

#include <stdio.h>

#include "cli/json.h"
#include "ops/mount.h"
#include "ops/tuning.h"

static const enum mount_mode modes[] = {MOUNT_KERNEL, MOUNT_OVERLAY, MOUNT_STANDALONE};

void mount_explain(const struct mount_choice *choice)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		enum mount_mode mode = modes[i];

		(void)printf("%-12s %-4s %s\n", mount_mode_name(mode),
			     choice->mode == mode     ? "yes"
			     : choice->possible[mode] ? "also"
						      : "no",
			     choice->reason[mode]);
	}
}

void mount_explain_json(const struct mount_choice *choice)
{
	struct json json;

	json_start(&json, stdout);
	json_open(&json, NULL, '{');
	json_text(&json, "mode", choice->mode == MOUNT_AUTO ? NULL : mount_mode_name(choice->mode));
	json_open(&json, "modes", '[');
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		json_open(&json, NULL, '{');
		json_text(&json, "mode", mount_mode_name(modes[i]));
		json_bool(&json, "possible", choice->possible[modes[i]]);
		json_text(&json, "reason", choice->reason[modes[i]]);
		json_close(&json);
	}
	json_close(&json);
	json_close(&json);
	json_finish(&json);
}

void mount_report_json(const struct mount_request *request, const struct mount_choice *choice,
		       const struct server *server)
{
	struct json json;

	json_start(&json, stdout);
	json_open(&json, NULL, '{');
	json_text(&json, "image", request->image); /* null: a descriptor's */
	json_text(&json, "target", request->target);
	json_text(&json, "mode", mount_mode_name(choice->mode));
	json_text(&json, "verity", mount_verity_name(request->verity));
	if (server->pid > 0) {
		json_number(&json, "server_pid", (uint64_t)server->serving_pid);
		if (server->pid != server->serving_pid)
			json_number(&json, "supervisor_pid", (uint64_t)server->pid);
		json_text(&json, "transport", server->uses_io_uring ? "uring" : "device");
		json_bool(&json, "passthrough", server->has_passthrough);
	}
	json_close(&json);
	json_finish(&json);
}
