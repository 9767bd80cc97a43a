/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "serve/complaints.h"

bool complaints_first(struct complaints *complaints, uint64_t nodeid)
{
	for (int i = 0; i < COMPLAINTS_MAX; i++) {
		uint64_t known = 0;

		/* The first that is empty becomes ours; a full list stays silent. */
		if (atomic_compare_exchange_strong(&complaints->nodeids[i], &known, nodeid))
			return true;
		if (known == nodeid)
			return false;
	}
	return false;
}
