/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/features.h"

#include "mount/features.h"

void features_visit(feature_visit *visit, void *context)
{
	for (enum mount_feature_id id = 0; id < MOUNT_FEATURE_COUNT; id++) {
		const struct mount_feature *feature = mount_feature(id);

		visit(context, &(struct feature_row){
				       .name = feature->name,
				       .summary = feature->summary,
				       .why = feature->available ? NULL : feature->why.text,
				       .available = feature->available,
			       });
	}
}
