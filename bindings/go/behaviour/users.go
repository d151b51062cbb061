package main

import (
	"encoding/json"
	"fmt"
	"strings"

	ingest "realm-ingest/go"
)

func (d *device) openApp(c command) (answer, error) {
	key, err := keyOf(c.Key)
	if err != nil {
		return nil, err
	}
	config := ingest.AppConfig{ID: c.ID, BaseURL: c.URL, Path: c.Files, MetadataEncryptionKey: key}
	if c.OwnHTTP {
		config.Transport = &d.http
	}
	if d.app, err = ingest.OpenApp(config); err != nil {
		return nil, err
	}
	d.user, err = d.app.CurrentUser()
	return nil, err
}

func (d *device) serverTime(command) (answer, error) {
	now, _, err := d.app.ServerTime()
	return answer{"known": !now.IsZero()}, err
}

// credentials are the provider and the body of its log-in.
func credentials(c command) (provider, body string) {
	switch c.Provider {
	case "local-userpass":
		return c.Provider, object(map[string]string{"username": c.Email, "password": c.Password})
	case "api-key":
		return c.Provider, object(map[string]string{"key": c.Key})
	case "custom-token":
		return c.Provider, object(map[string]string{"token": c.Token})
	default:
		return c.Provider, c.Payload
	}
}

func object(texts map[string]string) string {
	text, _ := json.Marshal(texts) // texts always can be
	return string(text)
}

func (d *device) logIn(c command) (_ answer, err error) {
	switch c.Provider {
	case "anon-user":
		d.user, err = d.app.LogInAnonymously()
	case "local-userpass":
		d.user, err = d.app.LogInWithPassword(c.Email, c.Password)
	default:
		d.user, err = d.app.LogIn(credentials(c))
	}
	if err != nil {
		return nil, err
	}
	return answer{"user": d.user.ID()}, nil
}

// state is a state as the suite has it.
func state(s ingest.UserState) string { return underscored(s.String()) }

func underscored(words string) string { return strings.ReplaceAll(words, " ", "_") }

func (d *device) showUser(command) (answer, error) {
	return answer{"user": d.user.ID(), "state": state(d.user.State())}, nil
}

func (d *device) users(command) (answer, error) {
	users, err := d.app.Users()
	states := []string{}
	for _, user := range users {
		states = append(states, state(user.State()))
		user.Close()
	}
	return answer{"states": states}, err
}

func (d *device) switchUser(c command) (answer, error) {
	users, err := d.app.Users()
	if err != nil {
		return nil, err
	}
	d.user = users[c.Index]
	return nil, d.app.SwitchTo(d.user)
}

func (d *device) identities(command) (answer, error) {
	identities, err := d.user.Identities()
	providers := []string{}
	for _, identity := range identities {
		providers = append(providers, identity.Provider)
	}
	return answer{"providers": providers}, err
}

func (d *device) stranded(command) (answer, error) {
	found, err := d.app.Stranded()
	documents := []uint64{}
	for _, one := range found {
		documents = append(documents, one.Documents)
	}
	return answer{"documents": documents}, err
}

// path is the file of the stranded outbox of an index.
func (d *device) path(c command) (string, error) {
	found, err := d.app.Stranded()
	if err != nil {
		return "", err
	}
	if c.Index >= len(found) {
		return "", fmt.Errorf("there are %d stranded outboxes", len(found))
	}
	return found[c.Index].Path, nil
}

func (d *device) export(c command) (answer, error) {
	path, err := d.path(c)
	if err != nil {
		return nil, err
	}
	documents, err := d.app.Export(path, c.Destination, nil)
	return answer{"documents": documents}, err
}

func (d *device) rehome(c command) (answer, error) {
	path, err := d.path(c)
	if err != nil {
		return nil, err
	}
	return nil, d.app.Rehome(path, d.user, nil)
}

func (d *device) discard(c command) (answer, error) {
	path, err := d.path(c)
	if err != nil {
		return nil, err
	}
	documents, err := d.app.Discard(path)
	return answer{"documents": documents}, err
}
