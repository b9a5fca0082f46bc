/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * leak.c - loses memory, to see whether the sanitizers notice.
 *
 * With an argument it writes behind the end of its memory as well.  Not a test:
 * tests/unit/run and test-sanitizers.sh start it.
 */
#include <stdlib.h>

static char *volatile lost;

int main(int argc, char **argv)
{
	(void)argv;
	lost = malloc(100);
	lost[argc > 1 ? 100 : 0] = 'x';
	lost = NULL;
	return 0;
}
