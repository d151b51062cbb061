// The door of the C++ headers.
#include "door.hpp"

#include <cpprealm/ingest.hpp>

#include <atomic>

namespace {

using namespace behaviour;

struct Place {
    double latitude = 0;
    double longitude = 0;
};
REALM_EMBEDDED_SCHEMA(Place, latitude, longitude)

struct Reading {
    realm::primary_key<realm::object_id> _id;
    std::string station;
    double value = 0;
    int64_t count = 0;
    bool valid = false;
    std::chrono::time_point<std::chrono::system_clock> at;
    realm::decimal128 price;
    realm::uuid device;
    std::optional<std::string> note;
    std::vector<std::string> tags;
    Place* place = nullptr;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, station, value, count, valid, at, price, device, note, tags,
                        place)

struct Alarm {
    realm::primary_key<int64_t> _id;
    std::string text;
};
REALM_ASYMMETRIC_SCHEMA(Alarm, _id, text)

/// What a device has: an app, its user of the moment, and a database.
struct device {
    std::optional<realm::App> app;
    realm::user user;
    std::optional<realm::db_config> config;
    std::optional<realm::db> db;
    inbox<realm::sync_error> errors;
    inbox<realm::ingest::progress> progress;
    std::atomic<std::uint64_t> requests{0};

    realm::App& the_app() {
        if (!app)
            throw failure("no app is open");
        return *app;
    }
    realm::db& the_db() {
        if (!db)
            throw failure("no realm is open");
        return *db;
    }
    realm::sync_session session() { return *the_db().get_sync_session(); }
};

/// HTTP of the application that counts, and lets the built-in client send.
struct counting_transport : realm::networking::default_http_transport {
    explicit counting_transport(std::atomic<std::uint64_t>& requests) : requests(requests) {}
    void send_request_to_server(
        const realm::networking::request& request,
        std::function<void(const realm::networking::response&)>&& completion) override {
        ++requests;
        default_http_transport::send_request_to_server(request, std::move(completion));
    }
    std::atomic<std::uint64_t>& requests;
};

struct kept_log : realm::logger {
    void do_log(level, const std::string& line) override {
        std::lock_guard lock(mutex);
        text += line + '\n';
    }
    std::mutex mutex;
    std::string text;
};

using document = realm::bsoncxx::document;

void add_reading(realm::db& db, document fields) {
    Reading reading;
    auto at = [&](const char* name) { return realm::bsoncxx(fields[name]); };
    reading._id = at("_id").operator realm::object_id();
    reading.station = at("station").operator std::string();
    reading.value = at("value").operator double();
    reading.count = at("count").operator std::int64_t();
    reading.valid = at("valid").operator bool();
    reading.at = at("at").operator realm::bsoncxx::date().get_date();
    reading.price = at("price").operator realm::decimal128();
    reading.device = at("device").operator realm::uuid();
    if (at("note").get_type() != realm::bsoncxx::type::b_null)
        reading.note = at("note").operator std::string();
    realm::bsoncxx::array tags = at("tags");
    for (const auto& tag : tags)
        reading.tags.push_back(tag.operator std::string());
    Place place;
    if (at("place").get_type() != realm::bsoncxx::type::b_null) {
        document where = at("place");
        place = {realm::bsoncxx(where["latitude"]).operator double(),
                 realm::bsoncxx(where["longitude"]).operator double()};
        reading.place = &place;
    }
    db.add(reading);
}

void add(realm::db& db, const std::string& name, const std::string& json) {
    document fields = realm::internal::bson_from_ejson(json);
    if (name == "Reading")
        return add_reading(db, fields);
    if (name != "Alarm")
        throw failure("this door has no class " + name);
    Alarm alarm;
    alarm._id = realm::bsoncxx(fields["_id"]).operator std::int64_t();
    alarm.text = realm::bsoncxx(fields["text"]).operator std::string();
    db.add(alarm);
}

realm::App::credentials credentials(const command& given) {
    using made = realm::App::credentials;
    auto provider = given.text("provider");
    if (provider == "anon-user")
        return made::anonymous();
    if (provider == "local-userpass")
        return made::username_password(given.text("email"), given.text("password"));
    if (provider == "api-key")
        return made::api_key(given.text("key"));
    if (provider == "custom-token")
        return made::custom(given.text("token"));
    if (provider == "custom-function")
        return made::function(given.text("payload"));
    throw failure("this door has no provider " + provider);
}

realm::ingest::options options(const command& given) {
    realm::ingest::options chosen;
    if (given.has("durability"))
        chosen.durability = given.text("durability") == "relaxed"
                                ? realm::ingest::durability::relaxed
                                : realm::ingest::durability::full;
    if (given.has("max_documents"))
        chosen.cap.max_objects = static_cast<std::uint64_t>(given.number("max_documents"));
    if (given.has("cap_policy"))
        chosen.cap.policy =
            static_cast<realm::ingest::cap_policy>(number_of(policies, given.text("cap_policy")));
    chosen.urgent = given.texts("urgent");
    return chosen;
}

std::optional<std::array<char, 64>> optional_key(const command& given, const std::string& name) {
    return given.has(name) ? std::optional(given.key(name)) : std::nullopt;
}

std::uint64_t receipt_number(const command& given) { return std::stoull(given.text("number")); }

object state_of_receipt(realm::ingest::receipt_state state) {
    return object().text("state", receipt_states[static_cast<int>(state)]);
}

void add_users(commands& known, device& self) {
    known["open_app"] = [&](const command& given) {
        realm::App::configuration config;
        config.app_id = given.text("id");
        config.base_url = given.text("url");
        config.path = given.text("files");
        config.metadata_encryption_key = optional_key(given, "key");
        config.enable_caching = false;
        if (given.flag("own_http"))
            config.http_transport_client = std::make_shared<counting_transport>(self.requests);
        self.app.emplace(config);
        if (auto user = self.app->get_current_user())
            self.user = *user;
        return object();
    };
    known["register"] = [&](const command& given) {
        self.the_app().register_user(given.text("email"), given.text("password")).get();
        return object();
    };
    known["log_in"] = [&](const command& given) {
        self.user = self.the_app().login(credentials(given)).get();
        return object().text("user", self.user.identifier());
    };
    known["log_out"] = [&](const command&) {
        self.user.log_out().get();
        return object();
    };
    known["user"] = [&](const command&) {
        return object()
            .text("user", self.user.identifier())
            .text("state", user_states[static_cast<int>(self.user.state())]);
    };
    known["users"] = [&](const command&) {
        return object().json(
            "states", list(realm::ingest::all_users(self.the_app()), [](const realm::user& user) {
                return quoted(user_states[static_cast<int>(user.state())]);
            }));
    };
    known["switch_user"] = [&](const command& given) {
        self.user = realm::ingest::all_users(self.the_app()).at(given.number("index"));
        realm::ingest::switch_user(self.the_app(), self.user);
        return object();
    };
    known["remove_user"] = [&](const command&) {
        realm::ingest::remove_user(self.the_app(), self.user).get();
        return object();
    };
    known["delete_user"] = [&](const command&) {
        realm::ingest::delete_user(self.the_app(), self.user).get();
        return object();
    };
    known["link"] = [&](const command& given) {
        realm::ingest::link_user(self.user, credentials(given)).get();
        return object();
    };
    known["identities"] = [&](const command&) {
        return object().json("providers",
                             list(realm::ingest::identities(self.user),
                                  [](const auto& one) { return quoted(one.provider_type); }));
    };
    known["requests"] = [&](const command&) { return object().flag("any", self.requests != 0); };
    known["server_time"] = [&](const command&) {
        return object().flag("known", realm::ingest::server_time(self.the_app()).has_value());
    };
}

void add_realms(commands& known, device& self) {
    known["open_realm"] = [&](const command& given) {
        auto config = self.user.flexible_sync_configuration();
        config.sync_config().set_error_handler(
            [&](const realm::sync_session&, const realm::sync_error& error) {
                self.errors.put(error);
            });
        if (given.has("path"))
            config.set_path(given.text("path"));
        if (auto key = optional_key(given, "key"))
            config.set_encryption_key(*key);
        if (given.has("stop_policy"))
            config.sync_config().set_stop_policy(
                static_cast<realm::internal::bridge::realm::sync_session_stop_policy>(
                    number_of(stops, given.text("stop_policy"))));
        realm::ingest::set_options(config, options(given));
        self.config = config;
        self.db = realm::open<Reading, Alarm, Place>(config);
        return object();
    };
    known["close_realm"] = [&](const command&) {
        self.the_db().close();
        return object();
    };
    known["rekey"] = [&](const command& given) {
        realm::ingest::rekey(self.config.value(), optional_key(given, "new_key"));
        return object();
    };
    known["write"] = [&](const command& given) {
        auto receipt = realm::ingest::write(self.the_db(), [&] {
            for (const auto& [name, json] : given.documents())
                add(self.the_db(), name, json);
        });
        return object().text("number", std::to_string(receipt.number()));
    };
    known["abandon"] = [&](const command& given) {
        auto& db = self.the_db();
        db.begin_write();
        for (const auto& [name, json] : given.documents())
            add(db, name, json);
        db.invalidate();
        return object();
    };
    known["receipt"] = [&](const command& given) {
        return state_of_receipt(
            realm::ingest::receipt_of(self.the_db(), receipt_number(given)).state());
    };
    known["wait_for_receipt"] = [&](const command& given) {
        return state_of_receipt(realm::ingest::receipt_of(self.the_db(), receipt_number(given))
                                    .wait(std::chrono::milliseconds(given.number("timeout_ms"))));
    };
    known["status"] = [&](const command&) {
        auto status = realm::ingest::status(self.the_db());
        return object()
            .number("transactions", status.waiting.transactions)
            .number("documents", status.waiting.objects)
            .number("dropped", status.dropped.objects)
            .number("refused", status.refused_objects);
    };
}

void add_sessions(commands& known, device& self) {
    known["wait_for_upload"] = [&](const command& given) {
        auto done = self.session().wait_for_upload_completion();
        if (done.wait_for(std::chrono::milliseconds(given.number("timeout_ms"))) !=
            std::future_status::ready)
            throw failure("the upload was not complete within the time limit");
        done.get();
        return object();
    };
    known["pause"] = [&](const command&) {
        self.session().pause();
        return object();
    };
    known["resume"] = [&](const command&) {
        self.session().resume();
        return object();
    };
    known["reconnect"] = [&](const command&) {
        self.session().reconnect();
        return object();
    };
    known["session"] = [&](const command&) {
        auto session = self.session();
        return object()
            .text("state", session_states[static_cast<int>(session.state())])
            .text("connection", connection_states[static_cast<int>(session.connection_state())]);
    };
    known["error"] = [&](const command& given) {
        auto error = self.errors.take(given.number("timeout_ms"));
        auto refusals = list(error.compensating_writes_info(), [](const auto& one) {
            return object().text("class", one.object_name).text("reason", one.reason).done();
        });
        return object()
            .text("code", std::string(error.get_status().code_string()))
            .flag("fatal", error.is_fatal())
            .json("refusals", refusals);
    };
    known["watch_progress"] = [&](const command&) {
        realm::ingest::on_progress(self.the_db(), [&](const realm::ingest::progress& now) {
            if (now.fraction == 1)
                self.progress.put(now);
        });
        return object();
    };
    known["progress_done"] = [&](const command& given) {
        auto done = self.progress.take(given.number("timeout_ms"));
        return object().number("waiting", done.waiting_objects);
    };
}

void add_files(commands& known, device& self) {
    auto found = [&](const command& given) {
        return realm::ingest::stranded(self.the_app()).at(given.number("index"));
    };
    known["stranded"] = [&](const command&) {
        return object().json(
            "documents", list(realm::ingest::stranded(self.the_app()),
                              [](const auto& one) { return std::to_string(one.pending.objects); }));
    };
    known["export"] = [&, found](const command& given) {
        return object().number(
            "documents",
            realm::ingest::export_to(self.the_app(), found(given).path, given.text("destination")));
    };
    known["rehome"] = [&, found](const command& given) {
        realm::ingest::rehome(self.the_app(), found(given).path, self.user);
        return object();
    };
    known["discard"] = [&, found](const command& given) {
        return object().number("documents",
                               realm::ingest::discard(self.the_app(), found(given).path).objects);
    };
}

} // namespace

int main() {
    // What callbacks use lives as long as the process.
    static auto& self = *new device;
    auto log = std::make_shared<kept_log>();
    commands known;
    add_users(known, self);
    add_realms(known, self);
    add_sessions(known, self);
    add_files(known, self);
    known["listen_to_log"] = [&](const command&) {
        log->set_level_threshold(realm::logger::level::all);
        realm::set_default_logger(log);
        return object();
    };
    known["logged"] = [&](const command& given) {
        std::lock_guard lock(log->mutex);
        return object().flag("found", log->text.find(given.text("text")) != std::string::npos);
    };
    known["shutdown"] = [&](const command& given) {
        return object().flag("ended", realm::ingest::shutdown(
                                          std::chrono::milliseconds(given.number("timeout_ms"))));
    };
    return serve(known);
}
