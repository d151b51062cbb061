import io.realm.kotlin.jvm.SoLoader;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.bson.BsonArray;
import org.bson.BsonDateTime;
import org.bson.BsonDocument;
import org.bson.BsonDouble;
import org.bson.BsonInt64;
import org.bson.BsonString;
import org.bson.BsonValue;

/**
 * A device with a Realm SDK as it was shipped: takes commands as Extended JSON, one a line, from standard input, and answers
 * each with a line: {"answer": ...} or {"failure": "why"}. It ends without closing anything when the input does.
 *
 * <p>driver FOLDER, which keeps its users.
 */
public final class Driver {
    private final Path folder;
    private final Map<String, SyncedFile> files = new HashMap<>();
    private Account account;

    private Driver(Path folder) {
        this.folder = folder;
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        new SoLoader().load();
        Driver driver = new Driver(Files.createDirectories(Path.of(arguments[0])).toAbsolutePath());
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            BsonDocument said;
            try {
                said = new BsonDocument("answer", driver.obey(BsonDocument.parse(line)));
            } catch (Exception failed) {
                if (!(failed instanceof Answer.Failure)) {
                    failed.printStackTrace();
                }
                said = new BsonDocument("failure", new BsonString(String.valueOf(failed.getMessage())));
            }
            out.println(said.toJson());
        }
        Runtime.getRuntime().halt(0);
    }

    private BsonValue obey(BsonDocument command) throws Exception {
        String act = text(command, "do");
        switch (act) {
            case "app" -> {
                Account.log(text(command, "log"));
                account = new Account(text(command, "app"), text(command, "url"), folder);
            }
            case "register" -> account.register(text(command, "email"), text(command, "password"));
            case "log_in" -> {
                return new BsonString(account.logIn(text(command, "user"), command));
            }
            case "resume_user" -> {
                return new BsonString(account.resume(text(command, "user")));
            }
            case "user_state" -> {
                return new BsonString(account.state(text(command, "user")));
            }
            case "create_api_key" -> {
                return new BsonString(account.createApiKey(text(command, "user"), text(command, "name")));
            }
            case "reconnect" -> account.reconnect();
            case "await_end_of_sessions" -> account.awaitEndOfSessions();
            case "open" -> files.put(
                    text(command, "file"),
                    new SyncedFile(
                            account.user(text(command, "user")),
                            folder.resolve(text(command, "file") + ".realm").toString(),
                            new Schema(command.getArray("classes"))));
            default -> {
                SyncedFile file = files.get(text(command, "file"));
                if (file == null) {
                    throw new Answer.Failure("no file for " + act);
                }
                return obey(file, act, command);
            }
        }
        return new BsonString("done");
    }

    private BsonValue obey(SyncedFile file, String act, BsonDocument command) throws Exception {
        switch (act) {
            case "write" -> file.write(text(command, "class"), command.getArray("documents"));
            case "stream" -> {
                String device = text(command, "device");
                file.stream(
                        "Reading",
                        number -> reading(device, number),
                        number(command, "from"),
                        number(command, "to"),
                        number(command, "each"),
                        text(command, "ledger"));
            }
            case "await_upload" -> file.awaitUpload(number(command, "seconds"));
            case "await_download" -> file.awaitDownload(number(command, "seconds"));
            case "subscribe" -> {
                return file.subscribe(text(command, "class"), text(command, "query"), number(command, "seconds"));
            }
            case "unsubscribe" -> {
                return file.unsubscribe(number(command, "seconds"));
            }
            case "errors" -> {
                return file.errors();
            }
            case "state" -> {
                return file.state();
            }
            case "pause" -> file.pauseSync();
            case "resume" -> file.resumeSync();
            case "close" -> {
                file.close();
                files.remove(text(command, "file"));
            }
            default -> throw new Answer.Failure("no such command: " + act);
        }
        return new BsonString("done");
    }

    /** The object of this number; readings.py knows it too. */
    private static BsonDocument reading(String device, long number) {
        BsonArray samples = new BsonArray();
        for (long sample = 0; sample <= number % 3; sample++) {
            samples.add(new BsonInt64(number * 10 + sample));
        }
        return new BsonDocument("_id", new BsonString(device + "/" + number))
                .append("device", new BsonString(device))
                .append("number", new BsonInt64(number))
                .append("at", new BsonDateTime(1_700_000_000_000L + number * 1000))
                .append("celsius", new BsonDouble(number / 8.0))
                .append("samples", samples)
                .append("filler", new BsonString(String.valueOf((char) ('a' + number % 26)).repeat(number % 7 == 0 ? 200 : 20)));
    }

    private static String text(BsonDocument command, String name) {
        return command.getString(name).getValue();
    }

    private static long number(BsonDocument command, String name) {
        return command.getNumber(name).longValue();
    }
}
