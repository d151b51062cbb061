/* What a stranger writes first in C. */
#include <realm_ingest.h>

#include <stdio.h>
#include <string.h>

static const char schema[] =
    "{\"classes\":[{\"name\":\"StrangerLog\",\"kind\":\"asymmetric\","
    "\"primary_key\":\"_id\",\"properties\":[{\"name\":\"_id\",\"type\":\"int\"}]}]}";

/* {"_id": NumberLong(7)} */
static const uint8_t document[] = "\x12\0\0\0\x12_id\0\7\0\0\0\0\0\0\0";

int main(void) {
    realm_ingest_error* error = NULL;
    realm_ingest_app_config* app_config = NULL;
    realm_ingest_app* app = NULL;
    realm_ingest_user* user = NULL;
    realm_ingest_realm_config* config = NULL;
    realm_ingest_realm* realm = NULL;
    int ok =
        realm_ingest_app_config_new("stranger-c", 10, &error, &app_config) == REALM_INGEST_OK &&
        realm_ingest_app_new(app_config, &error, &app) == REALM_INGEST_OK &&
        realm_ingest_app_login_anonymous(app, &error, &user) == REALM_INGEST_OK &&
        realm_ingest_realm_config_new(schema, strlen(schema), &error, &config) == REALM_INGEST_OK &&
        realm_ingest_realm_new(user, config, &error, &realm) == REALM_INGEST_OK &&
        realm_ingest_realm_append(realm, "StrangerLog", 11, document, 18, &error, NULL) ==
            REALM_INGEST_OK &&
        realm_ingest_realm_wait_for_upload(realm, 60000, &error) == REALM_INGEST_OK;
    if (ok)
        printf("realm-ingest %s\n", realm_ingest_version());
    else
        fprintf(stderr, "%s\n", realm_ingest_error_message(error, NULL));
    realm_ingest_error_free(error);
    realm_ingest_realm_free(realm);
    realm_ingest_realm_config_free(config);
    realm_ingest_user_free(user);
    realm_ingest_app_free(app);
    realm_ingest_app_config_free(app_config);
    return ok ? 0 : 1;
}
