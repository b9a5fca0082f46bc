// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * standalone.c - drives a fuzzer without libFuzzer: fuzz-NAME [-s SECONDS]
 * [-r SEED] [FILE...].
 *
 * Each FILE is one input.  After them come random inputs for SECONDS, half of
 * them made from inputs before by small changes.  An input that ends the process
 * can be made again: it is written to the file crash-SEED-NUMBER first, if the
 * process is ended by a signal it can catch.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#define MAX_INPUT	4096u
#define POOL		256u

static uint8_t pool[POOL][MAX_INPUT];
static size_t pool_size[POOL];
static uint8_t input[MAX_INPUT];
static size_t input_size;
static unsigned long seed, number;

static uint64_t rng;

static uint32_t rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng >> 16;
}

static void on_crash(int sig)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "crash-%lu-%lu", seed, number);
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd >= 0 && write(fd, input, input_size) == (ssize_t)input_size)
		dprintf(2, "input saved as %s\n", name);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void make_input(void)
{
	unsigned int from = rnd() % POOL, n;

	if (rnd() % 2 && pool_size[from]) {
		input_size = pool_size[from];
		memcpy(input, pool[from], input_size);
		for (n = 1 + rnd() % 16; n; n--)
			input[rnd() % input_size] = rnd();
	} else {
		input_size = 16 + rnd() % (rnd() % 4 ? 300 : MAX_INPUT - 16);
		for (n = 0; n < input_size; n++)
			input[n] = rnd();
	}
	from = rnd() % POOL;
	pool_size[from] = input_size;
	memcpy(pool[from], input, input_size);
}

static int run_file(const char *name)
{
	FILE *f = fopen(name, "rb");

	if (!f) {
		perror(name);
		return -1;
	}
	input_size = fread(input, 1, sizeof(input), f);
	fclose(f);
	LLVMFuzzerTestOneInput(input, input_size);
	return 0;
}

int main(int argc, char **argv)
{
	long seconds = 0;
	time_t until;
	int opt;

	seed = time(NULL);
	while ((opt = getopt(argc, argv, "s:r:")) != -1) {
		if (opt == 's')
			seconds = atol(optarg);
		else if (opt == 'r')
			seed = strtoul(optarg, NULL, 0);
		else
			return 2;
	}
	signal(SIGABRT, on_crash);
	signal(SIGSEGV, on_crash);
	for (; optind < argc; optind++)
		if (run_file(argv[optind]) < 0)
			return 1;
	rng = seed * 0x9e3779b97f4a7c15ull + 1;
	until = time(NULL) + seconds;
	for (number = 0; seconds && time(NULL) < until; number++) {
		make_input();
		LLVMFuzzerTestOneInput(input, input_size);
	}
	printf("%s: %lu inputs, seed %lu\n", argv[0], number, seed);
	return 0;
}
