//! The C interface of realm-ingest as a shared library of its own, for maturin to put into a wheel.

// Linked for the functions that it exports to C.
extern crate realm_ingest as _;
