// The C interface within itself: in the log, in the application's own HTTP, and where a thread
// ends.
#include "c_api.hpp"

#include <atomic>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

namespace {

using namespace c_test;

struct c_within : with_gateway {
    user_ptr user = log_in(app);
    realm_ptr realm = open_realm(user, make_config());
};

/// Userdata of the log and of HTTP, with what is done there. Its owner waits for its end.
class inside {
public:
    explicit inside(std::function<void()> act) : act_(std::move(act)) {}
    ~inside() { freed_.get_future().wait(); }

    void* userdata() { return this; }
    int calls() const { return calls_; }

    static void log(void* userdata, std::uint8_t, const char*, std::size_t) { act(userdata); }
    static void send(void* userdata, const realm_ingest_http_request* request,
                     realm_ingest_http_answer* answer) {
        act(userdata);
        realm_ingest_http_request_forward(request, nullptr, answer, nullptr);
        realm_ingest_http_answer_send(answer);
    }
    static void free(void* userdata) { static_cast<inside*>(userdata)->freed_.set_value(); }

private:
    static void act(void* userdata) {
        auto& self = *static_cast<inside*>(userdata);
        self.act_();
        ++self.calls_;
    }

    std::function<void()> act_;
    std::atomic<int> calls_{0};
    std::promise<void> freed_;
};

/// Waits that would wait for themselves.
void expect_no_wait(const realm_ingest_realm* realm) {
    std::uint8_t state = 0;
    EXPECT_EQ(realm_ingest_realm_wait_for_upload(realm, -1, nullptr), REALM_INGEST_LOGIC_ERROR);
    EXPECT_EQ(realm_ingest_realm_wait_for(realm, 1, -1, nullptr, &state), REALM_INGEST_LOGIC_ERROR);
}

TEST_F(c_within, the_log_one_may_write_and_ask_and_not_wait) {
    // Every line may lead to others.
    inside log([&] {
        use(app, user, realm);
        realm_ingest_text* token = nullptr;
        realm_ingest_user_access_token(user.get(), nullptr, &token);
        realm_ingest_text_free(token);
        realm_ingest_text_free(token);
        expect_no_wait(realm.get());
    });
    realm_ingest_set_log(0, inside::log, log.userdata(), inside::free);
    auto other = log_in(open_app(gateway.url(), files.path / "other"));
    append(realm, "CLog", log_entry(2));
    EXPECT_EQ(wait(realm, 60000).code, REALM_INGEST_OK);
    realm_ingest_set_log(8, nullptr, nullptr, nullptr);
    EXPECT_GT(log.calls(), 0);
}

TEST_F(c_within, http_one_may_write_and_ask_and_not_wait) {
    std::mutex mutex;
    bool is_open = false;
    app_ptr with_http;
    user_ptr own;
    realm_ptr sent;
    inside http([&] {
        std::lock_guard lock(mutex);
        if (!is_open)
            return;
        use(with_http, own, sent);
        expect_no_wait(sent.get());
    });
    {
        auto config = app_config(gateway.url(), files.path / "own");
        realm_ingest_app_config_set_caching(config.get(), false, nullptr);
        realm_ingest_app_config_set_http_callback(config.get(), inside::send, http.userdata(),
                                                  inside::free, nullptr);
        with_http = open_app(config);
    }
    own = log_in(with_http);
    sent = open_realm(own, make_config());
    EXPECT_EQ(wait(sent, 60000).code, REALM_INGEST_OK);
    auto set_open = [&](bool now) {
        std::lock_guard lock(mutex);
        is_open = now;
    };
    set_open(true);
    append(sent, "CLog", log_entry(2));
    EXPECT_EQ(wait(sent, 60000).code, REALM_INGEST_OK);
    set_open(false);
    EXPECT_GT(http.calls(), 1);
    // It ends with them.
    sent.reset();
    own.reset();
    with_http.reset();
}

/// Uses the library when its thread ends, after what the library itself keeps for the thread has
/// ended.
struct at_the_end_of_a_thread {
    const app_ptr* app = nullptr;
    const user_ptr* user = nullptr;
    realm_ptr realm;
    outcome* written = nullptr;
    outcome* uploaded = nullptr;
    ~at_the_end_of_a_thread() {
        if (!app)
            return;
        use(*app, *user, realm);
        *written = append(realm, "CLog", log_entry(7));
        *uploaded = wait(realm, 60000);
        auto again = log_in(*app);
    }
};
thread_local at_the_end_of_a_thread last;

TEST_F(c_within, the_end_of_a_thread_everything_may_be_used) {
    outcome written{REALM_INGEST_PANIC, nullptr};
    outcome uploaded{REALM_INGEST_PANIC, nullptr};
    std::thread([&] {
        last.app = &app;
        last.user = &user;
        last.written = &written;
        last.uploaded = &uploaded;
        // Now the library has what it keeps for this thread, which ends before the other.
        last.realm = open_realm(user, make_config());
        append(last.realm, "CLog", log_entry(1));
        wait(last.realm, 60000);
    }).join();
    EXPECT_EQ(written.code, REALM_INGEST_OK) << written.message();
    EXPECT_EQ(uploaded.code, REALM_INGEST_OK) << uploaded.message();
    EXPECT_EQ(append(realm, "CLog", log_entry(8)).code, REALM_INGEST_OK);
}

} // namespace
