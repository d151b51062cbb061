/* A weather station in C: streams hourly observations, one transaction a day, into the gateway that
 * REALM_INGEST_URL names.
 *
 *     weather_station_c <observations.csv>
 *
 * What is committed arrives exactly once, also if this program or the gateway dies on the way. It
 * can be started again at any moment: an observation is named by station and hour, so one that is
 * written twice is kept once. */
#define _DEFAULT_SOURCE /* timegm */
#include <realm_ingest.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char station[] = "USW00024233"; /* Seattle-Tacoma in NOAA's list of stations */
static const char class_name[] = "WeatherSensorReading";
static const char schema[] =
    "{\"classes\":[{\"name\":\"WeatherSensorReading\",\"kind\":\"asymmetric\","
    "\"primary_key\":\"_id\",\"properties\":["
    "{\"name\":\"_id\",\"type\":\"string\"},"
    "{\"name\":\"deviceId\",\"type\":\"string\"},"
    "{\"name\":\"at\",\"type\":\"date\"},"
    "{\"name\":\"temperatureInCelsius\",\"type\":\"double\"},"
    "{\"name\":\"barometricPressureInHectopascal\",\"type\":\"double\"},"
    "{\"name\":\"windSpeedInMetresPerSecond\",\"type\":\"double\"}]}]}";

enum { line_size = 128, document_size = 512 };

/* Ends the program with the reason where a call failed. */
static void check(realm_ingest_code code, realm_ingest_error* error) {
    if (code == REALM_INGEST_OK)
        return;
    fprintf(stderr, "weather_station: %s (%s)\n", realm_ingest_error_message(error, NULL),
            realm_ingest_error_name(error, NULL));
    realm_ingest_error_free(error);
    exit(1);
}

/* Runs on a thread of the library. */
static void on_sync_error(void* userdata, const realm_ingest_sync_error* error) {
    (void)userdata;
    fprintf(stderr, "session: %s\n", realm_ingest_sync_error_message(error, NULL));
    for (size_t i = 0; i < realm_ingest_sync_error_refusal_count(error); i++)
        fprintf(stderr, "refused: %s\n", realm_ingest_sync_error_refusal_reason(error, i, NULL));
}

/* Fields of a BSON document, which a BSON library makes as well. Its numbers are little-endian, and
 * so must this machine's be. */
static uint8_t* put(uint8_t* to, const void* bytes, size_t length) {
    memcpy(to, bytes, length);
    return to + length;
}
static uint8_t* put_name(uint8_t* to, char type, const char* name) {
    *to++ = (uint8_t)type;
    return put(to, name, strlen(name) + 1);
}
static uint8_t* put_string(uint8_t* to, const char* name, const char* value) {
    int32_t length = (int32_t)strlen(value) + 1;
    to = put(put_name(to, 2, name), &length, sizeof length);
    return put(to, value, (size_t)length);
}
static uint8_t* put_double(uint8_t* to, const char* name, double value) {
    return put(put_name(to, 1, name), &value, sizeof value);
}
static uint8_t* put_date(uint8_t* to, const char* name, int64_t milliseconds) {
    return put(put_name(to, 9, name), &milliseconds, sizeof milliseconds);
}

/* Makes a document of a line such as `2010-01-01T01:00:00,1016.6,4.0,3.8` and gives its length. */
static size_t make_reading(uint8_t document[document_size], const char* line) {
    struct tm hour = {0};
    double pressure = 0, temperature = 0, wind = 0;
    if (sscanf(line, "%d-%d-%dT%d:%d:%d,%lf,%lf,%lf", &hour.tm_year, &hour.tm_mon, &hour.tm_mday,
               &hour.tm_hour, &hour.tm_min, &hour.tm_sec, &pressure, &temperature, &wind) != 9) {
        fprintf(stderr, "weather_station: not an observation: %s\n", line);
        exit(1);
    }
    hour.tm_year -= 1900;
    hour.tm_mon -= 1;
    char id[line_size * 2];
    snprintf(id, sizeof id, "%s/%.*s", station, (int)strcspn(line, ","), line);

    uint8_t* to = document + 4;
    to = put_string(to, "_id", id);
    to = put_string(to, "deviceId", station);
    to = put_date(to, "at", (int64_t)timegm(&hour) * 1000);
    to = put_double(to, "temperatureInCelsius", temperature);
    to = put_double(to, "barometricPressureInHectopascal", pressure);
    to = put_double(to, "windSpeedInMetresPerSecond", wind);
    *to++ = 0;
    int32_t length = (int32_t)(to - document);
    memcpy(document, &length, sizeof length);
    return (size_t)length;
}

static realm_ingest_realm* open_realm(void) {
    realm_ingest_error* error = NULL;
    realm_ingest_app_config* app_config = NULL;
    check(realm_ingest_app_config_new("weather-station", 15, &error, &app_config), error);
    realm_ingest_app* app = NULL;
    check(realm_ingest_app_new(app_config, &error, &app), error);
    realm_ingest_app_config_free(app_config);

    realm_ingest_user* user = NULL;
    check(realm_ingest_app_login_anonymous(app, &error, &user), error);

    realm_ingest_realm_config* config = NULL;
    check(realm_ingest_realm_config_new(schema, strlen(schema), &error, &config), error);
    check(realm_ingest_realm_config_set_error_callback(config, on_sync_error, NULL, NULL, &error),
          error);
    realm_ingest_realm* realm = NULL;
    check(realm_ingest_realm_new(user, config, &error, &realm), error);

    /* The realm works on without the handles that made it. */
    realm_ingest_realm_config_free(config);
    realm_ingest_user_free(user);
    realm_ingest_app_free(app);
    return realm;
}

/* Writes every day of the file, and gives the number of the last transaction. */
static uint64_t write_days(realm_ingest_realm* realm, FILE* observations) {
    char line[line_size], today[11] = "";
    uint64_t number = 0;
    if (!fgets(line, sizeof line, observations)) /* the column names */
        return number;
    realm_ingest_error* error = NULL;
    realm_ingest_transaction* day = NULL;
    check(realm_ingest_transaction_new(realm, &error, &day), error);
    while (fgets(line, sizeof line, observations)) {
        if (today[0] && strncmp(today, line, 10) != 0)
            check(realm_ingest_transaction_commit(day, &error, &number), error);
        snprintf(today, sizeof today, "%.10s", line);
        uint8_t document[document_size];
        size_t length = make_reading(document, line);
        check(realm_ingest_transaction_append(day, class_name, strlen(class_name), document, length,
                                              &error),
              error);
    }
    check(realm_ingest_transaction_commit(day, &error, &number), error);
    realm_ingest_transaction_free(day);
    return number;
}

int main(int argc, char** argv) {
    FILE* observations = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (!observations) {
        fprintf(stderr, "usage: weather_station_c <observations.csv>\n");
        return 2;
    }
    realm_ingest_realm* realm = open_realm();
    uint64_t last = write_days(realm, observations);
    fclose(observations);
    puts("all written, waiting for the upload");

    realm_ingest_error* error = NULL;
    check(realm_ingest_realm_wait_for_upload(realm, 60000, &error), error);
    /* What became of a transaction can be asked by its number, also after a restart. */
    uint8_t state = REALM_INGEST_STATE_UNKNOWN;
    check(realm_ingest_realm_state_of(realm, last, &error, &state), error);
    printf("all uploaded; transaction %" PRIu64 " is %s\n", last,
           state == REALM_INGEST_STATE_PERSISTED ? "stored" : "not stored");
    realm_ingest_realm_free(realm);
    return state == REALM_INGEST_STATE_PERSISTED ? 0 : 1;
}
