/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz.h - what fuzzers and their driver share. */
#ifndef VSYS_FUZZ_H
#define VSYS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* libFuzzer's name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int fuzz_count_fds(void);

#endif /* VSYS_FUZZ_H */
