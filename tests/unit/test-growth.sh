#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon with up to 64 guests and up to 64 devices of one guest: what it asks of
# XenStore, keeps and leaves grows no faster than they do.  Times depend on the machine:
# they are for `make bench-growth`.

. tests/tools/tap.sh

out=$("$B/bench/growth" --quick 2>&1)
status=$?
if [ "$status" = 77 ]; then
	skip "io_uring or a mount namespace cannot be had here" "growth"
else
	ok "$status" "growth" || diag "$out"
fi
tap_done
