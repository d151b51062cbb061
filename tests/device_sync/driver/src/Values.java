import io.realm.kotlin.internal.interop.realm_binary_t;
import io.realm.kotlin.internal.interop.realm_decimal128_t;
import io.realm.kotlin.internal.interop.realm_link_t;
import io.realm.kotlin.internal.interop.realm_object_id_t;
import io.realm.kotlin.internal.interop.realm_property_type_e;
import io.realm.kotlin.internal.interop.realm_timestamp_t;
import io.realm.kotlin.internal.interop.realm_uuid_t;
import io.realm.kotlin.internal.interop.realm_value_t;
import io.realm.kotlin.internal.interop.realm_value_type_e;
import io.realm.kotlin.internal.interop.realmc;
import java.util.function.Consumer;
import org.bson.BsonValue;
import org.bson.types.Decimal128;

/** BSON values as realm-core's. */
final class Values {
    private static final byte UUID_SUBTYPE = 4;

    private Values() {}

    /** Lends the value to `use`; `type` is that of the property, which tells a float from a double. */
    static void with(BsonValue value, int type, Consumer<realm_value_t> use) {
        realm_value_t made = new realm_value_t();
        try {
            fill(made, value, type);
            use.accept(made);
        } finally {
            realmc.realm_value_t_cleanup(made);
            made.delete();
        }
    }

    static void withLink(long object, Consumer<realm_value_t> use) {
        realm_value_t made = new realm_value_t();
        realm_link_t link = realmc.realm_object_as_link(object);
        made.setType(realm_value_type_e.RLM_TYPE_LINK);
        made.setLink(link);
        use.accept(made);
        made.delete();
    }

    private static void fill(realm_value_t made, BsonValue value, int type) {
        switch (value.getBsonType()) {
            case NULL -> made.setType(realm_value_type_e.RLM_TYPE_NULL);
            case INT64 -> {
                made.setType(realm_value_type_e.RLM_TYPE_INT);
                made.setInteger(value.asInt64().getValue());
            }
            case INT32 -> {
                made.setType(realm_value_type_e.RLM_TYPE_INT);
                made.setInteger(value.asInt32().getValue());
            }
            case BOOLEAN -> {
                made.setType(realm_value_type_e.RLM_TYPE_BOOL);
                made.set_boolean(value.asBoolean().getValue());
            }
            case STRING -> {
                made.setType(realm_value_type_e.RLM_TYPE_STRING);
                made.setString(value.asString().getValue());
            }
            case DOUBLE -> {
                if (type == realm_property_type_e.RLM_PROPERTY_TYPE_FLOAT) {
                    made.setType(realm_value_type_e.RLM_TYPE_FLOAT);
                    made.setFnum((float) value.asDouble().getValue());
                } else {
                    made.setType(realm_value_type_e.RLM_TYPE_DOUBLE);
                    made.setDnum(value.asDouble().getValue());
                }
            }
            case DATE_TIME -> {
                long millis = value.asDateTime().getValue();
                realm_timestamp_t at = new realm_timestamp_t();
                // Both parts have one sign.
                at.setSeconds(millis / 1000);
                at.setNanoseconds((int) (millis % 1000) * 1_000_000);
                made.setType(realm_value_type_e.RLM_TYPE_TIMESTAMP);
                made.setTimestamp(at);
            }
            case OBJECT_ID -> {
                realm_object_id_t id = new realm_object_id_t();
                id.setBytes(shorts(value.asObjectId().getValue().toByteArray()));
                made.setType(realm_value_type_e.RLM_TYPE_OBJECT_ID);
                made.setObject_id(id);
            }
            case DECIMAL128 -> {
                Decimal128 number = value.asDecimal128().getValue();
                realm_decimal128_t bits = new realm_decimal128_t();
                bits.setW(new long[] {number.getLow(), number.getHigh()});
                made.setType(realm_value_type_e.RLM_TYPE_DECIMAL128);
                made.setDecimal128(bits);
            }
            case BINARY -> {
                byte[] data = value.asBinary().getData();
                if (value.asBinary().getType() == UUID_SUBTYPE) {
                    realm_uuid_t uuid = new realm_uuid_t();
                    uuid.setBytes(shorts(data));
                    made.setType(realm_value_type_e.RLM_TYPE_UUID);
                    made.setUuid(uuid);
                } else {
                    realm_binary_t binary = new realm_binary_t();
                    binary.setData(data);
                    binary.setSize(data.length);
                    made.setType(realm_value_type_e.RLM_TYPE_BINARY);
                    made.setBinary(binary);
                }
            }
            default -> throw new Answer.Failure("no value of type " + value.getBsonType());
        }
    }

    private static short[] shorts(byte[] bytes) {
        short[] wide = new short[bytes.length];
        for (int at = 0; at < bytes.length; at++) {
            wide[at] = (short) (bytes[at] & 0xff);
        }
        return wide;
    }
}
