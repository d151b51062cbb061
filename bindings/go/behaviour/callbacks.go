package main

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	ingest "realm-ingest/go"
)

// counted is HTTP of the application's own, by Go's.
type counted struct{ requests atomic.Int64 }

func (c *counted) RoundTrip(request *http.Request) (*http.Response, error) {
	c.requests.Add(1)
	return http.DefaultTransport.RoundTrip(request)
}

// logged is what the library logs.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logged) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

func (d *device) listenToLog() error {
	ingest.LogTo(slog.New(slog.NewTextHandler(&d.log, &slog.HandlerOptions{Level: slog.LevelDebug})), slog.LevelDebug)
	return nil
}
