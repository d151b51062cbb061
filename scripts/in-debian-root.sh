#!/bin/sh
# Runs a command in a Debian root, alone: its mounts, its processes and its shared memory end with it. DATA is /srv there.
# The first line it prints is the command's process id out here; SIGKILL to that ends all of it at once.
#
#     scripts/in-debian-root.sh ROOT DATA COMMAND [ARGUMENT...]
exec unshare --mount --pid --ipc --fork --kill-child=KILL -- sh -ec '
    read -r pid rest </proc/self/stat
    echo "$pid"
    root=$1 data=$2
    shift 2
    mount --bind "$data" "$root/srv"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    mount -t proc proc "$root/proc"
    exec chroot "$root" "$@"' sh "$@"
