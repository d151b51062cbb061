#!/usr/bin/env bash
# Makes the folder ROOT, a Debian with what is essential and the packages that are named, of the mirror that this machine's apt
# has. It is there when it is whole; what is there already is left alone. Needs root and mmdebstrap.
#
#     scripts/debian-root.sh ROOT SUITE PACKAGE,... [OPTION...]   options are mmdebstrap's
set -euo pipefail
root=$1 suite=$2 packages=$3
shift 3
part=$root.part

# As apt has it, once it has read its lists.
debian_mirror() {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sed -n 1p
}

mkdir -p "$(dirname "$root")"
# Who comes second waits, and finds it made.
exec 9>"$root.making"
flock 9
[ ! -e "$root" ] || exit 0
# One that was killed leaves nothing mounted, but a folder that is not whole.
rm -rf --one-file-system "$part"
mirror=$(debian_mirror)
if [ -z "$mirror" ]; then
    apt-get update -qq
    mirror=$(debian_mirror)
fi
if [ -z "$mirror" ]; then
    echo "debian-root: apt knows no Debian mirror" >&2
    exit 1
fi
# Signatures are checked; how old the mirror's copy is, is not. It need not survive a power cut before it is whole. What is
# installed in it later has its documents.
mmdebstrap --quiet --variant=minbase --include="$packages" \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --customize-hook='rm "$1/etc/dpkg/dpkg.cfg.d/99mmdebstrap"' \
    "$@" "$suite" "$part" "$mirror"
mv "$part" "$root"
