/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "serve/inventory.h"

#include <sched.h>
#include <string.h>

#include "serve/missing.h"
#include "serve/view_private.h"

enum inventory_state {
	INVENTORY_UNKNOWN, /* and nobody looks */
	INVENTORY_LOOKING,
	INVENTORY_COMPLETE,
	INVENTORY_OPEN, /* something is missing, or it cannot be told: files are opened */
};

/* Not only on the CPU that the thread which asked is pinned to. */
static void leave_cpu(void)
{
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	(void)sched_setaffinity(0, sizeof(all), &all);
}

static void *inventory_run(void *argument)
{
	struct view *view = argument;
	bool is_missing = false;
	int r;

	leave_cpu();
	r = missing_any(view, &view->inventory.is_ending, &is_missing);
	if (r == 0 && is_missing && view->report)
		view->report(view->report_context,
			     "contents of the image are missing: each file is looked for when it "
			     "is opened");
	atomic_store(&view->inventory.state,
		     r == 0 && !is_missing ? INVENTORY_COMPLETE : INVENTORY_OPEN);
	return NULL;
}

static void inventory_begin(struct view *view)
{
	struct inventory *inventory = &view->inventory;
	int expected = INVENTORY_UNKNOWN;

	if (!atomic_compare_exchange_strong(&inventory->state, &expected, INVENTORY_LOOKING))
		return;
	if (pthread_create(&inventory->thread, NULL, inventory_run, view) == 0)
		inventory->has_thread = true;
	else
		atomic_store(&inventory->state, INVENTORY_OPEN);
}

bool inventory_is_complete(struct view *view)
{
	int state = atomic_load(&view->inventory.state);

	if (state == INVENTORY_UNKNOWN)
		inventory_begin(view);
	return state == INVENTORY_COMPLETE;
}

void inventory_release(struct view *view)
{
	atomic_store(&view->inventory.is_ending, true);
	if (view->inventory.has_thread)
		(void)pthread_join(view->inventory.thread, NULL);
}
