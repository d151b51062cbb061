# The front door. The work is in scripts/.
.PHONY: demo demo-cluster demo-old-device test test-arm test-mongodb check docs bench bench-mongodb bench-compile fuzz lint deny fmt

# Where scripts/ensure-tools.sh looks for cargo too.
export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin

demo:
	scripts/ensure-tools.sh build
	cmake --preset dev -DREALM_INGEST_BUILD_TESTS=OFF -B build/demo
	cmake --build build/demo --target gateway weather_station
	scripts/demo.sh build/demo/bin/realm-ingest-gateway build/demo/examples/weather_station build/demo/work

# Three gateways over one database.
demo-cluster:
	scripts/ensure-tools.sh
	scripts/mongodb.sh build
	cmake --preset dev
	cmake --build --preset dev --target gateway cluster_device
	/usr/bin/python3 tests/cluster/cluster_test.py build/dev/tests/cluster/cluster_device \
		build/dev/bin/realm-ingest-gateway build/dev/demo-cluster --show

# An application with a Realm SDK as it was shipped, beside one with this library.
demo-old-device:
	scripts/ensure-tools.sh
	cmake --preset dev -DREALM_INGEST_BUILD_TESTS=OFF -B build/demo
	cmake --build build/demo --target gateway weather_station
	tests/device_sync/driver/build.sh build/demo/driver
	scripts/demo-old-device.sh build/demo/bin/realm-ingest-gateway build/demo/examples/weather_station build/demo/driver/driver \
		build/demo/work-old-device

test:
	scripts/ensure-tools.sh
	scripts/test.sh

# What is stored in MongoDB, on the server that MONGODB_URI names, or else on one of this machine.
test-mongodb:
	scripts/ensure-tools.sh
	scripts/mongodb.sh build
	cargo test -p realm-ingest-gateway --test mongodb --test states --test sinks

# Cross-built for arm64 and armhf, and run on emulated processors.
test-arm:
	scripts/ensure-tools.sh build
	cmake --preset dev -DREALM_INGEST_BUILD_TESTS=OFF -B build/demo
	cmake --build build/demo --target gateway
	scripts/test-arm.sh build/demo/bin/realm-ingest-gateway

check:
	scripts/ensure-tools.sh check
	scripts/check.sh

# The documentation as a site, in build/docs/site.
docs:
	scripts/ensure-tools.sh docs
	scripts/docs.sh

bench:
	scripts/ensure-tools.sh build
	cmake --preset release
	cmake --build --preset release --target gateway ingest_bench ingest_floor doors_bench backlog_bench
	scripts/bench.sh build/release/bin/realm-ingest-gateway build/release/bench/ingest_bench \
		build/release/bin/ingest-floor build/release/bin/doors-bench \
		build/release/bin/backlog-bench build/release/work
	scripts/bench-size.sh build/release/cargo/librealm_ingest.a build/release/work include build/release/include

bench-mongodb:
	scripts/ensure-tools.sh
	scripts/mongodb.sh build
	scripts/bench-mongodb.sh

# What the C++ headers cost a compiler.
bench-compile:
	scripts/ensure-tools.sh build
	cmake --preset release
	cmake --build --preset release --target realm_ingest_cargo
	scripts/bench-compile.sh 5 include build/release/include

# For FUZZ_SECONDS (60) a target.
fuzz:
	scripts/ensure-tools.sh build
	scripts/fuzz.sh

lint:
	scripts/ensure-tools.sh check
	scripts/lint.sh

# What libraries may be, and what is known against them: deny.toml says how to get cargo-deny.
deny:
	cargo deny --locked check

fmt:
	scripts/fmt.sh
