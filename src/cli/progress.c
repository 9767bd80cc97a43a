/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/report.h"

#define INTERVAL_MS 100 /* at most 10 lines a second */

void progress_printer_init(struct progress_printer *printer, const struct common_options *options)
{
	bool json = options->progress && strcmp(options->progress, "json") == 0;
	bool none = options->quiet || (options->progress && !json);

	*printer = (struct progress_printer){
		.is_on = json || (!none && isatty(STDERR_FILENO)),
		.is_json = json,
		.last_ms = INT64_MIN / 2,
	};
	(void)pthread_mutex_init(&printer->lock, NULL);
	if (json)
		report_lines_are_json();
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void print_json(const struct progress_state *state)
{
	struct json json;

	json_start(&json, stderr);
	json_open(&json, NULL, '{');
	json_text(&json, "phase", state->phase);
	json_number(&json, "count", state->done_count);
	json_number(&json, "bytes", state->done_bytes);
	if (state->all_count) {
		json_number(&json, "all_count", state->all_count);
		json_number(&json, "all_bytes", state->all_bytes);
	}
	json_close(&json);
	json_finish(&json);
}

/* A pull knows what it has to do, an import finds out. */
static void print_line(const struct progress_state *state)
{
	if (state->all_count)
		(void)fprintf(stderr,
			      "\r\033[K%s: %" PRIu64 " of %" PRIu64
			      " layers, %.1f of %.1f MB (%.0f %%)",
			      state->phase, state->done_count, state->all_count,
			      (double)state->done_bytes / 1e6, (double)state->all_bytes / 1e6,
			      100.0 * (double)state->done_bytes /
				      (double)(state->all_bytes ? state->all_bytes : 1));
	else
		(void)fprintf(stderr, "\r\033[K%s: %" PRIu64 " files, %.1f MB", state->phase,
			      state->done_count, (double)state->done_bytes / 1e6);
	(void)fflush(stderr);
}

static void printer_report(void *context, const struct progress_state *state)
{
	struct progress_printer *printer = context;
	int64_t now = now_ms();

	(void)pthread_mutex_lock(&printer->lock);
	printer->last = *state;
	printer->is_behind = true;
	if (now - printer->last_ms >= INTERVAL_MS) {
		printer->last_ms = now;
		printer->is_behind = false;
		if (printer->is_json) {
			print_json(state);
		} else {
			print_line(state);
			printer->has_line = true;
		}
	}
	(void)pthread_mutex_unlock(&printer->lock);
}

struct progress progress_printer_sink(struct progress_printer *printer)
{
	if (!printer->is_on)
		return (struct progress){0};
	return (struct progress){printer_report, printer};
}

void progress_printer_end(struct progress_printer *printer)
{
	if (printer->has_line)
		(void)fputs("\r\033[K", stderr);
	printer->has_line = false;
	if (printer->is_json && printer->is_behind)
		print_json(&printer->last);
	(void)pthread_mutex_destroy(&printer->lock);
}
