import io.realm.kotlin.internal.interop.realm_class_flags_e;
import io.realm.kotlin.internal.interop.realm_class_info_t;
import io.realm.kotlin.internal.interop.realm_collection_type_e;
import io.realm.kotlin.internal.interop.realm_property_flags_e;
import io.realm.kotlin.internal.interop.realm_property_info_t;
import io.realm.kotlin.internal.interop.realm_property_type_e;
import io.realm.kotlin.internal.interop.SWIGTYPE_p_p_realm_property_info;
import io.realm.kotlin.internal.interop.realmc;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bson.BsonArray;
import org.bson.BsonDocument;
import org.bson.BsonValue;

/**
 * Classes as a command gives them: [{"name": "Place", "kind": "embedded", "properties": {"name": "string", ...}}, ...].
 *
 * A type is the name of a scalar or of a class, then "?" if it can be null, then "[]" for a list, "<>" for a set, "{}" for a
 * dictionary of it. The primary key is "_id".
 */
final class Schema {
    enum Collection {
        NONE(realm_collection_type_e.RLM_COLLECTION_TYPE_NONE),
        LIST(realm_collection_type_e.RLM_COLLECTION_TYPE_LIST),
        SET(realm_collection_type_e.RLM_COLLECTION_TYPE_SET),
        DICTIONARY(realm_collection_type_e.RLM_COLLECTION_TYPE_DICTIONARY);

        final int code;

        Collection(int code) {
            this.code = code;
        }
    }

    /** `target` is null unless the property holds objects. */
    record Property(String name, int type, boolean nullable, Collection collection, String target) {
        boolean isKey() {
            return name.equals("_id");
        }
    }

    record ClassOf(String name, int kind, Map<String, Property> properties) {
        boolean isEmbedded() {
            return kind == realm_class_flags_e.RLM_CLASS_EMBEDDED;
        }
    }

    private static final Map<String, Integer> SCALARS =
            Map.ofEntries(
                    Map.entry("int", realm_property_type_e.RLM_PROPERTY_TYPE_INT),
                    Map.entry("bool", realm_property_type_e.RLM_PROPERTY_TYPE_BOOL),
                    Map.entry("string", realm_property_type_e.RLM_PROPERTY_TYPE_STRING),
                    Map.entry("data", realm_property_type_e.RLM_PROPERTY_TYPE_BINARY),
                    Map.entry("mixed", realm_property_type_e.RLM_PROPERTY_TYPE_MIXED),
                    Map.entry("date", realm_property_type_e.RLM_PROPERTY_TYPE_TIMESTAMP),
                    Map.entry("float", realm_property_type_e.RLM_PROPERTY_TYPE_FLOAT),
                    Map.entry("double", realm_property_type_e.RLM_PROPERTY_TYPE_DOUBLE),
                    Map.entry("decimal", realm_property_type_e.RLM_PROPERTY_TYPE_DECIMAL128),
                    Map.entry("objectId", realm_property_type_e.RLM_PROPERTY_TYPE_OBJECT_ID),
                    Map.entry("uuid", realm_property_type_e.RLM_PROPERTY_TYPE_UUID));
    private static final Map<String, Integer> KINDS =
            Map.of(
                    "asymmetric", realm_class_flags_e.RLM_CLASS_ASYMMETRIC,
                    "embedded", realm_class_flags_e.RLM_CLASS_EMBEDDED,
                    "regular", realm_class_flags_e.RLM_CLASS_NORMAL);

    private final Map<String, ClassOf> classes = new LinkedHashMap<>();

    Schema(BsonArray given) {
        for (BsonValue each : given) {
            BsonDocument one = each.asDocument();
            String name = one.getString("name").getValue();
            Map<String, Property> properties = new LinkedHashMap<>();
            one.getDocument("properties").forEach((property, type) -> properties.put(property, property(property, type.asString().getValue())));
            classes.put(name, new ClassOf(name, KINDS.get(one.getString("kind").getValue()), properties));
        }
    }

    private static Property property(String name, String type) {
        Collection collection = Collection.NONE;
        if (type.endsWith("[]")) {
            collection = Collection.LIST;
        } else if (type.endsWith("<>")) {
            collection = Collection.SET;
        } else if (type.endsWith("{}")) {
            collection = Collection.DICTIONARY;
        }
        String element = collection == Collection.NONE ? type : type.substring(0, type.length() - 2);
        boolean nullable = element.endsWith("?");
        String scalar = nullable ? element.substring(0, element.length() - 1) : element;
        Integer code = SCALARS.get(scalar);
        if (code == null) {
            // realm-core's rule: an object alone or in a dictionary can be null, in a list it cannot.
            nullable = collection != Collection.LIST && collection != Collection.SET;
            return new Property(name, realm_property_type_e.RLM_PROPERTY_TYPE_OBJECT, nullable, collection, scalar);
        }
        return new Property(name, code, nullable || scalar.equals("mixed"), collection, null);
    }

    ClassOf of(String name) {
        ClassOf found = classes.get(name);
        if (found == null) {
            throw new Answer.Failure("no class " + name);
        }
        return found;
    }

    Iterable<ClassOf> all() {
        return classes.values();
    }

    /** As realm-core takes it; the caller releases it. */
    long make() {
        realm_class_info_t infos = realmc.new_classArray(classes.size());
        SWIGTYPE_p_p_realm_property_info all = realmc.new_propertyArrayArray(classes.size());
        int at = 0;
        for (ClassOf one : classes.values()) {
            realm_class_info_t info = new realm_class_info_t();
            info.setName(one.name());
            info.setPrimary_key(one.properties().containsKey("_id") ? "_id" : "");
            info.setNum_properties(one.properties().size());
            info.setNum_computed_properties(0);
            info.setKey(realmc.getRLM_INVALID_CLASS_KEY());
            info.setFlags(one.kind());
            realm_property_info_t properties = realmc.new_propertyArray(one.properties().size());
            int number = 0;
            for (Property property : one.properties().values()) {
                realmc.propertyArray_setitem(properties, number++, made(property));
            }
            realmc.classArray_setitem(infos, at, info);
            realmc.propertyArrayArray_setitem(all, at++, properties);
        }
        return realmc.realm_schema_new(infos, classes.size(), all);
    }

    private static realm_property_info_t made(Property property) {
        realm_property_info_t info = new realm_property_info_t();
        info.setName(property.name());
        info.setPublic_name("");
        info.setType(property.type());
        info.setCollection_type(property.collection().code);
        info.setLink_target(property.target() == null ? "" : property.target());
        info.setLink_origin_property_name("");
        info.setKey(realmc.getRLM_INVALID_PROPERTY_KEY());
        int flags = property.nullable() ? realm_property_flags_e.RLM_PROPERTY_NULLABLE : realm_property_flags_e.RLM_PROPERTY_NORMAL;
        info.setFlags(property.isKey() ? flags | realm_property_flags_e.RLM_PROPERTY_PRIMARY_KEY : flags);
        return info;
    }
}
