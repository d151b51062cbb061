package ingest

import "sync"

// handle is an object of the library. Any number of goroutines use it at once; after one has closed it, the last of
// them frees it.
type handle[P any] struct {
	object P
	free   func(P)

	mu     sync.Mutex
	users  int
	closed bool
}

func newHandle[P any](object P, free func(P)) *handle[P] {
	return &handle[P]{object: object, free: free}
}

// use calls with the object, which stays until the call returns, or fails with ErrClosed.
func (h *handle[P]) use(call func(P) error) error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return ErrClosed
	}
	h.users++
	h.mu.Unlock()
	defer h.leave()
	return call(h.object)
}

// close lets nobody use the object any more; the second time it does nothing.
func (h *handle[P]) close() {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	h.closed = true
	h.users++
	h.mu.Unlock()
	h.leave()
}

func (h *handle[P]) leave() {
	h.mu.Lock()
	h.users--
	last := h.closed && h.users == 0
	h.mu.Unlock()
	if last {
		h.free(h.object)
	}
}
