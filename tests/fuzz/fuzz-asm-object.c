// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz-asm-object.c - any file, as if it were an object, through asm-pp-verify:
 * no crash, no hang, and who is refused gets a sentence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "asm-pp/verify.h"
#include "tests/fuzz/fuzz.h"

static void require(int condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const allow[] = { "f" };
	struct verify_options options = {
		.also = ASM_PP_HLT | ASM_PP_CLI | ASM_PP_STI, .allow = allow, .allowed = 1,
	};
	int fd = memfd_create("object", MFD_CLOEXEC);
	struct object object;
	struct verified v;
	const char *why = NULL;
	char file[32];

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	if (object_open(&object, file, &why)) {
		bool right = verify(&v, &object, &options);

		require(right == (!v.ports && !v.unknown && !v.calls));
		require(right == !v.text.len);
		require(memchr(object.version, '\0', sizeof(object.version)) != NULL);
		buf_free(&v.text);
		object_close(&object);
	} else {
		require(why && *why);
	}
	close(fd);
	return 0;
}
