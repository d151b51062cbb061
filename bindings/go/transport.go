package ingest

// #include <realm_ingest.h>
import "C"

import (
	"bytes"
	"context"
	"io"
	"net/http"
)

// send has the application's own HTTP send a request of the library, and gives its answer, or why there is none.
func send(transport http.RoundTripper, request *C.realm_ingest_http_request, answer *C.realm_ingest_http_answer) {
	defer C.realm_ingest_http_answer_send(answer)
	if err := exchange(transport, request, answer); err != nil {
		var reason *C.realm_ingest_error
		why, length := text(err.Error())
		_ = check(C.realm_ingest_http_answer_set_failure(answer, why, length, &reason), &reason)
	}
}

func exchange(
	transport http.RoundTripper, request *C.realm_ingest_http_request, answer *C.realm_ingest_http_answer,
) error {
	limit := duration(uint64(C.realm_ingest_http_request_timeout_ms(request)))
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	asked, err := requestOf(ctx, request)
	if err != nil {
		return err
	}
	answered, err := transport.RoundTrip(asked)
	if err != nil {
		return err
	}
	defer answered.Body.Close()
	content, err := io.ReadAll(answered.Body)
	if err != nil {
		return err
	}
	var reason *C.realm_ingest_error
	status := C.uint16_t(answered.StatusCode)
	if err := check(C.realm_ingest_http_answer_set_status(answer, status, &reason), &reason); err != nil {
		return err
	}
	for name, values := range answered.Header {
		for _, value := range values {
			n, nameLength := text(name)
			v, valueLength := text(value)
			code := C.realm_ingest_http_answer_add_header(answer, n, nameLength, v, valueLength, &reason)
			if err := check(code, &reason); err != nil {
				return err
			}
		}
	}
	body, length := raw(content)
	return check(C.realm_ingest_http_answer_set_body(answer, body, length, &reason), &reason)
}

func requestOf(ctx context.Context, request *C.realm_ingest_http_request) (*http.Request, error) {
	var method, url, body C.size_t
	content := goText(C.realm_ingest_http_request_body(request, &body), body)
	asked, err := http.NewRequestWithContext(
		ctx,
		goText(C.realm_ingest_http_request_method(request, &method), method),
		goText(C.realm_ingest_http_request_url(request, &url), url),
		bytes.NewReader([]byte(content)),
	)
	if err != nil {
		return nil, err
	}
	for i := range C.realm_ingest_http_request_header_count(request) {
		var name, value C.size_t
		asked.Header.Add(
			goText(C.realm_ingest_http_request_header_name(request, i, &name), name),
			goText(C.realm_ingest_http_request_header_value(request, i, &value), value),
		)
	}
	return asked, nil
}
