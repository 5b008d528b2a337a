# Run by the first program of the lab's machine, after the settings that the host wrote in front of it: mounts the host's
# folders over 9p, makes a small system of them and runs LAB_COMMAND in the repository.
export HOME=/root LANG=C.UTF-8

mkdir -p /run /tmp /root /etc /var/run /var/lib /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
chmod 1777 /tmp
mount -t debugfs debug /sys/kernel/debug

# LAB_SHARES: tags of folders of the host; LAB_PLACE_tag: where each belongs, as on the host.
for tag in $LAB_SHARES; do
  eval "place=\$LAB_PLACE_$tag"
  mkdir -p "$place"
  mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro "$tag" "$place" || echo "lab: $place could not be mounted"
done
# A merged /usr, as Debian has it since 12.
for place in bin sbin lib lib64; do ln -s "usr/$place" "/$place"; done
printf 'root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n' >/etc/passwd
printf 'root:x:0:\ndialout:x:20:\nplugdev:x:46:\nuser:x:1000:\n' >/etc/group
echo '127.0.0.1 localhost' >/etc/hosts
ifconfig lo 127.0.0.1 up
ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
route add default gw 10.0.2.2
stage 'folders and network'

cd "$LAB_REPOSITORY" && sh -c "$LAB_COMMAND"
stage ended
sync
poweroff -f
