import io.realm.kotlin.internal.interop.sync.NetworkTransport;
import io.realm.kotlin.internal.interop.sync.Response;
import io.realm.kotlin.internal.interop.sync.ResponseCallback;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** How realm-core asks by HTTP: it leaves that to its SDK, which here is java.net.http. */
final class Transport implements NetworkTransport {
    /** What realm-core takes for "the request itself failed". */
    private static final int NO_ANSWER = 1;

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(Duration.ofSeconds(20)).build();

    @Override
    public void sendRequest(String method, String url, Map<String, String> headers, String body, ResponseCallback callback) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(60));
        headers.forEach(request::header);
        request.method(
                method.toUpperCase(),
                body.isEmpty() ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body));
        http.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString())
                .handle((answer, failure) -> failure == null ? told(answer) : new Response(0, NO_ANSWER, Map.of(), failure.toString()))
                .thenAccept(callback::response);
    }

    private static Response told(HttpResponse<String> answer) {
        Map<String, String> headers = new HashMap<>();
        answer.headers().map().forEach((name, values) -> headers.put(name, String.join(",", values)));
        return new Response(answer.statusCode(), 0, headers, answer.body());
    }

    @Override
    public String getAuthorizationHeaderName() {
        return "Authorization";
    }

    @Override
    public Map<String, String> getCustomHeaders() {
        return Map.of();
    }

    @Override
    public void close() {}
}
