# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Sourced by `lab`: what one run adds to the cached images, all of it made
# afresh in the run's own directory within a fraction of a second:
#
#   layer.img       squashfs laid over the base image, in dom0 and in guests:
#                   the product (build/stage), the lab's own files, the script
#   dom0.initrd     busybox and the few modules that lead to those images
#
# The guests' initrd travels inside layer.img.

# shellcheck disable=SC2154 # variables of lab and images.sh

lab_lib=usr/lib/xen-vsys-lab

# Compiled once per version of its source.
build_agent()
{
	local key

	need_tools gcc
	key=$(cat "$here"/agent/*.[ch] | sha256sum | cut -c1-12)
	agent=$cache/lab-agent-$key
	[ -x "$agent" ] && return
	mkdir -p "$cache"
	gcc -O2 -Wall -Wextra -Werror -static -o "$agent.$$" "$here"/agent/*.c ||
		die "the lab's agent does not compile"
	mv "$agent.$$" "$agent"
}

# initrd KIND OUTPUT MODULE...: an uncompressed cpio archive; emulated
# unpacking is dearer than reading.
make_initrd()
{
	local kind=$1 output=$2 dir=$run_dir/initrd-$1 applet modules
	shift 2

	modules=$cache/$(basename "$kernel_dir")/initrd-$kind
	mkdir -p "$dir/bin" "$dir/dev" "$dir/proc" "$dir/sys" "$dir/modules"
	cp "$(command -v busybox)" "$dir/bin/busybox"
	for applet in sh mount mkdir insmod sleep switch_root cat; do
		ln -s busybox "$dir/bin/$applet"
	done
	install -m 755 "$here/initramfs-init" "$dir/init"
	echo "$kind" >"$dir/kind"
	if [ ! -s "$modules" ]; then
		modprobe -C /dev/null -d "$kernel_dir/modules" -S "$kver" --show-depends -a "$@" |
			awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$modules.$$"
		mv "$modules.$$" "$modules"
	fi
	while read -r file; do
		cp "$file" "$dir/modules/"
		echo "${file##*/}"
	done <"$modules" >"$dir/modules/order"
	(cd "$dir" && find . | cpio -o -H newc --quiet -R 0:0) >"$output"
}

# The merged module index, kept as long as the modules stay the same.
index_modules()
{
	local tree=$1 extra=$1/usr/lib/modules/$kver key index merged=$run_dir/depmod

	[ -d "$extra" ] || return 0
	key=$(find "$extra" -name '*.ko' -exec sha256sum {} + | sort |
		sed "s#$tree##" | sha256sum | cut -c1-12)
	index=$kernel_dir/index-$key
	if [ ! -d "$index" ]; then
		mkdir -p "$merged/lib/modules/$kver"
		ln -s "$kernel_dir/modules/lib/modules/$kver"/{kernel,modules.builtin,modules.builtin.modinfo,modules.order} \
			"$merged/lib/modules/$kver/"
		cp -a "$extra/." "$merged/lib/modules/$kver/"
		depmod -b "$merged" "$kver"
		mkdir "$index.$$"
		find "$merged/lib/modules/$kver" -maxdepth 1 -type f -name 'modules.*' \
			-exec mv {} "$index.$$/" \;
		mv -T "$index.$$" "$index" 2>/dev/null || rm -rf "$index.$$"
		rm -rf "$merged"
	fi
	cp "$index"/* "$extra/"
}

# The base system has /bin, /sbin and /lib as links into /usr; a directory of
# that name in an upper layer would hide them.
merge_usr()
{
	local tree=$1 d

	for d in bin sbin lib lib64; do
		if [ ! -d "$tree/$d" ] || [ -L "$tree/$d" ]; then
			continue
		fi
		mkdir -p "$tree/usr/$d"
		cp -a "$tree/$d/." "$tree/usr/$d/"
		rm -rf "${tree:?}/$d"
	done
}

# make_layer SCRIPT [FILE[:PATH]...]
make_layer()
{
	local tree=$run_dir/layer lib script=$1 f from to
	shift

	need_tools busybox cpio depmod modprobe mksquashfs
	lib=$tree/$lab_lib
	mkdir -p "$tree"
	if [ -d "$stage" ]; then
		cp -a "$stage/." "$tree/"
		merge_usr "$tree"
		index_modules "$tree"
	fi
	mkdir -p "$lib/script" "$tree/usr/local/bin" "$tree/etc/xen/scripts" "$tree/usr/sbin"
	install -m 755 "$agent" "$lib/lab-agent"
	ln -s "/$lab_lib/lab-agent" "$tree/usr/sbin/poweroff"
	ln -s "/$lab_lib/lab-agent" "$tree/usr/sbin/reboot"
	install -m 755 "$here/dom0-init" "$here/guest-init" "$lib/"
	install -m 755 "$here/guest" "$tree/usr/local/bin/guest"
	install -m 755 "$here/hotplug-block" "$tree/etc/xen/scripts/block"
	install -m 755 "$here/hotplug-vif" "$tree/etc/xen/scripts/vif-lab"
	echo 'vif.default.script="vif-lab"' >"$tree/etc/xen/xl.conf"
	cp "$run_dir/options" "$lib/options"
	make_initrd guest "$lib/guest.initrd" xen-blkfront xen-netfront squashfs overlay
	if [ -n "$script" ]; then
		# Its neighbours too: scripts share functions.
		for f in "$(dirname "$script")"/*.sh; do
			[ ! -f "$f" ] || cp "$f" "$lib/script/"
		done
		install -m 755 "$script" "$lib/script/"
	fi
	for f in "$@"; do
		from=${f%%:*} to=${f#*:}
		[ "$to" != "$f" ] || to=/root/${f##*/}
		mkdir -p "$tree/$(dirname "$to")"
		cp -a "$from" "$tree/$to"
	done
	mksquashfs "$tree" "$run_dir/layer.img" -all-root -noI -noD -noF -noX \
		-noappend -no-progress -quiet >"$run_dir/mksquashfs.log" 2>&1 ||
		die "mksquashfs failed: $(tail -n1 "$run_dir/mksquashfs.log")"
	make_initrd dom0 "$run_dir/dom0.initrd" virtio_pci virtio_blk squashfs overlay
	rm -rf "$tree" "$run_dir"/initrd-*
}
