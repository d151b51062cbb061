package ingest

// #include "callbacks.h"
import "C"

import (
	"net/http"
	"time"
)

// App is a server and its users. Any goroutine may use it. Close ends it; realms that were opened work on.
type App struct {
	handle *handle[*C.realm_ingest_app]
}

// AppConfig says how an app is opened.
type AppConfig struct {
	ID                    string
	BaseURL               string   // where the server is; empty stands for the environment variable REALM_INGEST_URL
	FallbackURLs          []string // of the same service, for while one cannot be reached
	Path                  string   // the folder for files; empty stands for the current one
	Proxy                 string   // http://[user:password@]host:port
	TrustedCertificates   string   // a PEM file with certificates to trust beside those of the system
	MetadataEncryptionKey []byte   // 64 bytes that encrypt the file with users and tokens

	// Transport sends everything, log-ins and documents, in place of the library's own HTTP, for which the settings above
	// are. Several goroutines use it at once, and it follows no redirects.
	Transport http.RoundTripper
}

// OpenApp opens an app. It does not use the network.
func OpenApp(config AppConfig) (*App, error) {
	var reason *C.realm_ingest_error
	var c *C.realm_ingest_app_config
	id, length := text(config.ID)
	if err := check(C.realm_ingest_app_config_new(id, length, &reason, &c), &reason); err != nil {
		return nil, err
	}
	defer C.realm_ingest_app_config_free(c)
	if err := config.apply(c); err != nil {
		return nil, err
	}
	var app *C.realm_ingest_app
	if err := check(C.realm_ingest_app_new(c, &reason, &app), &reason); err != nil {
		return nil, err
	}
	return &App{newHandle(app, func(app *C.realm_ingest_app) { C.realm_ingest_app_free(app) })}, nil
}

func (config AppConfig) apply(c *C.realm_ingest_app_config) error {
	var reason *C.realm_ingest_error
	if config.BaseURL != "" {
		url, length := text(config.BaseURL)
		if err := check(C.realm_ingest_app_config_set_base_url(c, url, length, &reason), &reason); err != nil {
			return err
		}
	}
	for _, fallback := range config.FallbackURLs {
		url, length := text(fallback)
		if err := check(C.realm_ingest_app_config_add_fallback_url(c, url, length, &reason), &reason); err != nil {
			return err
		}
	}
	if config.Path != "" {
		path, length := text(config.Path)
		if err := check(C.realm_ingest_app_config_set_path(c, path, length, &reason), &reason); err != nil {
			return err
		}
	}
	if config.Proxy != "" {
		url, length := text(config.Proxy)
		if err := check(C.realm_ingest_app_config_set_proxy(c, url, length, &reason), &reason); err != nil {
			return err
		}
	}
	if config.TrustedCertificates != "" {
		path, length := text(config.TrustedCertificates)
		code := C.realm_ingest_app_config_set_trusted_certificates(c, path, length, &reason)
		if err := check(code, &reason); err != nil {
			return err
		}
	}
	bytes, length := key(config.MetadataEncryptionKey)
	code := C.realm_ingest_app_config_set_metadata_encryption_key(c, bytes, length, &reason)
	if err := check(code, &reason); err != nil || config.Transport == nil {
		return err
	}
	return check(C.ingest_go_set_http_callback(c, given(config.Transport), &reason), &reason)
}

// Close ends the app's handle; the second time it does nothing.
func (a *App) Close() error {
	a.handle.close()
	return nil
}

// LogInAnonymously logs in without credentials. It waits for the server, except where an anonymous user is logged in
// already, who is then the user.
func (a *App) LogInAnonymously() (*User, error) {
	return a.user(func(app *C.realm_ingest_app, reason **C.realm_ingest_error, user **C.realm_ingest_user) C.realm_ingest_code {
		return C.realm_ingest_app_login_anonymous(app, reason, user)
	})
}

// LogInWithPassword logs in with an e-mail address and a password. It waits for the server.
func (a *App) LogInWithPassword(email, password string) (*User, error) {
	return a.user(func(app *C.realm_ingest_app, reason **C.realm_ingest_error, user **C.realm_ingest_user) C.realm_ingest_code {
		e, emailLength := text(email)
		p, passwordLength := text(password)
		return C.realm_ingest_app_login_password(app, e, emailLength, p, passwordLength, reason, user)
	})
}

// LogIn logs in by any provider, by its name in URLs (custom-token, api-key, custom-function, oauth2-google ...) and the
// body of its log-in, a JSON object. It waits for the server.
func (a *App) LogIn(provider, bodyJSON string) (*User, error) {
	credentials, err := credentialsOf(provider, bodyJSON)
	if err != nil {
		return nil, err
	}
	defer C.realm_ingest_credentials_free(credentials)
	return a.user(func(app *C.realm_ingest_app, reason **C.realm_ingest_error, user **C.realm_ingest_user) C.realm_ingest_code {
		return C.realm_ingest_app_login(app, credentials, reason, user)
	})
}

// CurrentUser is who logged in last and still is logged in, also over restarts; nil where nobody is. It asks no server.
func (a *App) CurrentUser() (*User, error) {
	return a.user(func(app *C.realm_ingest_app, reason **C.realm_ingest_error, user **C.realm_ingest_user) C.realm_ingest_code {
		return C.realm_ingest_app_current_user(app, reason, user)
	})
}

// Register registers an e-mail address with a password. The user still has to log in. It waits for the server.
func (a *App) Register(email, password string) error {
	return a.call(func(app *C.realm_ingest_app, reason **C.realm_ingest_error) C.realm_ingest_code {
		e, emailLength := text(email)
		p, passwordLength := text(password)
		return C.realm_ingest_app_register(app, e, emailLength, p, passwordLength, reason)
	})
}

// ServerTime is what the server's clock shows by its answers so far, and how far that may be off, either way; the zero time
// before the first answer. It asks no server.
func (a *App) ServerTime() (now time.Time, uncertainty time.Duration, err error) {
	var known C.bool
	var nowMS C.int64_t
	var uncertaintyMS C.uint64_t
	err = a.call(func(app *C.realm_ingest_app, reason **C.realm_ingest_error) C.realm_ingest_code {
		return C.realm_ingest_app_server_time(app, reason, &known, &nowMS, &uncertaintyMS)
	})
	if err != nil || !bool(known) {
		return time.Time{}, 0, err
	}
	return time.UnixMilli(int64(nowMS)), duration(uint64(uncertaintyMS)), nil
}

// user is what a call gives that has a user for its output.
func (a *App) user(
	call func(*C.realm_ingest_app, **C.realm_ingest_error, **C.realm_ingest_user) C.realm_ingest_code,
) (*User, error) {
	var user *C.realm_ingest_user
	err := a.call(func(app *C.realm_ingest_app, reason **C.realm_ingest_error) C.realm_ingest_code {
		return call(app, reason, &user)
	})
	if err != nil || user == nil {
		return nil, err
	}
	return newUser(user), nil
}

func (a *App) call(function func(*C.realm_ingest_app, **C.realm_ingest_error) C.realm_ingest_code) error {
	return a.handle.use(func(app *C.realm_ingest_app) error {
		var reason *C.realm_ingest_error
		return check(function(app, &reason), &reason)
	})
}
