/* The header, twice as through two others, and by what a program does first. Any C from C99 on, and
 * C++. */
#include <realm_ingest.h>

int main(void) {
    realm_ingest_error* error = NULL;
    realm_ingest_app_config* config = NULL;
    const uint64_t limit = REALM_INGEST_NO_LIMIT;
    if (realm_ingest_check_abi(REALM_INGEST_ABI_VERSION, &error) != REALM_INGEST_OK)
        return 1;
    if (realm_ingest_app_config_new("app", 3, &error, &config) != REALM_INGEST_OK)
        return 1;
    realm_ingest_app_config_free(config);
    return limit == 0;
}
