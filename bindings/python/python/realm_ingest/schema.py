"""Classes of documents, declared as dataclasses."""

from __future__ import annotations

import dataclasses
import json
import types
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import bson
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions

T = TypeVar("T", bound=type)

_OPTIONS: CodecOptions[Any] = CodecOptions(uuid_representation=UuidRepresentation.STANDARD)

# The type of a property by the type of its Python value, and how that becomes a value of BSON: an int of Python would be
# as short as it fits, and an int where a float is declared would stay one.
_TYPES: dict[Any, tuple[str, Callable[[Any], Any]]] = {
    bool: ("bool", bool),
    int: ("int", bson.Int64),
    float: ("double", float),
    str: ("string", str),
    bytes: ("data", bytes),
    datetime: ("date", lambda value: value),
    bson.ObjectId: ("objectId", lambda value: value),
    bson.Decimal128: ("decimal128", lambda value: value),
    uuid.UUID: ("uuid", lambda value: value),
}


class _Class:
    """A declared class: what the server is told of it, and how its objects become documents."""

    def __init__(self, declared: type, kind: str, primary_key: str | None) -> None:
        if not dataclasses.is_dataclass(declared):
            raise TypeError(f"{declared.__name__} is not a dataclass: put @dataclass under @{kind}")
        self.name = declared.__name__
        self.embedded: dict[str, _Class] = {}
        self._convert: dict[str, Callable[[Any], Any]] = {}
        properties = []
        hints = get_type_hints(declared)
        for field in dataclasses.fields(declared):
            described, convert = self._property(f"{self.name}.{field.name}", hints[field.name])
            properties.append({"name": field.name, **described})
            self._convert[field.name] = convert
        self.description: dict[str, Any] = {"name": self.name, "kind": kind, "properties": properties}
        if primary_key is not None:
            self.description["primary_key"] = primary_key

    def _property(self, name: str, hint: Any) -> tuple[dict[str, Any], Callable[[Any], Any]]:
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in (Union, types.UnionType) and len(arguments) == 2 and type(None) in arguments:
            inner = next(argument for argument in arguments if argument is not type(None))
            described, convert = self._property(name, inner)
            if "collection" not in described:
                return {**described, "optional": True}, lambda value: None if value is None else convert(value)
        elif origin is list:
            described, convert = self._property(name, arguments[0])
            if "collection" not in described:
                return {**described, "collection": "list"}, lambda value: [convert(item) for item in value]
        elif origin is dict and arguments[0] is str:
            described, convert = self._property(name, arguments[1])
            if "collection" not in described:
                return (
                    {**described, "collection": "dictionary"},
                    lambda value: {key: convert(item) for key, item in value.items()},
                )
        elif hint in _TYPES:
            kind, convert = _TYPES[hint]
            return {"type": kind}, convert
        elif isinstance(declared := getattr(hint, "__realm_class__", None), _Class):
            self.embedded.update({declared.name: declared, **declared.embedded})
            return {"type": "object", "object": declared.name}, declared.fields_of
        raise TypeError(f"{name} has a type that cannot be streamed: {hint}")

    def fields_of(self, value: Any) -> dict[str, Any]:
        """The fields of an object as BSON takes them."""
        return {name: convert(getattr(value, name)) for name, convert in self._convert.items()}


def asymmetric(declared: T) -> T:
    """Declares a dataclass whose objects are streamed. Its primary key is the field ``_id``.

    Fields are of type bool, int, float, str, bytes, datetime, ObjectId, Decimal128, UUID or a class declared as
    ``embedded``; ``| None`` makes one optional, ``list[...]`` and ``dict[str, ...]`` hold many.
    """
    declared.__realm_class__ = _Class(declared, "asymmetric", "_id")  # type: ignore[attr-defined]
    return declared


def embedded(declared: T) -> T:
    """Declares a dataclass whose objects are parts of others."""
    declared.__realm_class__ = _Class(declared, "embedded", None)  # type: ignore[attr-defined]
    return declared


def declared_class(kind: type) -> _Class:
    """What was declared of a class.

    Raises:
        TypeError: Nothing was.
    """
    declared = getattr(kind, "__realm_class__", None)
    if not isinstance(declared, _Class):
        raise TypeError(f"{kind.__name__} is not declared as asymmetric")
    return declared


def schema_of(classes: Iterable[type]) -> str:
    """The schema of these classes and of those that they embed, as JSON."""
    found: dict[str, _Class] = {}
    for kind in classes:
        declared = declared_class(kind)
        found.update({declared.name: declared, **declared.embedded})
    return json.dumps({"classes": [found[name].description for name in sorted(found)]})


def document_of(value: Any) -> tuple[str, bytes]:
    """The class of an object, and the object as BSON."""
    declared = declared_class(type(value))
    return declared.name, bson.encode(declared.fields_of(value), codec_options=_OPTIONS)
