import io.realm.kotlin.internal.interop.AppCallback;
import io.realm.kotlin.internal.interop.sync.AppError;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** What a call to the server comes to. */
final class Answer<T> implements AppCallback<T> {
    private static final long SECONDS = 60;

    private final CompletableFuture<T> result = new CompletableFuture<>();

    @Override
    public void onSuccess(T value) {
        result.complete(value);
    }

    @Override
    public void onError(AppError error) {
        result.completeExceptionally(new Failure(error.getMessage() + " (status " + error.getHttpStatusCode() + ")"));
    }

    T await() {
        try {
            return result.get(SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException failed) {
            throw new Failure(failed.getCause().getMessage());
        } catch (TimeoutException | InterruptedException late) {
            throw new Failure("no answer within " + SECONDS + " s");
        }
    }

    /** The reason is told to who gave the command. */
    static final class Failure extends RuntimeException {
        private static final long serialVersionUID = 1;

        Failure(String reason) {
            super(reason);
        }
    }
}
