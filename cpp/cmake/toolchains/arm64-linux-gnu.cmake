# 64-bit ARM Linux, by Debian's cross compiler (crossbuild-essential-arm64, libstd-rust-dev:arm64).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(REALM_INGEST_RUST_TARGET aarch64-unknown-linux-gnu)
