#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test-sanitizers.sh - the other tests mean less if the sanitizers do not work.
set -u

echo 1..2

if "$B/unit/leak" overflow 2>&1 | grep -q heap-buffer-overflow; then
	echo 'ok 1 - AddressSanitizer finds a write behind the end'
else
	echo 'not ok 1 - AddressSanitizer finds a write behind the end'
fi

said=$("$B/unit/leak" 2>&1)
if printf '%s' "$said" | grep -q 'byte(s) leaked'; then
	echo 'ok 2 - LeakSanitizer finds a leak'
elif printf '%s' "$said" | grep -qi 'LeakSanitizer.*\(ptrace\|fatal error\)'; then
	echo 'ok 2 - LeakSanitizer finds a leak # SKIP it may not use ptrace here: leaks go unseen'
else
	echo 'not ok 2 - LeakSanitizer finds a leak'
	printf '%s\n' "$said" | sed 's/^/# /'
fi
