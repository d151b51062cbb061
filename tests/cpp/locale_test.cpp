// A program in a locale that writes numbers with a comma: what the library writes has a point.
// Exits with 0 when all holds.
#include <cpprealm/sdk.hpp>

#include <clocale>
#include <cstdio>
#include <iostream>
#include <locale>
#include <sstream>

#include "fake_server.hpp"

namespace {

struct Weight {
    realm::primary_key<std::int64_t> _id = 1;
    double kilograms = 1234.5;
    realm::decimal128 price{"1234.5"};
};
REALM_ASYMMETRIC_SCHEMA(Weight, _id, kilograms, price)

std::string written() {
    test::fake_app app;
    auto db = realm::open<Weight>(test::fake_app::quiet(app.log_in()));
    std::ostringstream text;
    db.write([&] { db.add(Weight{}).to_json(text); });
    return text.str();
}

} // namespace

int main() {
    const auto plain = written();
    if (!std::setlocale(LC_ALL, "de_DE.UTF-8")) {
        std::cerr << "the locale is not there\n";
        return 1;
    }
    char text[16];
    std::snprintf(text, sizeof text, "%.1f", 0.5);
    const auto in_locale = written();
    std::cout << text << '\n' << plain << '\n' << in_locale << '\n';
    return std::string(text) == "0,5" && plain == in_locale &&
                   plain.find("1234.5") != std::string::npos
               ? 0
               : 1;
}
