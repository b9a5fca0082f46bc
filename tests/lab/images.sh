# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Sourced by `lab`: the cached images. Three things are kept in $cache:
#
#   debs/          every Debian package that was downloaded
#   kernel-KEY/    vmlinux, vmlinuz, xen.elf, modules/ (a tree for depmod)
#   base-KEY.img   squashfs with the userland, the modules and the kernel
#
# KEY is a hash of the packages' resolved versions and of this file, so a new
# version or a new list builds a new image and an old one is never wrong.
# Nothing of the checkout's product is in here: that is layer.sh's job.

# shellcheck disable=SC2154 # die, progress: from lab; here: its directory

need_mib=2500	# free disk for one build: packages, their tree, the image

image_packages()
{
	sed 's/#.*//' "$here/packages-dom0"
	printf '%s\n' "$@"
}

# The kernel that the product's module is built for: the one of the installed
# headers, or the newest if there are none yet.
kernel_version()
{
	local depends

	depends=$(dpkg-query -W -f '${Depends}' linux-headers-amd64 2>/dev/null) ||
		depends=$(apt-cache depends linux-image-amd64 2>/dev/null | tr '\n' ' ') || true
	depends=$(grep -oE 'linux-(headers|image)-[0-9][^ ,)]*' <<<"$depends" | head -n1) || true
	[ -n "$depends" ] ||
		die "no kernel version: neither linux-headers-amd64 is installed nor does apt know linux-image-amd64 (apt-get update?)"
	echo "${depends#linux-*-}"
}

hypervisor_package()
{
	local xen

	xen=$(sed -n 's/^xen-utils-\([0-9.]*\).*/\1/p' "$here/packages-dom0")
	echo "xen-hypervisor-$xen-amd64"
}

# "package version" lines; a package that apt does not know ends it all.
resolved_versions()
{
	local out missing

	out=$(apt-cache policy "$@" | awk '/^[^ ]/ { p = $1; sub(":$", "", p) }
		$1 == "Candidate:" && $2 != "(none)" { print p, $2 }')
	missing=$(comm -23 <(printf '%s\n' "$@" | sort -u) <(cut -d' ' -f1 <<<"$out" | sort -u) | xargs)
	[ -z "$missing" ] ||
		die "apt knows no package $missing (apt-get update may help)"
	echo "$out"
}

check_disk()
{
	local free

	mkdir -p "$cache" 2>/dev/null || die "cannot make the cache directory $cache"
	free=$(df -Pm "$cache" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$need_mib" ] ||
		die "building needs $need_mib MiB of disk, $cache has $free MiB free (LAB_CACHE moves it)"
}

need_tools()
{
	local t

	for t in "$@"; do
		command -v "$t" >/dev/null ||
			die "$t is not installed (tests/lab/deps installs what the lab needs)"
	done
}

download()
{
	local log=$cache/download.log

	(cd "$cache/debs" && apt-get -o APT::Sandbox::User=root download "$@") >"$log" 2>&1 ||
		die "cannot download $*: $(grep -m1 '^E:' "$log" || echo "see $log")"
}

# A bzImage carries the kernel as a compressed ELF file. Xen and xl boot that
# file as it is, which saves unpacking it under emulation at each boot.
extract_vmlinux()
{
	local setup offset length

	setup=$(od -An -tu1 -j $((0x1f1)) -N1 "$1")
	offset=$(od -An -tu4 -j $((0x248)) -N4 "$1")
	length=$(od -An -tu4 -j $((0x24c)) -N4 "$1")
	dd if="$1" of="$2.packed" bs=1M iflag=skip_bytes,count_bytes status=none \
		skip=$(((setup + 1) * 512 + offset)) count="$length"
	case $(od -An -tx1 -N4 "$2.packed" | tr -d ' ') in
	fd377a58) xz -dc "$2.packed" >"$2" 2>/dev/null || true ;;
	28b52ffd) zstd -qdc "$2.packed" >"$2" 2>/dev/null || true ;;
	1f8b*) gzip -dc "$2.packed" >"$2" 2>/dev/null || true ;;
	*) die "the kernel's compression is unknown" ;;
	esac
	rm "$2.packed"
	[ "$(od -An -tx1 -N4 "$2" | tr -d ' ')" = 7f454c46 ] || die "no ELF file in $1"
}

build_kernel()
{
	local dir=$1 tmp=$1.new image=linux-image-$kver

	progress "unpacking kernel $kver and Xen"
	need_tools dpkg depmod xz
	rm -rf "$tmp"
	mkdir -p "$tmp/k" "$tmp/x" "$cache/debs"
	download "$image" "$(hypervisor_package)"
	dpkg -x "$(newest_deb "$image")" "$tmp/k"
	dpkg -x "$(newest_deb "$(hypervisor_package)")" "$tmp/x"
	gunzip -c "$tmp"/x/boot/xen-*-amd64.gz >"$tmp/xen.elf"
	mv "$tmp/k/boot/vmlinuz-$kver" "$tmp/vmlinuz"
	extract_vmlinux "$tmp/vmlinuz" "$tmp/vmlinux"
	mkdir -p "$tmp/modules/lib/modules"
	mv "$tmp/k/lib/modules/$kver" "$tmp/modules/lib/modules/"
	depmod -b "$tmp/modules" "$kver"
	rm -rf "$tmp/k" "$tmp/x" "$dir"
	mv "$tmp" "$dir"
}

newest_deb()
{
	# shellcheck disable=SC2012 # names of Debian packages
	ls -t "$cache/debs/$1"_*.deb | head -n1
}

# Where to get Debian from: as this machine's own apt is set up, if that is
# for the same release; otherwise mmdebstrap's default.
mirrors()
{
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets \
		--format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)|$(ORIGIN)|$(CREATED_BY)' |
		sed -n 's/|Debian|Packages$//p' | grep " $suite" | sort -u || true
}

registry_silent()
{
	grep -qE 'Could not (resolve|connect)|Temporary failure|Failed to fetch|Unable to connect|Connection (timed out|failed)' "$1"
}

explain_mmdebstrap()
{
	local log=$1 what

	if what=$(grep -oE -m1 'Unable to locate package [^ ]+|Package .* has no installation candidate' "$log"); then
		die "the base image cannot be built: $what"
	elif grep -qE 'No space left' "$log"; then
		die "the base image cannot be built: the disk is full"
	elif registry_silent "$log"; then
		die "the base image cannot be built: the package registry does not answer (see $log)"
	fi
	die "the base image cannot be built: $(grep -m1 '^E:' "$log" || echo "see $log")"
}

# bootstrap OUTPUT KERNEL-DIRECTORY PACKAGES [MMDEBSTRAP-OPTION...]
bootstrap()
{
	local output=$1 kernel=$2 include=$3 from=()
	shift 3

	[ ! -s "$cache/mirrors" ] || from=("$cache/mirrors")
	# The hooks keep what was downloaded for the next image.
	# shellcheck disable=SC2016 # $1 is for mmdebstrap's shell
	TMPDIR=$cache/tmp mmdebstrap --variant=minbase \
		--skip=download/empty --skip=essential/unlink \
		--setup-hook='mkdir -p "$1"/var/cache/apt/archives "$1"/var/lib/apt/lists' \
		--setup-hook="sync-in '$cache/debs' /var/cache/apt/archives" \
		--customize-hook="sync-out /var/cache/apt/archives '$cache/debs'" \
		--customize-hook="sync-out /var/lib/apt/lists '$cache/lists'" \
		--customize-hook='mkdir -p "$1"/usr/lib/modules "$1"/boot' \
		--customize-hook="sync-in '$kernel/modules/lib/modules' /usr/lib/modules" \
		--customize-hook="upload '$kernel/vmlinux' /boot/vmlinux" \
		--customize-hook="upload '$kernel/vmlinuz' /boot/vmlinuz" \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--aptopt='Apt::Install-Recommends "false"' \
		--include="$include" "$@" "$suite" "$output" "${from[@]}" \
		>"$cache/build.log" 2>&1
}

build_base()
{
	local image=$1 kernel=$2 log=$cache/build.log include suite
	shift 2

	progress "building the base image ($*)"
	need_tools mmdebstrap mksquashfs
	suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	include=$(printf '%s,' "$@")
	include=${include%,}
	mkdir -p "$cache/debs" "$cache/lists" "$cache/tmp"
	mirrors >"$cache/mirrors"
	if ! bootstrap "$image.tar" "$kernel" "$include"; then
		registry_silent "$log" || explain_mmdebstrap "$log"
		progress "the package registry does not answer; trying with what is kept"
		cp "$log" "$log.online"
		if ! bootstrap "$image.tar" "$kernel" "$include" --skip=update \
			--setup-hook="sync-in '$cache/lists' /var/lib/apt/lists"; then
			rm -f "$image.tar"
			explain_mmdebstrap "$log.online"
		fi
	fi
	progress "packing the base image"
	# Not compressed: unpacking costs more under emulation than reading.
	# shellcheck disable=SC2086 # a list of options
	mksquashfs - "$image.new" -tar ${LAB_SQUASHFS:--noI -noD -noF -noX} -noappend \
		-no-progress -quiet <"$image.tar" >>"$log" 2>&1 ||
		die "mksquashfs failed: $(tail -n1 "$log")"
	rm "$image.tar"
	mv "$image.new" "$image"
}

# Sets kver, kernel_dir and base_image; builds what is not there.
images_ensure()
{
	local packages versions key kkey

	need_tools apt-cache dpkg-query
	kver=$(kernel_version)
	mapfile -t packages < <(image_packages "$@" | xargs -n1 | sort -u)
	versions=$(resolved_versions "${packages[@]}" "linux-image-$kver" "$(hypervisor_package)")
	kkey=$(grep -E "^(linux-image|xen-hypervisor)" <<<"$versions" | cat - "$here/images.sh" | sha256sum | cut -c1-12)
	key=$(cat - "$here/images.sh" <<<"$versions$(uname -m)${LAB_SQUASHFS:-}" | sha256sum | cut -c1-12)
	kernel_dir=$cache/kernel-$kkey
	base_image=$cache/base-$key.img
	if [ -d "$kernel_dir" ] && [ -f "$base_image" ]; then
		touch "$kernel_dir" "$base_image"
		return
	fi
	check_disk
	exec 9>"$cache/lock"
	flock 9	# another lab may be building the same
	[ -d "$kernel_dir" ] || build_kernel "$kernel_dir"
	[ -f "$base_image" ] || build_base "$base_image" "$kernel_dir" "${packages[@]}"
	# What no lab has used for a month.
	find "$cache" -maxdepth 1 \( -name 'kernel-*' -o -name 'base-*' \) -mtime +30 -exec rm -rf {} +
	exec 9>&-
}
