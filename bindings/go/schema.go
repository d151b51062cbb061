package ingest

import "encoding/json"

// Class describes documents of one kind. Its name is that of the collection that they go to.
type Class struct {
	Name       string     `json:"name"`
	Kind       Kind       `json:"kind"`
	PrimaryKey string     `json:"primary_key,omitempty"` // of an asymmetric class, "_id"
	Properties []Property `json:"properties"`
}

// Kind says whether documents of a class stand alone.
type Kind string

const (
	Asymmetric Kind = "asymmetric" // sent to the server
	Embedded   Kind = "embedded"   // part of another document
)

// Property describes one field. Type is one of int, bool, string, data, date, float, double, decimal128, objectId, uuid,
// mixed and object.
type Property struct {
	Name       string `json:"name"`
	Type       string `json:"type"`
	Optional   bool   `json:"optional,omitempty"`   // the value, or an element of a collection, may be null
	Collection string `json:"collection,omitempty"` // list, set or dictionary
	Object     string `json:"object,omitempty"`     // with type object: the embedded class
}

// schemaJSON is the form in which the library takes classes.
func schemaJSON(classes []Class) (string, error) {
	schema, err := json.Marshal(map[string][]Class{"classes": classes})
	return string(schema), err
}
