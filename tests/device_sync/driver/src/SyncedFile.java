import io.realm.kotlin.internal.interop.CoreError;
import io.realm.kotlin.internal.interop.LiveRealmT;
import io.realm.kotlin.internal.interop.NativePointer;
import io.realm.kotlin.internal.interop.RealmConfigT;
import io.realm.kotlin.internal.interop.RealmInterop;
import io.realm.kotlin.internal.interop.RealmSyncConfigT;
import io.realm.kotlin.internal.interop.RealmSyncSessionT;
import io.realm.kotlin.internal.interop.RealmUserT;
import io.realm.kotlin.internal.interop.SchemaMode;
import io.realm.kotlin.internal.interop.SyncSessionTransferCompletionCallback;
import io.realm.kotlin.internal.interop.realmc;
import io.realm.kotlin.internal.interop.sync.SyncSessionResyncMode;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import java.util.function.LongFunction;
import org.bson.BsonArray;
import org.bson.BsonDocument;
import org.bson.BsonInt64;
import org.bson.BsonString;

/** A Realm file that is synced, of one user; to be used by one thread. */
final class SyncedFile {
    private static final RealmInterop CORE = RealmInterop.INSTANCE;

    private final Schema schema;
    private final NativePointer<LiveRealmT> realm;
    private final NativePointer<RealmSyncSessionT> session;
    private final Objects objects;
    private final List<BsonDocument> errors = new ArrayList<>();

    SyncedFile(NativePointer<RealmUserT> user, String path, Schema schema) {
        this.schema = schema;
        NativePointer<RealmSyncConfigT> sync = CORE.realm_flx_sync_config_new(user);
        CORE.realm_sync_config_set_resync_mode(sync, SyncSessionResyncMode.RLM_SYNC_SESSION_RESYNC_MODE_MANUAL);
        CORE.realm_sync_config_set_error_handler(sync, (session, error) -> {
            BsonDocument told = Told.of(error);
            synchronized (errors) {
                errors.add(told);
            }
        });
        NativePointer<RealmConfigT> config = CORE.realm_config_new();
        CORE.realm_config_set_path(config, path);
        realmc.realm_config_set_schema(CORE.cptr(config), schema.make());
        CORE.realm_config_set_schema_version(config, 0);
        CORE.realm_config_set_schema_mode(config, SchemaMode.RLM_SCHEMA_MODE_ADDITIVE_DISCOVERED);
        CORE.realm_config_set_sync_config(config, sync);
        realm = CORE.realm_open(config, CORE.realm_create_scheduler()).getFirst();
        session = CORE.realm_sync_session_get(realm);
        objects = new Objects(CORE.cptr(realm), schema);
    }

    /** All of the class's documents in one transaction, which is on the disk when this returns. */
    void write(String of, BsonArray documents) {
        transaction(() -> documents.forEach(document -> objects.create(of, document.asDocument())));
    }

    /**
     * Objects number `from` to before `to`, `each` a transaction. Numbers whose transaction is on the disk are in the ledger, one
     * a line, before the next begins.
     */
    void stream(String of, LongFunction<BsonDocument> document, long from, long to, long each, String ledger) throws IOException {
        try (FileOutputStream written = new FileOutputStream(ledger, true)) {
            for (long first = from; first < to; first += each) {
                long begin = first;
                long end = Math.min(first + each, to);
                transaction(() -> {
                    for (long number = begin; number < end; number++) {
                        objects.create(of, document.apply(number));
                    }
                });
                StringBuilder lines = new StringBuilder();
                for (long number = begin; number < end; number++) {
                    lines.append(number).append('\n');
                }
                written.write(lines.toString().getBytes(StandardCharsets.UTF_8));
            }
        }
    }

    private void transaction(Runnable body) {
        CORE.realm_begin_write(realm);
        try {
            body.run();
        } catch (RuntimeException failed) {
            CORE.realm_rollback(realm);
            throw failed;
        }
        CORE.realm_commit(realm);
    }

    void awaitUpload(long seconds) {
        await(CORE::realm_sync_session_wait_for_upload_completion, seconds);
    }

    void awaitDownload(long seconds) {
        await(CORE::realm_sync_session_wait_for_download_completion, seconds);
    }

    private void await(BiConsumer<NativePointer<RealmSyncSessionT>, SyncSessionTransferCompletionCallback> what, long seconds) {
        CompletableFuture<String> done = new CompletableFuture<>();
        what.accept(session, (CoreError error) -> done.complete(error == null ? "" : String.valueOf(error.getMessage())));
        try {
            String failure = done.get(seconds, TimeUnit.SECONDS);
            if (!failure.isEmpty()) {
                throw new Answer.Failure(failure);
            }
        } catch (TimeoutException late) {
            throw new Answer.Failure("not within " + seconds + " s");
        } catch (InterruptedException | ExecutionException never) {
            throw new IllegalStateException(never);
        }
    }

    /** Asks for objects of a class that is synced both ways; gives what became of that. */
    BsonDocument subscribe(String of, String query, long seconds) {
        long parsed = realmc.realm_query_parse(CORE.cptr(realm), objects.table(of), query, 0, null);
        long latest = realmc.realm_sync_get_latest_subscription_set(CORE.cptr(realm));
        long mutable = realmc.realm_sync_make_subscription_set_mutable(latest);
        realmc.realm_sync_subscription_set_insert_or_assign_query(mutable, parsed, null, new long[1], new boolean[1]);
        return commit(mutable, seconds);
    }

    /** Commits a set without subscriptions. */
    BsonDocument unsubscribe(long seconds) {
        long latest = realmc.realm_sync_get_latest_subscription_set(CORE.cptr(realm));
        long mutable = realmc.realm_sync_make_subscription_set_mutable(latest);
        realmc.realm_sync_subscription_set_clear(mutable);
        return commit(mutable, seconds);
    }

    private static BsonDocument commit(long mutable, long seconds) {
        long set = realmc.realm_sync_subscription_set_commit(mutable);
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        String state;
        do {
            pause();
            realmc.realm_sync_subscription_set_refresh(set);
            state = Told.subscriptions(realmc.realm_sync_subscription_set_state(set));
        } while (!state.equals("COMPLETE") && !state.equals("ERROR") && System.nanoTime() < end);
        String error = realmc.realm_sync_subscription_set_error_str(set);
        return new BsonDocument("state", new BsonString(state))
                .append("version", new BsonInt64(realmc.realm_sync_subscription_set_version(set)))
                .append("error", new BsonString(error == null ? "" : error));
    }

    private static void pause() {
        try {
            Thread.sleep(10);
        } catch (InterruptedException stopped) {
            throw new IllegalStateException(stopped);
        }
    }

    /** What its error handler was told so far. */
    BsonArray errors() {
        synchronized (errors) {
            return new BsonArray(List.copyOf(errors));
        }
    }

    BsonDocument state() {
        return new BsonDocument("session", new BsonString(Told.name(CORE.realm_sync_session_state(session))))
                .append("connection", new BsonString(Told.name(CORE.realm_sync_connection_state(session))));
    }

    void pauseSync() {
        CORE.realm_sync_session_pause(session);
    }

    void resumeSync() {
        CORE.realm_sync_session_resume(session);
    }

    /** The server is told (UNBIND) when nothing holds the session any more. */
    void close() {
        session.release();
        CORE.realm_close(realm);
        realm.release();
    }
}
