#!/bin/sh
# Fetches Debian's kernel for this machine's architecture (amd64) and packs what `npm run test:lab` boots in QEMU:
# `vmlinuz` and `initramfs.cpio` (busybox and the kernel's modules for USB and UIO; the rest comes over 9p). Nothing is installed.
#
# usage: scripts/fetch-lab.sh [FOLDER]        (default: ~/.cache/rigvisor/lab)
#
# Needs apt with its lists up to date (`apt-get update`), dpkg-deb, kmod, cpio, busybox-static, and a network for the first time.
# A kernel that FOLDER has already is packed again without a network.
set -eu

folder=${1:-"${XDG_CACHE_HOME:-$HOME/.cache}/rigvisor/lab"}
PATH="$PATH:/usr/sbin:/sbin"

fail() {
  echo "fetch-lab: $1" >&2
  exit 1
}
for tool in apt-get apt-cache dpkg-deb cpio modprobe depmod; do
  command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install kmod cpio, on a Debian system for amd64"
done
busybox=$(command -v busybox) || fail 'busybox is missing: apt-get install busybox-static'
[ "$(dpkg --print-architecture)" = amd64 ] || fail 'the lab boots a kernel for amd64, and this system is of another architecture'

# Loaded in this order, each with what it needs.
modules="virtio_pci virtio_rng 9pnet_virtio 9p virtio_net
  usbcore usbmon xhci-pci usbhid hid-generic uhid evdev usbserial ftdi_sio cdc-acm usbtmc vhci-hcd uio_pci_generic"

mkdir -p "$folder/packages"
folder=$(cd "$folder" && pwd)
if ! ls "$folder"/packages/linux-image-*.deb >/dev/null 2>&1; then
  kernel=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: *\(linux-image-[0-9].*\)$/\1/p' | head -n 1)
  [ -n "$kernel" ] || fail 'apt knows no linux-image-amd64: run apt-get update on a Debian system'
  (cd "$folder/packages" && apt-get -qq -o APT::Sandbox::User= download "$kernel") || fail "$kernel could not be fetched"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dpkg-deb -x "$folder"/packages/linux-image-*.deb "$work/kernel"
set -- "$work"/kernel/boot/vmlinuz-*
release=${1##*/vmlinuz-}
# The kernel's package keeps its modules in /lib or, from Debian 13 on, in /usr/lib.
base="$work/kernel"
[ -d "$base/lib/modules" ] || base="$work/kernel/usr"
depmod -b "$base" "$release" || fail "the modules of $release could not be read"

root="$work/root"
mkdir -p "$root/lab/bin" "$root/lab/modules"
cp "$busybox" "$root/lab/bin/busybox"
for module in $modules; do
  modprobe -d "$base" -S "$release" --show-depends "$module" || fail "$release has no module $module"
done | awk '/^insmod/ && !seen[$2]++ { print $2 }' >"$work/order"
while read -r file; do
  name=${file##*/}
  case $name in
    *.xz) name=${name%.xz} && xz -dc "$file" >"$root/lab/modules/$name" ;;
    *) cp "$file" "$root/lab/modules/$name" ;;
  esac
  echo "$name" >>"$root/lab/modules/order"
done <"$work/order"
cat >"$root/init" <<'INIT'
#!/lab/bin/busybox sh
/lab/bin/busybox --install -s /lab/bin
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/lab/bin
mkdir -p /proc /sys /dev /out
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
exec </dev/console >/dev/console 2>&1
stage() { echo "lab: $(cut -d' ' -f1 /proc/uptime) s $1"; }
stage kernel
while read -r module; do
  options=
  # HID_QUIRK_NO_IGNORE for the Velleman K8055, which the kernel leaves to comedi else (drivers/hid/hid-quirks.c).
  [ "$module" != usbhid.ko ] || options=quirks=0x10cf:0x5500:0x40000000
  insmod "/lab/modules/$module" $options || echo "lab: module $module could not be loaded"
done </lab/modules/order
stage modules
mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=none out /out && . /out/start.sh
echo 'lab: /out/start.sh could not be run'
poweroff -f
INIT
chmod 755 "$root/init" "$root/lab/bin/busybox"
# Times, owners and the order of files are fixed, so that the same packages give the same bytes.
find "$root" -exec touch -h -d @0 {} +
(cd "$root" && find . | LC_ALL=C sort | cpio --quiet --reproducible -R 0:0 -o -H newc) >"$folder/initramfs.cpio"
cp "$work"/kernel/boot/vmlinuz-* "$folder/vmlinuz"

echo "$folder/vmlinuz ($release)"
echo "$folder/initramfs.cpio"
