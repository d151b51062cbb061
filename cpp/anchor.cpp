// A library target needs a source; all code comes from cargo's archive.
