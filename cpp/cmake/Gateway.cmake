# The gateway: what servers install, and what tests and examples run against.
set(realm_ingest_gateway "${PROJECT_BINARY_DIR}/bin/realm-ingest-gateway")
realm_ingest_add_cargo_target(gateway
    ARGUMENTS --package realm-ingest-gateway
    COPY "${realm_ingest_cargo_output}/realm-ingest-gateway" "${realm_ingest_gateway}")
# Two cargos would only wait for each other's lock.
add_dependencies(gateway realm_ingest_cargo)
