import io.realm.kotlin.internal.interop.CoreLogLevel;
import io.realm.kotlin.internal.interop.NativePointer;
import io.realm.kotlin.internal.interop.RealmAppConfigT;
import io.realm.kotlin.internal.interop.RealmAppT;
import io.realm.kotlin.internal.interop.RealmCredentialsT;
import io.realm.kotlin.internal.interop.RealmInterop;
import io.realm.kotlin.internal.interop.RealmSyncClientConfigT;
import io.realm.kotlin.internal.interop.RealmUserT;
import io.realm.kotlin.internal.interop.SyncConnectionParams;
import io.realm.kotlin.internal.interop.SyncThreadObserver;
import io.realm.kotlin.internal.interop.sync.ApiKeyWrapper;
import io.realm.kotlin.internal.interop.sync.MetadataMode;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import kotlin.Unit;
import org.bson.BsonDocument;

/** An app of App Services as a device knows it, with its users, who are kept between starts. */
final class Account {
    private static final RealmInterop CORE = RealmInterop.INSTANCE;

    private final NativePointer<RealmAppT> app;
    private final Map<String, NativePointer<RealmUserT>> users = new HashMap<>();

    Account(String appId, String url, Path folder) {
        SyncConnectionParams device =
                new SyncConnectionParams("2.3.0", "device-sync-driver", "1", "test", "1", SyncConnectionParams.Runtime.JVM, "17");
        NativePointer<RealmAppConfigT> config =
                CORE.realm_app_config_new(appId, CORE.realm_network_transport_new(new Transport()), url, device);
        CORE.realm_app_config_set_base_file_path(config, folder.toString());
        CORE.realm_app_config_set_metadata_mode(config, MetadataMode.RLM_SYNC_CLIENT_METADATA_MODE_PLAINTEXT);
        NativePointer<RealmSyncClientConfigT> sync = CORE.realm_app_config_get_sync_client_config(config);
        CORE.realm_sync_client_config_set_multiplex_sessions(sync, true);
        CORE.realm_sync_client_config_set_user_agent_binding_info(sync, "RealmKotlin/2.3.0");
        CORE.realm_sync_client_config_set_default_binding_thread_observer(sync, "device");
        app = CORE.realm_app_get(config, folder.toString());
    }

    /** realm-core's own log, to standard error. */
    static void log(String level) {
        CORE.realm_set_log_callback((priority, category, message) -> System.err.println(category + " " + message));
        CORE.realm_set_log_level(CoreLogLevel.valueOf("RLM_LOG_LEVEL_" + level));
    }

    void register(String email, String password) {
        Answer<Unit> done = new Answer<>();
        CORE.realm_app_email_password_provider_client_register_email(app, email, password, done);
        done.await();
    }

    /** Logs a user in, whom later commands know by `name`; gives the user's id. */
    String logIn(String name, BsonDocument how) {
        NativePointer<RealmCredentialsT> credentials =
                switch (how.getString("with").getValue()) {
                    case "anonymous" -> CORE.realm_app_credentials_new_anonymous(false);
                    case "password" -> CORE.realm_app_credentials_new_email_password(
                            how.getString("email").getValue(), how.getString("password").getValue());
                    case "api_key" -> CORE.realm_app_credentials_new_api_key(how.getString("key").getValue());
                    case "jwt" -> CORE.realm_app_credentials_new_jwt(how.getString("token").getValue());
                    default -> throw new Answer.Failure("no such credentials");
                };
        Answer<NativePointer<RealmUserT>> user = new Answer<>();
        CORE.realm_app_log_in_with_credentials(app, credentials, user);
        return keep(name, user.await());
    }

    /** The user who was logged in last in an earlier life. */
    String resume(String name) {
        return keep(name, CORE.realm_app_get_current_user(app));
    }

    private String keep(String name, NativePointer<RealmUserT> user) {
        if (user == null) {
            throw new Answer.Failure("nobody is logged in");
        }
        users.put(name, user);
        return CORE.realm_user_get_identity(user);
    }

    String createApiKey(String user, String keyName) {
        Answer<ApiKeyWrapper> key = new Answer<>();
        CORE.realm_app_user_apikey_provider_client_create_apikey(app, user(user), keyName, key);
        return key.await().getValue();
    }

    NativePointer<RealmUserT> user(String name) {
        NativePointer<RealmUserT> user = users.get(name);
        if (user == null) {
            throw new Answer.Failure("no user " + name);
        }
        return user;
    }

    String state(String user) {
        return CORE.realm_user_get_state(user(user)).name();
    }

    /** Connects now what waits for its next attempt. */
    void reconnect() {
        CORE.realm_app_sync_client_reconnect(app);
    }

    /** Returns when the server knows that all sessions are closed. */
    void awaitEndOfSessions() {
        CORE.realm_app_sync_client_wait_for_sessions_to_terminate(app);
    }
}
