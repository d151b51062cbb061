package ingest

// #include <realm_ingest.h>
import "C"

// Users are those that this device knows, logged in or out, in the order in which they first logged in. The caller closes
// them. It asks no server.
func (a *App) Users() ([]*User, error) {
	var list *C.realm_ingest_users
	err := a.call(func(app *C.realm_ingest_app, reason **C.realm_ingest_error) C.realm_ingest_code {
		return C.realm_ingest_app_users(app, reason, &list)
	})
	if err != nil {
		return nil, err
	}
	defer C.realm_ingest_users_free(list)
	var users []*User
	for i := range C.realm_ingest_users_count(list) {
		var reason *C.realm_ingest_error
		var user *C.realm_ingest_user
		if err := check(C.realm_ingest_users_get(list, i, &reason, &user), &reason); err != nil {
			for _, user := range users {
				user.Close()
			}
			return nil, err
		}
		users = append(users, newUser(user))
	}
	return users, nil
}

// SwitchTo makes a user who is logged in the current one. It asks no server.
func (a *App) SwitchTo(user *User) error {
	return a.with(user, func(
		app *C.realm_ingest_app, user *C.realm_ingest_user, reason **C.realm_ingest_error,
	) C.realm_ingest_code {
		return C.realm_ingest_app_switch_user(app, user, reason)
	})
}

// Remove forgets a user, with what was not uploaded; one who is logged in is logged out first, which waits for the server.
// The account at the server stays.
func (a *App) Remove(user *User) error {
	return a.with(user, func(
		app *C.realm_ingest_app, user *C.realm_ingest_user, reason **C.realm_ingest_error,
	) C.realm_ingest_code {
		return C.realm_ingest_app_remove_user(app, user, reason)
	})
}

// Delete deletes the account of a user who is logged in at the server, for which it waits, and then the user with what was
// not uploaded.
func (a *App) Delete(user *User) error {
	return a.with(user, func(
		app *C.realm_ingest_app, user *C.realm_ingest_user, reason **C.realm_ingest_error,
	) C.realm_ingest_code {
		return C.realm_ingest_app_delete_user(app, user, reason)
	})
}

// with calls with the app and one of its users.
func (a *App) with(
	user *User,
	function func(*C.realm_ingest_app, *C.realm_ingest_user, **C.realm_ingest_error) C.realm_ingest_code,
) error {
	return a.handle.use(func(app *C.realm_ingest_app) error {
		return user.call(func(user *C.realm_ingest_user, reason **C.realm_ingest_error) C.realm_ingest_code {
			return function(app, user, reason)
		})
	})
}
