// Everything: `#include <cpprealm/sdk.hpp>` is all that an application needs.
#pragma once

// Standard headers that programs written for realm-cpp get from here.
#include <any>
#include <array>
#include <atomic>
#include <chrono>
#include <cinttypes>
#include <condition_variable>
#include <deque>
#include <exception>
#include <filesystem>
#include <functional>
#include <future>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <queue>
#include <ratio>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>
// What a program with REALM_INGEST_NO_IOSTREAM, for all of its files, does without: linked in,
// std::cout brings all of the standard library's locales.
#ifndef REALM_INGEST_NO_IOSTREAM
#include <iomanip>
#include <iostream>
#include <locale>
#include <sstream>
#endif

#include <cpprealm/accessors.hpp>
#include <cpprealm/app.hpp>
#include <cpprealm/bson.hpp>
#include <cpprealm/client_reset.hpp>
#include <cpprealm/db.hpp>
#include <cpprealm/flex_sync.hpp>
#include <cpprealm/link.hpp>
#include <cpprealm/logger.hpp>
#include <cpprealm/macros.hpp>
#include <cpprealm/managed_binary.hpp>
#include <cpprealm/managed_decimal.hpp>
#include <cpprealm/managed_dictionary.hpp>
#include <cpprealm/managed_list.hpp>
#include <cpprealm/managed_mixed.hpp>
#include <cpprealm/managed_numeric.hpp>
#include <cpprealm/managed_objectid.hpp>
#include <cpprealm/managed_primary_key.hpp>
#include <cpprealm/managed_set.hpp>
#include <cpprealm/managed_string.hpp>
#include <cpprealm/managed_timestamp.hpp>
#include <cpprealm/managed_uuid.hpp>
#include <cpprealm/networking/http.hpp>
#include <cpprealm/networking/websocket.hpp>
#include <cpprealm/notifications.hpp>
#include <cpprealm/observation.hpp>
#include <cpprealm/rbool.hpp>
#include <cpprealm/results.hpp>
#include <cpprealm/scheduler.hpp>
#include <cpprealm/schema.hpp>
#include <cpprealm/thread_safe_reference.hpp>
#include <cpprealm/types.hpp>
#include <cpprealm/version_numbers.hpp>
