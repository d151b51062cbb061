// Calls that give the library a function of Go: userdata is the number of a handle of package
// runtime/cgo.
#ifndef INGEST_GO_CALLBACKS_H
#define INGEST_GO_CALLBACKS_H

#include <realm_ingest.h>

realm_ingest_code ingest_go_set_error_callback(realm_ingest_realm_config* config, uintptr_t handle,
                                               realm_ingest_error** error);

realm_ingest_code ingest_go_on_upload(const realm_ingest_realm* realm, uintptr_t handle,
                                      realm_ingest_error** error, uint64_t* token);

realm_ingest_code ingest_go_on_settled(const realm_ingest_realm* realm, uint64_t number,
                                       uintptr_t handle, realm_ingest_error** error,
                                       uint64_t* token);

realm_ingest_code ingest_go_on_progress(const realm_ingest_realm* realm, uintptr_t handle,
                                        realm_ingest_error** error, uint64_t* token);

realm_ingest_code ingest_go_set_http_callback(realm_ingest_app_config* config, uintptr_t handle,
                                              realm_ingest_error** error);

void ingest_go_set_log(uint8_t level, uintptr_t handle);

#endif
