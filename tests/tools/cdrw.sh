# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# A CD-RW drive in dom0 (tests/tools/cdrw), for scripts: source it after tap.sh.
#
#   cdrw_start DIR [OPTION...]   starts one; sets cdrw_pid, cdrw_sr and cdrw_sg
#   cdrw_do DIR COMMAND...       what "cdrw --to DIR" knows
#   cdrw_stop DIR                ends it; its device nodes go, its discs stay in DIR
#
# DIR/log has what it says, with --verbose among the options each command.

# 1 and its log, if there are no nodes within 60 s
cdrw_start()
{
	cdrw_dir=$1
	shift
	modprobe -a target_core_user tcm_loop sr_mod sg || return 1
	mkdir -p "$cdrw_dir"
	# shellcheck disable=SC2154 # of tap.sh
	"$tests/cdrw" "$@" "$cdrw_dir" >"$cdrw_dir/log" 2>&1 &
	# shellcheck disable=SC2034 # for those who source this
	cdrw_pid=$!
	if ! wait_for 60 cdrw_ready "$cdrw_dir"; then
		diag "the drive of $cdrw_dir has no nodes"
		tail -n 20 "$cdrw_dir/log" | sed 's/^/# cdrw: /'
		return 1
	fi
	cdrw_sr=/dev/$(cdrw_do "$cdrw_dir" node | tr ' ' '\n' | grep '^sr')
	cdrw_sg=/dev/$(cdrw_do "$cdrw_dir" node | tr ' ' '\n' | grep '^sg')
	# Made by the kernel, or by udev a little later.
	wait_for 10 test -e "$cdrw_sr" && wait_for 10 test -e "$cdrw_sg"
}

cdrw_ready()
{
	cdrw_do "$1" node | grep -q 'sr.*sg'
}

cdrw_do()
{
	cdrw_to=$1
	shift
	"$tests/cdrw" --to "$cdrw_to" "$@"
}

# 1 if it has not ended after 60 s
cdrw_stop()
{
	cdrw_do "$1" quit >/dev/null || return 1
	wait_for 60 cdrw_gone "$1"
}

# The socket is the last thing that it removes.
cdrw_gone()
{
	! test -e "$1/control"
}
