# 32-bit ARM Linux with hardware floating point, ARMv7 and later, by Debian's cross compiler (crossbuild-essential-armhf,
# libstd-rust-dev:armhf).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(CMAKE_C_COMPILER arm-linux-gnueabihf-gcc)
set(CMAKE_CXX_COMPILER arm-linux-gnueabihf-g++)
set(REALM_INGEST_RUST_TARGET armv7-unknown-linux-gnueabihf)
# GCC says of many a function that releases before 7.1 called it otherwise: none of those made anything here.
set(CMAKE_CXX_FLAGS_INIT -Wno-psabi)
