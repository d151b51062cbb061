import io.realm.kotlin.internal.interop.realm_flx_sync_subscription_set_state_e;
import io.realm.kotlin.internal.interop.realm_value_t;
import io.realm.kotlin.internal.interop.realm_value_type_e;
import io.realm.kotlin.internal.interop.sync.CoreCompensatingWriteInfo;
import io.realm.kotlin.internal.interop.sync.SyncError;
import java.lang.reflect.Method;
import java.util.HexFormat;
import org.bson.BsonArray;
import org.bson.BsonBoolean;
import org.bson.BsonDocument;
import org.bson.BsonInt32;
import org.bson.BsonString;

/** What realm-core tells an application, as documents. */
final class Told {
    private Told() {}

    static BsonDocument of(SyncError error) {
        BsonArray writes = new BsonArray();
        CoreCompensatingWriteInfo[] infos = error.getCompensatingWrites();
        for (CoreCompensatingWriteInfo info : infos == null ? new CoreCompensatingWriteInfo[0] : infos) {
            writes.add(new BsonDocument("class", new BsonString(info.getObjectName()))
                    .append("key", new BsonString(key(info)))
                    .append("reason", new BsonString(info.getReason())));
        }
        return new BsonDocument("code", new BsonInt32(error.getErrorCode().getErrorCodeNativeValue()))
                .append("message", new BsonString(String.valueOf(error.getErrorCode().getMessage())))
                .append("fatal", new BsonBoolean(error.isFatal()))
                .append("client_reset", new BsonBoolean(error.isClientResetRequested()))
                .append("compensating_writes", writes);
    }

    /** Its getter has a name that only Kotlin can say. It lends a value that is gone after the callback. */
    private static String key(CoreCompensatingWriteInfo info) {
        try {
            for (Method method : CoreCompensatingWriteInfo.class.getMethods()) {
                if (method.getName().startsWith("getPrimaryKey-")) {
                    return text((realm_value_t) method.invoke(info));
                }
            }
        } catch (ReflectiveOperationException failed) {
            throw new IllegalStateException(failed);
        }
        throw new IllegalStateException("a compensating write has no primary key");
    }

    private static String text(realm_value_t value) {
        return switch (value.getType()) {
            case realm_value_type_e.RLM_TYPE_NULL -> "null";
            case realm_value_type_e.RLM_TYPE_INT -> Long.toString(value.getInteger());
            case realm_value_type_e.RLM_TYPE_STRING -> value.getString();
            case realm_value_type_e.RLM_TYPE_OBJECT_ID -> hex(value.getObject_id().getBytes());
            case realm_value_type_e.RLM_TYPE_UUID -> hex(value.getUuid().getBytes());
            default -> "a value of type " + value.getType();
        };
    }

    private static String hex(short[] wide) {
        byte[] bytes = new byte[wide.length];
        for (int at = 0; at < bytes.length; at++) {
            bytes[at] = (byte) wide[at];
        }
        return HexFormat.of().formatHex(bytes);
    }

    static String subscriptions(int state) {
        return switch (state) {
            case realm_flx_sync_subscription_set_state_e.RLM_SYNC_SUBSCRIPTION_COMPLETE -> "COMPLETE";
            case realm_flx_sync_subscription_set_state_e.RLM_SYNC_SUBSCRIPTION_ERROR -> "ERROR";
            case realm_flx_sync_subscription_set_state_e.RLM_SYNC_SUBSCRIPTION_PENDING -> "PENDING";
            case realm_flx_sync_subscription_set_state_e.RLM_SYNC_SUBSCRIPTION_BOOTSTRAPPING -> "BOOTSTRAPPING";
            case realm_flx_sync_subscription_set_state_e.RLM_SYNC_SUBSCRIPTION_AWAITING_MARK -> "AWAITING_MARK";
            default -> "OTHER";
        };
    }

    /** RLM_SYNC_SESSION_STATE_ACTIVE is "ACTIVE". */
    static String name(Enum<?> state) {
        return state.name().replaceFirst("^RLM_SYNC_[A-Z]+_STATE_", "");
    }
}
