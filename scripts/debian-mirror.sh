#!/bin/sh
# Prints the Debian mirror that apt uses here, for roots of another release; as root it reads apt's lists first where they
# are missing.
known() {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sed -n 1p
}

mirror=$(known)
if [ -z "$mirror" ]; then
    apt-get update -qq
    mirror=$(known)
fi
if [ -z "$mirror" ]; then
    echo "apt knows no Debian mirror" >&2
    exit 1
fi
echo "$mirror"
