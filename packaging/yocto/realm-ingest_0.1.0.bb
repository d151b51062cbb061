# The library and the gateway, each a package. Rust 1.89 or later: whinlatter (5.3) and later.
#
# Beside this file go realm-ingest-0.1.0.tar.gz, which scripts/release.sh makes, and realm-ingest-crates.inc, the libraries of its
# Cargo.lock: `bitbake -c update_crates realm-ingest` writes it.
SUMMARY = "Durable outbox, uploader and gateway for Data Ingest"
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57"

SRC_URI = "file://realm-ingest-${PV}.tar.gz"
FILESEXTRAPATHS:prepend := "${THISDIR}:"
require realm-ingest-crates.inc

inherit cmake pkgconfig systemd useradd rust-target-config cargo_common cargo-update-recipe-crates

DEPENDS += "cargo-native rust-native virtual/${TARGET_PREFIX}rust libstd-rs"
S = "${UNPACKDIR}/realm-ingest-${PV}"

EXTRA_OECMAKE = " \
    -DREALM_INGEST_BUILD_TESTS=OFF \
    -DREALM_INGEST_BUILD_EXAMPLES=OFF \
    -DREALM_INGEST_RUST_TARGET=${RUST_HOST_SYS} \
    -DREALM_INGEST_CARGO_TARGET_DIR=${B}/cargo \
"

# Where crates and the linker are is in the settings that this writes.
do_configure[postfuncs] += "cargo_common_do_configure"
do_compile:prepend() {
    export RUST_TARGET_PATH="${RUST_TARGET_PATH}"
    export CARGO_NET_OFFLINE=true
}

PACKAGES =+ "${PN}-gateway"
FILES:${PN}-gateway = " \
    ${bindir}/realm-ingest-gateway \
    ${systemd_system_unitdir} \
    ${nonarch_libdir}/sysusers.d \
    ${nonarch_libdir}/tmpfiles.d \
    ${datadir}/bash-completion \
    ${datadir}/fish \
    ${datadir}/zsh \
"
SYSTEMD_PACKAGES = "${PN}-gateway"
SYSTEMD_SERVICE:${PN}-gateway = "realm-ingest-gateway.service"
# /etc/realm-ingest/gateway.env comes first.
SYSTEMD_AUTO_ENABLE = "disable"
USERADD_PACKAGES = "${PN}-gateway"
USERADD_PARAM:${PN}-gateway = "--system --no-create-home --home-dir /var/lib/realm-ingest --user-group realm-ingest"
