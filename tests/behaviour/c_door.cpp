// The door of the C interface. Only lines of JSON are read with the C++ headers.
#include "door.hpp"

#include <realm_ingest.h>

#include <atomic>
#include <memory>

namespace {

using namespace behaviour;

template <auto Free>
struct freed {
    template <typename T>
    void operator()(T* handle) const {
        Free(handle);
    }
};
template <typename T, auto Free>
using owned = std::unique_ptr<T, freed<Free>>;
using app_config_ptr = owned<realm_ingest_app_config, realm_ingest_app_config_free>;
using app_ptr = owned<realm_ingest_app, realm_ingest_app_free>;
using credentials_ptr = owned<realm_ingest_credentials, realm_ingest_credentials_free>;
using user_ptr = owned<realm_ingest_user, realm_ingest_user_free>;
using users_ptr = owned<realm_ingest_users, realm_ingest_users_free>;
using realm_config_ptr = owned<realm_ingest_realm_config, realm_ingest_realm_config_free>;
using realm_ptr = owned<realm_ingest_realm, realm_ingest_realm_free>;
using transaction_ptr = owned<realm_ingest_transaction, realm_ingest_transaction_free>;
using text_ptr = owned<realm_ingest_text, realm_ingest_text_free>;
using bytes_ptr = owned<realm_ingest_bytes, realm_ingest_bytes_free>;
using status_ptr = owned<realm_ingest_status, realm_ingest_status_free>;
using stranded_ptr = owned<realm_ingest_stranded, realm_ingest_stranded_free>;

/// Calls with the place for an error, and throws what comes there.
template <typename Fn>
void call(Fn&& fn) {
    realm_ingest_error* error = nullptr;
    if (fn(&error) == REALM_INGEST_OK)
        return;
    failure failed(realm_ingest_error_message(error, nullptr),
                   realm_ingest_error_name(error, nullptr));
    realm_ingest_error_free(error);
    throw failed;
}

/// The output of a call.
template <typename Owned, typename Fn>
Owned made(Fn&& fn) {
    typename Owned::pointer output = nullptr;
    call([&](auto error) { return fn(error, &output); });
    return Owned(output);
}

std::string string(const text_ptr& text) { return realm_ingest_text_data(text.get(), nullptr); }

const std::uint8_t* bytes(const std::array<char, 64>& key) {
    return reinterpret_cast<const std::uint8_t*>(key.data());
}

/// What a session told.
struct told {
    std::string code;
    bool fatal;
    std::string refusals;
};

struct device {
    app_ptr app;
    user_ptr user;
    realm_config_ptr config;
    realm_ptr realm;
    inbox<told> errors;
    inbox<std::uint64_t> progress;
    std::atomic<std::uint64_t> requests{0};

    std::string user_id() const {
        auto id = realm_ingest_user_id(user.get(), nullptr);
        return id ? id : "";
    }
    user_ptr current_user() const {
        return made<user_ptr>([&](auto error, auto user) {
            return realm_ingest_app_current_user(app.get(), error, user);
        });
    }
    users_ptr users() const {
        return made<users_ptr>([&](auto error, auto users) {
            return realm_ingest_app_users(app.get(), error, users);
        });
    }
    stranded_ptr stranded() const {
        return made<stranded_ptr>([&](auto error, auto stranded) {
            return realm_ingest_app_stranded(app.get(), error, stranded);
        });
    }
};

void hear_error(void* userdata, const realm_ingest_sync_error* error) {
    std::string refusals;
    for (std::size_t at = 0; at < realm_ingest_sync_error_refusal_count(error); ++at)
        refusals += (at == 0 ? "" : ",") +
                    object()
                        .text("class", realm_ingest_sync_error_refusal_class(error, at, nullptr))
                        .text("reason", realm_ingest_sync_error_refusal_reason(error, at, nullptr))
                        .done();
    static_cast<device*>(userdata)->errors.put({realm_ingest_sync_error_name(error, nullptr),
                                                realm_ingest_sync_error_is_fatal(error),
                                                "[" + refusals + "]"});
}

void hear_progress(void* userdata, double fraction, std::uint64_t, std::uint64_t waiting) {
    if (fraction == 1)
        static_cast<device*>(userdata)->progress.put(waiting);
}

/// HTTP of the application that counts, and lets the built-in client send.
void send(void* userdata, const realm_ingest_http_request* request,
          realm_ingest_http_answer* answer) {
    ++static_cast<device*>(userdata)->requests;
    realm_ingest_http_request_forward(request, nullptr, answer, nullptr);
    realm_ingest_http_answer_send(answer);
}

struct kept_log {
    std::mutex mutex;
    std::string text;

    static void hear(void* userdata, std::uint8_t, const char* message, std::size_t length) {
        auto& self = *static_cast<kept_log*>(userdata);
        std::lock_guard lock(self.mutex);
        self.text.append(message, length).append("\n");
    }
};

credentials_ptr credentials(const command& given) {
    auto provider = given.text("provider");
    return made<credentials_ptr>([&](auto error, auto made) -> realm_ingest_code {
        if (provider == "anon-user")
            return realm_ingest_credentials_new_anonymous(error, made);
        if (provider == "local-userpass") {
            auto email = given.text("email");
            auto password = given.text("password");
            return realm_ingest_credentials_new_password(
                email.data(), email.size(), password.data(), password.size(), error, made);
        }
        auto with_one = [&](auto new_, const char* name) {
            auto value = given.text(name);
            return new_(value.data(), value.size(), error, made);
        };
        if (provider == "api-key")
            return with_one(realm_ingest_credentials_new_api_key, "key");
        if (provider == "custom-token")
            return with_one(realm_ingest_credentials_new_custom_token, "token");
        if (provider == "custom-function")
            return with_one(realm_ingest_credentials_new_function, "payload");
        throw failure("this door has no provider " + provider);
    });
}

void fill(const transaction_ptr& transaction, const command& given) {
    for (const auto& [name, json] : given.documents()) {
        auto document = made<bytes_ptr>([&, &json = json](auto error, auto document) {
            return realm_ingest_bson_from_json(json.data(), json.size(), error, document);
        });
        std::size_t length = 0;
        auto* data = realm_ingest_bytes_data(document.get(), &length);
        call([&, &name = name](auto error) {
            return realm_ingest_transaction_append(transaction.get(), name.data(), name.size(),
                                                   data, length, error);
        });
    }
}

transaction_ptr begin(const device& self) {
    return made<transaction_ptr>([&](auto error, auto transaction) {
        return realm_ingest_transaction_new(self.realm.get(), error, transaction);
    });
}

realm_config_ptr realm_config(device& self, const command& given) {
    auto classes = given.text("schema");
    auto config = made<realm_config_ptr>([&](auto error, auto config) {
        return realm_ingest_realm_config_new(classes.data(), classes.size(), error, config);
    });
    auto* to = config.get();
    call([&](auto error) {
        return realm_ingest_realm_config_set_error_callback(to, hear_error, &self, nullptr, error);
    });
    if (given.has("path")) {
        auto path = given.text("path");
        call([&](auto error) {
            return realm_ingest_realm_config_set_path(to, path.data(), path.size(), error);
        });
    }
    if (given.has("key")) {
        auto key = given.key("key");
        call([&](auto error) {
            return realm_ingest_realm_config_set_encryption_key(to, bytes(key), key.size(), error);
        });
    }
    if (given.has("stop_policy"))
        call([&](auto error) {
            return realm_ingest_realm_config_set_stop_policy(
                to, number_of(stops, given.text("stop_policy")), error);
        });
    if (given.has("durability"))
        call([&](auto error) {
            return realm_ingest_realm_config_set_durability(to,
                                                            given.text("durability") == "relaxed"
                                                                ? REALM_INGEST_DURABILITY_RELAXED
                                                                : REALM_INGEST_DURABILITY_FULL,
                                                            error);
        });
    if (given.has("max_documents"))
        call([&](auto error) {
            return realm_ingest_realm_config_set_cap(
                to, REALM_INGEST_NO_LIMIT,
                static_cast<std::uint64_t>(given.number("max_documents")), REALM_INGEST_NO_LIMIT,
                number_of(policies, given.text("cap_policy")), error);
        });
    for (const auto& name : given.texts("urgent"))
        call([&](auto error) {
            return realm_ingest_realm_config_add_urgent_class(to, name.data(), name.size(), error);
        });
    return config;
}

void add_users(commands& known, device& self) {
    known["open_app"] = [&](const command& given) {
        auto id = given.text("id");
        auto config = made<app_config_ptr>([&](auto error, auto config) {
            return realm_ingest_app_config_new(id.data(), id.size(), error, config);
        });
        auto url = given.text("url");
        auto files = given.text("files");
        auto* to = config.get();
        call([&](auto error) {
            return realm_ingest_app_config_set_base_url(to, url.data(), url.size(), error);
        });
        call([&](auto error) {
            return realm_ingest_app_config_set_path(to, files.data(), files.size(), error);
        });
        if (given.has("key")) {
            auto key = given.key("key");
            call([&](auto error) {
                return realm_ingest_app_config_set_metadata_encryption_key(to, bytes(key),
                                                                           key.size(), error);
            });
        }
        realm_ingest_app_config_set_caching(to, false, nullptr);
        if (given.flag("own_http"))
            realm_ingest_app_config_set_http_callback(to, send, &self, nullptr, nullptr);
        self.app = made<app_ptr>(
            [&](auto error, auto app) { return realm_ingest_app_new(to, error, app); });
        self.user = self.current_user();
        return object();
    };
    known["register"] = [&](const command& given) {
        auto email = given.text("email");
        auto password = given.text("password");
        call([&](auto error) {
            return realm_ingest_app_register(self.app.get(), email.data(), email.size(),
                                             password.data(), password.size(), error);
        });
        return object();
    };
    known["log_in"] = [&](const command& given) {
        auto with = credentials(given);
        self.user = made<user_ptr>([&](auto error, auto user) {
            return realm_ingest_app_login(self.app.get(), with.get(), error, user);
        });
        return object().text("user", self.user_id());
    };
    known["log_out"] = [&](const command&) {
        call([&](auto error) { return realm_ingest_user_log_out(self.user.get(), error); });
        return object();
    };
    known["user"] = [&](const command&) {
        return object()
            .text("user", self.user_id())
            .text("state", user_states[realm_ingest_user_state(self.user.get())]);
    };
    auto user_at = [&](std::size_t index) {
        auto users = self.users();
        return made<user_ptr>([&](auto error, auto user) {
            return realm_ingest_users_get(users.get(), index, error, user);
        });
    };
    known["users"] = [&, user_at](const command&) {
        std::vector<std::size_t> places;
        while (places.size() < realm_ingest_users_count(self.users().get()))
            places.push_back(places.size());
        return object().json("states", list(places, [&](std::size_t index) {
                                 return quoted(
                                     user_states[realm_ingest_user_state(user_at(index).get())]);
                             }));
    };
    known["switch_user"] = [&, user_at](const command& given) {
        self.user = user_at(static_cast<std::size_t>(given.number("index")));
        call([&](auto error) {
            return realm_ingest_app_switch_user(self.app.get(), self.user.get(), error);
        });
        return object();
    };
    known["remove_user"] = [&](const command&) {
        call([&](auto error) {
            return realm_ingest_app_remove_user(self.app.get(), self.user.get(), error);
        });
        return object();
    };
    known["delete_user"] = [&](const command&) {
        call([&](auto error) {
            return realm_ingest_app_delete_user(self.app.get(), self.user.get(), error);
        });
        return object();
    };
    known["link"] = [&](const command& given) {
        auto with = credentials(given);
        call(
            [&](auto error) { return realm_ingest_user_link(self.user.get(), with.get(), error); });
        return object();
    };
    known["identities"] = [&](const command&) {
        auto json = string(made<text_ptr>([&](auto error, auto text) {
            return realm_ingest_user_identities(self.user.get(), error, text);
        }));
        realm::bsoncxx::array all = realm::internal::bson_from_ejson(json);
        return object().json("providers", list(all, [](realm::bsoncxx::document one) {
                                 return quoted(
                                     realm::bsoncxx(one["provider_type"]).operator std::string());
                             }));
    };
    known["requests"] = [&](const command&) { return object().flag("any", self.requests != 0); };
    known["server_time"] = [&](const command&) {
        bool is_known = false;
        std::int64_t now_ms = 0;
        std::uint64_t uncertainty_ms = 0;
        call([&](auto error) {
            return realm_ingest_app_server_time(self.app.get(), error, &is_known, &now_ms,
                                                &uncertainty_ms);
        });
        return object().flag("known", is_known);
    };
}

void add_realms(commands& known, device& self) {
    known["open_realm"] = [&](const command& given) {
        self.config = realm_config(self, given);
        self.realm = made<realm_ptr>([&](auto error, auto realm) {
            return realm_ingest_realm_new(self.user.get(), self.config.get(), error, realm);
        });
        return object();
    };
    known["close_realm"] = [&](const command&) {
        call([&](auto error) { return realm_ingest_realm_close(self.realm.get(), error); });
        return object();
    };
    known["rekey"] = [&](const command& given) {
        std::optional<std::array<char, 64>> key;
        if (given.has("new_key"))
            key = given.key("new_key");
        call([&](auto error) {
            return realm_ingest_rekey(self.user.get(), self.config.get(),
                                      key ? bytes(*key) : nullptr, key ? key->size() : 0, error);
        });
        return object();
    };
    known["write"] = [&](const command& given) {
        auto transaction = begin(self);
        fill(transaction, given);
        std::uint64_t number = 0;
        call([&](auto error) {
            return realm_ingest_transaction_commit(transaction.get(), error, &number);
        });
        return object().text("number", std::to_string(number));
    };
    known["abandon"] = [&](const command& given) {
        auto transaction = begin(self);
        fill(transaction, given);
        return object();
    };
    known["receipt"] = [&](const command& given) {
        std::uint8_t state = 0;
        call([&](auto error) {
            return realm_ingest_realm_state_of(self.realm.get(), std::stoull(given.text("number")),
                                               error, &state);
        });
        return object().text("state", receipt_states[state]);
    };
    known["wait_for_receipt"] = [&](const command& given) {
        std::uint8_t state = 0;
        call([&](auto error) {
            return realm_ingest_realm_wait_for(self.realm.get(), std::stoull(given.text("number")),
                                               given.number("timeout_ms"), error, &state);
        });
        return object().text("state", receipt_states[state]);
    };
    known["status"] = [&](const command&) {
        auto status = made<status_ptr>([&](auto error, auto status) {
            return realm_ingest_realm_status(self.realm.get(), error, status);
        });
        return object()
            .number("transactions", realm_ingest_status_waiting_transactions(status.get()))
            .number("documents", realm_ingest_status_waiting_documents(status.get()))
            .number("dropped", realm_ingest_status_dropped_documents(status.get()))
            .number("refused", realm_ingest_status_refused_documents(status.get()));
    };
}

void add_sessions(commands& known, device& self) {
    known["wait_for_upload"] = [&](const command& given) {
        call([&](auto error) {
            return realm_ingest_realm_wait_for_upload(self.realm.get(), given.number("timeout_ms"),
                                                      error);
        });
        return object();
    };
    auto act = [&](const char* name, auto function) {
        known[name] = [&, function](const command&) {
            call([&](auto error) { return function(self.realm.get(), error); });
            return object();
        };
    };
    act("pause", realm_ingest_realm_pause);
    act("resume", realm_ingest_realm_resume);
    act("reconnect", realm_ingest_realm_reconnect);
    known["session"] = [&](const command&) {
        std::uint8_t state = 0;
        std::uint8_t connection = 0;
        call([&](auto error) { return realm_ingest_realm_state(self.realm.get(), error, &state); });
        call([&](auto error) {
            return realm_ingest_realm_connection_state(self.realm.get(), error, &connection);
        });
        return object()
            .text("state", session_states[state])
            .text("connection", connection_states[connection]);
    };
    known["error"] = [&](const command& given) {
        auto error = self.errors.take(given.number("timeout_ms"));
        return object()
            .text("code", error.code)
            .flag("fatal", error.fatal)
            .json("refusals", error.refusals);
    };
    known["watch_progress"] = [&](const command&) {
        std::uint64_t token = 0;
        call([&](auto error) {
            return realm_ingest_realm_on_progress(self.realm.get(), hear_progress, &self, nullptr,
                                                  error, &token);
        });
        return object();
    };
    known["progress_done"] = [&](const command& given) {
        return object().number("waiting", self.progress.take(given.number("timeout_ms")));
    };
}

void add_files(commands& known, device& self) {
    auto path_of = [&](const command& given) -> std::string {
        auto found = self.stranded();
        auto path = realm_ingest_stranded_path(
            found.get(), static_cast<std::size_t>(given.number("index")), nullptr);
        if (!path)
            throw failure("there is no such file");
        return path;
    };
    known["stranded"] = [&](const command&) {
        auto found = self.stranded();
        std::vector<std::size_t> places;
        while (places.size() < realm_ingest_stranded_count(found.get()))
            places.push_back(places.size());
        return object().json("documents", list(places, [&](std::size_t index) {
                                 return std::to_string(
                                     realm_ingest_stranded_documents(found.get(), index));
                             }));
    };
    known["export"] = [&, path_of](const command& given) {
        auto path = path_of(given);
        auto destination = given.text("destination");
        std::uint64_t documents = 0;
        call([&](auto error) {
            return realm_ingest_app_export(self.app.get(), path.data(), path.size(),
                                           destination.data(), destination.size(), nullptr, 0,
                                           error, &documents);
        });
        return object().number("documents", documents);
    };
    known["rehome"] = [&, path_of](const command& given) {
        auto path = path_of(given);
        call([&](auto error) {
            return realm_ingest_app_rehome(self.app.get(), path.data(), path.size(),
                                           self.user.get(), nullptr, 0, error);
        });
        return object();
    };
    known["discard"] = [&, path_of](const command& given) {
        auto path = path_of(given);
        std::uint64_t documents = 0;
        call([&](auto error) {
            return realm_ingest_app_discard(self.app.get(), path.data(), path.size(), error,
                                            &documents);
        });
        return object().number("documents", documents);
    };
}

} // namespace

int main() {
    if (realm_ingest_check_abi(REALM_INGEST_ABI_VERSION, nullptr) != REALM_INGEST_OK)
        return 1;
    // What callbacks use lives as long as the process.
    static auto& self = *new device;
    static auto& log = *new kept_log;
    commands known;
    add_users(known, self);
    add_realms(known, self);
    add_sessions(known, self);
    add_files(known, self);
    known["listen_to_log"] = [&](const command&) {
        realm_ingest_set_log(0, kept_log::hear, &log, nullptr);
        return object();
    };
    known["logged"] = [&](const command& given) {
        std::lock_guard lock(log.mutex);
        return object().flag("found", log.text.find(given.text("text")) != std::string::npos);
    };
    known["shutdown"] = [&](const command& given) {
        return object().flag("ended", realm_ingest_shutdown(given.number("timeout_ms")));
    };
    return serve(known);
}
