// A class of ten properties, named READING, and a function that adds it. Included once for each
// class.
struct READING {
    realm::primary_key<realm::object_id> _id{realm::object_id::generate()};
    std::string station;
    std::chrono::time_point<std::chrono::system_clock> at;
    double temperature = 0;
    double pressure = 0;
    int64_t windSpeed = 0;
    bool raining = false;
    std::optional<std::string> note;
    std::optional<double> humidity;
    std::vector<double> samples;
};
REALM_ASYMMETRIC_SCHEMA(READING, _id, station, at, temperature, pressure, windSpeed, raining, note,
                        humidity, samples)

void store(realm::db& db, const READING& reading) { db.add(reading); }

#undef READING
