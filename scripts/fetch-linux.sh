#!/bin/sh
# Fetches Debian's riscv64 kernel and busybox, and packs them into what `rig guest run` boots: `vmlinux` and `initramfs.cpio`.
#
# usage: scripts/fetch-linux.sh [FOLDER]        (default: ~/.cache/rigvisor/linux)
#
# The disk has modules for virtio devices, too; `virtio` in its shell loads them. `modules` in FOLDER names them.
#
# Needs apt, dpkg-deb, cpio, xz, Debian's archive keys, and a network. Lists and caches of apt are kept in FOLDER; the
# system's own are not touched. Environment: MIRROR (default: the system's, else deb.debian.org), SUITE (default: trixie).
set -eu

folder=${1:-"${XDG_CACHE_HOME:-$HOME/.cache}/rigvisor/linux"}
suite=${SUITE:-trixie}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

fail() {
  echo "fetch-linux: $1" >&2
  exit 1
}
for tool in apt-get apt-cache dpkg-deb cpio xz; do
  command -v "$tool" >/dev/null || fail "$tool is missing; this script needs a Debian or Ubuntu system"
done
[ -r "$keyring" ] || fail "$keyring is missing; install the package debian-archive-keyring"

# The mirror that the system itself uses, so that proxies and local mirrors hold.
system_mirror() {
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    sed -n -e 's/^URIs:[[:space:]]*\([^[:space:]]*\/debian\/\{0,1\}\)\([[:space:]].*\)\{0,1\}$/\1/p' \
      -e 's/^deb[[:space:]]\(\[[^]]*\][[:space:]]*\)\{0,1\}\([^[:space:]]*\/debian\/\{0,1\}\)[[:space:]].*/\2/p' |
    head -n 1
}
mirror=${MIRROR:-$(system_mirror)}
mirror=${mirror:-http://deb.debian.org/debian}

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
apt="$folder/apt"
mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/packages"
: >"$apt/status"
echo "deb [arch=riscv64 signed-by=$keyring] $mirror $suite main" >"$apt/sources.list"
cat >"$apt/apt.conf" <<CONF
APT::Architecture "riscv64";
APT::Architectures { "riscv64"; };
APT::Sandbox::User "";
Acquire::Languages "none";
Dir::State "$apt/state";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
CONF
export APT_CONFIG="$apt/apt.conf"

apt-get -qq update || fail "the lists of $suite could not be fetched from $mirror"
kernel=$(apt-cache depends linux-image-riscv64 | sed -n 's/^ *Depends: *\(linux-image-[0-9].*\)$/\1/p' | head -n 1)
[ -n "$kernel" ] || fail "$suite has no kernel for riscv64"
(cd "$apt/packages" && rm -f ./*.deb && apt-get -qq download "$kernel" busybox-static) ||
  fail "$kernel or busybox-static could not be fetched"

tree="$apt/tree"
rm -rf "$tree"
mkdir -p "$tree/kernel" "$tree/busybox"
dpkg-deb -x "$apt/packages"/linux-image-*.deb "$tree/kernel"
dpkg-deb -x "$apt/packages"/busybox-static_*.deb "$tree/busybox"
cp "$tree"/kernel/boot/vmlinu[xz]-* "$folder/vmlinux"

root="$tree/root"
mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/etc" "$root/root"
for place in usr/bin bin; do
  [ ! -f "$tree/busybox/$place/busybox" ] || cp "$tree/busybox/$place/busybox" "$root/bin/busybox"
done
[ -x "$root/bin/busybox" ] || fail "busybox-static has no program at a place known here"
ln -s busybox "$root/bin/sh"
# Debian's kernel has virtio devices as modules, compressed, which busybox cannot unpack. In the order of their dependencies.
modules="drivers/virtio/virtio_mmio drivers/block/virtio_blk net/core/failover drivers/net/net_failover
  drivers/net/virtio_net drivers/char/hw_random/virtio-rng"
mkdir -p "$root/lib/virtio" "$root/etc/udhcpc"
echo '#!/bin/sh' >"$root/bin/virtio"
for module in $modules; do
  name=${module##*/}
  xz -dc "$tree"/kernel/usr/lib/modules/*/kernel/"$module.ko.xz" >"$root/lib/virtio/$name.ko" ||
    fail "$kernel has no module $module"
  echo "insmod /lib/virtio/$name.ko || exit 1" >>"$root/bin/virtio"
done
cat >"$root/etc/udhcpc/default.script" <<'LEASE'
#!/bin/sh
[ "$1" = bound ] || exit 0
ifconfig "$interface" "$ip" netmask "$subnet"
for gateway in $router; do route add default gw "$gateway" dev "$interface"; done
for server in $dns; do echo "nameserver $server"; done >/etc/resolv.conf
LEASE
chmod +x "$root/bin/virtio" "$root/etc/udhcpc/default.script"
cat >"$root/init" <<'INIT'
#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
echo "Linux $(uname -r) on $(uname -m), busybox on the console; leave the shell to power off"
setsid cttyhack sh
poweroff -f
INIT
chmod +x "$root/init"
# Times, owners and the order of files are fixed, so that the same packages give the same bytes.
find "$root" -exec touch -h -d @0 {} +
(cd "$root" && find . | LC_ALL=C sort | cpio --quiet --reproducible -R 0:0 -o -H newc) >"$folder/initramfs.cpio"
echo "$modules" | xargs -n 1 basename >"$folder/modules"
rm -rf "$tree"

echo "$folder/vmlinux ($kernel)"
echo "$folder/initramfs.cpio"
