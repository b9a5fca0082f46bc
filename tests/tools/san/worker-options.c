// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * worker-options.c - the sanitizers' options in a worker, whose environment nobody sets.
 */
const char *__asan_default_options(void);

/* Leaks are looked for by ptrace, which a worker may not use. */
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
