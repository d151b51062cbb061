# The gateway's files, a component of their own for the server that needs nothing else.
set(realm_ingest_systemd "${PROJECT_SOURCE_DIR}/packaging/systemd")

install(PROGRAMS "${realm_ingest_gateway}" TYPE BIN COMPONENT gateway)

# Man pages and completions, as they are laid out below share/. A test of the gateway writes them.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/packaging/share/" DESTINATION "${CMAKE_INSTALL_DATADIR}" COMPONENT gateway)

# systemd looks in lib, also where libraries are elsewhere.
install(FILES "${realm_ingest_systemd}/realm-ingest-gateway.service"
    DESTINATION lib/systemd/system COMPONENT gateway)
foreach(kind IN ITEMS sysusers tmpfiles)
    install(FILES "${realm_ingest_systemd}/${kind}.conf" DESTINATION "lib/${kind}.d"
        RENAME realm-ingest-gateway.conf COMPONENT gateway)
endforeach()
set(documents "${CMAKE_INSTALL_DATADIR}/doc/realm-ingest-gateway")
install(FILES "${realm_ingest_systemd}/realm-ingest-gateway.env" LICENSE DESTINATION "${documents}" COMPONENT gateway)
install(FILES packaging/licenses/gateway.txt DESTINATION "${documents}" RENAME third-party-licenses.txt COMPONENT gateway)
