#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Real drivers with real tools, under the policies that are for them: each prints
# in the guest what it prints in dom0.
#
# ioctl-tools.sh [native]: only in dom0, twice, to see that it prints the same
#
# lab: --timeout 1800 --pkg 'sg3-utils wodim nvme-cli i2c-tools evtest v4l-utils eject util-linux-extra'
# lab: --qemu '-drive if=none,id=cd,media=cdrom,driver=null-co,size=67108864,read-zeroes=on -device ide-cd,drive=cd,bus=ide.0 -drive if=none,id=nv,driver=null-co,size=67108864,read-zeroes=on -device nvme,serial=lab,drive=nv -device bochs-display'
# shellcheck disable=SC2086 # commands are words

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh

# What the tools see; and their nodes, found by what they are.
modprobe -a sg nvme i2c-dev uinput bochs vgem
modprobe scsi_debug dev_size_mb=16
modprobe i2c-stub chip_addr=0x50
modprobe vivid n_devs=1 node_types=0x1
wait_for 20 sh -c 'test -b /dev/sr0 && test -c /dev/video0 && test -c /dev/nvme0 && test -c /dev/dri/card1 && ls /sys/bus/scsi/drivers/sd/*/block/sd*'
ok $? "the devices are there" || { tap_done; exit; }
udevadm settle --timeout=20
debug=$(basename "$(dirname /sys/bus/scsi/drivers/sd/*/block)")
scsi=/sys/class/scsi_device/$debug/device
disk=$(ls "$scsi/block") sg=$(ls "$scsi/scsi_generic")
cd=$(basename "$(dirname /sys/bus/scsi/drivers/sr/*/block)")
cd_sg=$(ls "/sys/class/scsi_device/$cd/device/scsi_generic")
card=$(basename /sys/bus/pci/drivers/bochs*/0*/drm/card*)
vgem=$(basename /sys/devices/platform/vgem/drm/card*)
i2c=$(grep -l 'stub' /sys/class/i2c-adapter/i2c-*/name | sed 's,.*/i2c-\([0-9]*\)/name,\1,')
head -c 4194304 /dev/urandom >"/dev/$disk"
sync
for i in 0 1 2 3; do
	i2cset -y "$i2c" 0x50 $((i * 16)) $((i + 0x40))
done

# A keyboard, which presses a key when told.
mkfifo /run/keys
"$tests/ioctl-client-dev" uinput /dev/uinput </run/keys >/run/keyboard &
exec 5>/run/keys
wait_for 20 grep -q '^ready ' /run/keyboard
input=$(sed -n 's/^ready //p' /run/keyboard)
event=$(basename "$(echo /sys/class/input/"$input"/event*)")
wait_for 20 test -c "/dev/input/$event"
ok $? "a keyboard: $event"

pressing()
{
	while sleep 0.5; do
		echo ab >&5
	done
}

# Lines TOOL: what is run with each of these in place of nodes:
#   @disk @sg @bsg @cd @cdsg @nvme @i2c @rtc @video @event @card @vgem
# (An hour may end between dom0's run and the guest's: so not the time itself, but how long
# it is, and if it is about that of the one who reads it.)
commands()
{
	cat <<-END
		sg_inq @disk
		sg_inq @sg
		sg_inq -e -p 0x83 @sg
		sg_readcap @disk
		sg_readcap --16 @sg
		sg_turs -n 3 @sg
		sg_luns @sg
		sg_modes -a @sg
		sg_raw -r 96 @sg 12 00 00 00 60 00
		sg_raw -r 96 @disk 12 00 00 00 60 00
		sg_raw -r 512 @sg 28 00 00 00 00 05 00 00 01 00
		sg_raw -r 512 @sg 28 00 7f 00 00 05 00 00 01 00
		sg_raw -s 512 -i /bin/true @sg 2a 00 00 00 20 00 00 00 01 00
		sg_dd if=@disk bs=512 count=1000 blk_sgio=1 of=- | sha256sum
		sg_dd if=@sg bs=512 count=1000 of=- | sha256sum
		sg_dd if=@sg bs=512 bpt=7 count=100 skip=3 of=- | sha256sum
		$tests/ioctl-client-dev bsg @bsg
		sg_inq @cd
		$tests/ioctl-client-dev sg @sg 1
		$tests/ioctl-client-dev sg @sg 7
		sgp_dd if=@sg bs=512 bpt=16 count=999 thr=4 of=/tmp/sgp && sha256sum </tmp/sgp
		sgp_dd if=@sg bs=512 bpt=3 count=50 skip=5 thr=1 of=/tmp/sgp && sha256sum </tmp/sgp
		sg_inq @cdsg
		wodim dev=@cd -inq
		wodim dev=@cd -prcap
		wodim dev=@cd -toc
		eject @cd
		sg_turs @cd
		eject -t @cd
		eject -i on @cd
		eject -i off @cd
		nvme id-ctrl @nvme
		nvme smart-log @nvme | grep -v -e host_read -e Units.Read
		nvme get-feature @nvme -f 7 -H
		nvme id-ns @nvme -n 1
		i2cdetect -y @i2c
		i2cget -y @i2c 0x50 0x10
		i2cget -y @i2c 0x50 0x20 w
		i2cset -y @i2c 0x50 0x77 0x12
		i2cdump -y @i2c 0x50 b
		i2cdetect -F @i2c
		v4l2-ctl -d @video --set-fmt-video width=640,height=360 --set-ctrl brightness=100
		v4l2-ctl -d @video --all | sed -e '/^Media Driver Info/,/^Priority/d' -e '/Priority: /d' -e '/volatile\|read-only\|dims=/d'
		v4l2-ctl -d @video --list-formats-ext
		v4l2-ctl -d @video -L | grep -v -e volatile -e read-only -e dims=
		v4l2-ctl -d @video --get-edid
		v4l2-ctl -d @video --set-ctrl brightness=77 --get-ctrl brightness,contrast
		$tests/ioctl-client-dev userptr @video 5
		$tests/ioctl-client-dev expbuf @video
		$tests/ioctl-client-dev prime @card
		$tests/ioctl-client-dev prime @vgem
		timeout 3 evtest @event | grep -v time
		$tests/ioctl-client-dev keys @event 8
		evtest --query @event EV_KEY KEY_A
		t=\$(hwclock --rtc @rtc -r) && late=\$((\$(date +%s) - \$(date -d "\$t" +%s))) && echo "\${#t}, \$((late > -600 && late < 600))"
	END
}

# nodes native|guest: a script for sed
nodes()
{
	local at=/dev

	case $1 in
	native)
		echo "s,@disk,$at/$disk,g;s,@sg,$at/$sg,g;s,@bsg,$at/bsg/$debug,g;s,@cdsg,$at/$cd_sg,g;s,@cd,$at/sr0,g"
		echo "s,@nvme,$at/nvme0,g;s,@i2c,$i2c,g;s,@rtc,$at/rtc0,g;s,@video,$at/video0,g;s,@event,$at/input/$event,g;s,@card,$at/dri/$card,g;s,@vgem,$at/dri/$vgem,g"
		;;
	*)
		echo "s,@disk,$at/vdisk,g;s,@sg,$at/vsg,g;s,@bsg,$at/vbsg,g;s,@cdsg,$at/vcdsg,g;s,@cd,$at/vcd,g"
		echo "s,@nvme,$at/nvme0,g;s,@i2c,$i2c,g;s,@rtc,$at/rtc0,g;s,@video,$at/video0,g;s,@event,$at/vkeys,g;s,@card,$at/dri/vcard,g;s,@vgem,$at/dri/vgem,g"
		;;
	esac
}

# Names of nodes are not compared.
plain()
{
	sed -e "s,/dev/[a-zA-Z0-9:/]*,NODE,g" -e 's/sr0\|vcd/NODE/g' -e 's/[0-9.]* [MK]B\/sec//; s/[0-9.]*,* [MK]B\/sec//g'
}

# run_all WHERE: a file for each command
run_all()
{
	local where=$1 line nr=0 script
	shift

	mkdir -p /tmp/$where
	script=$(nodes $where)
	while read -r line; do
		nr=$((nr + 1))
		[ "$where" = native ] || [ ${#only[@]} -eq 0 ] || [[ " ${only[*]} " = *" $nr "* ]] || continue
		"$@" timeout 60 bash -c "set -o pipefail; { $(sed "$script" <<<"$line"); } 2>&1; echo status \$?" \
			</dev/null 2>&1 | plain >/tmp/$where/$nr
	done < <(commands)
}
only=()

pressing &
pressing=$!
trap 'kill $pressing; exec 5>&-' EXIT
run_all native
if [ "${1:-}" = native ]; then
	cp -r /tmp/native /tmp/first
	run_all native
	mv /tmp/native /tmp/guest
	mv /tmp/first /tmp/native
else
	guest start g --type pv --mem 384 --vcpus 2 \
		--vsys "dev=/dev/$disk,name=vdisk,ioctl=disk" \
		--vsys "dev=/dev/$sg,name=vsg,ioctl=scsi,payload=pointers,numbers=native" \
		--vsys "dev=/dev/bsg/$debug,name=vbsg,ioctl=scsi" \
		--vsys "dev=/dev/sr0,name=vcd,mode=ro,ioctl=cdrom-read,caps=sys_rawio" \
		--vsys "dev=/dev/$cd_sg,name=vcdsg,ioctl=cdrom-read,numbers=native" \
		--vsys "dev=/dev/nvme0,name=nvme0,ioctl=nvme,caps=sys_admin" \
		--vsys "dev=/dev/i2c-$i2c,name=i2c-$i2c,ioctl=i2c" \
		--vsys "dev=/dev/rtc0,name=rtc0,ioctl=rtc" \
		--vsys "dev=/dev/video0,name=video0,ioctl=video" \
		--vsys "dev=/dev/input/$event,name=vkeys,ioctl=input" \
		--vsys "dev=/dev/dri/$card,name=dri/vcard,ioctl=any" \
		--vsys "dev=/dev/dri/$vgem,name=dri/vgem,ioctl=any"
	for node in vdisk vsg vbsg vcd vcdsg nvme0 "i2c-$i2c" rtc0 video0 vkeys dri/vcard dri/vgem; do
		wait_node g "$node" || { tap_done; exit; }
	done
	run_all guest guest run g
fi

nr=0
while read -r line; do
	nr=$((nr + 1))
	diff /tmp/native/$nr /tmp/guest/$nr >/tmp/diff 2>&1
	ok $? "$(sed 's,/usr/[a-z/-]*/,,' <<<"$line"): as natively ($(wc -l </tmp/native/$nr) lines, $(tail -n 1 /tmp/native/$nr))" || {
		diag "$(head -n 20 /tmp/diff)"
	}
done < <(commands)

if [ "${1:-}" != native ]; then
	# WRITE BUFFER: firmware, for one.
	like "$(guest run g 'sg_raw -s 4 -i /bin/true /dev/vsg 3b 02 00 00 00 00 00 00 04 00' 2>&1)" \
		'not permitted' "a SCSI command that the policy denies"
	like "$(cat /var/log/xen/xen-vsysd.log)" 'SCSI command 0x3b \(WRITE_BUFFER\) is denied by policy .scsi' \
		"... in the log with number and name"
	is "$(guest_complaints g)" "" "the guest's kernel has nothing to complain about"
fi
is "$(dmesg | grep -E 'BUG:|WARNING:|Oops|Call Trace')" "" "dom0's kernel has nothing to complain about"
tap_done
