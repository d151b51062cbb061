// A program without streams: what the library says reaches the console all the same.
#define REALM_INGEST_NO_IOSTREAM
#include <cpprealm/sdk.hpp>

#ifdef _GLIBCXX_IOSTREAM
#error "<iostream> is there"
#endif

int main() {
    realm::set_default_level_threshold(realm::logger::level::warn);
    realm::internal::log_router::get().log(realm::logger::level::warn, "a message");
}
