#!/usr/bin/env bash
# In a Debian root with a compiler and nothing of ours: installs the packages, builds a stranger's programs in each way that there
# is, streams into the packaged gateway, upgrades it and takes everything away. Changes the machine it runs on.
set -euo pipefail
export SOURCE=/srv/source STRANGER=/srv/source/tests/consumer WORK=/tmp CMAKE=cmake CONFIG=Debug CC=gcc CXX=g++ PYTHON=python3
export HOME=/root GATEWAY=/usr/bin/realm-ingest-gateway PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
# shellcheck source=tests/package/stranger.sh
source "$SOURCE/tests/package/stranger.sh"

fail() {
    echo "package.clean_root: $*" >&2
    exit 1
}
step() { echo "== $* ($SECONDS s)"; }

# Every file but those that dpkg, the user database and the kernel keep.
files() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /srv -o -path /run -o -path /var/lib/dpkg \
        -o -path /var/log -o -path /var/cache \) -prune -o -print | grep -v -E '^/etc/(passwd|group|shadow|gshadow)-?$' | sort
}
document_is_there() {
    "$SOURCE/tests/with_gateway.py" --data /var/lib/realm-ingest --find StrangerReading=1 /tmp/as_service "$@"
}

if command -v cargo rustc; then
    fail "this is for machines without Rust"
fi
files >/tmp/before

step "installing $(ls /srv/packages)"
dpkg -i /srv/packages/*.deb
[ "$(stat -c '%U %a' /var/lib/realm-ingest)" = "realm-ingest 700" ] || fail "the gateway's folder is not its own"

step "find_package"
way=find_package
stranger -DFIND_BY=find_package

step "pkg-config"
way=pkg_config
compile_stranger "$(pkg-config --cflags --libs cpprealm)" "$(pkg-config --cflags --libs realm-ingest)"
run_stranger "$WORK/$way"

step "g++ program.cpp -lrealm_ingest"
way=plain
compile_stranger -lrealm_ingest -lrealm_ingest
run_stranger "$WORK/$way"

step "README, and the tutorial"
"$PYTHON" "$SOURCE/tests/docs/page_test.py" /usr "$SOURCE/README.md" "$SOURCE/examples/quickstart.cpp"
# Ninja is what there is in place of make.
CMAKE_GENERATOR=Ninja "$PYTHON" "$SOURCE/tests/docs/page_test.py" /usr "$SOURCE/docs/tutorial.md" "$SOURCE/examples/greenhouse"

step "upgrade"
cat >/tmp/as_service <<'END'
#!/bin/sh
exec setpriv --reuid=realm-ingest --regid=realm-ingest --clear-groups realm-ingest-gateway "$@"
END
chmod +x /tmp/as_service
document_is_there "$WORK/plain/stranger"
echo '# ours' >>/etc/realm-ingest/gateway.env
dpkg-deb -R /srv/packages/realm-ingest-gateway_*.deb /tmp/next
sed -i 's/^Version: .*/&.1/' /tmp/next/DEBIAN/control
dpkg-deb -Znone -b /tmp/next /tmp/next.deb
dpkg -i /tmp/next.deb
grep -q '^# ours$' /etc/realm-ingest/gateway.env || fail "the upgrade has replaced settings"
document_is_there true

step "purge"
dpkg --purge realm-ingest-gateway librealm-ingest-dev librealm-ingest0
files >/tmp/after
# What devices have sent is not ours to remove.
grep -v '^/var/lib/realm-ingest\(/\|$\)' /tmp/after | diff /tmp/before - || fail "the files above are left"
grep -q '^/var/lib/realm-ingest/' /tmp/after || fail "what devices have sent is gone"
step "done"
