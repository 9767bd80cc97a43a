/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * progress.h - progress on stderr: a line that is gone at the end, or JSON lines
 */
#ifndef LAMINA_CLI_PROGRESS_H
#define LAMINA_CLI_PROGRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "ops/progress.h"

struct common_options; /* cli/command.h */

struct progress_printer {
	bool is_on;
	bool is_json;
	pthread_mutex_t lock;
	/* guarded by lock: */
	int64_t last_ms; /* monotonic time of the last line */
	bool has_line;
	bool is_behind; /* last is newer than the last line */
	struct progress_state last;
};

/* On when stderr is a terminal and nothing asks for quiet, or with --progress=json. */
void progress_printer_init(struct progress_printer *printer, const struct common_options *options);

/* What to hand to ops. */
struct progress progress_printer_sink(struct progress_printer *printer);

/* Take the line away; or, in JSON, say how far it came, if no line has said that. */
void progress_printer_end(struct progress_printer *printer);

#endif
