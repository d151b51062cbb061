import io.realm.kotlin.internal.interop.realm_class_info_t;
import io.realm.kotlin.internal.interop.realm_property_info_t;
import io.realm.kotlin.internal.interop.realm_property_type_e;
import io.realm.kotlin.internal.interop.realm_value_t;
import io.realm.kotlin.internal.interop.realmc;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.bson.BsonArray;
import org.bson.BsonDocument;
import org.bson.BsonNull;
import org.bson.BsonString;
import org.bson.BsonValue;

/**
 * Makes objects of documents, call by call as an SDK does. What a document leaves out is left unset, and an embedded object that
 * is null likewise.
 */
final class Objects {
    private static final int MIXED = realm_property_type_e.RLM_PROPERTY_TYPE_MIXED;

    private record Keys(long table, Map<String, Long> columns) {}

    private final long realm;
    private final Schema schema;
    private final Map<String, Keys> keys = new HashMap<>();

    Objects(long realm, Schema schema) {
        this.realm = realm;
        this.schema = schema;
        for (Schema.ClassOf one : schema.all()) {
            realm_class_info_t found = new realm_class_info_t();
            realmc.realm_find_class(realm, one.name(), new boolean[1], found);
            Map<String, Long> columns = new HashMap<>();
            for (String property : one.properties().keySet()) {
                realm_property_info_t info = new realm_property_info_t();
                realmc.realm_find_property(realm, found.getKey(), property, new boolean[1], info);
                columns.put(property, info.getKey());
            }
            keys.put(one.name(), new Keys(found.getKey(), columns));
        }
    }

    /** The key of the class's table. */
    long table(String name) {
        return keys.get(name).table();
    }

    /** A new object; a write transaction must be open. */
    void create(String name, BsonDocument document) {
        Values.with(document.get("_id"), MIXED, key -> {
            long object = realmc.realm_object_create_with_primary_key(realm, table(name), key);
            fill(object, schema.of(name), document);
            realmc.realm_release(object);
        });
    }

    private void fill(long object, Schema.ClassOf of, BsonDocument document) {
        Map<String, Long> columns = keys.get(of.name()).columns();
        for (Schema.Property property : of.properties().values()) {
            BsonValue value = document.get(property.name());
            if (value != null && !property.isKey()) {
                set(object, columns.get(property.name()), property, value);
            }
        }
    }

    private void set(long object, long column, Schema.Property property, BsonValue value) {
        switch (property.collection()) {
            case LIST -> {
                long list = realmc.realm_get_list(object, column);
                fillList(list, property, value.asArray());
                realmc.realm_release(list);
            }
            case SET -> {
                long set = realmc.realm_get_set(object, column);
                for (BsonValue element : value.asArray()) {
                    Values.with(element, property.type(), made -> realmc.realm_set_insert(set, made, new long[1], new boolean[1]));
                }
                realmc.realm_release(set);
            }
            case DICTIONARY -> {
                long dictionary = realmc.realm_get_dictionary(object, column);
                fillDictionary(dictionary, property, value.asDocument());
                realmc.realm_release(dictionary);
            }
            case NONE -> {
                if (property.type() == MIXED && value.isArray()) {
                    released(realmc.realm_set_list(object, column), list -> fillList(list, property, value.asArray()));
                } else if (property.type() == MIXED && value.isDocument()) {
                    released(realmc.realm_set_dictionary(object, column), dictionary -> fillDictionary(dictionary, property, value.asDocument()));
                } else if (property.target() == null) {
                    Values.with(value, property.type(), made -> realmc.realm_set_value(object, column, made, false));
                } else if (schema.of(property.target()).isEmbedded()) {
                    released(realmc.realm_set_embedded(object, column), inner -> fill(inner, schema.of(property.target()), value.asDocument()));
                } else {
                    link(property.target(), value, made -> realmc.realm_set_value(object, column, made, false));
                }
            }
        }
    }

    private void fillList(long list, Schema.Property property, BsonArray values) {
        int at = 0;
        for (BsonValue element : values) {
            int place = at++;
            if (property.target() != null) {
                released(realmc.realm_list_insert_embedded(list, place), inner -> fill(inner, schema.of(property.target()), element.asDocument()));
            } else if (element.isArray()) {
                released(realmc.realm_list_insert_list(list, place), inner -> fillList(inner, property, element.asArray()));
            } else if (element.isDocument()) {
                released(realmc.realm_list_insert_dictionary(list, place), inner -> fillDictionary(inner, property, element.asDocument()));
            } else {
                Values.with(element, property.type(), made -> realmc.realm_list_insert(list, place, made));
            }
        }
    }

    private void fillDictionary(long dictionary, Schema.Property property, BsonDocument entries) {
        entries.forEach((name, value) -> Values.with(new BsonString(name), MIXED, key -> {
            if (property.target() != null && !value.isNull()) {
                released(
                        realmc.realm_dictionary_insert_embedded(dictionary, key),
                        inner -> fill(inner, schema.of(property.target()), value.asDocument()));
            } else if (value.isArray()) {
                released(realmc.realm_dictionary_insert_list(dictionary, key), inner -> fillList(inner, property, value.asArray()));
            } else if (value.isDocument()) {
                released(
                        realmc.realm_dictionary_insert_dictionary(dictionary, key),
                        inner -> fillDictionary(inner, property, value.asDocument()));
            } else {
                Values.with(value, property.type(), made -> realmc.realm_dictionary_insert(dictionary, key, made, new long[1], new boolean[1]));
            }
        }));
    }

    /** To an object of a class that is synced both ways, which is made where it is missing. */
    private void link(String target, BsonValue key, Consumer<realm_value_t> use) {
        if (key.equals(BsonNull.VALUE)) {
            Values.with(key, MIXED, use);
            return;
        }
        Values.with(
                key,
                MIXED,
                made -> released(
                        realmc.realm_object_get_or_create_with_primary_key(realm, table(target), made, new boolean[1]),
                        object -> Values.withLink(object, use)));
    }

    private static void released(long pointer, Consumer<Long> use) {
        use.accept(pointer);
        realmc.realm_release(pointer);
    }
}
