package ingest

// #include <realm_ingest.h>
import "C"

import "encoding/json"

// User is somebody who logged in. Any goroutine may use it. Close ends the handle; the user stays logged in.
type User struct {
	handle *handle[*C.realm_ingest_user]
}

func newUser(user *C.realm_ingest_user) *User {
	return &User{newHandle(user, func(user *C.realm_ingest_user) { C.realm_ingest_user_free(user) })}
}

// ID is the server's id of the user; empty after Close.
func (u *User) ID() (id string) {
	_ = u.handle.use(func(user *C.realm_ingest_user) error {
		var length C.size_t
		id = goText(C.realm_ingest_user_id(user, &length), length)
		return nil
	})
	return id
}

// UserState is what a user can do.
type UserState uint8

const (
	LoggedOut UserState = C.REALM_INGEST_USER_LOGGED_OUT // known, and without tokens: can log in again
	LoggedIn  UserState = C.REALM_INGEST_USER_LOGGED_IN
	Removed   UserState = C.REALM_INGEST_USER_REMOVED // gone for good: was removed, or was anonymous and has logged out
)

func (s UserState) String() string {
	return [...]string{"logged out", "logged in", "removed"}[min(s, Removed)]
}

// State is what the user can do; Removed after Close.
func (u *User) State() UserState {
	state := Removed
	_ = u.handle.use(func(user *C.realm_ingest_user) error {
		state = UserState(C.realm_ingest_user_state(user))
		return nil
	})
	return state
}

// LogOut forgets the tokens. What an anonymous user has not uploaded is lost; what others have not waits for them.
func (u *User) LogOut() error {
	return u.call(func(user *C.realm_ingest_user, reason **C.realm_ingest_error) C.realm_ingest_code {
		return C.realm_ingest_user_log_out(user, reason)
	})
}

// Link adds another way of logging in, by provider and body as of App.LogIn. The id stays; an anonymous user is not
// anonymous any more. It waits for the server.
func (u *User) Link(provider, bodyJSON string) error {
	credentials, err := credentialsOf(provider, bodyJSON)
	if err != nil {
		return err
	}
	defer C.realm_ingest_credentials_free(credentials)
	return u.call(func(user *C.realm_ingest_user, reason **C.realm_ingest_error) C.realm_ingest_code {
		return C.realm_ingest_user_link(user, credentials, reason)
	})
}

// Identity is one way in which a user logs in.
type Identity struct {
	ID       string `json:"id"`
	Provider string `json:"provider_type"` // such as local-userpass
}

// Identities are the ways in which the user logs in, as the server said last.
func (u *User) Identities() (identities []Identity, err error) {
	var shown *C.realm_ingest_text
	err = u.call(func(user *C.realm_ingest_user, reason **C.realm_ingest_error) C.realm_ingest_code {
		return C.realm_ingest_user_identities(user, reason, &shown)
	})
	if err != nil {
		return nil, err
	}
	defer C.realm_ingest_text_free(shown)
	var length C.size_t
	list := goText(C.realm_ingest_text_data(shown, &length), length)
	return identities, json.Unmarshal([]byte(list), &identities)
}

// Close ends the handle of the user; the second time it does nothing.
func (u *User) Close() error {
	u.handle.close()
	return nil
}

func (u *User) call(function func(*C.realm_ingest_user, **C.realm_ingest_error) C.realm_ingest_code) error {
	return u.handle.use(func(user *C.realm_ingest_user) error {
		var reason *C.realm_ingest_error
		return check(function(user, &reason), &reason)
	})
}

// credentialsOf are credentials of any provider. The caller frees them.
func credentialsOf(provider, bodyJSON string) (*C.realm_ingest_credentials, error) {
	var reason *C.realm_ingest_error
	var credentials *C.realm_ingest_credentials
	p, providerLength := text(provider)
	b, bodyLength := text(bodyJSON)
	code := C.realm_ingest_credentials_new(p, providerLength, b, bodyLength, &reason, &credentials)
	return credentials, check(code, &reason)
}
