#include "callbacks.h"

#include "_cgo_export.h"

// Go has no const.
static void on_sync_error(void* userdata, const realm_ingest_sync_error* error) {
    ingestGoSyncError((uintptr_t)userdata, (realm_ingest_sync_error*)error);
}

static void on_waited(void* userdata, const realm_ingest_error* error) {
    ingestGoWaited((uintptr_t)userdata, (realm_ingest_error*)error);
}

static void on_settled(void* userdata, uint64_t number, const realm_ingest_outcome* outcome) {
    (void)number;
    ingestGoSettled((uintptr_t)userdata, (realm_ingest_outcome*)outcome);
}

static void on_progress(void* userdata, double fraction, uint64_t uploaded, uint64_t waiting) {
    ingestGoProgress((uintptr_t)userdata, fraction, uploaded, waiting);
}

static void on_request(void* userdata, const realm_ingest_http_request* request,
                       realm_ingest_http_answer* answer) {
    ingestGoSend((uintptr_t)userdata, (realm_ingest_http_request*)request, answer);
}

static void on_log(void* userdata, uint8_t level, const char* message, size_t length) {
    ingestGoLog((uintptr_t)userdata, level, (char*)message, length);
}

static void release(void* userdata) { ingestGoRelease((uintptr_t)userdata); }

realm_ingest_code ingest_go_set_error_callback(realm_ingest_realm_config* config, uintptr_t handle,
                                               realm_ingest_error** error) {
    return realm_ingest_realm_config_set_error_callback(config, on_sync_error, (void*)handle,
                                                        release, error);
}

realm_ingest_code ingest_go_on_upload(const realm_ingest_realm* realm, uintptr_t handle,
                                      realm_ingest_error** error, uint64_t* token) {
    return realm_ingest_realm_on_upload(realm, on_waited, (void*)handle, release, error, token);
}

realm_ingest_code ingest_go_on_settled(const realm_ingest_realm* realm, uint64_t number,
                                       uintptr_t handle, realm_ingest_error** error,
                                       uint64_t* token) {
    return realm_ingest_realm_on_settled(realm, number, on_settled, (void*)handle, release, error,
                                         token);
}

realm_ingest_code ingest_go_on_progress(const realm_ingest_realm* realm, uintptr_t handle,
                                        realm_ingest_error** error, uint64_t* token) {
    return realm_ingest_realm_on_progress(realm, on_progress, (void*)handle, release, error, token);
}

realm_ingest_code ingest_go_set_http_callback(realm_ingest_app_config* config, uintptr_t handle,
                                              realm_ingest_error** error) {
    return realm_ingest_app_config_set_http_callback(config, on_request, (void*)handle, release,
                                                     error);
}

void ingest_go_set_log(uint8_t level, uintptr_t handle) {
    realm_ingest_set_log(level, on_log, (void*)handle, release);
}
