#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| realm_ingest_fuzz_targets::target("changeset")(data));
