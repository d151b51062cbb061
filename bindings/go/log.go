package ingest

// #include "callbacks.h"
import "C"

import (
	"context"
	"log/slog"
)

// The library's levels, and what they are to slog. It has none for the finest.
var levels = []struct {
	library C.uint8_t
	slog    slog.Level
}{
	{1, slog.LevelDebug - 4}, {2, slog.LevelDebug}, {4, slog.LevelInfo}, {5, slog.LevelWarn}, {6, slog.LevelError},
}

// Of the library: nothing is logged.
const logOff = 8

// LogTo sends the library's log of the whole process to the logger, from the level on; nil ends it. A handler is called on
// threads of the library, several at once.
func LogTo(logger *slog.Logger, level slog.Level) {
	if logger == nil {
		C.realm_ingest_set_log(logOff, nil, nil, nil)
		return
	}
	lowest := C.uint8_t(logOff)
	for _, known := range levels {
		if known.slog >= level {
			lowest = known.library
			break
		}
	}
	C.ingest_go_set_log(lowest, given(logger))
}

func logLine(logger *slog.Logger, level C.uint8_t, message string) {
	logger.Log(context.Background(), slogLevel(level), message)
}

func slogLevel(level C.uint8_t) slog.Level {
	for _, known := range levels {
		if known.library >= level {
			return known.slog
		}
	}
	return slog.LevelError
}
