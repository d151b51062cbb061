/* Streams weather readings from C: a durable outbox on this device, uploaded to the gateway that
 * REALM_INGEST_URL names. What is committed here arrives exactly once, also if this program or the
 * gateway dies on the way.
 *
 *     REALM_INGEST_URL=http://localhost:9090 ./stream
 */
#include <realm_ingest.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char schema[] = "{\"classes\":[{\"name\":\"StreamReading\",\"kind\":\"asymmetric\","
                             "\"primary_key\":\"_id\",\"properties\":["
                             "{\"name\":\"_id\",\"type\":\"int\"},"
                             "{\"name\":\"temperature\",\"type\":\"double\"}]}]}";

/* Ends the program with the reason where a call failed. */
static void check(realm_ingest_code code, realm_ingest_error* error) {
    if (code == REALM_INGEST_OK)
        return;
    fprintf(stderr, "stream: %s (%s)\n", realm_ingest_error_message(error, NULL),
            realm_ingest_error_name(error, NULL));
    realm_ingest_error_free(error);
    exit(1);
}

static uint8_t* put(uint8_t* to, const void* bytes, size_t length) {
    memcpy(to, bytes, length);
    return to + length;
}

/* {"_id": <int64>, "temperature": <double>} as BSON. A BSON library does this as well; numbers are
 * little-endian. */
static size_t make_reading(uint8_t document[64], int64_t id, double temperature) {
    uint8_t* to = document + 4;
    to = put(to, "\x12_id\0", 5);
    to = put(to, &id, sizeof id);
    to = put(to, "\x01temperature\0", 13);
    to = put(to, &temperature, sizeof temperature);
    *to++ = 0;
    int32_t length = (int32_t)(to - document);
    memcpy(document, &length, sizeof length);
    return (size_t)length;
}

/* Runs on a thread of the library. */
static void on_sync_error(void* userdata, const realm_ingest_sync_error* error) {
    (void)userdata;
    fprintf(stderr, "stream: session: %s\n", realm_ingest_sync_error_message(error, NULL));
    for (size_t i = 0; i < realm_ingest_sync_error_refusal_count(error); i++)
        fprintf(stderr, "stream: refused: %s\n",
                realm_ingest_sync_error_refusal_reason(error, i, NULL));
}

int main(void) {
    realm_ingest_error* error = NULL;

    realm_ingest_app_config* app_config = NULL;
    check(realm_ingest_app_config_new("stream-example", 14, &error, &app_config), error);
    realm_ingest_app* app = NULL;
    check(realm_ingest_app_new(app_config, &error, &app), error);
    realm_ingest_app_config_free(app_config);

    realm_ingest_user* user = NULL;
    check(realm_ingest_app_login_anonymous(app, &error, &user), error);

    realm_ingest_realm_config* realm_config = NULL;
    check(realm_ingest_realm_config_new(schema, strlen(schema), &error, &realm_config), error);
    check(realm_ingest_realm_config_set_error_callback(realm_config, on_sync_error, NULL, NULL,
                                                       &error),
          error);
    realm_ingest_realm* realm = NULL;
    check(realm_ingest_realm_new(user, realm_config, &error, &realm), error);
    realm_ingest_realm_config_free(realm_config);

    realm_ingest_transaction* transaction = NULL;
    check(realm_ingest_transaction_new(realm, &error, &transaction), error);
    for (int64_t id = 1; id <= 10; id++) {
        uint8_t document[64];
        size_t length = make_reading(document, id, 20.0 + (double)id / 4);
        check(realm_ingest_transaction_append(transaction, "StreamReading", 13, document, length,
                                              &error),
              error);
    }
    check(realm_ingest_transaction_commit(transaction, &error, NULL), error);
    realm_ingest_transaction_free(transaction);

    check(realm_ingest_realm_wait_for_upload(realm, 60000, &error), error);
    uint64_t pending = 0;
    check(realm_ingest_realm_pending(realm, &error, &pending), error);
    printf("10 readings uploaded, %llu waiting\n", (unsigned long long)pending);

    realm_ingest_realm_free(realm);
    realm_ingest_user_free(user);
    realm_ingest_app_free(app);
    return pending == 0 ? 0 : 1;
}
