/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <stdio.h>

int main(void)
{
	(void)fprintf(stderr, "lamina: no command yet\n");
	return 2;
}
